"""The key of a completion: spellings do not matter, meanings do."""

import hashlib
import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.calls import ChatRequest
from tasks.completions.keys import SCHEME, build_key, canonicalise, strip_credentials

TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=12
)


def respell(value: Any, data: st.DataObject) -> Any:
    """The same value, spelled differently wherever JSON and Unicode allow."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, str):
        return unicodedata.normalize(data.draw(st.sampled_from(["NFC", "NFD"])), value)
    if isinstance(value, int):
        return float(value) if abs(value) <= 2**53 and data.draw(st.booleans()) else value
    if isinstance(value, float):
        return int(value) if value.is_integer() and data.draw(st.booleans()) else value
    if isinstance(value, list):
        return [respell(item, data) for item in value]
    names = data.draw(st.permutations(list(value)))
    merged = len({unicodedata.normalize("NFC", name) for name in names}) < len(names)
    return {name if merged else respell(name, data): respell(value[name], data) for name in names}


def mean(value: Any) -> Any:
    """A form of a value that is equal exactly where the meaning is (slow and plain)."""
    if isinstance(value, bool) or value is None:
        return ("constant", value)
    if isinstance(value, str):
        return ("text", unicodedata.normalize("NFC", value))
    if isinstance(value, int | float):
        return ("number", value)
    if isinstance(value, list):
        return ("list", tuple(mean(item) for item in value))
    normal = {name: unicodedata.normalize("NFC", name) for name in value}
    merge = len(set(normal.values())) == len(normal)
    return ("object", frozenset((normal[name] if merge else name, mean(item)) for name, item in value.items()))


@given(VALUES, st.data())
def test_the_spelling_of_a_value_does_not_matter(value: Any, data: st.DataObject) -> None:
    assert canonicalise(respell(value, data)) == canonicalise(value)


@given(VALUES, VALUES)
def test_two_values_are_the_same_exactly_if_they_mean_the_same(one: Any, other: Any) -> None:
    assert (canonicalise(one) == canonicalise(other)) == (mean(one) == mean(other))


FLOATS_AS_TEXT = st.sampled_from(
    ["1.0", "[2.0]", "a,-3.0,b", '":4.0,"', "\\", '\\"5.0', "1e+16", "[1e+22]", "v1.0", "é:6.0,"]
)
WHOLE = st.integers(-(10**6), 10**6).map(float) | st.sampled_from([1e16, -1.5e22, 1e300, -0.0, 1.05, 2.5e-7])
MIXED = st.recursive(
    SCALARS | FLOATS_AS_TEXT | WHOLE,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS | FLOATS_AS_TEXT, inner, max_size=4),
    max_leaves=12,
)


def walk(value: Any) -> Any:
    """The value with NFC texts and whole numbers as integers, each item looked at: slow, and plain."""
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, list):
        return [walk(item) for item in value]
    if isinstance(value, dict):
        normal = {name: unicodedata.normalize("NFC", name) for name in value}
        merge = len(set(normal.values())) == len(normal)
        return {normal[name] if merge else name: walk(item) for name, item in value.items()}
    return value


@given(MIXED)
def test_numbers_mended_in_the_text_are_those_mended_in_the_value(value: Any) -> None:
    plain = json.dumps(walk(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert canonicalise(value) == plain


@given(VALUES)
def test_the_canonical_form_is_json_of_the_same_meaning(value: Any) -> None:
    assert mean(json.loads(canonicalise(value))) == mean(value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", 1),
        (True, 1),
        (None, ""),
        ([], {}),
        ([1, 2], [2, 1]),
        ("a", "A"),
        ("ﬁ", "fi"),  # NFKC would make these one; NFC does not
        ("\n\u0301", "\\ń"),
        ({"e\u0301": 1, "\u00e9": 2}, {"e\u0301": 2, "\u00e9": 1}),
    ],
)
def test_look_alikes_stay_apart(one: Any, other: Any) -> None:
    assert canonicalise(one) != canonicalise(other)


REQUEST = ChatRequest(
    messages=({"role": "user", "content": "Hi"},),
    tools=({"type": "function", "function": {"name": "f"}},),
    response_format={"type": "json_object"},
    temperature=0.5,
    max_tokens=10,
    seed=1,
    sample=0,
)
CHANGES: dict[str, Any] = {
    "messages": ({"role": "system", "content": "Hi"},),
    "tools": (),
    "response_format": None,
    "temperature": 0.7,
    "top_p": 0.9,
    "reasoning_effort": "low",
    "max_tokens": None,
    "extra_body": {"top_k": 40},
    "seed": 2,
    "sample": 1,
}


def test_every_field_of_a_request_has_a_change_to_test() -> None:
    assert set(CHANGES) | {"call_ids"} == set(ChatRequest.model_fields)


def test_what_an_endpoint_calls_its_calls_is_no_part_of_the_key() -> None:
    given = REQUEST.model_copy(update={"call_ids": {"call_1": "x7Hk2"}})
    assert build_key("e", "m", given) == build_key("e", "m", REQUEST)


@pytest.mark.parametrize("name", CHANGES)
def test_every_field_of_a_request_matters(name: str) -> None:
    changed = REQUEST.model_copy(update={name: CHANGES[name]})
    assert build_key("http://h/v1", "m", changed) != build_key("http://h/v1", "m", REQUEST)


@pytest.mark.parametrize(
    ("name", "value"),
    [("temperature", 0.0), ("seed", 0), ("max_tokens", 0), ("response_format", {}), ("messages", ({},))],
)
def test_nothing_said_and_zero_said_are_two_requests(name: str, value: Any) -> None:
    silent = ChatRequest(messages=())
    said = silent.model_copy(update={name: value})
    assert build_key("http://h/v1", "m", said) != build_key("http://h/v1", "m", silent)


def test_what_is_not_said_is_left_out_so_that_a_field_that_joins_later_moves_no_key() -> None:
    request = ChatRequest(messages=({"role": "user", "content": "é"},))
    text = '{"endpoint":"http://h/v1","messages":[{"content":"é","role":"user"}],"model":"m","sample":0}'
    digest = hashlib.sha256(f"toolherd completion 1\n{text}".encode()).hexdigest()
    assert build_key("http://h/v1", "m", request) == f"1-{digest}"


def test_spellings_of_a_request_have_one_key_and_half_a_character_has_one_too() -> None:
    one = ChatRequest(messages=({"role": "user", "content": "e\u0301"},), temperature=1.0)
    other = ChatRequest(messages=({"content": "\u00e9", "role": "user"},), temperature=1)
    assert build_key("http://h/v1", "m", one) == build_key("http://h/v1", "m", other)
    half = ChatRequest(messages=({"role": "user", "content": "\ud83d"},))
    assert build_key("http://h/v1", "m", half) == build_key("http://h/v1", "m", half)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_what_json_cannot_hold_has_no_key(number: float) -> None:
    request = ChatRequest(messages=({"role": "user", "content": number},))
    with pytest.raises(ValueError, match="not JSON compliant"):
        build_key("http://h/v1", "m", request)
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonicalise(["e\u0301", number])


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("https://Models.Example.COM/V1", "https://models.example.com/V1"),
        ("http://h:8000/v1//", "http://h:8000/v1"),
        ("http://me:p@ss@h/v1", "http://h/v1"),
        ("http://h/v1/?key=secret#part", "http://h/v1"),
        ("http://h", "http://h"),
        ("http://h/", "http://h"),
        ("http://h/a/b/v1", "http://h/a/b/v1"),
        ("http:/h/v1/", "http:/h/v1/"),  # no host, so no address
    ],
)
def test_an_address_is_kept_without_what_is_secret_or_says_nothing(url: str, plain: str) -> None:
    assert strip_credentials(url) == plain


def test_endpoint_and_model_matter_and_credentials_do_not() -> None:
    key = build_key("http://h/v1", "m", REQUEST)
    assert key.startswith(f"{SCHEME}-")
    others = ("http://h/v2", "https://h/v1", "http://h:8000/v1", "http://h/V1", "http://i/v1")
    assert all(build_key(other, "m", REQUEST) != key for other in others)
    assert build_key("http://h/v1", "n", REQUEST) != key
    assert build_key("http://me:secret@H/v1/?key=secret", "m", REQUEST) == key
    assert strip_credentials("embedded:1?error_rate=0.1") == "embedded:1?error_rate=0.1"


def test_the_scheme_has_not_changed_by_accident() -> None:
    # A key that moves makes every user pay again: raise SCHEME if it must, and say so in CHANGELOG.md.
    assert build_key("http://h/v1", "m", REQUEST) == (
        "1-70d3ad620408f0f6bdd37a46fad70df80059a888d775326a1235141ee74922ca"
    )
