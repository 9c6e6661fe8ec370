"""Sensors: stale stages, failed runs, real screens that look unlike the dataset. (`new_dataset` stands in orchestration.definitions.)

Each has a cursor, and run keys that say what was seen: an event that is seen twice, because the daemon was killed in between, makes one run.
"""

import hashlib
import json
import subprocess
from typing import Any

import dagster as dg

from contracts.dataset import POINTER, dataset_version
from contracts.errors import InputError
from contracts.knobs import load_notify
from contracts.notify import Message, send
from orchestration.drift import ANNOTATIONS, INBOX
from orchestration.pipeline import code_version, declared_stages
from orchestration.process import own_error, project_environment

UNFINISHED = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
_TOLD = "screenry/told"


@dg.sensor(
    job_name="stages",
    minimum_interval_seconds=600,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Asks for a run of the stages when `dvc status` says that some are stale: code, settings or inputs changed.",
)
def stale_stages(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """The cursor says which staleness was last asked for: the stages, what makes each of them, and the dataset."""
    if not POINTER.is_file():
        return dg.SkipReason("There is no data.dvc yet.")
    if context.instance.get_runs_count(dg.RunsFilter(job_name="stages", statuses=UNFINISHED)) or context.instance.get_runs_count(
        dg.RunsFilter(job_name="line", statuses=UNFINISHED)
    ):
        return dg.SkipReason("The stages are running.")
    stale = stale_now()
    if not stale:
        return dg.SensorResult(skip_reason="Every stage is up to date.", cursor="clean")
    versions = {stage.name: code_version(stage) for stage in declared_stages()}
    seen = hashlib.sha256(json.dumps([stale, versions, dataset_version()]).encode()).hexdigest()[:16]
    if seen == context.cursor:
        return dg.SkipReason(f"Asked for already: {', '.join(stale)}.")
    return dg.SensorResult(run_requests=[dg.RunRequest(run_key=seen, tags={"screenry/stale": ",".join(stale)})], cursor=seen)


def stale_now() -> list[str]:
    """Stages that `dvc status` names. InputError with DVC's words if it fails."""
    done = subprocess.run(
        ["dvc", "--wait-for-lock", "status", "--json", *(stage.name for stage in declared_stages())],
        env=project_environment(), capture_output=True, text=True, timeout=55,
    )  # fmt: skip
    if done.returncode:
        raise InputError(f"`dvc status` failed: {own_error(done.stderr.splitlines())}", file=POINTER, fix="Run `dvc status` here.")
    return sorted(json.loads(done.stdout))


@dg.run_failure_sensor(
    default_status=dg.DefaultSensorStatus.STOPPED,
    minimum_interval_seconds=30,
    description="Tells of failed runs by the ways that `notify:` in params.yaml names (webhook, Slack, mail).",
)
def failed_runs(context: dg.RunFailureSensorContext) -> None:
    """Dagster keeps the cursor. A tag on the run says that it was told of, so that a daemon killed in between does not tell twice."""
    run = context.dagster_run
    record = context.instance.get_run_by_id(run.run_id)
    if record and _TOLD in record.tags:
        return
    failures = send(failure_message(run, context.failure_event, context.get_step_failure_events()), load_notify(), context.log.warning)
    if failures:
        raise dg.Failure("; ".join(failures))  # the tick is shown as failed; Dagster does not ask again
    context.instance.add_run_tags(run.run_id, {_TOLD: "true"})


def failure_message(run: dg.DagsterRun, event: dg.DagsterEvent, steps: list[dg.DagsterEvent] | Any) -> Message:
    """What a person reads: the job, each failed step, and the stage's own last word."""
    said = []
    for step in steps:
        data = step.step_failure_data
        own = data.user_failure_data.description if data.user_failure_data else None
        said.append(f"{step.step_key}: {own or (data.error.message.strip() if data.error else step.message)}")
    night = run.tags.get("screenry/night")
    facts: dict[str, float | str] = {"run": run.run_id, "job": run.job_name, **({"night": night} if night else {})}
    subject = f"{run.job_name}{f' {night}' if night else ''} failed"
    return Message(subject, "\n".join(said) or event.message or "The run failed.", level="error", facts=facts)


@dg.sensor(
    job_name="compare_inbox",
    minimum_interval_seconds=300,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Asks for a comparison with the dataset when real screens (PNG), or their labels (annotations.json), were dropped into inbox/.",
)
def new_real_screens(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """The cursor is a hash of the inbox's pictures and labels by name, size and time."""
    pictures = sorted(INBOX.glob("*.png"))
    if not pictures:
        return dg.SkipReason("inbox/ holds no PNG.")
    files = [*pictures, *([ANNOTATIONS] if ANNOTATIONS.is_file() else [])]
    seen = hashlib.sha256(json.dumps([(p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in files]).encode()).hexdigest()[:16]
    if seen == context.cursor:
        return dg.SkipReason(f"These {len(pictures)} screens were compared already.")
    return dg.SensorResult(run_requests=[dg.RunRequest(run_key=seen)], cursor=seen)
