"""Matching, beside the reference (pycocotools) on dense scenes, and what is made of it: kinds of error, groups, intervals, confusion, calibration."""

import numpy as np
import pytest
from pytest import approx

from benchmarks.coco_eval import dense_screens, six_figures, with_pycocotools
from evaluation.detection import AREAS, score_detections
from evaluation.detection_breakdown import break_down, by_group, calibration, confusion, interval
from evaluation.error_breakdown import KINDS, error_breakdown
from evaluation.matching import IGNORED, MISSED, average_precision, match
from tests.evaluation.test_detection import BUTTON, ICON, LINK, predict, scene
from training.average_precision import evaluate


@pytest.fixture(scope="module")
def dense():
    return dense_screens(12, seed=3)


def mean_over_recall(precision):
    """[T, R, K] with -1 for classes without truth -> AP [T, K] with NaN there."""
    return np.where(precision.max(1) > -1, precision.mean(1), np.nan)


def test_the_engine_gives_the_reference_s_arrays_and_six_figures(dense):
    found, reference = evaluate(*dense, (100, 300, 900), AREAS, use_classes=True).eval, with_pycocotools(*dense, AREAS).eval
    for name in ("precision", "recall"):
        assert np.abs(found[name] - reference[name]).max() < 1e-12
    assert six_figures(found) == six_figures(reference) and six_figures(found)["AP50"] > 0.3


def test_average_precision_of_matches_is_the_engine_s(dense):
    coco, predictions = dense
    for use_classes in (True, False):
        reference = evaluate(coco, predictions, [900], {"all": AREAS["all"]}, use_classes=use_classes).eval["precision"][..., 0, -1]
        np.testing.assert_allclose(average_precision(match(coco, predictions, use_classes=use_classes)), mean_over_recall(reference), atol=1e-12)


def test_weights_are_screens_that_come_more_than_once(dense):
    coco, predictions = dense
    weights = np.random.default_rng(0).integers(0, 3, len(coco["images"])).astype(float)
    times = [n for n, weight in enumerate(weights, start=1) for _ in range(int(weight))]
    drawn = {
        "images": [{"id": new} for new in range(1, len(times) + 1)],
        "categories": coco["categories"],
        "annotations": [{**a, "image_id": new} for new, old in enumerate(times, start=1) for a in coco["annotations"] if a["image_id"] == old],
    }
    found = [{**p, "image_id": new} for new, old in enumerate(times, start=1) for p in predictions if p["image_id"] == old]
    weighted, repeated = average_precision(match(coco, predictions), weights), average_precision(match(drawn, found))
    np.testing.assert_allclose(weighted, repeated, atol=1e-12)


def test_a_crowd_region_is_not_to_be_found_and_excuses_what_lies_in_it(dense):
    coco = scene((1, BUTTON, 0, 0, 20, 20), (1, BUTTON, 100, 100, 400, 400))
    coco["annotations"][1]["iscrowd"] = 1
    predictions = [predict(1, BUTTON, 200, 200, 50, 50, 0.9), predict(1, BUTTON, 0, 0, 20, 20, 0.8), predict(1, LINK, 200, 200, 50, 50, 0.7)]
    matches = match(coco, predictions)
    assert matches.hit[0].tolist() == [IGNORED, 0, MISSED]
    reference = with_pycocotools(coco, predictions, AREAS).eval["precision"][:, :, :, 0, -1]
    np.testing.assert_allclose(average_precision(matches), mean_over_recall(reference), atol=1e-12)


# Five elements in a row, 100 x 100, one of each outcome.
ROW = scene(*[(1, BUTTON, 200 * n, 0, 100, 100) for n in range(5)], (1, LINK, 0, 500, 100, 100))
FOUND = [
    predict(1, BUTTON, 0, 0, 100, 100, 0.9),  # right
    predict(1, BUTTON, 0, 0, 90, 100, 0.8),  # duplicate of it
    predict(1, BUTTON, 270, 0, 100, 100, 0.7),  # IoU 30 / 170: beside the second element
    predict(1, LINK, 400, 0, 100, 100, 0.6),  # on the third, of another class
    predict(1, ICON, 670, 0, 100, 100, 0.5),  # beside the fourth, of another class
    predict(1, BUTTON, 1500, 1500, 100, 100, 0.4),  # on nothing
]


def test_each_kind_of_error():
    breakdown = error_breakdown(match(ROW, FOUND))
    names = list(KINDS)
    assert [names[k] if k >= 0 else None for k in breakdown.kind] == [None, "duplicate", "localisation", "classification", "both", "background"]
    assert breakdown.missed.tolist() == [3, 4, 5]  # the fourth and fifth button, and the link
    # Buttons: 1 of 5 found by the first of four detections, precision 1 up to recall 0.2: 21 of 101 levels. Link: the one detection is wrong.
    assert breakdown.ap50 == approx(21 / 101 / 2)
    # Mended: a second button, after the duplicate: precision 2 / 3 from recall 0.2 to 0.4.
    assert breakdown.cost["localisation"] == approx(20 * 2 / 3 / 101 / 2)
    # Mended: the third button is found by a fourth detection, after a duplicate and one beside: precision 2 / 4, better than nothing, up to recall 0.4.
    assert breakdown.cost["classification"] == approx(20 * 0.5 / 101 / 2)
    # What stands behind the only hit costs nothing.
    assert breakdown.cost["duplicate"] == breakdown.cost["background"] == breakdown.cost["both"] == 0
    # Without the three: 3 buttons to find, one found, precision 1 up to recall 1 / 3 (34 levels); no link is left, so that class scores 0.
    assert breakdown.cost["missed"] == approx((34 - 21) / 101 / 2)


def test_counts_and_costs_are_those_of_the_authors_program(dense):
    """tidecv 1.0.1 on the same dictionaries gave these (its recall levels are rounded differently, hence the tolerance)."""
    breakdown = error_breakdown(match(*dense))
    assert breakdown.counts == {"classification": 70, "localisation": 18, "both": 607, "duplicate": 0, "background": 1182, "missed": 135}
    theirs = {"classification": 16.743, "localisation": 0.159, "both": 1.442, "duplicate": 0.0, "background": 2.585, "missed": 11.419}
    assert {kind: 100 * cost for kind, cost in breakdown.cost.items()} == approx(theirs, abs=0.05)
    assert 100 * breakdown.ap50 == approx(61.843, abs=0.05)


def test_groups_are_scored_by_themselves(dense):
    coco, predictions = dense
    kits = ["a" if n % 2 else "b" for n in range(len(coco["images"]))]
    groups = by_group(match(coco, predictions), match(coco, predictions, use_classes=False), {"kit": kits, "theme": [None] * len(kits)})
    assert [(group.by, group.name, group.screens) for group in groups] == [("kit", "a", 6), ("kit", "b", 6)]
    for group in groups:
        ids = {image["id"] for image, kit in zip(coco["images"], kits, strict=True) if kit == group.name}
        part = {
            **coco,
            "images": [i for i in coco["images"] if i["id"] in ids],
            "annotations": [a for a in coco["annotations"] if a["image_id"] in ids],
        }
        alone = score_detections(part, [p for p in predictions if p["image_id"] in ids], (900,)).metrics
        assert (group.ap, group.ap50, group.ap_agnostic) == approx((alone["AP"], alone["AP50"], alone["AP_agnostic"]))
        assert group.elements == len(part["annotations"])


def test_an_interval_holds_the_truth_as_often_as_it_says():
    """Means of 30 draws from a skewed distribution: about 95 of 100 intervals hold its mean, a few less because 30 are few."""
    random, held = np.random.default_rng(1), 0
    for seed in range(100):
        values = random.exponential(1.0, 30)
        low, high = interval(30, lambda weights, values=values: np.array([(weights * values).sum() / weights.sum()]), 500, seed=seed)
        held += bool(low[0] <= 1.0 <= high[0])
    assert 86 <= held <= 99


def test_confusions_are_counted_by_place():
    classes = [category["id"] for category in ROW["categories"]]
    table = confusion(
        match(ROW, FOUND, use_classes=False),
        np.array([classes.index(p["category_id"]) for p in FOUND]), np.array([classes.index(a["category_id"]) for a in ROW["annotations"]]),
        len(classes), threshold=0.45,
    )  # fmt: skip
    button, link, icon, nothing = classes.index(BUTTON), classes.index(LINK), classes.index(ICON), len(classes)
    # The first is right, the third is taken for a link; the second, fourth and fifth are not found, nor is the link. Beside everything: a duplicate, one
    # box too far off, and an icon; the last detection is below the threshold.
    assert {(button, button): 1, (button, link): 1, (button, nothing): 3, (link, nothing): 1, (nothing, button): 2, (nothing, icon): 1} == {
        (row, column): table[row, column] for row, column in zip(*table.nonzero(), strict=True)
    }


def test_scores_that_mean_what_they_say_have_no_calibration_error():
    truth = [(1, BUTTON, 200 * n, 0, 100, 100) for n in range(4)]
    predictions = [predict(1, BUTTON, 200 * n if n < 3 else 3000, 0, 100, 100, 0.75) for n in range(4)]
    honest = calibration(match(scene(*truth), predictions))
    assert (honest.score, honest.precision, honest.count, honest.error) == ((0.75,), (0.75,), (4,), approx(0))
    boastful = calibration(match(scene(*truth), [{**p, "score": 0.95} for p in predictions]))
    assert boastful.error == approx(0.2)
    assert calibration(match(scene(*truth), [])).count == ()


def test_everything_together_for_no_predictions_at_all():
    coco = ROW | {"images": [image | {"screen": {"kit": "a", "platform": "web"}} for image in ROW["images"]]}
    found = break_down(coco, [], score_detections(coco, [], (100,)))
    assert found.errors.counts["missed"] == 6 and found.metrics["AP_low"] == found.metrics["AP_high"] == 0
    assert found.confusion.sum() == found.confusion[:, -1].sum() == 6
