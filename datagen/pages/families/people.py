"""Pages about people and what they say to each other: accounts, profiles, conversations, feeds."""

from random import Random

from datagen.content import icons
from datagen.content.words import Words
from datagen.pages.families import Family
from datagen.pages.shell import Content
from datagen.pages.ui import Entry, F, Ui


def sign_up(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    t = words.t
    fields: list[F] = []
    names = [ui.field(t(key), ui.text_field(t(key), words.field_value(key) if rng.random() < 0.5 else "")) for key in ("First name", "Last name")]
    fields.append(ui.grid(*names, columns=2 if ui.room > 360 and rng.random() < 0.6 else 1))
    fields.append(
        ui.field(t("Email"), ui.text_field(t("Email"), words.email() if rng.random() < 0.5 else "", "name@example.com"), required=rng.random() < 0.3)
    )
    if rng.random() < 0.35:
        fields.append(ui.field(t("Phone"), ui.text_field(t("Phone"), "", words.phone(), icon="phone" if rng.random() < 0.5 else None)))
    if rng.random() < 0.4:
        fields.append(ui.field(t("Country"), ui.combo_box(t("Country"), words.option("Country"))))
    if rng.random() < 0.4:
        fields.append(ui.field(t("Date of birth"), ui.date_picker(t("Date of birth"), words.date(), words.date_iso())))
    short = ui.state == "error"
    hint = t("Use at least eight characters.") if rng.random() < 0.5 else None
    fields.append(
        ui.field(
            t("Password"),
            ui.password_field(t("Password"), rng.randrange(0, 14), invalid=short or None),
            hint,
            t("Password is too short.") if short else None,
        )
    )
    if rng.random() < 0.4:
        fields.append(ui.field(t("Repeat password"), ui.password_field(t("Repeat password"), rng.randrange(0, 14))))
    if rng.random() < 0.3:
        fields.append(ui.progress(rng.random(), t("Password strength")))
    if rng.random() < 0.35:
        fields.append(ui.row(*(ui.radio(t(name), i == 0, "plan") for i, name in enumerate(("Personal", "Business"))), gap=4, wrap=True))
    fields.append(ui.checkbox(t("I agree to the terms"), rng.random() < 0.5))
    if rng.random() < 0.5:
        fields.append(ui.checkbox(t("Send me news"), rng.random() < 0.5))
    fields.append(ui.button(t("Create account"), variant="primary", wide=rng.random() < 0.7, busy=ui.state == "loading"))
    fields.append(ui.row(ui.text(t("Already have an account?"), "muted"), ui.link(t("Sign in")), gap=2, wrap=True))
    head = [ui.heading(t("Create account"), 1)] + ([ui.text(words.sentence(), "muted")] if rng.random() < 0.5 else [])
    column = ui.column(*head, *fields, gap=3)
    width: float | None = rng.choice((24, 28, 34))
    body = ui.card(column) if rng.random() < 0.5 else column
    if ui.room > 760 and rng.random() < 0.5:
        body = ui.grid(
            body,
            ui.column(
                ui.image(rng.choice(("landscape", "gradient", "photo")), 20), ui.heading(words.title(), 3), ui.text(words.sentences(2), "muted")
            ),
            columns=2,
            gap=6,
        )
        width = None
    return Content(title=t("Create account"), parts=(body,), chrome="bare", icon="person-add", width=width, plain_title=True)


def profile(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    t = words.t
    who = words.person()
    centred = ui.room < 460 or rng.random() < 0.3
    lines = [ui.heading(who, 2), ui.text(f"@{words.user_name()}" if rng.random() < 0.5 else words.job(), "muted")]
    if rng.random() < 0.6:
        lines.append(ui.row(ui.icon("location", tone="muted"), ui.text(words.city(), "muted"), gap=1, justify="center" if centred else "start"))
    actions = [
        ui.button(t(rng.choice(("Follow", "Edit profile", "Message"))), variant="primary"),
        ui.button(t(rng.choice(("Share", "Message", "Add"))), variant="default"),
    ]
    actions = actions[: rng.randrange(1, 3)] + ([ui.icon_button("more", variant="default")] if rng.random() < 0.5 else [])
    avatar = ui.avatar(who, rng.choice((4, 5.5, 7)))
    if centred:
        head = ui.column(
            ui.row(avatar, justify="center"), *(ui.row(line, justify="center") for line in lines), ui.row(*actions, justify="center"), gap=2
        )
    else:
        head = ui.row(avatar, ui.grow(ui.column(*lines, gap=1)), *actions, gap=4)
    parts: list[F] = []
    if rng.random() < 0.4:
        parts.append(ui.image(rng.choice(("landscape", "gradient", "photo")), rng.choice((6, 8, 10))))
    parts.append(head)
    figures = [(words.count(), t(name)) for name in rng.sample(("Followers", "Following", "Posts", "Photos", "Likes", "Projects", "Reviews"), 3)]
    if rng.random() < 0.7:
        parts.append(
            ui.grid(*(ui.column(ui.text(number, "strong"), ui.text(name, "caption"), gap=0, align="center") for number, name in figures), columns=3)
        )
    if rng.random() < 0.6:
        parts.append(ui.text(words.sentences(rng.randrange(1, 4))))
    if rng.random() < 0.4:
        parts.append(ui.row(*(ui.chip(words.tag()) for _ in range(rng.randrange(3, 7))), wrap=True))
    sections = rng.sample(("Posts", "Photos", "About", "Reviews", "Activity", "Likes"), rng.randrange(2, 5))
    parts.append(ui.tabs([t(name) for name in sections], rng.randrange(len(sections))))
    kind = rng.random()
    if ui.state == "loading":
        parts += [ui.skeleton(4), ui.skeleton(3), ui.row(ui.spinner(), justify="center")]
    elif kind < 0.35:
        columns = 3 if ui.room < 600 else rng.choice((3, 4, 5))
        parts.append(
            ui.grid(
                *(ui.image(rng.choice(("photo", "landscape", "portrait", "gradient")), 6) for _ in range(columns * rng.randrange(2, 4))),
                columns=columns,
                gap=1,
            )
        )
    elif kind < 0.65:
        facts = [
            (icon, text)
            for icon, text in (
                ("briefcase", words.company()),
                ("envelope", words.email()),
                ("phone", words.phone()),
                ("link", words.domain()),
                ("calendar", words.date()),
            )
        ]
        parts.append(
            ui.list(*(ui.list_item(text, leading=ui.icon(icon)) for icon, text in rng.sample(facts, rng.randrange(2, 6))), framed=rng.random() < 0.5)
        )
    else:
        parts += [_post(ui, words, rng, who) for _ in range(rng.randrange(2, 4))]
    return Content(title=t("Profile"), parts=tuple(parts), icon="person", width=rng.choice((None, 48)), plain_title=rng.random() < 0.8)


def _post(ui: Ui[F], words: Words, rng: Random, who: str | None = None) -> F:
    who = who or words.person()
    head = ui.row(
        ui.avatar(who, 2.5),
        ui.grow(ui.text(who, "strong"), ui.text(words.duration() if rng.random() < 0.5 else words.date(), "caption")),
        ui.icon_button("more"),
        gap=3,
    )
    body = [ui.text(words.sentences(rng.randrange(1, 4)))]
    if rng.random() < 0.3:
        body.append(ui.row(*(ui.link(f"#{words.word()}") for _ in range(rng.randrange(1, 4))), wrap=True))
    if rng.random() < 0.55:
        body.append(ui.image(rng.choice(("photo", "landscape", "poster", "gradient", "food", "product")), rng.choice((9, 12, 15)), rounded=True))
    elif rng.random() < 0.15:
        body.append(ui.video_player(14, words.title(), rng.random()))
    elif rng.random() < 0.15:
        body += [ui.column(ui.text(words.word()), ui.progress(rng.random()), gap=1) for _ in range(rng.randrange(2, 4))]
    liked = rng.random() < 0.4
    if rng.random() < 0.5:
        foot = ui.row(
            *(
                ui.row(ui.icon_button(name, pressed=liked if name == "heart" else None), ui.text(words.count(), "small"), gap=1)
                for name in ("heart", "chat", "share")
            ),
            gap=4,
        )
    else:
        foot = ui.row(
            *(
                ui.button(words.t(name), icon=icon, variant="text", size="small")
                for name, icon in (("Like", "thumbs-up"), ("Comment", "chat"), ("Share", "share"))
            ),
            gap=2,
        )
    return ui.card(head, *body, foot)


def feed(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    t = words.t
    parts: list[F] = []
    if rng.random() < 0.4:
        stories = [
            ui.column(ui.avatar(words.person(), 3.5), ui.text(words.first_name(), "caption"), gap=1, align="center")
            for _ in range(max(3, int(ui.room // 90)))
        ]
        parts.append(ui.row(*stories, gap=3))
    if rng.random() < 0.5:
        compose = ui.row(
            ui.avatar(words.person()), ui.grow(ui.text_area(t("What is new?"), placeholder=t("What is new?"), rows=2)), gap=3, align="start"
        )
        tools = ui.row(
            *(ui.icon_button(name) for name in ("image", "smile", "location", "attach")),
            ui.grow(),
            ui.button(t("Post"), variant="primary", size="small"),
            gap=1,
        )
        parts.append(ui.card(compose, tools))
    if rng.random() < 0.4:
        parts.append(ui.tabs([t("For you"), t("Following"), *([t("Trending")] if rng.random() < 0.5 else [])], 0))
    if ui.state == "loading":
        parts += [ui.card(ui.skeleton(3)), ui.row(ui.spinner(), justify="center"), ui.card(ui.skeleton(4))]
    parts += [_post(ui, words, rng) for _ in range(rng.randrange(2, 5))]
    column = ui.column(*parts, gap=4)
    if ui.room > 820 and rng.random() < 0.6:
        follow = [
            ui.list_item(words.person(), f"@{words.user_name()}", ui.avatar(words.person(), 2), ui.button(t("Follow"), size="small"))
            for _ in range(rng.randrange(2, 5))
        ]
        trends = ui.card(
            *(ui.column(ui.link(f"#{words.word()}"), ui.text(words.count(), "caption"), gap=0) for _ in range(rng.randrange(3, 6))),
            title=t("Trending"),
        )
        column = ui.row(ui.grow(column), ui.box(ui.column(ui.search_field(t("Search")), ui.card(ui.list(*follow, framed=False), title=t("Who to follow")), trends, gap=4), width=20),
                        gap=5, align="start")  # fmt: skip
    return Content(
        title=t("Feed"), parts=(column,), icon="rss", width=rng.choice((None, 40)) if ui.room <= 820 else None, plain_title=rng.random() < 0.6
    )


def chat(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    t = words.t
    who = words.person()
    bubbles: list[F] = []
    if rng.random() < 0.5:
        bubbles.append(ui.row(ui.text(words.date(), "caption"), justify="center"))
    for _ in range(rng.randrange(4, 11)):
        mine = rng.random() < 0.45
        inner = ui.image("photo", 8, 13, rounded=True) if rng.random() < 0.08 else ui.text(words.message())
        bubble = ui.box(inner, *([ui.text(words.time(), "caption")] if rng.random() < 0.5 else []), pad=2, tint=not mine, border=mine)
        side = ui.box(width=max(2, ui.room * 0.012))
        bubbles.append(
            ui.row(side, bubble, justify="end") if mine else ui.row(*([ui.avatar(who, 1.9)] if rng.random() < 0.5 else []), bubble, side, align="end")
        )
    if ui.state == "loading":
        bubbles.append(ui.row(ui.spinner(1.4), ui.text(t("Typing"), "muted")))
    field = ui.text_field(t("Message"), words.message() if rng.random() < 0.3 else "", t("Write a message"))
    foot = ui.box(
        ui.row(
            ui.icon_button("attach"),
            *([ui.icon_button("smile")] if rng.random() < 0.5 else []),
            ui.grow(field),
            ui.icon_button("send", variant="primary"),
            gap=2,
        ),
        pad=2,
    )
    head = ui.box(
        ui.row(
            ui.avatar(who),
            ui.grow(ui.text(who, "strong"), ui.text(t("Online"), "caption")),
            ui.icon_button("phone"),
            ui.icon_button("video"),
            ui.icon_button("info"),
            gap=3,
        ),
        pad=2,
    )
    talk = ui.column(*([head] if ui.platform != "mobile" or rng.random() < 0.3 else []), ui.pane(*bubbles, pad=3), foot, gap=0, fill=True)
    if ui.room < 620:
        return Content(title=who, parts=(talk,), fill=True, icon="chat")
    items = []
    chosen = rng.randrange(5)
    for i in range(rng.randrange(6, 13)):
        name = words.person()
        badge = ui.badge(str(rng.randrange(1, 20)), "primary") if rng.random() < 0.25 else None
        items.append(ui.list_item(name, words.message()[:40], ui.avatar(name, 2.5), badge, i == chosen, words.time()))
    people = ui.box(
        ui.column(ui.box(ui.search_field(t("Search")), pad=2), ui.pane(ui.list(*items, framed=False), pad=0), gap=0, fill=True),
        width=rng.choice((17, 20)),
    )
    return Content(title=t("Messages"), parts=(ui.row(people, talk, gap=0, align="stretch", fill=True),), fill=True, icon="chats")


def notifications(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    t = words.t
    parts: list[F] = []
    if rng.random() < 0.5:
        parts.append(ui.row(*(ui.chip(t(name), i == 0) for i, name in enumerate(("All", "Unread", "Mentions", "System"))), wrap=True))
    for section in rng.sample(("Today", "Yesterday", "This week", "Earlier"), rng.randrange(1, 4)):
        items = []
        for _ in range(rng.randrange(2, 7)):
            kind = rng.random()
            content, tone = words.alert()
            if kind < 0.5:
                who = words.person()
                items.append(
                    ui.list_item(
                        who,
                        words.message(),
                        ui.avatar(who, 2.3),
                        ui.button(t(rng.choice(("Reply", "View", "Accept"))), size="small") if rng.random() < 0.3 else None,
                        meta=words.time(),
                    )
                )
            else:
                glyph = {"success": "check-circle", "warning": "warning", "danger": "error"}.get(tone, "info")
                trailing = ui.badge(t("New"), "primary") if rng.random() < 0.4 else ui.icon_button("close") if rng.random() < 0.4 else None
                items.append(
                    ui.list_item(
                        content,
                        words.sentence() if rng.random() < 0.5 else None,
                        ui.icon(glyph, 1.5),
                        trailing,
                        ui.state == "selected" and rng.random() < 0.4,
                        words.duration(),
                    )
                )
        parts.append(ui.column(ui.heading(t(section), 4), ui.list(*items, framed=rng.random() < 0.5)))
    if ui.state == "loading":
        parts.append(ui.row(ui.spinner(), justify="center"))
    return Content(
        title=t("Notifications"),
        parts=tuple(parts),
        icon="bell",
        width=rng.choice((None, 44)),
        tools=(ui.button(t("Mark all as read"), variant="text", size="small"),) if rng.random() < 0.5 else (),
    )


def contacts(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    t = words.t
    chosen = rng.randrange(6) if ui.state == "selected" or rng.random() < 0.3 else -1
    names = sorted(words.person() for _ in range(rng.randrange(6, 16)))
    items = []
    for i, name in enumerate(names):
        trailing = rng.choice((None, ui.icon_button("phone"), ui.icon("chevron-right"), ui.checkbox(name, i == chosen, show_label=False)))
        items.append(ui.list_item(name, rng.choice((None, words.phone(), words.email(), words.job())), ui.avatar(name, 2.4), trailing, i == chosen))
    listed = ui.column(ui.search_field(t("Search")), ui.list(*items, framed=rng.random() < 0.4), gap=3)
    if ui.room < 640 or rng.random() < 0.3:
        return Content(title=t("Contacts"), parts=(listed,), icon="address-book")
    who = names[0]
    entries = [Entry(t(name), icon) for name, icon in (("Call", "phone"), ("Message", "chat"), ("Email", "envelope"), ("Edit", "pencil"))]
    card = ui.card(
        ui.row(ui.avatar(who, 4.5), ui.grow(ui.heading(who, 3), ui.text(words.company(), "muted")), gap=4),
        ui.row(*(ui.button(entry.label, entry.icon, size="small") for entry in entries[: rng.randrange(2, 5)]), wrap=True),
        ui.list(*(ui.list_item(text, label, ui.icon(icon)) for text, label, icon in (
            (words.phone(), t("Mobile"), "phone"), (words.email(), t("Work"), "envelope"), (words.street(), t("Address"), "location"), (words.date(), t("Birthday"), "cake"))), framed=False),
        ui.field(t("Notes"), ui.text_area(t("Notes"), words.sentences(2), rows=3)),
    )  # fmt: skip
    return Content(title=t("Contacts"), parts=(ui.row(ui.box(listed, width=19), ui.grow(card), gap=5, align="start"),), icon="address-book")


def onboarding(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    t = words.t
    count, here = rng.randrange(3, 6), rng.randrange(3)
    art = (
        ui.image(rng.choice(("landscape", "gradient", "portrait", "product", "photo")), rng.choice((11, 14, 18)), rounded=rng.random() < 0.5)
        if rng.random() < 0.7
        else ui.row(ui.icon(rng.choice(icons.concepts("thing")), 6, "primary"), justify="center")
    )
    parts: list[F] = [art, ui.heading(words.title(), 1), ui.text(words.sentences(rng.randrange(1, 3)), "muted")]
    if rng.random() < 0.35:
        chosen = rng.randrange(4)
        parts.append(ui.row(*(ui.chip(words.tag(), i == chosen) for i in range(rng.randrange(4, 9))), wrap=True))
    elif rng.random() < 0.3:
        parts.append(
            ui.list(
                *(
                    ui.list_item(
                        words.setting()[0], None, ui.icon(rng.choice(icons.concepts("thing")), 1.4), ui.switch(t("Allow"), rng.random() < 0.5)
                    )
                    for _ in range(3)
                )
            )
        )
    if rng.random() < 0.8:
        parts.append(ui.page_dots(count, here))
    parts.append(ui.button(t(rng.choice(("Next", "Get started", "Continue"))), variant="primary", wide=True, size=rng.choice(("normal", "large"))))
    if rng.random() < 0.7:
        parts.append(ui.row(ui.button(t("Skip"), variant="text"), justify="center"))
    return Content(
        title=t("Welcome"), parts=(ui.column(*parts, gap=5),), chrome="bare", icon="sparkles", width=rng.choice((24, 28, 34)), plain_title=True
    )


FAMILIES = {
    "sign_up": Family(sign_up, turns=2), "profile": Family(profile), "feed": Family(feed, ("web", "mobile")), "chat": Family(chat), "notifications": Family(notifications),
    "contacts": Family(contacts), "onboarding": Family(onboarding, ("web", "mobile")),
}  # fmt: skip
