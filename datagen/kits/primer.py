"""Primer: GitHub's look. The style sheet has buttons, forms, side navigation, menus and toasts; the rest is ours in Primer's colours, as GitHub's own React parts are."""

from typing import ClassVar

from datagen.kits import Kit, Theme
from datagen.pages.html import HtmlUi, span, tag, yes
from datagen.pages.ui import Entry


class PrimerUi(HtmlUi):
    classes: ClassVar[dict[str, str]] = {
        "text.muted": "color-fg-muted", "text.danger": "color-fg-danger", "text.success": "color-fg-success", "text.warning": "color-fg-attention", "text.small": "f6",
        "heading.1": "h1", "heading.2": "h2", "heading.3": "h3", "heading.4": "h4", "heading.5": "h5", "heading.6": "h6", "label": "s-primer-label", "link": "color-fg-accent",
        "button": "btn", "button.default": "", "button.primary": "btn-primary", "button.danger": "btn-danger", "button.text": "btn-invisible", "button.small": "btn-sm",
        "button.large": "btn-large", "pressed": "selected", "icon_button": "btn s-primer-icon", "icon_button.plain": "btn-octicon", "icon_button.default": "",
        "icon_button.primary": "btn-primary", "button_group": "BtnGroup s-primer-group", "text_field": "form-control input-block", "search_field": "form-control input-block input-contrast",
        "text_area": "form-control input-block", "combo_box": "form-select s-full", "invalid": "s-invalid", "pagination": "pagination s-primer-pages", "pagination.item": "",
        "pagination.item.here": "", "pagination.link": "", "pagination.here": "s-primer-here", "navigation_bar": "Header s-primer-header", "navigation_bar.brand": "Header-link",
        "navigation_bar.inner": "s-navigation_bar-inner s-full", "navigation_bar.link": "Header-link s-navigation_bar-link", "navigation_bar.chosen": "s-primer-chosen",
        "sidebar.list": "SideNav s-primer-side", "sidebar.item": "SideNav-item", "sidebar.chosen": "", "menu": "SelectMenu-modal s-primer-menu", "menu.item": "SelectMenu-item",
        "menu.divider": "SelectMenu-divider s-primer-rule", "menu.chosen": "s-menu-chosen", "toast": "Toast", "toast.neutral": "", "toast.info": "", "toast.success": "Toast--success",
        "toast.warning": "Toast--warning", "toast.danger": "Toast--error", "card": "s-card color-shadow-small",
    }  # fmt: skip

    def button_group(self, *buttons: str) -> str:
        return super().button_group(*(button.replace('class="btn', 'class="BtnGroup-item btn', 1) for button in buttons))

    def sidebar_item(self, entry: Entry, here: bool) -> str:
        made = super().sidebar_item(entry, here)
        return made.replace('aria-current="page"', 'aria-current="true"')

    def pagination(self, pages: int, here: int) -> str:
        before, after = self.words.t("Previous"), self.words.t("Next")
        entries = [tag("a", before, c="link", cls="previous_page", href="#")]
        entries += [
            tag("em", self.words_of(str(page)), cls="current", aria_current="page") if page == here else tag("a", str(page), c="link", href="#")
            for page in range(1, pages + 1)
        ]
        entries.append(tag("a", after, c="link", cls="next_page", href="#"))
        return tag("div", *entries, c="pagination", cls="pagination s-inline s-primer-pages")

    def tab(self, inner: str, here: bool) -> str:
        look = self.setting.attributes.setdefault("tabs", self.rng.choice(("underline", "subnav")))
        if look == "underline":
            return super().tab(inner, here)
        return tag("a", inner, c="tab", cls="subnav-item s-row s-g1" + (" selected" if here else ""), role="tab", aria_selected=yes(here), href="#")

    def tab_bar(self, entries: list[str]) -> str:  # type: ignore[override]
        if "subnav-item" not in entries[0]:
            return super().tab_bar(entries)
        return tag("nav", *entries, c="tab_bar", cls="subnav s-primer-subnav s-inline", role="tablist")

    def spinner(self, size: float = 2.0) -> str:
        return span("s-ring", c="progress", role="progressbar", aria_label=self.words.t("Loading"), style=f"font-size:{size:g}em")


_BASE = ("@primer/primitives/dist/css/primitives.css",)
_LOOKS = (
    "light", "light_high_contrast", "light_colorblind", "light_tritanopia", "dark", "dark_dimmed", "dark_high_contrast", "dark_colorblind", "dark_tritanopia",
)  # fmt: skip


def _theme(look: str) -> Theme:
    mode = look.split("_")[0]
    colours = f"@primer/primitives/dist/css/functional/themes/{look.replace('_', '-')}.css"
    return Theme(
        css=(*_BASE, colours, "@primer/css/dist/primer.css"), dark=mode == "dark", attributes={"data-color-mode": mode, f"data-{mode}-theme": look}
    )


KITS = (
    Kit(
        name="primer", platform="web", package="@primer/css", ui=PrimerUi, themes={look: _theme(look) for look in _LOOKS},
        variables="""
html[data-color-mode]{--s-primary:var(--bgColor-accent-emphasis);--s-on-primary:var(--fgColor-onEmphasis);--s-surface:var(--bgColor-default);--s-raised:var(--bgColor-default);
  --s-tint:var(--bgColor-muted);--s-text:var(--fgColor-default);--s-muted:var(--fgColor-muted);--s-border:var(--borderColor-default);--s-success:var(--fgColor-success);
  --s-warning:var(--fgColor-attention);--s-danger:var(--fgColor-danger);--s-info:var(--fgColor-accent);--s-radius:6px}
body{background:var(--s-surface);color:var(--s-text)}body{font-size:.875rem;line-height:1.5}
.btn{display:inline-flex;align-items:center;justify-content:center;gap:.4em}.s-wide.btn{display:flex}.btn.selected{background:var(--s-tint);border-color:var(--s-primary)}
body[class] .s-primer-icon{padding:6px 8px;line-height:1;flex:none}body[class] .btn-octicon{border-color:transparent;background:none;box-shadow:none;margin:0;color:var(--s-muted)}
.s-primer-group{display:inline-flex}.s-primer-label{font-weight:600}
.s-primer-header{padding:0 1em;display:flex;flex:none}body[class] .s-primer-header .Header-link{font-weight:400;color:#f0f6fcb3}body[class] .s-primer-header :is(.s-primer-chosen,.s-navigation_bar-brand){color:#fff;font-weight:600}
.s-primer-header .btn-octicon{color:#f0f6fcb3!important}body[class] .s-video-controls .btn-octicon{color:#fff}.s-primer-header .btn{flex:none}
body[class] .SideNav-item{display:flex;border-radius:6px;border:0;padding:7px 9px;color:var(--s-text)}.SideNav-item[aria-current]{background:var(--s-tint);font-weight:600;box-shadow:inset 3px 0 var(--s-primary)}
.s-primer-side{border:0;background:none;display:flex;flex-direction:column;gap:2px}
.s-primer-menu.s-primer-menu{position:static;display:block;width:auto;min-width:13em;max-width:20em;height:auto;max-height:none;margin:0;background:var(--overlay-bgColor);color:var(--s-text);border-radius:12px;
  padding:6px;border:1px solid var(--s-border);box-shadow:var(--s-shadow);overflow:hidden}
.s-primer-menu .SelectMenu-item{display:flex;padding:7px 10px;border:0;border-radius:6px;color:inherit;width:100%}.s-primer-menu .SelectMenu-item.s-menu-chosen{background:var(--s-tint)}
.s-primer-rule{border:0;border-top:1px solid var(--s-border);padding:0;margin:5px 0;background:none;height:0}
.SelectMenu-item[aria-disabled]{opacity:.5}
.s-primer-pages{margin:0}.s-primer-pages>*{margin:0!important}.s-primer-subnav{margin:0;display:inline-flex;overflow:hidden}.subnav-item{text-decoration:none;display:inline-flex!important}
.Toast.Toast{margin:0;padding:.9em 1em;min-width:16em;max-width:24em;background:var(--overlay-bgColor);color:var(--s-text)}
body[class] .form-control:disabled,body[class] .form-select:disabled{background-color:var(--s-tint);opacity:.7}
""",
    ),
)  # fmt: skip
