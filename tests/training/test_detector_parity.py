"""Our detector and transformers' Deformable-DETR are the same function: outputs, matches, losses and gradients, with weights converted both ways."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import DeformableDetrConfig, DeformableDetrForObjectDetection, SwinConfig, TimmBackboneConfig
from transformers.loss.loss_deformable_detr import DeformableDetrHungarianMatcher

from contracts.errors import InputError
from training.losses.detection import LossWeights, Target, detection_loss, match
from training.models.detector import Detector, DetectorOutput, Prediction, build_detector
from training.models.transformers_weights import from_transformers, to_transformers

# Every stage is a whole number of windows, and more than one (see from_transformers).
SIZE = (384, 384)
FORMS = {
    "plain": {"two_stage": False, "with_box_refine": False},
    "refinement": {"two_stage": False, "with_box_refine": True},
    "two_stage": {"two_stage": True, "with_box_refine": True},
}


def their_model(form: str, **changes: Any) -> DeformableDetrForObjectDetection:
    """Random weights everywhere, none at the zeros that training starts from."""
    torch.manual_seed(0)
    swin = SwinConfig(
        image_size=384, embed_dim=32, depths=[2, 2, 2, 2], num_heads=[1, 2, 4, 8], window_size=6, drop_path_rate=0.0,
        out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip
    config = {
        "num_labels": 5, "d_model": 32, "encoder_attention_heads": 4, "decoder_attention_heads": 4, "encoder_layers": 2, "decoder_layers": 3,
        "encoder_ffn_dim": 48, "decoder_ffn_dim": 48, "num_queries": 9, "two_stage_num_proposals": 9, "num_feature_levels": 4, "dropout": 0.0,
        "encoder_n_points": 3, "decoder_n_points": 3, "class_cost": 2, "auxiliary_loss": True, "tie_word_embeddings": form == "plain",
    }  # fmt: skip
    model = DeformableDetrForObjectDetection(DeformableDetrConfig(**{"backbone_config": swin, **config, **FORMS[form], **changes})).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias") or "norm" in name or "level_embed" in name or "sampling_offsets" in name:
                parameter.add_(torch.randn_like(parameter) * 0.2)
            elif "class_embed" in name:
                parameter.add_(torch.randn_like(parameter) * 0.3)
            elif "bbox_embed" in name:  # not so far that boxes fill the screen, where an inverse sigmoid makes much of a last bit
                parameter.add_(torch.randn_like(parameter) * 0.05)
        # What stands twice over there is one.
        theirs = model.state_dict()
        for name, value in theirs.items():
            if name.startswith("model.decoder.") and "_embed" in name:
                value.copy_(theirs[name.removeprefix("model.decoder.")])
            elif name.startswith("model.backbone.") and value.dim() == 1 and isinstance(model.config.backbone_config, TimmBackboneConfig):
                value.add_(torch.rand_like(value) * 0.2)  # a ResNet's norms, whose statistics are no parameters
    return model


def screens(content: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    return torch.randn(len(content), 3, *SIZE), torch.tensor(content)


def pixel_mask(content: torch.Tensor) -> torch.Tensor:
    mask = torch.zeros(len(content), *SIZE, dtype=torch.long)
    for one, (height, width) in zip(mask, content.tolist(), strict=True):
        one[:height, :width] = 1
    return mask


def some_targets(batch: int) -> list[Target]:
    torch.manual_seed(2)
    return [Target(torch.randint(5, (n,)), torch.cat([torch.rand(n, 2) * 0.6 + 0.2, torch.rand(n, 2) * 0.3 + 0.05], -1)) for n in (4, 2, 7)[:batch]]


def assert_same_output(ours: DetectorOutput, theirs: Any, share: torch.Tensor) -> None:
    torch.testing.assert_close(ours.logits, theirs.logits, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(ours.boxes / share, theirs.pred_boxes, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("content", [[[384, 384], [384, 384]], [[384, 384], [240, 320]]], ids=["whole", "padded"])
def test_outputs_are_those_of_transformers(form: str, content: list[list[int]]) -> None:
    model = their_model(form)
    ours = from_transformers(model, SIZE)
    images, content_hw = screens(content)
    share = (content_hw.flip(1) / torch.tensor([SIZE[1], SIZE[0]])).repeat(1, 2)[:, None]
    with torch.no_grad():
        assert_same_output(ours(images, content_hw), model(images, pixel_mask=pixel_mask(content_hw)), share)


@pytest.mark.parametrize("form", FORMS)
def test_losses_matches_and_gradients_are_those_of_transformers(form: str) -> None:
    model = their_model(form)
    ours = from_transformers(model, SIZE)
    images, content_hw = screens([[384, 384]] * 3)
    targets = some_targets(3)
    elements = sum(len(t.labels) for t in targets)
    labels = [{"class_labels": t.labels, "boxes": t.boxes} for t in targets]
    reference = model(images, labels=labels)
    output = ours(images, content_hw)
    # Their loss leaves the proposals out.
    found = DetectorOutput(output.logits, output.boxes, output.auxiliary)
    # Their config has no weight of the class loss: it is 1 in the loss, 2 in the matching. So each part is compared.
    loss, parts = detection_loss(found, targets, LossWeights(2, 5, 2), elements)
    for ours_name, name in (("focal", "loss_ce"), ("l1", "loss_bbox"), ("giou", "loss_giou")):
        torch.testing.assert_close(parts[ours_name], reference.loss_dict[name].detach(), atol=1e-4, rtol=1e-4)
    factor = {"loss_ce": 2, "loss_bbox": 5, "loss_giou": 2}
    total = sum(factor[name.rstrip("_0123456789")] * value for name, value in reference.loss_dict.items() if name.startswith("loss"))
    torch.testing.assert_close(loss, total, atol=1e-4, rtol=1e-4)

    matcher = DeformableDetrHungarianMatcher(class_cost=2, bbox_cost=5, giou_cost=2)
    layers = [Prediction(output.logits, output.boxes), *output.auxiliary]
    for layer, pairs in zip(layers, match(layers, targets, LossWeights(2, 5, 2)), strict=True):
        expected = matcher({"logits": layer.logits, "pred_boxes": layer.boxes}, labels)
        assert all(torch.equal(a, b) for pair, theirs in zip(pairs, expected, strict=True) for a, b in zip(pair, theirs, strict=True))

    loss.backward()
    total.backward()
    for mine, other in (
        ("level_code", model.model.level_embed),
        ("encoder.0.attention.value.weight", model.model.encoder.layers[0].self_attn.value_proj.weight),
    ):
        gradient = ours.get_parameter(mine).grad
        assert gradient is not None and gradient.abs().max() > 0
        # A bilinear sample's slope jumps from cell to cell, so the last bit of a location may choose another one.
        assert (gradient - other.grad).norm() < 1e-2 * other.grad.norm()


@pytest.mark.parametrize("form", FORMS)
def test_there_and_back(form: str) -> None:
    """Ours -> theirs gives the same output, and -> ours again the same weights."""
    there = from_transformers(their_model(form), SIZE)
    theirs = to_transformers(there)
    images, content_hw = screens([[384, 384]])
    with torch.no_grad():
        assert_same_output(there(images, content_hw), theirs(images), torch.ones(4))
    back = from_transformers(theirs, SIZE)
    assert back.config == there.config
    ours, again = there.state_dict(), back.state_dict()
    assert ours.keys() == again.keys() and all(torch.equal(ours[name], again[name]) for name in ours)


def convert(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    """Runs the command."""
    from training import convert_detector

    monkeypatch.setattr("sys.argv", ["convert_detector", *map(str, arguments)])
    convert_detector.main()


def test_a_folder_is_converted_by_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = their_model("refinement")
    model.save_pretrained(tmp_path / "theirs")

    convert(monkeypatch, "from-transformers", tmp_path / "theirs", tmp_path / "ours", "--image-size", 384, 384)
    ours = Detector.from_pretrained(tmp_path / "ours")
    images, content_hw = screens([[384, 384]])
    with torch.no_grad():
        assert_same_output(ours(images, content_hw), model(images), torch.ones(4))
    convert(monkeypatch, "to-transformers", tmp_path / "ours", tmp_path / "again")
    again = DeformableDetrForObjectDetection.from_pretrained(tmp_path / "again").eval()
    with torch.no_grad():
        torch.testing.assert_close(again(images).logits, model(images).logits, atol=1e-4, rtol=1e-4)


# One name stands for several of the 91 numbers, as in the list for COCO.
COCO = {i: "N/A" if i % 9 == 0 else f"thing {i}" for i in range(91)}


@pytest.mark.parametrize("form", FORMS)
def test_a_published_checkpoint_on_a_resnet(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through the command and back, from a folder as those of SenseTime/deformable-detr are: with the settings and names of weights of older releases."""
    resnet = TimmBackboneConfig(backbone="resnet18", out_indices=[2, 3, 4])
    model = their_model(form, backbone_config=resnet, id2label=COCO, num_labels=91)
    model.save_pretrained(tmp_path / "theirs")
    publish_as_before(tmp_path / "theirs")

    convert(monkeypatch, "from-transformers", tmp_path / "theirs", tmp_path / "ours", "--image-size", 160, 200)
    ours = Detector.from_pretrained(tmp_path / "ours")
    assert ours.config.encoder == "resnet18" and ours.config.class_names == tuple(COCO.values())
    torch.manual_seed(1)
    images, content_hw = torch.randn(2, 3, 160, 200), torch.tensor([[160, 200], [131, 97]])
    mask = torch.zeros(2, 160, 200, dtype=torch.long)
    mask[0], mask[1, :131, :97] = 1, 1
    share = (content_hw.flip(1) / torch.tensor([200, 160])).repeat(1, 2)[:, None]
    with torch.no_grad():
        expected = model(images, pixel_mask=mask)
        assert_same_output(ours(images, content_hw), expected, share)

    convert(monkeypatch, "to-transformers", tmp_path / "ours", tmp_path / "again")
    again = DeformableDetrForObjectDetection.from_pretrained(tmp_path / "again").eval()
    assert again.config.id2label == COCO
    with torch.no_grad():
        found = again(images, pixel_mask=mask)
    torch.testing.assert_close(found.logits, expected.logits, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found.pred_boxes, expected.pred_boxes, atol=1e-4, rtol=1e-4)


def publish_as_before(folder: Path) -> None:
    """Rewrite a saved detector as releases before 5 wrote it: the backbone by its name alone, and weights under their former names, shared ones once."""
    config = json.loads((folder / "config.json").read_text())
    backbone = config.pop("backbone_config")
    del config["tie_word_embeddings"]
    config |= {
        "backbone": backbone["backbone"],
        "backbone_config": None,
        "dilation": False,
        "use_timm_backbone": True,
        "use_pretrained_backbone": True,
    }
    (folder / "config.json").write_text(json.dumps(config))
    weights = {}
    for name, value in load_file(folder / "model.safetensors").items():
        for now, before in (
            ("model.backbone.model.", "model.backbone.conv_encoder.model."),
            ("self_attn.o_proj", "self_attn.out_proj"),
            (".mlp.fc", ".fc"),
        ):
            name = name.replace(now, before)
        weights[name.removeprefix("model.decoder.") if "_embed." in name else name] = value
    assert "model.backbone.conv_encoder.model.layer4.1.bn2.running_var" in weights
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def test_what_has_no_counterpart_is_refused() -> None:
    config = from_transformers(their_model("two_stage"), SIZE).config
    for field, value in (("query_selection", "mixed"), ("look_forward_twice", True), ("box_refinement", False)):
        with pytest.raises(InputError, match=field):
            to_transformers(build_detector(config.model_copy(update={field: value})))
    with pytest.raises(InputError, match="backbone_config"):
        model = their_model("plain")
        model.config.backbone_config.window_size = 5
        from_transformers(model, SIZE)
    for field, value in (("dilation", True), ("activation_function", "gelu"), ("num_feature_levels", 5)):
        with pytest.raises(InputError, match="backbone_config" if field == "dilation" else field):
            config = DeformableDetrConfig(backbone="resnet18", use_timm_backbone=True, **{field: value})
            with torch.device("meta"):
                model = DeformableDetrForObjectDetection(config)
            from_transformers(model, SIZE)


def test_a_checkpoint_without_all_weights_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """transformers itself would begin with random ones in their place."""
    their_model("plain").save_pretrained(tmp_path / "theirs")
    weights = load_file(tmp_path / "theirs/model.safetensors")
    del weights["model.decoder.layers.1.encoder_attn.value_proj.weight"]
    save_file(weights, tmp_path / "theirs/model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match="decoder.layers.1.encoder_attn.value_proj.weight"):
        convert(monkeypatch, "from-transformers", tmp_path / "theirs", tmp_path / "ours", "--image-size", 384, 384)
