"""The comparison of the detector's parts, on a few synthetic screens."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import detector_ablation
from benchmarks.detector_ablation import ARMS, Settings, arm_knobs, name_of
from contracts.errors import InputError

SETTINGS = Settings(steps=4, points=2, batch=4, screens=0, pretrain_steps=2, pretrain_batch=4, learning_rate=0)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    words = ["detector_ablation", "--threads", "1", "--steps", "4", "--points", "2", "--batch", "4", "--pretrain-steps", "2", "--pretrain-batch", "4"]
    monkeypatch.setattr("sys.argv", [*words, *arguments])
    detector_ablation.main()


@pytest.mark.usefixtures("project")
def test_each_arm_adds_to_the_arm_before_and_changes_nothing_else() -> None:
    knobs = [arm_knobs(arm, 3, SETTINGS).model_dump() for arm in ARMS]
    for before, after, changes in zip(knobs, knobs[1:], list(ARMS.values())[1:], strict=False):
        assert {name for name in after if after[name] != before[name]} == set(changes)
    assert not (knobs[0]["box_refinement"] or knobs[0]["two_stage"] or knobs[0]["denoising_queries"])
    assert all(k["seed"] == 3 and k["global_batch"] == 4 for k in knobs)


@pytest.mark.usefixtures("project")
def test_arms_that_are_finished_are_kept_and_the_others_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    run(monkeypatch, "--arms", "plain")
    finished = Path("artifacts") / name_of("plain", 0) / "run.json"
    first = finished.read_bytes()
    run(monkeypatch, "--arms", "plain", "pretrained")
    assert finished.read_bytes() == first
    with Path("docs/results/detector_ablation.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    for arm in ("plain", "pretrained"):
        own = [row for row in rows if row["arm"] == arm]
        assert [row["step"] for row in own] == ["1", "2", "3", "4"]
        assert all(float(row["loss"]) > 0 for row in own)
        assert [row["AP"] != "" and float(row["agnostic_AP"]) >= 0 for row in own] == [False, True, False, True]
    summary: dict[str, Any] = json.loads(Path("docs/results/detector_ablation.json").read_text())
    assert [a["arm"] for a in summary["arms"]] == ["plain", "pretrained"]
    assert summary["arms"][0]["parameters"] < summary["arms"][1]["parameters"]
    assert summary["pretraining"]["steps"] == 2 and summary["train_screens"] == 8
    assert Path("docs/results/detector_ablation.png").read_bytes().startswith(b"\x89PNG")

    with pytest.raises(InputError, match="ablation_settings.json: arms were begun here with other settings"):
        run(monkeypatch, "--learning-rate", "0.01")


@pytest.mark.usefixtures("project")
def test_a_stretch_cannot_be_longer_than_the_split(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"--steps: needs more than the 8 training screens between two points. Found: 6. Use at least 3 --points"):
        run(monkeypatch, "--steps", "6")
