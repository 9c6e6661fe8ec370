"""The training loop: Lightning drives; a task says what the loss is; the global batch is fixed and accumulation derived, so that devices and
micro-batches never change what is learned.
"""

import logging
import math
import time
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.utilities import rank_zero_only
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from contracts.dataset import Split
from contracts.errors import InputError
from contracts.files import replacing
from contracts.knobs import PARAMS, Hardware, Knobs, accumulation, load_runs, load_tracking
from contracts.stage import Stage
from training.batches import ScreenBatch, SplitBatches, open_split
from training.config import AugmentationKnobs
from training.distribution import strategy, world
from training.ema import WeightAverage
from training.resume import FailedBatch, Keeper, last_tracking_id
from training.tracking import JsonLinesLogger, Metrics, ProgressLine, close, loggers, write_metrics

# About this many points on a curve, whatever the length of the run.
_POINTS = 100


@dataclass(frozen=True)
class Plan:
    """A run in optimizer steps. `log_every` steps make one point on the curves."""

    epochs: int
    steps_per_epoch: int
    accumulation: int
    warmup_steps: int
    log_every: int

    @property
    def steps(self) -> int:
        return self.epochs * self.steps_per_epoch


def make_plan(screens: int, global_batch: int, epochs: int, warmup_epochs: float, hardware: Hardware, stage: str) -> Plan:
    """InputError if the split is smaller than one global batch or micro-batches do not divide it. An epoch's incomplete last batch is left out."""
    steps_per_epoch = screens // global_batch
    if steps_per_epoch == 0:
        raise InputError(
            f"is more than the training split holds ({screens} screens).", file=PARAMS, field=f"{stage}.global_batch", found=global_batch,
            fix="Lower it, or render more shards and run `python -m datagen.dataset`.",
        )  # fmt: skip
    k = accumulation(global_batch, hardware, stage)
    return Plan(epochs, steps_per_epoch, k, round(warmup_epochs * steps_per_epoch), max(1, epochs * steps_per_epoch // _POINTS))


def warmup_cosine(step: int, warmup_steps: int, steps: int) -> float:
    """Factor of the peak learning rate at optimizer step `step` (from 0): linear up to 1 over the warm-up, then a half cosine towards 0."""
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    return 0.5 * (1 + math.cos(math.pi * (step - warmup_steps) / max(1, steps - warmup_steps)))


def parameter_groups(named: Iterable[tuple[str, nn.Parameter]], learning_rate: float, weight_decay: float) -> list[dict[str, Any]]:
    """AdamW groups: biases, norms and other vectors, and Swin's position bias tables, are not decayed."""
    decayed: list[nn.Parameter] = []
    kept: list[nn.Parameter] = []
    for name, parameter in named:
        (kept if parameter.ndim < 2 or "relative_position_bias_table" in name else decayed).append(parameter)
    groups = [{"params": decayed, "lr": learning_rate, "weight_decay": weight_decay}, {"params": kept, "lr": learning_rate, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]


@dataclass(frozen=True)
class Data:
    """The two splits that a run reads, on this rank."""

    train: SplitBatches
    val: SplitBatches


class Task(L.LightningModule):
    """What is learned. Subclasses say `losses` and `groups`.

    Autocast happens here, with 32-bit weights under every strategy, so that plain, DDP and ZeRO-2 runs compute the same numbers.
    """

    def __init__(self, model: nn.Module, plan: Plan, data: Data, precision: str, betas: tuple[float, float] = (0.9, 0.999)):
        super().__init__()
        self.model, self.plan, self.data, self.precision, self.betas = model, plan, data, precision, betas
        self.ema: WeightAverage | None = None
        self.sums: dict[str, Tensor] = {}
        """The loss and its parts, summed over the `summed` micro-batches since the last point on the curves."""
        self.summed = 0
        self.validation: list[float] = []
        """Mean loss on the validation split, per epoch."""
        self.scores: list[float] = []
        """What decides which epoch was the best, lower is better."""
        self._val: Tensor | None = None

    def losses(self, batch: ScreenBatch, batch_idx: int) -> tuple[Tensor, dict[str, Tensor]]:
        """A micro-batch's loss and its parts to log. Their mean over an optimizer step's micro-batches and ranks is the global batch's loss."""
        raise NotImplementedError

    def validation_sum(self, batch: ScreenBatch) -> tuple[Tensor, float]:
        """A batch's loss summed, and the count to divide the whole split's sum by."""
        raise NotImplementedError

    def groups(self) -> list[dict[str, Any]]:
        """AdamW's parameter groups."""
        raise NotImplementedError

    def rate(self, step: int) -> float:
        """Learning rate of the first group at optimizer step `step`, from 0."""
        return float(self.groups()[0]["lr"]) * warmup_cosine(step, self.plan.warmup_steps, self.plan.steps)

    def configure_optimizers(self) -> Any:
        optimizer = AdamW(self.groups(), betas=self.betas)
        scheduler = LambdaLR(optimizer, lambda step: warmup_cosine(step, self.plan.warmup_steps, self.plan.steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def _autocast(self) -> Any:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16-mixed")

    def on_train_epoch_start(self) -> None:
        self.data.train.order.set_epoch(self.current_epoch)

    def training_step(self, batch: ScreenBatch, batch_idx: int) -> Tensor:
        batch = self.data.train.augmented(batch)
        with self._autocast():
            loss, parts = self.losses(batch, batch_idx)
        for name, value in {"loss": loss, **parts}.items():
            self.sums[name] = self.sums.get(name, torch.zeros((), device=value.device)) + value.detach().float()
        self.summed += 1
        return loss

    def on_validation_epoch_start(self) -> None:
        self._val = torch.zeros(2, dtype=torch.float64, device=self.device)

    def validation_step(self, batch: ScreenBatch, batch_idx: int) -> None:
        with self._autocast():
            total, count = self.validation_sum(batch)
        assert self._val is not None
        self._val += torch.stack([total.double(), torch.tensor(float(count), dtype=torch.float64, device=self.device)])

    def on_validation_epoch_end(self) -> None:
        assert self._val is not None
        total, count = self.trainer.strategy.reduce(self._val, reduce_op="sum").tolist()
        if count:
            self.validation.append(total / count)
            self.scores.append(total / count)
            write_metrics(self.trainer, {"val_loss": total / count})


def open_data(hardware: Hardware, seed: int, stage: str, augmentation: AugmentationKnobs | None = None) -> Data:
    """The training split, shuffled (and augmented) by `seed`, and the validation split in order."""
    place = world(hardware, stage)

    def split(name: Split, shuffle_seed: int | None, drop_last: bool) -> SplitBatches:
        return open_split(
            name, batch_size=hardware.micro_batch, loader=hardware.loader, shuffle_seed=shuffle_seed, num_workers=hardware.num_workers,
            rank=place.rank, world_size=place.size, drop_last=drop_last,
            augmentation=augmentation if shuffle_seed is not None else None,
        )  # fmt: skip

    return Data(train=split("train", seed, True), val=split("val", None, False))


def fit(task: Task, s: Stage, knobs: Knobs, hardware: Hardware, gradient_clip: float) -> dict[str, float]:
    """Train to the end of the plan, from where an interrupted run of this stage was; log into the stage's folder; return what to report.

    Weights are whole on every rank afterwards. InputError if what was interrupted was another run (see training/resume.py).
    """
    _quiet()
    runs, plan = load_runs(), task.plan
    torch.use_deterministic_algorithms(runs.deterministic)
    sinks = loggers(s, load_tracking(), knobs.model_dump(mode="json"), last_tracking_id(s)) if world(hardware, s.name).rank == 0 else []
    keeper = Keeper(task, s, knobs, hardware, runs, sinks)
    averages = [task.ema] if task.ema is not None else []
    trainer = L.Trainer(
        accelerator=hardware.accelerator, devices=hardware.devices, strategy=strategy(hardware), precision="32-true",
        max_epochs=plan.epochs, limit_train_batches=plan.steps_per_epoch * plan.accumulation, accumulate_grad_batches=plan.accumulation,
        gradient_clip_val=gradient_clip, logger=sinks, callbacks=[*averages, FailedBatch(s), Metrics(task), keeper, ProgressLine(s.name, plan.steps)],
        default_root_dir=s.folder, detect_anomaly=runs.detect_anomaly,
        use_distributed_sampler=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0,
        log_every_n_steps=1,
    )  # fmt: skip
    started = time.perf_counter()
    trainer.fit(task, task.data.train, task.data.val)
    seconds = time.perf_counter() - started
    found: dict[str, float] = {}
    close(sinks)
    for logger in sinks:
        if isinstance(logger, JsonLinesLogger):
            logger.write_curves(s.folder / "curves.csv")
            curve = [row["loss"] for row in logger.rows if "loss" in row]
            found = {"first_loss": curve[0], "loss": curve[-1]}
    if task.validation:
        found |= {"first_val_loss": task.validation[0], "val_loss": task.validation[-1]}
    if task.ema is not None:
        task.ema.show(True)
    screens = (trainer.global_step - keeper.first_step) * plan.accumulation * hardware.devices * hardware.micro_batch
    parameters = sum(parameter.numel() for parameter in task.model.parameters())
    return found | {"steps": trainer.global_step, "parameters": parameters, "screens_per_second": screens / seconds}


def _quiet() -> None:
    """Lightning's tips and its use of a name that torch has renamed are nothing that a reader of the log can act on."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings("ignore", message=".*your dataloader is not resumable.*")  # it is, by EpochOrder.set_epoch
    # Torch 2.11 knows only the old names.
    warnings.filterwarnings("ignore", message=".*`broadcast_buffers` is deprecated.*", category=FutureWarning)
    warnings.filterwarnings("ignore", message=".*all_gather_into_tensor.*", category=FutureWarning)


@rank_zero_only
def save_weights(module: nn.Module, file: Path) -> None:
    """All weights as safetensors, by rank 0 alone. (ZeRO-2 splits gradients and optimizer states; weights are whole everywhere.)"""
    with replacing(file) as temporary:
        save_file({name: value.detach().to("cpu", copy=True).contiguous() for name, value in module.state_dict().items()}, temporary)
