"""Where packed shards are kept: a folder, or anything that fsspec reaches (`s3://bucket/packed`, `gs://...`, `https://...`), named as for
`python -m datagen.render --target`. Credentials and addresses of services are configured as each fsspec implementation documents.

Parts of shards are read by their offsets, so that a stream can have any order; from afar, those of a whole batch at once.
"""

import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from contracts.errors import InputError

# (name of the shard, first byte, byte behind the last)
Part = tuple[str, int, int]
# Seconds to wait before a read from afar is tried again.
_PATIENCE = (0.5, 2.0, 8.0)


class ShardStore(Protocol):
    """Files named like `train-000000.tar`. Can be sent to other processes."""

    place: str

    def size(self, name: str) -> int | None:
        """A file's bytes; None if it is not there."""

    def read(self, parts: Sequence[Part]) -> list[bytes]:
        """Parts of files, in the order asked for; what lies behind a file's end is left out. InputError if a file cannot be read."""

    def put(self, file: Path) -> None:
        """Move a local file here, under its own name. InputError if it cannot be written."""


def open_shard_store(place: str) -> ShardStore:
    """The store that a path or URL names. InputError if there is no way to reach it."""
    protocol = urlsplit(place).scheme if "://" in place else "file"
    if protocol in ("file", "local"):
        return Folder(place.partition("://")[2] or place)
    return Remote(place)


class Folder:
    """Shards in a local folder."""

    def __init__(self, folder: str):
        self.place, self._folder = folder, Path(folder)
        self._open: dict[str, int] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": {}}

    def __del__(self) -> None:
        for descriptor in getattr(self, "_open", {}).values():
            os.close(descriptor)

    def size(self, name: str) -> int | None:
        try:
            return (self._folder / name).stat().st_size
        except FileNotFoundError:
            return None

    def read(self, parts: Sequence[Part]) -> list[bytes]:
        found = []
        for name, start, stop in parts:
            try:
                if name not in self._open:
                    self._open[name] = os.open(self._folder / name, os.O_RDONLY)
                found.append(os.pread(self._open[name], stop - start, start))
            except OSError as error:
                raise InputError(f"cannot be read: {error.strerror}.", file=self._folder / name, fix="Mend the disk, or pack again.") from None
        return found

    def put(self, file: Path) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            shutil.move(file, self._folder / file.name)
        except OSError as error:
            raise InputError(f"cannot be written: {error.strerror}.", file=self._folder, fix="Free some space, or choose another place.") from None


class Remote:
    """Shards in a store that fsspec reaches. A read that fails is tried again a few times before it is an error."""

    def __init__(self, url: str):
        self.place = url.rstrip("/")
        self._reached: tuple[int, Any, str] | None = None
        self._reach()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_reached": None}

    def _reach(self) -> tuple[Any, str]:
        """fsspec's file system, and the root in it, of this process: a connection does not survive a fork."""
        if self._reached is None or self._reached[0] != os.getpid():
            import fsspec

            try:
                self._reached = (os.getpid(), *fsspec.core.url_to_fs(self.place))
            except (ImportError, ValueError) as error:
                raise InputError(
                    f"cannot be reached: {error}.", file=self.place, fix="Install the package that fsspec names, for example `pip install s3fs` for s3://.",
                ) from None  # fmt: skip
        return self._reached[1:]

    def size(self, name: str) -> int | None:
        fs, root = self._reach()
        try:
            return int(self._patiently(lambda: fs.size(f"{root}/{name}"), name))
        except FileNotFoundError:
            return None

    def read(self, parts: Sequence[Part]) -> list[bytes]:
        fs, root = self._reach()

        def fetch() -> list[bytes]:
            found = fs.cat_ranges([f"{root}/{name}" for name, _, _ in parts], [a for _, a, _ in parts], [b for _, _, b in parts], on_error="return")
            for one in found:
                if isinstance(one, BaseException):
                    raise one
            return found

        try:
            found = self._patiently(fetch, parts[0][0])
        except FileNotFoundError as error:
            raise InputError(
                f"is not there: {error}.", file=f"{self.place}/{parts[0][0]}", fix="Put the packed shards back, or pack again."
            ) from None
        for (name, start, stop), data in zip(parts, found, strict=True):
            if len(data) > stop - start:
                raise InputError(
                    "cannot be read in parts: the server sends whole files.", file=f"{self.place}/{name}",
                    fix="Serve it by something that honours HTTP range requests, or copy the shards to a folder.",
                )  # fmt: skip
        return found

    def put(self, file: Path) -> None:
        fs, root = self._reach()
        try:
            fs.makedirs(root, exist_ok=True)
            self._patiently(lambda: fs.put_file(str(file), f"{root}/{file.name}"), file.name)
        except (OSError, NotImplementedError) as error:
            raise InputError(f"cannot be written: {error}.", file=f"{self.place}/{file.name}", fix="Choose a place that can be written to.") from None
        file.unlink()

    def _patiently(self, work: Any, name: str) -> Any:
        """`work()`, again if it fails for a reason that may pass. FileNotFoundError rises as it is."""
        for wait in (*_PATIENCE, None):
            try:
                return work()
            except (FileNotFoundError, PermissionError, NotImplementedError):
                raise
            except (OSError, TimeoutError) as error:
                problem: Exception = error
            except Exception as error:
                # aiohttp's and the cloud libraries' errors share no base that is there without them.
                if type(error).__module__.split(".")[0] not in ("aiohttp", "botocore", "aiobotocore", "gcsfs", "azure", "fsspec"):
                    raise
                problem = error
            if wait is not None:
                time.sleep(wait)
        raise InputError(
            f"cannot be read or written: {type(problem).__name__}: {problem}.", file=f"{self.place}/{name}", fix="See that the store can be reached."
        )
