"""The report of a hand-made line: what it says, that it stands alone, and how it refuses what is missing."""

import csv
import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from unittest.mock import Mock

import pytest

from contracts.coco import read_coco
from contracts.dataset import coco_path, dataset_version
from contracts.errors import InputError
from contracts.files import write_json
from contracts.knobs import Tracking, load_knobs
from contracts.stage import stage
from evaluation import report as report_stage
from evaluation.config import ReportKnobs
from evaluation.evidence import STAGES, command_line, cost, duration, figure, gather, machine, size
from evaluation.gallery import judged_screens
from evaluation.page import html_page
from evaluation.promoted import gather_promoted
from evaluation.tracking import track


class Page(HTMLParser):
    """The tags of a page, in order, with their attributes."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def of(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def run_report(monkeypatch, *of):
    monkeypatch.setattr("sys.argv", ["report", *(["--of", *of] if of else [])])
    report_stage.main()


def test_figures_in_the_page_are_those_of_the_artifacts(report):
    text = (report / "report.html").read_text()
    metrics = json.loads((report.parent / "eval_detection/metrics.json").read_text())
    for name in ("AP", "AP50", "AP75", "AP_agnostic"):
        assert f'<dd class="value">{metrics[name]:.3f}</dd>' in text
    with (report.parent / "train_detector/curves.csv").open() as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file)]
    assert f"{losses[-1]:.3g}" in text and f"{losses[0]:.3g} at the first logged" in text
    assert "0123456789abcdef0123456789abcdef.dir" in text  # the dataset version
    assert "above 0.95" in text and text.count("not measured") == 2
    assert json.loads((report / "metrics.json").read_text())["AP"] == metrics["AP"]


@pytest.mark.parametrize("name", [stage for stage in STAGES if stage.startswith("eval_")])
def test_evaluations_leave_the_same_kinds_of_files(finished_line, name):
    """Flat numbers for `dvc metrics`, columns of a row per prediction or sample (made-up evaluations have no rows), and pictures."""
    import pyarrow.parquet as pq

    folder = finished_line / "artifacts" / name
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics and all(isinstance(value, int | float) for value in metrics.values())
    assert len(pq.read_schema(folder / "details.parquet")) > 5
    assert list((folder / "figures").glob("*.png"))


def test_the_page_stands_alone(report):
    page = Page((report / "report.html").read_text())
    sources = [a["src"] for a in page.of("img")] + [a["srcset"] for a in page.of("source")] + [a["href"] for a in page.of("link")]
    assert len(sources) > 10
    assert all(source.startswith("data:") for source in sources)
    assert not [a for a in page.of("script") if "src" in a]
    assert all(a["href"].startswith("#") for a in page.of("a"))


def test_pictures_have_words_and_headings_have_order(report):
    page = Page((report / "report.html").read_text())
    assert all(len(a["alt"]) > 20 for a in page.of("img"))
    assert len(page.of("figcaption")) == len(page.of("figure")) == len(page.of("img"))
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids)) and {a["href"][1:] for a in page.of("a")} <= set(ids)


def test_the_markdown_shows_every_figure_beside_it(report):
    shown = set(re.findall(r"\]\((figures/[^)]+)\)", (report / "report.md").read_text()))
    assert shown == {f"figures/{path.name}" for path in (report / "figures").glob("*.png")}
    charts = {path.stem for path in (report / "figures").glob("*.svg")}
    assert {"precision_recall", "confusion", "loss_train_detector"} <= charts and "contact_sheet" not in charts
    assert all((report / f"figures/{name}.svg").read_text().startswith("<?xml") for name in charts)
    assert {"figures/loss_pretrain_mae.png", "figures/contact_sheet.png", "figures/reconstructions.png"} <= shown


def test_every_value_is_escaped(line):
    from evaluation.figures import make_figures

    evidence = gather()
    evidence.runs["train_detector"]["host"]["system"] = "<script>alert(1)</script>"
    figures = make_figures(evidence, load_knobs(ReportKnobs))
    figures.gallery["screens"][0]["kit"] = "</script><script>alert(2)"
    text = html_page(replace(evidence, promoted=None), figures)
    assert "<script>alert" not in text and "&lt;script&gt;alert(1)" in text and r"\u003cscript>alert(2)" in text
    assert "No model is promoted yet" in text


def test_a_detector_that_hits_nothing_is_reported_as_zero(line, monkeypatch):
    from tests.evaluation.conftest import write_eval_artifact

    write_eval_artifact(predictions=[])
    run_report(monkeypatch)
    text = Path("artifacts/report/report.html").read_text()
    assert '<dd class="value">0.000</dd>' in text and "No prediction hits an element" in text
    screens = judged_screens(read_coco(coco_path("test")), None)
    assert all(screen.f1 == screen.right == screen.wrong == 0 and screen.missed == len(screen.truth) for screen in screens)


def test_screens_stand_worst_first_and_their_counts_are_those_of_the_details(line):
    import pyarrow.parquet as pq

    threshold = json.loads(Path("artifacts/eval_detection/overlays.json").read_text())["score_threshold"]
    screens = judged_screens(read_coco(coco_path("test")), threshold)
    details = [row for row in pq.read_table("artifacts/eval_detection/details.parquet").to_pylist() if row["score"] >= round(threshold, 2)]
    assert len(screens) == 4 and [s.f1 for s in screens] == sorted(s.f1 for s in screens) and screens[0].f1 < screens[-1].f1
    for screen in screens:
        own = [row for row in details if row["screen"] == screen.key]
        assert screen.right == sum(row["truth"] is not None for row in own) > 0 and screen.wrong == len(own) - screen.right > 0
        assert screen.missed == len(screen.truth) - screen.right
        for found in screen.found:
            assert (found.truth is None) != (found.error is None)
            assert found.truth is None or screen.truth[found.truth].class_name == found.class_name


def test_details_of_other_screens_are_refused(line):
    coco = read_coco(coco_path("test"))
    with pytest.raises(InputError, match="details.parquet: image_id: is of screens that the test split does not hold"):
        judged_screens(coco | {"images": coco["images"][:1]}, 0.5)


def rows(text, table):
    """The body of a table: its rows as lists of texts."""
    body = text.partition(f'id="{table}"')[2].partition("<tbody>")[2].partition("</tbody>")[0]
    return [[re.sub("<[^>]+>", "", cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)] for row in body.split("<tr>")[1:]]


def test_it_stands_beside_the_promoted_model_with_what_changed(report):
    text = (report / "report.html").read_text()
    figures = {row[0]: row[1:] for row in rows(text, "promoted")}
    assert figures["AP"][2] == "-0.050 worse" and figures["AP75"][2] == "none" and figures["Milliseconds per screen"][2].endswith("better")
    metrics = json.loads((report.parent / "eval_detection/metrics.json").read_text())
    assert figures["AP"][1] == f"{metrics['AP']:.3f} ({metrics['AP_low']:.3f} to {metrics['AP_high']:.3f})"
    epochs = json.loads((report.parent / "train_detector/run.json").read_text())["knobs"]["epochs"]
    assert rows(text, "changes") == [["train_detector", "epochs", "7", str(epochs)]]
    assert "promoted 2026-02-02" in text and "another test split" not in text
    assert "| train_detector | epochs | `7` |" in (report / "report.md").read_text()


def test_what_is_different_from_the_promoted_model(line):
    runs = {stage: json.loads((line / f"artifacts/{stage}/run.json").read_text()) for stage in ("train_detector", "eval_detection")}
    version = Path("models/detector/v2/version.json")
    content = json.loads(version.read_text())
    lineage = content["lineage"] | {"test_split": "0" * 64, "dataset_version": "e" * 32 + ".dir"}
    lineage["runs"]["train_detector"] |= {"code_revision": "abc", "preset": "one-gpu", "hardware": {"devices": 8}}
    write_json(version, content | {"lineage": lineage})
    found = gather_promoted(runs, dataset_version())
    epochs, revision, preset = (runs["train_detector"][key] for key in ("knobs", "code_revision", "preset"))
    assert not found.comparable and [(c.where, c.what, c.before, c.now) for c in found.changes] == [
        ("dataset", "version", "e" * 32 + ".dir", dataset_version()),
        ("code of train_detector", "revision", "abc", revision),
        ("train_detector", "preset", "one-gpu", preset),
        ("train_detector", "epochs", 7, epochs["epochs"]),
        ("train_detector", "devices", 8, None),
    ]
    version.unlink()
    with pytest.raises(InputError, match="v2/version.json: is missing"):
        gather_promoted(runs, dataset_version())
    shutil.rmtree("models")
    assert gather_promoted(runs, dataset_version()) is None


def test_wandb_has_a_table_of_the_worst_screens_with_boxes(line):
    evidence = gather()
    figures = Mock(everything=list)
    with stage("report", load_knobs(ReportKnobs)) as s:
        track(s, Tracking(wandb="offline", project="test"), load_knobs(ReportKnobs), lambda: report_stage.tracked(evidence, figures, s.folder))
    (file,) = Path("artifacts/report/wandb").rglob("*.table.json")
    table = json.loads(file.read_text())
    assert [row[0] for row in table["data"]] == [screen.key for screen in evidence.screens]
    assert [row[table["columns"].index("missed")] for row in table["data"]] == [screen.missed for screen in evidence.screens]
    boxes = [json.loads(path.read_text()) for path in Path("artifacts/report/wandb").rglob("*.boxes2D.json")]
    assert sorted(len(each["box_data"]) for each in boxes) == sorted(
        len(part) for screen in evidence.screens for part in (screen.truth, screen.found)
    )


def test_cost_and_command_of_a_run():
    run = {
        "seconds": 1800,
        "hardware": {"accelerator": "gpu", "devices": 8},
        "host": {"cpus": 64},
        "command": ["/any/where/training/pretrain_mae.py", "--a", "b c"],
    }
    assert (cost(run).gpu_hours, cost(run).core_hours) == (4, 32)
    assert cost(run | {"hardware": None}).gpu_hours == cost(run | {"hardware": {"accelerator": "cpu", "devices": 2}}).gpu_hours == 0
    assert command_line(run) == "python -m training.pretrain_mae --a 'b c'"


def test_a_report_on_some_stages_needs_no_others(line, monkeypatch):
    for name in set(STAGES) - {"train_detector", "eval_detection", "eval_latency"}:
        shutil.rmtree(line / "artifacts" / name)
    run_report(monkeypatch, "train_detector", "eval_detection", "eval_latency")
    text, markdown = (Path("artifacts/report", name).read_text() for name in ("report.html", "report.md"))
    assert "a part of the line: Detector training, Detector evaluation, Detector timing." in text and "a part of the line" in markdown
    sections = [of["href"] for of in Page(text).of("a") if of["href"].startswith("#")]
    assert sections == ["#result", "#training", "#detections", "#screens", "#speed", "#dataset", "#cost", "#provenance"]
    assert {f"#{of.get('id')}" for of in Page(text).of("section")} == set(sections)
    assert "Training time" in text and "Pretraining" not in text and "None" not in markdown
    with pytest.raises(
        InputError, match=r"--of: cannot be reported\. Found: eval_latency\. Name train_detector and eval_detection, and any others of pack_beton"
    ):
        run_report(monkeypatch, "eval_latency")


@pytest.mark.parametrize("name", ["pack_beton", "pretrain_mae", "train_detector", "eval_detection"])
def test_a_missing_stage_is_named_with_what_to_run(line, monkeypatch, name):
    shutil.rmtree(line / "artifacts" / name)
    with pytest.raises(InputError, match=f"dvc repro {name}"):
        run_report(monkeypatch)
    assert not (line / "artifacts/report").exists() and not list((line / "artifacts").glob(".*"))


@pytest.mark.parametrize(
    "file",
    [
        "pretrain_mae/reconstructions.png",
        "pretrain_mae/curves.csv",
        "eval_detection/per_class.csv",
        "eval_detection/pr_curve.csv",
        "eval_detection/overlays.json",
    ],
)
def test_a_missing_file_is_named_with_what_to_run(line, monkeypatch, file):
    (line / "artifacts" / file).unlink()
    with pytest.raises(InputError, match=f"{file}.*is missing.*{file.partition('/')[0]}"):
        run_report(monkeypatch)


def test_an_artifact_of_another_dataset_version_is_refused(line, monkeypatch):
    (line / "data.dvc").write_text("outs:\n- md5: ffffffffffffffffffffffffffffffff.dir\n  path: data\n")
    with pytest.raises(InputError, match="made from another dataset version"):
        run_report(monkeypatch)


def test_a_curve_without_losses_is_refused(line, monkeypatch):
    (line / "artifacts/train_detector/curves.csv").write_text("step,loss,val_loss\n1,,2.0\n")
    with pytest.raises(InputError, match="no logged loss"):
        run_report(monkeypatch)


def test_no_dataset_no_report(line, monkeypatch):
    (line / "data.dvc").unlink()
    with pytest.raises(InputError, match="make demo"):
        run_report(monkeypatch)


def test_the_same_artifacts_give_the_same_page(line, monkeypatch):
    pages = []
    for _ in range(2):
        run_report(monkeypatch)
        pages.append(Path("artifacts/report/report.html").read_bytes())
    assert pages[0] == pages[1]


def test_numbers_in_words():
    assert [figure(v) for v in (0.0, 1.0, 0.12345, 0.001, 0.00099)] == ["0.000", "1.000", "0.123", "0.001", "<0.001"]
    assert [duration(v) for v in (0.04, 9.96, 42.4, 200, 7500)] == ["0.0 s", "10.0 s", "42 s", "3 min 20 s", "2 h 05 min"]
    assert [size(v) for v in (812e6, 1.94e9)] == ["812 MB", "1.9 GB"]
    assert machine({"cpus": 2}) == "a host with 2 CPU cores"
    assert machine({"cpus": 16, "gpus": ["H200", "H200"]}) == "2 x H200 in a host with 16 CPU cores"
