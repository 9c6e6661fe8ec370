"""Screens to COCO and back, without loss, and COCO files of others checked on the way in.

COCO's own fields carry what COCO tools need (`bbox` is `[x, y, w, h]`, pixels); everything else a screen knows rides along under `screen` in
`images` (its expressions, too) and `element` in `annotations`, so that `screens_from_coco(coco_from_screens(s)) == s`, to the last bit of each coordinate.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from contracts.annotation import Box, Element, Screen
from contracts.errors import InputError
from contracts.taxonomy import BY_ID, BY_NAME, CLASSES

# Annotation tools round: a box may stick out of its image by less than this many pixels and is then clipped, not refused.
ROUNDING_PX = 1.0


def categories() -> list[dict[str, Any]]:
    """COCO `categories` of our taxonomy."""
    return [{"id": c.id, "name": c.name, "supercategory": "control" if c.interactable else "content"} for c in CLASSES]


def coco_from_screens(screens: Iterable[Screen]) -> dict[str, Any]:
    """One COCO dictionary; image ids count from 1 in the order given, annotation ids from 1 throughout."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, screen in enumerate(screens, start=1):
        rest = screen.to_json()
        elements = rest.pop("elements", [])
        images.append({"id": image_id, "file_name": f"{screen.key}.png", "width": rest.pop("width"), "height": rest.pop("height"), "screen": rest})
        for element, own in zip(screen.elements, elements, strict=True):
            own.pop("class_name")
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": BY_NAME[element.class_name].id,
                    "bbox": list(element.box.xywh),
                    "area": element.box.area,
                    "iscrowd": 0,
                    "element": own,
                }
            )
    return {"info": {"description": "Screenry screens"}, "categories": categories(), "images": images, "annotations": annotations}


def screens_from_coco(coco: dict[str, Any], file: object = "COCO") -> list[Screen]:
    """The screens that `coco_from_screens` was given.

    A plain COCO file (no `screen`, no `element` keys) is read too: what it does not say is filled with `unknown`. InputError for an
    unknown class, a box outside its image, an annotation without an image, or anything else a `Screen` refuses.
    """
    for section in ("images", "annotations", "categories"):
        if not isinstance(coco.get(section), list):
            raise InputError(
                "is no COCO file: this list is missing.", file=file, field=section, fix="Write the three lists images, annotations, categories."
            )
    names: dict[int, str] = {}
    for category in coco["categories"]:
        name = category.get("name")
        if name not in BY_NAME:
            raise InputError(
                "is not a class of the taxonomy.", file=file, field=f"categories[id={category.get('id')}].name", found=repr(name),
                fix="Rename it to one of contracts.taxonomy.NAMES, or import the set through its mapping (contracts.taxonomy.refine).",
            )  # fmt: skip
        names[category["id"]] = name
    elements: dict[int, list[Element]] = {}
    sizes = {image["id"]: (image["width"], image["height"]) for image in coco["images"]}
    for annotation in coco["annotations"]:
        field = f"annotations[id={annotation.get('id')}]"
        image_id = annotation.get("image_id")
        if image_id not in sizes:
            raise InputError(
                "belongs to no image.", file=file, field=f"{field}.image_id", found=image_id, fix="Add the image or drop the annotation."
            )
        if annotation.get("category_id") not in names:
            raise InputError(
                "is no category of this file.", file=file, field=f"{field}.category_id", found=annotation.get("category_id"),
                fix=f"Use one of the ids {sorted(names)} or add the category.",
            )  # fmt: skip
        own = elements.setdefault(image_id, [])
        extra = dict(annotation.get("element") or {"id": len(own)})
        try:
            box = Box.model_validate(extra.pop("box")) if "box" in extra else _clipped(annotation["bbox"], *sizes[image_id])
            if not box.inside(*sizes[image_id]):
                raise ValueError(f"the box {box.xyxy} lies outside its {sizes[image_id][0]}x{sizes[image_id][1]} image")
            own.append(Element.model_validate({"class_name": names[annotation["category_id"]], "box": box, **extra}))
        except (KeyError, TypeError, ValueError, ValidationError) as error:
            raise InputError(
                f"cannot be read as an element: {_reason(error)}.", file=file, field=field, found=annotation.get("bbox"),
                fix="Mend or drop this annotation; boxes are [x, y, width, height] in pixels inside the image.",
            ) from error  # fmt: skip
    screens = []
    for image in coco["images"]:
        known = image.get("screen") or _unknown(image["file_name"])
        try:
            screens.append(
                Screen.model_validate({**known, "width": image["width"], "height": image["height"], "elements": elements.get(image["id"], [])})
            )
        except ValidationError as error:
            raise InputError(
                f"cannot be read as a screen: {_reason(error)}.", file=file, field=f"images[id={image['id']}]", fix="Mend or drop this image."
            ) from error
    return screens


def read_coco(path: Path) -> dict[str, Any]:
    """The JSON of a COCO file; InputError if it is missing or no JSON object."""
    try:
        coco = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError("does not exist.", file=path, fix="Run `python -m datagen.dataset` to write it.") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"is not valid JSON: {error}.", file=path, fix="Write it again with `python -m datagen.dataset`.") from None
    if not isinstance(coco, dict):
        raise InputError("is not a COCO object.", file=path, found=type(coco).__name__, fix="Write it again with `python -m datagen.dataset`.")
    return coco


def class_names(coco: dict[str, Any]) -> dict[int, str]:
    """COCO category id -> name, as the file says."""
    return {category["id"]: category["name"] for category in coco["categories"]} or {i: c.name for i, c in BY_ID.items()}


def _clipped(bbox: list[float], width: int, height: int) -> Box:
    x, y, w, h = bbox
    x1, y1, x2, y2 = x, y, x + w, y + h
    if min(x1, y1) <= -ROUNDING_PX or x2 >= width + ROUNDING_PX or y2 >= height + ROUNDING_PX:
        raise ValueError(f"the box {(x1, y1, x2, y2)} lies outside its {width}x{height} image")
    return Box(x1=max(x1, 0), y1=max(y1, 0), x2=min(x2, width), y2=min(y2, height))


def _unknown(file_name: str) -> dict[str, Any]:
    key = "".join(c if c.isalnum() or c in "-_" else "_" for c in Path(file_name).stem)
    return {
        "key": key, "device_scale": 1, "platform": "web", "kit": "unknown", "family": "unknown", "locale": "unknown", "theme": "unknown",
        "seed": 0, "generator": "unknown",
    }  # fmt: skip


def _reason(error: Exception) -> str:
    return error.errors()[0]["msg"].removeprefix("Value error, ") if isinstance(error, ValidationError) else str(error)
