"""A small real repository to test on: git, DVC, this project's contracts and orchestration, and a line of tiny real stages."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
STAGES = ("pack_beton", "pretrain_mae", "eval_detection", "report")

PARAMS = """
preset: tiny-cpu
tracking: {wandb: disabled, project: small}
pack_beton: {}
pretrain_mae: {steps: 3, fail: false}
eval_detection: {}
report: {}
presets:
  tiny-cpu:
    render: {shards: 2, shard_size: 3}
    hardware:
      pretrain_mae: {accelerator: cpu, launcher: python, devices: 1, micro_batch: 1, num_workers: 0, loader: auto}
"""

DVC_YAML = """
stages:
  pack_beton:
    desc: Screens packed at training resolution.
    cmd: python -m orchestration.launch training.pack_beton
    deps: [training/pack_beton.py, contracts, data]
    params: [pack_beton]
    outs: [artifacts/pack_beton]
    meta: {room: training, pool: cpu}
  pretrain_mae:
    desc: Masked-autoencoder pretraining of the encoder.
    cmd: python -m orchestration.launch training.pretrain_mae
    deps: [training/pretrain_mae.py, contracts, artifacts/pack_beton]
    params: [pretrain_mae]
    outs: [artifacts/pretrain_mae]
    meta: {room: training, pool: gpu}
  eval_detection:
    desc: Average precision on the test split.
    cmd: python -m orchestration.launch evaluation.eval_detection
    deps: [evaluation/eval_detection.py, contracts, artifacts/pretrain_mae, data/coco]
    params: [eval_detection]
    outs: [artifacts/eval_detection]
    meta: {room: evaluation, pool: gpu}
  report:
    desc: One page that shows everything.
    cmd: python -m orchestration.launch evaluation.report
    deps: [evaluation/report.py, contracts, artifacts/eval_detection]
    outs: [artifacts/report]
    meta: {room: evaluation, pool: cpu}
"""

RENDER = '''
"""Renders one tiny shard: coloured rectangles with one button each."""
import argparse, io, tarfile
from PIL import Image
from contracts.annotation import Box, Element, Screen
from contracts.dataset import SHARDS
from contracts.errors import run_command
from contracts.files import replacing
from contracts.stage import progress

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shard", type=int, required=True)
    shard = parser.parse_args().shard
    path = SHARDS / f"{shard:06d}.tar"
    if path.exists():
        print(f"{path} is there already")
        return
    with replacing(path) as temporary, tarfile.open(temporary, "w") as tar:
        for number in progress(range(4), f"render {shard:06d}"):
            key = f"{shard:06d}-{number:05d}"
            element = Element(id=0, class_name="button", box=Box(x1=4, y1=4, x2=20, y2=12), text="OK")
            screen = Screen(key=key, width=96, height=64, device_scale=1, platform="web", kit="none", family="form", locale="en",
                            theme="plain", seed=number, generator="1", elements=(element,))
            png = io.BytesIO()
            Image.new("RGB", (96, 64), (60 * number, 120, 40 * shard)).save(png, "PNG")
            for suffix, content in (("png", png.getvalue()), ("json", screen.model_dump_json().encode())):
                member = tarfile.TarInfo(f"{key}.{suffix}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))

if __name__ == "__main__":
    run_command(main)
'''

DATASET = '''
"""One screen per split and shard, by number."""
import subprocess
from contracts.coco import coco_from_screens
from contracts.dataset import MANIFEST, SHARDS, SPLITS, coco_path, read_shard
from contracts.errors import run_command
from contracts.files import sha256, write_json

def main():
    shards, split_screens = [], {split: [] for split in SPLITS}
    for path in sorted(SHARDS.glob("*.tar")):
        screens = [screen for screen, _ in read_shard(path)]
        shards.append({"name": path.name, "sha256": sha256(path), "bytes": path.stat().st_size, "screens": len(screens),
                       "elements": sum(len(s.elements) for s in screens)})
        for split, screen in zip(SPLITS, screens, strict=True):
            split_screens[split].append(screen)
    for split, screens in split_screens.items():
        write_json(coco_path(split), coco_from_screens(screens))
    count = len(shards)
    write_json(MANIFEST, {
        "shards": shards, "splits": {s: {"screens": count, "elements": count, "groups": ["form/plain"]} for s in SPLITS}, "classes": {"button": 4 * count},
        "environment": {"engines": "none", "kits": {}, "fonts": {}, "kit_lock_sha256": "0" * 64, "generator": "1", "system": "test"},
    })
    subprocess.run(["dvc", "--quiet", "--wait-for-lock", "add", "data"], check=True)

if __name__ == "__main__":
    run_command(main)
'''

CARD = '''
"""The shape of what the card's command writes; every check passes."""
import argparse
from pathlib import Path
from contracts.dataset import dataset_version
from contracts.errors import run_command
from contracts.files import write_json, write_text

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--audit-screens", type=int)
    parser.add_argument("--out", type=Path)
    out = parser.parse_args().out
    checks = ("blank_screens", "sane_boxes", "no_label_twice", "class_balance", "near_duplicates", "no_leakage", "pixel_audit")
    figures = {"screens": 4, "elements": 4, "kit": {"none": 4}, "family": {"form": 4}, "locale": {"en": 4}, "classes": {"button": {"count": 4, "share": 1.0}}}
    write_text(out / "data-card.html", "<p>card</p>")
    write_json(out / "quality.json", {"dataset_version": dataset_version(), "figures": figures, "checks": [
        {"name": name, "passed": True, "found": "fine", "limit": "none", "blocking": name == "no_leakage", "examples": []} for name in checks]})

if __name__ == "__main__":
    run_command(main)
'''

PACK = """
from contracts.dataset import SPLITS, read_manifest
from contracts.errors import run_command
from contracts.files import write_json
from contracts.knobs import Knobs, load_knobs
from contracts.stage import stage

class PackBetonKnobs(Knobs):
    pass

def main():
    with stage("pack_beton", load_knobs(PackBetonKnobs)) as s:
        manifest = read_manifest()
        write_json(s.folder / "index.json", {split: manifest.splits[split].screens for split in SPLITS})
        s.report({"screens": sum(shard.screens for shard in manifest.shards)})

if __name__ == "__main__":
    run_command(main)
"""

PRETRAIN = """
import time
from PIL import Image
from contracts.errors import InputError, run_command
from contracts.knobs import Knobs, load_hardware, load_knobs
from contracts.stage import read_run, stage

class PretrainMaeKnobs(Knobs):
    steps: int
    fail: bool

def main():
    knobs, hardware = load_knobs(PretrainMaeKnobs), load_hardware("pretrain_mae")
    read_run("pack_beton")
    with stage("pretrain_mae", knobs) as s:
        s.log(f"{hardware.launcher} on {hardware.devices} {hardware.accelerator}")
        for step in s.progress(range(knobs.steps), "pretrain_mae"):
            if knobs.steps > 100:
                time.sleep(0.1)
        if knobs.fail:
            raise InputError("is set.", file="params.yaml", field="pretrain_mae.fail", found=True, fix="Set it to false.")
        Image.new("RGB", (160, 90), (20, 90, 160)).save(s.folder / "reconstructions.png")
        s.report({"loss": 1 / knobs.steps}, images={"reconstructions": "reconstructions.png"})

if __name__ == "__main__":
    run_command(main)
"""

EVALUATE = """
from contracts.errors import run_command
from contracts.knobs import Knobs, load_knobs
from contracts.stage import read_run, stage

class EvalDetectionKnobs(Knobs):
    pass

def main():
    read_run("pretrain_mae")
    with stage("eval_detection", load_knobs(EvalDetectionKnobs)) as s:
        s.report({"AP": 0.25, "AP50": 0.5, "AP75": 0.125, "AP_class_button": 0.25, "AP_class_link": 0.5})

if __name__ == "__main__":
    run_command(main)
"""

REPORT = """
from contracts.errors import run_command
from contracts.files import write_text
from contracts.knobs import Knobs, load_knobs
from contracts.stage import read_run, stage

class ReportKnobs(Knobs):
    pass

def main():
    read_run("eval_detection")
    with stage("report", load_knobs(ReportKnobs)) as s:
        write_text(s.folder / "report.html", "<h1>Report</h1>")

if __name__ == "__main__":
    run_command(main)
"""

FILES = {
    "params.yaml": PARAMS,
    "dvc.yaml": DVC_YAML,
    "datagen/__init__.py": "",
    "datagen/render.py": RENDER,
    "datagen/dataset.py": DATASET,
    "datagen/card.py": CARD,
    "training/__init__.py": "",
    "training/pack_beton.py": PACK,
    "training/pretrain_mae.py": PRETRAIN,
    "evaluation/__init__.py": "",
    "evaluation/eval_detection.py": EVALUATE,
    "evaluation/report.py": REPORT,
}


@dataclass(frozen=True)
class Small:
    """The small repository in `folder`; commands run in it as a person would type them there."""

    folder: Path

    def run(self, *command: str, env: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
        """`python` and `dvc` are the project's. Output is captured; there is no terminal."""
        return subprocess.run(
            command, cwd=self.folder, env=environment() | (env or {}), capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300
        )

    def check(self, *command: str) -> str:
        """stdout of a command that must succeed."""
        done = self.run(*command)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def version(self) -> str:
        """The dataset version, from the text of data.dvc."""
        return next(line.split("md5:")[1].strip() for line in (self.folder / "data.dvc").read_text().splitlines() if "md5:" in line)


def environment() -> dict[str, str]:
    """This environment without what belongs to the test run or another Dagster, the project's programs first."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("DAGSTER", "PYTEST", "OMP_", "VIRTUAL_ENV", "PYTHONPATH"))}
    return kept | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "GIT_CONFIG_GLOBAL": os.devnull}
