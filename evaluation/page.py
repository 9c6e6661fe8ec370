"""The report as one self-contained HTML page and as Markdown, from templates beside this file."""

import json
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from contracts.dataset import SPLITS
from evaluation.evidence import Evidence, command_line, duration, figure, machine, size
from evaluation.figures import Figures
from evaluation.transfer_report import start_title

_TEMPLATES = Path(__file__).parent
_STAGE_TITLES = {
    "pack_beton": "Packing screens for training",
    "pretrain_mae": "Masked-autoencoder pretraining",
    "pretrain_hjepa": "Joint-embedding pretraining",
    "train_detector": "Detector training",
    "eval_detection": "Detector evaluation",
    "eval_latency": "Detector timing",
    "eval_transfer": "Transfer to other screens",
    "eval_probes": "Probing of features",
    "pack_grounding": "Writing commands for grounding",
    "tune_grounder": "Grounder training",
    "personalize_grounder": "Personal adapters",
    "eval_grounding": "Grounder evaluation",
}


def html_page(evidence: Evidence, figures: Figures) -> str:
    """`report.html`: everything inlined, every value escaped."""
    return _render("report.html.jinja", evidence, figures, autoescape=True)


def markdown_page(evidence: Evidence, figures: Figures) -> str:
    """`report.md`: the same facts, with pictures from `figures/`."""
    return _render("report.md.jinja", evidence, figures, autoescape=False)


def _render(template: str, evidence: Evidence, figures: Figures, *, autoescape: bool) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES), autoescape=autoescape, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True,
    )  # fmt: skip
    told = [_STAGE_TITLES[stage] for stage in evidence.runs]
    environment.filters |= {
        "figure": figure,
        "duration": duration,
        "size": size,
        "machine": machine,
        "count": lambda n: f"{n:,}",
        "command_line": command_line,
        "short": _short,
        "json": _plain_json,
        "script_json": _script_json,
    }
    return environment.get_template(template).render(
        evidence=evidence, figures=figures, gallery=figures.gallery, scores=evidence.metrics["eval_detection"], counts=evidence.class_counts, splits=SPLITS, start_title=start_title,
        stage_titles=_STAGE_TITLES, preset=evidence.runs["train_detector"]["preset"], headline=_headline(evidence), compared=_compared(evidence),
        partly="" if len(told) == len(_STAGE_TITLES) else ", ".join(told),
    )  # fmt: skip


# (metric of eval_detection, its name, whether more is better) that are held against the promoted model.
_COMPARED = (
    ("AP", "AP", True), ("AP50", "AP50", True), ("AP75", "AP75", True), ("AP_small", "AP, small elements", True), ("AP_medium", "AP, medium elements", True),
    ("AP_large", "AP, large elements", True), ("AP_agnostic", "Class-agnostic AP", True), ("AR_agnostic", "Class-agnostic average recall", True),
    ("best_F1", "Best F1", True), ("calibration_error", "Calibration error", False), ("ms_per_screen", "Milliseconds per screen", False),
)  # fmt: skip


def _compared(evidence: Evidence) -> list[tuple[str, ...]]:
    """(figure, promoted, this run, difference, `better`, `worse` or `` for as good) of what both have measured, with intervals where both have them."""
    if evidence.promoted is None:
        return []
    before, now, rows = evidence.promoted.metrics, evidence.metrics["eval_detection"], []
    for name, title, more_is_better in _COMPARED:
        if name in before and name in now:
            difference, digits = now[name] - before[name], 1 if name == "ms_per_screen" else 3
            verdict = "" if round(difference, digits) == 0 else "better" if (difference > 0) is more_is_better else "worse"
            cells = [
                f"{of[name]:.{digits}f}" + (f" ({of[f'{name}_low']:.3f} to {of[f'{name}_high']:.3f})" if f"{name}_low" in of else "")
                for of in (before, now)
            ]
            rows.append((title, *cells, f"{difference:+.{digits}f}" if verdict else "none", verdict))
    return rows


def _headline(evidence: Evidence) -> list[tuple[str, str, str]]:
    """(figure, value, what it says) of the headline table."""
    scores, counts = evidence.metrics["eval_detection"], evidence.manifest.splits

    def interval(name: str) -> str:
        return f"95 % of resampled test splits: {figure(scores[f'{name}_low'])} to {figure(scores[f'{name}_high'])}"

    rows = [
        ("AP", figure(scores["AP"]), f"average precision, IoU 0.50 to 0.95, mean over classes; {interval('AP')}"),
        ("AP50", figure(scores["AP50"]), f"at IoU 0.50; {interval('AP50')}"),
        ("AP75", figure(scores["AP75"]), f"at IoU 0.75; {interval('AP75')}"),
        ("Class-agnostic AP", figure(scores["AP_agnostic"]), f"boxes alone, whatever their class; {interval('AP_agnostic')}"),
        ("Class-agnostic AP50", figure(scores["AP50_agnostic"]), "boxes alone, at IoU 0.50"),
    ]
    for stage, name in (("train_detector", "Detector loss"), ("pretrain_mae", "Pretraining loss")):
        if curve := evidence.curves.get(stage):
            rows.append((name, f"{curve.losses[-1]:.3g}", f"after {curve.steps[-1]:,} steps; {curve.losses[0]:.3g} at the first logged"))
    rows.append(("Screens", f"{sum(split.screens for split in counts.values()):,}", ", ".join(f"{name} {counts[name].screens:,}" for name in SPLITS)))
    return rows


def _plain_json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _script_json(value: Any) -> Markup:
    """JSON inside a <script> element, which no value can end."""
    return Markup(json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"))


def _short(value: Any) -> str:
    """A value of a setting on one line; a hash by its first 12 characters."""
    text = "none" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"{text[:12]}…{text[40:]}" if len(text) >= 36 and set(text[:32]) <= set("0123456789abcdef") else text
