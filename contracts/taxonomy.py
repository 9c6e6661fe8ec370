"""The 50 element classes, and how they meet other people's class lists.

An id is given once and never changes or is reused: it is the COCO `category_id`, and `id - 1` is a model's class index.
A name that other sets use can cover several of our classes (their `Text` is our text, heading and link), and one of ours may
have no counterpart (then it is left out when scoring on that set). `coarsen` maps ours to theirs, `refine` theirs to the
one of ours that is meant most often.

Sources of the other lists: `mobile_screens` and VINS (Bunian et al., 2021) class names as in their annotation files; CLAY
(Li et al., 2022) from its published label map; ARIA roles from WAI-ARIA 1.2.
"""

from dataclasses import dataclass
from typing import Literal

ForeignSet = Literal["mobile_screens", "vins", "clay"]


@dataclass(frozen=True, kw_only=True)
class ElementClass:
    """One element class. `aria` is the role a page would give it; None where ARIA has no such role."""

    id: int
    name: str
    definition: str
    aria: str | None
    mobile_screens: str | None
    vins: str | None
    clay: str | None
    interactable: bool


def _class(
    id: int, name: str, definition: str, aria: str | None, mobile: str | None, vins: str | None, clay: str | None, *, interactable: bool = False
) -> ElementClass:
    return ElementClass(id=id, name=name, definition=definition, aria=aria, mobile_screens=mobile, vins=vins, clay=clay, interactable=interactable)


def _control(*fields: object) -> ElementClass:
    return _class(*fields, interactable=True)  # type: ignore[arg-type]


# fmt: off
CLASSES: tuple[ElementClass, ...] = (
    #       id  name                 definition                                                                       aria            mobile_screens       VINS               CLAY
    _class(  1, "text",              "A run of static text; the box is tight around its glyphs.",                      "paragraph",    "Text",              "Text",            "TEXT"),
    _control(2, "link",              "Text that leads somewhere else when clicked.",                                   "link",         "TextButton",        "TextButton",      "TEXT"),
    _class(  3, "heading",           "The title of a page or section; the box is tight around its glyphs.",            "heading",      "Text",              "Text",            "TEXT"),
    _control(4, "button",            "A push or toggle button with a text label, with or without an icon.",            "button",       "TextButton",        "TextButton",      "BUTTON"),
    _control(5, "icon_button",       "A button that shows only an icon.",                                              None,           "ImageButton",       "Icon",            "PICTOGRAM"),
    _control(6, "text_field",        "A one-line field for typing text.",                                              "textbox",      "EditText",          "EditText",        "TEXT_INPUT"),
    _control(7, "password_field",    "A one-line field that hides what is typed.",                                     None,           "EditText",          "EditText",        "TEXT_INPUT"),
    _control(8, "search_field",      "A one-line field for a search query.",                                           "searchbox",    "EditText",          "EditText",        "TEXT_INPUT"),
    _control(9, "text_area",         "A field for several lines of text.",                                             None,           "EditText",          "EditText",        "TEXT_INPUT"),
    _control(10, "combo_box",        "A field that opens a list of options to choose from.",                           "combobox",     None,                "Spinner",         "SPINNER"),
    _control(11, "list_box",         "A visible list from which one or several options are selected.",                 "listbox",      "List",              None,              None),
    _control(12, "checkbox",         "A box that is ticked or not, apart from its label.",                             "checkbox",     "CheckedTextView",   "CheckedTextView", "CHECK_BOX"),
    _control(13, "radio",            "One of a group of round buttons of which one is chosen, apart from its label.",  "radio",        "CheckedTextView",   "CheckedTextView", "RADIO_BUTTON"),
    _control(14, "switch",           "A sliding on/off control.",                                                      "switch",       "Switch",            "Switch",          "SWITCH"),
    _control(15, "slider",           "A handle on a track that picks a value from a range.",                           "slider",       None,                None,              "SLIDER"),
    _control(16, "stepper",          "A number field with buttons that raise and lower it.",                           "spinbutton",   None,                None,              "NUMBER_STEPPER"),
    _control(17, "date_picker",      "A field or calendar that picks a date or time.",                                 None,           None,                None,              "DATE_PICKER"),
    _control(18, "tab",              "One label of a tab bar.",                                                        "tab",          None,                None,              None),
    _class( 19, "tab_bar",           "The strip that holds tabs.",                                                     "tablist",      "Multi_Tab",         "Multi_Tab",       "CONTAINER"),
    _class( 20, "menu",              "An open list of commands, popped up or dropped down.",                           "menu",         "Modal",             "Modal",           "CONTAINER"),
    _control(21, "menu_item",        "One command of a menu or menu bar.",                                             "menuitem",     None,                None,              "LIST_ITEM"),
    _class( 22, "menu_bar",          "A horizontal bar of menu names at the top of a window.",                         "menubar",      None,                None,              None),
    _class( 23, "toolbar",           "A bar of buttons for actions on the content below or beside it.",                "toolbar",      "Toolbar",           "Toolbar",         "TOOLBAR"),
    _class( 24, "navigation_bar",    "The bar at the top of a page or app: title, brand, main links.",                 "navigation",   "Toolbar",           "Toolbar",         "TOOLBAR"),
    _class( 25, "bottom_navigation", "The bar of destinations at the bottom of a mobile screen.",                      None,           "Bottom_Navigation", "Bottom_Navigation", "NAVIGATION_BAR"),
    _class( 26, "sidebar",           "A panel of navigation at a side, fixed or slid in (drawer).",                    "complementary", "Drawer",           "Drawer",          "DRAWER"),
    _class( 27, "breadcrumb",        "The path of links to the current page.",                                         None,           None,                None,              None),
    _class( 28, "pagination",        "Page numbers or dots that say which of several pages is shown.",                 None,           "PageIndicator",     "PageIndicator",   "PAGER_INDICATOR"),
    _class( 29, "table",             "A grid of rows and columns of data, header included.",                           "table",        None,                None,              "CONTAINER"),
    _class( 30, "table_header",      "A cell that names a column or row of a table.",                                  "columnheader", None,                None,              None),
    _class( 31, "row",               "One row of a table, from its first cell to its last.",                                                           "row",          None,                None,              "LIST_ITEM"),
    _class( 32, "cell",              "One cell of a table that is no header.",                                         "cell",         None,                None,              None),
    _class( 33, "list",              "A vertical or horizontal sequence of like items.",                               "list",         "List",              None,              "CONTAINER"),
    _class( 34, "list_item",         "One item of a list or tree.",                                                    "listitem",     None,                None,              "LIST_ITEM"),
    _class( 35, "tree",              "A list of items nested under one another that open and close.",                  "tree",         "List",              None,              "CONTAINER"),
    _class( 36, "card",              "A bounded surface that groups content about one thing.",                         "article",      "Card",              "Card",            "CARD_VIEW"),
    _class( 37, "dialog",            "A window above the page that asks or tells something.",                          "dialog",       "Modal",             "Modal",           "CONTAINER"),
    _class( 38, "toast",             "A short message or alert banner about something that happened.",                 "alert",        None,                None,              "CONTAINER"),
    _class( 39, "tooltip",           "A small bubble that explains the element it points at.",                         "tooltip",      None,                None,              None),
    _class( 40, "badge",             "A small count or status mark on or beside another element.",                     "status",       None,                None,              "LABEL"),
    _control(41, "chip",             "A small rounded token: a tag, filter or choice.",                                None,           "TextButton",        "TextButton",      "BUTTON"),
    _class( 42, "avatar",            "A small picture or initials that stand for a person or account.",                None,           "Image",             "Image",           "IMAGE"),
    _class( 43, "icon",              "A pictogram that is no button by itself.",                                       None,           "Icon",              "Icon",            "PICTOGRAM"),
    _class( 44, "image",             "A photograph, illustration or logo.",                                            "img",          "Image",             "Image",           "IMAGE"),
    _class( 45, "video_player",      "A video picture with its controls.",                                             None,           "Image",             "Image",           "IMAGE"),
    _class( 46, "chart",             "A drawing of data: bars, lines, slices.",                                        "figure",       "Image",             "Image",           "IMAGE"),
    _class( 47, "progress",          "A bar, ring or spinner that shows work going on, with or without its share done.", "progressbar", None,               None,              "PROGRESS_BAR"),
    _control(48, "scroll_bar",       "The bar and thumb that scroll a view.",                                          "scrollbar",    None,                None,              None),
    _class( 49, "status_bar",        "A thin strip of state: the clock and battery of a phone, the foot of a window.", None,           "UpperTaskBar",      "UpperTaskBar",    None),
    _class( 50, "title_bar",         "The top edge of a desktop window with its title and window buttons.",            None,           None,                None,              None),
)
# fmt: on

NAMES: tuple[str, ...] = tuple(c.name for c in CLASSES)
BY_NAME: dict[str, ElementClass] = {c.name: c for c in CLASSES}
BY_ID: dict[int, ElementClass] = {c.id: c for c in CLASSES}

# Theirs that are not the counterpart of any of ours alone, with the one of ours that comes nearest.
_REFINE_ONLY: dict[ForeignSet, dict[str, str]] = {
    "mobile_screens": {"TextImageButton": "button", "BackgroundImage": "image"},
    "vins": {"CheckBox": "checkbox", "BackgroundImage": "image", "Map": "image", "Remember": "checkbox"},
    "clay": {"MAP": "image", "ADVERTISEMENT": "image"},
}
# Where several of ours share a name of theirs, the one that theirs means most often.
_REFINE_FIRST: dict[ForeignSet, dict[str, str]] = {
    "mobile_screens": {"TextButton": "button", "Toolbar": "navigation_bar", "List": "list", "Modal": "dialog", "Image": "image"},
    "vins": {"TextButton": "button", "Toolbar": "navigation_bar", "Icon": "icon", "Modal": "dialog", "Image": "image"},
    "clay": {"PICTOGRAM": "icon", "TOOLBAR": "navigation_bar", "IMAGE": "image", "LIST_ITEM": "list_item"},
}
# Theirs that name no kind of element (CLAY's CONTAINER is any group, ROOT the screen): never refined.
_NOT_AN_ELEMENT: dict[ForeignSet, frozenset[str]] = {
    "mobile_screens": frozenset(),
    "vins": frozenset(),
    "clay": frozenset({"ROOT", "BACKGROUND", "CONTAINER"}),
}
_ARIA_ALIASES = {
    "banner": "navigation_bar", "alertdialog": "dialog", "columnheader": "table_header", "rowheader": "table_header", "grid": "table",
    "treegrid": "table", "gridcell": "cell", "treeitem": "list_item", "option": "list_item", "menuitemcheckbox": "menu_item",
    "menuitemradio": "menu_item", "image": "image", "graphics-document": "chart", "graphics-symbol": "icon", "log": "list", "feed": "list",
    "directory": "list", "meter": "progress", "text": "text", "label": "text", "caption": "text",
}  # fmt: skip


def foreign_names(foreign: ForeignSet) -> tuple[str, ...]:
    """All class names of a foreign set, sorted."""
    ours = {getattr(c, foreign) for c in CLASSES} - {None}
    return tuple(sorted(ours | set(_REFINE_ONLY[foreign]) | _NOT_AN_ELEMENT[foreign]))


def coarsen(name: str, foreign: ForeignSet) -> str | None:
    """Our class name -> the foreign set's, or None where it has no such class. KeyError for a name that is not ours."""
    result: str | None = getattr(BY_NAME[name], foreign)
    return result


def refine(foreign_name: str, foreign: ForeignSet) -> str | None:
    """A foreign class name -> ours, or None where it names no kind of element. KeyError for an unknown name."""
    if foreign_name in _NOT_AN_ELEMENT[foreign]:
        return None
    for table in (_REFINE_ONLY[foreign], _REFINE_FIRST[foreign]):
        if foreign_name in table:
            return table[foreign_name]
    for c in CLASSES:
        if getattr(c, foreign) == foreign_name:
            return c.name
    raise KeyError(f"{foreign} has no class {foreign_name!r}; it has {', '.join(foreign_names(foreign))}")


def from_aria(role: str) -> str | None:
    """ARIA role -> our class name, or None for a role that says nothing about the look (`group`, `presentation` ...)."""
    for c in CLASSES:
        if c.aria == role:
            return c.name
    return _ARIA_ALIASES.get(role)


def to_aria(name: str) -> str | None:
    """Our class name -> ARIA role, or None where ARIA has no role for it alone."""
    return BY_NAME[name].aria
