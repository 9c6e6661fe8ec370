"""What the registry of models keeps on disk, for those who only read it; `python -m orchestration.registry` writes it.

models/<model>/promoted.json     `version`: what is in use; `history`: every change, with `version`, `at` and `why`
models/<model>/v3/version.json   `metrics` of every stage it came from; `lineage` with `dataset_version`, `test_split` (sha256) and `runs` (their run.json)
"""

import json
from pathlib import Path
from typing import Any

from contracts.errors import InputError

MODELS = Path("models")


def promoted_version(model: str, folder: Path = MODELS) -> dict[str, Any] | None:
    """version.json of the version in use, with `promoted` (when it was); None if the registry keeps none. InputError if what is promoted cannot be read."""
    pointer = folder / model / "promoted.json"
    if not pointer.is_file():
        return None
    told = _read(pointer)
    if told["version"] is None:
        return None
    version = _read(folder / model / told["version"] / "version.json")
    return version | {"promoted": next((change["at"] for change in reversed(told["history"]) if change["version"] == told["version"]), None)}


def _read(path: Path) -> dict[str, Any]:
    try:
        value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError("is missing.", file=path, fix="Restore it from a backup of `models/`, or promote another version.") from None
    except json.JSONDecodeError as error:
        raise InputError(
            f"holds damaged JSON: {error}.", file=path, fix="Restore it from a backup of `models/`, or promote another version."
        ) from None
    return value
