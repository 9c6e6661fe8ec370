"""Hosts that SkyPilot rents: it chooses cloud, region and machine by price and availability, prepares them, and gives them back when nobody needs them. Between that
they are hosts like others, reached over ssh by the names that SkyPilot writes into `~/.ssh/config`; so a job is followed, cancelled, found again and resumed as over ssh.

A spot machine that is taken away is a host that has vanished: another one is rented, and the stage goes on from the last checkpoint that was brought here.
"""

import hashlib
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from contracts.errors import InputError
from contracts.files import write_text
from orchestration.connection import Connection
from orchestration.hosts import HOSTS, SkypilotKnobs, Target
from orchestration.remote import Hosts, Job, say

# The machines are busy, and so stay rented, until no stage has run on them for `idle_minutes`. What follows over ssh does not count for SkyPilot, a task does.
_WHILE_BUSY = "sleep 600; while pgrep -f [o]rchestration.launch > /dev/null; do sleep 60; done"


def cluster_name(name: str, own: str, spot: bool | None) -> str:
    """Of the machines of a target: a cluster for each target, repository and asking machine, so that nobody's is taken, and for each kind of price, as SkyPilot
    does not turn machines of one kind into the other.
    """
    price = {None: "", True: "-spot", False: "-full"}[spot]
    return f"screenry-{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}{price}-{own}"


def on_demand(job: str, share: float) -> bool:
    """Whether a job of this name is one of the share that does not run on spot machines; always the same for one name."""
    return int(hashlib.sha256(job.encode()).hexdigest()[:8], 16) < share * 2**32


def task(target: Target, knobs: SkypilotKnobs, cluster: str, spot: bool | None) -> dict[str, Any]:
    """SkyPilot's task (its YAML specification) that makes the machines ready and keeps them as long as a stage runs. `spot` None: as the resources say."""
    resources = dict(knobs.resources)
    if spot is not None:
        resources["use_spot"] = spot
    return {
        "name": cluster, "num_nodes": target.nodes, "resources": resources, "setup": knobs.setup, "run": _WHILE_BUSY,
        **({"file_mounts": knobs.file_mounts} if knobs.file_mounts else {}),
        **({"volumes": knobs.volumes} if knobs.volumes else {}),
    }  # fmt: skip


class Rented(Hosts):
    """Machines that are rented when a job needs them."""

    def __init__(self, name: str, target: Target, job: Job):
        assert target.skypilot is not None
        self.knobs, self._renewed = target.skypilot, 0
        super().__init__(name, target, job)
        self._choose()

    def _choose(self) -> None:
        """Which cluster is asked: SkyPilot's names of its machines are known before there are any."""
        self.cluster = cluster_name(self.name, self.own, self._spot())
        hosts = (self.cluster, *(f"{self.cluster}-worker{number}" for number in range(1, self.target.nodes)))
        self.target = self.target.model_copy(update={"hosts": hosts})
        self.connections = [Connection(self.name, self.target, host) for host in hosts]
        self.first = self.connections[0]

    def check(self) -> None:
        self._choose()
        self._rent()
        if self.target.nodes > 1:
            address = self.first.check("hostname", "-I").split()[0]
            self.target = self.target.model_copy(update={"rendezvous_host": address})
        super().check()

    def renewed(self) -> bool:
        """Whether other machines may take the place of those that have vanished: at most `max_resumes` times; `check` rents them."""
        self._renewed += 1
        return self._renewed <= self.target.max_resumes

    def _rent(self) -> None:
        """Bring the cluster up, or let it know that it is needed. InputError with SkyPilot's own last words."""
        file = Path(".dagster") / f"{self.cluster}.yaml"
        write_text(file, yaml.safe_dump(task(self.target, self.knobs, self.cluster, self._spot()), sort_keys=False))
        sky = shutil.which("sky")
        if sky is None:
            raise InputError(
                "needs SkyPilot's program `sky`.", file=HOSTS, field=f"targets.{self.name}.launcher", found="skypilot",
                fix="Run `uv tool install 'skypilot[aws]'` (or another cloud), and `sky check`.",
            )  # fmt: skip
        say(f"renting {self.cluster} by SkyPilot ({file})")
        command = [sky, "launch", "--yes", "--detach-run", "--fast", "--down", "--idle-minutes-to-autostop", str(self.knobs.idle_minutes)]
        command += [*(["--retry-until-up"] if self.knobs.retry_until_up else []), "--cluster", self.cluster, str(file)]
        # A session of its own: a Ctrl-C reaches the launcher alone. A cluster that is half up is found by the next start.
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True)
        if done.returncode:
            words = [line.strip() for line in done.stdout.splitlines() if line.strip()]
            raise InputError(
                f"SkyPilot could not rent the machines: {' | '.join(words[-3:]) or f'it ended with {done.returncode}'}.", file=HOSTS,
                field=f"targets.{self.name}.skypilot", fix=f"Try `sky launch {file}` by hand.",
            )  # fmt: skip

    def _spot(self) -> bool | None:
        """The last machines that may be rented for a job are not taken away again."""
        if self.knobs.on_demand is None:
            return None
        return self._renewed < self.target.max_resumes and not on_demand(self.job.name, self.knobs.on_demand)

    def by_hand(self) -> str:
        return f"sky status --refresh {self.cluster}"
