"""Runs one stage at a target of hosts.yaml, as if it had run here: its output and messages stream back, its artifact comes back.

Every step looks first at what is there: a launcher that was killed is replaced by the next start of the stage, which finds the job by its name
(stage and a hash of all that makes the stage stale), goes on reading where there is something to read, and takes what is finished.
"""

import ast
import contextlib
import hashlib
import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import FrameType
from typing import Any

from contracts.dataset import POINTER, dataset_version
from contracts.errors import InputError
from contracts.files import write_json
from contracts.knobs import Hardware
from contracts.pipes import environment_elsewhere, messages_file
from contracts.stage import ARTIFACTS
from orchestration.connection import Connection, DisconnectedError
from orchestration.hosts import HOSTS, Target, load_targets
from orchestration.pipeline import DECLARATION, LOCK, DeclaredStage, code_files, code_version, declared_stages

# Files that move with every run; they say what was made, not what made it.
_STATE_FILES = (str(POINTER), str(LOCK), f"{ARTIFACTS}/promoted.dvc")
_FIRST_PARTY = ("contracts", "datagen", "training", "evaluation", "orchestration")
# Seconds between attempts to reach a host that does not answer.
_RETRY = 2.0


class CancelledError(Exception):
    """The launcher was told to end, by this signal."""

    def __init__(self, number: int):
        self.number = number


class VanishedError(Exception):
    """A host has given no sign of life for as long as its target allows."""


@dataclass(frozen=True)
class Job:
    """One stage with its inputs. `name` is the same as long as nothing changes that would make the stage stale."""

    stage: DeclaredStage
    module: str
    hardware: Hardware
    name: str

    @property
    def inputs(self) -> list[str]:
        """Files and folders that git does not bring."""
        outermost = [dep for dep in self.stage.deps if dep not in code_deps(self.stage)]
        return [dep for dep in outermost if not any(dep != other and PurePosixPath(dep).is_relative_to(other) for other in outermost)]


def code_deps(stage: DeclaredStage) -> list[str]:
    return [dep for dep in stage.deps if not PurePosixPath(dep).is_relative_to("data") and not PurePosixPath(dep).is_relative_to(ARTIFACTS.name)]


def describe(module: str, hardware: Hardware) -> Job:
    """The job of a stage. InputError if dvc.yaml does not declare it or an input is missing."""
    name = module.rpartition(".")[2]
    stage = next((stage for stage in declared_stages() if stage.name == name), None)
    if stage is None:
        raise InputError("is not declared, so its inputs are not known.", file=DECLARATION, field=f"stages.{name}", fix="Declare it, or run it here.")
    digest = hashlib.sha256(code_version(stage).encode())
    if stage.reads_dataset:
        digest.update(dataset_version().encode())
    for dep in stage.deps:
        if PurePosixPath(dep).is_relative_to(ARTIFACTS.name):
            # run.json tells one run of a stage from the next, and stands in every artifact.
            run = Path(*Path(dep).parts[:2]) / "run.json"
            if not run.is_file():
                raise InputError("is not there yet.", file=dep, fix=f"Run `dvc repro {Path(dep).parts[1]}`.")
            digest.update(run.read_bytes())
    return Job(stage, module, hardware, f"{name}-{digest.hexdigest()[:12]}")


class Place:
    """A target for one job. What its states hold, `orchestration.job.state` says."""

    def __init__(self, name: str, target: Target, job: Job):
        self.name, self.target, self.job = name, target, job

    @property
    def shared(self) -> bool:
        return self.target.data == "shared"

    @property
    def code(self) -> list[str]:
        """Files and folders of the stage that git brings."""
        return code_deps(self.job.stage)

    @property
    def own(self) -> str:
        """Tells the jobs of this repository on this machine from those of other repositories and people."""
        return hashlib.sha256(f"{socket.gethostname()}:{Path.cwd()}".encode()).hexdigest()[:8]

    @property
    def where(self) -> str:
        """What does not answer, if it does not."""
        return self.name

    def check(self) -> None:
        """InputError that names what the target lacks."""
        raise NotImplementedError

    def state(self) -> dict[str, Any]:
        """Where the job stands."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Bring code, inputs and the checkpoints of an earlier attempt elsewhere."""
        raise NotImplementedError

    def submit(self) -> dict[str, Any]:
        """Start the job, unless it runs already. Returns its state."""
        raise NotImplementedError

    def follow(self, log_at: int, messages_at: int) -> "subprocess.Popen[bytes]":
        """A running process whose stdout tells what happens from these byte offsets on, as `orchestration.job.follow` does."""
        raise NotImplementedError

    def bring_checkpoints(self, into: Path) -> "subprocess.Popen[bytes] | None":
        """Copies checkpoints here, if the target can."""
        return None

    def cancel(self) -> object:
        """Stop the job, as far as it can be reached."""
        raise NotImplementedError

    def clear(self) -> None:
        """Stop what is left of an attempt that was lost."""

    def renewed(self) -> bool:
        """Whether something else may take the place of what has vanished, under the same name."""
        return False

    def by_hand(self) -> str:
        """How a person tries whether the target answers."""
        raise NotImplementedError

    def fetch(self, out: Path, state: dict[str, Any]) -> Path:
        """Bring an output here. Returns where it lies: at its place, or in a folder beside it."""
        raise NotImplementedError

    def collect(self, state: dict[str, Any]) -> None:
        """Put the stage's output where it would be had it run here, with `launch.json`: where it ran, in how many attempts, and what was lost."""
        for out in map(Path, self.job.stage.outs):
            arrived = out if self.shared else self.fetch(out, state)
            told = {key: state[key] for key in ("host", "slurm", "object", "attempts", "lost_seconds", "lost_steps") if key in state}
            write_json(arrived / "launch.json", {"target": self.name, "launcher": self.target.launcher, **told})
            if arrived != out:
                shutil.rmtree(out, ignore_errors=True)
                arrived.rename(out)
        shutil.rmtree(ARTIFACTS / f".{self.job.stage.name}.checkpoints", ignore_errors=True)
        self.forget()

    def forget(self) -> None:
        """The output was taken."""
        raise NotImplementedError

    def has_output(self) -> bool:
        """Whether the output of a finished job is still there: DVC removes it from a shared folder before it runs a stage again."""
        return not self.shared or all((Path(out) / "run.json").is_file() for out in self.job.stage.outs)


class Hosts(Place):
    """Hosts, or Slurm's, with the connections to them and, there, the folders of the job."""

    def __init__(self, name: str, target: Target, job: Job):
        super().__init__(name, target, job)
        self.connections = [Connection(name, target, host) for host in target.hosts] or [Connection(name, target, None)]
        self.first = self.connections[0]
        self._root = target.folder

    @property
    def _own(self) -> str:
        return f"{self._root}/.dagster/launched" if self.shared else f"{self._root}/{Path.cwd().name}-{self.own}"

    @property
    def folder(self) -> str:
        return f"{self._own}/jobs/{self.job.name}"

    @property
    def tree(self) -> str:
        return self._root if self.shared else f"{self.folder}/tree"

    def check(self) -> None:
        """InputError that names what every host lacks: libraries, programs, a folder, room, GPUs."""
        token = f".token-{self.job.name}-{os.getpid()}"
        needed = 0 if self.target.data != "copy" else sum(_size(Path(path)) for path in self.job.inputs)
        programs = [] if self.shared else ["git", *(["rsync"] if self.first.host else []), *([self.target.dvc] if self.target.data == "dvc" else [])]
        programs += ["sbatch", "squeue", "scancel"] if self.target.launcher == "slurm" else []
        for number, connection in enumerate(self.connections):
            request = {"folder": self._root, "modules": imported(self.job.stage), "programs": programs, "token": token if number else None}
            facts = connection.job("facts", json.dumps(request))
            if number == 0:
                self._root = self._root.replace("~", facts["home"], 1) if self._root.startswith("~/") else self._root
                if len(self.connections) > 1 and "folder_error" not in facts:
                    connection.check("touch", f"{self._root}/{token}")
            lacks = lacking(facts, self)
            if "folder_error" not in facts and facts["free_bytes"] < needed:
                lacks.append(f"{(needed - facts['free_bytes']) / 1e9:.1f} GB of disk space in {self._root}")
            elif "folder_error" not in facts and not facts["token"]:
                lacks.append(f"the folder {self._root} of {self.first.host}, which all hosts of a target must share")
            if lacks:
                raise InputError(
                    f"{connection.host or 'this machine'} lacks {'; '.join(lacks)}.", file=HOSTS, field=f"targets.{self.name}",
                    fix=f"Install it for {self.target.python} there, or correct the target (docs/launchers.md).",
                )  # fmt: skip
        if len(self.connections) > 1:
            self.first.check("rm", "-f", f"{self._root}/{token}")

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = self.first.job("prepare", self.folder, f"{self._own}/code.git")
        return found

    def prepare(self) -> None:
        """Bring code, inputs and the checkpoints of an earlier attempt elsewhere; what is there already is not sent again."""
        if self.shared:
            return
        inputs, code, own = self.job.inputs, f"{self._own}/code.git", ARTIFACTS / f".{self.job.stage.name}.checkpoints"
        with snapshot(self.code, self.target.changes == "carry") as (commit, revision):
            self.first.push(commit, self.job.name, code)
            self.first.job("checkout", self.folder, code, commit, revision)
        if self.target.data == "dvc":
            run_dvc("push", *inputs)
            cache = ["config", "--local", "cache.dir", f"{self._own}/dvc-cache"]
            for command in (cache, ["pull", "-q", *inputs]):
                self.first.check("env", "-C", self.tree, self.target.dvc, *command)
        elif inputs:
            others = self.first.check("find", f"{self._own}/jobs", "-mindepth", "2", "-maxdepth", "2", "-name", "tree").split("\n")
            self.first.send(inputs, self.tree, like=[other for other in others if other and other != self.tree])
        if own.is_dir():
            self.first.check("mkdir", "-p", f"{self.tree}/{own}")
            # What the host has of its own is at least as new.
            if not self.first.check("ls", "-A", f"{self.tree}/{own}").strip():
                self.first.send([str(own)], self.tree)

    def submit(self) -> dict[str, Any]:
        """Start the job, unless it runs already. Returns its state."""
        found: dict[str, Any] = {}
        for node, connection in enumerate(self.connections):
            found = connection.job("submit", self.folder, json.dumps(self._request()), node)
        return found

    def _request(self) -> dict[str, Any]:
        target, argv = self.target, [self.target.python, "-m", "orchestration.launch", self.job.module, "--here"]
        env = {**target.env, **environment_elsewhere(f"{self.folder}/messages"), "PYTHONPATH": self.tree, "PYTHONUNBUFFERED": "1"}
        env["PATH"] = f"{PurePosixPath(target.python).parent}:{target.env.get('PATH', '/usr/local/bin:/usr/bin:/bin')}"
        if target.node_count > 1:
            meet = "slurm" if target.launcher == "slurm" else _address(target)
            argv += ["--nodes", str(target.node_count), "--node", "{node}", "--rendezvous", f"{meet}:{target.rendezvous_port}"]
            if target.interface:
                env |= {"GLOO_SOCKET_IFNAME": target.interface, "NCCL_SOCKET_IFNAME": target.interface}
        sbatch = list(target.sbatch) if target.launcher == "slurm" else None
        return {
            "stage": self.job.stage.name, "tree": self.tree, "argv": argv, "env": env, "nodes": target.node_count, "sbatch": sbatch,
            "vanished_after": target.vanished_after,
        }  # fmt: skip

    def cancel(self) -> None:
        """Stop the job on every host that answers, on all at the same time: each may need `orchestration.job.KILL_AFTER` seconds."""
        with contextlib.suppress(DisconnectedError):
            self._cancel()

    def clear(self) -> None:
        """Also a job of Slurm's whose node gives no sign of life. DisconnectedError if a host does not answer, without which nothing can start again."""
        if len(self.connections) > 1 or self.target.launcher == "slurm":
            self._cancel()

    def _cancel(self) -> None:
        with ThreadPoolExecutor(len(self.connections)) as pool:
            stopped = [pool.submit(connection.job, "cancel", self.folder) for connection in self.connections]
        for each in stopped:
            each.result()

    def follow(self, log_at: int, messages_at: int) -> "subprocess.Popen[bytes]":
        return self.first.follow(self.folder, log_at, messages_at)

    def bring_checkpoints(self, into: Path) -> "subprocess.Popen[bytes] | None":
        return self.first.fetching(f"{self.tree}/artifacts/{into.name}", into)

    def fetch(self, out: Path, state: dict[str, Any]) -> Path:
        arrived = out.with_name(f".{out.name}.partial")
        self.first.fetch(f"{self.tree}/{out}", arrived)
        return arrived

    def forget(self) -> None:
        self.first.job("collected", self.folder, self.target.keep_jobs)

    @property
    def where(self) -> str:
        return str(self.first.host)

    def by_hand(self) -> str:
        return self.first.by_hand()


def lacking(facts: dict[str, Any], place: Place) -> list[str]:
    """What a host does not have of what the place's job needs."""
    lacks = [f"the Python module{'s' if len(facts['modules']) > 1 else ''} {', '.join(facts['modules'])}"] if facts["modules"] else []
    lacks += [f"the program{'s' if len(facts['programs']) > 1 else ''} {', '.join(facts['programs'])}"] if facts["programs"] else []
    if tuple(facts["python"]) < (3, 11):
        lacks.append(f"Python 3.11 (its own is {facts['python'][0]}.{facts['python'][1]})")
    if "folder_error" in facts:
        lacks.append(f"a folder {facts['folder']} that can be written to ({facts['folder_error']})")
    share = gpus_per_node(place)
    if place.target.launcher != "slurm" and facts["gpus"] < share:
        lacks.append(f"{share} GPUs (it has {facts['gpus']})")
    return lacks


def gpus_per_node(place: Place) -> int:
    return place.job.hardware.devices // place.target.node_count if place.job.hardware.accelerator == "gpu" else 0


class Messages:
    """Dagster's messages of a stage, in however many attempts and places: opened once and closed once."""

    def __init__(self) -> None:
        self._file, self._opened, self._closed = messages_file(), False, b""

    def forward(self, lines: bytes) -> None:
        if self._file is None:
            return
        with self._file.open("ab") as file:
            for line in lines.splitlines(keepends=True):
                method = json.loads(line)["method"]
                if method == "closed":
                    self._closed = line
                elif method != "opened" or not self._opened:
                    file.write(line)
                    self._opened = self._opened or method == "opened"

    def finish(self) -> None:
        """Tell Dagster that the stage has closed its messages."""
        if self._file is not None and self._closed:
            with self._file.open("ab") as file:
                file.write(self._closed)


class Follower:
    """Reads a job to its end: output to this process's stderr, messages to Dagster. Byte offsets survive a broken connection, so nothing is lost or doubled."""

    def __init__(self, place: Place, messages: Messages):
        self.place, self.messages = place, messages
        self._last: dict[str, Any] = {}
        self._log_at = self._messages_at = 0
        self._checkpoints: subprocess.Popen[bytes] | None = None
        self._brought = time.monotonic()

    def to_its_end(self) -> dict[str, Any]:
        """The state in which the job no longer runs. VanishedError if the host is silent for too long."""
        heard, told = time.monotonic(), False
        while True:
            process = self.place.follow(self._log_at, self._messages_at)
            try:
                for event in _events(process, self.place.target.vanished_after):
                    heard, told = time.monotonic(), False
                    state = self._take(event)
                    if state is not None and state["phase"] not in ("waiting", "running"):
                        return state
            finally:
                process.kill()
                process.wait()
            silent = time.monotonic() - heard
            if silent >= self.place.target.vanished_after:
                raise VanishedError
            if not told:
                told = True
                say(f"{self.place.name} does not answer; trying again for {self.place.target.vanished_after - silent:.0f} s")
            time.sleep(_RETRY)

    def lost(self) -> dict[str, float]:
        """What is lost if the job's place never answers again: its attempts, and what they did after the newest checkpoint that came here."""
        last = self._last
        if "started" not in last:
            return {}
        kept = {int(path.name[5:]): path.stat().st_mtime for path in (ARTIFACTS / f".{self.place.job.stage.name}.checkpoints").glob("step-*[0-9]")}
        step = max(kept, default=0)
        seconds = time.time() - max(last["started"], kept.get(step, 0.0))
        return {
            "attempts": last["attempts"], "lost_seconds": round(last["lost_seconds"] + seconds, 1),
            "lost_steps": last["lost_steps"] + max(0, last.get("step", 0) - step),
        }  # fmt: skip

    def _take(self, event: dict[str, Any]) -> dict[str, Any] | None:
        if "log" in event:
            sys.stderr.buffer.write(event["log"].encode("utf-8", "surrogateescape"))
            sys.stderr.buffer.flush()
            self._log_at = event["at"]
        elif "messages" in event:
            self.messages.forward(event["messages"].encode("utf-8", "surrogateescape"))
            self._messages_at = event["at"]
        elif "say" in event:
            say(event["say"])
        elif "error" in event:
            raise InputError(**event["error"])
        elif "facts" in event:
            named = lacking(event["facts"], self.place)
            raise InputError(
                f"a node of {self.place.name} lacks {'; '.join(named)}.", file=HOSTS, field=f"targets.{self.place.name}",
                fix="Correct the target, or put it into what its nodes start with (docs/launchers.md).",
            )  # fmt: skip
        else:
            self._bring_checkpoints()
            self._last = event["state"]
            return self._last
        return None

    def _bring_checkpoints(self) -> None:
        every, name = self.place.target.bring_checkpoints, f".{self.place.job.stage.name}.checkpoints"
        if not every or self.place.shared or (self._checkpoints is not None and self._checkpoints.poll() is None):
            return
        if time.monotonic() - self._brought >= every:
            self._brought = time.monotonic()
            self._checkpoints = self.place.bring_checkpoints(ARTIFACTS / name)


def launch_at(name: str, target: Target, module: str, hardware: Hardware) -> int:
    """Run the stage at the target; returns its exit code. InputError for what a person can mend."""
    if target.node_count > 1 and hardware.launcher == "python":
        raise InputError(
            f"one plain process cannot use the {target.node_count} hosts of {name}.", file="params.yaml",
            field=f"hardware.{module.rpartition('.')[2]}.launcher", found=hardware.launcher, fix="Set `launcher: torchrun` or a target of one host.",
        )  # fmt: skip
    if hardware.devices % target.node_count:
        raise InputError(
            f"{hardware.devices} devices cannot be shared by {target.node_count} hosts alike.", file="params.yaml",
            field=f"hardware.{module.rpartition('.')[2]}.devices", fix=f"Set a multiple of {target.node_count}.",
        )  # fmt: skip
    job = describe(module, hardware)
    for wish in (signal.SIGTERM, signal.SIGINT):
        signal.signal(wish, _raise_cancelled)
    place, tried, messages, before = place_for(name, target, job), {name}, Messages(), Counter[str]()
    while True:
        follower = Follower(place, messages)
        try:
            return _run_at(place, follower, before)
        except DisconnectedError as silent:
            problem = f"{silent.host or place.where} does not answer: {silent}"
        except VanishedError:
            problem = f"{place.where} has given no sign of life for {place.target.vanished_after:.0f} s"
        before.update(follower.lost())
        if place.renewed():
            say(f"{problem}; asking for another")
            continue
        fallback = place.target.fallback
        if fallback is None or fallback in tried:
            raise InputError(
                f"{problem}.", file=HOSTS, field=f"targets.{place.name}",
                fix=f"Try `{place.by_hand()}`. When it answers, start the stage again: a job that still runs is taken up, a lost one goes on from "
                "its checkpoint.",
            )  # fmt: skip
        say(f"{problem}; going on at {fallback}")
        tried.add(fallback)
        place = place_for(fallback, load_targets()[fallback], job)


def place_for(name: str, target: Target, job: Job) -> Place:
    """The target for this job, by its launcher."""
    if target.launcher == "kubernetes":
        from orchestration.kubernetes import Pods

        return Pods(name, target, job)
    if target.launcher == "skypilot":
        from orchestration.skypilot import Rented

        return Rented(name, target, job)
    return Hosts(name, target, job)


def _run_at(place: Place, follower: Follower, before: Mapping[str, float]) -> int:
    """The stage's exit code. `before`: attempts, seconds and steps that were lost at other places."""
    job, target = place.job, place.target
    try:
        place.check()
        state = place.state()
        first = max(1, state["attempts"])
        done = state["phase"] == "ended" and state["code"] == 0
        if done and not state["collected"] and place.has_output():
            say(f"job {job.name} has ended well on {place.name} meanwhile")
        elif state["phase"] in ("waiting", "running"):
            say(f"found job {job.name} on {place.name}, attempt {max(1, state['attempts'])}: following it")
        else:
            if state["phase"] == "lost":
                place.clear()
            place.prepare()
            first = state["attempts"] + 1
            state = place.submit()
            number = f" as Slurm's job {state['slurm']}" if "slurm" in state else f" as {state['object']}" if "object" in state else ""
            say(f"job {job.name} on {place.name}{number}" + (f", attempt {first}" if first > 1 else ""))
        while True:
            state = follower.to_its_end()
            if state["phase"] == "ended" and state["code"] == 0:
                state |= {key: round(state[key] + lost, 1) for key, lost in before.items()}
                place.collect(state)
                follower.messages.finish()
                if state["attempts"] > 1:
                    say(f"{state['attempts']} attempts; {state['lost_seconds']:.0f} s and {state['lost_steps']} steps were lost")
                return 0
            resumes = state["attempts"] - first
            if state["cancelled"] or not state["again"] or resumes >= target.max_resumes:
                follower.messages.finish()
                if state["cancelled"]:
                    say(f"job {job.name} was cancelled")
                elif state["again"]:
                    say(f"ended by its host {resumes + 1} times: not tried again (targets.{place.name}.max_resumes)")
                return state["code"] or 1
            say(f"attempt {state['attempts']} was {'lost' if state['phase'] == 'lost' else 'ended by its host'}; going on from the last checkpoint")
            place.clear()
            place.submit()
    except CancelledError as told:
        for wish in (signal.SIGTERM, signal.SIGINT):
            signal.signal(wish, signal.SIG_IGN)
        say(f"told to end ({signal.Signals(told.number).name}): stopping job {job.name} on {place.name}")
        place.cancel()
        with contextlib.suppress(VanishedError, DisconnectedError):
            follower.to_its_end()
            follower.messages.finish()
        return 128 + told.number


def say(message: str) -> None:
    """One line on the launcher's own doing."""
    print(f"[launch] {message}", file=sys.stderr, flush=True)


def imported(stage: DeclaredStage) -> list[str]:
    """Libraries that the stage's code imports when it is loaded: what its host must have."""
    found = set()
    for file in (file for file in code_files(stage) if file.suffix == ".py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.split(".")[0])
    return sorted(found - {*_FIRST_PARTY, *sys.stdlib_module_names})


@contextlib.contextmanager
def snapshot(code: Sequence[str], carry: bool) -> Iterator[tuple[str, str]]:
    """A commit with the files that the stage is to see, and the commit it stands on; made with an index of its own, so that nothing here changes.

    InputError if there are other changes than those that every run makes, or files below `code` that git does not know, unless they are to be carried.
    """
    revision = run_git("rev-parse", "HEAD")
    changes = run_git("diff", "--name-only", "--relative", "HEAD", "--", ".", *(f":!{file}" for file in _STATE_FILES)).splitlines()
    changes += run_git("ls-files", "--others", "--exclude-standard", "--", *code).splitlines()
    if changes and not carry:
        raise InputError(
            "has changes that are not committed.", file=Path.cwd(), found=", ".join(changes[:5]) + (", ..." if len(changes) > 5 else ""),
            fix=f"Commit them, or set `changes: carry` for the target in {HOSTS}.",
        )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        env = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        run_git("read-tree", "HEAD", env=env)
        added = [file for file in _STATE_FILES if Path(file).is_file()]
        if carry:
            run_git("add", "--all", "--", ".", env=env)
        elif added:
            run_git("add", "--force", "--", *added, env=env)
        tree = run_git("write-tree", env=env)
    if tree == run_git("rev-parse", "HEAD^{tree}"):
        yield revision, revision
        return
    who = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in (("NAME", "screenry"), ("EMAIL", "launch@screenry"))}
    yield run_git("commit-tree", tree, "-p", "HEAD", "-m", "what a launched stage sees", env=who), revision


def run_git(*arguments: str, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(["git", *arguments], env={**os.environ, **(env or {})}, capture_output=True, text=True, start_new_session=True)
    if done.returncode != 0:
        raise InputError(
            f"git {arguments[0]} failed: {done.stderr.strip()}.", file=Path.cwd(), fix="Stages reach other hosts as a commit of a git repository."
        )
    return done.stdout.rstrip("\n")


def run_dvc(*arguments: str) -> None:
    """DVC here, free of what the `dvc repro` above this process has told it."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("DVC_")}
    done = subprocess.run(["dvc", *arguments], env=env, capture_output=True, text=True, start_new_session=True)
    if done.returncode != 0:
        words = (done.stderr.strip().splitlines() or [""])[-1]
        raise InputError(
            f"dvc {arguments[0]} failed: {words}.",
            file=".dvc/config",
            field="core.remote",
            fix="`dvc remote list` and `dvc status --cloud` say more.",
        )


def _events(process: "subprocess.Popen[bytes]", patience: float) -> Iterator[dict[str, Any]]:
    """The lines of a follower, until it ends or is silent for so many seconds."""
    assert process.stdout is not None
    rest, descriptor = b"", process.stdout.fileno()
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while selector.select(timeout=patience):
            chunk = os.read(descriptor, 1 << 16)
            if not chunk:
                return
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield json.loads(line)


def _address(target: Target) -> str:
    """Where processes of other hosts reach the first one: its name without the user."""
    return target.rendezvous_host or target.hosts[0].rpartition("@")[2]


def _size(path: Path) -> int:
    files: Sequence[Path] = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)


def _raise_cancelled(number: int, frame: FrameType | None) -> None:
    raise CancelledError(number)
