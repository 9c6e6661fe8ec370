"""Packed WebDataset shards: tar files of `<image id>.json` and `<image id>.png`, read in any order."""

import io
import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError
from torch.utils.data import DataLoader, Dataset

from contracts.dataset import Split
from contracts.errors import InputError
from training.order import EpochOrder
from training.packed_index import REPACK
from training.screen_batch import PackedScreen, ScreenBatch, collate


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
    """The packed screens of `<split>-NNNNNN.tar`, by position (order of image id)."""

    def __init__(self, folder: Path, split: Split, screens: int):
        self._members = TarMembers(sorted(folder.glob(f"{split}-*.tar")))
        self._keys = sorted(name.removesuffix(".json") for name in self._members.names() if name.endswith(".json"))
        if len(self._keys) != screens:
            raise InputError(
                f"should hold {screens} screens of split {split}.", file=folder, field=f"{split}-*.tar", found=len(self._keys), fix=REPACK
            )

    def __len__(self) -> int:
        return len(self._keys)

    def __getitem__(self, position: int) -> PackedScreen:
        key = self._keys[position]
        meta = json.loads(self._members.read(f"{key}.json"))
        image = decode_rgb(self._members.read(f"{key}.png"), self._members.file(f"{key}.png"), f"{key}.png", REPACK)
        return PackedScreen(
            image=np.array(image, dtype=np.uint8),
            boxes=np.array(meta["boxes"], dtype=np.float32).reshape(-1, 4),
            labels=np.array(meta["labels"], dtype=np.int64),
            image_id=meta["image_id"],
            content_hw=tuple(meta["content_hw"]),
            original_hw=tuple(meta["original_hw"]),
        )


class Shards:
    def __init__(self, folder: Path, split: Split, screens: int, sampler: EpochOrder, num_workers: int):
        self._loader = DataLoader(
            ShardScreens(folder, split, screens), batch_sampler=sampler, collate_fn=collate, num_workers=num_workers,
            persistent_workers=num_workers > 0,
        )  # fmt: skip

    def __iter__(self) -> Iterator[ScreenBatch]:
        return iter(self._loader)
