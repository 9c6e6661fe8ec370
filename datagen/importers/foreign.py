"""What every layout gives: screens of somebody else's, one after the other, and how their boxes become ours."""

import io
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.annotation import Box, Element, Platform, Screen
from contracts.coco import ROUNDING_PX
from contracts.errors import InputError
from contracts.taxonomy import BY_NAME, NAMES
from contracts.taxonomy import ForeignSet as ForeignClasses

if TYPE_CHECKING:
    from PIL import Image

Tally = Counter[str]
"""Why something was left out -> how often."""


@dataclass(frozen=True, kw_only=True)
class ForeignScreen:
    """One screen of a foreign set, its picture not yet decoded.

    `source` is its name in the set. `label(picture, tally)` gives its elements, in pixels of the picture, and counts what it leaves out.
    `own` is set where the file is one of our exports and knows the whole screen; `size` (width, height) where labels say it without the picture.
    """

    source: str
    split: str
    platform: Platform
    picture: Callable[[], bytes]
    label: Callable[["Image.Image", Tally], Sequence[Element]]
    own: Screen | None = None
    size: tuple[int, int] | None = None


@dataclass(frozen=True, kw_only=True)
class ForeignSet:
    """A set of screens as one layout holds it.

    `classes` are the ones of ours that this layout can label; `coarse` names the class list that the labels were made in, None if that is ours.
    `files` are what it was read from (their names and sizes say whether a set is still the same). `screens()` starts anew at each call.
    """

    name: str
    layout: str
    count: int
    files: tuple[Path, ...]
    screens: Callable[[], Iterator[ForeignScreen]]
    classes: tuple[str, ...] = NAMES
    coarse: ForeignClasses | None = None
    left_out: Tally = field(default_factory=Counter)


class UnreadableError(Exception):
    """A picture that cannot be decoded, or a label file that cannot be read: one screen is lost, not the set."""


def decode(data: bytes) -> "Image.Image":
    """The picture in RGB, transparent parts on white. UnreadableError if it cannot be decoded to its last row."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
                layered = image.convert("RGBA")
                return Image.alpha_composite(Image.new("RGBA", image.size, "white"), layered).convert("RGB")
            return image.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UnreadableError(f"picture cannot be decoded: {error}") from None


def png_bytes(image: "Image.Image") -> bytes:
    """The picture as PNG: lossless from the decoded pixels."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()


def marked_box(xyxy: Sequence[float], size: tuple[int, int], tally: Tally) -> Box | None:
    """A box that a person drew. What rounding pushed out of the picture is clipped; a box further out, or an empty one, is left out and counted."""
    (x1, y1, x2, y2), (width, height) = xyxy, size
    if min(x1, y1) <= -ROUNDING_PX or x2 >= width + ROUNDING_PX or y2 >= height + ROUNDING_PX:
        tally["element: box more than a pixel outside its picture"] += 1
        return None
    return _box(max(x1, 0), max(y1, 0), min(x2, width), min(y2, height), tally)


def seen_box(xyxy: Sequence[float], size: tuple[int, int], tally: Tally) -> tuple[Box, float] | None:
    """A box out of a page's own tree, where things may stand beyond the window: what is inside, and which share of its area that is."""
    (x1, y1, x2, y2), (width, height) = xyxy, size
    full = _box(x1, y1, x2, y2, tally)
    if full is None:
        return None
    if x1 >= width or y1 >= height or x2 <= 0 or y2 <= 0:
        tally["element: outside the window"] += 1
        return None
    box = _box(max(x1, 0), max(y1, 0), min(x2, width), min(y2, height), tally)
    return (box, min(1.0, box.area / full.area)) if box else None


def _box(x1: float, y1: float, x2: float, y2: float, tally: Tally) -> Box | None:
    if not (x1 < x2 and y1 < y2):
        tally["element: empty box"] += 1
        return None
    return Box(x1=x1, y1=y1, x2=x2, y2=y2)


def element(id: int, class_name: str, box: Box, *, visible: float = 1.0, text: str = "", name: str = "", role: str | None = None) -> Element:
    """An element about which a foreign set knows this much; whether it can be used follows from its class."""
    return Element(
        id=id, class_name=class_name, box=box, text=text, name=name, role=role, visible_fraction=round(visible, 3),
        interactable=BY_NAME[class_name].interactable,
    )  # fmt: skip


def nested(elements: Sequence[Element]) -> tuple[Element, ...]:
    """The same elements, each with the smallest larger one around it as `parent`: sets without a tree still group by place."""
    result = []
    for own in elements:
        around = [other for other in elements if other.id != own.id and other.box.area > own.box.area and _holds(other.box, own.box)]
        parent = min(around, key=lambda other: (other.box.area, other.id), default=None)
        result.append(own.model_copy(update={"parent": parent.id if parent else None}))
    return tuple(result)


def _holds(outer: Box, inner: Box) -> bool:
    return (
        outer.x1 <= inner.x1 + ROUNDING_PX and outer.y1 <= inner.y1 + ROUNDING_PX
        and outer.x2 >= inner.x2 - ROUNDING_PX and outer.y2 >= inner.y2 - ROUNDING_PX
    )  # fmt: skip


def screen_of(found: ForeignScreen, key: str, set_name: str, layout: str, tally: Tally) -> tuple[Screen, "Image.Image"]:
    """The `Screen` and its picture. UnreadableError if the picture is broken; InputError for labels that no `Screen` can hold."""
    image = decode(found.picture())
    if found.own is not None and (found.own.width, found.own.height) != image.size:
        raise InputError(
            "is not of the size that its labels say.", file=found.source, found=f"{image.width}x{image.height}",
            fix=f"Give the picture that was exported, {found.own.width}x{found.own.height}.",
        )  # fmt: skip
    return _labelled(found, image, key, set_name, layout, tally), image


def screen_of_labels(found: ForeignScreen, key: str, set_name: str, layout: str, tally: Tally) -> Screen:
    """The `Screen` of a set that came without its pictures. InputError if its labels do not say how large it is."""
    from PIL import Image

    if found.size is None:
        raise InputError("has no picture, and its labels do not say its size.", file=found.source, fix="Put the set's pictures beside its labels.")
    return _labelled(found, Image.new("RGB", found.size), key, set_name, layout, tally)


def _labelled(found: ForeignScreen, image: "Image.Image", key: str, set_name: str, layout: str, tally: Tally) -> Screen:
    from datagen.importers import VERSION

    return found.own or Screen(
        key=key, width=image.width, height=image.height, device_scale=1, platform=found.platform, kit=f"real:{set_name}", family="unknown",
        locale="unknown", theme="unknown", seed=0, generator=f"import/{layout} {VERSION}", elements=nested(found.label(image, tally)),
    )  # fmt: skip
