"""Spectre.css: a small style sheet. Checkboxes, radios and switches are drawn by an `i.form-icon` after an input that nobody sees."""

from collections.abc import Sequence
from html import escape
from typing import ClassVar

from datagen.content.locales import LEFT_TO_RIGHT
from datagen.kits import Kit, Theme
from datagen.pages.html import HtmlUi, div, span, tag, yes
from datagen.pages.ui import Tone

_TONE = {"primary": "primary", "success": "success", "warning": "warning", "danger": "error", "info": "primary", "neutral": ""}


class SpectreUi(HtmlUi):
    classes: ClassVar[dict[str, str]] = {
        "text.muted": "text-gray", "text.success": "text-success", "text.warning": "text-warning", "text.danger": "text-error", "text.primary": "text-primary", "text.strong": "text-bold",
        "heading.1": "h1", "heading.2": "h2", "heading.3": "h3", "heading.4": "h4", "heading.5": "h5", "heading.6": "h6", "label": "form-label s-sp-label", "link": "", "divider": "divider s-full",
        "button": "btn", "button.default": "", "button.primary": "btn-primary", "button.danger": "btn-error", "button.text": "btn-link", "button.small": "btn-sm", "button.large": "btn-lg",
        "pressed": "active", "icon_button": "btn btn-action s-sp-icon", "icon_button.plain": "btn-link", "icon_button.default": "", "icon_button.primary": "btn-primary s-circle",
        "button_group": "btn-group s-sp-group", "text_field": "form-input", "search_field": "form-input", "text_area": "form-input", "combo_box": "form-select", "invalid": "is-error",
        "slider": "slider", "breadcrumb": "breadcrumb", "breadcrumb.item": "breadcrumb-item", "breadcrumb.here": "", "pagination": "pagination", "pagination.item": "page-item",
        "pagination.item.here": "active", "pagination.link": "", "pagination.here": "", "navigation_bar": "navbar", "navigation_bar.brand": "navbar-brand s-sp-brand",
        "navigation_bar.inner": "s-navigation_bar-inner s-full", "navigation_bar.item": "", "navigation_bar.link": "btn btn-link", "navigation_bar.chosen": "active",
        "sidebar.list": "nav s-sp-nav", "sidebar.item": "s-sp-entry", "sidebar.chosen": "s-sp-active", "menu": "menu s-sp-menu", "menu.item": "s-sp-entry", "menu.chosen": "active s-sp-active",
        "menu.divider": "divider", "table": "table", "table.header": "", "table.cell": "", "table.row": "", "table.head_row": "", "table.chosen": "active", "card": "card s-sp-card",
        "card.head": "card-header", "card.body": "card-body s-sp-body", "card.foot": "card-footer", "toast": "toast s-sp-toast", "toast.neutral": "",
        "toast.info": "toast-primary", "toast.success": "toast-success", "toast.warning": "toast-warning", "toast.danger": "toast-error", "dialog": "modal-container s-sp-modal",
        "dialog.head": "modal-header", "dialog.body": "modal-body", "dialog.foot": "modal-footer",
    }  # fmt: skip

    def k(self, *parts: str) -> str:
        if parts == ("table",):
            return "table " + self.rng.choice(("", "table-striped", "table-hover"))
        return super().k(*parts)

    def with_icon(self, field: str, icon: str) -> str:
        return div("has-icon-left s-full", field, span("form-icon s-sp-lead", self.icon(icon)))

    def checkbox(self, content: str, checked: bool | None = False, disabled: bool | None = None, show_label: bool = True) -> str:
        return self._choice(super().checkbox(content, checked, disabled, show_label=False), "form-checkbox", content, show_label)

    def radio(self, content: str, chosen: bool, group: str, disabled: bool | None = None, show_label: bool = True) -> str:
        return self._choice(super().radio(content, chosen, group, disabled, show_label=False), "form-radio", content, show_label)

    def switch(self, content: str, on: bool, disabled: bool | None = None, show_label: bool = False) -> str:
        return self._choice(super().switch(content, on, disabled), "form-switch", content, show_label)

    def _choice(self, mark: str, cls: str, content: str, show_label: bool) -> str:
        for own in ("checkbox", "radio", "switch"):
            mark = mark.replace(f' class="s-{own}"', ' data-box="+ .form-icon"')
        return tag(
            "label",
            mark,
            tag("i", cls="form-icon"),
            self.words_of(content) if show_label else "",
            cls=f"{cls} s-inline {'' if show_label else 's-sp-bare'}",
        )

    def tab(self, inner: str, here: bool) -> str:
        return tag("li", tag("a", inner, cls="s-sp-tab" + (" active" if here else ""), href="#", role="presentation"), c="tab", cls="tab-item" + (" active" if here else ""), role="tab",
                   aria_selected=yes(here))  # fmt: skip

    def tab_bar(self, entries: Sequence[str]) -> str:
        return tag("ul", *entries, c="tab_bar", cls="tab s-sp-tabs", role="tablist")

    def steps(self, names: Sequence[str], here: int) -> str:
        entries = (
            tag("li", tag("a", self.words_of(name), href="#"), cls="step-item" + (" active" if i == here else "")) for i, name in enumerate(names)
        )
        return tag("ul", *entries, cls="step")

    def badge(self, content: str, tone: Tone = "primary") -> str:
        colour = _TONE.get(tone, "")
        return span(f"label {f'label-{colour}' if colour else ''} {'label-rounded' if len(content) < 4 else ''}", escape(content), c="badge")

    def chip(self, content: str, chosen: bool = False, removable: bool = False, icon: str | None = None) -> str:
        close = tag("a", cls="btn btn-clear", href="#") if removable else ""
        return span(
            f"chip {'active' if chosen else ''}",
            (self.glyph(icon) + " ") if icon else "",
            span("", escape(content)),
            close,
            c="chip",
            role="button",
            aria_pressed=yes(chosen),
            tabindex="0",
        )

    def alert(self, content: str, tone: Tone = "info", closable: bool = False) -> str:
        close = (
            tag("button", c="icon_button", cls="btn btn-clear float-right", type="button", aria_label=self.words.t("Close"), data_icon="close")
            if closable
            else ""
        )
        colour = _TONE.get(tone, "")
        return div(f"toast {f'toast-{colour}' if colour else ''}", close, self.words_of(content), c="toast", role="alert")

    def progress(self, share: float, name: str = "") -> str:
        if self.rng.random() < 0.5:
            return tag("progress", c="progress", cls="progress", value=round(100 * share), max=100, aria_label=name or None)
        bar = div("bar-item", style=f"width:{share:.0%}")
        return div("bar", bar, c="progress", role="progressbar", aria_valuenow=round(100 * share), aria_label=name or None)

    def spinner(self, size: float = 2.0) -> str:
        return div(
            "loading s-inline s-sp-loading",
            c="progress",
            role="progressbar",
            aria_label=self.words.t("Loading"),
            data_box="::after",
            style=f"width:{size:g}em;height:{size:g}em",
        )


KITS = (
    Kit(
        name="spectre", locales=LEFT_TO_RIGHT, platform="web", package="spectre.css", ui=SpectreUi,
        themes={"light": Theme(css=("spectre.css/dist/spectre.min.css", "spectre.css/dist/spectre-exp.min.css", "spectre.css/dist/spectre-icons.min.css"))},
        variables="""
html:root{--s-primary:#5755d9;--s-on-primary:#fff;--s-surface:#fff;--s-raised:#fff;--s-tint:#f1f3f5;--s-text:#3b4351;--s-muted:#66758c;--s-border:#dadee4;--s-success:#32b643;--s-warning:#cf7c00;
  --s-danger:#e85600;--s-info:#5755d9;--s-radius:.1rem}
body{font-size:.95em;line-height:1.4}.h1{font-size:1.9em}.h2{font-size:1.6em}.h3{font-size:1.35em}.h4{font-size:1.2em}.h5{font-size:1.05em}.h6{font-size:.95em}
body :is(p,ul,ol,dl,table,.divider,.tab,.step,.breadcrumb,.pagination){margin:0}body .divider{margin:.4em 0}body .s-sp-label{display:inline;padding:0}
body .btn,body .form-input:not(textarea),body .form-select{height:auto;font-size:.95em;padding:.4em .8em;line-height:1.4}body .form-select{padding-inline-end:1.8em}body .btn-sm{font-size:.85em;padding:.2em .6em}body .btn-lg{font-size:1.15em;padding:.6em 1.1em}
body textarea.form-input{height:auto;font-size:.95em;resize:none}.btn{display:inline-flex;align-items:center;justify-content:center;gap:.4em}.btn.s-wide{width:100%}body .s-sp-icon{width:2.3em;height:2.3em;padding:0;flex:none}
body .s-sp-icon.btn-link{color:inherit}body .s-sp-group{display:inline-flex}.s-sp-group .btn{flex:none}body .has-icon-left .form-input{padding-inline-start:2.2em}.has-icon-left{position:relative}.has-icon-left .s-sp-lead{color:var(--s-muted);display:flex;width:1.2em;height:1.2em;left:.5em;border:0;align-items:center}
body .form-switch input:checked+.form-icon::before{left:calc(100% - .8rem)}body :is(.form-checkbox,.form-radio,.form-switch){margin:0;font-size:1em;padding-inline-end:0;flex:none}body .s-sp-bare{padding-inline-end:0;min-width:1em}body .form-switch.s-sp-bare{padding-left:1.8rem}
body .text-gray{color:var(--s-muted)!important}body .slider{width:100%;height:1.2rem}body .slider::-webkit-slider-runnable-track{background:rgb(128 128 128/.4)}body .s-video-controls .slider::-webkit-slider-runnable-track{background:rgb(255 255 255/.4)}.s-sp-tabs{overflow:hidden;flex-wrap:nowrap}.s-sp-tabs>.tab-item{flex:none;margin:0}body .s-sp-tab{display:flex;gap:.4em;align-items:center;padding:.6em .5em .5em;margin:0 .5em 0 0}body .breadcrumb{display:inline-flex;padding:0}
body .pagination{display:inline-flex}body .navbar{flex:none;border-bottom:1px solid var(--s-border)}.s-sp-brand{font-size:1.15em;font-weight:700;display:flex}.navbar .btn.active{background:none;font-weight:700}
.s-sp-nav{gap:2px}.s-sp-entry{padding:.4em .6em;border-radius:.1rem;color:inherit;text-decoration:none}.s-sp-entry.s-sp-active{background:#f1f1fc;color:#5755d9}.s-sp-entry[aria-disabled]{opacity:.5}
.s-sp-menu.s-sp-menu{position:static;transform:none;min-width:12em;max-width:20em;overflow:hidden}body .table :is(td,th){padding:.6em .5em}body .table td.s-end,body .table th.s-end{text-align:end}body .s-sp-card .s-sp-body{flex:none}.s-sp-card>.card-header:last-child{padding-bottom:.8rem}
body .label{white-space:nowrap;font-size:.85em;flex:none}body .chip{margin:0;height:auto;padding:.25em .7em;font-size:.9em;max-width:none;border-radius:5rem}body .toast{padding:.7em .9em}.s-sp-toast.s-sp-toast{width:auto;min-width:16em;max-width:24em}
.s-sp-toast .btn-link,.s-sp-toast .s-sp-icon.btn-link{color:#fff}.s-sp-modal.s-sp-modal{max-width:none;padding:0 .8rem;animation:none}.s-sp-modal .modal-header{color:inherit}.s-sp-loading{flex:none;min-height:0}
""",
    ),
)  # fmt: skip
