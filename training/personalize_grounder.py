"""Makes the grounder one user's: a LoRA adapter for each user and fold, which learns from the user's other folds and lies on the global model.

Reads artifacts/pack_grounding and artifacts/tune_grounder. Writes artifacts/personalize_grounder/{user_<id>/fold_<k>/ (an adapter each, with the
processor's files), curves.csv, run_settings.json, console.log}.
"""

import argparse
import csv
import json
import shutil
from pathlib import Path
from typing import Any

from contracts.errors import InputError, run_command
from contracts.files import sha256, write_json
from contracts.knobs import PARAMS, load_grounder_execution, load_hardware, load_knobs
from contracts.stage import Stage, artifact, rank, stage
from training.config import PersonalizeGrounderKnobs

_FINISHED = "finished.json"


def main() -> None:
    argparse.ArgumentParser(prog="python -m training.personalize_grounder", description=__doc__).parse_args()
    import torch

    from training.checkpoints import json_sha256
    from training.grounding.dataset import GroundingSet
    from training.grounding.encoding import Encoder
    from training.grounding.trainer import DTYPES, Run, arguments, console_log, disk_full, fit, quiet, vision_cache
    from training.models.grounder import BASE, add_lora, count, freeze_vision, load_grounder, merge

    knobs, hardware, execution = load_knobs(PersonalizeGrounderKnobs), load_hardware("personalize_grounder"), load_grounder_execution()
    if hardware.launcher not in ("python", "torchrun"):
        raise InputError(
            "adapters are small and learn one after the other.", file=PARAMS, field="hardware.personalize_grounder.launcher", found=hardware.launcher,
            fix="Set it to `python`, or to `torchrun`.",
        )  # fmt: skip
    with stage("personalize_grounder", knobs, hardware) as s, console_log(s.checkpoints / "console.log"):
        quiet()
        data, below = artifact("pack_grounding"), artifact("tune_grounder")
        device_map = "auto" if execution.device_map == "auto" else None
        whole, processor = load_grounder(below, dtype=DTYPES[knobs.precision], device_map=device_map, attention=execution.attention)
        model = merge(whole)
        freeze_vision(model)
        identity = {
            "dataset_version": s.dataset_version,
            "knobs_sha256": json_sha256(knobs.model_dump(mode="json")),
            "base": sha256(below / "run.json"),
        }
        cache, results = None, []
        for user in knobs.users:
            for fold in knobs.folds:
                done = s.checkpoints / f"finished/user_{user}/fold_{fold}"
                if (result := _finished(done, identity)) is None:
                    run = Run(s, knobs, hardware, execution, f"user_{user}-fold_{fold}")
                    args = arguments(run)
                    samples = GroundingSet(data, user=user, fold=fold)
                    cache = cache or vision_cache(run, Encoder(processor, knobs.max_tokens), model)
                    torch.manual_seed(knobs.seed)  # the same first weights for each, whichever were made before
                    adapted = add_lora(model, knobs.lora.rank, knobs.lora.alpha, knobs.lora.dropout)
                    if not results:
                        s.log(str(count(adapted)))
                    trainer, result = fit(run, args, adapted, processor, samples, f"{identity['base']} user {user} fold {fold}", cache)
                    with disk_full(done):
                        trainer.save_model(str(done))
                        if rank() == 0:
                            processor.save_pretrained(done)
                            write_json(done / BASE, {"base": "../../../tune_grounder"})
                            write_json(done / _FINISHED, identity | {"result": result | {"user": user, "fold": fold}})
                            shutil.rmtree(run.folder, ignore_errors=True)
                    model = adapted.unload()
                results.append(result | {"user": user, "fold": fold})
        _write(s, results, knobs)


def _finished(folder: Path, identity: dict[str, Any]) -> dict[str, float] | None:
    """What an adapter that an interrupted run has finished reported; None if it is still to be made. InputError if it is of another run."""
    file = folder / _FINISHED
    if not file.is_file():
        return None
    found = json.loads(file.read_text(encoding="utf-8"))
    for name, value in identity.items():
        if found[name] != value:
            raise InputError(
                "was made in another run.",
                file=folder,
                field=name,
                found=found[name],
                fix=f"Remove {folder.parents[2]} to begin anew, or restore that setting.",
            )
    result: dict[str, float] = found["result"]
    return result


def _write(s: Stage, results: list[dict[str, float]], knobs: PersonalizeGrounderKnobs) -> None:
    """Adapters, curves and settings into the stage's folder; the means over all adapters are its metrics."""
    if rank() == 0:
        shutil.copytree(s.checkpoints / "finished", s.folder, dirs_exist_ok=True)
        with (s.folder / "curves.csv").open("w", newline="", encoding="utf-8") as file:
            rows = csv.DictWriter(file, ["user", "fold", "first_loss", "loss", "steps"], extrasaction="ignore")
            rows.writeheader()
            rows.writerows(results)
        write_json(s.folder / "run_settings.json", {"began_from": "../tune_grounder", "knobs": knobs.model_dump(mode="json")})
    means = {
        name: sum(result[name] for result in results) / len(results)
        for name in ("first_loss", "loss", "steps", "trained_parameters", "tokens_per_second")
    }
    s.report(means | {"adapters": float(len(results))})
    if rank() == 0:
        shutil.copyfile(s.checkpoints / "console.log", s.folder / "console.log")


if __name__ == "__main__":
    run_command(main)
