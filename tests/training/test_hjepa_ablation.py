"""The comparison of the hierarchy's parts, on a few small pictures."""

import csv
import json
from pathlib import Path

import pytest
import torch

from benchmarks import hjepa_ablation
from benchmarks.hjepa_ablation import ARMS, BASE, UNTRAINED, Base, beside, noise, read_base
from contracts.errors import InputError
from tests.training.synthetic_screens import tiny_params, write_params
from tests.training.test_image_sets import write_folder
from training.models.hjepa import HierarchicalJepa
from training.pretrain_hjepa import config_of

RECIPE = Path(__file__).parents[2] / "training/recipes/hjepa_cifar10_ablation.yaml"
SMALL = {
    "knobs": {"encoder": "vit_nano_patch4_32", "levels": 2, "level_weights": [1.0, 0.5], "global_batch": 8, "epochs": 2, "warmup_epochs": 0.2, "augmentation": None},
    "hardware": {"micro_batch": 8}, "image_size": [16, 16], "corrupt_limit": 0,
}  # fmt: skip


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_params(tmp_path, tiny_params())


def test_every_variant_is_a_model_and_changes_what_it_says_alone() -> None:
    Path("recipe.yaml").write_text(RECIPE.read_text().replace("image_size: null", "image_size: [32, 32]"))
    base = read_base(Path("recipe.yaml"), write_folder(Path("images")))
    unchanged = base.variant(BASE, 1).model_dump()
    for arm, changes in ARMS.items():
        knobs = base.variant(arm, 1)
        found = knobs.model_dump()
        assert {name for name in found if found[name] != unchanged[name]} == set(changes), arm
        if "masks" in changes:
            assert found["masks"] == unchanged["masks"] | changes["masks"]
        with torch.device("meta"):
            HierarchicalJepa(config_of(knobs, (32, 32)))


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    words = ["--data", "images", "--out", "out", "--recipe", "recipe.yaml", "--seconds", "1", "--images", "8", "--arms", "levels_1", *arguments]
    monkeypatch.setattr("sys.argv", ["hjepa_ablation", *words])
    hjepa_ablation.main()


def test_finished_runs_are_kept_and_compared_at_equal_compute(monkeypatch: pytest.MonkeyPatch) -> None:
    write_folder(Path("images"))
    Path("recipe.yaml").write_text(json.dumps(SMALL))
    made: list[tuple[str, int]] = []
    train = hjepa_ablation.train

    def watched(name: str, base: Base, arm: str, seed: int, steps: int) -> list[float]:
        made.append((name, steps))
        seconds = train(name, base, arm, seed, steps)
        file = Path("artifacts") / name / "metrics.json"
        metrics = json.loads(file.read_text())
        file.write_text(json.dumps(metrics | {"cpu_seconds": {BASE: 0.24, "levels_1": 0.2}[arm] * metrics["steps"]}))
        return [{BASE: 0.3, "levels_1": 0.2}[arm]] * len(seconds)  # what a step takes, at first

    monkeypatch.setattr(hjepa_ablation, "train", watched)
    monkeypatch.setattr(hjepa_ablation, "_TIMED_ROUNDS", 1)
    monkeypatch.setattr(hjepa_ablation, "_TIMED_STEPS", 3)
    run(monkeypatch, "--seeds", "1")
    assert made == [("hjepa_ablation_timing", 3)] * 2 + [("hjepa_ablation_base_0", 3), ("hjepa_ablation_levels_1_0", 5)]
    made.clear()
    # As if killed between a training and what is written of it.
    state = json.loads(Path("out/ablation.json").read_text())
    Path("out/ablation.json").write_text(json.dumps(state | {"runs": state["runs"][:-1]}))
    with hjepa_ablation._claimed("hjepa_ablation_base_1"):  # as if another process were making that one
        run(monkeypatch, "--seeds", "2")
    assert made == [("hjepa_ablation_levels_1_1", 5)]
    assert "| base | 1 | 3 |" in Path("out/ablation.md").read_text()
    run(monkeypatch, "--seeds", "2")
    assert made[1] == ("hjepa_ablation_base_1", 4), "by what a step took in the run before"
    with Path("out/runs.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["arm"], row["seed"]) for row in rows] == [(arm, seed) for seed in "01" for arm in (UNTRAINED, BASE, "levels_1")]
    assert [row["steps"] for row in rows] == ["", "3", "4", "", "4", "4"]  # two epochs of two
    assert all(0 <= float(row["linear"]) <= 1 and 0 <= float(row["knn"]) <= 1 and float(row["effective_rank"]) >= 1 for row in rows)
    assert all(float(row["cpu_seconds"]) > 0 for row in rows if row["arm"] != UNTRAINED)
    assert all((row["linear_level_1"] == "") == (row["arm"] == "levels_1") for row in rows)
    text = Path("out/ablation.md").read_text()
    assert "| base | 2 | 4 |" in text and "| levels 1 | 2 | 4 |" in text and "bold if it is more than" in text
    assert "Runs took 1 to 1 seconds" in text and text.rstrip().endswith("code unknown.")  # in no repository
    assert Path("out/ablation.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(InputError, match=r"ablation.json: seconds: another ablation was begun here"):
        run(monkeypatch, "--seconds", "2")


def test_a_difference_is_of_runs_of_the_same_seed_and_bold_beyond_noise() -> None:
    base = [{"seed": seed, "knn": value} for seed, value in enumerate((0.2, 0.4, 0.3))]
    runs = [{"seed": 1, "knn": 0.45}, {"seed": 0, "knn": 0.23}]
    assert beside(runs, base, "knn", 0.03) == "+0.0400 ± 0.0141"
    assert beside(runs, base, "knn", 0.01) == "**+0.0400 ± 0.0141**"
    assert beside(runs[:1], base, "knn", None) == "+0.0500"
    assert beside([{"seed": 7, "knn": 0.5}], base, "knn", 0.01) == ""


def test_noise_is_the_spread_within_groups_alone() -> None:
    assert noise([[1.0, 3.0], [11.0, 13.0], [100.0]]) == pytest.approx(2**0.5)
    assert noise([[1.0], [2.0]]) is None
