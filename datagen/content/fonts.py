"""Typefaces of the pages: families from the fontsource packages, for Chromium as `@font-face` rules and for Qt as TrueType data.

Rules carry the packages' own `unicode-range`, so that a browser fetches only the files that a page's letters need.
"""

import hashlib
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Literal

from contracts.errors import InputError
from datagen.content.locales import LOCALES, Locale
from datagen.kits.files import kit_file

Style = Literal["sans", "serif", "mono", "hand", "display"]


@dataclass(frozen=True)
class Font:
    """A family: its npm package, the weights that pages use, the scripts it has letters for, and its kind."""

    package: str
    weights: tuple[int, ...]
    scripts: tuple[str, ...]
    style: Style


_L, _LC, _LG, _LCG = ("latin",), ("latin", "cyrillic"), ("latin", "greek"), ("latin", "cyrillic", "greek")
FONTS: dict[str, Font] = {
    "Inter": Font("inter", (400, 500, 600, 700), _LCG, "sans"),
    "Roboto": Font("roboto", (300, 400, 500, 700), _LCG, "sans"),
    "Open Sans": Font("open-sans", (400, 600, 700), (*_LCG, "hebrew"), "sans"),
    "Lato": Font("lato", (400, 700), _L, "sans"),
    "Noto Sans": Font("noto-sans", (400, 500, 600, 700), (*_LCG, "devanagari"), "sans"),
    "Montserrat": Font("montserrat", (400, 500, 600, 700), _LC, "sans"),
    "Poppins": Font("poppins", (400, 500, 600, 700), ("latin", "devanagari"), "sans"),
    "Nunito": Font("nunito", (400, 600, 700), _LC, "sans"),
    "Raleway": Font("raleway", (400, 500, 600, 700), _LC, "sans"),
    "Rubik": Font("rubik", (400, 500, 700), (*_LC, "hebrew", "arabic"), "sans"),
    "Work Sans": Font("work-sans", (400, 500, 600, 700), _L, "sans"),
    "DM Sans": Font("dm-sans", (400, 500, 700), _L, "sans"),
    "Fira Sans": Font("fira-sans", (400, 500, 600, 700), _LCG, "sans"),
    "IBM Plex Sans": Font("ibm-plex-sans", (400, 500, 600, 700), _LCG, "sans"),
    "Ubuntu": Font("ubuntu", (400, 500, 700), _LCG, "sans"),
    "Source Serif 4": Font("source-serif-4", (400, 600, 700), _LCG, "serif"),
    "Merriweather": Font("merriweather", (400, 700), _LC, "serif"),
    "Playfair Display": Font("playfair-display", (400, 600, 700), _LC, "serif"),
    "PT Serif": Font("pt-serif", (400, 700), _LC, "serif"),
    "Noto Serif": Font("noto-serif", (400, 600, 700), _LCG, "serif"),
    "Vollkorn": Font("vollkorn", (400, 600, 700), _LCG, "serif"),
    "JetBrains Mono": Font("jetbrains-mono", (400, 500, 700), _LCG, "mono"),
    "Source Code Pro": Font("source-code-pro", (400, 600, 700), _LCG, "mono"),
    "Caveat": Font("caveat", (400, 700), _LC, "hand"),
    "Press Start 2P": Font("press-start-2p", (400,), _LCG, "display"),
    "Noto Sans Arabic": Font("noto-sans-arabic", (300, 400, 500, 600, 700), ("latin", "arabic"), "sans"),
    "Noto Sans Hebrew": Font("noto-sans-hebrew", (300, 400, 500, 600, 700), ("latin", "hebrew"), "sans"),
    "Noto Sans Devanagari": Font("noto-sans-devanagari", (300, 400, 500, 600, 700), ("latin", "devanagari"), "sans"),
    "Noto Sans Thai": Font("noto-sans-thai", (300, 400, 500, 600, 700), ("latin", "thai"), "sans"),
    "Noto Sans SC": Font("noto-sans-sc", (400, 700), ("latin", "han"), "sans"),
    "Noto Sans JP": Font("noto-sans-jp", (400, 700), ("latin", "japanese"), "sans"),
    "Noto Sans KR": Font("noto-sans-kr", (400, 700), ("latin", "hangul"), "sans"),
}
# What the other scripts fall back to, in this order: names and loan words stand in pages of every language.
_FALLBACKS = (
    "Noto Sans", "Noto Sans Arabic", "Noto Sans Hebrew", "Noto Sans Devanagari", "Noto Sans Thai", "Noto Sans SC", "Noto Sans JP", "Noto Sans KR",
    "JetBrains Mono",
)  # fmt: skip


@dataclass(frozen=True)
class Face:
    """One file of a family: npm path, weight, and the characters it is fetched for, as CSS writes them (empty: all)."""

    family: str
    weight: int
    path: str
    unicode_range: str

    def covers(self, character: str) -> bool:
        """Whether the browser looks into this file for the character."""
        code = ord(character)
        return not self.unicode_range or any(low <= code <= high for low, high in _intervals(self.unicode_range))


@cache
def _intervals(unicode_range: str) -> tuple[tuple[int, int], ...]:
    parts = (part.strip().removeprefix("U+").removeprefix("u+") for part in unicode_range.split(","))
    return tuple((int(part.split("-")[0].replace("?", "0"), 16), int(part.split("-")[-1].replace("?", "F"), 16)) for part in parts)


@cache
def faces(family: str) -> tuple[Face, ...]:
    """Every file of a family that pages can use. InputError if the kits are not installed."""
    font = FONTS[family]
    found = []
    for weight in font.weights:
        sheet = kit_file(f"@fontsource/{font.package}/{weight}.css").read_text(encoding="utf-8")
        for rule in re.findall(r"@font-face\s*\{[^}]*\}", sheet):
            file = re.search(r"url\(\./([^)]+\.woff2)\)", rule)
            characters = re.search(r"unicode-range:\s*([^;}]+)", rule)
            if file:
                found.append(Face(family, weight, f"@fontsource/{font.package}/{file[1]}", re.sub(r"\s+", "", characters[1]) if characters else ""))
    return tuple(found)


@cache
def font_face_css(base_url: str) -> str:
    """`@font-face` rules of all families; `base_url` is where the folder `node_modules` is served."""
    return "\n".join(
        f"@font-face{{font-family:'{face.family}';font-weight:{face.weight};font-display:block;"
        f"src:url({base_url.rstrip('/')}/{face.path}) format('woff2')" + (f";unicode-range:{face.unicode_range}" if face.unicode_range else "") + "}"
        for family in FONTS
        for face in faces(family)
    )


def font_stack(rng: Random, locale: Locale | str) -> tuple[list[str], list[str]]:
    """Families for body and headings: the first fits the locale, the rest cover every other script. No system font is named."""
    if isinstance(locale, str):
        locale = LOCALES[locale]
    body_choices = [family for family in locale.fonts if FONTS[family].style in ("sans", "serif")]
    sans = [family for family in body_choices if FONTS[family].style == "sans"]
    body = rng.choice(sans if rng.random() < 0.8 else body_choices)
    heading = body if rng.random() < 0.7 else rng.choice(locale.fonts)
    # The faces made for the locale's own script come before others that share its code points (Chinese and Japanese).
    own = next((family for family in locale.fonts if family in _FALLBACKS), "Noto Sans")
    return _stack(body, own), _stack(heading, own)


def mono_stack(rng: Random, locale: Locale | str) -> list[str]:
    """Families for code and terminals."""
    if isinstance(locale, str):
        locale = LOCALES[locale]
    own = next((family for family in locale.fonts if family in _FALLBACKS), "Noto Sans")
    return _stack(rng.choice([family for family, font in FONTS.items() if font.style == "mono"]), own)


def css_family(stack: Iterable[str]) -> str:
    """A stack as the value of CSS `font-family`."""
    return ",".join(f"'{family}'" for family in stack)


@cache
def truetype(family: str, weight: int, scripts: tuple[str, ...]) -> list[bytes]:
    """The files of a family that hold these scripts' letters, as TrueType data for Qt's `addApplicationFontFromData`.

    Every subset that has a letter of `SCRIPT_SAMPLES` is included; InputError for a weight or script the family does not have.
    """
    from fontTools.ttLib import TTFont

    font = FONTS.get(family)
    if font is None or weight not in font.weights or not set(scripts) <= set(font.scripts):
        raise InputError(
            "has no such face.",
            field="font",
            found=f"{family} {weight} {' '.join(scripts)}",
            fix=f"Its weights are {font.weights}, its scripts {font.scripts}." if font else f"The families are {', '.join(FONTS)}.",
        )
    data = []
    for face in faces(family):
        if face.weight == weight and any(face.covers(letter) for script in scripts for letter in SCRIPT_SAMPLES[script]):
            # The same outlines are packed as WOFF 1, too: unpacked twenty times as fast.
            face_font = TTFont(kit_file(face.path.removesuffix("2")))
            face_font.flavor = None
            buffer = io.BytesIO()
            face_font.save(buffer)
            data.append(buffer.getvalue())
    return data


# Letters by which a subset is known to belong to a script. Han and Hangul are cut into a hundred files by how often letters are used:
# every letter of these ranges counts.
SCRIPT_SAMPLES: dict[str, str] = {
    "latin": "aéß¿ğłœš€",
    "cyrillic": "жЁ",
    "greek": "λώ",
    "arabic": "عگ",
    "hebrew": "ש",
    "devanagari": "क",
    "thai": "ก",
    "han": "".join(map(chr, range(0x4E00, 0x9FFF, 7))) + "、。，：！？",
    "japanese": "".join(map(chr, range(0x4E00, 0x9FFF, 7))) + "あアー、。",
    "hangul": "".join(map(chr, range(0xAC00, 0xD7A4, 5))),
}


def _stack(first: str, own: str) -> list[str]:
    return list(dict.fromkeys((first, own, *_FALLBACKS)))


def families_sha256() -> dict[str, str]:
    """Family -> hash over its files, in order: what the dataset's manifest says of the typefaces."""
    found = {}
    for family in FONTS:
        digest = hashlib.sha256()
        for face in sorted(faces(family), key=lambda face: face.path):
            digest.update(kit_file(face.path).read_bytes())
        found[family] = digest.hexdigest()
    return found
