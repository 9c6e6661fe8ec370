"""Losses: numbers by hand, and values and gradients against an independent implementation (transformers)."""

import math

import pytest
import torch
from transformers.loss.loss_deformable_detr import DeformableDetrHungarianMatcher, DeformableDetrImageLoss
from transformers.loss.loss_for_object_detection import generalized_box_iou

from training.losses.detection import (
    LossWeights,
    Target,
    detection_loss,
    focal_loss,
    generalised_iou,
    match,
    set_losses,
    to_cxcywh,
    to_xyxy,
)
from training.losses.reconstruction import masked_pixel_loss, normalised_units
from training.models.detector import DetectorOutput, Prediction

WEIGHTS = LossWeights(focal=2.0, l1=5.0, giou=2.0)


def random_boxes(*shape: int) -> torch.Tensor:
    return torch.cat([torch.rand(*shape, 2) * 0.6 + 0.2, torch.rand(*shape, 2) * 0.3 + 0.05], -1)


def random_case(seed: int, counts: tuple[int, ...] = (3, 0, 7), queries: int = 9, classes: int = 5) -> tuple[Prediction, list[Target]]:
    torch.manual_seed(seed)
    prediction = Prediction(torch.randn(len(counts), queries, classes, requires_grad=True), random_boxes(len(counts), queries).requires_grad_())
    return prediction, [Target(torch.randint(classes, (n,)), random_boxes(n)) for n in counts]


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ((0, 0, 2, 2), (0, 0, 2, 2), 1.0),  # the same box
        ((0, 0, 2, 2), (1, 0, 3, 2), 2 / 6),  # overlap 2, union 6, hull 6
        ((0, 0, 2, 2), (1, 1, 3, 3), 1 / 7 - 2 / 9),  # overlap 1, union 7, hull 9
        ((0, 0, 1, 1), (2, 0, 3, 1), -1 / 3),  # apart: overlap 0, union 2, hull 3
        ((0, 0, 4, 4), (1, 1, 2, 2), 1 / 16),  # inside: hull = union = 16
    ],
)
def test_generalised_iou_by_hand(a: tuple[float, ...], b: tuple[float, ...], expected: float) -> None:
    assert generalised_iou(torch.tensor(a, dtype=torch.float64), torch.tensor(b, dtype=torch.float64)).item() == pytest.approx(expected)


def test_generalised_iou_matches_transformers_in_value_and_gradient() -> None:
    torch.manual_seed(0)
    a, b = to_xyxy(random_boxes(6)).requires_grad_(), to_xyxy(random_boxes(4))
    ours, theirs = generalised_iou(a[:, None], b[None]), generalized_box_iou(a, b)
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(torch.autograd.grad(ours.sum(), a), torch.autograd.grad(theirs.sum(), a))


def test_box_forms_are_inverse() -> None:
    boxes = torch.tensor([[0.5, 0.4, 0.2, 0.1]])
    torch.testing.assert_close(to_xyxy(boxes), torch.tensor([[0.4, 0.35, 0.6, 0.45]]))
    torch.testing.assert_close(to_cxcywh(to_xyxy(boxes)), boxes)


def test_focal_loss_by_hand() -> None:
    """p = 0.5: positive 0.25 x 0.5^2 x ln 2, negative 0.75 x 0.5^2 x ln 2."""
    found = focal_loss(torch.zeros(2), torch.tensor([1.0, 0.0]))
    torch.testing.assert_close(found, torch.tensor([0.0625, 0.1875]) * math.log(2))


@pytest.mark.parametrize("seed", range(5))
def test_matching_is_that_of_transformers(seed: int) -> None:
    prediction, targets = random_case(seed)
    theirs = DeformableDetrHungarianMatcher(class_cost=2, bbox_cost=5, giou_cost=2)(
        {"logits": prediction.logits, "pred_boxes": prediction.boxes}, [{"class_labels": t.labels, "boxes": t.boxes} for t in targets]
    )
    for ours, reference in zip(match([prediction], targets, WEIGHTS)[0], theirs, strict=True):
        assert torch.equal(ours[0], reference[0]) and torch.equal(ours[1], reference[1])


def test_losses_match_transformers_in_value_and_gradient() -> None:
    prediction, targets = random_case(1)
    outputs = {"logits": prediction.logits, "pred_boxes": prediction.boxes}
    labels = [{"class_labels": t.labels, "boxes": t.boxes} for t in targets]
    criterion = DeformableDetrImageLoss(DeformableDetrHungarianMatcher(2, 5, 2), num_classes=5, focal_alpha=0.25, losses=["labels", "boxes"])
    reference = criterion(outputs, labels)
    ours = set_losses([prediction], targets, match([prediction], targets, WEIGHTS))
    elements = sum(len(t.labels) for t in targets)
    inputs = (prediction.logits, prediction.boxes)
    for name, theirs in (("focal", "loss_ce"), ("l1", "loss_bbox"), ("giou", "loss_giou")):
        torch.testing.assert_close(ours[name][0] / elements, reference[theirs])
        a = torch.autograd.grad(ours[name][0] / elements, inputs, retain_graph=True, allow_unused=True)
        b = torch.autograd.grad(reference[theirs], inputs, retain_graph=True, allow_unused=True)
        for x, y in zip(a, b, strict=True):
            assert (x is None) == (y is None)
            if x is not None:
                torch.testing.assert_close(x, y)


def test_a_perfect_prediction_costs_next_to_nothing_and_more_elements_than_queries_are_left_out() -> None:
    target = Target(torch.tensor([2, 0]), torch.tensor([[0.3, 0.3, 0.2, 0.2], [0.7, 0.7, 0.1, 0.2]]))
    logits = torch.full((1, 2, 3), -20.0)
    logits[0, 0, 0] = logits[0, 1, 2] = 20.0
    perfect = DetectorOutput(logits, target.boxes.flip(0)[None])
    total, parts = detection_loss(perfect, [target], WEIGHTS, normaliser=2.0)
    assert total.item() < 1e-5
    assert parts["l1"].item() == 0
    one = DetectorOutput(logits[:, :1], target.boxes[None, :1])
    assert [len(queries) for queries, _ in match([one], [target], WEIGHTS)[0]] == [1]


def test_every_layer_and_the_proposals_are_supervised() -> None:
    prediction, targets = random_case(2)
    layer = Prediction(prediction.logits, prediction.boxes)
    alone, _ = detection_loss(DetectorOutput(prediction.logits, prediction.boxes), targets, WEIGHTS, 10.0)
    thrice, _ = detection_loss(DetectorOutput(prediction.logits, prediction.boxes, [layer], layer), targets, WEIGHTS, 10.0)
    torch.testing.assert_close(thrice, 3 * alone)


def test_a_batch_without_any_element_has_a_focal_loss_only() -> None:
    prediction, targets = random_case(3, counts=(0, 0))
    total, parts = detection_loss(DetectorOutput(prediction.logits, prediction.boxes), targets, WEIGHTS, 1.0)
    assert parts["l1"] == parts["giou"] == 0 and parts["focal"] > 0
    total.backward()
    assert torch.isfinite(prediction.logits.grad).all()  # type: ignore[arg-type]


def test_the_sum_over_micro_batches_is_the_sum_over_the_batch() -> None:
    prediction, targets = random_case(4, counts=(3, 1, 7, 2))
    whole, _ = detection_loss(DetectorOutput(prediction.logits, prediction.boxes), targets, WEIGHTS, 13.0)
    parts = [
        detection_loss(DetectorOutput(prediction.logits[i : i + 2], prediction.boxes[i : i + 2]), targets[i : i + 2], WEIGHTS, 13.0 / 2)[0]
        for i in (0, 2)
    ]
    torch.testing.assert_close(sum(parts) / 2, whole)


def test_predictions_that_are_not_finite_are_an_error() -> None:
    prediction, targets = random_case(5)
    with pytest.raises(ValueError, match="not finite"):
        match([Prediction(prediction.logits * math.nan, prediction.boxes)], targets, WEIGHTS)


def test_reconstruction_counts_hidden_content_pixels_only() -> None:
    target = torch.zeros(2, 2, 4)
    predicted = torch.tensor([[[1.0, 1, 1, 1], [9, 9, 9, 9]], [[2.0, 2, 7, 7], [9, 9, 9, 9]]])
    hidden = torch.tensor([[True, False], [True, False]])
    content = torch.ones(2, 2, 4, dtype=torch.bool)
    content[1, 0, 2:] = False  # padding of the second screen
    assert masked_pixel_loss(predicted, target, hidden, content).item() == pytest.approx((1 + 4) / 2)


def test_units_are_normalised_over_their_content() -> None:
    content = torch.tensor([[[True, True, True, False]]])
    units, mean, deviation = normalised_units(torch.tensor([[[1.0, 2.0, 3.0, 50.0]]]), content)
    assert mean.item() == pytest.approx(2)
    assert deviation.item() == pytest.approx(1, rel=1e-5)
    torch.testing.assert_close(units[..., :3], torch.tensor([[[-1.0, 0.0, 1.0]]]))
