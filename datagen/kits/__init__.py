"""The kits: what a `Kit` is, and the registry of all of them. One module per kit or group of kits; each lists its own in `KITS`."""

from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from contracts.annotation import Platform
from contracts.errors import InputError

_MODULES = (
    "bespoke", "bootstrap", "bulma", "classless", "element_plus", "fluent", "fomantic", "foundation", "framework7", "govuk", "ionic", "materialize", "nes", "papercss", "patternfly", "primer", "qt_widgets", "shoelace", "spectre", "tabler", "uikit", "vscode", "windows",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Theme:
    """One look of a kit. `css` are files below node_modules, loaded in this order; `attributes` and `classes` go on <html>."""

    css: tuple[str, ...] = ()
    dark: bool = False
    attributes: dict[str, str] = field(default_factory=dict)
    classes: str = ""
    extra: str = ""


@dataclass(frozen=True, kw_only=True)
class Kit:
    """A UI kit. `package` is the npm package (or "PySide6") whose version and licence the data card names.

    Chromium kits: `scripts` (files below node_modules, `.esm.js`/`.mjs` as modules) run once in the kit's own document, after `setup`, which
    is JavaScript that configures them; kits without scripts share one.
    `variables` is CSS that maps the kit's colours to --s-primary, --s-surface ... (layout.css) and mends what needs mending. `ready` is a JavaScript
    expression awaited after a page was put up (for custom elements). `own_fonts`: the kit's typeface is part of its look and stays for Latin text.
    `ui` is the Ui subclass, or for lazy imports a "module:Class".
    """

    name: str
    platform: Platform
    package: str
    ui: Any
    themes: dict[str, Theme]
    engine: Literal["chromium", "qt", "gtk"] = "chromium"
    scripts: tuple[str, ...] = ()
    setup: str = ""
    variables: str = ""
    ready: str = ""
    body_class: str = ""
    own_fonts: bool = False
    locales: tuple[str, ...] | None = None

    def ui_class(self) -> Any:
        """The Ui subclass; a "module:Class" is imported now."""
        if isinstance(self.ui, str):
            from importlib import import_module

            module, name = self.ui.split(":")
            return getattr(import_module(module), name)
        return self.ui

    @property
    def document(self) -> str:
        """Name of the browser document that its pages are shown in."""
        return self.name if self.scripts else "plain"


@cache
def kits() -> dict[str, Kit]:
    """Every kit by its name."""
    from importlib import import_module

    found: dict[str, Kit] = {}
    for module in _MODULES:
        for kit in import_module(f"datagen.kits.{module}").KITS:
            if kit.name in found:
                raise ValueError(f"two kits are called {kit.name}")
            found[kit.name] = kit
    return found


def absent() -> dict[str, str]:
    """Kits that cannot be drawn on this machine, and why."""
    from datagen.kits import qt_widgets

    return qt_widgets.ABSENT


def kit(name: str) -> Kit:
    """A kit by name. InputError for an unknown one, or one that cannot be drawn here."""
    if name in absent():
        from datagen.kits.qt_widgets import FIX

        raise InputError(absent()[name], file="params.yaml", field="render.kits", found=name, fix=FIX)
    if name not in kits():
        raise InputError("is no kit.", file="params.yaml", field="render.kits", found=name, fix=f"The kits are {', '.join(kits())}.")
    return kits()[name]
