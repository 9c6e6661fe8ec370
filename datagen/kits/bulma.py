"""Bulma 1: CSS only, colours in variables, light and dark."""

from collections.abc import Sequence
from html import escape
from typing import Any, ClassVar

from datagen.kits import Kit, Theme
from datagen.kits.wrap import wrap
from datagen.pages.html import HtmlUi, div, span, tag, yes
from datagen.pages.ui import Tone

_IS = {"primary": "is-primary", "success": "is-success", "warning": "is-warning", "danger": "is-danger", "info": "is-info", "neutral": ""}


class BulmaUi(HtmlUi):
    classes: ClassVar[dict[str, str]] = {
        "text.muted": "has-text-grey", "text.small": "is-size-7", "text.strong": "has-text-weight-semibold", "text.success": "has-text-success", "text.danger": "has-text-danger",
        "text.primary": "has-text-primary", "text.info": "has-text-info", "label": "label s-bulma-label", "link": "", "divider": "s-full s-bulma-rule",
        "heading.1": "title is-3", "heading.2": "title is-4", "heading.3": "title is-5", "heading.4": "title is-5", "heading.5": "title is-6", "heading.6": "title is-6",
        "button": "button", "button.default": "", "button.primary": "is-primary", "button.danger": "is-danger", "button.text": "is-text", "button.small": "is-small",
        "button.large": "is-medium", "pressed": "is-active", "icon_button": "button s-bulma-square", "icon_button.plain": "is-ghost", "icon_button.default": "",
        "icon_button.primary": "is-primary", "button_group": "field has-addons s-bulma-group", "text_field": "input", "search_field": "input is-rounded", "text_area": "textarea",
        "combo_box": "s-full", "invalid": "is-danger", "check": "checkbox s-check", "list_box": "dropdown box s-bulma-listbox", "list_box.item": "dropdown-item", "list_box.chosen": "is-active",
        "breadcrumb.around": "breadcrumb", "breadcrumb": "s-bulma-crumbs", "breadcrumb.item": "", "breadcrumb.here": "",
        "navigation_bar": "navbar", "navigation_bar.brand": "navbar-item s-bulma-brand", "navigation_bar.inner": "s-navigation_bar-inner", "navigation_bar.links": "s-navigation_bar-links", "navigation_bar.item": "",
        "navigation_bar.link": "navbar-item", "navigation_bar.chosen": "is-active", "sidebar.list": "menu menu-list s-col", "sidebar.item": "", "sidebar.chosen": "is-active",
        "menu": "dropdown dropdown-content s-bulma-menu", "menu.item": "dropdown-item", "menu.chosen": "is-active", "menu.divider": "dropdown-divider", "table": "table", "table.header": "",
        "table.cell": "", "table.row": "", "table.head_row": "", "table.dense": "is-narrow", "table.grid": "is-bordered", "table.chosen": "is-selected", "list": "panel s-bulma-list",
        "list.framed": "", "list.plain": "s-bulma-flat", "list.item": "panel-block s-bulma-item", "list.chosen": "is-active s-list-chosen", "list.subtitle": "is-size-7", "card": "card",
        "card.head": "card-header s-bulma-head", "card.body": "card-content", "card.foot": "card-footer s-bulma-foot", "badge": "tag", "toast": "notification s-bulma-toast",
        "toast.neutral": "is-dark", "toast.info": "is-info", "toast.success": "is-success", "toast.warning": "is-warning", "toast.danger": "is-danger", "dialog": "modal-card s-bulma-modal",
        "dialog.head": "modal-card-head", "dialog.body": "modal-card-body", "dialog.foot": "modal-card-foot", "footer": "footer s-bulma-footer", "table.sort": "",
    }  # fmt: skip

    def k(self, *parts: str) -> str:
        if parts == ("navigation_bar",):
            return "navbar " + self.rng.choice(("", "", "is-primary", "is-dark", "is-info", "is-link"))
        if parts[0] == "button" and parts[1:] == ("button.primary",):
            look = self.setting.attributes.setdefault("buttons", self.rng.choice(("is-primary", "is-link", "is-info")))
            return f"button {look}"
        if parts == ("table",):
            return "table " + self.rng.choice(("", "is-striped", "is-hoverable"))
        return super().k(*parts)

    def with_icon(self, field: str, icon: str) -> str:
        return div("control has-icons-left", field, span("icon is-left", self.icon(icon)))

    def combo_box(self, *arguments: Any, **named: Any) -> str:
        return wrap(super().combo_box(*arguments, **named), "select s-full")

    def field(self, *arguments: Any, **named: Any) -> str:
        return super().field(*arguments, **named).replace("s-text-caption", "help").replace("s-text-danger", "help is-danger")

    def tab(self, inner: str, here: bool) -> str:
        return tag(
            "li",
            tag("a", inner, cls="s-row s-g1", href="#", role="presentation"),
            c="tab",
            cls="is-active" if here else "",
            role="tab",
            aria_selected=yes(here),
        )

    def tab_bar(self, entries: Sequence[str]) -> str:
        look = self.rng.choice(("", "", "is-boxed", "is-toggle"))
        return div(f"tabs {look} s-bulma-tabs", tag("ul", *entries, role="presentation"), c="tab_bar", role="tablist")

    def pagination(self, pages: int, here: int) -> str:
        links = [
            tag(
                "li",
                tag(
                    "a",
                    str(page),
                    c="link",
                    cls="pagination-link" + (" is-current" if page == here else ""),
                    href="#",
                    aria_current="page" if page == here else None,
                ),
            )
            for page in range(1, pages + 1)
        ]
        ends = (
            tag("a", escape(self.words.t(word)), c="link", cls=f"pagination-{part}", href="#")
            for part, word in (("previous", "Previous"), ("next", "Next"))
        )
        look = self.rng.choice(("", "is-rounded"))
        return tag("nav", *ends, tag("ul", *links, cls="pagination-list"), c="pagination", cls=f"pagination {look} s-bulma-pages", role="navigation")

    def card(self, *parts: str, title: str | None = None, media: str | None = None, footer: str | None = None, chosen: bool = False) -> str:
        made = super().card(*parts, title=title, media=div("card-image", media) if media else None, footer=footer, chosen=chosen)
        return made.replace('class="title is-6"', 'class="card-header-title"') if title else made

    def badge(self, content: str, tone: Tone = "primary") -> str:
        return span(
            f"tag {_IS.get(tone, '')} {self.setting.attributes.setdefault('tags', self.rng.choice(('', 'is-light', 'is-rounded')))}",
            escape(content),
            c="badge",
        )

    def chip(self, content: str, chosen: bool = False, removable: bool = False, icon: str | None = None) -> str:
        close = tag("button", cls="delete is-small", type="button") if removable else ""
        glyph = span("icon is-small", self.glyph(icon)) if icon else ""
        return span(
            f"tag is-medium is-rounded {'is-primary' if chosen else ''}",
            glyph,
            span("", escape(content)),
            close,
            c="chip",
            role="button",
            aria_pressed=yes(chosen),
            tabindex="0",
        )

    def alert(self, content: str, tone: Tone = "info", closable: bool = False) -> str:
        if self.rng.random() < 0.4:
            return tag(
                "article", div("message-body", self.words_of(content)), c="toast", cls=f"message {_IS.get(tone, '')} s-bulma-message", role="alert"
            )
        close = tag("button", c="icon_button", cls="delete", type="button", aria_label=self.words.t("Close"), data_icon="close") if closable else ""
        return div(
            f"notification {_IS.get(tone, '')} {self.rng.choice(('', 'is-light'))} s-bulma-alert",
            close,
            self.words_of(content),
            c="toast",
            role="alert",
        )

    def progress(self, share: float, name: str = "") -> str:
        look = f"{self.rng.choice(('is-primary', 'is-info', 'is-success', 'is-link', ''))} {self.rng.choice(('', 'is-small'))}"
        return tag("progress", c="progress", cls=f"progress {look} s-bulma-progress", value=round(100 * share), max=100, aria_label=name or None)


_CSS = ("bulma/css/bulma.min.css",)
KITS = (
    Kit(
        name="bulma", platform="web", package="bulma", ui=BulmaUi,
        themes={"light": Theme(css=_CSS, attributes={"data-theme": "light"}), "dark": Theme(css=_CSS, dark=True, attributes={"data-theme": "dark"})},
        variables="""
html[data-theme]{--s-primary:var(--bulma-primary);--s-on-primary:var(--bulma-primary-invert);--s-surface:var(--bulma-scheme-main);--s-raised:var(--bulma-scheme-main);
  --s-tint:var(--bulma-scheme-main-ter);--s-text:var(--bulma-text);--s-muted:var(--bulma-text-weak);--s-border:var(--bulma-border);--s-success:var(--bulma-success);
  --s-warning:var(--bulma-warning);--s-danger:var(--bulma-danger);--s-info:var(--bulma-info);--s-radius:var(--bulma-radius)}
html[data-theme=dark]{--s-raised:var(--bulma-scheme-main-bis)}
body[class] .title{margin:0}body[class] .title:not(:last-child){margin:0}body[class] .s-bulma-label{margin:0;display:inline}.s-bulma-rule{margin:.4em 0;height:1px;background:var(--s-border)}
body[class] .button.is-text{color:var(--bulma-link);text-decoration:underline}body[class] .button{height:auto;gap:.4em}body[class] .s-bulma-square{padding:.55em .7em;flex:none}
.s-bulma-square.is-ghost{color:inherit}.s-bulma-group{display:inline-flex;margin:0}.s-bulma-group>.button{border-radius:0;margin-inline-end:-1px}
.s-bulma-group>:first-child{border-start-start-radius:var(--bulma-radius);border-end-start-radius:var(--bulma-radius)}.s-bulma-group>:last-child{border-start-end-radius:var(--bulma-radius);border-end-end-radius:var(--bulma-radius)}
.control.has-icons-left{width:100%}.control>.icon{color:var(--s-muted)}.select>select{width:100%}.s-bulma-listbox{padding:.3em;overflow:hidden}body[class] .s-bulma-listbox.s-bulma-listbox{margin:0}
.s-bulma-tabs{overflow:hidden;margin:0!important}.s-bulma-tabs a{margin:0!important;justify-content:center}.s-bulma-pages{margin:0!important;max-width:100%}body[class] .s-bulma-pages .pagination-list{flex-wrap:nowrap}.s-bulma-pages li{list-style:none}
body[class] .breadcrumb.breadcrumb{margin:0}.s-bulma-crumbs{display:inline-flex}.s-bulma-crumbs [data-c=text]{padding:0 .75em}
body[class] .navbar{min-height:0;flex:none}.s-bulma-brand{font-weight:700}.s-bulma-brand.navbar-item{display:flex}.navbar-item{display:inline-flex}
.navbar:is(.is-primary,.is-dark,.is-info,.is-link) :is(.icon_button,.s-bulma-square.is-ghost,.navbar-item){color:var(--bulma-navbar-item-color)}
body[class] .menu-list a{display:flex;padding:.5em .75em}.s-bulma-menu{min-width:12em;max-width:20em;overflow:hidden}.s-bulma-menu .dropdown-item{display:flex;padding-inline-end:1em;white-space:normal}
.dropdown-item[aria-disabled]{opacity:.5}.s-bulma-menu .dropdown-divider{display:block}
body[class] .panel.s-bulma-list{margin:0;overflow:hidden}.s-bulma-flat{box-shadow:none!important}body[class] .s-bulma-item{display:flex;list-style:none}body[class] .s-list-chosen{border-inline-start:3px solid var(--s-primary)}
body[class] .card-header-title{margin:0;padding:.75em 1em;font-size:1em}.s-bulma-foot{padding:.6em 1em;display:block}body[class] .table.s-full{margin:0}.card-image{line-height:0}
body[class] .notification.s-bulma-alert,body[class] .message.s-bulma-message{margin:0;padding-block:.9em}body[class] .message.s-bulma-message{padding:0}.message-body{padding:.9em 1.1em}
.s-bulma-toast{min-width:15em;max-width:23em;padding:.9em 1.1em;margin:0!important}.s-bulma-toast .button{color:inherit!important}
body[class] .s-bulma-progress.s-bulma-progress,body[class] progress{margin:0}.s-bulma-modal.s-bulma-modal{margin:0;background:var(--s-raised);border-radius:var(--bulma-radius-large)}.s-bulma-menu.dropdown,.s-bulma-listbox.dropdown{display:block}.navbar>.s-navigation_bar-inner{width:100%}.control.has-icons-left .icon .s-icon{width:1.1em;height:1.1em}.s-bulma-modal .modal-card-head{padding:1em 1.3em}.s-bulma-modal .modal-card-body{padding:1em 1.3em}
.s-bulma-modal .modal-card-foot{padding:1em 1.3em}body[class] .s-bulma-footer{padding:2em 1em}body[class] .help{margin:0}
body[class] li{margin:0}
""",
    ),
)  # fmt: skip
