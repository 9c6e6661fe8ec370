"""What train_detector learns, as a Lightning module."""

from typing import Any

import torch
from torch import Tensor

from training.average_precision import ValidationScreens, can_score, score
from training.batches import ScreenBatch
from training.config import TrainDetectorKnobs
from training.detect import best
from training.loop import Data, Plan, Task, parameter_groups, peak_rate
from training.losses.detection import LossWeights, Target, detection_loss, to_cxcywh
from training.models.denoising import noisy_queries
from training.models.detector import Detector, DetectorOutput
from training.models.encoder import normalise


class DetectorTask(Task):
    """Detection by set prediction."""

    def __init__(self, model: Detector, knobs: TrainDetectorKnobs, plan: Plan, data: Data):
        super().__init__(model, plan, data, knobs.precision)
        self.knobs = knobs

    def groups(self) -> list[dict[str, Any]]:
        return detector_groups(self.model, self.knobs)

    def _loss(self, batch: ScreenBatch, normaliser: float, denoise: bool) -> tuple[DetectorOutput, Tensor, dict[str, Tensor]]:
        return detector_loss(self.model, self.knobs, batch, normaliser, self.current_epoch if denoise else None)

    def losses(self, batch: ScreenBatch, batch_idx: int) -> tuple[Tensor, dict[str, Tensor]]:
        normaliser = self.data.train.mean_elements(batch_idx, self.plan.accumulation)
        _, loss, parts = self._loss(batch, normaliser, denoise=True)
        return loss, parts

    def on_validation_epoch_start(self) -> None:
        super().on_validation_epoch_start()
        self._screens = ValidationScreens()

    def validation_sum(self, batch: ScreenBatch) -> tuple[Tensor, float]:
        output, loss, _ = self._loss(batch, 1.0, denoise=False)
        if self.counts and can_score():
            self._screens.add(batch, best(output, batch, self.knobs.num_queries))
        return loss, sum(len(labels) for labels in batch.labels)

    def validation_metrics(self) -> dict[str, float]:
        """AP, AP50, AP75 and AP by class on the validation split, where faster-coco-eval is installed."""
        screens = self._of_all_ranks(self._screens.screens)
        return score(screens) if can_score() and self.trainer.is_global_zero else {}


def detector_groups(model: Detector, knobs: TrainDetectorKnobs) -> list[dict[str, Any]]:
    """AdamW's parameter groups: the encoder learns `encoder_learning_rate_factor` as fast as what stands on it."""
    rate = peak_rate(knobs.learning_rate, knobs.rate_scaling, knobs.global_batch, 16)
    named = list(model.named_parameters())
    backbone = [(name, p) for name, p in named if name.startswith("backbone.")]
    rest = [(name, p) for name, p in named if not name.startswith("backbone.")]
    return [
        *parameter_groups(rest, rate, knobs.weight_decay),
        *parameter_groups(backbone, rate * knobs.encoder_learning_rate_factor, knobs.weight_decay, knobs.encoder_layer_decay),
    ]


def detector_loss(
    model: Detector, knobs: TrainDetectorKnobs, batch: ScreenBatch, normaliser: float, epoch: int | None
) -> tuple[DetectorOutput, Tensor, dict[str, Tensor]]:
    """What the model makes of a batch on its device, the loss (divided by `normaliser`, see training/losses/detection.py) and its parts. With an `epoch`
    noisy copies of the elements are learned from, too, if the knobs want some: the same for a screen in an epoch whichever process or micro-batch it lands in.
    """
    wanted = targets(batch)
    noisy = None
    if epoch is not None and knobs.denoising_queries:
        noisy = noisy_queries(
            [t.labels for t in wanted], [t.boxes for t in wanted], knobs.denoising_queries, len(model.config.class_names),
            knobs.denoising_label_noise, knobs.denoising_box_noise, [(knobs.seed, epoch, image) for image in batch.image_ids.tolist()],
        )  # fmt: skip
    output = model(normalise(batch.images, batch.content_hw), batch.content_hw, noisy)
    weights = LossWeights(focal=knobs.focal_weight, l1=knobs.l1_weight, giou=knobs.giou_weight)
    return output, *detection_loss(output, wanted, weights, normaliser, noisy)


def targets(batch: ScreenBatch) -> list[Target]:
    """A batch's elements as the loss wants them: boxes cxcywh in [0, 1] of the padded image."""
    height, width = batch.images.shape[-2:]
    size = torch.tensor([width, height, width, height], dtype=torch.float32, device=batch.images.device)
    return [Target(labels, to_cxcywh(boxes / size)) for labels, boxes in zip(batch.labels, batch.boxes, strict=True)]
