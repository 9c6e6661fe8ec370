"""What a setting is worth: every combination of a grid, with several seeds, at the budget that params.yaml gives; a table, a plot, and honest spread.

    python -m evaluation.ablation grid.yaml --out ablation/two-stage

    # grid.yaml
    stage: eval_detection                        # what is run, with all that it needs
    metrics: [AP, AP50_agnostic]                 # of its metrics.json
    seeds: [0, 1, 2]
    seeded: [train_detector, pretrain_mae]       # sections whose `seed` is set
    grid:                                        # <section>.<key>: values; or `arms:`, a list of {name: ..., <section>.<key>: value, ...}
      train_detector.two_stage: [false, true]
      train_detector.learning_rate: [0.0005, 0.001]

Each run is an experiment of DVC (`dvc exp run --temp`): in a folder of its own, with the cache of all, so that stages that no setting touches run once, and
nobody's working tree is changed. `dvc exp show` lists them, `dvc exp apply NAME` takes one over. What has run is not run again: an interrupted ablation
goes on where it was, and one that has failed is tried again. Written are runs.csv, table.md and ablation.png after every run.
"""

import argparse
import csv
import difflib
import hashlib
import itertools
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Annotated, Any

import yaml
from pydantic import Field, ValidationError

from contracts.errors import InputError, run_command
from contracts.files import replacing, write_text
from contracts.knobs import PARAMS, Knobs, preset_name
from contracts.stage import progress

Value = bool | int | float | str | None


class Grid(Knobs):
    """What an ablation file says. Either `grid`, of which every combination is an arm, or `arms`, each of them named."""

    stage: str
    metrics: Annotated[tuple[str, ...], Field(min_length=1)]
    seeds: Annotated[tuple[int, ...], Field(min_length=1)]
    seeded: tuple[str, ...]
    grid: Mapping[str, tuple[Value, ...]] = {}
    arms: tuple[Mapping[str, Value], ...] = ()


@dataclass(frozen=True)
class Run:
    """One arm with one seed: the settings it changes (path in params.yaml -> value), and its name as an experiment of DVC."""

    arm: str
    seed: int
    settings: Mapping[str, Value]
    experiment: str


def main() -> None:
    options = _options()
    grid = read_grid(options.grid)
    runs = plan(grid, yaml.safe_load(PARAMS.read_text(encoding="utf-8")), preset_name(), _revision(), options.grid)
    options.out.mkdir(parents=True, exist_ok=True)
    failed = []
    for run in progress(runs, "runs"):
        if run.experiment not in measured(grid.stage):
            log = options.out / f"{run.experiment}.log"
            if not execute(run, grid.stage, log):
                failed.append(f"{run.arm}, seed {run.seed}: {log}")
        write(grid, runs, measured(grid.stage), options.out)
    print((options.out / "table.md").read_text(encoding="utf-8"))
    if failed:
        print("error: these runs failed; their logs say why, and the same command tries them again:\n  " + "\n  ".join(failed), file=sys.stderr)
        sys.exit(1)


def read_grid(file: Path) -> Grid:
    """InputError for a file that is missing or does not say what an ablation needs."""
    fix = "`python -m evaluation.ablation --help` shows an example."
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
        grid = Grid.model_validate_json(json.dumps(found))
    except FileNotFoundError:
        raise InputError("does not exist.", file=file, fix=fix) from None
    except yaml.YAMLError as error:
        raise InputError(f"is not valid YAML: {error}.", file=file, fix=fix) from None
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"{first['msg']}.", file=file, field=".".join(map(str, first["loc"])) or None, found=first["input"], fix=fix) from None
    if bool(grid.grid) == bool(grid.arms):
        raise InputError("wants either `grid` or `arms`.", file=file, field="grid", fix=fix)
    if any("name" not in arm for arm in grid.arms):
        raise InputError("an arm has no name.", file=file, field="arms", fix=fix)
    return grid


def plan(grid: Grid, params: dict[str, Any], preset: str, revision: str, file: object) -> list[Run]:
    """Every arm with every seed, seeds last, so that all arms have one seed before any has two. InputError for a setting that params.yaml does not have."""
    arms: list[tuple[str, dict[str, Value]]] = []
    if grid.grid:
        for values in itertools.product(*grid.grid.values()):
            changed = dict(zip(grid.grid, values, strict=True))
            arms.append((", ".join(f"{key.rpartition('.')[2]} {_shown(value)}" for key, value in changed.items()), changed))
    else:
        arms = [(str(arm["name"]), {key: value for key, value in arm.items() if key != "name"}) for arm in grid.arms]
    runs = []
    for seed in grid.seeds:
        for name, changed in arms:
            wanted = {**changed, **{f"{section}.seed": seed for section in grid.seeded}}
            settings = {_path(key, params, preset, file): value for key, value in wanted.items()}
            digest = hashlib.sha256(json.dumps([revision, grid.stage, sorted(settings.items())]).encode()).hexdigest()[:10]
            runs.append(Run(name, seed, settings, f"ablation-{digest}"))
    return runs


def _path(key: str, params: dict[str, Any], preset: str, file: object) -> str:
    """`train_detector.two_stage` -> where it stands in params.yaml: in the stage's own section, or in the preset's."""
    section, _, name = key.partition(".")
    places = {section: params.get(section) or {}, f"presets.{preset}.{section}": params["presets"][preset].get(section) or {}}
    for place, values in places.items():
        if name in values:
            return f"{place}.{name}"
    known = sorted(f"{section}.{name}" for values in places.values() for name in values)
    close = difflib.get_close_matches(key, known, n=1)
    fix = f"Did you mean `{close[0]}`?" if close else f"Known here: {', '.join(known) or 'no such section'}."
    raise InputError(f"is no setting in {PARAMS}.", file=file, field="grid", found=key, fix=fix)


def _shown(value: Value) -> str:
    return json.dumps(value)


def execute(run: Run, stage: str, log: Path) -> bool:
    """Run it as an experiment, all output into `log`; whether it ended well."""
    changes = [word for key, value in run.settings.items() for word in ("--set-param", f"{key}={_shown(value)}")]
    with log.open("w", encoding="utf-8") as out:
        return not subprocess.run(["dvc", "exp", "run", "--temp", "--name", run.experiment, *changes, stage], stdout=out, stderr=out).returncode


def measured(stage: str) -> dict[str, dict[str, float]]:
    """Metrics of the stage in each experiment of this revision that has them, by the experiment's name."""
    shown = subprocess.run(["dvc", "exp", "show", "--json"], capture_output=True, text=True)
    if shown.returncode:
        raise InputError(f"cannot be read: {shown.stderr.strip()[-300:]}", field="dvc exp show", fix="Look at what DVC says.")
    file, found = f"artifacts/{stage}/metrics.json", {}
    for commit in json.loads(shown.stdout):
        for experiment in commit.get("experiments") or []:
            newest = experiment["revs"][0]
            metrics = ((newest.get("data") or {}).get("metrics") or {}).get(file) or {}
            if experiment.get("name") and metrics.get("data"):
                found[str(experiment["name"])] = metrics["data"]
    return found


def write(grid: Grid, runs: Sequence[Run], found: Mapping[str, Mapping[str, float]], out: Path) -> None:
    """runs.csv, table.md and ablation.png of what has been measured so far."""
    done = [run for run in runs if run.experiment in found]
    if missing := [name for name in grid.metrics if any(name not in found[run.experiment] for run in done)]:
        raise InputError(
            f"is no metric of the stage {grid.stage}.",
            field="metrics",
            found=", ".join(missing),
            fix=f"`dvc metrics show artifacts/{grid.stage}/metrics.json` lists them.",
        )
    with replacing(out / "runs.csv") as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["arm", "seed", *grid.metrics, "experiment", "settings"])
        for run in done:
            writer.writerow(
                [run.arm, run.seed, *(found[run.experiment][name] for name in grid.metrics), run.experiment, json.dumps(dict(run.settings))]
            )
    arms = list(dict.fromkeys(run.arm for run in runs))
    values = {arm: {name: [found[run.experiment][name] for run in done if run.arm == arm] for name in grid.metrics} for arm in arms}
    lines = [f"| arm | seeds | {' | '.join(grid.metrics)} |", "|---|---:|" + "---:|" * len(grid.metrics)]
    for arm in arms:
        cells = [with_spread(values[arm][name]) for name in grid.metrics]
        lines.append(f"| {arm} | {len(values[arm][grid.metrics[0]])} of {len(grid.seeds)} | {' | '.join(cells)} |")
    text = "\n".join(lines) + "\n\nMean over seeds ± their standard deviation. A difference that is smaller than the spread says nothing.\n"
    write_text(out / "table.md", text)
    if done:
        plot(grid.metrics, {arm: parts for arm, parts in values.items() if parts[grid.metrics[0]]}, out / "ablation.png")


def with_spread(values: Sequence[float]) -> str:
    """The mean of several seeds and their standard deviation."""
    if not values:
        return "not yet"
    return f"{mean(values):.4f}" + (f" ± {stdev(values):.4f}" if len(values) > 1 else " (one seed)")


def plot(metrics: Sequence[str], values: Mapping[str, Mapping[str, Sequence[float]]], file: Path) -> None:
    """Each seed a dot, their mean a line; one panel per metric."""
    from matplotlib.figure import Figure

    from evaluation.charts import LIGHT

    figure = Figure(figsize=(2.2 + 3.2 * len(metrics), 1.2 + 0.36 * len(values)), layout="constrained", facecolor=LIGHT.paper)
    for axes, name in zip(figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0], metrics, strict=True):
        for row, parts in enumerate(values.values()):
            axes.plot(parts[name], [row] * len(parts[name]), "o", color=LIGHT.series[0], alpha=0.6, markersize=5)
            axes.plot([mean(parts[name])] * 2, [row - 0.25, row + 0.25], color=LIGHT.series[1], linewidth=2)
        axes.set(title=name, yticks=range(len(values)), yticklabels=list(values), ylim=(len(values) - 0.5, -0.5))
        axes.grid(color=LIGHT.grid)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    with replacing(file) as temporary:
        figure.savefig(temporary, format="png", dpi=150)


def _revision() -> str:
    """The commit that is checked out. InputError if tracked files differ from it: an experiment would be of code that nobody can find again."""
    changed = subprocess.run(["git", "status", "--porcelain", "-uno", "--", ".", ":!data.dvc", ":!dvc.lock"], capture_output=True, text=True).stdout
    if changed.strip():
        raise InputError(
            "has changes that are not committed.",
            file=changed.split()[1],
            fix="Commit them, so that every run is of a revision that can be found again.",
        )
    return subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m evaluation.ablation", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("grid", type=Path, metavar="GRID.yaml", help="what is tried")
    parser.add_argument(
        "--out", type=Path, default=Path("ablation"), metavar="DIR", help="for the table, the plot and the logs (default: %(default)s)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)
