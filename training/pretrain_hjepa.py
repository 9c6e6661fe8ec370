"""Hierarchical joint-embedding prediction (I-JEPA, arXiv:2301.08243, on several levels): see training/models/hjepa.py.

Reads artifacts/pack_beton. Writes artifacts/pretrain_hjepa/{model.safetensors, config.json, encoder/ (the averaged encoder alone), log.jsonl, curves.csv,
tensorboard/, wandb/}. With a recipe it reads other images instead and writes artifacts/<name>/:

    python -m training.pretrain_hjepa --recipe training/recipes/hjepa_cifar10_20.yaml --data cifar10.parquet --out hjepa_cifar10
"""

import argparse
import importlib.util
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.errors import InputError, run_command
from contracts.knobs import PARAMS, Hardware, load_execution, load_hardware, load_knobs
from contracts.stage import rank, stage
from training.config import AugmentationKnobs, ImageAugmentationKnobs, PretrainHjepaKnobs
from training.recipe import Recipe, changed, read_recipe

if TYPE_CHECKING:
    from training.image_sets import ImageSet
    from training.models.hjepa import HjepaConfig

_STAGE = "pretrain_hjepa"


def main() -> None:
    options = _options()
    import lightning as L

    from training.hjepa_task import HjepaTask
    from training.loop import fit, make_plan
    from training.models.encoder import configure
    from training.models.hjepa import HierarchicalJepa
    from training.watch import watch

    knobs, hardware = load_knobs(PretrainHjepaKnobs), load_hardware(_STAGE)
    recipe = read_recipe(options.recipe) if options.recipe else None
    if recipe:
        seed = {} if options.seed is None else {"seed": options.seed}
        knobs = changed(knobs, recipe.knobs | seed, options.recipe, "knobs")
        hardware = changed(hardware, recipe.hardware, options.recipe, "hardware")
    images = _images(options.data, recipe, knobs.encoder) if recipe else None
    with stage(options.out, knobs, hardware, dataset_version=images and images.version) as s:
        L.seed_everything(knobs.seed, verbose=False)
        data = _data(knobs, hardware, images, s.name)
        s.log(data.train.note)
        plan = make_plan(data.train.order.screens, knobs.global_batch, knobs.epochs, knobs.warmup_epochs, hardware, s.name)
        if knobs.regulariser != "none" and plan.accumulation > 1:
            raise InputError(
                f"looks at the whole global batch of {knobs.global_batch} at once, and devices x micro_batch is {hardware.devices * hardware.micro_batch}.",
                file=options.recipe or PARAMS, field=f"{_STAGE}.regulariser", found=knobs.regulariser,
                fix=f"Set hardware.{_STAGE}.micro_batch to global_batch / devices, or the regulariser to `none`.",
            )  # fmt: skip

        model = HierarchicalJepa(config_of(knobs, data.train.image_size))
        for pyramid in {model.online, model.target}:
            configure(pyramid.encoder, **load_execution().model_dump())
        results = fit(HjepaTask(model, knobs, plan, data), s, knobs, hardware, knobs.gradient_clip, [watch(s, data)])
        if rank() == 0:
            model.save_pretrained(s.folder)
        s.report(results)


def config_of(knobs: PretrainHjepaKnobs, image_size: tuple[int, int]) -> "HjepaConfig":
    """The model of these settings for images of (height, width)."""
    from training.models.hjepa import HjepaConfig

    shape = {name: getattr(knobs, name) for name in HjepaConfig.model_fields if hasattr(knobs, name)}
    return HjepaConfig(
        image_size=image_size, averaged=knobs.target_encoder == "ema", learned_weights=knobs.level_weights == "learned",
        projector_dim=knobs.multi_crop and knobs.multi_crop.projector_dim, **shape,
    )  # fmt: skip


def _images(source: Path, recipe: Recipe, encoder: str) -> "ImageSet":
    import torch

    from training.image_sets import read_images
    from training.models.encoder import build_encoder

    with torch.device("meta"):  # for its cell alone, which is the same for images of any size
        cell = build_encoder(encoder, recipe.image_size or (256, 256)).cell
    return read_images(source, recipe.image_size, patch=cell, corrupt_limit=recipe.corrupt_limit)


def _data(knobs: PretrainHjepaKnobs, hardware: Hardware, images: "ImageSet | None", name: str) -> Any:
    """The images' two splits, or those of the line's screens. InputError for augmentation of the other kind."""
    from training.image_sets import open_images
    from training.loop import open_data

    wanted = AugmentationKnobs if images is None else ImageAugmentationKnobs
    if not isinstance(knobs.augmentation, wanted | None):
        raise InputError(
            f"is not for {'screens' if images is None else 'images that are no screens'}: {wanted.__name__} in training/config.py is.",
            field=f"{_STAGE}.augmentation", found=type(knobs.augmentation).__name__, fix="Use its keys, or null.",
        )  # fmt: skip
    if images is None:
        return open_data(hardware, knobs.seed, name, knobs.augmentation)
    return open_images(images, hardware, knobs.seed, name, knobs.augmentation)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m training.pretrain_hjepa", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recipe", type=Path, metavar="FILE", help="what is other than in params.yaml; see training/recipe.py")
    parser.add_argument(
        "--data", type=Path, metavar="PATH", help="the recipe's images: a Parquet file, torchvision's CIFAR or a folder <split>/<class>/<image>"
    )
    parser.add_argument("--out", default=_STAGE, metavar="NAME", help="of the folder in artifacts/ (default: %(default)s)")
    parser.add_argument("--seed", type=int, metavar="N", help="other than the recipe's")
    options = parser.parse_args()
    if options.seed is not None and options.recipe is None:
        raise InputError("belongs to a recipe.", field="--seed", found=options.seed, fix="Set pretrain_hjepa.seed in params.yaml.")
    if (options.recipe is None) != (options.data is None) or (options.recipe is None) != (options.out == _STAGE):
        raise InputError("go together.", field="--recipe, --data and --out", fix="Name all three, or none for the line's screens.")
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", options.out):
        raise InputError("is no name of a folder.", field="--out", found=options.out, fix="Use lower-case letters, digits, - and _.")
    if options.recipe and any(importlib.util.find_spec(f"{room}.{options.out}") for room in ("training", "evaluation")):
        raise InputError("is what a stage of the line writes.", field="--out", found=options.out, fix="Choose another name.")
    return options


if __name__ == "__main__":
    run_command(main)
