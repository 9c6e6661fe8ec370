"""Architectures: shapes, gradients, parity with timm and transformers, save and load, and that every preset can be built."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file
from timm.models.swin_transformer import SwinTransformer
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from contracts.errors import InputError
from contracts.knobs import load_knobs, preset_names
from contracts.taxonomy import NAMES
from training.batches import ScreenBatch
from training.config import PackBetonKnobs, PretrainMaeKnobs, TrainDetectorKnobs
from training.detect import detect
from training.losses.detection import LossWeights, Target, detection_loss, to_xyxy
from training.models import deformable_attention as attention_module
from training.models.detector import Detector, DetectorConfig, DetectorOutput, build_detector
from training.models.encoder import Encoder, SwinEncoder, build_encoder, content_mask, load_weights, normalise, sine_position
from training.models.mae import MaskedAutoencoder, from_units, hidden_units, to_units, unit_content

PARAMS = Path(__file__).parents[2] / "params.yaml"
IMAGE_SIZE = (64, 96)


def config(**changes: object) -> DetectorConfig:
    values = {
        "encoder": "swin_nano", "image_size": IMAGE_SIZE, "class_names": NAMES, "num_queries": 12, "d_model": 16, "heads": 2, "levels": 3, "points": 2,
        "encoder_layers": 1, "decoder_layers": 2, "ffn_dim": 32, "dropout": 0.0, "box_refinement": True, "two_stage": True,
    }  # fmt: skip
    return DetectorConfig.model_validate({**values, **changes})


def inputs(batch: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    """Two screens, the second narrower than the padded image."""
    content = torch.tensor([[64, 96], [64, 43]])[:batch]
    return normalise(torch.randint(256, (batch, 3, *IMAGE_SIZE), dtype=torch.uint8), content), content


# --- encoder


@pytest.mark.parametrize("image_size", [(64, 96), (96, 160)])
def test_features_are_those_of_timm(image_size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    encoder = SwinEncoder("swin_tiny_patch4_window7_224", image_size).eval()
    reference = timm.create_model("swin_tiny_patch4_window7_224", img_size=image_size, features_only=True, out_indices=(1, 2, 3)).eval()
    with torch.no_grad():
        source = dict(encoder.swin.named_parameters())
        for name, parameter in reference.named_parameters():
            parameter.copy_(source[name.removeprefix("model.").replace("layers_", "layers.")])
        images = torch.randn(2, 3, *image_size)
        ours, theirs = encoder(images), reference(images)
    assert encoder.channels == (192, 384, 768)
    for level, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        stride = 8 * 2**level
        assert a.shape == (2, encoder.channels[level], image_size[0] // stride, image_size[1] // stride)
        torch.testing.assert_close(a, b.permute(0, 3, 1, 2))


def test_our_small_swins_are_timms_with_other_numbers() -> None:
    encoder = SwinEncoder("swin_nano", IMAGE_SIZE)
    reference = SwinTransformer(img_size=IMAGE_SIZE, embed_dim=32, depths=(2, 2, 2, 2), num_heads=(1, 2, 4, 8), window_size=6, num_classes=0)
    ours = {name: p.shape for name, p in encoder.swin.named_parameters()}
    assert ours == {name: p.shape for name, p in reference.named_parameters() if not name.startswith("norm.")}


def test_normalised_padding_is_zero() -> None:
    images, content = inputs()
    assert images[1, :, :, 43:].count_nonzero() == 0
    mask = content_mask(content, *IMAGE_SIZE)
    assert mask[0].all() and mask[1].sum() == 64 * 43


def test_position_codes_do_not_depend_on_padding() -> None:
    wide = sine_position(torch.ones(1, 4, 4, dtype=torch.bool), 16)
    padded = torch.zeros(1, 4, 8, dtype=torch.bool)
    padded[:, :, :4] = True
    torch.testing.assert_close(sine_position(padded, 16)[..., :4], wide)


# --- all models


def detector_loss(model: nn.Module) -> torch.Tensor:
    torch.manual_seed(1)
    targets = [Target(torch.tensor([3, 5]), torch.tensor([[0.3, 0.4, 0.2, 0.2], [0.6, 0.6, 0.3, 0.1]]))] * 2
    return detection_loss(model(*inputs()), targets, LossWeights(focal=2, l1=5, giou=2), 4.0)[0]


def mae_loss(model: nn.Module) -> torch.Tensor:
    torch.manual_seed(1)
    images, content = inputs()
    hidden = hidden_units([1, 2], content, IMAGE_SIZE, 32, 0.75, seed=0, epoch=0)
    return (model(images, content, hidden).pixels ** 2).mean()


MODELS = {
    "two_stage": lambda: build_detector(config()),
    "one_stage": lambda: build_detector(config(two_stage=False, levels=4)),
    "no_refinement": lambda: build_detector(config(two_stage=False, box_refinement=False)),
    "mae": lambda: MaskedAutoencoder(SwinEncoder("swin_nano", IMAGE_SIZE), 32, decoder_depth=1, decoder_dim=32, masking="visible_only"),
    "dense_mae": lambda: MaskedAutoencoder(SwinEncoder("swin_nano", IMAGE_SIZE), 32, decoder_depth=1, decoder_dim=32, masking="dense"),
}


@pytest.mark.parametrize("name", MODELS)
def test_every_parameter_gets_a_gradient_and_moves(name: str) -> None:
    torch.manual_seed(0)
    model = MODELS[name]()
    loss_of = mae_loss if "mae" in name else detector_loss
    # What begins at zero (box heads, offsets) passes no gradient on in the first step, so a few steps are taken.
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0)
    before = {key: value.clone() for key, value in model.named_parameters()}
    for _ in range(3):
        optimizer.zero_grad()
        loss = loss_of(model)
        assert torch.isfinite(loss)
        loss.backward()
        optimizer.step()
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), key
        # An offset towards a level of one single cell, or a bias that a softmax cancels, may have no gradient at all; weights as a whole must.
        assert parameter.grad.count_nonzero() > 0 or key.endswith("bias"), key
        assert not torch.equal(parameter, before[key]) or key.endswith("bias"), key


@pytest.mark.parametrize("name", ["two_stage", "one_stage", "no_refinement"])
def test_shapes_of_a_detection(name: str) -> None:
    model = MODELS[name]().eval()
    output: DetectorOutput = model(*inputs())
    assert output.logits.shape == (2, 12, 50) and output.boxes.shape == (2, 12, 4)
    assert len(output.auxiliary) == 1
    assert (output.proposals is not None) == (name == "two_stage")
    assert all(torch.isfinite(t).all() for t in (output.logits, output.boxes))
    assert output.logits.sigmoid().mean() < 0.1  # the focal prior: at first nothing is claimed
    right_edge = to_xyxy(output.boxes)[1, :, 2]
    assert (output.boxes[1, :, 0] <= 43 / 96).all(), right_edge  # boxes are centred on content, never in the padding


def test_padding_does_not_change_a_detection() -> None:
    """What stands in the padding before normalisation is of no matter."""
    model = build_detector(config()).eval()
    content = torch.tensor([[64, 43]])
    pixels = torch.randint(256, (1, 3, *IMAGE_SIZE), dtype=torch.uint8)
    other = pixels.clone()
    other[..., 43:] = 7
    with torch.no_grad():
        a, b = model(normalise(pixels, content), content), model(normalise(other, content), content)
    torch.testing.assert_close(a.logits, b.logits)
    torch.testing.assert_close(a.boxes, b.boxes)


class HostCopies(TorchDispatchMode):
    """Counts tensors made of Python numbers, and numbers asked of tensors: what makes a GPU wait, and a CUDA graph impossible."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        if name in ("lift_fresh", "_local_scalar_dense"):
            self.found[name] += 1
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", ["two_stage", "one_stage"])
def test_a_detection_waits_for_the_host_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """To ask whether there is any padding, which is not asked while a graph is recorded. (The path of CPUs has constants of its own.)"""
    monkeypatch.setattr(attention_module, "deformable_attention", attention_module.deformable_attention_reference)
    model = MODELS[name]().eval()
    pixels, content = torch.zeros(1, 3, *IMAGE_SIZE, dtype=torch.uint8), torch.tensor([[*IMAGE_SIZE]])
    with torch.no_grad():
        for _ in range(2):  # constants are made the first time
            with HostCopies() as copies:
                model(normalise(pixels, content), content)
    assert copies.found == {"_local_scalar_dense": 1}


def save(folder: Path, **changes: object) -> nn.Module:
    torch.manual_seed(0)
    model = build_detector(config(**changes)).eval()
    folder.mkdir(exist_ok=True)
    model.save_pretrained(folder)
    return model


def test_a_saved_detector_gives_the_same_output(tmp_path: Path) -> None:
    model = save(tmp_path / "train_detector")
    loaded = Detector.from_pretrained(tmp_path / "train_detector")
    assert not loaded.training and loaded.config == model.config
    images, content = inputs()
    with torch.no_grad():
        assert torch.equal(loaded(images, content).logits, model(images, content).logits)


def test_a_checkpoint_of_another_architecture_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "train_detector"
    save(folder)
    weights = (folder / "model.safetensors").read_bytes()
    save(folder, d_model=32)
    (folder / "model.safetensors").write_bytes(weights)
    with pytest.raises(InputError, match=r"model.safetensors: .*: is a checkpoint of another architecture .*dvc repro train_detector"):
        Detector.from_pretrained(folder)
    (folder / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    with pytest.raises(InputError, match="not a readable safetensors file"):
        Detector.from_pretrained(folder)
    (folder / "config.json").write_text('{"encoder": "swin_huge"}')
    with pytest.raises(InputError, match=r"config.json: is no detector configuration"):
        Detector.from_pretrained(folder)


@pytest.mark.parametrize("name", ["swin_nano", "vit_nano"])
def test_a_saved_encoder_gives_the_same_output(name: str, tmp_path: Path) -> None:
    encoder = build_encoder(name, IMAGE_SIZE).eval()
    encoder.save_pretrained(tmp_path)
    loaded = Encoder.from_pretrained(tmp_path)
    assert not loaded.training and (loaded.name, loaded.image_size) == (name, IMAGE_SIZE)
    images, _ = inputs()
    with torch.no_grad():
        assert all(torch.equal(a, b) for a, b in zip(encoder(images), loaded(images), strict=True))
    (tmp_path / "config.json").write_text('{"encoder": "swin_huge", "image_size": [64, 96]}')
    with pytest.raises(InputError, match="config.json: is no encoder's configuration"):
        Encoder.from_pretrained(tmp_path)


def test_an_encoder_of_another_size_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "encoder.safetensors"
    save_file(SwinEncoder("swin_nano", IMAGE_SIZE).state_dict(), file)
    with pytest.raises(InputError, match=r"another architecture than encoder swin_micro.*Found: \[32\]. Do it again"):
        load_weights(SwinEncoder("swin_micro", IMAGE_SIZE), file, "encoder swin_micro", "Do it again.")


def test_detections_come_back_in_pixels_of_the_original(monkeypatch: pytest.MonkeyPatch) -> None:
    """A screen of 200 x 300 (w x h) packed at 43 x 64 in 96 x 64: a box over its content's right half is the original's right half."""
    model = build_detector(config(num_queries=2)).eval()
    logits = torch.full((1, 2, 50), -9.0)
    logits[0, 1, 7], logits[0, 0, 3] = 3.0, 1.0
    half = torch.tensor([32.25 / 96, 0.5, 21.5 / 96, 1.0])
    over = torch.tensor([43 / 96, 0.5, 0.5, 1.0])  # sticks out on the right: clipped
    monkeypatch.setattr(model, "forward", lambda images, content: DetectorOutput(logits, torch.stack([over, half])[None]))
    batch = ScreenBatch(
        torch.zeros(1, 3, *IMAGE_SIZE, dtype=torch.uint8), [], [], torch.tensor([1]), torch.tensor([[64, 43]]), torch.tensor([[300, 200]])
    )
    (found,) = detect(model, batch)
    assert found.labels.tolist() == [7, 3]
    assert found.scores[0] > found.scores[1]
    torch.testing.assert_close(found.boxes[0], torch.tensor([100.0, 0.0, 200.0, 300.0]))
    assert found.boxes[1, 2] == 200


# --- masked autoencoder


def test_units_round_trip() -> None:
    images = torch.randn(2, 3, *IMAGE_SIZE)
    units = to_units(images, 32)
    assert units.shape == (2, 6, 3072)
    assert torch.equal(from_units(units, IMAGE_SIZE, 32), images)
    assert torch.equal(units[0, 1].reshape(3, 32, 32), images[0, :, :32, 32:64])


def test_masks_hide_the_asked_share_of_content_and_depend_on_the_screen_alone() -> None:
    content = torch.tensor([[64, 96], [64, 43]])
    masks = hidden_units([4, 9], content, IMAGE_SIZE, 32, 0.75, seed=0, epoch=3)
    assert masks.shape == (2, 2, 3)
    assert masks.sum((1, 2)).tolist() == [4, 3]  # round(0.75 x 6) = round(4.5) = 4; round(0.75 x 4) = 3
    assert not masks[1, :, 2].any()  # units of padding alone are never hidden
    alone = hidden_units([9], content[1:], IMAGE_SIZE, 32, 0.75, seed=0, epoch=3)
    assert torch.equal(alone[0], masks[1])
    many = [hidden_units([9], content[:1], (320, 320), 32, 0.75, 0, epoch) for epoch in range(2)]
    assert not torch.equal(*many)


@pytest.mark.parametrize("name", ["mae", "dense_mae"])
def test_the_encoder_cannot_see_what_is_hidden(name: str) -> None:
    torch.manual_seed(0)
    model = MODELS[name]().eval()
    images, content = inputs(1)
    hidden = hidden_units([1], content, IMAGE_SIZE, 32, 0.75, 0, 0)
    units = to_units(images, 32)
    changed = from_units(torch.where(hidden.flatten(1)[..., None], torch.randn_like(units), units), IMAGE_SIZE, 32)
    with torch.no_grad():
        assert torch.equal(model(images, content, hidden).pixels, model(changed, content, hidden).pixels)


def test_padding_is_no_content_of_a_unit() -> None:
    mask = unit_content(torch.tensor([[64, 43]]), IMAGE_SIZE, 32)
    assert mask[0, 0].all() and not mask[0, 2].any()
    assert mask[0, 1].sum() == 3 * 32 * (43 - 32)


# --- presets


@pytest.mark.parametrize("preset", preset_names(PARAMS))
def test_every_preset_builds_its_models(preset: str) -> None:
    """On the meta device: shapes only, no memory. Counts are for 50 classes at the preset's image size."""
    size = load_knobs(PackBetonKnobs, PARAMS, preset).image_size
    mae, detector = load_knobs(PretrainMaeKnobs, PARAMS, preset), load_knobs(TrainDetectorKnobs, PARAMS, preset)
    assert mae.encoder == detector.encoder
    shape = {name: getattr(detector, name) for name in DetectorConfig.model_fields if hasattr(detector, name)}
    with torch.device("meta"):
        autoencoder = MaskedAutoencoder(build_encoder(mae.encoder, size), mae.mask_unit, mae.decoder_depth, mae.decoder_dim, mae.masking)
        model = build_detector(DetectorConfig(image_size=size, class_names=NAMES, **shape))
        output = model.eval()(torch.zeros(1, 3, *size), torch.tensor([[*size]]))
    assert output.logits.shape == (1, detector.num_queries, 50)
    millions = [sum(p.numel() for p in m.parameters()) / 1e6 for m in (autoencoder, model, model.backbone)]
    print(f"{preset}: autoencoder {millions[0]:.1f} M, detector {millions[1]:.1f} M of which encoder {millions[2]:.1f} M")
    if preset == "eight-gpu":
        assert (detector.encoder, size, detector.num_queries) == ("swin_base_patch4_window7_224", (800, 1024), 200)
        assert millions[2] == pytest.approx(86.7, abs=0.2)  # Swin-B without its classifier
