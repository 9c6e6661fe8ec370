"""GOV.UK Frontend: the public services of the United Kingdom. Checkboxes and radios are drawn by the label beside an input that nobody sees."""

from collections.abc import Sequence
from html import escape
from typing import Any, ClassVar

from datagen.content.locales import LEFT_TO_RIGHT
from datagen.kits import Kit, Theme
from datagen.pages.html import HtmlUi, div, span, tag, yes
from datagen.pages.ui import Tone

_TAGS = {
    "primary": "",
    "success": "govuk-tag--green",
    "warning": "govuk-tag--yellow",
    "danger": "govuk-tag--red",
    "info": "govuk-tag--teal",
    "neutral": "govuk-tag--grey",
}


class GovukUi(HtmlUi):
    classes: ClassVar[dict[str, str]] = {
        "text.small": "govuk-!-font-size-16", "text.strong": "govuk-!-font-weight-bold", "label": "govuk-label", "link": "govuk-link",
        "divider": "govuk-section-break govuk-section-break--visible govuk-section-break--m s-full",
        "heading.1": "govuk-heading-xl", "heading.2": "govuk-heading-l", "heading.3": "govuk-heading-m", "heading.4": "govuk-heading-m", "heading.5": "govuk-heading-s",
        "heading.6": "govuk-heading-s", "button": "govuk-button", "button.primary": "", "button.default": "govuk-button--secondary", "button.danger": "govuk-button--warning",
        "button.text": "s-govuk-plain", "button.small": "s-govuk-small", "button.large": "govuk-button--start", "icon_button.default": "govuk-button govuk-button--secondary s-govuk-square",
        "icon_button.primary": "govuk-button s-govuk-square", "button_group": "s-row s-g2", "text_field": "govuk-input", "search_field": "govuk-input", "text_area": "govuk-textarea",
        "combo_box": "govuk-select", "invalid": "govuk-input--error", "tab": "govuk-tabs__tab", "breadcrumb": "govuk-breadcrumbs__list", "breadcrumb.item": "govuk-breadcrumbs__list-item",
        "breadcrumb.here": "", "breadcrumb.around": "govuk-breadcrumbs", "pagination": "govuk-pagination__list", "pagination.item": "govuk-pagination__item",
        "pagination.item.here": "govuk-pagination__item--current", "pagination.link": "govuk-link govuk-pagination__link", "pagination.here": "",
        "navigation_bar": "govuk-service-navigation", "navigation_bar.inner": "govuk-service-navigation__container s-navigation_bar-inner s-govuk-bar",
        "navigation_bar.brand": "govuk-service-navigation__service-name govuk-service-navigation__link", "navigation_bar.links": "govuk-service-navigation__list s-navigation_bar-links",
        "navigation_bar.item": "govuk-service-navigation__item", "navigation_bar.link": "govuk-service-navigation__link", "navigation_bar.chosen": "",
        "table": "govuk-table", "table.header": "govuk-table__header", "table.cell": "govuk-table__cell", "table.row": "", "table.head_row": "",
        "list": "govuk-task-list", "list.framed": "", "list.plain": "", "list.item": "govuk-task-list__item s-govuk-item", "list.subtitle": "govuk-task-list__hint",
        "card": "govuk-summary-card", "card.head": "govuk-summary-card__title-wrapper", "card.body": "govuk-summary-card__content s-govuk-content",
        "card.foot": "govuk-summary-card__title-wrapper", "alert": "govuk-inset-text s-govuk-inset", "alert.info": "", "alert.primary": "", "alert.neutral": "",
        "alert.success": "s-govuk-inset-success", "alert.warning": "s-govuk-inset-warning", "alert.danger": "govuk-error-summary s-govuk-inset-danger", "footer": "govuk-footer",
    }  # fmt: skip

    def k(self, *parts: str) -> str:
        if parts == ("navigation_bar",):
            return self.classes["navigation_bar"] + self.rng.choice(("", " govuk-service-navigation--inverse"))
        return super().k(*parts)

    def checkbox(self, content: str, checked: bool | None = False, disabled: bool | None = None, show_label: bool = True) -> str:
        # There is no mixed checkbox: it would look like an empty one.
        return self._choice("checkbox", "checkboxes", content, bool(checked), disabled, show_label, None)

    def radio(self, content: str, chosen: bool, group: str, disabled: bool | None = None, show_label: bool = True) -> str:
        return self._choice("radio", "radios", content, chosen, disabled, show_label, group)

    def _choice(self, kind: str, part: str, content: str, checked: bool, disabled: bool | None, show_label: bool, group: str | None) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        field = tag(
            "input", c=kind, cls=f"govuk-{part}__input", type=kind, name=group, checked=checked, disabled=disabled, aria_label=content,
            data_box=f"+ .govuk-{part}__label::before",
        )  # fmt: skip
        label = tag("label", self.words_of(content) if show_label else "", cls=f"govuk-label govuk-{part}__label")
        size = self.setting.attributes.setdefault("choices", self.rng.choice(("", f"govuk-{part}--small"))).replace(
            "checkboxes" if part == "radios" else "radios", part
        )
        return div(f"govuk-{part} {size} s-inline", div(f"govuk-{part}__item", field, label))

    def tab(self, inner: str, here: bool) -> str:
        link = tag("a", inner, cls="govuk-tabs__tab", href="#", role="presentation")
        return tag(
            "li",
            link,
            c="tab",
            cls="govuk-tabs__list-item" + (" govuk-tabs__list-item--selected" if here else ""),
            role="tab",
            aria_selected=yes(here),
        )

    def tab_bar(self, entries: Sequence[str]) -> str:
        return div("govuk-tabs", tag("ul", *entries, c="tab_bar", cls="govuk-tabs__list", role="tablist"))

    def breadcrumb(self, names: Sequence[str]) -> str:
        return super().breadcrumb(names).replace('data-c="link"', 'data-c="link" class="govuk-breadcrumbs__link"')

    def navigation_bar(self, brand: str, links: Sequence[str], chosen: int, end: Sequence[str], logo: str | None = None) -> str:
        bar = super().navigation_bar(brand, links, chosen, end, logo)
        active = '<li class="govuk-service-navigation__item'
        before, *items = bar.split(active)
        items = [(" govuk-service-navigation__item--active" if i == chosen else "") + item for i, item in enumerate(items)]
        return active.join((before, *items))

    def pagination(self, pages: int, here: int) -> str:
        return tag("nav", super().pagination(pages, here), cls="govuk-pagination", aria_label="Pagination")

    def field(self, name: str, control: str, hint: str | None = None, error: str | None = None, beside: bool = False, required: bool = False) -> str:
        if beside:
            return super().field(name, control, hint, error, beside, required)
        above = div("govuk-hint", self.words_of(hint)) if hint else ""
        problem = tag("p", self.words_of(error), cls="govuk-error-message") if error else ""
        group = f"govuk-form-group s-field {'govuk-form-group--error' if error else ''}"
        return div(group, div("", self.label(name, required)), above, problem, control)

    def date_picker(self, name: str, value: str, iso: str) -> str:
        if self.room < 400 or self.rng.random() < 0.5:
            return super().date_picker(name, value, iso)
        parts = []
        for word, part, width in zip(("Day", "Month", "Year"), reversed(iso.split("-")), (2, 2, 4), strict=True):
            field = tag(
                "input",
                cls=f"govuk-input govuk-date-input__input govuk-input--width-{width}",
                type="text",
                value=str(int(part)),
                aria_label=self.words.t(word),
            )
            parts.append(
                div(
                    "govuk-date-input__item",
                    div("govuk-form-group", tag("label", escape(self.words.t(word)), c="text", cls="govuk-label govuk-date-input__label"), field),
                )
            )
        return div("govuk-date-input s-inline", *parts, c="date_picker", role="group", aria_label=name)

    def badge(self, content: str, tone: Tone = "primary") -> str:
        return tag("strong", escape(content), c="badge", cls=f"govuk-tag s-govuk-tag {_TAGS.get(tone, '')}")

    def alert(self, content: str, tone: Tone = "info", closable: bool = False) -> str:
        if tone == "warning":
            mark = span("govuk-warning-text__icon", "!", c="icon", data_icon="warning")
            return div("govuk-warning-text", mark, tag("strong", self.words_of(content), cls="govuk-warning-text__text"), c="toast", role="alert")
        if tone == "danger":
            return div("govuk-error-summary", div("govuk-error-summary__title", self.words_of(content)), c="toast", role="alert")
        head = div(
            "govuk-notification-banner__header",
            div("govuk-notification-banner__title", self.words_of(self.words.t("Success" if tone == "success" else "Important"))),
        )
        body = div("govuk-notification-banner__content", tag("p", self.words_of(content), cls="govuk-notification-banner__heading"))
        return div(
            f"govuk-notification-banner {'govuk-notification-banner--success' if tone == 'success' else ''}", head, body, c="toast", role="alert"
        )

    def page_attributes(self) -> dict[str, Any]:
        return {"class": "govuk-template"}


KITS = (
    Kit(
        name="govuk", locales=LEFT_TO_RIGHT, platform="web", package="govuk-frontend", ui=GovukUi, themes={"light": Theme(css=("govuk-frontend/dist/govuk/govuk-frontend.min.css",))},
        body_class="govuk-template__body js-enabled govuk-frontend-supported",
        variables="""
:root{--s-primary:#1d70b8;--s-on-primary:#fff;--s-surface:#fff;--s-raised:#fff;--s-tint:#f3f2f1;--s-text:#0b0c0c;--s-muted:#505a5f;--s-border:#b1b4b6;--s-success:#00703c;
  --s-warning:#f47738;--s-danger:#d4351c;--s-info:#1d70b8;--s-radius:0;--s-shadow:0 0 0 3px #0b0c0c}
html{background:#fff!important}
body{color:#0b0c0c;font-size:1.1em;line-height:1.35}
body[class] [class*=govuk-]{margin-bottom:0}body[class] .govuk-button{margin-bottom:2px;gap:.4em;width:auto}body[class] .govuk-button.s-wide{width:100%}
body[class] .govuk-section-break{margin-block:.5em}.govuk-button{justify-content:center;display:inline-flex;align-items:center}
.s-govuk-plain{background:none!important;box-shadow:none!important;color:#1d70b8!important;text-decoration:underline}.s-govuk-small{font-size:.9em;padding:4px 8px 3px}
body[class] .s-govuk-square{padding:8px 9px;flex:none}
.govuk-breadcrumbs,body[class] .govuk-notification-banner,body[class] .govuk-tabs{margin-top:0}.govuk-tabs{overflow:hidden}.govuk-tabs__list{display:flex;align-items:flex-end;min-width:max-content}
.govuk-tabs__tab{display:inline-flex;gap:.4em;align-items:center}@media(max-width:40.0525em){body[class] .govuk-tabs__list-item{margin-left:0;padding-left:25px}}
.govuk-service-navigation__list{display:flex;flex-wrap:nowrap;margin:0}.govuk-service-navigation__item{flex:none}body[class] .s-govuk-bar{flex-wrap:nowrap;padding-block:0;align-items:center}
body[class] .govuk-service-navigation__service-name{margin:0;flex:none;font-weight:700;padding-block:.8em}
.govuk-service-navigation--inverse .s-icon_button,.govuk-service-navigation--inverse .s-icon{color:#fff}.govuk-service-navigation--inverse .s-iconed .s-icon{color:#0b0c0c}
.govuk-select{width:100%;min-width:0}.govuk-checkboxes__item,.govuk-radios__item{flex-wrap:nowrap}.govuk-table{margin:0}.govuk-table__cell,.govuk-table__header{font-size:inherit}
body[class] .s-govuk-item{padding-block:.7em;margin:0}.s-govuk-content{padding:1em}body[class] .govuk-summary-card{margin:0}.s-govuk-tag{white-space:nowrap;max-width:none;font-size:1em;line-height:1.3}
body[class] .govuk-footer{padding:2em 1em}body[class] .govuk-hint{margin:0}body[class] .govuk-date-input{display:flex}body[class] .govuk-error-summary{padding:.7em}
body[class] :is(.govuk-heading-xl,.govuk-heading-l){font-size:2em}body[class] .govuk-heading-l{font-size:1.6em}body[class] .govuk-heading-m{font-size:1.25em}body[class] .govuk-heading-s{font-size:1.05em}
body[class] .s-iconed>input{padding-inline:2.3em .4em!important}.s-dialog,.s-menu,.s-toast,.s-tooltip{border-radius:0}
""",
    ),
)  # fmt: skip
