"""What descriptions tell: real ones too, written for developers and not for us."""

import pytest

from tasks.embedded.describing import Returned, find_listed_noun, make_imperative, read_returned


@pytest.mark.parametrize(
    ("description", "imperative"),
    [
        ("Retrieve a random joke in JSON format. Returns: id, value.", "retrieve a random joke"),
        ("Returns the definitions of an English word.", "get the definitions of an English word"),
        ("Will return all cats. Returns: list of _id, tags.", "get all cats"),
        ("Use this endpoint to query the index and get an answer.", "query the index and get an answer"),
        ("This endpoint searches for airports.", "search for airports"),
        ("Query the AbuseIPDB database for reports.", "query the database for reports"),
        ("Fetches one pet. It must exist.", "fetch one pet"),
        ("IP addresses are looked up.", "IP addresses are looked up"),
    ],
)
def test_a_description_becomes_an_order(description: str, imperative: str) -> None:
    assert make_imperative("anything", description) == imperative


@pytest.mark.parametrize(
    ("name", "description", "imperative"),
    [
        ("AirportApi_getAirport", "AirportApi_getAirport. Returns: name.", "get airport"),
        ("jokes_random_category_get", "", "get jokes random category"),
        ("ping", "", "ping"),
    ],
)
def test_without_one_the_name_does(name: str, description: str, imperative: str) -> None:
    assert make_imperative(name, description) == imperative


@pytest.mark.parametrize(
    ("returns", "fields", "listed"),
    [
        ("pets (list of id, name, breed), total", ("id", "name", "breed"), True),
        ("list of id, name", ("id", "name"), True),
        ("name, nutritions (carbohydrates, sugar)", ("name", "nutritions", "carbohydrates", "sugar"), False),
        ("list of string", (), True),
        ("nothing", (), False),
        ("a value", (), False),
    ],
)
def test_the_last_line_names_what_comes_back(returns: str, fields: tuple[str, ...], listed: bool) -> None:
    assert read_returned(f"Do it. Returns: {returns}.") == Returned(fields, listed)


@pytest.mark.parametrize(
    ("imperative", "noun"),
    [("get all cats", "cats"), ("list the tags", "tags"), ("get a cat", ""), ("get all cats with a tag", "")],
)
def test_a_plain_listing_names_what_it_lists(imperative: str, noun: str) -> None:
    assert find_listed_noun(imperative) == noun
