"""Masked autoencoders: what is hidden is never computed, and what is visible is computed as the dense encoder would."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from timm.models.swin_transformer import SwinTransformer
from torch import Tensor, nn
from transformers import ViTMAEConfig, ViTMAEForPreTraining

from contracts.errors import InputError
from training.losses.reconstruction import masked_pixel_loss, normalised_units
from training.models.encoder import VitEncoder, build_encoder
from training.models.mae import MaskedAutoencoder, hidden_units, to_units
from training.models.visible_swin import UNIT, encode_visible
from training.models.window_groups import group_windows


def small_swin(image_size: tuple[int, int], window: int = 7, drop_path: float = 0) -> SwinTransformer:
    torch.manual_seed(0)
    swin = SwinTransformer(
        img_size=image_size, embed_dim=8, depths=(2, 2, 3, 2), num_heads=(1, 2, 2, 4), window_size=window, num_classes=0, drop_path_rate=drop_path
    )
    swin.norm = nn.Identity()
    with torch.no_grad():
        for name, parameter in swin.named_parameters():
            # Far from their first values, at which biases are zero and positions hardly count.
            parameter.normal_(1.0 if "norm" in name and "weight" in name else 0.0, 0.5 if "bias" in name else 0.2)
    return swin


def fuse(swin: SwinTransformer, fused: bool) -> None:
    for module in swin.modules():
        if hasattr(module, "fused_attn"):
            module.fused_attn = fused


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
            x = x + block.drop_path1(excluded_attention(block, block.norm1(x), shown))
            x = x + block.drop_path2(block.mlp(block.norm2(x)))
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
    fuse(swin, fused)
    assert_same(values_and_gradients(swin, encode_visible(swin, images, visible)), theirs)


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize(("image_size", "window"), [*((size, 7) for size in SIZES), ((192, 256), 6), ((192, 128), 8)])
def test_with_a_mask_it_is_the_dense_computation_without_the_hidden_tokens(image_size: tuple[int, int], window: int, fused: bool) -> None:
    swin = small_swin(image_size, window)
    images = torch.randn(3, 3, *image_size)
    visible = masks("quarter", 3, image_size)
    theirs = values_and_gradients(swin, dense_with_exclusion(swin, images, visible))
    fuse(swin, fused)
    assert_same(values_and_gradients(swin, encode_visible(swin, images, visible)), theirs)


def test_the_reference_is_timms_swin() -> None:
    """What the comparison above rests on."""
    swin = small_swin((96, 160))
    images = torch.randn(2, 3, 96, 160)
    torch.testing.assert_close(dense_with_exclusion(swin, images, masks("all", 2, (96, 160))), swin.forward_features(images).flatten(0, 2))


def test_an_image_may_be_hidden_whole() -> None:
    swin = small_swin((64, 96))
    assert encode_visible(swin, torch.randn(2, 3, 64, 96), torch.zeros(2, 2, 3, dtype=torch.bool)).shape == (0, 64)


@pytest.mark.parametrize("kind", ["all", "quarter"])
def test_stochastic_depth_is_timms(kind: str) -> None:
    """The same draws, one per image and branch, give the same values and gradients; in evaluation nothing is drawn."""
    image_size = (64, 96)
    swin, visible = small_swin(image_size, drop_path=0.5).double(), masks(kind, 6, image_size)
    images = torch.randn(6, 3, *image_size, dtype=torch.float64)
    found = []
    for encode in (dense_with_exclusion, encode_visible):
        torch.manual_seed(3)
        found.append(values_and_gradients(swin, encode(swin, images, visible)))
    assert_same(found[1], found[0])
    other = encode_visible(swin, images, visible)
    assert not torch.allclose(other, found[1][0])  # other draws
    plain = small_swin(image_size).double()
    assert torch.equal(encode_visible(swin.eval(), images, visible), encode_visible(plain.eval(), images, visible))


def test_a_checkpointed_block_is_dropped_for_the_same_images_again() -> None:
    image_size = (64, 96)
    swin, images, visible = small_swin(image_size, drop_path=0.5), torch.randn(6, 3, *image_size), masks("quarter", 6, image_size)
    found = []
    for checkpointing in (False, True):
        swin.set_grad_checkpointing(checkpointing)
        torch.manual_seed(3)
        found.append(values_and_gradients(swin, encode_visible(swin, images, visible)))
    assert_same(found[1], found[0])


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


# --- the whole autoencoder


def linear(ours: nn.Linear, *theirs: nn.Linear) -> list[tuple[Tensor, Tensor]]:
    """Our weight and bias beside theirs, several of which may stand one above the other in ours."""
    return [(ours.weight, torch.cat([t.weight for t in theirs])), (ours.bias, torch.cat([t.bias for t in theirs]))]


def vit_mae_pairs(ours: MaskedAutoencoder, theirs: nn.Module) -> list[tuple[Tensor, Tensor]]:
    """Every weight of ours with what it is in transformers' ViTMAEForPreTraining. (Positions are weights there, and a formula here.)"""
    vit, embeddings = ours.encoder.vit, theirs.vit.embeddings
    pairs = [
        (vit.cls_token, embeddings.cls_token),
        *linear(vit.patch_embed.proj, embeddings.patch_embeddings.projection),
        *linear(ours.norm, theirs.vit.layernorm),
        *linear(ours.to_decoder, theirs.decoder.decoder_embed),
        (ours.token, theirs.decoder.mask_token[0, 0]),
        *linear(ours.decoder_norm, theirs.decoder.decoder_norm),
    ]
    for block, layer in zip([*vit.blocks, *ours.decoder], [*theirs.vit.layers, *theirs.decoder.decoder_layers], strict=True):
        pairs += linear(block.norm1, layer.layernorm_before) + linear(block.norm2, layer.layernorm_after)
        pairs += linear(block.attn.qkv, layer.attention.q_proj, layer.attention.k_proj, layer.attention.v_proj)
        pairs += linear(block.attn.proj, layer.attention.o_proj) + linear(block.mlp.fc1, layer.mlp.fc1) + linear(block.mlp.fc2, layer.mlp.fc2)
    # Their pixels run row, column, channel; ours channel, row, column.
    for mine, other in zip(
        (ours.to_pixels.weight, ours.to_pixels.bias), (theirs.decoder.decoder_pred.weight, theirs.decoder.decoder_pred.bias), strict=True
    ):
        pairs.append((mine, other.unflatten(0, (-1, 3)).transpose(0, 1).flatten(0, 1)))
    return pairs


def test_a_vit_autoencoder_is_transformers_vit_mae() -> None:
    """Outputs, loss and the gradient of every weight."""
    torch.manual_seed(0)
    config = ViTMAEConfig(
        hidden_size=64, num_hidden_layers=4, num_attention_heads=2, intermediate_size=256, image_size=96, patch_size=16, layer_norm_eps=1e-6,
        decoder_hidden_size=64, decoder_num_hidden_layers=2, decoder_num_attention_heads=2, decoder_intermediate_size=256, norm_pix_loss=True,
    )  # fmt: skip
    theirs = ViTMAEForPreTraining(config)
    # A model without a checkpoint leaves its positions at zero. Encoder and decoder are equally wide here, so they have the same sines.
    theirs.decoder.initialize_weights(36)
    theirs.vit.embeddings.position_embeddings.data.copy_(theirs.decoder.decoder_pos_embed)
    ours = MaskedAutoencoder(VitEncoder("vit_nano", (96, 96)), 16, decoder_depth=2, decoder_dim=64, masking="visible_only")
    with torch.no_grad():
        for name, parameter in theirs.named_parameters():
            if "position" not in name and "pos_embed" not in name:
                parameter.normal_(1.0 if "norm" in name and "weight" in name else 0.0, 0.1)
        for mine, other in vit_mae_pairs(ours, theirs):
            mine.copy_(other)
    covered = sum(mine.numel() for mine, _ in vit_mae_pairs(ours, theirs))
    assert covered == sum(p.numel() for p in ours.parameters() if p.requires_grad)

    images, content = torch.randn(2, 3, 96, 96), torch.tensor([[96, 96]] * 2)
    hidden = hidden_units([1, 2], content, (96, 96), 16, 0.75, seed=0, epoch=0)
    expected = theirs(images, noise=hidden.flatten(1).float())
    output = ours(images, content, hidden)
    assert torch.equal(output.hidden, expected.mask.bool())
    everywhere = torch.ones_like(output.pixels, dtype=torch.bool)
    loss = masked_pixel_loss(output.pixels, normalised_units(to_units(images, 16), everywhere)[0], output.hidden, everywhere)
    torch.testing.assert_close(output.pixels.unflatten(2, (3, -1)).transpose(2, 3).flatten(2), expected.logits, rtol=0, atol=1e-5)
    torch.testing.assert_close(loss, expected.loss)

    weights = [p for p in theirs.parameters() if p.requires_grad]
    for parameter, gradient in zip(weights, torch.autograd.grad(expected.loss, weights), strict=True):
        parameter.data = gradient  # so that the pairs below pair gradients
    loss.backward()
    for mine, gradient in ((mine, other.detach()) for mine, other in vit_mae_pairs(ours, theirs)):
        assert gradient.abs().max() > 0
        torch.testing.assert_close(mine.grad, gradient, rtol=0, atol=1e-5 * max(1.0, float(gradient.abs().max())))


def mae(name: str, image_size: tuple[int, int] = (64, 96)) -> MaskedAutoencoder:
    torch.manual_seed(0)
    return MaskedAutoencoder(build_encoder(name, image_size), 32, decoder_depth=1, decoder_dim=32, masking="visible_only")


@pytest.mark.parametrize("name", ["swin_nano", "vit_nano"])
def test_a_screen_is_the_same_alone_and_among_others(name: str) -> None:
    """Screens of other contents (and so of other numbers of visible cells) in the batch, and padding, change nothing."""
    model = mae(name).eval()
    images, content = torch.randn(2, 3, 64, 96), torch.tensor([[64, 96], [64, 43]])
    images[1, :, :, 43:] = 0
    hidden = hidden_units([1, 2], content, (64, 96), 32, 0.5, seed=0, epoch=0)
    with torch.no_grad():
        together = model(images, content, hidden)
        alone = model(images[1:], content[1:], hidden[1:])
        images[1, :, :, 64:] = 9.0  # units of padding alone
        other = model(images, content, hidden)
    guessed = together.hidden[1]
    assert guessed.any()
    torch.testing.assert_close(together.pixels[1][guessed], alone.pixels[0][guessed], rtol=0, atol=1e-5)
    torch.testing.assert_close(together.pixels[1][guessed], other.pixels[1][guessed], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["swin_nano", "vit_nano"])
def test_what_is_visible_counts_and_what_is_hidden_does_not(name: str) -> None:
    model = mae(name).eval()
    images, content = torch.randn(1, 3, 64, 96), torch.tensor([[64, 96]])
    hidden = torch.tensor([[[True, False, True], [True, True, False]]])
    over = F.interpolate(hidden[:, None].float(), scale_factor=32).bool()
    with torch.no_grad():
        plain = model(images, content, hidden).pixels
        assert torch.equal(plain, model(torch.where(over, 5.0, images), content, hidden).pixels)
        assert not torch.equal(plain, model(torch.where(over, images, -images), content, hidden).pixels)


@pytest.mark.parametrize("name", ["swin_nano", "vit_nano"])
def test_an_autoencoder_learns_the_screens_it_sees(name: str) -> None:
    """Every weight in use gets a gradient and moves, and the loss of one batch falls by a quarter in a few steps."""
    model = mae(name)
    images, content = torch.randn(2, 3, 1, 96).expand(-1, -1, 64, -1).contiguous(), torch.tensor([[64, 96]] * 2)
    hidden = hidden_units([1, 2], content, (64, 96), 32, 0.5, seed=0, epoch=0)
    weights = {name: p for name, p in model.named_parameters() if p.requires_grad}
    before = {name: p.detach().clone() for name, p in weights.items()}
    optimizer = torch.optim.AdamW(weights.values(), lr=3e-3)
    losses = []
    for _ in range(15):
        output = model(images, content, hidden)
        loss = masked_pixel_loss(output.pixels, to_units(images, model.cell), output.hidden, torch.ones_like(output.pixels, dtype=torch.bool))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.75 * losses[0], losses
    for key, parameter in weights.items():
        # The bias of keys is cancelled by the softmax, and a bias for places that no pair of tokens has moves nothing.
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), key
        assert not torch.equal(parameter, before[key]), key


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mask_unit": 48}, r"pretrain_mae.mask_unit: is no multiple of 32 pixels, the coarsest stride of swin_nano. Found: 48"),
        ({"mask_unit": 64}, r"pretrain_mae.mask_unit: does not divide the image of 64 x 96 pixels"),
        ({"encoder": VitEncoder("vit_nano", (64, 96)), "masking": "dense"}, r"pretrain_mae.masking: is a form for Swin alone"),
    ],
)
def test_settings_that_do_not_fit_are_refused(change: dict[str, object], message: str) -> None:
    settings = {"encoder": build_encoder("swin_nano", (64, 96)), "mask_unit": 32, "decoder_depth": 1, "decoder_dim": 32, "masking": "visible_only"}
    with pytest.raises(InputError, match=message):
        MaskedAutoencoder(**{**settings, **change})
