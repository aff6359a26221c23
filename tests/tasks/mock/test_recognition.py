"""What an API's collections are: told by its document, as the routes of its operations show."""

from typing import Any

import pytest

from tasks.mock.plan import Collection, Role
from tasks.mock.recognition import find_collection, find_ordered_pairs, gather_collections
from tasks.mock.sightings import sight_operation
from tests.tasks.mock.documents import (
    DATE,
    FLAG,
    NUMBER,
    TEXT,
    WHOLE,
    Json,
    array,
    in_path,
    operation,
    operations,
    query,
    record,
    route_of,
)

PET = record(id=TEXT, name=TEXT, age=WHOLE)
LIST_PETS = operation("listPets", answer=record(pets=array(PET)))


def gather(paths: Json) -> dict[str, Collection]:
    return gather_collections([sight_operation(item) for item in operations(paths)])


def gather_one(thing: Json, path: str = "/pets") -> Collection:
    (only,) = gather({path: {"get": operation("listThem", answer=array(thing))}}).values()
    return only


def collection_of(paths: Json, name: str) -> str | None:
    collection = route_of(paths, name).collection
    return collection.name if collection is not None else None


@pytest.mark.parametrize(
    ("path", "spec", "name"),
    [
        ("/pets", LIST_PETS, "pet"),
        ("/animals", LIST_PETS, "pet"),
        ("/animals", operation("listPets", answer=record(results=array(PET))), "animal"),
        ("/animals", operation("listPets", answer=record(search_results=array(PET))), "animal"),
        ("/search", operation("searchPets", answer=record(data=array(PET))), "pet"),
        ("/search", operation("search", answer=record(data=array(PET))), "item"),
        ("/pets/{petId}", operation("getIt", in_path("petId"), answer=PET), "pet"),
        ("/animals/{petId}", operation("getIt", in_path("petId"), answer=PET), "pet"),
        ("/animals/{id}", operation("getIt", in_path("id"), answer=PET), "animal"),
        ("/animals", operation("listThem", query("animal_id", TEXT), answer=record(pets=array(PET))), "pet"),
        ("/line-items", operation("listThem", answer=array(PET)), "line_item"),
        ("/animals", operation("listPets", answer=record(records=array(PET))), "animal"),
        ("/animals", operation("listPets", answer=record(responses=array(PET))), "animal"),
        ("/pets/{id}", operation("getIt", in_path("id"), answer=record(pet_details=PET)), "pet"),
        ("/animals/{petId}/all", operation("getThem", in_path("petId"), answer=array(PET)), "animal"),
    ],
)
def test_a_collection_is_named_by_its_list_its_id_or_its_path(path: str, spec: Json, name: str) -> None:
    assert list(gather({path: {"get": spec}})) == [name]


@pytest.mark.parametrize(
    ("method", "path", "spec"),
    [
        ("get", "/pets", operation("getRandomPet", answer=PET)),
        ("get", "/pets/random", operation("getRandomPet", answer=PET)),
        ("get", "/pets", operation("countPets", answer=PET)),
        ("get", "/pets", operation("convertPets", answer=PET)),
        ("get", "/pets", operation("getPets", answer=array(TEXT))),
        ("get", "/pets", operation("getPet", answer={"type": "object"})),
        ("put", "/pets/{petId}", operation("replacePet", in_path("petId"), answer=PET)),
        ("delete", "/pets/{petId}", operation("removePet", in_path("petId"), answer=PET)),
        ("delete", "/pets/{petId}", operation("removePet", in_path("petId"), status="204")),
    ],
)
def test_what_shows_no_things_of_its_own_makes_no_collection_and_keeps_no_others_from_it(
    method: str, path: str, spec: Json
) -> None:
    shop = operation("getShop", in_path("shopId"), answer=record(city=TEXT))
    assert gather({path: {method: spec}}) == {}
    assert list(gather({path: {method: spec}, "/shops/{shopId}": {"get": shop}})) == ["shop"]


def test_all_that_shows_a_thing_makes_up_its_properties() -> None:
    pets = gather({
        "/pets/{petId}": {"get": operation("getPet", in_path("petId"), answer=record(id=TEXT, breed=TEXT))},
        "/pets": {"get": LIST_PETS, "post": operation("addPet", body=record(name=TEXT), answer=record(code=WHOLE))},
    })["pet"]  # fmt: skip
    assert list(pets.properties) == ["id", "name", "age", "breed", "code"]
    assert pets.schema["type"] == "object"


def test_properties_of_two_shapes_are_joined() -> None:
    pets = gather({
        "/pets": {"get": operation("listPets", answer=array(record(id=TEXT, age={"type": "integer", "minimum": 0})))},
        "/pets/{petId}": {"get": operation("getPet", in_path("petId"), answer=record(age={"maximum": 9}))},
    })["pet"]  # fmt: skip
    assert pets.properties["age"] == {"type": "integer", "minimum": 0, "maximum": 9}


SAME = {"a": TEXT, "b": TEXT, "c": TEXT}
TWO = {"a": TEXT, "b": TEXT}


@pytest.mark.parametrize(
    ("first", "second", "is_same"),
    [
        (SAME, SAME, True),
        (SAME, {**SAME, "d": TEXT}, True),  # three of four
        (SAME, {**SAME, "d": TEXT, "e": TEXT}, False),  # three of five
        ({**SAME, "d": TEXT}, SAME, True),
        (SAME, {"a": TEXT, "b": TEXT, "x": TEXT}, False),
        (TWO, TWO, False),  # two tell too little
        (SAME, TWO, False),
    ],
)
def test_things_that_look_the_same_are_of_one_collection(first: Json, second: Json, is_same: bool) -> None:
    paths = {
        "/animals": {"get": operation("listAnimals", answer=array(record(**first)))},
        "/creatures": {"get": operation("listCreatures", answer=array(record(**second)))},
    }
    assert (collection_of(paths, "listCreatures") == "animal") is is_same


def test_a_list_of_another_name_is_of_another_collection_and_a_record_is_of_the_nearest() -> None:
    paths = {
        "/items": {"get": operation("listItems", answer=array(record(id=TEXT, x=TEXT, y=TEXT)))},
        "/line-items": {"get": operation("listLineItems", answer=array(record(id=TEXT, sku=TEXT, z=TEXT)))},
        "/single/{orderItemId}": {
            "get": operation("getOrderItem", in_path("orderItemId"), answer=record(colour=TEXT, note=TEXT, w=TEXT))
        },
        "/short/{orderItemId}": {"get": operation("getShort", in_path("orderItemId"), answer=record(note=TEXT))},
    }
    assert list(gather(paths)) == ["item", "line_item"]
    assert collection_of(paths, "getOrderItem") == collection_of(paths, "getShort") == "item"


def test_similar_things_are_of_the_collection_that_they_are_similar_to() -> None:
    similar, related = record(similar=array(record(id=TEXT, score=NUMBER))), record(related=array(record(id=TEXT)))
    paths = {
        "/movies": {"get": operation("listMovies", answer=array(record(id=TEXT, title=TEXT)))},
        "/movies/{movieId}/similar": {"get": operation("getSimilar", in_path("movieId"), answer=similar)},
        "/shops/{shopId}/related": {
            "get": operation("getRelated", in_path("shopId"), answer=related)
        },
    }  # fmt: skip
    assert collection_of(paths, "getSimilar") == "movie"
    assert collection_of(paths, "getRelated") == "related"
    film = array(record(id=TEXT, title=TEXT, score=NUMBER))
    paths["/movies"]["get"] = operation("listMovies", answer=film)
    paths["/shops/{shopId}/related"]["get"] = operation("getRelated", in_path("shopId"), answer=record(related=film))
    assert collection_of(paths, "getRelated") == "movie"  # they look the same


def test_a_creation_that_tells_no_more_than_an_id_is_of_the_ids_owner() -> None:
    paths = {
        "/reports": {"get": operation("listReports", answer=array(record(id=TEXT, title=TEXT)))},
        "/incidents": {
            "post": operation("sendIncident", body=record(text=TEXT), answer=record(reportId=TEXT), status="201"),
            "get": operation("listIncidents", answer=array(record(reportId=TEXT))),
        },
    }
    assert collection_of(paths, "sendIncident") == "incident"  # there is a list of them by that name
    del paths["/incidents"]["get"]
    assert collection_of(paths, "sendIncident") == "report"


@pytest.mark.parametrize("first", ["ape", "bee", "cow", "dog", "eel", "fox"])
def test_of_several_ids_that_a_creation_tells_the_first_names_its_collection(first: str) -> None:
    names = [first, *(name for name in ("fox", "eel", "dog", "cow", "bee", "ape") if name != first)]
    paths = {
        f"/{name}s": {"get": operation(f"list{name.title()}s", answer=array(record(id=TEXT, **{name: TEXT})))}
        for name in sorted(names)
    }
    told = record(note=TEXT, **{f"{name}Id": TEXT for name in names})
    paths["/notes"] = {"post": operation("addNote", body=record(text=TEXT), answer=told, status="201")}
    assert collection_of(paths, "addNote") == first


def test_a_name_that_holds_the_name_of_another_thing_is_no_id() -> None:
    label = operation("addLabel", body=record(text=TEXT), answer=record(petName=TEXT, text=TEXT), status="201")
    paths = {"/pets": {"get": LIST_PETS}, "/labels": {"post": label}}
    assert collection_of(paths, "addLabel") == "label"
    assert gather(paths)["label"].foreign == {}
    items = gather({
        "/items": {"get": operation("listItems", answer=array(record(item_id=TEXT, x=TEXT)))},
        "/line-items": {"get": operation("listLineItems", answer=array(record(id=TEXT, sku=TEXT)))},
    })  # fmt: skip
    assert items["item"].foreign == {}


def test_what_shows_nothing_is_of_the_collection_that_its_id_or_path_names() -> None:
    paths = {
        "/pets": {"get": LIST_PETS},
        "/pets/{petId}": {"delete": operation("removePet", in_path("petId"), status="204")},
        "/gone/{petId}": {"delete": operation("dropIt", in_path("petId"), status="204")},
        "/pets/count": {"get": operation("countPets", answer=record(count=WHOLE))},
        "/count": {"get": operation("count", answer=record(count=WHOLE))},
    }
    for name in ("removePet", "dropIt", "countPets", "count"):
        assert collection_of(paths, name) == "pet"
    both = {**paths, "/shops": {"get": operation("listShops", answer=array(record(id=TEXT, city=TEXT)))}}
    assert collection_of(both, "count") is None
    shops = {**paths, "/shops/count": {"get": operation("countShops", answer=record(count=WHOLE))}}
    assert collection_of(shops, "countShops") is None


def test_words_name_a_collection_exactly_or_by_the_last() -> None:
    known = {name: Collection(name, record()) for name in ("line_item", "item", "small_pet")}
    assert find_collection(("item",), known) is known["item"]
    assert find_collection(("line", "item"), known) is known["line_item"]
    assert find_collection(("big", "pet"), known) is known["small_pet"]
    assert find_collection(("small",), known) is None
    assert find_collection((), known) is None


@pytest.mark.parametrize(
    ("path", "names", "id_name", "aliases"),
    [
        ("/pets", ["id", "petId", "name"], "petId", ["id"]),
        ("/pets", ["name", "id"], "id", []),
        ("/pets", ["uuid", "slug"], "uuid", []),
        ("/pets", ["slug", "guid"], "guid", []),
        ("/pets", ["slug", "name"], "slug", []),
        ("/pets", ["owner_id", "name"], None, []),
        ("/pets", ["name"], None, []),
        ("/line-items", ["line_item_id", "item_id", "id", "line_id"], "line_item_id", ["item_id", "id"]),
        ("/line-items", ["item_id", "line_id", "id"], "item_id", ["id"]),
        ("/line-items", ["line_id", "uuid"], "line_id", []),
        ("/line-items", ["id", "line_id"], "id", []),
    ],
)
def test_the_id_of_a_thing_and_its_other_names_are_found_among_its_properties(
    path: str, names: list[str], id_name: str | None, aliases: list[str]
) -> None:
    found = gather_one(record(**dict.fromkeys(names, TEXT)), path)
    assert found.name == {"/pets": "pet", "/line-items": "line_item"}[path]
    assert (found.id_name, found.id_aliases) == (id_name, aliases)


def test_an_object_is_no_id() -> None:
    assert gather_one(record(id=record(value=TEXT), uuid=TEXT)).id_name == "uuid"


@pytest.mark.parametrize(
    ("path", "properties", "label"),
    [
        ("/pets", {"title": TEXT, "name": TEXT}, "name"),
        ("/pets", {"petName": TEXT}, "petName"),
        ("/pets", {"username": TEXT, "headline": TEXT}, "headline"),
        ("/pets", {"name": WHOLE, "title": TEXT}, "title"),
        ("/pets", {"owner_name": TEXT}, None),
        ("/pets", {"names": array(TEXT)}, None),
        ("/line-items", {"line_item_name": TEXT}, "line_item_name"),
        ("/line-items", {"item_name": TEXT}, "item_name"),
        ("/line-items", {"line_name": TEXT}, None),
    ],
)
def test_the_label_of_a_thing_may_carry_its_whole_name_or_the_last_word(
    path: str, properties: Json, label: str | None
) -> None:
    assert gather_one(record(**properties), path).label == label


def test_a_property_that_holds_anothers_id_is_known() -> None:
    paths = {
        "/owners": {"get": operation("listOwners", answer=array(record(id=TEXT, city=TEXT)))},
        "/line-items": {"get": operation("listLineItems", answer=array(record(id=TEXT, sku=TEXT)))},
        "/pets": {
            "get": operation(
                "listPets",
                answer=array(
                    record(id=TEXT, petId=TEXT, ownerId=TEXT, first_owner_id=TEXT, item_id=TEXT, shop_id=TEXT)
                ),
            )
        },
    }
    found = gather(paths)
    assert {name: owner.name for name, owner in found["pet"].foreign.items()} == {
        "ownerId": "owner", "first_owner_id": "owner", "item_id": "line_item",
    }  # fmt: skip
    assert found["owner"].foreign == {}


@pytest.mark.parametrize(
    ("names", "pairs"),
    [
        (["start_date", "end_date"], [("start_date", "end_date")]),
        (["end_date", "start_date"], [("start_date", "end_date")]),
        (["minPrice", "max_price"], [("minPrice", "max_price")]),
        (["price_low", "price_high", "open"], [("price_low", "price_high")]),
        (["created_at", "updated_at"], [("created_at", "updated_at")]),
        (["start_date", "end_time"], []),
        (["start_date"], []),
        (["departure", "arrival"], [("departure", "arrival")]),
    ],
)
def test_properties_that_come_in_order_are_known(names: list[str], pairs: list[tuple[str, str]]) -> None:
    assert find_ordered_pairs(names) == pairs
    assert gather_one(record(**dict.fromkeys(names, DATE))).pairs == pairs


def test_vague_names_are_told_under_fuller_ones() -> None:
    countries = gather_one(record(code=TEXT, name=TEXT, capital=TEXT), "/countries")
    assert countries.fuller_names == {"code": "country_code", "name": "country_name"}
    assert list(countries.drawn_schema["properties"]) == ["country_code", "country_name", "capital"]
    taken = gather_one(record(code=TEXT, country_code=TEXT, title=TEXT), "/countries")
    assert taken.fuller_names == {}
    assert gather_one(record(name=TEXT), "/things").fuller_names == {}


def read_listed(*specs: tuple[str, str, Json]) -> bool:
    paths: Json = {}
    for method, path, spec in specs:
        paths.setdefault(path, {})[method] = spec
    return gather(paths)["pet"].is_listed


GET_PET = ("get", "/pets/{petId}", operation("getPet", in_path("petId"), answer=PET))


@pytest.mark.parametrize(
    ("spec", "is_listed"),
    [
        (GET_PET, False),
        (("get", "/pets", LIST_PETS), True),
        (("get", "/pets", operation("listPets", answer=array(record(name=TEXT)))), False),
        (("post", "/pets", operation("addPet", body=record(name=TEXT), answer=PET)), True),
        (("post", "/pets", operation("addPet", body=record(name=TEXT), answer=record(name=TEXT))), False),
        (("get", "/pets/random", operation("getRandomPet", answer=PET)), True),
        (("get", "/pet-of/{name}", operation("getPetByName", in_path("name"), answer=record(pet=PET))), True),
        (("put", "/pets/{petId}", operation("putPet", in_path("petId"), body=record(name=TEXT), answer=PET)), False),
    ],
)
def test_ids_are_known_where_an_answer_tells_them_to_who_does_not_know_them(
    spec: tuple[str, str, Json], is_listed: bool
) -> None:
    assert read_listed(GET_PET, spec) is is_listed


def test_ids_that_examples_name_are_gathered_once() -> None:
    def shown(*values: Any) -> Json:
        return {"type": "string", "examples": list(values)}

    pet, visit, note = record(id=shown("p1", "p2")), record(visitId=TEXT), record(noteId=TEXT)
    visited, noted = record(petId=shown("p4"), visitId=shown("v1")), record(petIds=array(TEXT, examples=[["p5"]]))
    pets = gather({
        "/pets": {"get": operation("listPets", query("pet_id", shown("p3", "p1")), answer=array(pet))},
        "/visits": {"post": operation("addVisit", body=visited, answer=visit)},
        "/visits/{visitId}": {"get": operation("getVisit", in_path("visitId", shown("v2")), answer=visit)},
        "/notes": {"post": operation("addNote", body=noted, answer=note)},
    })  # fmt: skip
    assert pets["pet"].id_examples == ["p1", "p2", "p3", "p4"]
    assert pets["visit"].id_examples == ["v2"]  # that of a creation names none that exists yet
    bare = {
        "/pets": {"get": operation("listPets", answer=array(record(**SAME)))},
        "/animals/{id}": {"get": operation("getAnimal", in_path("id", shown("a1")), answer=record(**SAME))},
    }
    assert gather(bare)["pet"].id_examples == ["a1"]


def test_an_id_may_be_known_by_the_name_of_the_property_that_holds_it() -> None:
    paths = {
        "/line-items": {"get": operation("listLineItems", answer=array(record(line_id=TEXT, sku=TEXT)))},
        "/check": {"get": operation("check", query("line_id", TEXT), query("sku_id", TEXT), answer=record(ok=FLAG))},
    }
    assert [(item.argument, item.collection.name) for item in route_of(paths, "check").ids] == [
        ("line_id", "line_item")
    ]


def test_lists_are_read_before_all_else() -> None:
    paths = {
        "/single/{creatureId}": {"get": operation("getCreature", in_path("creatureId"), answer=record(**SAME))},
        "/animals": {"get": operation("listAnimals", answer=array(record(**SAME)))},
    }
    assert list(gather(paths)) == ["animal"]
    assert route_of(paths, "getCreature").role is Role.FETCH
