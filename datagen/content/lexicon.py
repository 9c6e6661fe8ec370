"""What Faker does not know about some languages: everyday words, forms of addresses, companies and telephone numbers."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from datagen.content.locales import LOCALES

LEXICON = Path(__file__).with_name("lexicon.json")

# Languages written without spaces between words.
UNSPACED = ("zh", "ja", "th")
# Where the family name stands first: what stands between it and the given name.
SURNAME_FIRST = {"zh": "", "ko": "", "ja": " "}


@dataclass(frozen=True)
class Address:
    """Own parts of addresses; an empty one means that Faker's are good. `{last}` is a family name, `{n}` a number, # a digit."""

    cities: tuple[str, ...] = ()
    streets: tuple[str, ...] = ()
    postcode: str = ""


ADDRESSES: dict[str, Address] = {
    "ar": Address(
        cities=("القاهرة", "الإسكندرية", "الجيزة", "الرياض", "جدة", "مكة", "الدمام", "دبي", "أبوظبي", "الشارقة", "عمّان", "إربد", "بيروت", "طرابلس", "بغداد", "البصرة",
                "الموصل", "تونس", "صفاقس", "الجزائر", "وهران", "الرباط", "الدار البيضاء", "مراكش", "فاس", "الدوحة", "الكويت", "مسقط", "المنامة", "الخرطوم"),
        streets=("شارع {last} {n}", "{n} شارع {last}", "طريق {last}، مبنى {n}"),
        postcode="#####",
    ),
    "hi": Address(streets=("{n}, {last} मार्ग", "{n} {last} नगर", "मकान नं. {n}, {last} रोड"), postcode="######"),
    "ja": Address(streets=("{last}町{n}-1", "中央{n}-#", "本町1-{n}", "{last}台{n}-#")),
    "zh": Address(streets=("人民路{n}号", "中山路{n}号", "解放路{n}号", "建设路{n}号", "长江路{n}号", "和平街{n}号", "{last}家巷{n}号")),
    "ko": Address(streets=("중앙로 {n}", "세종대로 {n}", "강남대로 {n}", "{last}골길 {n}", "역삼로 {n}", "학동로#길 {n}")),
}  # fmt: skip
COMPANIES: dict[str, tuple[str, ...]] = {
    "ar": ("شركة {last}", "مؤسسة {last} للتجارة", "مجموعة {last}", "مصانع {last}", "مكتبة {last}"),
    "hi": ("{last} एंड संस", "{last} ट्रेडर्स", "{last} उद्योग", "{last} समूह", "{last} इंटरप्राइजेज"),
    "he": ("{last} ובניו", "קבוצת {last}", "{last} בע\"מ", "מפעלי {last}", "{last} אחזקות"),
}  # fmt: skip
PHONES: dict[str, tuple[str, ...]] = {
    "en": ("(2##) 555-01##", "+1 4## 555 01##", "5##-555-01##"),
    "ar": ("+20 10# ### ####", "01# #### ####", "+966 5# ### ####"),
}


@cache
def lexicon(locale: str) -> tuple[str, ...]:
    """Everyday words of the language: the list of `lexicon.json` if it has one, else those of Faker."""
    own: dict[str, list[str]] = json.loads(LEXICON.read_text(encoding="utf-8"))
    if locale in own:
        return tuple(own[locale])
    from faker import Faker

    words = Faker(LOCALES[locale].faker).get_words_list()
    return tuple(dict.fromkeys(words))
