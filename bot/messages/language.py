"""The language that is spoken: the only place that knows how a sentence is said in another one.

Every sentence stands in the code in English, through `say`, and in `catalogues/` in the others.
Whoever writes a message decides before in which language, with `speaking`: an answer in that of
its reader, a card in that of the channels. What nobody has translated is said in English.
"""

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date
from decimal import Decimal
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

from babel.dates import format_date
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal

CATALOGUES = Path(__file__).parent / "catalogues"

ENGLISH = "en_US"
LANGUAGES = {
    "en": ENGLISH,
    "zh": "zh_CN",
    "zh-cn": "zh_CN",
    "zh-sg": "zh_CN",
    "zh-hans": "zh_CN",
    "zh-tw": "zh_TW",
    "zh-hk": "zh_TW",
    "zh-mo": "zh_TW",
    "zh-hant": "zh_TW",
}
"""Slack's names of languages, small, and the catalogue of each; others are told in English."""

_locale = ContextVar("locale", default="en-US")
"""As Slack names it."""


@cache
def catalogue_of(locale: str) -> str:
    """The catalogue for a language as Slack names it (`zh-TW`, `en-GB`): itself, its parent, or
    English."""
    name = locale.lower().replace("_", "-")
    while name and name not in LANGUAGES:
        name = name.rpartition("-")[0]
    return LANGUAGES.get(name, ENGLISH)


@contextmanager
def use_locale(locale: str) -> Iterator[None]:
    """Say everything within in this language, as Slack names it: `zh-TW`."""
    before = _locale.set(locale)
    try:
        yield
    finally:
        _locale.reset(before)


def current_locale() -> str:
    """The language that everything is said in now, as Slack names it."""
    return _locale.get()


def gettext(sentence: str, /, **values: object) -> str:
    """The sentence in the language that is spoken, with the values in their places.

    Values are put in as they are: outside text has to be safe already.
    """
    return _catalogue(_spoken()).gettext(sentence).format(**values)


def ngettext(one: str, many: str, number: int, /, **values: object) -> str:
    """The same for a number of things, which stands in the sentence as `{count}`."""
    said = _catalogue(_spoken()).ngettext(one, many, number)
    return said.format(count=numeral(number), **values)


def sentences(*said: str) -> str:
    """Sentences one after the other; those that are empty are left out."""
    return " ".join(sentence for sentence in said if sentence)


def listed(things: Iterable[str]) -> str:
    """Things in a row: `one, two, three`."""
    return gettext(", ").join(things)


def N_(sentence: str) -> str:  # noqa: N802 - gettext's own name
    """A sentence that is kept in a table and said later; marked so that it is translated."""
    return sentence


def numeral(number: int) -> str:
    """`12,500`, as the language writes it."""
    return format_decimal(number, locale=_spoken())


def day(at: date) -> str:
    """A day, as the language writes it: `Feb 28, 2027`."""
    return format_date(at, "medium", locale=_spoken())


def money(amount: Decimal, currency: str) -> str:
    """An amount, as the language writes it: `€1,250.00`. `currency` as in ISO 4217."""
    return format_currency(amount, currency, locale=_spoken())


def _spoken() -> str:
    return catalogue_of(_locale.get())


@cache
def _catalogue(name: str) -> NullTranslations:
    """Read once, when the first reader of that language comes."""
    if name == ENGLISH:
        return NullTranslations()
    with (CATALOGUES / f"{name}.po").open("rb") as file:
        sentences = read_po(file, locale=name, abort_invalid=True)
    compiled = io.BytesIO()
    write_mo(compiled, sentences)
    compiled.seek(0)
    return GNUTranslations(compiled)
