"""Which screens are shown, and their full-size images out of the dataset's shards."""

import io
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from contracts.dataset import SHARDS, read_manifest, read_shard
from contracts.errors import InputError


def spread(items: Sequence[Any], count: int) -> list[Any]:
    """Up to `count` items at even distances, the first among them."""
    step = max(1.0, len(items) / count) if count else 1.0
    return [items[int(i * step)] for i in range(min(count, len(items)))]


def find_screens(keys: Collection[str]) -> dict[str, Image.Image]:
    """The RGB images of these screens. InputError for a key that no shard holds, or an image that cannot be read."""
    wanted, found = set(keys), {}
    # A key usually starts with its shard's name: those are opened first, and reading stops when nothing is missing.
    shards = sorted((SHARDS / shard.name for shard in read_manifest().shards), key=lambda path: not any(key.startswith(path.stem) for key in wanted))
    for path in shards:
        if wanted <= found.keys():
            break
        for screen, png in read_shard(path):
            if screen.key in wanted:
                found[screen.key] = _image(path, screen.key, png)
                if wanted <= found.keys():
                    break
    if missing := sorted(wanted - found.keys()):
        raise InputError(
            "hold no such screen.", file=SHARDS, field=missing[0], found=f"{len(missing)} missing", fix="Run `python -m datagen.dataset` again."
        )
    return found


def _image(path: Path, key: str, png: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(png)).convert("RGB")
    except (OSError, SyntaxError) as error:  # PIL raises SyntaxError for some broken PNGs
        raise InputError(
            f"cannot be read as an image: {error}.", file=path, field=f"{key}.png",
            fix="Delete this shard and render it again: `python -m datagen.render` makes the same bytes from the same seed.",
        ) from error  # fmt: skip
