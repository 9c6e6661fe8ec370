"""Element Plus: the style sheet of the Vue library, on the markup that its components make."""

from collections.abc import Sequence
from html import escape
from typing import Any, ClassVar

from datagen.content.locales import LEFT_TO_RIGHT
from datagen.kits import Kit, Theme
from datagen.kits.wrap import disabled as is_disabled
from datagen.kits.wrap import wrap
from datagen.pages.html import HtmlUi, div, span, tag, yes
from datagen.pages.ui import Tone

_TYPE = {"primary": "primary", "success": "success", "warning": "warning", "danger": "danger", "info": "info", "neutral": "info"}
_ALERT = {"success": "success", "warning": "warning", "danger": "error", "info": "info", "primary": "info"}


class ElementPlusUi(HtmlUi):
    classes: ClassVar[dict[str, str]] = {
        "text.muted": "el-text el-text--info", "text.success": "el-text el-text--success", "text.warning": "el-text el-text--warning", "text.danger": "el-text el-text--danger",
        "text.primary": "el-text el-text--primary", "text.small": "el-text el-text--small", "link": "el-link el-link--primary", "label": "el-form-item__label s-el-label",
        "divider": "el-divider el-divider--horizontal s-el-rule", "button": "el-button", "button.primary": "el-button--primary", "button.default": "", "button.danger": "el-button--danger",
        "button.text": "el-button--primary is-text", "button.small": "el-button--small", "button.large": "el-button--large", "pressed": "is-plain el-button--primary",
        "icon_button": "el-button s-el-icon", "icon_button.plain": "is-text", "icon_button.default": "is-circle", "icon_button.primary": "el-button--primary is-circle",
        "button_group": "el-button-group", "text_field": "el-input__inner", "search_field": "el-input__inner", "text_area": "el-textarea__inner", "invalid": "s-el-invalid",
        "combo_box": "s-el-native", "tab": "el-tabs__item s-el-tab", "tab.chosen": "is-active", "pagination": "el-pager", "navigation_bar": "el-menu el-menu--horizontal s-el-bar",
        "navigation_bar.inner": "s-navigation_bar-inner s-full s-el-inner", "navigation_bar.links": "s-navigation_bar-links s-el-links", "navigation_bar.item": "s-el-item",
        "navigation_bar.link": "el-menu-item", "navigation_bar.chosen": "is-active", "sidebar.list": "el-menu el-menu--vertical s-el-side", "sidebar.item": "el-menu-item s-el-side-item",
        "sidebar.chosen": "is-active", "menu": "el-dropdown__popper el-dropdown-menu s-el-menu", "menu.item": "el-dropdown-menu__item", "menu.chosen": "s-menu-chosen",
        "menu.divider": "el-dropdown-menu__item--divided s-el-divided", "table": "el-table__body", "table.header": "el-table__cell", "table.cell": "el-table__cell",
        "table.row": "", "table.head_row": "", "table.chosen": "current-row", "table.dense": "el-table--small", "table.grid": "el-table--border s-table-grid",
        "list": "s-list", "card": "el-card", "card.head": "el-card__header", "card.body": "el-card__body", "card.foot": "el-card__footer", "dialog": "el-dialog s-el-dialog",
        "dialog.head": "el-dialog__header", "dialog.body": "el-dialog__body", "dialog.foot": "el-dialog__footer", "tooltip": "el-popper is-dark s-el-tip", "toast": "el-message s-el-toast",
        "toast.neutral": "el-message--info", "toast.info": "el-message--primary", "toast.success": "el-message--success", "toast.warning": "el-message--warning",
        "toast.danger": "el-message--error", "tree": "el-tree", "tree.item": "el-tree-node__content", "tree.chosen": "is-current s-tree-chosen",
    }  # fmt: skip

    def button(self, *arguments: Any, **named: Any) -> str:
        made = super().button(*arguments, **named)
        looks = self.setting.attributes.setdefault("buttons", self.rng.choice(("", "", "is-round", "is-plain")))
        extra = ("is-disabled " if is_disabled(made) else "") + (looks if "is-text" not in made else "")
        return made.replace('class="el-button', f'class="el-button {extra}'.rstrip(), 1)

    def text_field(self, *arguments: Any, icon: str | None = None, **named: Any) -> str:
        return self._framed(super().text_field(*arguments, **named), icon)

    def password_field(self, *arguments: Any, **named: Any) -> str:
        return self._framed(super().password_field(*arguments, **named))

    def search_field(self, placeholder: str, value: str = "") -> str:
        inner = tag(
            "input", c="search_field", cls="el-input__inner", type="search", value=value or None, placeholder=placeholder, aria_label=placeholder
        )
        return self._framed(inner, "search" if self.rng.random() < 0.6 else None)

    def _framed(self, control: str, icon: str | None = None, after: str = "") -> str:
        glyph = span("el-input__prefix", span("el-input__prefix-inner", span("el-icon el-input__icon", self.glyph(icon)))) if icon else ""
        invalid = " s-el-invalid" in control
        framed = wrap(control.replace(" s-el-invalid", ""), f"el-input__wrapper {'s-el-invalid' if invalid else ''}", glyph, after)
        return div(f"el-input {'is-disabled' if is_disabled(control) else ''}", framed)

    def text_area(self, *arguments: Any, **named: Any) -> str:
        made = super().text_area(*arguments, **named)
        return div("el-textarea" + (" is-disabled" if is_disabled(made) else ""), made)

    def combo_box(self, *arguments: Any, **named: Any) -> str:
        made = super().combo_box(*arguments, **named)
        arrow = span("el-select__suffix", span("el-icon el-select__caret", self.glyph("chevron-down")))
        framed = wrap(made, f"el-select__wrapper {'is-disabled' if is_disabled(made) else ''}", after=arrow)
        return div("el-select s-full", framed)

    def date_picker(self, name: str, value: str, iso: str) -> str:
        return self._framed(tag("input", c="date_picker", cls="el-input__inner", type="text", value=value, aria_label=name), "calendar")

    def checkbox(self, content: str, checked: bool | None = False, disabled: bool | None = None, show_label: bool = True) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        state = ("is-checked " if checked else "is-indeterminate " if checked is None else "") + ("is-disabled" if disabled else "")
        field = tag(
            "input",
            cls="el-checkbox__original",
            type="checkbox",
            checked=bool(checked),
            data_mixed=checked is None,
            aria_label=content,
            disabled=disabled,
        )
        mark = span(f"el-checkbox__input {state}", field, span("el-checkbox__inner"), c="checkbox", data_box=".el-checkbox__inner")
        label = span("el-checkbox__label", self.words_of(content)) if show_label else ""
        return tag("label", mark, label, cls=f"el-checkbox s-inline {state}")

    def radio(self, content: str, chosen: bool, group: str, disabled: bool | None = None, show_label: bool = True) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        state = ("is-checked " if chosen else "") + ("is-disabled" if disabled else "")
        field = tag("input", cls="el-radio__original", type="radio", name=group, checked=chosen, aria_label=content, disabled=disabled)
        mark = span(f"el-radio__input {state}", field, span("el-radio__inner"), c="radio", data_box=".el-radio__inner")
        return tag("label", mark, span("el-radio__label", self.words_of(content)) if show_label else "", cls=f"el-radio s-inline {state}")

    def switch(self, content: str, on: bool, disabled: bool | None = None, show_label: bool = False) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        state = ("is-checked " if on else "") + ("is-disabled" if disabled else "")
        field = tag(
            "input", cls="el-switch__input", type="checkbox", role="switch", checked=on, aria_checked=yes(on), aria_label=content, disabled=disabled
        )
        mark = span(f"el-switch {state}", field, span("el-switch__core", div("el-switch__action")), c="switch", data_box=".el-switch__core")
        return div("s-switch_row s-inline", mark, self.words_of(content)) if show_label else mark

    def slider(self, name: str, share: float) -> str:
        knob = div(
            "el-slider__button-wrapper",
            div("el-slider__button"),
            style=f"left:{share:.0%}",
            role="slider",
            aria_valuenow=round(100 * share),
            aria_label=name,
            tabindex="0",
        )
        rail = div("el-slider__runway", div("el-slider__bar", style=f"width:{share:.0%};left:0"), knob)
        return div("el-slider", rail, c="slider", dir="ltr", data_box=".el-slider__runway, .el-slider__button")

    def stepper(self, name: str, value: int) -> str:
        less, more = (
            span(f"el-input-number__{part}", span("el-icon", self.glyph(sign)), role="button")
            for part, sign in (("decrease", "minus"), ("increase", "plus"))
        )
        field = div("el-input", div("el-input__wrapper", tag("input", cls="el-input__inner", type="number", value=value, aria_label=name)))
        return div("el-input-number s-inline", less, more, field, c="stepper", data_box="")

    def tab_bar(self, entries: Sequence[str]) -> str:
        look = self.rng.choice(("", "", "el-tabs--card"))
        nav = div("el-tabs__nav is-top", *entries, role="presentation")
        return div(
            f"el-tabs el-tabs--top {look} s-el-tabs", div("el-tabs__header is-top", div("el-tabs__nav-wrap is-top", nav)), c="tab_bar", role="tablist"
        )

    def breadcrumb(self, names: Sequence[str]) -> str:
        mark = span("el-breadcrumb__separator", "/")
        parts = [
            span("el-breadcrumb__item", span("el-breadcrumb__inner is-link", tag("a", escape(name), c="link", href="#")), mark) for name in names[:-1]
        ]
        parts.append(span("el-breadcrumb__item", span("el-breadcrumb__inner", self.words_of(names[-1], aria_current="page"))))
        return tag("nav", div("el-breadcrumb s-inline", *parts, c="breadcrumb"), aria_label="Breadcrumb")

    def pagination(self, pages: int, here: int) -> str:
        ends = [tag("button", span("el-icon", self.glyph(f"chevron-{way}")), c="icon_button", cls=f"btn-{part}", type="button", aria_label=self.words.t(word), data_icon=f"chevron-{way}")
                for way, part, word in (("left", "prev", "Previous"), ("right", "next", "Next"))]  # fmt: skip
        numbers = (
            tag(
                "li",
                tag("a", str(page), c="link", cls="s-el-page", href="#", aria_current="page" if page == here else None),
                cls="number" + (" is-active" if page == here else ""),
            )
            for page in range(1, pages + 1)
        )
        return div(
            f"el-pagination {self.rng.choice(('', 'is-background'))} s-inline",
            ends[0],
            tag("ul", *numbers, cls="el-pager"),
            ends[1],
            c="pagination",
            role="navigation",
        )

    def steps(self, names: Sequence[str], here: int) -> str:
        entries = []
        for i, name in enumerate(names):
            state = "is-finish" if i < here else "is-process" if i == here else "is-wait"
            inner = span("el-step__icon-inner", self.glyph("check") if i < here else str(i + 1))
            line = div("el-step__line", tag("i", cls="el-step__line-inner"))
            head = div(f"el-step__head {state}", line, div("el-step__icon is-text", inner))
            entries.append(
                div("el-step is-horizontal", head, div("el-step__main", div(f"el-step__title {state}", self.words_of(name))), style="flex:1")
            )
        return div("el-steps el-steps--horizontal", *entries)

    def table(self, *arguments: Any, **named: Any) -> str:
        look = "el-table--border" if named.get("grid_lines") else self.rng.choice(("", "", "el-table--striped"))
        return div(f"el-table {look} s-el-table {'el-table--small' if named.get('dense') else ''}", super().table(*arguments, **named))

    def badge(self, content: str, tone: Tone = "primary") -> str:
        if len(content) < 4 and tone in ("primary", "danger"):
            return tag("sup", escape(content), c="badge", cls=f"el-badge el-badge__content el-badge__content--{_TYPE[tone]}")
        effect = self.setting.attributes.setdefault("tags", self.rng.choice(("light", "dark", "plain")))
        return span(f"el-tag el-tag--{_TYPE.get(tone, 'info')} el-tag--{effect}", span("el-tag__content", escape(content)), c="badge")

    def chip(self, content: str, chosen: bool = False, removable: bool = False, icon: str | None = None) -> str:
        close = tag("i", self.glyph("close"), cls="el-icon el-tag__close") if removable else ""
        inner = span("el-tag__content s-row s-g1", self.glyph(icon) if icon else "", span("", escape(content)))
        return span(
            f"el-tag el-tag--{'primary' if chosen else 'info'} el-tag--light is-round",
            inner,
            close,
            c="chip",
            role="button",
            aria_pressed=yes(chosen),
            tabindex="0",
        )

    def alert(self, content: str, tone: Tone = "info", closable: bool = False) -> str:
        kind = _ALERT.get(tone, "info")
        glyph = {"success": "check-circle", "warning": "warning", "error": "error"}.get(kind, "info")
        close = (
            tag(
                "button", self.glyph("close"), c="icon_button", cls="el-alert__close-btn s-tab-close", type="button", aria_label=self.words.t("Close")
            )
            if closable
            else ""
        )
        mark = span("el-alert__icon", self.icon(glyph))
        return div(f"el-alert el-alert--{kind} is-{self.rng.choice(('light', 'light', 'dark'))}", mark, div("el-alert__content", span("el-alert__title", self.words_of(content)), close),
                   c="toast", role="alert")  # fmt: skip

    def progress(self, share: float, name: str = "") -> str:
        state = self.rng.choice(("", "", "is-success", "is-warning", "is-exception"))
        bar = div("el-progress-bar", div("el-progress-bar__outer", div("el-progress-bar__inner", style=f"width:{share:.0%}"), c="progress", role="progressbar",
                                         aria_valuenow=round(100 * share), aria_label=name or None, style="height:6px"))  # fmt: skip
        words = div("el-progress__text", self.words_of(f"{share:.0%}")) if self.rng.random() < 0.6 else ""
        return div(f"el-progress el-progress--line {state} {'' if words else 'el-progress--without-text'} s-full", bar, words)


_CSS = ("element-plus/dist/index.css",)
KITS = (
    Kit(
        name="element-plus", locales=LEFT_TO_RIGHT, platform="web", package="element-plus", ui=ElementPlusUi,
        themes={"light": Theme(css=_CSS), "dark": Theme(css=(*_CSS, "element-plus/theme-chalk/dark/css-vars.css"), dark=True, classes="dark")},
        variables="""
html:root{--s-primary:var(--el-color-primary);--s-on-primary:#fff;--s-surface:var(--el-bg-color);--s-raised:var(--el-bg-color-overlay);--s-tint:var(--el-fill-color-light);
  --s-text:var(--el-text-color-primary);--s-muted:var(--el-text-color-secondary);--s-border:var(--el-border-color);--s-success:var(--el-color-success);--s-warning:var(--el-color-warning);
  --s-danger:var(--el-color-danger);--s-info:var(--el-color-info);--s-radius:var(--el-border-radius-base);--s-shadow:var(--el-box-shadow)}
body{background:var(--s-surface);color:var(--s-text)}body{font-size:.9rem;line-height:1.5;color:var(--s-text)}
.el-text{font-size:inherit}.el-link{display:inline;font-size:inherit}body[class] .s-el-label{padding:0;height:auto;line-height:1.4;display:inline;margin:0}body[class] .s-el-rule{margin:.5em 0}
.el-button{gap:.4em}.el-button+.el-button{margin-inline-start:0}.el-button-group{display:inline-flex}.el-button.s-wide{width:100%}body[class] .s-el-icon{padding:8px;flex:none;margin:0}
body[class] .el-button-group>.el-button{margin-inline-end:-1px;border-radius:0}.s-el-invalid{box-shadow:0 0 0 1px var(--el-color-danger) inset!important}.el-input__inner{width:100%;min-width:0}
.s-el-native{appearance:none;border:0;background:none;color:inherit;font:inherit;flex:1;min-width:0;padding:0}.el-select__wrapper{padding-block:6px}.el-select__wrapper.is-disabled{color:var(--el-text-color-placeholder)}
.el-checkbox,.el-radio{margin:0;height:auto}.el-switch{height:auto}.s-switch_row.s-inline{display:inline-flex}.el-slider{height:auto;padding:6px 10px}.el-slider__runway{min-width:0}
.el-input-number{width:9em;max-width:100%;line-height:30px}.el-input-number input::-webkit-inner-spin-button{appearance:none}
.s-el-tabs .el-tabs__header{margin:0}.s-el-tabs{overflow:hidden}body[class] .el-tabs__nav .s-el-tab.s-el-tab{display:inline-flex;gap:.35em;text-decoration:none;padding:0 1.1em}.el-tabs--top:not(.el-tabs--card) .s-el-tab.is-active{box-shadow:inset 0 -2px var(--s-primary)}
.el-tabs__nav-wrap{margin-bottom:0}.el-breadcrumb{line-height:1.4;font-size:inherit}.s-el-page{color:inherit;text-decoration:none}.el-pager{display:flex;margin:0;padding:0}.el-pager li{padding:0 4px}
.s-el-bar{flex:none;height:auto!important;border-bottom:1px solid var(--el-border-color)!important}.s-el-inner{padding-block:0}.s-el-links{height:100%;padding:0;margin:0}.s-el-item{display:flex;list-style:none}
body[class] .s-el-links .el-menu-item{height:3.6em;text-decoration:none;line-height:1.4;font-size:1em;padding:0 1.1em;border-bottom:2px solid transparent}body[class] .s-el-links .el-menu-item.is-active{border-bottom-color:var(--s-primary);color:var(--s-primary)!important}
.s-el-side{border:0!important;background:none}body[class] .s-el-side-item{height:2.7em;padding:0 .9em;font-size:1em;text-decoration:none;border-radius:4px;line-height:1.4;display:flex}.s-el-side-item.is-active{background:var(--el-color-primary-light-9)}
.s-el-menu{min-width:12em;max-width:20em;background:var(--el-bg-color-overlay);border:1px solid var(--el-border-color-light);border-radius:4px;box-shadow:var(--el-box-shadow-light);overflow:hidden}
.s-el-menu .el-dropdown-menu__item{display:flex;text-decoration:none;padding:6px 16px;font-size:inherit}.el-dropdown-menu__item.s-menu-chosen{background:var(--el-dropdown-menuItem-hover-fill,var(--el-color-primary-light-9));color:var(--el-color-primary)}
.s-el-divided{border:0;border-top:1px solid var(--el-border-color-lighter);margin:5px 0}.el-dropdown-menu__item[aria-disabled]{color:var(--el-text-color-disabled)}
.s-el-table{font-size:inherit;height:auto;width:100%;color:var(--s-text)}.el-table__body{border-collapse:separate;border-spacing:0}body[class] .s-el-table .el-table__cell{padding:9px 12px}body[class] .el-table--small .el-table__cell{padding:4px 10px}
.el-table th.el-table__cell{text-align:start;color:var(--s-muted)}.s-el-table .current-row>td{background:var(--el-color-primary-light-9)!important}.el-table--border :is(td,th){border:1px solid var(--el-border-color-lighter)}
.el-card{overflow:hidden}body[class] .el-card__header,body[class] .el-card__footer{padding:.7em 1.1em}body[class] .el-card__body{padding:1.1em}body[class] .el-badge__content{position:static;transform:none;display:inline-flex}
body[class] .el-alert__content{flex:1;flex-direction:row;display:flex;justify-content:space-between;gap:.6em;align-items:center}body[class] .el-alert__close-btn{position:static}.s-el-dialog.s-el-dialog{margin:0;background:var(--s-raised);padding:1.1em 1.3em;position:relative}
body[class] .el-dialog__header{padding:0 0 .7em}body[class] .el-dialog__footer{padding:1em 0 0}.s-el-tip.s-el-tip{position:static;max-width:17em;font-size:.9em;line-height:1.4;padding:.4em .8em}
.s-el-toast.s-el-toast{position:static;transform:none;min-width:17em;max-width:25em;padding:.75em 1em;translate:none;display:flex}.s-el-toast [data-c=text]{color:var(--el-message-text-color)}
.el-progress{min-width:0}.el-tree{background:none;padding:.3em 0}body[class] .el-tree-node__content{height:1.9em}.el-steps{width:100%}.el-step__title{white-space:nowrap;line-height:1.8;font-size:1em}
""",
    ),
)  # fmt: skip
