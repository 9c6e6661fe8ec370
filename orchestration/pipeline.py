"""What `dvc.yaml` and `dvc.lock` say, for Dagster to show. `dvc.yaml` is the only place where a stage is declared."""

import hashlib
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from contracts.dataset import DATA, POINTER
from contracts.errors import InputError

DECLARATION = Path("dvc.yaml")
LOCK = Path("dvc.lock")
_PARAMS = Path("params.yaml")
# Ten times as fast where libyaml is there: Dagster reads these files for every stage whenever it loads.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Seconds to wait for a lock file that another stage is writing this very moment.
_LOCK_PATIENCE = 5.0


@dataclass(frozen=True, kw_only=True)
class DeclaredStage:
    """One block of `dvc.yaml`. `upstream` are the stages whose outputs it reads; `params` are dotted names in params.yaml."""

    name: str
    description: str
    command: str
    room: str
    pool: str
    deps: tuple[str, ...]
    outs: tuple[str, ...]
    params: tuple[str, ...]
    upstream: tuple[str, ...]
    reads_dataset: bool

    @property
    def module_file(self) -> str:
        """The stage's module, which stands in its room under its name."""
        return f"{self.room}/{self.name}.py"


def declared_stages() -> list[DeclaredStage]:
    """Every stage, in the order of the file. InputError if the file is missing or a block lacks `cmd`, `desc` or `meta.room`."""
    blocks = _yaml(DECLARATION).get("stages")
    if not isinstance(blocks, dict):
        raise InputError("declares no stages.", file=DECLARATION, field="stages", fix="Restore it from version control.")
    params = _yaml(_PARAMS)
    for name, block in blocks.items():
        for key in ("cmd", "desc", "outs"):
            if not block.get(key):
                raise InputError("is missing.", file=DECLARATION, field=f"stages.{name}.{key}", fix="Every stage has cmd, desc, outs and meta.room.")
    outs = {name: tuple(_paths(block["outs"])) for name, block in blocks.items()}
    stages = []
    for name, block in blocks.items():
        meta, deps = block.get("meta") or {}, tuple(_resolve(dep, params) for dep in _paths(block.get("deps") or []))
        if "room" not in meta:
            raise InputError(
                "is missing.", file=DECLARATION, field=f"stages.{name}.meta.room", fix="Name the room that the stage's module stands in."
            )
        stages.append(
            DeclaredStage(
                name=name,
                description=" ".join(block["desc"].split()),
                command=_resolve(block["cmd"], params),
                room=str(meta["room"]),
                pool=str(meta.get("pool", name)),
                deps=deps,
                outs=outs[name],
                params=tuple(_resolve(str(p), params) for p in block.get("params") or []),
                upstream=tuple(other for other in blocks if other != name and any(_within(d, o) for d in deps for o in outs[other])),
                reads_dataset=any(_within(d, str(DATA)) or d == str(POINTER) for d in deps),
            )
        )
    return stages


def recorded_version(stage: str) -> str:
    """The hash of a stage's outputs in `dvc.lock`. InputError if DVC has recorded none."""
    deadline = time.monotonic() + _LOCK_PATIENCE
    while True:
        try:
            hashes = [out.get("md5") or out["hash"] for out in _yaml(LOCK)["stages"][stage]["outs"]]
            return str(hashes[0]) if len(hashes) == 1 else hashlib.md5("".join(hashes).encode()).hexdigest()
        except (InputError, KeyError, TypeError):
            if time.monotonic() > deadline:
                raise InputError("holds no result of this stage.", file=LOCK, field=f"stages.{stage}.outs", fix=f"Run `dvc repro {stage}`.") from None
            time.sleep(0.1)


def recorded_inputs(stage: str) -> dict[str, str]:
    """Path -> hash of what a stage had read when DVC recorded it in `dvc.lock`; empty if it has recorded nothing."""
    stages = (_yaml(LOCK).get("stages") or {}) if LOCK.is_file() else {}
    return {dep["path"]: str(dep.get("md5") or dep.get("hash")) for dep in (stages.get(stage) or {}).get("deps") or []}


def code_version(stage: DeclaredStage) -> str:
    """A hash of what makes a stage stale besides its inputs' content: its command, its settings, and the code it depends on."""
    params, digest = _yaml(_PARAMS), hashlib.sha256(stage.command.encode())
    for name in stage.params:
        digest.update(repr((name, _lookup(params, name))).encode())
    for file in code_files(stage):
        digest.update(str(file).encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def render_settings() -> str:
    """A hash of the settings that shape one shard: section `render` and the preset's, without the number of shards."""
    params = _yaml(_PARAMS)
    scale = {key: value for key, value in (_lookup(params, f"presets.{params.get('preset')}.render") or {}).items() if key != "shards"}
    return hashlib.sha256(repr((params.get("render"), sorted(scale.items()))).encode()).hexdigest()[:16]


def code_files(stage: DeclaredStage) -> Iterator[Path]:
    """The Python files among what a stage depends on."""
    for dep in map(Path, stage.deps):
        if dep.is_relative_to(DATA) or dep == POINTER or dep.is_relative_to("artifacts"):
            continue
        yield from sorted(p for p in dep.rglob("*.py") if p.is_file()) if dep.is_dir() else [dep] if dep.is_file() else []


def shard_seeds(number: int) -> tuple[int | None, int | None]:
    """The generation seed that a shard was (or will be) rendered under, and the one that `render.seed` says now.

    `generations:` in params.yaml, which the nightly run writes, says from which shard on a seed holds; without it all shards have the one of now.
    """
    params = _yaml(_PARAMS)
    now = _lookup(params, "render.seed")
    held = [generation["seed"] for generation in params.get("generations") or [] if generation["first_shard"] <= number]
    return (held[-1] if held else now), now


def _yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)
    except FileNotFoundError:
        raise InputError("does not exist.", file=path.absolute(), fix="Run commands from the top folder of the repository.") from None
    except yaml.YAMLError as error:
        raise InputError(f"is not valid YAML: {error}.", file=path, fix="Mend the line that it names.") from None
    return content if isinstance(content, dict) else {}


def _paths(entries: list[Any]) -> Iterator[str]:
    """DVC writes a path as a string, or as a mapping of the path to its options."""
    for entry in entries:
        yield entry if isinstance(entry, str) else next(iter(entry))


def _within(path: str, folder: str) -> bool:
    return PurePosixPath(path).is_relative_to(folder)


def _resolve(text: str, params: dict[str, Any]) -> str:
    """DVC's `${name}` with its value from params.yaml."""
    return re.sub(r"\$\{\s*([\w.-]+)\s*\}", lambda found: str(_lookup(params, found[1])), text)


def _lookup(params: dict[str, Any], dotted: str) -> Any:
    value: Any = params
    for key in dotted.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value
