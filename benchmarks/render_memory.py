"""Memory of a worker and its browser over many screens: it has to stay flat.

    python -m benchmarks.render_memory                   200 screens
    python -m benchmarks.render_memory --screens 2000

Prints the resident memory (of the worker and of all processes of its browser; pages that several share count several times) as it goes, and the slope
of a straight line through the second half, when every kit has been loaded.
"""

import argparse
import json
import os

from contracts.errors import run_command

_EVERY = 20


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.render_memory", description="Memory of one worker over many screens.")
    parser.add_argument("--screens", type=int, default=200, metavar="N", help="screens to make (default: %(default)s)")
    number = parser.parse_args().screens
    import numpy as np

    from contracts.knobs import load_knobs
    from contracts.stage import progress
    from datagen.config import RenderKnobs
    from datagen.farm import Failed, Farm
    from datagen.screens import plan_screen

    knobs, points = load_knobs(RenderKnobs), []
    with Farm(1) as farm:
        plans = (plan_screen(knobs, 0, index) for index in range(number))
        for made, outcome in enumerate(progress(farm.make(plans), "memory", total=number)):
            if isinstance(outcome, Failed):
                raise SystemExit(f"error: {outcome.plan} failed ({outcome.error}), and a new browser has taken its place")
            if made % _EVERY == _EVERY - 1:
                points.append((made + 1, resident(os.getpid())))
    later = points[len(points) // 2 :]
    slope = float(np.polyfit(*zip(*later, strict=True), 1)[0]) if len(later) > 1 else 0.0
    for made, size in points[:: max(1, len(points) // 10)]:
        print(f"{made:6d} screens  {size / 2**20:8.1f} MiB")
    last = points[-1][1] / 2**20
    print(
        json.dumps(
            {"benchmark": "render_memory", "screens": number, "last": round(last, 1), "unit": "MiB", "slope_kib_per_screen": round(slope / 1024, 2)}
        )
    )


def resident(parent: int) -> int:
    """Bytes held by all descendants of a process."""
    import psutil

    total = 0
    for process in psutil.Process(parent).children(recursive=True):
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


if __name__ == "__main__":
    run_command(main)
