"""Dagster's own launcher, which starts a run as a process of the code location; this one can also be asked whether that process still lives.

Without it a run whose process went together with its code location (the machine was restarted, `make ui` was killed) would stay "started" for as long
as a run may take, a week, and would hold its place in its pool all the while: nothing else would train.
"""

import json
import socket
from typing import Any

import dagster as dg
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._grpc.client import DagsterGrpcClient
from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult
from dagster._serdes import deserialize_value

# Seconds in which a code location that listens should answer; one that is merely slow has not lost its runs.
_PATIENCE = 30


class LocalRunLauncher(dg.DefaultRunLauncher):
    """`run_launcher: {module: orchestration.run_launcher, class: LocalRunLauncher}` in dagster.yaml."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """RUNNING unless the code location that started the run is gone, or does not know it (any more)."""
        if GRPC_INFO_TAG not in run.tags:  # not started by this launcher
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        place = json.loads(run.tags[GRPC_INFO_TAG])
        if not _listens(place):
            return CheckRunHealthResult(WorkerStatus.FAILED, "its process went together with its code location")
        client = DagsterGrpcClient(port=place.get("port"), socket=place.get("socket"), host=place.get("host"), use_ssl=bool(place.get("use_ssl")))
        try:
            answer = client.can_cancel_execution(CanCancelExecutionRequest(run_id=run.run_id), timeout=_PATIENCE)
        except DagsterUserCodeUnreachableError:
            return CheckRunHealthResult(WorkerStatus.RUNNING, "its code location does not answer in time")
        if deserialize_value(answer, CanCancelExecutionResult).can_cancel:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.FAILED, "its code location was started again, and has no such process")


def _listens(place: dict[str, Any]) -> bool:
    """Whether anybody listens where the code location was. A host that cannot be asked is taken to be there."""
    try:
        if place.get("socket"):
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(place["socket"])
        else:
            socket.create_connection((place["host"], place["port"]), timeout=_PATIENCE).close()
    except (ConnectionRefusedError, FileNotFoundError):
        return False
    except OSError:
        return True
    return True
