"""Scores with what is needed to believe them: chance level, number of samples, 95 % interval.

Samples that come from one screen are no independent draws: intervals are bootstrapped over groups (screens), not over samples (evaluation/bootstrap.py). Where every sample is a group of its own, an accuracy has Wilson's interval (1927) instead, which stays honest when all are right.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from evaluation.bootstrap import ratio_interval

_Z = 1.959964  # 97.5 % of the normal distribution
RESAMPLES = 1000


@dataclass(frozen=True)
class Score:
    """`value` in 0..1 on `samples` samples, its 95 % interval, and what a guess that ignores the input reaches (`chance`)."""

    value: float
    low: float
    high: float
    chance: float
    samples: int

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def wilson(right: int, samples: int) -> tuple[float, float]:
    """95 % interval of a share."""
    share, z2 = right / samples, _Z * _Z
    centre, half = share + z2 / (2 * samples), _Z * math.sqrt(share * (1 - share) / samples + z2 / (4 * samples * samples))
    return max(0.0, (centre - half) / (1 + z2 / samples)), min(1.0, (centre + half) / (1 + z2 / samples))


def bootstrap(numerators: Tensor, denominators: Tensor, seed: int = 0) -> tuple[float, float, float]:
    """Mean over classes of a ratio of sums over groups, and its 95 % percentile interval over resampled groups.

    Both are [G, K]: what each group adds to each class. A class whose denominators are all zero is left out, of the value and of each resample.
    """
    return ratio_interval(numerators.double().numpy(), denominators.double().numpy(), RESAMPLES, seed)


def accuracy(predicted: Tensor, truth: Tensor, groups: Tensor, train_labels: Tensor) -> Score:
    """Share of right answers. All int64 [N]; `groups` says which screen a sample is from; chance is always answering the most frequent training label."""
    right, commonest = predicted == truth, train_labels.mode().values
    value, chance = float(right.double().mean()), float((truth == commonest).double().mean())
    numbers, members = groups.unique(return_inverse=True)
    if len(numbers) == len(groups):
        low, high = wilson(int(right.sum()), len(right))
    else:
        top, bottom = (torch.zeros(len(numbers), 1).index_add_(0, members, x.float()[:, None]) for x in (right, torch.ones_like(right)))
        _, low, high = bootstrap(top, bottom)
    return Score(value, low, high, chance, len(truth))


def balanced_accuracy(predicted: Tensor, truth: Tensor, groups: Tensor) -> Score:
    """Mean over the classes that occur of the share of their samples that are found, so that rare classes count as much as frequent ones.

    Any constant answer has 1 / classes.
    """
    classes, label = truth.unique(return_inverse=True)
    numbers, members = groups.unique(return_inverse=True)
    top, bottom = torch.zeros(len(numbers), len(classes)), torch.zeros(len(numbers), len(classes))
    bottom.index_put_((members, label), torch.ones(len(truth)), accumulate=True)
    top.index_put_((members, label), (predicted == truth).float(), accumulate=True)
    value, low, high = bootstrap(top, bottom)
    return Score(value, low, high, 1 / len(classes), len(truth))


def mean_iou(confusion: Tensor, commonest: int) -> Score:
    """Intersection over union, mean over the classes that the truth holds, from int64 [S, K, K] (screen, truth, prediction) counts of pixels.

    Chance is class `commonest` (of training) everywhere. `samples` is the number of screens.
    """
    inside = confusion.diagonal(dim1=1, dim2=2)  # [S, K]
    truth, answered = confusion.sum(2), confusion.sum(1)
    held = truth.sum(0) > 0
    value, low, high = bootstrap(inside[:, held], (truth + answered - inside)[:, held])
    constant = float(truth[:, commonest].sum() / truth.sum()) / int(held.sum())
    return Score(value, low, high, constant, len(confusion))
