"""Pages that people work in: tables, dashboards, boards, calendars, files, forms, wizards, search results."""

from collections.abc import Callable
from random import Random

from datagen.content import english, icons
from datagen.content.words import Words
from datagen.pages.families import Family
from datagen.pages.families.sections import (
    CHOSEN,
    activity,
    chart_card,
    choice,
    data,
    distinct,
    faces,
    failed,
    field_keys,
    file_icon,
    filters,
    fit,
    labelled,
    metrics,
    month,
    notice,
    options_of,
    pages,
    person,
    shares,
    stars,
    status,
    switches,
    toggles,
    transfer,
    tree,
    waiting,
)  # fmt: skip
from datagen.pages.shell import Content
from datagen.pages.ui import Entry, F, Ui

# ---- tables ----------------------------------------------------------------------------------------------------------------------------------


def data_table(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    t = words.t
    title = t(words.destination())
    dense = rng.random() < 0.35
    parts = notice(ui, words, rng)
    if rng.random() < 0.3:
        parts.append(
            ui.tabs(
                [f"{name} ({rng.randrange(1, 90)})" if rng.random() < 0.4 else name for name in options_of(words, "Status", fit(ui, 110, 4, 2))],
                rng.randrange(2),
            )
        )
    if rng.random() < 0.3:
        parts.append(rng.choice((metrics, chart_card))(ui, words, rng))
    above = rng.random() < 0.4
    if above:
        parts.append(pages(ui, words, rng))
    chosen_rows = ui.state == "selected" or rng.random() < 0.08
    if chosen_rows:
        parts.append(_selection_bar(ui, words, rng))
    if not chosen_rows or rng.random() < 0.5:
        parts += _table_tools(ui, words, rng)
    if ui.room < 520 and rng.random() < 0.65:
        body = _rows_as_items(ui, words, rng)
    elif ui.room > 820 and rng.random() < 0.25:
        body = _table_and_details(ui, words, rng, dense)
    elif ui.room > 760 and rng.random() < 0.25:
        side = ui.box(ui.column(*_table_side(ui, words, rng), gap=5), width=13)
        body = ui.row(side, ui.grow(_table(ui, words, rng, fit(ui, 210, 6, 3), dense)), gap=6, align="start")
    elif rng.random() < 0.12:
        groups = [
            ui.column(
                ui.row(ui.heading(t(words.section()), 4), ui.badge(str(rng.randrange(2, 20)), "neutral"), gap=2),
                _table(ui, words, rng, fit(ui, 150, 6, 2), True, 4),
            )
            for _ in range(3)
        ]
        body = ui.column(*groups, gap=5)
    else:
        body = _table(ui, words, rng, fit(ui, 150, 8, 2), dense)
    parts.append(ui.card(body, title=t(words.section()) if rng.random() < 0.4 else None) if rng.random() < 0.3 else body)
    if not above and rng.random() < 0.8:
        parts.append(pages(ui, words, rng))
    tools = [
        ui.button(t("Export"), icon="download" if rng.random() < 0.6 else None, variant="default"), ui.button(t("Import"), icon="upload", variant="default"),
        ui.button(t(rng.choice(("Add", "Create", "New project", "Invite"))), icon="plus" if rng.random() < 0.6 else None, variant="primary"), ui.icon_button("gear"),
        ui.icon_button("refresh"), ui.icon_button("columns"),
    ]  # fmt: skip
    return Content(title=title, parts=tuple(parts), icon="table", tools=tuple(rng.sample(tools, rng.randrange(0, 4 if ui.room > 600 else 2))))


def _table(ui: Ui[F], words: Words, rng: Random, columns: int, dense: bool, most: int = 12) -> F:
    if ui.state == "loading":
        if rng.random() < 0.5:
            return waiting(ui, words, rng)
        names = [words.t(key) for key in rng.sample(english.COLUMNS, columns)]
        return ui.table(names, [[ui.skeleton(1) for _ in names] for _ in range(rng.randrange(4, 9))], dense=dense)
    if ui.state == "error" and rng.random() < 0.5:
        return failed(ui, words, rng)
    return data(
        ui,
        words,
        rng,
        columns,
        rng.randrange(3, most + 1),
        rng.choice(("Name", "Order", "Invoice", "Product", "Customer", "Owner", "Subject")),
        rng.random() < 0.45,
        dense,
    )


def _selection_bar(ui: Ui[F], words: Words, rng: Random) -> F:
    t = words.t
    count = rng.randrange(2, 9)
    buttons = [
        ui.button(t(name), size="small", variant=rng.choice(("default", "text")))
        for name in rng.sample(("Archive", "Export", "Assign", "Move", "Duplicate"), 1 if ui.room < 500 else 2)
    ]
    return ui.toolbar(
        ui.checkbox(f"{count} {t('selected')}", None),
        ui.grow(),
        *buttons,
        ui.button(t("Delete"), icon="trash", size="small", variant="danger"),
        ui.icon_button("close"),
    )


def _table_tools(ui: Ui[F], words: Words, rng: Random) -> list[F]:
    """Search, filters, sorting above a table, in one of the usual arrangements."""
    t = words.t
    search = ui.search_field(rng.choice((t("Search…"), t("Search"), t("Filter by name"))), words.search_query() if rng.random() < 0.25 else "")
    if ui.room < 520:
        chips = ui.row(*(ui.chip(tag, chosen=rng.random() < 0.3) for tag in distinct(words.tag, 3)), gap=2)
        return rng.sample([ui.row(ui.grow(search), ui.icon_button("filter", variant="default"), gap=2), chips], rng.randrange(1, 3))
    keys = rng.sample(sorted(english.OPTIONS), rng.randrange(1, 4))
    boxes = [ui.box(ui.combo_box(t(key), options_of(words, key), rng.randrange(3)), width=9) for key in keys]
    day = ui.box(ui.date_picker(t("Date"), words.date(), words.date_iso()), width=10)
    view = ui.button_group(*(ui.icon_button(name, variant="default", pressed=i == 0) for i, name in enumerate(("list", "grid", "kanban"))))
    applied = ui.row(
        *(ui.chip(f"{t(key)}: {rng.choice(words.option(key))}", removable=True) for key in keys), ui.link(t("Clear filters")), gap=2, wrap=True,
    )  # fmt: skip
    kind = rng.randrange(5)
    if kind == 0:
        return [ui.row(ui.box(search, width=16), ui.grow(), *boxes, gap=2)]
    if kind == 1:
        return [
            ui.toolbar(
                ui.grow(search), ui.button(t("Filter"), icon="filter", variant="default"), ui.button(t("Sort"), icon="sort", variant="default"), view
            )
        ]
    if kind == 2:
        return [ui.row(ui.box(search, width=14), *boxes[:1], day, ui.grow(), view, gap=2), applied]
    if kind == 3:
        named = [ui.field(t(key), box) for key, box in zip(keys, boxes, strict=True)]
        return [ui.row(*named, ui.field(t("Due date"), day), ui.button(t("Apply"), variant="primary"), gap=4, align="end", wrap=True)]
    return [
        ui.row(
            *(ui.chip(tag, chosen=i == 0, icon="check" if i == 0 else None) for i, tag in enumerate(distinct(words.tag, 5))), ui.grow(), view, gap=2
        )
    ]


def _rows_as_items(ui: Ui[F], words: Words, rng: Random) -> F:
    if ui.state == "loading":
        return waiting(ui, words, rng)
    kind, items = rng.randrange(3), []
    for _ in range(rng.randrange(5, 11)):
        chosen = ui.chance("selected", 0.4, 0.03)
        leading = ui.checkbox(words.t("Select"), chosen, show_label=False) if kind == 1 else ui.avatar(words.person()) if kind == 2 else None
        trailing = rng.choice(
            (
                lambda: status(ui, words, rng),
                lambda: ui.text(words.price(), "strong"),
                lambda: ui.icon_button("more"),
                lambda: ui.icon("chevron-right"),
            )
        )()
        items.append(
            ui.list_item(words.person() if kind else words.title(), words.company() if rng.random() < 0.7 else None, leading, trailing, chosen)
        )
    return ui.list(*items, framed=rng.random() < 0.5)


def _table_and_details(ui: Ui[F], words: Words, rng: Random, dense: bool) -> F:
    """A table and, beside it, the chosen row in full."""
    t = words.t
    facts = [
        ui.row(ui.box(ui.text(t(key), "muted"), width=7), ui.grow(ui.text(words.field_value(key))), gap=2)
        for key in rng.sample(("Email", "Phone", "City", "Company", "Due date", "Price"), 4)
    ]
    buttons = ui.row(ui.button(t("Edit"), variant="primary", size="small"), ui.button(t("Archive"), variant="default", size="small"), gap=2)
    details = ui.card(
        person(ui, words, rng, 2.8), ui.row(status(ui, words, rng)), *facts, ui.text_area(t("Notes"), words.sentence()), buttons, title=words.title()
    )
    return ui.row(ui.grow(_table(ui, words, rng, fit(ui, 230, 5, 3), dense)), ui.box(details, width=19), gap=4, align="start")


# ---- dashboard -------------------------------------------------------------------------------------------------------------------------------


def dashboard(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    t = words.t
    parts = notice(ui, words, rng, 0.15)
    if rng.random() < 0.25:
        parts.append(ui.column(ui.heading(f"{t('Welcome')}, {words.first_name()}", 2), ui.text(words.sentence(), "muted"), gap=1))
    if rng.random() < 0.25:
        parts.append(ui.tabs([t(name) for name in rng.sample(("Overview", "Reports", "Analytics", "Activity", "Orders"), fit(ui, 110, 4, 2))], 0))
    if rng.random() < 0.85:
        parts.append(metrics(ui, words, rng))
    columns = fit(ui, 400, 3)
    makers: list[Callable[[], F]] = [lambda: chart_card(ui, words, rng, rng.choice((11, 13, 16)))] * 3 + [
        lambda: ui.card(activity(ui, words, rng, rng.randrange(3, 6)), title=t("Recent activity")), lambda: ui.card(shares(ui, words, rng, rng.randrange(3, 6)), title=t(words.section())),
        lambda: ui.card(_table(ui, words, rng, fit(ui, 150 * columns, 4, 2), True, 6), title=t(words.section())), lambda: _to_do(ui, words, rng),
        lambda: ui.card(month(ui, words, rng), title=t("Calendar") if rng.random() < 0.5 else None), lambda: ui.card(ui.image("map", 12), title=t("Locations")),
        lambda: _goal(ui, words, rng), lambda: _goal(ui, words, rng),
        lambda: ui.card(switches(ui, words, rng, rng.randrange(2, 5)), title=t(words.section())), lambda: ui.card(ui.video_player(11, words.title(), rng.random()), title=t("Getting started")),
        lambda: ui.card(ui.text_area(t("Notes"), words.sentence() if rng.random() < 0.5 else "", t("Write a note"), rows=4), ui.button(t("Save"), size="small", variant="primary"), title=t("Notes")),
        lambda: ui.card(ui.list_box(t(words.section()), distinct(words.title, rng.randrange(4, 7)), [1]), title=t(words.section())), lambda: _quick_actions(ui, words, rng),
    ]  # fmt: skip
    if rng.random() < 0.7:
        parts.append(ui.grid(*(chart_card(ui, words, rng, rng.choice((10, 12))) for _ in range(columns)), columns=columns, gap=4))
    for _ in range(rng.randrange(2, 4)):
        kind = rng.random()
        if columns > 1 and kind < 0.35:
            wide, small = rng.sample(makers, 2)
            row = [ui.grow(wide()), ui.box(small(), width=rng.choice((18, 20, 22)))]
            parts.append(ui.row(*(row if rng.random() < 0.7 else row[::-1]), gap=4, align="start"))
        elif kind < 0.5:
            parts.append(rng.choice(makers)())
        else:
            parts.append(ui.grid(*(rng.choice(makers)() for _ in range(max(columns, 2))), columns=columns, gap=4))
    if ui.room > 500 and rng.random() < 0.4:
        parts.append(
            ui.card(
                _table(ui, words, rng, fit(ui, 170, 6, 3), rng.random() < 0.5, 7),
                title=t(rng.choice(("Latest orders", "Top products", "Performance"))),
            )
        )
    tools = [
        ui.box(ui.combo_box(t("Period"), words.option("Period"), rng.randrange(5)), width=9), ui.box(ui.date_picker(t("Date"), words.date(), words.date_iso()), width=10),
        toggles(ui, [t("Day"), t("Week"), t("Month")], rng), ui.button(t("Export"), icon="download", variant="default"), ui.button(t("Customize"), icon="sliders", variant="text"),
        ui.icon_button("refresh"),
    ]  # fmt: skip
    title = t(rng.choice(("Dashboard", "Overview", "Analytics", "Reports", "Home")))
    return Content(title=title, parts=tuple(parts), icon="dashboard", tools=tuple(rng.sample(tools, rng.randrange(0, 3 if ui.room > 600 else 2))))


def _to_do(ui: Ui[F], words: Words, rng: Random) -> F:
    boxes = [
        ui.row(ui.grow(ui.checkbox(words.title(), ui.chance("selected", 0.6, 0.3))), ui.text(words.weekday(), "caption"), gap=2)
        for _ in range(rng.randrange(3, 6))
    ]
    add = ui.row(ui.grow(ui.text_field(words.t("New task"), "", words.t("New task"))), ui.icon_button("plus", variant="primary"), gap=2)
    return ui.card(*boxes, *([add] if rng.random() < 0.4 else []), title=words.t("To do"))


def _goal(ui: Ui[F], words: Words, rng: Random) -> F:
    t = words.t
    share = rng.random()
    return ui.card(
        ui.text(t(words.metric()), "muted"),
        ui.heading(f"{share:.0%}", 2),
        ui.progress(share, t("Progress")) if rng.random() < 0.5 else ui.slider(t("Progress"), share),
        ui.text(words.sentence(), "small"),
        footer=ui.link(t("View all")),
    )


def _quick_actions(ui: Ui[F], words: Words, rng: Random) -> F:
    names = rng.sample(("plus", "upload", "envelope", "calendar", "user-plus", "chart-bar", "print", "gear"), 4)
    rows = [
        ui.list_item(
            words.t(words.command()), words.title() if rng.random() < 0.4 else None, ui.icon(name, 1.3), ui.icon("chevron-right", tone="muted")
        )
        for name in names
    ]
    return ui.card(ui.list(*rows, framed=False), title=words.t("Quick actions"))


def _table_side(ui: Ui[F], words: Words, rng: Random) -> list[F]:
    """Beside a table: filters, saved views, or the folders that its rows lie in."""
    t = words.t
    kind = rng.random()
    if kind < 0.4:
        return filters(ui, words, rng, rng.randrange(2, 5))
    if kind < 0.7:
        return [
            ui.field(t("Saved views"), ui.list_box(t("Saved views"), distinct(words.title, rng.randrange(4, 8)), [0])),
            *filters(ui, words, rng, 1),
        ]
    return [ui.heading(t("Categories"), 5), tree(ui, words, rng, files=False)]


# ---- kanban ----------------------------------------------------------------------------------------------------------------------------------


def kanban(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    t = words.t
    title = words.title()
    stages = [t("To do"), t("In progress"), t("In review"), t("Done")]
    if rng.random() < 0.4:
        stages = rng.sample([t("Ideas"), t("Backlog"), t("Ready"), t("Blocked"), t("Testing"), t("Deployed"), t("Waiting"), t("Published")], 5)
    look = rng.randrange(16)
    boards = []
    single = ui.room < 520
    chosen = rng.randrange(len(stages))
    for stage in stages if not single or rng.random() < 0.4 else stages[chosen : chosen + 1]:
        cards = (
            [_task(ui, words, rng, look) for _ in range(rng.randrange(1, 6))]
            if ui.state != "loading" or rng.random() < 0.5
            else [ui.card(ui.skeleton(3)) for _ in range(rng.randrange(1, 4))]
        )
        head = [ui.grow(ui.row(ui.heading(stage, 5), ui.badge(str(len(cards)), "neutral"), gap=2))]
        head += [ui.icon_button(name) for name in rng.choice((("plus", "more"), ("more",), ("plus",), ()))]
        if rng.random() < 0.12:
            cards.append(
                ui.column(
                    ui.text_area(t("Add a card"), words.title() if rng.random() < 0.5 else "", t("Title"), rows=2),
                    ui.row(ui.button(t("Add"), size="small", variant="primary"), ui.icon_button("close"), gap=1),
                )
            )
        elif rng.random() < 0.6:
            cards.append(ui.button(t("Add a card"), icon="plus", variant="text", wide=rng.random() < 0.5))
        boards.append(
            ui.box(ui.column(ui.row(*head, gap=1), *cards, gap=3), width=18 if single else 17, pad=3, tint=look % 2 == 0, border=look % 3 == 0)
        )
    who = faces(ui, words, rng, 5)
    bar = [
        ui.heading(title, 3), ui.grow(), who, ui.button(t("Share"), icon="share", variant="default", size="small"), ui.button(t("Filter"), icon="filter", variant="text", size="small"),
    ] if ui.room > 640 else [who, ui.grow(), ui.icon_button("filter"), ui.icon_button("search")]  # fmt: skip
    above: list[F] = [ui.box(ui.row(*bar, gap=3), pad=3), *(ui.box(part, pad=2) for part in notice(ui, words, rng, 0.05))]
    if single and len(boards) == 1:
        above.append(ui.tabs(stages[:3], min(chosen, 2)))
        board: F = ui.pane(*boards, pad=3)
    else:
        board = ui.pane(ui.row(*boards, gap=4, align="start"), pad=3)
    parts = [*above, board]
    if ui.room > 640 and rng.random() < 0.35:
        parts.append(ui.scroll_bar(rng.uniform(0.5, 0.9), rng.random(), vertical=False))
    return Content(title=title, parts=tuple(parts), fill=True, icon="kanban")


def _task(ui: Ui[F], words: Words, rng: Random, look: int) -> F:
    """A card of a board; the bits of `look` say what all cards of the board show."""
    t = words.t
    parts: list[F] = []
    if look & 1 and rng.random() < 0.7:
        parts.append(ui.row(*(ui.chip(tag) for tag in distinct(words.tag, rng.randrange(1, 3))), gap=1, wrap=True))
    parts.append(ui.text(words.title(), "strong" if look & 8 else "normal"))
    if look & 2 and rng.random() < 0.6:
        parts.append(ui.text(words.sentence(), "caption"))
    if rng.random() < 0.15:
        done = rng.randrange(0, 6)
        parts.append(ui.row(ui.icon("check-circle"), ui.grow(ui.progress(done / 6, t("Progress"))), ui.text(f"{done}/6", "caption"), gap=2))
    foot: list[F] = []
    if rng.random() < 0.5:
        foot.append(ui.row(ui.icon(rng.choice(("clock", "calendar"))), ui.text(words.date()[:12], "caption"), gap=1))
    if rng.random() < 0.4:
        foot.append(ui.row(ui.icon(rng.choice(("comment", "attach"))), ui.text(str(rng.randrange(1, 20)), "caption"), gap=1))
    if rng.random() < 0.3:
        foot.append(status(ui, words, rng))
    if rng.random() < 0.7 or not foot:
        foot += [ui.grow(), ui.avatar(words.person(), 1.6)]
    parts.append(ui.row(*foot, gap=2, wrap=ui.room < 520))
    media = ui.image(rng.choice(("landscape", "photo", "gradient", "illustration")), rng.choice((5, 7))) if look & 4 and rng.random() < 0.3 else None
    return ui.card(*parts, media=media, chosen=ui.chance("selected", 0.3, 0.02))


# ---- calendar --------------------------------------------------------------------------------------------------------------------------------


def calendar(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    t = words.t
    title = f"{words.month()} {rng.randrange(2023, 2028)}"
    views = ["Day", "Week", "Month", "Year"]
    small = ui.room < 560
    kind = rng.choice(("agenda", "picker", "picker", "month")) if small else rng.choice(("month", "month", "week", "week", "agenda"))
    side = None
    room = ui.room
    if not small and room > 800 and rng.random() < 0.55:
        room -= 300
        calendars = [ui.checkbox(name, rng.random() < 0.7) for name in distinct(words.tag, rng.randrange(3, 6))]
        top = [ui.button(t("New event"), icon="plus", variant="primary", wide=rng.random() < 0.5)] if rng.random() < 0.6 else []
        coming = [ui.heading(t("Upcoming events"), 6), *(_event_line(ui, words, rng) for _ in range(2))] if rng.random() < 0.4 else []
        side = ui.box(
            ui.pane(
                *top,
                month(ui, words, rng, title),
                ui.heading(t("My calendars"), 6),
                *(calendars if rng.random() < 0.6 else [switches(ui, words, rng, 3)]),
                *coming,
            ),
            width=19,
        )
    shift = [ui.icon_button("chevron-left"), ui.icon_button("chevron-right")]
    scale = toggles(ui, [t(name) for name in views[: 3 if room < 700 else 4]], rng, {"week": 1, "month": 2}.get(kind, 0))
    today = ui.button(t("Today"), variant="default", size="small")
    bar = [today, *shift, ui.grow(ui.heading(title, 3)), *([scale] if not small else [ui.icon_button("calendar-add")])]
    if not small and rng.random() < 0.3:
        bar = [ui.heading(title, 3), ui.grow(), ui.box(ui.combo_box(t("View"), [t(name) for name in views], 2), width=7), *shift, today]
    loading = [ui.progress(rng.random(), t("Loading"))] if ui.state == "loading" else []
    body: F
    if ui.state == "loading" and rng.random() < 0.5:
        body = waiting(ui, words, rng)
    elif ui.state == "error" and rng.random() < 0.5:
        body = failed(ui, words, rng)
    elif kind == "month":
        body = _month_grid(ui, words, rng, room)
        if small and rng.random() < 0.7:
            body = ui.column(body, _agenda(ui, words, rng, 2), gap=4)
    elif kind == "week":
        body = _week(ui, words, rng, room)
    elif kind == "picker":
        body = ui.column(month(ui, words, rng, title), _agenda(ui, words, rng, 2), gap=4)
    else:
        body = _agenda(ui, words, rng, rng.randrange(2, 5))
    main = ui.pane(*notice(ui, words, rng, 0.05), ui.row(*bar, gap=2), *loading, body, pad=3)
    return Content(
        title=t("Calendar"), parts=(ui.row(side, main, gap=0, align="stretch", fill=True) if side is not None else main,), fill=True, icon="calendar"
    )


def _month_grid(ui: Ui[F], words: Words, rng: Random, room: int) -> F:
    offset, days, today = rng.randrange(7), rng.choice((28, 30, 31)), rng.randrange(1, 29)
    weeks = 5 if offset + days <= 35 else 6
    full = (ui.setting.height - 220) / weeks / 17
    height = rng.choice((3.2, 3.8)) if room < 560 else max(4.0, rng.choice((full, full, 5.2)))
    framed = rng.random() < 0.8
    cells: list[F] = [ui.row(ui.text(name[:3] if room < 900 else name, "caption"), justify="center") for name in words.option("Day")]
    events = rng.uniform(0.2, 0.7)
    for i in range(7 * weeks):
        day = i - offset + 1
        inside = 1 <= day <= days
        figure = str(day if inside else (day + 30 if day < 1 else day - days))
        head = ui.badge(figure) if day == today else ui.text(figure, "small" if inside else "caption")
        inner = [head]
        if inside and rng.random() < events:
            if room < 560:
                inner.append(ui.icon("dot", tone=rng.choice(("primary", "success", "danger"))))
            else:
                inner += [ui.chip(words.title(), chosen=ui.chance("selected", 0.3, 0.1)) for _ in range(rng.randrange(1, 3))]
                if rng.random() < 0.12:
                    inner.append(ui.link(f"+{rng.randrange(1, 5)}"))
        cells.append(ui.box(ui.column(*inner, gap=1, align="start"), height=height, pad=1, border=framed, tint=not inside and framed))
    return ui.grid(*cells, columns=7, gap=rng.choice((0, 1)))


def _week(ui: Ui[F], words: Words, rng: Random, room: int) -> F:
    """Days side by side, hours down; events lie at their times."""
    count = rng.choice((1, 3, 5, 7)) if room > 700 else rng.choice((1, 3))
    names = words.option("Day")[:count]
    first = rng.randrange(1, 24)
    heads: list[F] = [ui.box(ui.text("UTC", "caption"), width=3.5)]
    heads += [
        ui.grow(
            ui.column(ui.text(name[:3], "caption"), ui.badge(str(first + i)) if i == 1 else ui.text(str(first + i), "strong"), gap=0, align="center")
        )
        for i, name in enumerate(names)
    ]
    hours = [ui.box(ui.text(f"{hour:02}:00", "caption"), height=3) for hour in range(8, 18)]
    width = max(5.0, (room - 90) / count / 18)
    days: list[F] = []
    for _ in names:
        start, events = rng.uniform(0, 0.2), []
        while start < 0.85:
            length = rng.choice((2.7, 4.2, 5.7))
            tone = [ui.text(words.title(), "small"), ui.text(words.time(), "caption")]
            events.append((0.02, start, ui.box(*tone, width=width, height=length, pad=1, tint=True, border=True)))
            start += length / 30 + rng.uniform(0.02, 0.35)
        days.append(ui.box(ui.place(*events, height=30), border=True))
    return ui.column(
        ui.row(*heads, gap=0), ui.row(ui.box(*hours, width=3.5), ui.grow(ui.grid(*days, columns=count, gap=0)), gap=0, align="start"), gap=1
    )


def _event_line(ui: Ui[F], words: Words, rng: Random) -> F:
    leading = (
        ui.column(ui.text(words.time(), "strong"), ui.text(words.duration(), "caption"), gap=0)
        if rng.random() < 0.6
        else ui.icon("calendar", 1.3, "primary")
    )
    trailing = rng.choice(
        (
            lambda: faces(ui, words, rng, 3),
            lambda: ui.icon("chevron-right", tone="muted"),
            lambda: status(ui, words, rng),
            lambda: ui.button(words.t("Join"), size="small"),
        )
    )()
    return ui.list_item(words.title(), rng.choice((words.city, words.company, words.person))(), leading, trailing, ui.chance("selected", 0.3, 0.03))


def _agenda(ui: Ui[F], words: Words, rng: Random, days: int) -> F:
    framed = rng.random() < 0.5
    groups = []
    for name in [words.t("Today"), words.t("Tomorrow"), words.weekday(), words.weekday()][:days]:
        lines = [_event_line(ui, words, rng) for _ in range(rng.randrange(1, 5))]
        groups.append(ui.column(ui.heading(name, 5) if rng.random() < 0.7 else ui.text(name, "muted"), ui.list(*lines, framed=framed), gap=2))
    return ui.column(*groups, gap=4)


# ---- files -----------------------------------------------------------------------------------------------------------------------------------


def file_manager(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    t = words.t
    title = t(rng.choice(("My files", "Documents", "Downloads", "Pictures", "Projects")))
    room, wide = ui.room, ui.room > 640
    side = None
    if wide and rng.random() < 0.7:
        room -= 230
        storage = ui.column(
            ui.text(t("Storage"), "strong"),
            ui.progress(rng.random(), t("Storage")),
            ui.text(f"{words.file_size()} {t('of')} {words.file_size()}", "caption"),
            gap=1,
        )
        if rng.random() < 0.75:
            side = ui.box(
                ui.pane(tree(ui, words, rng, files=False, count=5), *([storage] if rng.random() < 0.4 else [])), width=15, tint=rng.random() < 0.4
            )
        else:
            places = [Entry(t(name), icon) for name, icon in (("Recent", "clock"), ("Starred", "star"), ("Documents", "file-text"), ("Pictures", "image"), ("Music", "music"), ("Videos", "video"),
                                                              ("Downloads", "download"), ("Network", "network"), ("Trash", "trash"))]  # fmt: skip
            side = ui.sidebar(places, rng.randrange(len(places)), foot=storage if rng.random() < 0.5 else None)
    details = None
    if room > 760 and rng.random() < 0.35:
        room -= 280
        details = ui.box(ui.pane(*_file_details(ui, words, rng)), width=17)
    path = ui.breadcrumb([t("Computer"), *(words.title() for _ in range(rng.randrange(1, 3 if wide else 2)))])
    ways = [ui.icon_button("arrow-left"), ui.icon_button("arrow-right", disabled=rng.random() < 0.5), ui.icon_button("arrow-up")]
    view = ui.button_group(*(ui.icon_button(name, variant="default", pressed=i == 0) for i, name in enumerate(("grid", "list"))))
    bar = [
        *(ways if rng.random() < 0.6 else []),
        ui.grow(path),
        *([ui.box(ui.search_field(t("Search")), width=11)] if wide else [ui.icon_button("search")]),
        view,
    ]
    commands = [
        ui.button(t(name), icon=icon, variant="text", size="small")
        for name, icon in (("New folder", "folder-plus"), ("Upload", "upload"), ("Share", "share"), ("Delete", "trash"), ("Rename", "edit"))
    ]
    listed = (
        waiting(ui, words, rng)
        if ui.state == "loading"
        else failed(ui, words, rng)
        if ui.state == "error" and rng.random() < 0.5
        else _files(ui, words, rng, room)
    )
    sections: list[F] = [*notice(ui, words, rng, 0.05)]
    if rng.random() < 0.25:
        recent = [_file_card(ui, words, rng) for _ in range(max(2, min(4, room // 220)))]
        sections += [ui.heading(t("Recent"), 5), ui.grid(*recent, columns=len(recent))]
    if rng.random() < 0.15:
        sections.append(
            ui.box(
                ui.column(ui.icon("cloud-upload", 2, "muted"), ui.text(t("Drag files here or choose them from disk."), "muted"), align="center"),
                pad=5,
                border=True,
            )
        )
    sections.append(listed)
    top = ui.toolbar(*bar) if rng.random() < 0.5 else ui.box(ui.row(*bar, gap=2), pad=2)
    tools = ui.toolbar(*(commands if wide else commands[:2])) if rng.random() < 0.5 else None
    main = ui.column(top, *([tools] if tools is not None else []), ui.pane(*sections, pad=3), gap=0, fill=True)
    panes = [part for part in (main, details) if part is not None]
    if details is not None or rng.random() < 0.3:
        panes.insert(1, ui.scroll_bar(rng.uniform(0.3, 0.8), rng.random()))
    parts = [ui.row(*panes, gap=0, align="stretch", fill=True)]
    if ui.platform != "desktop" and rng.random() < 0.3:
        parts.append(ui.status_bar(ui.text(f"{rng.randrange(3, 300)} {t('items')}"), ui.text(words.file_size())))
    return Content(title=title, parts=tuple(parts), fill=True, side=side, icon="folder")


def _files(ui: Ui[F], words: Words, rng: Random, room: int) -> F:
    kind = rng.random()
    if (room < 520 and kind < 0.6) or kind < 0.15:
        items = []
        for _ in range(rng.randrange(6, 12)):
            name = words.file_name() if rng.random() < 0.7 else words.title()
            icon = ui.icon(file_icon(name) if "." in name else "folder", 1.6, "primary")
            items.append(
                ui.list_item(
                    name,
                    f"{words.file_size()} · {words.date()}",
                    icon,
                    ui.icon_button("more") if rng.random() < 0.7 else None,
                    ui.chance("selected", 0.3, 0.02),
                )
            )
        return ui.list(*items, framed=rng.random() < 0.4)
    if kind < 0.6:
        count = rng.randrange(6, 15)
        rows: list[list[F | str]] = []
        chosen = [i for i in range(count) if ui.chance("selected", 0.3, 0.03)]
        boxes = rng.random() < 0.25
        wide = room > 640
        for i in range(count):
            name = words.file_name() if rng.random() < 0.75 else words.title()
            line: list[F | str] = [
                ui.row(ui.icon(file_icon(name) if "." in name else "folder"), ui.text(name), gap=2),
                words.date(),
                words.file_size(),
            ]
            if wide:
                line.insert(2, rng.choice(words.option("Type")))
            rows.append([ui.checkbox(name, i in chosen, show_label=False), *line] if boxes else line)
        names = [
            t
            for t in (
                words.t("Select") if boxes else None,
                words.t("Name"),
                words.t("Date modified"),
                words.t("Type") if wide else None,
                words.t("Size"),
            )
            if t
        ]
        return ui.table(names, rows, chosen=chosen, sorted_by=rng.randrange(len(names)), dense=rng.random() < 0.5, numeric=[len(names) - 1])
    columns = max(2, room // rng.choice((130, 160, 200)))
    return ui.grid(*(_file_card(ui, words, rng) for _ in range(columns * rng.randrange(2, 4))), columns=columns)


def _file_card(ui: Ui[F], words: Words, rng: Random) -> F:
    name = words.file_name()
    chosen = ui.chance("selected", 0.3, 0.02)
    kind = rng.random()
    if kind < 0.4:
        media = ui.image(rng.choice(("document", "photo", "landscape", "screenshot", "gradient")), 6)
        return ui.card(ui.row(ui.icon(file_icon(name)), ui.grow(ui.text(name, "small")), gap=2), media=media, chosen=chosen)
    if kind < 0.7:
        below = [ui.text(words.file_size(), "caption")] if rng.random() < 0.5 else []
        return ui.box(
            ui.column(
                ui.icon("folder" if rng.random() < 0.4 else file_icon(name), 3, "primary"), ui.text(name, "small"), *below, gap=1, align="center"
            ),
            pad=2,
            border=chosen,
            tint=chosen,
        )
    return ui.card(
        ui.row(
            ui.icon("folder", 1.8, "primary"),
            ui.grow(ui.text(words.title(), "strong"), ui.text(f"{rng.randrange(1, 90)} {words.t('items')}", "caption")),
            ui.icon_button("more"),
            gap=2,
        ),
        chosen=chosen,
    )


def _file_details(ui: Ui[F], words: Words, rng: Random) -> list[F]:
    t = words.t
    facts = (
        (t("Type"), rng.choice(words.option("Type"))),
        (t("Size"), words.file_size()),
        (t("Created"), words.date()),
        (t("Owner"), words.person()),
    )
    return [
        ui.image(rng.choice(("document", "photo", "screenshot")), 9, rounded=True), ui.heading(words.file_name(), 5),
        *(ui.row(ui.box(ui.text(name, "muted"), width=5), ui.grow(ui.text(value, "small")), gap=2) for name, value in facts),
        ui.row(*(ui.chip(tag, removable=True) for tag in distinct(words.tag, 2)), gap=1, wrap=True), ui.heading(t("Shared with me"), 6), faces(ui, words, rng, 4),
        rng.choice((_file_actions, _file_download))(ui, words, rng),
    ]  # fmt: skip


def _file_download(ui: Ui[F], words: Words, rng: Random) -> F:
    return ui.button(words.t("Download"), icon="download", variant="primary", wide=rng.random() < 0.8)


def _file_actions(ui: Ui[F], words: Words, rng: Random) -> F:
    """What can be done with the chosen file, as a menu that stays open."""
    entries = [("Open", "open-external"), ("Rename", "edit"), ("Move", "move"), ("Duplicate", "copy"), ("Share", "share"), ("Download", "download")]
    kept: list[Entry | None] = [Entry(words.t(name), icon) for name, icon in sorted(rng.sample(entries, rng.randrange(2, 6)), key=entries.index)]
    return ui.menu([*kept, None, Entry(words.t("Delete"), "trash")])


# ---- forms -----------------------------------------------------------------------------------------------------------------------------------


def form(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    t = words.t
    columns = 1 if ui.room < 560 else rng.choice((1, 2, 2, 3))
    beside = columns == 1 and ui.room > 560 and rng.random() < 0.4
    carded = rng.random() < 0.4
    parts = notice(ui, words, rng, 0.1)
    sections = rng.randrange(1, 5)
    if sections > 2 and rng.random() < 0.2:
        parts.append(ui.tabs([t(name) for name in distinct(words.section, 3)], 0))
    for name in distinct(words.section, sections):
        keys = field_keys(rng, rng.randrange(2, 7))
        inner = [labelled(ui, words, rng, key, beside) for key in keys]
        body: list[F] = [ui.grid(*inner, columns=columns, gap=4) if columns > 1 else ui.column(*inner, gap=4)]
        body += [_form_extra(ui, words, rng, kind) for kind in rng.sample(range(14), rng.choice((0, 0, 1, 2)))]
        heading = ui.heading(t(name), rng.choice((3, 4)))
        above = [heading, *([ui.text(words.sentence(), "muted")] if rng.random() < 0.35 else [])]
        parts.append(
            ui.card(*above, *body)
            if carded
            else ui.column(*(above if sections > 1 else []), *body, *([ui.divider()] if rng.random() < 0.3 else []), gap=4)
        )
    if rng.random() < 0.35:
        parts.append(ui.checkbox(t("I agree to the terms and conditions"), rng.random() < 0.4))
    parts.append(_form_buttons(ui, words, rng))
    if ui.state == "loading" and rng.random() < 0.4:
        parts.insert(0, waiting(ui, words, rng))
    title = t(words.form())
    if ui.room > 900 and rng.random() < 0.3:
        aside = [
            ui.card(*(ui.text(words.sentence(), "small") for _ in range(2)), ui.link(t("Help center"), icon="question"), title=t("Summary")),
            ui.card(ui.progress(rng.random(), t("Progress")), ui.text(f"{rng.randrange(1, 9)}/9", "caption")),
        ]
        aside = aside[: rng.randrange(1, 3)]
        parts = [ui.row(ui.grow(ui.column(*parts, gap=4)), ui.box(ui.column(*aside, gap=4), width=17), gap=6, align="start")]
    width = rng.choice((None, 40, 52)) if columns == 1 else None
    bare = "bare" if rng.random() < 0.15 else "app"
    if bare == "bare":
        parts.insert(0, ui.heading(title, 1))
    return Content(title=title, parts=tuple(parts), icon="edit", width=width, chrome="bare" if bare == "bare" else "app")


def _form_extra(ui: Ui[F], words: Words, rng: Random, kind: int) -> F:
    """A control that forms have besides plain fields; `kind` is 0 to 13."""
    t = words.t
    if kind == 0:
        upload = (
            ui.icon("upload", 1.8, "muted"),
            ui.text(t("Drag files here or choose them from disk."), "muted"),
            ui.button(t("Choose file"), size="small"),
        )
        return ui.box(ui.column(*upload, align="center"), pad=5, border=True)
    if kind == 1:
        return ui.list(
            *(ui.list_item(file, words.file_size(), ui.icon(file_icon(file)), ui.icon_button("close")) for file in distinct(words.file_name, 2))
        )
    if kind == 2:
        chips = [ui.chip(tag, removable=True) for tag in distinct(words.tag, rng.randrange(2, 5))]
        return ui.field(t("Tags"), ui.row(*chips, ui.button(t("Add"), icon="plus", size="small", variant="text"), gap=2, wrap=True))
    if kind == 3:
        share = rng.random()
        return ui.field(f"{t('Budget')}: {round(100 * share)} %", ui.slider(t("Budget"), share))
    if kind == 4:
        ways = (ui.button(t("Upload"), variant="default", size="small"), ui.button(t("Remove"), variant="text", size="small"))
        return ui.row(ui.avatar(words.person(), 4, picture=True), *ways, gap=3)
    if kind == 5:
        key = rng.choice(CHOSEN)
        return ui.field(t(key), choice(ui, words, rng, t(key), words.option(key)))
    if kind == 6:
        return ui.column(*(ui.checkbox(words.setting()[0], ui.chance("selected", 0.6, 0.3)) for _ in range(rng.randrange(2, 5))), gap=2)
    if kind == 7:
        return ui.field(t("Department"), ui.list_box(t("Department"), options_of(words, "Department", 5), [rng.randrange(5)]))
    if kind == 8:
        return month(ui, words, rng)
    if kind == 9:
        return transfer(ui, words, rng)
    if kind in (10, 11):
        return switches(ui, words, rng, rng.randrange(1, 4))
    if kind == 12:
        adults, children = ui.stepper(t("Adults"), rng.randrange(1, 6)), ui.stepper(t("Children"), rng.randrange(5))
        return ui.row(ui.field(t("Adults"), adults), ui.field(t("Children"), children), gap=5, wrap=True)
    return ui.field(t("Password"), ui.column(ui.password_field(t("Password"), rng.randrange(4, 12)), ui.progress(rng.random(), t("Strength")), gap=1))


def _form_buttons(ui: Ui[F], words: Words, rng: Random) -> F:
    t = words.t
    busy = ui.state == "loading" and rng.random() < 0.6
    send = ui.button(
        rng.choice((t("Save"), t("Submit"), t("Create"), t("Send"), t("Save changes"))),
        variant="primary",
        busy=busy,
        wide=ui.room < 480 and rng.random() < 0.6,
    )
    if ui.room < 480 and rng.random() < 0.5:
        return ui.column(send, ui.button(t("Cancel"), variant="text", wide=True))
    rest = [ui.button(t("Cancel"), variant=rng.choice(("default", "text")))] + (
        [ui.button(t("Save draft"), variant="default")] if rng.random() < 0.25 and ui.room > 480 else []
    )
    order = [send, *rest] if rng.random() < 0.5 else [*rest, send]
    return ui.row(*order, gap=3, justify=rng.choice(("start", "end")))


def wizard(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    t = words.t
    names = [t(name) for name in distinct(words.section, rng.randrange(3, 6))]
    here = rng.randrange(len(names))
    upright = ui.room > 780 and rng.random() < 0.3
    where: list[F] = []
    if ui.room < 480 or rng.random() < 0.2:
        where = [ui.text(f"{t('Step')} {here + 1} {t('of')} {len(names)}", "muted"), ui.progress((here + 1) / len(names), t("Progress"))]
    elif not upright:
        where = [ui.steps(names, here)]
    head: list[F] = [ui.heading(names[here], 2), *([ui.text(words.sentence(), "muted")] if rng.random() < 0.6 else [])]
    kind = rng.random() * 1.25
    if ui.state == "loading" and rng.random() < 0.7:
        body = waiting(ui, words, rng)
    elif kind < 0.4:
        fields = [labelled(ui, words, rng, key) for key in field_keys(rng, rng.randrange(3, 7))]
        body = ui.grid(*fields, columns=fit(ui, 320, 2), gap=4)
    elif kind < 0.65:
        body = _choices(ui, words, rng)
    elif kind < 0.8:
        rows = [
            ui.row(ui.box(ui.text(t(key), "muted"), width=9), ui.grow(ui.text(words.field_value(key))), ui.link(t("Edit")), gap=3)
            for key in rng.sample(("Name", "Email", "Phone", "City", "Company", "Start date"), 4)
        ]
        body = ui.card(*rows, title=t("Summary"))
    elif kind > 1.15:
        body = ui.column(ui.video_player(14 if ui.room > 520 else 11, words.title(), rng.random()), ui.text(words.sentence(), "muted"))
    elif kind > 1.05:
        body = transfer(ui, words, rng)
    elif kind > 1 and rng.random() < 0.6:
        body = _appointment(ui, words, rng)
    elif kind > 1:
        body = ui.column(*(labelled(ui, words, rng, key) for key in ("Username", "Password", "Confirm password")), gap=4)
    elif kind < 0.9:
        items = [
            ui.list_item(
                name,
                words.sentence() if rng.random() < 0.5 else None,
                ui.icon("check-circle" if i < 2 else "clock", 1.3, "success" if i < 2 else "muted"),
            )
            for i, name in enumerate(distinct(words.title, 4))
        ]
        body = ui.column(ui.progress(rng.uniform(0.2, 0.9), t("Progress")), ui.list(*items), gap=4)
    else:
        body = ui.column(
            ui.row(ui.icon("check-circle", 4, "success"), justify="center"),
            ui.row(ui.heading(t("All done!"), 3), justify="center"),
            ui.column(*(ui.checkbox(words.setting()[0], True) for _ in range(2)), gap=2),
            gap=4,
        )
    back = ui.button(t("Back"), icon="arrow-left" if rng.random() < 0.3 else None, variant="default", disabled=here == 0)
    ahead = ui.button(
        t("Finish") if here == len(names) - 1 else rng.choice((t("Next"), t("Continue"))), variant="primary", busy=ui.state == "loading"
    )
    skip = [ui.button(t("Skip"), variant="text")] if rng.random() < 0.3 else []
    buttons = ui.row(back, ui.grow(), *skip, ahead, gap=3) if rng.random() < 0.7 else ui.row(*skip, back, ahead, gap=3, justify="end")
    inner = [*notice(ui, words, rng, 0.05), *head, body, ui.divider(), buttons]
    middle = ui.card(*inner) if rng.random() < 0.4 else ui.column(*inner, gap=4)
    if upright:
        marks = [
            ui.list_item(name, None, ui.icon("check-circle" if i < here else "dot", 1.3, "primary" if i <= here else "muted"), chosen=i == here)
            for i, name in enumerate(names)
        ]
        parts = [ui.row(ui.box(ui.list(*marks, framed=False), width=15), ui.grow(middle), gap=6, align="start")]
    else:
        parts = [*where, middle]
    return Content(
        title=t(words.form()), parts=tuple(parts), icon="magic", width=rng.choice((None, 44, 60)), chrome="bare" if rng.random() < 0.4 else "app"
    )


def _appointment(ui: Ui[F], words: Words, rng: Random) -> F:
    """A day and a time to choose."""
    t = words.t
    times = sorted(
        rng.sample([f"{hour}:{minute}" for hour in range(8, 18) for minute in ("00", "30")], rng.randrange(4, 9)),
        key=lambda time: int(time.replace(":", "")),
    )
    chosen = rng.randrange(len(times))
    if rng.random() < 0.3:
        slots: F = ui.list_box(t("Time"), times[:7], [chosen])
    else:
        slots = ui.row(*(ui.chip(time, chosen=i == chosen) for i, time in enumerate(times)), gap=2, wrap=True)
    day = month(ui, words, rng) if rng.random() < 0.6 else ui.field(t("Date"), ui.date_picker(t("Date"), words.date(), words.date_iso()))
    right = ui.column(ui.field(t("Time"), slots), ui.field(t("Notes"), ui.text_area(t("Notes"), "", words.sentence(), rows=2)), gap=3)
    return ui.row(day, ui.grow(right), gap=5, align="start") if ui.room > 640 else ui.column(day, right, gap=4)


def _choices(ui: Ui[F], words: Words, rng: Random) -> F:
    """Options as cards or as a list of radios with explanations."""
    chosen, group = rng.randrange(3), f"wizard{rng.randrange(10**9)}"
    if rng.random() < 0.5:
        cards = []
        for i in range(fit(ui, 200, 4, 2) if ui.room > 480 else 3):
            mark = [ui.radio(words.tag(), i == chosen, group)] if rng.random() < 0.6 else [ui.text(words.tag(), "strong")]
            cards.append(
                ui.card(ui.icon(rng.choice(icons.concepts("thing")), 2, "primary"), *mark, ui.text(words.sentence(), "small"), chosen=i == chosen)
            )
        return ui.grid(*cards, columns=fit(ui, 200, 4))
    items = [
        ui.list_item(
            words.title(),
            words.sentence(),
            ui.radio(words.title(), i == chosen, group, show_label=False),
            ui.text(words.price(), "strong") if rng.random() < 0.5 else None,
            i == chosen,
        )
        for i in range(rng.randrange(2, 5))
    ]
    return ui.list(*items)


# ---- search ----------------------------------------------------------------------------------------------------------------------------------


def search_results(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    t = words.t
    query = words.search_query()
    bar = ui.row(
        ui.grow(ui.search_field(t("Search"), query)),
        *([ui.button(t("Search"), variant="primary")] if ui.room > 420 and rng.random() < 0.6 else [ui.icon_button("sliders")]),
        gap=2,
    )
    parts: list[F] = [bar, *notice(ui, words, rng, 0.04)]
    if rng.random() < 0.6:
        parts.append(ui.tabs([t("All"), t("Images"), t("Videos"), t("News"), t("Maps"), t("Books")][: fit(ui, 100, 6, 3)], 0))
    if rng.random() < 0.25:
        parts.append(ui.row(ui.text(t("Did you mean:"), "muted"), ui.link(words.search_query()), gap=2))
    found = ui.text(f"{words.count()} {t('results')} ({rng.randrange(10, 99) / 100} s)", "caption")
    order = ui.box(ui.combo_box(t("Sort by"), words.option("Sort by"), rng.randrange(4)), width=11)
    parts.append(ui.row(ui.grow(found), *([order] if rng.random() < 0.5 else []), gap=3))
    nothing = rng.random() < (0.5 if ui.state == "error" else 0.05)
    if ui.state == "loading":
        results = [waiting(ui, words, rng) for _ in range(rng.randrange(1, 4))]
    elif nothing:
        results = [
            ui.column(
                ui.icon("search", 3, "muted"),
                ui.heading(t("No results found."), 3),
                ui.text(words.sentence(), "muted"),
                ui.button(t("Clear filters")),
                align="center",
                gap=3,
            )
        ]
    else:
        look = rng.randrange(5)
        made = [_result(ui, words, rng, look) for _ in range(rng.randrange(4, 10))]
        results = [ui.grid(*made, columns=fit(ui, 240, 4, 2))] if look == 4 else [ui.list(*made, framed=rng.random() < 0.4)] if look == 3 else made
    related = ui.column(
        ui.heading(t("Related searches"), 5),
        ui.row(*(ui.chip(words.search_query(), icon="search") for _ in range(rng.randrange(3, 7))), gap=2, wrap=True),
        gap=2,
    )
    shown_pages = [pages(ui, words, rng)] if ui.state != "loading" and not nothing else []
    column = ui.column(*results, *([related] if rng.random() < 0.35 else []), *shown_pages, gap=rng.choice((4, 5, 6)))
    if ui.room > 740 and rng.random() < 0.65:
        side = ui.box(ui.column(*filters(ui, words, rng, rng.randrange(2, 5)), gap=5), width=14)
        parts.append(
            ui.row(side, ui.grow(column), gap=6, align="start") if rng.random() < 0.8 else ui.row(ui.grow(column), side, gap=6, align="start")
        )
    elif ui.room > 820:
        known = ui.card(
            ui.text(words.paragraph(), "small"),
            ui.link(words.url()),
            title=words.title(),
            media=ui.image(rng.choice(("photo", "city", "map", "portrait")), 10),
        )
        parts.append(ui.row(ui.grow(column), ui.box(known, width=19), gap=6, align="start"))
    else:
        if rng.random() < 0.6:
            parts.append(
                ui.row(
                    *(ui.chip(tag, chosen=ui.chance("selected", 0.6, 0.2)) for tag in distinct(words.tag, rng.randrange(3, 6))),
                    gap=2,
                    wrap=rng.random() < 0.5,
                )
            )
        parts.append(column)
    return Content(title=t("Search"), parts=tuple(parts), icon="search", plain_title=rng.random() < 0.6)


def _result(ui: Ui[F], words: Words, rng: Random, look: int) -> F:
    title, snippet = words.title() if rng.random() < 0.6 else words.sentence().rstrip("."), words.sentences(rng.randrange(1, 3))
    if look == 0:
        return ui.column(ui.text(words.url(), "caption"), ui.link(title), ui.text(snippet, "small"), gap=1)
    if look == 1:
        return ui.row(
            ui.grow(ui.link(title), ui.text(snippet), ui.text(words.date(), "caption")),
            ui.image(rng.choice(("photo", "landscape", "city")), 5, 7, rounded=True),
            gap=4,
            align="start",
        )
    if look == 2:
        tags = ui.row(*(ui.chip(tag) for tag in distinct(words.tag, 2)), ui.text(words.date(), "caption"), gap=2, wrap=True)
        return ui.card(ui.link(title), ui.text(snippet, "small"), tags, chosen=ui.chance("selected", 0.3, 0.01))
    if look == 3:
        return ui.list_item(
            title,
            snippet,
            ui.icon(file_icon(words.file_name()), 1.5),
            ui.icon_button(rng.choice(("bookmark", "more", "download"))),
            ui.chance("selected", 0.3, 0.02),
        )
    return ui.card(ui.text(title, "strong"), stars(ui, words, rng, False), media=ui.image(rng.choice(("photo", "city", "landscape", "product")), 8))


FAMILIES = {
    "data_table": Family(data_table), "dashboard": Family(dashboard), "kanban": Family(kanban), "calendar": Family(calendar), "file_manager": Family(file_manager),
    "form": Family(form), "wizard": Family(wizard), "search_results": Family(search_results),
}  # fmt: skip
