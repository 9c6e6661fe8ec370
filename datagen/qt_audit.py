"""The pixel audit (datagen.audit) of Qt kits: takes the painting of one labelled element at a time out of the live widgets and compares what changed with the label.

How each kind of mark is taken out:

* A widget is masked away; nothing is laid out anew meanwhile. Containers go with all that stands in them.
* A container that paints no edge (`unpainted`) is painted over in two colours, and the box of what differs is compared.
* Items, cells and rows of views are given two background colours in turn; their texts are emptied.
* Parts of a widget that cannot be taken out alone (the indicator of a check box) go with the widget, and only their neighbourhood is looked at.
* Tabs, menu items and header sections: only their text is taken out, so only `inside` is judged.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRect
from PySide6.QtGui import QBrush, QColor, QPalette, QRegion
from PySide6.QtWidgets import QAbstractItemView, QApplication, QFrame, QGroupBox, QMenu, QMenuBar, QTabBar, QWidget

from contracts.annotation import Element, Screen
from datagen.audit import CHANGED, IOU_BAR, OFF_CSS, AuditedElement, compare_boxes
from datagen.qt import Mark, QtStage, Scene, photograph, pixels
from datagen.qt_parts import Fill, TipLabel, TitleBar

if TYPE_CHECKING:
    from datagen.screens import Plan, Studio

_CONTAINERS = {
    "card", "dialog", "toast", "list", "list_item", "tab_bar", "toolbar", "menu", "menu_bar", "sidebar", "status_bar", "breadcrumb", "pagination", "navigation_bar",
    "table", "tree", "list_box", "video_player", "title_bar", "tooltip", "bottom_navigation",
}  # fmt: skip
# Their own surface can have the colour of what lies beneath.
_SURFACES = {
    "badge", "chip", "button", "card", "toast", "dialog", "sidebar", "avatar", "progress", "title_bar", "list_box", "text_field", "password_field", "search_field",
    "text_area", "combo_box", "stepper", "date_picker", "tree", "table",
}  # fmt: skip
_COLOURS = (QColor("#ff00ff"), QColor("#00ff00"))
# CSS pixels around a part of a widget in which its painting is looked for.
_NEAR = 3


def audit_in_qt(studio: "Studio", plan: "Plan") -> "tuple[list[AuditedElement], np.ndarray]":
    """Audit every element of a plan's screen. The picture is (height, width, 3) bytes, RGB."""
    screen, _ = studio.make(plan)
    with QtStage() as stage, stage.scene(plan) as scene:
        from datagen.qt import annotate
        from datagen.screens import MIN_VISIBLE

        annotate(scene, MIN_VISIBLE)
        focused = QApplication.focusWidget()
        if focused is not None:
            focused.clearFocus()
        audit = _Audit(scene, screen)
        found = [audit.element(element, mark) for element, mark in zip(screen.elements, scene.labelled, strict=True)]
        return found, audit.before[:, :, 2::-1].copy()


class _Audit:
    def __init__(self, scene: Scene, screen: Screen) -> None:
        self._scene, self._screen = scene, screen
        self.before = self._picture()

    def _picture(self) -> "np.ndarray":
        return pixels(photograph(self._scene))

    def element(self, element: Element, mark: Mark) -> AuditedElement:
        kind, changed, judged = self._take_out(mark)
        # What is selected shares its colour with its neighbours: of these, only its own box can be looked at.
        near = {"near": _NEAR, "own": 0}.get(judged)
        box, inside = self._change(element, changed, near)
        scale = self._screen.device_scale
        iou: float | None
        iou, off, out = compare_boxes(element.box.xyxy, box) if box else (0.0, 0.0, 0.0)
        if kind == "painted" and iou < IOU_BAR and out <= OFF_CSS * scale and mark.where is None and mark.class_name in _SURFACES:
            kind = "same colour"
            box, _ = self._change(element, self._between(lambda colour: _painted_over(mark.widget, colour)), None)
            iou, off, out = compare_boxes(element.box.xyxy, box) if box else (0.0, 0.0, 0.0)
        if mark.covered or element.visible_fraction < 1:
            kind = "covered" if mark.covered else kind
        if judged == "inside" or kind == "covered":
            iou, off, out = None, 0.0, 0.0
        return AuditedElement(
            key=self._screen.key, kit=self._screen.kit, family=self._screen.family, theme=self._screen.theme, id=element.id, class_name=element.class_name,
            label=element.box.xyxy, kind=kind, inside=inside, changed=box, iou=iou, off=off / scale, leak=out / scale,
        )  # fmt: skip

    def _change(self, element: Element, changed: "np.ndarray", near: float | None) -> tuple[tuple[float, float, float, float] | None, bool]:
        x1, y1, x2, y2 = element.box.xyxy
        left, top, right, bottom = int(x1), int(y1), int(np.ceil(x2)), int(np.ceil(y2))
        inside = bool(changed[top:bottom, left:right].any())
        if near is not None:
            kept = np.zeros_like(changed)
            reach = round(near * self._screen.device_scale)
            area = np.s_[max(0, top - reach) : bottom + reach, max(0, left - reach) : right + reach]
            kept[area] = changed[area]
            changed = kept
        rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
        if not len(rows):
            return None, inside
        return (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)), inside

    def _take_out(self, mark: Mark) -> tuple[str, "np.ndarray", str]:
        """What kind of element it is, the pixels that change with it, and what can be judged: "all", "near", "own" or "inside"."""
        if mark.where is None:
            if mark.class_name in _CONTAINERS and not paints_edge(mark.widget):
                return "unpainted", self._between(lambda colour: _painted_over(mark.widget, colour)), "all"
            if mark.measure == "paint" and mark.full is not None and not mark.edged:
                return "unpainted", self._between(lambda colour: _painted_over(mark.widget, colour)), "all"
            return "painted", self._without(_hidden(mark.widget)), "all"
        if mark.recolour is not None:
            return "unpainted", self._between(lambda colour: _recoloured([mark], colour)), "own" if _selected(mark) else "all"
        if mark.class_name == "row":
            cells = [cell for cell in self._scene.marks if cell.parent is mark and cell.class_name in ("cell", "table_header")]
            if cells and all(cell.recolour for cell in cells):
                return "unpainted", self._between(lambda colour: _recoloured(cells, colour)), "own" if _selected(mark) else "all"
            return "unpainted", self._without(_hidden(mark.widget)), "inside"
        if mark.empty is not None:
            return "painted", self._without(mark.empty()), "all" if mark.class_name in ("text", "icon_button", "heading", "icon") else "inside"
        in_view = isinstance(mark.widget.parentWidget(), QAbstractItemView)
        if in_view or isinstance(mark.widget, (QTabBar, QMenu, QMenuBar)):
            return "unpainted", self._without(_hidden(mark.widget)), "inside"
        return "painted", self._without(_hidden(mark.widget)), "near"

    def _without(self, step: object) -> "np.ndarray":
        with step:  # type: ignore[attr-defined]
            return _differs(self.before, self._picture())

    def _between(self, step: Callable[[QColor], object]) -> "np.ndarray":
        pictures = []
        for colour in _COLOURS:
            with step(colour):  # type: ignore[attr-defined]
                pictures.append(self._picture())
        return _differs(*pictures)


def _selected(mark: Mark) -> bool:
    return "selected" in mark.states or (mark.parent is not None and "selected" in mark.parent.states)


def paints_edge(widget: QWidget) -> bool:
    """Whether a container paints a frame or a surface of its own."""
    if isinstance(widget, QFrame) and not isinstance(widget, TipLabel):
        return widget.frameShape() != QFrame.Shape.NoFrame
    return isinstance(widget, (Fill, QGroupBox, QMenu, TipLabel, TitleBar, QAbstractItemView))


def _differs(one: "np.ndarray", other: "np.ndarray") -> "np.ndarray":
    return (np.maximum(one, other) - np.minimum(one, other))[:, :, :3].max(axis=2) >= CHANGED


@contextmanager
def _hidden(widget: QWidget) -> Iterator[None]:
    # A mask and not hide(): some parents draw a frame around every child that is shown.
    widget.setMask(QRegion(-9, -9, 1, 1))
    try:
        yield
    finally:
        widget.clearMask()


@contextmanager
def _painted_over(widget: QWidget, colour: QColor) -> Iterator[None]:
    # A tool tip or row has no layout of its own children to disturb: the patch is placed by hand.
    patch = Fill(colour)
    patch.setParent(widget)
    patch.setGeometry(QRect(widget.rect()))
    patch.show()
    try:
        yield
    finally:
        patch.hide()
        patch.setParent(None)


@contextmanager
def _recoloured(marks: list[Mark], colour: QColor) -> Iterator[None]:
    for mark in marks:
        assert mark.recolour is not None
        mark.recolour(QBrush(colour))
    views = {mark.widget.parentWidget() for mark in marks}
    kept = {view: view.palette() for view in views if view is not None}
    for view, palette in kept.items() if any(_selected(mark) for mark in marks) else ():
        # A selected item shows the selection's colour instead of its own.
        own = QPalette(palette)
        own.setColor(QPalette.ColorRole.Highlight, colour)
        view.setPalette(own)
    try:
        yield
    finally:
        for mark in marks:
            assert mark.recolour is not None
            mark.recolour(QBrush())
        for view, palette in kept.items():
            view.setPalette(palette)
