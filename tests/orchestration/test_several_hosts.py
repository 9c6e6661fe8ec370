"""One training on two hosts: network namespaces with addresses and SSH servers of their own, torchrun on both."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.orchestration.cluster import PYTHON, Sshd, kill, make_asker_of_two, needs, processes_of, until

pytestmark = pytest.mark.cluster


@dataclass
class Network:
    """Three namespaces on one bridge: the asker's, and two hosts'."""

    name: str

    def address(self, number: int) -> str:
        return f"10.213.7.{number}"

    def inside(self, number: int) -> tuple[str, ...]:
        return ("ip", "netns", "exec", f"{self.name}-{number}")

    def build(self) -> None:
        for number in (1, 2, 3):
            _check("ip", "netns", "add", f"{self.name}-{number}")
            _check(*self.inside(number), "ip", "link", "set", "lo", "up")
        _check(*self.inside(1), "ip", "link", "add", "eth0", "type", "bridge")
        for number in (2, 3):
            wire = ("ip", "link", "add", f"host{number}", "type", "veth", "peer", "name", "eth0", "netns", f"{self.name}-{number}")
            _check(*self.inside(1), *wire)
            _check(*self.inside(1), "ip", "link", "set", f"host{number}", "master", "eth0", "up")
        for number in (1, 2, 3):
            _check(*self.inside(number), "ip", "address", "add", f"{self.address(number)}/24", "dev", "eth0")
            _check(*self.inside(number), "ip", "link", "set", "eth0", "up")

    def remove(self) -> None:
        for number in (1, 2, 3):
            subprocess.run(["ip", "netns", "del", f"{self.name}-{number}"], check=False, capture_output=True)


def _check(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def network() -> Iterator[Network]:
    needs("ip", "sshd", "ssh", "rsync")
    network = Network(f"screenry-{os.getpid()}")
    try:
        try:
            network.build()
        except subprocess.CalledProcessError as error:
            pytest.skip(f"this user may not make network namespaces: {error.stderr.decode().strip()}")
        yield network
    finally:
        network.remove()


@pytest.mark.slow
def test_two_hosts_train_together_whatever_becomes_of_one_or_of_the_launcher(network: Network, tmp_path: Path) -> None:
    folder, go = tmp_path / "shared", tmp_path / "go"
    asker = make_asker_of_two(tmp_path / "asker", steps=9, hold=str(go))
    servers = [Sshd(tmp_path / f"sshd-{number}", network.address(number), _as_host(network, number)) for number in (2, 3)]
    config = tmp_path / "ssh_config"
    # One file for both: each server's own, under the name of its host.
    config.write_text("".join((s.folder / "ssh_config").read_text().replace("Host *", f"Host node-{n}") for n, s in zip("ab", servers, strict=True)))
    asker.hosts(
        box={
            "launcher": "ssh", "hosts": ["node-a", "node-b"], "folder": str(folder), "python": PYTHON, "ssh_options": ["-F", str(config)],
            "interface": "eth0", "rendezvous_host": network.address(2),
        }
    )  # fmt: skip
    command = (*network.inside(1), sys.executable, "-m", "orchestration.launch", "training.count")

    def second(needle: str = "") -> list[int]:
        return [pid for pid in processes_of(folder, needle) if _namespace(pid) == _namespace_of(network, 3)]

    try:
        killed = asker.launch(command, dagster=True)
        killed.says("step 7 sum 3")
        killed.kill()
        running = processes_of(folder)
        assert second() and len(second()) < len(running), "each host has processes of its own"

        # The job has gone on; one host's processes are killed.
        adopting = asker.launch(command, dagster=True)
        adopting.says("found job count-")
        adopting.says("step 7 sum 3")
        assert processes_of(folder) == running and "from step 0 on 2" in adopting.text
        for pid in [*second("job.py"), *second()]:
            kill(pid)
        adopting.says("attempt 1 was lost")
        until(lambda: adopting.text.count("step 7 sum 3") == 2, "it goes on")
        assert "from step 5 on 2" in adopting.text

        # Told to end, the launcher ends it on both hosts.
        os.killpg(adopting.process.pid, signal.SIGTERM)
        assert adopting.wait() == 128 + signal.SIGTERM, adopting.text
        assert processes_of(folder) == []

        # Started again, one host hangs, and is cut off: its last sign of life was long ago.
        alone = asker.launch(command, dagster=True)
        alone.says(", attempt 3")
        until(second, "both hosts work")
        hanging = [*second("job.py"), *second()]
        for pid in hanging:
            kill(pid, signal.SIGSTOP)
        _check(*network.inside(1), "ip", "route", "add", "unreachable", network.address(3))
        (alive,) = folder.glob("*/jobs/*/alive-1")
        os.utime(alive, (time.time() - 100,) * 2)
        assert alone.wait() == 1
        assert "attempt 3 was lost" in alone.text and "targets.box: node-b does not answer: " in alone.text
        assert set(processes_of(folder)) == set(second()), "the other host does not go on alone"
        for pid in hanging:
            kill(pid, signal.SIGCONT)
        until(lambda: not processes_of(folder), "when it is back it ends what nobody waits for")
        _check(*network.inside(1), "ip", "route", "del", "unreachable", network.address(3))

        # It ends with nobody watching, and is collected.
        go.touch()
        killed = asker.launch(command, dagster=True)
        killed.says(", attempt 4")
        killed.kill()
        ended = lambda: ['"code": 0' in file.read_text() for file in folder.glob("*/jobs/*/attempts/0004-*.json")]  # noqa: E731
        until(lambda: ended() == [True, True], "both hosts have ended")
        last = asker.launch(command, dagster=True)
        assert last.wait() == 0 and "has ended well on box meanwhile" in last.text, last.text
        last.check_messages()
        assert (asker.folder / "artifacts/count/picture.png").read_bytes() == b"picture" and asker.artifact("run.json")["images"]
        assert asker.artifact("metrics.json") == {"sum": 3, "begun": 5}
        launch = asker.artifact("launch.json")
        assert (launch["attempts"], launch["host"]) == (4, "node-2") and launch["lost_seconds"] > 0
        assert launch["lost_steps"] >= 2, "when one host was killed the other was two steps past the checkpoint"
        until(lambda: not processes_of(folder), "nothing is left on either host")
    finally:
        for launched in asker.launched:
            if launched.process.poll() is None:
                launched.kill()
        for server in servers:
            server.stop()
        for pid in [*processes_of(folder, "job.py"), *processes_of(folder)]:
            kill(pid)


def _as_host(network: Network, number: int) -> tuple[str, ...]:
    """A host sees its own processes alone, and has a name of its own."""
    alone = ("unshare", "--uts", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", 'hostname "$0" && exec "$@"', f"node-{number}")
    return (*network.inside(number), *alone)


def _namespace(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/ns/net").readlink())
    except OSError:
        return "gone"


def _namespace_of(network: Network, number: int) -> str:
    shown = subprocess.run([*network.inside(number), "readlink", "/proc/self/ns/net"], capture_output=True, text=True, check=True)
    return shown.stdout.strip()
