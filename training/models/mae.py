"""Masked autoencoder (arXiv:2111.06377) on a Swin encoder, in the dense form of SimMIM (arXiv:2111.09886).

Units of `mask_unit` pixels are hidden: the patches of a hidden unit are replaced by a learned token before the first Swin stage, and the encoder
runs over the whole grid. (The encoder therefore *does* compute on hidden places. An encoder that sees only the visible units, as in the MAE
paper, replaces `_encode`; nothing else here depends on it.) The decoder is MAE's: a few transformer blocks over one token per unit.
"""

from dataclasses import dataclass

import numpy as np
import torch
from timm.models.vision_transformer import Block
from torch import Tensor, nn

from training.models.encoder import STRIDES, SwinEncoder, content_mask, sine_position

_STRIDE_4 = 4


@dataclass(frozen=True)
class MaeOutput:
    """`pixels` [B, N, 3 U U] predicted per unit (normalised if the loss is); `hidden` bool [B, N]; N = rows x columns of units of side U."""

    pixels: Tensor
    hidden: Tensor


class DenseMaskedAutoencoder(nn.Module):
    """`forward(images [B, 3, H, W] normalised, content_hw [B, 2], hidden bool [B, rows, columns]) -> MaeOutput`."""

    def __init__(self, encoder: SwinEncoder, mask_unit: int, decoder_depth: int, decoder_dim: int):
        super().__init__()
        if any(side % mask_unit for side in encoder.image_size):
            raise ValueError(f"image size {encoder.image_size} is no multiple of the mask unit {mask_unit}")
        self.encoder, self.mask_unit = encoder, mask_unit
        self.token = nn.Parameter(torch.zeros(encoder.embed_dim))
        self.norm = nn.LayerNorm(encoder.channels[-1])
        self.pool = nn.AvgPool2d(mask_unit // STRIDES[-1]) if mask_unit > STRIDES[-1] else nn.Identity()
        self.to_decoder = nn.Linear(encoder.channels[-1], decoder_dim)
        self.decoder = nn.Sequential(*(Block(decoder_dim, num_heads=max(1, decoder_dim // 32), qkv_bias=True) for _ in range(decoder_depth)))
        self.decoder_norm = nn.LayerNorm(decoder_dim)
        self.to_pixels = nn.Linear(decoder_dim, 3 * mask_unit**2)
        nn.init.trunc_normal_(self.token, std=0.02)

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of units."""
        height, width = self.encoder.image_size
        return height // self.mask_unit, width // self.mask_unit

    def forward(self, images: Tensor, content_hw: Tensor, hidden: Tensor) -> MaeOutput:
        latent = self._encode(images, hidden)  # [B, rows, columns, C]
        tokens = self.to_decoder(self.norm(latent))
        position = sine_position(torch.ones_like(hidden), tokens.shape[-1])  # [B, D, rows, columns]
        tokens = (tokens + position.permute(0, 2, 3, 1).to(tokens.dtype)).flatten(1, 2)  # [B, N, D]
        return MaeOutput(self.to_pixels(self.decoder_norm(self.decoder(tokens))), hidden.flatten(1))

    def _encode(self, images: Tensor, hidden: Tensor) -> Tensor:
        """[B, 3, H, W] and hidden units [B, rows, columns] -> one latent per unit [B, rows, columns, C]."""
        patches = self.mask_unit // _STRIDE_4
        hidden_patches = hidden.repeat_interleave(patches, 1).repeat_interleave(patches, 2)  # [B, H/4, W/4]
        coarsest = self.encoder(images, hidden_patches, self.token)[-1]
        return self.pool(coarsest).permute(0, 2, 3, 1)


def hidden_units(image_ids: list[int], content_hw: Tensor, image_size: tuple[int, int], unit: int, ratio: float, seed: int, epoch: int) -> Tensor:
    """Which units of each screen are hidden: bool [B, rows, columns].

    Exactly round(ratio x n) of the n units that hold any content, at least one and not all. A function of seed, epoch and image id alone, so
    a screen gets the same mask whichever process or micro-batch it lands in.
    """
    rows, columns = image_size[0] // unit, image_size[1] // unit
    masks = np.zeros((len(image_ids), rows, columns), dtype=bool)
    for mask, image_id, (height, width) in zip(masks, image_ids, content_hw.tolist(), strict=True):
        used_rows, used_columns = -(-height // unit), -(-width // unit)
        n = used_rows * used_columns
        count = min(max(round(ratio * n), 1), max(n - 1, 1))
        chosen = np.random.default_rng([seed, epoch, image_id]).permutation(n)[:count]
        mask[chosen // used_columns, chosen % used_columns] = True
    return torch.from_numpy(masks)


def to_units(images: Tensor, unit: int) -> Tensor:
    """[B, C, H, W] -> [B, N, C U U], units row by row, each flattened channel, row, column."""
    batch, channels, height, width = images.shape
    x = images.reshape(batch, channels, height // unit, unit, width // unit, unit)
    return x.permute(0, 2, 4, 1, 3, 5).reshape(batch, -1, channels * unit * unit)


def from_units(units: Tensor, image_size: tuple[int, int], unit: int) -> Tensor:
    """Inverse of `to_units`."""
    rows, columns = image_size[0] // unit, image_size[1] // unit
    x = units.reshape(len(units), rows, columns, -1, unit, unit).permute(0, 3, 1, 4, 2, 5)
    return x.reshape(len(units), -1, *image_size)


def unit_content(content_hw: Tensor, image_size: tuple[int, int], unit: int) -> Tensor:
    """Which pixels of each unit are content, not padding: bool [B, N, 3 U U]."""
    mask = content_mask(content_hw, *image_size)[:, None].expand(-1, 3, -1, -1)
    return to_units(mask, unit)
