"""The report's section on speed. Every figure comes from artifacts/eval_latency."""

import csv
import json
from dataclasses import dataclass, fields
from typing import Any

from contracts.stage import artifact_text, read_run
from evaluation.latency_summary import TARGET_MS, Summary, draw, words
from evaluation.report_figure import Figure, chart_figure

STAGE = "eval_latency"


@dataclass(frozen=True)
class LatencyEvidence:
    """What eval_latency has written; `rows` by batch size, then device and mode, the headline's first."""

    run: dict[str, Any]
    metrics: dict[str, float]
    machine: dict[str, Any]
    rows: tuple[Summary, ...]

    @property
    def headline(self) -> Summary:
        """The smallest batch on the first device, in the first mode."""
        return self.rows[0]

    @property
    def machine_words(self) -> str:
        return words(self.machine)

    @property
    def target(self) -> str:
        return f"under {TARGET_MS:.0f} ms"

    @property
    def measured(self) -> str:
        """The median of the headline."""
        return f"{self.headline.p50_ms:.1f} ms"


def gather_latency() -> LatencyEvidence:
    """Read it all. InputError for an artifact that is missing, incomplete, or made from another dataset version."""
    rows = []
    for line in csv.DictReader(artifact_text(STAGE, "summary.csv").splitlines()):
        cells = {field.name: (line[field.name], field.type) for field in fields(Summary)}
        rows.append(Summary(**{name: cell if kind is str else int(cell) if kind is int else float(cell) for name, (cell, kind) in cells.items()}))
    return LatencyEvidence(
        read_run(STAGE), json.loads(artifact_text(STAGE, "metrics.json")), json.loads(artifact_text(STAGE, "machine.json")), tuple(rows)
    )


def make_latency_figure(evidence: LatencyEvidence) -> Figure:
    """Bars of the parts beside the target."""
    own = evidence.headline
    return chart_figure(
        draw(evidence.rows), "latency", "From file to boxes",
        f"Median time of each part, for each way of running the model, {own.calls} calls with {own.batch} screen{'s' if own.batch > 1 else ''} at once, on {evidence.machine_words}. "
        f"The target is {TARGET_MS:.0f} ms.",
        f"Stacked bars of decoding, resizing, model and post-processing; {own.mode} on {own.device} takes {own.p50_ms:.1f} ms.",
    )  # fmt: skip
