"""How far real screens in a folder are from the dataset, as the detector in use sees them, and whether it finds what is on them.

    python -m evaluation.drift                              inbox/*.png, and inbox/annotations.json (COCO) if it is there
    python -m evaluation.drift --inbox shots --mapping vins --out found/drift

The model is the promoted detector (models/); if none is promoted, artifacts/train_detector; if there is none, an encoder of artifacts/ that was pretrained, which
finds nothing. Measured are the distance of the screens' features from those of the dataset's screens, average precision where the screens are labelled, and how
much is found. Writes drift.json and drift.jpg (the screens furthest from the dataset and nearest to it, with what was found) into --out.
"""

import argparse
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.coco import categories, read_coco
from contracts.dataset import SHARDS, coco_path, read_manifest
from contracts.errors import InputError, run_command
from contracts.files import replacing, sha256, write_json
from contracts.registry import MODELS, promoted_version
from contracts.stage import ARTIFACTS, progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    from evaluation.drift_labels import Labels
    from evaluation.features import FeatureSource
    from training.models.detector import Detector

INBOX = Path("inbox")
PICTURE = "drift.jpg"
# Of the dataset's screens so many are looked at, from so many shards; of the inbox's so many count for the distance.
REFERENCE, REFERENCE_SHARDS, COMPARED = 300, 8, 1000
# As evaluation.predict tells them.
THRESHOLD = 0.3
_BATCH = 8
_PICTURES, _PICTURE_WIDTH_PX = 4, 300


@dataclass(frozen=True)
class Model:
    """What looks at the screens. `resampling` is how its own screens were scaled; `test` are its figures on the dataset's test split, as far as they are known."""

    name: str
    folder: Path
    detects: bool
    resampling: str
    test: dict[str, float]


@dataclass(frozen=True)
class Picture:
    """A screen by its name and size in pixels. `png` reads its bytes, from `file`."""

    name: str
    width: int
    height: int
    file: object
    png: Callable[[], bytes]

    @property
    def portrait(self) -> bool:
        return self.height > self.width

    def image(self) -> "Image.Image":
        """RGB. InputError if it cannot be read whole."""
        from evaluation.predict import MAX_PIXELS
        from evaluation.screenshots import decode_screenshot

        return decode_screenshot(self.png(), str(self.file), MAX_PIXELS).image


@dataclass(frozen=True)
class Looked:
    """What a model makes of some screens, in their order: `features` [n, C]; `predictions` in COCO's results format and our classes, image ids from 0."""

    features: "NDArray[np.float64]"
    predictions: list[dict[str, Any]]


def main() -> None:
    options = _options()
    from evaluation.drift_labels import ANNOTATIONS, read_labels

    pictures = read_inbox(options.inbox)
    file = options.inbox / ANNOTATIONS
    labels = read_labels(file, {p.name: (p.width, p.height) for p in pictures}, options.mapping) if file.is_file() else None
    model = model_in_use()
    found: dict[str, Any] = {"screens": len(pictures), "labelled": len(labels.file_names) if labels else 0, "notes": []}
    if labels is None:
        found["notes"].append(f"AP is not measured: {file} is not there")
    if model is None:
        found["notes"].append("features and AP are not measured: there is no promoted model, and no encoder in artifacts/")
    else:
        found |= measure(model, pictures, labels, options, found["notes"])
    write_json(options.out / "drift.json", found)
    print(summary(found))
    print(f"written: {options.out / 'drift.json'}")


def read_inbox(folder: Path) -> list[Picture]:
    """The PNGs of a folder, by name. InputError if there are none, or for one that is none."""
    from PIL import Image

    pictures = []
    for path in sorted(folder.glob("*.png")):
        try:
            with Image.open(path, formats=["PNG"]) as image:
                pictures.append(Picture(path.name, image.width, image.height, path, path.read_bytes))
        except (OSError, SyntaxError):  # what Pillow raises for damaged files
            raise InputError("is no PNG.", file=path, fix="Convert it, or take it away.") from None
    if not pictures:
        raise InputError("holds no PNG.", file=folder, fix="Drop real screens there.")
    return pictures


def model_in_use() -> Model | None:
    """The promoted detector, else the line's, else an encoder that was pretrained; None without any. InputError if what is promoted cannot be read."""
    from evaluation.promoted import MODEL

    kept = promoted_version(MODEL)
    if kept is not None:
        resampling = kept["lineage"]["runs"].get("pack_beton", {}).get("knobs", {}).get("resampling", "box")
        folder = MODELS / MODEL / kept["version"] / "model"
        elsewhere = "" if kept["lineage"]["test_split"] == sha256(coco_path("test")) else ", measured on another test split"
        return Model(f"{MODEL} {kept['version']} (promoted{elsewhere})", folder, True, resampling, kept["metrics"].get("eval_detection", {}))
    for name in ("train_detector", "pretrain_mae", "pretrain_hjepa"):
        if (ARTIFACTS / name / "run.json").is_file():
            detects = name == "train_detector"
            packed, test = _json(ARTIFACTS / "pack_beton/run.json"), _json(ARTIFACTS / "eval_detection/metrics.json") if detects else {}
            return Model(f"artifacts/{name}", ARTIFACTS / name, detects, packed.get("knobs", {}).get("resampling", "box"), test)
    return None


def measure(model: Model, pictures: Sequence[Picture], labels: "Labels | None", options: argparse.Namespace, notes: list[str]) -> dict[str, Any]:
    """Everything that takes a model; what could not be measured goes to `notes`, with the reason."""
    from evaluation.drift_distance import FEWEST, distance, nearest
    from evaluation.predict import device
    from evaluation.screens import spread

    where = device(options.device)
    source, detector = open_model(model, where)
    reference = alike(dataset_screens(), pictures, REFERENCE)
    inbox, dataset = (look(source, detector, own, model.resampling, where, what) for own, what in ((pictures, "inbox"), (reference, "dataset")))
    found: dict[str, Any] = {
        "model": model.name, "encoder": f"{source.model}, {source.levels[-1]}", "dataset_screens": len(reference), "threshold": options.threshold,
        "distance": None, "AP": None, "test": {name: model.test[name] for name in ("AP", "AP_low", "AP_high", "AP50", "AP_agnostic") if name in model.test},
        "finds": None,
    }  # fmt: skip
    if len(pictures) < FEWEST:
        notes.append(f"the distance of features is not measured: it takes {FEWEST} screens, there are {len(pictures)}")
    else:
        found["distance"] = asdict(distance(inbox.features[spread(range(len(pictures)), COMPARED)], dataset.features))
    apart, beyond = nearest(inbox.features, dataset.features)
    found["nearest"] = {p.name: {"distance": float(a), "beyond": float(b)} for p, a, b in zip(pictures, apart, beyond, strict=True)}
    if detector is None:
        notes.append("AP is not measured: there is no detector, only an encoder")
    else:
        test = {image["screen"]["key"] for image in read_coco(coco_path("test"))["images"]}
        found["finds"] = {"inbox": finds(inbox, range(len(pictures)), options.threshold)}
        if own := [n for n, p in enumerate(reference) if p.name in test]:
            found["finds"]["test"] = finds(dataset, own, options.threshold)
        if labels is not None:
            found["AP"] = precision(labels, pictures, inbox)
    draw(pictures, inbox, beyond, apart, options.threshold, options.out / PICTURE)
    return found | {"picture": PICTURE}


def open_model(model: Model, device: str) -> "tuple[FeatureSource, Detector | None]":
    """The encoder, and the detector that it belongs to. InputError if a file is missing or damaged."""
    from evaluation.features import open_source, source_of
    from training.models.detector import Detector

    if not model.detects:
        return open_source(model.name, model.folder, device), None
    detector = Detector.from_pretrained(model.folder).to(device).eval()
    return source_of(model.name, detector.backbone, device), detector


def dataset_screens() -> list[Picture]:
    """Screens of some of the dataset's shards, of all splits: these differ in kits and families, and what comes next is to be like them all."""
    from contracts.annotation import Screen
    from evaluation.screens import spread
    from training.shards import TarMembers

    members = TarMembers([SHARDS / shard.name for shard in spread(read_manifest().shards, REFERENCE_SHARDS)])
    keys = [name.removesuffix(".json") for name in members.names() if name.endswith(".json")]
    screens = (Screen.model_validate_json(members.read(f"{key}.json")) for key in spread(keys, 10 * REFERENCE))
    return [
        Picture(own.key, own.width, own.height, members.file(f"{own.key}.png"), lambda key=own.key: members.read(f"{key}.png")) for own in screens
    ]


def alike(screens: Sequence[Picture], like: Sequence[Picture], most: int) -> list[Picture]:
    """At most `most` of `screens`, upright and wide ones in the proportion of `like`: some screens of phones are no drift where the dataset has phones, too.

    Where it has hardly any of a kind that is asked for, of all kinds. InputError if there are too few in all.
    """
    from evaluation.drift_distance import FEWEST
    from evaluation.screens import spread

    if len(screens) < FEWEST:
        raise InputError(
            "holds too few screens to compare with.", file=SHARDS, found=len(screens), fix="Render more, and run `python -m datagen.dataset`."
        )

    kinds = {kind: ([p for p in screens if p.portrait == kind], sum(p.portrait == kind for p in like) / len(like)) for kind in (True, False)}
    wanted = [(own, share) for own, share in kinds.values() if share]
    if any(len(own) < FEWEST for own, _ in wanted):
        return spread(screens, most)
    total = min(most, *(len(own) / share for own, share in wanted))
    return [picture for own, share in wanted for picture in spread(own, max(1, round(total * share)))]


def look(source: "FeatureSource", detector: "Detector | None", pictures: Sequence[Picture], resampling: str, device: str, what: str) -> Looked:
    """Features of the coarsest level and detections (none without a detector). InputError for a picture that cannot be read."""
    import numpy as np
    import torch

    from evaluation.features import extract
    from evaluation.predict import as_batch
    from evaluation.transfer import find

    features, predictions = [], []
    for first in progress(range(0, len(pictures), _BATCH), what):
        own = pictures[first : first + _BATCH]
        batch = as_batch([p.image() for p in own], source.module.image_size, resampling)
        batch = replace(batch, image_ids=torch.arange(first, first + len(own)))
        features.append(extract(source, [batch], device, map_screens=0, crops=0, seed=0).screens[-1].double().numpy())
        if detector is not None:
            predictions += find(detector, [batch], device)
    return Looked(np.concatenate(features), predictions)


def finds(looked: Looked, screens: Iterable[int], threshold: float) -> dict[str, float]:
    """How much is found on some of the screens from a score up: `per_screen`, and the mean score (`confidence`, left out where nothing is found)."""
    chosen = set(screens)
    scores = [p["score"] for p in looked.predictions if p["image_id"] in chosen and p["score"] >= threshold]
    return {"screens": len(chosen), "per_screen": len(scores) / len(chosen)} | ({"confidence": sum(scores) / len(scores)} if scores else {})


def precision(labels: "Labels", pictures: Sequence[Picture], looked: Looked) -> dict[str, float]:
    """AP, AP50 and class-agnostic AP (whatever has no counterpart counts there, too) on the labelled screens, with 95 % intervals over screens; in the
    labels' classes."""
    import numpy as np

    from evaluation.class_mapping import mapped_predictions
    from evaluation.detection_breakdown import ap_intervals
    from evaluation.matching import average_precision, match

    ids = {name: number for number, name in labels.file_names.items()}
    here = {n: ids[p.name] for n, p in enumerate(pictures) if p.name in ids}
    predictions = [p | {"image_id": here[p["image_id"]]} for p in looked.predictions if p["image_id"] in here]
    names = {category["id"]: category["name"] for category in categories()}
    own = match(labels.truth, mapped_predictions(predictions, names, labels.mapping))
    any_class = match(labels.truth, predictions, use_classes=False)
    values = average_precision(own)
    found = {"AP": np.nanmean(values), "AP50": np.nanmean(values[0]), "AP_agnostic": average_precision(any_class).mean()}
    ends = ap_intervals(own, any_class)
    figures = {name: float(value) for name, value in found.items()}
    figures |= {f"{name}_{end}": value for name in found for end, value in zip(("low", "high"), ends[name], strict=True)}
    return figures | {"screens": len(here), "elements": int(own.truth_counts().sum()), "classes": len(labels.mapping.names)}


def draw(pictures: Sequence[Picture], looked: Looked, beyond: Sequence[float], apart: Sequence[float], threshold: float, file: Path) -> None:
    """A sheet of the screens furthest from the dataset and those nearest to it, each with what was found from the score up."""
    from evaluation.drawing import contact_sheet, titled

    order = sorted(range(len(pictures)), key=lambda n: -apart[n])
    far = order[: min(_PICTURES, (len(order) + 1) // 2)]
    near = order[len(far) :][-_PICTURES:]
    names = {category["id"]: category["name"] for category in categories()}
    shown, classes = [], set()
    for n in far + near:
        found = [p for p in looked.predictions if p["image_id"] == n and p["score"] >= threshold]
        classes |= {names[p["category_id"]] for p in found}
        caption = f"{'far' if n in far else 'near'}, {beyond[n]:.0%}: {Path(pictures[n].name).stem[:14]}, {len(found)} found"
        shown.append((_marked(pictures[n], found, names), caption))
    title = (
        f"Furthest from the dataset, then nearest to it (%: of its own screens, those with a nearer neighbour); found at score {threshold:g} or more"
    )
    with replacing(file) as temporary:
        titled(contact_sheet(shown, _PICTURES, _PICTURE_WIDTH_PX), title, sorted(classes)).save(temporary, "JPEG", quality=85)


def _marked(picture: Picture, found: Iterable[dict[str, Any]], names: dict[int, str]) -> "Image.Image":
    """A screen at the sheet's scale, where lines stay as wide as they are."""
    from PIL import Image

    from evaluation.drawing import Mark, draw_marks

    image = picture.image()
    scale = _PICTURE_WIDTH_PX / image.width
    small = image.resize((_PICTURE_WIDTH_PX, max(1, round(image.height * scale))), Image.Resampling.LANCZOS)
    boxes = [(names[p["category_id"]], [v * scale for v in p["bbox"]]) for p in found]
    return draw_marks(small, [Mark((x, y, x + w, y + h), name) for name, (x, y, w, h) in boxes], labels=False)


def summary(found: dict[str, Any]) -> str:
    """The figures for people, one a line."""
    return "\n".join(_lines(found))


def _lines(found: dict[str, Any]) -> Iterator[str]:
    yield f"{found['screens']} screens, {found['labelled']} of them labelled; model: {found.get('model', 'none')}"
    if distance := found.get("distance"):
        yield (
            f"features: squared MMD {distance['mmd2']:.3f} from {found['dataset_screens']} of the dataset's screens "
            f"(noise {distance['noise']:.3f}, p {distance['p_value']:.3f})"
        )
    if ap := found.get("AP"):
        yield ", ".join(f"{name} {ap[name]:.3f} [{ap[name + '_low']:.3f}, {ap[name + '_high']:.3f}]" for name in ("AP", "AP50", "AP_agnostic"))
    if test := found.get("test"):
        yield "on the dataset's test split: " + ", ".join(f"{name} {value:.3f}" for name, value in test.items())
    if finds := found.get("finds"):
        yield "; ".join(
            f"{where}: {own['per_screen']:.1f} found a screen" + (f", mean score {own['confidence']:.2f}" if "confidence" in own else "")
            for where, own in finds.items()
        )
    yield from found["notes"]


def _json(file: Path) -> dict[str, Any]:
    """Of an artifact's file; empty if it is not there."""
    if not file.is_file():
        return {}
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def _options() -> argparse.Namespace:
    from evaluation.drift_labels import MAPPINGS

    parser = argparse.ArgumentParser(prog="python -m evaluation.drift", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inbox", type=Path, default=INBOX, metavar="DIR", help="folder of PNGs (default: %(default)s)")
    parser.add_argument(
        "--mapping", choices=MAPPINGS, default="names", help="whose class names annotations.json bears (default: %(default)s, that is ours)"
    )
    parser.add_argument("--threshold", type=float, default=THRESHOLD, metavar="S", help="lowest score that counts as found (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=ARTIFACTS / ".drift", metavar="DIR", help="folder for the results (default: %(default)s)")
    parser.add_argument("--device", default="auto", metavar="D", help="cpu, cuda, ... (default: a GPU if there is one)")
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)
