"""Worker processes that make screens, each with a browser of its own, and the watch over them.

    with Farm(workers=8) as farm:
        for outcome in farm.make(plans): ...    # Made or Failed, in the order of the plans

Nothing that a page does reaches this process: a worker that hangs, dies or grows too large is killed with its browser, a new one takes its
place, and the page gets one more try there. Workers and browsers end with this process, however it ends.
"""

import ctypes
import fcntl
import importlib
import logging
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import islice
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import IO, TYPE_CHECKING

from contracts.errors import InputError

if TYPE_CHECKING:
    from datagen.screens import Plan

# Seconds for one screen, for the first of a worker, which also starts the browser and reads the kits, and before that for the worker's process to start.
PAGE_SECONDS = 20.0
FIRST_PAGE_SECONDS = 90.0
START_SECONDS = 90.0
# Bytes that a worker and its browser may hold together (chromium.py bounds each process of the browser by itself).
WORKER_MEMORY = 6 << 30
TRIES = 2
STUDIO = "datagen.screens:Studio"
# Plans that a worker is given ahead, so that it never waits for this process.
_AHEAD = 2
# Screens that may wait for an earlier one. Among so many plans a worker is given those for the kit that it has loaded.
_WINDOW = 256
_WATCH_EVERY = 2.0
_PR_SET_PDEATHSIG = 1
_FOLDER = "screenry-farm-"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Made:
    """A finished screen: its labels (a `Screen` as JSON), its PNG, and what made it."""

    plan: "Plan"
    generator: str
    labels: bytes
    png: bytes


@dataclass(frozen=True)
class Failed:
    """A try that ended badly, after so many seconds. `final`: there will be no other, the screen stays away."""

    plan: "Plan"
    error: str
    seconds: float
    final: bool


@dataclass
class _Task:
    plan: "Plan"
    place: int
    tries: int = 0


class _Worker:
    """A process, the tasks it was given (the first is the one it is at), and since when it has been at it."""

    def __init__(self, studio: str, folder: Path):
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, studio, str(folder), os.getpid()), daemon=True)
        self.process.start()
        theirs.close()
        self.tasks: deque[_Task] = deque()
        self.since, self.limit = time.monotonic(), START_SECONDS
        self.document: str | None = None

    def give(self, task: _Task) -> None:
        if not self.tasks:
            self.since = time.monotonic()
        self.tasks.append(task)
        self.document = _document(task.plan)
        with suppress(BrokenPipeError):  # its death is noticed where its answers are read
            self.connection.send(task.plan)

    def ask_to_end(self) -> None:
        with suppress(OSError):
            self.connection.send(None)

    def kill(self) -> None:
        """Kill the process and all that it started."""
        import psutil

        with suppress(psutil.NoSuchProcess):
            family = [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]
            for process in family:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        self.process.join()
        self.connection.close()

    def problem(self) -> str | None:
        """Why this worker has to go, if it has to."""
        if time.monotonic() - self.since > self.limit:
            return f"the page took longer than {self.limit:.0f} s"
        if (memory := self._memory()) > WORKER_MEMORY:
            return f"the browser grew to {memory >> 20} MiB, and {WORKER_MEMORY >> 20} MiB is the limit"
        return None

    def _memory(self) -> int:
        """Bytes held by the process and all that it started."""
        import psutil

        total = 0
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.process.pid)
            for member in (process, *process.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    total += member.memory_info().rss
        return total


class Farm:
    """A context manager around up to `workers` processes, started when there is work. `studio` is the `module:class` that makes their screens."""

    def __init__(self, workers: int, studio: str = STUDIO):
        self._most, self._studio = workers, studio
        self._workers: list[_Worker] = []
        self._said: set[str] = set()
        self._watched = time.monotonic()

    def __enter__(self) -> "Farm":
        _sweep()
        self._folder = Path(tempfile.mkdtemp(prefix=_FOLDER))
        self._folder.chmod(0o1733)  # browsers, which are another user, keep their profiles and sockets here
        self._lock = _locked(self._folder)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            for worker in self._workers:
                worker.ask_to_end()
            deadline = time.monotonic() + 5
            for worker in self._workers:
                worker.process.join(max(0.0, deadline - time.monotonic()))
        for worker in self._workers:
            worker.kill()
        shutil.rmtree(self._folder, ignore_errors=True)
        if self._lock:
            self._lock.close()

    def make(self, plans: Iterable["Plan"]) -> Iterator[Made | Failed]:
        """What becomes of each plan, in their order; a failed first try is told when it happens. InputError if nothing can be rendered here."""
        coming, waiting, finished = enumerate(plans), deque[_Task](), dict[int, Made | Failed]()
        read = told = 0
        while True:
            for place, plan in islice(coming, max(_WINDOW, 4 * self._most) - (read - told)):
                waiting.append(_Task(plan, place))
                read += 1
            if told == read:
                return
            self._hand_out(waiting)
            for place, outcome in self._outcomes(waiting):
                if isinstance(outcome, Failed) and not outcome.final:
                    yield outcome
                else:
                    finished[place] = outcome
            while told in finished:
                yield finished.pop(told)
                told += 1

    def _hand_out(self, waiting: deque[_Task]) -> None:
        while waiting:
            worker = min(self._workers, key=lambda worker: len(worker.tasks), default=None)
            if (worker is None or worker.tasks) and len(self._workers) < self._most:
                worker = _Worker(self._studio, self._folder)
                self._workers.append(worker)
            if worker is None or len(worker.tasks) >= _AHEAD:
                return
            worker.give(_next_for(worker, self._workers, waiting))

    def _outcomes(self, waiting: deque[_Task]) -> Iterator[tuple[int, Made | Failed]]:
        """Wait until something happens: the places of plans and what became of them. What is to be done again goes back to `waiting`."""
        ready = wait([worker.connection for worker in self._workers], timeout=_WATCH_EVERY)
        for worker in [worker for worker in self._workers if worker.connection in ready]:
            try:
                kind, *what = worker.connection.recv()
            except (EOFError, OSError):
                yield from self._replace(worker, "the worker's process died", waiting)
                continue
            if kind == "made":
                task = worker.tasks.popleft()
                worker.since, worker.limit = time.monotonic(), PAGE_SECONDS
                yield task.place, Made(task.plan, *what)
            elif kind == "ready":
                worker.since, worker.limit = time.monotonic(), FIRST_PAGE_SECONDS
            elif kind == "failed":
                yield from self._replace(worker, what[0], waiting)
            elif kind == "impossible":
                raise what[0]
            elif what[0] not in self._said:  # a warning, which every worker would give
                self._said.add(what[0])
                _log.warning(what[0])
        if time.monotonic() - self._watched > _WATCH_EVERY:
            self._watched = time.monotonic()
            for worker in list(self._workers):
                # An answer that waits to be read is an answer in time: this process may have been busy.
                if worker.tasks and not worker.connection.poll() and (problem := worker.problem()):
                    yield from self._replace(worker, problem, waiting)

    def _replace(self, worker: _Worker, error: str, waiting: deque[_Task]) -> Iterator[tuple[int, Failed]]:
        """Put an end to a worker. The task that it was at has failed once more; the others have not been tried."""
        self._workers.remove(worker)
        worker.kill()
        if not worker.tasks:
            return
        task = worker.tasks.popleft()
        waiting.extendleft(reversed(worker.tasks))
        task.tries += 1
        final = task.tries == TRIES
        if not final:
            waiting.appendleft(task)
        yield task.place, Failed(task.plan, error, time.monotonic() - worker.since, final)


def _next_for(worker: _Worker, workers: list[_Worker], waiting: deque[_Task]) -> _Task:
    """The next task for a worker: for the kit that it has loaded, else the oldest for a kit that no other has, else the oldest.

    None waits for ever: no plan is read before those that were read `_WINDOW` plans earlier have ended.
    """
    others = {other.document for other in workers}
    documents = [_document(task.plan) for task in waiting]
    number = next((n for n, document in enumerate(documents) if document == worker.document), None)
    if number is None:
        number = next((n for n, document in enumerate(documents) if document not in others), 0)
    task = waiting[number]
    del waiting[number]
    return task


def _document(plan: "Plan") -> str:
    from datagen.kits import kit

    return kit(plan.kit).document


# ---- in a worker -----------------------------------------------------------------------------------------------------------------------------


def _work(connection: Connection, studio: str, folder: str, parent: int) -> None:
    """What a worker does: make each plan it receives, until it receives None or something goes wrong, which it tells with its last words."""
    _die_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all processes of a terminal; the main one decides
    os.environ["TMPDIR"] = tempfile.tempdir = folder
    logging.getLogger("datagen").addHandler(_Forward(connection))
    module, _, name = studio.partition(":")
    stack = ExitStack()
    try:
        open_studio = stack.enter_context(getattr(importlib.import_module(module), name)())
        connection.send(("ready",))
        while (plan := connection.recv()) is not None:
            screen, png = open_studio.make(plan)
            connection.send(("made", screen.generator, screen.model_dump_json().encode(), png))
    except InputError as error:
        _tell(connection, "impossible", error)
    except Exception as error:
        _tell(connection, "failed", f"{type(error).__name__}: {(str(error).strip() or 'no message').splitlines()[0]}")
    else:
        stack.close()
        return
    # To be killed with the browser: closing one that misbehaves may take for ever.
    with suppress(EOFError, OSError):
        while True:
            connection.recv()


def _tell(connection: Connection, *message: object) -> None:
    with suppress(OSError):
        connection.send(message)


class _Forward(logging.Handler):
    """Sends warnings to the main process, which says each once."""

    def __init__(self, connection: Connection):
        super().__init__(logging.WARNING)
        self._connection = connection

    def emit(self, record: logging.LogRecord) -> None:
        _tell(self._connection, "warning", record.getMessage())


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, even by kill -9. (Elsewhere than on Linux the closed pipe ends it at its next screen.)"""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


# ---- temporary folders -----------------------------------------------------------------------------------------------------------------------


def _locked(folder: Path) -> IO[str] | None:
    """Mark a folder as in use for as long as the returned file is open; None if somebody else uses it."""
    file = (folder / "in-use").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


def _sweep() -> None:
    """Remove what killed farms left behind: browser profiles."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*"):
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime > 60 and (lock := _locked(folder)):
                shutil.rmtree(folder, ignore_errors=True)
                lock.close()
