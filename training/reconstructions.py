"""A picture of what a masked autoencoder sees and makes of it."""

from pathlib import Path

import torch
from PIL import Image

from contracts.files import replacing
from training.batches import SplitBatches
from training.losses.reconstruction import normalised_units
from training.mae_task import MaeTask
from training.models.encoder import PIXEL_MEAN, PIXEL_STD, content_mask
from training.models.mae import from_units, to_units, unit_content

_GREY, _GAP, _ROWS = 0.6, 8, 4


@torch.no_grad()
def draw_reconstructions(task: MaeTask, batches: SplitBatches, file: Path, rows: int = _ROWS) -> None:
    """PNG, one screen per row: input, what the encoder sees, reconstruction (predicted where hidden, input elsewhere).

    With normalised pixel targets a predicted unit is given back the true unit's mean and contrast, as in the paper's figures.
    """
    size, unit = task.mae.encoder.image_size, task.mae.cell
    lines: list[torch.Tensor] = []
    task.eval()
    for batch in batches:
        images, output = task.reconstruct(batch.to(task.device), epoch=0)
        units = to_units(images, unit)
        predicted = output.pixels.float()
        if task.knobs.norm_pixel_loss:
            _, mean, deviation = normalised_units(units, unit_content(batch.content_hw.to(task.device), size, unit))
            predicted = predicted * deviation + mean
        hidden = output.hidden[..., None]
        filled = from_units(torch.where(hidden, predicted, units), size, unit)
        gap = torch.ones(len(images), 3, size[0], _GAP, device=images.device)
        content = content_mask(batch.content_hw.to(images.device), *size)[:, None]
        shown, guessed = (torch.where(content, _to_rgb(x), 1.0) for x in (images, filled))
        seen = torch.where(from_units(hidden.expand_as(units), size, unit) & content, _GREY, shown)
        lines += list(torch.cat([shown, gap, seen, gap, guessed], dim=-1).cpu())
        if len(lines) >= rows:
            break
    if not lines:
        raise ValueError(f"split {batches.split} holds no screen to reconstruct")
    page = torch.cat([torch.nn.functional.pad(line, (0, 0, 0, _GAP), value=1.0) for line in lines[:rows]], dim=1)
    with replacing(file) as temporary:
        Image.fromarray((page * 255).round().byte().permute(1, 2, 0).numpy()).save(temporary, "PNG")


def _to_rgb(images: torch.Tensor) -> torch.Tensor:
    mean, std = (torch.tensor(values, device=images.device)[:, None, None] for values in (PIXEL_MEAN, PIXEL_STD))
    return (images * std + mean).clamp(0, 1)
