"""How long a detector takes from a screenshot's file to its boxes, part by part, and what it needs for that.

    python -m evaluation.latency                                     the trained detector on test screens of the dataset
    python -m evaluation.latency shots/ --model DIR --modes eager compiled --devices cpu cuda --batches 1 4 16 --out measured/

The parts are those of `python -m evaluation.predict`, by the same code: decoding the file, scaling and packing it, the model (with the copy to its device),
and post-processing (with the copy back). Calls of all modes and devices alternate, so that what else the machine does falls on all alike. Every mode must
find what eager finds, or the command ends with an error.

    eager       PyTorch as it is
    exported    a torch.export program, which needs none of our code to run; recorded for one batch size
    compiled    torch.compile: minutes at the start; on a CPU it needs a C++ compiler

Writes to --out: metrics.json, details.parquet (a row per measured call), summary.csv, machine.json, figures/latency.{svg,png}.
"""

import argparse
import os
import platform
import resource
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, astuple, dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from contracts.errors import InputError, run_command
from contracts.files import replacing, write_json, write_table
from evaluation.latency_summary import PARTS, TARGET_MS, Summary, draw, words

if TYPE_CHECKING:
    from torch import Tensor

    from training.detect import Detections
    from training.models.detector import Detector
    from training.screen_batch import ScreenBatch

Mode = Literal["eager", "exported", "compiled"]
MODES: tuple[Mode, ...] = ("eager", "exported", "compiled")
# Two modes find the same if so large a share of the one's detections is among the other's: same class, score this close, sides this close (pixels).
# Rounding may exchange detections whose scores are nearly equal.
_AGREEMENT, _SAME_SCORE, _SAME_SIDE_PX = 0.95, 2e-3, 1.0

Forward = Callable[["Tensor", "Tensor"], tuple["Tensor", "Tensor"]]


@dataclass(frozen=True)
class Call:
    """One measured call: `batch` screens, milliseconds for all of them together. `memory_bytes` is the most that a GPU's tensors took, 0 on a CPU."""

    device: str
    mode: str
    batch: int
    call: int
    decode_ms: float
    resize_ms: float
    model_ms: float
    post_ms: float
    memory_bytes: int

    @property
    def total_ms(self) -> float:
        return self.decode_ms + self.resize_ms + self.model_ms + self.post_ms


@dataclass(frozen=True)
class Measured:
    """What was measured of a detector. `model`: parameters, and floating-point operations for one screen."""

    calls: tuple[Call, ...]
    summaries: tuple[Summary, ...]
    model: dict[str, float]
    machine: dict[str, Any]

    def of(self, device: str, mode: str) -> list[Summary]:
        """By batch size, the smallest first."""
        return [row for row in self.summaries if (row.device, row.mode) == (device, mode)]


def main() -> None:
    options = _options()
    from evaluation.screenshots import find_files

    with ExitStack() as stack:
        files = find_files(options.sources) if options.sources else stack.enter_context(dataset_files(options.screens))
        from training.models.detector import Detector

        model = Detector.from_pretrained(options.model)
        measured = measure(model, files, options.modes, options.devices, options.batches, options.calls, options.resampling)
    for line in lines(measured):
        print(line)
    if options.out is not None:
        write_measured(measured, options.out)
        write_json(options.out / "metrics.json", metrics(measured))
        print(f"written: {options.out}")


@contextmanager
def dataset_files(count: int) -> Iterator[list[str]]:
    """PNG files of so many test screens of the dataset, evenly spread, in a temporary folder. InputError if there is no dataset."""
    from contracts.coco import read_coco
    from contracts.dataset import SHARDS, coco_path, read_manifest
    from evaluation.screens import spread
    from training.shards import TarMembers

    pngs = TarMembers([SHARDS / shard.name for shard in read_manifest().shards])
    with tempfile.TemporaryDirectory(prefix="screens-") as folder:
        files = []
        for image in spread(read_coco(coco_path("test"))["images"], count):
            path = Path(folder) / f"{image['screen']['key']}.png"
            path.write_bytes(pngs.read(path.name))
            files.append(str(path))
        yield files


def measure(
    model: "Detector", files: Sequence[str], modes: Sequence[Mode], devices: Sequence[str], batches: Sequence[int], calls: int, resampling: str
) -> Measured:
    """Time `calls` calls of each mode on each device with each batch size, after three that are not counted.

    InputError for a device that is not there, a mode that cannot be prepared here, or one that finds something else than eager on the CPU.
    """
    import torch

    from contracts.stage import progress

    _check_devices(devices)
    before = os.getloadavg()[0]
    facts = count(model)
    measured: list[Call] = []
    summaries: list[Summary] = []
    kinds = [(device, mode) for device in devices for mode in modes]
    with torch.no_grad(), progress(range(0), "measuring", total=len(batches) * (calls + 3) * len(kinds)) as bar:
        for size in batches:
            first = _first(files, size)
            wanted = run(model, _eager(model.to("cpu")), first, resampling, "cpu")[1]
            runners: dict[tuple[str, str], tuple[Forward, float, float]] = {}
            for device, mode in kinds:
                forward, seconds = _prepared(model, mode, device, size)
                found = run(model, forward, first, resampling, device)[1]
                runners[device, mode] = forward, agreement(wanted, found), seconds
                if runners[device, mode][1] < _AGREEMENT:
                    raise InputError(
                        f"finds other boxes than eager on the CPU: only {runners[device, mode][1]:.0%} of them agree.", field="modes",
                        found=f"{mode} on {device}, batch {size}", fix="Leave this mode out, and report it with the versions of torch and of the driver.",
                    )  # fmt: skip
            for number in range(-3, calls):
                names = _first(files[number % len(files) :], size, files)
                for (device, mode), (forward, _, _) in runners.items():
                    row, _ = run(model, forward, names, resampling, device)
                    if number >= 0:
                        measured.append(Call(device, mode, size, number, *row))
                    bar.update()
            for (device, mode), (_, share, seconds) in runners.items():
                own = [call for call in measured if (call.device, call.mode, call.batch) == (device, mode, size)]
                summaries.append(summary(own, share, seconds))
    machine = describe_machine() | {"load_average_before": round(before, 2)}
    return Measured(tuple(measured), tuple(summaries), facts, machine)


def _check_devices(devices: Sequence[str]) -> None:
    import torch

    for device in devices:
        if device.startswith("cuda") and not torch.cuda.is_available():
            raise InputError(
                "there is no GPU that torch can use here.", field="devices", found=device, fix="Leave it out, or run on a host with a GPU."
            )


def _first(files: Sequence[str], count: int, more: Sequence[str] = ()) -> list[str]:
    """So many files, from the beginning again when they run out."""
    every = [*files, *more]
    return [every[i % len(every)] for i in range(count)]


def run(model: "Detector", forward: Forward, files: Sequence[str], resampling: str, device: str) -> tuple[tuple[float, ...], "list[Detections]"]:
    """One call: milliseconds of the four parts and the GPU's memory; and what was found."""
    import torch

    from evaluation.predict import MAX_PIXELS, as_batch
    from evaluation.screenshots import read_screenshot
    from training.detect import best
    from training.models.detector import DetectorOutput

    on_gpu = device.startswith("cuda")
    if on_gpu:
        torch.cuda.reset_peak_memory_stats(device)
    at = [time.perf_counter()]
    images = [read_screenshot(file, MAX_PIXELS).image for file in files]
    at.append(time.perf_counter())
    batch: ScreenBatch = as_batch(images, model.config.image_size, resampling)
    at.append(time.perf_counter())
    batch = batch.to(device)
    logits, boxes = forward(batch.images, batch.content_hw)
    if on_gpu:
        torch.cuda.synchronize(device)
    at.append(time.perf_counter())
    found = best(DetectorOutput(logits, boxes), batch, model.config.num_queries)
    at.append(time.perf_counter())
    memory = torch.cuda.max_memory_allocated(device) if on_gpu else 0
    return (*(1000 * (end - start) for start, end in pairwise(at)), memory), found


def _eager(model: "Detector") -> Forward:
    from training.models.encoder import normalise

    def forward(images: "Tensor", content_hw: "Tensor") -> "tuple[Tensor, Tensor]":
        output = model(normalise(images, content_hw), content_hw)
        return output.logits, output.boxes

    return forward


def _prepared(model: "Detector", mode: Mode, device: str, batch: int) -> tuple[Forward, float]:
    """The forward pass of a mode, ready to be timed, and the seconds that this took."""
    import copy

    import torch

    started = time.perf_counter()
    own = copy.deepcopy(model).to(device).eval()
    forward = _eager(own)
    if mode != "eager":
        height, width = model.config.image_size
        images = torch.zeros(batch, 3, height, width, dtype=torch.uint8, device=device)
        content_hw = torch.tensor([[height, width]] * batch, device=device)
        forward(images, content_hw)  # its tables of constants are made here and not while it is recorded
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # on how torch traces, nothing that a reader could act on; what comes out is compared below
                forward = _exported(own, images, content_hw) if mode == "exported" else torch.compile(forward)
                forward(images, content_hw)
        except Exception as error:
            raise InputError(
                f"cannot be made {mode} here: {str(error).splitlines()[0] if str(error) else error!r}.", field="modes", found=f"{mode} on {device}",
                fix="Leave this mode out; `compiled` needs a C++ compiler on a CPU, and Triton on a GPU.",
            ) from error  # fmt: skip
    return forward, time.perf_counter() - started


def _exported(model: "Detector", images: "Tensor", content_hw: "Tensor") -> Forward:
    import torch
    from torch import nn

    inner = _eager(model)

    class Program(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.detector = model

        def forward(self, images: "Tensor", content_hw: "Tensor") -> "tuple[Tensor, Tensor]":
            return inner(images, content_hw)

    forward: Forward = torch.export.export(Program().eval(), (images, content_hw)).module()
    return forward


def agreement(wanted: "Sequence[Detections]", found: "Sequence[Detections]") -> float:
    """Share of the `wanted` detections of all screens that were found with the same class, about the same score and the same box.

    Those whose score is about that of the last one count as found: which of them are still among the best is a matter of rounding.
    """
    agreed = every = 0
    for a, b in zip(wanted, found, strict=True):
        sure = a.scores > a.scores.min() + _SAME_SCORE
        close = (a.scores[:, None] - b.scores[None]).abs() < _SAME_SCORE
        close &= (a.boxes[:, None] - b.boxes[None]).abs().amax(-1) < _SAME_SIDE_PX
        close &= a.labels[:, None] == b.labels[None]
        agreed += int((close.any(1) | ~sure).sum())
        every += len(a.scores)
    return agreed / max(1, every)


def summary(calls: Sequence[Call], agreed: float, prepare_seconds: float) -> Summary:
    """Of the calls of one mode, device and batch size."""
    import numpy as np

    total = np.array([call.total_ms for call in calls])
    parts = {f"{part}_ms": float(np.median([getattr(call, f"{part}_ms") for call in calls])) for part in PARTS}
    p50, p95, p99 = (float(p) for p in np.percentile(total, [50, 95, 99]))
    batch = calls[0].batch
    after_files = float(np.median([call.model_ms + call.post_ms for call in calls]))
    return Summary(
        calls[0].device, calls[0].mode, batch, len(calls), p50, p95, p99, **parts, screens_per_second=1000 * batch / p50,
        model_screens_per_second=1000 * batch / after_files, memory_bytes=max(call.memory_bytes for call in calls), agreement=agreed,
        prepare_seconds=prepare_seconds,
    )  # fmt: skip


def count(model: "Detector") -> dict[str, float]:
    """`parameters`, and `gflops` for one screen: products of matrices, convolutions and attention, a multiplication with its addition as two operations
    (torch.utils.flop_counter). Sampling, norms and activations are not among them.
    """
    import copy

    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    height, width = model.config.image_size
    device = next(model.parameters()).device
    images, content_hw = torch.zeros(1, 3, height, width, dtype=torch.uint8, device=device), torch.tensor([[height, width]], device=device)
    counter = FlopCounterMode(display=False)
    # The counter knows the plain form of attention on every device, and fused kernels on some. It wants gradients of weights that are passed to a module.
    with torch.no_grad(), counter, sdpa_kernel(SDPBackend.MATH):
        _eager(copy.deepcopy(model).requires_grad_(False))(images, content_hw)
    return {"parameters": sum(p.numel() for p in model.parameters()), "gflops": counter.get_total_flops() / 1e9}


def describe_machine() -> dict[str, Any]:
    """The processor, its cores, the threads that torch uses, GPUs, torch, and how busy the machine is (mean number of running processes)."""
    import torch

    names = [line.partition(":")[2].strip() for line in _cpuinfo() if line.startswith("model name")]
    return {
        "processor": names[0] if names else platform.processor() or platform.machine(), "cores": os.cpu_count(), "threads": torch.get_num_threads(),
        "gpus": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())], "torch": torch.__version__, "system": platform.platform(),
        "load_average_after": round(os.getloadavg()[0], 2),
    }  # fmt: skip


def _cpuinfo() -> list[str]:
    file = Path("/proc/cpuinfo")
    return file.read_text(encoding="utf-8").splitlines() if file.is_file() else []


def metrics(measured: Measured) -> dict[str, float]:
    """Flat. `p50_ms` and its like are the first device's and mode's, batch 1 (or the smallest there is), as are the parts; `best_` is the largest throughput
    over batches; `<figure>_<device>_<mode>` are those of each.
    """
    own = measured.of(measured.summaries[0].device, measured.summaries[0].mode)
    best = max(own, key=lambda row: row.screens_per_second)
    result = {name: getattr(own[0], name) for name in ("p50_ms", "p95_ms", "p99_ms", *(f"{part}_ms" for part in PARTS))}
    result |= {"best_screens_per_second": best.screens_per_second, "best_batch": best.batch, "target_ms": TARGET_MS, "calls": own[0].calls}
    result |= {"peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, **measured.model}
    result |= {name: value for name, value in measured.machine.items() if name.startswith("load_average")}
    for device, mode in dict.fromkeys((row.device, row.mode) for row in measured.summaries):
        rows, at = measured.of(device, mode), f"{device.replace(':', '')}_{mode}"
        result |= {f"{name}_{at}": getattr(rows[0], name) for name in ("p50_ms", "p95_ms", "p99_ms")}
        result |= {f"screens_per_second_{at}": max(row.screens_per_second for row in rows), f"agreement_{at}": min(row.agreement for row in rows)}
        if rows[0].memory_bytes:
            result[f"gpu_memory_bytes_{at}"] = max(row.memory_bytes for row in rows)
    return {name: float(value) for name, value in result.items()}


def lines(measured: Measured) -> list[str]:
    """For people: a line per device, mode and batch, then the target beside what was measured, and the machine."""
    own = measured.summaries[0]
    text = [
        f"{'device':8} {'mode':9} {'batch':>5} {'p50':>8} {'p95':>8} {'p99':>8}   {'decode':>7} {'resize':>7} {'model':>8} {'post':>6}   screens/s"
    ]
    text += [
        f"{row.device:8} {row.mode:9} {row.batch:5d} {row.p50_ms:8.1f} {row.p95_ms:8.1f} {row.p99_ms:8.1f}   {row.decode_ms:7.1f} {row.resize_ms:7.1f} "
        f"{row.model_ms:8.1f} {row.post_ms:6.1f}   {row.screens_per_second:9.1f}"
        for row in measured.summaries
    ]
    verdict = "reached" if own.batch == 1 and own.p50_ms < TARGET_MS else "not reached"
    text.append(
        f"target: under {TARGET_MS:.0f} ms a screen; measured: {own.p50_ms:.1f} ms ({own.device}, {own.mode}, batch {own.batch}, median): {verdict}"
    )
    text.append(f"{measured.model['parameters']:,} parameters, {measured.model['gflops']:.2f} GFLOP a screen; {words(measured.machine)}")
    return text


def write_measured(measured: Measured, folder: Path) -> None:
    """details.parquet, summary.csv, machine.json, figures/latency.{svg,png}."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [asdict(call) | {"total_ms": call.total_ms} for call in measured.calls]
    with replacing(folder / "details.parquet") as temporary:
        pq.write_table(pa.Table.from_pylist(rows), temporary)
    write_table(folder / "summary.csv", [field.name for field in fields(Summary)], [astuple(row) for row in measured.summaries])
    write_json(folder / "machine.json", measured.machine)
    chart = draw(measured.summaries)
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    (folder / "figures" / "latency.svg").write_text(chart.light_svg, encoding="utf-8")
    (folder / "figures" / "latency.png").write_bytes(chart.png)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m evaluation.latency", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="*", metavar="SCREENSHOT", help="files or folders (default: test screens of the dataset)")
    parser.add_argument(
        "--model", type=Path, default=Path("artifacts/train_detector"), metavar="DIR", help="a detector's folder (default: %(default)s)"
    )
    parser.add_argument("--modes", nargs="+", choices=MODES, default=["eager", "exported"], help="(default: eager exported)")
    parser.add_argument(
        "--devices", nargs="+", default=["cpu"], metavar="D", help="cpu, cuda (default: cpu); the first one's figures are the headline"
    )
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 4], metavar="N", help="screens at once (default: 1 4)")
    parser.add_argument("--calls", type=int, default=50, metavar="N", help="of each kind (default: %(default)s)")
    parser.add_argument("--screens", type=int, default=8, metavar="N", help="of the dataset, taken in turns (default: %(default)s)")
    parser.add_argument("--resampling", choices=("box", "bicubic", "lanczos"), default="box", help="as in pack_beton (default: %(default)s)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for what is measured (default: it is printed only)")
    options = parser.parse_args()
    if min(options.batches) < 1 or options.calls < 1:
        parser.error("--batches and --calls must be at least 1")
    options.batches = sorted(set(options.batches))
    return options


if __name__ == "__main__":
    run_command(main)
