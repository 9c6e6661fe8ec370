"""The training loop: Lightning drives; a task says what the loss is; the global batch is fixed and accumulation derived, so that devices and
micro-batches never change what is learned.
"""

import copy
import logging
import math
import re
import time
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar

import lightning as L
import torch
from lightning.pytorch.profilers import Profiler, PyTorchProfiler, SimpleProfiler
from lightning.pytorch.strategies import DeepSpeedStrategy, ModelParallelStrategy
from torch import Tensor, nn
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from contracts.dataset import Split
from contracts.errors import InputError
from contracts.knobs import PARAMS, Hardware, accumulation, load_runs, load_tracking
from contracts.stage import Stage
from training.batches import ScreenBatch, SplitBatches, open_split
from training.config import AugmentationKnobs, TrainingKnobs
from training.distribution import hosts, scaling, splits_weights, strategy, world, zero_stage
from training.ema import WeightAverage
from training.order import EpochOrder
from training.resume import FailedBatch, Keeper, last_tracking_id
from training.run_state import write
from training.tracking import JsonLinesLogger, Metrics, ProgressLine, Waited, close, loggers, write_metrics

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


def peak_rate(base: float, scaling: Literal["none", "linear", "sqrt"], global_batch: int, reference: int) -> float:
    """The peak learning rate at a global batch, if `base` is right for a batch of `reference`."""
    times = global_batch / reference
    return base * {"none": 1.0, "linear": times, "sqrt": math.sqrt(times)}[scaling]


def parameter_groups(
    named: Iterable[tuple[str, nn.Parameter]], learning_rate: float, weight_decay: float, layer_decay: float = 1.0
) -> list[dict[str, Any]]:
    """AdamW groups: biases, norms and other vectors, and Swin's position bias tables, are not decayed.

    With a `layer_decay` below 1 each transformer block learns at that times the rate of the block after it; what comes before the first block once more
    slower, what comes after the last at `learning_rate` (BEiT, arXiv:2106.08254).
    """
    named = list(named)
    layer, top = layer_numbers([name for name, _ in named])
    found: dict[tuple[int, bool], list[nn.Parameter]] = {}
    for name, parameter in named:
        decayed = parameter.ndim >= 2 and "relative_position_bias_table" not in name
        found.setdefault((layer[name] if layer_decay < 1 else top, decayed), []).append(parameter)
    return [
        {"params": parameters, "lr": learning_rate * layer_decay ** (top - number), "weight_decay": weight_decay if decayed else 0.0}
        for (number, decayed), parameters in sorted(found.items(), key=lambda item: (-item[0][0], not item[0][1]))
    ]


def layer_numbers(names: Iterable[str]) -> tuple[dict[str, int], int]:
    """Each parameter's transformer block, from 1, and the number of what comes after the last. 0 is what stands before the first: patch embedding,
    position codes, tokens. A Swin stage's patch merging belongs to the stage's first block.
    """
    names = list(names)

    def place(name: str) -> tuple[int, int] | None:
        stage = re.search(r"(?:^|\.)layers\.(\d+)\.", name)
        block = re.search(r"(?:^|\.)blocks\.(\d+)\.", name)
        if stage is None and block is None:
            return None
        return int(stage[1]) if stage else 0, int(block[1]) if block else 0

    places = {name: place(name) for name in names}
    number = {found: i for i, found in enumerate(sorted({p for p in places.values() if p is not None}), start=1)}
    top = len(number) + 1
    first = ("patch_embed", "pos_embed", "cls_token", "mask_token")
    layers = {name: number[p] if p is not None else 0 if any(word in name for word in first) else top for name, p in places.items()}
    return layers, top


class Batches(Protocol):
    """What a run reads of a split, on this rank: training.batches.SplitBatches of screens, training.image_sets.ImageBatches of other images."""

    order: EpochOrder

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[ScreenBatch]: ...
    def augmented(self, batch: ScreenBatch) -> ScreenBatch:
        """A batch as training sees it in this epoch, on its own device."""


BatchesT = TypeVar("BatchesT", bound=Batches)


@dataclass(frozen=True)
class Data(Generic[BatchesT]):
    """The two splits that a run reads, on this rank."""

    train: BatchesT
    val: BatchesT


class EvenBatches:
    """As many validation batches on every rank, the last one again where a rank has fewer: where weights are split, all ranks compute together."""

    def __init__(self, batches: Batches, count: int):
        self._batches, self._count = batches, count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[ScreenBatch]:
        last: ScreenBatch | None = None
        for last in self._batches:
            yield last
        for _ in range(self._count - len(self._batches)):
            assert last is not None
            yield last


class Task(L.LightningModule):
    """What is learned. Subclasses say `losses` and `groups`.

    Autocast happens here, with 32-bit weights under every strategy, so that plain, DDP and ZeRO-2 runs compute the same numbers.
    """

    def __init__(self, model: nn.Module, plan: Plan, data: Data[Any], precision: str, betas: tuple[float, float] = (0.9, 0.999)):
        super().__init__()
        self.model, self.plan, self.data, self.precision, self.betas = model, plan, data, precision, betas
        self.average: WeightAverage | None = None
        self.rate_factor = 1.0
        """Of the whole schedule from now on; see `lower_rate`."""
        self.latest: dict[str, Tensor] = {}
        """The loss and its parts of the last micro-batch."""
        self.sums: dict[str, Tensor] = {}
        """The loss and its parts, summed over the `summed` micro-batches since the last point on the curves."""
        self.summed = 0
        self.validation: list[float] = []
        """Mean loss on the validation split, per epoch."""
        self.scores: list[float] = []
        """What decides which epoch was the best, lower is better: the loss, or AP with a minus."""
        self.counts = True
        """Whether the validation batch at hand is one of this rank's, and not one again (EvenBatches)."""
        self._val: Tensor | None = None
        self._gradient_norm: Tensor | None = None

    def losses(self, batch: ScreenBatch, batch_idx: int) -> tuple[Tensor, dict[str, Tensor]]:
        """A micro-batch's loss and its parts to log. Their mean over an optimizer step's micro-batches and ranks is the global batch's loss."""
        raise NotImplementedError

    def validation_sum(self, batch: ScreenBatch) -> tuple[Tensor, float]:
        """A batch's loss summed, and the count to divide the whole split's sum by."""
        raise NotImplementedError

    def validation_metrics(self) -> dict[str, float]:
        """What else was measured on the whole validation split; what rank 0 says counts. `val_AP`, if there, decides which epoch was the best."""
        return {}

    def groups(self) -> list[dict[str, Any]]:
        """AdamW's parameter groups."""
        raise NotImplementedError

    def rate(self, step: int) -> float:
        """Learning rate of the first group at optimizer step `step`, from 0, if it is not lowered before."""
        return float(self.groups()[0]["lr"]) * self._share(step)

    def _share(self, step: int) -> float:
        return warmup_cosine(step, self.plan.warmup_steps, self.plan.steps) * self.rate_factor

    def lower_rate(self, factor: float) -> None:
        """From the next step on all learning rates are `factor` times what the schedule says, in a resumed run too. On all ranks, between two steps."""
        self.rate_factor *= factor
        schedule = self.trainer.lr_scheduler_configs[0].scheduler
        for group in schedule.optimizer.param_groups:
            group["lr"] *= factor
        schedule._last_lr = [group["lr"] for group in schedule.optimizer.param_groups]

    def features(self, batch: ScreenBatch) -> list[Tensor]:
        """Features of each level, finest first, [B, C, h, w], of a batch as it was packed. What training/watch.py looks at, of tasks that have some."""
        raise NotImplementedError

    def blocks(self) -> list[nn.Module]:
        """The transformer blocks that compute by their own `forward`, which is where FSDP2 gathers their weights."""
        named = self.model.named_modules()
        return [module for name, module in named if re.search(r"(?:^|\.)(?:blocks|layers)\.\d+$", name) and "Block" in type(module).__name__]

    def configure_model(self) -> None:
        """Where the strategy splits weights by FSDP2, let it: each transformer block by itself, then what is left. ZeRO-3 splits all; it gathers the
        matrix of a linear layer when that layer computes, and what is left for the whole of a step.
        """
        if isinstance(self.trainer.strategy, ModelParallelStrategy):
            mesh = self.device_mesh["data_parallel"]
            for block in self.blocks():
                fully_shard(block, mesh=mesh)
            fully_shard(self.model, mesh=mesh)
        if zero_stage(self.trainer.strategy) == 3:
            import deepspeed

            # Tables, codes and biases are used beside the module that owns them, and modules that return a dataclass have no backward hooks: DeepSpeed
            # would let go of such a weight after the forward pass and not bring it back for its gradient.
            matrices = {id(module.weight) for module in self.model.modules() if isinstance(module, nn.Linear)}
            for parameter in self.model.parameters():
                if id(parameter) not in matrices:
                    deepspeed.zero.register_external_parameter(self, parameter)

    def configure_optimizers(self) -> Any:
        optimizer = AdamW(self.groups(), betas=self.betas)
        scheduler = LambdaLR(optimizer, lambda step: self._share(step))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def autocast(self) -> Any:
        """The context in which the model computes, forward."""
        half = torch.float16 if self.precision == "16-mixed" else torch.bfloat16
        return torch.autocast(self.device.type, half, enabled=self.precision != "32-true")

    def configure_gradient_clipping(self, optimizer: Any, gradient_clip_val: float | None = None, gradient_clip_algorithm: str | None = None) -> None:
        """As Lightning does it, but the norm is kept. (DeepSpeed clips by itself.)"""
        if gradient_clip_val and not isinstance(self.trainer.strategy, DeepSpeedStrategy):
            self._gradient_norm = nn.utils.clip_grad_norm_(self.model.parameters(), gradient_clip_val)

    def gradient_norm(self) -> float | None:
        """Norm of the last step's whole gradient, before it was clipped."""
        strategy = self.trainer.strategy
        norm = strategy.deepspeed_engine.get_global_grad_norm() if isinstance(strategy, DeepSpeedStrategy) else self._gradient_norm
        if norm is None:
            return None
        norm = norm.full_tensor() if isinstance(norm, DTensor) else norm
        return float(norm) if math.isfinite(norm) else None  # fp16 skips a step whose gradient is too large, and has no norm to tell

    def on_train_epoch_start(self) -> None:
        self.data.train.order.set_epoch(self.current_epoch)

    def training_step(self, batch: ScreenBatch, batch_idx: int) -> Tensor:
        batch = self.data.train.augmented(batch)
        with self.autocast():
            loss, parts = self.losses(batch, batch_idx)
        self.latest = {name: value.detach().float() for name, value in {"loss": loss, **parts}.items()}
        for name, value in self.latest.items():
            self.sums[name] = self.sums.get(name, torch.zeros((), device=value.device)) + value
        self.summed += 1
        return loss

    def on_validation_epoch_start(self) -> None:
        self._val = torch.zeros(2, dtype=torch.float64, device=self.device)

    def validation_step(self, batch: ScreenBatch, batch_idx: int) -> None:
        self.counts = batch_idx < len(self.data.val)
        with self.autocast():
            total, count = self.validation_sum(batch)
        if not self.counts:
            return
        assert self._val is not None
        self._val += torch.stack([total.double(), torch.tensor(float(count), dtype=torch.float64, device=self.device)])

    def on_validation_epoch_end(self) -> None:
        assert self._val is not None
        total, count = self.trainer.strategy.reduce(self._val, reduce_op="sum").tolist()
        if count:
            measured = self.trainer.strategy.broadcast(self.validation_metrics())
            self.validation.append(total / count)
            self.scores.append(-measured["val_AP"] if "val_AP" in measured else total / count)
            write_metrics(self.trainer, {"val_loss": total / count, **measured})

    def _of_all_ranks(self, items: list[Any]) -> list[Any]:
        """One list of what the processes have, on each of them."""
        if self.trainer.world_size == 1:
            return items
        found: list[list[Any]] = [[]] * self.trainer.world_size
        torch.distributed.all_gather_object(found, items)
        return [item for part in found for item in part]


def open_data(hardware: Hardware, seed: int, stage: str, augmentation: AugmentationKnobs | None = None) -> Data[SplitBatches]:
    """The training split, shuffled (and augmented) by `seed`, and the validation split in order."""
    place = world(hardware, stage)

    def split(name: Split, shuffle_seed: int | None, drop_last: bool) -> SplitBatches:
        return open_split(
            name, batch_size=hardware.micro_batch, loader=hardware.loader, shuffle_seed=shuffle_seed, num_workers=hardware.num_workers,
            rank=place.rank, world_size=place.size, drop_last=drop_last,
            augmentation=augmentation if shuffle_seed is not None else None,
        )  # fmt: skip

    return Data(train=split("train", seed, True), val=split("val", None, False))


def fit(
    task: Task, s: Stage, knobs: TrainingKnobs, hardware: Hardware, gradient_clip: float, callbacks: Sequence[L.Callback] = ()
) -> dict[str, float]:  # fmt: skip
    """Train to the end of the plan, from where an interrupted run of this stage was; log into the stage's folder; return what to report. `callbacks`
    come before the one that makes checkpoints, which keeps their `state_dict` (JSON) too.

    `task.model` has the finished weights on every rank afterwards: whole, averaged if `ema_decay` says so, the best epoch's if stopping early is on.
    InputError if what was interrupted was another run (see training/resume.py).
    """
    _quiet()
    runs, plan = load_runs(), task.plan
    torch.use_deterministic_algorithms(runs.deterministic)
    sinks = loggers(s, load_tracking(), knobs.model_dump(mode="json"), last_tracking_id(s)) if world(hardware, s.name).rank == 0 else []
    # Strategies that split weights change the modules for good, so they get a copy.
    learner = copy.deepcopy(task, {id(task.data): task.data}) if splits_weights(hardware) else task
    learner.average = WeightAverage(learner.model, knobs.ema_decay) if knobs.ema_decay else None
    train = Waited(task.data.train)
    val: Any = task.data.val
    if knobs.ema_decay and hardware.launcher == "deepspeed_stage_3":
        raise InputError(
            "an average of the weights is not kept under launcher `deepspeed_stage_3`.", file=PARAMS, field=f"{s.name}.ema_decay", found=knobs.ema_decay,
            fix="Set it to 0, or the launcher to `fsdp`, which splits weights too.",
        )  # fmt: skip
    if splits_weights(hardware):
        screens = task.data.val.order.screens
        if screens < hardware.devices:
            raise InputError(
                f"launcher `{hardware.launcher}` needs a validation screen for each process, and the split has {screens}.", file=PARAMS,
                field=f"hardware.{s.name}.devices", found=hardware.devices, fix="Use `torchrun` or `deepspeed`, or fewer devices.",
            )  # fmt: skip
        val = EvenBatches(val, math.ceil(screens / (hardware.devices * hardware.micro_batch)))
    keeper = Keeper(learner, s, knobs, hardware, runs, sinks)
    metrics = Metrics(learner, train, hardware.devices * hardware.micro_batch)
    averages = [learner.average] if learner.average is not None else []
    trainer = L.Trainer(
        accelerator=hardware.accelerator, devices=hardware.devices // hosts(), num_nodes=hosts(), strategy=strategy(hardware, knobs.precision),
        plugins=scaling(hardware, knobs.precision),
        max_epochs=plan.epochs, limit_train_batches=plan.steps_per_epoch * plan.accumulation, accumulate_grad_batches=plan.accumulation,
        gradient_clip_val=gradient_clip, logger=sinks, callbacks=[*averages, FailedBatch(s), metrics, *callbacks, keeper, ProgressLine(s.name, plan.steps)],
        default_root_dir=s.folder, detect_anomaly=runs.detect_anomaly, profiler=profiler(runs.profiler, s.folder),
        use_distributed_sampler=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0,
        log_every_n_steps=1,
    )  # fmt: skip
    started = time.perf_counter()
    trainer.fit(learner, train, val)
    seconds = time.perf_counter() - started
    found: dict[str, float] = {}
    close(sinks)
    for logger in sinks:
        if isinstance(logger, JsonLinesLogger):
            logger.write_curves(s.folder / "curves.csv")
            curve = [row["loss"] for row in logger.rows if "loss" in row]
            found = {"first_loss": curve[0], "loss": curve[-1]}
    if learner.validation:
        found |= {"first_val_loss": learner.validation[0], "val_loss": learner.validation[-1]}
    if learner is not task or knobs.early_stop_patience:
        trainer.strategy.barrier("checkpoint written")
        write(task.model, keeper.finished(best=bool(knobs.early_stop_patience)))
        trainer.strategy.barrier("checkpoint read")  # rank 0 removes it when the stage ends
    elif learner.average is not None:
        learner.average.show(True)
    screens = (trainer.global_step - keeper.first_step) * plan.accumulation * hardware.devices * hardware.micro_batch
    parameters = sum(parameter.numel() for parameter in task.model.parameters())
    return found | {"steps": trainer.global_step, "parameters": parameters, "screens_per_second": screens / seconds}


def profiler(kind: Literal["none", "simple", "pytorch"], folder: Path) -> Profiler | None:
    """Lightning's, writing to the stage's folder."""
    if kind == "none":
        return None
    return (SimpleProfiler if kind == "simple" else PyTorchProfiler)(dirpath=folder, filename=f"profile-{kind}")


def _quiet() -> None:
    """Lightning's tips and its use of a name that torch has renamed are nothing that a reader of the log can act on."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings("ignore", message=".*DeepSpeed handles gradient clipping internally.*")
    warnings.filterwarnings("ignore", message=".*your dataloader is not resumable.*")  # it is, by EpochOrder.set_epoch
    warnings.filterwarnings("ignore", message=".*returned a view tensor.*", category=UserWarning)  # of FSDP2; losses change nothing in place
    warnings.filterwarnings("ignore", message=".*`srun` command is available.*")  # our launcher starts the processes
    # Torch 2.11 knows only the old names.
    warnings.filterwarnings("ignore", message=".*`broadcast_buffers` is deprecated.*", category=FutureWarning)
    warnings.filterwarnings("ignore", message=".*(all_gather|reduce_scatter_tensor).*", category=FutureWarning)
