"""Where shards are kept: a folder, or anything that fsspec can reach (`s3://bucket/shards`, `gs://...`, `webdav://...`).

A shard appears under its name when it is whole, or not at all. In a folder it is renamed into place. Object stores show an object when its
upload has ended; elsewhere it is uploaded under a temporary name and moved.
"""

import os
import socket
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from pydantic import ValidationError

from contracts.annotation import Screen
from contracts.errors import InputError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

# fsspec protocols whose objects appear when their upload has ended.
_ATOMIC = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "oci", "memory", "hf"}
_DISK_FULL = "Free some space and run the same command again: finished shards stay."


class Store(Protocol):
    """A place for files named like `000000.tar`."""

    place: str
    near: bool  # whether reading a whole shard costs little

    def names(self) -> set[str]:
        """Names of the files that are there."""

    def open(self, name: str) -> IO[bytes]:
        """A file for reading and seeking."""

    def writing(self, name: str) -> Any:
        """A context manager that yields a local path to write to; the file is in the store, whole, when the block has ended well."""

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""

    def sweep(self) -> None:
        """Remove what killed processes of this machine left half-written."""


def open_store(target: str) -> Store:
    """The store that a path or URL names, made if need be. InputError if it cannot be."""
    protocol = urlsplit(target).scheme if "://" in target else "file"
    if protocol in ("file", "local"):
        return FolderStore(Path(target.partition("://")[2] or target))
    return FsspecStore(target, protocol)


class FolderStore:
    """Shards in a local folder."""

    near = True

    def __init__(self, folder: Path):
        self._folder, self.place = folder, str(folder)
        with _named_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)

    def names(self) -> set[str]:
        return {path.name for path in self._folder.iterdir() if not path.name.endswith(".partial")}

    def open(self, name: str) -> IO[bytes]:
        return (self._folder / name).open("rb")

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        temporary = self._folder / f".{name}.{os.getpid()}.partial"
        try:
            with _named_errors(self._folder / name):
                yield temporary
                with temporary.open("rb") as file:
                    os.fsync(file.fileno())
                temporary.replace(self._folder / name)
        finally:
            temporary.unlink(missing_ok=True)

    def remove(self, name: str) -> None:
        (self._folder / name).unlink(missing_ok=True)

    def sweep(self) -> None:
        for leftover in self._folder.glob(".*.partial"):
            if not _alive(leftover.name.split(".")[-2]):
                leftover.unlink(missing_ok=True)


class FsspecStore:
    """Shards in a store that fsspec reaches. Credentials and addresses of services are configured as each fsspec implementation documents."""

    near = False

    def __init__(self, url: str, protocol: str):
        import fsspec

        self.place = url.rstrip("/")
        try:
            self._fs: AbstractFileSystem
            self._fs, self._root = fsspec.core.url_to_fs(self.place)
        except (ImportError, ValueError) as error:
            raise InputError(
                f"cannot be reached: {error}.",
                field="--target",
                found=url,
                fix="Install the package that fsspec names, for example `pip install s3fs` for s3://.",
            ) from None
        self._atomic = protocol in _ATOMIC
        with _named_errors(self.place):
            self._fs.makedirs(self._root, exist_ok=True)

    def names(self) -> set[str]:
        with _named_errors(self.place):
            return {name for path in self._paths() if not (name := path.rstrip("/").rpartition("/")[2]).endswith(".partial")}

    def _paths(self) -> list[str]:
        self._fs.invalidate_cache()
        try:
            return list(self._fs.ls(self._root, detail=False))
        except FileNotFoundError:  # object stores have no empty folders
            return []

    def open(self, name: str) -> IO[bytes]:
        return self._fs.open(f"{self._root}/{name}", "rb", block_size=1 << 18)

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        temporary = f".{name}.{socket.gethostname()}.{os.getpid()}.partial"
        with tempfile.TemporaryDirectory(prefix="screenry-upload-") as folder:
            local = Path(folder) / name
            with _named_errors(local):
                yield local
            with _named_errors(f"{self.place}/{name}"):
                if self._atomic:
                    self._fs.put_file(str(local), f"{self._root}/{name}")
                    return
                try:
                    self._fs.put_file(str(local), f"{self._root}/{temporary}")
                    self._fs.mv(f"{self._root}/{temporary}", f"{self._root}/{name}")
                except BaseException:
                    with suppress(Exception):
                        self._fs.rm_file(f"{self._root}/{temporary}")
                    raise

    def remove(self, name: str) -> None:
        with suppress(FileNotFoundError):
            self._fs.rm_file(f"{self._root}/{name}")

    def sweep(self) -> None:
        with _named_errors(self.place):
            for path in self._paths():
                *_, host, process, suffix = ["", "", *path.split(".")]
                if suffix == "partial" and host == socket.gethostname() and not _alive(process):
                    self._fs.rm_file(path)


def read_labels(file: IO[bytes], path: str) -> Iterator[Screen]:
    """The screens of an open shard, without their pictures. InputError if it cannot be read."""
    fix = "Delete this shard and render it again: the same seed makes the same bytes."
    try:
        with tarfile.open(fileobj=file) as tar:
            for member in tar:
                if member.name.endswith(".json") and (data := tar.extractfile(member)):
                    yield Screen.model_validate_json(data.read())
    except ValidationError as error:
        raise InputError(f"is no valid screen: {error.errors()[0]['msg']}.", file=path, field=member.name, fix=fix) from None
    except (tarfile.TarError, EOFError, OSError) as error:
        raise InputError(f"is not a readable tar file: {error}.", file=path, fix=fix) from None


@contextmanager
def _named_errors(place: object) -> Iterator[None]:
    """An operating system's or a store's error as an InputError that names the place."""
    try:
        yield
    except OSError as error:
        import errno

        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        reason = error.strerror or str(error) or type(error).__name__
        fix = _DISK_FULL if full else "Make the place writable for this user, or choose another one with `--target`."
        raise InputError(f"cannot be written: {reason}.", file=place, fix=fix) from None


def _alive(process: str) -> bool:
    return process.isdigit() and Path(f"/proc/{process}").exists()
