"""Makes a dataset version of the shards: validates them, splits, writes COCO files and the manifest, and gives `data/` to DVC.

    data/coco/<split>.json   data/splits.json   data/manifest.json   data/croissant.json (MLCommons Croissant)   data.dvc

A split holds whole groups, a group being a page family in a UI kit, never single screens: a model is judged on pages in looks that it has not
seen together. A group's place follows from its name alone, so new shards never move an old screen to another split. The kits named in the knob
`unseen_kits` stand in `test_unseen` and nowhere else. Of near-duplicate screens all but the first are in no split (datagen.duplicates).
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
from typing import TYPE_CHECKING

from contracts.annotation import Screen
from contracts.dataset import (
    CROISSANT,
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
from datagen.duplicates import near_duplicates, picture_hash

if TYPE_CHECKING:
    from PIL.Image import Image


def main() -> None:
    argparse.ArgumentParser(prog="python -m datagen.dataset", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    from contracts.coco import coco_from_screens
    from datagen.exports.croissant import croissant

    knobs = load_knobs(DatasetKnobs)
    _refuse_strangers()
    shards, screens, hashes = read_all()
    duplicates = near_duplicates(hashes)
    splits = split_screens([screen for screen in screens if screen.key not in duplicates], knobs)
    manifest = make_manifest(shards, splits, duplicates)
    for split in SPLITS:
        _write_if_new(coco_path(split), coco_from_screens(splits[split]), indent=None)
    _write_if_new(SPLITS_FILE, {split: list(manifest.splits[split].groups) for split in SPLITS})
    _write_if_new(MANIFEST, manifest.model_dump(mode="json"))
    _write_if_new(CROISSANT, croissant(manifest))
    changed = add_to_dvc()
    counts = ", ".join(f"{split} {len(splits[split])}" for split in SPLITS)
    elements = sum(shard.elements for shard in shards)
    print(
        f"dataset version {dataset_version()} ({'new' if changed else 'unchanged'}): {len(shards)} shards, {len(screens)} screens ({counts}; {len(duplicates)} near-duplicates left out), {elements} elements."
    )


def read_all() -> tuple[list[Shard], list[Screen], dict[str, int]]:
    """Every shard and screen, with the hash of each screen's picture (by key, sorted); labels checked, pictures decoded. InputError for the first that is broken."""
    from contracts.stage import progress

    paths = sorted(SHARDS.glob("*.tar"))
    if not paths:
        raise InputError("holds no shards.", file=SHARDS, fix=GET_DATA)
    shards: list[Shard] = []
    screens: dict[str, Screen] = {}
    hashes: dict[str, int] = {}
    for path in progress(paths, "validate shards"):
        own = []
        for screen, png in read_shard(path):
            picture = check_picture(path, screen, png)
            if screen.key in screens:
                raise InputError(
                    "is a key that another screen bears already.",
                    file=path,
                    field=screen.key,
                    fix="Delete one of the two shards and render it again.",
                )
            screens[screen.key] = screen
            hashes[screen.key] = picture_hash(picture)
            own.append(screen)
        if not own:
            raise InputError("holds no screens.", file=path, fix="Delete it and run `python -m datagen.render` again.")
        shards.append(
            Shard(name=path.name, sha256=sha256(path), bytes=path.stat().st_size, screens=len(own), elements=sum(len(s.elements) for s in own))
        )
    return shards, [screens[key] for key in sorted(screens)], {key: hashes[key] for key in sorted(hashes)}


def check_picture(path: Path, screen: Screen, png: bytes) -> "Image":
    """The decoded picture. InputError if the PNG cannot be decoded to its last row, or is not of the size that the screen says."""
    from PIL import Image

    fix = "Delete this shard and run `python -m datagen.render`: the same seed makes the same bytes."
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
            image.load()
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(f"is no readable PNG: {error}.", file=path, field=f"{screen.key}.png", found=f"{len(png)} bytes", fix=fix) from None
    if image.size != (screen.width, screen.height):
        raise InputError(
            f"is not of the size that {screen.key}.json says, {screen.width}x{screen.height}.", file=path, field=f"{screen.key}.png",
            found=f"{image.width}x{image.height}", fix=fix,
        )  # fmt: skip
    return image


def group_of(screen: Screen) -> str:
    """The name of the group that a screen is split with."""
    return f"{screen.kit}/{screen.family}"


def split_of(group: str, knobs: DatasetKnobs) -> Split:
    """The split of a group: `test_unseen` for kits that are held out, else its name's hash as a number in [0, 1), cut at the fractions."""
    if group.split("/")[0] in knobs.unseen_kits:
        return "test_unseen"
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
        if not own and split != "test_unseen":
            groups = {group_of(screen) for screen in screens}
            raise InputError(
                f"the {split} split would be empty: of the {len(groups)} groups (page family in a kit) in {len(screens)} screens none falls into it.",
                file=SHARDS, fix="Render more screens (`python -m datagen.render --shards N`), or give this split a larger fraction under `dataset` in params.yaml.",
            )  # fmt: skip
    return splits


def make_manifest(shards: list[Shard], splits: dict[Split, list[Screen]], duplicates: dict[str, str]) -> Manifest:
    """The manifest; the same shards give the same manifest."""
    from datagen.content.fonts import families_sha256
    from datagen.kits import kits
    from datagen.kits.files import lock_sha256, versions

    screens = [screen for split in SPLITS for screen in splits[split]]
    generators = sorted({screen.generator for screen in screens})
    engines = sorted({part for made in generators for part in made.split() if part.split("/")[0] in ("chromium", "qt")})
    packages = {name: kits()[name].package for name in sorted({screen.kit for screen in screens}) if name in kits()}
    classes = Counter(element.class_name for screen in screens for element in screen.elements)
    return Manifest(
        shards=tuple(shards),
        splits={
            split: SplitCount(screens=len(own), elements=sum(len(s.elements) for s in own), groups=tuple(sorted({group_of(s) for s in own})))
            for split, own in splits.items()
        },
        classes=dict(sorted(classes.items())),
        environment=Environment(
            engines=", ".join(engines) or "unknown", kits={name: f"{package} {versions().get(package, '')}".strip() for name, package in packages.items()},
            fonts=families_sha256(), kit_lock_sha256=lock_sha256(), generator=", ".join(generators), system=f"{platform.system()} {platform.machine()}",
        ),
        duplicates=duplicates,
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
    known = {SPLITS_FILE, MANIFEST, CROISSANT, *(coco_path(split) for split in SPLITS)}
    for path in sorted(DATA.rglob("*")):
        # Beside a shard that lacks screens stands the list of them.
        of_a_shard = path.parent == SHARDS and (path.suffix == ".tar" or path.name.endswith(".failures.jsonl"))
        if path.is_file() and path not in known and path.suffix != ".partial" and not of_a_shard:
            raise InputError("is no part of a dataset, and all of data/ is versioned.", file=path, fix="Move it out of data/.")


def _write_if_new(path: Path, value: object, indent: int | None = 2) -> None:
    """Write JSON unless the file holds it already. Always by rename: DVC links the old file to its cache, read-only."""
    text = json.dumps(value, indent=indent, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_text(path, text)


if __name__ == "__main__":
    run_command(main)
