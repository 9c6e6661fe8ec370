"""Where a run's numbers go: log.jsonl and curves.csv, TensorBoard, W&B, all inside the stage's folder, and a progress bar with ETA."""

import csv
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning as L
from lightning.pytorch.loggers import Logger, TensorBoardLogger, WandbLogger
from lightning.pytorch.utilities import rank_zero_only

from contracts.files import replacing
from contracts.knobs import Tracking
from contracts.stage import Stage, progress


class JsonLinesLogger(Logger):
    """One JSON object per line, written as it happens: `step`, `seconds` since the start, then the metrics. Keeps the rows for `write_curves`."""

    def __init__(self, file: Path):
        super().__init__()
        self._file, self._started = file, time.perf_counter()
        self.rows: list[dict[str, float]] = []

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
        row = {"step": step or 0, **metrics}
        self.rows.append(row)
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"seconds": round(time.perf_counter() - self._started, 3), **row}, allow_nan=False) + "\n")

    @rank_zero_only
    def write_curves(self, file: Path) -> None:
        """All rows as CSV for `dvc plots`: one line per step, `step` and `epoch` first, empty where a metric was not measured at that step."""
        by_step: dict[float, dict[str, float]] = {}
        for row in self.rows:
            by_step.setdefault(row["step"], {}).update(row)
        names = list(dict.fromkeys(["step", "epoch", *(name for row in self.rows for name in row)]))
        with replacing(file) as temporary, temporary.open("w", newline="", encoding="utf-8") as out:
            writer = csv.DictWriter(out, names, restval="")
            writer.writeheader()
            writer.writerows(by_step.values())


def loggers(s: Stage, tracking: Tracking, knobs: Mapping[str, Any]) -> list[Logger]:
    """Json lines first, then TensorBoard, then W&B unless it is disabled; nothing leaves the host unless `tracking.wandb` is `online`."""
    found: list[Logger] = [JsonLinesLogger(s.folder / "log.jsonl"), TensorBoardLogger(s.folder, name="tensorboard", version="")]
    if tracking.wandb != "disabled":
        import wandb

        settings = wandb.Settings(symlink=False, silent=True)
        offline = tracking.wandb == "offline"
        found.append(WandbLogger(project=tracking.project, name=s.name, save_dir=s.folder, offline=offline, config=dict(knobs), settings=settings))
        if offline:
            s.log(f"W&B is offline; `wandb sync artifacts/{s.name}/wandb/offline-run-*` sends this run later")
    return found


def close(found: list[Logger]) -> None:
    """Flush and end every run, before the stage's folder gets its final name."""
    for logger in found:
        logger.finalize("success")
        if isinstance(logger, WandbLogger):
            logger.experiment.finish()
            for path in Path(logger.save_dir or ".", "wandb").rglob("*"):
                if path.is_symlink():  # W&B's link to a log outside, which an artifact must not hold
                    path.unlink()


class ProgressLine(L.Callback):
    """Optimizer steps of the whole run, with ETA and loss: a live bar on a terminal, a line now and then in a log file."""

    def __init__(self, description: str, steps: int):
        self._bar = progress([], description, total=steps)

    def on_train_batch_end(self, trainer: L.Trainer, module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int) -> None:
        self._bar.update(trainer.global_step - self._bar.n)

    def on_train_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        self._bar.close()
