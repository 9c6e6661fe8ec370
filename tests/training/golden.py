"""Golden curves: the losses of the first 20 optimizer steps of both training stages, in deterministic mode on a CPU, on the drawn screens of the tests.

Whatever changes what a run learns (a loss, a schedule, an order, a mask, an initial weight) changes them. After a change that is meant to, record anew:

    python -m tests.training.golden
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

from contracts.files import write_json
from tests.training.synthetic_screens import tiny_params, write_dataset, write_params

FILE = Path(__file__).with_name("golden.json")
STAGES = ("pretrain_mae", "train_detector")
STEPS = 20
# Relative. Other vector instructions (AVX-512, AVX2, SSE) move these losses by up to 2e-6, as sums of 32-bit numbers are added in another order: this
# leaves room for other libraries, while the rates below keep rounding from growing within 20 steps.
TOLERANCE = 1e-4
AUGMENTATION = {
    "colour_jitter": [0.4, 0.4, 0.2, 0.1], "colour_jitter_probability": 0.8, "greyscale_probability": 0.2, "blur_probability": 0.2,
    "blur_sigma": [0.3, 1.0], "crop_probability": 0.5, "crop_smallest_side": 0.5, "min_visible": 0.3, "scale_jitter": [0.6, 1.6],
}  # fmt: skip


def environment() -> dict[str, str]:
    """What may move the last bits of a curve."""
    import torch

    cpu = [line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {"torch": torch.__version__, "capability": torch.backends.cpu.get_cpu_capability(), "processor": (cpu or [platform.machine()])[0]}


def settings() -> dict[str, Any]:
    """Two epochs of ten steps of two screens, accumulated one by one, with all that screens and queries can have."""
    params = tiny_params()
    tiny: dict[str, Any] = params["presets"]["tiny-cpu"]
    tiny["pack_beton"]["formats"] = ["shards"]
    for name in STAGES:
        tiny[name] |= {"global_batch": 2, "epochs": 2, "augmentation": AUGMENTATION}
        tiny["hardware"][name] |= {"micro_batch": 1, "loader": "shards"}
    tiny["pretrain_mae"]["base_learning_rate"] = 0.01
    tiny["train_detector"] |= {"learning_rate": 1e-4, "query_selection": "mixed", "look_forward_twice": True, "denoising_queries": 10}
    return params


def curves(root: Path) -> dict[str, list[float]]:
    """Run the stages in an empty folder, in this process; the loss of each step by stage."""
    import torch

    from training import pack_beton, pretrain_mae, train_detector

    before, argv, threads = Path.cwd(), sys.argv, torch.get_num_threads()
    os.chdir(root)
    try:
        sys.argv = ["stage"]
        torch.set_num_threads(1)
        write_dataset(root, {"train": 20, "val": 2, "test": 1})
        write_params(root, settings())
        for module in (pack_beton, pretrain_mae, train_detector):
            module.main()
        return {name: _losses(root / "artifacts" / name / "log.jsonl") for name in STAGES}
    finally:
        os.chdir(before)
        sys.argv = argv
        torch.set_num_threads(threads)


def _losses(log: Path) -> list[float]:
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    return [row["loss"] for row in rows if "loss" in row]


def first_difference(recorded: list[float], found: list[float]) -> str:
    """The first step, from 1, whose loss is not the recorded one, in words; empty if there is none."""
    for step, (a, b) in enumerate(zip(recorded, found, strict=True), start=1):
        if not abs(b - a) <= TOLERANCE * abs(a):
            return f"step {step}: the loss is {b:.8g}, recorded was {a:.8g} (relative difference {b / a - 1:.1e}, allowed {TOLERANCE:.0e})"
    return ""


def main() -> None:
    argparse.ArgumentParser(prog="python -m tests.training.golden", description=__doc__).parse_args()
    before = json.loads(FILE.read_text())["losses"] if FILE.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        found = curves(Path(folder))
    for name in STAGES:
        print(name, (first_difference(before[name], found[name]) or "as recorded before") if name in before else "recorded first", sep=": ")
    write_json(FILE, {"environment": environment(), "losses": found})


if __name__ == "__main__":
    main()
