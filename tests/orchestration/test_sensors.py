"""Sensors, as the daemon sees them: run requests, cursors, and what is told."""

import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from PIL import Image, ImageDraw

from contracts.annotation import Screen
from contracts.errors import InputError
from orchestration.definitions import build
from orchestration.drift import ANNOTATIONS, DRIFT, INBOX, drift_asset, drift_limits, pack_inbox
from orchestration.process import Console
from orchestration.sensors import failed_runs, new_real_screens, stale_stages
from tests.orchestration.small_repository import REPOSITORY, Small

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def evaluate(sensor: dg.SensorDefinition, instance: dg.DagsterInstance, cursor: str | None) -> tuple[list[dg.RunRequest], str | None, str | None]:
    """Run requests, new cursor, reason for none."""
    with dg.build_sensor_context(instance=instance, cursor=cursor, definitions=build()) as context:
        data = sensor.evaluate_tick(context)
    return list(data.run_requests or []), data.cursor, data.skip_message


def test_stale_stages_are_asked_for_once(made: Small, inside: pytest.MonkeyPatch, instance: dg.DagsterInstance) -> None:
    inside.chdir(made.folder)
    assert evaluate(stale_stages, instance, None) == ([], "clean", "Every stage is up to date.")
    made.edit("params.yaml", "steps: 3", "steps: 4")
    requests, cursor, _ = evaluate(stale_stages, instance, "clean")
    (request,) = requests
    assert request.tags["screenry/stale"] == "pretrain_mae" and request.run_key == cursor
    again, _, _ = evaluate(stale_stages, instance, "clean")
    assert again[0].run_key == request.run_key, "an event that is seen twice, because a daemon was killed in between, makes one run"
    assert evaluate(stale_stages, instance, cursor) == ([], cursor, "Asked for already: pretrain_mae.")
    running = instance.create_run_for_job(build().resolve_job_def("stages"), status=dg.DagsterRunStatus.STARTED)
    assert evaluate(stale_stages, instance, "clean")[2] == "The stages are running."
    instance.delete_run(running.run_id)
    made.edit("params.yaml", "steps: 4", "steps: 5")
    requests, other, _ = evaluate(stale_stages, instance, cursor)
    assert len(requests) == 1 and other != cursor, "the same stage is stale for another reason"


def test_a_failed_run_is_told_once_with_the_stage_s_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, instance: dg.DagsterInstance, received: tuple[str, list[dict[str, Any]]]
) -> None:
    monkeypatch.chdir(tmp_path)
    url, messages = received
    notify = {"webhook": url, "webhook_format": "json", "smtp": None, "timeout_seconds": 10.0}
    Path("params.yaml").write_text(yaml.safe_dump({"preset": "p", "presets": {"p": {}}, "notify": notify}))

    @dg.op
    def night_learn() -> None:
        raise dg.Failure("error: params.yaml: pretrain_mae.fail: is set.", allow_retries=False)

    @dg.job(tags={"screenry/night": "2026-11-21"})
    def nightly() -> None:
        night_learn()

    result = nightly.execute_in_process(instance=instance, raise_on_error=False, run_config=QUIET)

    def tell() -> None:
        context = dg.build_run_status_sensor_context(
            sensor_name="failed_runs", dagster_instance=instance, dagster_run=result.dagster_run, dagster_event=result.get_run_failure_event()
        ).for_run_failure()
        failed_runs(context)

    tell()
    tell()
    (message,) = messages
    assert (message["subject"], message["level"]) == ("nightly 2026-11-21 failed", "error")
    assert message["text"] == "night_learn: error: params.yaml: pretrain_mae.fail: is set."
    assert message["facts"] == {"run": result.run_id, "job": "nightly", "night": "2026-11-21"}

    Path("params.yaml").write_text(Path("params.yaml").read_text().replace("/hook", "/hook").replace(url.split(":")[2].split("/")[0], "1"))
    other = nightly.execute_in_process(instance=instance, raise_on_error=False, run_config=QUIET)
    context = dg.build_run_status_sensor_context("failed_runs", other.get_run_failure_event(), instance, other.dagster_run).for_run_failure()
    with pytest.raises(dg.Failure, match="NOT SENT by webhook"):
        failed_runs(context)


def picture(path: Path, colour: tuple[int, int, int], boxes: int) -> None:
    image = Image.new("RGB", (160, 120), colour)
    for number in range(boxes):
        ImageDraw.Draw(image).rectangle((5 + 9 * number, 10, 9 + 9 * number, 100), fill=(250 - 10 * number, 40, 15 * number))
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, "PNG")


def test_real_screens_unlike_the_dataset_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, instance: dg.DagsterInstance) -> None:
    """The real comparisons (datagen.compare, evaluation.drift without a model), between an inbox of our own drawing and a dataset of it."""
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text("drift: {limit: 0.25, mmd2: 0.05, ap_at_least: 0.3, mapping: names}\n")
    Path("data.dvc").write_text("outs: [{md5: 0.dir}]\n")
    assert new_real_screens.evaluate_tick(dg.build_sensor_context()).skip_message == "inbox/ holds no PNG."
    for number in range(6):
        picture(INBOX / f"{number}.png", (240, 240, 240), number % 3)
    first = new_real_screens.evaluate_tick(dg.build_sensor_context())
    assert first.run_requests and first.run_requests[0].run_key == first.cursor
    assert new_real_screens.evaluate_tick(dg.build_sensor_context(cursor=first.cursor)).skip_message == "These 6 screens were compared already."

    dataset = Path("data/shards/000000.tar")
    assert pack_inbox(dataset) == 6
    with tarfile.open(dataset) as tar:
        label = tar.extractfile("inbox-000003.json")
        assert label and Screen.model_validate_json(label.read()).width == 160

    def compare() -> tuple[bool, str, dict[str, Any]]:
        result = dg.materialize([drift_asset(Console())], instance=instance, run_config=QUIET, selection="drift")
        near, finds = sorted(result.get_asset_check_evaluations(), key=lambda check: check.check_name == "finds_elements")
        assert finds.passed and str(finds.description).endswith("there is no promoted model, and no encoder in artifacts/")
        (event,) = result.get_asset_materialization_events()
        return near.passed, str(near.description), {name: value.value for name, value in event.materialization.metadata.items()}

    passed, told, metadata = compare()
    assert passed and told.startswith("pictures: all within 0.25 bits of the noise; features: not compared; ")
    assert (metadata["screens"], metadata["labelled"], metadata["model"]) == (6, 0, "none") and "inbox/annotations.json is not there" in metadata[
        "not_measured"
    ]
    for number in range(6):
        picture(INBOX / f"{number}.png", (20, 20, 40), 14)
    changed = new_real_screens.evaluate_tick(dg.build_sensor_context(cursor=first.cursor))
    assert changed.run_requests and changed.cursor != first.cursor
    passed, told, metadata = compare()
    assert not passed and "luminance 1.000" in told and metadata["jsd_screen_aspect"] == 0.0
    assert (DRIFT / "comparison/compare.png").is_file()

    def failure() -> str:
        failed = dg.materialize([drift_asset(Console())], instance=instance, run_config=QUIET, raise_on_error=False)
        (event,) = [event for event in failed.all_events if event.is_step_failure]
        return str(event.step_failure_data.user_failure_data)

    ANNOTATIONS.write_text('{"images": [{"id": 1, "file_name": "9.png", "width": 160, "height": 120}], "annotations": [], "categories": []}')
    labelled = new_real_screens.evaluate_tick(dg.build_sensor_context(cursor=changed.cursor))
    assert labelled.run_requests and labelled.cursor != changed.cursor, "labels that come later are something new"
    assert new_real_screens.evaluate_tick(dg.build_sensor_context(cursor=labelled.cursor)).skip_message == "These 6 screens were compared already."
    assert "inbox/annotations.json: images[id=1].file_name: is no PNG of this folder. Found: 9.png." in failure()
    (INBOX / "7.png").write_bytes(b"GIF89a")
    assert "inbox/7.png: is no PNG." in failure()


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ("limit: 0.25", "drift.mmd2: must be a number. Found: None. Set it from 0"),
        ("limit: 0.25, mmd2: 2.5", "drift.mmd2: must be a number. Found: 2.5."),
        ("limit: 0.25, mmd2: 0.1, ap_at_least: all", "drift.ap_at_least: must be a number. Found: 'all'."),
        ("limit: 0.25, mmd2: 0.1, ap_at_least: 0.3, mapping: ours", "drift.mapping: is no mapping. Found: ours. Use one of names, mobile_screens,"),
    ],
)
def test_limits_of_drift_that_are_none(tmp_path: Path, section: str, told: str) -> None:
    (tmp_path / "params.yaml").write_text(f"drift: {{{section}}}\n")
    with pytest.raises(InputError, match=re.escape(told)):
        drift_limits(tmp_path / "params.yaml")


def test_the_project_s_limits_of_drift() -> None:
    assert drift_limits(REPOSITORY / "params.yaml").mapping == "names"
