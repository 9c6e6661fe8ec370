"""Masked autoencoder (arXiv:2111.06377): the encoder computes what is visible, a light decoder guesses the rest.

The encoder is a Swin whose hidden units are never computed (visible_swin.py) or a ViT that is given the visible patches. The decoder is MAE's: a few
transformer blocks over one token per cell, the encoder's where it saw the cell and a learned one where not. A cell is what one of the encoder's last
tokens stands for: 32 pixels of a Swin, a patch of a ViT. With `masking="dense"` it is SimMIM's form (arXiv:2111.09886) instead: a learned token
takes the place of hidden patches before the first Swin stage, and the encoder computes them too.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from timm.models.vision_transformer import Block
from torch import Tensor, nn

from contracts.errors import InputError
from training.models.encoder import SwinEncoder, VitEncoder, content_mask, grid_position
from training.models.visible_swin import encode_visible

_PATCH = 4
_EPS = 1e-6


@dataclass(frozen=True)
class MaeOutput:
    """`pixels` [B, N, 3 U U] predicted per cell (normalised if the loss is); `hidden` bool [B, N]; N = rows x columns of cells of side U."""

    pixels: Tensor
    hidden: Tensor


class MaskedAutoencoder(nn.Module):
    """`forward(images [B, 3, H, W] normalised, content_hw [B, 2], hidden bool [B, H/mask_unit, W/mask_unit]) -> MaeOutput`.

    Cells of padding alone are neither seen nor guessed from. InputError if the image is no whole number of mask units, a unit no whole number of
    cells, or the form is not for the encoder.
    """

    def __init__(
        self,
        encoder: SwinEncoder | VitEncoder,
        mask_unit: int,
        decoder_depth: int,
        decoder_dim: int,
        masking: Literal["visible_only", "dense"],
    ):
        super().__init__()
        if isinstance(encoder, VitEncoder):
            if masking == "dense":
                raise InputError("is a form for Swin alone.", field="pretrain_mae.masking", found=masking, fix="Set it to `visible_only`.")
            # The pyramid comes into use with the detector.
            encoder.finer.requires_grad_(False)
        cell = encoder.cell
        if mask_unit % cell:
            raise InputError(
                f"is no multiple of {cell} pixels, the coarsest stride of {encoder.name}.", field="pretrain_mae.mask_unit", found=mask_unit,
                fix="Choose a multiple.",
            )  # fmt: skip
        if any(side % mask_unit for side in encoder.image_size):
            raise InputError(
                f"does not divide the image of {' x '.join(map(str, encoder.image_size))} pixels.", field="pretrain_mae.mask_unit", found=mask_unit,
                fix="Change it, or pack_beton.image_size.",
            )  # fmt: skip
        self.encoder, self.mask_unit, self.cell = encoder, mask_unit, cell
        # In the dense form the encoder has an output for every cell, and its input has a token for hidden patches; else the decoder has one.
        self.dense = masking == "dense"
        self.token = nn.Parameter(torch.zeros(encoder.embed_dim if self.dense else decoder_dim))
        self.norm = nn.LayerNorm(encoder.channels[-1], eps=_EPS)
        self.to_decoder = nn.Linear(encoder.channels[-1], decoder_dim)
        self.decoder = nn.ModuleList(Block(decoder_dim, num_heads=max(1, decoder_dim // 32), qkv_bias=True) for _ in range(decoder_depth))
        self.decoder_norm = nn.LayerNorm(decoder_dim, eps=_EPS)
        self.to_pixels = nn.Linear(decoder_dim, 3 * cell**2)
        rows, columns = (side // cell for side in encoder.image_size)
        self.register_buffer("position", grid_position(rows, columns, decoder_dim), persistent=False)
        nn.init.trunc_normal_(self.token, std=0.02)

    def forward(self, images: Tensor, content_hw: Tensor, hidden: Tensor) -> MaeOutput:
        repeats = self.mask_unit // self.cell
        hidden = hidden.to(images.device).repeat_interleave(repeats, 1).repeat_interleave(repeats, 2)  # [B, rows, columns] of cells
        content = content_mask(-(-content_hw // self.cell), *hidden.shape[1:])
        tokens, summary = self._dense_tokens(images, hidden) if self.dense else self._visible_tokens(images, content & ~hidden)
        tokens = torch.cat([summary, tokens + self.position.to(tokens.dtype)], 1)  # [B, N, D], or [B, 1 + N, D] with a class token
        # Padding is no key, so that a screen's reconstruction does not depend on the size it was padded to.
        keys = None if bool(content.all()) else F.pad(content.flatten(1), (summary.shape[1], 0), value=True)[:, None, None]
        for block in self.decoder:
            tokens = block(tokens, attn_mask=keys)
        return MaeOutput(self.to_pixels(self.decoder_norm(tokens[:, summary.shape[1] :])), (hidden & content).flatten(1))

    def _visible_tokens(self, images: Tensor, visible: Tensor) -> tuple[Tensor, Tensor]:
        """A token per cell [B, N, D], the learned one where nothing was seen; and the class token [B, 1, D] of a ViT, [B, 0, D] of a Swin."""
        if isinstance(self.encoder, VitEncoder):
            latent, summary = self.encoder.encode_visible(images, visible)
        else:
            latent = encode_visible(self.encoder.swin, images, visible)
            summary = latent.new_zeros(0, latent.shape[-1])
        seen = self.to_decoder(self.norm(torch.cat([latent, summary])))  # [V (+ B), D]
        tokens = self.token.to(seen.dtype).repeat(*visible.shape, 1)
        tokens[visible] = seen[: len(latent)]
        return tokens.flatten(1, 2), seen[len(latent) :].reshape(len(images), -1, seen.shape[-1])

    def _dense_tokens(self, images: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        patches = self.cell // _PATCH
        coarsest = self.encoder(images, hidden.repeat_interleave(patches, 1).repeat_interleave(patches, 2), self.token)[-1]  # [B, C, rows, columns]
        tokens = self.to_decoder(self.norm(coarsest.flatten(2).transpose(1, 2)))
        return tokens, tokens[:, :0]


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
