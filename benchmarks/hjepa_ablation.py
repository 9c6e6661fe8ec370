"""What the parts of hierarchical joint-embedding prediction bring on small images, at equal compute: one base run, one thing changed at a time.

    python -m benchmarks.hjepa_ablation --data cifar10.parquet --out docs/results/hjepa_ablation

Equal compute is equal CPU seconds of training steps: a step of each variant is timed first (all take turns; the median counts), and each is trained for as
many steps as fit into `--seconds`, with its own warm-up and cosine down to the last of them. Later seeds go by what a step took in the runs before them,
which tell more than a few steps do. What a variant really took stands beside its figures.
Encoders are frozen then and probed as by `python -m evaluation.eval_probes --data`; one that was never trained stands beside them.

Seeds come last, so that a run that is cut short has all variants with as many seeds. Killed and started again it goes on where it was: a training from its
checkpoint, and what is finished is not run again. Started more than once at a time, each process takes runs that no other has. Writes ablation.json,
runs.csv, ablation.md and ablation.png after every run.
"""

import argparse
import csv
import fcntl
import json
import os
import platform
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from statistics import mean, median, stdev, variance
from typing import TYPE_CHECKING, Any

from contracts.errors import InputError, run_command

if TYPE_CHECKING:
    from contracts.knobs import Hardware
    from training.config import PretrainHjepaKnobs
    from training.image_sets import ImageSet
    from training.models.hjepa import HierarchicalJepa

BASE, UNTRAINED = "base", "untrained"
# Variant -> what it changes in the recipe; the keys of a mapping are changed one by one.
ARMS: dict[str, dict[str, Any]] = {
    BASE: {},
    "levels_1": {"levels": 1, "level_weights": [1.0]},
    "levels_2": {"levels": 2, "level_weights": [1.0, 0.5]},
    "levels_4": {"levels": 4, "level_weights": [1.0, 0.5, 0.25, 0.125]},
    "masks_random": {"masks": {"kind": "random"}},
    "masks_hierarchical": {"masks": {"kind": "hierarchical"}},
    "masks_adaptive": {"masks": {"kind": "adaptive"}},
    "loss_mse": {"loss": "mse"},
    "loss_cosine": {"loss": "cosine"},
    "loss_info_nce": {"loss": "info_nce"},
    "cross_level_attention": {"cross_level_attention": True},
    "vicreg": {"regulariser": "vicreg"},
    "sigreg_online": {"regulariser": "sigreg", "regulariser_weight": 10.0, "target_encoder": "online"},
}
# Figure of a run -> how it is called in the table and the plot.
FIGURES = {"linear": "linear probe", "knn": "k-NN", "effective_rank": "effective rank"}
ACCURACIES = ("linear", "knn")
_TIMED_ROUNDS, _TIMED_STEPS = 2, 14
# Images that a run is validated on: their loss decides nothing here.
_VALIDATED = 1024
_TIMING = "hjepa_ablation_timing"


def main() -> None:
    options = _options()
    import torch

    from contracts.stage import code_revision, progress

    torch.set_num_threads(options.threads)
    base = read_base(options.recipe, options.data)
    arms = [BASE, *(arm for arm in options.arms if arm != BASE)]
    for arm in arms:
        base.variant(arm, 0)
    settings = {
        "knobs": base.knobs.model_dump(mode="json"), "dataset_version": base.images.version, "seconds": options.seconds, "threads": options.threads,
        "probe_images": options.images, "arms": arms,
    }  # fmt: skip
    with _ablation(options.out, settings) as state:
        if not state["cpu_seconds_per_step"]:
            state["cpu_seconds_per_step"] = time_steps(arms, base)
    order = [UNTRAINED, *arms]
    for seed, arm in progress([(seed, arm) for seed in range(options.seeds) for arm in order], "runs"):
        name = f"hjepa_ablation_{arm}_{seed}"
        with _claimed(name) as mine:
            state = _begun(options.out, settings)
            if not mine or any((run["arm"], run["seed"]) == (arm, seed) for run in state["runs"]):
                continue
            model, took = (untrained(base, seed), {}) if arm == UNTRAINED else trained(name, base, arm, seed, affordable(state, arm))
            run = {"arm": arm, "seed": seed, **took, **probe(model, base.images, options.images)}
            with _ablation(options.out, settings) as state:
                revisions = state["environment"]["code_revisions"]
                revisions += {code_revision()} - set(revisions)
                state["runs"] = sorted([*state["runs"], run], key=lambda r: (r["seed"], order.index(r["arm"])))
    print((options.out / "ablation.md").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Base:
    """The settings of the base run: those of params.yaml and of a recipe, with the images that it names."""

    recipe: Path
    knobs: "PretrainHjepaKnobs"
    hardware: "Hardware"
    images: "ImageSet"

    def variant(self, arm: str, seed: int) -> "PretrainHjepaKnobs":
        """With what a variant changes. InputError for settings that do not fit together."""
        from training.recipe import changed

        values = self.knobs.model_dump(mode="json")
        changes = {name: values[name] | value if isinstance(value, dict) else value for name, value in ARMS[arm].items()}
        return changed(self.knobs, {**changes, "seed": seed}, self.recipe, f"{arm}: ")


def read_base(recipe: Path, data: Path) -> Base:
    """InputError for a recipe or images that cannot be used."""
    from contracts.knobs import load_hardware, load_knobs
    from training.config import ImageAugmentationKnobs, PretrainHjepaKnobs
    from training.image_sets import read_images
    from training.recipe import changed, read_recipe

    wanted = read_recipe(recipe)
    knobs = changed(load_knobs(PretrainHjepaKnobs), wanted.knobs, recipe, "knobs")
    hardware = changed(load_hardware("pretrain_hjepa"), wanted.hardware, recipe, "hardware")
    if knobs.global_batch != hardware.micro_batch or hardware.devices != 1:
        fix = "Set it to global_batch, and devices to 1: some variants look at the whole batch."
        raise InputError("is not the whole batch.", file=recipe, field="hardware.micro_batch", found=hardware.micro_batch, fix=fix)
    if not isinstance(knobs.augmentation, ImageAugmentationKnobs | None):
        raise InputError("is for screens.", file=recipe, field="knobs.augmentation", fix="Use the keys of ImageAugmentationKnobs, or null.")
    return Base(recipe, knobs, hardware, read_images(data, wanted.image_size, corrupt_limit=wanted.corrupt_limit))


# --- training


def time_steps(arms: Sequence[str], base: Base) -> dict[str, float]:
    """CPU seconds of one training step of each variant; the first two steps of each round, which allocate, do not count."""
    from contracts.stage import artifact, progress

    seconds: dict[str, list[float]] = {arm: [] for arm in arms}
    for arm in progress([arm for _ in range(_TIMED_ROUNDS) for arm in arms], "timing a step of each"):
        seconds[arm] += train(_TIMING, base, arm, 0, _TIMED_STEPS)[2:]
        shutil.rmtree(artifact(_TIMING))
    return {arm: median(found) for arm, found in seconds.items()}


def affordable(state: Mapping[str, Any], arm: str) -> int:
    """How many steps of a variant fit into the seconds of a run."""
    runs = [run for run in state["runs"] if run["arm"] == arm]
    per_step = sum(run["cpu_seconds"] for run in runs) / sum(run["steps"] for run in runs) if runs else state["cpu_seconds_per_step"][arm]
    return int(state["settings"]["seconds"] / per_step)


def trained(name: str, base: Base, arm: str, seed: int, steps: int) -> "tuple[HierarchicalJepa, dict[str, Any]]":
    """A finished run's model and what it took."""
    from contracts.stage import ARTIFACTS
    from training.models.hjepa import HierarchicalJepa

    if not (ARTIFACTS / name / "run.json").is_file():
        train(name, base, arm, seed, steps)
    metrics = json.loads((ARTIFACTS / name / "metrics.json").read_text(encoding="utf-8"))
    took = {column: metrics[column] for column in ("steps", "cpu_seconds", "loss", "val_loss", "collapse_alarms")}
    return HierarchicalJepa.from_pretrained(ARTIFACTS / name), took


def untrained(base: Base, seed: int) -> "HierarchicalJepa":
    """The base's model as it begins."""
    import lightning as L

    from training.models.hjepa import HierarchicalJepa
    from training.pretrain_hjepa import config_of

    L.seed_everything(seed, verbose=False)
    return HierarchicalJepa(config_of(base.knobs, base.images.image_size))


def train(name: str, base: Base, arm: str, seed: int, steps: int) -> list[float]:
    """One run as a training stage, artifacts/<name>, of about that many steps (a whole number of equal epochs); CPU seconds of those made here."""
    import lightning as L

    from contracts.stage import stage
    from training.hjepa_task import HjepaTask
    from training.image_sets import open_images
    from training.loop import Plan, fit
    from training.models.hjepa import HierarchicalJepa
    from training.pretrain_hjepa import config_of
    from training.watch import watch

    knobs, hardware, images = base.variant(arm, seed), base.hardware, base.images
    with stage(name, knobs, hardware, dataset_version=images.version) as s:
        L.seed_everything(seed, verbose=False)
        data: Any = open_images(images, hardware, seed, name, knobs.augmentation)
        data.val.order.screens = min(data.val.order.screens, _VALIDATED)
        epochs = -(-steps // (data.train.order.screens // knobs.global_batch))
        share = knobs.warmup_epochs / knobs.epochs
        plan = Plan(epochs, max(1, steps // max(1, epochs)), accumulation=1, warmup_steps=round(share * steps), log_every=max(1, steps // 60))
        clock = _clock()
        model = HierarchicalJepa(config_of(knobs, images.image_size))
        results = fit(HjepaTask(model, knobs, plan, data), s, knobs, hardware, knobs.gradient_clip, [clock, watch(s, data)])
        model.save_pretrained(s.folder)
        s.report(results | {"cpu_seconds": clock.before + sum(clock.seconds)})
    return list(clock.seconds)


def _clock() -> Any:
    """A callback with the CPU `seconds` of each step, looks and validation left out; `before` are those of steps before an interruption."""
    import lightning as L

    class StepClock(L.Callback):
        def __init__(self) -> None:
            self.before, self.seconds, self._began = 0.0, list[float](), 0.0

        def on_train_batch_start(self, *_: Any) -> None:
            self._began = time.process_time()

        def on_train_batch_end(self, *_: Any) -> None:
            self.seconds.append(time.process_time() - self._began)

        def state_dict(self) -> dict[str, Any]:
            return {"seconds": self.before + sum(self.seconds)}

        def load_state_dict(self, state_dict: dict[str, Any]) -> None:
            self.before = state_dict["seconds"]

    return StepClock()


# --- what came out


def probe(model: "HierarchicalJepa", images: "ImageSet", most: int) -> dict[str, Any]:
    """Test accuracies of the frozen encoder at the level that the validation split chose, and what the levels have by themselves."""
    from contracts.knobs import load_knobs
    from evaluation.config import EvalProbesKnobs
    from evaluation.eval_probes import image_findings
    from evaluation.features import source_of

    knobs = load_knobs(EvalProbesKnobs).model_copy(update={"attentive": False})
    source = source_of("encoder", model)
    found = image_findings(source, images, most, knobs, "cpu")
    row: dict[str, Any] = {}
    for p in (p for p in found.probes if p.split == "test" and p.protocol in ("linear", "knn")):
        row |= {p.protocol: p.score.value} if p.best_level else {}
        row[f"{p.protocol}_level_{source.levels.index(p.level)}"] = p.score.value
    return row | {"effective_rank": found.quality[source.levels[0]]["effective_rank"], "variance": found.quality[source.levels[0]]["variance"]}


def write(state: dict[str, Any], out: Path) -> None:
    """All of the results, of the runs so far."""
    from contracts.files import replacing, write_json, write_text
    from evaluation.ablation import plot

    out.mkdir(parents=True, exist_ok=True)
    write_json(out / "ablation.json", state)
    if not state["runs"]:
        return
    with replacing(out / "runs.csv") as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(name for run in state["runs"] for name in run)), lineterminator="\n")
        writer.writeheader()
        writer.writerows(state["runs"])
    write_text(out / "ablation.md", markdown(state))
    accuracies = {FIGURES[name]: {arm: [run[name] for run in runs] for arm, runs in by_arm(state).items()} for name in ACCURACIES}
    plot(
        list(accuracies),
        {arm.replace("_", " "): {title: found[arm] for title, found in accuracies.items()} for arm in by_arm(state)},
        out / "ablation.png",
    )


def by_arm(state: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The finished runs of each variant that has some, the untrained one first."""
    found: dict[str, list[dict[str, Any]]] = {arm: [] for arm in [UNTRAINED, *state["settings"]["arms"]]}
    for run in state["runs"]:
        found[run["arm"]].append(run)
    return {arm: runs for arm, runs in found.items() if runs}


def noise(groups: Sequence[Sequence[float]]) -> float | None:
    """The standard deviation between runs that differ in their seed alone, of all groups together; None where none has two."""
    several = [group for group in groups if len(group) > 1]
    freedom = sum(len(group) - 1 for group in several)
    return sqrt(sum(variance(group) * (len(group) - 1) for group in several) / freedom) if freedom else None


def beside(runs: Sequence[Mapping[str, Any]], base: Sequence[Mapping[str, Any]], figure: str, spread: float | None) -> str:
    """How far runs are from the base's of the same seeds, and the spread of that; bold if it is more than twice what `noise` makes of a difference of two means."""
    of_seed = {run["seed"]: run[figure] for run in base}
    apart = [run[figure] - of_seed[run["seed"]] for run in runs if run["seed"] in of_seed]
    if not apart:
        return ""
    told = f"{mean(apart):+.4f}" + (f" ± {stdev(apart):.4f}" if len(apart) > 1 else "")
    return f"**{told}**" if spread is not None and abs(mean(apart)) > 2 * spread * sqrt(2 / len(apart)) else told


def range_of(runs: Sequence[Mapping[str, Any]], figure: str) -> str:
    """From the least to the most, of the runs that have it."""
    found = [run[figure] for run in runs if figure in run]
    return f"{min(found):.0f} to {max(found):.0f}" if found else "no"


def markdown(state: Mapping[str, Any]) -> str:
    """The table with the spread over seeds, what was run, and which differences from the base are more than noise."""
    from evaluation.ablation import with_spread

    settings, arms = state["settings"], by_arm(state)
    knobs = settings["knobs"]
    columns = ["seeds", "steps", "CPU seconds", *FIGURES.values(), *(f"{FIGURES[name]}, beside base" for name in ACCURACIES), "alarms"]
    lines = [
        "# Parts of hierarchical joint-embedding prediction, at equal compute\n",
        "Written by `python -m benchmarks.hjepa_ablation`; every run is a line of `runs.csv`. One base run, and one thing changed at a time.\n",
        f"Encoder {knobs['encoder']}, batch {knobs['global_batch']}, {knobs['precision']}. Each run has as many training steps as fit into {settings['seconds']:g} CPU seconds on "
        f"{settings['threads']} thread{'s' if settings['threads'] > 1 else ''}; how many those are was timed before, and for later seeds told by the runs before "
        f"them. Runs took {range_of(state['runs'], 'cpu_seconds')} seconds. Frozen features are probed with at most {settings['probe_images']:,} images of each split; accuracies are of the test split, at the level that the "
        "validation split chose. The effective rank is level 0's.\n",
        f"| variant | {' | '.join(columns)} |",
        "|---|" + "---:|" * len(columns),
    ]
    trained_runs = [runs for arm, runs in arms.items() if arm != UNTRAINED]
    spread = {name: noise([[run[name] for run in runs] for runs in trained_runs]) for name in ACCURACIES}
    for arm, runs in arms.items():
        took = [f"{mean(run[name] for run in runs):.0f}" if arm != UNTRAINED else "0" for name in ("steps", "cpu_seconds")]
        figures = [with_spread([run[name] for run in runs]) for name in FIGURES]
        apart = [beside(runs, arms.get(BASE, []), name, spread[name]) if arm != BASE else "" for name in ACCURACIES]
        alarms = f"{sum(run.get('collapse_alarms', 0) for run in runs):.0f}"
        lines.append(f"| {' | '.join([arm.replace('_', ' '), str(len(runs)), *took, *figures, *apart, alarms])} |")
    said = (
        f"Runs that differ in their seed alone are {spread['linear']:.4f} apart in the linear probe and {spread['knn']:.4f} in k-NN (standard deviation, all trained "
        "variants together). A difference from the base is that of runs of the same seed, ± how these differ among themselves; bold if it is more than twice what the "
        f"noise makes of a difference of two means. Of {len(ACCURACIES) * max(0, len(arms) - 2)} comparisons one such may still be chance, and what is not bold says "
        "nothing: neither that a part helps, nor that it does not."
        if spread["linear"] is not None
        else "One seed of each says nothing of noise: no difference here means anything yet."
    )
    lines += [
        "",
        said,
        "\nLearning rate and weights of losses are the base's in all variants, so a variant that would want others is measured below what it can. These are short "
        "runs of a small encoder: what helps in minutes need not help in days.\n",
        f"{state['environment']['processor']}, {state['environment']['cpus']} CPUs, torch {state['environment']['torch']}, code {', '.join(state['environment']['code_revisions'])}.",
    ]
    return "\n".join(lines) + "\n"


@contextmanager
def _ablation(out: Path, settings: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What is finished of it, to add to: one process at a time, and written at the end. InputError if another was begun there."""
    with _lock("hjepa_ablation").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        state = _begun(out, settings)
        yield state
        write(state, out)


@contextmanager
def _claimed(name: str) -> Iterator[bool]:
    """Whether a run is this process's to make. The system gives the claim of one that was killed back."""
    with _lock(name).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _lock(name: str) -> Path:
    from contracts.stage import ARTIFACTS

    ARTIFACTS.mkdir(exist_ok=True)
    return ARTIFACTS / f".{name}.lock"


def _begun(out: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """What is finished of an ablation with these settings. InputError if another was begun there."""
    import torch

    file = out / "ablation.json"
    if file.is_file():
        state: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        if state["settings"] != settings:
            other = sorted(name for name in settings if state["settings"].get(name) != settings[name])
            raise InputError(
                "another ablation was begun here.", file=file, field=", ".join(other), fix="Use its settings, or another --out, and remove "
                "artifacts/hjepa_ablation_* before.",
            )  # fmt: skip
        return state
    environment = {
        "code_revisions": [], "torch": torch.__version__, "system": platform.platform(), "processor": _processor(), "cpus": os.cpu_count(),
    }  # fmt: skip
    return {"benchmark": "hjepa_ablation", "settings": settings, "environment": environment, "cpu_seconds_per_step": {}, "runs": []}


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.is_file() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.hjepa_ablation", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, required=True, metavar="PATH", help="a Parquet file of images, torchvision's CIFAR, or a folder of classes"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="for the results")
    parser.add_argument(
        "--recipe", type=Path, default=Path("training/recipes/hjepa_cifar10_ablation.yaml"), metavar="FILE", help="of the base (default: %(default)s)"
    )
    parser.add_argument("--seconds", type=float, default=60.0, metavar="S", help="CPU seconds of training steps of each run (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="runs of each variant (default: %(default)s)")
    parser.add_argument("--arms", nargs="+", choices=list(ARMS), default=list(ARMS), metavar="ARM", help=f"only these beside base: {', '.join(ARMS)}")
    parser.add_argument("--images", type=int, default=5_000, metavar="N", help="of each split for the probes, at most (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=1, metavar="T", help="of PyTorch (default: %(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)
