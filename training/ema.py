"""Exponential moving average of the weights (Polyak and Juditsky, 1992): validation and the finished model use the average, learning goes on without it."""

from typing import Any

import lightning as L
import torch
from torch import Tensor, nn

from training.run_state import like, whole


class WeightAverage(L.Callback):
    """After each optimizer step average <- d x average + (1 - d) x weights, with d = min(decay, (1 + step) / (10 + step)), so that early steps are
    forgotten soon. Buffers are not averaged.
    """

    def __init__(self, model: nn.Module, decay: float):
        self.model, self.decay, self.shown = model, decay, False
        self._average: dict[str, Tensor] = {}

    def on_fit_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        self._average = {name: parameter.detach().clone() for name, parameter in self.model.named_parameters()}

    @torch.no_grad()
    def on_train_batch_end(self, trainer: L.Trainer, module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int) -> None:
        if (batch_idx + 1) % trainer.accumulate_grad_batches:
            return
        decay = min(self.decay, (1 + trainer.global_step) / (10 + trainer.global_step))
        for name, parameter in self.model.named_parameters():
            self._average[name].mul_(decay).add_(parameter.detach(), alpha=1 - decay)

    def on_validation_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        self.show(True)

    def on_validation_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        self.show(False)

    @torch.no_grad()
    def show(self, average: bool) -> None:
        """Put the average in the weights' place, or the weights back."""
        if average == self.shown:
            return
        for name, parameter in self.model.named_parameters():
            held = parameter.detach().clone()
            parameter.data.copy_(self._average[name])
            self._average[name].copy_(held)
        self.shown = average

    def whole(self) -> dict[str, Tensor]:
        """The average by parameter name, on the CPU; not while it is shown."""
        assert not self.shown
        return {name: whole(value) for name, value in self._average.items()}

    def load(self, average: dict[str, Tensor]) -> None:
        """Go on from an average that `whole` gave."""
        for name, value in self._average.items():
            value.copy_(like(average[name], value))
