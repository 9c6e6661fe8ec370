"""What stands around a page: bars, panels, windows, and what floats above it. `frame` puts a family's content into the shell of its platform."""

from dataclasses import dataclass, field
from random import Random
from typing import Any, Generic, Literal

from datagen.content import icons
from datagen.content.words import Words
from datagen.pages.ui import Entry, F, Ui


@dataclass(frozen=True, kw_only=True)
class Content(Generic[F]):
    """What a family makes. `parts` stand below one another; with `fill` they fill the window's height (editors, maps) and the page does not scroll.

    `chrome`: "app" has the bars of its platform, "bare" stands alone (sign-in, onboarding). `side` replaces the generic side panel, `tools` are the page's own
    actions (fragments) for its toolbar or header, `width` limits the content's width in em.
    """

    title: str
    parts: tuple[F, ...]
    fill: bool = False
    chrome: Literal["app", "bare"] = "app"
    side: F | None = None
    tools: tuple[F, ...] = ()
    icon: str | None = None
    width: float | None = None
    plain_title: bool = False


@dataclass(frozen=True, kw_only=True)
class Frame(Generic[F]):
    """A page before it is assembled by its engine: `bars` stand above the middle, `side` before and `main` in it, `feet` below; `over` floats above.
    `bare`: without the bars of its platform."""

    bars: tuple[F, ...] = ()
    side: F | None = None
    main: tuple[F, ...] = ()
    feet: tuple[F, ...] = ()
    over: tuple[F, ...] = ()
    fill: bool = False
    window: bool = False
    bare: bool = False
    width: float | None = None
    classes: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)


def destinations(words: Words, rng: Random, count: int) -> list[Entry]:
    """Distinct places to go, with their icons."""
    names: list[str] = []
    while len(names) < count:
        name = words.destination()
        if name not in names:
            names.append(name)
    return [Entry(words.t(name), icons.TERM_ICONS.get(name, "circle"), str(rng.randrange(1, 60)) if rng.random() < 0.1 else None) for name in names]


def _labels(entries: list[Entry], rng: Random) -> list[Entry]:
    """The same destinations, in some panels without icons."""
    return entries if rng.random() < 0.6 else [entry._replace(icon=None) for entry in entries]


def commands(words: Words, rng: Random, count: int, shortcuts: bool = False) -> list[Entry | None]:
    """Menu entries, with a separator here and there."""
    entries: list[Entry | None] = []
    with_icons = rng.random() < 0.4
    seen: set[str] = set()
    while sum(entry is not None for entry in entries) < count:
        name = words.command()
        if name in seen:
            continue
        seen.add(name)
        if entries and rng.random() < 0.15:
            entries.append(None)
        shortcut = f"{rng.choice(('Ctrl', 'Ctrl+Shift', 'Alt'))}+{rng.choice('ABDEFGHKLNOPQRSTVWXZ')}" if shortcuts and rng.random() < 0.6 else None
        entries.append(Entry(words.t(name), icons.TERM_ICONS.get(name) if with_icons else None, None, shortcut, rng.random() < 0.08))
    return entries


def over(ui: Ui[F], words: Words, rng: Random) -> tuple[F, ...]:
    """What floats above the page in the state that it is in."""
    state = ui.state
    if state == "dialog":
        return (_sheet(ui, words, rng) if ui.platform == "mobile" and rng.random() < 0.4 else _dialog(ui, words, rng),)
    if state == "drawer":
        entries = destinations(words, rng, rng.randrange(4, 9))
        head = (
            ui.row(ui.avatar(words.person()), ui.column(ui.text(words.person(), "strong"), ui.text(words.email(), "caption"), gap=0))
            if rng.random() < 0.6
            else None
        )
        return (ui.drawer(entries, rng.randrange(len(entries)), head),)
    if state == "menu":
        return (
            ui.floating_menu(commands(words, rng, rng.randrange(3, 8), ui.platform == "desktop"), rng.choice(("button", "icon_button", "combo_box"))),
        )
    if state == "tooltip":
        content = words.t(words.command()) if rng.random() < 0.6 else words.sentence()
        return (ui.floating_tooltip(content, rng.choice(("icon_button", "icon_button", "button", "icon"))),)
    if state == "toast":
        content, tone = words.alert()
        return (ui.toast(content, tone, words.t(rng.choice(("Undo", "Retry", "View"))) if rng.random() < 0.4 else None),)
    return ()


def _dialog(ui: Ui[F], words: Words, rng: Random) -> F:
    kind = rng.random()
    parts: list[F] = []
    if kind < 0.45:
        title, parts = words.question(), [ui.text(words.sentences(rng.randrange(1, 3)))]
    elif kind < 0.8:
        title = words.t(words.command())
        for _ in range(rng.randrange(1, 4)):
            key = words.field_label()
            control = ui.text_field(words.t(key), words.field_value(key) if rng.random() < 0.5 else "")
            parts.append(ui.field(words.t(key), control))
        if rng.random() < 0.4:
            parts.append(ui.checkbox(words.setting()[0], rng.random() < 0.5))
    else:
        title = words.title()
        group = f"dialog{rng.randrange(10**6)}"
        chosen = rng.randrange(3)
        parts = [ui.radio(words.setting()[0], i == chosen, group) for i in range(3)]
    actions = [
        ui.button(words.t("Cancel"), variant="default"),
        ui.button(words.t(words.command()), variant=rng.choice(("primary", "primary", "danger"))),
    ]
    return ui.dialog(title, *parts, actions=actions[rng.randrange(2) if kind < 0.3 else 0 :], closable=rng.random() < 0.6)


def _sheet(ui: Ui[F], words: Words, rng: Random) -> F:
    items = [
        ui.list_item(entry.label, leading=ui.icon(entry.icon) if entry.icon else None) for entry in commands(words, rng, rng.randrange(3, 6)) if entry
    ]
    return ui.sheet(words.title(), ui.list(*items, framed=False))


def frame(ui: Ui[F], family: Any, words: Words, rng: Random) -> Frame[F]:
    """The whole page of a family in the shell of the kit's platform. Draws the shell first, so that the family knows its room."""
    if ui.platform == "mobile":
        return _mobile(ui, family, words, rng)
    if ui.platform == "desktop":
        return _desktop(ui, family, words, rng)
    return _web(ui, family, words, rng)


def _shown(content: Content[F], rng: Random) -> tuple[F, ...]:
    """The page's parts, now and then only the first ones: not every page has as much to show as there is room."""
    parts = content.parts
    return parts if len(parts) < 3 or rng.random() < 0.65 else parts[: rng.randrange(2, len(parts))]


def _header(ui: Ui[F], content: Content[F], words: Words, rng: Random) -> list[F]:
    """The page's own title row, breadcrumb above it, tools beside it."""
    parts: list[F] = []
    if rng.random() < 0.4:
        parts.append(ui.breadcrumb([words.t(words.destination()) for _ in range(rng.randrange(1, 3))] + [content.title]))
    if not content.plain_title:
        under = [ui.text(words.sentence(), "muted")] if rng.random() < 0.25 else []
        parts.append(ui.row(ui.grow(ui.heading(content.title, rng.choice((1, 1, 2, 3))), *under), *content.tools, gap=2))
    elif content.tools:
        parts.append(ui.toolbar(*content.tools))
    if rng.random() < 0.12:
        parts.append(_views(ui, words, rng))
    return parts


def _views(ui: Ui[F], words: Words, rng: Random) -> F:
    """Tabs between the views of what the page is about."""
    names = [entry.label for entry in destinations(words, rng, 2 if ui.room < 420 else rng.randrange(2, 5))]
    return ui.tabs(names, rng.randrange(len(names)))


def _web(ui: Ui[F], family: Any, words: Words, rng: Random) -> Frame[F]:
    width = ui.setting.width
    wide = width >= 700
    entries = destinations(words, rng, rng.randrange(4, 11))
    chosen = rng.randrange(len(entries))
    chrome = rng.choice(("top", "top", "top", "side", "both", "narrow") if wide else ("top", "top", "bottom", "none"))
    ui.room = int(width - 32 - (240 if chrome in ("side", "both") else 60 if chrome == "narrow" else 0))
    content: Content[F] = family(ui, words, rng)
    if content.chrome == "bare":
        bars = (_navigation_bar(ui, words, rng, entries[:2], 0),) if rng.random() < 0.3 else ()
        return Frame(bars=bars, main=content.parts, over=over(ui, words, rng), fill=content.fill, width=content.width, bare=True)
    bars = (_navigation_bar(ui, words, rng, entries, chosen),) if chrome in ("top", "both", "bottom") else ()
    side = content.side
    if side is None and chrome in ("side", "both"):
        head = ui.text(words.brand(), "strong") if rng.random() < 0.4 else None
        who = words.person()
        foot = ui.row(ui.avatar(who, 1.9), ui.text(who, "small")) if rng.random() < 0.35 else None
        side = ui.sidebar(_labels(entries, rng), chosen, head, foot)
    elif side is None and chrome == "narrow":
        side = ui.sidebar(entries, chosen, narrow=True)
    feet: tuple[F, ...] = ()
    if chrome == "bottom":
        feet = (ui.bottom_navigation(entries[:4], min(chosen, 3)),)
    elif not content.fill and rng.random() < 0.45:
        feet = (_footer(ui, words, rng),)
    elif content.fill and rng.random() < 0.3:
        feet = (_status_bar(ui, words, rng),)
    main = (*_header(ui, content, words, rng), *_shown(content, rng)) if not content.fill else content.parts
    return Frame(bars=bars, side=side, main=main, feet=feet, over=over(ui, words, rng), fill=content.fill, width=content.width)


def _navigation_bar(ui: Ui[F], words: Words, rng: Random, entries: list[Entry], chosen: int) -> F:
    width = ui.setting.width
    end: list[F] = []
    if rng.random() < 0.4 and width > 520:
        end.append(ui.box(ui.search_field(words.t("Search")), width=11))
    tools = rng.sample(("bell", "gear", "question", "envelope", "moon", "cart", "globe"), rng.choice((0, 0, 0, 1, 2)))
    end += [ui.icon_button(name, badge=str(rng.randrange(1, 30)) if rng.random() < 0.25 else None) for name in tools]
    kind = rng.random()
    if kind < 0.35:
        end.append(ui.avatar(words.person(), 2))
    elif kind < 0.7:
        end.append(ui.button(words.t(rng.choice(("Sign in", "Sign up", "Log out"))), variant=rng.choice(("primary", "default")), size="small"))
    count = min(len(entries), rng.randrange(3, 10) if width > 900 else rng.randrange(2, 7) if width > 760 else rng.randrange(0, 3))
    logo = rng.choice(icons.concepts("thing")) if rng.random() < 0.6 else None
    return ui.navigation_bar(words.brand(), [entry.label for entry in entries[:count]], chosen, end, logo)


def _footer(ui: Ui[F], words: Words, rng: Random) -> F:
    columns = [
        ui.column(
            ui.text(words.t(words.destination()), "strong"), *(ui.link(words.t(words.destination())) for _ in range(rng.randrange(2, 8))), gap=1
        )
        for _ in range(2 if ui.room < 500 else rng.randrange(3, 7))
    ]
    return ui.footer(ui.grid(*columns, columns=len(columns)), ui.text(f"© {rng.randrange(2018, 2027)} {words.brand()}", "caption"))


def _status_bar(ui: Ui[F], words: Words, rng: Random) -> F:
    parts = [
        ui.text(words.status()[0]), ui.text(f"{words.number()} {words.t('items')}"), ui.text(f"{words.t('Version')} {rng.randrange(1, 9)}.{rng.randrange(10)}"),
        ui.text("UTF-8"), ui.text(f"{rng.randrange(50, 200, 5)}%"), ui.row(ui.icon("wifi"), ui.text(words.t("Online")), gap=1), ui.text(words.time()),
    ]  # fmt: skip
    return ui.status_bar(*rng.sample(parts, rng.randrange(2, 5)))


def _mobile(ui: Ui[F], family: Any, words: Words, rng: Random) -> Frame[F]:
    ui.room = ui.setting.width - 32
    content: Content[F] = family(ui, words, rng)
    bars: list[F] = []
    if rng.random() < 0.85:
        bars.append(ui.phone_status_bar(words.time(), rng.randrange(5, 101)))
    if content.chrome == "bare":
        return Frame(bars=tuple(bars), main=content.parts, over=over(ui, words, rng), fill=content.fill, bare=True)
    actions = [
        ui.icon_button(name) for name in rng.sample(("search", "more", "bell", "share", "heart", "filter", "gear", "edit"), rng.randrange(0, 3))
    ]
    bars.append(ui.app_bar(content.title, rng.random() < 0.6, actions, rng.random() < 0.2))
    feet: list[F] = []
    floating = over(ui, words, rng)
    if rng.random() < 0.62:
        entries = destinations(words, rng, rng.randrange(3, 6))
        feet.append(ui.bottom_navigation(entries, rng.randrange(len(entries))))
    if rng.random() < 0.2 and not floating:
        floating = (ui.floating_button(rng.choice(("plus", "edit", "chat", "camera"))),)
    views = [_views(ui, words, rng)] if rng.random() < 0.12 else []
    main = content.parts if content.fill else (*views, *([ui.row(*content.tools, gap=2, wrap=True)] if content.tools else []), *_shown(content, rng))
    return Frame(bars=tuple(bars), main=main, feet=tuple(feet), over=floating, fill=content.fill, classes="s-with-bottom" if feet else "")


MENUS = ("File", "Edit", "View", "Insert", "Format", "Tools", "Window", "Help")


def _desktop(ui: Ui[F], family: Any, words: Words, rng: Random) -> Frame[F]:
    entries = destinations(words, rng, rng.randrange(4, 9))
    with_side = ui.setting.width >= 560 and rng.random() < 0.35
    ui.room = ui.setting.width - 48 - (230 if with_side else 0)
    content: Content[F] = family(ui, words, rng)
    menu_bar = (
        ui.menu_bar([words.t(name) for name in MENUS if name in ("File", "Edit", "Help") or rng.random() < 0.5]) if rng.random() < 0.7 else None
    )
    tools = list(content.tools)
    if not tools and rng.random() < 0.6:
        names = ("new-file", "folder-open", "save", "print", "cut", "copy", "paste", "undo", "redo", "search", "refresh", "gear")
        tools = [ui.icon_button(name) for name in rng.sample(names, rng.randrange(3, 7))]
    toolbar = ui.toolbar(*tools) if tools else None
    status_bar = _status_bar(ui, words, rng) if rng.random() < 0.6 else None
    side = content.side
    if side is None and with_side:
        side = ui.sidebar(_labels(entries, rng), rng.randrange(len(entries)))
    inner = ui.pane(*content.parts, pad=3) if not content.fill else ui.column(*content.parts, gap=0, fill=True)
    if rng.random() < 0.45:
        inner = ui.row(inner, ui.scroll_bar(rng.uniform(0.2, 0.7), rng.random()), gap=0, align="stretch", fill=True)
    body = ui.row(side, inner, gap=0, align="stretch", fill=True) if side is not None else inner
    bare = content.chrome == "bare"
    window = ui.window(
        content.title, body, icon=content.icon or rng.choice(icons.concepts("thing")), menu_bar=None if bare else menu_bar, toolbar=None if bare else toolbar,
        status_bar=None if bare else status_bar,
    )  # fmt: skip
    return Frame(main=(window,), over=over(ui, words, rng), window=True, fill=True)
