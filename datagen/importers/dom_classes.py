"""DOM -> class: how the raw boxes of a page's DOM become elements of our taxonomy.

An entry bears a tag, a role, an input type, CSS class names, its own text and its box. The first rule that fits decides:

| what the entry is | class |
|---|---|
| role `button`, `checkbox`, `radio`, `switch`, `slider`, `spinbutton`, `textbox`, `searchbox`, `combobox`, `listbox`, `tab`, `tablist`, `menu`, `menuitem`, `menubar`, `dialog`, `alertdialog`, `alert`, `tooltip`, `progressbar`, `tree`, `treeitem`, `toolbar` | what the role says (`contracts.taxonomy.from_aria`); a button without text is an icon button |
| `input`: text, email, tel, url, number-like | text_field; `password` password_field; `search` search_field; `checkbox`; `radio`; `range` slider; `number` stepper; dates date_picker; `submit`, `button`, `reset`, `file`, `color` button; `image` icon_button; `hidden` nothing |
| `textarea`, `select`, `button`, `progress` and `meter`, `video`, `dialog` | text_area, combo_box, button or icon_button, progress, video_player, dialog |
| `a`, role `link` | button if its CSS class says `btn` or `button`, or it paints its own background around its own text; icon_button if it holds a pictogram alone; nothing if it holds a picture alone (the picture is one); else link |
| `h1`-`h6`, role `heading` | heading |
| CSS class `breadcrumb`, `pagination` as a word | that |
| `nav`, `header`, role `navigation`, `banner` | navigation_bar if it starts in the top fifth of the window, spans 60 % of its width and is flat (at most a quarter of its height); sidebar if it is a `nav` or `aside` at most 35 % wide and at least 40 % high; else nothing |
| CSS class `card`, `badge`, `avatar` as a word | that |
| `table` with a `th` inside | table, and inside it `tr` row, `th` table_header, `td` cell; other tables are layout: their cells count as text |
| `ul`, `ol` outside of bars | list, and their `li` list_item |
| `img`, `picture`, `svg`, `canvas` | image; icon if at most 32 px in both directions (`svg`: 48) |
| `i`, `span` without text whose CSS class says `icon`, `fa`, `glyphicon` | icon |
| anything else with text of its own | text |

`coarsen` folds those of our classes that a DOM cannot tell apart, so that both sides of a comparison are drawn from the same list.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from contracts.taxonomy import from_aria

Entry = Mapping[str, Any]

_ROLES = frozenset(
    "button checkbox radio switch slider spinbutton textbox searchbox combobox listbox tab tablist menu menuitem menubar dialog alertdialog alert tooltip "
    "progressbar tree treeitem toolbar".split()
)
_INPUTS = {
    "password": "password_field", "search": "search_field", "checkbox": "checkbox", "radio": "radio", "range": "slider", "number": "stepper",
    "date": "date_picker", "time": "date_picker", "datetime-local": "date_picker", "month": "date_picker", "week": "date_picker",
    "submit": "button", "button": "button", "reset": "button", "file": "button", "color": "button", "image": "icon_button",
}  # fmt: skip
_TAGS = {"textarea": "text_area", "select": "combo_box", "progress": "progress", "meter": "progress", "video": "video_player", "dialog": "dialog"}
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_PICTURES = {"img": 32, "picture": 32, "amp-img": 32, "canvas": 32, "svg": 48}
_BUTTON_WORD, _ICON_WORD = re.compile(r"\b(btn|button)"), re.compile(r"\b(icon|fa[srlb]?|glyphicon|material-icons)\b|\bicon-")
_WORDS = {name: re.compile(rf"(?<![\w-]){name}s?(?![\w-])") for name in ("breadcrumb", "pagination", "card", "badge", "avatar")}
# Pieces of a line of text: inside another text they are part of it.
INLINE = frozenset("span b strong i em u font small code cite abbr sup sub samp kbd mark time ins del q nobr label big tt var s".split())

LABELLED = (
    "text", "link", "heading", "button", "icon_button", "text_field", "password_field", "search_field", "text_area", "combo_box", "list_box",
    "checkbox", "radio", "switch", "slider", "stepper", "date_picker", "tab", "tab_bar", "menu", "menu_item", "menu_bar", "toolbar",
    "navigation_bar", "sidebar", "breadcrumb", "pagination", "table", "table_header", "row", "cell", "list", "list_item", "tree", "card",
    "dialog", "toast", "tooltip", "badge", "avatar", "icon", "image", "video_player", "progress",
)  # fmt: skip
_FOLDED = {"chip": "button", "chart": "image", "avatar": "image", "badge": "text", "video_player": "image", "card": None}


def coarsen(name: str) -> str | None:
    """Our class -> the one that the DOM mapping gives such a thing; None for what it cannot see (scroll bars, cards without a telling name ...)."""
    return _FOLDED.get(name, name if name in LABELLED else None)


def class_of(entry: Entry, *, width: int, height: int, has_text: bool, in_table: bool, in_bar: bool) -> str | None:
    """The class of an entry in a window of this size (CSS pixels), None for layout.

    `has_text`: it or what it holds bears text. `in_table`: it is, or lies in, a table of data. `in_bar`: it lies in a navigation.
    """
    tag, role, words = entry["t"], entry.get("r"), str(entry.get("c") or "").lower()
    if role in _ROLES:
        found = from_aria(str(role))
        return "icon_button" if found == "button" and not has_text else found
    if tag == "input":
        return None if entry.get("ty") == "hidden" else _INPUTS.get(str(entry.get("ty") or "text"), "text_field")
    if tag in _TAGS:
        return _TAGS[tag]
    if tag == "button":
        return "button" if has_text else "icon_button"
    if tag == "a" or role == "link":
        return _link(entry, words, has_text)
    if tag in _HEADINGS or role == "heading":
        return "heading" if has_text else None
    for name in ("breadcrumb", "pagination"):
        if _WORDS[name].search(words):
            return name
    if tag in ("nav", "header", "aside") or role in ("navigation", "banner", "complementary"):
        return _bar(entry, width, height)
    for name, word in _WORDS.items():
        if word.search(words):
            return name
    rules: dict[str, Callable[[], str | None]] = {
        "table": lambda: "table" if in_table else None, "tr": lambda: "row" if in_table else None,
        "th": lambda: "table_header" if in_table else "text", "td": lambda: "cell" if in_table else ("text" if entry.get("x") else None),
        "ul": lambda: None if in_bar else "list", "ol": lambda: None if in_bar else "list", "li": lambda: None if in_bar else "list_item",
    }  # fmt: skip
    if tag in rules:
        return rules[tag]()
    if tag in _PICTURES:
        return "icon" if max(entry["b"][2:]) <= _PICTURES[tag] else "image"
    if not entry.get("x"):
        return "icon" if tag in ("i", "span") and _ICON_WORD.search(words) else None
    return "text"


def _link(entry: Entry, words: str, has_text: bool) -> str | None:
    if _BUTTON_WORD.search(words) or (entry.get("bg") and entry.get("x")):
        return "button" if has_text else "icon_button"
    if has_text:
        return "link"
    small = max(entry["b"][2:]) <= 64
    return "icon_button" if small and (_ICON_WORD.search(words) or not entry.get("ch") or entry.get("al")) else None


def _bar(entry: Entry, width: int, height: int) -> str | None:
    _, y, w, h = entry["b"]
    if entry["t"] != "aside" and y < height / 5 and w >= 0.6 * width and h <= height / 4:
        return "navigation_bar"
    return "sidebar" if entry["t"] != "header" and w <= 0.35 * width and h >= 0.4 * height else None
