"""Shoelace: web components with shadow roots. Form controls show their painted part through `data-box`."""

from collections.abc import Sequence
from html import escape
from typing import Any, Literal

from datagen.content import icons
from datagen.kits import Kit, Theme
from datagen.pages.html import HtmlUi, Variant, div, span, tag, yes
from datagen.pages.ui import Branch, Entry, Tone

_TONES = {"success": "success", "warning": "warning", "danger": "danger", "info": "primary", "primary": "primary", "neutral": "neutral"}


class ShoelaceUi(HtmlUi):
    def drawn(self, name: str, chances: Sequence[Any]) -> Any:
        """A draw that holds for the whole page: a design is consistent."""
        return self.setting.attributes.setdefault(name, self.rng.choice(chances))

    # ---- controls ----------------------------------------------------------------------------------------------------------------------------

    def button(
        self, content: str, icon: str | None = None, variant: Variant | None = None, size: Literal["small", "normal", "large"] = "normal",
        disabled: bool | None = None, pressed: bool | None = None, wide: bool = False, busy: bool = False,
    ) -> str:  # fmt: skip
        variant = variant or self.rng.choice(("default", "default", "primary", "text"))
        disabled = self.chance("disabled") if disabled is None else disabled
        look = "primary" if pressed else variant
        glyph = span("s-slotted", self.glyph(icon), slot="prefix") if icon else ""
        return tag(
            "sl-button", glyph, escape(content), c="button", cls="s-inline" + (" s-wide" if wide else ""), variant=look, size={"normal": "medium"}.get(size, size), disabled=disabled, loading=busy,
            outline=look in ("primary", "danger") and self.drawn("sl_outline", (False, False, True)), pill=self.drawn("sl_pill", (False, False, True)), aria_pressed=yes(pressed), data_icon=icon,
        )  # fmt: skip

    def icon_button(
        self, icon: str, content: str | None = None, variant: Literal["plain", "default", "primary"] = "plain", disabled: bool | None = None,
        pressed: bool | None = None, badge: str | None = None,
    ) -> str:  # fmt: skip
        disabled = self.chance("disabled", 0.25, 0.02) if disabled is None else disabled
        look = "primary" if pressed or variant == "primary" else {"plain": "text"}.get(variant, variant)
        made = tag("sl-button", span("s-slotted", self.glyph(icon, size=1.2)), span("s-unseen", escape(content or self.words.t(icons.label(icon)))), c="icon_button", cls="s-inline s-sl-icon", variant=look, disabled=disabled, circle=self.drawn("sl_circle", (False, True)),
                   aria_pressed=yes(pressed), data_icon=icon)  # fmt: skip
        return div("s-badged", made, span("s-corner", self.badge(badge, "danger"))) if badge else made

    def button_group(self, *buttons: str) -> str:
        return tag("sl-button-group", *buttons)

    def text_field(
        self, name: str, value: str = "", placeholder: str = "", icon: str | None = None, disabled: bool | None = None, invalid: bool | None = None,
        readonly: bool = False, required: bool = False,
    ) -> str:  # fmt: skip
        disabled = self.chance("disabled") if disabled is None else disabled
        invalid = self.chance("error", 0.4, 0.02) if invalid is None else invalid
        return self.input("text_field", name, value, placeholder, icon, disabled, invalid=invalid, readonly=readonly, required=required)

    def input(
        self,
        c: str,
        name: str,
        value: str,
        placeholder: str,
        icon: str | None = None,
        disabled: bool = False,
        kind: str = "text",
        invalid: bool = False,
        **attributes: object,
    ) -> str:
        glyph = span("s-slotted s-sl-lead", self.icon(icon), slot="prefix") if icon else ""
        return tag("sl-input", glyph, span("s-unseen", escape(name), slot="label"), c=c, cls="s-full" + (" s-sl-wrong" if invalid else ""), data_box=">>> .input", type=kind, value=value or None,
                   placeholder=placeholder or None, disabled=disabled, pill=self.drawn("sl_pill", (False, False, True)), filled=self.drawn("sl_filled", (False, False, True)),
                   aria_invalid="true" if invalid else None, **attributes)  # fmt: skip

    def password_field(self, name: str, length: int = 0, placeholder: str = "", disabled: bool | None = None, invalid: bool | None = None) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        invalid = self.chance("error", 0.4, 0.02) if invalid is None else invalid
        return self.input("password_field", name, "x" * length, placeholder, None, disabled, "password", invalid)

    def search_field(self, placeholder: str, value: str = "") -> str:
        return self.input("search_field", placeholder, value, placeholder, "search" if self.rng.random() < 0.6 else None, kind="search")

    def text_area(self, name: str, value: str = "", placeholder: str = "", rows: int = 3, disabled: bool | None = None) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        return tag("sl-textarea", span("s-unseen", escape(name), slot="label"), c="text_area", cls="s-full", data_box=">>> .textarea", rows=rows, value=value or None,
                   placeholder=placeholder or None, disabled=disabled, resize="none", filled=self.drawn("sl_filled", (False, False, True)))  # fmt: skip

    def combo_box(self, name: str, options: Sequence[str], chosen: int = 0, disabled: bool | None = None) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        entries = (tag("sl-option", escape(option), value=f"o{i}") for i, option in enumerate(options))
        arrow = span("s-slotted", self.glyph("chevron-down", size=0.9), slot="expand-icon")
        return tag("sl-select", span("s-unseen", escape(name), slot="label"), *entries, arrow, c="combo_box", cls="s-full", data_box=">>> .select__combobox", value=f"o{chosen}", disabled=disabled,
                   pill=self.drawn("sl_pill", (False, False, True)), filled=self.drawn("sl_filled", (False, False, True)))  # fmt: skip

    def checkbox(self, content: str, checked: bool | None = False, disabled: bool | None = None, show_label: bool = True) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        label = self.words_of(content) if show_label else span("s-unseen", escape(content))
        return tag(
            "sl-checkbox",
            label,
            c="checkbox",
            cls="s-inline",
            data_box=">>> .checkbox__control",
            checked=bool(checked),
            indeterminate=checked is None,
            disabled=disabled,
        )

    def radio(self, content: str, chosen: bool, group: str, disabled: bool | None = None, show_label: bool = True) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        label = self.words_of(content) if show_label else span("s-unseen", escape(content))
        mark = tag("sl-radio", label, c="radio", data_box=">>> .radio__control", value="here", disabled=disabled)
        return tag("sl-radio-group", mark, value="here" if chosen else None, cls="s-inline")

    def switch(self, content: str, on: bool, disabled: bool | None = None, show_label: bool = False) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        label = self.words_of(content) if show_label else span("s-unseen", escape(content))
        return tag("sl-switch", label, c="switch", cls="s-inline", data_box=">>> .switch__control, .switch__thumb", checked=on, disabled=disabled)

    def slider(self, name: str, share: float) -> str:
        return tag(
            "sl-range",
            span("s-unseen", escape(name), slot="label"),
            c="slider",
            cls="s-full",
            data_box=">>> .range__control",
            value=round(100 * share),
            tooltip="none",
        )

    # ---- navigation --------------------------------------------------------------------------------------------------------------------------

    def tabs(self, names: Sequence[str], chosen: int = 0, icons: Sequence[str | None] = (), closable: bool = False) -> str:
        entries = []
        for i, name in enumerate(names):
            glyph = span("s-slotted s-sl-tab-icon", self.glyph(icons[i])) if i < len(icons) and icons[i] else ""
            close = (
                tag("button", self.glyph("close"), c="icon_button", cls="s-tab-close", type="button", aria_label=self.words.t("Close"))
                if closable
                else ""
            )
            entries.append(tag("sl-tab", glyph, escape(name), close, c="tab", slot="nav", panel=f"p{i}", active=i == chosen))
        return tag("sl-tab-group", *entries, c="tab_bar", cls="s-full", no_scroll_controls=True)

    def breadcrumb(self, names: Sequence[str]) -> str:
        arrow = span("s-slotted", self.glyph("chevron-right", size=0.75), slot="separator")
        parts = [tag("sl-breadcrumb-item", span("s-link-words", escape(name), c="link", role="link")) for name in names[:-1]]
        return tag("sl-breadcrumb", *parts, tag("sl-breadcrumb-item", self.words_of(names[-1])), arrow, c="breadcrumb", cls="s-inline")

    def menu(self, entries: Sequence[Entry | None], chosen: int | None = None) -> str:
        inner = [self.menu_item(entry, i == chosen) if entry else tag("sl-divider") for i, entry in enumerate(entries)]
        return tag("sl-menu", *inner, c="menu", cls="s-sl-menu")

    def menu_item(self, entry: Entry, here: bool) -> str:
        glyph = span("s-slotted", self.icon(entry.icon), slot="prefix") if entry.icon else ""
        shortcut = span("s-slotted", self.words_of(entry.shortcut, "s-text-caption"), slot="suffix") if entry.shortcut else ""
        return tag(
            "sl-menu-item",
            glyph,
            escape(entry.label),
            shortcut,
            c="menu_item",
            cls="s-sl-here" if here else "",
            disabled=entry.disabled,
            data_icon=entry.icon,
        )

    def tree(self, branches: Sequence[Branch], chosen: int = -1) -> str:
        count = 0

        def draw(level: Sequence[Branch]) -> str:
            nonlocal count
            parts = []
            for branch in level:
                here = count == chosen
                count += 1
                icon = span("s-slotted s-sl-tab-icon", self.icon(branch.icon)) if branch.icon else ""
                # Nested entries stand inside their parent's host: the line is what belongs to this one.
                parts.append(
                    tag(
                        "sl-tree-item",
                        icon,
                        self.words_of(branch.label),
                        draw(branch.children),
                        c="list_item",
                        data_box=">>> .tree-item__item",
                        expanded=branch.open,
                        selected=here,
                    )
                )
            return "".join(parts)

        arrows = "".join(span("s-slotted", self.glyph("chevron-right", size=0.85), slot=slot) for slot in ("expand-icon", "collapse-icon"))
        return tag("sl-tree", arrows, draw(branches), c="tree", cls="s-full")

    # ---- content -----------------------------------------------------------------------------------------------------------------------------

    def card(self, *parts: str, title: str | None = None, media: str | None = None, footer: str | None = None, chosen: bool = False) -> str:
        head = div("", self.heading(title, 5), slot="header") if title else ""
        picture = div("", media, slot="image") if media else ""
        foot = div("", footer, slot="footer") if footer else ""
        return tag(
            "sl-card", picture, head, div("s-col s-g2", *parts), foot, c="card", cls="s-sl-card" + (" s-card-chosen" if chosen else ""), role="group"
        )

    def badge(self, content: str, tone: Tone = "primary") -> str:
        return tag("sl-badge", escape(content), c="badge", variant=_TONES.get(tone, "primary"), pill=self.drawn("sl_pill", (False, False, True)))

    def chip(self, content: str, chosen: bool = False, removable: bool = False, icon: str | None = None) -> str:
        inner = (self.glyph(icon, cls="s-sl-tab-icon") if icon else "") + escape(content) + (" " + self.glyph("close", size=0.9) if removable else "")
        return tag(
            "sl-tag",
            inner,
            c="chip",
            variant="primary" if chosen else "neutral",
            size="small",
            pill=self.drawn("sl_chip", (False, True)),
            role="button",
            aria_pressed=yes(chosen),
        )

    def progress(self, share: float, name: str = "") -> str:
        return tag(
            "sl-progress-bar",
            c="progress",
            cls="s-full",
            value=round(100 * share),
            label=name or None,
            style=f"--height:{self.drawn('sl_bar', ('4px', '8px', '16px'))}",
        )

    def spinner(self, size: float = 2.0) -> str:
        return tag("sl-spinner", c="progress", role="progressbar", aria_label=self.words.t("Loading"), style=f"font-size:{size:g}em")

    def alert(self, content: str, tone: Tone = "info", closable: bool = False) -> str:
        glyph = span("s-slotted", self.icon({"success": "check-circle", "warning": "warning", "danger": "error"}.get(tone, "info")), slot="icon")
        close = self.icon_button("close", self.words.t("Close"), disabled=False) if closable else ""
        return tag(
            "sl-alert",
            glyph,
            div("s-row s-g2", div("s-grow", self.words_of(content)), close),
            c="toast",
            cls="s-full",
            open=True,
            variant=_TONES.get(tone, "neutral"),
        )

    def toast(self, content: str, tone: Tone = "neutral", action: str | None = None) -> str:
        where = self.rng.choice(("s-at-top-end", "s-at-top-end", "s-at-bottom-end", "s-at-bottom"))
        glyph = span("s-slotted", self.icon({"success": "check-circle", "warning": "warning", "danger": "error"}.get(tone, "info")), slot="icon")
        end = self.button(action, variant="text", size="small", disabled=False) if action else ""
        made = tag(
            "sl-alert",
            glyph,
            div("s-row s-g2", div("s-grow", self.words_of(content)), end),
            c="toast",
            cls="s-sl-toast",
            open=True,
            variant=_TONES.get(tone, "neutral"),
        )
        return div(f"s-over {where}", made)


_VARIABLES = """
:root,.s-dark,.sl-theme-dark{--sl-font-sans:var(--screen-font);--s-primary:var(--sl-color-primary-600);--s-on-primary:var(--sl-color-neutral-0);--s-surface:var(--sl-color-neutral-0);
  --s-raised:var(--sl-panel-background-color);--s-tint:var(--sl-color-neutral-50);--s-text:var(--sl-color-neutral-900);--s-muted:var(--sl-color-neutral-600);
  --s-border:var(--sl-color-neutral-300);--s-success:var(--sl-color-success-700);--s-warning:var(--sl-color-warning-700);--s-danger:var(--sl-color-danger-700);
  --s-info:var(--sl-color-sky-700);--s-radius:var(--sl-border-radius-medium);--s-shadow:var(--sl-shadow-large)}
body{background:var(--s-surface);color:var(--s-text)}
.s-unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip:rect(0 0 0 0);white-space:nowrap}
.s-slotted{display:inline-flex;align-items:center}
:is(sl-input,sl-textarea,sl-select,sl-range)::part(form-control-label){display:block;height:0;margin:0;font-size:0}
sl-input.s-sl-wrong::part(base){border-color:var(--sl-color-danger-600)}
.s-sl-lead{color:var(--sl-input-icon-color);margin-inline-start:.75em}
sl-button.s-wide{width:100%}
.s-sl-icon::part(label){padding:0 .55em}
:is(.s-video-controls,.s-navigation_bar,.s-app_bar) .s-sl-icon[variant=text]::part(base){color:inherit}
.s-sl-tab-icon{margin-inline-end:.4em}
sl-range::part(input){height:20px}
sl-card{width:100%;--padding:1em}
.s-sl-menu{min-width:11em}
.s-sl-here::part(base){background:var(--sl-color-primary-600);color:var(--sl-color-neutral-0)}
sl-tab-group{--track-width:2px}sl-breadcrumb{display:block}
.s-sl-toast{width:min(22em,90vw);display:block}
.s-link-words{color:var(--sl-color-primary-600)}
"""

_READY = """
  const waiting = [...body.querySelectorAll("*")].filter(element => element.updateComplete);
  await Promise.all(waiting.map(element => element.updateComplete));
  await new Promise(requestAnimationFrame);
  await Promise.all(waiting.map(element => element.updateComplete));
  await new Promise(requestAnimationFrame);
"""

KITS = (
    Kit(
        name="shoelace", platform="web", package="@shoelace-style/shoelace", ui=ShoelaceUi, scripts=("@shoelace-style/shoelace/cdn/shoelace.js",), ready=_READY, variables=_VARIABLES,
        themes={
            "light": Theme(css=("@shoelace-style/shoelace/cdn/themes/light.css",)),
            "dark": Theme(css=("@shoelace-style/shoelace/cdn/themes/dark.css",), dark=True, classes="sl-theme-dark"),
            "violet": Theme(css=("@shoelace-style/shoelace/cdn/themes/light.css",),
                            extra=":root{" + "".join(f"--sl-color-primary-{n}:var(--sl-color-violet-{n});" for n in (50, 100, 200, 300, 400, 500, 600, 700, 800, 900, 950)) + "}"),
            "teal": Theme(css=("@shoelace-style/shoelace/cdn/themes/light.css",),
                          extra=":root{" + "".join(f"--sl-color-primary-{n}:var(--sl-color-teal-{n});" for n in (50, 100, 200, 300, 400, 500, 600, 700, 800, 900, 950)) + "}"),
        },
    ),
)  # fmt: skip
