"""Commands and files on another host, by OpenSSH, rsync and git; or, where Slurm is asked on this machine, without ssh.

Every child has a session of its own: a Ctrl-C in the terminal, or Dagster's cancel, reaches the launcher alone, which ends the job first.
"""

import json
import os
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contracts.errors import InputError
from orchestration.hosts import HOSTS, Target

# Seconds after which ssh gives a silent connection up: 3 x 5, and 10 for a new one.
_SSH = ("ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3")
# What of this process's environment a command on this machine gets: as little as one that arrives over ssh.
_OWN_ENV = ("HOME", "USER", "LOGNAME", "LANG", "PATH", "TMPDIR", "SLURM_CONF")
_JOB = Path(__file__).with_name("job.py")
_NO_CONNECTION = 255


class DisconnectedError(Exception):
    """The host does not answer, or did until now; which one, if the target has several."""

    def __init__(self, words: str, host: str | None = None):
        super().__init__(words)
        self.host = host


class Connection:
    """To one host of a target; `host` is None for this machine."""

    def __init__(self, name: str, target: Target, host: str | None):
        self.host, self._target = host, target
        self._field = f"targets.{name}"
        self._ssh = (*_SSH, *target.ssh_options)
        # ssh itself needs the agent and passes nothing on.
        self._env = {name: value for name, value in os.environ.items() if host is not None or name in _OWN_ENV}

    def job(self, verb: str, *arguments: object) -> Any:
        """What `job.py VERB ...` answers on the host. DisconnectedError, or InputError with the host's own last words."""
        done = self._run(self._on_host([self._target.python, "-", verb, *map(str, arguments)]), stdin=_JOB.read_bytes())
        return json.loads(done) if done.strip() else None

    def follow(self, folder: str, log_at: int, messages_at: int) -> "subprocess.Popen[bytes]":
        """A running `job.py follow`, whose stdout tells what happens."""
        command = self._on_host([self._target.python, "-", "follow", folder, str(log_at), str(messages_at)])
        process = subprocess.Popen(
            command, env=self._env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )
        assert process.stdin is not None
        try:
            process.stdin.write(_JOB.read_bytes())
            process.stdin.close()
        except BrokenPipeError:
            pass  # the end of its stdout says the same
        return process

    def check(self, *command: str) -> str:
        """stdout of a command on the host that must succeed."""
        return self._run(self._on_host(command)).decode()

    def push(self, revision: str, branch: str, repository: str) -> None:
        """Push a commit of this repository to a branch of the host's."""
        where = repository if self.host is None else f"{self.host}:{repository}"
        command = [
            "git",
            "-c",
            f"core.sshCommand={shlex.join(self._ssh)}",
            "push",
            "-q",
            "--force",
            "--no-verify",
            where,
            f"{revision}:refs/heads/{branch}",
        ]
        self._run(command)

    def send(self, paths: Sequence[str], folder: str, like: Sequence[str] = ()) -> None:
        """Copy files and folders of this repository to the same places below `folder`. Unchanged files that a folder in `like` has share its disk space."""
        links = [f"--link-dest={other}" for other in like[:20]]
        self._run([*self._rsync(), "--relative", "--delete", *links, *paths, self._at(folder)])

    def fetch(self, path: str, into: Path) -> None:
        """Copy a folder of the host into this one, which then holds nothing else."""
        into.mkdir(parents=True, exist_ok=True)
        self._run([*self._rsync(), "--delete", self._at(path), f"{into}/"])

    def fetching(self, path: str, into: Path) -> "subprocess.Popen[bytes]":
        """The same, going on beside other work and without a word about what fails: it is tried again."""
        into.mkdir(parents=True, exist_ok=True)
        command = [*self._rsync(), "--delete", self._at(path), f"{into}/"]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)

    def by_hand(self) -> str:
        """How a person tries whether the host answers."""
        return shlex.join([*self._ssh, self.host or "", "true"])

    def _rsync(self) -> list[str]:
        # Links into DVC's cache become files; arguments are sent as they are, whatever characters a path has.
        return ["rsync", "-rtp", "--copy-links", "--secluded-args", "-e", shlex.join(self._ssh)]

    def _at(self, path: str) -> str:
        return f"{path}/" if self.host is None else f"{self.host}:{path}/"

    def _on_host(self, command: Sequence[str]) -> list[str]:
        return list(command) if self.host is None else [*self._ssh, self.host, "--", shlex.join(command)]

    def _run(self, command: Sequence[str], stdin: bytes = b"") -> bytes:
        done = subprocess.run(command, env=self._env, input=stdin, capture_output=True, start_new_session=True)
        told = done.stderr.decode(errors="replace").strip()
        if done.returncode == 0:
            return done.stdout
        if self.host is not None and (
            done.returncode == _NO_CONNECTION or "connection unexpectedly closed" in told or "Could not read from remote" in told
        ):
            if any(word in told for word in ("Permission denied", "verification failed", "Could not resolve")):
                raise InputError(
                    f"{self.host} does not let this user in: {told.splitlines()[-1]}.", file=HOSTS, field=f"{self._field}.hosts", found=self.host,
                    fix=f"Try `{self.by_hand()}`: it must succeed without a question. Keys, users and ports belong in ~/.ssh/config or `ssh_options`.",
                )  # fmt: skip
            raise DisconnectedError(told.splitlines()[-1] if told else "the connection was closed", self.host)
        words = told.splitlines()[-1] if told else f"exit code {done.returncode}"
        program = "job.py" if stdin else Path(command[0]).name
        raise InputError(
            f"{program} failed{f' on {self.host}' if self.host else ''}: {words}.", file=HOSTS, field=self._field,
            fix="Mend what it names; the job can be started again at any time.",
        )  # fmt: skip
