"""Programs that people write, calculate, code and print with: mail, documents, spreadsheets, editors, installers, dialogs, databases."""

from random import Random

from datagen.content import english
from datagen.content.words import Words
from datagen.pages.families import Family
from datagen.pages.families.sections import (
    control,
    data,
    distinct,
    faces,
    failed,
    file_icon,
    folders,
    labelled,
    notice,
    person,
    status,
    transfer,
    tree,
    visible,
    waiting,
)  # fmt: skip
from datagen.pages.shell import Content
from datagen.pages.ui import Branch, Entry, F, Ui

FORMATS = ("bold", "italic", "underline", "strikethrough", "link", "list-bullet", "list-number", "quote", "code", "align-left", "align-center", "align-right", "image", "text-color",
           "highlighter", "indent", "outdent", "undo", "redo", "attach", "emoji", "table", "paint", "spellcheck", "print", "find")  # fmt: skip
FONTS = ("Arial", "Calibri", "Georgia", "Helvetica", "Times New Roman", "Verdana", "Courier New", "Inter", "Roboto")
LICENCE = (
    "Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files, to deal in the software without "
    "restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the software.\n\n"
    "The software is provided \"as is\", without warranty of any kind, express or implied."
)  # fmt: skip


def format_buttons(ui: Ui[F], rng: Random, count: int) -> list[F]:
    """Buttons of a text editor in their usual order, a few of them pressed."""
    chosen = sorted(rng.sample([name for name in FORMATS if name != "find"], count), key=FORMATS.index)
    return [ui.icon_button(name, pressed=True if name in FORMATS[:3] and rng.random() < 0.25 else None) for name in chosen]


def source_file(rng: Random) -> str:
    """Name of a file of a program; Latin letters in every language."""
    stem = rng.choice(
        (
            "index",
            "main",
            "app",
            "server",
            "client",
            "user_model",
            "test_orders",
            "utils",
            "routes",
            "config",
            "styles",
            "Button",
            "Table",
            "schema",
            "README",
            "package",
        )
    )
    return f"{stem}.{rng.choice(('py', 'js', 'html', 'css', 'json', 'md'))}"


def sources(rng: Random, depth: int = 2) -> tuple[Branch, ...]:
    """Folders of a program and the files in them."""
    inner = []
    for name in rng.sample(("src", "tests", "docs", "assets", "components", "api", "models", "scripts", "public", ".github"), rng.randrange(1, 4)):
        open_ = rng.random() < 0.5
        inner.append(
            Branch(name, "folder-open" if open_ else "folder", open_, sources(rng, depth - 1) if depth else (Branch(source_file(rng), "file-code"),))
        )
    files = (Branch(name, file_icon(name)) for name in distinct(lambda: source_file(rng), rng.randrange(1, 5)))
    return (*inner, *files)


# ---- mail ------------------------------------------------------------------------------------------------------------------------------------


def mail(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    t = words.t
    room, side = ui.room, None
    inbox = t(rng.choice(("Inbox", "Starred", "Sent", "Drafts", "Archive")))
    if room > 700:
        room -= 225
        boxes = [Entry(t(name), icon, str(rng.randrange(1, 400)) if rng.random() < 0.25 else None) for name, icon in (
            ("Inbox", "inbox"), ("Starred", "star"), ("Sent", "send"), ("Drafts", "edit"), ("Spam", "ban"), ("Trash", "trash"), ("Archive", "archive"), ("Important", "flag"))]  # fmt: skip
        write = ui.button(rng.choice((t("Compose"), t("New message"))), icon="edit", variant="primary", wide=rng.random() < 0.5)
        if rng.random() < 0.45:
            labels = tuple(Branch(tag, "tag") for tag in distinct(words.tag, 3))
            account = Branch(words.email(), "envelope", True, tuple(Branch(entry.label, entry.icon) for entry in boxes[: rng.randrange(4, 9)]))
            side = ui.box(ui.pane(write, ui.tree((account, Branch(t("Tags"), "tags", True, labels)), 1)), width=14, tint=rng.random() < 0.5)
        else:
            side = ui.sidebar(boxes[: rng.randrange(4, 9)], 0, write if rng.random() < 0.8 else None)
    kind = rng.choice(("list", "split", "split", "read", "write")) if room > 620 else rng.choice(("list", "list", "read", "write"))
    if kind == "list":
        main: F = ui.column(
            _mail_tools(ui, words, rng, room),
            ui.pane(*notice(ui, words, rng, 0.06), _mails(ui, words, rng, 14, room), pad=rng.choice((0, 2))),
            *([ui.box(ui.pagination(3, 1), pad=2)] if rng.random() < 0.3 else []),
            gap=0,
            fill=True,
        )
    elif kind == "split":
        top = ui.box(ui.search_field(t("Search mail")), pad=2)
        tabs = [ui.tabs([t("All"), t("Unread"), t("Important")][: rng.randrange(2, 4)], 0)] if rng.random() < 0.4 else []
        letters = ui.box(ui.column(top, *tabs, ui.pane(_mails(ui, words, rng, 10, 300), pad=0), gap=0, fill=True), width=rng.choice((18, 20, 22)))
        reading = ui.pane(*(_writing(ui, words, rng) if rng.random() < 0.2 else _letter(ui, words, rng)), pad=4)
        panes = [letters, ui.scroll_bar(rng.uniform(0.2, 0.6), rng.random() / 2), reading] if rng.random() < 0.4 else [letters, reading]
        main = ui.row(*panes, gap=0, align="stretch", fill=True)
    elif kind == "read":
        bar = [
            ui.icon_button("arrow-left"),
            *(
                ui.icon_button(name)
                for name in rng.sample(("archive", "trash", "envelope", "folder", "tag", "print", "ban"), rng.randrange(2, 6 if room > 500 else 4))
            ),
        ]
        main = ui.column(ui.toolbar(*bar, ui.grow(), ui.icon_button("more")), ui.pane(*_letter(ui, words, rng), pad=4), gap=0, fill=True)
    else:
        main = ui.pane(*_writing(ui, words, rng), pad=4)
    return Content(title=inbox if kind != "write" else t("New message"), parts=(main,), fill=True, side=side, icon="envelope")


def _mail_tools(ui: Ui[F], words: Words, rng: Random, room: int) -> F:
    t = words.t
    search = ui.search_field(t("Search mail"), words.person() if rng.random() < 0.15 else "")
    if room < 520:
        return ui.box(ui.row(ui.grow(search), ui.avatar(words.person(), 2), gap=2), pad=2)
    select = ui.checkbox(t("Select all"), None if ui.state == "selected" else False, show_label=False)
    buttons = [
        ui.icon_button(name)
        for name in rng.sample(("refresh", "archive", "trash", "flag", "envelope-open", "folder", "clock", "more"), rng.randrange(3, 7))
    ]
    return ui.toolbar(
        select,
        *buttons,
        ui.grow(search),
        ui.text(f"1–50 {t('of')} {words.count()}", "small"),
        ui.icon_button("chevron-left", disabled=True),
        ui.icon_button("chevron-right"),
    )


def _mails(ui: Ui[F], words: Words, rng: Random, most: int, room: int) -> F:
    """The list of letters: as items, or as a dense table where there is room."""
    if ui.state == "loading":
        return waiting(ui, words, rng)
    if ui.state == "error" and rng.random() < 0.5:
        return failed(ui, words, rng)
    count = rng.randrange(6, most + 1)
    if room > 560 and rng.random() < 0.45:
        rows: list[list[F | str]] = []
        chosen = [i for i in range(count) if ui.chance("selected", 0.35, 0.04)]
        for i in range(count):
            marks = ui.row(
                ui.checkbox(words.t("Select"), i in chosen, show_label=False),
                ui.icon("star", tone="warning" if rng.random() < 0.2 else "muted"),
                gap=2,
            )
            rows.append([marks, ui.text(words.person(), "strong" if rng.random() < 0.3 else "normal"), words.title(), words.time()])
        return ui.table(
            [words.t("Select"), words.t("Sender"), words.t("Subject"), words.t("Date")],
            rows,
            header=rng.random() < 0.3,
            chosen=chosen,
            dense=rng.random() < 0.6,
        )
    look, here, items = rng.randrange(3), rng.randrange(count), []
    for i in range(count):
        who, chosen_ = words.person(), ui.chance("selected", 0.35, 0.0) or i == here
        leading = ui.avatar(who) if look == 0 else ui.checkbox(words.t("Select"), chosen_, show_label=False) if look == 1 else None
        ends = [ui.icon("attach", tone="muted")] if rng.random() < 0.15 else [ui.badge(str(rng.randrange(2, 9)))] if rng.random() < 0.15 else []
        ends += [ui.icon_button("star")] if look and rng.random() < 0.7 else []
        items.append(
            ui.list_item(
                who,
                rng.choice((words.title, words.sentence))(),
                leading,
                ui.row(*ends, gap=1) if ends else None,
                chosen_,
                words.time() if rng.random() < 0.7 else words.date()[:12],
            )
        )
    return ui.list(*items, framed=False)


def _letter(ui: Ui[F], words: Words, rng: Random) -> list[F]:
    t = words.t
    if ui.state == "loading" and rng.random() < 0.6:
        return [ui.heading(words.title(), 2), waiting(ui, words, rng)]
    head = ui.row(
        ui.grow(ui.heading(words.title(), rng.choice((2, 3)))),
        *(ui.icon_button(name) for name in rng.sample(("star", "print", "more", "flag"), 2)),
        gap=2,
    )
    who = words.person()
    sender = ui.row(
        ui.avatar(who, 2.6),
        ui.grow(ui.text(who, "strong"), ui.text(f"{t('To')}: {words.email()}", "caption")),
        ui.text(words.datetime(), "caption"),
        gap=3,
    )
    body = [ui.text(words.message()), *(ui.text(words.paragraph()) for _ in range(rng.randrange(1, 5))), ui.text(words.first_name())]
    parts = [head, *([ui.row(*(ui.chip(tag, removable=True) for tag in distinct(words.tag, 2)), gap=1)] if rng.random() < 0.3 else []), sender]
    if rng.random() < 0.1:
        parts.append(ui.alert(t("This sender is not in your contacts."), "warning", closable=True))
    parts += body
    if rng.random() < 0.4:
        files = [
            ui.card(
                ui.row(
                    ui.icon(file_icon(name), 1.5, "primary"),
                    ui.grow(ui.text(name, "small"), ui.text(words.file_size(), "caption")),
                    ui.icon_button("download"),
                    gap=2,
                )
            )
            for name in distinct(words.file_name, rng.randrange(1, 4))
        ]
        parts += [ui.divider(), ui.text(t("Attachments"), "strong"), ui.grid(*files, columns=max(1, min(len(files), ui.room // 330)))]
    if rng.random() < 0.25:
        parts += [ui.divider(), person(ui, words, rng), ui.text(words.message(), "muted")]
    if rng.random() < 0.35:
        parts.append(ui.text_area(t("Reply"), "", t("Type a message"), rows=3))
    answers = (("Reply", "reply"), ("Reply all", "reply-all"), ("Forward", "forward"))[: rng.randrange(1, 4)]
    return [
        *parts,
        ui.row(*(ui.button(t(name), icon=icon if ui.room > 420 else None, variant="default") for name, icon in answers), gap=2, wrap=True),
    ]


def _writing(ui: Ui[F], words: Words, rng: Random) -> list[F]:
    t = words.t
    to = ui.row(
        *(ui.chip(words.person() if rng.random() < 0.6 else words.email(), removable=True) for _ in range(rng.randrange(1, 3))),
        ui.grow(ui.text_field(t("To"))),
        gap=2,
        wrap=ui.room < 520,
    )
    beside = rng.random() < 0.5
    wrong = ui.state == "error" and rng.random() < 0.6
    parts = [
        ui.field(
            t("To"),
            to if rng.random() < 0.6 else ui.text_field(t("To"), words.email() if not wrong else words.user_name(), invalid=wrong),
            error=t("Please enter a valid email address.") if wrong else None,
            beside=beside,
        )
    ]
    if rng.random() < 0.4:
        parts.append(ui.field(t("Cc"), ui.text_field(t("Cc"), words.email() if rng.random() < 0.5 else ""), beside=beside))
    parts.append(ui.field(t("Subject"), ui.text_field(t("Subject"), words.title() if rng.random() < 0.7 else ""), beside=beside))
    bar = ui.toolbar(*format_buttons(ui, rng, rng.randrange(4, 12 if ui.room > 600 else 7)))
    area = ui.text_area(
        t("Message"),
        "\n\n".join((words.message(), words.paragraph(), words.first_name())) if rng.random() < 0.6 else "",
        t("Type a message"),
        rows=rng.randrange(7, 13),
    )
    parts += [bar, area] if rng.random() < 0.6 else [area, bar]
    if rng.random() < 0.35:
        name = words.file_name()
        loaded = ui.progress(rng.random(), t("Upload")) if ui.state == "loading" else ui.text(words.file_size(), "caption")
        parts.append(ui.card(ui.row(ui.icon(file_icon(name)), ui.grow(ui.text(name, "small"), loaded), ui.icon_button("close"), gap=2)))
    send = ui.button(t("Send"), icon="send" if rng.random() < 0.6 else None, variant="primary", busy=ui.state == "loading")
    rest = [ui.button(t("Save draft"), variant="default")] if rng.random() < 0.4 else []
    return [*parts, ui.row(send, *rest, ui.icon_button("attach"), ui.grow(), ui.icon_button("trash"), gap=2)]


# ---- documents -------------------------------------------------------------------------------------------------------------------------------


def document(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    t = words.t
    title, room = words.title(), ui.room
    top: list[F] = []
    if ui.platform == "web" and rng.random() < 0.6:
        who = [faces(ui, words, rng, 3), ui.button(t("Share"), icon="share", variant="primary", size="small")] if room > 560 else []
        name = ui.row(ui.icon("file-text", 1.6, "primary"), ui.grow(ui.heading(title, 5)), ui.text(t("All changes saved"), "caption"), *who, gap=3)
        top.append(ui.box(name, pad=2))
        if rng.random() < 0.6 and room > 560:
            top.append(
                ui.menu_bar(
                    [t("File"), t("Edit"), t("View"), t("Insert"), t("Format"), t("Tools"), t("Help")][: rng.randrange(4, 8)],
                    rng.randrange(4) if ui.state == "menu" else None,
                )
            )
    if rng.random() < 0.3 and room > 700:
        top.append(ui.tabs([t("Home"), t("Insert"), t("Layout"), t("References"), t("Review"), t("View")][: rng.randrange(4, 7)], 0))
    count = 6 if room < 520 else rng.randrange(8, 16)
    buttons = format_buttons(ui, rng, min(count, max(4, room // 60)))
    if room > 640:
        style = ui.box(ui.combo_box(t("Style"), [t("Normal text"), t("Title"), t("Heading"), t("Quote")], rng.randrange(4)), width=8)
        font = ui.box(ui.combo_box(t("Font"), FONTS, rng.randrange(len(FONTS))), width=8)
        size = ui.box(ui.stepper(t("Font size"), rng.choice((10, 11, 12, 14, 18))), width=9)
        buttons = [*rng.sample([style, font], rng.randrange(1, 3)), *([size] if rng.random() < 0.6 else []), *buttons]
    bar = ui.toolbar(*buttons)
    aside: list[F] = []
    beside: list[F] = []
    left = room
    if room > 860 and rng.random() < 0.55:
        left -= 310
        aside.append(ui.box(ui.pane(*(_styles(ui, words, rng) if rng.random() < 0.4 else _comments(ui, words, rng)), pad=3), width=17))
    if room > 980 and rng.random() < 0.4:
        left -= 260
        outline = tuple(
            Branch(words.title(), None, rng.random() < 0.6, tuple(Branch(words.title()) for _ in range(rng.randrange(0, 4))))
            for _ in range(rng.randrange(3, 6))
        )
        beside.append(ui.box(ui.pane(ui.heading(t("Outline"), 6), ui.tree(outline, rng.randrange(visible(outline)))), width=14, tint=True))
    body = _document_body(ui, words, rng, title)
    # A sheet of paper that is wider than its place would be cut at both sides: it stands alone where there is room for it.
    if left > 560 and rng.random() < 0.75:
        page = ui.row(ui.box(ui.column(*body, gap=4), width=min(44.0, left / 20), pad=8, border=True), justify="center")
    else:
        page = ui.box(ui.column(*body, gap=4), pad=5 if left > 560 else 2)
    middle: list[F] = [*beside, ui.pane(*notice(ui, words, rng, 0.04), page, pad=4), *aside]
    if rng.random() < 0.35:
        middle.append(ui.scroll_bar(rng.uniform(0.1, 0.6), rng.random()))
    parts = [*top, bar, ui.row(*middle, gap=0, align="stretch", fill=True)]
    if room < 520 and rng.random() < 0.5:
        parts = [*top, ui.row(*middle, gap=0, align="stretch", fill=True), bar]
    if ui.platform == "web" and rng.random() < 0.4:
        parts.append(
            ui.status_bar(
                ui.text(f"{t('Page')} 1 {t('of')} {rng.randrange(1, 30)}"),
                ui.text(f"{words.count()} {t('words')}"),
                ui.text(f"{rng.randrange(50, 160, 10)}%"),
                ui.box(ui.slider(t("Zoom"), rng.random()), width=7),
            )
        )
    return Content(title=f"{title}.docx" if ui.platform == "desktop" else title, parts=tuple(parts), fill=True, icon="file-text")


def _document_body(ui: Ui[F], words: Words, rng: Random, title: str) -> list[F]:
    if ui.state == "loading" and rng.random() < 0.7:
        return [ui.skeleton(1), waiting(ui, words, rng), ui.skeleton(6)]
    body: list[F] = [ui.heading(title, 1)]
    if rng.random() < 0.4:
        body.append(ui.text(f"{words.person()}, {words.date()}", "muted"))
    for _ in range(rng.randrange(2, 6)):
        kind = rng.random()
        if kind < 0.35:
            body.append(ui.heading(words.title(), rng.choice((2, 3))))
        if kind < 0.7:
            body += [ui.text(words.paragraph()) for _ in range(rng.randrange(1, 3))]
        elif kind < 0.8:
            body.append(ui.list(*(ui.list_item(words.sentence(), leading=ui.icon("dot", 0.7)) for _ in range(rng.randrange(2, 5))), framed=False))
        elif kind < 0.87:
            body += [ui.image(rng.choice(("photo", "landscape", "illustration")), rng.choice((9, 12))), ui.text(words.sentence(), "caption")]
        elif kind < 0.9:
            body.append(ui.chart(rng.choice(("bar", "line", "area", "pie")), rng.choice((11, 14))))
        elif kind < 0.95:
            body.append(data(ui, words, rng, 3, rng.randrange(2, 5), dense=True))
        else:
            body.append(ui.column(*(ui.checkbox(words.title(), rng.random() < 0.5) for _ in range(3)), gap=2))
    if rng.random() < 0.15:
        body.append(ui.link(words.url()))
    return body


def _styles(ui: Ui[F], words: Words, rng: Random) -> list[F]:
    """The pane of a document's styles and of its page."""
    t = words.t
    names = [t("Normal text"), t("Title"), t("Heading"), t("Subtitle"), t("Quote"), t("Caption"), t("Code")]
    spacing = ui.field(t("Line spacing"), ui.stepper(t("Line spacing"), rng.randrange(1, 4)))
    margin = ui.field(t("Margins"), ui.slider(t("Margins"), rng.random()))
    return [
        ui.heading(t("Styles"), 5),
        ui.list_box(t("Styles"), names[: rng.randrange(4, 8)], [rng.randrange(4)]),
        spacing,
        margin,
        ui.switch(t("Show grid"), rng.random() < 0.5, show_label=True),
    ]


def _comments(ui: Ui[F], words: Words, rng: Random) -> list[F]:
    t = words.t
    cards = []
    for i in range(rng.randrange(1, 5)):
        who = words.person()
        head = ui.row(
            ui.avatar(who, 1.8),
            ui.grow(ui.text(who, "strong"), ui.text(words.time(), "caption")),
            ui.icon_button(rng.choice(("more", "check"))),
            gap=2,
        )
        answer = (
            [ui.row(ui.button(t("Reply"), size="small", variant="text"), ui.button(t("Resolve"), size="small", variant="text"), gap=1)]
            if rng.random() < 0.5
            else []
        )
        cards.append(ui.card(head, ui.text(words.message(), "small"), *answer, chosen=ui.state == "selected" and i == 0))
    write = (
        [ui.text_area(t("Comment"), "", t("Write a comment…"), rows=2), ui.button(t("Comment"), variant="primary", size="small")]
        if rng.random() < 0.5
        else []
    )
    return [ui.heading(t("Comments"), 5), *cards, *write]


# ---- spreadsheets ----------------------------------------------------------------------------------------------------------------------------


def spreadsheet(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    t = words.t
    room = ui.room
    columns = max(3, min(11, room // rng.choice((95, 110, 130))))
    count = rng.randrange(9, 19)
    row, column = rng.randrange(1, 8), rng.randrange(columns)
    size = ui.box(ui.combo_box(t("Font size"), ("10", "11", "12", "14"), 1), width=4.5)
    tools = [
        ui.icon_button(name, pressed=True if name == "bold" and rng.random() < 0.3 else None)
        for name in (
            "undo",
            "redo",
            "print",
            "bold",
            "italic",
            "underline",
            "paint",
            "text-color",
            "align-left",
            "align-center",
            "percent",
            "merge",
            "sort",
            "filter",
            "chart-bar",
            "link",
            "table",
        )
    ]
    kept = [tools[i] for i in sorted(rng.sample(range(len(tools)), max(4, min(len(tools), room // 55))))]
    if room > 700:
        kept[2:2] = [ui.box(ui.combo_box(t("Font"), FONTS, rng.randrange(len(FONTS))), width=8), size]
    letters = [chr(65 + i) for i in range(columns)]
    value = rng.choice(
        (f"=SUM({letters[column]}1:{letters[column]}{row})", words.price(), words.product(), f"=AVERAGE(A1:A{count})", f"=A{row}*1.19")
    )
    name = f"{letters[column]}{row}"
    where = ui.box(ui.combo_box(t("Cell"), (name, "A1", "B2")) if rng.random() < 0.4 else ui.text_field(t("Cell"), name), width=5)
    formula = ui.box(
        ui.row(where, ui.icon(rng.choice(("code", "calculator")), tone="muted"), ui.grow(ui.text_field(t("Formula"), value)), gap=2), pad=1
    )
    sheet = waiting(ui, words, rng) if ui.state == "loading" and rng.random() < 0.6 else _grid(ui, words, rng, letters, count, row)
    names = [f"{t('Sheet')} {i + 1}" if rng.random() < 0.5 else words.title() for i in range(rng.randrange(1, 3 if room < 600 else 5))]
    foot = ui.row(
        ui.icon_button("plus"),
        ui.tabs(names, 0),
        ui.grow(),
        *([ui.text(f"{t('Sum')}: {words.count()}", "small")] if rng.random() < 0.5 and room > 600 else []),
        gap=2,
    )
    grid_row: list[F] = [ui.pane(*notice(ui, words, rng, 0.03), sheet, pad=0)]
    if room > 700 and rng.random() < 0.2:
        columns_ = distinct(lambda: t(words.column()), rng.randrange(5, 8))
        pivot = [
            ui.field(name, ui.list_box(name, columns_[i::3], [0] if i == 0 else [])) for i, name in enumerate((t("Rows"), t("Columns"), t("Values")))
        ]
        grid_row.append(ui.box(ui.pane(ui.heading(t("Pivot table"), 5), *pivot, pad=3), width=13))
    elif room > 900 and rng.random() < 0.3:
        grid_row.append(
            ui.box(
                ui.pane(
                    ui.heading(t("Chart"), 5),
                    ui.chart(rng.choice(("bar", "line", "pie")), 12),
                    labelled(ui, words, rng, "Type"),
                    labelled(ui, words, rng, "Title"),
                    ui.checkbox(t("Legend"), True),
                    pad=3,
                ),
                width=17,
            )
        )
    if rng.random() < 0.6:
        grid_row.append(ui.scroll_bar(rng.uniform(0.1, 0.5), rng.random() / 2))
    parts: list[F] = [ui.toolbar(*kept)]
    if ui.platform == "web" and room > 600 and rng.random() < 0.5:
        parts.insert(
            0,
            ui.menu_bar(
                [t(name) for name in ("File", "Edit", "View", "Insert", "Format", "Tools", "Help")], rng.randrange(5) if ui.state == "menu" else None
            ),
        )
    if rng.random() < 0.88:
        parts.append(formula)
    parts.append(ui.row(*grid_row, gap=0, align="stretch", fill=True))
    if rng.random() < 0.4:
        parts.append(ui.scroll_bar(rng.uniform(0.3, 0.7), 0.0, vertical=False))
    parts.append(foot)
    if ui.platform == "web" and room > 600 and rng.random() < 0.4:
        zoom = ui.row(
            ui.icon_button("minus"),
            ui.box(ui.slider(t("Zoom"), rng.random()), width=8),
            ui.icon_button("plus"),
            ui.text(f"{rng.randrange(50, 160, 10)}%"),
            gap=1,
        )
        parts.append(ui.status_bar(ui.text(t("Ready")), ui.text(f"{t('Average')}: {words.count()}"), zoom))
    title = words.title()
    return Content(title=f"{title}.xlsx" if ui.platform == "desktop" else title, parts=tuple(parts), fill=True, icon="file-spreadsheet")


def _grid(ui: Ui[F], words: Words, rng: Random, letters: list[str], count: int, here: int) -> F:
    """Letters above, numbers beside; each column holds one kind of data, with a name in its first row, and blocks of it are empty."""
    kinds = (words.product, words.person, words.price, words.price, words.count, words.count, words.percent, words.date_iso, words.city, words.title)
    makers = [rng.choice(kinds[:2] if i == 0 else kinds) for i in range(len(letters))]
    filled, used = rng.randrange(5, count), rng.randrange(len(letters) // 2, len(letters) + 1)
    marked = [here - 1, *(i for i in range(count) if ui.state == "selected" and rng.random() < 0.3)]
    rows: list[list[F | str]] = []
    for i in range(count):
        line: list[F | str] = [ui.text(str(i + 1), "muted")]
        for j, make in enumerate(makers):
            if j >= used or i > filled or (i and rng.random() < 0.08):
                line.append("")
            elif i == 0:
                line.append(ui.text(words.t(words.column()), "strong"))
            elif ui.state == "error" and rng.random() < 0.08:
                line.append(ui.text(rng.choice(("#REF!", "#DIV/0!", "#VALUE!", "#NAME?")), "danger"))
            else:
                line.append(make())
        rows.append(line)
    numeric = [i + 1 for i, make in enumerate(makers) if make in (words.price, words.count, words.percent)]
    return ui.table(
        ["#", *letters],
        rows,
        chosen=marked,
        numeric=numeric,
        dense=True,
        grid_lines=True,
        widths=(2.5, 11, *(rng.choice((5, 7, 9)) for _ in letters[1:])),
    )


# ---- code ------------------------------------------------------------------------------------------------------------------------------------


def code_editor(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    t = words.t
    room, small = ui.room, ui.room < 560
    files = distinct(lambda: source_file(rng), rng.randrange(1, 3 if small else 6))
    here = rng.randrange(len(files))
    bands: list[F] = []
    if not small and rng.random() < 0.55:
        names = ("file", "search", "branch", "debug", "boxes", "test", "person", "gear")
        bands.append(
            ui.box(
                ui.column(
                    *(ui.icon_button(name, pressed=True if i == 0 else None) for i, name in enumerate(names[: rng.randrange(4, 9)])),
                    gap=3,
                    align="center",
                ),
                width=3.2,
                pad=1,
                tint=True,
            )
        )
        room -= 52
    if not small and rng.random() < 0.85:
        bands.append(ui.box(ui.pane(*_code_panel(ui, words, rng)), width=rng.choice((13, 15, 17)), tint=rng.random() < 0.6))
        room -= 240
    lines = [words.code_line() for _ in range(rng.randrange(12, 34))]
    lines = [line if rng.random() < 0.88 else "" for line in lines]
    body: F = (
        waiting(ui, words, rng)
        if ui.state == "loading" and rng.random() < 0.5
        else ui.code(lines, numbers=rng.random() < 0.85, marked=rng.randrange(12) if rng.random() < 0.5 else None)
    )
    views: list[F] = [ui.pane(body, pad=2)]
    if room > 760 and rng.random() < 0.2:
        views.append(ui.pane(ui.code([words.code_line() for _ in range(rng.randrange(8, 20))]), pad=2))
    if rng.random() < 0.5:
        views.append(ui.scroll_bar(rng.uniform(0.1, 0.6), rng.random()))
    run = (
        [ui.icon_button("play"), *(ui.icon_button(name) for name in rng.sample(("debug", "columns", "more", "save", "refresh"), rng.randrange(0, 3)))]
        if not small
        else [ui.icon_button("play")]
    )
    middle: list[F] = [
        ui.row(
            ui.grow(ui.tabs(files, here, [file_icon(name) for name in files] if rng.random() < 0.5 else (), closable=rng.random() < 0.85)),
            *run,
            gap=1,
        )
    ]
    if rng.random() < 0.45:
        middle.append(ui.box(ui.breadcrumb(["src", rng.choice(("app", "core", "lib")), files[here]]), pad=1))
    middle += notice(ui, words, rng, 0.04)
    if rng.random() < 0.12:
        find = [
            ui.box(ui.search_field(t("Find"), words.word()), width=11),
            ui.text(f"1 {t('of')} {rng.randrange(2, 30)}", "small"),
            ui.icon_button("arrow-up"),
            ui.icon_button("arrow-down"),
            ui.icon_button("close"),
        ]
        middle.append(ui.toolbar(*(find if not small else find[::4])))
    middle.append(ui.row(*views, gap=0, align="stretch", fill=True))
    if rng.random() < 0.55 or ui.state == "error":
        middle.append(_terminal(ui, words, rng))
    bands.append(ui.column(*middle, gap=0, fill=True))
    if ui.setting.width > 1000 and rng.random() < 0.2:
        chat = [ui.card(ui.text(words.message(), "small")) for _ in range(rng.randrange(1, 4))]
        bands.append(
            ui.box(
                ui.pane(
                    ui.heading(t("Assistant"), 6),
                    *chat,
                    ui.text_area(t("Message"), "", t("Ask a question"), rows=2),
                    ui.button(t("Send"), variant="primary", size="small"),
                    pad=3,
                ),
                width=16,
            )
        )
    parts = [ui.row(*bands, gap=0, align="stretch", fill=True)]
    if ui.platform != "desktop" and rng.random() < 0.6:
        info = [
            ui.row(ui.icon("branch"), ui.text("main"), gap=1),
            ui.row(ui.icon("error"), ui.text(str(rng.randrange(9))), ui.icon("warning"), ui.text(str(rng.randrange(9))), gap=1),
            ui.text(f"{t('Line')} {rng.randrange(1, 300)}, {t('Column')} {rng.randrange(1, 80)}"),
            ui.text("UTF-8"),
            ui.text(rng.choice(("Python", "TypeScript", "HTML", "Rust"))),
        ]
        parts.append(ui.status_bar(*info[: 3 if small else 5]))
    return Content(title=f"{files[here]} - {words.word()}" if not small else files[here], parts=tuple(parts), fill=True, icon="code")


def _code_panel(ui: Ui[F], words: Words, rng: Random) -> list[F]:
    t = words.t
    kind = rng.random()
    if kind < 0.65:
        head = ui.row(
            ui.grow(ui.text(t("Explorer"), "small")),
            *(ui.icon_button(name) for name in ("new-file", "folder-plus", "refresh")[: rng.randrange(0, 4)]),
            gap=1,
        )
        more = [ui.divider(), ui.text(t("Outline"), "small"), ui.tree(folders(words, rng, depth=1, count=3))] if rng.random() < 0.3 else []
        branches = sources(rng)
        return [head, ui.tree(branches, rng.randrange(visible(branches))), *more]
    if kind < 0.82:
        hits = [
            Branch(name, file_icon(name), True, tuple(Branch(words.code_line().strip()[:24]) for _ in range(rng.randrange(1, 4))))
            for name in distinct(lambda: source_file(rng), 3)
        ]
        return [
            ui.text(t("Search"), "small"),
            ui.search_field(t("Search"), words.word()),
            ui.text_field(t("Replace"), "", t("Replace")),
            ui.checkbox(t("Match case"), rng.random() < 0.5),
            ui.tree(tuple(hits), 1),
        ]
    changed = [
        ui.list_item(
            name, leading=ui.icon(file_icon(name)), trailing=ui.badge(rng.choice("MUAD"), "warning"), chosen=ui.chance("selected", 0.4, 0.05)
        )
        for name in distinct(lambda: source_file(rng), rng.randrange(3, 7))
    ]
    return [
        ui.text(t("Source control"), "small"),
        ui.text_area(t("Message"), words.title() if rng.random() < 0.5 else "", t("Message"), rows=2),
        ui.button(t("Commit"), icon="check", variant="primary", wide=True),
        ui.list(*changed, framed=False),
    ]


def _terminal(ui: Ui[F], words: Words, rng: Random) -> F:
    t = words.t
    here = rng.randrange(3)
    names = [t("Problems"), t("Output"), t("Terminal")]
    head = ui.row(ui.grow(ui.tabs(names, here)), ui.icon_button("plus"), ui.icon_button("trash"), ui.icon_button("close"), gap=1)
    if here == 0:
        rows = [
            ui.list_item(
                words.sentence(),
                f"{source_file(rng)}:{rng.randrange(1, 300)}",
                ui.icon("error" if i % 2 else "warning", tone="danger" if i % 2 else "warning"),
            )
            for i in range(rng.randrange(2, 5))
        ]
        body: F = ui.list(*rows, framed=False)
    else:
        output = [
            f"$ {rng.choice(('npm run build', 'pytest -q', 'cargo test', 'git status', 'make'))}",
            *(f"{rng.choice(('INFO', 'WARN', 'ok', '>'))} {words.code_line().strip()}" for _ in range(rng.randrange(2, 8))),
        ]
        body = ui.column(ui.code(output, numbers=False), *([ui.progress(rng.random(), t("Build"))] if ui.state == "loading" else []))
    return ui.box(ui.column(head, ui.box(body, pad=2), gap=0), height=rng.choice((9, 11, 13)), border=True)


# ---- installers and dialogs of the desktop ----------------------------------------------------------------------------------------------------


def installer(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    t = words.t
    product = f"{words.brand()} {rng.randrange(1, 12)}.{rng.randrange(10)}"
    stage = rng.choice(("welcome", "licence", "folder", "components", "progress", "progress", "done", "account", "options"))
    if ui.state == "loading":
        stage = "progress"
    heading = {
        "welcome": t("Welcome to the setup wizard"), "licence": t("License agreement"), "folder": t("Choose a folder"), "components": t("Choose components"),
        "progress": t("Installing"), "done": t("Installation complete"), "account": t("Create account"), "options": t("Options"),
    }[stage]  # fmt: skip
    banner = ui.image(rng.choice(("gradient", "mesh", "pattern", "city", "landscape")), 5.5 if ui.room < 560 else 7)
    head = ui.row(
        ui.grow(ui.heading(heading, 3), ui.text(words.sentence(), "small")),
        ui.icon(rng.choice(("package", "download", "rocket", "boxes")), 2.4, "primary"),
        gap=3,
    )
    inner = [*notice(ui, words, rng, 0.03), *_installer_stage(ui, words, rng, stage, product)]
    steps = [t("Welcome"), t("License agreement"), t("Options"), t("Install"), t("Finish")]
    layout = rng.choice(("banner", "side", "list", "plain")) if ui.room > 520 else rng.choice(("banner", "plain"))
    body: F = ui.pane(head, ui.divider(), *inner, pad=5)
    if layout == "side":
        body = ui.row(
            ui.box(ui.image(rng.choice(("gradient", "mesh", "city", "poster")), 40), width=rng.choice((10, 12, 14))),
            body,
            gap=0,
            align="stretch",
            fill=True,
        )
    elif layout == "list":
        here = {"welcome": 0, "licence": 1, "progress": 3, "done": 4}.get(stage, 2)
        marks = [
            ui.row(
                ui.icon("check-circle" if i < here else "dot", tone="primary" if i <= here else "muted"),
                ui.text(name, "strong" if i == here else "normal"),
                gap=2,
            )
            for i, name in enumerate(steps)
        ]
        body = ui.row(ui.box(ui.column(*marks, gap=4), width=13, pad=5, tint=True), body, gap=0, align="stretch", fill=True)
    last = stage == "done"
    ahead = t("Finish") if last else t("Install") if stage in ("components", "options") else rng.choice((t("Next"), t("Next >")))
    back = ui.button(rng.choice((t("Back"), t("< Back"))), variant="default", disabled=stage in ("welcome", "progress", "done"))
    buttons = ui.row(
        *([ui.button(t("Help"), variant="default")] if rng.random() < 0.3 else []), ui.grow(), back, ui.button(ahead, variant="primary", disabled=stage == "progress" or None),
        ui.button(t("Cancel"), variant="default", disabled=last), gap=2,
    )  # fmt: skip
    top = [banner] if layout == "banner" else []
    return Content(
        title=f"{product} - {t('Setup')}",
        parts=(*top, body, ui.box(buttons, pad=4, tint=rng.random() < 0.5)),
        fill=True,
        chrome="bare",
        icon="package",
    )


def _installer_stage(ui: Ui[F], words: Words, rng: Random, stage: str, product: str) -> list[F]:
    t = words.t
    if stage == "licence":
        group, agreed = f"licence{rng.randrange(10**9)}", rng.random() < 0.5
        accept = (
            [ui.radio(t("I accept the agreement"), agreed, group), ui.radio(t("I do not accept the agreement"), not agreed, group)]
            if rng.random() < 0.65
            else [ui.checkbox(t("I accept the agreement"), agreed)]
        )
        licence = LICENCE if words.locale.code == "en" else "\n\n".join(words.paragraph() for _ in range(3))
        return [
            ui.text_area(t("License agreement"), f"{product}\n\n{licence}", rows=rng.randrange(7, 12), disabled=False),
            *accept,
            *([ui.button(t("Print"), size="small", variant="default")] if rng.random() < 0.3 else []),
        ]
    if stage == "folder":
        path = rf"C:\Program Files\{words.brand()}" if rng.random() < 0.6 else f"/opt/{words.user_name()}"
        chosen = ui.field(t("Folder"), ui.row(ui.grow(ui.text_field(t("Folder"), path)), ui.button(t("Browse…"), variant="default"), gap=2))
        room = [ui.text(f"{t('Space required')}: {words.file_size()}", "small"), ui.text(f"{t('Space available')}: {words.file_size()}", "small")]
        places = (
            [tree(ui, words, rng, files=False)]
            if rng.random() < 0.4
            else [ui.list_box(t("Drive"), ("C:", "D:", "E:"), [0])]
            if rng.random() < 0.4
            else []
        )
        return [chosen, *places, *room, ui.checkbox(t("Create a desktop shortcut"), rng.random() < 0.6)]
    if stage == "components":
        kind = rng.random() * 1.2
        if kind > 1:
            return [transfer(ui, words, rng), ui.text(f"{t('Space required')}: {words.file_size()}", "small")]
        names = distinct(words.setting, rng.randrange(4, 8))
        size = ui.text(f"{t('Space required')}: {words.file_size()}", "small")
        variants = ui.field(
            t("Type of installation"), ui.combo_box(t("Type of installation"), [t("Full"), t("Compact"), t("Custom")], rng.randrange(3))
        )
        if kind < 0.4:
            return [
                variants,
                ui.list(
                    *(
                        ui.list_item(
                            name, about if rng.random() < 0.4 else None, ui.checkbox(name, ui.chance("selected", 0.8, 0.5), show_label=False)
                        )
                        for name, about in names
                    )
                ),
                size,
            ]
        if kind < 0.7:
            return [variants, ui.list_box(t("Components"), [name for name, _ in names], [rng.randrange(len(names))]), size]
        return [
            ui.row(
                ui.grow(tree(ui, words, rng, files=False)),
                ui.box(ui.column(ui.text(t("Description"), "strong"), ui.text(words.sentence(), "small")), width=12, pad=2, border=True),
                gap=3,
                align="start",
            ),
            size,
        ]
    if stage == "progress":
        share = rng.random()
        log = rng.random()
        lines = [f"{rng.choice((t('Extract'), t('Copy'), t('Create')))}: {words.file_name()}" for _ in range(rng.randrange(4, 9))]
        detail = (
            [ui.text_area(t("Log"), "\n".join(lines), rows=6)] if log < 0.3 else [ui.list_box(t("Log"), lines, [len(lines) - 1])] if log < 0.6 else []
        )
        more = [ui.progress(rng.random(), t("Total"))] if rng.random() < 0.3 else []
        return [
            ui.text(lines[-1], "small"),
            ui.progress(share, t("Installing")),
            ui.row(ui.grow(ui.text(f"{share:.0%}")), ui.text(f"{t('Time left')}: {words.duration()}", "small"), gap=2),
            *more,
            *detail,
        ]
    if stage == "done":
        return [
            ui.icon("check-circle", 3, "success"),
            ui.text(words.sentence()),
            ui.checkbox(t("Start the program now"), True),
            ui.checkbox(t("Show the release notes"), rng.random() < 0.5),
            ui.link(words.url()),
        ]
    if stage == "account":
        keys = rng.sample(("Full name", "Company", "Username", "Email", "Serial number"), rng.randrange(1, 4))
        return [labelled(ui, words, rng, key, beside=ui.room > 560) for key in (*keys, "Password", "Confirm password")]
    if stage == "options":
        boxes = [ui.checkbox(words.setting()[0], rng.random() < 0.6) for _ in range(rng.randrange(3, 6))]
        return [labelled(ui, words, rng, "Language"), *boxes, ui.field(t("Port"), ui.stepper(t("Port"), rng.randrange(1024, 9999)))]
    languages = labelled(ui, words, rng, "Language") if rng.random() < 0.5 else ui.text(words.paragraph())
    return [ui.text(product, "strong"), ui.text(words.paragraph()), languages, ui.text(t("Close all other programs before you continue."))]


def _as_dialog(ui: Ui[F], rng: Random, title: str, icon: str, inner: list[F], buttons: F) -> Content[F]:
    """A dialog as a window of its own on the desktop, as a framed panel elsewhere."""
    if ui.platform == "desktop":
        return Content(title=title, parts=(ui.pane(*inner, pad=4), ui.box(buttons, pad=4)), fill=True, chrome="bare", icon=icon)
    return Content(
        title=title,
        parts=(ui.card(*inner, title=title, footer=buttons),),
        chrome="bare",
        icon=icon,
        width=None if ui.room < 900 else rng.choice((52, 60)),
        plain_title=True,
    )


def print_dialog(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    t = words.t
    count = rng.randrange(1, 30)
    group = f"print{rng.randrange(10**9)}"
    chosen = rng.randrange(3)
    beside = rng.random() < 0.5
    printers = ("HP LaserJet 1020", "EPSON ET-2850", "Canon MG3600", "Brother HL-L2350DW", t("Save as PDF"))
    span = [
        ui.radio(t("All pages"), chosen == 0, group),
        ui.radio(t("Current page"), chosen == 1, group),
        ui.row(ui.radio(t("Pages"), chosen == 2, group), ui.box(ui.text_field(t("Pages"), f"1-{count}" if chosen == 2 else ""), width=7), gap=2),
    ]
    copies = ui.field(t("Copies"), ui.stepper(t("Copies"), rng.randrange(1, 9)), beside=beside)
    fields: list[F] = [
        ui.field(t("Paper size"), ui.combo_box(t("Paper size"), ("A4", "A5", "Letter", "Legal")), beside=beside),
        ui.field(t("Orientation"), ui.row(*(ui.radio(name, i == chosen % 2, f"{group}o") for i, name in enumerate((t("Portrait"), t("Landscape")))), gap=4, wrap=True), beside=beside),
        ui.field(t("Color"), ui.combo_box(t("Color"), (t("Color"), t("Black and white"))), beside=beside),
        ui.field(t("Scale"), ui.row(ui.grow(ui.slider(t("Scale"), rng.random())), ui.text(f"{rng.randrange(25, 200, 5)}%", "small"), gap=2), beside=beside),
        ui.checkbox(t("Print on both sides"), rng.random() < 0.5), ui.checkbox(t("Headers and footers"), rng.random() < 0.5), ui.checkbox(t("Background graphics"), rng.random() < 0.4),
        ui.field(t("Margins"), ui.grid(*(ui.stepper(t(name), rng.randrange(5, 30)) for name in ("Left", "Right")), columns=2), beside=beside),
        ui.field(t("Quality"), ui.combo_box(t("Quality"), words.option("Quality"), 1), beside=beside),
    ]  # fmt: skip
    named = rng.random() < 0.6
    who: F = (
        ui.field(
            t("Printer"),
            ui.row(
                ui.grow(ui.combo_box(t("Printer"), printers, rng.randrange(5))), ui.button(t("Properties"), variant="default", size="small"), gap=2
            ),
            beside=False,
        )
        if named
        else ui.list_box(t("Printer"), printers, [rng.randrange(5)])
    )
    pages_ = ui.field(t("Pages"), ui.column(*span, gap=2))
    form = ui.column(
        *notice(ui, words, rng, 0.05),
        who,
        pages_,
        copies,
        *rng.sample(fields, rng.randrange(2, 8)),
        *([ui.link(t("More settings"))] if rng.random() < 0.4 else []),
        gap=3,
    )
    busy = ui.state == "loading"
    preview: list[F] = [
        ui.spinner(3) if busy and rng.random() < 0.5 else ui.row(ui.image("document", rng.choice((20, 24)), rng.choice((14, 16))), justify="center")
    ]
    turn = rng.random()
    if turn < 0.5:
        preview.append(
            ui.row(
                ui.icon_button("chevron-left"),
                ui.text(f"1 / {count}", "small"),
                ui.icon_button("chevron-right"),
                ui.icon_button("zoom-in"),
                gap=2,
                justify="center",
            )
        )
    elif turn < 0.75:
        preview.append(ui.row(ui.pagination(min(count, 4), 1), justify="center"))
    if busy:
        form = ui.column(form, ui.text(t("Printing"), "small"), ui.progress(rng.random(), t("Printing")))
    if ui.room > 600:
        shown = ui.box(ui.column(*preview, gap=3), width=19, pad=3, tint=True)
        order = [shown, ui.grow(form)] if rng.random() < 0.6 else [ui.grow(form), shown]
        body: F = ui.row(*order, gap=5, align="start")
    else:
        body = ui.column(*(preview if rng.random() < 0.5 else []), form, gap=4)
    tabs = [ui.tabs([t("General"), t("Page setup"), t("Job"), t("Advanced")][: 2 if ui.room < 480 else 4], 0)] if rng.random() < 0.4 else []
    buttons = ui.row(
        ui.text(f"{count} {t('pages')}", "muted"),
        ui.grow(),
        ui.button(t("Cancel"), variant="default"),
        ui.button(t("Print"), icon="print" if rng.random() < 0.3 else None, variant="primary", busy=busy),
        gap=2,
    )
    return _as_dialog(ui, rng, t("Print"), "print", [*tabs, body], buttons)


def save_dialog(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    t = words.t
    opening = rng.random() < 0.4
    title = t("Open") if opening else rng.choice((t("Save as"), t("Export")))
    bar = [
        ui.icon_button("arrow-left"),
        ui.icon_button("arrow-right", disabled=True),
        ui.icon_button("arrow-up"),
        ui.grow(ui.breadcrumb([t("Computer"), *distinct(words.title, 2)][: 2 if ui.room < 520 else 3])),
    ]
    bar += [ui.box(ui.search_field(t("Search")), width=10)] if ui.room > 620 and rng.random() < 0.6 else []
    bar.append(ui.icon_button("folder-plus"))
    count = rng.randrange(4, 11)
    names = distinct(lambda: words.file_name() if rng.random() < 0.7 else words.title(), count)
    here = rng.randrange(len(names))
    if ui.state == "loading":
        files: F = waiting(ui, words, rng)
    elif rng.random() < 0.6:
        rows: list[list[F | str]] = [
            [ui.row(ui.icon(file_icon(name) if "." in name else "folder"), ui.text(name), gap=2), words.date(), words.file_size()] for name in names
        ]
        columns = [t("Name"), t("Date modified"), t("Size")]
        files = ui.table(
            columns if ui.room > 480 else columns[:2],
            rows if ui.room > 480 else [row[:2] for row in rows],
            chosen=[here],
            dense=rng.random() < 0.6,
            sorted_by=0,
        )
    elif rng.random() < 0.5:
        files = ui.list_box(t("Files"), names, [here])
    else:
        files = ui.grid(
            *(
                ui.box(
                    ui.column(ui.icon(file_icon(name) if "." in name else "folder", 2.6, "primary"), ui.text(name, "small"), gap=1, align="center"),
                    pad=2,
                    border=i == here,
                    tint=i == here,
                )
                for i, name in enumerate(names)
            ),
            columns=max(2, (ui.room - 220) // 130),
        )
    places: list[F] = []
    if ui.room > 600:
        shortcuts = [
            (t(name), icon)
            for name, icon in (
                ("Desktop", "desktop"),
                ("Documents", "file-text"),
                ("Downloads", "download"),
                ("Pictures", "image"),
                ("Music", "music"),
                ("Network", "network"),
            )
        ]
        if rng.random() < 0.5:
            places = [
                ui.box(
                    ui.tree(
                        (
                            Branch(t("Computer"), "laptop", True, folders(words, rng, False, 1, 4)),
                            *(Branch(*place) for place in shortcuts[: rng.randrange(2, 6)]),
                        ),
                        1,
                    ),
                    width=13,
                    border=True,
                )
            ]
        else:
            places = [
                ui.box(
                    ui.list(
                        *(ui.list_item(name, leading=ui.icon(icon), chosen=i == 1) for i, (name, icon) in enumerate(shortcuts)),
                        framed=rng.random() < 0.5,
                    ),
                    width=12,
                )
            ]
    wrong = ui.state == "error"
    kinds = ["PDF (*.pdf)", "Word (*.docx)", "PNG (*.png)", "CSV (*.csv)", f"{t('All files')} (*.*)"]
    beside = rng.random() < 0.7
    fields = [
        ui.field(t("File name"), ui.text_field(t("File name"), names[here] if not wrong else "a/b", invalid=wrong), error=t("The name holds characters that are not allowed.") if wrong else None, beside=beside),
        ui.field(rng.choice((t("File type"), t("Format"))), ui.combo_box(t("File type"), kinds, rng.randrange(5)), beside=beside),
    ]  # fmt: skip
    extras = [
        labelled(ui, words, rng, "Tags", beside),
        ui.field(t("Quality"), ui.slider(t("Quality"), rng.random()), beside=beside),
        ui.checkbox(t("Protect with a password"), False),
        ui.field(t("Password"), ui.password_field(t("Password"), rng.randrange(9)), beside=beside),
        ui.checkbox(t("Open after saving"), True),
        labelled(ui, words, rng, "Quality", beside),
    ]
    buttons = ui.row(
        *([ui.button(t("Options"), variant="text")] if rng.random() < 0.3 else []),
        ui.grow(),
        ui.button(t("Cancel"), variant="default"),
        ui.button(t("Open") if opening else t("Save"), variant="primary", busy=ui.state == "loading"),
        gap=2,
    )
    middle = [files, *([ui.scroll_bar(0.5, rng.random())] if rng.random() < 0.5 else [])]
    inner = [
        ui.toolbar(*bar) if rng.random() < 0.5 else ui.row(*bar, gap=1),
        ui.row(*places, ui.grow(middle[0]), *middle[1:], gap=3, align="stretch"),
        *fields,
        *(rng.sample(extras, rng.randrange(0, 4)) if not opening else []),
    ]
    return _as_dialog(ui, rng, title, "save", inner, buttons)


# ---- databases -------------------------------------------------------------------------------------------------------------------------------


def database(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    """A console of a database or of servers: objects at the side, a query, its result."""
    t = words.t
    room, small = ui.room, ui.room < 600
    tables = tuple(Branch(name, "table") for name in distinct(words.word, rng.randrange(3, 8)))
    root = (
        Branch(words.user_name(), "database", True, (Branch(t("Tables"), "folder-open", True, tables), Branch(t("Views"), "eye", False, (Branch("v"),)), Branch(t("Functions"), "code", False, (Branch("f"),)))),
        Branch(words.domain(), "server", False, (Branch("s"),)), Branch(words.domain(), "server", False, (Branch("s"),)),
    )[: rng.randrange(1, 4)]  # fmt: skip
    run = [
        ui.button(t("Run"), icon="play", variant="primary", size="small", busy=ui.state == "loading"),
        *(ui.icon_button(name) for name in rng.sample(("save", "stop", "refresh", "download", "undo", "gear", "history"), 2 if small else 4)),
    ]
    if not small:
        run += [
            ui.grow(),
            ui.box(ui.combo_box(t("Database"), ("production", "staging", "test"), rng.randrange(3)), width=9),
            ui.text(t("Limit"), "small"),
            ui.box(ui.stepper(t("Limit"), 100), width=9),
            ui.switch(t("Auto-save"), rng.random() < 0.5),
        ]
    query = [
        f"SELECT {rng.choice(('*', 'id, name', 'count(*)'))}",
        f"FROM {tables[0].label}",
        f"WHERE {rng.choice(('total', 'id', 'price'))} > {rng.randrange(1, 900)}",
        f"ORDER BY {rng.choice(('id', 'name'))} DESC;",
    ][: rng.randrange(2, 5)]
    written = ui.text_area(t("Query"), "\n".join(query), rows=5) if rng.random() < 0.4 else ui.box(ui.code(query), pad=2, border=True)
    if ui.state == "loading":
        result: F = waiting(ui, words, rng)
    elif ui.state == "error" and rng.random() < 0.7:
        result = ui.alert(f"ERROR 42P01: {tables[0].label}", "danger")
    else:
        keys = max(2, min(8, (room if small else room - 230) // 130))
        result = data(ui, words, rng, keys, rng.randrange(5, 14), dense=True, boxes=rng.random() < 0.3)
        if rng.random() < 0.2:
            result = ui.column(ui.chart(rng.choice(("bar", "line", "area", "scatter", "heat")), 12), result)
    found = ui.row(
        status(ui, words, rng),
        ui.grow(ui.text(f"{rng.randrange(1, 900)} {t('rows')}, {rng.randrange(1, 900)} ms", "small")),
        *([ui.pagination(3, 1)] if rng.random() < 0.5 else []),
        gap=3,
        wrap=small,
    )
    names = [t("Data"), t("Structure"), t("Messages"), t("History")][: 3 if small else 4]
    main = ui.column(
        ui.toolbar(*run),
        ui.tabs([f"{t('Query')} {i + 1}" for i in range(rng.randrange(1, 4))], 0, closable=True),
        ui.pane(*notice(ui, words, rng, 0.04), written, ui.tabs(names, 0), result, found, pad=2),
        gap=0,
        fill=True,
    )
    panes: list[F] = [main]
    if not small:
        search = [ui.search_field(t("Filter"))] if rng.random() < 0.5 else []
        saved = [ui.list_box(t("Saved queries"), distinct(words.title, rng.randrange(3, 6)), [0])] if rng.random() < 0.4 else []
        panes.insert(0, ui.box(ui.pane(*search, ui.tree(root, rng.randrange(visible(root))), *saved), width=14, tint=rng.random() < 0.5))
    if room > 980 and rng.random() < 0.35:
        fields = [
            ui.field(t(key), control(ui, words, rng, key))
            for key in rng.sample(
                [key for key in english.FIELDS if key in ("Name", "Type", "Description", "Date", "Priority", "Weight", "Quantity", "Reference")], 4
            )
        ]
        panes.append(
            ui.box(ui.pane(ui.heading(t("Properties"), 5), *fields, ui.button(t("Apply"), variant="primary", size="small"), pad=3), width=16)
        )
    elif rng.random() < 0.4:
        panes.append(ui.scroll_bar(rng.uniform(0.2, 0.7), rng.random()))
    return Content(
        title=t("Query console") if rng.random() < 0.5 else words.domain(),
        parts=(ui.row(*panes, gap=0, align="stretch", fill=True),),
        fill=True,
        icon="database",
    )


FAMILIES = {
    "mail": Family(mail), "document": Family(document), "spreadsheet": Family(spreadsheet), "code_editor": Family(code_editor), "installer": Family(installer, ("desktop",)),
    "print_dialog": Family(print_dialog, ("web", "desktop")), "save_dialog": Family(save_dialog, ("web", "desktop")), "database": Family(database, ("web", "desktop")),
}  # fmt: skip
