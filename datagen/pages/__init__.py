"""Seeded pages: `make_page` turns a plan (seed, family, kit, theme, locale, state, window) into HTML. The same plan gives the same page."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from contracts.errors import InputError
from datagen.content import fonts, icons
from datagen.content.locales import LOCALES
from datagen.content.words import Words
from datagen.kits import kit as kit_of
from datagen.pages.colours import dress
from datagen.pages.families import FAMILIES
from datagen.pages.html import div
from datagen.pages.shell import Frame, frame
from datagen.pages.ui import STATES, Setting, State, Ui

__all__ = ["FAMILIES", "STATES", "Page", "draw_frame", "make_page"]

# Sizes of the text, CSS pixels: phones are held close, but touched with fingers.
_ROOTS = {"web": (13, 14, 14, 15, 16, 16, 16, 18), "mobile": (14, 15, 16, 16, 17, 17, 18, 20), "desktop": (13, 14, 14, 15, 16, 16)}


@dataclass(frozen=True, kw_only=True)
class Page:
    """What the browser needs to show a page. `root_px` is the size of 1rem; `scroll` how far the page is scrolled (CSS pixels, x and y); `focus` counts the
    focusable elements in view (modulo their number), None focuses nothing."""

    kit: str
    theme: str
    body: str
    body_class: str = ""
    locale: str = "en"
    fonts: str = "Inter"
    heading_fonts: str = "Inter"
    root_px: float = 16.0
    scroll: tuple[float, float] = (0.0, 0.0)
    focus: int | None = None
    attributes: dict[str, Any] = field(default_factory=dict)


def draw_frame(seed: int, family: str, kit: str, theme: str, locale: str, state: State, width: int, height: int) -> tuple[Ui[Any], Frame[Any]]:
    """The kit's `Ui` and the page that the family composed with it. InputError for an unknown family, kit, theme or locale."""
    if family not in FAMILIES:
        raise InputError(
            "is no page family.", file="params.yaml", field="render.families", found=family, fix=f"The families are {', '.join(FAMILIES)}."
        )
    if locale not in LOCALES:
        raise InputError("is no locale.", file="params.yaml", field="render.locales", found=locale, fix=f"The locales are {', '.join(LOCALES)}.")
    chosen = kit_of(kit)
    if theme not in chosen.themes:
        raise InputError(f"is no theme of {kit}.", field="theme", found=theme, fix=f"Its themes are {', '.join(chosen.themes)}.")
    # Content and looks draw from streams of their own: the same seed has the same words in every kit.
    rng, words = Random(f"{seed}/page"), Words(Random(f"{seed}/words"), locale)
    looks = Random(f"{seed}/{kit}/looks")
    setting = Setting(
        theme=theme, dark=chosen.themes[theme].dark, platform=chosen.platform, width=width, height=height, state=state, locale=locale,
        icon_set=looks.choice(list(icons.ICON_SETS)), words=words, rng=looks,
    )  # fmt: skip
    ui = chosen.ui_class()(setting)
    return ui, frame(ui, FAMILIES[family], words, rng)


def make_page(seed: int, family: str, kit: str, theme: str, locale: str, state: State, width: int, height: int) -> Page:
    """A page for a window of `width` x `height` CSS pixels in a Chromium kit."""
    ui, made = draw_frame(seed, family, kit, theme, locale, state, width, height)
    chosen = kit_of(kit)
    looks = Random(f"{seed}/page-looks")
    body_fonts, heading_fonts = fonts.font_stack(looks, locale)
    scroll = (0.0, 0.0)
    if state == "scrolled" and not made.fill:
        scroll = (0.0, float(looks.randrange(30, max(60, height))))
    if state == "cropped":
        scroll = (float(looks.randrange(0, width // 3)), float(looks.randrange(0, height // 3)))
    return Page(
        kit=kit, theme=theme, body=assemble(ui, made), locale=locale, fonts=fonts.css_family(body_fonts), heading_fonts=fonts.css_family(heading_fonts), root_px=looks.choice(_ROOTS[chosen.platform]),
        body_class=f"{chosen.body_class} {'s-dark' if ui.setting.dark else ''}".strip(), scroll=scroll, focus=looks.randrange(10**6) if state in ("focused", "error") else None,
        attributes=ui.page_attributes(),
    )  # fmt: skip


def assemble(ui: Ui[str], made: Frame[str]) -> str:
    """The frame's parts as the body of an HTML page."""
    floating = "".join(made.over)
    style = f"width:{ui.setting.width * 4 // 3}px" if ui.state == "cropped" else None
    if made.window:
        margin = ui.rng.choice((0, 0, 8, 20, 36))
        back = f"background:hsl({ui.rng.randrange(360)} {ui.rng.randrange(15, 60)}% {ui.rng.randrange(20, 75)}%)"
        return div("s-page s-page-fixed", div("s-desktop", *made.main, style=f"padding:{margin}px;{back}"), style=style) + floating
    chosen = dress(ui.rng, ui.platform, ui.setting.theme, ui.setting.dark, made.bare, made.fill, made.side is not None)
    style = ";".join(filter(None, (style, chosen.style))) or None
    limit = f"max-width:{made.width}em" if made.width else None
    content = div("s-content" + (" s-content-fill" if made.fill else ""), *made.main, style=limit)
    middle = div("s-middle", made.side or "", div("s-main", content))
    return (
        div(
            f"s-page {'s-page-fixed' if made.fill else ''} s-{ui.platform} {made.classes} {chosen.classes}",
            *made.bars,
            middle,
            *made.feet,
            style=style,
        )
        + floating
    )
