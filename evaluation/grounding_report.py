"""The report's section on grounding: what it tells, and its pictures. Every figure comes from artifacts/eval_grounding."""

import csv
import json
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from PIL import Image

from contracts.stage import artifact, artifact_text, missing_file, read_run
from evaluation.charts import render
from evaluation.grounding import AMBIGUOUS, MODELS, USERS
from evaluation.grounding_pictures import model_scores, user_gain
from evaluation.report_figure import Figure, chart_figure, picture_figure

STAGE = "eval_grounding"
_SETS = {
    "test": "Test split", "test_unseen": "Kits that no model has met", USERS: "Test users, all commands", AMBIGUOUS: "Test users, ambiguous commands",
}  # fmt: skip
_GROUPS_SHOWN = ("platform", "size", "kind", "class", "kit", "user")


@dataclass(frozen=True)
class ScoreRow:
    """One line of scores.csv: a model on a set. `macro_in_box` is None where the cases have no users, `guessable` where no habit decides."""

    set: str
    model: str
    cases: int
    unparsed: int
    in_box: float
    in_box_low: float
    in_box_high: float
    click: float
    mean_distance: float
    median_distance: float
    mean_iou: float
    macro_in_box: float | None
    guessable: float | None

    @property
    def set_title(self) -> str:
        return _SETS.get(self.set, self.set)

    @property
    def model_title(self) -> str:
        return MODELS[self.model]


@dataclass(frozen=True)
class GroupRow:
    """One line of per_group.csv."""

    set: str
    model: str
    by: str
    group: str
    cases: int
    unparsed: int
    in_box: float
    in_box_low: float
    in_box_high: float
    click: float
    mean_distance: float


@dataclass(frozen=True)
class ComparisonRow:
    """One line of comparisons.csv: in-box accuracy of `after` less that of `before`, on the same commands."""

    set: str
    before: str
    after: str
    difference: float
    low: float
    high: float
    better: int
    worse: int
    p_value: float

    @property
    def title(self) -> str:
        return f"{MODELS[self.after]} against {MODELS[self.before]}"

    @property
    def set_title(self) -> str:
        return _SETS.get(self.set, self.set)


@dataclass(frozen=True)
class GroundingEvidence:
    """What eval_grounding found. `overlays` are entries of its overlays.json."""

    run: dict[str, Any]
    scores: tuple[ScoreRow, ...]
    groups: tuple[GroupRow, ...]
    comparisons: tuple[ComparisonRow, ...]
    overlays: tuple[dict[str, Any], ...]

    @property
    def sets(self) -> list[str]:
        return list(dict.fromkeys(row.set for row in self.scores))

    def of(self, name: str) -> list[ScoreRow]:
        """The models on one set, in the order of MODELS."""
        return sorted((row for row in self.scores if row.set == name), key=lambda row: list(MODELS).index(row.model))

    def score(self, name: str, model: str) -> ScoreRow | None:
        return next((row for row in self.scores if (row.set, row.model) == (name, model)), None)

    def groups_of(self, name: str, model: str) -> list[GroupRow]:
        """One model's groups on one set, property by property."""
        rows = [row for row in self.groups if (row.set, row.model) == (name, model)]
        return sorted(rows, key=lambda row: (_GROUPS_SHOWN.index(row.by), -row.cases))

    def comparison(self, name: str, before: str, after: str) -> ComparisonRow | None:
        return next((row for row in self.comparisons if (row.set, row.before, row.after) == (name, before, after)), None)


@dataclass(frozen=True)
class GroundingFigures:
    """The section's pictures; `gain` is None without users."""

    models: dict[str, Figure]
    gain: Figure | None
    overlays: tuple[Figure, ...]

    def everything(self) -> list[Figure]:
        return [*self.models.values(), *([self.gain] if self.gain else []), *self.overlays]


def gather_grounding() -> GroundingEvidence:
    """Read it all. InputError for an artifact that is missing, incomplete, or made from another dataset version."""
    return GroundingEvidence(
        run=read_run(STAGE), scores=_rows("scores.csv", ScoreRow), groups=_rows("per_group.csv", GroupRow), comparisons=_rows("comparisons.csv", ComparisonRow),
        overlays=tuple(json.loads(artifact_text(STAGE, "overlays.json"))),
    )  # fmt: skip


def make_grounding_figures(evidence: GroundingEvidence) -> GroundingFigures:
    """Draw the section's pictures. InputError for an overlay that is missing."""
    models = {}
    for name in evidence.sets:
        rows = evidence.of(name)
        title = rows[0].set_title
        best, chance = max(rows, key=lambda row: row.in_box), rows[0].guessable
        guess = "" if chance is None else f" The line, {chance:.3f}: who knows all habits, but not whose they are."
        models[name] = chart_figure(
            render(model_scores([(row.model_title, row.in_box, row.in_box_low, row.in_box_high) for row in rows], title, chance), height=(0.9 if chance is None else 1.1) + 0.28 * len(rows)),
            f"grounding_{name}", f"{title}: in-box accuracy",
            f"{title}, {rows[0].cases:,} commands. Share of clicks in the right element, with the interval of a bootstrap over screens.{guess}",
            f"Dots with intervals for {len(rows)} models; the best is {best.model_title} with {best.in_box:.3f}.{guess}",
        )  # fmt: skip
    return GroundingFigures(models, _gain(evidence), tuple(_overlay(overlay) for overlay in evidence.overlays))


def _gain(evidence: GroundingEvidence) -> Figure | None:
    """By ambiguous commands where there are any: those are what personalisation is for."""
    name = AMBIGUOUS if evidence.score(AMBIGUOUS, "personal") else USERS
    before, after = ({row.group: row for row in evidence.groups_of(name, model) if row.by == "user"} for model in ("global", "personal"))
    if not after:
        return None
    users = [(user, before[user].in_box, row.in_box, row.cases) for user, row in after.items()]
    better = sum(own > shared for _, shared, own, _ in users)
    return chart_figure(
        render(user_gain(users), height=max(1.9, 1.0 + 0.26 * len(users))), "grounding_gain", "What personal models gain",
        f"{_SETS[name]}: the global model and each user's own, on commands that neither has learned from. {better} of {len(users)} users gain.",
        f"For each of {len(users)} users the in-box accuracy of the global and of the personal model; {better} gain.",
    )  # fmt: skip


def _overlay(overlay: dict[str, Any]) -> Figure:
    path = artifact(STAGE) / "figures" / overlay["file"]
    if not path.is_file():
        raise missing_file(STAGE, f"figures/{overlay['file']}")
    verdict = {"hit": "hit", "miss": f"miss, {overlay['distance']:.0f} of 1000 away", "unread": "no place could be read"}[overlay["verdict"]]
    return picture_figure(
        Image.open(path), f"grounding_{path.stem}", f"Answer to “{overlay['instruction']}”",
        f"“{overlay['instruction']}”: {verdict}.", f"Screen with the target framed in green and the answer marked: {verdict}.",
    )  # fmt: skip


Row = TypeVar("Row", ScoreRow, GroupRow, ComparisonRow)


def _rows(file: str, kind: type[Row]) -> tuple[Row, ...]:
    """The lines of a CSV file, as far as `kind` has fields for its columns; an empty cell is None."""
    found = []
    for line in csv.DictReader(artifact_text(STAGE, file).splitlines()):
        values: dict[str, Any] = {}
        for field in fields(kind):
            cell = line[field.name]
            values[field.name] = cell if field.type is str else None if cell == "" else (int(cell) if field.type is int else float(cell))
        found.append(kind(**values))
    return tuple(found)
