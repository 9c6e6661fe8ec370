"""What is read from dvc.yaml and dvc.lock."""

import json
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from contracts.errors import InputError
from orchestration import pipeline
from orchestration.definitions import build
from tests.orchestration.small_repository import REPOSITORY, STAGES, Small, environment


def test_stages_in_the_order_of_the_file_with_what_they_read(small: Small, inside: pytest.MonkeyPatch) -> None:
    inside.chdir(small.folder)
    small.edit("dvc.yaml", "params: [pretrain_mae]", 'params: [pretrain_mae, "presets.${preset}.hardware"]')
    stages = {stage.name: stage for stage in pipeline.declared_stages()}
    assert tuple(stages) == STAGES
    assert [(s.upstream, s.reads_dataset) for s in stages.values()] == [
        ((), True),
        (("pack_beton",), False),
        (("pretrain_mae",), True),
        (("eval_detection",), False),
    ]
    assert stages["pretrain_mae"].params == ("pretrain_mae", "presets.tiny-cpu.hardware")
    assert (stages["pretrain_mae"].room, stages["pretrain_mae"].pool) == ("training", "gpu")


def test_without_a_pool_a_stage_has_its_own(small: Small, inside: pytest.MonkeyPatch) -> None:
    inside.chdir(small.folder)
    small.edit("dvc.yaml", "meta: {room: training, pool: cpu}", "meta: {room: training}")
    assert pipeline.declared_stages()[0].pool == "pack_beton"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("meta: {room: training, pool: gpu}", "meta: {pool: gpu}", r"stages\.pretrain_mae\.meta\.room: is missing"),
        ("desc: Screens packed at training resolution.", "desc:", r"stages\.pack_beton\.desc: is missing"),
        ("stages:", "stages: none", "is not valid YAML"),
        ("stages:", "steps:", "stages: declares no stages"),
    ],
)
def test_a_broken_declaration_is_told(small: Small, inside: pytest.MonkeyPatch, old: str, new: str, told: str) -> None:
    inside.chdir(small.folder)
    small.edit("dvc.yaml", old, new)
    with pytest.raises(InputError, match=rf"dvc\.yaml: .*{told}|dvc\.yaml: {told}"):
        pipeline.declared_stages()


def test_outside_a_repository(tmp_path: Path, inside: pytest.MonkeyPatch) -> None:
    inside.chdir(tmp_path)
    with pytest.raises(InputError, match="top folder of the repository"):
        pipeline.declared_stages()


def test_recorded_version_is_the_hash_in_dvc_lock(made: Small, inside: pytest.MonkeyPatch) -> None:
    inside.chdir(made.folder)
    version = pipeline.recorded_version("pack_beton")
    status = json.loads(made.check("dvc", "ls", "--json", "--show-hash", ".", "artifacts"))
    assert version in {entry["md5"] for entry in status}
    inside.setattr(pipeline, "_LOCK_PATIENCE", 0.1)
    with pytest.raises(InputError, match=r"dvc\.lock: stages\.train_detector\.outs: holds no result"):
        pipeline.recorded_version("train_detector")


@pytest.mark.parametrize(
    ("file", "old", "new", "changes"),
    [
        ("training/pretrain_mae.py", "1 / knobs.steps", "2 / knobs.steps", True),
        ("params.yaml", "steps: 3", "steps: 4", True),
        ("contracts/stage.py", "_LOG_EVERY = 10.0", "_LOG_EVERY = 11.0", True),
        ("params.yaml", "micro_batch: 1", "micro_batch: 2", False),
        ("training/pack_beton.py", "sum(", "sum( ", False),
    ],
)
def test_code_version_changes_with_what_makes_a_stage_stale(
    made: Small, inside: pytest.MonkeyPatch, file: str, old: str, new: str, changes: bool
) -> None:
    inside.chdir(made.folder)
    (stage,) = [s for s in pipeline.declared_stages() if s.name == "pretrain_mae"]
    before = pipeline.code_version(stage)
    made.edit(file, old, new)
    assert (pipeline.code_version(stage) != before) is changes
    if not file.startswith("training/pack"):
        assert ("pretrain_mae" in json.loads(made.check("dvc", "status", "--json"))) is changes, "DVC must agree"


def test_string_selections_parse() -> None:
    """They fail with a TypeError if DVC's antlr4 came into this environment."""
    assert dg.AssetSelection.from_string("key:pretrain_mae+")


def test_definitions_load_without_what_stages_need() -> None:
    program = "import sys; from orchestration.definitions import build; build().resolve_all_job_defs(); print({'torch', 'lightning', 'playwright'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, env=environment(), capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr


def test_the_graph_of_the_project(inside: pytest.MonkeyPatch) -> None:
    """Snapshot. After a wanted change: `python -m tests.orchestration.test_pipeline`."""
    inside.chdir(REPOSITORY)
    assert graph() == json.loads(Path(__file__).with_name("graph.json").read_text())


def graph() -> dict[str, dict[str, object]]:
    assets = build().resolve_asset_graph()
    pools = {key: definition.node_def.pool for definition in assets.assets_defs if definition.is_executable for key in definition.keys}
    return {
        key.to_user_string(): {
            "deps": sorted(parent.to_user_string() for parent in assets.get(key).parent_keys),
            "group": assets.get(key).group_name,
            "pool": pools.get(key),
            "partitioned": assets.get(key).is_partitioned,
            "checks": sorted(check.name for check in assets.get(key).check_keys),
        }
        for key in sorted(assets.get_all_asset_keys())
    }


if __name__ == "__main__":
    Path(__file__).with_name("graph.json").write_text(json.dumps(graph(), indent=2) + "\n")
