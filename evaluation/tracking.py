"""A stage's figures and pictures as one run at W&B. (Curves of training go there by training.tracking.)"""

from collections.abc import Callable, Mapping
from typing import Any

from contracts.knobs import Knobs, Tracking
from contracts.stage import Stage


def track(s: Stage, tracking: Tracking, knobs: Knobs, row: Callable[[], Mapping[str, Any]]) -> None:
    """What `row` makes, in the stage's folder, unless W&B is disabled, when it is not called; nothing leaves the host unless it is `online`."""
    if tracking.wandb == "disabled":
        return
    import wandb

    with wandb.init(
        project=tracking.project, name=s.name, dir=s.folder, mode=tracking.wandb, config=knobs.model_dump(mode="json"),
        settings=wandb.Settings(symlink=False, silent=True),
    ) as run:  # fmt: skip
        run.log(dict(row()))
    if tracking.wandb == "offline":
        s.log(f"W&B is offline; `wandb sync artifacts/{s.name}/wandb/offline-run-*` sends the figures and pictures later")
