"""The report of a hand-made line: what it says, that it stands alone, and how it refuses what is missing."""

import csv
import json
import re
import shutil
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from contracts.errors import InputError
from evaluation import report as report_stage
from evaluation.evidence import duration, figure, gather, machine, size
from evaluation.page import html_page


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


def run_report(monkeypatch):
    monkeypatch.setattr("sys.argv", ["report"])
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
    assert shown == {f"figures/{path.name}" for path in (report / "figures").iterdir()}
    assert {"figures/loss_pretrain_mae.png", "figures/contact_sheet.png", "figures/reconstructions.png"} <= shown


def test_every_value_is_escaped(line):
    from evaluation.figures import make_figures

    evidence = gather()
    evidence.runs["train_detector"]["host"]["system"] = "<script>alert(1)</script>"
    text = html_page(evidence, make_figures(evidence, 1))
    assert "<script>alert(1)" not in text and "&lt;script&gt;alert(1)" in text


def test_a_detector_that_hits_nothing_is_reported_as_zero(line, monkeypatch):
    from tests.evaluation.conftest import write_eval_artifact

    write_eval_artifact(predictions=[])
    run_report(monkeypatch)
    text = Path("artifacts/report/report.html").read_text()
    assert '<dd class="value">0.000</dd>' in text and "No prediction hits an element" in text


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
