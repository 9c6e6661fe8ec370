"""Packed WebDataset shards: tar files of `<image id>.json` and `<image id>.png`, read in any order, from a folder or streamed from anywhere."""

import io
import json
import os
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError
from torch.utils.data import DataLoader, Dataset

from contracts.errors import InputError
from training.order import EpochOrder
from training.packed_index import REPACK_FORCED, PackedShard, PackedSplit
from training.screen_batch import PackedScreen, ScreenBatch, collate
from training.shard_store import ShardStore


class TarMembers:
    """Random access to the members of some tar files, by name; opens them lazily, so that it can be sent to other processes."""

    def __init__(self, files: list[Path]):
        self._where: dict[str, tuple[int, int, int]] = {}
        self.files = files
        for number, file in enumerate(files):
            try:
                with tarfile.open(file) as tar:
                    for member in tar:
                        self._where[member.name] = (number, member.offset_data, member.size)
            except (tarfile.TarError, EOFError, OSError) as error:
                raise InputError(f"is not a readable tar file: {error}.", file=file, fix="Make it again with the stage that wrote it.") from None
        self._open: dict[int, int] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": {}}

    def __del__(self) -> None:
        for descriptor in getattr(self, "_open", {}).values():
            os.close(descriptor)

    def names(self) -> list[str]:
        return list(self._where)

    def file(self, name: str) -> Path:
        """The tar file that holds a member. KeyError if none does."""
        return self.files[self._where[name][0]]

    def read(self, name: str) -> bytes:
        """A member's bytes. KeyError if there is none. Safe to call from several threads."""
        number, offset, size = self._where[name]
        if number not in self._open:
            self._open[number] = os.open(self.files[number], os.O_RDONLY)
        return os.pread(self._open[number], size, offset)


def decode_rgb(png: bytes, file: object, member: str, fix: str) -> Image.Image:
    """A PNG's pixels as RGB. InputError if it is truncated or no image."""
    try:
        return Image.open(io.BytesIO(png)).convert("RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise InputError(f"is not a readable PNG: {error}.", file=file, field=member, fix=fix) from None


class ShardScreens(Dataset[PackedScreen]):
    """The packed screens of a split, by position (order of image id), read from a store. `split` is the split's part of the index.

    InputError if a shard is missing or not of the length that the index says; later, when a screen of it is damaged.
    """

    def __init__(self, store: ShardStore, split: PackedSplit):
        self._store, self._shards = store, split.shards
        # Screens before each shard.
        self._before = np.cumsum([0, *(len(shard.crc32) for shard in self._shards)])
        for shard in self._shards:
            found = store.size(shard.name)
            if found != shard.bytes:
                raise InputError(
                    "is missing." if found is None else f"is not whole: it should have {shard.bytes} bytes.", file=f"{store.place}/{shard.name}",
                    found=None if found is None else f"{found} bytes", fix=REPACK_FORCED,
                )  # fmt: skip

    def __len__(self) -> int:
        return int(self._before[-1])

    def __getitem__(self, position: int) -> PackedScreen:
        return self.__getitems__([position])[0]

    def __getitems__(self, positions: list[int]) -> list[PackedScreen]:
        """Several screens, fetched together."""
        where = [self._where(position) for position in positions]
        parts = [shard.part(n) for shard, n in where]
        screens = []
        for (shard, n), position, part, data in zip(where, positions, parts, self._store.read(parts), strict=True):
            # What was damaged on its way is not when it comes again.
            if zlib.crc32(data) != shard.crc32[n] and zlib.crc32(data := self._store.read([part])[0]) != shard.crc32[n]:
                raise self._damaged(shard)
            screens.append(decode_screen(data, position + 1))
        return screens

    def _where(self, position: int) -> tuple[PackedShard, int]:
        """The shard that holds a screen, and the screen's number in it."""
        number = int(np.searchsorted(self._before, position, side="right")) - 1
        return self._shards[number], position - int(self._before[number])

    def _damaged(self, shard: PackedShard) -> InputError:
        """The error that names and counts all damaged screens of a shard."""
        first = int(self._before[self._shards.index(shard)]) + 1
        bad = [str(first + n) for n, expected in enumerate(shard.crc32) if zlib.crc32(self._store.read([shard.part(n)])[0]) != expected]
        return InputError(
            f"{len(bad)} of its {len(shard.crc32)} screens are not what was packed.", file=f"{self._store.place}/{shard.name}",
            field="image ids " + ", ".join(bad[:10]) + (", ..." if bad[10:] else ""), fix=REPACK_FORCED,
        )  # fmt: skip


def decode_screen(data: bytes, image_id: int) -> PackedScreen:
    """A screen from its part of a tar file: the members `<image id>.json` and `<image id>.png`."""
    members = {}
    at = 0
    while at < len(data):
        header = tarfile.TarInfo.frombuf(data[at : at + tarfile.BLOCKSIZE], "utf-8", "strict")
        at += tarfile.BLOCKSIZE
        members[header.name] = data[at : at + header.size]
        at += -(-header.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
    meta = json.loads(members[f"{image_id:09d}.json"])
    return PackedScreen(
        image=np.array(Image.open(io.BytesIO(members[f"{image_id:09d}.png"])).convert("RGB")),
        boxes=np.array(meta["boxes"], dtype=np.float32).reshape(-1, 4),
        labels=np.array(meta["labels"], dtype=np.int64),
        image_id=meta["image_id"],
        content_hw=tuple(meta["content_hw"]),
        original_hw=tuple(meta["original_hw"]),
    )


class _Loading(Dataset[PackedScreen]):
    """Screens or, as an item, the InputError that reading them ended with: on its way out of a worker process an exception would lose its fields."""

    def __init__(self, screens: ShardScreens):
        self._screens = screens

    def __getitems__(self, positions: list[int]) -> list[PackedScreen] | InputError:
        try:
            return self._screens.__getitems__(positions)
        except InputError as error:
            return error


def _collate(screens: list[PackedScreen] | InputError) -> ScreenBatch | InputError:
    return screens if isinstance(screens, InputError) else collate(screens)


class Shards:
    """Batches in the order that a sampler says, loaded by `num_workers` processes ahead of time (0: in this one, when asked for)."""

    def __init__(self, store: ShardStore, split: PackedSplit, sampler: EpochOrder, num_workers: int):
        self._loader = DataLoader(
            _Loading(ShardScreens(store, split)), batch_sampler=sampler, collate_fn=_collate, num_workers=num_workers,
            persistent_workers=num_workers > 0,
        )  # fmt: skip

    def __iter__(self) -> Iterator[ScreenBatch]:
        for batch in self._loader:
            if isinstance(batch, InputError):
                raise batch
            yield batch
