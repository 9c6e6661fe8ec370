"""The report in a real browser, from a file, as a person opens it."""

import json
import re
import shutil

import pyarrow.parquet as pq
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

pytestmark = pytest.mark.browser
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def browser():
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.fail("The browser tests need Chromium on PATH: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_report(browser, report):
    """Opens report.html in a fresh context; at the end no console message and no request to anywhere may have happened."""
    contexts, said, asked = [], [], []

    def open_in(viewport, scheme="light"):
        context = browser.new_context(viewport=viewport, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto((report / "report.html").as_uri())
        return page

    yield open_in
    for context in contexts:
        context.close()
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert len([url for url in asked if url.startswith("file:")]) == len(contexts)


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desktop"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_every_picture_is_drawn(open_report, viewport, scheme):
    page = open_report(viewport, scheme)
    page.evaluate("for (const image of document.images) image.loading = 'eager'")
    page.wait_for_function("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    wide = page.evaluate("[...document.querySelectorAll('.card')].filter(card => card.scrollWidth > card.clientWidth + 1).length")
    assert wide == 0
    red, green, blue = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)")
    assert (max(red, green, blue) < 60) if scheme == "dark" else (min(red, green, blue) > 240)
    chart = page.evaluate("document.querySelector('picture:has(source) img').currentSrc === document.querySelector('picture source').srcset")
    assert chart == (scheme == "dark")


def column(page, number):
    return page.locator(f"#classes tbody tr > :nth-child({number})").all_inner_texts()


def test_the_class_table_sorts_by_mouse_and_keyboard(open_report):
    page = open_report(DESK)
    before = column(page, 1)
    table = page.locator("#classes")
    table.get_by_role("button", name="AP", exact=True).click()
    scores = [float(text) for text in column(page, 2)]
    assert scores == sorted(scores, reverse=True) and len(set(scores)) > 2
    assert page.locator("#classes th[aria-sort=descending]").inner_text().strip() == "AP"
    table.get_by_role("button", name="Class", exact=True).focus()
    page.keyboard.press("Enter")
    assert column(page, 1) == sorted(before) != before
    page.keyboard.press("Enter")
    assert column(page, 1) == sorted(before, reverse=True)
    assert page.locator("#classes th[aria-sort=none]").count() == 3


def test_a_picture_enlarges_and_escape_closes_it(open_report):
    page = open_report(PHONE)
    button = page.get_by_role("button", name="Enlarge: Screens of the dataset")
    button.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    assert dialog.is_visible()
    assert page.evaluate("document.querySelector('#picture-dialog img').width") > 390
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Enlarge: Screens of the dataset"


def status(page):
    """(right, wrong, missed) that the gallery tells of all its screens."""
    words = page.locator("#gallery-status").inner_text()
    return tuple(int(number) for number in re.search(r"(\d+) detections right, (\d+) wrong, (\d+) elements missed", words).groups())


def lines(page, layer):
    """Boxes of one kind that are drawn in the gallery."""
    return page.evaluate(
        f"[...document.querySelectorAll('#gallery .{layer} .line')].reduce((sum, path) => sum + path.getAttribute('d').split('M').length - 1, 0)"
    )


def test_the_slider_moves_by_keyboard_and_boxes_follow(open_report, report):
    page = open_report(DESK)
    details = pq.read_table(report.parent / "eval_detection/details.parquet").to_pylist()
    truth = len(json.loads((report.parents[1] / "data/coco/test.json").read_text())["annotations"])
    slider = page.get_by_role("slider", name="Score threshold")
    slider.focus()
    page.keyboard.press("Home")
    for least in (0.05, 0.06):
        shown = [row for row in details if round(row["score"], 3) >= least]
        right = sum(row["truth"] is not None for row in shown)
        assert page.locator("#gallery-controls output").inner_text() == f"{least:.2f}"
        assert status(page) == (right, len(shown) - right, truth - right) == (lines(page, "right"), lines(page, "wrong"), lines(page, "missed"))
        page.keyboard.press("ArrowRight")
    page.keyboard.press("End")
    assert status(page) == (0, 0, truth)


def test_boxes_and_classes_can_be_left_out(open_report):
    page = open_report(DESK)
    right, wrong, _ = status(page)
    assert lines(page, "wrong") == wrong > 0 and lines(page, "hit") == 0
    page.get_by_role("checkbox", name="wrong detections").press("Space")
    page.get_by_role("checkbox", name="found elements").check()
    assert lines(page, "wrong") == 0 and lines(page, "hit") == lines(page, "right") == right
    page.get_by_text("Classes (", exact=False).click()
    page.get_by_role("button", name="None").click()
    assert status(page) == (0, 0, 0)
    box = page.get_by_role("checkbox", name=re.compile(r"^navigation_bar \(4\)"))
    box.check()
    assert status(page)[0] + status(page)[2] == 4 and page.locator("#class-count").inner_text().startswith("1 of")


def test_screens_are_sorted_and_filtered(open_report):
    page = open_report(PHONE)

    def cards():
        return page.locator("#gallery li").evaluate_all(
            "cards => cards.map(card => [card.dataset.key, Number(card.querySelector('.counts').textContent.match(/F1 ([\\d.]+)/)[1])])"
        )

    worst = cards()
    assert [f1 for _, f1 in worst] == sorted(f1 for _, f1 in worst) and len(worst) == 4
    page.get_by_label("Order").select_option("best first")
    assert cards() == worst[::-1]
    page.get_by_label("Family").select_option("form")
    assert 0 < len(cards()) < 4 and page.locator("#gallery-status").inner_text().startswith(f"{len(cards())} of 4 screens")
    page.get_by_label("Family").select_option("all")
    assert cards() == worst[::-1]


def test_an_enlarged_screen_is_told_in_words_and_closes_to_where_it_was(open_report):
    page = open_report(DESK)
    first = page.locator("#gallery li button").first
    first.press("Enter")
    dialog = page.get_by_role("dialog")
    words = re.search(r"(\d+) right, (\d+) wrong, (\d+) missed", dialog.locator("#screen-counts").inner_text())
    verdicts = [text.split(":")[0] for text in dialog.locator("tbody td:first-child").all_inner_texts()]
    assert [verdicts.count(kind) for kind in ("right", "wrong", "missed")] == [int(n) for n in words.groups()]
    assert dialog.locator("svg text").count() == len(verdicts)
    title = dialog.locator("h3").inner_text()
    dialog.get_by_role("button", name="Next").click()
    assert dialog.locator("h3").inner_text() != title
    dialog.get_by_role("button", name="Previous").click()
    assert dialog.locator("h3").inner_text() == title
    page.keyboard.press("Escape")
    assert not dialog.is_visible() and first.evaluate("button => button === document.activeElement")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_mend(open_report, scheme):
    """Every rule of axe-core, WCAG 2.2 AA and good practice; with the gallery's classes open, then with a screen enlarged."""
    page = open_report(DESK if scheme == "light" else PHONE, scheme)
    page.get_by_text("Classes (", exact=False).click()
    assert found_by_axe(page) == []
    page.locator("#gallery li button").first.click()
    assert found_by_axe(page, "#screen-dialog") == []


def found_by_axe(page, part=None):
    response = Axe().run(page, context=part).response
    assert len(response["passes"]) > 10  # it has looked
    return [(result["id"], [node["html"][:200] for node in result["nodes"]][:3]) for result in response["violations"]]
