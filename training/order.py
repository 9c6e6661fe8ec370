"""Which screen stands where in an epoch, and how an interrupted epoch goes on.

The order of an epoch is a function of (seed, epoch, number of screens) and of nothing else: not of the format that is read, the loader's workers, the
number of processes or the micro-batch. A *position* is a number of screens from the beginning of that order, counted over all ranks. An epoch that
was left at a position goes on there, with the same screens in the same order, whatever the number of processes is by then:

    order.set_epoch(epoch, start=position)   # or SplitBatches.order.set_epoch; every rank says the same
    for batch in batches: ...                # this rank's share of screens `position`, `position + 1`, ...

After n optimizer steps of an epoch the position is n x global batch. Micro-batches are numbered from the epoch's beginning: the first one that is
read after `set_epoch(epoch, start)` has number `order.first_batch`, and `len(order)` counts the epoch's micro-batches from its beginning, not those
that are left. Rank r of w takes every w-th screen from the position on, beginning at the r-th, so that the k-th micro-batches of all ranks together
are always consecutive screens of the order.
"""

import math
from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler

from contracts.errors import InputError


class EpochOrder(Sampler[list[int]]):
    """The screens (by position in order of image id) of each micro-batch of one rank in one epoch, from where it was opened; see the module's text.

    Without `shuffle_seed` screens come in order of image id, every epoch the same. With `drop_last` the ranks get the same number of whole
    micro-batches, and the screens that do not fill one on every rank are left out.
    """

    def __init__(self, screens: int, batch_size: int, shuffle_seed: int | None, rank: int, world_size: int, drop_last: bool):
        if not 0 <= rank < world_size:
            raise InputError("is no rank.", field="rank", found=rank, fix=f"Ranks of {world_size} processes are 0 to {world_size - 1}.")
        self.screens, self.batch_size, self.shuffle_seed = screens, batch_size, shuffle_seed
        self.rank, self.world_size, self.drop_last = rank, world_size, drop_last
        self.epoch = self.start = 0

    @property
    def at_once(self) -> int:
        """Screens of one micro-batch of all ranks together."""
        return self.world_size * self.batch_size

    @property
    def first_batch(self) -> int:
        """The number of the first micro-batch that is read; an incomplete one before `start` counts as read."""
        return math.ceil(self.start / self.at_once)

    def set_epoch(self, epoch: int, start: int = 0) -> None:
        """Open an epoch at a position. InputError if the epoch has no such position."""
        if not 0 <= start <= self.screens:
            raise InputError(
                f"is no position in an epoch of {self.screens} screens.", field="start", found=start,
                fix="The position belongs to another split or dataset version: start the epoch, or the run, from its beginning.",
            )  # fmt: skip
        self.epoch, self.start = epoch, start

    def position(self, batch: int) -> int:
        """The position at which micro-batch number `batch` of this epoch (of all ranks together) begins."""
        return self.start + (batch - self.first_batch) * self.at_once

    def whole(self) -> np.ndarray:
        """The order of all screens in this epoch, int64 [screens], the same on every rank and wherever the epoch was opened."""
        if self.shuffle_seed is None:
            return np.arange(self.screens)
        return np.random.default_rng([self.shuffle_seed, self.epoch]).permutation(self.screens)

    def mine(self) -> np.ndarray:
        """This rank's share of what follows `start`."""
        order = self.whole()[self.start :]
        if self.drop_last:
            order = order[: len(order) // self.at_once * self.at_once]
        return order[self.rank :: self.world_size]

    def __iter__(self) -> Iterator[list[int]]:
        mine = self.mine().tolist()
        for first in range(0, len(mine), self.batch_size):
            yield mine[first : first + self.batch_size]

    def __len__(self) -> int:
        left = self.screens - self.start
        mine = left // self.at_once * self.batch_size if self.drop_last else len(range(self.rank, left, self.world_size))
        return self.first_batch + math.ceil(mine / self.batch_size)
