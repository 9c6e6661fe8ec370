"""What a detector of rendered screens is worth elsewhere: scored as it is (zero-shot), and tuned on a few screens of the target (few-shot), beside detectors
that begin with less.

Average precision is COCO's, over the target's own classes (evaluation/class_mapping.py). Two kinds of uncertainty are told apart: the *interval* holds 95 % of
the figure on resampled test screens (as in eval_detection); the *spread* is between draws, that is between other few screens, another order and other fresh
weights.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from contracts.coco import categories
from contracts.files import write_json
from contracts.taxonomy import BY_NAME
from evaluation.bootstrap import interval
from evaluation.class_mapping import mapped_predictions
from evaluation.detection import coco_results
from evaluation.matching import Floats, Matches, average_precision, match
from evaluation.transfer_cell import Cell
from evaluation.transfer_targets import Target
from training.detect import detect
from training.models.detector import Detector
from training.screen_batch import ScreenBatch, collate

_NAMES = {category["id"]: category["name"] for category in categories()}


@dataclass(frozen=True)
class Run:
    """One tuning, or none (`shots` 0): `predictions` on the target's test screens, in COCO's results format and our classes."""

    target: str
    start: str
    shots: int
    draw: int
    steps: int
    seconds: float
    first_loss: float | None
    last_loss: float | None
    predictions: list[dict[str, Any]]


def test_batches(target: Target, image_size: tuple[int, int], resampling: str, micro_batch: int) -> list[ScreenBatch]:
    """The target's test screens, image ids from 1; kept, because every run is scored on them."""
    found = []
    for first in range(0, len(target.test), micro_batch):
        keys = target.test[first : first + micro_batch]
        found.append(collate((target.packed(key, first + n, image_size, resampling) for n, key in enumerate(keys, start=1)), len(keys)))
    return found


def find(model: Detector, batches: Sequence[ScreenBatch], device: str) -> list[dict[str, Any]]:
    """Detections on all screens, in COCO's results format and our classes."""
    model = model.to(device).eval()
    ids = [BY_NAME[name].id for name in model.config.class_names]
    return [
        result
        for batch in batches
        for image_id, found in zip(batch.image_ids.tolist(), detect(model, batch), strict=True)
        for result in coco_results(image_id, found.boxes.tolist(), found.scores.tolist(), [ids[label] for label in found.labels.tolist()])
    ]


def kept(folder: Path, settings: dict[str, Any], make: Callable[[], Run]) -> Run:
    """A run that was finished before under the same settings, from the folder; else `make` it, and keep it there."""
    file = folder / f"{hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:32]}.json"
    if file.is_file():
        return Run(**json.loads(file.read_text(encoding="utf-8")))
    run = make()
    write_json(file, vars(run), indent=None)
    return run


def cell(target: Target, start: str, runs: Sequence[Run], resamples: int) -> Cell:
    """The draws of one start and number of screens, scored."""
    matched = [both(target, run) for run in runs]
    values = [float(np.nanmean(average_precision(own))) for own, _ in matched]

    def mean(weights: Floats) -> Floats:
        if not matched[0][0].truth_counts(weights).any():
            return np.full(1, np.nan)
        return np.array([np.mean([np.nanmean(average_precision(own, weights)) for own, _ in matched])])

    low, high = interval(matched[0][0].screens, mean, resamples=resamples)
    first = runs[0]
    return Cell(
        target.name, target.real, start, first.shots, len(runs), float(np.mean(values)), float(low[0]), float(high[0]), min(values), max(values),
        float(np.mean([np.nanmean(average_precision(own)[0]) for own, _ in matched])),
        float(np.mean([average_precision(any_class).mean() for _, any_class in matched])),
        len(target.test), len(target.truth["annotations"]), first.steps, sum(run.seconds for run in runs), "",
    )  # fmt: skip


def both(target: Target, run: Run) -> tuple[Matches, Matches]:
    """A run's detections matched with the truth, in the target's classes, and whatever their class (then all detections count, those without counterpart too)."""
    own = match(target.truth, mapped_predictions(run.predictions, _NAMES, target.mapping))
    return own, match(target.truth, run.predictions, use_classes=False)


def nothing(target: Target, start: str, shots: int, remark: str) -> Cell:
    """A cell that was not measured."""
    blank: tuple[None, ...] = (None,) * 7
    return Cell(target.name, target.real, start, shots, 0, *blank, len(target.test), len(target.truth["annotations"]), 0, 0.0, remark)


def details(target: Target, runs: Sequence[Run]) -> Iterator[dict[str, Any]]:
    """One row per run and test screen: its elements, detections, and how many elements are found at IoU 0.5 under their class, and whatever their class."""
    for run in runs:
        own, any_class = both(target, run)
        found = np.bincount(own.truth_screen[_hits(own)], minlength=own.screens)
        placed = np.bincount(any_class.truth_screen[_hits(any_class)], minlength=own.screens)
        elements, said = (np.bincount(of, minlength=own.screens) for of in (own.truth_screen, own.screen))
        for number, key in enumerate(target.test):
            yield {
                "target": run.target, "start": run.start, "shots": run.shots, "draw": run.draw, "screen": key, "elements": int(elements[number]),
                "detections": int(said[number]), "found": int(found[number]), "found_agnostic": int(placed[number]),
            }  # fmt: skip


def _hits(matches: Matches) -> Any:
    hits = matches.hit[0]
    return np.unique(hits[hits >= 0])
