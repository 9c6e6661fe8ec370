"""Proof that the detector learns: it is to know 32 synthetic screens by heart.

    python -m benchmarks.detector_overfit                         under 15 minutes on two cores
    python -m benchmarks.detector_overfit --curve docs/results/detector_overfit.csv

Screens of coloured rectangles in ten classes, 6 to 12 on each; the tiny preset's kind of model with mixed query selection and contrastive denoising.
AP is COCO's, on the screens that it was trained on. The curve (step, seconds, loss, AP, AP50) is written as it goes; the last line says whether AP50 and
AP came up to what is asked for.
"""

import argparse
import csv
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.errors import run_command

if TYPE_CHECKING:
    from torch import Tensor

    from training.batches import ScreenBatch

SIZE = (144, 192)
CLASSES = 10
_ASKED = {"AP50": 0.9, "AP": 0.7}


def main() -> None:
    options = _options()
    import torch

    from contracts.stage import progress
    from training.detector_task import targets
    from training.loop import warmup_cosine
    from training.losses.detection import LossWeights, detection_loss
    from training.models.denoising import noisy_queries
    from training.models.detector import DetectorConfig, build_detector
    from training.models.encoder import normalise

    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    screens = draw(options.screens)
    config = DetectorConfig(
        encoder="swin_nano", image_size=SIZE, class_names=tuple(f"class {i}" for i in range(CLASSES)), num_queries=60, d_model=96, heads=4, levels=3,
        points=4, encoder_layers=1, decoder_layers=3, ffn_dim=256, dropout=0.0, box_refinement=True, two_stage=True, query_selection="mixed",
        look_forward_twice=True, denoising_queries=48,
    )  # fmt: skip
    model = build_detector(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.learning_rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: warmup_cosine(step, 50, options.steps))
    weights, order = LossWeights(2, 5, 2), torch.Generator().manual_seed(0)
    began, rows, losses = time.perf_counter(), [], []
    for step in progress(range(1, options.steps + 1), "overfitting"):
        chosen = torch.randperm(options.screens, generator=order)[: options.batch].tolist()
        batch = pick(screens, chosen)
        wanted = targets(batch)
        noisy = noisy_queries([t.labels for t in wanted], [t.boxes for t in wanted], 48, CLASSES, 0.5, 1.0, [(0, step, i) for i in chosen])
        model.train()
        output = model(normalise(batch.images, batch.content_hw), batch.content_hw, noisy)
        loss, _ = detection_loss(output, wanted, weights, float(sum(len(t.labels) for t in wanted)), noisy)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
        if step % options.every == 0 or step == options.steps:
            rows.append(
                {
                    "step": step,
                    "seconds": round(time.perf_counter() - began, 1),
                    "loss": round(sum(losses) / len(losses), 4),
                    **scores(model, screens),
                }
            )
            losses = []
            print(rows[-1], flush=True)
            if options.curve:
                _write(options.curve, rows)
    found = rows[-1]
    result = {
        "benchmark": "detector_overfit", "screens": options.screens, "steps": options.steps, "batch": options.batch, "unit": "AP", "AP": found["AP"],
        "AP50": found["AP50"], "seconds": found["seconds"], "threads": options.threads, "parameters": sum(p.numel() for p in model.parameters()),
        "learned": all(found[name] >= asked for name, asked in _ASKED.items()),
    }  # fmt: skip
    print(json.dumps(result))


def draw(number: int) -> "ScreenBatch":
    """Screens of rectangles that do not touch, a colour for each class; sizes from 14 to 40 pixels."""
    import colorsys

    import numpy as np
    import torch

    from training.batches import ScreenBatch

    rng, (height, width) = np.random.default_rng(0), SIZE
    colours = [tuple(int(255 * c) for c in colorsys.hsv_to_rgb(i / CLASSES, 0.9, 0.8)) for i in range(CLASSES)]
    images, boxes, labels = [], [], []
    for _ in range(number):
        image = np.full((height, width, 3), rng.integers(200, 256), dtype=np.uint8)
        cells = rng.permutation(12)[: rng.integers(6, 13)]  # 3 rows of 4 places, each 48 pixels wide and tall
        found = []
        for cell in cells:
            label, w, h = int(rng.integers(CLASSES)), int(rng.integers(14, 41)), int(rng.integers(14, 41))
            x, y = 48 * (cell % 4) + int(rng.integers(0, 48 - w)), 48 * (cell // 4) + int(rng.integers(0, 48 - h))
            image[y : y + h, x : x + w] = colours[label]
            found.append(((x, y, x + w, y + h), label))
        images.append(image.transpose(2, 0, 1))
        boxes.append(torch.tensor([box for box, _ in found], dtype=torch.float32))
        labels.append(torch.tensor([label for _, label in found]))
    size = torch.tensor([[height, width]] * number)
    return ScreenBatch(torch.from_numpy(np.stack(images)), boxes, labels, torch.arange(1, number + 1), size, size)


def pick(screens: "ScreenBatch", chosen: list[int]) -> "ScreenBatch":
    """Some of the screens."""
    from training.batches import ScreenBatch

    return ScreenBatch(
        screens.images[chosen], [screens.boxes[i] for i in chosen], [screens.labels[i] for i in chosen], screens.image_ids[chosen],
        screens.content_hw[chosen], screens.original_hw[chosen],
    )  # fmt: skip


def scores(model: Any, screens: "ScreenBatch") -> dict[str, float]:
    """COCO's AP and AP50 of all screens."""
    import contextlib
    import io

    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    from training.detect import detect

    def xywh(box: "Tensor") -> list[float]:
        x1, y1, x2, y2 = box.tolist()
        return [x1, y1, x2 - x1, y2 - y1]

    model.eval()
    truth = [
        {"id": 0, "image_id": image, "category_id": int(label), "bbox": xywh(box), "area": float((box[2:] - box[:2]).prod()), "iscrowd": 0}
        for image, boxes, labels in zip(screens.image_ids.tolist(), screens.boxes, screens.labels, strict=True)
        for box, label in zip(boxes, labels, strict=True)
    ]
    for number, element in enumerate(truth, 1):
        element["id"] = number
    found = []
    for start in range(0, len(screens), 8):
        chosen = list(range(start, min(start + 8, len(screens))))
        batch = pick(screens, chosen)
        for image, detections in zip(batch.image_ids.tolist(), detect(model, batch), strict=True):
            found += [
                {"image_id": image, "category_id": int(label), "bbox": xywh(box), "score": float(score)}
                for box, score, label in zip(detections.boxes, detections.scores, detections.labels, strict=True)
            ]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "info": {}, "images": [{"id": image} for image in screens.image_ids.tolist()], "annotations": truth,
            "categories": [{"id": i} for i in range(CLASSES)],
        }  # fmt: skip
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(found), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return {"AP": round(float(evaluation.stats[0]), 4), "AP50": round(float(evaluation.stats[1]), 4)}


def _write(file: Path, rows: list[dict[str, Any]]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.detector_overfit", description="Whether the detector can learn 32 screens by heart.")
    parser.add_argument("--screens", type=int, default=32, metavar="N", help="to learn (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=600, metavar="N", help="of training (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=8, metavar="B", help="screens per step (default: %(default)s)")
    parser.add_argument("--learning-rate", type=float, default=1e-3, metavar="R", help="peak (default: %(default)s)")
    parser.add_argument("--every", type=int, default=25, metavar="N", help="steps between points of the curve (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, metavar="T", help="of PyTorch (default: %(default)s)")
    parser.add_argument("--curve", type=Path, default=None, metavar="FILE", help="where to write the curve as CSV")
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)
