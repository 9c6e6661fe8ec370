"""Real hosts on this machine: OpenSSH servers on loopback, a Slurm cluster of two nodes; and a small repository with a stage to run on them."""

import getpass
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster_pipes import PipesContextData, encode_param

from orchestration.definitions import build
from tests.orchestration.small_repository import REPOSITORY, Small, environment

PATIENCE = 90.0
MODULE = "training.count"

COUNT = '''
"""Counts steps slowly, with a checkpoint every five and one when it is told to end; two steps before its end and after it waits for the file `hold`, if one is named."""
import json, os, signal, sys, time
from pathlib import Path
from contracts.errors import InputError, run_command
from contracts.knobs import Knobs, load_hardware, load_knobs
from contracts.stage import rank, stage

class CountKnobs(Knobs):
    steps: int
    seconds: float
    hold: str
    fail: bool

def main():
    knobs = load_knobs(CountKnobs)
    load_hardware("count")
    with stage("count", knobs) as s:
        def save(step):
            (s.checkpoints / f"step-{step:08d}").mkdir(parents=True, exist_ok=True)
        def end(number, frame):
            save(done)
            raise SystemExit(143)
        done = begun = max((int(f.name[5:]) for f in s.checkpoints.glob("step-*")), default=0)
        s.log(f"from step {begun}")
        signal.signal(signal.SIGTERM, end)
        for step in range(begun + 1, knobs.steps + 1):
            time.sleep(knobs.seconds)
            done = step
            s.log(f"step {step} done")
            with (s.folder / "log.jsonl").open("a") as log:
                log.write(json.dumps({"step": step}) + "\\n")
            if step % 5 == 0:
                save(step)
            while step >= knobs.steps - 2 and knobs.hold and not Path(knobs.hold).exists():
                time.sleep(0.05)
        if knobs.fail:
            raise InputError("is set.", file="params.yaml", field="count.fail", found=True, fix="Set it to false.")
        (s.folder / "picture.png").write_bytes(b"picture of step %d" % done)
        s.report({"steps": done, "begun": begun, "input_bytes": len(Path("artifacts/pack/input.bin").read_bytes())}, images={"picture": "picture.png"})

if __name__ == "__main__":
    run_command(main)
'''

TOGETHER = '''
"""Each step all processes add their numbers up; a checkpoint every five; two steps before its end it waits for the file `hold`."""
import json
import os
import time
import torch
from contracts.errors import run_command
from contracts.knobs import Knobs, load_knobs
from contracts.stage import rank, stage

class CountKnobs(Knobs):
    steps: int
    seconds: float
    hold: str
    fail: bool

def main():
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo")
    knobs = load_knobs(CountKnobs)
    with stage("count", knobs) as s:
        s.checkpoints.mkdir(exist_ok=True)
        begun = max((int(f.name[5:]) for f in s.checkpoints.glob("step-*")), default=0)
        torch.distributed.barrier()
        s.log(f"from step {begun} on {torch.distributed.get_world_size()}")
        for step in range(begun + 1, knobs.steps + 1):
            time.sleep(knobs.seconds)
            total = torch.tensor([rank() + 1.0])
            torch.distributed.all_reduce(total)
            if rank() == 0:
                with (s.folder / "log.jsonl").open("a") as log:
                    log.write(json.dumps({"step": step}) + "\\n")
                if step % 5 == 0:
                    (s.checkpoints / f"step-{step:08d}").mkdir()
                s.log(f"step {step} sum {total.item():.0f}")
            go = torch.zeros(1)
            while step == knobs.steps - 2 and not go:
                time.sleep(0.1)
                go = torch.tensor([float(rank() == 0 and (not knobs.hold or os.path.exists(knobs.hold)))])
                torch.distributed.all_reduce(go)
        if rank() == 0:
            (s.folder / "picture.png").write_bytes(b"picture")
        s.report({"sum": total.item(), "begun": begun}, images={"picture": "picture.png"})
    torch.distributed.destroy_process_group()

if __name__ == "__main__":
    run_command(main)
'''

DVC_YAML = """
stages:
  count:
    desc: Counts.
    cmd: python -m orchestration.launch training.count
    deps: [training/count.py, contracts, artifacts/pack]
    params: [count]
    outs: [artifacts/count]
    meta: {room: training}
"""


def until(condition: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def needs(*programs: str) -> None:
    missing = [name for name in programs if shutil.which(name) is None and not Path("/usr/sbin", name).is_file()]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}: .ci/cluster-packages")


class Sshd:
    """An OpenSSH server on loopback with keys of its own, which admits one key."""

    def __init__(self, folder: Path, address: str = "127.0.0.1", inside: tuple[str, ...] = (), more: str = ""):
        needs("sshd", "ssh", "ssh-keygen", "rsync")
        folder.mkdir(parents=True)
        self.folder, self.port, self._inside = folder, free_port(), inside
        for name in ("host_key", "key", "stranger"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
        shutil.copy(folder / "key.pub", folder / "authorized_keys")
        (folder / "sshd_config").write_text(
            f"Port {self.port}\nListenAddress {address}\nHostKey {folder}/host_key\nPidFile {folder}/pid\nAuthorizedKeysFile {folder}/authorized_keys\n"
            "StrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\nMaxStartups 100\n"
            + more
        )
        # Commands share a connection, as ~/.ssh/config may say: it is what a launch spends most of its time on. Sockets need short names.
        self.shared = Path(tempfile.mkdtemp(prefix="ssh-"))
        share = f" ControlMaster auto\n ControlPath {self.shared}/%n\n ControlPersist 20\n"
        for name, key in (("ssh_config", "key"), ("stranger_config", "stranger")):
            (folder / name).write_text(
                f"Host *\n HostName {address}\n Port {self.port}\n User {getpass.getuser()}\n IdentityFile {folder}/{key}\n IdentitiesOnly yes\n"
                f" IdentityAgent none\n UserKnownHostsFile {folder}/known_hosts\n StrictHostKeyChecking accept-new\n LogLevel ERROR\n"
                + (share if key == "key" else "")
            )
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            command = [*self._inside, "/usr/sbin/sshd", "-D", "-e", "-f", str(self.folder / "sshd_config")]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        listening = lambda: b"Server listening" in (self.folder / "log").read_bytes() or self._process.poll() is not None  # noqa: E731
        until(listening, "sshd listens")

    def cut(self) -> None:
        """End the connections that there are."""
        for pid in self._family():
            kill(pid)

    def stop(self) -> None:
        assert self._process is not None
        family = self._family()
        self._process.kill()
        self._process.wait()
        for pid in family:
            kill(pid)
        (self.folder / "log").write_bytes(b"")
        shutil.rmtree(self.shared, ignore_errors=True)

    def _family(self) -> list[int]:
        import psutil

        assert self._process is not None
        # A session's own command is a child of sshd's child; jobs have left the family.
        return [child.pid for child in psutil.Process(self._process.pid).children(recursive=True)] if self._process.poll() is None else []


class Slurm:
    """munge, slurmctld, and two slurmd, each of which says that this machine is a node of its own."""

    def __init__(self) -> None:
        needs("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol")
        if os.geteuid() != 0:
            pytest.skip("needs root, as slurmd does")
        self.folder = Path(tempfile.mkdtemp(prefix="slurm-"))  # holds a socket, whose path may have 107 characters
        self.folder.chmod(0o755)
        for name in ("state", "n1", "n2", "log"):
            (self.folder / name).mkdir()
        (self.folder / "munge.key").write_bytes(secrets.token_bytes(128))
        (self.folder / "munge.key").chmod(0o600)
        host = socket.gethostname().split(".")[0]
        self.conf = self.folder / "slurm.conf"
        self.conf.write_text(
            f"""ClusterName=screenry
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={free_port()}
AuthType=auth/munge
AuthInfo=socket={self.folder}/munge.socket
SlurmUser=root
SlurmdUser=root
StateSaveLocation={self.folder}/state
SlurmdSpoolDir={self.folder}/%n
SlurmctldPidFile={self.folder}/slurmctld.pid
SlurmdPidFile={self.folder}/%n/pid
SlurmctldLogFile={self.folder}/log/slurmctld
SlurmdLogFile={self.folder}/log/%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=none
ReturnToService=2
KillWait=30
MinJobAge=30
SchedulerParameters=sched_interval=1,batch_sched_delay=0,bf_interval=1
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={free_port()} CPUs=1 State=UNKNOWN
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={free_port()} CPUs=1 State=UNKNOWN
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
"""
        )
        self.env = {"SLURM_CONF": str(self.conf)}
        self._running: list[subprocess.Popen[bytes]] = []
        munge = [f"--{name}={self.folder}/munge.{name.split('-')[0]}" for name in ("socket", "key-file", "pid-file", "log-file", "seed-file")]
        self._start("munged", "--force", "--foreground", *munge)
        until(lambda: (self.folder / "munge.socket").exists(), "munged answers")
        self._start("slurmctld", "-D", "-f", str(self.conf))
        for node in ("n1", "n2"):
            self._start("slurmd", "-D", "-N", node, "-f", str(self.conf))
        until(lambda: self.ask("sinfo", "-h", "-o", "%D %T", check=False).strip() == "2 idle", "Slurm's nodes are idle")

    def ask(self, *command: str, check: bool = True) -> str:
        return subprocess.run(command, env={**os.environ, **self.env}, capture_output=True, text=True, check=check).stdout

    def stop(self) -> None:
        self.ask("scancel", "--me", check=False)
        for process in reversed(self._running):
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self, program: str, *arguments: str) -> None:
        with (self.folder / "log" / f"{program}.out").open("ab") as log:
            self._running.append(subprocess.Popen([f"/usr/sbin/{program}", *arguments], stdout=log, stderr=log, start_new_session=True))


@dataclass
class Asker:
    """A small repository whose only stage is launched elsewhere."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    launched: list["Launched"] = field(default_factory=list)

    def settings(self, **count: Any) -> None:
        """Write params.yaml and commit everything."""
        params = yaml.safe_load((self.folder / "params.yaml").read_text())
        params["count"] |= count
        (self.folder / "params.yaml").write_text(yaml.safe_dump(params))
        self.commit()

    def hosts(self, **targets: dict[str, Any]) -> None:
        (self.folder / "hosts.yaml").write_text(yaml.safe_dump({"targets": targets}))

    def commit(self) -> None:
        self.git("add", ".")
        self.git("commit", "-qm", "now", "--allow-empty")

    def git(self, *arguments: str) -> str:
        return subprocess.run(
            ["git", "-c", "user.name=Test", "-c", "user.email=test@example.org", *arguments],
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    def launch(self, command: tuple[str, ...] = ("python", "-m", "orchestration.launch", MODULE), dagster: bool = False, **more: str) -> "Launched":
        """`dagster`: as Dagster does, which then listens to its messages."""
        path, messages = (self.folder.parent / f"launch-{len(self.launched)}.{kind}" for kind in ("log", "messages"))
        env = environment() | self.env | more
        if dagster:
            context = PipesContextData(
                asset_keys=["count"], code_version_by_asset_key=None, provenance_by_asset_key=None, partition_key=None, partition_key_range=None,
                partition_time_window=None, run_id=path.stem, job_name=None, retry_number=0, extras={},
            )  # fmt: skip
            env |= {"DAGSTER_PIPES_CONTEXT": encode_param({"data": context}), "DAGSTER_PIPES_MESSAGES": encode_param({"path": str(messages)})}
        with path.open("w") as log:
            process = subprocess.Popen(command, cwd=self.folder, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self.launched.append(Launched(process, path, messages))
        return self.launched[-1]

    def run(self) -> "Launched":
        """Launch and wait."""
        launched = self.launch()
        launched.wait()
        return launched

    def artifact(self, file: str) -> Any:
        return yaml.safe_load((self.folder / "artifacts/count" / file).read_text())


@dataclass
class Launched:
    """A launcher that runs or has run."""

    process: "subprocess.Popen[bytes]"
    log: Path
    messages: Path

    @property
    def text(self) -> str:
        return self.log.read_text()

    def check_messages(self) -> None:
        """Dagster has heard all that the stage has said in all its attempts, each line once, between one beginning and one end."""
        told = [json.loads(line) for line in self.messages.read_text().splitlines()]
        said = [line.removeprefix("[count] ") for line in self.text.splitlines() if line.startswith("[count] ")]
        assert [message["params"]["message"] if message["method"] == "log" else message["method"] for message in told] == ["opened", *said, "closed"]

    def wait(self, seconds: float = PATIENCE) -> int:
        return self.process.wait(seconds)

    def says(self, text: str) -> None:
        """Wait until it says so."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.text and self.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert text in self.text, f"in vain: {text}\n{self.text}"

    def kill(self) -> None:
        """As if this machine had lost power: nothing can be tidied up."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def steps(text: str) -> list[int]:
    """The steps that a launched stage says it has done."""
    return [int(line.split()[2]) for line in text.splitlines() if line.startswith("[count] step ")]


def make_asker(folder: Path) -> Asker:
    for room in ("contracts", "orchestration"):
        shutil.copytree(REPOSITORY / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    files = {
        "training/__init__.py": "",
        "training/count.py": COUNT,
        "dvc.yaml": DVC_YAML,
        "data.dvc": "outs:\n- md5: 0123456789abcdef0123456789abcdef.dir\n  path: data\n",
        ".gitignore": "/artifacts/\n/data\n__pycache__/\n/hosts.yaml\n/.dagster/\n",
        "artifacts/pack/run.json": "{}",
        "artifacts/pack/input.bin": "x" * 5000,
    }
    hardware = {"accelerator": "cpu", "launcher": "python", "devices": 1, "micro_batch": 1, "num_workers": 0, "loader": "auto", "target": "box"}
    params = {
        "preset": "tiny", "count": {"steps": 3, "seconds": 0.05, "hold": "", "fail": False}, "presets": {"tiny": {"hardware": {"count": hardware}}}
    }  # fmt: skip
    for name, text in (files | {"params.yaml": yaml.safe_dump(params)}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    asker = Asker(folder)
    asker.git("init", "-q", "-b", "main")
    asker.commit()
    return asker


def make_asker_of_two(folder: Path, **count: Any) -> Asker:
    """The same with a stage of two processes."""
    asker = make_asker(folder)
    (folder / "training/count.py").write_text(TOGETHER)
    params = yaml.safe_load((folder / "params.yaml").read_text())
    params["presets"]["tiny"]["hardware"]["count"] |= {"launcher": "torchrun", "devices": 2}
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    asker.settings(**{"steps": 12} | count)
    return asker


def kill(pid: int, number: int = signal.SIGKILL) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def processes_of(folder: Path, needle: str = "") -> list[int]:
    """Processes of jobs that live below this folder of a host: stages, and with `needle="job.py"` their supervisors."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            try:
                command = (process / "cmdline").read_bytes().decode(errors="replace")
                marked = f"SCREENRY_JOB={folder}".encode() in (process / "environ").read_bytes()
            except OSError:
                continue
            if needle in command and (marked or (needle == "job.py" and f"run\0{folder}" in command)):
                found.append(int(process.name))
    return found


PYTHON = sys.executable


def check_that_dagster_sees(made: Small) -> None:
    """Materialize `pretrain_mae`, which `made`, the current folder, sends to the target `box`: Dagster and DVC have to see what they would had it run here."""
    with dg.DagsterInstance.ephemeral() as instance:
        job = build().resolve_job_def("stages")
        result = job.execute_in_process(instance=instance, asset_selection=[dg.AssetKey("pretrain_mae")], raise_on_error=False)
        assert result.success, [event.step_failure_data for event in result.all_events if event.is_step_failure]
        (made_asset,) = result.get_asset_materialization_events()
        metadata = {name: value.value for name, value in made_asset.materialization.metadata.items()}
        messages = [entry.user_message for entry in instance.all_logs(result.run_id)]
    assert metadata["loss"] == 0.25 and metadata["reused"] is False and str(metadata["reconstructions"]).startswith("![reconstructions.png]")
    assert (metadata["target"], metadata["attempts"], metadata["lost_steps"]) == ("box", 1, 0)
    assert [messages.count(told) for told in ("python on 1 cpu", "loss 0.25")] == [1, 1], "what the stage tells Dagster comes once"
    assert "pretrain_mae" not in made.check("dvc", "status", "pretrain_mae")
    assert (made.folder / "artifacts/pretrain_mae/launch.json").is_file()
