"""Fixtures that several rooms share: clones of this repository, and one in which the whole line has run."""

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from filelock import FileLock

# Before torch is loaded anywhere, children included: workers share the cores (why passive: orchestration/launch.py).
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A test run that a script starts in the background inherits an ignored SIGINT, and so would every command that a test interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

REPOSITORY = Path(__file__).parent.parent
# What a clone borrows instead of installing it again.
INSTALLED = (".venv", ".tools", "datagen/kits/node_modules")
# The smallest preset that runs every part of the line; its figures mean nothing.
SMALLEST: dict[str, dict[str, Any]] = {
    "render": {"shards": 4, "shard_size": 8},
    "pack_beton": {"image_size": [96, 128]},
    "pack_grounding": {"max_pixels": 19200, "expressions_per_screen": 4, "samples_per_user": 12},
    "pretrain_mae": {"epochs": 1, "warmup_epochs": 0},
    "pretrain_hjepa": {"epochs": 1, "warmup_epochs": 0},
    "train_detector": {"epochs": 2, "warmup_epochs": 0},
    "tune_grounder": {"max_samples": 32, "warmup_steps": 0},
    "personalize_grounder": {"users": [1], "folds": [0], "epochs": 1, "warmup_steps": 0},
    "eval_grounding": {"samples": 4, "samples_per_fold": 3},
    "eval_latency": {"modes": ["eager"], "calls": 2},
    "eval_transfer": {"shots": [1], "draws": 1, "steps": 1, "screens": 2, "resamples": 10},
    "eval_probes": {"epochs": 2, "segmentation_epochs": 1},
}
# Few kits, for the same reason: each brings scripts and styles that are loaded once.
FEW_KITS = ["bootstrap", "bespoke-web", "bespoke-mobile", "bespoke-desktop"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that hold slow tests come first, so that at the end no process is left alone with one (the Makefile keeps xdist from ordering them anew)."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real screens named by SCREENRY_REAL_DATA; tests that need it are skipped without it."""
    folder = os.environ.get("SCREENRY_REAL_DATA")
    if not folder:
        pytest.skip("SCREENRY_REAL_DATA names no folder of real screens")
    return Path(folder)


@dataclass(frozen=True)
class Clone:
    """A clone of this repository's working tree, with the tools that are installed here."""

    folder: Path

    def run(self, command: str, **env: str) -> subprocess.CompletedProcess[str]:
        """A shell command as a person in the clone would type it (the project's programs on PATH), without a terminal."""
        variables = {k: v for k, v in os.environ.items() if not k.startswith(("DAGSTER", "PYTEST", "VIRTUAL_ENV"))}
        variables |= {"PATH": f"{self.folder / '.venv/bin'}:{os.environ['PATH']}"} | env
        return subprocess.run(["bash", "-c", command], cwd=self.folder, env=variables, capture_output=True, text=True, stdin=subprocess.DEVNULL)

    def check(self, command: str, **env: str) -> str:
        """stdout of a command that must succeed."""
        done = self.run(command, **env)
        assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}\n{done.stderr[-8000:]}"
        return done.stdout


def make_clone(folder: Path) -> Clone:
    """Clone the working tree (uncommitted changes included) into `folder`, with its own git history and the smallest preset."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=REPOSITORY, capture_output=True, check=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        if (REPOSITORY / name).is_file() and name != "data.dvc" and name != "dvc.lock":
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, folder / name)
    for name in INSTALLED:
        (folder / name).symlink_to(REPOSITORY / name)
    params = yaml.safe_load((folder / "params.yaml").read_text())
    for stage, values in SMALLEST.items():
        section = params["presets"]["tiny-cpu"][stage]
        unknown = values.keys() - section.keys()
        assert not unknown, f"tests/conftest.py: SMALLEST names knobs that {stage} no longer has: {unknown}"
        section.update(values)
    params["render"]["kits"], params["dataset"]["unseen_kits"] = FEW_KITS, FEW_KITS[-1:]
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    clone = Clone(folder)
    clone.check("git init -q -b main && git add -A && git -c user.name=t -c user.email=t@example.org commit -qm clone")
    return clone


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """A fresh clone without data."""
    return make_clone(tmp_path / "screenry")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone in which `make demo` has run with the smallest preset: made once for all workers, copied for each."""
    if not (REPOSITORY / ".venv/.ready").is_file():
        pytest.fail("The clone borrows what `make setup` installs, and it has not run here. Run `make setup` first.")
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    made = shared / "demo" / "screenry"
    with FileLock(shared / "demo.lock"):
        if not (made / "first.log").is_file():
            done = make_clone(made).run("make demo")
            assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-8000:]
            (made / "first.log").write_text(done.stdout)
        return copy_of(Clone(made), base / "own-demo")


def copy_of(clone: Clone, folder: Path) -> Clone:
    """A clone with the same history, data and artifacts, to change at will."""
    shutil.copytree(clone.folder, folder / "screenry", symlinks=True)
    return Clone(folder / "screenry")
