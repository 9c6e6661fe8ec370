"""`QtNavigation`: tabs, bars, side panels, menus, trees."""

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QAction, QImage, QPalette, QPixmap
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QListWidget,
    QMenu,
    QMenuBar,
    QStyle,
    QTabBar,
    QToolBar,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from contracts.annotation import State as ElementState
from datagen.content import icons
from datagen.pages.ui import Branch, Entry
from datagen.qt_base import Policy, QtBase, emptied, spacing, without_icon
from datagen.qt_parts import (
    Dots,
    Initials,
    Role,
)

Part = QStyle.SubElement


class QtNavigation(QtBase):
    """What one finds one's way with."""

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
        layout = spacing(QVBoxLayout(frame), self.gap(1))
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
            self.mark(view, "text", "text", where=mark.where, text=entry.label, parent=mark, empty=lambda item=item: emptied(item))
            if entry.icon:
                self.mark(
                    view,
                    "icon",
                    where=lambda i=i, entry=entry: self._decoration(made, made.model().index(i, 0), entry.icon or "", size),
                    icon=icons.canonical(entry.icon),
                    parent=mark,
                    empty=lambda item=item: without_icon(item),
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
            self.mark(view, "text", "text", where=mark.where, text=branch.label, parent=mark, empty=lambda item=item: emptied(item, 0))
            if branch.icon:
                self.mark(view, "icon", where=lambda item=item, branch=branch: self._decoration(made, made.indexFromItem(item), branch.icon or "", size), icon=icons.canonical(branch.icon),
                          parent=mark, empty=lambda item=item: without_icon(item, 0))  # fmt: skip
        made.setMinimumHeight(min(len(shown), 6) * max(made.sizeHintForRow(0), 16) + 6)
        made.setFixedHeight(max(len(shown), 1) * max(made.sizeHintForRow(0), 16) + 6)
        made.setMinimumWidth(self.px(8))
        return made

    def _tree_row(self, tree: QTreeWidget, item: QTreeWidgetItem) -> QRect | None:
        rect = tree.visualItemRect(item)
        return rect if not rect.isEmpty() else None


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


def _canonical(names: Sequence[str | None], i: int) -> str:
    name = names[i] if i < len(names) else None
    return icons.canonical(name) if name else ""
