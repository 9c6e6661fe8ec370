"""Sections that several families share: fields, filters, table cells, metrics, people, ratings, and what stands there while data is on its way."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Literal, TypeVar, cast

from datagen.content import english, icons
from datagen.content.words import Words
from datagen.pages.ui import Branch, F, Tone, Ui

T = TypeVar("T")
ChartKind = Literal["bar", "line", "area", "pie", "donut", "scatter", "radar", "heat", "gauge"]

# Fields whose control follows from what is typed into them; fields with options are those of datagen.content.english.
DATES = ("Date", "Date of birth", "Start date", "End date", "Due date", "Arrival", "Departure")
COUNTS = {"Quantity": (1, 20), "Age": (18, 90), "Height": (150, 200)}
LONG = ("Description", "Message", "Notes", "Comment", "Biography")
SECRET = ("Password", "Confirm password", "Current password", "New password")
CHOSEN = (*english.OPTIONS, *english.CLDR_FIELDS)
CHARTS: tuple[ChartKind, ...] = ("bar", "line", "area", "pie", "donut", "scatter", "radar", "heat", "gauge")
FILE_ICONS = {
    "pdf": "file-pdf", "docx": "file-text", "xlsx": "file-spreadsheet", "pptx": "presentation", "png": "file-image", "jpg": "file-image", "svg": "file-image",
    "mp4": "file-video", "mp3": "file-music", "zip": "file-zip", "csv": "file-spreadsheet", "txt": "file-text", "md": "file-text",
    "py": "file-code", "js": "file-code", "html": "file-code", "css": "file-code", "json": "file-code",
}  # fmt: skip


def distinct(draw: Callable[[], T], count: int) -> list[T]:
    """Up to `count` different draws: fewer where the source does not have as many."""
    found: dict[T, None] = {}
    for _ in range(20 * count):
        if len(found) == count:
            break
        found[draw()] = None
    return list(found)


def fit(ui: Ui[F], each: float, most: int, least: int = 1) -> int:
    """How many parts of `each` CSS pixels stand side by side in the room."""
    return max(least, min(most, int(ui.room // each)))


def file_icon(name: str) -> str:
    return FILE_ICONS.get(name.rpartition(".")[2], "file")


def options_of(words: Words, key: str, most: int = 8) -> list[str]:
    return list(words.option(key))[:most]


# ---- while data is on its way, or does not come ----------------------------------------------------------------------------------------------


def waiting(ui: Ui[F], words: Words, rng: Random) -> F:
    """A section whose data is being loaded."""
    kind = rng.random()
    if kind < 0.35:
        rows = [ui.row(ui.box(ui.skeleton(2), width=2.4), ui.grow(ui.skeleton(rng.randrange(1, 3))), gap=3) for _ in range(rng.randrange(2, 5))]
        return ui.column(*rows, gap=4)
    if kind < 0.6:
        return ui.skeleton(rng.randrange(3, 8))
    if kind < 0.85:
        return ui.column(
            ui.spinner(rng.choice((1.5, 2, 3))),
            ui.text(words.t("Loading…") if rng.random() < 0.6 else words.t("This may take a moment."), "muted"),
            align="center",
        )
    return ui.column(ui.text(words.t("Loading data"), "small"), ui.progress(rng.random(), words.t("Loading data")), gap=1)


def failed(ui: Ui[F], words: Words, rng: Random) -> F:
    """A section whose data did not come."""
    t = words.t
    if rng.random() < 0.5:
        return ui.row(
            ui.grow(ui.alert(t("Some data could not be loaded."), "danger")),
            ui.button(t("Retry"), icon="refresh" if rng.random() < 0.5 else None),
            gap=2,
        )
    return ui.column(
        ui.icon(rng.choice(("warning", "error", "cloud-off", "wifi-off")), 3, "danger"), ui.heading(t("Something went wrong"), 4), ui.text(words.sentence(), "muted"),
        ui.button(t("Try again"), variant="primary"), align="center", gap=3,
    )  # fmt: skip


def notice(ui: Ui[F], words: Words, rng: Random, often: float = 0.12) -> list[F]:
    """A banner above a page: always where something failed, seldom elsewhere."""
    if ui.state == "error":
        return [ui.alert(words.t(rng.choice([text for text, tone in english.ALERTS if tone == "danger"])), "danger", closable=rng.random() < 0.5)]
    if rng.random() < often:
        content, tone = words.alert()
        return [ui.alert(content, cast(Tone, tone), closable=rng.random() < 0.5)]
    return []


# ---- people, states, ratings -----------------------------------------------------------------------------------------------------------------


def person(ui: Ui[F], words: Words, rng: Random, size: float = 1.9) -> F:
    """A face and its name, perhaps with a line below."""
    who = words.person()
    below = [ui.text(rng.choice((words.email, words.job, words.time))(), "caption")] if rng.random() < 0.4 else []
    return ui.row(ui.avatar(who, size), ui.column(ui.text(who, rng.choice(("normal", "strong", "small"))), *below, gap=0), gap=2)


def faces(ui: Ui[F], words: Words, rng: Random, most: int = 4) -> F:
    """Several people as small avatars."""
    more = [ui.text(f"+{rng.randrange(2, 30)}", "caption")] if rng.random() < 0.3 else []
    return ui.row(*(ui.avatar(words.person(), 1.6) for _ in range(rng.randrange(1, most + 1))), *more, gap=1)


def status(ui: Ui[F], words: Words, rng: Random) -> F:
    content, tone = words.status()
    return ui.badge(content, cast(Tone, tone))


def stars(ui: Ui[F], words: Words, rng: Random, many: bool = True) -> F:
    """A rating: five stars or one, a figure, the number of reviews."""
    given = rng.randrange(2, 6)
    drawn = [ui.icon("star", tone="warning" if i < given else "muted") for i in range(5 if many else 1)]
    tail = [ui.text(f"{given - rng.randrange(0, 10) / 10:.1f}", "small")] if not many or rng.random() < 0.4 else []
    count = (
        [rng.choice((lambda: ui.text(f"({words.count()})", "caption"), lambda: ui.link(f"{words.count()} {words.t('reviews')}")))()]
        if rng.random() < 0.7
        else []
    )
    return ui.row(*drawn, *tail, *count, gap=1)


def change(ui: Ui[F], words: Words, rng: Random) -> F:
    """A difference to before, with or without an arrow."""
    content, up = words.change()
    if rng.random() < 0.4:
        return ui.badge(content, "success" if up else "danger")
    arrow = [ui.icon("trending-up" if up else "trending-down", tone="success" if up else "danger")] if rng.random() < 0.6 else []
    return ui.row(*arrow, ui.text(content, "success" if up else "danger"), gap=1)


# ---- fields ----------------------------------------------------------------------------------------------------------------------------------


def choice(ui: Ui[F], words: Words, rng: Random, name: str, options: Sequence[str]) -> F:
    """One of several options, by the controls that are usual for as many."""
    chosen = rng.randrange(len(options))
    kind = rng.random()
    if kind < 0.4 or len(options) > 9:
        return ui.combo_box(name, options, chosen)
    if kind < 0.65:
        group = f"choice{rng.randrange(10**9)}"
        radios = [ui.radio(option, i == chosen, group) for i, option in enumerate(options[:6])]
        return ui.column(*radios, gap=2) if rng.random() < 0.6 else ui.row(*radios, gap=5, wrap=True)
    if kind < 0.87:
        return ui.list_box(name, options[:6], [chosen])
    return ui.row(*(ui.chip(option, chosen=i == chosen) for i, option in enumerate(options[:6])), gap=2, wrap=True)


def control(ui: Ui[F], words: Words, rng: Random, key: str, invalid: bool | None = None) -> F:
    """The control for the field with this English label."""
    name, filled = words.t(key), rng.random() < 0.6
    if key in SECRET:
        return ui.password_field(name, rng.randrange(6, 15) if filled else 0, invalid=invalid)
    if key in DATES:
        return ui.date_picker(name, words.date(), words.date_iso())
    if key in COUNTS and rng.random() < 0.8:
        return ui.stepper(name, rng.randrange(*COUNTS[key]))
    if key in LONG:
        return ui.text_area(
            name, words.field_value(key) if filled else "", "" if filled or rng.random() < 0.5 else words.sentence(), rows=rng.randrange(2, 6)
        )
    if key in CHOSEN:
        return choice(ui, words, rng, name, words.option(key))
    icon = {
        "Email": "envelope",
        "Phone": "phone",
        "Website": "globe",
        "Location": "location",
        "Card number": "credit-card",
        "Username": "person",
    }.get(key)
    value = words.field_value(key) if filled else ""
    placeholder = words.field_value(key) if not filled and rng.random() < 0.5 else ""
    return ui.text_field(name, value, placeholder, icon=icon if rng.random() < 0.35 else None, invalid=invalid, readonly=rng.random() < 0.03)


def labelled(ui: Ui[F], words: Words, rng: Random, key: str, beside: bool = False, required: bool | None = None) -> F:
    """A field with its name, and what is wrong with it where something is."""
    t = words.t
    wrong = key not in CHOSEN and ui.chance("error", 0.4, 0.02)
    error = None
    if wrong and rng.random() < 0.85:
        error = rng.choice(
            (t("This field is required."), t("Please check this value."), t("This is too short."), t("Only letters and digits are allowed."))
        )
    hint = words.sentence() if not error and rng.random() < 0.12 else None
    return ui.field(t(key), control(ui, words, rng, key, wrong), hint, error, beside, rng.random() < 0.25 if required is None else required)


def field_keys(rng: Random, count: int) -> list[str]:
    """Different fields of a form, about half of them typed into."""
    special = (*DATES, *COUNTS, *LONG, *SECRET[:2], *CHOSEN)
    drawn = (*DATES, *DATES, *COUNTS, *LONG, *LONG, *SECRET[:2], *SECRET[:2], *CHOSEN)
    plain = [key for key in english.PLAIN_FIELDS if key not in special]
    return rng.sample([*rng.sample(plain, count), *distinct(lambda: rng.choice(drawn), count)], count)


def filters(ui: Ui[F], words: Words, rng: Random, count: int) -> list[F]:
    """Groups of filters for a side column, each under its name."""
    t = words.t
    kinds = rng.sample(
        (
            "boxes",
            "boxes",
            "radios",
            "price",
            "slider",
            "list",
            "chips",
            "rating",
            "switches",
            "date",
            "search",
            "month",
            "tree",
            "tree",
            "count",
            "list",
            "list",
            "price",
            "slider",
            "switches",
            "date",
        ),
        count,
    )
    groups: list[F] = []
    for key, kind in zip(rng.sample(sorted(english.OPTIONS), count), kinds, strict=True):
        name, options = t(key), options_of(words, key, rng.randrange(4, 8))
        if kind == "boxes":
            counted = rng.random() < 0.5
            boxes = [ui.checkbox(option, ui.chance("selected", 0.6, 0.25)) for option in options]
            inner = [ui.row(ui.grow(box), ui.text(str(rng.randrange(1, 900)), "caption"), gap=2) if counted else box for box in boxes]
            if rng.random() < 0.4:
                inner.append(ui.link(t("Show more")))
        elif kind == "radios":
            group, chosen = f"filter{rng.randrange(10**9)}", rng.randrange(len(options))
            inner = [ui.radio(option, i == chosen, group) for i, option in enumerate(options)]
        elif kind == "price":
            name = t("Price")
            ends = (
                [ui.text(words.price(), "small"), ui.text(words.price(), "small")]
                if rng.random() < 0.6
                else [ui.text_field(t(end), words.price()) for end in ("From", "To")]
            )
            inner = [ui.slider(name, rng.random()), ui.row(*ends, gap=3, justify="between")]
        elif kind == "slider":
            name = rng.choice((t("Distance"), t("Duration"), t("Budget"), t("Weight")))
            inner = [ui.row(ui.grow(ui.slider(name, rng.random())), ui.text(str(rng.randrange(1, 100)), "small"), gap=3)]
        elif kind == "list":
            inner = [ui.list_box(name, options, [rng.randrange(len(options))])]
        elif kind == "chips":
            inner = [ui.row(*(ui.chip(option, chosen=ui.chance("selected", 0.5, 0.2)) for option in options), gap=2, wrap=True)]
        elif kind == "rating":
            name, group, chosen = t("Rating"), f"filter{rng.randrange(10**9)}", rng.randrange(1, 5)
            inner = []
            for given in range(4, 0, -1):
                drawn = (ui.icon("star", tone="warning" if i < given else "muted") for i in range(5))
                inner.append(ui.row(ui.radio(f"{given}+", given == chosen, group, show_label=False), *drawn, gap=1))
        elif kind == "switches":
            inner = [
                ui.row(ui.grow(ui.text(setting)), ui.switch(setting, rng.random() < 0.5), gap=2)
                for setting in distinct(words.tag, rng.randrange(2, 4))
            ]
        elif kind == "date":
            name = t("Date")
            inner = [
                ui.field(t(end), ui.date_picker(t(end), words.date(), words.date_iso()))
                for end in (("From", "To") if rng.random() < 0.6 else ("From",))
            ]
        elif kind == "tree":
            inner = [tree(ui, words, rng, files=False, count=rng.randrange(3, 5))]
        elif kind == "count":
            inner = [ui.field(t(key), ui.stepper(t(key), rng.randrange(1, 20))) for key in rng.sample(sorted(COUNTS), rng.randrange(1, 3))]
        elif kind == "month":
            name = t("Date")
            inner = [month(ui, words, rng)]
        else:
            inner = [ui.search_field(t("Search")), *(ui.checkbox(option, rng.random() < 0.3) for option in options[:4])]
        groups.append(ui.column(ui.heading(name, rng.choice((5, 6))) if rng.random() < 0.7 else ui.text(name, "strong"), *inner, gap=2))
    return groups


def month(ui: Ui[F], words: Words, rng: Random, title: str | None = None) -> F:
    """A month to pick a day from."""
    title = title or f"{words.month()} {rng.randrange(2023, 2028)}"
    return ui.calendar(title, [day[:2] for day in words.option("Day")], rng.randrange(7), rng.choice((28, 30, 31, 31)), rng.randrange(1, 29))


# ---- figures ---------------------------------------------------------------------------------------------------------------------------------


def metric(ui: Ui[F], words: Words, rng: Random, look: int) -> F:
    """A card with one figure; `look` is 0 to 4, the same for the cards of one row."""
    t = words.t
    name, value = t(words.metric()), rng.choice((words.count, words.price, words.percent))()
    if ui.state == "loading" and rng.random() < 0.6:
        return ui.card(ui.text(name, "muted"), ui.skeleton(1))
    title, figure = ui.text(name, rng.choice(("muted", "small", "caption"))), ui.heading(value, rng.choice((2, 3)))
    chosen = ui.chance("selected", 0.2, 0.01)
    if look == 0:
        return ui.card(title, figure, change(ui, words, rng), chosen=chosen)
    if look == 1:
        return ui.card(ui.row(ui.icon(rng.choice(icons.concepts("thing")), 1.8, "primary"), ui.column(title, figure, gap=0), gap=3), chosen=chosen)
    if look == 2:
        return ui.card(
            title,
            ui.row(figure, change(ui, words, rng), gap=2, wrap=True),
            ui.chart(rng.choice(("line", "area", "bar")), rng.choice((3, 4))),
            chosen=chosen,
        )
    if look == 3:
        return ui.card(ui.row(ui.grow(title), ui.text(words.percent(), "small"), gap=2), figure, ui.progress(rng.random(), name), chosen=chosen)
    return ui.card(
        ui.row(ui.grow(title), ui.icon_button("more"), gap=1), figure, ui.text(f"{t('Last month')}: {words.count()}", "caption"), chosen=chosen
    )


def metrics(ui: Ui[F], words: Words, rng: Random) -> F:
    """A row of figures."""
    columns = fit(ui, 200, 5, 2)
    look = rng.randrange(5 if ui.room > 500 else 2)
    return ui.grid(*(metric(ui, words, rng, look) for _ in range(columns * (1 if rng.random() < 0.8 else 2))), columns=columns)


def chart_card(ui: Ui[F], words: Words, rng: Random, height: float = 14) -> F:
    """A chart with its title and, often, a period to choose, a legend or a way on."""
    t = words.t
    kind = rng.choice(CHARTS)
    drawn = waiting(ui, words, rng) if ui.state == "loading" and rng.random() < 0.6 else ui.chart(kind, height)
    title = t(rng.choice((words.metric, words.section))())
    draw = rng.random()
    if draw < 0.35:
        end = ui.box(ui.combo_box(t("Period"), words.option("Period"), rng.randrange(4)), width=9) if rng.random() < 0.5 else ui.icon_button("more")
        parts = [ui.row(ui.grow(ui.heading(title, 5)), end, gap=2), drawn]
    elif draw < 0.5:
        chosen = rng.randrange(3)
        scale = ui.button_group(
            *(ui.button(t(name), size="small", variant="default", pressed=i == chosen) for i, name in enumerate(("Day", "Week", "Month")))
        )
        parts = [ui.row(ui.grow(ui.heading(title, 5)), scale, gap=2, wrap=True), drawn]
    else:
        parts = [drawn]
    if rng.random() < 0.25:
        parts.append(
            ui.row(
                *(ui.row(ui.icon("dot", tone=tone), ui.text(words.tag(), "small"), gap=1) for tone in ("primary", "success", "warning")),
                gap=4,
                wrap=True,
            )
        )
    footer = ui.link(t("View report")) if rng.random() < 0.2 else None
    return ui.card(*parts, title=title if draw >= 0.5 else None, footer=footer)


def transfer(ui: Ui[F], words: Words, rng: Random) -> F:
    """Two lists between which entries are moved: what there is, and what was taken."""
    t = words.t
    names = distinct(words.tag, rng.randrange(6, 11))
    taken = rng.randrange(1, len(names) - 2)
    left = ui.list_box(t("Available"), names[taken:][:7], [rng.randrange(2)])
    right = ui.list_box(t("Selected"), names[:taken][:7], [0] if rng.random() < 0.5 else [])
    if ui.room < 480:
        return ui.column(
            ui.field(t("Available"), left),
            ui.row(ui.icon_button("chevron-down"), ui.icon_button("chevron-up"), justify="center"),
            ui.field(t("Selected"), right),
        )
    ways = [ui.icon_button(name, variant="default") for name in ("chevrons-right", "chevron-right", "chevron-left", "chevrons-left")]
    middle = ui.box(ui.column(*(ways if rng.random() < 0.5 else ways[1:3]), gap=1), width=3)
    width = min(16.0, (ui.room - 100) / 36)
    return ui.row(ui.box(ui.field(t("Available"), left), width=width), middle, ui.box(ui.field(t("Selected"), right), width=width), gap=3)


def switches(ui: Ui[F], words: Words, rng: Random, count: int) -> F:
    """Settings that are on or off, each in its line."""
    return ui.list(
        *(ui.list_item(name, about if rng.random() < 0.3 else None, trailing=ui.switch(name, rng.random() < 0.5)) for name, about in distinct(words.setting, count)), framed=False,
    )  # fmt: skip


# ---- lists, cells, trees ---------------------------------------------------------------------------------------------------------------------


def activity(ui: Ui[F], words: Words, rng: Random, count: int) -> F:
    """Who did what, and when."""
    items = []
    with_icons = rng.random() < 0.3
    for _ in range(count):
        leading = ui.icon(rng.choice(icons.concepts("action")), 1.3, "primary") if with_icons else ui.avatar(words.person(), 2)
        items.append(
            ui.list_item(
                words.person(),
                words.title() if rng.random() < 0.7 else words.sentence(),
                leading,
                meta=words.time(),
                chosen=ui.chance("selected", 0.2, 0.01),
            )
        )
    return ui.list(*items, framed=rng.random() < 0.4)


def shares(ui: Ui[F], words: Words, rng: Random, count: int) -> F:
    """Named shares as bars."""
    rows = []
    for name in distinct(words.tag, count):
        share = rng.random()
        rows.append(ui.column(ui.row(ui.grow(ui.text(name)), ui.text(f"{share:.0%}", "muted"), gap=2), ui.progress(share, name), gap=1))
    return ui.column(*rows, gap=3)


def pages(ui: Ui[F], words: Words, rng: Random) -> F:
    """What stands under a long table or list: how much of it is shown, and the ways to the rest."""
    t = words.t
    count, here = rng.randrange(3, 4 if ui.room < 500 else 8), rng.randrange(1, 4)
    if rng.random() < 0.12:
        return ui.row(ui.button(t("Load more"), wide=False), justify="center")
    parts: list[F] = []
    if ui.room > 560:
        low = rng.randrange(0, 200, 10)
        parts.append(ui.text(f"{low + 1}–{low + 10} {t('of')} {rng.randrange(low + 10, 900)}", "muted"))
        if rng.random() < 0.4:
            parts += [
                ui.text(t("Rows per page"), "small"),
                ui.box(ui.combo_box(t("Rows per page"), ("10", "25", "50", "100"), rng.randrange(4)), width=6.5),
            ]
    return ui.row(*parts, ui.pagination(count, here), gap=3, justify="between" if parts else "center", wrap=True)


def cell(ui: Ui[F], words: Words, rng: Random, key: str) -> F | str:
    """What stands in a table below the column with this English name."""
    made: dict[str, Callable[[], F | str]] = {
        "Name": lambda: rng.choice((words.person, words.title))(), "Status": lambda: ui.switch(words.t("Active"), words.rng.random() < 0.6) if rng.random() < 0.3 else status(ui, words, rng), "Date": words.date, "Amount": words.price, "Email": words.email,
        "Role": words.job, "Type": lambda: rng.choice(words.option("Type")), "Size": words.file_size, "Modified": words.date, "Owner": lambda: person(ui, words, rng),
        "Customer": words.person, "Product": words.product, "Price": words.price, "Quantity": lambda: ui.box(ui.stepper(words.t("Quantity"), words.rng.randrange(1, 20)), width=9) if rng.random() < 0.35 else words.count(), "Total": words.price,
        "Category": lambda: ui.chip(words.tag()), "Created": words.date, "Due date": words.date, "Priority": lambda: status(ui, words, rng),
        "Assignee": lambda: faces(ui, words, rng, 3), "Country": words.country, "City": words.city, "Phone": words.phone, "Company": words.company,
        "Description": lambda: words.words(rng.randrange(3, 8)), "Score": lambda: str(rng.randrange(1, 101)), "Progress": lambda: ui.box(ui.progress(rng.random()), width=6),
        "Order": lambda: ui.link(f"#{rng.randrange(1000, 99999)}"), "Invoice": lambda: ui.link(f"INV-{rng.randrange(1000, 9999)}"), "Subject": words.title,
        "Sender": words.person, "Duration": words.duration, "Location": words.city, "Version": lambda: f"{rng.randrange(1, 9)}.{rng.randrange(20)}.{rng.randrange(9)}",
        "Rating": lambda: stars(ui, words, rng, False), "Stock": lambda: ui.box(ui.stepper(words.t("Stock"), words.rng.randrange(99)), width=9) if rng.random() < 0.3 else words.count(),
        "Discount": words.percent, "Actions": lambda: actions(ui, words, rng),
    }  # fmt: skip
    return made[key]()


def actions(ui: Ui[F], words: Words, rng: Random) -> F:
    """What can be done with a row."""
    kind = rng.random()
    if kind < 0.3:
        return ui.icon_button(rng.choice(("more", "three-dots")))
    if kind < 0.6:
        return ui.row(
            *(ui.icon_button(name) for name in rng.sample(("edit", "trash", "eye", "copy", "download", "share"), rng.randrange(1, 4))), gap=1
        )
    if kind < 0.8:
        return ui.button(words.t(rng.choice(("Edit", "Review", "Manage", "Open"))), size="small", variant=rng.choice(("default", "text")))
    return ui.link(words.t(rng.choice(("Edit", "Preview", "See details"))))


ALIKE = frozenset({"Name", "Actions", "Status", "Quantity", "Stock"})
NUMERIC = frozenset({"Amount", "Size", "Price", "Quantity", "Total", "Score", "Stock", "Discount"})


def data(ui: Ui[F], words: Words, rng: Random, columns: int, rows: int, first: str | None = None, boxes: bool = False, dense: bool = False) -> F:
    """A table of drawn columns; `first` names the first one, `boxes` puts a checkbox before each row."""
    keys = rng.sample([key for key in english.COLUMNS if key not in ("Actions", first)], columns)
    if first:
        keys[0] = first
    if columns > 3 and rng.random() < 0.5:
        keys[-1] = "Actions"
    # One way of showing things for a whole column, as one program has it.
    seeds = {key: rng.randrange(10**9) for key in keys}
    body: list[list[F | str]] = []
    chosen: list[int] = []
    for i in range(rows):
        line: list[F | str] = []
        for key in keys:
            value = cell(ui, words, Random(seeds[key]) if key in ALIKE else rng, key)
            line.append(value)
        if ui.chance("selected", 0.35, 0.03):
            chosen.append(i)
        if boxes:
            line.insert(0, ui.checkbox(words.t("Select"), i in chosen, show_label=False))
        body.append(line)
    shift = 1 if boxes else 0
    names = [words.t(key) for key in keys]
    return ui.table(
        [words.t("Select"), *names] if boxes else names, body, chosen=chosen, numeric=[i + shift for i, key in enumerate(keys) if key in NUMERIC],
        sorted_by=rng.randrange(columns) + shift if rng.random() < 0.5 else None, dense=dense, grid_lines=rng.random() < 0.25,
    )  # fmt: skip


def folders(words: Words, rng: Random, files: bool = True, depth: int = 2, count: int = 4) -> tuple[Branch, ...]:
    """A tree of folders and files; about half of the folders are open."""
    made = []
    for _ in range(rng.randrange(2, count + 1)):
        if depth and rng.random() < 0.65:
            open_ = rng.random() < 0.55
            name = words.t(words.destination()) if rng.random() < 0.4 else words.word()
            made.append(Branch(name, "folder-open" if open_ else "folder", open_, folders(words, rng, files, depth - 1, count)))
        elif files:
            name = words.file_name()
            made.append(Branch(name, file_icon(name)))
        else:
            made.append(Branch(words.title(), "folder"))
    return tuple(made)


def visible(branches: Sequence[Branch]) -> int:
    """How many nodes of a tree are in view."""
    return sum(1 + (visible(branch.children) if branch.open else 0) for branch in branches)


def tree(ui: Ui[F], words: Words, rng: Random, files: bool = True, count: int = 4) -> F:
    """A tree with one node chosen."""
    branches = folders(words, rng, files, count=count)
    return ui.tree(branches, rng.randrange(visible(branches)) if rng.random() < 0.8 else -1)


def toggles(ui: Ui[F], names: Sequence[str], rng: Random, chosen: int | None = None) -> F:
    """Joined buttons of which one is pressed."""
    chosen = rng.randrange(len(names)) if chosen is None else chosen
    return ui.button_group(*(ui.button(name, size="small", variant="default", pressed=i == chosen) for i, name in enumerate(names)))
