"""Referring expressions: instructions that mean exactly one element of a screen, for training and judging grounding.

Three parts. A `Description` says what an instruction says, in structure ("a button", "with the text Save", "in the dialog"). A `Resolver` interprets a
description against a whole screen and is deliberately generous: whatever a person *might* take it for counts. `expressions` proposes descriptions of
each element, keeps those that the resolver can only take for this element, and words them in English or in the screen's own language.

Every test has two grades: *clear* (nobody would doubt it) and *possible* (somebody might). An expression is kept if its element is clear and nothing
elsewhere on the screen is even possible; the distance between the two grades is the margin.

The kinds of descriptions follow the referring expressions of RefExp / UIBert (Bai et al., 2021) and the instructions of ScreenSpot (Cheng et al., 2024).
"""

import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any, Literal, NamedTuple

from contracts.annotation import Element, Expression, ExpressionKind, Screen, State
from contracts.taxonomy import BY_NAME

TERMS = Path(__file__).with_name("expressions_terms.json")

Axis = Literal["top", "bottom", "left", "right"]
Relation = Literal["right_of", "left_of", "above", "below", "in"]
Region = Literal["top_left", "top_right", "bottom_left", "bottom_right"]
Ids = frozenset[int]

REGIONS: tuple[Region, ...] = ("top_left", "top_right", "bottom_left", "bottom_right")

KINDS: tuple[ExpressionKind, ...] = ("text", "role", "position", "relation", "icon", "function", "state")
# Less of an element than this and nobody should be sent to it; less of a text and nobody can read it.
MIN_VISIBLE = 0.5
MIN_READABLE = 0.8
MAX_QUOTE = 40
MAX_ORDINAL = 6
# Lengths in CSS pixels (times `device_scale` on the image).
TOUCHING = 1.0
STEP = 16.0
FAR_BELOW = 160.0
# Corners as shares of the frame (width, height): who stands within CORNER is clearly in it, who stands within AROUND possibly.
CORNER = (0.2, 0.15)
AROUND = (0.42, 0.4)

_FIELDS = ("text_field", "password_field", "search_field", "text_area", "combo_box", "list_box", "date_picker", "stepper")
# Noun -> (classes it clearly means, further classes that some people would call so).
NOUNS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "button": (("button", "icon_button"), ("chip", "tab", "link", "menu_item", "combo_box", "radio")),
    "icon": (("icon_button", "icon"), ("avatar", "badge", "image")),
    "link": (("link",), ("button", "tab", "menu_item")),
    "field": (_FIELDS, ()),
    "text_field": (("text_field",), _FIELDS),
    "password_field": (("password_field",), ()),
    "search_field": (("search_field",), ()),
    "text_area": (("text_area",), ()),
    "combo_box": (("combo_box",), ("list_box", "date_picker")),
    "list_box": (("list_box",), ("combo_box", "list", "menu", "tree")),
    "date_picker": (("date_picker",), ()),
    "stepper": (("stepper",), ()),
    "checkbox": (("checkbox",), ("switch",)),
    "radio": (("radio",), ("checkbox", "chip")),
    "switch": (("switch",), ("checkbox",)),
    "slider": (("slider",), ("progress",)),
    "scroll_bar": (("scroll_bar",), ("slider",)),
    "tab": (("tab",), ("chip",)),
    "chip": (("chip",), ("badge",)),
    "menu_item": (("menu_item",), ("list_item",)),
    "item": (("list_item",), ("row", "menu_item", "card")),
    "row": (("row",), ("list_item",)),
    "card": (("card",), ("dialog", "toast")),
    "dialog": (("dialog",), ()),
    "menu": (("menu",), ()),
    "sidebar": (("sidebar",), ()),
    "toolbar": (("toolbar",), ("navigation_bar", "menu_bar", "title_bar")),
    "navigation_bar": (("navigation_bar",), ("toolbar", "title_bar", "menu_bar")),
    "bottom_navigation": (("bottom_navigation",), ("status_bar",)),
    "list": (("list",), ("list_box", "tree", "table", "menu")),
    "table": (("table",), ("list",)),
    "toast": (("toast",), ("dialog", "tooltip")),
    "pagination": (("pagination",), ()),
    "breadcrumb": (("breadcrumb",), ()),
    "tab_bar": (("tab_bar",), ("bottom_navigation",)),
    "menu_bar": (("menu_bar",), ("navigation_bar", "toolbar")),
    "title_bar": (("title_bar",), ("navigation_bar",)),
    "tree": (("tree",), ("list",)),
}  # fmt: skip
_ROLE_NOUNS = {
    "button": "button", "link": "link", "textbox": "field", "searchbox": "search_field", "combobox": "combo_box", "spinbutton": "stepper",
    "checkbox": "checkbox", "menuitemcheckbox": "checkbox", "radio": "radio", "menuitemradio": "radio", "switch": "switch", "slider": "slider",
    "tab": "tab", "menuitem": "menu_item", "option": "item", "treeitem": "item", "listitem": "item", "row": "row", "dialog": "dialog",
    "alertdialog": "dialog", "menu": "menu",
}  # fmt: skip
# What an element is called, by class; the first noun is the most exact.
CALLED: dict[str, tuple[str, ...]] = {
    "button": ("button",), "icon_button": ("button", "icon"), "link": ("link",), "text_field": ("text_field", "field"),
    "password_field": ("password_field", "field"), "search_field": ("search_field", "field"), "text_area": ("text_area", "field"),
    "combo_box": ("combo_box", "field"), "list_box": ("list_box",), "date_picker": ("date_picker", "field"), "stepper": ("stepper", "field"),
    "checkbox": ("checkbox",), "radio": ("radio",), "switch": ("switch",), "slider": ("slider",), "scroll_bar": ("scroll_bar",), "tab": ("tab",),
    "chip": ("chip",), "menu_item": ("menu_item",), "list_item": ("item",), "row": ("row",),
}  # fmt: skip
# Nouns of things that are known by any text inside them.
_HOLDERS = ("item", "row", "card", "dialog", "toast")
# Containers that an element can be said to stand in: those known by a text inside them, then those of which a screen usually has one.
_TITLED = {"row": "row", "list_item": "item", "card": "card", "dialog": "dialog"}
_PLAIN = frozenset({
    "dialog", "menu", "sidebar", "toolbar", "navigation_bar", "bottom_navigation", "list", "table", "toast", "pagination", "breadcrumb", "tab_bar",
    "menu_bar", "title_bar", "tree",
})  # fmt: skip
_SURFACES = _PLAIN - {"list", "table", "tree", "pagination", "breadcrumb", "tab_bar"} | {"card", "status_bar", "tooltip"}
# States that look like one another.
_SAME_LOOK: dict[State, frozenset[State]] = {}
for _looks in (
    frozenset[State]({"selected", "checked", "pressed", "current", "expanded", "mixed", "hovered"}),
    frozenset[State]({"focused", "hovered", "invalid"}),
    frozenset[State]({"disabled", "readonly", "busy"}),
):
    for _state in _looks:
        _SAME_LOOK[_state] = _SAME_LOOK.get(_state, frozenset()) | _looks
_SPOKEN_STATES: tuple[State, ...] = (
    "disabled", "selected", "focused", "invalid", "checked", "pressed", "expanded", "current", "mixed", "readonly",
)  # fmt: skip
_TEXTUAL = ("text", "heading", "link", "cell", "table_header")
_COMMANDS = ("button", "icon_button", "link", "tab", "menu_item", "chip", "list_item", "search_field")


class Description(NamedTuple):
    """What an instruction says of the element it means; each part that is given must hold.

    `noun` is a key of NOUNS. `text` is text on the element, or the label it is known by; with `seen`, text that is painted there.
    `icon` and `function` are keys of the terms file. `ordinal` is (n, axis): the n-th from that side, n from 1, of all that fits the rest.
    `region` is a corner of the screen, or of the container named by `relation` "in". `relation` holds between the element and `anchor`.
    """

    noun: str | None = None
    text: str | None = None
    seen: bool = False
    icon: str | None = None
    function: str | None = None
    state: State | None = None
    ordinal: tuple[int, Axis] | None = None
    region: Region | None = None
    relation: Relation | None = None
    anchor: "Description | None" = None


class Match(NamedTuple):
    """Element ids that clearly fit a description, and all that possibly do."""

    clear: Ids
    possible: Ids


_NOTHING = Match(frozenset(), frozenset())


# ---- words ---------------------------------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1 << 16)
def plain(text: str) -> str:
    """What is left of a text when case, punctuation, spaces and width are ignored; signs alone stay as they are."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in folded if unicodedata.category(c)[0] in "LNM") or "".join(folded.split())


def _forms(text: str) -> Iterator[str]:
    """The plain text, and the same without the digits after it: "Inbox 12" is Inbox to some."""
    whole = plain(text)
    if whole:
        yield whole
        short = whole.rstrip("0123456789")
        if short and short != whole:
            yield short


@cache
def _terms() -> dict[str, Any]:
    terms: dict[str, Any] = json.loads(TERMS.read_text(encoding="utf-8"))
    return terms


def languages() -> tuple[str, ...]:
    """The languages that instructions can be worded in."""
    return tuple(_terms()["languages"])


def language_of(locale: str) -> str | None:
    """The language of a locale code (`de`, `pt_BR`, `zh-CN`), or None if there are no phrases in it. Traditional Chinese has none."""
    first, *rest = re.split("[-_]", locale)
    if first == "zh" and {part.lower() for part in rest} & {"tw", "hk", "hant"}:
        return None
    return first if first in _terms()["languages"] else None


@cache
def _icon_groups() -> tuple[dict[str, str], dict[str, frozenset[str]]]:
    """Concept -> the picture it is drawn as, and picture -> pictures that are taken for it."""
    icons = _terms()["icons"]
    picture = {concept: name for name, entry in icons.items() for concept in (name, name.replace(" ", "-"), *entry.get("also", ()))}
    near: dict[str, set[str]] = defaultdict(set)
    for name, entry in icons.items():
        for other in entry.get("near", ()):
            other = picture.get(other, other.replace("-", " "))
            near[name].add(other)
            near[other].add(name)
    for one, other in _terms()["alike"]:
        near[one].add(other)
        near[other].add(one)
    return picture, {name: frozenset(others) for name, others in near.items()}


@lru_cache(maxsize=4096)
def icon_name(concept: str) -> str:
    """The picture that a pictogram's concept is drawn as: `delete` and `trash-fill` -> `trash`; the words of the concept if it is not in the terms."""
    pictures, _ = _icon_groups()
    if concept in pictures:
        return pictures[concept]
    bare = re.sub(r"(-(fill|filled|outline|lg|sm|alt)|(?<=[a-z])\d+)+$", "", concept)
    return pictures.get(bare, bare.replace("-", " ").replace("_", " "))


@lru_cache(maxsize=4096)
def _taken_for(one: str, other: str) -> bool:
    """Whether somebody may call the picture `other` by the name `one`. Pictures that are not in the terms are alike if they share a first word."""
    _, near = _icon_groups()
    return one == other or other in near.get(one, ()) or one.split(" ")[0] == other.split(" ")[0]


@cache
def _commands(language: str) -> tuple[dict[str, str], dict[str, str]]:
    """Words -> function and picture -> function, in this language and English."""
    spoken = [_terms()["languages"][code]["functions"] for code in dict.fromkeys((language, "en"))]
    exact = {plain(word): name for functions in reversed(spoken) for name, entry in functions.items() for word in entry["words"]}
    pictures = {icon: name for name, entry in spoken[-1].items() for icon in entry.get("icons", ())}
    return exact, pictures


@lru_cache(maxsize=1 << 14)
def _named_functions(text: str, language: str) -> frozenset[str]:
    """The functions whose words occur in a plain text."""
    words, _ = _commands(language)
    return frozenset(function for word, function in words.items() if word in text)


@lru_cache(maxsize=4096)
def _pictured_functions(icon: str, language: str) -> frozenset[str]:
    """The functions that somebody may take a picture for."""
    _, pictures = _commands(language)
    return frozenset(function for picture, function in pictures.items() if _taken_for(picture, icon))


# ---- the resolver ----------------------------------------------------------------------------------------------------------------------------


class Resolver:
    """Interprets descriptions against one screen."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self.language = language_of(screen.locale) or "en"
        self.elements: dict[int, Element] = {element.id: element for element in screen.elements}
        self.box = {element.id: element.box.xyxy for element in screen.elements}
        self._matches: dict[Description, Match] = {}
        self._orders: dict[tuple[Description, str], tuple[int, ...]] = {}
        self._climb()
        self._read()
        self._name()

    # ---- what is asked -----------------------------------------------------------------------------------------------------------------------

    def match(self, description: Description) -> Match:
        """All that clearly and all that possibly fits."""
        found = self._matches.get(description)
        if found is None:
            found = self._matches[description] = self._match(description)
        return found

    def means(self, description: Description, target: int) -> bool:
        """Whether the description can only be taken for `target`, or for its own content or wrapping, which is the same place."""
        match = self.match(description)
        inside = self.inside[target]
        if not (target in match.clear or match.clear & inside):
            return False
        for candidate in match.possible:
            if candidate == target:
                continue
            if candidate in inside:
                if self.is_target(candidate):
                    return False
            elif not self._wraps(candidate, target):
                return False
        return True

    def is_target(self, element: int) -> bool:
        """Whether instructions may send somebody to this element itself: a control, or an item or row."""
        return self.elements[element].class_name in CALLED

    # ---- what is known of a screen -----------------------------------------------------------------------------------------------------------

    def _climb(self) -> None:
        parents = {e.id: e.parent for e in self.screen.elements}
        self.above: dict[int, tuple[int, ...]] = {}
        below: dict[int, list[int]] = {e.id: [] for e in self.screen.elements}
        for element in parents:
            chain: list[int] = []
            at = parents[element]
            while at is not None and at not in chain:
                chain.append(at)
                below[at].append(element)
                at = parents[at]
            self.above[element] = tuple(chain)
        self.inside: dict[int, Ids] = {element: frozenset(ids) for element, ids in below.items()}
        self._below = below

    def _read(self) -> None:
        """Which texts stand where. `label` is what is painted on an element or, if nothing is, the first text inside it."""
        self.whole: dict[int, str] = {}
        self.label: dict[int, str] = {}
        self._known: dict[str, set[int]] = defaultdict(set)
        self._seen: dict[str, set[int]] = defaultdict(set)
        self._holding: dict[str, set[int]] = defaultdict(set)
        for element in self.screen.elements:
            parts = [element] if element.text else []
            parts += [self.elements[i] for i in sorted(self._below[element.id]) if self.elements[i].text]
            whole = " ".join(part.text for part in parts)
            self.whole[element.id] = plain(whole)
            self.label[element.id] = next((part.text for part in parts if part.class_name != "badge" and part.visible_fraction >= MIN_READABLE), "")
            seen = {element.text, whole}
            if len(parts) > 1:
                seen.add(" ".join(part.text for part in parts if part.class_name != "badge"))
            keys = {form for text in seen for form in _forms(text)}
            for form in keys:
                self._seen[form].add(element.id)
            for form in keys.union(_forms(element.name)):
                self._known[form].add(element.id)
                self._holding[form].add(element.id)
                self._holding[form].update(self.above[element.id])

    def _name(self) -> None:
        """Which element is called what, shows which picture, does which thing."""
        by_class: dict[str, set[int]] = defaultdict(set)
        by_role: dict[str, set[int]] = defaultdict(set)
        self._pictures: dict[str, set[int]] = defaultdict(set)
        self._unnamed: set[int] = set()
        self._states: dict[State, set[int]] = defaultdict(set)
        self._does: dict[str, set[int]] = defaultdict(set)
        self._may_do: dict[str, set[int]] = defaultdict(set)
        self.does: dict[int, str] = {}
        for element in self.screen.elements:
            by_class[element.class_name].add(element.id)
            if element.role in _ROLE_NOUNS:
                by_role[_ROLE_NOUNS[element.role]].add(element.id)
            for state in element.states:
                self._states[state].add(element.id)
            if element.icon:
                self._pictures[icon_name(element.icon)].add(element.id)
            elif element.class_name == "icon" or (
                element.class_name == "icon_button" and not any(self.elements[i].class_name == "icon" for i in self.inside[element.id])
            ):
                self._unnamed.add(element.id)
            if element.class_name in _COMMANDS:
                self._note_function(element)
        self._nouns: dict[str, Match] = {}
        for noun, (clear, further) in NOUNS.items():
            sure = frozenset().union(*(by_class[name] for name in clear if name in by_class))
            also = frozenset().union(*(by_class[name] for name in further if name in by_class))
            self._nouns[noun] = Match(sure, sure | also | by_role[noun])
        # A plain field labelled "Date of birth" is a date field to some.
        plain_fields = by_class["text_field"] | by_class["combo_box"]
        for noun, words in _terms()["field_words"].items():
            called = {i for i in plain_fields if any(plain(word) in plain(self.elements[i].name + self.elements[i].text) for word in words)}
            self._nouns[noun] = Match(self._nouns[noun].clear, self._nouns[noun].possible | called)

    def _note_function(self, element: Element) -> None:
        words, pictures = _commands(self.language)
        texts = {self.whole[element.id], plain(element.name)}
        if not any(map(self.is_target, self.inside[element.id])):
            texts.add(plain(self.label[element.id]))
        texts.discard("")
        icons = {icon_name(self.elements[i].icon) for i in (element.id, *self._below[element.id]) if self.elements[i].icon}
        sure = {words[text] for text in texts if text in words}
        if element.class_name == "search_field":
            sure = {"search"}
        elif not self.whole[element.id]:
            sure |= {pictures[icon] for icon in icons if icon in pictures}
        # Two readings (the word says one thing, the picture another) leave none that is sure.
        if len(sure) == 1:
            (self.does[element.id],) = sure
            self._does[self.does[element.id]].add(element.id)
        if element.id in self._unnamed and not texts:
            possible = set(pictures.values())
        else:
            possible = sure.union(
                *(_named_functions(text, self.language) for text in texts), *(_pictured_functions(icon, self.language) for icon in icons)
            )
        for function in possible:
            self._may_do[function].add(element.id)

    def _wraps(self, outer: int, target: int) -> bool:
        """Whether `outer` is nothing but the wrapping of `target`: around it in tree and picture, with the same text, and no target itself."""
        if outer not in self.above[target] or self.is_target(outer) or self.whole[outer] != self.whole[target]:
            return False
        x1, y1, x2, y2 = self.box[outer]
        a1, b1, a2, b2 = self.box[target]
        return x1 <= (a1 + a2) / 2 <= x2 and y1 <= (b1 + b2) / 2 <= y2

    # ---- matching ----------------------------------------------------------------------------------------------------------------------------

    def _match(self, d: Description) -> Match:
        if d.ordinal:
            return self._nth(d)
        parts: list[Match] = []
        if d.noun:
            parts.append(self._nouns[d.noun])
        if d.text is not None:
            texts = self._seen if d.seen else self._holding if d.noun in _HOLDERS else self._known
            ids = frozenset(texts.get(plain(d.text), ()))
            parts.append(Match(ids, ids))
        if d.icon:
            alike = [ids for name, ids in self._pictures.items() if _taken_for(d.icon, name)]
            parts.append(Match(frozenset(self._pictures.get(d.icon, ())), frozenset().union(self._unnamed, *alike)))
        if d.function:
            parts.append(Match(frozenset(self._does[d.function]), frozenset(self._may_do[d.function])))
        if d.state:
            alike = [self._states[state] for state in _SAME_LOOK.get(d.state, {d.state}) if state in self._states]
            parts.append(Match(frozenset(self._states.get(d.state, ())), frozenset().union(*alike)))
        clear = frozenset.intersection(*(part.clear for part in parts))
        possible = frozenset.intersection(*(part.possible for part in parts))
        if not clear:
            return Match(clear, possible)
        if d.relation == "in":
            clear, possible = self._contained(clear, possible, d)
        elif d.relation:
            clear, possible = self._beside(clear, possible, d)
        if d.region and clear:
            clear, possible = self._cornered(clear, possible, d)
        return Match(clear, possible)

    def _contained(self, clear: Ids, possible: Ids, d: Description) -> tuple[Ids, Ids]:
        assert d.anchor
        found = self.match(d.anchor)
        if not found.clear:
            return frozenset(), possible
        # Whoever stands in one of several containers that could be meant is possible; clear is only who stands in all of them.
        return (
            frozenset(i for i in clear if found.possible.issubset(self.above[i])),
            frozenset(i for i in possible if any(c != i and (c in self.above[i] or self._over(c, i)) for c in found.possible)),
        )

    def _over(self, container: int, element: int) -> bool:
        x1, y1, x2, y2 = self.box[container]
        a1, b1, a2, b2 = self.box[element]
        return x1 <= (a1 + a2) / 2 <= x2 and y1 <= (b1 + b2) / 2 <= y2 and container not in self.inside[element]

    def _place(self, match: Match) -> int | None:
        """The smallest element of the one place that a description means; None if it could mean several."""
        if not match.clear:
            return None
        smallest = min(match.possible, key=lambda i: (self.elements[i].box.area, -i))
        if smallest not in match.clear or any(i != smallest and i not in self.above[smallest] for i in match.possible):
            return None
        return smallest

    def _beside(self, clear: Ids, possible: Ids, d: Description) -> tuple[Ids, Ids]:
        """The nearest on that side of the anchor, with all that stand not clearly farther."""
        assert d.anchor and d.relation and d.relation != "in"
        anchor = self._place(self.match(d.anchor))
        if anchor is None or self.elements[anchor].visible_fraction < MIN_READABLE:
            return frozenset(), possible
        family = {anchor, *self.above[anchor], *self.inside[anchor]}
        gaps = {i: gap for i in possible if i not in family and (gap := self._gap(i, anchor, d.relation)) is not None}
        if not gaps:
            return frozenset(), frozenset()
        reach = 2 * min(gaps.values()) + 3 * STEP * self.screen.device_scale
        near = frozenset(i for i, gap in gaps.items() if gap <= reach)
        return frozenset(i for i in near & clear if self.clearly(i, anchor, d.relation)), near

    def _turned(self, element: int, relation: Relation) -> tuple[float, float, float, float]:
        """The box, mirrored and swapped so that `relation` becomes "to the right of"."""
        x1, y1, x2, y2 = self.box[element]
        if relation == "right_of":
            return x1, y1, x2, y2
        if relation == "left_of":
            return -x2, y1, -x1, y2
        return (y1, x1, y2, x2) if relation == "below" else (-y2, x1, -y1, x2)

    def _gap(self, element: int, anchor: int, relation: Relation) -> float | None:
        """Pixels between the two if `element` may be said to stand on that side of `anchor`, else None."""
        x1, y1, x2, y2 = self._turned(element, relation)
        a1, b1, a2, b2 = self._turned(anchor, relation)
        return max(0.0, x1 - a2) if x1 + x2 > a1 + a2 and y1 < b2 and y2 > b1 else None

    def clearly(self, element: int, anchor: int, relation: Relation) -> bool:
        """Whether `element` stands wholly on that side of `anchor`, level with it and not far off."""
        x1, y1, _, y2 = self._turned(element, relation)
        _, b1, a2, b2 = self._turned(anchor, relation)
        scale = self.screen.device_scale
        if x1 < a2 - TOUCHING * scale or min(y2, b2) - max(y1, b1) < 0.5 * min(y2 - y1, b2 - b1):
            return False
        return x1 - a2 <= (FAR_BELOW * scale if relation in ("above", "below") else 0.6 * self.screen.width)

    def _cornered(self, clear: Ids, possible: Ids, d: Description) -> tuple[Ids, Ids]:
        frame = (0.0, 0.0, float(self.screen.width), float(self.screen.height))
        if d.relation == "in" and d.anchor:
            holder = self._place(self.match(d.anchor))
            if holder is None:
                return frozenset(), possible
            frame = self.box[holder]
        width, height = frame[2] - frame[0], frame[3] - frame[1]

        def off(element: int) -> tuple[float, float]:
            x1, y1, x2, y2 = self.box[element]
            x, y = ((x1 + x2) / 2 - frame[0]) / width, ((y1 + y2) / 2 - frame[1]) / height
            return (1 - x if "right" in d.region else x, 1 - y if "bottom" in d.region else y)  # type: ignore[operator]

        offs = {i: off(i) for i in possible}
        return (
            frozenset(i for i in clear if offs[i][0] <= CORNER[0] and offs[i][1] <= CORNER[1]),
            frozenset(i for i in possible if offs[i][0] <= AROUND[0] and offs[i][1] <= AROUND[1]),
        )

    # ---- order -------------------------------------------------------------------------------------------------------------------------------

    def order(self, d: Description, axis: Axis) -> tuple[int, ...]:
        """All that fits, counted from that side, if there are 2 to 6 in a clear order (one ends before the next begins); else nothing."""
        key = (d, "across" if axis in ("left", "right") else "down")
        found = self._orders.get(key)
        if found is None:
            found = self._orders[key] = self._ordered(d, axis)
        return found[::-1] if axis in ("bottom", "right") else found

    def _ordered(self, d: Description, axis: Axis) -> tuple[int, ...]:
        match = self.match(d)
        # What a page scrolls or crops leaves slivers that have no label but can be counted.
        if self.screen.state in ("scrolled", "cropped") or any(self.elements[i].visible_fraction < MIN_READABLE for i in match.possible):
            return ()
        pool = [i for i in match.possible if self.is_target(i) or not any(above in match.possible for above in self.above[i])]
        if not 2 <= len(pool) <= MAX_ORDINAL or not match.clear.issuperset(pool):
            return ()
        side = 0 if axis in ("left", "right") else 1
        pool.sort(key=lambda i: self.box[i][side])
        margin = TOUCHING * self.screen.device_scale
        return tuple(pool) if all(self.box[a][side + 2] <= self.box[b][side] + margin for a, b in pairwise(pool)) else ()

    def _nth(self, d: Description) -> Match:
        assert d.ordinal
        nth, axis = d.ordinal
        order = self.order(d._replace(ordinal=None), axis)
        if nth > len(order) or (axis == "bottom" and not self._ends(order[0])):
            return _NOTHING
        one = frozenset({order[nth - 1]})
        return Match(one, one)

    def _ends(self, lowest: int) -> bool:
        """Whether nothing more can follow below: there would be room for another one before the picture ends."""
        _, y1, _, y2 = self.box[lowest]
        return y2 + (y2 - y1) <= self.screen.height


def candidates(screen: Screen, description: Description) -> set[int]:
    """Ids of all elements that somebody may take the description for."""
    return set(Resolver(screen).match(description).possible)


# ---- proposals -------------------------------------------------------------------------------------------------------------------------------


def _quotable(text: str) -> bool:
    return 0 < len(text) <= MAX_QUOTE and "\n" not in text and not set(text) & set("“”„«»「」")


class _Describer:
    """Proposes descriptions of a screen's elements, kind by kind. They need not be unambiguous."""

    def __init__(self, resolver: Resolver) -> None:
        self.at = resolver
        screen = resolver.screen
        self.signs = [
            e for e in screen.elements
            if e.text and e.class_name in (*_TEXTUAL, *CALLED) and e.visible_fraction >= MIN_READABLE and _quotable(e.text) and len(plain(e.text)) > 1
        ]  # fmt: skip
        self._panes = {sign.id: self._pane(sign.id) for sign in self.signs}
        fronts = [e.id for e in screen.elements if e.class_name == "dialog" or (screen.state == "drawer" and e.class_name == "sidebar")]
        self._holders: dict[int, list[Description]] = {}
        self.targets = [e for e in screen.elements if e.visible_fraction >= MIN_VISIBLE and self._aimable(e, fronts)]

    def _aimable(self, element: Element, fronts: list[int]) -> bool:
        if element.class_name not in CALLED:
            return False
        if BY_NAME[element.class_name].interactable:
            return element.interactable or "disabled" in element.states
        # Items and rows carry no word on whether they can be reached; what lies under a dialog or beside an open drawer cannot.
        return "disabled" not in element.states and (not fronts or any(front in self.at.above[element.id] for front in fronts))

    def of_kind(self, kind: ExpressionKind, e: Element, rng: Random) -> Iterator[Description]:
        nouns = CALLED[e.class_name]
        yield from getattr(self, f"_{kind}")(e, nouns, rng)

    def _painted(self, e: Element) -> str:
        """The text to quote for an element that shows one; fields and marks show none of their own."""
        label = self.at.label[e.id]
        return label if _quotable(label) and NOUNS["field"][0].count(e.class_name) == 0 else ""

    def _given(self, e: Element) -> str:
        """The label beside a field or mark, if it can be read somewhere on the screen; else what stands in the field."""
        if _quotable(e.name) and any(i != e.id for i in self.at._seen.get(plain(e.name), ())):
            return e.name
        return e.text if _quotable(e.text) and e.class_name != "text_area" else ""

    def _texts(self, e: Element) -> tuple[str, ...]:
        return tuple(dict.fromkeys(text for text in (self._painted(e) or self._given(e),) if text))

    def _text(self, e: Element, nouns: tuple[str, ...], rng: Random) -> Iterator[Description]:
        if painted := self._painted(e):
            yield Description(text=painted)

    def _role(self, e: Element, nouns: tuple[str, ...], rng: Random) -> Iterator[Description]:
        for noun in rng.sample(nouns, len(nouns)):
            for text in self._texts(e):
                yield Description(noun=noun, text=text)
        yield from (Description(noun=noun) for noun in nouns if noun != "button")

    def _position(self, e: Element, nouns: tuple[str, ...], rng: Random) -> Iterator[Description]:
        frames: list[Description] = [Description(noun=noun) for noun in nouns]
        frames += [Description(noun=nouns[0], relation="in", anchor=anchor) for anchor in self._containers(e)]
        rng.shuffle(frames)
        for frame in frames:
            axes: list[Axis] = ["top", "left", "right", "bottom"]
            for axis in axes:
                order = self.at.order(frame, axis)
                if e.id in order:
                    yield frame._replace(ordinal=(order.index(e.id) + 1, axis))
            if frame.relation is None or (frame.anchor and frame.anchor.noun == "dialog"):
                yield from (frame._replace(region=corner) for corner in REGIONS)

    def _relation(self, e: Element, nouns: tuple[str, ...], rng: Random) -> Iterator[Description]:
        cores = [Description(noun=noun) for noun in nouns[:2]]
        cores += [Description(noun=nouns[0], text=text) for text in self._texts(e)]
        if e.class_name == "icon_button" and e.icon:
            cores.append(Description(icon=icon_name(e.icon)))
        ways: list[tuple[Relation, Description]] = [("in", anchor) for anchor in self._containers(e)]
        # Beside a sign is how people say it where there is no container; both are wanted.
        ways += self._neighbours(e)
        rng.shuffle(ways)
        for relation, anchor in ways:
            usable = cores if relation == "in" else [core for core in cores if core.text is None]
            for core in rng.sample(usable, len(usable)):
                yield core._replace(relation=relation, anchor=anchor)

    def _icon(self, e: Element, nouns: tuple[str, ...], rng: Random) -> Iterator[Description]:
        if e.class_name in ("list_item", "row") or self.at.whole[e.id]:
            return
        for part in (e.id, *sorted(self.at.inside[e.id])):
            if self.at.elements[part].icon:
                yield Description(icon=icon_name(self.at.elements[part].icon))

    def _function(self, e: Element, nouns: tuple[str, ...], rng: Random) -> Iterator[Description]:
        if e.id in self.at.does:
            yield Description(function=self.at.does[e.id])
        if (
            e.class_name == "icon_button"
            and not self.at.whole[e.id]
            and _quotable(e.name)
            and plain(e.name) not in (plain(e.icon), plain(icon_name(e.icon)))
        ):
            yield Description(noun="button", text=e.name)

    def _state(self, e: Element, nouns: tuple[str, ...], rng: Random) -> Iterator[Description]:
        for state in _SPOKEN_STATES:
            if state in e.states:
                yield from (Description(noun=noun, state=state) for noun in nouns)
                yield from (Description(noun=nouns[0], state=state, relation="in", anchor=anchor) for anchor in self._containers(e))

    def _containers(self, e: Element) -> list[Description]:
        """What the element can be said to stand in, the nearest first."""
        found = self._holders.get(e.id)
        if found is None:
            found = self._holders[e.id] = []
            for above in self.at.above[e.id]:
                name = self.at.elements[above].class_name
                if name in _TITLED:
                    signs = self.at.inside[above] - self.at.inside[e.id] - {e.id}
                    titles = [sign for sign in self.signs if sign.id in signs]
                    heads = [sign for sign in titles if sign.class_name == "heading"] or titles
                    found += [Description(noun=_TITLED[name], text=sign.text) for sign in heads[:2]]
                if name in _PLAIN:
                    found.append(Description(noun=name))
        return found

    def _pane(self, element: int) -> int | None:
        """The nearest surface around an element. People say "to the right of" within one, not from one into the next."""
        return next((above for above in self.at.above[element] if self.at.elements[above].class_name in _SURFACES), None)

    def _neighbours(self, e: Element) -> list[tuple[Relation, Description]]:
        """The nearest sign on each side."""
        found: list[tuple[Relation, Description]] = []
        inside, above = self.at.inside[e.id], self.at.above[e.id]
        near: dict[Relation, tuple[float, Element]] = {}
        pane = self._pane(e.id)
        x1, y1, x2, y2 = self.at.box[e.id]
        side: Relation
        for sign in self.signs:
            if sign.id == e.id or sign.id in inside or sign.id in above:
                continue
            a1, b1, a2, b2 = self.at.box[sign.id]
            if y1 < b2 and y2 > b1:
                side = "right_of" if x1 + x2 > a1 + a2 else "left_of"
            elif x1 < a2 and x2 > a1:
                side = "below" if y1 + y2 > b1 + b2 else "above"
            else:
                continue
            gap = max(a1 - x2, x1 - a2, b1 - y2, y1 - b2)
            if (side not in near or gap < near[side][0]) and self.at.clearly(e.id, sign.id, side) and self._panes[sign.id] == pane:
                near[side] = gap, sign
        for side, (_, sign) in near.items():
            if sign.class_name in NOUNS["field"][0]:
                # What is typed in a field is a poor name for it.
                if given := self._given(sign):
                    found.append((side, Description(noun="field", text=given)))
            else:
                found.append((side, Description(text=sign.text, seen=True)))
        return found


# ---- wording -----------------------------------------------------------------------------------------------------------------------------------


class _Phrasebook:
    """Puts descriptions into one language; None where it has no words for one."""

    def __init__(self, language: str) -> None:
        self.words: dict[str, Any] = _terms()["languages"][language]
        self.english = language == "en"

    def sentence(self, d: Description, target: Element, platform: str, rng: Random) -> str | None:
        if d.function:
            says = self.words["functions"].get(d.function)
            return str(rng.choice(says["say"])) if says else None
        x = self._thing(d, rng)
        if x is None:
            return None
        if "disabled" in target.states:
            act = "find"
        elif target.class_name in NOUNS["field"][0] and rng.random() < 0.5:
            act = "fill"
        else:
            act = "tap" if platform == "mobile" else "click"
        text: str = rng.choice(self.words[act]).format(x=x)
        return re.sub(r"\s+", " ", text).strip()

    def quoted(self, text: str) -> str:
        opening, closing = self.words["quotes"]
        space = self.words.get("quote_space", "")
        return f"{opening}{space}{text}{space}{closing}"

    def _thing(self, d: Description, rng: Random) -> str | None:
        x = self._core(d, rng)
        if x is not None and d.region:
            x = rng.choice(self.words["region"][d.region]).format(x=x)
        if x is not None and d.relation:
            x = self._related(x, d, rng)
        return x

    def _core(self, d: Description, rng: Random) -> str | None:
        if d.icon:
            name = d.icon if self.english else self.words["icon_names"].get(d.icon)
            return str(rng.choice(self.words["icon"])).format(c=name) if name else None
        if d.noun is None:
            return str(rng.choice(self.words["text"])).format(q=self.quoted(d.text or ""))
        nouns = self.words["nouns"].get(d.noun)
        if nouns is None:
            return None
        noun = rng.choice(nouns)
        if d.state:
            return self._stated(d.state, d.noun, noun)
        if d.ordinal:
            return self._counted(d.ordinal, noun, d.noun, rng)
        if d.text is not None:
            return str(rng.choice(self.words["named"])).format(n=noun, q=self.quoted(d.text))
        return str(rng.choice(self.words["bare"])).format(n=noun)

    def _stated(self, state: State, kind: str, noun: str) -> str | None:
        states: dict[str, str] = self.words["states"]
        if self.english:
            return states[state].format(n=noun) if state in states else None
        return states.get(f"{state} {'field' if kind in NOUNS['field'][0] else kind}")

    def _counted(self, ordinal: tuple[int, Axis], noun: str, kind: str, rng: Random) -> str:
        nth, axis = ordinal
        forms = self.words["ordinal"]["last" if axis == "bottom" and nth == 1 else axis]
        ordinals = self.words.get("ordinals")
        return str(rng.choice(forms)).format(n=noun, i=nth, o=ordinals[nth - 1] if ordinals else nth)

    def _related(self, x: str, d: Description, rng: Random) -> str | None:
        assert d.anchor and d.relation
        if d.relation == "in":
            if d.anchor.text is None:
                forms = self.words["within"].get(d.anchor.noun)
                return str(rng.choice(forms)).format(x=x) if forms else None
            return str(rng.choice(self.words["inside"][d.anchor.noun])).format(x=x, a=self.quoted(d.anchor.text))
        if d.anchor.noun and not self.english:
            # After a preposition the other languages would inflect the noun.
            return None
        anchor = self._core(d.anchor, rng) if d.anchor.noun else self.quoted(d.anchor.text or "")
        return str(rng.choice(self.words["relation"][d.relation])).format(x=x, a=anchor) if anchor else None


# ---- the whole -----------------------------------------------------------------------------------------------------------------------------------


def described(screen: Screen, rng: Random, per_element: int = 4) -> list[tuple[Expression, Description]]:
    """`expressions`, each with the description that it puts into words."""
    resolver = Resolver(screen)
    describer = _Describer(resolver)
    own = language_of(screen.locale)
    books = {"en": _Phrasebook("en")} | ({screen.locale: _Phrasebook(own)} if own and own != "en" else {})
    found: list[tuple[Expression, Description]] = []
    for target in describer.targets:
        sentences: set[str] = set()
        for kind, description in _unambiguous(describer, target, rng):
            language = rng.choice(tuple(books))
            text = books[language].sentence(description, target, screen.platform, rng)
            if text is None and language != "en":
                language = "en"
                text = books["en"].sentence(description, target, screen.platform, rng)
            if text and text not in sentences:
                sentences.add(text)
                found.append((Expression(element=target.id, text=text, kind=kind, language=language), description))
            if len(sentences) == per_element:
                break
    return found


def _unambiguous(describer: _Describer, target: Element, rng: Random) -> Iterator[tuple[ExpressionKind, Description]]:
    """Descriptions that can only mean the target, the kinds taking turns in an order drawn by lot."""
    kinds = rng.sample(KINDS, len(KINDS))
    streams = [(kind, describer.of_kind(kind, target, rng)) for kind in kinds]
    said: set[Description] = set()
    while streams:
        for kind, stream in list(streams):
            fitting = (d for d in stream if d not in said and describer.at.means(d, target.id))
            description = next(fitting, None)
            if description is None:
                streams.remove((kind, stream))
            else:
                said.add(description)
                yield kind, description


def expressions(screen: Screen, rng: Random, per_element: int = 4) -> tuple[Expression, ...]:
    """Up to `per_element` unambiguous instructions for every control, item and row of which enough can be seen.

    Controls that are disabled get instructions that ask to find them, not to click them. Half of the sentences are in the screen's own language
    where there are phrases in it, the others in English; what they quote is as on the screen. The same screen and `rng` give the same result.
    """
    return tuple(expression for expression, _ in described(screen, rng, per_element))
