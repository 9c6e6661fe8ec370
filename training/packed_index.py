"""`artifacts/pack_beton/index.json`: what was packed."""

from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator

from contracts.annotation import Frozen
from contracts.dataset import Split, dataset_version
from contracts.errors import InputError
from contracts.stage import artifact

Format = Literal["beton", "shards"]
REPACK = "Run `dvc repro pack_beton` to pack this dataset version."
# For a pack that DVC takes for up to date.
REPACK_FORCED = "Run `dvc repro --force pack_beton` to pack it again."


class PackedShard(Frozen):
    """A tar file: its n-th screen lies from byte offsets[n] to offsets[n + 1], members' headers included, and has the checksum crc32[n]."""

    name: str
    bytes: int = Field(ge=0)
    offsets: tuple[int, ...]
    crc32: tuple[int, ...]

    def part(self, n: int) -> tuple[str, int, int]:
        """Where the n-th screen is: name, first byte, byte behind the last."""
        return self.name, self.offsets[n], self.offsets[n + 1]


class PackedSplit(Frozen):
    """One split of an index: `elements[i]` is the number of elements of its i-th screen (in order of image id)."""

    screens: int = Field(ge=0)
    max_elements: int = Field(ge=0)
    elements: tuple[int, ...]
    shards: tuple[PackedShard, ...]
    beton_bytes: int | None
    """Size of the beton; None if there is none."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        packed = [len(shard.crc32) for shard in self.shards]
        if len(self.elements) != self.screens or (packed and sum(packed) != self.screens) or [len(s.offsets) - 1 for s in self.shards] != packed:
            raise ValueError(f"elements and shards are not those of {self.screens} screens")
        return self


class PackedIndex(Frozen):
    """`artifacts/pack_beton/index.json`. `image_size` is (height, width) in pixels; `shards_at` the folder or URL of the shards if it is not that of
    the index.
    """

    image_size: tuple[int, int]
    formats: tuple[Format, ...]
    shards_at: str | None
    dataset_version: str
    splits: dict[Split, PackedSplit]


def read_index() -> PackedIndex:
    """The index of what pack_beton made. InputError if it is missing, unreadable, or made from another dataset version than `data.dvc` names."""
    path = artifact("pack_beton") / "index.json"
    try:
        index = PackedIndex.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError("is missing.", file=path, fix=REPACK) from None
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"cannot be read: {first['msg']}.", file=path, field=".".join(map(str, first["loc"])) or None, fix=REPACK) from None
    if index.dataset_version != dataset_version():
        raise InputError(
            f"was packed from another dataset version; data.dvc says {dataset_version()}.", file=path, field="dataset_version",
            found=index.dataset_version, fix=REPACK,
        )  # fmt: skip
    return index
