"""Two scorings of the same screens side by side, and whether their difference is more than chance.

    python -m evaluation.compare artifacts/eval_detection ../other/artifacts/eval_detection
    python -m evaluation.compare main HEAD~3                         revisions whose results DVC has
    python -m evaluation.compare promoted new --gate not-worse --margin 0.01

A and B are folders of the stage eval_detection, or git revisions of this repository, from which `dvc get` brings that folder. Both must be of one dataset
version. Screens are drawn anew with replacement, the same for both (paired bootstrap): shown is the 95 % interval of B - A, and p, how often chance alone
would give a difference as far from none.

With `--gate` the exit status says what a pipeline wants to know: 0 holds, 1 does not. `not-worse`: B is not significantly worse than A by more than the
margin (the interval reaches above -margin). `better`: B is significantly better (the whole interval is above the margin).
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.coco import read_coco
from contracts.dataset import coco_path, dataset_version
from contracts.errors import InputError, run_command

if TYPE_CHECKING:
    from evaluation.matching import Floats, Matches

FIGURES = ("AP", "AP50", "AP75", "AP_agnostic")
RESAMPLES = 1000
_STAGE = Path("artifacts/eval_detection")


@dataclass(frozen=True)
class Difference:
    """One figure of both (0..1), B - A with its 95 % interval, and p."""

    figure: str
    a: float
    b: float
    difference: float
    low: float
    high: float
    p: float


def main() -> None:
    options = _options()
    with fetched(options.a) as a, fetched(options.b) as b:
        runs = [read_predictions(folder) for folder in (a, b)]
    if runs[0][0] != runs[1][0]:
        raise InputError(
            "were scored on different dataset versions, so they cannot be compared.", field="dataset_version", found=f"{runs[0][0]} and {runs[1][0]}",
            fix="Run `dvc repro eval_detection` with both models on one version.",
        )  # fmt: skip
    if runs[0][0] != dataset_version():
        raise InputError(
            "is not the dataset version of these scorings.", file="data.dvc", found=dataset_version(), fix=f"Check out version {runs[0][0]}: `git checkout` a revision with it and `dvc pull data.dvc`.",
        )  # fmt: skip
    found = compare(read_coco(coco_path("test")), runs[0][1], runs[1][1], options.resamples)
    if options.json:
        print(json.dumps([asdict(row) for row in found], indent=2))
    else:
        print(f"{'':12}{options.a[-16:]:>18}{options.b[-16:]:>18}{'B - A':>10}   95 % interval          p")
        for row in found:
            print(f"{row.figure:12}{row.a:18.4f}{row.b:18.4f}{row.difference:+10.4f}   {row.low:+.4f} to {row.high:+.4f}   {row.p:.3f}")
    decisive = next(row for row in found if row.figure == options.figure)
    if options.gate and not holds(decisive, options.gate, options.margin):
        print(
            f"{options.gate} does not hold: {decisive.figure} of B - A is {decisive.low:+.4f} to {decisive.high:+.4f}, margin {options.margin}",
            file=sys.stderr,
        )
        sys.exit(1)


def holds(row: Difference, gate: str, margin: float) -> bool:
    """Whether B is `not-worse` or `better` than A, by more than `margin` and more than chance."""
    return row.high >= -margin if gate == "not-worse" else row.low > margin


def compare(coco: dict[str, Any], a: list[dict[str, Any]], b: list[dict[str, Any]], resamples: int = RESAMPLES, seed: int = 0) -> list[Difference]:
    """Both lists of predictions (COCO results format) scored against `coco`, for each of FIGURES."""
    import numpy as np

    from contracts.stage import progress
    from evaluation.bootstrap import draws, percentiles
    from evaluation.matching import match

    pairs = [(match(coco, predictions), match(coco, predictions, use_classes=False)) for predictions in (a, b)]
    value_a, value_b = (_figures(*pair, None) for pair in pairs)
    drawn = [
        _figures(*pairs[1], weights) - _figures(*pairs[0], weights)
        for weights in progress(draws(len(coco["images"]), resamples, seed), "resampling")
        if pairs[0][0].truth_counts(weights).any()
    ]
    differences = np.stack(drawn)
    low, high = percentiles(differences)
    # Two-sided, never 0: (Davison & Hinkley 1997, 4.11).
    beyond = np.minimum((differences <= 0).sum(0), (differences >= 0).sum(0))
    p = np.minimum(1.0, 2 * (beyond + 1) / (len(differences) + 1))
    rows = zip(FIGURES, value_a, value_b, low, high, p, strict=True)
    return [Difference(name, float(x), float(y), float(y - x), float(lo), float(hi), float(q)) for name, x, y, lo, hi, q in rows]


def _figures(matches: "Matches", agnostic: "Matches", weights: "Floats | None") -> "Floats":
    import numpy as np

    from evaluation.matching import average_precision

    own, any_class = average_precision(matches, weights), average_precision(agnostic, weights)
    return np.array([np.nanmean(own), np.nanmean(own[0]), np.nanmean(own[5]), any_class.mean()])


def read_predictions(folder: Path) -> tuple[str, list[dict[str, Any]]]:
    """Dataset version and predictions of a folder that eval_detection has written. InputError if it is none."""
    try:
        run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        predictions: list[dict[str, Any]] = json.loads((folder / "predictions.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(
            "does not exist.", file=error.filename, fix="Name a folder that the stage eval_detection has written, or a git revision."
        ) from None
    except json.JSONDecodeError as error:
        raise InputError(f"holds damaged JSON: {error}.", file=folder, fix="Make it again with `dvc repro eval_detection`.") from None
    return str(run["dataset_version"]), predictions


@contextmanager
def fetched(name: str) -> Iterator[Path]:
    """The folder `name`, or the one that eval_detection had at git revision `name`, which is fetched for as long as it is needed."""
    if Path(name).is_dir():
        yield Path(name)
        return
    known = subprocess.run(["git", "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"], capture_output=True, text=True)
    if known.returncode:
        raise InputError(
            "is neither a folder nor a git revision.",
            field="run",
            found=name,
            fix="Name a folder such as artifacts/eval_detection, or a branch, tag or commit.",
        )
    with tempfile.TemporaryDirectory() as temporary:
        target = Path(temporary) / "eval_detection"
        done = subprocess.run(
            ["dvc", "get", "-q", ".", str(_STAGE), "--rev", known.stdout.strip(), "-o", str(target)], capture_output=True, text=True
        )
        if done.returncode:
            raise InputError(
                f"has no results that DVC can bring: {done.stderr.strip()[-300:]}", field="run", found=name,
                fix="Run `dvc pull --all-commits` where a remote has them, or `dvc repro` at that revision.",
            )  # fmt: skip
        yield target


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m evaluation.compare", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("a", metavar="A", help="a folder or git revision: what is there")
    parser.add_argument("b", metavar="B", help="a folder or git revision: what is new")
    parser.add_argument("--gate", choices=("not-worse", "better"), help="what must hold for exit status 0")
    parser.add_argument("--margin", type=float, default=0.0, metavar="M", help="of the gate (default: %(default)s)")
    parser.add_argument("--figure", choices=FIGURES, default="AP", help="that the gate looks at (default: %(default)s)")
    parser.add_argument("--resamples", type=int, default=RESAMPLES, metavar="N", help="(default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)
