"""`mobile_screens`: COCO labels in VINS-style classes, pictures as JPEG in a parquet file (`id, split, file_name, jpeg`), joined by `id`."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from contracts.errors import InputError
from contracts.taxonomy import NAMES
from datagen.importers import coco, parquet
from datagen.importers.foreign import ForeignScreen, ForeignSet

LABELS, PICTURES = "mobile_screens.coco.json", "mobile_screens.images.parquet"
_COLUMNS = ("id", "split", "file_name", "jpeg")


def open_set(source: Path) -> ForeignSet:
    """The set in folder `source` (or beside the COCO file `source`). InputError if a file or a row's label is missing."""
    folder = source if source.is_dir() else source.parent
    labels, pictures = folder / LABELS, folder / PICTURES
    count = parquet.row_count(pictures, _COLUMNS)
    content = coco.read(labels)
    table = coco.class_table(labels, content["categories"], "mobile_screens")
    annotations = coco.by_image(content)

    def screens() -> Iterator[ForeignScreen]:
        for row in parquet.rows(pictures, _COLUMNS):
            if row["id"] not in annotations:
                raise InputError("has no image in the COCO file.", file=pictures, field="id", found=row["id"], fix=f"Add it to {labels}.")
            yield ForeignScreen(
                source=row["file_name"], split=row["split"], platform="mobile", picture=partial(bytes, row["jpeg"]),
                label=coco.labeller(labels, annotations[row["id"]], table),
            )  # fmt: skip

    return ForeignSet(
        name="mobile_screens", layout="mobile_screens", count=count, files=(labels, pictures), screens=screens,
        classes=tuple(name for name in NAMES if name in table.values()), coarse="mobile_screens",
    )  # fmt: skip
