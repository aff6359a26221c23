"""What is left of an address that is stored or printed, and which addresses are not taken at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.urls import find_scheme, holds_user, is_shortened, is_url, name_origin, show_url

SECRET = "s3cr3t"


@pytest.mark.parametrize(
    "text",
    ["bundled", "list.md", "/a/b?c#d", "env:NAME", "block:name", "s3://bucket/x?y", "https://h/x", "HTTPS://H/x?",
     "https://unpkg.com/a@1.0/openapi.json", "http://[::1]:80/x"],
)  # fmt: skip
def test_what_holds_no_secret_is_shown_as_it_is(text: str) -> None:
    assert show_url(text) == text
    assert not is_shortened(text)


@pytest.mark.parametrize(
    ("text", "start"),
    [
        (f"https://h/x?sig={SECRET}", "https://h/x?hidden-"),
        (f"https://h:8443/x?a=1&sig={SECRET}#more", "https://h:8443/x?hidden-"),
        (f"https://h/x#{SECRET}", "https://h/x?hidden-"),
        (f"https://h?{SECRET}", "https://h?hidden-"),
        (f"https://me:{SECRET}@h/x", "https://h/x"),
        (f"https://{SECRET}@h/x?y", "https://h/x?hidden-"),
        (f"  HTTP://me:{SECRET}@h/x", "http://h/x"),
        (f"https://me:{SECRET}/@h/x", "https://…"),  # the password has a slash, and so is read as a port
        (f"https://h:{SECRET}/x", "https://…"),
        (f"http://[?{SECRET}", "http://…"),
        (f"https://h/x?a\n{SECRET}", "https://h/x?hidden-"),
    ],
)
def test_what_may_be_a_secret_is_left_out(text: str, start: str) -> None:
    shown = show_url(text)
    assert shown.startswith(start)
    assert SECRET not in shown
    assert is_shortened(shown) is ("?hidden-" in start)


def test_a_hash_tells_two_queries_apart_and_is_no_longer_than_it_need_be() -> None:
    one, same, other = (show_url(f"https://h/x?sig={value}") for value in ("a", "a", "b"))
    assert one == same != other
    assert len(one) == len("https://h/x?hidden-01234567")
    assert show_url(one) == one


@given(st.text(alphabet="abz019._~-%=&+/:?#@", max_size=30))
def test_no_query_survives_and_what_is_shown_is_shown_again_as_it_is(query: str) -> None:
    shown = show_url(f"https://h/x?{SECRET}{query}")
    assert SECRET not in shown
    assert is_shortened(shown)
    assert show_url(shown) == shown


@pytest.mark.parametrize(
    "text",
    ["https://me:pw@h/x", "http://me@h", "https://@h", " https://me:pw@h", "HTTPS://me:p w@h", "https:/me:pw@h",
     "https:me:pw@h", "https:\\\\me:pw@h", "https:///me:pw@h", "s3://key:secret@bucket/x", "ftp://me:pw@h",
     "simplecache::s3://key:secret@bucket/x", "zip://x.zip::https://me:pw@h/x"],
)  # fmt: skip
def test_users_of_web_addresses_and_passwords_of_any_are_found(text: str) -> None:
    assert holds_user(text)


@pytest.mark.parametrize(
    "text",
    ["bundled", "/data/me:x@y/list.md", "list@2.md", "https://h/@me/x", "https://h/x?mail=a:b@c", "https://h#a:b@c",
     "abfs://container@account.dfs.core.windows.net/x", "sftp://me@host/x", "github://owner:repository@main/x",
     "s3://bucket/key:a@b", "env:NAME", "block:a@b", "mailto:a@b"],
)  # fmt: skip
def test_what_only_looks_like_a_user_is_not_taken_for_one(text: str) -> None:
    assert not holds_user(text)


def test_a_scheme_and_an_origin_are_told() -> None:
    assert [find_scheme(text) for text in ("HTTPS://h", "env:NAME", "/a:b", "list.md")] == ["https", "env", "", ""]
    assert name_origin("https://me:pw@h:8/x?y#z") == "https://h:8"
    assert name_origin("http://[") == "…"
    assert is_url(" Https://h")
