"""Ionic's web components in their two looks: iOS and Material Design.

Most of its components have shadow roots; `data-box` names the painted part in them. Dialogs, toasts and menus are drawn by our own rules with Ionic's measures: its
own overlays present themselves one by one, with animations.
"""

from collections.abc import Sequence
from html import escape
from typing import ClassVar, Literal

from datagen.content import icons
from datagen.kits import Kit, Theme
from datagen.pages.html import HtmlUi, Variant, div, span, tag, yes
from datagen.pages.ui import Entry, Tone

_COLORS = {"success": "success", "warning": "warning", "danger": "danger", "info": "tertiary", "primary": "primary", "neutral": "medium"}


class IonicUi(HtmlUi):
    classes: ClassVar[dict[str, str]] = {}

    @property
    def ios(self) -> bool:
        return self.setting.attributes.setdefault("ios", self.mode == "ios")

    mode: ClassVar[str] = "md"

    # ---- controls ----------------------------------------------------------------------------------------------------------------------------

    def button(
        self, content: str, icon: str | None = None, variant: Variant | None = None, size: Literal["small", "normal", "large"] = "normal",
        disabled: bool | None = None, pressed: bool | None = None, wide: bool = False, busy: bool = False,
    ) -> str:  # fmt: skip
        variant = variant or self.rng.choice(("default", "default", "primary", "text"))
        disabled = self.chance("disabled") if disabled is None else disabled
        outline = self.setting.attributes.setdefault("ion_outline", self.rng.random() < 0.5)
        fill = {"default": "outline" if outline else "solid", "text": "clear"}.get(variant, "solid")
        color = {"danger": "danger", "default": None if outline else "light"}.get(variant)
        if pressed:
            fill, color = "solid", None
        lead = tag("ion-spinner", slot="start", name="crescent", cls="s-ion-busy") if busy else self.slotted(icon, "start") if icon else ""
        return tag(
            "ion-button", lead, span("", escape(content)), c="button", cls="s-inline" + (" s-wide" if wide else ""), fill=fill, color=color, disabled=disabled,
            size=None if size == "normal" else size, expand="block" if wide else None, aria_pressed=yes(pressed), aria_busy=yes(busy or None), data_icon=icon,
        )  # fmt: skip

    def slotted(self, icon: str, slot: str, size: float = 1.2) -> str:
        """A pictogram in a component's slot."""
        return span("s-ion-slotted", self.glyph(icon, size=size), slot=slot)

    def icon_button(
        self, icon: str, content: str | None = None, variant: Literal["plain", "default", "primary"] = "plain", disabled: bool | None = None,
        pressed: bool | None = None, badge: str | None = None,
    ) -> str:  # fmt: skip
        disabled = self.chance("disabled", 0.25, 0.02) if disabled is None else disabled
        fill = "solid" if pressed else {"plain": "clear", "default": "outline", "primary": "solid"}[variant]
        made = tag(
            "ion-button", self.slotted(icon, "icon-only", 1.3), c="icon_button", cls="s-ion-icon-button", fill=fill, disabled=disabled, aria_pressed=yes(pressed),
            aria_label=content or self.words.t(icons.label(icon)), data_icon=icon,
        )  # fmt: skip
        return div("s-badged", made, span("s-corner", self.badge(badge, "danger"))) if badge else made

    def text_field(
        self, name: str, value: str = "", placeholder: str = "", icon: str | None = None, disabled: bool | None = None, invalid: bool | None = None,
        readonly: bool = False, required: bool = False,
    ) -> str:  # fmt: skip
        disabled = self.chance("disabled") if disabled is None else disabled
        invalid = self.chance("error", 0.4, 0.02) if invalid is None else invalid
        return self.input("text_field", name, value, placeholder, icon, "text", disabled, invalid, readonly, required)

    def password_field(self, name: str, length: int = 0, placeholder: str = "", disabled: bool | None = None, invalid: bool | None = None) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        invalid = self.chance("error", 0.4, 0.02) if invalid is None else invalid
        return self.input("password_field", name, "x" * length, placeholder, None, "password", disabled, invalid)

    def fill(self) -> str | None:
        """How fields look on this page: Material has two kinds; iOS knows none, there they are tinted."""
        return None if self.ios else self.setting.attributes.setdefault("ion_fill", self.rng.choice(("outline", "solid")))

    def input(
        self,
        c: str,
        name: str,
        value: str,
        placeholder: str,
        icon: str | None,
        kind: str,
        disabled: bool,
        invalid: bool,
        readonly: bool = False,
        required: bool = False,
    ) -> str:
        lead = span("s-ion-slotted s-ion-lead", self.icon(icon), slot="start") if icon else ""
        return tag(
            "ion-input", lead, c=c, cls="s-ion-field" + (" ion-invalid ion-touched s-ion-wrong" if invalid else ""), data_box=".input-wrapper", fill=self.fill(), type=kind,
            value=value or None, placeholder=placeholder or None, aria_label=name, disabled=disabled, readonly=readonly, required=required, aria_invalid="true" if invalid else None,
        )  # fmt: skip

    def search_field(self, placeholder: str, value: str = "") -> str:
        return tag(
            "ion-searchbar", c="search_field", cls="s-ion-search", data_box=".searchbar-input-container", placeholder=placeholder, value=value or None
        )

    def text_area(self, name: str, value: str = "", placeholder: str = "", rows: int = 3, disabled: bool | None = None) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        return tag("ion-textarea", c="text_area", cls="s-ion-field", data_box=".textarea-wrapper", fill=self.fill(), rows=rows, value=value or None, placeholder=placeholder or None,
                   aria_label=name, disabled=disabled)  # fmt: skip

    def combo_box(self, name: str, options: Sequence[str], chosen: int = 0, disabled: bool | None = None) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        entries = (tag("ion-select-option", escape(option), value=str(i)) for i, option in enumerate(options))
        return tag("ion-select", *entries, c="combo_box", cls="s-ion-field", data_box=">>> .select-wrapper", fill=self.fill(), value=str(chosen), aria_label=name, interface="popover",
                   disabled=disabled)  # fmt: skip

    def checkbox(self, content: str, checked: bool | None = False, disabled: bool | None = None, show_label: bool = True) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        return tag("ion-checkbox", self.words_of(content) if show_label else "", c="checkbox", cls="s-inline", data_box=">>> .checkbox-icon", label_placement="end", checked=bool(checked),
                   data_mixed=checked is None, indeterminate=checked is None, disabled=disabled, aria_label=None if show_label else content)  # fmt: skip

    def radio(self, content: str, chosen: bool, group: str, disabled: bool | None = None, show_label: bool = True) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        mark = tag("ion-radio", self.words_of(content) if show_label else "", c="radio", data_box=">>> .radio-icon", label_placement="end", value="here", disabled=disabled,
                   aria_label=None if show_label else content)  # fmt: skip
        return tag("ion-radio-group", mark, cls="s-inline", value="here" if chosen else None)

    def switch(self, content: str, on: bool, disabled: bool | None = None, show_label: bool = False) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        box = ">>> .toggle-icon" if self.ios else ">>> .toggle-icon, .toggle-inner"
        return tag("ion-toggle", self.words_of(content) if show_label else "", c="switch", cls="s-inline", data_box=box, label_placement="end", checked=on, disabled=disabled,
                   aria_label=None if show_label else content)  # fmt: skip

    def slider(self, name: str, share: float) -> str:
        return tag("ion-range", c="slider", cls="s-ion-range", data_box=">>> .range-bar, .range-knob", value=round(100 * share), aria_label=name)

    # ---- navigation --------------------------------------------------------------------------------------------------------------------------

    def tabs(self, names: Sequence[str], chosen: int = 0, icons: Sequence[str | None] = (), closable: bool = False) -> str:
        if closable:
            return super().tabs(names, chosen, icons, closable)
        entries = []
        for i, name in enumerate(names):
            glyph = self.glyph(icons[i], size=1.2) if i < len(icons) and icons[i] else ""
            entries.append(
                tag("ion-segment-button", glyph, tag("ion-label", escape(name)), c="tab", value=str(i), layout="icon-start" if glyph else None)
            )
        return tag("ion-segment", *entries, c="tab_bar", value=str(chosen), scrollable=len(names) > 4)

    def app_bar(self, title: str, back: bool, actions: Sequence[str], large: bool = False) -> str:
        glyph = ("chevron-left" if self.ios else "arrow-left") if back else "menu"
        first = self.icon_button(glyph, self.words.t("Back" if back else "Menu"), disabled=False)
        color = self.setting.attributes.setdefault(
            "ion_bar", None if self.ios or self.rng.random() < 0.5 else self.rng.choice(("primary", "primary", "dark", "tertiary"))
        )
        head = tag("h1", escape(title), c="heading", cls="s-ion-title")
        start, end = tag("ion-buttons", first, slot="start"), tag("ion-buttons", *actions, slot="end") if actions else ""
        if large and self.ios:
            bars = tag("ion-toolbar", start, end) + tag("ion-toolbar", tag("ion-title", head, size="large"))
        else:
            bars = tag("ion-toolbar", start, tag("ion-title", head), end, color=color)
        return tag("ion-header", bars, c="navigation_bar", role="navigation")

    def bottom_navigation(self, entries: Sequence[Entry], chosen: int) -> str:
        parts = []
        for i, entry in enumerate(entries):
            badge = tag("ion-badge", escape(entry.badge), c="badge", color="danger") if entry.badge else ""
            glyph = self.icon(entry.icon, 1.5) if entry.icon else ""
            parts.append(
                tag(
                    "ion-tab-button",
                    glyph,
                    tag("ion-label", self.words_of(entry.label)),
                    badge,
                    c="tab",
                    tab=f"t{i}",
                    data_icon=entry.icon,
                    selected=i == chosen,
                )
            )
        return tag("ion-tab-bar", *parts, c="bottom_navigation", cls="s-ion-tabs", selected_tab=f"t{chosen}")

    def breadcrumb(self, names: Sequence[str]) -> str:
        parts = [tag("ion-breadcrumb", tag("span", escape(name), c="link", role="link"), href="#") for name in names[:-1]]
        return tag("ion-breadcrumbs", *parts, tag("ion-breadcrumb", self.words_of(names[-1]), active=True), c="breadcrumb", cls="s-inline")

    def sidebar_item(self, entry: Entry, here: bool) -> str:
        glyph = span("s-ion-slotted", self.icon(entry.icon, 1.3), slot="start") if entry.icon else ""
        badge = tag("ion-badge", escape(entry.badge), c="badge", slot="end") if entry.badge else ""
        return tag("ion-item", glyph, tag("ion-label", self.words_of(entry.label)), badge, c="list_item", cls="s-ion-side" + (" s-ion-here" if here else ""), lines="none",
                   data_icon=entry.icon, aria_current="page" if here else None)  # fmt: skip

    # ---- content -----------------------------------------------------------------------------------------------------------------------------

    def list(self, *items: str, framed: bool = True) -> str:
        # Ionic writes the lines and the inset of a list into its items' classes.
        lines = self.setting.attributes.setdefault("ion_lines", self.rng.choice((None, None, "full", "none")) if not self.ios else None)
        return tag("ion-list", *items, c="list", cls="s-ion-list", inset="true" if framed and self.ios else None, lines=lines, role="list")

    def list_item(
        self,
        title: str,
        subtitle: str | None = None,
        leading: str | None = None,
        trailing: str | None = None,
        chosen: bool = False,
        meta: str | None = None,
    ) -> str:
        start = span("s-ion-slotted s-ion-start", leading, slot="start") if leading else ""
        head = tag("h2", self.words_of(title), cls="s-ion-item-title")
        label = tag("ion-label", head, tag("p", self.words_of(subtitle)) if subtitle else "")
        note = tag("ion-note", self.words_of(meta), slot="end", cls="s-ion-note") if meta else ""
        end = span("s-ion-slotted", trailing, slot="end") if trailing else ""
        return tag(
            "ion-item",
            start,
            label,
            note,
            end,
            c="list_item",
            cls="s-ion-here" if chosen else "",
            aria_selected=yes(True if chosen else None),
            role="listitem",
        )

    def card(self, *parts: str, title: str | None = None, media: str | None = None, footer: str | None = None, chosen: bool = False) -> str:
        head = (
            tag("ion-card-header", tag("ion-card-title", span("", escape(title), c="heading", role="heading", aria_level=5), cls="s-ion-card-title"))
            if title
            else ""
        )
        body = tag("ion-card-content", div("s-col s-g2", *parts), cls="" if title else "s-ion-alone") if parts else ""
        foot = div("s-ion-card-foot", footer) if footer else ""
        return tag("ion-card", media or "", head, body, foot, c="card", cls="s-ion-card" + (" s-card-chosen" if chosen else ""), role="group")

    def badge(self, content: str, tone: Tone = "primary") -> str:
        return tag("ion-badge", escape(content), c="badge", color=_COLORS.get(tone, "primary"))

    def chip(self, content: str, chosen: bool = False, removable: bool = False, icon: str | None = None) -> str:
        inner = (
            (self.glyph(icon, cls="s-ion-chip-icon") if icon else "")
            + tag("ion-label", escape(content))
            + (self.glyph("close", cls="s-ion-chip-icon") if removable else "")
        )
        outline = self.setting.attributes.setdefault("ion_chip", self.rng.random() < 0.5)
        return tag(
            "ion-chip",
            inner,
            c="chip",
            cls="s-ion-chip",
            color="primary" if chosen else None,
            outline=outline and not chosen,
            role="button",
            aria_pressed=yes(chosen),
        )

    def progress(self, share: float, name: str = "") -> str:
        return tag(
            "ion-progress-bar", c="progress", value=f"{share:.3f}", role="progressbar", aria_valuenow=round(100 * share), aria_label=name or None
        )

    def spinner(self, size: float = 2.0) -> str:
        name = "lines" if self.ios else "crescent"
        return tag(
            "ion-spinner",
            c="progress",
            name=name,
            role="progressbar",
            aria_label=self.words.t("Loading"),
            style=f"width:{size:g}em;height:{size:g}em",
        )

    def skeleton(self, lines: int = 3) -> str:
        return div("s-col s-g2", *(tag("ion-skeleton-text", style=f"width:{self.rng.randrange(35, 100)}%") for _ in range(lines)))

    # ---- above the page ----------------------------------------------------------------------------------------------------------------------

    def dialog(self, title: str, *parts: str, actions: Sequence[str], closable: bool = True) -> str:
        # An alert has no close button; it is answered.
        head = div("s-alert-title", self.heading(title, 4))
        body = div("s-alert-message s-col s-g3", *parts)
        foot = div(
            "s-alert-buttons",
            *(
                action.replace('fill="outline"', 'fill="clear"').replace('fill="solid"', 'fill="clear"').replace(' color="light"', "")
                for action in actions
            ),
        )
        return div(
            "s-backdrop s-center-all", div("s-ion-alert", head, body, foot, c="dialog", role="alertdialog", aria_modal="true", aria_label=title)
        )

    def floating_button(self, icon: str, content: str | None = None) -> str:
        made = tag(
            "ion-fab-button", self.glyph(icon, size=1.5), c="icon_button", data_icon=icon, aria_label=content or self.words.t(icons.label(icon))
        )
        return div("s-over s-fab-place", made)

    def phone_status_bar(self, time: str, battery: int) -> str:
        color = self.setting.attributes.setdefault(
            "ion_bar", None if self.ios or self.rng.random() < 0.5 else self.rng.choice(("primary", "primary", "dark", "tertiary"))
        )
        made = super().phone_status_bar(time, battery)
        return made.replace('class="s-phone_status_bar', f'class="s-phone_status_bar ion-color-{color} s-ion-colored', 1) if color else made


class IonicIosUi(IonicUi):
    mode = "ios"


_VARIABLES = """
:root,.s-dark{--ion-font-family:var(--screen-font);--s-primary:var(--ion-color-primary,#0054e9);--s-on-primary:var(--ion-color-primary-contrast,#fff);--s-surface:var(--ion-background-color,#fff);
  --s-text:var(--ion-text-color,#000);--s-raised:var(--ion-item-background,var(--ion-background-color,#fff));--s-border:color-mix(in srgb,var(--ion-background-color,#fff) 82%,var(--ion-text-color,#000));
  --s-tint:color-mix(in srgb,var(--ion-background-color,#fff) 93%,var(--ion-text-color,#000));--s-muted:var(--ion-color-medium,#636469);--s-success:var(--ion-color-success,#2dd55b);--s-warning:var(--ion-color-warning,#ffc409);
  --s-danger:var(--ion-color-danger,#c5000f);--s-info:var(--ion-color-tertiary,#6030ff)}
html:not(.s-dark){--s-success:#1a7f37;--s-warning:#996a00}
body{position:static!important;overflow:visible!important;background:var(--ion-background-color,#fff);color:var(--ion-text-color,#000);height:auto;max-height:none;font-size:1rem}
ion-button{margin:0;flex:none}
ion-button.s-wide{width:100%}
.s-ion-icon-button{--padding-start:.45em;--padding-end:.45em;min-width:2.4em}
.s-ion-slotted{display:inline-flex;align-items:center}
.s-ion-slotted[slot=start]:is(ion-button>*){margin-inline-end:.45em}
.s-ion-busy{width:1.2em;height:1.2em;margin-inline-end:.5em}
.s-ion-lead{margin-inline-end:.5em;color:var(--s-muted)}
ion-input,ion-textarea,ion-select{min-height:2.9em!important;width:100%}
ion-textarea{--padding-top:.6em}
ion-radio-group{display:inline-block}
.s-ion-search{padding:0!important;min-height:0}
.s-ion-range{--height:2em;padding-inline:1em;min-width:6em;width:100%}
ion-segment-button{min-height:2.2em}
ion-segment{flex:none}
.s-ion-title{font:inherit!important;display:inline;letter-spacing:inherit;font-weight:inherit!important;font-size:inherit!important;margin:0!important}
ion-header{flex:none;display:block;box-shadow:none;order:0}
.s-ion-tabs{flex:none;position:sticky;bottom:0;z-index:5;min-height:3.4em}
ion-tab-bar ion-label{font-size:.7rem;margin-top:.2em}
ion-tab-button ion-badge{position:absolute;top:.25em;inset-inline-start:calc(50% + .4em);font-size:.7em}
.s-ion-list{width:100%;margin:0!important}
.s-ion-list .s-ion-item-title{font-size:1em!important;font-weight:inherit;margin:0 0 .15em!important}
.s-ion-start{margin-inline-end:.9em!important}
.s-ion-note{align-self:flex-start;padding-top:.9em;font-size:.85em}
.s-ion-here{--background:color-mix(in srgb,var(--s-primary) 12%,var(--s-raised));}
.s-ion-side{--border-radius:.5em;--min-height:2.7em;width:100%}
.s-ion-card{margin:0!important;width:auto;display:block;font-size:.95em}
.s-ion-card-title{font-size:1.2em!important}
.s-ion-card-foot{padding:.3em .6em .6em}
.s-ion-alone{padding-top:1em!important}
.s-ion-chip{margin:0!important;flex:none}
.s-ion-chip-icon{margin-inline-end:.4em}ion-label+.s-ion-chip-icon{margin-inline:.4em 0}
ion-progress-bar{width:100%;flex:1 1 auto}
.s-video-controls ion-button{--color:#fff}
.s-ion-colored{background:var(--ion-color-base);color:var(--ion-color-contrast)}
.s-alert-buttons>*{flex:1 1 auto}
"""

_IOS = """
:root,.s-dark{--s-radius:10px;--s-primary:var(--ion-color-primary,#0054e9)}
html:not(.s-dark){--ion-background-color:#fff;--s-raised:#fff}
.s-page{background:var(--s-ground,var(--s-surface))}
html:not(.s-dark) .s-page{--s-ground:#f2f2f7}
ion-input.s-ion-field,ion-textarea.s-ion-field,ion-select.s-ion-field{--background:var(--s-field);--border-radius:10px;--padding-start:12px;--padding-end:12px;--highlight-height:0px;
  background:var(--s-field);border-radius:10px}
html{--s-field:#e9e9ee}html.s-dark{--s-field:#2c2c2e}
.s-content-fill .s-ion-list{background:transparent}
ion-select.s-ion-field::part(container){padding-inline:12px}
.s-ion-wrong{outline:1px solid var(--s-danger);outline-offset:-1px}
ion-radio::part(container){width:22px;height:22px;border:1.5px solid var(--s-muted);border-radius:50%}
ion-radio.radio-checked::part(container){background:var(--s-primary);border-color:transparent}
ion-radio::part(mark){display:none}
ion-radio.radio-checked::part(mark){display:block;border-color:#fff;width:6px;height:11px;inset-inline-start:auto;position:static;margin:2px auto;border-width:0 2px 2px 0;transform:rotate(45deg)}
.s-phone_status_bar{font-weight:600;padding:.55em 1.7em;min-height:2.6em;background:var(--ion-toolbar-background,var(--ion-background-color,#f7f7f7))}
html:not(.s-dark) :is(ion-toolbar,ion-tab-bar){--background:#f9f9f9}html:not(.s-dark) .s-phone_status_bar{background:#f9f9f9}
.s-ion-alert{width:290px;max-height:90vh;overflow:hidden;border-radius:14px;background:var(--s-float);color:var(--s-text);display:flex;flex-direction:column}
html{--s-float:#f9f9f9}html.s-dark{--s-float:#252525}
.s-alert-title{padding:18px 16px 4px;text-align:center;font-size:1.05rem}.s-alert-message{padding:2px 16px 18px;font-size:.85rem;text-align:center}
.s-alert-message .s-field,.s-alert-message ion-checkbox,.s-alert-message ion-radio-group{text-align:start}
.s-alert-buttons{display:flex;border-top:.55px solid rgb(128 128 128/.4)}.s-alert-buttons ion-button{--border-radius:0;height:44px;margin:0}
.s-alert-buttons ion-button+ion-button{border-inline-start:.55px solid rgb(128 128 128/.4)}.s-alert-buttons ion-button:last-child{font-weight:600}
.s-toast{border-radius:14px;background:var(--s-float);color:var(--s-text);box-shadow:0 4px 16px rgb(0 0 0/.2);border:.55px solid rgb(128 128 128/.3)}
.s-menu{border-radius:12px;padding:0;min-width:15em;background:var(--s-float);border:0;overflow:hidden}
.s-menu-item{flex-direction:row-reverse;padding:.65em 1em;border-radius:0}.s-menu-item+.s-menu-item{border-top:.55px solid rgb(128 128 128/.3)}
.s-menu-divider{border-top:7px solid rgb(128 128 128/.15);margin:0}
.s-sheet{background:var(--s-float)}
.s-list_box,.s-calendar,.s-tree{border:0;background:var(--s-raised);border-radius:10px}
.s-alert{border:0}
"""

_MD = """
:root,.s-dark{--s-radius:4px}
.s-ion-alert{width:min(90vw,340px);max-height:90vh;overflow:hidden;border-radius:4px;background:var(--s-float);color:var(--s-text);box-shadow:0 11px 15px -7px rgb(0 0 0/.2),0 24px 38px 3px rgb(0 0 0/.14)}
html{--s-float:#fff}html.s-dark{--s-float:#2b2b2b}
.s-alert-title{padding:20px 23px 12px}.s-alert-title .s-heading-4{font-size:1.25rem;font-weight:500}.s-alert-message{padding:4px 24px 16px;color:var(--s-muted)}
.s-alert-message>*{color:var(--s-text)}
.s-alert-buttons{display:flex;justify-content:flex-end;padding:8px;gap:6px}.s-alert-buttons>*{flex:none}
.s-toast{border-radius:4px;background:#333;color:#fff}html.s-dark .s-toast{background:#e8e8e8;color:#222}
.s-phone_status_bar{font-weight:500;font-size:.78em}
.s-menu{border-radius:4px;padding:.5em 0;border:0;background:var(--s-float)}.s-menu-item{padding:.7em 1em;border-radius:0}
.s-ion-wrong{--border-color:var(--s-danger)}
html:not(.s-dark) ion-toggle{--handle-background:#ececec}
.s-sheet{background:var(--s-float)}
"""

# Stencil marks each component once it was drawn; a frame later its children have settled.
_READY = """
  const waiting = [...body.querySelectorAll("*")].filter(element => element.componentOnReady);
  await Promise.all(waiting.map(element => element.componentOnReady()));
  await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
"""


def _kit(mode: str, ui: type[IonicUi], looks: str) -> Kit:
    css = "@ionic/core/css/ionic.bundle.css"
    palettes = "@ionic/core/css/palettes"
    themes = {
        "light": Theme(css=(css,), classes=mode, attributes={"mode": mode}),
        "dark": Theme(css=(css, f"{palettes}/dark.class.css"), dark=True, classes=f"{mode} ion-palette-dark", attributes={"mode": mode}),
        "high_contrast": Theme(
            css=(css, f"{palettes}/high-contrast.class.css"), classes=f"{mode} ion-palette-high-contrast", attributes={"mode": mode}
        ),
    }
    config = f"window.Ionic={{config:{{mode:'{mode}',animated:false,rippleEffect:false,hardwareBackButton:false,statusTap:false}}}};"
    return Kit(
        name=f"ionic-{mode}", platform="mobile", package="@ionic/core", ui=ui, themes=themes, scripts=("@ionic/core/dist/ionic/ionic.esm.js",), setup=config, ready=_READY,
        variables=_VARIABLES + looks,
    )  # fmt: skip


KITS = (_kit("ios", IonicIosUi, _IOS), _kit("md", IonicUi, _MD))
