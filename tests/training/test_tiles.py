"""Tiles: they cover a screen, and what an exact detector finds in them merges to exactly what is on the screen."""

import itertools

import numpy as np
import pytest
import torch

from contracts.errors import InputError
from tests.training.test_models import IMAGE_SIZE, config
from training.detect import Detections
from training.models.detector import build_detector
from training.tiles import Tile, detect_in_tiles, merge, tiles

SIZES = [
    ((800, 1024), (800, 1024), 0),
    ((801, 1024), (800, 1024), 160),
    ((2160, 3840), (800, 1024), 160),
    ((500, 3000), (800, 1024), 200),
    ((97, 61), (20, 30), 7),
]


@pytest.mark.parametrize(("screen", "tile", "overlap"), SIZES)
def test_tiles_cover_the_screen_and_overlap(screen: tuple[int, int], tile: tuple[int, int], overlap: int) -> None:
    parts = tiles(screen, tile, overlap)
    seen = np.zeros(screen, dtype=int)
    for part in parts:
        assert part.x >= 0 and part.x + part.width <= screen[1] and part.y >= 0 and part.y + part.height <= screen[0]
        assert (part.height, part.width) == (min(tile[0], screen[0]), min(tile[1], screen[1]))
        assert part.cut == (part.x > 0, part.y > 0, part.x + part.width < screen[1], part.y + part.height < screen[0])
        seen[part.y : part.y + part.height, part.x : part.x + part.width] += 1
    assert seen.min() >= 1
    for starts, side in (({p.x for p in parts}, parts[0].width), ({p.y for p in parts}, parts[0].height)):
        assert all(b - a <= side - overlap for a, b in itertools.pairwise(sorted(starts)))
        least = -(-(max(starts) + side - overlap) // (side - overlap))
        assert len(starts) == max(1, least)  # no tile too many


def test_an_overlap_as_large_as_a_tile_is_refused() -> None:
    with pytest.raises(InputError, match=r"overlap: must be at least 0 and less than a tile's side, 20. Found: 20"):
        tiles((100, 100), (20, 30), 20)


def exact(boxes: np.ndarray, labels: np.ndarray, part: Tile) -> Detections:
    """What a detector without error finds in a tile: each element that shows at least 6 pixels each way, cut at the tile's edges."""
    corner = np.array([part.x, part.y, part.x, part.y])
    inside = np.clip(boxes - corner, 0, [part.width, part.height, part.width, part.height])
    shown = (inside[:, 2:] - inside[:, :2]).min(1) >= 6
    scores = 0.5 + 0.4 * np.arange(len(boxes)) / len(boxes)
    return Detections(torch.tensor(inside[shown], dtype=torch.float32), torch.tensor(scores[shown]), torch.tensor(labels[shown]))


@pytest.mark.parametrize("seed", range(8))
def test_what_an_exact_detector_finds_in_tiles_is_what_is_on_the_screen(seed: int) -> None:
    """Elements of a layout from icons to bars across the whole screen, in cells so that none lie on each other."""
    rng = np.random.default_rng(seed)
    height, width = int(rng.integers(300, 500)), int(rng.integers(400, 700))
    ys = np.cumsum([0, *rng.integers(24, 130, size=20)])
    boxes = []
    for top, bottom in itertools.pairwise(ys[ys <= height]):
        xs = np.unique(np.clip([0, *np.cumsum(rng.integers(24, 400, size=20)), width], 0, width))
        boxes += [(left + 2, top + 2, right - 2, bottom - 2) for left, right in itertools.pairwise(xs) if right - left >= 24]
    everything = np.array(boxes, dtype=float)
    labels = rng.integers(0, 3, size=len(everything))
    parts = tiles((height, width), (160, 200), 48)
    assert len(parts) > 4
    merged = merge(parts, [exact(everything, labels, part) for part in parts])
    found = sorted((*box, label) for box, label in zip(merged.boxes.tolist(), merged.labels.tolist(), strict=True))
    assert found == sorted((*box, label) for box, label in zip(everything.tolist(), labels.tolist(), strict=True))
    assert (merged.scores[:-1] >= merged.scores[1:]).all()


def test_boxes_of_one_tile_do_not_suppress_each_other() -> None:
    """A detector may mean it: a card within a card."""
    (part,) = tiles((100, 100), (100, 100), 0)
    both = Detections(torch.tensor([[10.0, 10, 90, 90], [12, 12, 88, 88]]), torch.tensor([0.9, 0.8]), torch.tensor([1, 1]))
    merged = merge([part], [both])
    assert torch.equal(merged.boxes, both.boxes) and merged.labels.tolist() == [1, 1]


def test_the_better_of_two_tiles_is_kept_and_classes_do_not_mix() -> None:
    left, right = tiles((60, 150), (60, 100), 50)
    merged = merge(
        [left, right],
        [
            Detections(torch.tensor([[60.0, 10, 80, 30]]), torch.tensor([0.5]), torch.tensor([1])),
            Detections(torch.tensor([[11.0, 10, 31, 30], [10, 10, 30, 30]]), torch.tensor([0.7, 0.6]), torch.tensor([1, 2])),
        ],
    )
    assert merged.boxes.tolist() == [[61.0, 10, 81, 30], [60.0, 10, 80, 30]]
    assert merged.labels.tolist() == [1, 2]


def test_a_screen_larger_than_the_model_is_detected_in_its_own_pixels() -> None:
    model = build_detector(config()).eval()
    image = torch.randint(256, (3, 100, 150), dtype=torch.uint8)
    found = detect_in_tiles(model, image, overlap=24, most=900, micro_batch=3)
    assert len(found.boxes) == len(found.scores) == len(found.labels) > 0
    assert (found.boxes >= 0).all() and (found.boxes[:, 2] <= 150).all() and (found.boxes[:, 3] <= 100).all()
    assert found.boxes[:, 2].max() > IMAGE_SIZE[1]  # from more than the first tile
    few = detect_in_tiles(model, image, overlap=24, most=10, micro_batch=3)
    assert 0 < len(few.scores) <= 10 and few.scores[0] == found.scores[0]


def test_a_screen_of_the_models_size_is_one_tile() -> None:
    from training.batches import ScreenBatch
    from training.detect import detect

    model = build_detector(config()).eval()
    image = torch.randint(256, (1, 3, *IMAGE_SIZE), dtype=torch.uint8)
    size = torch.tensor([IMAGE_SIZE])
    (alone,) = detect(model, ScreenBatch(image, [], [], torch.tensor([0]), size, size))
    in_tiles = detect_in_tiles(model, image[0], overlap=24, most=900)
    torch.testing.assert_close(in_tiles.scores, alone.scores)
    torch.testing.assert_close(in_tiles.boxes, alone.boxes)
