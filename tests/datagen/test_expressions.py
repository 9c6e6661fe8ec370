"""Every instruction means exactly one element: hand-drawn traps, rendered screens read by a second, slow resolver, and screens spoilt on purpose."""

import json
import string
import time
import unicodedata
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

from contracts.annotation import Box, Element, Expression, Screen
from datagen.expressions import KINDS, TERMS, Description, Resolver, candidates, described, expressions, icon_name, language_of, languages

RENDERED = Path(__file__).with_name("rendered_screens.json")
ICONS = TERMS.parent / "content" / "icons.json"
ALL = 10_000


@pytest.fixture(scope="module")
def rendered() -> list[Screen]:
    """Twelve screens as the generator rendered them (no pictures)."""
    return [Screen.model_validate(screen) for screen in json.loads(RENDERED.read_text(encoding="utf-8"))]


class Page:
    """Draws a screen by hand: `page.put("button", x, y, w, h, "Save", parent=card)` returns the new element's id."""

    def __init__(self, locale: str = "en", state: str = "plain", platform: str = "web") -> None:
        self.elements: list[Element] = []
        self.locale, self.state, self.platform = locale, state, platform

    def put(self, class_name: str, x: float, y: float, width: float = 80, height: float = 20, text: str = "", **more: Any) -> int:
        controls = (
            "button",
            "icon_button",
            "link",
            "text_field",
            "combo_box",
            "checkbox",
            "switch",
            "radio",
            "tab",
            "menu_item",
            "chip",
            "search_field",
        )
        self.elements.append(
            Element(
                id=len(self.elements), class_name=class_name, box=Box(x1=x, y1=y, x2=x + width, y2=y + height), text=text,
                **{"interactable": class_name in controls and "disabled" not in more.get("states", ()), **more},
            )
        )  # fmt: skip
        return len(self.elements) - 1

    def screen(self) -> Screen:
        return Screen(
            key="hand", width=800, height=600, device_scale=1, platform=self.platform, kit="k", family="f", locale=self.locale, theme="t",  # type: ignore[arg-type]
            state=self.state, seed=0, generator="1", elements=tuple(self.elements),
        )  # fmt: skip

    def said(self, element: int | None = None) -> list[tuple[Expression, Description]]:
        """All that can be said of an element (of all): every unambiguous description once."""
        return [pair for pair in described(self.screen(), Random(0), per_element=ALL) if element is None or pair[0].element == element]

    def kinds(self, element: int) -> set[str]:
        return {expression.kind for expression, _ in self.said(element)}


# ---- hand-drawn traps --------------------------------------------------------------------------------------------------------------------------


def test_a_single_button_is_meant_by_its_text_its_role_its_function_and_its_corner() -> None:
    page = Page()
    save = page.put("button", 700, 20, text="Save")
    page.put("text", 20, 300, text="Nothing to see")
    assert page.kinds(save) == {"text", "role", "function", "position"}
    sentences = [expression.text for expression, _ in page.said(save)]
    assert any("“Save”" in sentence and "button" in sentence for sentence in sentences)


def two_cards(second: str = "Save") -> tuple[Page, int, int]:
    page = Page()
    buttons = []
    for x, title, text in ((50, "Profile", "Save"), (450, "Billing", second)):
        card = page.put("card", x, 100, 300, 300)
        page.put("heading", x + 20, 120, 100, 20, title, parent=card)
        buttons.append(page.put("button", x + 110, 280, text=text, parent=card))
    return page, buttons[0], buttons[1]


@pytest.mark.parametrize("second", ["Save", "SAVE", " save… ", "Ｓａｖｅ"])
def test_two_buttons_of_one_text_are_told_apart_by_their_cards_alone(second: str) -> None:
    page, *buttons = two_cards(second)
    for button, title in zip(buttons, ("Profile", "Billing"), strict=True):
        assert not page.kinds(button) & {"text", "role", "function"}
        inside = [d for _, d in page.said(button) if d.relation == "in"]
        assert inside and all(d.anchor and d.anchor.noun == "card" and d.anchor.text == title for d in inside)
    assert candidates(page.screen(), Description(noun="button", text="save")) == set(buttons)


def test_cards_of_one_title_tell_nothing_apart() -> None:
    page, left, right = two_cards()
    (billing,) = (n for n, e in enumerate(page.elements) if e.text == "Billing")
    page.elements[billing] = page.elements[billing].model_copy(update={"text": "profile"})
    said = [d for button in (left, right) for _, d in page.said(button)]
    assert said and not any(d.relation == "in" for d in said)


def test_a_text_elsewhere_that_reads_the_same_spoils_the_bare_quote_but_not_the_button() -> None:
    page = Page()
    button = page.put("button", 100, 100, text="Reports")
    assert "text" in page.kinds(button)
    page.put("heading", 100, 300, text="reports")
    assert "text" not in page.kinds(button) and "role" in page.kinds(button)


def test_the_content_of_an_element_is_the_same_place_as_the_element() -> None:
    page = Page()
    item = page.put("list_item", 0, 100, 200, 30)
    page.put("icon", 5, 105, 20, 20, icon="folder", parent=item)
    page.put("text", 30, 105, 80, 20, "Files", parent=item)
    page.put("badge", 170, 105, 20, 20, "7", parent=item)
    assert "text" in page.kinds(item)
    edit = page.put("link", 120, 105, 40, 20, "Files", parent=item)
    assert "text" not in page.kinds(item) and "text" not in page.kinds(edit)


def test_one_icon_in_each_row_is_told_apart_by_the_row() -> None:
    page = Page()
    table = page.put("table", 50, 80, 600, 200)
    pencils = []
    for n, who in enumerate(("Ada Bauer", "Ben Ito", "Ada Kim")):
        row = page.put("row", 50, 100 + 40 * n, 600, 40, parent=table)
        page.put("cell", 60, 110 + 40 * n, 200, 20, who, parent=row)
        pencils.append(page.put("icon_button", 600, 110 + 40 * n, 20, 20, icon="pencil", name="Edit", parent=row))
    for n, pencil in enumerate(pencils):
        assert not page.kinds(pencil) & {"icon", "function", "text", "role"}
        rows = {d.anchor.text for _, d in page.said(pencil) if d.relation == "in" and d.anchor and not d.ordinal}
        assert rows == {("Ada Bauer", "Ben Ito", "Ada Kim")[n]}
        assert (n + 1, "top") in {d.ordinal for _, d in page.said(pencil)}
    texts = {expression.text for expression, d in page.said(pencils[0]) if d.icon}
    assert any("pencil" in text and "“Ada Bauer”" in text for text in texts)


def test_pictures_that_are_taken_for_one_another_are_not_named() -> None:
    for one, other, alike in (
        ("gear", "wrench", True),
        ("wrench", "gear", True),
        ("bookmark", "flag", True),
        ("arrow-up", "arrow-down", True),
        ("gear", "house", False),
    ):
        page = Page()
        first = page.put("icon_button", 100, 100, 24, 24, icon=one)
        page.put("icon_button", 500, 300, 24, 24, icon=other)
        assert ("icon" not in page.kinds(first)) == alike, (one, other)


def test_a_wrapping_is_the_same_place_only_if_it_says_no_more() -> None:
    for more, same in (("", True), ("Open", False)):
        page = Page()
        cell = page.put("cell", 100, 100, 200, 30, name="Details")
        link = page.put("link", 110, 105, 80, 20, "Details", parent=cell)
        if more:
            page.put("text", 210, 105, 60, 20, more, parent=cell)
        assert ("text" in page.kinds(link)) == same


@pytest.mark.parametrize(("other", "same"), [("delete", True), ("bin", True), ("trash-fill", True), ("star", False), ("", True)])
def test_an_icon_that_may_be_taken_for_another_is_not_named(other: str, same: bool) -> None:
    page = Page()
    trash = page.put("icon_button", 100, 100, 24, 24, icon="trash")
    assert "icon" in page.kinds(trash)
    page.put("icon", 500, 300, 24, 24, icon=other)
    assert ("icon" not in page.kinds(trash)) == same


def test_a_word_within_a_longer_command_spoils_the_function_alone() -> None:
    page = Page()
    save = page.put("button", 100, 100, text="Save")
    page.put("button", 300, 100, text="Save and close")
    assert "function" not in page.kinds(save) and "text" in page.kinds(save)


def test_an_item_that_holds_a_control_does_not_do_what_its_title_says() -> None:
    for control in (False, True):
        page = Page()
        item = page.put("list_item", 0, 100, 400, 40)
        page.put("text", 10, 110, 100, 20, "Settings", parent=item)
        if control:
            page.put("button", 300, 110, 80, 20, "Order", parent=item)
        assert ("function" in page.kinds(item)) == (not control)


def test_beside_means_the_nearest_and_needs_a_margin() -> None:
    page = Page()
    sign = page.put("text", 100, 100, 80, 20, "Dark mode")
    switch = page.put("switch", 200, 100, 40, 20, name="Dark mode")

    def beside() -> bool:
        return any(d.relation == "right_of" and d.noun == "switch" for _, d in page.said(switch))

    assert beside() and "role" in page.kinds(switch) and "text" not in page.kinds(switch)
    page.put("switch", 600, 100, 40, 20)
    assert beside()
    near = page.put("switch", 260, 100, 40, 20)
    assert not beside()
    assert {switch, near} <= candidates(
        page.screen(), Description(noun="switch", relation="right_of", anchor=Description(text="Dark mode", seen=True))
    )
    assert sign not in candidates(page.screen(), Description(noun="switch", relation="right_of", anchor=Description(text="Dark mode", seen=True)))


def test_an_anchor_that_stands_twice_is_no_anchor() -> None:
    page = Page()
    page.put("text", 100, 100, 80, 20, "Name")
    field = page.put("text_field", 100, 130, 200, 30)
    assert any(d.relation == "below" for _, d in page.said(field))
    page.put("text", 500, 400, 80, 20, "NAME:")
    assert not any(d.relation == "below" for _, d in page.said(field))


def test_what_is_level_by_a_hair_only_is_not_clearly_beside() -> None:
    for y, beside in ((100, True), (117, False)):
        page = Page()
        page.put("text", 100, 100, 80, 20, "Name")
        field = page.put("text_field", 200, y, 200, 30)
        assert any(d.relation == "right_of" for _, d in page.said(field)) == beside


def test_a_thing_that_stands_askew_is_neither_beside_nor_below() -> None:
    page = Page()
    page.put("text", 100, 100, 80, 20, "Name")
    askew = page.put("text_field", 170, 118, 200, 30)
    assert not any(d.relation in ("below", "right_of") for _, d in page.said(askew))


def test_ordinals_need_two_to_six_in_a_clear_order() -> None:
    for count, known in ((1, False), (2, True), (6, True), (7, False)):
        page = Page()
        boxes = [page.put("checkbox", 100, 50 + 40 * n, 16, 16) for n in range(count)]
        for n, box in enumerate(boxes):
            tops = {d.ordinal for _, d in page.said(box) if d.ordinal and d.ordinal[1] == "top"}
            assert tops == ({(n + 1, "top")} if known else set())
    page = Page()
    first, _ = page.put("checkbox", 100, 50, 16, 16), page.put("checkbox", 300, 60, 16, 16)
    assert {d.ordinal for _, d in page.said(first) if d.ordinal} == {(1, "left"), (2, "right")}


def test_what_may_be_counted_too_spoils_the_order() -> None:
    for class_name in ("switch", "checkbox"):
        page = Page()
        box = page.put("checkbox", 100, 50, 16, 16)
        page.put("checkbox", 100, 90, 16, 16)
        page.put(class_name, 100, 130, 16, 16, visible_fraction=1.0 if class_name == "switch" else 0.4)
        assert not any(d.ordinal for _, d in page.said(box))
    scrolled = Page(state="scrolled")
    box = scrolled.put("checkbox", 100, 50, 16, 16)
    scrolled.put("checkbox", 100, 90, 16, 16)
    assert not any(d.ordinal for _, d in scrolled.said(box))


def test_a_corner_belongs_to_one_alone() -> None:
    page = Page()
    bell = page.put("icon_button", 760, 10, 24, 24, icon="bell")
    assert any(d.region == "top_right" for _, d in page.said(bell))
    page.put("icon_button", 600, 120, 24, 24, icon="gear")
    assert not any(d.region for _, d in page.said(bell))


def test_a_plain_field_may_be_called_by_its_label() -> None:
    page = Page()
    search = page.put("search_field", 100, 100, 200, 30)
    assert any(d == Description(noun="search_field") for _, d in page.said(search))
    page.put("text_field", 100, 300, 200, 30, name="Search by name")
    assert not any(d == Description(noun="search_field") for _, d in page.said(search))


def test_states_that_look_alike_are_not_told_apart() -> None:
    page = Page()
    tabs = [page.put("tab", 100 * n, 0, 90, 30, text, states=states) for n, (text, states) in enumerate([("Mail", ("selected",)), ("Chat", ())])]
    assert "state" in page.kinds(tabs[0]) and "state" not in page.kinds(tabs[1])
    page.put("tab", 300, 0, 90, 30, "Files", states=("current",))
    assert "state" not in page.kinds(tabs[0])


def test_a_disabled_control_is_looked_for_and_never_clicked() -> None:
    page = Page()
    submit = page.put("button", 100, 100, text="Submit", states=("disabled",))
    sentences = [e.text for seed in range(30) for e in expressions(page.screen(), Random(seed)) if e.element == submit and e.kind != "function"]
    assert any("disabled button" in sentence for sentence in sentences)
    assert not any(word in sentence.casefold() for sentence in sentences for word in ("click", "press", "tap"))


def test_behind_a_dialog_nothing_is_aimed_at_and_the_dialog_tells_its_buttons_apart() -> None:
    page = Page(state="dialog")
    page.put("button", 20, 20, text="Delete", interactable=False)
    item = page.put("list_item", 20, 500, 200, 30, "Inbox")
    dialog = page.put("dialog", 200, 200, 400, 200)
    page.put("heading", 220, 220, 200, 20, "Are you sure?", parent=dialog)
    delete = page.put("button", 500, 350, text="Delete", parent=dialog)
    assert {expression.element for expression, _ in page.said()} == {delete}
    assert not page.kinds(delete) & {"text", "role", "function"}
    assert {d.anchor.noun for _, d in page.said(delete) if d.relation == "in" and d.anchor} == {"dialog"}
    assert item not in {expression.element for expression, _ in page.said()}


def test_fingers_tap_and_mice_click() -> None:
    for platform, verb, other in (("mobile", "tap", "click"), ("web", "click", "tap")):
        page = Page(platform=platform)
        page.put("button", 100, 100, text="Submit order")
        texts = [e.text.casefold() for seed in range(40) for e in expressions(page.screen(), Random(seed)) if e.kind in ("text", "role")]
        assert any(verb in text for text in texts) and not any(other in text for text in texts)


@pytest.mark.parametrize("locale", ["de", "fr", "es", "pt_BR", "ru", "el", "ar", "he", "hi", "th", "zh", "ja", "ko"])
def test_sentences_are_in_english_or_in_the_screens_own_language(locale: str) -> None:
    words = json.loads(TERMS.read_text(encoding="utf-8"))["languages"][language_of(locale)]
    save = words["functions"]["save"]["words"][0]
    page = Page(locale=locale)
    button = page.put("button", 100, 100, text=save)
    trash = page.put("icon_button", 700, 20, 24, 24, icon="trash")
    page.put("tab", 300, 300, text="AAA", states=("selected",))
    page.put("tab", 400, 300, text="BBB")
    found = [e for seed in range(12) for e in expressions(page.screen(), Random(seed), per_element=8)]
    assert {e.language for e in found} == {"en", locale}
    own = [e for e in found if e.language == locale]
    assert {e.kind for e in own} >= {"text", "role", "position", "icon", "function", "state"}
    assert any(save in e.text for e in own if e.element == button and e.kind == "text")
    assert any(words["icon_names"]["trash"] in e.text for e in own if e.element == trash and e.kind == "icon")
    assert any(e.text in words["functions"]["save"]["say"] for e in own if e.kind == "function")
    assert not any("{" in e.text or "the " in e.text.split("«")[0] for e in own)


def test_a_language_without_phrases_is_spoken_to_in_english() -> None:
    page = Page(locale="fi")
    page.put("button", 100, 100, text="Tallenna")
    assert {e.language for seed in range(9) for e in expressions(page.screen(), Random(seed))} == {"en"}
    assert language_of("zh-TW") is None and language_of("zh_CN") == "zh"


# ---- the terms ---------------------------------------------------------------------------------------------------------------------------------


def test_every_language_can_say_what_english_says_where_a_template_works() -> None:
    terms = json.loads(TERMS.read_text(encoding="utf-8"))
    english = terms["languages"]["en"]
    assert set(languages()) == {"en", "de", "fr", "es", "pt", "ru", "el", "ar", "he", "hi", "th", "zh", "ja", "ko"}
    fields = {"click": {"x"}, "tap": {"x"}, "find": {"x"}, "fill": {"x"}, "bare": {"n"}, "named": {"n", "q"}, "text": {"q"}, "icon": {"c"}}
    nested = {"region": {"x"}, "relation": {"x", "a"}, "inside": {"x", "a"}, "within": {"x"}}
    for words in terms["languages"].values():
        for key, names in fields.items():
            assert words[key] and all(placeholders(form) == names for form in words[key])
        for key, names in nested.items():
            assert set(words[key]) <= set(english[key]) and all(placeholders(form) == names for forms in words[key].values() for form in forms)
        for key in ("ordinal", "region", "relation", "inside"):
            assert set(words[key]) == set(english[key])
        assert set(words["nouns"]) >= set(english["nouns"]) - {"scroll_bar"} and set(words["functions"]) <= set(english["functions"])
        assert set(words["icon_names"]) <= set(terms["icons"]) and len(words["quotes"]) == 2
        assert all(entry["words"] and entry["say"] for entry in words["functions"].values())


def placeholders(form: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(form) if name}


def test_concepts_that_share_a_drawing_are_taken_for_one_another() -> None:
    drawn: dict[tuple[str, str], set[str]] = {}
    for concept, entry in json.loads(ICONS.read_text(encoding="utf-8")).items():
        for drawing in entry["files"].items():
            drawn.setdefault(drawing, set()).add(concept)
    pairs = sorted({(one, other) for concepts in drawn.values() for one in concepts for other in concepts if one < other})
    assert len(pairs) > 30
    for one, other in pairs:
        page = Page()
        first = page.put("icon_button", 100, 100, 24, 24, icon=one)
        page.put("icon_button", 500, 300, 24, 24, icon=other)
        assert "icon" not in page.kinds(first), f"add {sorted((icon_name(one), icon_name(other)))} to alike in {TERMS.name}"


def test_a_concept_is_drawn_as_one_picture() -> None:
    icons = json.loads(TERMS.read_text(encoding="utf-8"))["icons"]
    concepts = [concept for name, entry in icons.items() for concept in (name, *entry.get("also", ()))]
    assert [concept for concept, count in Counter(concepts).items() if count > 1] == []
    assert icon_name("delete") == icon_name("trash-fill") == "trash" and icon_name("three-dots-vertical") == "three dots"
    assert icon_name("wallet2") == "wallet"


# ---- a second resolver: slow, plain, and by other means -------------------------------------------------------------------------------------

MEANT_BY = {
    "button": {"button", "icon_button"}, "icon": {"icon", "icon_button"}, "item": {"list_item"},
    "field": {"text_field", "password_field", "search_field", "text_area", "combo_box", "list_box", "date_picker", "stepper"},
}  # fmt: skip


ENGLISH = json.loads(TERMS.read_text(encoding="utf-8"))["languages"]["en"]


def letters(text: str) -> str:
    kept = [c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum() or unicodedata.category(c).startswith("M")]
    return "".join(kept) or text.strip()


class Reader:
    """Reads a description as a careful person would: filter by each part, then the nearest, the n-th by centre, the nearest to the corner."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self.by_id = {e.id: e for e in screen.elements}
        self.chains = {e.id: self.chain(e) for e in screen.elements}
        self.contents = {
            e.id: [other for other in screen.elements if any(above.id == e.id for above in self.chains[other.id])] for e in screen.elements
        }

    def chain(self, e: Element) -> list[Element]:
        return [] if e.parent is None else [self.by_id[e.parent], *self.chain(self.by_id[e.parent])]

    def ancestors(self, e: Element) -> list[Element]:
        return self.chains[e.id]

    def content(self, e: Element) -> list[Element]:
        return self.contents[e.id]

    def texts(self, e: Element, seen: bool) -> set[str]:
        parts = [part for part in [e, *sorted(self.content(e), key=lambda part: part.id)] if part.text]
        found = {e.text, " ".join(p.text for p in parts), " ".join(p.text for p in parts if p.class_name != "badge")}
        return {letters(text) for text in (found if seen else found | {e.name}) if text}

    def fits(self, e: Element, d: Description) -> bool:
        if d.noun and e.class_name not in MEANT_BY.get(d.noun, {d.noun}):
            return False
        if d.text is not None:
            holders = [e, *self.content(e)] if d.noun in ("item", "row", "card", "dialog") else [e]
            if not any(letters(d.text) in self.texts(holder, d.seen) for holder in holders):
                return False
        if d.icon and (not e.icon or icon_name(e.icon) != d.icon):
            return False
        if d.function:
            functions = ENGLISH["functions"][d.function]
            words = {letters(word) for word in functions["words"]}
            drawn = {icon_name(part.icon) for part in [e, *self.content(e)] if part.icon}
            says = self.texts(e, seen=False) & words or (d.function == "search" and e.class_name == "search_field")
            if e.class_name not in MEANT_BY["button"] | {"link", "tab", "menu_item", "chip", "list_item", "search_field"}:
                return False
            if not says and (self.texts(e, seen=True) or not drawn & set(functions.get("icons", ()))):
                return False
        return not (d.state and d.state not in e.states)

    def read(self, d: Description) -> list[Element]:
        pool = [e for e in self.screen.elements if self.fits(e, d)]
        frame = (0.0, 0.0, float(self.screen.width), float(self.screen.height))
        if d.relation == "in" and d.anchor:
            containers = self.read(d.anchor)
            pool = [e for e in pool if any(container in self.ancestors(e) for container in containers)]
            frame = containers[0].box.xyxy
        elif d.relation and d.anchor:
            anchors = self.read(d.anchor)
            anchor = min(anchors, key=lambda e: e.box.area)
            pool = [e for e in pool if e not in anchors and self.distance(e, anchor, d.relation) is not None]
            pool = sorted(pool, key=lambda e: self.distance(e, anchor, d.relation) or 0)[:1]
        if d.region:
            x, y = frame[2 if "right" in d.region else 0], frame[3 if "bottom" in d.region else 1]
            pool = sorted(pool, key=lambda e: abs(middle(e)[0] - x) + abs(middle(e)[1] - y))[:1]
        if d.ordinal:
            nth, axis = d.ordinal
            pool = sorted(pool, key=lambda e: middle(e)[0 if axis in ("left", "right") else 1], reverse=axis in ("right", "bottom"))
            assert len(pool) <= 6
            pool = pool[nth - 1 : nth]
        return pool

    def distance(self, e: Element, anchor: Element, relation: str | None) -> float | None:
        a, b = e.box, anchor.box
        if relation in ("left_of", "right_of"):
            level = a.y1 < b.y2 and b.y1 < a.y2
            gap = a.x1 - b.x2 if relation == "right_of" else b.x1 - a.x2
        else:
            level = a.x1 < b.x2 and b.x1 < a.x2
            gap = a.y1 - b.y2 if relation == "below" else b.y1 - a.y2
        return gap if level and gap >= -2 * self.screen.device_scale else None


def middle(e: Element) -> tuple[float, float]:
    return (e.box.x1 + e.box.x2) / 2, (e.box.y1 + e.box.y2) / 2


def test_a_second_resolver_finds_the_same_element_on_rendered_screens(rendered: list[Screen]) -> None:
    checked = 0
    for screen in rendered:
        reader = Reader(screen)
        for expression, description in described(screen, Random(1), per_element=ALL):
            target = reader.by_id[expression.element]
            found = reader.read(description)
            inside = reader.content(target)
            around = [e for e in reader.ancestors(target) if reader.texts(e, seen=True) & reader.texts(target, seen=True)]
            strays = [e for e in found if e != target and e not in inside and e not in around]
            assert found and strays == [], f"{screen.key}: {expression.text!r} ({expression.kind}) also means {strays}"
            assert target in found or any(e in inside for e in found), f"{screen.key}: {expression.text!r} does not mean {target}"
            checked += 1
    assert checked > 1000


def test_no_sentence_is_said_of_two_elements(rendered: list[Screen]) -> None:
    for screen in rendered:
        meant: dict[str, set[int]] = {}
        for seed in range(6):
            for expression in expressions(screen, Random(seed), per_element=20):
                meant.setdefault(expression.text.casefold(), set()).add(expression.element)
        assert [text for text, elements in meant.items() if len(elements) > 1] == []


def test_a_twin_elsewhere_takes_away_all_that_is_true_of_both(rendered: list[Screen]) -> None:
    lost, kept, dropped = 0, 0, 0
    for screen in rendered:
        for expression, description in described(screen, Random(2), per_element=6):
            twins = twin(screen, Reader(screen).by_id[expression.element])
            resolver = Resolver(twins)
            if description.relation or description.ordinal or description.region:
                # These may survive a twin that stands outside the place they name.
                kept += resolver.means(description, expression.element)
                continue
            copy = max(e.id for e in twins.elements)
            assert not resolver.means(description, expression.element) and not resolver.means(description, copy), expression
            lost += 1
            if lost % 10 == 0:
                assert description not in [d for e, d in described(twins, Random(3), per_element=ALL) if e.element in (expression.element, copy)]
                dropped += 1
    assert lost > 300 and kept > 50 and dropped > 30


def twin(screen: Screen, target: Element) -> Screen:
    """The screen with `target` and its content once more, in the middle of the screen, in no container."""
    first = max(e.id for e in screen.elements) + 1
    reader = Reader(screen)
    family = [*reader.content(target), target]
    new_ids = {e.id: first + n for n, e in enumerate(family)}
    dx = (screen.width / 2 - target.box.x1) if target.box.x1 < screen.width / 2 else -target.box.x1
    copies = []
    for e in family:
        x1, x2 = (max(0.0, min(x + dx, screen.width)) for x in (e.box.x1, e.box.x2))
        box = e.box.model_copy(update={"x1": x1, "x2": max(x2, x1 + 1)})
        copies.append(e.model_copy(update={"id": new_ids[e.id], "box": box, "parent": None if e is target else new_ids[e.parent or 0]}))
    return screen.model_copy(update={"elements": (*screen.elements, *copies), "width": screen.width + 1})


def test_the_same_seed_says_the_same_and_another_something_else(rendered: list[Screen]) -> None:
    for screen in rendered[:4]:
        again = Screen.model_validate_json(json.dumps(screen.to_json()))
        assert expressions(screen, Random(5)) == expressions(again, Random(5)) != expressions(screen, Random(6))
        assert Screen.model_validate({**screen.to_json(), "expressions": [e.model_dump() for e in expressions(screen, Random(5))]}).expressions


def test_nine_of_ten_controls_get_an_instruction_of_some_kind(rendered: list[Screen]) -> None:
    found = [(screen, expressions(screen, Random(seed))) for seed, screen in enumerate(rendered)]
    controls = [(screen.key, e.id) for screen in rendered for e in screen.elements if e.interactable]
    meant = {(screen.key, e.element) for screen, own in found for e in own}
    rate = sum(control in meant for control in controls) / len(controls)
    kinds = Counter(e.kind for _, own in found for e in own)
    shares = {kind: round(kinds[kind] / kinds.total(), 3) for kind in KINDS}
    print(f"{rate:.1%} of {len(controls)} controls have an instruction; kinds: {shares}")
    assert rate >= 0.9
    assert all(shares[kind] > 0.005 for kind in KINDS)
    assert max(Counter((screen.key, e.element) for screen, own in found for e in own).values()) <= 4


def test_a_screen_of_sixty_elements_takes_milliseconds(rendered: list[Screen]) -> None:
    elements = sum(len(screen.elements) for screen in rendered)
    times = []
    for seed in range(4):
        start = time.process_time()
        for screen in rendered:
            expressions(screen, Random(seed))
        times.append((time.process_time() - start) / elements * 60)
    print(f"{min(times) * 1e3:.1f} ms per 60 elements")
    assert min(times) < 0.02  # 4 ms on a quiet machine; the margin is for a busy one
