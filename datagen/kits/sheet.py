"""A specimen sheet: every widget of the vocabulary as one kit draws it, with its boxes. What to look at while a kit is being written.

python -m datagen.kits.sheet bulma --theme dark --out bulma-dark.png

The sheet says what the audit cannot: a control that the kit's style sheet leaves bare, a text one cannot read, a box beside its control. Each column stands
for a page of its own width; what floats above pages (dialogs, drawers, toasts) is shown in frames that stand for windows. `--plain` draws no boxes,
`--seed` makes the kit's other draws (variants, sizes), `--locale` shows other scripts and directions. Kits that Chromium renders only.
"""

import argparse
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, cast

from contracts.errors import InputError, run_command
from datagen.kits import kit

if TYPE_CHECKING:
    from contracts.annotation import Screen
    from datagen.browser import Browser
    from datagen.pages import Page
    from datagen.pages.html import HtmlUi, Variant
    from datagen.pages.ui import Entry, Tone

WIDTH, HEIGHT = 1440, 2500
_COLUMN = (WIDTH - 4 * 16) // 3
MIN_VISIBLE = 0.3


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m datagen.kits.sheet", description="Draw every widget of a kit on one picture.")
    parser.add_argument("kit", help="name of the kit, for example bootstrap")
    parser.add_argument("--theme", help="one of its themes (default: its first)")
    parser.add_argument("--out", type=Path, default=Path("kit-sheet.png"), help="PNG to write (default: kit-sheet.png)")
    parser.add_argument("--seed", type=int, default=0, help="for what the kit draws by lot (default: 0)")
    parser.add_argument("--locale", default="en", help="language of the words (default: en)")
    parser.add_argument("--plain", action="store_true", help="draw no boxes")
    options = parser.parse_args()
    from contracts.files import replacing
    from datagen.browser import Browser
    from datagen.preview import draw

    page = specimen_page(options.kit, options.theme, options.seed, options.locale)
    with Browser() as browser:
        screen, png = render(browser, page, options.seed)
    with replacing(options.out) as temporary:
        draw(screen, png, boxes=not options.plain).save(temporary, format="PNG")
    classes = {element.class_name for element in screen.elements}
    print(f"{page.kit} in {page.theme}: {len(screen.elements)} elements of {len(classes)} classes on {options.out}.")


def specimen_page(name: str, theme: str | None = None, seed: int = 0, locale: str = "en") -> "Page":
    """The sheet of a kit as a page, for a window of WIDTH x HEIGHT CSS pixels. InputError for a kit or theme that does not exist, or that is not HTML."""
    from datagen.content import icons
    from datagen.content.words import Words
    from datagen.pages import Page
    from datagen.pages.ui import Setting

    own = kit(name)
    theme = theme or next(iter(own.themes))
    if theme not in own.themes:
        raise InputError(f"is no theme of {name}.", field="--theme", found=theme, fix=f"Its themes are {', '.join(own.themes)}.")
    if own.engine != "chromium":
        raise InputError("is not rendered by Chromium.", field="kit", found=name, fix="Look at it with `python -m datagen.preview`.")
    rng = Random(f"{seed}/{name}/sheet")
    setting = Setting(
        theme=theme,
        dark=own.themes[theme].dark,
        platform=own.platform,
        width=_COLUMN,
        height=520,
        state="plain",
        locale=locale,
        icon_set=list(icons.ICON_SETS)[seed % len(icons.ICON_SETS)],
        words=Words(Random(f"{seed}/words"), locale),
        rng=rng,
    )
    ui = own.ui_class()(setting)
    body = specimen(ui)
    return Page(
        kit=name,
        theme=theme,
        body=body,
        body_class=f"{own.body_class} {'s-dark' if setting.dark else ''}".strip(),
        locale=locale,
        attributes=ui.page_attributes(),
    )


def render(browser: "Browser", page: "Page", seed: int = 0) -> "tuple[Screen, bytes]":
    """The sheet's labels and its PNG."""
    from contracts.annotation import Screen
    from datagen.screens import generator, to_element

    browser.show(page, WIDTH, HEIGHT, 1.0)
    elements = tuple(to_element(entry, 1.0, WIDTH, HEIGHT) for entry in browser.annotate(MIN_VISIBLE))
    screen = Screen(
        key="sheet",
        width=WIDTH,
        height=HEIGHT,
        device_scale=1.0,
        platform=cast(Any, kit(page.kit).platform),
        kit=page.kit,
        family="sheet",
        locale=page.locale,
        theme=page.theme,
        state="plain",
        seed=seed,
        generator=generator(browser.version),
        elements=elements,
    )
    return screen, browser.png()


def specimen(ui: "HtmlUi") -> str:
    """Every widget of the vocabulary, in three columns, as the body of a page."""
    from datagen.pages.html import div

    def page(*parts: str) -> str:
        return div("s-page s-g4", *parts, style="min-height:0")

    # What floats stands outside the page's own element, as it does in real pages.
    around = div("s-col s-g4", page(*_around(ui)), *_above(ui), style=f"width:{_COLUMN}px;flex:none")
    columns = (div("s-col", page(*part), style=f"width:{_COLUMN}px;flex:none") for part in (_controls(ui), _content(ui)))
    end = [ui.box(ui.search_field("Search"), width=11), ui.icon_button("bell", badge="3", disabled=False), ui.avatar("Ada Byron")]
    bar = ui.navigation_bar("Acme", ["Home", "Orders", "Reports"], 1, end, "home")
    floating = ui.floating_tooltip("What it does", "spinner")
    return div("", page(bar), div("s-row s-g4 s-ai-start", *columns, around, style="padding:16px"), style=f"width:{WIDTH}px") + floating


def _controls(ui: "HtmlUi") -> list[str]:
    from datagen.pages.ui import Entry

    variants: tuple[Variant, ...] = ("default", "primary", "danger", "text")
    return [
        ui.row(*(ui.button(name.title(), variant=name, disabled=False) for name in variants), gap=2, wrap=True),
        ui.row(*(ui.button(size.title(), "plus", "primary", size, disabled=False) for size in ("small", "normal", "large")), gap=2, wrap=True),
        ui.row(
            ui.button("Off", variant="primary", disabled=True),
            ui.button("Pressed", variant="default", pressed=True, disabled=False),
            ui.button("Busy", variant="primary", busy=True, disabled=False),
            gap=2,
            wrap=True,
        ),
        ui.button("As wide as its place", variant="primary", wide=True, disabled=False),
        ui.row(
            *(ui.icon_button("gear", variant=variant, disabled=False) for variant in ("plain", "default", "primary")),
            ui.icon_button("bell", badge="12", disabled=False),
            ui.icon_button("heart", pressed=True, disabled=False),
            gap=2,
        ),
        ui.button_group(*(ui.button(name, variant="default", disabled=False) for name in ("Day", "Week", "Month"))),
        ui.field("Email", ui.text_field("Email", "ada@example.com", disabled=False, invalid=False), hint="We never show it."),
        ui.field("Name", ui.text_field("Name", "", "Given and family name", icon="person", disabled=False, invalid=False), required=True),
        ui.field("City", ui.text_field("City", "Lond", disabled=False, invalid=True), error="There is no such city."),
        ui.field("Code", ui.text_field("Code", "A-113", disabled=True, invalid=False), beside=True),
        ui.field("Password", ui.password_field("Password", 9, disabled=False, invalid=False)),
        ui.search_field("Search", "engines"),
        ui.field("Notes", ui.text_area("Notes", "Two lines\nof notes", disabled=False)),
        ui.row(
            ui.grow(ui.combo_box("Country", ["Greece", "Japan"], 1, disabled=False)),
            ui.grow(ui.combo_box("Off", ["Closed"], 0, disabled=True)),
            gap=3,
        ),
        ui.list_box("Sizes", ["Small", "Medium", "Large"], [1]),
        ui.row(
            ui.checkbox("Off", False, False),
            ui.checkbox("On", True, False),
            ui.checkbox("Mixed", None, False),
            ui.checkbox("Disabled", True, True),
            gap=4,
        ),
        ui.row(ui.radio("One", True, "sheet", False), ui.radio("Two", False, "sheet", False), ui.radio("Disabled", False, "sheet", True), gap=4),
        ui.row(
            ui.checkbox("Bare", True, False, show_label=False),
            ui.radio("Bare", True, "bare", False, show_label=False),
            ui.switch("Bare", True, False),
            ui.switch("Bare", False, False),
            ui.switch("Named", True, False, show_label=True),
            ui.switch("Disabled", True, True, show_label=True),
            gap=4,
        ),
        ui.slider("Volume", 0.4),
        ui.row(ui.stepper("Amount", 3), ui.stepper("Amount", 12), ui.stepper("Amount", 7), gap=3, wrap=True),
        ui.row(ui.grow(ui.date_picker("From", "3 May 2024", "2024-05-03")), ui.grow(ui.date_picker("Until", "9 May 2024", "2024-05-09")), gap=3),
        ui.calendar("May 2024", ["M", "T", "W", "T", "F", "S", "S"], 2, 31, 9),
        ui.menu(
            [
                Entry("Cut", "cut", None, "Ctrl+X"),
                Entry("Copy", "copy", None, "Ctrl+C"),
                None,
                Entry("Paste", "paste", None, "Ctrl+V", disabled=True),
                Entry("Rename", "edit"),
            ],
            1,
        ),
    ]


def _content(ui: "HtmlUi") -> list[str]:
    tones: tuple[Tone, ...] = ("primary", "success", "warning", "danger", "info", "neutral")
    rows: list[list[str]] = [
        ["Bolt M6", "120", ui.badge("In stock", "success")],
        ["Nut M6", "48", ui.badge("Low", "warning")],
        ["Washer", "0", ui.badge("Sold out", "danger")],
    ]
    return [
        *(ui.heading(f"Heading {level}", level) for level in range(1, 7)),
        ui.row(ui.text("Normal"), *(ui.text(tone.title(), tone) for tone in ("muted", "strong", "small", "caption", "code")), gap=3, wrap=True),
        ui.row(*(ui.text(tone.title(), tone) for tone in tones), gap=3, wrap=True),
        ui.row(ui.link("A link"), ui.link("With an icon", "link"), ui.icon("star"), ui.icon("heart", 1.5, "danger"), gap=3),
        ui.table(["Part", "Count", "State"], rows, numeric=[1], chosen=[1], sorted_by=0),
        ui.table(["Part", "Count"], [["Bolt", "120"], ["Nut", "48"]], dense=True, grid_lines=True, numeric=[1]),
        ui.list(
            ui.list_item("Ada Byron", "Sent you a file", ui.avatar("Ada Byron", picture=False), ui.icon("chevron-right"), meta="09:41"),
            ui.list_item("Alan Turing", "Is typing", ui.avatar("Alan Turing", picture=True), ui.badge("2"), chosen=True),
            ui.list_item("Grace Hopper"),
        ),
        ui.list(ui.list_item("A plain list"), ui.list_item("without a frame", trailing=ui.icon_button("more", disabled=False)), framed=False),
        ui.grid(
            ui.card(ui.text("A card with a title and a footer."), title="Title", footer=ui.button("Open", variant="text", disabled=False)),
            ui.card(ui.text("A chosen card."), media=ui.image("landscape", 4), chosen=True),
            columns=2,
        ),
        ui.row(*(ui.badge(tone.title(), tone) for tone in tones), gap=2, wrap=True),
        ui.row(ui.chip("Chip"), ui.chip("Chosen", chosen=True), ui.chip("Removable", removable=True), ui.chip("Icon", icon="star"), gap=2, wrap=True),
        ui.progress(0.6, "Done"),
        ui.progress(0.3, "Done"),
        ui.row(ui.spinner(), ui.spinner(1), ui.avatar("Mary Shelley", 3), ui.grow(ui.skeleton(2)), gap=3),
        ui.divider(),
        *(ui.alert(f"This is {tone}.", tone, closable=tone == "info") for tone in ("info", "success", "warning", "danger")),
        ui.code(["def area(r):", "    return 3.14 * r * r"], marked=1),
        ui.video_player(9, "A film", 0.3),
        ui.chart("bar", 8),
        ui.box(ui.text("A tinted, framed box"), pad=3, tint=True, border=True),
        ui.footer(ui.text("© Acme", "caption")),
    ]


def _around(ui: "HtmlUi") -> list[str]:
    from datagen.pages.html import div
    from datagen.pages.ui import Branch

    tree = [Branch("src", "folder", True, (Branch("main.py", "file"), Branch("docs", "folder", False, (Branch("x"),)))), Branch("README", "file")]
    bars = {
        "menu_bar": ui.menu_bar(["File", "Edit"]),
        "toolbar": ui.toolbar(ui.icon_button("save", disabled=False)),
        "status_bar": ui.status_bar(ui.text("1:1")),
    }
    sides = [
        ui.sidebar(_entries(), 1, head=ui.text("Acme", "strong")),
        ui.sidebar(_entries(), 1, narrow=True),
        ui.tree(tree, 1),
        ui.scroll_bar(0.4, 0.3),
    ]
    return [
        ui.tabs(["Overview", "Details", "History"], 1),
        ui.tabs(["main.py", "test.py"], 0, ["file", None], closable=True),
        ui.breadcrumb(["Home", "Orders", "Order 7"]),
        ui.pagination(4, 2),
        ui.page_dots(4, 1),
        ui.steps(["Cart", "Address", "Pay"], 1),
        ui.app_bar("Inbox", True, [ui.icon_button("search", disabled=False)]),
        ui.bottom_navigation(_entries(), 1),
        div("s-row s-g3 s-ai-stretch", *sides, style="height:230px"),
        ui.menu_bar(["File", "Edit", "View"], 1),
        ui.toolbar(*(ui.icon_button(name, disabled=False) for name in ("save", "undo", "redo", "print"))),
        ui.scroll_bar(0.3, 0.5, vertical=False),
        ui.status_bar(ui.text("Ready"), ui.text("UTF-8")),
        ui.phone_status_bar("09:41", 80),
        div("", ui.window("Untitled", ui.pane(ui.text("Content")), icon="file", **bars), style="height:190px"),
    ]


def _above(ui: "HtmlUi") -> list[str]:
    from datagen.pages.html import div

    buttons = [ui.button("Cancel", variant="default", disabled=False), ui.button("Delete", variant="danger", disabled=False)]
    reason = ui.text_field("Why", "", "Reason", disabled=False, invalid=False)
    parts = {
        ui.dialog("Delete the order?", ui.text("It cannot be brought back."), reason, actions=buttons): 320,
        ui.sheet("Share", ui.list(ui.list_item("Copy link"), ui.list_item("Send"), framed=False)): 200,
        ui.drawer(_entries(), 0): 220,
        ui.toast("The order was sent.", "success", "Undo"): 110,
        ui.toast("No connection.", "danger"): 90,
        ui.floating_button("plus"): 100,
    }
    # A transformed box holds even what is fixed to the window, and so stands for one.
    frame = "position:relative;transform:translate(0);overflow:hidden;border:1px solid #8888;flex:none"
    return [div("", part, style=f"{frame};height:{height}px") for part, height in parts.items()]


def _entries() -> "list[Entry]":
    from datagen.pages.ui import Entry

    return [Entry("Home", "home"), Entry("Orders", "cart", "7"), Entry("People", "people"), Entry("Settings", "gear")]


if __name__ == "__main__":
    run_command(main)
