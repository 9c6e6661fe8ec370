"""The registry of models: versions that never change, and a pointer to the one in use.

    python -m orchestration.registry list                        versions, metrics, which is promoted
    python -m orchestration.registry promote                     keep the model in artifacts/ as a version; promote it if the gates hold
    python -m orchestration.registry promote --version v3        promote one that is kept already, if the gates hold
    python -m orchestration.registry rollback                    back to the version that was promoted before
    python -m orchestration.registry checkout                    the promoted version as artifacts/promoted, from which training goes on

    models/<model>/v3/version.json   metrics of every stage it came from, lineage, sha256 of its files
    models/<model>/v3/model/         the artifact of the stage that trained it
    models/<model>/promoted.json     `version`: what to use; `before`: what `rollback` goes back to; `history`: every change

What is checked out is tracked by DVC (artifacts/promoted.dvc), so that dvc.lock says which weights a fine-tuned model began with, on every machine.

Which models there are says `models:` in params.yaml. Plain files, written beside and renamed: whoever serves a model needs neither DVC nor this
program (docs/decisions/0008-registry.md). Adding the same artifact again gives the version that it has.
"""

import argparse
import fcntl
import hashlib
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from contracts.dataset import coco_path, dataset_version
from contracts.errors import InputError, run_command
from contracts.files import sha256, write_json
from contracts.knobs import PARAMS
from contracts.stage import ARTIFACTS, artifact
from orchestration.dvc_cache import make_whole
from orchestration.gates import DATASET, Promoted, Verdict, judge, machine_of, read_gates, stage_metrics
from orchestration.pipeline import DeclaredStage, declared_stages, recorded_inputs, recorded_version
from orchestration.process import Console

MODELS = Path("models")
# Where training finds the version to go on from.
CHECKED_OUT = ARTIFACTS / "promoted"
# Logs of a run are no part of a model.
_LEFT_OUT = ("tensorboard", "wandb")


class GateError(Exception):
    """A model was kept, and not promoted. `version` is its name, `failed` what did not hold."""

    def __init__(self, version: str, failed: list[Verdict]):
        self.version, self.failed = version, failed
        super().__init__(f"{version} is kept and was not promoted: " + "; ".join(map(str, failed)))


@dataclass(frozen=True, kw_only=True)
class Model:
    """A line of models: the stage whose artifact is kept, and the stages that measure it."""

    name: str
    artifact: str
    measured_by: tuple[str, ...]


def declared_models(file: Path = PARAMS) -> list[Model]:
    """The section `models`. InputError if it names a stage that does not exist."""
    section = (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("models") or {}
    known = {stage.name for stage in declared_stages()}
    models = []
    for name, value in section.items():
        field = f"models.{name}"
        if not isinstance(value, dict) or value.keys() != {"artifact", "measured_by"}:
            fix = "It has two keys: `artifact` names a stage, `measured_by` one or a list of them."
            raise InputError("is no model.", file=file, field=field, found=value, fix=fix)
        measured_by = (value["measured_by"],) if isinstance(value["measured_by"], str) else tuple(value["measured_by"])
        for key, stage in (("artifact", value["artifact"]), *(("measured_by", stage) for stage in measured_by)):
            if stage not in known:
                raise InputError(
                    "is no stage of dvc.yaml.", file=file, field=f"{field}.{key}", found=stage, fix=f"Known here: {', '.join(sorted(known))}."
                )
        models.append(Model(name=str(name), artifact=value["artifact"], measured_by=measured_by))
    return models


def lineage_stages(model: Model, stages: list[DeclaredStage] | None = None) -> list[str]:
    """The stages that a model's metrics rest on, in the order of dvc.yaml: those that measured and made it, and all they read."""
    declared = {stage.name: stage for stage in stages or declared_stages()}
    found, waiting = set(), [*model.measured_by, model.artifact]
    while waiting:
        if (name := waiting.pop()) not in found:
            found.add(name)
            waiting += declared[name].upstream
    return [name for name in declared if name in found]


class Registry:
    """The versions of one model below `folder`. Writers of several processes wait for each other; readers never see half a change."""

    def __init__(self, model: Model, folder: Path = MODELS):
        self.model, self.folder = model, folder / model.name

    def versions(self) -> list[dict[str, Any]]:
        """Every version.json, oldest first."""
        found = sorted(self.folder.glob("v*/version.json"), key=lambda path: int(path.parent.name[1:]))
        return [json.loads(path.read_text(encoding="utf-8")) for path in found]

    def version(self, name: str) -> dict[str, Any]:
        """One version.json. InputError if there is none of this name."""
        path = self.folder / name / "version.json"
        if not path.is_file():
            known = ", ".join(one["version"] for one in self.versions()) or "none yet"
            raise InputError("is no version.", file=self.folder, field="--version", found=name, fix=f"There are: {known}.")
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found

    def promoted(self) -> str | None:
        """The version in use."""
        version: str | None = self._pointer()["version"]
        return version

    def model_folder(self, version: str | None = None) -> Path:
        """Where a version's files are; by default those of the promoted one. InputError if nothing is promoted."""
        name = version or self.promoted()
        if name is None:
            raise InputError("no version is promoted yet.", file=self.folder, fix="Run `python -m orchestration.registry promote`.")
        return self.folder / name / "model"

    def add(self) -> str:
        """Keep what is in artifacts/ now; returns its version, which is an old one if it was kept before.

        InputError if the artifacts are missing, or were not made from one another.
        """
        stages = lineage_stages(self.model)
        runs = {stage: read_run_of(stage) for stage in stages}
        self._check(runs)
        files = _files(artifact(self.model.artifact))
        fingerprint = hashlib.sha256(json.dumps([files, *(runs[stage]["finished"] for stage in self.model.measured_by)]).encode()).hexdigest()
        with self._lock():
            kept = self.versions()
            for one in kept:
                if one["fingerprint"] == fingerprint:
                    return str(one["version"])
            name = f"v{max((int(one['version'][1:]) for one in kept), default=0) + 1}"
            content = {
                "version": name, "model": self.model.name, "fingerprint": fingerprint, "added": _now(), "files": files,
                "metrics": {stage: stage_metrics(stage) for stage in (DATASET, *stages)},
                "machines": {stage: machine_of(run) for stage, run in runs.items()},
                "lineage": {
                    "dataset_version": dataset_version(), "test_split": sha256(coco_path("test")), "promoted_before": self.promoted(),
                    "fine_tuned_from": self._began_with(),
                    "outputs": {stage: recorded_version(stage) for stage in stages}, "runs": runs,
                },
            }  # fmt: skip
            partial = self.folder / f".{name}.partial"
            shutil.rmtree(partial, ignore_errors=True)
            for file in files:
                target = partial / "model" / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(artifact(self.model.artifact) / file, target)
            write_json(partial / "version.json", content)
            _check_files(partial, files)
            partial.rename(self.folder / name)
            return name

    def judge(self, version: str) -> list[Verdict]:
        """Every gate of what this version was made from, held against the promoted version's metrics."""
        content, gates = self.version(version), read_gates()
        verdicts = []
        for stage, metrics in content["metrics"].items():
            for metric, gate in gates.get(stage, {}).items():
                compared = None if version == self.promoted() else self.compared_with(stage, content["lineage"]["test_split"])
                verdicts.append(judge(stage, metric, gate, metrics, content["machines"].get(stage, ""), compared))
        return verdicts

    def compared_with(self, stage: str, test_split: str) -> Promoted | None:
        """What gates of a stage compare with: the promoted version. Its name says so if it was measured on another test split (by sha256)."""
        promoted = self.promoted()
        if promoted is None:
            return None
        content = self.version(promoted)
        name = promoted if content["lineage"]["test_split"] == test_split else f"{promoted}, on another test split"
        return Promoted(version=name, metrics=content["metrics"].get(stage, {}), machine=content["machines"].get(stage, ""))

    def promote(self, version: str, why: str) -> bool:
        """Point to this version; False if it is promoted already. GateError if a gate that blocks fails; InputError if its files were changed."""
        failed = [verdict for verdict in self.judge(version) if not verdict.passed and verdict.blocks != "nothing"]
        if failed:
            raise GateError(version, failed)
        _check_files(self.folder / version, self.version(version)["files"])
        with self._lock():
            pointer = self._pointer()
            if pointer["version"] == version:
                return False
            before = [*pointer["before"], pointer["version"]] if pointer["version"] else []
            self._point(pointer, version, before, why)
        return True

    def rollback(self, why: str = "rollback") -> str:
        """Back to the version that was promoted before. InputError if there is none, or if its files were changed."""
        with self._lock():
            pointer = self._pointer()
            if not pointer["before"]:
                raise InputError(
                    "there is no version before the promoted one.", file=self.folder / "promoted.json", field="before", fix="See `list`."
                )
            *before, version = pointer["before"]
            _check_files(self.folder / version, self.version(version)["files"])
            self._point(pointer, version, before, f"{why} from {pointer['version']}")
        return str(version)

    def checkout(self, console: Console) -> str:
        """Copy the promoted version to artifacts/promoted and track it with DVC; returns its name. InputError if nothing is promoted, or files were changed."""
        source = self.model_folder()
        version = source.parent.name
        _check_files(source.parent, self.version(version)["files"])
        partial = CHECKED_OUT.with_name(f".{CHECKED_OUT.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(source, partial)
        write_json(partial / "version.json", {"model": self.model.name, "version": version})
        shutil.rmtree(CHECKED_OUT, ignore_errors=True)
        partial.rename(CHECKED_OUT)
        console.run(["dvc", "--quiet", "--wait-for-lock", "add", str(CHECKED_OUT)])
        make_whole(console, _tracked(), str(CHECKED_OUT), ["add", str(CHECKED_OUT)])
        return version

    def _pointer(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads((self.folder / "promoted.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {"version": None, "before": [], "history": []}
        return found

    def _point(self, pointer: dict[str, Any], version: str, before: list[str], why: str) -> None:
        history = [*pointer["history"], {"version": version, "at": _now(), "why": why}]
        write_json(self.folder / "promoted.json", {"version": version, "before": before, "history": history})

    def _check(self, runs: dict[str, dict[str, Any]]) -> None:
        """The metrics are this artifact's: all from one dataset version, and DVC saw the evaluation read what the training wrote."""
        version, made_by = dataset_version(), self.model.artifact
        again = f"Run `dvc repro {' '.join(self.model.measured_by)}`."
        for stage, run in runs.items():
            if run["dataset_version"] != version:
                raise InputError(
                    f"was made from another dataset version; data.dvc says {version}.", file=ARTIFACTS / stage / "run.json", field="dataset_version",
                    found=run["dataset_version"], fix=again,
                )  # fmt: skip
        made = recorded_version(made_by)
        for stage in self.model.measured_by:
            if (read := recorded_inputs(stage).get(str(ARTIFACTS / made_by))) != made:
                raise InputError(
                    f"was measured on another artifact than the one of {made_by}.",
                    file="dvc.lock",
                    field=f"stages.{stage}.deps",
                    found=read,
                    fix=again,
                )

    def _began_with(self) -> str | None:
        """The version whose weights what is in artifacts/ began with; None if it was trained from a pretrained encoder, or from nothing."""
        made_from = recorded_inputs(self.model.artifact).get(str(CHECKED_OUT))
        if made_from is None:
            return None
        if _tracked() != made_from:
            raise InputError(
                f"is not what {self.model.artifact} began with.",
                file=CHECKED_OUT,
                field="dvc.lock",
                found=made_from,
                fix=f"Run `dvc repro {' '.join(self.model.measured_by)}`.",
            )
        name: str = json.loads((CHECKED_OUT / "version.json").read_text(encoding="utf-8"))["version"]
        return name

    @contextmanager
    def _lock(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def read_run_of(stage: str) -> dict[str, Any]:
    """`run.json` of a finished stage, of whichever dataset version."""
    run: dict[str, Any] = json.loads((artifact(stage) / "run.json").read_text(encoding="utf-8"))
    return run


def _tracked() -> str:
    """The version of artifacts/promoted that DVC has recorded."""
    version: str = yaml.safe_load(Path(f"{CHECKED_OUT}.dvc").read_text(encoding="utf-8"))["outs"][0]["md5"]
    return version


def _files(folder: Path) -> dict[str, str]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.relative_to(folder).parts[0] not in _LEFT_OUT)
    return {str(path.relative_to(folder)): sha256(path) for path in paths}


def _check_files(folder: Path, files: dict[str, str]) -> None:
    for name, expected in files.items():
        path = folder / "model" / name
        found = sha256(path) if path.is_file() else None
        if found != expected:
            raise InputError(
                "is missing." if found is None else f"was changed: its sha256 should be {expected}.", file=path, field="sha256", found=found,
                fix="Restore it from a backup of `models/`, or use another version.",
            )  # fmt: skip


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def table(registry: Registry) -> str:
    """One line per version: what is promoted, when it was added, its dataset, its metrics that gates name."""
    gated = [(stage, metric) for stage, metrics in read_gates().items() for metric in metrics]
    promoted, lines = registry.promoted(), []
    for content in registry.versions():
        metrics = [f"{metric} {content['metrics'][stage][metric]:.6g}" for stage, metric in gated if metric in content["metrics"].get(stage, {})]
        mark, data = "promoted" if content["version"] == promoted else "", content["lineage"]["dataset_version"][:8]
        lines.append(f"{registry.model.name}  {content['version']:5}{mark:10}{content['added']}  data {data}  {'  '.join(metrics)}")
    return "\n".join(lines) or f"{registry.model.name}  no version is kept yet"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m orchestration.registry", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("list", "promote", "rollback", "checkout"))
    parser.add_argument("--model", help="one of `models:` in params.yaml (default: the only one, or for `list` all)")
    parser.add_argument("--version", help="for `promote`: a version that is kept (default: what is in artifacts/ now)")
    parser.add_argument("--why", help="a few words for the history")
    options = parser.parse_args()
    models = {model.name: model for model in declared_models()}
    chosen = [options.model] if options.model else list(models)
    if not chosen or chosen[0] not in models or (len(chosen) > 1 and options.what != "list"):
        raise InputError(
            "names no model.", field="--model", found=options.model, fix=f"Known here: {', '.join(models) or 'none; see `models:` in params.yaml'}."
        )
    if options.what == "list":
        print("\n".join(table(Registry(models[name])) for name in chosen))
        return
    registry = Registry(models[chosen[0]])
    if options.what == "rollback":
        print(f"{registry.model.name}: {registry.rollback(options.why or 'rollback')} is promoted.")
        return
    if options.what == "checkout":
        print(f"{registry.model.name}: {registry.checkout(Console())} is in {CHECKED_OUT}.")
        return
    version = options.version or registry.add()
    for verdict in registry.judge(version):
        print(f"{'holds ' if verdict.passed else 'FAILED'}  {verdict}")
    try:
        changed = registry.promote(version, options.why or "by hand")
    except GateError as error:
        raise InputError(f"{error}.", file=PARAMS, field="gates", fix="Train a better model, or set the gate that is wrong.") from None
    print(f"{registry.model.name}: {version} is promoted{'' if changed else ' already'}.")


if __name__ == "__main__":
    run_command(main)
