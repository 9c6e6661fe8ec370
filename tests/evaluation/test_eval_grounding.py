"""The grounding stage's own parts on made-up answers to commands on drawn screens: what is written is what was answered, and what is shown."""

import csv
import json
from collections import Counter

import pytest
from PIL import Image
from pyarrow import parquet

from contracts.errors import InputError
from evaluation.eval_grounding import ambiguous_part, baselines, full_size_screens, personal_folders, spread_evenly, visible_elements
from evaluation.grounding import USERS, Case
from evaluation.grounding_pictures import draw_answer
from evaluation.grounding_report import gather_grounding
from evaluation.grounding_sets import Benchmark
from tests.evaluation.conftest import drawn_cases
from training.grounding.answers import parse_answer


def rows(folder, name):
    with (folder / "artifacts/eval_grounding" / name).open(newline="") as file:
        return list(csv.DictReader(file))


def test_figures_follow_from_the_details(finished_line):
    """Counted again from the rows of single answers."""
    details = parquet.read_table(finished_line / "artifacts/eval_grounding/details.parquet").to_pylist()
    metrics = json.loads((finished_line / "artifacts/eval_grounding/metrics.json").read_text())
    scores = rows(finished_line, "scores.csv")
    assert {(row["set"], row["model"]) for row in scores} == {(row["set"], row["model"]) for row in details}
    for row in scores:
        own = [detail for detail in details if (detail["set"], detail["model"]) == (row["set"], row["model"])]
        assert int(row["cases"]) == len(own)
        assert float(row["in_box"]) == pytest.approx(sum(detail["in_box"] for detail in own) / len(own))
        assert float(row["in_box_low"]) <= float(row["in_box"]) <= float(row["in_box_high"])
        assert int(row["unparsed"]) == sum(detail["parsed"] == 0 for detail in own)
    in_box = {f"{row['set']}_{row['model']}_in_box_accuracy": float(row["in_box"]) for row in scores}
    followed = in_box.keys() & metrics.keys()
    assert len(followed) == 6 < len(metrics) <= 16 and all(metrics[name] == pytest.approx(in_box[name], abs=1e-6) for name in followed)
    assert metrics["test_global_unparsed"] == len([d for d in details if (d["set"], d["model"]) == ("test", "global")]) // 7
    assert metrics["test_zoom_gain"] == pytest.approx(in_box["test_global_zoom_in_box_accuracy"] - in_box["test_global_in_box_accuracy"], abs=1e-6)
    chances = [d["guessable"] for d in details if (d["set"], d["model"]) == ("users_ambiguous", "global")]
    assert metrics["users_ambiguous_guessable"] == pytest.approx(sum(chances) / len(chances), abs=1e-6) and len(set(chances)) == 2
    assert {row["set"]: row["guessable"] != "" for row in scores} == {"test": False, "users": False, "users_ambiguous": True}
    assert {detail["kind"] for detail in details if detail["set"] == "users_ambiguous"} == {"ambiguous"}


def test_every_answer_is_kept_as_it_was_given(finished_line):
    lines = [json.loads(line) for line in (finished_line / "artifacts/eval_grounding/answers.jsonl").read_text().splitlines()]
    asked = Counter((line["set"], line["model"]) for line in lines)
    cases = asked["test", "global"]
    assert asked == {
        ("test", "vanilla"): cases,
        ("test", "global"): cases,
        ("test", "global_zoom"): cases,
        (USERS, "global"): cases,
        (USERS, "personal"): cases,
    }
    for line in lines:
        read = parse_answer(line["text"])
        assert (line["read_as"], line["point"], line["problem"]) == (read.read_as, None if read.point is None else list(read.point), read.problem)
    assert {line["problem"] for line in lines if line["read_as"] == "unparsed"} == {"has no coordinates"}


def test_pairs_are_compared(finished_line):
    found = {(row["set"], row["before"], row["after"]): row for row in rows(finished_line, "comparisons.csv")}
    details = parquet.read_table(finished_line / "artifacts/eval_grounding/details.parquet").to_pylist()
    right = {(row["set"], row["model"], row["id"]): row["in_box"] for row in details}
    gain = found[USERS, "global", "personal"]
    ids = [row["id"] for row in details if (row["set"], row["model"]) == (USERS, "personal")]
    changes = [right[USERS, "personal", each] - right[USERS, "global", each] for each in ids]
    assert float(gain["difference"]) == pytest.approx(sum(changes) / len(ids))
    assert (int(gain["better"]), int(gain["worse"])) == (changes.count(1), changes.count(-1))
    assert ("test", "global", "global_zoom") in found and ("test", "global", "personal") not in found


def test_the_curve_counts_answers_within_a_distance(finished_line):
    details = parquet.read_table(finished_line / "artifacts/eval_grounding/details.parquet").to_pylist()
    curve = rows(finished_line, "distance_curve.csv")
    assert [name for name in curve[0] if name != "distance"] == ["centre", "vanilla", "global", "global_zoom"] and len(curve) == 51
    for model in ("centre", "global"):
        own = [d for d in details if (d["set"], d["model"]) == ("test", model)]
        for row in curve:
            within = sum(d["parsed"] == 1 and d["distance"] <= float(row["distance"]) for d in own)
            assert float(row[model]) == pytest.approx(within / len(own))
        assert float(curve[14][model]) == pytest.approx(sum(d["click"] for d in own) / len(own))  # 140: click accuracy


def test_baselines_need_no_model(line):
    cases = drawn_cases()
    found = {result.model: result for result in baselines([Benchmark(USERS, cases, full_size_screens(), {})])}
    assert set(found) == {"centre", "random_element"}
    elements = visible_elements({cases[0].screen})[cases[0].screen]
    inside = [cases[0].holds(((x1 + x2) / 2, (y1 + y2) / 2)) for x1, y1, x2, y2 in elements]
    assert found["random_element"].scores.in_box[0] == pytest.approx(sum(inside) / len(elements)) and 0 < sum(inside) < len(inside)
    part = ambiguous_part(found["centre"])
    assert part is not None and len(part.scores) == sum(case.kind == "ambiguous" for case in cases) < len(cases)
    assert [result.model for result in baselines([Benchmark("ScreenSpot", cases, full_size_screens(), {})])] == ["centre"]


def test_the_hits_are_shown_on_the_right_screens(finished_line):
    shown = json.loads((finished_line / "artifacts/eval_grounding/overlays.json").read_text())
    details = {
        row["id"]: row
        for row in parquet.read_table(finished_line / "artifacts/eval_grounding/details.parquet").to_pylist()
        if (row["set"], row["model"]) == ("test", "global")
    }
    assert Counter(overlay["verdict"] == "hit" for overlay in shown) == {True: 3, False: 3}
    for overlay in shown:
        assert (finished_line / "artifacts/eval_grounding/figures" / overlay["file"]).is_file()
        assert (details[overlay["id"]]["in_box"] == 1) == (overlay["verdict"] == "hit") and details[overlay["id"]]["screen"] == overlay["screen"]


def test_a_picture_shows_target_answer_and_distance():
    """Target at the left, answer at the right of a white screen: a green frame, an orange cross, a line between."""
    case = Case("a", "s", "Click “Save”", (50, 400, 150, 600), 640, 400, "web", "button")
    picture = draw_answer(Image.new("RGB", (640, 400), (255, 255, 255)), case, parse_answer("(900, 500)"), "miss", 800.0)
    assert picture.width == 640 and picture.height > 400
    assert picture.getpixel((32, 200)) == (61, 128, 86)  # the frame's left edge
    assert picture.getpixel((576, 200)) == (194, 87, 26)  # where it was answered
    assert picture.getpixel((200, 200)) != (255, 255, 255) and picture.getpixel((200, 100)) == (255, 255, 255)


def test_spread_evenly():
    assert spread_evenly(range(10), 4) == [0, 2, 5, 7] and spread_evenly(range(3), 10) == [0, 1, 2] and spread_evenly(range(3), None) == [0, 1, 2]
    assert spread_evenly([], 4) == []


def test_what_is_missing_is_named(line):
    with pytest.raises(InputError, match=r"personalize_grounder.*holds no adapter of a user.*dvc repro --force personalize_grounder"):
        personal_folders()
    for user, fold in ((10, 0), (2, 1), (2, 0)):
        (line / f"artifacts/personalize_grounder/user_{user}/fold_{fold}").mkdir(parents=True)
    assert list(personal_folders()) == [(2, 0), (2, 1), (10, 0)]
    with pytest.raises(InputError, match="no-such: is in no split"):
        visible_elements({"no-such"})
    with pytest.raises(InputError, match=r"no-such\.png: is in artifacts/pack_grounding but in no shard"):
        full_size_screens()("no-such")
    (line / "artifacts/eval_grounding/per_group.csv").unlink()
    with pytest.raises(InputError, match=r"per_group\.csv.*is missing.*eval_grounding"):
        gather_grounding()
