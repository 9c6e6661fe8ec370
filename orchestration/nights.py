"""The nightly and the weekly run in Dagster, and the models that they promote. What a night does stands in orchestration.nightly."""

import json
from datetime import UTC
from pathlib import Path
from typing import Any

import dagster as dg

from orchestration.assets import PYTHON, code_link, freshness, run_in_step, table
from orchestration.cost import spent
from orchestration.nightly import STEPS, Night, read_nightly
from orchestration.process import Console
from orchestration.registry import declared_models

JOB = "nightly"
# The pool that each step waits for.
_POOLS = {"begin": "dataset", "render": "browser", "learn": "gpu", "finish": "dataset"}
_TOLD = {
    "begin": "A working tree of the night's own, with the dataset as it was last night.",
    "render": "New shards under a generation seed of their own.",
    "learn": "A new dataset version, and every stage on it.",
    "finish": "The model kept, and promoted if its gates hold; the night as a commit.",
}


class NightConfig(dg.Config):
    """Which night: its date in UTC, as 2026-11-21. `full`: no new shards, every stage anew."""

    date: str
    full: bool = False


def model_key(model: str) -> dg.AssetKey:
    return dg.AssetKey(["models", model])


def model_assets() -> list[dg.AssetSpec]:
    """One asset per model of the registry. Nights materialize it; so its history shows their metrics."""
    return [
        dg.AssetSpec(
            model_key(model.name),
            deps=[model.artifact, *model.measured_by],
            group_name="models",
            owners=["team:training"],
            kinds={"pytorch"},
            tags={"room": "training"},
            metadata=code_link("orchestration/registry.py"),
            freshness_policy=freshness(),
            description="Versions of this model, and the promoted one. `python -m orchestration.registry list`",
        )
        for model in declared_models()
    ]


def night_job(console: Console) -> dg.JobDefinition:
    """The four steps of a night, each a command that a person may type as well. A run that was cut off is simply launched again."""
    steps = {step: _step(step, console) for step in STEPS}

    @dg.graph(name=JOB, description="New shards, a new dataset version, every stage, a promotion if the gates hold; in a working tree of its own.")
    def night() -> None:
        done = steps["begin"]()
        for step in STEPS[1:]:
            done = steps[step](done)

    tags = {"screenry/worktree": "nightly", "dagster/max_retries": "2", "dagster/max_runtime": str(7 * 86400)}
    return night.to_job(name=JOB, tags=tags, config=_shared_config())


def _shared_config() -> dg.ConfigMapping:
    """The night is told once, for all steps."""

    @dg.config_mapping
    def mapping(config: NightConfig) -> dict[str, Any]:
        return {"ops": {f"night_{step}": {"config": {"date": config.date, "full": config.full}} for step in STEPS}}

    return mapping


def _step(step: str, console: Console) -> dg.OpDefinition:
    @dg.op(
        name=f"night_{step}",
        pool=_POOLS[step],
        description=_TOLD[step],
        out=dg.Out(dg.Nothing),
        ins={} if step == STEPS[0] else {"before": dg.In(dg.Nothing)},
    )
    def run(context: dg.OpExecutionContext, config: NightConfig) -> None:
        full = ["--full"] if config.full else []
        run_in_step(
            context, console, f"night {config.date}", _TOLD[step], [PYTHON, "-m", "orchestration.nightly", step, "--date", config.date, *full]
        )
        if step == "finish":
            night = Night(date=config.date, full=config.full, repository=Path.cwd(), knobs=read_nightly())
            _show(context, json.loads(night.summary.read_text(encoding="utf-8")))

    return run


def _show(context: dg.OpExecutionContext, summary: dict[str, Any]) -> None:
    """Tell Dagster of the night's model, once per night."""
    key = model_key(summary["model"])
    newest = context.instance.get_latest_materialization_event(key)
    if newest and newest.asset_materialization and newest.asset_materialization.metadata["commit"].value == summary["commit"]:
        return
    numbers = {f"{stage}/{name}": value for stage, metrics in summary["metrics"].items() for name, value in metrics.items() if "_class_" not in name}
    told = ("version", "promoted", "refused", "fine_tuned_from", "date", "full", "commit", "branch", "dataset_version")
    cost = spent(run for stage, run in summary["runs"].items() if stage in summary["ran"])
    metadata: dict[str, Any] = (
        {name: summary[name] for name in told if summary[name] is not None} | {"gates": table(summary["gates"])} | cost | numbers
    )
    if summary["report"]:
        metadata["report"] = dg.MetadataValue.path(summary["report"])
    context.log_event(dg.AssetMaterialization(key, description=f"night {summary['date']}", metadata=metadata))


def _request(context: dg.ScheduleEvaluationContext, full: bool) -> dg.RunRequest:
    """One run per night, however often it is asked for. The night is the tick's, not the clock's: a tick that comes late is still that night.

    Of nights that were missed because no daemon was running, Dagster makes up for the last.
    """
    date = context.scheduled_execution_time.astimezone(UTC).date().isoformat()
    key = f"{date}{' full' if full else ''}"
    return dg.RunRequest(run_key=key, run_config={"date": date, "full": full}, tags={"screenry/night": key})


@dg.schedule(
    job_name=JOB,
    cron_schedule="0 2 * * 1-6",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Every night but Sunday's at two (UTC): new shards, everything that follows from them, a promotion if the gates hold.",
)
def nightly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    return _request(context, full=False)


@dg.schedule(
    job_name=JOB,
    cron_schedule="0 2 * * 0",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Sundays at two (UTC): every stage anew, nothing from DVC's run cache.",
)
def weekly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    return _request(context, full=True)
