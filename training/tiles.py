"""Screens larger than the training resolution: cut into overlapping tiles, detected tile by tile, merged into one list.

All tiles have one size and lie inside the screen; neighbours share at least `overlap` pixels, so an element no larger than that is whole in some tile. A box
that ends at an inner edge of its tile is a piece. Merging drops pieces of what another tile shows whole, joins the remaining pieces
across the edges that cut them, and keeps the best of what two tiles both found. Boxes of one tile never suppress each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from contracts.errors import InputError
from training.batches import ScreenBatch
from training.detect import Detections, detect
from training.models.detector import Detector

# A box that comes this close to an edge (pixels) ends there.
_AT_EDGE = 3.0
# A piece of which this share lies in a whole box is a piece of it.
_WITHIN = 0.8
# Two pieces belong together if their extents along the cut have this intersection over union.
_SAME_EXTENT = 0.7
# Boxes of two tiles with this intersection over union are one element.
_SAME_BOX = 0.6


@dataclass(frozen=True)
class Tile:
    """A part of a screen, pixels: top left corner and size. `cut`: whether the screen goes on beyond its left, top, right and bottom edge."""

    x: int
    y: int
    width: int
    height: int
    cut: tuple[bool, bool, bool, bool]


@dataclass(frozen=True)
class _Found:
    """A detection in pixels of the screen: (x1, y1, x2, y2), which of its sides a tile has cut, and the tile (-1: joined)."""

    box: tuple[float, float, float, float]
    cut: tuple[bool, bool, bool, bool]
    score: float
    label: int
    tile: int


def tiles(screen_hw: tuple[int, int], tile_hw: tuple[int, int], overlap: int) -> list[Tile]:
    """Tiles that cover the screen, row by row, evenly spread, with at least `overlap` pixels between neighbours. A screen that is smaller than a tile in
    one direction has one tile of its own size there. InputError unless 0 <= overlap < the tile's smaller side.
    """
    if not 0 <= overlap < min(tile_hw):
        raise InputError(
            f"must be at least 0 and less than a tile's side, {min(tile_hw)}.", field="overlap", found=overlap, fix="Choose about a fifth."
        )
    rows, columns = (_starts(size, tile, overlap) for size, tile in zip(screen_hw, tile_hw, strict=True))
    height, width = (min(pair) for pair in zip(screen_hw, tile_hw, strict=True))
    return [
        Tile(x, y, width, height, (x > 0, y > 0, x + width < screen_hw[1], y + height < screen_hw[0])) for y in rows for x in columns
    ]  # fmt: skip


def _starts(size: int, tile: int, overlap: int) -> list[int]:
    number = max(1, -(-(size - overlap) // (tile - overlap)))
    return [round(i * (size - tile) / (number - 1)) for i in range(number)] if number > 1 else [0]


def detect_in_tiles(model: Detector, image: Tensor, overlap: int, most: int, micro_batch: int = 4) -> Detections:
    """A screen uint8 [3, H, W] of any size, at its own resolution, in tiles of the model's image size -> detections in its pixels, made of the `most`
    best of all tiles.
    """
    height, width = (int(side) for side in image.shape[-2:])
    parts = tiles((height, width), model.config.image_size, overlap)
    padded = image.new_zeros(len(parts), 3, *model.config.image_size)
    for part, into in zip(parts, padded, strict=True):
        into[:, : part.height, : part.width] = image[:, part.y : part.y + part.height, part.x : part.x + part.width]
    found: list[Detections] = []
    for start in range(0, len(parts), micro_batch):
        size = torch.tensor([[part.height, part.width] for part in parts[start : start + micro_batch]])
        found += detect(model, ScreenBatch(padded[start : start + micro_batch], [], [], torch.arange(start, start + len(size)), size, size))
    return merge(parts, _best(found, most))


def _best(found: Sequence[Detections], most: int) -> list[Detections]:
    """What of each tile is among the `most` best of all tiles."""
    scores = torch.cat([of_tile.scores for of_tile in found])
    kept = torch.zeros(len(scores), dtype=torch.bool)
    kept[scores.topk(min(most, len(scores))).indices] = True
    by_tile = kept.split([len(of_tile.scores) for of_tile in found])
    return [Detections(one.boxes[keep], one.scores[keep], one.labels[keep]) for one, keep in zip(found, by_tile, strict=True)]


def merge(parts: Sequence[Tile], found: Sequence[Detections]) -> Detections:
    """Detections of each tile, in pixels of the tile -> of the screen, best first."""
    every = [one for number, (part, of_tile) in enumerate(zip(parts, found, strict=True)) for one in _on_screen(part, of_tile, number)]
    whole = [one for one in every if not any(one.cut)]
    joined = _joined([one for one in every if any(one.cut) and not _within_any(one, whole)])
    whole += [one for one in joined if not any(one.cut)]
    kept: list[_Found] = []
    # What is whole goes first; a piece may still be one of what has been joined.
    for one in [*sorted(whole, key=lambda one: -one.score), *(one for one in joined if any(one.cut) and not _within_any(one, whole))]:
        if not any(other.label == one.label and (other.tile != one.tile or one.tile < 0) and _iou(one.box, other.box) > _SAME_BOX for other in kept):
            kept.append(one)
    kept.sort(key=lambda one: -one.score)
    return Detections(
        torch.tensor([one.box for one in kept]).reshape(-1, 4),
        torch.tensor([one.score for one in kept]),
        torch.tensor([one.label for one in kept], dtype=torch.int64),
    )


def _within_any(piece: _Found, others: list[_Found]) -> bool:
    return any(piece.label == other.label and _intersection(piece.box, other.box) > _WITHIN * _area(piece.box) for other in others)


def _on_screen(part: Tile, found: Detections, number: int) -> list[_Found]:
    edges = (0.0, 0.0, float(part.width), float(part.height))
    made = []
    for box, score, label in zip(found.boxes.tolist(), found.scores.tolist(), found.labels.tolist(), strict=True):
        cut = tuple(beyond and abs(side - edge) <= _AT_EDGE for side, edge, beyond in zip(box, edges, part.cut, strict=True))
        made.append(_Found((box[0] + part.x, box[1] + part.y, box[2] + part.x, box[3] + part.y), cut, score, label, number))  # type: ignore[arg-type]
    return made


def _joined(pieces: list[_Found]) -> list[_Found]:
    """Pieces with the two sides of one cut become one, again and again, across vertical edges first."""
    pieces = list(pieces)
    for axis in (0, 1):
        changed = True
        while changed:
            changed = False
            for a in pieces:
                b = next((b for b in pieces if b is not a and _continues(a, b, axis)), None)
                if b is not None:
                    pieces.remove(a)
                    pieces.remove(b)
                    pieces.append(_union(a, b, axis))
                    changed = True
                    break
    return pieces


def _continues(a: _Found, b: _Found, axis: int) -> bool:
    """Whether b is what lies beyond the right (axis 0) or lower (1) edge at which a was cut."""
    other = 1 - axis
    return (
        a.label == b.label
        and a.cut[axis + 2]
        and b.cut[axis]
        and a.box[axis] <= b.box[axis] <= a.box[axis + 2] <= b.box[axis + 2]
        and _iou_1d(a.box[other], a.box[other + 2], b.box[other], b.box[other + 2]) > _SAME_EXTENT
    )


def _union(a: _Found, b: _Found, axis: int) -> _Found:
    box = (min(a.box[0], b.box[0]), min(a.box[1], b.box[1]), max(a.box[2], b.box[2]), max(a.box[3], b.box[3]))
    cut = [x or y for x, y in zip(a.cut, b.cut, strict=True)]
    cut[axis], cut[axis + 2] = a.cut[axis], b.cut[axis + 2]
    return replace(a, box=box, cut=(cut[0], cut[1], cut[2], cut[3]), score=max(a.score, b.score), tile=-1)


def _intersection(a: Sequence[float], b: Sequence[float]) -> float:
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))


def _area(box: Sequence[float]) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _iou(a: Sequence[float], b: Sequence[float]) -> float:
    both = _intersection(a, b)
    return both / max(_area(a) + _area(b) - both, 1e-9)


def _iou_1d(a1: float, a2: float, b1: float, b2: float) -> float:
    both = max(0.0, min(a2, b2) - max(a1, b1))
    return both / max(a2 - a1 + b2 - b1 - both, 1e-9)
