"""The files of the npm packages that pages are made of, at the exact versions of `package-lock.json`."""

import json
from functools import cache
from pathlib import Path

from contracts.errors import InputError
from contracts.files import sha256

KITS_FOLDER = Path(__file__).parent
MODULES = KITS_FOLDER / "node_modules"
LOCK = KITS_FOLDER / "package-lock.json"
# Where documents get these files from: no host of that name exists; the browser's requests are answered by datagen.browser.
ORIGIN = "https://kits.invalid"


def kit_file(path: str) -> Path:
    """A file of an installed package, `path` below node_modules. InputError if the packages are not installed."""
    file = MODULES / path
    if not file.is_file():
        raise InputError(
            "is missing: the styles, icons and fonts of the pages are not installed.",
            file=file,
            fix="Run `make setup` (it runs `npm ci` in datagen/kits).",
        )
    return file


@cache
def lock_sha256() -> str:
    """Hash of the lock file: it names every package's version and integrity hash."""
    return sha256(LOCK)


@cache
def versions() -> dict[str, str]:
    """Package name -> version, of every package in the lock."""
    packages = json.loads(LOCK.read_text(encoding="utf-8"))["packages"]
    return {path.split("node_modules/")[-1]: entry["version"] for path, entry in packages.items() if path}
