"""Public grounding benchmarks as cases, from folders laid out as their authors publish them.

| layout | found by | boxes | images |
|---|---|---|---|
| ScreenSpot (arXiv:2401.10935) | screenspot_{desktop,mobile,web}.json | (left, top, width, height) in pixels | screenspot_imgs/ |
| ScreenSpot-v2 (arXiv:2410.23218) | screenspot_{desktop,mobile,web}_v2.json | (left, top, width, height) in pixels | screenspotv2_image/ |
| ScreenSpot and -v2 as parquet on the Hugging Face Hub | data/*.parquet or *.parquet | (left, top, right, bottom) in 0..1 | inside |
| ScreenSpot-Pro (arXiv:2504.07981) | annotations/*.json and images/ | (left, top, right, bottom) in pixels of `img_size` | images/ |
| OSWorld-G (arXiv:2505.13227) | OSWorld-G.json or OSWorld-G_refined.json (the refined one if both are there: ask for one) | (left, top, width, height) or a polygon, pixels of `image_size` | images/ |

What the four numbers mean follows from the layout alone, never from the numbers. Read the wrong way most boxes would still look like boxes, and every
figure would be wrong; so a box that does not lie on its image under its layout's reading stops the import.
"""

import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from contracts.errors import InputError
from evaluation.grounding import Case
from training.grounding.coordinates import BoxXyxy, Point, RelativeFrame

# Of the boxes this share may reach over the edge of their screen (hand-drawn ones do, by a little); they are cut there. More are another convention.
_OVERHANGING = 0.02
_SPLITS = ("desktop", "mobile", "web")
_FIX = "Unpack the set as its authors publish it; `python -c 'import evaluation.grounding_sets as s; help(s)'` shows the layouts."


@dataclass(frozen=True)
class Benchmark:
    """The cases of a set, how to get the image of a screen (RGB), and what was left out: reason -> number."""

    name: str
    cases: list[Case]
    image: Callable[[str], Image.Image]
    left_out: dict[str, int]


def case_of(sample_id: str, target: dict[str, Any]) -> Case:
    """A sample of the project's own (training.grounding.dataset) as a case."""
    return Case(
        id=sample_id, screen=target["screen"], instruction=target["instruction"], bbox_norm1000=tuple(target["box"]), width=target["width"],
        height=target["height"], platform=target["platform"], element_class=target["element_class"], kit=target["kit"], family=target["family"],
        kind=target["kind"], user=target["user"], guessable=target.get("guessable"),
    )  # fmt: skip


@dataclass(frozen=True)
class _Entry:
    """One entry as it was read. `numbers` are a box or polygon in the layout's own form, `size` the (width, height) that they refer to."""

    at: str
    id: str
    screen: str
    instruction: str
    numbers: Sequence[float]
    size: tuple[int, int]
    platform: str
    element_class: str
    family: str
    polygon: bool = False


def open_benchmark(folder: Path) -> Benchmark:
    """Read whichever set lies in `folder`. InputError for an unknown layout, a missing image or field, or boxes of another convention."""
    pixels: dict[str, bytes] = {}
    left_out: dict[str, int] = {}
    if not folder.is_dir():
        raise InputError("is no folder.", file=folder, fix=_FIX)
    if all((folder / f"screenspot_{split}_v2.json").is_file() for split in _SPLITS):
        name, images, reading = "ScreenSpot-v2", folder / "screenspotv2_image", "xywh"
        entries = [entry for split in _SPLITS for entry in _screenspot(folder / f"screenspot_{split}_v2.json", images, split)]
    elif all((folder / f"screenspot_{split}.json").is_file() for split in _SPLITS):
        name, images, reading = "ScreenSpot", folder / "screenspot_imgs", "xywh"
        entries = [entry for split in _SPLITS for entry in _screenspot(folder / f"screenspot_{split}.json", images, split)]
    elif found := [folder / file for file in ("OSWorld-G_refined.json", "OSWorld-G.json") if (folder / file).is_file()]:
        if len(found) > 1:
            raise InputError(
                "holds both wordings of OSWorld-G.", file=folder, fix="Keep OSWorld-G.json or OSWorld-G_refined.json, and name it in the report."
            )
        name, images, reading = found[0].stem, folder / "images", "xywh"
        entries = list(_osworld_g(found[0], images, left_out))
    elif (folder / "annotations").is_dir():
        name, images, reading = "ScreenSpot-Pro", folder / "images", "xyxy"
        entries = [entry for file in sorted((folder / "annotations").glob("*.json")) for entry in _screenspot_pro(file, images)]
    elif parquet := sorted([*folder.glob("*.parquet"), *folder.glob("data/*.parquet")]):
        name, images, reading = folder.name, folder, "xyxy01"
        entries = [entry for file in parquet for entry in _parquet(file, pixels)]
    else:
        raise InputError("has none of the known layouts of grounding sets.", file=folder, fix=_FIX)
    if not entries:
        raise InputError("holds no entry.", file=folder, fix=_FIX)

    def image(screen: str) -> Image.Image:
        return Image.open(io.BytesIO(pixels[screen]) if screen in pixels else images / screen).convert("RGB")

    return Benchmark(name, _cases(entries, reading, folder), image, left_out)


def _screenspot(file: Path, images: Path, platform: str) -> Iterator[_Entry]:
    for at, raw in _listed(file):
        screen = _field(file, at, raw, "img_filename", str)
        yield _Entry(
            at, f"{file.stem}/{at}", screen, _field(file, at, raw, "instruction", str), _field(file, at, raw, "bbox", list),
            _size_of(images / screen, file, at), platform, str(raw.get("data_type", "")), str(raw.get("data_source", "")),
        )  # fmt: skip


def _screenspot_pro(file: Path, images: Path) -> Iterator[_Entry]:
    for at, raw in _listed(file):
        screen = _field(file, at, raw, "img_filename", str)
        _size_of(images / screen, file, at)
        width, height = _field(file, at, raw, "img_size", list)
        yield _Entry(
            at, str(raw.get("id", f"{file.stem}/{at}")), screen, _field(file, at, raw, "instruction", str), _field(file, at, raw, "bbox", list),
            (width, height), str(raw.get("platform", "")), str(raw.get("ui_type", "")), str(raw.get("application", "")),
        )  # fmt: skip


def _osworld_g(file: Path, images: Path, left_out: dict[str, int]) -> Iterator[_Entry]:
    """Commands for what is not on the screen (`refusal`) are left out and counted: a grounder has no word for it."""
    for at, raw in _listed(file):
        kind = _field(file, at, raw, "box_type", str)
        if kind == "refusal":
            left_out["refusals"] = left_out.get("refusals", 0) + 1
            continue
        if kind not in ("bbox", "polygon"):
            raise InputError("is no kind of target.", file=file, field=f"{at}.box_type", found=kind, fix="It is bbox, polygon or refusal.")
        screen = _field(file, at, raw, "image_path", str)
        _size_of(images / screen, file, at)
        width, height = _field(file, at, raw, "image_size", list)
        yield _Entry(
            at, str(raw.get("id", at)), screen, _field(file, at, raw, "instruction", str), _field(file, at, raw, "box_coordinates", list),
            (width, height), "desktop", ", ".join(raw.get("GUI_types") or []), "", kind == "polygon",
        )  # fmt: skip


def _parquet(file: Path, pixels: dict[str, bytes]) -> Iterator[_Entry]:
    from pyarrow import parquet

    for number, raw in enumerate(parquet.read_table(file).to_pylist()):
        at = f"row {number}"
        data = _field(file, at, raw, "image", dict).get("bytes")
        if not data:
            raise InputError("has no picture inside.", file=file, field=f"{at}.image.bytes", fix=_FIX)
        name = str(raw.get("file_name") or raw.get("img_filename") or f"{file.stem}/{number}")
        screen = name if pixels.setdefault(name, data) == data else f"{file.stem}/{number}"
        pixels[screen] = data
        source = str(raw.get("data_source", ""))
        yield _Entry(
            at, f"{file.stem}/{number}", screen, _field(file, at, raw, "instruction", str), _field(file, at, raw, "bbox", list),
            Image.open(io.BytesIO(data)).size, _platform(source), str(raw.get("data_type", "")), source,
        )  # fmt: skip


def _cases(entries: Sequence[_Entry], reading: str, folder: Path) -> list[Case]:
    cases, overhanging = [], []
    for entry in entries:
        (width, height), polygon = entry.size, None
        frame = RelativeFrame(width, height)
        if entry.polygon:
            corners = _polygon(entry, folder)
            xs, ys = [x for x, _ in corners], [y for _, y in corners]
            x1, y1, x2, y2 = min(xs), min(ys), max(xs), max(ys)
            polygon = tuple(frame.point_to_relative(corner) for corner in corners)
        else:
            x1, y1, x2, y2 = _box(entry, reading, folder)
        if not (x1 < x2 and y1 < y2 and 0 <= (x1 + x2) / 2 <= width and 0 <= (y1 + y2) / 2 <= height):
            raise _other_convention(entry, reading, folder, f"{list(entry.numbers)} on {width} x {height}")
        if x1 < 0 or y1 < 0 or x2 > width or y2 > height:
            overhanging.append(entry)
        box = frame.box_to_relative((max(0.0, x1), max(0.0, y1), min(width, x2), min(height, y2)))
        cases.append(
            Case(
                id=entry.id, screen=entry.screen, instruction=entry.instruction, bbox_norm1000=box, width=width, height=height, platform=entry.platform,
                element_class=entry.element_class, family=entry.family, polygon_norm1000=polygon,
            )
        )  # fmt: skip
    if len(overhanging) > _OVERHANGING * len(entries):
        raise _other_convention(overhanging[0], reading, folder, f"{len(overhanging)} of {len(entries)} boxes reach over the edge of their screens")
    if len({case.id for case in cases}) != len(cases):
        raise InputError("names entries twice.", file=folder, field="id", fix="Each entry needs an id of its own.")
    return cases


def _box(entry: _Entry, reading: str, folder: Path) -> BoxXyxy:
    if len(entry.numbers) != 4 or not all(isinstance(number, int | float) for number in entry.numbers):
        raise InputError("is no box of four numbers.", file=folder, field=f"{entry.id}: bbox", found=list(entry.numbers), fix=_FIX)
    a, b, c, d = (float(number) for number in entry.numbers)
    if reading == "xywh":
        return a, b, a + c, b + d
    if reading == "xyxy":
        return a, b, c, d
    if max(a, b, c, d) > 1.5:
        raise _other_convention(entry, reading, folder, list(entry.numbers))
    width, height = entry.size
    return a * width, b * height, c * width, d * height


def _polygon(entry: _Entry, folder: Path) -> list[Point]:
    numbers = [float(number) for number in entry.numbers]
    if len(numbers) < 6 or len(numbers) % 2:
        raise InputError("is no polygon x1, y1, x2, y2, ... of three corners or more.", file=folder, field=entry.id, found=numbers, fix=_FIX)
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _other_convention(entry: _Entry, reading: str, folder: Path, found: object) -> InputError:
    words = {
        "xywh": "(left, top, width, height) in pixels", "xyxy": "(left, top, right, bottom) in pixels", "xyxy01": "(left, top, right, bottom) in 0..1",
    }[reading]  # fmt: skip
    return InputError(
        f"does not lie on its screen when it is read as {words}, as this layout has it.", file=folder, field=f"{entry.id} ({entry.screen})", found=found,
        fix="The set was converted to another convention, or these are other images: use the files as their authors publish them.",
    )  # fmt: skip


def _listed(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"is not valid JSON: {error}.", file=file, fix=_FIX) from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InputError("is no list of entries.", file=file, fix=_FIX)
    for number, entry in enumerate(entries):
        yield f"[{number}]", entry


def _field(file: Path, at: str, raw: dict[str, Any], key: str, kind: type) -> Any:
    if not isinstance(raw.get(key), kind):
        raise InputError("is missing or of another kind.", file=file, field=f"{at}.{key}", found=repr(raw.get(key)), fix=_FIX)
    return raw[key]


def _size_of(image: Path, file: Path, at: str) -> tuple[int, int]:
    try:
        with Image.open(image) as opened:
            return opened.size
    except FileNotFoundError:
        raise InputError("names an image that is not there.", file=file, field=f"{at} ({image.name})", found=image, fix=_FIX) from None
    except OSError as error:
        raise InputError(f"cannot be read as an image: {error}.", file=image, fix="Unpack the set again.") from None


def _platform(source: str) -> str:
    """The platform of an entry that only says where its screenshot comes from (ScreenSpot's data_source)."""
    return {"windows": "desktop", "macos": "desktop", "ios": "mobile", "android": "mobile"}.get(source.lower(), "web" if source else "")
