"""PatternFly 6: Red Hat's consoles. Fields are frames around bare native controls; most parts have an element for every layer."""

from collections.abc import Sequence
from html import escape
from typing import Any, ClassVar

from datagen.kits import Kit, Theme
from datagen.kits.wrap import disabled as is_disabled
from datagen.kits.wrap import wrap
from datagen.pages.html import HtmlUi, div, span, tag, yes
from datagen.pages.ui import Entry, Tone

_P = "pf-v6-c-"
_STATUS = {"success": "pf-m-success", "warning": "pf-m-warning", "danger": "pf-m-danger", "info": "pf-m-info", "primary": "pf-m-info"}


class PatternflyUi(HtmlUi):
    classes: ClassVar[dict[str, str]] = {
        "label": "pf-v6-c-form__label-text", "link": "pf-v6-c-button pf-m-link pf-m-inline", "divider": "pf-v6-c-divider", "heading.1": "pf-v6-c-title pf-m-2xl",
        "heading.2": "pf-v6-c-title pf-m-xl", "heading.3": "pf-v6-c-title pf-m-lg", "heading.4": "pf-v6-c-title pf-m-lg", "heading.5": "pf-v6-c-title pf-m-md",
        "heading.6": "pf-v6-c-title pf-m-md", "button": "pf-v6-c-button", "button.primary": "pf-m-primary", "button.default": "pf-m-secondary", "button.danger": "pf-m-danger",
        "button.text": "pf-m-link", "button.small": "pf-m-small", "button.large": "pf-m-display-lg", "pressed": "pf-m-clicked", "icon_button": "pf-v6-c-button s-pf-icon",
        "icon_button.plain": "pf-m-plain", "icon_button.default": "pf-m-control", "icon_button.primary": "pf-m-primary", "text_field": "", "search_field": "", "text_area": "",
        "combo_box": "", "invalid": "s-pf-invalid", "checkbox": "pf-v6-c-check__input", "radio": "pf-v6-c-radio__input", "check.label": "pf-v6-c-check__label", "switch": "pf-v6-c-switch__input",
        "tab_bar": "pf-v6-c-tabs", "breadcrumb": "pf-v6-c-breadcrumb__list", "breadcrumb.item": "pf-v6-c-breadcrumb__item", "breadcrumb.here": "", "breadcrumb.around": "pf-v6-c-breadcrumb",
        "pagination": "pf-v6-c-toggle-group", "pagination.item": "pf-v6-c-toggle-group__item", "pagination.item.here": "", "pagination.link": "pf-v6-c-toggle-group__button s-pf-page",
        "pagination.here": "pf-m-selected", "navigation_bar": "pf-v6-c-masthead s-pf-masthead", "navigation_bar.brand": "pf-v6-c-masthead__brand s-pf-brand",
        "navigation_bar.links": "pf-v6-c-nav__list s-navigation_bar-links", "navigation_bar.item": "pf-v6-c-nav__item", "navigation_bar.link": "pf-v6-c-nav__link",
        "navigation_bar.chosen": "pf-m-current", "sidebar.list": "pf-v6-c-nav s-col", "sidebar.item": "pf-v6-c-nav__link", "sidebar.chosen": "pf-m-current",
        "menu": "pf-v6-c-menu", "menu.divider": "pf-v6-c-divider", "menu.item": "pf-v6-c-menu__item", "menu.chosen": "pf-m-selected s-menu-chosen",
        "table": "pf-v6-c-table", "table.header": "pf-v6-c-table__th", "table.cell": "pf-v6-c-table__td", "table.row": "pf-v6-c-table__tr", "table.head_row": "pf-v6-c-table__tr",
        "table.dense": "pf-m-compact", "list": "pf-v6-c-data-list", "list.framed": "", "list.plain": "pf-m-compact", "list.item": "pf-v6-c-data-list__item s-pf-item",
        "card": "pf-v6-c-card", "card.head": "pf-v6-c-card__title", "card.body": "pf-v6-c-card__body", "card.foot": "pf-v6-c-card__footer", "card.chosen": "pf-m-selected s-card-chosen",
        "badge": "pf-v6-c-badge", "badge.primary": "pf-m-unread", "badge.neutral": "pf-m-read", "toast": "pf-v6-c-alert s-pf-alert", "toast.neutral": "pf-m-custom",
        "toast.info": "pf-m-info", "toast.success": "pf-m-success", "toast.warning": "pf-m-warning", "toast.danger": "pf-m-danger", "dialog": "pf-v6-c-modal-box s-pf-modal",
        "dialog.head": "pf-v6-c-modal-box__header s-pf-modal-head", "dialog.body": "pf-v6-c-modal-box__body", "dialog.foot": "pf-v6-c-modal-box__footer", "tooltip": "pf-v6-c-tooltip pf-v6-c-tooltip__content",
    }  # fmt: skip

    def text_field(self, *arguments: Any, icon: str | None = None, **named: Any) -> str:
        return self._framed(super().text_field(*arguments, **named), icon)

    def password_field(self, *arguments: Any, **named: Any) -> str:
        return self._framed(super().password_field(*arguments, **named))

    def text_area(self, *arguments: Any, **named: Any) -> str:
        return self._framed(super().text_area(*arguments, **named), cls="pf-m-textarea")

    def combo_box(self, *arguments: Any, **named: Any) -> str:
        arrow = span(_P + "form-control__utilities", span(_P + "form-control__toggle-icon", self.glyph("chevron-down")))
        return self._framed(super().combo_box(*arguments, **named), after=arrow)

    def search_field(self, placeholder: str, value: str = "") -> str:
        inner = tag(
            "input",
            c="search_field",
            cls=_P + "text-input-group__text-input",
            type="search",
            value=value or None,
            placeholder=placeholder,
            aria_label=placeholder,
        )
        glyph = span(_P + "text-input-group__icon", self.glyph("search"))
        return wrap(
            inner,
            _P + "text-input-group",
            f'<span class="{_P}text-input-group__main pf-m-icon"><span class="{_P}text-input-group__text">{glyph}',
            "</span></span>",
        )

    def _framed(self, control: str, icon: str | None = None, cls: str = "", after: str = "") -> str:
        glyph = span(_P + "form-control__icon s-pf-lead", self.glyph(icon)) if icon else ""
        problem = "s-pf-invalid" in control
        if problem:
            after += span(_P + "form-control__utilities", span(_P + "form-control__icon pf-m-status", self.glyph("error")))
        state = ("pf-m-disabled " if is_disabled(control) else "") + ("pf-m-error " if problem else "") + ("s-pf-led " if icon else "")
        return wrap(control.replace(" s-pf-invalid", ""), f"{_P}form-control {cls} {state}", glyph, after)

    def date_picker(self, name: str, value: str, iso: str) -> str:
        field = self._framed(tag("input", c="date_picker", type="text", value=value, aria_label=name))
        button = tag(
            "button",
            span(_P + "button__icon", self.glyph("calendar")),
            cls=_P + "button pf-m-control",
            type="button",
            aria_label=self.words.t("Calendar"),
        )
        inner = div(_P + "input-group__item pf-m-fill", field.replace(' data-c="date_picker"', "")) + div(_P + "input-group__item", button)
        return div(_P + "input-group s-inline", inner, c="date_picker", data_box="")

    def stepper(self, name: str, value: int) -> str:
        less, more = (
            div(
                _P + "input-group__item",
                tag(
                    "button",
                    span(_P + "button__icon", span(_P + "number-input__icon", self.glyph(sign))),
                    cls=_P + "button pf-m-control",
                    type="button",
                ),
            )
            for sign in ("minus", "plus")
        )
        field = span(_P + "form-control", tag("input", type="number", value=value, aria_label=name, style="width:4em"))
        return div(_P + "number-input s-inline", div(_P + "input-group", less, div(_P + "input-group__item", field), more), c="stepper", data_box="")

    def switch(self, content: str, on: bool, disabled: bool | None = None, show_label: bool = False) -> str:
        mark = super().switch(content, on, disabled).replace("<input", f'<input data-box="+ .{_P}switch__toggle"', 1)
        label = span(_P + "switch__label", self.words_of(content)) if show_label else ""
        toggle = span(_P + "switch__toggle", "" if show_label else span(_P + "switch__toggle-icon", self.glyph("check")))
        return tag("label", mark, toggle, label, cls=_P + "switch s-inline")

    def slider(self, name: str, share: float) -> str:
        rail = div(_P + "slider__rail", div(_P + "slider__rail-track"))
        thumb = div(_P + "slider__thumb", role="slider", aria_valuenow=round(100 * share), aria_label=name, tabindex="0")
        return div(
            _P + "slider",
            div(_P + "slider__main", rail, thumb),
            c="slider",
            data_box=f".{_P}slider__rail-track, .{_P}slider__thumb",
            style=f"--pf-v6-c-slider--value:{share:.0%}",
        )

    def tab(self, inner: str, here: bool) -> str:
        link = tag("a", span(_P + "tabs__item-text s-row s-g1", inner), cls=_P + "tabs__link", href="#", role="presentation")
        return tag("li", link, c="tab", cls=_P + "tabs__item" + (" pf-m-current" if here else ""), role="tab", aria_selected=yes(here))

    def tab_bar(self, entries: Sequence[str]) -> str:
        look = self.rng.choice(("", "", "pf-m-box"))
        return div(f"{_P}tabs {look}", tag("ul", *entries, cls=_P + "tabs__list", role="presentation"), c="tab_bar", role="tablist")

    def breadcrumb(self, names: Sequence[str]) -> str:
        divider = span(_P + "breadcrumb__item-divider", self.glyph("chevron-right"))
        first, *others = super().breadcrumb(names).replace('data-c="link"', f'data-c="link" class="{_P}breadcrumb__link"').split("<li")
        return "<li".join((first, others[0], *(item.replace(">", f">{divider}", 1) for item in others[1:])))

    def steps(self, names: Sequence[str], here: int) -> str:
        entries = []
        for i, name in enumerate(names):
            mark = span(_P + "progress-stepper__step-icon", self.glyph("check-circle") if i < here else self.glyph("circle") if i == here else "")
            title = div(_P + "progress-stepper__step-title", self.words_of(name))
            look = "pf-m-success" if i < here else "pf-m-current" if i == here else "pf-m-pending"
            entries.append(
                tag(
                    "li",
                    div(_P + "progress-stepper__step-connector", mark),
                    div(_P + "progress-stepper__step-main", title),
                    cls=f"{_P}progress-stepper__step {look}",
                )
            )
        return tag("ol", *entries, cls=_P + "progress-stepper")

    def navigation_bar(self, *arguments: Any, **named: Any) -> str:
        bar = super().navigation_bar(*arguments, **named)
        return bar.replace("<ul", f'<span class="{_P}nav pf-m-horizontal s-pf-nav"><ul', 1).replace("</ul>", "</ul></span>", 1)

    def menu_item(self, entry: Entry, here: bool) -> str:
        glyph = span(_P + "menu__item-icon", self.icon(entry.icon)) if entry.icon else ""
        shortcut = self.words_of(entry.shortcut, "s-text-caption") if entry.shortcut else ""
        inner = span(_P + "menu__item-main", glyph, span(_P + "menu__item-text s-grow", escape(entry.label)), shortcut)
        link = tag("a", inner, c="menu_item", cls=_P + "menu__item", role="menuitem", aria_disabled=yes(entry.disabled or None), href="#")
        state = ("pf-m-disabled " if entry.disabled else "") + ("s-menu-chosen" if here else "")
        return div(f"{_P}menu__list-item {state}", link)

    def badge(self, content: str, tone: Tone = "primary") -> str:
        if tone in ("primary", "neutral") and len(content) < 4:
            return super().badge(content, tone)
        look = _STATUS.get(tone, "") if tone != "primary" else "pf-m-blue"
        return span(f"{_P}label pf-m-compact {look}", span(_P + "label__content", span(_P + "label__text", escape(content))), c="badge")

    def chip(self, content: str, chosen: bool = False, removable: bool = False, icon: str | None = None) -> str:
        glyph = span(_P + "label__icon", self.glyph(icon)) if icon else ""
        close = span(_P + "label__actions", self.glyph("close")) if removable else ""
        inner = span(_P + "label__content", glyph, span(_P + "label__text", escape(content)))
        look = "pf-m-blue" if chosen else self.setting.attributes.setdefault("chip", self.rng.choice(("pf-m-outline", "pf-m-filled")))
        return span(f"{_P}label {look}", inner, close, c="chip", role="button", aria_pressed=yes(chosen), tabindex="0")

    def alert(self, content: str, tone: Tone = "info", closable: bool = False) -> str:
        glyph = {"success": "check-circle", "warning": "warning", "danger": "error"}.get(tone, "info")
        close = div(_P + "alert__action", self.icon_button("close", self.words.t("Close"))) if closable else ""
        title = tag("p", self.words_of(content), cls=_P + "alert__title")
        return div(
            f"{_P}alert pf-m-inline {_STATUS.get(tone, 'pf-m-custom')}",
            div(_P + "alert__icon", self.icon(glyph)),
            title,
            close,
            c="toast",
            role="alert",
        )

    def progress(self, share: float, name: str = "") -> str:
        size = self.rng.choice(("", "", "pf-m-sm", "pf-m-lg"))
        tone = self.rng.choice(("", "", "", "pf-m-success", "pf-m-danger"))
        measure = span(_P + "progress__measure", self.words_of(f"{share:.0%}")) if self.rng.random() < 0.6 else ""
        bar = div(
            _P + "progress__bar",
            div(_P + "progress__indicator", style=f"width:{share:.0%}"),
            c="progress",
            role="progressbar",
            aria_valuenow=round(100 * share),
            aria_label=name or None,
        )
        return div(f"{_P}progress {size} {tone} s-full s-pf-progress", div(_P + "progress__status", measure) if measure else "", bar)


_CSS = ("@patternfly/patternfly/patternfly.min.css",)
KITS = (
    Kit(
        name="patternfly", platform="web", package="@patternfly/patternfly", ui=PatternflyUi, own_fonts=True,
        themes={
            "light": Theme(css=_CSS), "dark": Theme(css=_CSS, dark=True, classes="pf-v6-theme-dark"), "high_contrast": Theme(css=_CSS, classes="pf-v6-theme-high-contrast"),
            "high_contrast_dark": Theme(css=_CSS, dark=True, classes="pf-v6-theme-high-contrast pf-v6-theme-dark"), "felt": Theme(css=_CSS, classes="pf-v6-theme-felt"),
        },
        variables="""
.pf-v6-c-slider{--pf-v6-c-slider__rail-track--before--base--BackgroundColor:rgb(128 128 128/.4)}
:root{--s-primary:var(--pf-t--global--color--brand--default);--s-on-primary:var(--pf-t--global--text--color--on-brand--default);
  --s-surface:var(--pf-t--global--background--color--secondary--default);--s-raised:var(--pf-t--global--background--color--primary--default);
  --s-tint:color-mix(in srgb,var(--pf-t--global--background--color--primary--default) 92%,var(--pf-t--global--text--color--regular));
  --s-text:var(--pf-t--global--text--color--regular);--s-muted:var(--pf-t--global--text--color--subtle);--s-border:var(--pf-t--global--border--color--default);
  --s-success:var(--pf-t--global--color--status--success--default);--s-warning:var(--pf-t--global--color--status--warning--default);
  --s-danger:var(--pf-t--global--color--status--danger--default);--s-info:var(--pf-t--global--color--status--info--default);--s-radius:var(--pf-t--global--border--radius--small)}
body{font-family:var(--pf-t--global--font--family--body);background:var(--s-surface);color:var(--s-text)}
body{font-size:var(--pf-t--global--font--size--body--default)}
.pf-v6-c-button{gap:.4em;align-items:center;justify-content:center;display:inline-flex}.s-line>.pf-v6-c-button{display:inline}
.s-pf-masthead{display:block;padding:0}.s-pf-nav{min-width:0;overflow:hidden;display:flex}.s-pf-nav .pf-v6-c-nav__link{white-space:nowrap;display:flex}.s-pf-brand{font-weight:700;color:inherit;display:flex}
.s-pf-lead{position:static;padding-inline-start:.7em;display:flex;align-items:center}.pf-v6-c-form-control.s-pf-led{display:flex}body[class] .s-pf-led{display:flex;align-items:center}.s-pf-led>input{flex:1}.s-pf-progress{display:flex;gap:.6em;align-items:center;flex-direction:row-reverse}.s-pf-progress>.pf-v6-c-progress__bar{flex:1}
body[class] .s-pf-item{display:flex;flex-direction:row;padding:.7em 1em}.s-pf-modal{position:relative}.s-pf-modal .s-pf-modal-head{display:flex;flex-direction:row}body[class] .pf-v6-c-nav__link{padding:.45em .8em}.pf-v6-c-nav{padding:0;gap:2px}
.s-pf-alert{display:flex;min-width:16em;max-width:24em;padding:.8em 1em;background:var(--s-raised);color:var(--s-text)}.pf-v6-c-label,.pf-v6-c-label__content{align-items:center}
.pf-v6-c-progress{min-width:0}.pf-v6-c-menu{max-width:20em;padding-block:.4em;overflow:hidden}.pf-v6-c-tooltip__content{max-width:16em}
.pf-v6-c-table{background:var(--s-raised)}.pf-v6-c-table .s-end{text-align:end}.pf-v6-c-progress-stepper{width:100%}.s-pf-page{text-decoration:none}
.pf-v6-c-tabs{overflow:hidden}.pf-v6-c-form__label-text{font-weight:500}
""",
    ),
)  # fmt: skip
