"""Rico (Deka et al., 2017): `combined/<id>.jpg` with `combined/<id>.json`, the Android view hierarchy at that moment; or its semantic annotations.

In the view hierarchy `activity.root` is a tree of nodes with `class`, `ancestors`, `bounds` [x1, y1, x2, y2], `visible-to-user`, `text`, `pointer`,
`children` (null among them); in the semantic annotations the root is the file itself and nodes bear `componentLabel`. Bounds are in the device's
pixels (1440 x 2560), pictures are smaller: the root's bounds say the scale. Views that the hierarchy calls invisible are left out; the hierarchy is
known to be stale on some screens, which nothing here can see (CLAY is the cleaned set).
"""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.annotation import Element
from contracts.errors import InputError
from contracts.taxonomy import NAMES
from datagen.importers import android_classes
from datagen.importers.foreign import ForeignScreen, ForeignSet, Tally, UnreadableError, element, seen_box

if TYPE_CHECKING:
    from PIL import Image

_SUFFIXES = (".jpg", ".png", ".jpeg")


def open_set(source: Path) -> ForeignSet:
    """Every screen of a folder that has a picture and a hierarchy of the same number. InputError if there is none."""
    pairs = pictures_and_trees(source)
    classes = {*android_classes.VIEW_CLASSES.values(), *android_classes.COMPONENT_LABELS.values(), "icon_button"}
    return ForeignSet(
        name="rico", layout="rico", count=len(pairs), files=tuple(tree for _, tree in pairs), screens=partial(_screens, pairs),
        classes=tuple(name for name in NAMES if name in classes),
    )  # fmt: skip


def pictures_and_trees(source: Path) -> list[tuple[Path, Path]]:
    """(picture, hierarchy) of each screen in `source` or `source/combined`, by number. InputError if there is none."""
    folder = source / "combined" if (source / "combined").is_dir() else source
    trees = sorted(folder.glob("*.json"), key=lambda path: (len(path.stem), path.stem))
    pairs = [(picture, tree) for tree in trees for picture in (tree.with_suffix(suffix) for suffix in _SUFFIXES) if picture.is_file()]
    if not pairs:
        raise InputError(
            "holds no <id>.json with a picture of the same name.", file=folder, fix="Give Rico's folder `combined` or the one it lies in."
        )
    return pairs


def root_of(tree: Path) -> dict[str, Any]:
    """The root node. UnreadableError if the file is broken or has none (some of Rico's are empty)."""
    try:
        content = json.loads(tree.read_text(encoding="utf-8"))
        root = content["activity"]["root"] if "activity" in content else content
        x1, y1, x2, y2 = root["bounds"]
        if not (x1 < x2 and y1 < y2):
            raise ValueError(f"the root has bounds {root['bounds']}")
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise UnreadableError(f"hierarchy cannot be read: {error!r}") from None
    return dict(root)


def nodes(root: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every node below the root, parents before children. No recursion: some hierarchies are deeper than Python's stack."""
    stack = [child for child in reversed(root.get("children") or ()) if child]
    while stack:
        node = stack.pop()
        yield node
        stack += [child for child in reversed(node.get("children") or ()) if child]


def scaled(bounds: list[float], root: dict[str, Any], size: tuple[int, int]) -> tuple[float, float, float, float]:
    """Bounds in the device's pixels -> in the picture's."""
    left, top, right, bottom = root["bounds"]
    x, y = size[0] / (right - left), size[1] / (bottom - top)
    return (bounds[0] - left) * x, (bounds[1] - top) * y, (bounds[2] - left) * x, (bounds[3] - top) * y


def _screens(pairs: list[tuple[Path, Path]]) -> Iterator[ForeignScreen]:
    for picture, tree in pairs:
        yield ForeignScreen(source=picture.name, split="unknown", platform="mobile", picture=picture.read_bytes, label=partial(_label, tree))


def _label(tree: Path, shown: "Image.Image", tally: Tally) -> list[Element]:
    root = root_of(tree)
    found: list[Element] = []
    for node in nodes(root):
        class_name = android_classes.of_node(node)
        if class_name is None:
            tally["element: layout or unknown view"] += 1
        elif node.get("visible-to-user") is False or node.get("visibility", "visible") != "visible":
            tally["element: invisible"] += 1
        elif seen := seen_box(scaled(node["bounds"], root, shown.size), shown.size, tally):
            found.append(element(len(found), class_name, seen[0], visible=seen[1], text=text_of(node), name=name_of(node)))
    return found


def text_of(node: dict[str, Any]) -> str:
    return str(node.get("text") or "")


def name_of(node: dict[str, Any]) -> str:
    """The content description, which Android's screen reader speaks; Rico wraps it in a list."""
    described = node.get("content-desc")
    words = described if isinstance(described, list) else [described]
    return " ".join(str(word) for word in words if word)
