"""Settings of the two commands that make the dataset; the values stand in `params.yaml`."""

from typing import Annotated, Literal

from pydantic import Field

from contracts.annotation import Platform
from contracts.knobs import Knobs

Pixels = Annotated[int, Field(ge=200, le=4096)]
Window = tuple[Pixels, Pixels] | str
Names = tuple[str, ...] | Literal["all"]


class RenderKnobs(Knobs):
    """What `python -m datagen.render` makes."""

    seed: int = Field(ge=0)
    """Every screen follows from this, its shard's number and its place in the shard."""
    families: Names
    """Page families (datagen.pages.FAMILIES), or all."""
    kits: Names
    """UI kits (datagen.kits.kits()), or all. Each (kit, family) pair comes up equally often; a kit's themes are drawn by lot."""
    locales: Names
    """Languages of the pages (datagen.content.locales.LOCALES), or all."""
    english_share: float = Field(ge=0, le=1)
    """Share of the screens in English; the others draw one of `locales`."""
    plain_share: float = Field(ge=0, le=1)
    """Share of the screens in no particular state; the others draw one of datagen.pages.STATES."""
    shards: int = Field(ge=1)
    """Shards that should exist: 000000.tar, 000001.tar ..."""
    shard_size: int = Field(ge=1)
    """Screens per shard."""
    viewports: dict[Platform, Annotated[tuple[Window, ...], Field(min_length=1)]]
    """Per platform: width and height of the window in CSS pixels, or the name of a device from Playwright's list, which brings its scale factor too."""
    device_scales: tuple[Annotated[float, Field(ge=0.5, le=4)], ...] = Field(min_length=1)
    """Image pixels per CSS pixel; each screen that is on no named device draws one."""
    zooms: tuple[Annotated[float, Field(ge=0.5, le=3)], ...] = Field(min_length=1)
    """The user's zoom: the window shows fewer, larger CSS pixels; each web screen draws one."""


class DatasetKnobs(Knobs):
    """How `python -m datagen.dataset` splits. The test split gets what the other two leave."""

    train_fraction: float = Field(gt=0, lt=1)
    """Share of the (kit, family) groups, not of the screens, that train."""
    val_fraction: float = Field(gt=0, lt=1)
    unseen_kits: tuple[str, ...]
    """Kits that stand in no split but `test_unseen`: what a model does with looks it has never met."""
