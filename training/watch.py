"""A training run looks at its own features, and says so when they collapse, or when memory or disk run out.

    fit(task, s, knobs, hardware, clip, callbacks=[watch(s, data)])    # sections `watch` and `notify` of params.yaml

Every `watch.every_steps` optimizer steps, and at the end of each epoch, the model's features (`task.features`) of the same validation images are measured, each
level by itself; what is found goes to every logger, with the losses of that step (figures: training/feature_statistics.py):

    watch_loss, watch_loss_level_<n>
    watch_variance_level_<n>, watch_mean_cosine_level_<n>    over images, of the mean over an image's cells
    watch_effective_rank_level_<n>    RankMe, over cells: of an image's mean it is small in every untrained network
    watch_knn_level_<n>    where images have classes: share of one half whose class the other half tells by the nearest neighbours
    watch_alarm            1 at a look that found a collapse

A look changes nothing of the run: no random number is drawn, no weight moved. What it decides is the same on all processes. What is remembered between two
looks is kept in checkpoints, so a run whose learning rate an alarm has lowered goes on bit for bit, too.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import lightning as L
import torch
from torch import Tensor
from torch.distributed.fsdp import FSDPModule

from contracts.errors import InputError
from contracts.knobs import PARAMS, Notify, Watching, load_notify, load_watch
from contracts.notify import Message, send
from contracts.stage import Stage, rank
from training.distribution import zero_stage
from training.feature_statistics import effective_rank, knn_predictions, mean_cosine, variance
from training.loop import Data, Task
from training.models.encoder import content_mask
from training.resources import gpu_memory_share, memory_share
from training.resume import Keeper
from training.screen_batch import ScreenBatch
from training.tracking import write_metrics

# Probe images are kept in memory: no more than so many bytes of them.
_PROBE_BYTES = 512 << 20
_NEIGHBOURS, _TEMPERATURE = 20, 0.07
# Along each side of an image.
_CELLS = 4
# Fewer than this tell nothing from chance.
_LEAST_QUERIES = 100
# Memory and disk are looked at this often, by the clock.
_RESOURCE_SECONDS = 30.0


def watch(s: Stage, data: Data[Any]) -> "Watch":
    """The callback for a run that reads `data`. Classes come from the validation split's `class_of`, where it has one."""
    return Watch(s, load_watch(), load_notify(), data.val, getattr(data.val, "class_of", None))


@dataclass
class Findings:
    """What a look found: `metrics` by name, and in words what is wrong."""

    metrics: dict[str, float] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


def judge(metrics: dict[str, float], lowest_loss: float | None, chance: float | None, ranks: list[int], settings: Watching) -> list[str]:
    """In words what of a look's figures is a collapse. `ranks` by level: the largest that there can be, the dimension or the number of cells; `chance` is
    the share of the largest class, None if too few images have classes; `lowest_loss` that of earlier looks.
    """
    wrong = []
    for level in range(len(ranks)):
        found = metrics[f"watch_variance_level_{level}"]
        if found < settings.variance_below:
            wrong.append(f"the features' variance on level {level} is {found:.3g}, below {settings.variance_below:g}")
    # Levels of few cells have features of low rank even in a network that is well.
    level = max(range(len(ranks)), key=lambda level: metrics[f"watch_effective_rank_level_{level}"] / ranks[level])
    found = metrics[f"watch_effective_rank_level_{level}"]
    if found < settings.rank_share_below * ranks[level]:
        wrong.append(
            f"the features' effective rank is {found:.3g} on level {level} and no better on others, below {settings.rank_share_below:.0%} of {ranks[level]}"
        )
    if chance is not None:
        best = max(metrics[f"watch_knn_level_{level}"] for level in range(len(ranks)))
        if best <= chance + settings.knn_above_chance:
            wrong.append(f"nearest neighbours tell {best:.1%} of the classes, and the largest class is {chance:.1%}")
    loss = metrics["watch_loss"]
    if lowest_loss is not None and loss - lowest_loss > settings.loss_rise * abs(lowest_loss):
        wrong.append(f"the loss is {loss:.4g}, more than {settings.loss_rise:.0%} above the {lowest_loss:.4g} of a look before")
    return wrong


class Watch(L.Callback):
    """See the module's text. `probe` are batches whose first images are looked at; `class_of` gives their classes by image id."""

    def __init__(self, s: Stage, settings: Watching, notify: Notify, probe: Any, class_of: Callable[[Tensor], Tensor] | None = None):
        self._stage, self.settings, self._notify, self._source, self._class_of = s, settings, notify, probe, class_of
        self._probe: list[ScreenBatch] = []
        self._losses: dict[str, Tensor] = {}
        self._lowest: deque[float] = deque(maxlen=settings.loss_looks)
        self.collapses: list[str] = []
        """What was found wrong, look by look, in words; of an interrupted run too."""
        self._in_collapse = False
        self._short: set[str] = set()
        """What there was too little of at the last look."""
        self._looked_at = time.monotonic()

    def state_dict(self) -> dict[str, Any]:
        return {"losses": list(self._lowest), "collapses": self.collapses, "in_collapse": self._in_collapse}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._lowest.extend(state_dict["losses"])
        self.collapses, self._in_collapse = list(state_dict["collapses"]), state_dict["in_collapse"]

    def on_train_batch_end(self, trainer: L.Trainer, module: Task, outputs: Any, batch: Any, batch_idx: int) -> None:  # type: ignore[override]
        if not self.settings.every_steps:
            return
        if batch_idx % module.plan.accumulation == 0:
            self._losses = {name: torch.zeros_like(value) for name, value in module.latest.items()}
        for name, value in module.latest.items():
            self._losses[name] += value / module.plan.accumulation
        if (batch_idx + 1) % module.plan.accumulation:
            return
        # Too few images are an error only where a look was asked for.
        ends = trainer.is_last_batch and self._source.order.screens >= max(2, trainer.world_size)
        if ends or trainer.global_step % self.settings.every_steps == 0:
            self._look(trainer, module)
        if time.monotonic() - self._looked_at > _RESOURCE_SECONDS and rank() == 0:
            self._looked_at = time.monotonic()
            self.check_resources(_keeper(trainer), module.device)

    def on_train_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        self._stage.report({"collapse_alarms": len(self.collapses)})

    # --- features

    def _look(self, trainer: L.Trainer, task: Task) -> None:
        names = [name for name in self._losses if name == "loss" or name.startswith("loss_level_")]
        losses = trainer.strategy.reduce(torch.stack([self._losses[name] for name in names]), reduce_op="mean").tolist()
        found = Findings({f"watch_{name}": value for name, value in zip(names, losses, strict=True)})
        ids, levels, cells = self._features(trainer, task)
        chance = None
        broken = [str(level) for level, x in enumerate(levels) if not x.isfinite().all()]
        if broken:
            found.wrong = [f"the features on level {', '.join(broken)} are not finite"]
        else:
            for level, x in enumerate(levels):
                found.metrics |= {
                    f"watch_variance_level_{level}": float(variance(x)), f"watch_mean_cosine_level_{level}": float(mean_cosine(x)),
                    f"watch_effective_rank_level_{level}": float(effective_rank(cells[level])),
                }  # fmt: skip
            chance = self._neighbours(ids, levels, found.metrics)
        if not broken and trainer.global_step >= self.settings.from_step:
            found.wrong = judge(found.metrics, min(self._lowest, default=None), chance, [min(x.shape) for x in cells], self.settings)
        found = trainer.strategy.broadcast(found)
        write_metrics(trainer, found.metrics | {"watch_alarm": float(bool(found.wrong))})
        self._lowest.append(found.metrics["watch_loss"])
        if found.wrong and not self._in_collapse:
            self._act(trainer, task, found)
        elif not found.wrong:
            self._in_collapse = False

    @torch.no_grad()
    def _features(self, trainer: L.Trainer, task: Task) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """Image ids [N] in order, and each level's features of all processes' probe images: mean over an image's cells [N, C], and some cells [M, C]."""
        if not self._probe:
            self._probe = self._read_probe(trainer.world_size)
        with _as_evaluated(task), _whole_weights(task), task.autocast():
            batches = [probe.to(task.device) for probe in self._probe]
            found = [(batch.image_ids, [_of_content(level, batch) for level in task.features(batch)]) for batch in batches]
        if trainer.world_size > 1:
            found = task._of_all_ranks([(ids.cpu(), [(mean.cpu(), cells.cpu()) for mean, cells in levels]) for ids, levels in found])
        ids = torch.cat([ids for ids, _ in found])
        order, by_level = ids.argsort(), list(zip(*(levels for _, levels in found), strict=True))
        means = [torch.cat([mean for mean, _ in parts])[order] for parts in by_level]
        return ids[order], means, [torch.cat([cells for _, cells in parts]) for parts in by_level]

    def _read_probe(self, world_size: int) -> list[ScreenBatch]:
        """This process's share: as many whole images on each, since processes whose weights are split compute together."""
        found: list[ScreenBatch] = []
        wanted, number = 0, 0
        for batch in self._source:
            most = min(self.settings.probe_images, self._source.order.screens, _PROBE_BYTES // batch.images[0].numel())
            wanted = most // world_size
            if number < wanted:
                found.append(_first(batch, wanted - number))
                number += len(found[-1])
            if number >= wanted:
                break
        if wanted * world_size < 2:
            raise InputError("has too few images to look at.", field="validation split", found=wanted * world_size, fix="Set watch.every_steps to 0.")
        return found

    def _neighbours(self, ids: Tensor, levels: list[Tensor], metrics: dict[str, float]) -> float | None:
        """The class of one half of the images by the nearest of the other half; the share of the largest class, if there are enough images to tell."""
        if self._class_of is None or len(ids) < 2 * _NEIGHBOURS:
            return None
        # Halves by chance, always the same: in order of their ids, classes may take turns.
        shuffled = torch.randperm(len(ids), generator=torch.Generator().manual_seed(0)).to(ids.device)
        bank, queries = shuffled.tensor_split(2)
        classes = self._class_of(ids)
        number = int(classes.max()) + 1
        for level, x in enumerate(levels):
            predicted = knn_predictions(x[bank].float(), classes[bank], x[queries].float(), number, _NEIGHBOURS, _TEMPERATURE)
            metrics[f"watch_knn_level_{level}"] = float((predicted == classes[queries]).float().mean())
        return float(torch.bincount(classes[queries]).max() / len(queries)) if len(queries) >= _LEAST_QUERIES else None

    def _act(self, trainer: L.Trainer, task: Task, found: Findings) -> None:
        step, actions = trainer.global_step, self.settings.on_collapse
        words = f"COLLAPSE at step {step}: " + "; ".join(found.wrong)
        self.collapses.append(words)
        # A run that is stopped stops again where it goes on as it was.
        self._in_collapse = "stop" not in actions
        if "log" in actions:
            self._stage.log(words)
        if "notify" in actions and rank() == 0:
            send(Message(f"{self._stage.name}: collapse", words, "error", {"step": step, **found.metrics}), self._notify, self._stage.log)
        if "lower_rate" in actions:
            task.lower_rate(self.settings.rate_factor)
            self._stage.log(f"the learning rate is {self.settings.rate_factor:g} times what it was")
        if "checkpoint" in actions:
            _keeper(trainer).save_soon()
        if "stop" in actions:
            fix = f"Look at the curves; begin anew with other settings (after removing {self._stage.checkpoints}), or take `stop` out to go on."
            _keeper(trainer).stop_soon(InputError(f"{words}.", file=PARAMS, field="watch.on_collapse", found="stop", fix=fix))

    # --- memory and disk

    def check_resources(self, keeper: Keeper, device: torch.device) -> None:
        """Say once, until it is over, that memory or disk run out; make room on the disk."""
        low = int(self.settings.disk_free_gib * (1 << 30))
        if keeper.folder.free() < low and (given_back := keeper.folder.make_room()):
            self._stage.log(f"the disk was low: older checkpoints are removed, {given_back >> 20} MiB")
        free, memory, gpu = keeper.folder.free(), memory_share(), gpu_memory_share(device)
        short = {}
        if free < low:
            short["disk"] = f"{free / (1 << 30):.2f} GiB are free where {keeper.folder.folder} is, less than {self.settings.disk_free_gib:g}"
        for name, share in (("memory", memory), ("GPU memory", gpu)):
            if share is not None and share > self.settings.memory_above:
                short[name] = f"{share:.0%} of the {name} is in use, more than {self.settings.memory_above:.0%}"
        for name in short.keys() - self._short:
            self._stage.log(f"LOW ON {name.upper()}: {short[name]}")
            send(Message(f"{self._stage.name}: low on {name}", short[name], "warning"), self._notify, self._stage.log)
        self._short = set(short)


def _keeper(trainer: L.Trainer) -> Keeper:
    return next(callback for callback in trainer.callbacks if isinstance(callback, Keeper))  # type: ignore[attr-defined]


@contextmanager
def _as_evaluated(task: Task) -> Iterator[None]:
    """Without dropout and the like, and then as it was: some modules never are in training."""
    before = {module: module.training for module in task.modules()}
    task.eval()
    try:
        yield
    finally:
        for module, training in before.items():
            module.training = training


@contextmanager
def _whole_weights(task: Task) -> Iterator[None]:
    """Weights that are split over processes are brought together, as features are asked for beside `forward`, which would do it."""
    if zero_stage(task.trainer.strategy) == 3:
        import deepspeed

        with deepspeed.zero.GatheredParameters(list(task.model.parameters())):
            yield
        return
    split = [module for module in task.model.modules() if isinstance(module, FSDPModule)]
    for module in split:
        module.unshard()
    yield
    for module in split:
        module.reshard()


def _first(batch: ScreenBatch, number: int) -> ScreenBatch:
    return ScreenBatch(
        batch.images[:number].clone(), batch.boxes[:number], batch.labels[:number], batch.image_ids[:number], batch.content_hw[:number],
        batch.original_hw[:number],
    )  # fmt: skip


def _of_content(level: Tensor, batch: ScreenBatch) -> tuple[Tensor, Tensor]:
    """Of the cells of a level [B, C, h, w] that hold some of the image: their mean [B, C], and up to 4 x 4 of each image, evenly spread [M, C]."""
    (height, width), (rows, columns) = batch.images.shape[-2:], level.shape[-2:]
    filled = -(-batch.content_hw * torch.tensor([rows, columns], device=level.device) // torch.tensor([height, width], device=level.device))
    mask, level = content_mask(filled, rows, columns), level.float()
    mean = (level * mask[:, None]).sum((-2, -1)) / mask.sum((-2, -1))[:, None]
    down, across = (-(-side // _CELLS) for side in (rows, columns))
    return mean, level.permute(0, 2, 3, 1)[:, ::down, ::across][mask[:, ::down, ::across]]
