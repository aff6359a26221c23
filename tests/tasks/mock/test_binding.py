"""Which arguments cut, order and narrow down a list, and by which property."""

import pytest

from tasks.mock.binding import bind_filters, read_controls
from tasks.mock.plan import Collection
from tests.tasks.mock.documents import DATE, FLAG, MOMENT, NUMBER, TEXT, WHOLE, Json, array, record


def bind(
    argument: str, schema: Json, *, label: str | None = None, of: str = "pet", **properties: Json
) -> tuple[str, str] | None:
    """Test and property (its keys, dots between) that the argument filters by."""
    bound = bind_filters({argument: schema}, Collection(of, record(**properties), label=label), [])
    return (bound[0].test, ".".join(bound[0].keys)) if bound else None


@pytest.mark.parametrize(
    ("control", "argument", "schema"),
    [
        ("limit", "limit", WHOLE),
        ("limit", "perPage", NUMBER),
        ("limit", "page_size", TEXT),
        ("limit", "max", {}),
        ("offset", "offset", WHOLE),
        ("offset", "skip", NUMBER),
        ("page", "page", WHOLE),
        ("page", "p", TEXT),
        ("sort", "sort_by", TEXT),
        ("direction", "order", TEXT),
        ("text", "q", TEXT),
        ("text", "query", {"type": ["string", "null"]}),
    ],
)
def test_controls_are_known_by_name_and_type(control: str, argument: str, schema: Json) -> None:
    read = vars(read_controls({"other": WHOLE, argument: schema}, {"name": TEXT}))
    assert read[control] == argument
    assert {key for key, value in read.items() if value is not None} == {control}


@pytest.mark.parametrize(
    ("argument", "schema"),
    [("limit", FLAG), ("offset", TEXT), ("page", FLAG), ("sort_by", WHOLE), ("direction", WHOLE), ("q", WHOLE)],
)
def test_an_argument_of_another_type_is_no_control(argument: str, schema: Json) -> None:
    assert set(vars(read_controls({argument: schema}, {})).values()) == {None}


def test_an_argument_named_like_a_property_filters_except_for_sort() -> None:
    arguments = {"limit": WHOLE, "q": TEXT, "order": TEXT, "start": WHOLE, "page": WHOLE, "sort": TEXT}
    controls = read_controls(arguments, dict.fromkeys(arguments, TEXT))
    assert vars(controls) == dict.fromkeys(vars(controls)) | {"sort": "sort"}


def test_the_first_of_several_controls_counts() -> None:
    controls = read_controls({"count": WHOLE, "limit": WHOLE, "q": TEXT, "search": TEXT}, {})
    assert (controls.limit, controls.text) == ("count", "q")


BOUND = [
    # argument, its schema, properties, test and property
    ("status", TEXT, {"status": TEXT}, ("equal", "status")),
    ("statuses", TEXT, {"status": TEXT}, ("equal", "status")),
    ("petAge", WHOLE, {"age": WHOLE}, ("equal", "age")),
    ("owner_age", WHOLE, {"age": WHOLE}, ("equal", "age")),
    ("the_owner_age", WHOLE, {"age": WHOLE}, None),
    ("age", WHOLE, {"status": TEXT}, None),
    ("tag", TEXT, {"tags": array(TEXT)}, ("member", "tags")),
    ("latitude", NUMBER, {"latitude": NUMBER}, ("near", "latitude")),
    ("lng", NUMBER, {"lng": NUMBER}, ("near", "lng")),
    ("title", TEXT, {"title": TEXT}, ("contains", "title")),
    ("description", TEXT, {"description": TEXT}, ("contains", "description")),
    ("note", TEXT, {"note": TEXT}, ("contains", "note")),
    ("title", WHOLE, {"title": WHOLE}, ("equal", "title")),
    ("min_age", WHOLE, {"age": WHOLE}, ("least", "age")),
    ("ageMax", WHOLE, {"age": WHOLE}, ("most", "age")),
    ("age_from", WHOLE, {"age": WHOLE}, ("least", "age")),
    ("age_lte", WHOLE, {"age": WHOLE}, ("most", "age")),
    ("pet_min_age", WHOLE, {"age": WHOLE}, ("least", "age")),
    ("min_minimum_salary", WHOLE, {"minimum_salary": WHOLE}, ("least", "minimum_salary")),
    ("max_minimum_salary", WHOLE, {"minimum_salary": WHOLE}, ("most", "minimum_salary")),
    ("minimum_salary", WHOLE, {"minimum_salary": WHOLE}, ("equal", "minimum_salary")),
    ("minimum_salary_min", WHOLE, {"minimum_salary": WHOLE}, ("least", "minimum_salary")),
    ("latitude", NUMBER, {"location": record(latitude=NUMBER)}, ("near", "location.latitude")),
    ("from", DATE, {"trip": record(starts_on=DATE)}, ("least", "trip.starts_on")),
    ("salary_min_max", WHOLE, {"salary_max": WHOLE}, ("least", "salary_max")),
    ("tag_min", WHOLE, {"tag": WHOLE}, ("least", "tag")),
    ("tag_min", WHOLE, {"tags": array(TEXT)}, None),
    ("min_salary", WHOLE, {"salary_usd": WHOLE}, ("least", "salary_usd")),
    ("from", DATE, {"age": WHOLE, "arrived_on": DATE}, ("least", "arrived_on")),
    ("until", DATE, {"arrived_at": MOMENT}, ("most", "arrived_at")),
    ("start_date", DATE, {"arrived_on": DATE}, ("least", "arrived_on")),
    ("end_date", TEXT, {"arrived_on": DATE}, ("most", "arrived_on")),
    ("before_time", TEXT, {"arrived_on": DATE}, ("most", "arrived_on")),
    ("starting_at", TEXT, {"arrived_on": DATE}, None),
    ("from", TEXT, {"arrived_on": DATE}, None),
    ("from", {"type": "string", "description": "the first date"}, {"arrived_on": DATE}, ("least", "arrived_on")),
    ("from", DATE, {"arrived_at": WHOLE}, None),
    ("from", DATE, {"age": WHOLE}, None),
    ("from_city", TEXT, {"arrived_on": DATE}, None),
    ("max", WHOLE, {"arrived_on": DATE}, None),
    ("category", TEXT, {"category_name": TEXT}, ("equal", "category_name")),
    ("location_city", TEXT, {"city": TEXT}, ("equal", "city")),
    ("my_location_city", TEXT, {"location_city": TEXT}, None),
    ("category", TEXT, {"category_id": TEXT}, None),
    ("category_id", TEXT, {"category_id": TEXT}, ("equal", "category_id")),
    ("city", TEXT, {"address": record(city=TEXT)}, ("equal", "address.city")),
    ("address", TEXT, {"address": record(city=TEXT)}, None),
    ("min_latitude", NUMBER, {"location": record(latitude=NUMBER)}, ("least", "location.latitude")),
    ("unit", TEXT, {"price": record(unit=TEXT)}, None),
    ("unit", TEXT, {"unit": TEXT}, ("equal", "unit")),
    ("city", TEXT, {"address": record(city_name=TEXT)}, None),
    ("pet", TEXT, {"pet": TEXT}, ("equal", "pet")),
    ("pet", TEXT, {"name": TEXT}, None),
]


@pytest.mark.parametrize(("argument", "schema", "properties", "expected"), BOUND)
def test_an_argument_filters_by_the_property_that_it_means(
    argument: str, schema: Json, properties: Json, expected: tuple[str, str] | None
) -> None:
    assert bind(argument, schema, **properties) == expected


def test_the_label_is_searched_in() -> None:
    assert bind("breed", TEXT, label="breed", breed=TEXT) == ("contains", "breed")
    assert bind("breed", TEXT, label="name", breed=TEXT, name=TEXT) == ("equal", "breed")


def test_the_whole_name_of_the_thing_may_precede_its_property() -> None:
    assert bind("line_item_price", NUMBER, of="line_item", price=NUMBER) == ("equal", "price")
    assert bind("min_line_item_price", NUMBER, of="line_item", price=NUMBER) == ("least", "price")
    assert bind("list_item_price", NUMBER, of="line_item", price=NUMBER) is None


def test_the_thing_itself_comes_before_what_is_in_it() -> None:
    assert bind("city", TEXT, address=record(city=TEXT), city=TEXT) == ("equal", "city")


def test_arguments_that_are_taken_filter_nothing_and_the_others_keep_their_order() -> None:
    pets = Collection("pet", record(age=WHOLE, city=TEXT, breed=TEXT))
    bound = bind_filters({"city": TEXT, "age": WHOLE, "x": TEXT, "breed": TEXT}, pets, ["age"])
    assert [item.argument for item in bound] == ["city", "breed"]
    assert bound[0].schema == TEXT
