"""The client of the DevTools protocol, on a real Chromium."""

from collections.abc import Iterator

import pytest

from datagen.chromium import launch
from datagen.devtools import BrowserError, DevTools

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[DevTools]:
    running = launch()
    yield running
    running.close()


def test_values_and_errors_of_scripts_come_back(browser: DevTools) -> None:
    tab = browser.tab()
    assert tab.evaluate("1 + 1") == 2
    assert tab.evaluate("// a comment\nwindow.kept = [1, null, 'ü']") == [1, None, "ü"]
    assert tab.evaluate("() => new Promise(done => setTimeout(() => done(window.kept.length)))") == 3
    assert tab.evaluate("([a, b]) => a.repeat(b)", ["\u2028'\"\\", 3]) == "\u2028'\"\\" * 3
    long = "x" * 3_000_000  # more than a pipe holds, both ways
    assert tab.evaluate("text => text + text.length", long) == f"{long}{len(long)}"
    with pytest.raises(BrowserError, match=r"TypeError: .*setting 'of'"):
        tab.evaluate("() => { const nothing = null; nothing.of = 1; }")
    with pytest.raises(BrowserError, match="kept back"):
        tab.evaluate("async () => { throw new Error('kept back'); }")
    with pytest.raises(BrowserError, match=r"No\.such"):
        tab.send("No.such")
    tab.close()


def test_a_page_gets_what_it_is_answered_and_nothing_else(browser: DevTools) -> None:
    asked: list[str] = []

    def answer(address: str) -> tuple[str, bytes] | None:
        asked.append(address)
        return ("text/html", b"<title>there</title><img src=picture.png>") if address.endswith("/page") else None

    tab = browser.tab(answer)
    tab.goto("https://kits.invalid/page")
    assert tab.evaluate("document.title") == "there"
    assert tab.evaluate("document.images[0].naturalWidth") == 0
    assert {"https://kits.invalid/page", "https://kits.invalid/picture.png"} <= set(asked)
    with pytest.raises(BrowserError, match=r"https://kits\.invalid/other does not load"):
        tab.goto("https://kits.invalid/other")
    tab.close()


def test_a_page_that_asks_a_person_is_answered_and_one_that_crashes_is_told_from_its_browser(browser: DevTools) -> None:
    tab, other = browser.tab(), browser.tab()
    assert tab.evaluate("() => confirm('Go on?')") is False
    with pytest.raises(BrowserError, match="the page has crashed"):
        tab.send("Page.crash")
    assert other.evaluate("2") == 2
