"""Fields that follow from others: echoes, outcomes, conversions, counts and sums."""

from typing import Any

import pytest

from tasks.mock.computed import echo_arguments, fill_conversion, fill_outcome, fill_statistics
from tasks.mock.plan import Role
from tasks.mock.world import Thing, World
from tests.tasks.mock.documents import FLAG, NUMBER, TEXT, WHOLE, Json, array, record


def echo(body: Json, schema: Json, **arguments: Any) -> Json:
    echo_arguments(body, schema, arguments)
    return body


@pytest.mark.parametrize(
    ("name", "schema", "given", "expected"),
    [
        ("city", TEXT, "Oslo", "Oslo"),
        ("zip", TEXT, 1234, "1234"),
        ("year", WHOLE, 2026, 2026),
        ("year", {}, 2026, 2026),
        ("year", WHOLE, "2026", "held"),
        ("unit", {"enum": ["C", "F"]}, "K", "held"),
        ("tags", array(TEXT), ["a", "b"], ["a", "b"]),
        ("tags", array(TEXT), [1], "held"),
        ("city", TEXT, ["Oslo"], "held"),
        ("city", TEXT, {"name": "Oslo"}, "held"),
        ("city", record(name=TEXT), "Oslo", "held"),
        ("city", {"type": ["object", "string"]}, "Oslo", "held"),
        ("is_open", FLAG, False, False),
        ("city", TEXT, None, "held"),
    ],
)
def test_a_field_that_is_named_like_an_argument_echoes_it(name: str, schema: Json, given: Any, expected: Any) -> None:
    assert echo({name: "held"}, record(**{name: schema}), **{name: given}) == {name: expected}


def test_names_are_compared_by_their_words() -> None:
    assert echo({"cityName": "held"}, record(cityName=TEXT), city_names="Oslo") == {"cityName": "Oslo"}
    assert echo({"city": "held"}, record(city=TEXT), town="Oslo") == {"city": "held"}


def test_a_field_that_the_answer_has_not_is_not_added() -> None:
    assert echo({}, record(city=TEXT), city="Oslo") == {}
    assert echo({"a": 1}, record(city=TEXT, place=record(city=TEXT)), city="Oslo") == {"a": 1}
    assert echo({"place": None}, record(place=record(city=TEXT)), city="Oslo") == {"place": None}
    assert echo({"b": 1, "c": 1}, record(a=WHOLE, b=WHOLE, c=WHOLE), a=2, c=3) == {"b": 1, "c": 3}
    assert echo(["x"], record(city=TEXT), city="Oslo") == ["x"]  # type: ignore[arg-type, comparison-overlap]


def test_a_list_that_is_echoed_is_the_answers_own() -> None:
    given = ["a"]
    body = echo({"tags": []}, record(tags=array(TEXT)), tags=given)
    body["tags"].append("b")
    assert given == ["a"]


def test_echoes_reach_three_levels_down() -> None:
    def nest(levels: int, inner: Any) -> Any:
        return {"in": nest(levels - 1, inner)} if levels else inner

    def describe(levels: int) -> Json:
        return record(**{"in": describe(levels - 1)}) if levels else record(city=TEXT)

    for levels, told in ((0, "Oslo"), (3, "Oslo"), (4, "held")):
        body = echo(nest(levels, {"city": "held"}), describe(levels), city="Oslo")
        assert body == nest(levels, {"city": told})


def conclude(
    body: Json, schema: Json, role: Role = Role.CREATE, resource: str = "pet", *given: str, is_read: bool = False
) -> Json:
    fill_outcome(body, schema, role, resource, given, is_read=is_read)
    return body


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("success", True), ("isDeleted", True), ("sent_ok", True), ("emailSent", True), ("sentToAll", True),
        ("vaccinated", False), ("is_sent_later", False),
    ],
)  # fmt: skip
def test_flags_say_that_it_was_done(name: str, expected: bool) -> None:
    assert conclude({name: False}, record(**{name: FLAG})) == {name: expected}
    assert conclude({name: False}, record(**{name: FLAG}), is_read=True) == {name: expected}
    assert conclude({name: "held"}, record(**{name: TEXT})) == {name: "held"}


@pytest.mark.parametrize(
    ("role", "resource", "expected"),
    [
        (Role.CREATE, "pet", "Pet created successfully."),
        (Role.UPDATE, "line_item", "Line item updated successfully."),
        (Role.DELETE, "pet", "Pet deleted successfully."),
        (Role.OTHER, "pet", "Pet completed successfully."),
        (Role.CREATE, "", "Request created successfully."),
    ],
)
def test_a_message_says_what_was_done(role: Role, resource: str, expected: str) -> None:
    for name in ("message", "statusMessage", "msg", "detail"):
        assert conclude({name: "held"}, record(**{name: TEXT}), role, resource) == {name: expected}


def test_a_message_stays_where_it_is_about_something_else() -> None:
    held = {"message": "held"}
    assert conclude(dict(held), record(message=TEXT), is_read=True) == held
    assert conclude(dict(held), record(message={"type": "string", "enum": ["held"]})) == held
    assert conclude(dict(held), record(message={"type": "string", "maxLength": 5})) == held
    assert conclude(dict(held), record(message=WHOLE)) == held
    assert conclude(dict(held), record(message=TEXT), Role.CREATE, "pet", "message") == held
    assert conclude({"message_id": "held"}, record(message_id=TEXT)) == {"message_id": "held"}
    assert conclude({"message": "held"}, record(message={})) == {"message": "held"}
    assert conclude({}, record(message=TEXT, success=FLAG)) == {}
    assert conclude({"_": False, "ok": False}, record(sent=FLAG, _=FLAG, ok=FLAG)) == {"_": False, "ok": True}


@pytest.mark.parametrize(
    ("role", "is_read", "expected"),
    [
        (Role.DELETE, False, "deleted"),
        (Role.OTHER, False, "success"),
        (Role.OTHER, True, "held"),
        (Role.CREATE, False, "held"),
        (Role.UPDATE, False, "held"),
    ],
)
def test_a_status_says_what_was_done_where_it_is_no_things_own(role: Role, is_read: bool, expected: str) -> None:
    assert conclude({"status": "held"}, record(status=TEXT), role, is_read=is_read) == {"status": expected}


def test_a_status_stays_where_it_is_another() -> None:
    assert conclude({"status": 1}, record(status=WHOLE), Role.DELETE) == {"status": 1}
    assert conclude({"status": "held"}, record(status={}), Role.DELETE) == {"status": "held"}
    assert conclude({"pet_status": "held"}, record(pet_status=TEXT), Role.DELETE) == {"pet_status": "held"}
    closed = {"type": "string", "enum": ["held", "closed"]}
    assert conclude({"status": "held"}, record(status=closed), Role.DELETE) == {"status": "held"}
    assert conclude({"status": "held"}, record(status=TEXT), Role.DELETE, "pet", "status") == {"status": "held"}


def test_outcomes_are_told_at_every_level() -> None:
    schema = record(data=record(meta=record(success=FLAG, message=TEXT)))
    body = {"data": {"meta": {"success": False, "message": "held"}}}
    told = {"data": {"meta": {"success": True, "message": "Pet deleted successfully."}}}
    assert conclude(body, schema, Role.DELETE) == told
    assert conclude({"data": {"meta": {"success": False, "message": "held"}}}, schema, is_read=True) == {
        "data": {"meta": {"success": True, "message": "held"}}
    }
    assert conclude({"data": None}, record(data=record(success=FLAG))) == {"data": None}


MONEY = record(amount=NUMBER, rate=NUMBER, result=NUMBER)


def convert(arguments: Json, schema: Json = MONEY, body: Json | None = None, seed: int = 1, api: str = "money") -> Json:
    held = dict.fromkeys(schema["properties"], -1) if body is None else body
    fill_conversion(held, schema, arguments, World(api, seed))
    return held


def test_a_result_is_the_amount_at_the_rate() -> None:
    told = convert({"from": "EUR", "to": "USD", "amount": 120})
    assert 0.4 <= told["rate"] <= 2.2
    assert told["rate"] == round(told["rate"], 4)
    assert told["result"] == round(120 * told["rate"], 2)
    assert told["amount"] == -1
    assert convert({"from": "EUR", "to": "USD", "amount": 0})["result"] == 0


def test_a_rate_lies_between_two_fifths_and_eleven_fifths_and_has_four_decimals() -> None:
    rates = [convert({"from": "EUR", "to": "USD", "amount": 1}, seed=seed)["rate"] for seed in range(300)]
    assert 0.4 <= min(rates) < 0.45
    assert 2.15 < max(rates) <= 2.2
    assert all(rate == round(rate, 4) for rate in rates)
    assert any(rate != round(rate, 3) for rate in rates)
    back = [convert({"from": "USD", "to": "EUR", "amount": 1}, seed=seed)["rate"] for seed in range(300)]
    assert back == [round(1 / rate, 4) for rate in rates]


def test_the_way_back_has_the_inverse_rate() -> None:
    for first, second in (("EUR", "USD"), ("USD", "EUR"), ("mile", "km")):
        there = convert({"from": first, "to": second, "amount": 1})["rate"]
        back = convert({"from": second, "to": first, "amount": 1})["rate"]
        forward = there if first < second else back
        assert {there, back} == {forward, round(1 / forward, 4)}


def test_one_unit_is_worth_itself() -> None:
    assert convert({"from": "EUR", "to": "EUR", "amount": 7.5}) == {"amount": -1, "rate": 1.0, "result": 7.5}


def test_rates_differ_and_hang_on_the_seed() -> None:
    rates = {convert({"from": "EUR", "to": unit, "amount": 1})["rate"] for unit in ("USD", "GBP", "CHF", "NOK")}
    assert len(rates) == 4
    assert convert({"from": "EUR", "to": "USD", "amount": 1}) == convert({"from": "EUR", "to": "USD", "amount": 1})
    first, second = (convert({"from": "EUR", "to": "USD", "amount": 1}, seed=seed)["rate"] for seed in (1, 2))
    assert first != second


@pytest.mark.parametrize(
    "arguments",
    [
        {"base": "EUR", "target": "USD", "value": 10},
        {"source_currency": "EUR", "target_currency": "USD", "quantity": 10},
        {"fromUnit": "EUR", "toUnit": "USD", "amount": 10},
        {"from_currency": "EUR", "to_currency": "USD", "amount": 10, "value": "no number"},
        {"base_currency": "EUR", "to": "USD", "amount": 10},
    ],
)
def test_a_conversion_is_known_by_its_names(arguments: Json) -> None:
    expected = convert({"from": "EUR", "to": "USD", "amount": 10})["result"]
    assert convert(arguments, record(result=NUMBER)) == {"result": expected}


@pytest.mark.parametrize(
    "arguments",
    [
        {"from": "EUR", "to": "USD"},
        {"from": "EUR", "to": "USD", "amount": "10"},
        {"from": "EUR", "to": "USD", "amount": True},
        {"from": "EUR", "amount": 10},
        {"from": "EUR", "to": 3, "amount": 10},
        {"here": "EUR", "there": "USD", "amount": 10},
    ],
)
def test_what_is_no_conversion_is_left_alone(arguments: Json) -> None:
    assert convert(arguments) == {"amount": -1, "rate": -1, "result": -1}


@pytest.mark.parametrize(
    ("name", "schema", "is_result"),
    [
        ("converted", NUMBER, True), ("convertedAmount", NUMBER, True), ("total", NUMBER, True),
        ("output", NUMBER, True), ("value", NUMBER, True), ("amount", NUMBER, False), ("fee", NUMBER, False),
        ("result", TEXT, False), ("result", {"type": "number", "maximum": 0}, False),
    ],
)  # fmt: skip
def test_the_result_is_known_by_its_name_and_type(name: str, schema: Json, is_result: bool) -> None:
    told = convert({"from": "EUR", "to": "USD", "amount": 10}, record(**{name: schema}))
    assert (told[name] != -1) is is_result


def test_a_rate_that_does_not_conform_is_left_and_the_result_is_told_all_the_same() -> None:
    schema = record(rate={"type": "number", "maximum": 0}, result=NUMBER)
    told = convert({"from": "EUR", "to": "USD", "amount": 10}, schema)
    assert told["rate"] == -1
    assert told["result"] == convert({"from": "EUR", "to": "USD", "amount": 10})["result"]
    assert convert({"from": "EUR", "to": "USD", "amount": 10}, MONEY, body={"rate": -1}).keys() == {"rate"}
    assert convert({"from": "EUR", "to": "USD", "amount": 10}, MONEY, body={"rate": -1, "result": -1})["rate"] > 0
    fill_conversion(None, MONEY, {"from": "EUR", "to": "USD", "amount": 10}, World("money", 1))
    whole = convert({"from": "EUR", "to": "USD", "amount": 10_000}, record(rate=NUMBER, result=WHOLE))
    assert whole["result"] == -1  # a result is told as it is, with its decimals


PETS = [Thing(1, {"age": 2, "price": 10.126}), Thing(2, {"age": 5, "price": 20}), Thing(3, {"age": True, "tag": "x"})]


def summarise(things: list[Thing], **fields: Json) -> Json:
    body: Json = dict.fromkeys(fields, -1)
    fill_statistics(body, record(**fields), things)
    return body


@pytest.mark.parametrize(
    ("name", "schema", "expected"),
    [
        ("averageAge", NUMBER, 3.5),
        ("avg_price", NUMBER, 15.06),
        ("mean_age", WHOLE, 4),
        ("min_age", NUMBER, 2),
        ("lowest_price", NUMBER, 10.126),
        ("minimumAge", WHOLE, 2),
        ("cheapest_price", NUMBER, 10.126),
        ("max_age", NUMBER, 5),
        ("highest_price", NUMBER, 20),
        ("maximum_age", WHOLE, 5),
        ("total_price", NUMBER, 30.13),
        ("sum_age", WHOLE, 7),
        ("count", WHOLE, 3),
        ("total", WHOLE, 3),
        ("numberOfPets", NUMBER, 3),
        ("num_pets", WHOLE, 3),
        ("matches", WHOLE, -1),
        ("match_count", WHOLE, 3),
        ("total_pets_here_now", WHOLE, -1),
        ("total_pets_here", WHOLE, 3),
        ("average_weight", NUMBER, -1),
        ("age", NUMBER, -1),
        ("count", TEXT, -1),
        ("max_age", {"type": "integer", "maximum": 4}, -1),
    ],
)
def test_figures_over_things_are_true(name: str, schema: Json, expected: float) -> None:
    assert summarise(PETS, **{name: schema}) == {name: expected}


def test_figures_over_nothing_are_counts_alone() -> None:
    assert summarise([], count=WHOLE, average_age=NUMBER) == {"count": 0, "average_age": -1}


def test_figures_are_told_in_objects_within() -> None:
    body: Json = {"stats": {"count": -1}, "text": "x"}
    fill_statistics(body, record(stats=record(count=WHOLE), text=TEXT, other=record(count=WHOLE)), PETS)
    assert body == {"stats": {"count": 3}, "text": "x"}
    fill_statistics(None, record(count=WHOLE), PETS)
    assert summarise(PETS, note=TEXT, count=WHOLE) == {"note": -1, "count": 3}
