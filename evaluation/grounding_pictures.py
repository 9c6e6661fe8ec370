"""Commands and answers drawn on screens, and the charts of the grounding section. Pictures for people: nothing here is measured."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from PIL import Image, ImageDraw

from evaluation.charts import Draw, Palette
from evaluation.drawing import font
from evaluation.grounding import Case, Scores
from evaluation.screens import spread
from training.grounding.answers import Answer
from training.grounding.coordinates import SCALE, BoxXyxy, Point

# Small screens are enlarged until their longer side has about this many pixels, so that marks and words are small beside what they mark.
_READABLE_PX = 640
_LINE_PX, _GAP_PX = 15, 6
# Blue, orange and green of the charts: told apart with any kind of colour vision; the marks differ in shape, too.
_TRUTH, _HIT, _MISS = (61, 128, 86), (36, 99, 180), (194, 87, 26)
_PAPER, _INK, _SOFT = (255, 255, 255), (33, 37, 41), (91, 100, 114)


@dataclass(frozen=True)
class GroundingOverlay:
    """One drawn answer: the file in the overlay folder, and what is on it. `verdict` is hit, miss or unread; `distance` in 0..1000 of the screen."""

    file: str
    id: str
    screen: str
    instruction: str
    said: str
    verdict: str
    distance: float


def draw_overlays(
    cases: Sequence[Case], answers: Sequence[Answer], scores: Scores, image: Callable[[str], Image.Image], count: int, folder: Path
) -> list[GroundingOverlay]:
    """PNGs of `count` answers: half of them hits and half misses where there are so many, each spread evenly over the set. `image` gives a case's screen."""
    hits, misses = ([i for i in range(len(cases)) if bool(scores.in_box[i]) is right] for right in (True, False))
    wanted = min(len(hits), max(count // 2, count - len(misses)))
    chosen = [*spread(hits, wanted), *spread(misses, count - wanted)]
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for i in chosen:
        case, answer = cases[i], answers[i]
        verdict = "unread" if answer.point is None else "hit" if scores.in_box[i] else "miss"
        file = f"{re.sub(r'[^A-Za-z0-9_-]', '_', case.id)}.png"
        draw_answer(image(case.screen), case, answer, verdict, float(scores.distance[i])).save(folder / file)
        drawn.append(GroundingOverlay(file, case.id, case.screen, case.instruction, answer.text, verdict, float(scores.distance[i])))
    return drawn


def draw_answer(screen: Image.Image, case: Case, answer: Answer, verdict: str, distance: float) -> Image.Image:
    """The screen with the target (green frame), the answer (blue disc: hit, orange cross: miss) and the way between them, above the command and the answer."""
    factor = max(1.0, _READABLE_PX / max(screen.size))
    canvas = screen.resize((round(screen.width * factor), round(screen.height * factor)), Image.Resampling.LANCZOS)
    draw = ImageDraw.Draw(canvas, "RGBA")

    def pixels(point: Point) -> Point:
        return point[0] * canvas.width / SCALE, point[1] * canvas.height / SCALE

    _frame(draw, case.bbox_norm1000, pixels, _TRUTH)
    if answer.point is not None:
        color = _HIT if verdict == "hit" else _MISS
        if answer.box is not None:
            _frame(draw, answer.box, pixels, color, width=1)
        start, end = pixels(case.center), pixels(answer.point)
        draw.line((*start, *end), fill=(*color, 200), width=2)
        _disc(draw, end, color) if verdict == "hit" else _cross(draw, end, color)
        if verdict == "miss":
            _label(draw, ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2), f"{distance:.0f}", color, canvas.size)
    said = {"hit": "Hit", "miss": f"Miss, {distance:.0f} of 1000 away", "unread": "No place could be read"}[verdict]
    words = " ".join(answer.text.split()) or "nothing"
    width = canvas.width - 2 * _GAP_PX
    return _captioned(canvas, _wrapped(case.instruction, width), _wrapped(f"{said}: {words}", width)[:3])


def user_gain(users: Sequence[tuple[str, float, float, int]]) -> Draw:
    """(user, global, personalised, cases): a line from one to the other for each user, the largest gain on top."""

    def draw(ax: Axes, palette: Palette) -> None:
        ordered = sorted(users, key=lambda user: (user[2] - user[1], user[0]))
        before, after = [user[1] for user in ordered], [user[2] for user in ordered]
        ax.hlines(range(len(ordered)), before, after, color=palette.grid, linewidth=4, zorder=1)
        ring = {"markerfacecolor": palette.paper, "markeredgecolor": palette.series[1], "markeredgewidth": 1.6}
        ax.plot(before, range(len(ordered)), "o", markersize=8, label="global", **ring)
        ax.plot(after, range(len(ordered)), "o", color=palette.series[0], markersize=5, label="personalised")
        ax.set_yticks(range(len(ordered)), [f"{name} ({cases})" for name, _, _, cases in ordered])
        ax.set(
            title="In-box accuracy by user",
            xlabel="share of commands (number in brackets)",
            xlim=_limits([*before, *after]),
            ylim=(-0.7, len(ordered) - 0.3),
        )
        ax.grid(visible=False, axis="y")
        ax.legend(frameon=False, labelcolor=palette.ink, fontsize=8, loc="lower right")

    return draw


def model_scores(rows: Sequence[tuple[str, float, float, float]], title: str, guessable: float | None = None) -> Draw:
    """(model, in-box accuracy, low, high): a dot with its interval for each model, in the order given from the top. `guessable`: a line at what the best guess
    reaches that does not know the user."""

    def draw(ax: Axes, palette: Palette) -> None:
        for place, (_, value, low, high) in enumerate(reversed(rows)):
            ax.plot([low, high], [place, place], color=palette.series[0], linewidth=2.4, alpha=0.45, solid_capstyle="butt")
            ax.plot([value], [place], "o", color=palette.series[0], markersize=6)
            ax.annotate(f"{value:.3f}", (high, place), xytext=(5, 0), textcoords="offset points", va="center", fontsize=8, color=palette.ink)
        ax.set_yticks(range(len(rows)), [name for name, *_ in reversed(rows)])
        if guessable is not None:
            ax.axvline(guessable, color=palette.series[1], linestyle="--", linewidth=1.4, zorder=0)
        top = _limits([high for *_, high in rows] + ([] if guessable is None else [guessable]))[1]
        ax.set(
            title=title,
            xlabel="in-box accuracy, 95 % interval" + ("" if guessable is None else "\ndashed: best guess, user unknown"),
            xlim=(-0.02 * top, 1.14 * top),
            ylim=(-0.6, len(rows) - 0.4),
        )
        ax.grid(visible=False, axis="y")

    return draw


def _limits(values: Sequence[float]) -> tuple[float, float]:
    """An axis from nothing to a little above the largest share."""
    top = min(1.0, math.ceil(max(values, default=0.0) * 10 + 0.5) / 10)
    return -0.02 * top, 1.02 * top


def _frame(draw: ImageDraw.ImageDraw, box: BoxXyxy, pixels: Callable[[Point], Point], color: tuple[int, int, int], width: int = 3) -> None:
    x1, y1 = pixels(box[:2])
    x2, y2 = pixels(box[2:])
    draw.rectangle((x1, y1, max(x1, x2 - 1), max(y1, y2 - 1)), outline=(*color, 255), width=width)


def _disc(draw: ImageDraw.ImageDraw, at: Point, color: tuple[int, int, int]) -> None:
    x, y = at
    draw.ellipse((x - 7, y - 7, x + 7, y + 7), fill=(*_PAPER, 255))
    draw.ellipse((x - 5, y - 5, x + 5, y + 5), fill=(*color, 255))


def _cross(draw: ImageDraw.ImageDraw, at: Point, color: tuple[int, int, int]) -> None:
    x, y = at
    for fill, width in (((*_PAPER, 255), 6), ((*color, 255), 3)):
        draw.line((x - 7, y - 7, x + 7, y + 7), fill=fill, width=width)
        draw.line((x - 7, y + 7, x + 7, y - 7), fill=fill, width=width)


def _label(draw: ImageDraw.ImageDraw, at: Point, text: str, color: tuple[int, int, int], canvas: tuple[int, int]) -> None:
    width, height = font(12).getlength(text) + 6, 16
    x = min(max(at[0] - width / 2, 0), canvas[0] - width)
    y = min(max(at[1] - height / 2, 0), canvas[1] - height)
    draw.rectangle((x, y, x + width, y + height), fill=(*_PAPER, 235), outline=(*color, 255))
    draw.text((x + 3, y + 1), text, font=font(12), fill=(*color, 255))


def _captioned(image: Image.Image, lines: Sequence[str], soft: Sequence[str]) -> Image.Image:
    """The image above lines of text, those that come second paler."""
    page = Image.new("RGB", (image.width, image.height + (len(lines) + len(soft)) * (_LINE_PX + 4) + 2 * _GAP_PX), _PAPER)
    page.paste(image, (0, 0))
    draw = ImageDraw.Draw(page)
    for number, (line, color) in enumerate([*((line, _INK) for line in lines), *((line, _SOFT) for line in soft)]):
        draw.text((_GAP_PX, image.height + _GAP_PX + number * (_LINE_PX + 4)), line, font=font(_LINE_PX - 1), fill=color)
    return page


def _wrapped(text: str, width: int) -> list[str]:
    """Lines that fit `width` pixels; a word that is longer than that is cut."""
    lines = [""]
    for word in text.split():
        while font(_LINE_PX - 1).getlength(word) > width:
            cut = max(1, int(len(word) * width / font(_LINE_PX - 1).getlength(word)) - 1)
            lines += [word[:cut]]
            word = word[cut:]
        longer = f"{lines[-1]} {word}".strip()
        if font(_LINE_PX - 1).getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return [line for line in lines if line]
