"""Parquet for Hugging Face `datasets`: `load_dataset("<out>")`, or `load_dataset("parquet", data_files=...)` with the same features.

A row is a screen: `image` (PNG bytes, read as a picture), what is known about the screen, and `objects`, a column of lists as object detection sets
there have them: `bbox` [x, y, width, height] in pixels, `category` (index into the class names), `text`, `name`, `id`, `parent` (-1 without one).
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from contracts.annotation import Screen
from contracts.files import write_text
from contracts.taxonomy import BY_NAME, NAMES
from datagen.exports.source import Source

if TYPE_CHECKING:
    import pyarrow
    import pyarrow.parquet

# Rows per file: a few hundred megabytes, which is what the Hub's viewer and streaming like.
_ROWS_PER_FILE = 2000
_ROWS_PER_GROUP = 50
_ABOUT = ("key", "platform", "kit", "family", "theme", "locale", "state")


def write(source: Source, splits: tuple[str, ...], folder: Path, tick: Callable[[], object]) -> None:
    """`data/<split>-<number>.parquet` and the `README.md` that says which file is which split."""
    (folder / "data").mkdir()
    writers = {split: _Writer(folder / "data", split) for split in splits}
    for split, screen, png in source.screens(splits):
        writers[split].add(row(screen, png))
        tick()
    for writer in writers.values():
        writer.close()
    files = [{"split": split, "path": f"data/{split}-*.parquet"} for split in splits if writers[split].rows]
    configs = [{"config_name": "default", "data_files": files}]
    card = yaml.safe_dump({"task_categories": ["object-detection"], "configs": configs}, sort_keys=False)
    write_text(folder / "README.md", f"---\n{card}---\n\nScreens with labelled elements; {__doc__.split(chr(10) * 2, 1)[1].strip()}\n")


def row(screen: Screen, png: bytes) -> dict[str, Any]:
    """One screen as a row of `schema()`."""
    elements = screen.elements
    return {
        "image": {"bytes": png, "path": f"{screen.key}.png"}, "width": screen.width, "height": screen.height, "device_scale": screen.device_scale,
        **{field: getattr(screen, field) for field in _ABOUT},
        "objects": {
            "id": [e.id for e in elements], "bbox": [list(e.box.xywh) for e in elements],
            "category": [BY_NAME[e.class_name].id - 1 for e in elements], "text": [e.text for e in elements], "name": [e.name for e in elements],
            "parent": [-1 if e.parent is None else e.parent for e in elements],
        },
    }  # fmt: skip


def schema() -> "pyarrow.Schema":
    """Columns, with the features that `datasets` reads from the file's own metadata: pictures are decoded, categories have names."""
    import pyarrow as pa

    text, number = pa.string(), pa.int64()
    objects = {"id": number, "bbox": pa.list_(pa.float64(), 4), "category": number, "text": text, "name": text, "parent": number}
    fields = {
        "image": pa.struct({"bytes": pa.binary(), "path": text}), "width": number, "height": number, "device_scale": pa.float64(),
        **dict.fromkeys(_ABOUT, text), "objects": pa.struct({name: pa.list_(kind) for name, kind in objects.items()}),
    }  # fmt: skip
    metadata = {"huggingface": json.dumps({"info": {"features": _features()}})}
    return pa.schema(list(fields.items()), metadata=metadata)


def _features() -> dict[str, Any]:
    def value(dtype: str) -> dict[str, Any]:
        return {"dtype": dtype, "_type": "Value"}

    def many(feature: dict[str, Any], length: int = -1) -> dict[str, Any]:
        return {"feature": feature, "length": length, "_type": "List"}

    return {
        "image": {"_type": "Image"}, "width": value("int64"), "height": value("int64"), "device_scale": value("float64"),
        **{field: value("string") for field in _ABOUT},
        "objects": {
            "id": many(value("int64")), "bbox": many(many(value("float64"), 4)), "category": many({"names": list(NAMES), "_type": "ClassLabel"}),
            "text": many(value("string")), "name": many(value("string")), "parent": many(value("int64")),
        },
    }  # fmt: skip


class _Writer:
    """The files of one split, a few rows in memory at a time."""

    def __init__(self, folder: Path, split: str):
        self._folder, self._split = folder, split
        self._waiting: list[dict[str, Any]] = []
        self._file: pyarrow.parquet.ParquetWriter | None = None
        self.rows = 0

    def add(self, row: dict[str, Any]) -> None:
        import pyarrow.parquet

        if self.rows % _ROWS_PER_FILE == 0:
            self.close()
            path = self._folder / f"{self._split}-{self.rows // _ROWS_PER_FILE:05d}.parquet"
            # Pictures are compressed already; dictionaries of them would only fill memory.
            self._file = pyarrow.parquet.ParquetWriter(path, schema(), use_dictionary=False)
        self._waiting.append(row)
        self.rows += 1
        if len(self._waiting) == _ROWS_PER_GROUP:
            self._flush()

    def close(self) -> None:
        self._flush()
        if self._file:
            self._file.close()
            self._file = None

    def _flush(self) -> None:
        import pyarrow

        if self._waiting and self._file:
            self._file.write_table(pyarrow.Table.from_pylist(self._waiting, schema=schema()))
        self._waiting = []
