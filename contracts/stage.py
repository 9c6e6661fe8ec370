"""What every stage of the line does around its own work.

    with stage("pretrain_mae", knobs) as s:
        for batch in s.progress(batches, "pretrain_mae"): ...
        s.report({"loss": 0.12}, images={"reconstructions": "reconstructions.png"})

A stage writes into `s.folder`, which becomes `artifacts/<name>/` only when the block ends well: a failed or killed stage leaves no artifact,
and what it left is removed by the next run; only `s.checkpoints` stays, from which a stage that keeps some goes on. `run.json` stands in the folder
from the first moment. In a job of several processes rank 0 alone writes and reports. This is the only module that speaks Dagster Pipes.
"""

import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tqdm import tqdm

from contracts.dataset import dataset_version as current_dataset_version
from contracts.errors import InputError
from contracts.files import write_json
from contracts.knobs import Hardware, Knobs, preset_name

if TYPE_CHECKING:
    from dagster_pipes import PipesContext

ARTIFACTS = Path("artifacts")
_LIBRARIES = ("torch", "timm", "lightning", "deepspeed", "ffcv", "webdataset", "faster-coco-eval", "numpy", "pillow", "playwright")
# Seconds between lines of a progress bar that nobody watches live (a log file, Dagster).
_LOG_EVERY = 10.0
_Item = TypeVar("_Item")


def artifact(name: str) -> Path:
    """The finished artifact folder of a stage. InputError that says how to make it if it is not there."""
    folder = ARTIFACTS / name
    if not (folder / "run.json").is_file():
        raise InputError("is not there yet.", file=folder, fix=f"Run `dvc repro {name}`.")
    return folder


def artifact_text(name: str, file: str) -> str:
    """A text file of a stage's finished artifact. InputError that says how to make it again if it is not in it."""
    try:
        return (artifact(name) / file).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise missing_file(name, file) from None


def missing_file(name: str, file: str) -> InputError:
    """The error of an artifact that lacks one of its files."""
    return InputError(
        "is missing from this artifact.", file=artifact(name) / file, fix=f"Run `dvc repro --force --single-item {name}` to make it again."
    )


def rank() -> int:
    """This process's number in its job; 0 when it runs alone."""
    return int(os.environ.get("RANK", "0"))


class Stage:
    """A running stage: its folder to write into, its settings, and how it tells what happens."""

    def __init__(self, name: str, folder: Path, pipes: "PipesContext | None", dataset_version: str):
        self.name, self.folder, self._pipes, self.dataset_version = name, folder, pipes, dataset_version
        self._metrics: dict[str, float] = {}
        self._images: dict[str, str] = {}

    @property
    def checkpoints(self) -> Path:
        """Where a stage may keep what a later run of it goes on from: outlives a failed or killed run, goes when one has ended well."""
        return ARTIFACTS / f".{self.name}.checkpoints"

    def log(self, message: str) -> None:
        """One line for people: to the terminal, and to Dagster's event log when it started this stage. Silent on other ranks."""
        if rank() == 0:
            tqdm.write(f"[{self.name}] {message}", file=sys.stderr)
            if self._pipes:
                self._pipes.log.info(message)

    def report(self, metrics: Mapping[str, float] | None = None, images: Mapping[str, str] | None = None) -> None:
        """Add to the stage's `metrics.json` (flat, name -> number) and to its images (title -> file name inside the folder)."""
        for key, value in (metrics or {}).items():
            if value != value or value in (float("inf"), float("-inf")):
                raise ValueError(f"{self.name}: metric {key} is {value}; an error must not become a result")
            self._metrics[key] = value
        for title, file in (images or {}).items():
            if rank() == 0 and not (self.folder / file).is_file():
                raise FileNotFoundError(self.folder / file)
            self._images[title] = file
        if rank() == 0:
            write_json(self.folder / "metrics.json", self._metrics)
            if metrics:
                self.log(", ".join(f"{key} {value:.6g}" for key, value in metrics.items()))

    def progress(self, items: Iterable[_Item], description: str, total: int | None = None) -> Iterator[_Item]:
        """`items` with a progress bar and ETA; in a log file one line every ten seconds."""
        return iter(progress(items, description, total))


def progress(items: Iterable[_Item], description: str, total: int | None = None) -> "tqdm[_Item]":
    """A progress bar with ETA on stderr: live on a terminal, a line every ten seconds in a log; none on ranks above 0."""
    live = sys.stderr.isatty()
    return tqdm(
        items, desc=description, total=total, disable=rank() > 0, dynamic_ncols=live, ascii=not live,
        mininterval=0.1 if live else _LOG_EVERY, maxinterval=_LOG_EVERY, file=sys.stderr,
    )  # fmt: skip


@contextmanager
def stage(name: str, knobs: Knobs, hardware: Hardware | None = None, *, dataset_version: str | None = None) -> Iterator[Stage]:
    """Run one stage; see the module's text. The dataset version is read before anything is written: no dataset, no stage.

    `hardware` is written down in `run.json` and used for nothing. `dataset_version` is given by runs on other data than `data.dvc`'s.
    """
    version = dataset_version or current_dataset_version()
    final, folder = ARTIFACTS / name, ARTIFACTS / f".{name}.partial"
    if rank() > 0:
        yield Stage(name, folder, None, version)
        return
    with ExitStack() as stack:
        pipes = stack.enter_context(_open_pipes()) if "DAGSTER_PIPES_CONTEXT" in os.environ else None
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        # The clock says when, and may be set meanwhile; how long is told by the one that only goes on.
        started, began = time.time(), time.monotonic()
        run: dict[str, Any] = {
            "stage": name, "preset": preset_name(), "knobs": knobs.model_dump(mode="json"),
            "hardware": hardware and hardware.model_dump(mode="json"), "dataset_version": version,
            "code_revision": code_revision(), "libraries": _library_versions(), "host": _host(), "command": sys.argv,
            "started": _iso(started), "finished": None,
        }  # fmt: skip
        write_json(folder / "run.json", run)
        s = Stage(name, folder, pipes, version)
        try:
            yield s
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) * 1024
        seconds = time.monotonic() - began
        run |= {"finished": _iso(started + seconds), "seconds": round(seconds, 3), "peak_memory_bytes": peak, "images": s._images}
        write_json(folder / "run.json", run)
        if not (folder / "metrics.json").is_file():
            write_json(folder / "metrics.json", {})
        shutil.rmtree(final, ignore_errors=True)
        folder.rename(final)
        shutil.rmtree(s.checkpoints, ignore_errors=True)


def _open_pipes() -> "PipesContext":
    """The way back to Dagster, which only a stage that it has started needs."""
    from dagster_pipes import open_dagster_pipes

    return open_dagster_pipes()


def read_run(name: str) -> dict[str, Any]:
    """`run.json` of a finished stage. InputError if it was made from another dataset version than `data.dvc` names now."""
    path = artifact(name) / "run.json"
    run: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if run.get("dataset_version") != current_dataset_version():
        raise InputError(
            f"was made from another dataset version; data.dvc says {current_dataset_version()}.", file=path, field="dataset_version",
            found=run.get("dataset_version"), fix=f"Run `dvc repro {name}` to make it again from this version.",
        )  # fmt: skip
    return run


def code_revision() -> str:
    """Git commit of the working tree, with `+changes` if tracked files differ from it; `unknown` outside a repository."""
    try:
        revision = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
        # data.dvc and dvc.lock move with every run; they say what was made, not what made it.
        dirty = subprocess.run(
            ["git", "status", "--porcelain", "-uno", "--", ".", ":!data.dvc", ":!dvc.lock"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return revision + ("+changes" if dirty.strip() else "")


def _library_versions() -> dict[str, str]:
    found = {}
    for library in _LIBRARIES:
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    return found


def _host() -> dict[str, Any]:
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "processor": platform.machine(),
        "gpus": _gpus(),
    }


def _gpus() -> list[str]:
    """Names of this host's GPUs, asked without torch; none where there is no NVIDIA driver."""
    if shutil.which("nvidia-smi") is None:
        return []
    listing = subprocess.run(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"], capture_output=True, text=True, check=False)
    return listing.stdout.split("\n")[:-1] if listing.returncode == 0 else []


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
