"""Where a run's numbers go: log.jsonl and curves.csv, TensorBoard, W&B, all inside the stage's folder, and a progress bar with ETA."""

import csv
import json
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning as L
import torch
from lightning.pytorch.loggers import Logger, TensorBoardLogger, WandbLogger
from lightning.pytorch.utilities import rank_zero_only

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
                resume="allow",
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


class Metrics(L.Callback):
    """The curves: every `plan.log_every` optimizer steps the means, over the steps since the last point and over all ranks, of the loss and its parts."""

    def __init__(self, task: "Task"):
        self.task = task

    def on_train_batch_end(self, trainer: L.Trainer, module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int) -> None:
        task, plan, step = self.task, self.task.plan, trainer.global_step
        if (batch_idx + 1) % plan.accumulation or (step % plan.log_every and step < plan.steps):
            return
        means = trainer.strategy.reduce(torch.stack(list(task.sums.values())) / task.summed, reduce_op="mean").tolist()
        metrics = dict(zip(task.sums, means, strict=True))
        task.sums, task.summed = {}, 0
        write_metrics(trainer, metrics | {"learning_rate": task.rate(step - 1)})  # the rate that made this step; the schedule has moved on already


class ProgressLine(L.Callback):
    """Optimizer steps of the whole run, with ETA and loss: a live bar on a terminal, a line now and then in a log file."""

    def __init__(self, description: str, steps: int):
        self._bar = progress([], description, total=steps)

    def on_train_batch_end(self, trainer: L.Trainer, module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int) -> None:
        self._bar.update(trainer.global_step - self._bar.n)

    def on_train_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        self._bar.close()
