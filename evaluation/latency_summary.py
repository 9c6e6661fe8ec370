"""What is told of a detector's speed: figures of each way to run it, their chart, and the machine in words (measured by evaluation/latency.py)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evaluation.charts import Chart

PARTS = ("decode", "resize", "model", "post")
TARGET_MS = 30.0
"""The project's goal for one screen, end to end."""


@dataclass(frozen=True)
class Summary:
    """All calls of one mode on one device with one batch size. Percentiles of a call's time in milliseconds; medians of its parts; `screens_per_second` end to
    end, by the median; `agreement` is the share of eager's detections on the CPU that this one has, too.
    """

    device: str
    mode: str
    batch: int
    calls: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    decode_ms: float
    resize_ms: float
    model_ms: float
    post_ms: float
    screens_per_second: float
    model_screens_per_second: float
    memory_bytes: int
    agreement: float
    prepare_seconds: float


def words(machine: dict[str, Any]) -> str:
    """A machine, as `describe_machine` knows it, in one line."""
    gpus = f", {machine['gpus'][0]}" if machine["gpus"] else ""
    return f"{machine['processor']}, {machine['cores']} cores, {machine['threads']} threads{gpus}, torch {machine['torch']}, load average {machine.get('load_average_before', machine['load_average_after'])}"


def draw(summaries: Sequence[Summary]) -> "Chart":
    """Bars of the four parts for each device and mode at the smallest batch, the median one after the other, p95 as a tick, the target as a line."""
    from matplotlib.axes import Axes

    from evaluation.charts import Palette, render

    smallest = min(row.batch for row in summaries)
    rows = [row for row in summaries if row.batch == smallest][::-1]
    names = [f"{row.device}, {row.mode}" for row in rows]

    def bars(ax: Axes, palette: Palette) -> None:
        start = [0.0] * len(rows)
        for part, color, alpha in zip(PARTS, (palette.series[2], palette.series[1], palette.series[0], palette.ink), (1, 1, 1, 0.6), strict=True):
            widths = [getattr(row, f"{part}_ms") for row in rows]
            ax.barh(names, widths, left=start, color=color, alpha=alpha, height=0.55, label={"post": "post-processing"}.get(part, part))
            start = [a + b for a, b in zip(start, widths, strict=True)]
        ax.plot([row.p95_ms for row in rows], names, "|", color=palette.ink, markersize=14, markeredgewidth=1.6, label="p95")
        ax.axvline(TARGET_MS, color=palette.ink, linestyle="--", linewidth=1.2, label=f"target {TARGET_MS:.0f} ms")
        ax.set(title=f"From file to boxes, batch {smallest}", xlabel="milliseconds", xlim=(0, None))
        ax.grid(visible=False, axis="y")
        ax.legend(frameon=False, labelcolor=palette.ink, fontsize=7.5, ncols=3, loc="upper center", bbox_to_anchor=(0.45, -0.28 - 0.12 / len(rows)))

    return render(bars, height=1.9 + 0.4 * len(rows))
