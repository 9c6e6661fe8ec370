"""What the trained detector is worth on screens of another kind: as it is, and tuned on a few of them, beside detectors that begin with less.

Reads artifacts/{pack_beton, pretrain_mae, pretrain_hjepa, train_detector, eval_detection}, data/coco/test_unseen.json, data/shards, and the imported real sets
that eval_transfer.real_sets names (they are no part of the dataset version). Without any the dataset's unseen kits stand in, and are called that. Writes
artifacts/eval_transfer/{metrics.json, transfer.json, transfer.csv, transfer.md, details.parquet (a row per run and test screen), figures/}. Every finished
tuning is kept until the stage ends well: after `kill -9` the same command goes on.
"""

import argparse
import json
from dataclasses import asdict, astuple, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.errors import InputError, run_command
from contracts.files import replacing, sha256, write_json, write_table, write_text
from contracts.knobs import Hardware, load_execution, load_hardware, load_knobs
from contracts.stage import Stage, artifact, artifact_text, code_revision, missing_file, read_run, stage
from evaluation.config import EvalTransferKnobs

if TYPE_CHECKING:
    from evaluation.few_shot import Start
    from evaluation.transfer import Run
    from evaluation.transfer_cell import Cell
    from evaluation.transfer_targets import Target
    from training.config import TrainDetectorKnobs
    from training.models.detector import Detector


def main() -> None:
    argparse.ArgumentParser(prog="python -m evaluation.eval_transfer", description=__doc__.partition("\n")[0]).parse_args()
    knobs, hardware = load_knobs(EvalTransferKnobs), load_hardware("eval_transfer")
    with stage("eval_transfer", knobs, hardware) as s:
        trained, resampling = read_run("train_detector"), read_run("pack_beton")["knobs"]["resampling"]
        test = test_scores()

        from evaluation.transfer_report import markdown, write_figures
        from evaluation.transfer_targets import open_targets
        from training.models.detector import Detector

        unseen, real = open_targets(knobs.real_sets, knobs.seed, knobs.test_share, knobs.screens)
        for target in [*([unseen] if unseen else []), *real]:
            s.log(f"{target.title}: {len(target.test)} of {len(target.every)} screens are scored, {len(target.pool)} may be learned from")
        base = Detector.from_pretrained(artifact("train_detector"))
        trial = Trials(s, knobs, hardware, base, recipe(trained), resampling)
        cells: list[Cell] = []
        rows: list[dict[str, Any]] = []
        for target in [*([unseen] if unseen else []), *real]:
            # Unseen kits are learned from only where they stand in for real screens.
            found, more = trial.on(target, knobs.shots if target.real or not real else ())
            cells += found
            rows += more
        summary = {
            "test": test, "goals": goals(test, cells), "cells": [asdict(cell) for cell in cells], "compute": compute(trained, cells, hardware),
            "knobs": knobs.model_dump(mode="json"),
        }  # fmt: skip
        write_results(s.folder, summary, cells, rows)
        images = write_figures(summary, s.folder)
        write_text(s.folder / "transfer.md", markdown(summary))
        for line in markdown(summary).splitlines():
            s.log(line)
        s.report(metrics(test, cells), images=images)


class Trials:
    """Every run of this stage: made once, or taken from those that an interrupted stage has left."""

    def __init__(self, s: Stage, knobs: EvalTransferKnobs, hardware: Hardware, base: "Detector", recipe: "TrainDetectorKnobs", resampling: str):
        self._s, self._knobs, self._hardware, self._base, self._recipe, self._resampling = s, knobs, hardware, base, recipe, resampling
        self._device = "cuda" if hardware.accelerator == "gpu" else "cpu"
        weights = ("train_detector", "pretrain_mae", "pretrain_hjepa/encoder")
        self._same = {
            "dataset": s.dataset_version, "code": code_revision(), "resampling": resampling,
            "weights": [sha256(Path("artifacts") / name / "model.safetensors") for name in weights if _needed(name, knobs)],
            "knobs": knobs.model_dump(mode="json", include={"seed", "test_share", "screens", "steps", "batch", "learning_rate"}),
        }  # fmt: skip

    def on(self, target: "Target", shots: tuple[int, ...]) -> "tuple[list[Cell], list[dict[str, Any]]]":
        """All starts on one target, zero-shot and with so many screens; and the rows of details.parquet."""
        from evaluation.transfer import cell, details, nothing, test_batches

        knobs = self._knobs
        batches = test_batches(target, self._base.config.image_size, self._resampling, self._hardware.micro_batch)
        starts, absent = starts_of(knobs)
        plan = [(start, 0, 0) for start in starts if start.finds]
        plan += [(start, n, draw) for draw in range(knobs.draws) for n in shots if n <= len(target.pool) for start in starts]
        runs: dict[tuple[str, int], list[Run]] = {}
        for start, n, draw in self._s.progress(plan, f"{target.title}: tuning and scoring", len(plan)):
            runs.setdefault((start.name, n), []).append(self._run(target, batches, start, n, draw))
        cells = [cell(target, name, own, knobs.resamples) for (name, _), own in self._s.progress(runs.items(), "resampling", len(runs))]
        for n in shots:
            cells += [nothing(target, name, n, why) for name, why in absent.items()]
            if n > len(target.pool):
                cells += [nothing(target, start.name, n, f"only {len(target.pool)} screens to learn from") for start in starts]
        return cells, [row for own in runs.values() for row in details(target, own)]

    def _run(self, target: "Target", batches: list[Any], start: "Start", shots: int, draw: int) -> "Run":
        from evaluation.transfer import kept

        weights = None if start.path is None else sha256(weights_file(start.path))
        settings = self._same | {
            "target": [target.name, target.fingerprint, len(target.every), len(target.test)],
            "start": [start.name, weights],
            "shots": shots,
            "draw": draw,
        }
        return kept(self._s.checkpoints, settings, lambda: self._make(target, batches, start, shots, draw))

    def _make(self, target: "Target", batches: list[Any], start: "Start", shots: int, draw: int) -> "Run":
        import copy

        from evaluation.few_shot import build, tune
        from evaluation.transfer import Run, find

        knobs, seed = self._knobs, self._knobs.seed + draw
        model = copy.deepcopy(build(start, self._base, seed))
        if model.config.image_size != self._base.config.image_size:
            raise InputError(
                f"was trained at another size than the line's detector, {list(self._base.config.image_size)}.", file=start.path,
                field="image_size", found=list(model.config.image_size), fix="Name a detector that was trained on the same pack_beton.",
            )  # fmt: skip
        if not shots:
            return Run(target.name, start.name, 0, draw, 0, 0.0, None, None, find(model, batches, self._device))
        drawn = target.draw(shots, seed)
        assert drawn is not None  # the plan has no larger draws
        screens = [target.packed(key, n, model.config.image_size, self._resampling) for n, key in enumerate(drawn, start=1)]
        done = tune(
            model, self._recipe, screens, steps=knobs.steps, batch=knobs.batch, rate=knobs.learning_rate, seed=seed, device=self._device,
            execution=load_execution(),
        )  # fmt: skip
        return Run(
            target.name, start.name, shots, draw, done.steps, done.seconds, done.first_loss, done.last_loss, find(model, batches, self._device)
        )


def _needed(name: str, knobs: EvalTransferKnobs) -> bool:
    return {"pretrain_mae": "mae", "pretrain_hjepa/encoder": "hjepa"}.get(name) in (None, *knobs.starts)


def starts_of(knobs: EvalTransferKnobs) -> "tuple[list[Start], dict[str, str]]":
    """Where tuning begins, the line's detector first; and what is not at hand, with the reason."""
    from evaluation.few_shot import Start

    starts = [Start("detector", "detector"), *(Start(name, "detector", Path(folder)) for name, folder in sorted(knobs.detectors.items()))]
    absent = {}
    for name in knobs.starts:
        if name == "imagenet" and knobs.imagenet is None:
            absent[name] = "not at hand: eval_transfer.imagenet names no file"
        else:
            starts.append(Start(name, name, Path(knobs.imagenet) if name == "imagenet" and knobs.imagenet else None))
    return starts, absent


def weights_file(path: Path) -> Path:
    """A detector's folder, or a file -> the file of weights. InputError if it is not there."""
    file = path if path.suffix == ".safetensors" else path / "model.safetensors"
    if not file.is_file():
        raise InputError(
            "does not exist.", file=file, field="eval_transfer.detectors or eval_transfer.imagenet", fix="Correct the path, or take it out."
        )
    return file


def recipe(trained: dict[str, Any]) -> "TrainDetectorKnobs":
    """The settings that the line's detector was trained by. InputError if they are of another version of this code."""
    from pydantic import ValidationError

    from training.config import TrainDetectorKnobs

    try:
        return TrainDetectorKnobs.model_validate_json(json.dumps(trained["knobs"]))
    except ValidationError as error:
        raise InputError(
            f"holds knobs of another version of this code: {error.errors()[0]['loc']}.", file="artifacts/train_detector/run.json", field="knobs",
            fix="Run `dvc repro train_detector`.",
        ) from None  # fmt: skip


def test_scores() -> dict[str, float]:
    """The detector's figures on the dataset's own test split, as eval_detection has measured them."""
    read_run("eval_detection")
    found = json.loads(artifact_text("eval_detection", "metrics.json"))
    try:
        return {name: found[name] for name in ("AP", "AP_low", "AP_high", "AP50", "AP_agnostic", "screens", "elements")}
    except KeyError:
        raise missing_file("eval_detection", "metrics.json") from None


def goals(test: dict[str, float], cells: "list[Cell]") -> list[dict[str, Any]]:
    """The project's targets beside what was measured; `measured` is None for what was not, and `on` says where."""
    rows: list[dict[str, Any]] = [{"goal": "AP on the test split", "target": 0.95, "measured": test["AP"], "on": "the dataset's own test split"}]
    for goal, target, shots in (("AP on unseen applications, zero-shot", 0.70, 0), ("AP after 10 screens", 0.85, 10)):
        own = [cell for cell in cells if cell.start == "detector" and cell.shots == shots and cell.ap is not None]
        rows += [{"goal": goal, "target": target, "measured": cell.ap, "on": _place(cell)} for cell in own]
        if not any(cell.real for cell in own):
            rows.append({"goal": goal, "target": target, "measured": None, "on": "no real set (eval_transfer.real_sets)"})
    return rows


def _place(cell: "Cell") -> str:
    return f"{cell.target}, {cell.screens} real screens" if cell.real else f"unseen kits, {cell.screens} rendered screens"


def compute(trained: dict[str, Any], cells: "list[Cell]", hardware: Hardware) -> dict[str, Any]:
    """What stands behind the figures: the detector's training, and all tuning together."""
    from training.models.detector import Detector

    told = json.loads(artifact_text("train_detector", "metrics.json"))
    model = Detector.from_pretrained(artifact("train_detector"))
    return {
        "trained_steps": told.get("steps"), "trained_seconds": trained["seconds"], "encoder": model.config.encoder,
        "parameters": sum(p.numel() for p in model.parameters()), "image_size": list(model.config.image_size),
        "tunings": sum(cell.draws for cell in cells if cell.shots), "steps_each": max((cell.steps for cell in cells), default=0),
        "tuning_seconds": sum(cell.seconds for cell in cells), "device": hardware.accelerator, "host": trained["host"],
    }  # fmt: skip


def write_results(folder: Path, summary: dict[str, Any], cells: "list[Cell]", rows: list[dict[str, Any]]) -> None:
    """transfer.json, transfer.csv and details.parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from evaluation.transfer_cell import Cell

    write_json(folder / "transfer.json", summary)
    write_table(folder / "transfer.csv", [field.name for field in fields(Cell)], [astuple(cell) for cell in cells])
    columns = {"target": pa.string(), "start": pa.string(), "shots": pa.int64(), "draw": pa.int64(), "screen": pa.string(), "elements": pa.int64(),
               "detections": pa.int64(), "found": pa.int64(), "found_agnostic": pa.int64()}  # fmt: skip
    with replacing(folder / "details.parquet") as temporary:
        pq.write_table(pa.Table.from_pylist(rows, schema=pa.schema(list(columns.items()))), temporary)


def metrics(test: dict[str, float], cells: "list[Cell]") -> dict[str, float]:
    """Flat: `AP_<target>_zero_shot` and `AP_<target>_<start>_<shots>` with `_low` and `_high`."""
    found = {"AP_test": test["AP"]}
    for cell in cells:
        if cell.ap is None or cell.low is None or cell.high is None:
            continue
        at = f"AP_{cell.target}_zero_shot" if not cell.shots and cell.start == "detector" else f"AP_{cell.target}_{cell.start}_{cell.shots}"
        found |= {at: cell.ap, f"{at}_low": cell.low, f"{at}_high": cell.high}
    return found | {"tunings": sum(cell.draws for cell in cells if cell.shots), "tuning_seconds": sum(cell.seconds for cell in cells)}


if __name__ == "__main__":
    run_command(main)
