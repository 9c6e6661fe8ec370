"""Where shards are rendered: on this machine, or wherever a Dagster executor takes them. Chosen by a file, not by code.

`SCREENRY_EXECUTOR` names a YAML file (orchestration/ray.yaml is one):

    executor: dagster_ray:ray_executor      # module:name of any Dagster executor that is installed
    config: {...}                           # its own configuration
"""

import importlib
import os
from pathlib import Path
from typing import Any

import dagster as dg
import yaml

from contracts.errors import InputError

VARIABLE = "SCREENRY_EXECUTOR"


def render_executor() -> dg.ExecutorDefinition | None:
    """The executor of the job `render`; None, which means Dagster's own choice, if no file is named. InputError for a file that does not fit."""
    name = os.environ.get(VARIABLE)
    if not name:
        return None
    path, shape = Path(name), "It holds two keys: `executor: module:name` and `config: {...}`; see orchestration/ray.yaml."
    try:
        settings: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror}.", file=path, field=VARIABLE, fix="Name a file that is there, or unset the variable."
        ) from None
    except yaml.YAMLError as error:
        raise InputError(f"is not valid YAML: {error}.", file=path, fix=shape) from None
    if not isinstance(settings, dict) or settings.keys() - {"executor", "config"} or not isinstance(settings.get("executor"), str):
        raise InputError("says no executor.", file=path, found=settings, fix=shape)
    module, _, attribute = settings["executor"].partition(":")
    try:
        executor = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        fix = "Install what it comes from (`uv pip install -e '.[ray]'` for Ray), or correct the name."
        raise InputError(f"cannot be loaded: {error}.", file=path, field="executor", found=settings["executor"], fix=fix) from None
    if not isinstance(executor, dg.ExecutorDefinition):
        raise InputError("is no Dagster executor.", file=path, field="executor", found=settings["executor"], fix=shape)
    return executor.configured(settings.get("config") or {}, name=executor.name)
