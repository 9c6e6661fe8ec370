"""`HtmlUi`: every widget of the vocabulary as plain semantic HTML. Kits subclass it.

Most of a kit is its table `classes`: part name -> class names. A part that the table leaves out is drawn by our own `layout.css` as `.s-<part>`, in the
kit's colours (`--s-primary`, `--s-surface` ... which the kit maps to its own variables); where a kit's markup differs, it overrides the method.

Marks: an element with `data-c="<class>"` is labelled, everything else is layout (annotate.js). `data-box` names what the box is taken of, where that is not the
marked element itself.
"""

import json
from collections.abc import Sequence
from html import escape
from typing import Any, ClassVar, Literal

from datagen.content import icons, images
from datagen.pages.ui import Align, Branch, Entry, Justify, Tone, Ui

_VOID = {"input", "hr", "br", "img"}
Variant = Literal["default", "primary", "danger", "text"]


def tag(name: str, /, *children: str, c: str | None = None, cls: str = "", **attributes: object) -> str:
    """One element. `c` is its class in the taxonomy; a value of True writes a bare attribute, None or False none; `_` becomes `-`."""
    parts = [name]
    if c:
        parts.append(f'data-c="{c}"')
    if cls := " ".join(cls.split()):
        parts.append(f'class="{cls}"')
    for key, value in attributes.items():
        key = key.rstrip("_").replace("_", "-")
        if value is True:
            parts.append(key)
        elif value is not None and value is not False:
            parts.append(f'{key}="{escape(str(value))}"')
    opening = f"<{' '.join(parts)}>"
    return opening if name in _VOID else f"{opening}{''.join(children)}</{name}>"


def div(cls: str, /, *children: str, c: str | None = None, **attributes: object) -> str:
    return tag("div", *children, c=c, cls=cls, **attributes)


def span(cls: str, /, *children: str, c: str | None = None, **attributes: object) -> str:
    return tag("span", *children, c=c, cls=cls, **attributes)


def yes(value: bool | None) -> str | None:
    """An ARIA attribute's value: "true", "false", or none."""
    return None if value is None else "true" if value else "false"


def em(length: float | None) -> str:
    return f"{length:g}em" if length is not None else ""


class HtmlUi(Ui[str]):
    """The vocabulary in HTML. See the module's text for how a kit builds on it."""

    classes: ClassVar[dict[str, str]] = {}

    def k(self, *parts: str) -> str:
        """Class names of parts: the kit's own, or ours where it has none (`a.b` falls back to `s-a-b`)."""
        return " ".join(self.classes.get(part, f"s-{part.replace('.', '-')}") for part in parts)

    def words_of(self, content: str, cls: str = "", **attributes: object) -> str:
        """A run of text that is labelled by itself, inside something else."""
        return span(cls, escape(content), c="text", **attributes)

    # ---- layout ------------------------------------------------------------------------------------------------------------------------------

    def column(self, *parts: str, gap: int = 2, align: Align = "stretch", fill: bool = False) -> str:
        return div(f"s-col s-g{gap} s-ai-{align} {'s-fill' if fill else ''}", *parts)

    def row(self, *parts: str, gap: int = 2, align: Align = "center", justify: Justify = "start", wrap: bool = False, fill: bool = False) -> str:
        return div(f"s-row s-g{gap} s-ai-{align} s-jc-{justify} {'s-wrap' if wrap else ''} {'s-fill' if fill else ''}", *parts)

    def grid(self, *parts: str, columns: int, gap: int = 3) -> str:
        return div(f"s-grid s-g{gap}", *parts, style=f"grid-template-columns:repeat({columns},minmax(0,1fr))")

    def grow(self, *parts: str) -> str:
        return div("s-grow", *parts)

    def box(
        self, *parts: str, width: float | None = None, height: float | None = None, pad: int = 0, tint: bool = False, border: bool = False
    ) -> str:
        style = (f"width:{em(width)};flex:none;" if width is not None else "") + (
            f"height:{em(height)};overflow:hidden;" if height is not None else ""
        )
        return div(f"s-box s-p{pad} {'s-tint' if tint else ''} {'s-border' if border else ''}", *parts, style=style or None)

    def place(self, *parts: tuple[float, float, str], height: float | None = None, back: str | None = None) -> str:
        placed = (div("s-placed", part, style=f"inset-inline-start:{x:.1%};top:{y:.1%}") for x, y, part in parts)
        return div(
            f"s-place {'s-fill' if height is None else ''}", div("s-back", back or ""), *placed, style=f"height:{em(height)}" if height else None
        )

    def pane(self, *parts: str, pad: int = 2) -> str:
        return div(f"s-pane s-p{pad}", *parts, data_scroll_to=self.rng.randrange(20, 260) if self.state == "scrolled" else None)

    def divider(self) -> str:
        return tag("hr", cls=self.k("divider"))

    # ---- text --------------------------------------------------------------------------------------------------------------------------------

    def text(self, content: str, tone: Tone = "normal") -> str:
        return div("s-line", self.words_of(content, self.k(f"text.{tone}") if tone != "normal" else ""))

    def heading(self, content: str, level: int = 2) -> str:
        return tag(f"h{level}", escape(content), c="heading", cls=self.k(f"heading.{level}"))

    def link(self, content: str, icon: str | None = None) -> str:
        return div("s-line", tag("a", self.icon(icon) + " " if icon else "", escape(content), c="link", cls=self.k("link"), href="#"))

    def label(self, content: str, required: bool = False) -> str:
        return tag("label", escape(content + (" *" if required else "")), c="text", cls=self.k("label"))

    def code(self, lines: Sequence[str], numbers: bool = True, marked: int | None = None) -> str:
        rows = []
        for i, line in enumerate(lines):
            indent = len(line) - len(line.lstrip())
            number = self.words_of(str(i + 1), "s-code-number") if numbers else ""
            code = span("s-code-line", escape(line.strip()), c="text", style=f"margin-inline-start:{indent * 0.6:g}em") if line.strip() else ""
            rows.append(div(f"s-code-row {'s-code-marked' if i == marked else ''}", number, code))
        return div("s-code", *rows, dir="ltr")

    # ---- controls ----------------------------------------------------------------------------------------------------------------------------

    def button(
        self, content: str, icon: str | None = None, variant: Variant | None = None, size: Literal["small", "normal", "large"] = "normal",
        disabled: bool | None = None, pressed: bool | None = None, wide: bool = False, busy: bool = False,
    ) -> str:  # fmt: skip
        variant = variant or self.rng.choice(("default", "default", "primary", "text"))
        disabled = self.chance("disabled") if disabled is None else disabled
        inner = (self.glyph(icon) if icon else "") + span("", escape(content))
        if busy:
            inner = span("s-ring s-ring-small") + inner
        cls = self.k("button", f"button.{variant}") + (f" {self.k(f'button.{size}')}" if size != "normal" else "")
        cls += (" s-wide" if wide else "") + (f" {self.k('pressed')}" if pressed else "")
        return tag(
            "button", inner, c="button", cls=cls + " s-inline", type="button", disabled=disabled, aria_pressed=yes(pressed), aria_busy=yes(busy or None),
            data_icon=icons.canonical(icon) if icon else None, data_variant=variant,
        )  # fmt: skip

    def icon_button(
        self, icon: str, content: str | None = None, variant: Literal["plain", "default", "primary"] = "plain", disabled: bool | None = None,
        pressed: bool | None = None, badge: str | None = None,
    ) -> str:  # fmt: skip
        disabled = self.chance("disabled", 0.25, 0.02) if disabled is None else disabled
        made = tag(
            "button", self.glyph(icon), c="icon_button", cls=self.k("icon_button", f"icon_button.{variant}") + (f" {self.k('pressed')}" if pressed else ""),
            type="button", disabled=disabled, aria_pressed=yes(pressed), aria_label=content or self.words.t(icons.label(icon)), data_icon=icons.canonical(icon) if icon else None,
        )  # fmt: skip
        return div("s-badged", made, span("s-corner", self.badge(badge, "danger"))) if badge else made

    def button_group(self, *buttons: str) -> str:
        return div(self.k("button_group"), *buttons, role="group")

    def text_field(
        self, name: str, value: str = "", placeholder: str = "", icon: str | None = None, disabled: bool | None = None, invalid: bool | None = None,
        readonly: bool = False, required: bool = False,
    ) -> str:  # fmt: skip
        disabled = self.chance("disabled") if disabled is None else disabled
        invalid = self.chance("error", 0.4, 0.02) if invalid is None else invalid
        field = tag(
            "input", c="text_field", cls=self.k("text_field") + (f" {self.k('invalid')}" if invalid else ""), type="text", value=value or None,
            placeholder=placeholder or None, aria_label=name, disabled=disabled, readonly=readonly, required=required, aria_invalid="true" if invalid else None,
        )  # fmt: skip
        return self.with_icon(field, icon) if icon else field

    def with_icon(self, field: str, icon: str) -> str:
        """A field with a pictogram inside its leading edge."""
        return div("s-iconed", field, span("s-iconed-icon", self.icon(icon)))

    def password_field(self, name: str, length: int = 0, placeholder: str = "", disabled: bool | None = None, invalid: bool | None = None) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        invalid = self.chance("error", 0.4, 0.02) if invalid is None else invalid
        return tag(
            "input", c="password_field", cls=self.k("text_field") + (f" {self.k('invalid')}" if invalid else ""), type="password", value="x" * length or None,
            placeholder=placeholder or None, aria_label=name, disabled=disabled, aria_invalid="true" if invalid else None,
        )  # fmt: skip

    def search_field(self, placeholder: str, value: str = "") -> str:
        field = tag(
            "input", c="search_field", cls=self.k("search_field"), type="search", value=value or None, placeholder=placeholder, aria_label=placeholder
        )
        return self.with_icon(field, "search") if self.rng.random() < 0.5 else field

    def text_area(self, name: str, value: str = "", placeholder: str = "", rows: int = 3, disabled: bool | None = None) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        return tag(
            "textarea",
            escape(value),
            c="text_area",
            cls=self.k("text_area"),
            rows=rows,
            placeholder=placeholder or None,
            aria_label=name,
            disabled=disabled,
        )

    def combo_box(self, name: str, options: Sequence[str], chosen: int = 0, disabled: bool | None = None) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        entries = (tag("option", escape(option), selected=i == chosen) for i, option in enumerate(options))
        return tag("select", *entries, c="combo_box", cls=self.k("combo_box"), aria_label=name, disabled=disabled)

    def list_box(self, name: str, options: Sequence[str], chosen: Sequence[int] = ()) -> str:
        entries = (
            div(self.k("list_box.item") + (f" {self.k('list_box.chosen')}" if i in chosen else ""), self.words_of(option), c="list_item", role="option",
                aria_selected=yes(i in chosen))
            for i, option in enumerate(options)
        )  # fmt: skip
        return div(self.k("list_box"), *entries, c="list_box", role="listbox", aria_label=name, tabindex="0")

    def checkbox(self, content: str, checked: bool | None = False, disabled: bool | None = None, show_label: bool = True) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        mark = tag(
            "input",
            c="checkbox",
            cls=self.k("checkbox"),
            type="checkbox",
            checked=bool(checked),
            data_mixed=checked is None,
            aria_label=content,
            disabled=disabled,
        )
        return self.marked(mark, content, "check") if show_label else mark

    def radio(self, content: str, chosen: bool, group: str, disabled: bool | None = None, show_label: bool = True) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        mark = tag("input", c="radio", cls=self.k("radio"), type="radio", name=group, checked=chosen, aria_label=content, disabled=disabled)
        return self.marked(mark, content, "check") if show_label else mark

    def switch(self, content: str, on: bool, disabled: bool | None = None, show_label: bool = False) -> str:
        disabled = self.chance("disabled") if disabled is None else disabled
        mark = tag(
            "input",
            c="switch",
            cls=self.k("switch"),
            type="checkbox",
            role="switch",
            checked=on,
            aria_checked=yes(on),
            aria_label=content,
            disabled=disabled,
        )
        return self.marked(mark, content, "switch_row") if show_label else mark

    def marked(self, mark: str, content: str, part: str) -> str:
        """A checkbox, radio or switch with its label."""
        return tag("label", mark, self.words_of(content, self.k(f"{part}.label")), cls=self.k(part))

    def slider(self, name: str, share: float) -> str:
        return tag("input", c="slider", cls=self.k("slider"), type="range", min=0, max=100, value=round(100 * share), aria_label=name)

    def stepper(self, name: str, value: int) -> str:
        if self.rng.random() < 0.4:
            return tag("input", c="stepper", cls=self.k("text_field") + " s-stepper-native", type="number", value=value, aria_label=name)
        less, more = (
            tag("button", sign, cls=self.k("stepper.button"), type="button", aria_label=word) for sign, word in (("−", "less"), ("+", "more"))
        )
        field = tag("input", cls=self.k("stepper.field"), type="text", value=value, aria_label=name)
        return div(self.k("stepper"), less, field, more, c="stepper", role="spinbutton", aria_label=name)

    def date_picker(self, name: str, value: str, iso: str) -> str:
        if self.setting.locale == "en" and self.rng.random() < 0.4:
            return tag("input", c="date_picker", cls=self.k("text_field"), type="date", value=iso, aria_label=name)
        field = tag("input", cls=self.k("text_field"), type="text", value=value, aria_label=name)
        return div("s-iconed s-iconed-end", field, span("s-iconed-icon", self.glyph("calendar")), c="date_picker", aria_label=name)

    def calendar(self, title: str, weekdays: Sequence[str], offset: int, days: int, chosen: int) -> str:
        cells = [div("s-day", self.words_of(day, "s-text-caption")) for day in weekdays] + [div("s-day")] * offset
        for day in range(1, days + 1):
            cells.append(div(f"s-day {'s-day-chosen' if day == chosen else ''}", self.words_of(str(day))))
        head = self.row(
            self.icon_button("chevron-left"),
            self.grow(div("s-center", self.words_of(title, "s-text-strong"))),
            self.icon_button("chevron-right"),
            gap=1,
        )
        return div("s-calendar", head, div("s-days", *cells), c="date_picker", aria_label=title)

    def field(self, name: str, control: str, hint: str | None = None, error: str | None = None, beside: bool = False, required: bool = False) -> str:
        below = (self.text(error, "danger") if error else "") + (self.text(hint, "caption") if hint else "")
        label = self.label(name, required)
        if beside:
            return div(f"s-field s-field-beside {self.k('field')}", div("s-field-name", label), div("s-grow", control, below))
        return div(f"s-field {self.k('field')}", div("", label), control, below)

    # ---- navigation --------------------------------------------------------------------------------------------------------------------------

    def tabs(self, names: Sequence[str], chosen: int = 0, icons: Sequence[str | None] = (), closable: bool = False) -> str:
        entries = []
        for i, name in enumerate(names):
            glyph = self.glyph(icons[i]) if i < len(icons) and icons[i] else ""
            close = (
                tag("button", self.glyph("close"), c="icon_button", cls="s-tab-close", type="button", aria_label=self.words.t("Close"))
                if closable
                else ""
            )
            here = i == chosen
            entries.append(self.tab(f"{glyph}{span('', escape(name))}{close}", here))
        return self.tab_bar(entries)

    def tab(self, inner: str, here: bool) -> str:
        """One `tab` around its content."""
        return tag(
            "a", inner, c="tab", cls=self.k("tab") + (f" {self.k('tab.chosen')}" if here else ""), role="tab", aria_selected=yes(here), href="#"
        )

    def tab_bar(self, entries: Sequence[str]) -> str:
        """`tab_bar` around its tabs."""
        return div(self.k("tab_bar"), *entries, c="tab_bar", role="tablist")

    def breadcrumb(self, names: Sequence[str]) -> str:
        parts = [tag("li", tag("a", escape(name), c="link", href="#"), cls=self.k("breadcrumb.item")) for name in names[:-1]]
        parts.append(tag("li", self.words_of(names[-1], aria_current="page"), cls=self.k("breadcrumb.item", "breadcrumb.here")))
        return tag(
            "nav", tag("ol", *parts, c="breadcrumb", cls=self.k("breadcrumb") + " s-inline"), aria_label="Breadcrumb", cls=self.k("breadcrumb.around")
        )

    def pagination(self, pages: int, here: int) -> str:
        before, after = self.rng.choice((("‹", "›"), ("«", "»"), (self.words.t("Previous"), self.words.t("Next"))))
        labels = [before, *(str(page) for page in range(1, pages + 1)), after]
        entries = []
        for i, name in enumerate(labels):
            current = i == here
            inner = tag("a", escape(name), c="link", cls=self.k("pagination.link") + (f" {self.k('pagination.here')}" if current else ""), href="#",
                        aria_current="page" if current else None)  # fmt: skip
            entries.append(tag("li", inner, cls=self.k("pagination.item") + (f" {self.k('pagination.item.here')}" if current else "")))
        return tag("ul", *entries, c="pagination", cls=self.k("pagination") + " s-inline")

    def page_dots(self, count: int, here: int) -> str:
        return div(
            "s-dots",
            *(span(f"s-dot {'s-dot-here' if i == here else ''}") for i in range(count)),
            c="pagination",
            role="group",
            aria_label=f"{here + 1}/{count}",
        )

    def steps(self, names: Sequence[str], here: int) -> str:
        entries = []
        for i, name in enumerate(names):
            mark = self.glyph("check") if i < here else str(i + 1)
            entries.append(
                div(
                    f"s-step {'s-step-done' if i <= here else ''}",
                    span("s-step-mark", mark),
                    self.words_of(name, "s-text-strong" if i == here else ""),
                )
            )
        return div("s-steps", *entries)

    def navigation_bar(self, brand: str, links: Sequence[str], chosen: int, end: Sequence[str], logo: str | None = None) -> str:
        name = tag("a", self.icon(logo, 1.3) if logo else "", self.words_of(brand), cls=self.k("navigation_bar.brand") + " s-row s-g1", href="#")
        entries = [
            tag("li", tag("a", escape(link), c="link", cls=self.k("navigation_bar.link") + (f" {self.k('navigation_bar.chosen')}" if i == chosen else ""), href="#",
                          aria_current="page" if i == chosen else None), cls=self.k("navigation_bar.item"))
            for i, link in enumerate(links)
        ]  # fmt: skip
        inner = div(self.k("navigation_bar.inner"), name, tag("ul", *entries, cls=self.k("navigation_bar.links")), div("s-grow"), *end)
        return tag("nav", inner, c="navigation_bar", cls=self.k("navigation_bar"))

    def app_bar(self, title: str, back: bool, actions: Sequence[str], large: bool = False) -> str:
        first = self.icon_button("arrow-left" if back else "menu", self.words.t("Back" if back else "Menu"))
        return tag("header", first, tag("h1", escape(title), c="heading", cls=self.k("app_bar.title")), div("s-grow"), *actions, c="navigation_bar",
                   cls=self.k("app_bar"), role="navigation")  # fmt: skip

    def bottom_navigation(self, entries: Sequence[Entry], chosen: int) -> str:
        parts = []
        for i, entry in enumerate(entries):
            glyph = self.icon(entry.icon, 1.4) if entry.icon else ""
            badge = span("s-corner", self.badge(entry.badge, "danger")) if entry.badge else ""
            cls = self.k("bottom_navigation.item") + (f" {self.k('bottom_navigation.chosen')}" if i == chosen else "")
            parts.append(tag("a", div("s-badged", glyph, badge), self.words_of(entry.label, self.k("bottom_navigation.label")), c="tab", cls=cls, href="#", role="tab",
                             aria_selected=yes(i == chosen), data_icon=icons.canonical(entry.icon) if entry.icon else None))  # fmt: skip
        return tag("nav", *parts, c="bottom_navigation", cls=self.k("bottom_navigation"))

    def sidebar(self, entries: Sequence[Entry], chosen: int, head: str | None = None, foot: str | None = None, narrow: bool = False) -> str:
        if narrow:
            inner = [self.icon_button(entry.icon or "home", entry.label, pressed=True if i == chosen else None) for i, entry in enumerate(entries)]
            return tag("aside", *inner, c="sidebar", cls="s-sidebar s-sidebar-narrow")
        inner = [self.sidebar_item(entry, i == chosen) for i, entry in enumerate(entries)]
        return tag("aside", head or "", div(self.k("sidebar.list"), *inner), div("s-grow"), foot or "", c="sidebar", cls=self.k("sidebar"))

    def sidebar_item(self, entry: Entry, here: bool) -> str:
        badge = self.badge(entry.badge) if entry.badge else ""
        return tag("a", self.icon(entry.icon) if entry.icon else "", span("s-grow", self.words_of(entry.label)), badge, c="list_item",
                   cls=self.k("sidebar.item") + (f" {self.k('sidebar.chosen')}" if here else "") + " s-row s-g2", href="#", aria_current="page" if here else None,
                   data_icon=icons.canonical(entry.icon) if entry.icon else None)  # fmt: skip

    def menu(self, entries: Sequence[Entry | None], chosen: int | None = None) -> str:
        inner = [self.menu_item(entry, i == chosen) if entry else tag("hr", cls=self.k("menu.divider")) for i, entry in enumerate(entries)]
        return div(self.k("menu"), *inner, c="menu", role="menu")

    def menu_item(self, entry: Entry, here: bool) -> str:
        cls = self.k("menu.item") + (f" {self.k('menu.chosen')}" if here else "") + " s-row s-g2"
        shortcut = self.words_of(entry.shortcut, "s-text-caption") if entry.shortcut else ""
        return tag("a", self.icon(entry.icon) if entry.icon else "", span("s-grow", escape(entry.label)), shortcut, c="menu_item", cls=cls, role="menuitem",
                   aria_disabled=yes(entry.disabled or None), data_icon=icons.canonical(entry.icon) if entry.icon else None, href="#")  # fmt: skip

    def menu_bar(self, names: Sequence[str], open: int | None = None) -> str:
        parts = (
            tag("a", escape(name), c="menu_item", cls=self.k("menu_bar.item") + (f" {self.k('menu_bar.open')}" if i == open else ""), role="menuitem", href="#",
                aria_expanded=yes(True if i == open else None))
            for i, name in enumerate(names)
        )  # fmt: skip
        return div(self.k("menu_bar"), *parts, c="menu_bar", role="menubar")

    def toolbar(self, *parts: str) -> str:
        return div(self.k("toolbar") + " s-row s-g1", *parts, c="toolbar", role="toolbar")

    def tree(self, branches: Sequence[Branch], chosen: int = -1) -> str:
        count = 0

        def draw(level: Sequence[Branch], depth: int) -> str:
            nonlocal count
            parts = []
            for branch in level:
                here = count == chosen
                count += 1
                twist = self.glyph("chevron-down" if branch.open else "chevron-right") if branch.children else span("s-twist-none")
                inner = span("s-twist", twist) + (self.icon(branch.icon) if branch.icon else "") + self.words_of(branch.label)
                parts.append(div(f"{self.k('tree.item')} {self.k('tree.chosen') if here else ''} s-row s-g1", inner, c="list_item", role="treeitem",
                                 aria_expanded=yes(branch.open if branch.children else None), aria_selected=yes(True if here else None),
                                 style=f"padding-inline-start:{0.3 + depth * 1.1:g}em"))  # fmt: skip
                if branch.open:
                    parts.append(draw(branch.children, depth + 1))
            return "".join(parts)

        return div(self.k("tree"), draw(branches, 0), c="tree", role="tree")

    # ---- content -----------------------------------------------------------------------------------------------------------------------------

    def table(
        self, columns: Sequence[str], rows: Sequence[Sequence[str]], header: bool = True, chosen: Sequence[int] = (), numeric: Sequence[int] = (),
        sorted_by: int | None = None, dense: bool = False, grid_lines: bool = False, widths: Sequence[float] = (),
    ) -> str:  # fmt: skip
        def side(i: int) -> str:
            return "s-end" if i in numeric else ""

        head = ""
        if header:
            cells = (
                tag("th", escape(name), (" " + self.glyph("arrow-down")) if i == sorted_by else "", c="table_header", cls=f"{self.k('table.header')} {side(i)}", scope="col",
                    aria_sort="descending" if i == sorted_by else None, style=f"width:{em(widths[i])}" if i < len(widths) else None)
                for i, name in enumerate(columns)
            )  # fmt: skip
            head = tag("thead", tag("tr", *cells, c="row", cls=self.k("table.head_row")))
        body = []
        for j, row in enumerate(rows):
            cells = (
                tag("td", content if content.startswith("<") else self.words_of(content), c="cell", cls=f"{self.k('table.cell')} {side(i)}")
                for i, content in enumerate(row)
            )
            body.append(
                tag(
                    "tr",
                    *cells,
                    c="row",
                    cls=self.k("table.row") + (f" {self.k('table.chosen')}" if j in chosen else ""),
                    aria_selected=yes(True if j in chosen else None),
                )
            )
        cls = self.k("table") + (f" {self.k('table.dense')}" if dense else "") + (f" {self.k('table.grid')}" if grid_lines else "")
        return tag("table", head, tag("tbody", *body), c="table", cls=cls + " s-full")

    def list(self, *items: str, framed: bool = True) -> str:
        return tag("ul", *items, c="list", cls=self.k("list", "list.framed" if framed else "list.plain"))

    def list_item(
        self,
        title: str,
        subtitle: str | None = None,
        leading: str | None = None,
        trailing: str | None = None,
        chosen: bool = False,
        meta: str | None = None,
    ) -> str:
        first = div(
            "s-row s-g2 s-jc-between",
            div("s-shrink", self.words_of(title, self.k("list.title"))),
            self.words_of(meta, self.k("list.meta")) if meta else "",
        )
        second = div("s-shrink", self.words_of(subtitle, self.k("list.subtitle"))) if subtitle else ""
        return tag("li", leading or "", div("s-grow", first, second), trailing or "", c="list_item",
                   cls=self.k("list.item") + (f" {self.k('list.chosen')}" if chosen else "") + " s-row s-g3", aria_selected=yes(True if chosen else None))  # fmt: skip

    def card(self, *parts: str, title: str | None = None, media: str | None = None, footer: str | None = None, chosen: bool = False) -> str:
        head = div(self.k("card.head"), self.heading(title, 5)) if title else ""
        foot = div(self.k("card.foot"), footer) if footer else ""
        return tag("article", media or "", head, div(self.k("card.body") + " s-col s-g2", *parts) if parts else "", foot, c="card",
                   cls=self.k("card") + (f" {self.k('card.chosen')}" if chosen else ""))  # fmt: skip

    def badge(self, content: str, tone: Tone = "primary") -> str:
        return span(self.k("badge", f"badge.{tone}"), escape(content), c="badge")

    def chip(self, content: str, chosen: bool = False, removable: bool = False, icon: str | None = None) -> str:
        inner = (self.glyph(icon) if icon else "") + span("", escape(content)) + (self.glyph("close") if removable else "")
        return span(
            self.k("chip") + (f" {self.k('chip.chosen')}" if chosen else ""), inner, c="chip", role="button", aria_pressed=yes(chosen), tabindex="0"
        )

    def avatar(self, who: str, size: float = 2.2, picture: bool | None = None) -> str:
        shape = self.setting.attributes.setdefault("avatar_shape", self.rng.choice(("50%", "50%", "50%", "22%")))
        style = f"width:{em(size)};height:{em(size)};border-radius:{shape}"
        if picture if picture is not None else self.rng.random() < 0.5:
            return span("s-avatar", images.picture(self.rng, "portrait", 64, 64), c="avatar", style=style, role="img", aria_label=who)
        initials = "".join(part[0] for part in who.split()[:2])
        return span(
            f"s-avatar s-avatar-{self.rng.randrange(6)}", span("s-initials", escape(initials)), c="avatar", style=style, role="img", aria_label=who
        )

    def glyph(self, concept: str, c: str | None = None, size: float = 1.0, cls: str = "") -> str:
        """The drawing of an icon in the page's icon set; unlabelled unless `c` says otherwise."""
        icon = icons.icon(concept, self.setting.icon_set)
        paint = (
            {"fill": "none", "stroke": "currentColor", "stroke_width": "2", "stroke_linecap": "round", "stroke_linejoin": "round"}
            if icon.stroke
            else {"fill": "currentColor"}
        )
        return tag("svg", icon.body, c=c, cls=f"s-icon {'s-sized' if size != 1 else ''} {cls}", viewBox=icon.view_box, aria_hidden="true", data_icon=icons.canonical(concept) if c else None,
                   style=f"font-size:{em(size)}" if size != 1 else None, **paint)  # fmt: skip

    def icon(self, concept: str, size: float = 1.0, tone: Tone = "normal") -> str:
        return self.glyph(concept, "icon", size, self.k(f"text.{tone}") if tone != "normal" else "")

    def image(self, kind: str, height: float, width: float | None = None, rounded: bool = False) -> str:
        picture = images.picture(self.rng, kind, int(16 * (width or 1.7 * height)), int(16 * height))
        style = f"height:{em(height)};" + (f"width:{em(width)};flex:none" if width is not None else "")
        return span(f"s-image {'s-rounded' if rounded else ''}", picture, c="image", style=style, role="img", aria_label=kind)

    def video_player(self, height: float, title: str, share: float) -> str:
        total = self.rng.randrange(60, 5000)
        clock = [f"{int(t) // 60}:{int(t) % 60:02}" for t in (total * share, total)]
        controls = div("s-video-controls s-row s-g2", self.icon_button(self.rng.choice(("play", "pause"))), self.words_of(clock[0]), span("s-grow", self.slider(title, share)),
                       self.words_of(clock[1]), self.icon_button("volume"), self.icon_button("fullscreen"))  # fmt: skip
        return div("s-video", span("s-image", images.picture(self.rng, self.rng.choice(("photo", "landscape")), 640, 360)), controls, c="video_player", role="region",
                   aria_label=title, style=f"height:{em(height)}")  # fmt: skip

    def chart(self, kind: str, height: float) -> str:
        """Drawn by ECharts or Chart.js, on a canvas, when the page is shown; see charts.js."""
        series = self.rng.randrange(1, 4) if kind in ("bar", "line", "area", "radar") else 1
        roomy = height >= 6  # names and axes would crowd a smaller one
        points = self.rng.randrange(4, 13) if kind != "scatter" else self.rng.randrange(15, 60)
        spec = {
            # ECharts could draw SVG, too: on a busy machine the edges of its paths come out a few grey levels different once in a hundred times.
            "library": self.rng.choice(("echarts", "chartjs")), "kind": kind, "legend": self.rng.random() < 0.4 and roomy, "axes": self.rng.random() < 0.8 and roomy,
            "labels": [self.words.month()[:3] for _ in range(min(points, 12))], "names": [self.words.t(self.words.destination()) for _ in range(series)],
            "values": [[round(self.rng.uniform(5, 100), 1) for _ in range(points)] for _ in range(series)], "hue": self.rng.randrange(360),
            "smooth": self.rng.random() < 0.5, "stacked": self.rng.random() < 0.3,
        }  # fmt: skip
        return div(
            "s-chart", c="chart", role="figure", aria_label=kind, data_chart=json.dumps(spec, ensure_ascii=False), style=f"height:{em(height)}"
        )

    def progress(self, share: float, name: str = "") -> str:
        return div(self.k("progress"), div(self.k("progress.bar"), style=f"width:{share:.0%}"), c="progress", role="progressbar", aria_valuenow=round(100 * share),
                   aria_label=name or None)  # fmt: skip

    def spinner(self, size: float = 2.0) -> str:
        return span("s-ring", c="progress", role="progressbar", aria_label=self.words.t("Loading"), style=f"font-size:{em(size)}")

    def skeleton(self, lines: int = 3) -> str:
        return div("s-col s-g2", *(span("s-skeleton", style=f"width:{self.rng.randrange(35, 100)}%") for _ in range(lines)))

    def scroll_bar(self, share: float, at: float, vertical: bool = True) -> str:
        start, length = ("top", "height") if vertical else ("inset-inline-start", "width")
        thumb = span("s-scroll-thumb", style=f"{start}:{at * (1 - share):.1%};{length}:{share:.1%}")
        return div(f"s-scroll s-scroll-{'v' if vertical else 'h'}", thumb, c="scroll_bar", role="scrollbar", aria_valuenow=round(100 * at),
                   aria_orientation="vertical" if vertical else "horizontal")  # fmt: skip

    # ---- above the page ----------------------------------------------------------------------------------------------------------------------

    def alert(self, content: str, tone: Tone = "info", closable: bool = False) -> str:
        glyph = {"success": "check-circle", "warning": "warning", "danger": "error"}.get(tone, "info")
        close = self.icon_button("close", self.words.t("Close")) if closable else ""
        return div(
            self.k("alert", f"alert.{tone}") + " s-row s-g2", self.icon(glyph), div("s-grow", self.words_of(content)), close, c="toast", role="alert"
        )

    def toast(self, content: str, tone: Tone = "neutral", action: str | None = None) -> str:
        where = self.rng.choice(("s-at-top-end", "s-at-bottom-end", "s-at-bottom", "s-at-bottom-start", "s-at-top"))
        inner = (
            self.icon({"success": "check-circle", "warning": "warning", "danger": "error"}.get(tone, "info")) if self.rng.random() < 0.6 else ""
        ) + div("s-grow", self.words_of(content))
        end = (
            self.button(action, variant="text", size="small")
            if action
            else self.icon_button("close", self.words.t("Close"))
            if self.rng.random() < 0.5
            else ""
        )
        return div(f"s-over {where}", div(self.k("toast", f"toast.{tone}") + " s-row s-g2", inner, end, c="toast", role="status"))

    def dialog(self, title: str, *parts: str, actions: Sequence[str], closable: bool = True) -> str:
        close = self.icon_button("close", self.words.t("Close")) if closable else ""
        head = div(self.k("dialog.head") + " s-row s-g2", div("s-grow", self.heading(title, 4)), close)
        body = div(self.k("dialog.body") + " s-col s-g3", *parts)
        foot = div(self.k("dialog.foot") + " s-row s-g2 s-jc-end s-wrap", *actions) if actions else ""
        window = div(self.k("dialog"), head, body, foot, c="dialog", role="dialog", aria_modal="true", aria_label=title,
                     style=f"width:{min(self.setting.width - 32, self.rng.choice((320, 400, 480, 560)))}px")  # fmt: skip
        return div("s-backdrop s-center-all", window)

    def sheet(self, title: str, *parts: str) -> str:
        grip = span("s-grip")
        return div(
            "s-backdrop s-bottom-all",
            div(
                self.k("sheet") + " s-col s-g3", grip, self.heading(title, 4), *parts, c="dialog", role="dialog", aria_modal="true", aria_label=title
            ),
        )

    def drawer(self, entries: Sequence[Entry], chosen: int, head: str | None = None) -> str:
        inner = [self.sidebar_item(entry, i == chosen) for i, entry in enumerate(entries)]
        return div("s-backdrop", tag("aside", head or "", div(self.k("sidebar.list"), *inner), c="sidebar", cls=self.k("drawer")))

    def floating_menu(self, entries: Sequence[Entry | None], near: str = "button") -> str:
        choices = [i for i, entry in enumerate(entries) if entry]
        return div(
            "s-over s-near",
            self.menu(entries, self.rng.choice(choices) if self.rng.random() < 0.5 else None),
            data_near=near,
            data_nth=self.rng.randrange(1000),
        )

    def floating_tooltip(self, content: str, near: str = "icon_button") -> str:
        return div(
            "s-over s-near",
            div(self.k("tooltip"), escape(content), c="tooltip", role="tooltip"),
            data_near=near,
            data_nth=self.rng.randrange(1000),
            data_gap=6,
        )

    def floating_button(self, icon: str, content: str | None = None) -> str:
        return div("s-over s-fab-place", tag("button", self.glyph(icon, size=1.4), c="icon_button", cls=self.k("fab"), type="button", data_icon=icons.canonical(icon) if icon else None,
                                             aria_label=content or self.words.t(icons.label(icon))))  # fmt: skip

    # ---- around the page ---------------------------------------------------------------------------------------------------------------------

    def phone_status_bar(self, time: str, battery: int) -> str:
        end = span(
            "s-row s-g1",
            self.icon("signal"),
            self.icon("wifi"),
            self.words_of(f"{battery}%") if self.rng.random() < 0.5 else "",
            self.icon("battery"),
        )
        return div(self.k("phone_status_bar"), self.words_of(time), div("s-grow"), end, c="status_bar")

    def status_bar(self, *parts: str) -> str:
        return div(self.k("status_bar"), *(div(self.k("status_bar.part"), part) for part in parts), c="status_bar", role="status")

    def title_bar(self, title: str, icon: str | None = None) -> str:
        buttons = "".join(tag("button", self.glyph(name), c="icon_button", cls=self.k("title_bar.button"), type="button", aria_label=word)
                          for name, word in (("minus", "Minimize"), ("square", "Maximize"), ("close", "Close")))  # fmt: skip
        name = span("s-shrink", self.words_of(title, self.k("title_bar.text")))
        return div(
            self.k("title_bar") + " s-row s-g2",
            self.icon(icon) if icon else "",
            name,
            div("s-grow"),
            div(self.k("title_bar.buttons"), buttons),
            c="title_bar",
        )

    def window(
        self, title: str, *parts: str, icon: str | None = None, menu_bar: str | None = None, toolbar: str | None = None, status_bar: str | None = None
    ) -> str:
        body = div(self.k("window.body") + " s-window-body", *parts)
        return div(self.k("window") + " s-window-fill", self.title_bar(title, icon), menu_bar or "", toolbar or "", body, status_bar or "")

    def footer(self, *parts: str) -> str:
        return tag("footer", *parts, cls=self.k("footer"))

    # ---- for kits ----------------------------------------------------------------------------------------------------------------------------

    def page_attributes(self) -> dict[str, Any]:
        """More attributes of <html> that this page needs; kits may add."""
        return {}
