"""JSON and YAML as values that JSON can hold, exactly as they were written."""

from typing import Any

import pytest

from tasks.sources import decode
from tasks.sources.decode import MAX_DEPTH, DecodeProblem, decode_json, decode_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True), ("True", True), ("FALSE", False), ("yes", "yes"), ("no", "no"), ("on", "on"), ("y", "y"),
        ("~", None), ("null", None), ("NULL", None), ("", None), ("nil", "nil"), ("'null'", "null"),
        ("0", 0), ("-7", -7), ("+7", 7), ("007", "007"), ("0x1F", 31), ("0o17", "0o17"), ("1_000", "1_000"),
        ("12:30:00", "12:30:00"), ("2024-01-01", "2024-01-01"), ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
        ("1.5", 1.5), (".5", 0.5), ("1.", 1.0), ("1e3", 1000.0), ("-1.5E-2", -0.015), ("01.5", "01.5"),
        (".inf", ".inf"), ("1.2.3", "1.2.3"), ("1.0.", "1.0."), ("=", "="),
        ("!!binary YQ==", "b'a'"), ("!!float nan", None), ("!!float .inf", None),
    ],
    ids=str,
)  # fmt: skip
def test_a_scalar_is_what_yaml_1_2_says(text: str, value: Any) -> None:
    found = decode_yaml(f"x: {text}")["x"]
    assert (type(found), found) == (type(value), value)


def test_a_set_is_a_list() -> None:
    assert sorted(decode_yaml("!!set {a, b}")) == ["a", "b"]


def test_keys_are_text_as_json_spells_it() -> None:
    assert decode_yaml("{200: a, 1.5: b, true: c, null: d, 2024-01-01: e}") == {
        "200": "a", "1.5": "b", "true": "c", "null": "d", "2024-01-01": "e",
    }  # fmt: skip


def test_merged_and_aliased_objects_are_written_out() -> None:
    assert decode_yaml("a: &x {n: 1}\nb: *x\nc: {<<: *x, m: 2}") == {
        "a": {"n": 1}, "b": {"n": 1}, "c": {"n": 1, "m": 2},
    }  # fmt: skip


def test_what_json_cannot_hold_is_none_and_half_a_pair_a_question_mark() -> None:
    assert decode_json('[NaN, Infinity, -Infinity, 1.5, true, null, {"\\ud83d": "\\ud83d"}]') == [
        None, None, None, 1.5, True, None, {"?": "?"},
    ]  # fmt: skip


@pytest.mark.parametrize("decode_text", [decode_json, decode_yaml])
def test_a_value_may_be_so_deep_and_no_deeper(decode_text: Any) -> None:
    decode_text("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    with pytest.raises(DecodeProblem, match="nested deeper than 150 levels, or it refers to itself"):
        decode_text("[" * (MAX_DEPTH + 2) + "]" * (MAX_DEPTH + 2))


def test_many_lists_beside_each_other_are_not_deep() -> None:
    assert len(decode_yaml("[" + "[], {}, " * 200 + "]")) == 400


@pytest.mark.parametrize("decode_text", [decode_json, decode_yaml])
def test_a_value_may_hold_so_many_and_no_more(decode_text: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "MAX_NODES", 4)
    assert decode_text("[1, 2, 3]") == [1, 2, 3]
    with pytest.raises(DecodeProblem, match="more than 4 values"):
        decode_text("[1, 2, 3, 4]")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "not JSON at line 1, column 2: "),
        ('{"a": 1,\n "b" 2}', "not JSON at line 2, column 6: "),
        ("9" * 5000, "JSON with a value that cannot be held: "),
    ],
    ids=["open", "second line", "a number"],
)
def test_what_is_no_json_is_told_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(DecodeProblem) as caught:
        decode_json(text)
    assert str(caught.value).startswith(problem)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: b: c", "not YAML at line 1, column 5: "),
        ("a: 1\nb: ]", "not YAML at line 2, column 4: "),
        ("a: !!int x", "YAML with a wrong tag: "),
        ("a: !thing x", "not YAML at line 1, column 4: could not determine a constructor"),
    ],
)
def test_what_is_no_yaml_is_told_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(DecodeProblem) as caught:
        decode_yaml(text)
    assert str(caught.value).startswith(problem)


@pytest.mark.parametrize("form", ["  <<: [{many}]\n  k{level}: 1", "  [{many}]"], ids=["merged", "aliased"])
def test_what_multiplies_is_counted_before_it_is_built(form: str) -> None:
    lines = ["a0: &a0 {x: 1}" if "<<" in form else "a0: &a0 [1]"]
    for level in range(1, 13):
        many = ", ".join([f"*a{level - 1}"] * 10)
        lines.append(f"a{level}: &a{level}\n{form.format(many=many, level=level)}")
    with pytest.raises(DecodeProblem, match="more than 1,000,000 values"):
        decode_yaml("\n".join(lines))


def test_aliases_within_aliases_are_as_deep_as_they_are_written_out() -> None:
    def chain(length: int) -> str:
        return "\n".join(["a0: &a0 [1]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, length))])

    assert len(decode_yaml(chain(MAX_DEPTH - 3))) == MAX_DEPTH - 3
    with pytest.raises(DecodeProblem, match="nested deeper than 150 levels"):
        decode_yaml(chain(MAX_DEPTH + 5))


@pytest.mark.parametrize("written", ["{},", "[],", "1,", '"a",'])
def test_json_that_would_fill_the_memory_is_not_built(written: str) -> None:
    with pytest.raises(DecodeProblem, match="more than 1,000,000 values"):
        decode_json(f"[{written * 2_100_000}1]")


def test_yaml_that_would_fill_the_memory_is_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "MAX_YAML_NODES", 1_000)
    assert len(decode_yaml("- a\n" * 1_000)) == 1_000
    with pytest.raises(DecodeProblem, match="YAML of more than 1,000 keys and values; save it as JSON"):
        decode_yaml("- a\n" * 2_000)
