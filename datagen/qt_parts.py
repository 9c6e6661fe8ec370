"""Widgets and layouts that Qt does not bring: wrapping labels, title bars, switches, charts, pills, pictures, layouts that wrap or place by shares.

Everything is painted with the widget's own palette, so that themes reach it.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from PySide6.QtCore import QMargins, QPoint, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetrics, QPainter, QPainterPath, QPalette, QPen, QPixmap
from PySide6.QtWidgets import (
    QCheckBox,
    QGroupBox,
    QLabel,
    QLayout,
    QLayoutItem,
    QPushButton,
    QSizePolicy,
    QStyle,
    QStyleOptionFrame,
    QStyleOptionGroupBox,
    QStyleOptionTitleBar,
    QStylePainter,
    QWidget,
)

Role = QPalette.ColorRole


class Label(QLabel):
    """A label that prefers one line and wraps where its place is narrower. (QLabel's own hint prefers a squarish block.)"""

    def __init__(self, content: str, font: QFont, least: int) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setFont(font)
        self.setWordWrap(True)
        self.setText(content)
        metrics = QFontMetrics(font)
        width = metrics.horizontalAdvance(content) + 2
        # Emergency: one word never makes a page wider than its window.
        word = max((metrics.horizontalAdvance(word) for word in content.split()), default=0) + 2
        self._hint, self._least = QSize(width, metrics.height()), QSize(min(width, max(least, min(word, 3 * least))), metrics.height())

    def sizeHint(self) -> QSize:  # noqa: N802
        return self._hint

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return self._least


class TipLabel(QLabel):
    """What QToolTip shows, as a child of the window: QTipLabel itself is private."""

    def __init__(self, content: str, widest: int) -> None:
        super().__init__(content)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setForegroundRole(Role.ToolTipText)
        self.setBackgroundRole(Role.ToolTipBase)
        self.setMargin(1 + self.style().pixelMetric(QStyle.PixelMetric.PM_ToolTipLabelFrameWidth))
        self.setIndent(4)
        if self.sizeHint().width() > widest:
            self.setWordWrap(True)
            self.setFixedWidth(widest)
            self.setFixedHeight(self.heightForWidth(widest))
        else:
            self.setFixedSize(self.sizeHint())

    def paintEvent(self, event: Any) -> None:  # noqa: N802
        painter = QPainter(self)
        option = QStyleOptionFrame()
        option.initFrom(self)
        painter.fillRect(self.rect(), self.palette().color(Role.ToolTipBase))
        self.style().drawPrimitive(QStyle.PrimitiveElement.PE_PanelTipLabel, option, painter, self)
        painter.end()
        super().paintEvent(event)


class TitleBar(QWidget):
    """The title bar that the style draws around the windows of an MDI area, with its buttons."""

    _Sub = QStyle.SubControl

    def __init__(self, title: str, icon: Any, closable_only: bool) -> None:
        super().__init__()
        self._title, self._icon = title, icon
        self.buttons = (
            (self._Sub.SC_TitleBarCloseButton,)
            if closable_only
            else (self._Sub.SC_TitleBarMinButton, self._Sub.SC_TitleBarMaxButton, self._Sub.SC_TitleBarCloseButton)
        )
        self.blank = False
        self.lacking: set[Any] = set()
        option = self.option()
        self.setFixedHeight(max(self.style().pixelMetric(QStyle.PixelMetric.PM_TitleBarHeight, option, self), self.fontMetrics().height() + 6))

    def option(self) -> QStyleOptionTitleBar:
        option = QStyleOptionTitleBar()
        option.initFrom(self)
        if self.style().name() == "windows":
            self._make_readable(option.palette)
        flags = Qt.WindowType.Window | Qt.WindowType.WindowTitleHint | Qt.WindowType.WindowSystemMenuHint | Qt.WindowType.WindowCloseButtonHint
        if len(self.buttons) > 1:
            flags |= Qt.WindowType.WindowMinMaxButtonsHint
        option.titleBarFlags = flags
        option.titleBarState = int(Qt.WindowState.WindowActive.value)
        option.state |= QStyle.StateFlag.State_Active
        option.subControls = self._Sub.SC_TitleBarLabel
        if self._icon is not None and not self.blank and self._Sub.SC_TitleBarSysMenu not in self.lacking:
            option.subControls |= self._Sub.SC_TitleBarSysMenu
            option.icon = self._icon
        for button in self.buttons:
            if button not in self.lacking:
                option.subControls |= button
        option.text = (
            ""
            if self.blank or self._Sub.SC_TitleBarLabel in self.lacking
            else self.fontMetrics().elidedText(self._title, Qt.TextElideMode.ElideRight, self.part(self._Sub.SC_TitleBarLabel, option).width() - 8)
        )
        return option

    def _make_readable(self, palette: QPalette) -> None:
        """This style's gradient runs from left to right even where the title stands at its pale end, and its signs are black even on dark buttons."""
        if self.layoutDirection() == Qt.LayoutDirection.RightToLeft:
            pale, deep = palette.base(), palette.highlight()
            palette.setBrush(Role.Highlight, pale)
            palette.setBrush(Role.Base, deep)
        if palette.button().color().lightness() < 128:
            palette.setColor(Role.Button, QColor("#a8a8a8"))

    def title_part(self) -> QRect:
        """Where the title can be; the style's own rectangle runs under the pictogram."""
        place, menu = self.part(self._Sub.SC_TitleBarLabel), self.part(self._Sub.SC_TitleBarSysMenu)
        if self._icon is not None and menu.center().x() < place.center().x():
            place.setLeft(max(place.left(), menu.right() + 1))
        elif self._icon is not None:
            place.setRight(min(place.right(), menu.left() - 1))
        return place

    def part(self, sub: Any, option: QStyleOptionTitleBar | None = None) -> QRect:
        return self.style().subControlRect(QStyle.ComplexControl.CC_TitleBar, option or self.option(), sub, self)

    def paintEvent(self, event: Any) -> None:  # noqa: N802
        painter = QPainter(self)
        self.style().drawComplexControl(QStyle.ComplexControl.CC_TitleBar, self.option(), painter, self)
        painter.end()


class GroupBox(QGroupBox):
    """Qt's group box, whose title can be made invisible while its frame keeps the gap for it."""

    def __init__(self, title: str) -> None:
        super().__init__(title.replace("&", "&&"))
        self.title_shown = True

    def _option(self) -> QStyleOptionGroupBox:
        option = QStyleOptionGroupBox()
        self.initStyleOption(option)
        if not self.title_shown:
            option.textColor = QColor(0, 0, 0, 0)
        return option

    def title_place(self) -> QRect:
        return self.style().subControlRect(QStyle.ComplexControl.CC_GroupBox, self._option(), QStyle.SubControl.SC_GroupBoxLabel, self)

    def paintEvent(self, event: Any) -> None:  # noqa: N802
        painter = QStylePainter(self)
        painter.drawComplexControl(QStyle.ComplexControl.CC_GroupBox, self._option())
        painter.end()


class Switch(QCheckBox):
    """A check box that is painted as a sliding switch, as many Qt applications do."""

    def __init__(self, content: str, em: int) -> None:
        super().__init__(content)
        self._track = QSize(round(em * 2.4), round(em * 1.3))
        self._gap = round(em * 0.5)

    def indicator(self) -> QRect:
        x = self.width() - self._track.width() if self.layoutDirection() == Qt.LayoutDirection.RightToLeft else 0
        return QRect(QPoint(x, (self.height() - self._track.height()) // 2), self._track)

    def contents(self) -> QRect:
        taken = self._track.width() + self._gap
        rtl = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
        return self.rect().adjusted(0, 0, -taken, 0) if rtl else self.rect().adjusted(taken, 0, 0, 0)

    def sizeHint(self) -> QSize:  # noqa: N802
        text = self.fontMetrics().horizontalAdvance(self.text()) + self._gap + 2 if self.text() else 0
        return QSize(self._track.width() + text, max(self._track.height(), self.fontMetrics().height()) + 2)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return self.sizeHint()

    def paintEvent(self, event: Any) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette, on = self.palette(), self.isChecked()
        track = QRectF(self.indicator())
        colour = palette.color(Role.Highlight) if on else palette.color(Role.Mid)
        if not self.isEnabled():
            colour.setAlphaF(0.5)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawRoundedRect(track, track.height() / 2, track.height() / 2)
        knob = track.height() - 4
        at_end = on != (self.layoutDirection() == Qt.LayoutDirection.RightToLeft)
        painter.setBrush(QColor("#ffffff") if self.isEnabled() else palette.color(Role.Window))
        painter.drawEllipse(QRectF(track.right() - knob - 2 if at_end else track.left() + 2, track.top() + 2, knob, knob))
        if self.text():
            painter.setPen(palette.color(Role.WindowText))
            painter.drawText(self.contents(), int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeading), self.text())
        painter.end()


class Pill(QPushButton):
    """A rounded token: a chip or a badge."""

    def __init__(
        self,
        content: str,
        fill: QColor,
        ink: QColor,
        line: QColor | None,
        pad: int,
        radius: float,
        icon: QPixmap | None = None,
        end: QPixmap | None = None,
    ) -> None:
        super().__init__(content)
        self._look = (fill, ink, line, pad, radius, icon, end)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def sizeHint(self) -> QSize:  # noqa: N802
        _, _, _, pad, _, icon, end = self._look
        metrics = self.fontMetrics()
        side = metrics.ascent() + 4
        height = metrics.height() + (4 if pad > 6 else 2)
        return QSize(max(height, metrics.horizontalAdvance(self.text()) + 2 * pad + (side if icon else 0) + (side if end else 0)), height)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return self.sizeHint()

    def paintEvent(self, event: Any) -> None:  # noqa: N802
        fill, ink, line, pad, radius, icon, end = self._look
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(line) if line else Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5) if line else QRectF(self.rect())
        radius = min(radius, frame.height() / 2)
        painter.drawRoundedRect(frame, radius, radius)
        area = self.rect().adjusted(pad, 0, -pad, 0)
        rtl = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
        for pixmap, first in ((icon, True), (end, False)):
            if pixmap is None:
                continue
            size = pixmap.deviceIndependentSize().toSize()
            left = first != rtl
            painter.drawPixmap(QPoint(area.left() if left else area.right() + 1 - size.width(), (self.height() - size.height()) // 2), pixmap)
            area.adjust(*((size.width() + 4, 0, 0, 0) if left else (0, 0, -size.width() - 4, 0)))
        painter.setPen(ink)
        painter.drawText(area, int(Qt.AlignmentFlag.AlignCenter), self.text())
        painter.end()


class Picture(QWidget):
    """A pixmap that fills its place, cut rather than squeezed; `shape` is "square", "rounded" or "round"."""

    def __init__(self, pixmap: QPixmap, shape: str = "square") -> None:
        super().__init__()
        self._pixmap, self._shape = pixmap, shape

    def paintEvent(self, event: Any) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        place = QRectF(self.rect())
        if self._shape != "square":
            path = QPainterPath()
            radius = min(place.width(), place.height()) / 2 if self._shape == "round" else 6
            path.addRoundedRect(place, radius, radius)
            painter.setClipPath(path)
        size = self._pixmap.deviceIndependentSize()
        if size.width() and size.height():
            scale = max(place.width() / size.width(), place.height() / size.height())
            width, height = place.width() / scale * self._pixmap.devicePixelRatio(), place.height() / scale * self._pixmap.devicePixelRatio()
            source = QRectF((self._pixmap.width() - width) / 2, (self._pixmap.height() - height) / 2, width, height)
            painter.drawPixmap(place, self._pixmap, source)
        painter.end()


class Initials(QWidget):
    """An avatar without a face."""

    def __init__(self, content: str, fill: QColor, round_share: float) -> None:
        super().__init__()
        self._content, self._fill, self._round = content, fill, round_share

    def paintEvent(self, event: Any) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._fill)
        radius = self.width() * self._round
        painter.drawRoundedRect(QRectF(self.rect()), radius, radius)
        font = self.font()
        font.setPixelSize(max(7, round(self.height() * 0.4)))
        painter.setFont(font)
        painter.setPen(QColor("#ffffff"))
        painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignCenter), self._content)
        painter.end()


class Ring(QWidget):
    """A spinner, standing still."""

    def __init__(self, size: int, turn: int) -> None:
        super().__init__()
        self.setFixedSize(size, size)
        self._turn = turn

    def paintEvent(self, event: Any) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        thick = max(2.0, self.width() / 9)
        place = QRectF(self.rect()).adjusted(thick / 2, thick / 2, -thick / 2, -thick / 2)
        track = self.palette().color(Role.Mid)
        track.setAlphaF(0.35)
        painter.setPen(QPen(track, thick))
        painter.drawEllipse(place)
        pen = QPen(self.palette().color(Role.Highlight), thick)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.drawArc(place, self._turn * 16, 100 * 16)
        painter.end()


class Dots(QWidget):
    """Which of several pages is shown, as dots."""

    def __init__(self, count: int, here: int, size: int) -> None:
        super().__init__()
        self._count, self._here = count, here
        self.setFixedSize(size * (2 * count - 1), size)

    def paintEvent(self, event: Any) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        size = self.height()
        for i in range(self._count):
            painter.setBrush(self.palette().color(Role.Highlight if i == self._here else Role.Mid))
            painter.drawEllipse(QRectF(2 * i * size, 0, size, size))
        painter.end()


class Fill(QWidget):
    """A plain surface of one colour, optionally framed."""

    def __init__(self, colour: QColor, line: QColor | None = None, radius: float = 0) -> None:
        super().__init__()
        self._look = (colour, line, radius)

    def paintEvent(self, event: Any) -> None:  # noqa: N802
        colour, line, radius = self._look
        painter = QPainter(self)
        if not line and not radius:
            painter.fillRect(self.rect(), colour)
        else:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, radius > 0)
            painter.setBrush(colour)
            painter.setPen(QPen(line) if line else Qt.PenStyle.NoPen)
            frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5) if line else QRectF(self.rect())
            painter.drawRoundedRect(frame, radius, radius)
        painter.end()


class Chart(QWidget):
    """A drawing of data. `draw` paints it: (painter, rectangle, palette)."""

    def __init__(
        self, kind: str, values: Sequence[Sequence[float]], hue: int, labels: Sequence[str], names: Sequence[str], axes: bool, smooth: bool
    ) -> None:
        super().__init__()
        self._kind, self._values, self._labels, self._names, self._axes, self._smooth = kind, values, labels, names, axes, smooth
        self._colours = [
            QColor.fromHsv((hue + 47 * i) % 360, 150 + (i * 31) % 70, 215 - (i * 23) % 60) for i in range(max(len(values), len(values[0])))
        ]

    def paintEvent(self, event: Any) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        place = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        font = self.font()
        font.setPixelSize(max(8, round(font.pixelSize() * 0.78)))
        painter.setFont(font)
        ink = self.palette().color(Role.WindowText)
        if len(self._values) > 1:
            place = self._legend(painter, place, ink)
        draw: Callable[[QPainter, QRectF, QColor], None] = {
            "pie": self._pie,
            "donut": self._pie,
            "gauge": self._gauge,
            "radar": self._radar,
            "heat": self._heat,
        }.get(self._kind, self._plot)
        draw(painter, place, ink)
        painter.end()

    def _legend(self, painter: QPainter, place: QRectF, ink: QColor) -> QRectF:
        x, height = place.left(), painter.fontMetrics().height()
        for name, colour in zip(self._names, self._colours, strict=False):
            painter.fillRect(QRectF(x, place.top() + height / 2 - 4, 8, 8), colour)
            painter.setPen(ink)
            painter.drawText(QPointF(x + 12, place.top() + painter.fontMetrics().ascent()), name)
            x += painter.fontMetrics().horizontalAdvance(name) + 26
        return place.adjusted(0, height + 4, 0, 0)

    def _frame(self, painter: QPainter, place: QRectF, ink: QColor) -> QRectF:
        metrics = painter.fontMetrics()
        line, text = QColor(ink), QColor(ink)
        line.setAlphaF(0.18)
        text.setAlphaF(0.75)
        inner = place.adjusted(metrics.horizontalAdvance("100") + 6, 4, -2, -metrics.height() - 4) if self._axes else place
        if self._axes:
            for step in range(5):
                y = inner.bottom() - inner.height() * step / 4
                painter.setPen(line)
                painter.drawLine(QPointF(inner.left(), y), QPointF(inner.right(), y))
                painter.setPen(text)
                painter.drawText(
                    QRectF(place.left(), y - 10, inner.left() - place.left() - 5, 20),
                    int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter),
                    str(25 * step),
                )
            count = len(self._values[0])
            for i in range(0, count, max(1, math.ceil(count * 40 / max(inner.width(), 1)))):
                x = inner.left() + inner.width() * (i + 0.5) / count
                painter.drawText(
                    QRectF(x - 40, inner.bottom() + 3, 80, metrics.height()), int(Qt.AlignmentFlag.AlignCenter), self._labels[i % len(self._labels)]
                )
        return inner

    def _plot(self, painter: QPainter, place: QRectF, ink: QColor) -> None:
        inner = self._frame(painter, place, ink)
        rows, count = len(self._values), len(self._values[0])
        step = inner.width() / count
        for row, (values, colour) in enumerate(zip(self._values, self._colours, strict=False)):
            points = [QPointF(inner.left() + step * (i + 0.5), inner.bottom() - inner.height() * value / 100) for i, value in enumerate(values)]
            if self._kind == "bar":
                width = step * 0.7 / rows
                for point in points:
                    left = point.x() - step * 0.35 + row * width
                    painter.fillRect(QRectF(left, point.y(), width - 1, inner.bottom() - point.y()), colour)
            elif self._kind == "scatter":
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(colour)
                for i, point in enumerate(points):
                    painter.drawEllipse(point, 3 + i % 3, 3 + i % 3)
            else:
                path = QPainterPath(points[0])
                for before, point in pairwise(points):
                    if self._smooth:
                        middle = (before.x() + point.x()) / 2
                        path.cubicTo(QPointF(middle, before.y()), QPointF(middle, point.y()), point)
                    else:
                        path.lineTo(point)
                if self._kind == "area":
                    under = QPainterPath(path)
                    under.lineTo(points[-1].x(), inner.bottom())
                    under.lineTo(points[0].x(), inner.bottom())
                    tint = QColor(colour)
                    tint.setAlphaF(0.35)
                    painter.fillPath(under, tint)
                painter.setPen(QPen(colour, 2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawPath(path)

    def _square(self, place: QRectF) -> QRectF:
        side = min(place.width(), place.height()) - 4
        return QRectF(place.center().x() - side / 2, place.center().y() - side / 2, side, side)

    def _pie(self, painter: QPainter, place: QRectF, ink: QColor) -> None:
        square, total, start = self._square(place), sum(self._values[0]), 90 * 16
        painter.setPen(QPen(self.palette().color(Role.Window), 1.5))
        for value, colour in zip(self._values[0], self._colours, strict=False):
            span = round(360 * 16 * value / total)
            painter.setBrush(colour)
            painter.drawPie(square, start, -span)
            start -= span
        if self._kind == "donut":
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self.palette().color(Role.Window))
            hole = square.width() * 0.28
            painter.drawEllipse(square.center(), hole, hole)

    def _gauge(self, painter: QPainter, place: QRectF, ink: QColor) -> None:
        square, thick = self._square(place), max(6.0, place.height() / 12)
        square.adjust(thick / 2, thick / 2, -thick / 2, -thick / 2)
        track = QColor(ink)
        track.setAlphaF(0.15)
        painter.setPen(QPen(track, thick))
        painter.drawArc(square, -45 * 16, 270 * 16)
        painter.setPen(QPen(self._colours[0], thick))
        value = self._values[0][0]
        painter.drawArc(square, 225 * 16, -round(270 * 16 * value / 100))
        painter.setPen(ink)
        painter.drawText(square, int(Qt.AlignmentFlag.AlignCenter), f"{value:.0f}%")

    def _radar(self, painter: QPainter, place: QRectF, ink: QColor) -> None:
        square, count = self._square(place), len(self._values[0])
        grid = QColor(ink)
        grid.setAlphaF(0.25)

        def corner(i: int, share: float) -> QPointF:
            angle = 2 * math.pi * i / count - math.pi / 2
            return square.center() + QPointF(math.cos(angle), math.sin(angle)) * (square.width() / 2 * share)

        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(grid)
        for ring in (0.33, 0.66, 1.0):
            painter.drawPolygon([corner(i, ring) for i in range(count)])
        for values, colour in zip(self._values, self._colours, strict=False):
            tint = QColor(colour)
            tint.setAlphaF(0.3)
            painter.setPen(QPen(colour, 2))
            painter.setBrush(tint)
            painter.drawPolygon([corner(i, value / 100) for i, value in enumerate(values)])

    def _heat(self, painter: QPainter, place: QRectF, ink: QColor) -> None:
        columns = max(4, len(self._values[0]))
        rows = max(3, int(place.height() // max(14, place.width() / columns)))
        base, values = self._colours[0], self._values[0]
        for row in range(rows):
            for column in range(columns):
                colour = QColor(base)
                colour.setAlphaF(0.12 + 0.88 * ((values[column % len(values)] * (row + 3) * 7) % 100) / 100)
                painter.fillRect(
                    QRectF(
                        place.left() + place.width() * column / columns,
                        place.top() + place.height() * row / rows,
                        place.width() / columns - 2,
                        place.height() / rows - 2,
                    ),
                    colour,
                )


class Flow(QLayout):
    """Parts side by side, in as many lines as their place needs."""

    def __init__(self, gap: int, parent: QWidget) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self.setSpacing(gap)
        self.setContentsMargins(0, 0, 0, 0)

    def addItem(self, item: QLayoutItem) -> None:  # noqa: N802
        self._items.append(item)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:  # noqa: N802
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:  # noqa: N802
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:  # noqa: N802
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:  # noqa: N802
        return True

    def heightForWidth(self, width: int) -> int:  # noqa: N802
        return self._arrange(QRect(0, 0, width, 0), False)

    def setGeometry(self, rect: QRect) -> None:  # noqa: N802
        super().setGeometry(rect)
        self._arrange(rect, True)

    def sizeHint(self) -> QSize:  # noqa: N802
        sizes = [item.sizeHint() for item in self._items]
        return QSize(sum(size.width() for size in sizes) + self.spacing() * max(0, len(sizes) - 1), max((size.height() for size in sizes), default=0))

    def minimumSize(self) -> QSize:  # noqa: N802
        sizes = [item.minimumSize() for item in self._items]
        return QSize(max((size.width() for size in sizes), default=0), max((size.height() for size in sizes), default=0))

    def _arrange(self, rect: QRect, for_real: bool) -> int:
        parent = self.parentWidget()
        rtl = parent is not None and parent.layoutDirection() == Qt.LayoutDirection.RightToLeft
        lines: list[list[tuple[QLayoutItem, QSize]]] = [[]]
        x = 0
        for item in self._items:
            size = item.sizeHint().boundedTo(QSize(max(rect.width(), item.minimumSize().width()), 10**6))
            if item.hasHeightForWidth():
                size.setHeight(max(item.heightForWidth(size.width()), 1))
            if lines[-1] and x + size.width() > rect.width():
                lines.append([])
                x = 0
            lines[-1].append((item, size))
            x += size.width() + self.spacing()
        y = rect.y()
        for line in lines:
            height, x = max((size.height() for _, size in line), default=0), 0
            for item, size in line:
                if for_real:
                    left = rect.right() + 1 - x - size.width() if rtl else rect.x() + x
                    item.setGeometry(QRect(QPoint(left, y + (height - size.height()) // 2), size))
                x += size.width() + self.spacing()
            y += height + self.spacing()
        return y - rect.y() - self.spacing()


class Place(QWidget):
    """Parts at places given as shares of the box, over a background that fills it."""

    def __init__(self, parts: Sequence[tuple[float, float, QWidget]], back: QWidget | None) -> None:
        super().__init__()
        self._parts, self._back = parts, back
        if back is not None:
            back.setMinimumSize(0, 0)
            back.setMaximumSize(16777215, 16777215)
            back.setParent(self)
        for _, _, part in parts:
            part.setParent(self)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    @property
    def parts(self) -> list[QWidget]:
        return [part for _, _, part in self._parts]

    def resizeEvent(self, event: Any) -> None:  # noqa: N802
        if self._back is not None:
            self._back.setGeometry(self.rect())
        rtl = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
        for x, y, part in self._parts:
            size = natural_size(part, self.width() - 8)
            left = round(self.width() * x)
            part.setGeometry(self.width() - left - size.width() if rtl else left, round(self.height() * y), size.width(), size.height())


class Crop(QWidget):
    """Gives what stands in it the room that it needs at least, and cuts what reaches out. (A layout would squeeze it until parts overlap.)"""

    def __init__(self, inner: QWidget) -> None:
        super().__init__()
        self._inner = inner
        inner.setParent(self)

    def sizeHint(self) -> QSize:  # noqa: N802
        return self._inner.sizeHint()

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(1, 1)

    def hasHeightForWidth(self) -> bool:  # noqa: N802
        return self._inner.hasHeightForWidth()

    def heightForWidth(self, width: int) -> int:  # noqa: N802
        return self._inner.heightForWidth(max(width, self._inner.minimumSizeHint().width()))

    def resizeEvent(self, event: Any) -> None:  # noqa: N802
        least = self._inner.minimumSizeHint()
        width = max(self.width(), least.width())
        height = max(self.height(), self._inner.heightForWidth(width) if self._inner.hasHeightForWidth() else least.height())
        rtl = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
        self._inner.setGeometry(self.width() - width if rtl else 0, 0, width, height)


class Corner(QWidget):
    """A part with a small one at its upper end corner (a badge on a button)."""

    def __init__(self, main: QWidget, badge: QWidget, over: int) -> None:
        super().__init__()
        self._main, self._badge, self._over = main, badge, over
        main.setParent(self)
        badge.setParent(self)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:  # noqa: N802
        return self._main.sizeHint().grownBy(QMargins(0, self._over, self._over, 0))

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return self.sizeHint()

    def resizeEvent(self, event: Any) -> None:  # noqa: N802
        size, badge = self._main.sizeHint(), self._badge.sizeHint()
        rtl = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
        self._main.setGeometry(self._over if rtl else 0, self._over, size.width(), size.height())
        self._badge.setGeometry(0 if rtl else self.width() - badge.width(), 0, badge.width(), badge.height())


class Backdrop(QWidget):
    """Dims the window below it."""

    def __init__(self, strength: float) -> None:
        super().__init__()
        self._strength = strength

    def paintEvent(self, event: Any) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(0, 0, 0, round(255 * self._strength)))
        painter.end()


class StyledRow(QWidget):
    """A row of a list, drawn as the style draws the item of an item view: its selection is the style's."""

    def __init__(self, chosen: bool) -> None:
        super().__init__()
        self._chosen = chosen

    def paintEvent(self, event: Any) -> None:  # noqa: N802
        if self._chosen:
            painter = QPainter(self)
            painter.fillRect(self.rect(), QBrush(self.palette().color(Role.Highlight)))
            painter.end()


def natural_size(widget: QWidget, widest: int) -> QSize:
    """The size that a widget would like to have, at most `widest` wide."""
    size = widget.sizeHint().expandedTo(widget.minimumSize()).boundedTo(widget.maximumSize())
    if size.width() > widest:
        size.setWidth(max(widest, widget.minimumWidth()))
    if widget.hasHeightForWidth():
        size.setHeight(max(widget.heightForWidth(size.width()), widget.minimumHeight()))
    return size.boundedTo(widget.maximumSize())
