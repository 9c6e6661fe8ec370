"""The training stages as they run: what they write, that spreading a batch changes nothing, and what they refuse."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import load_file

from contracts.errors import InputError
from contracts.knobs import Hardware
from contracts.taxonomy import NAMES
from tests.training.synthetic_screens import tiny_params, write_params
from training import pretrain_mae, train_detector
from training.loop import layer_numbers, make_plan, parameter_groups, peak_rate, warmup_cosine
from training.models.detector import Detector, DetectorConfig, build_detector
from training.models.encoder import SwinEncoder, load_weights

ROOT = Path(__file__).parents[2]
ONE = Hardware(accelerator="cpu", launcher="python", devices=1, micro_batch=4, num_workers=0, loader="shards")


@pytest.fixture(autouse=True)
def _bare_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["stage"])


def configure(root: Path, **changes: dict[str, Any]) -> None:
    """params.yaml of the tests with some values changed: `train_detector={...}`, `hardware={...}` (of train_detector), `tracking={...}`."""
    params = tiny_params()
    tiny = params["presets"]["tiny-cpu"]
    params["tracking"] |= changes.pop("tracking", {})
    tiny["hardware"]["train_detector"] |= {"loader": "shards", **changes.pop("hardware", {})}
    for stage, values in changes.items():
        tiny[stage] |= values
    write_params(root, params)


def processes(count: int, module: str) -> subprocess.CompletedProcess[str]:
    env = {
        **os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo", "DS_ACCELERATOR": "cpu", "DS_BUILD_OPS": "0",
    }  # fmt: skip
    argv = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}", "-m", module]
    return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=300)


# --- schedule and plan


@pytest.mark.parametrize(
    ("step", "expected"), [(0, 0.25), (1, 0.5), (3, 1.0), (4, 1.0), (6, 0.5 * (1 + 2**-0.5)), (8, 0.5), (10, 0.5 * (1 - 2**-0.5)), (12, 0.0)]
)
def test_warm_up_then_cosine(step: int, expected: float) -> None:
    """4 steps of warm-up, 12 in all: the cosine has 8 steps, so step 8 is half way and step 6 a quarter."""
    assert warmup_cosine(step, 4, 12) == pytest.approx(expected, abs=1e-12)


def test_without_warm_up_the_first_step_is_the_peak() -> None:
    assert warmup_cosine(0, 0, 5) == 1.0


def test_a_plan_counts_optimizer_steps() -> None:
    plan = make_plan(134, 8, 10, 0.5, ONE, "train_detector")
    assert (plan.steps_per_epoch, plan.steps, plan.accumulation, plan.warmup_steps) == (16, 160, 2, 8)


def test_a_global_batch_that_does_not_divide_or_is_too_large_is_refused() -> None:
    with pytest.raises(InputError, match=r"train_detector.global_batch: 6 is not a multiple of devices x micro_batch = 1 x 4 = 4"):
        make_plan(134, 6, 1, 0, ONE, "train_detector")
    with pytest.raises(InputError, match=r"train_detector.global_batch: is more than the training split holds \(8 screens\). Found: 16"):
        make_plan(8, 16, 1, 0, ONE, "train_detector")


def test_vectors_and_position_bias_are_not_decayed() -> None:
    encoder = SwinEncoder("swin_nano", (64, 96))
    decayed, kept = parameter_groups(encoder.named_parameters(), 1e-3, 0.05)
    assert (decayed["weight_decay"], kept["weight_decay"]) == (0.05, 0.0)
    assert sum(len(group["params"]) for group in (decayed, kept)) == len(list(encoder.parameters()))
    tables = {id(p) for name, p in encoder.named_parameters() if "relative_position_bias_table" in name}
    assert tables and tables <= {id(p) for p in kept["params"]}
    assert all(p.ndim >= 2 for p in decayed["params"])


@pytest.mark.parametrize(("scaling", "expected"), [("none", 0.1), ("linear", 0.4), ("sqrt", 0.2)])
def test_the_rate_follows_the_batch(scaling: Any, expected: float) -> None:
    assert peak_rate(0.1, scaling, 64, 16) == pytest.approx(expected)


def test_earlier_layers_learn_slower() -> None:
    """swin_nano has 4 stages of 2 blocks: blocks 1 to 8, what follows is 9; patch merging goes with its stage's first block."""
    encoder = SwinEncoder("swin_nano", (64, 96))
    layers, top = layer_numbers([name for name, _ in encoder.named_parameters()])
    assert top == 9 and set(layers.values()) == set(range(9))
    assert layers["swin.patch_embed.proj.weight"] == 0
    assert layers["swin.layers.0.blocks.0.attn.qkv.weight"] == 1
    assert layers["swin.layers.1.downsample.reduction.weight"] == layers["swin.layers.1.blocks.0.norm1.weight"] == 3
    assert layers["swin.layers.3.blocks.1.mlp.fc2.bias"] == 8
    groups = parameter_groups(encoder.named_parameters(), 1e-3, 0.05, layer_decay=0.5)
    rate = {id(p): group["lr"] for group in groups for p in group["params"]}
    assert len(rate) == len(list(encoder.parameters()))
    for name, parameter in encoder.named_parameters():
        assert rate[id(parameter)] == pytest.approx(1e-3 * 0.5 ** (9 - layers[name]))


# --- whole stages


def test_pretraining_then_detection(project: Path) -> None:
    """Both stages in one project, W&B offline: everything lands in the stage folders, nothing beside them, and the encoder is handed on."""
    configure(project, tracking={"wandb": "offline"}, train_detector={"init_from": "pretraining", "learning_rate": 1e-12})
    before = {p.name for p in project.iterdir()}
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    for stage in ("pretrain_mae", "train_detector"):
        done = subprocess.run([sys.executable, "-m", f"training.{stage}"], env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        folder = project / "artifacts" / stage
        rows = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
        assert [row["step"] for row in rows if "loss" in row] == [1, 2, 3, 4]
        assert sum("val_loss" in row for row in rows) == 2
        with (folder / "curves.csv").open() as file:
            curves = list(csv.DictReader(file))
        assert [row["step"] for row in curves] == ["1", "2", "3", "4"]
        assert list(curves[0])[:3] == ["step", "epoch", "loss"]
        metrics = json.loads((folder / "metrics.json").read_text())
        assert metrics["steps"] == 4 and metrics["loss"] == pytest.approx(float(curves[-1]["loss"]))
        assert metrics["first_loss"] == pytest.approx(float(curves[0]["loss"]))
        assert metrics["val_loss"] == pytest.approx(float(curves[-1]["val_loss"]))
        assert list((folder / "tensorboard").glob("events.out.tfevents.*"))
        assert list(folder.glob("wandb/offline-run-*/*.wandb"))
        assert not [path for path in folder.rglob("*") if path.is_symlink()]
    assert {p.name for p in project.iterdir()} == before
    assert sorted(p.name for p in (project / "artifacts").iterdir()) == ["pack_beton", "pretrain_mae", "train_detector"]
    pretrained = load_file(project / "artifacts/pretrain_mae/model.safetensors")
    # At this learning rate the detector's encoder is still the pretrained one.
    encoder = Detector.from_pretrained(project / "artifacts/train_detector").backbone.state_dict()
    assert pretrained.keys() == encoder.keys()
    for name in pretrained:
        torch.testing.assert_close(encoder[name], pretrained[name])
    with Image.open(project / "artifacts/pretrain_mae/reconstructions.png") as picture:
        assert picture.size == (3 * 96 + 2 * 8, 3 * (64 + 8))  # three screens of the validation split


def test_a_detector_goes_on_from_the_promoted_one(project: Path) -> None:
    """At this learning rate it stays what it was, whatever the seed; `fine_tuning` says for how long and how fast."""
    configure(project, train_detector={"init_from": "pretraining", "fine_tuning": {"epochs": 1, "warmup_epochs": 0.0, "learning_rate": 1e-12}})
    params = yaml.safe_load((project / "params.yaml").read_text())
    params["train_detector"]["pretraining"] = "promoted"
    write_params(project, params)
    with pytest.raises(InputError, match=r"artifacts/promoted: is not there yet\. Run `python -m orchestration\.registry checkout`"):
        train_detector.main()
    knobs = {**params["train_detector"], **params["presets"]["tiny-cpu"]["train_detector"]}
    shape = {name: knobs[name] for name in DetectorConfig.model_fields if name in knobs}
    promoted = build_detector(DetectorConfig(image_size=(64, 96), class_names=NAMES, **shape))
    promoted.save_pretrained(project / "artifacts/promoted")
    train_detector.main()
    run, metrics = (json.loads((project / "artifacts/train_detector" / name).read_text()) for name in ("run.json", "metrics.json"))
    assert metrics["steps"] == 2 and (run["knobs"]["epochs"], run["knobs"]["learning_rate"]) == (1, 1e-12)
    after = load_file(project / "artifacts/train_detector/model.safetensors")
    for name, weight in load_file(project / "artifacts/promoted/model.safetensors").items():
        torch.testing.assert_close(after[name], weight)

    config = project / "artifacts/promoted/config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"class_names": [*NAMES[1:], "knob"]}))
    with pytest.raises(InputError, match=r"promoted/config\.json: class_names: is another than this detector's"):
        train_detector.main()


# Small enough that rounding does not grow into another run within the test's four steps.
SPREAD_RATE = 1e-4
# Weights, the losses of the training steps, the losses on the validation split.
Trained = tuple[dict[str, torch.Tensor], list[float], list[float]]


def spread(root: Path, folder: str, launcher: str, devices: int, micro_batch: int) -> Trained:
    configure(root, hardware={"launcher": launcher, "devices": devices, "micro_batch": micro_batch}, train_detector={"learning_rate": SPREAD_RATE})
    if launcher == "python":
        train_detector.main()
    else:
        done = processes(devices, "training.train_detector")
        assert done.returncode == 0, done.stderr[-4000:]
    made = root / "artifacts/train_detector"
    with (made / "curves.csv").open() as file:
        rows = list(csv.DictReader(file))
    weights = load_file(made / "model.safetensors")
    made.rename(root / folder)
    return weights, *([float(row[name]) for row in rows if row[name]] for name in ("loss", "val_loss"))


def assert_equal_training(a: Trained, b: Trained) -> None:
    """To rounding: sums of 32-bit numbers in another order. AdamW divides by the gradient's size, so where a gradient is nearly zero its
    sign may differ and a weight may move by a whole learning rate the other way. Such weights must be rare: weights differ on average
    by less than a hundredth of the way that AdamW goes in these steps. A missing or doubled screen makes that a good part of the whole way.
    """
    assert b[1] == pytest.approx(a[1], rel=1e-4)
    # In validation rounding may also decide between two proposals or two matches that are equally good, and the loss jumps a little.
    assert b[2] == pytest.approx(a[2], rel=1e-2)
    way = SPREAD_RATE * len(a[1])
    apart = torch.cat([(b[0][name] - weight).abs().flatten() for name, weight in a[0].items()])
    assert float(apart.mean()) < 0.01 * way
    assert float(apart.max()) <= 2 * way


@pytest.fixture(scope="module")
def alone(packed_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The reference run: one process, the global batch of 4 at once."""
    import shutil

    root = tmp_path_factory.mktemp("alone")
    shutil.copytree(packed_root, root, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setattr("sys.argv", ["stage"])
        torch.set_num_threads(1)
        return spread(root, "reference", "python", 1, 4)


def test_a_run_repeats_itself(project: Path, alone: Trained) -> None:
    again = spread(project, "again", "python", 1, 4)
    assert again[1:] == alone[1:]
    assert all(torch.equal(again[0][name], alone[0][name]) for name in alone[0])


def test_accumulating_micro_batches_is_the_whole_batch(project: Path, alone: Trained) -> None:
    assert_equal_training(alone, spread(project, "accumulated", "python", 1, 1))


def test_a_run_on_other_screens_is_told_apart(project: Path, alone: Trained) -> None:
    """What the comparison above is worth: a run from another seed fails it."""
    params = tiny_params()
    params["train_detector"]["seed"] += 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.training.test_stages.tiny_params", lambda: params)
        other = spread(project, "other", "python", 1, 4)
    with pytest.raises(AssertionError):
        assert_equal_training(alone, other)


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["torchrun", "fsdp", "deepspeed", "deepspeed_stage_1", "deepspeed_stage_3"])
def test_two_processes_learn_what_one_does(launcher: str, project: Path, alone: Trained) -> None:
    """DDP, FSDP2 and ZeRO over gloo, two processes with one screen each, accumulated twice."""
    assert_equal_training(alone, spread(project, launcher, launcher, 2, 1))


def pretrained(root: Path, launcher: str, devices: int, micro_batch: int) -> dict[str, float]:
    params = tiny_params()
    changes = {"loader": "shards", "launcher": launcher, "devices": devices, "micro_batch": micro_batch}
    params["presets"]["tiny-cpu"]["hardware"]["pretrain_mae"] |= changes
    write_params(root, params)
    if launcher == "python":
        pretrain_mae.main()
    else:
        done = processes(devices, "training.pretrain_mae")
        assert done.returncode == 0, done.stderr[-4000:]
    metrics: dict[str, float] = json.loads((root / "artifacts/pretrain_mae/metrics.json").read_text())
    return {name: metrics[name] for name in ("first_loss", "loss", "val_loss")}


def test_masked_pretraining_does_not_depend_on_micro_batches(project: Path) -> None:
    assert pretrained(project, "python", 1, 1) == pytest.approx(pretrained(project, "python", 1, 4), rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["fsdp", "deepspeed_stage_3"])
def test_masked_pretraining_does_not_depend_on_split_weights(project: Path, launcher: str) -> None:
    """A Swin on visible tokens is computed from the parts of its blocks, beside the places where these strategies gather weights by themselves."""
    assert pretrained(project, launcher, 2, 1) == pytest.approx(pretrained(project, "python", 1, 4), rel=1e-4)


# --- bad input


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tiny: tiny["train_detector"].update(num_querys=5), r"num_querys: is an unknown knob"),
        (lambda tiny: tiny["train_detector"].pop("num_queries"), r"num_queries: is missing"),
        (lambda tiny: tiny["train_detector"].update(global_batch=6), r"train_detector.global_batch: 6 is not a multiple"),
        (lambda tiny: tiny["hardware"]["train_detector"].update(devices=2), r"hardware.train_detector.devices: launcher `python` starts one process"),
        (
            lambda tiny: tiny["hardware"]["train_detector"].update(devices=2, launcher="torchrun", micro_batch=2),
            r"devices: does not match the number of processes that were started, 1\. Found: 2.*orchestration.launch training.train_detector",
        ),
        (lambda tiny: tiny["train_detector"].update(init_from="pretraining"), r"pretrain_mae: is not there yet.*dvc repro pretrain_mae"),
    ],
)
def test_bad_settings_stop_the_stage_and_leave_nothing(project: Path, change: Callable[[dict[str, Any]], Any], message: str) -> None:
    params = tiny_params()
    change(params["presets"]["tiny-cpu"])
    write_params(project, params)
    with pytest.raises(InputError, match=message):
        train_detector.main()
    assert [p.name for p in (project / "artifacts").iterdir()] == ["pack_beton"]


def test_an_encoder_of_another_architecture_stops_the_detector(project: Path) -> None:
    from safetensors.torch import save_file

    folder = project / "artifacts/pretrain_mae"
    folder.mkdir()
    (folder / "run.json").write_text("{}")
    save_file(SwinEncoder("swin_micro", (64, 96)).state_dict(), folder / "model.safetensors")
    configure(project, train_detector={"init_from": "pretraining"})
    with pytest.raises(InputError, match=r"model.safetensors: .*another architecture than encoder swin_nano.*init_from to `scratch`"):
        train_detector.main()
    assert not (project / "artifacts/train_detector").exists()


def test_a_stage_that_fails_while_training_exits_with_an_error_and_leaves_nothing(project: Path) -> None:
    """A learning rate that makes the loss infinite must not become a result."""
    configure(project, train_detector={"learning_rate": 1e30, "gradient_clip": 1e30, "epochs": 2})
    done = subprocess.run(
        [sys.executable, "-m", "training.train_detector"], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "not finite" in done.stderr or "diverged" in done.stderr
    assert sorted(p.name for p in (project / "artifacts").iterdir()) == [".train_detector.checkpoints", "pack_beton"]
    (failed,) = (project / "artifacts/.train_detector.checkpoints").glob("failed-*.json")
    assert all(ids for ids in json.loads(failed.read_text())["image_ids"])


def test_a_pack_of_another_version_stops_training(project: Path) -> None:
    (project / "data.dvc").write_text(yaml.safe_dump({"outs": [{"md5": "e" * 32 + ".dir", "path": "data"}]}))
    configure(project)
    with pytest.raises(InputError, match="was packed from another dataset version"):
        train_detector.main()


@pytest.mark.parametrize("stage", ["pack_beton", "pretrain_mae", "train_detector"])
def test_help_needs_no_torch(stage: str) -> None:
    code = f"import sys, runpy; sys.argv=['x', '--help']\ntry: runpy.run_module('training.{stage}', run_name='__main__')\nfinally: print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "usage: python -m training." in done.stdout and done.stdout.rstrip().endswith("False")


def test_encoder_weights_load_into_the_same_architecture_only(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        load_weights(SwinEncoder("swin_nano", (64, 96)), tmp_path / "none.safetensors", "x", "Make it.")
