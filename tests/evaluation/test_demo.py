"""The page for one's own screenshots, in a real browser: what it shows, refuses, and whom it answers."""

import http.client
import json
import re
import shutil
import threading
from argparse import Namespace

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright
from pytest import approx

from contracts.errors import InputError
from evaluation import asking
from evaluation.asking import read_protocol
from evaluation.demo import Finder, serve
from evaluation.predict import elements, find_elements
from tests.evaluation.test_eval_detection import TINY
from tests.evaluation.test_predict import png_header, screenshot
from training.models.detector import Detector, build_detector


@pytest.fixture(scope="module")
def finder(tmp_path_factory):
    """With a detector that has learned nothing: it finds something everywhere, always the same."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("model")
    build_detector(TINY).save_pretrained(folder)
    return Finder(Namespace(model=folder, device="cpu", grounder=None, most=20, tiles=None, resampling="box", max_pixels=1_000_000))


@pytest.fixture(scope="module")
def address(finder):
    """Of a running server, 127.0.0.1:port."""
    with serve(finder, 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.browser
def test_a_screenshot_in_the_browser(address, finder, tmp_path):
    """Dropped, drawn, filtered by score and class, downloaded; then a file that is none and one that is too large, told by name; nothing for axe-core to mend."""
    screenshot().save(tmp_path / "a b.png")
    (tmp_path / "notes.png").write_text("no picture")
    (tmp_path / "bomb.png").write_bytes(png_header(60_000, 60_000))
    model = Detector.from_pretrained(finder.about["model"]).eval()
    expected = elements(
        model.config.class_names, find_elements(model, screenshot(), Namespace(tiles=None, threshold=0.05, most=20, resampling="box"))
    )
    said = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.set_default_timeout(60_000)
        page.goto(f"http://{address}/")
        page.get_by_label("choose a file").set_input_files(tmp_path / "a b.png")
        slider = page.get_by_role("slider", name="Score threshold")
        slider.press("Home")
        boxes = page.locator("#picture rect:not(.halo)")
        expect(boxes).to_have_count(len(expected))
        assert "a b.png, 200 × 120 pixels" in page.get_by_role("status").first.inner_text() and not page.locator("#search").is_visible()
        first = boxes.last  # the best one lies on top
        assert [float(first.get_attribute(side)) for side in ("x", "y")] == approx(expected[0]["box"][:2])
        with page.expect_download() as download:
            page.get_by_role("button", name="Download JSON").click()
        assert json.loads(download.value.path().read_text()) == {"a b.png": {"width": 200, "height": 120, "notes": [], "elements": expected}}
        assert download.value.suggested_filename == "a b.elements.json"
        page.get_by_role("button", name="None").click()
        expect(boxes).to_have_count(0)
        name = expected[0]["class"]
        page.get_by_role("checkbox", name=re.compile(rf"^{name}\b")).check()
        expect(boxes).to_have_count(sum(one["class"] == name for one in expected))
        slider.press("End")
        expect(boxes).to_have_count(0)
        assert [violation["id"] for violation in Axe().run(page).response["violations"]] == []
        for file, problem in (("notes.png", "is no picture that can be read"), ("bomb.png", "has too many pixels")):
            page.get_by_label("choose a file").set_input_files(tmp_path / file)
            expect(page.get_by_role("alert")).to_contain_text(f"{file}: {problem}")
            assert not page.locator("#result").is_visible()
        browser.close()
    assert [text for text in said if "422" not in text] == []  # the browser tells of each refused picture


def test_a_command_is_asked_in_the_protocols_words_and_its_place_is_in_pixels(finder, monkeypatch):
    asked = []

    def answer(model, processor, questions, protocol, micro_batch):
        asked.extend((question.prompt, question.image().size) for question in questions)
        return [said]

    monkeypatch.setattr(asking, "ask", answer)
    monkeypatch.setattr(finder, "_grounder", (None, None, read_protocol("grounding-v1"), ("blocks", "box")))
    data = png_of(screenshot())
    said = "<|box_start|>(100,500),(300,750)<|box_end|>"
    found = finder.place(data, "a.png", " the blue Save button ")
    assert (found["point"], found["box"], found["problem"]) == ([40.0, 75.0], [20.0, 60.0, 60.0, 90.0], None)
    assert "the blue Save button\n" in asked[0][0] and asked[0][1] == (200, 120)
    said = "I see no such button."
    found = finder.place(data, "a.png", "x")
    assert found["point"] is found["box"] is None and found["problem"] and found["answer"] == said
    with pytest.raises(InputError, match="is no command"):
        finder.place(data, "a.png", "  ")


def test_without_a_grounder_it_says_what_to_do(finder):
    with pytest.raises(InputError, match="dvc repro tune_grounder"):
        finder.place(png_of(screenshot()), "a.png", "the button")


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/", {}, 200),
        ("GET", "/../demo.py", {}, 404),
        ("GET", "/about", {"Host": "example.org"}, 403),
        ("POST", "/elements", {"Origin": "http://example.org"}, 403),
        ("POST", "/elements", {"Content-Length": str(10**12)}, 413),
        ("POST", "/anything", {}, 404),
    ],
)
def test_whom_it_answers(address, method, path, headers, status):
    connection = http.client.HTTPConnection(address, timeout=30)
    connection.request(method, path, headers=headers)
    response = connection.getresponse()
    assert response.status == status and "default-src 'none'" in response.headers["Content-Security-Policy"]
    connection.close()


def test_a_port_that_is_taken_is_named(finder, address):
    with pytest.raises(InputError, match="--port: cannot be used"):
        serve(finder, int(address.split(":")[1]))


def png_of(image):
    import io

    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()
