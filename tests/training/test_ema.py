"""The moving average of weights, in numbers."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from training.ema import WeightAverage


def test_the_average_is_the_formula_and_comes_and_goes() -> None:
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, 1.0)
    average = WeightAverage(model, decay=0.5)
    module: Any = None
    trainer: Any = SimpleNamespace(global_step=0, accumulate_grad_batches=2)
    average.on_fit_start(trainer, module)
    expected = 1.0
    for step, value in enumerate([3.0, -2.0, 5.0, 8.0, 1.0, 0.0, 4.0, 9.0, 2.0], start=1):
        nn.init.constant_(model.weight, value)
        trainer.global_step = step
        average.on_train_batch_end(trainer, module, None, None, batch_idx=0)  # in the middle of an accumulated step: nothing
        average.on_train_batch_end(trainer, module, None, None, batch_idx=1)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
        assert average.whole()["weight"].item() == pytest.approx(expected, rel=1e-6)
    average.show(True)
    average.show(True)
    assert model.weight.item() == pytest.approx(expected, rel=1e-6)
    average.show(False)
    assert model.weight.item() == 2.0
    other = WeightAverage(nn.Linear(1, 1, bias=False), decay=0.5)
    other.on_fit_start(trainer, module)
    other.load(average.whole())
    assert torch.equal(other.whole()["weight"], average.whole()["weight"])
