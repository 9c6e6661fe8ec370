"""Trains the detector: Deformable-DETR (arXiv:2010.04159) on a Swin encoder, by default starting from the pretrained one.

Reads artifacts/pack_beton and, if init_from says so, the artifact of knob `pretraining`: an encoder, or the promoted detector. Writes artifacts/train_detector/{model.safetensors, config.json,
log.jsonl, curves.csv, tensorboard/, wandb/}.
"""

import argparse
import json
from typing import TYPE_CHECKING

from contracts.errors import InputError, run_command
from contracts.knobs import load_execution, load_hardware, load_knobs
from contracts.stage import ARTIFACTS, artifact, rank, stage
from contracts.taxonomy import NAMES
from training.config import TrainDetectorKnobs

if TYPE_CHECKING:
    from training.models.detector import Detector
    from training.models.encoder import ResnetEncoder, SwinEncoder, VitEncoder


def load_pretrained(backbone: "SwinEncoder | VitEncoder | ResnetEncoder", pretraining: str, name: str) -> None:
    """Fill the detector's encoder, `name`, with the weights of a pretraining stage. InputError if that stage trained another one."""
    from training.models.encoder import CONFIG, WEIGHTS, load_weights

    folder = artifact(pretraining) / ("encoder" if pretraining == "pretrain_hjepa" else "")
    fix = f"Set train_detector.encoder to {pretraining}'s and run `dvc repro {pretraining}`, or set init_from to `scratch`."
    load_weights(backbone, folder / WEIGHTS, f"encoder {name}", fix)
    position = json.loads((folder / CONFIG).read_text(encoding="utf-8")).get("position", backbone.position)
    if position != backbone.position:
        raise InputError(
            f"was trained with other positions than the detector's {backbone.position}.", file=folder / CONFIG, field="position", found=position,
            fix=f"Set {pretraining}.position to `{backbone.position}` and run `dvc repro {pretraining}`, or set init_from to `scratch`.",
        )  # fmt: skip


# What may differ between the promoted detector and the one that goes on from it: no weight's meaning depends on it.
_FREE = ("image_size", "dropout")


def load_promoted(model: "Detector") -> None:
    """Fill the whole detector with the weights of the promoted one. InputError if that is not there, or is another kind of detector."""
    from training.models.detector import DetectorConfig
    from training.models.encoder import CONFIG, WEIGHTS, load_weights

    folder = ARTIFACTS / "promoted"
    fix = "Run `python -m orchestration.registry checkout`, or set train_detector.pretraining to a stage."
    if not (folder / CONFIG).is_file():
        raise InputError("is not there yet.", file=folder, fix=fix)
    found = DetectorConfig.model_validate(json.loads((folder / CONFIG).read_text(encoding="utf-8")))
    for field in DetectorConfig.model_fields:
        before, now = getattr(found, field), getattr(model.config, field)
        if field not in _FREE and before != now:
            change = "Set train_detector.pretraining to a stage: a detector of another shape begins anew."
            raise InputError(f"is another than this detector's, {now!r}.", file=folder / CONFIG, field=field, found=repr(before), fix=change)
    load_weights(model, folder / WEIGHTS, "the detector of params.yaml", fix)


def main() -> None:
    argparse.ArgumentParser(prog="python -m training.train_detector", description=__doc__).parse_args()
    import lightning as L

    from training.detector_task import DetectorTask
    from training.loop import fit, make_plan, open_data
    from training.models.detector import DetectorConfig, build_detector
    from training.models.encoder import configure

    knobs, hardware = load_knobs(TrainDetectorKnobs), load_hardware("train_detector")
    tunes = knobs.init_from == "pretraining" and knobs.pretraining == "promoted"
    if tunes and knobs.fine_tuning:
        knobs = knobs.model_copy(update=knobs.fine_tuning.model_dump())
    with stage("train_detector", knobs, hardware) as s:
        L.seed_everything(knobs.seed, verbose=False)
        data = open_data(hardware, knobs.seed, s.name, knobs.augmentation)
        s.log(data.train.note)
        index = data.train.index
        plan = make_plan(index.splits["train"].screens, knobs.global_batch, knobs.epochs, knobs.warmup_epochs, hardware, s.name)
        most = index.splits["train"].max_elements
        if most > knobs.num_queries:
            s.log(f"a training screen has {most} elements; {knobs.num_queries} queries can find only that many of them")

        shape = {name: getattr(knobs, name) for name in DetectorConfig.model_fields if hasattr(knobs, name)}
        config = DetectorConfig(image_size=index.image_size, class_names=NAMES, **shape)
        model = build_detector(config)
        configure(model.backbone, **load_execution().model_dump())
        if tunes:
            load_promoted(model)
        elif knobs.init_from == "pretraining":
            load_pretrained(model.backbone, knobs.pretraining, knobs.encoder)

        results = fit(DetectorTask(model, knobs, plan, data), s, knobs, hardware, knobs.gradient_clip)
        if rank() == 0:
            model.save_pretrained(s.folder)
        s.report(results)


if __name__ == "__main__":
    run_command(main)
