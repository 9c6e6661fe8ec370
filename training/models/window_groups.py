"""Which windows share a group: uneven windows, packed into groups of equal size (GreenMIM, arXiv:2205.13515, section 3.2).

With most of an image hidden, windows hold anything from no token to all of them. Attention wants equal lengths, so windows are packed into groups
of one capacity, and attention within a group is masked to pairs of the same window. Packing is bin packing of small integers: the largest waiting
window opens a group, and dynamic programming (subset sums) fills what is left as far as it can be filled. The capacity is the one that
costs least over the whole batch.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

# Moving a token into a group and back costs about as much as attending to this many others.
_MOVE = 16
# Capacities tried, as multiples of the largest window.
_LARGEST = 3.0


def group_windows(sizes: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """Tokens per window [W] -> the group of each window [W] (-1 for an empty one), and the capacity N of every group.

    Of the capacities from the largest window up, the one with the least groups x N x (N + what moving a token costs) is taken.
    """
    most = int(sizes.max(initial=0))
    if not most:
        return np.full(len(sizes), -1), 0
    counts = np.bincount(sizes, minlength=most + 1)
    total = int(sizes.sum())
    cost, best, capacity = float("inf"), [], most
    for candidate in range(most, round(_LARGEST * most) + 1):
        if total * (candidate + _MOVE) >= cost:
            break  # even if every group were full it would cost more, and so would all larger capacities
        patterns = _pack(counts, candidate)
        found = sum(repeats for _, repeats in patterns) * candidate * (candidate + _MOVE)
        if found < cost:
            cost, best, capacity = found, patterns, candidate
    return _assign(sizes, best), capacity


def _pack(counts: NDArray[np.int64], capacity: int) -> list[tuple[dict[int, int], int]]:
    """`counts[n]` windows of n tokens -> patterns (windows of each size in one group) and how many groups have that pattern."""
    waiting = {size: int(counts[size]) for size in range(len(counts) - 1, 0, -1) if counts[size]}
    patterns = []
    while waiting:
        largest = next(iter(waiting))
        waiting[largest] -= 1
        pattern = _fullest(waiting.items(), capacity - largest)
        waiting[largest] += 1
        pattern[largest] = pattern.get(largest, 0) + 1
        repeats = min(waiting[size] // n for size, n in pattern.items())
        for size, n in pattern.items():
            waiting[size] -= n * repeats
            if not waiting[size]:
                del waiting[size]
        patterns.append((pattern, repeats))
    return patterns


def _fullest(waiting: Iterable[tuple[int, int]], room: int) -> dict[int, int]:
    """Of (size, how many) the choice whose sum comes closest to `room` from below. Bit s of `reach` says that the sum s can be made."""
    reach, steps, within = 1, [], (1 << (room + 1)) - 1
    for size, number in waiting:
        if size <= room and number:
            steps.append((size, reach))
            for _ in range(min(number, room // size)):
                reach, before = (reach | reach << size) & within, reach
                if reach == before:
                    break
    chosen: dict[int, int] = {}
    total = reach.bit_length() - 1
    for size, before in reversed(steps):
        while not before >> total & 1:
            chosen[size] = chosen.get(size, 0) + 1
            total -= size
    return chosen


def _assign(sizes: NDArray[np.int64], patterns: list[tuple[dict[int, int], int]]) -> NDArray[np.int64]:
    by_size = np.argsort(sizes, kind="stable")
    start = np.searchsorted(sizes[by_size], np.arange(int(sizes.max()) + 2))
    groups = np.full(len(sizes), -1)
    group = 0
    for pattern, repeats in patterns:
        for size, n in pattern.items():
            groups[by_size[start[size] : start[size] + n * repeats]] = group + np.arange(n * repeats) // n
            start[size] += n * repeats
        group += repeats
    return groups
