"""UIkit 3. Its dark look is the light one inside `uk-light`, on the kit's secondary ground, as its own pages do it."""

from collections.abc import Sequence
from html import escape
from typing import Any, ClassVar

from datagen.content.locales import LEFT_TO_RIGHT
from datagen.kits import Kit, Theme
from datagen.pages.html import HtmlUi, div, span, tag, yes
from datagen.pages.ui import Tone

_LABEL = {"success": "uk-label-success", "warning": "uk-label-warning", "danger": "uk-label-danger"}
_ALERT = {
    "success": "uk-alert-success",
    "warning": "uk-alert-warning",
    "danger": "uk-alert-danger",
    "info": "uk-alert-primary",
    "primary": "uk-alert-primary",
}


class UikitUi(HtmlUi):
    classes: ClassVar[dict[str, str]] = {
        "text.muted": "uk-text-muted", "text.small": "uk-text-small", "text.strong": "uk-text-bold", "text.caption": "uk-text-meta", "text.success": "uk-text-success",
        "text.warning": "uk-text-warning", "text.danger": "uk-text-danger", "text.primary": "uk-text-primary", "label": "uk-form-label", "link": "", "divider": "uk-hr s-full",
        "heading.1": "uk-h1", "heading.2": "uk-h2", "heading.3": "uk-h3", "heading.4": "uk-h4", "heading.5": "uk-h5", "heading.6": "uk-h6", "button": "uk-button",
        "button.default": "uk-button-default", "button.primary": "uk-button-primary", "button.danger": "uk-button-danger", "button.text": "uk-button-text", "button.small": "uk-button-small",
        "button.large": "uk-button-large", "pressed": "uk-active", "icon_button": "", "icon_button.plain": "uk-icon-link s-uk-plain", "icon_button.default": "uk-icon-button",
        "icon_button.primary": "uk-icon-button s-uk-primary", "button_group": "uk-button-group", "text_field": "uk-input", "search_field": "uk-input", "text_area": "uk-textarea",
        "combo_box": "uk-select", "invalid": "uk-form-danger", "checkbox": "uk-checkbox", "radio": "uk-radio", "slider": "uk-range", "breadcrumb": "uk-breadcrumb", "breadcrumb.item": "",
        "breadcrumb.here": "", "pagination": "uk-pagination", "pagination.item": "", "pagination.item.here": "uk-active", "pagination.link": "", "pagination.here": "",
        "navigation_bar": "uk-navbar-container", "navigation_bar.inner": "s-navigation_bar-inner uk-navbar s-uk-bar", "navigation_bar.brand": "uk-navbar-item uk-logo",
        "navigation_bar.links": "uk-navbar-nav s-navigation_bar-links", "navigation_bar.item": "", "navigation_bar.link": "", "navigation_bar.chosen": "uk-active",
        "sidebar.list": "uk-nav uk-nav-default s-col", "sidebar.item": "s-uk-nav", "sidebar.chosen": "uk-active", "menu": "uk-dropdown uk-open s-uk-menu", "menu.item": "s-uk-nav",
        "menu.chosen": "uk-active", "menu.divider": "uk-nav-divider s-uk-rule", "table": "uk-table uk-table-divider", "table.header": "", "table.cell": "", "table.row": "",
        "table.head_row": "", "table.dense": "uk-table-small", "table.chosen": "uk-active", "list": "uk-list uk-list-divider s-uk-list", "list.framed": "s-list-framed", "list.plain": "",
        "list.item": "s-uk-item", "list.subtitle": "uk-text-meta", "list.meta": "uk-text-meta", "card.body": "uk-card-body", "card.head": "uk-card-header", "card.foot": "uk-card-footer",
        "toast": "uk-notification-message", "toast.neutral": "", "toast.info": "uk-notification-message-primary", "toast.success": "uk-notification-message-success",
        "toast.warning": "uk-notification-message-warning", "toast.danger": "uk-notification-message-danger", "dialog": "uk-modal-dialog s-uk-modal", "dialog.head": "uk-modal-header",
        "dialog.body": "uk-modal-body", "dialog.foot": "uk-modal-footer", "tooltip": "uk-tooltip uk-active s-uk-tooltip", "footer": "uk-section uk-section-muted s-uk-footer",
    }  # fmt: skip

    def k(self, *parts: str) -> str:
        if parts == ("card",):
            return "uk-card uk-card-small " + (
                "uk-card-secondary"
                if self.setting.dark
                else self.rng.choice(("uk-card-default", "uk-card-default", "uk-card-primary uk-light", "uk-card-secondary uk-light"))
            )
        if parts == ("table",):
            return "uk-table " + self.rng.choice(("uk-table-divider", "uk-table-divider", "uk-table-striped"))
        if parts[0] == "button" and parts[1:] == ("button.default",):
            return "uk-button " + str(
                self.setting.attributes.setdefault("buttons", self.rng.choice(("uk-button-default", "uk-button-default", "uk-button-secondary")))
            )
        return super().k(*parts)

    def with_icon(self, field: str, icon: str) -> str:
        return div("uk-inline s-full", span("uk-form-icon", self.icon(icon)), field)

    def tab(self, inner: str, here: bool) -> str:
        return tag(
            "li",
            tag("a", inner, cls="s-g1", href="#", role="presentation"),
            c="tab",
            cls="uk-active" if here else "",
            role="tab",
            aria_selected=yes(here),
        )

    def tab_bar(self, entries: Sequence[str]) -> str:
        look = self.rng.choice(("uk-tab", "uk-tab", "uk-subnav uk-subnav-pill", "uk-subnav uk-subnav-divider"))
        return tag("ul", *entries, c="tab_bar", cls=f"{look} s-uk-tabs", role="tablist")

    def page_dots(self, count: int, here: int) -> str:
        dots = (tag("li", tag("a", href="#"), cls="uk-active" if i == here else "") for i in range(count))
        return tag("ul", *dots, c="pagination", cls="uk-dotnav s-uk-dots", aria_label=f"{here + 1}/{count}")

    def navigation_bar(self, brand: str, links: Sequence[str], chosen: int, end: Sequence[str], logo: str | None = None) -> str:
        bar = super().navigation_bar(brand, links, chosen, end, logo)
        return bar.replace('<li><a data-c="link" class="uk-active"', '<li class="uk-active"><a data-c="link"')

    def badge(self, content: str, tone: Tone = "primary") -> str:
        return span(
            "uk-badge" if len(content) < 4 and tone in ("primary", "danger") else f"uk-label {_LABEL.get(tone, '')}", escape(content), c="badge"
        )

    def alert(self, content: str, tone: Tone = "info", closable: bool = False) -> str:
        close = (
            tag(
                "button",
                self.glyph("close"),
                c="icon_button",
                cls="uk-alert-close uk-close s-uk-plain",
                type="button",
                aria_label=self.words.t("Close"),
            )
            if closable
            else ""
        )
        return div(f"{_ALERT.get(tone, '')} s-uk-alert", self.words_of(content), close, c="toast", role="alert", uk_alert=True)

    def progress(self, share: float, name: str = "") -> str:
        return tag("progress", c="progress", cls="uk-progress", value=round(100 * share), max=100, aria_label=name or None)

    def page_attributes(self) -> dict[str, Any]:
        return {"class": "uk-light"} if self.setting.dark else {}


_CSS = ("uikit/dist/css/uikit.min.css",)
KITS = (
    Kit(
        name="uikit", locales=LEFT_TO_RIGHT, platform="web", package="uikit", ui=UikitUi, themes={"light": Theme(css=_CSS), "dark": Theme(css=_CSS, dark=True)},
        variables="""
:root{--s-primary:#1e87f0;--s-on-primary:#fff;--s-surface:#fff;--s-raised:#fff;--s-tint:#f8f8f8;--s-text:#666;--s-muted:#777;--s-border:#e5e5e5;--s-success:#32d296;--s-warning:#faa05a;
  --s-danger:#f0506e;--s-info:#1e87f0;--s-radius:0;--s-shadow:0 5px 15px rgb(0 0 0/.12)}
.s-dark{--s-primary:#fff;--s-on-primary:#222;--s-surface:#222;--s-raised:#2b2b2b;--s-tint:#333;--s-text:rgb(255 255 255/.75);--s-muted:rgb(255 255 255/.6);--s-border:rgb(255 255 255/.25);
  --s-info:#54a8ff}
body{background:var(--s-surface);color:var(--s-text)}body{color:var(--s-text);line-height:1.5}
body[class] :is(.uk-h1,.uk-h2,.uk-h3,.uk-h4,.uk-h5,.uk-h6){margin:0}.uk-h1{font-size:2rem}.uk-h2{font-size:1.6rem}body[class] .uk-hr{margin:.4em 0}
.uk-button{display:inline-flex;align-items:center;justify-content:center;gap:.5em;width:auto;padding-inline:1.2em}.uk-button.s-wide{width:100%}.uk-button-text{padding:0}
body[class] .s-uk-plain{display:inline-flex;padding:.5em;background:none;border:0;color:inherit;flex:none;width:auto;height:auto}.s-uk-plain svg{width:1.1em;height:1.1em}
body[class] .s-uk-primary{background:#1e87f0;color:#fff}.uk-icon-button{flex:none;border:0;padding:0}.uk-button-group>*+*{margin-inline-start:-1px}.uk-checkbox,.uk-radio{flex:none}body .uk-range{height:15px}.uk-range::-webkit-slider-thumb{margin-top:-6px}.uk-range::-webkit-slider-runnable-track{background:rgb(128 128 128/.4)!important}body[class] .s-check :is(.uk-checkbox,.uk-radio){margin:0}
.uk-light .uk-section-muted{background:var(--s-tint)}.uk-light :is(.s-switch,.s-slider)::before{background:#999}.uk-light .uk-active.uk-button{background:rgb(255 255 255/.2)}
body[class] .uk-breadcrumb{display:inline-flex;margin:0;align-items:center}.uk-breadcrumb>*{flex:none}body[class] .uk-pagination{margin:0;flex-wrap:nowrap}.uk-pagination>*{list-style:none}
.s-uk-bar{flex-wrap:nowrap;padding-block:0}.uk-navbar-container{flex:none}body[class] .uk-navbar-nav{margin:0;gap:1.2em;align-self:stretch}.uk-navbar-nav>li>a{min-height:3.6em;font-size:.85rem}body[class] .uk-navbar-item{min-height:3.2em;padding:0;font-size:1.25rem}
.uk-light .uk-navbar-container{background:#2b2b2b}body[class] .s-uk-tabs{margin:0;overflow:hidden;padding:0;flex-wrap:nowrap}body[class] .s-uk-tabs>*{padding-inline-start:0;flex:none}body[class] .s-uk-tabs.uk-subnav>*{padding:0 .5em}.s-uk-tabs>*>a{display:flex;align-items:center}.s-uk-tabs.uk-tab::before{left:0}
.s-uk-dots{margin:0!important;align-self:center}.s-uk-nav{padding:.35em .6em;color:var(--s-muted);text-decoration:none!important;display:flex}.s-uk-nav.uk-active{color:var(--s-text);font-weight:600;background:var(--s-tint)}
.s-uk-menu.s-uk-menu{position:static;display:block;padding:.8em;min-width:12em;max-width:20em;background:var(--s-raised);color:var(--s-text)}.s-uk-rule{margin:.4em 0!important}
body[class] .uk-table{margin:0;color:inherit}.uk-light .uk-table .uk-active{background:rgb(255 255 255/.1)}body[class] .s-uk-list{margin:0;padding:0}body[class] .s-uk-item.s-uk-item{padding:.7em .8em;margin:0}body[class] .uk-card{min-width:0}
body[class] .uk-card :is(.s-line,.uk-h5){color:inherit}.uk-card-secondary,.uk-card-primary{--s-text:rgb(255 255 255/.8);--s-muted:rgb(255 255 255/.6)}.uk-label,.uk-badge{white-space:nowrap}
body[class] .s-uk-alert{margin:0;position:relative;padding:.9em 2.6em .9em 1em;background:var(--s-tint);color:var(--s-text)}.uk-light .s-uk-alert.s-uk-alert{background:#333}
body[class] .uk-alert-primary.s-uk-alert{background:#d8eafc;color:#1e87f0}body[class] .uk-alert-success.s-uk-alert{background:#edfbf6;color:#1c9c6c}body[class] .uk-alert-warning.s-uk-alert{background:#fff6ee;color:#c96d22}
body[class] .uk-alert-danger.s-uk-alert{background:#fef4f6;color:#f0506e}.uk-alert-close{position:absolute;top:.6em;right:.6em}
.uk-notification-message{display:flex!important;margin:0;min-width:16em;max-width:24em;padding:.9em 1em;font-size:1rem;background:var(--s-tint)}.uk-notification-message .uk-icon-link{color:inherit}
.s-uk-modal.s-uk-modal{opacity:1;transform:none;margin:0;background:var(--s-raised);color:var(--s-text)}.uk-light .uk-modal-dialog :is(.uk-modal-header,.uk-modal-footer){background:#333}
.s-uk-modal :is(.uk-modal-header,.uk-modal-body,.uk-modal-footer){padding:.9em 1.3em}.s-uk-tooltip.s-uk-tooltip{display:block;position:static;margin:0}body[class] .uk-progress{margin:0;height:.9em}body[class] .s-uk-footer{padding:2em 1em}
""",
    ),
)  # fmt: skip
