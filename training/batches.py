"""Packed screens in, batches out: the same batches, bit for bit, from an FFCV beton and from WebDataset shards.

What stands where in an epoch, and how an interrupted epoch goes on, is decided in training/order.py from the seed and the epoch's number alone:
neither the format, nor the number of loader workers, nor the number of processes changes which screens share an optimizer step.

    batches = open_split("train", batch_size=8, shuffle_seed=0, rank=0, world_size=2, drop_last=True)
    batches.order.set_epoch(3, start=640)   # the fourth epoch, after its first 640 screens (counted over all ranks)
    for batch in batches: ...               # this rank's micro-batches from there to the epoch's end

FFCV is imported here and in pack_beton alone, and only when a beton is read or written.
"""

import io
import json
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from pydantic import Field, ValidationError
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from contracts.annotation import Frozen
from contracts.dataset import SPLITS, Split, dataset_version
from contracts.errors import InputError
from contracts.stage import artifact
from training.order import EpochOrder

Format = Literal["beton", "shards"]
_REPACK = "Run `dvc repro pack_beton` to pack this dataset version."


@dataclass
class ScreenBatch:
    """Some screens at training resolution.

    `images` uint8 [B, 3, H, W]; `boxes` per screen float32 [n, 4], xyxy pixels of the packed image; `labels` per screen int64 [n], class index =
    taxonomy id - 1; `image_ids` int64 [B], as in data/coco/<split>.json; `content_hw` int64 [B, 2], height and width of the scaled screen in
    the packed image, whose rest is zero; `original_hw` int64 [B, 2], of the screen before scaling.
    """

    images: Tensor
    boxes: list[Tensor]
    labels: list[Tensor]
    image_ids: Tensor
    content_hw: Tensor
    original_hw: Tensor

    def __len__(self) -> int:
        return len(self.images)

    def to(self, device: torch.device | str) -> "ScreenBatch":
        """The same batch on another device."""
        return ScreenBatch(
            self.images.to(device, non_blocking=True), [b.to(device) for b in self.boxes], [label.to(device) for label in self.labels],
            self.image_ids.to(device), self.content_hw.to(device), self.original_hw.to(device),
        )  # fmt: skip


class PackedSplit(Frozen):
    """One split of an index: `elements[i]` is the number of elements of its i-th screen (in order of image id)."""

    screens: int = Field(ge=0)
    max_elements: int = Field(ge=0)
    elements: tuple[int, ...]


class PackedIndex(Frozen):
    """`artifacts/pack_beton/index.json`. `image_size` is (height, width) in pixels."""

    image_size: tuple[int, int]
    formats: tuple[Format, ...]
    dataset_version: str
    splits: dict[Split, PackedSplit]


@dataclass(frozen=True)
class PackedScreen:
    """One screen at training resolution: `image` uint8 [H, W, 3]; the rest as in ScreenBatch, as numpy arrays."""

    image: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    image_id: int
    content_hw: tuple[int, int]
    original_hw: tuple[int, int]


def read_index() -> PackedIndex:
    """The index of what pack_beton made. InputError if it is missing, unreadable, or made from another dataset version than `data.dvc` names."""
    path = artifact("pack_beton") / "index.json"
    try:
        index = PackedIndex.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError("is missing.", file=path, fix=_REPACK) from None
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"cannot be read: {first['msg']}.", file=path, field=".".join(map(str, first["loc"])) or None, fix=_REPACK) from None
    if index.dataset_version != dataset_version():
        raise InputError(
            f"was packed from another dataset version; data.dvc says {dataset_version()}.", file=path, field="dataset_version",
            found=index.dataset_version, fix=_REPACK,
        )  # fmt: skip
    return index


def import_ffcv() -> Any:
    """The module `ffcv` with all we use of it loaded; ImportError where it is not installed or cannot be loaded.

    FFCV sets torch's number of threads to its loader's, at import and whenever an epoch starts; that would slow training down, so it is undone.
    """
    threads = torch.get_num_threads()
    try:
        import ffcv
        import ffcv.fields
        import ffcv.fields.decoders
        import ffcv.loader
        import ffcv.traversal_order.base
        import ffcv.writer
        import numba
        from ffcv.pipeline.compiler import Compiler
    finally:
        torch.set_num_threads(threads)

    def set_num_threads(cls: type, n: int) -> None:
        cls.num_threads = min(max(n, 1), numba.config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]
        numba.set_num_threads(cls.num_threads)  # type: ignore[attr-defined]

    Compiler.set_num_threads = classmethod(set_num_threads)
    return ffcv


def choose_format(loader: Literal["auto", "beton", "shards"], index: PackedIndex) -> tuple[Format, str]:
    """What will be read, and why, in words. InputError if the packed folder lacks what `loader` asks for, or FFCV cannot be imported for it."""
    folder = artifact("pack_beton")
    reason = ""
    if loader in ("auto", "beton"):
        if "beton" not in index.formats:
            reason = "there are no betons"
        else:
            try:
                import_ffcv()
                return "beton", "reading FFCV betons"
            except ImportError as error:
                reason = f"FFCV cannot be imported here ({error})"
        if loader == "beton":
            raise InputError(
                f"is set, but {reason}.", file="params.yaml", field="hardware.loader", found="beton",
                fix="Set it to `auto` or `shards`, or install FFCV (`pip install screenry[beton]`) and run `dvc repro pack_beton`.",
            )  # fmt: skip
    if "shards" not in index.formats:
        raise InputError(
            "holds no packed shards" + (f", and {reason}." if reason else "."), file=folder, field="formats", found=", ".join(index.formats),
            fix="Add `shards` to pack_beton.formats in params.yaml and run `dvc repro pack_beton`.",
        )  # fmt: skip
    return "shards", "reading packed shards" + (f" because {reason}" if reason else "")


class SplitBatches:
    """An iterable of one rank's ScreenBatches of a split: a pass goes from where `order` was opened to the epoch's end.

    `len` counts the micro-batches of a whole epoch. `format` says what is read, `note` why.
    """

    def __init__(self, split: Split, index: PackedIndex, format: Format, note: str, order: EpochOrder, num_workers: int):
        self.split, self.index, self.format, self.note, self.order = split, index, format, note, order
        self.elements = np.array(index.splits[split].elements, dtype=np.int64)
        folder = artifact("pack_beton")
        self._source = (
            _Beton(folder / f"{split}.beton", order, num_workers)
            if format == "beton"
            else _Shards(folder, split, index.splits[split].screens, order, num_workers)
        )

    def __len__(self) -> int:
        return len(self.order)

    def __iter__(self) -> Iterator[ScreenBatch]:
        return iter(self._source)

    def mean_elements(self, batch_index: int, accumulation: int) -> float:
        """Elements per micro-batch, on average over the optimizer step that micro-batch `batch_index` of this epoch belongs to (all ranks, all
        accumulated micro-batches); at least 1 per step. Known without reading or communicating, from the index.

        Micro-batches are numbered from the epoch's beginning, wherever it was opened (which must be between two optimizer steps).
        """
        screens = self.order.at_once * accumulation
        start = self.order.position(batch_index // accumulation * accumulation)
        elements = int(self.elements[self.order.whole()[start : start + screens]].sum())
        return max(elements, 1) / (self.order.world_size * accumulation)


def open_split(
    split: Split, *, batch_size: int, loader: Literal["auto", "beton", "shards"] = "auto", shuffle_seed: int | None = None, num_workers: int = 0,
    rank: int = 0, world_size: int = 1, drop_last: bool = False,
) -> SplitBatches:  # fmt: skip
    """Batches of one split for one rank.

    `loader` `auto` takes betons if they are there and FFCV can be imported, else shards (`.note` says which and why). With `shuffle_seed` each
    epoch has its own order, a function of seed and epoch only (`.order.set_epoch`, which also says where in the epoch to begin). `num_workers` never changes what is read.
    InputError for a missing or outdated pack, or a format that is not there.
    """
    if split not in SPLITS:
        raise InputError("is no split.", field="split", found=split, fix=f"Use one of {', '.join(SPLITS)}.")
    index = read_index()
    format, note = choose_format(loader, index)
    order = EpochOrder(index.splits[split].screens, batch_size, shuffle_seed, rank, world_size, drop_last)
    return SplitBatches(split, index, format, note, order, num_workers)


def collate(screens: list[PackedScreen]) -> ScreenBatch:
    """Screens of one size to a batch."""
    return ScreenBatch(
        images=torch.from_numpy(np.stack([screen.image for screen in screens])).permute(0, 3, 1, 2).contiguous(),
        boxes=[torch.from_numpy(screen.boxes) for screen in screens],
        labels=[torch.from_numpy(screen.labels) for screen in screens],
        image_ids=torch.tensor([screen.image_id for screen in screens], dtype=torch.int64),
        content_hw=torch.tensor([screen.content_hw for screen in screens], dtype=torch.int64),
        original_hw=torch.tensor([screen.original_hw for screen in screens], dtype=torch.int64),
    )


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
                f"should hold {screens} screens of split {split}.", file=folder, field=f"{split}-*.tar", found=len(self._keys), fix=_REPACK
            )

    def __len__(self) -> int:
        return len(self._keys)

    def __getitem__(self, position: int) -> PackedScreen:
        key = self._keys[position]
        meta = json.loads(self._members.read(f"{key}.json"))
        image = decode_rgb(self._members.read(f"{key}.png"), self._members.file(f"{key}.png"), f"{key}.png", _REPACK)
        return PackedScreen(
            image=np.array(image, dtype=np.uint8),
            boxes=np.array(meta["boxes"], dtype=np.float32).reshape(-1, 4),
            labels=np.array(meta["labels"], dtype=np.int64),
            image_id=meta["image_id"],
            content_hw=tuple(meta["content_hw"]),
            original_hw=tuple(meta["original_hw"]),
        )


class _Shards:
    def __init__(self, folder: Path, split: Split, screens: int, sampler: EpochOrder, num_workers: int):
        self._loader = DataLoader(
            ShardScreens(folder, split, screens), batch_sampler=sampler, collate_fn=collate, num_workers=num_workers,
            persistent_workers=num_workers > 0,
        )  # fmt: skip

    def __iter__(self) -> Iterator[ScreenBatch]:
        return iter(self._loader)


class _Beton:
    """FFCV's loader, told the order. Its image and array buffers are reused, so every batch is copied out."""

    def __init__(self, file: Path, sampler: EpochOrder, num_workers: int):
        if not file.is_file():
            raise InputError("is missing.", file=file, fix=_REPACK)
        ffcv = import_ffcv()

        class Ours(ffcv.traversal_order.base.TraversalOrder):  # type: ignore[misc,name-defined]
            def __init__(self) -> None:
                """Needs no loader: the sampler knows the order."""

            def __call__(self, loader: object) -> "Ours":
                return self  # FFCV asks for an instance and then calls it like a class

            def sample_order(self, epoch: int) -> np.ndarray:
                return sampler.mine().astype(np.uint64)

        self._file, self._sampler, self._ffcv, self._order, self._num_workers = file, sampler, ffcv, Ours(), num_workers
        self._loader: Any = None

    def __iter__(self) -> Iterator[ScreenBatch]:
        mine = self._sampler.mine()
        if len(mine) == 0:
            return
        if self._loader is None:
            ffcv = self._ffcv
            decoders = ffcv.fields.decoders
            self._loader = ffcv.loader.Loader(
                str(self._file), batch_size=self._sampler.batch_size, num_workers=max(self._num_workers, 1), order=self._order, drop_last=False,
                recompile=False,
                pipelines={
                    "image": [decoders.SimpleRGBImageDecoder()], "boxes": [decoders.NDArrayDecoder()], "labels": [decoders.NDArrayDecoder()],
                    "numbers": [decoders.NDArrayDecoder()],
                },
            )  # fmt: skip
        # FFCV cuts every epoch to the length of the first that it saw, which may have been the rest of an interrupted one.
        self._loader.first_traversal_order = mine
        epoch = iter(self._loader)
        try:
            for image, boxes, labels, numbers in epoch:
                count = numbers[:, 0].tolist()
                numbers = torch.from_numpy(np.array(numbers, dtype=np.int64))
                yield ScreenBatch(
                    images=torch.from_numpy(np.array(image)).permute(0, 3, 1, 2).contiguous(),
                    boxes=[torch.from_numpy(b[:n].copy()) for b, n in zip(boxes, count, strict=True)],
                    labels=[torch.from_numpy(label[:n].copy()) for label, n in zip(labels, count, strict=True)],
                    image_ids=numbers[:, 1].clone(), content_hw=numbers[:, 2:4].clone(), original_hw=numbers[:, 4:6].clone(),
                )  # fmt: skip
        finally:
            epoch.close()
