"""The widget vocabulary: what a page family may say, and every kit knows how to draw.

A family composes a page out of the methods of a `Ui`; a kit is a subclass that draws them. A method returns a *fragment*: HTML in web kits
(`datagen.pages.html.HtmlUi`), a widget in Qt. Families never write a kit's classes, and kits never know families.

Strings that come in are plain text in the page's language. Lengths in `em` are multiples of the page's text size; `gap` counts steps of a quarter em,
0 to 8. An argument of None means: the kit draws it by lot from `ui.rng`, in keeping with the page's state.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from contracts.annotation import Platform
from datagen.content.words import Words

F = TypeVar("F")

State = Literal["plain", "dialog", "drawer", "menu", "tooltip", "toast", "loading", "disabled", "focused", "selected", "error", "scrolled", "cropped"]
STATES: tuple[State, ...] = (
    "plain", "dialog", "drawer", "menu", "tooltip", "toast", "loading", "disabled", "focused", "selected", "error", "scrolled", "cropped",
)  # fmt: skip
Tone = Literal["normal", "muted", "strong", "small", "caption", "code", "success", "warning", "danger", "info", "primary", "neutral"]
Align = Literal["start", "center", "end", "stretch", "baseline"]
Justify = Literal["start", "center", "end", "between", "around"]


class Entry(NamedTuple):
    """A destination of a sidebar, bottom navigation or menu. `icon` is a concept of datagen.content.icons."""

    label: str
    icon: str | None = None
    badge: str | None = None
    shortcut: str | None = None
    disabled: bool = False


@dataclass(frozen=True)
class Branch:
    """A node of a tree."""

    label: str
    icon: str | None = None
    open: bool = False
    children: tuple["Branch", ...] = ()


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What a `Ui` is made with. `width` and `height` are the window in CSS pixels; `rng` serves the kit's own draws (variants, sizes)."""

    theme: str
    dark: bool
    platform: Platform
    width: int
    height: int
    state: State
    locale: str
    icon_set: str
    words: Words
    rng: Random
    attributes: dict[str, Any] = field(default_factory=dict)


class Ui(Generic[F]):
    """One page in the making. `room` is the width for the content in CSS pixels: the shell sets it before it asks the family."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.rng = setting.rng
        self.words = setting.words
        self.platform = setting.platform
        self.state = setting.state
        self.room = setting.width

    def chance(self, state: State, often: float = 0.4, seldom: float = 0.03) -> bool:
        """Whether a control is in this state: often on a page that is about it, seldom elsewhere."""
        return self.rng.random() < (often if self.state == state else seldom)

    # ---- layout: not labelled ----------------------------------------------------------------------------------------------------------------

    def column(self, *parts: F, gap: int = 2, align: Align = "stretch", fill: bool = False) -> F:
        """Parts one below another. `fill`: takes all the height there is (then a `grow` part takes what the others leave)."""
        raise NotImplementedError

    def row(self, *parts: F, gap: int = 2, align: Align = "center", justify: Justify = "start", wrap: bool = False, fill: bool = False) -> F:
        """Parts side by side. `fill`: as tall as its place (for panes side by side; use align="stretch")."""
        raise NotImplementedError

    def grid(self, *parts: F, columns: int, gap: int = 3) -> F:
        """Parts in equal columns."""
        raise NotImplementedError

    def grow(self, *parts: F) -> F:
        """Takes the room that its neighbours in a row or filled column leave; its parts stand below one another."""
        raise NotImplementedError

    def box(self, *parts: F, width: float | None = None, height: float | None = None, pad: int = 0, tint: bool = False, border: bool = False) -> F:
        """A box of a given size in em (crops what is larger), with padding in steps, optionally tinted or framed."""
        raise NotImplementedError

    def place(self, *parts: tuple[float, float, F], height: float | None = None, back: F | None = None) -> F:
        """Parts at places given as shares (x, y) of the box, over a background fragment; `height` in em (None: fills its place)."""
        raise NotImplementedError

    def pane(self, *parts: F, pad: int = 2) -> F:
        """A pane that fills its place and crops what overflows; its content may be scrolled (`scrolled` state)."""
        raise NotImplementedError

    def divider(self) -> F:
        """A thin line."""
        raise NotImplementedError

    # ---- text --------------------------------------------------------------------------------------------------------------------------------

    def text(self, content: str, tone: Tone = "normal") -> F:
        """`text`."""
        raise NotImplementedError

    def heading(self, content: str, level: int = 2) -> F:
        """`heading`; level 1 is the page's title, 6 the smallest."""
        raise NotImplementedError

    def link(self, content: str, icon: str | None = None) -> F:
        """`link`."""
        raise NotImplementedError

    def label(self, content: str, required: bool = False) -> F:
        """`text` that names a field."""
        raise NotImplementedError

    def code(self, lines: Sequence[str], numbers: bool = True, marked: int | None = None) -> F:
        """Lines of code, each a `text`; line numbers beside them."""
        raise NotImplementedError

    # ---- controls ----------------------------------------------------------------------------------------------------------------------------

    def button(
        self, content: str, icon: str | None = None, variant: Literal["default", "primary", "danger", "text"] | None = None,
        size: Literal["small", "normal", "large"] = "normal", disabled: bool | None = None, pressed: bool | None = None, wide: bool = False,
        busy: bool = False,
    ) -> F:  # fmt: skip
        """`button`; `pressed` makes it a toggle, `wide` as wide as its place, `busy` with a spinner."""
        raise NotImplementedError

    def icon_button(
        self, icon: str, content: str | None = None, variant: Literal["plain", "default", "primary"] = "plain", disabled: bool | None = None,
        pressed: bool | None = None, badge: str | None = None,
    ) -> F:  # fmt: skip
        """`icon_button`; `content` is its accessible name (default: what the icon means)."""
        raise NotImplementedError

    def button_group(self, *buttons: F) -> F:
        """Buttons joined side by side. Not labelled itself."""
        raise NotImplementedError

    def text_field(
        self, name: str, value: str = "", placeholder: str = "", icon: str | None = None, disabled: bool | None = None, invalid: bool | None = None,
        readonly: bool = False, required: bool = False,
    ) -> F:  # fmt: skip
        """`text_field`. `name` is the accessible name; use `field` for a visible label."""
        raise NotImplementedError

    def password_field(self, name: str, length: int = 0, placeholder: str = "", disabled: bool | None = None, invalid: bool | None = None) -> F:
        """`password_field` with `length` hidden characters."""
        raise NotImplementedError

    def search_field(self, placeholder: str, value: str = "") -> F:
        """`search_field`."""
        raise NotImplementedError

    def text_area(self, name: str, value: str = "", placeholder: str = "", rows: int = 3, disabled: bool | None = None) -> F:
        """`text_area`."""
        raise NotImplementedError

    def combo_box(self, name: str, options: Sequence[str], chosen: int = 0, disabled: bool | None = None) -> F:
        """`combo_box`, closed."""
        raise NotImplementedError

    def list_box(self, name: str, options: Sequence[str], chosen: Sequence[int] = ()) -> F:
        """`list_box` with its options (`list_item`) in view."""
        raise NotImplementedError

    def checkbox(self, content: str, checked: bool | None = False, disabled: bool | None = None, show_label: bool = True) -> F:
        """`checkbox` (None: mixed) with its label as `text` beside it."""
        raise NotImplementedError

    def radio(self, content: str, chosen: bool, group: str, disabled: bool | None = None, show_label: bool = True) -> F:
        """`radio` with its label as `text` beside it."""
        raise NotImplementedError

    def switch(self, content: str, on: bool, disabled: bool | None = None, show_label: bool = False) -> F:
        """`switch`."""
        raise NotImplementedError

    def slider(self, name: str, share: float) -> F:
        """`slider` at a share of its range."""
        raise NotImplementedError

    def stepper(self, name: str, value: int) -> F:
        """`stepper`."""
        raise NotImplementedError

    def date_picker(self, name: str, value: str, iso: str) -> F:
        """`date_picker` as a field; `value` as written in the page's language, `iso` as YYYY-MM-DD."""
        raise NotImplementedError

    def calendar(self, title: str, weekdays: Sequence[str], offset: int, days: int, chosen: int) -> F:
        """`date_picker` as an open month: `offset` empty cells before day 1."""
        raise NotImplementedError

    def field(self, name: str, control: F, hint: str | None = None, error: str | None = None, beside: bool = False, required: bool = False) -> F:
        """A control with its visible label above or beside it, a hint or an error below."""
        raise NotImplementedError

    # ---- navigation --------------------------------------------------------------------------------------------------------------------------

    def tabs(self, names: Sequence[str], chosen: int = 0, icons: Sequence[str | None] = (), closable: bool = False) -> F:
        """`tab_bar` of `tab`s."""
        raise NotImplementedError

    def breadcrumb(self, names: Sequence[str]) -> F:
        """`breadcrumb` of `link`s; the last is plain `text`."""
        raise NotImplementedError

    def pagination(self, pages: int, here: int) -> F:
        """`pagination` with page numbers from 1."""
        raise NotImplementedError

    def page_dots(self, count: int, here: int) -> F:
        """`pagination` as dots."""
        raise NotImplementedError

    def steps(self, names: Sequence[str], here: int) -> F:
        """Where one is in a task of several steps. Its names are `text`."""
        raise NotImplementedError

    def navigation_bar(self, brand: str, links: Sequence[str], chosen: int, end: Sequence[F], logo: str | None = None) -> F:
        """`navigation_bar` of a web page."""
        raise NotImplementedError

    def app_bar(self, title: str, back: bool, actions: Sequence[F], large: bool = False) -> F:
        """`navigation_bar` of a mobile screen: a back or menu `icon_button`, a `heading`, actions."""
        raise NotImplementedError

    def bottom_navigation(self, entries: Sequence[Entry], chosen: int) -> F:
        """`bottom_navigation` of `tab`s."""
        raise NotImplementedError

    def sidebar(self, entries: Sequence[Entry], chosen: int, head: F | None = None, foot: F | None = None, narrow: bool = False) -> F:
        """`sidebar` of `list_item`s (`narrow`: icons only, each an `icon_button`)."""
        raise NotImplementedError

    def menu(self, entries: Sequence[Entry | None], chosen: int | None = None) -> F:
        """`menu` of `menu_item`s; None is a separator."""
        raise NotImplementedError

    def menu_bar(self, names: Sequence[str], open: int | None = None) -> F:
        """`menu_bar` of `menu_item`s."""
        raise NotImplementedError

    def toolbar(self, *parts: F) -> F:
        """`toolbar`."""
        raise NotImplementedError

    def tree(self, branches: Sequence[Branch], chosen: int = -1) -> F:
        """`tree` of `list_item`s; `chosen` counts the visible ones from the top."""
        raise NotImplementedError

    # ---- content -----------------------------------------------------------------------------------------------------------------------------

    def table(
        self, columns: Sequence[str], rows: Sequence[Sequence[F | str]], header: bool = True, chosen: Sequence[int] = (), numeric: Sequence[int] = (),
        sorted_by: int | None = None, dense: bool = False, grid_lines: bool = False, widths: Sequence[float] = (),
    ) -> F:  # fmt: skip
        """`table` with `table_header`s, `row`s and `cell`s; a cell given as text holds that text itself. `widths` in em."""
        raise NotImplementedError

    def list(self, *items: F, framed: bool = True) -> F:
        """`list`."""
        raise NotImplementedError

    def list_item(
        self,
        title: str,
        subtitle: str | None = None,
        leading: F | None = None,
        trailing: F | None = None,
        chosen: bool = False,
        meta: str | None = None,
    ) -> F:
        """`list_item`: title and subtitle are `text`, `meta` a small `text` at the end of the first line."""
        raise NotImplementedError

    def card(self, *parts: F, title: str | None = None, media: F | None = None, footer: F | None = None, chosen: bool = False) -> F:
        """`card`."""
        raise NotImplementedError

    def badge(self, content: str, tone: Tone = "primary") -> F:
        """`badge`."""
        raise NotImplementedError

    def chip(self, content: str, chosen: bool = False, removable: bool = False, icon: str | None = None) -> F:
        """`chip`."""
        raise NotImplementedError

    def avatar(self, who: str, size: float = 2.2, picture: bool | None = None) -> F:
        """`avatar`: initials or a face, `size` in em."""
        raise NotImplementedError

    def icon(self, concept: str, size: float = 1.0, tone: Tone = "normal") -> F:
        """`icon`."""
        raise NotImplementedError

    def image(self, kind: str, height: float, width: float | None = None, rounded: bool = False) -> F:
        """`image` of a kind of datagen.content.images; sizes in em (no width: as wide as its place)."""
        raise NotImplementedError

    def video_player(self, height: float, title: str, share: float) -> F:
        """`video_player` with its controls (`icon_button`, `slider`, `text`)."""
        raise NotImplementedError

    def chart(self, kind: Literal["bar", "line", "area", "pie", "donut", "scatter", "radar", "heat", "gauge"], height: float) -> F:
        """`chart`, drawn by a real chart library in web kits."""
        raise NotImplementedError

    def progress(self, share: float, name: str = "") -> F:
        """`progress` as a bar."""
        raise NotImplementedError

    def spinner(self, size: float = 2.0) -> F:
        """`progress` without a share."""
        raise NotImplementedError

    def skeleton(self, lines: int = 3) -> F:
        """Grey bars where text will be. Not labelled."""
        raise NotImplementedError

    def scroll_bar(self, share: float, at: float, vertical: bool = True) -> F:
        """`scroll_bar` as long as its place; the thumb takes `share` of it, at `at` (0 to 1)."""
        raise NotImplementedError

    # ---- above the page ----------------------------------------------------------------------------------------------------------------------

    def alert(self, content: str, tone: Tone = "info", closable: bool = False) -> F:
        """`toast` as a banner in the flow of the page."""
        raise NotImplementedError

    def toast(self, content: str, tone: Tone = "neutral", action: str | None = None) -> F:
        """`toast` that floats above the page."""
        raise NotImplementedError

    def dialog(self, title: str, *parts: F, actions: Sequence[F], closable: bool = True) -> F:
        """`dialog` in the middle of the window, on a dimming backdrop."""
        raise NotImplementedError

    def sheet(self, title: str, *parts: F) -> F:
        """`dialog` that comes up from the foot of a mobile screen."""
        raise NotImplementedError

    def drawer(self, entries: Sequence[Entry], chosen: int, head: F | None = None) -> F:
        """`sidebar` that was slid in above a dimmed page."""
        raise NotImplementedError

    def floating_menu(self, entries: Sequence[Entry | None], near: str = "button") -> F:
        """An open `menu` beside some element of the given class that is in view."""
        raise NotImplementedError

    def floating_tooltip(self, content: str, near: str = "icon_button") -> F:
        """A `tooltip` beside some element of the given class that is in view."""
        raise NotImplementedError

    def floating_button(self, icon: str, content: str | None = None) -> F:
        """The round action button at the foot of a mobile screen: an `icon_button`."""
        raise NotImplementedError

    # ---- around the page ---------------------------------------------------------------------------------------------------------------------

    def phone_status_bar(self, time: str, battery: int) -> F:
        """`status_bar` of a phone: clock, signal, battery."""
        raise NotImplementedError

    def status_bar(self, *parts: F) -> F:
        """`status_bar` at the foot of a desktop window or page."""
        raise NotImplementedError

    def title_bar(self, title: str, icon: str | None = None) -> F:
        """`title_bar` of a desktop window with its window buttons (`icon_button`)."""
        raise NotImplementedError

    def window(
        self, title: str, *parts: F, icon: str | None = None, menu_bar: F | None = None, toolbar: F | None = None, status_bar: F | None = None
    ) -> F:
        """A desktop window: title bar, menu bar, toolbar, content (filled), status bar. Fills its place. Not labelled itself."""
        raise NotImplementedError

    def footer(self, *parts: F) -> F:
        """The foot of a web page: columns of links and a line of text. Not labelled itself."""
        raise NotImplementedError
