"""`artifacts/pack_beton/index.json`: what was packed."""

from typing import Literal

from pydantic import Field, ValidationError

from contracts.annotation import Frozen
from contracts.dataset import Split, dataset_version
from contracts.errors import InputError
from contracts.stage import artifact

Format = Literal["beton", "shards"]
REPACK = "Run `dvc repro pack_beton` to pack this dataset version."


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
