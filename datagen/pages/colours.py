"""Colours and spacing that a product gives its pages beyond the theme of its kit: tinted grounds, coloured bars, pages flooded with one colour.

Drawn for the page as a whole, and put on as classes of `layout.css` with custom properties. Only HTML kits have them.
"""

from random import Random
from typing import NamedTuple

from contracts.annotation import Platform


class Dress(NamedTuple):
    """Class names and inline style for the page's outermost element."""

    classes: str
    style: str


def dress(rng: Random, platform: Platform, theme: str, dark: bool, bare: bool, fill: bool, side: bool) -> Dress:
    """What a page wears. `bare`: no bars of the platform, `fill`: it fills the window, `side`: it has a panel at its side."""
    if platform == "desktop" or theme == "high_contrast":
        return Dress("", "")
    mobile = platform == "mobile"
    classes, style = [], []
    hue = rng.randrange(360)
    if rng.random() < (0.4 if mobile else 0.3):
        classes.append("s-airy")
        style.append(f"--s-step:{rng.choice((0.32, 0.38, 0.46))}rem")
    if rng.random() < (0.55 if mobile else 0.2):
        classes.append("s-bleed")
    draw = rng.random()
    if bare and not fill and draw < (0.6 if mobile else 0.15):
        classes.append("s-flood")
        style += _flood(rng, hue)
    elif not mobile and not fill and not side and not dark and draw < 0.25:
        classes.append("s-boxed")
        style.append(f"--s-page-ground:{_hsl(hue, rng.choice((0, 12, 30, 60)), rng.choice((12, 25, 40, 60, 75, 85, 90)))}")
    elif draw < 0.7:
        classes.append("s-ground")
        lightness = rng.uniform(7, 20) if dark else rng.triangular(84, 99, 96)
        style.append(f"--s-page-ground:{_hsl(hue, rng.choice((0, 10, 25, 45, 70)), lightness)}")
    if rng.random() < 0.4:
        classes.append("s-bars")
        style += _bars(rng, (hue + rng.choice((0, 0, 0, 180, 40))) % 360, dark)
    return Dress(" ".join(classes), ";".join(style))


def _flood(rng: Random, hue: int) -> list[str]:
    """One colour all over, plain or running into another, and the colour of what stands on it."""
    saturation = rng.choice((15, 40, 60, 80))
    light = rng.random() < 0.35
    lightness = rng.uniform(68, 90) if light else rng.uniform(16, 52)
    ground = _hsl(hue, saturation, lightness)
    if rng.random() < 0.4:
        ground = f"linear-gradient({rng.randrange(0, 360, 15)}deg,{ground},{_hsl((hue + rng.randrange(10, 60)) % 360, saturation, lightness + rng.uniform(-10, 4))})"
    return [f"--s-page-ground:{ground}", f"--s-on-ground:{'#111' if light else '#fff'}"]


def _bars(rng: Random, hue: int, dark: bool) -> list[str]:
    light = not dark and rng.random() < 0.25
    bar = _hsl(hue, rng.choice((0, 35, 60, 80)), rng.uniform(78, 92) if light else rng.uniform(12, 24) if dark else rng.uniform(12, 38))
    return [f"--s-bar:{bar}", f"--s-on-bar:{'#111' if light else '#fff'}"]


def _hsl(hue: int, saturation: int, lightness: float) -> str:
    return f"hsl({hue} {saturation}% {lightness:.0f}%)"
