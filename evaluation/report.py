"""One page on one run of the line: what was trained on what, how well it finds elements, and what that took.

Reads the artifacts of all stages before it and data/. Writes artifacts/report/{report.html (self-contained), report.md,
figures/*.png, and charts as figures/*.svg, too}.
"""

import argparse
from typing import TYPE_CHECKING

from contracts.errors import run_command
from contracts.files import write_text
from contracts.knobs import load_knobs
from contracts.stage import ARTIFACTS, stage
from evaluation.config import ReportKnobs

if TYPE_CHECKING:
    from evaluation.evidence import Evidence


def main() -> None:
    argparse.ArgumentParser(prog="python -m evaluation.report", description=__doc__.partition("\n")[0]).parse_args()
    knobs = load_knobs(ReportKnobs)
    with stage("report", knobs) as s:
        from evaluation.evidence import gather
        from evaluation.figures import make_figures, write_figures
        from evaluation.page import html_page, markdown_page

        evidence = gather()
        figures = make_figures(evidence, knobs)
        write_figures(figures, s.folder / "figures")
        write_text(s.folder / "report.html", html_page(evidence, figures))
        write_text(s.folder / "report.md", markdown_page(evidence, figures))
        s.report(headline(evidence), images={figure.title: f"figures/{figure.name}.png" for figure in figures.everything()})
        s.log(f"the report is {ARTIFACTS / 'report' / 'report.html'}")


def headline(evidence: "Evidence") -> dict[str, float]:
    """The figures on top of the report."""
    scores = evidence.metrics["eval_detection"]
    losses = {f"{name}_loss_last": evidence.curves[stage].losses[-1] for name, stage in (("mae", "pretrain_mae"), ("detector", "train_detector"))}
    return {name: scores[name] for name in ("AP", "AP50", "AP75", "AP_agnostic")} | losses


if __name__ == "__main__":
    run_command(main)
