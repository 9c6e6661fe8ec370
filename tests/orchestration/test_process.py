"""Children: their output, their errors, their end."""

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestration.process import CommandError, Console, own_error


@pytest.mark.parametrize(
    ("output", "told"),
    [
        (
            ["working", "error: params.yaml: x: is missing. Set it.", "ERROR: failed to reproduce 'x': exited with 1"],
            "error: params.yaml: x: is missing. Set it.",
        ),
        (["error: first", "error: second", "  torchrun's long table"], "error: second"),
        (
            ["Traceback (most recent call last):", "KeyError: 'x'", "ERROR: failed to reproduce 'x'"],
            "Traceback (most recent call last):\nKeyError: 'x'",
        ),
        (["ERROR: lock file is broken"], "ERROR: lock file is broken"),
        (["ERROR: failed to reproduce 'x': No such file: 'artifacts/y'"], "ERROR: failed to reproduce 'x': No such file: 'artifacts/y'"),
        ([], ""),
    ],
)
def test_own_error(output: list[str], told: str) -> None:
    assert own_error(output) == told


def test_output_reaches_the_log_and_the_terminal(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    terminal = os.open(tmp_path / "terminal", os.O_WRONLY | os.O_CREAT)
    Console(terminal).run([sys.executable, "-c", "import sys; print('one'); print('two', file=sys.stderr)"])
    os.close(terminal)
    assert sorted((tmp_path / "terminal").read_text().split()) == ["one", "two"]
    assert sorted(capfd.readouterr().err.split()) == ["one", "two"]


def test_a_bar_is_live_on_a_terminal_and_brief_in_the_log(capfd: pytest.CaptureFixture[str]) -> None:
    ours, terminal = pty.openpty()
    bar = "import sys\nassert sys.stderr.isatty()\nfor n in range(100): print(f'\\rbar {n}', end='', file=sys.stderr)\nprint('\\rbar done', file=sys.stderr)"
    Console(terminal).run([sys.executable, "-c", bar])
    shown = os.read(ours, 65536).decode()
    assert "\rbar 50\r" in shown and shown.rstrip().endswith("bar done")
    assert capfd.readouterr().err.splitlines() == ["bar 0", "bar done"]
    os.close(ours)
    os.close(terminal)


def test_a_failure_carries_the_code_and_the_last_word() -> None:
    with pytest.raises(CommandError) as raised:
        Console().run([sys.executable, "-c", "import sys; print('error: no.', file=sys.stderr); sys.exit(3)"])
    assert (raised.value.returncode, raised.value.paragraph) == (3, "error: no.")
    with pytest.raises(CommandError, match="ended with exit code 2 and no output"):
        Console().run([sys.executable, "-c", "raise SystemExit(2)"])


STUBBORN = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""


def test_an_interrupted_command_leaves_no_process_behind(tmp_path: Path) -> None:
    program = f"""
import os, sys
from orchestration.process import Console
terminal = os.open({str(tmp_path / "out")!r}, os.O_WRONLY | os.O_CREAT)
Console(terminal).run([sys.executable, "-c", {STUBBORN!r}])
"""
    runner = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    while not (tmp_path / "out").exists() or not (tmp_path / "out").read_text().strip():
        assert time.monotonic() < deadline and runner.poll() is None
        time.sleep(0.05)
    grandchild = int((tmp_path / "out").read_text().split()[0])
    os.kill(grandchild, 0)
    runner.send_signal(signal.SIGINT)
    assert runner.wait(timeout=60) != 0
    while _runs(grandchild):
        assert time.monotonic() < deadline + 30
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z"
