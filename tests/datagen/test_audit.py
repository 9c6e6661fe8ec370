"""The audit passes true labels and catches false ones."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contracts.annotation import Box, Element, Screen
from contracts.errors import InputError
from datagen.audit import INSIDE_BAR, IOU_BAR, AuditedElement, audit_screen, compare_boxes, hold_to_bar, kit_table, summarize, table
from datagen.browser import Browser
from datagen.pages import Page
from datagen.screens import to_element

BODY = """
<div style="position:absolute;inset:0">
<h2 data-c="heading" style="position:absolute;left:20px;top:10px;font-size:24px">Invoices</h2>
<button data-c="button" style="position:absolute;left:20px;top:60px;width:120px;height:36px;background:#06c;color:#fff;border:0">Pay now</button>
<ul data-c="list" style="position:absolute;left:20px;top:110px;width:200px;margin:0;padding:0;list-style:none">
<li data-c="list_item" style="padding:8px"><span data-c="text">First of two</span></li>
<li data-c="list_item" style="padding:8px"><span data-c="text">Second of two</span></li></ul>
<div data-c="card" style="position:absolute;left:250px;top:110px;width:120px;height:80px;background:#fff;box-shadow:0 2px 9px #0008"><p data-c="text" style="padding:9px">White on white</p></div>
<div data-c="image" style="position:absolute;left:250px;top:10px;width:120px;height:60px;background:#a33"></div>
<div style="position:absolute;left:330px;top:0;width:70px;height:50px;background:#222"></div>
</div>
"""


def screen(browser: Browser, scale: float = 1.0, body: str = BODY) -> Screen:
    """The page's labels, as they should be."""
    browser.show(Page(kit="bootstrap", theme="light", body=body), 400, 300, scale)
    size = {"width": round(400 * scale), "height": round(300 * scale)}
    elements = tuple(to_element(entry, scale, **size) for entry in browser.annotate(0.3))
    return Screen(
        key="k", **size, device_scale=scale, platform="web", kit="bootstrap", family="form", locale="en", theme="light", seed=0, generator="g", elements=elements
    )  # fmt: skip


def with_element(of: Screen, class_name: str, change: Callable[[Element], Element]) -> tuple[Screen, int]:
    """The screen with its first element of a class changed, and that element's id."""
    first = next(element for element in of.elements if element.class_name == class_name)
    changed = tuple(change(element) if element.id == first.id else element for element in of.elements)
    return of.model_copy(update={"elements": changed}), first.id


def moved(by: float) -> Callable[[Element], Element]:
    def move(element: Element) -> Element:
        x1, y1, x2, y2 = element.box.xyxy
        return element.model_copy(update={"box": Box(x1=x1 + by, y1=y1 + by, x2=x2 + by, y2=y2 + by)})

    return move


@pytest.mark.browser
@pytest.mark.parametrize("scale", [1.0, 1.5, 2.0])
def test_true_labels_pass(browser: Browser, scale: float) -> None:
    audited = audit_screen(browser, screen(browser, scale))
    assert [element.problem for element in audited] == [None] * len(audited)
    kinds = {element.class_name: element.kind for element in audited}
    assert kinds == {
        "heading": "painted", "button": "painted", "list": "unpainted", "list_item": "unpainted", "text": "painted", "card": "same colour", "image": "covered",
    }  # fmt: skip
    assert all(element.iou is None or element.iou > 0.97 for element in audited)


@pytest.mark.browser
@pytest.mark.parametrize("class_name", ["heading", "button", "list", "list_item", "text", "card"])
def test_a_box_shifted_by_six_pixels_is_caught(browser: Browser, class_name: str) -> None:
    shifted, id = with_element(screen(browser), class_name, moved(6))
    audited = audit_screen(browser, shifted)
    assert audited[id].problem is not None
    assert {element.id for element in audited if element.problem} == {id}


@pytest.mark.browser
def test_a_covered_box_that_lies_elsewhere_is_caught(browser: Browser) -> None:
    shifted, id = with_element(screen(browser), "image", moved(100))
    assert audit_screen(browser, shifted)[id].problem == "nothing changed inside its label"


@pytest.mark.browser
@pytest.mark.parametrize("hidden", ["button", "text", "list", "image"])
def test_a_hidden_element_with_a_label_is_caught(browser: Browser, hidden: str) -> None:
    labelled = screen(browser)
    id = next(element.id for element in labelled.elements if element.class_name == hidden)
    browser.evaluate(
        "id => { const {element} = screenry.labelled(id); for (const part of [element, ...element.querySelectorAll('*')]) part.style.visibility = 'hidden'; }",
        id,
    )
    assert audit_screen(browser, labelled)[id].problem == "nothing changed inside its label"


@pytest.mark.browser
def test_a_box_that_leaves_out_part_of_the_painting_is_caught(browser: Browser) -> None:
    def halved(element: Element) -> Element:
        return element.model_copy(update={"box": element.box.model_copy(update={"x2": (element.box.x1 + element.box.x2) / 2})})

    cut, id = with_element(screen(browser), "button", halved)
    assert "reaches" in (audit_screen(browser, cut)[id].problem or "")


@pytest.mark.browser
def test_an_empty_cell_is_told_by_its_lines_and_an_invisible_one_is_caught(browser: Browser) -> None:
    def cells(border: str) -> list[str | None]:
        body = f'<table style="border-collapse:collapse;margin:20px"><tr>{f"""<td data-c=cell style="width:60px;height:30px;{border}"></td>""" * 2}</tr></table>'
        return [element.problem for element in audit_screen(browser, screen(browser, body=body))]

    assert cells("border:1px solid #000") == [None, None]
    assert cells("border:0") == ["nothing changed inside its label"] * 2


@pytest.mark.browser
def test_the_page_is_left_as_it_was(browser: Browser) -> None:
    labelled = screen(browser)
    before = browser.evaluate("() => document.body.innerHTML"), browser.png()
    audit_screen(browser, labelled)
    assert (browser.evaluate("() => document.body.innerHTML"), browser.png()) == before


def test_boxes_compared_by_hand() -> None:
    assert compare_boxes((0, 0, 10, 10), (0, 0, 10, 10)) == (1.0, 0.0, 0.0)
    assert compare_boxes((0.4, 0, 10, 10), (0, 1, 10, 9)) == (1.0, 0.0, 0.0), "a pixel on each side is antialiasing"
    assert compare_boxes((0, 0, 10, 10), (0, 0, 5, 10)) == (0.5, 5.0, 0.0)
    assert compare_boxes((0, 0, 10, 10), (0, 0, 20, 10)) == (0.5, 10.0, 10.0)
    assert compare_boxes((0, 0, 10, 10), (20, 0, 30, 10))[0] == 0.0


def audited(**changes: Any) -> AuditedElement:
    values: dict[str, Any] = {
        "key": "k", "kit": "a", "family": "f", "theme": "t", "id": 0, "class_name": "button", "label": (0, 0, 9, 9), "kind": "painted", "inside": True,
        "changed": (0, 0, 9, 9), "iou": 1.0, "off": 0.0, "leak": 0.0,
    }  # fmt: skip
    return AuditedElement(**{**values, **changes})


def test_nothing_is_left_out_of_the_summary() -> None:
    found = [
        audited(), audited(iou=0.5, off=9.0), audited(kind="unpainted", class_name="list", iou=0.9), audited(kind="covered", iou=None, kit="b"),
        audited(kind="same colour", inside=False),
    ]  # fmt: skip
    summary = summarize(found)
    total = summary["all"]["all"]
    assert (total["audited"], total["inside"], total["failed"]) == (5, 0.8, 2)
    assert {kind: total[kind]["count"] for kind in ("painted", "same colour", "unpainted", "covered")} == {
        "painted": 2,
        "same colour": 1,
        "unpainted": 1,
        "covered": 1,
    }
    assert total["painted"]["iou"] == 0.75
    assert set(summary["class"]) == {"button", "list"}
    assert set(summary["kit"]) == {"a", "b"}
    assert "80.00%" in table(summary)


def test_no_kit_hides_behind_the_others() -> None:
    many = [audited(kit="good", key=f"{i}") for i in range(999)]
    poor = [audited(kit="poor", key="1"), audited(kit="poor", key="2", iou=0.6, off=9.0)]
    summary = summarize(many + poor)
    hold_to_bar(summary["all"], INSIDE_BAR, IOU_BAR)
    with pytest.raises(InputError, match=r"poor 100.00%, 0\.8000") as error:
        hold_to_bar(summary["kit"], INSIDE_BAR, IOU_BAR)
    assert "good" not in str(error.value)
    rows = {line.split()[0]: line.split()[1:] for line in kit_table(summary).splitlines()}
    assert rows["good"] == ["999", "999", "100.00%", "1.0000", "0"]
    assert rows["poor"] == ["2", "2", "100.00%", "0.8000", "1"]
    assert rows["all"][1] == "1001"


def test_a_kit_without_anything_painted_is_under_the_bar() -> None:
    with pytest.raises(InputError, match="bare"):
        hold_to_bar(summarize([audited(kit="bare", kind="covered", iou=None)])["kit"], INSIDE_BAR, IOU_BAR)


@pytest.mark.browser
def test_every_kit_is_audited_and_the_file_says_what_failed(run: Callable[..., Any], workplace: Path) -> None:
    (workplace / "two_kits.py").write_text(
        "import datagen.kits\ndatagen.kits._MODULES = ('nes', 'papercss')\nfrom datagen.audit import main\nmain()\n", encoding="utf-8"
    )
    done = run("two_kits --every-kit --screens 2 --seed 5 --inside 0 --iou 0 --out figures/audit-kits.json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].split() == ["kit", "screens", "audited", "inside", "IoU", "painted", "failed"]
    report = json.loads((workplace / "figures/audit-kits.json").read_text())
    assert {name: figures["screens"] for name, figures in report["summary"]["kit"].items()} == {"nes": 2, "papercss": 2}
    assert report["seed"] == 5
    assert report["generator"].startswith("datagen/")
    assert len(report["failed"]) == report["summary"]["all"]["all"]["failed"]


@pytest.mark.browser
def test_the_command_reports_and_fails_under_the_bar(run: Callable[..., Any], workplace: Path) -> None:
    passed = run("datagen.audit --screens 2 --kit bootstrap --seed 5 --out audit --inside 0.9 --iou 0.5")
    assert passed.returncode == 0, passed.stderr
    assert "per class" in passed.stdout
    report = json.loads((workplace / "audit/audit.json").read_text())
    assert len(report["elements"]) == report["summary"]["all"]["all"]["audited"] > 10
    failed = run("datagen.audit --screens 1 --kit bootstrap --seed 5 --iou 1.1")
    assert failed.returncode == 1
    assert "under the bar" in failed.stderr


def test_bad_options_are_named(run: Callable[..., Any]) -> None:
    none = run("datagen.audit --screens 0")
    assert none.returncode == 1
    assert "--screens: must be at least 1. Found: 0." in none.stderr
