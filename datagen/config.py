"""Settings of the two commands that make the dataset; the values stand in `params.yaml`."""

from typing import Annotated

from pydantic import Field

from contracts.knobs import Knobs

Pixels = Annotated[int, Field(ge=200, le=4096)]


class RenderKnobs(Knobs):
    """What `python -m datagen.render` makes."""

    seed: int = Field(ge=0)
    """Every screen follows from this, its shard's number and its place in the shard."""
    families: tuple[str, ...] = Field(min_length=1)
    """Page families (datagen.pages.FAMILIES)."""
    themes: tuple[str, ...] = Field(min_length=1)
    """Bootstrap's `light` and `dark`, and Bootswatch themes (datagen.kits.THEMES)."""
    shards: int = Field(ge=1)
    """Shards that should exist: 000000.tar, 000001.tar ..."""
    shard_size: int = Field(ge=1)
    """Screens per shard."""
    viewports: tuple[tuple[Pixels, Pixels], ...] = Field(min_length=1)
    """Width and height of the window in CSS pixels; each screen draws one."""
    device_scales: tuple[Annotated[float, Field(ge=0.5, le=4)], ...] = Field(min_length=1)
    """Image pixels per CSS pixel; each screen draws one."""


class DatasetKnobs(Knobs):
    """How `python -m datagen.dataset` splits. The test split gets what the other two leave."""

    train_fraction: float = Field(gt=0, lt=1)
    """Share of the (family, theme) groups, not of the screens, that train."""
    val_fraction: float = Field(gt=0, lt=1)
