"""What a dataset version is on disk, and how it is checked.

    data/
      shards/<name>.tar    WebDataset shards: <key>.png + <key>.json (a Screen), append-only
      coco/<split>.json    the screens of a split (contracts.coco)
      splits.json          which (kit, family) groups stand in which split
      croissant.json       the same for machines that know MLCommons Croissant
      manifest.json        shards with sha256, counts, environment
    data.dvc               its hash is the dataset version

`python -m contracts.dataset` checks the folder and says which version it is.
"""

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Literal

import yaml
from pydantic import Field, ValidationError

from contracts.annotation import Frozen, Screen
from contracts.errors import InputError, run_command
from contracts.files import sha256

DATA = Path("data")
SHARDS = DATA / "shards"
MANIFEST = DATA / "manifest.json"
CROISSANT = DATA / "croissant.json"
SPLITS_FILE = DATA / "splits.json"
POINTER = Path("data.dvc")

# `test_unseen` holds the screens of kits that stand in no other split; it may be empty, the others may not.
Split = Literal["train", "val", "test", "test_unseen"]
SPLITS: tuple[Split, ...] = ("train", "val", "test", "test_unseen")

GET_DATA = (
    "Run `make demo` to render the demo dataset and run the whole line, `dvc pull` if a remote holds this version, "
    "or `python -m datagen.render` and then `python -m datagen.dataset` to make your own."
)


class Shard(Frozen):
    """One shard file: `name` is its file name, `sha256` of its bytes, `bytes` its size."""

    name: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(gt=0)
    screens: int = Field(gt=0)
    elements: int = Field(ge=0)


class SplitCount(Frozen):
    """How much a split holds; `groups` are its `kit/family` names."""

    screens: int = Field(ge=0)
    elements: int = Field(ge=0)
    groups: tuple[str, ...]


class Environment(Frozen):
    """What the pixels depend on besides the seed."""

    engines: str = Field(description="what rendered the screens, e.g. `chromium/156.0.8078.79, qt/6.9.1`")
    kits: dict[str, str] = Field(description="kit name -> package and version, of the kits that screens came from")
    fonts: dict[str, str] = Field(description="font family -> sha256 over its files")
    kit_lock_sha256: str
    generator: str
    system: str


class Manifest(Frozen):
    """`data/manifest.json`."""

    shards: tuple[Shard, ...]
    splits: dict[Split, SplitCount]
    classes: dict[str, int] = Field(description="class name -> number of elements")
    duplicates: dict[str, str] = Field(default={}, description="screen that is in no split -> the near-duplicate of it that is")
    environment: Environment


def coco_path(split: Split) -> Path:
    return DATA / "coco" / f"{split}.json"


def read_manifest() -> Manifest:
    """The manifest of `data/`. InputError that says how to get data if there is none, or what is wrong with it."""
    if not MANIFEST.is_file():
        raise InputError("there is no dataset here yet.", file=MANIFEST, fix=GET_DATA)
    try:
        return Manifest.model_validate_json(MANIFEST.read_text(encoding="utf-8"))
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(
            f"cannot be read: {first['msg']}.", file=MANIFEST, field=".".join(map(str, first["loc"])) or None,
            fix="Write it again with `python -m datagen.dataset`.",
        ) from None  # fmt: skip


def check_dataset() -> Manifest:
    """Compare every shard with the manifest (presence, size, sha256), and `data/shards` with its list. InputError on any difference."""
    manifest = read_manifest()
    listed = {shard.name for shard in manifest.shards}
    for path in sorted(SHARDS.glob("*.tar")):
        if path.name not in listed:
            raise InputError("is not in the manifest.", file=path, fix="Run `python -m datagen.dataset` to make a new dataset version that holds it.")
    for shard in manifest.shards:
        path = SHARDS / shard.name
        if not path.is_file():
            raise InputError("is in the manifest but not on disk.", file=path, fix="Run `dvc checkout data.dvc`, `dvc pull`, or render it again.")
        found = sha256(path)
        if found != shard.sha256:
            raise InputError(
                f"does not match {MANIFEST}: its sha256 should be {shard.sha256}.", file=path, field="sha256", found=found,
                fix="The file changed after the dataset was made. Restore it with `dvc checkout data.dvc --force`, "
                "or delete it, render it again and run `python -m datagen.dataset`.",
            )  # fmt: skip
    return manifest


def dataset_version() -> str:
    """The hash in `data.dvc`, which is the dataset version everywhere. InputError if there is none."""
    if not POINTER.is_file():
        raise InputError("there is no dataset version yet.", file=POINTER, fix=GET_DATA)
    try:
        version = yaml.safe_load(POINTER.read_text(encoding="utf-8"))["outs"][0]["md5"]
    except (yaml.YAMLError, KeyError, IndexError, TypeError):
        version = None
    if not isinstance(version, str):
        raise InputError("holds no hash.", file=POINTER, field="outs[0].md5", found=version, fix="Run `dvc add data` again.")
    return version


def read_shard(path: Path) -> Iterator[tuple[Screen, bytes]]:
    """Each screen of a shard with the bytes of its PNG, in file order. InputError for a broken tar, a broken or lonely member."""
    waiting: dict[str, dict[str, bytes]] = {}
    rerender = "Delete this shard and render it again: `python -m datagen.render` makes the same bytes from the same seed."
    try:
        with tarfile.open(path) as tar:
            for member in tar:
                name = PurePosixPath(member.name)
                data = tar.extractfile(member)
                if data is None or name.suffix not in (".png", ".json"):
                    raise InputError("holds something that is no screen.", file=path, field=member.name, fix=rerender)
                parts = waiting.setdefault(name.stem, {})
                parts[name.suffix] = data.read()
                if len(parts) == 2:
                    del waiting[name.stem]
                    yield _parse(path, name.stem, parts[".json"], rerender), parts[".png"]
    except (tarfile.TarError, EOFError, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise InputError("does not exist.", file=path, fix=GET_DATA) from None
        raise InputError(f"is not a readable tar file: {error}.", file=path, fix=rerender) from error
    if waiting:
        key, parts = next(iter(waiting.items()))
        raise InputError("has a screen of which only one half is there.", file=path, field=key, found=", ".join(parts), fix=rerender)


def _parse(path: Path, key: str, text: bytes, fix: str) -> Screen:
    try:
        screen = Screen.model_validate_json(text)
    except ValidationError as error:
        raise InputError(f"is no valid screen: {error.errors()[0]['msg']}.", file=path, field=f"{key}.json", fix=fix) from None
    if screen.key != key:
        raise InputError("says another key than its file name.", file=path, field=f"{key}.json", found=screen.key, fix=fix)
    return screen


def main() -> None:
    manifest = check_dataset()
    counts = ", ".join(f"{split} {manifest.splits[split].screens}" for split in SPLITS)
    print(json.dumps({"version": dataset_version(), "shards": len(manifest.shards)}), f"({counts} screens; every shard matches the manifest)")


if __name__ == "__main__":
    run_command(main)
