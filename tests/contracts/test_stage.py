"""A stage leaves a whole artifact or none."""

import calendar
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from contracts.errors import InputError
from contracts.knobs import Knobs
from contracts.stage import artifact, read_run, stage

PROGRAM = """
import os, signal, sys, time
from contracts.errors import InputError, run_command
from contracts.knobs import Knobs
from contracts.stage import stage
class BakeKnobs(Knobs):
    seed: int
def main():
    with stage("bake", BakeKnobs(seed=1)) as s:
        (s.folder / "loaf.txt").write_text(sys.argv[1])
        if sys.argv[1] == "wrong":
            raise InputError("is no flour.", file="sack.txt", field="kind", found="sand", fix="Buy flour.")
        if sys.argv[1] == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        for _ in s.progress(range(3), "baking"):
            pass
        s.report({"crumbs": 3}, images={"loaf": "loaf.txt"})
run_command(main)
"""


@pytest.fixture
def kitchen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.dvc").write_text("outs:\n- md5: v1.dir\n")
    (tmp_path / "params.yaml").write_text("preset: small\npresets: {small: {}}\n")
    return tmp_path


def bake(how: str, **env: str) -> subprocess.CompletedProcess[str]:
    source = str(Path(__file__).parents[2])
    return subprocess.run([sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": source} | env)


def test_a_finished_stage(kitchen: Path) -> None:
    done = bake("good")
    assert done.returncode == 0, done.stderr
    assert (artifact("bake") / "loaf.txt").read_text() == "good"
    run = read_run("bake")
    assert (run["stage"], run["preset"], run["knobs"], run["dataset_version"], run["images"]) == (
        "bake",
        "small",
        {"seed": 1},
        "v1.dir",
        {"loaf": "loaf.txt"},
    )
    assert run["finished"] >= run["started"] and run["seconds"] >= 0 and run["peak_memory_bytes"] > 1e6
    assert json.loads((kitchen / "artifacts/bake/metrics.json").read_text()) == {"crumbs": 3}
    assert "crumbs 3" in done.stderr and "baking" in done.stderr


@pytest.mark.parametrize("jump", [-86_400.0, 86_400.0])
def test_a_clock_that_is_set_meanwhile_falsifies_no_duration(kitchen: Path, monkeypatch: pytest.MonkeyPatch, jump: float) -> None:
    class BakeKnobs(Knobs):
        pass

    with stage("bake", BakeKnobs()):
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + jump)
    run = read_run("bake")
    told = [calendar.timegm(time.strptime(run[moment], "%Y-%m-%dT%H:%M:%SZ")) for moment in ("started", "finished")]
    assert 0 <= run["seconds"] < 3600 and all(abs(moment - now) < 3600 for moment in told)


def test_a_failing_stage_leaves_nothing_and_says_one_paragraph(kitchen: Path) -> None:
    done = bake("wrong")
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1] == "error: sack.txt: kind: is no flour. Found: sand. Buy flour."
    assert list((kitchen / "artifacts").iterdir()) == []


def test_a_failing_stage_keeps_the_last_good_artifact(kitchen: Path) -> None:
    assert bake("good").returncode == 0
    assert bake("wrong").returncode == 1
    assert (artifact("bake") / "loaf.txt").read_text() == "good"


def test_a_killed_stage_is_no_artifact_and_the_next_run_cleans_up(kitchen: Path) -> None:
    assert bake("killed").returncode == -signal.SIGKILL
    with pytest.raises(InputError, match="dvc repro bake"):
        artifact("bake")
    assert bake("good").returncode == 0
    assert [p.name for p in (kitchen / "artifacts").iterdir()] == ["bake"]


def test_only_rank_zero_writes(kitchen: Path) -> None:
    (kitchen / "artifacts/.bake.partial").mkdir(parents=True)
    done = bake("good", RANK="1")
    assert done.returncode == 0 and done.stderr == ""
    assert [p.name for p in (kitchen / "artifacts").iterdir()] == [".bake.partial"]


def test_another_dataset_version_is_refused(kitchen: Path) -> None:
    bake("good")
    (kitchen / "data.dvc").write_text("outs:\n- md5: v2.dir\n")
    with pytest.raises(
        InputError, match=r"bake/run\.json: dataset_version: was made from another dataset version; data\.dvc says v2\.dir\. Found: v1\.dir"
    ):
        read_run("bake")


def test_no_dataset_no_stage(kitchen: Path) -> None:
    (kitchen / "data.dvc").unlink()
    done = bake("good")
    assert done.returncode == 1 and "make demo" in done.stderr and not (kitchen / "artifacts").exists()


def test_an_error_never_becomes_a_metric(kitchen: Path) -> None:
    with pytest.raises(ValueError, match="metric loss is nan"), stage("bake", Knobs()) as s:
        s.report({"loss": float("nan")})
    assert list((kitchen / "artifacts").iterdir()) == []
