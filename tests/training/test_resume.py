"""Runs that are killed and run again: the curve is the uninterrupted one, bit for bit; what cannot go on is refused, and never becomes step 0.

Runs are forked from the test's process, which has loaded torch already; `test_launched_by_torchrun...` starts whole programs.
"""

import json
import multiprocessing
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file

import training.loop
from contracts.errors import InputError, run_command
from tests.training.synthetic_screens import SPLIT_SIZES, tiny_params, write_dataset, write_params
from training import pack_beton, train_detector

ROOT = Path(__file__).parents[2]
ARTIFACT = Path("artifacts/train_detector")
KEPT = Path("artifacts/.train_detector.checkpoints")
# 8 screens, 2 in a global batch: 4 steps in an epoch.
STEPS = 12
# What is measured by the clock differs from run to run.
CLOCKED = ("seconds", "screens_per_second", "data_wait_share", "communication_share", "eta_seconds", "memory_bytes", "gpu_utilisation")
Change = Callable[[dict[str, Any]], Any]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A packed dataset of shards, and settings for a detector of three epochs that makes a checkpoint at every step."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["stage"])
    write_dataset(tmp_path, SPLIT_SIZES)
    settings(tmp_path)
    pack_beton.main()
    return tmp_path


def settings(root: Path, launcher: str = "python", devices: int = 1, micro_batch: int = 1, change: Change = lambda params: None) -> None:
    params = tiny_params()
    params["runs"]["checkpoint_steps"] = 1
    tiny = params["presets"]["tiny-cpu"]
    tiny["pack_beton"]["formats"] = ["shards"]
    tiny["train_detector"] |= {"global_batch": 2, "epochs": 3}
    tiny["hardware"]["train_detector"] |= {"launcher": launcher, "devices": devices, "micro_batch": micro_batch, "loader": "shards"}
    change(params)
    write_params(root, params)


def _process(rank: int, devices: int, port: int, kill_at: int | None, told: int, output: Path) -> None:
    sys.stdout = sys.stderr = output.open("a", buffering=1)
    if devices > 1:
        os.environ |= {
            "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(devices), "LOCAL_WORLD_SIZE": str(devices), "GROUP_RANK": "0",
            "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "TORCHELASTIC_RUN_ID": "test", "TORCHELASTIC_USE_AGENT_STORE": "False",
            "GLOO_SOCKET_IFNAME": "lo", "DS_ACCELERATOR": "cpu", "DS_BUILD_OPS": "0",
        }  # fmt: skip
    if kill_at is not None:
        learn = training.loop.Task.training_step

        def then_die(self: Any, batch: Any, batch_idx: int) -> Any:
            if self.trainer.global_step == kill_at:
                os.kill(os.getpid(), told)
            return learn(self, batch, batch_idx)

        training.loop.Task.training_step = then_die  # type: ignore[method-assign]
    run_command(train_detector.main)


def run(devices: int = 1, kill_at: int | None = None, told: int = signal.SIGKILL, patience: float = 300) -> tuple[int, str]:
    """Run the stage; rank 0's exit code (negative: the signal that killed it) and what all ranks said. `told` is what it gets in step `kill_at`."""
    context = multiprocessing.get_context("fork")
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
    output = Path("output.txt")
    output.unlink(missing_ok=True)
    processes = [context.Process(target=_process, args=(rank, devices, port, kill_at, told, output)) for rank in range(devices)]
    for process in processes:
        process.start()
    until = time.monotonic() + patience
    for process in processes:
        process.join(until - time.monotonic())
    alive = [process for process in processes if process.is_alive()]
    for process in alive:
        process.kill()
        process.join()
    assert not alive, output.read_text()[-4000:]
    return int(processes[0].exitcode or 0), output.read_text()


def curve() -> list[dict[str, float]]:
    rows = [json.loads(line) for line in (ARTIFACT / "log.jsonl").read_text().splitlines()]
    return [{name: value for name, value in row.items() if name not in CLOCKED} for row in rows]


def communication_shares() -> list[float | None]:
    rows = [json.loads(line) for line in (ARTIFACT / "log.jsonl").read_text().splitlines()]
    return [row.get("communication_share") for row in rows if "loss" in row]


def straight(devices: int = 1) -> tuple[list[dict[str, float]], dict[str, torch.Tensor]]:
    """An uninterrupted run: its curve and weights. Nothing of it stays."""
    code, said = run(devices)
    assert code == 0, said[-4000:]
    found = curve(), load_file(ARTIFACT / "model.safetensors")
    ARTIFACT.rename("straight")
    return found


def assert_same(expected: tuple[list[dict[str, float]], dict[str, torch.Tensor]], steps: int = STEPS) -> None:
    rows, weights = expected
    assert [row["step"] for row in rows if "loss" in row] == list(range(1, steps + 1))
    assert curve() == rows
    made = load_file(ARTIFACT / "model.safetensors")
    assert made.keys() == weights.keys() and all(torch.equal(made[name], weights[name]) for name in weights)
    assert not KEPT.exists()


def kill_twice_and_finish(devices: int, seed: int) -> None:
    """Once in the first epoch and once in a later one, in the middle of each."""
    rng = random.Random(seed)
    for kill_at in (rng.choice([1, 2, 3]), rng.choice([5, 6, 7, 9, 10, 11])):
        code, said = run(devices, kill_at)
        assert code == -signal.SIGKILL, said[-4000:]
        assert not ARTIFACT.exists()
    code, said = run(devices)
    assert code == 0, said[-4000:]
    assert f"resumed from {KEPT}/step-{kill_at:08d}: step {kill_at} of {STEPS}" in said


@pytest.mark.parametrize(("micro_batch", "ema_decay"), [(2, 0.0), (1, 0.9)])
def test_killed_twice_it_is_the_uninterrupted_run(project: Path, micro_batch: int, ema_decay: float) -> None:
    """At once, and accumulated with a moving average of the weights."""
    settings(project, micro_batch=micro_batch, change=lambda params: params["train_detector"].update(ema_decay=ema_decay))
    expected = straight()
    kill_twice_and_finish(1, seed=time.time_ns())
    assert_same(expected)
    assert communication_shares() == [None] * STEPS


@pytest.mark.parametrize("launcher", ["torchrun", pytest.param("deepspeed", marks=pytest.mark.slow)])
def test_two_processes_killed_twice_are_the_uninterrupted_run(project: Path, launcher: str) -> None:
    settings(project, launcher, devices=2)
    expected = straight(devices=2)
    kill_twice_and_finish(2, seed=time.time_ns())
    assert_same(expected)
    shares = communication_shares()
    assert all(share is not None and 0 < share < 1 for share in shares) if launcher == "torchrun" else shares == [None] * STEPS


@pytest.mark.slow
def test_split_weights_are_whole_in_a_checkpoint(project: Path) -> None:
    """ZeRO-3: two epochs, and killed once, since its steps are slow on CPUs."""
    settings(project, "deepspeed_stage_3", devices=2, change=lambda params: params["presets"]["tiny-cpu"]["train_detector"].update(epochs=2))
    expected = straight(devices=2)
    stopped_at(5, devices=2)
    code, said = run(2)
    assert code == 0, said[-4000:]
    assert f"resumed from {KEPT}/step-00000005: step 5 of 8" in said
    assert_same(expected, steps=8)


def test_an_average_of_weights_is_refused_where_it_cannot_be_kept(project: Path) -> None:
    settings(project, "deepspeed_stage_3", change=lambda params: params["train_detector"].update(ema_decay=0.9))
    with pytest.raises(
        InputError, match=r"train_detector.ema_decay: an average of the weights is not kept under launcher `deepspeed_stage_3`.*`fsdp`"
    ):
        train_detector.main()
    assert not ARTIFACT.exists()


def test_told_to_end_it_makes_a_checkpoint_and_goes_on_later(project: Path) -> None:
    """SIGTERM in the middle of an accumulated step: that step's first half is forgotten, and made again."""
    settings(project, change=lambda params: params["runs"].update(checkpoint_steps=0))
    expected = straight()
    code, said = run(kill_at=6, told=signal.SIGTERM)
    assert code == 128 + signal.SIGTERM, said[-4000:]
    assert "told to end (SIGTERM): stopped after step 6; run the stage again to go on from there" in said
    assert sorted(path.name for path in KEPT.iterdir())[-1] == "step-00000006"
    assert not ARTIFACT.exists() and not Path("artifacts/.train_detector.partial").exists()
    code, said = run()
    assert code == 0 and "step 6 of 12" in said
    assert_same(expected)


def test_stopped_early_it_keeps_the_best_epoch(project: Path) -> None:
    """A rate at which nothing gets better after the first epoch: the second ends the run, and the first's weights are the model."""

    def change(params: dict[str, Any]) -> None:
        params["train_detector"]["early_stop_patience"] = 1
        params["presets"]["tiny-cpu"]["train_detector"] |= {"learning_rate": 1e-12, "epochs": 5}

    settings(project, change=change)
    code, said = run()
    assert code == 0, said[-4000:]
    assert "no better validation for 1 epochs: stopped early, after step 8 of 20" in said
    assert json.loads((ARTIFACT / "metrics.json").read_text())["steps"] == 8


def stopped_at(step: int, devices: int = 1) -> None:
    code, said = run(devices, kill_at=step)
    assert code == -signal.SIGKILL, said[-4000:]


def test_other_runs_are_refused_with_the_reason(project: Path) -> None:
    stopped_at(6)
    kept = sorted(path.name for path in KEPT.iterdir())

    def refused(reason: str) -> None:
        code, said = run()
        assert code == 1
        assert reason in said.splitlines()[-1] and "remove artifacts/.train_detector.checkpoints to begin anew" in said
        assert sorted(path.name for path in KEPT.iterdir()) == kept and not ARTIFACT.exists()

    settings(project, change=lambda params: params["presets"]["tiny-cpu"]["train_detector"].update(learning_rate=0.5))
    refused("was made with other settings: learning_rate was 0.001 and is 0.5.")
    settings(project, change=lambda params: params["presets"]["tiny-cpu"]["train_detector"].update(ffn_dim=16))
    refused("is of another architecture: ")
    settings(project)
    # The same pack under another version: as when data.dvc moved on and the screens were packed again.
    (project / "data.dvc").write_text(yaml.safe_dump({"outs": [{"md5": "e" * 32 + ".dir", "path": "data"}]}))
    index = project / "artifacts/pack_beton/index.json"
    index.write_text(json.dumps(json.loads(index.read_text()) | {"dataset_version": "e" * 32 + ".dir"}))
    refused(f"was made while learning from another dataset version; this run's is {'e' * 32}.dir.")


def test_damaged_checkpoints_do_not_become_step_0(project: Path) -> None:
    stopped_at(6)
    newest, *earlier = sorted(KEPT.iterdir(), reverse=True)
    os.truncate(newest / "model.safetensors", 1000)
    stopped_at_again = run(kill_at=6)
    assert stopped_at_again[0] == -signal.SIGKILL
    assert f"DAMAGED CHECKPOINT: {newest}/model.safetensors: has another size" in stopped_at_again[1]
    assert f"resumed from {earlier[0]}: step 5 of {STEPS}" in stopped_at_again[1]
    for folder in KEPT.iterdir():
        (folder / "state.json").write_text("{")
    code, said = run()
    assert code == 1 and "holds checkpoints, and none of them can be read" in said
    assert not ARTIFACT.exists()


@pytest.mark.parametrize(("launcher", "devices", "then", "then_devices"), [("python", 1, "torchrun", 2), ("torchrun", 2, "python", 1)])
def test_another_number_of_processes_goes_on_with_the_same_screens(project: Path, launcher: str, devices: int, then: str, then_devices: int) -> None:
    rate = {"learning_rate": 1e-4}  # small enough that rounding does not grow into another run
    settings(project, change=lambda params: params["presets"]["tiny-cpu"]["train_detector"].update(rate))
    rows, _ = straight()
    settings(project, launcher, devices, change=lambda params: params["presets"]["tiny-cpu"]["train_detector"].update(rate))
    stopped_at(6, devices)
    settings(project, then, then_devices, change=lambda params: params["presets"]["tiny-cpu"]["train_detector"].update(rate))
    code, said = run(then_devices)
    assert code == 0, said[-4000:]
    assert f"{devices} processes made the checkpoint and {then_devices} go on" in said
    made = curve()
    assert [row["step"] for row in made] == [row["step"] for row in rows]
    for row, expected in zip(made, rows, strict=True):
        if "loss" in expected:
            assert row["loss"] == pytest.approx(expected["loss"], rel=1e-3)
            assert row["learning_rate"] == expected["learning_rate"]


def test_a_loss_that_is_not_finite_names_its_screens(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    losses = train_detector_losses()

    def poisoned(self: Any, batch: Any, batch_idx: int) -> Any:
        loss, parts = losses(self, batch, batch_idx)
        return (loss * float("nan") if self.trainer.global_step == 5 else loss), parts

    monkeypatch.setattr("training.detector_task.DetectorTask.losses", poisoned)
    code, said = run()
    assert code == 1
    assert "the loss is not finite at step 6" in said and "image_ids" in said
    (failed,) = KEPT.glob("failed-*.json")
    written = json.loads(failed.read_text())
    order = training.loop.open_data  # the same screens in the same order
    assert str(failed) in said and written["epoch"] == 1
    from contracts.knobs import load_hardware

    data = order(load_hardware("train_detector"), 0, "train_detector")
    data.train.order.set_epoch(1, start=2)
    expected = [batch.image_ids.tolist() for batch, _ in zip(data.train, range(2), strict=False)]
    assert written["image_ids"] == expected
    assert max(KEPT.glob("step-*")).name == "step-00000005"


def train_detector_losses() -> Any:
    from training.detector_task import DetectorTask

    return DetectorTask.losses


@pytest.mark.slow
def test_it_is_followed_under_the_same_id(project: Path) -> None:
    settings(project, change=lambda params: params["tracking"].update(wandb="offline"))
    stopped_at(6)
    followed = json.loads((max(KEPT.glob("step-*")) / "state.json").read_text())["tracking_id"]
    code, said = run()
    assert code == 0, said[-4000:]
    assert followed and list(ARTIFACT.glob(f"wandb/offline-run-*-{followed}/run-{followed}.wandb"))
    assert [row["step"] for row in curve() if "loss" in row] == list(range(1, STEPS + 1))


@pytest.mark.slow
def test_launched_by_torchrun_and_killed_all_at_once(project: Path) -> None:
    """Whole programs, as the launcher starts them: the process group is killed in the middle."""
    settings(project, "torchrun", devices=2)
    expected = straight(devices=2)
    argv = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "training.train_detector"]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    first = subprocess.Popen(argv, env=env, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not list(KEPT.glob("step-*")):
        assert first.poll() is None
        time.sleep(0.05)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    second = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=600)
    assert second.returncode == 0, second.stderr[-4000:]
    assert_same(expected)
