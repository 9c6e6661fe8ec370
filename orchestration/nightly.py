"""The nightly run: new shards, a new dataset version, every stage anew, and a promotion if the gates hold. `python -m orchestration.nightly`

    python -m orchestration.nightly                        tonight (UTC), all four steps
    python -m orchestration.nightly --date 2026-11-21      a night that was missed; one that is done already is left alone
    python -m orchestration.nightly --full                 weekly: no new shards, every stage anew even if nothing changed

  begin   a working tree of its own on the branch `nightly.branch`, brought up to date with `nightly.base`; the dataset as it was last night
  render  `nightly.new_shards` shards under a generation seed of their own, the date
  learn   the dataset version, its gates, then every stage
  finish  the model kept, and promoted if its gates hold; `dvc push` if DVC has a default remote; params.yaml, data.dvc and dvc.lock as one commit

Nobody's working tree is touched: all of it happens in a git worktree, and what is not committed on `nightly.base` is no part of it. A step that
was cut off is simply run again. A night that failed is thrown away when the next one begins.

With `nightly.starts: {nightly: promoted, full: pretrain_mae}` a night's model goes on from the promoted one, and only the stages run that its metrics
rest on, with a report on those; as long as nothing is promoted, and with --full, it begins with the pretrained encoder, and every stage runs.
"""

import argparse
import configparser
import fcntl
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError

from contracts.dataset import DATA, POINTER, SHARDS, coco_path, dataset_version
from contracts.errors import InputError, run_command
from contracts.files import replacing, sha256, write_json, write_text
from contracts.knobs import PARAMS, Knobs, load_notify
from contracts.notify import Message, send
from orchestration.dvc_cache import dvc_cache, lacking_in_cache, make_whole, read_dvc_config
from orchestration.dvc_lock import release_strangers
from orchestration.gates import DATASET, judge, machine_of, read_gates, stage_metrics
from orchestration.pipeline import LOCK, DeclaredStage, declared_stages, recorded_version
from orchestration.process import CommandError, Console
from orchestration.registry import CHECKED_OUT, MODELS, GateError, Model, Registry, declared_models, lineage_stages, read_run_of
from orchestration.yaml_edit import with_value

STEPS = ("begin", "render", "learn", "finish")
# What a night changes of what git keeps.
RECORDED = (str(PARAMS), str(POINTER), str(LOCK), f"{CHECKED_OUT}.dvc")
# There once, used by every working tree. The registry is read there alone: a report compares with the promoted model.
_SHARED = (".venv", ".tools", "datagen/kits/node_modules", str(MODELS))
_IDENTITY = ("-c", "user.name=Screenry nightly", "-c", "user.email=nightly@localhost")


class Starts(Knobs):
    """What the knob `pretraining` of the model's stage says. Both are written down, so that a night that people have merged changes nothing."""

    nightly: str
    """`promoted`: the night's model goes on from the promoted one."""
    full: str
    """And in full nights, and while nothing is promoted."""
    report: str | None = None
    """The stage that tells of a night that goes on from the promoted one, started with `--of` and the stages that ran; None: nothing does."""


class NightlyKnobs(Knobs):
    """The section `nightly` of params.yaml; never hashed."""

    new_shards: int = Field(ge=0)
    """Shards that a night adds."""
    branch: str
    """Where each night becomes a commit."""
    base: str
    """The branch that the first night starts from, and that every night merges first."""
    model: str
    """Which of `models:` is promoted if the gates hold."""
    starts: Starts | None = None
    """What the model begins with; None: what params.yaml says, every night."""
    worktree: Path
    """Where the nights work, from the top of the repository; in a place that git and DVC ignore."""


@dataclass(frozen=True, kw_only=True)
class Night:
    """One night. `repository` is the person's working tree, which is only read; all paths are absolute."""

    date: str
    full: bool
    repository: Path
    knobs: NightlyKnobs

    @property
    def worktree(self) -> Path:
        return self.repository / self.knobs.worktree

    @property
    def mark(self) -> str:
        """The line of the commit message that says which night it was."""
        return f"Night: {self.date}{' full' if self.full else ''}"

    @property
    def seed(self) -> int:
        """Generation seed of the night's new shards."""
        return int(self.date.replace("-", ""))

    def beside(self, suffix: str) -> Path:
        return self.worktree.with_name(self.worktree.name + suffix)

    @property
    def summary(self) -> Path:
        """What the night came to, for Dagster and people."""
        return self.beside(f"-{self.date}{'-full' if self.full else ''}.json")


def read_nightly(file: Path = PARAMS) -> NightlyKnobs:
    """The section `nightly`. InputError for a missing or unknown key."""
    section = (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("nightly") or {}
    try:
        return NightlyKnobs.model_validate_json(json.dumps(section))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(["nightly", *map(str, first["loc"])])
        fix = f"The section has the keys {', '.join(NightlyKnobs.model_fields)}."
        raise InputError(f"{first['msg']}.", file=file, field=field, fix=fix) from None


def begin(night: Night, console: Console) -> bool:
    """Make the working tree ready; False if this night is done already. InputError if somebody works in it, or the base cannot be merged."""
    knobs, tree = night.knobs, night.worktree
    repository = _Git(night.repository)
    if not repository.has(knobs.base):
        raise InputError("is no branch or commit.", file=PARAMS, field="nightly.base", found=knobs.base, fix="Name the branch that people work on.")
    if repository.has(knobs.branch) and night.mark in repository.out("log", "--format=%B", knobs.branch).splitlines():
        console.line(f"night {night.date} is done already: branch {knobs.branch} has its commit.")
        return False
    if repository.out("status", "--porcelain", "-uno"):
        console.line(f"{night.repository} has changes that are not committed; they are no part of this night.")
    if not (tree / ".git").exists():
        repository.out("worktree", "prune")
        new = () if repository.has(knobs.branch) else ("-b", knobs.branch)
        repository.out("worktree", "add", "-f", *new, str(tree), knobs.base if new else knobs.branch)
    git = _Git(tree)
    changed = [line[3:] for line in git.out("status", "--porcelain").splitlines() if line[3:] not in RECORDED]
    if changed:
        raise InputError(
            "has changes that no night made.",
            file=tree,
            found=", ".join(changed),
            fix="This folder belongs to the nightly run: move the changes elsewhere.",
        )
    if _state(night).get("mark") == night.mark:
        console.line(f"night {night.date} goes on where it was cut off.")
        return True
    git.out("reset", "-q", "--hard")
    if not git.is_ancestor(knobs.base):
        _merge(git, knobs)
    if not (tree / POINTER).is_file():
        raise InputError("is not committed.", file=POINTER, field=f"on {knobs.base}", fix="Make a dataset version and commit data.dvc and dvc.lock.")
    _share_installation(night)
    with _inside(tree):
        bring_data(console)
    write_json(night.beside(".json"), {"mark": night.mark, "done": [], "began": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")})
    return True


def _merge(git: "_Git", knobs: NightlyKnobs) -> None:
    """Bring the base's commits in. A conflict in dvc.lock alone is none: it says what was made, and the night makes it anew."""
    merged = git.run(*_IDENTITY, "merge", "-q", "--no-edit", knobs.base)
    if merged.returncode == 0:
        return
    conflicts = git.out("diff", "--name-only", "--diff-filter=U").split()
    if conflicts == [str(LOCK)]:
        git.out("checkout", "-q", "--ours", str(LOCK))
        git.out("add", str(LOCK))
        git.out(*_IDENTITY, "commit", "-q", "--no-edit")
        return
    git.run("merge", "--abort")
    raise InputError(
        f"cannot be merged into {knobs.branch}.", file=git.folder, field=f"nightly.base {knobs.base}", found=", ".join(conflicts) or merged.stderr.strip(),
        fix=f"Merge {knobs.base} into {knobs.branch} by hand, in a working tree of your own.",
    )  # fmt: skip


def bring_data(console: Console) -> None:
    """The dataset that data.dvc names, from DVC's cache or its remote. InputError that names what is missing or damaged.

    `--force`: shards that a failed night left behind go.
    """
    try:
        console.run(["dvc", "--quiet", "checkout", "--force", str(POINTER)])
    except CommandError:
        try:
            console.run(["dvc", "--quiet", "pull", "--force", str(POINTER)])
        except CommandError as failed:
            version, lacking = dataset_version(), lacking_in_cache(dataset_version())
            if lacking:
                raise InputError(
                    f"the remote does not hold version {version} whole: these files are not there, or their bytes are not what was pushed.",
                    file=POINTER, found=", ".join(f"{DATA / name}" for name in lacking), fix="Push this version again from where it was made: `dvc push`.",
                ) from None  # fmt: skip
            raise InputError(
                f"version {version} is not in DVC's cache, and could not be fetched: {failed.paragraph}", file=POINTER,
                fix="See that the remote can be reached (`dvc remote list`).",
            ) from None  # fmt: skip


def render(night: Night, console: Console) -> None:
    """Add the night's shards; those that are there already stay."""
    if night.full or not night.knobs.new_shards:
        return
    text = PARAMS.read_text(encoding="utf-8")
    params: dict[str, Any] = yaml.safe_load(text)
    generations: list[dict[str, int]] = params.get("generations") or []
    if not generations or generations[-1]["seed"] != night.seed:
        first = max((int(path.stem) for path in SHARDS.glob("*.tar") if path.stem.isdecimal()), default=-1) + 1
        if not generations and first:
            generations = [{"first_shard": 0, "seed": params["render"]["seed"]}]
        generations = [*generations, {"first_shard": first, "seed": night.seed}]
        text = with_value(text, ("generations",), generations, PARAMS)
        text = with_value(text, ("render", "seed"), night.seed, PARAMS)
        text = with_value(text, ("presets", params["preset"], "render", "shards"), first + night.knobs.new_shards, PARAMS)
        write_text(PARAMS, text)
    first = generations[-1]["first_shard"]
    for number in range(first, first + night.knobs.new_shards):
        console.run(["python", "-m", "datagen.render", "--shard", str(number)])


def learn(night: Night, console: Console) -> None:
    """Version the dataset and run every stage, each once per night. InputError if a gate fails that blocks the line."""
    console.run(["python", "-m", "datagen.dataset"])
    make_whole(console, dataset_version(), str(DATA), ["add", str(DATA)])
    _hold(DATASET, night, console)
    tuned = set_start(night, console)
    for stage in night_stages(night, tuned):
        state = _state(night)
        if stage.name in state["done"]:
            continue
        console.line(f"── {stage.name}: {stage.description}")
        release_strangers()
        console.run(["dvc", "--wait-for-lock", "repro", "--single-item", *(["--force"] if night.full else []), stage.name])
        if len(stage.outs) == 1:
            make_whole(console, recorded_version(stage.name), stage.outs[0], ["commit", "--force", stage.name])
        _hold(stage.name, night, console)
        write_json(night.beside(".json"), state | {"done": [*state["done"], stage.name]})
    if report := partial_report(night, tuned):
        # Not by DVC, for which it is a report on all stages.
        console.run(["python", "-m", f"{report.room}.{report.name}", "--of", *(stage.name for stage in night_stages(night, tuned))])


def set_start(night: Night, console: Console) -> str | None:
    """Let the model's stage begin with what `nightly.starts` says; returns the promoted version that it goes on from, None if it does not."""
    starts = night.knobs.starts
    if starts is None:
        return None
    model = _model(night)
    registry = Registry(model, night.repository / MODELS)
    start = starts.full if night.full or registry.promoted() is None else starts.nightly
    version = registry.checkout(console) if start == CHECKED_OUT.name else None
    text = PARAMS.read_text(encoding="utf-8")
    if yaml.safe_load(text)[model.artifact].get("pretraining") != start:
        write_text(PARAMS, with_value(text, (model.artifact, "pretraining"), start, PARAMS))
    console.line(f"{model.artifact} begins with {f'{model.name} {version}' if version else start}")
    return version


def night_stages(night: Night, tuned: str | None) -> list[DeclaredStage]:
    """The stages that a night runs: all, or where a promoted model is tuned those that its metrics rest on."""
    declared = declared_stages()
    wanted = lineage_stages(_model(night), declared)
    return [stage for stage in declared if tuned is None or stage.name in wanted]


def partial_report(night: Night, tuned: str | None) -> DeclaredStage | None:
    """The stage that tells of a night that goes on from version `tuned`. InputError if dvc.yaml does not have it."""
    name = night.knobs.starts and night.knobs.starts.report
    if tuned is None or name is None:
        return None
    declared = {stage.name: stage for stage in declared_stages()}
    if name not in declared:
        fix = f"Name the one that writes the report, or null. Known: {', '.join(sorted(declared))}."
        raise InputError("is no stage of dvc.yaml.", file=PARAMS, field="nightly.starts.report", found=name, fix=fix)
    return declared[name]


def _model(night: Night) -> Model:
    """InputError if `models:` does not have it."""
    model = next((one for one in declared_models() if one.name == night.knobs.model), None)
    if model is None:
        raise InputError("is not in `models:`.", file=PARAMS, field="nightly.model", found=night.knobs.model, fix="Name one that is.")
    return model


def _hold(stage: str, night: Night, console: Console) -> None:
    """Judge the gates of the dataset, or of a stage that has just run, that block the line. InputError if one fails; `finish` judges the others."""
    gates = {metric: gate for metric, gate in read_gates().get(stage, {}).items() if gate.blocks == "line"}
    if not gates:
        return
    model = _model(night)
    machine, split = ("", "") if stage == DATASET else (machine_of(read_run_of(stage)), sha256(coco_path("test")))
    promoted = Registry(model, night.repository / MODELS).compared_with(stage, split)
    verdicts = [judge(stage, metric, gate, stage_metrics(stage), machine, promoted) for metric, gate in gates.items()]
    for verdict in verdicts:
        console.line(str(verdict))
    failed = "; ".join(str(verdict) for verdict in verdicts if not verdict.passed)
    if failed:
        fix = "Nothing was learned from this dataset." if stage == DATASET else "No stage after it ran."
        raise InputError(f"{failed}.", file=PARAMS, field=f"gates.{stage}", fix=fix)


def finish(night: Night, console: Console) -> dict[str, Any]:
    """Keep, promote, push and commit; returns the night's summary. A model that is not promoted is told by the ways of `notify:`."""
    model = _model(night)
    registry = Registry(model, night.repository / MODELS)
    version, refused = registry.add(), ""
    verdicts = registry.judge(version)
    try:
        registry.promote(version, night.mark)
    except GateError as error:
        refused = "; ".join(map(str, error.failed))
    if read_dvc_config(Path.cwd()).has_option("core", "remote"):
        console.run(["dvc", "--quiet", "push"])
    outcome = f"{version} was not promoted ({refused})" if refused else f"{version} is promoted"
    git = _Git(Path.cwd())
    git.out("add", "--", *(file for file in RECORDED if Path(file).exists()))
    content = registry.version(version)
    tuned = content["lineage"]["fine_tuned_from"]
    how = "every stage anew" if night.full else f"{night.knobs.new_shards} new shards{f', from {tuned}' if tuned else ''}"
    title = f"night {night.date}: {how}; {outcome}"
    git.out(*_IDENTITY, "commit", "-q", "--allow-empty", "-m", title, "-m", night.mark)
    partial = partial_report(night, tuned)
    runs = {stage.name: read_run_of(stage.name) for stage in (*night_stages(night, tuned), *([partial] if partial else []))}
    summary = {
        "date": night.date, "full": night.full, "model": model.name, "version": version, "promoted": not refused, "refused": refused,
        "commit": git.out("rev-parse", "HEAD"), "branch": night.knobs.branch, "dataset_version": dataset_version(), "metrics": content["metrics"],
        "runs": runs, "ran": [stage for stage, run in runs.items() if run["started"] >= _state(night)["began"]],
        "fine_tuned_from": tuned, "report": str(Path("artifacts/report/report.html").absolute()) if "report" in runs else "",
        "gates": [{"gate": f"{one.stage} {one.metric}", "holds": one.passed, "found": one.told, "blocks": one.blocks} for one in verdicts],
    }  # fmt: skip
    write_json(night.summary, summary)
    night.beside(".json").unlink(missing_ok=True)
    console.line(title)
    if refused:
        facts = {"night": night.date, "model": model.name, "version": version, "promoted": registry.promoted() or "none", "commit": summary["commit"]}
        send(
            Message(f"night {night.date}: {model.name} {version} was not promoted", refused, level="warning", facts=facts),
            load_notify(),
            console.line,
        )
    return summary


def run_step(night: Night, step: str, console: Console) -> bool:
    """Run one step of a night in its working tree; False if the night is done already. Only one process at a time works there."""
    night.worktree.parent.mkdir(parents=True, exist_ok=True)
    with _alone(night):
        if step == "begin":
            return begin(night, console)
        if night.summary.is_file() and _state(night).get("mark") != night.mark:
            console.line(f"night {night.date} is done already: see {night.summary}.")
            return False
        if _state(night).get("mark") != night.mark:
            raise InputError("has not begun.", field="--date", found=night.date, fix="Run the step `begin` first.")
        steps: dict[str, Callable[[Night, Console], object]] = {"render": render, "learn": learn, "finish": finish}
        with _inside(night.worktree):
            steps[step](night, console)
    return True


def _share_installation(night: Night) -> None:
    """The working tree uses the programs, models and DVC's cache of the repository."""
    for name in _SHARED:
        source, link = night.repository / name, night.worktree / name
        if source.exists() and not link.is_symlink() and not link.exists():
            link.symlink_to(source.resolve())
    config = read_dvc_config(night.repository)
    local = configparser.RawConfigParser()
    local.read(night.repository / ".dvc/config.local", encoding="utf-8")
    _set(local, "cache", "dir", str(dvc_cache(night.repository)))
    # Without this DVC believes what a remote sends: one flipped byte would be in the dataset.
    for section in config.sections():
        if section.startswith("'remote "):
            _set(local, section, "verify", "true")
    with replacing(night.worktree / ".dvc/config.local") as path, path.open("w", encoding="utf-8") as file:
        local.write(file)


def _set(config: configparser.RawConfigParser, section: str, key: str, value: str) -> None:
    if not config.has_section(section):
        config.add_section(section)
    config.set(section, key, value)


def _state(night: Night) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(night.beside(".json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found


@contextmanager
def _alone(night: Night) -> Iterator[None]:
    with night.beside(".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError("another night is at work here.", file=night.worktree, fix="Wait until it has ended.") from None
        yield


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


class _Git:
    def __init__(self, folder: Path):
        self.folder = folder

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        # A night started by a git hook would otherwise work on the hook's repository.
        env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name.startswith("GIT_CONFIG")}
        return subprocess.run(["git", *words], cwd=self.folder, env=env, capture_output=True, text=True)

    def out(self, *words: str) -> str:
        done = self.run(*words)
        if done.returncode:
            raise InputError(
                f"`git {' '.join(words)}` failed: {done.stderr.strip() or done.stdout.strip()}",
                file=self.folder,
                fix="Mend what git names, and run the night again.",
            )
        return done.stdout.rstrip("\n")

    def has(self, revision: str) -> bool:
        return self.run("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").returncode == 0

    def is_ancestor(self, revision: str) -> bool:
        return self.run("merge-base", "--is-ancestor", revision, "HEAD").returncode == 0


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m orchestration.nightly", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("step", nargs="?", choices=STEPS, help="one step alone (default: all of them)")
    parser.add_argument("--date", help="the night, as YYYY-MM-DD in UTC (default: today)")
    parser.add_argument("--full", action="store_true", help="no new shards; every stage anew")
    options = parser.parse_args()
    try:
        day = date.fromisoformat(options.date) if options.date else datetime.now(UTC).date()
    except ValueError:
        raise InputError("is no date.", field="--date", found=options.date, fix="Write it as 2026-11-21.") from None
    night = Night(date=day.isoformat(), full=options.full, repository=Path.cwd(), knobs=read_nightly())
    console, started = Console(), time.monotonic()
    try:
        for step in [options.step] if options.step else STEPS:
            if not run_step(night, step, console):
                return
    except CommandError as failed:
        raise SystemExit(failed.paragraph) from None
    console.line(f"{options.step or 'night'} {night.date}: {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    run_command(main)
