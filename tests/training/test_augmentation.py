"""Augmentation moves boxes with what they frame, is a function of (seed, epoch, image id), and leaves what it does not touch as it is."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import ValidationError
from torch import Tensor
from torchvision.transforms.v2 import functional as tv

from contracts.errors import InputError
from training.augmentation import Change, augment, change_images, draw_change
from training.batches import open_split
from training.config import AugmentationKnobs
from training.screen_batch import ScreenBatch

SIZE = (96, 128)
OFF = AugmentationKnobs(
    colour_jitter=(0.4, 0.4, 0.2, 0.1), colour_jitter_probability=0, greyscale_probability=0, blur_probability=0, blur_sigma=(0.3, 1.0),
    crop_probability=0, crop_smallest_side=0.4, min_visible=0.4, scale_jitter=(1.0, 1.0),
)  # fmt: skip
GEOMETRY = OFF.model_copy(update={"crop_probability": 0.8, "scale_jitter": (0.5, 2.0)})
COLOURS = OFF.model_copy(update={"colour_jitter_probability": 1.0, "greyscale_probability": 0.2, "blur_probability": 0.5})
ALL = GEOMETRY.model_copy(update={"colour_jitter_probability": 0.8, "greyscale_probability": 0.2, "blur_probability": 0.5})


def screen(image_id: int, content_hw: tuple[int, int] = SIZE, markers: int = 6) -> ScreenBatch:
    """One packed screen, white, with markers: black boxes, of which no two touch."""
    rng = np.random.default_rng(image_id)
    image = torch.zeros(1, 3, *SIZE, dtype=torch.uint8)
    height, width = content_hw
    image[..., :height, :width] = 255
    boxes = []
    for cell in range(markers):
        left, top = cell % 3 * width // 3, cell // 3 * height // 2
        x1, y1 = left + int(rng.integers(2, width // 9)), top + int(rng.integers(2, height // 6))
        x2, y2 = x1 + int(rng.integers(4, width // 6)), y1 + int(rng.integers(4, height // 4))
        image[..., y1:y2, x1:x2] = 0
        boxes.append((x1, y1, x2, y2))
    return ScreenBatch(
        image, [torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)], [torch.arange(len(boxes))], torch.tensor([image_id]),
        torch.tensor([content_hw]), torch.tensor([content_hw]),
    )  # fmt: skip


def together(screens: list[ScreenBatch]) -> ScreenBatch:
    return ScreenBatch(
        torch.cat([s.images for s in screens]), [b for s in screens for b in s.boxes], [x for s in screens for x in s.labels],
        torch.cat([s.image_ids for s in screens]), torch.cat([s.content_hw for s in screens]), torch.cat([s.original_hw for s in screens]),
    )  # fmt: skip


@pytest.fixture(scope="module")
def screens() -> ScreenBatch:
    return together([screen(i, (96, 60) if i % 3 == 0 else SIZE) for i in range(1, 41)])


def ink_box(image: Tensor) -> tuple[int, int, int, int]:
    """The smallest box, in whole pixels, over everything in a [3, h, w] part of a screen that is darker than half."""
    rows, columns = torch.nonzero(image.float().mean(0) < 127.5, as_tuple=True)
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def test_boxes_stay_on_what_they_frame(screens: ScreenBatch) -> None:
    """Each kept box is found again from the pixels, to within a pixel; what is dark lies in a kept box or was dropped for being hardly visible."""
    found = 0
    for epoch in range(3):
        out = augment(screens, GEOMETRY, 0, epoch)
        for n, (image, boxes, labels) in enumerate(zip(out.images, out.boxes, out.labels, strict=True)):
            height, width = out.content_hw[n].tolist()
            change = draw_change(GEOMETRY, tuple(screens.content_hw[n].tolist()), SIZE, 0, epoch, int(screens.image_ids[n]))
            for box, label in zip(boxes.tolist(), labels.tolist(), strict=True):
                x1, y1, x2, y2 = (round(v) for v in box)
                assert 0 <= box[0] < box[2] <= width + 1e-3 and 0 <= box[1] < box[3] <= height + 1e-3
                if min(box[2] - box[0], box[3] - box[1]) < 3:
                    continue  # too thin for its edge to be found by a threshold
                top, left = max(0, y1 - 1), max(0, x1 - 1)
                part = image[:, top : min(height, y2 + 1), left : min(width, x2 + 1)]
                a, b, c, d = ink_box(part)
                assert np.abs(np.array([a + left, b + top, c + left, d + top]) - box).max() <= 1.0, (n, label, change)
                found += 1
            outside = image.float().mean(0) < 127.5
            outside[height:], outside[:, width:] = False, False
            for box in _moved(screens.boxes[n], change):
                outside[max(0, int(box[1] - 1)) : max(0, int(box[3] + 2)), max(0, int(box[0] - 1)) : max(0, int(box[2] + 2))] = False
            assert not outside.any()
    assert found > 300


def _moved(boxes: Tensor, change: Change) -> list[list[float]]:
    """Boxes after a change, unclipped, in arithmetic of its own."""
    x, y = change.crop[:2]
    sx, sy = change.size[1] / (change.crop[2] - x), change.size[0] / (change.crop[3] - y)
    return [[(x1 - x) * sx, (y1 - y) * sy, (x2 - x) * sx, (y2 - y) * sy] for x1, y1, x2, y2 in boxes.tolist()]


def test_elements_of_which_too_little_is_left_go_and_all_others_stay(screens: ScreenBatch) -> None:
    dropped = clipped = 0
    out = augment(screens, GEOMETRY, 0, 0)
    for n in range(len(screens)):
        change = draw_change(GEOMETRY, tuple(screens.content_hw[n].tolist()), SIZE, 0, 0, int(screens.image_ids[n]))
        kept = []
        for label, ((x1, y1, x2, y2), original) in enumerate(zip(_moved(screens.boxes[n], change), screens.boxes[n].tolist(), strict=True)):
            w, h = min(x2, change.size[1]) - max(x1, 0), min(y2, change.size[0]) - max(y1, 0)
            share = max(w, 0) * max(h, 0) / ((x2 - x1) * (y2 - y1))
            assert original[2] > original[0]
            if share >= GEOMETRY.min_visible:
                kept.append(label)
                clipped += share < 0.999
        assert out.labels[n].tolist() == kept and len(out.boxes[n]) == len(kept)
        dropped += 6 - len(kept)
    assert dropped > 20 and clipped > 5


def test_a_screen_without_elements_stays_one() -> None:
    empty = screen(1, markers=0)
    out = augment(together([empty, screen(2)]), ALL, 0, 0)
    assert out.boxes[0].shape == (0, 4) and out.labels[0].shape == (0,) and out.labels[0].dtype == torch.int64
    assert augment(empty, ALL, 0, 0).boxes[0].shape == (0, 4)


def test_beyond_the_screen_all_is_zero_and_inside_nothing_is_lost(screens: ScreenBatch) -> None:
    out = augment(screens, ALL, 3, 1)
    assert out.images.shape == screens.images.shape and out.images.dtype == torch.uint8
    for image, (height, width) in zip(out.images, out.content_hw.tolist(), strict=True):
        assert height <= SIZE[0] and width <= SIZE[1]
        assert image[:, height:].count_nonzero() == 0 and image[:, :, width:].count_nonzero() == 0
        assert image[:, :height, :width].float().mean() > 60  # white screens stay bright to their edges
        assert image[:, height - 1, width - 1].min() > 60


def test_it_is_a_function_of_seed_epoch_and_image_id_alone(screens: ScreenBatch) -> None:
    whole = augment(screens, ALL, 0, 5)
    order = torch.randperm(len(screens), generator=torch.Generator().manual_seed(0)).tolist()
    for n in order[:12]:
        alone = ScreenBatch(
            screens.images[n : n + 1], [screens.boxes[n]], [screens.labels[n]], screens.image_ids[n : n + 1], screens.content_hw[n : n + 1],
            screens.original_hw[n : n + 1],
        )  # fmt: skip
        out = augment(alone, ALL, 0, 5)
        assert torch.equal(out.images[0], whole.images[n])
        assert torch.equal(out.boxes[0], whole.boxes[n]) and torch.equal(out.labels[0], whole.labels[n])
    for seed, epoch in ((1, 5), (0, 6)):
        assert not torch.equal(augment(screens, ALL, seed, epoch).images, whole.images)


def test_both_formats_give_the_same_augmented_batches(packed: Path) -> None:
    found = []
    for loader, num_workers in (("beton", 1), ("shards", 2)):
        split = open_split("train", batch_size=4, loader=loader, shuffle_seed=5, num_workers=num_workers, augmentation=ALL)  # type: ignore[arg-type]
        split.order.set_epoch(1)
        found.append([split.augmented(batch) for batch in split])
    for a, b in zip(*found, strict=True):
        assert torch.equal(a.images, b.images) and torch.equal(a.content_hw, b.content_hw)
        assert all(torch.equal(x, y) for x, y in zip(a.boxes + a.labels, b.boxes + b.labels, strict=True))
    resumed = open_split("train", batch_size=1, loader="shards", shuffle_seed=5, augmentation=ALL, rank=1, world_size=2)
    resumed.order.set_epoch(1, start=4)
    assert torch.equal(torch.cat([resumed.augmented(batch).images for batch in resumed]), found[0][1].images[1::2])


def test_off_is_off(screens: ScreenBatch) -> None:
    out = augment(screens, OFF, 0, 0)
    assert torch.equal(out.images, screens.images) and torch.equal(out.content_hw, screens.content_hw)
    assert all(torch.equal(a, b) for a, b in zip(out.boxes + out.labels, screens.boxes + screens.labels, strict=True))


def test_the_batch_that_was_given_stays_as_it_is() -> None:
    batch = screen(3)
    before = batch.images.clone(), batch.boxes[0].clone()
    augment(batch, ALL.model_copy(update={"colour_jitter_probability": 1.0}), 0, 0)
    assert torch.equal(batch.images, before[0]) and torch.equal(batch.boxes[0], before[1])


def _change(**values: object) -> Change:
    full = {
        "content_hw": SIZE,
        "crop": (0, 0, SIZE[1], SIZE[0]),
        "size": SIZE,
        "sigma": 0.0,
        "brightness": 1.0,
        "contrast": 1.0,
        "saturation": 1.0,
        "hue": 0.0,
    }
    return Change(**{**full, **values})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def noise() -> Tensor:
    """Colours far enough from 0 and 255 for clamps to play no part."""
    return torch.rand(1, 3, *SIZE, generator=torch.Generator().manual_seed(0)) * 60 + 90


def test_scaling_is_that_of_pil(noise: Tensor) -> None:
    image = noise.round()
    pil = Image.fromarray(image[0].permute(1, 2, 0).byte().numpy())
    for crop, size in (((0, 0, 128, 96), (48, 64)), ((10, 20, 74, 68), (72, 96)), ((5, 6, 105, 86), (53, 67)), ((3, 4, 53, 44), (40, 50))):
        expected = torch.from_numpy(np.array(pil.crop(crop).resize(size[::-1], Image.Resampling.BILINEAR))).permute(2, 0, 1)
        out = change_images(image, [_change(crop=crop, size=size)])
        assert (out[0, :, : size[0], : size[1]] - expected).abs().max() < 1.01  # PIL rounds between rows and columns
        assert out[..., size[0] :, :].count_nonzero() == out[..., size[1] :].count_nonzero() == 0


def test_colours_are_those_of_torchvision(noise: Tensor) -> None:
    """Floats in [0, 1], one adjustment at a time (between two of them torchvision clamps, which this does not)."""
    for name, adjust, factor in (
        ("brightness", tv.adjust_brightness, 1.3), ("contrast", tv.adjust_contrast, 0.7), ("saturation", tv.adjust_saturation, 1.2),
        ("saturation", tv.adjust_saturation, 0.0),
    ):  # fmt: skip
        expected = adjust(noise / 255, factor) * 255
        # torchvision's weights of luma have four digits, 0.2989 for red
        torch.testing.assert_close(change_images(noise, [_change(**{name: factor})]), expected, atol=0.05, rtol=0)


def test_hue_turns_colours_and_leaves_greys(noise: Tensor) -> None:
    image = torch.zeros(1, 3, *SIZE)
    image[:, 0] = 200  # red
    third = change_images(image, [_change(hue=1 / 3)])
    torch.testing.assert_close(third[:, 1], image[:, 0], atol=1e-3, rtol=0)  # red has become green
    assert third[:, 0].max() < 1e-3
    grey = noise[:, :1].expand(-1, 3, -1, -1)
    torch.testing.assert_close(change_images(grey, [_change(hue=0.1)]), grey, atol=1e-3, rtol=0)
    turned = change_images(noise, [_change(hue=0.1)])
    torch.testing.assert_close(turned.sum(1), noise.sum(1), atol=1e-2, rtol=0)
    assert (turned - noise).abs().mean() > 3


def test_blur_is_gaussian_and_keeps_flat_areas_to_the_edge(noise: Tensor) -> None:
    flat = torch.full((1, 3, *SIZE), 130.0)
    torch.testing.assert_close(change_images(flat, [_change(sigma=1.0)]), flat, atol=1e-3, rtol=0)
    inner = (..., slice(8, -8), slice(8, -8))
    expected = tv.gaussian_blur(noise, kernel_size=[13, 13], sigma=[1.0, 1.0])
    torch.testing.assert_close(change_images(noise, [_change(sigma=1.0)])[inner], expected[inner], atol=1e-2, rtol=0)


def test_contrast_and_brightness_of_a_padded_screen_are_those_of_the_screen(noise: Tensor) -> None:
    small = (40, 50)
    padded = torch.zeros_like(noise)
    padded[..., :40, :50] = noise[..., :40, :50]
    change = _change(content_hw=small, crop=(0, 0, 50, 40), size=small, contrast=0.6)
    out = change_images(padded, [change])
    torch.testing.assert_close(out[..., :40, :50], tv.adjust_contrast(noise[..., :40, :50] / 255, 0.6) * 255, atol=0.05, rtol=0)
    assert out[..., 40:, :].count_nonzero() == out[..., 50:].count_nonzero() == 0


def test_each_change_is_as_frequent_and_as_strong_as_its_knob_says() -> None:
    changes = [draw_change(ALL, SIZE, SIZE, 0, epoch, image_id) for epoch in range(4) for image_id in range(500)]
    share = lambda of: sum(map(of, changes)) / len(changes)  # noqa: E731
    assert share(lambda c: c.saturation == 0) == pytest.approx(0.2, abs=0.03)
    assert share(lambda c: c.sigma > 0) == pytest.approx(0.5, abs=0.04)
    assert share(lambda c: c.brightness != 1) == pytest.approx(0.8, abs=0.03)
    assert share(lambda c: c.crop != (0, 0, 128, 96)) == pytest.approx(0.8, abs=0.03)
    for name, strength in (("brightness", 0.4), ("contrast", 0.4), ("hue", 0.1)):
        values = np.array([getattr(c, name) for c in changes if c.brightness != 1]) - (name != "hue")
        assert -strength <= values.min() < -0.98 * strength and 0.98 * strength < values.max() <= strength
    widths = np.array([c.crop[2] - c.crop[0] for c in changes if c.crop != (0, 0, 128, 96)])
    assert widths.min() == round(0.4 * 128) and widths.max() == 128
    scales = np.array([c.size[1] / (c.crop[2] - c.crop[0]) for c in changes])
    assert 0.48 < scales.min() < 0.52 and 1.5 < scales.max() < 2.05
    assert all(c.size[0] <= 96 and c.size[1] <= 128 for c in changes)


def test_one_knob_does_not_change_what_the_others_do() -> None:
    a, b = (draw_change(knobs, SIZE, SIZE, 0, 0, 9) for knobs in (ALL, ALL.model_copy(update={"crop_probability": 0.0})))
    assert (a.brightness, a.hue, a.sigma) == (b.brightness, b.hue, b.sigma)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("colour_jitter", (0.4, 0.4, 0.2, 0.6), "colour_jitter"),
        ("blur_sigma", (1.0, 0.5), "blur_sigma"),
        ("scale_jitter", (0.0, 1.0), "scale_jitter"),
    ],
)
def test_impossible_settings_are_refused(name: str, value: object, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        AugmentationKnobs(**{**OFF.model_dump(), name: value})


def test_only_shuffled_batches_are_augmented(packed: Path) -> None:
    with pytest.raises(InputError, match="augmentation: needs a seed"):
        open_split("val", batch_size=1, augmentation=ALL)


def test_training_steps_see_augmented_screens_and_validation_does_not(packed: Path) -> None:
    from contracts.knobs import load_hardware
    from training.loop import Plan, Task, open_data

    data = open_data(load_hardware("pretrain_mae"), 5, "pretrain_mae", ALL)
    seen: list[ScreenBatch] = []

    class Watching(Task):
        def losses(self, batch: ScreenBatch, batch_idx: int) -> tuple[Tensor, dict[str, Tensor]]:
            seen.append(batch)
            return torch.zeros(()), {}

    task = Watching(torch.nn.Linear(1, 1), Plan(1, 2, 1, 0, 1), data, "32-true")
    data.train.order.set_epoch(3)
    batch = next(iter(data.train))
    task.training_step(batch, 0)
    assert torch.equal(seen[0].images, augment(batch, ALL, 5, 3).images) and not torch.equal(seen[0].images, batch.images)
    assert data.val.augmentation is None and data.val.augmented(batch) is batch
