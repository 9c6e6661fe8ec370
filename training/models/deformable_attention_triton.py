"""Multi-scale deformable attention on an NVIDIA GPU, as Triton kernels.

One program makes one output (a screen's query, seen by one head): all its samples at once, channels side by side. The gradient of the value is
summed with atomic additions, so on a GPU it is the same from run to run only up to the order of float32 sums.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.autograd.function import once_differentiable

from training.models.constants import constant

Shapes = list[tuple[int, int]]


class Sample(torch.autograd.Function):
    """`apply` is `deformable_attention`, for float32 tensors."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, shapes: Shapes, locations: Tensor, weights: Tensor) -> Tensor:
        batch, _, heads, dim = value.shape
        queries = locations.shape[1]
        value, locations, weights = value.contiguous(), locations.contiguous(), weights.contiguous()
        levels = _level_table(shapes, value.device)
        result = value.new_empty(batch, queries, heads * dim)
        if result.numel():
            _forward[(batch * queries * heads,)](value, levels, locations, weights, result, *_sizes(value, locations))
        ctx.save_for_backward(value, levels, locations, weights)
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, Tensor, Tensor]:  # type: ignore[override]
        value, levels, locations, weights = ctx.saved_tensors
        for_value, for_locations, for_weights = torch.zeros_like(value), torch.zeros_like(locations), torch.zeros_like(weights)
        if gradient.numel():
            programs = locations.shape[0] * locations.shape[1] * locations.shape[2]
            _backward[(programs,)](
                value, levels, locations, weights, gradient.contiguous(), for_value, for_locations, for_weights, *_sizes(value, locations)
            )
        return for_value, None, for_locations, for_weights


def _level_table(shapes: Shapes, device: torch.device) -> Tensor:
    """int32 [L, 3]: height, width and first cell of each level."""
    rows, start = [], 0
    for height, width in shapes:
        rows.append((height, width, start))
        start += height * width
    return constant(tuple(rows), device, torch.int32)


def _sizes(value: Tensor, locations: Tensor) -> tuple[int, ...]:
    """What the kernels take after the tensors: cells, queries, heads, channels, points, samples, and the next powers of two of channels and samples."""
    samples = locations.shape[3] * locations.shape[4]
    dim = value.shape[3]
    return (
        value.shape[1], locations.shape[1], value.shape[2], dim, locations.shape[4], samples, triton.next_power_of_2(dim), triton.next_power_of_2(samples)
    )  # fmt: skip


@triton.jit
def _corners(levels, locations, output, points, samples, each: tl.constexpr):
    """Of the samples of one output: their number, whether they exist, top left cell, its distance from them, and their levels (height, width, start)."""
    number = tl.arange(0, each)
    exists = number < samples
    level = number // points
    height = tl.load(levels + level * 3, mask=exists, other=0)
    width = tl.load(levels + level * 3 + 1, mask=exists, other=0)
    start = tl.load(levels + level * 3 + 2, mask=exists, other=0)
    at = locations + (output * samples + number) * 2
    x = tl.load(at, mask=exists, other=-9.0) * width - 0.5
    y = tl.load(at + 1, mask=exists, other=-9.0) * height - 0.5
    # Far outside is as good as just outside, and fits an integer.
    x = tl.minimum(tl.maximum(x, -2.0), width + 1.0)
    y = tl.minimum(tl.maximum(y, -2.0), height + 1.0)
    left, top = tl.floor(x), tl.floor(y)
    return number, exists, left.to(tl.int32), top.to(tl.int32), x - left, y - top, height, width, start


@triton.jit
def _cell(row, column, height, width, start, screen, head, cells, heads, dim):
    """Where the channels of some cells begin in the value, and whether these cells exist."""
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    cell = tl.where(inside, start + row * width + column, 0)
    return ((screen * cells + cell) * heads + head) * dim, inside


@triton.jit
def _forward(
    value, levels, locations, weights, result, cells, queries, heads, dim, points, samples, channels: tl.constexpr, each: tl.constexpr
):  # fmt: skip
    output = tl.program_id(0).to(tl.int64)  # (screen, query, head)
    head, screen = output % heads, output // heads // queries
    channel = tl.arange(0, channels)
    number, exists, left, top, x, y, height, width, start = _corners(levels, locations, output, points, samples, each)
    weight = tl.load(weights + output * samples + number, mask=exists, other=0.0)
    total = tl.zeros((channels,), dtype=tl.float32)
    for corner in tl.static_range(4):
        at, inside = _cell(top + corner // 2, left + corner % 2, height, width, start, screen, head, cells, heads, dim)
        share = weight * (x if corner % 2 else 1 - x) * (y if corner // 2 else 1 - y)
        found = tl.load(value + at[:, None] + channel[None, :], mask=inside[:, None] & (channel < dim)[None, :], other=0.0)
        total += tl.sum(found * share[:, None], axis=0)
    tl.store(result + output * dim + channel, total, mask=channel < dim)


@triton.jit
def _backward(
    value, levels, locations, weights, gradient, for_value, for_locations, for_weights, cells, queries, heads, dim, points, samples,
    channels: tl.constexpr, each: tl.constexpr,
):  # fmt: skip
    output = tl.program_id(0).to(tl.int64)
    head, screen = output % heads, output // heads // queries
    channel = tl.arange(0, channels)
    number, exists, left, top, x, y, height, width, start = _corners(levels, locations, output, points, samples, each)
    weight = tl.load(weights + output * samples + number, mask=exists, other=0.0)
    incoming = tl.load(gradient + output * dim + channel, mask=channel < dim, other=0.0)
    by_weight = tl.zeros((each,), dtype=tl.float32)
    by_x = tl.zeros((each,), dtype=tl.float32)
    by_y = tl.zeros((each,), dtype=tl.float32)
    for corner in tl.static_range(4):
        at, inside = _cell(top + corner // 2, left + corner % 2, height, width, start, screen, head, cells, heads, dim)
        mask = inside[:, None] & (channel < dim)[None, :]
        share_x = x if corner % 2 else 1 - x
        share_y = y if corner // 2 else 1 - y
        found = tl.load(value + at[:, None] + channel[None, :], mask=mask, other=0.0)
        product = tl.sum(found * incoming[None, :], axis=1)
        by_weight += product * share_x * share_y
        by_x += product * share_y * (1.0 if corner % 2 else -1.0)
        by_y += product * share_x * (1.0 if corner // 2 else -1.0)
        tl.atomic_add(for_value + at[:, None] + channel[None, :], (weight * share_x * share_y)[:, None] * incoming[None, :], mask=mask, sem="relaxed")
    tl.store(for_weights + output * samples + number, by_weight, mask=exists)
    at = for_locations + (output * samples + number) * 2
    tl.store(at, by_x * weight * width, mask=exists)
    tl.store(at + 1, by_y * weight * height, mask=exists)
