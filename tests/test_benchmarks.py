"""The table of speed claims: of every benchmark, the same in README.md and docs/results/, and made of what the benchmarks printed."""

import json
from pathlib import Path

import pytest

from benchmarks.__main__ import BENCHMARKS, README, RESULTS, markdown, measure, table, with_table
from contracts.errors import InputError

REPOSITORY = Path(__file__).parent.parent
# Not speed claims: they measure other things, or need a GPU.
OTHERS = {"detector_ablation", "detector_overfit", "gpu", "grounding_proof", "hjepa_ablation", "hjepa_cifar10", "render_memory"}


def results() -> dict:
    return json.loads((REPOSITORY / RESULTS).read_text())


def test_every_speed_claim_is_in_the_table() -> None:
    modules = {path.stem for path in (REPOSITORY / "benchmarks").glob("*.py") if not path.stem.startswith("_")}
    assert modules - OTHERS == set(BENCHMARKS) == set(results())


def test_readme_and_markdown_say_what_was_measured() -> None:
    readme = (REPOSITORY / README).read_text()
    assert with_table(readme, results()) == readme, "run `python -m benchmarks --table`"
    assert (REPOSITORY / RESULTS).with_suffix(".md").read_text() == markdown(results())


def test_a_page_just_measured_is_the_one_made_of_the_file() -> None:
    backwards = {name: dict(reversed(one.items())) for name, one in results().items()}
    assert markdown(backwards) == markdown(results())


def test_a_result_has_what_a_claim_needs() -> None:
    for name, one in results().items():
        assert one["benchmark"] == name and one["ratio"] > 0 and one["ours"] > 0 and one["peer"] > 0 and one["unit"], name
        ratio = one["ours"] / one["peer"]
        assert one["ratio"] == pytest.approx(ratio, rel=0.02) or one["ratio"] == pytest.approx(1 / ratio, rel=0.02), name
        assert one["environment"]["libraries"]["torch"] and one["seconds"] > 0


def test_the_table_goes_where_its_place_is_marked() -> None:
    found = {"coco_eval": {"ratio": 2.0, "ours": 1.0, "peer": 2.0, "unit": "s"}}
    readme = "before\n<!-- python -m benchmarks -->\nold\n<!-- end of python -m benchmarks -->\nafter\n"
    assert with_table(readme, found) == f"before\n<!-- python -m benchmarks -->\n\n{table(found)}\n<!-- end of python -m benchmarks -->\nafter\n"
    with pytest.raises(InputError, match=r"README.md: .*has no place for the table"):
        with_table("no place", found)


def test_a_benchmark_that_fails_is_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    with pytest.raises(InputError, match="benchmarks.nosuch: ended with status 1"):
        measure("nosuch")
