"""FiftyOne's image detection format: `fiftyone.Dataset.from_dir(<out>/<split>, dataset_type=fiftyone.types.FiftyOneImageDetectionDataset)`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from contracts.annotation import Element, Screen
from contracts.files import write_json
from contracts.taxonomy import NAMES
from datagen.exports.source import Source


def write(source: Source, splits: tuple[str, ...], folder: Path, tick: Callable[[], object]) -> None:
    """Per split `data/<key>.png` and `labels.json`; boxes are [x, y, width, height] as shares of the picture."""
    labels: dict[str, dict[str, Any]] = {split: {} for split in splits}
    for split in splits:
        (folder / split / "data").mkdir(parents=True)
    for split, screen, png in source.screens(splits):
        (folder / split / "data" / f"{screen.key}.png").write_bytes(png)
        labels[split][screen.key] = [_detection(element, screen) for element in screen.elements]
        tick()
    for split, own in labels.items():
        write_json(folder / split / "labels.json", {"classes": list(NAMES), "labels": own}, indent=None)


def _detection(element: Element, screen: Screen) -> dict[str, Any]:
    x, y, w, h = element.box.xywh
    attributes = {"text": element.text, "name": element.name, "role": element.role, "icon": element.icon, "states": list(element.states)}
    return {
        "label": element.class_name,
        "bounding_box": [x / screen.width, y / screen.height, w / screen.width, h / screen.height],
        "attributes": {name: value for name, value in attributes.items() if value},
    }
