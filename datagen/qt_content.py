"""`QtContent`: tables, lists, cards, pictures, charts, progress."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from PySide6.QtCore import QByteArray, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QImage, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QProgressBar,
    QScrollBar,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from datagen.content import icons, images
from datagen.pages.ui import Tone
from datagen.qt_base import Policy, QtBase, emptied, spacing
from datagen.qt_looks import drawn_svg, mix
from datagen.qt_parts import (
    Chart,
    Fill,
    GroupBox,
    Initials,
    Picture,
    Pill,
    Ring,
    Role,
    StyledRow,
)

_AVATARS = ("#c0504d", "#4f81bd", "#6a9a3b", "#8064a2", "#2c8aa0", "#d07a2c")


class QtContent(QtBase):
    """What a page shows."""

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
                        self.mark(view, "text", "text", where=cell.where, text=content, parent=cell, empty=lambda item=item: emptied(item))
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
        layout = spacing(QVBoxLayout(frame), 0)
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
        layout = spacing(QHBoxLayout(row), self.gap(3))
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
            made: Any = self.new(GroupBox(title or ""))
        else:
            made = self.new(QFrame())
            made.setFrameShape(self.rng.choice((QFrame.Shape.StyledPanel, QFrame.Shape.StyledPanel, QFrame.Shape.Box)))
            made.setFrameShadow(self.rng.choice((QFrame.Shadow.Raised, QFrame.Shadow.Plain)))
            made.setAutoFillBackground(True)
            made.setBackgroundRole(Role.Base if self.setting.attributes.setdefault("base_cards", self.rng.random() < 0.6) else Role.Window)
        layout = spacing(QVBoxLayout(made), 0)
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
            self.mark(made, "heading", "ink", where=made.title_place, text=title or "", parent=mark, empty=lambda: _untitled(made))
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
        line = None if chosen else mix(self.palette.color(Role.WindowText), self.palette.color(Role.Window), 0.3)
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
        return drawn_svg(images.drawing(self.rng, kind, width, height), width, height, self.scale)

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
        layout = spacing(QVBoxLayout(frame), 0)
        tall = self.px(height)
        picture = self.new(Picture(self._picture(self.rng.choice(("photo", "landscape")), 400, 225)))
        layout.addWidget(picture, 1)
        total = self.rng.randrange(60, 5000)
        clock = [f"{int(t) // 60}:{int(t) % 60:02}" for t in (total * share, total)]
        controls = self.row(self.icon_button(self.rng.choice(("play", "pause"))), self.text(clock[0]), self.grow(self.slider(title, share)), self.text(clock[1]), self.icon_button("volume"),
                            self.icon_button("fullscreen"))  # fmt: skip
        bar = self.new(Fill(mix(self.palette.color(Role.WindowText), self.palette.color(Role.Window), 0.1)))
        inner = spacing(QHBoxLayout(bar), 0)
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
        grey = mix(self.palette.color(Role.WindowText), self.palette.color(Role.Window), 0.15)
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


@contextmanager
def _untitled(box: GroupBox) -> Iterator[None]:
    box.title_shown = False
    yield
    box.title_shown = True
