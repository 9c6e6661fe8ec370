"""Boxes and labels on small pictures, pixel by pixel."""

import io
import tarfile

import pytest
from PIL import Image

from contracts.dataset import SHARDS
from contracts.errors import InputError
from contracts.taxonomy import NAMES
from evaluation.drawing import Mark, class_color, contact_sheet, draw_marks, legend, titled
from evaluation.screens import find_screens, spread

WHITE = (255, 255, 255)


def blank(width=200, height=100):
    return Image.new("RGB", (width, height), WHITE)


def test_a_box_is_drawn_on_its_own_pixels():
    # Half-open: [20, 60) x [30, 50) covers columns 20..59 and rows 30..49; the line lies on the outermost two of them.
    drawn = draw_marks(blank(), [Mark((20, 30, 60, 50), "button")], labels=False)
    color = class_color("button")
    assert [drawn.getpixel(p) for p in ((20, 30), (59, 49), (59, 30), (21, 31))] == [color] * 4
    assert [drawn.getpixel(p) for p in ((19, 30), (60, 49), (59, 50), (40, 40))] == [WHITE] * 4


def test_an_enlarged_picture_has_its_boxes_enlarged_and_its_lines_not():
    drawn = draw_marks(blank(), [Mark((20, 30, 60, 50), "button", bold=False)], labels=False, scale=2)
    assert drawn.size == (400, 200)
    assert drawn.getpixel((40, 60)) == drawn.getpixel((119, 99)) != WHITE
    assert drawn.getpixel((41, 61)) == WHITE


def test_the_given_picture_is_left_alone():
    image = blank()
    draw_marks(image, [Mark((20, 30, 60, 50), "button")])
    assert image.tobytes() == blank().tobytes()


def test_a_label_stands_above_inside_or_below_and_is_left_out_rather_than_cover_another():
    mark = Mark((20, 30, 120, 70), "button")
    one, two, three, four = (draw_marks(blank(), [mark] * count).tobytes() for count in (1, 2, 3, 4))
    assert len({one, two, three}) == 3
    assert four == three
    assert draw_marks(blank(), [mark]).getpixel((21, 20)) == class_color("button")  # above the box


def test_a_mark_at_the_edge_or_without_area_is_drawn_without_error():
    drawn = draw_marks(blank(), [Mark((195, 95, 200, 100), "icon"), Mark((50, 50, 50, 50), "text", bold=False)])
    assert drawn.size == (200, 100) and drawn.getpixel((199, 99)) == class_color("icon")


def test_every_class_has_its_own_colour_with_readable_white_text():
    colors = {name: class_color(name) for name in NAMES}
    assert len(set(colors.values())) == len(NAMES)
    for name, channels in colors.items():
        linear = [c / 255 / 12.92 if c / 255 <= 0.03928 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in channels]
        luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        assert 1.05 / (luminance + 0.05) >= 4.5, f"{name}: contrast of white on {channels} is below 4.5:1 (WCAG, text)"


def test_legend_wraps_and_title_and_legend_add_height_only():
    assert legend(NAMES, 300).height > legend(NAMES[:2], 300).height
    page = titled(blank(), "Truth", ["button"])
    assert page.width == 200 and page.height > 100


def test_contact_sheet_keeps_aspect_and_order():
    sheet = contact_sheet(
        [(Image.new("RGB", (40, 20), color), str(color)) for color in ((255, 0, 0), (0, 255, 0), (0, 0, 255))], columns=2, cell_width=100
    )
    assert sheet.getpixel((60, 30)) == (255, 0, 0) and sheet.getpixel((180, 30)) == (0, 255, 0) and sheet.getpixel((60, 110)) == (0, 0, 255)


def test_spread_takes_even_distances():
    assert spread(range(10), 4) == [0, 2, 5, 7]
    assert spread(range(3), 9) == [0, 1, 2]
    assert spread(range(3), 0) == [] and spread([], 3) == []


def test_find_screens_reads_the_named_ones(line):
    found = find_screens(["000002-00001", "000000-00000"])
    assert set(found) == {"000002-00001", "000000-00000"} and found["000000-00000"].size == (640, 400)


def test_find_screens_names_what_is_missing(line):
    with pytest.raises(InputError, match="000009-00000"):
        find_screens(["000002-00001", "000009-00000"])


def test_a_truncated_png_is_named(line):
    path = SHARDS / "000002.tar"
    with tarfile.open(path) as tar:
        members = {member.name: tar.extractfile(member).read() for member in tar}
    members["000002-00000.png"] = members["000002-00000.png"][:200]
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    with pytest.raises(InputError, match="000002-00000.png: cannot be read as an image"):
        find_screens(["000002-00000"])
