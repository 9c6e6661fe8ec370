"""95 % intervals by resampling (Efron 1979), for all evaluations the same.

Samples of one screen are no independent draws: what is drawn anew, with replacement, are groups (screens), with all that belongs to them (clusters as in
Field & Welsh 2007).
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
CONFIDENCE = 0.95


def draws(groups: int, resamples: int, seed: int) -> Floats:
    """How often each group comes in each resample: [resamples, groups], each row sums to `groups`."""
    return np.random.default_rng(seed).multinomial(groups, np.full(groups, 1 / groups), size=resamples).astype(np.float64)


def percentiles(values: Floats) -> tuple[Floats, Floats]:
    """Low and high end [...] of the resampled values [resamples, ...]; resamples without a value (NaN) do not count."""
    low, high = np.nanquantile(values, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=0)
    return low, high


def interval(groups: int, figure: Callable[[Floats], Any], resamples: int, seed: int = 0) -> tuple[Floats, Floats]:
    """Of any figure of weighted groups: `figure` takes weights [groups] and gives one value or an array of them."""
    return percentiles(np.stack([figure(weights) for weights in draws(groups, resamples, seed)]))


def ratio_interval(numerators: Floats, denominators: Floats, resamples: int, seed: int = 0) -> tuple[float, float, float]:
    """Mean over classes of a ratio of sums over groups, and its interval. Both [G, K]: what each group adds to each class.

    A class whose denominators are all zero is left out, of the value and of each resample. ValueError if there is none left, or no group.
    """
    if not len(numerators) or not denominators.any():
        raise ValueError("no values, no figure")
    times = draws(len(numerators), resamples, seed)
    low, high = percentiles(_mean_ratio(times @ numerators, times @ denominators))
    return float(_mean_ratio(numerators.sum(0, keepdims=True), denominators.sum(0, keepdims=True))[0]), float(low), float(high)


def mean_interval(values: Floats, clusters: Sequence[object], resamples: int, seed: int = 0) -> tuple[float, float, float]:
    """The mean of `values`, and its interval over whole clusters. ValueError if there are none, or not one cluster for each."""
    if len(values) != len(clusters):
        raise ValueError(f"{len(values)} values in {len(clusters)} clusters")
    places: dict[object, int] = {}
    index = np.array([places.setdefault(cluster, len(places)) for cluster in clusters], dtype=np.int64)
    sums, counts = np.bincount(index, weights=values).astype(np.float64), np.bincount(index).astype(np.float64)
    return ratio_interval(sums[:, None], counts[:, None], resamples, seed)


def _mean_ratio(top: Floats, bottom: Floats) -> Floats:
    """[R, K] and [R, K] -> [R]; NaN where no class has anything."""
    there = bottom > 0
    ratio = np.divide(top, bottom, out=np.zeros_like(top), where=there)
    held = there.sum(1)
    return np.where(held > 0, ratio.sum(1) / np.maximum(held, 1), np.nan)
