"""The labels of an inbox: a COCO file beside the pictures, in our classes or in those of a set of other people's.

Read as `python -m datagen.importers coco` and eval_transfer read such a set: each category stands for the class of ours that it means most often, and detections
are scored in the set's classes (evaluation/class_mapping.py).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from contracts.coco import screens_from_coco
from contracts.errors import InputError
from contracts.taxonomy import NAMES, ForeignSet, foreign_names, refine
from evaluation.class_mapping import ClassMapping, mapped_truth, mapping_of

ANNOTATIONS = "annotations.json"
MAPPINGS = ("names", *get_args(ForeignSet))
_NEEDED = {"images": ("id", "file_name", "width", "height"), "annotations": ("image_id", "category_id", "bbox"), "categories": ("id", "name")}


@dataclass(frozen=True)
class Labels:
    """`truth` is COCO, in the classes of `mapping`; `file_names` gives the picture of an image id."""

    truth: dict[str, Any]
    mapping: ClassMapping
    file_names: dict[int, str]


def read_labels(file: Path, sizes: Mapping[str, tuple[int, int]], names: str) -> Labels:
    """The labels in `file` of pictures whose `sizes` (width, height) are known by their names; `names` is one of MAPPINGS: whose names the categories bear.

    Pictures that the file does not list are unlabelled; one that it lists without annotations shows no element. InputError for a file that cannot be read or
    has no element, a picture that is not there or has another size, an unknown category, a box outside its picture.
    """
    coarse: ForeignSet | None = None if names == "names" else names  # type: ignore[assignment]
    coco = _read(file)
    known = NAMES if coarse is None else foreign_names(coarse)
    ours: dict[int, str | None] = {}
    for category in coco["categories"]:
        if category["name"] not in known:
            others = [other for other in MAPPINGS if category["name"] in (NAMES if other == "names" else foreign_names(other))]  # type: ignore[arg-type]
            raise InputError(
                f"is no class of the mapping `{names}`, which has {', '.join(known)}.", file=file, field=f"categories[id={category['id']}].name",
                found=repr(category["name"]),
                fix=f"Rename it, or choose another mapping (drift.mapping in params.yaml){': ' + ' or '.join(others) + ' has it' if others else ''}.",
            )  # fmt: skip
        ours[category["id"]] = category["name"] if coarse is None else refine(category["name"], coarse)
    file_names: dict[int, str] = {}
    for image in coco["images"]:
        name, at = str(image["file_name"]), f"images[id={image['id']}]"
        if name not in sizes:
            raise InputError("is no PNG of this folder.", file=file, field=f"{at}.file_name", found=name, fix="Add the picture, or drop the image.")
        if image["id"] in file_names or name in file_names.values():
            raise InputError("is there twice.", file=file, field=at, found=name, fix="List each picture once, under an id of its own.")
        if (image["width"], image["height"]) != sizes[name]:
            raise InputError(
                "is not the picture's size.", file=file, field=f"{at}.width, height", found=f"{image['width']}x{image['height']}",
                fix=f"{name} measures {'x'.join(map(str, sizes[name]))}: label this picture, not a scaled one.",
            )  # fmt: skip
        file_names[image["id"]] = name
    # What names no kind of element (CLAY's CONTAINER) is left out; what has an unknown category stays, to be refused below.
    kept = [annotation for annotation in coco["annotations"] if ours.get(annotation["category_id"], "") is not None]
    coco |= {"annotations": kept, "categories": [{"id": number, "name": name} for number, name in ours.items() if name is not None]}
    screens = screens_from_coco(coco, file)  # for its checks of boxes and ids
    labelled = {element.class_name for screen in screens for element in screen.elements}
    if not labelled:
        raise InputError(
            "labels no element.", file=file, field="annotations", fix="Label the elements, or take the file away: then no AP is measured."
        )
    mapping = mapping_of(coarse, labelled)
    return Labels(mapped_truth(coco, mapping, file), mapping, file_names)


def _read(file: Path) -> dict[str, Any]:
    """A JSON object with COCO's three lists, whose entries have what is needed of them."""
    fix = "Write COCO's JSON: the lists images, annotations and categories."
    try:
        coco = json.loads(file.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"is not valid JSON: {error}.", file=file, fix=fix) from None
    for section, fields in _NEEDED.items():
        if not isinstance(coco, dict) or not isinstance(coco.get(section), list):
            raise InputError("is no COCO file: this list is missing.", file=file, field=section, fix=fix)
        for number, entry in enumerate(coco[section]):
            for field in fields:
                if not isinstance(entry, dict) or field not in entry:
                    raise InputError("is missing.", file=file, field=f"{section}[{number}].{field}", fix="Add it, or drop the entry.")
                if field.endswith("id") and not isinstance(entry[field], int):
                    raise InputError("is no whole number.", file=file, field=f"{section}[{number}].{field}", found=repr(entry[field]), fix=fix)
    return coco
