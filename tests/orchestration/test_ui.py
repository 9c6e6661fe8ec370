"""`python -m orchestration.ui` (`make ui`): the real webserver and daemon, in a real browser."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.orchestration.small_repository import Small, environment

PATIENCE_MS = 120_000


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def working_in(folder: Path) -> list[int]:
    """Processes that work in this folder."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            try:
                if (process / "cwd").readlink() == folder and (process / "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z":
                    found.append(int(process.name))
            except OSError:
                continue
    return found


class Served:
    """`python -m orchestration.ui` running in a repository, started the way a script in the background does: with SIGINT ignored."""

    def __init__(self, small: Small):
        self.folder, self.port = small.folder, free_port()
        command = f"trap '' INT; exec python -m orchestration.ui --port {self.port}"
        self.log = small.folder.parent / "ui.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                ["bash", "-c", command], cwd=small.folder, env=environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self.url = f"http://127.0.0.1:{self.port}"
        deadline = time.monotonic() + 120
        while self.url not in self.log.read_text():
            assert self.process.poll() is None and time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def stop(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        return self.process.wait(timeout=60)


@pytest.fixture
def served(made: Small) -> Iterator[Served]:
    served = Served(made)
    yield served
    if served.process.poll() is None:
        served.stop(signal.SIGINT)


def test_a_port_in_use_is_told_before_anything_starts(small: Small) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = small.run("python", "-m", "orchestration.ui", "--port", str(port))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(
        f"error: --port: is in use by another program. Found: 127.0.0.1:{port}. Stop that program, or choose another port: `make ui PORT="
    )
    assert not (small.folder / ".dagster").exists()


def test_a_broken_declaration_is_told_before_anything_starts(small: Small) -> None:
    small.edit("dvc.yaml", "desc: One page that shows everything.", "desc:")
    done = small.run("python", "-m", "orchestration.ui", "--port", str(free_port()))
    assert done.returncode == 1 and done.stderr.startswith("error: dvc.yaml: stages.report.desc: is missing.")
    assert not (small.folder / ".dagster").exists()


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1500, "height": 1000})
        page.set_default_timeout(PATIENCE_MS)
        yield page
        browser.close()


def open_group(page: Page, url: str, group: str) -> None:
    """The asset graph with one group of assets unfolded."""
    page.goto(f"{url}/asset-groups")
    for name in ("datagen", "training", "evaluation"):  # once in the list at the left, once in the graph
        page.get_by_text(name, exact=True).filter(visible=True).nth(1).wait_for()
    page.get_by_text(group, exact=True).filter(visible=True).last.click()


def materialize(page: Page, assets: list[str]) -> None:
    """Select assets in the graph with the mouse and press Materialize."""
    for number, asset in enumerate(assets):
        page.get_by_text(asset, exact=True).filter(visible=True).last.click(modifiers=["Shift"] if number else [])
    page.get_by_role("button", name=f"Materialize selected ({len(assets)})").click()
    page.get_by_role("button", name="Confirm").click()  # Dagster has not seen the dataset that was made in the terminal


@pytest.mark.slow
@pytest.mark.browser
def test_assets_are_materialized_by_clicking(served: Served, made: Small, page: Page) -> None:
    """First with a stage that fails, then with that mended; one server for both, because starting it is what takes long."""
    pictures = Path(os.environ.get("SCREENRY_SCREENSHOTS") or made.folder.parent / "screenshots")
    pictures.mkdir(parents=True, exist_ok=True)

    made.edit("params.yaml", "fail: false", "fail: true")
    open_group(page, served.url, "training")
    materialize(page, ["pack_beton", "pretrain_mae"])
    expect(page.get_by_text("Materialized", exact=True).filter(visible=True)).to_have_count(1, timeout=PATIENCE_MS)
    page.get_by_text("Failed", exact=True).filter(visible=True).first.wait_for()
    page.screenshot(path=pictures / "failed.png")
    paragraph = "error: params.yaml: pretrain_mae.fail: is set. Found: True. Set it to false."
    logs = [path.read_text().rstrip() for path in (made.folder / ".dagster").rglob("*.err")]
    assert any(log.endswith(paragraph) for log in logs), logs
    assert not list((made.folder / "artifacts").glob("*pretrain_mae*"))

    made.edit("params.yaml", "steps: 3, fail: true", "steps: 4, fail: false")
    open_group(page, served.url, "training")
    materialize(page, ["pack_beton", "pretrain_mae"])
    expect(page.get_by_text("Materialized", exact=True).filter(visible=True)).to_have_count(2, timeout=PATIENCE_MS)
    page.screenshot(path=pictures / "graph.png")

    page.goto(f"{served.url}/assets/pretrain_mae")
    expect(page.get_by_role("img", name="reconstructions.png")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text(made.version()).first).to_be_visible()
    expect(page.get_by_text("0.25", exact=True).first).to_be_visible()
    page.screenshot(path=pictures / "asset.png")

    assert served.stop(signal.SIGINT) == 0, served.log.read_text()
    assert working_in(made.folder) == [], "webserver, daemon and code servers are gone"
    assert "pretrain_mae" not in made.check("dvc", "status", "pack_beton", "pretrain_mae")
