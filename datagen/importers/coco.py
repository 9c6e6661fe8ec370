"""COCO: `images`, `annotations` with `bbox` [x, y, width, height], `categories`; pictures beside the JSON, under `images/`, or where `file_name` says.

A folder holds one JSON (`annotations.json`, Roboflow's `_annotations.coco.json`) or one per split (`instances_train.json`, `train/...`); the split
is what `images[].split` says, else the word train, val, valid or test in the file's path, else `unknown`. Category names are read through the mapping:
`names` if they are ours, otherwise the foreign set whose names they are. A file of our own export comes back whole, boxes to the last bit.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.annotation import Element, Platform
from contracts.coco import screens_from_coco
from contracts.errors import InputError
from contracts.taxonomy import NAMES, foreign_names, refine
from contracts.taxonomy import ForeignSet as ForeignClasses
from datagen.importers.foreign import ForeignScreen, ForeignSet, Tally, UnreadableError, element, marked_box

if TYPE_CHECKING:
    from PIL import Image

_SPLIT = re.compile(r"(?<![a-z])(train|valid|val|test)(?![a-z])", re.IGNORECASE)
Pictures = Callable[[dict[str, Any]], bytes]


def open_set(source: Path, mapping: str = "names", platform: Platform = "web") -> ForeignSet:
    """The screens of every COCO file in `source`. InputError for what is no COCO, an unknown category, an annotation without an image."""
    files = coco_files(source)
    cocos = {file: read(file) for file in files}
    coarse = coarse_of(mapping)
    tables = {file: class_table(file, coco["categories"], coarse) for file, coco in cocos.items()}

    def screens() -> Iterator[ForeignScreen]:
        for file, coco in cocos.items():
            yield from screens_of(file, coco, tables[file], split_of(file, source), platform, beside(file))

    name = re.sub(r"[^A-Za-z0-9_-]+", "_", source.stem) or "coco"
    return ForeignSet(
        name=name, layout="coco", count=sum(len(coco["images"]) for coco in cocos.values()), files=tuple(files), screens=screens,
        classes=tuple(name for name in NAMES if any(name in table.values() for table in tables.values())), coarse=coarse,
        left_out=sum((without_class(coco, tables[file]) for file, coco in cocos.items()), Counter()),
    )  # fmt: skip


def coco_files(source: Path) -> list[Path]:
    """The COCO files in a folder, or the file itself, sorted. InputError if there are none."""
    if source.is_file():
        return [source]
    found = [path for path in sorted(source.rglob("*.json")) if path.name not in ("import.json", "manifest.json", "splits.json", "croissant.json")]
    if not found:
        raise InputError("holds no COCO file.", file=source, fix="Give a COCO JSON file, or a folder with one in it and the pictures beside it.")
    return found


def read(file: Path) -> dict[str, Any]:
    """The JSON with its three lists and what screens need of them. InputError that names what is missing."""
    try:
        coco = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError("does not exist.", file=file, fix="Give a COCO JSON file, or the folder it lies in.") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"is not valid JSON: {error}.", file=file, fix="Get the file again.") from None
    needs = {"images": ("id", "file_name"), "annotations": ("image_id", "category_id", "bbox"), "categories": ("id", "name")}
    for section, fields in needs.items():
        if not isinstance(coco, dict) or not isinstance(coco.get(section), list):
            raise InputError(
                "is no COCO file: this list is missing.", file=file, field=section, fix="Give a file with images, annotations, categories."
            )
        for index, entry in enumerate(coco[section]):
            for field in fields:
                if field not in entry:
                    raise InputError("is missing.", file=file, field=f"{section}[{index}].{field}", fix="Add it, or drop the entry.")
    known = {image["id"] for image in coco["images"]}
    for index, annotation in enumerate(coco["annotations"]):
        if annotation["image_id"] not in known:
            raise InputError(
                "belongs to no image.", file=file, field=f"annotations[{index}].image_id", found=annotation["image_id"],
                fix="Add the image or drop the annotation.",
            )  # fmt: skip
    return coco


def coarse_of(mapping: str) -> ForeignClasses | None:
    """The foreign class list that a mapping's name stands for; None for `names` (ours)."""
    return None if mapping == "names" else mapping  # type: ignore[return-value]


def class_table(file: Path, categories: list[dict[str, Any]], coarse: ForeignClasses | None) -> dict[int, str | None]:
    """Category id -> our class, None where it names no kind of element. InputError for a name that the mapping does not know."""
    known = NAMES if coarse is None else foreign_names(coarse)
    table: dict[int, str | None] = {}
    for category in categories:
        name = category["name"]
        if name not in known:
            raise InputError(
                f"is no class of the mapping `{coarse or 'names'}`, which has {', '.join(known)}.", file=file,
                field=f"categories[id={category['id']}].name", found=repr(name),
                fix="Choose another mapping with --mapping, or rename the category to one of ours.",
            )  # fmt: skip
        table[category["id"]] = name if coarse is None else refine(name, coarse)
    return table


def without_class(coco: dict[str, Any], table: dict[int, str | None]) -> Tally:
    """How many annotations are of categories that name no kind of element (CLAY's CONTAINER)."""
    names = {category["id"]: category["name"] for category in coco["categories"]}
    return Counter(
        f"element: {names[a['category_id']]} is no kind of element" for a in coco["annotations"] if table.get(a["category_id"], "") is None
    )


def by_image(coco: dict[str, Any]) -> dict[int, list[dict[str, Any]]]:
    """Image id -> its annotations, in file order; every image has an entry."""
    found: dict[int, list[dict[str, Any]]] = {image["id"]: [] for image in coco["images"]}
    for annotation in coco["annotations"]:
        found[annotation["image_id"]].append(annotation)
    return found


def screens_of(
    file: Path, coco: dict[str, Any], table: dict[int, str | None], split: str, platform: Platform, picture: Pictures
) -> Iterator[ForeignScreen]:
    """Each image of one COCO file."""
    annotations = by_image(coco)
    for image in coco["images"]:
        marks = annotations[image["id"]]
        exported = {"images": [image], "annotations": marks, "categories": coco["categories"]} if "screen" in image else None
        yield ForeignScreen(
            source=image["file_name"], split=str(image.get("split") or split), platform=platform, picture=partial(picture, image),
            label=labeller(file, marks, table), own=screens_from_coco(exported, file)[0] if exported else None,
            size=(image["width"], image["height"]) if image.keys() >= {"width", "height"} else None,
        )  # fmt: skip


def beside(file: Path) -> Pictures:
    """Finds pictures as COCO folders keep them: next to the JSON, in `images/` next to it or next to its folder, or per split."""
    stem = file.stem.removeprefix("instances_")
    folders = [file.parent, file.parent / "images", file.parent.parent / "images", file.parent.parent / "images" / stem, file.parent / stem]

    def picture(image: dict[str, Any]) -> bytes:
        for folder in folders:
            path = folder / image["file_name"]
            if path.is_file() and path.resolve().is_relative_to(file.parent.parent.resolve()):
                return path.read_bytes()
        raise UnreadableError(f"no picture of this name in {', '.join(str(folder) for folder in folders)}")

    return picture


def split_of(file: Path, source: Path) -> str:
    """The split that a COCO file's name, or its folder below `source`, speaks of; `unknown` without one."""
    inside = file.relative_to(source) if source.is_dir() else Path(file.name)
    words = _SPLIT.findall(str(inside).replace("_", "-"))
    return {"valid": "val"}.get(words[-1].lower(), words[-1].lower()) if words else "unknown"


def labeller(file: Path, annotations: Sequence[dict[str, Any]], table: dict[int, str | None]) -> "Callable[[Image.Image, Tally], list[Element]]":
    """Turns one image's annotations into elements, once its picture is known."""

    def label(shown: "Image.Image", tally: Tally) -> list[Element]:
        found: list[Element] = []
        for annotation in annotations:
            class_name = _class_of(annotation, table, file)
            box = marked_box(_xyxy(annotation, file), shown.size, tally) if class_name else None
            if class_name and box:
                found.append(element(len(found), class_name, box))
        return found

    return label


def _class_of(annotation: dict[str, Any], table: dict[int, str | None], file: Path) -> str | None:
    if annotation["category_id"] not in table:
        raise InputError(
            "is no category of this file.", file=file, field=f"annotations[id={annotation.get('id')}].category_id",
            found=annotation["category_id"], fix=f"Use one of {sorted(table)}, or add the category.",
        )  # fmt: skip
    return table[annotation["category_id"]]


def _xyxy(annotation: dict[str, Any], file: Path) -> tuple[float, float, float, float]:
    try:
        x, y, w, h = map(float, annotation["bbox"])
    except (TypeError, ValueError):
        raise InputError(
            "is no box.", file=file, field=f"annotations[id={annotation.get('id')}].bbox", found=annotation["bbox"],
            fix="Write four numbers: x, y, width, height in pixels.",
        ) from None  # fmt: skip
    return x, y, x + w, y + h
