"""Words for pages, in the language of a locale: fixed terms of interfaces, names, addresses, prices, dates, titles, sentences.

Fixed terms come from `english.py` and `terms.json`, names from Faker, numbers and dates from CLDR (Babel). Everything is drawn from the
`random.Random` that is given: the same one gives the same words in any process.
"""

import json
from collections.abc import Callable
from datetime import date, datetime, time
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from datagen.content import english
from datagen.content.lexicon import ADDRESSES, COMPANIES, PHONES, SURNAME_FIRST, UNSPACED, lexicon
from datagen.content.locales import LOCALES, Locale

TERMS = Path(__file__).with_name("terms.json")

COUNTRIES = (
    "US GB CA AU NZ IE DE AT CH FR BE NL LU ES PT IT GR CY TR SE NO DK FI IS EE LV LT PL CZ SK HU RO BG HR RS SI UA GE AM KZ RU EG MA DZ TN SA AE QA "
    "JO LB IL IN PK BD LK NP TH VN MY SG ID PH CN TW HK JP KR MN BR AR CL PE CO EC UY MX CU CR KE TZ NG GH ET ZA SN"
).split()
LANGUAGES = "en de fr es pt it nl sv no da fi pl cs hu ro bg hr uk ru el tr ar he fa hi bn ta th vi id zh ja ko".split()
CURRENCIES = "USD EUR GBP JPY CNY INR BRL CHF CAD AUD MXN KRW SEK PLN TRY EGP ILS THB".split()

_EASTERN_DIGITS = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
# Marks that only steer the direction of text, and a narrow space that few typefaces have.
_INVISIBLE = str.maketrans({"\u200e": None, "\u200f": None, "\u061c": None, "\u202f": "\u00a0", "\u2009": "\u00a0"})

_EXTENSIONS = ("pdf", "docx", "xlsx", "pptx", "png", "jpg", "mp4", "mp3", "zip", "csv", "txt", "md", "py", "js", "html", "css", "json", "svg")
_STEMS = ("report", "invoice", "photo", "scan", "notes", "budget", "contract", "presentation", "backup", "export", "data", "index", "main", "README",
          "settings", "IMG", "logo", "draft", "plan", "summary", "minutes", "translation", "sketch", "song", "holiday", "recipe")  # fmt: skip
_CODE = (
    "def {a}({b}, {c}=None):", "    return {a}.{b}({c})", "for {a} in {b}s:", "    if {a} is None:", "import {a}", "from {a} import {b}", "{a} = {b}({n})",
    "const {a} = await {b}({c});", "let {a} = {n};", "if ({a} === {n}) {{", "}}", "return {a} + {b};", "function {a}({b}) {{", "// {a} the {b}",
    "# {a} the {b}", "<div class=\"{a}\">", "</{a}>", "{a}: {n}px;", "SELECT {a} FROM {b} WHERE {c} > {n};", "print(f\"{a}: {{{b}}}\")",
    "class {A}({B}):", "    self.{a} = {b}", "try {{", "export default {a};", "console.log({a}, {n});", "{a}.forEach(({b}) => {b}.{c}());",
    "assert len({a}) == {n}", "public static void {a}(String {b}) {{", "#include <{a}.h>", "git commit -m \"{a} {b}\"", "npm install {a}", "cd {a}/{b}",
    "    \"{a}\": \"{b}\",", "fn {a}({b}: &str) -> usize {{", "while {a} < {n}:", "{a}[{n}] = {b}",
)  # fmt: skip
_NAMES = ("user", "item", "value", "order", "index", "total", "count", "name", "list", "node", "page", "price", "result", "path", "token", "client",
          "config", "data", "event", "field", "group", "image", "key", "label", "model", "query", "row", "state", "table", "view")  # fmt: skip


@cache
def terms() -> dict[str, dict[str, str]]:
    """English term -> locale -> translation."""
    loaded: dict[str, dict[str, str]] = json.loads(TERMS.read_text(encoding="utf-8"))
    return loaded


@cache
def _faker(name: str) -> Any:
    from faker import Faker

    return Faker(name)


@cache
def _cldr(name: str) -> Any:
    """Babel's locale with data of its own.

    Babel 2.18 lets locales share parts of their data and writes into them when a reference between parts is followed: Chinese months became
    Hebrew ones if Hebrew was asked first. A copy made before anything was asked does not depend on what was asked elsewhere.
    """
    import copy

    from babel import Locale as Cldr
    from babel import localedata

    locale = Cldr.parse(name)
    locale._Locale__data = localedata.LocaleDataDict(copy.deepcopy(localedata.load(str(locale))))
    return locale


class Words:
    """Text of one screen. `command`, `field_label`, `destination`, `section`, `form`, `column` and `metric` give English keys, for `t`; every
    other method gives text as it is shown, in the language of the locale."""

    def __init__(self, rng: Random, locale: Locale | str):
        self.rng = rng
        self.locale = LOCALES[locale] if isinstance(locale, str) else locale
        self.currency = rng.choice(self.locale.currencies)
        # Both kinds of digits are in daily use where Arabic is written; a page keeps to one.
        self._eastern_digits = rng.random() < 0.3 and self.locale.code == "ar"

    # Terms

    def t(self, english_term: str) -> str:
        """The term in the language of the locale; English where there is no translation."""
        if self.locale.code == "en":
            return english_term
        return terms().get(english_term, {}).get(self.locale.code, english_term)

    def command(self) -> str:
        return self.rng.choice(english.COMMANDS)

    def field_label(self) -> str:
        return self.rng.choice(english.FIELDS)

    def destination(self) -> str:
        return self.rng.choice(english.DESTINATIONS)

    def section(self) -> str:
        return self.rng.choice(english.SECTIONS)

    def form(self) -> str:
        return self.rng.choice(english.FORMS)

    def column(self) -> str:
        return self.rng.choice(english.COLUMNS)

    def metric(self) -> str:
        return self.rng.choice(english.METRICS)

    def setting(self) -> tuple[str, str]:
        """Title and explanation."""
        title, explanation = self.rng.choice(english.SETTINGS)
        return self.t(title), self.t(explanation)

    def status(self) -> tuple[str, str]:
        """Text and tone: success, info, warning, danger or neutral."""
        text, tone = self.rng.choice(english.STATUSES)
        return self.t(text), tone

    def alert(self) -> tuple[str, str]:
        """A short notice to the user, and its tone as in `status`."""
        text, tone = self.rng.choice(english.ALERTS)
        return self.t(text), tone

    def tag(self) -> str:
        return self.t(self.rng.choice(english.TAGS))

    def option(self, label: str) -> tuple[str, ...]:
        """What the field with this English label offers, 3 to 12 options as shown."""
        if label in english.OPTIONS:
            return tuple(self.t(option) for option in english.OPTIONS[label])
        if label == "Month":
            return tuple(self._months())
        if label == "Day":
            return tuple(self._weekdays())
        if label == "Time zone":
            return tuple(f"UTC{hours:+d}" if hours else "UTC" for hours in sorted(self.rng.sample(range(-11, 13), 6)))
        names = {"Country": _territories, "Language": _languages, "Currency": _currencies}.get(label)
        if names:
            return tuple(self.rng.sample(names(self.locale.cldr), self.rng.randrange(4, 13)))
        return tuple(dict.fromkeys(self.title() for _ in range(5)))

    # People and places

    def first_name(self) -> str:
        return str(self._fake().first_name())

    def last_name(self) -> str:
        return str(self._fake().last_name())

    def person(self) -> str:
        first, last = self.first_name(), self.last_name()
        joint = SURNAME_FIRST.get(self.locale.code)
        return f"{first} {last}" if joint is None else f"{last}{joint}{first}"

    def user_name(self) -> str:
        return str(self._fake().user_name())

    def domain(self) -> str:
        return str(self._fake().domain_name())

    def email(self) -> str:
        return f"{self.user_name()}@{self.rng.choice((self.domain(), 'gmail.com', 'outlook.com', 'example.com'))}"

    def url(self) -> str:
        path = self.rng.choice(("", "", "/" + self.rng.choice(_STEMS).lower(), f"/{self.rng.choice(_NAMES)}/{self.rng.randrange(10, 9999)}"))
        return f"{self.rng.choice(('https://', 'https://www.', 'www.', ''))}{self.domain()}{path}"

    def phone(self) -> str:
        patterns = PHONES.get(self.locale.code)
        return self._numerals(self.rng.choice(patterns)) if patterns else str(self._fake().phone_number())

    def company(self) -> str:
        patterns = COMPANIES.get(self.locale.code)
        if patterns:
            return self.rng.choice(patterns).format(last=self.last_name())
        return str(self._fake().company())

    def brand(self) -> str:
        """Name of the app or shop; brands are written in Latin letters everywhere."""
        return self.rng.choice(english.BRANDS)

    def job(self) -> str:
        return self.t(self.rng.choice(english.JOBS))

    def city(self) -> str:
        own = ADDRESSES.get(self.locale.code)
        return self.rng.choice(own.cities) if own and own.cities else str(self._fake().city())

    def country(self) -> str:
        return self.rng.choice(_territories(self.locale.cldr))

    def street(self) -> str:
        own = ADDRESSES.get(self.locale.code)
        if own and own.streets:
            return self._numerals(self.rng.choice(own.streets).format(last=self.last_name(), n=self.rng.randrange(1, 200)))
        return " ".join(str(self._fake().street_address()).split())

    def postcode(self) -> str:
        own = ADDRESSES.get(self.locale.code)
        return self._numerals(own.postcode) if own and own.postcode else str(self._fake().postcode())

    # Running text

    def word(self) -> str:
        return self.rng.choice(lexicon(self.locale.code))

    def words(self, n: int) -> str:
        """`n` different words (at most 100), joined as the language joins them."""
        return ("" if self.locale.code in UNSPACED else " ").join(self.rng.sample(lexicon(self.locale.code), min(n, 100)))

    def sentence(self) -> str:
        """Half of the time a sentence that products say, else 4 to 14 words."""
        if self.rng.random() < 0.5:
            fixed = self.rng.choice(english.SENTENCES)
            if self.locale.code == "en" or self.t(fixed) != fixed:
                return self.t(fixed)
        text = self.words(self.rng.randrange(4, 15))
        return text[0].upper() + text[1:] + {"zh": "。", "ja": "。", "hi": "।", "th": ""}.get(self.locale.code, ".")

    def sentences(self, n: int) -> str:
        return ("" if self.locale.code in ("zh", "ja") else " ").join(self.sentence() for _ in range(n))

    def paragraph(self) -> str:
        return self.sentences(self.rng.randrange(2, 7))

    def title(self) -> str:
        """Name of a document, project, task or event, 1 to 4 words."""
        if self.rng.random() < 0.6:
            return self.t(self.rng.choice(english.TITLES))
        text = self.words(self.rng.randrange(2, 5))
        return text[0].upper() + text[1:]

    def product(self) -> str:
        name = self.t(self.rng.choice(english.PRODUCTS))
        return name if self.rng.random() < 0.7 else f"{name} {self.rng.choice(english.BRANDS)}"

    def message(self) -> str:
        """A line of a chat."""
        return self.t(self.rng.choice(english.MESSAGES)) if self.rng.random() < 0.75 else self.sentence()

    def question(self) -> str:
        return self.t(self.rng.choice(english.QUESTIONS))

    def search_query(self) -> str:
        draw = self.rng.random()
        if draw < 0.4:
            return self.t(self.rng.choice(english.QUERIES))
        return self.words(self.rng.randrange(1, 4)) if draw < 0.7 else self.rng.choice((self.product, self.person, self.city))()

    # Numbers, dates, files

    def number(self) -> str:
        """A plain figure, 0 to a million, rarely with decimals."""
        value = self.rng.choice((self.rng.randrange(100), self.rng.randrange(10_000), self.rng.randrange(1_000_000), self.rng.randrange(1000) / 10))
        return self._decimal(value)

    def count(self) -> str:
        """How many there are of something: 12, 3,480 or 1.2K."""
        from babel.numbers import format_compact_decimal

        if self.rng.random() < 0.7:
            return self._decimal(self.rng.choice((self.rng.randrange(1, 100), self.rng.randrange(100, 10_000))))
        value = self.rng.randrange(1_100, 9_000_000)
        return self._shown(format_compact_decimal(value, locale=_cldr(self.locale.cldr), fraction_digits=1), numbers=True)

    def percent(self) -> str:
        from babel.numbers import format_percent

        form = self.rng.choice(("#,##0%", "#,##0.0%")) if self.locale.code == "en" else None
        return self._shown(format_percent(self.rng.randrange(0, 1001) / 1000, form, locale=_cldr(self.locale.cldr)), numbers=True)

    def change(self) -> tuple[str, bool]:
        """A difference such as `+4.2%`, and whether it is a gain."""
        up = self.rng.random() < 0.6
        return f"{'+' if up else '−'}{self._decimal(self.rng.randrange(1, 300) / 10)}%", up

    def price(self) -> str:
        from babel.numbers import format_currency

        scale = {"JPY": 100, "KRW": 1000, "RUB": 80, "INR": 80, "THB": 30, "EGP": 40}.get(self.currency, 1)
        whole = self.rng.choice((self.rng.randrange(1, 99), self.rng.randrange(100, 990), self.rng.randrange(1000, 9900))) * scale
        cents = self.rng.choice((0, 0, 0.5, 0.99, 0.95)) if scale == 1 else 0
        short = cents == 0 and self.rng.random() < 0.5
        form = _cldr(self.locale.cldr).currency_formats["standard"].pattern.split(";")[0].replace(".00", "") if short else None
        return self._shown(
            format_currency(whole + cents, self.currency, form, locale=_cldr(self.locale.cldr), currency_digits=not short), numbers=True
        )

    def day(self) -> date:
        """A date of the years 2019 to 2026."""
        return date.fromordinal(self.rng.randrange(date(2019, 1, 1).toordinal(), date(2027, 1, 1).toordinal()))

    def date(self) -> str:
        from babel.dates import format_date, format_skeleton

        form, cldr = self.rng.choice(("short", "medium", "medium", "long", "full", "MMMd", "MMMd", "yMMM")), _cldr(self.locale.cldr)
        day = self.day()
        return self._shown(format_skeleton(form, day, locale=cldr) if form[0] in "My" else format_date(day, form, locale=cldr))

    def date_iso(self) -> str:
        return self.day().isoformat()

    def time(self) -> str:
        from babel.dates import format_time

        return self._shown(format_time(self._clock(), "short", locale=_cldr(self.locale.cldr)))

    def datetime(self) -> str:
        from babel.dates import format_datetime

        moment = datetime.combine(self.day(), self._clock())
        return self._shown(format_datetime(moment, self.rng.choice(("short", "short", "medium")), locale=_cldr(self.locale.cldr)))

    def weekday(self) -> str:
        return self.rng.choice(self._weekdays())

    def month(self) -> str:
        return self.rng.choice(self._months())

    def duration(self) -> str:
        from babel.units import format_unit

        unit, value = self.rng.choice((("minute", self.rng.randrange(2, 60)), ("hour", self.rng.randrange(1, 24)), ("day", self.rng.randrange(1, 31)),
                                       ("second", self.rng.randrange(1, 60)), ("clock", 0)))  # fmt: skip
        if unit == "clock":
            return self._shown(f"{self.rng.randrange(0, 60)}:{self.rng.randrange(60):02}")
        name, length = f"duration-{unit}", self.rng.choice(("short", "short", "long"))
        text = format_unit(value, name, length, locale=_cldr(self.locale.cldr))
        # Babel prints the unit's identifier where CLDR has no long form (minutes in Thai and Chinese).
        return self._shown(text if name not in text else format_unit(value, name, "short", locale=_cldr(self.locale.cldr)))

    def file_size(self) -> str:
        from babel.units import format_unit

        unit, value = self.rng.choice((("kilobyte", self.rng.randrange(1, 999)), ("megabyte", self.rng.randrange(10, 999) / 10),
                                       ("gigabyte", self.rng.randrange(10, 99) / 10)))  # fmt: skip
        return self._shown(format_unit(value, f"digital-{unit}", "short", locale=_cldr(self.locale.cldr)))

    def file_name(self) -> str:
        """Half of the time in the language of the locale, as people name files."""
        extension = self.rng.choice(_EXTENSIONS)
        if self.rng.random() < 0.5:
            return f"{self.title()}.{extension}"
        ending = self.rng.choice(
            ("", "", f"_{self.rng.randrange(1, 9999):04}", f"-{self.day().isoformat()}", f" ({self.rng.randrange(1, 9)})", "_final", "-v2")
        )
        return f"{self.rng.choice(_STEMS)}{ending}.{extension}"

    def code_line(self) -> str:
        a, b, c = self.rng.sample(_NAMES, 3)
        return self.rng.choice(_CODE).format(a=a, b=b, c=c, A=a.title(), B=b.title(), n=self.rng.randrange(100))

    def field_value(self, label_key: str) -> str:
        """What somebody could have typed into, or chosen in, the field with this English label."""
        if label_key in FIELD_VALUES:
            return FIELD_VALUES[label_key](self)
        if label_key in english.OPTIONS or label_key in english.CLDR_FIELDS:
            return self.rng.choice(self.option(label_key))
        return self.title()

    # What the methods above are made of

    def _fake(self) -> Any:
        """The locale's Faker, at a state that follows from this object's generator alone."""
        fake = _faker(self.locale.faker)
        fake.seed_instance(self.rng.getrandbits(48))
        return fake

    def _numerals(self, pattern: str) -> str:
        return "".join(str(self.rng.randrange(10)) if letter == "#" else letter for letter in pattern)

    def _clock(self) -> time:
        return time(self.rng.randrange(24), self.rng.choice((0, 15, 30, 45, self.rng.randrange(60))))

    def _decimal(self, value: float) -> str:
        from babel.numbers import format_decimal

        return self._shown(format_decimal(value, locale=_cldr(self.locale.cldr)), numbers=True)

    def _shown(self, text: str, numbers: bool = False) -> str:
        text = text.translate(_INVISIBLE).strip()
        if self.locale.code == "ko":  # CLDR writes the day periods of Korean in Latin letters; products do not
            text = text.replace("AM", "오전").replace("PM", "오후")
        if self._eastern_digits:
            if numbers:
                text = text.replace(",", "٬").replace("%", "٪")
            text = text.translate(_EASTERN_DIGITS)
        return text

    def _months(self) -> list[str]:
        return list(_cldr(self.locale.cldr).months["stand-alone"]["wide"].values())

    def _weekdays(self) -> list[str]:
        width = self.rng.choice(("wide", "wide", "abbreviated"))
        return list(_cldr(self.locale.cldr).days["stand-alone"][width].values())


@cache
def _territories(cldr: str) -> list[str]:
    return [_cldr(cldr).territories[code] for code in COUNTRIES]


@cache
def _languages(cldr: str) -> list[str]:
    return [_cldr(cldr).languages[code] for code in LANGUAGES]


@cache
def _currencies(cldr: str) -> list[str]:
    return [_cldr(cldr).currencies[code] for code in CURRENCIES]


def _digits(pattern: str) -> Callable[[Words], str]:
    return lambda words: words._numerals(pattern)


FIELD_VALUES: dict[str, Callable[[Words], str]] = {
    "First name": Words.first_name, "Last name": Words.last_name, "Full name": Words.person, "Name": Words.person, "Account holder": Words.person,
    "Name on card": Words.person, "Emergency contact": Words.person, "Recipient": Words.person, "Company": Words.company, "Street": Words.street,
    "Address": Words.street, "Location": Words.city, "City": Words.city, "From": Words.city, "To": Words.city, "Postcode": Words.postcode,
    "Phone": Words.phone, "Mobile number": Words.phone, "Email": Words.email, "Job title": Words.job, "Website": Words.url, "Link": Words.url,
    "Username": Words.user_name, "Nickname": Words.user_name, "Password": lambda words: "•" * words.rng.randrange(6, 15),
    "Confirm password": lambda words: "•" * words.rng.randrange(6, 15), "Current password": lambda words: "•" * words.rng.randrange(6, 15),
    "New password": lambda words: "•" * words.rng.randrange(6, 15), "Reference": _digits("REF-#####"), "Order number": _digits("#######"),
    "Card number": _digits("4### #### #### ####"), "Tax number": _digits("##/###/#####"), "Account number": _digits("##########"),
    "Coupon code": lambda words: words.rng.choice(("SAVE", "WELCOME", "SUMMER", "VIP")) + str(words.rng.randrange(5, 50)),
    "Apartment": lambda words: str(words.rng.randrange(1, 120)), "Serial number": _digits("SN-####-####"), "Description": Words.sentence,
    "Message": Words.paragraph, "Notes": Words.sentence, "Comment": Words.sentence, "Biography": Words.sentence, "Date": Words.date, "Date of birth": Words.date,
    "Start date": Words.date, "End date": Words.date, "Due date": Words.date, "Arrival": Words.date, "Departure": Words.date, "Time": Words.time,
    "Quantity": lambda words: words._decimal(words.rng.randrange(1, 100)), "Amount": Words.price, "Price": Words.price, "Budget": Words.price,
    "Discount": Words.percent, "Weight": lambda words: f"{words._decimal(words.rng.randrange(1, 990) / 10)} kg",
    "Height": lambda words: f"{words.rng.randrange(150, 200)} cm", "Age": lambda words: str(words.rng.randrange(18, 90)), "Search": Words.search_query,
    "Security code": _digits("###"), "Expiry date": lambda words: f"{words.rng.randrange(1, 13):02}/{words.rng.randrange(27, 34)}",
    "Verification code": _digits("######"), "File name": Words.file_name, "Keywords": lambda words: f"{words.tag()}, {words.tag()}", "Tags": Words.tag,
}  # fmt: skip
