"""The kits of phones, of web components and of desktops: every widget of the vocabulary is drawn, labelled and the same each time."""

import io
from collections import Counter

import pytest
from PIL import Image, ImageChops

from contracts.annotation import Screen
from datagen.browser import Browser
from datagen.kits import kit
from datagen.kits.sheet import render, specimen_page
from datagen.pages import Page

pytestmark = pytest.mark.browser

# A theme each; between them light, dark and high contrast.
LOOKS = {
    "ionic-ios": "light", "ionic-md": "dark", "f7-ios": "dark", "f7-md": "light", "win98": "light", "winxp": "light", "win7": "light", "shoelace": "dark", "vscode": "dark_modern",
    "fluent": "dark", "fluent-desktop": "light",
}  # fmt: skip
# Classes that a sheet of every widget must show; what is named here is painted by the kit itself, in most of them inside shadow roots.
CONTROLS = ("checkbox", "radio", "switch")
WORDED = ("button", "text_field", "search_field", "combo_box", "tab", "badge", "chip")
ROLES = {
    "checkbox": {"checkbox"},
    "radio": {"radio"},
    "switch": {"switch"},
    "text_field": {"textbox"},
    "slider": {"slider"},
    "button": {"button"},
    "icon_button": {"button"},
    "tab": {"tab", "button"},
}


@pytest.fixture(scope="module")
def sheets(browser: Browser) -> dict[str, tuple[Screen, bytes, list[str]]]:
    """Each kit's sheet, its picture, and what its page complained of."""
    found = {}
    complaints: list[str] = []
    browser._context.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    browser._context.on("weberror", lambda error: complaints.append(str(error.error)))
    for name, theme in LOOKS.items():
        complaints.clear()
        screen, png = render(browser, specimen_page(name, theme))
        found[name] = (screen, png, list(complaints))
    return found


@pytest.mark.parametrize("name", LOOKS)
def test_every_widget_is_drawn_and_labelled(name: str, sheets: dict[str, tuple[Screen, bytes, list[str]]]) -> None:
    screen, _, complaints = sheets[name]
    assert complaints == []
    counts = Counter(element.class_name for element in screen.elements)
    assert len(counts) == 50, f"{len(counts)} of 50 classes"
    for element in screen.elements:
        width, height = element.box.x2 - element.box.x1, element.box.y2 - element.box.y1
        if element.class_name in CONTROLS:
            assert 8 <= width <= 66, (element, width, height)
            assert 8 <= height <= 64, (element, width, height)
        if element.class_name == "slider":
            assert height >= 8, element
    for class_name in WORDED:
        assert any(element.text for element in screen.elements if element.class_name == class_name), f"no {class_name} has a text"


@pytest.mark.parametrize("name", LOOKS)
def test_controls_have_names_and_roles(name: str, sheets: dict[str, tuple[Screen, bytes, list[str]]]) -> None:
    for element in sheets[name][0].elements:
        if element.class_name in ROLES:
            assert element.role in ROLES[element.class_name], element
            assert element.name, element


def test_states_of_components_are_read(sheets: dict[str, tuple[Screen, bytes, list[str]]]) -> None:
    for name in LOOKS:
        boxes = [element for element in sheets[name][0].elements if element.class_name == "checkbox"]
        assert any("checked" in element.states for element in boxes), name
        assert any("mixed" in element.states for element in boxes), name
        assert any("disabled" in element.states for element in boxes), name
        assert any(not element.states for element in boxes), name


@pytest.mark.parametrize("name", LOOKS)
def test_same_bytes_after_other_kits(name: str, browser: Browser, sheets: dict[str, tuple[Screen, bytes, list[str]]]) -> None:
    """By now all the other kits were shown, and half of the documents had to give way to others."""
    other = "dark" if "dark" in kit(name).themes and LOOKS[name] != "dark" else next(iter(kit(name).themes))
    browser.show(specimen_page(name, other, seed=4), 390, 780, 2.0)
    _, png = render(browser, specimen_page(name, LOOKS[name]))
    before, after = (Image.open(io.BytesIO(data)).convert("RGB") for data in (sheets[name][1], png))
    assert ImageChops.difference(before, after).getbbox() is None
    assert (png == sheets[name][1]) is True


@pytest.mark.parametrize("name", ("win98", "winxp", "win7"))
def test_a_group_box_holds_its_title(name: str, sheets: dict[str, tuple[Screen, bytes, list[str]]]) -> None:
    elements = {element.id: element for element in sheets[name][0].elements}
    titles = [
        (element.box, elements[element.parent].box)
        for element in elements.values()
        if element.class_name == "heading" and element.parent is not None and elements[element.parent].class_name == "card"
    ]
    assert titles
    for title, group in titles:
        assert group.y1 - 1 <= title.y1 < group.y1 + 8 and group.x1 <= title.x1 and title.x2 <= group.x2, (title, group)


@pytest.mark.parametrize("name", ("f7-ios", "f7-md"))
def test_a_tab_bar_shares_its_width_among_its_tabs(name: str, sheets: dict[str, tuple[Screen, bytes, list[str]]]) -> None:
    elements = sheets[name][0].elements
    bar = next(element for element in elements if element.class_name == "bottom_navigation")
    tabs = [element.box for element in elements if element.class_name == "tab" and element.parent == bar.id]
    assert len(tabs) >= 3
    assert max(tab.x2 - tab.x1 for tab in tabs) - min(tab.x2 - tab.x1 for tab in tabs) < 1
    assert min(tab.x1 for tab in tabs) >= bar.box.x1 and max(tab.x2 for tab in tabs) <= bar.box.x2


@pytest.mark.parametrize("bars", (True, False))
def test_a_floating_button_keeps_off_the_tab_bar(browser: Browser, bars: bool) -> None:
    button = '<div class="s-over s-fab-place"><button data-c="icon_button" class="s-fab" aria-label="New">+</button></div>'
    page = Page(
        kit="bespoke-mobile", theme="light", body=f'<div class="s-page s-mobile {"s-with-bottom" if bars else ""}"></div>{button}', root_px=16
    )
    browser.show(page, 360, 640, 1.0)
    (found,) = browser.annotate(0.3)
    assert (found["box"][3] <= 640 - 4.5 * 16) is bars


def test_pages_of_several_kits_can_be_photographed_by_turns(browser: Browser) -> None:
    """A tab behind another one is not painted: it has to be brought to the front."""
    pages = {name: Page(kit=name, theme="light", body=f'<div data-c="card" style="width:90px;height:{height}px">a</div>')
             for name, height in (("win98", 40), ("f7-md", 70))}  # fmt: skip
    pictures: dict[str, bytes] = {}
    for name in ("win98", "f7-md", "win98", "f7-md"):
        browser.show(pages[name], 300, 200, 1.0)
        assert pictures.setdefault(name, browser.png()) == browser.png()
    assert pictures["win98"] != pictures["f7-md"]
