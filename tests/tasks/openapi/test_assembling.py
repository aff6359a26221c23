"""A document of functions that were described one by one: whatever was described, it is valid and complete."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.described import DescribedOperation
from schemas.toolset import Documentation, DocumentedFunction
from tasks.openapi import assemble_document, find_lint_problems, find_spec_problems, list_operations, normalise_document
from tasks.openapi.assembling import Assembled, tell_things

LIST: dict[str, Any] = {"path": "/pets", "answer": [{"name": "id"}, {"name": "name"}], "returns_list": True}
GET: dict[str, Any] = {
    "path": "/pets/{petId}",
    "parameters": [{"name": "petId", "place": "path", "required": True}],
    "answer": [{"name": "id"}, {"name": "name"}],
}


def document(*names: str) -> Documentation:
    functions = tuple(DocumentedFunction(name=name, description=f"Does {name}.") for name in names)
    return Documentation(introduction="Pets.", functions=functions)


def assemble(**operations: dict[str, Any]) -> Assembled:
    """The document of functions that were described so, and of one more, which is always good."""
    told = {**operations, "countThings": {"path": "/count", "answer": [{"name": "count", "type": "integer"}]}}
    described = {name: DescribedOperation.model_validate(operation) for name, operation in told.items()}
    return assemble_document("Pet Place", document(*told), described)


def list_paths(**operations: dict[str, Any]) -> list[str]:
    """Method and path of each function, without the one that is always there."""
    paths = assemble(**operations).document["paths"]
    return [f"{method} {path}" for path, item in paths.items() for method in item if path != "/count"]


def read_schema(**field: Any) -> dict[str, Any]:
    """The schema of a parameter that was described so."""
    parameter = {"name": "x", "description": "What", **field}
    operation = assemble(searchPets={**LIST, "parameters": [parameter]}).document["paths"]["/pets"]["get"]
    schema: dict[str, Any] = operation["parameters"][0]["schema"]
    return schema


def read_answer(*fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The schema of what comes back of an operation that was described so."""
    made = assemble(showPet={"path": "/pet", "answer": list(fields), **more}).document["paths"]["/pet"]["get"]
    schema: dict[str, Any] = made["responses"]["200"]["content"]["application/json"]["schema"]
    return schema


WORDS = st.sampled_from(["id", "petId", "pet_id", "pet_Id", "name", "limit", "date", "from", "ownerId", "x-y", "", "ü"])
FIELDS = st.fixed_dictionaries(
    {"name": WORDS},
    optional={
        "type": st.sampled_from(["string", "integer", "number", "boolean", "array", "odd"]),
        "place": st.sampled_from(["path", "query", "body"]),
        "required": st.booleans(),
        "enum": st.lists(st.sampled_from(["a", "1", "2.5", "x"]), max_size=4),
        "examples": st.lists(st.sampled_from(["a", "1", "2026-01-01", "a@b.cd", "https://x.yz"]), max_size=4),
        "minimum": st.none() | st.integers(-9, 9),
        "maximum": st.none() | st.floats(-9, 9),
    },
)
PATHS = ["/pets", "pets/{id}", "/pets/{petId}", "/pets/:id/x", "/{a}/{a}", "", "https://h/p?q=1", "/a b/{"]
OPERATIONS = st.fixed_dictionaries(
    {"answer": st.lists(FIELDS, max_size=4)},
    optional={
        "method": st.sampled_from(["get", "post", "patch", "delete"]),
        "path": st.sampled_from(PATHS),
        "parameters": st.lists(FIELDS, max_size=4),
        "returns_list": st.booleans(),
    },
)  # fmt: skip
NAMES = st.lists(
    st.sampled_from(["searchPets", "getPet", "listPets", "addPet", "x", "findAll"]), unique=True, min_size=2
)


@settings(max_examples=150, deadline=None)
@given(NAMES.flatmap(lambda names: st.fixed_dictionaries({name: OPERATIONS for name in names})))
def test_whatever_was_described_the_document_is_valid_and_passes_lint(operations: dict[str, dict[str, Any]]) -> None:
    described = {name: DescribedOperation.model_validate(one) for name, one in operations.items()}
    described = {name: one for name, one in described.items() if one.answer}  # what answers nothing goes back before
    documentation = document(*operations)
    made = assemble_document("", documentation, described)
    assert find_spec_problems(made.document) == []
    kept = [name for name in described if name not in made.left_out]
    if kept:
        assert {operation.name for operation in list_operations(normalise_document(made.document))} == set(kept)
    if len(kept) >= 2:
        assert find_lint_problems(made.document, document(*kept)) == []


class TestPaths:
    @pytest.mark.parametrize(
        ("told", "path"),
        [
            ("/pets", "/pets"),
            ("pets/", "/pets"),
            ("https://api.example.com/v1/pets?city=x", "/v1/pets"),
            ("/my pets", "/my-pets"),
            ("", "/search-pets"),
            ("/", "/search-pets"),
            ("/../..", "/search-pets"),
        ],
    )
    def test_a_path_is_read_as_it_was_meant(self, told: str, path: str) -> None:
        assert list_paths(searchPets={**LIST, "path": told}) == [f"get {path}"]

    @pytest.mark.parametrize(
        "told", ["/pets/{petId}", "/pets/:petId", "/pets/<petId>", "/pets/{id}", "/pets", "/pets/{petId}/{petId}"]
    )
    def test_a_parameter_of_a_path_stands_in_it_once(self, told: str) -> None:
        assert list_paths(searchPets=LIST, getPet={**GET, "path": told}) == ["get /pets", "get /pets/{petId}"]

    def test_a_parameter_that_only_the_path_names_is_declared(self) -> None:
        made = assemble(searchPets={**LIST, "path": "/{city}/pets"}).document["paths"]["/{city}/pets"]["get"]
        assert made["parameters"] == [
            {"name": "city", "in": "path", "required": True, "description": "The city", "schema": {"type": "string"}}
        ]

    def test_what_the_path_names_is_required_wherever_it_was_said_to_stand(self) -> None:
        get = {**GET, "parameters": [{"name": "petId", "place": "query", "required": False}]}
        (parameter,) = assemble(searchPets=LIST, getPet=get).document["paths"]["/pets/{petId}"]["get"]["parameters"]
        assert (parameter["in"], parameter["required"]) == ("path", True)

    def test_two_functions_of_one_path_get_one_each(self) -> None:
        found = list_paths(searchPets=LIST, listPets=LIST, addPet={**LIST, "method": "post"})
        assert found == ["get /pets", "post /pets", "get /pets/list-pets"]

    def test_paths_that_differ_in_their_parameters_names_alone_are_one(self) -> None:
        delete = {"method": "delete", "path": "/pets/{id}", "answer": [{"name": "deleted", "type": "boolean"}]}
        found = list_paths(searchPets=LIST, getPet=GET, deletePet=delete)
        assert found == ["get /pets", "get /pets/{petId}", "delete /pets/{id}/delete-pet"]

    @pytest.mark.parametrize(("method", "place"), [("get", "query"), ("delete", "query"), ("post", "body")])
    def test_only_a_method_that_has_a_body_has_one(self, method: str, place: str) -> None:
        told = {**LIST, "method": method, "parameters": [{"name": "city", "place": "body"}]}
        operation = assemble(searchPets=told).document["paths"]["/pets"][method]
        assert ("requestBody" in operation) is (place == "body")
        assert [parameter["in"] for parameter in operation.get("parameters", [])] == ["query"] * (place == "query")


class TestSchemas:
    def test_text_has_no_bounds_that_say_nothing(self) -> None:
        assert read_schema() == {"type": "string"}

    @pytest.mark.parametrize(
        ("told", "bounds"),
        [
            ({"minimum": 1, "maximum": 5}, (1, 5)),
            ({"minimum": 5, "maximum": 1}, (1, 5)),
            ({}, (0, 1_000_000)),
            ({"minimum": -5}, (-5, 1_000_000)),
            ({"maximum": -5}, (-50, -5)),
            ({"minimum": 2_000_000}, (2_000_000, 20_000_000)),
            ({"name": "limit"}, (1, 50)),
            ({"name": "page_size", "maximum": 100}, (1, 100)),
        ],
    )
    def test_a_number_of_a_call_has_bounds(self, told: dict[str, Any], bounds: tuple[int, int]) -> None:
        schema = read_schema(**{"type": "integer", **told})
        assert (schema["minimum"], schema["maximum"]) == bounds

    def test_a_number_of_an_answer_has_those_that_were_told(self) -> None:
        fields = read_answer(
            {"name": "age", "type": "integer"}, {"name": "rank", "type": "number", "minimum": 1, "maximum": 2.5}
        )
        assert {name: sorted(part.keys() - {"description"}) for name, part in fields["properties"].items()} == {
            "age": ["type"],
            "rank": ["maximum", "minimum", "type"],
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("kind", "enum", "kept"),
        [
            ("string", ["a", "b"], ["a", "b"]),
            ("integer", ["1", "2", "x"], [1, 2]),
            ("number", ["1.5", "2"], [1.5, 2.0]),
            ("string", ["a"], None),
            ("integer", ["x", "y"], None),
            ("boolean", ["true", "false"], None),
        ],
    )
    def test_an_enum_holds_two_values_of_the_type_at_least(self, kind: str, enum: list[str], kept: Any) -> None:
        assert read_schema(type=kind, enum=enum).get("enum") == kept

    def test_an_enum_stands_without_examples(self) -> None:
        assert "examples" not in read_schema(enum=["a", "b"], examples=["a"])

    def test_a_list_holds_texts_and_is_bounded(self) -> None:
        schema = read_schema(type="array", enum=["a", "b"])
        assert schema == {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}, "maxItems": 20}

    @pytest.mark.parametrize(
        ("name", "examples", "form"),
        [
            ("x", ["2026-02-01", "2026-03-04"], "date"),
            ("x", ["2026-02-01T10:00:00Z"], "date-time"),
            ("x", ["a@b.cd"], "email"),
            ("x", ["https://x.yz/a"], "uri"),
            ("x", ["2026-02-01", "soon"], None),
            ("arrival_date", [], "date"),
            ("arrival_date", ["in May"], None),
            ("x", [], None),
        ],
    )
    def test_a_format_is_told_by_all_examples_or_else_by_the_name(
        self, name: str, examples: list[str], form: str | None
    ) -> None:
        assert read_schema(name=name, examples=examples).get("format") == form

    def test_examples_of_days_go_since_their_form_says_it_and_others_stay(self) -> None:
        assert "examples" not in read_schema(examples=["2026-02-01"])
        assert read_schema(examples=["a@b.cd"])["examples"] == ["a@b.cd"]

    def test_examples_that_do_not_conform_go(self) -> None:
        schema = read_schema(name="toyId", type="integer", examples=["7", "x", "-3"], minimum=0, maximum=9)
        assert schema["examples"] == [7]

    def test_a_figure_has_a_range_and_no_examples(self) -> None:
        assert "examples" not in read_schema(type="integer", examples=["7"])

    @pytest.mark.parametrize(
        ("told", "description"), [("What", "What"), ("", "The owner name"), ("  ", "The owner name")]
    )
    def test_a_field_without_a_description_is_described_by_its_name(self, told: str, description: str) -> None:
        answer = read_answer({"name": "ownerName", "description": told})
        assert answer["properties"]["ownerName"]["description"] == description


class TestAnswers:
    def test_a_thing_comes_back_with_all_its_fields(self) -> None:
        answer = read_answer({"name": "name"}, {"name": "city"})
        assert (list(answer["properties"]), answer["required"]) == (["name", "city"], ["name", "city"])

    @pytest.mark.parametrize(
        ("name", "path", "field", "key"),
        [
            ("searchPets", "/pets", "ownerName", "pets"),
            ("searchShelterPets", "/pets", "owner_name", "pets"),
            ("searchShelterPets", "/x", "owner_name", "shelter_pets"),
            ("searchShelterPets", "/x", "ownerName", "shelterPets"),
            ("search", "/x", "ownerName", "results"),
            ("listTopPets", "/pets/top", "ownerName", "pets"),
            ("fetchFluffyPets", "/pets/fluffy", "ownerName", "pets"),
            ("listAllPets", "/x", "ownerName", "pets"),
            ("listPetVisits", "/my/visits", "ownerName", "visits"),
            ("listNew", "/x", "ownerName", "news"),
        ],
    )
    def test_a_list_comes_back_under_what_it_lists(self, name: str, path: str, field: str, key: str) -> None:
        made = assemble(**{name: {**LIST, "path": path, "answer": [{"name": field}]}}).document["paths"][path]["get"]
        answer = made["responses"]["200"]["content"]["application/json"]["schema"]
        assert list(answer["properties"]) == [key, "total"]
        assert list(answer["properties"][key]["items"]["properties"]) == [field]

    @pytest.mark.parametrize(
        ("name", "things"),
        [
            ("searchPets", "pets"),
            ("searchPetsByCity", "pets"),
            ("getPet", "pets"),
            ("list", "results"),
            ("byName", "names"),
        ],
    )
    def test_what_is_listed_is_told_by_the_function_s_name(self, name: str, things: str) -> None:
        assert tell_things(name) == things


class TestIds:
    def read_properties(self, made: Assembled, path: str = "/pets") -> dict[str, Any]:
        answer = made.document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        items: dict[str, Any] = next(iter(answer["properties"].values()))["items"]["properties"]
        return items

    def test_an_id_that_a_list_returns_is_left_as_it_is(self) -> None:
        assert list(self.read_properties(assemble(searchPets=LIST, getPet=GET))) == ["id", "name"]

    def test_one_that_no_list_returns_becomes_a_field_of_the_list_of_its_things(self) -> None:
        toys = {**LIST, "path": "/toys", "answer": [{"name": "name"}]}
        made = assemble(searchToys=toys, searchPets={**LIST, "answer": [{"name": "name"}]}, getPet=GET)
        assert list(self.read_properties(made)) == ["petId", "name"]
        assert list(self.read_properties(made, "/toys")) == ["name"]

    def test_without_a_list_of_its_things_it_becomes_a_field_of_the_first_list(self) -> None:
        toys = {**LIST, "path": "/toys", "answer": [{"name": "name"}]}
        made = assemble(searchToys=toys, getPet=GET)
        assert list(self.read_properties(made, "/toys")) == ["petId", "name"]

    @pytest.mark.parametrize("name", ["searchPets", "findPet", "getAllPets"])
    def test_where_no_list_was_told_of_one_that_sounds_like_it_is_one(self, name: str) -> None:
        told = {"path": "/pets", "answer": [{"name": "name"}]}
        made = assemble(**{name: told}, getPet=GET)
        assert made.left_out == {}
        assert list(self.read_properties(made)) == ["petId", "name"]

    def test_one_that_sounds_like_a_list_and_was_not_told_to_be_one_is_left_where_nobody_needs_it(self) -> None:
        made = assemble(searchPets={"path": "/pets", "answer": [{"name": "name"}]})
        answer = made.document["paths"]["/pets"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        assert list(answer["properties"]) == ["name"]

    def test_without_any_list_the_function_is_left_out(self) -> None:
        made = assemble(getPet=GET)
        assert made.left_out == {"getPet": "no list or search returns the 'petId' that it needs"}
        assert list(made.document["paths"]) == ["/count"]

    def test_ids_of_one_name_are_of_the_type_and_the_examples_of_the_list(self) -> None:
        listed = {**LIST, "answer": [{"name": "petId", "type": "integer", "examples": ["7", "8"]}]}
        made = assemble(searchPets=listed, getPet={**GET, "answer": [{"name": "petId", "examples": ["pet_1"]}]})
        operation = made.document["paths"]["/pets/{petId}"]["get"]
        answer = operation["responses"]["200"]["content"]["application/json"]["schema"]["properties"]["petId"]
        for schema in (operation["parameters"][0]["schema"], answer):
            assert (schema["type"], schema["examples"]) == ("integer", [7, 8])

    def test_an_id_alone_is_that_of_what_the_function_is_about(self) -> None:
        listed = {**LIST, "answer": [{"name": "id", "type": "integer"}]}
        toys = {**LIST, "path": "/toys", "answer": [{"name": "id", "type": "string"}]}
        made = assemble(searchToys=toys, searchPets=listed, getPet=GET)
        assert made.document["paths"]["/pets/{petId}"]["get"]["parameters"][0]["schema"]["type"] == "integer"
        assert self.read_properties(made, "/toys")["id"]["type"] == "string"


def test_the_document_is_the_api_s() -> None:
    made = assemble(searchPets=LIST).document
    assert made["info"] == {"title": "Pet Place", "version": "1.0.0", "description": "Pets."}
    assert made["servers"] == [{"url": "https://pet-place.example.com/v1"}]


def test_what_was_not_described_is_not_in_it() -> None:
    documentation = document("searchPets", "getPet")
    made = assemble_document("x", documentation, {"searchPets": DescribedOperation.model_validate(LIST)})
    assert list(made.document["paths"]) == ["/pets"]


@pytest.mark.parametrize(
    ("name", "changes", "is_list"),
    [
        ("getPetById", {}, False),
        ("showPet", {"answer": [{"name": "petId"}, {"name": "name"}]}, False),
        ("getPetVisits", {}, True),  # several, by its name
        ("listPetById", {}, True),
        ("showPet", {"answer": [{"name": "visitId"}, {"name": "name"}]}, True),  # others' ids
        ("showPet", {"path": "/pets/{petId}/visits"}, True),
        ("changePet", {"method": "put"}, True),
    ],
)
def test_the_thing_at_the_end_of_a_path_is_no_list_whatever_was_told(
    name: str, changes: dict[str, Any], is_list: bool
) -> None:
    made = assemble(searchPets=LIST, **{name: {**GET, "returns_list": True, **changes}}).document["paths"]
    operation = next(one for item in made.values() for one in item.values() if one["operationId"] == name)
    answer = operation["responses"]["200"]["content"]["application/json"]["schema"]["properties"]
    assert ("total" in answer) is is_list
