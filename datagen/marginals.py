"""What screens look like in numbers: one histogram per property, over bins that any two sets share.

A marginal counts, for each screen, how many of its values fall into each bin. So a set is an array (screens, bins): its column sums are the
histogram, and sets of screens drawn by lot from it give the spread that its size alone causes. Lengths are relative to the screen, so that sets
of different resolution can be compared; logarithmic where the values span orders of magnitude.
"""

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from contracts.annotation import Screen

if TYPE_CHECKING:
    import numpy as np

# Pictures are measured at this size, longest side in pixels: fine print in one set must not count as edges that another set's scaling removed.
_LONGEST = 640
# Luminance (0..1) by which two neighbouring pixels differ at an edge.
_EDGE = 0.1
# A colour (of 4096) counts if it fills this share of the picture; JPEG's stray colours do not.
_COLOUR_SHARE = 0.0005
_GRID = 8


class Sample(NamedTuple):
    """One screen, and its picture as encoded bytes (None where only labels are known)."""

    screen: Screen
    picture: bytes | None


@dataclass(frozen=True, kw_only=True)
class Marginal:
    """One property: its bins, and what a screen contributes to them.

    `edges` has one more entry than there are bins; values beyond the ends count in the end bins. `categories` names bins instead.
    `values(seen)` gives the values of one screen (or category indices).
    """

    name: str
    title: str
    per: str
    values: "Callable[[Seen], np.ndarray[Any, Any]]"
    edges: tuple[float, ...] = ()
    categories: tuple[str, ...] = ()

    @property
    def bins(self) -> int:
        return len(self.categories) or len(self.edges) - 1

    def histogram(self, seen: "Seen") -> "np.ndarray[Any, Any]":
        """(bins,) counts of one screen."""
        import numpy as np

        values = self.values(seen)
        if self.categories:
            return np.bincount(values, minlength=self.bins)
        # Half a bin inside the ends, whatever the scale: numpy would drop what lies beyond.
        inside = np.clip(values, self.edges[0], np.nextafter(self.edges[-1], self.edges[0]))
        return np.histogram(inside, self.edges)[0]


class Seen:
    """The elements of one screen that count in a comparison, as arrays; or its picture."""

    def __init__(self, screen: Screen, renamed: Callable[[str], str | None], names: tuple[str, ...]):
        import numpy as np

        kept = [(names.index(name), element) for element in screen.elements if (name := renamed(element.class_name)) in names and name is not None]
        self.size = (screen.width, screen.height)
        self.classes = np.array([index for index, _ in kept], dtype=int)
        self.boxes = np.array([element.box.xyxy for _, element in kept], dtype=float).reshape(-1, 4)
        self.text_lengths = np.array([len(element.text) for _, element in kept if element.text], dtype=float)

    @property
    def lengths(self) -> "np.ndarray[Any, Any]":
        """(elements, 2) width and height in pixels."""
        return self.boxes[:, 2:] - self.boxes[:, :2]

    @property
    def shares(self) -> "np.ndarray[Any, Any]":
        """(elements, 2) width and height as shares of the screen's."""
        import numpy as np

        return self.lengths / np.array(self.size)

    @property
    def cells(self) -> "np.ndarray[Any, Any]":
        """(elements,) which cell of an 8 x 8 grid the centre lies in, row by row."""
        import numpy as np

        centres = (self.boxes[:, :2] + self.boxes[:, 2:]) / 2 / np.array(self.size)
        column, row = np.clip((centres * _GRID).astype(int), 0, _GRID - 1).T
        return row * _GRID + column

    @property
    def depths(self) -> "np.ndarray[Any, Any]":
        """(elements,) how many larger elements hold at least 95 % of each: nesting by place, since most sets know no tree."""
        import numpy as np

        if not len(self.boxes):
            return np.zeros(0)
        low = np.maximum(self.boxes[:, None, :2], self.boxes[None, :, :2])
        high = np.minimum(self.boxes[:, None, 2:], self.boxes[None, :, 2:])
        shared = np.prod(np.clip(high - low, 0, None), axis=2)
        areas = np.prod(self.lengths, axis=1)
        return ((shared >= 0.95 * areas[:, None]) & (areas[None, :] > areas[:, None])).sum(axis=1).astype(float)


@dataclass(frozen=True)
class PictureSeen:
    """What the pixels of one screen say: mean luminance and saturation (0..1), number of colours, share of pixels at an edge."""

    luminance: float
    saturation: float
    colours: int
    edges: float


def look_at(picture: bytes) -> PictureSeen:
    """Measure an encoded picture, scaled down to 640 pixels if it is larger."""
    import numpy as np
    from PIL import Image

    with Image.open(io.BytesIO(picture)) as opened:
        image = opened.convert("RGB")
    image.thumbnail((_LONGEST, _LONGEST), Image.Resampling.BOX)
    pixels = np.asarray(image, dtype=float) / 255
    luminance = pixels @ np.array([0.2126, 0.7152, 0.0722])
    top, bottom = pixels.max(axis=2), pixels.min(axis=2)
    codes = (np.asarray(image, dtype=int) >> 4) @ np.array([256, 16, 1])
    right, down = np.abs(np.diff(luminance, axis=1))[:-1], np.abs(np.diff(luminance, axis=0))[:, :-1]
    return PictureSeen(
        luminance=float(luminance.mean()),
        saturation=float(np.mean(np.where(top > 0, (top - bottom) / np.where(top > 0, top, 1), 0))),
        colours=int((np.bincount(codes.ravel(), minlength=4096) >= _COLOUR_SHARE * codes.size).sum()),
        edges=float((np.maximum(right, down) > _EDGE).mean()) if right.size else 0.0,
    )


def _powers(low: float, high: float, step: float) -> tuple[float, ...]:
    """Powers of two from 2^low to 2^high."""
    count = round((high - low) / step)
    return tuple(2 ** (low + step * i) for i in range(count + 1))


def _even(low: float, high: float, count: int) -> tuple[float, ...]:
    return tuple(low + (high - low) * i / count for i in range(count + 1))


def element_marginals(names: tuple[str, ...]) -> tuple[Marginal, ...]:
    """The marginals of labels, for a comparison in the classes `names`."""
    import numpy as np

    return (
        Marginal(name="elements_per_screen", title="elements per screen", per="screen", values=lambda s: np.array([float(len(s.classes))]), edges=(0, 1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64, 91, 128, 181, 256, 512)),
        Marginal(name="class", title="class", per="element", values=lambda s: s.classes, categories=names),
        Marginal(name="width", title="width, share of screen", per="element", values=lambda s: s.shares[:, 0], edges=_powers(-8, 0, 0.5)),
        Marginal(name="height", title="height, share of screen", per="element", values=lambda s: s.shares[:, 1], edges=_powers(-8, 0, 0.5)),
        Marginal(name="area", title="area, share of screen", per="element", values=lambda s: s.shares.prod(axis=1), edges=_powers(-16, 0, 1)),
        Marginal(name="aspect_ratio", title="width / height", per="element", values=lambda s: s.lengths[:, 0] / s.lengths[:, 1], edges=_powers(-4, 6, 0.5)),
        Marginal(name="position", title="centre on the screen", per="element", values=lambda s: s.cells, categories=tuple(f"{row},{column}" for row in range(_GRID) for column in range(_GRID))),
        Marginal(name="nesting_depth", title="elements around it", per="element", values=lambda s: s.depths, edges=(0, 1, 2, 3, 4, 5, 6, 8, 12)),
        Marginal(name="text_length", title="characters, where known", per="element", values=lambda s: s.text_lengths, edges=(1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 192)),
        Marginal(name="screen_aspect", title="screen width / height", per="screen", values=lambda s: np.array([s.size[0] / s.size[1]]), edges=_powers(-1.75, 1.75, 0.25)),
        Marginal(name="screen_longest", title="screen's longer side, px", per="screen", values=lambda s: np.array([float(max(s.size))]), edges=_powers(8, 12, 0.5)),
    )  # fmt: skip


def picture_marginals() -> tuple[Marginal, ...]:
    """The marginals of pixels; their `values` take a `PictureSeen`."""
    import numpy as np

    def of(field: str) -> Callable[[Any], "np.ndarray[Any, Any]"]:
        return lambda seen: np.array([float(getattr(seen, field))])

    return (
        Marginal(name="luminance", title="mean luminance", per="screen", values=of("luminance"), edges=_even(0, 1, 16)),
        Marginal(name="saturation", title="mean saturation", per="screen", values=of("saturation"), edges=_even(0, 0.8, 16)),
        Marginal(name="colours", title="colours in use", per="screen", values=of("colours"), edges=_powers(0, 9, 0.75)),
        Marginal(name="edge_density", title="share of pixels at an edge", per="screen", values=of("edges"), edges=_even(0, 0.24, 16)),
    )


@dataclass(frozen=True)
class Counted:
    """A set, counted: marginal name -> (screens, bins) array. Pixels are of screens drawn by lot, so their arrays may have fewer rows."""

    counts: "dict[str, np.ndarray[Any, Any]]"
    screens: int
    elements: int


def count(samples: Iterable[Sample], renamed: Callable[[str], str | None], names: tuple[str, ...], pictures: int) -> Counted:
    """Count a set in the classes `names`; elements that `renamed` maps to none of them are left out. `pictures` screens are looked at, by lot."""
    import numpy as np

    marginals = element_marginals(names)
    rows: dict[str, list[Any]] = {marginal.name: [] for marginal in marginals}
    chosen: list[bytes] = []
    rng, offered, screens, elements = Random(0), 0, 0, 0
    for screen, picture in samples:
        seen = Seen(screen, renamed, names)
        screens, elements = screens + 1, elements + len(seen.classes)
        for marginal in marginals:
            rows[marginal.name].append(marginal.histogram(seen))
        if picture is None:
            continue
        # Reservoir sampling (Vitter's algorithm R): every screen has the same chance, without knowing how many will come.
        offered += 1
        if len(chosen) < pictures:
            chosen.append(picture)
        elif (place := rng.randrange(offered)) < pictures:
            chosen[place] = picture
    counts = {marginal.name: np.array(rows[marginal.name], dtype=float).reshape(-1, marginal.bins) for marginal in marginals}
    looks: list[Any] = [look_at(picture) for picture in chosen]
    for marginal in picture_marginals():
        counts[marginal.name] = np.array([marginal.histogram(look) for look in looks], dtype=float).reshape(-1, marginal.bins)
    return Counted(counts, screens, elements)
