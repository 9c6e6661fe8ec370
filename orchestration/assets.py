"""The line as Dagster assets: screens (one partition per shard), the dataset, and one asset per stage of dvc.yaml.

An asset computes nothing: it starts the command that a person would type, streams its output, and reports what the command left behind.
"""

import base64
import json
import logging
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.pipes.context import build_external_execution_context_data

from contracts.dataset import DATA, MANIFEST, POINTER, SHARDS, SPLITS, Manifest, check_dataset, coco_path, dataset_version, read_manifest, read_shard
from contracts.errors import InputError
from contracts.stage import ARTIFACTS
from contracts.taxonomy import NAMES
from orchestration.cost import spent
from orchestration.curves import CURVES, draw_curves
from orchestration.dvc_cache import make_whole
from orchestration.dvc_lock import release_strangers
from orchestration.pipeline import DeclaredStage, code_version, recorded_version, render_settings, shard_seeds
from orchestration.process import CommandError, Console

SHARD_PARTITIONS = dg.DynamicPartitionsDefinition(name="shards")
# An event's metadata is kept in the event log for ever: pictures beyond this many bytes, all together, are named, not shown.
MAX_INLINE_BYTES = 800_000
MAX_INLINE_IMAGES = 4
REPORT = "report"
PYTHON = "python"  # found on PATH, where the project's own stands first


def shard_key(index: int) -> str:
    """Partition key of a shard, and its file's name without `.tar`."""
    return f"{index:06d}"


def shard_path(key: str) -> Path:
    return SHARDS / f"{key}.tar"


def freshness() -> dg.FreshnessPolicy:
    """What the nightly run makes is looked at after two missed nights, and overdue after eight: then a weekly run was missed, too."""
    return dg.FreshnessPolicy.time_window(fail_window=timedelta(days=8), warn_window=timedelta(days=2))


def code_link(module_file: str) -> dict[str, Any]:
    """Asset metadata that leads to the code which makes it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # code references are new in Dagster
        code = dg.LocalFileCodeReference(file_path=str(Path(module_file).absolute()), line_number=1, label=module_file)
        return {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=[code])}


def screens_asset(console: Console) -> dg.AssetsDefinition:
    """`screens`: one partition per shard."""

    @dg.asset(
        name="screens",
        partitions_def=SHARD_PARTITIONS,
        group_name="datagen",
        kinds={"playwright"},
        pool="browser",
        owners=["team:datagen"],
        tags={"room": "datagen"},
        metadata=code_link("datagen/render.py"),
        # For steps whose machine or process is lost. A renderer that fails says why, and is not asked again (run_in_step).
        retry_policy=dg.RetryPolicy(max_retries=3),
        description="Rendered screens with their labels: one WebDataset shard per partition, made again to the same bytes from the same seed.",
    )
    def screens(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        key = context.partition_key
        if not key.isdecimal():
            raise dg.Failure(f"error: {key!r} is no shard. Partition keys are shard numbers such as {shard_key(0)}.", allow_retries=False)
        path = shard_path(key)
        before = _identity(path)
        command = [PYTHON, "-m", "datagen.render", "--shard", str(int(key))]
        seed, now = shard_seeds(int(key))
        if seed != now:
            # A shard of an earlier night. The renderer knows one seed, the newest: it may look at this shard, and must not make it.
            if before is None:
                problem = f"error: {path}: is not there, and belongs to generation seed {seed}; render.seed in params.yaml is {now}."
                raise dg.Failure(f"{problem} Bring it back with `dvc checkout data.dvc` or `dvc pull data.dvc`.", allow_retries=False)
            command.append("--keep")
        run_in_step(context, console, f"screens {key}", "rendered screens with their labels", command)
        with _as_failure():
            screens = [(screen, png) for screen, png in read_shard(path)]
        first_screen, first_png = screens[0]
        return dg.MaterializeResult(
            metadata={
                "file": dg.MetadataValue.path(path.absolute()),
                "bytes": path.stat().st_size,
                "screens": len(screens),
                "elements": sum(len(screen.elements) for screen, _ in screens),
                "first_screen": inline_picture(first_screen.key, first_png),
                "render_settings": render_settings(),
                "reused": before == _identity(path),
            }
        )

    return screens


def shard_is_shown(key: str, instance: dg.DagsterInstance) -> bool:
    """Whether this shard is on disk and Dagster has it as rendered with the settings of now."""
    newest = instance.fetch_materializations(dg.AssetRecordsFilter(asset_key=dg.AssetKey("screens"), asset_partitions=[key]), limit=1).records
    event = newest[0].asset_materialization if newest else None
    return shard_path(key).is_file() and event is not None and event.metadata["render_settings"].value == render_settings()


def dataset_asset(console: Console) -> dg.AssetsDefinition:
    """`dataset`: all shards under one version, the hash in data.dvc."""

    @dg.asset(
        name="dataset",
        deps=["screens"],
        group_name="datagen",
        kinds={"dvc"},
        pool="dataset",
        freshness_policy=freshness(),
        owners=["team:datagen"],
        tags={"room": "datagen"},
        metadata=code_link("datagen/dataset.py"),
        description="Splits, COCO files and the manifest over all shards; `dvc add data` gives the version that everything after it names.",
    )
    def dataset(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        before = dataset_version() if POINTER.is_file() else None
        run_in_step(context, console, "dataset", "splits, COCO files, manifest; dvc add data", [PYTHON, "-m", "datagen.dataset"])
        with _as_failure():
            manifest, version = read_manifest(), dataset_version()
            make_whole(console, version, str(DATA), ["add", str(DATA)])
        counts = [
            {"split": s, "screens": manifest.splits[s].screens, "elements": manifest.splits[s].elements, "groups": len(manifest.splits[s].groups)}
            for s in SPLITS
        ]
        return dg.MaterializeResult(
            data_version=dg.DataVersion(version),
            metadata={
                "dataset_version": version,
                "shards": len(manifest.shards),
                "bytes": sum(shard.bytes for shard in manifest.shards),
                "screens": sum(shard.screens for shard in manifest.shards),
                "elements": sum(shard.elements for shard in manifest.shards),
                "splits": table(counts),
                "classes": table([{"class": name, "elements": n} for name, n in sorted(manifest.classes.items(), key=lambda item: -item[1])]),
                "manifest": dg.MetadataValue.path(MANIFEST.absolute()),
                "reused": before == version,
            },
        )

    return dataset


def dataset_checks() -> dg.AssetChecksDefinition:
    """What must hold of a dataset version before anything is learned from it."""

    @dg.multi_asset_check(
        name="dataset_checks",
        pool="dataset",
        specs=[
            dg.AssetCheckSpec(
                "shards_match_manifest", asset="dataset", blocking=True, description="Every shard has the size and sha256 of the manifest."
            ),
            dg.AssetCheckSpec("no_empty_split", asset="dataset", blocking=True, description="train, val and test each hold screens and elements."),
            dg.AssetCheckSpec(
                "class_coverage", asset="dataset", description="Every class that is scored on val, test or test_unseen can be learned from train."
            ),
        ],
    )
    def checks() -> Iterable[dg.AssetCheckResult]:
        try:
            manifest = check_dataset()
        except InputError as error:
            yield dg.AssetCheckResult(check_name="shards_match_manifest", passed=False, description=str(error))
            manifest = read_manifest()
        else:
            yield dg.AssetCheckResult(check_name="shards_match_manifest", passed=True, metadata={"shards": len(manifest.shards)})
        # Without held-out kits there is no `test_unseen`; the others are needed.
        empty = [split for split in ("train", "val", "test") if split not in manifest.splits or not manifest.splits[split].elements]
        yield dg.AssetCheckResult(check_name="no_empty_split", passed=not empty, description=f"empty: {', '.join(empty)}" if empty else None)
        yield _class_coverage(manifest)

    return checks


def _class_coverage(manifest: Manifest) -> dg.AssetCheckResult:
    found = {split: _classes(coco_path(split)) for split in SPLITS}
    unlearned = sorted((found["val"] | found["test"] | found["test_unseen"]) - found["train"])
    return dg.AssetCheckResult(
        check_name="class_coverage",
        passed=not unlearned,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"in val, test or test_unseen but not in train: {', '.join(unlearned)}" if unlearned else None,
        metadata={
            "classes_present": sum(count > 0 for count in manifest.classes.values()),
            "classes_of_the_taxonomy": len(NAMES),
            "absent": ", ".join(name for name in NAMES if not manifest.classes.get(name)) or "none",
        },
    )


def _classes(coco_file: Path) -> set[str]:
    coco = json.loads(coco_file.read_text(encoding="utf-8"))
    names = {category["id"]: category["name"] for category in coco["categories"]}
    return {names[annotation["category_id"]] for annotation in coco["annotations"]}


# What `python -m datagen.card` checks, and how many fresh screens it audits for the asset.
CARD_CHECKS = ("blank_screens", "sane_boxes", "no_label_twice", "class_balance", "near_duplicates", "no_leakage", "pixel_audit")
CARD_FOLDER = Path("data-card")
AUDIT_SCREENS = 8


def card_asset(console: Console) -> dg.AssetsDefinition:
    """`data_card`: what is in the dataset and how good its labels are, as a page, with one check per quality limit."""

    @dg.asset(
        name="data_card",
        deps=["dataset"],
        group_name="datagen",
        kinds={"playwright"},
        pool="browser",
        owners=["team:datagen"],
        tags={"room": "datagen"},
        metadata=code_link("datagen/card.py"),
        description="Counts, class balance, checks and a pixel audit of fresh screens, on one page.",
    )
    def data_card(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        with _as_failure():
            version = dataset_version()
        reused = _card_version() == version
        if not reused:
            command = [PYTHON, "-m", "datagen.card", "--audit-screens", str(AUDIT_SCREENS), "--out", str(CARD_FOLDER)]
            run_in_step(context, console, "data_card", "counts, checks, a pixel audit of fresh screens", command)
        found = json.loads((CARD_FOLDER / "quality.json").read_text(encoding="utf-8"))
        figures = found["figures"]
        shares = [{"class": name, "elements": own["count"], "share": f"{own['share']:.3%}"} for name, own in figures["classes"].items()]
        return dg.MaterializeResult(
            data_version=dg.DataVersion(version),
            metadata={
                "dataset_version": version,
                "page": dg.MetadataValue.path((CARD_FOLDER / "data-card.html").absolute()),
                "screens": figures["screens"],
                "elements": figures["elements"],
                **{f"{name}s": len(figures[name]) for name in ("kit", "locale")},
                "families": len(figures["family"]),
                "classes": table(shares),
                "reused": reused,
            },
        )

    return data_card


def card_checks() -> dg.AssetChecksDefinition:
    """The quality limits, as the card found them."""

    @dg.multi_asset_check(name="card_checks", pool="dataset", specs=[dg.AssetCheckSpec(name, asset="data_card") for name in CARD_CHECKS])
    def checks() -> Iterable[dg.AssetCheckResult]:
        for check in json.loads((CARD_FOLDER / "quality.json").read_text(encoding="utf-8"))["checks"]:
            yield dg.AssetCheckResult(
                check_name=check["name"],
                passed=check["passed"],
                severity=dg.AssetCheckSeverity.ERROR if check["blocking"] else dg.AssetCheckSeverity.WARN,
                description=f"{check['found']} (limit: {check['limit']})",
                metadata={"examples": "; ".join(check["examples"]) or "none"},
            )

    return checks


def _card_version() -> str | None:
    """The dataset version that the card on disk is about; None if there is no whole card."""
    try:
        found: dict[str, Any] = json.loads((CARD_FOLDER / "quality.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    complete = [check["name"] for check in found["checks"]] == list(CARD_CHECKS)
    return found["dataset_version"] if complete and (CARD_FOLDER / "data-card.html").is_file() else None


def stage_asset(stage: DeclaredStage, console: Console) -> dg.AssetsDefinition:
    """One stage of dvc.yaml; materializing it is `dvc repro --single-item <stage>`."""

    @dg.asset(
        name=stage.name,
        deps=[*stage.upstream, *(["dataset"] if stage.reads_dataset else [])],
        group_name=stage.room,
        kinds={"dvc", "pytorch" if stage.pool == "gpu" else "python"},
        pool=stage.pool,
        freshness_policy=freshness() if stage.name == REPORT else None,
        owners=[f"team:{stage.room}"],
        tags={"room": stage.room},
        metadata=code_link(stage.module_file),
        code_version=code_version(stage),
        description=f"{stage.description}\n\n`dvc repro {stage.name}` runs `{stage.command}`.",
    )
    def materialize(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        command = ["dvc", "--wait-for-lock", "repro", "--single-item", stage.name]
        release_strangers()
        with _pipes(context) as session:
            run_in_step(context, console, stage.name, stage.description, command, session.get_bootstrap_env_vars())
        # Only a stage that DVC really ran opens Pipes; what it found up to date or in its run cache stays silent.
        reused = not session.message_handler.received_opened_message
        with _as_failure():
            version = recorded_version(stage.name)
            if len(stage.outs) == 1:
                make_whole(console, version, stage.outs[0], ["commit", "--force", stage.name])
        metadata = artifact_metadata(ARTIFACTS / stage.name, reused)
        if not reused:  # so that runs can be found by what they cost
            cost = {name: value for name, value in metadata.items() if name == "gpu_hours" or name.startswith("cost_")}
            context.instance.add_run_tags(context.run.run_id, {f"{name}/{stage.name}": f"{value:.4g}" for name, value in cost.items()})
        return dg.MaterializeResult(data_version=dg.DataVersion(version), metadata=metadata)

    return materialize


def artifact_metadata(folder: Path, reused: bool = False) -> dict[str, Any]:
    """Dagster metadata of a finished artifact: its curves and pictures, its metrics as numbers (those per class as one table), its run, what it cost (again: nothing)."""
    run: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    metrics: dict[str, float] = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    metadata: dict[str, Any] = {}
    if curves := draw_curves(folder):
        metadata["curves"] = inline_picture(CURVES, curves)
    left = MAX_INLINE_BYTES
    for number, (title, file) in enumerate((run.get("images") or {}).items()):
        picture = folder / file
        inline = number < MAX_INLINE_IMAGES and picture.is_file() and picture.stat().st_size <= left
        metadata[title] = inline_picture(file, picture.read_bytes()) if inline else dg.MetadataValue.path(picture.absolute())
        left -= picture.stat().st_size if inline else 0
    metadata |= {name: float(value) for name, value in metrics.items() if "_class_" not in name}
    per_class = [{"metric": name, "value": f"{value:.4f}"} for name, value in metrics.items() if "_class_" in name]
    if per_class:
        metadata["per_class"] = table(per_class)
    run_keys = ("dataset_version", "preset", "code_revision", "finished", "seconds", "peak_memory_bytes")
    metadata |= {key: run[key] for key in run_keys if run.get(key) is not None}
    if (folder / "launch.json").is_file():  # it ran on another host
        launch: dict[str, Any] = json.loads((folder / "launch.json").read_text(encoding="utf-8"))
        metadata |= {key: launch[key] for key in ("target", "host", "attempts", "lost_seconds", "lost_steps") if launch.get(key) is not None}
    return metadata | spent([] if reused else [run]) | {"artifact": dg.MetadataValue.path(folder.absolute()), "reused": reused}


def run_in_step(
    context: dg.AssetExecutionContext | dg.OpExecutionContext,
    console: Console,
    title: str,
    description: str,
    command: list[str],
    env: Mapping[str, str] | None = None,
) -> None:
    """Run a command; if it fails, its own error stands last in the log and is what Dagster shows."""
    _silence_dagster(context)
    console.line(f"── {title}: {description}")
    try:
        console.run(command, env)
    except CommandError as failed:
        console.line(failed.paragraph)
        raise dg.Failure(failed.paragraph, metadata={"command": " ".join(command), "exit_code": failed.returncode}, allow_retries=False) from None


def _silence_dagster(context: dg.AssetExecutionContext | dg.OpExecutionContext) -> None:
    """Keep Dagster's own lines out of the step's log, where its stack trace would stand after the stage's last word; its events stay in the event log.

    Dagster has settings for this only per run, or for everything that goes through `context.log`, messages of the stage included.
    """
    for logger in context.log._dagster_handler._loggers:
        logger.setLevel(logging.CRITICAL)


@contextmanager
def _as_failure() -> Iterator[None]:
    """What a command left behind cannot be read: the asset fails with the paragraph that says why."""
    try:
        yield
    except InputError as error:
        raise dg.Failure(f"error: {error}", allow_retries=False) from None
    except CommandError as failed:
        raise dg.Failure(failed.paragraph, allow_retries=False) from None


@contextmanager
def _pipes(context: dg.AssetExecutionContext) -> Iterator[dg.PipesSession]:
    """`open_pipes_session` without its warning about a process that stays silent: that is how a reused stage behaves."""
    op_context = context.op_execution_context
    injector, reader = dg.PipesTempFileContextInjector(), dg.PipesTempFileMessageReader()
    data = build_external_execution_context_data(op_context, None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)  # Dagster's own handler asks its own reader for a new property
        handler = dg.PipesMessageHandler(op_context, reader)
    with injector.inject_context(data) as context_params, handler.handle_messages() as message_params:
        yield dg.PipesSession(
            context_data=data,
            message_handler=handler,
            context_injector_params=context_params,
            message_reader_params=message_params,
            context=op_context,
        )


def _identity(path: Path) -> tuple[int, int] | None:
    """Changes when a file is written again, which is always by renaming a new one onto it."""
    if not path.is_file():
        return None
    status = path.stat()
    return status.st_ino, status.st_mtime_ns


def inline_picture(name: str, image: bytes) -> dg.MetadataValue[Any]:
    if len(image) > MAX_INLINE_BYTES:
        return dg.MetadataValue.text(f"{name}: {len(image)} bytes, too large to show here")
    kind = "jpeg" if image.startswith(b"\xff\xd8") else "svg+xml" if image.startswith(b"<svg") else "png"
    return dg.MetadataValue.md(f"![{name}](data:image/{kind};base64,{base64.b64encode(image).decode()})")


def table(rows: list[dict[str, Any]]) -> dg.MetadataValue[Any]:
    """Rows with the same keys as a table in Dagster's metadata."""
    if not rows:
        return dg.MetadataValue.md("none")
    head = list(rows[0])
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head), *(f"| {' | '.join(str(row[h]) for h in head)} |" for row in rows)]
    return dg.MetadataValue.md("\n".join(lines))
