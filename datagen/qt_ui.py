"""`QtUi`: the widget vocabulary in real Qt widgets. Themes are the palettes of `PALETTES`; the kit's name says which style draws them.

A method returns a widget; what is labelled is said in `self.marks` (datagen.qt.Mark). Widgets that are painted by hand, and layouts, are in datagen.qt_parts.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import lru_cache
from random import Random
from typing import Any, Literal

from PySide6.QtCore import QByteArray, QDate, QLocale, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QAction, QColor, QFont, QFontMetrics, QIcon, QImage, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import (
    QAbstractItemView,
    QAbstractSpinBox,
    QButtonGroup,
    QCalendarWidget,
    QCheckBox,
    QComboBox,
    QDateEdit,
    QFrame,
    QGridLayout,
    QGroupBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QListWidget,
    QMenu,
    QMenuBar,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QRadioButton,
    QScrollArea,
    QScrollBar,
    QSizePolicy,
    QSlider,
    QSpinBox,
    QStatusBar,
    QStyle,
    QStyleOptionButton,
    QStyleOptionGroupBox,
    QTabBar,
    QTableView,
    QTableWidget,
    QTableWidgetItem,
    QTextEdit,
    QToolBar,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from contracts.annotation import State as ElementState
from datagen.content import fonts, icons, images
from datagen.content.locales import LOCALES
from datagen.content.palettes import palette as random_palette
from datagen.pages.shell import Frame
from datagen.pages.ui import Align, Branch, Entry, Justify, Setting, Tone, Ui
from datagen.qt import DEVICE_SCALE, Mark, Scene, families, set_style
from datagen.qt_parts import (
    Backdrop,
    Chart,
    Corner,
    Crop,
    Dots,
    Fill,
    Flow,
    Initials,
    Label,
    Picture,
    Pill,
    Place,
    Ring,
    StyledRow,
    Switch,
    TipLabel,
    TitleBar,
    natural_size,
)

Variant = Literal["default", "primary", "danger", "text"]
Role = QPalette.ColorRole
Policy = QSizePolicy.Policy
Part = QStyle.SubElement
Control = QStyle.ComplexControl
_ALIGN = {
    "start": Qt.AlignmentFlag.AlignTop, "center": Qt.AlignmentFlag.AlignVCenter, "end": Qt.AlignmentFlag.AlignBottom, "baseline": Qt.AlignmentFlag.AlignVCenter,
}  # fmt: skip
_ACROSS = {
    "start": Qt.AlignmentFlag.AlignLeft,
    "center": Qt.AlignmentFlag.AlignHCenter,
    "end": Qt.AlignmentFlag.AlignRight,
    "baseline": Qt.AlignmentFlag.AlignLeft,
}
_TONES = {"success": "#2e7d32", "warning": "#b26a00", "danger": "#c62828", "info": "#1565c0"}
_TONES_DARK = {"success": "#81c784", "warning": "#ffb74d", "danger": "#ef9a9a", "info": "#90caf9"}
_AVATARS = ("#c0504d", "#4f81bd", "#6a9a3b", "#8064a2", "#2c8aa0", "#d07a2c")
_WEIGHTS = {"strong": 600}


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
    faint = QColor(colours["text"])
    faint.setAlphaF(0.5)
    made.setColor(Role.PlaceholderText, faint)
    grey = _mix(QColor(colours["text"]), QColor(colours["window"]), 0.5)
    for role in (Role.WindowText, Role.Text, Role.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, role, grey)
    made.setColor(QPalette.ColorGroup.Disabled, Role.Highlight, grey)
    return made


def _mix(one: QColor, other: QColor, share: float) -> QColor:
    return QColor.fromRgbF(*(a * share + b * (1 - share) for a, b in zip(one.getRgbF()[:3], other.getRgbF()[:3], strict=True)))


@lru_cache(maxsize=4096)
def _drawn_icon(concept: str, look: str, colour: str, size: int, scale: float) -> QPixmap:
    icon = icons.icon(concept, look)
    paint = (
        'fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"' if icon.stroke else 'fill="currentColor"'
    )
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{icon.view_box}" {paint}>{icon.body}</svg>'.replace("currentColor", colour)
    return _svg(svg, size, size, scale)


def _svg(svg: str, width: int, height: int, scale: float) -> QPixmap:
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


def _spacing(layout: Any, gap: int) -> Any:
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(gap)
    return layout


class QtUi(Ui[QWidget]):
    """The vocabulary in widgets; see the module's text."""

    style_name = "Fusion"

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        rng = self.rng
        self.marks: list[Mark] = []
        self._made: list[QWidget] = []
        self._owners: dict[QWidget, Mark] = {}
        self._places: list[Place] = []
        self._groups: dict[str, QButtonGroup] = {}
        self._scrolls: list[QScrollArea] = []
        self._views: list[Any] = []
        self._icons: dict[Any, tuple[str, int]] = {}
        self._near: list[tuple[QWidget, str, int, int]] = []
        self._corners: list[tuple[QWidget, str]] = []
        self._backdrops: list[QWidget] = []
        self.palette = build_palette(setting.theme, self.style_name, rng)
        self.dark = self.palette.color(Role.Window).lightness() < 110
        self.em = rng.choice((12, 13, 13, 13, 14, 14, 15))
        locale = setting.locale
        body, heading = fonts.font_stack(rng, locale)
        self._body, self._heading, self._mono = tuple(body), tuple(heading), tuple(fonts.mono_stack(rng, locale))
        self._hinting = rng.choice((QFont.HintingPreference.PreferNoHinting, QFont.HintingPreference.PreferVerticalHinting))
        self._fonts: dict[tuple[Any, ...], QFont] = {}
        # All before the first widget: a font that is added later lays out every widget anew.
        for stack in (self._body, self._heading, self._mono):
            for weight in (400, 600):
                families(stack, weight, locale)
        self.rtl = LOCALES[locale].direction == "rtl"
        self.scale = DEVICE_SCALE.get()
        self._flat_tools = rng.random() < 0.75
        set_style(self.style_name, self.palette, self.font(), self.rtl)
        self._qlocale = QLocale(LOCALES[locale].cldr)

    # ---- for the engine ----------------------------------------------------------------------------------------------------------------------

    def mark(self, widget: QWidget, class_name: str, measure: str = "rect", **details: Any) -> Mark:
        made = Mark(widget, class_name, measure, **details)
        self.marks.append(made)
        return made

    def loose(self) -> list[QWidget]:
        """Widgets that were made and never put anywhere."""
        return [widget for widget in self._made if _alive(widget) and widget.parentWidget() is None]

    def new(self, widget: Any) -> Any:
        self._made.append(widget)
        return widget

    def assemble(self, frame: Frame[QWidget], host: QWidget, settle: Callable[[], None]) -> Scene:
        """The frame as a live window in `host`, laid out, scrolled, and with what floats in its place."""
        width, height = self.setting.width, self.setting.height
        root = QWidget(host)
        root.setFixedSize(width, height)
        hue = self.rng.randrange(360)
        margin = self.rng.choice((0, 0, 8, 20, 36))
        desk = self.new(Fill(QColor.fromHsl(hue, self.rng.randrange(40, 150), self.rng.randrange(50, 190))))
        desk.setParent(root)
        stacked = _spacing(QVBoxLayout(desk), 0)
        stacked.setContentsMargins(margin, margin, margin, margin)
        for part in (*frame.bars, *frame.main, *frame.feet):
            stacked.addWidget(part, 1 if part in frame.main else 0)
        cropped = self.state == "cropped"
        desk.resize(width * 4 // 3 if cropped else width, height * 4 // 3 if cropped else height)
        if cropped:
            desk.move(-self.rng.randrange(0, width // 3), -self.rng.randrange(0, height // 3))
        root.show()
        settle()
        desk.layout().activate()
        settle()
        for area in self._scrolls:
            self._scroll(area)
        for view in self._views:
            # What views put off waits for a timer; there is none.
            if root.isAncestorOf(view):
                view.doItemsLayout()
                view.updateEditorGeometries()
        settle()
        for part in frame.over:
            part.setParent(root)
            part.show()
        settle()
        self._float(root)
        settle()
        if self.state in ("focused", "error"):
            self._focus(root)
        floating = [widget for widget, *_ in (*self._near, *self._corners)] + [
            dialog for back in self._backdrops for dialog in back.findChildren(QFrame, options=Qt.FindChildOption.FindDirectChildrenOnly)
        ]
        layers = [part for place in self._places for part in place.parts]
        return Scene(root, self.marks, [*floating, *layers_that_cover(layers)], self._backdrops, self._owners, layers)

    def _scroll(self, area: QScrollArea) -> None:
        if self.state == "scrolled":
            bar = area.verticalScrollBar()
            bar.setValue(min(bar.maximum(), self.rng.randrange(20, 260)))

    def _float(self, root: QWidget) -> None:
        width, height = root.width(), root.height()
        for back in self._backdrops:
            back.setGeometry(root.rect())
        for widget, where in self._corners:
            size = natural_size(widget, min(width - 24, 420))
            gap = 16
            x = {"start": gap, "center": (width - size.width()) // 2, "end": width - gap - size.width()}[where.split("-")[1]]
            if self.rtl:
                x = width - x - size.width()
            widget.setGeometry(x, gap if where.startswith("top") else height - gap - size.height() - 24, size.width(), size.height())
        for widget, near, nth, gap in self._near:
            size = natural_size(widget, width - 16)
            anchors = [mark for mark in self.marks if mark.class_name == near and mark.widget.isVisibleTo(root) and root.isAncestorOf(mark.widget)]
            anchors = [mark for mark in anchors if root.rect().contains(QRect(mark.widget.mapTo(root, QPoint(0, 0)), mark.widget.size()))]
            at = QRect(width // 3, height // 3, 40, 20)
            if anchors:
                anchor = anchors[nth % len(anchors)].widget
                at = QRect(anchor.mapTo(root, QPoint(0, 0)), anchor.size())
            x = at.right() + 1 - size.width() if self.rtl else at.x()
            y = at.bottom() + 1 + gap
            if y + size.height() > height - 4:
                y = at.top() - gap - size.height()
            widget.setGeometry(max(4, min(x, width - size.width() - 4)), max(4, min(y, height - size.height() - 4)), size.width(), size.height())
            widget.raise_()

    def _focus(self, root: QWidget) -> None:
        choices = [
            mark.widget for mark in self.marks
            if mark.where is None and root.isAncestorOf(mark.widget) and mark.widget.isVisibleTo(root) and mark.widget.isEnabled()
            and mark.widget.focusPolicy() & Qt.FocusPolicy.TabFocus and not mark.widget.visibleRegion().isEmpty()
        ]  # fmt: skip
        if choices:
            choices[self.rng.randrange(10**6) % len(choices)].setFocus(Qt.FocusReason.TabFocusReason)

    # ---- typefaces, colours, pictograms ------------------------------------------------------------------------------------------------------

    def font(self, size: float = 1.0, weight: int = 400, kind: str = "body", underline: bool = False) -> QFont:
        key = (size, weight, kind, underline)
        made = self._fonts.get(key)
        if made is None:
            stack = {"body": self._body, "heading": self._heading, "mono": self._mono}[kind]
            made = QFont()
            made.setFamilies(list(families(stack, weight, self.setting.locale)))
            made.setPixelSize(max(8, round(self.em * size)))
            made.setHintingPreference(self._hinting)
            made.setUnderline(underline)
            self._fonts[key] = made
        return made

    def colour(self, tone: str) -> QColor:
        text, window = self.palette.color(Role.WindowText), self.palette.color(Role.Window)
        if tone in ("muted", "caption"):
            return _mix(text, window, 0.68)
        if tone == "primary":
            return self.palette.color(Role.Link)
        named = (_TONES_DARK if self.dark else _TONES).get(tone)
        return QColor(named) if named else text

    def pixmap(self, concept: str, size: int, colour: QColor | None = None) -> QPixmap:
        return _drawn_icon(concept, self.setting.icon_set, (colour or self.palette.color(Role.ButtonText)).name(), size, self.scale)

    def qicon(self, concept: str, size: int | None = None, colour: QColor | None = None) -> QIcon:
        size = size or round(self.em * 1.15)
        made = QIcon(self.pixmap(concept, size, colour))
        grey = self.palette.color(QPalette.ColorGroup.Disabled, Role.ButtonText)
        made.addPixmap(self.pixmap(concept, size, grey), QIcon.Mode.Disabled)
        return made

    def px(self, em: float) -> int:
        return round(self.em * em)

    def gap(self, steps: int) -> int:
        return round(self.em * steps / 4)

    def words_label(self, content: str, font: QFont, colour: QColor | None = None, wrap: bool = True) -> QLabel:
        if wrap and " " in content:
            label: QLabel = Label(content, font, self.px(6))
        else:
            label = QLabel()
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setFont(font)
            label.setText(content)
        if colour is not None and colour != self.palette.color(Role.WindowText):
            self._ink(label, colour)
        policy = label.sizePolicy()
        policy.setHorizontalPolicy(Policy.Preferred)
        policy.setVerticalPolicy(Policy.Minimum)
        label.setSizePolicy(policy)
        return self.new(label)

    def _ink(self, label: QWidget, colour: QColor) -> None:
        """Another colour for a label's text; on a view's surface it is painted in `Text`, elsewhere in `WindowText`."""
        own = QPalette(self.palette)
        own.setColor(Role.WindowText, colour)
        own.setColor(Role.Text, colour)
        label.setPalette(own)

    # ---- layout ------------------------------------------------------------------------------------------------------------------------------

    def _holder(self, layout: Any, gap: int) -> tuple[QWidget, Any]:
        holder = self.new(QWidget())
        return holder, _spacing(layout(holder), gap)

    def _stack(self, layout: QVBoxLayout, parts: Sequence[QWidget], align: Align = "stretch", fill: bool = False) -> None:
        grows = False
        for part in parts:
            policy = part.sizePolicy()
            grows = grows or (part.maximumHeight() > 16000 and (policy.verticalStretch() > 0 or policy.verticalPolicy() == Policy.Expanding))
            if align != "stretch":
                layout.addWidget(part, 0, _ACROSS[align])
            elif policy.horizontalPolicy() in (Policy.Fixed, Policy.Maximum) or part.maximumWidth() < 16000:
                layout.addWidget(part, 0, Qt.AlignmentFlag.AlignLeft)
            else:
                layout.addWidget(part)
        if not (fill and grows):
            layout.addStretch(1)

    def column(self, *parts: QWidget, gap: int = 2, align: Align = "stretch", fill: bool = False) -> QWidget:
        holder, layout = self._holder(QVBoxLayout, self.gap(gap))
        self._stack(layout, parts, align, fill)
        holder.setSizePolicy(Policy.Expanding if fill else Policy.Preferred, Policy.Expanding if fill else Policy.Preferred)
        return holder

    def row(
        self, *parts: QWidget, gap: int = 2, align: Align = "center", justify: Justify = "start", wrap: bool = False, fill: bool = False
    ) -> QWidget:
        if wrap:
            holder = self.new(QWidget())
            flow = Flow(max(2, self.gap(gap)), holder)
            for part in parts:
                flow.addWidget(part)
            policy = QSizePolicy(Policy.Preferred, Policy.Preferred)
            policy.setHeightForWidth(True)
            holder.setSizePolicy(policy)
            return holder
        holder, layout = self._holder(QHBoxLayout, self.gap(gap))
        if justify in ("center", "end", "around"):
            layout.addStretch(1)
        takes = False
        for i, part in enumerate(parts):
            policy = part.sizePolicy()
            takes = takes or policy.horizontalStretch() > 0 or (policy.horizontalPolicy() == Policy.Expanding and part.maximumWidth() > 16000)
            if align == "stretch" or policy.verticalPolicy() == Policy.Expanding:
                layout.addWidget(part)
            else:
                layout.addWidget(part, 0, _ALIGN[align])
            if justify in ("between", "around") and i + 1 < len(parts):
                layout.addStretch(1)
            if isinstance(part, QScrollBar) and i and isinstance(parts[i - 1], QScrollArea):
                # The shell's own scroll bar stands in for the pane's.
                parts[i - 1].setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)  # type: ignore[attr-defined]
        if justify in ("center", "around") or (justify == "start" and not takes):
            layout.addStretch(1)
        holder.setSizePolicy(Policy.Expanding if fill else Policy.Preferred, Policy.Expanding if fill else Policy.Preferred)
        return holder

    def grid(self, *parts: QWidget, columns: int, gap: int = 3) -> QWidget:
        holder, layout = self._holder(QGridLayout, self.gap(gap))
        for i, part in enumerate(parts):
            row, column = divmod(i, columns)
            if part.sizePolicy().horizontalPolicy() in (Policy.Fixed, Policy.Maximum):
                layout.addWidget(part, row, column, Qt.AlignmentFlag.AlignLeft)
            else:
                layout.addWidget(part, row, column)
        for column in range(columns):
            layout.setColumnStretch(column, 1)
            layout.setColumnMinimumWidth(column, 1)
        return holder

    def grow(self, *parts: QWidget) -> QWidget:
        holder, layout = self._holder(QVBoxLayout, self.gap(1))
        self._stack(layout, parts, fill=True)
        policy = QSizePolicy(Policy.Expanding, Policy.Preferred)
        policy.setHorizontalStretch(1)
        policy.setVerticalStretch(1)
        holder.setSizePolicy(policy)
        return holder

    def box(
        self, *parts: QWidget, width: float | None = None, height: float | None = None, pad: int = 0, tint: bool = False, border: bool = False
    ) -> QWidget:
        line = _mix(self.palette.color(Role.WindowText), self.palette.color(Role.Window), 0.25)
        inner, layout = self._holder(QVBoxLayout, self.gap(2))
        layout.setContentsMargins(*[self.gap(pad)] * 4)
        self._stack(layout, parts, fill=True)
        holder = inner
        if tint or border:
            holder = self.new(Fill(self.palette.color(Role.AlternateBase if tint else Role.Window), line if border else None))
            _spacing(QVBoxLayout(holder), 0).addWidget(inner)
        if width is None and height is None:
            return holder
        cropped = self.new(Crop(holder))
        if width is not None:
            cropped.setFixedWidth(self.px(width))
        if height is not None:
            cropped.setFixedHeight(self.px(height))
        return cropped

    def place(self, *parts: tuple[float, float, QWidget], height: float | None = None, back: QWidget | None = None) -> QWidget:
        made = self.new(Place(parts, back))
        if height:
            made.setFixedHeight(self.px(height))
        self._places.append(made)
        return made

    def pane(self, *parts: QWidget, pad: int = 2) -> QWidget:
        area = self.new(QScrollArea())
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inner = self.new(QWidget())
        layout = _spacing(QVBoxLayout(inner), self.gap(3))
        layout.setContentsMargins(*[self.gap(pad)] * 4)
        self._stack(layout, parts, fill=True)
        area.setWidget(inner)
        # Pages paint the window's colour, not the view's.
        area.viewport().setAutoFillBackground(False)
        inner.setAutoFillBackground(False)
        area.setSizePolicy(Policy.Expanding, Policy.Expanding)
        bar = area.verticalScrollBar()
        self.mark(bar, "scroll_bar", "rect", name="scroll")
        self._scrolls.append(area)
        return area

    def divider(self) -> QWidget:
        line = self.new(QFrame())
        line.setFrameShape(QFrame.Shape.HLine)
        line.setFrameShadow(QFrame.Shadow.Sunken)
        return line

    # ---- text --------------------------------------------------------------------------------------------------------------------------------

    def _tone_font(self, tone: Tone) -> QFont:
        if tone == "strong":
            return self.font(1.0, 600)
        if tone in ("small", "caption"):
            return self.font(0.88 if tone == "small" else 0.82)
        return self.font(0.95, 400, "mono") if tone == "code" else self.font()

    def text(self, content: str, tone: Tone = "normal") -> QWidget:
        label = self.words_label(content, self._tone_font(tone), self.colour(tone))
        self.mark(label, "text", "ink", text=content)
        return label

    def heading(self, content: str, level: int = 2) -> QWidget:
        label = self.words_label(content, self.font({1: 1.7, 2: 1.45, 3: 1.25, 4: 1.12, 5: 1.0}.get(level, 0.9), 600, "heading"))
        self.mark(label, "heading", "ink", text=content)
        return label

    def link(self, content: str, icon: str | None = None) -> QWidget:
        label = self.words_label(content, self.font(underline=True), self.palette.color(Role.Link), wrap=len(content) > 40)
        label.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        label.setSizePolicy(Policy.Maximum, Policy.Minimum)
        self.mark(label, "link", "ink", text=content)
        if not icon:
            return label
        picture = QLabel()
        picture.setPixmap(self.pixmap(icon, self.px(1), self.palette.color(Role.Link)))
        return self.row(self.new(picture), label, gap=1)

    def label(self, content: str, required: bool = False) -> QWidget:
        return self.text(content + (" *" if required else ""))

    def code(self, lines: Sequence[str], numbers: bool = True, marked: int | None = None) -> QWidget:
        """Line numbers and lines stand in a frame like an editor's; each line is a label, so that each is measured by itself."""
        frame = self.new(Fill(self.palette.color(Role.Base), _mix(self.palette.color(Role.Text), self.palette.color(Role.Base), 0.3)))
        frame.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        layout = _spacing(QVBoxLayout(frame), 0)
        layout.setContentsMargins(6, 6, 6, 6)
        font, faint = self.font(0.95, 400, "mono"), _mix(self.palette.color(Role.Text), self.palette.color(Role.Base), 0.55)
        inks = [self.palette.color(Role.Text), self.palette.color(Role.Text), self.colour("success"), self.colour("info"), self.colour("danger")]
        wide = QFontMetrics(font).horizontalAdvance("000")
        for i, line in enumerate(lines):
            row = self.new(
                Fill(
                    self.palette.color(Role.AlternateBase)
                    if i != marked
                    else _mix(self.palette.color(Role.Highlight), self.palette.color(Role.Base), 0.25)
                )
                if i == marked
                else QWidget()
            )
            across = _spacing(QHBoxLayout(row), 8)
            if numbers:
                number = self.words_label(str(i + 1), font, faint)
                number.setAlignment(Qt.AlignmentFlag.AlignRight)
                number.setFixedWidth(wide)
                self.mark(number, "text", "ink", text=str(i + 1))
                across.addWidget(number)
            across.addSpacing((len(line) - len(line.lstrip())) * max(1, wide // 3))
            code = self.words_label(line.strip(), font, self.rng.choice(inks), wrap=False)
            if line.strip():
                self.mark(code, "text", "ink", text=line.strip())
            across.addWidget(code, 1)
            row.setFixedHeight(QFontMetrics(font).height() + 3)
            layout.addWidget(row)
        frame.setMinimumWidth(1)
        layout.addStretch(1)
        return frame

    # ---- controls ----------------------------------------------------------------------------------------------------------------------------

    def button(
        self, content: str, icon: str | None = None, variant: Variant | None = None, size: Literal["small", "normal", "large"] = "normal",
        disabled: bool | None = None, pressed: bool | None = None, wide: bool = False, busy: bool = False,
    ) -> QWidget:  # fmt: skip
        variant = variant or self.rng.choice(("default", "default", "primary", "text"))
        made = self.new(QPushButton(content.replace("&", "&&")))
        if icon:
            made.setIcon(
                self.qicon(icon, colour=self.palette.color(Role.HighlightedText) if variant == "primary" and self.style_name == "Fusion" else None)
            )
            made.setIconSize(QSize(self.px(1.15), self.px(1.15)))
        if size != "normal":
            made.setFont(self.font(0.9 if size == "small" else 1.15))
            if size == "large":
                made.setMinimumHeight(self.px(2.7))
        if variant == "primary":
            own = QPalette(self.palette)
            if self.style_name == "Fusion":
                own.setColor(Role.Button, self.palette.color(Role.Highlight))
                own.setColor(Role.ButtonText, self.palette.color(Role.HighlightedText))
                own.setColor(QPalette.ColorGroup.Disabled, Role.Button, self.palette.color(Role.Mid))
                made.setPalette(own)
            else:
                made.setDefault(True)
        elif variant == "danger":
            own = QPalette(self.palette)
            own.setColor(QPalette.ColorGroup.Active, Role.ButtonText, self.colour("danger"))
            own.setColor(QPalette.ColorGroup.Inactive, Role.ButtonText, self.colour("danger"))
            made.setPalette(own)
        elif variant == "text":
            made.setFlat(True)
        made.setEnabled(not (self.chance("disabled") if disabled is None else disabled))
        states: list[ElementState] = ["busy"] if busy else []
        if pressed is not None:
            made.setCheckable(True)
            made.setChecked(pressed)
            states += ["pressed"] if pressed else []
        made.setSizePolicy(Policy.Expanding if wide else Policy.Maximum, Policy.Fixed)
        self.mark(made, "button", "paint", text=content, icon=icons.canonical(icon) if icon else "", states=tuple(states))
        return made

    def icon_button(
        self, icon: str, content: str | None = None, variant: Literal["plain", "default", "primary"] = "plain", disabled: bool | None = None,
        pressed: bool | None = None, badge: str | None = None,
    ) -> QWidget:  # fmt: skip
        made = self.new(QToolButton())
        made.setIcon(
            self.qicon(icon, colour=self.palette.color(Role.HighlightedText) if variant == "primary" and self.style_name == "Fusion" else None)
        )
        made.setIconSize(QSize(self.px(1.25), self.px(1.25)))
        made.setAutoRaise(variant == "plain" and self._flat_tools)
        made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        if variant == "primary" and self.style_name == "Fusion":
            own = QPalette(self.palette)
            own.setColor(Role.Button, self.palette.color(Role.Highlight))
            made.setPalette(own)
        states: tuple[ElementState, ...] = ()
        if pressed is not None:
            made.setCheckable(True)
            made.setChecked(pressed)
            states = ("pressed",) if pressed else ()
        made.setEnabled(not (self.chance("disabled", 0.25, 0.02) if disabled is None else disabled))
        made.setSizePolicy(Policy.Fixed, Policy.Fixed)
        self.mark(made, "icon_button", "paint", name=content or self.words.t(icons.label(icon)), icon=icons.canonical(icon), states=states)
        return self.new(Corner(made, self.badge(badge, "danger"), self.px(0.35))) if badge else made

    def button_group(self, *buttons: QWidget) -> QWidget:
        holder, layout = self._holder(QHBoxLayout, 0)
        for button in buttons:
            layout.addWidget(button)
        holder.setSizePolicy(Policy.Maximum, Policy.Fixed)
        return holder

    def _line_edit(self, value: str, placeholder: str, disabled: bool | None, invalid: bool | None) -> tuple[QLineEdit, tuple[ElementState, ...]]:
        made: QLineEdit = self.new(QLineEdit(value))
        made.setPlaceholderText(placeholder)
        made.setCursorPosition(0)
        made.setEnabled(not (self.chance("disabled") if disabled is None else disabled))
        made.setMinimumWidth(self.px(4))
        made.setSizePolicy(Policy.Expanding, Policy.Fixed)
        if not (self.chance("error", 0.4, 0.02) if invalid is None else invalid):
            return made, ()
        own = QPalette(self.palette)
        own.setColor(Role.Base, _mix(self.colour("danger"), self.palette.color(Role.Base), 0.2))
        made.setPalette(own)
        return made, ("invalid",)

    def text_field(
        self, name: str, value: str = "", placeholder: str = "", icon: str | None = None, disabled: bool | None = None, invalid: bool | None = None,
        readonly: bool = False, required: bool = False,
    ) -> QWidget:  # fmt: skip
        made, states = self._line_edit(value, placeholder, disabled, invalid)
        made.setReadOnly(readonly)
        states += (("readonly",) if readonly else ()) + (("required",) if required else ())
        self.mark(made, "text_field", "paint", text=value or placeholder, name=name, states=states)
        if icon:
            self._icon_in(made, icon)
        return made

    def _icon_in(self, field: QLineEdit, icon: str) -> None:
        field.addAction(self.qicon(icon), QLineEdit.ActionPosition.LeadingPosition)
        button = field.findChildren(QToolButton)[0]
        self.mark(button, "icon", "ink", icon=icons.canonical(icon))

    def password_field(self, name: str, length: int = 0, placeholder: str = "", disabled: bool | None = None, invalid: bool | None = None) -> QWidget:
        made, states = self._line_edit("x" * length, placeholder, disabled, invalid)
        made.setEchoMode(QLineEdit.EchoMode.Password)
        self.mark(made, "password_field", "paint", text="" if length else placeholder, name=name, states=states)
        return made

    def search_field(self, placeholder: str, value: str = "") -> QWidget:
        made, _ = self._line_edit(value, placeholder, False, False)
        self.mark(made, "search_field", "paint", text=value or placeholder, name=placeholder)
        if self.rng.random() < 0.5:
            self._icon_in(made, "search")
        return made

    def text_area(self, name: str, value: str = "", placeholder: str = "", rows: int = 3, disabled: bool | None = None) -> QWidget:
        made = self.new(QPlainTextEdit(value) if self.rng.random() < 0.5 else QTextEdit())
        if isinstance(made, QTextEdit):
            made.setPlainText(value)
        made.setPlaceholderText(placeholder)
        made.setFixedHeight(QFontMetrics(self.font()).lineSpacing() * rows + 12)
        made.setMinimumWidth(self.px(5))
        made.setEnabled(not (self.chance("disabled") if disabled is None else disabled))
        self.mark(made, "text_area", text=value or placeholder, name=name)
        return made

    def combo_box(self, name: str, options: Sequence[str], chosen: int = 0, disabled: bool | None = None) -> QWidget:
        made = self.new(QComboBox())
        made.addItems(list(options))
        made.setCurrentIndex(chosen)
        made.setMinimumContentsLength(5)
        made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        made.setMinimumWidth(self.px(5))
        made.setEnabled(not (self.chance("disabled") if disabled is None else disabled))
        made.setSizePolicy(Policy.Preferred, Policy.Fixed)
        self.mark(made, "combo_box", "paint", text=made.currentText(), name=name, states=("collapsed",))
        return made

    def list_box(self, name: str, options: Sequence[str], chosen: Sequence[int] = ()) -> QWidget:
        made = self.new(QListWidget())
        made.addItems(list(options))
        # A family may choose an option that it then leaves out: nothing is chosen then.
        chosen = [i for i in chosen if i < len(options)]
        if len(chosen) > 1:
            made.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        for i in chosen:
            made.item(i).setSelected(True)
        if self.rng.random() < 0.3:
            made.setAlternatingRowColors(True)
        made.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        made.setTextElideMode(Qt.TextElideMode.ElideRight)
        made.setFixedHeight(min(max(1, len(options)) * made.sizeHintForRow(0) + 2 * made.frameWidth(), self.px(16)))
        made.setMinimumWidth(self.px(5))
        whole = self.mark(made, "list_box", name=name)
        view = made.viewport()
        for i, option in enumerate(options):
            item = self.mark(view, "list_item", where=lambda i=i: made.visualItemRect(made.item(i)), role="option", parent=whole,
                             states=("selected",) if i in chosen else (), name=option, recolour=made.item(i).setBackground)  # fmt: skip
            self.mark(view, "text", "text", where=item.where, text=option, parent=item, empty=lambda i=i: _emptied(made.item(i)))
        return made

    def _checkable(
        self, made: Any, class_name: str, content: str, show_label: bool, disabled: bool | None, states: tuple[ElementState, ...]
    ) -> QWidget:
        radio = class_name == "radio"
        indicator, contents = (
            (Part.SE_RadioButtonIndicator, Part.SE_RadioButtonContents) if radio else (Part.SE_CheckBoxIndicator, Part.SE_CheckBoxContents)
        )

        def part(element: Any) -> QRect:
            option = QStyleOptionButton()
            made.initStyleOption(option)
            return made.style().subElementRect(element, option, made)

        switch = isinstance(made, Switch)
        if self.dark and not switch:
            # Fusion derives the outline from the window's colour, and in dark palettes nothing of it would be seen.
            own = QPalette(self.palette)
            own.setColor(Role.Window, self.palette.color(Role.Window).lighter(230))
            made.setPalette(own)
        made.setEnabled(not (self.chance("disabled") if disabled is None else disabled))
        made.setSizePolicy(Policy.Maximum, Policy.Fixed)
        self.mark(made, class_name, "ink", where=made.indicator if switch else lambda: part(indicator), name=content, states=states)
        if show_label:
            self.mark(made, "text", "ink", where=made.contents if switch else lambda: part(contents), text=content)
        return made

    def checkbox(self, content: str, checked: bool | None = False, disabled: bool | None = None, show_label: bool = True) -> QWidget:
        made = self.new(QCheckBox(content.replace("&", "&&") if show_label else ""))
        if checked is None:
            made.setTristate(True)
            made.setCheckState(Qt.CheckState.PartiallyChecked)
        else:
            made.setChecked(checked)
        return self._checkable(made, "checkbox", content, show_label, disabled, ("mixed",) if checked is None else ("checked",) if checked else ())

    def radio(self, content: str, chosen: bool, group: str, disabled: bool | None = None, show_label: bool = True) -> QWidget:
        made = self.new(QRadioButton(content.replace("&", "&&") if show_label else ""))
        made.setAutoExclusive(False)
        made.setChecked(chosen)
        return self._checkable(made, "radio", content, show_label, disabled, ("checked",) if chosen else ())

    def switch(self, content: str, on: bool, disabled: bool | None = None, show_label: bool = False) -> QWidget:
        made = self.new(Switch(content if show_label else "", self.em))
        made.setChecked(on)
        return self._checkable(made, "switch", content, show_label, disabled, ("checked",) if on else ())

    def slider(self, name: str, share: float) -> QWidget:
        made = self.new(QSlider(Qt.Orientation.Horizontal))
        made.setRange(0, 100)
        made.setValue(round(100 * share))
        made.setMinimumWidth(self.px(5))
        if self.rng.random() < 0.15:
            made.setTickPosition(QSlider.TickPosition.TicksBelow)
            made.setTickInterval(10)
        self.mark(made, "slider", "ink", name=name)
        return made

    def stepper(self, name: str, value: int) -> QWidget:
        made = self.new(QSpinBox())
        made.setRange(-(10**6), 10**6)
        made.setValue(value)
        made.setMinimumWidth(self.px(4.5))
        made.setMaximumWidth(self.px(9))
        made.lineEdit().setCursorPosition(0)
        made.lineEdit().deselect()
        if self.rng.random() < 0.2:
            made.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.PlusMinus)
        made.setSizePolicy(Policy.Preferred, Policy.Fixed)
        self.mark(made, "stepper", "paint", text=str(value), name=name)
        return made

    def date_picker(self, name: str, value: str, iso: str) -> QWidget:
        day = date.fromisoformat(iso)
        made = self.new(QDateEdit(QDate(day.year, day.month, day.day)))
        made.setLocale(self._qlocale)
        made.setDisplayFormat(self._qlocale.dateFormat(QLocale.FormatType.ShortFormat))
        made.setCalendarPopup(self.rng.random() < 0.7)
        made.setMinimumWidth(self.px(8))
        made.lineEdit().deselect()
        made.setSizePolicy(Policy.Preferred, Policy.Fixed)
        self.mark(made, "date_picker", "paint", text=made.text(), name=name)
        return made

    def calendar(self, title: str, weekdays: Sequence[str], offset: int, days: int, chosen: int) -> QWidget:
        """A QCalendarWidget writes its own month: some month of as many days."""
        made = self.new(QCalendarWidget())
        made.setLocale(self._qlocale)
        year = self.rng.randrange(2018, 2031)
        month = next(month for month in range(self.rng.randrange(1, 8), 13) if QDate(year, month, 1).daysInMonth() == days or month == 12)
        made.setSelectedDate(QDate(year, month, min(chosen, QDate(year, month, 1).daysInMonth())))
        made.setGridVisible(self.rng.random() < 0.3)
        if self.rng.random() < 0.5:
            made.setVerticalHeaderFormat(QCalendarWidget.VerticalHeaderFormat.NoVerticalHeader)
        if max(len(self._qlocale.dayName(day, QLocale.FormatType.ShortFormat)) for day in range(1, 8)) > 4:  # some languages have no short names
            made.setHorizontalHeaderFormat(QCalendarWidget.HorizontalHeaderFormat.SingleLetterDayNames)
        whole = self.mark(made, "date_picker", name=f"{self._qlocale.monthName(month)} {year}", role="grid")
        for button in made.findChildren(QToolButton):
            kind = button.objectName()
            if kind in ("qt_calendar_prevmonth", "qt_calendar_nextmonth"):
                back = kind.endswith("prevmonth")
                concept = "chevron-right" if back == self.rtl else "chevron-left"
                button.setIcon(self.qicon(concept))
                self.mark(button, "icon_button", "paint", name=self.words.t("Previous" if back else "Next"), icon=concept)
            else:
                self.mark(button, "button", "paint", text=button.text)
        table = made.findChild(QTableView)
        view, model = table.viewport(), table.model()
        made.setSizePolicy(Policy.Maximum, Policy.Fixed)
        made.setMinimumHeight(made.sizeHint().height())
        # Qt asks for four times the room that Arabic days need.
        made.setMinimumWidth(min(made.minimumSizeHint().width(), self.px(17)))
        table.horizontalHeader().setMinimumSectionSize(self.px(1.5))
        for row in range(model.rowCount()):
            for column in range(model.columnCount()):
                content = str(model.index(row, column).data() or "")
                if content:
                    self.mark(
                        view,
                        "text",
                        "text",
                        where=lambda row=row, column=column: table.visualRect(model.index(row, column)),
                        text=content,
                        parent=whole,
                    )
        return made

    def field(
        self, name: str, control: QWidget, hint: str | None = None, error: str | None = None, beside: bool = False, required: bool = False
    ) -> QWidget:
        below = [self.text(error, "danger")] if error else []
        below += [self.text(hint, "caption")] if hint else []
        label = self.label(name, required)
        if not beside:
            return self.column(label, control, *below, gap=1)
        holder, layout = self._holder(QHBoxLayout, self.gap(3))
        label.setFixedWidth(self.px(9))
        layout.addWidget(label, 0, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self.column(control, *below, gap=1), 1)
        return holder

    # ---- navigation --------------------------------------------------------------------------------------------------------------------------

    def tabs(self, names: Sequence[str], chosen: int = 0, icons_: Sequence[str | None] = (), closable: bool = False, **more: Any) -> QWidget:
        icons_ = more.get("icons", icons_)
        made = self.new(QTabBar())
        made.setExpanding(False)
        made.setDrawBase(True)
        made.setElideMode(Qt.TextElideMode.ElideRight)
        for i, name in enumerate(names):
            made.addTab(name.replace("&", "&&"))
            if i < len(icons_) and icons_[i]:
                made.setTabIcon(i, self.qicon(icons_[i]))  # type: ignore[arg-type]
        made.setTabsClosable(closable)
        made.setCurrentIndex(chosen)
        made.setMinimumWidth(self.px(6))
        whole = self.mark(made, "tab_bar")
        for i, name in enumerate(names):
            tab = self.mark(made, "tab", where=lambda i=i: made.tabRect(i), text=name, parent=whole, states=("selected",) if i == made.currentIndex() else (),
                            icon=_canonical(icons_, i))  # fmt: skip
            if closable:
                side = QTabBar.ButtonPosition.RightSide if made.tabButton(i, QTabBar.ButtonPosition.RightSide) else QTabBar.ButtonPosition.LeftSide
                button = made.tabButton(i, side)
                self.mark(button, "icon_button", "paint", name=self.words.t("Close"), icon="x-lg", parent=tab)
        for button in made.findChildren(QToolButton):
            self.mark(
                button,
                "icon_button",
                "paint",
                name=self.words.t("Scroll"),
                icon="chevron-left" if button.arrowType() == Qt.ArrowType.LeftArrow else "chevron-right",
                parent=whole,
            )
        return made

    def breadcrumb(self, names: Sequence[str]) -> QWidget:
        holder, layout = self._holder(QHBoxLayout, self.gap(2))
        for i, name in enumerate(names):
            layout.addWidget(self.link(name) if i + 1 < len(names) else self.text(name))
            if i + 1 < len(names):
                layout.addWidget(self.words_label("›" if not self.rtl else "‹", self.font(), self.colour("muted")))
        holder.setSizePolicy(Policy.Maximum, Policy.Fixed)
        self.mark(holder, "breadcrumb")
        return holder

    def pagination(self, pages: int, here: int) -> QWidget:
        before, after = self.rng.choice((("‹", "›"), ("«", "»"), (self.words.t("Previous"), self.words.t("Next"))))
        holder, layout = self._holder(QHBoxLayout, self.gap(1))
        for i, name in enumerate((before, *(str(page) for page in range(1, pages + 1)), after)):
            button = self.new(QToolButton())
            button.setText(name)
            button.setCheckable(True)
            button.setChecked(i == here)
            button.setAutoRaise(True)
            # Qt has no links of this kind: page numbers are flat buttons.
            self.mark(button, "button", "paint", text=name, states=("pressed",) if i == here else ())
            layout.addWidget(button)
        holder.setSizePolicy(Policy.Maximum, Policy.Fixed)
        self.mark(holder, "pagination")
        return holder

    def page_dots(self, count: int, here: int) -> QWidget:
        made = self.new(Dots(count, here, self.px(0.55)))
        self.mark(made, "pagination", name=f"{here + 1}/{count}")
        return made

    def steps(self, names: Sequence[str], here: int) -> QWidget:
        holder, layout = self._holder(QHBoxLayout, self.gap(2))
        for i, name in enumerate(names):
            done = i <= here
            number = self.new(Initials(str(i + 1), self.palette.color(Role.Highlight) if done else self.palette.color(Role.Mid), 0.5))
            number.setFixedSize(self.px(1.7), self.px(1.7))
            layout.addWidget(number)
            layout.addWidget(self.text(name, "strong" if i == here else "normal"))
            if i + 1 < len(names):
                layout.addWidget(self.divider(), 1)
        return holder

    def navigation_bar(self, brand: str, links: Sequence[str], chosen: int, end: Sequence[QWidget], logo: str | None = None) -> QWidget:
        parts = [*([self.icon(logo, 1.3)] if logo else []), self.text(brand, "strong"), *(self.link(link) for link in links), self.grow(), *end]
        bar = self.row(*parts, gap=3)
        bar.layout().setContentsMargins(8, 6, 8, 6)
        self.mark(bar, "navigation_bar")
        return bar

    def app_bar(self, title: str, back: bool, actions: Sequence[QWidget], large: bool = False) -> QWidget:
        first = self.icon_button("arrow-left" if back else "menu", self.words.t("Back" if back else "Menu"))
        bar = self.row(first, self.heading(title, 3), self.grow(), *actions)
        self.mark(bar, "navigation_bar")
        return bar

    def bottom_navigation(self, entries: Sequence[Entry], chosen: int) -> QWidget:
        holder, layout = self._holder(QHBoxLayout, 0)
        for i, entry in enumerate(entries):
            button = self.new(QToolButton())
            button.setText(entry.label)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
            if entry.icon:
                button.setIcon(self.qicon(entry.icon))
            button.setCheckable(True)
            button.setChecked(i == chosen)
            button.setAutoRaise(True)
            button.setSizePolicy(Policy.Expanding, Policy.Fixed)
            self.mark(
                button, "tab", text=entry.label, icon=icons.canonical(entry.icon) if entry.icon else "", states=("selected",) if i == chosen else ()
            )
            layout.addWidget(button)
        self.mark(holder, "bottom_navigation")
        return holder

    def sidebar(
        self, entries: Sequence[Entry], chosen: int, head: QWidget | None = None, foot: QWidget | None = None, narrow: bool = False
    ) -> QWidget:
        frame = self.new(QFrame())
        frame.setFrameShape(self.rng.choice((QFrame.Shape.NoFrame, QFrame.Shape.StyledPanel)))
        layout = _spacing(QVBoxLayout(frame), self.gap(1))
        layout.setContentsMargins(*[self.gap(1)] * 4)
        self.mark(frame, "sidebar")
        if narrow:
            for i, entry in enumerate(entries):
                layout.addWidget(self.icon_button(entry.icon or "home", entry.label, pressed=True if i == chosen else None))
            layout.addStretch(1)
            return frame
        if head is not None:
            layout.addWidget(head)
        layout.addWidget(self._navigation(entries, chosen))
        layout.addStretch(1)
        if foot is not None:
            layout.addWidget(foot)
        frame.setFixedWidth(min(self.px(15), self.setting.width // 3))
        return frame

    def _navigation(self, entries: Sequence[Entry], chosen: int) -> QListWidget:
        """Destinations as a list view with pictograms."""
        made: QListWidget = self.new(QListWidget())
        made.setFrameShape(QFrame.Shape.NoFrame)
        size = self.px(1.2)
        made.setIconSize(QSize(size, size))
        made.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        made.setSpacing(self.rng.choice((0, 1, 2)))
        own = QPalette(self.palette)
        own.setColor(Role.Base, self.palette.color(self.rng.choice((Role.Window, Role.Base))))
        made.setPalette(own)
        view = made.viewport()
        for i, entry in enumerate(entries):
            made.addItem(entry.label)
            item = made.item(i)
            item.setSizeHint(QSize(10, self.px(2.1)))
            if entry.icon:
                item.setIcon(self.qicon(entry.icon, size, self.palette.color(Role.HighlightedText) if i == chosen else None))
            mark = self.mark(view, "list_item", where=lambda i=i: made.visualItemRect(made.item(i)), name=entry.label, icon=icons.canonical(entry.icon) if entry.icon else "",
                             states=("selected",) if i == chosen else (), recolour=item.setBackground)  # fmt: skip
            self.mark(view, "text", "text", where=mark.where, text=entry.label, parent=mark, empty=lambda item=item: _emptied(item))
            if entry.icon:
                self.mark(
                    view,
                    "icon",
                    where=lambda i=i, entry=entry: self._decoration(made, made.model().index(i, 0), entry.icon or "", size),
                    icon=icons.canonical(entry.icon),
                    parent=mark,
                    empty=lambda item=item: _without_icon(item),
                )
        if 0 <= chosen < len(entries):
            made.setCurrentRow(chosen)
        made.setFixedHeight(sum(made.sizeHintForRow(i) + 2 * made.spacing() for i in range(len(entries))) + 2)
        return made

    def _decoration(self, view: Any, index: Any, concept: str, size: int) -> QRect | None:
        """The ink of an item's pictogram, as the style places it."""
        from PySide6.QtWidgets import QStyleOptionViewItem

        option = QStyleOptionViewItem()
        view.initViewItemOption(option)
        option.rect = view.visualRect(index)
        if option.rect.isEmpty():
            return None
        view.itemDelegate().initStyleOption(option, index)
        place = view.style().subElementRect(Part.SE_ItemViewItemDecoration, option, view)
        return _ink_of_icon(self.pixmap(concept, size)).translated(place.center() - QRect(0, 0, size, size).center())

    def menu(self, entries: Sequence[Entry | None], chosen: int | None = None) -> QWidget:
        made = self.new(QMenu())
        # As a child of the window: a menu of its own window would not be in the picture.
        whole = self.mark(made, "menu")
        for i, entry in enumerate(entries):
            if entry is None:
                made.addSeparator()
                continue
            shortcut = f"\t{entry.shortcut}" if entry.shortcut else ""
            action = QAction(entry.label.replace("&", "&&") + shortcut, made)
            if entry.icon:
                action.setIcon(self.qicon(entry.icon))
            action.setEnabled(not entry.disabled)
            made.addAction(action)
            if i == chosen and not entry.disabled:
                made.setActiveAction(action)
            item = self.mark(made, "menu_item", where=lambda action=action: made.actionGeometry(action), text=entry.label, parent=whole,
                             icon=icons.canonical(entry.icon) if entry.icon else "", states=("disabled",) if entry.disabled else ())  # fmt: skip
            if entry.shortcut:
                self.mark(
                    made,
                    "text",
                    "text",
                    where=lambda action=action, shortcut=entry.shortcut: self._shortcut_part(made, action, shortcut),
                    text=entry.shortcut,
                    parent=item,
                )
        return made

    def _shortcut_part(self, menu: QMenu, action: QAction, shortcut: str) -> QRect:
        rect = menu.actionGeometry(action)
        wide = menu.fontMetrics().horizontalAdvance(shortcut) + self.px(1.2)
        return QRect(rect.x(), rect.y(), wide, rect.height()) if self.rtl else QRect(rect.right() + 1 - wide, rect.y(), wide, rect.height())

    def menu_bar(self, names: Sequence[str], open: int | None = None) -> QWidget:
        made = self.new(QMenuBar())
        made.setNativeMenuBar(False)
        whole = self.mark(made, "menu_bar")
        for i, name in enumerate(names):
            action = made.addAction(name.replace("&", "&&"))
            self.mark(
                made,
                "menu_item",
                where=lambda action=action: made.actionGeometry(action),
                text=name,
                parent=whole,
                states=("expanded",) if i == open else (),
            )
            if i == open:
                made.setActiveAction(action)
        return made

    def toolbar(self, *parts: QWidget) -> QWidget:
        made = self.new(QToolBar())
        for part in parts:
            if self.rng.random() < 0.12:
                made.addSeparator()
            made.addWidget(part)
        made.setMovable(self.rng.random() < 0.3)
        made.setSizePolicy(Policy.Preferred, Policy.Fixed)
        self.mark(made, "toolbar")
        extension = made.findChild(QToolButton, "qt_toolbar_ext_button")
        if extension is not None:
            self.mark(extension, "icon_button", "rect", name=self.words.t("More"), icon="three-dots")
        return made

    def tree(self, branches: Sequence[Branch], chosen: int = -1) -> QWidget:
        made = self.new(QTreeWidget())
        made.setHeaderHidden(True)
        made.setIconSize(QSize(self.px(1.15), self.px(1.15)))
        made.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        made.setUniformRowHeights(True)
        whole, view = self.mark(made, "tree"), made.viewport()
        shown: list[tuple[QTreeWidgetItem, Branch]] = []

        def add(nodes: Sequence[Branch], above: Any, visible: bool) -> None:
            for branch in nodes:
                item = QTreeWidgetItem(above, [branch.label])
                item.setExpanded(branch.open)
                if visible:
                    shown.append((item, branch))
                add(branch.children, item, visible and branch.open)

        add(branches, made, True)
        size = self.px(1.15)
        for i, (item, branch) in enumerate(shown):
            here = i == chosen
            if here:
                item.setSelected(True)
            if branch.icon:
                item.setIcon(0, self.qicon(branch.icon, size, self.palette.color(Role.HighlightedText) if here else None))
            states: tuple[ElementState, ...] = (("expanded",) if branch.open else ("collapsed",)) if branch.children else ()
            mark = self.mark(view, "list_item", where=lambda item=item: self._tree_row(made, item), name=branch.label, role="treeitem", parent=whole,
                             states=states + (("selected",) if here else ()), icon=icons.canonical(branch.icon) if branch.icon else "",
                             recolour=lambda brush, item=item: item.setBackground(0, brush))  # fmt: skip
            self.mark(view, "text", "text", where=mark.where, text=branch.label, parent=mark, empty=lambda item=item: _emptied(item, 0))
            if branch.icon:
                self.mark(view, "icon", where=lambda item=item, branch=branch: self._decoration(made, made.indexFromItem(item), branch.icon or "", size), icon=icons.canonical(branch.icon),
                          parent=mark, empty=lambda item=item: _without_icon(item, 0))  # fmt: skip
        made.setMinimumHeight(min(len(shown), 6) * max(made.sizeHintForRow(0), 16) + 6)
        made.setFixedHeight(max(len(shown), 1) * max(made.sizeHintForRow(0), 16) + 6)
        made.setMinimumWidth(self.px(8))
        return made

    def _tree_row(self, tree: QTreeWidget, item: QTreeWidgetItem) -> QRect | None:
        rect = tree.visualItemRect(item)
        return rect if not rect.isEmpty() else None

    # ---- content -----------------------------------------------------------------------------------------------------------------------------

    def table(
        self, columns: Sequence[str], rows: Sequence[Sequence[QWidget | str]], header: bool = True, chosen: Sequence[int] = (), numeric: Sequence[int] = (),
        sorted_by: int | None = None, dense: bool = False, grid_lines: bool = False, widths: Sequence[float] = (),
    ) -> QWidget:  # fmt: skip
        made = self.new(_Table(len(rows), len(columns)))
        self._views.append(made)
        made.setHorizontalHeaderLabels(list(columns))
        head = made.horizontalHeader()
        head.setHighlightSections(False)
        head.setVisible(header)
        made.verticalHeader().setVisible(False)
        made.verticalHeader().setMinimumSectionSize(4)
        made.setShowGrid(grid_lines or self.rng.random() < 0.3)
        made.setAlternatingRowColors(self.rng.random() < 0.3)
        made.setWordWrap(False)
        made.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        made.setSelectionMode(QAbstractItemView.SelectionMode.MultiSelection)
        made.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        made.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        made.setTextElideMode(Qt.TextElideMode.ElideRight)
        end = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if sorted_by is not None:
            head.setSortIndicatorShown(True)
            head.setSortIndicator(sorted_by, Qt.SortOrder.DescendingOrder)
        whole, view = self.mark(made, "table"), made.viewport()
        heights = []
        metrics = QFontMetrics(self.font())
        wanted = [metrics.horizontalAdvance(name) + self.px(2) for name in columns]
        if header:
            strip = head.viewport()
            top = self.mark(strip, "row", where=lambda: made.span(head), parent=whole)
            for column, name in enumerate(columns):
                made.horizontalHeaderItem(column).setTextAlignment(
                    end if column in numeric else Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter
                )
                self.mark(strip, "table_header", where=lambda column=column: made.header_part(column), text=name, parent=top)
        for row, cells in enumerate(rows):
            height = metrics.height() + self.px(0.35 if dense else 0.8)
            mark = self.mark(view, "row", where=lambda row=row: made.row_part(row), parent=whole, states=("selected",) if row in chosen else ())
            for column, content in enumerate(cells):
                cell = self.mark(view, "cell", where=lambda row=row, column=column: made.cell_part(row, column), parent=mark)
                if isinstance(content, str):
                    item = QTableWidgetItem(content)
                    if column in numeric:
                        item.setTextAlignment(end)
                    made.setItem(row, column, item)
                    cell.recolour = item.setBackground
                    wanted[column] = max(wanted[column], metrics.horizontalAdvance(content) + self.px(1))
                    if content.strip():
                        self.mark(view, "text", "text", where=cell.where, text=content, parent=cell, empty=lambda item=item: _emptied(item))
                else:
                    holder, layout = self._holder(QHBoxLayout, 0)
                    layout.setContentsMargins(self.gap(1), 0, self.gap(1), 0)
                    layout.addWidget(content)
                    if column in numeric:
                        layout.setAlignment(content, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                    made.setCellWidget(row, column, holder)
                    self._owners[holder] = cell
                    size = holder.sizeHint()
                    height = max(height, min(size.height(), self.px(6)) + 4)
                    wanted[column] = max(wanted[column], min(size.width(), self.px(14)) + 4)
            made.setRowHeight(row, height)
            heights.append(height)
        for row in chosen:
            made.selectRow(row)
        wanted = [self.px(widths[i]) if i < len(widths) else width for i, width in enumerate(wanted)]
        made.finish(wanted, (head.sizeHint().height() if header else 0) + sum(heights) + 2 * made.frameWidth())
        return made

    def list(self, *items: QWidget, framed: bool = True) -> QWidget:
        frame = self.new(QFrame())
        if framed:
            frame.setFrameShape(QFrame.Shape.StyledPanel)
            frame.setAutoFillBackground(True)
            frame.setBackgroundRole(Role.Base)
        layout = _spacing(QVBoxLayout(frame), 0)
        width = frame.frameWidth()
        layout.setContentsMargins(width, width, width, width)
        lines = self.rng.random() < 0.5
        for i, item in enumerate(items):
            if i and lines:
                layout.addWidget(self.divider())
            layout.addWidget(item)
        layout.addStretch(1)
        self.mark(frame, "list")
        return frame

    def list_item(
        self,
        title: str,
        subtitle: str | None = None,
        leading: QWidget | None = None,
        trailing: QWidget | None = None,
        chosen: bool = False,
        meta: str | None = None,
    ) -> QWidget:
        row = self.new(StyledRow(chosen))
        layout = _spacing(QHBoxLayout(row), self.gap(3))
        layout.setContentsMargins(self.gap(2), self.gap(2), self.gap(2), self.gap(2))
        first = self.text(title)
        texts = [first]
        second = None
        if leading is not None:
            layout.addWidget(leading, 0, Qt.AlignmentFlag.AlignVCenter)
        middle, inner = self._holder(QVBoxLayout, 1)
        line, across = self._holder(QHBoxLayout, self.gap(2))
        across.addWidget(first, 1)
        if meta:
            note = self.text(meta, "caption")
            across.addWidget(note)
            texts.append(note)
        inner.addWidget(line)
        if subtitle:
            second = self.text(subtitle, "caption")
            inner.addWidget(second)
            texts.append(second)
        layout.addWidget(middle, 1, Qt.AlignmentFlag.AlignVCenter)
        if trailing is not None:
            layout.addWidget(trailing, 0, Qt.AlignmentFlag.AlignVCenter)
        if chosen:
            for text in texts:
                self._ink(text, self.palette.color(Role.HighlightedText))
            for part in (leading, trailing):
                if part in self._icons:
                    concept, side = self._icons[part]
                    part.setPixmap(self.pixmap(concept, side, self.palette.color(Role.HighlightedText)))  # type: ignore[union-attr]
        self.mark(row, "list_item", states=("selected",) if chosen else (), name=title)
        return row

    def card(
        self, *parts: QWidget, title: str | None = None, media: QWidget | None = None, footer: QWidget | None = None, chosen: bool = False
    ) -> QWidget:
        grouped = title is not None and media is None and self.rng.random() < 0.6
        if grouped:
            made: Any = self.new(QGroupBox((title or "").replace("&", "&&")))
        else:
            made = self.new(QFrame())
            made.setFrameShape(self.rng.choice((QFrame.Shape.StyledPanel, QFrame.Shape.StyledPanel, QFrame.Shape.Box)))
            made.setFrameShadow(self.rng.choice((QFrame.Shadow.Raised, QFrame.Shadow.Plain)))
            made.setAutoFillBackground(True)
            made.setBackgroundRole(Role.Base if self.setting.attributes.setdefault("base_cards", self.rng.random() < 0.6) else Role.Window)
        layout = _spacing(QVBoxLayout(made), 0)
        edge = made.frameWidth() if not grouped else 0
        layout.setContentsMargins(edge, edge, edge, edge)
        if media is not None:
            layout.addWidget(media)
        body, inner = self._holder(QVBoxLayout, self.gap(2))
        inner.setContentsMargins(*[self.gap(3)] * 4)
        own = [self.heading(title, 5)] if title and not grouped else []
        self._stack(inner, [*own, *parts], fill=True)
        if parts or own:
            layout.addWidget(body, 1)
        if footer is not None:
            if not isinstance(footer, QLabel) and footer.layout() is not None:
                footer.layout().setContentsMargins(self.gap(3), 0, self.gap(3), self.gap(2))
            layout.addWidget(footer)
        mark = self.mark(made, "card", states=("selected",) if chosen else (), name=title or "")
        if grouped:
            self.mark(made, "heading", "ink", where=lambda: _group_title(made), text=title or "", parent=mark)
        return made

    def badge(self, content: str, tone: Tone = "primary") -> QWidget:
        fill = {"primary": self.palette.color(Role.Highlight), "neutral": self.palette.color(Role.Mid)}.get(tone) or self.colour(tone)
        ink = QColor("#ffffff") if fill.lightness() < 150 else QColor("#101010")
        made = self.new(Pill(content, fill, ink, None, self.px(0.45), self.setting.attributes.setdefault("badge_radius", self.rng.choice((3, 100)))))
        made.setFont(self.font(0.78, 600))
        self.mark(made, "badge", "paint", text=content)
        return made

    def chip(self, content: str, chosen: bool = False, removable: bool = False, icon: str | None = None) -> QWidget:
        fill = self.palette.color(Role.Highlight) if chosen else self.palette.color(Role.Button)
        ink = self.palette.color(Role.HighlightedText) if chosen else self.palette.color(Role.ButtonText)
        line = None if chosen else _mix(self.palette.color(Role.WindowText), self.palette.color(Role.Window), 0.3)
        size = self.px(0.95)
        made = self.new(
            Pill(
                content,
                fill,
                ink,
                line,
                self.px(0.7),
                100,
                self.pixmap(icon, size, ink) if icon else None,
                self.pixmap("close", size, ink) if removable else None,
            )
        )
        self.mark(made, "chip", "paint", text=content, icon=icons.canonical(icon) if icon else "", states=("pressed",) if chosen else ())
        return made

    def avatar(self, who: str, size: float = 2.2, picture: bool | None = None) -> QWidget:
        share = self.setting.attributes.setdefault("avatar_shape", self.rng.choice((0.5, 0.5, 0.2)))
        side = self.px(size)
        if picture if picture is not None else self.rng.random() < 0.5:
            made = self.new(Picture(self._picture("portrait", side, side), "round" if share == 0.5 else "rounded"))
        else:
            initials = "".join(part[0] for part in who.split()[:2])
            made = self.new(Initials(initials, QColor(self.rng.choice(_AVATARS)), share))
            made.setFont(self.font(1.0, 600))
        made.setFixedSize(side, side)
        self.mark(made, "avatar", name=who)
        return made

    def icon(self, concept: str, size: float = 1.0, tone: Tone = "normal") -> QWidget:
        made = self.new(QLabel())
        side = self.px(size * 1.1)
        made.setPixmap(self.pixmap(concept, side, self.colour(tone)))
        made.setFixedSize(side, side)
        self._icons[made] = (concept, side)
        self.mark(made, "icon", "ink", icon=icons.canonical(concept))
        return made

    def _picture(self, kind: str, width: int, height: int) -> QPixmap:
        if kind == "photo":
            return QPixmap.fromImage(QImage.fromData(QByteArray(images.photograph(self.rng, width, height))))
        return _svg(images.drawing(self.rng, kind, width, height), width, height, self.scale)

    def image(self, kind: str, height: float, width: float | None = None, rounded: bool = False) -> QWidget:
        tall, wide = self.px(height), self.px(width) if width is not None else self.px(1.7 * height)
        made = self.new(Picture(self._picture(kind, wide, tall), "rounded" if rounded else "square"))
        made.setFixedHeight(tall)
        if width is not None:
            made.setFixedWidth(wide)
        else:
            made.setMinimumWidth(self.px(2))
            made.setSizePolicy(Policy.Expanding, Policy.Fixed)
        self.mark(made, "image", name=kind)
        return made

    def video_player(self, height: float, title: str, share: float) -> QWidget:
        frame = self.new(Fill(QColor("#101010")))
        layout = _spacing(QVBoxLayout(frame), 0)
        tall = self.px(height)
        picture = self.new(Picture(self._picture(self.rng.choice(("photo", "landscape")), 400, 225)))
        layout.addWidget(picture, 1)
        total = self.rng.randrange(60, 5000)
        clock = [f"{int(t) // 60}:{int(t) % 60:02}" for t in (total * share, total)]
        controls = self.row(self.icon_button(self.rng.choice(("play", "pause"))), self.text(clock[0]), self.grow(self.slider(title, share)), self.text(clock[1]), self.icon_button("volume"),
                            self.icon_button("fullscreen"))  # fmt: skip
        bar = self.new(Fill(_mix(self.palette.color(Role.WindowText), self.palette.color(Role.Window), 0.1)))
        inner = _spacing(QHBoxLayout(bar), 0)
        inner.setContentsMargins(4, 2, 4, 2)
        inner.addWidget(controls)
        layout.addWidget(bar)
        frame.setFixedHeight(tall)
        self.mark(frame, "video_player", name=title, role="region")
        return frame

    def chart(self, kind: str, height: float) -> QWidget:
        series = self.rng.randrange(1, 4) if kind in ("bar", "line", "area", "radar") else 1
        points = self.rng.randrange(4, 13) if kind != "scatter" else self.rng.randrange(15, 60)
        values = [[round(self.rng.uniform(5, 100), 1) for _ in range(points)] for _ in range(series)]
        labels = [self.words.month()[:4] for _ in range(min(points, 12))]
        names = [self.words.t(self.words.destination()) for _ in range(series)]
        made = self.new(Chart(kind, values, self.rng.randrange(360), labels, names, self.rng.random() < 0.8, self.rng.random() < 0.5))
        made.setFixedHeight(self.px(height))
        made.setMinimumWidth(self.px(5))
        made.setSizePolicy(Policy.Expanding, Policy.Fixed)
        self.mark(made, "chart", "ink", name=kind)
        return made

    def progress(self, share: float, name: str = "") -> QWidget:
        made = self.new(QProgressBar())
        made.setRange(0, 100)
        made.setValue(round(100 * share))
        made.setTextVisible(self.setting.attributes.setdefault("progress_text", self.rng.random() < 0.5))
        if not made.isTextVisible():
            made.setFixedHeight(self.px(0.8))
        made.setMinimumWidth(self.px(4))
        self.mark(made, "progress", "paint", name=name, text=made.text() if made.isTextVisible() else "")
        return made

    def spinner(self, size: float = 2.0) -> QWidget:
        made = self.new(Ring(self.px(size), self.rng.randrange(360)))
        self.mark(made, "progress", "ink", name=self.words.t("Loading"), states=("busy",))
        return made

    def skeleton(self, lines: int = 3) -> QWidget:
        grey = _mix(self.palette.color(Role.WindowText), self.palette.color(Role.Window), 0.15)
        holder, layout = self._holder(QVBoxLayout, self.gap(2))
        for _ in range(lines):
            line, across = self._holder(QHBoxLayout, 0)
            bar = self.new(Fill(grey, radius=3))
            bar.setFixedHeight(self.px(0.9))
            share = self.rng.randrange(35, 100)
            across.addWidget(bar, share)
            across.addStretch(100 - share)
            layout.addWidget(line)
        return holder

    def scroll_bar(self, share: float, at: float, vertical: bool = True) -> QWidget:
        made = self.new(QScrollBar(Qt.Orientation.Vertical if vertical else Qt.Orientation.Horizontal))
        made.setRange(0, 1000)
        made.setPageStep(max(1, round(1000 * share / max(1 - share, 0.05))))
        made.setValue(round(1000 * at))
        self.mark(made, "scroll_bar", "rect", name="scroll")
        return made

    # ---- above the page ----------------------------------------------------------------------------------------------------------------------

    def _message(self, content: str, tone: Tone, floating: bool, *end: QWidget) -> QWidget:
        colour = self.colour(tone)
        ground = (
            _mix(colour, self.palette.color(Role.Base), 0.18)
            if not floating or self.rng.random() < 0.5
            else _mix(self.palette.color(Role.WindowText), self.palette.color(Role.Window), 0.9)
        )
        frame = self.new(Fill(ground, colour))
        glyph = {"success": "check-circle", "warning": "warning", "danger": "error"}.get(tone, "info")
        dark = ground.lightness() < 128
        ink = QColor("#f4f4f4") if dark else QColor("#151515")
        text = self.text(content)
        self._ink(text, ink)
        picture = self.icon(glyph, 1.2)
        picture.setPixmap(self.pixmap(glyph, self.px(1.2 * 1.1), ink))
        layout = _spacing(QHBoxLayout(frame), self.gap(2))
        layout.setContentsMargins(*[self.gap(2)] * 4)
        layout.addWidget(picture, 0, Qt.AlignmentFlag.AlignVCenter)
        layout.addWidget(text, 1)
        for part in end:
            layout.addWidget(part, 0, Qt.AlignmentFlag.AlignVCenter)
        self.mark(frame, "toast", role="status" if floating else "alert")
        return frame

    def _close(self) -> QWidget:
        made = self.icon_button("close", self.words.t("Close"), disabled=False, variant="default")
        return made

    def alert(self, content: str, tone: Tone = "info", closable: bool = False) -> QWidget:
        return self._message(content, tone, False, *([self._close()] if closable else []))

    def toast(self, content: str, tone: Tone = "neutral", action: str | None = None) -> QWidget:
        end = [self.button(action, variant="default", size="small")] if action else [self._close()] if self.rng.random() < 0.5 else []
        made = self._message(content, tone, True, *end)
        self._corners.append((made, self.rng.choice(("top-end", "bottom-end", "bottom-center", "bottom-start", "top-center"))))
        return made

    def dialog(self, title: str, *parts: QWidget, actions: Sequence[QWidget], closable: bool = True) -> QWidget:
        width, height = self.setting.width, self.setting.height
        back = self.new(Backdrop(self.rng.choice((0.0, 0.15, 0.35, 0.5))))
        frame = self.new(QFrame(back))
        frame.setFrameShape(QFrame.Shape.WinPanel if self.style_name == "Windows" else QFrame.Shape.Box)
        frame.setFrameShadow(QFrame.Shadow.Raised if self.style_name == "Windows" else QFrame.Shadow.Plain)
        frame.setAutoFillBackground(True)
        layout = _spacing(QVBoxLayout(frame), 0)
        edge = frame.frameWidth()
        layout.setContentsMargins(edge, edge, edge, edge)
        layout.addWidget(self._title_bar(title, None, True) if closable or self.rng.random() < 0.5 else self._padded(self.heading(title, 4)))
        body, inner = self._holder(QVBoxLayout, self.gap(3))
        inner.setContentsMargins(*[self.gap(4)] * 4)
        self._stack(inner, parts, fill=True)
        layout.addWidget(body, 1)
        foot, across = self._holder(QHBoxLayout, self.gap(2))
        across.setContentsMargins(self.gap(4), 0, self.gap(4), self.gap(3))
        across.addStretch(1)
        for action in actions:
            across.addWidget(action)
        layout.addWidget(foot)
        self.mark(frame, "dialog", name=title)
        size = natural_size(frame, 10**4)
        wide = max(min(width - 32, self.rng.choice((320, 400, 480, 560))), frame.minimumSizeHint().width())
        tall = max(frame.heightForWidth(wide) if frame.hasHeightForWidth() else size.height(), 40)
        frame.setGeometry((width - wide) // 2, max(8, (height - tall) // 2), wide, tall)
        self._backdrops.append(back)
        return back

    def _padded(self, part: QWidget) -> QWidget:
        holder, layout = self._holder(QVBoxLayout, 0)
        layout.setContentsMargins(self.gap(4), self.gap(3), self.gap(4), 0)
        layout.addWidget(part)
        return holder

    def sheet(self, title: str, *parts: QWidget) -> QWidget:
        return self.dialog(title, *parts, actions=(), closable=False)

    def drawer(self, entries: Sequence[Entry], chosen: int, head: QWidget | None = None) -> QWidget:
        back = self.new(Backdrop(self.rng.choice((0.2, 0.4))))
        panel = self.sidebar(entries, chosen, head)
        panel.setParent(back)
        panel.setAutoFillBackground(True)
        wide = panel.width() if panel.maximumWidth() > 16000 else panel.maximumWidth()
        panel.setGeometry(self.setting.width - wide if self.rtl else 0, 0, wide, self.setting.height)
        self._backdrops.append(back)
        return back

    def floating_menu(self, entries: Sequence[Entry | None], near: str = "button") -> QWidget:
        choices = [i for i, entry in enumerate(entries) if entry]
        made = self.menu(entries, self.rng.choice(choices) if self.rng.random() < 0.5 else None)
        self._near.append((made, near, self.rng.randrange(1000), 0))
        return made

    def floating_tooltip(self, content: str, near: str = "icon_button") -> QWidget:
        made = self.new(TipLabel(content, self.px(22)))
        self.mark(made, "tooltip", text=content)
        self._near.append((made, near, self.rng.randrange(1000), 4))
        return made

    def floating_button(self, icon: str, content: str | None = None) -> QWidget:
        made = self.icon_button(icon, content, "primary")
        self._corners.append((made, "bottom-end"))
        return made

    # ---- around the page ---------------------------------------------------------------------------------------------------------------------

    def phone_status_bar(self, time: str, battery: int) -> QWidget:
        bar = self.row(self.text(time), self.grow(), self.icon("signal"), self.icon("wifi"), self.text(f"{battery}%"), self.icon("battery"), gap=1)
        self.mark(bar, "status_bar")
        return bar

    def status_bar(self, *parts: QWidget) -> QWidget:
        made = self.new(QStatusBar())
        made.setSizeGripEnabled(self.rng.random() < 0.5)
        for i, part in enumerate(parts):
            if i and self.rng.random() < 0.3:
                made.addPermanentWidget(part)
            else:
                made.addWidget(part)
        self.mark(made, "status_bar")
        return made

    def title_bar(self, title: str, icon: str | None = None) -> QWidget:
        return self._title_bar(title, icon, False)

    def _title_bar(self, title: str, icon: str | None, closable_only: bool) -> QWidget:
        made = self.new(TitleBar(title, self.qicon(icon, 16) if icon else None, closable_only))
        whole = self.mark(made, "title_bar")
        made.setFont(self.font(1.0, 600))
        sub = QStyle.SubControl
        self.mark(
            made,
            "text",
            "text",
            where=made.title_part,
            text=title,
            parent=whole,
            empty=lambda: _lacking(made, sub.SC_TitleBarLabel),
        )
        if icon:
            menu = sub.SC_TitleBarSysMenu
            self.mark(
                made, "icon", "text", where=lambda: made.part(menu), icon=icons.canonical(icon), parent=whole, empty=lambda: _lacking(made, menu)
            )
        names = {
            sub.SC_TitleBarMinButton: ("Minimize", "minus"),
            sub.SC_TitleBarMaxButton: ("Maximize", "square-tool"),
            sub.SC_TitleBarCloseButton: ("Close", "x-lg"),
        }
        for button in made.buttons:
            name, concept = names[button]
            self.mark(
                made,
                "icon_button",
                where=lambda button=button: made.part(button),
                name=self.words.t(name),
                icon=concept,
                parent=whole,
                empty=lambda button=button: _lacking(made, button),
            )
        return made

    def window(
        self,
        title: str,
        *parts: QWidget,
        icon: str | None = None,
        menu_bar: QWidget | None = None,
        toolbar: QWidget | None = None,
        status_bar: QWidget | None = None,
    ) -> QWidget:
        frame = self.new(QFrame())
        frame.setAutoFillBackground(True)
        frame.setFrameShape(QFrame.Shape.WinPanel if self.style_name == "Windows" else QFrame.Shape.Box)
        frame.setFrameShadow(QFrame.Shadow.Raised if self.style_name == "Windows" else QFrame.Shadow.Plain)
        layout = _spacing(QVBoxLayout(frame), 0)
        edge = frame.frameWidth()
        layout.setContentsMargins(edge, edge, edge, edge)
        layout.addWidget(self.title_bar(title, icon))
        for bar in (menu_bar, toolbar):
            if bar is not None:
                layout.addWidget(bar)
        body, inner = self._holder(QVBoxLayout, 0)
        self._stack(inner, parts, fill=True)
        layout.addWidget(self.new(Crop(body)), 1)
        if status_bar is not None:
            layout.addWidget(status_bar)
        frame.setMinimumSize(1, 1)
        return frame

    def footer(self, *parts: QWidget) -> QWidget:
        return self.box(self.column(*parts), pad=3, tint=True)


class QtFusionUi(QtUi):
    style_name = "Fusion"


class QtWindowsUi(QtUi):
    style_name = "Windows"


class _Table(QTableWidget):
    """A table as tall as its rows, whose columns share its width."""

    def finish(self, wanted: Sequence[int], height: int) -> None:
        self._wanted, self._tall = list(wanted), height
        self.setFixedHeight(height)
        self.setMinimumWidth(min(sum(wanted), 80))
        self.horizontalHeader().setMinimumSectionSize(12)

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(sum(self._wanted) + 2 * self.frameWidth(), self._tall)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(80, self._tall)

    def resizeEvent(self, event: Any) -> None:  # noqa: N802
        super().resizeEvent(event)
        room, total = self.viewport().width(), sum(self._wanted)
        widths = [
            max(14, width * room // max(total, 1)) if total > room else width + (room - total) * width // max(total, 1) for width in self._wanted
        ]
        widths[-1] += max(0, room - sum(widths))
        for column, width in enumerate(widths):
            self.setColumnWidth(column, width)

    def cell_part(self, row: int, column: int) -> QRect | None:
        rect = self.visualRect(self.model().index(row, column))
        return rect if not rect.isEmpty() else None

    def row_part(self, row: int) -> QRect | None:
        rect = QRect()
        for column in range(self.columnCount()):
            rect = rect.united(self.visualRect(self.model().index(row, column)))
        return rect if not rect.isEmpty() else None

    def header_part(self, column: int) -> QRect:
        head = self.horizontalHeader()
        return QRect(head.sectionViewportPosition(column), 0, head.sectionSize(column), head.height())

    def span(self, head: QHeaderView) -> QRect:
        rect = QRect()
        for column in range(self.columnCount()):
            rect = rect.united(self.header_part(column))
        return rect


_INKS: dict[int, QRect] = {}


def _ink_of_icon(pixmap: QPixmap) -> QRect:
    """Whole CSS pixels around what a pictogram paints."""
    found = _INKS.get(pixmap.cacheKey())
    if found is None:
        from datagen.qt import pixels

        image = pixmap.toImage().convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
        painted = pixels(image)[:, :, 3] >= 24
        rows, columns = painted.any(axis=1).nonzero()[0], painted.any(axis=0).nonzero()[0]
        scale = pixmap.devicePixelRatio()
        if not len(rows):
            found = QRect(QPoint(0, 0), pixmap.deviceIndependentSize().toSize())
        else:
            left, top = int(columns[0] / scale), int(rows[0] / scale)
            found = QRect(left, top, -int(-(columns[-1] + 1) // scale) - left, -int(-(rows[-1] + 1) // scale) - top)
        _INKS[pixmap.cacheKey()] = found
    return found


@contextmanager
def _lacking(bar: TitleBar, part: Any) -> Iterator[None]:
    bar.lacking.add(part)
    yield
    bar.lacking.discard(part)


@contextmanager
def _without_icon(item: Any, *column: int) -> Iterator[None]:
    kept = item.icon(*column)
    empty = QPixmap(kept.availableSizes()[0])
    empty.fill(Qt.GlobalColor.transparent)
    item.setIcon(*column, QIcon(empty))
    yield
    item.setIcon(*column, kept)


@contextmanager
def _emptied(item: Any, *column: int) -> Iterator[None]:
    """A view's item without its text."""
    kept = item.text(*column)
    item.setText(*column, "")
    yield
    item.setText(*column, kept)


def layers_that_cover(parts: Sequence[QWidget]) -> list[QWidget]:
    """The surfaces among what is placed over a background: a bare row of chips hides nothing between them."""
    surfaces = []
    for part in parts:
        if _is_surface(part):
            surfaces.append(part)
        else:
            surfaces += [widget for widget in part.findChildren(QWidget) if _is_surface(widget)]
    return surfaces


def _is_surface(widget: QWidget) -> bool:
    if isinstance(widget, QToolButton):
        return not widget.autoRaise()
    if isinstance(widget, QFrame):
        return widget.autoFillBackground() and not isinstance(widget, QLabel)
    return isinstance(widget, (Fill, Picture, Initials)) or (isinstance(widget, QPushButton) and not widget.isFlat())


def _group_title(box: QGroupBox) -> QRect:
    option = QStyleOptionGroupBox()
    box.initStyleOption(option)
    return box.style().subControlRect(Control.CC_GroupBox, option, QStyle.SubControl.SC_GroupBoxLabel, box)


def _canonical(names: Sequence[str | None], i: int) -> str:
    name = names[i] if i < len(names) else None
    return icons.canonical(name) if name else ""


def _alive(widget: QWidget) -> bool:
    import shiboken6

    return bool(shiboken6.isValid(widget))
