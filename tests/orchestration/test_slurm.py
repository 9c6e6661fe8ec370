"""Stages as jobs of a real Slurm cluster of two nodes, which are both this machine."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.orchestration.cluster import PYTHON, Asker, Slurm, Sshd, free_port, kill, make_asker, make_asker_of_two, processes_of, steps, until

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def slurm() -> Iterator[Slurm]:
    cluster = Slurm()
    yield cluster
    cluster.stop()


@pytest.fixture
def box(tmp_path: Path) -> Path:
    return tmp_path / "box"


@pytest.fixture
def asker(tmp_path: Path, slurm: Slurm, box: Path) -> Iterator[Asker]:
    asker = make_asker(tmp_path / "asker")
    asker.env = slurm.env
    asker.hosts(box={"launcher": "slurm", "folder": str(box), "python": PYTHON, "sbatch": ["--time=10"]})
    yield asker
    for launched in asker.launched:
        if launched.process.poll() is None:
            launched.kill()
    slurm.ask("scancel", "--me", check=False)
    for pid in [*processes_of(box, "job.py"), *processes_of(box)]:
        kill(pid)


def jobs(slurm: Slurm) -> list[str]:
    """Numbers of Slurm's jobs that have not ended."""
    return slurm.ask("squeue", "-h", "-o", "%A").split()


def test_a_job_is_followed_found_again_and_collected(asker: Asker, slurm: Slurm, tmp_path: Path, box: Path) -> None:
    asker.settings(steps=12, hold=str(tmp_path / "go"))
    killed = asker.launch()
    killed.says("step 2 done")
    killed.kill()
    (number,) = jobs(slurm)
    second = asker.launch()
    second.says("found job count-")
    second.says("step 10 done")
    assert jobs(slurm) == [number]
    (tmp_path / "go").touch()
    assert second.wait() == 0, second.text
    assert steps(second.text) == list(range(1, 13)) and second.text.count("from step") == 1
    launch = asker.artifact("launch.json")
    assert (launch["launcher"], launch["slurm"], launch["attempts"]) == ("slurm", number, 1)


def test_a_cancelled_launcher_cancels_slurm_s_job(asker: Asker, slurm: Slurm, box: Path) -> None:
    asker.settings(steps=2000)
    launched = asker.launch()
    launched.says("step 3 done")
    os.killpg(launched.process.pid, signal.SIGTERM)
    assert launched.wait() == 128 + signal.SIGTERM, launched.text
    assert processes_of(box) == [] and jobs(slurm) == []
    reached = steps(launched.text)[-1]
    again = asker.launch()
    again.says(f"[count] from step {reached}")
    (number,) = jobs(slurm)
    slurm.ask("scancel", number)
    assert again.wait() == 143 and "was cancelled" in again.text, "what someone takes from the queue is not put there again"


def test_a_requeued_job_goes_on_from_its_checkpoint(asker: Asker, slurm: Slurm, tmp_path: Path, box: Path, request: pytest.FixtureRequest) -> None:
    """Slurm is asked by way of its login node, which knows of it where this side does not."""
    login = Sshd(tmp_path / "login", more=f"SetEnv SLURM_CONF={slurm.conf}\n")
    request.addfinalizer(login.stop)
    config = ["-F", str(login.folder / "ssh_config")]
    asker.env = {}
    asker.hosts(box={"launcher": "slurm", "hosts": ["login"], "folder": str(box), "python": PYTHON, "ssh_options": config})
    asker.settings(steps=12, hold=str(tmp_path / "go"))
    launched = asker.launch()
    launched.says("step 10 done")
    (number,) = jobs(slurm)
    slurm.ask("scontrol", "requeue", number)
    until(lambda: slurm.ask("squeue", "-h", "-j", number, "-o", "%T %r").strip() == "PENDING BeginTime", "Slurm has it in the queue again")
    slurm.ask("scontrol", "update", f"JobId={number}", "StartTime=now")  # else it waits for two minutes
    launched.says("[count] from step 10")
    assert set(jobs(slurm)) <= {number}  # it may have ended by now
    assert launched.wait() == 0, launched.text
    assert steps(launched.text) == list(range(1, 13))
    launch = asker.artifact("launch.json")
    assert (launch["slurm"], launch["attempts"], launch["lost_steps"]) == (number, 2, 0) and launch["lost_seconds"] > 0


def test_options_that_slurm_refuses_are_told(asker: Asker, box: Path) -> None:
    asker.hosts(box={"launcher": "slurm", "folder": str(box), "python": PYTHON, "sbatch": ["--partition=nowhere"]})
    refused = asker.run()
    assert refused.process.returncode == 1 and "error: hosts.yaml: targets.box: " in refused.text and "Invalid partition" in refused.text


@pytest.mark.slow
def test_two_nodes_train_together_and_go_on_after_one_was_lost(slurm: Slurm, tmp_path: Path, box: Path) -> None:
    asker = make_asker_of_two(tmp_path / "asker", hold=str(tmp_path / "never"))
    asker.env = slurm.env
    asker.hosts(box={"launcher": "slurm", "nodes": 2, "folder": str(box), "python": PYTHON, "interface": "lo", "rendezvous_port": free_port()})
    launched = asker.launch()
    try:
        launched.says("step 10 sum 3")
        assert slurm.ask("squeue", "-h", "-o", "%D %T").split() == ["2", "RUNNING"]
        (first,) = jobs(slurm)
        lost = [pid for pid in processes_of(box, "job.py") if Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[-2] == b"1"]
        mark = b"SCREENRY_JOB=" + str(next(box.glob("*/jobs/*"))).encode() + b":1\0"
        lost += [pid for pid in processes_of(box) if mark in Path(f"/proc/{pid}/environ").read_bytes()]
        assert len(lost) > 1
        for pid in lost:
            kill(pid)
        assert launched.wait() == 0, launched.text
    finally:
        launched.kill()
        slurm.ask("scancel", "--me", check=False)
    assert "attempt 1 was lost" in launched.text and "[count] from step 10 on 2" in launched.text
    assert asker.artifact("metrics.json") == {"sum": 3, "begun": 10}
    launch = asker.artifact("launch.json")
    assert launch["attempts"] == 2 and launch["slurm"] != first
