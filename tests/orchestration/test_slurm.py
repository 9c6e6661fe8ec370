"""Stages as jobs of a real Slurm cluster of two nodes, which are both this machine."""

import os
import signal
import time
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


def test_a_job_is_found_again_and_goes_on_after_it_was_lost_or_ended(asker: Asker, slurm: Slurm, tmp_path: Path, box: Path) -> None:
    asker.settings(steps=14, hold=str(tmp_path / "go"))
    killed = asker.launch(dagster=True)
    killed.says("step 12 done")
    killed.kill()
    (number,) = jobs(slurm)
    second = asker.launch(dagster=True)
    second.says("found job count-")
    second.says("step 12 done")
    assert jobs(slurm) == [number]

    # The node's processes are killed, and with them Slurm's job; then the stage alone is told to end, as by Slurm before a time limit.
    (alive,) = box.glob("*/jobs/*/alive-0")
    until(lambda: alive.read_text() == "12", "the supervisor knows how far the stage is")
    for pid in [*processes_of(box, "job.py"), *processes_of(box)]:
        kill(pid)
    second.says("attempt 1 was lost")
    second.says("from step 10")
    until(lambda: second.text.count("step 12 done") == 2, "the second attempt goes on")
    (stage,) = processes_of(box, "training.count")
    kill(stage, signal.SIGTERM)
    second.says("attempt 2 was ended by its host")
    second.says("from step 12")
    assert number not in jobs(slurm)
    second.kill()
    (tmp_path / "go").touch()
    until(lambda: any('"code": 0' in file.read_text() for file in box.glob("*/jobs/*/attempts/0003-0.json")), "it ends with nobody watching")
    last = asker.launch(dagster=True)
    assert last.wait() == 0 and "has ended well on box meanwhile" in last.text, last.text
    assert steps(last.text) == [*range(1, 13), 11, 12, 13, 14]
    last.check_messages()
    launch = asker.artifact("launch.json")
    assert (launch["launcher"], launch["attempts"], launch["lost_steps"]) == ("slurm", 3, 2) and launch["slurm"] != number
    assert launch["lost_seconds"] > 0


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


def test_by_way_of_a_login_node(asker: Asker, slurm: Slurm, tmp_path: Path, box: Path, request: pytest.FixtureRequest) -> None:
    """Which knows of Slurm where this side does not: a job is found again, requeued, cancelled, and goes on."""
    login = Sshd(tmp_path / "login", more=f"SetEnv SLURM_CONF={slurm.conf}\n")
    request.addfinalizer(login.stop)
    config = ["-F", str(login.folder / "ssh_config")]
    asker.env = {}
    asker.hosts(box={"launcher": "slurm", "hosts": ["login"], "folder": str(box), "python": PYTHON, "ssh_options": config})
    asker.settings(steps=12, hold=str(tmp_path / "go"))
    killed = asker.launch(dagster=True)
    killed.says("step 2 done")
    killed.kill()
    (number,) = jobs(slurm)
    second = asker.launch(dagster=True)
    second.says("found job count-")
    second.says("step 10 done")
    slurm.ask("scontrol", "requeue", number)
    until(lambda: slurm.ask("squeue", "-h", "-j", number, "-o", "%T %r").strip() == "PENDING BeginTime", "Slurm has it in the queue again")
    slurm.ask("scontrol", "update", f"JobId={number}", "StartTime=now+2")  # else it waits for two minutes; at once, slurmd still refuses its number
    second.says("[count] from step 10")
    second.says("step 11 done")
    assert jobs(slurm) == [number]
    os.killpg(second.process.pid, signal.SIGTERM)
    assert second.wait() == 128 + signal.SIGTERM, second.text
    assert processes_of(box) == [] and jobs(slurm) == []

    (tmp_path / "go").touch()
    last = asker.launch(dagster=True)
    assert last.wait() == 0, last.text
    assert steps(last.text) == list(range(1, 13)) and "from step 11" in last.text
    last.check_messages()
    assert (asker.folder / "artifacts/count/picture.png").read_bytes() == b"picture of step 12" and asker.artifact("run.json")["images"]
    launch = asker.artifact("launch.json")
    assert (launch["attempts"], launch["lost_steps"]) == (3, 0) and launch["slurm"] != number and launch["lost_seconds"] > 0


def test_options_that_slurm_refuses_are_told(asker: Asker, box: Path) -> None:
    asker.hosts(box={"launcher": "slurm", "folder": str(box), "python": PYTHON, "sbatch": ["--partition=nowhere"]})
    refused = asker.run()
    assert refused.process.returncode == 1 and "error: hosts.yaml: targets.box: " in refused.text and "Invalid partition" in refused.text


@pytest.mark.slow
def test_two_nodes_train_together_whatever_becomes_of_one_or_of_the_launcher(slurm: Slurm, tmp_path: Path, box: Path) -> None:
    go = tmp_path / "go"
    asker = make_asker_of_two(tmp_path / "asker", steps=9, hold=str(go))
    asker.env = slurm.env
    asker.hosts(box={"launcher": "slurm", "nodes": 2, "folder": str(box), "python": PYTHON, "interface": "lo", "rendezvous_port": free_port()})
    killed = asker.launch(dagster=True)
    try:
        killed.says("step 7 sum 3")
        killed.kill()
        assert slurm.ask("squeue", "-h", "-o", "%D %T").split() == ["2", "RUNNING"]
        (first,) = jobs(slurm)
        running = processes_of(box)
        second = asker.launch(dagster=True)
        second.says("found job count-")
        second.says("step 7 sum 3")
        assert (processes_of(box), jobs(slurm)) == (running, [first])

        # One node hangs, which Slurm has not noticed: its last sign of life was long ago.
        job = next(box.glob("*/jobs/*"))
        hanging = [pid for pid in processes_of(box, "job.py") if Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[-2] == b"1"]
        hanging += [pid for pid in running if f"SCREENRY_JOB={job}:1:".encode() in Path(f"/proc/{pid}/environ").read_bytes()]
        assert len(hanging) > 1
        for pid in hanging:
            kill(pid, signal.SIGSTOP)
        os.utime(job / "alive-1", (time.time() - 100,) * 2)
        second.says("attempt 1 was lost")
        until(lambda: second.text.count("step 7 sum 3") == 2, "it goes on")
        (number,) = jobs(slurm)
        assert number != first and "[count] from step 5 on 2" in second.text

        os.killpg(second.process.pid, signal.SIGTERM)
        assert second.wait() == 128 + signal.SIGTERM, second.text
        assert processes_of(box) == [] and jobs(slurm) == []

        go.touch()
        last = asker.launch(dagster=True)
        assert last.wait() == 0, last.text
    finally:
        for launched in asker.launched:
            launched.kill()
        slurm.ask("scancel", "--me", check=False)
    last.check_messages()
    assert asker.artifact("metrics.json") == {"sum": 3, "begun": 5}
    assert (asker.folder / "artifacts/count/picture.png").read_bytes() == b"picture"
    launch = asker.artifact("launch.json")
    assert launch["attempts"] == 3 and launch["slurm"] not in (first, number) and launch["lost_steps"] >= 2
