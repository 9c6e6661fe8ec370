"""Where the ink is: tightens a text's block box to its glyphs by looking at the pixels."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

# Levels (of 255) by which a pixel differs from its surroundings before it counts as ink: above JPEG's ringing, below grey small print.
INK_LEVELS = 40
# Above this share a box holds a photograph or a gradient rather than glyphs on a ground, and its pixels say nothing about the text.
_BUSY = 0.6
# A row that is inked along this share of the box, at its very edge, is a border and no glyph.
_BORDER = 0.9
# Pixels from the edge in which a border may lie: its own width, and the half pixel that layout puts before it.
_EDGE = 4


def ink_box(
    pixels: "np.ndarray[Any, Any]", xyxy: tuple[float, float, float, float], pictures: Sequence[tuple[float, float, float, float]] = ()
) -> tuple[int, int, int, int] | None:
    """The box of the ink inside a box. `pixels` is (height, width, 3) uint8; the result is half-open, in pixels, None if there is no ink.

    What lies on one of the `pictures` (boxes, too) is no ink of the text.

    The ground is the colour that most pixels of the box have; on a busy ground the box comes back as it was (rounded outwards to pixels).
    """
    import numpy as np

    height, width = pixels.shape[:2]
    x1, y1 = max(0, int(xyxy[0])), max(0, int(xyxy[1]))
    x2, y2 = min(width, -int(-xyxy[2] // 1)), min(height, -int(-xyxy[3] // 1))
    if x1 >= x2 or y1 >= y2:
        return None
    region = pixels[y1:y2, x1:x2].astype(np.int16)
    # 32 levels a channel: JPEG noise on a flat ground stays within one or two of them.
    coarse = region.reshape(-1, 3) >> 3
    codes, counts = np.unique(coarse[:, 0] * 1024 + coarse[:, 1] * 32 + coarse[:, 2], return_counts=True)
    code = int(codes[counts.argmax()])
    ground = np.array([code // 1024, code // 32 % 32, code % 32]) * 8 + 4
    ink = np.abs(region - ground).max(axis=2) > INK_LEVELS
    if ink.mean() > _BUSY:
        return x1, y1, x2, y2
    for side in (ink, ink[::-1], ink.T, ink.T[::-1]):
        _erase_border(side)
    for left, top, right, bottom in pictures:
        # A pixel more on each side: pictures begin and end between pixels.
        ink[max(0, int(top) - 1 - y1) : max(0, int(bottom) + 2 - y1), max(0, int(left) - 1 - x1) : max(0, int(right) + 2 - x1)] = False
    if not ink.any():
        return None
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return x1 + int(columns[0]), y1 + int(rows[0]), x1 + int(columns[-1]) + 1, y1 + int(rows[-1]) + 1


def _erase_border(ink: "np.ndarray[Any, Any]") -> None:
    """Erase a line that runs along the edge at the first rows of `ink` (a boolean picture), in place. An underline keeps away from the edge, and stays."""
    for depth in reversed(range(min(_EDGE, len(ink)))):
        if ink[depth].mean() >= _BORDER:
            ink[: depth + 1] = False
            return
