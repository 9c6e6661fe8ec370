"""What a loader gives to a model: screens at training resolution, alone and in batches."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass
class ScreenBatch:
    """Some screens at training resolution.

    `images` uint8 [B, 3, H, W]; `boxes` per screen float32 [n, 4], xyxy pixels of the packed image; `labels` per screen int64 [n], class index =
    taxonomy id - 1; `image_ids` int64 [B], as in data/coco/<split>.json; `content_hw` int64 [B, 2], height and width of the scaled screen in
    the packed image, whose rest is zero; `original_hw` int64 [B, 2], of the screen before scaling.
    """

    images: Tensor
    boxes: list[Tensor]
    labels: list[Tensor]
    image_ids: Tensor
    content_hw: Tensor
    original_hw: Tensor

    def __len__(self) -> int:
        return len(self.images)

    def to(self, device: torch.device | str) -> "ScreenBatch":
        """The same batch on another device."""
        return ScreenBatch(
            self.images.to(device, non_blocking=True), [b.to(device) for b in self.boxes], [label.to(device) for label in self.labels],
            self.image_ids.to(device), self.content_hw.to(device), self.original_hw.to(device),
        )  # fmt: skip


@dataclass(frozen=True)
class PackedScreen:
    """One screen at training resolution: `image` uint8 [H, W, 3]; the rest as in ScreenBatch, as numpy arrays."""

    image: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    image_id: int
    content_hw: tuple[int, int]
    original_hw: tuple[int, int]


def collate(screens: list[PackedScreen]) -> ScreenBatch:
    """Screens of one size to a batch."""
    return ScreenBatch(
        images=torch.from_numpy(np.stack([screen.image for screen in screens])).permute(0, 3, 1, 2).contiguous(),
        boxes=[torch.from_numpy(screen.boxes) for screen in screens],
        labels=[torch.from_numpy(screen.labels) for screen in screens],
        image_ids=torch.tensor([screen.image_id for screen in screens], dtype=torch.int64),
        content_hw=torch.tensor([screen.content_hw for screen in screens], dtype=torch.int64),
        original_hw=torch.tensor([screen.original_hw for screen in screens], dtype=torch.int64),
    )
