"""The command `python -m datagen.exports`."""

import argparse
import importlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from contracts.dataset import DATA
from contracts.errors import InputError, run_command
from datagen.exports import FORMATS

COMMAND = "python -m datagen.exports"


def main() -> None:
    options = _options()
    splits, count = export(options.format, options.source, options.out, options.split)
    print(
        f"{count} {'shards' if options.format == 'croissant' else 'screens'} ({', '.join(splits)}) exported as {options.format} into {options.out}."
    )


def export(format: str, source_folder: Path, out: Path, wanted: Sequence[str] | None = None) -> tuple[tuple[str, ...], int]:
    """Write the wanted splits (all without any) to `out`, which appears when it is whole. The splits, and how many screens (shards for Croissant).

    InputError for a folder that is there already, an unknown split, or nothing to export.
    """
    from contracts.stage import progress
    from datagen.exports.source import open_source

    source = open_source(source_folder)
    splits = tuple(wanted or source.splits)
    for split in splits:
        if split not in source.splits:
            raise InputError("is no split of this set.", file=source_folder, field="--split", found=split, fix=f"It has {', '.join(source.splits)}.")
    if out.exists():
        raise InputError("exists already.", file=out, fix="Choose another folder with --out, or delete it.")
    unfinished = out.with_name(f".{out.name}.partial")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    count = 0

    try:
        with progress(range(0), f"export {format}") as bar:

            def tick() -> None:
                nonlocal count
                count += 1
                bar.update(1)

            importlib.import_module(f"datagen.exports.{format}").write(source, splits, unfinished, tick)
        if not count:
            raise InputError(
                "holds no screens of these splits.", file=source_folder, field="--split", found=", ".join(splits), fix="Export another split."
            )
        unfinished.rename(out)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return splits, count


def _options() -> argparse.Namespace:
    formats = "\n".join(f"  {name:12} {text}" for name, text in FORMATS.items())
    parser = argparse.ArgumentParser(
        prog=COMMAND, description="Write the dataset, or an imported set, in another format.", epilog=f"formats:\n{formats}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("format", choices=FORMATS, metavar="FORMAT", help="which format (below)")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="folder to make; it must not be there yet")
    parser.add_argument("--source", type=Path, default=DATA, metavar="FOLDER", help=f"a dataset or an imported set (default: {DATA})")
    parser.add_argument("--split", nargs="+", metavar="SPLIT", help="only these splits (default: all)")
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)
