"""VINS (Bunian et al., 2021, arXiv:2102.05216): per source an `Annotations/` of Pascal-VOC XML and a `JPEGImages/` with a picture of the same stem.

    <root>/{Android,iphone,Rico,Uplabs,Wireframes}/{Annotations/*.xml, JPEGImages/*.jpg}

Boxes are `xmin, ymin, xmax, ymax` in pixels as the annotation tool wrote them, edges and not centres. Class names go through the `vins` mapping;
names that it does not know are counted and left out. No split is published: each screen's is `unknown`.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.annotation import Element
from contracts.errors import InputError
from contracts.taxonomy import NAMES, foreign_names, refine
from datagen.importers.foreign import ForeignScreen, ForeignSet, Tally, UnreadableError, element, marked_box

if TYPE_CHECKING:
    from PIL import Image

_SUFFIXES = (".jpg", ".jpeg", ".png", ".JPG", ".PNG")


def open_set(source: Path) -> ForeignSet:
    """Every annotated screen below `source`. InputError if there is none."""
    files = tuple(path for path in sorted(source.rglob("*.xml")) if path.parent.name == "Annotations")
    if not files:
        raise InputError("holds no Annotations/*.xml.", file=source, fix="Give the folder that holds VINS's folders (Android, iphone, Rico ...).")
    classes = {refine(name, "vins") for name in foreign_names("vins")}
    return ForeignSet(
        name="vins", layout="vins", count=len(files), files=files, screens=partial(_screens, source, files),
        classes=tuple(name for name in NAMES if name in classes), coarse="vins",
    )  # fmt: skip


def _screens(source: Path, files: tuple[Path, ...]) -> Iterator[ForeignScreen]:
    for file in files:
        yield ForeignScreen(
            source=str(file.relative_to(source)), split="unknown", platform="mobile", picture=partial(_picture, file), label=partial(_label, file)
        )


def _picture(file: Path) -> bytes:
    for suffix in _SUFFIXES:
        path = file.parent.parent / "JPEGImages" / f"{file.stem}{suffix}"
        if path.is_file():
            return path.read_bytes()
    raise UnreadableError("no picture of this stem in JPEGImages")


def _label(file: Path, shown: "Image.Image", tally: Tally) -> list[Element]:
    known = foreign_names("vins")
    found: list[Element] = []
    try:
        objects = [(entry.findtext("name", "").strip(), [float(entry.findtext(f"bndbox/{side}", "")) for side in ("xmin", "ymin", "xmax", "ymax")])
                   for entry in ET.parse(file).iter("object")]  # fmt: skip
    except (ET.ParseError, ValueError) as error:
        raise UnreadableError(f"labels cannot be read: {error}") from None
    for name, xyxy in objects:
        class_name = refine(name, "vins") if name in known else None
        if class_name is None:
            tally[f"element: class {name} has no counterpart"] += 1
            continue
        box = marked_box(xyxy, shown.size, tally)
        if box:
            found.append(element(len(found), class_name, box))
    return found
