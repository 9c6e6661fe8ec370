"""Dagster's home: `.dagster/` in the repository, with the committed settings of `orchestration/dagster.yaml` and a partition for each shard."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from contracts.dataset import SHARDS
from contracts.errors import InputError, run_command
from contracts.files import write_text
from contracts.knobs import PARAMS, preset_name

if TYPE_CHECKING:
    import dagster as dg

HOME = Path(".dagster")
SETTINGS = Path(__file__).with_name("dagster.yaml")


def prepare_home() -> Path:
    """Make the home, bring its settings up to date, and name it in this process's environment (and so in its children's)."""
    home = HOME.absolute()
    home.mkdir(exist_ok=True)
    settings = SETTINGS.read_text(encoding="utf-8")
    if not (home / "dagster.yaml").is_file() or (home / "dagster.yaml").read_text(encoding="utf-8") != settings:
        write_text(home / "dagster.yaml", settings)
    os.environ["DAGSTER_HOME"] = str(home)
    return home


def preset_shards() -> int:
    """Number of shards of the preset: `presets.<preset>.render.shards`. InputError if it is not there."""
    preset = preset_name()
    shards = (yaml.safe_load(PARAMS.read_text(encoding="utf-8"))["presets"][preset].get("render") or {}).get("shards")
    if not isinstance(shards, int) or shards < 1:
        raise InputError(
            "must be a number of shards.", file=PARAMS, field=f"presets.{preset}.render.shards", found=repr(shards), fix="Set it to 1 or more."
        )
    return shards


def add_shard_partitions(instance: "dg.DagsterInstance") -> list[str]:
    """One partition for each shard of the preset and each that is on disk; returns all their keys in order."""
    from orchestration.assets import SHARD_PARTITIONS, shard_key

    keys = {shard_key(index) for index in range(preset_shards())} | {path.stem for path in SHARDS.glob("*.tar") if path.stem.isdecimal()}
    name = str(SHARD_PARTITIONS.name)
    missing = keys - set(instance.get_dynamic_partitions(name))
    if missing:
        instance.add_dynamic_partitions(name, sorted(missing))
    return sorted(keys)


def main() -> None:
    argparse.ArgumentParser(
        prog="python -m orchestration.home", description="Give every shard its partition, in the Dagster that DAGSTER_HOME names (deploy/)."
    ).parse_args()
    if "DAGSTER_HOME" not in os.environ:
        raise InputError("is not set.", field="DAGSTER_HOME", fix="`make ui` needs no such command; for a team it is set in deploy/compose.yaml.")
    import dagster as dg

    with dg.DagsterInstance.get() as instance:
        print(f"{len(add_shard_partitions(instance))} shards")


if __name__ == "__main__":
    run_command(main)
