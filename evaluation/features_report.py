"""The report's section on features: what it tells, and its pictures. Every figure comes from artifacts/eval_probes, the curves from pretrain_hjepa."""

import csv
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from PIL import Image

from contracts.errors import InputError
from contracts.stage import artifact, artifact_text, missing_file, read_run
from evaluation.charts import Draw, Palette, render
from evaluation.family_map import Place, commonest_families, family_map
from evaluation.report_figure import Figure, chart_figure, picture_figure

STAGE = "eval_probes"
_SOURCES = {"pretrain_mae": "Masked autoencoder", "pretrain_hjepa": "H-JEPA"}
_LABELS = {
    "element_class": "Element class", "kit": "UI kit", "family": "Page family", "platform": "Platform", "segmentation": "Segmentation",
}  # fmt: skip
_PROTOCOLS = {
    "linear": "linear probe", "knn": "nearest neighbours", "attentive": "attentive probe", "miou": "linear, mean IoU", "fine_tuned": "fine-tuned",
}  # fmt: skip


@dataclass(frozen=True)
class Figure95:
    """One line of probes.csv: a figure with what is needed to believe it. `balanced` is the mean over classes, None where there is none."""

    source: str
    level: str
    label: str
    protocol: str
    split: str
    value: float
    low: float
    high: float
    chance: float
    samples: int
    balanced: float | None
    balanced_chance: float | None
    classes: int
    left_out: int
    best_level: bool

    @property
    def above_chance(self) -> bool:
        """Whether the whole interval lies above what a guess reaches."""
        return self.low > self.chance


@dataclass(frozen=True)
class Source:
    """One line of sources.json."""

    name: str
    model: str
    levels: tuple[str, ...]
    quality: dict[str, dict[str, float]]
    cka: tuple[tuple[float, ...], ...]
    notes: tuple[str, ...]

    @property
    def architecture(self) -> str:
        bare = self.name.removeprefix("random_")
        return _SOURCES.get(bare, bare)

    @property
    def title(self) -> str:
        return self.architecture + (", random weights" if self.random else "")

    @property
    def random(self) -> bool:
        return self.name.startswith("random_")


@dataclass(frozen=True)
class FeatureEvidence:
    """What eval_probes found; `curves` are the H-JEPA run's losses and ranks by name of the column: (step, value)."""

    run: dict[str, Any]
    sources: tuple[Source, ...]
    figures: tuple[Figure95, ...]
    places: tuple[Place, ...]
    pictures: tuple[dict[str, str], ...]
    curves: dict[str, tuple[tuple[float, float], ...]]

    @property
    def rows(self) -> list[tuple[str, str, dict[str, Figure95]]]:
        """Test figures at the level that the validation split chose: (label, protocol, by source), in the order in which they were measured."""
        rows: dict[tuple[str, str], dict[str, Figure95]] = {}
        for f in self.figures:
            if f.split == "test" and f.best_level:
                rows.setdefault((f.label, f.protocol), {})[f.source] = f
        return [(_LABELS.get(label, label), _protocol(protocol), by_source) for (label, protocol), by_source in rows.items()]

    @property
    def unseen(self) -> dict[str, Figure95]:
        """The linear probe of element classes on kits that stand in no other split, by source."""
        wanted = ("element_class", "linear", "test_unseen")
        return {f.source: f for f in self.figures if (f.label, f.protocol, f.split) == wanted and f.best_level}

    @property
    def notes(self) -> list[str]:
        """What could not be measured, and why, each said once."""
        return list(dict.fromkeys(note for source in self.sources for note in source.notes))

    def linear(self, source: str) -> Figure95 | None:
        """The linear probe of element classes on the test split."""
        wanted = (source, "element_class", "linear", "test")
        return next((f for f in self.figures if (f.source, f.label, f.protocol, f.split) == wanted and f.best_level), None)


@dataclass(frozen=True)
class FeatureFigures:
    """The section's pictures. `maps` and `pictures` go by source; `curves` is empty where pretrain_hjepa logged none."""

    probes: Figure
    curves: tuple[Figure, ...]
    maps: tuple[Figure, ...]
    components: tuple[Figure, ...]
    neighbours: tuple[Figure, ...]
    baseline_neighbours: tuple[Figure, ...]

    def everything(self) -> list[Figure]:
        return [self.probes, *self.curves, *self.maps, *self.components, *self.neighbours, *self.baseline_neighbours]


def gather_features() -> FeatureEvidence:
    """Read it all. InputError for an artifact that is missing, incomplete, or made from another dataset version."""
    run = read_run(STAGE)
    curves = _curves() if "pretrain_hjepa" in run["knobs"]["encoders"] else {}
    return FeatureEvidence(
        run=run,
        sources=tuple(
            Source(s["name"], s["model"], tuple(s["levels"]), s["quality"], tuple(map(tuple, s["cka"])), tuple(s["notes"]))
            for s in json.loads(artifact_text(STAGE, "sources.json"))
        ),
        figures=tuple(_figure(row) for row in _table("probes.csv")),
        places=tuple(
            Place(row["source"], row["level"], row["split"], row["family"], float(row["x"]), float(row["y"])) for row in _table("screen_map.csv")
        ),
        pictures=tuple(json.loads(artifact_text(STAGE, "pictures.json"))),
        curves=curves,
    )


def make_feature_figures(evidence: FeatureEvidence) -> FeatureFigures:
    """Draw the section's pictures. InputError for a picture that is missing."""
    pretrained = {source.name for source in evidence.sources if not source.random}
    by_kind = {kind: [p for p in evidence.pictures if p["kind"] == kind] for kind in ("pca", "screens", "elements")}
    neighbours = by_kind["screens"] + by_kind["elements"]
    return FeatureFigures(
        probes=_probes(evidence), curves=_curve_figures(evidence),
        maps=tuple(_map(evidence, source) for source in evidence.sources if not source.random),
        components=tuple(_picture(p) for p in by_kind["pca"]),
        neighbours=tuple(_picture(p) for p in neighbours if p["source"] in pretrained),
        baseline_neighbours=tuple(_picture(p) for p in neighbours if p["source"] not in pretrained),
    )  # fmt: skip


def _protocol(name: str) -> str:
    shots = re.fullmatch(r"few_shot_(\d+)", name)
    return f"{shots[1]}-shot prototypes" if shots else _PROTOCOLS.get(name, name)


# --- charts


def _probes(evidence: FeatureEvidence) -> Figure:
    names = [label for label in _LABELS if any(f.label == label for f in evidence.figures)]
    wanted = {label: "miou" if label == "segmentation" else "linear" for label in names}
    rows = [
        (_LABELS[label], {f.source: f for f in evidence.figures if (f.label, f.protocol, f.split) == (label, wanted[label], "test") and f.best_level})
        for label in names
    ]
    rows = [(title, found) for title, found in rows if found]
    said = "; ".join(
        f"{title}: " + ", ".join(f"{source.title} {found[source.name].value:.3f}" for source in evidence.sources if source.name in found)
        for title, found in rows
    )
    return chart_figure(
        render(probe_scores(rows, evidence.sources), width=5.0, height=1.3 + 0.16 * sum(len(found) + 1 for _, found in rows)), "probes", "Linear probes of frozen features",
        "Linear probes on the test split (segmentation: mean IoU). Filled: pretrained; hollow: the same architecture with random weights. Bars are 95 % intervals, "
        "dashes what a guess reaches.",
        f"Dots with intervals. {said}.",
    )  # fmt: skip


def probe_scores(rows: Sequence[tuple[str, Mapping[str, Figure95]]], sources: Sequence[Source]) -> Draw:
    """Dots with intervals, grouped by label, one colour per architecture; chance as a dashed line through each group."""
    architectures = list(dict.fromkeys(source.name.removeprefix("random_") for source in sources))

    def draw(ax: Axes, palette: Palette) -> None:
        y, ticks = 0.0, []
        for _, found in rows:
            shown = [source for source in sources if source.name in found]
            places = [y + n for n in range(len(shown))]
            for place, source in zip(places, shown, strict=True):
                f, colour = found[source.name], palette.series[architectures.index(source.name.removeprefix("random_")) % len(palette.series)]
                ax.plot([f.low, f.high], [place, place], color=colour, linewidth=1.6, alpha=0.65, solid_capstyle="butt")
                ax.plot(f.value, place, "o", markersize=5.5, markeredgecolor=colour, markerfacecolor=palette.paper if source.random else colour)
            chance = next(iter(found.values())).chance
            ax.plot([chance, chance], [places[0] - 0.5, places[-1] + 0.5], color=palette.ink, linewidth=1.2, linestyle=(0, (3, 2)))
            ticks.append(sum(places) / len(places))
            y = places[-1] + 2
        for source in sources:
            colour = palette.series[architectures.index(source.name.removeprefix("random_")) % len(palette.series)]
            ax.plot([], [], "o", color=colour, markerfacecolor=palette.paper if source.random else colour, markersize=5.5, label=source.title)
        ax.set(yticks=ticks, yticklabels=[title for title, _ in rows], xlim=(0, 1), ylim=(y - 1, -1), xlabel="accuracy (segmentation: mean IoU)")
        ax.grid(visible=False, axis="y")
        ax.legend(
            frameon=False,
            labelcolor=palette.ink,
            fontsize=7.5,
            loc="upper center",
            bbox_to_anchor=(0.5, 1.0 + 0.6 / ax.figure.get_figheight()),
            ncols=2,
        )

    return draw


def _curve_figures(evidence: FeatureEvidence) -> tuple[Figure, ...]:
    figures = []
    for kind, name, what, unit in (
        ("loss_level", "hjepa_losses", "H-JEPA: loss of each level", "loss"),
        ("effective_rank_level", "hjepa_ranks", "H-JEPA: effective rank while training", "effective rank"),
    ):
        lines = {
            f"level {match[1]}": points for column, points in evidence.curves.items() if (match := re.fullmatch(rf"(?:watch_)?{kind}_(\d+)", column))
        }
        if lines:
            ends = "; ".join(f"{title}: from {points[0][1]:.3g} to {points[-1][1]:.3g}" for title, points in lines.items())
            figures.append(
                chart_figure(render(level_curves(lines, what, unit)), name, what, f"{what}, over optimizer steps. {ends}.", f"Line chart. {ends}.")
            )
    return tuple(figures)


def level_curves(lines: Mapping[str, Sequence[tuple[float, float]]], title: str, unit: str) -> Draw:
    """One line per level over optimizer steps."""

    def draw(ax: Axes, palette: Palette) -> None:
        for n, (name, points) in enumerate(lines.items()):
            steps, values = zip(*points, strict=True)
            ax.plot(
                steps,
                values,
                ("-", "--", ":")[n // len(palette.series) % 3],
                color=palette.series[n % len(palette.series)],
                linewidth=1.8,
                label=name,
            )
        ax.set(title=title, xlabel="optimizer step", ylabel=unit)
        ax.set_ylim(bottom=0)
        ax.legend(frameon=False, labelcolor=palette.ink, fontsize=8)

    return draw


def _map(evidence: FeatureEvidence, source: Source) -> Figure:
    places = [place for place in evidence.places if place.source == source.name]
    shown = commonest_families(places)
    return chart_figure(
        render(family_map(places, shown, source.title), width=5.2, height=3.7), f"map_{source.name}", f"Map of all screens: {source.title}",
        f"{source.title}, {places[0].level}: {len(places):,} screens of all splits by t-SNE, coloured by page family, the {len(shown)} most frequent of "
        f"{len({place.family for place in places})}. Only what is near is meant; distances between groups say little.",
        f"Scatter plot of {len(places):,} screens, coloured by page family.",
    )  # fmt: skip


def _picture(picture: dict[str, str]) -> Figure:
    path = artifact(STAGE) / "figures" / f"{picture['name']}.png"
    if not path.is_file():
        raise missing_file(STAGE, f"figures/{picture['name']}.png")
    with Image.open(path) as image:
        return picture_figure(image, picture["name"], picture["title"], picture["caption"], f"{picture['title']}. {picture['caption']}")


# --- reading


def _figure(row: Mapping[str, str]) -> Figure95:
    def number(name: str) -> float | None:
        return float(row[name]) if row[name] else None

    return Figure95(
        **{name: row[name] for name in ("source", "level", "label", "protocol", "split")},
        **{name: float(row[name]) for name in ("value", "low", "high", "chance")},
        **{name: int(row[name]) for name in ("samples", "classes", "left_out")},
        balanced=number("balanced"), balanced_chance=number("balanced_chance"), best_level=row["best_level"] == "True",
    )  # fmt: skip


def _curves() -> dict[str, tuple[tuple[float, float], ...]]:
    path = artifact("pretrain_hjepa") / "curves.csv"
    if not path.is_file():
        raise InputError("is missing from this artifact.", file=path, fix="Run `dvc repro --force --single-item pretrain_hjepa` to make it again.")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = rows[0].keys() - {"step", "epoch"} if rows else set()
    return {column: found for column in sorted(columns) if (found := tuple((float(row["step"]), float(row[column])) for row in rows if row[column]))}


def _table(file: str) -> list[dict[str, str]]:
    rows = list(csv.DictReader(artifact_text(STAGE, file).splitlines()))
    if not rows:
        raise InputError("is empty.", file=artifact(STAGE) / file, fix=f"Run `dvc repro --force --single-item {STAGE}`.")
    return rows
