"""How far one set of features is from another, for sets as small as some screens that people have dropped in a folder.

The maximum mean discrepancy (Gretton et al. 2012, "A kernel two-sample test", JMLR 13:723-773): two distributions are one exactly where it is nought. It needs no
density, no covariance (a Fréchet distance of C dimensions needs far more than C samples) and its estimator is unbiased for any number of samples.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# Of fewer samples hardly any difference can be told from chance.
FEWEST = 5
SHUFFLES = 1000


@dataclass(frozen=True)
class Distance:
    """`mmd2`: squared MMD under a Gaussian kernel, unbiased: about 0 for sets of one distribution (below as often as above), at most 2. `noise`: what 95 of
    100 shuffles of the two sets stay below. `p_value`: how often shuffled sets are as far apart, never 0 (Phipson & Smyth 2010).
    """

    mmd2: float
    noise: float
    p_value: float


def distance(one: Floats, other: Floats, shuffles: int = SHUFFLES, seed: int = 0) -> Distance:
    """Of features [n, C] and [m, C], at least two rows each (ValueError otherwise, and for numbers that are not finite). Their order does not count.

    The statistic is Gretton's equation 3, the kernel's width the median distance between two samples (section 8), the test his permutation test.
    """
    if min(len(one), len(other)) < 2 or not (np.isfinite(one).all() and np.isfinite(other).all()):
        raise ValueError("two sets of at least two finite rows have a distance")
    # In one fixed order, so that the same shuffles make the same sets whatever the files are called.
    pooled = np.concatenate([rows[np.lexsort(rows.T[::-1])] for rows in (one, other)]).astype(np.float64)
    squares = _squared_distances(pooled, pooled)
    apart = squares[np.triu_indices(len(pooled), k=1)]
    if not (apart > 0).any():
        return Distance(0.0, 0.0, 1.0)
    kernel = np.exp(-squares / (2 * np.median(apart[apart > 0])))
    np.fill_diagonal(kernel, 0.0)
    draw = np.random.default_rng(seed)
    first = np.zeros((shuffles + 1, len(pooled)))
    first[0, : len(one)] = 1  # as they are
    for row in first[1:]:
        row[draw.permutation(len(pooled))[: len(one)]] = 1
    values = _mmd2(kernel, first)
    found, chance = values[0], values[1:]
    return Distance(float(found), float(np.quantile(chance, 0.95)), float((1 + (chance >= found - 1e-12).sum()) / (1 + shuffles)))


def nearest(one: Floats, other: Floats) -> tuple[Floats, Floats]:
    """For each row of `one` [n, C]: the Euclidean distance to the nearest row of `other` [m, C], and the share of `other` that lies nearer to its own
    nearest neighbour than that: 1 for a row further out than any. Both [n]; m is at least 2.
    """
    among = np.sqrt(_squared_distances(other, other))
    np.fill_diagonal(among, np.inf)
    found = np.sqrt(_squared_distances(one, other)).min(axis=1)
    return found, (among.min(axis=1)[None] < found[:, None]).mean(axis=1)


def _mmd2(kernel: Floats, first: Floats) -> Floats:
    """Of several ways to part the samples: `first` [B, N] is 1 for those of the first set. `kernel` [N, N] has a diagonal of 0. [B]."""
    n, total = first.sum(axis=1), kernel.sum()
    m = kernel.shape[0] - n
    within = ((first @ kernel) * first).sum(axis=1)
    touching = first @ kernel.sum(axis=1)
    return within / (n * (n - 1)) + (total - 2 * touching + within) / (m * (m - 1)) - 2 * (touching - within) / (n * m)


def _squared_distances(one: Floats, other: Floats) -> Floats:
    """[n, m] of [n, C] and [m, C]."""
    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1)[None] - 2 * one @ other.T
    return np.maximum(squares, 0.0)
