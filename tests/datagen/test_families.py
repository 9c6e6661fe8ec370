"""The page families: every one makes a full page in every state on every platform it declares, the same one from the same seed, without writing HTML."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from contracts.annotation import Platform
from contracts.taxonomy import NAMES
from datagen.content import english, icons
from datagen.content.words import Words
from datagen.kits import kit
from datagen.pages import FAMILIES, STATES, assemble, draw_frame
from datagen.pages.ui import Setting, State, Ui

MODULES = ("work", "office", "shopping")
OWN = tuple(
    name for name, family in FAMILIES.items() if family.make.__module__.rpartition(".")[2] in MODULES
)  # the families of other modules are tested with them
WINDOWS: dict[Platform, tuple[tuple[int, int], ...]] = {
    "web": ((1280, 800), (620, 800)),
    "mobile": ((390, 780), (320, 568)),
    "desktop": ((1100, 760), (640, 480)),
}
SEEDS = 20
# What a page of the family is about: without these elements it would be another page.
ESSENTIAL = {
    "data_table": ("text",), "dashboard": ("card", "text"), "kanban": ("card", "heading"), "calendar": ("button", "icon_button"),
    "file_manager": ("breadcrumb", "icon_button"), "form": ("button", "text"), "wizard": ("button", "heading"), "search_results": ("search_field",),
    "mail": ("text",), "document": ("toolbar", "icon_button"), "spreadsheet": ("toolbar", "tab_bar"), "code_editor": ("tab", "tab_bar"),
    "installer": ("button", "heading"), "print_dialog": ("button", "stepper", "radio"), "save_dialog": ("text_field", "combo_box", "button"),
    "database": ("tab_bar", "toolbar", "button"), "product_list": ("text",), "product": ("button", "heading"), "cart": ("button",), "checkout": ("button", "heading"),
    "pricing": ("heading", "text"), "landing_page": ("heading", "button", "icon"), "shop_home": ("heading", "link"),
}  # fmt: skip
# Classes that a page of these families must bring at times; what is left out comes from the shell or from other families.
EXPECTED = (
    "tree", "list_box", "stepper", "date_picker", "slider", "scroll_bar", "text_area", "radio", "password_field", "switch", "checkbox", "combo_box", "search_field",
    "text_field", "video_player", "chart", "progress", "table", "table_header", "row", "cell", "toolbar", "tab_bar", "breadcrumb", "pagination", "menu_bar", "badge", "chip",
    "avatar", "card", "image", "list", "list_item", "toast", "button", "icon_button", "link", "heading", "text", "icon",
)  # fmt: skip


def body(family: str, platform: Platform, state: State, seed: int, locale: str = "en") -> str:
    """A page of the family in the kit that nobody designed, which needs no browser to be written."""
    width, height = WINDOWS[platform][seed % 2]
    ui, made = draw_frame(seed, family, f"bespoke-{platform}", "light", locale, state, width, height)
    return assemble(ui, made)


def classes(html: str) -> list[str]:
    return re.findall(r'data-c="(\w+)"', html)


def bare_ui(platform: Platform, state: State, seed: int, locale: str = "en") -> Ui[Any]:
    """A `Ui` with the room that a shell leaves, give or take."""
    width, height = WINDOWS[platform][seed % 2]
    setting = Setting(
        theme="light", dark=False, platform=platform, width=width, height=height, state=state, locale=locale, icon_set=icons.icon_set(Random(seed)),
        words=Words(Random(seed), locale), rng=Random(f"{seed}/looks"),
    )  # fmt: skip
    ui: Ui[Any] = kit(f"bespoke-{platform}").ui_class()(setting)
    ui.room = width - 40
    return ui


def content_classes(family: str, platform: Platform, state: State, seed: int) -> list[str]:
    """Classes of what the family itself makes, without its shell."""
    ui = bare_ui(platform, state, seed)
    made = FAMILIES[family](ui, ui.words, Random(f"{seed}/own"))
    return classes("".join((*made.parts, *made.tools, made.side or "")))


@pytest.mark.parametrize("family", OWN)
def test_every_state_on_every_platform_makes_a_full_page(family: str) -> None:
    for platform in FAMILIES[family].platforms:
        for seed in range(SEEDS):
            for state in STATES:
                found = content_classes(family, platform, state, seed)
                where = f"{family}, {platform}, {state}, seed {seed}"
                assert set(found) <= set(NAMES), where
                assert len(found) >= (2 if state in ("loading", "error") else 6), where
                if state == "plain":
                    assert set(ESSENTIAL[family]) <= set(found), where


@pytest.mark.parametrize("family", OWN)
def test_the_same_plan_gives_the_same_page(family: str) -> None:
    for platform in FAMILIES[family].platforms:
        assert body(family, platform, "plain", 5, "ja") == body(family, platform, "plain", 5, "ja")
        assert body(family, platform, "plain", 5, "ja") != body(family, platform, "plain", 7, "ja")


@pytest.mark.parametrize("family", OWN)
def test_pages_of_a_family_differ_in_their_parts(family: str) -> None:
    platform = FAMILIES[family].platforms[-1]
    outlines = {tuple(sorted(set(content_classes(family, platform, "plain", seed)))) for seed in range(0, 2 * SEEDS, 2)}
    assert len(outlines) >= SEEDS // 4


def test_states_show() -> None:
    def often(state: State, mark: str) -> float:
        pages = [body(family, FAMILIES[family].platforms[0], state, seed) for family in OWN for seed in range(4)]
        return sum(page.count(mark) for page in pages) / len(pages)

    for state, mark in (
        ("loading", "s-skeleton"),
        ("loading", "s-ring"),
        ("error", 'role="alert"'),
        ("selected", 'aria-selected="true"'),
        ("disabled", " disabled"),
    ):
        assert often(state, mark) > 1.3 * often("plain", mark), (state, mark)


def test_the_classes_come_up() -> None:
    found = {
        name
        for family in OWN
        for platform in FAMILIES[family].platforms
        for seed in range(6)
        for name in content_classes(family, platform, "plain", seed)
    }
    assert set(EXPECTED) <= found


def _calls(name: str) -> Iterator[str]:
    """English terms written as `t("...")` in the sources of the pages."""
    for path in Path("datagen/pages").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and name in (getattr(node.func, "id", ""), getattr(node.func, "attr", "")) and node.args:
                argument = node.args[0]
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield argument.value


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for key, inner in value.items() for text in (*_strings(key), *_strings(inner)))
    elif isinstance(value, tuple):
        yield from (text for inner in value for text in _strings(inner))


def test_terms_are_plain_english_and_a_translator_finds_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    written = set(_calls("t"))
    assert all(re.fullmatch(r"[A-Za-z0-9 ,.:;!?'()&<>%/…-]+", term) for term in written)
    known = (
        written
        | {text for name in dir(english) if name.isupper() for text in _strings(getattr(english, name))}
        | {icons.label(concept) for concept in icons.concepts()}
    )
    asked: set[str] = set()
    translate = Words.t
    monkeypatch.setattr(Words, "t", lambda words, term: asked.add(term) or translate(words, term))
    for family in OWN:
        for platform in FAMILIES[family].platforms:
            for seed in range(3):
                ui = bare_ui(platform, "plain", seed, "de")
                FAMILIES[family](ui, ui.words, Random(seed))
                assert asked <= known, f"{family}: {sorted(asked - known)} stand in no t(...) call"


@pytest.mark.parametrize("module", [*MODULES, "sections"])
def test_families_write_no_html(module: str) -> None:
    source = Path(f"datagen/pages/families/{module}.py").read_text(encoding="utf-8")
    texts = [node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    assert not [text for text in texts if re.search(r"</?[a-z]+[ >]|class=|style=", text)]
