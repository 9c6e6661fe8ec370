"""Pages of plain web sites, where text and links are all there is: home pages, blogs, news, handbooks, directories, discussions.

Most pages of the web are of this kind: a name at the top, a list of links, paragraphs, pictures, and a foot full of links.
"""

from random import Random

from datagen.content.words import Words
from datagen.pages.families import Family
from datagen.pages.families.sections import distinct, tree
from datagen.pages.shell import Content
from datagen.pages.ui import F, Ui

PICTURES = ("photo", "photo", "photo", "photo", "landscape", "city", "portrait", "food", "illustration", "gradient", "product")


def _names(words: Words, rng: Random, count: int) -> list[str]:
    """What links of a site are called: short names of its parts, titles of its pages, or headlines."""
    kind = rng.random()
    if kind < 0.4:
        return distinct(lambda: words.t(words.destination()), count)
    return distinct(words.title if kind < 0.75 else lambda: words.sentence().rstrip(".?!"), count)


def _links(ui: Ui[F], words: Words, rng: Random, count: int) -> F:
    """Links one below another, with or without what they are about."""
    look = rng.random()
    if look < 0.3:
        return ui.list(*(ui.list_item(name) for name in _names(words, rng, count)), framed=False)
    rows = [ui.link(name) for name in _names(words, rng, count)]
    if look < 0.45:
        rows = [ui.column(row, ui.text(rng.choice((words.date, words.sentence))(), "caption"), gap=0) for row in rows]
    return ui.column(*rows, gap=rng.choice((1, 2, 3)))


def _aside(ui: Ui[F], words: Words, rng: Random) -> F:
    """The column at the side: links under a title, now and then something else."""
    t, groups = words.t, []
    for _ in range(rng.randrange(1, 4)):
        kind = rng.random()
        title = ui.heading(t(rng.choice(("Categories", "Archive", "Tags", "News", "Products", "Support", "Follow us"))), rng.choice((3, 4, 5)))
        if kind < 0.7:
            inner = _links(ui, words, rng, rng.randrange(3, 9))
        elif kind < 0.8:
            inner = ui.row(*(ui.link(words.tag()) for _ in range(rng.randrange(5, 12))), gap=3, wrap=True)
        elif kind < 0.9:
            inner = ui.column(ui.search_field(t("Search")))
        else:
            inner = ui.image(rng.choice(PICTURES), rng.choice((7, 10, 14)))
        groups.append(ui.column(title, inner, gap=2))
    return ui.column(*groups, gap=5)


def _prose(ui: Ui[F], words: Words, rng: Random, count: int) -> list[F]:
    """Paragraphs; between them titles, pictures, lists and links to read on."""
    parts: list[F] = []
    for i in range(count):
        if i and rng.random() < 0.35:
            parts.append(ui.heading(words.title(), rng.choice((2, 3, 3))))
        kind = rng.random()
        if kind < 0.68:
            parts.append(ui.text(words.paragraph() if rng.random() < 0.5 else f"{words.paragraph()} {words.sentences(2)}"))
        elif kind < 0.8:
            parts.append(ui.list(*(ui.list_item(words.sentence()) for _ in range(rng.randrange(2, 6))), framed=False))
        elif kind < 0.82:
            parts.append(ui.video_player(rng.choice((11, 14)), words.title(), rng.random()))
        elif kind < 0.9:
            parts.append(ui.image(rng.choice(PICTURES), rng.choice((9, 13, 18)), None if rng.random() < 0.5 else min(22, ui.room / 18)))
        else:
            parts.append(_links(ui, words, rng, rng.randrange(2, 5)))
    if rng.random() < 0.4:
        parts.append(ui.link(words.t(rng.choice(("Read more", "Learn more", "View all")))))
    return parts


def _masthead(ui: Ui[F], words: Words, rng: Random) -> list[F]:
    """The head of a site: its name or sign, and the links to its parts."""
    t, parts = words.t, []
    wide = ui.room > 620
    sign = (
        ui.image("logo", rng.choice((3, 5)), rng.choice((8, 12)))
        if rng.random() < 0.4
        else ui.heading(words.brand() if rng.random() < 0.6 else words.company(), 1)
    )
    under = [ui.text(words.sentence(), "muted")] if rng.random() < 0.4 else []
    links = [ui.link(name) for name in distinct(lambda: t(words.destination()), rng.randrange(3, 9 if wide else 5))]
    bar = ui.row(*links, gap=rng.choice((3, 4, 6)), wrap=True, justify=rng.choice(("start", "center")))
    look = rng.random()
    if look < 0.4 and wide:
        parts.append(ui.row(sign, ui.grow(), bar, gap=4))
    elif look < 0.6:
        parts.append(ui.column(sign, *under, bar, gap=3, align="center"))
    else:
        end = [ui.box(ui.search_field(t("Search")), width=12)] if wide and rng.random() < 0.4 else []
        parts += [ui.row(ui.grow(sign, *under), *end, gap=3), bar]
    if rng.random() < 0.4:
        parts.append(ui.divider())
    if rng.random() < 0.3:
        parts.append(ui.image(rng.choice(("landscape", "photo", "gradient", "city")), rng.choice((8, 12, 16))))
    return parts


def _foot(ui: Ui[F], words: Words, rng: Random) -> list[F]:
    if rng.random() < 0.4:
        return []
    links = [ui.link(name) for name in distinct(lambda: words.t(words.destination()), rng.randrange(2, 7))]
    return [
        ui.divider(),
        ui.row(
            ui.text(f"© {rng.randrange(2004, 2027)} {words.company()}", "caption"), *links, gap=3, wrap=True, justify=rng.choice(("start", "center"))
        ),
    ]


def _beside(ui: Ui[F], words: Words, rng: Random, main: list[F], often: float) -> F:
    """The main column, with one of links at its side where there is room."""
    column = ui.column(*main, gap=4)
    if ui.room < 620 or rng.random() > often:
        return column
    side = ui.box(_aside(ui, words, rng), width=rng.choice((11, 14, 17)))
    parts = [side, ui.grow(column)] if rng.random() < 0.5 else [ui.grow(column), side]
    return ui.row(*parts, gap=rng.choice((5, 8)), align="start")


def _site(ui: Ui[F], words: Words, rng: Random, main: list[F], aside: float, own_head: float = 0.7) -> Content[F]:
    own = ui.platform == "web" and rng.random() < own_head
    body = _beside(ui, words, rng, main, aside)
    parts = [*(_masthead(ui, words, rng) if own else []), body, *(_foot(ui, words, rng) if ui.platform == "web" else [])]
    width = rng.choice((None, 44, 56, 64)) if ui.room > 620 else None
    return Content(title=words.brand(), parts=tuple(parts), chrome="bare" if own else "app", icon="globe", width=width, plain_title=True)


def _pages(ui: Ui[F], rng: Random) -> F:
    return ui.pagination(rng.randrange(3, 6), rng.randrange(1, 4))


def home_page(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    """Who runs the site and what they do."""
    main: list[F] = []
    if rng.random() < 0.6:
        main.append(ui.heading(words.sentence().rstrip(".") if rng.random() < 0.4 else words.title(), rng.choice((1, 2))))
    if rng.random() < 0.3:
        height = rng.choice((12, 16, 20))
        main.append(ui.image(rng.choice(PICTURES), height) if rng.random() < 0.7 else ui.video_player(height, words.title(), rng.random()))
        if rng.random() < 0.5:
            main.append(ui.page_dots(rng.randrange(3, 6), rng.randrange(3)))
    main += _prose(ui, words, rng, rng.randrange(1, 6))
    if rng.random() < 0.35:
        columns = 1 if ui.room < 520 else rng.choice((2, 3, 4))
        tiles = [
            ui.column(*([ui.image(rng.choice(PICTURES), rng.choice((7, 9)))] if rng.random() < 0.6 else []), ui.heading(words.title(), 4), ui.text(words.sentence()), gap=2)
            for _ in range(columns)
        ]  # fmt: skip
        main.append(ui.grid(*tiles, columns=columns, gap=5))
    return _site(ui, words, rng, main, 0.4)


def blog(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    """Posts, the newest first."""
    t, main = words.t, []
    pictures, whole = rng.random() < 0.5, rng.random() < 0.4
    for _ in range(rng.randrange(2, 5)):
        title = ui.heading(words.title(), 2) if rng.random() < 0.5 else ui.link(words.sentence().rstrip("."))
        under = ui.row(
            ui.text(words.date(), "caption"), ui.link(words.person()), *([ui.link(words.tag())] if rng.random() < 0.5 else []), gap=2, wrap=True
        )
        picture = [ui.image(rng.choice(PICTURES), rng.choice((10, 14)))] if pictures and rng.random() < 0.7 else []
        text = [ui.text(words.paragraph()) for _ in range(rng.randrange(1, 4))] if whole else [ui.text(words.sentences(rng.randrange(1, 3)))]
        more = (
            [ui.link(t("Read more"))]
            if not whole and rng.random() < 0.7
            else [ui.link(f"{rng.randrange(0, 60)} {t('Comments')}")]
            if rng.random() < 0.4
            else []
        )
        main.append(ui.column(title, under, *picture, *text, *more, gap=2))
    if rng.random() < 0.8:
        main.append(ui.row(ui.link(t("Previous")), ui.link(t("Next")), justify="between") if rng.random() < 0.5 else _pages(ui, rng))
    if rng.random() < 0.3:
        main.insert(0, ui.row(ui.grow(ui.heading(words.t(words.section()), 1)), _pages(ui, rng), wrap=True))
    return _site(ui, words, rng, main, 0.6)


def news(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    """Headlines: a large one with its picture, smaller ones beside and below."""
    t = words.t
    columns = 1 if ui.room < 520 else rng.choice((2, 3, 3, 4))
    lead = [
        ui.image(rng.choice(("photo", "photo", "city", "landscape")), rng.choice((12, 16, 20))),
        ui.heading(words.sentence().rstrip("."), 1),
        ui.text(words.sentences(2)),
    ]
    main: list[F] = []
    if rng.random() < 0.7:
        main.append(
            ui.column(*lead, gap=2)
            if columns == 1 or rng.random() < 0.4
            else ui.row(ui.grow(ui.column(*lead, gap=2)), ui.box(_links(ui, words, rng, rng.randrange(4, 9)), width=16), gap=5, align="start")
        )
    with_pictures = rng.random() < 0.7
    tiles = []
    for _ in range(columns * rng.randrange(1, 4)):
        name = ui.link(words.sentence().rstrip(".")) if rng.random() < 0.6 else ui.heading(words.title(), 4)
        about = [ui.text(words.date(), "caption")] if rng.random() < 0.5 else [ui.text(words.sentence(), "small")] if rng.random() < 0.5 else []
        picture = ui.image(rng.choice(PICTURES), rng.choice((6, 8))) if with_pictures else None
        if picture is not None and columns == 1 and rng.random() < 0.6:
            tiles.append(ui.row(ui.grow(ui.column(name, *about, gap=1)), ui.box(picture, width=7), gap=3, align="start"))
        else:
            tiles.append(ui.column(*([picture] if picture is not None else []), name, *about, gap=1))
    main.append(ui.grid(*tiles, columns=columns, gap=4))
    if rng.random() < 0.7:
        main.insert(rng.choice((1, len(main))), ui.link(t("View all")) if rng.random() < 0.2 else _pages(ui, rng))
    return _site(ui, words, rng, main, 0.35)


def handbook(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    """Instructions: chapters at the side, text, code, a table, the way to the next chapter."""
    t = words.t
    main: list[F] = []
    if rng.random() < 0.4:
        main.append(ui.breadcrumb([t("Documentation"), *distinct(lambda: t(words.section()), rng.randrange(1, 3))]))
    main.append(ui.heading(words.title(), 1))
    for _ in range(rng.randrange(2, 5)):
        main += _prose(ui, words, rng, rng.randrange(1, 3))
        kind = rng.random()
        if kind < 0.4:
            main.append(ui.box(ui.code([words.code_line() for _ in range(rng.randrange(1, 7))], numbers=rng.random() < 0.2), pad=3, tint=True))
        elif kind < 0.68:
            names = [t(words.column()) for _ in range(rng.randrange(2, 4))]
            main.append(
                ui.table(
                    names, [[words.word(), *(words.words(3) for _ in names[1:])] for _ in range(rng.randrange(2, 6))], grid_lines=rng.random() < 0.5
                )
            )
        elif kind < 0.78:
            main.append(ui.alert(words.sentence(), "info"))
    if rng.random() < 0.5:
        main.append(ui.row(ui.button(t("Previous"), variant="default"), ui.button(t("Next"), variant="default"), justify="between"))
    if ui.room > 620 and rng.random() < 0.4:
        chapters = tree(ui, words, rng, files=False, count=rng.randrange(3, 6))
        return _site(ui, words, rng, [ui.row(ui.box(chapters, width=14), ui.grow(ui.column(*main, gap=4)), gap=5, align="start")], 0, 0.5)
    return _site(ui, words, rng, main, 0.85, 0.5)


def directory(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    """Links by subject, and little else."""
    columns = max(1, min(4, int(ui.room // 240)))
    main: list[F] = [ui.heading(words.title(), 1)]
    if rng.random() < 0.6:
        main.append(ui.text(words.sentences(rng.randrange(1, 3))))
    groups = [
        ui.column(ui.heading(words.t(words.section()), rng.choice((3, 4))), _links(ui, words, rng, rng.randrange(2, 8)), gap=2)
        for _ in range(columns * rng.randrange(1, 3))
    ]
    main.append(ui.grid(*groups, columns=columns, gap=6))
    if rng.random() < 0.3:
        main.append(ui.row(*(ui.link(letter) for letter in "ABCDEFGHIKLMNOPRSTUVW"[: rng.randrange(8, 20)]), gap=3, wrap=True))
    if rng.random() < 0.4:
        main.append(_pages(ui, rng))
    return _site(ui, words, rng, main, 0.3)


def discussion(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    """What people answered, one below another, and a place to answer."""
    t = words.t
    main: list[F] = [ui.heading(words.question() if rng.random() < 0.5 else words.title(), 1)]
    faces = rng.random() < 0.6
    for _ in range(rng.randrange(2, 6)):
        who = words.person()
        body = [ui.text(words.sentences(rng.randrange(1, 4))) for _ in range(rng.randrange(1, 3))]
        foot = [ui.row(ui.link(t("Reply")), ui.link(t("Share")), gap=3)] if rng.random() < 0.6 else []
        post = ui.column(ui.row(ui.link(who), ui.text(words.date(), "caption"), gap=2, wrap=True), *body, *foot, gap=1)
        main.append(ui.row(ui.avatar(who, 2.6), ui.grow(post), gap=3, align="start") if faces else post)
    answer = ui.column(
        ui.text_area(t("Comment"), words.message() if rng.random() < 0.3 else "", t("Comment"), rng.randrange(3, 7)),
        ui.button(t("Send"), variant="primary"),
        gap=2,
    )
    main.insert(rng.choice((1, len(main))), answer)
    return _site(ui, words, rng, main, 0.35)


FAMILIES = {
    name: Family(make, ("web", "mobile"), turns)
    for name, make, turns in (("home_page", home_page, 6), ("blog", blog, 4), ("news", news, 4), ("handbook", handbook, 3), ("directory", directory, 3), ("discussion", discussion, 4))
}  # fmt: skip
