"""What the two training stages learn, as Lightning modules: the model, its loss on a batch of screens, its parameter groups."""

from typing import Any

import torch
from torch import Tensor

from training.batches import ScreenBatch
from training.config import PretrainMaeKnobs, TrainDetectorKnobs
from training.loop import Data, Plan, Task, parameter_groups
from training.losses.detection import LossWeights, Target, detection_loss, to_cxcywh
from training.losses.reconstruction import masked_pixel_loss, normalised_units
from training.models.detector import Detector
from training.models.encoder import normalise
from training.models.mae import DenseMaskedAutoencoder, MaeOutput, hidden_units, to_units, unit_content


class MaeTask(Task):
    """Masked-autoencoder pretraining. Training masks change every epoch; validation masks never do."""

    def __init__(self, model: DenseMaskedAutoencoder, knobs: PretrainMaeKnobs, plan: Plan, data: Data):
        super().__init__(model, plan, data, knobs.precision, knobs.betas)
        self.mae, self.knobs = model, knobs

    def groups(self) -> list[dict[str, Any]]:
        peak = self.knobs.base_learning_rate * self.knobs.global_batch / 256
        return parameter_groups(self.model.named_parameters(), peak, self.knobs.weight_decay)

    def reconstruct(self, batch: ScreenBatch, epoch: int) -> tuple[Tensor, MaeOutput]:
        """Normalised images [B, 3, H, W] and the model's output for this epoch's masks."""
        images = normalise(batch.images, batch.content_hw)
        hidden = hidden_units(
            batch.image_ids.tolist(),
            batch.content_hw,
            self.mae.encoder.image_size,
            self.knobs.mask_unit,
            self.knobs.mask_ratio,
            self.knobs.seed,
            epoch,
        )
        output: MaeOutput = self.model(images, batch.content_hw, hidden.to(images.device))
        return images, output

    def _loss(self, batch: ScreenBatch, epoch: int) -> Tensor:
        images, output = self.reconstruct(batch, epoch)
        content = unit_content(batch.content_hw, self.mae.encoder.image_size, self.knobs.mask_unit)
        target = to_units(images, self.knobs.mask_unit)
        if self.knobs.norm_pixel_loss:
            target = normalised_units(target, content)[0]
        return masked_pixel_loss(output.pixels, target, output.hidden, content)

    def losses(self, batch: ScreenBatch, batch_idx: int) -> tuple[Tensor, dict[str, Tensor]]:
        return self._loss(batch, epoch=self.current_epoch + 1), {}

    def validation_sum(self, batch: ScreenBatch) -> tuple[Tensor, float]:
        return self._loss(batch, epoch=0) * len(batch), len(batch)


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
