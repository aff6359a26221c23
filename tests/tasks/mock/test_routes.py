"""Routes: what an operation does in the end, and which of its arguments means what."""

import pytest

from tasks.mock.plan import Role
from tests.tasks.mock.documents import (
    ARTICLES,
    FLAG,
    NUMBER,
    PLACES,
    TEXT,
    WHOLE,
    Json,
    array,
    in_path,
    operation,
    query,
    record,
    route_of,
)

PET = record(id=TEXT, name=TEXT, age=WHOLE)
LIST: Json = {"/pets": {"get": operation("listPets", answer=record(pets=array(PET)))}}


def with_list(path: str, spec: Json, method: str = "get") -> Json:
    return {**LIST, path: {**LIST.get(path, {}), method: spec}}


@pytest.mark.parametrize(
    ("method", "status", "answer", "expected"),
    [
        ("get", "200", PET, 200),
        ("post", "202", PET, 202),
        ("delete", "204", None, 204),
        ("post", "default", PET, 200),
        ("post", "2XX", PET, 200),
        ("post", "400", PET, 201),
        ("delete", "404", PET, 200),
        ("get", "404", PET, 200),
    ],
)
def test_a_good_answer_has_the_status_that_is_declared(
    method: str, status: str, answer: Json | None, expected: int
) -> None:
    route = route_of(
        {"/pets/{petId}": {method: operation("useIt", in_path("petId"), answer=answer, status=status)}}, "useIt"
    )
    assert route.status == expected
    assert (route.response is None) is (answer is None or not status.startswith(("2", "d")))


def test_the_schema_of_an_error_is_that_of_its_status() -> None:
    told = record(message=TEXT)
    route = route_of(
        with_list("/x/{petId}", operation("getPet", in_path("petId"), answer=PET, errors={"400": told})), "getPet"
    )
    assert route.describe_error(400) == told
    assert route.describe_error(404) is None
    assert route.describe_error(200) is None
    assert not route.check({"id": "a"})
    assert route.check({"id": "a", "name": "b", "age": 1})
    undeclared = route_of({"/x": {"post": operation("doIt", status="404", answer=told)}}, "doIt")
    assert undeclared.check({"anything": 1})


def test_what_is_computed_is_of_no_collection() -> None:
    spec = operation("convertPet", in_path("petId"), answer=record(result=NUMBER))
    route = route_of(with_list("/pets/{petId}/convert", spec, "post"), "convertPet")
    assert (route.role, route.collection) == (Role.OTHER, None)
    update = operation("update", body=record(name=TEXT), answer=record(ok=FLAG))
    assert route_of(with_list("/update", update, "put"), "update").collection is None


def test_a_bare_id_is_that_of_what_the_path_names() -> None:
    spec = operation("convertPet", query("id", TEXT), answer=record(result=NUMBER))
    assert read_ids(with_list("/pets/convert", spec, "post"), "convertPet") == {"id": ("pet", True)}


@pytest.mark.parametrize(
    ("method", "path", "spec", "role"),
    [
        ("put", "/pets", operation("putPets", body=record(name=TEXT), answer=PET), Role.OTHER),
        ("delete", "/pets", operation("clearPets", status="204"), Role.OTHER),
        ("delete", "/pets/{petId}", operation("dropPet", in_path("petId"), status="204"), Role.DELETE),
        ("patch", "/pets/{petId}", operation("patchPet", in_path("petId"), answer=PET), Role.UPDATE),
        ("delete", "/shops/{shopId}", operation("dropShop", in_path("shopId"), status="204"), Role.OTHER),
        ("get", "/pet", operation("getPet", answer=PET), Role.OTHER),
        ("get", "/pet", operation("getPet", query("name", TEXT), answer=PET), Role.FETCH),
        ("get", "/pet", operation("getPet", query("colour", TEXT), answer=PET), Role.OTHER),
        ("get", "/pets/{petId}", operation("getPet", in_path("petId"), answer=PET), Role.FETCH),
        ("get", "/time/{zone}", operation("getTime", in_path("zone"), answer=TEXT), Role.OTHER),
        ("get", "/pets/count", operation("countPets", answer=record(count=WHOLE)), Role.COUNT),
        ("get", "/shops/count", operation("countShops", answer=record(count=WHOLE)), Role.OTHER),
        ("get", "/shops/random", operation("getRandomShop", answer=record(city=TEXT)), Role.OTHER),
    ],
)
def test_an_operation_plays_no_part_for_which_it_has_nothing(method: str, path: str, spec: Json, role: Role) -> None:
    assert route_of(with_list(path, spec, method), spec["operationId"]).role is role


def read_ids(paths: Json, name: str) -> dict[str, tuple[str, bool]]:
    return {item.argument: (item.collection.name, item.is_own) for item in route_of(paths, name).ids}


def test_arguments_that_name_things_are_bound_to_their_collections() -> None:
    shops = {"/shops": {"get": operation("listShops", answer=array(record(id=TEXT, city=TEXT)))}}
    paths = {**LIST, **shops, "/shops/{shopId}/pets/{petId}": {
        "get": operation("getPet", in_path("shopId"), in_path("petId"), query("other_id", TEXT), answer=PET),
        "put": operation("putPet", in_path("shopId"), in_path("petId"), body=record(shop_id=FLAG), answer=PET),
    }}  # fmt: skip
    assert read_ids(paths, "getPet") == {"shopId": ("shop", False), "petId": ("pet", True)}
    assert (route_of(paths, "getPet").role, route_of(paths, "putPet").role) == (Role.FETCH, Role.UPDATE)
    assert read_ids(paths, "putPet") == {"shopId": ("shop", False), "petId": ("pet", True)}


def test_the_id_in_a_creation_is_that_of_another_thing() -> None:
    visit = record(id=TEXT, petId=TEXT, date=TEXT)
    spec = operation("addVisit", body=record(id=TEXT, petId=TEXT, visit_id=TEXT), answer=visit)
    paths = {**LIST, "/visits": {"post": spec, "get": operation("listVisits", answer=array(visit))}}
    assert read_ids(paths, "addVisit") == {"petId": ("pet", False)}


def test_an_object_or_a_flag_is_no_id() -> None:
    """The first argument that is named like an id is the thing's own; the others are bound by their type."""
    arguments = (query("id", TEXT), query("pet_id", {"type": "object"}), query("pet_ids", FLAG), query("petId", TEXT))
    paths = with_list("/pets/similar", operation("getSimilar", *arguments, answer=record(similar=array(PET))))
    assert "petId" in read_ids(paths, "getSimilar")
    assert read_ids(paths, "getSimilar").keys().isdisjoint({"pet_id", "pet_ids"})


@pytest.mark.parametrize(
    ("schema", "is_bound"),
    [
        (TEXT, True),
        ({}, True),
        ({"type": ["string", "null"]}, True),
        (array(TEXT), True),
        (FLAG, False),
        ({"type": "object"}, False),
    ],
)
def test_an_id_may_be_of_any_type_but_an_object_or_a_flag(schema: Json, is_bound: bool) -> None:
    spec = operation("comparePets", query("pet_id", schema), answer=record(same=FLAG))
    assert ("pet_id" in read_ids(with_list("/compare", spec), "comparePets")) is is_bound


def test_lists_picks_and_counts_are_searched_and_a_fetch_only_narrowed_down() -> None:
    wanted = (query("age", WHOLE), query("q", TEXT), query("limit", WHOLE))
    paths = {
        **with_list("/pets/top", operation("getTopPets", *wanted, answer=array(PET))),
        "/pets/random": {"get": operation("getRandomPet", *wanted, answer=PET)},
        "/pets/count": {"get": operation("countPets", *wanted, answer=record(count=WHOLE))},
        "/pet": {"get": operation("getPet", *wanted, answer=PET)},
        "/pets/{petId}": {"put": operation("putPet", in_path("petId"), *wanted, answer=PET)},
    }
    for name in ("getTopPets", "getRandomPet", "countPets"):
        route = route_of(paths, name)
        assert [item.argument for item in route.filters] == ["age"]
        assert (route.controls.text, route.controls.limit) == ("q", "limit")
    fetch, update = route_of(paths, "getPet"), route_of(paths, "putPet")
    assert [item.argument for item in fetch.filters] == ["age"]
    assert set(vars(fetch.controls).values()) == {None}
    assert update.filters == ()


def test_things_without_text_are_not_searched() -> None:
    paths = {
        "/rates": {
            "get": operation("listRates", query("q", TEXT), query("limit", WHOLE), answer=array(record(rate=NUMBER)))
        }
    }
    controls = route_of(paths, "listRates").controls
    assert (controls.text, controls.limit) == (None, "limit")


def test_controls_and_the_id_of_the_thing_itself_filter_nothing() -> None:
    sized = record(id=TEXT, name=TEXT, limits=WHOLE)
    spec = operation("listPets", query("limit", WHOLE), query("id", TEXT), query("name", TEXT), answer=array(sized))
    route = route_of({"/pets": {"get": spec}}, "listPets")
    assert [item.argument for item in route.filters] == ["name"]


def test_a_list_under_a_thing_of_its_own_sort_does_not_look_for_that_thing() -> None:
    alike = operation("getSimilar", in_path("petId"), answer=record(similar=array(record(id=TEXT, petId=TEXT))))
    assert route_of(with_list("/pets/{petId}/similar", alike), "getSimilar").filters == ()
    visit = record(id=TEXT, petId=TEXT)
    visits = operation("listVisits", in_path("petId"), answer=record(visits=array(visit)))
    (by_pet,) = route_of(with_list("/pets/{petId}/visits", visits), "listVisits").filters
    assert (by_pet.argument, by_pet.keys) == ("petId", ("petId",))


@pytest.mark.parametrize(
    ("parameter", "is_scope"),
    [
        (query("colour", TEXT, required=True), True),
        (query("colour", TEXT), False),
        (query("id", TEXT, required=True), False),
        (query("shop_id", TEXT), True),
        (query("zone_id", TEXT), False),
        (query("age", WHOLE, required=True), False),
        (query("limit", WHOLE, required=True), False),
        (query("q", TEXT, required=True), False),
        (query("format", TEXT, required=True), False),
        (query("apiKey", TEXT, required=True), False),
        (query("user_token", TEXT, required=True), False),
    ],
    ids=lambda value: value["name"] if isinstance(value, dict) else "",
)
def test_required_arguments_that_are_no_property_say_which_things_are_meant(parameter: Json, is_scope: bool) -> None:
    shops = {"/shops": {"get": operation("listShops", answer=array(record(id=TEXT, city=TEXT)))}}
    paths = {**shops, "/pets": {"get": operation("listPets", parameter, answer=array(PET))}}
    assert route_of(paths, "listPets").scope == ((parameter["name"],) if is_scope else ())


def test_required_fields_of_a_body_are_a_scope_too() -> None:
    body = {**record(colour=TEXT, size=TEXT), "required": ["colour"]}
    paths = {"/pets/search": {"post": operation("searchPets", body=body, answer=array(PET))}}
    assert route_of(paths, "searchPets").scope == ("colour",)
    assert (
        route_of(
            {"/pets/{petId}": {"put": operation("putPet", in_path("petId"), body=body, answer=PET)}}, "putPet"
        ).scope
        == ()
    )


def test_arguments_set_the_property_of_the_same_words() -> None:
    spec = operation("addPet", body=record(pet_names=TEXT, names=TEXT, ages=WHOLE, note=TEXT), answer=PET, status="201")
    assert route_of(with_list("/pets", spec, "post"), "addPet").fields == {
        "pet_names": "pet_names", "names": "name", "ages": "age", "note": "note",
    }  # fmt: skip


def test_few_are_asked_for_by_nature() -> None:
    assert route_of(ARTICLES, "getLatestArticles").is_bounded
    assert not route_of(ARTICLES, "listArticles").is_bounded


def test_the_frame_is_all_but_the_list_or_the_record() -> None:
    listed, searched = route_of(ARTICLES, "listArticles"), route_of(ARTICLES, "searchArticles")
    assert listed.keys == ("articles",)
    assert listed.frame["properties"]["articles"] == {"const": []}
    assert searched.keys == ("data", "articles")
    assert searched.item["properties"].keys() == {"id", "title", "views", "published_at"}
    whole = route_of(ARTICLES, "getLatestArticles")
    assert (whole.keys, whole.frame) == ((), {"const": []})
    one = route_of(PLACES, "getPlace")
    assert (one.keys, one.frame) == ((), {"const": {}})
    wrapped = route_of(
        with_list("/pets/{petId}", operation("getPet", in_path("petId"), answer=record(pet=PET))), "getPet"
    )
    assert (wrapped.keys, wrapped.item["properties"].keys()) == (("pet",), {"id", "name", "age"})
    assert wrapped.frame["properties"] == {"pet": {"const": {}}}
