"""Test screens with what the detector found on them, the worst first: for the report's gallery, for exports and for W&B."""

import base64
import io
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq
from PIL import Image

from contracts.coco import class_names
from contracts.errors import InputError
from contracts.stage import artifact, missing_file
from evaluation.error_breakdown import KINDS
from evaluation.screens import find_screens

# The threshold where no prediction of the split is right, so that none is best.
UNKNOWN_THRESHOLD = 0.5
# In the page: detections below this score are left out, screens are scaled down to this width and compressed.
LOWEST_SCORE, PAGE_WIDTH_PX, WEBP_QUALITY = 0.05, 1024, 60


@dataclass(frozen=True)
class Truth:
    """A labelled element."""

    class_name: str
    bbox_xywh: tuple[float, float, float, float]


@dataclass(frozen=True)
class Found:
    """A detection. `truth` is the place in the screen's `truth` of the element that it hits (own class, IoU 0.5); `error` the kind of error otherwise."""

    class_name: str
    score: float
    bbox_xywh: tuple[float, float, float, float]
    truth: int | None
    error: str | None


@dataclass(frozen=True)
class JudgedScreen:
    """One screen with its elements, and its detections by falling score; `right`, `wrong` and `missed` count those from a score threshold up."""

    image_id: int
    key: str
    platform: str
    kit: str
    family: str
    width: int
    height: int
    truth: tuple[Truth, ...]
    found: tuple[Found, ...]
    right: int
    wrong: int
    missed: int

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall on this screen, 0..1; 1 where nothing is and nothing was found."""
        counted = 2 * self.right + self.wrong + self.missed
        return 2 * self.right / counted if counted else 1.0


def shown_threshold(best: float | None) -> float:
    """The score from which detections are shown: in the steps of the page's slider, so that its counts are those of the Markdown."""
    return UNKNOWN_THRESHOLD if best is None else max(LOWEST_SCORE, round(best, 2))


def judged_screens(coco: dict[str, Any], threshold: float | None) -> list[JudgedScreen]:
    """All screens of a split by eval_detection's details.parquet, the worst first: by F1 from `shown_threshold` up, then by their number of errors.

    InputError if that file is missing, or is of other screens.
    """
    least = shown_threshold(threshold)
    path = artifact("eval_detection") / "details.parquet"
    if not path.is_file():
        raise missing_file("eval_detection", path.name)
    names, truths, places = class_names(coco), defaultdict(list), {}
    for number, annotation in enumerate(coco["annotations"]):
        own = truths[annotation["image_id"]]
        places[annotation.get("id", number)] = len(own)
        own.append(Truth(names[annotation["category_id"]], tuple(annotation["bbox"])))
    founds = defaultdict(list)
    for row in pq.read_table(path).to_pylist():
        box = (row["x"], row["y"], row["width"], row["height"])
        founds[row["image_id"]].append(Found(row["class"], row["score"], box, None if row["truth"] is None else places[row["truth"]], row["error"]))
    if unknown := founds.keys() - {image["id"] for image in coco["images"]}:
        raise InputError(
            "is of screens that the test split does not hold.", file=path, field="image_id", found=min(unknown), fix="Run `dvc repro eval_detection`."
        )
    screens = []
    for image in coco["images"]:
        truth, found = truths[image["id"]], sorted(founds[image["id"]], key=lambda one: -one.score)
        shown = [one for one in found if one.score >= least]
        right = sum(one.truth is not None for one in shown)
        meta = image["screen"]
        screens.append(
            JudgedScreen(
                image["id"],
                meta["key"],
                meta["platform"],
                meta["kit"],
                meta["family"],
                image["width"],
                image["height"],
                tuple(truth),
                tuple(found),
                right,
                len(shown) - right,
                len(truth) - right,
            )
        )
    return sorted(screens, key=lambda screen: (screen.f1, -screen.wrong - screen.missed, screen.key))


def page_data(screens: Sequence[JudgedScreen], threshold: float | None) -> dict[str, Any]:
    """What the page's gallery is drawn from: JSON values, with the screens as WebP. Boxes are xywh in pixels of the screen, classes and errors places in lists."""
    classes = sorted({one.class_name for screen in screens for one in (*screen.truth, *screen.found)})
    number, kinds = {name: n for n, name in enumerate(classes)}, list(KINDS)
    images = find_screens([screen.key for screen in screens]) if screens else {}
    return {
        "threshold": shown_threshold(threshold),
        "classes": classes,
        "errors": kinds,
        "screens": [
            {
                **{field: getattr(screen, field) for field in ("key", "platform", "kit", "family", "width", "height")},
                "image": _webp(images[screen.key]),
                "truth": [[number[one.class_name], *_rounded(one.bbox_xywh)] for one in screen.truth],
                "found": [
                    [
                        *(number[one.class_name], round(one.score, 3), *_rounded(one.bbox_xywh)),
                        *(-1 if one.truth is None else one.truth, -1 if one.error is None else kinds.index(one.error)),
                    ]
                    for one in screen.found
                    if one.score >= LOWEST_SCORE
                ],
            }
            for screen in screens
        ],
    }


def _rounded(box: Sequence[float]) -> list[float]:
    return [round(value, 1) for value in box]


def _webp(image: Image.Image) -> str:
    if image.width > PAGE_WIDTH_PX:
        image = image.resize((PAGE_WIDTH_PX, round(image.height * PAGE_WIDTH_PX / image.width)), Image.Resampling.LANCZOS)
    data = io.BytesIO()
    image.save(data, "WEBP", quality=WEBP_QUALITY, method=4)
    return f"data:image/webp;base64,{base64.b64encode(data.getvalue()).decode()}"
