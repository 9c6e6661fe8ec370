"""benchmarks/gpu.py, where there is no GPU: its parts run by themselves, and one that fails is no harm to the others."""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import gpu
from contracts.errors import InputError

ROOT = Path(__file__).parents[2]


def test_a_part_that_fails_leaves_the_others_their_results(tmp_path: Path) -> None:
    out = tmp_path / "results.json"
    parts = ["--part", "kernel", "train", "inference", "--shards", str(tmp_path), "--out", str(out)]
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu", "--device", "cpu", "--smoke", *parts], cwd=ROOT, env=environment, capture_output=True, text=True,
        timeout=1200,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    found, last = json.loads(out.read_text()), json.loads(done.stdout.splitlines()[-1])
    assert found["smoke"] and found["environment"]["device"] == "cpu" and found["environment"]["libraries"]["torch"]
    records = found["parts"]
    assert {name: part["state"] for name, part in records.items()} == {"kernel": "skipped", "train": "failed", "inference": "done"}
    assert "CUDA device" in records["kernel"]["reason"]
    assert f"{tmp_path}/index.json: does not exist." in records["train"]["reason"]
    ways = records["inference"]["result"]["ways"]
    assert "CUDA device" in ways["CUDA graph, bf16"]["skipped"]
    assert ways["eager, fp32"]["logits_apart"] == 0 < ways["eager, bf16"]["logits_apart"] < 0.1
    assert last["ms_per_frame"] == min(way["ms_per_frame"] for way in ways.values() if "ms_per_frame" in way) > 0
    assert (last["device"], last["failed"], last["skipped"], last["AP"]) == ("cpu", ["train"], ["kernel"], None)


def test_a_cpu_is_not_taken_for_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"--device: can only be tried out. Found: cpu. Add `--smoke`."):
        gpu._check(argparse.Namespace(device="cpu", smoke=False))
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(InputError, match=r"--device: needs a CUDA device, and torch sees none"):
        gpu._check(argparse.Namespace(device="cuda", smoke=True))


def test_parts_of_one_environment_come_together_and_others_are_not_lost(tmp_path: Path) -> None:
    here = {"device": "cuda", "gpu": "A"}
    out = tmp_path / "results.json"
    before = {"benchmark": "gpu", "smoke": False, "environment": here, "parts": {"kernel": {"state": "done", "result": {}}}}
    out.write_text(json.dumps(before))
    options = argparse.Namespace(out=out, smoke=False, part=["train"])
    assert gpu._found_before(options, here) == before
    with pytest.raises(InputError, match="holds other parts' results, of another environment"):
        gpu._found_before(options, {**here, "gpu": "B"})
    options.part = ["kernel", "train"]  # nothing is lost if all of them run again
    assert gpu._found_before(options, {**here, "gpu": "B"})["parts"] == {}
