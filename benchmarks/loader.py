"""Screens per second that reach training: our two loaders beside what a person would write first.

    python -m benchmarks.loader                  less than 40 seconds on two cores
    python -m benchmarks.loader --screens 800    a longer epoch

All three give the same screens, in the same order and batches, at training resolution. The peer is a torch DataLoader with 2 workers over the screens'
PNG files: PIL reads each, scales it with the same filter as `pack_beton` and puts it on the padded canvas; it reads no labels. Ours are the beton and the
packed shards that `pack_beton` makes of the same files, with 2 threads each, and with their boxes and labels. Every tensor of an epoch is compared: the
pixels of all three are the same to the last bit. The rates are medians over epochs, of which the three take turns. Beside them stands the processor
time of each (this process and its workers), which other work on the machine hardly changes.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from contracts.errors import run_command

if TYPE_CHECKING:
    import numpy as np
    import torch

    from contracts.annotation import Screen
    from training.config import PackBetonKnobs
    from training.order import EpochOrder
    from training.screen_batch import ScreenBatch

_WORKERS = 2
_BATCH = 8
# Different screens; each stands in several files.
_RENDERED = 16


def main() -> None:
    options = _options()
    import torch

    from contracts.knobs import load_knobs
    from training.config import PackBetonKnobs

    torch.set_num_threads(1)
    knobs = load_knobs(PackBetonKnobs)
    with tempfile.TemporaryDirectory() as folder:
        screens = save_screens(Path(folder), options.screens)
        loaders = open_loaders(Path(folder), screens, knobs)
        compare(loaders)
        rates, processor = race(loaders, options.epochs, len(screens))
        sizes = {kind: sum(file.stat().st_size for file in Path(folder).glob(f"*.{kind}")) for kind in ("png", "beton", "tar")}
    for name, rate in rates.items():
        print(f"{name}: {rate:.0f} screens/s, {rate / rates['peer']:.1f} times the peer's; {processor[name]:.2f} ms of processor time per screen")
    result = {
        "benchmark": "loader", "ratio": round(rates["beton"] / rates["peer"], 2), "ours": round(rates["beton"], 1), "peer": round(rates["peer"], 1),
        "unit": "screens/s", "ratio_shards": round(rates["shards"] / rates["peer"], 2), "shards": round(rates["shards"], 1),
        "processor_ms_per_screen": {name: round(used, 3) for name, used in processor.items()},
        "image_size": knobs.image_size, "screens": len(screens), "workers": _WORKERS, "batch": _BATCH,
        **{f"{kind}_bytes_per_screen": size // len(screens) for kind, size in sizes.items()},
    }  # fmt: skip
    print(json.dumps(result))


def save_screens(folder: Path, number: int) -> "list[Screen]":
    """Screens of the generator's default mix as PNG files, `<image id>.png`; a few different ones, over and over."""
    from contracts.annotation import Screen
    from contracts.knobs import load_knobs
    from datagen.config import RenderKnobs
    from datagen.farm import Farm, Made
    from datagen.kits import kit
    from datagen.screens import plan_screen

    knobs = load_knobs(RenderKnobs)
    plans = [plan for index in range(4 * _RENDERED) if kit((plan := plan_screen(knobs, 0, index)).kit).engine == "chromium"]
    with Farm(2) as farm:
        outcomes = list(farm.make(plans[: min(_RENDERED, number)]))
    made = [(Screen.model_validate_json(one.labels), one.png) for one in outcomes if isinstance(one, Made)]
    chosen = [made[n % len(made)] for n in range(number)]
    for image_id, (_, png) in enumerate(chosen, start=1):
        (folder / f"{image_id}.png").write_bytes(png)
    return [screen for screen, _ in chosen]


class Peer:
    """The screens' files as a map-style dataset: uint8 [3, H, W] at training resolution."""

    def __init__(self, folder: Path, screens: int, knobs: "PackBetonKnobs"):
        self.folder, self.screens, self.knobs = folder, screens, knobs

    def __len__(self) -> int:
        return self.screens

    def __getitem__(self, position: int) -> "torch.Tensor":
        import numpy as np
        import torch

        canvas = np.zeros((*self.knobs.image_size, 3), dtype=np.uint8)
        image = scale(self.folder / f"{position + 1}.png", self.knobs)
        canvas[: image.shape[0], : image.shape[1]] = image
        return torch.from_numpy(canvas).permute(2, 0, 1)


def scale(file: Path, knobs: "PackBetonKnobs") -> "np.ndarray":
    """A screen's file, scaled to fit the training resolution."""
    import numpy as np
    from PIL import Image

    height, width = knobs.image_size
    with Image.open(file) as png:
        factor = min(height / png.height, width / png.width)
        size = max(1, round(png.width * factor)), max(1, round(png.height * factor))
        return np.asarray(png.convert("RGB").resize(size, Image.Resampling[knobs.resampling.upper()]))


def open_loaders(folder: Path, screens: "list[Screen]", knobs: "PackBetonKnobs") -> dict[str, Callable[[int], Iterable[Any]]]:
    """By name, what gives an epoch's batches; both of ours are packed on the way."""
    from torch.utils.data import DataLoader

    from training.beton import Beton
    from training.order import EpochOrder
    from training.pack_beton import scale_screen, through_shards, write_beton
    from training.packed_index import PackedShard, PackedSplit
    from training.shard_store import open_shard_store
    from training.shards import Shards

    class Files:
        """What `scale_screen` reads: each screen's file, under the name of its key."""

        def __init__(self, number: int):
            self._file = folder / f"{number}.png"

        def read(self, name: str) -> bytes:
            return self._file.read_bytes()

        def file(self, name: str) -> Path:
            return self._file

    shards: list[dict[str, Any]] = []
    elements = [len(screen.elements) for screen in screens]
    beton = folder / "train.beton"
    packed = (scale_screen(n, screen, Files(n), knobs) for n, screen in enumerate(screens, start=1))
    packed = through_shards(packed, folder, "train", shards, None)
    write_beton(beton, packed, len(screens), max(elements), knobs.image_size)
    assert list(packed) == []  # and the last shard is whole
    split = PackedSplit(
        screens=len(screens), max_elements=max(elements), elements=tuple(elements), shards=tuple(PackedShard(**shard) for shard in shards),
        beton_bytes=beton.stat().st_size,
    )  # fmt: skip

    def order() -> "EpochOrder":
        return EpochOrder(len(screens), _BATCH, 0, 0, 1, False)

    def epochs(loader: Any, of: "EpochOrder") -> Callable[[int], Iterable[Any]]:
        def open_epoch(epoch: int) -> Iterable[Any]:
            of.set_epoch(epoch)
            return loader

        return open_epoch

    peers, betons, tars = order(), order(), order()
    peer = DataLoader(Peer(folder, len(screens), knobs), batch_sampler=peers, num_workers=_WORKERS, persistent_workers=True)  # type: ignore[arg-type]
    return {
        "peer": epochs(peer, peers),
        "beton": epochs(Beton(beton, split, betons, _WORKERS), betons),
        "shards": epochs(Shards(open_shard_store(str(folder)), split, tars, _WORKERS), tars),
    }


def compare(loaders: dict[str, Callable[[int], Iterable[Any]]]) -> None:
    """Read one epoch from all of them; it is an error if they do not agree to the last bit. (Also starts workers and compiles FFCV's code.)"""
    import torch

    beton: ScreenBatch
    for number, (peer, beton, shards) in enumerate(zip(*(open_epoch(0) for open_epoch in loaders.values()), strict=True)):
        agree = [torch.equal(peer, beton.images), torch.equal(peer, shards.images), torch.equal(beton.image_ids, shards.image_ids)]
        agree += [torch.equal(a, b) for a, b in zip(beton.boxes + beton.labels, shards.boxes + shards.labels, strict=True)]
        if not all(agree):
            raise AssertionError(f"batch {number} is not the same from all loaders")


def race(loaders: dict[str, Callable[[int], Iterable[Any]]], epochs: int, screens: int) -> tuple[dict[str, float], dict[str, float]]:
    """Screens per second of each loader, the median of its epochs; and milliseconds of processor time per screen, of all its epochs."""
    rates: dict[str, list[float]] = {name: [] for name in loaders}
    used = dict.fromkeys(loaders, 0.0)
    for epoch in range(1, epochs + 1):
        for name, open_epoch in loaders.items():
            started, before = time.perf_counter(), processor_seconds()
            read = sum(len(batch) for batch in open_epoch(epoch))
            rates[name].append(screens / (time.perf_counter() - started))
            used[name] += processor_seconds() - before
            assert read == screens
    return {name: median(found) for name, found in rates.items()}, {name: 1000 * found / (epochs * screens) for name, found in used.items()}


def processor_seconds() -> float:
    """What this process and those that it started have used."""
    import psutil

    this = psutil.Process()
    return float(sum(one.cpu_times().user + one.cpu_times().system for one in (this, *this.children(recursive=True))))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loader", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--screens", type=int, default=480, help="screens of an epoch (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=5, help="timed epochs of each loader (default: %(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    run_command(main)
