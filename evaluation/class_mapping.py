"""Scores on a set of other people's, which has fewer classes than ours: truth and detections are put into the set's own classes first.

* A class of ours whose counterpart is one of theirs counts as theirs (our text, heading and link may all be their Text).
* Detections of a class without a counterpart on the set are left out: the set cannot say whether they are right.
* Where several of our classes become one, a box that was detected under more than one of them would count again as a false alarm. Of detections with the same
  box and, now, the same class the highest score is kept; of equal scores the first. Other boxes, however near, stay: duplicates are the detector's own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.coco import class_names
from contracts.errors import InputError
from contracts.taxonomy import NAMES, ForeignSet, coarsen


@dataclass(frozen=True)
class ClassMapping:
    """`names` are the set's classes, `of` gives the one that a class of ours counts as; one that is not in it has no counterpart."""

    names: tuple[str, ...]
    of: dict[str, str]

    def categories(self) -> list[dict[str, Any]]:
        """COCO's, ids from 1 in the order of the names."""
        return [{"id": number, "name": name} for number, name in enumerate(self.names, start=1)]


OWN = ClassMapping(NAMES, {name: name for name in NAMES})
"""Our own screens: nothing is changed."""


def mapping_of(coarse: ForeignSet | None, labelled: Iterable[str]) -> ClassMapping:
    """Of a set that was labelled in the classes `coarse` (None: in ours), and imported with elements of our classes `labelled`."""
    if coarse is None:
        names = tuple(name for name in NAMES if name in set(labelled))
        return ClassMapping(names, {name: name for name in names})
    held = {theirs for name in labelled if (theirs := coarsen(name, coarse)) is not None}
    return ClassMapping(tuple(sorted(held)), {name: theirs for name in NAMES if (theirs := coarsen(name, coarse)) in held and theirs is not None})


def mapped_truth(coco: dict[str, Any], mapping: ClassMapping, file: object = "the set") -> dict[str, Any]:
    """A COCO dictionary of our classes in the set's. InputError for an element whose class has no counterpart: the set does not hold what it says."""
    names, ids = class_names(coco), {name: number for number, name in enumerate(mapping.names, start=1)}
    annotations = []
    for annotation in coco["annotations"]:
        name = names[annotation["category_id"]]
        if name not in mapping.of:
            raise InputError(
                "is the class of an element, and none of those that the set is said to hold.", file=file, field="classes", found=name,
                fix="Import the set again: `python -m datagen.importers`.",
            )  # fmt: skip
        annotations.append(annotation | {"category_id": ids[mapping.of[name]]})
    return coco | {"categories": mapping.categories(), "annotations": annotations}


def mapped_predictions(predictions: Sequence[dict[str, Any]], names: dict[int, str], mapping: ClassMapping) -> list[dict[str, Any]]:
    """Detections (COCO results format) of the classes `names` (by category id) in the set's; see the module's text for what is left out. Order is kept."""
    ids = {name: number for number, name in enumerate(mapping.names, start=1)}
    best: dict[tuple[Any, ...], dict[str, Any]] = {}
    for prediction in predictions:
        theirs = mapping.of.get(names[prediction["category_id"]])
        if theirs is None:
            continue
        key = (prediction["image_id"], ids[theirs], *prediction["bbox"])
        if key not in best or prediction["score"] > best[key]["score"]:
            best[key] = prediction | {"category_id": ids[theirs]}
    return list(best.values())
