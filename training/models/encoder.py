"""Swin Transformer (arXiv:2103.14030, timm's implementation) as an encoder of screens of any size, with features at strides 8, 16 and 32.

Changed from timm: no classifier; the first stage's output (stride 4) is used but not returned; a learned token may stand in for hidden
patches (for masked pretraining). Windows, shifts and weights are timm's, so timm's checkpoints fit.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import timm
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from timm.models.swin_transformer import SwinTransformer
from torch import Tensor, nn

from contracts.errors import InputError

STRIDES = (8, 16, 32)
# ImageNet statistics; what a timm checkpoint expects.
PIXEL_MEAN = (0.485, 0.456, 0.406)
PIXEL_STD = (0.229, 0.224, 0.225)

# Ours, below timm's smallest: what two CPU cores can train in minutes. Window 6 divides 288 x 384 pixels at strides 4, 8 and 16.
_OURS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "swin_nano": {"embed_dim": 32, "depths": (2, 2, 2, 2), "num_heads": (1, 2, 4, 8), "window_size": 6},
        "swin_micro": {"embed_dim": 48, "depths": (2, 2, 4, 2), "num_heads": (2, 4, 8, 16), "window_size": 6},
    }
)


class SwinEncoder(nn.Module):
    """`forward(images [B, 3, H, W]) -> [[B, C8, H/8, W/8], [B, C16, H/16, W/16], [B, C32, H/32, W/32]]` (sizes rounded up).

    `channels` holds (C8, C16, C32); `cell` is the coarsest stride. `image_size` fixes window masks at build time; other sizes are refused by timm.
    """

    cell = STRIDES[-1]

    def __init__(self, name: str, image_size: tuple[int, int], drop_path: float = 0.0):
        super().__init__()
        self.name, self.image_size = name, tuple(image_size)
        options: dict[str, Any] = {"img_size": self.image_size, "num_classes": 0, "drop_path_rate": drop_path}
        if name in _OURS:
            self.swin = SwinTransformer(**_OURS[name], **options)
        else:
            self.swin = timm.create_model(name, pretrained=False, **options)
        # The classifier's norm has no use here; masked pretraining and the detector bring their own.
        self.swin.norm = nn.Identity()
        self.channels: tuple[int, ...] = tuple(info["num_chs"] for info in self.swin.feature_info[1:])

    @property
    def embed_dim(self) -> int:
        """Channels of the patch embedding (stride 4)."""
        return int(self.swin.embed_dim)

    def forward(self, images: Tensor, hidden: Tensor | None = None, token: Tensor | None = None) -> list[Tensor]:
        """`hidden` bool [B, H/4, W/4] marks the patches that `token` [C4] replaces before the first stage."""
        x = self.swin.patch_embed(images)  # [B, H/4, W/4, C4]
        if hidden is not None:
            assert token is not None
            x = torch.where(hidden[..., None], token.to(x.dtype), x)
        features = []
        for stage in self.swin.layers:
            x = stage(x)
            features.append(x.permute(0, 3, 1, 2))  # NHWC -> NCHW
        return features[1:]


def normalise(images: Tensor, content_hw: Tensor) -> Tensor:
    """uint8 [B, 3, H, W] -> float32, ImageNet-normalised; zero (the mean colour) outside each image's content [B, 2] (height, width)."""
    mean = torch.tensor(PIXEL_MEAN, device=images.device)[:, None, None]
    std = torch.tensor(PIXEL_STD, device=images.device)[:, None, None]
    return (images / 255 - mean) / std * content_mask(content_hw, images.shape[-2], images.shape[-1])[:, None]


def content_mask(content_hw: Tensor, height: int, width: int) -> Tensor:
    """bool [B, height, width]: True where a pixel belongs to the scaled screen, False in the padding."""
    rows = torch.arange(height, device=content_hw.device)[None] < content_hw[:, :1]  # [B, H]
    columns = torch.arange(width, device=content_hw.device)[None] < content_hw[:, 1:]  # [B, W]
    return rows[:, :, None] & columns[:, None, :]


def grid_position(rows: int, columns: int, channels: int) -> Tensor:
    """Two-dimensional sine position code of a grid's cells as in MAE (arXiv:2111.06377), row by row: float [rows x columns, channels].

    First the column's sines and cosines, then the row's; `channels` is a multiple of 4. A cell has the same code on every grid that holds it.
    """
    frequency = 10_000.0 ** (-torch.arange(channels // 4, dtype=torch.float64) / (channels // 4))
    phase_y, phase_x = (torch.arange(n, dtype=torch.float64)[:, None] * frequency for n in (rows, columns))
    x = torch.cat([phase_x.sin(), phase_x.cos()], 1).expand(rows, -1, -1)
    y = torch.cat([phase_y.sin(), phase_y.cos()], 1)[:, None].expand(-1, columns, -1)
    return torch.cat([x, y], -1).flatten(0, 1).float()


def sine_position(valid: Tensor, channels: int, temperature: float = 10_000.0) -> Tensor:
    """Two-dimensional sine position code (DETR, arXiv:2005.12872) of a bool grid [B, H, W] -> float [B, channels, H, W].

    Coordinates are normalised by each image's valid extent, so a screen gets the same code whatever its padding.
    """
    eps, half = 1e-6, channels // 2
    y = valid.cumsum(1, dtype=torch.float32)
    x = valid.cumsum(2, dtype=torch.float32)
    y = (y - 0.5) / (y[:, -1:, :] + eps) * 2 * math.pi
    x = (x - 0.5) / (x[:, :, -1:] + eps) * 2 * math.pi
    return torch.cat([sine_code(y, half, temperature), sine_code(x, half, temperature)], dim=-1).permute(0, 3, 1, 2)


def sine_code(angle: Tensor, channels: int, temperature: float = 10_000.0) -> Tensor:
    """[...] -> [..., channels]: sines and cosines of `angle` at geometrically falling frequencies; `channels` is even."""
    frequency = temperature ** (-2 * torch.arange(channels // 2, device=angle.device, dtype=torch.float32) / channels)
    phase = angle[..., None] * frequency
    return torch.stack([phase.sin(), phase.cos()], dim=-1).flatten(-2)


def load_weights(module: nn.Module, file: Path, what: str, fix: str) -> None:
    """Load a safetensors file into `module`, every name and shape matching. InputError that names the first difference otherwise."""
    try:
        found = load_file(file)
    except FileNotFoundError:
        raise InputError("does not exist.", file=file, fix=fix) from None
    except (SafetensorError, OSError) as error:
        raise InputError(f"is not a readable safetensors file: {error}.", file=file, fix=fix) from None
    wanted = module.state_dict()
    for key in sorted(wanted.keys() | found.keys()):
        if key not in found:
            raise InputError(f"is a checkpoint of another architecture than {what}: a weight is missing.", file=file, field=key, fix=fix)
        if key not in wanted:
            raise InputError(f"is a checkpoint of another architecture than {what}: it has a weight too many.", file=file, field=key, fix=fix)
        if found[key].shape != wanted[key].shape:
            raise InputError(
                f"is a checkpoint of another architecture than {what}, which wants {list(wanted[key].shape)}.", file=file, field=key,
                found=list(found[key].shape), fix=fix,
            )  # fmt: skip
    module.load_state_dict(found)
