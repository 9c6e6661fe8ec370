"""How well commands are grounded: pure figures on answers that have been read already, with what is known about their uncertainty.

Coordinates are 0 to 1000 of the screen's width and height, each axis by itself, as in the answers of Qwen3-VL. Whatever could not be read as a place on
the screen is a wrong answer: it counts in every figure, as a miss and at the distance of the farthest corner from the target, and is reported as such.

Click accuracy: an answer within 14 % of the screen of the target's centre, by which FingerTip-20k's results are given. In-box accuracy: as ScreenSpot counts
(Cheng et al., 2024, arXiv:2401.10935), the box's border belongs to it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.bootstrap import mean_interval
from training.grounding.answers import Answer, Place
from training.grounding.coordinates import SCALE, BoxXyxy, Point, centre

CLICK_RADIUS = 140.0
# COCO's bounds between small, medium and large, in square pixels of the full-size screen.
SMALL_PX2, MEDIUM_PX2 = 32**2, 96**2

# The users' commands, all of them and those that only habits make clear; and what people call the models.
USERS, AMBIGUOUS = "users", "users_ambiguous"
MODELS = {
    "centre": "always the centre", "random_element": "a random visible element", "vanilla": "vanilla", "global": "global",
    "global_zoom": "global, two-pass zoom", "personal": "personalised",
}  # fmt: skip

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """One command and where it points. `bbox_norm1000` is (x1, y1, x2, y2) in 0..1000, `polygon_norm1000` the exact shape where that is no box.

    `screen` names the image, which several cases may share; `width` and `height` are its pixels. `user` is whose command it is, None without users;
    `kind` is what tells the element from all others (`ambiguous` for commands that only their user's habits make clear; `guessable` is then the chance of the
    best guess without knowing the user, else None).
    """

    id: str
    screen: str
    instruction: str
    bbox_norm1000: BoxXyxy
    width: int
    height: int
    platform: str
    element_class: str
    kit: str = ""
    family: str = ""
    kind: str = ""
    user: int | None = None
    guessable: float | None = None
    polygon_norm1000: tuple[Point, ...] | None = None

    @property
    def center(self) -> Point:
        return centre(self.bbox_norm1000)

    @property
    def size(self) -> str:
        """COCO's name for the target's area on the full-size screen."""
        x1, y1, x2, y2 = self.bbox_norm1000
        area = (x2 - x1) * self.width / SCALE * (y2 - y1) * self.height / SCALE
        return "small" if area < SMALL_PX2 else "medium" if area < MEDIUM_PX2 else "large"

    def holds(self, point: Point) -> bool:
        """Whether a point lies on the target; its border belongs to it."""
        if self.polygon_norm1000 is not None:
            return _in_polygon(point, self.polygon_norm1000)
        x1, y1, x2, y2 = self.bbox_norm1000
        return x1 <= point[0] <= x2 and y1 <= point[1] <= y2


@dataclass(frozen=True)
class Scores:
    """One value per case, in the cases' order, each array float [N].

    `parsed`, `click`, `in_box` are 0 or 1 (for a baseline that draws by lot: what it reaches on average); `distance` is L2 in 0..1000; `iou` of the answered
    box with the target's, 0 where the answer holds none.
    """

    parsed: Floats
    click: Floats
    in_box: Floats
    distance: Floats
    iou: Floats

    def __len__(self) -> int:
        return len(self.parsed)

    def __getitem__(self, chosen: NDArray[np.bool_] | Sequence[int]) -> "Scores":
        index = np.asarray(chosen)
        return Scores(self.parsed[index], self.click[index], self.in_box[index], self.distance[index], self.iou[index])


@dataclass(frozen=True)
class Estimate:
    """A mean with its bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """One model against another on the same cases: the mean of theirs minus ours, with its interval; cases where one is right and the other is not; and
    how likely so large a difference is if the two were equally good."""

    difference: Estimate
    better: int
    worse: int
    p_value: float


@dataclass(frozen=True)
class GroupScore:
    """Scores of the cases that have one value (`group`) of a property (`by`)."""

    by: str
    group: str
    cases: int
    unparsed: int
    click: Estimate
    in_box: Estimate
    mean_distance: float


GROUPINGS: dict[str, Callable[[Case], str]] = {
    "user": lambda case: "" if case.user is None else f"user {case.user}",
    "platform": lambda case: case.platform,
    "kit": lambda case: case.kit,
    "class": lambda case: case.element_class,
    "size": lambda case: case.size,
    "kind": lambda case: case.kind,
}


def score(cases: Sequence[Case], answers: Sequence[Answer]) -> Scores:
    """Judge each answer by its case. ValueError unless there is one answer for each case."""
    if len(cases) != len(answers):
        raise ValueError(f"{len(answers)} answers for {len(cases)} cases")
    parsed, click, in_box, distance, iou = (np.zeros(len(cases)) for _ in range(5))
    for i, (case, answer) in enumerate(zip(cases, answers, strict=True)):
        if answer.point is None:
            distance[i] = _farthest(case.center)
            continue
        parsed[i] = 1.0
        distance[i] = float(np.hypot(answer.point[0] - case.center[0], answer.point[1] - case.center[1]))
        click[i] = distance[i] <= CLICK_RADIUS
        in_box[i] = case.holds(answer.point)
        iou[i] = 0.0 if answer.box is None else box_iou(answer.box, case.bbox_norm1000)
    return Scores(parsed, click, in_box, distance, iou)


def center_answers(cases: Sequence[Case]) -> list[Answer]:
    """The baseline that has seen nothing: the middle of the screen, whatever is asked."""
    return [_pointing((SCALE / 2, SCALE / 2)) for _ in cases]


def random_element_scores(cases: Sequence[Case], elements: Mapping[str, Sequence[BoxXyxy]]) -> Scores:
    """What clicking the centre of an element drawn by lot reaches on average. `elements` are the boxes (0..1000) of each screen's visible elements.

    ValueError for a screen without elements.
    """
    columns: list[list[float]] = []
    for case in cases:
        boxes = elements[case.screen]
        if not boxes:
            raise ValueError(f"screen {case.screen} has no element to choose from")
        drawn = score([case] * len(boxes), [_pointing(centre(box), box) for box in boxes])
        columns.append([float(values.mean()) for values in (drawn.parsed, drawn.click, drawn.in_box, drawn.distance, drawn.iou)])
    parsed, click, in_box, distance, iou = np.array(columns, dtype=float).reshape(-1, 5).T
    return Scores(parsed, click, in_box, distance, iou)


def summary(cases: Sequence[Case], scores: Scores) -> dict[str, float]:
    """The flat figures of one model: micro over all cases; macro, the mean of the users' means, where every case has a user."""
    if not cases or len(cases) != len(scores):
        raise ValueError(f"{len(scores)} scores for {len(cases)} cases")
    figures = {
        "cases": float(len(cases)),
        "unparsed": float(len(cases) - scores.parsed.sum()),
        "click_accuracy": float(scores.click.mean()),
        "in_box_accuracy": float(scores.in_box.mean()),
        "mean_distance": float(scores.distance.mean()),
        "median_distance": float(np.median(scores.distance)),
        "mean_iou": float(scores.iou.mean()),
    }
    if all(case.user is not None for case in cases):
        users = [case.user for case in cases]
        figures |= {
            "users": float(len(set(users))),
            "macro_click_accuracy": macro(scores.click, users),
            "macro_in_box_accuracy": macro(scores.in_box, users),
        }
    return figures


def macro(values: Floats, groups: Sequence[object]) -> float:
    """The mean of the groups' means: a user with few commands counts as much as one with many."""
    return float(np.mean([values[[other == group for other in groups]].mean() for group in dict.fromkeys(groups)]))


def group_scores(cases: Sequence[Case], scores: Scores, resamples: int, seed: int) -> list[GroupScore]:
    """Scores by user, platform, kit, class, size and kind, the largest group first; what a case lacks is no group of its own."""
    found = []
    for by, of in GROUPINGS.items():
        names = np.array([of(case) for case in cases])
        groups = []
        for name in sorted(set(names) - {""}):
            chosen = names == name
            part, clusters = scores[chosen], [case.screen for case, there in zip(cases, chosen, strict=True) if there]
            click, in_box = (bootstrap(values, clusters, resamples, seed) for values in (part.click, part.in_box))
            unparsed = int(len(part) - part.parsed.sum())
            groups.append(GroupScore(by, str(name), len(part), unparsed, click, in_box, float(part.distance.mean())))
        found += sorted(groups, key=lambda group: -group.cases)
    return found


def bootstrap(values: Floats, clusters: Sequence[str], resamples: int, seed: int) -> Estimate:
    """The mean and its interval over whole clusters (screens). ValueError if there are none, or not one cluster for each value."""
    return Estimate(*mean_interval(values, clusters, resamples, seed))


def compare(before: Floats, after: Floats, clusters: Sequence[str], resamples: int, seed: int) -> Comparison:
    """`after` against `before`, case by case. The p-value is of a permutation test that swaps the two on whole screens (two-sided)."""
    if len(before) != len(after):
        raise ValueError(f"{len(before)} values against {len(after)}: not the same cases")
    difference = after - before
    sums = _by_cluster(difference, clusters)
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(resamples, len(sums)))
    # A hair of tolerance: sums that are equal but for rounding are as extreme.
    extreme = int((np.abs(signs @ sums) >= abs(sums.sum()) - 1e-9).sum())
    return Comparison(
        bootstrap(difference, clusters, resamples, seed), int((difference > 0).sum()), int((difference < 0).sum()), (extreme + 1) / (resamples + 1)
    )


def box_iou(a: BoxXyxy, b: BoxXyxy) -> float:
    """Intersection over union; 0 for a box without area."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    areas = [max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1]) for box in (a, b)]
    common = max(0.0, width) * max(0.0, height)
    return common / (sum(areas) - common) if min(areas) > 0 else 0.0


def _pointing(point: Point, box: BoxXyxy | None = None) -> Answer:
    """An answer that nobody had to write down."""
    return Answer("", "point" if box is None else "four_values", (Place(point, box),))


def _by_cluster(values: Floats, clusters: Sequence[str]) -> Floats:
    """Sum of the values in each cluster."""
    if len(values) != len(clusters):
        raise ValueError(f"{len(values)} values in {len(clusters)} clusters")
    if not clusters:
        raise ValueError("no values, no figure")
    _, index = np.unique(np.array(clusters), return_inverse=True)
    return np.bincount(index, weights=values).astype(float)


def _farthest(center: Point) -> float:
    """The distance of the farthest corner: the worst answer there is."""
    return float(np.hypot(max(center[0], SCALE - center[0]), max(center[1], SCALE - center[1])))


def _in_polygon(point: Point, corners: Sequence[Point]) -> bool:
    """By the even-odd rule; a point on an edge lies inside."""
    x, y = point
    inside = False
    for (x1, y1), (x2, y2) in zip(corners, (*corners[1:], corners[0]), strict=True):
        on_line = abs((x2 - x1) * (y - y1) - (y2 - y1) * (x - x1)) < 1e-9
        if on_line and min(x1, x2) <= x <= max(x1, x2) and min(y1, y2) <= y <= max(y1, y2):
            return True
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) * (x2 - x1) / (y2 - y1):
            inside = not inside
    return inside
