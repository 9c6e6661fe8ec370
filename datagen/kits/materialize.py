"""Materialize 2: Material Design 3 in CSS. Checkboxes and radios are drawn by the span after an input that nobody sees."""

from collections.abc import Sequence
from html import escape
from typing import Any, ClassVar

from datagen.content.locales import LEFT_TO_RIGHT
from datagen.kits import Kit, Theme
from datagen.pages.html import HtmlUi, div, span, tag, yes
from datagen.pages.ui import Tone


class MaterializeUi(HtmlUi):
    classes: ClassVar[dict[str, str]] = {
        "button": "btn", "button.primary": "filled", "button.default": "outlined", "button.danger": "filled s-m-danger", "button.text": "text", "button.small": "btn-small",
        "button.large": "btn-large", "pressed": "tonal", "icon_button": "s-m-icon", "icon_button.plain": "btn text", "icon_button.default": "btn tonal", "icon_button.primary": "btn filled",
        "button_group": "s-row s-g1", "text_field": "s-m-field", "search_field": "s-m-field", "text_area": "materialize-textarea s-m-area", "combo_box": "browser-default s-m-select",
        "invalid": "invalid", "breadcrumb": "s-breadcrumb", "pagination": "pagination s-m-pages", "pagination.item": "", "pagination.item.here": "active", "pagination.link": "",
        "pagination.here": "", "navigation_bar": "s-m-nav", "navigation_bar.inner": "nav-wrapper s-navigation_bar-inner", "navigation_bar.brand": "brand-logo s-m-brand",
        "navigation_bar.links": "s-navigation_bar-links s-m-links", "navigation_bar.item": "", "navigation_bar.link": "", "navigation_bar.chosen": "s-m-here",
        "sidebar.item": "s-m-entry", "sidebar.chosen": "active s-m-active", "menu": "dropdown-content s-m-menu", "menu.item": "s-m-command", "menu.chosen": "s-menu-chosen",
        "menu.divider": "divider s-m-rule", "divider": "divider s-m-rule s-full", "table": "", "table.header": "", "table.cell": "", "table.row": "", "table.head_row": "", "table.dense": "s-table-dense",
        "list": "collection", "list.framed": "", "list.plain": "s-m-flat", "list.item": "collection-item s-m-item", "list.chosen": "active", "card": "card s-m-card",
        "card.head": "card-content s-m-head", "card.body": "card-content", "card.foot": "card-action", "toast": "toast s-m-toast", "toast.neutral": "", "toast.info": "",
        "toast.success": "", "toast.warning": "", "toast.danger": "", "dialog": "modal s-m-modal", "dialog.head": "modal-content s-m-modal-head", "dialog.body": "modal-content s-m-modal-body",
        "dialog.foot": "modal-footer", "tooltip": "material-tooltip s-m-tip", "footer": "page-footer s-m-footer",
    }  # fmt: skip

    def k(self, *parts: str) -> str:
        if parts == ("button", "button.default"):
            return str("btn " + self.setting.attributes.setdefault("buttons", self.rng.choice(("outlined", "tonal", "elevated"))))
        if parts == ("table",):
            return self.rng.choice(("", "striped", "highlight"))
        return super().k(*parts)

    def _look(self) -> str:
        return str("input-field " + self.setting.attributes.setdefault("fields", self.rng.choice(("outlined", "outlined", "s-m-filled"))))

    def text_field(self, *arguments: Any, icon: str | None = None, **named: Any) -> str:
        prefix = span("prefix", self.icon(icon)) if icon else ""
        return div(self._look(), prefix, super().text_field(*arguments, **named))

    def password_field(self, *arguments: Any, **named: Any) -> str:
        return div(self._look(), super().password_field(*arguments, **named))

    def search_field(self, placeholder: str, value: str = "") -> str:
        field = tag("input", c="search_field", cls="s-m-field", type="search", value=value or None, placeholder=placeholder, aria_label=placeholder)
        return div(self._look(), span("prefix", self.icon("search")), field)

    def text_area(self, *arguments: Any, **named: Any) -> str:
        return div(self._look(), super().text_area(*arguments, **named))

    def date_picker(self, name: str, value: str, iso: str) -> str:
        field = tag("input", c="date_picker", cls="s-m-field", type="text", value=value, aria_label=name)
        return div(self._look(), field, span("suffix", self.glyph("calendar")))

    def stepper(self, name: str, value: int) -> str:
        return div(self._look() + " s-stepper-native", tag("input", c="stepper", cls="s-m-field", type="number", value=value, aria_label=name))

    def checkbox(self, content: str, checked: bool | None = False, disabled: bool | None = None, show_label: bool = True) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        mark = tag("input", c="checkbox", type="checkbox", checked=bool(checked), data_mixed=checked is None, aria_label=content, disabled=disabled)
        return tag("label", mark, self.words_of(content) if show_label else "", cls="s-check s-inline")

    def radio(self, content: str, chosen: bool, group: str, disabled: bool | None = None, show_label: bool = True) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        mark = tag("input", c="radio", type="radio", name=group, checked=chosen, aria_label=content, disabled=disabled, data_box="+ span::before")
        return tag("label", mark, span("", self.words_of(content) if show_label else ""), cls="s-inline s-m-choice")

    def switch(self, content: str, on: bool, disabled: bool | None = None, show_label: bool = False) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        mark = tag(
            "input",
            c="switch",
            type="checkbox",
            role="switch",
            checked=on,
            aria_checked=yes(on),
            aria_label=content,
            disabled=disabled,
            data_box="+ .lever",
        )
        return div("switch s-inline", tag("label", mark, span("lever"), self.words_of(content) if show_label else "", cls="s-m-switch"))

    def slider(self, name: str, share: float) -> str:
        return tag("div", super().slider(name, share), cls="range-field s-m-range")

    def tab(self, inner: str, here: bool) -> str:
        return tag(
            "li",
            tag("a", inner, cls="s-m-tab" + (" active" if here else ""), href="#", role="presentation"),
            c="tab",
            cls="tab",
            role="tab",
            aria_selected=yes(here),
        )

    def tab_bar(self, entries: Sequence[str]) -> str:
        return tag("ul", *entries, c="tab_bar", cls="tabs s-m-tabs", role="tablist")

    def navigation_bar(self, brand: str, links: Sequence[str], chosen: int, end: Sequence[str], logo: str | None = None) -> str:
        return (
            super()
            .navigation_bar(brand, links, chosen, end, logo)
            .replace('<li><a data-c="link" class="s-m-here"', '<li class="active"><a data-c="link" class="s-m-here"')
        )

    def badge(self, content: str, tone: Tone = "primary") -> str:
        return span(f"s-badge {self.k(f'badge.{tone}')}", escape(content), c="badge")

    def chip(self, content: str, chosen: bool = False, removable: bool = False, icon: str | None = None) -> str:
        inner = (self.glyph(icon) if icon else "") + span("", escape(content)) + (self.glyph("close") if removable else "")
        outlined = self.setting.attributes.setdefault("chips", self.rng.choice(("", "outlined")))
        return div(
            f"chip {outlined} {'s-chip-chosen' if chosen else ''} s-m-chip", inner, c="chip", role="button", aria_pressed=yes(chosen), tabindex="0"
        )

    def progress(self, share: float, name: str = "") -> str:
        return div(
            "progress s-m-progress",
            div("determinate", style=f"width:{share:.0%}"),
            c="progress",
            role="progressbar",
            aria_valuenow=round(100 * share),
            aria_label=name or None,
        )


_CSS = ("@materializecss/materialize/dist/css/materialize.min.css",)
KITS = (
    Kit(
        name="materialize", locales=LEFT_TO_RIGHT, platform="web", package="@materializecss/materialize", ui=MaterializeUi,
        themes={"light": Theme(css=_CSS, attributes={"theme": "light"}), "dark": Theme(css=_CSS, dark=True, attributes={"theme": "dark"})},
        variables="""
body [type=range]::-webkit-slider-runnable-track{background:rgb(128 128 128/.4)}body .s-video-controls [type=range]::-webkit-slider-runnable-track{background:rgb(255 255 255/.4)}
html[theme]{--s-primary:var(--md-sys-color-primary);--s-on-primary:var(--md-sys-color-on-primary);--s-surface:var(--md-sys-color-background);--s-raised:var(--md-sys-color-surface);
  --s-tint:var(--md-sys-color-surface-variant);--s-text:var(--md-sys-color-on-background);--s-muted:var(--md-sys-color-on-surface-variant);--s-border:var(--md-sys-color-outline-variant,#9995);
  --s-danger:var(--md-sys-color-error);--s-info:var(--md-sys-color-tertiary);--s-radius:8px}
html[theme=light]{--s-success:#2e7d32;--s-warning:#b26a00}html[theme=dark]{--s-success:#81c784;--s-warning:#ffb74d}
body{background:var(--s-surface);color:var(--s-text)}body[class] :is(h1,h2,h3,h4,h5,h6){margin:0}body[class] .lever{margin:0 .5em 0 0}h1{font-size:1.9em}h2{font-size:1.6em}h3{font-size:1.35em}h4{font-size:1.2em}
h5{font-size:1.05em}h6{font-size:.95em}body[class] a{text-decoration:none}body[class] .s-link{text-decoration:underline}
.btn{display:inline-flex!important;gap:.4em;align-items:center;justify-content:center;text-transform:none}.btn.s-wide{width:100%}.s-m-danger:not(:disabled){background:var(--md-sys-color-error);color:var(--md-sys-color-on-error)}
body[class] .s-m-icon{width:40px;height:40px;padding:0;flex:none}body[class] .s-m-icon.text{color:inherit}
body[class] .input-field{margin:0;width:100%}body[class] .input-field .s-m-field{height:44px;padding-block:0;box-sizing:border-box;width:100%;margin:0}body[class] .s-m-filled .s-m-field{background:var(--s-tint)}
body[class] .input-field:is(.s-m-filled){border-bottom:0}.input-field .prefix,.input-field .suffix{top:0;height:44px;display:flex;align-items:center}body[class] .input-field .prefix~input{padding-inline-start:46px}
body[class] .s-m-area{height:auto;min-height:4.5em;box-sizing:border-box;padding:10px 16px;resize:none;margin:0}body[class] .s-m-filled .s-m-area{background:var(--s-tint);border:0;border-bottom:1px solid var(--s-muted)}
body[class] .s-m-select{display:block;height:44px;padding:0 12px;width:100%;background:var(--s-raised);color:var(--s-text);border:1px solid var(--md-sys-color-outline);border-radius:4px}
.input-field input[type=number].s-m-field{min-width:0}body[class] .s-m-choice{position:relative;display:inline-block;flex:none;color:inherit;font-size:inherit}.s-m-choice>span{font-size:inherit!important;color:var(--s-text)}
body[class] .s-m-switch{display:inline-flex;align-items:center;color:var(--s-text);font-size:inherit}.switch{flex:none}.s-check{color:var(--s-text)}.s-check>input{flex:none}body[class] .range-field{margin:0;width:100%}body[class] .range-field input{height:18px;background:none}body[class] .s-m-tabs{overflow:hidden;display:flex;height:auto;margin:0;background:none}
body[class] .tabs .tab{height:auto;line-height:1.4;flex:none;text-transform:none}body[class] .tabs .tab a.s-m-tab{display:flex;gap:.4em;align-items:center;padding:.8em 1.2em;height:auto}.s-m-tab.active{box-shadow:inset 0 -3px var(--s-primary)}
body[class] .s-m-pages{margin:0;display:inline-flex;padding:0}body[class] nav.s-m-nav{height:auto;line-height:1.4;flex:none;color:var(--md-sys-color-on-secondary-container);background:var(--md-sys-color-secondary-container)}
.s-m-nav .nav-wrapper{height:auto;display:flex;background:none}body[class] .s-m-brand{position:static;transform:none;font-size:1.35em;display:flex;align-items:center;padding:0;color:inherit;flex:none}
body[class] .s-m-links>li{float:none;line-height:1.4}body[class] .s-m-links a{padding:.7em .9em;display:block;color:inherit;font-size:1em;border-radius:8px}.s-m-nav .input-field .s-m-field{height:38px}.s-m-nav .input-field :is(.prefix,.suffix){height:38px;line-height:1}
.s-m-entry{padding:.55em .9em;border-radius:2em;color:inherit}.s-m-entry.s-m-active{background:var(--md-sys-color-secondary-container);color:var(--md-sys-color-on-secondary-container)}
.s-m-menu.s-m-menu{display:block;opacity:1;position:static;width:auto;min-width:12em;max-width:20em;overflow:hidden;padding:.4em 0;background:var(--s-raised);transform:none;max-height:none;height:auto}
.s-m-command{padding:.6em 1em;color:var(--s-text)}.s-m-command[aria-disabled]{opacity:.5}body[class] .s-m-rule{margin:.4em 0;border:0;height:1px;flex:none;background:var(--s-border)}
body[class] table.s-full :is(td,th){padding:.7em .6em}body[class] table tr.s-table-chosen{background:var(--md-sys-color-secondary-container)}body[class] .collection{margin:0}body[class] .s-m-flat{border:0}body[class] .s-m-item{display:flex;line-height:1.35;padding:.75em 1em}
body[class] .s-m-item.active :is(.s-list-subtitle,.s-list-meta){color:inherit;opacity:.8}body[class] .s-m-card{margin:0;background:var(--s-raised)}body[class] .card-content{padding:1em}body[class] .s-m-head{padding-bottom:0}body[class] .card-action{padding:.6em 1em}
body[class] .s-m-chip{display:inline-flex;align-items:center;gap:.4em;margin:0;white-space:nowrap;flex:none}.s-m-toast.s-m-toast{position:static;display:flex;min-width:16em;max-width:25em;margin:0;transform:none;opacity:1}.s-m-toast .btn{color:inherit}
.s-m-modal.s-m-modal{display:block;position:static;max-height:90vh;margin:0;opacity:1;transform:none}body[class] .s-m-modal-head,.s-m-modal-head.s-m-modal-head{padding:1.2em 1.4em .4em}.s-m-modal-body.s-m-modal-body{padding:.6em 1.4em}
.s-m-footer{background:var(--s-tint);color:var(--s-text)}.s-m-modal .modal-footer{height:auto;padding:.8em 1.4em;border:0}.s-m-tip.s-m-tip{position:static;opacity:1;visibility:visible;min-height:0;max-width:18em;padding:.5em .8em}body[class] .s-m-progress{margin:0}body[class] .s-m-footer{padding:2em 1em}
""",
    ),
)  # fmt: skip
