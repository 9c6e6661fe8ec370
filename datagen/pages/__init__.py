"""Seeded web pages: `make_page` turns a seed, a family, a theme and a window size into HTML. The same arguments give the same page."""

from dataclasses import dataclass
from random import Random

from contracts.errors import InputError
from datagen.kits import FONTS, THEMES
from datagen.pages import sections
from datagen.pages.families import FAMILIES
from datagen.pages.widgets import div

__all__ = ["FAMILIES", "Page", "make_page"]


@dataclass(frozen=True, kw_only=True)
class Page:
    """What the browser needs to show a page. `root_px` is the size of 1rem, `scroll_y` how far the page is scrolled (CSS pixels)."""

    theme: str
    palette: str
    body: str
    body_class: str = ""
    font: str = "Inter"
    heading_font: str = "Inter"
    root_px: float = 14.0
    scroll_y: float = 0.0


def make_page(seed: int, family: str, theme: str, width: int, height: int) -> Page:
    """A page for a window of `width` x `height` CSS pixels. InputError for an unknown family or theme."""
    if family not in FAMILIES:
        raise InputError("is no page family.", field="render.families", found=family, fix=f"The families are {', '.join(FAMILIES)}.")
    if theme not in THEMES:
        raise InputError("is no theme.", field="render.themes", found=theme, fix=f"The themes are {', '.join(THEMES)}.")
    rng = Random(seed)
    root_px = rng.choice((12.5, 13, 14, 14, 15, 15, 16))
    font = rng.choice(tuple(FONTS))
    chrome = rng.choice(("top", "top", "top", "side", "side", "both", "both", "bottom", "bare"))
    if width < 480 and chrome in ("side", "both"):
        chrome = "bottom"
    room = int(width - 32 - (11 * root_px if chrome in ("side", "both") else 0))
    if chrome in ("bare", "top") and rng.random() < 0.3:
        room = min(room, rng.choice((420, 480, 540)))
    title, parts = FAMILIES[family](rng, room)
    scroll_y = rng.randrange(20, 160) if rng.random() < 0.12 else 0

    # What floats above the page: a dialog, a toast, an open menu (it hangs from the title row), a tooltip, mostly nothing.
    floating = rng.random()
    head = sections.breadcrumb(rng) if rng.random() < 0.3 else ""
    head += sections.title_row(rng, title, open_menu=0.20 <= floating < 0.30)
    # The column is narrower than the window on some pages; then it stands in the middle.
    column = div("mx-auto p-3", head, *parts, style=f"max-width:{room + 32}px")
    bar = sections.navigation_bar(rng, width, sticky=True) if chrome in ("top", "both", "bottom") else ""
    if chrome in ("side", "both"):
        side = sections.sidebar(rng)
        inner = div("d-flex", side, div("flex-grow-1", column, style="min-width:0"), style="min-height:100vh")
    else:
        inner = column
    foot = ""
    if chrome == "bottom":
        foot = sections.bottom_navigation(rng)
    elif rng.random() < 0.12:
        foot = sections.footer_bar(rng)
    over = ""
    if floating < 0.10:
        over = sections.dialog(rng)
    elif floating < 0.20:
        over = sections.toast(rng)
    elif 0.30 <= floating < 0.37:
        over = sections.hint(rng, width, height)
    return Page(
        theme=theme, palette="dark" if THEMES[theme] else "light", body=bar + inner + foot + over, font=font,
        heading_font=font if rng.random() < 0.75 else rng.choice(tuple(FONTS)), root_px=root_px, scroll_y=scroll_y,
    )  # fmt: skip
