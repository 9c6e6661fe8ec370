"""What stands in pages: words in the right language and script, typefaces that have every letter of them, pictograms, pictures, colours."""

import ast
import io
import os
import subprocess
import sys
import unicodedata
import xml.etree.ElementTree as ElementTree
from functools import cache
from pathlib import Path
from random import Random

import pytest

from contracts.errors import InputError
from datagen.content import english, fonts, icons, images, palettes
from datagen.content.lexicon import lexicon
from datagen.content.locales import LOCALES
from datagen.content.words import Words, terms
from datagen.kits.files import kit_file
from tests.datagen.page_terms import button_pictograms, literals_into, page_terms

REPOSITORY = Path(__file__).parents[2]
# First words of the Unicode names of a script's letters.
SCRIPTS = {
    "latin": ("LATIN",), "cyrillic": ("CYRILLIC",), "greek": ("GREEK",), "arabic": ("ARABIC",), "hebrew": ("HEBREW",), "devanagari": ("DEVANAGARI",),
    "thai": ("THAI",), "han": ("CJK",), "japanese": ("CJK", "IDEOGRAPHIC", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"), "hangul": ("HANGUL",),
}  # fmt: skip
NON_LATIN = [code for code, locale in LOCALES.items() if locale.script != "latin"]
KEYS = ("command", "field_label", "destination", "section", "form", "column", "metric")
TEXTS = (
    "first_name last_name person job company city country street word sentence paragraph title product message question tag weekday month date "
    "datetime time number count percent price duration file_size phone postcode file_name search_query brand user_name email url code_line date_iso"
).split()


def text_of(locale: str, seed: int, rounds: int) -> list[str]:
    """Everything that `Words` can say, some times over."""
    words = Words(Random(seed), locale)
    said = []
    for _ in range(rounds):
        said += [words.t(getattr(words, key)()) for key in KEYS]
        said += [getattr(words, name)() for name in TEXTS]
        label = words.field_label()
        said += [*words.setting(), words.status()[0], words.alert()[0], words.change()[0], *words.option(label), words.field_value(label)]
    return said


def share_in_script(text: str, script: str) -> float:
    letters = [letter for letter in text if letter.isalpha()]
    return sum(unicodedata.name(letter, "?").split()[0] in SCRIPTS[script] for letter in letters) / max(len(letters), 1)


def test_the_same_generator_says_the_same_in_any_process_and_after_any_other_language() -> None:
    program = (
        "import sys, hashlib; from random import Random; from tests.datagen.test_content import text_of\n"
        "for code in sys.argv[1:]: print(code, hashlib.sha256(repr(text_of(code, 7, 4)).encode()).hexdigest())"
    )

    def lines(order: list[str], hash_seed: str) -> set[str]:
        run = [sys.executable, "-c", program, *order]
        return set(
            subprocess.run(
                run, cwd=REPOSITORY, env={**os.environ, "PYTHONHASHSEED": hash_seed}, capture_output=True, text=True, check=True
            ).stdout.splitlines()
        )

    forwards = lines(list(LOCALES), "1")
    assert len(forwards) == len(LOCALES) >= 14
    assert lines(list(reversed(LOCALES)), "2") == forwards


def test_two_pages_that_are_made_at_once_do_not_disturb_each_other() -> None:
    alone = Words(Random(3), "ja")
    expected = [alone.person() for _ in range(20)]
    one, other = Words(Random(3), "ja"), Words(Random(4), "ja")
    mixed = []
    for _ in range(20):
        mixed.append(one.person())
        other.person()
    assert mixed == expected


@pytest.mark.parametrize("locale", NON_LATIN)
def test_names_and_running_text_are_in_the_script_of_the_language(locale: str) -> None:
    words, script = Words(Random(1), locale), LOCALES[locale].script
    for name, share in (("person", 1.0), ("words", 1.0), ("city", 1.0), ("country", 1.0), ("weekday", 1.0), ("month", 1.0), ("street", 0.95), ("job", 1.0),
                        ("company", 0.9), ("sentence", 0.97), ("message", 0.97), ("question", 0.97), ("title", 0.97), ("tag", 0.97)):  # fmt: skip
        said = " ".join(words.words(5) if name == "words" else getattr(words, name)() for _ in range(40))
        assert share_in_script(said, script) >= share, (name, said)


@pytest.mark.parametrize("locale", list(LOCALES))
def test_a_language_has_many_words_and_lines_of_different_lengths(locale: str) -> None:
    assert len(lexicon(locale)) >= 150
    words = Words(Random(2), locale)
    assert len({words.person() for _ in range(200)}) > 120
    lengths = sorted(len(text) for text in text_of(locale, 5, 10))
    assert lengths[len(lengths) // 10] <= 7 and lengths[-1] >= 80


TABLES = {
    "commands": english.COMMANDS, "destinations": english.DESTINATIONS, "fields": english.FIELDS, "sections": english.SECTIONS, "forms": english.FORMS,
    "options": tuple(option for options in english.OPTIONS.values() for option in options), "settings": tuple(text for setting in english.SETTINGS for text in setting),
    "statuses": tuple(text for text, _ in english.STATUSES), "alerts": tuple(text for text, _ in english.ALERTS), "tags": english.TAGS,
    "products": english.PRODUCTS, "titles": english.TITLES, "jobs": english.JOBS, "metrics": english.METRICS, "columns": english.COLUMNS,
    "sentences": english.SENTENCES, "messages": english.MESSAGES, "questions": english.QUESTIONS, "interface": english.INTERFACE,
}  # fmt: skip


@pytest.mark.parametrize("table", TABLES)
def test_every_language_has_the_terms(table: str) -> None:
    for locale in LOCALES.keys() - {"en"}:
        missing = [term for term in TABLES[table] if not terms().get(term, {}).get(locale)]
        assert len(missing) <= 0.05 * len(TABLES[table]), (locale, missing)


def test_the_terms_of_pages_are_found_in_their_source_code() -> None:
    code = """
NAMES = ("named", "constant")
def page(ui, words, rng, key):
    t = words.t
    late = "assigned" if rng.random() < 0.5 else code("not translated")
    t("direct"), words.t(rng.choice(("chosen", "other")) if key else "third"), t(late), [t(name) for name in NAMES]
    [ui.button(t(name), icon) for name, icon in (("first of two", "icon"), *pairs)[:2]]
    [ui.icon(name) for name in ("trash", "pencil")]
    for i, name in enumerate(("numbered",)):
        t(name)
    table = {1: ("looked up", "icon")}
    title, icon = table[key]
    t(title)
    labelled(ui, "handed on", "not this"), labelled(ui, shown="hidden", label="by name")
def labelled(ui, label, shown=None):
    return inner(ui.words, label)
def inner(words, term):
    return words.t(term)
"""
    expected = {
        "direct",
        "chosen",
        "other",
        "third",
        "assigned",
        "named",
        "constant",
        "first of two",
        "numbered",
        "looked up",
        "handed on",
        "by name",
    }
    assert literals_into("t", [ast.parse(code)]) == expected
    # One of each way in the real pages: direct, chosen, looped over, handed to a section; and the name of a pictogram on a button.
    assert {"Add a card", "Sale", "Mentions", "Museums", "Open folder"} <= page_terms() and len(page_terms()) > 500


@pytest.mark.parametrize("locale", [code for code in LOCALES if code != "en"])
def test_every_language_has_the_terms_of_the_pages(locale: str) -> None:
    missing = sorted(term for term in page_terms() if not terms().get(term, {}).get(locale))
    assert len(missing) <= 0.05 * len(page_terms()), missing


@pytest.mark.parametrize("locale", NON_LATIN)
def test_translations_are_written_in_the_script_of_the_language(locale: str) -> None:
    # Kept as they are: OK, and punctuation that has no letters.
    wrong = [
        (term, translated[locale])
        for term, translated in terms().items()
        if any(letter.isalpha() for letter in translated[locale]) and share_in_script(translated[locale], LOCALES[locale].script) < 0.3
    ]
    assert [pair for pair in wrong if pair[0] != "OK"] == []


@pytest.mark.parametrize("locale", [code for code in LOCALES if code not in (*NON_LATIN, "en")])
def test_translations_into_latin_letters_are_not_left_in_english(locale: str) -> None:
    # Blog, Album, Normal ... are the same words in many languages.
    same = [term for term, translated in terms().items() if translated[locale] == term]
    assert len(same) < 0.08 * len(terms()), same


def test_unknown_terms_stay_and_english_is_never_changed() -> None:
    assert Words(Random(1), "de").t("Save") == "Speichern"
    assert Words(Random(1), "de").t("no such term") == "no such term"
    assert all(Words(Random(1), "en").t(term) == term for term in terms())


def test_numbers_and_prices_have_the_form_of_the_country() -> None:
    assert Words(Random(1), "de")._decimal(1234.5) == "1.234,5"
    assert Words(Random(1), "fr")._decimal(1234.5) == "1\u00a0234,5"
    assert Words(Random(1), "hi")._decimal(1234567) == "12,34,567"
    arabic = [Words(Random(seed), "ar")._decimal(1250) for seed in range(20)]
    assert set(arabic) == {"1,250", "١٬٢٥٠"}
    assert all("¥" in price or "￥" in price for price in (Words(Random(seed), "ja").price() for seed in range(20)))


@pytest.mark.parametrize("locale", list(LOCALES))
def test_durations_and_sizes_name_their_unit_as_people_do(locale: str) -> None:
    words = Words(Random(1), locale)
    said = [words.duration() for _ in range(300)] + [words.file_size() for _ in range(50)]
    assert [text for text in said if "duration-" in text or "digital-" in text] == []


def test_every_field_offers_options_or_a_value() -> None:
    words = Words(Random(1), "ko")
    for label in english.FIELDS:
        assert words.field_value(label)
    for label in (*english.OPTIONS, *english.CLDR_FIELDS):
        assert 3 <= len(words.option(label)) <= 12 and len(set(words.option(label))) >= 3


# Typefaces


@cache
def cmap(path: str) -> frozenset[int]:
    from fontTools.ttLib import TTFont

    return frozenset(TTFont(kit_file(path)).getBestCmap())


def drawn_by(stack: list[str], character: str) -> str | None:
    """The family of the stack that Chromium takes the character from: the first whose file for it has a glyph."""
    for family in stack:
        for face in fonts.faces(family):
            if face.weight == 400 and face.covers(character) and ord(character) in cmap(face.path):
                return family
    return None


def test_there_are_enough_families_and_their_files_exist() -> None:
    assert len(fonts.FONTS) >= 24
    assert set(fonts.families_sha256()) == set(fonts.FONTS)  # reads every file
    assert {font.style for font in fonts.FONTS.values()} == {"sans", "serif", "mono", "hand", "display"}


@pytest.mark.parametrize("locale", list(LOCALES))
def test_no_character_needs_a_system_font_and_the_first_family_fits_the_language(locale: str) -> None:
    for seed in range(3):
        body, heading = fonts.font_stack(Random(seed), locale)
        characters = {character for text in text_of(locale, seed, 15) for character in text if not character.isspace()}
        missing = {character for stack in (body, heading) for character in characters if drawn_by(stack, character) is None}
        assert missing == set()
        own = {character for character in characters if share_in_script(character, LOCALES[locale].script) == 1 and character.isalpha()}
        assert {drawn_by(body[:1], character) for character in own} == {body[0]}


def test_font_face_rules_name_every_file_once_with_its_characters() -> None:
    css = fonts.font_face_css("https://kits.invalid/")
    paths = {face.path for family in fonts.FONTS for face in fonts.faces(family)}
    assert css.count("@font-face") == len(paths)
    assert all(f"url(https://kits.invalid/{path}) format('woff2')" in css for path in paths)
    assert "font-family:'Noto Sans Thai'" in css and "U+0E01-0E5B" in css


def test_truetype_data_has_the_letters_that_were_asked_for() -> None:
    from fontTools.ttLib import TTFont

    for family, script, letter in (("Noto Sans Arabic", "arabic", "ع"), ("Inter", "greek", "λ"), ("Noto Sans Thai", "thai", "ก")):
        opened = [TTFont(io.BytesIO(data)) for data in fonts.truetype(family, 400, (script,))]
        assert any(ord(letter) in font.getBestCmap() for font in opened) and all(font.flavor is None for font in opened)
    with pytest.raises(InputError, match="Lato 400 thai"):
        fonts.truetype("Lato", 400, ("thai",))


# Pictograms


def test_every_pictogram_exists_in_three_packages_and_is_a_drawing() -> None:
    table = icons.icons()
    assert len(table) > 350
    assert len({(icons.ICON_SETS[look], name) for files in table.values() for look, name in files.items()}) >= 1000
    assert len({folder.split("/icons")[0] for folder in icons.ICON_SETS.values()}) >= 5
    for concept, files in table.items():
        assert len({icons.ICON_SETS[look].split("/icons")[0] for look in files}) >= 3, concept
        assert icons.label(concept)
        for look in files:
            drawing = icons.icon(concept, look)
            assert len(ElementTree.fromstring(f"<svg>{drawing.body}</svg>")) and len(drawing.view_box.split()) == 4, (concept, look)


def test_every_look_draws_every_concept_and_every_kind_has_some() -> None:
    for look in icons.ICON_SETS:
        assert all(icons.icon(concept, look).body for concept in icons.concepts())
    kinds = [set(icons.concepts(kind)) for kind in ("action", "thing", "navigation", "status", "media")]
    assert all(len(kind) >= 20 for kind in kinds) and sum(map(len, kinds)) == len(icons.concepts())
    assert icons.label("trash") == "Delete"
    with pytest.raises(InputError, match="no-such-thing"):
        icons.icon("no-such-thing", "lucide")
    with pytest.raises(InputError, match="no-such-set"):
        icons.icon("trash", "no-such-set")


def test_the_pictograms_that_pages_put_on_buttons_exist() -> None:
    assert len(button_pictograms()) > 80
    assert sorted(concept for concept in button_pictograms() if icons.canonical(concept) not in icons.concepts()) == []


def test_destinations_and_commands_have_pictograms_that_exist_and_no_brand_is_among_them() -> None:
    assert set(icons.TERM_ICONS.values()) <= set(icons.concepts())
    assert set(english.DESTINATIONS) <= set(icons.TERM_ICONS) | {"Archive"}
    names = " ".join(name for files in icons.icons().values() for name in files.values())
    assert not any(brand in names for brand in ("brand-", "chrome", "twitter", "dribbble", "github", "apple-logo", "google", "facebook"))


# Pictures


@pytest.mark.parametrize("kind", images.KINDS)
def test_pictures_are_well_formed_alike_for_the_same_generator_and_else_different(kind: str) -> None:
    made = [images.picture(Random(seed), kind, 320, 180) for seed in range(12)]
    assert made == [images.picture(Random(seed), kind, 320, 180) for seed in range(12)]
    assert len(set(made)) >= 10
    if kind == "photo":
        return
    roots = [ElementTree.fromstring(svg) for svg in made]
    ids = [element.get("id") for root in roots for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    for svg, root in zip(made, roots, strict=True):
        assert root.get("width") == "320" and all(
            f"url(#{part.split(')')[0]})" in svg and part.split(")")[0] in ids for part in svg.split("url(#")[1:]
        )


def test_photographs_are_jpegs_near_the_asked_shape() -> None:
    from PIL import Image

    for width, height in ((300, 300), (1200, 400), (200, 320)):
        with Image.open(io.BytesIO(images.photograph(Random(1), width, height))) as picture:
            assert picture.format == "JPEG" and (picture.width > picture.height) == (width > height)
    with pytest.raises(InputError, match="no-such-kind"):
        images.picture(Random(1), "no-such-kind", 10, 10)


# Colours


@pytest.mark.parametrize("mode", palettes.MODES)
def test_text_is_readable_in_every_palette(mode: palettes.Mode) -> None:
    made = [palettes.palette(Random(seed), mode) for seed in range(300)]
    for colours in made:
        for text in (colours.on_surface, colours.muted, colours.primary, colours.success, colours.warning, colours.danger, colours.info):
            assert palettes.contrast(text, colours.surface) >= (7 if mode == "high_contrast" else 4.5), colours
        assert palettes.contrast(colours.on_primary, colours.primary) >= 4.5, colours
    assert len({colours.primary for colours in made}) > 250


def test_contrast_is_that_of_wcag() -> None:
    assert palettes.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert palettes.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert palettes.css(palettes.palette(Random(1), "dark")).startswith(":root{color-scheme:dark;--primary:#")
