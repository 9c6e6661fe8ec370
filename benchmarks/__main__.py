"""Every speed claim, measured one after the other: docs/results/benchmarks.json, benchmarks.md, and the same table in README.md.

    python -m benchmarks                              all of them, about three minutes on two quiet cores
    python -m benchmarks coco_eval loader             these alone; the others keep the figures they had
    python -m benchmarks --table                      measure nothing: write the tables from benchmarks.json again

Nothing else should run meanwhile. Sides take turns, so that ratios stand more than rates do; but threads that wait for each other suffer most.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from contracts.errors import InputError, run_command
from contracts.files import write_json, write_text

RESULTS = Path("docs/results/benchmarks.json")
README = Path("README.md")
BEGIN, END = "<!-- python -m benchmarks -->", "<!-- end of python -m benchmarks -->"
# Name -> what is measured, beside what.
BENCHMARKS = {
    "render": "1280x800 screens with labels, beside new page + `goto` + screenshot + `bounding_box`",
    "loader": "loading packed screens from a beton, beside a torch DataLoader over image files",
    "mae_step": "pretraining step that computes only what is visible, beside a dense one",
    "deformable_attention": "deformable attention, forward and backward, beside `grid_sample`",
    "detector_step": "detector's training step, beside transformers'",
    "hjepa_step": "H-JEPA's training step, beside plain I-JEPA in PyTorch",
    "sft_step": "fine-tuning a tiny Qwen3-VL, four questions of mixed length a screen, three epochs, beside batches of one, padded, images encoded anew",
    "coco_eval": "scoring 1,000 dense screens by the COCO protocol, beside pycocotools",
}
_LIBRARIES = ("torch", "timm", "transformers", "ffcv", "webdataset", "playwright", "faster-coco-eval", "pycocotools", "numpy")


def main() -> None:
    options = _options()
    found: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    for name in [] if options.table else options.names or BENCHMARKS:
        print(f"── {name}: {BENCHMARKS[name]}", flush=True)
        found[name] = measure(name) | {"environment": environment()}
        write_json(RESULTS, found)
    write_text(RESULTS.with_suffix(".md"), markdown(found))
    write_text(README, with_table(README.read_text(encoding="utf-8"), found))


def measure(name: str) -> dict[str, Any]:
    """One benchmark in a process of its own: its last line, with the seconds it took. InputError if it fails."""
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], stdout=subprocess.PIPE, text=True)
    print(done.stdout, end="", flush=True)
    if done.returncode:
        raise InputError(f"ended with status {done.returncode}.", field=f"benchmarks.{name}", fix="What it printed says why.")
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result | {"seconds": round(time.perf_counter() - started, 1)}


def environment() -> dict[str, Any]:
    """What figures depend on besides the code."""
    versions = {library: metadata.version(library) for library in _LIBRARIES if _installed(library)}
    revision = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True).stdout.strip()
    return {"cpus": os.cpu_count(), "processor": _processor(), "system": platform.platform(), "python": platform.python_version(),
            "code_revision": revision or "unknown", "libraries": versions}  # fmt: skip


def table(found: dict[str, Any]) -> str:
    """The rows that README and benchmarks.md share, of the benchmarks that have been run."""
    lines = ["| what | ratio | ours | peer | unit | printed by |", "|---|---:|---:|---:|---|---|"]
    for name, what in BENCHMARKS.items():
        if name in found:
            one = found[name]
            lines.append(
                f"| {what} | **{one['ratio']:.3g}** | {_number(one['ours'])} | {_number(one['peer'])} | {one['unit']} | `python -m benchmarks.{name}` |"
            )
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def markdown(found: dict[str, Any]) -> str:
    """benchmarks.md: the table, and each benchmark's whole last line with where it was measured."""
    parts = ["# Benchmarks\n", "Written by `python -m benchmarks`. A ratio above 1 means that ours is better.\n", table(found)]
    parts += [f"## {name}\n\n```json\n{json.dumps(found[name], indent=2, sort_keys=True)}\n```\n" for name in BENCHMARKS if name in found]
    return "\n".join(parts)


def with_table(readme: str, found: dict[str, Any]) -> str:
    """README.md with the table in its place. InputError if its place is not marked."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise InputError("has no place for the table.", file=README, field=BEGIN, fix=f"Put {BEGIN} and {END} on lines of their own.")
    return f"{before}{BEGIN}\n\n{table(found)}\n{END}{after}"


def _installed(library: str) -> bool:
    try:
        metadata.version(library)
    except metadata.PackageNotFoundError:
        return False
    return True


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.is_file() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)} (default: all)")
    parser.add_argument("--table", action="store_true", help="write the tables from benchmarks.json, measure nothing")
    options = parser.parse_args()
    for name in options.names:
        if name not in BENCHMARKS:
            parser.error(f"there is no benchmark {name!r}; choose of {', '.join(BENCHMARKS)}")
    return options


if __name__ == "__main__":
    run_command(main)
