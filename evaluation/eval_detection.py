"""Score the detector on the test split by the COCO protocol.

Reads artifacts/pack_beton, artifacts/train_detector, data/coco/test.json and, for overlays and tiles, data/shards. Writes artifacts/eval_detection/{metrics.json,
predictions.json (COCO results format), details.parquet (a row per prediction), per_class.csv, per_group.csv, errors.csv, confusion.csv, calibration.csv,
pr_curve.csv, overlays.json, figures/<key>-truth.png, figures/<key>-predictions.png}.
"""

import argparse
import time
from collections.abc import Iterable
from dataclasses import asdict, astuple, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.coco import read_coco
from contracts.dataset import SHARDS, coco_path, read_manifest
from contracts.errors import InputError, run_command
from contracts.files import write_json, write_table
from contracts.knobs import PARAMS, load_hardware, load_knobs
from contracts.stage import Stage, artifact, read_run, stage
from evaluation.config import EvalDetectionKnobs

_RETRAIN = "Run `dvc repro train_detector` to train on this dataset version."

if TYPE_CHECKING:
    from torch import Tensor

    from evaluation.detection import DetectionScores
    from evaluation.detection_breakdown import Breakdown
    from training.batches import ScreenBatch
    from training.detect import Detections
    from training.models.detector import Detector


def main() -> None:
    argparse.ArgumentParser(prog="python -m evaluation.eval_detection", description=__doc__.partition("\n")[0]).parse_args()
    knobs, hardware = load_knobs(EvalDetectionKnobs), load_hardware("eval_detection")
    with stage("eval_detection", knobs, hardware) as s:
        read_run("train_detector")
        coco = read_coco(coco_path("test"))

        from evaluation.detection import score_detections
        from training.batches import open_split
        from training.models.detector import Detector

        device = "cuda" if hardware.accelerator == "gpu" else "cpu"
        model = Detector.from_pretrained(artifact("train_detector")).to(device).eval()
        batches = open_split("test", batch_size=hardware.micro_batch, loader=hardware.loader, num_workers=hardware.num_workers)
        s.log(batches.note)
        large = None
        if knobs.tile_overlap is not None:
            large = LargeScreens(model, coco, knobs.tile_overlap, knobs.max_detections[-1], hardware.micro_batch)
            s.log(f"{len(large)} of {len(coco['images'])} screens are larger than {model.config.image_size} pixels: detected in tiles")
            s.report({"tiled_screens": len(large)})
        predictions, seconds = find_elements(model, s.progress(batches, "detecting", len(batches)), coco, large)
        s.log(f"scoring {len(predictions)} predictions on {len(coco['images'])} screens with {len(coco['annotations'])} elements")
        scores = score_detections(coco, predictions, knobs.max_detections, file="the detector's predictions")
        write_results(s, coco, predictions, scores, knobs.overlays, seconds)


class LargeScreens:
    """The screens of a split that do not fit into the model's image: read at full size from data/shards, and detected in tiles (training/tiles.py) that
    overlap by `overlap` pixels. `most` is the number of detections that a screen may have. `len` counts them; `id in` says whether an image is one.
    """

    def __init__(self, model: "Detector", coco: dict[str, Any], overlap: int, most: int, micro_batch: int):
        from training.shards import TarMembers

        height, width = model.config.image_size
        if overlap >= min(height, width):
            raise InputError(
                f"is not less than a side of the model's image, {height} x {width} pixels.", file=PARAMS, field="eval_detection.tile_overlap",
                found=overlap, fix="Choose about a fifth of it, or null for no tiles.",
            )  # fmt: skip
        self._model, self._overlap, self._most, self._micro_batch = model, overlap, most, micro_batch
        self._keys = {image["id"]: image["screen"]["key"] for image in coco["images"] if image["height"] > height or image["width"] > width}
        self._members = TarMembers([SHARDS / shard.name for shard in read_manifest().shards])

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, image_id: int) -> bool:
        return image_id in self._keys

    def read(self, image_id: int) -> "Tensor":
        """The screen as uint8 [3, H, W]. InputError if no shard holds it, or it is damaged."""
        import numpy as np
        import torch

        from training.shards import decode_rgb

        name, fix = f"{self._keys[image_id]}.png", "Run `python -m datagen.dataset` again."
        try:
            png = self._members.read(name)
        except KeyError:
            raise InputError("is in the COCO file but in no shard.", file=SHARDS, field=name, fix=fix) from None
        return torch.from_numpy(np.array(decode_rgb(png, self._members.file(name), name, fix))).permute(2, 0, 1)

    def detect(self, image: "Tensor") -> "Detections":
        """What is on such a screen, in its pixels."""
        from training.tiles import detect_in_tiles

        return detect_in_tiles(self._model, image, self._overlap, self._most, self._micro_batch)


def find_elements(
    model: "Detector", batches: Iterable["ScreenBatch"], coco: dict[str, Any], large: LargeScreens | None = None
) -> tuple[list[dict[str, Any]], float]:
    """Detections on every screen in COCO's results format, and the seconds the detector took (loading left out). `large` screens are detected in tiles.

    InputError unless the batches hold exactly the screens of `coco`, each once: a screen left out would count as one on which nothing was found.
    """
    from evaluation.detection import coco_results
    from training.detect import detect

    ids = {category["name"]: category["id"] for category in coco["categories"]}
    if unknown := [name for name in model.config.class_names if name not in ids]:
        raise InputError("lacks classes that the detector names.", file=coco_path("test"), field="categories", found=", ".join(unknown), fix=_RETRAIN)
    predictions: list[dict[str, Any]] = []
    seen: list[int] = []
    seconds = 0.0
    for batch in batches:
        image_ids = batch.image_ids.tolist()
        in_tiles = {image_id: large.read(image_id) for image_id in image_ids if large is not None and image_id in large}
        started = time.perf_counter()
        detections: list[Any] = detect(model, batch) if len(in_tiles) < len(image_ids) else [None] * len(image_ids)
        if large is not None:
            detections = [
                large.detect(in_tiles[image_id]) if image_id in in_tiles else found for image_id, found in zip(image_ids, detections, strict=True)
            ]
        seconds += time.perf_counter() - started
        for image_id, found in zip(image_ids, detections, strict=True):
            seen.append(image_id)
            predictions += coco_results(
                image_id, found.boxes.tolist(), found.scores.tolist(), [ids[model.config.class_names[label]] for label in found.labels.tolist()]
            )
    if sorted(seen) != sorted(image["id"] for image in coco["images"]):
        raise InputError(
            f"does not hold the screens of {coco_path('test')}, each once.", file="artifacts/pack_beton",
            found=f"{len(seen)} screens, {len(set(seen))} of them different, instead of {len(coco['images'])}", fix="Run `dvc repro pack_beton` to pack this version.",
        )  # fmt: skip
    return predictions, seconds


def write_results(
    s: Stage, coco: dict[str, Any], predictions: list[dict[str, Any]], scores: "DetectionScores", overlays: int, seconds: float
) -> None:
    """Everything in the artifact but run.json. `overlays` is the number of screens drawn, `seconds` what detecting took."""
    from evaluation.detection_breakdown import break_down, write_details
    from evaluation.overlays import draw_overlays

    write_json(s.folder / "predictions.json", predictions, indent=None)
    write_table(s.folder / "per_class.csv", ["class", "AP", "AP50", "truth"], [(c.name, c.ap, c.ap50, c.truth) for c in scores.classes])
    curve = asdict(scores.curve)
    write_table(s.folder / "pr_curve.csv", list(curve), zip(*curve.values(), strict=True))
    found = break_down(coco, predictions, scores)
    write_details(coco, predictions, scores, found.errors, s.folder / "details.parquet")
    write_breakdown(s.folder, found)
    drawn = draw_overlays(coco, predictions, scores, overlays, s.folder / "figures")
    write_json(s.folder / "overlays.json", {"score_threshold": scores.best_f1_score, "screens": [asdict(overlay) for overlay in drawn]})
    images = {f"predictions on {o.key} ({o.family}, {o.kit})": f"figures/{o.predictions_file}" for o in drawn}
    screens = len(coco["images"])
    s.report(
        scores.metrics
        | found.metrics
        | {"screens": screens, "elements": len(coco["annotations"]), "ms_per_screen": round(1000 * seconds / screens, 3)},
        images=images,
    )


def write_breakdown(folder: Path, found: "Breakdown") -> None:
    """per_group.csv, errors.csv, confusion.csv (long: element's class, what it was taken for, number) and calibration.csv."""
    from evaluation.detection_breakdown import GroupScore
    from evaluation.error_breakdown import KINDS

    write_table(folder / "per_group.csv", [field.name for field in fields(GroupScore)], [astuple(group) for group in found.groups])
    rows = [(kind, what, found.errors.counts[kind], found.errors.cost[kind]) for kind, what in KINDS.items()]
    write_table(folder / "errors.csv", ["kind", "what", "count", "cost"], rows)
    names = [*found.classes, ""]
    pairs = [(names[row], names[column], int(found.confusion[row, column])) for row, column in zip(*found.confusion.nonzero(), strict=True)]
    write_table(folder / "confusion.csv", ["truth", "taken_for", "count"], pairs)
    bins = found.calibration
    write_table(folder / "calibration.csv", ["score", "precision", "count"], zip(bins.score, bins.precision, bins.count, strict=True))


if __name__ == "__main__":
    run_command(main)
