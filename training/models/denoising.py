"""Contrastive denoising (DINO, arXiv:2203.03605, section 3.3; DN-DETR, arXiv:2203.01305): beside finding elements, the decoder learns to mend noisy ones.

Changed from DINO: every screen has the same number of denoising queries, whatever else is in its batch, and as many groups as fit; noise is a
function of seed, epoch and image id. So neither micro-batches nor processes change what is learned, and dense screens cost no more than others.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

# The group of the queries that are not denoising ones, and of places that hold no query.
_MATCHING, _UNUSED = -2, -1


@dataclass(frozen=True)
class NoisyQueries:
    """Denoising queries of a batch. `labels` int64 [B, D]; `boxes` float [B, D, 4], cxcywh in [0, 1] of the padded image; `group` int64 [B, D], -1 where
    a place holds no query; `element` int64 [B, D], what the query is a noisy copy of; `positive` bool [B, D], whether to mend it or to say that it is
    nothing; `share` float [B], weight of one query, so that a screen weighs as much as its elements do.
    """

    labels: Tensor
    boxes: Tensor
    group: Tensor
    element: Tensor
    positive: Tensor
    share: Tensor

    @property
    def used(self) -> Tensor:
        """bool [B, D]: the places that hold a query."""
        return self.group != _UNUSED

    def to(self, device: torch.device | str) -> "NoisyQueries":
        """The same queries on another device."""
        return replace(self, **{name: value.to(device, non_blocking=True) for name, value in vars(self).items()})


def noisy_queries(
    labels: list[Tensor], boxes: list[Tensor], number: int, classes: int, label_noise: float, box_noise: float, seeds: list[tuple[int, ...]]
) -> NoisyQueries:
    """`number` (an even one) noisy copies of each screen's elements: `labels` int64 [n] and `boxes` [n, 4] cxcywh in [0, 1], per screen.

    Each group holds every element twice: moved by less than its half size (times `box_noise`), which is to be mended, and by more, which is to be
    rejected. Half of `label_noise` of the labels are drawn anew. Of a screen with more than number / 2 elements a random part is used.
    """
    pairs = number // 2
    made = [
        _one_screen(screen_labels.cpu().numpy(), screen_boxes.cpu().numpy(), pairs, classes, label_noise, box_noise, np.random.default_rng(seed))
        for screen_labels, screen_boxes, seed in zip(labels, boxes, seeds, strict=True)
    ]
    return NoisyQueries(*(torch.from_numpy(np.stack(parts)) for parts in zip(*made, strict=True))).to(boxes[0].device)


def _one_screen(
    labels: np.ndarray, boxes: np.ndarray, pairs: int, classes: int, label_noise: float, box_noise: float, rng: np.random.Generator
) -> tuple[np.ndarray, ...]:
    group = np.full(2 * pairs, _UNUSED, dtype=np.int64)
    element = np.zeros(2 * pairs, dtype=np.int64)
    positive = np.zeros(2 * pairs, dtype=bool)
    noisy_labels = np.zeros(2 * pairs, dtype=np.int64)
    noisy_boxes = np.full((2 * pairs, 4), 0.5, dtype=np.float32)
    if len(labels) == 0:
        return noisy_labels, noisy_boxes, group, element, positive, np.float32(0)
    copied = rng.permutation(len(labels))[:pairs]
    groups = pairs // len(copied)
    used = 2 * groups * len(copied)
    element[:used] = np.tile(copied, 2 * groups)
    group[:used] = np.repeat(np.arange(groups), 2 * len(copied))
    positive[:used] = np.tile(np.repeat([True, False], len(copied)), groups)

    noisy_labels[:used] = labels[element[:used]]
    redrawn = rng.random(used) < label_noise / 2
    noisy_labels[:used][redrawn] = rng.integers(classes, size=int(redrawn.sum()))
    centre, half = boxes[element[:used], :2], boxes[element[:used], 2:] / 2
    corners = np.concatenate([centre - half, centre + half], 1)
    moves = (rng.random((used, 4)) + ~positive[:used, None]) * rng.choice([-1, 1], (used, 4))
    corners = np.clip(corners + moves * np.tile(half, 2) * box_noise, 0, 1)
    low, high = corners[:, :2], corners[:, 2:]
    # Sides that have crossed leave no width: were they exchanged, a copy to be rejected could be as good as the element.
    noisy_boxes[:used] = np.concatenate([(low + high) / 2, np.maximum(high - low, 0)], 1)
    return noisy_labels, noisy_boxes, group, element, positive, np.float32(len(labels) / (used / 2))


def visible(noisy: NoisyQueries, matching: int) -> Tensor:
    """Which query may look at which, bool [B, D + Q, D + Q]: at all matching queries, and at those of its own group; so none can copy the answer."""
    group = torch.cat([noisy.group, noisy.group.new_full((len(noisy.group), matching), _MATCHING)], 1)
    return (group[:, :, None] == group[:, None, :]) | (group == _MATCHING)[:, None, :]
