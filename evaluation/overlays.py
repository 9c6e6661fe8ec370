"""Truth and predictions drawn on screens of the test split."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.coco import class_names
from evaluation.detection import DetectionScores
from evaluation.drawing import Mark, draw_marks, titled
from evaluation.screens import find_screens, spread

# Small screens are enlarged to about this width before labels are drawn on them, or the labels would hide them.
_READABLE_WIDTH_PX = 1280


@dataclass(frozen=True)
class Overlay:
    """One drawn screen: file names in the overlay folder, and what is on them. `found` truth boxes are hit by a shown prediction (IoU 0.5, right class)."""

    key: str
    family: str
    kit: str
    truth_file: str
    predictions_file: str
    truth: int
    shown: int
    found: int


def draw_overlays(coco: dict[str, Any], predictions: Sequence[dict[str, Any]], scores: DetectionScores, count: int, folder: Path) -> list[Overlay]:
    """Two PNGs for each of `count` screens, spread over the split by kit and family: truth, and predictions from the best-F1 threshold up.

    Hits are drawn bold, everything else pale. If no prediction hits anything on the whole split there is no such threshold; then each screen shows its
    highest-scored predictions, as many as it has truth boxes.
    """
    names = class_names(coco)
    ordered = sorted(coco["images"], key=lambda image: (image["screen"]["family"], image["screen"]["kit"], image["screen"]["key"]))
    chosen = spread(ordered, count)
    screens = find_screens([image["screen"]["key"] for image in chosen]) if chosen else {}
    folder.mkdir(parents=True, exist_ok=True)
    overlays = []
    for image in chosen:
        key = image["screen"]["key"]
        truth = [i for i, a in enumerate(coco["annotations"]) if a["image_id"] == image["id"]]
        shown = [i for i, p in enumerate(predictions) if p["image_id"] == image["id"]]
        if scores.best_f1_score is None:
            shown = sorted(shown, key=lambda i: -predictions[i]["score"])[: len(truth)]
            said = f"the {len(shown)} highest-scored predictions; on the whole split none hits"
        else:
            shown = [i for i in shown if predictions[i]["score"] >= scores.best_f1_score]
            said = f"{len(shown)} predictions with score {scores.best_f1_score:.2f} or more"
        found = {scores.matches[i] for i in shown if i in scores.matches}
        truth_marks = [_mark(coco["annotations"][i], names, bold=i in found) for i in truth]
        shown_marks = [_mark(predictions[i], names, bold=i in scores.matches, note=f"{predictions[i]['score']:.2f}".lstrip("0")) for i in shown]
        scale = max(1, round(_READABLE_WIDTH_PX / image["width"]))
        overlay = Overlay(
            key=key, family=image["screen"]["family"], kit=image["screen"]["kit"],
            truth_file=f"{key}-truth.png", predictions_file=f"{key}-predictions.png", truth=len(truth), shown=len(shown), found=len(found),
        )  # fmt: skip
        for file, title, marks in (
            (overlay.truth_file, f"Truth: {len(truth)} elements, {len(found)} found (bold)", truth_marks),
            (overlay.predictions_file, f"{said}, {len(found)} right (bold)".capitalize(), shown_marks),
        ):
            titled(draw_marks(screens[key], marks, scale=scale), title, [mark.class_name for mark in marks]).save(folder / file)
        overlays.append(overlay)
    return overlays


def _mark(item: dict[str, Any], names: dict[int, str], *, bold: bool, note: str = "") -> Mark:
    x, y, w, h = item["bbox"]
    return Mark((x, y, x + w, y + h), names[item["category_id"]], note, bold)
