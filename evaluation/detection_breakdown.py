"""Detection figures beyond the headline: by group of screens, with intervals, as a confusion matrix, and how far scores can be taken at their word.

Intervals are over screens, which are what was drawn (evaluation/bootstrap.py); draws that hold no element are left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from contracts.coco import class_names
from contracts.files import replacing
from evaluation.bootstrap import interval
from evaluation.detection import DetectionScores
from evaluation.error_breakdown import KINDS, ErrorBreakdown, error_breakdown
from evaluation.matching import IGNORED, Floats, Ints, Matches, average_precision

RESAMPLES = 300
# A calibration bin per tenth of the score.
BINS = 10
GROUPS = ("platform", "kit", "family", "locale", "theme", "state")


@dataclass(frozen=True)
class GroupScore:
    """One group of screens: AP and AP50 over the classes that it holds, class-agnostic AP, in 0..1, and its numbers of screens and elements."""

    by: str
    name: str
    ap: float
    ap50: float
    ap_agnostic: float
    screens: int
    elements: int


def by_group(matches: Matches, agnostic: Matches, groups: Mapping[str, Sequence[str | None]]) -> list[GroupScore]:
    """`groups`: what screens are grouped by (`kit`) -> the group of each screen, None for none, in rising order of image id.

    Groups without an element are left out.
    """
    scores = []
    for by, names in groups.items():
        for name in sorted({name for name in names if name is not None}):
            weights = np.array([own == name for own in names], dtype=np.float64)
            elements = int(matches.truth_counts(weights).sum())
            if not elements:
                continue
            ap = average_precision(matches, weights)
            scores.append(
                GroupScore(
                    by,
                    name,
                    float(np.nanmean(ap)),
                    float(np.nanmean(ap[0])),
                    float(average_precision(agnostic, weights).mean()),
                    int(weights.sum()),
                    elements,
                )
            )
    return scores


def ap_intervals(matches: Matches, agnostic: Matches) -> dict[str, tuple[float, float]]:
    """95 % intervals of AP, AP50, AP75 and their class-agnostic twins, for the ten thresholds of COCO."""

    def figures(weights: Floats) -> Floats:
        if not matches.truth_counts(weights).any():
            return np.full(4, np.nan)
        own, any_class = average_precision(matches, weights), average_precision(agnostic, weights)
        return np.array([np.nanmean(own), np.nanmean(own[0]), np.nanmean(own[5]), any_class.mean()])

    low, high = interval(matches.screens, figures, RESAMPLES)
    return {name: (float(low[n]), float(high[n])) for n, name in enumerate(("AP", "AP50", "AP75", "AP_agnostic"))}


def confusion(agnostic: Matches, found_labels: Ints, truth_labels: Ints, classes: int, threshold: float) -> Ints:
    """Counts [K + 1, K + 1]: row the element's class, column the class it was taken for; the last row is background, the last column not found.

    Detections of at least `threshold` are matched with elements by place alone at IoU 0.5 (`agnostic`). `found_labels` [M], in the order in which
    they were matched, and `truth_labels` [N] are class indices.
    """
    hit, kept = agnostic.hit[0], agnostic.score >= threshold
    named = found_labels[agnostic.position]
    table = np.zeros((classes + 1, classes + 1), dtype=np.int64)
    right = kept & (hit >= 0)
    np.add.at(table, (truth_labels[hit[right]], named[right]), 1)
    np.add.at(table, (np.full((kept & (hit < 0) & (hit != IGNORED)).sum(), classes), named[kept & (hit < 0) & (hit != IGNORED)]), 1)
    found = np.zeros(len(truth_labels), dtype=bool)
    found[hit[right]] = True
    missed = ~found & (agnostic.truth_label >= 0)
    np.add.at(table, (truth_labels[missed], np.full(missed.sum(), classes)), 1)
    return table


@dataclass(frozen=True)
class Calibration:
    """Detections by score, a bin per tenth: mean score, share that hits at IoU 0.5, number. `error` is the expected calibration error (Naeini et al. 2015):
    the mean distance of the two, weighted by number.
    """

    score: tuple[float, ...]
    precision: tuple[float, ...]
    count: tuple[int, ...]
    error: float


def calibration(matches: Matches) -> Calibration:
    """Of all detections that are not ignored; empty bins are left out."""
    counted = matches.hit[0] != IGNORED
    score, right = matches.score[counted], matches.hit[0][counted] >= 0
    bins = np.minimum((score * BINS).astype(int), BINS - 1)
    used = [np.flatnonzero(bins == b) for b in range(BINS)]
    used = [at for at in used if len(at)]
    means = [(float(score[at].mean()), float(right[at].mean()), len(at)) for at in used]
    error = sum(abs(mean - share) * count for mean, share, count in means) / max(1, len(score))
    columns = tuple(zip(*means, strict=True)) or ((), (), ())
    return Calibration(columns[0], columns[1], columns[2], error)


@dataclass(frozen=True)
class Breakdown:
    """All of the above for one scoring. `classes` are the names of the rows and columns of `confusion`, whose last is for background and not found."""

    groups: tuple[GroupScore, ...]
    intervals: dict[str, tuple[float, float]]
    errors: ErrorBreakdown
    classes: tuple[str, ...]
    confusion: Ints
    calibration: Calibration

    @property
    def metrics(self) -> dict[str, float]:
        """What `dvc metrics` shows of it: intervals, platforms, what errors cost, and the calibration error."""
        return {
            **{f"{name}_{end}": value for name, ends in self.intervals.items() for end, value in zip(("low", "high"), ends, strict=True)},
            **{f"AP_platform_{group.name}": group.ap for group in self.groups if group.by == "platform"},
            **{f"AP50_cost_{kind}": cost for kind, cost in self.errors.cost.items()},
            "calibration_error": self.calibration.error,
        }


def break_down(coco: dict[str, Any], predictions: Sequence[dict[str, Any]], scores: DetectionScores) -> Breakdown:
    """Break down what `score_detections(coco, predictions, ...)` gave. Confusions are counted from the score at which F1 is best, or of all if there is none."""
    images = sorted(coco["images"], key=lambda image: image["id"])
    names = class_names(coco)
    index = {category: k for k, category in enumerate(sorted(names))}
    labels = [np.array([index[item["category_id"]] for item in items], dtype=np.int64) for items in (predictions, coco["annotations"])]
    return Breakdown(
        groups=tuple(by_group(scores.matched, scores.agnostic, {by: [image["screen"].get(by) for image in images] for by in GROUPS})),
        intervals=ap_intervals(scores.matched, scores.agnostic),
        errors=error_breakdown(scores.matched),
        classes=tuple(names[category] for category in sorted(names)),
        confusion=confusion(scores.agnostic, *labels, classes=len(names), threshold=scores.best_f1_score or 0.0),
        calibration=calibration(scores.matched),
    )


def write_details(coco: dict[str, Any], predictions: Sequence[dict[str, Any]], scores: DetectionScores, errors: ErrorBreakdown, file: Path) -> None:
    """One row per detection, in the order of `predictions`, as Parquet: where, what, how sure, what it hits at IoU 0.5, or which kind of error it is.

    `truth` is the id of the annotation that it hits, null if none; `iou` its largest overlap with an element of its class.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    images, names = {image["id"]: image for image in coco["images"]}, class_names(coco)
    matched, kinds = scores.matched, list(KINDS)
    back = np.argsort(matched.position)
    hits, own_iou, kind = matched.hit[0][back].tolist(), matched.own_iou[back], errors.kind[back].tolist()
    screens = [images[p["image_id"]]["screen"] for p in predictions]
    columns = {
        "image_id": [p["image_id"] for p in predictions],
        "screen": [screen["key"] for screen in screens],
        **{by: pa.array([screen.get(by) for screen in screens], pa.string()) for by in GROUPS},
        "class": [names[p["category_id"]] for p in predictions],
        "score": [float(p["score"]) for p in predictions],
        **{side: [float(p["bbox"][n]) for p in predictions] for n, side in enumerate(("x", "y", "width", "height"))},
        "truth": pa.array([coco["annotations"][hit].get("id", hit) if hit >= 0 else None for hit in hits], pa.int64()),
        "iou": own_iou,
        "error": pa.array([kinds[k] if k >= 0 else None for k in kind], pa.string()),
    }
    with replacing(file) as temporary:
        pq.write_table(pa.table(columns), temporary)
