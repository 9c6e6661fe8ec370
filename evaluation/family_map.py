"""A chart of screens as dots, near where features are alike, coloured by page family: of the report, and of the stage that computes the features."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from evaluation.charts import Draw, Palette

_FAMILIES_SHOWN = 7
# Okabe and Ito's colours, told apart with any kind of colour vision; for light and for dark paper.
_LIGHT_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#a88900", "#56b4e9", "#7b3294")
_DARK_COLOURS = ("#4da3dd", "#f08a4b", "#3fc39b", "#e3a3c8", "#e6cf4a", "#9bd3f5", "#b98ad6")


@dataclass(frozen=True)
class Place:
    """One screen on a source's map (screen_map.csv)."""

    source: str
    level: str
    split: str
    family: str
    x: float
    y: float


def commonest_families(places: Sequence[Place]) -> list[str]:
    """Those that get a colour of their own."""
    return [family for family, _ in Counter(place.family for place in places).most_common(_FAMILIES_SHOWN)]


def family_map(places: Sequence[Place], shown: Sequence[str], title: str) -> Draw:
    """Screens as dots, the families `shown` in colour, all others grey."""

    def draw(ax: Axes, palette: Palette) -> None:
        colours = _DARK_COLOURS if palette.paper != "#ffffff" else _LIGHT_COLOURS
        others = [place for place in places if place.family not in shown]
        ax.scatter([p.x for p in others], [p.y for p in others], s=9, color=palette.grid, edgecolors=palette.ink, linewidths=0.25, label="other")
        for family, colour in zip(shown, colours, strict=False):
            own = [place for place in places if place.family == family]
            ax.scatter([p.x for p in own], [p.y for p in own], s=16, color=colour, label=family.replace("_", " "))
        ax.set(title=title, xticks=[], yticks=[])
        ax.grid(visible=False)
        ax.legend(frameon=False, labelcolor=palette.ink, fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5), handletextpad=0.2)

    return draw
