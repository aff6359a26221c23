"""Countries, currencies and languages are known by code and by the names that people use."""

import pytest

from tasks.quality.codes import AMBIGUOUS_CODES, find_codes, find_currency_symbols, find_names
from tasks.values.folding import fold_words, make_phrase

NAMES = {
    "US": ["United States", "USA", "United States of America", "America", "U.S.", "U.S.A.", "the States"],
    "GB": ["United Kingdom", "UK", "Great Britain", "Britain", "U.K."],
    "AE": ["UAE", "Emirates", "United Arab Emirates"],
    "KR": ["South Korea", "Korea", "Republic of Korea"],
    "CZ": ["Czechia", "Czech Republic"],
    "NL": ["Netherlands", "Holland"],
    "TR": ["Turkey"],
    "CI": ["Ivory Coast"],
    "MM": ["Burma"],
    "RU": ["Russia", "Russian Federation"],
    "CN": ["China", "People's Republic of China"],
    "CD": ["Democratic Republic of the Congo"],
    "MK": ["Macedonia", "North Macedonia"],
    "BA": ["Bosnia"],
    "HK": ["Hong Kong"],
    "MO": ["Macau", "Macao"],
    "FRA": ["France"],
    "USA": ["America", "United States"],
    "USD": ["US Dollar", "dollar", "American dollar"],
    "GBP": ["British Pound", "pound", "pound sterling", "sterling"],
    "CHF": ["Swiss Franc", "franc"],
    "INR": ["Indian Rupee", "rupee"],
    "MXN": ["Mexican Peso", "peso"],
    "CNY": ["yuan", "renminbi"],
    "KRW": ["won"],
    "JPY": ["Japanese yen", "yen"],
    "BRL": ["real"],
    "RUB": ["rouble", "ruble"],
    "SEK": ["krona"],
    "NOK": ["krone"],
    "EUR": ["Euro"],
    "DE": ["German", "Germany"],
    "HAW": ["Hawaiian"],
}


@pytest.mark.parametrize(("code", "name"), [(code, name) for code, names in NAMES.items() for name in names])
def test_a_code_and_its_names_lead_to_each_other(code: str, name: str) -> None:
    assert make_phrase(fold_words(name)) in find_names(code)
    assert make_phrase(fold_words(name)) in find_names(code.lower())
    assert code in find_codes(name)
    assert code in find_codes(name.upper())


@pytest.mark.parametrize(("code", "name"), [("FR", "Germany"), ("USD", "euro"), ("DE", "French"), ("GB", "Bretagne")])
def test_a_code_is_not_called_by_the_name_of_another(code: str, name: str) -> None:
    assert make_phrase(fold_words(name)) not in find_names(code)
    assert code not in find_codes(name)


def test_a_locale_is_called_by_its_language_too() -> None:
    german = make_phrase(fold_words("German"))
    assert german in find_names("de-AT")
    assert german in find_names("de_AT")
    assert german not in find_names("deu-AT")
    assert german not in find_names("de-AUT")
    assert german not in find_names("at-DE")


@pytest.mark.parametrize("name", ["", "Lyon", "001", "840", "Narnia", "QQ", "DD", "SUN", "YUG"])
def test_other_words_are_neither_code_nor_name(name: str) -> None:
    assert find_names(name) == set()
    assert find_codes(name) == set()


def test_what_is_no_country_has_no_code() -> None:
    assert find_codes("world") == find_codes("Simplified Chinese") == set()


def test_finding_names_leaves_them_as_they_are() -> None:
    before = set(find_names("de"))
    find_names("de-AT")
    assert find_names("de") == before


@pytest.mark.parametrize(
    ("code", "signs"),
    [("USD", {"$"}), ("EUR", {"€"}), ("GBP", {"£"}), ("INR", {"₹"}), ("CAD", {"CA$"}), ("CHF", set()), ("XYZ", set())],
)
def test_a_sign_stands_for_a_currency_and_letters_are_no_sign(code: str, signs: set[str]) -> None:
    assert find_currency_symbols(code) == signs


ENGLISH = "at it in is no to us me all and are for her ad top"


@pytest.mark.parametrize("word", ENGLISH.split())
def test_codes_that_are_english_words_are_ambiguous(word: str) -> None:
    assert word.upper() in AMBIGUOUS_CODES


@pytest.mark.parametrize("code", ["FR", "DE", "USD", "GB"])
def test_other_codes_are_not(code: str) -> None:
    assert code not in AMBIGUOUS_CODES
