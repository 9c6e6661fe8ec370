"""`QtBase`: what all widgets of the Qt kits are made with: marks, typefaces, colours, pictograms, layouts, text."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from PySide6.QtCore import QLocale, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QIcon, QPalette, QPixmap
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QScrollBar,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from datagen.content import fonts
from datagen.content.locales import LOCALES
from datagen.pages.ui import Align, Justify, Setting, Tone, Ui
from datagen.qt import DEVICE_SCALE, Mark, families, set_style
from datagen.qt_looks import TONES, TONES_DARK, build_palette, drawn_icon, mix
from datagen.qt_parts import (
    Crop,
    Fill,
    Flow,
    Label,
    Place,
    Role,
)

Policy = QSizePolicy.Policy
_ALIGN = {
    "start": Qt.AlignmentFlag.AlignTop, "center": Qt.AlignmentFlag.AlignVCenter, "end": Qt.AlignmentFlag.AlignBottom, "baseline": Qt.AlignmentFlag.AlignVCenter,
}  # fmt: skip
_ACROSS = {
    "start": Qt.AlignmentFlag.AlignLeft,
    "center": Qt.AlignmentFlag.AlignHCenter,
    "end": Qt.AlignmentFlag.AlignRight,
    "baseline": Qt.AlignmentFlag.AlignLeft,
}


def spacing(layout: Any, gap: int) -> Any:
    """The layout without margins, its parts `gap` pixels apart."""
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(gap)
    return layout


class QtBase(Ui[QWidget]):
    """A method returns a widget; what is labelled is said in `marks` (datagen.qt.Mark)."""

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
            return mix(text, window, 0.68)
        if tone == "primary":
            return self.palette.color(Role.Link)
        named = (TONES_DARK if self.dark else TONES).get(tone)
        return QColor(named) if named else text

    def pixmap(self, concept: str, size: int, colour: QColor | None = None) -> QPixmap:
        return drawn_icon(concept, self.setting.icon_set, (colour or self.palette.color(Role.ButtonText)).name(), size, self.scale)

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
        return holder, spacing(layout(holder), gap)

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
        line = mix(self.palette.color(Role.WindowText), self.palette.color(Role.Window), 0.25)
        inner, layout = self._holder(QVBoxLayout, self.gap(2))
        layout.setContentsMargins(*[self.gap(pad)] * 4)
        self._stack(layout, parts, fill=True)
        holder = inner
        if tint or border:
            holder = self.new(Fill(self.palette.color(Role.AlternateBase if tint else Role.Window), line if border else None))
            spacing(QVBoxLayout(holder), 0).addWidget(inner)
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
        layout = spacing(QVBoxLayout(inner), self.gap(3))
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
        frame = self.new(Fill(self.palette.color(Role.Base), mix(self.palette.color(Role.Text), self.palette.color(Role.Base), 0.3)))
        frame.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        layout = spacing(QVBoxLayout(frame), 0)
        layout.setContentsMargins(6, 6, 6, 6)
        font, faint = self.font(0.95, 400, "mono"), mix(self.palette.color(Role.Text), self.palette.color(Role.Base), 0.55)
        inks = [self.palette.color(Role.Text), self.palette.color(Role.Text), self.colour("success"), self.colour("info"), self.colour("danger")]
        wide = QFontMetrics(font).horizontalAdvance("000")
        for i, line in enumerate(lines):
            row = self.new(
                Fill(
                    self.palette.color(Role.AlternateBase)
                    if i != marked
                    else mix(self.palette.color(Role.Highlight), self.palette.color(Role.Base), 0.25)
                )
                if i == marked
                else QWidget()
            )
            across = spacing(QHBoxLayout(row), 8)
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


@contextmanager
def without_icon(item: Any, *column: int) -> Iterator[None]:
    """A view's item with an empty picture of the same size."""
    kept = item.icon(*column)
    empty = QPixmap(kept.availableSizes()[0])
    empty.fill(Qt.GlobalColor.transparent)
    item.setIcon(*column, QIcon(empty))
    yield
    item.setIcon(*column, kept)


@contextmanager
def emptied(item: Any, *column: int) -> Iterator[None]:
    """A view's item without its text."""
    kept = item.text(*column)
    item.setText(*column, "")
    yield
    item.setText(*column, kept)


def _alive(widget: QWidget) -> bool:
    import shiboken6

    return bool(shiboken6.isValid(widget))
