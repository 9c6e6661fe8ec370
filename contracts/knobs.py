"""Settings: every value stands in `params.yaml`, every meaning in a settings class; the classes hold no defaults.

    preset: tiny-cpu
    pretrain_mae: {...}                # science keys: the same at every scale
    presets:
      tiny-cpu:
        pretrain_mae: {...}            # scale keys: one value per preset
        hardware: {pretrain_mae: ...}  # where and how it runs; never hashed by DVC, never changes the science
        execution: {...}               # how encoders compute; never hashed
        grounder_execution: {...}      # how the grounder computes; never hashed
    tracking: {...}                    # where logs go; never hashed
    runs: {...}                        # how training runs are kept and looked into; never hashed
    watch: {...}                       # when a run looks at itself, and what alarms it; never hashed
    notify: {...}                      # where messages go; never hashed

Science and scale keys are disjoint, so there is no precedence to learn.
"""

import difflib
import json
import re
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.errors import InputError

PARAMS = Path("params.yaml")


class Knobs(BaseModel):
    """Base of all settings: frozen, refuses unknown keys, no silent conversion (`"3"` is no int)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Hardware(Knobs):
    """Where one stage runs. Nothing here may change the science."""

    accelerator: Literal["cpu", "gpu"]
    launcher: Literal["python", "torchrun", "fsdp", "deepspeed", "deepspeed_stage_1", "deepspeed_stage_3"]
    """`python`: one process. The others one process per device: `torchrun` DDP, `fsdp` FSDP2, `deepspeed` ZeRO-2, `deepspeed_stage_1` and `_3` the others."""
    devices: int = Field(ge=1)
    """Processes (and GPUs), over all hosts of the target; each host has an equal share."""
    micro_batch: int = Field(ge=1)
    """Screens that one device holds at once; accumulation makes up the rest of the global batch."""
    num_workers: int = Field(ge=0)
    """Loader threads per device."""
    loader: Literal["auto", "beton", "shards"]
    """What is read: FFCV betons, packed WebDataset shards, or whichever is there, betons first. Both give the same batches."""
    target: str = "local"
    """A target of hosts.yaml, or this machine. The only setting that may be left out."""


class Execution(Knobs):
    """How an encoder computes, never what: results differ by rounding alone (training.models.encoder.configure)."""

    gradient_checkpointing: bool
    """Blocks are computed again in the backward pass instead of kept: less memory, about a third more work."""
    fused_attention: bool
    """Torch's fused attention kernels instead of separate products and softmax."""
    channels_last: bool
    """Convolutions in the memory format that GPUs prefer."""
    compiled: bool
    """The dense forward pass through torch.compile, which takes minutes at the start of a run."""


class GrounderExecution(Knobs):
    """How the grounder computes and how its runs are kept, never what it learns: results differ by rounding alone."""

    gradient_checkpointing: bool
    """Layers are computed again in the backward pass instead of kept."""
    attention: Literal["sdpa", "flash_attention_2"]
    """Torch's attention with a block-diagonal mask, or flash attention's kernels, which know where packed samples begin (package flash-attn, GPU)."""
    liger: bool
    """Liger's kernels for norms and MLPs (package liger-kernel, GPU)."""
    device_map: Literal["one", "auto"]
    """`auto`: one process spreads the layers over all GPUs of the host."""
    vision_cache: Literal["none", "memory", "disk"]
    """Where the features of a frozen vision tower are kept between epochs."""
    vision_cache_gib: float = Field(gt=0)
    """The most that is kept in memory."""
    save_steps: int = Field(ge=1)
    """A checkpoint every so many optimizer steps (and every `runs.checkpoint_minutes`)."""
    keep_last: int = Field(ge=1)
    """Checkpoints that are kept."""


class Tracking(Knobs):
    """Where training curves go besides the artifact folder."""

    wandb: Literal["offline", "online", "disabled"]
    project: str


class Runs(Knobs):
    """How training runs are kept, so that none is lost, and looked into. Nothing here may change the science."""

    checkpoint_steps: int = Field(ge=0)
    """A checkpoint every so many optimizer steps; 0: by the clock alone."""
    checkpoint_minutes: float = Field(gt=0)
    """And whenever so much time has gone since the last. SIGTERM always makes one."""
    keep_last: int = Field(ge=1)
    """Checkpoints that are kept besides the best one."""
    deterministic: bool
    """Refuse operations that do not give the same bits every time (some are slower, on GPUs above all)."""
    detect_anomaly: bool
    """Name the forward operation whose gradient is NaN; several times slower."""
    profiler: Literal["none", "simple", "pytorch"]
    """`simple`: seconds per part of the loop; `pytorch`: per operation. Written to the stage's folder."""


class Watching(Knobs):
    """When a training run looks at its own features, what alarms it, and what it does then (training/watch.py)."""

    every_steps: int = Field(ge=0)
    """A look every so many optimizer steps, and at the end of each epoch; 0: never."""
    probe_images: int = Field(ge=8)
    """Images of the validation split, the same at every look; half of them answer for the other half by their nearest neighbours."""
    from_step: int = Field(ge=0)
    """No collapse is called before this step: fresh weights have features of low rank."""
    variance_below: float = Field(ge=0)
    """Collapse: mean variance of the features of a level, which are about 1 behind a layer norm. 0: no such alarm."""
    rank_share_below: float = Field(ge=0, le=1)
    """Collapse: effective rank of the features of cells, on the best level, as a share of what it can be: their dimension or the number of cells."""
    knn_above_chance: float = Field(ge=0)
    """Collapse: accuracy of the nearest neighbours on the best level that is not above the share of the largest class by this. Only where images have
    classes and there are at least 100 to ask. 0 is at chance itself."""
    loss_rise: float = Field(gt=0)
    """Collapse: a loss above the lowest of the last `loss_looks` looks by more than this share of it (0.5: half as much again)."""
    loss_looks: int = Field(ge=1)
    """How far back that goes."""
    on_collapse: tuple[Literal["log", "notify", "checkpoint", "lower_rate", "stop"], ...]
    """What is done: a line in the log; a message (section `notify`); a checkpoint; the learning rate times `rate_factor` from then on; the run ends with an
    error, after the rest. Once until a look finds nothing."""
    rate_factor: float = Field(gt=0, lt=1)
    """By how much the learning rate is lowered."""
    memory_above: float = Field(gt=0, le=1)
    """Alarm: share of the host's or a GPU's memory that is in use."""
    disk_free_gib: float = Field(ge=0)
    """Alarm: less than this is free where artifacts are kept. Checkpoints but for the newest and the best one are removed then."""


class Smtp(Knobs):
    """A mail server, and to whom messages go. The password of `user` is in the environment: SCREENRY_SMTP_PASSWORD."""

    host: str
    port: int = Field(ge=1, le=65535)
    security: Literal["none", "starttls", "tls"]
    user: str | None
    sender: str
    recipients: tuple[str, ...] = Field(min_length=1)


class Notify(Knobs):
    """Where messages go that someone is to read soon (contracts/notify.py)."""

    webhook: str | None
    """An http(s) URL, or `$NAME` of an environment variable that holds it: such URLs are secrets. null: none."""
    webhook_format: Literal["json", "slack"]
    """`json`: one object of `subject`, `text`, `level`, `facts`, `host`, `time`; `slack`: an incoming webhook's `text` (also Mattermost's, Rocket.Chat's)."""
    smtp: Smtp | None
    """null: no mail."""
    timeout_seconds: float = Field(gt=0)
    """The longest that one message may hold up whoever sends it, per way."""


KnobsT = TypeVar("KnobsT", bound=Knobs)


def stage_name(settings: type[Knobs]) -> str:
    """`PretrainMaeKnobs` -> `pretrain_mae`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", settings.__name__.removesuffix("Knobs")).lower()


def load_knobs(settings: type[KnobsT], file: Path = PARAMS, preset: str | None = None) -> KnobsT:
    """The knobs of one stage under the file's preset (or the one named). InputError for a missing, unknown, doubled or ill-typed key."""
    params, stage = _read(file), stage_name(settings)
    preset = _preset(params, file, preset)
    science, science_at = _section(params, file, stage, required=False), stage
    scale, scale_at = _section(params["presets"][preset], file, stage, required=False, prefix=f"presets.{preset}."), f"presets.{preset}.{stage}"
    for key in science.keys() & scale.keys():
        raise InputError(
            "stands in two places.", file=file, field=f"{science_at}.{key} and {scale_at}.{key}",
            fix="Keep one: under the preset if it depends on scale, else in the stage's own section.",
        )  # fmt: skip
    return _validate(
        settings, {**science, **scale}, file, lambda key: f"{scale_at if key in scale else science_at}.{key}", f"{science_at} or {scale_at}"
    )


def load_hardware(stage: str, file: Path = PARAMS, preset: str | None = None) -> Hardware:
    """The hardware of one stage: `presets.<preset>.hardware.<stage>`."""
    params = _read(file)
    preset = _preset(params, file, preset)
    at = f"presets.{preset}.hardware"
    all_hardware = _section(params["presets"][preset], file, "hardware", required=True, prefix=f"presets.{preset}.")
    values = _section(all_hardware, file, stage, required=True, prefix=f"{at}.")
    return _validate(Hardware, values, file, lambda key: f"{at}.{stage}.{key}", f"{at}.{stage}")


def load_execution(file: Path = PARAMS, preset: str | None = None) -> Execution:
    """The section `presets.<preset>.execution`."""
    params = _read(file)
    preset = _preset(params, file, preset)
    at = f"presets.{preset}.execution"
    values = _section(params["presets"][preset], file, "execution", required=True, prefix=f"presets.{preset}.")
    return _validate(Execution, values, file, lambda key: f"{at}.{key}", at)


def load_grounder_execution(file: Path = PARAMS, preset: str | None = None) -> GrounderExecution:
    """The section `presets.<preset>.grounder_execution`."""
    params = _read(file)
    preset = _preset(params, file, preset)
    at = f"presets.{preset}.grounder_execution"
    values = _section(params["presets"][preset], file, "grounder_execution", required=True, prefix=f"presets.{preset}.")
    return _validate(GrounderExecution, values, file, lambda key: f"{at}.{key}", at)


def load_tracking(file: Path = PARAMS) -> Tracking:
    """The section `tracking`."""
    values = _section(_read(file), file, "tracking", required=True)
    return _validate(Tracking, values, file, lambda key: f"tracking.{key}", "tracking")


def load_runs(file: Path = PARAMS) -> Runs:
    """The section `runs`."""
    values = _section(_read(file), file, "runs", required=True)
    return _validate(Runs, values, file, lambda key: f"runs.{key}", "runs")


def load_watch(file: Path = PARAMS) -> Watching:
    """The section `watch`."""
    values = _section(_read(file), file, "watch", required=True)
    return _validate(Watching, values, file, lambda key: f"watch.{key}", "watch")


def load_notify(file: Path = PARAMS) -> Notify:
    """The section `notify`."""
    values = _section(_read(file), file, "notify", required=True)
    return _validate(Notify, values, file, lambda key: f"notify.{key}", "notify")


def preset_name(file: Path = PARAMS) -> str:
    """The preset that is switched on."""
    return _preset(_read(file), file, None)


def preset_names(file: Path = PARAMS) -> list[str]:
    """All presets of the file."""
    return list(_read(file)["presets"])


def accumulation(global_batch: int, hardware: Hardware, stage: str, file: Path = PARAMS) -> int:
    """Micro-batches per optimizer step so that devices x micro_batch x accumulation = global_batch. InputError if it does not divide."""
    at_once = hardware.devices * hardware.micro_batch
    if global_batch % at_once:
        raise InputError(
            f"{global_batch} is not a multiple of devices x micro_batch = {hardware.devices} x {hardware.micro_batch} = {at_once}.",
            file=file, field=f"{stage}.global_batch",
            fix=f"Change hardware.{stage}.micro_batch or devices so that their product divides {global_batch}; the global batch is science and stays.",
        )  # fmt: skip
    return global_batch // at_once


def _read(file: Path) -> dict[str, Any]:
    try:
        params = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError("does not exist.", file=file.absolute(), fix="Run commands from the top folder of the repository.") from None
    except yaml.YAMLError as error:
        raise InputError(f"is not valid YAML: {error}.", file=file, fix="Mend the line that it names.") from None
    if not isinstance(params, dict) or not isinstance(params.get("presets"), dict):
        raise InputError("has no presets.", file=file, field="presets", fix="Restore the section `presets:` from version control.")
    return params


def _preset(params: dict[str, Any], file: Path, preset: str | None) -> str:
    preset = preset if preset is not None else params.get("preset")
    if preset not in params["presets"]:
        raise InputError("is no preset.", file=file, field="preset", found=repr(preset), fix=suggestion(str(preset), list(params["presets"])))
    return str(preset)


def _section(parent: dict[str, Any], file: Path, key: str, *, required: bool, prefix: str = "") -> dict[str, Any]:
    value = parent.get(key, None if required else {})
    if not isinstance(value, dict):
        raise InputError(
            "is missing." if key not in parent else "must be a mapping of names to values.", file=file, field=prefix + key,
            found=None if key not in parent else repr(value), fix=f"Write the section `{key}:`; the other presets show its keys.",
        )  # fmt: skip
    return value


def _validate(settings: type[KnobsT], values: dict[str, Any], file: Path, where: Any, home: str) -> KnobsT:
    for key in values:
        if key not in settings.model_fields:
            raise InputError(
                "is an unknown knob.", file=file, field=where(key), fix=suggestion(str(key), [k for k in settings.model_fields if k not in values])
            )
    for key, meaning in settings.model_fields.items():
        if key not in values and meaning.is_required():
            raise InputError("is missing.", file=file, field=key, fix=f"Set `{key}` in {home}.")
    try:
        # YAML has lists and no tuples; JSON mode reads a list as a tuple and stays strict about everything else.
        return settings.model_validate_json(json.dumps(values))
    except ValidationError as error:
        first = error.errors()[0]
        at = where(str(first["loc"][0])) if first["loc"] else home
        raise InputError(f"{first['msg']}.", file=file, field=at, found=repr(first["input"]), fix="Correct the value.") from None


def suggestion(word: str, choices: list[str]) -> str:
    """What to do about a name that is not among the choices: the one that was meant, or all of them."""
    close = difflib.get_close_matches(word, choices, n=1, cutoff=0.5)
    return f"Did you mean `{close[0]}`?" if close else f"Known here: {', '.join(sorted(choices)) or 'nothing more'}."
