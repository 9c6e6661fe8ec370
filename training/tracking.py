"""Where a run's numbers go: log.jsonl and curves.csv, TensorBoard, W&B, all inside the stage's folder, and a progress bar with ETA."""

import contextlib
import csv
import json
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning as L
import torch
from lightning.pytorch.loggers import Logger, TensorBoardLogger, WandbLogger
from lightning.pytorch.utilities import rank_zero_only
from torch import Tensor
from torch.distributed import GradBucket
from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import allreduce_hook
from torch.futures import Future
from torch.nn.parallel import DistributedDataParallel

from contracts.files import replacing
from contracts.knobs import Tracking
from contracts.stage import Stage, progress

if TYPE_CHECKING:
    from training.loop import Task


class JsonLinesLogger(Logger):
    """One JSON object per line, written as it happens: `step`, `seconds` of training until then, and the metrics. Keeps the rows for `write_curves`
    and for checkpoints.
    """

    def __init__(self, file: Path):
        super().__init__()
        self._file, self._started = file, time.perf_counter()
        self.rows: list[dict[str, float]] = []

    def restore(self, rows: list[dict[str, float]]) -> None:
        """Begin with what an interrupted run logged; its seconds count too."""
        self.rows = [dict(row) for row in rows]
        self._file.write_text("".join(json.dumps(row, allow_nan=False) + "\n" for row in rows), encoding="utf-8")
        self._started = time.perf_counter() - (rows[-1]["seconds"] if rows else 0)

    @property
    def name(self) -> str:
        return "json_lines"

    @property
    def version(self) -> str:
        return ""

    @rank_zero_only
    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Settings stand in run.json already."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        row = {"seconds": round(time.perf_counter() - self._started, 3), "step": step or 0, **metrics}
        self.rows.append(row)
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, allow_nan=False) + "\n")

    @rank_zero_only
    def write_curves(self, file: Path) -> None:
        """All rows as CSV for `dvc plots`: one line per step, `step` and `epoch` first, empty where a metric was not measured at that step."""
        by_step: dict[float, dict[str, float]] = {}
        for row in self.rows:
            by_step.setdefault(row["step"], {}).update(row)
        names = list(dict.fromkeys(["step", "epoch", *(name for row in self.rows for name in row if name != "seconds")]))
        with replacing(file) as temporary, temporary.open("w", newline="", encoding="utf-8") as out:
            writer = csv.DictWriter(out, names, restval="", extrasaction="ignore")
            writer.writeheader()
            writer.writerows(by_step.values())


def loggers(s: Stage, tracking: Tracking, knobs: Mapping[str, Any], tracking_id: str | None) -> list[Logger]:
    """Json lines first, then TensorBoard, then W&B unless it is disabled; nothing leaves the host unless `tracking.wandb` is `online`.

    `tracking_id` is the W&B id of the interrupted run that goes on, if one does.
    """
    found: list[Logger] = [JsonLinesLogger(s.folder / "log.jsonl"), TensorBoardLogger(s.folder, name="tensorboard", version="")]
    if tracking.wandb != "disabled":
        import wandb

        settings = wandb.Settings(symlink=False, silent=True)
        offline = tracking.wandb == "offline"
        found.append(
            WandbLogger(
                project=tracking.project,
                name=s.name,
                save_dir=s.folder,
                offline=offline,
                config=dict(knobs),
                settings=settings,
                id=tracking_id or secrets.token_hex(4),
                resume=None if offline else "allow",
            )
        )
        if offline:
            s.log(f"W&B is offline; `wandb sync artifacts/{s.name}/wandb/offline-run-*` sends this run later")
    return found


def tracking_id(found: list[Logger]) -> str | None:
    """The run's id at W&B, under which a resumed run goes on."""
    return next((str(logger.version) for logger in found if isinstance(logger, WandbLogger)), None)


def replay(found: list[Logger], rows: list[dict[str, float]]) -> None:
    """Tell the loggers of a resumed run what the interrupted one logged. Not W&B online, which has it already."""
    for logger in found:
        if isinstance(logger, JsonLinesLogger):
            logger.restore(rows)
        elif not (isinstance(logger, WandbLogger) and not logger._offline):
            for row in rows:
                logger.log_metrics({name: value for name, value in row.items() if name not in ("step", "seconds")}, step=int(row["step"]))


def write_metrics(trainer: L.Trainer, metrics: dict[str, float]) -> None:
    """One point at this step, to every logger."""
    for logger in trainer.loggers:
        logger.log_metrics({"epoch": trainer.current_epoch, **metrics}, step=trainer.global_step)


def close(found: list[Logger]) -> None:
    """Flush and end every run, before the stage's folder gets its final name."""
    for logger in found:
        logger.finalize("success")
        if isinstance(logger, WandbLogger):
            logger.experiment.finish()
            for path in Path(logger.save_dir or ".", "wandb").rglob("*"):
                if path.is_symlink():  # W&B's link to a log outside, which an artifact must not hold
                    path.unlink()


class Waited:
    """Batches, and the seconds that were spent waiting for them."""

    def __init__(self, batches: Any):
        self._batches, self.seconds = batches, 0.0

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[Any]:
        batches = iter(self._batches)
        while True:
            asked = time.perf_counter()
            try:
                batch = next(batches)
            except StopIteration:
                return
            finally:
                self.seconds += time.perf_counter() - asked
            yield batch


class GradientTraffic:
    """Seconds in which gradients were on their way between processes: from when the first of those under way is known here until the last of them is
    their mean. A process that waits for a slower one waits here, and so does one that goes on computing meanwhile.

    A communication hook of DistributedDataParallel on CPUs, where an all-reduce that has ended has ended; a GPU's has only been queued by then.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._under_way, self._began, self._lock = 0, 0.0, threading.Lock()

    def watch(self, model: Any) -> bool:
        """Begin, if that can be measured of this model."""
        measurable = isinstance(model, DistributedDataParallel) and next(model.parameters()).device.type == "cpu"
        if measurable:
            model.register_comm_hook(self, GradientTraffic.mean)
        return measurable

    def mean(self, bucket: GradBucket) -> Future[Tensor]:
        """What DistributedDataParallel does by itself, timed."""
        with self._lock:
            if not self._under_way:
                self._began = time.perf_counter()
            self._under_way += 1
        return allreduce_hook(None, bucket).then(self._arrived)

    def _arrived(self, future: Future[Tensor]) -> Tensor:  # in a thread of the backend's
        with self._lock:
            self._under_way -= 1
            if not self._under_way:
                self.seconds += time.perf_counter() - self._began
        return future.value()


class Metrics(L.Callback):
    """The curves: every `plan.log_every` optimizer steps, over the steps since the last point, of all ranks:

    mean of the loss and its parts; `learning_rate` and `gradient_norm` (before clipping) of the last step; `screens_per_second` of training (validation
    and checkpoints left out); `data_wait_share`, the part of that time spent waiting for batches; under DDP on CPUs `communication_share`, the part in
    which gradients were on their way between processes (GradientTraffic); `eta_seconds` until the last step; and of this rank's GPU, where there is one,
    `gpu_memory_bytes` (the most that was held) and `gpu_utilisation` (0 to 1, as its driver tells).

    What cannot be measured is absent, not zero: communication of one process, of DeepSpeed and FSDP, which hide it in their own hooks, and of GPUs, for
    which `runs.profiler: pytorch` shows it.
    """

    def __init__(self, task: "Task", train: Waited, at_once: int):
        self.task, self.train, self.at_once = task, train, at_once
        self._seconds = self._waited = self._communicated = 0.0
        self._steps = 0
        self._traffic: GradientTraffic | None = None
        self._began: float | None = None

    def on_train_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        traffic = GradientTraffic()
        self._traffic = traffic if traffic.watch(trainer.strategy.model) else None

    def on_train_epoch_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        self._began = time.perf_counter()  # before the first batch is asked for

    def on_train_batch_start(self, trainer: L.Trainer, module: L.LightningModule, batch: Any, batch_idx: int) -> None:
        if self._began is None:
            self._began = time.perf_counter()

    def on_train_batch_end(self, trainer: L.Trainer, module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int) -> None:
        task, plan, step = self.task, self.task.plan, trainer.global_step
        now = time.perf_counter()
        self._seconds += 0.0 if self._began is None else now - self._began
        self._began = None
        if (batch_idx + 1) % plan.accumulation:
            self._began = now
            return
        self._steps += 1
        if step % plan.log_every and step < plan.steps:
            self._began = now
            return
        means = trainer.strategy.reduce(torch.stack(list(task.sums.values())) / task.summed, reduce_op="mean").tolist()
        metrics = dict(zip(task.sums, means, strict=True))
        task.sums, task.summed = {}, 0
        metrics["learning_rate"] = task.rate(step - 1)  # the rate that made this step; the schedule has moved on already
        if (norm := task.gradient_norm()) is not None:
            metrics["gradient_norm"] = norm
        waited, self._waited = self.train.seconds - self._waited, self.train.seconds
        metrics["screens_per_second"] = self._steps * plan.accumulation * self.at_once / self._seconds
        metrics["data_wait_share"] = min(1.0, waited / self._seconds)
        if self._traffic is not None:
            communicated, self._communicated = self._traffic.seconds - self._communicated, self._traffic.seconds
            metrics["communication_share"] = min(1.0, communicated / self._seconds)
        metrics["eta_seconds"] = (plan.steps - step) * self._seconds / self._steps
        write_metrics(trainer, metrics | gpu_metrics(task.device))
        self._seconds, self._steps = 0.0, 0


def gpu_metrics(device: torch.device) -> dict[str, float]:
    """Memory and utilisation of a GPU; nothing for a CPU, and no utilisation where the driver's library for it is not installed."""
    if device.type != "cuda":
        return {}
    found = {"gpu_memory_bytes": float(torch.cuda.max_memory_allocated(device))}
    with contextlib.suppress(ModuleNotFoundError, RuntimeError):
        found["gpu_utilisation"] = torch.cuda.utilization(device) / 100
    return found


class ProgressLine(L.Callback):
    """Optimizer steps of the whole run, with ETA and loss: a live bar on a terminal, a line now and then in a log file."""

    def __init__(self, description: str, steps: int):
        self._bar = progress([], description, total=steps)

    def on_train_batch_end(self, trainer: L.Trainer, module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int) -> None:
        self._bar.update(trainer.global_step - self._bar.n)

    def on_train_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        self._bar.close()
