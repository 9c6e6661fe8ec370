"""Shards: the same bytes in any process and order, never half a file, never a silent mixture; and what is said when something is missing."""

import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import ClassVar

import pytest

from contracts.dataset import read_shard
from contracts.files import sha256
from contracts.knobs import load_knobs, preset_names
from datagen.config import DatasetKnobs, RenderKnobs
from datagen.kits import files, kit
from datagen.pages import Page, make_page
from datagen.screens import Studio, check_choices, plan_screen, turns

REPOSITORY = Path(__file__).parents[2]
Run = Callable[..., "subprocess.CompletedProcess[str]"]
Knob = Callable[[str, str, object], None]


@pytest.fixture(scope="module")
def studio() -> Iterator[Studio]:
    """Open for this file only: while Playwright's event loop lives in this process, nothing else (Dagster) can run one."""
    with Studio() as open_studio:
        yield open_studio


@pytest.mark.browser
def test_the_same_seed_gives_the_same_bytes_in_fresh_processes(workplace: Path, run: Run) -> None:
    first = run("datagen.render --shards 2 --shard-size 8 --workers 2")
    assert first.returncode == 0, first.stderr
    assert "16/16" in first.stderr and ("screen/s" in first.stderr or "s/screen" in first.stderr)
    shards = sorted((workplace / "data/shards").iterdir())
    assert [shard.name for shard in shards] == ["000000.tar", "000001.tar"]
    hashes = [sha256(shard) for shard in shards]
    assert hashes[0] != hashes[1]
    # The second process makes shard 1 alone, with another number of workers: a screen depends on nothing that was rendered before it.
    shards[1].unlink()
    assert run("datagen.render --shard 1 --shard-size 8 --workers 3").returncode == 0
    assert sha256(shards[1]) == hashes[1]
    kept = run("datagen.render --shards 2 --shard-size 8")
    assert "0 shards of 8 screens rendered, 2 kept" in kept.stdout
    assert [sha256(shard) for shard in shards] == hashes
    elsewhere = run("datagen.render --shards 2 --shard-size 8 --workers 1 --target elsewhere")
    assert elsewhere.returncode == 0 and "in elsewhere." in elsewhere.stdout
    assert [sha256(workplace / "elsewhere" / shard.name) for shard in shards] == hashes
    screens = [screen for shard in shards for screen, _ in read_shard(shard)]
    assert [screen.key for screen in screens][7:9] == ["000000-00007", "000001-00000"]
    assert all(screen.generator.startswith("datagen/") and "/" in screen.generator.split()[1] and " kits/" in screen.generator for screen in screens)


@pytest.mark.browser
def test_a_screen_can_be_made_again_from_what_it_says(studio: Studio) -> None:
    knobs = load_knobs(RenderKnobs, REPOSITORY / "params.yaml")
    plan = plan_screen(knobs, 3, 7)
    screen, png = studio.make(plan)
    assert plan.made(screen)
    studio.make(plan_screen(knobs, 3, 8))
    assert studio.make(plan) == (screen, png)


@pytest.mark.browser
def test_what_other_settings_made_is_refused_or_kept_on_purpose(workplace: Path, run: Run, knob: Knob) -> None:
    assert run("datagen.render --shards 1 --shard-size 2 --workers 1").returncode == 0
    shard = workplace / "data/shards/000000.tar"
    before = sha256(shard)
    other_size = run("datagen.render --shards 1 --shard-size 3")
    assert (other_size.returncode, other_size.stdout) == (1, "")
    assert "data/shards/000000.tar" in other_size.stderr and "other settings" in other_size.stderr and "--keep" in other_size.stderr
    assert "Traceback" not in other_size.stderr
    knob("render", "seed", 7)
    assert run("datagen.render --shards 1 --shard-size 2 --workers 1").returncode == 1
    assert run("datagen.render --shards 1 --shard-size 2 --workers 1 --keep").returncode == 0
    assert sha256(shard) == before


@pytest.mark.browser
def test_a_killed_render_leaves_no_shard_and_the_next_one_cleans_up(workplace: Path, run: Run) -> None:
    command = [sys.executable, "-m", "datagen.render", "--shards", "1", "--shard-size", "400"]
    process = subprocess.Popen(
        command, cwd=workplace, env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, start_new_session=True, stderr=subprocess.DEVNULL
    )
    shards = workplace / "data/shards"
    try:
        deadline = time.monotonic() + 60
        while not list(shards.glob("*.partial")) + list(shards.glob(".*.partial")):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.05)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert not list(shards.glob("*.tar"))
    assert run("datagen.render --shards 1 --shard-size 2 --workers 1").returncode == 0
    assert [path.name for path in shards.iterdir()] == ["000000.tar"]


class Listener(http.server.BaseHTTPRequestHandler):
    """Writes down what it is asked for."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def listener() -> Iterator[str]:
    server = http.server.HTTPServer(("127.0.0.1", 0), Listener)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    Listener.asked.clear()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def page_of(body: str) -> Page:
    """A page whose body says what no family would."""
    knobs = load_knobs(RenderKnobs, REPOSITORY / "params.yaml")
    name, family = next((name, family) for name, family in turns(knobs) if kit(name).engine == "chromium" and kit(name).document == "plain")
    plan = plan_screen(knobs, 0, turns(knobs).index((name, family)))
    return replace(make_page(plan.seed, family, name, plan.theme, "en", "plain", 200, 200), body=body)


@pytest.mark.browser
def test_no_picture_is_taken_while_a_font_is_on_its_way(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measuring a Hebrew text asks for the Latin part of its font, too; text whose fonts are not all there is not painted."""
    page = replace(page_of('<p data-c="text" style="font-weight:600">שלום</p>'), fonts="'Noto Sans Hebrew'", locale="he")
    browser = studio.browser
    monkeypatch.setattr("datagen.browser.MAX_DOCUMENTS", 1)
    browser.show(replace(page_of(""), kit="f7-md", theme="light"), 200, 100, 1.0)  # the document in which other tests loaded fonts gives way
    pictures = []
    for _ in range(2):
        (label,) = browser.show_and_annotate(page, 200, 100, 1.0, 0.3)
        assert label["text"] == "שלום"
        assert browser.evaluate("document.fonts.status") == "loaded"
        pictures.append(browser.png())
    weights = browser.evaluate("[...document.fonts].filter(face => face.status === 'loaded' && face.weight === '600').length")
    assert weights >= 2 and pictures[0] == pictures[1]


@pytest.mark.browser
def test_fonts_that_are_there_stay_when_style_sheets_are_switched(studio: Studio) -> None:
    """A page whose fonts were forgotten is laid out twice."""
    browser = studio.browser
    page = replace(page_of("<p>Text</p>"), kit="bootstrap", theme="light", fonts="'Lato'")
    loaded = "[...document.fonts].filter(face => face.status === 'loaded').map(face => `${face.family} ${face.weight} ${face.unicodeRange}`)"
    browser.show(page, 200, 100, 1.0)
    before = set(browser.evaluate(loaded))
    assert any("Lato" in face for face in before)
    for name in ("nes", "bulma"):  # the first brings a font of its own
        browser.show(replace(page, kit=name, theme=next(iter(kit(name).themes)), fonts="'Inter'"), 200, 100, 1.0)
        assert before <= set(browser.evaluate(loaded))


@pytest.mark.browser
@pytest.mark.parametrize("library", ["echarts", "chartjs"])
def test_a_chart_does_not_depend_on_the_window_of_the_charts_before(studio: Studio, monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    """A canvas of a document would draw words as at the pixel ratio at which their font was first asked for."""
    spec = {
        "library": library,
        "kind": "bar",
        "legend": True,
        "axes": True,
        "labels": ["Jan", "Feb", "Mar"],
        "names": ["Sales"],
        "values": [[3, 70, 90]],
        "hue": 200,
    }
    page = replace(page_of(f'<div class="s-chart" data-chart="{escape(json.dumps(spec))}" style="width:300px;height:200px"></div>'), fonts="'Inter'")
    browser = studio.browser
    monkeypatch.setattr("datagen.browser.MAX_DOCUMENTS", 1)
    pictures = []
    for before in (None, 1.5):
        browser.show(replace(page_of(""), kit="f7-md", theme="light"), 200, 100, 1.0)  # the document in which other tests drew gives way
        if before:
            browser.show(page, 320, 220, before)
        browser.show(page, 320, 220, 1.0)
        pictures.append(browser.png())
    assert pictures[0] == pictures[1]


@pytest.mark.browser
def test_pages_reach_no_network(studio: Studio, listener: str) -> None:
    body = f'<img src="{listener}/image"><link rel=stylesheet href="{listener}/style"><iframe src="{listener}/frame"></iframe>'
    browser = studio.browser
    browser.show(page_of(body), 200, 200, 1.0)
    outcome = browser.evaluate("address => fetch(address + '/fetch', {mode: 'no-cors'}).then(() => 'reached', () => 'blocked')", listener)
    socket = (
        "address => new Promise(done => { const s = new WebSocket(address); s.onopen = () => done('reached'); s.onerror = () => done('blocked') })"
    )
    assert outcome == "blocked"
    assert browser.evaluate(socket, listener.replace("http", "ws") + "/socket") == "blocked"
    browser.evaluate("address => navigator.sendBeacon(address + '/beacon', 'x')", listener)
    time.sleep(0.5)
    assert Listener.asked == []


@pytest.mark.browser
def test_pages_read_no_files(studio: Studio, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    tmp_path.chmod(0o755)
    browser = studio.browser
    browser.show(page_of(f'<iframe src="{secret.as_uri()}"></iframe><img src="{secret.as_uri()}">'), 200, 200, 1.0)
    assert browser.evaluate("address => fetch(address).then(() => 'read', () => 'blocked')", secret.as_uri()) == "blocked"
    browser.evaluate("address => { try { location.href = address } catch (error) { } }", secret.as_uri())
    time.sleep(0.5)
    assert not any("secret" in frame.content() for frame in browser.page.frames if frame.url.startswith("file:"))
    assert not browser.page.url.startswith("file:")


def test_kits_and_families_take_turns() -> None:
    knobs = load_knobs(RenderKnobs, REPOSITORY / "params.yaml")
    pairs = len(turns(knobs))
    plans = [plan_screen(knobs.model_copy(update={"shard_size": pairs}), shard, index) for shard in range(2) for index in range(pairs)]
    assert {(plan.kit, plan.family) for plan in plans} == set(turns(knobs))
    assert len({plan.seed for plan in plans}) == 2 * pairs


@pytest.mark.parametrize("preset", preset_names(REPOSITORY / "params.yaml"))
def test_every_preset_loads(preset: str) -> None:
    knobs = load_knobs(RenderKnobs, REPOSITORY / "params.yaml", preset)
    check_choices(knobs)
    assert {kit(name).platform for name, _ in turns(knobs)} == {"web", "mobile", "desktop"}
    assert load_knobs(DatasetKnobs, REPOSITORY / "params.yaml", preset).train_fraction > 0.5


# ---- bad input -------------------------------------------------------------------------------------------------------------------------------


def assert_one_paragraph(done: "subprocess.CompletedProcess[str]", *words: str) -> None:
    assert done.returncode == 1
    message = done.stderr.strip().splitlines()[-1]
    assert message.startswith("error: ")
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in message, message


def test_missing_chromium(workplace: Path, run: Run, tmp_path: Path) -> None:
    nowhere = {"PATH": str(tmp_path / "empty"), "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path / "none")}
    assert_one_paragraph(
        run("datagen.render --shards 1 --shard-size 2", **nowhere), "Chromium", "apt-get install chromium", "playwright install chromium"
    )
    assert_one_paragraph(
        run("datagen.render --shards 1 --shard-size 2", SCREENRY_CHROMIUM="/no/such/browser"), "SCREENRY_CHROMIUM", "/no/such/browser"
    )
    assert not list((workplace / "data/shards").iterdir())


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("kits", ["no-such-kit"], ["render.kits", "no-such-kit"]),
        ("families", ["poster"], ["render.families", "poster"]),
        ("locales", ["xx"], ["render.locales", "xx"]),
        ("shard_size", 0, ["shard_size", "greater than or equal to 1"]),
        ("viewports", {"web": [[640]]}, ["viewports"]),
        ("device_scales", [9.0], ["device_scales"]),
    ],
)
def test_bad_knobs(run: Run, knob: Knob, key: str, value: object, words: list[str]) -> None:
    knob("render", key, value)
    assert_one_paragraph(run("datagen.render"), "params.yaml", *words)


def test_bad_arguments(run: Run) -> None:
    done = run("datagen.render --shards none")
    assert done.returncode == 2
    assert "whole number above 0" in done.stderr


def test_the_lock_records_no_download_addresses() -> None:
    lock = files.LOCK.read_text(encoding="utf-8")
    assert '"resolved"' not in lock
    assert all(
        '"url":' in line or '"funding":' in line for line in lock.splitlines() if "http" in line
    )  # where to give money, not where to load from
    assert lock.count('"integrity"') >= 8
