"""PaperCSS: hand-drawn, in light and dark, with the typefaces that it is drawn in."""

from collections.abc import Sequence
from html import escape
from typing import Any, ClassVar

from datagen.content.locales import LEFT_TO_RIGHT
from datagen.kits import Kit, Theme
from datagen.pages.html import HtmlUi, div, span, tag, yes
from datagen.pages.ui import Tone

_TONE = {"primary": "primary", "success": "success", "warning": "warning", "danger": "danger", "info": "secondary", "neutral": "muted"}


class PaperUi(HtmlUi):
    classes: ClassVar[dict[str, str]] = {
        "text.muted": "text-muted s-text-muted", "text.success": "text-success", "text.warning": "text-warning", "text.danger": "text-danger", "text.info": "text-secondary", "link": "",
        "heading.1": "", "heading.2": "", "heading.3": "", "heading.4": "", "heading.5": "", "heading.6": "", "label": "", "button": "paper-btn", "button.default": "", "button.primary": "btn-primary",
        "button.danger": "btn-danger", "button.text": "s-paper-text", "button.small": "btn-small", "button.large": "btn-large", "icon_button": "paper-btn s-paper-icon",
        "icon_button.plain": "s-paper-plain", "icon_button.default": "btn-small", "icon_button.primary": "btn-primary btn-small", "button_group": "s-row s-g1", "text_field": "s-paper-field",
        "search_field": "s-paper-field", "text_area": "s-paper-field", "combo_box": "s-paper-field", "breadcrumb": "breadcrumb", "breadcrumb.item": "", "breadcrumb.here": "",
        "navigation_bar": "border s-paper-nav", "navigation_bar.item": "", "sidebar.item": "s-sidebar-item", "table": "table-hover", "table.header": "", "table.cell": "", "table.row": "",
        "table.head_row": "", "card": "card s-paper-card", "card.head": "card-header", "card.body": "card-body", "card.foot": "card-footer", "badge": "badge", "toast": "alert s-paper-toast",
        "toast.neutral": "alert-primary", "toast.info": "alert-secondary", "toast.success": "alert-success", "toast.warning": "alert-warning", "toast.danger": "alert-danger",
        "dialog": "border s-dialog", "menu": "border s-menu", "divider": "s-divider", "list.framed": "border s-list-framed",
    }  # fmt: skip

    def k(self, *parts: str) -> str:
        if parts == ("button", "button.default"):
            # In the dark, the muted button's ink is that of its ground.
            return "paper-btn " + self.rng.choice(("", "btn-secondary", "" if self.setting.dark else "btn-muted"))
        return super().k(*parts)

    def checkbox(self, content: str, checked: bool | None = False, disabled: bool | None = None, show_label: bool = True) -> str:
        # There is no mixed checkbox: it would look like an empty one.
        return self._choice(super().checkbox(content, bool(checked), disabled, show_label=False), "paper-check", content, show_label)

    def radio(self, content: str, chosen: bool, group: str, disabled: bool | None = None, show_label: bool = True) -> str:
        return self._choice(super().radio(content, chosen, group, disabled, show_label=False), "paper-radio", content, show_label)

    def _choice(self, mark: str, cls: str, content: str, show_label: bool) -> str:
        mark = mark.replace(' class="s-checkbox"', ' data-box="+ span::before"').replace(' class="s-radio"', ' data-box="+ span::before"')
        inner = span("", self.words_of(content) if show_label else "")
        return div("form-group s-inline s-paper-group", tag("label", mark, inner, cls=cls))

    def switch(self, content: str, on: bool, disabled: bool | None = None, show_label: bool = False) -> str:
        mark = super().switch(content, on, disabled).replace(' class="s-switch"', ' data-box="+ .paper-switch-slider"')
        round_ = self.setting.attributes.setdefault("switches", self.rng.choice(("", "round")))
        made = div("form-group s-inline s-paper-group", tag("label", mark, span(f"paper-switch-slider {round_}"), cls="paper-switch-2"))
        return div("s-switch_row", made, self.words_of(content)) if show_label else made

    def badge(self, content: str, tone: Tone = "primary") -> str:
        return span(f"badge {_TONE.get(tone, '')}", escape(content), c="badge")

    def alert(self, content: str, tone: Tone = "info", closable: bool = False) -> str:
        close = self.icon_button("close", self.words.t("Close")) if closable else ""
        return div(
            f"alert alert-{_TONE.get(tone, 'primary')} s-row s-g2 s-paper-alert",
            div("s-grow", self.words_of(content)),
            close,
            c="toast",
            role="alert",
        )

    def progress(self, share: float, name: str = "") -> str:
        look = f"{self.rng.choice(('', 'striped'))} {self.rng.choice(('', 'success', 'warning', 'danger', 'secondary'))}"
        return div(
            "progress s-full",
            div(f"bar {look} w-{max(1, round(100 * share))}"),
            c="progress",
            role="progressbar",
            aria_valuenow=round(100 * share),
            aria_label=name or None,
        )

    def chip(self, content: str, chosen: bool = False, removable: bool = False, icon: str | None = None) -> str:
        inner = (self.glyph(icon) if icon else "") + span("", escape(content)) + (self.glyph("close") if removable else "")
        return span(
            f"border {'background-primary' if chosen else 'background-muted'} s-paper-chip",
            inner,
            c="chip",
            role="button",
            aria_pressed=yes(chosen),
            tabindex="0",
        )

    def tab_bar(self, entries: Sequence[str]) -> str:
        return div("s-tab_bar s-paper-tabs", *entries, c="tab_bar", role="tablist")

    def page_attributes(self) -> dict[str, Any]:
        return {"class": "dark"} if self.setting.dark else {}


_CSS = ("@fontsource/neucha/index.css", "@fontsource/patrick-hand-sc/index.css", "papercss/dist/paper.min.css")
KITS = (
    Kit(
        name="papercss", locales=LEFT_TO_RIGHT, platform="web", package="papercss", ui=PaperUi, own_fonts=True, themes={"light": Theme(css=_CSS), "dark": Theme(css=_CSS, dark=True)},
        variables="""
html:root{--s-primary:var(--secondary);--s-on-primary:#fff;--s-surface:var(--main-background);--s-raised:var(--main-background);--s-tint:#f4f4f2;--s-text:var(--primary);--s-muted:#6c757d;
  --s-border:var(--primary-light,#c1c0bd);--s-success:var(--success);--s-warning:#a5822a;--s-danger:var(--danger);--s-info:var(--secondary);--s-radius:4px}
html.dark:root{--s-tint:#4a4a48;--s-muted:#b9b9b9;--s-border:#777;--s-warning:#d4c252}
body{background:var(--s-surface);color:var(--s-text);font-family:'Neucha',cursive;font-size:1.05em;line-height:1.35}body :is(h1,h2,h3,h4,h5,h6){font-family:'Patrick Hand SC',cursive;font-weight:400;line-height:1.2}
h1{font-size:2.2em}h2{font-size:1.8em}h3{font-size:1.5em}h4{font-size:1.3em}h5{font-size:1.15em}h6{font-size:1.05em}
body :is(.paper-btn,input,textarea,select,.form-group,table,ul,ol,p,.alert,.card,.progress,label,.badge){margin:0}.paper-btn{display:inline-flex;align-items:center;justify-content:center;gap:.4em;font-size:1em;padding:.5em 1em}
body .paper-btn.s-wide{width:100%}body .btn-small{padding:.25em .6em;font-size:.9em}body .btn-large{padding:.8em 1.6em}body :is(.s-paper-plain,.s-paper-text){border-color:transparent;background:none;box-shadow:none;color:inherit}
body .s-paper-text{text-decoration:underline}body .s-paper-icon{padding:.45em .5em;flex:none}body .s-paper-field{width:100%;max-width:none;padding:.5em .6em;font-size:1em;display:block}body textarea.s-paper-field{height:auto;max-height:none;resize:none}
body .s-iconed>input{padding-inline-start:2.2em}body .s-paper-group{display:inline-block;flex:none}.s-paper-group label{margin:0!important;font-size:1em}.s-paper-group .paper-check span,.s-paper-group .paper-radio span{display:inline-flex!important;align-items:center}
body .breadcrumb{display:inline-flex;padding:0}body .breadcrumb li::before{content:none}body .breadcrumb li+li::before{content:"/";margin-inline-end:.4em}.breadcrumb{gap:.4em}body ul li::before,body ol li::before{content:none;display:none}body .breadcrumb li+li::before{display:inline}
body ul li,body ol li{text-indent:0;padding-inline-start:0}body .s-list-item{padding:.6em .8em}body nav.s-paper-nav{display:block;border-width:0 0 2px}body nav a,body .s-menu a,body aside a,body .s-tab_bar a,body .s-menu_bar a,body .s-pagination a{background:none;border:0}body .s-tab_bar a.s-tab-chosen{border-bottom:2px solid}body .s-pagination a{border:1px solid var(--s-border)}body .s-pagination a.s-pagination-here{background:var(--s-primary)}body :is(ol,ul){list-style:none}body .s-stepper-native.s-stepper-native{max-width:7em}body .s-paper-card{display:block;width:auto;min-width:0}body .s-paper-card .card-body{padding:.9em}body .badge{white-space:nowrap;flex:none}
body table :is(td,th){padding:.5em .6em}body td.s-end,body th.s-end{text-align:end!important}body .s-paper-alert{padding:.7em 1em}.s-paper-toast.s-paper-toast{padding:.7em 1em;min-width:16em;max-width:24em;display:flex}
.s-paper-chip{display:inline-flex;align-items:center;gap:.35em;padding:.15em .7em;white-space:nowrap}body .s-menu{padding:.3em}body a{color:var(--s-text)}.s-tab-chosen.s-tab{color:var(--s-primary)}body .progress{height:1.3rem}.progress .bar{height:100%;font-size:0}
body .s-stepper>*{width:auto;padding:.4em .7em}body .s-stepper-field{width:100%}body .s-tab-close{padding:.1em}body .s-switch_row{display:inline-flex}
""",
    ),
)  # fmt: skip
