"""The report's pictures, each with the words that go with it."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from contracts.coco import class_names
from contracts.dataset import SPLITS
from contracts.errors import InputError
from contracts.stage import artifact
from contracts.taxonomy import NAMES
from evaluation.charts import class_counts, confusion_matrix, error_costs, loss_curve, precision_recall, reliability, render
from evaluation.config import ReportKnobs
from evaluation.drawing import Mark, contact_sheet, draw_marks
from evaluation.evidence import Evidence, figure
from evaluation.features_report import FeatureFigures, make_feature_figures
from evaluation.gallery import page_data
from evaluation.grounding_report import GroundingFigures, make_grounding_figures
from evaluation.latency_report import make_latency_figure
from evaluation.report_figure import Figure, chart_figure, picture_figure
from evaluation.screens import find_screens, spread
from evaluation.transfer_report import TransferFigures, make_transfer_figures

# Classes in the picture of confusions, the most frequent ones of the split; the CSV file of eval_detection has all.
_CONFUSION_CLASSES = 20


@dataclass(frozen=True)
class OverlayFigures:
    """One test screen twice: with its truth and with the predictions."""

    key: str
    title: str
    truth: Figure
    predictions: Figure


@dataclass(frozen=True)
class Figures:
    """All pictures of the report; `gallery` is what the page draws its screens from (evaluation/gallery.py). None: of a stage that is not reported."""

    losses: dict[str, Figure]
    reconstructions: Figure | None
    precision_recall: Figure
    error_costs: Figure
    confusion: Figure
    reliability: Figure
    overlays: tuple[OverlayFigures, ...]
    gallery: dict[str, Any]
    features: FeatureFigures | None
    grounding: GroundingFigures | None
    latency: Figure | None
    transfer: TransferFigures | None
    class_counts: Figure
    contact_sheet: Figure

    def everything(self) -> list[Figure]:
        overlays = [half for overlay in self.overlays for half in (overlay.truth, overlay.predictions)]
        measured = [self.precision_recall, self.error_costs, self.confusion, self.reliability]
        sections = [figure for section in (self.features, self.grounding, self.transfer) if section for figure in section.everything()]
        single = [figure for figure in (self.latency, self.reconstructions) if figure]
        return [*self.losses.values(), *measured, *overlays, *sections, *single, self.class_counts, self.contact_sheet]


def make_figures(evidence: Evidence, knobs: ReportKnobs) -> Figures:
    """Draw every figure. InputError for an artifact that lacks its picture."""
    return Figures(
        losses={stage: _loss(evidence, stage) for stage in evidence.curves},
        reconstructions=_reconstructions() if "pretrain_mae" in evidence.runs else None,
        precision_recall=_precision_recall(evidence),
        error_costs=_error_costs(evidence),
        confusion=_confusion(evidence),
        reliability=_reliability(evidence),
        overlays=tuple(_overlay(screen) for screen in evidence.overlays["screens"]),
        gallery=page_data(evidence.screens[: knobs.gallery], evidence.overlays["score_threshold"]),
        features=make_feature_figures(evidence.features) if evidence.features else None,
        grounding=make_grounding_figures(evidence.grounding) if evidence.grounding else None,
        latency=make_latency_figure(evidence.latency) if evidence.latency else None,
        transfer=make_transfer_figures(evidence.transfer) if evidence.transfer else None,
        class_counts=_class_counts(evidence),
        contact_sheet=_contact_sheet(evidence, knobs.contact_sheet),
    )


def write_figures(figures: Figures, folder: Path) -> None:
    """Every figure as PNG, charts as SVG too, into a new folder."""
    folder.mkdir()
    for each in figures.everything():
        (folder / f"{each.name}.png").write_bytes(each.png)
        if each.svg is not None:
            (folder / f"{each.name}.svg").write_text(each.svg, encoding="utf-8")


def _loss(evidence: Evidence, stage: str) -> Figure:
    curve = evidence.curves[stage]
    what = {"pretrain_mae": "Masked-autoencoder pretraining", "train_detector": "Detector training"}[stage]
    first, last = curve.losses[0], curve.losses[-1]
    validation = f" On the validation split it ends at {curve.val_losses[-1]:.4g}." if curve.val_losses else ""
    return chart_figure(
        render(loss_curve((curve.steps, curve.losses), (curve.val_steps, curve.val_losses), what)), f"loss_{stage}", f"{what}: loss",
        f"{what}. Training loss over optimizer steps: each logged value pale, their moving average bold. First {first:.4g}, last {last:.4g}.{validation}",
        f"Line chart: the loss starts at {first:.4g} at step {curve.steps[0]} and ends at {last:.4g} at step {curve.steps[-1]}.",
    )  # fmt: skip


def _precision_recall(evidence: Evidence) -> Figure:
    columns = evidence.precision_recall
    curves = {
        "IoU 0.50, mean over classes": columns["iou50"],
        "IoU 0.75, mean over classes": columns["iou75"],
        "IoU 0.50, class-agnostic": columns["agnostic_iou50"],
    }
    area = figure(evidence.metrics["eval_detection"]["AP50"])
    return chart_figure(
        render(precision_recall(columns["recall"], curves)), "precision_recall", "Precision and recall",
        f"Test split. How pure the detections stay as more elements are found. The area under the first line is AP50 ({area}).",
        f"Line chart of precision over recall at two IoU thresholds and without classes; the area under the first line is {area}.",
    )  # fmt: skip


def _error_costs(evidence: Evidence) -> Figure:
    costs = {row.kind: row.cost for row in evidence.errors}
    most = max(costs, key=lambda kind: costs[kind])
    return chart_figure(
        render(error_costs(costs)), "error_costs", "What errors cost",
        "Test split, IoU 0.50. How much AP50 would gain if one kind of error were mended and all others stayed (TIDE, arXiv:2008.08115). "
        "Gains do not add up.",
        f"Bar chart of six kinds of error; the most costly is {most} with {costs[most]:.3f} of AP50.",
    )  # fmt: skip


def _confusion(evidence: Evidence) -> Figure:
    totals: Counter[str] = Counter()
    for row in evidence.confusions:
        totals[row.truth] += row.count
    classes = [name for name, _ in totals.most_common() if name][:_CONFUSION_CLASSES]
    rows, columns = classes, [*classes, "another", "not found"]
    place = {name: n for n, name in enumerate(classes)} | {"": len(columns) - 1}
    table = [[0.0] * len(columns) for _ in rows]
    for row in evidence.confusions:
        if row.truth in place and row.truth:
            table[place[row.truth]][place.get(row.taken_for, len(columns) - 2)] += row.count / totals[row.truth]
    right = sum(row.count for row in evidence.confusions if row.truth and row.truth == row.taken_for)
    found = sum(row.count for row in evidence.confusions if row.truth and row.taken_for)
    return chart_figure(
        render(confusion_matrix(table, rows, columns), width=6.4, height=1.6 + 0.2 * len(rows)), "confusion", "Which classes are taken for which",
        f"Test split, the {len(rows)} most frequent classes: what detections from the best F1's score up, matched by place alone at IoU 0.50, take each element "
        f"for. {found:,} elements are found, {right:,} of them under their own name; {totals[''] :,} detections are on nothing.",
        f"Matrix of {len(rows)} classes: {right} of {found} found elements have the right class.",
    )  # fmt: skip


def _reliability(evidence: Evidence) -> Figure:
    bins, error = evidence.calibration, evidence.metrics["eval_detection"]["calibration_error"]
    return chart_figure(
        render(reliability(bins.get("score", ()), bins.get("precision", ()), bins.get("count", ()))), "reliability", "How far scores can be believed",
        f"Test split. Of detections with a given score, the share that is right (own class, IoU 0.50). On the dashed line a score is a probability; the mean "
        f"distance from it (expected calibration error) is {error:.3f}.",
        f"Line chart of the share of right detections over their score; expected calibration error {error:.3f}.",
    )  # fmt: skip


def _class_counts(evidence: Evidence) -> Figure:
    counts = evidence.manifest.classes
    there = {name: count for name, count in counts.items() if count}
    absent = [name for name in NAMES if name not in there]
    top = max(there, key=lambda name: there[name])
    missing = f" {len(absent)} of the {len(NAMES)} classes do not occur: {', '.join(absent)}." if absent else " Every class of the taxonomy occurs."
    return chart_figure(
        render(class_counts(there), height=max(2.4, 0.6 + 0.2 * len(there))), "class_counts", "Elements per class",
        f"How often each class occurs in the dataset, all splits together.{missing}",
        f"Bar chart of {len(there)} classes; the most frequent is {top} with {there[top]} elements.",
    )  # fmt: skip


def _reconstructions() -> Figure:
    path = artifact("pretrain_mae") / "reconstructions.png"
    if not path.is_file():
        raise InputError("is missing from this artifact.", file=path, fix="Run `dvc repro --force --single-item pretrain_mae` to make it again.")
    return picture_figure(
        Image.open(path), "reconstructions", "Masked-autoencoder reconstructions",
        "What the pretrained encoder makes of hidden screens. Each row is one screen of the validation split: as it is, as the encoder saw it (grey is hidden), "
        "and with the hidden units filled in by the model.",
        "Rows of screens in three columns: as they are, with most units grey, and with the grey units filled in by the model.",
    )  # fmt: skip


def _overlay(screen: dict[str, Any]) -> OverlayFigures:
    folder = artifact("eval_detection") / "figures"
    title = f"{screen['family']}, {screen['kit']}"
    truth = f"Truth: {screen['truth']} labelled elements, {screen['found']} of them hit by a prediction (bold)."
    predictions = f"{screen['shown']} predictions, {screen['found']} of them on an element of their class with IoU 0.5 or more (bold)."
    return OverlayFigures(
        key=screen["key"], title=title,
        truth=picture_figure(Image.open(folder / screen["truth_file"]), f"overlay_{screen['key']}_truth", f"Truth on {screen['key']}", truth, f"Screen of {title}. {truth}"),
        predictions=picture_figure(
            Image.open(folder / screen["predictions_file"]), f"overlay_{screen['key']}_predictions", f"Predictions on {screen['key']}", predictions,
            f"Screen of {title}. {predictions}",
        ),
    )  # fmt: skip


def _contact_sheet(evidence: Evidence, count: int) -> Figure:
    every = [(split, image) for split in SPLITS for image in evidence.coco[split]["images"]]
    every.sort(key=lambda item: (item[1]["screen"]["family"], item[1]["screen"]["kit"], item[1]["screen"]["key"]))
    chosen = spread(every, count)
    screens = find_screens([image["screen"]["key"] for _, image in chosen])
    cells = []
    for split, image in chosen:
        coco, meta = evidence.coco[split], image["screen"]
        names = class_names(coco)
        boxes = [(a["bbox"], names[a["category_id"]]) for a in coco["annotations"] if a["image_id"] == image["id"]]
        marks = [Mark((x, y, x + w, y + h), name) for (x, y, w, h), name in boxes]
        cells.append((draw_marks(screens[meta["key"]], marks, labels=False), f"{meta['family']}, {meta['kit']} ({split})"))
    columns = 2 if len(cells) <= 4 else 4
    return picture_figure(
        contact_sheet(cells, columns, cell_width=480), "contact_sheet", "Screens of the dataset",
        f"{len(cells)} screens of the dataset with the box of every labelled element, one colour per class.",
        "Contact sheet: " + "; ".join(text for _, text in cells) + ".",
    )  # fmt: skip
