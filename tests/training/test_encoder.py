"""Encoders: parity with timm, features at every stride for screens of any size, and settings that change nothing but the way."""

from functools import partialmethod
from pathlib import Path

import pytest
import timm
import torch
import yaml
from torch import Tensor

from contracts.errors import InputError
from contracts.knobs import load_execution, load_knobs, preset_names
from tests.training.test_models import IMAGE_SIZE, PARAMS, config
from training.config import PretrainMaeKnobs, TrainDetectorKnobs
from training.models.detector import build_detector
from training.models.encoder import Encoder, ResnetEncoder, VitEncoder, build_encoder, configure, grid_position
from training.models.visible_swin import encode_visible

PLAIN = {"gradient_checkpointing": False, "fused_attention": False, "channels_last": False, "compiled": False}
# Rounding of 32-bit sums in another order, as a share of the largest value of a tensor.
TOLERANCE = 1e-5


@pytest.mark.parametrize("image_size", [(64, 96), (70, 101), (32, 32)])
@pytest.mark.parametrize("name", ["swin_nano", "vit_nano", "resnet18"])
def test_features_of_any_screen(name: str, image_size: tuple[int, int]) -> None:
    encoder = build_encoder(name, image_size)
    features = encoder(torch.randn(2, 3, *image_size))
    for stride, channels, feature in zip((8, 16, 32), encoder.channels, features, strict=True):
        assert feature.shape == (2, channels, -(-image_size[0] // stride), -(-image_size[1] // stride))


def test_what_lies_beyond_a_screen_is_mean_colour() -> None:
    """A screen that is no multiple of the patch gives what the same screen gives with the padding already there."""
    images = torch.randn(1, 3, 70, 96)
    for name in ("swin_nano", "vit_nano"):
        torch.manual_seed(0)
        small = build_encoder(name, (70, 96)).eval()
        torch.manual_seed(0)
        side = 80 if name == "vit_nano" else 72
        large = build_encoder(name, (side, 96)).eval()
        padded = torch.nn.functional.pad(images, (0, 0, 0, side - 70))
        for a, b in zip(small(images), large(padded), strict=True):
            assert torch.equal(a, b[:, :, : a.shape[2]])


def test_a_vit_is_timms_with_sines_for_positions() -> None:
    torch.manual_seed(0)
    encoder = VitEncoder("vit_tiny_patch16_224", (64, 96)).eval()
    reference = timm.create_model("vit_tiny_patch16_224", img_size=(64, 96), num_classes=0).eval()
    reference.norm = torch.nn.Identity()
    missing = reference.load_state_dict(encoder.vit.state_dict(), strict=False)
    assert missing.missing_keys == ["pos_embed"] and not missing.unexpected_keys
    with torch.no_grad():
        reference.pos_embed.zero_()[0, 1:] = grid_position(4, 6, 192)
        images = torch.randn(2, 3, 64, 96)
        middle = encoder(images)[1]
        torch.testing.assert_close(middle.flatten(2).transpose(1, 2), reference.forward_features(images)[:, 1:])


def test_a_vit_that_sees_everything_is_the_dense_one() -> None:
    encoder = build_encoder("vit_nano", (64, 96)).eval()
    images = torch.randn(2, 3, 64, 96)
    tokens, _ = encoder.encode_visible(images, torch.ones(2, 4, 6, dtype=torch.bool))
    torch.testing.assert_close(tokens.reshape(2, 4, 6, -1).permute(0, 3, 1, 2), encoder(images)[1])


def test_weights_of_a_vit_fit_every_screen_size() -> None:
    weights = build_encoder("vit_nano", (64, 96)).state_dict()
    build_encoder("vit_nano", (128, 64)).load_state_dict(weights)


def test_a_resnet_is_timms_with_frozen_norms(tmp_path: Path) -> None:
    """Equal to timm's in evaluation, in training too, where nothing of a norm moves; and saved with its statistics."""
    torch.manual_seed(0)
    reference = timm.create_model("resnet18", features_only=True, out_indices=(2, 3, 4)).eval()
    for name, value in reference.state_dict().items():
        if "bn" in name or "downsample.1" in name:
            value.copy_(torch.rand(value.shape) + 0.5)
    encoder = ResnetEncoder("resnet18", (64, 96)).train()
    assert not encoder.resnet.load_state_dict(reference.state_dict(), strict=False).missing_keys
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    images = torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        assert_close(encoder(images), reference(images))
    assert all(torch.equal(value, before[name]) for name, value in encoder.state_dict().items())
    assert {p.dim() for p in encoder.parameters()} == {4}  # kernels alone learn
    encoder.save_pretrained(tmp_path)
    again = Encoder.from_pretrained(tmp_path)
    assert isinstance(again, ResnetEncoder) and all(torch.equal(a, b) for a, b in zip(again(images), encoder(images), strict=True))


@pytest.mark.parametrize("knobs", [PretrainMaeKnobs, TrainDetectorKnobs])
def test_no_stage_trains_a_resnet(knobs: type[PretrainMaeKnobs | TrainDetectorKnobs], tmp_path: Path) -> None:
    params = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))
    stage = "pretrain_mae" if knobs is PretrainMaeKnobs else "train_detector"
    preset = params["preset"]
    params["presets"][preset][stage]["encoder"] = "resnet50"
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    with pytest.raises(InputError, match=rf"{stage}\.encoder.*swin_nano.*resnet50"):
        load_knobs(knobs, tmp_path / "params.yaml")


def test_positions_by_hand() -> None:
    """Four channels have one frequency, 1: sine and cosine of the column, then of the row."""
    code = grid_position(2, 3, 4).reshape(2, 3, 4)
    torch.testing.assert_close(code[1, 2], torch.tensor([0.9093, -0.4161, 0.8415, 0.5403]), atol=1e-4, rtol=0)
    assert torch.equal(code, grid_position(5, 7, 4).reshape(5, 7, 4)[:2, :3])


def test_a_detector_on_a_vit() -> None:
    detector = build_detector(config(encoder="vit_nano", levels=4)).eval()
    output = detector(torch.randn(2, 3, *IMAGE_SIZE), torch.tensor([IMAGE_SIZE] * 2))
    assert output.boxes.shape == (2, 12, 4) and torch.isfinite(output.boxes).all()


@pytest.mark.parametrize(
    ("name", "millions", "channels"),
    [
        ("swin_large_patch4_window7_224", 194.9, (384, 768, 1536)),
        ("vit_small_patch16_224", 21.6, (192, 384, 384)),
        ("vit_base_patch16_224", 85.6, (384, 768, 768)),
        ("vit_large_patch16_224", 303.1, (512, 1024, 1024)),
        ("resnet50", 23.5, (512, 1024, 2048)),
    ],
)
def test_large_encoders_at_full_size(name: str, millions: float, channels: tuple[int, ...]) -> None:
    """On the meta device. Counts are of timm's network, without the pyramid."""
    with torch.device("meta"):
        encoder = build_encoder(name, (800, 1024))
        features = encoder.eval()(torch.zeros(1, 3, 800, 1024))
    assert encoder.channels == channels
    assert [f.shape[1:] for f in features] == [(c, 800 // s, 1024 // s) for c, s in zip(channels, (8, 16, 32), strict=True)]
    network = encoder if isinstance(encoder, ResnetEncoder) else encoder.vit if isinstance(encoder, VitEncoder) else encoder.swin
    assert sum(p.numel() for p in network.parameters()) / 1e6 == pytest.approx(millions, abs=0.3)


def everything(name: str, settings: dict[str, bool], visible: bool) -> list[Tensor]:
    """Outputs and gradients of all weights under some settings, dense or of what is visible."""
    torch.manual_seed(0)
    encoder = configure(build_encoder(name, (64, 96)), **settings).train()
    images = torch.randn(2, 3, 64, 96)
    if visible:
        seen = torch.rand(2, 64 // encoder.cell, 96 // encoder.cell) < 0.5
        outputs = [*encoder.encode_visible(images, seen)] if isinstance(encoder, VitEncoder) else [encode_visible(encoder.swin, images, seen)]
    else:
        outputs = encoder(images)
    sum((output * torch.linspace(-1, 1, output.numel()).reshape(output.shape)).sum() for output in outputs).backward()
    return [*(o.detach() for o in outputs), *(p.grad for p in encoder.parameters() if p.grad is not None)]


def assert_close(found: list[Tensor], expected: list[Tensor]) -> None:
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=TOLERANCE * max(1.0, float(b.abs().max())))


@pytest.mark.parametrize(
    ("name", "visible"), [("swin_nano", False), ("swin_nano", True), ("vit_nano", False), ("vit_nano", True), ("resnet18", False)]
)
def test_settings_change_nothing_beyond_rounding(name: str, visible: bool) -> None:
    plain = everything(name, PLAIN, visible)
    for setting in ("gradient_checkpointing", "fused_attention", "channels_last"):
        assert_close(everything(name, PLAIN | {setting: True}, visible), plain)
    assert_close(everything(name, {**dict.fromkeys(PLAIN, True), "compiled": False}, visible), plain)


@pytest.mark.parametrize("preset", preset_names(PARAMS))
def test_every_preset_says_how_its_encoder_computes(preset: str) -> None:
    execution = load_execution(PARAMS, preset)
    configure(build_encoder("vit_nano", (32, 32)), **execution.model_dump())


def test_settings_reach_the_network() -> None:
    for name in ("swin_nano", "vit_nano"):
        encoder = configure(build_encoder(name, (64, 96)), gradient_checkpointing=True, fused_attention=True, channels_last=True, compiled=False)
        network = encoder.vit if isinstance(encoder, VitEncoder) else encoder.swin
        assert all(m.fused_attn for m in network.modules() if hasattr(m, "fused_attn"))
        assert network.patch_embed.proj.weight.is_contiguous(memory_format=torch.channels_last)
        flags = [m.grad_checkpointing for m in network.modules() if hasattr(m, "grad_checkpointing")]
        assert flags and all(flags)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "backend"), [("swin_nano", "aot_eager"), ("vit_nano", "inductor")])
def test_a_compiled_encoder_is_the_plain_one(name: str, backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Swin's graphs, forward and backward, are captured, but not made into C++, of which a compiler would have several minutes' work."""
    monkeypatch.setattr(torch.nn.Module, "compile", partialmethod(torch.nn.Module.compile, backend=backend))
    assert_close(everything(name, PLAIN | {"compiled": True}, False), everything(name, PLAIN, False))
