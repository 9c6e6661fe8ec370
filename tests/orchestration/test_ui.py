"""`python -m orchestration.ui` (`make ui`): the real webserver and daemon, in a real browser."""

import os
import signal
import socket
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.orchestration.small_repository import Small
from tests.orchestration.ui_walk import (
    PATIENCE_MS,
    Served,
    backfill,
    browser,
    free_port,
    materialize,
    materialize_asset,
    open_groups,
    preview_tick,
    status,
    switch_on,
    terminate,
    wait_for,
    working_in,
)  # fmt: skip


@pytest.fixture
def served(made: Small) -> Iterator[Served]:
    made.edit("params.yaml", "shards: 2", "shards: 3")
    with (made.folder / "params.yaml").open("a") as params:
        params.write("gates: {pretrain_mae: {loss: {at_most: 0.1, blocks: promotion}}}\n")
    served = Served(made.folder)
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


@pytest.mark.slow
def test_a_killed_web_server_leaves_nothing_half_alive(small: Small) -> None:
    served = Served(small.folder)
    (webserver,) = [process for process, command in working_in(small.folder).items() if "dagster_webserver" in command]
    os.kill(webserver, signal.SIGKILL)
    assert served.process.wait(timeout=60) == 1, "so that whoever watches `make ui` starts it again"
    assert "Dagster ended with exit code" in served.log.read_text()
    wait_for(lambda: not working_in(small.folder), "daemon and code servers are gone", 60)


@pytest.fixture
def page() -> Iterator[Page]:
    with browser() as page:
        yield page


@pytest.mark.slow
@pytest.mark.browser
def test_a_day_at_the_ui(served: Served, made: Small, page: Page) -> None:
    """One server for all of it, because starting it is what takes long: a stage that fails, the same mended, a gate that fails, a run that is cancelled,
    shards that are asked for, a schedule that is switched on."""
    made.edit("params.yaml", "fail: false", "fail: true")
    open_groups(page, served.url, "training")
    materialize(page, ["pack_beton", "pretrain_mae"])
    expect(page.get_by_text("Materialized", exact=True).filter(visible=True)).to_have_count(1, timeout=PATIENCE_MS)
    page.get_by_text("Failed", exact=True).filter(visible=True).first.wait_for()
    paragraph = "error: params.yaml: pretrain_mae.fail: is set. Found: True. Set it to false."
    logs = [path.read_text().rstrip() for path in (made.folder / ".dagster").rglob("*.err")]
    assert any(log.endswith(paragraph) for log in logs), logs
    assert not list((made.folder / "artifacts").glob("*pretrain_mae*"))

    made.edit("params.yaml", "steps: 3, fail: true", "steps: 4, fail: false")
    run = materialize_asset(page, served.url, "pretrain_mae")
    status(page, served.url, run, "Success")
    page.goto(f"{served.url}/assets/pretrain_mae")
    expect(page.get_by_role("img", name="reconstructions.png")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text(made.version()).first).to_be_visible()
    expect(page.get_by_text("0.25", exact=True).first).to_be_visible()
    page.goto(f"{served.url}/assets/pretrain_mae?view=checks")
    expect(page.get_by_text("0.25: should be at most 0.1").first).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("Failed", exact=True).first).to_be_visible()

    made.edit("params.yaml", "steps: 4", "steps: 3000")
    run = materialize_asset(page, served.url, "pretrain_mae")
    partial = made.folder / "artifacts/.pretrain_mae.partial"
    wait_for(partial.is_dir, "the stage is at work")
    assert "training.pretrain_mae" in " ".join(working_in(made.folder).values())
    terminate(page, served.url, run)
    wait_for(lambda: "training.pretrain_mae" not in " ".join(working_in(made.folder).values()), "the stage is gone", 30)
    status(page, served.url, run, "Canceled")
    assert not partial.exists()

    backfill(page, served.url, ["000000", "000001", "000002"])
    wait_for((made.folder / "data/shards/000002.tar").is_file, "the third shard, which was not there, is rendered")

    switch_on(page, served.url, "nightly")
    preview_tick(page)

    assert served.stop(signal.SIGINT) == 0, served.log.read_text()
    assert working_in(made.folder) == {}, "webserver, daemon and code servers are gone"
