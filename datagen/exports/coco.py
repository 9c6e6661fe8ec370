"""COCO: pictures in one folder, one annotation file per split; what COCO has no field for rides along (contracts/coco.py)."""

from collections.abc import Callable
from pathlib import Path

from contracts.annotation import Screen
from contracts.coco import coco_from_screens
from contracts.files import write_json
from datagen.exports.source import Source


def write(source: Source, splits: tuple[str, ...], folder: Path, tick: Callable[[], object]) -> None:
    """`images/<key>.png` and `annotations/instances_<split>.json`."""
    (folder / "images").mkdir()
    found: dict[str, list[Screen]] = {split: [] for split in splits}
    for split, screen, png in source.screens(splits):
        (folder / "images" / f"{screen.key}.png").write_bytes(png)
        found[split].append(screen)
        tick()
    for split, screens in found.items():
        write_json(folder / "annotations" / f"instances_{split}.json", coco_from_screens(screens), indent=None)
