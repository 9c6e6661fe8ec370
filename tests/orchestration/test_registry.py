"""Gates and the registry of models, over the small repository."""

import json
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from contracts.errors import InputError
from contracts.registry import promoted_version
from orchestration.definitions import build
from orchestration.gates import Gate, Promoted, judge, read_gates
from orchestration.pipeline import recorded_version
from orchestration.registry import GateError, Model, Registry, declared_models, lineage_stages
from tests.orchestration.small_repository import Small, environment

MODEL = Model(name="encoder", artifact="pretrain_mae", measured_by=("eval_detection",))
GATES = """
models:
  encoder: {artifact: pretrain_mae, measured_by: eval_detection}
gates:
  dataset:
    screens: {at_least: 4, blocks: line}
  eval_detection:
    AP: {below_promoted: 0.01, blocks: promotion}
    AP75: {at_least: 0.9, blocks: nothing}
"""


@pytest.fixture
def gated(made: Small, inside: pytest.MonkeyPatch) -> Small:
    with (made.folder / "params.yaml").open("a") as params:
        params.write(GATES)
    inside.chdir(made.folder)
    return made


def retrain(small: Small, ap: float) -> None:
    """Another model with this AP, as DVC leaves it: other files, other hashes in dvc.lock. (DVC itself takes seconds for it.)"""
    number = uuid.uuid4().hex
    for stage, file, key, value in (("pretrain_mae", "run.json", "finished", number), ("eval_detection", "metrics.json", "AP", ap)):
        path = small.folder / "artifacts" / stage / file
        content = json.loads(path.read_text()) | {key: value}
        path.unlink()  # a link into DVC's cache
        path.write_text(json.dumps(content))
    lock = small.folder / "dvc.lock"
    lock.write_text(lock.read_text().replace(recorded_version("pretrain_mae"), f"{number}.dir"))


def test_a_version_holds_the_artifact_and_where_it_came_from(gated: Small) -> None:
    registry = Registry(MODEL)
    assert registry.add() == "v1"
    assert registry.add() == "v1", "the same artifact is the same version"
    (content,) = registry.versions()
    assert registry.model_folder("v1").joinpath("reconstructions.png").read_bytes() == Path("artifacts/pretrain_mae/reconstructions.png").read_bytes()
    assert content["metrics"]["eval_detection"]["AP"] == 0.25 and content["metrics"]["dataset"]["screens"] == 8
    assert content["lineage"]["dataset_version"] == gated.version()
    assert list(content["lineage"]["runs"]) == ["eval_detection", "pack_beton", "pretrain_mae"]
    assert all(output in (gated.folder / "dvc.lock").read_text() for output in content["lineage"]["outputs"].values())
    assert not list(registry.folder.glob(".*.partial")) and registry.promoted() is None


def test_only_a_model_whose_gates_hold_is_promoted_and_rollback_goes_back(gated: Small) -> None:
    registry = Registry(MODEL)
    assert registry.promote(registry.add(), "first") is True
    assert registry.promote("v1", "again") is False

    retrain(gated, 0.23)
    assert registry.add() == "v2"
    with pytest.raises(
        GateError, match=r"v2 is kept and was not promoted: eval_detection: AP: 0.23: should be at least 0.25 - 0.01 \(promoted: v1\)"
    ):
        registry.promote("v2", "worse")
    assert registry.promoted() == "v1"
    told = promoted_version(registry.model.name, registry.folder.parent)  # what the report reads
    assert told and told["version"] == "v1" and told["promoted"] and told["lineage"].keys() >= {"dataset_version", "test_split", "runs"}

    retrain(gated, 0.245)
    assert registry.promote(registry.add(), "within the margin") and registry.promoted() == "v3"
    retrain(gated, 0.3)
    assert registry.promote(registry.add(), "better") and registry.promoted() == "v4"
    assert [registry.rollback(), registry.rollback()] == ["v3", "v1"]
    with pytest.raises(InputError, match="no version before the promoted one"):
        registry.rollback()
    history = json.loads((registry.folder / "promoted.json").read_text())["history"]
    assert [entry["version"] for entry in history] == ["v1", "v3", "v4", "v3", "v1"]
    assert history[-1]["why"] == "rollback from v3"


def test_one_changed_byte_is_named_and_never_promoted(gated: Small) -> None:
    registry = Registry(MODEL)
    registry.promote(registry.add(), "first")
    retrain(gated, 0.3)
    registry.promote(registry.add(), "second")
    for version, change in (("v1", registry.rollback), ("v2", lambda: registry.promote("v2", "again"))):
        path = registry.model_folder(version) / "reconstructions.png"
        path.write_bytes(path.read_bytes()[:-1] + b"\x01")
        with pytest.raises(InputError, match=rf"{version}/model/reconstructions\.png: sha256: was changed: its sha256 should be [0-9a-f]{{64}}\."):
            change()
    assert registry.promoted() == "v2"


def test_metrics_of_another_artifact_are_refused(gated: Small) -> None:
    lock = gated.folder / "dvc.lock"
    # The first is what pretraining made; the second, of what the evaluation read, stays.
    lock.write_text(lock.read_text().replace(recorded_version("pretrain_mae"), f"{'1' * 32}.dir", 1))
    with pytest.raises(InputError, match=r"dvc\.lock: stages\.eval_detection\.deps: was measured on another artifact than the one of pretrain_mae"):
        Registry(MODEL).add()
    pointer = (gated.folder / "data.dvc").read_text()
    (gated.folder / "data.dvc").write_text(pointer.replace(gated.version(), f"{'0' * 32}.dir"))
    with pytest.raises(InputError, match=r"run\.json: dataset_version: was made from another dataset version"):
        Registry(MODEL).add()
    assert Registry(MODEL).versions() == []


def test_two_people_adding_and_promoting_at_once_leave_one_version(gated: Small) -> None:
    command = [sys.executable, "-m", "orchestration.registry", "promote"]
    running = [subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = [process.communicate()[0].splitlines()[-1] for process in running]
    assert sorted(said) == ["encoder: v1 is promoted already.", "encoder: v1 is promoted already.", "encoder: v1 is promoted."]
    assert [content["version"] for content in Registry(MODEL).versions()] == ["v1"]
    assert len(json.loads(Path("models/encoder/promoted.json").read_text())["history"]) == 1


def test_a_killed_add_leaves_no_version(gated: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("orchestration.registry._check_files", killed)
        with pytest.raises(KeyboardInterrupt):
            Registry(MODEL).add()
    assert Registry(MODEL).versions() == []
    assert Registry(MODEL).add() == "v1"


def test_the_command(gated: Small) -> None:
    command = ("python", "-m", "orchestration.registry")
    assert gated.check(*command, "list") == "encoder  no version is kept yet\n"
    said = gated.check(*command, "promote", "--why", "demo").splitlines()
    assert said[0] == "holds   dataset: screens: 8 (at least 4)"
    assert said[-2:] == ["FAILED  eval_detection: AP75: 0.125: should be at least 0.9", "encoder: v1 is promoted."], "it blocks nothing"
    assert gated.check(*command, "list").startswith("encoder  v1   promoted  20") and "AP 0.25" in gated.check(*command, "list")
    gated.edit("params.yaml", "{at_least: 4, blocks: line}", "{at_least: 9, blocks: line}")
    done = gated.run(*command, "promote", "--version", "v1")
    assert done.returncode == 1 and "gates: v1 is kept and was not promoted: dataset: screens: 8: should be at least 9." in done.stderr
    done = gated.run(*command, "promote", "--version", "v7")
    assert done.stderr == "error: models/encoder: --version: is no version. Found: v7. There are: v1.\n"
    done = gated.run(*command, "rollback", "--model", "detector")
    assert done.stderr == "error: --model: names no model. Found: detector. Known here: encoder.\n"


@pytest.mark.parametrize(
    ("gate", "value", "machine", "passed", "told"),
    [
        ({"at_least": 1.0}, 1.0, "a", True, "1 (at least 1)"),
        ({"at_least": 1.0}, 0.5, "a", False, "should be at least 1"),
        ({"at_least": 1.0}, float("nan"), "a", False, "should be at least 1"),
        ({"at_most": 1.0}, 1.5, "a", False, "should be at most 1"),
        ({"at_most": 1.0}, float("nan"), "a", False, "should be at most 1"),
        ({"below_promoted": 0.5}, 1.5, "a", True, "not more than 0.5 below"),
        ({"below_promoted": 0.5}, 1.49, "a", False, r"should be at least 2 - 0.5 \(promoted: v1\)"),
        ({"times_promoted": 1.5}, 3.0, "a", True, "at most 1.5 times"),
        ({"times_promoted": 1.5}, 3.1, "a", False, r"should be at most 1.5 times 2 \(promoted: v1\)"),
        ({"times_promoted": 1.5}, 99.0, "b", True, "another kind of machine: not compared"),
    ],
)
def test_each_limit(gate: dict[str, float], value: float, machine: str, passed: bool, told: str) -> None:
    limit = Gate(**gate, blocks="promotion")
    found = judge("eval", "AP", limit, {"AP": value}, machine, Promoted(version="v1", metrics={"AP": 2.0}, machine="a"))
    assert found.passed is passed
    assert pytest.approx(value, nan_ok=True) == found.value
    assert told.replace("\\", "") in found.told


def test_what_was_not_measured_fails() -> None:
    found = judge("eval", "AP_", Gate(at_least=0.0, blocks="nothing"), {"AP": 1.0}, "", None)
    assert (found.passed, found.value, found.told) == (False, None, "was not measured. Did you mean `AP`?")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("  eval_detection:\n    AP:", "  eval_detecton:\n    AP:", "gates.eval_detecton: is no stage of dvc.yaml. Did you mean `eval_detection`?"),
        ("{at_least: 0.9, blocks: nothing}", "{blocks: nothing}", "gates.eval_detection.AP75: sets no limit."),
        ("{at_least: 0.9, blocks: nothing}", "{at_least: 0.9, blocks: all}", "gates.eval_detection.AP75.blocks: Input should be 'line', 'promotion'"),
        ("{at_least: 0.9, blocks: nothing}", "{atleast: 0.9, blocks: nothing}", "gates.eval_detection.AP75.atleast: Extra inputs are not permitted"),
        ("{at_least: 0.9, blocks: nothing}", "0.9", "gates.eval_detection.AP75: must be a mapping of limits."),
    ],
)
def test_gates_that_do_not_fit_are_named(gated: Small, old: str, new: str, told: str) -> None:
    gated.edit("params.yaml", old, new)
    with pytest.raises(InputError) as error:
        read_gates()
    assert str(error.value).startswith(f"params.yaml: {told}")


def test_models_that_do_not_fit_are_named(gated: Small) -> None:
    assert declared_models() == [MODEL] and lineage_stages(MODEL) == ["pack_beton", "pretrain_mae", "eval_detection"]
    gated.edit("params.yaml", "artifact: pretrain_mae", "artifact: pretrain_mea")
    with pytest.raises(InputError, match=r"models\.encoder\.artifact: is no stage of dvc\.yaml\. Found: pretrain_mea"):
        declared_models()


def line(instance: dg.DagsterInstance) -> tuple[bool, dict[str, dg.AssetCheckEvaluation], set[str]]:
    """Success of the job `line`, its gates by `asset.metric`, and what was materialized."""
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    result = build().resolve_job_def("line").execute_in_process(instance=instance, raise_on_error=False, run_config=quiet)
    evaluations = result.get_asset_check_evaluations()
    return (
        result.success,
        {f"{e.asset_key.to_user_string()}.{e.check_name}": e for e in evaluations if e.check_name.startswith("gate_")},
        {event.materialization.asset_key.to_user_string() for event in result.get_asset_materialization_events()},
    )


def test_gates_are_asset_checks_and_change_nothing_for_dvc(gated: Small) -> None:
    registry = Registry(MODEL)
    registry.promote(registry.add(), "first")
    gated.edit("evaluation/eval_detection.py", '"AP": 0.25,', '"AP": 0.2,')
    with dg.DagsterInstance.ephemeral() as instance:
        success, gates, made = line(instance)
        assert {name: e.passed for name, e in gates.items()} == {
            "dataset.gate_screens": True,
            "eval_detection.gate_AP": False,
            "eval_detection.gate_AP75": False,
        }
        assert gates["eval_detection.gate_AP"].description == "0.2: should be at least 0.25 - 0.01 (promoted: v1)"
        assert gates["eval_detection.gate_AP"].severity == dg.AssetCheckSeverity.ERROR
        assert gates["eval_detection.gate_AP75"].severity == dg.AssetCheckSeverity.WARN
        assert success and "report" in made, "the report of a model that is not promoted is wanted all the same"

        gated.edit("params.yaml", "{at_least: 4, blocks: line}", "{at_least: 9, blocks: line}")
        success, gates, made = line(instance)
        assert gates["dataset.gate_screens"].passed is False and not success
        assert made == {"dataset"}, "nothing is learned from a dataset that fails a gate which blocks the line"
