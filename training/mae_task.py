"""What pretrain_mae learns, as a Lightning module."""

from typing import Any

from torch import Tensor, nn

from training.batches import ScreenBatch
from training.config import PretrainMaeKnobs
from training.loop import Data, Plan, Task, parameter_groups, peak_rate
from training.losses.reconstruction import masked_pixel_loss, normalised_units
from training.models.encoder import SwinEncoder, normalise
from training.models.mae import MaeOutput, MaskedAutoencoder, hidden_units, to_units, unit_content


class MaeTask(Task):
    """Masked-autoencoder pretraining. Training masks change every epoch; validation masks never do."""

    def __init__(self, model: MaskedAutoencoder, knobs: PretrainMaeKnobs, plan: Plan, data: Data):
        super().__init__(model, plan, data, knobs.precision, knobs.betas)
        self.mae, self.knobs = model, knobs

    def groups(self) -> list[dict[str, Any]]:
        peak = peak_rate(self.knobs.base_learning_rate, self.knobs.rate_scaling, self.knobs.global_batch, 256)
        return parameter_groups(self.model.named_parameters(), peak, self.knobs.weight_decay)

    def blocks(self) -> list[nn.Module]:
        """Not a Swin's whose hidden tokens are left out: that is computed from the parts of its blocks (training/models/visible_swin.py)."""
        in_parts = set(self.mae.encoder.modules()) if isinstance(self.mae.encoder, SwinEncoder) and self.knobs.masking == "visible_only" else set()
        return [block for block in super().blocks() if block not in in_parts]

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
        output: MaeOutput = self.model(images, batch.content_hw, hidden)
        return images, output

    def _loss(self, batch: ScreenBatch, epoch: int) -> Tensor:
        images, output = self.reconstruct(batch, epoch)
        content = unit_content(batch.content_hw, self.mae.encoder.image_size, self.mae.cell)
        target = to_units(images, self.mae.cell)
        if self.knobs.norm_pixel_loss:
            target = normalised_units(target, content)[0]
        return masked_pixel_loss(output.pixels, target, output.hidden, content)

    def losses(self, batch: ScreenBatch, batch_idx: int) -> tuple[Tensor, dict[str, Tensor]]:
        return self._loss(batch, epoch=self.current_epoch + 1), {}

    def validation_sum(self, batch: ScreenBatch) -> tuple[Tensor, float]:
        return self._loss(batch, epoch=0) * len(batch), len(batch)
