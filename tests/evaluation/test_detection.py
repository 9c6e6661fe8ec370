"""Detection scores on hand-drawn scenes; every expected number is worked out in a comment."""

import contextlib
import copy
import io
import json
import random

import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from pytest import approx

from contracts.coco import categories
from contracts.errors import InputError
from evaluation.detection import coco_results, score_detections

BUTTON, LINK, ICON = 4, 2, 43


def scene(*boxes, images=1, first_id=1):
    """A COCO dictionary; each box is (image_id, category_id, x, y, w, h)."""
    return {
        "images": [{"id": i, "file_name": f"{i}.png", "width": 2000, "height": 2000} for i in range(1, images + 1)],
        "categories": categories(),
        "annotations": [
            {"id": i, "image_id": image, "category_id": category, "bbox": list(box), "area": box[2] * box[3], "iscrowd": 0}
            for i, (image, category, *box) in enumerate(boxes, start=first_id)
        ],
    }


def predict(image, category, x, y, w, h, score):
    return {"image_id": image, "category_id": category, "bbox": [x, y, w, h], "score": score}


def perfect(coco):
    return [predict(a["image_id"], a["category_id"], *a["bbox"], 0.9 - 0.001 * i) for i, a in enumerate(coco["annotations"])]


def metrics(coco, predictions, max_detections=(100, 300)):
    return score_detections(coco, predictions, max_detections).metrics


TWO_BUTTONS = scene((1, BUTTON, 0, 0, 100, 40), (1, BUTTON, 0, 100, 100, 40))


def test_perfect_predictions_score_one():
    coco = scene((1, BUTTON, 0, 0, 20, 20), (1, LINK, 50, 50, 60, 60), (2, BUTTON, 0, 0, 200, 200), images=2)
    result = score_detections(coco, perfect(coco), (100, 300))
    assert result.metrics == approx(
        dict.fromkeys(
            ["AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large", "AR_100", "AR_300", "AP_agnostic", "AP50_agnostic", "AR_agnostic", "best_F1"],
            1.0,
        )
        | {"AP_class_button": 1.0, "AP_class_link": 1.0}
    )
    assert [(c.name, c.ap, c.ap50, c.truth) for c in result.classes] == [("link", approx(1), approx(1), 1), ("button", approx(1), approx(1), 2)]
    assert result.matches == {0: 0, 1: 1, 2: 2}
    assert result.best_f1_score == approx(0.898)  # the lowest of the three right predictions
    for precisions in (result.curve.iou50, result.curve.iou75, result.curve.agnostic_iou50):
        assert list(precisions) == approx([1.0] * 101)


@pytest.mark.parametrize("predictions", [[], [predict(1, BUTTON, 1000, 1000, 50, 50, 0.9)], [predict(1, ICON, 0, 0, 5, 5, 0.9)]])
def test_hopeless_predictions_score_zero(predictions):
    result = score_detections(TWO_BUTTONS, predictions, (100, 300))
    assert {result.metrics[name] for name in ("AP", "AP50", "AP75", "AR_300", "AP_agnostic", "best_F1", "AP_class_button")} == {0.0}
    assert result.best_f1_score is None and result.matches == {}


def test_half_of_the_truth_found():
    # One of two found, then a false alarm: precision is 1 up to recall 0.5 (the levels 0.00 .. 0.50, 51 of 101) and 0 beyond.
    found = [predict(1, BUTTON, 0, 0, 100, 40, 0.9), predict(1, BUTTON, 500, 500, 100, 40, 0.8)]
    result = metrics(TWO_BUTTONS, found)
    assert result["AP"] == result["AP50"] == approx(51 / 101)
    assert result["AR_100"] == approx(0.5)
    # Best threshold keeps the right one alone: F1 = 2 * 1 / (1 kept + 2 truth).
    assert result["best_F1"] == approx(2 / 3)


def test_a_false_alarm_above_the_hit_halves_precision():
    # At recall 1 two predictions are kept and one is right: precision 1/2 at every recall level.
    coco = scene((1, BUTTON, 0, 0, 100, 40))
    assert metrics(coco, [predict(1, BUTTON, 500, 0, 100, 40, 0.9), predict(1, BUTTON, 0, 0, 100, 40, 0.8)])["AP"] == approx(0.5)


def test_a_loose_box_counts_at_low_iou_only():
    # The prediction covers 62 of the 100 rows: IoU 0.62, a hit at 0.50, 0.55, 0.60 and a miss at the other seven thresholds.
    result = metrics(scene((1, BUTTON, 0, 0, 100, 100)), [predict(1, BUTTON, 0, 0, 100, 62, 0.9)])
    assert (result["AP"], result["AP50"], result["AP75"]) == approx((0.3, 1.0, 0.0))


def test_a_duplicate_is_a_false_alarm():
    # In score order: hit, duplicate, hit. Precision 1 up to recall 0.5 (51 levels), then 2 right of 3 (50 levels).
    found = [predict(1, BUTTON, 0, 0, 100, 40, 0.9), predict(1, BUTTON, 0, 0, 100, 40, 0.8), predict(1, BUTTON, 0, 100, 100, 40, 0.7)]
    result = score_detections(TWO_BUTTONS, found, (100, 300))
    assert result.metrics["AP"] == approx((51 + 50 * 2 / 3) / 101)
    assert result.matches == {0: 0, 2: 1}


def test_classes_weigh_the_same_and_absent_ones_are_left_out():
    # Links all found (1.0), the icon missed (0.0): mean 0.5 although 3 of 4 boxes are right. 48 classes have no truth here and no figure.
    coco = scene((1, LINK, 0, 0, 50, 20), (1, LINK, 0, 50, 50, 20), (1, LINK, 0, 90, 50, 20), (1, ICON, 500, 500, 16, 16))
    result = score_detections(coco, perfect(coco)[:3], (100, 300))
    assert result.metrics["AP"] == approx(0.5)
    assert {name for name in result.metrics if name.startswith("AP_class_")} == {"AP_class_link", "AP_class_icon"}
    assert {c.name: c.truth for c in result.classes} == {"link": 3, "icon": 1}
    assert "AP_large" not in result.metrics  # no truth box is that large


def test_the_wrong_class_costs_ap_but_not_class_agnostic_ap():
    result = metrics(TWO_BUTTONS, [predict(1, LINK, *a["bbox"], 0.9) for a in TWO_BUTTONS["annotations"]])
    assert (result["AP"], result["AP_agnostic"], result["AR_agnostic"]) == approx((0.0, 1.0, 1.0))


def test_more_than_100_elements_on_a_screen():
    # 150 truth boxes, all found: at 100 detections recall stops at 100/150, at 300 it is 1 and so is AP.
    coco = scene(*[(1, BUTTON, 20 * (i % 50), 20 * (i // 50), 10, 10) for i in range(150)])
    result = metrics(coco, perfect(coco), (100, 300))
    assert (result["AR_100"], result["AR_300"], result["AP"], result["AP_agnostic"]) == approx((100 / 150, 1.0, 1.0, 1.0))


def test_sizes_go_by_the_truth_boxes_area():
    # Small (20 x 20) and large (100 x 100) found, medium (50 x 50) missed.
    coco = scene((1, BUTTON, 0, 0, 20, 20), (1, BUTTON, 100, 0, 50, 50), (1, BUTTON, 300, 0, 100, 100))
    result = metrics(coco, [perfect(coco)[0], perfect(coco)[2]])
    assert (result["AP_small"], result["AP_medium"], result["AP_large"]) == approx((1.0, 0.0, 1.0))


def test_truth_ids_from_zero_and_plain_coco_fields():
    # COCOeval reads a match with annotation id 0 as no match; and a plain file may lack area and iscrowd.
    coco = scene((1, BUTTON, 0, 0, 100, 40), first_id=0)
    del coco["annotations"][0]["area"], coco["annotations"][0]["iscrowd"]
    assert metrics(coco, [predict(1, BUTTON, 0, 0, 100, 40, 0.9)])["AP"] == approx(1.0)


def test_inputs_are_left_as_they_were():
    coco, predictions = copy.deepcopy(TWO_BUTTONS), perfect(TWO_BUTTONS)
    before = json.dumps([coco, predictions])
    score_detections(coco, predictions, (100,))
    assert json.dumps([coco, predictions]) == before


def test_equal_scores_stand_or_fall_together():
    # Hit and false alarm share 0.9, so F1 = 2 * 1 / (2 kept + 2 truth); keeping the hit alone is no threshold.
    tied = [predict(1, BUTTON, 0, 0, 100, 40, 0.9), predict(1, BUTTON, 500, 500, 9, 9, 0.9)]
    assert metrics(TWO_BUTTONS, tied)["best_F1"] == approx(0.5)


def test_agrees_with_cocoeval_summarize_at_100_detections():
    draw = random.Random(7)
    boxes = [
        (1 + i % 4, draw.choice([BUTTON, LINK, ICON]), draw.randrange(900), draw.randrange(900), draw.randrange(8, 160), draw.randrange(8, 160))
        for i in range(120)
    ]
    coco = scene(*boxes, images=4)
    predictions = []
    for image, category, x, y, w, h in boxes:
        for _ in range(2):
            wobbled = [v + draw.uniform(-6, 6) for v in (x, y)] + [max(1.0, v + draw.uniform(-8, 8)) for v in (w, h)]
            predictions.append(predict(image, draw.choice([category, category, LINK]), *wobbled, draw.random()))
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = copy.deepcopy(coco)
        truth.createIndex()
        reference = COCOeval(truth, truth.loadRes(copy.deepcopy(predictions)), "bbox")
        reference.evaluate()
        reference.accumulate()
        reference.summarize()
    ours = metrics(coco, predictions, (1, 10, 100))
    names = ["AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large", "AR_1", "AR_10", "AR_100"]
    assert [ours[name] for name in names] == approx(reference.stats[:9].tolist())
    assert 0.05 < ours["AP"] < 0.95  # the scene is neither trivial nor hopeless


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"image_id": 99}, "[0].image_id"),
        ({"category_id": 51}, "[0].category_id"),
        ({"score": float("nan")}, "[0].score"),
        ({"bbox": [0, 0, float("inf"), 4]}, "[0].bbox"),
        ({"bbox": [0, 0, -3, 4]}, "[0].bbox"),
        ({"bbox": [0, 0, 4]}, "[0].bbox"),
    ],
)
def test_bad_predictions_are_refused(change, field):
    with pytest.raises(InputError) as error:
        score_detections(TWO_BUTTONS, [predict(1, BUTTON, 0, 0, 9, 9, 0.5) | change], (100,), file="p.json")
    assert (error.value.file, error.value.field) == ("p.json", field)


def test_a_missing_key_is_refused():
    with pytest.raises(InputError, match="no score"):
        score_detections(TWO_BUTTONS, [{"image_id": 1, "category_id": BUTTON, "bbox": [0, 0, 1, 1]}], (100,))


def test_max_detections_below_what_the_model_gives_is_refused():
    with pytest.raises(InputError, match="image 1 has more predictions than max_detections allows"):
        score_detections(TWO_BUTTONS, perfect(TWO_BUTTONS) * 2, (1, 3))


def test_a_truth_without_boxes_is_refused():
    with pytest.raises(InputError, match="no box to score against"):
        score_detections(scene(), [], (100,))


def test_coco_results_convert_boxes_and_refuse_unequal_lengths():
    assert coco_results(3, [[1.0, 2.0, 4.004, 8.0]], [0.12345678], [4]) == [
        {"image_id": 3, "category_id": 4, "bbox": [1.0, 2.0, 3.0, 6.0], "score": 0.123457}
    ]
    with pytest.raises(ValueError, match="longer"):
        coco_results(3, [[1, 2, 4, 8]], [0.1, 0.2], [4])
