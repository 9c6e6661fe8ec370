"""What hierarchical joint-embedding prediction learns of small images: recipes of `training/recipes`, each trained with several seeds, frozen and probed.

    python -m benchmarks.hjepa_cifar10 --data cifar10.parquet --out docs/results/hjepa_cifar10

Each run is `python -m training.pretrain_hjepa --recipe FILE --data FILE --seed N` and takes from half an hour to hours on a CPU; killed and started again it
goes on where it was, and what is finished is not run again. Encoders are probed as by `python -m evaluation.eval_probes --data`, on all images; the learning
rate and the level are chosen on the validation split, the accuracy is the test split's. One that was never trained stands beside them.

Writes results.json (every seed's figures, curves and seconds), table.md and curves.png after every run.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

from contracts.errors import InputError, run_command

if TYPE_CHECKING:
    from training.image_sets import ImageSet
    from training.models.hjepa import HierarchicalJepa

_RECIPES = Path("training/recipes")
UNTRAINED = "untrained"
# What a ViT-Tiny/4 of at most 6 M weights was hoped to reach, the second in 100 epochs.
TARGETS = {"hjepa_cifar10_20": "linear > 0.50, variance > 0.1, rank > 50 %", "hjepa_cifar10_hierarchy_vicreg": "linear >= 0.82, k-NN >= 0.75"}
# Figure of a run -> its column.
FIGURES = {
    "linear": "linear probe",
    "attentive": "attentive probe",
    "knn": "k-NN",
    "variance": "variance",
    "rank_share": "rank of images",
    "cell_rank_share": "rank of cells",
}
# What a run's log says of its looks at itself -> the name of the curve.
CURVES = {"watch_knn_level_0": "k-NN while training", "watch_effective_rank_level_0": "effective rank", "watch_loss_level_0": "loss"}


def main() -> None:
    options = _options()
    import torch

    from contracts.stage import ARTIFACTS, progress
    from training.image_sets import read_images
    from training.models.hjepa import HierarchicalJepa
    from training.recipe import read_recipe

    torch.set_num_threads(options.threads)
    recipes = [read_recipe(recipe) for recipe in options.recipes]
    images = read_images(options.data, recipes[0].image_size)
    state = _begun(options.out, images.version)
    for seed, recipe in progress([(seed, recipe) for seed in range(options.seeds) for recipe in options.recipes], "runs"):
        name = f"{recipe.stem}_seed_{seed}"
        if name in state["runs"]:
            continue
        if not (ARTIFACTS / name / "run.json").is_file():
            train(recipe, options.data, name, seed, options.threads)
        model = HierarchicalJepa.from_pretrained(ARTIFACTS / name)
        if (first := f"{UNTRAINED}_seed_{seed}") not in state["runs"]:
            torch.manual_seed(seed)
            state["runs"][first] = {"recipe": UNTRAINED, "seed": seed, **probe(HierarchicalJepa(model.config).eval(), images)}
        run = {"recipe": recipe.stem, "seed": seed, **of_training(ARTIFACTS / name), **probe(model, images)}
        if looks := run["curves"][CURVES["watch_effective_rank_level_0"]]:
            run["cell_rank_share"] = looks[-1][1] / run["dim"]
        state["runs"][name] = run
        write(state, options.out)
    write(state, options.out)
    print((options.out / "table.md").read_text(encoding="utf-8"))


def train(recipe: Path, data: Path, name: str, seed: int, threads: int) -> None:
    """One run in a process of its own, so that it begins as one from the command line does. InputError if it fails."""
    command = [sys.executable, "-m", "training.pretrain_hjepa", "--recipe", str(recipe), "--data", str(data), "--out", name, "--seed", str(seed)]
    if subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "passive"}).returncode:
        raise InputError("failed; what it printed says why.", field=" ".join(command[1:]), fix="Mend that, and start this again: it goes on.")


def of_training(folder: Path) -> dict[str, Any]:
    """What a finished run says of itself: settings, seconds, losses, alarms, and curves [(epochs, value)]."""
    run, metrics = (json.loads((folder / name).read_text(encoding="utf-8")) for name in ("run.json", "metrics.json"))
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    steps = metrics["steps"] / run["knobs"]["epochs"]
    curves = {name: [(line["step"] / steps, line[column]) for line in lines if column in line] for column, name in CURVES.items()}
    shown = ("encoder", "levels", "epochs", "global_batch", "precision", "regulariser", "target_encoder")
    return {
        "knobs": {name: run["knobs"][name] for name in shown}, "crops": (run["knobs"]["multi_crop"] or {}).get("large", 1), "curves": curves,
        "seconds": max(line["seconds"] for line in lines), "code_revision": run["code_revision"],
        **{name: metrics[name] for name in ("steps", "parameters", "first_val_loss", "val_loss", "collapse_alarms")},
    }  # fmt: skip


def probe(model: "HierarchicalJepa", images: "ImageSet") -> dict[str, Any]:
    """Test accuracies of the frozen encoder by protocol, with their 95 % intervals over images, and what its features have by themselves."""
    from contracts.knobs import load_knobs
    from evaluation.config import EvalProbesKnobs
    from evaluation.eval_probes import image_findings
    from evaluation.features import source_of

    source = source_of("encoder", model)
    found = image_findings(source, images, None, load_knobs(EvalProbesKnobs), "cpu")
    best = {p.protocol: p.score for p in found.probes if p.split == "test" and (p.best_level or p.protocol.startswith("few_shot"))}
    quality = found.quality[source.levels[0]]
    return {
        **{name: score.value for name, score in best.items()}, "intervals": {name: (score.low, score.high) for name, score in best.items()},
        "variance": quality["variance"], "rank_share": quality["effective_rank"] / model.embed_dim, "dim": model.embed_dim,
        "encoder_parameters": sum(p.numel() for p in model.online.encoder.parameters()),
    }  # fmt: skip


def write(state: dict[str, Any], out: Path) -> None:
    """All of the results, of the runs so far."""
    from contracts.files import write_json, write_text

    out.mkdir(parents=True, exist_ok=True)
    write_json(out / "results.json", state)
    if state["runs"]:
        write_text(out / "table.md", markdown(state))
        plot(state, out / "curves.png")


def markdown(state: dict[str, Any]) -> str:
    """The table with the spread over seeds, the targets, and what was run."""
    from evaluation.ablation import with_spread

    lines = [
        "# Hierarchical joint-embedding prediction on CIFAR-10\n",
        "Written by `python -m benchmarks.hjepa_cifar10`; `results.json` has every seed. Mean ± standard deviation over seeds, of 10,000 test images. Ranks are",
        "effective ranks (RankMe) as shares of the dimension: of images' mean features, and, at the run's last look at itself, of single cells' features.\n",
        f"| recipe | seeds | {' | '.join(FIGURES.values())} | target (a ViT-Tiny/4) | validation loss | alarms | hours |",
        "|---|---:|" + "---:|" * len(FIGURES) + "---|---|---:|---:|",
    ]
    notes = []
    for recipe, runs in by_recipe(state).items():
        values = [[run[name] for run in runs if name in run] for name in FIGURES]
        figures = " | ".join(with_spread(of_runs) if of_runs else "" for of_runs in values)
        if recipe == UNTRAINED:
            lines.append(f"| {recipe} | {len(runs)} | {figures} | | | | |")
            continue
        loss = f"{mean(run['first_val_loss'] for run in runs):.3f} to {mean(run['val_loss'] for run in runs):.3f}"
        hours = f"{mean(run['seconds'] for run in runs) / 3600:.2f}"
        alarms = sum(run["collapse_alarms"] for run in runs)
        lines.append(f"| {recipe} | {len(runs)} | {figures} | {TARGETS.get(recipe, '')} | {loss} | {alarms:.0f} | {hours} |")
        knobs = runs[0]["knobs"]
        notes.append(
            f"- `{recipe}`: {knobs['encoder']} ({runs[0]['encoder_parameters'] / 1e6:.2f} M weights), {knobs['epochs']} epochs of batches of {knobs['global_batch']}, "
            f"{knobs['levels']} level{'s' if knobs['levels'] > 1 else ''}, regulariser {knobs['regulariser']}, {runs[0]['crops']} large crop{'s' if runs[0]['crops'] > 1 else ''} "
            f"of an image, {knobs['precision']}; code {', '.join(sorted({run['code_revision'] for run in runs}))}."
        )
    return "\n".join([*lines, "", *notes, "", "Hours are by the clock, on a machine that had other work beside.", ""])


def by_recipe(state: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The finished runs of each recipe, the untrained ones first."""
    names = sorted({run["recipe"] for run in state["runs"].values()}, key=lambda name: (name != UNTRAINED, name))
    return {name: [run for run in state["runs"].values() if run["recipe"] == name] for name in names}


def plot(state: dict[str, Any], file: Path) -> None:
    """Curves over epochs, one panel each; a line for every seed, a colour for every recipe."""
    from matplotlib.figure import Figure

    from contracts.files import replacing
    from evaluation.charts import LIGHT

    figure = Figure(figsize=(4 * len(CURVES), 3.2), layout="constrained", facecolor=LIGHT.paper)
    panels = figure.subplots(1, len(CURVES), squeeze=False)[0]
    trained = {name: runs for name, runs in by_recipe(state).items() if name != UNTRAINED}
    for axes, curve in zip(panels, CURVES.values(), strict=True):
        for number, (recipe, runs) in enumerate(trained.items()):
            for run in runs:
                label = recipe.removeprefix("hjepa_cifar10_") if run is runs[0] else None
                epochs, values = zip(*run["curves"][curve], strict=True) if run["curves"][curve] else ((), ())  # a run may be too short for a look
                axes.plot(epochs, values, color=LIGHT.series[number], linewidth=1.4, alpha=0.8, label=label)
        axes.set(title=curve, xlabel="epochs")
        axes.grid(color=LIGHT.grid)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].legend(frameon=False)
    with replacing(file) as temporary:
        figure.savefig(temporary, format="png", dpi=150)


def _begun(out: Path, dataset_version: str) -> dict[str, Any]:
    """What is finished. InputError if other images were used there."""
    file = out / "results.json"
    if not file.is_file():
        return {"dataset_version": dataset_version, "runs": {}}
    state: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    if state["dataset_version"] != dataset_version:
        raise InputError("is of other images.", file=file, field="dataset_version", found=state["dataset_version"], fix="Choose another --out.")
    return state


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.hjepa_cifar10", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, metavar="PATH", help="a Parquet file of images, or torchvision's CIFAR")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="for the results")
    parser.add_argument(
        "--recipes",
        type=Path,
        nargs="+",
        default=[_RECIPES / f"{name}.yaml" for name in TARGETS],
        metavar="FILE",
        help=f"default: {', '.join(TARGETS)}",
    )
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="runs of each recipe (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=1, metavar="T", help="of PyTorch (default: %(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)
