"""Timing a detector: what is measured, that every mode finds the same, and how the figures come together. No test says how long anything takes."""

import json
from dataclasses import replace

import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from pytest import approx

from contracts.errors import InputError
from evaluation import eval_latency, latency
from evaluation.latency import Call, Measured, agreement, count, lines, measure, metrics, summary
from tests.evaluation.test_eval_detection import TINY
from training.detect import Detections, detect
from training.models.detector import build_detector


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return build_detector(TINY).eval()


@pytest.fixture
def files(tmp_path):
    """Two screenshots that the model's image does not hold at full size."""
    names = [str(tmp_path / name) for name in ("a.png", "b.png")]
    for name, size in zip(names, ((200, 120), (90, 240)), strict=True):
        Image.linear_gradient("L").resize(size).convert("RGB").save(name)
    return names


def test_an_exported_program_finds_what_prediction_finds(model, files):
    from evaluation.predict import as_batch

    measured = measure(model, files, ("eager", "exported"), ("cpu",), (2,), calls=2, resampling="box")
    assert [(row.mode, row.batch, row.calls) for row in measured.summaries] == [("eager", 2, 2), ("exported", 2, 2)]
    assert all(row.agreement == 1 for row in measured.summaries)
    wanted = detect(model, as_batch([Image.open(file).convert("RGB") for file in files], TINY.image_size, "box"))
    _, found = latency.run(model, latency._eager(model), files, "box", "cpu")
    for a, b in zip(wanted, found, strict=True):
        assert torch.equal(a.boxes, b.boxes) and torch.equal(a.scores, b.scores)
    assert {call.call for call in measured.calls} == {0, 1} and all(call.total_ms > call.model_ms > 0 for call in measured.calls)


def test_a_mode_that_finds_something_else_is_no_result(model, files, monkeypatch):
    def moved(detector, mode, device, batch):
        forward = latency._eager(detector)
        return lambda images, content_hw: (lambda logits, boxes: (logits, boxes * 0.9))(*forward(images, content_hw)), 0.0

    monkeypatch.setattr(latency, "_prepared", moved)
    with pytest.raises(InputError, match="finds other boxes than eager"):
        measure(model, files, ("compiled",), ("cpu",), (1,), calls=1, resampling="box")


def test_a_gpu_that_is_not_there_is_named(model, files, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="no GPU"):
        measure(model, files, ("eager",), ("cuda",), (1,), calls=1, resampling="box")


def test_agreement_by_hand():
    boxes = torch.tensor([[0.0, 0, 10, 10], [20, 20, 40, 40], [5, 5, 6, 6]])
    every = Detections(boxes, torch.tensor([0.9, 0.5, 0.1]), torch.tensor([1, 2, 3]))
    assert agreement([every], [every]) == 1
    other_class = replace(every, labels=torch.tensor([1, 4, 3]))
    assert agreement([every], [other_class]) == approx(2 / 3)
    moved = replace(every, boxes=boxes + torch.tensor([[0.5], [2.0], [50.0]]))  # the last one is at the cut: which it is, is rounding
    assert agreement([every], [moved]) == approx(2 / 3)


def test_figures_of_made_up_calls():
    calls = [Call("cpu", "eager", 1, n, 1.0, 2.0, 10.0 + n, 0.5, 0) for n in range(11)]
    one = summary(calls, 1.0, 0.0)
    assert (one.p50_ms, one.model_ms, one.screens_per_second) == (approx(18.5), 15, approx(1000 / 18.5))
    assert one.p95_ms == approx(23.0) and one.p99_ms == approx(23.4)
    four = summary([replace(call, batch=4) for call in calls], 1.0, 0.0)
    machine = {"processor": "p", "cores": 2, "threads": 1, "gpus": [], "torch": "2", "load_average_after": 0.5, "load_average_before": 0.25}
    measured = Measured(tuple(calls), (one, four), {"parameters": 10, "gflops": 0.5}, machine)
    found = metrics(measured)
    assert found["p50_ms"] == approx(18.5) and found["best_batch"] == 4 and found["best_screens_per_second"] == approx(4000 / 18.5)
    assert found["load_average_before"] == 0.25
    assert any("target: under 30 ms a screen; measured: 18.5 ms" in line and line.endswith(": reached") for line in lines(measured))


def test_operations_of_a_product_are_counted(model):
    """The class heads alone: two operations for each multiplication with its addition."""
    facts = count(model)
    heads = 2 * TINY.num_queries * TINY.d_model * len(TINY.class_names) * TINY.decoder_layers
    assert facts["gflops"] * 1e9 > heads and facts["parameters"] == sum(p.numel() for p in model.parameters())


def test_the_stage_writes_what_it_says(line, model, monkeypatch):
    model.save_pretrained(line / "artifacts/train_detector")
    params = (line / "params.yaml").read_text()
    (line / "params.yaml").write_text(
        params.replace("{modes: [eager, exported], batches: [1], calls: 20}", "{modes: [eager], batches: [1, 2], calls: 2}")
    )
    monkeypatch.setattr("sys.argv", ["eval_latency"])
    eval_latency.main()
    folder = line / "artifacts/eval_latency"
    figures = json.loads((folder / "metrics.json").read_text())
    assert figures["target_ms"] == 30 and figures["best_batch"] in (1, 2) and figures["calls"] == 2
    assert pq.read_table(folder / "details.parquet").num_rows == 4
    assert (folder / "figures/latency.svg").is_file() and json.loads((folder / "machine.json").read_text())["cores"] > 0
