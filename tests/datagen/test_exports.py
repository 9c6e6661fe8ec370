"""Exports say what the screens say, in each format's own terms, and are whole or absent."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest
import yaml
from PIL import Image

from contracts.annotation import Screen
from contracts.coco import read_coco, screens_from_coco
from contracts.dataset import Manifest
from contracts.errors import InputError
from contracts.files import write_json
from contracts.taxonomy import NAMES
from datagen.exports import FORMATS
from datagen.exports.__main__ import export
from datagen.exports.croissant import croissant
from tests.datagen.screen_sets import picture, screens, write_dataset

SPLIT_OF = {"screen-0": "train", "screen-1": "train", "screen-2": "train", "screen-3": "train", "screen-4": "val", "screen-5": "test"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_dataset(tmp_path / "data")
    return tmp_path / "data"


def test_coco(data: Path, tmp_path: Path) -> None:
    splits, count = export("coco", data, tmp_path / "out")
    assert set(splits) == {"train", "val", "test"} and count == 6
    found = {split: screens_from_coco(read_coco(tmp_path / f"out/annotations/instances_{split}.json")) for split in splits}
    assert sorted((screen for own in found.values() for screen in own), key=lambda s: s.key) == screens()
    assert {screen.key: split for split, own in found.items() for screen in own} == SPLIT_OF
    assert (tmp_path / "out/images/screen-3.png").read_bytes() == picture(screens()[3])


def test_yolo(data: Path, tmp_path: Path) -> None:
    export("yolo", data, tmp_path / "out")
    about = yaml.safe_load((tmp_path / "out/data.yaml").read_text())
    assert about["names"] == dict(enumerate(NAMES)) and {s: about[s] for s in ("train", "val", "test")} == {
        s: f"images/{s}" for s in ("train", "val", "test")
    }
    for screen in screens():
        split = SPLIT_OF[screen.key]
        assert (tmp_path / f"out/images/{split}/{screen.key}.png").is_file()
        lines = [line.split() for line in (tmp_path / f"out/labels/{split}/{screen.key}.txt").read_text().splitlines()]
        assert len(lines) == len(screen.elements)
        for element, (index, *shares) in zip(screen.elements, lines, strict=True):
            x, y, w, h = (float(share) * side for share, side in zip(shares, (screen.width, screen.height) * 2, strict=True))
            assert about["names"][int(index)] == element.class_name
            assert (x - w / 2, y - h / 2, x + w / 2, y + h / 2) == pytest.approx(element.box.xyxy, abs=2e-4)
    assert (tmp_path / "out/labels/train/screen-0.txt").read_text() == "", "a screen without elements is a background"


def test_yolo_names_a_split_for_training_even_where_the_set_has_none(data: Path, tmp_path: Path) -> None:
    keys = {screen.key: {"source": screen.key, "split": "unknown"} for screen in screens()}
    write_json(data / "import.json", {"screens": keys})
    export("yolo", data, tmp_path / "out")
    about = yaml.safe_load((tmp_path / "out/data.yaml").read_text())
    assert about["train"] == about["val"] == about["unknown"] == "images/unknown"


def test_fiftyone(data: Path, tmp_path: Path) -> None:
    """The layout of FiftyOneImageDetectionDataset: `labels` by the picture's name without suffix, boxes as shares from the top left."""
    export("fiftyone", data, tmp_path / "out")
    labels = json.loads((tmp_path / "out/val/labels.json").read_text())
    (screen,) = (screen for screen in screens() if screen.key == "screen-4")
    assert labels["classes"] == list(NAMES) and list(labels["labels"]) == ["screen-4"] and (tmp_path / "out/val/data/screen-4.png").is_file()
    button = labels["labels"]["screen-4"][1]
    assert button["label"] == "button" and button["attributes"] == {"text": "שלום", "name": "Send it", "role": "button", "states": ["focused"]}
    x, y, w, h = button["bounding_box"]
    assert (x * 200, y * 120, (x + w) * 200, (y + h) * 120) == pytest.approx(screen.elements[1].box.xyxy)


def test_huggingface_parquet(data: Path, tmp_path: Path) -> None:
    export("huggingface", data, tmp_path / "out")
    rows = parquet.read_table(tmp_path / "out/data/train-00000.parquet").to_pylist()
    assert [row["key"] for row in rows] == ["screen-0", "screen-1", "screen-2", "screen-3"]
    screen = screens()[3]
    assert rows[3]["image"]["bytes"] == picture(screen) and (rows[3]["width"], rows[3]["platform"]) == (screen.width, "mobile")
    assert rows[3]["objects"]["bbox"] == [list(element.box.xywh) for element in screen.elements]
    assert [NAMES[index] for index in rows[3]["objects"]["category"]] == [element.class_name for element in screen.elements]
    assert rows[3]["objects"]["parent"] == [-1, 0, 0] and rows[0]["objects"]["bbox"] == []
    schema = parquet.read_schema(tmp_path / "out/data/train-00000.parquet")
    features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    assert (
        list(features) == schema.names
        and features["image"] == {"_type": "Image"}
        and features["objects"]["category"]["feature"]["names"] == list(NAMES)
    )
    card = yaml.safe_load((tmp_path / "out/README.md").read_text().split("---")[1])
    files = {entry["split"]: entry["path"] for entry in card["configs"][0]["data_files"]}
    assert {split: len(list((tmp_path / "out").glob(pattern))) for split, pattern in files.items()} == {"train": 1, "val": 1, "test": 1}


def test_huggingface_files_and_row_groups_are_bounded(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datagen.exports.huggingface._ROWS_PER_FILE", 3)
    monkeypatch.setattr("datagen.exports.huggingface._ROWS_PER_GROUP", 2)
    export("huggingface", data, tmp_path / "out", ["train"])
    files = [parquet.ParquetFile(path) for path in sorted((tmp_path / "out/data").iterdir())]
    assert [(file.metadata.num_rows, file.metadata.num_row_groups) for file in files] == [(3, 2), (1, 1)]


def nodes(value: Any) -> list[dict[str, Any]]:
    """Every JSON object in a document, outermost first."""
    if isinstance(value, dict):
        return [value, *(found for entry in value.values() for found in nodes(entry))]
    return [found for entry in value for found in nodes(entry)] if isinstance(value, list) else []


def test_croissant_hashes_match_and_every_reference_resolves(data: Path, tmp_path: Path) -> None:
    export("croissant", data, tmp_path / "out")
    document = json.loads((tmp_path / "out/croissant.json").read_text())
    assert document == croissant(Manifest.model_validate_json((data / "manifest.json").read_text()))
    assert document["conformsTo"] == "http://mlcommons.org/croissant/1.0"
    objects = [entry for entry in document["distribution"] if entry["@type"] == "cr:FileObject"]
    assert len(objects) == 2
    for entry in objects:
        content = (tmp_path / "out" / entry["contentUrl"]).read_bytes()
        assert entry["sha256"] == hashlib.sha256(content).hexdigest() and entry["contentSize"] == f"{len(content)} B"
    body = [node for key in ("distribution", "recordSet") for node in nodes(document[key])]
    declared = [node["@id"] for node in body if "@type" in node]
    assert len(declared) == len(set(declared))
    assert {node["@id"] for node in body if set(node) == {"@id"}} <= set(declared)
    sets = {entry["@id"]: entry for entry in document["recordSet"]}
    assert {row["splits/name"] for row in sets["splits"]["data"]} == {"train", "val", "test"} and len(sets["classes"]["data"]) == 50
    assert {"groups/name": "ionic/chat", "groups/split": "train"} in sets["groups"]["data"]


def test_croissant_says_where_and_under_which_terms_if_told(data: Path) -> None:
    manifest = Manifest.model_validate_json((data / "manifest.json").read_text())
    assert not {"url", "license"} & set(croissant(manifest))
    assert croissant(manifest, url="https://example.org/d", license="https://example.org/terms")["license"] == "https://example.org/terms"


def test_croissant_needs_a_manifest(data: Path, tmp_path: Path) -> None:
    (data / "manifest.json").unlink()
    with pytest.raises(InputError, match="manifest.json: does not exist"):
        export("croissant", data, tmp_path / "out")


def test_only_the_wanted_splits_and_no_near_duplicates(data: Path, tmp_path: Path) -> None:
    content = json.loads((data / "manifest.json").read_text())
    write_json(data / "manifest.json", content | {"duplicates": {"screen-3": "screen-2"}})
    assert export("coco", data, tmp_path / "out", ["train", "val"])[1] == 4
    assert sorted(path.stem for path in (tmp_path / "out/images").iterdir()) == ["screen-0", "screen-1", "screen-2", "screen-4"]


@pytest.mark.parametrize("format", FORMATS)
def test_a_failed_export_leaves_nothing(data: Path, tmp_path: Path, format: str) -> None:
    with pytest.raises(InputError, match="is no split of this set. Found: dev"):
        export(format, data, tmp_path / "out", ["dev"])
    shard = data / "shards/000001.tar"
    if format == "croissant":
        (data / "manifest.json").write_text("{}")
    shard.write_bytes(shard.read_bytes()[:1000])
    with pytest.raises(InputError):
        export(format, data, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


def test_folders_that_are_there_or_hold_nothing_are_refused(data: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(InputError, match="exists already"):
        export("coco", data, tmp_path / "mine")
    (data / "splits.json").unlink()
    with pytest.raises(InputError, match="says nothing of splits"):
        export("coco", data, tmp_path / "out")
    with pytest.raises(InputError, match="holds no shards"):
        export("coco", tmp_path / "mine", tmp_path / "out")


def test_pictures_of_the_fixture_are_what_screens_say() -> None:
    def size(screen: Screen) -> tuple[int, int]:
        return Image.open(io.BytesIO(picture(screen))).size

    assert [size(screen) for screen in screens()] == [(screen.width, screen.height) for screen in screens()]
