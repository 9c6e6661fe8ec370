"""Set prediction losses (DETR, arXiv:2005.12872; Deformable-DETR, arXiv:2010.04159): matching, focal, L1 and generalised IoU.

**Normalisation.** Every loss is a sum over screens, divided by one number: the elements of a micro-batch, on average over the optimizer step it
belongs to. Averaging gradients over processes (DDP, ZeRO) and accumulated micro-batches then gives exactly the sum over the global batch
divided by the elements of the global batch, however the batch is cut. (Counting the elements of each micro-batch apart, as is usual, would
weigh a screen differently depending on which screens share its micro-batch.)
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from training.models.detector import DetectorOutput, Prediction

# Focal loss, arXiv:1708.02002: share of the positive term, and how strongly easy examples are discounted.
ALPHA, GAMMA = 0.25, 2.0


@dataclass(frozen=True)
class Target:
    """One screen's elements: `labels` int64 [n] class index; `boxes` [n, 4], cxcywh in [0, 1] of the padded image."""

    labels: Tensor
    boxes: Tensor


@dataclass(frozen=True)
class LossWeights:
    """Factors of the three terms, in the loss and in the matching cost."""

    focal: float
    l1: float
    giou: float


def to_xyxy(boxes: Tensor) -> Tensor:
    """cxcywh -> xyxy, [..., 4]."""
    centre, size = boxes[..., :2], boxes[..., 2:]
    return torch.cat([centre - size / 2, centre + size / 2], -1)


def to_cxcywh(boxes: Tensor) -> Tensor:
    """xyxy -> cxcywh, [..., 4]."""
    low, high = boxes[..., :2], boxes[..., 2:]
    return torch.cat([(low + high) / 2, high - low], -1)


def generalised_iou(a: Tensor, b: Tensor) -> Tensor:
    """GIoU (arXiv:1902.09630, algorithm 1) of boxes xyxy [..., 4], broadcast against each other; in [-1, 1]."""
    area_a, area_b = ((box[..., 2:] - box[..., :2]).clamp(min=0).prod(-1) for box in (a, b))
    overlap = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0).prod(-1)
    hull = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).clamp(min=0).prod(-1)
    union = area_a + area_b - overlap
    eps = torch.finfo(a.dtype).eps
    return overlap / union.clamp(min=eps) - (hull - union) / hull.clamp(min=eps)


def focal_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Sigmoid focal loss (arXiv:1708.02002, equation 5), element by element; `targets` are 0 or 1, of the same shape."""
    probability = logits.sigmoid()
    cross_entropy = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    miss = probability + targets - 2 * probability * targets  # 1 - p_t
    return (ALPHA * targets + (1 - ALPHA) * (1 - targets)) * cross_entropy * miss**GAMMA


def matching_cost(logits: Tensor, boxes: Tensor, target: Target, weights: LossWeights) -> Tensor:
    """Cost of giving each element of one screen to each query: logits [Q, classes], boxes [Q, 4] cxcywh -> [Q, n]."""
    probability = logits.sigmoid()[:, target.labels]  # [Q, n]
    eps = 1e-8
    present = ALPHA * (1 - probability) ** GAMMA * -(probability + eps).log()
    absent = (1 - ALPHA) * probability**GAMMA * -(1 - probability + eps).log()
    l1 = torch.cdist(boxes, target.boxes, p=1)
    giou = generalised_iou(to_xyxy(boxes)[:, None], to_xyxy(target.boxes)[None])
    return weights.focal * (present - absent) + weights.l1 * l1 - weights.giou * giou


@torch.no_grad()
def match(prediction: Prediction, targets: list[Target], weights: LossWeights) -> list[tuple[Tensor, Tensor]]:
    """Cheapest one-to-one assignment per screen: (query indices, element indices), int64 [min(Q, n)] each. ValueError for a cost that is not finite."""
    pairs = []
    for logits, boxes, target in zip(prediction.logits, prediction.boxes, targets, strict=True):
        cost = matching_cost(logits.float(), boxes.float(), target, weights).cpu().numpy()
        if not np.isfinite(cost).all():
            raise ValueError("the matching cost is not finite: the model's predictions have become NaN or infinite")
        queries, elements = linear_sum_assignment(cost)
        pairs.append((torch.as_tensor(queries, device=logits.device), torch.as_tensor(elements, device=logits.device)))
    return pairs


def set_losses(prediction: Prediction, targets: list[Target], pairs: list[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    """Unweighted sums over a batch, given the matching: `focal` over all queries and classes, `l1` and `giou` over matched pairs."""
    logits, boxes = prediction.logits.float(), prediction.boxes.float()
    batch = torch.cat([torch.full_like(queries, i) for i, (queries, _) in enumerate(pairs)])
    queries = torch.cat([queries for queries, _ in pairs])
    labels = torch.cat([target.labels[elements] for target, (_, elements) in zip(targets, pairs, strict=True)])
    wanted = torch.cat([target.boxes[elements] for target, (_, elements) in zip(targets, pairs, strict=True)])
    one_hot = torch.zeros_like(logits)
    one_hot[batch, queries, labels] = 1
    matched = boxes[batch, queries]
    return {
        "focal": focal_loss(logits, one_hot).sum(),
        "l1": (matched - wanted).abs().sum(),
        "giou": (1 - generalised_iou(to_xyxy(matched), to_xyxy(wanted))).sum(),
    }


def detection_loss(output: DetectorOutput, targets: list[Target], weights: LossWeights, normaliser: float) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss to minimise (scalar) and its parts: every decoder layer and the proposals, each matched apart, weighted and divided by `normaliser`.

    The parts `focal`, `l1`, `giou` are the last layer's, unweighted.
    """
    last = Prediction(output.logits, output.boxes)
    layers = [last, *output.auxiliary, *([output.proposals] if output.proposals is not None else [])]
    total = output.logits.new_zeros((), dtype=torch.float32)
    parts: dict[str, Tensor] = {}
    for layer in layers:
        sums = set_losses(layer, targets, match(layer, targets, weights))
        total = total + (weights.focal * sums["focal"] + weights.l1 * sums["l1"] + weights.giou * sums["giou"]) / normaliser
        if layer is last:
            parts = {name: value.detach() / normaliser for name, value in sums.items()}
    return total, parts
