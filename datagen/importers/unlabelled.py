"""Screens without labels, for pretraining: a parquet file (`source, name, w, h, jpeg`) or a folder of pictures. They become screens without elements.

What platform a picture shows is not said; wide ones count as desktop, tall ones as mobile.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from contracts.annotation import Platform
from contracts.errors import InputError
from datagen.importers import parquet
from datagen.importers.foreign import ForeignScreen, ForeignSet

FILE = "unlabelled_screens.parquet"
_COLUMNS = ("source", "name", "w", "h", "jpeg")
_PICTURES = (".png", ".jpg", ".jpeg", ".webp")


def open_set(source: Path) -> ForeignSet:
    """The parquet file, or every picture below a folder that holds no such file. InputError if there is neither."""
    file = parquet.find(source, FILE)
    if file.is_file():
        count = parquet.row_count(file, _COLUMNS)
        return ForeignSet(name="unlabelled", layout="unlabelled", count=count, files=(file,), screens=partial(_rows, file), classes=())
    pictures = tuple(path for path in sorted(source.rglob("*")) if path.suffix.lower() in _PICTURES)
    if not pictures:
        raise InputError("holds no pictures.", file=source, fix=f"Give {FILE}, or a folder of PNG, JPEG or WebP files.")
    return ForeignSet(
        name="unlabelled", layout="unlabelled", count=len(pictures), files=pictures, screens=partial(_files, source, pictures), classes=()
    )


def _rows(file: Path) -> Iterator[ForeignScreen]:
    for row in parquet.rows(file, _COLUMNS):
        yield _screen(f"{row['source']}/{row['name']}", row["jpeg"], _platform(row["w"], row["h"]))


def _files(folder: Path, pictures: tuple[Path, ...]) -> Iterator[ForeignScreen]:
    from PIL import Image, UnidentifiedImageError

    for path in pictures:
        try:
            with Image.open(path) as image:
                size = image.size
        except (OSError, UnidentifiedImageError):
            size = (1, 1)  # the import counts it as unreadable
        yield _screen(str(path.relative_to(folder)), path.read_bytes(), _platform(*size))


def _screen(source: str, data: bytes, platform: Platform) -> ForeignScreen:
    return ForeignScreen(source=source, split="unknown", platform=platform, picture=partial(bytes, data), label=lambda image, tally: ())


def _platform(width: int, height: int) -> Platform:
    return "mobile" if height > 1.2 * width else "desktop"
