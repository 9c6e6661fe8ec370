"""The command `python -m datagen.importers`."""

import argparse
import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.errors import InputError, run_command
from datagen.importers import LAYOUTS, MAPPINGS

if TYPE_CHECKING:
    from datagen.importers.foreign import ForeignSet

COMMAND = "python -m datagen.importers"


def main() -> None:
    options = _options()
    from datagen.importers.shards import IMPORT_FILE, write_shards

    foreign = open_layout(options.layout, options.source, options.mapping, options.platform)
    done = write_shards(foreign, options.out, options.shard_size)
    splits = ", ".join(f"{split} {count}" for split, count in sorted(done["splits"].items()))
    print(f"{len(done['screens'])} of {foreign.count} screens ({splits}) with {done['elements']} elements imported into {options.out}/shards.")
    for reason, count in sorted(done["left_out"].items(), key=lambda entry: -entry[1]):
        print(f"  left out {count:7d}  {reason}")
    for source, why in list(done["unreadable"].items())[:5]:
        print(f"  unreadable: {source}: {why}")
    print(f"Which screen is which, and in which split of the set, stands in {options.out / IMPORT_FILE}.")


def open_layout(layout: str, source: Path, mapping: str | None = None, platform: str | None = None) -> "ForeignSet":
    """The set that lies at `source` in this layout. InputError if it does not, or a choice does not fit the layout."""
    if not source.exists():
        raise InputError("does not exist.", file=source, fix="Give the folder or file that holds the set.")
    module = importlib.import_module(f"datagen.importers.{layout}")
    if layout != "coco":
        for choice, value in (("--mapping", mapping), ("--platform", platform)):
            if value is not None:
                raise InputError(
                    f"only the layout `coco` has a choice here; `{layout}` knows its own.", field=choice, found=value, fix="Leave it out."
                )
        opened: ForeignSet = module.open_set(source)
        return opened
    opened = module.open_set(source, mapping or "names", platform or ("web" if mapping in (None, "names") else "mobile"))
    return opened


def _options() -> argparse.Namespace:
    layouts = "\n".join(f"  {name:15} {text}" for name, text in LAYOUTS.items())
    parser = argparse.ArgumentParser(
        prog=COMMAND, description="Turn a set of real screens into shards like the generator's.", epilog=f"layouts:\n{layouts}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("layout", choices=LAYOUTS, metavar="LAYOUT", help="how the set is laid out (below)")
    parser.add_argument("source", type=Path, metavar="SOURCE", help="folder or file of the set")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FOLDER", help="where shards/ and import.json go; an import that was cut off goes on"
    )
    parser.add_argument("--mapping", choices=MAPPINGS, help="coco only: whose class names the categories bear (default: names, that is ours)")
    parser.add_argument(
        "--platform", choices=("web", "mobile", "desktop"), help="coco only: what the screens show (default: mobile for a mapping, else web)"
    )
    parser.add_argument("--shard-size", type=int, default=200, metavar="N", help="screens per shard (default: 200)")
    options = parser.parse_args()
    if options.shard_size < 1:
        parser.error("--shard-size must be at least 1")
    return options


if __name__ == "__main__":
    run_command(main)
