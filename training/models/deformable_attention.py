"""Multi-scale deformable attention (arXiv:2010.04159, equation 3): a plain reference, a fast path for CPUs and a kernel for NVIDIA GPUs, one signature.

Each query looks at `points` sampling locations per head and level around its reference point; where, and with which weight, is predicted from
the query alone.
"""

import math
from collections.abc import Callable
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.models import deformable_attention_cpu
from training.models.constants import constant


def deformable_attention(value: Tensor, shapes: list[tuple[int, int]], locations: Tensor, weights: Tensor) -> Tensor:
    """Weighted sum of bilinear samples, by the fastest way there is on the tensors' device.

    `value` [B, S, M, D] (M heads, S = sum of height x width over `shapes`; a level may be empty); `locations` [B, Q, M, L, P, 2] as (x, y) in [0, 1]
    of each level, zero outside; `weights` [B, Q, M, L, P], summing to 1 over L and P. Returns [B, Q, M D].
    """
    sample: Callable[..., Tensor] = deformable_attention_reference
    # A graph that is exported or compiled takes the plain form on a GPU, which the compiler knows, instead of a kernel that it does not.
    if value.device.type == "cuda" and value.dtype == torch.float32 and not torch.compiler.is_compiling():
        with suppress(ImportError):  # a build of PyTorch without Triton
            from training.models import deformable_attention_triton

            sample = deformable_attention_triton.Sample.apply
    # A location that is not finite belongs to no cell; grid_sample copes, and what follows names the trouble.
    # (A compiled graph cannot ask.)
    elif value.device.type == "cpu" and (torch.compiler.is_compiling() or bool(torch.isfinite(locations.detach().sum()))):
        sample = deformable_attention_cpu.Sample.apply
    return sample(value, shapes, locations, weights)


def deformable_attention_reference(value: Tensor, shapes: list[tuple[int, int]], locations: Tensor, weights: Tensor) -> Tensor:
    """The same in plain PyTorch: readable, differentiable, runs anywhere."""
    batch, _, heads, dim = value.shape
    queries, points = locations.shape[1], locations.shape[4]
    grids = 2 * locations - 1  # grid_sample's coordinates
    sampled = []
    for level, (part, (height, width)) in enumerate(zip(value.split([h * w for h, w in shapes], dim=1), shapes, strict=True)):
        if height * width == 0:
            sampled.append(value.new_zeros(batch * heads, dim, queries, points))
            continue
        image = part.permute(0, 2, 3, 1).reshape(batch * heads, dim, height, width)
        grid = grids[:, :, :, level].transpose(1, 2).flatten(0, 1)  # [B M, Q, P, 2]
        sampled.append(F.grid_sample(image, grid, mode="bilinear", padding_mode="zeros", align_corners=False))  # [B M, D, Q, P]
    stacked = torch.cat(sampled, dim=-1)  # [B M, D, Q, L P]
    weights = weights.transpose(1, 2).reshape(batch * heads, 1, queries, len(shapes) * points)
    return (stacked * weights).sum(-1).reshape(batch, heads * dim, queries).transpose(1, 2)


class DeformableAttention(nn.Module):
    """`forward(query [B, Q, C], references [B, Q, L, 2 or 4], memory [B, S, C], shapes, padding bool [B, S] or None) -> [B, Q, C]`.

    References are (x, y) points or (x, y, w, h) boxes in [0, 1] of each level's padded map. Offsets are in cells around a point, and in
    half box sizes divided by the number of points around a box.
    """

    def __init__(self, dim: int, levels: int, heads: int, points: int):
        super().__init__()
        if dim % heads:
            raise ValueError(f"d_model {dim} is no multiple of heads {heads}")
        self.dim, self.levels, self.heads, self.points = dim, levels, heads, points
        self.offsets = nn.Linear(dim, heads * levels * points * 2)
        self.weights = nn.Linear(dim, heads * levels * points)
        self.value = nn.Linear(dim, dim)
        self.output = nn.Linear(dim, dim)
        self._init()

    def _init(self) -> None:
        """At first each head looks along its own direction, its i-th point i cells out, all with one weight (appendix A.2)."""
        nn.init.zeros_(self.offsets.weight)
        angle = torch.arange(self.heads, dtype=torch.float32) * (2 * math.pi / self.heads)
        direction = torch.stack([angle.cos(), angle.sin()], -1)
        direction = direction / direction.abs().amax(-1, keepdim=True)
        steps = torch.arange(1, self.points + 1, dtype=torch.float32)
        bias = direction[:, None, None, :] * steps[None, None, :, None]  # [M, 1, P, 2]
        with torch.no_grad():
            self.offsets.bias.copy_(bias.expand(-1, self.levels, -1, -1).reshape(-1))
        nn.init.zeros_(self.weights.weight)
        nn.init.zeros_(self.weights.bias)
        for linear in (self.value, self.output):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)

    def forward(self, query: Tensor, references: Tensor, memory: Tensor, shapes: list[tuple[int, int]], padding: Tensor | None) -> Tensor:
        batch, queries, _ = query.shape
        value = self.value(memory)
        if padding is not None:
            value = value.masked_fill(padding[..., None], 0.0)
        value = value.reshape(batch, -1, self.heads, self.dim // self.heads)
        # Both predictions in one product of matrices.
        both = F.linear(query, torch.cat([self.offsets.weight, self.weights.weight]), torch.cat([self.offsets.bias, self.weights.bias]))
        offsets, weights = both.split([self.offsets.out_features, self.weights.out_features], -1)
        offsets = offsets.reshape(batch, queries, self.heads, self.levels, self.points, 2)
        weights = weights.reshape(batch, queries, self.heads, self.levels * self.points).softmax(-1)
        weights = weights.reshape(batch, queries, self.heads, self.levels, self.points)
        # [B, Q, 1, L, 1, 2]: broadcast over heads and points
        centre = references[:, :, None, :, None, :2]
        if references.shape[-1] == 2:
            size = constant(tuple((w, h) for h, w in shapes), query.device).to(query.dtype)
            locations = centre + offsets / size[:, None, :]
        else:
            locations = centre + offsets / self.points * references[:, :, None, :, None, 2:] * 0.5
        # In 16 bits a location would be known to a 256th of the screen only.
        wide = torch.promote_types(value.dtype, torch.float32)
        sampled = deformable_attention(value.to(wide), shapes, locations.to(wide), weights.to(wide))
        return self.output(sampled.to(value.dtype))
