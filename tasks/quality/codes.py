"""Countries, currencies and languages: what else a code or a name is called (names from CLDR, through babel)."""

import functools
from collections import defaultdict

from babel import Locale
from babel.core import get_global
from babel.numbers import get_currency_symbol

from tasks.values.folding import fold_words, make_phrase

_ENGLISH_WORDS = (
    "AD AI AL AM AN AS AT BE BY CAN DO ES GET HE ID IN IS IT LA MA ME MY NO OF OH OK OM OR PA SO TO TOP TRY US ALL AND "
    "ARE FOR NOT SEE HER"
)
AMBIGUOUS_CODES = frozenset(_ENGLISH_WORDS.split())
"""Codes that are English words too: they are found only in the very case of the code, never as a word."""

_COUNTRY_ALIASES = {
    "US": ("usa", "united states of america", "america", "u.s.", "u.s.a.", "the states"),
    "GB": ("uk", "great britain", "britain", "u.k."),
    "AE": ("uae", "emirates"),
    "KR": ("korea", "republic of korea"),
    "CZ": ("czech republic",),
    "NL": ("holland",),
    "TR": ("turkey",),
    "CI": ("ivory coast",),
    "MM": ("burma",),
    "RU": ("russian federation",),
    "CN": ("people's republic of china",),
    "CD": ("democratic republic of the congo",),
    "MK": ("macedonia",),
    "BA": ("bosnia",),
    "HK": ("hong kong",),
    "MO": ("macau", "macao"),
}
_CURRENCY_ALIASES = {
    "USD": ("dollar", "us dollar", "american dollar"),
    "GBP": ("pound", "pound sterling", "sterling"),
    "CHF": ("franc",),
    "INR": ("rupee",),
    "MXN": ("peso",),
    "CNY": ("yuan", "renminbi"),
    "KRW": ("won",),
    "JPY": ("yen",),
    "BRL": ("real",),
    "RUB": ("rouble", "ruble"),
    "SEK": ("krona",),
    "NOK": ("krone",),
}


@functools.cache
def _load_names() -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Phrases by code (upper case), and codes by phrase."""
    english = Locale("en")
    phrases: dict[str, set[str]] = defaultdict(set)

    def add(code: str, *names: str) -> None:
        phrases[code.upper()].update(make_phrase(fold_words(name)) for name in names)

    for code, name in english.territories.items():
        if code.isalpha():  # others are numbers of continents and the like
            add(code, name, *_COUNTRY_ALIASES.get(code, ()))
    for alias, targets in get_global("territory_aliases").items():
        if len(alias) == 3 and alias.isalpha() and len(targets) == 1:
            phrases[alias] |= phrases[targets[0]]
    for code, name in english.currencies.items():
        add(code, name, *_CURRENCY_ALIASES.get(code, ()))
    for code, name in english.languages.items():
        if code.isalpha():
            add(code, name)
    codes: dict[str, set[str]] = defaultdict(set)
    for code, names in phrases.items():
        for phrase in names:
            codes[phrase].add(code)
    return dict(phrases), dict(codes)


def find_names(code: str) -> set[str]:
    """The phrases (see `make_phrase`) that a country, currency or language code, in any case, is called by."""
    phrases = _load_names()[0]
    names = phrases.get(code.upper(), set())
    language, _, territory = code.replace("_", "-").partition("-")
    if len(language) == 2 and len(territory) == 2:
        names = names | phrases.get(language.upper(), set())
    return names


def find_codes(name: str) -> set[str]:
    """The codes, in upper case, of a country, currency or language by name; may be empty."""
    return _load_names()[1].get(make_phrase(fold_words(name)), set())


@functools.cache
def find_currency_symbols(code: str) -> frozenset[str]:
    """The signs that an English text writes before an amount in a currency, such as `$`; empty if none."""
    symbol = get_currency_symbol(code, "en_US")
    return frozenset() if symbol.isalpha() else frozenset([symbol])
