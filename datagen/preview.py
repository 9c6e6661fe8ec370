"""A contact sheet of screens with their boxes drawn: one PNG to look at.

python -m datagen.preview --screens 12 --split test --out contact-sheet.png
python -m datagen.preview --screens 9 --platform mobile --kit ionic-ios --locale ar
"""

import argparse
import colorsys
import io
import random
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.annotation import Screen
from contracts.dataset import GET_DATA, SHARDS, SPLITS, SPLITS_FILE, read_shard
from contracts.errors import InputError, run_command
from contracts.files import replacing
from contracts.taxonomy import BY_NAME

if TYPE_CHECKING:
    from PIL import Image

_GAP = 6
_FILTERS = ("platform", "kit", "family", "theme", "locale", "state")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m datagen.preview", description="Draw screens with their boxes on one picture.")
    parser.add_argument("--out", type=Path, default=Path("contact-sheet.png"), help="PNG to write (default: contact-sheet.png)")
    parser.add_argument("--screens", type=int, default=12, metavar="N", help="how many screens (default: 12)")
    parser.add_argument("--split", choices=SPLITS, help="only screens of this split (default: all)")
    parser.add_argument("--platform", choices=("web", "mobile", "desktop"), help="only screens of this platform")
    for name in _FILTERS[1:]:
        parser.add_argument(f"--{name}", metavar="NAME", help=f"only screens of this {name}")
    parser.add_argument("--width", type=int, default=640, metavar="PX", help="width of one screen on the sheet (default: 640)")
    parser.add_argument("--plain", action="store_true", help="draw no boxes")
    options = parser.parse_args()
    if options.screens < 1 or options.width < 64:
        raise InputError("--screens must be at least 1 and --width at least 64.", fix="Give larger numbers.")
    wanted = {name: getattr(options, name) for name in _FILTERS if getattr(options, name)}
    tiles = [draw(screen, png, boxes=not options.plain) for screen, png in pick(options.screens, options.split, **wanted)]
    sheet = contact_sheet(tiles, options.width)
    with replacing(options.out) as temporary:
        sheet.save(temporary, format="PNG")
    print(f"{len(tiles)} screens drawn on {options.out} ({sheet.width}x{sheet.height}).")


def pick(count: int, split: str | None, missing_ok: bool = False, **wanted: str) -> list[tuple[Screen, bytes]]:
    """`count` screens drawn by lot, the same each time (all, if there are fewer), of those whose fields (platform, kit ...) are as wanted.

    InputError if there are none, unless `missing_ok`.
    """
    groups = None
    if split is not None:
        import json

        if not SPLITS_FILE.is_file():
            raise InputError(
                "does not exist: the shards are not split yet.", file=SPLITS_FILE, fix="Run `python -m datagen.dataset` first, or leave out --split."
            )
        groups = set(json.loads(SPLITS_FILE.read_text(encoding="utf-8"))[split])

    def matching() -> Iterator[tuple[Screen, bytes]]:
        for path in sorted(SHARDS.glob("*.tar")):
            for screen, png in read_shard(path):
                if (groups is None or f"{screen.kit}/{screen.family}" in groups) and all(
                    getattr(screen, name) == value for name, value in wanted.items()
                ):
                    yield screen, png

    found = list(matching())
    if not found and not missing_ok:
        said = ", ".join(f"{name} {value}" for name, value in wanted.items())
        raise InputError(
            f"there are no screens to draw{f' of {said}' if said else ''}.",
            file=SHARDS,
            fix="Ask for others." if said and any(SHARDS.glob("*.tar")) else GET_DATA,
        )
    # By lot and not evenly spaced: families take turns within a shard, and an even step could meet only one of them.
    return [found[i] for i in sorted(random.Random(0).sample(range(len(found)), min(count, len(found))))]


def colour(class_name: str) -> tuple[int, int, int]:
    """One colour per class, neighbours far apart on the colour circle."""
    place = (BY_NAME[class_name].id * 0.618) % 1.0
    red, green, blue = colorsys.hsv_to_rgb(place, 0.9, 0.85 if BY_NAME[class_name].id % 2 else 0.65)
    return int(red * 255), int(green * 255), int(blue * 255)


def draw(screen: Screen, png: bytes, boxes: bool = True) -> "Image.Image":
    """The screen's picture with a frame and a name for every element; containers first, so that what they hold stays readable."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.open(io.BytesIO(png)).convert("RGB")
    if not boxes:
        return image
    canvas, font = ImageDraw.Draw(image), ImageFont.load_default(size=9)
    for element in sorted(screen.elements, key=lambda e: -e.box.area):
        x1, y1, x2, y2 = element.box.xyxy
        ink = colour(element.class_name)
        # Half-open: the last pixel of the box is x2 - 1.
        canvas.rectangle((x1, y1, max(x1, x2 - 1), max(y1, y2 - 1)), outline=ink)
        label = element.class_name
        tall = canvas.textbbox((0, 0), label, font=font)
        if element.box.area > 300:
            corner = (max(0, x2 - tall[2] - 2), max(0, y1 - 9)) if element.class_name in ("row", "list_item") else (x1, max(0, y1 - 9))
            canvas.rectangle((*corner, corner[0] + tall[2] + 1, corner[1] + 9), fill=ink)
            canvas.text((corner[0] + 1, corner[1] - 1), label, font=font, fill="white")
    return image


def contact_sheet(tiles: list["Image.Image"], width: int) -> "Image.Image":
    """Tiles scaled to `width` pixels, in rows as near to a square as their number allows."""
    from PIL import Image

    across = max(1, round(len(tiles) ** 0.5))
    scaled = [
        tile.resize((width, max(1, tile.height * width // tile.width)), Image.Resampling.LANCZOS) if tile.width != width else tile for tile in tiles
    ]
    rows = [scaled[i : i + across] for i in range(0, len(scaled), across)]
    heights = [max(tile.height for tile in row) for row in rows]
    sheet = Image.new("RGB", (across * (width + _GAP) + _GAP, sum(heights) + _GAP * (len(rows) + 1)), (40, 40, 46))
    y = _GAP
    for row, height in zip(rows, heights, strict=True):
        for i, tile in enumerate(row):
            sheet.paste(tile, (_GAP + i * (width + _GAP), y))
        y += height + _GAP
    return sheet


if __name__ == "__main__":
    run_command(main)
