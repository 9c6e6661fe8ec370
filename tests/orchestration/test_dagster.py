"""Dagster over the small repository: real definitions, real runs, real DVC."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import dagster as dg
import pytest

from orchestration.assets import CARD_CHECKS, MAX_INLINE_BYTES, SHARD_PARTITIONS, artifact_metadata, shard_path
from orchestration.curves import WIDTH, draw_curves
from orchestration.definitions import build, new_dataset
from tests.orchestration.small_repository import STAGES, Small

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions(str(SHARD_PARTITIONS.name), ["000000", "000001"])
        yield instance


def execute(job: str, instance: dg.DagsterInstance, partition_key: str | None = None) -> dg.ExecuteInProcessResult:
    return build().resolve_job_def(job).execute_in_process(instance=instance, partition_key=partition_key, raise_on_error=False, run_config=QUIET)


def metadata(result: dg.ExecuteInProcessResult) -> dict[str, dict[str, Any]]:
    events = [event.materialization for event in result.get_asset_materialization_events()]
    return {m.asset_key.to_user_string(): {name: value.value for name, value in m.metadata.items()} for m in events}


def data_version(instance: dg.DagsterInstance, asset: str) -> str:
    event = instance.get_latest_materialization_event(dg.AssetKey(asset))
    assert event and event.asset_materialization and event.asset_materialization.tags
    return event.asset_materialization.tags["dagster/data_version"]


def failure(result: dg.ExecuteInProcessResult) -> str:
    (event,) = [event for event in result.all_events if event.is_step_failure]
    told = event.step_failure_data.user_failure_data
    assert told and told.description
    return told.description


def test_a_line_made_in_a_terminal_is_reused(made: Small, inside: pytest.MonkeyPatch, instance: dg.DagsterInstance) -> None:
    inside.chdir(made.folder)
    lock, version = (made.folder / "dvc.lock").read_text(), made.version()
    result = execute("line", instance)
    assert result.success
    told = metadata(result)
    assert {name: values["reused"] for name, values in told.items()} == {**dict.fromkeys(("dataset", *STAGES), True), "data_card": False}
    assert {values["dataset_version"] for values in told.values()} == {version}
    assert data_version(instance, "dataset") == version
    assert all(data_version(instance, stage) in lock for stage in STAGES)
    assert (made.folder / "dvc.lock").read_text() == lock
    assert "Data and pipelines are up to date." in made.check("dvc", "status")


def test_a_line_made_in_dagster_is_clean_for_dvc(small: Small, inside: pytest.MonkeyPatch, instance: dg.DagsterInstance) -> None:
    inside.chdir(small.folder)
    shards = [metadata(execute("render", instance, key))["screens"] for key in ("000000", "000001")]
    assert [(s["screens"], s["elements"], s["reused"]) for s in shards] == [(4, 4, False)] * 2
    assert shards[0]["bytes"] == shard_path("000000").stat().st_size
    assert shards[0]["first_screen"].startswith("![000000-00000](data:image/png;base64,iVBOR")
    assert metadata(execute("render", instance, "000000"))["screens"]["reused"] is True

    result = execute("line", instance)
    assert result.success
    told = metadata(result)
    assert not any(values["reused"] for values in told.values())
    run = instance.get_run_by_id(result.run_id)
    assert run and {name: value for name, value in run.tags.items() if name.startswith("gpu_hours")} == {
        f"gpu_hours/{stage}": "0" for stage in STAGES
    }
    assert (told["dataset"]["screens"], told["dataset"]["shards"]) == (8, 2)
    assert told["pretrain_mae"]["loss"] == pytest.approx(1 / 3)
    assert told["pretrain_mae"]["reconstructions"].startswith("![reconstructions.png](data:image/png;base64,")
    assert (told["eval_detection"]["AP"], told["eval_detection"]["AP50"]) == (0.25, 0.5)
    assert "| AP_class_link | 0.5000 |" in told["eval_detection"]["per_class"] and "AP_class_link" not in told["eval_detection"]
    assert {e.check_name: e.passed for e in check_evaluations(result)} == {
        "shards_match_manifest": True,
        "no_empty_split": True,
        "class_coverage": True,
        **dict.fromkeys(CARD_CHECKS, True),
    }
    assert "Data and pipelines are up to date." in small.check("dvc", "status")
    assert data_version(instance, "dataset") == small.version()


def test_only_what_changed_runs_again(made: Small, inside: pytest.MonkeyPatch, instance: dg.DagsterInstance) -> None:
    inside.chdir(made.folder)
    made.edit("evaluation/eval_detection.py", '"AP75": 0.125', '"AP75": 0.25')
    told = metadata(execute("stages", instance))
    assert {name: values["reused"] for name, values in told.items()} == {
        "pack_beton": True,
        "pretrain_mae": True,
        "eval_detection": False,
        "report": False,
    }
    made.edit("evaluation/eval_detection.py", '"AP75": 0.25', '"AP75": 0.125')
    told = metadata(execute("stages", instance))
    assert told["eval_detection"]["AP75"] == 0.125
    assert all(values["reused"] for values in told.values()), "DVC's run cache has both"


def test_a_failing_stage_fails_its_asset_with_its_own_error(
    made: Small, inside: pytest.MonkeyPatch, instance: dg.DagsterInstance, capfd: pytest.CaptureFixture[str]
) -> None:
    inside.chdir(made.folder)
    made.edit("params.yaml", "fail: false", "fail: true")
    result = execute("stages", instance)
    paragraph = "error: params.yaml: pretrain_mae.fail: is set. Found: True. Set it to false."
    assert not result.success and failure(result) == paragraph
    assert capfd.readouterr().err.rstrip().splitlines()[-1] == paragraph
    assert set(metadata(result)) == {"pack_beton"}, "nothing after it ran"
    assert [path.name for path in (made.folder / "artifacts").iterdir() if "pretrain_mae" in path.name] == []


def test_a_stage_without_an_error_line_fails_with_the_end_of_its_traceback(
    made: Small, inside: pytest.MonkeyPatch, instance: dg.DagsterInstance
) -> None:
    inside.chdir(made.folder)
    made.edit("training/pretrain_mae.py", "1 / knobs.steps", "1 / 0")
    assert "ZeroDivisionError: division by zero" in failure(execute("stages", instance)).splitlines()[-1]
    assert not (made.folder / "artifacts/pretrain_mae").exists()


def test_a_shard_that_changed_after_the_manifest_stops_the_line(made: Small, inside: pytest.MonkeyPatch, instance: dg.DagsterInstance) -> None:
    inside.chdir(made.folder)
    (made.folder / "datagen/dataset.py").write_text("print('changes nothing')\n")
    shard = made.folder / shard_path("000001")
    shard.write_bytes(shard.read_bytes() + b"\0" * 512)
    result = execute("line", instance)
    assert not result.success
    told = {e.check_name: (e.passed, e.description) for e in check_evaluations(result)}
    assert told["shards_match_manifest"][0] is False and "000001.tar: sha256: does not match data/manifest.json" in str(
        told["shards_match_manifest"][1]
    )
    assert told["no_empty_split"][0] is True
    assert set(metadata(result)) == {"dataset"}, "no stage ran on it"


def test_an_empty_split_stops_the_line(small: Small, inside: pytest.MonkeyPatch, instance: dg.DagsterInstance) -> None:
    inside.chdir(small.folder)
    small.edit("datagen/dataset.py", '"elements": count, "groups"', '"elements": 0 if s == "val" else count, "groups"')
    execute("render", instance, "000000")
    result = execute("line", instance)
    (evaluation,) = [e for e in check_evaluations(result) if e.check_name == "no_empty_split"]
    assert (evaluation.passed, evaluation.description) == (False, "empty: val")
    assert not result.success and set(metadata(result)) == {"dataset"}


def test_a_class_that_cannot_be_learned_is_a_warning(small: Small, inside: pytest.MonkeyPatch, instance: dg.DagsterInstance) -> None:
    inside.chdir(small.folder)
    small.edit("datagen/render.py", 'class_name="button"', 'class_name="button" if number == 0 else "link"')
    execute("render", instance, "000000")
    result = execute("line", instance)
    (evaluation,) = [e for e in check_evaluations(result) if e.check_name == "class_coverage"]
    assert (evaluation.passed, evaluation.severity, evaluation.description) == (
        False,
        dg.AssetCheckSeverity.WARN,
        "in val, test or test_unseen but not in train: link",
    )
    assert result.success


def check_evaluations(result: dg.ExecuteInProcessResult) -> list[Any]:
    return [event.event_specific_data for event in result.all_events if event.event_type_value == "ASSET_CHECK_EVALUATION"]


def test_a_partition_that_is_no_shard_is_refused(small: Small, inside: pytest.MonkeyPatch, instance: dg.DagsterInstance) -> None:
    inside.chdir(small.folder)
    instance.add_dynamic_partitions(str(SHARD_PARTITIONS.name), ["first"])
    assert "'first' is no shard" in failure(execute("render", instance, "first"))


def test_a_large_picture_is_named_and_not_stored(made: Small, inside: pytest.MonkeyPatch) -> None:
    inside.chdir(made.folder)
    folder = made.folder / "artifacts/pretrain_mae"
    (folder / "large.png").write_bytes(b"\x89PNG" + b"\0" * MAX_INLINE_BYTES)
    run = json.loads((folder / "run.json").read_text())
    (folder / "run.json").unlink()
    (folder / "run.json").write_text(json.dumps(run | {"images": {"large": "large.png"}}))
    assert artifact_metadata(folder)["large"].path == str(folder / "large.png")


def test_curves_are_drawn_from_what_a_run_logged(tmp_path: Path) -> None:
    assert draw_curves(tmp_path) is None
    (tmp_path / "curves.csv").write_text("user,loss\n1,0.5\n")
    assert draw_curves(tmp_path) is None, "no curve without steps"
    rows = [f"{step},{10 - step / 200},{0.5 if step == 1000 else ''},0.001" for step in range(1, 1001)]
    (tmp_path / "curves.csv").write_text("step,loss,val_AP,learning_rate\n" + "\n".join(rows) + "\n")
    picture = draw_curves(tmp_path)
    assert picture
    image = ElementTree.fromstring(picture)
    line, single = [
        [tuple(map(float, point.split(","))) for point in one.attrib["points"].split()] for one in image.iter("{http://www.w3.org/2000/svg}polyline")
    ]
    assert len(line) <= 301 and line[0][0] < line[-1][0] <= WIDTH and line[0][1] < line[-1][1], "a falling loss falls, over the whole width"
    assert WIDTH < single[0][0] < 2 * WIDTH, "another quantity has a panel of its own"
    words = [text.text for text in image.iter("{http://www.w3.org/2000/svg}text")]
    assert {"loss", "val_AP", "9.99", "5", "step 1000"} <= set(words) and "learning_rate" not in words


def evaluate(instance: dg.DagsterInstance, cursor: str | None) -> tuple[list[dg.RunRequest], str | None, str | None]:
    """Run requests, new cursor, reason for none, as the daemon sees them."""
    with dg.build_sensor_context(instance=instance, cursor=cursor, definitions=build()) as context:
        data = new_dataset.evaluate_tick(context)
    return list(data.run_requests or []), data.cursor, data.skip_message


def test_the_sensor_asks_once_for_each_new_version(made: Small, inside: pytest.MonkeyPatch, instance: dg.DagsterInstance) -> None:
    inside.chdir(made.folder)
    first = made.version()
    requests, cursor, _ = evaluate(instance, None)
    assert (len(requests), cursor) == (1, first)
    assert requests[0].tags["dataset_version"] == first
    again, _, _ = evaluate(instance, None)
    assert again[0].run_key == requests[0].run_key, "an event that is seen twice makes one run"
    assert evaluate(instance, cursor)[0] == []

    pointer = (made.folder / "data.dvc").read_text()
    (made.folder / "data.dvc").write_text(re.sub(r"md5: \w+\.dir", f"md5: {'0' * 32}.dir", pointer))
    requests, cursor, _ = evaluate(instance, first)
    assert (len(requests), cursor) == (1, f"{'0' * 32}.dir")
    (made.folder / "data.dvc").write_text(pointer)
    back, cursor, _ = evaluate(instance, cursor)
    assert cursor == first and back[0].run_key != again[0].run_key, "a version that comes back is asked for again"


def test_the_sensor_does_not_ask_for_what_the_line_did_itself(made: Small, inside: pytest.MonkeyPatch, instance: dg.DagsterInstance) -> None:
    inside.chdir(made.folder)
    running = instance.create_run_for_job(build().resolve_job_def("line"), status=dg.DagsterRunStatus.STARTED)
    assert evaluate(instance, None) == ([], None, "The line is running; it uses the version that it makes.")
    instance.delete_run(running.run_id)
    assert execute("line", instance).success
    requests, cursor, reason = evaluate(instance, None)
    assert (requests, cursor) == ([], made.version()) and reason and reason.startswith("Every stage has used dataset version")


def test_the_sensor_waits_for_a_dataset(small: Small, inside: pytest.MonkeyPatch, instance: dg.DagsterInstance) -> None:
    inside.chdir(small.folder)
    assert evaluate(instance, None) == ([], None, "There is no data.dvc yet.")


def test_schedule_and_sensor_are_off_until_switched_on(small: Small, inside: pytest.MonkeyPatch) -> None:
    inside.chdir(small.folder)
    definitions = build()
    for name, cron in (("nightly", "0 2 * * 1-6"), ("weekly", "0 2 * * 0")):
        schedule = definitions.resolve_schedule_def(name)
        assert (schedule.job_name, schedule.cron_schedule, schedule.execution_timezone) == ("nightly", cron, "UTC")
        assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    for name in ("new_dataset", "stale_stages", "failed_runs", "new_real_screens"):
        assert definitions.resolve_sensor_def(name).default_status == dg.DefaultSensorStatus.STOPPED
    assert {job.name for job in definitions.resolve_all_job_defs() if not job.name.startswith("__")} == {
        "render",
        "line",
        "stages",
        "compare_inbox",
        "nightly",
    }
