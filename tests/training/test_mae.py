"""Masked autoencoders: what is hidden is never computed, and what is visible is computed as the dense encoder would."""

import numpy as np
import pytest
import torch
from timm.models.swin_transformer import SwinTransformer
from torch import Tensor, nn

from training.models.visible_swin import UNIT, encode_visible
from training.models.window_groups import group_windows


def small_swin(image_size: tuple[int, int], window: int = 7, depths: tuple[int, ...] = (2, 2, 3, 2)) -> SwinTransformer:
    torch.manual_seed(0)
    swin = SwinTransformer(
        img_size=image_size, embed_dim=8, depths=depths, num_heads=(1, 2, 2, 4), window_size=window, num_classes=0, drop_path_rate=0
    )
    swin.norm = nn.Identity()
    with torch.no_grad():
        for name, parameter in swin.named_parameters():
            # Far from their first values, at which biases are zero and positions hardly count.
            parameter.normal_(1.0 if "norm" in name and "weight" in name else 0.0, 0.5 if "bias" in name else 0.2)
    return swin


def masks(kind: str, batch: int, image_size: tuple[int, int]) -> Tensor:
    """Visible units bool [B, H/32, W/32]; with `quarter` each image of the batch has its own mask and its own number of units."""
    rows, columns = image_size[0] // UNIT, image_size[1] // UNIT
    if kind == "all":
        return torch.ones(batch, rows, columns, dtype=torch.bool)
    visible = torch.rand(batch, rows, columns, generator=torch.Generator().manual_seed(1)) < 0.3
    visible[0] = False
    visible[0, -1, 0] = True  # one unit alone, at an edge where windows are padded
    return visible


def dense_with_exclusion(swin: SwinTransformer, images: Tensor, visible: Tensor) -> Tensor:
    """Slow and plain: every token computed, window by window; hidden tokens are keys for nobody. The visible units' tokens of the last stage."""
    x = swin.patch_embed(images)  # [B, H, W, C]
    for stage in swin.layers:
        x = stage.downsample(x)
        shown = visible.repeat_interleave(x.shape[1] // visible.shape[1], 1).repeat_interleave(x.shape[2] // visible.shape[2], 2)
        for block in stage.blocks:
            x = x + excluded_attention(block, block.norm1(x), shown)
            x = x + block.mlp(block.norm2(x))
    return x[visible]


def excluded_attention(block: nn.Module, x: Tensor, shown: Tensor) -> Tensor:
    (rows, columns), (sr, sc) = block.window_size, block.shift_size
    height, width = x.shape[1:3]
    below, right = -height % rows, -width % columns
    x = nn.functional.pad(x.roll((-sr, -sc), (1, 2)), (0, 0, 0, right, 0, below))
    shown = nn.functional.pad(shown.roll((-sr, -sc), (1, 2)), (0, right, 0, below), value=True)
    made = torch.zeros_like(x)
    number = 0
    for top in range(0, x.shape[1], rows):
        for left in range(0, x.shape[2], columns):
            at = (slice(None), slice(top, top + rows), slice(left, left + columns))
            mask = torch.zeros(len(x), rows * columns, rows * columns)
            mask = mask.masked_fill(~shown[at].flatten(1)[:, None], -torch.inf)
            mask.diagonal(dim1=1, dim2=2).zero_()  # a hidden token sees itself, so that its (unused) value stays finite
            if block.attn_mask is not None:
                mask = mask + block.attn_mask[number]
            # timm's attention takes one mask per window: here every image is a window of its own.
            made[at] = block.attn(x[at].flatten(1, 2), mask=mask).reshape(made[at].shape)
            number += 1
    return made[:, :height, :width].roll((sr, sc), (1, 2))


def values_and_gradients(swin: SwinTransformer, made: Tensor) -> list[Tensor]:
    swin.zero_grad()
    (made * torch.randn(made.shape, generator=torch.Generator().manual_seed(2))).sum().backward()
    return [made.detach(), *(p.grad.clone() if p.grad is not None else torch.zeros_like(p) for p in swin.parameters())]


def assert_same(ours: list[Tensor], theirs: list[Tensor]) -> None:
    """To 1e-5 of the largest value of each tensor."""
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-5 * max(1.0, float(b.abs().max())))


SIZES = [(64, 96), (224, 224), (96, 320), (160, 32)]


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("image_size", SIZES)
def test_with_nothing_hidden_it_is_timms_swin(image_size: tuple[int, int], fused: bool) -> None:
    swin = small_swin(image_size)
    images = torch.randn(2, 3, *image_size)
    visible = masks("all", 2, image_size)
    theirs = values_and_gradients(swin, swin.forward_features(images).flatten(0, 2))
    assert_same(values_and_gradients(swin, encode_visible(swin, images, visible, fused)), theirs)


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize(("image_size", "window"), [*((size, 7) for size in SIZES), ((192, 256), 6), ((192, 128), 8)])
def test_with_a_mask_it_is_the_dense_computation_without_the_hidden_tokens(image_size: tuple[int, int], window: int, fused: bool) -> None:
    swin = small_swin(image_size, window)
    images = torch.randn(3, 3, *image_size)
    visible = masks("quarter", 3, image_size)
    theirs = values_and_gradients(swin, dense_with_exclusion(swin, images, visible))
    assert_same(values_and_gradients(swin, encode_visible(swin, images, visible, fused)), theirs)


def test_the_reference_is_timms_swin() -> None:
    """What the comparison above rests on."""
    swin = small_swin((96, 160))
    images = torch.randn(2, 3, 96, 160)
    torch.testing.assert_close(dense_with_exclusion(swin, images, masks("all", 2, (96, 160))), swin.forward_features(images).flatten(0, 2))


def test_an_image_may_be_hidden_whole() -> None:
    swin = small_swin((64, 96))
    assert encode_visible(swin, torch.randn(2, 3, 64, 96), torch.zeros(2, 2, 3, dtype=torch.bool)).shape == (0, 64)


def test_stochastic_depth_is_refused() -> None:
    swin = SwinTransformer(img_size=(64, 96), embed_dim=8, depths=(1, 1, 1, 1), num_heads=(1, 1, 1, 1), drop_path_rate=0.1)
    with pytest.raises(ValueError, match="stochastic depth"):
        encode_visible(swin, torch.randn(1, 3, 64, 96), masks("all", 1, (64, 96)))


# --- packing


@pytest.mark.parametrize("seed", range(5))
def test_windows_are_packed_whole_within_the_capacity(seed: int) -> None:
    sizes = np.random.default_rng(seed).integers(0, 50, size=200)
    groups, capacity = group_windows(sizes)
    assert (groups[sizes == 0] == -1).all() and (groups[sizes > 0] >= 0).all()
    load = np.bincount(groups[sizes > 0], weights=sizes[sizes > 0])
    assert load.max() <= capacity and load.min() > 0
    # With many windows of all sizes groups are nearly full: no packing has fewer than total / capacity groups.
    assert len(load) <= np.ceil(sizes.sum() / capacity) * 1.05


def test_packing_by_hand() -> None:
    """7 + 3, 6 + 4 and 5 + 5 fill three groups of 10; first-fit in the given order would take four."""
    groups, capacity = group_windows(np.array([5, 6, 7, 3, 4, 5, 10]))
    assert capacity == 10
    assert sorted(sorted(np.flatnonzero(groups == g).tolist()) for g in range(4)) == [[0, 5], [1, 4], [2, 3], [6]]


def test_a_larger_capacity_is_taken_where_it_costs_less() -> None:
    """Windows of 6 do not fit twice into 10, the least capacity there is; 12 wastes less."""
    groups, capacity = group_windows(np.array([6] * 40 + [10]))
    assert capacity == 12 and groups.max() + 1 == 21


def test_nothing_to_pack() -> None:
    groups, capacity = group_windows(np.zeros(3, dtype=np.int64))
    assert groups.tolist() == [-1, -1, -1] and capacity == 0
