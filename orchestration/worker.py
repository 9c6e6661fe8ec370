"""What launchers share whose jobs run where no connection reaches, such as in pods (`orchestration.job.work`). Code gets there as a commit,
data by way of DVC's remote or a shared folder; what happens comes back as lines in a log, which may break off and be read again."""

import json
import queue
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from contracts.errors import InputError
from orchestration.connection import DisconnectedError
from orchestration.job import FORGOTTEN_AFTER
from orchestration.remote import Place, gpus_per_node, imported, run_dvc, run_git, say, snapshot

PROGRAM = Path(__file__).with_name("job.py")
_REFS = "refs/screenry"
_POLL = 1.0
_LAST_WORDS = 20.0
_LAST_TRIES = 3


def publish(place: Place, folder: str, first: str, port: int) -> dict[str, Any]:
    """Push code and inputs to where the job can fetch them. Returns the request that `orchestration.job.work` reads; `first:port` is where nodes meet."""
    target, job = place.target, place.job
    commit = revision = ""
    ref = f"{_REFS}/{place.own}/{job.name}/{time.time():.0f}"
    if not place.shared:
        with snapshot(place.code, target.changes == "carry") as (commit, revision):
            run_git("push", "-q", "--no-verify", str(target.git), f"{commit}:{ref}")
        withdraw(place, but=ref)
        if job.inputs:
            run_dvc("push", *job.inputs)
    argv = [target.python, "-m", "orchestration.launch", job.module, "--here"]
    env = {**target.env, "PYTHONPATH": ".", "PYTHONUNBUFFERED": "1"}
    if target.nodes > 1:
        argv += ["--nodes", str(target.nodes), "--node", "{node}", "--rendezvous", f"{first}:{port}"]
        if target.interface:
            env |= {"GLOO_SOCKET_IFNAME": target.interface, "NCCL_SOCKET_IFNAME": target.interface}
    return {
        "stage": job.stage.name, "name": job.name, "folder": folder, "tree": target.folder if place.shared else f"{folder}/tree", "argv": argv, "env": env,
        "nodes": target.nodes, "sbatch": None, "git": None if place.shared else target.git, "ref": ref, "snapshot": commit,
        "revision": revision, "inputs": job.inputs, "outs": list(job.stage.outs), "dvc": target.dvc,
        "modules": imported(job.stage), "programs": [] if place.shared else ["git", target.dvc], "gpus": gpus_per_node(place),
        "beat": min(10.0, target.vanished_after / 4), "keep": target.keep_jobs, "vanished_after": target.vanished_after,
    }  # fmt: skip


def withdraw(place: Place, but: str | None = None) -> None:
    """Delete the commits of this stage's jobs from `git`, and those that nobody has withdrawn, whose launchers are gone."""
    url = str(place.target.git)
    if place.shared:
        return
    own, found = f"{_REFS}/{place.own}/{place.job.stage.name}-", []
    try:
        for ref in (line.split("\t")[1] for line in run_git("ls-remote", url, f"{_REFS}/*").splitlines()):
            pushed = ref.rpartition("/")[2]
            forgotten = pushed.isdecimal() and time.time() - int(pushed) > FORGOTTEN_AFTER
            if ref != but and (ref.startswith(own) or forgotten):
                found.append(ref)
        if found:
            run_git("push", "-q", "--no-verify", "--delete", url, *found)
    except InputError as error:  # a stage that has run well does not fail because of it
        say(f"{', '.join(found) or _REFS} could not be deleted in {url}: {error.problem}")


def bring(version: str, out: Path) -> Path:
    """The folder whose hash DVC's remote knows, beside the place where it belongs."""
    arrived, pointer = out.with_name(f".{out.name}.arrived"), Path(f"{out.name}.arrived.dvc")
    # As JSON, which is YAML too; DVC reads no pointer that git ignores, so for this moment it lies in the open.
    pointer.write_text(json.dumps({"outs": [{"md5": version, "hash": "md5", "path": str(arrived)}]}), encoding="utf-8")
    try:
        run_dvc("pull", "-q", "--force", str(pointer))
    finally:
        pointer.unlink()
    return arrived


class Source(Protocol):
    """A job as its cluster or cloud tells it."""

    def state(self) -> dict[str, Any]:
        """As `orchestration.job.state`; `reason` says why it does not start, `stuck` that waiting alone will not help, `why` what has ended it. May raise
        DisconnectedError."""

    def log(self, state: dict[str, Any]) -> Iterator[bytes]:
        """Lines of the attempt's log from its start, as they come, to its end."""

    def vanished(self, state: dict[str, Any]) -> dict[str, Any]:
        """The attempt gives no sign of life: write that down. Returns the state."""

    def give_up(self, state: dict[str, Any]) -> None:
        """The attempt will never start: end it. Raises the InputError that says why."""


class Reader:
    """Lines of a log that may be read more than once, as events that come once."""

    def __init__(self, log_at: int, messages_at: int):
        self._at = {"log": log_at, "messages": messages_at}
        self._attempt = self._others = self._others_told = 0
        self.known: dict[str, Any] = {}
        """What the job itself has said of its state."""

    def begin(self, attempt: int) -> None:
        """The log is read from its start."""
        self._others = 0
        if attempt != self._attempt:
            self._attempt, self._others_told = attempt, 0

    def take(self, line: bytes) -> dict[str, Any] | None:
        """The event of a line, unless it was told before."""
        try:
            event = json.loads(line)
            (kind,) = {"log", "messages", "state", "facts", "outs", "beat"} & event.keys()
        except (ValueError, AttributeError):
            self._others += 1
            if self._others <= self._others_told or not line.strip():
                return None
            self._others_told = self._others
            return {"say": line.decode(errors="replace")}
        if kind in self._at:
            text, end = event[kind].encode("utf-8", "surrogateescape"), int(event["at"])
            new = end - self._at[kind]
            if new <= 0:
                return None
            self._at[kind] = end
            return {kind: text[-new:].decode("utf-8", "surrogateescape"), "at": end}
        if kind == "state":
            self.known |= {key: event["state"][key] for key in ("host", "lost_seconds", "lost_steps", "resumed_step") if key in event["state"]}
        elif kind == "outs":
            self.known["outs"] = event["outs"]
        return event if kind == "facts" else None


def follow(source: Source, reader: Reader, patience: float) -> None:
    """Write what happens as lines of JSON to stdout, until the job no longer runs. A job that is silent for `patience` seconds has vanished."""
    lines: queue.Queue[bytes] = queue.Queue()
    reading: _Reading | None = None
    seen, told, heard, stuck_since, again = None, set[str](), time.monotonic(), time.monotonic(), _LAST_TRIES
    while True:
        now = source.state()
        if seen is not None and now["attempts"] < seen["attempts"]:  # someone has deleted it, who does not want it any more
            now = seen | {"phase": "ended", "code": 143, "cancelled": True, "again": False}
        if seen is None or seen["phase"] != "running":
            heard = time.monotonic()
        seen = now
        active = now["phase"] in ("waiting", "running")
        if now["phase"] not in ("new", "waiting") and (reading is None or (active and not reading.is_alive()) or reading.broken):
            reader.begin(now["attempts"])
            reading = _Reading(source, now, lines)
        if not active and reading is not None:
            reading.join(_LAST_WORDS)
            if reading.broken and again:
                again -= 1
                time.sleep(_POLL)
                continue
        while not lines.empty():
            heard = time.monotonic()
            event = reader.take(lines.get())
            if event is not None:
                _tell(event)
        if now["phase"] == "running" and time.monotonic() - heard > patience:
            _tell({"say": f"attempt {now['attempts']} has given no sign of life for {patience:.0f} s"})
            now = source.vanished(now)
            active = False
        said = f"waits: {now['reason']}" if now.get("reason") else f"attempt {now['attempts']} ended: {now['why']}" if now.get("why") else None
        if said and said not in told:  # what alternates is said once
            told.add(said)
            _tell({"say": said})
        if not now.get("stuck"):
            stuck_since = time.monotonic()
        elif time.monotonic() - stuck_since > patience:
            source.give_up(now)
        _tell({"state": now | reader.known})
        if not active:
            return
        time.sleep(_POLL)


def tell_error(error: InputError) -> None:
    """The last event: what a person must mend, which the launcher raises."""
    _tell({"error": {"problem": error.problem, "fix": error.fix, "file": str(error.file), "field": error.field, "found": error.found}})


class _Reading(threading.Thread):
    """Reads the log beside what else is watched; `broken` once it has broken off, so that it is to be read again."""

    def __init__(self, source: Source, state: dict[str, Any], lines: "queue.Queue[bytes]"):
        super().__init__(daemon=True)
        self._source, self._state, self._lines = source, state, lines
        self.broken = False
        self.start()

    def run(self) -> None:
        try:
            for line in self._source.log(self._state):
                self._lines.put(line)
        except DisconnectedError:
            self.broken = True


def _tell(event: dict[str, Any]) -> None:
    print(json.dumps(event), flush=True)
