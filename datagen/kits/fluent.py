"""Microsoft's Fluent design as web components: in web pages, and in windows as Windows 11 draws them.

Its cards and menus are left out: they compute their ground from what was shown before, and the same page would not always look the same.
"""

from collections.abc import Sequence
from html import escape
from typing import ClassVar, Literal

from datagen.content import icons
from datagen.kits import Kit, Theme
from datagen.pages.html import HtmlUi, Variant, div, span, tag, yes
from datagen.pages.ui import Branch, Tone


class FluentUi(HtmlUi):
    classes: ClassVar[dict[str, str]] = {}

    def button(
        self, content: str, icon: str | None = None, variant: Variant | None = None, size: Literal["small", "normal", "large"] = "normal",
        disabled: bool | None = None, pressed: bool | None = None, wide: bool = False, busy: bool = False,
    ) -> str:  # fmt: skip
        variant = variant or self.rng.choice(("default", "default", "primary", "text"))
        disabled = self.chance("disabled") if disabled is None else disabled
        plain = self.setting.attributes.setdefault("fluent_default", self.rng.choice(("neutral", "neutral", "outline")))
        look = "accent" if pressed else {"primary": "accent", "danger": "accent", "text": "stealth"}.get(variant, plain)
        lead = span("s-slotted", span("s-ring s-ring-small") if busy else self.glyph(icon or "check"), slot="start") if busy or icon else ""
        return tag("fluent-button", lead, escape(content), c="button", cls=f"s-inline {'s-wide' if wide else ''} {'s-fluent-danger' if variant == 'danger' else ''} s-fluent-{size}", appearance=look,
                   disabled=disabled, aria_pressed=yes(pressed), aria_busy=yes(busy or None), data_icon=icon)  # fmt: skip

    def icon_button(
        self, icon: str, content: str | None = None, variant: Literal["plain", "default", "primary"] = "plain", disabled: bool | None = None,
        pressed: bool | None = None, badge: str | None = None,
    ) -> str:  # fmt: skip
        disabled = self.chance("disabled", 0.25, 0.02) if disabled is None else disabled
        look = "accent" if pressed or variant == "primary" else {"plain": "stealth"}.get(variant, "neutral")
        made = tag("fluent-button", span("s-slotted", self.glyph(icon, size=1.15)), c="icon_button", cls="s-fluent-icon", appearance=look, disabled=disabled, aria_pressed=yes(pressed),
                   aria_label=content or self.words.t(icons.label(icon)), data_icon=icon)  # fmt: skip
        return div("s-badged", made, span("s-corner", self.badge(badge, "danger"))) if badge else made

    def text_field(
        self, name: str, value: str = "", placeholder: str = "", icon: str | None = None, disabled: bool | None = None, invalid: bool | None = None,
        readonly: bool = False, required: bool = False,
    ) -> str:  # fmt: skip
        disabled = self.chance("disabled") if disabled is None else disabled
        invalid = self.chance("error", 0.4, 0.02) if invalid is None else invalid
        return self.input(
            "fluent-text-field", "text_field", name, value, placeholder, icon, disabled, invalid, type="text", readonly=readonly, required=required
        )

    def input(
        self, element: str, c: str, name: str, value: str, placeholder: str, icon: str | None, disabled: bool, invalid: bool, **attributes: object
    ) -> str:
        glyph = span("s-slotted", self.icon(icon), slot="start") if icon else ""
        look = self.setting.attributes.setdefault("fluent_field", self.rng.choice(("outline", "outline", "filled")))
        return tag(element, glyph, c=c, cls="s-full" + (" s-fluent-wrong" if invalid else ""), data_box=">>> .root", appearance=look, value=value or None, placeholder=placeholder or None,
                   aria_label=name, disabled=disabled, aria_invalid="true" if invalid else None, **attributes)  # fmt: skip

    def password_field(self, name: str, length: int = 0, placeholder: str = "", disabled: bool | None = None, invalid: bool | None = None) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        invalid = self.chance("error", 0.4, 0.02) if invalid is None else invalid
        return self.input("fluent-text-field", "password_field", name, "x" * length, placeholder, None, disabled, invalid, type="password")

    def search_field(self, placeholder: str, value: str = "") -> str:
        return self.input("fluent-search", "search_field", placeholder, value, placeholder, None, False, False)

    def text_area(self, name: str, value: str = "", placeholder: str = "", rows: int = 3, disabled: bool | None = None) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        return tag(
            "fluent-text-area",
            c="text_area",
            cls="s-full",
            data_box=">>> .control",
            rows=rows,
            value=value or None,
            placeholder=placeholder or None,
            aria_label=name,
            disabled=disabled,
        )

    def combo_box(self, name: str, options: Sequence[str], chosen: int = 0, disabled: bool | None = None) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        entries = (tag("fluent-option", escape(option), value=str(i), selected=i == chosen) for i, option in enumerate(options))
        return tag("fluent-select", *entries, c="combo_box", cls="s-full", data_box=">>> .control", aria_label=name, disabled=disabled)

    def mark(self, element: str, c: str, part: str, content: str, show_label: bool, **attributes: object) -> str:
        label = self.words_of(content) if show_label else ""
        return tag(element, label, c=c, cls="s-inline", data_box=f">>> .{part}", aria_label=content, **attributes)

    def checkbox(self, content: str, checked: bool | None = False, disabled: bool | None = None, show_label: bool = True) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        return self.mark(
            "fluent-checkbox", "checkbox", "control", content, show_label, checked=bool(checked), data_mixed=checked is None, disabled=disabled
        )

    def radio(self, content: str, chosen: bool, group: str, disabled: bool | None = None, show_label: bool = True) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        return self.mark("fluent-radio", "radio", "control", content, show_label, checked=chosen, name=f"{group}{content}", disabled=disabled)

    def switch(self, content: str, on: bool, disabled: bool | None = None, show_label: bool = False) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        return self.mark("fluent-switch", "switch", "switch", content, show_label, checked=on, disabled=disabled)

    def slider(self, name: str, share: float) -> str:
        return tag(
            "fluent-slider",
            c="slider",
            cls="s-full",
            data_box=">>> .track, .thumb-container",
            min="0",
            max="100",
            step="1",
            value=round(100 * share),
            aria_label=name,
        )

    def stepper(self, name: str, value: int) -> str:
        return tag("fluent-number-field", c="stepper", cls="s-fluent-number", data_box=">>> .root", value=value, aria_label=name)

    # ---- navigation --------------------------------------------------------------------------------------------------------------------------

    def tabs(self, names: Sequence[str], chosen: int = 0, icons: Sequence[str | None] = (), closable: bool = False) -> str:
        if closable:
            return super().tabs(names, chosen, icons, closable)
        count = self.setting.attributes["tab_bars"] = self.setting.attributes.get("tab_bars", 0) + 1
        entries = (tag("fluent-tab", escape(name), c="tab", id=f"tab{count}-{i}") for i, name in enumerate(names))
        return tag("fluent-tabs", *entries, c="tab_bar", cls="s-full", activeid=f"tab{count}-{chosen}")

    def breadcrumb(self, names: Sequence[str]) -> str:
        parts = [tag("fluent-breadcrumb-item", span("s-link-words", escape(name), c="link", role="link")) for name in names[:-1]]
        return tag("fluent-breadcrumb", *parts, tag("fluent-breadcrumb-item", self.words_of(names[-1])), c="breadcrumb", cls="s-inline")

    def tree(self, branches: Sequence[Branch], chosen: int = -1) -> str:
        count = 0

        def draw(level: Sequence[Branch]) -> str:
            nonlocal count
            parts = []
            for branch in level:
                here = count == chosen
                count += 1
                icon = span("s-slotted", self.icon(branch.icon), slot="start") if branch.icon else ""
                # Nested entries stand inside their parent's host: the line is what belongs to this one.
                parts.append(tag("fluent-tree-item", icon, self.words_of(branch.label), draw(branch.children) if branch.open else "", c="list_item", data_box=">>> .positioning-region",
                                 expanded=branch.open, selected=here))  # fmt: skip
            return "".join(parts)

        return tag("fluent-tree-view", draw(branches), c="tree", cls="s-full")

    # ---- content -----------------------------------------------------------------------------------------------------------------------------

    def badge(self, content: str, tone: Tone = "primary") -> str:
        return span(f"s-badge s-badge-{tone} s-fluent-badge", escape(content), c="badge")

    def progress(self, share: float, name: str = "") -> str:
        return tag(
            "fluent-progress",
            c="progress",
            cls="s-full",
            min="0",
            max="100",
            value=round(100 * share),
            aria_label=name or None,
        )

    def spinner(self, size: float = 2.0) -> str:
        return tag("fluent-progress-ring", c="progress", aria_label=self.words.t("Loading"), style=f"width:{size:g}em;height:{size:g}em")

    def title_bar(self, title: str, icon: str | None = None) -> str:
        return super().title_bar(title, icon).replace("s-title_bar ", "s-title_bar s-fluent-title ", 1)


_VARIABLES = """
:root,.s-dark{--s-primary:#0f6cbd;--s-radius:4px;--s-shadow:0 8px 16px rgb(0 0 0/.14),0 0 1px rgb(0 0 0/.2)}
html:not(.s-dark),html:not(.s-dark) body{--s-surface:#fafafa;--s-raised:#fff;--s-tint:#f0f0f0;--s-text:#242424;--s-muted:#616161;--s-border:#d1d1d1;--s-success:#107c10;--s-warning:#8a5300;--s-danger:#b10e1c}
.s-dark{--s-primary:#479ef5;--s-on-primary:#0a2e4a;--s-surface:#202020;--s-raised:#2b2b2b;--s-tint:#333;--s-text:#fff;--s-muted:#adadad;--s-border:#4a4a4a}
body{background:var(--s-surface);color:var(--s-text);--body-font:var(--screen-font)}
.s-slotted{display:inline-flex;align-items:center}
fluent-button{flex:none}fluent-button.s-wide{width:100%}
.s-fluent-large{height:40px;font-size:1.1em}.s-fluent-small{height:24px;min-width:0;font-size:.9em}
.s-fluent-danger::part(control){background:#b10e1c;color:#fff;fill:#fff}
.s-fluent-icon{min-width:0;width:32px}.s-fluent-icon::part(control){padding:0;width:100%}
fluent-button.s-fluent-icon[appearance=stealth]{color:inherit}.s-fluent-icon[appearance=stealth]::part(control){background:transparent;color:inherit;fill:currentcolor}
:is(fluent-text-field,fluent-text-area,fluent-search,fluent-select,fluent-number-field){width:100%;min-width:0}
:is(fluent-text-field,fluent-search,fluent-number-field)::part(control){min-width:0}
fluent-text-area::part(control){width:100%;min-width:0}
fluent-select::part(selected-value){white-space:nowrap;overflow:hidden;text-overflow:ellipsis;min-width:0}
fluent-number-field.s-fluent-number{width:8em}
.s-fluent-wrong::part(root){border-color:#b10e1c}
fluent-slider{min-width:6em;margin:0}
fluent-card{width:100%;--elevation:2}
.s-fluent-card{height:auto;min-width:0}.s-fluent-card-body{padding:1em}
.s-col>.s-fluent-menu{align-self:flex-start}
.s-fluent-menu{position:static;width:auto;min-width:14em;max-width:none}
.s-fluent-here{background:var(--s-tint)}
.s-fluent-badge{border-radius:4px}
.s-link-words{color:var(--s-primary)}
fluent-tree-item::part(positioning-region){border-radius:4px}
.s-dialog{border-radius:8px}.s-menu{border-radius:8px}
.s-list-chosen,.s-sidebar-chosen{background:color-mix(in srgb,var(--s-text) 6%,transparent);color:var(--s-text);position:relative}
.s-sidebar-chosen::before,.s-list-chosen::before{content:"";position:absolute;inset-inline-start:0;top:25%;height:50%;width:3px;border-radius:2px;background:var(--s-primary)}
.s-window{border-radius:8px}
.s-fluent-title{background:var(--s-tint);min-height:32px;padding-block:0;padding-inline-end:0}
.s-fluent-title .s-title_bar-buttons{gap:0}.s-fluent-title .s-title_bar-button{width:46px;height:32px;font-size:.75em}
"""

# The components draw in animation frames; dark is a luminance that their palettes are computed from.
_READY = """
  const {baseLayerLuminance} = await import("/@fluentui/web-components/dist/web-components.min.js");
  const dark = document.documentElement.classList.contains("s-dark");
  if (window.fluentDark !== dark) {
    baseLayerLuminance.withDefault(dark ? 0.15 : 0.98);
    window.fluentDark = dark;
  }
  for (let frame = 0; frame < 6; frame++) await new Promise(requestAnimationFrame);
"""

KITS = tuple(
    Kit(
        name=name, platform=platform, package="@fluentui/web-components", ui=FluentUi, scripts=("@fluentui/web-components/dist/web-components.min.js",), ready=_READY, variables=_VARIABLES,
        themes={"light": Theme(), "dark": Theme(dark=True)},
    )
    for name, platform in (("fluent", "web"), ("fluent-desktop", "desktop"))
)  # fmt: skip
