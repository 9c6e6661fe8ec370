"""One page on one run of the line: what was trained on what, how well it finds elements, and what that took.

Reads the artifacts of all stages before it, or with `--of` of some, and data/. Writes artifacts/report/{report.html (self-contained),
report.md, figures/*.png, charts as figures/*.svg, too, wandb/}.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.errors import InputError, run_command
from contracts.files import write_text
from contracts.knobs import load_knobs, load_tracking
from contracts.stage import ARTIFACTS, stage
from evaluation.config import ReportKnobs
from evaluation.tracking import track

if TYPE_CHECKING:
    from evaluation.evidence import Evidence
    from evaluation.figures import Figures
    from evaluation.gallery import JudgedScreen

# The worst screens in W&B's table.
_TRACKED_SCREENS = 16


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m evaluation.report", description=__doc__.partition("\n")[0])
    parser.add_argument("--of", nargs="+", metavar="STAGE", help="tell of these stages alone, the detector's among them (default: all)")
    of = parser.parse_args().of
    knobs = load_knobs(ReportKnobs)
    with stage("report", knobs) as s:
        from evaluation.evidence import DETECTOR, STAGES, gather
        from evaluation.figures import make_figures, write_figures
        from evaluation.page import html_page, markdown_page

        if of and (set(of) - set(STAGES) or not set(DETECTOR) <= set(of)):
            fix = f"Name {' and '.join(DETECTOR)}, and any others of {', '.join(STAGES)}."
            raise InputError("cannot be reported.", field="--of", found=" ".join(of), fix=fix)
        evidence = gather(of or STAGES)
        figures = make_figures(evidence, knobs)
        write_figures(figures, s.folder / "figures")
        write_text(s.folder / "report.html", html_page(evidence, figures))
        write_text(s.folder / "report.md", markdown_page(evidence, figures))
        s.report(headline(evidence), images={figure.title: f"figures/{figure.name}.png" for figure in figures.everything()})
        track(s, load_tracking(), knobs, lambda: tracked(evidence, figures, s.folder / "figures"))
        s.log(f"the report is {ARTIFACTS / 'report' / 'report.html'}")


def headline(evidence: "Evidence") -> dict[str, float]:
    """The figures on top of the report."""
    scores = evidence.metrics["eval_detection"]
    names = {"pretrain_mae": "mae", "train_detector": "detector"}
    losses = {f"{names[stage]}_loss_last": curve.losses[-1] for stage, curve in evidence.curves.items()}
    return {name: scores[name] for name in ("AP", "AP50", "AP75", "AP_agnostic")} | losses


def tracked(evidence: "Evidence", figures: "Figures", folder: Path) -> dict[str, Any]:
    """What W&B shows of a report: the figures, and of the worst screens a table and pictures with boxes."""
    import wandb

    from evaluation.screens import find_screens

    worst = evidence.screens[:_TRACKED_SCREENS]
    images = find_screens([screen.key for screen in worst]) if worst else {}
    classes = sorted({one.class_name for screen in worst for one in (*screen.truth, *screen.found)})
    table = wandb.Table(columns=["screen", "platform", "kit", "family", "F1", "right", "wrong", "missed"])
    for screen in worst:
        table.add_data(screen.key, screen.platform, screen.kit, screen.family, screen.f1, screen.right, screen.wrong, screen.missed)
    # Not in the table: pictures in tables travel by another way, which an offline run's folder does not hold. Not in one list: W&B shows those of one size alone.
    boxes = {
        f"worst screens/{place:02d}": wandb.Image(images[screen.key], caption=screen.key, boxes=_boxes(screen, classes))
        for place, screen in enumerate(worst, start=1)
    }
    pictures = {figure.title: wandb.Image(str(folder / f"{figure.name}.png"), caption=figure.caption) for figure in figures.everything()}
    return {**headline(evidence), **pictures, "worst screens/table": table, **boxes}


def _boxes(screen: "JudgedScreen", classes: list[str]) -> dict[str, Any]:
    """Truth and predictions as W&B draws them over a picture, with a slider for the score."""
    from evaluation.gallery import Found

    layers: dict[str, Any] = {}
    for name, items in (("truth", screen.truth), ("predictions", screen.found)):
        data = []
        for one in items:
            x, y, width, height = one.bbox_xywh
            place = {"minX": x, "maxX": x + width, "minY": y, "maxY": y + height}
            box = {"position": place, "domain": "pixel", "class_id": classes.index(one.class_name), "box_caption": one.class_name}
            data.append(box | ({"scores": {"score": one.score}} if isinstance(one, Found) else {}))
        layers[name] = {"box_data": data, "class_labels": dict(enumerate(classes))}
    return layers


if __name__ == "__main__":
    run_command(main)
