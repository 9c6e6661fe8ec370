"""The launcher: what it plans for each kind of hardware, what it refuses, and that two real processes meet."""

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import InputError
from contracts.knobs import Hardware
from orchestration.launch import Node, Plan, check_hardware, plan, stage_hardware
from tests.orchestration.small_repository import Small, environment

MODULE = "training.pretrain_mae"


def hardware(**changes: Any) -> Hardware:
    values = {"accelerator": "cpu", "launcher": "python", "devices": 1, "micro_batch": 4, "num_workers": 0, "loader": "auto"}
    return Hardware.model_validate(values | changes)


def torchrun(devices: int) -> tuple[str, ...]:
    return ("py", "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={devices}", "-m", MODULE)


def threads(number: int) -> dict[str, str]:
    return {"OMP_NUM_THREADS": str(number), "OMP_WAIT_POLICY": "passive"}


PLAIN = ("py", "-m", MODULE)
LO = {"GLOO_SOCKET_IFNAME": "lo"}


@pytest.mark.parametrize(
    ("given", "cpus", "expected"),
    [
        (None, 8, Plan(PLAIN)),
        (hardware(), 8, Plan(PLAIN, threads(8))),
        (hardware(accelerator="gpu"), 1, Plan(PLAIN, threads(1))),
        (hardware(launcher="torchrun"), 8, Plan(torchrun(1), threads(8) | LO)),
        (hardware(launcher="torchrun", devices=2), 8, Plan(torchrun(2), threads(4) | LO)),
        (hardware(launcher="torchrun", devices=4), 2, Plan(torchrun(4), threads(1) | LO)),
        (hardware(accelerator="gpu", launcher="torchrun", devices=8), 96, Plan(torchrun(8), threads(12))),
        (
            hardware(launcher="deepspeed", devices=2),
            2,
            Plan(torchrun(2), threads(1) | {"DS_BUILD_OPS": "0", "DS_ACCELERATOR": "cpu"} | LO),
        ),
        (
            hardware(accelerator="gpu", launcher="deepspeed", devices=8),
            20,
            Plan(torchrun(8), threads(2) | {"DS_BUILD_OPS": "0", "DS_ACCELERATOR": "cuda"}),
        ),
    ],
)
def test_plan(given: Hardware | None, cpus: int, expected: Plan) -> None:
    assert plan(MODULE, given, cpus=cpus, python="py") == expected


def test_several_hosts_share_the_devices() -> None:
    asked, node = hardware(launcher="torchrun", devices=16, accelerator="gpu"), Node(1, 2, "10.0.0.1:29400")
    meet = ("--nnodes=2", "--node-rank=1", "--master-addr=10.0.0.1", "--master-port=29400", "--nproc-per-node=8", "-m", MODULE)
    assert plan(MODULE, asked, cpus=16, python="py", node=node) == Plan(("py", "-m", "torch.distributed.run", *meet), threads(2))


def test_hardware_is_read_from_the_preset(small: Small, inside: pytest.MonkeyPatch) -> None:
    inside.chdir(small.folder)
    assert stage_hardware("pretrain_mae") == hardware(micro_batch=1)
    assert stage_hardware("report") is None
    small.edit("params.yaml", "micro_batch: 1", "micro_batch: many")
    with pytest.raises(InputError, match=r"presets\.tiny-cpu\.hardware\.pretrain_mae\.micro_batch"):
        stage_hardware("pretrain_mae")


def test_unknown_module_is_refused_with_a_suggestion(small: Small) -> None:
    done = small.run("python", "-m", "orchestration.launch", "training.pretrain_mea")
    assert done.returncode == 1
    assert done.stderr == "error: module: there is no such module. Found: training.pretrain_mea. Did you mean `training.pretrain_mae`?\n"


@pytest.mark.parametrize("module", ["nowhere.at_all", "training", "pretrain_mae"])
def test_a_module_that_is_no_stage_is_refused(small: Small, module: str) -> None:
    done = small.run("python", "-m", "orchestration.launch", module)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: module: there is no such") and done.stderr.count("\n") == 1


@pytest.mark.parametrize(("visible", "devices", "fits"), [("0,1", 2, True), ("0,1", 3, False), ("", 1, False), ("-1", 1, False), ("3", 1, True)])
def test_more_devices_than_gpus_are_refused(small: Small, inside: pytest.MonkeyPatch, visible: str, devices: int, fits: bool) -> None:
    inside.chdir(small.folder)
    inside.setenv("CUDA_VISIBLE_DEVICES", visible)
    asked = hardware(accelerator="gpu", launcher="torchrun", devices=devices)
    if fits:
        check_hardware(MODULE, asked)
    else:
        with pytest.raises(InputError, match=r"params\.yaml: presets\.tiny-cpu\.hardware\.pretrain_mae\.devices: asks for .* Found: \d\."):
            check_hardware(MODULE, asked)


def test_gpus_are_counted_by_nvidia_smi(small: Small, inside: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(
        "#!/bin/sh\necho 'GPU 0: NVIDIA H200 (UUID: GPU-1)'\necho '  MIG 1g.18gb Device 0: (UUID: MIG-2)'\necho 'GPU 1: NVIDIA H200 (UUID: GPU-3)'\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    inside.chdir(small.folder)
    inside.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    inside.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    check_hardware(MODULE, hardware(accelerator="gpu", launcher="torchrun", devices=2))
    with pytest.raises(InputError, match=r"asks for 3 GPUs.*Found: 2\."):
        check_hardware(MODULE, hardware(accelerator="gpu", launcher="torchrun", devices=3))


def test_a_plain_process_drives_one_device(small: Small, inside: pytest.MonkeyPatch) -> None:
    inside.chdir(small.folder)
    with pytest.raises(InputError, match=r"hardware\.pretrain_mae\.launcher: .*devices: 2.*torchrun"):
        check_hardware(MODULE, hardware(devices=2))


def test_dry_run_prints_the_plan_and_starts_nothing(small: Small) -> None:
    out = small.check("python", "-m", "orchestration.launch", "--dry-run", MODULE)
    assert out == f"OMP_NUM_THREADS={len(os.sched_getaffinity(0))} OMP_WAIT_POLICY=passive {sys.executable} -m {MODULE}\n"
    assert not (small.folder / "artifacts").exists()


def test_launch_becomes_the_stage_and_keeps_its_exit_code(made: Small) -> None:
    made.check("python", "-m", "orchestration.launch", MODULE)
    made.edit("params.yaml", "fail: false", "fail: true")
    done = made.run("python", "-m", "orchestration.launch", MODULE)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "error: params.yaml: pretrain_mae.fail: is set. Found: True. Set it to false."


def test_launching_loads_neither_dagster_nor_torch() -> None:
    program = "import sys, orchestration.launch; print([m for m in ('dagster', 'torch', 'numpy') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"


MEET = """
import os
import torch
torch.set_num_threads(1)
if "DS_ACCELERATOR" in os.environ:
    import deepspeed
    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False  # else it is compiled first
    deepspeed.init_distributed(auto_mpi_discovery=False, verbose=False)
else:
    torch.distributed.init_process_group("gloo")
value = torch.tensor([torch.distributed.get_rank() + 1.0])
torch.distributed.all_reduce(value)
with open(f"rank{torch.distributed.get_rank()}", "w") as file:
    file.write(f"{torch.distributed.get_backend()} {torch.distributed.get_world_size()} {value.item()} {os.environ['OMP_NUM_THREADS']}")
torch.distributed.destroy_process_group()
"""


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["torchrun", "deepspeed"])
def test_two_processes_meet(small: Small, launcher: str) -> None:
    (small.folder / "training/pretrain_mae.py").write_text(MEET)
    small.edit("params.yaml", "launcher: python, devices: 1", f"launcher: {launcher}, devices: 2")
    done = subprocess.run(
        ["python", "-m", "orchestration.launch", MODULE],
        cwd=small.folder,
        env=environment() | threads(1),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert [(small.folder / f"rank{rank}").read_text() for rank in (0, 1)] == ["gloo 2 3.0 1"] * 2
