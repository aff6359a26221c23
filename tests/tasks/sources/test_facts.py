"""The words that sources use, brought to the catalogue's values: what just counts, and what just does not."""

import pytest

from schemas.catalog import Auth, Cors
from tasks.sources.facts import (
    clean_fact,
    clean_link,
    is_auth_cell,
    parse_auth,
    parse_cors,
    parse_https,
    shorten,
)


@pytest.mark.parametrize(
    ("text", "auth"),
    [
        ("", "none"), ("No", "none"), (" none ", "none"), ("`null`", "none"), ("False", "none"), ("-", "none"),
        ("apiKey", "apiKey"), ("`API-Key`", "apiKey"), ("api key", "apiKey"), ("apiKeys", "other"),
        ("OAuth", "OAuth"), ("`oauth2`", "OAuth"), ("X-OAuth", "other"),
        ("User-Agent", "other"), ("X-Mashape-Key", "other"), ("nothing", "other"), ("yes", "other"),
    ],
)  # fmt: skip
def test_auth_is_none_a_key_oauth_or_other(text: str, auth: Auth) -> None:
    assert parse_auth(text) == auth


@pytest.mark.parametrize(
    ("text", "speaks"),
    [("Yes", True), (" `TRUE` ", True), ("no", False), ("false", False), ("", None), ("perhaps", None), ("y", None)],
)
def test_https_is_yes_or_no_or_not_told(text: str, speaks: bool | None) -> None:
    assert parse_https(text) is speaks


@pytest.mark.parametrize(
    ("text", "cors"),
    [
        ("Yes", "yes"), ("NO", "no"), ("`unknown`", "unknown"), ("Unkown", "unknown"), (" ", "unknown"),
        ("?", None), ("true", None),
    ],
)  # fmt: skip
def test_cors_is_yes_no_or_unknown_or_none_of_these(text: str, cors: Cors | None) -> None:
    assert parse_cors(text) == cors


@pytest.mark.parametrize(
    ("cell", "can_be"),
    [("No", True), ("", True), ("apiKey", True), ("OAuth", True), ("`anything else`", True), (" `X-Key` ", True),
     ("X-Key", False), ("some words", False), ("`a` and `b`", False), ("`open", False)],
)  # fmt: skip
def test_a_cell_can_be_auth_if_it_is_code_or_names_a_method(cell: str, can_be: bool) -> None:
    assert is_auth_cell(cell) is can_be


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [(" a \n\t b ", "a b"), ("a\0b", "a b"), ("\ud83d!", "?!"), ("é 🐑", "é 🐑"), ("a\u200bb", "a b"), ("", "")],
)
def test_text_is_cleaned_to_one_line(text: str, cleaned: str) -> None:
    assert clean_fact(text) == cleaned


@pytest.mark.parametrize(
    ("text", "length", "short"),
    [
        ("one two", 7, "one two"),
        ("one two", 6, "one…"),
        ("one two three", 9, "one two…"),  # "one two " and the ellipsis
        ("onetwothree", 6, "onetw…"),
        ("", 1, ""),
    ],
)
def test_text_is_cut_at_a_word_where_that_can_be(text: str, length: int, short: str) -> None:
    assert shorten(text, length) == short
    assert len(short) <= length


@pytest.mark.parametrize(
    ("link", "cleaned"),
    [
        (" https://a.example/x ", "https://a.example/x"),
        ("https://a.example/?utm_source=x", "https://a.example/"),
        ("https://a.example/?a=1&UTM_medium=x&b=2#c", "https://a.example/?a=1&b=2#c"),
        ("https://a.example/?xutm_source=x", "https://a.example/?xutm_source=x"),
        ("https://a.example/?q=utm_source", "https://a.example/?q=utm_source"),
        ("HTTPS://A.example/?", "HTTPS://A.example/?"),
        ("http://[", "http://["),
        ("", ""),
    ],
)
def test_a_link_loses_what_tracks_and_nothing_else(link: str, cleaned: str) -> None:
    assert clean_link(link) == cleaned
