"""`web_pages`: a picture of each page (JPEG, 1280x800 CSS pixels at scale 1) with the raw boxes of every visible DOM element, in document order.

Cleaned on the way in, each step counted: entries in a region that the picture shows flat (`g`), and covered ones (`v` 0), are left out; what is no
element by dom_classes.py is layout; a control takes in the words and pictograms inside it, a line of text its bold and coloured pieces; text,
link and heading boxes, which span their block, shrink to the ink inside them (ink.py), and without ink they are left out; of two elements of a class
on the same place the inner one stays.
"""

import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from contracts.annotation import Box, Element
from contracts.errors import InputError
from datagen.importers import dom_classes, parquet
from datagen.importers.foreign import ForeignScreen, ForeignSet, Tally, element, seen_box
from datagen.importers.ink import ink_box

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

FILE = "web_pages.parquet"
_COLUMNS = ("name", "w", "h", "dom_json", "jpeg")
_TEXT_CLASSES = ("text", "link", "heading")
# These paint themselves and what is in them: their words and pictograms are no elements of their own.
_TAKE_IN = ("button", "icon_button", "link", "heading", "text", "tab", "menu_item", "badge", "combo_box", "text_field", "search_field", "text_area")
_SAME = 0.9


class _Page(NamedTuple):
    """The pixels (height, width, 3) of a page, and where pictures stand on it (x1, y1, x2, y2)."""

    pixels: "np.ndarray[Any, Any]"
    pictures: list[tuple[float, float, float, float]]


def open_set(source: Path) -> ForeignSet:
    """The parquet file, or the folder that it lies in. InputError for a missing file or column."""
    file = parquet.find(source, FILE)
    count = parquet.row_count(file, _COLUMNS)
    return ForeignSet(name="web_pages", layout="web_pages", count=count, files=(file,), screens=partial(_screens, file), classes=dom_classes.LABELLED)


def _screens(file: Path) -> Iterator[ForeignScreen]:
    for row in parquet.rows(file, _COLUMNS):
        try:
            entries = json.loads(row["dom_json"])
        except json.JSONDecodeError as error:
            raise InputError(f"is no JSON: {error}.", file=file, field=f"dom_json of {row['name']}", fix="Get the file again.") from None
        yield ForeignScreen(source=row["name"], split="unknown", platform="web", picture=partial(bytes, row["jpeg"]), label=partial(label, entries))


def label(entries: list[dict[str, Any]], shown: "Image.Image", tally: Tally) -> list[Element]:
    """The elements of one page; boxes in pixels of `shown`."""
    import numpy as np

    painted = []
    for entry in entries:
        if entry.get("g"):
            tally["element: its region is flat, nothing is painted there"] += 1
        elif not entry.get("v"):
            tally["element: covered"] += 1
        else:
            painted.append(entry)
    pictures = [_xyxy(entry["b"]) for entry in painted if entry["t"] in ("img", "picture", "amp-img", "canvas", "video")]
    page = _Page(np.asarray(shown), pictures)
    found: list[Element] = []
    taken: set[int] = set()
    tables = [entry["b"] for entry in painted if entry["t"] == "table" and any(other["t"] == "th" and inside(other, entry) for other in painted)]
    bars = [entry["b"] for entry in painted if entry["t"] in ("nav", "header") or entry.get("r") in ("navigation", "banner")]
    for index, entry in enumerate(painted):
        if index in taken:
            tally["element: part of the control or text around it"] += 1
            continue
        parts = [] if entry["t"] in ("div", "section", "form", "main", "article", "li", "td") else _parts(painted, index)
        text = " ".join(str(part["x"]) for part in (entry, *(painted[i] for i in parts)) if part.get("x"))
        class_name = dom_classes.class_of(
            entry, width=shown.width, height=shown.height, has_text=bool(text), in_table=any(_within(entry["b"], table) for table in tables),
            in_bar=any(_within(entry["b"], bar) for bar in bars),
        )  # fmt: skip
        if class_name is None:
            tally["element: layout"] += 1
            continue
        if class_name in _TAKE_IN:
            taken.update(parts)
        text = text if class_name in _TAKE_IN else str(entry.get("x") or "")
        full = _around([entry["b"], *(painted[i]["b"] for i in parts if painted[i].get("x"))]) if class_name == "link" else _xyxy(entry["b"])
        if made := _element(len(found), class_name, full, text, entry, page, tally):
            found.append(made)
        # The taxonomy's cells and items are boxes; the words in them are text.
        in_it = class_name in ("cell", "list_item", "table_header") and entry.get("x")
        if in_it and (words := _element(len(found), "text", full, text, entry, page, tally)):
            found.append(words)
    return _without_doubles(found, tally)


def inside(entry: dict[str, Any], outer: dict[str, Any]) -> bool:
    return _within(entry["b"], outer["b"])


def _element(
    id: int, class_name: str, full: tuple[float, float, float, float], text: str, entry: dict[str, Any], page: _Page, tally: Tally
) -> Element | None:
    size = (page.pixels.shape[1], page.pixels.shape[0])
    seen = seen_box(full, size, tally)
    if seen is None:
        return None
    box, visible = seen
    if class_name in _TEXT_CLASSES:
        # A picture that most of the text stands on is its ground; one that reaches into the block is beside it.
        beside = [picture for picture in page.pictures if _overlap(box.xywh, _xywh(picture)) < 0.5]
        ink = ink_box(page.pixels, box.xyxy, beside)
        if ink is None or min(ink[2] - ink[0], ink[3] - ink[1]) < 2:
            tally["element: text without ink"] += 1
            return None
        box = Box(x1=ink[0], y1=ink[1], x2=ink[2], y2=ink[3])
    return element(id, class_name, box, visible=visible, text=text, name=str(entry.get("al") or ""), role=entry.get("r"))


def _parts(entries: list[dict[str, Any]], index: int) -> list[int]:
    """Indices of the inline pieces and pictograms inside an entry. Document order: what is inside comes right after it."""
    outer = entries[index]
    found = []
    for i in range(index + 1, len(entries)):
        entry = entries[i]
        if not (inside(entry, outer) or (outer["t"] == "a" and _overlap(entry["b"], outer["b"]) > 0.5)):
            break
        if entry["t"] in dom_classes.INLINE or (outer["t"] in ("a", "button") and entry["t"] in ("div", "p", "svg", *_HEADING_TAGS)):
            found.append(i)
    return found


_HEADING_TAGS = ("h1", "h2", "h3", "h4", "h5", "h6")


def _without_doubles(found: list[Element], tally: Tally) -> list[Element]:
    kept: list[Element] = []
    for own in found:
        double = next((other for other in kept if other.class_name == own.class_name and _iou(other.box, own.box) > _SAME), None)
        if double is not None:
            kept.remove(double)
            tally["element: the same box and class as one inside it"] += 1
        kept.append(own)
    return [own.model_copy(update={"id": id}) for id, own in enumerate(kept)]


def _xyxy(xywh: Sequence[float]) -> tuple[float, float, float, float]:
    x, y, w, h = xywh
    return x, y, x + w, y + h


def _xywh(xyxy: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = xyxy
    return x1, y1, x2 - x1, y2 - y1


def _around(boxes: list[list[float]]) -> tuple[float, float, float, float]:
    corners = [_xyxy(box) for box in boxes]
    return min(c[0] for c in corners), min(c[1] for c in corners), max(c[2] for c in corners), max(c[3] for c in corners)


def _within(inner: list[float], outer: list[float], slack: float = 1.0) -> bool:
    (a1, b1, a2, b2), (x1, y1, x2, y2) = _xyxy(inner), _xyxy(outer)
    return inner is not outer and a1 >= x1 - slack and b1 >= y1 - slack and a2 <= x2 + slack and b2 <= y2 + slack


def _overlap(inner: Sequence[float], outer: Sequence[float]) -> float:
    """Share of `inner` that lies in `outer`."""
    (a1, b1, a2, b2), (x1, y1, x2, y2) = _xyxy(inner), _xyxy(outer)
    shared = max(0.0, min(a2, x2) - max(a1, x1)) * max(0.0, min(b2, y2) - max(b1, y1))
    return shared / max(inner[2] * inner[3], 1e-9)


def _iou(a: Box, b: Box) -> float:
    shared = max(0.0, min(a.x2, b.x2) - max(a.x1, b.x1)) * max(0.0, min(a.y2, b.y2) - max(a.y1, b.y1))
    return shared / (a.area + b.area - shared)
