"""Everything the report tells, gathered from the dataset and the artifacts. No figure in it comes from anywhere else."""

import csv
import json
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.coco import read_coco
from contracts.dataset import SPLITS, Manifest, Split, coco_path, dataset_version, read_manifest
from contracts.errors import InputError
from contracts.stage import artifact, artifact_text, read_run
from evaluation.features_report import FeatureEvidence, gather_features
from evaluation.gallery import JudgedScreen, judged_screens
from evaluation.grounding_report import GroundingEvidence, gather_grounding
from evaluation.latency_report import LatencyEvidence, gather_latency
from evaluation.promoted import Promoted, gather_promoted
from evaluation.transfer_report import TransferEvidence, gather_transfer

STAGES = (
    "pack_beton",
    "pretrain_mae",
    "pretrain_hjepa",
    "train_detector",
    "eval_detection",
    "eval_latency",
    "eval_transfer",
    "eval_probes",
    "pack_grounding",
    "tune_grounder",
    "personalize_grounder",
    "eval_grounding",
)
# Without these there is nothing to report.
DETECTOR = ("train_detector", "eval_detection")


@dataclass(frozen=True)
class Curve:
    """A training run's logged losses, in order, at optimizer steps; the validation split's, where they were measured."""

    steps: tuple[int, ...]
    losses: tuple[float, ...]
    val_steps: tuple[int, ...]
    val_losses: tuple[float, ...]


@dataclass(frozen=True)
class ClassRow:
    """One class of the test split."""

    name: str
    ap: float
    ap50: float
    truth: int


@dataclass(frozen=True)
class GroupRow:
    """Test screens that have one thing in common, for example their kit."""

    by: str
    name: str
    ap: float
    ap50: float
    ap_agnostic: float
    screens: int
    elements: int


@dataclass(frozen=True)
class ErrorRow:
    """One kind of error: what it is, how often it happens, and the AP50 that it costs (0..1)."""

    kind: str
    what: str
    count: int
    cost: float


@dataclass(frozen=True)
class Confusion:
    """Elements of class `truth` that were taken for `taken_for`; an empty name is background, and not found."""

    truth: str
    taken_for: str
    count: int


@dataclass(frozen=True)
class Goal:
    """A target of the project beside what this run measured; `measured` is None for what it does not measure, and `remark` says why or how."""

    name: str
    target: str
    measured: str | None
    remark: str


@dataclass(frozen=True)
class Cost:
    """What the runs of some stages took. `gpu_hours` is devices times time, 0 on CPUs; `screens_per_second` is None where the stage did not measure it."""

    seconds: float
    gpu_hours: float
    core_hours: float
    screens_per_second: float | None = None


@dataclass(frozen=True)
class Environment:
    """A host with its libraries, and the stages that ran there."""

    stages: tuple[str, ...]
    host: dict[str, Any]
    libraries: dict[str, str]


@dataclass(frozen=True)
class Evidence:
    """One run of the line, or of some of its stages. `runs` and `metrics` go by stage; `coco` by split; `overlays` is eval_detection's overlays.json; `screens` are
    those of the test split, the worst first; sections are None whose stage is not reported; `promoted` is None where no model is promoted."""

    version: str
    manifest: Manifest
    coco: dict[Split, dict[str, Any]]
    runs: dict[str, dict[str, Any]]
    metrics: dict[str, dict[str, float]]
    curves: dict[str, Curve]
    classes: tuple[ClassRow, ...]
    precision_recall: dict[str, tuple[float, ...]]
    groups: tuple[GroupRow, ...]
    errors: tuple[ErrorRow, ...]
    confusions: tuple[Confusion, ...]
    calibration: dict[str, tuple[float, ...]]
    overlays: dict[str, Any]
    screens: tuple[JudgedScreen, ...]
    features: FeatureEvidence | None
    grounding: GroundingEvidence | None
    latency: LatencyEvidence | None
    transfer: TransferEvidence | None
    promoted: Promoted | None

    @property
    def class_counts(self) -> dict[Split, Counter[str]]:
        """Elements per class name in each split."""
        counts = {}
        for split, coco in self.coco.items():
            names = {category["id"]: category["name"] for category in coco["categories"]}
            counts[split] = Counter(names[annotation["category_id"]] for annotation in coco["annotations"])
        return counts

    @property
    def costs(self) -> dict[str, Cost]:
        """What each stage's run took, by stage; under `""` all together."""
        found = {stage: cost(run, self.metrics[stage].get("screens_per_second")) for stage, run in self.runs.items()}
        sums = [sum(getattr(one, part) for one in found.values()) for part in ("seconds", "gpu_hours", "core_hours")]
        return found | {"": Cost(*sums)}

    @property
    def environments(self) -> tuple[Environment, ...]:
        """Every host with its libraries, once."""
        kinds: dict[str, list[str]] = {}
        for stage, run in self.runs.items():
            kinds.setdefault(json.dumps([run["host"], run["libraries"]], sort_keys=True), []).append(stage)
        return tuple(Environment(tuple(stages), self.runs[stages[0]]["host"], self.runs[stages[0]]["libraries"]) for stages in kinds.values())

    @property
    def compute(self) -> str:
        """What the detector's training cost, in words: steps, screens, time, host."""
        run, steps = self.runs["train_detector"], self.curves["train_detector"].steps[-1]
        screens = self.manifest.splits["train"].screens
        return f"{steps:,} optimizer steps on {screens:,} screens, {duration(run['seconds'])} on {machine(run['host'])}"

    @property
    def goals(self) -> tuple[Goal, ...]:
        """The project's targets, which were set for a million training screens and eight A100 GPUs; of stages that are reported."""
        train = self.runs["train_detector"]
        goals = [
            Goal(
                "Detection AP", "above 0.95", figure(self.metrics["eval_detection"]["AP"]),
                "The target means standard benchmarks; measured is this dataset's own test split. Trained for " + self.compute + ".",
            )
        ]  # fmt: skip
        if self.transfer:
            goals += [
                Goal(row["goal"], f"above {row['target']:.2f}", None if row["measured"] is None else figure(row["measured"]), f"On {row['on']}. {self.transfer.compute}")
                for row in self.transfer.goals[1:]
            ]  # fmt: skip
        if self.latency:
            goals.append(
                Goal("Time per screen", self.latency.target, self.latency.measured, f"From file to boxes, median, on {self.latency.machine_words}.")
            )
        goals.append(
            Goal(
                "Training time", "2 to 4 days for 1,000,000 screens", duration(train["seconds"]),
                f"For {self.manifest.splits['train'].screens:,} screens on {machine(train['host'])}; the target is for 8 A100 GPUs.",
            )
        )  # fmt: skip
        return tuple(goals)


def gather(stages: Sequence[str] = STAGES) -> Evidence:
    """Read what these stages left, those of `DETECTOR` among them. InputError for an artifact that is missing, incomplete, or made from another dataset version."""
    runs = {stage: read_run(stage) for stage in STAGES if stage in stages}
    eval_folder = artifact("eval_detection")
    curve = _table(eval_folder / "pr_curve.csv", "eval_detection")
    coco = {split: read_coco(coco_path(split)) for split in SPLITS}
    overlays = _json(eval_folder / "overlays.json", "eval_detection")
    return Evidence(
        version=dataset_version(),
        manifest=read_manifest(),
        coco=coco,
        runs=runs,
        metrics={stage: _json(artifact(stage) / "metrics.json", stage) for stage in runs},
        curves={stage: _curve(stage) for stage in ("pretrain_mae", "train_detector") if stage in runs},
        classes=tuple(
            ClassRow(row["class"], float(row["AP"]), float(row["AP50"]), int(row["truth"]))
            for row in _table(eval_folder / "per_class.csv", "eval_detection")
        ),
        precision_recall=_columns(curve),
        groups=tuple(
            GroupRow(
                row["by"], row["name"], float(row["ap"]), float(row["ap50"]), float(row["ap_agnostic"]), int(row["screens"]), int(row["elements"])
            )
            for row in _table(eval_folder / "per_group.csv", "eval_detection")
        ),
        errors=tuple(
            ErrorRow(row["kind"], row["what"], int(row["count"]), float(row["cost"])) for row in _table(eval_folder / "errors.csv", "eval_detection")
        ),
        confusions=tuple(
            Confusion(row["truth"], row["taken_for"], int(row["count"])) for row in _table(eval_folder / "confusion.csv", "eval_detection")
        ),
        calibration=_columns(_table(eval_folder / "calibration.csv", "eval_detection", may_be_empty=True)),
        overlays=overlays,
        screens=tuple(judged_screens(coco["test"], overlays["score_threshold"])),
        features=gather_features() if "eval_probes" in runs else None,
        grounding=gather_grounding() if "eval_grounding" in runs else None,
        latency=gather_latency() if "eval_latency" in runs else None,
        transfer=gather_transfer() if "eval_transfer" in runs else None,
        promoted=gather_promoted(runs, dataset_version()),
    )


def figure(value: float) -> str:
    """A score in 0..1 with three digits after the point; what would be rounded to nothing is `<0.001`."""
    return "<0.001" if 0 < value < 0.001 else f"{value:.3f}"


def duration(seconds: float) -> str:
    """`42 s`, `3 min 20 s`, `2 h 05 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s" if seconds >= 10 else f"{seconds:.1f} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def size(count: float) -> str:
    """Bytes in words: `812 MB`, `1.9 GB` (powers of 1000)."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def machine(host: dict[str, Any]) -> str:
    """A host of run.json in words: its GPUs if it recorded any, and its CPU cores."""
    gpus = host.get("gpus") or []
    cores = f"a host with {host['cpus']} CPU cores"
    return f"{len(gpus)} x {gpus[0]} in {cores}" if gpus else cores


def cost(run: dict[str, Any], screens_per_second: float | None = None) -> Cost:
    """Of one run.json."""
    hours, hardware = run["seconds"] / 3600, run["hardware"] or {}
    devices = hardware.get("devices", 1) if hardware.get("accelerator") == "gpu" else 0
    return Cost(run["seconds"], devices * hours, (run["host"]["cpus"] or 1) * hours, screens_per_second)


def command_line(run: dict[str, Any]) -> str:
    """How a stage was started, as one types it in the repository."""
    program, *arguments = run["command"]
    module = ".".join(Path(program).with_suffix("").parts[-2:])
    return shlex.join(["python", "-m", module, *arguments])


def _curve(stage: str) -> Curve:
    path = artifact(stage) / "curves.csv"
    rows = _table(path, stage)
    train, val = ([(int(float(row["step"])), float(row[column])) for row in rows if row.get(column)] for column in ("loss", "val_loss"))
    if not train:
        raise InputError("has no logged loss.", file=path, field="loss", fix=f"Run `dvc repro --force --single-item {stage}`.")
    return Curve(
        steps=tuple(step for step, _ in train), losses=tuple(loss for _, loss in train),
        val_steps=tuple(step for step, _ in val), val_losses=tuple(loss for _, loss in val),
    )  # fmt: skip


def _columns(rows: list[dict[str, str]]) -> dict[str, tuple[float, ...]]:
    return {column: tuple(float(row[column]) for row in rows) for column in (rows[0] if rows else ())}


def _table(path: Path, stage: str, may_be_empty: bool = False) -> list[dict[str, str]]:
    rows = list(csv.DictReader(artifact_text(stage, path.name).splitlines()))
    if not rows and not may_be_empty:
        raise InputError("is empty.", file=path, fix=f"Run `dvc repro --force --single-item {stage}`.")
    return rows


def _json(path: Path, stage: str) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(artifact_text(stage, path.name))
    return values
