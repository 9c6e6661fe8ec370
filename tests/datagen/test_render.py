"""Shards: the same bytes in any process and order, never half a file, never a silent mixture; and what is said when something is missing."""

import http.server
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from contracts.dataset import read_shard
from contracts.errors import InputError
from contracts.files import sha256
from contracts.knobs import load_knobs, preset_names
from datagen import kits
from datagen.browser import Browser
from datagen.config import DatasetKnobs, RenderKnobs
from datagen.pages import Page
from datagen.screens import check_choices, make_screen, plan_screen

REPOSITORY = Path(__file__).parents[2]
Run = Callable[..., "subprocess.CompletedProcess[str]"]
Knob = Callable[[str, str, object], None]


@pytest.mark.browser
def test_the_same_seed_gives_the_same_bytes_in_fresh_processes(workplace: Path, run: Run) -> None:
    first = run("datagen.render --shards 2 --shard-size 5")
    assert first.returncode == 0, first.stderr
    shards = sorted((workplace / "data/shards").iterdir())
    assert [shard.name for shard in shards] == ["000000.tar", "000001.tar"]
    hashes = [sha256(shard) for shard in shards]
    assert hashes[0] != hashes[1]
    # The second process makes shard 1 alone: a screen depends on nothing that was rendered before it.
    shards[1].unlink()
    assert run("datagen.render --shard 1 --shard-size 5").returncode == 0
    assert sha256(shards[1]) == hashes[1]
    kept = run("datagen.render --shards 2 --shard-size 5")
    assert "0 shards of 5 screens rendered, 2 kept" in kept.stdout
    assert [sha256(shard) for shard in shards] == hashes
    screens = [screen for shard in shards for screen, _ in read_shard(shard)]
    assert [screen.key for screen in screens][4:6] == ["000000-00004", "000001-00000"]
    assert all(screen.generator.startswith("datagen/") and " chromium/" in screen.generator and " kits/" in screen.generator for screen in screens)


@pytest.mark.browser
def test_a_screen_can_be_made_again_from_what_it_says(browser: Browser) -> None:
    knobs = load_knobs(RenderKnobs, REPOSITORY / "params.yaml")
    plan = plan_screen(knobs, 3, 7)
    screen, png = make_screen(browser, plan)
    assert plan.made(screen)
    make_screen(browser, plan_screen(knobs, 3, 8))
    assert make_screen(browser, plan) == (screen, png)


@pytest.mark.browser
def test_what_other_settings_made_is_refused_or_kept_on_purpose(workplace: Path, run: Run, knob: Knob) -> None:
    assert run("datagen.render --shards 1 --shard-size 2").returncode == 0
    shard = workplace / "data/shards/000000.tar"
    before = sha256(shard)
    other_size = run("datagen.render --shards 1 --shard-size 3")
    assert (other_size.returncode, other_size.stdout) == (1, "")
    assert "data/shards/000000.tar" in other_size.stderr and "other settings" in other_size.stderr and "--keep" in other_size.stderr
    assert "Traceback" not in other_size.stderr
    knob("render", "seed", 7)
    assert run("datagen.render --shards 1 --shard-size 2").returncode == 1
    assert run("datagen.render --shards 1 --shard-size 2 --keep").returncode == 0
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
    assert run("datagen.render --shards 1 --shard-size 2").returncode == 0
    assert [path.name for path in shards.iterdir()] == ["000000.tar"]


@pytest.mark.browser
def test_pages_reach_no_network(browser: Browser) -> None:
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        address = f"http://127.0.0.1:{server.server_port}"
        body = f'<img src="{address}/image"><link rel=stylesheet href="{address}/style"><iframe src="{address}/frame"></iframe>'
        browser.show(Page(theme="light", palette="light", body=body), 200, 200, 1.0)
        outcome = browser.evaluate("address => fetch(address + '/fetch', {mode: 'no-cors'}).then(() => 'reached', () => 'blocked')", address)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert outcome == "blocked"
    assert asked == []


def test_families_and_themes_take_turns() -> None:
    knobs = load_knobs(RenderKnobs, REPOSITORY / "params.yaml")
    pairs = len(knobs.families) * len(knobs.themes)
    plans = [plan_screen(knobs.model_copy(update={"shard_size": pairs}), shard, index) for shard in range(2) for index in range(pairs)]
    seen = {(plan.family, plan.theme) for plan in plans}
    assert len(seen) == pairs
    assert len({plan.seed for plan in plans}) == 2 * pairs


@pytest.mark.parametrize("preset", preset_names(REPOSITORY / "params.yaml"))
def test_every_preset_loads(preset: str) -> None:
    knobs = load_knobs(RenderKnobs, REPOSITORY / "params.yaml", preset)
    check_choices(knobs)
    assert len(knobs.themes) >= 10 and len(knobs.families) >= 4
    assert {kits.THEMES[theme] for theme in knobs.themes} == {True, False}
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


def test_missing_kits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(kits, "MODULES", tmp_path / "node_modules")
    for ask in (kits.font_face_css, kits.font_files, lambda: kits.theme_css("cosmo")):
        with pytest.raises(InputError, match=r"not installed.*make setup"):
            ask()


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("themes", ["light", "no-such-theme"], ["render.themes", "no-such-theme", "darkly"]),
        ("families", ["poster"], ["render.families", "poster", "dashboard"]),
        ("shard_size", 0, ["shard_size", "greater than or equal to 1"]),
        ("viewports", [[640]], ["viewports"]),
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
    lock = kits.LOCK.read_text(encoding="utf-8")
    assert '"resolved"' not in lock
    assert "http" not in lock.replace("https://github.com/sponsors", "").replace("https://opencollective.com", "")
    assert lock.count('"integrity"') >= 8
