"""Transformer blocks on the tokens that there are alone: rows of one matrix, all images of a batch together, however many each has.

What is linear in a token (norms, projections, MLPs) is computed for rows and never for padding; for attention alone rows are put into a grid of as
many slots as the longest image needs. A last block can be computed for some of its rows. The weights are those of timm's `Block`; there is no
parameter here. Positions are sines that are added (MAE, arXiv:2111.06377) or rotations of queries and keys (RoPE, arXiv:2104.09864; in two
dimensions as in arXiv:2403.13298: half of a head's channels turn with the row, half with the column).
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from timm.layers.attention import Attention
from timm.models.vision_transformer import Block
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

# Every token of an image is seen by all its tokens; a token of a group by those of its own group alone.
EVERYONE = -1
_NOBODY = -2
_SINE_BASE = 10_000.0
# Grids have tens of cells a side, not thousands of words: the base of arXiv:2403.13298 for axial frequencies.
_ROTARY_BASE = 100.0


@dataclass(frozen=True)
class Slots:
    """Where the T rows of B images stand in a grid of B x `length` slots, all of which are filled if it is `full`. `at` int64 [T]: each row's slot, None
    if rows fill the grid in order. `image` int64 [T]: whose each row is.
    """

    image: Tensor
    at: Tensor | None
    images: int
    length: int
    full: bool

    def grid(self, rows: Tensor, fill: float = 0) -> Tensor:
        """[T, ...] -> [B, length, ...], with `fill` in the slots that nothing fills."""
        if self.at is not None:
            rows = rows.new_full((self.images * self.length, *rows.shape[1:]), fill).index_copy(0, self.at, rows)
        return rows.unflatten(0, (self.images, self.length))

    def rows(self, grid: Tensor) -> Tensor:
        """Inverse of `grid`."""
        flat = grid.flatten(0, 1)
        return flat if self.at is None else flat.index_select(0, self.at)


def slots(image: Tensor, images: int) -> Slots:
    """Slots for rows of `images` images, in any order; each image's rows keep theirs."""
    counts = torch.bincount(image, minlength=images)
    shortest, length = int(counts.min()), int(counts.max())
    order = torch.argsort(image, stable=True)
    number = torch.empty_like(image)
    number[order] = torch.arange(len(image), device=image.device) - (counts.cumsum(0) - counts)[image[order]]
    full = shortest == length
    in_order = full and bool((image[1:] >= image[:-1]).all())
    return Slots(image, None if in_order else image * length + number, images, length, full)


def seen(keys: Slots, queries: Slots, group_of_key: Tensor | None = None, group_of_query: Tensor | None = None) -> Tensor | None:
    """Which keys a query attends to: bool [B, 1, queries or 1, keys], None for all. Groups are int64, one for each row."""
    if group_of_key is None:
        if keys.full:
            return None
        return keys.grid(torch.ones_like(keys.image), 0).bool()[:, None, None]
    assert group_of_query is not None
    key = keys.grid(group_of_key, _NOBODY)[:, None, :]
    query = queries.grid(group_of_query, _NOBODY)[:, :, None]
    return ((key == EVERYONE) | (key == query))[:, None]


def run_blocks(
    blocks: nn.ModuleList | nn.Sequential,
    x: Tensor,
    image: Tensor,
    images: int,
    angles: Tensor | None = None,
    group: Tensor | None = None,
    wanted: Tensor | None = None,
    checkpointed: bool = False,
) -> Tensor:
    """All blocks over rows `x` [T, C] of `images` images (`image` int64 [T]); of the last block's output only the rows `wanted` (int64), if given.

    `angles` [T, d/2] turn queries and keys; `group` int64 [T] says who sees whom (EVERYONE or a number).
    """
    keys = slots(image, images)
    mask = seen(keys, keys, group, group)
    for number, block in enumerate(blocks):
        at, queries = None, keys
        if wanted is not None and number == len(blocks) - 1:
            at, queries = wanted, slots(image[wanted], images)
            mask = seen(keys, queries, group, None if group is None else group[wanted])
        if checkpointed and torch.is_grad_enabled():
            x = checkpoint(_block, block, x, keys, queries, mask, angles, at, use_reentrant=False)
        else:
            x = _block(block, x, keys, queries, mask, angles, at)
    return x


def _block(block: Block, x: Tensor, keys: Slots, queries: Slots, mask: Tensor | None, angles: Tensor | None, at: Tensor | None) -> Tensor:
    attended = block.ls1(_attention(block.attn, block.norm1(x), keys, queries, mask, angles, at))
    x = (x if at is None else x[at]) + dropped(block.drop_path1, attended, queries.image, queries.images)
    return x + dropped(block.drop_path2, block.ls2(block.mlp(block.norm2(x))), queries.image, queries.images)


def dropped(drop_path: nn.Module, x: Tensor, image: Tensor, images: int) -> Tensor:
    """Stochastic depth (arXiv:1603.09382): timm draws a factor for each image, which all its rows share. `image` int64 [T]: whose each row is."""
    if not drop_path.training or isinstance(drop_path, nn.Identity):
        return x
    return x * drop_path(x.new_ones(images, 1))[image]


def _attention(attention: Attention, x: Tensor, keys: Slots, queries: Slots, mask: Tensor | None, angles: Tensor | None, at: Tensor | None) -> Tensor:
    """[T, C] -> [T or len(at), C]."""
    heads, width = attention.num_heads, attention.head_dim
    if at is None:
        q, k, v = attention.qkv(x).chunk(3, -1)
    else:  # queries for some rows, keys and values for all
        weight, bias, size = attention.qkv.weight, attention.qkv.bias, attention.attn_dim
        q = F.linear(x[at], weight[:size], None if bias is None else bias[:size])
        k, v = F.linear(x, weight[size:], None if bias is None else bias[size:]).chunk(2, -1)
    if angles is not None:
        q, k = _turned(q, heads, angles if at is None else angles[at]), _turned(k, heads, angles)
    q, k, v = (place.grid(part).unflatten(-1, (heads, width)).transpose(1, 2) for place, part in ((queries, q), (keys, k), (keys, v)))
    q, k = attention.q_norm(q), attention.k_norm(k)
    # On a CPU torch's fused kernel is 3 to 6 times slower in bfloat16 than its parts are (batch 128 of 64 tokens, 2 heads of 32: 40 beside 6 ms).
    if attention.fused_attn and not (q.is_cpu and q.dtype == torch.bfloat16):
        x = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    else:
        score = (q * attention.scale) @ k.transpose(-2, -1)
        score = score if mask is None else score.masked_fill(~mask, -torch.inf)
        x = score.softmax(-1) @ v
    return attention.proj(queries.rows(x.transpose(1, 2).flatten(2)))


def _turned(x: Tensor, heads: int, angles: Tensor) -> Tensor:
    """Rows [T, heads x d], each head's pairs of channels (i, i + d/2) turned by angles [T, d/2]."""
    first, second = x.unflatten(-1, (heads, 2, -1)).unbind(-2)  # [T, heads, d/2]
    cos, sin = angles.cos().to(x.dtype)[:, None], angles.sin().to(x.dtype)[:, None]
    return torch.stack([first * cos - second * sin, first * sin + second * cos], -2).flatten(1)


def rotary_angles(place: Tensor, width: int) -> Tensor:
    """Angles [T, width/2] for heads of `width` channels (a multiple of 4) of tokens at `place` [T, 2] (row, column, in cells)."""
    frequency = _frequencies(width // 4, _ROTARY_BASE, place.device)
    return (place.to(frequency)[:, :, None] * frequency).flatten(1).float()


def sine_at(place: Tensor, channels: int) -> Tensor:
    """MAE's sine code of tokens at `place` [T, 2] (row, column, in cells, whole or not) -> [T, channels]; channels is a multiple of 4. First the
    column's sines and cosines, then the row's: training.models.encoder.grid_position is this for the cells of a grid.
    """
    frequency = _frequencies(channels // 4, _SINE_BASE, place.device)
    row, column = (place.to(frequency)[:, axis, None] * frequency for axis in (0, 1))
    return torch.cat([column.sin(), column.cos(), row.sin(), row.cos()], -1).float()


def _frequencies(count: int, base: float, device: torch.device) -> Tensor:
    return base ** (-torch.arange(count, dtype=torch.float64, device=device) / count)
