"""The test split with the detector's predictions, for other programs.

    python -m evaluation.export fiftyone --out exports/fiftyone      fo.Dataset.from_dir("exports/fiftyone", dataset_type=fo.types.LegacyFiftyOneDataset)
    python -m evaluation.export coco --out exports/coco              labels.json (truth), predictions.json (COCO results) and the pictures in data/

`fiftyone` needs no FiftyOne to be written. Its samples have the fields `ground_truth` (each element says whether it was `hit`) and `predictions` (each
detection says which kind of `error` it is, or none), `platform`, `kit`, `family`, `locale`, `theme`, and `f1` from the best score threshold up; the worst come
first. `coco` is read by pycocotools, by FiftyOne (COCODetectionDataset) and by CVAT.
"""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.coco import read_coco
from contracts.dataset import SHARDS, coco_path, read_manifest, read_shard
from contracts.errors import InputError, run_command
from contracts.files import replacing, write_json
from contracts.stage import artifact, artifact_text, progress, read_run

if TYPE_CHECKING:
    from evaluation.gallery import JudgedScreen

_ABOUT_SCREENS = ("platform", "kit", "family", "locale", "theme", "state")


def main() -> None:
    options = _options()
    if options.out.exists() and any(options.out.iterdir()):
        raise InputError("is not empty.", file=options.out, fix="Name a new folder.")
    run, coco = read_run("eval_detection"), read_coco(coco_path("test"))
    if not options.no_pictures:
        _write_pictures(coco, options.out / "data")
    FORMS[options.form](coco, run, options.out)
    print(f"{options.out}: {len(coco['images'])} screens, {len(coco['annotations'])} elements, of {run['dataset_version']}")


def write_coco(coco: dict[str, Any], run: dict[str, Any], folder: Path) -> None:
    """labels.json, whose file names are those in data/, and predictions.json."""
    info = (coco.get("info") or {}) | {"version": run["dataset_version"]}
    write_json(folder / "labels.json", coco | {"info": info}, indent=None)
    write_json(folder / "predictions.json", json.loads(artifact_text("eval_detection", "predictions.json")), indent=None)


def write_fiftyone(coco: dict[str, Any], run: dict[str, Any], folder: Path) -> None:
    """metadata.json and samples.json, the worst screens first."""
    from evaluation.gallery import judged_screens, shown_threshold

    threshold = json.loads((artifact("eval_detection") / "overlays.json").read_text(encoding="utf-8"))["score_threshold"]
    metas = {image["id"]: image for image in coco["images"]}
    info = {key: run[key] for key in ("dataset_version", "code_revision", "preset", "finished")} | {"score_threshold": shown_threshold(threshold)}
    samples = [_sample(screen, metas[screen.image_id]) for screen in judged_screens(coco, threshold)]
    write_json(folder / "metadata.json", {"name": "screenry-test", "media_type": "image", "info": info})
    write_json(folder / "samples.json", {"samples": samples}, indent=None)


FORMS = {"fiftyone": write_fiftyone, "coco": write_coco}


def _sample(screen: "JudgedScreen", image: dict[str, Any]) -> dict[str, Any]:
    def detection(one: Any, **more: Any) -> dict[str, Any]:
        x, y, w, h = one.bbox_xywh
        box = [x / screen.width, y / screen.height, w / screen.width, h / screen.height]
        return {"_cls": "Detection", "tags": [], "attributes": {}, "label": one.class_name, "bounding_box": box, **more}

    hit = {one.truth for one in screen.found if one.truth is not None}
    return {
        "filepath": f"data/{image['file_name']}",
        "tags": ["test"],
        "metadata": {"_cls": "ImageMetadata", "mime_type": "image/png", "width": screen.width, "height": screen.height, "num_channels": 3},
        "key": screen.key,
        **{name: image["screen"].get(name) for name in _ABOUT_SCREENS if image["screen"].get(name) is not None},
        "f1": screen.f1,
        "ground_truth": {"_cls": "Detections", "detections": [detection(one, hit=n in hit) for n, one in enumerate(screen.truth)]},
        "predictions": {
            "_cls": "Detections",
            "detections": [detection(one, confidence=one.score, error=one.error or "none") for one in screen.found],
        },
    }


def _write_pictures(coco: dict[str, Any], folder: Path) -> None:
    """The screens as they lie in the shards, byte by byte. InputError for one that no shard holds."""
    wanted = {image["screen"]["key"]: image["file_name"] for image in coco["images"]}
    folder.mkdir(parents=True, exist_ok=True)
    for shard in progress(read_manifest().shards, "pictures"):
        for screen, png in read_shard(SHARDS / shard.name):
            if screen.key in wanted:
                with replacing(folder / wanted.pop(screen.key)) as temporary:
                    temporary.write_bytes(png)
    if wanted:
        raise InputError("hold no such screen.", file=SHARDS, field=min(wanted), found=f"{len(wanted)} missing", fix="Run `dvc pull data.dvc`.")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m evaluation.export", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("form", choices=FORMS)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="new folder for it")
    parser.add_argument("--no-pictures", action="store_true", help="leave the pictures out")
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)
