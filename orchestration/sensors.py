"""Sensors: stale stages, failed runs, real screens that look unlike the dataset. (`new_dataset` stands in orchestration.definitions.)

Each has a cursor, and run keys that say what was seen: an event that is seen twice, because the daemon was killed in between, makes one run.
"""

import hashlib
import json
import struct
import subprocess
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Any

import dagster as dg
import yaml

from contracts.annotation import Screen
from contracts.dataset import POINTER, dataset_version
from contracts.errors import InputError
from contracts.files import replacing
from contracts.knobs import PARAMS, load_notify
from contracts.notify import Message, send
from orchestration.assets import PYTHON, code_link, run_in_step
from orchestration.pipeline import code_version, declared_stages
from orchestration.process import Console, own_error, project_environment

UNFINISHED = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
INBOX = Path("inbox")
DRIFT = Path("artifacts/.drift")
# Marginals of datagen.compare that a picture without labels has.
FEATURES = ("luminance", "saturation", "colours", "edge_density", "screen_aspect", "screen_longest")
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
    description="Asks for a comparison with the dataset when real screens (PNG) were dropped into inbox/.",
)
def new_real_screens(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """The cursor is a hash of the inbox's files by name, size and time."""
    pictures = sorted(INBOX.glob("*.png"))
    if not pictures:
        return dg.SkipReason("inbox/ holds no PNG.")
    seen = hashlib.sha256(json.dumps([(p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in pictures]).encode()).hexdigest()[:16]
    if seen == context.cursor:
        return dg.SkipReason(f"These {len(pictures)} screens were compared already.")
    return dg.SensorResult(run_requests=[dg.RunRequest(run_key=seen)], cursor=seen)


def drift_asset(console: Console) -> dg.AssetsDefinition:
    """`drift`: how far the inbox is from the dataset, in features of pictures."""

    @dg.asset(
        name="drift",
        deps=["dataset"],
        group_name="evaluation",
        owners=["team:evaluation"],
        kinds={"python"},
        pool="dataset",
        tags={"room": "evaluation"},
        metadata=code_link("orchestration/sensors.py"),
        check_specs=[
            dg.AssetCheckSpec(
                "near_the_dataset", asset="drift", description="No feature of the inbox is further from the dataset than `drift.limit`."
            )
        ],
        description="Real screens in inbox/ against the dataset: Jensen-Shannon divergence (bits) of each feature of their pictures, beside its noise floor.",
    )
    def drift(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster knows the bare class alone beside check specs
        try:
            limit = drift_limit()
            count = pack_inbox(DRIFT / "inbox/shards/000000.tar")
        except InputError as error:
            raise dg.Failure(f"error: {error}", allow_retries=False) from None
        run_in_step(
            context, console, "drift", f"{count} real screens against the dataset",
            [PYTHON, "-m", "datagen.compare", str(DRIFT / "inbox"), "--out", str(DRIFT / "comparison"), "--note", f"dataset {dataset_version()}"],
        )  # fmt: skip
        found = json.loads((DRIFT / "comparison/compare.json").read_text(encoding="utf-8"))
        features = {name: found["marginals"][name] for name in FEATURES if name in found["marginals"]}
        distances = {name: own["jsd"] - own["noise_floor"] for name, own in features.items()}
        far = {name: value for name, value in distances.items() if value > limit}
        told = ", ".join(f"{name} {value:.3f}" for name, value in sorted(far.items(), key=lambda pair: -pair[1]))
        check = dg.AssetCheckResult(
            check_name="near_the_dataset",
            passed=not far,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"further than {limit:g} bits above the noise: {told}" if far else f"all within {limit:g} bits of the noise",
        )
        metadata = {"screens": count, "largest": max(distances.values()), **{f"jsd_{name}": value for name, value in distances.items()}}
        return dg.MaterializeResult(metadata=metadata | {"dataset_version": dataset_version()}, check_results=[check])

    return drift


def drift_limit(file: Path = PARAMS) -> float:
    """`drift.limit` of params.yaml, in bits. InputError if it is no number from 0 to 1."""
    limit = ((yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("drift") or {}).get("limit")
    if not isinstance(limit, int | float) or not 0 <= limit <= 1:
        raise InputError("must be a number of bits.", file=file, field="drift.limit", found=repr(limit), fix="Set it from 0 (alike) to 1 (disjoint).")
    return float(limit)


def pack_inbox(target: Path) -> int:
    """The inbox's pictures as a shard of screens without labels, which is what the comparison reads; how many. InputError for what is no PNG."""
    pictures = sorted(INBOX.glob("*.png"))
    if not pictures:
        raise InputError("holds no PNG.", file=INBOX, fix="Drop real screens there.")
    with replacing(target) as path, tarfile.open(path, "w") as tar:
        for number, picture in enumerate(pictures):
            content = picture.read_bytes()
            if content[:8] != b"\x89PNG\r\n\x1a\n" or content[12:16] != b"IHDR":
                raise InputError("is no PNG.", file=picture, fix="Convert it, or take it away.")
            width, height = struct.unpack(">II", content[16:24])
            screen = Screen(
                key=f"inbox-{number:06d}", width=width, height=height, device_scale=1, platform="mobile" if height > width else "web", kit="real",
                family="inbox", locale="unknown", theme="unknown", seed=0, generator="real", elements=(),
            )  # fmt: skip
            for suffix, data in (("json", screen.model_dump_json().encode()), ("png", content)):
                member = tarfile.TarInfo(f"{screen.key}.{suffix}")
                member.size = len(data)
                tar.addfile(member, BytesIO(data))
    return len(pictures)
