"""A training run's curves as one small SVG picture, drawn from its `curves.csv`: orchestration has no plotting library, and needs none for lines."""

import csv
import html
from collections.abc import Mapping, Sequence
from pathlib import Path

CURVES = "curves.csv"
# Panels, left to right: their title and the columns that they show, if the file has them.
PANELS = (("loss", ("loss", "val_loss")), ("average precision (validation)", ("val_AP", "val_AP50", "val_AP75")))
COLOURS = ("#4f43dd", "#e8743b", "#1a9c6b")
WIDTH, HEIGHT = 460, 240
LEFT, RIGHT, TOP, BOTTOM = 56, 14, 46, 34
# More points than pixels show nothing more: an event's metadata is kept for ever.
MOST_POINTS = 300

Series = Mapping[str, Sequence[tuple[float, float]]]


def draw_curves(folder: Path) -> bytes | None:
    """The curves of a finished artifact as SVG; None if it keeps none by step."""
    path = folder / CURVES
    if not path.is_file():
        return None
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    panels: list[str] = []
    for title, columns in PANELS:
        series = {name: [(float(row["step"]), float(row[name])) for row in rows if row.get("step") and row.get(name)] for name in columns}
        if found := {name: points for name, points in series.items() if points}:
            panels.append(_panel(title, found, LEFT + len(panels) * WIDTH))
    if not panels:
        return None
    width = len(panels) * WIDTH
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{HEIGHT}" viewBox="0 0 {width} {HEIGHT}" font-family="sans-serif" font-size="12">'
    return f'{head}<rect width="{width}" height="{HEIGHT}" fill="#fff"/>{"".join(panels)}</svg>'.encode()


def _panel(title: str, series: Series, left: int) -> str:
    points = [point for own in series.values() for point in own]
    (x0, x1), (y0, y1) = _range([x for x, _ in points]), _range([y for _, y in points])
    right, bottom = left + WIDTH - LEFT - RIGHT, HEIGHT - BOTTOM

    def place(x: float, y: float) -> tuple[float, float]:
        return left + (x - x0) / (x1 - x0) * (right - left), bottom - (y - y0) / (y1 - y0) * (bottom - TOP)

    parts = [f'<text x="{left}" y="16" font-weight="bold">{html.escape(title)}</text>']
    for share in (0.0, 0.5, 1.0):
        y = bottom - share * (bottom - TOP)
        parts.append(f'<path d="M{left} {y:.1f}H{right}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{y0 + share * (y1 - y0):.3g}</text>')
    parts.append(f'<text x="{left}" y="{bottom + 18}">{x0:g}</text><text x="{right}" y="{bottom + 18}" text-anchor="end">step {x1:g}</text>')
    for number, (name, own) in enumerate(series.items()):
        colour, every = COLOURS[number], -(-len(own) // MOST_POINTS)
        places = [place(x, y) for x, y in [*own[:-1:every], own[-1]]]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        if len(places) <= 30:
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>' for x, y in places]
        parts.append(f'<text x="{left + 90 * number}" y="34" fill="{colour}">{html.escape(name)}</text>')
    return "".join(parts)


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 0.5, high + 0.5)
