"""Writes a foreign set down as shards, so that a killed import goes on where it stopped.

    <out>/shards/000000.tar    <key>.png + <key>.json, as the generator writes them
    <out>/import.json          which set, by which rules; each screen's name and split in the set; what was left out, why and how often

A shard appears when it is whole. What is known about its screens stands in `<out>/.records/` until the last shard is written, then in import.json.
"""

import hashlib
import json
import shutil
import tarfile
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from contracts.errors import InputError
from contracts.files import replacing, write_json
from contracts.stage import progress
from datagen.importers import VERSION
from datagen.importers.foreign import ForeignScreen, ForeignSet, Tally, UnreadableError, png_bytes, screen_of

IMPORT_FILE = "import.json"


def write_shards(foreign: ForeignSet, out: Path, shard_size: int) -> dict[str, Any]:
    """Import the set into `out`; what `import.json` says. InputError if `out` holds another import, or nothing of the set can be read."""
    settings = _settings(foreign, shard_size)
    if (out / IMPORT_FILE).is_file():
        done: dict[str, Any] = json.loads((out / IMPORT_FILE).read_text(encoding="utf-8"))
        _same_or_refuse(settings, done["settings"], out / IMPORT_FILE)
        return done
    records = out / ".records"
    if (records / "settings.json").is_file():
        _same_or_refuse(settings, json.loads((records / "settings.json").read_text(encoding="utf-8")), records / "settings.json")
    elif any((out / "shards").glob("*")):
        raise InputError("holds shards of another making.", file=out / "shards", fix="Choose an empty folder with --out.")
    write_json(records / "settings.json", settings)
    for leftover in (out / "shards").glob(".*.partial"):
        leftover.unlink()

    with progress(range(0), f"import {foreign.name}", total=foreign.count) as bar:
        for number, chunk in enumerate(_chunks(foreign.screens(), shard_size)):
            shard, record = out / "shards" / f"{number:06d}.tar", records / f"{number:06d}.json"
            if not record.is_file():
                _write_shard(foreign, shard, record, chunk, number * shard_size)
            bar.update(len(chunk))
    result = {"settings": settings, **_summary(foreign, [json.loads(path.read_text("utf-8")) for path in sorted(records.glob("0*.json"))])}
    if not result["screens"]:
        raise InputError(
            "holds no screen that can be read.", file=foreign.files[0], found=f"{result['left_out']}", fix="Check that this is the set's layout."
        )
    write_json(out / IMPORT_FILE, result)
    shutil.rmtree(records)
    return result


def _write_shard(foreign: ForeignSet, shard: Path, record: Path, chunk: list[ForeignScreen], first: int) -> None:
    """One shard and then its record; the same screens give the same bytes. No file if no screen of it can be read."""
    from datagen.render import add_screen

    tally: Tally = Counter()
    known: dict[str, dict[str, str]] = {}
    unreadable: dict[str, str] = {}
    elements = 0
    with replacing(shard) as temporary, tarfile.open(temporary, "w", format=tarfile.USTAR_FORMAT) as tar:
        for index, found in enumerate(chunk, start=first):
            try:
                screen, image = screen_of(found, f"{foreign.name}-{index:06d}", foreign.name, foreign.layout, tally)
            except UnreadableError as error:
                unreadable[found.source] = str(error)
                continue
            add_screen(tar, screen.key, png_bytes(image), screen.model_dump_json(exclude_defaults=True).encode())
            known[screen.key] = {"source": found.source, "split": found.split}
            elements += len(screen.elements)
    if not known:
        shard.unlink()
    write_json(record, {"screens": known, "unreadable": unreadable, "left_out": tally, "elements": elements})


def _chunks(screens: Iterator[ForeignScreen], size: int) -> Iterator[list[ForeignScreen]]:
    while chunk := list(islice(screens, size)):
        yield chunk


def _settings(foreign: ForeignSet, shard_size: int) -> dict[str, Any]:
    return {
        "set": foreign.name, "layout": foreign.layout, "importer": VERSION, "coarse": foreign.coarse, "classes": list(foreign.classes),
        "shard_size": shard_size, "files": len(foreign.files), "files_sha256": _fingerprint(foreign.files),
    }  # fmt: skip


def _fingerprint(files: tuple[Path, ...]) -> str:
    """A hash of names and sizes: reading gigabytes to see that nothing changed would take longer than the import."""
    listing = "\n".join(f"{path.name} {path.stat().st_size}" for path in files)
    return hashlib.sha256(listing.encode()).hexdigest()


def _same_or_refuse(now: dict[str, Any], then: dict[str, Any], file: Path) -> None:
    for field in now:
        if now[field] != then.get(field):
            raise InputError(
                "says that this folder holds another import.", file=file, field=field, found=str(then.get(field))[:200],
                fix="Delete the folder to import anew, or choose another one with --out.",
            )  # fmt: skip


def _summary(foreign: ForeignSet, records: list[dict[str, Any]]) -> dict[str, Any]:
    left_out = Counter(foreign.left_out)
    for record in records:
        left_out.update(record["left_out"])
        left_out.update({"screen: unreadable": len(record["unreadable"])} if record["unreadable"] else {})
    screens = {key: known for record in records for key, known in record["screens"].items()}
    return {
        "screens": screens,
        "splits": dict(Counter(known["split"] for known in screens.values())),
        "elements": sum(record["elements"] for record in records),
        "left_out": dict(left_out),
        "unreadable": {source: why for record in records for source, why in record["unreadable"].items()},
    }
