"""The dataset described in Croissant 1.0 (MLCommons), JSON-LD: its shards with their hashes, and how screens and labels are read out of them.

http://mlcommons.org/croissant/1.0 is the vocabulary. A record of `screens` is a picture with its labels: the two members of a shard that bear the
same key. `croissant.json` stands in the dataset's folder, so that `contentUrl` is relative to it.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from contracts.dataset import Manifest
from contracts.errors import InputError
from contracts.files import write_json
from contracts.taxonomy import CLASSES
from datagen.exports.source import Source

_CONTEXT: dict[str, Any] = {
    "@language": "en", "@vocab": "https://schema.org/", "sc": "https://schema.org/", "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/", "dct": "http://purl.org/dc/terms/", "citeAs": "cr:citeAs", "column": "cr:column",
    "conformsTo": "dct:conformsTo", "data": {"@id": "cr:data", "@type": "@json"}, "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"}, "extract": "cr:extract", "field": "cr:field", "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject", "fileSet": "cr:fileSet", "format": "cr:format", "includes": "cr:includes", "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath", "key": "cr:key", "md5": "cr:md5", "parentField": "cr:parentField", "path": "cr:path", "recordSet": "cr:recordSet",
    "references": "cr:references", "regex": "cr:regex", "repeated": "cr:repeated", "replace": "cr:replace", "samplingRate": "cr:samplingRate", "separator": "cr:separator",
    "source": "cr:source", "subField": "cr:subField", "transform": "cr:transform",
}  # fmt: skip
_SPLIT_TYPES = {"train": "cr:TrainingSplit", "val": "cr:ValidationSplit"}


def croissant(manifest: Manifest, *, name: str = "screenry-screens", version: str = "1.0.0", url: str = "", license: str = "") -> dict[str, Any]:
    """`croissant.json` of a dataset. `url` is where it is published, `license` the address of its terms; left out when empty."""
    elements = sum(manifest.classes.values())
    screens = sum(shard.screens for shard in manifest.shards)
    described = {
        "@context": _CONTEXT, "@type": "sc:Dataset", "conformsTo": "http://mlcommons.org/croissant/1.0", "name": name, "version": version,
        "description": f"{screens} rendered GUI screens with {elements} labelled elements in {len(manifest.classes)} classes; made by "
        f"{manifest.environment.generator}.",
        "url": url, "license": license, "keywords": ["GUI", "user interface", "object detection", "synthetic data"],
        "distribution": [*_shards(manifest), _members("picture-files", "image/png", "*.png", manifest), _members("label-files", "application/json", "*.json", manifest)],
        "recordSet": [_splits(manifest), _groups(manifest), _classes(), _screens(), _labels()],
    }  # fmt: skip
    return {key: value for key, value in described.items() if value != ""}


def write(source: Source, splits: tuple[str, ...], folder: Path, tick: Callable[[], object]) -> None:
    """`croissant.json` beside the shards that it describes (hard links, or copies where the folder is on another disk). Always every split."""
    file = source.folder / "manifest.json"
    try:
        manifest = Manifest.model_validate_json(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError("does not exist, and Croissant gives each file's hash.", file=file, fix="Run `python -m datagen.dataset` first.") from None
    except ValidationError as error:
        raise InputError(f"cannot be read: {error.errors()[0]['msg']}.", file=file, fix="Run `python -m datagen.dataset` again.") from None
    (folder / "shards").mkdir()
    for path in source.shards:
        try:
            os.link(path, folder / "shards" / path.name)
        except OSError:
            shutil.copyfile(path, folder / "shards" / path.name)
        tick()
    write_json(folder / "croissant.json", croissant(manifest))


def _shards(manifest: Manifest) -> list[dict[str, Any]]:
    return [
        {
            "@type": "cr:FileObject", "@id": f"shards/{shard.name}", "name": shard.name, "contentUrl": f"shards/{shard.name}",
            "contentSize": f"{shard.bytes} B", "encodingFormat": "application/x-tar", "sha256": shard.sha256,
        }
        for shard in manifest.shards
    ]  # fmt: skip


def _members(name: str, encoding: str, pattern: str, manifest: Manifest) -> dict[str, Any]:
    """The members of all shards that end alike."""
    return {
        "@type": "cr:FileSet", "@id": name, "name": name, "containedIn": [{"@id": f"shards/{shard.name}"} for shard in manifest.shards],
        "encodingFormat": encoding, "includes": pattern,
    }  # fmt: skip


def _record_set(name: str, description: str, fields: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"@type": "cr:RecordSet", "@id": name, "name": name, "description": description, **more, "field": fields}


def _field(id: str, kind: str, description: str, **more: Any) -> dict[str, Any]:
    return {"@type": "cr:Field", "@id": id, "name": id.split("/")[-1], "description": description, "dataType": kind, **more}


def _splits(manifest: Manifest) -> dict[str, Any]:
    rows = [{"splits/name": split, "splits/type": _SPLIT_TYPES.get(split, "cr:TestSplit")} for split in manifest.splits]
    fields = [_field("splits/name", "sc:Text", "Name of the split."), _field("splits/type", "sc:URL", "What it is for.")]
    return _record_set("splits", "The splits.", fields, dataType="cr:Split", key={"@id": "splits/name"}, data=rows)


def _groups(manifest: Manifest) -> dict[str, Any]:
    rows = [{"groups/name": group, "groups/split": split} for split, count in manifest.splits.items() for group in count.groups]
    fields = [
        _field("groups/name", "sc:Text", "A group of screens, as in splits.json: what a screen's labels say it is made of."),
        _field("groups/split", "sc:Text", "The split that all its screens stand in.", references={"field": {"@id": "splits/name"}}),
    ]
    return _record_set("groups", "Which group of screens stands in which split.", fields, key={"@id": "groups/name"}, data=rows)


def _classes() -> dict[str, Any]:
    rows = [{"classes/id": c.id, "classes/name": c.name, "classes/definition": c.definition} for c in CLASSES]
    fields = [
        _field("classes/id", "sc:Integer", "COCO category id."), _field("classes/name", "sc:Text", "Name in the labels."),
        _field("classes/definition", "sc:Text", "What it is."),
    ]  # fmt: skip
    return _record_set("classes", "The element classes.", fields, dataType="sc:Enumeration", key={"@id": "classes/name"}, data=rows)


def _screens() -> dict[str, Any]:
    fields = [
        _field("screens/key", "sc:Text", "The screen's name, unique in the dataset.", source=_member_name("picture-files", "png")),
        _field("screens/image", "sc:ImageObject", "Its picture.", source=_member_content("picture-files")),
    ]
    return _record_set("screens", "A picture per screen.", fields, key={"@id": "screens/key"})


def _labels() -> dict[str, Any]:
    # The elements stay JSON: Croissant's JSON paths cannot give one record with both a screen's own values and a list per element.
    about = "JSON: the screen's size, kit, family, theme, locale and its elements, each with class_name and box (x1, y1, x2, y2 in pixels)."
    fields = [
        _field("labels/key", "sc:Text", "The screen's name, as in screens/key.", source=_member_name("label-files", "json")),
        _field("labels/screen", "sc:Text", about, source=_member_content("label-files")),
    ]
    return _record_set("labels", "The labels of each screen.", fields, key={"@id": "labels/key"})


def _member_name(files: str, suffix: str) -> dict[str, Any]:
    """A shard member's name without its suffix, which is the screen's key."""
    return {"fileSet": {"@id": files}, "extract": {"fileProperty": "filename"}, "transform": {"regex": rf"^(.*)\.{suffix}$"}}


def _member_content(files: str) -> dict[str, Any]:
    return {"fileSet": {"@id": files}, "extract": {"fileProperty": "content"}}
