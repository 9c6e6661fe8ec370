"""What train_detector learns, as a Lightning module."""

from typing import Any

import torch
from torch import Tensor

from training.batches import ScreenBatch
from training.config import TrainDetectorKnobs
from training.loop import Data, Plan, Task, parameter_groups
from training.losses.detection import LossWeights, Target, detection_loss, to_cxcywh
from training.models.detector import Detector
from training.models.encoder import normalise


class DetectorTask(Task):
    """Detection by set prediction."""

    def __init__(self, model: Detector, knobs: TrainDetectorKnobs, plan: Plan, data: Data):
        super().__init__(model, plan, data, knobs.precision)
        self.knobs = knobs
        self.weights = LossWeights(focal=knobs.focal_weight, l1=knobs.l1_weight, giou=knobs.giou_weight)

    def groups(self) -> list[dict[str, Any]]:
        rate, named = self.knobs.learning_rate, list(self.model.named_parameters())
        backbone = [(name, p) for name, p in named if name.startswith("backbone.")]
        rest = [(name, p) for name, p in named if not name.startswith("backbone.")]
        return [
            *parameter_groups(rest, rate, self.knobs.weight_decay),
            *parameter_groups(backbone, rate * self.knobs.encoder_learning_rate_factor, self.knobs.weight_decay),
        ]

    def _loss(self, batch: ScreenBatch, normaliser: float) -> tuple[Tensor, dict[str, Tensor]]:
        output = self.model(normalise(batch.images, batch.content_hw), batch.content_hw)
        return detection_loss(output, targets(batch), self.weights, normaliser)

    def losses(self, batch: ScreenBatch, batch_idx: int) -> tuple[Tensor, dict[str, Tensor]]:
        return self._loss(batch, self.data.train.mean_elements(batch_idx, self.plan.accumulation))

    def validation_sum(self, batch: ScreenBatch) -> tuple[Tensor, float]:
        return self._loss(batch, 1.0)[0], sum(len(labels) for labels in batch.labels)


def targets(batch: ScreenBatch) -> list[Target]:
    """A batch's elements as the loss wants them: boxes cxcywh in [0, 1] of the padded image."""
    height, width = batch.images.shape[-2:]
    size = torch.tensor([width, height, width, height], dtype=torch.float32, device=batch.images.device)
    return [Target(labels, to_cxcywh(boxes / size)) for labels, boxes in zip(batch.labels, batch.boxes, strict=True)]
