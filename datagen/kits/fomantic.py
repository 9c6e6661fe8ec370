"""Fomantic UI (the living branch of Semantic UI). Every part is `ui <words> <noun>`; the dark look says `inverted` among the words."""

from collections.abc import Sequence
from html import escape
from typing import Any, ClassVar

from datagen.content.locales import LEFT_TO_RIGHT
from datagen.kits import Kit, Theme
from datagen.kits.wrap import disabled as is_disabled
from datagen.kits.wrap import wrap
from datagen.pages.html import HtmlUi, div, span, tag, yes
from datagen.pages.ui import Tone

_COLOUR = {"primary": "blue", "success": "green", "warning": "yellow", "danger": "red", "info": "teal", "neutral": "grey"}
_MESSAGE = {"success": "positive", "warning": "warning", "danger": "negative", "info": "info"}


class FomanticUi(HtmlUi):
    classes: ClassVar[dict[str, str]] = {
        "heading.1": "ui huge header", "heading.2": "ui large header", "heading.3": "ui medium header", "heading.4": "ui medium header", "heading.5": "ui small header",
        "heading.6": "ui tiny header", "divider": "ui divider s-full", "label": "s-fomantic-label", "button": "ui button", "button.default": "", "button.primary": "primary",
        "button.danger": "negative", "button.text": "basic", "button.small": "small", "button.large": "large", "pressed": "active", "icon_button": "ui icon button",
        "icon_button.plain": "basic s-fomantic-plain", "icon_button.default": "", "icon_button.primary": "primary", "button_group": "ui buttons", "text_field": "", "search_field": "",
        "text_area": "", "combo_box": "ui dropdown selection s-full", "invalid": "s-fomantic-error", "breadcrumb": "ui breadcrumb", "breadcrumb.item": "section",
        "navigation_bar": "ui menu", "navigation_bar.inner": "s-navigation_bar-inner s-fomantic-bar", "navigation_bar.brand": "header item",
        "navigation_bar.links": "s-navigation_bar-links s-fomantic-links", "navigation_bar.item": "", "navigation_bar.link": "item", "navigation_bar.chosen": "active",
        "sidebar.list": "ui fluid secondary vertical menu", "sidebar.item": "item", "sidebar.chosen": "active", "menu": "ui vertical menu s-fomantic-menu", "menu.item": "item",
        "menu.chosen": "active", "menu.divider": "s-menu-divider", "table": "ui table", "table.header": "", "table.cell": "", "table.row": "", "table.head_row": "", "table.dense": "compact",
        "table.grid": "celled", "table.chosen": "active", "list": "ui divided list", "list.framed": "s-list-framed s-fomantic-list", "list.plain": "s-fomantic-list", "list.item": "item s-list-item",
        "list.chosen": "s-list-chosen", "card": "ui card s-fomantic-card", "card.head": "content", "card.body": "content", "card.foot": "extra content", "card.chosen": "s-card-chosen",
        "toast": "ui message s-fomantic-toast", "toast.neutral": "black", "toast.info": "info", "toast.success": "positive", "toast.warning": "warning", "toast.danger": "negative",
        "dialog": "ui modal s-fomantic-modal", "dialog.head": "header", "dialog.body": "content", "dialog.foot": "actions", "tooltip": "ui popup visible s-fomantic-popup",
    }  # fmt: skip

    def k(self, *parts: str) -> str:
        if parts == ("table",):
            return self.ui("ui table " + self.rng.choice(("", "celled", "striped", "very basic", "selectable")))
        if parts == ("navigation_bar",):
            look = self.rng.choice(("", "", "inverted", "blue inverted", "teal inverted", "violet inverted"))
            return f"ui {look} menu" if look else self.ui("ui menu")
        if parts == ("button", "button.primary"):
            look = self.setting.attributes.setdefault(
                "primary", self.rng.choice(("primary", "primary", "secondary", "teal", "green", "orange", "violet"))
            )
            return f"ui {look} button" if look != "secondary" or not self.setting.dark else "ui primary button"
        return self.ui(super().k(*parts))

    def ui(self, cls: str) -> str:
        """The words of a part, in the page's light."""
        return cls.replace("ui ", "ui inverted ", 1) if self.setting.dark and cls.startswith("ui ") and " inverted" not in cls else cls

    def text_field(self, *arguments: Any, icon: str | None = None, **named: Any) -> str:
        return self._framed(super().text_field(*arguments, **named), icon)

    def password_field(self, *arguments: Any, **named: Any) -> str:
        return self._framed(super().password_field(*arguments, **named))

    def search_field(self, placeholder: str, value: str = "") -> str:
        inner = tag("input", c="search_field", type="search", value=value or None, placeholder=placeholder, aria_label=placeholder)
        return self._framed(inner, "search" if self.rng.random() < 0.7 else None)

    def _framed(self, control: str, icon: str | None = None) -> str:
        # The input itself is painted, and fills its frame.
        state = ("error " if "s-fomantic-error" in control else "") + ("disabled " if is_disabled(control) else "")
        left = self.rng.random() < 0.6
        words = f"{'left ' if left else ''}icon " if icon else ""
        glyph = tag("i", self.glyph(icon), cls="icon") if icon else ""
        return wrap(control, self.ui(f"ui fluid {state}{words}input"), after=glyph)

    def text_area(self, *arguments: Any, **named: Any) -> str:
        return div(self.ui("ui form"), super().text_area(*arguments, **named))

    def checkbox(self, content: str, checked: bool | None = False, disabled: bool | None = None, show_label: bool = True) -> str:
        mark = super().checkbox(content, checked, disabled, show_label=False)
        return self._choice(mark, "checkbox", content, show_label)

    def radio(self, content: str, chosen: bool, group: str, disabled: bool | None = None, show_label: bool = True) -> str:
        mark = super().radio(content, chosen, group, disabled, show_label=False)
        return self._choice(mark, "radio checkbox", content, show_label)

    def switch(self, content: str, on: bool, disabled: bool | None = None, show_label: bool = False) -> str:
        return self._choice(super().switch(content, on, disabled), "toggle checkbox", content, show_label)

    def _choice(self, mark: str, look: str, content: str, show_label: bool) -> str:
        mark = (
            mark.replace("<input", '<input data-box="+ label::before"', 1)
            .replace(' class="s-checkbox"', "")
            .replace(' class="s-radio"', "")
            .replace(' class="s-switch"', "")
        )
        label = tag("label", self.words_of(content) if show_label else "")
        return div(self.ui(f"ui {'disabled ' if is_disabled(mark) else ''}{look} s-inline {'' if show_label else 's-fomantic-bare'}"), mark, label)

    def tab(self, inner: str, here: bool) -> str:
        return tag("a", inner, c="tab", cls="item s-row s-g1" + (" active" if here else ""), role="tab", aria_selected=yes(here), href="#")

    def tab_bar(self, entries: Sequence[str]) -> str:
        look = self.rng.choice(("pointing secondary", "tabular", "secondary", "pointing"))
        return div(self.ui(f"ui {look} menu s-fomantic-tabs"), *entries, c="tab_bar", role="tablist")

    def breadcrumb(self, names: Sequence[str]) -> str:
        divider = tag("i", self.glyph("chevron-right"), cls="divider s-fomantic-divider") if self.rng.random() < 0.5 else span("divider", "/")
        parts = [tag("a", escape(name), c="link", cls="section", href="#") for name in names[:-1]] + [
            div("active section", self.words_of(names[-1], aria_current="page"))
        ]
        return tag("nav", div(self.ui("ui breadcrumb s-inline"), divider.join(parts), c="breadcrumb"), aria_label="Breadcrumb")

    def pagination(self, pages: int, here: int) -> str:
        labels = ["«", *(str(page) for page in range(1, pages + 1)), "»"]
        entries = (
            tag("a", name, c="link", cls="item" + (" active" if i == here else ""), href="#", aria_current="page" if i == here else None)
            for i, name in enumerate(labels)
        )
        return div(self.ui("ui pagination menu s-inline"), *entries, c="pagination", role="navigation")

    def steps(self, names: Sequence[str], here: int) -> str:
        if self.room < 140 * len(names):
            return super().steps(names, here)
        entries = (
            div("active step" if i == here else "completed step" if i < here else "disabled step", div("content", div("title", self.words_of(name))))
            for i, name in enumerate(names)
        )
        return div(self.ui("ui mini steps s-inline"), *entries)

    def date_picker(self, name: str, value: str, iso: str) -> str:
        return self._framed(tag("input", c="date_picker", type="text", value=value, aria_label=name), "calendar")

    def stepper(self, name: str, value: int) -> str:
        return div("s-stepper-native", self._framed(tag("input", c="stepper", type="number", value=value, aria_label=name)))

    def badge(self, content: str, tone: Tone = "primary") -> str:
        shape = "circular " if len(content) < 3 else ""
        return span(f"ui {_COLOUR.get(tone, '')} {shape}{self.rng.choice(('', 'small ', 'mini '))}label", escape(content), c="badge")

    def chip(self, content: str, chosen: bool = False, removable: bool = False, icon: str | None = None) -> str:
        glyph = tag("i", self.glyph(icon), cls="icon") if icon else ""
        close = tag("i", self.glyph("close"), cls="delete icon") if removable else ""
        return tag(
            "a",
            glyph,
            escape(content),
            close,
            c="chip",
            cls=f"ui {'blue ' if chosen else ''}label",
            role="button",
            aria_pressed=yes(chosen),
            tabindex="0",
        )

    def alert(self, content: str, tone: Tone = "info", closable: bool = False) -> str:
        close = (
            tag("button", self.glyph("close"), c="icon_button", cls="s-tab-close s-fomantic-close", type="button", aria_label=self.words.t("Close"))
            if closable
            else ""
        )
        glyph = {"success": "check-circle", "warning": "warning", "danger": "error"}.get(tone, "info")
        return div(
            self.ui(f"ui {_MESSAGE.get(tone, '')} message") + " s-row s-g2",
            self.icon(glyph),
            div("s-grow", self.words_of(content)),
            close,
            c="toast",
            role="alert",
        )

    def progress(self, share: float, name: str = "") -> str:
        colour, size = self.rng.choice(("", "blue", "green", "teal", "orange")), self.rng.choice(("", "small", "tiny"))
        bar = div("bar", style=f"width:{share:.0%}")
        return div(
            self.ui(f"ui {colour} {size} progress"),
            bar,
            c="progress",
            role="progressbar",
            aria_valuenow=round(100 * share),
            aria_label=name or None,
            data_percent=round(100 * share),
        )


_CSS = ("fomantic-ui-css/semantic.min.css",)
KITS = (
    Kit(
        name="fomantic", locales=LEFT_TO_RIGHT, platform="web", package="fomantic-ui-css", ui=FomanticUi, themes={"light": Theme(css=_CSS), "dark": Theme(css=_CSS, dark=True)},
        variables="""
:root{--s-primary:#2185d0;--s-on-primary:#fff;--s-surface:#fff;--s-raised:#fff;--s-tint:#f3f4f5;--s-text:rgba(0,0,0,.87);--s-muted:rgba(0,0,0,.55);--s-border:#d4d4d5;--s-success:#21ba45;
  --s-warning:#b58105;--s-danger:#db2828;--s-info:#00b5ad;--s-radius:.286rem}
.s-dark{--s-primary:#54c8ff;--s-on-primary:#1b1c1d;--s-surface:#1b1c1d;--s-raised:#252627;--s-tint:#333435;--s-text:rgba(255,255,255,.9);--s-muted:rgba(255,255,255,.6);--s-border:#555657;
  --s-success:#2ecc40;--s-warning:#ffe21f;--s-danger:#ff695e;--s-info:#6dffff}
body{background:var(--s-surface)!important;color:var(--s-text)}body{font-size:.95rem;line-height:1.43}
body[class] .ui:is(.header,.message,.menu,.divider,.progress,.table,.card,.list,.steps,.breadcrumb){margin:0}.ui.button{margin:0}body[class] .ui.divider{margin:.5em 0}
.ui.button{display:inline-flex;align-items:center;justify-content:center;gap:.4em}.s-wide.ui.button{display:flex}body[class] .ui.ui.ui.s-fomantic-plain{color:inherit!important;box-shadow:none!important;background:none!important}
.s-fomantic-label{font-weight:700;font-size:.93em}.ui.input{display:flex}.ui.input>input{width:100%;min-width:0}.ui.input>i.icon,.ui.label>i.icon{display:inline-flex;align-items:center;justify-content:center;font-style:normal}
.ui.icon.input>i.icon{height:100%}.ui.form textarea{display:block;height:auto;min-height:0;resize:none;font-size:inherit}select.ui.dropdown{height:auto;padding:.6em 1em;min-width:0;width:100%}.inverted.ui.dropdown{background:#1b1c1d;color:var(--s-text)}
.ui.checkbox{flex:none}.s-fomantic-bare label{padding-left:0!important;width:17px}.s-fomantic-bare:is(.toggle,.slider){width:3.5rem}.ui.toggle.checkbox.s-inline input:checked~label::after{left:2rem}.ui.toggle.checkbox.s-inline input:not(:checked)~label::after{left:0}
.s-fomantic-bar{width:100%;padding-block:0}body[class] .s-fomantic-links{display:flex;align-self:stretch}.s-fomantic-links>li{display:flex}body[class] .ui.menu .s-navigation_bar-brand,.ui.menu .header.item{display:flex}
body[class] .ui.menu{min-height:2.6em}.navigation,.ui.menu{flex:none}.ui.menu:not(.vertical) .item{display:flex}.s-fomantic-tabs{overflow:hidden}
.ui.inverted.menu .s-fomantic-plain{color:#fff!important}
body[class] .ui.vertical.menu .item.s-row{display:flex}body[class] .ui.vertical.menu .item>.s-icon{float:none;margin:0}.s-fomantic-menu{max-width:20em;overflow:hidden}
body[class] .ui.list.s-fomantic-list>.item.s-list-item{display:flex;padding:.65em .9em;line-height:1.3}.s-fomantic-card.s-fomantic-card{width:100%;max-width:none}.ui.card>.content{flex:0 0 auto}.s-fomantic-card>.content>.ui.header{margin:0}
.s-stepper-native{width:7em}body ul.ui.list>li.item::before{content:none;display:none}.s-fomantic-toast{min-width:16em;max-width:24em}.s-fomantic-toast.black{background:#1b1c1d;color:#fff}body[class] .ui.message.s-row{display:flex}
.s-fomantic-modal.s-fomantic-modal{display:block;position:relative;max-width:100%;margin:0;background:var(--s-raised)}.ui.modal>.header.s-row{display:flex}.ui.modal>.actions.s-row{display:flex}.ui.modal>.actions>.button{margin:0}
.s-fomantic-popup.s-fomantic-popup{position:static;display:block;max-width:17em}.s-fomantic-popup::before{display:none}
body[class] .ui.table tr.active.active{background:none!important;color:inherit!important}.ui.table tbody tr.active td{background:color-mix(in srgb,var(--s-primary) 12%,transparent)!important}.ui.steps{max-width:100%}.s-fomantic-divider{font-style:normal}
.ui.label{white-space:nowrap;display:inline-flex;align-items:center;gap:.4em;margin:0}.ui.inverted.breadcrumb .section{color:inherit}.ui.progress{width:100%}.ui.progress .bar{min-width:0}
""",
    ),
)  # fmt: skip
