"""Runs of recipes with several seeds, on a few small pictures."""

import json
from pathlib import Path

import pytest

from benchmarks import hjepa_cifar10
from contracts.errors import InputError
from tests.training.synthetic_screens import tiny_params, write_params
from tests.training.test_hjepa_ablation import SMALL
from tests.training.test_image_sets import write_folder
from training import pretrain_hjepa


def test_finished_runs_are_kept_and_tabled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_params(tmp_path, tiny_params())
    write_folder(Path("images"))
    Path("small.yaml").write_text(json.dumps(SMALL))
    made: list[tuple[str, int]] = []

    def here(recipe: Path, data: Path, name: str, seed: int, threads: int) -> None:  # as train() does, without a process of its own
        made.append((name, seed))
        with monkeypatch.context() as patch:
            patch.setattr("sys.argv", ["pretrain_hjepa", "--recipe", str(recipe), "--data", str(data), "--out", name, "--seed", str(seed)])
            pretrain_hjepa.main()

    monkeypatch.setattr(hjepa_cifar10, "train", here)
    for seeds in ("1", "2"):
        monkeypatch.setattr("sys.argv", ["hjepa_cifar10", "--data", "images", "--out", "out", "--recipes", "small.yaml", "--seeds", seeds])
        hjepa_cifar10.main()
    assert made == [("small_seed_0", 0), ("small_seed_1", 1)]
    runs = json.loads(Path("out/results.json").read_text())["runs"]
    assert set(runs) == {f"{name}_seed_{seed}" for name in ("untrained", "small") for seed in (0, 1)}
    assert runs["small_seed_0"]["val_loss"] != runs["small_seed_1"]["val_loss"]
    assert all(0 <= run["linear"] <= 1 and 0 < run["rank_share"] <= 1 for run in runs.values())
    assert runs["small_seed_1"]["knobs"]["levels"] == 2
    assert "| small | 2 | " in Path("out/table.md").read_text()
    assert Path("out/curves.png").read_bytes().startswith(b"\x89PNG")


def test_a_failed_run_is_no_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(InputError, match=r"--recipe small.yaml --data images --out small_seed_0 --seed 0: failed"):
        hjepa_cifar10.train(Path("small.yaml"), Path("images"), "small_seed_0", 0, 1)
