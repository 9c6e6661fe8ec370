"""The asset `drift`: real screens in inbox/ beside the dataset. What is measured is computed by datagen.compare and evaluation.drift."""

import json
import struct
import tarfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, get_args

import dagster as dg
import yaml

from contracts.annotation import Screen
from contracts.dataset import dataset_version
from contracts.errors import InputError
from contracts.files import replacing
from contracts.knobs import PARAMS
from contracts.taxonomy import ForeignSet
from orchestration.assets import PYTHON, code_link, inline_picture, run_in_step
from orchestration.process import Console

INBOX = Path("inbox")
# Labels of the inbox's screens, as COCO; without them no average precision is measured.
ANNOTATIONS = INBOX / "annotations.json"
DRIFT = Path("artifacts/.drift")
# Below it a distance is taken for more than chance.
SIGNIFICANT = 0.05
# Marginals of datagen.compare that a picture without labels has.
FEATURES = ("luminance", "saturation", "colours", "edge_density", "screen_aspect", "screen_longest")


@dataclass(frozen=True, kw_only=True)
class DriftLimits:
    """The section `drift` of params.yaml. `limit` is of pictures' statistics (bits), `mmd2` of the model's features (0 to 2), `ap_at_least` of average precision
    where the inbox is labelled, `mapping` whose class names the labels bear (ours: `names`)."""

    limit: float
    mmd2: float
    ap_at_least: float
    mapping: str


def drift_asset(console: Console) -> dg.AssetsDefinition:
    """`drift`: how far the inbox is from the dataset, in statistics of its pictures and in the model's features, and what the detector finds there."""

    @dg.asset(
        name="drift",
        deps=["dataset"],
        group_name="evaluation",
        owners=["team:evaluation"],
        kinds={"python", "pytorch"},
        pool="dataset",
        tags={"room": "evaluation"},
        metadata=code_link("evaluation/drift.py"),
        check_specs=[
            dg.AssetCheckSpec(
                "near_the_dataset",
                asset="drift",
                description="No statistic of the inbox's pictures is further from the dataset than `drift.limit`, nor are the model's features than `drift.mmd2`.",
            ),
            dg.AssetCheckSpec("finds_elements", asset="drift", description="AP on the inbox's labelled screens is at least `drift.ap_at_least`."),
        ],
        description="Real screens in inbox/ against the dataset: statistics of their pictures (Jensen-Shannon divergence, bits), features of the promoted "
        "detector (squared MMD), and its average precision on those that `inbox/annotations.json` labels.",
    )
    def drift(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster knows the bare class alone beside check specs
        try:
            limits = drift_limits()
            count = pack_inbox(DRIFT / "inbox/shards/000000.tar")
        except InputError as error:
            raise dg.Failure(f"error: {error}", allow_retries=False) from None
        # Labels that are wrong are told before anything else is done. On the CPU: a training may hold the GPU.
        for what, command in (
            ("features and what is found", ["evaluation.drift", "--inbox", str(INBOX), "--mapping", limits.mapping, "--out", str(DRIFT), "--device", "cpu"]),
            ("statistics of pictures", ["datagen.compare", str(DRIFT / "inbox"), "--out", str(DRIFT / "comparison"), "--note", f"dataset {dataset_version()}"]),
        ):  # fmt: skip
            run_in_step(context, console, "drift", f"{count} real screens against the dataset: {what}", [PYTHON, "-m", *command])
        marginals = _read(DRIFT / "comparison/compare.json")["marginals"]
        divergences = {name: marginals[name]["jsd"] - marginals[name]["noise_floor"] for name in FEATURES if name in marginals}
        seen = _read(DRIFT / "drift.json")
        return dg.MaterializeResult(
            metadata=drift_metadata(divergences, seen) | {"dataset_version": dataset_version()},
            check_results=[near_the_dataset(divergences, seen, limits), finds_elements(seen, limits)],
        )

    return drift


def near_the_dataset(divergences: dict[str, float], seen: dict[str, Any], limits: DriftLimits) -> dg.AssetCheckResult:
    """Fails if a statistic is too far, or the model's features are, by more than chance. What was not compared is said and fails nothing."""
    far = {name: value for name, value in divergences.items() if value > limits.limit}
    told = ", ".join(f"{name} {value:.3f}" for name, value in sorted(far.items(), key=lambda pair: -pair[1]))
    pictures = f"further than {limits.limit:g} bits above the noise: {told}" if far else f"pictures: all within {limits.limit:g} bits of the noise"
    distance = seen.get("distance")
    if distance is None:
        apart, features = False, "features: not compared" + "".join(f"; {note}" for note in seen["notes"] if "features" in note)
    else:
        apart = distance["mmd2"] > limits.mmd2 and distance["p_value"] <= SIGNIFICANT
        above = "above" if distance["mmd2"] > limits.mmd2 else "within"
        features = f"features: squared MMD {distance['mmd2']:.3f} is {above} the limit of {limits.mmd2:g}"
        features += f" and {'more than' if distance['p_value'] <= SIGNIFICANT else 'no more than'} chance (p {distance['p_value']:.3f})"
    return dg.AssetCheckResult(
        check_name="near_the_dataset", passed=not far and not apart, severity=dg.AssetCheckSeverity.WARN, description=f"{pictures}; {features}"
    )


def finds_elements(seen: dict[str, Any], limits: DriftLimits) -> dg.AssetCheckResult:
    """Fails if AP is below the limit. Where it was not measured that is said, and it fails nothing."""
    precision = seen.get("AP")
    if precision is None:
        passed, told = True, "; ".join(note for note in seen["notes"] if "AP" in note)
    else:
        passed = precision["AP"] >= limits.ap_at_least
        told = (
            f"AP {precision['AP']:.3f} [{precision['AP_low']:.3f}, {precision['AP_high']:.3f}] on {precision['screens']} labelled screens is "
            f"{'at least' if passed else 'below'} {limits.ap_at_least:g}"
        )
    if "AP" in (test := seen.get("test") or {}):
        told += f"; on the dataset's test split {test['AP']:.3f}"
    return dg.AssetCheckResult(check_name="finds_elements", passed=passed, severity=dg.AssetCheckSeverity.WARN, description=told)


def drift_metadata(divergences: dict[str, float], seen: dict[str, Any]) -> dict[str, Any]:
    """What Dagster shows of a comparison: the picture first, then figures under flat names; what was not measured stands under `not_measured`."""
    metadata: dict[str, Any] = {}
    if "picture" in seen:
        metadata["screens_far_and_near"] = inline_picture(seen["picture"], (DRIFT / seen["picture"]).read_bytes())
    metadata |= {"screens": seen["screens"], "labelled": seen["labelled"], "model": seen.get("model", "none")}
    metadata |= {name if name == "mmd2" else f"mmd2_{name}": value for name, value in (seen.get("distance") or {}).items()}
    metadata |= {f"inbox_{name}" if name in ("screens", "elements", "classes") else name: value for name, value in (seen.get("AP") or {}).items()}
    metadata |= {f"{name}_test": value for name, value in (seen.get("test") or {}).items()}
    for where, found in (seen.get("finds") or {}).items():
        metadata |= {f"{name}_{where}": value for name, value in found.items() if name != "screens"}
    metadata |= {"largest": max(divergences.values()), **{f"jsd_{name}": value for name, value in divergences.items()}}
    return metadata | ({"not_measured": "; ".join(seen["notes"])} if seen["notes"] else {})


def drift_limits(file: Path = PARAMS) -> DriftLimits:
    """The section `drift`. InputError for a limit that is no number in its range, or a mapping that there is not."""
    section = (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("drift") or {}
    for name, highest, meaning in (
        ("limit", 1, "0 (alike) to 1 (disjoint)"),
        ("mmd2", 2, "0 (one distribution) to 2"),
        ("ap_at_least", 1, "0 (whatever is found) to 1 (everything)"),
    ):
        value = section.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= highest:
            raise InputError("must be a number.", file=file, field=f"drift.{name}", found=repr(value), fix=f"Set it from {meaning}.")
    mappings = ("names", *get_args(ForeignSet))
    if section.get("mapping") not in mappings:
        raise InputError("is no mapping.", file=file, field="drift.mapping", found=section.get("mapping"), fix=f"Use one of {', '.join(mappings)}.")
    return DriftLimits(limit=section["limit"], mmd2=section["mmd2"], ap_at_least=section["ap_at_least"], mapping=section["mapping"])


def _read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def pack_inbox(target: Path) -> int:
    """The inbox's pictures as a shard of screens without labels, which is what the comparison reads; how many. InputError for what is no PNG."""
    pictures = sorted(INBOX.glob("*.png"))
    if not pictures:
        raise InputError("holds no PNG.", file=INBOX, fix="Drop real screens there.")
    with replacing(target) as path, tarfile.open(path, "w") as tar:
        for number, file in enumerate(pictures):
            content = file.read_bytes()
            if content[:8] != b"\x89PNG\r\n\x1a\n" or content[12:16] != b"IHDR":
                raise InputError("is no PNG.", file=file, fix="Convert it, or take it away.")
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
