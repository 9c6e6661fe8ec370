"""An epoch's order depends on seed, epoch and number of screens alone, and an interrupted epoch goes on where it was left, at any world size."""

from pathlib import Path

import pytest
import torch

from contracts.errors import InputError
from tests.training.test_batches import assert_same
from training.batches import ScreenBatch, open_split
from training.order import EpochOrder


def steps(order: list[EpochOrder], number: int | None = None) -> list[list[int]]:
    """What all ranks together read with each micro-batch, in the epoch's order, up to `number` micro-batches."""
    ranks = [list(one)[:number] for one in order]
    return [
        [batch[i] for i in range(max(map(len, batches))) for batch in batches if i < len(batch)]
        for batches in zip(*ranks, strict=True)
    ]  # fmt: skip


def ranks(screens: int, batch_size: int, world_size: int, epoch: int, start: int = 0, drop_last: bool = False) -> list[EpochOrder]:
    orders = [EpochOrder(screens, batch_size, 7, rank, world_size, drop_last) for rank in range(world_size)]
    for order in orders:
        order.set_epoch(epoch, start)
    return orders


def test_the_order_is_that_of_seed_epoch_and_number_of_screens_alone() -> None:
    expected = EpochOrder(24, 1, 7, 0, 1, False)
    expected.set_epoch(2)
    assert sorted(expected.whole().tolist()) == list(range(24)) != expected.whole().tolist()
    for world_size in (1, 2, 3):
        for batch_size in (1, 2, 4):
            together = [i for step in steps(ranks(24, batch_size, world_size, epoch=2)) for i in step]
            assert together == expected.whole().tolist()
    others = [EpochOrder(24, 1, seed, 0, 1, False) for seed in (7, 8)]
    assert len({tuple(order.whole()) for order in (expected, *others)}) == 3


@pytest.mark.parametrize("before", [(1, 6), (1, 2), (2, 3), (2, 1), (3, 2)], ids=str)
@pytest.mark.parametrize("after", [(1, 6), (2, 1), (3, 1), (3, 2)], ids=str)
def test_an_epoch_interrupted_at_any_step_goes_on_at_any_world_size(before: tuple[int, int], after: tuple[int, int]) -> None:
    """Global batch 6 of 27 screens; (world size, micro-batch) before and after."""
    straight = [i for step in steps(ranks(27, 6, 1, epoch=1, drop_last=True)) for i in step]
    assert len(straight) == 24
    for done in range(5):
        read = [
            i for step in steps(ranks(27, before[1], before[0], epoch=1, drop_last=True), number=done * 6 // (before[0] * before[1])) for i in step
        ]
        again = ranks(27, after[1], after[0], epoch=1, start=6 * done, drop_last=True)
        rest = [i for step in steps(again) for i in step]
        assert (read + rest)[:24] == straight
        assert all(order.first_batch == 6 * done // order.at_once and order.position(order.first_batch) == 6 * done for order in again)


def test_any_position_will_do_and_nothing_is_read_twice_or_left_out() -> None:
    for world_size in (1, 2, 3):
        whole = EpochOrder(11, 2, 7, 0, 1, False).whole().tolist()
        for start in range(12):
            orders = ranks(11, 2, world_size, epoch=0, start=start)
            read = [list(order) for order in orders]
            assert sorted(i for batches in read for batch in batches for i in batch) == sorted(whole[start:])
            assert [len(order) - order.first_batch for order in orders] == [len(batches) for batches in read]


def test_the_length_is_that_of_a_whole_epoch_wherever_it_was_opened() -> None:
    order = EpochOrder(27, 2, 7, 1, 3, True)
    assert len(order) == 4
    for start in range(0, 25, 6):
        order.set_epoch(0, start)
        assert len(order) == 4 and len(list(order)) == 4 - start // 6


def test_a_position_outside_the_epoch_is_refused() -> None:
    order = EpochOrder(8, 2, 7, 0, 1, True)
    for start in (-1, 9):
        with pytest.raises(InputError, match=f"start: is no position in an epoch of 8 screens. Found: {start}"):
            order.set_epoch(0, start)
    with pytest.raises(InputError, match="rank: is no rank. Found: 2"):
        EpochOrder(8, 2, 7, 2, 2, True)


def batches(loader: str, world_size: int, batch_size: int, epoch: int, start: int, num_workers: int) -> list[list[ScreenBatch]]:
    found = []
    for rank in range(world_size):
        split = open_split(
            "train", batch_size=batch_size, loader=loader, shuffle_seed=5, num_workers=num_workers, rank=rank, world_size=world_size, drop_last=True,
        )  # type: ignore[arg-type]  # fmt: skip
        split.order.set_epoch(epoch, start)
        found.append(list(split))
    return found


def screens(ranks: list[list[ScreenBatch]]) -> list[ScreenBatch]:
    """Every screen on its own, in the epoch's order, out of the micro-batches of all ranks."""
    alone = []
    for step in zip(*ranks, strict=True):
        for i in range(len(step[0])):
            alone += [
                ScreenBatch(
                    b.images[i : i + 1],
                    b.boxes[i : i + 1],
                    b.labels[i : i + 1],
                    b.image_ids[i : i + 1],
                    b.content_hw[i : i + 1],
                    b.original_hw[i : i + 1],
                )
                for b in step
            ]
    return alone


@pytest.mark.parametrize("loader", ["beton", "shards"])
def test_the_rest_of_an_interrupted_epoch_has_the_same_tensors_at_every_world_size(packed: Path, loader: str) -> None:
    """8 screens: an epoch of 6 for 3 ranks, of 8 else."""
    straight = screens(batches(loader, 1, 2, epoch=1, start=0, num_workers=0))
    for world_size, start in ((1, 4), (2, 4), (3, 3)):
        rest = screens(batches(loader, world_size, 1, epoch=1, start=start, num_workers=2))
        assert_same(rest, straight[start : start + len(rest)])
        assert len(rest) == {1: 4, 2: 4, 3: 3}[world_size]


@pytest.mark.parametrize("loader", ["beton", "shards"])
@pytest.mark.parametrize("num_workers", [0, 2])
def test_a_run_that_begins_within_an_epoch_reads_the_next_epochs_whole(packed: Path, loader: str, num_workers: int) -> None:
    split = open_split("train", batch_size=2, loader=loader, shuffle_seed=5, num_workers=num_workers, drop_last=True)  # type: ignore[arg-type]
    ids = []
    for epoch, start in ((0, 6), (1, 0), (1, 8), (2, 2)):
        split.order.set_epoch(epoch, start)
        ids.append([i for batch in split for i in batch.image_ids.tolist()])
        assert ids[-1] == (split.order.whole()[start:] + 1).tolist()
    assert [len(one) for one in ids] == [2, 8, 0, 6]


def test_an_epoch_left_in_the_middle_can_be_opened_again(packed: Path) -> None:
    for loader in ("beton", "shards"):
        split = open_split("train", batch_size=2, loader=loader, shuffle_seed=5, num_workers=1)  # type: ignore[arg-type]
        reading = iter(split)
        first = [next(reading) for _ in range(2)]
        del reading
        split.order.set_epoch(0, start=4)
        straight = open_split("train", batch_size=2, loader=loader, shuffle_seed=5)  # type: ignore[arg-type]
        assert_same([*first, *split], list(straight))


def test_the_mean_number_of_elements_is_the_same_after_a_resume(packed: Path) -> None:
    straight = open_split("train", batch_size=1, loader="shards", shuffle_seed=1, drop_last=True)
    means = [straight.mean_elements(batch, 4) for batch in range(8)]
    assert means[:4] == [means[0]] * 4 and means[0] != means[4]
    resumed = open_split("train", batch_size=1, loader="shards", shuffle_seed=1, drop_last=True, rank=1, world_size=2)
    resumed.order.set_epoch(0, start=4)
    assert resumed.order.first_batch == 2
    # two ranks and two accumulated micro-batches instead of one and four
    assert [resumed.mean_elements(batch, 2) for batch in (2, 3)] == means[4:6]
    counts = torch.tensor([len(labels) for batch in resumed for labels in batch.labels])
    assert len(counts) == 2
