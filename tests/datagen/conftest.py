"""One browser for all tests of this room, and a folder that looks like a clone."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from datagen.browser import Browser

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Open for one file only: while Playwright's event loop lives in this process, nothing else (Dagster) can run one."""
    with Browser() as open_browser:
        yield open_browser


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository with our params.yaml and DVC's settings, as the current folder."""
    shutil.copy(REPOSITORY / "params.yaml", tmp_path)
    (tmp_path / ".dvc").mkdir()
    shutil.copy(REPOSITORY / ".dvc/config", tmp_path / ".dvc/config")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    return tmp_path


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(workplace: Path) -> Run:
    """Run one of this room's commands in a fresh process, in the workplace."""

    def started(command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        variables = {**os.environ, "PYTHONPATH": str(REPOSITORY), **environment}
        return subprocess.run([sys.executable, "-m", *command.split()], cwd=workplace, env=variables, capture_output=True, text=True, timeout=120)

    return started


@pytest.fixture
def knob(workplace: Path) -> Callable[[str, str, object], None]:
    """Set a value in the workplace's params.yaml: `knob("render", "seed", 3)`."""

    def change(section: str, key: str, value: object) -> None:
        params = yaml.safe_load((workplace / "params.yaml").read_text())
        preset = params["presets"][params["preset"]]
        home = params[section] if key in params.get(section, {}) else preset[section]
        home[key] = value
        (workplace / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))

    return change
