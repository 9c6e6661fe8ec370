"""Pages of shops and of products that are sold: lists, a product, the cart, the checkout, prices, landing pages."""

from random import Random

from datagen.content import icons
from datagen.content.words import Words
from datagen.pages.families import Family
from datagen.pages.families.sections import (
    chart_card,
    choice,
    distinct,
    failed,
    filters,
    fit,
    labelled,
    notice,
    options_of,
    pages,
    stars,
    status,
    tree,
    waiting,
)
from datagen.pages.shell import Content
from datagen.pages.ui import Entry, F, Ui

PICTURES = ("product", "product", "photo", "food", "illustration")
PAYMENTS = ("Visa", "Mastercard", "PayPal", "Apple Pay", "Google Pay", "Klarna")


def price(ui: Ui[F], words: Words, rng: Random) -> F:
    """A price, now and then beside the one before and what is saved."""
    now = ui.text(words.price(), rng.choice(("strong", "strong", "danger", "primary")))
    before = [ui.text(words.price(), "muted")] if rng.random() < 0.25 else []
    saved = [ui.badge(f"-{rng.randrange(5, 75, 5)}%", "danger")] if rng.random() < 0.2 else []
    return ui.row(now, *before, *saved, gap=2, wrap=True)


def ware(ui: Ui[F], words: Words, rng: Random, look: int) -> F:
    """One product of a grid; the bits of `look` say what all of its cards show."""
    t = words.t
    if ui.state == "loading" and rng.random() < 0.8:
        return ui.card(ui.box(ui.skeleton(5), height=7), ui.skeleton(2))
    parts: list[F] = []
    if look & 1 and rng.random() < 0.6:
        parts.append(ui.row(rng.choice((ui.badge, ui.chip))(rng.choice((t("New"), t("Sale"), t("Bestseller"))))))
    if look & 8:
        parts.append(ui.text(words.brand(), "caption"))
    name = words.product()
    parts.append(ui.link(name) if look & 2 else ui.text(name, "strong" if look & 4 else "normal"))
    if look & 4:
        parts.append(stars(ui, words, rng, look & 0b1001 == 0))
    foot: list[F] = [ui.grow(price(ui, words, rng))]
    if look & 16:
        foot.append(ui.icon_button(rng.choice(("heart", "cart", "plus")), pressed=ui.chance("selected", 0.4, 0.02) or None))
    parts.append(ui.row(*foot, gap=2))
    if look & 32:
        parts.append(
            ui.button(
                t("Add to cart") if ui.room > 520 else t("Buy"),
                icon="cart" if rng.random() < 0.5 else None,
                variant="primary" if look & 1 else "default",
                size="small",
                wide=bool(look & 2),
            )
        )
    return ui.card(*parts, media=ui.image(rng.choice(PICTURES), rng.choice((9, 9, 11)) if look & 64 else 10), chosen=ui.chance("selected", 0.2, 0.01))


def wares(ui: Ui[F], words: Words, rng: Random, room: float, rows: int) -> F:
    """Products in a grid, or as long items one below another."""
    look = rng.randrange(128)
    columns = max(2, min(5, int(room // 215)))
    if rng.random() < 0.2:
        items = [_long_ware(ui, words, rng) for _ in range(rows * 2)]
        return ui.list(*items, framed=rng.random() < 0.5) if rng.random() < 0.5 else ui.column(*items, gap=3)
    return ui.grid(*(ware(ui, words, rng, look) for _ in range(columns * rows)), columns=columns)


def _long_ware(ui: Ui[F], words: Words, rng: Random) -> F:
    picture = ui.image(rng.choice(PICTURES), 5, 5, rounded=True)
    end = rng.choice(
        (
            lambda: ui.text(words.price(), "strong"),
            lambda: ui.icon_button("heart"),
            lambda: ui.button(words.t("Buy now"), size="small"),
            lambda: ui.stepper(words.t("Quantity"), 1),
        )
    )()
    return ui.list_item(
        words.product(), words.words(rng.randrange(3, 9)), picture, ui.box(end, width=8) if ui.room > 700 else end, ui.chance("selected", 0.3, 0.02)
    )


def product_list(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    t = words.t
    parts = notice(ui, words, rng, 0.06)
    if rng.random() < 0.25:
        parts.append(_banner(ui, words, rng, 9))
    if rng.random() < 0.25:
        shown = fit(ui, 130, 8, 3)
        parts.append(
            ui.grid(
                *(
                    ui.column(ui.image(rng.choice(PICTURES), 5, 5, rounded=True), ui.text(tag, "small"), gap=1, align="center")
                    for tag in distinct(words.tag, shown)
                ),
                columns=shown,
            )
        )
    order = ui.combo_box(t("Sort by"), words.option("Sort by"), rng.randrange(6))
    found = ui.text(f"{words.count()} {t('products')}", "muted")
    view = ui.button_group(*(ui.icon_button(name, variant="default", pressed=i == 0) for i, name in enumerate(("grid", "list"))))
    side = ui.room > 720 and rng.random() < 0.7
    room = ui.room - (260 if side else 0)
    if ui.room > 520:
        parts.append(
            ui.row(
                found,
                ui.grow(),
                *([ui.text(t("Sort by"), "small")] if rng.random() < 0.5 else []),
                ui.box(order, width=12),
                *([view] if rng.random() < 0.4 else []),
                gap=3,
            )
        )
    else:
        parts.append(
            ui.row(
                ui.button(t("Filter"), icon="filter", variant="default", size="small"),
                ui.button(t("Sort"), icon="sort", variant="default", size="small"),
                ui.grow(),
                found,
                gap=2,
            )
        )
    if not side or rng.random() < 0.3:
        chips = [
            ui.chip(tag, chosen=ui.chance("selected", 0.5, 0.15), removable=rng.random() < 0.3) for tag in distinct(words.tag, rng.randrange(3, 6))
        ]
        parts.append(ui.row(*chips, gap=2, wrap=ui.room > 520 or rng.random() < 0.5))
    if not side and ui.room > 720 and rng.random() < 0.6:
        boxes = [
            ui.box(ui.combo_box(t(key), words.option(key)), width=9)
            for key in rng.sample(("Category", "Color", "Size", "Material", "Condition"), rng.randrange(2, 5))
        ]
        parts.append(ui.row(*boxes, ui.switch(t("In stock only"), rng.random() < 0.5, show_label=True), gap=3, wrap=True))
    if ui.state == "error" and rng.random() < 0.4:
        body: F = failed(ui, words, rng)
    elif ui.state == "loading" and rng.random() < 0.2:
        body = waiting(ui, words, rng)
    else:
        body = wares(ui, words, rng, room, rng.randrange(2, 5))
    above = rng.random() < 0.4
    if above:
        parts.append(pages(ui, words, rng))
    shown_pages = [pages(ui, words, rng)] if not above and rng.random() < 0.7 else []
    if side:
        categories = [ui.column(ui.heading(t("Categories"), 5), tree(ui, words, rng, files=False))] if rng.random() < 0.4 else []
        column = ui.box(
            ui.column(
                *categories,
                *filters(ui, words, rng, rng.randrange(3, 6)),
                *([ui.button(t("Apply"), variant="primary", wide=True)] if rng.random() < 0.3 else []),
                gap=5,
            ),
            width=14,
        )
        parts.append(ui.row(column, ui.grow(ui.column(body, *shown_pages, gap=5)), gap=6, align="start"))
    else:
        parts += [body, *shown_pages]
    return Content(
        title=rng.choice((t("New arrivals"), t("Deals"), t("Shop"), words.tag(), t("Products"))),
        parts=tuple(parts),
        icon="bag",
        tools=(ui.icon_button("cart", badge=str(rng.randrange(1, 9))),) if rng.random() < 0.3 else (),
    )


# ---- one product -----------------------------------------------------------------------------------------------------------------------------


def product(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    t = words.t
    name = words.product()
    wide = ui.room > 640
    picture = ui.box(ui.skeleton(8), height=16) if ui.state == "loading" and rng.random() < 0.6 else _gallery(ui, words, rng, wide)
    facts = _product_facts(ui, words, rng, name)
    above = notice(ui, words, rng, 0.06)
    if rng.random() < 0.35:
        above.append(ui.breadcrumb([t("Home"), *(t(key) for key in rng.sample(("Shop", "Products", "Categories", "Deals"), 1)), name]))
    parts = [
        *above,
        ui.row(ui.box(picture, width=ui.room / 18 * rng.choice((0.42, 0.5))), ui.grow(ui.column(*facts, gap=4)), gap=8, align="start")
        if wide
        else ui.column(picture, *facts, gap=4),
    ]
    parts += [_product_more(ui, words, rng, kind) for kind in rng.sample(range(7), rng.randrange(1, 4))]
    return Content(title=name, parts=tuple(parts), icon="bag", plain_title=True)


def _gallery(ui: Ui[F], words: Words, rng: Random, wide: bool) -> F:
    kind = rng.choice(PICTURES)
    height = rng.choice((18, 22)) if wide else 15
    large = ui.image(kind, height, rounded=rng.random() < 0.5) if rng.random() < 0.7 else ui.video_player(height, words.product(), rng.random())
    draw = rng.random()
    if draw < 0.3:
        return ui.column(large, ui.row(ui.page_dots(rng.randrange(3, 7), rng.randrange(3)), justify="center"), gap=2)
    small = [ui.image(kind, 3.6, 3.6, rounded=True) for _ in range(rng.randrange(3, 6))]
    if draw < 0.5 and wide:
        return ui.row(ui.column(*small, gap=2), ui.grow(large), gap=3, align="start")
    if draw < 0.8:
        return ui.column(large, ui.row(*small, gap=2), gap=3)
    return ui.column(
        large,
        ui.row(
            ui.icon_button("chevron-left", variant="default"),
            ui.text(f"1 / {rng.randrange(2, 9)}", "small"),
            ui.icon_button("chevron-right", variant="default"),
            gap=3,
            justify="center",
        ),
        gap=2,
    )


def _product_facts(ui: Ui[F], words: Words, rng: Random, name: str) -> list[F]:
    t = words.t
    parts: list[F] = [ui.column(*([ui.text(words.brand(), "caption")] if rng.random() < 0.5 else []), ui.heading(name, rng.choice((1, 2))), gap=1)]
    if rng.random() < 0.8:
        parts.append(stars(ui, words, rng))
    amount = ui.row(
        ui.heading(words.price(), 3), *([ui.text(words.price(), "muted"), ui.badge(t("On sale"), "danger")] if rng.random() < 0.3 else []), gap=3
    )
    parts += [amount, *([ui.text(words.sentences(2))] if rng.random() < 0.7 else [])]
    for key in rng.sample(("Color", "Size", "Material", "Condition"), rng.randrange(1, 3)):
        parts.append(
            ui.field(
                t(key),
                choice(ui, words, rng, t(key), options_of(words, key, 6)),
                error=t("Please choose an option.") if ui.state == "error" and rng.random() < 0.6 else None,
            )
        )
    count = ui.box(ui.stepper(t("Quantity"), rng.randrange(1, 9)), width=9)
    cart = ui.button(
        t("Add to cart"),
        icon="cart" if rng.random() < 0.6 else None,
        variant="primary",
        size="large" if rng.random() < 0.4 else "normal",
        wide=ui.room < 640,
        busy=ui.state == "loading",
    )
    heart = ui.icon_button("heart", variant="default", pressed=True if ui.state == "selected" else None)
    parts.append(ui.row(count, cart, heart, gap=3) if ui.room > 640 or rng.random() < 0.3 else ui.column(ui.field(t("Quantity"), count), cart, gap=3))
    if rng.random() < 0.4:
        parts.append(ui.button(t("Buy now"), variant="default", wide=ui.room < 640))
    if rng.random() < 0.6:
        lines = ((t("Free delivery"), "truck"), (t("30 days to return"), "refresh"), (t("Secure payment"), "lock"), (t("In stock"), "check-circle"))[
            : rng.randrange(2, 5)
        ]
        parts.append(
            ui.column(
                *(
                    ui.row(ui.icon(icon, tone="success" if icon == "check-circle" else "muted"), ui.text(line, "small"), gap=2)
                    for line, icon in lines
                ),
                gap=2,
            )
        )
    if rng.random() < 0.2:
        parts.append(ui.row(ui.text(t("Gift wrapping")), ui.switch(t("Gift wrapping"), rng.random() < 0.5), gap=3))
    if rng.random() < 0.2:
        parts.append(ui.field(t("Delivery date"), ui.box(ui.date_picker(t("Delivery date"), words.date(), words.date_iso()), width=12)))
    return parts


def _product_more(ui: Ui[F], words: Words, rng: Random, kind: int) -> F:
    """A section that stands below a product; `kind` is 0 to 6."""
    t = words.t
    if kind == 0:
        return ui.column(ui.tabs([t("Description"), t("Reviews"), t("Shipping")][: rng.randrange(2, 4)], 0), ui.text(words.paragraph()), gap=3)
    if kind == 1:
        keys = ("Material", "Color", "Size", "Weight", "Condition", "Serial number")
        rows = [[t(key), words.field_value(key)] for key in rng.sample(keys, rng.randrange(3, 6))]
        return ui.column(ui.heading(t("Details"), 3), ui.table([t("Name"), t("Description")], rows, header=rng.random() < 0.4), gap=2)
    if kind == 2:
        columns = fit(ui, 210, 5, 2)
        head = ui.row(ui.grow(ui.heading(t("Related products"), 3)), ui.link(t("View all")), gap=2)
        return ui.column(head, ui.grid(*(ware(ui, words, rng, 4) for _ in range(columns)), columns=columns), gap=3)
    if kind == 3:
        return ui.column(ui.heading(t("Frequently asked questions"), 3), questions(ui, words, rng), gap=3)
    if kind == 4:
        return ui.column(ui.heading(t("Watch the video"), 3), ui.video_player(16 if ui.room > 640 else 11, words.product(), rng.random()), gap=3)
    if kind == 5:
        return chart_card(ui, words, rng, 11)
    return reviews(ui, words, rng)


def reviews(ui: Ui[F], words: Words, rng: Random) -> F:
    t = words.t
    parts: list[F] = [
        ui.row(ui.grow(ui.heading(t("Reviews"), 3)), ui.button(t("Write a review"), icon="edit" if rng.random() < 0.4 else None, size="small"), gap=2)
    ]
    bars = [
        ui.row(
            ui.text(str(i), "small"),
            ui.icon("star", tone="warning"),
            ui.grow(ui.progress(rng.random(), f"{i}")),
            ui.text(str(rng.randrange(900)), "caption"),
            gap=2,
        )
        for i in range(5, 0, -1)
    ]
    if rng.random() < 0.5:
        parts.append(ui.box(ui.column(*bars, gap=1), width=min(20, ui.room / 18)))
    for _ in range(rng.randrange(1, 4)):
        who = words.person()
        head = ui.row(ui.avatar(who), ui.grow(ui.text(who, "strong"), stars(ui, words, rng)), ui.text(words.date(), "caption"), gap=3)
        foot = (
            [ui.row(ui.button(t("Helpful"), icon="thumbs-up", size="small", variant="text"), ui.icon_button("flag"), gap=1)]
            if rng.random() < 0.4
            else []
        )
        parts.append(
            ui.card(head, ui.text(words.sentences(2)), *foot)
            if rng.random() < 0.5
            else ui.column(head, ui.text(words.sentences(2)), *foot, ui.divider(), gap=2)
        )
    if rng.random() < 0.3:
        parts += [
            ui.text_area(t("Comment"), words.sentence() if rng.random() < 0.4 else "", t("Write a comment…")),
            ui.button(t("Send"), variant="primary"),
        ]
    return ui.column(*parts, gap=3)


def questions(ui: Ui[F], words: Words, rng: Random) -> F:
    """Questions that unfold their answers; some are open."""
    items = []
    for question in distinct(words.question, rng.randrange(3, 6)):
        open_ = rng.random() < 0.3
        items.append(
            ui.list_item(question, words.sentences(2) if open_ else None, trailing=ui.icon("chevron-up" if open_ else "chevron-down", tone="muted"))
        )
    return ui.list(*items, framed=rng.random() < 0.6)


# ---- cart and checkout -----------------------------------------------------------------------------------------------------------------------


def summary(ui: Ui[F], words: Words, rng: Random, action: str) -> F:
    """What the order comes to."""
    t = words.t
    lines = [t("Subtotal"), t("Shipping"), t("Tax"), t("Discount")][: rng.randrange(2, 5)]
    rows: list[F] = [ui.row(ui.grow(ui.text(line, "muted")), ui.text(words.price()), gap=2) for line in lines]
    rows += [ui.divider(), ui.row(ui.grow(ui.text(t("Total"), "strong")), ui.text(words.price(), "strong"), gap=2)]
    wrong = ui.state == "error" and rng.random() < 0.5
    code = ui.row(
        ui.grow(
            ui.text_field(t("Coupon code"), words.field_value("Coupon code") if wrong or rng.random() < 0.3 else "", t("Coupon code"), invalid=wrong)
        ),
        ui.button(t("Apply"), variant="default"),
        gap=2,
    )
    if rng.random() < 0.5:
        rows.insert(rng.choice((0, len(lines))), ui.column(code, *([ui.text(t("This code is not valid."), "danger")] if wrong else []), gap=1))
    rows.append(ui.button(action, icon="lock" if rng.random() < 0.3 else None, variant="primary", wide=True, busy=ui.state == "loading"))
    if rng.random() < 0.4:
        rows.append(ui.row(ui.icon("lock", tone="muted"), ui.text(t("Secure payment"), "caption"), gap=1, justify="center"))
    if rng.random() < 0.25:
        rows.append(ui.row(*(ui.badge(name, "neutral") for name in rng.sample(PAYMENTS, 3)), gap=1, justify="center"))
    return ui.card(*rows, title=t("Order summary")) if rng.random() < 0.75 else ui.column(ui.heading(t("Order summary"), 4), *rows, gap=2)


def cart(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    t = words.t
    count = rng.randrange(1, 6)
    empty = ui.state != "loading" and rng.random() < 0.07
    boxes = not empty and ui.room > 480 and rng.random() < 0.4
    parts = notice(ui, words, rng, 0.1)
    if ui.state == "loading" and rng.random() < 0.5:
        goods: F = waiting(ui, words, rng)
    elif empty:
        goods = ui.column(
            ui.icon("cart", 3.5, "muted"),
            ui.heading(t("Your cart is empty"), 3),
            ui.button(t("Continue shopping"), variant="primary"),
            align="center",
            gap=3,
        )
    elif ui.room > 1000 and rng.random() < 0.6:
        rows: list[list[F | str]] = []
        for _ in range(count):
            name = ui.row(
                ui.image(rng.choice(PICTURES), 3.4, 3.4, rounded=True),
                ui.column(ui.link(words.product()), ui.text(words.tag(), "caption"), gap=0),
                gap=3,
            )
            rows.append(
                [
                    name,
                    words.price(),
                    ui.box(ui.stepper(t("Quantity"), rng.randrange(1, 5)), width=9),
                    words.price(),
                    ui.icon_button(rng.choice(("trash", "close"))),
                ]
            )
        goods = ui.table([t("Product"), t("Price"), t("Quantity"), t("Total"), t("Actions")], rows, numeric=[3])
    elif boxes or rng.random() < 0.5:
        goods = ui.list(*(_cart_item(ui, words, rng, boxes) for _ in range(count)), framed=rng.random() < 0.5)
    else:
        goods = ui.column(*(ui.card(_cart_line(ui, words, rng)) for _ in range(count)), gap=3)
    if boxes:
        parts.append(ui.row(ui.grow(ui.checkbox(t("Select all"), ui.state == "selected")), ui.link(t("Delete selected")), gap=2))
    below: list[F] = []
    if not empty and rng.random() < 0.35:
        below.append(
            ui.row(
                ui.button(t("Continue shopping"), icon="arrow-left", variant="text"),
                ui.grow(),
                ui.button(t("Clear cart"), variant="text"),
                gap=2,
                wrap=True,
            )
        )
    if not empty and rng.random() < 0.3:
        below.append(ui.field(t("Message"), ui.text_area(t("Message"), "", t("Notes"), rows=2)))
    if not empty and rng.random() < 0.2:
        below.append(ui.column(ui.text(t("Almost free delivery"), "small"), ui.progress(rng.uniform(0.3, 0.95), t("Free delivery")), gap=1))
    goods = ui.column(goods, *below, gap=4)
    total = [] if empty else [summary(ui, words, rng, rng.choice((t("Checkout"), t("Continue"), t("Place order"))))]
    if total and ui.room > 700:
        parts.append(ui.row(ui.grow(goods), ui.box(*total, width=18), gap=6, align="start"))
    else:
        parts += [goods, *total]
    if empty or rng.random() < 0.3:
        columns = fit(ui, 210, 4, 2)
        parts.append(
            ui.column(ui.heading(t("Recommended for you"), 3), ui.grid(*(ware(ui, words, rng, 32) for _ in range(columns)), columns=columns), gap=3)
        )
    return Content(title=t("Cart"), parts=tuple(parts), icon="cart")


def _cart_item(ui: Ui[F], words: Words, rng: Random, boxes: bool) -> F:
    name = words.product()
    chosen = ui.chance("selected", 0.5, 0.05)
    size = 4 if ui.room > 480 else 2.8
    picture = ui.image(rng.choice(PICTURES), size, size, rounded=True)
    leading = ui.row(ui.checkbox(name, chosen, show_label=False), picture, gap=2) if boxes else picture
    end = ui.column(ui.text(words.price(), "strong"), ui.box(ui.stepper(words.t("Quantity"), rng.randrange(1, 6)), width=9), gap=1, align="end")
    return ui.list_item(
        name, f"{words.tag()}, {words.field_value('Size')}", leading, ui.row(end, ui.icon_button("trash"), gap=1) if ui.room > 480 else end, chosen
    )


def _cart_line(ui: Ui[F], words: Words, rng: Random) -> F:
    t = words.t
    ways = ui.row(ui.link(t("Remove")), ui.link(t("Save for later")), gap=3) if rng.random() < 0.6 else ui.row(status(ui, words, rng))
    count = ui.box(
        ui.combo_box(t("Quantity"), [str(i) for i in range(1, 7)], rng.randrange(5))
        if rng.random() < 0.4
        else ui.stepper(t("Quantity"), rng.randrange(1, 6)),
        width=9,
    )
    told = ui.column(ui.text(words.product(), "strong"), ui.text(words.words(3), "caption"), ways, gap=1)
    return ui.row(
        ui.image(rng.choice(PICTURES), 5.5, 5.5, rounded=True),
        ui.grow(told),
        ui.column(ui.text(words.price(), "strong"), count, gap=2, align="end"),
        gap=4,
        align="start",
    )


def checkout(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    t = words.t
    parts = notice(ui, words, rng, 0.05)
    if rng.random() < 0.5:
        parts.append(ui.steps([t("Cart"), t("Delivery"), t("Payment"), t("Review")][: 3 if ui.room < 480 else 4], rng.randrange(1, 3)))
    makers = [_contact, _delivery, _payment, _shipping, _payment]
    drawn = makers[:4] if rng.random() < 0.4 else sorted(rng.sample(makers[:4], rng.randrange(1, 4)), key=makers.index)
    if ui.state == "loading" and rng.random() < 0.4:
        column: list[F] = [waiting(ui, words, rng)]
    else:
        carded = rng.random() < 0.4
        column = []
        for i, make in enumerate(drawn):
            title, inner = make(ui, words, rng)
            title = f"{i + 1}. {title}" if rng.random() < 0.3 else title
            column.append(ui.card(*inner, title=title) if carded else ui.column(ui.heading(title, 3), *inner, gap=3))
    if rng.random() < 0.4:
        column.append(ui.checkbox(t("I agree to the terms and conditions"), rng.random() < 0.5))
    column.append(
        ui.row(
            ui.link(t("Back to cart"), icon="arrow-left" if rng.random() < 0.5 else None),
            ui.grow(),
            ui.button(rng.choice((t("Place order"), t("Pay now"), t("Continue"))), variant="primary", busy=ui.state == "loading"),
            gap=3,
        )
    )
    goods = ui.list(
        *(
            ui.list_item(words.product(), words.tag(), ui.image(rng.choice(PICTURES), 2.8, 2.8, rounded=True), ui.text(words.price(), "small"))
            for _ in range(rng.randrange(1, 4))
        ),
        framed=False,
    )
    total = ui.column(*([goods] if rng.random() < 0.7 else []), summary(ui, words, rng, t("Place order")), gap=3)
    if ui.room > 760:
        parts.append(ui.row(ui.grow(ui.column(*column, gap=6)), ui.box(total, width=19), gap=7, align="start"))
    else:
        parts += [total, *column] if rng.random() < 0.25 else [*column, total]
    return Content(title=t("Checkout"), parts=tuple(parts), icon="credit-card", chrome="bare" if rng.random() < 0.2 else "app")


def _fields(ui: Ui[F], words: Words, rng: Random, *keys: str) -> F:
    return ui.grid(*(labelled(ui, words, rng, key) for key in keys), columns=2 if ui.room > 420 and rng.random() < 0.8 else 1, gap=3)


def _contact(ui: Ui[F], words: Words, rng: Random) -> tuple[str, list[F]]:
    t = words.t
    kind = rng.random()
    if kind < 0.4:
        return t("Sign in"), [
            labelled(ui, words, rng, "Email"),
            labelled(ui, words, rng, "Password"),
            ui.row(ui.button(t("Sign in"), variant="primary"), ui.link(t("Forgot password?")), gap=3),
        ]
    more = [ui.checkbox(t("Send me news and offers"), rng.random() < 0.5)] if rng.random() < 0.6 else []
    account = [labelled(ui, words, rng, "Password"), labelled(ui, words, rng, "Confirm password")] if kind > 0.7 else []
    return t("Contact information"), [_fields(ui, words, rng, "Email", "Phone"), *account, *more]


def _delivery(ui: Ui[F], words: Words, rng: Random) -> tuple[str, list[F]]:
    t = words.t
    if rng.random() < 0.3:
        group, chosen = f"address{rng.randrange(10**9)}", rng.randrange(2)
        known = [
            ui.list_item(
                words.person(),
                f"{words.street()}, {words.city()}",
                ui.radio(t("Address"), i == chosen, group, show_label=False),
                ui.link(t("Edit")),
                i == chosen,
            )
            for i in range(rng.randrange(2, 4))
        ]
        return t("Shipping address"), [ui.list(*known), ui.button(t("Add address"), icon="plus", variant="text")]
    same = ui.checkbox(t("Use as billing address"), rng.random() < 0.7)
    keys = ["First name", "Last name", "Street", "Apartment", "Postcode", "City", "Country", "Phone"]
    return t("Shipping address"), [_fields(ui, words, rng, *keys[: rng.randrange(5, 9)]), *([same] if rng.random() < 0.6 else [])]


def _shipping(ui: Ui[F], words: Words, rng: Random) -> tuple[str, list[F]]:
    t = words.t
    group, chosen = f"shipping{rng.randrange(10**9)}", rng.randrange(2)
    cards = rng.random() < 0.4 and ui.room > 520
    made = [
        ui.card(ui.radio(name, i == chosen, group), ui.text(words.duration(), "caption"), ui.text(words.price(), "strong"), chosen=i == chosen)
        if cards
        else ui.list_item(name, words.sentence(), ui.radio(name, i == chosen, group, show_label=False), ui.text(words.price(), "strong"), i == chosen)
        for i, name in enumerate(words.option("Shipping"))
    ]
    when = [ui.field(t("Delivery date"), ui.date_picker(t("Delivery date"), words.date(), words.date_iso()))] if rng.random() < 0.5 else []
    return t("Delivery"), [ui.grid(*made, columns=3) if cards else ui.list(*made), *when]


def _payment(ui: Ui[F], words: Words, rng: Random) -> tuple[str, list[F]]:
    t = words.t
    group, chosen = f"payment{rng.randrange(10**9)}", rng.randrange(2)
    names = [t("Credit card"), t("Bank transfer"), *rng.sample(PAYMENTS[2:], rng.randrange(1, 3))]
    kind = rng.random()
    if kind < 0.4:
        how = [
            ui.list(
                *(
                    ui.list_item(
                        name,
                        None,
                        ui.radio(name, i == chosen, group, show_label=False),
                        ui.icon("credit-card" if i == 0 else rng.choice(("bank", "wallet", "cash"))),
                        i == chosen,
                    )
                    for i, name in enumerate(names)
                )
            )
        ]
    elif kind < 0.7:
        how = [ui.column(*(ui.radio(name, i == chosen, group) for i, name in enumerate(names)), gap=2)]
    else:
        how = [ui.tabs(names[:3], 0)]
    secret = (
        ui.field(t("Security code"), ui.password_field(t("Security code"), rng.choice((0, 3))))
        if rng.random() < 0.6
        else labelled(ui, words, rng, "Security code")
    )
    card = [
        labelled(ui, words, rng, "Card number"),
        ui.grid(labelled(ui, words, rng, "Expiry date"), secret, columns=2),
        labelled(ui, words, rng, "Name on card"),
    ]
    return t("Payment method"), [*how, *card, *([ui.switch(t("Save this card"), rng.random() < 0.5, show_label=True)] if rng.random() < 0.4 else [])]


# ---- prices and landing pages ----------------------------------------------------------------------------------------------------------------


def _banner(ui: Ui[F], words: Words, rng: Random, height: float) -> F:
    """A picture with words and a button on it."""
    t = words.t
    told = ui.box(
        ui.column(
            ui.heading(words.title(), 2),
            ui.text(words.sentence()),
            ui.button(rng.choice((t("Shop now"), t("Learn more"), t("Get started"))), variant="primary"),
            gap=2,
        ),
        pad=4,
        tint=True,
        width=min(18, ui.room / 20),
    )
    return ui.place((0.04, 0.1, told), height=max(height, 13), back=ui.image(rng.choice(("landscape", "city", "gradient", "mesh", "photo")), height))


def plans(ui: Ui[F], words: Words, rng: Random) -> F:
    """Cards of plans with what each has."""
    t = words.t
    names = list(words.option("Plan"))[: fit(ui, 230, 4) if ui.room > 520 else 3]
    names = names if len(names) > 1 else list(words.option("Plan"))[:3]
    best = rng.randrange(len(names))
    per = t("per month")
    ticks = rng.random() < 0.8
    cards = []
    for i, name in enumerate(names):
        benefits = []
        for offer, _ in distinct(words.setting, rng.randrange(3, 7)):
            has = rng.random() < 0.7 + 0.1 * i
            benefits.append(
                ui.row(ui.icon("check" if has else "close", tone="success" if has else "muted"), ui.text(offer, "small"), gap=2)
                if ticks
                else ui.text(offer, "small")
            )
        badge = [ui.badge(t("Most popular"))] if i == best and rng.random() < 0.7 else []
        amount = ui.row(ui.heading(words.price() if i else t("Free"), 2), ui.text(f"/ {per}", "caption"), gap=1)
        button = ui.button(
            rng.choice((t("Get started"), t("Choose plan"), t("Buy now"))),
            variant="primary" if i == best else "default",
            wide=rng.random() < 0.7,
            busy=ui.state == "loading" and i == best,
        )
        body = [amount, *([ui.text(words.sentence(), "muted")] if rng.random() < 0.5 else [])]
        cards.append(
            ui.card(
                ui.row(ui.grow(ui.heading(name, 4)), *badge, gap=2),
                *body,
                *([button, *benefits] if rng.random() < 0.5 else [*benefits, button]),
                chosen=i == best and rng.random() < 0.6,
            )
        )
    return ui.grid(*cards, columns=len(cards) if ui.room > 520 else 1, gap=4)


def pricing(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    t = words.t
    middle = rng.random() < 0.6
    head = [ui.heading(rng.choice((t("Choose a plan"), t("Simple prices"), t("Pricing"))), 1), ui.text(words.sentence(), "muted")]
    chosen = rng.randrange(2)
    how = rng.choice((
        lambda: ui.row(ui.text(t("Monthly")), ui.switch(t("Yearly"), chosen == 1), ui.text(t("Yearly")), ui.badge("-20%", "success"), gap=2, justify="center" if middle else "start"),
        lambda: ui.row(ui.button_group(*(ui.button(t(name), variant="default", pressed=i == chosen) for i, name in enumerate(("Monthly", "Yearly")))), justify="center" if middle else "start"),
        lambda: ui.tabs([t("Monthly"), t("Yearly")], chosen),
    ))()  # fmt: skip
    parts: list[F] = [*notice(ui, words, rng, 0.05), ui.column(*head, gap=2, align="center" if middle else "stretch")]
    if rng.random() < 0.75:
        parts.append(how)
    if rng.random() < 0.25:
        seats = rng.randrange(1, 100)
        parts.append(
            ui.card(
                ui.row(ui.grow(ui.text(t("Members"), "strong")), ui.box(ui.stepper(t("Members"), seats), width=9), gap=3),
                ui.slider(t("Members"), seats / 100),
                ui.row(ui.grow(ui.text(t("Total"))), ui.heading(words.price(), 3), gap=2),
            )
        )
    parts.append(waiting(ui, words, rng) if ui.state == "loading" and rng.random() < 0.4 else plans(ui, words, rng))
    offers = list(words.option("Plan"))[: 2 if ui.room < 520 else 4]
    if rng.random() < 0.5:
        rows: list[list[F | str]] = [
            [name, *(ui.icon("check" if rng.random() < 0.6 else "minus") if rng.random() < 0.8 else str(rng.randrange(1, 100)) for _ in offers)]
            for name, _ in distinct(words.setting, rng.randrange(4, 10))
        ]
        parts.append(ui.column(ui.heading(t("Compare plans"), 3), ui.table([t("Features"), *offers], rows), gap=3))
    if rng.random() < 0.5:
        parts.append(ui.column(ui.heading(t("Frequently asked questions"), 3), questions(ui, words, rng), gap=3))
    if rng.random() < 0.3:
        parts.append(ui.card(ui.heading(t("Questions?"), 4), ui.text(words.sentence()), ui.button(t("Contact us"), variant="default")))
    return Content(title=t("Pricing"), parts=tuple(parts), icon="tag", plain_title=True, width=rng.choice((None, 64, 72)))


def landing_page(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    t = words.t
    parts: list[F] = [_hero(ui, words, rng)]
    makers = [_features, _features, _figures, _voices, _logos, _steps, _film, _newsletter, _popular, _call]
    parts += [
        waiting(ui, words, rng) if ui.state == "loading" and rng.random() < 0.4 else make(ui, words, rng)
        for make in rng.sample(makers, rng.randrange(3, 7))
    ]
    if rng.random() < 0.3:
        parts.append(plans(ui, words, rng))
    if rng.random() < 0.4:
        parts.append(ui.column(ui.heading(t("Frequently asked questions"), 2), questions(ui, words, rng), gap=3))
    if ui.platform == "web" and rng.random() < 0.5:
        columns = [
            ui.column(ui.text(t(words.destination()), "strong"), *(ui.link(t(words.destination())) for _ in range(rng.randrange(3, 6))), gap=1)
            for _ in range(fit(ui, 170, 4, 2))
        ]
        social = ui.row(*(ui.icon_button(name) for name in rng.sample(("globe", "rss", "chat", "camera", "envelope", "video"), 3)), gap=1)
        parts.append(
            ui.footer(
                ui.grid(*columns, columns=len(columns)),
                ui.row(ui.grow(ui.text(f"© {rng.randrange(2018, 2027)} {words.brand()}", "caption")), social, gap=2),
            )
        )
    return Content(
        title=words.brand(), parts=(*notice(ui, words, rng, 0.06), *parts), icon="rocket", plain_title=True, width=rng.choice((None, None, 68))
    )


def _hero(ui: Ui[F], words: Words, rng: Random) -> F:
    t = words.t
    kind = rng.random()
    if kind < 0.2:
        return _banner(ui, words, rng, rng.choice((16, 20)))
    above = [ui.row(rng.choice((ui.badge, ui.chip))(f"{t('New')}: {words.title()}"), justify="start")] if rng.random() < 0.4 else []
    buttons: list[F] = [ui.button(rng.choice((t("Get started"), t("Sign up"), t("Try it for free"))), variant="primary", size="large")]
    if rng.random() < 0.7:
        buttons.append(
            ui.button(
                rng.choice((t("Learn more"), t("Watch the video"))),
                icon="play" if rng.random() < 0.4 else None,
                variant=rng.choice(("default", "text")),
                size="large",
            )
        )
    if rng.random() < 0.3:
        buttons = [
            ui.grow(ui.text_field(t("Email"), "", "name@example.com", icon="envelope" if rng.random() < 0.5 else None, invalid=ui.state == "error")),
            buttons[0],
        ]
    proof = [stars(ui, words, rng)] if rng.random() < 0.3 else []
    told = [
        *above,
        ui.heading(words.sentence().rstrip("."), 1),
        ui.text(words.sentences(2), "muted"),
        ui.row(*buttons, gap=3, wrap=len(buttons) < 2 or ui.room < 420),
        *proof,
    ]
    picture = (
        ui.image(
            rng.choice(("illustration", "screenshot", "photo", "landscape", "mesh")), rng.choice((15, 18)) if ui.room > 640 else 12, rounded=True
        )
        if rng.random() < 0.85
        else ui.video_player(16, words.title(), rng.random())
    )
    if ui.room > 640 and kind < 0.7:
        order = [ui.column(*told, gap=4), picture]
        return ui.grid(*(order if rng.random() < 0.75 else order[::-1]), columns=2, gap=7)
    return ui.column(
        *told, *([picture] if rng.random() < 0.7 else []), gap=4, align="center" if ui.room > 640 and kind < 0.85 and len(buttons) < 3 else "stretch"
    )


def _features(ui: Ui[F], words: Words, rng: Random) -> F:
    t = words.t
    columns, carded, ways = fit(ui, 260, 4), rng.random() < 0.5, rng.random() < 0.3
    made = []
    for title, explanation in distinct(words.setting, max(3, columns) * (1 if rng.random() < 0.6 else 2)):
        inner = [
            ui.icon(rng.choice(icons.concepts("thing")), 2, "primary"),
            ui.heading(title, 4),
            ui.text(explanation, "muted"),
            *([ui.link(t("Learn more"), icon=None)] if ways else []),
        ]
        made.append(ui.card(*inner) if carded else ui.column(*inner, gap=2))
    return ui.column(ui.heading(t("Features"), 2), ui.grid(*made, columns=columns, gap=4), gap=4)


def _figures(ui: Ui[F], words: Words, rng: Random) -> F:
    columns = fit(ui, 180, 4, 2)
    if rng.random() < 0.3:
        return chart_card(ui, words, rng, 12)
    return ui.grid(
        *(ui.column(ui.heading(words.count(), 2), ui.text(words.t(words.metric()), "muted"), gap=1, align="center") for _ in range(columns)),
        columns=columns,
    )


def _voices(ui: Ui[F], words: Words, rng: Random) -> F:
    columns = fit(ui, 300, 3)
    made = []
    for _ in range(columns):
        who = words.person()
        above = [stars(ui, words, rng)] if rng.random() < 0.5 else [ui.icon("quote", 1.5, "primary")] if rng.random() < 0.5 else []
        made.append(
            ui.card(
                *above,
                ui.text(words.sentences(2)),
                ui.row(ui.avatar(who, 2.4), ui.column(ui.text(who, "strong"), ui.text(words.job(), "caption"), gap=0), gap=2),
            )
        )
    dots = [ui.row(ui.page_dots(rng.randrange(3, 6), 0), justify="center")] if columns == 1 or rng.random() < 0.3 else []
    return ui.column(ui.heading(words.t("What our customers say"), 2), ui.grid(*made, columns=columns, gap=4), *dots, gap=4)


def _logos(ui: Ui[F], words: Words, rng: Random) -> F:
    count = fit(ui, 130, 6, 3)
    return ui.column(
        ui.text(words.t("Trusted by"), "caption"),
        ui.row(*(ui.image("logo", 2.6, 6) for _ in range(count)), gap=5, justify="around"),
        gap=3,
        align="center",
    )


def _steps(ui: Ui[F], words: Words, rng: Random) -> F:
    columns = fit(ui, 260, 3)
    made = [ui.column(ui.badge(str(i + 1)), ui.heading(words.title(), 4), ui.text(words.sentence(), "muted"), gap=2, align="start") for i in range(3)]
    return ui.column(ui.heading(words.t("How it works"), 2), ui.grid(*made, columns=columns, gap=4), gap=4)


def _film(ui: Ui[F], words: Words, rng: Random) -> F:
    return ui.column(ui.heading(words.title(), 2), ui.video_player(18 if ui.room > 640 else 11, words.title(), rng.random()), gap=3)


def _newsletter(ui: Ui[F], words: Words, rng: Random) -> F:
    t = words.t
    wrong = ui.state == "error"
    field = ui.text_field(t("Email"), words.user_name() if wrong else "", "name@example.com", invalid=wrong)
    below = (
        [ui.text(t("Please enter a valid email address."), "danger")]
        if wrong
        else [ui.checkbox(t("I agree to the privacy policy"), rng.random() < 0.5)]
        if rng.random() < 0.5
        else []
    )
    return ui.card(
        ui.heading(t("Newsletter"), 3),
        ui.text(words.sentence(), "muted"),
        ui.row(ui.grow(field), ui.button(t("Subscribe"), variant="primary"), gap=2),
        *below,
    )


def _popular(ui: Ui[F], words: Words, rng: Random) -> F:
    t = words.t
    head = ui.row(ui.grow(ui.heading(t("Popular now"), 2)), ui.link(t("View all")), gap=2)
    return ui.column(head, wares(ui, words, rng, ui.room, 1), gap=3)


def _call(ui: Ui[F], words: Words, rng: Random) -> F:
    t = words.t
    return ui.box(
        ui.column(
            ui.heading(words.title(), 2),
            ui.text(words.sentence()),
            ui.button(t("Get started"), variant="primary"),
            gap=3,
            align=rng.choice(("center", "start")),
        ),
        pad=8,
        tint=True,
    )


def shop_home(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    """The first page of a shop: departments, offers, rows of products."""
    t = words.t
    parts = notice(ui, words, rng, 0.1)
    if rng.random() < 0.45:
        parts.append(ui.search_field(t("Search products")))
    if rng.random() < 0.7:
        parts.append(_banner(ui, words, rng, 12))
        if rng.random() < 0.4:
            parts.append(ui.row(ui.page_dots(rng.randrange(3, 7), 0), justify="center"))
    kinds = options_of(words, "Category", fit(ui, 140, 8, 4))
    if rng.random() < 0.6:
        tiles = [
            ui.card(ui.column(ui.icon(rng.choice(icons.concepts("thing")), 1.8, "primary"), ui.text(name, "small"), gap=1, align="center"))
            for name in kinds
        ]
        parts.append(ui.grid(*tiles, columns=max(4 if ui.room > 520 else 2, fit(ui, 140, 8))))
    else:
        parts.append(ui.row(*(ui.chip(name, chosen=i == 0) for i, name in enumerate(kinds)), gap=2, wrap=ui.room > 520))
    for _ in range(rng.randrange(2, 4)):
        title = t(rng.choice(("Popular now", "New arrivals", "Recommended for you", "Deals")))
        body = waiting(ui, words, rng) if ui.state == "loading" and rng.random() < 0.5 else wares(ui, words, rng, ui.room, 1)
        parts.append(ui.column(ui.row(ui.grow(ui.heading(title, 3)), ui.link(t("View all")), gap=2), body, gap=3))
    if rng.random() < 0.3:
        parts.append(_newsletter(ui, words, rng))
    side = None
    if ui.room > 820 and rng.random() < 0.3:
        side = ui.sidebar([Entry(name, rng.choice(icons.concepts("thing"))) for name in options_of(words, "Category", 10)], rng.randrange(4))
    return Content(title=words.brand(), parts=tuple(parts), side=side, icon="shop", plain_title=True)


FAMILIES = {
    "product_list": Family(product_list), "product": Family(product), "cart": Family(cart, turns=2), "checkout": Family(checkout), "pricing": Family(pricing, ("web", "mobile")),
    "landing_page": Family(landing_page, ("web", "mobile")), "shop_home": Family(shop_home),
}  # fmt: skip
