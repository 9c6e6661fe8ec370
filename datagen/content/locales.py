"""The languages of the screens: direction, script, where names come from and which typefaces have their letters."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Locale:
    """One language of screens.

    `faker` is the locale of the Faker package, `cldr` that of Babel (dates, numbers, currencies); `script` is one of the keys of
    `fonts.SCRIPT_SAMPLES`; `fonts` are families of `fonts.FONTS` that have every letter of the language, those made for it first.
    """

    code: str
    name: str
    faker: str
    cldr: str
    direction: Literal["ltr", "rtl"]
    script: str
    fonts: tuple[str, ...]
    currencies: tuple[str, ...]


_LATIN = (
    "Inter", "Roboto", "Open Sans", "Lato", "Noto Sans", "Montserrat", "Poppins", "Nunito", "Raleway", "Rubik", "Work Sans", "DM Sans", "Fira Sans",
    "IBM Plex Sans", "Ubuntu", "Source Serif 4", "Merriweather", "Playfair Display", "PT Serif", "Noto Serif", "Vollkorn", "Caveat",
)  # fmt: skip
_CYRILLIC = (
    "Noto Sans", "Inter", "Roboto", "Open Sans", "Montserrat", "Nunito", "Raleway", "Rubik", "Fira Sans", "IBM Plex Sans", "Ubuntu",
    "Source Serif 4", "Merriweather", "Playfair Display", "PT Serif", "Noto Serif", "Vollkorn", "Caveat",
)  # fmt: skip
_GREEK = ("Noto Sans", "Inter", "Roboto", "Open Sans", "Fira Sans", "Ubuntu", "Source Serif 4", "Noto Serif", "Vollkorn")

LOCALES: dict[str, Locale] = {
    locale.code: locale
    for locale in (
        Locale("en", "English", "en_US", "en_US", "ltr", "latin", _LATIN, ("USD", "GBP", "EUR")),
        Locale("de", "German", "de_DE", "de_DE", "ltr", "latin", _LATIN, ("EUR", "CHF")),
        Locale("fr", "French", "fr_FR", "fr_FR", "ltr", "latin", _LATIN, ("EUR", "CAD")),
        Locale("es", "Spanish", "es_ES", "es_ES", "ltr", "latin", _LATIN, ("EUR", "MXN")),
        Locale("pt", "Portuguese", "pt_BR", "pt_BR", "ltr", "latin", _LATIN, ("BRL", "EUR")),
        Locale("ru", "Russian", "ru_RU", "ru_RU", "ltr", "cyrillic", _CYRILLIC, ("RUB",)),
        Locale("el", "Greek", "el_GR", "el_GR", "ltr", "greek", _GREEK, ("EUR",)),
        Locale("ar", "Arabic", "ar_AA", "ar_EG", "rtl", "arabic", ("Noto Sans Arabic",), ("EGP", "SAR", "USD")),
        Locale("he", "Hebrew", "he_IL", "he_IL", "rtl", "hebrew", ("Noto Sans Hebrew", "Rubik", "Open Sans"), ("ILS",)),
        Locale("hi", "Hindi", "hi_IN", "hi_IN", "ltr", "devanagari", ("Noto Sans Devanagari", "Poppins"), ("INR",)),
        Locale("th", "Thai", "th_TH", "th_TH", "ltr", "thai", ("Noto Sans Thai",), ("THB",)),
        Locale("zh", "Chinese", "zh_CN", "zh_CN", "ltr", "han", ("Noto Sans SC",), ("CNY",)),
        Locale("ja", "Japanese", "ja_JP", "ja_JP", "ltr", "japanese", ("Noto Sans JP",), ("JPY",)),
        Locale("ko", "Korean", "ko_KR", "ko_KR", "ltr", "hangul", ("Noto Sans KR",), ("KRW",)),
    )
}

# For kits whose style sheets know no other direction.
LEFT_TO_RIGHT: tuple[str, ...] = tuple(code for code, locale in LOCALES.items() if locale.direction == "ltr")
