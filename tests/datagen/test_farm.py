"""The farm: bytes that do not depend on the workers, and pages, browsers and machines that misbehave."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from contracts.errors import InputError
from contracts.knobs import load_knobs
from datagen import farm, render
from datagen.config import RenderKnobs
from datagen.farm import Failed, Farm, Made
from datagen.screens import Plan, plan_screen
from datagen.store import FolderStore, FsspecStore, Store, open_store

REPOSITORY = Path(__file__).parents[2]
pytestmark = pytest.mark.browser
STUDIOS = "tests.datagen.studios"


@pytest.fixture
def knobs() -> RenderKnobs:
    """Kits that share one document: what is slow here is slow on purpose."""
    update = {"shards": 2, "shard_size": 6, "kits": ("bootstrap", "bespoke-web")}
    return load_knobs(RenderKnobs, REPOSITORY / "params.yaml").model_copy(update=update)


@pytest.fixture
def plans(knobs: RenderKnobs) -> list[Plan]:
    return [plan_screen(knobs, 0, index) for index in range(6)]


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    monkeypatch.syspath_prepend(str(REPOSITORY))
    monkeypatch.setenv("TEST_FOLDER", str(Path.cwd()))


@pytest.fixture(autouse=True)
def no_orphans(in_an_empty_folder: None) -> Iterator[None]:
    """After each test no browser is left of those that it started."""
    yield
    assert until(lambda: not browsers(), 10), [psutil.Process(pid).cmdline()[:3] for pid in browsers()]


def browsers() -> list[int]:
    """Living browsers of this test: their environment says whose they are. (Chromium's renderers write over theirs; they cannot live without the browser.)"""
    mine = []
    for process in psutil.process_iter(["status"]):
        with suppress(psutil.Error):
            if (
                process.info["status"] != psutil.STATUS_ZOMBIE
                and process.environ().get("TEST_FOLDER") == str(Path.cwd())
                and "chrom" in process.name()
            ):
                mine.append(process.pid)
    return mine


def until(condition: Callable[[], object], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# ---- what is made ----------------------------------------------------------------------------------------------------------------------------


def test_outcomes_come_in_the_order_of_the_plans_and_do_not_depend_on_the_workers(plans: list[Plan]) -> None:
    made = {}
    for workers, order in ((1, plans), (2, plans), (3, random.Random(1).sample(plans, len(plans)))):
        with Farm(workers, f"{STUDIOS}:WordStudio") as open_farm:
            outcomes = list(open_farm.make(order))
        assert [outcome.plan for outcome in outcomes] == order
        for outcome in outcomes:
            assert isinstance(outcome, Made)
            assert json.loads(outcome.labels)["key"] == outcome.plan.key
            made.setdefault(outcome.plan.key, set()).add((outcome.labels, outcome.png))
    assert {len(variants) for variants in made.values()} == {1}
    assert len({png for variants in made.values() for _, png in variants}) == len(plans)


def test_the_browsers_of_a_farm_are_sandboxed_or_it_is_said_why(plans: list[Plan], caplog: pytest.LogCaptureFixture) -> None:
    with Farm(1, f"{STUDIOS}:WordStudio") as open_farm:
        outcomes = open_farm.make(plans)
        next(outcomes)
        mine = [process for pid in browsers() for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True))]
        warned = "Chromium runs without its sandbox here: " in caplog.text
        assert warned == any("--no-sandbox" in process.cmdline() for process in mine)
        if not warned:
            assert all(process.uids().effective != 0 for process in mine)
            filters = [Path(f"/proc/{process.pid}/status").read_text() for process in mine if "--type=renderer" in process.cmdline()]
            assert filters and all("Seccomp:\t2" in status for status in filters)


# ---- pages that misbehave --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("studio", "reason"),
    [
        ("Hangs", "longer than 10 s"),
        ("NeverSettles", "longer than 10 s"),
        ("RendererDies", "crash"),
        ("BrowserDies", "closed"),
        ("WorkerDies", "process died"),
    ],
)
def test_a_bad_page_costs_one_retry_and_nothing_else(plans: list[Plan], monkeypatch: pytest.MonkeyPatch, studio: str, reason: str) -> None:
    monkeypatch.setattr(farm, "PAGE_SECONDS", 10.0)
    monkeypatch.setattr(farm, "FIRST_PAGE_SECONDS", 10.0)
    with Farm(2, f"{STUDIOS}:{studio}") as open_farm:
        outcomes = list(open_farm.make(plans))
    bad = [outcome for outcome in outcomes if isinstance(outcome, Failed)]
    assert [(outcome.plan, outcome.final) for outcome in bad] == [(plans[1], False), (plans[1], True)]
    assert all(reason in outcome.error for outcome in bad), bad
    assert [outcome.plan for outcome in outcomes if isinstance(outcome, Made)] == [plans[0], *plans[2:]]


@pytest.mark.slow
@pytest.mark.parametrize("studio", ["FillsTheHeap", "FillsMemory"])
def test_a_page_that_takes_gigabytes_loses_its_browser_and_not_the_machine(plans: list[Plan], studio: str) -> None:
    with Farm(1, f"{STUDIOS}:{studio}") as open_farm:
        outcomes = list(open_farm.make(plans[:3]))
    bad = [outcome for outcome in outcomes if isinstance(outcome, Failed)]
    assert len(bad) == 2 and all("crash" in outcome.error or "longer than" in outcome.error for outcome in bad), bad
    assert len(outcomes) - len(bad) == 2


def test_a_browser_that_grows_beyond_the_limit_is_replaced(plans: list[Plan], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(farm, "WORKER_MEMORY", 10 << 20)
    with Farm(1, f"{STUDIOS}:NeverSettles") as open_farm:
        outcomes = list(open_farm.make(plans[1:2]))
    assert [outcome.error for outcome in outcomes if isinstance(outcome, Failed)] and all("10 MiB is the limit" in o.error for o in outcomes)


def test_failures_are_logged_and_a_shard_that_lacks_a_screen_is_marked(knobs: RenderKnobs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TEST_MARK", str(tmp_path / "hung"))
    monkeypatch.setattr(farm, "FIRST_PAGE_SECONDS", 10.0)
    monkeypatch.setattr(farm, "PAGE_SECONDS", 10.0)
    store = FolderStore(tmp_path / "shards")
    once = render.render(store, knobs, [0], 1, studio=f"{STUDIOS}:HangsOnce")
    assert (once.rendered, once.bad_tries, once.left_out) == (1, 1, 0)
    assert store.names() == {"000000.tar"}
    always = render.render(FolderStore(tmp_path / "other"), knobs, [0], 2, studio=f"{STUDIOS}:WorkerDies")
    assert (always.rendered, always.bad_tries, always.left_out) == (1, 2, 1)
    assert FolderStore(tmp_path / "other").names() == {"000000.tar", "000000.failures.jsonl"}
    marks = [json.loads(line) for line in (tmp_path / "other/000000.failures.jsonl").read_text().splitlines()]
    assert [(mark["plan"]["key"], mark["error"]) for mark in marks] == [("000000-00001", "the worker's process died")]
    log = [json.loads(line) for line in Path("render-failures.jsonl").read_text().splitlines()]
    assert [(entry["final"], entry["plan"]["key"]) for entry in log] == [(False, "000000-00001"), (False, "000000-00001"), (True, "000000-00001")]
    assert log[0]["seconds"] >= 10 and "longer than 10 s" in log[0]["error"]


def test_more_than_one_failure_in_a_thousand_ends_the_run_and_whole_shards_stay(knobs: RenderKnobs, tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "shards")
    with pytest.raises(InputError, match=r"more than 0.1% of 12 screens could not be made.*render-failures.jsonl"):
        render.render(store, knobs, range(2), 1, studio=f"{STUDIOS}:RendererDies")
    assert {path.name for path in (tmp_path / "shards").iterdir()} == {"000000.tar", "000000.failures.jsonl"}


def test_if_nothing_can_be_made_the_error_says_what_happened(knobs: RenderKnobs, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"RuntimeError: this page cannot be made"):
        render.render(FolderStore(tmp_path / "shards"), knobs, range(2), 1, studio=f"{STUDIOS}:AllFail")


# ---- kill -9 ---------------------------------------------------------------------------------------------------------------------------------

RUN = """
import sys
from contracts.knobs import load_knobs
from datagen import render
from datagen.config import RenderKnobs
from datagen.store import open_store
knobs = load_knobs(RenderKnobs).model_copy(update={"shards": 3, "shard_size": 12})
if __name__ == "__main__":
    print(render.render(open_store(sys.argv[1]), knobs, range(3), 2, keep=True, studio="tests.datagen.studios:Slow"))
"""


def start(tmp_path: Path, target: str) -> "subprocess.Popen[str]":
    (tmp_path / "run.py").write_text(RUN)
    (tmp_path / "params.yaml").write_text((REPOSITORY / "params.yaml").read_text())
    return subprocess.Popen([sys.executable, "run.py", target], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def family(pid: int, what: str) -> list[psutil.Process]:
    """The workers, or the browsers, of a run."""
    children = psutil.Process(pid).children(recursive=True)
    if what == "worker":
        return [process for process in children if "spawn_main" in " ".join(process.cmdline())]
    return [process for process in children if "chrom" in process.name() and not any("--type=" in word for word in process.cmdline())]


def test_kill_9_of_the_main_process_leaves_whole_shards_and_no_browser(tmp_path: Path) -> None:
    process = start(tmp_path, "shards")
    shards = tmp_path / "shards"
    assert until(lambda: (shards / "000000.tar").exists() and list(shards.glob(".000001*")), 60)
    whole = sha256(shards / "000000.tar")
    assert browsers()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert until(lambda: not browsers(), 10)
    assert not (shards / "000002.tar").exists()
    again = start(tmp_path, "shards")
    _, messages = again.communicate(timeout=120)
    assert again.returncode == 0, messages
    assert {path.name for path in shards.iterdir()} == {"000000.tar", "000001.tar", "000002.tar"}
    assert sha256(shards / "000000.tar") == whole
    undisturbed = start(tmp_path, "undisturbed")
    undisturbed.communicate(timeout=120)
    assert {sha256(path) for path in shards.iterdir()} == {sha256(path) for path in (tmp_path / "undisturbed").iterdir()}


@pytest.mark.parametrize("victim", ["worker", "browser"])
def test_kill_9_of_a_part_costs_one_retry(tmp_path: Path, victim: str) -> None:
    process = start(tmp_path, "shards")
    assert until(lambda: (tmp_path / "shards/000000.tar").exists(), 60)
    family(process.pid, victim)[0].kill()
    output, messages = process.communicate(timeout=120)
    assert process.returncode == 0, messages
    assert "rendered=3" in output and "left_out=0, bad_tries=1" in output, output
    assert {path.name for path in (tmp_path / "shards").iterdir()} == {"000000.tar", "000001.tar", "000002.tar"}


# ---- where shards go -------------------------------------------------------------------------------------------------------------------------


def test_a_file_that_cannot_grow_is_named_and_leaves_nothing_half(tmp_path: Path) -> None:
    limited = (
        "import resource; from datagen.store import open_store; resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))\n"
        "with open_store('shards').writing('000000.tar') as path: path.write_bytes(bytes(20000))"
    )
    done = subprocess.run([sys.executable, "-c", limited], capture_output=True, text=True)
    assert "InputError: shards/000000.tar: cannot be written: File too large. Free some space" in done.stderr
    assert not list((tmp_path / "shards").iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount the small file system")
def test_a_full_file_system_is_named(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small], capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a file system")
    try:
        process = start(tmp_path, str(small))
        _, messages = process.communicate(timeout=120)
        assert process.returncode == 1
        assert f"{small}/0000" in messages and "No space left on device" in messages
        assert all(path.suffix == ".tar" for path in small.iterdir())
    finally:
        subprocess.run(["umount", small], check=True)


def test_unwritable_places_are_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in ("file/shards", "/proc/shards"):
        with pytest.raises(InputError, match=f"{place}: cannot be written: .*Make the place writable"):
            open_store(place)
    with pytest.raises(InputError, match=r"--target.*nosuch"):
        open_store("nosuch://bucket/shards")


@pytest.fixture(params=["folder", "file", "memory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param != "s3":
        yield open_store({"folder": f"{tmp_path}/there", "file": f"file://{tmp_path}/there", "memory": f"memory://{tmp_path.name}"}[request.param])
        return
    pytest.importorskip("s3fs", reason="pip install s3fs 'moto[server]'")
    pytest.importorskip("moto", reason="pip install s3fs 'moto[server]'")
    request.getfixturevalue("s3_server")
    yield open_store(f"s3://{tmp_path.name.replace('_', '-').strip('-')}-bucket/deep/shards")


@pytest.fixture(scope="module")
def s3_server() -> Iterator[None]:
    """A real S3 server on this machine."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("AWS_ENDPOINT_URL", f"http://{host}:{port}"), ("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")):
            patch.setenv(name, value)
        yield
    server.stop()


def test_a_store_holds_whole_files_or_none(store: Store, tmp_path: Path) -> None:
    assert store.names() == set()
    with store.writing("000000.tar") as path:
        path.write_bytes(b"one")
        assert store.names() == set()
    assert store.names() == {"000000.tar"}
    with store.open("000000.tar") as file:
        assert file.read() == b"one"
    with pytest.raises(RuntimeError), store.writing("000001.tar") as path:
        path.write_bytes(b"half")
        raise RuntimeError
    assert store.names() == {"000000.tar"}
    store.remove("000000.tar")
    store.remove("000000.tar")
    assert store.names() == set()


def test_shards_stream_to_a_store_and_those_present_are_skipped(
    store: Store, knobs: RenderKnobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Plan, "made", lambda plan, screen: plan.seed == screen.seed)  # what these one-word screens have of their plans
    assert render.render(store, knobs, range(2), 1, studio=f"{STUDIOS}:WordStudio").rendered == 2
    again = render.render(store, knobs, range(3), 1, studio=f"{STUDIOS}:WordStudio")
    assert (again.rendered, again.kept) == (1, 2)
    render.render(FolderStore(tmp_path / "local"), knobs, range(3), 2, studio=f"{STUDIOS}:WordStudio")
    for name in sorted(store.names()):
        with store.open(name) as file:
            assert file.read() == (tmp_path / "local" / name).read_bytes()
    with pytest.raises(InputError, match=r"000000.tar: exists, and was made from other settings"):
        render.render(store, knobs.model_copy(update={"seed": 1}), range(2), 1, studio=f"{STUDIOS}:WordStudio")


def test_a_store_that_cannot_move_atomically_gets_a_temporary_name_first(tmp_path: Path) -> None:
    store = FsspecStore(f"local://{tmp_path}/there", "ftp")
    (tmp_path / f"there/.000009.tar.{os.uname().nodename}.999999.partial").touch()
    with store.writing("000000.tar") as path:
        path.write_bytes(b"one")
    assert store.names() == {"000000.tar"}
    store.sweep()
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["000000.tar"]
