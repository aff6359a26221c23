"""Patterns of others are matched in time, and weighed before."""

import pytest

from tasks.values.expressions import HEAVIEST_PATTERN, compile_pattern, parse_pattern, weigh_pattern


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|a)*$", "^(a+)+(?!b)$", "(?=(a+)+$)x", r"^(a?){60}\1$"])
def test_a_pattern_that_could_backtrack_for_ever_finds_nothing_in_time(pattern: str) -> None:
    matches = compile_pattern(pattern)
    assert matches is not None
    assert not matches("a" * 60 + "!")


@pytest.mark.parametrize(
    ("pattern", "text", "is_found"), [("b", "abc", True), ("^b", "abc", False), (r"\d", "5", True)]
)
def test_a_pattern_is_found_anywhere(pattern: str, text: str, is_found: bool) -> None:
    matches = compile_pattern(pattern)
    assert matches is not None
    assert matches(text) is is_found


@pytest.mark.parametrize("pattern", ["([", "a{2,1}", "a{1000000000}", "(" * 3000 + ")" * 3000])
def test_what_is_no_pattern_or_too_large_is_none(pattern: str) -> None:
    assert compile_pattern(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "weight"),
    [
        ("", 0), ("abc", 3), ("[a-z]{5}", 5), ("a{2,9}", 9), ("a+b*", 2), ("a{3,}", 3), ("(ab){10}", 20),
        ("(?:a|bc)?", 3),
        ("((a{10}){10}){10}", 1000), (r"(ab)\1\1", 6), ("(?=abc)x", 4), ("(?!abc)x", 4), ("(a)?(?(1)bc|d)", 4),
        ("(?>ab)c", 3), ("a++", 1), ("([", 2), (r"\p{L}{1,5}", 260), (r"\p{L}{3}x", 159),
    ],
)  # fmt: skip
def test_a_pattern_weighs_what_it_holds_with_its_repeats_written_out(pattern: str, weight: int) -> None:
    assert weigh_pattern(pattern) == weight


@pytest.mark.parametrize("pattern", ["a" * 10_001, r"\p{L}{1,999999999999}", r"(a{100})(\1{100})(\2{100})"])
def test_what_is_too_long_or_too_heavy_weighs_more_than_any_may(pattern: str) -> None:
    assert weigh_pattern(pattern) > HEAVIEST_PATTERN


@pytest.mark.parametrize("pattern", ["([", "a{99999999999}", "(" * 5_000 + ")" * 5_000, "a" * 10_001])
def test_what_python_cannot_read_has_no_tree(pattern: str) -> None:
    assert parse_pattern(pattern) is None
