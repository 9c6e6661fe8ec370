"""Groups of widgets that more than one page family uses: bars, panels, tables, lists, cards, things that float above the page."""

from collections.abc import Callable
from html import escape
from random import Random

from datagen.pages import words
from datagen.pages.widgets import (
    VARIANTS,
    avatar,
    badge,
    button,
    chart,
    checkbox,
    chip,
    combo_box,
    date_picker,
    div,
    heading,
    icon,
    icon_button,
    link,
    picture,
    progress,
    search_field,
    status_badge,
    tag,
    text,
    tooltip,
)  # fmt: skip

# ---- around the page -------------------------------------------------------------------------------------------------------------------------


def navigation_bar(rng: Random, width: int, sticky: bool) -> str:
    """Brand, links, and what stands at the end of a top bar."""
    brand = rng.choice(words.BRANDS)
    logo = icon(rng.choice(words.THING_ICONS), "me-1") if rng.random() < 0.6 else ""
    count = rng.randrange(0, 4) if width < 560 else rng.randrange(2, 6)
    links = [
        tag("li", link(name, "nav-link px-2" + (" active" if i == 0 else ""), aria_current="page" if i == 0 else None), cls="nav-item")
        for i, name in enumerate(rng.sample(words.DESTINATIONS, count))
    ]
    end = []
    if rng.random() < 0.45:
        end.append(div("", search_field(rng), style="width:9em"))
    for name in rng.sample(("bell", "gear", "question-circle", "envelope", "moon", "cart"), rng.randrange(0, 3)):
        plain = icon_button(rng, name, "btn btn-sm border-0", style="color:var(--bs-navbar-color)")
        dot = (
            badge(rng, str(rng.randrange(1, 30)), "danger", "position-absolute top-0 start-100 translate-middle rounded-pill")
            if rng.random() < 0.3
            else ""
        )
        end.append(div("position-relative", plain, dot) if dot else plain)
    end.append(avatar(rng, words.person(rng), 1.9) if rng.random() < 0.6 else button(rng, "Sign in", cls="btn-sm"))
    background, palette = rng.choice(
        (("bg-primary", "dark"), ("bg-dark", "dark"), ("bg-body-tertiary", None), ("bg-body-tertiary", None), ("bg-light", "light"))
    )
    bar = div(
        "container-fluid flex-nowrap gap-2", tag("a", logo, tag("span", escape(brand), c="text"), cls="navbar-brand text-nowrap", href="#"),
        tag("ul", *links, cls="navbar-nav flex-row flex-nowrap me-auto overflow-hidden"), *end,
    )  # fmt: skip
    return tag("nav", bar, c="navigation_bar", cls=f"navbar navbar-expand {background} {'border-bottom' if palette is None else ''} {'sticky-top' if sticky else ''} py-1",
               data_bs_theme=palette)  # fmt: skip


def sidebar(rng: Random) -> str:
    """A panel of destinations with icons; the chosen one is marked."""
    names = rng.sample(words.DESTINATIONS, rng.randrange(4, 10))
    chosen = rng.randrange(len(names))
    style = rng.choice(("nav nav-pills flex-column gap-1", "nav flex-column", "list-group list-group-flush"))
    entries = []
    for i, name in enumerate(names):
        here = i == chosen
        mark = badge(rng, str(rng.randrange(1, 40)), cls="ms-auto") if rng.random() < 0.15 else ""
        inner = icon(words.DESTINATION_ICONS[name], "me-2") + tag("span", escape(name), c="text") + mark
        base = "list-group-item list-group-item-action border-0 py-1 px-2" if style.startswith("list") else "nav-link py-1 px-2"
        entries.append(
            tag(
                "a",
                inner,
                c="list_item",
                cls=f"{base} d-flex align-items-center {'active' if here else ''}",
                href="#",
                aria_current="page" if here else None,
            )
        )
    head = tag("div", text(rng.choice(words.BRANDS), "fw-bold"), cls="px-2 pb-2") if rng.random() < 0.4 else ""
    foot = ""
    if rng.random() < 0.35:
        who = words.person(rng)
        foot = div("mt-auto pt-2 px-2 d-flex align-items-center gap-2 border-top", avatar(rng, who, 1.8), text(who.split()[0], "small"))
    background = rng.choice(("bg-body-tertiary", "bg-body", "bg-body-secondary"))
    return tag("aside", head, div(style, *entries), foot, c="sidebar", cls=f"d-flex flex-column p-2 border-end {background}",
               style=f"width:{rng.choice((10, 11, 12))}rem;flex:none")  # fmt: skip


def breadcrumb(rng: Random) -> str:
    names = rng.sample(words.DESTINATIONS, rng.randrange(2, 4))
    items = [tag("li", link(name), cls="breadcrumb-item") for name in names[:-1]]
    items.append(tag("li", text(names[-1], aria_current="page"), cls="breadcrumb-item active"))
    return tag("nav", tag("ol", *items, c="breadcrumb", cls="breadcrumb mb-2 d-inline-flex"), aria_label="Breadcrumb")


def footer_bar(rng: Random) -> str:
    """The thin strip of state at a window's foot."""
    parts = [icon("check-circle", "me-1") + text("All changes saved"), text(f"{rng.randrange(2, 900)} items"), text(f"Version {rng.randrange(1, 9)}.{rng.randrange(10)}"),
             icon("wifi", "me-1") + text("Online"), text(f"Updated {words.date(rng)}")]  # fmt: skip
    chosen = rng.sample(parts, rng.randrange(2, 4))
    return div("fixed-bottom d-flex justify-content-between align-items-center px-3 py-1 border-top bg-body-secondary small", *(tag("span", part) for part in chosen),
               c="status_bar")  # fmt: skip


def bottom_navigation(rng: Random) -> str:
    """Destinations at the foot of the screen, an icon above each name."""
    names = rng.sample(words.DESTINATIONS, rng.randrange(3, 6))
    chosen = rng.randrange(len(names))
    entries = [
        tag("a", icon(words.DESTINATION_ICONS[name], "fs-5"), text(name, "small"), c="tab", role="tab", aria_selected="true" if i == chosen else "false", href="#",
            cls=f"d-flex flex-column align-items-center text-decoration-none px-2 {'text-primary' if i == chosen else 'text-body-secondary'}")
        for i, name in enumerate(names)
    ]  # fmt: skip
    return tag("nav", *entries, c="bottom_navigation", cls="fixed-bottom d-flex justify-content-around py-1 border-top bg-body-tertiary")


# ---- bars inside the page --------------------------------------------------------------------------------------------------------------------


def title_row(rng: Random, title: str, open_menu: bool) -> str:
    """The page's heading, with or without a word below it and buttons beside it; the last may hold an open menu."""
    under = div("", text(words.sentences(rng, 1), "text-body-secondary small")) if rng.random() < 0.35 else ""
    side = []
    if rng.random() < 0.6:
        side = [button(rng, cls="btn-sm") for _ in range(rng.randrange(1, 3))]
    if open_menu or rng.random() < 0.15:
        side.append(menu_button(rng, open_menu))
    elif rng.random() < 0.3:
        side.append(icon_button(rng))
    return div(
        "d-flex align-items-start gap-2 mb-2",
        div("me-auto", heading(title, rng.choice((1, 2, 3, 4)), rng.choice(("h3", "h4", "h5")) + " mb-1"), under),
        *side,
    )


def tab_bar(rng: Random, names: tuple[str, ...]) -> str:
    chosen = rng.randrange(len(names))
    entries = []
    for i, name in enumerate(names):
        mark = " " + badge(rng, str(rng.randrange(1, 20))) if rng.random() < 0.12 else ""
        entries.append(
            tag("li", tag("a", escape(name), mark, c="tab", cls=f"nav-link py-1 {'active' if i == chosen else ''}", role="tab",
                          aria_selected="true" if i == chosen else "false", href="#"), cls="nav-item")
        )  # fmt: skip
    return tag(
        "ul", *entries, c="tab_bar", cls=f"nav {rng.choice(('nav-tabs', 'nav-pills', 'nav-underline', 'nav-tabs'))} mb-3 flex-nowrap", role="tablist"
    )


def toolbar(rng: Random) -> str:
    """What acts on the content below: a search, filters, buttons."""
    makers: list[Callable[[], str]] = [
        lambda: div("", search_field(rng), style="width:10em"),
        lambda: combo_box(rng, cls="form-select-sm w-auto"),
        lambda: button(rng, rng.choice(("Filter", "Sort", "Export", "Refresh", "Print")), cls="btn-sm"),
        lambda: div("btn-group", *(icon_button(rng, name, "btn btn-sm btn-outline-secondary") for name in rng.sample(words.ACTION_ICONS, 3))),
        lambda: icon_button(rng),
        lambda: div("btn-group btn-group-sm", *(
            tag("button", escape(name), c="button", cls=f"btn btn-outline-primary {'active' if i == 1 else ''}", type="button", aria_pressed="true" if i == 1 else "false")
            for i, name in enumerate(rng.sample(("Day", "Week", "Month", "Year"), 3)))),
    ]  # fmt: skip
    parts = [make() for make in rng.sample(makers, rng.randrange(2, 4))]
    return div("d-flex flex-wrap align-items-center gap-2 mb-2 py-1", *parts, c="toolbar", role="toolbar")


def chips(rng: Random) -> str:
    chosen = rng.randrange(3)
    return div("d-flex flex-wrap gap-2 mb-3", *(chip(rng, name, i == chosen) for i, name in enumerate(rng.sample(words.TAGS, rng.randrange(3, 6)))))


def pagination(rng: Random) -> str:
    pages, here = rng.randrange(3, 7), rng.randrange(1, 4)
    step = rng.choice((("‹", "›"), ("Previous", "Next"), ("«", "»")))
    entries = [tag("li", link(step[0], "page-link", aria_label="Previous"), cls="page-item")]
    for page in range(1, pages + 1):
        current = page == here
        entries.append(
            tag("li", link(str(page), "page-link", aria_current="page" if current else None), cls=f"page-item {'active' if current else ''}")
        )
    entries.append(tag("li", link(step[1], "page-link", aria_label="Next"), cls="page-item"))
    return tag("ul", *entries, c="pagination", cls=f"pagination {rng.choice(('', 'pagination-sm'))} d-inline-flex mb-2")


def alert(rng: Random) -> str:
    variant, name, message = rng.choice(words.ALERTS)
    close = icon_button(rng, "x-lg", "btn btn-sm p-0 ms-auto text-reset border-0") if rng.random() < 0.5 else ""
    return div(f"alert alert-{variant} d-flex align-items-center gap-2 py-2 mb-3", icon(name), text(message), close, c="toast", role="alert")


# ---- content ---------------------------------------------------------------------------------------------------------------------------------


def _cell_maker(rng: Random, kind: str) -> Callable[[], str]:
    def picked(options: tuple[str, ...]) -> Callable[[], str]:
        return lambda: escape(rng.choice(options))

    return {
        "Name": lambda: escape(words.person(rng)), "Customer": picked(words.COMPANIES), "Product": picked(words.PRODUCTS), "City": picked(words.CITIES),
        "Project": lambda: escape(words.title(rng)), "Date": lambda: escape(words.date(rng)), "Amount": lambda: escape(words.price(rng)),
        "Qty": lambda: str(rng.randrange(1, 90)), "Status": lambda: status_badge(rng), "Order": lambda: link(f"#{rng.randrange(1000, 9999)}"),
        "Owner": lambda: div("d-flex align-items-center gap-2", avatar(rng, who := words.person(rng), 1.6), text(who.split()[0])),
        "Progress": lambda: progress(rng), "Email": lambda: link(words.email(rng)), "Share": lambda: f"{rng.randrange(1, 100)}%",
        "": lambda: div("d-flex gap-1", *(icon_button(rng, name, "btn btn-sm btn-link p-0 px-1") for name in rng.sample(("pencil", "trash", "eye", "three-dots"), 2))),
    }[kind]  # fmt: skip


def data_table(rng: Random, width: int, rows: int) -> str:
    """A table of like records; `width` in CSS pixels decides on the number of columns."""
    first = rng.choice(("Name", "Customer", "Product", "Project", "Order"))
    others = [kind for kind in ("Date", "Amount", "Qty", "Status", "Owner", "City", "Progress", "Email", "Share", "Customer", "") if kind != first]
    columns = [first, *rng.sample(others, max(1, min(6, width // 135 - 1)))]
    columns.sort(key=lambda kind: kind == "")
    makers = [_cell_maker(rng, kind) for kind in columns]
    selectable = rng.random() < 0.3
    sorted_by = rng.randrange(len(columns)) if rng.random() < 0.4 else -1
    numeric = {"Amount", "Qty", "Share"}

    def align(kind: str) -> str:
        return "text-end" if kind in numeric else ""

    head = [tag("th", checkbox(rng, "Select all"), c="table_header", style="width:2em")] if selectable else []
    head += [
        tag(
            "th",
            escape(kind) + (" " + icon("chevron-down") if i == sorted_by else ""),
            c="table_header",
            cls=f"{align(kind)} text-nowrap",
            scope="col",
        )
        for i, kind in enumerate(columns)
    ]
    body = []
    for number in range(rows):
        cells = [tag("td", checkbox(rng, f"Select row {number + 1}"), c="cell")] if selectable else []
        cells += [tag("td", make(), c="cell", cls=f"{align(kind)} {'text-truncate' if kind != 'Owner' else ''}", style="max-width:11em")
                  for kind, make in zip(columns, makers, strict=True)]  # fmt: skip
        body.append(tag("tr", *cells, c="row", cls="table-active" if rng.random() < 0.06 else ""))
    look = " ".join(rng.sample(("table-striped", "table-hover", "table-bordered", "table-sm"), rng.randrange(0, 3)))
    colour = rng.choice(("", "", "", "table-light", "table-dark", "table-primary"))
    return tag("table", tag("thead", tag("tr", *head, c="row"), cls=colour), tag("tbody", *body), c="table", cls=f"table {look} align-middle mb-2")


def record_list(rng: Random, entries: int) -> str:
    """A list of people, files or messages."""
    kind = rng.choice(("people", "things", "plain", "media", "checks"))
    items = []
    for _ in range(entries):
        if kind == "people":
            who = words.person(rng)
            inner = avatar(rng, who) + div(
                "me-auto",
                div("", text(who, "fw-semibold")),
                div("", text(rng.choice((words.email(rng), words.title(rng))), "small text-body-secondary")),
            )
            inner += status_badge(rng) if rng.random() < 0.4 else text(words.date(rng), "small text-body-secondary")
        elif kind == "things":
            inner = icon(rng.choice(words.THING_ICONS), "fs-5") + text(words.title(rng), "me-auto") + (
                icon_button(rng, None, "btn btn-sm btn-link p-0") if rng.random() < 0.6 else icon("chevron-right"))  # fmt: skip
        elif kind == "media":
            inner = picture(rng, 2.6, "rounded").replace("height:2.6em", "height:2.6em;width:4em;flex:none")
            inner += div("me-auto", div("", text(rng.choice(words.PRODUCTS), "fw-semibold")), div("", text(words.price(rng), "small")))
            inner += icon_button(rng, rng.choice(("heart", "cart", "trash", "plus")))
        elif kind == "checks":
            inner = checkbox(rng, "Done") + text(words.title(rng), "me-auto") + (badge(rng, rng.choice(words.TAGS)) if rng.random() < 0.4 else "")
        else:
            inner = text(words.title(rng), "me-auto") + badge(rng, words.number(rng))
        items.append(tag("li", inner, c="list_item", cls="list-group-item d-flex align-items-center gap-2 py-1"))
    return tag("ul", *items, c="list", cls=f"list-group {rng.choice(('', 'list-group-flush'))} mb-3")


def tree(rng: Random) -> str:
    """Folders and files, some folders open."""
    rows = []
    for _ in range(rng.randrange(2, 4)):
        is_open = rng.random() < 0.6
        arrow = icon("chevron-down" if is_open else "chevron-right", "me-1")
        rows.append(
            div(
                "",
                arrow,
                icon("folder", "me-1"),
                text(rng.choice(words.NOUNS).title()),
                c="list_item",
                role="treeitem",
                aria_expanded=str(is_open).lower(),
            )
        )
        if is_open:
            rows += [
                div("ps-4", icon("file-earmark", "me-1"), text(words.title(rng)), c="list_item", role="treeitem") for _ in range(rng.randrange(1, 4))
            ]
    return div("mb-3 d-inline-block pe-4", *rows, c="tree", role="tree")


def card(*children: str, head: str | None = None, cls: str = "", foot: str | None = None) -> str:
    top = div("card-header py-1 px-2", text(head)) if head else ""
    bottom = div("card-footer py-1 px-2", foot) if foot else ""
    return div(f"card {cls}", top, div("card-body p-2", *children), bottom, c="card")


def metric_card(rng: Random) -> str:
    label, (delta, up) = rng.choice(tuple(words.METRICS)), words.change(rng)
    figure = words.METRICS[label](rng)
    symbol = icon(rng.choice(words.THING_ICONS), f"fs-4 text-{rng.choice(VARIANTS)} ms-auto") if rng.random() < 0.5 else ""
    under = text(delta, f"small {'text-success' if up else 'text-danger'}") if rng.random() < 0.7 else progress(rng)
    tint = f"text-bg-{rng.choice(VARIANTS)}" if rng.random() < 0.12 else ""
    if tint:
        under = text(delta, "small")
    return card(div("d-flex", div("", div("", text(label, "small")), heading(figure, 4, "h5 mb-0")), symbol), div("", under), cls=f"h-100 {tint}")


def media_card(rng: Random) -> str:
    what = rng.choice((rng.choice(words.PRODUCTS), words.title(rng)))
    head = div("position-relative", picture(rng, rng.choice((4, 5, 6)), "w-100 rounded-top"),
               badge(rng, rng.choice(("New", "Sale", "−20%")), None, "position-absolute top-0 end-0 m-1") if rng.random() < 0.4 else "")  # fmt: skip
    under = div(
        "d-flex align-items-center gap-1",
        text(words.price(rng), "me-auto"),
        rng.choice((icon_button(rng), button(rng, cls="btn-sm"), link("Details"))),
    )
    return div("card h-100", head, div("card-body p-2", heading(what, 5, "h6 mb-1"), under), c="card")


def chart_card(rng: Random, height_em: float = 6) -> str:
    side = rng.choice((combo_box(rng, "Frequency", "form-select-sm w-auto py-0"), icon_button(rng, "three-dots", "btn btn-sm btn-link p-0"), ""))
    head = div("d-flex align-items-center mb-2", div("me-auto", heading(rng.choice(words.SECTION_TITLES), 5, "h6 mb-0")), side)
    return card(head, chart(rng, height_em), cls="h-100")


def columns(*children: str, count: int) -> str:
    return div("row g-2 mb-3", *(div(f"col-{12 // count}", child) for child in children))


# ---- above the page --------------------------------------------------------------------------------------------------------------------------


def menu(rng: Random, style: str) -> str:
    """An open drop-down."""
    entries = []
    for i, name in enumerate(rng.sample(words.COMMANDS, rng.randrange(3, 7))):
        if i and rng.random() < 0.15:
            entries.append(tag("hr", cls="dropdown-divider"))
        symbol = icon(words.COMMAND_ICONS.get(name, "three-dots"), "me-2") if rng.random() < 0.5 else ""
        entries.append(
            tag("a", symbol, escape(name), c="menu_item", cls=f"dropdown-item {'disabled' if rng.random() < 0.08 else ''}", role="menuitem", href="#")
        )
    return div("dropdown-menu show shadow", *entries, c="menu", role="menu", style=f"position:absolute;{style}")


def menu_button(rng: Random, is_open: bool) -> str:
    """A button with a menu that hangs from it, open or closed."""
    expanded = str(is_open).lower()
    if rng.random() < 0.4:
        name = rng.choice(("three-dots", "three-dots-vertical", "gear", "list"))
        control = icon_button(rng, name, "btn btn-sm btn-outline-secondary", aria_expanded=expanded)
    else:
        control = button(
            rng, rng.choice(("Actions", "More", "Options", "Export", "Sort")), cls="btn-sm dropdown-toggle", disabled=False, aria_expanded=expanded
        )
    return div("position-relative", control, menu(rng, "right:0;top:100%;margin-top:2px") if is_open else "")


def dialog(rng: Random) -> str:
    """A window over a dimmed page."""
    question = rng.choice(
        (
            f"Delete this {rng.choice(words.NOUNS)}?",
            "Leave without saving?",
            f"Share {words.title(rng).lower()}",
            "Invite people",
            "Choose a date",
            "Confirm order",
        )
    )
    close = icon_button(rng, "x-lg", "btn btn-sm p-0 px-1 ms-auto") if rng.random() < 0.8 else ""
    body = div("mb-1", text(words.sentences(rng, rng.randrange(1, 3)), name="p", cls="mb-2"))
    if rng.random() < 0.5:
        body += rng.choice((combo_box(rng), search_field(rng), date_picker(rng, "Date")))
    foot = div(
        "modal-footer py-1",
        button(rng, "Cancel", "secondary", "btn-sm", disabled=False),
        button(rng, variant=rng.choice(("primary", "danger")), cls="btn-sm", disabled=False),
    )
    content = div("modal-content", div("modal-header py-2", heading(question, 5, "modal-title h6"), close), div("modal-body py-2", body), foot)
    window = div("modal-dialog modal-dialog-centered modal-sm", content)
    # The window itself is the element, not the layer that centres it.
    window = window.replace('<div class="modal-content"', '<div data-c="dialog" role="dialog" aria-modal="true" class="modal-content"', 1)
    return div("modal-backdrop show") + div("modal show d-block", window)


def toast(rng: Random) -> str:
    variant, name, message = rng.choice(words.ALERTS)
    corner = rng.choice(("bottom-0 end-0", "top-0 end-0", "bottom-0 start-0", "bottom-0 start-50 translate-middle-x"))
    close = icon_button(rng, "x-lg", "btn btn-sm p-0 ms-auto text-reset border-0")
    body = div("toast-body d-flex align-items-center gap-2", icon(name), text(message), close)
    return div(
        f"position-fixed {corner} p-3",
        div(f"toast show w-auto {rng.choice(('', f'text-bg-{variant}'))}", body, c="toast", role="alert"),
        style="z-index:1090",
    )


def hint(rng: Random, width: int, height: int) -> str:
    return tooltip(
        rng.choice(words.SENTENCES),
        f"left:{rng.randrange(20, max(21, width - 240))}px;top:{rng.randrange(80, height - 60)}px;z-index:1080;max-width:220px",
    )
