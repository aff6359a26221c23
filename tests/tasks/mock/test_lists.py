"""Lists: cut and ordered as asked, with the figures that go with them."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.mock.lists import describe_figure, find_slice, read_int, sort_things
from tasks.mock.plan import Collection, ListControls
from tasks.mock.world import Thing
from tests.tasks.mock.conftest import Caller, play
from tests.tasks.mock.documents import (
    ARTICLES,
    DATE,
    FLAG,
    MOMENT,
    NUMBER,
    TEXT,
    WHOLE,
    Json,
    array,
    open_api,
    operation,
    query,
    record,
)

CONTROLS = ListControls(limit="limit", offset="offset", page="page", sort="sort", direction="direction")
RANKED = ListControls(sort="rank_by", direction="direction")


@pytest.fixture
def articles() -> Caller:
    return play(open_api(ARTICLES))


@pytest.mark.parametrize(
    ("value", "expected"), [("7", 7), (7, 7), (7.9, 7), ("x", -2), (None, -2), ("7.5", -2), ([7], -2), ("", -2)]
)
def test_a_number_is_read_or_the_fallback_holds(value: Any, expected: int) -> None:
    assert read_int(value, -2) == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, (0, None)),
        ({"limit": 3}, (0, 3)),
        ({"limit": 0}, (0, 0)),
        ({"limit": -1}, (0, None)),
        ({"limit": "few"}, (0, None)),
        ({"offset": 4}, (4, None)),
        ({"offset": -4}, (0, None)),
        ({"page": 1, "limit": 5}, (0, 5)),
        ({"page": 2, "limit": 5}, (5, 5)),
        ({"page": 3, "limit": 5}, (10, 5)),
        ({"page": "3", "limit": "5"}, (10, 5)),
        ({"page": 0, "limit": 5}, (0, 5)),
        ({"page": -2, "limit": 5}, (0, 5)),
        ({"page": 3}, (20, None)),
        ({"page": 2, "limit": 0}, (0, 0)),
        ({"page": 2, "limit": 5, "offset": 1}, (6, 5)),
    ],
)
def test_a_part_starts_where_it_was_asked_for(arguments: Json, expected: tuple[int, int | None]) -> None:
    assert find_slice(CONTROLS, arguments) == expected


def test_a_list_that_has_no_such_arguments_is_shown_whole() -> None:
    assert find_slice(ListControls(), {"limit": 3, "offset": 2, "page": 2}) == (0, None)


def order(
    held: list[Any],
    name: str = "it",
    controls: ListControls = CONTROLS,
    verbs: str = "",
    properties: Json | None = None,
    **arguments: Any,
) -> list[Any]:
    collection = Collection("thing", record(**(properties or {name: NUMBER})))
    things = [Thing(place, {name: value}) for place, value in enumerate(held)]
    ordered = sort_things(things, controls, arguments, collection, frozenset(verbs.split()))
    return [thing.values[name] for thing in ordered]


@pytest.mark.parametrize(
    ("arguments", "is_descending"),
    [
        ({"sort": "it"}, False),
        ({"sort": "+it"}, False),
        ({"sort": "-it"}, True),
        ({"sort": "it", "direction": "asc"}, False),
        ({"sort": "it", "direction": "desc"}, True),
        ({"sort": "it", "direction": "DESCENDING"}, True),
        ({"sort": "it:desc"}, True),
        ({"sort": "it:asc"}, False),
        ({"sort": "it DESC"}, True),
        ({"sort": "it asc"}, False),
    ],
)
def test_a_list_is_ordered_by_the_property_that_is_named(arguments: Json, is_descending: bool) -> None:
    assert order([2, 3, 1], **arguments) == ([3, 2, 1] if is_descending else [1, 2, 3])


@pytest.mark.parametrize("arguments", [{}, {"sort": ""}, {"sort": "colour"}, {"sort": "-"}, {"sort": ["it"]}])
def test_a_list_stays_in_the_order_in_which_it_came_to_be(arguments: Json) -> None:
    assert order([2, 3, 1], **arguments) == [2, 3, 1]
    assert order([2, 3, 1], controls=ListControls(), sort="it") == [2, 3, 1]


@pytest.mark.parametrize(
    ("controls", "verbs", "arguments", "expected"),
    [
        (RANKED, "", {"rank_by": "it"}, [3, 2, 1]),
        (RANKED, "", {"rank_by": "it", "direction": "asc"}, [1, 2, 3]),
        (CONTROLS, "top", {"sort": "it"}, [3, 2, 1]),
        (CONTROLS, "top", {"sort": "it", "direction": "asc"}, [1, 2, 3]),
        (CONTROLS, "latest", {"sort": "it"}, [1, 2, 3]),
    ],
)
def test_a_ranking_begins_with_the_best(
    controls: ListControls, verbs: str, arguments: Json, expected: list[int]
) -> None:
    assert order([2, 3, 1], controls=controls, verbs=verbs, **arguments) == expected


@pytest.mark.parametrize(
    ("verbs", "name", "schema", "held", "expected"),
    [
        ("latest", "published_on", DATE, ["2026-02-01", "2026-03-01", "2026-01-01"], [1, 0, 2]),
        ("recent", "created_at", MOMENT, ["2026-02-01T", "2026-03-01T", "2026-01-01T"], [1, 0, 2]),
        ("top", "rating", NUMBER, [2, 3, 1], [1, 0, 2]),
        ("best", "score", WHOLE, [2, 3, 1], [1, 0, 2]),
        ("popular", "views", WHOLE, [2, 3, 1], [1, 0, 2]),
        ("top", "price", NUMBER, [2, 3, 1], [1, 0, 2]),
        ("top", "rank", WHOLE, [2, 3, 1], [0, 1, 2]),  # the first rank is the best
        ("top", "rating", TEXT, ["2", "3", "1"], [0, 1, 2]),
        ("top", "published_on", DATE, ["2026-02-01", "2026-03-01", "2026-01-01"], [0, 1, 2]),
        ("latest", "rating", NUMBER, [2, 3, 1], [0, 1, 2]),
        ("list", "rating", NUMBER, [2, 3, 1], [0, 1, 2]),
    ],
)
def test_the_name_of_an_operation_tells_an_order(
    verbs: str, name: str, schema: Json, held: list[Any], expected: list[int]
) -> None:
    ordered = order(held, name, verbs=verbs, properties={name: schema})
    assert [held.index(value) for value in ordered] == expected


def test_an_order_that_is_asked_for_turns_the_one_that_the_name_tells() -> None:
    assert order([2, 3, 1], "rating", verbs="top", direction="asc") == [1, 2, 3]
    assert order([2, 3, 1], "rating", verbs="top", direction="desc") == [3, 2, 1]


def test_an_order_that_is_left_empty_is_none() -> None:
    assert order([2, 3, 1], "rating", verbs="top", sort="") == [3, 2, 1]


def test_merits_count_in_their_own_order() -> None:
    properties = {"price": NUMBER, "rating": NUMBER}
    collection = Collection("thing", record(**properties))
    things = [Thing(1, {"price": 1, "rating": 5}), Thing(2, {"price": 9, "rating": 3})]
    assert sort_things(things, CONTROLS, {}, collection, frozenset({"top"})) == things


def test_what_has_no_value_comes_last_either_way() -> None:
    assert order([None, 2, 1, None], sort="it") == [1, 2, None, None]
    assert order([None, 2, 1, None], sort="-it") == [2, 1, None, None]


def test_values_of_several_sorts_can_be_ordered() -> None:
    assert order(["b", 2, "A", 1.5, True], sort="it") == [True, 1.5, 2, "A", "b"]
    assert order([2, True, 0.5, 1.5], sort="it") == [0.5, True, 1.5, 2]
    assert order([True, False, True], sort="it", properties={"it": FLAG}) == [False, True, True]


@pytest.mark.parametrize(
    ("wanted", "properties", "expected"),
    [
        ("prices", {"unit_price": NUMBER, "price": NUMBER}, "price"),
        ("price", {"unit_price": NUMBER, "published_on": DATE}, "unit_price"),
        ("rating_average", {"price": NUMBER, "rating": NUMBER}, "rating"),
        ("newest", {"price": NUMBER, "published_on": DATE}, "published_on"),
        ("created", {"published_on": DATE}, "published_on"),
        ("recent", {"published_on": DATE}, "published_on"),
        ("date", {"published_on": DATE}, "published_on"),
        ("oldest", {"published_on": DATE}, None),
    ],
)
def test_the_property_that_an_order_means_is_found(wanted: str, properties: Json, expected: str | None) -> None:
    for name in properties:
        ordered = order([2, 3, 1], name, properties=properties, sort=wanted)
        assert ordered == ([1, 2, 3] if name == expected else [2, 3, 1])


FIGURES = [
    # name, schema, (total, shown, start, size), value
    ("has_more", FLAG, (10, 5, 0, 5), True),
    ("has_more", FLAG, (10, 5, 5, 5), False),
    ("hasNext", FLAG, (11, 5, 5, 5), True),
    ("hasMoreItems", FLAG, (10, 5, 0, 5), True),
    ("next_page", FLAG, (10, 5, 5, 5), False),
    ("has_previous", FLAG, (10, 5, 0, 5), False),
    ("has_prev", FLAG, (10, 5, 1, 5), True),
    ("has_previous_page", FLAG, (10, 5, 5, 5), None),
    ("previous", FLAG, (10, 5, 5, 5), None),
    ("has_sale", FLAG, (10, 5, 5, 5), None),
    ("total_pages", WHOLE, (10, 5, 0, 5), 2),
    ("total_pages", WHOLE, (11, 5, 0, 5), 3),
    ("total_pages", WHOLE, (0, 0, 0, 5), 1),
    ("total_pages", WHOLE, (7, 7, 0, None), 1),
    ("total_pages", WHOLE, (0, 0, 0, None), 1),
    ("total_pages", WHOLE, (0, 0, 0, 0), 1),
    ("pages", NUMBER, (6, 5, 0, 5), 2),
    ("last_page", WHOLE, (11, 5, 0, 5), 3),
    ("page_count", WHOLE, (11, 5, 0, 5), 3),
    ("page", WHOLE, (11, 5, 0, 5), 1),
    ("page", WHOLE, (11, 5, 4, 5), 1),
    ("page", WHOLE, (11, 5, 5, 5), 2),
    ("pageNumber", WHOLE, (11, 1, 10, 5), 3),
    ("current_page", WHOLE, (11, 5, 5, 5), 2),
    ("page", WHOLE, (3, 0, 0, 0), 1),
    ("page", WHOLE, (12, 2, 10, None), 1),
    ("offset", WHOLE, (11, 5, 5, 5), 5),
    ("skip", WHOLE, (11, 5, 0, 5), 0),
    ("total", WHOLE, (11, 5, 5, 5), 11),
    ("total_count", WHOLE, (11, 5, 5, 5), 11),
    ("results_total", NUMBER, (11, 5, 5, 5), 11),
    ("count", WHOLE, (11, 5, 5, 5), 5),
    ("num_items", WHOLE, (11, 5, 5, 5), 5),
    ("items_found", WHOLE, (11, 4, 5, 5), 4),
    ("limit", WHOLE, (11, 5, 5, 6), 6),
    ("per_page", WHOLE, (11, 4, 5, None), 4),
    ("limit", WHOLE, (11, 0, 0, 0), 0),
    ("price", NUMBER, (11, 5, 5, 5), None),
    ("total", TEXT, (11, 5, 5, 5), None),
    ("_", WHOLE, (11, 5, 5, 5), None),
]


@pytest.mark.parametrize(("name", "part", "list_", "expected"), FIGURES)
def test_figures_tell_of_the_list(
    name: str, part: Json, list_: tuple[int, int, int, int | None], expected: int | bool | None
) -> None:
    total, shown, start, size = list_
    figure = describe_figure(name, part, total, shown, start, size)
    assert (type(figure), figure) == (type(expected), expected)


@pytest.mark.parametrize("per_page", [1, 4, 5])
def test_pages_follow_one_another_and_end(articles: Caller, per_page: int) -> None:
    """Going on until `has_more` is false shows each thing once, and all that `total` says there are."""
    seen: list[int] = []
    for page in range(1, 70):
        answer = articles.call("listArticles", page=page, per_page=per_page)
        assert (answer["page"], answer["per_page"], answer["has_previous"]) == (page, per_page, page > 1)
        assert 0 < len(answer["articles"]) <= per_page
        seen += [item["id"] for item in answer["articles"]]
        assert answer["has_more"] is (len(seen) < answer["total"])
        assert answer["total_pages"] == -(-answer["total"] // per_page)
        if not answer["has_more"]:
            break
    assert len(seen) == len(set(seen)) == answer["total"]
    again = articles.call("listArticles", page=1, per_page=per_page)
    assert [item["id"] for item in again["articles"]] == seen[:per_page]


def test_a_first_page_without_a_size_holds_ten(articles: Caller) -> None:
    later = articles.call("listArticles", page=2)
    assert len(later["articles"]) > 0
    first = articles.call("listArticles")
    assert len(first["articles"]) == 10
    assert first["total"] == 10 + len(later["articles"])
    assert {item["id"] for item in first["articles"]}.isdisjoint(item["id"] for item in later["articles"])


def test_a_page_may_be_larger_than_usual(articles: Caller) -> None:
    assert len(articles.call("listArticles", per_page=12)["articles"]) == 12


def test_a_page_far_beyond_the_end_is_empty(articles: Caller) -> None:
    answer = articles.call("listArticles", page=30, per_page=5)
    assert (answer["articles"], answer["has_more"], answer["has_previous"], answer["page"]) == ([], False, True, 30)


def test_a_list_in_a_wrapper_has_its_figures_beside_it(articles: Caller) -> None:
    data = articles.call("searchArticles", q="garden", offset=1, limit=2)["data"]
    assert (data["offset"], data["limit"], data["count"]) == (1, 2, len(data["articles"]))
    assert data["total"] >= 1 + data["count"]
    whole = articles.call("searchArticles", q="garden", limit=50)["data"]
    assert whole["articles"][1:3] == data["articles"]
    assert whole["total"] == data["total"] == len(whole["articles"])


def test_the_latest_come_first(articles: Caller) -> None:
    moments = [item["published_at"] for item in articles.call("getLatestArticles", limit=5)]
    assert len(moments) == 5
    assert moments == sorted(moments, reverse=True)
    assert articles.call("getLatestArticles", limit=2) == articles.call("getLatestArticles", limit=5)[:2]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(limit=st.integers(0, 9), offset=st.integers(0, 9), seed=st.integers(0, 5))
def test_a_part_of_a_list_is_that_part_of_the_whole(limit: int, offset: int, seed: int) -> None:
    episode = play(open_api(ARTICLES), seed)
    part = episode.call("searchArticles", q="tea", limit=limit, offset=offset)["data"]["articles"]
    whole = episode.call("searchArticles", q="tea", limit=60)["data"]["articles"]
    assert part == whole[offset : offset + limit]
    assert len(part) == min(limit, len(whole) - offset)


def test_up_to_twelve_things_are_made_to_fill_a_limit() -> None:
    paths = {"/tags": {"get": operation("listTags", query("limit", WHOLE), answer=array(record(id=TEXT, name=TEXT)))}}
    api = open_api(paths)
    assert len(play(api).call("listTags", limit=12)) == 12
    stock = play(api).call("listTags")
    assert 4 <= len(stock) <= 6
    assert play(api).call("listTags", limit=13) == stock


def test_a_list_grows_with_the_pages_that_are_asked_for_up_to_sixty_things() -> None:
    api = open_api(ARTICLES)
    assert 1 <= len(play(api).call("searchArticles", q="tea", offset=58)["data"]["articles"]) <= 2
    assert play(api).call("searchArticles", q="tea", offset=59)["data"]["articles"] == []
