"""Windows as it looked in 1998, 2001 and 2009: 98.css, XP.css and 7.css.

The three share their markup: windows with title bars, sunken fields, group boxes, tabs of a dialog, trees, status bars with fields. Checkboxes and radios are painted by the
label beside the (unseen) input.
"""

from collections.abc import Sequence
from html import escape
from typing import ClassVar, Literal

from datagen.kits import Kit, Theme
from datagen.pages.html import HtmlUi, Variant, div, span, tag, yes
from datagen.pages.ui import Branch, Entry


class WindowsUi(HtmlUi):
    tab_tag: ClassVar[str] = "li"
    # The lines and boxes of these trees are drawn for one direction.
    tree_direction: ClassVar[str | None] = "ltr"
    classes: ClassVar[dict[str, str]] = {
        "button": "", "button.default": "", "button.primary": "default", "button.danger": "", "button.text": "", "button.small": "s-win-small", "button.large": "s-win-large",
        "icon_button": "s-win-icon", "icon_button.plain": "s-win-flat", "icon_button.default": "", "icon_button.primary": "default", "text_field": "s-win-field",
        "search_field": "s-win-field", "text_area": "s-win-field", "combo_box": "s-win-field", "stepper": "s-win-stepper", "stepper.button": "s-win-spin", "stepper.field": "s-win-field",
        "window": "window s-win", "window.body": "window-body s-win-body", "status_bar": "status-bar", "status_bar.part": "status-bar-field", "card": "s-win-group",
        "dialog": "window s-win", "list_box": "s-win-sunken", "list": "s-win-sunken", "table": "", "menu_bar": "s-menu_bar s-win-menus", "menu": "s-menu s-win-menu",
    }  # fmt: skip

    def button(
        self, content: str, icon: str | None = None, variant: Variant | None = None, size: Literal["small", "normal", "large"] = "normal",
        disabled: bool | None = None, pressed: bool | None = None, wide: bool = False, busy: bool = False,
    ) -> str:  # fmt: skip
        made = super().button(content, icon if self.rng.random() < 0.4 else None, variant, size, disabled, pressed, wide, busy)
        return made.replace(f"<span>{escape(content)}</span>", f"<span>{self.access_key(content)}</span>", 1)

    def access_key(self, content: str) -> str:
        """A word with the letter underlined that reaches it from the keyboard; for Latin letters, on half of the pages."""
        shown = self.setting.attributes.setdefault("access_keys", self.rng.random() < 0.5)
        if not shown or not content[:1].isascii() or not content[:1].isalpha():
            return escape(content)
        return f"<u>{escape(content[0])}</u>{escape(content[1:])}"

    def mark(self, c: str, content: str, disabled: bool, show_label: bool, **attributes: object) -> str:
        count = self.setting.attributes["marks"] = self.setting.attributes.get("marks", 0) + 1
        field = tag("input", c=c, id=f"mark{count}", data_box="+ label::before", aria_label=content, disabled=disabled, **attributes)
        label = tag("label", self.words_of(content) if show_label else "", for_=f"mark{count}", cls="" if show_label else "s-win-bare")
        return div("field-row s-inline s-win-mark", field, label)

    def checkbox(self, content: str, checked: bool | None = False, disabled: bool | None = None, show_label: bool = True) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        return self.mark("checkbox", content, disabled, show_label, type="checkbox", checked=bool(checked), data_mixed=checked is None)

    def radio(self, content: str, chosen: bool, group: str, disabled: bool | None = None, show_label: bool = True) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        return self.mark("radio", content, disabled, show_label, type="radio", name=group, checked=chosen)

    def switch(self, content: str, on: bool, disabled: bool | None = None, show_label: bool = False) -> str:
        # Apart from its neighbours: a label that follows a checkbox paints one.
        return span("s-win-switch", super().switch(content, on, disabled, show_label))

    def stepper(self, name: str, value: int) -> str:
        spins = div("s-win-spins", *(span("s-win-spin", self.glyph(f"chevron-{way}")) for way in ("up", "down")))
        return div(
            "s-win-stepper",
            tag("input", type="text", cls="s-win-field", value=value, aria_label=name),
            spins,
            c="stepper",
            role="spinbutton",
            aria_label=name,
            aria_valuenow=value,
        )

    # ---- navigation --------------------------------------------------------------------------------------------------------------------------

    def tabs(self, names: Sequence[str], chosen: int = 0, icons: Sequence[str | None] = (), closable: bool = False) -> str:
        entries = []
        for i, name in enumerate(names):
            glyph = self.glyph(icons[i]) + " " if i < len(icons) and icons[i] else ""
            close = (
                tag("span", self.glyph("close"), c="icon_button", cls="s-tab-close", role="button", aria_label=self.words.t("Close"))
                if closable
                else ""
            )
            inner = f"{glyph}{escape(name)}{close}"
            here = i == chosen
            if self.tab_tag == "li":
                inner = tag("a", inner, href="#")
            entries.append(
                tag(self.tab_tag, inner, c="tab", role="tab", aria_selected=yes(here), type="button" if self.tab_tag == "button" else None)
            )
        return tag("menu", *entries, c="tab_bar", role="tablist", cls="s-win-tabs")

    def menu_bar(self, names: Sequence[str], open: int | None = None) -> str:
        parts = (
            tag("a", self.access_key(name), c="menu_item", cls=self.k("menu_bar.item") + (f" {self.k('menu_bar.open')}" if i == open else ""), role="menuitem", href="#",
                aria_expanded=yes(True if i == open else None))
            for i, name in enumerate(names)
        )  # fmt: skip
        return div(self.k("menu_bar"), *parts, c="menu_bar", role="menubar")

    def menu_item(self, entry: Entry, here: bool) -> str:
        return super().menu_item(entry, here).replace(f">{escape(entry.label)}<", f">{self.access_key(entry.label)}<", 1)

    def tree(self, branches: Sequence[Branch], chosen: int = -1) -> str:
        count = 0

        def draw(level: Sequence[Branch]) -> str:
            nonlocal count
            parts = []
            for branch in level:
                here = count == chosen
                count += 1
                icon = self.icon(branch.icon) if branch.icon else ""
                name = self.words_of(branch.label, "s-win-chosen" if here else "")
                states = {
                    "role": "treeitem",
                    "aria_selected": yes(True if here else None),
                    "aria_expanded": yes(branch.open if branch.children else None),
                }
                if branch.children:
                    # The entry is the line itself: what hangs below it are entries of their own.
                    head = tag("summary", icon, " ", name, c="list_item", **states)
                    parts.append(tag("li", tag("details", head, tag("ul", draw(branch.children)) if branch.open else "", open=branch.open)))
                else:
                    parts.append(tag("li", div("s-win-leaf", icon, " ", name, c="list_item", **states)))
            return "".join(parts)

        return tag("ul", draw(branches), c="tree", cls="tree-view s-win-tree", role="tree", dir=self.tree_direction)

    # ---- content -----------------------------------------------------------------------------------------------------------------------------

    def card(self, *parts: str, title: str | None = None, media: str | None = None, footer: str | None = None, chosen: bool = False) -> str:
        legend = tag("legend", escape(title), c="heading", role="heading", aria_level=5) if title else ""
        group = tag("fieldset", legend, media or "", div("s-col s-g2", *parts, footer or ""), cls="s-win-group", role="presentation")
        # The frame runs through the middle of its title, which belongs to it.
        return div("s-full", group, c="card", data_box="fieldset, fieldset > legend", role="group", aria_label=title)

    def progress(self, share: float, name: str = "") -> str:
        chunks = "segmented" if self.setting.attributes.setdefault("win_chunks", self.rng.random() < 0.5) else ""
        return div(f"progress-indicator {chunks} s-full", span("progress-indicator-bar", style=f"width:{share:.0%}"), c="progress", role="progressbar", aria_valuenow=round(100 * share),
                   aria_label=name or None)  # fmt: skip

    # ---- windows -----------------------------------------------------------------------------------------------------------------------------

    def title_bar(self, title: str, icon: str | None = None) -> str:
        buttons = (
            tag("button", c="icon_button", aria_label=word, type="button", data_icon=name)
            for name, word in (("minus", "Minimize"), ("square", "Maximize"), ("close", "Close"))
        )
        name = div("title-bar-text s-shrink", self.icon(icon) + " " if icon else "", self.words_of(title))
        return div("title-bar s-win-title", name, div("title-bar-controls", *buttons), c="title_bar")

    def dialog(self, title: str, *parts: str, actions: Sequence[str], closable: bool = True) -> str:
        close = tag("button", c="icon_button", aria_label="Close", type="button", data_icon="close")
        bar = div(
            "title-bar s-win-title",
            div("title-bar-text", span("", escape(title), c="heading", role="heading", aria_level=4)),
            div("title-bar-controls", close),
            c="title_bar",
        )
        body = div("window-body s-win-body s-win-ask s-col s-g3", *parts, div("s-row s-g2 s-jc-end s-wrap", *actions))
        made = div(
            "window s-win active",
            bar,
            body,
            c="dialog",
            role="dialog",
            aria_modal="true",
            aria_label=title,
            style=f"width:{min(self.setting.width - 32, 400)}px",
        )
        return div("s-backdrop s-center-all s-win-behind", made)


class WindowsXpUi(WindowsUi):
    tab_tag = "button"


class Windows7Ui(WindowsXpUi):
    tree_direction = None

    def progress(self, share: float, name: str = "") -> str:
        return div(
            "s-full", div("", style=f"width:{share:.0%}"), c="progress", role="progressbar", aria_valuenow=round(100 * share), aria_label=name or None
        )

    def search_field(self, placeholder: str, value: str = "") -> str:
        return tag("input", c="search_field", type="search", value=value or None, placeholder=placeholder, aria_label=placeholder, cls="s-full")


# The style sheets draw at the sizes of their time, in pixels; the page's own text size is that of the era.
_VARIABLES = """
html{font-size:12px!important}
html[data-own-fonts] body{font-family:var(--win-font);font-size:var(--win-size)}
html[data-own-fonts] :is(h1,h2,h3,h4,h5,h6){font-family:var(--win-font)}
body{background:var(--win-face);color:#111;font-size:12px;line-height:1.35}
:root{--s-primary:var(--win-chosen);--s-surface:var(--win-face);--s-raised:#fff;--s-text:#111;--s-muted:#555;--s-radius:0;--s-tint:color-mix(in srgb,var(--win-face) 90%,#000)}
.s-page button,.s-backdrop button,.s-over button{display:inline-flex;align-items:center;justify-content:center;gap:.4em}
.s-wide{width:100%}
.s-win-small{padding:0 8px!important;min-width:50px}.s-win-large{padding:4px 18px!important}
.s-win-icon{min-width:0!important;width:26px;padding:0!important;height:24px;min-height:24px!important;flex:none}
.s-win-icon .s-icon{width:14px;height:14px}
.s-win-flat:not([aria-pressed=true]){background:transparent!important;box-shadow:none!important;border-color:transparent!important}
.s-win-flat:not([aria-pressed=true])::before,.s-win-flat:not([aria-pressed=true])::after{display:none!important}
.s-win-field{width:100%;min-width:0}
.s-win-mark{margin:0!important}
.s-win-bare{padding-inline-start:0;min-height:13px;display:inline-block}
.s-win{padding-top:0}
.s-win-title{flex:none}.s-win-title .s-icon{vertical-align:-.2em}
.s-win-title .title-bar-text{white-space:nowrap;text-overflow:ellipsis}
.s-win-body{margin:0!important;padding:0}
.s-win-ask{padding:12px!important}
.s-win-behind{background:transparent}
.s-win-sunken{background:#fff;color:#111;overflow:hidden;padding:0}
.s-win-group{margin:0;min-width:0}
.s-win-tabs{padding:0 0 0 3px;margin:0!important;flex:none;flex-wrap:nowrap}
.s-win-tabs .s-tab-close{margin-inline-start:.5em}
.s-win-tree{overflow:hidden}ul.s-win-tree ul summary{margin-left:-22px;padding-left:22px}
.s-win-leaf{white-space:nowrap}.s-win-chosen{background:var(--win-chosen);color:#fff;padding:0 2px}
.s-win-stepper{display:inline-flex;align-items:stretch;width:8em}
.s-win-spins{display:flex;flex-direction:column;flex:none;width:16px}
.s-win-spin{flex:1;display:flex;align-items:center;justify-content:center;background:var(--win-face);border:1px outset #fff;font-size:8px;line-height:1}
.s-win-menus{background:transparent;padding:1px 2px}.s-win-menus .s-menu_bar-item{padding:2px 6px;color:#111}
.s-win-menus .s-menu_bar-open,.s-win-menu .s-menu-chosen{background:var(--win-chosen);color:#fff}
.s-win-menu{border-radius:0;padding:2px;background:var(--win-menu);color:#111}.s-win-menu .s-menu-item{padding:3px 18px 3px 8px;border-radius:0}
.s-win-menu .s-text-caption{color:inherit}
.s-fab{color:#fff!important}
.s-tooltip{background:#ffffe1!important;color:#000!important;border:1px solid #000;padding:2px 4px;border-radius:0;box-shadow:none}.s-tooltip::before{display:none!important}
.s-toast{background:#ffffe1;color:#000;border:1px solid #000;border-radius:6px}
.s-toast .s-button-text{color:inherit}
table{width:100%;border-collapse:collapse}
.s-list-item{padding:3px 6px}.s-list-item+.s-list-item{border-top:0}
.s-list-chosen,.s-list_box-chosen,.s-table-chosen{background:var(--win-chosen)!important;color:#fff!important}
.s-list-chosen .s-list-subtitle,.s-list-chosen .s-list-meta{color:#fff}
.s-sidebar{background:#fff}.s-sidebar-item{border-radius:0}.s-sidebar-chosen{background:var(--win-chosen);color:#fff}
.s-iconed>input{padding-inline-start:24px!important}.s-iconed-end>input{padding-inline-start:4px!important}.s-iconed-icon{inset-inline-start:6px}.s-iconed-end>.s-iconed-icon{inset-inline:auto 6px}
.s-calendar{background:#fff}.s-day{border-radius:0}
select,input,textarea{color:#111}
.s-chip,.s-badge{border-radius:2px}
u{text-underline-offset:1px}
input[type=range]{height:26px;margin:0}
select:not([multiple]){height:23px}
.s-switch{opacity:1!important;position:relative!important;width:2.4em!important;height:1.3em!important}.s-switch:not(:checked){background:#808080!important}
"""

_LOOKS = {
    "win98": ("--win-font:'Pixelated MS Sans Serif',Arial;--win-size:11px;--win-face:#c0c0c0;--win-chosen:#000080;--win-menu:#c0c0c0;--s-border:#808080", """
button{color:#222!important;text-shadow:none!important}button:disabled{color:grey!important;text-shadow:1px 1px 0 #fff!important}
.s-win-menu,.s-win-sunken,.s-calendar{border:0}
.s-win-menu{box-shadow:inset -1px -1px #0a0a0a,inset 1px 1px #dfdfdf,inset -2px -2px grey,inset 2px 2px #fff;padding:3px}
.s-win-sunken,.s-calendar{box-shadow:inset -1px -1px #fff,inset 1px 1px grey,inset -2px -2px #dfdfdf,inset 2px 2px #0a0a0a;padding:2px}
.s-sidebar{box-shadow:inset -1px -1px #fff,inset 1px 1px grey}
"""),
    "winxp": ("--win-font:Tahoma,'Pixelated MS Sans Serif',Arial;--win-size:11px;--win-face:#ece9d8;--win-chosen:#316ac5;--win-menu:#fff;--s-border:#aca899", """
.s-win-sunken,.s-calendar{border:1px solid #7f9db9}
.s-win-tree summary{list-style:none}
.s-sidebar,.s-drawer{background:linear-gradient(#7aa1e6,#6375d6);color:#fff}.s-sidebar-item{color:#fff}
"""),
    "win7": ("--win-font:'Segoe UI',var(--screen-font);--win-size:12px;--win-face:#f0f0f0;--win-chosen:#3399ff;--win-menu:#f1f1f1;--s-border:#b5bac0", """
.s-win-sunken,.s-calendar{border:1px solid #828790}
.s-win{background:transparent;padding:0}ul.s-win-tree.s-win-tree summary{margin-inline-start:-12px;padding-inline-start:12px}ul.s-win-tree.s-win-tree summary::before{inset-inline:0 auto}[dir=rtl] ul.s-win-tree details:not([open])>summary::before{transform:scaleX(-1)}
.window.s-win{overflow:visible}
[dir=rtl] .s-win-mark input[type=checkbox]+label::before{margin-inline:0 6px}[dir=rtl] .s-win-mark input[type=checkbox]:checked+label::after{left:auto;right:2px}
.window[role=dialog]{display:block!important;visibility:visible!important;opacity:1!important;position:relative!important;inset:auto!important;transform:none!important}
[role=option][aria-selected=false]{background:none!important;color:#111!important;border-color:transparent!important}
.s-menu{border-color:#979797}
.s-list-chosen :is(.s-list-subtitle,.s-list-meta){color:#333}.s-sidebar{background:linear-gradient(90deg,#f8fbff,#e8f0fa)}.s-sidebar-chosen,.s-list-chosen,.s-table-chosen{background:linear-gradient(#dcebfc,#c1dbfc)!important;color:#111!important}
"""),
}  # fmt: skip


def _kit(name: str, package: str, css: str, ui: type[WindowsUi], own_fonts: bool) -> Kit:
    numbers, looks = _LOOKS[name]
    return Kit(
        name=name, platform="desktop", package=package, ui=ui, themes={"light": Theme(css=(css,))}, variables=f":root{{{numbers}}}{_VARIABLES}{looks}", own_fonts=own_fonts,
    )  # fmt: skip


KITS = (
    _kit("win98", "98.css", "98.css/dist/98.css", WindowsUi, True),
    _kit("winxp", "xp.css", "xp.css/dist/XP.css", WindowsXpUi, True),
    _kit("win7", "7.css", "7.css/dist/7.css", Windows7Ui, False),
)
