"""Renders shards of screens: `data/shards/000000.tar`, `000001.tar` ...

    python -m datagen.render                         as many as params.yaml says, with three browsers for two cores
    python -m datagen.render --shards 8              eight; those that are there stay
    python -m datagen.render --shard 5               number 5 alone (any machine makes the same bytes)
    python -m datagen.render --target s3://bucket/shards     into any store that fsspec reaches

A shard is a pure function of its number, the knobs, the generator's version and the browser build; workers, their number and their order do not
show in it. Shards are append-only: one that is there is never written again. It is kept if it was made from the same knobs by the same
generator version (another browser build or kit version is said aloud, and kept too), and refused otherwise, because a dataset must not silently
mix what two settings made. Of a shard in a store the first screen is compared, of one in a folder every screen.

A page that hangs, crashes its browser or takes too much memory is tried once more in a new browser, then left out. Every bad try becomes a line of
`render-failures.jsonl` (plan, error, seconds) in the current folder, which is a log; the dataset itself is marked by `000005.failures.jsonl` beside
`000005.tar`, one line (plan, error) for each screen that the shard lacks. More than one screen in a thousand left out (and more than one in all) ends the run.
"""

import argparse
import io
import json
import os
import tarfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.dataset import SHARDS
from contracts.errors import InputError, run_command
from contracts.knobs import load_knobs
from datagen.config import RenderKnobs

if TYPE_CHECKING:
    from tqdm import tqdm

    from datagen.farm import Failed, Made
    from datagen.store import Store

COMMAND = "python -m datagen.render"
FAILURES = Path("render-failures.jsonl")
TOLERATED = 0.001
# Memory that a worker and its browser take (benchmarks/render_memory.py).
WORKER_BYTES = 2 << 30
_STUDIO = "datagen.screens:Studio"


def main() -> None:
    options = _options()
    from datagen.screens import check_choices
    from datagen.store import open_store

    knobs = load_knobs(RenderKnobs)
    knobs = knobs.model_copy(update={"shards": options.shards or knobs.shards, "shard_size": options.shard_size or knobs.shard_size})
    check_choices(knobs)
    store = open_store(options.target)
    numbers = range(knobs.shards) if options.shard is None else [options.shard]
    result = render(store, knobs, numbers, options.workers, options.keep)
    lacking = f", {result.left_out} screens left out ({FAILURES} says why)" if result.left_out else ""
    following = " Next: `python -m datagen.dataset`." if options.target == str(SHARDS) else ""
    print(f"{result.rendered} shards of {knobs.shard_size} screens rendered, {result.kept} kept, in {store.place}{lacking}.{following}")


@dataclass
class Result:
    """What a run has done so far. `generators`: engine -> everything that made screens with it."""

    rendered: int = 0
    kept: int = 0
    left_out: int = 0
    bad_tries: int = 0
    generators: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def made_by(self, generator: str) -> None:
        self.generators[generator.split()[1].partition("/")[0]].add(generator)


def render(store: "Store", knobs: RenderKnobs, numbers: Iterable[int], workers: int, keep: bool = False, studio: str = _STUDIO) -> Result:
    """Bring shards into a store: those that are missing, in order. InputError for a shard made from other settings, and for too many failures.

    `studio` is the `module:class` that makes the screens (datagen.farm.Farm).
    """
    from contracts.stage import progress
    from datagen.farm import Farm
    from datagen.screens import plan_screen

    store.sweep()
    present, result, missing = store.names(), Result(), []
    for number in numbers:
        if shard_name(number) in present:
            for generator in check_kept(store, knobs, number, keep):
                result.made_by(generator)
            result.kept += 1
        else:
            missing.append(number)
    if missing:
        total = len(missing) * knobs.shard_size
        plans = (plan_screen(knobs, number, index) for number in missing for index in range(knobs.shard_size))
        with Farm(workers, studio) as farm, ThreadPoolExecutor(1) as closer, progress(range(0), "render", total=total) as bar:
            bar.unit = "screen"
            outcomes = ends(farm.make(plans), result, bar, total)
            closing: Future[None] | None = None
            for number in missing:
                finish = write_shard(store, number, (next(outcomes) for _ in range(knobs.shard_size)), result)
                if closing:
                    closing.result()
                closing = closer.submit(finish.close)
                result.rendered += 1
            if closing:
                closing.result()
    for engine, made in result.generators.items():
        if len(made) > 1:
            print(f"screens of {engine} were made by {' and '.join(f'`{one}`' for one in sorted(made))}: the dataset holds both.")
    return result


def ends(outcomes: "Iterable[Made | Failed]", result: Result, bar: "tqdm[int]", total: int) -> "Iterator[Made | Failed]":
    """The last word on each plan. Bad tries are logged on the way. InputError when too many of `total` screens have failed for good."""
    from datagen.farm import Failed

    for outcome in outcomes:
        if isinstance(outcome, Failed):
            result.bad_tries += 1
            log_failure(outcome)
            bar.set_postfix_str(f"{result.bad_tries} failures, {result.left_out + outcome.final} left out")
            if not outcome.final:
                continue
            result.left_out += 1
            if result.left_out > max(1, int(total * TOLERATED)):
                raise InputError(
                    f"more than {TOLERATED:.1%} of {total} screens could not be made; the last was {outcome.plan.key}: {outcome.error}.",
                    file=FAILURES, found=f"{result.left_out} screens left out",
                    fix=f"See {FAILURES} for what they have in common. Finished shards stay, and `{COMMAND}` goes on from there.",
                )  # fmt: skip
        else:
            result.made_by(outcome.generator)
        bar.update()
        yield outcome


def log_failure(failed: "Failed") -> None:
    """Append one line to the log; lines of several processes do not mix."""
    entry = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "final": failed.final,
        "error": failed.error,
        "seconds": round(failed.seconds, 2),
    }
    with FAILURES.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry | {"plan": asdict(failed.plan)}, ensure_ascii=False) + "\n")


def shard_name(number: int) -> str:
    return f"{number:06d}.tar"


def failures_name(number: int) -> str:
    return f"{number:06d}.failures.jsonl"


def write_shard(store: "Store", number: int, outcomes: "Iterable[Made | Failed]", result: Result) -> ExitStack:
    """Pack a shard. It is in the store when the returned stack has been closed; until then another one may be packed."""
    from datagen.farm import Made

    failed: list[Failed] = []
    with ExitStack() as stack:
        path = stack.enter_context(store.writing(shard_name(number)))
        tar = stack.enter_context(tarfile.open(path, "w", format=tarfile.USTAR_FORMAT))
        for outcome in outcomes:
            if isinstance(outcome, Made):
                add_screen(tar, outcome.plan.key, outcome.png, outcome.labels)
            else:
                failed.append(outcome)
        # Before the shard itself: a shard that is there is marked if it has to be.
        if failed:
            with store.writing(failures_name(number)) as marks:
                lines = [json.dumps({"plan": asdict(one.plan), "error": one.error}, sort_keys=True, ensure_ascii=False) for one in failed]
                marks.write_text("\n".join(lines) + "\n", encoding="utf-8")
        else:
            store.remove(failures_name(number))
        return stack.pop_all()
    raise AssertionError  # for type checkers: an ExitStack may swallow exceptions, this one holds nothing that does


def add_screen(tar: tarfile.TarFile, key: str, png: bytes, labels: bytes) -> None:
    """Append one sample. Owner, mode and time are fixed: the archive's bytes depend on its screens alone."""
    for suffix, data in ((".json", labels), (".png", png)):
        member = tarfile.TarInfo(key + suffix)
        member.size, member.mode, member.mtime = len(data), 0o644, 0
        tar.addfile(member, io.BytesIO(data))


def check_kept(store: "Store", knobs: RenderKnobs, number: int, keep: bool) -> set[str]:
    """The generators of an existing shard. InputError if it was not made from these knobs, unless `keep`; InputError if it cannot be read."""
    from datagen.screens import GENERATOR_VERSION, plan_screen
    from datagen.store import read_labels

    where = f"{store.place}/{shard_name(number)}"
    with store.open(shard_name(number)) as file:
        labels = read_labels(file, where)
        screens = list(labels) if store.near else [screen for screen, _ in zip(labels, range(1), strict=False)]
    if not screens:
        raise InputError("holds no screens.", file=where, fix=f"Delete it and run `{COMMAND}` again.")
    lacking = keys_left_out(store, number)
    plans = [plan for index in range(knobs.shard_size) if (plan := plan_screen(knobs, number, index)).key not in lacking]
    fits = (len(screens) == len(plans) or not store.near) and all(plan.made(screen) for plan, screen in zip(plans, screens, strict=False))
    if not fits and not keep:
        raise InputError(
            f"exists, and was made from other settings than asked for now (seed {knobs.seed}, {knobs.shard_size} screens per shard, what stands "
            f"under `render` in params.yaml, generator datagen/{GENERATOR_VERSION}).",
            file=where, found=f"{len(screens) if store.near else 'a first screen'} {'screens ' if store.near else ''}by {screens[0].generator}",
            fix="To start a new dataset, delete the shards. To go on with this one, set the knobs back. To let the dataset hold both on purpose, add `--keep`.",
        )  # fmt: skip
    return {screen.generator for screen in screens}


def keys_left_out(store: "Store", number: int) -> set[str]:
    """Keys of the screens that a shard lacks because they could not be made."""
    try:
        with store.open(failures_name(number)) as file:
            return {json.loads(line)["plan"]["key"] for line in file.read().splitlines()}
    except FileNotFoundError:
        return set()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=COMMAND, description="Render shards of labelled screens; what is there stays.")
    parser.add_argument("--shards", type=_positive, metavar="N", help="how many shards there should be (default: params.yaml)")
    parser.add_argument("--shard-size", type=_positive, metavar="M", help="screens per shard (default: params.yaml)")
    parser.add_argument("--shard", type=_number, metavar="I", help="render shard number I alone")
    parser.add_argument("--keep", action="store_true", help="keep existing shards even if they were made from other settings")
    parser.add_argument(
        "--workers",
        type=_positive,
        default=default_workers(),
        metavar="W",
        help="browsers that work side by side (default: three for two cores if there is the memory for them, %(default)s)",
    )
    parser.add_argument("--target", default=str(SHARDS), metavar="URL", help="folder or fsspec URL where the shards go (default: %(default)s)")
    return parser.parse_args()


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default_workers() -> int:
    """Three for two cores, because a worker waits for its browser's frames, and the browser for its worker; `benchmarks.render --workers` measures other numbers.
    As many as the memory holds, but one per core at least."""
    import psutil

    return max(cores(), min(cores() + (cores() + 1) // 2, psutil.virtual_memory().total // WORKER_BYTES))


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number above 0, found {text!r}")
    return int(text)


def _number(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 on, found {text!r}")
    return int(text)


if __name__ == "__main__":
    run_command(main)
