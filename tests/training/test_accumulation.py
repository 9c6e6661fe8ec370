"""One batch of eight screens at once, and the same screens one by one with their gradients summed, are one optimizer step."""

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.training.golden import settings
from tests.training.synthetic_screens import write_params
from training import pretrain_mae, train_detector
from training.batches import SplitBatches

# What the clock measures, and sizes.
NOT_LEARNED = ("seconds", "screens_per_second", "data_wait_share", "eta_seconds")


def learn(root: Path, stage: ModuleType, micro_batch: int) -> tuple[list[dict[str, float]], torch.Tensor]:
    """Two steps of all eight training screens: what was logged of each step (losses, their parts, the gradient's norm), and the weights in a row."""
    params = settings()
    tiny: dict[str, Any] = params["presets"]["tiny-cpu"]
    name = stage.__name__.rsplit(".", 1)[1]
    tiny[name] |= {"global_batch": 8, "epochs": 2}
    tiny["hardware"][name]["micro_batch"] = micro_batch
    write_params(root, params)
    stage.main()
    folder = root / "artifacts" / name
    rows = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    (weights,) = folder.glob("*.safetensors")
    flat = torch.cat([value.flatten() for value in load_file(weights).values()])
    return [{key: value for key, value in row.items() if key not in NOT_LEARNED} for row in rows if "loss" in row], flat


def apart(a: list[dict[str, float]], b: list[dict[str, float]]) -> float:
    """The largest relative difference of what was logged."""
    assert len(a) == len(b) == 2 and all(x.keys() == y.keys() and {"loss", "gradient_norm"} <= x.keys() for x, y in zip(a, b, strict=True))
    return max(abs(y[name] / x[name] - 1) for x, y in zip(a, b, strict=True) for name in x if x[name])


@pytest.mark.parametrize("stage", [pretrain_mae, train_detector])
def test_eight_at_once_are_eight_one_by_one(project: Path, monkeypatch: pytest.MonkeyPatch, stage: ModuleType) -> None:
    """The detector's screens have 3 to 6 elements each, and its loss is per element of the whole batch."""
    monkeypatch.setattr("sys.argv", ["stage"])
    at_once, weights = learn(project, stage, 8)
    one_by_one, same = learn(project, stage, 1)
    assert apart(at_once, one_by_one) < 1e-4
    # AdamW may turn where a gradient is nearly zero; such weights must be rare. Both have gone one way, which is not nothing.
    way = sum(row["learning_rate"] for row in at_once)
    assert float((weights - same).abs().mean()) < 0.01 * way
    if stage is train_detector:
        # What this is worth: were each micro-batch's loss per element of its own, as is usual, it would be another step.
        monkeypatch.setattr(SplitBatches, "mean_elements", of_its_own)
        assert apart(at_once, learn(project, stage, 1)[0]) > 1e-2


def of_its_own(batches: SplitBatches, batch_index: int, accumulation: int) -> float:
    return float(batches.elements[batches.order.whole()[batches.order.position(batch_index)]])
