"""Starts one stage the way its hardware asks: one process, torchrun (DDP) or DeepSpeed (ZeRO-2).

    python -m orchestration.launch training.pretrain_mae

`plan` decides and touches nothing; `main` becomes the planned process. The stage itself chooses its Lightning strategy from
`hardware.launcher`, so DeepSpeed's processes are started by torchrun too: on one host its own runner would only add a hostfile and ssh.
"""

import argparse
import difflib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from contracts.errors import InputError, run_command
from contracts.knobs import PARAMS, Hardware, load_hardware, preset_name


@dataclass(frozen=True)
class Plan:
    """A process to start: `argv`, and `env` to add to the environment wherever that does not say otherwise."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)


def plan(module: str, hardware: Hardware | None, *, cpus: int, python: str = sys.executable) -> Plan:
    """How to start `module` (as in `python -m`) on this hardware; None is a stage that computes in one plain process.

    `cpus` are the processors of this host: each process gets an equal share of them as threads, at least one.
    """
    if hardware is None:
        return Plan((python, "-m", module))
    env = {"OMP_NUM_THREADS": str(max(1, cpus // hardware.devices))}
    # Threads that wait by spinning starve each other wherever something else runs too: a training step took 10 s instead of 0.65 s on two busy cores.
    env["OMP_WAIT_POLICY"] = "passive"
    if hardware.launcher == "python":
        return Plan((python, "-m", module), env)
    if hardware.accelerator == "cpu":
        env["GLOO_SOCKET_IFNAME"] = "lo"  # all processes are on this host; its name need not resolve
    if hardware.launcher.startswith("deepspeed"):
        env["DS_BUILD_OPS"] = "0"  # ops are compiled when first used, never at installation
        env["DS_ACCELERATOR"] = "cpu" if hardware.accelerator == "cpu" else "cuda"
    torchrun = (python, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={hardware.devices}", "-m", module)
    return Plan(torchrun, env)


def stage_hardware(stage: str) -> Hardware | None:
    """The hardware of a stage under the preset that is switched on; None if `params.yaml` gives it none: it runs as one plain process."""
    preset = preset_name()
    params = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))
    if stage not in (params["presets"][preset].get("hardware") or {}):
        return None
    return load_hardware(stage)


def visible_gpus() -> int:
    """GPUs that a new process would see, asked without torch."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([device for device in visible.split(",") if device.strip() not in ("", "-1")])
    if shutil.which("nvidia-smi") is None:
        return 0
    listing = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True, check=False)
    return sum(line.startswith("GPU ") for line in listing.stdout.splitlines()) if listing.returncode == 0 else 0


def check(module: str, hardware: Hardware | None) -> None:
    """InputError if the module does not exist or this host has too few GPUs."""
    room, _, stage = module.rpartition(".")
    if not room or not Path(*module.split(".")).with_suffix(".py").is_file():
        folder = Path(*room.split("."))
        names = sorted(f"{room}.{path.stem}" for path in folder.glob("*.py") if not path.stem.startswith("_"))
        close = difflib.get_close_matches(module, names, n=1)
        fix = f"Did you mean `{close[0]}`?" if close else f"Known here: {', '.join(names) or 'nothing; name it as in `training.pretrain_mae`'}."
        raise InputError("there is no such module.", field="module", found=module, fix=fix)
    if hardware is not None and hardware.accelerator == "gpu":
        gpus = visible_gpus()
        if hardware.devices > gpus:
            preset = preset_name()
            raise InputError(
                f"asks for {hardware.devices} GPU{'s' if hardware.devices > 1 else ''}, more than this host shows.", file=PARAMS,
                field=f"presets.{preset}.hardware.{stage}.devices", found=gpus,
                fix="Lower `devices`, or choose another `preset:`; CUDA_VISIBLE_DEVICES and `nvidia-smi` say which GPUs there are.",
            )  # fmt: skip
    if hardware is not None and hardware.launcher == "python" and hardware.devices > 1:
        raise InputError(
            "one plain process drives one device.", file=PARAMS, field=f"presets.{preset_name()}.hardware.{stage}.launcher",
            found=f"python with devices: {hardware.devices}", fix="Set `launcher: torchrun` or `devices: 1`.",
        )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m orchestration.launch", description="Start one stage on the hardware that params.yaml gives it.")
    parser.add_argument("module", help="the stage's module, for example training.pretrain_mae")
    parser.add_argument("--dry-run", action="store_true", help="print the command and its added environment, start nothing")
    arguments = parser.parse_args()
    hardware = stage_hardware(arguments.module.rpartition(".")[2])
    check(arguments.module, hardware)
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    planned = plan(arguments.module, hardware, cpus=cpus)
    if arguments.dry_run:
        print(" ".join([*(f"{name}={value}" for name, value in planned.env.items()), *planned.argv]))
        return
    os.execvpe(planned.argv[0], planned.argv, {**planned.env, **os.environ})


if __name__ == "__main__":
    run_command(main)
