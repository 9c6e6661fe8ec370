"""Real Qt widgets as an engine: builds the window of a plan, photographs it, and reads the labels from the live widgets.

There is one QApplication per process (Qt allows no more), on the `offscreen` platform: nothing needs a display. There is no event loop: layouts are
activated by hand, so that no timer and no animation can run. Typefaces are the pinned ones; Qt's font database is opened on an empty configuration, so that
no font of the machine is ever used.

What a label is, is said in annotate.js; here is how the same is found in widgets:

* `Mark.measure` says what the box is of. `rect`: the widget, or `where` in it (a tab, a cell, a row, as the style and the view lay them out). `ink`: the
  pixels that the widget paints there when it is painted alone on nothing (labels, icons, indicators, charts). `paint`: the same, unless the widget paints
  so little of its rectangle that its edge is invisible (a flat tool button); then the rectangle. `text`: the text of one item of a view; the view is
  painted once more with transparent text and the pixels that differ are the text (of a title bar, its pictogram too).
* Every widget is clipped by its parents; what floats above (dialogs, menus, tooltips, toasts) covers. `visible_fraction` is the share of the full box that
  is left, the box that of what is left. A backdrop covers nothing, but nothing below it can be reached.
"""

import ctypes
import io
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import PySide6
import shiboken6
from fontTools.ttLib import TTFont
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QLoggingCategory, QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QFont, QFontDatabase, QImage, QPainter, QPalette, QRegion
from PySide6.QtWidgets import QAbstractItemView, QApplication, QStyleFactory, QWidget

from contracts.annotation import State
from contracts.taxonomy import to_aria
from datagen.content import fonts
from datagen.content.locales import LOCALES
from datagen.kits.files import kit_file
from datagen.qt_parts import TitleBar

if TYPE_CHECKING:
    from typing import Self

    from datagen.screens import Plan

__all__ = ["DEVICE_SCALE", "Mark", "QtStage", "application", "families", "set_style"]

# Device pixels per CSS pixel of the screen in the making: pictograms and pictures are drawn for it.
DEVICE_SCALE: ContextVar[float] = ContextVar("device_scale", default=1.0)
# Nothing this thin is an element (annotate.js has the same).
_SLIVER = 1.5
# Alpha or difference (of 255) from which a pixel counts as painted.
_INKED = 8
# A control that paints less than this share of its rectangle has no edge to be seen.
_EDGED = 0.6
# Zlib level of the PNGs, on Qt's scale of quality: fast, about a tenth larger than the default.
_PNG_QUALITY = 80

_SIGNS = "●→←↑↓✓★☆"

Box = tuple[float, float, float, float]
_ROLES: dict[str, str | None] = {
    "icon_button": "button", "password_field": "textbox", "text_area": "textbox", "date_picker": "spinbutton", "chip": "button", "avatar": "img", "text": None,
    "bottom_navigation": "navigation", "badge": None, "card": "group", "status_bar": "status",
}  # fmt: skip


# ---- the application -------------------------------------------------------------------------------------------------------------------------


@cache
def application() -> QApplication:
    """The process's QApplication: no display, no system fonts, no animation, no blinking caret."""
    before = {name: os.environ.get(name) for name in ("QT_QPA_PLATFORM", "FONTCONFIG_FILE")}
    with tempfile.TemporaryDirectory(prefix="screenry-fonts-") as folder:
        empty = Path(folder) / "fonts.conf"
        empty.write_text(f'<?xml version="1.0"?><fontconfig><cachedir>{folder}</cachedir></fontconfig>', encoding="utf-8")
        os.environ |= {
            "QT_QPA_PLATFORM": "offscreen",
            "FONTCONFIG_FILE": str(empty),
        }
        app = QApplication.instance() or QApplication(["screenry"])
        QFontDatabase.families()  # opens the font database while the configuration is the empty one
    for name, value in before.items():  # a browser started later must not inherit them
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    assert isinstance(app, QApplication)
    if sys.version_info < (3, 12):
        # PySide6 6.12 gives None back without counting it, as if it were immortal, which it is from Python 3.12 on: after some hundred screens the interpreter
        # would end with "deallocating None". The count is the first word of every object.
        ctypes.c_ssize_t.from_address(id(None)).value += 1 << 40
    # A font that lacks a script's rules is asked in vain and the next one is taken: no news.
    QLoggingCategory.setFilterRules("qt.text.font.db=false")
    app.setCursorFlashTime(0)
    for effect in (
        Qt.UIEffect.UI_AnimateMenu,
        Qt.UIEffect.UI_FadeMenu,
        Qt.UIEffect.UI_AnimateCombo,
        Qt.UIEffect.UI_AnimateTooltip,
        Qt.UIEffect.UI_FadeTooltip,
    ):
        app.setEffectEnabled(effect, False)
    return app


def set_style(name: str, palette: QPalette, font: QFont, right_to_left: bool) -> None:
    """Style, colours, typeface and direction of every widget that is made from now on."""
    app = application()
    if app.style().name() != name.lower():
        app.setStyle(QStyleFactory.create(name))
    app.setPalette(palette)
    app.setFont(font)
    app.setLayoutDirection(Qt.LayoutDirection.RightToLeft if right_to_left else Qt.LayoutDirection.LeftToRight)
    # Qt tells its widgets later; by then those of the new page would be told, too, and lay themselves out another way than on a page without a change.
    app.sendPostedEvents(None, 0)


@cache
def families(stack: tuple[str, ...], weight: int, locale: str) -> tuple[str, ...]:
    """Names for QFont.setFamilies: a family's files are cut by script and weight, and each is registered under a name of its own."""
    application()
    own = LOCALES[locale].script
    names: list[str] = []
    for family in stack:
        font = fonts.FONTS[family]
        scripts = [script for script in dict.fromkeys(("latin", own)) if script in font.scripts]
        # Of the families that only stand in for missing letters, those made for another script are never asked.
        if not scripts or (family != stack[0] and own not in font.scripts and family != "Noto Sans"):
            continue
        nearest = min(font.weights, key=lambda own_weight: abs(own_weight - weight))
        names += _register(family, nearest, tuple(scripts))
    return (*names, *_symbols())


@cache
def _register(family: str, weight: int, scripts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_add(f"{family} {weight} {'-'.join(scripts)} {i}", data) for i, data in enumerate(fonts.truetype(family, weight, scripts)))


@cache
def _symbols() -> tuple[str, ...]:
    """The files in which the signs of interfaces stand: bullets of password fields, arrows, ticks, stars."""
    found: dict[str, str] = {}
    for sign in _SIGNS:
        for face in (face for family in ("Roboto", "Noto Sans SC") for face in fonts.faces(family) if face.weight == 400 and face.covers(sign)):
            data = kit_file(face.path.removesuffix("2")).read_bytes()
            if ord(sign) in TTFont(io.BytesIO(data)).getBestCmap():
                found.setdefault(face.path, _add(f"Signs {len(found)}", data) if face.path not in found else "")
                break
    return tuple(found.values())


def _add(name: str, data: bytes) -> str:
    """Registers a font file under a family name of its own. Returns the name."""
    font = TTFont(io.BytesIO(data))
    font.flavor = None
    for entry in list(font["name"].names):
        if entry.nameID in (16, 17, 21, 22, 25):
            font["name"].names.remove(entry)
    for number, value in ((1, name), (2, "Regular"), (4, name), (6, name.replace(" ", ""))):
        font["name"].setName(value, number, 3, 1, 0x409)
        font["name"].setName(value, number, 1, 0, 0)
    font["OS/2"].usWeightClass, font["head"].macStyle, font["OS/2"].fsSelection = 400, 0, 0x40
    out = io.BytesIO()
    font.save(out)
    if QFontDatabase.addApplicationFontFromData(QByteArray(out.getvalue())) < 0:
        raise RuntimeError(f"Qt does not read the font file of {name}")
    return name


@cache
def _freetype_version() -> str:
    """Qt has glyphs drawn by the machine's FreeType: pixels depend on it."""
    library, numbers = ctypes.CDLL("libfreetype.so.6"), [ctypes.c_int() for _ in range(3)]
    handle = ctypes.c_void_p()
    library.FT_Init_FreeType(ctypes.byref(handle))
    library.FT_Library_Version(handle, *(ctypes.byref(number) for number in numbers))
    library.FT_Done_FreeType(handle)
    return ".".join(str(number.value) for number in numbers)


@cache
def _zlib_version() -> str:
    """PNGs are packed by the machine's zlib: their bytes depend on it."""
    version = ctypes.CDLL("libz.so.1").zlibVersion
    version.restype = ctypes.c_char_p
    return version().decode()


# ---- marks -----------------------------------------------------------------------------------------------------------------------------------


@dataclass(eq=False)
class Mark:
    """A widget, or a part of one, that is labelled. `where` gives the part in the widget's coordinates; `parent` overrides the widget tree.

    For the audit: `recolour` gives an item another background, `empty` makes a context in which the part is not painted. The rest is set by `annotate`.
    """

    widget: QWidget
    class_name: str
    measure: str = "rect"
    where: Callable[[], QRect | None] | None = None
    text: str | Callable[[], str] = ""
    name: str = ""
    role: str | None = None
    icon: str = ""
    states: tuple[State, ...] = ()
    parent: "Mark | None" = None
    recolour: Callable[[Any], Any] | None = None
    empty: Callable[[], Any] | None = None
    edged: bool = True
    order: tuple[int, int] = (0, 0)
    full: Box | None = None
    box: Box | None = None
    visible: float = 1.0
    reachable: bool = True
    covered: bool = False
    id: int = -1


@dataclass
class Scene:
    """The widgets of one screen. `floating` cover what was made before them; `owners` says which mark a widget in a cell belongs to."""

    root: QWidget
    marks: list[Mark]
    floating: list[QWidget]
    backdrops: list[QWidget]
    owners: dict[QWidget, Mark]
    layers: list[QWidget] = field(default_factory=list)
    scale: float = 1.0
    labelled: list[Mark] = field(default_factory=list)


class QtStage:
    """Makes screens of Qt kits. A context manager; `version` names Qt's version."""

    def __enter__(self) -> "Self":
        self._app = application()
        self._host = QWidget()
        self._host.resize(16, 16)
        self._host.show()
        self._host.activateWindow()
        self._app.processEvents()
        return self

    def __exit__(self, *error: Any) -> None:
        shiboken6.delete(self._host)

    @property
    def version(self) -> str:
        return f"qt/{PySide6.__version__}+freetype{_freetype_version()}+zlib{_zlib_version()}"

    def make(self, plan: "Plan", min_visible: float) -> tuple[list[dict[str, Any]], bytes]:
        """The labels as annotate.js gives them (CSS pixels), and the PNG."""
        with self.scene(plan) as scene:
            picture = photograph(scene)
            return annotate(scene, min_visible), encode(picture)

    @contextmanager
    def scene(self, plan: "Plan") -> Iterator[Scene]:
        """The window of a plan as live widgets; they are gone afterwards."""
        from datagen.pages import draw_frame

        token = DEVICE_SCALE.set(plan.device_scale)
        try:
            ui, frame = draw_frame(plan.seed, plan.family, plan.kit, plan.theme, plan.locale, plan.state, plan.width, plan.height)
            scene: Scene = ui.assemble(frame, self._host, self._settle)
            scene.scale = plan.device_scale
            try:
                yield scene
            finally:
                scene.root.hide()
                root, loose = scene.root, ui.loose()
                ui.marks.clear()
                for widget in (root, *loose):
                    if shiboken6.isValid(widget):
                        shiboken6.delete(widget)
        finally:
            DEVICE_SCALE.reset(token)
            self._settle()

    def _settle(self) -> None:
        """Carries out what Qt has put off: layouts, polishing, deletions. No timer runs."""
        for _ in range(3):
            self._app.sendPostedEvents(None, 0)
        self._app.sendPostedEvents(None, 52)  # QEvent.DeferredDelete


# ---- pixels ----------------------------------------------------------------------------------------------------------------------------------


def photograph(scene: Scene) -> QImage:
    """The window as it is painted, at its device scale."""
    root, scale = scene.root, scene.scale
    picture = QImage(round(root.width() * scale), round(root.height() * scale), QImage.Format.Format_RGB32)
    picture.setDevicePixelRatio(scale)
    picture.fill(0)
    root.render(picture)
    return picture


def encode(picture: QImage) -> bytes:
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    picture.save(buffer, "PNG", _PNG_QUALITY)  # type: ignore[call-overload]
    return bytes(data.data())


def pixels(picture: QImage) -> "np.ndarray":
    """(height, width, 4) bytes: blue, green, red, alpha. A copy: the picture's own memory goes with it."""
    return np.frombuffer(picture.constBits(), np.uint8).reshape(picture.height(), picture.bytesPerLine() // 4, 4)[:, : picture.width()].copy()


# ---- labels ----------------------------------------------------------------------------------------------------------------------------------


def annotate(scene: Scene, min_visible: float) -> list[dict[str, Any]]:
    """The labels of a scene, in the form of annotate.js. `scene.labelled` keeps the marks by id."""
    root = scene.root
    places = {widget: i + 1 for i, widget in enumerate(root.findChildren(QWidget))}
    places[root] = 0
    geometry = _Geometry(root)
    seen = []
    for number, mark in enumerate(scene.marks):
        if mark.widget not in places or not geometry.shown(mark.widget):
            continue
        mark.order = (places[mark.widget], number)
        seen.append(mark)
    _measure(scene, seen, geometry)
    seen = [mark for mark in seen if mark.box is not None]
    _cover(scene, seen, places, geometry)
    out, ids = [], {}
    for mark in seen:
        if mark.box is None or mark.visible < min_visible:
            continue
        mark.id = len(out)
        ids[mark] = mark.id
        out.append(mark)
    scene.labelled = out
    first_of: dict[QWidget, Mark] = {}
    for mark in out:
        if mark.where is None:
            first_of.setdefault(mark.widget, mark)
    ranks = {mark: z for z, mark in enumerate(sorted(out, key=lambda mark: mark.order))}
    return [_entry(mark, ids, first_of, scene.owners, ranks[mark]) for mark in out]


def _entry(mark: Mark, ids: dict[Mark, int], first_of: dict[QWidget, Mark], owners: dict[QWidget, Mark], z: int) -> dict[str, Any]:
    states = list(mark.states)
    enabled = mark.widget.isEnabled() and "disabled" not in states
    if not enabled and "disabled" not in states:
        states.append("disabled")
    if mark.where is None and mark.widget.hasFocus():
        states.append("focused")
    text = mark.text if isinstance(mark.text, str) else mark.text()
    text = " ".join(text.split())
    role = mark.role or _ROLES.get(mark.class_name, to_aria(mark.class_name))
    return {
        "id": mark.id, "class_name": mark.class_name, "box": list(mark.box or ()), "text": text, "name": mark.name or ("" if mark.class_name == "text" else text),
        "role": role, "icon": mark.icon, "states": sorted(set(states)), "parent": _parent(mark, ids, first_of, owners), "z": z,
        "visible_fraction": mark.visible, "reachable": mark.reachable and enabled,
    }  # fmt: skip


def _parent(mark: Mark, ids: dict[Mark, int], first_of: dict[QWidget, Mark], owners: dict[QWidget, Mark]) -> int | None:
    above = mark.parent
    while above is not None:
        if above in ids:
            return ids[above]
        if above.parent is None:
            break
        above = above.parent
    widget: QWidget | None = mark.widget if above is None else above.widget
    if above is None and mark.where is None:
        widget = owners[mark.widget].widget if mark.widget in owners and owners[mark.widget] not in ids else mark.widget
        if mark.widget in owners and owners[mark.widget] in ids:
            return ids[owners[mark.widget]]
        widget = widget.parentWidget() if widget is mark.widget else widget
    while widget is not None:
        found = first_of.get(widget)
        if found is not None and found is not mark:
            return ids[found]
        owner = owners.get(widget)
        if owner is not None and owner in ids:
            return ids[owner]
        widget = widget.parentWidget()
    return None


class _Geometry:
    """Where widgets lie in the window and how far they can be seen, in CSS pixels."""

    def __init__(self, root: QWidget) -> None:
        self.root = root
        self._places: dict[QWidget, tuple[QPoint, QRect]] = {root: (QPoint(0, 0), root.rect())}
        self._shown: dict[QWidget, bool] = {root: True}

    def shown(self, widget: QWidget) -> bool:
        found = self._shown.get(widget)
        if found is None:
            above = widget.parentWidget()
            found = not widget.isHidden() and not widget.isWindow() and above is not None and self.shown(above)
            self._shown[widget] = found
        return found

    def place(self, widget: QWidget) -> tuple[QPoint, QRect]:
        """Its top left corner, and the part of the window in which it can be seen."""
        found = self._places.get(widget)
        if found is None:
            origin, clip = self.place(widget.parentWidget())
            at = origin + widget.pos()
            found = (at, QRect(at, widget.size()).intersected(clip))
            self._places[widget] = found
        return found


def _box(rect: QRect | QRectF) -> Box:
    return float(rect.x()), float(rect.y()), float(rect.x() + rect.width()), float(rect.y() + rect.height())


def _intersect(a: Box, b: Box) -> Box:
    return max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])


def _thin(box: Box) -> bool:
    return box[2] - box[0] <= _SLIVER or box[3] - box[1] <= _SLIVER


def _area(box: Box) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def _measure(scene: Scene, marks: Sequence[Mark], geometry: _Geometry) -> None:
    """Sets every mark's full box, and the part of it that its parents leave."""
    inks = _Inks(scene, geometry, marks)
    for mark in marks:
        mark.full = mark.box = None
        origin, clip = geometry.place(mark.widget)
        rect = mark.widget.rect() if mark.where is None else mark.where()
        if rect is None or clip.isEmpty() or not clip.intersects(rect.translated(origin)):
            continue
        full: Box | None = _box(rect.translated(origin))
        box: Box | None = _intersect(_box(rect.translated(origin)), _box(clip))
        if mark.measure != "rect":
            painted, visible = inks.boxes(mark, rect, origin, clip)
            mark.edged = mark.measure != "paint" or (painted is not None and _area(painted) >= _EDGED * _area(_box(rect)))
            if mark.edged:
                full, box = painted, visible
        if full is None or box is None or _thin(full) or _thin(box):
            continue
        mark.full, mark.box = full, box
        mark.visible = min(1.0, _area(box) / _area(full))


@dataclass(frozen=True)
class _Sheet:
    """What was painted, as (height, width) strengths, and the device pixel of the window at its top left."""

    painted: "np.ndarray"
    left: int = 0
    top: int = 0


class _Inks:
    """What marked widgets paint, alone on nothing. Widgets that lie wholly in view and cannot overlap one another share a sheet."""

    def __init__(self, scene: Scene, geometry: _Geometry, marks: Sequence[Mark]) -> None:
        self._scene, self._geometry = scene, geometry
        self._leaves = {mark.widget for mark in marks if mark.measure in ("ink", "paint")}
        self._dividers = set(scene.layers) | set(scene.floating) | set(scene.backdrops)
        self._holding = {above for leaf in self._leaves for above in _above(leaf, scene.root) if above in self._leaves}
        self._sheets: dict[Any, _Sheet] = {}
        self._texts: dict[QWidget, _Sheet] = {}
        groups: dict[Any, list[QWidget]] = {}
        for widget in self._leaves:
            groups.setdefault(self._group(widget), []).append(widget)
        for group, widgets in groups.items():
            if isinstance(group, tuple):
                sheet = self._shared(widgets)
                self._sheets |= dict.fromkeys(widgets, sheet)

    def _group(self, widget: QWidget) -> Any:
        """A key in brackets: may share a sheet with others of the same key. Else the widget itself, which is painted when it is asked for."""
        origin, clip = self._geometry.place(widget)
        if clip != QRect(origin, widget.size()) or widget in self._holding:
            return widget
        for above in _above(widget, self._scene.root):
            if above in self._leaves:
                return widget
            if above in self._dividers:
                return (above,)
        return (None,)

    def _shared(self, widgets: Sequence[QWidget]) -> _Sheet:
        root, scale = self._scene.root, self._scene.scale
        sheet = _blank_image(root.width(), root.height(), scale)
        painter = QPainter(sheet)
        for widget in widgets:
            widget.render(painter, self._geometry.place(widget)[0], QRegion(), QWidget.RenderFlag.DrawChildren)
        painter.end()
        return _Sheet(pixels(sheet)[:, :, 3])

    def _alone(self, widget: QWidget) -> _Sheet:
        flags = QWidget.RenderFlag(0) if widget in self._holding else QWidget.RenderFlag.DrawChildren
        image, left, top = self._own_image(widget, flags, QImage.Format.Format_ARGB32_Premultiplied)
        return _Sheet(pixels(image)[:, :, 3], left, top)

    def _own_image(self, widget: QWidget, flags: QWidget.RenderFlag, form: QImage.Format) -> tuple[QImage, int, int]:
        """A widget's picture on the same grid of device pixels as in the window."""
        origin, scale = self._geometry.place(widget)[0], self._scene.scale
        left, top = int(np.floor(origin.x() * scale)), int(np.floor(origin.y() * scale))
        image = _blank_image(widget.width() + 2 / scale, widget.height() + 2 / scale, scale, form)
        painter = QPainter(image)
        painter.translate(origin.x() - left / scale, origin.y() - top / scale)
        widget.render(painter, QPoint(0, 0), QRegion(), flags)
        painter.end()
        return image, left, top

    def boxes(self, mark: Mark, rect: QRect, origin: QPoint, clip: QRect) -> tuple[Box | None, Box | None]:
        """The box of what is painted within `rect` of the mark's widget, and of the part of it that is in view."""
        widget = mark.widget
        if mark.measure == "text":
            if widget not in self._texts:
                self._texts[widget] = self._difference(widget)
            sheet = self._texts[widget]
        else:
            if widget not in self._sheets:
                self._sheets[widget] = self._alone(widget)
            sheet = self._sheets[widget]
        whole = rect.translated(origin)
        full = _bounds(sheet, _box(whole), self._scene.scale)
        return full, full if clip.contains(whole) else _bounds(sheet, _intersect(_box(whole), _box(clip)), self._scene.scale)

    def _difference(self, widget: QWidget) -> _Sheet:
        """Where a view's pixels differ when its text is transparent."""
        view: Any = widget.parentWidget() if isinstance(widget.parentWidget(), QAbstractItemView) else widget
        kept = view.palette()
        clear = QPalette(kept)
        for role in (QPalette.ColorRole.Text, QPalette.ColorRole.HighlightedText, QPalette.ColorRole.WindowText, QPalette.ColorRole.ButtonText):
            for group in (QPalette.ColorGroup.Active, QPalette.ColorGroup.Inactive, QPalette.ColorGroup.Disabled):
                colour = kept.color(group, role)
                colour.setAlpha(0)
                clear.setColor(group, role, colour)
        sheets = []
        for palette in (kept, clear):
            if isinstance(view, TitleBar):
                view.blank = palette is clear
            else:
                view.setPalette(palette)
            image, left, top = self._own_image(widget, QWidget.RenderFlag.DrawWindowBackground, QImage.Format.Format_RGB32)
            sheets.append(pixels(image)[:, :, :3])
        if isinstance(view, TitleBar):
            view.blank = False
        else:
            view.setPalette(kept)
        first, second = sheets
        return _Sheet((np.maximum(first, second) - np.minimum(first, second)).max(axis=2), left, top)


def _blank_image(width: float, height: float, scale: float, form: QImage.Format = QImage.Format.Format_ARGB32_Premultiplied) -> QImage:
    image = QImage(int(np.ceil(width * scale)), int(np.ceil(height * scale)), form)
    image.setDevicePixelRatio(scale)
    image.fill(0)
    return image


def _above(widget: QWidget, root: QWidget) -> Iterator[QWidget]:
    above = widget.parentWidget()
    while above is not None and above is not root:
        yield above
        above = above.parentWidget()


def _bounds(sheet: _Sheet, box: Box, scale: float) -> Box | None:
    """The box, within `box`, of what is painted on a sheet. CSS pixels of the window."""
    left, top = sheet.left, sheet.top
    x1, y1 = max(0, int(np.floor(box[0] * scale)) - left), max(0, int(np.floor(box[1] * scale)) - top)
    x2, y2 = int(np.ceil(box[2] * scale)) - left, int(np.ceil(box[3] * scale)) - top
    part = sheet.painted[y1 : max(y2, 0), x1 : max(x2, 0)] >= _INKED
    if not part.size:
        return None
    rows, columns = np.flatnonzero(part.any(axis=1)), np.flatnonzero(part.any(axis=0))
    if not len(rows):
        return None
    x1, y1 = x1 + left, y1 + top
    return float(columns[0] + x1) / scale, float(rows[0] + y1) / scale, float(columns[-1] + 1 + x1) / scale, float(rows[-1] + 1 + y1) / scale


def _cover(scene: Scene, marks: Sequence[Mark], places: dict[QWidget, int], geometry: _Geometry) -> None:
    """Takes away what floats above a mark; what a backdrop dims cannot be reached."""
    covers = [(places[widget], widget, geometry.place(widget)[1]) for widget in scene.floating if widget in places and geometry.shown(widget)]
    dims = [places[widget] for widget in scene.backdrops if widget in places and geometry.shown(widget)]
    scale = 64  # of a region's whole pixels per CSS pixel
    for mark in marks:
        mark.reachable = not any(mark.order[0] < dim for dim in dims)
        mark.covered = False
        if mark.box is None or mark.full is None:
            continue
        above = [rect for place, widget, rect in covers if place > mark.order[0] and not widget.isAncestorOf(mark.widget) and _meet(mark.box, rect)]
        if not above:
            continue
        x1, y1, x2, y2 = (round(value * scale) for value in mark.box)
        rest = QRegion(x1, y1, x2 - x1, y2 - y1)
        for rect in above:
            rest -= QRegion(rect.x() * scale, rect.y() * scale, rect.width() * scale, rect.height() * scale)
        left = sum(part.width() * part.height() for part in rest) / scale**2
        mark.covered = True
        mark.visible = left / _area(mark.full)
        mark.reachable = mark.reachable and left > _area(mark.box) / 2
        bounds = rest.boundingRect()
        box = (bounds.x() / scale, bounds.y() / scale, (bounds.x() + bounds.width()) / scale, (bounds.y() + bounds.height()) / scale)
        mark.box = None if _thin(box) else box


def _meet(box: Box, rect: QRect) -> bool:
    return rect.x() < box[2] and rect.x() + rect.width() > box[0] and rect.y() < box[3] and rect.y() + rect.height() > box[1]
