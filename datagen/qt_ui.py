"""`QtUi`: the widget vocabulary in real Qt widgets. Themes are the palettes of datagen.qt_looks; the kit's name says which style draws them.

Controls, navigation and content are in modules of their own; here is what floats above a page and stands around it, and how a page is put together.
Widgets that are painted by hand, and layouts, are in datagen.qt_parts.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QStatusBar,
    QStyle,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from datagen.content import icons
from datagen.pages.shell import Frame
from datagen.pages.ui import Entry, Tone
from datagen.qt import Scene
from datagen.qt_base import spacing
from datagen.qt_content import QtContent
from datagen.qt_controls import QtControls
from datagen.qt_looks import mix
from datagen.qt_navigation import QtNavigation
from datagen.qt_parts import (
    Backdrop,
    Crop,
    Fill,
    Initials,
    Picture,
    Role,
    TipLabel,
    TitleBar,
    natural_size,
)


class QtUi(QtControls, QtNavigation, QtContent):
    """The vocabulary in widgets; see the module's text."""

    # ---- for the engine ----------------------------------------------------------------------------------------------------------------------

    def assemble(self, frame: Frame[QWidget], host: QWidget, settle: Callable[[], None]) -> Scene:
        """The frame as a live window in `host`, laid out, scrolled, and with what floats in its place."""
        width, height = self.setting.width, self.setting.height
        root = QWidget(host)
        root.setFixedSize(width, height)
        hue = self.rng.randrange(360)
        margin = self.rng.choice((0, 0, 8, 20, 36))
        desk = self.new(Fill(QColor.fromHsl(hue, self.rng.randrange(40, 150), self.rng.randrange(50, 190))))
        desk.setParent(root)
        stacked = spacing(QVBoxLayout(desk), 0)
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

    # ---- above the page ----------------------------------------------------------------------------------------------------------------------

    def _message(self, content: str, tone: Tone, floating: bool, *end: QWidget) -> QWidget:
        colour = self.colour(tone)
        ground = (
            mix(colour, self.palette.color(Role.Base), 0.18)
            if not floating or self.rng.random() < 0.5
            else mix(self.palette.color(Role.WindowText), self.palette.color(Role.Window), 0.9)
        )
        frame = self.new(Fill(ground, colour))
        glyph = {"success": "check-circle", "warning": "warning", "danger": "error"}.get(tone, "info")
        dark = ground.lightness() < 128
        ink = QColor("#f4f4f4") if dark else QColor("#151515")
        text = self.text(content)
        self._ink(text, ink)
        picture = self.icon(glyph, 1.2)
        picture.setPixmap(self.pixmap(glyph, self.px(1.2 * 1.1), ink))
        layout = spacing(QHBoxLayout(frame), self.gap(2))
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
        layout = spacing(QVBoxLayout(frame), 0)
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
        layout = spacing(QVBoxLayout(frame), 0)
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


@contextmanager
def _lacking(bar: TitleBar, part: Any) -> Iterator[None]:
    bar.lacking.add(part)
    yield
    bar.lacking.discard(part)


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
