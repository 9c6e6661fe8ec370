"""Rows of parquet files, a few at a time, and errors that name the file and the column."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from contracts.errors import InputError

# Rows in memory at once: a row holds a picture.
_BATCH = 32


def row_count(path: Path, needs: tuple[str, ...]) -> int:
    """How many rows the file has. InputError if it is missing, no parquet file, or lacks one of the columns in `needs`."""
    import pyarrow
    import pyarrow.parquet as parquet

    if not path.is_file():
        raise InputError("does not exist.", file=path, fix="Give the file, or the folder it lies in.")
    try:
        file = parquet.ParquetFile(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"is no readable parquet file: {error}.", file=path, fix="Get the file again.") from None
    for column in needs:
        if column not in file.schema_arrow.names:
            raise InputError(
                "is a column that this file lacks.",
                file=path,
                field=column,
                found=", ".join(file.schema_arrow.names),
                fix="Give the set that has it.",
            )
    return int(file.metadata.num_rows)


def rows(path: Path, columns: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Each row as a dictionary, in file order."""
    import pyarrow.parquet as parquet

    for batch in parquet.ParquetFile(path).iter_batches(batch_size=_BATCH, columns=list(columns)):
        yield from batch.to_pylist()


def find(source: Path, name: str) -> Path:
    """`source` itself if it is a file, `source/name` if it is a folder."""
    return source / name if source.is_dir() else source
