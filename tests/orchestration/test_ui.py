"""`python -m orchestration.ui` (`make ui`): the real webserver and daemon, in a real browser."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from small_repository import Small, environment

STEP_MS = 90_000


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def group_is_gone(leader: int) -> bool:
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return True
    return False


def dagster_processes(folder: Path) -> list[int]:
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
            self.process = subprocess.Popen(["bash", "-c", command], cwd=small.folder, env=environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
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
    assert done.stderr.startswith(f"error: --port: is in use by another program. Found: 127.0.0.1:{port}. Stop that program, or choose another port: `make ui PORT=")
    assert not (small.folder / ".dagster").exists()


def test_a_broken_declaration_is_told_before_anything_starts(small: Small) -> None:
    small.edit("dvc.yaml", "desc: One page that shows everything.", "desc:")
    done = small.run("python", "-m", "orchestration.ui", "--port", str(free_port()))
    assert done.returncode == 1 and done.stderr.startswith("error: dvc.yaml: stages.report.desc: is missing.")
    assert not (small.folder / ".dagster").exists()


@pytest.mark.slow
@pytest.mark.browser
def test_assets_are_materialized_by_clicking(served: Served, made: Small) -> None:
    pictures = Path(os.environ.get("SCREENRY_SCREENSHOTS") or made.folder.parent / "screenshots")
    pictures.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1500, "height": 1000})
        page.set_default_timeout(STEP_MS)
        expect.set_options(timeout=STEP_MS)
        materialize(page, served, ["pack_beton", "pretrain_mae"])
        page.screenshot(path=pictures / "graph.png")
        page.goto(f"{served.url}/assets/pretrain_mae")
        page.screenshot(path=pictures / "asset.png")
        browser.close()
    assert served.stop(signal.SIGINT) == 0
    assert dagster_processes(made.folder) == []
    assert "up to date" in made.check("dvc", "status")


def materialize(page: Page, served: Served, assets: list[str]) -> None:
    page.goto(f"{served.url}/asset-groups")
    for asset in assets:
        page.get_by_text(asset, exact=True).first.click(modifiers=["Shift"])
    page.get_by_role("button", name=re.compile("Materialize")).first.click()
