"""What an operation by itself tells of the part that it plays."""

import pytest

from tasks.mock.plan import Role
from tasks.mock.sightings import Sighting, sight_operation
from tests.tasks.mock.documents import (
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
)

PET = record(id=TEXT, name=TEXT)
PETS = record(pets=array(PET))
MADE = record(name=TEXT)


def sight(method: str, path: str, spec: Json) -> Sighting:
    (only,) = operations({path: {method: spec}})
    return sight_operation(only)


GET_ROLES = [
    ("/pets", operation("listPets", answer=PETS), Role.LIST),
    ("/pets", operation("getPets", answer=array(PET)), Role.LIST),
    ("/pets/{petId}", operation("getPet", in_path("petId"), answer=PET), Role.FETCH),
    ("/pets/{petId}", operation("getPet", in_path("petId"), answer=record(pet=PET)), Role.FETCH),
    ("/pet", operation("getPet", query("pet_id", TEXT), answer=PET), Role.FETCH),
    ("/pets/random", operation("getRandomPet", answer=PET), Role.PICK),
    ("/pets/latest", operation("getLatestPets", answer=array(PET)), Role.LIST),
    ("/pets/count", operation("countPets", answer=record(count=WHOLE)), Role.COUNT),
    ("/pets/statistics", operation("getPetStatistics", answer=record(average=NUMBER)), Role.COUNT),
    ("/pets/total", operation("getTotal", answer=record(total=NUMBER)), Role.FETCH),
    ("/pets/total", operation("countTotal", answer=record(total=NUMBER)), Role.COUNT),
    ("/convert", operation("convertCurrency", answer=record(result=NUMBER)), Role.OTHER),
    ("/random", operation("generateRandomPet", answer=PET), Role.OTHER),
    ("/convert", operation("getConversion", answer=record(result=NUMBER)), Role.FETCH),
    ("/pets/{petId}/visits", operation("listVisits", in_path("petId"), answer=array(PET)), Role.LIST),
    ("/pets/{petId}", operation("verifyPet", in_path("petId"), answer=PET), Role.FETCH),
    ("/pets", operation("generatePets", answer=PETS), Role.LIST),
    ("/visits/{petId}", operation("get", in_path("petId"), answer=record(id=TEXT, visits=array(PET))), Role.LIST),
    ("/visits/{petId}", operation("get", in_path("petId"), answer=record(id=TEXT, pet_visits=array(PET))), Role.LIST),
    ("/home-visits/{petId}", operation("get", in_path("petId"), answer=record(id=TEXT, visits=array(PET))), Role.LIST),
    ("/visits/{petId}", operation("get", in_path("petId"), answer=record(id=TEXT, toys=array(PET))), Role.FETCH),
    ("/visits/{visitId}", operation("get", in_path("visitId"), answer=record(id=TEXT, visits=array(PET))), Role.FETCH),
    ("/pets/{petId}", operation("getPet", in_path("petId"), answer=record(id=TEXT, visits=array(PET))), Role.FETCH),
    ("/pets/{petId}", operation("getPet", in_path("petId"), answer=record(petId=TEXT, toys=array(PET))), Role.FETCH),
    ("/pets/{petId}", operation("getPet", in_path("petId"), answer=record(a=TEXT, b=TEXT, toys=array(PET))), Role.LIST),
    (
        "/pets/{petId}",
        operation("getPet", in_path("petId"), answer=record(a=TEXT, b=TEXT, c=TEXT, toys=array(PET))),
        Role.FETCH,
    ),
    (
        "/pets/{petId}",
        operation("getPet", in_path("petId"), answer=record(a=TEXT, b=TEXT, c=array(TEXT), toys=array(PET))),
        Role.LIST,
    ),
    (
        "/pets/{petId}/visits",
        operation("getVisits", in_path("petId"), answer=record(pet_id=TEXT, id=TEXT, name=TEXT, visits=array(PET))),
        Role.LIST,
    ),
    ("/pets/{petId}/toys", operation("getIt", in_path("petId"), answer=record(id=TEXT, toys=array(PET))), Role.LIST),
]  # fmt: skip

OTHER_ROLES = [
    ("delete", "/pets/{petId}", operation("dropPet", in_path("petId"), status="204"), Role.DELETE),
    ("delete", "/pets", operation("clearPets", status="204"), Role.DELETE),
    ("post", "/pets/{petId}/remove", operation("removePet", in_path("petId"), answer=PET), Role.DELETE),
    ("get", "/pets/{petId}/remove", operation("removePet", in_path("petId"), answer=PET), Role.FETCH),
    ("post", "/pets/removal", operation("removePets", body=MADE, answer=PET), Role.CREATE),
    ("put", "/pets/{petId}", operation("replacePet", in_path("petId"), body=MADE, answer=PET), Role.UPDATE),
    ("patch", "/pets/{petId}", operation("patchPet", in_path("petId"), body=MADE, answer=PET), Role.UPDATE),
    ("post", "/pets/{petId}", operation("updatePet", in_path("petId"), body=MADE, answer=PET), Role.UPDATE),
    ("post", "/pets", operation("updatePets", body=MADE, answer=PET), Role.CREATE),
    ("post", "/pets", operation("createPet", body=MADE, answer=PET), Role.CREATE),
    ("post", "/pets/{petId}/confirm", operation("confirmPet", in_path("petId"), answer=PET), Role.CREATE),
    ("post", "/pets/{petId}/send", operation("sendPet", in_path("petId"), answer=PET), Role.UPDATE),
    ("post", "/pets/{petId}/visits", operation("bookVisit", in_path("petId"), body=MADE, answer=PET), Role.CREATE),
    ("post", "/pets/send", operation("sendPets", body=MADE, answer=PET), Role.CREATE),
    ("post", "/pets/search", operation("searchPets", body=MADE, answer=PETS), Role.LIST),
    ("post", "/translate", operation("translateText", body=MADE, answer=PETS), Role.OTHER),
    ("post", "/", operation("createPet", body=MADE, answer=PET), Role.CREATE),
    ("post", "/login", operation("loginUser", body=MADE, answer=PET), Role.OTHER),
]  # fmt: skip


@pytest.mark.parametrize(("path", "spec", "role"), GET_ROLES)
def test_what_reads_finds_fetches_picks_or_counts(path: str, spec: Json, role: Role) -> None:
    assert sight("get", path, spec).role is role


@pytest.mark.parametrize(("method", "path", "spec", "role"), OTHER_ROLES)
def test_what_changes_creates_updates_or_deletes(method: str, path: str, spec: Json, role: Role) -> None:
    assert sight(method, path, spec).role is role


@pytest.mark.parametrize(
    ("path", "spec", "own_id"),
    [
        ("/pets/{petId}", operation("getPet", in_path("petId"), answer=PET), "petId"),
        ("/pets/{id}", operation("getPet", in_path("id"), answer=PET), "id"),
        ("/shops/{shopId}/pets/{petId}", operation("getPet", in_path("shopId"), in_path("petId"), answer=PET), "petId"),
        ("/shops/{shopId}/pets", operation("listPets", in_path("shopId"), answer=PETS), None),
        ("/shops/{shopId}/pets", operation("getPet", in_path("shopId"), query("pet_id", TEXT), answer=PET), "pet_id"),
        ("/pets/{petId}/details", operation("getPet", in_path("petId"), answer=PET), "petId"),
        ("/pets/{petId}/visits", operation("listVisits", in_path("petId"), answer=PETS), None),
        ("/pet", operation("getPet", query("shop_id", TEXT), query("pet_id", TEXT), answer=PET), "pet_id"),
        ("/pet", operation("getPet", query("shop_id", TEXT), query("id", TEXT), answer=PET), "id"),
        ("/pet", operation("getPet", query("shop_id", TEXT), answer=PET), None),
        ("/pet", operation("getPet", query("name", TEXT), answer=PET), None),
        ("/pets/{name}", operation("getPet", in_path("name"), answer=PET), None),
        ("/random", operation("getRandom", query("id", TEXT), answer=PET), "id"),
        ("/animals/{petId}", operation("getIt", in_path("petId"), query("owner_id", TEXT), answer=PET), "petId"),
        ("/shops/{shopId}/pets/{id}/details", operation("getIt", in_path("shopId"), in_path("id"), answer=PET), "id"),
        ("/{shopId}/details", operation("getDetails", in_path("shopId"), query("id", TEXT), answer=PET), "shopId"),
    ],
)
def test_the_id_of_the_thing_that_an_operation_is_about_is_found(path: str, spec: Json, own_id: str | None) -> None:
    assert sight("get", path, spec).own_id == own_id


@pytest.mark.parametrize(
    ("path", "name", "resource", "parent"),
    [
        ("/pets", "listAnimals", ("pet",), ()),
        ("/shops/{shopId}/pets", "listPets", ("pet",), ("shop",)),
        ("/v1/shops/list/pets/search", "findPets", ("pet",), ("shop",)),
        ("/search", "searchLineItems", ("line", "item"), ()),
        ("/shops/{shopId}/floors/{floorId}/pets", "listPets", ("pet",), ("floor",)),
        ("/{shopId}", "getShop", ("shop",), ()),
    ],
)
def test_the_last_fixed_part_of_a_path_that_names_a_thing_is_the_resource(
    path: str, name: str, resource: tuple[str, ...], parent: tuple[str, ...]
) -> None:
    ids = [in_path(name) for name in ("shopId", "floorId") if f"{{{name}}}" in path]
    seen = sight("get", path, operation(name, *ids, answer=PET))
    assert (seen.resource, seen.parent) == (resource, parent)


def test_verbs_come_from_the_name_and_the_last_fixed_part_of_the_path() -> None:
    seen = sight(
        "get", "/search/pets/{petId}/random/{x}", operation("getTopPets", in_path("petId"), in_path("x"), answer=PET)
    )
    assert seen.verbs == {"get", "top", "random", "first:get"}
    assert sight("get", "/{x}", operation("petsTop", in_path("x"), answer=PET)).verbs == {"top"}


def test_the_fields_of_a_body_are_arguments() -> None:
    flat = sight("post", "/pets", operation("createPet", body=record(name=TEXT, age=WHOLE), answer=PET))
    assert flat.body_arguments == {"name": TEXT, "age": WHOLE}
    whole = sight(
        "post", "/pets", operation("createPet", body={"oneOf": [record(name=TEXT), record(name=TEXT)]}, answer=PET)
    )
    assert set(whole.body_arguments) == {"body", "name"}
    assert whole.body_arguments["body"]["properties"] == {"name": TEXT}
    listed = sight("post", "/pets", operation("createPets", body=array(record(name=TEXT)), answer=PET))
    assert set(listed.body_arguments) == {"body"}
    assert sight("get", "/pets", operation("listPets", query("q", TEXT), answer=PETS)).arguments == {"q": TEXT}


def test_an_operation_that_answers_nothing_is_read_all_the_same() -> None:
    seen = sight("get", "/ping", operation("ping", status="204"))
    assert (seen.schema, seen.list_spot, seen.record_spot.keys, seen.role) == ({}, None, (), Role.FETCH)
