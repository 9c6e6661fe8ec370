"""Random colour schemes in which every text is readable (WCAG 2.2, success criterion 1.4.3)."""

import colorsys
from dataclasses import asdict, dataclass
from random import Random
from typing import Literal

Mode = Literal["light", "dark", "high_contrast"]
MODES: tuple[Mode, ...] = ("light", "dark", "high_contrast")


@dataclass(frozen=True)
class Palette:
    """Colours as `#rrggbb`. `on_surface`, `muted`, `primary` and the four tones are readable on `surface`; `on_primary` on `primary`."""

    mode: Mode
    primary: str
    on_primary: str
    surface: str
    on_surface: str
    muted: str
    border: str
    success: str
    warning: str
    danger: str
    info: str


def luminance(colour: str) -> float:
    """Relative luminance, 0 to 1, of `#rrggbb` (WCAG 2.2)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def palette(rng: Random, mode: Mode) -> Palette:
    """A scheme of this mode. Contrast of text is at least 4.5; in `high_contrast` at least 7."""
    hue = rng.random()
    ratio = 7.0 if mode == "high_contrast" else 4.5
    dark = mode == "dark" or (mode == "high_contrast" and rng.random() < 0.5)
    if mode == "high_contrast":
        surface, on_surface = ("#000000", "#ffffff") if dark else ("#ffffff", "#000000")
    else:
        tint = rng.choice((0.0, 0.0, rng.uniform(0, 0.35)))
        surface = _hex(hue, tint, rng.uniform(0.05, 0.17) if dark else rng.uniform(0.95, 1.0))
        on_surface = _readable(hue, tint / 2, rng.uniform(0.85, 0.97) if dark else rng.uniform(0.05, 0.2), surface, 7.0)
    saturation = rng.uniform(0.45, 0.95)
    lightness = 0.65 if dark else 0.42
    primary = _readable(hue, saturation, rng.uniform(lightness - 0.1, lightness + 0.1), surface, ratio)
    return Palette(
        mode=mode,
        primary=primary,
        on_primary=max(("#ffffff", "#000000"), key=lambda colour: contrast(colour, primary)),
        surface=surface,
        on_surface=on_surface,
        muted=_readable(hue, 0.08, 0.6 if dark else 0.45, surface, ratio),
        border=on_surface if mode == "high_contrast" else _hex(hue, 0.12, rng.uniform(0.22, 0.35) if dark else rng.uniform(0.78, 0.92)),
        success=_readable(0.38 + rng.uniform(-0.05, 0.05), saturation, lightness, surface, ratio),
        warning=_readable(0.1 + rng.uniform(-0.03, 0.03), 0.9, lightness, surface, ratio),
        danger=_readable((rng.uniform(-0.03, 0.02)) % 1, 0.75, lightness, surface, ratio),
        info=_readable(0.56 + rng.uniform(-0.05, 0.05), saturation, lightness, surface, ratio),
    )


def css(colours: Palette) -> str:
    """A rule that declares the scheme as custom properties: `--primary`, `--on-primary`, ... and the browser's own `color-scheme`."""
    properties = {name.replace("_", "-"): value for name, value in asdict(colours).items() if name != "mode"}
    scheme = "dark" if luminance(colours.surface) < 0.18 else "light"
    return f":root{{color-scheme:{scheme};" + "".join(f"--{name}:{value};" for name, value in properties.items()) + "}"


def _hex(hue: float, saturation: float, lightness: float) -> str:
    red, green, blue = colorsys.hls_to_rgb(hue % 1, lightness, saturation)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


def _readable(hue: float, saturation: float, lightness: float, on: str, ratio: float) -> str:
    """The colour, made lighter or darker until its contrast with `on` is at least `ratio`."""
    step = 0.02 if luminance(on) < 0.18 else -0.02
    while True:
        colour = _hex(hue, saturation, min(1.0, max(0.0, lightness)))
        if contrast(colour, on) >= ratio or not 0 < lightness < 1:
            return colour
        lightness += step
