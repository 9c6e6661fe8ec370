"""DVC's cache: where it is, and whether it holds what DVC says that it holds.

On a full disk DVC 3.67 leaves files out of its cache, records the version all the same, and ends with exit code 0: nobody could ever bring that version
back. So whoever records a version here looks.
"""

import configparser
import json
import os
from pathlib import Path

from contracts.errors import InputError
from orchestration.process import Console


def read_dvc_config(repository: Path) -> configparser.RawConfigParser:
    """DVC's settings of a repository, this user's and this machine's included. Its remotes are sections named `'remote "name"'`."""
    config = configparser.RawConfigParser()
    user = Path(os.environ.get("DVC_GLOBAL_CONFIG_DIR") or Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "dvc")
    machine = Path(os.environ.get("DVC_SYSTEM_CONFIG_DIR") or "/etc/xdg/dvc")
    config.read([machine / "config", user / "config", repository / ".dvc/config", repository / ".dvc/config.local"], encoding="utf-8")
    return config


def dvc_cache(repository: Path) -> Path:
    """The folder of DVC's cache."""
    folder = repository / ".dvc"
    return (folder / read_dvc_config(repository).get("cache", "dir", fallback="cache")).resolve()


def lacking_in_cache(version: str) -> list[str] | None:
    """Files of a folder's version that the cache of the repository in the current folder does not hold; None if it does not even hold their list."""
    objects = dvc_cache(Path.cwd()) / "files/md5"
    listing = objects / version[:2] / version[2:]
    if not listing.is_file():
        return None
    files = json.loads(listing.read_text(encoding="utf-8")) if version.endswith(".dir") else []
    return [file["relpath"] for file in files if not (objects / file["md5"][:2] / file["md5"][2:]).is_file()]


def make_whole(console: Console, version: str, path: str, command: list[str]) -> None:
    """See that the cache holds a version that was just recorded; if not, let DVC (`command`) try once more. InputError that names what is missing then."""
    if lacking_in_cache(version) == []:
        return
    console.run(["dvc", "--quiet", "--wait-for-lock", *command])
    lacking = lacking_in_cache(version)
    if lacking != []:
        raise InputError(
            f"is not whole in DVC's cache, {dvc_cache(Path.cwd())}: version {version}.", file=path, found="missing: " + ", ".join(lacking or ["its list of files"]),
            fix=f"See that there is space and that one may write there, then run `dvc {' '.join(command)}`.",
        )  # fmt: skip
