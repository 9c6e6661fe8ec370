"""Exports for other programs, read back: by pycocotools, and number by number."""

import contextlib
import io
import json
from pathlib import Path

import pytest
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from pytest import approx

from contracts.errors import InputError
from evaluation import export


def run(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["export", *arguments])
    export.main()


def test_coco_gives_pycocotools_the_figures_of_the_evaluation(line, monkeypatch):
    run(monkeypatch, "coco", "--out", "exports/coco")
    folder = Path("exports/coco")
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(folder / "labels.json"))
        evaluation = COCOeval(truth, truth.loadRes(str(folder / "predictions.json")), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    metrics = json.loads(Path("artifacts/eval_detection/metrics.json").read_text())
    assert evaluation.stats[:3] == approx([metrics[name] for name in ("AP", "AP50", "AP75")], abs=1e-6)
    for image in truth.dataset["images"]:
        with Image.open(folder / "data" / image["file_name"]) as picture:
            assert picture.size == (image["width"], image["height"])


def test_fiftyone_has_what_coco_has_and_the_worst_first(line, monkeypatch):
    run(monkeypatch, "fiftyone", "--out", "exports/fiftyone")
    folder, coco = Path("exports/fiftyone"), json.loads(Path("data/coco/test.json").read_text())
    samples = json.loads((folder / "samples.json").read_text())["samples"]
    predictions = json.loads(Path("artifacts/eval_detection/predictions.json").read_text())
    assert [s["f1"] for s in samples] == sorted(s["f1"] for s in samples) and len(samples) == len(coco["images"])
    for image in coco["images"]:
        (sample,) = [s for s in samples if s["key"] == image["screen"]["key"]]
        assert (folder / sample["filepath"]).is_file() and sample["kit"] == image["screen"]["kit"]
        for field, items in (("ground_truth", coco["annotations"]), ("predictions", predictions)):
            found = [
                [value * side for value, side in zip(d["bounding_box"], (image["width"], image["height"]) * 2, strict=True)]
                for d in sample[field]["detections"]
            ]
            wanted = [item["bbox"] for item in items if item["image_id"] == image["id"]]
            assert len(found) == len(wanted) > 0 and sorted(found) == [approx(box, abs=1e-6) for box in sorted(wanted)]
        hits = sum(d["error"] == "none" for d in sample["predictions"]["detections"])
        assert hits == sum(d["hit"] for d in sample["ground_truth"]["detections"]) > 0


def test_a_folder_that_holds_something_is_left_alone(line, monkeypatch):
    with pytest.raises(InputError, match="data: is not empty"):
        run(monkeypatch, "coco", "--out", "data")
