"""What a loader gives to a model: screens at training resolution, alone and in batches."""

from collections.abc import Iterable
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


def collate(screens: Iterable[PackedScreen], number: int) -> ScreenBatch:
    """`number` screens of one size to a batch. None is kept when it is in: the memory of one serves those that follow."""
    boxes, labels, numbers = [], [], np.empty((number, 5), dtype=np.int64)
    for n, screen in enumerate(screens):
        height, width, channels = screen.image.shape
        if n == 0:
            images = np.empty((number, channels, height, width), dtype=np.uint8)
        images[n] = screen.image.transpose(2, 0, 1)
        boxes.append(torch.from_numpy(screen.boxes))
        labels.append(torch.from_numpy(screen.labels))
        numbers[n] = screen.image_id, *screen.content_hw, *screen.original_hw
    image_ids, content_hw, original_hw = (part.clone() for part in torch.from_numpy(numbers).split([1, 2, 2], dim=1))
    return ScreenBatch(torch.from_numpy(images), boxes, labels, image_ids[:, 0], content_hw, original_hw)
