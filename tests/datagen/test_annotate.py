"""The labels say what the picture shows: known answers on small pages, measured against the pixels that change when an element is hidden."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from contracts.knobs import load_knobs
from contracts.taxonomy import BY_NAME
from datagen.browser import Browser
from datagen.config import RenderKnobs
from datagen.pages import Page
from datagen.screens import MIN_VISIBLE, Plan, make_page, plan_screen

pytestmark = pytest.mark.browser

WINDOW = (400, 300)
# Sides of a label and of what changes may lie this many image pixels apart: antialiasing.
FRINGE_PX = 1
_DEEP = """
const deep = (root, selector) => {
  for (const element of root.querySelectorAll("*")) {
    if (element.matches(selector)) return element;
    const inside = element.shadowRoot ?? element.contentDocument;
    const found = inside && deep(inside, selector);
    if (found) return found;
  }
  return null;
};
"""
# A <template data-shadow> becomes its parent's shadow root, canvases are drawn on, frames are waited for.
_BRING_TO_LIFE = """async () => {
  const grow = root => {
    for (const template of [...root.querySelectorAll("template[data-shadow]")]) {
      const shadow = template.parentNode.attachShadow({mode: "open"});
      shadow.append(template.content);
      template.remove();
      grow(shadow);
    }
  };
  grow(document.body);
  for (const frame of document.querySelectorAll("iframe")) {
    while (frame.contentDocument?.readyState !== "complete" || !frame.contentDocument.body?.childNodes.length) await new Promise(done => setTimeout(done, 10));
    frame.contentDocument.body.getBoundingClientRect();
    await frame.contentDocument.fonts.ready;
  }
  for (const canvas of document.querySelectorAll("canvas")) {
    const brush = canvas.getContext("2d");
    brush.fillStyle = "#c00";
    brush.fillRect(30, 10, 50, 60);
  }
  for (const dialog of document.querySelectorAll("dialog[data-modal]")) dialog.showModal();
  await document.fonts.ready;
}"""


def show(browser: Browser, body: str, scale: float = 1.0, locale: str = "en", fonts: str = "Inter") -> None:
    """Put up a hand-written page in a 400x300 window."""
    content = f'<div style="position:absolute;inset:0">{body}</div>'
    browser.show(Page(kit="bootstrap", theme="light", locale=locale, fonts=fonts, heading_fonts=fonts, body=content), *WINDOW, scale)
    browser.evaluate(_BRING_TO_LIFE)


def labels(browser: Browser, body: str, min_visible: float = 0.3, scale: float = 1.0) -> dict[str, dict[str, Any]]:
    """Labels of a hand-written page by accessible name (every element must have one), box in CSS pixels."""
    show(browser, body, scale)
    return {entry["name"]: entry for entry in browser.annotate(min_visible)}


def pixels(browser: Browser) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(browser.png())).convert("RGB")).astype(int)


def changed_box(browser: Browser, selector: str, property: str = "visibility", value: str = "hidden") -> list[int]:
    """Box (image pixels) of what changes when the element that `selector` finds, in whatever shadow root or frame, is hidden."""
    before = pixels(browser)
    browser.evaluate(
        "([selector, property, value]) => {" + _DEEP + "deep(document, selector).style.setProperty(property, value, 'important'); }",
        [selector, property, value],
    )
    changed = np.abs(before - pixels(browser)).max(axis=2) >= 12
    assert changed.any(), "hiding it changes nothing"
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    return [int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1]


def block(name: str, style: str, inner: str = "", c: str = "card", **attributes: str) -> str:
    extra = " ".join(f'{key}="{value}"' for key, value in attributes.items())
    return f'<div data-c="{c}" aria-label="{name}" role="group" style="position:absolute;{style}" {extra}>{inner}</div>'


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


@pytest.mark.parametrize(("row", "left"), [("", set()), ("border-top:1px solid #000;", {"row"}), ("background:#fed;", {"row"})])
def test_a_row_whose_content_is_covered_is_seen_by_its_own_painting(browser: Browser, row: str, left: set[str]) -> None:
    name = block("name", "left:10px;top:5px;width:60px;height:20px;background:#08c", c="image")
    twist = '<svg viewBox="0 0 8 8" style="position:absolute;left:1px;top:12px;width:8px;height:8px"><path d="M0 0h8v8z"/></svg>'  # bears no mark
    under = block("row", f"left:10px;top:10px;width:300px;height:40px;{row}", twist + name, c="list_item")
    over = block("over", "left:0;top:0;width:90px;height:100px;background:#fff", c="menu")
    assert set(labels(browser, under + over)) == {"over"} | left


@pytest.mark.parametrize(("width", "left"), [(90, set()), (20, {"row"})])
def test_a_row_is_blank_if_several_covers_share_what_stands_in_it(browser: Browser, width: int, left: set[str]) -> None:
    twist = '<svg viewBox="0 0 8 8" style="position:absolute;left:10px;top:12px;width:16px;height:16px"><path d="M0 0h8v8z"/></svg>'  # bears no mark
    under = block("row", "left:10px;top:10px;width:300px;height:40px", twist, c="list_item")
    # The drawing reaches from 22 to 38 pixels down; one entry of the menu ends and the next begins between them.
    entries = [block(f"entry {i}", f"left:0;top:{30 * i}px;width:{width}px;height:30px;background:#fff", c="menu_item") for i in range(2)]
    over = block("over", f"left:0;top:0;width:{width}px;height:60px", "".join(entries), c="menu")
    assert set(labels(browser, under + over)) == {"over", "entry 0", "entry 1"} | left


def test_the_visible_share_is_exact_where_a_cover_lies_askew(browser: Browser) -> None:
    """Between sixteen points a cover has room: what is left of it is the area, not the share of points."""
    under = block("row", "left:10px;top:10px;width:200px;height:20px;background:#08c", c="list_item")
    over = block("over", "left:20px;top:0;width:300px;height:26px;background:#fff", c="menu")
    assert set(labels(browser, under + over)) == {"over"}  # 10 pixels at the left and 4 at the bottom are 24 %
    found = labels(browser, under + over, min_visible=0.2)["row"]
    assert found["visible_fraction"] == pytest.approx(1 - 190 * 16 / (200 * 20))


@pytest.mark.parametrize(("own", "left"), [("border-right:2px solid #000;", set()), ("border-left:2px solid #000;", {"row"})])
def test_a_row_is_seen_by_the_line_that_nothing_covers(browser: Browser, own: str, left: set[str]) -> None:
    name = block("name", "right:10px;top:5px;width:60px;height:20px;background:#08c", c="image")
    under = block("row", f"left:10px;top:10px;width:300px;height:40px;box-sizing:border-box;{own}", name, c="list_item")
    over = block("over", "left:200px;top:0;width:200px;height:100px;background:#fff", c="menu")
    assert set(labels(browser, under + over)) == {"over"} | left


@pytest.mark.parametrize(("place", "left"), [("right:4px", set()), ("left:4px", {"row"})])
def test_a_row_is_seen_by_the_drawn_pseudo_element_that_nothing_covers(browser: Browser, place: str, left: set[str]) -> None:
    sign = f"<style>.sign::after{{content:'';position:absolute;{place};top:16px;width:8px;height:8px;background:#c00}}</style>"
    name = block("name", "right:20px;top:5px;width:60px;height:20px;background:#08c", c="image")
    under = block("row", "left:10px;top:10px;width:300px;height:40px", name, c="list_item", **{"class": "sign"})
    over = block("over", "left:200px;top:0;width:200px;height:100px;background:#fff", c="menu")
    assert set(labels(browser, sign + under + over)) == {"over"} | left


def test_a_row_whose_content_is_out_of_sight_is_not_labelled(browser: Browser) -> None:
    name = block("name", "left:-90px;top:5px;width:60px;height:20px;background:#08c", c="image")
    row = block("row", "left:-20px;top:10px;width:300px;height:40px", name, c="list_item")
    bare = '<button data-c="icon_button" aria-label="bare" style="position:absolute;left:380px;top:90px;width:60px;height:40px;border:0;background:none;padding-left:30px">×</button>'
    empty = block("empty", "left:10px;top:150px;width:300px;height:40px", c="list_item")
    assert set(labels(browser, block("list", "left:-20px;top:0;width:400px;height:80px", row, c="list") + bare + empty)) == {"empty"}


@pytest.mark.parametrize(("radius", "covers"), [(2, False), (16, True)])
def test_a_pane_that_blurs_past_reading_covers(browser: Browser, radius: int, covers: bool) -> None:
    pane = f'<div style="position:absolute;left:0;top:0;width:200px;height:200px;background:#fff4;backdrop-filter:blur({radius}px)"></div>'
    found = labels(browser, block("under", "left:20px;top:20px;width:80px;height:80px;background:#08c") + pane)
    assert ("under" not in found) == covers


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


# ---- boxes against pixels: each case has one mark, id="x" ------------------------------------------------------------------------------------

_TEXT = '<span id="x" data-c="text" style="{style}">{text}</span>'
_AT = "position:absolute;left:30px;top:40px;"


def _text(style: str, text: str = "Quarterly report, page 9", wrapper: str = _AT + "width:300px;font-size:18px") -> str:
    return f'<div style="{wrapper}">{_TEXT.format(style=style, text=text)}</div>'


_SHADOW_BUTTON = (
    "<template data-shadow><style>.in{{display:inline-block;padding:9px 14px;background:#0a6;margin:7px;{extra}}}</style>"
    '<div class="in" {mark}><slot></slot></div></template>'
)
_ARROW = '<path d="M5 12h14M13 6l6 6-6 6"/>'

CASES = {
    # shadow roots
    "a mark inside a shadow root": f'<div style="{_AT}">{_SHADOW_BUTTON.format(extra="", mark="id=x data-c=button")}Save</div>',
    "a mark on a host whose control stands inside": (
        f'<div id="x" data-c="button" data-box=">>> .in" style="{_AT}">{_SHADOW_BUTTON.format(extra="", mark="")}Save</div>'
    ),
    "text in a slot": f'<div style="{_AT}">{_SHADOW_BUTTON.format(extra="", mark="")}<span id="x" data-c="text">Slotted</span></div>',
    "a mark whose text comes through two slots": (
        f'<div style="{_AT}"><template data-shadow><div>{_SHADOW_BUTTON.format(extra="", mark="id=x data-c=text").replace("#0a6", "none")}<slot></slot></div></template>Deep</div>'
    ),
    "text in a slot that crops": (
        f'<div style="{_AT}">{_SHADOW_BUTTON.format(extra="width:70px;overflow:hidden;white-space:nowrap", mark="")}<span id="x" data-c="text">Slotted and cropped</span></div>'
    ),
    "a line of which only what reaches high is in sight": f'<div style="{_AT}width:400px;height:12px;overflow:hidden">{_TEXT.format(style="font-size:24px", text="we saw all the hills from over seas")}</div>',
    "a dotted line far below": _text(
        "font-size:14px;text-decoration:underline dotted;text-underline-offset:4px", "Report of page 19", wrapper=_AT + "top:40.4px"
    ),
    "words half under a cover": (
        f'<div style="{_AT}width:300px;height:60px">{_TEXT.format(style="font-size:24px", text="no annual sums in autumn")}'
        '<div style="position:absolute;left:-9px;right:0;top:0;height:15px;background:#fff"></div></div>'
    ),
    "a box in a host that crops": (
        f'<div style="{_AT}width:60px;height:30px;overflow:hidden"><template data-shadow><div id="x" data-c="image" style="width:90px;height:28px;background:#08c"></div></template></div>'
    ),
    # frames
    "a box in a frame": (
        f'<iframe style="{_AT}width:200px;height:120px;border:7px solid #ccc;padding:5px" '
        "srcdoc='<body style=margin:0><button id=x data-c=button style=\"position:absolute;left:11px;top:13px;height:40px;width:90px\">Go</button>'></iframe>"
    ),
    "a box that its frame crops": (
        f'<iframe style="{_AT}width:80px;height:60px;border:3px solid #ccc" '
        "srcdoc='<body style=margin:0><div id=x data-c=card style=\"position:absolute;left:20px;top:9px;height:40px;width:90px;background:#088\"></div>'></iframe>"
    ),
    "text in a scaled frame": (
        f'<iframe style="{_AT}width:200px;height:120px;border:2px solid;transform:scale(1.3);transform-origin:0 0" '
        "srcdoc='<link rel=stylesheet href=/fonts.css><body style=\"margin:9px;font:16px Inter;text-rendering:geometricPrecision\"><span id=x data-c=text>Framed text</span>'></iframe>"
    ),
    # transforms, zoom
    "text turned by 30 degrees": _text("display:inline-block;transform:rotate(30deg)"),
    "text turned by 90 degrees": _text("display:inline-block;transform:rotate(90deg)", "Axis title"),
    "text turned by the rotate property in a scaled box": f'<div style="{_AT}transform:scale(1.4)">{_TEXT.format(style="display:inline-block;rotate:-45deg", text="Turned")}</div>',
    "text skewed": _text("display:inline-block;transform:skewX(20deg)"),
    "text scaled up": _text("display:inline-block;transform:scale(1.7);transform-origin:0 0", "Scaled g"),
    "text scaled down and moved": _text("display:inline-block;transform:translate(13.3px,20.7px) scale(.6)"),
    "text mirrored": _text("display:inline-block;transform:scaleX(-1)", "Mirrored"),
    "a box turned": f'<div id="x" data-c="image" style="{_AT}width:90px;height:40px;background:#08c;transform:rotate(30deg)"></div>',
    "a turned box with two lines": _text("display:inline-block;width:120px;transform:rotate(20deg)", "Two lines of text"),
    "text zoomed": f'<div style="zoom:1.5;font-size:14px;padding:10px">{_TEXT.format(style="letter-spacing:1px", text="Zoomed gap")}</div>',
    "a box in a zoomed box that crops": (
        '<div style="zoom:1.5;width:60px;height:60px;border:5px solid #ccc;overflow:hidden">'
        '<div id="x" data-c="image" style="width:100px;height:100px;background:#08c"></div></div>'
    ),
    # scrolling
    "a sticky header": (
        '<div data-scroll-to="60" style="position:absolute;left:10px;top:20px;width:200px;height:150px;overflow:auto"><div style="height:30px"></div>'
        '<div id="x" data-c="toolbar" style="position:sticky;top:0;height:25px;background:#fa0"></div><div style="height:900px"></div></div>'
    ),
    "a box half scrolled under a sticky header": (
        '<div data-scroll-to="20" style="position:absolute;left:10px;top:20px;width:200px;height:150px;overflow:auto">'
        '<div style="position:sticky;top:0;height:25px;background:#fa0;z-index:1"></div><div id="x" data-c="image" style="height:60px;background:#08c"></div>'
        '<div style="height:900px"></div></div>'
    ),
    "a box in a clip path": f'<div style="{_AT}clip-path:inset(10px 5px 15px 20px)"><div id="x" data-c="image" style="width:90px;height:70px;background:#08c"></div></div>',
    # pseudo-elements
    "a control drawn by ::before in the flow": (
        f'<style>.p::before{{content:"";display:inline-block;width:17px;height:17px;border:2px solid;margin-right:9px;vertical-align:middle}}</style>'
        f'<label id="x" class="p" data-c="checkbox" data-box="::before" style="{_AT}"><span style="visibility:hidden">Label</span></label>'
    ),
    "a control drawn by ::after, placed": (
        f'<style>.p::after{{content:"";position:absolute;right:-9px;top:5px;width:21px;height:13px;background:#c0c;transform:translateY(4px)}}</style>'
        f'<i id="x" class="p" data-c="switch" data-box="::after" style="{_AT}width:50px"></i>'
    ),
    "a control drawn by its neighbour's ::before": (
        "<style>.q::before{content:'';position:absolute;left:4px;top:3px;width:14px;height:14px;background:#444}</style>"
        f'<div id="x" style="{_AT}"><input data-c="checkbox" type="checkbox" data-box="+ label::before" style="opacity:0"><label class="q">&nbsp;</label></div>'
    ),
    "a glyph of an icon font": (
        f'<style>.g::before{{content:"\\2605";font-size:30px;padding:5px;font-family:Inter,sans-serif}}</style><i id="x" class="g" data-c="icon" style="{_AT}"></i>'
    ),
    # drawings
    "a stroked icon": (
        f'<svg id="x" data-c="icon" viewBox="0 0 24 24" width="36" height="36" style="{_AT}" fill="none" stroke="#000" stroke-width="2" stroke-linecap="round">'
        f'<path d="M0 0h24v24H0z" stroke="none"/>{_ARROW}</svg>'
    ),
    "a filled icon": f'<svg id="x" data-c="icon" viewBox="0 0 16 16" width="32" height="32" style="{_AT}"><path d="M4 5c2-3 6-3 8 0l-4 7z"/></svg>',
    "an icon through <use>": (
        '<svg style="display:none"><symbol id="sym" viewBox="0 0 16 16"><path d="M4 5h8v7H4z"/></symbol></svg>'
        f'<svg id="x" data-c="icon" width="32" height="32" style="{_AT}"><use href="#sym"/></svg>'
    ),
    "an SVG chart with words": (
        f'<svg id="x" data-c="chart" viewBox="0 0 100 50" width="250" height="125" style="{_AT}"><rect x="20" y="10" width="8" height="30" fill="#08c"/>'
        '<text x="40" y="44" font-size="6">Monday</text></svg>'
    ),
    "a picture that is drawn without a ground": (
        f'<span id="x" data-c="image" style="{_AT}display:block;width:200px;height:80px;overflow:hidden"><svg viewBox="0 0 60 40" width="100%" height="100%" '
        'preserveAspectRatio="xMidYMid slice"><circle cx="30" cy="20" r="9" fill="#08c"/></svg></span>'
    ),
    "a drawn chart that is cropped": (
        f'<div style="{_AT}width:90px;height:60px;overflow:hidden"><svg id="x" data-c="chart" viewBox="0 0 200 100" width="200" height="100" style="margin-left:-60px">'
        '<circle cx="20" cy="10" r="6" fill="#08c"/><circle cx="100" cy="30" r="25" fill="#08c"/><circle cx="190" cy="90" r="6" fill="#08c"/></svg></div>'
    ),
    "a chart on a canvas": f'<canvas id="x" data-c="chart" width="120" height="90" style="{_AT}"></canvas>',
    "a picture that keeps its proportions": (
        f'<img id="x" data-c="image" style="{_AT}width:120px;height:60px;object-fit:contain" '
        "src=\"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='40' height='40'><rect width='40' height='40' fill='teal'/></svg>\">"
    ),
    "a native slider": f'<div style="{_AT}"><input id="x" data-c="slider" type="range" class="form-range" style="width:150px;background:none"></div>',
    # text
    "an underlined link": _text("text-decoration:underline", "anna mess us"),
    "a thick underline": _text("text-decoration:underline 3px;text-underline-offset:5px", "Under"),
    "letter and word spacing": _text("letter-spacing:3px;word-spacing:9px"),
    "an indented paragraph": '<p id="x" data-c="text" style="position:absolute;left:30px;top:40px;width:160px;text-indent:30px">One two three four five six seven</p>',
    "capitals": _text("text-transform:uppercase"),
    "small capitals": _text("font-variant-caps:small-caps"),
    "italics that hang over": _text("font-style:italic;font-family:serif", "f of jf"),
    "justified lines": '<p id="x" data-c="text" style="position:absolute;left:30px;top:40px;width:130px;text-align:justify">Wide words between ragged margins here</p>',
    "bold inside": _text("", "Some <b>bold</b> and <small>small</small> words"),
    "preserved spaces and tabs": _text("white-space:pre", "a\tb   c"),
    "a long word that breaks": '<p id="x" data-c="text" style="position:absolute;left:30px;top:40px;width:83px;overflow-wrap:anywhere">Donaudampfschifffahrtsgesellschaft</p>',
    "an ellipsis": '<div id="x" data-c="text" style="position:absolute;left:30px;top:40px;width:117px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap">Quarterly report of the year</div>',
    "a parent's ellipsis": '<div style="position:absolute;left:30px;top:40px;width:117px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap"><span id="x" data-c="text">Quarterly report of the year</span></div>',
    "two lines, then an ellipsis": (
        '<div id="x" data-c="text" style="position:absolute;left:30px;top:40px;width:120px;display:-webkit-box;-webkit-line-clamp:2;-webkit-box-orient:vertical;overflow:hidden">'
        "Quarterly report of the year twenty and many more words to be cut</div>"
    ),
    "lines of which the widest is cropped away": (
        f'<div style="{_AT}width:150px;height:27px;overflow:hidden"><div id="x" data-c="text">First words<br>then a wider line</div></div>'
    ),
    "hidden words inside": _text("", 'Next <span class="visually-hidden">page of the results</span>'),
}

_WORLD = {
    "Chinese that wraps": ("zh", "Noto Sans SC", "系统设置已经更新请重新启动计算机以完成安装"),
    "Japanese that wraps": ("ja", "Noto Sans JP", "新しいメッセージが届きました。今すぐ確認してください。"),
    "Korean": ("ko", "Noto Sans KR", "설정을 저장하고 계속 진행하시겠습니까"),
    "Thai that wraps": ("th", "Noto Sans Thai", "การตั้งค่าระบบได้รับการปรับปรุงแล้วกรุณาเริ่มใหม่"),
    "Devanagari": ("hi", "Noto Sans Devanagari", "सिस्टम सेटिंग्स अपडेट हो गई हैं कृपया पुनः आरंभ करें"),
    "Arabic": ("ar", "Noto Sans Arabic", "تم تحديث إعدادات النظام يرجى إعادة التشغيل"),
    "Hebrew": ("he", "Noto Sans Hebrew", "הגדרות המערכת עודכנו נא להפעיל מחדש"),
    "Arabic with numbers and Latin": ("ar", "Noto Sans Arabic", "الطلب 4711 من Acme GmbH قيد الشحن 12%"),
    "Arabic cut by an ellipsis": ("ar", "Noto Sans Arabic", "<i></i>تم تحديث إعدادات النظام"),
}


def assert_label_is_what_changes(browser: Browser, scale: float) -> None:
    found = browser.annotate(0.05)
    assert len(found) == 1, found
    label = [value * scale for value in found[0]["box"]]
    changed = changed_box(browser, "#x")
    off = max(abs(a - b) for a, b in zip(label, changed, strict=True))
    assert off <= FRINGE_PX + 1e-6, f"label {label}, changed {changed}"


@pytest.mark.parametrize("scale", [1.0, 1.5, 2.0])
@pytest.mark.parametrize("case", CASES)
def test_boxes_are_what_changes_when_the_element_is_hidden(browser: Browser, case: str, scale: float) -> None:
    show(browser, CASES[case], scale)
    assert_label_is_what_changes(browser, scale)


@pytest.mark.parametrize("scale", [1.0, 2.0])
@pytest.mark.parametrize("case", _WORLD)
def test_text_of_every_script(browser: Browser, case: str, scale: float) -> None:
    locale, font, text = _WORLD[case]
    cut = "overflow:hidden;white-space:nowrap;text-overflow:ellipsis" if "ellipsis" in case else ""
    show(
        browser,
        f'<p id="x" data-c="text" style="position:absolute;left:60px;top:40px;width:150px;font-size:17px;{cut}">{text}</p>',
        scale,
        locale,
        f"'{font}'",
    )
    assert_label_is_what_changes(browser, scale)


@pytest.mark.parametrize(
    "style",
    [
        "position:absolute;width:1px;height:1px;overflow:hidden;clip:rect(0,0,0,0)",
        "position:absolute;clip-path:inset(50%)",
        "content-visibility:hidden",
        "opacity:0",
        "visibility:hidden",
        "position:absolute;left:-9999px",
        "width:0;height:0;overflow:hidden",
    ],
)
def test_what_is_hidden_from_the_eye_is_not_labelled(browser: Browser, style: str) -> None:
    show(browser, f'<div style="{style}"><span data-c="text">Only for screen readers</span></div><span data-c="text">Seen</span>')
    assert [entry["text"] for entry in browser.annotate(0.3)] == ["Seen"]


def test_inert_and_hidden_from_the_accessibility_tree(browser: Browser) -> None:
    show(
        browser,
        '<div inert><button data-c="button">Off</button></div><div aria-hidden="true"><button data-c="button">Silent</button></div><button data-c="button">On</button>',
    )
    off, silent, on = browser.annotate(0.3)
    assert (off["text"], off["reachable"], off["name"], off["role"]) == ("Off", False, "", None)
    assert (silent["text"], silent["reachable"], silent["name"], silent["role"]) == ("Silent", True, "", None)
    assert (on["text"], on["reachable"], on["name"], on["role"]) == ("On", True, "On", "button")


def test_parents_covers_and_names_through_shadow_roots(browser: Browser) -> None:
    body = (
        '<section data-c="card" aria-label="outer" role="group" style="position:absolute;inset:10px"><x-list><template data-shadow><div data-c="list" role="list" aria-label="list">'
        '<slot></slot></div><div style="position:absolute;left:0;top:100px;width:300px;height:100px;background:#fff"></div></template>'
        '<div data-c="list_item" role="listitem" aria-label="item" style="height:60px">One</div><p data-c="text" style="margin-top:50px">Covered</p></x-list></section>'
        '<x-field data-c="text_field" data-icon="mail" data-box=">>> input" style="position:absolute;left:30px;top:230px"><template data-shadow>'
        '<input aria-label="Mail" value="a@b.c" required></template></x-field>'
    )
    found = {entry["name"]: entry for entry in (show(browser, body), browser.annotate(0.3))[1]}
    assert set(found) == {"outer", "list", "item", "Mail"}, "the paragraph lies under a cover of the same shadow root"
    assert found["item"]["parent"] == found["list"]["id"]
    assert found["list"]["parent"] == found["outer"]["id"]
    assert (found["Mail"]["role"], found["Mail"]["text"], found["Mail"]["states"], found["Mail"]["icon"]) == (
        "textbox",
        "a@b.c",
        ["required"],
        "mail",
    )


def test_a_modal_dialog_dims_what_is_under_it(browser: Browser) -> None:
    show(
        browser,
        '<button data-c="button" style="position:absolute;left:5px;top:5px">Below</button><p data-c="text" style="position:absolute;left:150px;top:140px">Hidden</p>'
        '<dialog data-c="dialog" data-modal style="width:200px;height:150px"><button data-c="button">Above</button></dialog>',
    )
    found = {entry["text"]: entry for entry in browser.annotate(0.3)}
    assert set(found) == {"Below", "", "Above"}
    assert not found["Below"]["reachable"]
    assert found["Above"]["reachable"]
    assert found["Below"]["z"] < found[""]["z"] < found["Above"]["z"]


def test_a_box_that_finds_nothing_is_an_error(browser: Browser) -> None:
    show(browser, '<div data-c="switch" data-box=".no-such-part" style="width:30px;height:20px"></div>')
    with pytest.raises(Exception, match=r"data-box=\"\.no-such-part\".*finds nothing"):
        browser.annotate(0.3)


def test_annotating_leaves_the_page_as_it_was(browser: Browser) -> None:
    show(
        browser, CASES["a control drawn by ::before in the flow"] + '<style>.v{position:fixed;inset:0;background:#0004}</style><div class="v"></div>'
    )
    before, html = pixels(browser), browser.evaluate("() => document.body.innerHTML")
    first = browser.annotate(0.3)
    assert browser.evaluate("() => document.body.innerHTML") == html
    assert (pixels(browser) == before).all()
    assert browser.annotate(0.3) == first


# ---- whole screens ---------------------------------------------------------------------------------------------------------------------------

SCREENS = 32


def web_plans(count: int) -> list[Plan]:
    knobs = load_knobs(RenderKnobs).model_copy(update={"seed": 77, "kits": ("bootstrap", "bespoke-web", "bespoke-mobile", "bespoke-desktop")})
    return [plan_screen(knobs, 0, index) for index in range(count)]


def show_plan(browser: Browser, plan: Plan) -> list[dict[str, Any]]:
    page = make_page(plan.seed, plan.family, plan.kit, plan.theme, plan.locale, plan.state, plan.width, plan.height)
    browser.show(page, plan.width, plan.height, plan.device_scale)
    return browser.annotate(MIN_VISIBLE)


# What DevTools calls roles that ARIA has no name for, or has another name for.
_DEVTOOLS_ROLES = {"image": "img", "generic": None, "none": None, "presentation": None}


def test_names_and_roles_are_those_of_the_accessibility_tree(browser: Browser) -> None:
    """DevTools' Accessibility.getFullAXTree is the reference. Elements that are in the tree agree in 99 of 100."""
    compared, differing = 0, []
    for plan in web_plans(SCREENS):
        found = show_plan(browser, plan)
        cdp = browser.cdp
        tree = {
            node["backendDOMNodeId"]: node
            for node in cdp.send("Accessibility.getFullAXTree")["nodes"]
            if not node["ignored"] and "backendDOMNodeId" in node
        }
        for entry in found:
            remote = cdp.send("Runtime.evaluate", {"expression": f"screenry.labelled({entry['id']}).element"})["result"]["objectId"]
            node = tree.get(cdp.send("DOM.describeNode", {"objectId": remote})["node"]["backendNodeId"])
            if node is None:
                continue
            role, name = node["role"]["value"], " ".join(node.get("name", {}).get("value", "").split())
            role = None if any(letter.isupper() for letter in role) else _DEVTOOLS_ROLES.get(role, role)
            compared += 1
            if (entry["role"], entry["name"]) != (role, name):
                differing.append((plan.family, entry["class_name"], (entry["role"], entry["name"]), (role, name)))
    print(f"names and roles: {compared - len(differing)} of {compared} agree; differing: {differing}")
    assert compared > 500
    assert len(differing) <= compared / 100, differing


def test_invariants_on_screens_of_every_family(browser: Browser) -> None:
    """Screen itself refuses boxes outside the image and missing parents; here is what it cannot know."""
    for plan in web_plans(SCREENS):
        found = show_plan(browser, plan)
        assert found, plan
        by_id = {entry["id"]: entry for entry in found}
        assert sorted(entry["z"] for entry in found) == list(range(len(found)))
        for entry in found:
            x1, y1, x2, y2 = entry["box"]
            assert 0 <= x1 < x2 <= plan.width + 1e-6, (plan, entry)
            assert 0 <= y1 < y2 <= plan.height + 1e-6, (plan, entry)
            assert MIN_VISIBLE <= entry["visible_fraction"] <= 1
            assert entry["class_name"] in BY_NAME
            if entry["class_name"] in ("text", "link", "heading"):
                assert entry["text"], f"{plan}: a {entry['class_name']} without text"
            if entry["parent"] is not None:
                assert by_id[entry["parent"]]["z"] < entry["z"], f"{plan}: a parent is painted before what it holds"
