"""Every element on your own screenshots, found by a trained detector.

    python -m evaluation.predict screenshot.png                          boxes as JSON on standard output
    python -m evaluation.predict shots/ --out found/                     found/predictions.json and a picture with boxes for each screenshot
    python -m evaluation.predict big.png --tiles 64 --form coco          tiles of the model's size at full resolution; COCO's form
    cat screenshot.png | python -m evaluation.predict -

Sources are files, folders and patterns in quotes ('shots/**/*.png'); `-` is standard input. A screenshot that cannot be read is named, the others are still done, and the exit status is 1.
Forms: `json` (file -> elements with class, score, box xyxy in pixels), `coco` (images, categories, annotations), `supervision` (the arguments of
supervision.Detections for each file).
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.errors import InputError, run_command
from contracts.files import write_text

if TYPE_CHECKING:
    from PIL import Image

    from evaluation.screenshots import Screenshot
    from training.detect import Detections
    from training.models.detector import Detector
    from training.screen_batch import ScreenBatch

# More than any screen has; a picture of so many pixels takes 120 MB.
MAX_PIXELS = 40_000_000


def main() -> None:
    options = _options()
    from evaluation.screenshots import find_files

    files = find_files(options.sources)  # before torch is loaded: a wrong path is told at once
    from training.models.detector import Detector

    model = Detector.from_pretrained(options.model).to(device(options.device)).eval()
    refused: list[InputError] = []
    found = []
    for screenshot, detections in predict(model, files, options, refused):
        found.append((screenshot, detections))
        if options.out is not None and not options.no_pictures:
            _draw(model, screenshot, detections, options.out)
    text = json.dumps(FORMS[options.form](model.config.class_names, found), indent=2, ensure_ascii=False) + "\n"
    if options.out is None:
        sys.stdout.write(text)
    else:
        write_text(options.out / "predictions.json", text)
        print(f"{len(found)} screenshots, {sum(len(d.scores) for _, d in found)} elements: {options.out / 'predictions.json'}", file=sys.stderr)
    for error in refused:
        print(f"error: {error}", file=sys.stderr)
    if refused:
        sys.exit(1)


def predict(model: "Detector", files: list[str], options: argparse.Namespace, refused: list[InputError]) -> "Iterator[tuple[Screenshot, Detections]]":
    """What is on each screenshot, from the threshold up; errors of those that cannot be read go to `refused`."""
    from contracts.stage import progress
    from evaluation.screenshots import read_screenshot

    for file in progress(files, "detecting") if len(files) > 1 else files:
        try:
            screenshot = read_screenshot(file, options.max_pixels)
        except InputError as error:
            refused.append(error)
            continue
        yield screenshot, find_elements(model, screenshot.image, options)


def find_elements(model: "Detector", image: "Image.Image", options: argparse.Namespace) -> "Detections":
    """What is on one screen (RGB), the best first: from `options.threshold` up, at most `options.most`, in `options.tiles` if that is not None."""
    import numpy as np
    import torch

    from training.detect import Detections, detect
    from training.tiles import detect_in_tiles

    height, width = model.config.image_size
    if options.tiles is not None and (image.height > height or image.width > width):
        every = detect_in_tiles(model, torch.from_numpy(np.array(image)).permute(2, 0, 1), options.tiles, options.most)
    else:
        every = detect(model, as_batch([image], model.config.image_size, options.resampling))[0]
    kept = (every.scores >= options.threshold).nonzero()[: options.most, 0]
    return Detections(every.boxes[kept], every.scores[kept], every.labels[kept])


def as_batch(images: "Sequence[Image.Image]", image_size: tuple[int, int], resampling: str) -> "ScreenBatch":
    """RGB images, scaled as the model's training screens were, as one batch without labels."""
    import torch

    from training.pack_beton import fit_image
    from training.screen_batch import ScreenBatch

    canvases, contents = zip(*(fit_image(image, image_size, resampling) for image in images), strict=True)
    pixels = torch.stack([torch.from_numpy(canvas).permute(2, 0, 1) for canvas in canvases])
    sizes = torch.tensor([[image.height, image.width] for image in images])
    return ScreenBatch(pixels, [], [], torch.arange(len(images)), torch.tensor(contents), sizes)


def _as_json(names: tuple[str, ...], found: "list[tuple[Screenshot, Detections]]") -> Any:
    return {
        shot.name: {"width": shot.image.width, "height": shot.image.height, "notes": list(shot.notes), "elements": elements(names, detections)}
        for shot, detections in found
    }


def elements(names: tuple[str, ...], detections: "Detections") -> list[dict[str, Any]]:
    """The best first: `class`, `score` and `box` (xyxy in pixels)."""
    return [{"class": names[label], "score": round(score, 4), "box": [round(v, 1) for v in box]} for box, score, label in _each(detections)]


def _as_coco(names: tuple[str, ...], found: "list[tuple[Screenshot, Detections]]") -> Any:
    annotations: list[dict[str, Any]] = []
    for image_id, (_, detections) in enumerate(found, start=1):
        for (x1, y1, x2, y2), score, label in _each(detections):
            box = [round(v, 2) for v in (x1, y1, x2 - x1, y2 - y1)]
            annotations.append(
                {"id": len(annotations) + 1, "image_id": image_id, "category_id": label + 1, "bbox": box, "area": round(box[2] * box[3], 2),
                 "iscrowd": 0, "score": round(score, 6)}
            )  # fmt: skip
    images = [{"id": n, "file_name": shot.name, "width": shot.image.width, "height": shot.image.height} for n, (shot, _) in enumerate(found, start=1)]
    return {"images": images, "categories": [{"id": n, "name": name} for n, name in enumerate(names, start=1)], "annotations": annotations}


def _as_supervision(names: tuple[str, ...], found: "list[tuple[Screenshot, Detections]]") -> Any:
    return {
        shot.name: {
            "xyxy": detections.boxes.tolist(), "confidence": detections.scores.tolist(), "class_id": detections.labels.tolist(),
            "data": {"class_name": [names[label] for label in detections.labels.tolist()]},
        }
        for shot, detections in found
    }  # fmt: skip


FORMS = {"json": _as_json, "coco": _as_coco, "supervision": _as_supervision}


def _each(detections: "Detections") -> Iterator[tuple[list[float], float, int]]:
    yield from zip(detections.boxes.tolist(), detections.scores.tolist(), detections.labels.tolist(), strict=True)


def _draw(model: "Detector", screenshot: "Screenshot", detections: "Detections", folder: Path) -> None:
    from contracts.files import replacing
    from evaluation.drawing import Mark, draw_marks

    marks = [
        Mark((box[0], box[1], box[2], box[3]), model.config.class_names[label], f"{score:.2f}".lstrip("0")) for box, score, label in _each(detections)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    stem = "stdin" if screenshot.name == "standard input" else Path(screenshot.name).name
    with replacing(folder / f"{stem}.elements.png") as temporary:
        draw_marks(screenshot.image, marks).save(temporary, "PNG")


def device(wanted: str) -> str:
    import torch

    return wanted if wanted != "auto" else "cuda" if torch.cuda.is_available() else "cpu"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m evaluation.predict", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="+", metavar="SCREENSHOT", help="a file, a folder of files, a pattern, or `-`")
    parser.add_argument("--form", choices=FORMS, default="json", help="of the predictions (default: %(default)s)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for predictions.json and pictures (default: standard output, no pictures)")
    parser.add_argument("--no-pictures", action="store_true", help="with --out: predictions.json alone")
    parser.add_argument("--threshold", type=float, default=0.3, metavar="S", help="lowest score that is told (default: %(default)s)")
    add_model_options(parser)
    return parser.parse_args()


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Which model finds elements, and how: `model`, `most`, `tiles`, `resampling`, `device`, `max_pixels`."""
    parser.add_argument(
        "--model", type=Path, default=Path("artifacts/train_detector"), metavar="DIR", help="a detector's folder (default: %(default)s)"
    )
    parser.add_argument("--most", type=int, default=300, metavar="N", help="elements per screenshot, the best ones (default: %(default)s)")
    parser.add_argument(
        "--tiles", type=int, metavar="OVERLAP",
        help="pixels by which tiles overlap, for screenshots larger than the model's image (default: they are scaled down, as in training)",
    )  # fmt: skip
    parser.add_argument("--resampling", choices=("box", "bicubic", "lanczos"), default="box", help="as in pack_beton (default: %(default)s)")
    parser.add_argument("--device", default="auto", metavar="D", help="cpu, cuda, ... (default: a GPU if there is one)")
    parser.add_argument("--max-pixels", type=int, default=MAX_PIXELS, metavar="N", help="larger pictures are refused (default: %(default)s)")


if __name__ == "__main__":
    run_command(main)
