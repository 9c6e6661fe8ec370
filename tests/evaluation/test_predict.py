"""Elements on people's own screenshots: what comes out, and pictures of every unusual kind."""

import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from pytest import approx

from contracts.errors import InputError
from evaluation import predict
from evaluation.screenshots import read_screenshot
from tests.evaluation.test_eval_detection import TINY
from training.models.detector import build_detector


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A detector that has learned nothing: it finds something everywhere, always the same."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("model")
    build_detector(TINY).save_pretrained(folder)
    return folder


def screenshot(width=200, height=120):
    """A quadrant of another colour at the top left."""
    pixels = np.full((height, width, 3), 240, dtype=np.uint8)
    pixels[: height // 2, : width // 2] = (200, 30, 60)
    return Image.fromarray(pixels)


@pytest.fixture
def run(model, tmp_path, monkeypatch, capsys):
    """Run the command in an empty folder; returns (exit status, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments):
        monkeypatch.setattr("sys.argv", ["predict", "--model", str(model), "--threshold", "0", "--most", "9", *map(str, arguments)])
        status = 0
        try:
            predict.main()
        except SystemExit as end:
            status = end.code
        return status, *capsys.readouterr()

    return command


def test_the_three_forms_say_the_same(run):
    for name in ("a.png", "b.jpg"):
        screenshot().save(name)
    found = {form: json.loads(run("a.png", "b.jpg", "--form", form)[1]) for form in ("json", "coco", "supervision")}
    plain, coco, supervision = found.values()
    assert list(plain) == list(supervision) == ["a.png", "b.jpg"] == [image["file_name"] for image in coco["images"]]
    for image in coco["images"]:
        elements, boxes = plain[image["file_name"]]["elements"], supervision[image["file_name"]]
        annotations = [a for a in coco["annotations"] if a["image_id"] == image["id"]]
        assert len(elements) == len(annotations) == len(boxes["xyxy"]) == 9
        assert [e["score"] for e in elements] == sorted((e["score"] for e in elements), reverse=True)
        for element, annotation, box, score, name in zip(
            elements, annotations, boxes["xyxy"], boxes["confidence"], boxes["data"]["class_name"], strict=True
        ):
            x1, y1, x2, y2 = box
            assert element["box"] == approx(box, abs=0.06) and annotation["bbox"] == approx([x1, y1, x2 - x1, y2 - y1], abs=0.01)
            assert 0 <= x1 <= x2 <= 200 and 0 <= y1 <= y2 <= 120
            assert element["class"] == name == coco["categories"][annotation["category_id"] - 1]["name"] and element["score"] == approx(
                score, abs=1e-4
            )


def test_a_folder_gives_a_file_and_a_picture_of_each(run, tmp_path):
    folder = tmp_path / "shots"
    folder.mkdir()
    screenshot().save(folder / "one.png")
    screenshot(90, 160).save(folder / "two.webp", lossless=True)
    (folder / "notes.txt").write_text("no picture")
    status, out, said = run(folder, "--out", "found")
    assert status == 0 and out == "" and "2 screenshots, 18 elements" in said
    assert {path.name for path in (tmp_path / "found").iterdir()} == {"predictions.json", "one.png.elements.png", "two.webp.elements.png"}
    with Image.open(tmp_path / "found/two.webp.elements.png") as drawn, Image.open(folder / "two.webp") as plain:
        assert drawn.size == plain.size and drawn.convert("RGB").tobytes() != plain.convert("RGB").tobytes()


def test_large_screenshots_are_read_in_tiles(run):
    screenshot(400, 300).save("large.png")
    whole, tiles = (json.loads(run("large.png", *more)[1])["large.png"]["elements"] for more in ((), ("--tiles", "32")))
    assert max(e["box"][2] - e["box"][0] for e in tiles) <= 128 and tiles != whole  # boxes of one tile, unless two were joined


def test_a_pattern_in_quotes_stands_for_the_pictures_that_it_matches(run, tmp_path):
    for name in ("a.png", "b.png", "deep/c.png", "d.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        screenshot().save(tmp_path / name)
    Path("[x].png").write_bytes(Path("a.png").read_bytes())
    assert list(json.loads(run("*.png")[1])) == ["[x].png", "a.png", "b.png"]
    assert list(json.loads(run("**/c.*", "[x].png")[1])) == ["deep/c.png", "[x].png"]  # a file of that name is no pattern
    with pytest.raises(InputError, match=r"\*.gif.*matches no picture"):
        run("*.gif")


def test_a_bad_screenshot_is_named_and_the_others_are_done(run):
    screenshot().save("good.png")
    Path("half.png").write_bytes(Path("good.png").read_bytes()[:300])
    Path("page.png").write_text("<html>")
    status, out, said = run("half.png", "good.png", "page.png")
    assert status == 1 and list(json.loads(out)) == ["good.png"]
    assert "half.png: is a damaged picture" in said and "page.png: is no picture that can be read" in said


def test_standard_input(run, monkeypatch):
    data = io.BytesIO()
    screenshot().save(data, "PNG")
    data.seek(0)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(data))
    assert len(json.loads(run("-")[1])["standard input"]["elements"]) == 9


@pytest.mark.parametrize("source", ["missing.png", "https://example.org/a.png", "empty"])
def test_what_is_not_there_is_told_before_anything_is_loaded(run, source, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=source.split("/")[-1]):
        run(source)


def saved(image, form, **options):
    image.save(f"shot.{form}", **options)
    return f"shot.{form}"


def turned():
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: what is stored has to be turned by 90 degrees, clockwise
    return saved(screenshot().transpose(Image.Transpose.ROTATE_90), "png", exif=exif)


def sixteen_bits():
    grey = np.asarray(screenshot().convert("L")).astype(np.uint16) * 257
    return saved(Image.fromarray(grey), "png")


def see_through():
    image = screenshot().convert("RGBA")
    pixels = np.array(image)
    pixels[60:, :, 3] = 0
    return saved(Image.fromarray(pixels), "png")


def animated():
    return saved(screenshot(), "gif", save_all=True, append_images=[Image.new("RGB", (200, 120))])


@pytest.mark.parametrize(
    ("make", "note", "corner", "rest"),
    [
        (lambda: saved(screenshot(), "bmp"), None, (200, 30, 60), (240, 240, 240)),
        (turned, "turned as its EXIF tag says", (200, 30, 60), (240, 240, 240)),
        (lambda: saved(screenshot().convert("CMYK"), "tiff"), "CMYK made RGB", (200, 30, 60), (240, 240, 240)),
        (sixteen_bits, "16 bits per channel made 8", (84, 84, 84), (240, 240, 240)),
        (see_through, "laid on white", (200, 30, 60), (255, 255, 255)),
        (animated, "first of 2 frames", (200, 30, 60), (240, 240, 240)),
    ],
    ids=["bmp", "exif", "cmyk", "16 bit", "transparent", "animated"],
)
def test_unusual_pictures_are_made_rgb_and_it_is_said(tmp_path, monkeypatch, make, note, corner, rest):
    monkeypatch.chdir(tmp_path)
    read = read_screenshot(make(), max_pixels=1_000_000)
    assert read.notes == ((note,) if note else ()) and read.image.mode == "RGB" and read.image.size == (200, 120)
    assert read.image.getpixel((20, 20)) == approx(corner, abs=2) and read.image.getpixel((150, 100)) == approx(rest, abs=2)


def png_header(width, height):
    """A PNG of a few bytes that says it is so large."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


def test_a_decompression_bomb_is_refused_without_being_decoded(tmp_path):
    bomb = tmp_path / "bomb.png"
    bomb.write_bytes(png_header(60_000, 60_000))
    with pytest.raises(InputError, match=r"bomb.png: has too many pixels.*--max-pixels"):
        read_screenshot(str(bomb), max_pixels=40_000_000)
    screenshot().save(tmp_path / "small.png")
    with pytest.raises(InputError, match="200x120"):
        read_screenshot(str(tmp_path / "small.png"), max_pixels=1000)
