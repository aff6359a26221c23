"""What a function shows of an operation: lean schemas, short text, one line on what is returned."""

from typing import Any

import pytest

from tasks.openapi.tools import (
    KEPT,
    describe_returns,
    end_sentence,
    find_properties,
    make_lean_schema,
    repeats_names,
    shorten_text,
)


@pytest.mark.parametrize(
    "keyword",
    [
        *("type", "description", "enum", "const", "default", "examples", "format", "minimum", "maximum"),
        *("exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern", "minItems"),
        *("maxItems", "uniqueItems", "required", "minProperties", "maxProperties"),
    ],
)
def test_what_guides_a_call_is_kept(keyword: str) -> None:
    assert make_lean_schema({keyword: "x", "title": "X"}) == {keyword: "x"}
    assert keyword in KEPT


@pytest.mark.parametrize("keyword", ["title", "xml", "externalDocs", "x-order", "deprecated", "readOnly", "$comment"])
def test_what_says_nothing_to_who_fills_it_in_is_dropped(keyword: str) -> None:
    assert make_lean_schema({"type": "string", keyword: {"a": 1}}) == {"type": "string"}


FAT, LEAN = {"type": "string", "title": "X"}, {"type": "string"}


@pytest.mark.parametrize("keyword", ["items", "additionalProperties", "not"])
@pytest.mark.parametrize(("fat", "lean"), [(FAT, LEAN), (True, True), (False, False)])
def test_a_schema_within_is_lean_too(keyword: str, fat: Any, lean: Any) -> None:
    assert make_lean_schema({keyword: fat}) == {keyword: lean}


@pytest.mark.parametrize("keyword", ["allOf", "anyOf", "oneOf", "prefixItems"])
def test_schemas_in_a_list_are_lean_too(keyword: str) -> None:
    assert make_lean_schema({keyword: [FAT, True, LEAN]}) == {keyword: [LEAN, True, LEAN]}


def test_properties_keep_their_names_whatever_these_are() -> None:
    properties = {"title": FAT, "xml": FAT, "any": True}
    assert make_lean_schema({"properties": properties}) == {"properties": {"title": LEAN, "xml": LEAN, "any": True}}


def test_a_description_within_is_one_short_paragraph() -> None:
    assert make_lean_schema({"description": "Two\n\n  lines"}) == {"description": "Two lines"}
    assert make_lean_schema({"description": "x" * 200}) == {"description": "x" * 200}
    assert make_lean_schema({"description": "x" * 201}) == {"description": "x" * 199 + "…"}
    assert make_lean_schema({"description": ["no", "text"]}) == {"description": ["no", "text"]}


def test_what_an_enum_says_is_not_said_again_by_examples() -> None:
    assert make_lean_schema({"enum": ["a", "b"], "examples": ["a"]}) == {"enum": ["a", "b"]}
    assert make_lean_schema({"examples": ["a"]}) == {"examples": ["a"]}


@pytest.mark.parametrize(
    ("text", "bounds", "shown"),
    [
        ("The price (1 to 50)", (1, 50), "The price"),
        ("The price (1 - 50) in euros", (1, 50), "The price in euros"),
        ("The price (0.5–1,000)", (0.5, 1000), "The price"),
        ("The price (-5 to 5)", (-5, 5), "The price"),
        ("The price (1 to 40)", (1, 50), "The price (1 to 40)"),
        ("The price (1 to 50)", (1, None), "The price (1 to 50)"),
        ("The price (1.2.3 to 50)", (1, 50), "The price (1.2.3 to 50)"),
        ("The price (in euros)", (1, 50), "The price (in euros)"),
    ],
)
def test_a_range_that_the_bounds_say_is_not_said_again(text: str, bounds: tuple[Any, Any], shown: str) -> None:
    said = {key: bound for key, bound in zip(("minimum", "maximum"), bounds, strict=True) if bound is not None}
    assert make_lean_schema({"description": text, **said}) == {"description": shown, **said}


@pytest.mark.parametrize(
    ("text", "names", "repeats"),
    [
        ("The id of the pet", ("petId",), True),
        ("The pet's id", ("petId",), True),
        ("Pets", ("pet",), True),
        ("The id of the pet", ("id", "getPet"), True),
        ("The id of the owner", ("id", "getPet"), False),
        ("The name", ("name",), True),
        ("The full name", ("name",), False),
        ("Page 2", ("page",), False),
        ("", ("page",), True),
    ],
)
def test_a_text_repeats_names_if_it_says_nothing_else(text: str, names: tuple[str, ...], repeats: bool) -> None:
    assert repeats_names(text, names) is repeats


@pytest.mark.parametrize(
    ("text", "limit", "short"),
    [
        ("one two", 7, "one two"),
        ("one two", 6, "one…"),
        ("one two", 5, "one…"),
        ("one two", 4, "one…"),
        ("one two three", 10, "one two…"),
        (" one\n\ttwo  ", 7, "one two"),
        ("one, two", 7, "one…"),
        ("one;: two", 7, "one…"),
        ("abcdefgh", 5, "abcd…"),
        ("One two. Three", 10, "One two."),
        ("One two. Three", 8, "One two."),
        ("One two. Three", 14, "One two. Three"),
        ("One? Two? Three four", 12, "One? Two?"),
        ("A. Bcdefg hijk", 11, "A. Bcdefg…"),  # a sentence in the first half is too little
        ("About 3.5 metres", 12, "About 3.5…"),
    ],
)
def test_text_is_cut_at_a_word(text: str, limit: int, short: str) -> None:
    assert shorten_text(text, limit) == short


def test_text_has_a_usual_limit() -> None:
    assert shorten_text("x" * 300) == "x" * 300
    assert shorten_text("x" * 301) == "x" * 299 + "…"


@pytest.mark.parametrize(
    ("text", "ended"),
    [("A", "A."), ("A.", "A."), ("A!", "A!"), ("A?", "A?"), ("A…", "A…"), ("A:", "A:."), ("A. B", "A. B.")],
)
def test_a_sentence_ends_once(text: str, ended: str) -> None:
    assert end_sentence(text) == ended


STRING: dict[str, Any] = {"type": "string"}
POINT: dict[str, Any] = {"type": "object", "properties": {"x": {"type": "number"}, "y": {"type": "number"}}}


@pytest.mark.parametrize(
    ("schema", "line"),
    [
        (None, "nothing"),
        ({}, "a value"),
        (STRING, "string"),
        ({"type": ["null", "integer"]}, "integer"),
        ({"type": ["null"]}, "a value"),
        ({"type": "object"}, "object"),
        ({"type": "array", "items": STRING}, "list of string"),
        ({"items": STRING}, "list of string"),
        ({"type": "array"}, "list of values"),
        ({"type": "string", "items": STRING}, "string"),
        ({"type": "array", "items": True}, "list of values"),
        ({"type": "array", "items": POINT}, "list of x, y"),
        ({"type": ["array", "null"], "items": {"type": "array", "items": POINT}}, "list of list of x, y"),
        (POINT, "x, y"),
        ({"properties": {"at": POINT, "id": STRING}}, "at (x, y), id"),
        ({"properties": {"path": {"type": "array", "items": POINT}}}, "path (list of x, y)"),
        ({"properties": {"any": True}}, "any"),
        ({"properties": {"deep": {"properties": {"at": POINT}}}}, "deep (at)"),
        ({"type": "array", "items": {"properties": {"deep": {"properties": {"at": POINT}}}}}, "list of deep (at)"),
        ({"properties": {"tags": {"type": "array", "items": STRING}}}, "tags"),
        ({"properties": {"ids": {"type": "array", "items": {"type": "integer"}}}}, "ids"),
        ({"properties": {"ids": {"type": "array", "items": {"type": "number"}}}}, "ids"),
        ({"properties": {"ids": {"type": "array"}}}, "ids"),
        ({"properties": {"flags": {"type": "array", "items": {"type": "boolean"}}}}, "flags (list of boolean)"),
    ],
    ids=str,
)
def test_what_is_returned_is_named_two_levels_deep(schema: dict[str, Any] | None, line: str) -> None:
    assert describe_returns(schema) == f"Returns: {line}."


def make_fields(*lengths: int) -> dict[str, Any]:
    return {"properties": {"x" * (length - 1) + str(n): STRING for n, length in enumerate(lengths)}}


def test_a_line_on_what_is_returned_is_cut_at_a_field() -> None:
    exact = describe_returns(make_fields(100, 98, 98))  # 100 + 2 + 98 + 2 + 98
    assert len(exact) == len("Returns: .") + 300
    assert "…" not in exact
    assert describe_returns(make_fields(100, 98, 99)) == exact.rsplit(", ", 1)[0] + ", …."


@pytest.mark.parametrize(("length", "kept"), [(195, 2), (196, 1)])  # 100 + 2 + 195 and the end, ", …", are 300
def test_as_many_fields_are_named_as_fit_with_the_end(length: int, kept: int) -> None:
    fields = make_fields(100, length, 10)
    named = ", ".join(list(fields["properties"])[:kept])
    assert describe_returns(fields) == f"Returns: {named}, …."


def test_brackets_of_a_line_that_is_cut_are_closed() -> None:
    cut = describe_returns({"properties": {"a": make_fields(20), "cat": make_fields(200, 100)}})
    assert cut == f"Returns: a ({'x' * 19}0), cat ({'x' * 199}0, …)."


@pytest.mark.parametrize(
    ("schema", "found"),
    [
        ({}, {}),
        ({"properties": None}, {}),
        ({"properties": {"a": 1}}, {"a": 1}),
        ({"allOf": [{"properties": {"a": 1}}, {"properties": {"b": 2}}, True]}, {"a": 1, "b": 2}),
        ({"anyOf": [{"properties": {"a": 1}}, {"properties": {"b": 2}}]}, {"a": 1}),
        ({"oneOf": [{"properties": {"a": 1}}, {"properties": {"b": 2}}]}, {"a": 1}),
        ({"oneOf": [{"anyOf": [{"properties": {"a": 1}}]}]}, {"a": 1}),
        ({"properties": {"a": 1}, "allOf": [{"properties": {"a": 2, "b": 3}}]}, {"a": 1, "b": 3}),
    ],
    ids=str,
)
def test_properties_are_found_in_parts_and_in_the_first_alternative(
    schema: dict[str, Any], found: dict[str, Any]
) -> None:
    assert find_properties(schema) == found
