"""The host's side of a launch: one job in one folder, and all that is known of it in files there.

    python job.py facts | prepare | checkout | submit | run | follow | cancel | collected | work ...

One file of the standard library, because it is sent over the connection (`python - follow ...`) before anything is installed or checked out. Where there is
no connection, in a pod, `work` does all of it, and its output is what `follow` writes.

    FOLDER/job.json          what to run, and how
    FOLDER/tree/             the code at its revision, the stage's inputs, its checkpoints and its output
    FOLDER/attempts/         one file per attempt and node: when it started and where it resumed; when and how it ended
    FOLDER/log, messages     output and Dagster Pipes messages of all attempts, only ever appended to, so that a byte offset says what was read
    FOLDER/lock-N            held by the supervisor of node N as long as it lives: neither a reboot nor a reused process id can fake that
    FOLDER/alive-N           its sign of life, every other second, with the last step that the stage's log has
    FOLDER/slurm             the number of Slurm's job
    FOLDER/cancelled, collected

A job runs under a supervisor (`run`) in a session of its own, and every process of it carries the folder's name in its environment. A supervisor ends its
attempt by itself once the job is cancelled or another attempt has begun: a node that nobody reaches cannot go on beside the one that took its place.
"""

import fcntl
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import IO, Any

# In the environment of every process of a job: FOLDER:NODE:ATTEMPT.
MARK = "SCREENRY_JOB"
# Seconds between SIGTERM and SIGKILL: a training makes its checkpoint in that time.
KILL_AFTER = 20.0
# A supervisor whose sign of life is older than so many seconds is lost (the target's `vanished_after`, if job.json says it), even where its lock is still held
# (a file server that has not noticed) or Slurm still counts on its node.
STALE_AFTER = 60.0
FORGOTTEN_AFTER = 30 * 24 * 3600.0
_BEAT = 2.0
_START_PATIENCE = 60.0
_CHUNK = 1 << 16
# Exit code of `work` where something is missing that a person must bring.
_LACKING = 78
_SLURM_ACTIVE = {
    "PENDING", "RUNNING", "COMPLETING", "CONFIGURING", "SUSPENDED", "STOPPED", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "SPECIAL_EXIT",
    "RESIZING", "SIGNALING", "STAGE_OUT",
}  # fmt: skip
# In these states a node must give signs of life.
_SLURM_AT_WORK = {"RUNNING", "COMPLETING"}
_SIGNAL_CODES = {128 + signal.SIGTERM, 128 + signal.SIGKILL, 128 + signal.SIGHUP}


def facts(request: dict[str, Any]) -> dict[str, Any]:
    """What this host lacks of what the stage needs: Python modules, programs, room, a folder that can be written to; and its GPUs."""
    folder = Path(request["folder"]).expanduser()
    found: dict[str, Any] = {"host": socket.gethostname(), "folder": str(folder), "python": list(sys.version_info[:2]), "home": str(Path.home())}
    found["modules"] = [name for name in request["modules"] if importlib.util.find_spec(name) is None]
    found["programs"] = [name for name in request["programs"] if shutil.which(name) is None]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{socket.gethostname()}-{os.getpid()}"  # in pods all are process 1
        probe.write_text("")
        probe.unlink()
        found["free_bytes"] = shutil.disk_usage(folder).free
    except OSError as error:
        found["folder_error"] = error.strerror
    listing = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True, check=False).stdout if shutil.which("nvidia-smi") else ""
    found["gpus"] = sum(line.startswith("GPU ") for line in listing.splitlines())
    found["token"] = request.get("token") is None or (folder / request["token"]).is_file()
    return found


def prepare(folder: Path, code: Path) -> dict[str, Any]:
    """Make the job's folder and the bare repository that its code is pushed to. Returns the job's state."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # job.json holds the environment that the target sets
    (folder / "attempts").mkdir(exist_ok=True)
    if not (code / "HEAD").is_file():
        subprocess.run(["git", "init", "-q", "--bare", str(code)], check=True)
    return state(folder)


def checkout(folder: Path, code: Path, snapshot: str, revision: str) -> None:
    """The pushed files in FOLDER/tree, under the revision that they were made from: git tells the difference, as it does where they come from."""
    tree = folder / "tree"
    if not (tree / ".git").is_dir():
        subprocess.run(["git", "clone", "-q", "--shared", "--no-checkout", str(code), str(tree)], check=True)
    for command in (["fetch", "-q", "origin", "+refs/heads/*:refs/remotes/origin/*"], ["checkout", "-q", "--force", "--detach", snapshot]):
        subprocess.run(["git", "-C", str(tree), *command], check=True)
    subprocess.run(["git", "-C", str(tree), "reset", "-q", "--soft", revision], check=True)


def state(folder: Path) -> dict[str, Any]:
    """Where the job stands. `phase`: new, waiting (for Slurm), running, ended (with `code`), lost (it neither runs nor said how it ended).

    `again`: it ended because its host or scheduler ended it, so that it is worth another attempt.
    """
    attempts = _attempts(folder)
    found: dict[str, Any] = {
        "phase": "new",
        "code": None,
        "attempts": max((attempt["attempt"] for attempt in attempts), default=0),
        "again": False,
        "cancelled": (folder / "cancelled").exists(),
        "collected": (folder / "collected").exists(),
        "lost_seconds": round(sum(attempt.get("lost_seconds", 0.0) for attempt in attempts), 1),
        "lost_steps": sum(attempt.get("lost_steps", 0) for attempt in attempts),
    }
    newest = [attempt for attempt in attempts if attempt["attempt"] == found["attempts"]]
    if newest:
        found |= {"host": newest[0]["host"], "started": newest[0]["started"], "resumed_step": newest[0].get("resumed_step")}
        found["step"] = _last_said(folder)
    codes = [attempt.get("code") for attempt in newest]
    slurm = _slurm(folder)
    if slurm is not None:
        found["slurm"] = slurm[0]
        found["cancelled"] |= slurm[1] == "CANCELLED"  # whoever took it from the queue does not want it there again
        done = bool(newest) and all(code == 0 for code in codes)
        if slurm[1] in _SLURM_ACTIVE and not done:
            # An attempt that Slurm has requeued may have had no time to say how it ended.
            own = [attempt["node"] for attempt in newest if attempt.get("code") is None and attempt.get("slurm") == slurm[2]]
            if slurm[1] in _SLURM_AT_WORK and any(_silent(folder, node) for node in own):
                time.sleep(1)  # one that Slurm had suspended and has just resumed speaks up
                if any(_silent(folder, node) for node in own):
                    return found | {"phase": "lost", "again": True}
            return found | {"phase": "running" if own else "waiting"}
    elif newest and len(newest) < int(_request(folder)["nodes"]):
        started = time.time() - max(attempt["started"] for attempt in newest)
        return found | {"phase": "running" if started < _START_PATIENCE else "lost", "again": started >= _START_PATIENCE}
    if not newest:
        # A job that Slurm no longer knows, and that never began.
        return found if slurm is None else found | {"phase": "lost", "again": True}
    gone = [attempt for attempt in newest if attempt.get("code") is None and (slurm is not None or not _lives(folder, attempt["node"]))]
    if any(code is None for code in codes) and not gone:
        return found | {"phase": "running"}
    if gone:
        return found | {"phase": "lost", "again": True}
    again = not found["cancelled"] and any(attempt["told_to_end"] or attempt["code"] in _SIGNAL_CODES for attempt in newest)
    return found | {"phase": "ended", "code": next((code for code in codes if code), 0), "again": again}


def submit(folder: Path, request: dict[str, Any], node: int) -> dict[str, Any]:
    """Start the job unless it is there already; jobs of the same stage with other inputs, which nobody waits for any more, are stopped first."""
    with _held(folder / "submit.lock"):
        now = state(folder)
        if now["phase"] in ("waiting", "running") and not (node and not _lives(folder, node)):
            return now
        for other in folder.parent.glob(f"{request['stage']}-*"):
            if other != folder and (other / "job.json").is_file() and state(other)["phase"] in ("waiting", "running"):
                cancel(other)
        for marker in ("cancelled", "collected"):
            (folder / marker).unlink(missing_ok=True)
        _write(folder / "job.json", request)
        program = str(Path(request["tree"]) / "orchestration/job.py")
        if request["sbatch"] is not None:
            _sbatch(folder, request, program)
        else:
            _detached(folder, node, [sys.executable, program, "run", str(folder), str(node)])
        return state(folder)


def run(folder: Path, node: int) -> int:
    """Supervise one attempt to its end; returns the stage's exit code."""
    with _own_lock(folder, node) as free:
        if not free:
            print(f"{folder}: another supervisor runs this job", file=sys.stderr)
            return 75
        _end(f"{folder}:{node}")  # what a supervisor that was killed has left behind
        told: list[float] = []

        def tell(number: int, frame: FrameType | None) -> None:
            told.append(time.monotonic())

        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, tell)
        request = _request(folder)
        file, attempt = _new_attempt(folder, request, node)
        mark = f"{folder}:{node}:{attempt['attempt']}"
        argv = [part.replace("{node}", str(node)) for part in request["argv"]]
        steps, step = _partial(request) / "log.jsonl", 0
        if node == 0:
            steps.unlink(missing_ok=True)  # an earlier attempt's
        with (folder / "log").open("ab") as log:
            child = subprocess.Popen(
                argv, cwd=request["tree"], env={**os.environ, **request["env"], MARK: mark}, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        forwarded = killed = False
        looked = -_BEAT
        while child.poll() is None:
            if time.monotonic() - looked >= _BEAT:
                looked = time.monotonic()
                if _newest(folder) > attempt["attempt"]:
                    _signal(mark, signal.SIGKILL)  # at once: what it would tidy up is the newer attempt's
                    break
                step = _last_step(steps) or step  # a stage that fails takes its log with it
                _give_sign(folder, node, step)
                if (folder / "cancelled").exists():
                    told.append(looked)
            if told and not forwarded:
                forwarded = True
                # To the stage, which ends its helpers (torchrun its workers, a tracker its service) in its own order.
                with suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGTERM)
            if told and not killed and time.monotonic() - told[0] > KILL_AFTER:
                killed = True
                _signal(mark, signal.SIGKILL)
            with suppress(subprocess.TimeoutExpired):
                child.wait(timeout=0.2)  # being told to end does not cut it short
        _signal(mark, signal.SIGKILL)  # whatever outlives the stage is nobody's
        child.wait()
        code = child.returncode if child.returncode >= 0 else 128 - child.returncode
        _write(file, attempt | {"ended": time.time(), "code": code, "told_to_end": bool(told)})
        return code


def follow(folder: Path, log_at: int, messages_at: int, beat: float = _BEAT) -> None:
    """Write what happens as lines of JSON to stdout, from these byte offsets on, until the job no longer runs or nobody reads.

    Where nothing happens the state is said again every `beat` seconds.
    """
    last_state, last_said, looked, now, seen = None, 0.0, 0.0, state(folder), 0
    while True:
        # Slurm is not asked all the time, but as soon as an attempt begins or ends.
        written = max((file.stat().st_mtime_ns for file in (folder / "attempts").glob("*.json")), default=0)
        if not (folder / "slurm").exists() or time.monotonic() - looked > _BEAT or written != seen:
            seen = written
            now, looked = state(folder), time.monotonic()
        # The state is read before the output, so that the last state comes after all of it.
        for name, whole_lines in (("log", False), ("messages", True)):
            at = log_at if name == "log" else messages_at
            for chunk in _read(folder / name, at, whole_lines):
                at += len(chunk)
                print(json.dumps({name: chunk.decode("utf-8", "surrogateescape"), "at": at}))
            log_at, messages_at = (at, messages_at) if name == "log" else (log_at, at)
        if now != last_state or time.monotonic() - last_said > beat:
            print(json.dumps({"state": now}))
            last_state, last_said = now, time.monotonic()
        sys.stdout.flush()
        if now["phase"] not in ("waiting", "running"):
            return
        time.sleep(0.2)


def cancel(folder: Path) -> dict[str, Any]:
    """Stop every process of the job on this host, or Slurm's job: SIGTERM, and SIGKILL for what is left after `KILL_AFTER`. Returns the state."""
    if not folder.is_dir():
        return {"phase": "new", "cancelled": True}
    with _held(folder / "submit.lock"):  # a job that is being submitted is waited for
        (folder / "cancelled").touch()
    slurm = _slurm(folder)
    deadline = time.monotonic() + KILL_AFTER + 10
    if slurm is not None:
        subprocess.run(["scancel", slurm[0]], check=False, capture_output=True)
        while state(folder)["phase"] in ("waiting", "running") and time.monotonic() < deadline:
            time.sleep(0.5)
        return state(folder)
    here = [a for a in _attempts(folder) if a.get("code") is None and a["host"] == socket.gethostname() and _lives(folder, a["node"])]
    for attempt in here:
        _kill(attempt["supervisor"], signal.SIGTERM)
    while any(_lives(folder, attempt["node"]) for attempt in here) and time.monotonic() < deadline:
        time.sleep(0.1)
    for node in {attempt["node"] for attempt in _attempts(folder)}:
        _end(f"{folder}:{node}")
    return state(folder)


def collected(folder: Path, keep: int) -> None:
    """The output was taken: remember that, and remove the folders of older jobs but for the newest `keep`, whose files new jobs share.

    Jobs that did not end well keep their checkpoints until nothing has happened in them for `FORGOTTEN_AFTER`.
    """
    (folder / "collected").touch()
    for job in folder.parent.iterdir():
        newest = max((file.stat().st_mtime for file in [job / "log", *(job / "attempts").glob("*")] if file.exists()), default=None)
        if newest is not None and time.time() - newest > FORGOTTEN_AFTER and state(job)["phase"] not in ("waiting", "running"):
            shutil.rmtree(job, ignore_errors=True)
    done = sorted((f.parent for f in folder.parent.glob("*/collected")), key=lambda job: (job / "collected").stat().st_mtime, reverse=True)
    for job in done[keep:]:
        shutil.rmtree(job, ignore_errors=True)


def work(request: dict[str, Any], node: int) -> int:
    """A job from its inputs to its output on a machine that nothing but its log connects to the one that asked; returns the stage's exit code.

    Writes lines of JSON to stdout: those of `follow`, `facts` if something is missing, `beat` while something else takes time, and `outs`, what DVC's remote
    holds of the output. Several nodes share the folder.
    """
    folder, tree, supervisor = Path(request["folder"]), Path(request["tree"]), 0

    def tell(number: int, frame: FrameType | None) -> None:
        if not supervisor:
            raise SystemExit(128 + number)
        _kill(supervisor, signal.SIGTERM)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, tell)
    found = facts(request)
    if found["modules"] or found["programs"] or "folder_error" in found or found["gpus"] < request["gpus"]:
        _say(facts=found)
        return _LACKING
    if node == 0:
        prepare(folder, folder / "code.git")
        try:
            _bring(folder, tree, request)
        except subprocess.CalledProcessError as error:
            with (folder / "log").open("a", encoding="utf-8") as log:
                log.write(f"error: {' '.join(error.cmd[:4])} ... failed with exit code {error.returncode}\n")
            follow(folder, 0, 0)
            return 1
        for marker in ("cancelled", "collected"):
            (folder / marker).unlink(missing_ok=True)
        _write(folder / "job.json", request)
    _meet(folder, request, node)
    deadline = time.monotonic() + 2 * STALE_AFTER
    while _lives(folder, node) and time.monotonic() < deadline:  # a supervisor on a node that was lost, whose lock has yet to lapse
        _pause()
    _detached(folder, node, [sys.executable, str(tree / "orchestration/job.py"), "run", str(folder), str(node)])
    own = max((attempt for attempt in _attempts(folder) if attempt["node"] == node), key=lambda attempt: int(attempt["attempt"]))
    supervisor = own["supervisor"]
    if node == 0:
        follow(folder, 0, 0, request["beat"])  # from the start: what an earlier attempt wrote last may have reached nobody
        if _lives(folder, node):  # another node was lost
            _kill(supervisor, signal.SIGTERM)
    while _lives(folder, node):
        _pause()
    code = next(attempt["code"] for attempt in _attempts(folder) if (attempt["attempt"], attempt["node"]) == (own["attempt"], node))
    deadline = time.monotonic() + 2 * STALE_AFTER
    while code and state(folder)["phase"] == "running" and time.monotonic() < deadline:  # whether another node was lost shows when it ends
        _pause()
    now = state(folder)
    if code and (now["again"] or now["attempts"] > own["attempt"]):
        return 128 + signal.SIGTERM
    if code == 0 and node == 0:
        if request["git"]:
            try:
                _say(outs=_push(tree, request))
            except subprocess.CalledProcessError as error:
                print(f"error: {' '.join(error.cmd[:2])} failed with exit code {error.returncode}: the output stays in {tree}", flush=True)
                return 1
        collected(folder, request["keep"])
    return 128 + signal.SIGKILL if code is None else int(code)


def _bring(folder: Path, tree: Path, request: dict[str, Any]) -> None:
    """Code and inputs into the tree. CalledProcessError; the command's own words are in the job's log."""
    if not request["git"]:
        return
    code, dvc = folder / "code.git", request["dvc"]
    with (folder / "log").open("ab") as log:
        _patiently(["git", "-C", str(code), "fetch", "-q", request["git"], f"+{request['ref']}:refs/heads/{request['name']}"], Path("/"), log)
        checkout(folder, code, request["snapshot"], request["revision"])
        if request["inputs"]:
            _patiently([dvc, "config", "--local", "cache.dir", str(folder.parent / "dvc-cache")], tree, log)
            _patiently([dvc, "pull", "-q", *request["inputs"]], tree, log)


def _push(tree: Path, request: dict[str, Any]) -> dict[str, str]:
    """The stage's output into DVC's remote; returns hashes by path. Under a name of its own, as the declared one is the stage's."""
    made = tree / "made"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir()
    found = {}
    with (made / "log").open("ab") as log:
        for out in request["outs"]:
            (tree / out).rename(made / Path(out).name)
            for command in (["add", "-q"], ["push", "-q"]):
                _patiently([request["dvc"], *command, f"made/{Path(out).name}" + (".dvc" if command[0] == "push" else "")], tree, log)
            pointer = (made / f"{Path(out).name}.dvc").read_text(encoding="utf-8")
            found[out] = re.findall(r"md5: *(\S+)", pointer)[0]
    return found


def _meet(folder: Path, request: dict[str, Any], node: int) -> None:
    """Wait until the nodes of one job are all there, and the first has brought what they need: a cluster may start them at different times."""
    if request["nodes"] == 1:
        return
    here = [folder / f"here-{number}" for number in range(request["nodes"])]
    here[node].write_text(request["attempt"])
    while any(not file.is_file() or file.read_text() != request["attempt"] for file in here):
        _pause()


def _patiently(command: list[str], cwd: Path, log: IO[bytes]) -> None:
    with subprocess.Popen(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=log, stderr=log) as process:
        while process.poll() is None:
            _pause(process)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)


def _pause(process: "subprocess.Popen[bytes] | None" = None) -> None:
    """A moment, with a sign of life; it ends with the process."""
    _say(beat=time.time())
    if process is None:
        time.sleep(1)
        return
    with suppress(subprocess.TimeoutExpired):
        process.wait(_BEAT)


def _say(**event: Any) -> None:
    print(json.dumps(event), flush=True)


# --- attempts


def _attempts(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(file.read_text(encoding="utf-8")) for file in sorted((folder / "attempts").glob("*.json"))]


def _request(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    return found


def _new_attempt(folder: Path, request: dict[str, Any], node: int) -> tuple[Path, dict[str, Any]]:
    earlier = [attempt for attempt in _attempts(folder) if attempt["node"] == 0]
    number = _newest(folder) + 1 if node == 0 else _attempt_of_first_node(folder, node)
    attempt: dict[str, Any] = {
        "attempt": number, "node": node, "host": socket.gethostname(), "supervisor": os.getpid(), "started": time.time(), "code": None, "told_to_end": False
    }  # fmt: skip
    if slurm := _own_slurm():
        attempt["slurm"] = slurm
    if earlier and node == 0:
        attempt |= _lost(folder, request, earlier[-1], attempt["started"])
    file = folder / "attempts" / f"{number:04d}-{node}.json"
    _give_sign(folder, node, 0)
    _write(file, attempt)
    return file, attempt


def _newest(folder: Path) -> int:
    return max((int(file.name.partition("-")[0]) for file in (folder / "attempts").glob("*.json")), default=0)


def _attempt_of_first_node(folder: Path, node: int) -> int:
    """The attempt that node 0 has begun, which is waited for: Slurm starts all nodes at once."""
    own = max((attempt["attempt"] for attempt in _attempts(folder) if attempt["node"] == node), default=0)
    deadline = time.monotonic() + _START_PATIENCE
    while time.monotonic() < deadline:
        first = [attempt for attempt in _attempts(folder) if attempt["node"] == 0 and attempt["code"] is None and attempt["attempt"] > own]
        if first and first[-1].get("slurm") == _own_slurm():
            return int(first[-1]["attempt"])
        time.sleep(0.2)
    raise SystemExit("node 0 did not start")


def _lost(folder: Path, request: dict[str, Any], last: dict[str, Any], now: float) -> dict[str, Any]:
    """What this attempt does again: seconds since the newest checkpoint (or the last attempt's start), and the steps that the run's log has past it, or had
    when its supervisor looked last: a stage that fails because its neighbour was lost takes its log with it."""
    partial = _partial(request)
    checkpoints = {
        int(found[1]): place.stat().st_mtime
        for place in partial.with_name(f".{request['stage']}.checkpoints").glob("step-*")
        if (found := re.fullmatch(r"step-(\d+)", place.name))
    }
    step = max(checkpoints, default=0)
    reached = max(step, _last_said(folder), _last_step(partial / "log.jsonl"))
    since = max(last["started"], checkpoints.get(step, 0.0))
    return {"resumed_step": step, "lost_steps": reached - step, "lost_seconds": round(now - since, 1)}


def _partial(request: dict[str, Any]) -> Path:
    """Where the stage writes."""
    return Path(request["tree"]) / "artifacts" / f".{request['stage']}.partial"


def _last_step(log: Path) -> int:
    """The last step in a run's log; 0 if it has none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _CHUNK))
            lines = file.read().splitlines()
    except OSError:
        return 0
    for line in reversed(lines):
        try:
            return int(json.loads(line)["step"])
        except (ValueError, KeyError, TypeError):  # a line on something else, or one that was being written when the process died
            continue
    return 0


def _give_sign(folder: Path, node: int, step: int) -> None:
    (folder / f"alive-{node}").write_text(str(step))


def _last_said(folder: Path) -> int:
    try:
        return int((folder / "alive-0").read_text())
    except (OSError, ValueError):
        return 0


def _detached(folder: Path, node: int, argv: list[str]) -> None:
    before = len(list((folder / "attempts").glob(f"*-{node}.json")))
    with (folder / "supervisor.log").open("ab") as log:
        supervisor = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/")
    deadline = time.monotonic() + _START_PATIENCE
    while len(list((folder / "attempts").glob(f"*-{node}.json"))) == before:
        if supervisor.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"the supervisor did not start: {(folder / 'supervisor.log').read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)


# --- Slurm


def _sbatch(folder: Path, request: dict[str, Any], program: str) -> None:
    name = f"{folder.parent.parent.name}-{folder.name}"
    # A launcher may have been killed between sbatch and the note of its answer: the name finds the job again.
    asked = subprocess.run(["squeue", "-h", "--me", "-t", "PD,R,S,CF", "--name", name, "-o", "%A"], capture_output=True, text=True, check=False)
    found = asked.stdout.split()
    if not found:
        supervise = f"exec {_quoted(sys.executable)} {_quoted(program)} run {_quoted(str(folder))}"
        script = ["#!/bin/sh", f"{supervise} 0" if request["nodes"] == 1 else _on_every_node(supervise, request)]
        command = [
            "sbatch", "--parsable", "--requeue", "--open-mode=append", f"--job-name={name}", f"--output={folder / 'slurm.log'}", "--chdir=/",
            f"--nodes={request['nodes']}", *request["sbatch"],
        ]  # fmt: skip
        done = subprocess.run(command, input="\n".join(script) + "\n", capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"sbatch refuses the job: {done.stderr.strip()}")
        found = [done.stdout.strip().split(";")[0]]
    (folder / "slurm").write_text(found[0])


def _on_every_node(supervise: str, request: dict[str, Any]) -> str:
    return f"srun --nodes={request['nodes']} --ntasks-per-node=1 --kill-on-bad-exit=0 sh -c {_quoted(supervise + ' $SLURM_NODEID')}"


def _own_slurm() -> str | None:
    """Which run of which job of Slurm's this process belongs to."""
    return f"{os.environ['SLURM_JOB_ID']}.{os.environ.get('SLURM_RESTART_COUNT', 0)}" if "SLURM_JOB_ID" in os.environ else None


def _slurm(folder: Path) -> tuple[str, str, str] | None:
    """Number and state of Slurm's job, and number.restarts, which tells its runs apart. None: no job of Slurm's.

    The state is UNKNOWN once Slurm has forgotten it, and RUNNING while Slurm does not answer.
    """
    if not (folder / "slurm").is_file():
        return None
    number = (folder / "slurm").read_text().strip()
    asked = subprocess.run(["squeue", "-h", "-t", "all", "-j", number, "-O", "State:30,RestartCnt:10"], capture_output=True, text=True, check=False)
    if asked.returncode != 0 and "Invalid job id" not in asked.stderr:
        return number, "RUNNING", ""
    now, restarts = asked.stdout.split()[:2] or ("UNKNOWN", "0")
    return number, now, f"{number}.{restarts}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


# --- processes


@contextmanager
def _own_lock(folder: Path, node: int) -> Iterator[bool]:
    """The lock of a node's supervisor, which is waited for; one whose holder is silent is replaced. False: another supervisor lives."""
    path, held, deadline = folder / f"lock-{node}", False, time.monotonic() + _START_PATIENCE
    while time.monotonic() < deadline:
        with path.open("a") as lock:
            with suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                held = True
            if held and path.exists() and os.path.samestat(os.fstat(lock.fileno()), path.stat()):
                yield True
                return
            if not held and _silent(folder, node):
                path.unlink(missing_ok=True)
        held = False
        time.sleep(0.1)
    yield False


def _lives(folder: Path, node: int) -> bool:
    """Whether the supervisor of this node lives."""
    try:
        with (folder / f"lock-{node}").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return False
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return not _silent(folder, node)


def _silent(folder: Path, node: int) -> bool:
    """Whether the last sign of life of a node's supervisor is too long ago."""
    alive, now = folder / f"alive-{node}", folder / "now"
    now.touch()  # because the clock of a file server need not be ours
    return alive.exists() and now.stat().st_mtime - alive.stat().st_mtime > _request(folder).get("vanished_after", STALE_AFTER)


def _members(mark: str) -> list[int]:
    """Processes of a job's node, or of one attempt of it, on this host, whatever session or parent they have by now."""
    sought, found = f"{MARK}={mark}:".encode(), []
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            try:
                if any((entry + b":").startswith(sought) for entry in (process / "environ").read_bytes().split(b"\0")):
                    found.append(int(process.name))
            except OSError:
                continue
    return found


def _signal(mark: str, number: int) -> None:
    for pid in _members(mark):
        _kill(pid, number)


def _end(mark: str) -> None:
    """End what carries this mark here and has no supervisor."""
    _signal(mark, signal.SIGTERM)
    deadline = time.monotonic() + KILL_AFTER
    while _members(mark):
        if time.monotonic() > deadline:
            _signal(mark, signal.SIGKILL)
        time.sleep(0.1)


def _kill(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


# --- files


def _read(file: Path, at: int, whole_lines: bool) -> Iterator[bytes]:
    try:
        stream: IO[bytes] = file.open("rb")
    except FileNotFoundError:
        return
    with stream:
        stream.seek(at)
        while chunk := stream.read(_CHUNK if not whole_lines else -1):
            if whole_lines:
                chunk = chunk[: chunk.rfind(b"\n") + 1]
                if chunk:
                    yield chunk
                return
            yield chunk


@contextmanager
def _held(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write(target: Path, value: dict[str, Any]) -> None:
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    temporary.write_text(json.dumps(value), encoding="utf-8")
    temporary.replace(target)


def main() -> None:
    verb, *rest = sys.argv[1:]
    answer: Any = None
    if verb == "facts":
        answer = facts(json.loads(rest[0]))
    elif verb == "prepare":
        answer = prepare(Path(rest[0]), Path(rest[1]))
    elif verb == "checkout":
        checkout(Path(rest[0]), Path(rest[1]), rest[2], rest[3])
    elif verb == "submit":
        answer = submit(Path(rest[0]), json.loads(rest[1]), int(rest[2]))
    elif verb == "run":
        raise SystemExit(run(Path(rest[0]), int(rest[1])))
    elif verb == "follow":
        follow(Path(rest[0]), int(rest[1]), int(rest[2]))
    elif verb == "cancel":
        answer = cancel(Path(rest[0]))
    elif verb == "work":
        raise SystemExit(work(json.loads(rest[0]), int(rest[1])))
    elif verb == "collected":
        collected(Path(rest[0]), int(rest[1]))
    else:
        raise SystemExit(f"{verb}: no such command")
    if answer is not None:
        print(json.dumps(answer))


if __name__ == "__main__":
    main()
