"""Framework7's style sheet in its two looks: iOS and Material Design.

Its script makes the palettes of an accent colour (Material's tones are computed) and is used for nothing else: the rest of it moves things.
"""

from collections.abc import Sequence
from html import escape
from typing import ClassVar

from datagen.content import icons
from datagen.kits import Kit, Theme
from datagen.pages.html import HtmlUi, div, span, tag, yes
from datagen.pages.ui import Entry, Tone

_COLORS = {
    "success": "color-green",
    "warning": "color-orange",
    "danger": "color-red",
    "info": "color-teal",
    "primary": "color-primary",
    "neutral": "color-gray",
}


class Framework7Ui(HtmlUi):
    ios: ClassVar[bool] = False
    classes: ClassVar[dict[str, str]] = {
        "button": "button s-f7-button", "button.default": "button-tonal", "button.primary": "button-fill", "button.danger": "button-fill color-red", "button.text": "",
        "button.small": "button-small", "button.large": "button-large", "pressed": "button-active", "icon_button": "button s-f7-icon", "icon_button.plain": "",
        "icon_button.default": "button-outline", "icon_button.primary": "button-fill", "list": "list s-f7-list", "list.framed": "list-strong list-dividers inset", "list.plain": "list-dividers",
        "progress": "s-progress", "badge": "badge", "badge.success": "color-green", "badge.warning": "color-orange", "badge.danger": "color-red", "badge.info": "color-teal",
        "badge.primary": "", "badge.neutral": "color-gray", "menu": "s-menu s-f7-menu", "toast": "s-toast s-f7-toast", "toast.danger": "",
    }  # fmt: skip

    def k(self, *parts: str) -> str:
        if parts == ("button", "button.default"):
            look = self.setting.attributes.setdefault("f7_default", self.rng.choice(("button-tonal", "button-outline")))
            return f"{self.classes['button']} {look}"
        if parts[0] == "button" and self.setting.attributes.setdefault("f7_round", self.rng.random() < 0.4):
            return super().k(*parts) + " button-round"
        return super().k(*parts)

    # The real input lies, unseen, over the painted mark and answers for it.

    def painted(self, c: str, part: str, mark: str, attributes: dict[str, object], content: str, show_label: bool, disabled: bool) -> str:
        element, cls = mark.split(".")
        inner = tag("input", aria_label=content, disabled=disabled, **attributes) + tag(element, cls=cls)
        control = span(f"{part} {'disabled' if disabled else ''}", inner, c=c, data_box="" if c == "switch" else f".{cls}")
        return tag("label", control, self.words_of(content), cls="s-check") if show_label else control

    def checkbox(self, content: str, checked: bool | None = False, disabled: bool | None = None, show_label: bool = True) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        state: dict[str, object] = {"type": "checkbox", "checked": bool(checked), "data-mixed": checked is None}
        return self.painted("checkbox", "checkbox", "i.icon-checkbox", state, content, show_label, disabled)

    def radio(self, content: str, chosen: bool, group: str, disabled: bool | None = None, show_label: bool = True) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        return self.painted("radio", "radio", "i.icon-radio", {"type": "radio", "name": group, "checked": chosen}, content, show_label, disabled)

    def switch(self, content: str, on: bool, disabled: bool | None = None, show_label: bool = False) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        state: dict[str, object] = {"type": "checkbox", "role": "switch", "checked": on}
        return self.painted("switch", "toggle", "span.toggle-icon", state, content, show_label, disabled)

    def slider(self, name: str, share: float) -> str:
        bar = div("range-bar", div("range-bar-active", style=f"width:{share:.1%}"))
        knob = div("range-knob-wrap", div("range-knob"), style=f"inset-inline-start:{share:.1%}")
        return div("range-slider range-slider-horizontal s-f7-range", bar, knob, c="slider", data_box=".range-bar, .range-knob", role="slider", aria_label=name,
                   aria_valuenow=round(100 * share), tabindex="0")  # fmt: skip

    def stepper(self, name: str, value: int) -> str:
        look = self.rng.choice(("", "stepper-fill", "stepper-raised", "stepper-small"))
        field = div("stepper-input-wrap", tag("input", type="text", value=value, aria_label=name, readonly=True))
        return div(
            f"stepper {look}",
            div("stepper-button-minus"),
            field,
            div("stepper-button-plus"),
            c="stepper",
            role="spinbutton",
            aria_label=name,
            aria_valuenow=value,
        )

    def search_field(self, placeholder: str, value: str = "") -> str:
        field = tag("input", type="search", placeholder=placeholder, value=value or None, aria_label=placeholder)
        return div(
            "searchbar s-f7-search",
            div("searchbar-inner", div("searchbar-input-wrap", field, tag("i", cls="searchbar-icon"), c="search_field", data_box="input")),
        )

    # ---- navigation --------------------------------------------------------------------------------------------------------------------------

    def tabs(self, names: Sequence[str], chosen: int = 0, icons: Sequence[str | None] = (), closable: bool = False) -> str:
        if closable:
            return super().tabs(names, chosen, icons, closable)
        entries = []
        for i, name in enumerate(names):
            glyph = self.glyph(icons[i]) if i < len(icons) and icons[i] else ""
            entries.append(
                tag(
                    "button",
                    glyph,
                    span("", escape(name)),
                    c="tab",
                    cls="button" + (" button-active" if i == chosen else ""),
                    type="button",
                    role="tab",
                    aria_selected=yes(i == chosen),
                )
            )
        mark = span(
            "segmented-highlight",
            style=f"width:calc((100% - 2px*{len(names) + 1})/{len(names)});transform:translateX({chosen * (-100 if self.rtl else 100)}%)",
        )
        return div("segmented segmented-strong s-f7-segments", *entries, mark, c="tab_bar", role="tablist")

    @property
    def rtl(self) -> bool:
        from datagen.content.locales import LOCALES

        return LOCALES[self.setting.locale].direction == "rtl"

    def app_bar(self, title: str, back: bool, actions: Sequence[str], large: bool = False) -> str:
        glyph = ("chevron-left" if self.ios else "arrow-left") if back else "menu"
        first = self.icon_button(glyph, self.words.t("Back" if back else "Menu"), disabled=False)
        head = tag("h1", escape(title), c="heading", cls="title s-f7-title")
        inner = div("navbar-inner", div("left", first), head, div("right" if actions else "s-f7-end", *actions))
        return div("navbar s-f7-navbar" + (" s-f7-tall" if large else ""), div("navbar-bg"), inner, c="navigation_bar", role="navigation")

    def bottom_navigation(self, entries: Sequence[Entry], chosen: int) -> str:
        parts = []
        for i, entry in enumerate(entries):
            badge = span("s-corner", self.badge(entry.badge, "danger")) if entry.badge else ""
            glyph = tag("i", self.icon(entry.icon, 1.5) if entry.icon else "", badge, cls="icon s-f7-tab-icon")
            parts.append(tag("a", glyph, span("tabbar-label", escape(entry.label), c="text"), c="tab", cls="link tab-link" + (" tab-link-active" if i == chosen else ""), href="#", role="tab",
                             aria_selected=yes(i == chosen), data_icon=entry.icon))  # fmt: skip
        bar, mark = "toolbar toolbar-bottom tabbar tabbar-icons s-f7-tabbar", {"c": "bottom_navigation", "role": "navigation"}
        if not self.ios:
            return div(bar, div("toolbar-inner", *parts), **mark)
        # A pane of glass that floats above the page's end.
        shift = chosen * (-100 if self.rtl else 100)
        highlight = span("tab-link-highlight", style=f"width:{100 / len(entries):.3f}%;transform:translateX({shift}%)")
        return div(bar, div("toolbar-inner", div("toolbar-pane", *parts, highlight, **mark)))

    # ---- content -----------------------------------------------------------------------------------------------------------------------------

    def list(self, *items: str, framed: bool = True) -> str:
        return div(self.k("list", "list.framed" if framed else "list.plain"), tag("ul", *items), c="list", role="list")

    def list_item(
        self,
        title: str,
        subtitle: str | None = None,
        leading: str | None = None,
        trailing: str | None = None,
        chosen: bool = False,
        meta: str | None = None,
    ) -> str:
        after = (self.words_of(meta) if meta else "") + (trailing or "")
        head = div("item-title", div("", self.words_of(title)), div("item-footer", self.words_of(subtitle)) if subtitle else "")
        inner = div("item-inner", head, div("item-after s-f7-after", after) if after else "")
        return tag(
            "li",
            div("item-content", div("item-media", leading) if leading else "", inner),
            c="list_item",
            cls="s-list-chosen" if chosen else "",
            aria_selected=yes(True if chosen else None),
        )

    def card(self, *parts: str, title: str | None = None, media: str | None = None, footer: str | None = None, chosen: bool = False) -> str:
        look = self.setting.attributes.setdefault("f7_card", self.rng.choice(("", "card-outline", "card-raised")))
        head = div("card-header", self.heading(title, 5)) if title else ""
        body = div("card-content card-content-padding s-col s-g2", *parts) if parts else ""
        return div(
            f"card s-f7-card {look}" + (" s-card-chosen" if chosen else ""),
            media or "",
            head,
            body,
            div("card-footer", footer) if footer else "",
            c="card",
            role="group",
        )

    def chip(self, content: str, chosen: bool = False, removable: bool = False, icon: str | None = None) -> str:
        media = div("chip-media", self.glyph(icon)) if icon else ""
        close = tag("a", cls="chip-delete") if removable else ""
        look = self.setting.attributes.setdefault("f7_chip", self.rng.choice(("", "chip-outline")))
        return div(
            f"chip {look} {'color-primary s-f7-chosen' if chosen else ''}",
            media,
            div("chip-label", escape(content)),
            close,
            c="chip",
            role="button",
            aria_pressed=yes(chosen),
            tabindex="0",
        )

    def badge(self, content: str, tone: Tone = "primary") -> str:
        return span(f"badge s-f7-badge {_COLORS.get(tone, '')}", escape(content), c="badge")

    def progress(self, share: float, name: str = "") -> str:
        bar = span("", style=f"transform:translate3d({(1 - share) * (100 if self.rtl else -100):.1f}%,0,0)")
        return span("progressbar s-f7-progress", bar, c="progress", role="progressbar", aria_valuenow=round(100 * share), aria_label=name or None)

    # ---- above the page ----------------------------------------------------------------------------------------------------------------------

    def dialog(self, title: str, *parts: str, actions: Sequence[str], closable: bool = True) -> str:
        inner = div("dialog-inner", div("dialog-title", self.heading(title, 4)), div("dialog-text s-col s-g3", *parts))
        # In an alert all actions are words without a ground; Framework7 calls them dialog buttons.
        answers = "".join(
            action.replace("button s-f7-button", "s-f7-answer").replace("button-fill", "").replace("button-tonal", "").replace("button-outline", "")
            for action in actions
        )
        made = div(
            "dialog modal-in s-f7-dialog",
            inner,
            div("dialog-buttons s-f7-answers", answers),
            c="dialog",
            role="alertdialog",
            aria_modal="true",
            aria_label=title,
        )
        return div("s-backdrop s-center-all", made)

    def floating_button(self, icon: str, content: str | None = None) -> str:
        made = tag(
            "a",
            self.glyph(icon, size=1.5),
            c="icon_button",
            href="#",
            role="button",
            data_icon=icon,
            aria_label=content or self.words.t(icons.label(icon)),
        )
        return div("s-over s-fab-place fab s-f7-fab", made)


class Framework7IosUi(Framework7Ui):
    ios = True


_VARIABLES = """
:root,.s-dark{--f7-font-family:var(--screen-font);--s-primary:var(--f7-theme-color);--s-on-primary:var(--f7-button-fill-text-color,#fff);--s-surface:var(--f7-page-bg-color);
  --s-text:var(--f7-text-color);--s-raised:var(--f7-list-strong-bg-color,var(--f7-page-bg-color));--s-border:var(--f7-list-item-border-color,#8885);--s-muted:var(--f7-list-item-footer-text-color,#8e8e93);
  --s-tint:color-mix(in srgb,var(--f7-text-color) 8%,var(--f7-page-bg-color))}
html,body{height:auto;width:auto;overflow:visible!important;position:static!important;font-size:inherit}
html{overflow:hidden!important}
body{background:var(--f7-page-bg-color);color:var(--f7-text-color);font-size:1rem;line-height:1.4}
.s-f7-button{width:auto;flex:none;gap:.4em;--f7-button-height:2.2em;--f7-button-large-height:3em;--f7-button-small-height:1.8em;font-family:inherit}
.s-f7-button.s-wide{width:100%}
.s-f7-icon{width:2.2em;min-width:0;padding:0;flex:none;font-size:1.15em;--f7-button-height:2em}
.s-f7-button:disabled,.s-f7-icon:disabled{opacity:.45}
.s-button_group>*{margin:0}
span:is(.checkbox,.radio,.toggle){position:relative;display:inline-flex;flex:none}
span:is(.checkbox,.radio,.toggle)>input{display:block!important;position:absolute;inset:0;width:100%;height:100%;margin:0;opacity:0}
.disabled{opacity:.45!important}
.s-f7-range.range-slider{min-width:6em;flex:1 1 auto;width:auto;margin-inline:calc(var(--f7-range-knob-width)/2 + 2px)}
.ios .range-knob{box-shadow:var(--f7-range-knob-box-shadow),inset 0 0 0 1px rgb(0 0 0/.12)}
.stepper{flex:none;width:auto}.stepper input{width:3em;min-width:0}
.s-f7-search{border-radius:8px;--f7-searchbar-bg-color:transparent;min-width:8em;flex:1 1 auto}
.s-f7-search .searchbar-inner{padding:0}.s-f7-search::after{display:none}
.s-f7-search .navbar-bg,.s-f7-search .searchbar-bg{display:none}
.s-f7-segments{width:100%;flex:none}
.s-f7-segments .button{gap:.35em;height:2.1em}
.s-f7-navbar{flex:none;z-index:3}.s-f7-navbar .s-f7-icon{--f7-button-height:2.2em}
.s-f7-title{margin:0!important;min-width:0}.ios .s-f7-end{min-width:44px}
.s-f7-tabbar{flex:none;position:sticky!important;bottom:0;inset-inline:0;z-index:5;width:100%}
.s-f7-tab-icon{display:flex!important;position:relative;height:auto!important;line-height:1!important;font-size:1rem!important;font-style:normal}
.s-f7-tab-icon .s-corner{top:-.7em;inset-inline-end:-1em;font-size:.62em}
.s-f7-tabbar .tabbar-label{max-width:100%;overflow:hidden;line-height:1.35}.s-f7-tabbar .tab-link{flex:1 1 0;min-width:0!important;padding-inline:4px!important}
.s-f7-list{margin:0!important;width:100%;min-width:0}
.s-f7-list ul{margin:0}.s-f7-list.list-dividers li .item-inner::after{display:none!important}
.s-f7-list.list-dividers li+li .item-inner{border-top:1px solid var(--f7-list-item-border-color,var(--s-border))}
.s-f7-after{align-items:center;gap:.5em;padding-inline-start:.7em}
.s-f7-list .item-title{white-space:normal;min-width:0}
.s-f7-card{margin:0;min-width:0}
.s-f7-chosen{background:var(--f7-theme-color);color:#fff}
.s-f7-badge{line-height:1;min-height:1.6em;height:auto;padding:.15em .55em;display:inline-flex;align-items:center}
.s-f7-progress{width:100%;flex:1 1 auto;display:block;min-height:4px}
.s-f7-dialog{position:relative;inset:auto;margin:0!important;transform:none!important;display:block;max-height:90vh;left:auto;top:auto}
.s-f7-dialog .dialog-text :is(.s-field,.s-check){text-align:start}
.s-f7-answers{height:auto;flex-wrap:wrap}
.s-f7-fab{margin:0;display:block;width:auto;height:auto}.s-with-bottom~.s-f7-fab{bottom:calc(80px + .8em)}.s-f7-fab>a{position:relative;color:#fff}
.s-f7-toast{background:#2c2c2e;color:#fff}.s-f7-toast button{color:#8ab8ff}
.s-video-controls .button{--f7-theme-color:#fff}.s-video-controls .range-bar{background:rgb(255 255 255/.35)}
.s-navigation_bar{padding:0}
.chip .s-icon{color:#fff}
.chip-media{background:var(--f7-theme-color)}
.s-link{color:var(--f7-theme-color);text-decoration:none}
select.s-combo_box{height:auto;width:100%;min-height:2.3em;text-overflow:ellipsis;background-image:linear-gradient(45deg,transparent 50%,currentColor 50%),linear-gradient(135deg,currentColor 50%,transparent 50%)!important;
  background-size:.35em .35em!important;background-repeat:no-repeat!important;background-position:right 1.1em center,right .75em center!important;padding-inline-end:2em!important}
[dir=rtl] select.s-combo_box{background-position:left .75em center,left 1.1em center!important}
.s-list-item select.s-combo_box,.item-inner select.s-combo_box{padding-block:.3em!important}
.md .s-f7-range.range-slider{height:var(--f7-range-knob-height)}
"""

# Its glass is milky enough to hide what lies below, instead of blurring it: text must be read or not be there.
_IOS = """
:root,.s-dark{--s-radius:10px}
html:not(.dark){--f7-glass-bg-color:rgb(255 255 255/.9)}html.dark{--f7-glass-bg-color:rgb(40 40 43/.9)}
.s-bars .s-f7-navbar :is(.left,.right){background:color-mix(in srgb,var(--s-on-bar) 12%,transparent);box-shadow:none}
html [class],.navbar .navbar-bg::before,.toolbar.toolbar::before{backdrop-filter:none!important}
.s-f7-tabbar .tab-link-highlight{inset-inline-start:0}
html:not(.dark){--s-success:#1c8c3a;--s-warning:#a05a00;--s-danger:#d70015}html.dark,.s-dark{--s-success:#32d74b;--s-warning:#ffb340;--s-danger:#ff453a}
.s-page .s-text_field,.s-page .s-text_area,.s-page .s-combo_box,.s-backdrop .s-text_field{background:var(--s-raised);border:1px solid var(--s-border);border-radius:12px;padding:.6em .8em}
.s-phone_status_bar{font-weight:600;padding:.55em 1.7em;min-height:2.6em;background:transparent}
.s-f7-menu{border-radius:20px;border:0;padding:.5em}
.s-f7-menu .s-menu-item{flex-direction:row-reverse;padding:.6em .9em}
.s-f7-answers{display:flex;gap:8px;padding:12px}
.s-f7-answer{font:inherit;flex:1 1 0;border:0;border-radius:100px;min-height:2.7em;padding:0 .8em;background:color-mix(in srgb,var(--s-text) 10%,transparent);color:var(--f7-theme-color);font-weight:500}
.s-f7-toast{border-radius:16px}
"""

_MD = """
:root,.s-dark{--s-radius:8px}
html:not(.dark){--s-success:#146c2e;--s-warning:#8f4e00;--s-danger:#b3261e}html.dark,.s-dark{--s-success:#7fdb97;--s-warning:#ffb77c;--s-danger:#f2b8b5}
.s-page .s-text_field,.s-page .s-text_area,.s-page .s-combo_box,.s-backdrop .s-text_field{background:transparent;border:1px solid var(--s-muted);border-radius:4px;padding:.7em .9em}
.s-phone_status_bar{font-weight:500;font-size:.8em;background:transparent}
.s-f7-menu{border-radius:4px;padding:.5em 0;border:0}.s-f7-menu .s-menu-item{padding:.7em 1em}
.s-f7-answers{display:flex;justify-content:flex-end;gap:8px;padding:16px 24px 24px}
.s-f7-answer{font:inherit;border:0;background:none;min-height:2.5em;padding:0 .8em;color:var(--f7-theme-color);font-weight:500}
"""


# The palettes of the accent that the theme names, as Framework7 computes them; kept from page to page.
_READY = """
  const root = document.documentElement;
  if (window.f7Accent !== root.dataset.accent) {
    window.f7App ??= new Framework7({init: false, initOnDeviceReady: false});
    const colors = {primary: root.dataset.accent, red: "#e0352b", green: "#2b8a3e", orange: "#c25e00", teal: "#00796b", gray: "#6e6e73"};
    const style = document.getElementById("f7-colors") ?? document.createElement("style");
    style.id = "f7-colors";
    style.textContent = f7App.utils.colorThemeCSSStyles(colors, "default");
    document.head.prepend(style);
    window.f7Accent = root.dataset.accent;
  }
"""


def _kit(name: str, ui: type[Framework7Ui], looks: str) -> Kit:
    themes = {}
    for accent, colour in {"": "#007aff", "red": "#d70015", "green": "#0a8f3c", "purple": "#6f42c1", "orange": "#c25e00"}.items():
        for mode in ("light", "dark"):
            key = f"{mode}_{accent}" if accent else mode
            classes = f"{name} device-pixel-ratio-2" + (" dark" if mode == "dark" else "")
            themes[key] = Theme(
                css=("framework7/framework7-bundle.min.css",), dark=mode == "dark", classes=classes, attributes={"data-accent": colour}
            )
    return Kit(
        name=f"f7-{name}", platform="mobile", package="framework7", ui=ui, themes=themes, scripts=("framework7/framework7-bundle.min.js",), ready=_READY,
        variables=_VARIABLES + looks,
    )  # fmt: skip


KITS = (_kit("ios", Framework7IosUi, _IOS), _kit("md", Framework7Ui, _MD))
