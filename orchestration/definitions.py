"""What Dagster loads: the assets of the line, its jobs, schedules and sensors.

`dagster dev -m orchestration.definitions`; `make ui` does it with the project's home.
"""

import dagster as dg

from contracts.dataset import POINTER, dataset_version
from orchestration.assets import card_asset, card_checks, dataset_asset, dataset_checks, screens_asset, stage_asset
from orchestration.checks import gate_checks
from orchestration.drift import drift_asset
from orchestration.executor import render_executor
from orchestration.nights import model_assets, night_job, nightly, weekly
from orchestration.pipeline import declared_stages
from orchestration.process import Console
from orchestration.sensors import UNFINISHED, failed_runs, new_real_screens, stale_stages


def build(console: Console | None = None) -> dg.Definitions:
    """Definitions from the dvc.yaml of the current folder. `console` says where output goes besides the log of each step."""
    console = console or Console()
    declared = declared_stages()
    stages = [stage_asset(stage, console) for stage in declared]
    line_of_stages = dg.AssetSelection.assets(*stages)
    jobs = [
        dg.define_asset_job(
            "render", dg.AssetSelection.assets("screens"), description="Render shards: choose which in the dialog.", executor_def=render_executor()
        ),
        dg.define_asset_job(
            "line",
            dg.AssetSelection.assets("dataset", "data_card") | line_of_stages,
            description="Version the dataset, describe it, then every stage of dvc.yaml.",
        ),
        dg.define_asset_job("compare_inbox", dg.AssetSelection.assets("drift"), description="Compare the real screens in inbox/ with the dataset."),
        dg.define_asset_job("stages", line_of_stages, description="Every stage of dvc.yaml, on the dataset version that is there."),
    ]
    return dg.Definitions(
        assets=[screens_asset(console), dataset_asset(console), card_asset(console), *stages, *model_assets(), drift_asset(console)],
        asset_checks=[dataset_checks(), card_checks(), *gate_checks(declared)],
        jobs=[*jobs, night_job(console)],
        schedules=[nightly, weekly],
        sensors=[new_dataset, stale_stages, failed_runs, new_real_screens],
    )


@dg.sensor(
    job_name="stages",
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Asks for a run of the stages when data.dvc names another dataset version, whoever made it.",
)
def new_dataset(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """The cursor is the dataset version that was last asked for.

    The line makes a version and then uses it: while it runs, the sensor waits; if the line brought it to the end, nothing is left to ask for.
    """
    if not POINTER.is_file():
        return dg.SkipReason("There is no data.dvc yet.")
    version = dataset_version()
    if version == context.cursor:
        return dg.SkipReason(f"Dataset version {version} was asked for already.")
    if context.instance.get_runs_count(dg.RunsFilter(job_name="line", statuses=UNFINISHED)):
        return dg.SkipReason("The line is running; it uses the version that it makes.")
    if finished_with(version, context.instance):
        return dg.SensorResult(skip_reason=f"Every stage has used dataset version {version}.", cursor=version)
    # The file's time tells a version that comes back after another one from the same event seen twice.
    request = dg.RunRequest(run_key=f"{version}@{POINTER.stat().st_mtime_ns}", tags={"dataset_version": version})
    return dg.SensorResult(run_requests=[request], cursor=version)


def finished_with(version: str, instance: dg.DagsterInstance) -> bool:
    """Whether every stage's newest materialization was made from this dataset version."""
    for stage in declared_stages():
        event = instance.get_latest_materialization_event(dg.AssetKey(stage.name))
        made_from = event.asset_materialization.metadata.get("dataset_version") if event and event.asset_materialization else None
        if made_from is None or made_from.value != version:
            return False
    return True


@dg.definitions
def line() -> dg.Definitions:
    """Read by Dagster when it loads this module; importing alone reads nothing."""
    return build()
