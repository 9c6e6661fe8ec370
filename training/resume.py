"""Keeps a run from being lost: checkpoints while it goes on, and takes it up where the last one was made.

A checkpoint is made every `runs.checkpoint_steps` optimizer steps, every `runs.checkpoint_minutes`, after a validation that was the best so far, at the
end, and when the process is told to end (SIGTERM, SIGINT). Between two optimizer steps of one run everything that decides the next step is in it, so a
resumed run is the uninterrupted one, bit for bit.
"""

import json
import math
import os
import signal
import time
from dataclasses import dataclass, field
from types import FrameType
from typing import TYPE_CHECKING, Any

import lightning as L
import torch
from torch import Tensor

from contracts.errors import InputError
from contracts.files import write_json
from contracts.knobs import Hardware, Runs
from contracts.stage import Stage, code_revision, rank
from training.checkpoints import Checkpoint, CheckpointFolder, RunState, Tensors, json_sha256, read, size_of
from training.config import TrainingKnobs
from training.run_state import gather, random_state, restore, set_random_state, shapes
from training.tracking import JsonLinesLogger, replay, tracking_id

if TYPE_CHECKING:
    from training.loop import Task

# A second signal within so many seconds is the same wish: process groups and torchrun both pass signals on.
_SAME_WISH = 5.0
# Optimizer steps or validations that take longer are not waited for when the process is told to end: it is killed after 30 seconds.
_PATIENCE = 8.0


@dataclass
class Moment:
    """What a rank has for itself between two optimizer steps."""

    step: int
    epoch: int
    samples: int
    random: dict[str, Tensor]
    sums: dict[str, Tensor] = field(default_factory=dict)
    summed: int = 0


class FailedBatch(L.Callback):
    """Stops the run at a loss that is not finite, and writes down which screens an optimizer step was made of when anything fails in it."""

    def __init__(self, s: Stage):
        self._stage = s
        self._ids: list[Tensor] = []

    def on_train_batch_start(self, trainer: L.Trainer, module: L.LightningModule, batch: Any, batch_idx: int) -> None:
        if batch_idx % trainer.accumulate_grad_batches == 0:
            self._ids = []
        self._ids.append(batch.image_ids)

    def on_train_batch_end(self, trainer: L.Trainer, module: "Task", outputs: Any, batch: Any, batch_idx: int) -> None:  # type: ignore[override]
        if (batch_idx + 1) % trainer.accumulate_grad_batches or not self._ids:
            return
        # One look for all micro-batches of a step: on a GPU each look waits for it.
        if all(bool(torch.isfinite(value)) for value in module.sums.values()):
            self._ids = []
            return
        parts = ", ".join(f"{name} {float(value) / module.summed:.6g}" for name, value in module.sums.items())
        raise InputError(
            f"the loss is not finite at step {trainer.global_step} ({parts}): training diverged.", file=self._file(trainer), field="image_ids",
            fix=f"Look at these screens, or lower the learning rate (and remove {self._stage.checkpoints} to begin anew).",
        )  # fmt: skip

    def on_exception(self, trainer: L.Trainer, module: L.LightningModule, exception: BaseException) -> None:
        if self._ids and isinstance(exception, Exception):
            written = {"step": trainer.global_step, "epoch": trainer.current_epoch, "error": str(exception)}
            write_json(self._file(trainer), written | {"image_ids": [ids.tolist() for ids in self._ids]})

    def _file(self, trainer: L.Trainer) -> Any:
        return self._stage.checkpoints / f"failed-step-{trainer.global_step:08d}-rank-{rank()}.json"


class Keeper(L.Callback):
    """Makes checkpoints and resumes from them; must come after the callback that logs, so that what is logged is in them."""

    def __init__(self, task: "Task", s: Stage, knobs: TrainingKnobs, hardware: Hardware, runs: Runs, sinks: list[Any]):
        self.task, self.hardware, self.runs, self._stage = task, hardware, runs, s
        self.folder = CheckpointFolder(s.checkpoints, runs.keep_last, s.log)
        self._knobs = knobs.model_dump(mode="json")
        self.early_stop_patience = knobs.early_stop_patience
        self._rows = next((logger for logger in sinks if isinstance(logger, JsonLinesLogger)), None)
        self._sinks = sinks
        self.first_step = 0
        """Optimizer steps that were made before this process began."""
        self._moment: Moment | None = None
        self._resumed: Checkpoint | None = None
        self._saved_step, self._saved_at, self._step_at = 0, time.monotonic(), time.monotonic()
        self._signal: int | None = None
        self._signal_at = 0.0
        self._handlers: dict[int, Any] = {}
        self._long_steps = self._long_validation = False
        self._validation_started = 0.0
        self._wanted = False
        self._stop_for: InputError | None = None

    # --- going on

    def on_fit_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        name = self._from_rank_0(trainer, self._choose)
        if name is None:
            return
        found = self._resumed = read(self.folder.folder / name)
        state, plan = found.state, self.task.plan
        restore(self.task.model, trainer.strategy, found.tensors["model.safetensors"], found.tensors["optimizer.safetensors"])
        if self.task.average is not None:
            self.task.average.load(found.tensors["ema.safetensors"])
        if state.scaler is not None:
            _scaler(trainer).load_state_dict(state.scaler)
        schedule = trainer.lr_scheduler_configs[0].scheduler
        schedule.__dict__.update(state.scheduler)
        for group, rate in zip(schedule.optimizer.param_groups, state.scheduler["_last_lr"], strict=True):
            group["lr"] = rate
        self.task.rate_factor = state.rate_factor
        for callback in trainer.callbacks:  # type: ignore[attr-defined]
            if callback.state_key in state.callbacks:
                callback.load_state_dict(state.callbacks[callback.state_key])
        self.task.validation[:], self.task.scores[:] = state.validation, state.scores
        replay(self._sinks, state.rows)
        over = state.samples == plan.steps_per_epoch * self.global_batch
        epoch, samples = (state.epoch + 1, 0) if over and state.validated else (state.epoch, state.samples)
        self._open(trainer, epoch, 0 if over else samples // self.at_once, state.step)
        self._saved_step = self.first_step = state.step
        self._stage.log(f"resumed from {found.folder}: step {state.step} of {plan.steps}, epoch {state.epoch}, after {state.samples} of its screens")
        if state.code_revision != code_revision():
            self._stage.log(f"that checkpoint was made by code revision {state.code_revision}; this is {code_revision()}")

    def _choose(self) -> str | None:
        """Name of the checkpoint to go on from, None to begin. InputError for one that is of another run."""
        total = sum(4 * math.prod(shape) for shape in shapes(self.task.model).values())
        self.folder.require_room(total * (3 if self.task.average is None else 4) + size_of({}))
        found = self.folder.newest()
        if found is None:
            return None
        state, remove = found.state, f"or remove {self.folder.folder} to begin anew."
        if state.dataset_version != self._stage.dataset_version:
            raise InputError(
                f"was made while learning from another dataset version; this run's is {self._stage.dataset_version}.", file=found.folder,
                field="dataset_version", found=state.dataset_version, fix=f"Restore that version of the data, {remove}",
            )  # fmt: skip
        had, have = {name: list(t.shape) for name, t in found.tensors["model.safetensors"].items()}, shapes(self.task.model)
        different = [name for name in [*had, *have] if had.get(name) != have.get(name)]
        if different:
            first = different[0]
            raise InputError(
                f"is of another architecture: {len(set(different))} weights differ, first {first}, which is {have.get(first, 'not there')} in this model.",
                file=found.folder, field="model.safetensors", found=had.get(first, "no such weight"), fix=f"Restore the model's settings, {remove}",
            )  # fmt: skip
        if state.knobs_sha256 != json_sha256(self._knobs):
            names = sorted(name for name in state.knobs.keys() | self._knobs.keys() if state.knobs.get(name) != self._knobs.get(name))
            changes = ", ".join(f"{name} was {state.knobs.get(name)} and is {self._knobs.get(name)}" for name in names)
            raise InputError(
                f"was made with other settings: {changes}.",
                file=found.folder,
                field="knobs",
                fix=f"Restore these settings of {self._stage.name}, {remove}",
            )
        return found.folder.name

    def _from_rank_0(self, trainer: L.Trainer, ask: Any) -> Any:
        """What rank 0 says, on all ranks; its InputError too."""
        answer: Any = None
        if rank() == 0:
            try:
                answer = ask()
            except InputError as error:
                answer = error
        answer = trainer.strategy.broadcast(answer)
        if isinstance(answer, InputError):
            raise answer
        return answer

    @property
    def at_once(self) -> int:
        """Screens of one micro-batch of all ranks."""
        return self.hardware.devices * self.hardware.micro_batch

    @property
    def global_batch(self) -> int:
        return self.at_once * self.task.plan.accumulation

    def _open(self, trainer: L.Trainer, epoch: int, batches: int, step: int) -> None:
        """Set Lightning's counters, and the data, to where `batches` micro-batches of `epoch` are done."""
        fit, inner = trainer.fit_loop, trainer.fit_loop.epoch_loop
        steps = inner.automatic_optimization.optim_progress.optimizer.step
        steps.total.ready = steps.total.completed = step
        inner._batches_that_stepped = step
        begun = epoch + (batches > 0)
        for count in (fit.epoch_progress.total, fit.epoch_progress.current):
            count.ready = count.started = begun  # type: ignore[attr-defined]
            count.processed = count.completed = epoch  # type: ignore[attr-defined]
        for count in (inner.batch_progress.total, inner.batch_progress.current):
            count.ready = count.started = count.processed = batches  # type: ignore[attr-defined]
            # One less: as it stands when a callback is told of a batch's end, which is where Lightning takes up again.
            count.completed = max(0, batches - 1)
        inner.batch_progress.is_last_batch = False
        fit.restarting = batches > 0
        self.task.data.train.order.set_epoch(epoch, start=batches * self.at_once)

    def on_train_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            self._handlers[number] = signal.signal(number, self._on_signal)
        self._saved_at = self._step_at = time.monotonic()
        if self._resumed is None:
            return
        state = self._resumed.state
        own = _of_rank(self._resumed.tensors["ranks.safetensors"], rank())
        if state.world_size == self.hardware.devices:
            set_random_state({name.removeprefix("random/"): value for name, value in own.items() if name.startswith("random/")})
        else:
            L.seed_everything(int(self._knobs["seed"]) + state.step, verbose=False)
            self._stage.log(
                f"{state.world_size} processes made the checkpoint and {self.hardware.devices} go on: same screens in the same order; only what a "
                "process draws for itself (dropout) is drawn anew"
            )
        sums = {name.removeprefix("sum/"): value for name, value in own.items() if name.startswith("sum/")}
        self.task.sums = {name: value.to(self.task.device) for name, value in sums.items()}
        self.task.summed = int(own["summed"])
        over = state.samples == self.task.plan.steps_per_epoch * self.global_batch
        if over and not state.validated:
            self._moment = Moment(state.step, state.epoch, state.samples, random_state(), self.task.sums, self.task.summed)
            trainer.validating = True
            trainer.fit_loop.epoch_loop.val_loop.run()
            trainer.training = True
            self.on_train_epoch_end(trainer, module)
            self._open(trainer, state.epoch + 1, 0, state.step)

    def finished(self, best: bool) -> Tensors:
        """The weights of the last epoch, or of the best one: averaged if the run averages, the buffers with them. All ranks; after the run."""
        found = self.folder.best() if best and self.task.scores else self.folder.newest()
        if found is None or not (best or found.state.step == self._saved_step):
            raise InputError(
                "has no checkpoint of the end of this run.", file=self.folder.folder, fix="Free some space on its disk and run the stage again."
            )
        return found.tensors["model.safetensors"] | found.tensors.get("ema.safetensors", {})

    # --- checkpoints

    def save_soon(self) -> None:
        """Make a checkpoint after this optimizer step. On all ranks, by callbacks that are told of its end before this one."""
        self._wanted = True

    def stop_soon(self, why: InputError) -> None:
        """End the run with an error after this optimizer step, and its checkpoint if there is to be one. As `save_soon`."""
        self._stop_for = why

    def on_train_batch_end(self, trainer: L.Trainer, module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int) -> None:
        plan, done = self.task.plan, batch_idx + 1
        between_steps = done % plan.accumulation == 0
        if between_steps:
            self._moment = Moment(
                trainer.global_step, trainer.current_epoch, done * self.at_once, random_state(), dict(self.task.sums), self.task.summed
            )
        elif not self._long_steps and self.hardware.devices > 1:
            return
        now = time.monotonic()
        long_step = between_steps and now - self._step_at > _PATIENCE
        ends = done == plan.steps_per_epoch * plan.accumulation
        due = between_steps and (self._due(trainer.global_step, now) or self._wanted or (ends and self._long_validation))
        save, stop, long_steps = self._agree(trainer, [due, self._signal is not None, long_step if between_steps else self._long_steps])
        if between_steps:
            self._step_at, self._long_steps = now, long_steps
        if save or stop:
            self._save(trainer, validated=False)
        self._wanted = False
        if stop:
            self._stop()
        if self._stop_for is not None:
            raise self._stop_for

    def on_validation_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        self._validation_started = time.monotonic()

    def on_validation_batch_end(self, trainer: L.Trainer, module: Any, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> None:
        # Processes cannot agree here, as they have different numbers of batches; if validation is long there is a checkpoint from before it.
        if self._signal is not None and self.hardware.devices == 1:
            if self.task.average is not None:
                self.task.average.show(False)
            self._save(trainer, validated=False)
            self._stop()

    def on_validation_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        self._long_validation = time.monotonic() - self._validation_started > _PATIENCE
        self._step_at = time.monotonic()

    def on_train_epoch_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        scores = self.task.scores
        since_best = len(scores) - 1 - scores.index(min(scores)) if scores else 0
        better = bool(scores) and since_best == 0
        assert self._moment is not None
        last = self._moment.step >= self.task.plan.steps
        patience = self.early_stop_patience
        if patience and since_best >= patience:
            self._stage.log(f"no better validation for {patience} epochs: stopped early, after step {self._moment.step} of {self.task.plan.steps}")
            trainer.should_stop = last = True
        save, stop, _ = self._agree(trainer, [better or last or self._due(self._moment.step, time.monotonic()), self._signal is not None, False])
        if save or stop:
            self._moment.random = random_state()
            self._save(trainer, validated=True, score=scores[-1] if scores else None)
        if stop and not last:
            self._stop()
        self._step_at = time.monotonic()

    def _due(self, step: int, now: float) -> bool:
        every = self.runs.checkpoint_steps
        return bool(every and step - self._saved_step >= every) or now - self._saved_at >= 60 * self.runs.checkpoint_minutes

    def _agree(self, trainer: L.Trainer, wishes: list[bool]) -> list[bool]:
        """What any process wishes all do."""
        if self.hardware.devices == 1:
            return wishes
        found = torch.tensor(wishes, dtype=torch.float32, device=trainer.strategy.root_device)
        torch.distributed.all_reduce(found, op=torch.distributed.ReduceOp.MAX)
        return [bool(value) for value in found.tolist()]

    def _save(self, trainer: L.Trainer, validated: bool, score: float | None = None) -> None:
        moment = self._moment
        if moment is None:  # told to end before the first step was made
            return
        model, optimizer = gather(self.task.model, trainer.strategy)
        files = {"model.safetensors": model, "optimizer.safetensors": optimizer, "ranks.safetensors": self._of_all_ranks(moment)}
        if self.task.average is not None:
            files["ema.safetensors"] = self.task.average.whole()
        self._saved_step, self._saved_at = moment.step, time.monotonic()
        if rank() > 0:
            return
        broken = [
            f"{file}: {name}" for file in files if file != "ranks.safetensors" for name, t in files[file].items() if not torch.isfinite(t).all()
        ]
        if broken:
            raise InputError(
                f"no checkpoint is made at step {moment.step}: {len(broken)} tensors are not finite.", file=self.folder.folder, found=broken[0],
                fix="Training diverged. Lower the learning rate, and remove the folder to begin anew; an earlier checkpoint in it is whole.",
            )  # fmt: skip
        schedule = trainer.lr_scheduler_configs[0].scheduler
        assert self._rows is not None
        state = RunState(
            step=moment.step, epoch=moment.epoch, samples=moment.samples, validated=validated, dataset_version=self._stage.dataset_version, knobs=self._knobs,
            knobs_sha256=json_sha256(self._knobs), code_revision=code_revision(), launcher=self.hardware.launcher, world_size=self.hardware.devices,
            scheduler={name: schedule.__dict__[name] for name in ("last_epoch", "_step_count", "_last_lr")},
            scaler=None if _scaler(trainer) is None else _scaler(trainer).state_dict(), validation=list(self.task.validation),
            scores=list(self.task.scores), score=score, rows=self._rows.rows,
            tracking_id=tracking_id(self._sinks), rate_factor=self.task.rate_factor,
            callbacks={c.state_key: kept for c in trainer.callbacks if (kept := c.state_dict())},  # type: ignore[attr-defined]
        )  # fmt: skip
        self.folder.save(state, files)

    def _of_all_ranks(self, moment: Moment) -> Tensors:
        own = {f"random/{name}": value for name, value in moment.random.items()} | {f"sum/{name}": v.cpu() for name, v in moment.sums.items()}
        own["summed"] = torch.tensor(moment.summed)
        found: list[Tensors] = [own]
        if self.hardware.devices > 1:
            found = [{}] * self.hardware.devices
            torch.distributed.all_gather_object(found, own)
        return {f"{r}/{name}": value for r, tensors in enumerate(found) for name, value in tensors.items()}

    # --- being told to end

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._signal is None:
            self._signal, self._signal_at = number, now
        elif now - self._signal_at > _SAME_WISH and number == signal.SIGINT:
            self._restore_handlers()
            os.kill(os.getpid(), number)

    def _stop(self) -> None:
        number = self._signal or signal.SIGTERM
        step = 0 if self._moment is None else self._moment.step
        self._stage.log(f"told to end ({signal.Signals(number).name}): stopped after step {step}; run the stage again to go on from there")
        raise SystemExit(128 + number)

    def _restore_handlers(self) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers = {}

    def on_train_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        self._restore_handlers()

    def on_exception(self, trainer: L.Trainer, module: L.LightningModule, exception: BaseException) -> None:
        self._restore_handlers()


def _of_rank(tensors: Tensors, rank: int) -> Tensors:
    """A rank's own; those of rank 0 for a rank that was not there."""
    prefix = f"{rank}/" if any(name.startswith(f"{rank}/") for name in tensors) else "0/"
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _scaler(trainer: L.Trainer) -> Any:
    """fp16's, else None."""
    return getattr(trainer.precision_plugin, "scaler", None)


def last_tracking_id(s: Stage) -> str | None:
    """The W&B id under which an interrupted run of this stage was followed, whatever else is wrong with its checkpoint."""
    for folder in sorted(s.checkpoints.glob("step-*"), reverse=True):
        try:
            found = json.loads((folder / "state.json").read_text(encoding="utf-8")).get("tracking_id")
        except (OSError, ValueError, AttributeError):
            continue
        return found if isinstance(found, str) else None
    return None
