"""Where packed shards are kept: a folder, or anything that fsspec reaches (`s3://bucket/packed`, `gs://...`, `https://...`), named as for
`python -m datagen.render --target`. Credentials and addresses of services are configured as each fsspec implementation documents.

Parts of shards are read by their offsets, so that a stream can have any order; from afar, those of a whole batch at once.
"""

import os
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

from contracts.errors import InputError

Done = TypeVar("Done")
# (name of the shard, first byte, byte behind the last)
Part = tuple[str, int, int]
# Seconds to wait before a read from afar is tried again.
_PATIENCE = (0.5, 2.0, 8.0)


class ShardStore(Protocol):
    """Files named like `train-000000.tar`. Several threads may read at once."""

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


class OpenFiles:
    """Local files, opened when first read and kept open. Several threads may read at once."""

    def __init__(self) -> None:
        self._open: dict[Path, int] = {}

    def __del__(self) -> None:
        for descriptor in self._open.values():
            os.close(descriptor)

    def read(self, file: Path, start: int, size: int) -> bytes:
        """Bytes of a file from `start` on; fewer than `size` at its end. OSError if it cannot be read."""
        if file not in self._open:
            descriptor = os.open(file, os.O_RDONLY)
            if self._open.setdefault(file, descriptor) != descriptor:
                os.close(descriptor)  # another thread was first
        return os.pread(self._open[file], size, start)


class Folder:
    """Shards in a local folder."""

    def __init__(self, folder: str):
        self.place, self._folder = folder, Path(folder)
        self._open = OpenFiles()

    def size(self, name: str) -> int | None:
        try:
            return (self._folder / name).stat().st_size
        except FileNotFoundError:
            return None

    def read(self, parts: Sequence[Part]) -> list[bytes]:
        found = []
        for name, start, stop in parts:
            try:
                found.append(self._open.read(self._folder / name, start, stop - start))
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
        import fsspec

        self.place = url.rstrip("/")
        try:
            self._fs, self._root = fsspec.core.url_to_fs(self.place)
        except (ImportError, ValueError) as error:
            raise InputError(
                f"cannot be reached: {error}.", file=self.place, fix="Install the package that fsspec names, for example `pip install s3fs` for s3://.",
            ) from None  # fmt: skip

    def size(self, name: str) -> int | None:
        try:
            return int(self._patiently(lambda: self._fs.size(f"{self._root}/{name}"), name))
        except FileNotFoundError:
            return None

    def read(self, parts: Sequence[Part]) -> list[bytes]:
        names, starts, stops = zip(*parts, strict=True)

        def fetch() -> list[bytes]:
            found: list[bytes] = self._fs.cat_ranges([f"{self._root}/{name}" for name in names], list(starts), list(stops), on_error="return")
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
        try:
            self._fs.makedirs(self._root, exist_ok=True)
            self._patiently(lambda: self._fs.put_file(str(file), f"{self._root}/{file.name}"), file.name)
        except (OSError, NotImplementedError) as error:
            raise InputError(f"cannot be written: {error}.", file=f"{self.place}/{file.name}", fix="Choose a place that can be written to.") from None
        file.unlink()

    def _patiently(self, work: Callable[[], Done], name: str) -> Done:
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
