"""The colours and pictograms of the Qt kits: palettes of their themes, drawings at any size and scale."""

from functools import lru_cache
from random import Random
from typing import Literal

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer

from datagen.content import icons
from datagen.content.palettes import palette as random_palette
from datagen.qt_parts import Role

TONES = {"success": "#2e7d32", "warning": "#b26a00", "danger": "#c62828", "info": "#1565c0"}
# Of 255: two surfaces whose lightness differs by less look alike.
_NOTICEABLE = 24
TONES_DARK = {"success": "#81c784", "warning": "#ffb74d", "danger": "#ef9a9a", "info": "#90caf9"}


def build_palette(theme: str, style: str, rng: Random) -> QPalette:
    """The colours of a theme: light and dark as desktops have them, `tinted` with surfaces and accent by lot."""
    dark = theme == "dark"
    accent = rng.choice(("#308cc6", "#3874f2", "#0078d7", "#3584e4", "#7a4fd0", "#1f8a70", "#d1495b"))
    colours = (
        {
            "window": "#404040",
            "base": "#2b2b2b",
            "alternate": "#333333",
            "text": "#f0f0f0",
            "button": "#4e4e4e",
            "tip": "#4a4a4a",
            "tip_text": "#f5f5f5",
        }
        if dark
        else {
            "window": "#efefef",
            "base": "#ffffff",
            "alternate": "#f6f6f6",
            "text": "#101010",
            "button": "#efefef",
            "tip": "#ffffdc",
            "tip_text": "#000000",
        }
    )
    if theme == "light" and style == "Windows":
        colours |= rng.choice(({"window": "#d4d0c8", "button": "#d4d0c8"}, {"window": "#f0f0f0", "button": "#e6e6e6"}))
        accent = rng.choice(("#0a246a", "#0078d7", "#316ac5"))
    if theme == "tinted":
        mode: Literal["light", "dark", "high_contrast"] = rng.choice(("light", "light", "dark", "high_contrast"))
        chosen = random_palette(rng, mode)
        surface = QColor(chosen.surface)
        dark = surface.lightness() < 110
        window = surface.lighter(125) if dark else surface.darker(104 + rng.randrange(8))
        button = surface.lighter(150) if dark else surface.darker(102 + rng.randrange(12))
        if dark and surface.lightness() < 6:
            window, button = QColor("#303030"), QColor("#424242")
        colours = {
            "window": window.name(), "base": chosen.surface, "alternate": (surface.lighter(110) if dark else surface.darker(103)).name(), "text": chosen.on_surface,
            "button": button.name(), "tip": chosen.on_surface, "tip_text": chosen.surface,
        }  # fmt: skip
        accent = chosen.primary
    made = QPalette(QColor(colours["button"]), QColor(colours["window"]))
    made.setColor(Role.WindowText, QColor(colours["text"]))
    highlighted = QColor("#ffffff") if QColor(accent).lightness() < 150 else QColor("#101010")
    for role, colour in (
        (Role.Base, colours["base"]), (Role.AlternateBase, colours["alternate"]), (Role.Text, colours["text"]), (Role.ButtonText, colours["text"]),
        (Role.ToolTipBase, colours["tip"]), (Role.ToolTipText, colours["tip_text"]), (Role.Highlight, accent), (Role.HighlightedText, highlighted.name()),
        (Role.Link, QColor(accent).lighter(150).name() if dark and QColor(accent).lightness() < 150 else accent), (Role.BrightText, "#ff4040"),
        (Role.Accent, accent),
    ):  # fmt: skip
        made.setColor(role, QColor(colour))
    # The ground of switches, badges and dots. Qt's own is the button's colour darkened: in dark palettes nothing of it would be seen.
    if abs(made.color(Role.Mid).lightness() - made.color(Role.Window).lightness()) < _NOTICEABLE:
        made.setColor(Role.Mid, mix(QColor(colours["text"]), QColor(colours["window"]), 0.25))
    faint = QColor(colours["text"])
    faint.setAlphaF(0.5)
    made.setColor(Role.PlaceholderText, faint)
    grey = mix(QColor(colours["text"]), QColor(colours["window"]), 0.5)
    for role in (Role.WindowText, Role.Text, Role.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, role, grey)
    made.setColor(QPalette.ColorGroup.Disabled, Role.Highlight, grey)
    return made


def mix(one: QColor, other: QColor, share: float) -> QColor:
    """`share` of one colour, the rest of the other."""
    return QColor.fromRgbF(*(a * share + b * (1 - share) for a, b in zip(one.getRgbF()[:3], other.getRgbF()[:3], strict=True)))


@lru_cache(maxsize=4096)
def drawn_icon(concept: str, look: str, colour: str, size: int, scale: float) -> QPixmap:
    """An icon of the set `look`, `size` CSS pixels wide, `scale` device pixels to each."""
    icon = icons.icon(concept, look)
    paint = (
        'fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"' if icon.stroke else 'fill="currentColor"'
    )
    drawing = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{icon.view_box}" {paint}>{icon.body}</svg>'.replace("currentColor", colour)
    return drawn_svg(drawing, size, size, scale)


def drawn_svg(svg: str, width: int, height: int, scale: float) -> QPixmap:
    """A drawing in CSS pixels, `scale` device pixels to each."""
    pixmap = QPixmap(max(1, round(width * scale)), max(1, round(height * scale)))
    pixmap.setDevicePixelRatio(scale)
    pixmap.fill(Qt.GlobalColor.transparent)
    renderer = QSvgRenderer(QByteArray(svg.encode()))
    renderer.setAspectRatioMode(Qt.AspectRatioMode.KeepAspectRatio)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    renderer.render(painter, QRectF(0, 0, width, height))
    painter.end()
    return pixmap
