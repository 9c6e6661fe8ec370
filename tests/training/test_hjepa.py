"""Hierarchical joint-embedding prediction: targets that never get a gradient, an average by its closed form, levels by hand, and the stage as it runs."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

import tests.training.test_resume as resume
from contracts.errors import InputError
from contracts.knobs import load_hardware, load_knobs
from tests.training.synthetic_screens import tiny_params, write_params
from tests.training.test_image_sets import write_folder
from training import pretrain_hjepa, train_detector
from training.config import MaskKnobs, PretrainHjepaKnobs
from training.hjepa_task import HjepaTask, ema_momentum
from training.masks import Masks, draw_masks
from training.models.encoder import Encoder, SwinEncoder, VitEncoder
from training.models.hjepa import HierarchicalJepa, HjepaConfig, HjepaOutput, Pyramid
from training.pretrain_hjepa import config_of
from training.recipe import changed, read_recipe

MASKS = MaskKnobs(kind="multi_block", targets=4, target_scale=(0.15, 0.2), target_aspect=(0.75, 1.5), context_scale=(0.85, 1.0), min_context=0.1)
SIZE = (32, 32)


def model(**changes: Any) -> HierarchicalJepa:
    torch.manual_seed(0)
    values = {
        "encoder": "vit_nano_patch4_32", "image_size": SIZE, "position": "sine", "levels": 3, "learned_weights": False, "pooling": "average", "fusion": False,
        "cross_level_attention": False, "predictor_depth": 2, "predictor_dim": 32, "predictor_heads": 2, "predictor_mlp_ratio": 2.0, "averaged": True,
        "projector_dim": None,
    }  # fmt: skip
    made = HierarchicalJepa(HjepaConfig.model_validate({**values, **changes}))
    with torch.no_grad():  # far from their first values, at which biases are zero and attention is nearly even
        for part in (made.online, made.predictors):
            for parameter in part.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
    made.average(0.0)
    return made


def inputs(net: HierarchicalJepa, batch: int = 3, kind: str = "multi_block", padded: bool = False) -> tuple[Tensor, Tensor, Masks]:
    images = torch.randn(batch, 3, *net.image_size, generator=torch.Generator().manual_seed(1))
    content = torch.ones(batch, *net.grid, dtype=torch.bool)
    if padded:
        content[0, :, net.grid[1] // 2 :] = False
    masks = draw_masks(MASKS.model_copy(update={"kind": kind}), torch.arange(batch), content, net.levels, 0, 1)
    return images, content, masks


def loss(output: HjepaOutput) -> Tensor:
    return torch.stack([((level.predicted - level.target) ** 2).mean() for level in output.levels]).sum()


VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "one_level": {"levels": 1},
    "max": {"pooling": "max"},
    "attention_fused_crossed": {"pooling": "attention", "fusion": True, "cross_level_attention": True},
    "rotary": {"position": "rotary"},
    "online": {"averaged": False},
    "class_token": {"encoder": "vit_nano", "image_size": (64, 96), "levels": 2},
    "swin": {"encoder": "swin_nano", "image_size": (64, 128), "levels": 2},
}


@pytest.mark.parametrize("name", VARIANTS)
def test_every_parameter_learns_and_no_target_does(name: str) -> None:
    net = model(**VARIANTS[name])
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0)
    before = {key: value.clone() for key, value in net.state_dict().items()}
    output = net(*inputs(net))
    for _ in range(2):
        optimizer.zero_grad()
        loss(net(*inputs(net))).backward()
        optimizer.step()
    for key, parameter in net.named_parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), key
        assert parameter.grad.count_nonzero() > 0 or key.endswith("bias"), key
    assert all(not level.target.requires_grad and level.predicted.requires_grad for level in output.levels)
    if net.averaged is not None:
        assert list(net.averaged.parameters()) == [], "a target has no parameters that could learn"
        assert all(torch.equal(value, before[f"averaged.{key}"]) for key, value in net.averaged.state_dict().items())


def test_without_an_average_a_gradient_goes_through_targets_if_asked_for() -> None:
    net = model(averaged=False)
    assert not net(*inputs(net)).levels[0].target.requires_grad
    assert net(*inputs(net), detached=False).levels[0].target.requires_grad


def test_the_average_is_its_closed_form() -> None:
    """averaged_T = prod(m_t) a_0 + sum_t (1 - m_t) prod_{u > t}(m_u) w_t, with momenta that rise from 0.9 to 1."""
    net, steps = model(), 7
    momenta = [ema_momentum((0.9, 1.0), step, steps) for step in range(steps)]
    assert momenta[0] == 0.9 and momenta == sorted(momenta) and momenta[-1] < 1
    name = "encoder.vit.blocks.1.attn.qkv.weight"
    weight, expected = dict(net.online.named_parameters())[name], net.averaged.state_dict()[name].clone().double()
    for momentum in momenta:
        with torch.no_grad():
            weight.normal_()
        expected = momentum * expected + (1 - momentum) * weight.detach().double()
        net.average(momentum)
    torch.testing.assert_close(net.averaged.state_dict()[name], expected.float())
    whole = torch.tensor(momenta).prod()
    assert 0 < whole < 1


@pytest.mark.parametrize("name", ["plain", "rotary", "class_token", "swin"])
def test_the_context_knows_nothing_of_what_is_hidden(name: str) -> None:
    """Other pixels wherever there is no context change targets, and no prediction by a bit."""
    net = model(**VARIANTS[name]).eval()
    images, content, masks = inputs(net)
    shown = masks.context.repeat_interleave(net.cell, 1).repeat_interleave(net.cell, 2)[:, None]
    other = torch.where(shown, images, torch.randn_like(images))
    first, second = net(images, content, masks), net(other, content, masks)
    for a, b in zip(first.levels, second.levels, strict=True):
        assert torch.equal(a.predicted, b.predicted) and not torch.allclose(a.target, b.target)


@pytest.mark.parametrize("name", VARIANTS)
def test_an_image_is_predicted_alike_in_every_batch(name: str) -> None:
    net = model(**VARIANTS[name]).eval()
    images, content, masks = inputs(net, 4, padded=True)
    whole = net(images, content, masks)
    for number in range(4):
        one = slice(number, number + 1)
        alone = net(images[one], content[one], Masks(masks.context[one], tuple(target[one] for target in masks.targets)))
        for a, b in zip(alone.levels, whole.levels, strict=True):
            mine = b.image == number
            torch.testing.assert_close(a.predicted, b.predicted[mine], rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(a.target, b.target[mine], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["plain", "max", "attention_fused_crossed", "class_token", "swin"])
def test_targets_are_the_features_of_the_whole_image(name: str) -> None:
    """Only what is asked for is computed, and it is what extract_features gives there."""
    net = model(**VARIANTS[name]).eval()
    images, content, masks = inputs(net)
    output = net(images, content, masks, target_norm=False)
    for level, found in enumerate(output.levels):
        features = net.extract_features(images, level).flatten(2)  # [B, D, cells]
        torch.testing.assert_close(found.target, features[found.image, :, found.cell], rtol=1e-4, atol=1e-5)
        normed = net(images, content, masks).levels[level].target
        torch.testing.assert_close(normed.mean(-1), torch.zeros(len(normed)), atol=1e-5, rtol=0)
        torch.testing.assert_close(normed.var(-1, correction=0), torch.ones(len(normed)), atol=1e-2, rtol=0)


def test_coarser_cells_by_hand() -> None:
    """4 x 4 cells whose features are 1 to 16 in every channel, the second row not visible."""
    values = torch.arange(1.0, 17).view(1, 4, 4, 1)
    visible = torch.ones(1, 4, 4, dtype=torch.bool)
    visible[:, 1] = False
    expected = {"average": [1.5, 3.5, 11.5, 13.5], "max": [2.0, 4.0, 14.0, 16.0], "attention": [1.5, 3.5, 11.5, 13.5]}
    for pooling, numbers in expected.items():
        pyramid = Pyramid(VitEncoder("vit_nano_patch4_32", (16, 16)), 2, pooling, False)
        for score in pyramid.score:
            torch.nn.init.zeros_(score.weight)  # then all cells count alike
        tokens, shown = pyramid._pooled((values * visible[..., None]).expand(-1, -1, -1, 64), visible, 1)
        assert shown.all() and tokens[:, 0].tolist() == numbers


@pytest.mark.parametrize("name", ["attention_fused_crossed", "rotary", "swin", "online"])
def test_saved_and_loaded_it_is_the_same(name: str, tmp_path: Path) -> None:
    net = model(**VARIANTS[name]).eval()
    net.difficulty.normal_()
    net.save_pretrained(tmp_path)
    again = HierarchicalJepa.from_pretrained(tmp_path)
    assert not again.training and again.levels == net.levels and again.embed_dim == net.embed_dim
    assert all(torch.equal(value, again.state_dict()[key]) for key, value in net.state_dict().items())
    images = inputs(net)[0]
    for level in range(net.levels):
        features = again.extract_features(images, level)
        assert features.shape == (3, net.embed_dim, net.grid[0] >> level, net.grid[1] >> level)
        assert torch.equal(features, net.extract_features(images, level))
    encoder = Encoder.from_pretrained(tmp_path / "encoder")
    assert isinstance(encoder, VitEncoder | SwinEncoder)
    assert all(torch.equal(value, net.target.encoder.state_dict()[key]) for key, value in encoder.state_dict().items())


def test_a_vit_extracts_features_of_other_sizes() -> None:
    net = model(levels=2).eval()
    assert net.extract_features(torch.randn(1, 3, 46, 24), 1).shape == (1, 64, 6, 3)


def test_rotary_positions_are_relative() -> None:
    """Of an image moved by one cell all features stay what they were, in the encoder that knows where tokens are by rotation alone."""
    net = model(position="rotary", levels=1).eval()
    images = torch.randn(1, 3, 16, 16)
    visible = torch.zeros(1, 8, 8, dtype=torch.bool)
    visible[:, :4, :4] = True
    moved = visible.roll((3, 2), (1, 2))
    padded = torch.nn.functional.pad(images, (0, 16, 0, 16))
    here = net.online(padded, visible)[0][0]
    there = net.online(padded.roll((12, 8), (2, 3)), moved)[0][0]
    torch.testing.assert_close(here, there, rtol=1e-4, atol=1e-5)


# --- bad input


def test_bad_models_and_images_are_told() -> None:
    with pytest.raises(
        InputError, match=r"pretrain_hjepa.levels: do not divide the grid: vit_nano has 4 x 6 cells of 16 pixels.* 4 x 4 of them. Found: 3"
    ):
        model(encoder="vit_nano", image_size=(64, 96))
    with pytest.raises(InputError, match=r"image_size: is smaller than a patch of vit_nano, 16 pixels. Found: \[8, 32\]"):
        model(encoder="vit_nano", image_size=(8, 32), levels=1)
    net = model()
    with pytest.raises(InputError, match=r"images: are smaller than a patch of vit_nano_patch4_32, 4 pixels. Found: 32 x 3"):
        net.extract_features(torch.zeros(1, 3, 32, 3))
    with pytest.raises(InputError, match=r"images: have 5 x 8 cells, which the cells of 3 levels do not divide"):
        net.extract_features(torch.zeros(1, 3, 20, 32))
    with pytest.raises(InputError, match=r"level: is no level of this model. Found: 3. It has 3, from 0"):
        net.extract_features(torch.zeros(1, 3, 32, 32), level=3)


def test_a_checkpoint_of_another_depth_is_told(tmp_path: Path) -> None:
    model(levels=3).save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"levels": 2}))
    with pytest.raises(InputError, match=r"model.safetensors: predictors.2.*: is a checkpoint of another architecture .* a weight too many"):
        HierarchicalJepa.from_pretrained(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(config | {"levls": 2}))
    with pytest.raises(InputError, match=r"config.json: is no hierarchical JEPA's configuration"):
        HierarchicalJepa.from_pretrained(tmp_path)


# --- the stage


def settings(root: Path, hardware: dict[str, Any], **changes: Any) -> None:
    params = tiny_params()
    params["runs"]["checkpoint_steps"] = 1
    tiny = params["presets"]["tiny-cpu"]
    tiny["hardware"]["pretrain_hjepa"] |= {"loader": "shards", **hardware}
    for key, value in changes.items():
        (params if key in params["pretrain_hjepa"] else tiny)["pretrain_hjepa"][key] = value
    write_params(root, params)


def run(root: Path, hardware: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    settings(root, hardware or {}, **changes)
    devices = (hardware or {}).get("devices", 1)
    if devices == 1:
        pretrain_hjepa.main()
    else:  # in processes that are forked: importing everything anew would take longer than the run
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(resume.train_detector, "main", pretrain_hjepa.main)
            code, said = resume.run(devices)
        assert code == 0, said[-4000:]
    metrics: dict[str, Any] = json.loads((root / "artifacts/pretrain_hjepa/metrics.json").read_text())
    return metrics


@pytest.fixture(autouse=True)
def _bare_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["stage"])


def test_the_stage(project: Path) -> None:
    metrics = run(project)
    folder = project / "artifacts/pretrain_hjepa"
    assert metrics["steps"] == 4
    with (folder / "curves.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["loss"]) for row in rows] == pytest.approx([float(row["loss_level_0"]) + 0.5 * float(row["loss_level_1"]) for row in rows])
    # A look at the end of each epoch, however short it is: what the report draws.
    assert [row["step"] for row in rows if row["watch_effective_rank_level_1"]] == ["2", "4"]
    net = HierarchicalJepa.from_pretrained(folder)
    weights = load_file(folder / "model.safetensors")
    names = [name for name in weights if name.startswith("online.") and "finer" not in name]
    assert names and all(name.replace("online.", "averaged.") in weights for name in names)
    assert not all(torch.equal(weights[name], weights[name.replace("online.", "averaged.")]) for name in names)
    assert net.extract_features(torch.zeros(1, 3, 64, 96), 1).shape == (1, 64, 2, 3)


@pytest.mark.parametrize("changes", [{}, {"masks": MASKS.model_dump() | {"kind": "adaptive"}, "loss": "info_nce"}], ids=["plain", "adaptive"])
def test_micro_batches_change_nothing(project: Path, changes: dict[str, Any]) -> None:
    names = ("first_loss", "loss", "val_loss")
    whole, cut = run(project, **changes), run(project, {"micro_batch": 1}, **changes)
    assert {name: cut[name] for name in names} == pytest.approx({name: whole[name] for name in names}, rel=1e-4)


ADAPTIVE = MASKS.model_dump() | {"kind": "adaptive"}
# Everything that has a state of its own, or looks at more than one image.
STATEFUL: dict[str, Any] = {"masks": ADAPTIVE, "regulariser": "sigreg", "level_weights": "learned"}


def test_an_interrupted_run_goes_on_bit_for_bit(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Average, difficulty of cells and random directions with it."""
    run(project, **STATEFUL)
    folder = project / "artifacts/pretrain_hjepa"
    weights, rows = load_file(folder / "model.safetensors"), (folder / "curves.csv").read_text()
    learn = HjepaTask.training_step

    def fails(self: HjepaTask, batch: Any, batch_idx: int) -> Tensor:
        if self.trainer.global_step == 3:
            raise RuntimeError("no more")
        return learn(self, batch, batch_idx)

    with monkeypatch.context() as patch:
        patch.setattr(HjepaTask, "training_step", fails)
        with pytest.raises(RuntimeError, match="no more"):
            run(project, **STATEFUL)
    run(project, **STATEFUL)
    again = load_file(folder / "model.safetensors")
    assert all(torch.equal(again[name], weights[name]) for name in weights)
    assert not torch.equal(weights["difficulty"], torch.ones_like(weights["difficulty"]))
    losses = [[row[name] for row in csv.DictReader(text.splitlines())] for text in (rows, (folder / "curves.csv").read_text()) for name in ("loss",)]
    assert losses[0] == losses[1]


@pytest.fixture(scope="module")
def alone(packed_root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What one process reports and learns with everything that has a state."""
    root = tmp_path_factory.mktemp("alone")
    shutil.copytree(packed_root, root, dirs_exist_ok=True)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setattr("sys.argv", ["stage"])
        metrics = run(root, **STATEFUL)
    torch.set_num_threads(threads)
    return metrics, load_file(root / "artifacts/pretrain_hjepa/model.safetensors")


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["torchrun", "deepspeed", "fsdp", "deepspeed_stage_3"])
def test_two_processes_learn_what_one_does(project: Path, alone: tuple[dict[str, Any], dict[str, Tensor]], launcher: str) -> None:
    """With a regulariser that looks at the whole batch: DDP, ZeRO-2, FSDP2 and ZeRO-3."""
    names = ("first_loss", "loss", "val_loss")
    metrics, weights = alone
    spread = run(project, {"launcher": launcher, "devices": 2, "micro_batch": 2}, **STATEFUL)
    assert {name: spread[name] for name in names} == pytest.approx({name: metrics[name] for name in names}, rel=1e-3)
    found = load_file(project / "artifacts/pretrain_hjepa/model.safetensors")
    assert found.keys() == weights.keys()
    torch.testing.assert_close(found["difficulty"], weights["difficulty"], rtol=1e-4, atol=1e-5)
    name = "averaged.encoder.vit.blocks.0.mlp.fc1.weight"
    assert not torch.equal(found[name], found[name.replace("averaged", "online")])
    assert (found[name] - weights[name]).abs().mean() < 1e-5


CHANGES = {
    "crop_area": [0.3, 1.0], "crop_aspect": [0.75, 1.333], "flip_probability": 0.5, "colour_jitter": [0.4, 0.4, 0.2, 0.1], "colour_jitter_probability": 0.8,
    "greyscale_probability": 0.2,
}  # fmt: skip


def test_crops_of_an_image_are_brought_together(project: Path) -> None:
    crops = {"large": 2, "large_changes": CHANGES, "small": 4, "small_changes": CHANGES, "small_size": 32, "projector_dim": 16, "weight": 1.0}
    run(project, multi_crop=crops, regulariser="vicreg", target_encoder="online")
    with (project / "artifacts/pretrain_hjepa/curves.csv").open() as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        parts = {name: float(row[name]) for name in ("loss", "loss_level_0", "loss_level_1", "loss_crops", "regulariser")}
        assert parts["loss"] == pytest.approx(
            parts["loss_level_0"] + 0.5 * parts["loss_level_1"] + parts["loss_crops"] + parts["regulariser"], rel=1e-5
        )
    assert "averaged.norm.weight" not in load_file(project / "artifacts/pretrain_hjepa/model.safetensors")


def test_its_encoder_is_handed_to_the_detector(project: Path) -> None:
    run(project)
    params = tiny_params()
    params["train_detector"]["pretraining"] = "pretrain_hjepa"
    params["presets"]["tiny-cpu"]["train_detector"] |= {"encoder": "vit_nano", "init_from": "pretraining", "learning_rate": 1e-12, "epochs": 1}
    write_params(project, params)
    train_detector.main()
    made, given = (load_file(project / "artifacts" / file / "model.safetensors") for file in ("train_detector", "pretrain_hjepa/encoder"))
    for name, value in given.items():
        torch.testing.assert_close(made[f"backbone.{name}"], value)
    config = project / "artifacts/pretrain_hjepa/encoder/config.json"
    config.write_text(config.read_text().replace("sine", "rotary"))
    with pytest.raises(InputError, match=r"encoder/config.json: position: was trained with other positions than the detector's sine. Found: rotary"):
        train_detector.main()


@pytest.mark.parametrize(
    ("changes", "hardware", "told"),
    [
        ({"levels": 3, "level_weights": [1.0, 1.0, 1.0]}, {}, r"pretrain_hjepa.levels: do not divide the grid"),
        ({"level_weights": [1.0]}, {}, r"level_weights must be 2 numbers"),
        ({"predictor_heads": 3}, {}, r"predictor_dim must be a multiple of 4 times predictor_heads"),
        ({"target_encoder": "online"}, {}, r"target_encoder online needs a regulariser"),
        ({"regulariser": "vicreg"}, {"micro_batch": 2}, r"pretrain_hjepa.regulariser: looks at the whole global batch of 4 at once"),
        ({"augmentation": CHANGES}, {}, r"pretrain_hjepa.augmentation: is not for screens: AugmentationKnobs"),
        ({"encoder": "vit_large_patch4_32"}, {}, r"encoder"),
    ],
)
def test_bad_settings_stop_the_stage(project: Path, changes: dict[str, Any], hardware: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        run(project, hardware, **changes)
    assert [path.name for path in (project / "artifacts").iterdir()] == ["pack_beton"]


# --- recipes


RECIPES = sorted((Path(__file__).parents[2] / "training/recipes").glob("*.yaml"))


@pytest.mark.parametrize("file", RECIPES, ids=lambda file: file.stem)
def test_every_recipe_is_a_run_that_can_be_built(file: Path) -> None:
    root = Path(__file__).parents[2]
    recipe = read_recipe(file)
    knobs = changed(load_knobs(PretrainHjepaKnobs, root / "params.yaml", "tiny-cpu"), recipe.knobs, file, "knobs")
    hardware = changed(load_hardware("pretrain_hjepa", root / "params.yaml", "tiny-cpu"), recipe.hardware, file, "hardware")
    assert knobs.global_batch % (hardware.devices * hardware.micro_batch) == 0
    assert knobs.regulariser == "none" or knobs.global_batch == hardware.devices * hardware.micro_batch
    with torch.device("meta"):
        net = HierarchicalJepa(config_of(knobs, recipe.image_size or (32, 32)))
    if "cifar" in file.stem:
        assert sum(parameter.numel() for parameter in net.online.encoder.parameters()) <= 6e6


def test_a_run_on_other_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of few images: the recipe's settings over those of params.yaml, and a folder that says what it was made from."""
    write_folder(tmp_path / "images")
    monkeypatch.chdir(tmp_path)
    write_params(tmp_path, tiny_params())
    recipe = {
        "knobs": {"encoder": "vit_nano_patch4_32", "levels": 2, "epochs": 1, "warmup_epochs": 0, "global_batch": 8, "augmentation": CHANGES},
        "hardware": {"micro_batch": 8}, "image_size": [32, 32], "corrupt_limit": 0,
    }  # fmt: skip
    Path("recipe.yaml").write_text(json.dumps(recipe))
    monkeypatch.setattr("sys.argv", ["stage", "--recipe", "recipe.yaml", "--data", "images", "--out", "hjepa_small"])
    pretrain_hjepa.main()
    made = json.loads(Path("artifacts/hjepa_small/run.json").read_text())
    assert made["stage"] == "hjepa_small" and made["knobs"]["encoder"] == "vit_nano_patch4_32" and made["dataset_version"]
    assert HierarchicalJepa.from_pretrained(Path("artifacts/hjepa_small")).image_size == (32, 32)
    Path("recipe.yaml").write_text(json.dumps(recipe | {"knobs": recipe["knobs"] | {"encoder": "vit_nano", "levels": 1, "level_weights": [1.0]}}))
    monkeypatch.setattr("sys.argv", ["stage", "--recipe", "recipe.yaml", "--data", "images", "--out", "hjepa_coarse"])
    with pytest.raises(InputError, match=r"\d.png: is smaller than a patch of 16 pixels. Found: 1\d x 16"):
        pretrain_hjepa.main()
    Path("recipe.yaml").write_text(json.dumps(recipe | {"knobs": {"predictor_dept": 2}}))
    with pytest.raises(InputError, match=r"recipe.yaml: knobs.predictor_dept: is an unknown knob. Did you mean `predictor_depth`"):
        pretrain_hjepa.main()
    monkeypatch.setattr("sys.argv", ["stage", "--recipe", "recipe.yaml", "--data", "images", "--out", "train_detector"])
    with pytest.raises(InputError, match=r"--out: is what a stage of the line writes"):
        pretrain_hjepa.main()
