"""Dagster's UI on this machine, with its daemon (schedules, sensors, queued runs): `python -m orchestration.ui`. Ctrl-C stops all of it."""

import argparse
import errno
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from types import FrameType

from contracts.errors import InputError, run_command
from orchestration.home import add_shard_partitions, prepare_home
from orchestration.pipeline import declared_stages
from orchestration.process import project_environment

HOST = "127.0.0.1"
# Seconds that the children get to end after Ctrl-C before they are killed.
_STOP_PATIENCE = 20.0
_START_PATIENCE = 300.0
# Dagster recommends `dg dev`, a package of its own for projects laid out its way; `dagster dev` does what is needed.
_SUPERSEDED = "ignore:Function `dev_command` is superseded"


def check_port(port: int) -> None:
    """InputError if another program listens on this port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            problem = "is in use by another program." if error.errno == errno.EADDRINUSE else "may not be opened by this user."
            raise InputError(
                problem,
                field="--port",
                found=f"{HOST}:{port}",
                fix=f"Stop that program, or choose another port: `make ui PORT={port + 1 if port < 65535 else 3000}`.",
            ) from None


def start(port: int) -> "subprocess.Popen[bytes]":
    """Start webserver and daemon in a process group of their own. Call `stop` in the end."""
    import dagster as dg

    prepare_home()
    with dg.DagsterInstance.get() as instance:
        add_shard_partitions(instance)
    command = [
        sys.executable,
        "-W",
        _SUPERSEDED,
        "-m",
        "dagster",
        "dev",
        "-m",
        "orchestration.definitions",
        "-h",
        HOST,
        "-p",
        str(port),
        "--log-level",
        "warning",
    ]
    return subprocess.Popen(command, env=project_environment(), stdin=subprocess.DEVNULL, start_new_session=True)


def wait_until_ready(process: "subprocess.Popen[bytes]", port: int) -> None:
    """Return when the webserver answers. RuntimeError if it ends or stays silent."""
    deadline = time.monotonic() + _START_PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"Dagster ended with exit code {process.returncode}; its own messages stand above.")
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}/server_info", timeout=5):
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.2)
    raise RuntimeError(f"Dagster's webserver did not answer on port {port} within {_START_PATIENCE:.0f} s.")


def stop(process: "subprocess.Popen[bytes]") -> None:
    """Stop webserver, daemon and code servers, and wait until they are gone."""
    for sent, seconds in ((signal.SIGINT, _STOP_PATIENCE), (signal.SIGKILL, 5.0)):
        try:
            os.killpg(process.pid, sent)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            process.poll()
            if not _alive(process.pid):
                return
            time.sleep(0.1)


def _alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m orchestration.ui", description="Serve Dagster's UI and run its daemon until Ctrl-C.")
    parser.add_argument("--port", type=int, default=3000, help="port on 127.0.0.1 (default 3000)")
    port = parser.parse_args().port
    check_port(port)
    declared_stages()  # a broken dvc.yaml is told here, not by a traceback in a browser

    # Handlers of ours are set back to the default in children; a SIGINT that was ignored when we were started would stay ignored there.
    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    process = start(port)
    try:
        wait_until_ready(process, port)
        print(f"Dagster: http://{HOST}:{port}  (Ctrl-C stops it)", flush=True)
        process.wait()
        raise RuntimeError(f"Dagster ended with exit code {process.returncode}; its own messages stand above.")
    except KeyboardInterrupt:
        print("Stopping Dagster.", flush=True)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not leave children behind
        stop(process)


if __name__ == "__main__":
    run_command(main)
