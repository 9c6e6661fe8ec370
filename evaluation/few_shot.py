"""A detector tuned on a few labelled screens, from different starts by one recipe."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from contracts.errors import InputError
from contracts.knobs import Execution
from contracts.stage import artifact
from training.augmentation import augment
from training.config import TrainDetectorKnobs
from training.detector_task import detector_groups, detector_loss
from training.loop import warmup_cosine
from training.models.detector import Detector, build_detector
from training.models.encoder import CONFIG, SwinEncoder, VitEncoder, configure
from training.screen_batch import PackedScreen, collate
from training.train_detector import load_pretrained

# Share of the steps in which the learning rate rises.
_WARMUP = 0.1
_ENCODERS = {"mae": "pretrain_mae", "hjepa": "pretrain_hjepa"}


@dataclass(frozen=True)
class Start:
    """Where tuning begins. `kind`: `detector`, which has learned to find elements already (from folder `path`); `scratch`; `mae`, `hjepa` or `imagenet`, an
    encoder under a detector of fresh weights (`path`: of ImageNet's).
    """

    name: str
    kind: str
    path: Path | None = None

    @property
    def finds(self) -> bool:
        """Whether it finds anything before it is tuned."""
        return self.kind == "detector"

    @property
    def title(self) -> str:
        return {
            "detector": "the trained detector", "scratch": "fresh weights", "mae": "MAE's encoder", "hjepa": "H-JEPA's encoder",
            "imagenet": "ImageNet's encoder",
        }.get(self.name, self.name)  # fmt: skip


def build(start: Start, base: Detector, seed: int) -> Detector:
    """The detector that tuning begins with: all of `base`'s architecture, but H-JEPA's and MAE's encoders are those that were pretrained.

    InputError if the weights are not there or do not fit.
    """
    if start.kind == "detector":
        return base if start.path is None else Detector.from_pretrained(start.path)
    torch.manual_seed(seed)
    if start.kind in _ENCODERS:
        stage = _ENCODERS[start.kind]
        folder = artifact(stage) / ("encoder" if stage == "pretrain_hjepa" else "")
        name = json.loads((folder / CONFIG).read_text(encoding="utf-8"))["encoder"]
        model = build_detector(base.config.model_copy(update={"encoder": name}))
        load_pretrained(model.backbone, stage, name)
        return model
    model = build_detector(base.config)
    if start.kind == "imagenet":
        assert start.path is not None
        load_timm(model.backbone, start.path)
    return model


def load_timm(backbone: nn.Module, file: Path) -> None:
    """Fill an encoder with a timm checkpoint of the same name (safetensors; classifier, last norm and learned positions are left out).

    InputError if it cannot be read, or lacks a weight of the encoder, or has one of another shape.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    fix = "Set eval_transfer.imagenet to timm's model.safetensors of the encoder in train_detector.encoder, or to null."
    if not isinstance(backbone, SwinEncoder | VitEncoder):
        raise InputError("only Swin and ViT encoders take timm's weights.", field="train_detector.encoder", fix=fix)
    network: nn.Module = backbone.swin if isinstance(backbone, SwinEncoder) else backbone.vit
    try:
        found: dict[str, Tensor] = load_file(file)
    except FileNotFoundError:
        raise InputError("does not exist.", file=file, fix=fix) from None
    except (SafetensorError, OSError) as error:
        raise InputError(f"is not a readable safetensors file: {error}.", file=file, fix=fix) from None
    wanted = network.state_dict()
    for name, weight in wanted.items():
        if name not in found:
            raise InputError("is no checkpoint of this encoder: a weight is missing.", file=file, field=name, fix=fix)
        if found[name].shape != weight.shape:
            raise InputError(
                f"is no checkpoint of this encoder, which wants {list(weight.shape)}.", file=file, field=name, found=list(found[name].shape), fix=fix
            )
    network.load_state_dict({name: found[name] for name in wanted})


@dataclass(frozen=True)
class Tuned:
    """What tuning took, and the loss of its first and last step."""

    steps: int
    seconds: float
    first_loss: float
    last_loss: float


def tune(
    model: Detector, recipe: TrainDetectorKnobs, screens: Sequence[PackedScreen], *, steps: int, batch: int, rate: float, seed: int, device: str,
    execution: Execution,
) -> Tuned:  # fmt: skip
    """Train a detector on so few screens, in place, by the recipe that the line's detector was trained by (losses, decay, clipping, augmentation, noisy
    queries, the encoder's share of the rate), but for the number of steps, the batch and the peak learning rate `rate`: linear warm-up over a tenth of the
    steps, then a cosine to zero. Every pass over the screens has an order of its own, a function of `seed`.
    """
    own = recipe.model_copy(update={"seed": seed, "learning_rate": rate, "rate_scaling": "none"})
    configure(model.to(device).backbone, **execution.model_dump())
    model.train()
    torch.manual_seed(seed)
    optimizer = AdamW(detector_groups(model, own))
    schedule = LambdaLR(optimizer, lambda step: warmup_cosine(step, max(1, round(_WARMUP * steps)), steps))
    batch = min(batch, len(screens))
    started, losses = time.perf_counter(), []
    for step in range(steps):
        epoch, place = divmod(step, max(1, len(screens) // batch))
        order = np.random.default_rng([seed, epoch]).permutation(len(screens))[place * batch : (place + 1) * batch]
        at_once = collate((screens[i] for i in order), len(order)).to(device)
        if own.augmentation is not None:
            at_once = augment(at_once, own.augmentation, seed, epoch)
        elements = max(1, sum(len(labels) for labels in at_once.labels))
        with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=own.precision != "32-true"):
            _, loss, _ = detector_loss(model, own, at_once, elements, epoch)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), own.gradient_clip)
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
    model.eval()
    return Tuned(steps, time.perf_counter() - started, losses[0], losses[-1])
