"""The page families: what stands in the middle of a page of each kind, as a column of sections drawn at random.

A family is a function `(rng, width) -> (title, sections)`; `width` is the room for the content in CSS pixels. There are more sections than
fit: the window cuts the page where it ends, as windows do.
"""

from collections.abc import Callable
from html import escape
from random import Random

from datagen.pages import sections, words
from datagen.pages.widgets import (
    avatar,
    button,
    check_row,
    combo_box,
    date_picker,
    div,
    heading,
    icon,
    icon_button,
    link,
    list_box,
    picture,
    slider,
    stepper,
    switch,
    tag,
    text,
    text_area,
    text_field,
)  # fmt: skip

Family = Callable[[Random, int], tuple[str, list[str]]]


# ---- form ------------------------------------------------------------------------------------------------------------------------------------


def _labelled(rng: Random, label: str, control: str, beside: bool) -> str:
    """A field under or beside its label, sometimes with a word of help."""
    name = tag("label", escape(label), c="text", cls="form-label mb-1" if not beside else "col-form-label")
    under = div("", text(rng.choice(words.SENTENCES), "form-text")) if rng.random() < 0.08 else ""
    if beside:
        return div("row mb-2", div("col-4", name), div("col-8", control, under))
    return div("mb-2", name, control, under)


def _field(rng: Random, beside: bool) -> str:
    """Any one field."""
    draw = rng.random()
    label = rng.choice(words.PLAIN_FIELDS)
    if draw < 0.42:
        control = text_field(rng, label)
    elif draw < 0.62:
        label = rng.choice(tuple(words.OPTIONS))
        control = combo_box(rng, label)
    elif draw < 0.70:
        label = rng.choice(("Password", "New password", "PIN"))
        control = text_field(rng, label, "password")
    elif draw < 0.78:
        label = rng.choice(("Date", "Birthday", "Start", "Due date", "Arrival"))
        control = date_picker(rng, label)
    elif draw < 0.86:
        label = rng.choice(("Quantity", "Guests", "Seats", "Age", "Copies"))
        control = stepper(rng, label)
    elif draw < 0.91:
        label = rng.choice(("Budget", "Volume", "Distance", "Brightness", "Price range"))
        control = slider(rng, label)
    elif draw < 0.95:
        label = rng.choice(("Message", "Notes", "Description", "Comment"))
        control = text_area(rng, label)
    else:
        label = rng.choice(("Plan", "Role", "Priority", "Size"))
        control = list_box(rng, label)
    return _labelled(rng, label, control, beside)


def _fields(rng: Random, width: int) -> str:
    beside = rng.random() < 0.25
    count = 1 if beside or width < 340 else 2
    parts = "".join(
        sections.columns(*(_field(rng, beside) for _ in range(count)), count=count).replace("mb-3", "mb-0", 1) for _ in range(rng.randrange(2, 4))
    )
    return div("mb-2", heading(rng.choice(words.SECTION_TITLES), 4, "h6 mb-2") if rng.random() < 0.7 else "", parts)


def _choices(rng: Random, width: int) -> str:
    kind = rng.choice(("checkbox", "radio", "radio", "switch"))
    inline = rng.random() < 0.4
    if kind == "radio":
        title = rng.choice(("Plan", "Role", "Priority", "Size", "Shipping", "Frequency", "Density", "Category"))
        labels = list(words.OPTIONS[title])[:4]
    else:
        title = rng.choice(words.SECTION_TITLES)
        labels = [name for name, _ in rng.sample(words.SETTINGS, rng.randrange(2, 4))]
    chosen = rng.randrange(len(labels))
    group = f"group{rng.randrange(10**6)}"
    rows = [check_row(rng, label, kind, i == chosen if kind == "radio" else None, group, inline) for i, label in enumerate(labels)]
    return div("mb-3", div("mb-1", text(title, "fw-semibold")), *rows)


def form(rng: Random, width: int) -> tuple[str, list[str]]:
    middle: list[Callable[[], str]] = [
        lambda: _fields(rng, width),
        lambda: _fields(rng, width),
        lambda: _choices(rng, width),
        lambda: _choices(rng, width),
    ]
    parts = [make() for make in rng.sample(middle, rng.randrange(2, 5))]
    if rng.random() < 0.25:
        parts.insert(0, _steps(rng))
    if rng.random() < 0.2:
        parts.insert(rng.randrange(len(parts)), sections.alert(rng))
    if rng.random() < 0.5:
        parts.insert(min(len(parts), 2), check_row(rng, rng.choice(("I agree to the terms", "Keep me signed in", "Send me news"))))
    actions = [button(rng, disabled=False) for _ in range(rng.randrange(1, 3))] + ([link("Forgot password?")] if rng.random() < 0.3 else [])
    parts.insert(rng.randrange(2, len(parts) + 1), div(f"d-flex align-items-center gap-2 mb-3 {rng.choice(('', 'justify-content-end'))}", *actions))
    if rng.random() < 0.35:
        parts = [sections.card(*parts, head=rng.choice((None, rng.choice(words.SECTION_TITLES))), cls="mb-3")]
    elif rng.random() < 0.3 and width > 420:
        aside = sections.card(
            heading(rng.choice(words.SECTION_TITLES), 5, "h6"), text(words.sentences(rng, 2), "small", "p"), sections.record_list(rng, 2)
        )
        parts = [div("row", div("col-8", *parts), div("col-4", aside))]
    return rng.choice(words.FORM_TITLES), parts


def _steps(rng: Random) -> str:
    """Where one is in a form of several pages."""
    here = rng.randrange(3)
    names = rng.sample(words.SECTION_TITLES[:11], 3)
    parts = []
    for i, name in enumerate(names):
        mark = icon("check-circle-fill" if i < here else f"{i + 1}-circle", f"me-1 {'text-primary' if i <= here else 'text-body-secondary'}")
        parts.append(div("d-flex align-items-center", mark, text(name, "small " + ("fw-bold" if i == here else ""))))
    return div("d-flex justify-content-between mb-3", *parts)


# ---- table -----------------------------------------------------------------------------------------------------------------------------------


def table(rng: Random, width: int) -> tuple[str, list[str]]:
    parts = []
    if rng.random() < 0.35:
        parts.append(sections.tab_bar(rng, tuple(rng.sample(("All", "Open", "Closed", "Mine", "Drafts", "Archived"), rng.randrange(2, 5)))))
    if rng.random() < 0.8:
        parts.append(sections.toolbar(rng))
    if rng.random() < 0.25:
        parts.append(sections.chips(rng))
    if rng.random() < 0.12:
        parts.append(sections.alert(rng))
    rows = rng.choice((3, 4, 5, 6, 7))
    content = sections.data_table(rng, width, rows)
    below = div(
        "d-flex align-items-center justify-content-between", text(f"1–{rows} of {rng.randrange(rows + 1, 900)}", "small"), sections.pagination(rng)
    )
    parts.append(sections.card(content, below) if rng.random() < 0.3 else content + below)
    if rng.random() < 0.6:
        parts.append(sections.data_table(rng, width, 3) if rng.random() < 0.3 else sections.record_list(rng, 3))
    return rng.choice(words.DESTINATIONS), parts


# ---- dashboard -------------------------------------------------------------------------------------------------------------------------------


def dashboard(rng: Random, width: int) -> tuple[str, list[str]]:
    across = max(1, min(4, width // 150))
    half = 2 if width > 380 else 1
    makers: list[Callable[[], str]] = [
        lambda: sections.columns(*(sections.metric_card(rng) for _ in range(across)), count=across),
        lambda: sections.columns(*(sections.chart_card(rng, rng.choice((5, 6, 8))) for _ in range(half)), count=half),
        lambda: sections.columns(*(sections.media_card(rng) for _ in range(min(3, across))), count=min(3, across)),
        lambda: sections.columns(
            *[sections.card(heading(rng.choice(words.SECTION_TITLES), 5, "h6"), sections.record_list(rng, 3)), sections.chart_card(rng, 8)][:half],
            count=half,
        ),
        lambda: sections.card(heading(rng.choice(words.SECTION_TITLES), 5, "h6"), sections.data_table(rng, width, 3), cls="mb-3"),
        lambda: sections.alert(rng),
        lambda: div("mb-3", picture(rng, 7, "w-100 rounded")),
        lambda: sections.chart_card(rng, 7).replace("h-100", "mb-3", 1),
        lambda: sections.toolbar(rng),
    ]
    parts = [make() for make in rng.sample(makers, rng.randrange(3, 6))]
    if rng.random() < 0.5:
        parts.insert(0, makers[0]())
    return rng.choice(
        ("Overview", "Dashboard", f"Welcome back, {rng.choice(words.FIRST_NAMES)}", "Performance", "Analytics", words.title(rng))
    ), parts


# ---- settings --------------------------------------------------------------------------------------------------------------------------------


def _setting_rows(rng: Random) -> str:
    """Name and explanation at the left, the control at the right."""
    makers: list[Callable[[str], str]] = [
        lambda name: div("form-check form-switch", switch(rng, name)), lambda name: div("form-check form-switch", switch(rng, name)),
        lambda name: combo_box(rng, None, "w-auto form-select-sm"), lambda name: button(rng, cls="btn-sm"), lambda name: icon_button(rng, "pencil"),
        lambda name: div("", slider(rng, name), style="width:7em"), lambda name: icon("chevron-right"),
    ]  # fmt: skip
    framed = rng.random() < 0.6
    icons = rng.random() < 0.5
    rows = []
    for name, explanation in rng.sample(words.SETTINGS, rng.randrange(3, 6)):
        under = div("", text(explanation, "small text-body-secondary")) if rng.random() < 0.6 else ""
        inner = (icon(rng.choice(words.THING_ICONS), "fs-5") if icons else "") + div("me-auto", div("", text(name)), under) + rng.choice(makers)(name)
        rows.append(
            tag("li", inner, c="list_item", cls="list-group-item d-flex align-items-center gap-2 py-2" + ("" if framed else " border-0 px-0"))
        )
    return tag("ul", *rows, c="list", cls="list-group mb-3")


def _profile(rng: Random) -> str:
    who = words.person(rng)
    lines = div("me-auto", div("", text(who, "fw-semibold")), div("", text(words.email(rng), "small text-body-secondary")))
    return div("d-flex align-items-center gap-3 mb-3", avatar(rng, who, 3), lines, button(rng, rng.choice(("Edit", "Upload", "Share")), cls="btn-sm"))


def settings(rng: Random, width: int) -> tuple[str, list[str]]:
    def titled(content: str) -> str:
        return div("", heading(rng.choice(words.SETTING_GROUPS), 4, "h6 mb-2"), content)

    makers: list[Callable[[], str]] = [
        lambda: titled(_setting_rows(rng)), lambda: titled(_setting_rows(rng)), lambda: _profile(rng), lambda: titled(_choices(rng, width)),
        lambda: _fields(rng, width), lambda: sections.card(_setting_rows(rng), head=rng.choice(words.SETTING_GROUPS), cls="mb-3"), lambda: titled(sections.tree(rng)),
        lambda: sections.card(_choices(rng, width), foot=div("d-flex gap-2", button(rng, cls="btn-sm"), button(rng, cls="btn-sm")), cls="mb-3"),
        lambda: titled(sections.chips(rng)),
    ]  # fmt: skip
    parts = [make() for make in rng.sample(makers, rng.randrange(3, 5))]
    if rng.random() < 0.55:
        parts.insert(0, sections.tab_bar(rng, tuple(rng.sample(words.SETTING_GROUPS, 4 if width > 460 else 3))))
    if rng.random() < 0.15:
        parts.insert(1, sections.alert(rng))
    return rng.choice(("Settings", "Preferences", "Account", "Options", "Configuration")), parts


FAMILIES: dict[str, Family] = {"form": form, "table": table, "dashboard": dashboard, "settings": settings}
