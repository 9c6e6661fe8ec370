"""The labels say what the picture shows: known answers on small pages, and invariants on screens of every family and many themes."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from contracts.annotation import Screen
from contracts.taxonomy import BY_NAME
from datagen.browser import Browser
from datagen.kits import FONTS, THEMES
from datagen.pages import FAMILIES, Page, make_page
from datagen.screens import Plan, make_screen

pytestmark = pytest.mark.browser

SIZE = (640, 480)
THEMES_TRIED = ("light", "dark", "cerulean", "cyborg", "minty", "sandstone", "vapor", "slate")
# The annotator's box and the painted ink may differ by a pixel: antialiasing spills a little colour over a glyph's outline.
INK_TOLERANCE_PX = 1


def labels(browser: Browser, body: str, min_visible: float = 0.3, scale: float = 1.0) -> dict[str, dict[str, Any]]:
    """Labels of a hand-written page in a 400x300 window, by element id (every element must have one), box in CSS pixels."""
    page = Page(theme="light", palette="light", body=f'<div style="position:absolute;inset:0">{body}</div>')
    browser.show(page, 400, 300, scale)
    return {entry["name"]: entry for entry in browser.annotate(min_visible)}


def block(name: str, style: str, inner: str = "", c: str = "card", **attributes: str) -> str:
    extra = " ".join(f'{key}="{value}"' for key, value in attributes.items())
    return f'<div data-c="{c}" aria-label="{name}" style="position:absolute;{style}" {extra}>{inner}</div>'


def test_a_plain_box_is_its_border_box(browser: Browser) -> None:
    found = labels(browser, block("a", "left:10px;top:20px;width:100px;height:50px;border:3px solid"))
    assert found["a"]["box"] == [10, 20, 110, 70]
    assert found["a"]["visible_fraction"] == 1


def test_boxes_are_clipped_to_the_window(browser: Browser) -> None:
    found = labels(browser, block("a", "left:350px;top:20px;width:100px;height:50px"))
    assert found["a"]["box"] == [350, 20, 400, 70]
    assert found["a"]["visible_fraction"] == pytest.approx(0.5)


def test_boxes_are_clipped_to_what_scrolls_around_them(browser: Browser) -> None:
    inner = (
        block("in", "left:0;top:0;width:80px;height:40px")
        + block("cut", "left:0;top:60px;width:80px;height:40px")
        + block("out", "left:0;top:200px;width:80px;height:40px")
    )
    scroller = f'<div style="position:absolute;left:10px;top:10px;width:60px;height:90px;border:5px solid;overflow:auto"><div style="height:900px">{inner}</div></div>'
    found = labels(browser, scroller)
    # The scroller's padding box is 15..65 by 15..95 (Bootstrap sizes boxes by their border).
    assert found["in"]["box"] == [15, 15, 65, 55]
    assert found["cut"]["box"] == [15, 75, 65, 95]
    assert "out" not in found


def test_an_absolute_child_escapes_an_unpositioned_cropper(browser: Browser) -> None:
    body = f'<div style="overflow:hidden;width:50px;height:50px">{block("a", "left:100px;top:100px;width:40px;height:40px")}</div>'
    assert labels(browser, body)["a"]["box"] == [100, 100, 140, 140]


@pytest.mark.parametrize("style", ["display:none", "visibility:hidden", "opacity:0", "left:-500px", "width:0"])
def test_what_cannot_be_seen_is_not_labelled(browser: Browser, style: str) -> None:
    found = labels(browser, block("a", f"left:0;top:0;width:50px;height:50px;{style}") + block("b", "left:60px;top:0;width:50px;height:50px"))
    assert set(found) == {"b"}


def test_what_is_covered_is_not_labelled(browser: Browser) -> None:
    under, over = "left:20px;top:20px;width:80px;height:80px", "left:10px;top:10px;width:100px;height:100px;background:#fff"
    found = labels(browser, block("under", under) + block("over", over, c="dialog"))
    assert set(found) == {"over"}


def test_a_half_covered_box_ends_where_the_cover_begins(browser: Browser) -> None:
    found = labels(
        browser,
        block("under", "left:20px;top:20px;width:80px;height:80px") + block("over", "left:0;top:60px;width:200px;height:200px;background:#fff"),
    )
    assert found["under"]["box"] == [20, 20, 100, 60]
    assert found["under"]["visible_fraction"] == pytest.approx(0.5)
    assert found["over"]["z"] > found["under"]["z"]


def test_the_visible_share_decides(browser: Browser) -> None:
    page = block("a", "left:380px;top:0;width:100px;height:50px")
    assert "a" not in labels(browser, page, min_visible=0.3)
    assert "a" in labels(browser, page, min_visible=0.1)


def test_a_translucent_veil_hides_nothing_and_blocks_clicks(browser: Browser) -> None:
    button = '<button data-c="button" aria-label="a" style="position:absolute;left:10px;top:10px">Go</button>'
    veil = '<div style="position:absolute;inset:0;background:#0008"></div>'
    assert labels(browser, button)["a"]["reachable"]
    behind = labels(browser, button + veil)["a"]
    assert behind["visible_fraction"] == 1
    assert not behind["reachable"]


def test_z_order_follows_css_not_the_tree(browser: Browser) -> None:
    a = block("front", "left:0;top:0;width:50px;height:50px;z-index:5")
    b = block("back", "left:20px;top:20px;width:50px;height:50px;z-index:1", block("inside", "left:30px;top:30px;width:10px;height:10px;z-index:99"))
    found = labels(browser, a + b)
    assert found["back"]["z"] < found["inside"]["z"] < found["front"]["z"]


def test_parents_states_roles_and_text(browser: Browser) -> None:
    body = (
        '<nav data-c="navigation_bar" aria-label="bar"><span><a data-c="link" aria-label="home" aria-current="page" href="#">Home <svg></svg></a></span></nav>'
        '<label for="f">Mail</label><input id="f" data-c="text_field" class="is-invalid" required value="x@y.example">'
        '<input data-c="checkbox" type="checkbox" aria-label="c" checked disabled>'
        '<input data-c="checkbox" type="checkbox" aria-label="m" data-mixed>'
        '<select data-c="combo_box" aria-label="s"><option>One<option selected>Two</select>'
        '<input data-c="password_field" type="password" aria-label="p" value="secret">'
        '<button data-c="button" aria-label="e" aria-expanded="false" style="text-transform:uppercase">Open <b data-c="badge" aria-label="n">3</b></button>'
    )
    found = labels(browser, body)
    assert found["home"]["parent"] == found["bar"]["id"]
    assert found["bar"]["parent"] is None
    assert (found["home"]["role"], found["home"]["text"], found["home"]["states"]) == ("link", "Home", ["current"])
    assert (found["Mail"]["text"], found["Mail"]["role"], found["Mail"]["states"]) == ("x@y.example", "textbox", ["invalid", "required"])
    assert found["c"]["states"] == ["disabled", "checked"]
    assert not found["c"]["reachable"]
    assert found["m"]["states"] == ["mixed"]
    assert (found["s"]["role"], found["s"]["text"]) == ("combobox", "Two")
    assert found["p"]["text"] == ""
    assert (found["e"]["text"], found["e"]["states"]) == ("OPEN", ["collapsed"])
    assert found["n"]["text"] == "3"


def test_text_boxes_hold_every_line_and_no_more(browser: Browser) -> None:
    body = (
        '<p data-c="text" aria-label="t" style="position:absolute;left:20px;top:30px;width:90px;font-size:20px;line-height:40px">aaaa aaaa aaaa</p>'
    )
    x1, y1, x2, y2 = labels(browser, body)["t"]["box"]
    assert 19 <= x1 <= 22
    assert x2 < 110
    # "a" has no ascender: the box starts well below the line's top (30) and ends well above the last line's bottom (a multiple of 40 below it).
    assert y1 > 40
    lines = round((y2 - y1 + 28) / 40)
    assert lines in (2, 3)
    assert y2 < 30 + 40 * lines - 10


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_text_boxes_are_tight_around_the_painted_ink(browser: Browser, scale: float) -> None:
    """Ink is what changes between a picture with the text and one with the text transparent."""
    off, checked = [], 0
    for number, theme in enumerate(THEMES_TRIED):
        family = tuple(FAMILIES)[number % len(FAMILIES)]
        browser.show(make_page(number, family, theme, *SIZE), *SIZE, scale)
        found = browser.annotate(0.3)
        plain = "*,*::before,*::after{text-decoration:none!important;text-shadow:none!important;text-overflow:clip!important}"
        browser.evaluate("css => { const s = document.createElement('style'); s.id = 'probe'; s.textContent = css; document.body.append(s); }", plain)
        with_text = pixels(browser.png())
        browser.evaluate("() => { document.getElementById('probe').textContent += '*{-webkit-text-fill-color:transparent!important}'; }")
        ink = np.abs(with_text - pixels(browser.png())).sum(axis=2) > 12
        for entry in found:
            if entry["class_name"] in ("text", "link", "heading") and entry["visible_fraction"] > 0.99:
                checked += 1
                if not _touches(ink, [round(v * scale) for v in entry["box"]], round(INK_TOLERANCE_PX * scale)):
                    off.append((theme, entry["text"], entry["box"]))
    assert checked > 100
    # One in fifty may fail: text of a neighbour within the margin that is looked at, or a glyph too pale to count as ink.
    assert len(off) <= checked / 50, off


def _touches(ink: np.ndarray, box: list[int], tolerance: int) -> bool:
    x1, y1, x2, y2 = box
    margin = tolerance + 1
    left, top = max(0, x1 - margin), max(0, y1 - margin)
    found = ink[top : y2 + margin, left : x2 + margin]
    if not found.any():
        return False
    rows, columns = np.flatnonzero(found.any(axis=1)) + top, np.flatnonzero(found.any(axis=0)) + left
    sides = (columns[0] - x1, rows[0] - y1, columns[-1] + 1 - x2, rows[-1] + 1 - y2)
    return max(abs(side) for side in sides) <= tolerance


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def screens(browser: Browser) -> list[Screen]:
    plans = [
        Plan(key=f"k-{i}", seed=1000 + i, family=family, theme=theme, width=SIZE[0], height=SIZE[1], device_scale=1.0)
        for i, (family, theme) in enumerate((family, theme) for family in FAMILIES for theme in THEMES_TRIED)
    ]
    return [make_screen(browser, plan)[0] for plan in plans]


EXPECTED = {
    "form": {"text_field", "text", "heading", "button", "combo_box", "checkbox", "radio"},
    "table": {"table", "row", "cell", "table_header", "pagination", "button", "link"},
    "dashboard": {"card", "chart", "heading", "text", "icon"},
    "settings": {"switch", "list", "list_item", "tab", "tab_bar", "heading"},
}


def test_screens_of_every_family_and_theme(browser: Browser) -> None:
    """Screen itself refuses boxes outside the image and missing parents; here is what it cannot know."""
    made = screens(browser)
    for family, expected in EXPECTED.items():
        seen = {element.class_name for screen in made if screen.family == family for element in screen.elements}
        assert expected <= seen, f"{family} never shows {expected - seen}"
    assert len({element.class_name for screen in made for element in screen.elements}) >= 40
    for screen in made:
        assert 10 <= len(screen.elements) <= 150, f"{screen.family}/{screen.theme} has {len(screen.elements)} elements"
        by_id = {element.id: element for element in screen.elements}
        assert len({element.z for element in screen.elements}) == len(screen.elements)
        for element in screen.elements:
            assert element.visible_fraction >= 0.3
            assert element.interactable <= BY_NAME[element.class_name].interactable
            if element.class_name in ("text", "link", "heading"):
                assert element.text, f"{screen.family}/{screen.theme}: a {element.class_name} without text"
            if element.class_name in ("cell", "table_header"):
                assert element.parent is None or by_id[element.parent].class_name == "row"
            if element.parent is not None:
                assert by_id[element.parent].z < element.z, "a parent is painted before what it holds"


def test_pages_of_one_family_differ(browser: Browser) -> None:
    """Composition is random: ten pages of a family have ten different sequences of classes."""
    for family in FAMILIES:
        sequences = set()
        for seed in range(10):
            browser.show(make_page(seed, family, "light", *SIZE), *SIZE, 1.0)
            sequences.add(tuple(entry["class_name"] for entry in browser.annotate(0.3)))
        assert len(sequences) == 10


def test_every_theme_shows_its_own_colours(browser: Browser) -> None:
    """Every theme loads, no two look the same, and dark themes are dark."""
    page = '<button class="btn btn-primary btn-lg m-3">Go</button><div class="card m-3"><div class="card-body">x</div></div>'
    pictures = {}
    for theme, dark in THEMES.items():
        browser.show(Page(theme=theme, palette="dark" if dark else "light", body=page), 200, 200, 1.0)
        png = browser.png()
        ink = browser.evaluate("() => getComputedStyle(document.body).color.match(/[\\d.]+/g).slice(0, 3).map(Number)")
        assert (sum(ink) / 3 > 150) is dark, f"{theme}: its text is {ink}"
        pictures[theme] = png
    assert len(set(pictures.values())) == len(THEMES)


def test_only_our_own_fonts_are_painted(browser: Browser) -> None:
    """No glyph falls back to a font of the machine, whatever the theme asks for."""
    cdp = browser._page.context.new_cdp_session(browser._page)
    cdp.send("DOM.enable")
    cdp.send("CSS.enable")
    for seed, family in enumerate(FAMILIES):
        for theme in ("light", "cosmo", "minty"):
            browser.show(make_page(seed, family, theme, *SIZE), *SIZE, 1.0)
            root = cdp.send("DOM.getDocument")["root"]["nodeId"]
            nodes = cdp.send("DOM.querySelectorAll", {"nodeId": root, "selector": "[data-c]"})["nodeIds"]
            used = {
                font["familyName"]
                for node in nodes
                for font in cdp.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
                if font["isCustomFont"] is False
            }
            assert not used, f"{family}/{theme} paints with {used}"
    assert len(FONTS) >= 4
    cdp.detach()
