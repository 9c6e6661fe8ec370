"""Memory of a worker and its browser over many screens: it has to stay flat.

    python -m benchmarks.render_memory                   200 screens of the default mix, in the order in which one worker of a run makes them
    python -m benchmarks.render_memory --screens 2000

Prints the private memory (pages that processes share are not counted) of the worker, of Playwright's driver and of the browser's processes as it goes,
and the slope of a straight line through the second half, when every kit has been loaded.
"""

import argparse
import json
import os
from collections import Counter

from contracts.errors import run_command

_EVERY = 20
_MIB = 1 << 20


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

    knobs = load_knobs(RenderKnobs)
    points: list[tuple[int, Counter[str]]] = []
    with Farm(1) as farm:
        plans = (plan_screen(knobs, 0, index) for index in range(number))
        for made, outcome in enumerate(progress(farm.make(plans), "memory", total=number), 1):
            if isinstance(outcome, Failed):
                raise SystemExit(f"error: {outcome.plan} failed ({outcome.error}), and a new browser has taken its place")
            if made % _EVERY == 0 or made == number:
                points.append((made, private(os.getpid())))
    later = points[len(points) // 2 :]
    sizes = [sum(parts.values()) for _, parts in points]
    slope = float(np.polyfit([made for made, _ in later], sizes[-len(later) :], 1)[0]) if len(later) > 1 else 0.0
    for made, parts in points[:: max(1, len(points) // 10)]:
        print(
            f"{made:6d} screens  {sum(parts.values()) / _MIB:7.0f} MiB   "
            + ", ".join(f"{name} {size / _MIB:.0f}" for name, size in sorted(parts.items()))
        )
    result = {"benchmark": "render_memory", "screens": number, "unit": "MiB", "peak": round(max(sizes) / _MIB), "last": round(sizes[-1] / _MIB)}
    print(json.dumps(result | {"slope_kib_per_screen": round(slope / 1024, 2)}))


def private(parent: int) -> Counter[str]:
    """Bytes that the descendants of a process hold for themselves, by what they are."""
    import psutil

    found: Counter[str] = Counter()
    for process in psutil.Process(parent).children(recursive=True):
        try:
            kinds = [argument.removeprefix("--type=") for argument in process.cmdline() if argument.startswith("--type=")]
            name = process.name()
            found[kinds[0] if kinds else "browser" if "chrom" in name else "driver" if "node" in name else "worker"] += process.memory_full_info().uss
        except psutil.NoSuchProcess:
            continue
    return found


if __name__ == "__main__":
    run_command(main)
