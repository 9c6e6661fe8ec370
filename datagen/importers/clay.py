"""CLAY (Li et al., 2022, arXiv:2201.04100): people's labels on the nodes of Rico's view hierarchies.

    <root>/clay_labels.csv (screen_id, node_id, label)   label_map.txt ("3: BUTTON")   split_{train,dev,test}_id.txt   combined/ (Rico's)

`node_id` is the node's `pointer` in the hierarchy, `label` a number of the label map. ROOT, BACKGROUND and CONTAINER name no kind of element and
are counted out; so are nodes that CLAY does not list, which its annotators found invisible. Split `dev` becomes `val`.
"""

import csv
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.annotation import Element
from contracts.errors import InputError
from contracts.taxonomy import NAMES, foreign_names, refine
from datagen.importers import rico
from datagen.importers.foreign import ForeignScreen, ForeignSet, Tally, element, seen_box

if TYPE_CHECKING:
    from PIL import Image

_SPLITS = {"train": "train", "dev": "val", "test": "test"}


def open_set(source: Path) -> ForeignSet:
    """The screens that CLAY labels and whose picture and hierarchy are there. InputError for a missing file or column, or an unknown label."""
    labels_file, map_file = source / "clay_labels.csv", source / "label_map.txt"
    names = _label_map(map_file)
    labels = _labels(labels_file, names)
    pairs = [(picture, tree) for picture, tree in rico.pictures_and_trees(source) if tree.stem in labels]
    if not pairs:
        raise InputError("labels none of the screens that are there.", file=labels_file, fix=f"Put Rico's combined/ into {source}.")
    classes = {refine(name, "clay") for name in foreign_names("clay")} - {None}
    split_files = tuple(path for split in _SPLITS if (path := source / f"split_{split}_id.txt").is_file())
    splits = {line.strip(): _SPLITS[path.stem.split("_")[1]] for path in split_files for line in path.read_text("utf-8").splitlines()}
    return ForeignSet(
        name="clay", layout="clay", count=len(pairs), files=(labels_file, map_file, *split_files, *(tree for _, tree in pairs)),
        screens=partial(_screens, pairs, labels, splits), classes=tuple(name for name in NAMES if name in classes), coarse="clay",
    )  # fmt: skip


def _label_map(file: Path) -> dict[str, str]:
    if not file.is_file():
        raise InputError("does not exist.", file=file, fix="Put CLAY's label_map.txt beside clay_labels.csv.")
    known = foreign_names("clay")
    names: dict[str, str] = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        label, colon, name = line.partition(":")
        if not colon or name.strip() not in known:
            raise InputError(
                "is no label of CLAY's.", file=file, field=f"line {number}", found=line, fix=f"Lines are `number: NAME`, of {', '.join(known)}."
            )
        names[label.strip()] = name.strip()
    return names


def _labels(file: Path, names: dict[str, str]) -> dict[str, dict[str, str]]:
    """screen_id -> pointer -> label's name."""
    if not file.is_file():
        raise InputError("does not exist.", file=file, fix="Give the folder with clay_labels.csv, label_map.txt and Rico's combined/.")
    found: dict[str, dict[str, str]] = {}
    with file.open(newline="", encoding="utf-8") as lines:
        table = csv.DictReader(lines)
        for column in ("screen_id", "node_id", "label"):
            if column not in (table.fieldnames or ()):
                raise InputError("is a column that this file lacks.", file=file, field=column, found=table.fieldnames, fix="Get the file again.")
        for row in table:
            if row["label"] not in names:
                raise InputError(
                    "is not in label_map.txt.", file=file, field=f"line {table.line_num}: label", found=row["label"], fix="Get both files again."
                )
            found.setdefault(row["screen_id"], {})[row["node_id"]] = names[row["label"]]
    return found


def _screens(pairs: list[tuple[Path, Path]], labels: dict[str, dict[str, str]], splits: dict[str, str]) -> Iterator[ForeignScreen]:
    for picture, tree in pairs:
        yield ForeignScreen(
            source=picture.name, split=splits.get(tree.stem, "unknown"), platform="mobile", picture=picture.read_bytes,
            label=partial(_label, tree, labels[tree.stem]),
        )  # fmt: skip


def _label(tree: Path, labels: dict[str, str], shown: "Image.Image", tally: Tally) -> list[Element]:
    root = rico.root_of(tree)
    missing = set(labels)
    found: list[Element] = []
    for node in rico.nodes(root):
        name = labels.get(node.get("pointer", ""))
        missing.discard(node.get("pointer", ""))
        class_name = refine(name, "clay") if name else None
        if name is None:
            tally["element: not listed by CLAY"] += 1
        elif class_name is None:
            tally[f"element: {name} is no kind of element"] += 1
        elif seen := seen_box(rico.scaled(node["bounds"], root, shown.size), shown.size, tally):
            found.append(element(len(found), class_name, seen[0], visible=seen[1], text=rico.text_of(node), name=rico.name_of(node)))
    missing.discard(root.get("pointer", ""))
    if missing:
        tally["element: labelled, but not in the hierarchy"] += len(missing)
    return found
