"""Screens that a detector is carried over to: the dataset's unseen kits, and real sets as `python -m datagen.importers` writes them.

A target's screens are split by seed: `test` are scored, `pool` may be learned from, and no screen is in both. A draw takes its screens from the pool, the
larger draws of a number hold the smaller ones.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from contracts.annotation import Screen
from contracts.coco import coco_from_screens, read_coco, screens_from_coco
from contracts.dataset import SHARDS, coco_path, read_manifest
from contracts.errors import InputError
from evaluation.class_mapping import OWN, ClassMapping, mapped_truth, mapping_of
from training.config import PackBetonKnobs
from training.pack_beton import scale_screen
from training.screen_batch import PackedScreen
from training.shards import TarMembers

UNSEEN = "test_unseen"
_IMPORT_FILE = "import.json"


@dataclass(frozen=True)
class Target:
    """`read` gives a screen by its key. `pool` and `test` are keys, `every` all of them. `real`: whether people's screens and not the generator's.
    `fingerprint` is of what the set was imported from."""

    name: str
    real: bool
    every: tuple[str, ...]
    pool: tuple[str, ...]
    test: tuple[str, ...]
    mapping: ClassMapping
    fingerprint: str
    read: Callable[[str], Screen]
    pngs: TarMembers

    @property
    def title(self) -> str:
        return self.name if self.real else "unseen kits"

    @cached_property
    def truth(self) -> dict[str, Any]:
        """The test screens in COCO's form, in the set's own classes; image ids count from 1."""
        return mapped_truth(coco_from_screens([self.read(key) for key in self.test]), self.mapping, self.name)

    def draw(self, shots: int, seed: int) -> tuple[str, ...] | None:
        """The keys of so many screens to learn from, None if the pool has not so many."""
        if shots > len(self.pool):
            return None
        return tuple(self.pool[i] for i in np.random.default_rng([seed, 1]).permutation(len(self.pool))[:shots])

    def packed(self, key: str, number: int, image_size: tuple[int, int], resampling: str) -> PackedScreen:
        """A screen at the model's size, with image id `number`."""
        knobs = PackBetonKnobs.model_construct(image_size=image_size, resampling=resampling)  # type: ignore[arg-type]
        return scale_screen(number, self.read(key), self.pngs, knobs)


def unseen_kits(seed: int, test_share: float, most: int | None) -> Target | None:
    """The split test_unseen as a target; None if no kit is held back or there is only one screen."""
    path = coco_path(UNSEEN)
    screens = {screen.key: screen for screen in screens_from_coco(read_coco(path), path)}
    if len(screens) < 2:
        return None
    pool, test = split(sorted(screens), seed, test_share, most)
    pngs = TarMembers([SHARDS / shard.name for shard in read_manifest().shards])
    return Target(UNSEEN, False, tuple(sorted(screens)), pool, test, OWN, "", screens.__getitem__, pngs)


def real_set(name: str, folder: Path, seed: int, test_share: float, most: int | None) -> Target:
    """An imported set. InputError if the folder holds none, or only one screen."""
    field = f"eval_transfer.real_sets.{name}"
    fix = "Import the set: `python -m datagen.importers LAYOUT SOURCE --out FOLDER`, and name FOLDER."
    try:
        known = json.loads((folder / _IMPORT_FILE).read_text(encoding="utf-8"))
        settings, keys = known["settings"], sorted(known["screens"])
        mapping, fingerprint = mapping_of(settings["coarse"], settings["classes"]), settings["files_sha256"]
    except FileNotFoundError:
        raise InputError("holds no imported set.", file=folder / _IMPORT_FILE, field=field, fix=fix) from None
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise InputError(f"does not say what was imported: {error!r}.", file=folder / _IMPORT_FILE, field=field, fix=fix) from None
    if len(keys) < 2:
        raise InputError("holds too few screens to be split.", file=folder, field=field, found=len(keys), fix=fix)
    pngs = TarMembers(sorted((folder / "shards").glob("*.tar")))

    def read(key: str) -> Screen:
        try:
            return Screen.model_validate_json(pngs.read(f"{key}.json"))
        except KeyError:
            raise InputError("is in import.json and in no shard.", file=folder / "shards", field=key, fix=fix) from None

    pool, test = split(keys, seed, test_share, most)
    return Target(name, True, tuple(keys), pool, test, mapping, fingerprint, read, pngs)


def split(keys: list[str], seed: int, test_share: float, most: int | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(pool, test): shuffled by seed; at least one key in each; at most `most` in test, the others of its share are used for nothing."""
    order = [keys[i] for i in np.random.default_rng([seed, 0]).permutation(len(keys))]
    cut = min(len(order) - 1, max(1, round(test_share * len(order))))
    return tuple(order[cut:]), tuple(order[:cut][:most])


def open_targets(real_sets: Mapping[str, str], seed: int, test_share: float, most: int | None) -> tuple[Target | None, list[Target]]:
    """The unseen kits, and the real sets in rising order of name. All but one screen of the kits is scored where real sets are learned from instead.

    InputError for a set that cannot be opened.
    """
    return unseen_kits(seed, 1.0 if real_sets else test_share, most), [
        real_set(name, Path(folder), seed, test_share, most) for name, folder in sorted(real_sets.items())
    ]
