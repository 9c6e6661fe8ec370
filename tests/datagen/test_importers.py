"""Foreign sets become shards: boxes and pixels survive, what is left out is counted, a killed import goes on.

COCO, Rico, CLAY and VINS are laid out here in miniature as their publishers do: Rico's view hierarchy with `activity.root`, bounds in device pixels
and null children; CLAY's clay_labels.csv, label_map.txt and split_*_id.txt; VINS's Annotations/ and JPEGImages/.
"""

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from PIL import Image, ImageDraw

from contracts.annotation import Element, Screen
from contracts.dataset import read_shard
from contracts.errors import InputError
from datagen.exports.__main__ import export
from datagen.importers import LAYOUTS, dom_classes
from datagen.importers.__main__ import open_layout
from datagen.importers.foreign import decode
from datagen.importers.ink import ink_box
from datagen.importers.shards import write_shards
from tests.datagen.screen_sets import write_dataset

REPOSITORY = Path(__file__).parents[2]
SIZE = (80, 60)


def jpeg(seed: int = 0, size: tuple[int, int] = SIZE) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, format="JPEG", quality=80)
    return buffer.getvalue()


def coco(boxes: list[list[float]], name: str = "button", **image: Any) -> dict[str, Any]:
    """One image with boxes of one class."""
    return {
        "images": [{"id": 3, "file_name": "a.jpg", "width": 80, "height": 60, **image}],
        "annotations": [{"id": i, "image_id": 3, "category_id": 9, "bbox": box} for i, box in enumerate(boxes)],
        "categories": [{"id": 9, "name": name}],
    }


def write(folder: Path, files: dict[str, object]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        data = content if isinstance(content, bytes) else (content if isinstance(content, str) else json.dumps(content)).encode()
        (folder / name).write_bytes(data)
    return folder


def imported(
    layout: str, source: Path, out: Path, mapping: str | None = None, shard_size: int = 2
) -> tuple[dict[str, Any], list[tuple[Screen, bytes]]]:
    done = write_shards(open_layout(layout, source, mapping), out, shard_size)
    return done, [sample for path in sorted((out / "shards").glob("*.tar")) for sample in read_shard(path)]


def shown(elements: tuple[Element, ...]) -> list[tuple[str, tuple[float, ...]]]:
    return [(element.class_name, element.box.xyxy) for element in elements]


def test_coco_boxes_are_clipped_by_rounding_only_and_pixels_survive(tmp_path: Path) -> None:
    boxes = [[-0.5, 2, 30.5, 20], [50, 30, 30.4, 30], [-5, 0, 20, 20], [4, 4, 0, 9], [1.25, 2.5, 10, 10]]
    source = write(tmp_path / "set", {"train/_annotations.coco.json": coco(boxes), "train/a.jpg": jpeg()})
    done, [(screen, png)] = imported("coco", source, tmp_path / "out")
    assert shown(screen.elements) == [
        ("button", (0, 2, 30, 22)), ("button", (50, 30, 80, 60)), ("button", (1.25, 2.5, 11.25, 12.5)),
    ]  # fmt: skip
    assert done["left_out"] == {"element: box more than a pixel outside its picture": 1, "element: empty box": 1}
    assert done["screens"] == {screen.key: {"source": "a.jpg", "split": "train"}} and done["splits"] == {"train": 1} and done["elements"] == 3
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png))), np.asarray(Image.open(io.BytesIO(jpeg()))))
    assert (screen.kit, screen.family, screen.locale, screen.generator.split()[0]) == ("real:set", "unknown", "unknown", "import/coco")
    assert [e.parent for e in screen.elements] == [None, None, 0], "the smallest element around it"


def test_coco_split_comes_from_the_image_the_file_or_the_folder(tmp_path: Path) -> None:
    own = coco([], split="test") | {"annotations": []}
    files = {"annotations/instances_val.json": coco([]), "valid/b.json": coco([]), "annotations/c.json": own, "d.json": coco([])}
    source = write(tmp_path / "set", {**files, "images/a.jpg": jpeg(), "valid/a.jpg": jpeg(), "a.jpg": jpeg()})
    done, _ = imported("coco", source, tmp_path / "out")
    assert done["splits"] == {"val": 2, "test": 1, "unknown": 1}


@pytest.mark.parametrize(
    ("broken", "field"),
    [
        (lambda c: c.pop("categories"), "categories"),
        (lambda c: c["annotations"][0].update(image_id=77), "annotations[0].image_id"),
        (lambda c: c["annotations"][0].pop("bbox"), "annotations[0].bbox"),
        (lambda c: c["annotations"][0].update(bbox=[1, 2, 3]), "annotations[id=0].bbox"),
        (lambda c: c["annotations"][0].update(category_id=1), "annotations[id=0].category_id"),
        (lambda c: c["categories"][0].update(name="Knopf"), "categories[id=9].name"),
    ],
)
def test_a_broken_coco_file_is_named_with_its_field(tmp_path: Path, broken: Callable[[dict[str, Any]], object], field: str) -> None:
    content = coco([[1, 2, 3, 4]])
    broken(content)
    source = write(tmp_path / "set", {"x.json": content, "a.jpg": jpeg()})
    with pytest.raises(InputError) as caught:
        imported("coco", source, tmp_path / "out")
    assert caught.value.field == field and str(caught.value.file).endswith("x.json") and caught.value.fix


def test_foreign_class_names_go_through_their_mapping(tmp_path: Path) -> None:
    source = write(tmp_path / "set", {"x.json": coco([[1, 2, 3, 4]], "TextImageButton"), "a.jpg": jpeg()})
    done, [(screen, _)] = imported("coco", source, tmp_path / "out", "mobile_screens")
    assert screen.elements[0].class_name == "button" and screen.platform == "mobile" and done["settings"]["coarse"] == "mobile_screens"
    container = write(tmp_path / "clay", {"x.json": coco([[1, 2, 3, 4]], "CONTAINER"), "a.jpg": jpeg()})
    done, [(screen, _)] = imported("coco", container, tmp_path / "clay-out", "clay")
    assert screen.elements == () and done["left_out"] == {"element: CONTAINER is no kind of element": 1}
    with pytest.raises(InputError, match="only the layout `coco` has a choice"):
        open_layout("vins", source, "vins")


def test_an_unreadable_picture_costs_one_screen_and_is_named(tmp_path: Path) -> None:
    both = coco([[1, 2, 3, 4]])
    both["images"].append({"id": 4, "file_name": "torn.jpg", "width": 80, "height": 60})
    both["images"].append({"id": 5, "file_name": "gone.jpg", "width": 80, "height": 60})
    source = write(tmp_path / "set", {"x.json": both, "a.jpg": jpeg(), "torn.jpg": jpeg()[:500]})
    done, samples = imported("coco", source, tmp_path / "out", shard_size=1)
    assert [screen.key for screen, _ in samples] == ["set-000000"]
    assert sorted(done["unreadable"]) == ["gone.jpg", "torn.jpg"] and done["left_out"] == {"screen: unreadable": 2}
    assert [path.name for path in (tmp_path / "out/shards").iterdir()] == ["000000.tar"], "no shard without screens"
    (source / "a.jpg").unlink()
    with pytest.raises(InputError, match="no screen that can be read"):
        imported("coco", source, tmp_path / "none")


def test_our_own_coco_export_comes_back_whole(tmp_path: Path) -> None:
    screens = write_dataset(tmp_path / "data")
    before = {s.key: (s, png) for path in (tmp_path / "data/shards").iterdir() for s, png in read_shard(path)}
    export("coco", tmp_path / "data", tmp_path / "export")
    done, samples = imported("coco", tmp_path / "export", tmp_path / "back")
    assert {screen.key: screen for screen, _ in samples} == {screen.key: screen for screen in screens}
    assert done["splits"] == {"train": 4, "val": 1, "test": 1}
    for screen, png in samples:
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(png))), np.asarray(Image.open(io.BytesIO(before[screen.key][1]))))


def test_transparent_pictures_lie_on_white() -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (4, 4), (200, 0, 0, 0)).save(buffer, format="PNG")
    assert decode(buffer.getvalue()).getpixel((1, 1)) == (255, 255, 255)


def test_mobile_screens_joins_parquet_and_coco_by_id(tmp_path: Path) -> None:
    labels = coco([[1, 2, 30, 40]], "Toolbar")
    rows = [{"id": 3, "split": "train", "file_name": "a.jpg", "jpeg": jpeg()}]
    source = write(tmp_path / "set", {"mobile_screens.coco.json": labels})
    parquet.write_table(pa.Table.from_pylist(rows), source / "mobile_screens.images.parquet")
    done, [(screen, _)] = imported("mobile_screens", source, tmp_path / "out")
    assert shown(screen.elements) == [("navigation_bar", (1, 2, 31, 42))] and done["splits"] == {"train": 1}
    parquet.write_table(pa.Table.from_pylist([rows[0] | {"id": 8}]), source / "mobile_screens.images.parquet")
    with pytest.raises(InputError, match="has no image in the COCO file. Found: 8"):
        imported("mobile_screens", source, tmp_path / "other")
    parquet.write_table(pa.Table.from_pylist([{"id": 8}]), source / "mobile_screens.images.parquet")
    with pytest.raises(InputError, match="split: is a column that this file lacks"):
        imported("mobile_screens", source, tmp_path / "other")


def test_unlabelled_pictures_become_screens_without_elements(tmp_path: Path) -> None:
    tall, wide = jpeg(1, (40, 80)), jpeg(2, (90, 60))
    source = write(tmp_path / "folder", {"a.jpg": tall, "sub/b.jpg": wide, "notes.txt": "no picture"})
    _, samples = imported("unlabelled", source, tmp_path / "out")
    assert [(s.platform, s.elements, s.width) for s, _ in samples] == [("mobile", (), 40), ("desktop", (), 90)]
    rows = [{"source": "x", "licence": "MIT", "name": "a.png", "w": 90, "h": 60, "jpeg": wide}]
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "unlabelled_screens.parquet")
    done, [(screen, _)] = imported("unlabelled", tmp_path / "unlabelled_screens.parquet", tmp_path / "out2")
    assert done["screens"][screen.key]["source"] == "x/a.png"
    with pytest.raises(InputError, match="holds no pictures"):
        imported("unlabelled", write(tmp_path / "empty", {"notes.txt": "none"}), tmp_path / "out3")


def node(view: str, bounds: list[int], pointer: str = "", children: list[Any] | None = None, **more: Any) -> dict[str, Any]:
    return {
        "class": view,
        "bounds": bounds,
        "pointer": pointer,
        "ancestors": ["android.view.View"],
        "visible-to-user": True,
        "children": children or [],
        **more,
    }


def hierarchy() -> dict[str, Any]:
    """A screen of 1440 x 2560 device pixels; its picture is a quarter of that in each direction."""
    inner = [
        None,
        node("com.app.FancyButton", [0, 400, 400, 600], "b", ancestors=["android.widget.Button", "android.widget.TextView"], text="Pay"),
        node("android.widget.ImageView", [1200, 0, 1440, 240], "c", clickable=True, **{"content-desc": ["Search"]}),
        node("android.widget.TextView", [0, 2400, 1440, 2720], "d", text="half"),
        node("android.widget.TextView", [0, 3000, 100, 3100], "e"),
        node("android.widget.TextView", [0, 0, 100, 100], "f", **{"visible-to-user": False}),
    ]
    root = node("android.widget.FrameLayout", [0, 0, 1440, 2560], "r", [node("android.widget.LinearLayout", [0, 0, 1440, 2560], "a", inner)])
    return {"activity_name": "x", "activity": {"root": root}}


def test_rico_view_hierarchy_in_pixels_of_the_picture(tmp_path: Path) -> None:
    picture = jpeg(0, (360, 640))
    source = write(tmp_path, {"combined/9.json": hierarchy(), "combined/9.jpg": picture, "combined/10.json": "{}", "combined/10.jpg": picture})
    done, [(screen, _)] = imported("rico", tmp_path, tmp_path / "out")
    assert shown(screen.elements) == [("button", (0, 100, 100, 150)), ("icon_button", (300, 0, 360, 60)), ("text", (0, 600, 360, 640))]
    assert [(e.text, e.name, e.visible_fraction) for e in screen.elements] == [("Pay", "", 1), ("", "Search", 1), ("half", "", 0.5)]
    assert done["left_out"] == {
        "element: layout or unknown view": 1,
        "element: outside the window": 1,
        "element: invisible": 1,
        "screen: unreadable": 1,
    }
    assert list(done["unreadable"]) == ["10.jpg"] and source == tmp_path


def test_rico_semantic_annotations(tmp_path: Path) -> None:
    leaf = {"componentLabel": "Icon", "clickable": True, "bounds": [0, 0, 144, 144], "children": []}
    tree = {"bounds": [0, 0, 1440, 2560], "children": [leaf, {"componentLabel": "Web View", "bounds": [0, 0, 1440, 2560]}]}
    write(tmp_path, {"5.json": tree, "5.png": jpeg(0, (360, 640))})
    _, [(screen, _)] = imported("rico", tmp_path, tmp_path / "out")
    assert shown(screen.elements) == [("icon_button", (0, 0, 36, 36))]


CLAY_LABELS = "screen_id,node_id,label\n9,r,-1\n9,a,21\n9,b,3\n9,d,4\n9,gone,4\n8,x,4\n"


def test_clay_labels_rule_over_the_hierarchy(tmp_path: Path) -> None:
    files = {"clay_labels.csv": CLAY_LABELS, "label_map.txt": "-1: ROOT\n3: BUTTON\n4: TEXT\n21: CONTAINER\n", "split_dev_id.txt": "9\n10\n"}
    write(tmp_path, {**files, "combined/9.json": hierarchy(), "combined/9.jpg": jpeg(0, (360, 640))})
    done, [(screen, _)] = imported("clay", tmp_path, tmp_path / "out")
    assert shown(screen.elements) == [("button", (0, 100, 100, 150)), ("text", (0, 600, 360, 640))] and done["splits"] == {"val": 1}
    assert done["left_out"] == {
        "element: CONTAINER is no kind of element": 1, "element: not listed by CLAY": 3, "element: labelled, but not in the hierarchy": 1,
    }  # fmt: skip
    write(tmp_path, {"clay_labels.csv": CLAY_LABELS + "9,c,99\n"})
    with pytest.raises(InputError, match=r"line 8: label: is not in label_map.txt. Found: 99"):
        imported("clay", tmp_path, tmp_path / "other")


def test_vins_pascal_voc(tmp_path: Path) -> None:
    def mark(name: str, *edges: int) -> str:
        box = "".join(f"<{side}>{edge}</{side}>" for side, edge in zip(("xmin", "ymin", "xmax", "ymax"), edges, strict=True))
        return f"<object><name>{name}</name><bndbox>{box}</bndbox></object>"

    marks = mark("EditText", 1, 2, 60, 20) + mark("Sparkle", 1, 1, 5, 5)
    files = {
        "Android/Annotations/A_1.xml": f"<annotation>{marks}</annotation>",
        "Android/JPEGImages/A_1.jpg": jpeg(),
        "Rico/Annotations/2.xml": "<annotation>",
        "Rico/JPEGImages/2.jpg": jpeg(),
    }
    done, [(screen, _)] = imported("vins", write(tmp_path, files), tmp_path / "out")
    assert shown(screen.elements) == [("text_field", (1, 2, 60, 20))]
    assert done["left_out"] == {"element: class Sparkle has no counterpart": 1, "screen: unreadable": 1} and list(done["unreadable"]) == [
        "Rico/Annotations/2.xml"
    ]


def drawn_page() -> Image.Image:
    """A white page of 400 x 300 with 'glyphs' (bars) at known places."""
    image = Image.new("RGB", (400, 300), "white")
    draw = ImageDraw.Draw(image)
    for box in ((20, 30, 99, 39), (20, 60, 69, 67), (200, 60, 259, 67), (24, 120, 60, 127), (20, 204, 50, 209)):
        draw.rectangle(box, fill="black")
    draw.line((10, 78, 389, 78), fill=(90, 90, 90), width=2)  # a border under the second line's block
    return image


def page_json() -> list[dict[str, Any]]:
    def entry(tag: str, box: list[float], **more: Any) -> dict[str, Any]:
        return {"t": tag, "b": box, "v": 1, **more}

    return [
        entry("div", [0, 0, 400, 300], ch=5),
        entry("h1", [10, 20, 380, 30], x="Title", ch=1), entry("b", [20, 28, 40, 14], x="bold"),
        entry("p", [10, 50, 380, 30], x="Words and a", ch=1), entry("a", [198, 56, 66, 16], x="link"),
        entry("button", [15, 110, 70, 30], ch=1), entry("span", [20, 114, 50, 20], x="Go"),
        entry("p", [10, 240, 380, 30], x="unpainted", g=1), entry("p", [10, 240, 380, 30], x="covered") | {"v": 0},
        entry("p", [200, 240, 100, 30], x="no ink"), entry("img", [300, 280, 60, 40]), entry("img", [300, 280, 60, 40]), entry("i", [380, 0, 10, 10], c="fa fa-x"),
        entry("ul", [10, 195, 200, 30], ch=1), entry("li", [10, 200, 200, 20], x="item"),
        entry("input", [310, 200, 80, 20], ty="search"),
    ]  # fmt: skip


def test_web_page_blocks_shrink_to_ink_and_controls_take_in_their_words(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    drawn_page().save(buffer, format="PNG")
    row = {"name": "p.html", "w": 400, "h": 300, "dom_json": json.dumps(page_json()), "jpeg": buffer.getvalue()}
    parquet.write_table(pa.Table.from_pylist([row]), tmp_path / "web_pages.parquet")
    done, [(screen, _)] = imported("web_pages", tmp_path, tmp_path / "out")
    assert shown(screen.elements) == [
        ("heading", (20, 30, 100, 40)), ("text", (20, 60, 260, 68)), ("link", (200, 60, 260, 68)), ("button", (15, 110, 85, 140)),
        ("image", (300, 280, 360, 300)), ("icon", (380, 0, 390, 10)), ("list", (10, 195, 210, 225)), ("list_item", (10, 200, 210, 220)),
        ("text", (20, 204, 51, 210)), ("search_field", (310, 200, 390, 220)),
    ]  # fmt: skip
    assert [e.text for e in screen.elements if e.class_name in ("heading", "button")] == ["Title bold", "Go"]
    assert next(e.visible_fraction for e in screen.elements if e.class_name == "image") == 0.5
    assert done["left_out"] == {
        "element: its region is flat, nothing is painted there": 1, "element: covered": 1, "element: layout": 1,
        "element: part of the control or text around it": 2, "element: text without ink": 1, "element: the same box and class as one inside it": 1,
    }  # fmt: skip


def test_ink_on_flat_busy_and_bordered_grounds() -> None:
    pixels = np.full((40, 60, 3), 200, dtype=np.uint8)
    assert ink_box(pixels, (0, 0, 60, 40)) is None
    pixels[10:15, 20:31] = 20
    assert ink_box(pixels, (0, 0, 60, 40)) == (20, 10, 31, 15)
    pixels[38:40] = 0
    assert ink_box(pixels, (0, 0, 60, 40)) == (20, 10, 31, 15), "a border is no glyph"
    pixels[20] = 0
    assert ink_box(pixels, (0, 0, 60, 40)) == (0, 10, 60, 21), "a line away from the edge is an underline"
    assert ink_box(pixels, (0, 0, 60, 40), [(-3, 18.5, 80, 30)]) == (20, 10, 31, 15), "what lies on a picture is no ink"
    busy = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    assert ink_box(busy, (1.5, 2.5, 30.2, 20.2)) == (1, 2, 31, 21)


@pytest.mark.parametrize(
    ("entry", "has_text", "expected"),
    [
        ({"t": "a", "x": "Home"}, True, "link"), ({"t": "a", "x": "Buy", "c": "btn btn-lg"}, True, "button"), ({"t": "a", "x": "Buy", "bg": 1}, True, "button"),
        ({"t": "a", "ch": 1}, False, None), ({"t": "a", "c": "icon-x"}, False, "icon_button"),
        ({"t": "input", "ty": "submit"}, False, "button"), ({"t": "input", "ty": "email"}, False, "text_field"), ({"t": "input", "ty": "hidden"}, False, None),
        ({"t": "input"}, False, "text_field"), ({"t": "input", "ty": "password"}, False, "password_field"),
        ({"t": "div", "r": "button"}, False, "icon_button"), ({"t": "div", "r": "switch"}, False, "switch"), ({"t": "div", "r": "main"}, True, None),
        ({"t": "header", "b": [0, 0, 1280, 90]}, True, "navigation_bar"), ({"t": "header", "b": [0, 400, 1280, 90]}, True, None),
        ({"t": "nav", "b": [0, 100, 200, 600]}, True, "sidebar"),
        ({"t": "nav", "b": [0, 60, 1280, 30], "c": "breadcrumbs"}, True, "breadcrumb"), ({"t": "div", "c": "card shadow"}, True, "card"), ({"t": "div", "c": "postcard"}, True, None),
        ({"t": "td", "x": "1"}, True, "text"), ({"t": "span"}, False, None), ({"t": "svg", "b": [0, 0, 40, 40]}, False, "icon"),
        ({"t": "svg", "b": [0, 0, 80, 40]}, False, "image"),
    ],
)  # fmt: skip
def test_dom_classes(entry: dict[str, Any], has_text: bool, expected: str | None) -> None:
    found = dom_classes.class_of({"b": [0, 0, 50, 20], **entry}, width=1280, height=800, has_text=has_text, in_table=False, in_bar=False)
    assert found == expected


def noise_set(folder: Path, count: int) -> Path:
    images = [{"id": i, "file_name": f"{i}.jpg", "width": 400, "height": 300} for i in range(count)]
    content = {"images": images, "annotations": [], "categories": [{"id": 1, "name": "text"}]}
    return write(folder, {"all.json": content, **{f"{i}.jpg": jpeg(i, (400, 300)) for i in range(count)}})


def bytes_of(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (out / "shards").glob("*.tar")}


def test_a_killed_import_goes_on_and_ends_in_the_same_bytes(tmp_path: Path) -> None:
    source = noise_set(tmp_path / "set", 40)
    command = [sys.executable, "-m", "datagen.importers", "coco", str(source), "--out", str(tmp_path / "out"), "--shard-size", "4"]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        deadline = time.monotonic() + 60
        while not (tmp_path / "out/.records/000001.json").exists():
            assert time.monotonic() < deadline and running.poll() is None, "the import ended before it could be killed"
            time.sleep(0.005)
        os.kill(running.pid, signal.SIGKILL)
    assert not (tmp_path / "out/import.json").exists()
    kept = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out/shards").glob("00000[01].tar")}
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0 and "40 of 40 screens" in done.stdout, done.stderr
    assert kept.items() <= {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out/shards").iterdir()}.items(), "finished shards stay"
    imported("coco", source, tmp_path / "straight", shard_size=4)
    assert bytes_of(tmp_path / "out") == bytes_of(tmp_path / "straight")
    assert (tmp_path / "out/import.json").read_bytes() == (tmp_path / "straight/import.json").read_bytes()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["import.json", "shards"]


def test_a_folder_of_another_import_is_refused(tmp_path: Path) -> None:
    first, _ = imported("coco", noise_set(tmp_path / "set", 2), tmp_path / "out")
    again, _ = imported("coco", tmp_path / "set", tmp_path / "out")
    assert again == first
    with pytest.raises(InputError, match="holds another import"):
        imported("coco", noise_set(tmp_path / "set", 3), tmp_path / "out")
    (tmp_path / "out/import.json").unlink()
    with pytest.raises(InputError, match="holds shards of another making"):
        imported("coco", tmp_path / "set", tmp_path / "out")


def test_every_layout_refuses_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for layout in LAYOUTS:
        with pytest.raises(InputError) as caught:
            open_layout(layout, tmp_path / "empty")
        assert caught.value.file and caught.value.fix
    with pytest.raises(InputError, match="does not exist"):
        open_layout("coco", tmp_path / "nowhere")


@pytest.mark.needs_data
def test_real_mobile_screens_lose_nothing(real_data: Path, tmp_path: Path) -> None:
    foreign = open_layout("mobile_screens", real_data)
    labels = json.loads((real_data / "mobile_screens.coco.json").read_text())
    tally: Counter[str] = Counter()
    marks = 0
    for found, image in zip(foreign.screens(), labels["images"], strict=True):
        marks += len(found.label(Image.new("RGB", (image["width"], image["height"])), tally))
    assert marks == len(labels["annotations"]) and not tally


@pytest.mark.needs_data
def test_real_web_pages_text_boxes_are_tight(real_data: Path, tmp_path: Path) -> None:
    """On the pages themselves: links are one line high, and hardly any text is lost."""
    done, samples = imported("web_pages", real_data, tmp_path / "out", shard_size=50)
    assert len(samples) == 150 and done["left_out"]["element: text without ink"] < 0.02 * done["elements"]
    heights = sorted(e.box.y2 - e.box.y1 for screen, _ in samples for e in screen.elements if e.class_name == "link")
    assert 8 <= heights[len(heights) // 2] <= 16, "median height of a link's glyphs at 16 px type"
