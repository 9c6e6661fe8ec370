"""Stages on another host: a real OpenSSH server on loopback, real processes that are killed on either side."""

import os
import signal
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.orchestration.cluster import PYTHON, Asker, Sshd, check_that_dagster_sees, kill, make_asker, processes_of, steps, until
from tests.orchestration.small_repository import REPOSITORY, Small, environment
from tests.orchestration.test_faults import MATERIALIZE

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    server = Sshd(tmp_path_factory.mktemp("sshd") / "server")
    yield server
    server.stop()


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """The folder of the host in which jobs live."""
    return tmp_path / "box"


@pytest.fixture
def asker(tmp_path: Path, sshd: Sshd, box: Path) -> Iterator[Asker]:
    asker = make_asker(tmp_path / "asker")
    asker.hosts(box=target(sshd, box))
    yield asker
    for launched in asker.launched:
        if launched.process.poll() is None:
            launched.kill()
    for pid in [*processes_of(box, "job.py"), *processes_of(box)]:
        kill(pid)


def target(sshd: Sshd, folder: Path, **more: Any) -> dict[str, Any]:
    return {
        "launcher": "ssh", "hosts": ["box"], "folder": str(folder), "python": PYTHON, "ssh_options": ["-F", str(sshd.folder / "ssh_config")],
        "vanished_after": 20, **more,
    }  # fmt: skip


def test_a_stage_runs_on_the_host_and_its_artifact_comes_back(asker: Asker, box: Path) -> None:
    asker.git("rm", "-q", "--cached", "data.dvc")
    asker.commit()  # data.dvc is one of the files that move with every run: carried, and no change of the code
    done = asker.run()
    assert done.process.returncode == 0, done.text
    assert steps(done.text) == [1, 2, 3] and "[count] from step 0" in done.text
    run = asker.artifact("run.json")
    assert run["code_revision"] == asker.git("rev-parse", "HEAD")
    assert run["dataset_version"] == "0123456789abcdef0123456789abcdef.dir"
    assert asker.artifact("metrics.json") == {"steps": 3, "begun": 0, "input_bytes": 5000}
    launch = asker.artifact("launch.json")
    assert (launch["target"], launch["attempts"], launch["lost_seconds"], launch["lost_steps"]) == ("box", 1, 0, 0)
    assert sorted(path.name for path in (asker.folder / "artifacts").iterdir()) == ["count", "pack"]

    # Forced to run again, it does; the inputs of the older job are not stored twice.
    asker.settings(steps=4)
    assert asker.run().process.returncode == 0 and asker.artifact("metrics.json")["steps"] == 4
    assert {path.stat().st_nlink for path in box.glob("*/jobs/*/tree/artifacts/pack/input.bin")} == {2}

    asker.settings(fail=True)
    failed = asker.run()
    assert failed.process.returncode == 1
    assert failed.text.splitlines()[-1] == "error: params.yaml: count.fail: is set. Found: True. Set it to false."


def test_uncommitted_changes_are_refused_or_carried(asker: Asker, sshd: Sshd, box: Path) -> None:
    (asker.folder / "training/count.py").write_text((asker.folder / "training/count.py").read_text().replace("done", "made"))
    (asker.folder / "contracts/more.py").write_text("")
    refused = asker.run()
    assert refused.process.returncode == 1 and not list(box.glob("*/jobs/*/job.json"))
    assert "has changes that are not committed. Found: training/count.py, contracts/more.py." in refused.text and "changes: carry" in refused.text
    asker.hosts(box=target(sshd, box, changes="carry"))
    carried = asker.run()
    assert carried.process.returncode == 0 and "step 1 made" in carried.text
    assert asker.artifact("run.json")["code_revision"] == asker.git("rev-parse", "HEAD") + "+changes"
    assert len(list(box.glob("*/jobs/*/tree/contracts/more.py"))) == 1
    assert asker.git("status", "--porcelain").splitlines() == ["M training/count.py", "?? contracts/more.py"], (
        "nothing changes here, the index included"
    )


def test_what_the_host_lacks_is_named(asker: Asker, sshd: Sshd, box: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", with_pip=False)
    asker.hosts(box=target(sshd, box, python=str(tmp_path / "bare/bin/python")))
    bare = asker.run()
    assert bare.process.returncode == 1
    assert "error: hosts.yaml: targets.box: box lacks the Python modules " in bare.text and "pydantic" in bare.text and "tqdm" in bare.text
    (tmp_path / "file").write_text("")
    asker.hosts(box=target(sshd, tmp_path / "file" / "box"))
    assert "box lacks a folder " in asker.run().text
    asker.hosts(box=target(sshd, box, python="/nowhere/python"))
    assert "/nowhere/python: No such file or directory" in asker.run().text


def test_a_refused_key_and_a_host_that_is_not_there_are_told(asker: Asker, sshd: Sshd, box: Path) -> None:
    asker.hosts(box=target(sshd, box, ssh_options=["-F", str(sshd.folder / "stranger_config")]))
    refused = asker.run()
    assert refused.process.returncode == 1
    assert "error: hosts.yaml: targets.box.hosts: box does not let this user in: " in refused.text and "Permission denied (publickey)" in refused.text
    asker.hosts(box=target(sshd, box, ssh_options=["-F", str(sshd.folder / "ssh_config"), "-o", "ControlPath=none", "-o", "Port=1"]))
    gone = asker.run()
    assert gone.process.returncode == 1 and "error: hosts.yaml: targets.box: box does not answer: " in gone.text and "Connection refused" in gone.text


def test_a_cancelled_launcher_stops_the_job_which_goes_on_from_its_checkpoint(asker: Asker, box: Path) -> None:
    asker.settings(steps=2000)
    reached = 0
    for number in (signal.SIGTERM, signal.SIGINT):
        launched = asker.launch()
        launched.says(f"[count] from step {reached}")
        launched.says(f"step {reached + 3} done")
        os.killpg(launched.process.pid, number)  # as Dagster and a terminal do: the whole group
        assert launched.wait() == 128 + number, launched.text
        assert processes_of(box) == processes_of(box, "job.py") == []
        reached = steps(launched.text)[-1]
        asker.commit()  # another revision with the same inputs
    (state,) = box.glob("*/jobs/*/attempts/0002-0.json")
    assert '"told_to_end": true' in state.read_text() and '"lost_steps": 0' in state.read_text()


def test_a_job_whose_launcher_was_killed_is_found_and_never_started_twice(asker: Asker, box: Path, tmp_path: Path) -> None:
    asker.settings(steps=12, hold=str(tmp_path / "go"))
    killed = asker.launch()
    killed.says("step 2 done")
    killed.kill()
    stage = processes_of(box, "training.count")
    assert len(stage) == 1
    second = asker.launch()
    second.says("found job count-")
    second.says("step 2 done")
    assert processes_of(box, "training.count") == stage
    second.kill()
    (tmp_path / "go").touch()
    until(lambda: not processes_of(box), "the job ends with nobody watching")
    third = asker.run()
    assert third.process.returncode == 0 and "has ended well on box meanwhile" in third.text
    assert steps(third.text) == list(range(1, 13)) and third.text.count("from step") == 1
    assert asker.artifact("metrics.json")["steps"] == 12 and asker.artifact("launch.json")["attempts"] == 1


def test_inputs_that_change_stop_the_job_that_nobody_waits_for(asker: Asker, box: Path) -> None:
    asker.settings(steps=2000)
    killed = asker.launch()
    killed.says("step 2 done")
    killed.kill()
    (asker.folder / "artifacts/pack/run.json").write_text('{"finished": "later"}')
    asker.settings(steps=4)
    done = asker.run()
    assert done.process.returncode == 0 and steps(done.text) == [1, 2, 3, 4]
    assert processes_of(box) == []


def test_a_broken_connection_loses_and_doubles_nothing(asker: Asker, sshd: Sshd, box: Path, tmp_path: Path) -> None:
    asker.hosts(box=target(sshd, box, ssh_options=["-F", str(sshd.folder / "ssh_config"), "-o", "ControlPath=none"]))
    asker.settings(steps=12, hold=str(tmp_path / "go"))
    launched = asker.launch(dagster=True)
    for broken, line in enumerate(("step 3 done", "step 10 done")):
        launched.says(line)
        sshd.cut()
        until(lambda broken=broken: launched.text.count("trying again") == broken + 1, "the launcher notices")
    (tmp_path / "go").touch()
    assert launched.wait() == 0, launched.text
    assert steps(launched.text) == list(range(1, 13))
    launched.check_messages()


def test_a_job_that_its_host_ends_goes_on_from_its_checkpoint(asker: Asker, box: Path, sshd: Sshd) -> None:
    """First told to end, then killed with its supervisor, as by a reboot; the third time is once too often."""
    asker.hosts(box=target(sshd, box, max_resumes=2))
    asker.settings(steps=2000)
    launched = asker.launch()
    launched.says("step 3 done")
    (stage,) = processes_of(box, "training.count")
    kill(stage, signal.SIGTERM)
    launched.says("attempt 1 was ended by its host")
    until(lambda: len(steps(launched.text)) > 12, "steps of the second attempt")
    for pid in [*processes_of(box, "job.py"), *processes_of(box)]:
        kill(pid)
    launched.says("attempt 2 was lost")
    until(lambda: launched.text.count("from step") == 3, "the third attempt")
    resumed = [int(line.split()[-1]) for line in launched.text.splitlines() if "from step" in line]
    assert 0 < resumed[1] < resumed[2] and resumed[2] % 5 == 0
    until(lambda: steps(launched.text)[-1] > resumed[2], "a step of the third attempt")
    kill(processes_of(box, "training.count")[0], signal.SIGTERM)
    assert launched.wait() == 143 and "not tried again (targets.box.max_resumes)" in launched.text
    (state,) = box.glob("*/jobs/*/attempts/0003-0.json")
    assert f'"resumed_step": {resumed[2]}, "lost_steps": ' in state.read_text()
    # Started once more, by a person or a retry of Dagster's, it goes on; what was lost is written down with the artifact.
    again = asker.launch()
    again.says(", attempt 4")
    again.process.terminate()
    again.wait()


def test_a_vanished_host_is_noticed_and_the_stage_goes_on_elsewhere(asker: Asker, sshd: Sshd, box: Path, tmp_path: Path) -> None:
    doomed = Sshd(tmp_path / "doomed")
    asker.hosts(
        box=target(doomed, box, vanished_after=5, bring_checkpoints=0.5, fallback="second"),
        second=target(sshd, tmp_path / "second"),
    )
    asker.settings(steps=14, hold=str(tmp_path / "go"))
    launched = asker.launch(dagster=True)
    launched.says("step 12 done")
    (alive,) = box.glob("*/jobs/*/alive-0")
    until(lambda: alive.read_text() == "12", "the supervisor knows how far the stage is")
    (alive.parent / "tree/artifacts/.count.checkpoints/step-00000010/late").write_text("")
    until((asker.folder / "artifacts/.count.checkpoints/step-00000010/late").exists, "checkpoints come here")
    doomed.stop()
    for pid in [*processes_of(box, "job.py"), *processes_of(box)]:
        kill(pid)
    launched.says("box has given no sign of life for 5 s; going on at second")
    (tmp_path / "go").touch()
    assert launched.wait() == 0, launched.text
    launched.check_messages()
    assert steps(launched.text) == [*range(1, 13), 11, 12, 13, 14] and asker.artifact("metrics.json")["begun"] == 10
    launch = asker.artifact("launch.json")
    assert (launch["target"], launch["attempts"], launch["lost_steps"]) == ("second", 2, 2) and launch["lost_seconds"] > 5
    assert not (asker.folder / "artifacts/.count.checkpoints").exists()


def test_a_shared_folder_needs_no_copies(asker: Asker, sshd: Sshd) -> None:
    asker.hosts(box=target(sshd, asker.folder, data="shared"))
    done = asker.run()
    assert done.process.returncode == 0, done.text
    assert asker.artifact("metrics.json")["steps"] == 3 and asker.artifact("launch.json")["target"] == "box"
    assert not list((asker.folder / ".dagster/launched/jobs").glob("*/tree"))


def test_dagster_and_dvc_see_what_they_would_see_had_it_run_here(made: Small, inside: pytest.MonkeyPatch, sshd: Sshd, tmp_path: Path) -> None:
    """A stage under `dvc repro` under Dagster; its inputs reach the host by way of DVC's remote."""
    inside.chdir(made.folder)
    made.edit("params.yaml", "loader: auto}", "loader: auto, target: box}")
    assert made.check("dvc", "status") == "Data and pipelines are up to date.\n", "where a stage runs makes nothing stale"
    made.edit("params.yaml", "steps: 3", "steps: 4")
    made.check("dvc", "remote", "add", "-d", "store", str(tmp_path / "store"))
    box = target(sshd, tmp_path / "box", data="dvc", dvc=str(REPOSITORY / ".tools/bin/dvc"), env={"HOME": str(tmp_path)})
    (made.folder / "hosts.yaml").write_text(yaml.safe_dump({"targets": {"box": box}}))
    made.check("git", "add", ".")
    made.check("git", "-c", "user.name=Test", "-c", "user.email=test@example.org", "commit", "-qm", "elsewhere")
    check_that_dagster_sees(made)
    assert list((tmp_path / "box").glob("*/dvc-cache/files/md5/*"))


def test_a_run_that_dagster_interrupts_ends_the_job_on_the_host(made: Small, sshd: Sshd, tmp_path: Path) -> None:
    """*Terminate* interrupts the run's process, which interrupts `dvc repro`, which interrupts the launcher."""
    made.edit("params.yaml", "loader: auto}", "loader: auto, target: box}")
    made.edit("params.yaml", "steps: 3", "steps: 3000")
    (made.folder / "hosts.yaml").write_text(yaml.safe_dump({"targets": {"box": target(sshd, tmp_path / "box")}}))
    made.check("git", "add", ".")
    made.check("git", "-c", "user.name=Test", "-c", "user.email=test@example.org", "commit", "-qm", "elsewhere")
    command = [sys.executable, "-W", "ignore", "-c", MATERIALIZE]
    with subprocess.Popen(command, cwd=made.folder, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        try:
            until(lambda: processes_of(tmp_path / "box", "training.pretrain_mae"), "the stage works on the host")
            run.send_signal(signal.SIGINT)
            until(lambda: not processes_of(tmp_path / "box"), "the job is gone", 30)
        finally:
            run.kill()
    assert not list((made.folder / "artifacts").glob("*pretrain_mae*"))
