"""What an export is made of: the screens of a dataset or an imported set, each with the split it stands in."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from contracts.annotation import Screen
from contracts.dataset import GET_DATA, read_shard
from contracts.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Source:
    """A folder with `shards/`, and what says which split a screen stands in: `splits.json` (a dataset) or `import.json` (an imported set)."""

    folder: Path
    shards: tuple[Path, ...]
    splits: tuple[str, ...]
    split_of: Callable[[Screen], str | None]

    def screens(self, wanted: tuple[str, ...]) -> Iterator[tuple[str, Screen, bytes]]:
        """(split, screen, PNG) of each screen in one of the wanted splits, shard by shard."""
        for path in self.shards:
            for screen, png in read_shard(path):
                split = self.split_of(screen)
                if split in wanted:
                    yield split, screen, png


def open_source(folder: Path) -> Source:
    """The dataset or imported set in `folder`. InputError if there are no shards, or nothing says how they are split."""
    shards = tuple(sorted((folder / "shards").glob("*.tar")))
    if not shards:
        raise InputError("holds no shards.", file=folder / "shards", fix=GET_DATA)
    if (folder / "import.json").is_file():
        known = json.loads((folder / "import.json").read_text(encoding="utf-8"))["screens"]
        by_key = {key: entry["split"] for key, entry in known.items()}
        return Source(folder=folder, shards=shards, splits=tuple(sorted(set(by_key.values()))), split_of=lambda screen: by_key.get(screen.key))
    if (folder / "splits.json").is_file():
        from datagen.dataset import group_of

        groups = json.loads((folder / "splits.json").read_text(encoding="utf-8"))
        by_group = {group: split for split, own in groups.items() for group in own}
        doubles = _near_duplicates(folder / "manifest.json")
        return Source(
            folder=folder, shards=shards, splits=tuple(groups),
            split_of=lambda screen: None if screen.key in doubles else by_group.get(group_of(screen)),
        )  # fmt: skip
    raise InputError(
        "says nothing of splits: neither splits.json nor import.json is there.", file=folder,
        fix="Run `python -m datagen.dataset`, or import the set with `python -m datagen.importers`.",
    )  # fmt: skip


def _near_duplicates(manifest: Path) -> frozenset[str]:
    """Screens of a dataset that stand in no split because another one looks the same."""
    content = json.loads(manifest.read_text(encoding="utf-8")) if manifest.is_file() else {}
    return frozenset(content.get("duplicates", ()))
