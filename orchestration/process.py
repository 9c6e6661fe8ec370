"""Runs one command of the line as a child: its output streamed while it works, its own error found when it fails."""

import fcntl
import os
import pty
import re
import signal
import subprocess
import sys
import termios
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

# A log keeps one state of a progress bar in this many seconds; a terminal shows them all.
_BAR_EVERY = 5.0
# Seconds a child gets to end by itself after SIGINT, then after SIGTERM.
_PATIENCE = ((signal.SIGINT, 20.0), (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))
_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_KEPT_LINES = 200
# A line ends with a line feed; a state of a progress bar with a carriage return that something else follows.
_ENDS = re.compile(rb"(\r*\n|\r+(?=[^\r\n]))")


class CommandError(Exception):
    """A child ended badly. `paragraph` is its own last word: its `error:` line, else the end of its output."""

    def __init__(self, argv: Sequence[str], returncode: int, paragraph: str):
        self.argv, self.returncode, self.paragraph = tuple(argv), returncode, paragraph
        super().__init__(paragraph)


class Console:
    """Where output goes: the log of the running step (this process's stderr), and the terminal of a person who watches, if any.

    `terminal` is a file descriptor. If it is a real terminal the child gets one too, so that its progress bars move.
    """

    def __init__(self, terminal: int | None = None):
        self._terminal = terminal
        self._live = terminal is not None and os.isatty(terminal)

    def line(self, text: str) -> None:
        """One line for both."""
        self._log(text)
        self._show(f"{text}\n".encode())

    def run(self, argv: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        """Run a command to its end. CommandError if it fails; if this process is interrupted, the child and all its children are stopped first."""
        inside, outside = self._channel()
        child = subprocess.Popen(
            argv, env=project_environment() | dict(env or {}), stdin=subprocess.DEVNULL, stdout=outside, stderr=outside, start_new_session=True
        )
        os.close(outside)
        kept: deque[str] = deque(maxlen=_KEPT_LINES)
        reader = threading.Thread(target=self._forward, args=(inside, kept), daemon=True)
        reader.start()
        try:
            child.wait()
        except BaseException:
            _stop(child)
            raise
        finally:
            # A grandchild that outlives the command may hold the channel open; it must not hold the step.
            reader.join(timeout=10)
        if child.returncode != 0:
            raise CommandError(
                argv, child.returncode, own_error(kept) or f"error: {' '.join(argv)} ended with exit code {child.returncode} and no output."
            )

    def _channel(self) -> tuple[int, int]:
        if not self._live:
            return os.pipe()
        assert self._terminal is not None
        inside, outside = pty.openpty()
        fcntl.ioctl(outside, termios.TIOCSWINSZ, fcntl.ioctl(self._terminal, termios.TIOCGWINSZ, b"\0" * 8))
        return inside, outside

    def _forward(self, inside: int, kept: deque[str]) -> None:
        write = self._log if self._live else self.line
        rest, last_bar = b"", 0.0
        with os.fdopen(inside, "rb", buffering=0) as stream:
            while True:
                try:
                    chunk = stream.read(65536)
                except OSError:  # how a pseudo terminal says that the other side has gone
                    chunk = b""
                if self._live:
                    self._show(chunk)
                *parts, rest = _ENDS.split(rest + chunk) if chunk else [rest, b"\n", b""]
                for raw, end in zip(parts[::2], parts[1::2], strict=True):
                    text = _ANSI.sub("", raw.decode("utf-8", errors="replace")).rstrip()
                    if not end.endswith(b"\n"):  # one state of a bar
                        if not text or time.monotonic() - last_bar < _BAR_EVERY:
                            continue
                        last_bar = time.monotonic()
                    if text or chunk:
                        kept.append(text)
                        write(text)
                if not chunk:
                    return

    def _log(self, text: str) -> None:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    def _show(self, output: bytes) -> None:
        while self._terminal is not None and output:
            output = output[os.write(self._terminal, output) :]


def project_environment() -> dict[str, str]:
    """This process's environment with the project's own programs (python, dvc) first on PATH."""
    return {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])}


def own_error(output: Sequence[str]) -> str:
    """What a failed command says about its failure: the last line that starts with `error:`, else the end of its output.

    DVC and torchrun add their own text after a stage's; neither knows what went wrong.
    """
    lines = [line.strip() for line in output]
    for line in reversed(lines):
        if line.startswith("error: "):
            return line
    said = [line for line in output if line.strip()]
    meaningful = [line for line in said if not line.startswith("ERROR: failed to reproduce")]
    return "\n".join(meaningful[-20:] or said[-1:])


def _stop(child: "subprocess.Popen[bytes]") -> None:
    for sent, seconds in _PATIENCE:
        try:
            os.killpg(child.pid, sent)
        except ProcessLookupError:
            return
        try:
            child.wait(timeout=seconds)
            return
        except subprocess.TimeoutExpired:
            continue
