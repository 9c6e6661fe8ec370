"""The stage eval_detection on a small dataset: with a detector that knows the truth, and with a real one that knows nothing."""

import csv
import json
from collections import Counter
from typing import ClassVar

import pyarrow.parquet as pq
import pytest
import torch
import yaml
from pytest import approx
from scipy import ndimage
from torch import nn

from contracts.coco import read_coco
from contracts.dataset import coco_path
from contracts.errors import InputError
from contracts.files import write_json
from contracts.knobs import load_knobs
from contracts.stage import stage
from contracts.taxonomy import NAMES
from evaluation import eval_detection
from evaluation.detection import score_detections
from evaluation.detection_breakdown import break_down
from evaluation.eval_detection import LargeScreens, find_elements
from tests.evaluation.conftest import write_eval_artifact
from training import pack_beton
from training.batches import open_split
from training.config import TrainDetectorKnobs
from training.models.detector import DetectorConfig, DetectorOutput, build_detector
from training.models.encoder import PIXEL_MEAN, PIXEL_STD

TINY = DetectorConfig(
    encoder="swin_nano", image_size=(96, 128), class_names=NAMES, num_queries=40, d_model=32, heads=2, levels=3, points=2, encoder_layers=1,
    decoder_layers=1, ffn_dim=32, dropout=0.0, box_refinement=True, two_stage=True,
)  # fmt: skip


@pytest.fixture
def packed(line, monkeypatch):
    """The line's dataset, really packed: shards only, at a size at which everything is quick."""
    torch.set_num_threads(1)
    params = yaml.safe_load((line / "params.yaml").read_text())
    params["presets"]["tiny-cpu"]["pack_beton"] = {"image_size": list(TINY.image_size), "formats": ["shards"]}
    for hardware in params["presets"]["tiny-cpu"]["hardware"].values():
        hardware |= {"num_workers": 0, "micro_batch": 3}
    (line / "params.yaml").write_text(yaml.safe_dump(params))
    monkeypatch.setattr("sys.argv", ["stage"])
    pack_beton.main()
    return line


def write_detector():
    """artifacts/train_detector with a detector that has learned nothing."""
    torch.manual_seed(0)
    with stage("train_detector", load_knobs(TrainDetectorKnobs)) as s:
        build_detector(TINY).save_pretrained(s.folder)


class Oracle(nn.Module):
    """Answers with the truth of the batch it is shown: what a perfect detector would say, in a detector's own form."""

    def __init__(self):
        super().__init__()
        self.config, self.unused, self.batch = TINY, nn.Parameter(torch.zeros(1)), None

    def watch(self, batches):
        for self.batch in batches:
            yield self.batch

    def forward(self, images, content_hw):
        logits = torch.full((len(images), TINY.num_queries, len(NAMES)), -20.0)
        boxes = torch.full((len(images), TINY.num_queries, 4), 0.5)
        height, width = images.shape[-2:]
        for i, (truth, labels) in enumerate(zip(self.batch.boxes, self.batch.labels, strict=True)):
            x1, y1, x2, y2 = truth.unbind(-1)
            boxes[i, : len(truth)] = torch.stack([(x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height], -1)
            logits[i, torch.arange(len(labels)), labels] = 10.0
        return DetectorOutput(logits, boxes, [])


def test_a_detector_that_knows_the_truth_scores_one(packed):
    oracle, coco = Oracle(), read_coco(coco_path("test"))
    predictions, seconds = find_elements(oracle, oracle.watch(open_split("test", batch_size=3)), coco)
    metrics = score_detections(coco, predictions, (100,)).metrics
    assert metrics["AP"] == approx(1.0) and metrics["AP_agnostic"] == approx(1.0) and metrics["best_F1"] == approx(1.0)
    assert len(predictions) == TINY.num_queries * len(coco["images"]) and seconds > 0


def test_the_stage_writes_what_it_measured(packed):
    write_detector()
    eval_detection.main()
    folder = packed / "artifacts/eval_detection"
    coco, metrics = read_coco(coco_path("test")), json.loads((folder / "metrics.json").read_text())
    predictions = json.loads((folder / "predictions.json").read_text())
    assert len(predictions) == TINY.num_queries * len(coco["images"])
    again = score_detections(coco, predictions, (100, 300, 900))
    assert {name: metrics[name] for name in again.metrics} == again.metrics
    assert metrics["screens"] == 4 and metrics["elements"] == len(coco["annotations"]) and metrics["ms_per_screen"] > 0
    found = break_down(coco, predictions, again)
    assert {name: metrics[name] for name in found.metrics} == found.metrics
    assert set(metrics) - set(again.metrics) - set(found.metrics) == {"screens", "elements", "ms_per_screen"}
    assert metrics["AP_low"] <= metrics["AP"] <= metrics["AP_high"]
    assert metrics["AP"] < 0.2  # it has learned nothing
    with (folder / "per_class.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["class"]: float(row["AP"]) for row in rows} == {name[9:]: value for name, value in metrics.items() if name.startswith("AP_class_")}
    assert sum(int(row["truth"]) for row in rows) == metrics["elements"]
    details = pq.read_table(folder / "details.parquet").to_pylist()
    assert [(row["image_id"], row["score"]) for row in details] == [(p["image_id"], p["score"]) for p in predictions]
    assert all((row["truth"] is None) == (row["error"] is not None) for row in details)
    with (folder / "errors.csv").open() as file:
        counts = {row["kind"]: int(row["count"]) for row in csv.DictReader(file)}
    assert +Counter(counts) - Counter(missed=counts["missed"]) == Counter(row["error"] for row in details if row["error"])
    with (folder / "per_group.csv").open() as file:
        groups = list(csv.DictReader(file))
    assert sum(int(row["elements"]) for row in groups if row["by"] == "kit") == metrics["elements"]
    assert len((folder / "pr_curve.csv").read_text().splitlines()) == 1 + 101
    drawn = json.loads((folder / "overlays.json").read_text())["screens"]
    assert len(drawn) == 4  # fewer than asked for: the split has no more
    assert {path.name for path in (folder / "figures").iterdir()} == {
        name for screen in drawn for name in (screen["truth_file"], screen["predictions_file"])
    }


def test_a_screen_that_was_not_packed_is_no_screen_without_elements(packed):
    write_detector()
    coco = read_coco(coco_path("test"))
    coco["images"].append({**coco["images"][0], "id": 99})
    write_json(coco_path("test"), coco)
    with pytest.raises(InputError, match="instead of 5.*dvc repro pack_beton"):
        eval_detection.main()
    assert json.loads((packed / "artifacts/eval_detection/metrics.json").read_text())["AP"] > 0.2  # the artifact of before still stands


def test_a_detector_of_another_dataset_version_is_refused(packed):
    write_detector()
    run = packed / "artifacts/train_detector/run.json"
    run.write_text(run.read_text().replace("0123456789abcdef", "f" * 16))
    with pytest.raises(InputError, match=r"made from another dataset version.*dvc repro train_detector"):
        eval_detection.main()


def test_a_checkpoint_of_another_architecture_is_refused(packed):
    write_detector()
    config = packed / "artifacts/train_detector/config.json"
    write_json(config, {**json.loads(config.read_text()), "d_model": 64})
    with pytest.raises(InputError, match="model.safetensors"):
        eval_detection.main()


def test_too_few_detections_allowed_is_refused(packed):
    write_detector()
    params = yaml.safe_load((packed / "params.yaml").read_text())
    params["eval_detection"]["max_detections"] = [10, 39]
    (packed / "params.yaml").write_text(yaml.safe_dump(params))
    with pytest.raises(InputError, match="eval_detection.max_detections to 40 or more"):
        eval_detection.main()


class ColourReader(nn.Module):
    """Finds what is drawn by its colour, pixel by pixel: exact on the screen's own pixels, with a detector's image size and interface."""

    # The heading stands on the bar, and may be all that a tile shows of it.
    COLOURS: ClassVar = {
        "navigation_bar": [(36, 60, 96), (255, 255, 255)], "heading": [(255, 255, 255)], "text": [(70, 76, 88)], "button": [(36, 99, 180)],
        "icon": [(200, 120, 40)],
    }  # fmt: skip

    def __init__(self):
        super().__init__()
        self.config, self.unused = TINY, nn.Parameter(torch.zeros(1))

    def forward(self, images, content_hw):
        logits = torch.full((len(images), TINY.num_queries, len(NAMES)), -20.0)
        boxes = torch.full((len(images), TINY.num_queries, 4), 0.5)
        mean, std = (torch.tensor(values)[:, None, None] for values in (PIXEL_MEAN, PIXEL_STD))
        height, width = images.shape[-2:]
        for i, image in enumerate(images):
            pixels, query = ((image * std + mean) * 255).round(), 0
            for name, colours in self.COLOURS.items():
                drawn = sum((pixels == torch.tensor(colour)[:, None, None]).all(0) for colour in colours)
                regions, _ = ndimage.label(drawn.numpy())
                for rows, columns in ndimage.find_objects(regions):
                    h, w = rows.stop - rows.start, columns.stop - columns.start
                    if min(h, w) >= 6:
                        boxes[i, query] = torch.tensor(
                            [columns.start / width + w / width / 2, rows.start / height + h / height / 2, w / width, h / height]
                        )
                        logits[i, query, NAMES.index(name)] = 10.0
                        query += 1
        return DetectorOutput(logits, boxes, [])


def boxes_of(items, classes):
    return sorted((item["image_id"], item["category_id"], *(round(v) for v in item["bbox"])) for item in items if item["category_id"] in classes)


def test_large_screens_are_read_in_tiles_at_their_own_resolution(packed):
    """Screens of 640 x 400 for a model of 128 x 96: exactly what is on them, from the bar over the whole width to the icon in the last tile."""
    coco, reader = read_coco(coco_path("test")), ColourReader()
    classes = {category["id"] for category in coco["categories"] if category["name"] in ColourReader.COLOURS}
    truth = boxes_of(coco["annotations"], classes)
    large = LargeScreens(reader, coco, overlap=32, most=300, micro_batch=8)
    assert len(large) == len(coco["images"]) == 4
    found = {}
    for name, screens in {"scaled": None, "tiles": large}.items():
        predictions, _ = find_elements(reader, open_split("test", batch_size=3), coco, screens)
        assert max(Counter(p["image_id"] for p in predictions).values()) <= 300
        found[name] = boxes_of([p for p in predictions if p["score"] > 0.9], classes)
    assert found["tiles"] == truth
    assert max(box[2] for box in truth) >= 600 and found["scaled"] != truth


def test_screens_that_fit_are_not_cut(packed):
    coco, reader = read_coco(coco_path("test")), ColourReader()
    reader.config = TINY.model_copy(update={"image_size": (400, 640)})
    large = LargeScreens(reader, coco, overlap=32, most=300, micro_batch=8)
    assert len(large) == 0 and 1 not in large


def test_the_stage_with_tiles(packed):
    write_detector()
    params = yaml.safe_load((packed / "params.yaml").read_text())
    params["eval_detection"] |= {"tile_overlap": 32, "max_detections": [100], "overlays": 0}
    (packed / "params.yaml").write_text(yaml.safe_dump(params))
    eval_detection.main()
    folder = packed / "artifacts/eval_detection"
    assert json.loads((folder / "metrics.json").read_text())["tiled_screens"] == 4
    predictions = json.loads((folder / "predictions.json").read_text())
    assert max(p["bbox"][0] for p in predictions) > 500  # from the last tiles
    params["eval_detection"]["tile_overlap"] = 96
    (packed / "params.yaml").write_text(yaml.safe_dump(params))
    with pytest.raises(InputError, match="eval_detection.tile_overlap: is not less than a side of the model's image, 96 x 128 pixels"):
        eval_detection.main()


def test_overlays_tell_what_was_found(line):
    scores = write_eval_artifact()
    coco = read_coco(coco_path("test"))
    told = json.loads((line / "artifacts/eval_detection/overlays.json").read_text())
    predictions = json.loads((line / "artifacts/eval_detection/predictions.json").read_text())
    assert told["score_threshold"] == scores.best_f1_score
    kept = {i for i, p in enumerate(predictions) if p["score"] >= scores.best_f1_score}
    assert sum(screen["shown"] for screen in told["screens"]) == len(kept)
    assert sum(screen["found"] for screen in told["screens"]) == len(kept & scores.matches.keys()) > 10
    assert sum(screen["truth"] for screen in told["screens"]) == len(coco["annotations"])
