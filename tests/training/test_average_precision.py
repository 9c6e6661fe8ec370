"""AP while a detector trains, on scenes drawn by hand."""

import torch

from training.average_precision import ValidationScreens, score
from training.batches import ScreenBatch
from training.detect import Detections


def scene(truth: list[list[float]], labels: list[int], image_id: int = 7) -> ScreenBatch:
    """One screen of 200 x 100 pixels, packed at half its size."""
    return ScreenBatch(
        images=torch.zeros(1, 3, 50, 100, dtype=torch.uint8),
        boxes=[torch.tensor(truth).reshape(-1, 4) / 2],
        labels=[torch.tensor(labels, dtype=torch.int64)],
        image_ids=torch.tensor([image_id]),
        content_hw=torch.tensor([[50, 100]]),
        original_hw=torch.tensor([[100, 200]]),
    )


def found(boxes: list[list[float]], labels: list[int], scores: list[float]) -> Detections:
    return Detections(torch.tensor(boxes).reshape(-1, 4), torch.tensor(scores), torch.tensor(labels, dtype=torch.int64))


A, B = [0.0, 0.0, 40.0, 20.0], [100.0, 50.0, 160.0, 90.0]


def test_everything_found_is_one() -> None:
    screens = ValidationScreens()
    screens.add(scene([A, B], [0, 3]), [found([B, A], [3, 0], [0.9, 0.8])])
    scores = score(screens.screens)
    assert {name: round(value, 6) for name, value in scores.items() if name in ("val_AP", "val_AP50", "val_AP75")} == {
        "val_AP": 1.0, "val_AP50": 1.0, "val_AP75": 1.0,
    }  # fmt: skip
    assert len(scores) == 5  # and the two classes that are there


def test_another_class_is_nothing_and_one_of_two_classes_is_half() -> None:
    screens = ValidationScreens()
    screens.add(scene([A, B], [0, 3]), [found([A, B], [0, 4], [0.9, 0.8])])
    assert abs(score(screens.screens)["val_AP"] - 0.5) < 1e-9


def test_a_loose_box_counts_at_half_overlap_alone() -> None:
    """40 x 20 against 40 x 12 of it: an overlap of 0.6 passes the thresholds 0.50, 0.55 and 0.60 of ten."""
    screens = ValidationScreens()
    screens.add(scene([A], [0]), [found([[0.0, 0.0, 40.0, 12.4]], [0], [0.9])])
    scores = score(screens.screens)
    assert abs(scores["val_AP50"] - 1) < 1e-9 and scores["val_AP75"] == 0 and abs(scores["val_AP"] - 0.3) < 1e-9


def test_nothing_found_is_zero_and_nothing_to_find_is_no_figure() -> None:
    screens = ValidationScreens()
    screens.add(scene([A], [0]), [found([], [], [])])
    assert score(screens.screens)["val_AP"] == 0
    empty = ValidationScreens()
    empty.add(scene([], []), [found([], [], [])])
    assert score(empty.screens) == {}
