"""What people do in Dagster's UI, with the mouse: steps that the test of the UI and the documentation's pictures share.

    python -m tests.orchestration.ui_walk CLONE docs/images --parts line night    in a fresh clone: make the whole line with the mouse, and let a night run
    python -m tests.orchestration.ui_walk CLONE docs/images                       walk through a clone in which `make demo` has run

Both take pictures. The walk works in the clone: it changes settings there, cancels a training run, and commits. Give it one that nobody needs.
"""

import argparse
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from playwright.sync_api import Page, expect, sync_playwright

from tests.orchestration.small_repository import environment

# Of a machine that has much else to do; nothing waits for it on one that has not.
PATIENCE_MS = 300_000
_HOUR = 3600.0
VIEWPORT = {"width": 1440, "height": 900}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def working_in(folder: Path) -> dict[int, str]:
    """Processes that work in this folder, with their command lines."""
    found = {}
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            try:
                if (process / "cwd").readlink() == folder and (process / "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z":
                    found[int(process.name)] = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
            except OSError:
                continue
    return found


class Served:
    """`python -m orchestration.ui` running in a repository, started the way a script in the background does: with SIGINT ignored."""

    def __init__(self, folder: Path):
        self.folder, self.port = folder, free_port()
        command = f"trap '' INT; exec python -m orchestration.ui --port {self.port}"
        self.log = folder.parent / "ui.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(["bash", "-c", command], cwd=folder, env=environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.url = f"http://127.0.0.1:{self.port}"
        wait_for(lambda: f"Dagster: {self.url}" in self.log.read_text() or self.process.poll() is not None, "the webserver answers")
        assert self.process.poll() is None, self.log.read_text()

    def stop(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        return self.process.wait(timeout=60)


def wait_for(condition: Callable[[], bool], what: str, seconds: float = PATIENCE_MS / 1000) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.1)


@contextmanager
def browser() -> Iterator[Page]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = chromium.new_page(viewport=VIEWPORT)  # type: ignore[arg-type]
        page.set_default_timeout(PATIENCE_MS)
        yield page
        chromium.close()


def open_groups(page: Page, url: str, *unfolded: str) -> None:
    """The asset graph with some groups of assets unfolded."""
    page.goto(f"{url}/asset-groups")
    for name in ("datagen", "training", "evaluation"):  # once in the list at the left, once in the graph
        page.get_by_text(name, exact=True).filter(visible=True).nth(1).wait_for()
    for name in unfolded:
        page.get_by_text(name, exact=True).filter(visible=True).last.click()


def materialize(page: Page, assets: list[str]) -> None:
    """Select assets in the graph with the mouse and press Materialize."""
    for number, asset in enumerate(assets):
        page.get_by_text(asset, exact=True).filter(visible=True).last.click(modifiers=["Shift"] if number else [])
    page.get_by_role("button", name=f"Materialize selected ({len(assets)})").click()
    page.get_by_role("button", name="Confirm").click()  # Dagster has not seen the dataset that was made in the terminal


def materialize_asset(page: Page, url: str, asset: str) -> str:
    """Press Materialize on the page of one asset; returns the run."""
    page.goto(f"{url}/assets/{asset}")
    return press(page, url, "Materialize")


def press(page: Page, url: str, button: str) -> str:
    """Press a button that starts a run; returns the run."""
    before = newest_run(page, url)
    page.get_by_role("button", name=button).first.click()
    wait_for(lambda: newest_run(page, url) != before, f"the run that {button!r} starts")
    return str(newest_run(page, url))


def newest_run(page: Page, url: str) -> str | None:
    answer = page.request.post(f"{url}/graphql", data={"query": "{runsOrError(limit: 1) {... on Runs {results {runId}}}}"}).json()
    runs = answer["data"]["runsOrError"]["results"]
    return runs[0]["runId"] if runs else None


def terminate(page: Page, url: str, run: str) -> None:
    """Cancel a run that is at work, with the button on its page."""
    page.goto(f"{url}/runs/{run}")
    page.get_by_role("button", name="Terminate").click()
    page.get_by_role("button", name="Terminate 1 run").click()


def backfill(page: Page, url: str, shards: list[str]) -> None:
    """Ask for some partitions of `screens`."""
    page.goto(f"{url}/assets/screens?view=partitions")
    page.get_by_role("button", name="Materialize…").click()
    page.get_by_text("Select a partition or create one").click()
    for shard in shards:
        page.get_by_text(shard, exact=True).filter(visible=True).last.click()
    page.keyboard.press("Escape")
    page.get_by_text(f"{len(shards)} partitions", exact=True).wait_for()
    page.get_by_role("button", name="Launch backfill").click()


def switch_on(page: Page, url: str, schedule: str) -> None:
    page.goto(f"{url}/locations/orchestration.definitions/schedules/{schedule}")
    page.get_by_text("Execution timezone").wait_for()
    if not page.get_by_text("Next tick").is_visible():
        page.locator("table label").first.click()
    expect(page.get_by_text("Next tick")).to_be_visible(timeout=PATIENCE_MS)


def preview_tick(page: Page) -> None:
    """On the page of a schedule: what it asks for at one of its moments."""
    page.get_by_role("button", name="Preview tick result").click()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("1 run requests")).to_be_visible(timeout=PATIENCE_MS)


def launch_tick(page: Page, url: str) -> str:
    """After `preview_tick`: let it run; returns the run."""
    return press(page, url, "Launch all & commit tick result")


def materialize_job(page: Page, url: str, job: str) -> str:
    """Press the button on the page of a job; returns the run."""
    page.goto(f"{url}/locations/orchestration.definitions/jobs/{job}")
    return press(page, url, "Materialize all")


def run_state(page: Page, url: str, run: str) -> str:
    query = "query ($run: ID!) {runOrError(runId: $run) {... on Run {status}}}"
    answer = page.request.post(f"{url}/graphql", data={"query": query, "variables": {"run": run}}).json()
    return str(answer["data"]["runOrError"]["status"])


def status(page: Page, url: str, run: str, *wanted: str) -> None:
    """Wait on the page of a run until it has one of these states."""
    page.goto(f"{url}/runs/{run}")
    expect(page.get_by_text(re.compile(f"^({'|'.join(wanted)})$")).first).to_be_visible(timeout=PATIENCE_MS)


class Walk:
    """The walk of the documentation, in parts that do not need each other."""

    def __init__(self, clone: Path, target: Path, url: str, page: Page):
        self.clone, self.target, self.url, self.page = clone, target, url, page

    def picture(self, name: str) -> None:
        self.page.wait_for_timeout(1500)  # animations
        file = self.target / f"dagster-{name}.png"
        self.page.screenshot(path=file)
        print(f"{file.name}  {file.stat().st_size // 1024} kB", flush=True)

    def line(self) -> None:
        """Everything from nothing: all shards by a backfill, then the job of the line."""
        started = time.monotonic()
        params = yaml.safe_load((self.clone / "params.yaml").read_text())
        shards = [f"{number:06d}" for number in range(params["presets"][params["preset"]]["render"]["shards"])]
        backfill(self.page, self.url, shards)
        wait_for(lambda: all((self.clone / f"data/shards/{shard}.tar").is_file() for shard in shards), "all shards are rendered", _HOUR)
        run = materialize_job(self.page, self.url, "line")
        self.done(run, "the line")
        print(f"all shards and the whole line: {(time.monotonic() - started) / 60:.1f} minutes", flush=True)
        self.page.goto(f"{self.url}/runs/{run}")
        expect(self.page.get_by_text("Succeeded (", exact=False).first).to_be_visible(timeout=PATIENCE_MS)
        self.picture("line")
        self.page.goto(f"{self.url}/assets/train_detector")
        self.page.get_by_text("[Show Markdown]").first.click()
        self.picture("detector")

    def night(self) -> None:
        """A night that goes on from the promoted model: a tick of the schedule, launched by hand."""
        for command in (
            ["git", "add", "data.dvc", "dvc.lock", "params.yaml"],
            ["git", "-c", "user.name=Walk", "-c", "user.email=walk@localhost", "commit", "-q", "--allow-empty", "-m", "a dataset and what was learned from it"],
            ["python", "-m", "orchestration.registry", "promote"],
        ):  # fmt: skip
            subprocess.run(command, cwd=self.clone, env=environment(), check=True)
        switch_on(self.page, self.url, "nightly")
        preview_tick(self.page)
        started, run = time.monotonic(), launch_tick(self.page, self.url)
        self.done(run, "the night")
        print(f"the night: {(time.monotonic() - started) / 60:.1f} minutes", flush=True)
        self.page.goto(f"{self.url}/assets/models/detector")
        expect(self.page.get_by_text("fine_tuned_from").first).to_be_visible(timeout=PATIENCE_MS)
        self.picture("night")

    def done(self, run: str | None, what: str) -> None:
        """Wait until a run has ended well."""
        states = ["STARTED"]

        def ended() -> bool:
            states.append(run_state(self.page, self.url, str(run)))
            return states[-1] in ("SUCCESS", "FAILURE", "CANCELED")

        wait_for(ended, what, _HOUR)
        assert states[-1] == "SUCCESS", f"{what}: {states[-1]}; see {self.url}/runs/{run}"

    def gate(self) -> None:
        """A gate that fails, of an asset that DVC finds up to date."""
        _edit(self.clone, r"(\n  eval_detection:\n)(    AP: )", r"\1    AP50: {at_least: 0.9, blocks: promotion}\n\2")
        self.page.goto(f"{self.url}/locations/orchestration.definitions")
        self.page.get_by_role("button", name="Reload").first.click()
        status(self.page, self.url, materialize_asset(self.page, self.url, "eval_detection"), "Success")
        self.page.goto(f"{self.url}/assets/eval_detection?view=checks")
        self.page.get_by_text("gate_AP50", exact=True).first.click()
        expect(self.page.get_by_text("should be at least 0.9").first).to_be_visible(timeout=PATIENCE_MS)
        self.picture("gate")

    def curves(self) -> None:
        status(self.page, self.url, materialize_asset(self.page, self.url, "pretrain_mae"), "Success")
        self.page.goto(f"{self.url}/assets/pretrain_mae")
        self.page.get_by_text("[Show Markdown]").first.click()
        expect(self.page.get_by_role("img", name="curves.csv")).to_be_visible(timeout=PATIENCE_MS)
        self.picture("curves")

    def cancel(self) -> None:
        """A training job that is stopped while it works."""
        _edit(self.clone, r"(\ntrain_detector:\n  seed: )(\d+)", lambda found: f"{found[1]}{int(found[2]) + 1}")
        run = materialize_asset(self.page, self.url, "train_detector")
        partial = self.clone / "artifacts/.train_detector.partial"
        wait_for(partial.is_dir, "the detector is trained")
        open_groups(self.page, self.url, "training")
        self.page.wait_for_timeout(1500)
        self.page.mouse.dblclick(560, 130)  # all of it
        self.picture("graph")
        self.page.goto(f"{self.url}/runs/{run}")
        expect(self.page.get_by_text("Executing (1)")).to_be_visible(timeout=PATIENCE_MS)
        self.picture("run")
        terminate(self.page, self.url, run)
        clicked = time.monotonic()
        wait_for(lambda: not partial.exists() and "training.train_detector" not in " ".join(working_in(self.clone).values()), "the job is gone", 30)
        print(f"the training job was gone {time.monotonic() - clicked:.1f} s after the click", flush=True)
        self.page.goto(f"{self.url}/runs")  # the page of the run shows Dagster's own stack traces
        expect(self.page.get_by_text("Canceled", exact=True).first).to_be_visible(timeout=PATIENCE_MS)
        self.picture("cancelled")

    def shards(self) -> None:
        backfill(self.page, self.url, ["000001", "000002", "000003"])
        self.page.goto(f"{self.url}/runs?view=backfills")
        self.page.locator("a[href*='/runs/b/']").first.click()
        expect(self.page.get_by_text("100% completed")).to_be_visible(timeout=PATIENCE_MS)
        self.picture("backfill")

    def schedule(self) -> None:
        switch_on(self.page, self.url, "nightly")
        self.picture("schedule")
        preview_tick(self.page)
        self.picture("tick")


def _edit(clone: Path, pattern: str, replacement: str | Callable[[re.Match[str]], str]) -> None:
    params = clone / "params.yaml"
    text, count = re.subn(pattern, replacement, params.read_text(), count=1)
    assert count == 1, pattern
    params.write_text(text)


PARTS = ("line", "night", "gate", "curves", "cancel", "shards", "schedule")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.orchestration.ui_walk", description="Take the pictures of Dagster's UI in docs/images.")
    parser.add_argument("clone", type=Path, help="a clone in which `make demo` has run; it is changed")
    parser.add_argument("target", type=Path)
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=PARTS[2:])
    options = parser.parse_args()
    options.target.mkdir(parents=True, exist_ok=True)
    served = Served(options.clone.resolve())
    try:
        with browser() as page:
            walk = Walk(options.clone.resolve(), options.target, served.url, page)
            for part in options.parts:
                getattr(walk, part)()
    finally:
        served.stop(signal.SIGINT)


if __name__ == "__main__":
    main()
