"""Runs the whole line in one process and shows it in Dagster: `python -m orchestration.line`, the main part of `make demo`.

Shards that are missing are rendered, and the renderer refuses those of other settings; the dataset and every stage of dvc.yaml are
materialized, which reuses whatever has not changed. Steps report to the terminal (headings, progress bars, metrics); runs, logs and results
are in Dagster afterwards (`make ui`).
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from contracts.dataset import dataset_version
from contracts.errors import run_command
from contracts.stage import ARTIFACTS
from orchestration.home import add_shard_partitions, prepare_home, preset_shards

if TYPE_CHECKING:
    import dagster as dg

HEADLINE = ("AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large")


def run_line(terminal: int) -> list[Any]:
    """Materialize what is needed, in the instance of DAGSTER_HOME, with output to the file descriptor `terminal`.

    Returns the materializations. LineError with the failing step's own paragraph.
    """
    import dagster as dg

    from orchestration.assets import shard_is_shown
    from orchestration.definitions import build
    from orchestration.process import Console

    definitions = build(Console(terminal))
    made: list[Any] = []
    with dg.DagsterInstance.get() as instance:
        shards = add_shard_partitions(instance)
        for key in shards:
            if not shard_is_shown(key, instance):
                made += _materialize(definitions.resolve_job_def("render"), instance, partition_key=key)
        made += _materialize(definitions.resolve_job_def("line"), instance)
    return made


class LineError(Exception):
    """A step of the line failed; the text is its own paragraph."""


def _materialize(job: "dg.JobDefinition", instance: "dg.DagsterInstance", partition_key: str | None = None) -> list[Any]:
    result = job.execute_in_process(instance=instance, partition_key=partition_key, raise_on_error=False, run_config=_QUIET)
    for event in result.all_events:
        if event.is_step_failure:
            failure = event.step_failure_data
            if failure.error and failure.error.cls_name == "DagsterExecutionInterruptedError":
                raise KeyboardInterrupt
            told = failure.user_failure_data.description if failure.user_failure_data else None
            raise LineError(told or (failure.error.to_string() if failure.error else f"error: {event.step_key} failed."))
    if not result.success:
        raise LineError(f"error: run {result.run_id} did not succeed; `make ui` shows it.")
    return [event.materialization for event in result.get_asset_materialization_events()]


# Dagster keeps every event; a person reads what the stages say.
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@contextmanager
def only_stages_speak() -> Iterator[int]:
    """Yields a descriptor of the terminal (stderr), and meanwhile sends this process's own stdout and stderr nowhere.

    Dagster puts a file in place of both while a step runs and copies that file to wherever they led before, late and without its end;
    the stages' output takes the short way instead (orchestration.process.Console).
    """
    sys.stdout.flush()
    sys.stderr.flush()
    out, err, nowhere = os.dup(1), os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    try:
        yield err
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(out, 1)
        os.dup2(err, 2)
        for descriptor in (out, err, nowhere):
            os.close(descriptor)


def summary(made: list[Any], seconds: float) -> str:
    """What a person wants to know at the end."""
    work = [m for m in made if not m.metadata["reused"].value]
    minutes = f"{int(seconds // 60)} min {seconds % 60:.0f} s" if seconds >= 60 else f"{seconds:.1f} s"
    lines = [
        "",
        f"Everything is up to date ({minutes})."
        if not work
        else f"The line is done ({minutes}); {len(work)} steps ran, {len(made) - len(work)} were reused.",
    ]
    lines.append(f"  dataset   {dataset_version()}")
    metrics = ARTIFACTS / "eval_detection" / "metrics.json"
    if metrics.is_file():
        values = json.loads(metrics.read_text(encoding="utf-8"))
        lines.append("  detector  " + "   ".join(f"{name} {values[name]:.4f}" for name in HEADLINE if name in values))
    report = ARTIFACTS / "report" / "report.html"
    if report.is_file():
        lines.append(f"  report    {report}")
    lines.append("  `make ui` shows all of it in Dagster.")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m orchestration.line", description="Run the whole line: shards, dataset, every stage of dvc.yaml.")
    parser.parse_args()
    preset_shards()  # a wrong params.yaml is told before Dagster is loaded
    started = time.monotonic()
    prepare_home()
    try:
        with only_stages_speak() as terminal:
            made = run_line(terminal)
    except LineError as failed:
        print(f"\n{failed}", file=sys.stderr, flush=True)
        raise SystemExit(1) from None
    print(summary(made, time.monotonic() - started))


if __name__ == "__main__":
    run_command(main)
