"""Real Qt widgets: reproducible, labelled where they are painted, left out with a reason where Qt is missing."""

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import psutil
import pytest
from PIL import Image

from contracts.annotation import Element, Screen
from contracts.errors import InputError
from contracts.knobs import load_knobs
from datagen import kits as registry
from datagen import screens
from datagen.config import RenderKnobs
from datagen.content.words import Words
from datagen.kits import qt_widgets
from datagen.pages import FAMILIES
from datagen.pages.families import Family
from datagen.pages.shell import Content
from datagen.pages.ui import Branch, F, Ui
from datagen.screens import Plan, Studio, plan_screen

REPOSITORY = Path(__file__).parents[2]
KITS = ("qt-fusion", "qt-windows")
needs_qt = pytest.mark.skipif(qt_widgets.reason() is not None, reason=qt_widgets.reason() or "")


@pytest.fixture(scope="module")
def studio() -> Iterator[Studio]:
    with Studio() as opened:
        yield opened


def specimen(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    """One of each, with contents that are known."""
    return Content(
        title="Specimen",
        parts=(
            ui.heading("Gadget HQ", 1), ui.text("plain words"),
            ui.row(ui.checkbox("Mixed one", None, False), ui.radio("Chosen one", True, "g", False), ui.switch("Switch", True, False)),
            ui.row(ui.button("Press", "save", "default", disabled=True), ui.icon_button("trash", disabled=False)),
            ui.text_field("Name", "Ada", disabled=False, invalid=True), ui.combo_box("Pick", ("one", "two"), 1, False),
            ui.tabs(("First", "Second"), 1),
            ui.row(ui.list_box("Things", ("alpha", "beta"), (1, 7)), ui.tree((Branch("root", "folder", True, (Branch("leaf"),)),), 1)),
            ui.table(("Name", "Size"), (("a.txt", "12"), ("b.txt", "34")), chosen=(1,), numeric=(1,), sorted_by=0),
        ),
        chrome="bare",
    )  # fmt: skip


@pytest.fixture
def specimen_plan(monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.setitem(FAMILIES, "specimen", Family(specimen, ("desktop",)))
    return Plan(
        key="a", seed=5, family="specimen", kit="qt-fusion", theme="light", locale="en", state="plain", width=700, height=640, device_scale=1.0
    )


def plans(count: int, **changes: object) -> list[Plan]:
    knobs = load_knobs(RenderKnobs).model_copy(update={"kits": KITS, "seed": 4711, **changes})
    return [plan_screen(knobs, 0, index) for index in range(count)]


def only(screen: Screen, class_name: str, **wanted: str) -> Element:
    found = [
        element
        for element in screen.elements
        if element.class_name == class_name and all(getattr(element, key) == value for key, value in wanted.items())
    ]
    assert len(found) == 1, f"{len(found)} elements are {class_name} {wanted}"
    return found[0]


@needs_qt
@pytest.mark.parametrize(("theme", "locale"), [("light", "he"), ("dark", "ar"), ("dark", "en")])
def test_the_windows_style_draws_a_title_and_signs_that_can_be_read(studio: Studio, specimen_plan: Plan, theme: str, locale: str) -> None:
    """Its gradient is pale where right-to-left titles stand, its signs are black even on dark buttons."""
    screen, png = studio.make(replace(specimen_plan, kit="qt-windows", theme=theme, locale=locale))
    grey = np.asarray(Image.open(io.BytesIO(png)).convert("L"), dtype=int)
    bar = only(screen, "title_bar")
    parts = [element for element in screen.elements if element.parent == bar.id and element.class_name in ("text", "icon_button")]
    assert [element.class_name for element in parts].count("icon_button") == 3 and len(parts) == 4
    for element in parts:
        x1, y1, x2, y2 = (round(side) for side in element.box.xyxy)
        inner = grey[y1 + 3 : y2 - 3, x1 + 3 : x2 - 3] if element.class_name == "icon_button" else grey[y1:y2, x1:x2]
        assert inner.max() - inner.min() > 80, (element.class_name, element.name, element.text)


@needs_qt
@pytest.mark.parametrize("theme", ["light", "dark", "tinted"])
def test_the_ground_of_switches_and_badges_stands_out_from_the_window(theme: str) -> None:
    from PySide6.QtGui import QPalette

    from datagen.qt_looks import build_palette

    for seed in range(40):
        made = build_palette(theme, "Windows", Random(seed))
        ground, window = (made.color(role).lightness() for role in (QPalette.ColorRole.Mid, QPalette.ColorRole.Window))
        assert abs(ground - window) >= 24, (seed, ground, window)


@needs_qt
def test_the_audit_takes_a_group_boxs_title_out_and_leaves_its_frame(studio: Studio, specimen_plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    from datagen.qt_audit import audit_in_qt

    def groups(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
        return Content(title="Groups", parts=tuple(ui.card(ui.text(f"words {i}"), title=f"Group {i}") for i in range(8)), chrome="bare")

    monkeypatch.setitem(FAMILIES, "specimen", Family(groups, ("desktop",)))
    found, _ = audit_in_qt(studio, replace(specimen_plan, kit="qt-windows"))
    titles = [element for element in found if element.class_name == "heading"]
    assert len(titles) == 8
    assert all(element.iou == 1 and element.leak == 0 for element in titles), titles


@needs_qt
def test_every_widget_says_what_it_is(studio: Studio, specimen_plan: Plan) -> None:
    screen, _ = studio.make(specimen_plan)
    assert only(screen, "heading", text="Gadget HQ").role == "heading"
    assert only(screen, "checkbox", name="Mixed one").states == ("mixed",)
    assert only(screen, "radio", name="Chosen one").states == ("checked",)
    assert only(screen, "switch").states == ("checked",)
    press = only(screen, "button", text="Press")
    assert press.states == ("disabled",) and not press.interactable and press.icon == "save"
    assert only(screen, "icon_button", icon="trash").interactable
    field = only(screen, "text_field")
    assert (field.text, field.name, field.states) == ("Ada", "Name", ("invalid",))
    assert only(screen, "combo_box").text == "two"
    assert only(screen, "tab", text="Second").states == ("selected",)
    assert only(screen, "list_item", name="beta").states == ("selected",)
    assert only(screen, "list_item", name="root").states == ("expanded",)
    by_id = {element.id: element for element in screen.elements}

    def above(element: Element) -> list[str]:
        names = []
        while element.parent is not None:
            element = by_id[element.parent]
            names.append(element.class_name)
        return names

    assert above(only(screen, "text", text="34")) == ["cell", "row", "table"]
    assert above(only(screen, "table_header", text="Size")) == ["row", "table"]
    assert above(only(screen, "text", text="leaf")) == ["list_item", "tree"]
    assert above(only(screen, "tab", text="First")) == ["tab_bar"]


@needs_qt
@pytest.mark.parametrize("scale", [1.0, 1.5, 2.0])
def test_text_boxes_are_the_ink(studio: Studio, specimen_plan: Plan, scale: float) -> None:
    """Counted from the picture alone: around the label nothing but the window's colour."""
    plan = Plan(**{**specimen_plan.__dict__, "device_scale": scale})
    screen, png = studio.make(plan)
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)
    for class_name, text in (("heading", "Gadget HQ"), ("text", "plain words")):
        x1, y1, x2, y2 = (round(value) for value in only(screen, class_name, text=text).box.xyxy)
        reach = round(2 * scale)
        part = pixels[y1 - reach : y2 + reach, x1 - reach : x2 + reach]
        inked = (abs(part - part[0, 0]).max(axis=2) > 8).nonzero()
        found = (inked[1].min() - reach, inked[0].min() - reach, inked[1].max() + 1 - reach, inked[0].max() + 1 - reach)
        assert np.abs(np.array(found) - (0, 0, x2 - x1, y2 - y1)).max() <= 1, f"{text!r} at scale {scale}: {found}"


@needs_qt
def test_boxes_are_sane(studio: Studio) -> None:
    classes: set[str] = set()
    for plan in plans(30):
        screen, png = studio.make(plan)
        assert (
            Image.open(io.BytesIO(png)).size
            == (screen.width, screen.height)
            == (round(plan.width * plan.device_scale), round(plan.height * plan.device_scale))
        )
        assert len(screen.elements) >= 3, plan
        assert sorted(element.z for element in screen.elements) == list(range(len(screen.elements)))
        by_id = {element.id: element for element in screen.elements}
        for element in screen.elements:
            classes.add(element.class_name)
            assert element.visible_fraction >= screens.MIN_VISIBLE
            if element.class_name in ("row", "cell", "tab", "menu_item", "table_header"):
                if element.parent is None:
                    # A table of which next to nothing is in the window has no label; its first rows may have one.
                    assert element.class_name == "row" and element.box.y2 > 0.9 * plan.height, f"{element.class_name} of {plan.key} stands in nothing"
                    continue
                parent = by_id[element.parent]
                around = parent.box
                assert around.x1 - 1 <= element.box.x1 and element.box.x2 <= around.x2 + 1, (plan, element, parent)
            if element.class_name in ("text", "heading", "link"):
                assert element.text.strip(), f"a {element.class_name} of {plan.key} says nothing"
    assert len(classes) >= 35, sorted(classes)


@needs_qt
def test_what_a_dialog_dims_cannot_be_reached(studio: Studio, specimen_plan: Plan) -> None:
    screen, _ = studio.make(Plan(**{**specimen_plan.__dict__, "state": "dialog"}))
    dialog = only(screen, "dialog")
    inside, by_id = set(), {element.id: element for element in screen.elements}
    for element in screen.elements:
        at: Element | None = element
        while at is not None:
            if at.id == dialog.id:
                inside.add(element.id)
            at = by_id[at.parent] if at.parent is not None else None
    assert {element.id for element in screen.elements if element.interactable} <= inside
    assert any(by_id[id].interactable for id in inside)
    for element in screen.elements:
        if element.id not in inside:
            middle = (element.box.x1 + element.box.x2) / 2, (element.box.y1 + element.box.y2) / 2
            covered = (
                dialog.box.x1 <= element.box.x1
                and element.box.x2 <= dialog.box.x2
                and dialog.box.y1 <= element.box.y1
                and element.box.y2 <= dialog.box.y2
            )
            assert not covered, f"{element.class_name} at {middle} lies wholly under the dialog"


@needs_qt
def test_the_same_bytes_in_fresh_processes_in_any_order() -> None:
    script = """
import hashlib, json, sys
from contracts.knobs import load_knobs
from datagen.config import RenderKnobs
from datagen.screens import Studio, plan_screen
knobs = load_knobs(RenderKnobs).model_copy(update={"kits": ("qt-fusion", "qt-windows"), "seed": 4711})
found = {}
with Studio() as studio:
    for index in json.loads(sys.argv[1]):
        screen, png = studio.make(plan_screen(knobs, 0, index))
        found[index] = [hashlib.sha256(png).hexdigest(), hashlib.sha256(json.dumps(screen.to_json()).encode()).hexdigest()]
print(json.dumps(found))
"""

    def run(order: list[int]) -> dict[str, list[str]]:
        done = subprocess.run([sys.executable, "-c", script, json.dumps(order)], cwd=REPOSITORY, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        result: dict[str, list[str]] = json.loads(done.stdout)
        return result

    order = list(range(10))
    first = run(order)
    assert run(order[::-1]) == first
    assert len({png for png, _ in first.values()}) == len(order)


@needs_qt
def test_the_audit_finds_labels_and_pixels_in_agreement(studio: Studio) -> None:
    from datagen.audit import AUDITORS, INSIDE_BAR, IOU_BAR, summarize

    found = [element for plan in plans(12, seed=99) for element in AUDITORS["qt"](studio, plan)[0]]
    total = summarize(found)["all"]["all"]
    assert total["inside"] >= INSIDE_BAR
    assert total["painted"]["iou"] >= IOU_BAR and total["unpainted"]["iou"] >= IOU_BAR
    assert total["failed"] <= 0.01 * total["audited"]


@needs_qt
def test_the_audit_notices_a_label_that_is_off(studio: Studio, specimen_plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    from datagen import qt
    from datagen.qt_audit import audit_in_qt

    honest, _ = audit_in_qt(studio, specimen_plan)
    assert not [element for element in honest if element.problem and element.class_name == "text_field"]
    annotate = qt.annotate

    def crooked(scene: object, min_visible: float) -> list[dict[str, object]]:
        entries = annotate(scene, min_visible)  # type: ignore[arg-type]
        for entry in entries:
            if entry["class_name"] == "text_field":
                entry["box"] = [value + 9 for value in entry["box"]]
        return entries

    monkeypatch.setattr(qt, "annotate", crooked)
    found, _ = audit_in_qt(studio, specimen_plan)
    assert [element.class_name for element in found if element.problem and element.class_name == "text_field"] == ["text_field"]


@needs_qt
@pytest.mark.slow
def test_memory_stays_flat(studio: Studio) -> None:
    made = plans(280, device_scales=(1.0,))
    process = psutil.Process()
    for plan in made[:80]:  # fonts, icons and photographs are loaded once
        studio.make(plan)
    before = process.memory_info().rss
    for plan in made[80:]:
        studio.make(plan)
    grown = (process.memory_info().rss - before) / 2**20
    assert grown < 60, f"{grown:.0f} MiB more after 200 screens"


def test_without_qt_its_kits_are_left_out_and_say_why(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(qt_widgets, "_loads", lambda library: library != "libEGL.so.1")
    qt_widgets.missing_packages.cache_clear()
    try:
        reason = qt_widgets.reason()
    finally:
        qt_widgets.missing_packages.cache_clear()
    assert reason is not None and ("libegl1" in reason or "PySide6 is not installed" in reason)
    monkeypatch.setattr(qt_widgets, "ABSENT", dict.fromkeys(KITS, reason))
    monkeypatch.setattr(qt_widgets, "KITS", [])
    monkeypatch.setattr(registry, "kits", registry.kits.__wrapped__)
    monkeypatch.setattr(screens, "kits", registry.kits)
    monkeypatch.setattr(screens, "_turns", screens._turns.__wrapped__)
    with pytest.raises(InputError) as raised:
        registry.kit("qt-fusion")
    assert "qt-fusion" in str(raised.value) and "make setup" in str(raised.value)
    knobs = load_knobs(RenderKnobs)
    screens.check_choices(knobs.model_copy(update={"kits": "all"}))
    assert "left out: qt-windows needs Qt" in capsys.readouterr().err
    with pytest.raises(InputError, match="needs Qt"):
        screens.check_choices(knobs.model_copy(update={"kits": ("qt-windows",)}))


def test_registering_the_kits_loads_no_qt() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from datagen.kits import kits; kits(); print('PySide6' in sys.modules)"],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "False"
