"""Renders shards of screens: `data/shards/000000.tar`, `000001.tar` ...

    python -m datagen.render                         as many as params.yaml says
    python -m datagen.render --shards 8              eight; those that are there stay
    python -m datagen.render --shard 5               number 5 alone (any machine makes the same bytes)

A shard is a pure function of its number, the knobs, the generator's version and the browser build. Shards are append-only: one that is there
is never written again. It is kept if it was made from the same knobs by the same generator version (another browser build or kit version is
said aloud, and kept too), and refused otherwise, because a dataset must not silently mix what two settings made.
"""

import argparse
import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.dataset import SHARDS, read_shard
from contracts.errors import InputError, run_command
from contracts.files import replacing
from contracts.knobs import load_knobs
from datagen.config import RenderKnobs

if TYPE_CHECKING:
    from datagen.browser import Browser

COMMAND = "python -m datagen.render"


def main() -> None:
    options = _options()
    from contracts.stage import progress
    from datagen.browser import Browser
    from datagen.screens import check_choices, generator

    knobs = load_knobs(RenderKnobs)
    update = {"shards": options.shards or knobs.shards, "shard_size": options.shard_size or knobs.shard_size}
    knobs = knobs.model_copy(update=update)
    check_choices(knobs)
    numbers = [options.shard] if options.shard is not None else range(knobs.shards)
    SHARDS.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        remove_leftovers(shard_path(number))

    kept = {number: check_kept(shard_path(number), knobs, number, options.keep) for number in numbers if shard_path(number).exists()}
    missing = [number for number in numbers if number not in kept]
    if missing:
        with Browser() as browser, progress(range(0), "render", total=len(missing) * knobs.shard_size) as bar:
            for number in missing:
                write_shard(browser, shard_path(number), knobs, number, bar.update)
            others = {made for made in kept.values() if made != generator(browser.version)}
            for made in sorted(others):
                print(f"kept shards were made by `{made}`, new ones by `{generator(browser.version)}`: the dataset now holds both.")
    print(f"{len(missing)} shards of {knobs.shard_size} screens rendered, {len(kept)} kept, in {SHARDS}. Next: `python -m datagen.dataset`.")


def shard_path(number: int) -> Path:
    return SHARDS / f"{number:06d}.tar"


def remove_leftovers(target: Path) -> None:
    """Remove what killed processes left half-written for `target` (contracts.files.replacing); a living process keeps its file."""
    for leftover in target.parent.glob(f".{target.name}.*.partial"):
        process = leftover.name.split(".")[-2]
        if not (process.isdigit() and Path(f"/proc/{process}").exists()):
            leftover.unlink(missing_ok=True)


def write_shard(browser: "Browser", path: Path, knobs: RenderKnobs, number: int, tick: Callable[[], object] = lambda: None) -> None:
    """Render shard `number` to `path`; `tick()` is called after each screen. The file appears when it is whole."""
    from datagen.screens import make_screen, plan_screen

    with replacing(path) as temporary, tarfile.open(temporary, "w", format=tarfile.USTAR_FORMAT) as tar:
        for index in range(knobs.shard_size):
            screen, png = make_screen(browser, plan_screen(knobs, number, index))
            add_screen(tar, screen.key, png, screen.model_dump_json(exclude_defaults=True).encode())
            tick()


def add_screen(tar: tarfile.TarFile, key: str, png: bytes, labels: bytes) -> None:
    """Append one sample. Owner, mode and time are fixed: the archive's bytes depend on its screens alone."""
    for suffix, data in ((".json", labels), (".png", png)):
        member = tarfile.TarInfo(key + suffix)
        member.size, member.mode, member.mtime = len(data), 0o644, 0
        tar.addfile(member, io.BytesIO(data))


def check_kept(path: Path, knobs: RenderKnobs, number: int, keep: bool) -> str:
    """The generator of an existing shard. InputError if it was not made from these knobs, unless `keep`; InputError if it cannot be read."""
    from datagen.screens import GENERATOR_VERSION, plan_screen

    screens = [screen for screen, _ in read_shard(path)]
    if not screens:
        raise InputError("holds no screens.", file=path, fix=f"Delete it and run `{COMMAND}` again.")
    fits = len(screens) == knobs.shard_size and all(plan_screen(knobs, number, index).made(screen) for index, screen in enumerate(screens))
    if not fits and not keep:
        raise InputError(
            f"exists, and was made from other settings than asked for now (seed {knobs.seed}, {knobs.shard_size} screens per shard, the families, themes and "
            f"windows under `render` in params.yaml, generator datagen/{GENERATOR_VERSION}).",
            file=path, found=f"{len(screens)} screens by {screens[0].generator}",
            fix="To start a new dataset, delete data/shards. To go on with this one, set the knobs back. To let the dataset hold both on purpose, add `--keep`.",
        )  # fmt: skip
    return screens[0].generator


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=COMMAND, description="Render shards of labelled screens into data/shards; what is there stays.")
    parser.add_argument("--shards", type=_positive, metavar="N", help="how many shards there should be (default: params.yaml)")
    parser.add_argument("--shard-size", type=_positive, metavar="M", help="screens per shard (default: params.yaml)")
    parser.add_argument("--shard", type=_number, metavar="I", help="render shard number I alone")
    parser.add_argument("--keep", action="store_true", help="keep existing shards even if they were made from other settings")
    return parser.parse_args()


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
