"""Checkpoints on disk: tensors as safetensors, everything else as JSON, so that loading one runs no code. Nothing here knows a model or a trainer.

    <folder>/step-00000120/
        state.json            where the run stood, what it was a run of, size and sha256 of the other files; its own sum is in it too
        model.safetensors     weights and buffers
        optimizer.safetensors AdamW's moments, `<parameter>/<name>`, whole, whatever was split over processes while learning
        ranks.safetensors     each process's random number generators and running sums, `<rank>/<name>`
        ema.safetensors       the moving average of the weights, where there is one

A checkpoint is written beside its place, forced to the disk, and renamed: it is there whole or not at all. What was damaged afterwards is found by its
sums, named, and passed over for the one before.

The folder is `artifacts/.<stage>.checkpoints`: beside the stage's artifact, which DVC removes before a stage runs and the stage itself empties when it
fails, and on the same disk. It goes when the stage has ended well.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from contracts.errors import InputError
from contracts.files import sha256

Tensors = dict[str, Tensor]
T = TypeVar("T")
# Besides the tensors, for state.json and what the file system needs.
_SPARE_BYTES = 8 << 20


class Saved(BaseModel):
    """Size and sum of one file of a checkpoint."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    bytes: int
    sha256: str


class RunState(BaseModel):
    """`state.json`. Refuses unknown keys and other types, as it comes from outside."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: Literal[1] = 1
    step: int
    """Optimizer steps made."""
    epoch: int
    """Epoch that they ended in, from 0."""
    samples: int
    """Screens of that epoch that all processes together have learned from."""
    validated: bool
    """Whether the epoch is over and its validation done."""
    dataset_version: str
    knobs: dict[str, Any]
    knobs_sha256: str
    code_revision: str
    launcher: str
    world_size: int
    scheduler: dict[str, Any]
    scaler: dict[str, Any] | None
    """fp16's loss scale."""
    validation: list[float]
    """Validation losses of all epochs so far."""
    scores: list[float]
    """What decides which epoch was the best, lower is better, of all epochs so far."""
    score: float | None
    """This checkpoint's own, if it was made right after a validation."""
    rows: list[dict[str, float]]
    """Everything logged so far, so that the curves of a resumed run are whole."""
    tracking_id: str | None
    """The run's id at W&B."""
    rate_factor: float = 1.0
    """Of the schedule's learning rates, where an alarm has lowered them."""
    callbacks: dict[str, dict[str, Any]] = {}
    """What callbacks keep, by their name."""
    files: dict[str, Saved] = {}


@dataclass(frozen=True)
class Checkpoint:
    """One that was read and is whole."""

    folder: Path
    state: RunState
    tensors: dict[str, Tensors]
    """File name -> name -> tensor, on the CPU."""


def json_sha256(values: Mapping[str, Any]) -> str:
    """Of the one JSON text that knobs, or a state, have."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def newest_first(folder: Path) -> list[Path]:
    """The checkpoints in a folder, as named; whole or not."""
    return sorted(folder.glob("step-*"), reverse=True)


def newest_whole(folder: Path, opened: Callable[[Path], T], log: Callable[[str], None]) -> T | None:
    """What `opened` gives of the newest that it can read; damaged ones (InputError) are named and passed over. None if there is none at all.

    InputError if there are some and none is whole: such a run does not begin anew by itself.
    """
    damaged: list[str] = []
    for place in newest_first(folder):
        try:
            found = opened(place)
        except InputError as error:
            damaged.append(str(error))
            log(f"DAMAGED CHECKPOINT: {error}")
            continue
        if damaged:
            log(f"using the one before: {place}")
        return found
    if damaged:
        raise InputError(
            "holds checkpoints, and none of them can be read.", file=folder, found="; ".join(damaged),
            fix="Restore one from a backup, or remove the folder to begin anew.",
        )  # fmt: skip
    return None


def clear_partial(folder: Path, log: Callable[[str], None]) -> None:
    """Remove what was half written, or half removed, when a run was killed."""
    for partial in folder.glob(".step-*.partial"):
        log(f"{partial} is half a checkpoint, from when the run was killed; removed")
        shutil.rmtree(partial)


def remove(checkpoint: Path) -> None:
    """Remove one. Half removed it must not look like a checkpoint."""
    gone = checkpoint.with_name(f".{checkpoint.name}.partial")
    checkpoint.rename(gone)
    shutil.rmtree(gone)


def free_bytes(folder: Path) -> int:
    """Free on the disk where a folder is, or will be."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(there).free


def room(folder: Path) -> int:
    """Bytes for checkpoints: what is free, and what those in the folder take."""
    return free_bytes(folder) + sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())


def size_of(files: Mapping[str, Mapping[str, Tensor]]) -> int:
    """Bytes that a checkpoint of these tensors takes, about."""
    return sum(t.numel() * t.element_size() for tensors in files.values() for t in tensors.values()) + _SPARE_BYTES


class CheckpointFolder:
    """The checkpoints of one stage: the `keep_last` newest and the best one. Used by one process; `log` tells people what happens."""

    def __init__(self, folder: Path, keep_last: int, log: Callable[[str], None]):
        self.folder, self.keep_last, self._log = folder, keep_last, log

    def all(self) -> list[Path]:
        """Newest first, as named; whole or not."""
        return newest_first(self.folder)

    def require_room(self, bytes_needed: int) -> None:
        """InputError if the disk cannot take the kept checkpoints and one more while it is written."""
        needed, free = bytes_needed * (self.keep_last + 2), room(self.folder)
        if free < needed:
            raise InputError(
                f"the disk has no room for this run's checkpoints: {needed >> 20} MB are needed.", file=self.folder, found=f"{free >> 20} MB free",
                fix=f"Free some, or lower runs.keep_last (now {self.keep_last}) in params.yaml.",
            )  # fmt: skip

    def save(self, state: RunState, files: Mapping[str, Mapping[str, Tensor]]) -> Path | None:
        """Write one, then remove those that are no longer kept. None, and a loud line, if the disk is too full: the earlier ones stay."""
        place = self.folder / f"step-{state.step:08d}"
        partial = self.folder / f".{place.name}.partial"
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(partial, ignore_errors=True)
        if self.free() < size_of(files):
            self._log(f"NO CHECKPOINT at step {state.step}: the disk has {self.free() >> 20} MB free and it takes {size_of(files) >> 20} MB")
            return None
        partial.mkdir()
        try:
            for name, tensors in files.items():
                save_file(dict(tensors), partial / name)
                force(partial / name)
            saved = {name: Saved(bytes=(partial / name).stat().st_size, sha256=sha256(partial / name)) for name in files}
            _write_state(partial / "state.json", state.model_copy(update={"files": saved}))
            force(partial)
            shutil.rmtree(place, ignore_errors=True)  # one of the same step: a run that resumed before it and came here again
            partial.rename(place)
            force(self.folder)
        except OSError as error:
            shutil.rmtree(partial, ignore_errors=True)
            self._log(f"NO CHECKPOINT at step {state.step}: {error}")
            return None
        self._clean()
        return place

    def newest(self) -> Checkpoint | None:
        """The newest that is whole; damaged ones are named and passed over. None if this stage has none at all.

        InputError if there are some and none is whole: such a run does not begin anew by itself.
        """
        clear_partial(self.folder, self._log)
        return newest_whole(self.folder, read, self._log)

    def best(self) -> Checkpoint | None:
        """The whole one with the best score among those that have one."""
        scored = [(score, folder) for folder in self.all() if (score := _score(folder)) is not None]
        for _, folder in sorted(scored, key=lambda pair: pair[0]):
            try:
                return read(folder)
            except InputError as error:
                self._log(f"DAMAGED CHECKPOINT: {error}")
        return None

    def make_room(self) -> int:
        """Remove all but the newest that is whole and the best one. Returns how many bytes that gave back."""
        before = self.free()
        newest = self.newest()
        if newest is not None:
            self._remove_all_but({newest.folder.name} | self._best_name())
        return max(0, self.free() - before)

    def _clean(self) -> None:
        self._remove_all_but({folder.name for folder in self.all()[: self.keep_last]} | self._best_name())

    def _best_name(self) -> set[str]:
        scored = [(score, folder.name) for folder in self.all() if (score := _score(folder)) is not None]
        return {min(scored)[1]} if scored else set()

    def _remove_all_but(self, kept: set[str]) -> None:
        for folder in self.all():
            if folder.name not in kept:
                remove(folder)

    def free(self) -> int:
        """Bytes that are free on its disk."""
        return free_bytes(self.folder)


def read(folder: Path) -> Checkpoint:
    """A checkpoint, checked against its sums. InputError that says what is wrong with which file."""
    state = read_state(folder)
    tensors: dict[str, Tensors] = {}
    for name, saved in state.files.items():
        file = folder / name
        try:
            if file.stat().st_size != saved.bytes:
                raise _broken(file, f"has another size than it was written with, {saved.bytes} bytes.", file.stat().st_size)
            if sha256(file) != saved.sha256:
                raise _broken(file, "has other contents than were written.", None)
            tensors[name] = load_file(file)
        except (OSError, SafetensorError) as error:
            raise _broken(file, "cannot be read.", error) from None
    return Checkpoint(folder, state, tensors)


def read_state(folder: Path) -> RunState:
    """A checkpoint's state.json. InputError if it is missing, damaged or not of this format."""
    file = folder / "state.json"
    try:
        written = json.loads(file.read_text(encoding="utf-8"))
        if written.pop("sha256") != json_sha256(written):
            raise _broken(file, "has other contents than were written.", None)
        return RunState.model_validate_json(json.dumps(written))
    except (OSError, ValueError, KeyError, AttributeError, ValidationError) as error:
        raise _broken(file, "cannot be read.", f"{type(error).__name__}: {error}") from None


def _write_state(file: Path, state: RunState) -> None:
    written = state.model_dump(mode="json")
    text = json.dumps(written, sort_keys=True, allow_nan=False)
    file.write_text(json.dumps({**written, "sha256": hashlib.sha256(text.encode()).hexdigest()}, sort_keys=True), encoding="utf-8")
    force(file)


def _broken(file: Path, problem: str, found: object) -> InputError:
    return InputError(problem, file=file, found=found, fix="Nothing to do if an earlier checkpoint is there; it is used instead.")


def _score(folder: Path) -> float | None:
    try:
        return read_state(folder).score
    except InputError:
        return None


def force(path: Path) -> None:
    """Wait until a file's bytes, or a folder's entries, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
