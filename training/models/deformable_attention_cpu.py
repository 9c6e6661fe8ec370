"""Multi-scale deformable attention on a CPU, several times as fast as grid_sample, in operators that PyTorch ships.

Every sample is a weighted sum of four cells, so every output is one weighted sum of rows of a table (`embedding_bag`, which is vectorised over channels
and never stores the samples), and the gradient of the table is such a sum again, of rows of the output's gradient. No locks, no atomics: a result is the
same to the last bit whatever the number of threads.
"""

import warnings
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

Shapes = list[tuple[int, int]]
# Cells of zeros around each level: a location that is clamped to lie just outside sees zeros on all four sides, in value and gradient.
_BORDER = 2


class Sample(torch.autograd.Function):
    """`apply` is `deformable_attention`; all three tensors float32 or float64 on the CPU, locations finite.

    Rows are numbered (screen, cell, head): row r of the table is a [D] slice of the padded value.
    """

    @staticmethod
    def forward(ctx: Any, value: Tensor, shapes: Shapes, locations: Tensor, weights: Tensor) -> Tensor:
        batch, _, heads, dim = value.shape
        _, queries, _, levels, points, _ = locations.shape
        table = _padded(value, shapes)
        cells = table.shape[0] // batch
        sizes = torch.tensor(shapes, dtype=locations.dtype)[:, None]  # [L, 1, 2] as (height, width)
        x, y = _coordinate(locations[..., 0], sizes[..., 1]), _coordinate(locations[..., 1], sizes[..., 0])  # [B, Q, M, L, P]
        left, top = x.floor(), y.floor()
        x -= left
        y -= top

        integer = torch.int32 if table.shape[0] * heads < 2**31 else torch.int64
        pitch = torch.tensor([width + 2 * _BORDER for _, width in shapes], dtype=integer)[:, None]
        corner = top.to(integer).mul_(pitch).add_(left.to(integer)).add_(torch.tensor(_starts(shapes), dtype=integer)[:, None])
        row = (torch.arange(batch, dtype=integer) * cells)[:, None, None, None, None] + corner
        row = row.mul_(heads).add_(torch.arange(heads, dtype=integer)[:, None, None])

        samples = levels * points
        rows = torch.empty(batch, queries, heads, 4, levels, points, dtype=integer)  # top left, top right, bottom left, bottom right
        rows[:, :, :, 0] = row
        torch.add(row, heads, out=rows[:, :, :, 1])
        torch.add(row, pitch * heads, out=rows[:, :, :, 2])
        torch.add(row, pitch * heads + heads, out=rows[:, :, :, 3])
        shares = torch.empty(batch, queries, heads, 4, levels, points, dtype=weights.dtype)
        bottom = weights * y
        above = weights - bottom
        torch.mul(above, x, out=shares[:, :, :, 1])
        torch.sub(above, shares[:, :, :, 1], out=shares[:, :, :, 0])
        torch.mul(bottom, x, out=shares[:, :, :, 3])
        torch.sub(bottom, shares[:, :, :, 3], out=shares[:, :, :, 2])

        rows, shares = rows.view(-1, 4 * samples), shares.view(-1, 4 * samples)
        table = table.view(-1, dim)
        ctx.save_for_backward(table, rows, shares, weights, x, y, sizes)
        ctx.shapes, ctx.heads, ctx.batch = shapes, heads, batch
        return F.embedding_bag(rows, table, mode="sum", per_sample_weights=shares).view(batch, queries, heads * dim)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, None, Tensor | None, Tensor | None]:  # type: ignore[override]
        table, rows, shares, weights, x, y, sizes = ctx.saved_tensors
        gradient = gradient.reshape(-1, table.shape[1])  # [B Q M, D]
        for_value = for_locations = for_weights = None
        if ctx.needs_input_grad[2] or ctx.needs_input_grad[3]:
            a, b, c, d = _products(gradient, table, rows).view(*weights.shape[:3], 4, *weights.shape[3:]).unbind(3)
            above, below = torch.lerp(a, b, x), torch.lerp(c, d, x)
            for_weights = torch.lerp(above, below, y)
            by_x = torch.lerp(b - a, d - c, y) * weights * sizes[..., 1]
            by_y = (below - above) * weights * sizes[..., 0]
            for_locations = torch.stack([by_x, by_y], -1)
        if ctx.needs_input_grad[0]:
            for_value = _scattered(gradient, rows, shares, table.shape, ctx.shapes, ctx.heads, ctx.batch)
        return for_value, None, for_locations, for_weights


def _coordinate(location: Tensor, size: Tensor) -> Tensor:
    """Where in the padded level a location in [0, 1] lies, in cells from the centre of the first one."""
    return torch.minimum(torch.addcmul(torch.tensor(_BORDER - 0.5, dtype=size.dtype), location, size).clamp_(min=0), size + _BORDER)


def _starts(shapes: Shapes) -> list[int]:
    """First cell of each padded level."""
    starts, total = [], 0
    for height, width in shapes:
        starts.append(total)
        total += (height + 2 * _BORDER) * (width + 2 * _BORDER)
    return starts


def _levels(rows: Tensor, shapes: Shapes) -> list[Tensor]:
    """Views [B, height, width, C] of all padded levels of `rows` [B, cells, C]."""
    sizes = [(height + 2 * _BORDER, width + 2 * _BORDER) for height, width in shapes]
    parts = rows.split([height * width for height, width in sizes], dim=1)
    return [part.unflatten(1, size) for part, size in zip(parts, sizes, strict=True)]


def _padded(value: Tensor, shapes: Shapes) -> Tensor:
    """`value` [B, S, M, D] with zeros around each level, [B x cells, M D]."""
    batch, width = value.shape[0], value.shape[2] * value.shape[3]
    cells = sum((h + 2 * _BORDER) * (w + 2 * _BORDER) for h, w in shapes)
    table = value.new_zeros(batch, cells, width)
    inner = slice(_BORDER, -_BORDER)
    for level, part, shape in zip(_levels(table, shapes), value.flatten(2).split([h * w for h, w in shapes], dim=1), shapes, strict=True):
        level[:, inner, inner] = part.unflatten(1, shape)
    return table.flatten(0, 1)


def _products(gradient: Tensor, table: Tensor, rows: Tensor) -> Tensor:
    """Dot product of each output's gradient [N, D] with each of the rows it was summed from [N, K]: N x K numbers.

    As a product of two matrices of which only the entries of a sparse one are wanted: a third of the time of embedding_bag's own gradient.
    """
    count, each = rows.shape
    starts = torch.arange(0, (count + 1) * each, each, dtype=rows.dtype)
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message="Sparse (CSR tensor support is in beta|invariant checks are implicitly disabled)", category=UserWarning
        )
        wanted = torch.sparse_csr_tensor(starts, rows.view(-1), gradient.new_zeros(rows.numel()), (count, len(table)), check_invariants=False)
    return torch.sparse.sampled_addmm(wanted, gradient.contiguous(), table.t(), beta=0.0).values()


def _scattered(gradient: Tensor, rows: Tensor, shares: Tensor, size: torch.Size, shapes: Shapes, heads: int, batch: int) -> Tensor:
    """Gradient of the value [B, S, M, D]: samples are sorted by their top left cell once, and summed cell by cell for each of the four corners."""
    samples = rows.shape[1] // 4
    corner, order = torch.sort(rows[:, :samples].flatten(), stable=True)
    counts = torch.bincount(corner, minlength=size[0])
    starts = (counts.cumsum(0) - counts).to(rows.dtype)
    owner = (order // samples).to(rows.dtype)
    gradient = gradient.contiguous()
    corners = []
    for k in range(4):
        share = shares[:, k * samples : (k + 1) * samples].flatten().index_select(0, order)
        summed = F.embedding_bag(owner, gradient, starts, mode="sum", per_sample_weights=share)
        corners.append(_levels(summed.view(batch, -1, heads * size[1]), shapes))
    here, before = slice(_BORDER, -_BORDER), slice(_BORDER - 1, -_BORDER - 1)
    levels = [
        (a[:, here, here] + b[:, here, before] + c[:, before, here] + d[:, before, before]).flatten(1, 2) for a, b, c, d in zip(*corners, strict=True)
    ]
    return torch.cat(levels, 1).unflatten(2, (heads, size[1]))
