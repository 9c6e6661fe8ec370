"""Kits that are built on Bootstrap and go on using its class names: Tabler, CoreUI, Halfmoon."""

from typing import Any, ClassVar

from datagen.kits import Kit, Theme
from datagen.kits.bootstrap import BootstrapUi, variables
from datagen.pages.html import div, span, tag, yes
from datagen.pages.ui import Entry, Tone


class TablerUi(BootstrapUi):
    classes: ClassVar[dict[str, str]] = BootstrapUi.classes | {
        "label": "form-label mb-0", "heading.1": "h1", "heading.2": "h2", "heading.3": "h2", "heading.4": "h3", "heading.5": "h3", "heading.6": "h4", "icon_button": "btn btn-icon", "icon_button.plain": "btn-action s-tabler-plain", "icon_button.primary": "btn-primary", "pagination.link": "page-link",
        "list": "list-group list-group-hoverable", "sidebar.list": "nav nav-pills nav-vertical s-col", "sidebar.item": "nav-link s-tabler-nav", "sidebar.chosen": "active",
        "card": "card", "card.head": "card-header", "card.foot": "card-footer", "table": "table table-vcenter card-table mb-0",
    }  # fmt: skip

    def k(self, *parts: str) -> str:
        if parts[0] == "button" and parts[1:] == ("button.default",):
            return "btn " + self.rng.choice(("", "", "btn-outline-primary", "btn-ghost-primary"))
        return super().k(*parts)

    def badge(self, content: str, tone: Tone = "primary") -> str:
        colour = {"primary": "blue", "success": "green", "warning": "yellow", "danger": "red", "info": "cyan"}.get(tone, "secondary")
        light = self.setting.attributes.setdefault("badges", self.rng.random() < 0.6)
        look = f"bg-{colour}-lt" if light else f"bg-{colour} text-{colour}-fg"
        return span(f"badge {look}", content, c="badge")

    def steps(self, names: Any, here: int) -> str:
        entries = (div("step-item" + (" active" if i == here else ""), self.words_of(name)) for i, name in enumerate(names))
        return div(f"steps steps-{self.rng.choice(('blue', 'green', 'azure'))} {self.rng.choice(('', 'steps-counter'))} s-full", *entries)


class CoreUi(BootstrapUi):
    classes: ClassVar[dict[str, str]] = BootstrapUi.classes | {
        "sidebar": "sidebar sidebar-dark s-core-side", "sidebar.list": "sidebar-nav s-core-nav", "sidebar.item": "nav-link s-core-link", "sidebar.chosen": "active",
        "drawer": "sidebar sidebar-dark s-drawer s-core-side",
    }  # fmt: skip

    def sidebar_item(self, entry: Entry, here: bool) -> str:
        return div("nav-item", super().sidebar_item(entry, here))

    def alert(self, content: str, tone: Tone = "info", closable: bool = False) -> str:
        made = super().alert(content, tone, closable)
        return made.replace('class="alert ', 'class="alert border-0 border-start border-start-5 ', 1) if self.rng.random() < 0.3 else made


class HalfmoonUi(BootstrapUi):
    classes: ClassVar[dict[str, str]] = BootstrapUi.classes | {
        "button.default": "btn-secondary", "card.body": "card-body", "tab": "nav-link", "sidebar.item": "nav-link s-core-link", "sidebar.chosen": "active s-menu-chosen",
    }  # fmt: skip

    def chip(self, content: str, chosen: bool = False, removable: bool = False, icon: str | None = None) -> str:
        inner = (self.glyph(icon) if icon else "") + span("", content) + (self.glyph("close") if removable else "")
        look = "text-bg-primary" if chosen else "bg-body-tertiary text-body border"
        return tag(
            "span", inner, c="chip", cls=f"badge rounded-pill fw-normal s-half-chip {look}", role="button", aria_pressed=yes(chosen), tabindex="0"
        )


def _modes(css: tuple[str, ...], attribute: str = "data-bs-theme", **others: str) -> dict[str, Theme]:
    return {
        mode: Theme(css=css, dark=mode == "dark", attributes={attribute: mode, **{name.replace("_", "-"): value for name, value in others.items()}})
        for mode in ("light", "dark")
    }


_TABLER = ("@tabler/core/dist/css/tabler.min.css", "@tabler/core/dist/css/tabler-themes.min.css")
_TABLER_LOOKS = {
    f"{mode}_{colour}": Theme(
        css=_TABLER, dark=mode == "dark",
        attributes={"data-bs-theme": mode, "data-bs-theme-primary": colour, "data-bs-theme-base": base, "data-bs-theme-radius": radius},
    )
    for mode, colour, base, radius in (
        ("light", "indigo", "slate", "0"), ("light", "red", "stone", "1"), ("light", "purple", "zinc", "2"), ("dark", "teal", "neutral", "0.5"), ("dark", "pink", "gray", "1.5"),
    )
}  # fmt: skip
_COREUI = ("@coreui/coreui/dist/css/coreui.min.css",)
_HALFMOON = ("halfmoon/css/halfmoon.min.css", "halfmoon/css/cores/halfmoon.cores.css")

KITS = (
    Kit(
        name="tabler", platform="web", package="@tabler/core", ui=TablerUi, themes=_modes(_TABLER) | _TABLER_LOOKS,
        variables=variables("tblr")
        + """
.form-range::-webkit-slider-thumb{border:0;width:.75rem;height:.75rem;margin-top:-.25rem}
:root,[data-bs-theme]{--s-raised:var(--tblr-bg-surface);--s-tint:var(--tblr-bg-surface-tertiary,var(--tblr-bg-surface-secondary))}body{background:var(--s-surface)}
body[class] .s-tabler-plain{color:inherit}.btn-icon{flex:none}body[class] .s-tabler-nav{padding:.5em .75em;color:inherit;text-decoration:none}.nav-vertical .s-tabler-nav.active{color:var(--s-primary)}.nav-vertical{border:0}
body[class] .card{margin:0}body[class] .steps{margin:0}body[class] .progress{height:.6rem}.badge{align-self:center}.s-menu-bs .dropdown-item{min-width:0}
""",
    ),
    Kit(
        name="coreui", platform="web", package="@coreui/coreui", ui=CoreUi, themes=_modes(_COREUI, "data-coreui-theme"),
        variables=variables("cui")
        + """
.s-core-side.s-core-side{position:static;flex:none;width:15em;min-height:0;margin:0;padding:.75em 0;display:flex;flex-direction:column;transform:none;left:auto}
.s-core-side>:not(.s-core-nav){padding-inline:1em}.s-core-nav{padding:0;margin:0}body[class] .s-core-link{display:flex;text-decoration:none;padding:.65em 1em}
.s-core-side.s-drawer{background:#212631;height:100%}.sidebar-dark{--s-text:rgb(255 255 255/.87);--s-muted:rgb(255 255 255/.6);color:var(--s-text)}
""",
    ),
    Kit(
        name="halfmoon", platform="web", package="halfmoon", ui=HalfmoonUi,
        themes=_modes(("halfmoon/css/halfmoon.min.css",)) | {f"{mode}_{core}": theme for core in ("modern", "elegant") for mode, theme in _modes(_HALFMOON, data_bs_core=core).items()},
        variables=variables("bs") + ".s-half-chip{display:inline-flex;gap:.35em;align-items:center;font-size:.875em}.s-core-link{color:inherit;padding:.4em .7em}",
    ),
)  # fmt: skip
