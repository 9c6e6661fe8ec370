"""Ultralytics' YOLO layout: a text file per picture, a line per element: class index, centre x, centre y, width, height as shares of the picture."""

from collections.abc import Callable
from pathlib import Path

import yaml

from contracts.annotation import Screen
from contracts.files import write_text
from contracts.taxonomy import BY_NAME, NAMES
from datagen.exports.source import Source


def write(source: Source, splits: tuple[str, ...], folder: Path, tick: Callable[[], object]) -> None:
    """`images/<split>/<key>.png`, `labels/<split>/<key>.txt`, `data.yaml`."""
    for split in splits:
        for kind in ("images", "labels"):
            (folder / kind / split).mkdir(parents=True)
    for split, screen, png in source.screens(splits):
        (folder / "images" / split / f"{screen.key}.png").write_bytes(png)
        (folder / "labels" / split / f"{screen.key}.txt").write_text(lines(screen), encoding="utf-8")
        tick()
    write_text(folder / "data.yaml", yaml.safe_dump(description(splits), sort_keys=False))


def lines(screen: Screen) -> str:
    """The label file of one screen; class indices count from 0 in the order of the taxonomy."""
    found = []
    for element in screen.elements:
        x, y, w, h = element.box.xywh
        shares = ((x + w / 2) / screen.width, (y + h / 2) / screen.height, w / screen.width, h / screen.height)
        found.append(f"{BY_NAME[element.class_name].id - 1} " + " ".join(f"{share:.6f}" for share in shares) + "\n")
    return "".join(found)


def description(splits: tuple[str, ...]) -> dict[str, object]:
    """`data.yaml`. Ultralytics refuses to train without `train` and `val`: a set that has no such split names its first one there."""
    train = "train" if "train" in splits else splits[0]
    places = {"train": train, "val": "val" if "val" in splits else train, **{split: split for split in splits}}
    return {"path": ".", **{split: f"images/{place}" for split, place in places.items()}, "names": dict(enumerate(NAMES))}
