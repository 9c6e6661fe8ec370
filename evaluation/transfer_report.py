"""Transfer told: tables in Markdown, charts, and the report's section. Every figure comes from artifacts/eval_transfer."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from contracts.stage import artifact_text, read_run
from evaluation.charts import Chart, Draw, Palette, render
from evaluation.report_figure import Figure, chart_figure
from evaluation.transfer_cell import Cell

STAGE = "eval_transfer"
_TITLES = {
    "detector": "the trained detector", "scratch": "fresh weights", "mae": "MAE's encoder", "hjepa": "H-JEPA's encoder", "imagenet": "ImageNet's encoder",
}  # fmt: skip
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")


def start_title(name: str) -> str:
    """A start in words; a further detector has the name that it was given."""
    return _TITLES.get(name, name)


def target_title(name: str, real: bool) -> str:
    """A target in words: what is not real is never called that."""
    return f"{name} (real)" if real else "unseen kits (rendered)"


@dataclass(frozen=True)
class TransferEvidence:
    """artifacts/eval_transfer/transfer.json."""

    run: dict[str, Any]
    summary: dict[str, Any]

    @property
    def cells(self) -> list[Cell]:
        return [Cell(**cell) for cell in self.summary["cells"]]

    @property
    def goals(self) -> list[dict[str, Any]]:
        goals: list[dict[str, Any]] = self.summary["goals"]
        return goals

    @property
    def compute(self) -> str:
        return compute_words(self.summary["compute"])

    @property
    def tables(self) -> str:
        """The section's tables as Markdown."""
        return tables(self.summary)


@dataclass(frozen=True)
class TransferFigures:
    """A chart per target that was learned from."""

    targets: tuple[Figure, ...]

    def everything(self) -> list[Figure]:
        return list(self.targets)


def gather_transfer() -> TransferEvidence:
    """Read it all. InputError for an artifact that is missing, incomplete, or made from another dataset version."""
    return TransferEvidence(read_run(STAGE), json.loads(artifact_text(STAGE, "transfer.json")))


def make_transfer_figures(evidence: TransferEvidence) -> TransferFigures:
    """Draw the section's pictures."""
    figures = []
    for name, cells in _learned(evidence.cells).items():
        title, best = target_title(name, cells[0].real), max(cells, key=lambda cell: cell.ap or 0)
        figures.append(
            chart_figure(
                chart(cells), f"transfer_{name}", f"Transfer to {title}",
                f"{title}: average precision on {cells[0].screens} screens that were not learned from, over the number that were. Bars reach from the lowest to the highest "
                f"draw; the band holds 95 % of the trained detector's figure on resampled screens.",
                f"Line chart of {len({cell.start for cell in cells})} starts; the best figure is {best.ap:.3f}, {start_title(best.start)} with {best.shots} screens.",
            )
        )  # fmt: skip
    return TransferFigures(tuple(figures))


def write_figures(summary: dict[str, Any], folder: Path) -> dict[str, str]:
    """figures/transfer_<target>.{svg,png}; title -> file."""
    (folder / "figures").mkdir(exist_ok=True)
    images = {}
    for name, cells in _learned([Cell(**cell) for cell in summary["cells"]]).items():
        drawn = chart(cells)
        (folder / f"figures/transfer_{name}.svg").write_text(drawn.light_svg, encoding="utf-8")
        (folder / f"figures/transfer_{name}.png").write_bytes(drawn.png)
        images[f"transfer to {target_title(name, cells[0].real)}"] = f"figures/transfer_{name}.png"
    return images


def _learned(cells: Sequence[Cell]) -> dict[str, list[Cell]]:
    """What was measured on each target from whose screens something was learned."""
    found: dict[str, list[Cell]] = {}
    for cell in cells:
        if cell.ap is not None:
            found.setdefault(cell.target, []).append(cell)
    return {name: own for name, own in found.items() if any(cell.shots for cell in own)}


def chart(cells: Sequence[Cell]) -> Chart:
    """AP over the number of screens, of one target."""
    return render(_draw(cells), width=5.2, height=3.4)


def _draw(cells: Sequence[Cell]) -> Draw:
    shots = sorted({cell.shots for cell in cells} | {0})
    starts = list(dict.fromkeys(cell.start for cell in cells))

    def draw(ax: Axes, palette: Palette) -> None:
        colors = (*palette.series, palette.ink)
        for number, start in enumerate(starts):
            own = sorted((cell for cell in cells if cell.start == start), key=lambda cell: cell.shots)
            # Side by side, so that bars of about the same height can be told apart.
            at = [shots.index(cell.shots) + 0.06 * (number - (len(starts) - 1) / 2) for cell in own]
            values = [cell.ap or 0.0 for cell in own]
            reach = [
                [v - (c.lowest or 0.0) for v, c in zip(values, own, strict=True)],
                [(c.highest or 0.0) - v for v, c in zip(values, own, strict=True)],
            ]
            color, style = colors[number % len(colors)], "-" if number == 0 else "--"
            ax.errorbar(
                at, values, yerr=reach, color=color, marker=_MARKERS[number % len(_MARKERS)], linestyle=style, linewidth=2 if number == 0 else 1.3,
                markersize=5, capsize=2.5, label=start_title(start),
            )  # fmt: skip
            if number == 0:
                ax.fill_between(at, [cell.low or 0.0 for cell in own], [cell.high or 0.0 for cell in own], color=color, alpha=0.13, linewidth=0)
        ax.set_xticks(range(len(shots)), [str(n) if n else "0\n(zero-shot)" for n in shots])
        ax.set(
            title=f"Transfer to {target_title(cells[0].target, cells[0].real)}",
            xlabel=f"{'real' if cells[0].real else 'unseen-kit'} screens learned from", ylabel="AP",
        )  # fmt: skip
        top = ax.get_ylim()[1]
        ax.set_ylim(-0.03 * top, top)  # what is 0 is to be seen, too
        ax.legend(frameon=False, labelcolor=palette.ink, fontsize=7.5)

    return draw


def markdown(summary: dict[str, Any]) -> str:
    """transfer.md: the tables, with the pictures beside it."""
    pictures = "\n\n".join(
        f"![AP over the number of screens: {target_title(name, cells[0].real)}](figures/transfer_{name}.svg)"
        for name, cells in _learned([Cell(**cell) for cell in summary["cells"]]).items()
    )
    return f"# Transfer\n\n{tables(summary)}\n{pictures}\n"


def tables(summary: dict[str, Any]) -> str:
    """Targets beside what was measured, every cell, and the compute behind them."""
    lines = ["| goal | target | measured | on |", "|---|---:|---:|---|"]
    lines += [f"| {row['goal']} | above {row['target']:.2f} | {_value(row['measured'], 'not measured')} | {row['on']} |" for row in summary["goals"]]
    lines += ["", compute_words(summary["compute"]), ""]
    lines += ["| target | start | screens learned from | AP | interval (95 %) | draws: lowest to highest | AP50 | class-agnostic AP | scored on |"]
    lines += ["|---|---|---:|---:|---:|---:|---:|---:|---:|"]
    test = summary["test"]
    lines.append(
        f"| test split | {start_title('detector')} | 0 | {_value(test['AP'])} | {_value(test['AP_low'])} – {_value(test['AP_high'])} | | {_value(test['AP50'])} "
        f"| {_value(test['AP_agnostic'])} | {test['screens']:.0f} screens |"
    )
    for one in summary["cells"]:
        cell = Cell(**one)
        at = f"| {target_title(cell.target, cell.real)} | {start_title(cell.start)} | {cell.shots} |"
        if cell.ap is None:
            lines.append(f"{at} {cell.remark} | | | | | |")
            continue
        spread = f"{_value(cell.lowest)} – {_value(cell.highest)} ({cell.draws})" if cell.shots else ""
        lines.append(
            f"{at} {_value(cell.ap)} | {_value(cell.low)} – {_value(cell.high)} | {spread} | {_value(cell.ap50)} | {_value(cell.ap_agnostic)} "
            f"| {cell.screens} screens |"
        )
    return "\n".join(lines) + "\n"


def compute_words(compute: dict[str, Any]) -> str:
    """The compute behind the figures, in a sentence or two."""
    steps = f"{compute['trained_steps']:,.0f} steps" if compute["trained_steps"] is not None else "an unknown number of steps"
    height, width = compute["image_size"]
    return (
        f"Detector: {compute['encoder']}, {compute['parameters']:,} parameters, {height} x {width} pixels, trained for {steps} in "
        f"{compute['trained_seconds']:,.0f} s on a host with {compute['host']['cpus']} cores{''.join(', ' + gpu for gpu in compute['host'].get('gpus') or [])}. "
        f"Tuning: {compute['tunings']} runs of {compute['steps_each']} steps, {compute['tuning_seconds']:,.0f} s in all, on the {compute['device'].upper()}."
    )


def _value(value: float | None, absent: str = "–") -> str:
    return absent if value is None else "<0.001" if 0 < value < 0.001 else f"{value:.3f}"
