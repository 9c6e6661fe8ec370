"""The nightly run over the small repository: real git worktrees, real DVC, a real (tiny) line."""

import fcntl
import json
import shutil
import tarfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from contracts.errors import InputError
from orchestration.definitions import build
from orchestration.nightly import STEPS, Night, begin, read_nightly, run_step, set_start
from orchestration.process import CommandError, Console
from orchestration.registry import Registry, declared_models
from orchestration.yaml_edit import with_value
from tests.orchestration.conftest import copy_of
from tests.orchestration.small_repository import Small

SETTINGS = """
models:
  encoder: {artifact: pretrain_mae, measured_by: eval_detection}
gates:
  dataset:
    screens: {at_least: 4, blocks: line}
  eval_detection:
    AP: {below_promoted: 0.01, blocks: promotion}
nightly:                  # a comment
  new_shards: 1
  branch: nightly
  base: main
  model: encoder
  worktree: .dagster/nightly
generations: []
render:
  seed: 7                 # the seed
"""
COMMAND = ("python", "-m", "orchestration.nightly")


@pytest.fixture(scope="module")
def committed_template(made_template: Small, tmp_path_factory: pytest.TempPathFactory) -> Small:
    """A repository whose branch `main` has a dataset and a made line, the way people leave it; a shard's screens bear the generation seed."""
    small = copy_of(made_template, tmp_path_factory.mktemp("committed") / "repository")
    with (small.folder / "params.yaml").open("a") as params:
        params.write(SETTINGS)
    small.edit("datagen/render.py", "seed=number", 'seed=yaml.safe_load(open("params.yaml"))["render"]["seed"]')
    small.edit("datagen/render.py", "import argparse, io, tarfile", "import argparse, io, tarfile, yaml")
    small.check("git", "branch", "-m", "main")
    commit(small, "the line")
    return small


@pytest.fixture
def repository(committed_template: Small, tmp_path: Path, inside: pytest.MonkeyPatch) -> Small:
    small = copy_of(committed_template, tmp_path / "repository")
    inside.chdir(small.folder)
    return small


def commit(small: Small, message: str) -> None:
    small.check("git", "add", ".")
    small.check("git", "-c", "user.name=Test", "-c", "user.email=test@example.org", "commit", "-qm", message)


def tonight(small: Small, date: str = "2026-11-21", full: bool = False) -> Night:
    return Night(date=date, full=full, repository=small.folder, knobs=read_nightly())


class NoCheckout(Console):
    """Leaves the dataset out, where a test is about git alone: DVC takes a second to start."""

    def run(self, argv: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        assert argv[2] == "checkout"


def seeds(tree: Path) -> dict[str, int]:
    """Shard -> the generation seed of its screens."""
    found = {}
    for path in sorted((tree / "data/shards").glob("*.tar")):
        with tarfile.open(path) as tar:
            label = next(member for member in tar if member.name.endswith(".json"))
            file = tar.extractfile(label)
            assert file
            found[path.stem] = json.load(file)["seed"]
    return found


def test_a_night_adds_a_shard_learns_promotes_and_commits_beside_the_person(repository: Small, capfd: pytest.CaptureFixture[str]) -> None:
    repository.edit("params.yaml", "seed: 7", "seed: 8")  # a person at work
    before = {name: (repository.folder / name).read_bytes() for name in ("params.yaml", "data.dvc", "dvc.lock")}
    head = repository.check("git", "rev-parse", "main")
    with dg.DagsterInstance.ephemeral() as instance:
        quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        job, steps = build().resolve_job_def("nightly"), {f"night_{step}": {"config": {"date": "2026-11-21"}} for step in STEPS}
        result = job.graph.to_job(name="nightly").execute_in_process(instance=instance, run_config={"ops": steps} | quiet, raise_on_error=False)
        said = capfd.readouterr().err
        assert result.success, said
        event = instance.get_latest_materialization_event(dg.AssetKey(["models", "encoder"]))
        assert event and event.asset_materialization
        told = {name: value.value for name, value in event.asset_materialization.metadata.items()}
        assert (told["version"], told["promoted"], told["eval_detection/AP"]) == ("v1", True, 0.25)
    assert "has changes that are not committed; they are no part of this night" in said

    assert {name: (repository.folder / name).read_bytes() for name in before} == before
    assert repository.check("git", "rev-parse", "main", "HEAD").split() == [head.strip()] * 2
    assert not (repository.folder / "data/shards/000002.tar").exists()

    tree = Small(repository.folder / ".dagster/nightly")
    assert seeds(tree.folder)["000002"] == 20261121 and set(seeds(tree.folder)) == {"000000", "000001", "000002"}
    params = yaml.safe_load(tree.check("git", "show", "nightly:params.yaml"))
    assert params["generations"] == [{"first_shard": 0, "seed": 7}, {"first_shard": 2, "seed": 20261121}]
    assert (params["render"]["seed"], params["presets"]["tiny-cpu"]["render"]["shards"]) == (20261121, 3)
    assert "# a comment" in tree.check("git", "show", "nightly:params.yaml")
    assert tree.check("git", "status", "--porcelain") == "" and "up to date" in tree.check("dvc", "status")
    assert tree.check("git", "log", "-1", "--format=%s|%b", "nightly").strip() == "night 2026-11-21: 1 new shards; v1 is promoted|Night: 2026-11-21"
    summary = json.loads((repository.folder / ".dagster/nightly-2026-11-21.json").read_text())
    assert (summary["version"], summary["promoted"], summary["dataset_version"]) == ("v1", True, tree.version())
    assert summary["metrics"]["dataset"]["screens"] == 12
    assert (repository.folder / "models/encoder/v1/model/reconstructions.png").is_file()

    # The same night again, as a daemon that was killed would ask for it: nothing is done.
    commits = tree.check("git", "rev-list", "--count", "nightly")
    again = repository.run(*COMMAND, "--date", "2026-11-21")
    assert told["commit"] == tree.check("git", "rev-parse", "nightly").strip()
    assert again.returncode == 0 and "night 2026-11-21 is done already" in again.stderr
    assert tree.check("git", "rev-list", "--count", "nightly") == commits


def test_a_night_that_was_cut_off_goes_on_and_another_one_starts_clean(repository: Small) -> None:
    night, console = tonight(repository), Console()
    assert run_step(night, "begin", console) and run_step(night, "render", console)
    shard = night.worktree / "data/shards/000002.tar"
    written = shard.stat().st_mtime_ns
    assert run_step(night, "begin", console) and run_step(night, "render", console)
    assert shard.stat().st_mtime_ns == written, "the shard that was there stayed"

    following = tonight(repository, "2026-11-22")
    assert run_step(following, "begin", console)
    assert not shard.exists() and yaml.safe_load((night.worktree / "params.yaml").read_text())["generations"] == []
    with pytest.raises(InputError, match=r"--date: has not begun\. Found: 2026-11-21"):
        run_step(night, "render", console)
    assert run_step(following, "render", console)
    assert seeds(night.worktree)["000002"] == 20261122, "not the shard of the night that failed"


def test_a_stage_is_not_run_twice_in_a_night_and_a_gate_of_the_dataset_stops_it(repository: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    night, ran = tonight(repository, full=True), []

    class Recording(Console):
        def run(self, argv: Sequence[str], env: Mapping[str, str] | None = None) -> None:
            ran.append(argv[-1])
            if argv[-1] == "eval_detection" and ran.count("eval_detection") == 1:
                raise CommandError(argv, -9, "killed")
            if "checkout" in argv:
                super().run(argv, env)

    run_step(night, "begin", Recording())
    with pytest.raises(CommandError):
        run_step(night, "learn", Recording())
    run_step(night, "learn", Recording())
    assert [word for word in ran if word in ("pack_beton", "pretrain_mae", "eval_detection", "report")] == [
        "pack_beton",
        "pretrain_mae",
        "eval_detection",
        "eval_detection",
        "report",
    ]
    params = night.worktree / "params.yaml"
    params.write_text(params.read_text().replace("at_least: 4", "at_least: 400"))
    ran.clear()
    with pytest.raises(InputError, match=r"gates\.dataset: dataset: screens: 8: should be at least 400"):
        run_step(night, "learn", Recording())
    assert not {"pack_beton", "report"} & set(ran)

    # The same of a stage: those after it do not run.
    params.write_text(
        params.read_text()
        .replace("at_least: 400", "at_least: 4")
        .replace("gates:\n", "gates:\n  pretrain_mae: {loss: {at_most: 0.1, blocks: line}}\n")
    )
    shutil.copytree(repository.folder / "artifacts", night.worktree / "artifacts")
    ran.clear()
    night.beside(".json").write_text(json.dumps(json.loads(night.beside(".json").read_text()) | {"done": []}))
    with pytest.raises(InputError, match=r"gates\.pretrain_mae: pretrain_mae: loss: 0\.333333: should be at most 0\.1.*No stage after it ran"):
        run_step(night, "learn", Recording())
    assert [word for word in ran if word in ("pack_beton", "pretrain_mae", "eval_detection")] == ["pack_beton", "pretrain_mae"]


def test_a_worse_model_is_kept_told_and_not_promoted(repository: Small, received: tuple[str, list[dict[str, Any]]]) -> None:
    url, messages = received
    with (repository.folder / "params.yaml").open("a") as params:
        params.write(f"notify: {{webhook: '{url}', webhook_format: json, smtp: null, timeout_seconds: 10.0}}\n")
    commit(repository, "a webhook")
    registry = Registry(declared_models()[0])
    registry.promote(registry.add(), "the line of the day")
    night = tonight(repository)
    run_step(night, "begin", NoCheckout())
    # What `learn` leaves: the same line, but another model with a worse AP.
    for folder in ("data", "artifacts"):
        shutil.copytree(repository.folder / folder, night.worktree / folder)
    for file, key, value in (("eval_detection/metrics.json", "AP", 0.1), ("eval_detection/run.json", "finished", "2026-11-21T03:00:00Z")):
        path = night.worktree / "artifacts" / file
        content = json.loads(path.read_text()) | {key: value}
        path.unlink()
        path.write_text(json.dumps(content))
    run_step(night, "finish", Console())
    assert (registry.promoted(), [one["version"] for one in registry.versions()]) == ("v1", ["v1", "v2"])
    summary = json.loads(night.summary.read_text())
    reason = "eval_detection: AP: 0.1: should be at least 0.25 - 0.01 (promoted: v1)"
    assert (summary["promoted"], summary["refused"], summary["ran"]) == (False, reason, [])
    (message,) = messages
    assert (message["subject"], message["text"], message["level"]) == ("night 2026-11-21: encoder v2 was not promoted", reason, "warning")
    assert repository.check("git", "log", "-1", "--format=%s", "nightly").strip() == f"night 2026-11-21: 1 new shards; v2 was not promoted ({reason})"
    assert (night.worktree / "models").resolve() == repository.folder / "models", "the registry is the repository's"


def test_a_night_goes_on_from_the_promoted_model(repository: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry(declared_models()[0])
    registry.promote(registry.add(), "the line of the day")
    # A stage that can begin with either: with a pretrained encoder, for which pack_beton stands here, or with the promoted model.
    repository.edit("params.yaml", "fail: false}", "fail: false, pretraining: pack_beton}")
    repository.edit(
        "params.yaml", "  worktree: .dagster/nightly", "  starts: {nightly: promoted, full: pack_beton, report: report}\n  worktree: .dagster/nightly"
    )
    repository.edit("dvc.yaml", "contracts, artifacts/pack_beton]", "contracts, 'artifacts/${pretrain_mae.pretraining}']")
    repository.edit("training/pretrain_mae.py", "    fail: bool", "    fail: bool\n    pretraining: str")
    repository.edit("training/pretrain_mae.py", "import read_run, stage", "import artifact, stage")
    repository.edit("training/pretrain_mae.py", 'read_run("pack_beton")', 'tuned = float((artifact(knobs.pretraining) / "version.json").is_file())')
    repository.edit("training/pretrain_mae.py", '{"loss": 1 / knobs.steps}', '{"loss": 1 / knobs.steps, "tuned": tuned}')
    repository.edit("evaluation/report.py", '"<h1>Report</h1>"', '" ".join(sys.argv[1:])')
    repository.edit("evaluation/report.py", "from contracts.errors", "import sys\nfrom contracts.errors")
    commit(repository, "fine-tuning")
    before = {name: (repository.folder / name).read_bytes() for name in ("params.yaml", "dvc.lock")}
    night = tonight(repository)
    for step in ("begin", "learn", "finish"):
        run_step(night, step, Console())
    summary = json.loads(night.summary.read_text())
    assert (summary["version"], summary["fine_tuned_from"], summary["promoted"]) == ("v2", "v1", True)
    assert set(summary["ran"]) == {"pretrain_mae", "eval_detection", "report"}, "what the model's metrics rest on, and a report on those"
    assert Path(summary["report"]).read_text() == "--of pretrain_mae eval_detection"
    assert summary["metrics"]["pretrain_mae"]["tuned"] == 1 and [gate["gate"] for gate in summary["gates"]] == [
        "dataset screens",
        "eval_detection AP",
    ]
    assert registry.version("v2")["lineage"]["fine_tuned_from"] == "v1"

    tree = Small(night.worktree)
    assert tree.check("git", "log", "-1", "--format=%s", "nightly").strip() == "night 2026-11-21: 1 new shards, from v1; v2 is promoted"
    lock, pointer = (yaml.safe_load(tree.check("git", "show", f"nightly:{name}")) for name in ("dvc.lock", "artifacts/promoted.dvc"))
    (weights,) = [dep["md5"] for dep in lock["stages"]["pretrain_mae"]["deps"] if dep["path"] == "artifacts/promoted"]
    assert weights == pointer["outs"][0]["md5"], "dvc.lock says which weights the model began with"
    assert "up to date" in tree.check("dvc", "status", "pretrain_mae", "eval_detection") and tree.check("git", "status", "--porcelain") == ""
    assert {name: (repository.folder / name).read_bytes() for name in before} == before and not (repository.folder / "artifacts/promoted").exists()

    monkeypatch.chdir(night.worktree)
    assert set_start(tonight(repository, "2026-11-22", full=True), Console()) is None
    assert "pretraining: pack_beton}" in Path("params.yaml").read_text().replace('"', ""), "a full night begins anew"


def test_work_that_no_night_did_is_not_thrown_away(repository: Small) -> None:
    night = tonight(repository)
    begin(night, NoCheckout())
    (night.worktree / "training/pretrain_mae.py").write_text("a person was here\n")
    with pytest.raises(InputError, match=r"has changes that no night made\. Found: training/pretrain_mae\.py"):
        begin(tonight(repository, "2026-11-22"), NoCheckout())


def test_what_people_committed_comes_in_and_a_conflict_is_named(repository: Small) -> None:
    night = tonight(repository)
    begin(night, NoCheckout())
    repository.edit("evaluation/eval_detection.py", '"AP50": 0.5', '"AP50": 0.6')
    (repository.folder / "dvc.lock").write_text((repository.folder / "dvc.lock").read_text() + "# main\n")
    commit(repository, "better")
    (night.worktree / "dvc.lock").write_text((night.worktree / "dvc.lock").read_text() + "# nightly\n")
    commit(Small(night.worktree), "night")
    begin(tonight(repository, "2026-11-22"), NoCheckout())
    assert '"AP50": 0.6' in (night.worktree / "evaluation/eval_detection.py").read_text()
    assert (night.worktree / "dvc.lock").read_text().endswith("# nightly\n")

    for tree, steps in ((repository, "5"), (Small(night.worktree), "6")):
        tree.edit("params.yaml", "steps: 3", f"steps: {steps}")
        commit(tree, "steps")
    with pytest.raises(
        InputError, match=r"nightly\.base main: cannot be merged into nightly\. Found: params\.yaml\. Merge main into nightly by hand"
    ):
        begin(tonight(repository, "2026-11-23"), NoCheckout())
    assert Small(night.worktree).check("git", "status", "--porcelain") == "", "the attempt was undone"


def test_two_nights_at_once_are_refused(repository: Small) -> None:
    night = tonight(repository)
    night.worktree.parent.mkdir(parents=True, exist_ok=True)
    with night.beside(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(InputError, match="another night is at work here"):
            run_step(night, "begin", Console())


@pytest.mark.parametrize("fault", ["flipped byte", "unreachable"])
def test_a_remote_that_lies_or_is_away_stops_the_night(repository: Small, tmp_path: Path, fault: str) -> None:
    remote = tmp_path / "remote"
    repository.check("dvc", "remote", "add", "-q", "-d", "store", str(remote))
    commit(repository, "a remote")
    repository.check("dvc", "push", "-q", "data.dvc")
    (tmp_path / "cache").mkdir()
    repository.check("dvc", "cache", "dir", "-q", "--local", str(tmp_path / "cache"))  # a machine that has never seen this version
    (shard,) = [
        path
        for path in (remote / "files/md5").rglob("*")
        if path.is_file() and b"ustar" in path.read_bytes() and b"000001-00000" in path.read_bytes()
    ]
    if fault == "unreachable":
        remote.rename(tmp_path / "elsewhere")
        remote.write_text("not a folder")
    else:
        content = bytearray(shard.read_bytes())
        content[700] ^= 1
        shard.chmod(0o644)
        shard.write_bytes(bytes(content))
    night = tonight(repository)
    told = {
        "flipped byte": rf"data\.dvc: the remote does not hold version {repository.version()} whole: .* Found: data/shards/000001\.tar\.",
        "unreachable": rf"data\.dvc: version {repository.version()} is not in DVC's cache, and could not be fetched: ",
    }
    with pytest.raises(InputError, match=told[fault]):
        begin(night, Console())
    assert not night.beside(".json").exists(), "the night has not begun"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("new_shards: 1", "new_shards: -1", "nightly.new_shards: Input should be greater than or equal to 0"),
        ("base: main", "base: master", "nightly.base: is no branch or commit. Found: master."),
        ("  model: encoder\n", "", "nightly.model: Field required."),
        ("nightly:  ", "nightley: ", "nightly.new_shards: Field required."),
    ],
)
def test_settings_that_do_not_fit_are_named(repository: Small, old: str, new: str, told: str) -> None:
    repository.edit("params.yaml", old, new)
    done = repository.run(*COMMAND)
    assert done.returncode == 1 and done.stderr.startswith(f"error: params.yaml: {told}"), done.stderr
    assert repository.run(*COMMAND, "--date", "21.11.2026").stderr.startswith("error: --date: is no date. Found: 21.11.2026.") or "nightly." in told


def test_one_value_of_a_yaml_file_changes_and_nothing_else() -> None:
    text = "a: 1  # one\nb:\n  c: {d: [1, 2], e: x}   # two\n\n# three\nf: []\n"
    changed = with_value(with_value(with_value(text, ("b", "c", "d"), 5, "f"), ("f",), [{"g": 1}], "f"), ("a",), 2, "f")
    assert changed == 'a: 2  # one\nb:\n  c: {d: 5, e: x}   # two\n\n# three\nf: [{"g": 1}]\n'
    block = "f:\n- g: 1\n- g: 2\n\n# four\nh: 1\n"
    assert yaml.safe_load(with_value(block, ("f",), [{"g": 3}], "f")) == {"f": [{"g": 3}], "h": 1} and "# four" in with_value(block, ("f",), [], "f")
    with pytest.raises(InputError, match=r"params\.yaml: b\.x: is missing"):
        with_value(text, ("b", "x"), 1, "params.yaml")


def ticks(name: str, when: datetime) -> dg.RunRequest:
    schedule = build().resolve_schedule_def(name)
    data = schedule.evaluate_tick(dg.build_schedule_context(scheduled_execution_time=when))
    (request,) = data.run_requests or []
    return request


def test_a_night_is_asked_for_once_whatever_the_clock_says(repository: Small) -> None:
    two = datetime(2026, 11, 21, 2, tzinfo=UTC)
    request = ticks("nightly", two)
    assert (request.run_key, request.run_config) == ("2026-11-21", {"date": "2026-11-21", "full": False})
    # A tick that comes late, and one whose time is told in another zone, where it is still the day before.
    assert ticks("nightly", two.astimezone(timezone(timedelta(hours=-8)))).run_key == request.run_key
    assert ticks("weekly", datetime(2026, 11, 22, 2, tzinfo=UTC)).run_key == "2026-11-22 full"


# The daemon's own loop over a real instance, without a code server. `iterate(at, die="RUN_LAUNCHED")` is killed (-9) at that point, as Dagster's tests do it.
DAEMON = """
import logging, os, signal, sys
from datetime import datetime, UTC
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.test_utils import InProcessTestWorkspaceLoadTarget, freeze_time, instance_for_test
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._scheduler.scheduler import launch_scheduled_runs

origin = LoadableTargetOrigin(executable_path=sys.executable, module_name="orchestration.definitions", working_directory=os.getcwd())
launcher = {"run_launcher": {"module": "dagster._core.test_utils", "class": "MockedRunLauncher"}}
with instance_for_test(overrides=launcher) as instance:
    with WorkspaceProcessContext(instance, InProcessTestWorkspaceLoadTarget(InProcessCodeLocationOrigin(origin))) as workspace:
        def iterate(*at, die=None):
            if die and (child := os.fork()):
                assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL, die
                return
            at = datetime(2026, 11, *at, tzinfo=UTC)
            with freeze_time(at):
                list(launch_scheduled_runs(workspace, logging.getLogger("test"), at, {},
                     debug_crash_flags={"nightly": {die: signal.SIGKILL}} if die else None))
        def runs():
            print(*sorted(run.tags["screenry/night"] for run in instance.get_runs()))
        (location,) = workspace.create_request_context().code_locations
        (repository,) = location.get_repositories().values()
        with freeze_time(datetime(2026, 11, 16, 12, tzinfo=UTC)):
            instance.start_schedule(repository.get_schedule("nightly"))
        iterate(20, 12)         # four nights were missed
        runs()
        iterate(20, 12, 1)
        iterate(19, 23, 59)     # the clock jumps back over midnight, and on again
        iterate(20, 2, 0, 30)
        runs()
        iterate(21, 2, 0, 5, die="RUN_CREATED")
        iterate(21, 2, 0, 10, die="RUN_LAUNCHED")
        iterate(21, 2, 0, 20)
        iterate(21, 2, 1)
        runs()
"""


def test_missed_nights_run_once_and_a_killed_daemon_doubles_none(repository: Small) -> None:
    said = repository.check("python", "-W", "ignore", "-c", DAEMON).splitlines()
    assert said == ["2026-11-20", "2026-11-20", "2026-11-20 2026-11-21"]
