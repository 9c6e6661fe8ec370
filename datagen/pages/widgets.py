"""Single widgets as HTML. Each marks itself with `data-c="<class of the taxonomy>"`; whatever bears no mark is layout.

Every function takes the `Random` it draws from first. Strings that come in are text and are escaped here; strings that go out are HTML.
"""

from html import escape
from random import Random

from datagen.kits import icon_svg
from datagen.pages import words

VARIANTS = ("primary", "secondary", "success", "danger", "warning", "info")


def tag(name: str, /, *children: str, c: str | None = None, cls: str = "", **attributes: object) -> str:
    """One element. `c` is its class in the taxonomy; a value of True writes a bare attribute, None or False none; `_` becomes `-`."""
    parts = [name]
    if c:
        parts.append(f'data-c="{c}"')
    if cls:
        parts.append(f'class="{cls}"')
    for key, value in attributes.items():
        key = key.rstrip("_").replace("_", "-")
        if value is True:
            parts.append(key)
        elif value is not None and value is not False:
            parts.append(f'{key}="{escape(str(value))}"')
    opening = f"<{' '.join(parts)}>"
    return opening if name in ("input", "hr", "br") else f"{opening}{''.join(children)}</{name}>"


def div(cls: str, /, *children: str, c: str | None = None, **attributes: object) -> str:
    return tag("div", *children, c=c, cls=cls, **attributes)


def text(content: str, cls: str = "", name: str = "span", **attributes: object) -> str:
    return tag(name, escape(content), c="text", cls=cls, **attributes)


def heading(content: str, level: int, cls: str = "") -> str:
    return tag(f"h{level}", escape(content), c="heading", cls=cls)


def link(content: str, cls: str = "", icon_name: str | None = None, **attributes: object) -> str:
    inner = (icon(icon_name) + " " if icon_name else "") + escape(content)
    return tag("a", inner, c="link", cls=cls, href="#", **attributes)


def icon(name: str, cls: str = "", c: str | None = "icon") -> str:
    return tag("svg", icon_svg(name), c=c, cls=f"bi {cls}".strip(), viewBox="0 0 16 16", aria_hidden="true")


def button(rng: Random, content: str | None = None, variant: str | None = None, cls: str = "", **attributes: object) -> str:
    content = content or rng.choice(words.COMMANDS)
    variant = variant or rng.choice(("primary", "primary", "secondary", "outline-primary", "outline-secondary", "light", rng.choice(VARIANTS)))
    icon_name = words.COMMAND_ICONS.get(content) if rng.random() < 0.35 else None
    inner = (icon(icon_name) + " " if icon_name else "") + escape(content)
    disabled = attributes.pop("disabled", rng.random() < 0.06)
    return tag("button", inner, c="button", cls=f"btn btn-{variant} {cls}".strip(), type="button", disabled=disabled, **attributes)


def icon_button(rng: Random, name: str | None = None, cls: str | None = None, **attributes: object) -> str:
    name = name or rng.choice(words.ACTION_ICONS)
    cls = cls or rng.choice(("btn btn-sm btn-outline-secondary", "btn btn-sm btn-light", "btn btn-sm btn-primary", "btn btn-sm btn-link"))
    label = name.replace("-", " ").removesuffix(" lg")
    return tag("button", icon(name, c=None), c="icon_button", cls=cls, type="button", aria_label=label, **attributes)


def badge(rng: Random, content: str, variant: str | None = None, cls: str = "") -> str:
    shape = "rounded-pill" if rng.random() < 0.4 else ""
    return tag("span", escape(content), c="badge", cls=f"badge text-bg-{variant or rng.choice(VARIANTS)} {shape} {cls}".strip())


def status_badge(rng: Random) -> str:
    content, variant = rng.choice(words.STATUSES)
    return badge(rng, content, variant)


def chip(rng: Random, content: str, chosen: bool = False) -> str:
    colours = "text-bg-primary" if chosen else "bg-body-secondary text-body border"
    remove = icon("x", c=None) if rng.random() < 0.4 else ""
    return tag("span", escape(content) + remove, c="chip", cls=f"d-inline-flex align-items-center gap-1 rounded-pill px-2 {colours}", style="font-size:.85em;line-height:1.6",
               role="button", aria_pressed="true" if chosen else "false")  # fmt: skip


def avatar(rng: Random, who: str, size_em: float = 2.0) -> str:
    """Initials on a coloured disc, or a drawn face."""
    shape = rng.choice(("50%", "50%", "22%"))
    if rng.random() < 0.5:
        initials = "".join(part[0] for part in who.split())
        colours = rng.choice(VARIANTS)
        style = f"width:{size_em}em;height:{size_em}em;border-radius:{shape};flex:none"
        inner = tag("span", escape(initials), style="font-size:.8em;font-weight:600;line-height:1")
        return tag(
            "span", inner, c="avatar", cls=f"d-inline-flex align-items-center justify-content-center text-bg-{colours}", style=style, aria_label=who
        )
    hue, skin, hair = (
        rng.randrange(360),
        rng.choice(("#f2c9a5", "#d8a070", "#a56b46", "#6f4630", "#f7dcc4")),
        rng.choice(("#2b1d14", "#6b4423", "#c89b3c", "#777", "#8a2f1d")),
    )
    face = (
        f'<rect width="40" height="40" fill="hsl({hue} 45% 70%)"/><path d="M4 40c2-12 9-15 16-15s14 3 16 15z" fill="hsl({(hue + 150) % 360} 50% 45%)"/>'
        f'<circle cx="20" cy="17" r="9" fill="{skin}"/><path d="M10 17a10 10 0 0 1 20 0c-3-{rng.randrange(3, 7)}-6-6-10-6s-7 2-10 6z" fill="{hair}"/>'
    )
    style = f"width:{size_em}em;height:{size_em}em;border-radius:{shape};flex:none"
    return tag("svg", face, c="avatar", viewBox="0 0 40 40", style=style, role="img", aria_label=who)


def picture(rng: Random, height_em: float, cls: str = "w-100") -> str:
    """An illustration: a landscape, a still life or an abstract pattern."""
    hue = rng.randrange(360)
    kind = rng.choice(("hills", "hills", "shapes", "stripes", "product"))
    shapes = [f'<rect width="200" height="100" fill="hsl({hue} {rng.randrange(25, 70)}% {rng.randrange(60, 88)}%)"/>']
    if kind == "hills":
        shapes.append(
            f'<circle cx="{rng.randrange(20, 180)}" cy="{rng.randrange(15, 45)}" r="{rng.randrange(8, 18)}" fill="hsl({(hue + 180) % 360} 80% 75%)"/>'
        )
        for layer in range(3):
            base, points = 55 + 14 * layer, " ".join(f"{x},{55 + 14 * layer - rng.randrange(0, 28)}" for x in range(0, 201, 40))
            shapes.append(f'<polygon points="0,100 0,{base} {points} 200,{base} 200,100" fill="hsl({(hue + 60) % 360} 35% {52 - 13 * layer}%)"/>')
    elif kind == "stripes":
        step = rng.choice((10, 16, 25))
        shapes += [
            f'<path d="M{x} 100 L{x + 60} 0" stroke="hsl({(hue + x) % 360} 55% 55%)" stroke-width="{step // 2}"/>' for x in range(-60, 200, step)
        ]
    elif kind == "product":
        x, y = rng.randrange(70, 100), rng.randrange(20, 40)
        shapes.append(
            f'<rect x="{x}" y="{y}" width="{rng.randrange(30, 60)}" height="{95 - y}" rx="{rng.randrange(2, 20)}" fill="hsl({(hue + 140) % 360} 50% 40%)"/>'
        )
        shapes.append(f'<ellipse cx="100" cy="95" rx="60" ry="4" fill="hsl({hue} 30% 45%)"/>')
    else:
        for _ in range(rng.randrange(5, 12)):
            x, y, r = rng.randrange(200), rng.randrange(100), rng.randrange(6, 30)
            shapes.append(f'<circle cx="{x}" cy="{y}" r="{r}" fill="hsl({rng.randrange(360)} 55% 55%)" opacity=".8"/>')
    return tag("svg", *shapes, c="image", cls=f"d-block {cls}", viewBox="0 0 200 100", preserveAspectRatio="xMidYMid slice", style=f"height:{height_em}em", role="img",
               aria_label=rng.choice(words.NOUNS))  # fmt: skip


def chart(rng: Random, height_em: float) -> str:
    """Bars, lines, an area or slices."""
    kind = rng.choice(("bars", "bars", "line", "area", "donut", "rows"))
    colours = [f"var(--bs-{name})" for name in rng.sample(VARIANTS, 4)]
    grid = "".join(f'<path d="M0 {y}H200" stroke="var(--bs-border-color)" stroke-width=".7"/>' for y in (4, 27, 50, 73, 96))
    shapes, view = [grid], "0 0 200 100"
    if kind == "bars":
        count = rng.choice((5, 7, 8, 12))
        for i in range(count):
            tall = rng.randrange(12, 90)
            shapes.append(
                f'<rect x="{(i + 0.2) * 200 / count:.1f}" y="{96 - tall}" width="{120 / count:.1f}" height="{tall}" fill="{colours[i % 2 if rng.random() < 0.3 else 0]}"/>'
            )
    elif kind == "rows":
        shapes = [f'<rect x="0" y="{4 + 16 * i}" width="{rng.randrange(30, 195)}" height="10" rx="2" fill="{colours[i % 4]}"/>' for i in range(6)]
    elif kind == "donut":
        view, shapes, at = "0 0 100 100", [], 0.0
        for i, share in enumerate(rng.choice(((40, 35, 25), (55, 30, 15), (30, 28, 22, 20), (72, 28)))):
            shapes.append(
                f'<circle cx="50" cy="50" r="36" fill="none" stroke="{colours[i]}" stroke-width="18" pathLength="100" stroke-dasharray="{share} {100 - share}" stroke-dashoffset="{-at}"/>'
            )
            at += share
    else:
        for colour in colours[: rng.choice((1, 2, 3))]:
            points = " ".join(f"{x},{rng.randrange(8, 92)}" for x in range(0, 201, rng.choice((20, 25, 40))))
            if kind == "area":
                shapes.append(f'<polygon points="0,96 {points} 200,96" fill="{colour}" opacity=".25"/>')
            shapes.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
    keep = "xMidYMid meet" if kind == "donut" else "none"
    return tag(
        "svg",
        *shapes,
        c="chart",
        cls="d-block w-100",
        viewBox=view,
        preserveAspectRatio=keep,
        style=f"height:{height_em}em",
        role="figure",
        aria_label="Chart",
    )


def progress(rng: Random) -> str:
    if rng.random() < 0.2:
        return div(
            f"spinner-border spinner-border-sm text-{rng.choice(VARIANTS)}", c="progress", role="progressbar", aria_busy="true", aria_label="Loading"
        )
    share = rng.randrange(8, 100)
    striped = "progress-bar-striped" if rng.random() < 0.25 else ""
    bar = div(
        f"progress-bar bg-{rng.choice(VARIANTS)} {striped}", escape(f"{share}%") if rng.random() < 0.3 and share > 20 else "", style=f"width:{share}%"
    )
    return div("progress w-100", bar, c="progress", role="progressbar", aria_valuenow=share, style=f"height:{rng.choice((6, 10, 16))}px")


def _size(rng: Random) -> str:
    return "-sm" if rng.random() < 0.35 else ""


def text_field(rng: Random, label: str, kind: str = "text") -> str:
    """A one-line field: text, password or search."""
    filled = rng.random() < 0.55
    value = "correct horse"[: rng.randrange(5, 13)] if kind == "password" else words.value(rng, label)
    invalid = " is-invalid" if kind == "text" and rng.random() < 0.08 else ""
    small = _size(rng)
    return tag(
        "input", c={"text": "text_field", "password": "password_field", "search": "search_field"}[kind], cls=f"form-control{' form-control' + small if small else ''}{invalid}",
        type=kind, value=value if filled and kind != "search" else None, placeholder=rng.choice((label, f"Enter {label.lower()}", "")) or None,
        aria_label=label, required=rng.random() < 0.15, disabled=rng.random() < 0.05, readonly=rng.random() < 0.03, autocomplete="off",
    )  # fmt: skip


def search_field(rng: Random, cls: str = "") -> str:
    placeholder = rng.choice(("Search", "Search …", "Find anything", f"Search {rng.choice(words.DESTINATIONS).lower()}"))
    value = rng.choice(words.NOUNS) if rng.random() < 0.25 else None
    return tag(
        "input",
        c="search_field",
        cls=f"form-control form-control-sm {cls}".strip(),
        type="search",
        placeholder=placeholder,
        value=value,
        aria_label="Search",
    )


def text_area(rng: Random, label: str) -> str:
    content = words.sentences(rng, rng.randrange(1, 4)) if rng.random() < 0.6 else ""
    return tag("textarea", escape(content), c="text_area", cls="form-control", rows=rng.choice((2, 3, 3, 4)), placeholder=f"Write {label.lower()} here", aria_label=label,
               style="resize:none")  # fmt: skip


def combo_box(rng: Random, label: str | None = None, cls: str = "") -> str:
    label = label or rng.choice(tuple(words.OPTIONS))
    options = list(words.OPTIONS[label])
    rng.shuffle(options)
    small = _size(rng)
    return tag("select", *(tag("option", escape(option)) for option in options), c="combo_box", cls=f"form-select{' form-select' + small if small else ''} {cls}".strip(),
               aria_label=label, disabled=rng.random() < 0.05)  # fmt: skip


def list_box(rng: Random, label: str) -> str:
    options = list(words.OPTIONS[label])[:4]
    chosen = rng.randrange(len(options))
    return tag("select", *(tag("option", escape(option), selected=i == chosen) for i, option in enumerate(options)), c="list_box", cls="form-select", size=len(options),
               aria_label=label)  # fmt: skip


def checkbox(rng: Random, label: str, **attributes: object) -> str:
    """The box alone."""
    state = rng.random()
    return tag("input", c="checkbox", cls="form-check-input", type="checkbox", checked=state < 0.45, data_mixed=state > 0.95, aria_label=label,
               disabled=rng.random() < 0.05, **attributes)  # fmt: skip


def switch(rng: Random, label: str) -> str:
    """The control alone; Bootstrap wants it in a `.form-switch`."""
    return tag(
        "input",
        c="switch",
        cls="form-check-input",
        type="checkbox",
        role="switch",
        checked=rng.random() < 0.5,
        aria_label=label,
        disabled=rng.random() < 0.05,
    )


def check_row(rng: Random, label: str, kind: str = "checkbox", chosen: bool | None = None, group: str = "", inline: bool = False) -> str:
    """A checkbox, radio or switch with its label beside it."""
    checked = rng.random() < 0.5 if chosen is None else chosen
    if kind == "checkbox":
        control = checkbox(rng, label)
    elif kind == "radio":
        control = tag("input", c="radio", cls="form-check-input", type="radio", name=group, checked=checked, aria_label=label)
    else:
        control = switch(rng, label)
    cls = "form-check" + (" form-switch" if kind == "switch" else "") + (" form-check-inline" if inline else "")
    return div(cls, control, tag("label", escape(label), c="text", cls="form-check-label"))


def slider(rng: Random, label: str) -> str:
    return tag("input", c="slider", cls="form-range", type="range", value=rng.randrange(0, 101, 5), aria_label=label)


def stepper(rng: Random, label: str) -> str:
    """A number between a button that lowers and one that raises it, or the browser's own number field."""
    amount = rng.randrange(1, 60)
    if rng.random() < 0.4:
        return tag("input", c="stepper", cls="form-control", type="number", value=amount, aria_label=label, style="max-width:7em")
    less, more = (
        tag("button", sign, cls="btn btn-outline-secondary", type="button", aria_label=word) for sign, word in (("−", "less"), ("+", "more"))
    )
    field = tag("input", cls="form-control text-center", type="text", value=amount, aria_label=label)
    return div("input-group", less, field, more, c="stepper", role="spinbutton", aria_label=label, style="max-width:8em")


def date_picker(rng: Random, label: str) -> str:
    if rng.random() < 0.5:
        day = f"{rng.randrange(2020, 2027)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}"
        return tag("input", c="date_picker", cls="form-control", type="date", value=day, aria_label=label)
    field = tag("input", cls="form-control", type="text", value=words.date(rng), aria_label=label)
    return div("input-group", field, tag("span", icon("calendar", c=None), cls="input-group-text"), c="date_picker", aria_label=label)


def tooltip(content: str, style: str) -> str:
    inner = div("tooltip-inner", escape(content))
    return div("tooltip bs-tooltip-bottom show", inner, c="tooltip", role="tooltip", style=f"position:absolute;opacity:1;{style}")
