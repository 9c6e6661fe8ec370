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

from training.models.denoising import NoisyQueries
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
    """Cost of giving each element of one screen to each query: logits [..., Q, classes], boxes [..., Q, 4] cxcywh -> [..., Q, n]."""
    probability = logits[..., target.labels].sigmoid()  # [..., Q, n]
    eps = 1e-8
    present = ALPHA * (1 - probability) ** GAMMA * -(probability + eps).log()
    absent = (1 - ALPHA) * probability**GAMMA * -(1 - probability + eps).log()
    l1 = torch.cdist(boxes, target.boxes, p=1)
    giou = generalised_iou(to_xyxy(boxes)[..., :, None, :], to_xyxy(target.boxes))
    return weights.focal * (present - absent) + weights.l1 * l1 - weights.giou * giou


Pairs = list[tuple[Tensor, Tensor]]


@torch.no_grad()
def match(layers: list[Prediction], targets: list[Target], weights: LossWeights) -> list[Pairs]:
    """Cheapest one-to-one assignment per layer (of one shape) and screen: (query indices, element indices), int64 [min(Q, n)] each.

    All costs are computed together and leave the device once. ValueError for a cost that is not finite.
    """
    logits, boxes = torch.stack([p.logits for p in layers]).float(), torch.stack([p.boxes for p in layers]).float()  # [K, B, Q, ...]
    costs = [matching_cost(logits[:, i], boxes[:, i], target, weights) for i, target in enumerate(targets)]  # [K, Q, n] each
    flat = torch.cat([cost.flatten() for cost in costs]).cpu().numpy()
    if not np.isfinite(flat).all():
        raise ValueError("the matching cost is not finite: the model's predictions have become NaN or infinite")
    ends = np.cumsum([cost.numel() for cost in costs])
    tables = [part.reshape(cost.shape) for part, cost in zip(np.split(flat, ends[:-1]), costs, strict=True)]
    assigned = [[linear_sum_assignment(table[k]) for table in tables] for k in range(len(layers))]
    return [[(torch.as_tensor(q, device=logits.device), torch.as_tensor(e, device=logits.device)) for q, e in layer] for layer in assigned]


def set_losses(layers: list[Prediction], targets: list[Target], pairs: list[Pairs]) -> dict[str, Tensor]:
    """Unweighted sums over a batch, one per layer (of one shape), given the matching: `focal` over all queries and classes, `l1` and `giou` over
    matched pairs; float [K] each.
    """
    logits, boxes = torch.stack([p.logits for p in layers]).float(), torch.stack([p.boxes for p in layers]).float()  # [K, B, Q, ...]
    flat = [(k, i, queries, elements) for k, layer in enumerate(pairs) for i, (queries, elements) in enumerate(layer)]
    layer = torch.cat([torch.full_like(queries, k) for k, _, queries, _ in flat])
    screen = torch.cat([torch.full_like(queries, i) for _, i, queries, _ in flat])
    query = torch.cat([queries for _, _, queries, _ in flat])
    labels = torch.cat([targets[i].labels[elements] for _, i, _, elements in flat])
    wanted = torch.cat([targets[i].boxes[elements] for _, i, _, elements in flat])
    one_hot = torch.zeros_like(logits)
    one_hot[layer, screen, query, labels] = 1
    matched = boxes[layer, screen, query]
    l1, giou = _box_losses(matched, wanted)
    zeros = logits.new_zeros(len(layers))
    return {"focal": focal_loss(logits, one_hot).sum((1, 2, 3)), "l1": zeros.index_add(0, layer, l1), "giou": zeros.index_add(0, layer, giou)}


def _box_losses(found: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """L1 and 1 - GIoU of boxes cxcywh, [n, 4] each -> [n] each."""
    return (found - wanted).abs().sum(-1), 1 - generalised_iou(to_xyxy(found), to_xyxy(wanted))


def denoising_losses(layers: list[Prediction], targets: list[Target], noisy: NoisyQueries) -> dict[str, Tensor]:
    """Sums as of `set_losses`, without a matching: a noisy query is to become its element, or nothing. Each screen weighs as its elements do."""
    logits, boxes = torch.stack([p.logits for p in layers]).float(), torch.stack([p.boxes for p in layers]).float()  # [K, B, D, ...]
    mended = noisy.used & noisy.positive
    screen, query = mended.nonzero(as_tuple=True)
    labels = torch.cat([target.labels[element[mend]] for target, element, mend in zip(targets, noisy.element, mended, strict=True)])
    wanted = torch.cat([target.boxes[element[mend]] for target, element, mend in zip(targets, noisy.element, mended, strict=True)])
    one_hot = torch.zeros_like(logits[0])
    one_hot[screen, query, labels] = 1
    focal = focal_loss(logits, one_hot.expand_as(logits)).sum(-1) * (noisy.used * noisy.share[:, None])
    l1, giou = _box_losses(boxes[:, screen, query], wanted.expand(len(layers), -1, -1))
    share = noisy.share[screen]
    return {"focal": focal.sum((1, 2)), "l1": (l1 * share).sum(1), "giou": (giou * share).sum(1)}


def detection_loss(
    output: DetectorOutput, targets: list[Target], weights: LossWeights, normaliser: float, noisy: NoisyQueries | None = None
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss to minimise (scalar) and its parts: every decoder layer and the proposals, each matched apart, and what the layers make of noisy
    queries, weighted and divided by `normaliser`.

    The parts `focal`, `l1`, `giou` are the last layer's, unweighted; `proposals` and `denoising` are weighted.
    """

    def weighted(sums: dict[str, Tensor]) -> Tensor:
        return (weights.focal * sums["focal"] + weights.l1 * sums["l1"] + weights.giou * sums["giou"]).sum() / normaliser

    layers = [Prediction(output.logits, output.boxes), *output.auxiliary]
    sums = set_losses(layers, targets, match(layers, targets, weights))
    parts = {name: value[0].detach() / normaliser for name, value in sums.items()}
    total = weighted(sums)
    if output.proposals is not None:
        # Where queries are selected by position alone, proposals only tell elements from background.
        sought = [Target(torch.zeros_like(t.labels), t.boxes) for t in targets] if output.proposals.logits.shape[-1] == 1 else targets
        loss = weighted(set_losses([output.proposals], sought, match([output.proposals], sought, weights)))
        total, parts["proposals"] = total + loss, loss.detach()
    if noisy is not None:
        loss = weighted(denoising_losses(output.denoising, targets, noisy))
        total, parts["denoising"] = total + loss, loss.detach()
    return total, parts
