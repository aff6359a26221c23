"""The audit calls every function well and badly, and says what is wrong with an answer."""

import json
from typing import Any

import httpx
import pytest

from schemas.catalog import CatalogEntry
from schemas.toolset import AuditedCall, Toolset
from tasks.mock import MockTransport, audit_functions
from tasks.openapi import requests
from tasks.openapi.errors import DocumentError
from tasks.openapi.functions import build_function, list_operations
from tasks.openapi.load import load_document, normalise_document
from tests.shared_data import SHARED_DATA, needs_shared_data
from tests.tasks.mock.conftest import play
from tests.tasks.mock.documents import (
    ARTICLES,
    DATE,
    FLAG,
    NUMBER,
    PAYMENTS,
    PLACES,
    SEATS,
    TEXT,
    WHOLE,
    Json,
    array,
    document,
    in_path,
    open_api,
    operation,
    query,
    record,
)
from tests.tasks.mock.pets import DOCUMENT, read_operations


def make_toolset(document: dict[str, Any]) -> Toolset:
    normal = normalise_document(document)
    entry = CatalogEntry(id="an-api", name="An API", description="For a test.", category="Animals")
    functions = tuple(build_function(operation) for operation in list_operations(normal))
    return Toolset(entry=entry, introduction="", document=normal, functions=functions)


def audit(paths: Json) -> tuple[AuditedCall, ...]:
    return audit_functions(make_toolset(document(paths)))


def audit_one(path: str, spec: Json, method: str = "get", more: Json | None = None) -> tuple[AuditedCall, AuditedCall]:
    """The good and the bad call of one function, in an API that may have more."""
    calls = [call for call in audit({**(more or {}), path: {method: spec}}) if call.function == spec["operationId"]]
    good, bad = calls
    assert (good.good, bad.good) == (True, False)
    return good, bad


PET = record(id=TEXT, name=TEXT, age=WHOLE)
LIST: Json = {"/pets": {"get": operation("listPets", answer=array(PET))}}


def test_each_function_is_called_well_and_badly() -> None:
    calls = audit_functions(make_toolset(DOCUMENT))
    assert [call.problem for call in calls] == [""] * len(calls)
    names = [operation.name for operation in read_operations()]
    assert [call.function for call in calls] == [name for name in names for _ in range(2)]
    assert [call.good for call in calls] == [True, False] * len(names)
    assert all(200 <= call.status < 300 if call.good else 400 <= call.status < 500 for call in calls)


@pytest.mark.parametrize("paths", [PLACES, ARTICLES, SEATS, PAYMENTS], ids=["places", "articles", "seats", "payments"])
def test_other_apis_pass_and_one_audit_is_like_another(paths: Json) -> None:
    calls = audit(paths)
    assert [(call.function, call.problem) for call in calls if call.problem] == []
    assert audit(paths) == calls


def test_a_function_whose_id_nothing_tells_is_still_called() -> None:
    text = json.dumps(DOCUMENT["paths"]["/visits/{visitId}"]).replace("visitId", "thingId")
    calls = audit_functions(make_toolset({**DOCUMENT, "paths": {"/things/{thingId}": json.loads(text)}}))
    assert [(call.status, call.problem) for call in calls if call.good] == [(204, "")]


@pytest.mark.parametrize(
    ("level", "told"),
    [
        ({"type": "integer", "minimum": 5, "maximum": 5}, ""),
        ({"type": "integer", "minimum": 5, "maximum": 4}, "level"),
        ({"type": "string", "enum": ["a", 1]}, ""),
        ({"type": "string", "enum": [1]}, "level"),
        ({"allOf": [{"const": 1}, {"type": "integer"}]}, ""),
        ({"allOf": [{"const": 1}, {"const": 2}]}, "level"),
    ],
)
def test_an_answer_that_no_schema_allows_is_a_problem(level: Json, told: str) -> None:
    good, bad = audit_one("/levels/current", operation("getLevel", answer=record(level=level)))
    assert good.status == 200
    assert (good.problem == "") is (told == "")
    assert told in good.problem
    assert bad.problem == ""


@pytest.mark.parametrize(
    ("schema", "problem"),
    [(TEXT, ""), ({"type": "string", "pattern": "^x[0-9]{3}$"}, "status 404 for a good call")],
)
def test_an_id_that_the_list_tells_must_be_one_that_can_be_asked_for(schema: Json, problem: str) -> None:
    good, _ = audit_one("/pets/{petId}", operation("getPet", in_path("petId", schema), answer=PET), more=LIST)
    assert (good.status, good.problem) == (404 if problem else 200, problem)


def test_a_status_that_is_not_declared_is_a_problem() -> None:
    good, _ = audit_one("/ping", operation("ping", status="404"))
    assert (good.status, good.problem) == (200, "status 200 is not among those that the document declares")


@pytest.mark.parametrize(("most", "is_sent"), [(5, True), (4, False)])
def test_a_good_call_that_cannot_be_made_is_a_problem(most: int, is_sent: bool) -> None:
    level = query("level", {"type": "integer", "minimum": 5, "maximum": most}, required=True)
    good, _ = audit_one("/levels", operation("getLevel", level, answer=record(a=TEXT)))
    assert good.status == (200 if is_sent else 400)
    assert good.problem.startswith("argument `level`") is not is_sent
    assert (good.problem == "") is is_sent


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ((*(query(name, TEXT, required=True) for name in "abc"), query("d", TEXT)), {"a", "b", "d"}),
        ((query("a", TEXT), query("b", WHOLE)), {"a": {"wrong": "type"}}),
        ((query("a", {"type": "object"}), query("b", WHOLE)), {"a": "not a value of this type"}),
        ((query("a", {}), query("b", WHOLE)), {"b": {"wrong": "type"}}),
        ((query("a", {}),), {"no_such_argument": "x"}),
        ((), {"no_such_argument": "x"}),
    ],
)
def test_a_bad_call_has_one_thing_wrong(parameters: tuple[Json, ...], expected: Any) -> None:
    listed = operation("listPets", *parameters, answer=array(PET))
    good, bad = audit_one("/pets", listed)
    assert good.problem == ""
    assert (bad.status, bad.problem) == (400, "")
    if isinstance(expected, set):
        assert set(bad.arguments) == expected
        assert bad.arguments == {name: good.arguments[name] for name in expected}
    else:
        assert bad.arguments == {**good.arguments, **expected}


class Answering:
    """Stands for an API: nothing is refused before it is sent, and each request gets the status."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, status: int, body: Any = None) -> None:
        monkeypatch.setattr(requests, "find_argument_problems", lambda schema, arguments: [])
        monkeypatch.setattr(MockTransport, "handle_request", lambda self, request: httpx.Response(status, json=body))


@pytest.mark.parametrize(
    ("status", "good", "bad"),
    [
        (199, "status 199 for a good call", "status 199 for a bad call"),
        (200, "", "status 200 for a bad call"),
        (299, "", "status 299 for a bad call"),
        (300, "status 300 for a good call", "status 300 for a bad call"),
        (399, "status 399 for a good call", "status 399 for a bad call"),
        (400, "status 400 for a good call", ""),
        (499, "status 499 for a good call", ""),
        (500, "status 500 for a good call", "status 500 for a bad call"),
    ],
)
def test_good_calls_must_be_answered_and_bad_ones_refused(
    monkeypatch: pytest.MonkeyPatch, status: int, good: str, bad: str
) -> None:
    Answering(monkeypatch, status, body={"a": "b"})
    spec = operation("getLevel", query("level", WHOLE, required=True), answer=record(a=TEXT), status="default")
    assert [call.problem for call in audit_one("/levels", spec)] == [good, bad]


@pytest.mark.parametrize(("body", "is_good"), [({"a": "b"}, True), ({"a": 1}, False), ({}, False), (None, False)])
def test_what_a_good_call_is_answered_must_conform(monkeypatch: pytest.MonkeyPatch, body: Any, is_good: bool) -> None:
    Answering(monkeypatch, 200, body)
    good, _ = audit_one("/levels", operation("getLevel", answer=record(a=TEXT)))
    assert (good.problem == "") is is_good


def test_a_good_call_gives_every_filter_and_no_other_thing_than_is_asked_for() -> None:
    more = {"/shops": {"get": operation("listShops", answer=array(record(id=TEXT, city=TEXT)))}}
    arguments = (query("age", WHOLE), query("shop_id", TEXT), query("where", {"type": "object"}), query("q", TEXT))
    good, _ = audit_one("/pets", operation("listPets", *arguments, answer=array(PET)), more=more)
    assert set(good.arguments) == {"age", "q"}
    other, _ = audit_one(
        "/convert", operation("convertIt", query("a", TEXT), query("b", TEXT, required=True), answer=TEXT)
    )
    assert set(other.arguments) == {"b"}


def test_filters_that_come_in_order_are_given_in_order() -> None:
    bounds = (
        *(query("min_age", {"type": "integer", "enum": [9]}), query("max_age", {"type": "integer", "enum": [4, 9]})),
        *(query("start_date", DATE), query("end_date", DATE), query("min_cost", NUMBER), query("max_cost", NUMBER)),
        *(query(f"min_{name}", NUMBER) for name in "abcdefgh"),
        *(query(f"max_{name}", NUMBER) for name in "abcdefgh"),
    )
    good, _ = audit_one("/pets", operation("listPets", *bounds, answer=array(PET)))
    given = good.arguments
    assert given["start_date"] <= given["end_date"]  # type: ignore[operator]
    for name in ("cost", *"abcdefgh"):
        assert given[f"min_{name}"] <= given[f"max_{name}"]  # type: ignore[operator]
    assert good.problem == ""


def test_filters_that_cannot_change_places_stay() -> None:
    bounds = (query("min_age", {"type": "integer", "enum": [9]}), query("max_age", {"type": "integer", "enum": [4]}))
    good, _ = audit_one("/pets", operation("listPets", *bounds, answer=array(PET)))
    assert good.arguments == {"min_age": 9, "max_age": 4}
    one_way = (
        query("min_age", {"type": "integer", "enum": [9]}),
        query("max_age", {"type": "integer", "examples": [4]}),
    )
    good, _ = audit_one("/pets", operation("listPets", *one_way, answer=array(PET)))
    assert (good.arguments, good.problem) == ({"min_age": 9, "max_age": 4}, "")
    mixed = (query("min_age", {"type": "integer", "enum": [9]}), query("max_age", {"type": "string", "enum": ["4"]}))
    good, _ = audit_one("/pets", operation("listPets", *mixed, answer=array(PET)))
    assert good.arguments == {"min_age": 9, "max_age": "4"}


def find_used_id(paths: Json, name: str = "getPet", argument: str = "petId") -> Any:
    good = next(call for call in audit(paths) if call.function == name and call.good)
    assert good.problem == ""
    return good.arguments[argument]


GET_PET: Json = {"/pets/{petId}": {"get": operation("getPet", in_path("petId"), answer=PET)}}


@pytest.mark.parametrize(
    ("path", "method", "spec"),
    [
        ("/pets", "get", operation("listPets", answer=array(PET))),
        ("/pets", "get", operation("listPets", answer=record(data=record(pets=array(PET))))),
        ("/pets/random", "get", operation("getRandomPet", answer=PET)),
        ("/pets/random", "get", operation("getRandomPet", answer=record(pet=PET))),
        ("/pets", "post", operation("addPet", body=record(name=TEXT), answer=PET, status="201")),
        ("/pets/by-name/{name}", "get", operation("getPetByName", in_path("name"), answer=PET)),
    ],
)
def test_an_id_comes_from_what_another_function_answers(path: str, method: str, spec: Json) -> None:
    """No id that was made up would be answered: each of these functions tells ids, so that others are unknown."""
    paths = {**GET_PET, path: {method: spec}}
    assert str(find_used_id(paths)).startswith("pet_")


def test_an_id_of_the_examples_comes_first() -> None:
    named = {
        "/pets/{petId}": {
            "get": operation("getPet", in_path("petId", {"type": "string", "examples": ["p7", "p8"]}), answer=PET)
        }
    }
    assert find_used_id({**LIST, **named}) == "p7"


def test_the_id_is_that_of_the_first_thing_of_a_list_that_nothing_narrows_down() -> None:
    add = operation("addPet", body=record(name=TEXT), answer=PET, status="201")
    listed = operation("listPets", query("age", WHOLE), answer=array(PET))
    paths = {"/new/pets": {"post": add}, **GET_PET, "/pets": {"get": listed}}
    assert find_used_id(paths) == play(open_api(paths, "an-api"), seed=0).call("listPets")[0]["id"]


def test_a_list_that_finds_nothing_tells_no_id() -> None:
    kind = {"type": "string", "enum": ["cat"]}
    pet = record(id=TEXT, name=TEXT, kind=kind)
    listed = operation("listPets", query("kind", {"type": "string", "const": "dog"}, required=True), answer=array(pet))
    add = operation("addPet", body=record(name=TEXT), answer=pet, status="201")
    assert str(find_used_id({**GET_PET, "/pets": {"post": add, "get": listed}})).startswith("pet_")


def test_an_id_that_may_be_null_is_made_up_where_nothing_tells_one() -> None:
    nameless = {"/pets": {"get": operation("listPets", answer=array(record(name=TEXT, age=WHOLE)))}}
    may_be = query("pet_id", {"type": ["string", "null"]}, required=True)
    good, _ = audit_one("/compare", operation("comparePets", may_be, answer=record(same=FLAG)), more=nameless)
    assert isinstance(good.arguments["pet_id"], str)


def test_an_answer_that_is_an_error_tells_no_id() -> None:
    shop_id = query("shop_id", {"type": "string", "pattern": "^x[0-9]{3}$"}, required=True)  # none that exists
    random = operation("getRandomPet", shop_id, answer=PET, errors={"404": record(id=TEXT)})
    paths = {
        **GET_PET,
        "/shops": {"get": operation("listShops", answer=array(record(id=TEXT, city=TEXT)))},
        "/pets/random": {"get": random},
        "/pets": {"post": operation("addPet", body=record(name=TEXT), answer=PET, status="201")},
    }
    assert str(find_used_id(paths)).startswith("pet_")


def chain(*names: str) -> Json:
    """Things in things: the ids of each are told by a list under one of the next; the last are listed by themselves."""
    paths: Json = {
        f"/{names[0]}s/{{{names[0]}Id}}": {
            "get": operation("getIt", in_path(f"{names[0]}Id"), answer=record(id=TEXT, w0=WHOLE))
        }
    }
    for place, name in enumerate(names):
        listed = array(record(id=TEXT, **{f"w{place}": WHOLE}))
        above = names[place + 1] if place + 1 < len(names) else ""
        path, ids = (f"/{above}s/{{{above}Id}}/{name}s", [in_path(f"{above}Id")]) if above else (f"/{name}s", [])
        paths[path] = {"get": operation(f"list{name.title()}s", *ids, answer=listed)}
    return paths


def test_ids_are_found_one_after_another_three_times() -> None:
    paths = chain("box", "tray", "cart")
    assert [(call.function, call.problem) for call in audit(paths) if call.problem] == []
    assert str(find_used_id(paths, "getIt", "boxId")).startswith("box_")
    good = next(call for call in audit(chain("box", "tray", "cart", "shop")) if call.function == "getIt")
    assert good.problem == "status 404 for a good call"


def test_ids_are_given_as_a_list_where_a_list_is_asked_for() -> None:
    spec = operation("comparePets", query("pet_ids", array(TEXT), required=True), answer=record(same=FLAG))
    good, _ = audit_one("/compare", spec, more=LIST)
    assert good.problem == ""
    given = good.arguments["pet_ids"]
    assert isinstance(given, list)
    assert [str(id_)[:4] for id_ in given] == ["pet_"]


def test_an_id_in_a_body_that_is_one_argument_exists() -> None:
    visit = record(petId=TEXT, day=DATE)
    body = {"anyOf": [visit, visit]}
    spec = operation("addVisit", body=body, answer=record(id=TEXT, day=DATE), status="201")
    good, _ = audit_one("/visits", spec, "post", more=LIST)
    assert (good.status, good.problem) == (201, "")
    assert str(good.arguments["body"]["petId"]).startswith("pet_")  # type: ignore[index, call-overload]


def test_an_id_in_a_body_that_nothing_tells_is_made_up() -> None:
    visit = record(petId=TEXT, day=DATE)
    nameless = {"/pets": {"get": operation("listPets", answer=array(record(name=TEXT, age=WHOLE)))}}
    spec = operation("addVisit", body={"anyOf": [visit, visit]}, answer=record(id=TEXT, day=DATE), status="201")
    good, _ = audit_one("/visits", spec, "post", more=nameless)
    assert (good.status, good.problem) == (201, "")
    assert isinstance(good.arguments["body"]["petId"], str)  # type: ignore[index, call-overload]


def test_each_call_is_in_an_episode_of_its_own() -> None:
    one = {"type": "string", "examples": ["p1"]}
    paths = {
        "/pets/{petId}": {
            "delete": operation("dropPet", in_path("petId", one), status="204"),
            "get": operation("getPet", in_path("petId", one), answer=PET),
        }
    }
    statuses = {call.function: call.status for call in audit(paths) if call.good and call.arguments == {"petId": "p1"}}
    assert statuses == {"dropPet": 204, "getPet": 200}


@needs_shared_data
@pytest.mark.parametrize("file_name", ["toolalpaca_eval_simulated.json", "toolalpaca_eval_real.json"])
def test_toolalpacas_documents_can_be_called(file_name: str) -> None:
    entries = json.loads((SHARED_DATA / file_name).read_text())
    rejected = {}
    for entry in entries:
        try:
            document = load_document(json.loads(entry["Documentation"])).document
        except DocumentError as error:
            rejected[entry["Name"]] = error.problem
            continue
        problems = [call for call in audit_functions(make_toolset(document)) if call.problem]
        assert not problems, entry["Name"]
    assert set(rejected) <= {"Nager.Date"}, rejected  # a country's borders are countries, with borders


def test_functions_that_all_need_ids_of_each_other_are_audited_in_time() -> None:
    ids = [query(f"thing{number}Id", TEXT, required=True) for number in range(3)]
    things = array(record(id=TEXT, **{f"thing{number}Id": TEXT for number in range(3)}))
    paths = {f"/things{number}": {"get": operation(f"listThings{number}", *ids, answer=things)} for number in range(30)}
    assert len(audit(paths)) == 60


def test_what_the_mock_trips_over_is_told_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def trip(*_: object) -> None:
        raise KeyError("thing")

    monkeypatch.setattr("tasks.mock.transport.compile_routes", trip)
    with pytest.raises(DocumentError, match=r"^the document cannot be read: KeyError: 'thing'$"):
        audit(LIST)
