"""The whole line at its smallest, as a newcomer runs it: `make demo`, then DVC and Dagster agree on everything."""

import json
from pathlib import Path

import pytest
import yaml

from tests.conftest import Clone

pytestmark = [pytest.mark.slow, pytest.mark.browser]
STAGES = (
    "pack_beton",
    "pack_grounding",
    "pretrain_mae",
    "pretrain_hjepa",
    "train_detector",
    "tune_grounder",
    "personalize_grounder",
    "eval_detection",
    "eval_latency",
    "eval_transfer",
    "eval_probes",
    "eval_grounding",
    "report",
)


def version(demo: Clone) -> str:
    return yaml.safe_load((demo.folder / "data.dvc").read_text())["outs"][0]["md5"]


def test_demo_says_where_the_report_is(demo: Clone) -> None:
    said = (demo.folder / "first.log").read_text()
    assert "artifacts/report/report.html" in said and "AP50" in said
    report = (demo.folder / "artifacts/report/report.html").read_text()
    assert version(demo)[:8] in report and 'src="http' not in report


def test_every_artifact_names_the_same_dataset_version(demo: Clone) -> None:
    assert {json.loads((demo.folder / f"artifacts/{stage}/run.json").read_text())["dataset_version"] for stage in STAGES} == {version(demo)}


def test_dvc_agrees(demo: Clone) -> None:
    assert "up to date" in demo.check("dvc status")
    changed = demo.check("git status --porcelain").split()
    assert set(changed[1::2]) <= {"data.dvc", "dvc.lock", "first.log"}, changed
    assert demo.check("dvc repro").count("didn't change, skipping") == len(STAGES) + 1


def test_dvc_shows_metrics_and_plots(demo: Clone) -> None:
    assert "AP50" in demo.check("dvc metrics show")
    assert "AP" in demo.check("dvc metrics diff --all")
    assert (
        demo.folder / demo.check("dvc plots show --json > /dev/null && dvc plots show -o dvc_plots_shown | tail -1").strip().removeprefix("file://")
    ).is_file()
    plots = json.loads(demo.check("dvc plots show --json"))
    assert not plots.get("errors") and len(plots["data"]) >= 3, plots.keys()


def test_second_demo_reuses_everything(demo: Clone) -> None:
    before = {stage: (demo.folder / f"artifacts/{stage}/run.json").read_text() for stage in STAGES}
    said = demo.check("make demo")
    assert "up to date" in said
    assert {stage: (demo.folder / f"artifacts/{stage}/run.json").read_text() for stage in STAGES} == before


def test_the_detector_learns(demo: Clone) -> None:
    """Two epochs on a few screens say nothing about quality, but the loss must fall."""
    metrics = json.loads((demo.folder / "artifacts/train_detector/metrics.json").read_text())
    assert metrics["loss"] < metrics["first_loss"]


def test_a_clone_without_data_is_told_what_to_do(clone: Clone, demo: Clone) -> None:
    for name in ("data.dvc", "dvc.lock"):
        (clone.folder / name).write_bytes((demo.folder / name).read_bytes())
    done = clone.run("dvc repro")
    assert done.returncode == 1
    for way in ("make demo", "dvc pull", "python -m datagen.render"):
        assert way in done.stderr
    assert not (clone.folder / "artifacts").exists()


def test_hardware_tracking_and_other_presets_make_nothing_stale(demo: Clone) -> None:
    """Hardware and tracking are not hashed, nor is a preset that is not switched on."""
    params = Path(demo.folder / "params.yaml")
    original = params.read_text()
    try:
        changed = yaml.safe_load(original)
        for hardware in changed["presets"]["tiny-cpu"]["hardware"].values():
            hardware["micro_batch"] = 1
        changed["presets"]["one-gpu"]["render"]["shards"] = 1
        changed["tracking"]["wandb"] = "disabled"
        params.write_text(yaml.safe_dump(changed, sort_keys=False))
        assert "up to date" in demo.check("dvc status")
    finally:
        params.write_text(original)
