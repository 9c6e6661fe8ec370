"""From a detector's output to detections in the original image."""

from dataclasses import dataclass

import torch
from torch import Tensor

from training.batches import ScreenBatch
from training.losses.detection import to_xyxy
from training.models.detector import Detector, DetectorOutput
from training.models.encoder import normalise


@dataclass(frozen=True)
class Detections:
    """One screen's, best first: `boxes` float [n, 4] xyxy in pixels of the original image, `scores` float [n], `labels` int64 [n] class index."""

    boxes: Tensor
    scores: Tensor
    labels: Tensor


@torch.no_grad()
def detect(model: Detector, batch: ScreenBatch) -> list[Detections]:
    """The num_queries best (query, class) pairs of each screen (Deformable-DETR's post-processing: one query may give several classes).

    Boxes are clipped to the image. The model is used as it is: put it in evaluation mode first.
    """
    device = next(model.parameters()).device
    on_device = batch.to(device)
    return best(model(normalise(on_device.images, on_device.content_hw), on_device.content_hw), on_device, model.config.num_queries)


def best(output: DetectorOutput, batch: ScreenBatch, count: int) -> list[Detections]:
    """The `count` best pairs of each screen of an output; `batch` is on its device."""
    device = output.logits.device
    queries, classes = output.logits.shape[1:]
    scores, flat = output.logits.float().sigmoid().flatten(1).topk(min(count, queries * classes), dim=1)
    height, width = batch.images.shape[-2:]
    boxes = to_xyxy(output.boxes.float()) * torch.tensor([width, height, width, height], device=device)
    boxes = boxes.gather(1, (flat // classes)[..., None].expand(-1, -1, 4))
    # Packed pixels -> original pixels, per axis: sizes were rounded when the screen was scaled.
    scale = (batch.original_hw / batch.content_hw).flip(-1).repeat(1, 2)[:, None]
    limit = batch.original_hw.flip(-1).repeat(1, 2)[:, None]
    boxes = torch.minimum((boxes * scale).clamp(min=0), limit).cpu()
    return [Detections(*parts) for parts in zip(boxes, scores.cpu(), (flat % classes).cpu(), strict=True)]
