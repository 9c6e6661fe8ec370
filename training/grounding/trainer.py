"""Supervised fine-tuning of the grounder with Hugging Face's Trainer, kept as safely as every other run here.

The Trainer steps, clips, schedules, spreads (DDP, ZeRO) and writes checkpoints; this module gives it batches (packed, features of the frozen tower from a
cache), seals each checkpoint (whole or not at all, with sums of its files) and takes up the newest whole one. On a CPU a run that was killed and run again
is the uninterrupted one, bit for bit. Checkpoints hold pickled optimizer states, which are read without running code.
"""

import contextlib
import errno
import itertools
import json
import math
import os
import re
import shutil
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TextIO

import torch
from torch.utils.data import DataLoader, Dataset
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from contracts.errors import InputError
from contracts.files import sha256, write_json
from contracts.knobs import PARAMS, GrounderExecution, Hardware, Runs, accumulation, load_runs, load_tracking
from contracts.stage import Stage, code_revision, progress, rank
from training.checkpoints import clear_partial, force, json_sha256, newest_first, newest_whole, remove, room
from training.config import GrounderTrainingKnobs
from training.distribution import let_deepspeed_use_cpus, world
from training.grounding.encoding import Encoded, Encoder
from training.grounding.packing import Order, micro_batches, packed, padded
from training.grounding.vision_cache import VisionCache
from training.models.grounder import core, count, vision_tower
from training.tracking import JsonLinesLogger, close, gpu_metrics, loggers, replay

_POINTS = 100
_STATE = "state.json"
_SCHEDULES = {"linear": "linear", "cosine": "cosine", "constant": "constant_with_warmup"}
DTYPES = {"32-true": torch.float32, "bf16-mixed": torch.float32, "bf16-true": torch.bfloat16}


class MicroBatches(Dataset):  # type: ignore[type-arg]
    """All micro-batches of one process, over all epochs. The n-th is the same however often and from wherever a run is taken up."""

    def __init__(
        self, samples: Sequence[Any], encoder: Encoder, order: Order, knobs: GrounderTrainingKnobs, hardware: Hardware, accumulation: int, *,
        with_pixels: bool,
    ):  # fmt: skip
        self.samples, self.encoder, self.order, self.accumulation = samples, encoder, order, accumulation
        self._knobs, self._micro_batch, self._world_size = knobs, hardware.micro_batch, hardware.devices
        self._with_pixels = with_pixels
        self._encoded: dict[int, Encoded] = {}

    def __len__(self) -> int:
        return self._knobs.epochs * self.order.steps_per_epoch * self.accumulation

    def __getitem__(self, number: int) -> dict[str, Any]:
        step, micro = divmod(number, self.accumulation)
        parts = micro_batches(self.order.step(step), self._micro_batch, rank(), self._world_size)
        numbers = next(itertools.islice(parts, micro, None))
        samples = [self.encoded(n) for n in numbers]
        padding = self.encoder.processor.tokenizer.pad_token_id
        batch = packed(samples) if self._knobs.batching == "packed" else padded(samples, padding, "right")
        pictured = [(n, s) for n, s in zip(numbers, samples, strict=True) if s.image is not None]
        if self._with_pixels and pictured:
            batch["pixel_values"] = torch.cat([self.encoder.pixels(self.samples[n].image) for n, _ in pictured])
            batch["image_grid_thw"] = torch.cat([s.grids for _, s in pictured])
        elif pictured:
            batch["images"] = [(n, s.image, s.grids[0].tolist()) for n, s in pictured]
        return batch

    def encoded(self, number: int) -> Encoded:
        """A sample's tokens; as many as fit into some 100 MB are kept between epochs."""
        found = self._encoded.get(number)
        if found is None:
            found = self.encoder(self.samples[number])
            if self._knobs.epochs > 1 and len(self._encoded) < 10_000:
                self._encoded[number] = found
        return found


class GrounderTrainer(Trainer):
    """Trainer whose batches come from `MicroBatches` and whose checkpoints are sealed."""

    def __init__(self, *, batches: MicroBatches, num_workers: int, cache: VisionCache | None, keeper: "Keeper", **kwargs: Any):
        super().__init__(**kwargs)
        self._batches, self._num_workers, self._cache, self._keeper = batches, num_workers, cache, keeper
        self._writing: Path | None = None

    def get_train_dataloader(self) -> Any:
        # One item is one micro-batch of this process; Accelerate must neither batch nor spread them again.
        return DataLoader(self._batches, batch_size=1, shuffle=False, num_workers=self._num_workers, collate_fn=_only)

    def compute_loss(self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None) -> Any:
        images = inputs.pop("images", None)
        if images is not None:
            assert self._cache is not None
            samples = self._batches.samples
            inputs["features"] = self._cache([(name, grid, lambda n=n: samples[n].image) for n, name, grid in images])
        outputs = model(**inputs)
        return (outputs["loss"], outputs) if return_outputs else outputs["loss"]

    def _get_output_dir(self, trial: Any) -> str:
        return str(self._writing or self.args.output_dir)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """What the Trainer writes, but into a folder of another name, which then becomes the checkpoint at once."""
        with self._keeper.writing(self.state.global_step) as folder:
            if folder is None:
                return
            self._writing = folder.parent
            try:
                super()._save_checkpoint(model, trial)
            finally:
                self._writing = None
            if self.args.world_size > 1:
                torch.distributed.barrier()

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        super()._save(output_dir, state_dict)
        for name in ("training_args.bin", "README.md"):  # pickled settings, which stand in state.json; a form for a model hub
            (Path(str(output_dir)) / name).unlink(missing_ok=True)


class Keeper:
    """The checkpoints of one run: `<folder>/step-00000500/`, what the Trainer writes and `state.json`: of what run, sums of the files, its own sum."""

    def __init__(self, folder: Path, identity: dict[str, Any], keep_last: int, log: Callable[[str], None]):
        self.folder, self._identity, self._keep_last, self._log = folder, identity, keep_last, log
        self.saved_at = time.monotonic()

    @contextlib.contextmanager
    def writing(self, step: int) -> Iterator[Path | None]:
        """Where the Trainer is to write (`.../checkpoint-<step>`); sealed and renamed afterwards by rank 0. None, and a loud line, where there is no room."""
        outer = self.folder / f".step-{step:08d}.partial"
        try:
            if rank() == 0:
                shutil.rmtree(outer, ignore_errors=True)
                outer.mkdir(parents=True)
            yield outer / f"checkpoint-{step}"
            if rank() == 0:
                self._seal(outer / f"checkpoint-{step}", step)
        except Exception as error:
            if not _is_disk_full(error):
                raise
            self._log(f"NO CHECKPOINT at step {step}, the disk is full: free some space, or lower grounder_execution.keep_last ({error})")
        finally:
            self.saved_at = time.monotonic()
            if rank() == 0:
                shutil.rmtree(outer, ignore_errors=True)

    def _seal(self, written: Path, step: int) -> None:
        files = sorted(path for path in written.rglob("*") if path.is_file())
        state = self._identity | {
            "step": step, "files": {str(f.relative_to(written)): {"bytes": f.stat().st_size, "sha256": sha256(f)} for f in files},
        }  # fmt: skip
        write_json(written / _STATE, state | {"sha256": json_sha256(state)})
        for path in (*files, written / _STATE, written):
            force(path)
        place = self.folder / f"step-{step:08d}"
        shutil.rmtree(place, ignore_errors=True)
        written.rename(place)
        force(self.folder)
        for old in newest_first(self.folder)[self._keep_last :]:
            remove(old)

    def newest(self) -> Path | None:
        """The newest that is whole; damaged ones are named and passed over; None if there is none. InputError if it is of another run, or none is whole."""
        if rank() == 0:
            clear_partial(self.folder, self._log)
        found = newest_whole(self.folder, lambda folder: (folder, _read_state(folder)), self._log)
        if found is None:
            return None
        self._require_same(*found)
        self._log(f"goes on from {found[0]}")
        return found[0]

    def _require_same(self, folder: Path, state: dict[str, Any]) -> None:
        remove = f"or remove {self.folder} to begin anew."
        mine = self._identity
        if state["dataset_version"] != mine["dataset_version"]:
            raise InputError(
                f"was made while learning from another dataset version; this is {mine['dataset_version']}.", file=folder, field="dataset_version",
                found=state["dataset_version"], fix=f"Restore that version of data.dvc, {remove}",
            )  # fmt: skip
        if state["knobs_sha256"] != mine["knobs_sha256"]:
            had, have = state["knobs"], mine["knobs"]
            changes = ", ".join(f"{k} was {had.get(k)} and is {have.get(k)}" for k in sorted(had.keys() | have.keys()) if had.get(k) != have.get(k))
            raise InputError(f"was made with other settings: {changes}.", file=folder, field="knobs", fix=f"Restore these settings, {remove}")
        zero = any(what["launcher"].startswith("deepspeed") for what in (state, mine))
        for name in ("base", *(("launcher", "devices") if zero else ())):
            if state[name] != mine[name]:
                raise InputError(
                    f"was made with another {name}; now it is {mine[name]}.", file=folder, field=name, found=state[name], fix=f"Restore it, {remove}"
                )
        if state["code_revision"] != mine["code_revision"]:
            self._log(f"that checkpoint was made by code revision {state['code_revision']}; this is {mine['code_revision']}")


def _read_state(folder: Path) -> dict[str, Any]:
    """A checkpoint's state.json, its files checked against it. InputError that names what is wrong."""
    try:
        state: dict[str, Any] = json.loads((folder / _STATE).read_text(encoding="utf-8"))
        if state.pop("sha256") != json_sha256(state):
            raise ValueError("other contents than were written")
        for name, saved in state["files"].items():
            if (folder / name).stat().st_size != saved["bytes"] or sha256(folder / name) != saved["sha256"]:
                raise ValueError(f"{name} has other contents than were written")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            "is damaged.", file=folder, found=f"{type(error).__name__}: {error}", fix="An earlier one is used if there is one."
        ) from None
    return state


class Watcher(TrainerCallback):
    """Curves, the progress bar, checkpoints by the clock, and an orderly end when the process is told to end."""

    def __init__(
        self,
        sinks: list[Any],
        log_every: int,
        keeper: Keeper,
        runs: Runs,
        execution: GrounderExecution,
        name: str,
        steps: int,
        tokens_per_step: float,
    ):
        self._sinks, self._log_every, self._keeper, self._runs, self._execution = sinks, log_every, keeper, runs, execution
        self._bar = progress([], name, total=steps)
        self._tokens_per_step = tokens_per_step
        self._began, self._point = time.perf_counter(), (0, time.perf_counter())
        self.signal: int | None = None
        self._handlers: dict[int, Any] = {}

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            self._handlers[number] = signal.signal(number, self._told)
        rows = [row for i in range(len(state.log_history)) if (row := self._row(state.log_history[: i + 1])) is not None]
        if rows:
            replay(self._sinks, [{"seconds": 0.0, **row} for row in rows])
        self._bar.update(state.global_step)
        self._point = (state.global_step, time.perf_counter())

    def _told(self, number: int, frame: Any) -> None:
        if self.signal is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal = number

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
        late = time.monotonic() - self._keeper.saved_at >= 60 * self._runs.checkpoint_minutes
        told, late = _any_rank([self.signal is not None, late])
        control.should_save = told or late or state.global_step % self._execution.save_steps == 0 or state.global_step == state.max_steps
        control.should_training_stop = control.should_training_stop or told
        return control

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        latest = state.log_history[-1]
        if "loss" not in latest:
            return
        if not math.isfinite(latest["loss"]):
            raise InputError(
                f"the loss is not finite at step {state.global_step}: training diverged.", file=PARAMS, field="learning_rate",
                found=latest["loss"], fix=f"Lower it, and remove {self._keeper.folder} to begin anew; an earlier checkpoint in it is whole.",
            )  # fmt: skip
        self._bar.update(state.global_step - self._bar.n)
        self._bar.set_postfix_str(f"loss {latest['loss']:.4f}", refresh=False)
        row = self._row(state.log_history)
        if row is None:
            return
        before, self._point = self._point, (state.global_step, time.perf_counter())
        row["tokens_per_second"] = (self._point[0] - before[0]) * self._tokens_per_step / max(1e-9, self._point[1] - before[1])
        row |= gpu_metrics(args.device)
        for sink in self._sinks:
            sink.log_metrics({k: v for k, v in row.items() if k != "step"}, step=int(row["step"]))

    def _row(self, history: Sequence[dict[str, Any]]) -> dict[str, float] | None:
        """The point that the last entry of the history ends, if it ends one: the mean loss since the point before."""
        last = history[-1]
        step = last["step"]
        if "loss" not in last or (step % self._log_every and step != self._bar.total):
            return None
        since = [entry["loss"] for entry in history if "loss" in entry and entry["step"] > (step - 1) // self._log_every * self._log_every]
        return {
            "step": step, "epoch": last["epoch"], "loss": sum(since) / len(since), "learning_rate": last["learning_rate"],
            "gradient_norm": float(last["grad_norm"]),
        }  # fmt: skip

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.restore()

    def restore(self) -> None:
        """Give signals back to who had them."""
        self._bar.close()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers = {}


def _any_rank(wishes: list[bool]) -> list[bool]:
    """What any process wishes all do."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return wishes
    device = "cuda" if torch.distributed.get_backend() == "nccl" else "cpu"
    found = torch.tensor(wishes, dtype=torch.int32, device=device)
    torch.distributed.all_reduce(found, op=torch.distributed.ReduceOp.MAX)
    return [bool(value) for value in found.tolist()]


@dataclass(frozen=True)
class Run:
    """What a run is, besides its model: everything that does not change while it learns."""

    stage: Stage
    knobs: GrounderTrainingKnobs
    hardware: Hardware
    execution: GrounderExecution
    name: str
    """Of the progress bar, and of the folder of checkpoints."""

    @property
    def folder(self) -> Path:
        return self.stage.checkpoints / self.name


def arguments(run: Run) -> TrainingArguments:
    """Hugging Face's settings. Must be there before the model is loaded, which ZeRO-3 splits while it is read. InputError for a launcher that this stage
    does not have.
    """
    knobs, hardware = run.knobs, run.hardware
    quiet()
    world(hardware, run.stage.name)
    if hardware.launcher == "fsdp":
        raise InputError(
            "the grounder is spread by DDP or ZeRO.", file=PARAMS, field=f"hardware.{run.stage.name}.launcher", found="fsdp",
            fix="Set it to `deepspeed_stage_3`, which splits weights too.",
        )  # fmt: skip
    if run.execution.device_map == "auto" and hardware.launcher != "python":
        raise InputError(
            "device_map `auto` spreads one model over all GPUs of one process.", file=PARAMS, field="grounder_execution.device_map", found=hardware.launcher,
            fix="Set it to `one`, or the launcher to `python`.",
        )  # fmt: skip
    cpu = hardware.accelerator == "cpu"
    if cpu and hardware.launcher.startswith("deepspeed"):
        let_deepspeed_use_cpus()
    args = TrainingArguments(
        output_dir=str(run.folder), learning_rate=knobs.learning_rate, lr_scheduler_type=_SCHEDULES[knobs.schedule], warmup_steps=knobs.warmup_steps,
        num_train_epochs=1, per_device_train_batch_size=hardware.micro_batch, gradient_accumulation_steps=_accumulation(run),
        weight_decay=knobs.weight_decay, max_grad_norm=knobs.gradient_clip, bf16=knobs.precision != "32-true", seed=knobs.seed, data_seed=knobs.seed,
        logging_steps=1, logging_nan_inf_filter=False, save_strategy="no", eval_strategy="no", report_to=[], disable_tqdm=True,
        remove_unused_columns=False, use_cpu=cpu, ddp_backend=None if hardware.devices == 1 else "gloo" if cpu else "nccl",
        ddp_find_unused_parameters=False, deepspeed=_zero(run), optim="adamw_torch", full_determinism=False,
    )  # fmt: skip
    if args.deepspeed is not None:
        import deepspeed

        assert args.device is not None  # asked for, it lets the processes find each other
        deepspeed.init_distributed(
            dist_backend="gloo" if cpu else "nccl", auto_mpi_discovery=False
        )  # and DeepSpeed know of it before ZeRO-3 reads a model
    return args


def _accumulation(run: Run) -> int:
    return accumulation(run.knobs.global_batch, run.hardware, run.stage.name)


def _zero(run: Run) -> dict[str, Any] | None:
    stages = {"deepspeed_stage_1": 1, "deepspeed": 2, "deepspeed_stage_3": 3}
    if run.hardware.launcher not in stages:
        return None
    return {
        "zero_optimization": {"stage": stages[run.hardware.launcher], "stage3_gather_16bit_weights_on_model_save": True},
        "train_micro_batch_size_per_gpu": "auto", "train_batch_size": "auto", "gradient_accumulation_steps": "auto", "gradient_clipping": "auto",
        "bf16": {"enabled": "auto"}, "zero_allow_untested_optimizer": True,
    }  # fmt: skip


def fit(
    run: Run, args: TrainingArguments, model: Any, processor: Any, samples: Sequence[Any], base: str, cache: VisionCache | None = None
) -> tuple[Trainer, dict[str, float]]:
    """Train `model` (frozen and adapted as it is) to the end of the plan, from where an interrupted run was. The Trainer, whose `save_model` writes the
    finished weights whole whatever they were split over, and what to report.

    `base` says what the model was before, so that a checkpoint is not taken up on another. `cache` may hold features from runs before on the same tower.
    Curves go to the stage's folder.
    """
    knobs, hardware, s = run.knobs, run.hardware, run.stage
    runs = load_runs()
    encoder = Encoder(processor, knobs.max_tokens)
    order = _order(run, encoder, samples)
    cache = cache or vision_cache(run, encoder, model)
    batches = MicroBatches(samples, encoder, order, knobs, hardware, _accumulation(run), with_pixels=cache is None)
    tokens_per_step = _count_tokens(run, batches)
    steps = knobs.epochs * order.steps_per_epoch
    identity = {
        "dataset_version": s.dataset_version, "knobs": knobs.model_dump(mode="json"), "knobs_sha256": json_sha256(knobs.model_dump(mode="json")),
        "code_revision": code_revision(), "base": base, "launcher": hardware.launcher, "devices": hardware.devices,
    }  # fmt: skip
    keeper = Keeper(run.folder, identity, run.execution.keep_last, s.log)
    _require_room(run, model)
    resume = keeper.newest()
    sinks = loggers(s, load_tracking(), knobs.model_dump(mode="json"), None) if rank() == 0 and run.name == "run" else []
    watcher = Watcher(sinks, max(1, steps // _POINTS), keeper, runs, run.execution, s.name if run.name == "run" else run.name, steps, tokens_per_step)
    if run.execution.gradient_checkpointing:
        _checkpoint_layers(model)
    if run.execution.liger:
        apply_liger(model, run)
    torch.use_deterministic_algorithms(runs.deterministic)
    trainer = GrounderTrainer(
        batches=batches,
        num_workers=hardware.num_workers,
        cache=cache,
        keeper=keeper,
        model=model,
        args=args,
        train_dataset=batches,
        callbacks=[watcher],
    )
    trainer.remove_callback(PrinterCallback)
    before = 0 if resume is None else int(resume.name.removeprefix("step-"))
    began = time.perf_counter()
    try:
        trainer.train(resume_from_checkpoint=str(resume) if resume is not None else None)
    except (RuntimeError, MemoryError) as error:
        if not _is_out_of_memory(error):
            raise
        raise _out_of_memory(run, error) from error
    finally:
        watcher.restore()
    if watcher.signal is not None and trainer.state.global_step < steps:
        s.log(f"told to end ({signal.Signals(watcher.signal).name}): stopped after step {trainer.state.global_step}; run the stage again to go on")
        raise SystemExit(128 + watcher.signal)
    close(sinks)
    for sink in sinks:
        if isinstance(sink, JsonLinesLogger):
            sink.write_curves(s.folder / "curves.csv")
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    tenth = max(1, len(losses) // 10)
    first, last = sum(losses[:tenth]) / tenth, sum(losses[-tenth:]) / tenth
    if last >= first and len(losses) > 1:
        s.log(
            f"THE LOSS DID NOT FALL ({first:.4f} in the first tenth of the run, {last:.4f} in the last). Look whether tokens are learned at all (the line "
            f"above that counts them), try another learning_rate (now {knobs.learning_rate:g}; 1e-6 to 2e-7 suit full fine-tuning of a trained model, 1e-5 "
            "to 2e-4 LoRA), and look at some samples."
        )
    seconds = time.perf_counter() - began
    counts = count(core(model))
    made = len(losses) - before
    return trainer, {
        "first_loss": first, "loss": last, "steps": float(trainer.state.global_step), "parameters": float(counts.total),
        "trained_parameters": float(counts.trained), "tokens_per_second": made * tokens_per_step / seconds,
        **({"images_computed": float(cache.computed), "images_reused": float(cache.reused)} if cache is not None else {}),
    }  # fmt: skip


def _order(run: Run, encoder: Encoder, samples: Sequence[Any]) -> Order:
    knobs = run.knobs
    if len(samples) < knobs.global_batch:
        raise InputError(
            f"is more than there are samples ({len(samples)}).", file=PARAMS, field=f"{run.stage.name}.global_batch", found=knobs.global_batch,
            fix="Lower it, or pack more samples.",
        )  # fmt: skip
    lengths = None
    if knobs.batching == "length_grouped":
        lengths = tuple(len(encoder(sample)) for sample in progress(samples, "lengths"))
    return Order(len(samples), knobs.global_batch, knobs.seed, lengths)


def vision_cache(run: Run, encoder: Encoder, model: Any) -> VisionCache | None:
    """As the settings say; None where the tower itself learns."""
    if run.execution.vision_cache == "none" or any(p.requires_grad for p in vision_tower(model).parameters()):
        return None
    folder = run.stage.checkpoints / "vision" if run.execution.vision_cache == "disk" else None
    size = encoder.processor.image_processor.size["longest_edge"]
    return VisionCache(vision_tower(model), encoder.pixels, size, int(run.execution.vision_cache_gib * 2**30), folder)


def _count_tokens(run: Run, batches: MicroBatches) -> float:
    """Tells how much of the first batches is learned; tokens of an optimizer step, about."""
    steps = range(min(4, batches.order.steps_per_epoch))
    found = [batches.encoded(n) for step in steps for n in batches.order.step(step)]
    tokens, trained = sum(map(len, found)), sum(sample.trained for sample in found)
    run.stage.log(
        f"{len(batches.samples)} samples, {batches.order.steps_per_epoch} steps an epoch; in the first {len(found)}: {tokens / len(found):.0f} tokens each, of "
        f"which {trained / len(found):.1f} are learned and {(tokens - trained) / len(found):.1f} are not (screens, questions, format)"
    )
    return tokens / len(steps)


def _require_room(run: Run, model: Any) -> None:
    """InputError if the disk cannot take the kept checkpoints and one more while it is written."""
    trained = [p for p in model.parameters() if p.requires_grad]
    written = trained if hasattr(model, "peft_config") else list(model.parameters())
    needed = sum(p.numel() * p.element_size() for p in written) + sum(2 * p.numel() * p.element_size() for p in trained)
    needed *= run.execution.keep_last + 1
    free = room(run.folder)
    if free < needed:
        raise InputError(
            f"the disk has no room for this run's checkpoints: {needed >> 20} MB are needed.", file=run.folder, found=f"{free >> 20} MB free",
            fix=f"Free some, lower grounder_execution.keep_last (now {run.execution.keep_last}) in params.yaml, or choose method lora, whose checkpoints are "
            "small.",
        )  # fmt: skip


def _checkpoint_layers(model: Any) -> None:
    grounder = core(model)
    enable = getattr(grounder, "activation_checkpointing_enable", None)
    if enable is not None:
        enable(activation_checkpointing_kwargs={"use_reentrant": False})
    else:  # transformers before 5.20
        grounder.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})


def apply_liger(model: Any, run: Run) -> None:
    """Liger's kernels for norms and MLPs. Its fused loss is not taken: logits exist for the trained tokens alone anyway. InputError without the package or
    a GPU.
    """
    if find_spec("liger_kernel") is None or run.hardware.accelerator != "gpu":
        raise InputError(
            "Liger's kernels need a GPU and the package liger-kernel.", file=PARAMS, field="grounder_execution.liger", found=run.hardware.accelerator,
            fix="Install it (`pip install liger-kernel`) on a host with a GPU, or set liger to false.",
        )  # fmt: skip
    from liger_kernel.transformers import _apply_liger_kernel_to_instance

    _apply_liger_kernel_to_instance(model=core(model), fused_linear_cross_entropy=False, cross_entropy=False)


def _is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error) or "out of memory" in str(error)


def _out_of_memory(run: Run, error: BaseException) -> InputError:
    at = f"hardware.{run.stage.name}"
    return InputError(
        f"the {'GPU' if run.hardware.accelerator == 'gpu' else 'host'} has not enough memory for this run.", file=PARAMS, field=at,
        found=str(error).splitlines()[0] if str(error) else type(error).__name__,
        fix=f"In this order: lower {at}.micro_batch (now {run.hardware.micro_batch}; the global batch stays), set grounder_execution.gradient_checkpointing to "
        f"true (now {str(run.execution.gradient_checkpointing).lower()}), lower max_pixels, set method to lora, launcher to deepspeed_stage_3 or "
        "grounder_execution.device_map to auto to use more GPUs. Run the stage again: it goes on from its last checkpoint.",
    )  # fmt: skip


def _is_disk_full(error: BaseException) -> bool:
    return (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)) or "No space left on device" in str(error)


@contextlib.contextmanager
def disk_full(folder: Path) -> Iterator[None]:
    """An InputError with remedies where the finished model does not fit on the disk."""
    try:
        yield
    except Exception as error:
        if not _is_disk_full(error):
            raise
        raise InputError(
            "the disk is full: the finished model could not be written.", file=folder, found=str(error),
            fix="Free some space and run the stage again; it goes on from its last checkpoint and only writes. A merged model (knob `merged`) takes as much "
            "as the base model again.",
        ) from error  # fmt: skip


@contextlib.contextmanager
def console_log(file: Path) -> Iterator[None]:
    """What goes to the console also goes to `file`, without the states that a live progress bar passes through. Appends: a run that goes on has one log."""
    if rank() > 0:
        yield
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as log:
        before = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = _Tee(before[0], log), _Tee(before[1], log)  # type: ignore[assignment]
        try:
            yield
        finally:
            sys.stdout, sys.stderr = before


class _Tee:
    """A console that also writes whole lines to a file."""

    def __init__(self, console: TextIO, log: TextIO):
        self._console, self._log, self._line = console, log, ""

    def write(self, text: str) -> int:
        self._console.write(text)
        *whole, self._line = (self._line + text).split("\n")
        for line in whole:
            shown = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", line.split("\r")[-1]).rstrip()
            if shown:
                self._log.write(shown + "\n")
        self._log.flush()
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._console, name)


def _only(items: list[Any]) -> Any:
    return items[0]


def quiet() -> None:
    """What a reader of the log cannot act on."""
    import transformers
    from transformers.utils import logging

    transformers.logging.set_verbosity_error()
    logging.disable_progress_bar()
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing.*", category=FutureWarning)
    warnings.filterwarnings("ignore", message=".*pin_memory.*no accelerator.*")
