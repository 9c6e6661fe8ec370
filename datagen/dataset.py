"""Makes a dataset version of the shards: validates them, splits, writes COCO files and the manifest, and gives `data/` to DVC.

    data/coco/{train,val,test}.json   data/splits.json   data/manifest.json   data.dvc

A split holds whole groups, a group being a page family in a theme, never single screens: a model is judged on pages in looks that it has not
seen together. A group's place follows from its name alone, so new shards never move an old screen to another split.
"""

import argparse
import hashlib
import io
import json
import platform
import shutil
import subprocess
from collections import Counter
from pathlib import Path

from contracts.annotation import Screen
from contracts.dataset import (
    DATA,
    GET_DATA,
    MANIFEST,
    POINTER,
    SHARDS,
    SPLITS,
    SPLITS_FILE,
    Environment,
    Manifest,
    Shard,
    Split,
    SplitCount,
    coco_path,
    dataset_version,
    read_shard,
)  # fmt: skip
from contracts.errors import InputError, run_command
from contracts.files import sha256, write_text
from contracts.knobs import load_knobs
from datagen.config import DatasetKnobs


def main() -> None:
    argparse.ArgumentParser(prog="python -m datagen.dataset", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    from contracts.coco import coco_from_screens

    knobs = load_knobs(DatasetKnobs)
    _refuse_strangers()
    shards, screens = read_all()
    splits = split_screens(screens, knobs)
    manifest = make_manifest(shards, splits)
    for split in SPLITS:
        _write_if_new(coco_path(split), coco_from_screens(splits[split]), indent=None)
    _write_if_new(SPLITS_FILE, {split: list(manifest.splits[split].groups) for split in SPLITS})
    _write_if_new(MANIFEST, manifest.model_dump(mode="json"))
    changed = add_to_dvc()
    counts = ", ".join(f"{split} {len(splits[split])}" for split in SPLITS)
    elements = sum(shard.elements for shard in shards)
    print(
        f"dataset version {dataset_version()} ({'new' if changed else 'unchanged'}): {len(shards)} shards, {len(screens)} screens ({counts}), {elements} elements."
    )


def read_all() -> tuple[list[Shard], list[Screen]]:
    """Every shard, with each screen's labels checked and its picture decoded. InputError for the first that is broken."""
    from contracts.stage import progress

    paths = sorted(SHARDS.glob("*.tar"))
    if not paths:
        raise InputError("holds no shards.", file=SHARDS, fix=GET_DATA)
    shards: list[Shard] = []
    screens: dict[str, Screen] = {}
    for path in progress(paths, "validate shards"):
        own = []
        for screen, png in read_shard(path):
            check_picture(path, screen, png)
            if screen.key in screens:
                raise InputError(
                    "is a key that another screen bears already.",
                    file=path,
                    field=screen.key,
                    fix="Delete one of the two shards and render it again.",
                )
            screens[screen.key] = screen
            own.append(screen)
        if not own:
            raise InputError("holds no screens.", file=path, fix="Delete it and run `python -m datagen.render` again.")
        shards.append(
            Shard(name=path.name, sha256=sha256(path), bytes=path.stat().st_size, screens=len(own), elements=sum(len(s.elements) for s in own))
        )
    return shards, [screens[key] for key in sorted(screens)]


def check_picture(path: Path, screen: Screen, png: bytes) -> None:
    """InputError if the PNG cannot be decoded to its last row, or is not of the size that the screen says."""
    from PIL import Image

    fix = "Delete this shard and run `python -m datagen.render`: the same seed makes the same bytes."
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
            image.load()
            size = image.size
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(f"is no readable PNG: {error}.", file=path, field=f"{screen.key}.png", found=f"{len(png)} bytes", fix=fix) from None
    if size != (screen.width, screen.height):
        raise InputError(
            f"is not of the size that {screen.key}.json says, {screen.width}x{screen.height}.", file=path, field=f"{screen.key}.png",
            found=f"{size[0]}x{size[1]}", fix=fix,
        )  # fmt: skip


def group_of(screen: Screen) -> str:
    """The name of the group that a screen is split with."""
    return f"{screen.family}/{screen.theme}"


def split_of(group: str, knobs: DatasetKnobs) -> Split:
    """The split of a group: its name's hash as a number in [0, 1), cut at the fractions."""
    place = int.from_bytes(hashlib.sha256(group.encode()).digest()[:8]) / 2**64
    if place < knobs.train_fraction:
        return "train"
    return "val" if place < knobs.train_fraction + knobs.val_fraction else "test"


def split_screens(screens: list[Screen], knobs: DatasetKnobs) -> dict[Split, list[Screen]]:
    """Screens by split, in the order given. InputError if a split would be empty."""
    if knobs.train_fraction + knobs.val_fraction >= 1:
        raise InputError(
            "leaves nothing to test on.", file="params.yaml", field="dataset.train_fraction + dataset.val_fraction",
            found=knobs.train_fraction + knobs.val_fraction, fix="Make their sum less than 1.",
        )  # fmt: skip
    splits: dict[Split, list[Screen]] = {split: [] for split in SPLITS}
    for screen in screens:
        splits[split_of(group_of(screen), knobs)].append(screen)
    for split, own in splits.items():
        if not own:
            groups = {group_of(screen) for screen in screens}
            raise InputError(
                f"the {split} split would be empty: of the {len(groups)} groups (page family in a theme) in {len(screens)} screens none falls into it.",
                file=SHARDS, fix="Render more screens (`python -m datagen.render --shards N`), or give this split a larger fraction under `dataset` in params.yaml.",
            )  # fmt: skip
    return splits


def make_manifest(shards: list[Shard], splits: dict[Split, list[Screen]]) -> Manifest:
    """The manifest; the same shards give the same manifest."""
    from datagen.kits import font_files, lock_sha256

    screens = [screen for split in SPLITS for screen in splits[split]]
    generators = sorted({screen.generator for screen in screens})
    browsers = sorted({part for made in generators for part in made.split() if part.startswith("chromium/")})
    classes = Counter(element.class_name for screen in screens for element in screen.elements)
    return Manifest(
        shards=tuple(shards),
        splits={
            split: SplitCount(screens=len(own), elements=sum(len(s.elements) for s in own), groups=tuple(sorted({group_of(s) for s in own})))
            for split, own in splits.items()
        },
        classes=dict(sorted(classes.items())),
        environment=Environment(
            browser=", ".join(browsers) or "unknown", fonts={name: sha256(path) for name, path in font_files().items()}, kit_lock_sha256=lock_sha256(),
            generator=", ".join(generators), system=f"{platform.system()} {platform.machine()}",
        ),
    )  # fmt: skip


def add_to_dvc() -> bool:
    """`dvc add data` if `data.dvc` does not describe `data/` as it is; whether it was run. InputError if DVC is missing or fails."""
    if shutil.which("dvc") is None:
        raise InputError(
            "DVC is not on PATH, and it keeps the dataset's versions.", fix="Run `make setup`, which installs it, and put its folder on PATH."
        )
    if POINTER.is_file() and json.loads(_dvc("status", "--json", str(POINTER)) or "{}") == {}:
        return False
    _dvc("add", "--quiet", str(DATA))
    return True


def _dvc(*arguments: str) -> str:
    done = subprocess.run(["dvc", "--wait-for-lock", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise InputError(
            f"`dvc {' '.join(arguments)}` failed: {done.stderr.strip()[-600:]}.", fix="Mend what DVC names and run `python -m datagen.dataset` again."
        )
    return done.stdout


def _refuse_strangers() -> None:
    """Everything under `data/` becomes part of the dataset version, so nothing unknown may lie there (but half-written files, which DVC ignores)."""
    known = {SPLITS_FILE, MANIFEST, *(coco_path(split) for split in SPLITS)}
    for path in sorted(DATA.rglob("*")):
        if path.is_file() and path not in known and path.suffix != ".partial" and not (path.parent == SHARDS and path.suffix == ".tar"):
            raise InputError("is no part of a dataset, and all of data/ is versioned.", file=path, fix="Move it out of data/.")


def _write_if_new(path: Path, value: object, indent: int | None = 2) -> None:
    """Write JSON unless the file holds it already. Always by rename: DVC links the old file to its cache, read-only."""
    text = json.dumps(value, indent=indent, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_text(path, text)


if __name__ == "__main__":
    run_command(main)
