"""Foundation for Sites 6: light only. Bare inputs, selects and tables are styled by their element."""

from collections.abc import Sequence
from html import escape
from typing import ClassVar

from datagen.content.locales import LEFT_TO_RIGHT
from datagen.kits import Kit, Theme
from datagen.pages.html import HtmlUi, div, span, tag, yes
from datagen.pages.ui import Tone

_TONE = {"primary": "primary", "success": "success", "warning": "warning", "danger": "alert", "info": "primary", "neutral": "secondary"}


class FoundationUi(HtmlUi):
    classes: ClassVar[dict[str, str]] = {
        "text.muted": "subheader s-text-muted", "heading.1": "", "heading.2": "", "heading.3": "", "heading.4": "", "heading.5": "", "heading.6": "", "label": "s-f-label", "link": "",
        "divider": "s-full s-f-rule", "button": "button", "button.default": "secondary", "button.primary": "primary", "button.danger": "alert", "button.text": "clear",
        "button.small": "small", "button.large": "large", "icon_button": "button s-f-icon", "icon_button.plain": "clear", "icon_button.default": "secondary hollow",
        "icon_button.primary": "primary", "button_group": "button-group s-f-group", "pressed": "hollow", "text_field": "", "search_field": "", "text_area": "", "combo_box": "",
        "invalid": "is-invalid-input", "checkbox": "", "radio": "", "breadcrumb": "breadcrumbs", "breadcrumb.item": "", "breadcrumb.here": "", "pagination": "pagination s-f-pages",
        "pagination.item": "", "pagination.item.here": "current", "pagination.link": "", "pagination.here": "", "navigation_bar": "top-bar", "navigation_bar.links": "menu s-navigation_bar-links",
        "navigation_bar.brand": "menu-text", "navigation_bar.item": "", "navigation_bar.link": "", "navigation_bar.chosen": "s-f-here", "sidebar.list": "menu vertical s-f-side",
        "sidebar.item": "s-f-entry", "sidebar.chosen": "s-f-active", "menu": "dropdown-pane is-open s-f-menu", "menu.item": "s-f-entry", "menu.chosen": "s-f-active", "table": "",
        "table.header": "", "table.cell": "", "table.row": "", "table.head_row": "", "card": "card s-f-card", "card.head": "card-divider", "card.body": "card-section",
        "card.foot": "card-divider", "badge": "label", "toast": "callout s-f-toast", "toast.neutral": "secondary", "toast.info": "primary", "toast.success": "success",
        "toast.warning": "warning", "toast.danger": "alert", "dialog": "reveal s-f-reveal", "tooltip": "tooltip s-f-tip",
    }  # fmt: skip

    def k(self, *parts: str) -> str:
        if parts == ("button", "button.primary"):
            return str(
                "button " + self.setting.attributes.setdefault("buttons", self.rng.choice(("primary", "primary", "success", "primary hollow")))
            )
        if parts == ("table",):
            return self.rng.choice(("", "hover", "unstriped"))
        return super().k(*parts)

    def switch(self, content: str, on: bool, disabled: bool | None = None, show_label: bool = False) -> str:
        mark = super().switch(content, on, disabled).replace('class="s-switch"', 'class="switch-input" data-box="+ .switch-paddle"')
        size = self.setting.attributes.setdefault("switches", self.rng.choice(("tiny", "small", "")))
        made = div(f"switch {size} s-f-switch", mark, tag("label", cls="switch-paddle"))
        return div("s-switch_row", made, self.words_of(content)) if show_label else made

    def slider(self, name: str, share: float) -> str:
        knob = span(
            "slider-handle",
            role="slider",
            aria_valuenow=round(100 * share),
            aria_label=name,
            tabindex="0",
            style=f"left:calc({share:.0%} - {1.4 * share:.2f}rem)",
        )
        return div(
            "slider s-f-slider",
            span("s-f-rail"),
            knob,
            span("slider-fill", style=f"width:{share:.0%}"),
            c="slider",
            dir="ltr",
            data_box=".slider-fill, .slider-handle, .s-f-rail",
        )

    def stepper(self, name: str, value: int) -> str:
        return tag("input", c="stepper", cls="s-stepper-native", type="number", value=value, aria_label=name)

    def tab(self, inner: str, here: bool) -> str:
        link = tag("a", inner, cls="s-f-tab", href="#", role="presentation", aria_selected=yes(here))
        return tag("li", link, c="tab", cls="tabs-title" + (" is-active" if here else ""), role="tab", aria_selected=yes(here))

    def tab_bar(self, entries: Sequence[str]) -> str:
        return tag("ul", *entries, c="tab_bar", cls="tabs s-f-tabs", role="tablist")

    def pagination(self, pages: int, here: int) -> str:
        ends = [
            tag("li", tag("a", escape(self.words.t(word)), c="link", href="#"), cls=f"pagination-{part}")
            for part, word in (("previous", "Previous"), ("next", "Next"))
        ]
        numbers = [
            tag("li", self.words_of(str(i)), cls="current") if i == here else tag("li", tag("a", str(i), c="link", href="#"))
            for i in range(1, pages + 1)
        ]
        return tag("ul", ends[0], *numbers, ends[1], c="pagination", cls="pagination s-f-pages s-inline", role="navigation")

    def badge(self, content: str, tone: Tone = "primary") -> str:
        return span(f"{'badge' if len(content) < 4 else 'label'} {_TONE.get(tone, 'secondary')}", escape(content), c="badge")

    def chip(self, content: str, chosen: bool = False, removable: bool = False, icon: str | None = None) -> str:
        inner = (self.glyph(icon) if icon else "") + span("", escape(content)) + (self.glyph("close") if removable else "")
        return span(f"label {'primary' if chosen else 'secondary'} s-f-chip", inner, c="chip", role="button", aria_pressed=yes(chosen), tabindex="0")

    def alert(self, content: str, tone: Tone = "info", closable: bool = False) -> str:
        close = (
            tag(
                "button",
                span("", "×", aria_hidden="true"),
                c="icon_button",
                cls="close-button s-f-close",
                type="button",
                aria_label=self.words.t("Close"),
                data_icon="close",
            )
            if closable
            else ""
        )
        return div(f"callout {_TONE.get(tone, 'secondary')} s-f-callout", self.words_of(content), close, c="toast", role="alert")

    def progress(self, share: float, name: str = "") -> str:
        bar = span("progress-meter", style=f"width:{share:.0%}")
        look = self.rng.choice(("primary", "success", "warning", "alert", "secondary"))
        return div(f"progress {look} s-f-progress", bar, c="progress", role="progressbar", aria_valuenow=round(100 * share), aria_label=name or None)


KITS = (
    Kit(
        name="foundation", locales=LEFT_TO_RIGHT, platform="web", package="foundation-sites", ui=FoundationUi, themes={"light": Theme(css=("foundation-sites/dist/css/foundation.min.css",))},
        variables="""
html:root{--s-primary:#1779ba;--s-on-primary:#fefefe;--s-surface:#fefefe;--s-raised:#fefefe;--s-tint:#f1f1f1;--s-text:#0a0a0a;--s-muted:#6a6a6a;--s-border:#cacaca;--s-success:#2b8a4e;--s-warning:#a66d00;
  --s-danger:#cc4b37;--s-info:#1779ba;--s-radius:0}
p,h1,h2,h3,h4,h5,h6{text-rendering:geometricPrecision}h1{font-size:1.9em}h2{font-size:1.6em}h3{font-size:1.35em}h4{font-size:1.2em}h5{font-size:1.05em}h6{font-size:.95em}body[class] h5{font-size:1.05em}body[class] h6{font-size:.95em}
body[class] :is(input,select,textarea,.button,.switch,.slider,.callout,.progress,.tabs,.breadcrumbs,.pagination,.card,.menu,table,label,ul){margin:0}body[class] :is([type=checkbox],[type=radio]){flex:none}
body[class] .s-f-rule{margin:.4em 0;max-width:none}.s-f-label{display:inline;font-size:.9em}body[class] .s-check{font-size:inherit}body[class] .s-line{line-height:1.4}
.button{display:inline-flex;align-items:center;justify-content:center;gap:.4em}.button.s-wide{display:flex}body[class] .s-f-icon{padding:.6em .7em;flex:none}body[class] .s-f-icon.clear{color:inherit}
body[class] .s-f-group{display:inline-flex;flex-wrap:nowrap}.s-f-group>.button+.button{margin-inline-start:1px!important}body[class] .s-iconed>input{padding-inline-start:2.3em}
.switch.s-f-switch{flex:none;height:auto}.s-f-slider.s-f-slider{margin-block:.5em;width:auto;background:#e6e6e6}.s-f-rail{position:absolute;inset:0;background:var(--s-border)}.s-f-tabs{overflow:hidden;display:flex}.s-f-tab{display:flex!important;gap:.4em;align-items:center}
body[class] .s-f-tab{padding:1em 1.3em}body[class] .breadcrumbs{display:inline-flex;flex-wrap:wrap}.s-f-pages{display:inline-flex!important}.s-f-pages li{flex:none}
.top-bar{flex:none;display:block;padding:0!important}.top-bar>.s-navigation_bar-inner{padding-block:.2em}.top-bar .menu{background:none;flex-wrap:nowrap}body[class] .menu-text{padding:.5em;font-weight:700;display:flex}.s-f-here{color:#0a0a0a!important;font-weight:600}
.s-f-side{background:none;gap:2px}body[class] .s-f-entry{padding:.55em .75em;color:#1779ba;display:flex}body[class] .s-f-entry.s-f-active{background:#1779ba;color:#fefefe}.s-f-entry.s-f-active .s-text-caption{color:inherit}.s-f-entry[aria-disabled]{opacity:.5}
.s-f-menu.s-f-menu{position:static;visibility:visible;display:block;width:auto;min-width:13em;max-width:20em;padding:.4em;overflow:hidden}body[class] table tr.s-table-chosen{background:#d7ecfa}
body[class] table :is(td,th){vertical-align:middle}body[class] table td.s-end,body[class] table th.s-end{text-align:end}.s-f-card .card-section{flex:none}.card-divider{padding:.7em 1em}.s-f-card .card-divider :is(h5){line-height:1.3}
body[class] .label,body[class] .badge{white-space:nowrap;flex:none}.s-f-chip{display:inline-flex;gap:.4em;align-items:center;padding:.4em .7em}body[class] .s-f-callout{padding:.8em 2.6em .8em 1em;position:relative}
.s-f-close{position:absolute;top:.2em!important;right:.6em!important}.s-f-toast.s-f-toast{margin:0;padding:.8em 1em;min-width:16em;max-width:24em}.s-f-reveal.s-f-reveal{display:block;position:static;padding:0;margin:0;min-height:0;max-height:90vh;border-radius:0}
.s-f-tip.s-f-tip{position:static;max-width:17em}.s-f-tip::before{display:none!important}.s-f-progress .progress-meter{display:block}.s-calendar .button{padding:.4em}
""",
    ),
)  # fmt: skip
