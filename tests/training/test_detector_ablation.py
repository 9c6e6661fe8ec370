"""The comparison of the detector's parts, on a few synthetic screens."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from benchmarks import detector_ablation
from benchmarks.detector_ablation import ARMS, PRETRAINING, Settings, arm_knobs, name_of
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
def test_arms_take_turns_and_are_compared_at_equal_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """`plain` alone is trained first, and kept; `refinement` then has two turns, the second from its checkpoint."""
    seen: list[tuple[str, int]] = []
    train = detector_ablation.train

    def watched(arm: str, seed: int, settings: Settings, until: int) -> None:
        seen.append((arm, until))
        train(arm, seed, settings, until)

    monkeypatch.setattr(detector_ablation, "train", watched)
    run(monkeypatch, "--arms", "plain")
    run(monkeypatch, "--arms", "plain", "refinement")
    assert seen == [("plain", 2), ("plain", 4), ("refinement", 2), ("refinement", 4)]

    with Path("docs/results/detector_ablation.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["arm"], row["step"]) for row in rows] == [(arm, step) for arm in ("plain", "refinement") for step in "1234"]
    assert all(float(row["loss"]) > 0 for row in rows)
    assert [row["AP"] != "" and float(row["agnostic_AP"]) >= 0 for row in rows] == [False, True, False, True] * 2
    summary: dict[str, Any] = json.loads(Path("docs/results/detector_ablation.json").read_text())
    assert summary["steps_made"] == 4 and summary["train_screens"] == 8
    assert [a["arm"] for a in summary["arms"]] == ["plain", "refinement"]
    assert all(a["train_giou"] > 0 and a["val_loss"] > 0 and a["cpu_seconds_per_step"] > 0 for a in summary["arms"])
    assert summary["arms"][0]["parameters"] < summary["arms"][1]["parameters"]
    assert Path("docs/results/detector_ablation.png").read_bytes().startswith(b"\x89PNG")

    with pytest.raises(InputError, match=r"ablation_settings.json: arms were begun here with other settings"):
        run(monkeypatch, "--learning-rate", "0.01")


@pytest.mark.usefixtures("project")
def test_the_last_arm_begins_with_the_pretrained_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its first steps are made with a rate of nothing: what it has afterwards is what it began with."""
    monkeypatch.setattr("training.loop.warmup_cosine", lambda *_: 0.0)
    detector_ablation.pretrain(SETTINGS)
    detector_ablation.train("pretrained", 0, SETTINGS, 4)
    encoder = load_file(f"artifacts/{PRETRAINING}/model.safetensors")
    detector = load_file(f"artifacts/{name_of('pretrained', 0)}/model.safetensors")
    assert all(torch.equal(detector[f"backbone.{name}"], value) for name, value in encoder.items())


@pytest.mark.usefixtures("project")
def test_a_stretch_cannot_be_longer_than_the_split(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"--steps: needs more than the 8 training screens between two points. Found: 6. Use at least 3 --points"):
        run(monkeypatch, "--steps", "6")
    with pytest.raises(InputError, match=r"--pretrain-steps: is no multiple of --points 2. Found: 5"):
        run(monkeypatch, "--pretrain-steps", "5")
