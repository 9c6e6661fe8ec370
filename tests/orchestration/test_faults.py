"""What goes wrong around a stage: killed without a word, locks left behind, two people at once."""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, cast

import dagster as dg
import pytest
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._daemon.monitoring.run_monitoring import check_run_timeout, monitor_started_run

from contracts.errors import InputError
from orchestration.definitions import build
from orchestration.dvc_cache import lacking_in_cache, make_whole
from orchestration.dvc_lock import release_strangers
from orchestration.home import prepare_home
from orchestration.process import Console
from tests.orchestration.small_repository import Small, environment

# A person who presses Materialize: a run of its own in the shared home.
MATERIALIZE = """
import dagster as dg
from orchestration.definitions import build
from orchestration.home import prepare_home
prepare_home()
quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
with dg.DagsterInstance.get() as instance:
    job = build().resolve_implicit_global_asset_job_def()
    key = dg.AssetKey("pretrain_mae")
    result = job.execute_in_process(instance=instance, asset_selection=[key], run_config=quiet, raise_on_error=False)
    (event,) = result.get_asset_materialization_events()
    print("reused", event.materialization.metadata["reused"].value)
"""


def test_two_people_materialize_an_asset_whose_last_run_was_killed(made: Small) -> None:
    made.edit("params.yaml", "steps: 3", "steps: 3000")
    killed = subprocess.Popen(
        ["dvc", "repro", "--single-item", "pretrain_mae"], cwd=made.folder, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    locks, partial = made.folder / ".dvc/tmp/rwlock", made.folder / "artifacts/.pretrain_mae.partial"
    deadline = time.monotonic() + 120
    while not partial.is_dir():
        assert killed.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    left = json.loads(locks.read_text())
    assert [Path(path).name for path in left["write"]] == ["pretrain_mae"], "DVC's lock was left behind"

    # Meanwhile another program has got the number of the killed process: this one.
    locks.write_text(locks.read_text().replace(f'"pid": {left["write"].popitem()[1]["pid"]}', f'"pid": {os.getpid()}'))
    assert "is busy" in made.run("dvc", "repro", "--single-item", "pretrain_mae").stderr, "DVC alone would say so for ever"

    made.edit("params.yaml", "steps: 3000", "steps: 4")
    # Both look at a Dagster that is there already: two processes that make its database at the same moment get in each other's way.
    home = "import dagster as dg; from orchestration.home import prepare_home; prepare_home(); dg.DagsterInstance.get().dispose()"
    subprocess.run([sys.executable, "-W", "ignore", "-c", home], cwd=made.folder, env=environment(), check=True)
    people = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", MATERIALIZE], cwd=made.folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    said = [person.communicate(timeout=240) for person in people]
    assert sorted(out for out, _ in said) == ["reused False\n", "reused True\n"], said
    assert not partial.exists()
    assert json.loads((made.folder / "artifacts/pretrain_mae/metrics.json").read_text()) == {"loss": 0.25}
    assert "up to date" in made.check("dvc", "status", "pretrain_mae")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount the small file system")
def test_a_disk_that_is_full_while_dvc_adds_the_dataset_is_told(made: Small, inside: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """DVC records the version all the same, and ends with exit code 0."""
    inside.chdir(made.folder)
    small = tmp_path / "cache"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small], capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a file system")
    try:
        made.check("dvc", "cache", "dir", "-q", "--local", str(small))
        (made.folder / "data/large").write_bytes(os.urandom(100_000))
        assert made.run("dvc", "add", "-q", "data").returncode == 0, "what this is about"
        version = made.version()
        assert "large" in (lacking_in_cache(version) or [])
        with pytest.raises(
            InputError, match=rf"data: is not whole in DVC's cache, {small}: version {version}\. Found: missing: .*large.*\. See that there is space"
        ):
            make_whole(Console(), version, "data", ["add", "data"])
        subprocess.run(["mount", "-o", "remount,size=4m", small], check=True)
        make_whole(Console(), version, "data", ["add", "data"])
        assert lacking_in_cache(version) == [] and made.version() == version
    finally:
        subprocess.run(["umount", small], check=True)


def test_a_run_that_hangs_is_ended_and_told(small: Small, inside: pytest.MonkeyPatch) -> None:
    """By the daemon, with the project's own settings; `dagster/max_runtime` says after how many seconds."""
    inside.chdir(small.folder)
    inside.setenv("DAGSTER_HOME", str(prepare_home()))
    with dg.DagsterInstance.get() as instance:
        assert instance.run_monitoring_enabled and instance.run_monitoring_max_runtime_seconds == 7 * 86400
        job = build().resolve_job_def("stages")
        ended = {}
        for seconds in ("0.1", "60"):
            run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTING, tags={"dagster/max_runtime": seconds})
            instance.report_dagster_event(dg.DagsterEvent("PIPELINE_START", run.job_name), run.run_id)
            time.sleep(0.2)
            record = instance.get_run_record_by_id(run.run_id)
            assert record and record.dagster_run.status == dg.DagsterRunStatus.STARTED
            check_run_timeout(instance, record, logging.getLogger("test"), float(instance.run_monitoring_max_runtime_seconds))
            after = instance.get_run_by_id(run.run_id)
            assert after
            ended[seconds] = after.status
            told = [event.message for event in instance.all_logs(run.run_id)]
            assert any("exceeding maximum runtime" in message for message in told) == (seconds == "0.1")
    assert ended == {"0.1": dg.DagsterRunStatus.FAILURE, "60": dg.DagsterRunStatus.STARTED}


def test_a_run_whose_process_is_gone_is_ended(small: Small, inside: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Three runs whose code locations were sockets: one that nobody holds any more, one that is there and busy, one whose run nothing is known of."""
    inside.chdir(small.folder)
    inside.setenv("DAGSTER_HOME", str(prepare_home()))
    inside.setattr("orchestration.run_launcher._PATIENCE", 1)
    with dg.DagsterInstance.get() as instance, socket.socket(socket.AF_UNIX) as gone, socket.socket(socket.AF_UNIX) as busy:
        for name, place in (("gone", gone), ("busy", busy)):
            place.bind(str(tmp_path / name))
        busy.listen()
        ended = {}
        for name in ("gone", "busy", None):
            tags = {GRPC_INFO_TAG: json.dumps({"host": "localhost", "socket": str(tmp_path / name)})} if name else {}
            run = instance.create_run_for_job(build().resolve_job_def("stages"), status=dg.DagsterRunStatus.STARTED, tags=tags)
            record = instance.get_run_record_by_id(run.run_id)
            assert record
            # The workspace is for runs that are resumed, which the settings forbid.
            monitor_started_run(instance, cast(Any, None), record, logging.getLogger("test"))
            after = instance.get_run_by_id(run.run_id)
            assert after
            ended[name] = after.status
    assert ended == {"gone": dg.DagsterRunStatus.FAILURE, "busy": dg.DagsterRunStatus.STARTED, None: dg.DagsterRunStatus.STARTED}


def test_only_locks_of_other_programs_are_released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert release_strangers() == []
    notes = Path(".dvc/tmp/rwlock")
    notes.parent.mkdir(parents=True)
    (tmp_path / "dvc").write_text("import time; time.sleep(60)")
    with subprocess.Popen([sys.executable, "dvc"]) as living:
        ended = subprocess.Popen(["true"])
        ended.wait()
        who = {name: {"pid": pid, "cmd": "dvc repro"} for name, pid in (("living", living.pid), ("ended", ended.pid), ("other", os.getpid()))}
        notes.write_text(json.dumps({"write": who, "read": {"a": [who["other"], who["living"]], "b": [who["other"]]}}))
        while b"dvc" not in Path(f"/proc/{living.pid}/cmdline").read_bytes():
            time.sleep(0.01)
        assert release_strangers() == ["a", "b", "other"]
        assert json.loads(notes.read_text()) == {"write": {name: who[name] for name in ("living", "ended")}, "read": {"a": [who["living"]]}}
        living.kill()
    notes.write_text('{"write": {')
    assert release_strangers() == [] and json.loads(notes.read_text()) == {"write": {}, "read": {}}
