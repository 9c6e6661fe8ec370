"""`QtControls`: buttons, fields, choices, pickers."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Literal

from PySide6.QtCore import QDate, QLocale, QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPalette
from PySide6.QtWidgets import (
    QAbstractItemView,
    QAbstractSpinBox,
    QCalendarWidget,
    QCheckBox,
    QComboBox,
    QDateEdit,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QPlainTextEdit,
    QPushButton,
    QRadioButton,
    QSlider,
    QSpinBox,
    QStyle,
    QStyleOptionButton,
    QTableView,
    QTextEdit,
    QToolButton,
    QWidget,
)

from contracts.annotation import State as ElementState
from datagen.content import icons
from datagen.qt_base import Policy, QtBase, emptied
from datagen.qt_looks import mix
from datagen.qt_parts import (
    Corner,
    Role,
    Switch,
)

Variant = Literal["default", "primary", "danger", "text"]
Part = QStyle.SubElement


class QtControls(QtBase):
    """The controls of the vocabulary."""

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
        own.setColor(Role.Base, mix(self.colour("danger"), self.palette.color(Role.Base), 0.2))
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
            self.mark(view, "text", "text", where=item.where, text=option, parent=item, empty=lambda i=i: emptied(made.item(i)))
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
