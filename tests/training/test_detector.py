"""The detector's forms: contrastive denoising, query selection, sizes, saving; see test_detector_parity for its agreement with transformers."""

from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from contracts.knobs import load_knobs
from contracts.taxonomy import NAMES
from training.config import TrainDetectorKnobs
from training.losses.detection import LossWeights, Target, denoising_losses, detection_loss, to_xyxy
from training.models.denoising import NoisyQueries, noisy_queries, visible
from training.models.detector import Detector, DetectorConfig, Prediction, build_detector

PARAMS = Path(__file__).parents[2] / "params.yaml"
SIZE = (64, 96)
WEIGHTS = LossWeights(focal=2, l1=5, giou=2)
MIXED: dict[str, Any] = {"query_selection": "mixed", "denoising_queries": 12, "look_forward_twice": True}


def tiny(**changes: Any) -> DetectorConfig:
    values = {
        "encoder": "swin_nano", "image_size": SIZE, "class_names": NAMES[:5], "num_queries": 6, "d_model": 16, "heads": 2, "levels": 3, "points": 2,
        "encoder_layers": 1, "decoder_layers": 2, "ffn_dim": 32, "dropout": 0.0, "box_refinement": True, "two_stage": True,
    }  # fmt: skip
    return DetectorConfig.model_validate({**values, **changes})


def some_targets() -> list[Target]:
    """Two elements on the first screen, none on the second."""
    return [
        Target(torch.tensor([3, 1]), torch.tensor([[0.3, 0.4, 0.2, 0.2], [0.6, 0.6, 0.3, 0.1]])),
        Target(torch.zeros(0, dtype=torch.int64), torch.zeros(0, 4)),
    ]


def noise(targets: list[Target], number: int = 12, label_noise: float = 0.5, box_noise: float = 1.0, seed: int = 0) -> NoisyQueries:
    seeds = [(seed, 0, i) for i in range(len(targets))]
    return noisy_queries([t.labels for t in targets], [t.boxes for t in targets], number, 5, label_noise, box_noise, seeds)


def test_noisy_queries_come_in_groups_of_every_element_twice() -> None:
    noisy = noise(some_targets())
    assert noisy.used.sum(1).tolist() == [12, 0]
    assert noisy.group[0].tolist() == [0] * 4 + [1] * 4 + [2] * 4
    for group in range(3):
        members = noisy.group[0] == group
        for positive in (True, False):
            assert sorted(noisy.element[0][members & (noisy.positive[0] == positive)].tolist()) == [0, 1]
    assert noisy.share.tolist() == pytest.approx([2 / 6, 0])  # six copies to mend weigh as much as two elements


def test_what_is_to_be_mended_is_moved_by_less_than_half_its_size_and_what_is_to_be_rejected_by_more() -> None:
    box = torch.tensor([[0.5, 0.5, 0.2, 0.1]])
    noisy = noise([Target(torch.tensor([2]), box)], number=400, label_noise=0.0)
    moved = (to_xyxy(noisy.boxes[0]) - to_xyxy(box)).abs() / torch.tensor([0.1, 0.05, 0.1, 0.05])
    assert (moved[noisy.positive[0]] <= 1 + 1e-5).all() and moved[noisy.positive[0]].mean() == pytest.approx(0.5, abs=0.05)
    rejected, sizes = moved[~noisy.positive[0]], noisy.boxes[0][~noisy.positive[0], 2:]
    crossed = sizes == 0
    assert 0 < crossed.sum() < crossed.numel() / 2
    assert (rejected[:, :2][~crossed] >= 1 - 1e-5).all() and (rejected[:, 2:][~crossed] >= 1 - 1e-5).all()
    assert (noisy.labels[0] == 2).all()
    assert (noisy.boxes >= 0).all() and (noisy.boxes <= 1).all()


def test_half_of_the_label_noise_is_drawn_anew() -> None:
    noisy = noise([Target(torch.tensor([2]), torch.tensor([[0.5, 0.5, 0.2, 0.1]]))], number=4000, label_noise=1.0)
    assert (noisy.labels[0] != 2).float().mean().item() == pytest.approx(0.5 * 4 / 5, abs=0.03)


def test_without_noise_a_copy_is_its_element() -> None:
    (target, _) = some_targets()
    noisy = noise([target], box_noise=0.0, label_noise=0.0)
    torch.testing.assert_close(noisy.boxes[0], target.boxes[noisy.element[0]])
    assert torch.equal(noisy.labels[0], target.labels[noisy.element[0]])


def test_a_screen_has_the_same_noise_in_any_batch_and_other_noise_in_another_epoch() -> None:
    targets = some_targets()
    alone, both = noise(targets[:1]), noise(targets)
    assert torch.equal(alone.boxes[0], both.boxes[0]) and torch.equal(alone.labels[0], both.labels[0])
    assert not torch.equal(noise(targets, seed=1).boxes[0], both.boxes[0])


def test_of_a_dense_screen_a_part_is_copied() -> None:
    crowd = Target(torch.zeros(50, dtype=torch.int64), torch.rand(50, 4) * 0.1 + 0.4)
    noisy = noise([crowd])
    assert noisy.used.all() and len(set(noisy.element[0].tolist())) == 6
    assert noisy.share.item() == pytest.approx(50 / 6)


def test_matching_queries_never_see_noisy_ones_nor_one_group_another() -> None:
    allowed = visible(noise(some_targets()), matching=3)
    assert allowed.shape == (2, 15, 15)
    assert not allowed[:, 12:, :12].any() and allowed[:, :, 12:].all()
    assert allowed[0, :4, :4].all() and not allowed[0, :4, 4:12].any()


def test_noisy_queries_do_not_change_what_is_found() -> None:
    torch.manual_seed(0)
    model = build_detector(tiny(**MIXED)).eval()
    for head in model.box_heads:
        torch.nn.init.normal_(head[-1].weight, std=0.3)
    images, content = torch.randn(2, 3, *SIZE), torch.tensor([[64, 96], [64, 43]])
    noisy = noise(some_targets())
    with torch.no_grad():
        alone, beside = model(images, content), model(images, content, noisy)
    torch.testing.assert_close(alone.logits, beside.logits)
    torch.testing.assert_close(alone.boxes, beside.boxes)
    assert alone.denoising == [] and [p.logits.shape for p in beside.denoising] == [(2, 12, 5)] * 2


def test_denoising_losses_by_hand() -> None:
    """A screen with one element and one pair: what is mended perfectly costs nothing, what claims a rejected copy costs focal loss alone."""
    target = Target(torch.tensor([1]), torch.tensor([[0.5, 0.5, 0.2, 0.2]]))
    noisy = noise([target], number=2)
    positive = int(noisy.positive[0].nonzero()[0, 0])
    logits = torch.full((1, 2, 3), -20.0)
    logits[0, positive, 1] = 20.0
    boxes = target.boxes.expand(1, 2, 4)
    perfect = denoising_losses([Prediction(logits, boxes)], [target], noisy)
    assert max(value.item() for value in perfect.values()) < 1e-5
    claimed = logits.clone()
    claimed[0, 1 - positive, 1] = 0.0
    found = denoising_losses([Prediction(claimed, boxes + 0.0)], [target], noisy)
    assert found["focal"].item() == pytest.approx(0.75 * 0.25 * 0.6931, rel=1e-3) and found["l1"].item() == 0


@pytest.mark.parametrize(
    "changes",
    [{"query_selection": "positions"}, {"query_selection": "features", "denoising_queries": 12}, MIXED],
    ids=["positions", "features", "mixed"],
)
def test_every_parameter_of_every_query_selection_gets_a_gradient(changes: dict[str, Any]) -> None:
    torch.manual_seed(0)
    model = build_detector(tiny(levels=4, **changes))
    for head in [*model.box_heads, model.proposal_box]:
        torch.nn.init.normal_(head[-1].weight, std=0.1)
    for layer in [*model.encoder, *model.decoder]:
        attention = layer.attention if hasattr(layer, "attention") else layer.cross_attention
        torch.nn.init.normal_(attention.offsets.weight, std=0.1)
    targets = some_targets()
    noisy = noise(targets) if model.config.denoising_queries else None
    output = model(torch.randn(2, 3, *SIZE), torch.tensor([[64, 96], [64, 43]]), noisy)
    loss, parts = detection_loss(output, targets, WEIGHTS, 2.0, noisy)
    assert ("denoising" in parts) == (noisy is not None) and all(torch.isfinite(value) for value in parts.values())
    loss.backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.count_nonzero() > 0 or name.endswith("bias"), name


def test_denoising_where_a_query_is_more_than_content_and_box_is_refused() -> None:
    for changes in ({"two_stage": False}, {"query_selection": "positions"}):
        with pytest.raises(ValidationError, match="denoising_queries above 0 needs two_stage"):
            tiny(denoising_queries=12, **changes)


def test_look_forward_twice_teaches_the_layer_before() -> None:
    """With it, the last layer's box loss reaches the first layer's box head; without it, never."""
    reached = []
    for twice in (False, True):
        torch.manual_seed(0)
        model = build_detector(tiny(look_forward_twice=twice))
        boxes = model(torch.randn(1, 3, *SIZE), torch.tensor([[*SIZE]])).boxes
        (gradient,) = torch.autograd.grad(boxes.sum(), model.box_heads[0][-1].bias, allow_unused=True)
        reached.append(gradient is not None and bool(gradient.abs().sum() > 0))
    assert reached == [False, True]


def test_a_screen_that_fills_the_image_needs_no_mask() -> None:
    """The same screen alone (no mask) and beside a narrower one (masked)."""
    torch.manual_seed(0)
    model = build_detector(tiny()).eval()
    images = torch.randn(2, 3, *SIZE)
    with torch.no_grad():
        alone = model(images[:1], torch.tensor([[64, 96]]))
        beside = model(images, torch.tensor([[64, 96], [64, 43]]))
    torch.testing.assert_close(alone.logits, beside.logits[:1])
    torch.testing.assert_close(alone.boxes, beside.boxes[:1])


def test_a_vit_is_an_encoder_as_well() -> None:
    torch.manual_seed(0)
    model = build_detector(tiny(encoder="vit_nano", levels=4)).eval()
    with torch.no_grad():
        output = model(torch.randn(2, 3, *SIZE), torch.tensor([[64, 96], [64, 43]]))
    assert output.logits.shape == (2, 6, 5) and torch.isfinite(output.boxes).all()


def test_the_full_model_has_as_many_parameters_as_its_parts() -> None:
    """Swin-B, 800x1024, 50 classes, 200 queries, on the meta device: counted exactly."""
    knobs = load_knobs(TrainDetectorKnobs, PARAMS, "eight-gpu")
    shape = {name: getattr(knobs, name) for name in DetectorConfig.model_fields if hasattr(knobs, name)}
    counts = {}
    for name, changes in {
        "plain": {"two_stage": False, "box_refinement": False, "look_forward_twice": False, "denoising_queries": 0},
        "shipped": {},
    }.items():
        with torch.device("meta"):
            model = build_detector(DetectorConfig(image_size=(800, 1024), class_names=NAMES, **{**shape, **changes}))
        assert (knobs.encoder, knobs.num_queries, len(NAMES)) == ("swin_base_patch4_window7_224", 200, 50)
        counts[name] = sum(p.numel() for p in model.parameters())
        print(f"{name}: {counts[name]:,} parameters, of which encoder {sum(p.numel() for p in model.backbone.parameters()):,}")
    assert counts == {"plain": 100_479_728, "shipped": 101_577_010}


def test_a_detector_saves_itself_and_comes_back(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = build_detector(tiny(**MIXED)).eval()
    model.save_pretrained(tmp_path / "detector")
    assert sorted(file.name for file in (tmp_path / "detector").iterdir()) == ["config.json", "model.safetensors"]
    loaded = Detector.from_pretrained(tmp_path / "detector")
    assert loaded.config == model.config and not loaded.training
    images, content = torch.randn(1, 3, *SIZE), torch.tensor([[*SIZE]])
    with torch.no_grad():
        assert torch.equal(loaded(images, content).logits, model(images, content).logits)
