"""What a teacher writes of a function is read as it was meant, and what nobody asked for is let go."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.described import DescribedField, DescribedOperation, DescribedParameter, clean_name

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)


def read_field(**told: Any) -> DescribedParameter:
    return DescribedParameter.model_validate({"name": "x", **told})


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ("string", "string"), ("integer", "integer"), ("number", "number"), ("boolean", "boolean"), ("array", "array"),
        ("int", "integer"), ("Integer", "integer"), ("float", "number"), ("bool", "boolean"), ("list", "array"),
        ("string[]", "array"), ("array of strings", "array"), ("list<string>", "array"), ("date", "string"),
        ("object", "string"), ("what?", "string"), (None, "string"), (7, "string"), (["null", "integer"], "integer"),
    ],
)  # fmt: skip
def test_a_type_is_read_by_its_names(told: Any, kind: str) -> None:
    assert read_field(type=told).type == kind


@pytest.mark.parametrize(
    ("told", "place"),
    [("path", "path"), ("Path", "path"), ("url", "path"), ("query", "query"), ("body", "body"), ("json", "body"),
     ("formData", "body"), ("header", "query"), (None, "query"), (3, "query")],
)  # fmt: skip
def test_a_place_is_read_by_its_names(told: Any, place: str) -> None:
    assert read_field(place=told).place == place


@pytest.mark.parametrize(
    ("told", "method"), [("get", "get"), ("POST", "post"), (" patch ", "patch"), ("list", "get"), (None, "get")]
)
def test_a_method_is_one_that_there_is(told: Any, method: str) -> None:
    assert DescribedOperation.model_validate({"method": told}).method == method


@pytest.mark.parametrize(
    ("told", "examples"),
    [
        (["Lyon", "Oslo"], ("Lyon", "Oslo")),
        ("Lyon", ("Lyon",)),
        ([1, 2.5, True], ("1", "2.5", "true")),
        (["Lyon", "Lyon", " ", ""], ("Lyon",)),
        (None, ()),
        ("", ()),
        ([str(n) for n in range(20)], ("0", "1", "2", "3", "4", "5")),
    ],
)
def test_examples_are_a_few_texts(told: Any, examples: tuple[str, ...]) -> None:
    assert read_field(examples=told).examples == examples


@pytest.mark.parametrize(
    ("told", "bound"),
    [(1, 1.0), ("2.5", 2.5), (None, None), ("many", None), (float("inf"), None), (1e300, None), ([1], None)],
)
def test_a_bound_is_a_number_or_none(told: Any, bound: float | None) -> None:
    assert read_field(minimum=told).minimum == bound


@pytest.mark.parametrize(
    ("told", "required"), [(True, True), ("true", True), ("Yes", True), ("no", False), (None, False), (0, False)]
)
def test_a_flag_may_be_a_word(told: Any, required: bool) -> None:
    assert read_field(required=told).required is required


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("petId", "petId"), ("pet id", "pet_id"), ("pet-id", "pet_id"), ("{petId}", "petId"), ("ids[]", "ids"),
        ("x" * 70, "x" * 64), ("---", ""), (7, "7"), (None, ""), ([], ""),
    ],
)  # fmt: skip
def test_a_name_is_one_that_every_endpoint_takes(name: Any, clean: str) -> None:
    assert clean_name(name) == clean


@pytest.mark.parametrize(
    "told",
    [
        [{"name": "city", "type": "string"}, {"name": "limit", "type": "int"}],
        {"city": {"type": "string"}, "limit": {"type": "int"}},
        [{"name": "city"}, {"name": "limit", "type": "int"}, {"name": "city", "type": "int"}, {"type": "int"}, 7],
    ],
    ids=["a list", "an object by name", "with a second of one name, one without and one that is none"],
)
def test_fields_are_those_that_have_a_name_each_once(told: Any) -> None:
    operation = DescribedOperation.model_validate({"answer": told})
    assert operation.answer == (DescribedField(name="city"), DescribedField(name="limit", type="integer"))


def test_names_alone_are_fields() -> None:
    operation = DescribedOperation.model_validate({"parameters": ["city", "limit"]})
    assert [parameter.name for parameter in operation.parameters] == ["city", "limit"]


def test_what_is_beyond_the_bounds_is_cut_off() -> None:
    names = [f"field{number}" for number in range(40)]
    operation = DescribedOperation.model_validate({"parameters": names, "answer": names})
    assert (len(operation.parameters), len(operation.answer)) == (12, 16)
    assert len(read_field(description="word " * 200).description) == 300


def test_what_nobody_asked_for_is_let_go() -> None:
    assert DescribedOperation.model_validate({"path": "/pets", "summary": "Pets"}).path == "/pets"


@given(st.fixed_dictionaries({}, optional={name: ANYTHING for name in DescribedParameter.model_fields}))
def test_whatever_a_field_holds_it_can_be_read(told: dict[str, Any]) -> None:
    operation = DescribedOperation.model_validate({"parameters": [told], "answer": [told]})
    assert len(operation.parameters) == bool(clean_name(told.get("name")))


def test_the_schema_that_is_sent_asks_for_what_matters_and_bounds_every_list() -> None:
    schema = DescribedOperation.model_json_schema()
    assert schema["required"] == ["method", "path", "parameters", "answer", "returns_list"]
    assert schema["properties"]["answer"]["minItems"] == 1
    assert schema["$defs"]["DescribedField"]["required"] == ["name", "type", "description"]
    lists = [part for each in (schema, *schema["$defs"].values()) for part in each["properties"].values()
             if part.get("type") == "array"]  # fmt: skip
    texts = [part for each in (schema, *schema["$defs"].values()) for part in each["properties"].values()
             if part.get("type") == "string" and "enum" not in part]  # fmt: skip
    assert len(texts) == 5
    assert all("maxLength" in part for part in [*texts, *(part["items"] for part in lists if "type" in part["items"])])
    assert len(lists) == 6
    assert all("maxItems" in part for part in lists)


def test_a_grammar_has_the_place_of_a_parameter_written_before_what_may_be_left_out() -> None:
    schema = DescribedParameter.model_json_schema()
    assert list(schema["properties"])[:5] == schema["required"] == ["name", "type", "description", "place", "required"]
    assert {*schema["properties"]} == {*DescribedParameter.model_fields}
