"""What names say: of which thing an id is, and what a path or an operation speaks of."""

import pytest

from tasks.mock.vocabulary import is_id_name, read_resource, strip_id


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("id", True), ("petId", True), ("pet_ids", True), ("orderUUID", True), ("guid", True), ("appointment_id", True),
        ("app_id", False), ("appId", False), ("paid", False), ("idea", False), ("id_card", False), ("width", False),
        ("", False), ("_", False),
    ],
)  # fmt: skip
def test_names_of_identifiers_are_known(name: str, expected: bool) -> None:
    assert is_id_name(name) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("petId", ("pet",)),
        ("pets_id", ("pet",)),
        ("lineItemsId", ("line", "item")),
        ("big_line_items_id", ("big", "line", "item")),
        ("id", ()),
        ("", ()),
    ],
)
def test_an_id_says_what_it_is_the_id_of(name: str, expected: tuple[str, ...]) -> None:
    assert strip_id(name) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pets", ("pet",)),
        ("listPets", ("pet",)),
        ("getAllVersesFromChapter", ("verse",)),
        ("findPetsByStatus", ("pet",)),
        ("getPetDetails", ("pet",)),
        ("getPetCount", ("pet",)),
        ("lineItems", ("line", "item")),
        ("big-line-items", ("big", "line", "item")),
        ("nearStations", ("near", "station")),  # a preposition in front divides nothing
        ("random", ()),
        ("search", ()),
        ("v2", ()),
        ("details", ()),
        ("getPetSummaryData", ("pet",)),
        ("", ()),
    ],
)
def test_a_path_or_an_operation_speaks_of_a_thing(text: str, expected: tuple[str, ...]) -> None:
    assert read_resource(text) == expected
