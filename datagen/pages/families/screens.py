"""Screens with little on them, one thing at a time: a welcome, a message, a picture, a player, a few knobs, a moment to pick, something to write."""

from collections.abc import Callable
from random import Random

from datagen.content import icons
from datagen.content.words import Words
from datagen.pages.families import Family
from datagen.pages.families.sections import CHARTS, distinct, month, shares, tree
from datagen.pages.shell import Content
from datagen.pages.ui import F, Ui

PICTURES = ("photo", "photo", "photo", "photo", "landscape", "city", "mesh", "illustration", "poster", "food")


def _choices(ui: Ui[F], words: Words, rng: Random) -> list[F]:
    """One to three large buttons, one below another."""
    t = words.t
    names = rng.sample(
        ("Sign in", "Sign up", "Get started", "Continue", "Not now", "Skip", "Learn more", "Next", "Done", "Allow"), rng.randrange(1, 4)
    )
    kinds = ("primary", rng.choice(("default", "text")), "text")
    return [
        ui.button(t(name), variant=kind, wide=True, size="large" if rng.random() < 0.5 else "normal")
        for name, kind in zip(names, kinds, strict=False)
    ]


def welcome(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    """The first screen of a product: its name, a picture, a sentence, the way in."""
    t = words.t
    tall = max(16, ui.setting.height / 18)
    name = ui.heading(words.brand() if rng.random() < 0.5 else words.title(), 1)
    said = [ui.text(words.sentences(rng.randrange(1, 3)), rng.choice(("normal", "muted")))] if rng.random() < 0.85 else []
    dots = [ui.page_dots(rng.randrange(3, 8), rng.randrange(3))] if rng.random() < 0.9 else []
    foot = [ui.row(ui.text(t("No account yet?"), "small"), ui.link(t("Sign up")), gap=2, justify="center")] if rng.random() < 0.3 else []
    if ui.platform == "mobile" and rng.random() < 0.35:
        # A picture behind everything: what stands on it has a ground of its own, since no text can be read on every picture.
        panel = ui.card(ui.column(name, *said, *dots, *_choices(ui, words, rng), *foot, gap=4))
        place = ui.place(
            (0.06, rng.choice((0.3, 0.45, 0.55)), ui.box(panel, width=ui.setting.width * 0.86 / 16)), back=ui.image(rng.choice(PICTURES), tall)
        )
        return Content(title=t("Welcome"), parts=(place,), fill=True, chrome="bare", icon="sparkles", plain_title=True)
    art = rng.random()
    picture = (
        [ui.image(rng.choice(PICTURES), tall * rng.choice((0.3, 0.4, 0.5)))] if art < 0.6
        else [ui.row(ui.icon(rng.choice(icons.concepts("thing")), rng.choice((4, 6, 8)), "primary"), justify="center")] if art < 0.85 else []
    )  # fmt: skip
    space = ui.box(height=tall * rng.choice((0.03, 0.08, 0.15)))
    head = [name, *said] if rng.random() < 0.5 else [ui.column(name, *said, gap=3, align="center")]
    order = [*picture, space, *head] if rng.random() < 0.6 else [*head, space, *picture]
    below = [*dots, *_choices(ui, words, rng), *foot]
    rng.shuffle(below)
    return Content(
        title=t("Welcome"),
        parts=(ui.column(*order, space, *below, gap=4),),
        chrome="bare",
        icon="sparkles",
        width=rng.choice((22, 26, 32)),
        plain_title=True,
    )


def message(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    """One thing said, and what can be done about it."""
    t = words.t
    space = ui.box(height=max(2, ui.setting.height / 18 * rng.choice((0.05, 0.12, 0.22))))
    head: list[F] = []
    if rng.random() < 0.7:
        concept = rng.choice(("check-circle", "bell", "location", "envelope", "lock", "download", "info", "warning", "camera", "wifi-off"))
        head.append(ui.icon(concept, rng.choice((3, 4.5, 6)), rng.choice(("primary", "muted", "success"))))
    elif rng.random() < 0.5:
        head.append(ui.image(rng.choice(PICTURES), rng.choice((8, 11)), rng.choice((12, 16))))
    head += [ui.heading(words.question() if rng.random() < 0.4 else words.title(), rng.choice((1, 2))), ui.text(words.sentences(rng.randrange(1, 4)))]
    if rng.random() < 0.3:
        head.append(ui.page_dots(rng.randrange(3, 6), rng.randrange(3)))
    if rng.random() < 0.3:
        head.append(ui.progress(rng.random(), t("Download")))
    if rng.random() < 0.25:
        head.append(ui.text_field(t("Email"), words.email() if rng.random() < 0.5 else "", t("Email")))
    return Content(
        title=words.title(), parts=(ui.column(space, ui.column(*head, gap=3, align="center"), space, *_choices(ui, words, rng), gap=4),),
        chrome="bare" if rng.random() < 0.6 else "app", icon="info", width=rng.choice((22, 26, 32)), plain_title=True,
    )  # fmt: skip


def picture(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    """A picture as large as the window, with what one does to it."""
    back = ui.image(rng.choice(("photo", "photo", "landscape", "portrait", "city", "food", "poster", "screenshot")), max(14, ui.setting.height / 18))
    names = rng.sample(("share", "heart", "trash", "edit", "info", "download", "crop", "more", "camera", "flash-on", "refresh"), rng.randrange(2, 5))
    tools = ui.box(ui.row(*(ui.icon_button(name) for name in names), gap=3), pad=2, tint=True)
    parts = [(0.04, 0.03, ui.icon_button("close" if rng.random() < 0.5 else "arrow-left", variant="default")), (rng.choice((0.06, 0.3)), 0.9, tools)]
    if rng.random() < 0.5:
        parts.append((0.06, 0.72, ui.card(ui.text(words.person(), "strong"), ui.text(words.sentence(), "small"))))
    if rng.random() < 0.7:
        parts.append((0.45, 0.84, ui.page_dots(rng.randrange(2, 6), rng.randrange(2))))
    return Content(
        title=words.t("Photos"),
        parts=(ui.place(*parts, back=back),),
        fill=True,
        chrome="bare" if rng.random() < 0.7 else "app",
        icon="image",
        plain_title=True,
    )


def playback(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    """A film or a channel: the player, what is said about it, what comes next."""
    t = words.t
    height = min(ui.setting.height * 0.5, ui.room * 0.56) / 16
    many = rng.random() < 0.45
    parts: list[F] = []
    for _ in range(rng.randrange(2, 4) if many else 1):
        title = words.title()
        parts += [
            ui.video_player(height * (0.6 if many else 1), title, rng.random()),
            ui.heading(title, rng.choice((2, 3, 4))),
            ui.text(f"{words.person()} · {words.date()}", "muted"),
        ]
    if rng.random() < 0.5:
        parts.append(ui.text(words.sentences(rng.randrange(1, 4))))
    if not many and rng.random() < 0.5:
        parts.append(ui.row(ui.icon_button(rng.choice(("volume", "volume-low"))), ui.grow(ui.slider(t("Volume"), rng.random())), gap=2))
    if rng.random() < 0.6:
        rows = [ui.list_item(words.title(), words.duration(), ui.image(rng.choice(PICTURES), 3, 5, rounded=True)) for _ in range(rng.randrange(2, 5))]
        parts.append(ui.list(*rows, framed=False))
    return Content(title=words.title(), parts=tuple(parts), icon="video", width=rng.choice((None, 48)), plain_title=True)


def adjustments(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    """Sound, picture and print: what is set by sliders, steppers, lists and switches."""
    t = words.t
    beside = ui.room > 420

    def slider(name: str) -> F:
        figure = [ui.text(f"{rng.randrange(0, 101)}%", "small")] if rng.random() < 0.5 else []
        ends = [ui.icon("volume-low"), ui.icon("volume-up")] if name == "Volume" and rng.random() < 0.6 else []
        return ui.field(t(name), ui.row(*ends[:1], ui.grow(ui.slider(t(name), rng.random())), *ends[1:], *figure, gap=2), beside=beside)

    makers: dict[str, Callable[[], F]] = {
        "slider": lambda: slider(rng.choice(("Volume", "Brightness", "Balance", "Quality", "Text size", "Temperature", "Width", "Height"))),
        "stepper": lambda: ui.field(t(name := rng.choice(("Copies", "Width", "Height", "Text size"))), ui.stepper(t(name), rng.randrange(1, 200)), beside=beside),
        "switch": lambda: ui.row(ui.grow(ui.text(name := words.setting()[0])), ui.switch(name, rng.random() < 0.6), gap=3),
        "list": lambda: ui.field(t(name := rng.choice(("Language", "Time zone", "Country"))), ui.list_box(t(name), words.option(name)[: rng.randrange(3, 7)], [rng.randrange(3)])),
        "combo": lambda: ui.field(t("Output"), ui.combo_box(t("Output"), (t("Printer"), t("Camera"), words.product())), beside=beside),
        "radio": lambda: _radios(ui, words, rng), "check": lambda: ui.checkbox(words.setting()[0], rng.random() < 0.5),
    }  # fmt: skip
    kinds = ("slider", "slider", "slider", "stepper", "stepper", "switch", "switch", "switch", "switch", "list", "list", "combo", "radio", "check")
    groups = []
    for _ in range(rng.randrange(1, 4)):
        rows = [makers[kind]() for kind in rng.sample(kinds, rng.randrange(2, 5))]
        title = t(words.section())
        groups.append(ui.card(*rows, title=title) if rng.random() < 0.35 else ui.column(ui.heading(title, rng.choice((3, 4))), *rows, gap=3))
    if rng.random() < 0.5:
        groups.append(ui.row(ui.button(t("Reset"), variant="default"), ui.button(t("Apply"), variant="primary"), gap=2, justify="end"))
    return Content(title=t("Preferences"), parts=tuple(groups), icon="sliders", width=rng.choice((None, 34, 42)), plain_title=rng.random() < 0.4)


def _radios(ui: Ui[F], words: Words, rng: Random) -> F:
    group, chosen = f"adjust{rng.randrange(10**9)}", rng.randrange(2)
    return ui.column(*(ui.radio(words.tag(), i == chosen, group) for i in range(rng.randrange(2, 4))), gap=2)


def date_and_time(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    """When something is to happen."""
    t = words.t
    parts: list[F] = [month(ui, words, rng)] if rng.random() < 0.6 else []
    fields = rng.sample(("Date", "Start date", "End date", "Due date"), rng.randrange(1 if parts else 2, 3))
    parts += [ui.field(t(name), ui.date_picker(t(name), words.date(), words.date_iso())) for name in fields]
    if rng.random() < 0.5:
        parts.append(
            ui.field(
                t("Time"),
                ui.row(
                    ui.box(ui.stepper(t("Time"), rng.randrange(24)), width=9),
                    ui.text(":"),
                    ui.box(ui.stepper(t("Time"), rng.randrange(0, 60, 5)), width=9),
                    gap=2,
                ),
            )
        )
    if rng.random() < 0.5:
        parts.append(ui.field(t("Time zone"), ui.list_box(t("Time zone"), words.option("Time zone")[: rng.randrange(3, 7)], [rng.randrange(3)])))
    elif rng.random() < 0.5:
        parts.append(ui.row(*(ui.chip(words.time(), i == 1) for i in range(rng.randrange(3, 7))), gap=2, wrap=True))
    if rng.random() < 0.3:
        parts.append(ui.row(ui.grow(ui.text(t("Notifications"))), ui.switch(t("Notifications"), rng.random() < 0.6), gap=2))
    parts.append(
        ui.row(ui.button(t("Cancel"), variant="default"), ui.button(t("Done"), variant="primary"), gap=2, justify=rng.choice(("start", "end")))
    )
    return Content(
        title=t("Date"),
        parts=tuple(parts),
        chrome="bare" if rng.random() < 0.4 else "app",
        icon="calendar",
        width=rng.choice((22, 28, 36)),
        plain_title=rng.random() < 0.5,
    )


def writing(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    """Something to write: a message, a note, a review, a question to the support."""
    t = words.t
    parts: list[F] = []
    for key in rng.sample(("To", "Subject", "Title", "Name", "Email"), rng.randrange(0, 3)):
        value = words.title() if rng.random() < 0.6 else ""
        parts.append(ui.field(t(key), ui.text_field(t(key), value), beside=ui.room > 420 and rng.random() < 0.4))
    if rng.random() < 0.3:
        parts.append(ui.row(*(ui.icon_button("star") for _ in range(5)), gap=1))
    for name in rng.sample(("Message", "Comment", "Description", "Notes"), rng.choice((1, 1, 2))):
        area = ui.text_area(t(name), words.sentences(rng.randrange(1, 4)) if rng.random() < 0.6 else "", t(name), rng.randrange(4, 10))
        parts.append(ui.field(t(name), area) if rng.random() < 0.6 else area)
    if rng.random() < 0.4:
        parts.append(ui.checkbox(words.setting()[0], rng.random() < 0.5))
    actions = [
        ui.button(t(rng.choice(("Send", "Save", "Done"))), variant="primary", wide=ui.room < 420),
        *([ui.button(t(rng.choice(("Cancel", "Save draft"))), variant="default")] if rng.random() < 0.5 else []),
    ]
    parts.append(ui.column(*actions) if ui.room < 420 else ui.row(*actions, gap=2))
    return Content(
        title=t(rng.choice(("Message", "Review", "Comment", "Notes"))),
        parts=tuple(parts),
        icon="edit",
        width=rng.choice((None, 36)),
        plain_title=rng.random() < 0.4,
    )


def explorer(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    """A tree, and what the chosen node holds."""
    t = words.t
    nodes = tree(ui, words, rng, files=rng.random() < 0.5, count=5)
    if ui.room < 620 or rng.random() < 0.2:
        return Content(title=t("Files"), parts=((ui.card(nodes) if rng.random() < 0.3 else nodes),), icon="folder", plain_title=rng.random() < 0.5)
    facts = distinct(lambda: t(words.field_label()), rng.randrange(3, 7))
    kind = rng.random()
    if kind < 0.4:
        detail = ui.column(ui.heading(words.title(), 3), *(ui.field(name, ui.text_field(name, words.word()), beside=True) for name in facts), gap=3)
    elif kind < 0.7:
        detail = ui.table([t("Name"), t("Type")], [[name, words.tag()] for name in facts], dense=rng.random() < 0.5)
    else:
        detail = ui.column(ui.heading(words.title(), 3), ui.text(words.paragraph()), ui.image("illustration", 10), gap=3)
    left = ui.box(ui.pane(nodes, pad=2), width=rng.choice((13, 16, 19)), border=rng.random() < 0.5)
    bar = [ui.scroll_bar(rng.uniform(0.3, 0.8), rng.random())] if rng.random() < 0.5 else []
    return Content(
        title=t("Explorer"), parts=(ui.row(left, *bar, ui.pane(detail, pad=4), gap=0, align="stretch", fill=True),), fill=True, icon="folder"
    )


def report(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    """Charts and figures with what they mean."""
    t = words.t
    parts: list[F] = [ui.text(words.sentences(rng.randrange(1, 4)))] if rng.random() < 0.6 else []
    columns = 1 if ui.room < 700 or rng.random() < 0.4 else 2
    charts = []
    for _ in range(columns * rng.randrange(1, 3)):
        drawn = ui.chart(rng.choice(CHARTS), rng.choice((9, 12, 15)))
        charts.append(ui.card(drawn, title=t(words.metric())) if rng.random() < 0.4 else ui.column(ui.heading(t(words.metric()), 4), drawn, gap=2))
    parts.append(ui.grid(*charts, columns=columns, gap=5))
    if rng.random() < 0.95:
        names = ["Name", *rng.sample(("Amount", "Total", "Score", "Quantity"), 1 if ui.room < 420 else rng.randrange(1, 4))]
        rows: list[list[F | str]] = [
            [words.title(), *(rng.choice((words.count, words.percent))() for _ in names[1:])] for _ in range(rng.randrange(2, 7))
        ]
        table = [ui.table([t(name) for name in names], rows, numeric=range(1, len(names)), dense=rng.random() < 0.3)]
        if rng.random() < 0.7:
            table.insert(rng.randrange(2), ui.pagination(rng.randrange(3, 6), rng.randrange(1, 4)))
        parts.insert(rng.randrange(len(parts) + 1), ui.column(*table, gap=3))
    if rng.random() < 0.35:
        parts.insert(rng.randrange(2), shares(ui, words, rng, rng.randrange(2, 5)))
    if rng.random() < 0.4:
        parts.append(ui.text(words.paragraph()))
    return Content(title=t("Reports") if rng.random() < 0.4 else words.title(), parts=tuple(parts), icon="trending-up", width=rng.choice((None, 48)))


def secret(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    """A new password, or the old one asked for again."""
    t, wrong = words.t, ui.state == "error"
    names = rng.choice(
        (
            ("Password",),
            ("Current password", "New password"),
            ("New password", "Confirm password"),
            ("Current password", "New password", "Confirm password"),
        )
    )
    fields = [ui.field(t(name), ui.password_field(t(name), rng.choice((0, rng.randrange(6, 16))), invalid=wrong or None)) for name in names]
    if rng.random() < 0.6:
        fields.append(ui.progress(rng.random(), t("Password")))
    if rng.random() < 0.4:
        fields.append(ui.checkbox(words.setting()[0], rng.random() < 0.5))
    said = [ui.text(words.sentence(), "muted")] if rng.random() < 0.5 else []
    actions = [ui.button(t("Save"), variant="primary", wide=ui.room < 420), *([ui.link(t("Forgot password?"))] if rng.random() < 0.5 else [])]
    return Content(
        title=t("Password"), parts=(ui.column(*said, *fields, *actions, gap=4),), chrome="bare" if rng.random() < 0.3 else "app", icon="lock",
        width=rng.choice((24, 30)), plain_title=rng.random() < 0.3,
    )  # fmt: skip


def picker(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    """One or several of many, in a list that is in view."""
    t = words.t
    name = rng.choice(("Country", "Language", "Time zone", "Category", "Files"))
    options = distinct(words.file_name, 10) if name == "Files" else list(words.option(name))[:12] if name != "Category" else distinct(words.tag, 9)
    shown = options[: rng.randrange(4, 11)]
    search = [ui.search_field(t("Search"))] if rng.random() < 0.4 else []
    chosen = rng.sample(range(len(shown)), min(len(shown), rng.choice((1, 1, 1, 2))))
    first = ui.column(
        *search, ui.field(t(name), ui.list_box(t(name), shown, chosen)) if rng.random() < 0.6 else ui.list_box(t(name), shown, chosen), gap=2
    )
    if ui.room > 480 and rng.random() < 0.4:
        between = ui.column(ui.icon_button("chevron-right", variant="default"), ui.icon_button("chevron-left", variant="default"))
        second = ui.list_box(t("Selected"), options[-rng.randrange(1, 5) :], [])
        body = ui.row(ui.grow(first), between, ui.grow(second), gap=3)
    else:
        body = first
    actions = ui.row(ui.button(t("Cancel"), variant="default"), ui.button(t("Apply"), variant="primary"), gap=2, justify="end")
    said = [ui.text(words.sentence(), "muted")] if rng.random() < 0.4 else []
    return Content(title=t(name), parts=(*said, body, actions), icon="check", width=rng.choice((26, 34, 42)), plain_title=rng.random() < 0.3)


def _opening(ui: Ui[F], words: Words, rng: Random, space: F) -> list[F]:
    """A product that is starting."""
    sign = ui.image("logo", 7, 7) if rng.random() < 0.5 else ui.icon(rng.choice(icons.concepts("thing")), rng.choice((5, 7)), "primary")
    said = [ui.text(words.sentence(), "muted")] if rng.random() < 0.5 else []
    wait = [ui.spinner(rng.choice((1.5, 2.5)))] if rng.random() < 0.4 else [ui.progress(rng.random())] if rng.random() < 0.4 else []
    return [space, ui.column(sign, ui.heading(words.brand(), 1), *said, gap=3, align="center"), *([ui.column(*wait, align="center")] if wait else [])]


def _code(ui: Ui[F], words: Words, rng: Random, space: F) -> list[F]:
    """A code to type that was sent somewhere."""
    t, length = words.t, rng.choice((4, 4, 6))
    boxes = [ui.text_field(t("Code"), str(rng.randrange(10)) if i < rng.randrange(length + 1) else "") for i in range(length)]
    return [
        space,
        ui.heading(words.title(), 1),
        ui.text(f"{words.sentence()} {words.phone()}"),
        ui.grid(*boxes, columns=length, gap=2),
        ui.button(t("Continue"), variant="primary", wide=True),
    ]


def _question(ui: Ui[F], words: Words, rng: Random, space: F) -> list[F]:
    """A question with its answers, one of several."""
    picture = [ui.image(rng.choice(PICTURES), rng.choice((9, 13)))] if rng.random() < 0.5 else []
    answers = [
        ui.button(words.words(rng.randrange(1, 4)), variant="default", wide=True, size=rng.choice(("normal", "large")))
        for _ in range(rng.randrange(2, 5))
    ]
    return [ui.progress(rng.random()), *picture, ui.heading(words.question(), 2), space, *answers]


def _figure(ui: Ui[F], words: Words, rng: Random, space: F) -> list[F]:
    """One figure: a clock, a balance, a score."""
    t = words.t
    buttons = [ui.icon_button(name, variant=kind) for name, kind in (("pause", "default"), ("play", "primary"), ("refresh", "default"))]
    foot = (
        ui.row(*buttons[: rng.randrange(1, 4)], gap=6, justify="center")
        if rng.random() < 0.5
        else ui.button(t(rng.choice(("Continue", "Done"))), variant="primary", wide=True)
    )
    return [
        space,
        ui.column(
            ui.text(t(words.metric()), "muted"),
            ui.heading(rng.choice((words.time, words.price, words.count, words.percent))(), 1),
            gap=2,
            align="center",
        ),
        space,
        foot,
    ]


def _story(ui: Ui[F], words: Words, rng: Random, space: F) -> list[F]:
    """A picture across the window, and a few words under it."""
    said = [ui.text(words.sentences(rng.randrange(1, 4)))] if rng.random() < 0.8 else []
    more = [ui.button(words.t("Read more"), variant="primary", wide=rng.random() < 0.5)] if rng.random() < 0.5 else []
    more += [ui.page_dots(rng.randrange(3, 7), rng.randrange(3))] if rng.random() < 0.5 else []
    return [
        ui.image(rng.choice(PICTURES), ui.setting.height / 18 * rng.choice((0.35, 0.5, 0.65))),
        ui.heading(words.title(), rng.choice((1, 2))),
        *said,
        *more,
    ]


def _rows(ui: Ui[F], words: Words, rng: Random, space: F) -> list[F]:
    """A few large rows with pictures."""
    tall = rng.choice((5, 7, 9))
    cards = [
        ui.card(
            ui.heading(words.title(), 3),
            *([ui.text(words.sentence(), "muted")] if rng.random() < 0.6 else []),
            media=ui.image(rng.choice(PICTURES), tall + 3),
        )
        for _ in range(3)
    ]
    if rng.random() < 0.5:
        return list(cards)
    return [
        ui.list(
            *(
                ui.list_item(words.title(), words.words(3) if rng.random() < 0.6 else None, ui.image(rng.choice(PICTURES), tall * 0.6, tall * 0.6))
                for _ in range(rng.randrange(3, 8))
            ),
            framed=False,
        )
    ]


def moment(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    """A screen of a phone that has one purpose, seen for a moment."""
    space = ui.box(height=ui.setting.height / 18 * rng.choice((0.05, 0.12, 0.2)))
    make = rng.choice((_opening, _code, _question, _figure, _story, _story, _rows, _rows))
    parts = make(ui, words, rng, space)
    return Content(title=words.title(), parts=tuple(parts), chrome="bare" if rng.random() < 0.6 else "app", icon="sparkles", plain_title=True)


FAMILIES = {
    "moment": Family(moment, ("mobile",), 8), "welcome": Family(welcome, ("web", "mobile"), 5), "message": Family(message, turns=4), "picture": Family(picture, ("web", "mobile"), 4), "playback": Family(playback, turns=8),
    "adjustments": Family(adjustments, turns=4), "date_and_time": Family(date_and_time, turns=5), "writing": Family(writing, turns=7), "explorer": Family(explorer, turns=12), "report": Family(report, turns=8), "secret": Family(secret, turns=4),
    "picker": Family(picker, turns=6),
}  # fmt: skip
