"""This run against the model in use: its figures, and what is different between the runs that they come from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from contracts.dataset import coco_path
from contracts.files import sha256
from contracts.registry import promoted_version

MODEL = "detector"


@dataclass(frozen=True)
class Change:
    """Something that is not as it was: `where` is a stage, or what all have in common; None is what one of them does not have."""

    where: str
    what: str
    before: Any
    now: Any


@dataclass(frozen=True)
class Promoted:
    """The version in use. `metrics` are eval_detection's; `comparable` says whether they are of the same test split; `changes` lead from it to this run."""

    version: str
    since: str | None
    metrics: dict[str, float]
    comparable: bool
    dataset_version: str
    changes: tuple[Change, ...]


def gather_promoted(runs: Mapping[str, Mapping[str, Any]], dataset_version: str) -> Promoted | None:
    """Against the runs of this line (stage -> run.json). None if no model is promoted."""
    kept = promoted_version(MODEL)
    if kept is None:
        return None
    lineage = kept["lineage"]
    return Promoted(
        kept["version"], kept["promoted"], kept["metrics"].get("eval_detection", {}), lineage["test_split"] == sha256(coco_path("test")),
        lineage["dataset_version"], tuple(changes(lineage["runs"], runs, lineage["dataset_version"], dataset_version)),
    )  # fmt: skip


def changes(before: Mapping[str, Mapping[str, Any]], now: Mapping[str, Mapping[str, Any]], old_data: str, new_data: str) -> Iterator[Change]:
    """Dataset and code, then stage by stage preset, knobs and hardware, of the stages that both have; libraries and machine of the last of them."""
    if old_data != new_data:
        yield Change("dataset", "version", old_data, new_data)
    both = [stage for stage in now if stage in before]
    revisions: dict[tuple[str, str], list[str]] = {}
    for stage in both:
        revisions.setdefault((before[stage]["code_revision"], now[stage]["code_revision"]), []).append(stage)
    for (old, new), stages in revisions.items():
        if old != new:
            yield Change("code of " + (", ".join(stages) if len(stages) < len(both) else "all stages"), "revision", old, new)
    for stage in both:
        if before[stage]["preset"] != now[stage]["preset"]:
            yield Change(stage, "preset", before[stage]["preset"], now[stage]["preset"])
        for part in ("knobs", "hardware"):
            yield from _differences(stage, _flat(before[stage].get(part) or {}), _flat(now[stage].get(part) or {}))
    if both:
        for part in ("libraries", "host"):
            yield from _differences(part, _flat(before[both[-1]][part]), _flat(now[both[-1]][part]))


def _differences(where: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) != now.get(key):
            yield Change(where, key, before.get(key), now.get(key))


def _flat(value: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, inner in value.items():
        flat |= _flat(inner, f"{above}{key}.") if isinstance(inner, Mapping) else {f"{above}{key}": inner}
    return flat
