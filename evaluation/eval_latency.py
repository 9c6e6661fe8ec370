"""How long the trained detector takes from a screenshot's file to its boxes, part by part, on the machine that runs this stage.

Reads artifacts/pack_beton, artifacts/train_detector and test screens of data/. Writes artifacts/eval_latency/{metrics.json, details.parquet (a row per
measured call), summary.csv, machine.json, figures/latency.{svg,png}}. The figures belong to the machine that they name: another one has its own by
`dvc repro --force --single-item eval_latency`, or by `python -m evaluation.latency`, which is no part of the line.
"""

import argparse
from dataclasses import replace

from contracts.errors import run_command
from contracts.knobs import load_hardware, load_knobs
from contracts.stage import artifact, read_run, stage
from evaluation.config import EvalLatencyKnobs
from evaluation.latency import dataset_files, lines, measure, metrics, write_measured

# Measured calls on the CPU where there is a GPU.
_CPU_CALLS = 20


def main() -> None:
    argparse.ArgumentParser(prog="python -m evaluation.eval_latency", description=__doc__.partition("\n")[0]).parse_args()
    knobs, hardware = load_knobs(EvalLatencyKnobs), load_hardware("eval_latency")
    with stage("eval_latency", knobs, hardware) as s:
        read_run("train_detector")
        resampling = read_run("pack_beton")["knobs"]["resampling"]

        from training.models.detector import Detector

        model = Detector.from_pretrained(artifact("train_detector"))
        batches = sorted(set(knobs.batches))
        with dataset_files(knobs.screens) as files:
            measured = measure(model, files, knobs.modes, ["cuda" if hardware.accelerator == "gpu" else "cpu"], batches, knobs.calls, resampling)
            if hardware.accelerator == "gpu":
                # One glance at the CPU beside it: all modes and batches of a large model would take hours there.
                beside = measure(model, files, knobs.modes[:1], ["cpu"], batches[:1], min(knobs.calls, _CPU_CALLS), resampling)
                measured = replace(measured, calls=measured.calls + beside.calls, summaries=measured.summaries + beside.summaries)
        for line in lines(measured):
            s.log(line)
        write_measured(measured, s.folder)
        s.report(metrics(measured), images={"latency": "figures/latency.png"})


if __name__ == "__main__":
    run_command(main)
