"""Pictures, sound, maps and reading; and the pages that show that there is nothing, or that something went wrong."""

from random import Random

from datagen.content import icons
from datagen.content.words import Words
from datagen.pages.families import Family
from datagen.pages.shell import Content
from datagen.pages.ui import Entry, F, Ui


def media_player(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    return _video(ui, words, rng) if rng.random() < 0.55 else _music(ui, words, rng)


def _video(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    t = words.t
    title, who = words.title(), words.person()
    player = ui.video_player(max(9, min(22, ui.room * 0.028)), title, rng.random())
    about = ui.row(
        ui.avatar(who, 2.5),
        ui.grow(ui.text(who, "strong"), ui.text(words.count(), "caption")),
        ui.button(t("Subscribe"), variant="primary", size="small"),
        gap=3,
    )
    actions = ui.row(*(ui.button(words.count() if i == 0 else t(name), icon, variant="default", size="small") for i, (name, icon) in enumerate(
        (("Like", "thumbs-up"), ("Share", "share"), ("Save", "playlist-add"), ("Download", "download"))[: rng.randrange(2, 5)])), wrap=True)  # fmt: skip
    parts: list[F] = [player, ui.heading(title, 2), about, actions]
    if rng.random() < 0.6:
        parts.append(ui.text(words.sentences(2), "muted"))
    comments = []
    for _ in range(rng.randrange(1, 4)):
        name = words.person()
        comments.append(ui.row(ui.avatar(name, 2), ui.grow(ui.text(name, "strong"), ui.text(words.message()), ui.row(ui.icon_button("thumbs-up"), ui.text(words.count(), "caption"), ui.link(t("Reply")), gap=2)),
                               gap=3, align="start"))  # fmt: skip
    parts.append(ui.column(ui.heading(t("Comments"), 4), *comments, gap=3))
    if ui.room < 760:
        return Content(title=title, parts=tuple(parts), icon="video", plain_title=True)
    following = [
        ui.row(ui.image(rng.choice(("photo", "landscape", "poster")), 4.2, 7.5, rounded=True), ui.grow(ui.text(words.title(), "strong"), ui.text(words.person(), "caption"), ui.text(words.duration(), "caption")),
               gap=2, align="start")
        for _ in range(rng.randrange(4, 8))
    ]  # fmt: skip
    side = ui.box(
        ui.column(ui.row(*(ui.chip(t(name), i == 0) for i, name in enumerate(("All", "Recent", "Music"))), wrap=True), *following, gap=3), width=20
    )
    return Content(title=title, parts=(ui.row(ui.grow(ui.column(*parts, gap=3)), side, gap=5, align="start"),), icon="video", plain_title=True)


def _music(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    t = words.t
    title, who = words.title(), words.person()
    controls = ui.row(ui.icon_button("shuffle", pressed=rng.random() < 0.3), ui.icon_button("previous-track"), ui.icon_button(rng.choice(("play", "pause")), variant="primary"), ui.icon_button("next-track"),
                      ui.icon_button("repeat"), gap=3, justify="center")  # fmt: skip
    seek = ui.row(ui.text("1:24", "caption"), ui.grow(ui.slider(t("Position"), rng.random())), ui.text("3:52", "caption"), gap=2)
    if ui.room < 520:
        parts: list[F] = [
            ui.image("album", min(18, ui.room * 0.05), rounded=True),
            ui.row(ui.grow(ui.heading(title, 2), ui.text(who, "muted")), ui.icon_button("heart")),
            seek,
            controls,
        ]
        if rng.random() < 0.5:
            parts.append(ui.row(ui.icon("volume-low"), ui.grow(ui.slider(t("Volume"), rng.random())), ui.icon("volume-up"), gap=2))
        if rng.random() < 0.5:
            parts.append(ui.row(ui.icon_button("cast"), ui.icon_button("queue"), ui.icon_button("lyrics"), justify="around"))
        return Content(title=t("Now playing"), parts=(ui.column(*parts, gap=4),), icon="music")
    playing = rng.randrange(4)
    tracks = [
        [
            str(i + 1),
            words.title(),
            words.person(),
            f"{rng.randrange(1, 6)}:{rng.randrange(60):02}",
            ui.icon_button("heart", pressed=rng.random() < 0.2),
        ]
        for i in range(rng.randrange(5, 12))
    ]
    head = ui.row(
        ui.image("album", 9, 9, rounded=True),
        ui.grow(ui.text(t("Playlist"), "caption"), ui.heading(title, 1), ui.text(f"{who} · {len(tracks)} {t('songs')}", "muted")),
        gap=4,
    )
    bar = ui.row(ui.button(t("Play"), "play", "primary"), ui.icon_button("heart"), ui.icon_button("download"), ui.icon_button("more"), gap=2)
    table = ui.table(["#", t("Title"), t("Artist"), t("Time"), ""], tracks, chosen=[playing], dense=rng.random() < 0.5)
    albums = ui.grid(
        *(ui.card(ui.text(words.title(), "strong"), ui.text(words.person(), "caption"), media=ui.image("album", 8)) for _ in range(4)), columns=4
    )
    middle = ui.pane(head, bar, table if rng.random() < 0.7 else ui.column(table, ui.heading(t("Made for you"), 3), albums, gap=3), pad=4)
    foot = ui.box(ui.row(ui.image("album", 3, 3), ui.box(ui.text(title, "strong"), ui.text(who, "caption"), width=9), ui.grow(ui.column(controls, seek, gap=1)), ui.icon("volume-up"),
                         ui.box(ui.slider(t("Volume"), rng.random()), width=6), gap=3), pad=2, tint=True)  # fmt: skip
    return Content(title=title, parts=(ui.column(middle, foot, gap=0, fill=True),), fill=True, icon="music")


def gallery(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    t = words.t
    columns = max(2, int(ui.room // rng.choice((110, 150, 200))))
    parts: list[F] = []
    if rng.random() < 0.5:
        parts.append(ui.tabs([t(name) for name in ("Photos", "Albums", "Shared")], rng.randrange(3)))
    selecting = ui.state == "selected"
    if selecting:
        parts.append(
            ui.toolbar(
                ui.text(f"{rng.randrange(1, 9)} {t('selected')}"), ui.icon_button("share"), ui.icon_button("trash"), ui.icon_button("download")
            )
        )
    for _ in range(rng.randrange(1, 4)):
        tiles = []
        for _ in range(columns * rng.randrange(1, 4)):
            picture = ui.image(
                rng.choice(("photo", "photo", "landscape", "portrait", "gradient", "food")), rng.choice((6, 7)), rounded=rng.random() < 0.3
            )
            tiles.append(
                ui.column(picture, ui.checkbox(words.file_name(), rng.random() < 0.5), gap=1) if selecting and rng.random() < 0.6 else picture
            )
        parts.append(
            ui.column(
                ui.heading(words.date() if rng.random() < 0.6 else words.city(), 4),
                ui.grid(*tiles, columns=columns, gap=rng.choice((0, 1, 2))),
                gap=2,
            )
        )
    if ui.state == "loading":
        parts.insert(0, ui.progress(rng.random(), t("Uploading")))
    tools = (ui.icon_button("search"), ui.button(t("Upload"), "upload", size="small")) if rng.random() < 0.6 else ()
    return Content(title=t("Photos"), parts=tuple(parts), icon="images", tools=tools)


def map_view(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    t = words.t
    pins = [
        (rng.uniform(0.35, 0.92), rng.uniform(0.1, 0.85), ui.icon("location", rng.choice((1.6, 2.2)), rng.choice(("danger", "primary"))))
        for _ in range(rng.randrange(3, 9))
    ]
    zoom = (
        0.93 if ui.room > 500 else 0.86,
        0.72,
        ui.column(
            ui.icon_button("plus", variant="default"),
            ui.icon_button("minus", variant="default"),
            ui.icon_button("navigate", variant="default"),
            gap=1,
        ),
    )
    search = ui.box(ui.card(ui.search_field(t("Search places"), words.city() if rng.random() < 0.4 else "")), width=min(20, ui.room * 0.05))
    over = [*pins, zoom, (0.03, 0.03, search)]
    if rng.random() < 0.6:
        chips = ui.row(
            *(
                ui.chip(t(name), icon=icon)
                for name, icon in (("Restaurants", "fork-knife"), ("Hotels", "bed"), ("Museums", "bank"))[: 2 if ui.room < 500 else 3]
            )
        )
        over.append((0.03 if ui.room < 500 else 0.42, 0.16 if ui.room < 500 else 0.04, chips))
    if ui.state == "loading":
        over.append((0.5, 0.45, ui.spinner()))
    if rng.random() < 0.55:
        name = words.company()
        place = ui.card(
            ui.row(ui.grow(ui.text(name, "strong"), ui.text(words.street(), "caption")), ui.icon_button("close")), ui.row(ui.icon("star", tone="warning"), ui.text(f"{rng.uniform(3, 5):.1f}"), ui.text(f"({words.count()})", "muted"), gap=1),
            ui.row(ui.button(t("Directions"), "route", "primary", "small"), ui.button(t("Save"), "bookmark", "default", "small"), gap=2),
            media=ui.image("photo", 5) if rng.random() < 0.5 else None,
        )  # fmt: skip
        over.append((0.05, 0.55 if ui.room < 500 else 0.3, ui.box(place, width=min(19, ui.room * 0.052))))
    canvas = ui.place(*over, back=ui.image("map", 40))
    if ui.room > 820 and rng.random() < 0.5:
        results = [
            ui.list_item(
                words.company(),
                words.street(),
                ui.image("photo", 3, 3, rounded=True),
                ui.text(f"{rng.uniform(0.1, 9):.1f} km", "caption"),
                ui.state == "selected" and i == 1,
            )
            for i in range(rng.randrange(4, 9))
        ]
        side = ui.box(
            ui.column(ui.box(ui.heading(t("Results"), 3), pad=3), ui.pane(ui.list(*results, framed=False), pad=0), gap=0, fill=True), width=19
        )
        return Content(title=t("Map"), parts=(ui.row(side, canvas, gap=0, align="stretch", fill=True),), fill=True, icon="map")
    return Content(title=t("Map"), parts=(canvas,), fill=True, icon="map")


def article(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    t = words.t
    who = words.person()
    parts: list[F] = []
    if rng.random() < 0.4:
        parts.append(ui.row(*(ui.badge(words.tag(), rng.choice(("primary", "info", "neutral"))) for _ in range(rng.randrange(1, 3)))))
    parts.append(ui.heading(words.sentence().rstrip("."), 1))
    parts.append(
        ui.row(
            ui.avatar(who),
            ui.grow(ui.text(who, "strong"), ui.text(f"{words.date()} · {words.duration()}", "caption")),
            ui.icon_button("bookmark"),
            ui.icon_button("share"),
            gap=3,
        )
    )
    if rng.random() < 0.7:
        parts.append(ui.image(rng.choice(("photo", "landscape", "gradient")), rng.choice((10, 14, 18)), rounded=rng.random() < 0.5))
        if rng.random() < 0.5:
            parts.append(ui.text(words.sentence(), "caption"))
    for _ in range(rng.randrange(2, 5)):
        if rng.random() < 0.5:
            parts.append(ui.heading(words.title(), rng.choice((2, 3))))
        parts.append(ui.text(words.paragraph()))
        if rng.random() < 0.2:
            parts.append(ui.list(*(ui.list_item(words.sentence()) for _ in range(rng.randrange(2, 5))), framed=False))
        if rng.random() < 0.15:
            parts.append(ui.box(ui.code([words.code_line() for _ in range(rng.randrange(3, 7))]), pad=3, tint=True))
        if rng.random() < 0.15:
            parts.append(ui.chart(rng.choice(("bar", "line", "pie")), 12))
    parts.append(ui.row(*(ui.chip(words.tag()) for _ in range(rng.randrange(2, 6))), wrap=True))
    column = ui.column(*parts, gap=3)
    if ui.room > 860 and rng.random() < 0.5:
        more = [
            ui.row(ui.image("photo", 3.5, 5, rounded=True), ui.grow(ui.link(words.title()), ui.text(words.date(), "caption")), gap=2)
            for _ in range(rng.randrange(3, 6))
        ]
        aside = ui.column(
            ui.card(*more, title=t("Related")),
            ui.card(
                ui.text(words.sentence()),
                ui.text_field(t("Email"), "", "name@example.com"),
                ui.button(t("Subscribe"), variant="primary", wide=True),
                title=t("Newsletter"),
            ),
            gap=4,
        )
        column = ui.row(ui.grow(column), ui.box(aside, width=18), gap=6, align="start")
    return Content(title=words.title(), parts=(column,), icon="newspaper", width=None if ui.room > 860 else 44, plain_title=True)


def weather(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    t = words.t
    sky = ("light-mode", "partly-cloudy", "cloudy", "rain", "storm", "snow")
    now = rng.randrange(-8, 35)
    parts: list[F] = [
        ui.card(ui.row(ui.grow(ui.heading(words.city(), 2), ui.text(words.datetime(), "muted")), ui.icon(rng.choice(sky), 3.5, "primary"), ui.heading(f"{now}°", 1), gap=4),
                ui.row(*(ui.row(ui.icon(icon), ui.text(text), gap=1) for icon, text in (("wind", f"{rng.randrange(2, 60)} km/h"), ("droplet", words.percent()), ("umbrella", words.percent()))), gap=4, wrap=True)),
    ]  # fmt: skip
    hours = [
        ui.column(
            ui.text(f"{(8 + i) % 24}:00", "caption"), ui.icon(rng.choice(sky), 1.5), ui.text(f"{now + rng.randrange(-3, 4)}°"), gap=1, align="center"
        )
        for i in range(max(4, int(ui.room // 80)))
    ]
    parts.append(ui.card(ui.row(*hours, justify="between"), title=t("Today")))
    days = [
        ui.list_item(words.weekday(), None, ui.icon(rng.choice(sky), 1.4), ui.text(f"{now - rng.randrange(2, 8)}° / {now + rng.randrange(0, 7)}°"))
        for _ in range(rng.randrange(4, 8))
    ]
    parts.append(ui.list(*days))
    if rng.random() < 0.6:
        parts.append(ui.card(ui.chart(rng.choice(("line", "area", "bar")), 10), title=t("Temperature")))
    return Content(title=t("Weather"), parts=tuple(parts), icon="cloud", width=rng.choice((None, 40)), plain_title=True)


def nothing_here(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    """An empty state or an error page."""
    t = words.t
    failed = ui.state == "error" or rng.random() < 0.5
    concept = rng.choice(("error", "warning", "cloud-off", "wifi-off") if failed else ("inbox", "search", "folder", "bell", "cart", "heart"))
    title = (
        t(rng.choice(("Page not found", "Something went wrong", "No connection", "Access denied")))
        if failed
        else t(rng.choice(("Nothing here yet", "No results", "Your cart is empty", "All caught up")))
    )
    parts: list[F] = [ui.row(ui.icon(concept, rng.choice((3, 4.5, 6)), "danger" if failed and rng.random() < 0.4 else "muted"), justify="center")]
    if failed and rng.random() < 0.5:
        parts.append(ui.row(ui.heading(rng.choice(("404", "500", "403", "503")), 1), justify="center"))
    parts.append(ui.row(ui.heading(title, 2), justify="center"))
    parts.append(ui.row(ui.text(words.sentence(), "muted"), justify="center"))
    buttons = [ui.button(t(rng.choice(("Try again", "Go back", "Home") if failed else ("Create", "Get started", "Explore"))), variant="primary")]
    if rng.random() < 0.5:
        buttons.append(ui.button(t(rng.choice(("Contact us", "Learn more", "Help"))), variant="default"))
    parts.append(ui.row(*buttons, justify="center", wrap=True))
    if rng.random() < 0.3:
        parts.append(ui.search_field(t("Search")))
    if rng.random() < 0.25:
        parts.append(ui.box(ui.code([f"error {rng.randrange(16**6):06x}", words.code_line()], numbers=False), pad=3, tint=True, border=True))
    if ui.state == "loading":
        parts = [ui.row(ui.spinner(3), justify="center"), ui.row(ui.text(t("Loading"), "muted"), justify="center"), ui.progress(rng.random())]
    return Content(
        title=title,
        parts=(ui.column(*parts, gap=4),),
        chrome="bare" if rng.random() < 0.4 else "app",
        icon=concept,
        width=rng.choice((26, 34)),
        plain_title=True,
    )


def library(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    """A shelf of films, books, apps or courses."""
    t = words.t
    columns = max(2, int(ui.room // rng.choice((130, 170, 220))))
    parts: list[F] = []
    if rng.random() < 0.5:
        banner = ui.place((0.05, 0.35, ui.column(ui.heading(words.title(), 1), ui.text(words.sentence()), ui.row(ui.button(t("Play"), "play", "primary"), ui.button(t("More info"), "info", "default")), gap=2)),
                          height=14, back=ui.image(rng.choice(("gradient", "landscape")), 14))  # fmt: skip
        parts += [banner, ui.page_dots(rng.randrange(3, 6), 0)]
    if rng.random() < 0.5:
        parts.append(ui.row(*(ui.chip(words.tag(), i == 0) for i in range(max(3, int(ui.room // 120)))), wrap=True))
    for _ in range(rng.randrange(2, 4)):
        tiles = []
        for _ in range(columns):
            foot = rng.choice(
                (
                    ui.progress(rng.random()),
                    ui.row(ui.icon("star", tone="warning"), ui.text(f"{rng.uniform(2, 5):.1f}", "small"), gap=1),
                    ui.text(words.price(), "strong"),
                    ui.text(words.person(), "caption"),
                )
            )
            tiles.append(
                ui.card(
                    ui.text(words.title(), "strong"),
                    foot,
                    media=ui.image(rng.choice(("poster", "album", "gradient", "photo")), rng.choice((7, 9, 11))),
                    chosen=ui.state == "selected" and rng.random() < 0.2,
                )
            )
        parts.append(ui.column(ui.row(ui.grow(ui.heading(t(words.section()), 3)), ui.link(t("View all"))), ui.grid(*tiles, columns=columns), gap=2))
    if ui.state == "loading":
        parts.append(ui.grid(*(ui.card(ui.skeleton(3)) for _ in range(columns)), columns=columns))
    return Content(title=t("Library"), parts=tuple(parts), icon="library", plain_title=rng.random() < 0.5)


def help_page(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    """Questions and answers, topics, a way to ask."""
    t = words.t
    parts: list[F] = [ui.search_field(t("How can we help?"))]
    columns = 1 if ui.room < 420 else 2 if ui.room < 760 else 3
    topics = [
        ui.card(
            ui.icon(rng.choice(icons.concepts("thing")), 2, "primary"), ui.text(t(words.section()), "strong"), ui.text(words.sentence(), "caption")
        )
        for _ in range(columns * rng.randrange(1, 3))
    ]
    parts.append(ui.grid(*topics, columns=columns))
    items = []
    for i in range(rng.randrange(4, 8)):
        is_open = i == 0 and rng.random() < 0.6
        items.append(
            ui.list_item(words.question(), words.sentences(2) if is_open else None, None, ui.icon("chevron-up" if is_open else "chevron-down"))
        )
    parts.append(ui.column(ui.heading(t("Frequently asked questions"), 3), ui.list(*items), gap=2))
    if rng.random() < 0.6:
        form = [
            ui.field(t("Topic"), ui.list_box(t("Topic"), words.option(words.field_label())[:4], [0])),
            ui.field(t("Message"), ui.text_area(t("Message"), rows=4)),
            ui.button(t("Send"), "send", "primary"),
        ]
        parts.append(ui.card(*form, title=t("Contact us")))
    menu = [Entry(t(words.section()), None) for _ in range(6)]
    side = ui.sidebar(menu, rng.randrange(6)) if ui.room > 700 and rng.random() < 0.3 else None
    return Content(title=t("Help"), parts=tuple(parts), icon="help", side=side)


FAMILIES = {
    "media_player": Family(media_player), "gallery": Family(gallery), "map": Family(map_view), "article": Family(article, ("web", "mobile")), "weather": Family(weather),
    "nothing_here": Family(nothing_here), "library": Family(library), "help": Family(help_page),
}  # fmt: skip
