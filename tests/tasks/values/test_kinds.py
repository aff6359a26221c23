"""Each kind of value looks like what it is of."""

import re
from datetime import date
from random import Random
from typing import Any

import pytest

from tasks.values import infer_value_kind
from tasks.values.kinds import WRITERS, Scene, draw_text
from tasks.values.names import FORMAT_KINDS, KIND_OF_PHRASE
from tasks.values.pools import ALPHA_3, LISTS, list_entries, list_people, list_places

SHAPES = {
    "coordinates": r"-?\d+\.\d+,-?\d+\.\d+",
    "country_code": r"[A-Z]{2}",
    "country_code_3": r"[A-Z]{3}",
    "currency_code": r"[A-Z]{3}",
    "language_code": r"[a-z]{2}",
    "time_zone": r"[A-Z]\w+/[\w/-]+",
    "date": r"202[567]-\d\d-\d\d",
    "date_time": r"202[567]-\d\d-\d\dT\d\d:\d[05]:00Z",
    "birth_date": r"(19|20)\d\d-\d\d-\d\d",
    "time": r"([01]\d|2[01]):[0-5][05]",
    "email": r"[a-z.]+@example\.org",
    "user_name": r"[a-z]+_[a-z]+",
    "person": r"[A-Z][a-z]+ [A-Z]\w+",
    "gender": r"female|male",
    "url": r"https://[a-z.]*example\.(com|net|org)/[a-z]+-[a-z]+",
    "image_url": r"https://media\.example\.com/images/[a-z]+-[a-z]+-[1-9]\d\d\.jpg",
    "domain": r"([a-z]+\.)?example\.(com|net|org)",
    "slug": r"[a-z]+-[a-z]+",
    "phone": r"\+1-202-555-01\d\d",
    "ip_address": r"203\.0\.113\.\d{1,3}",
    "ipv6": r"2001:db8(:[1-9a-f][0-9a-f]{0,3}){6}",
    "mac_address": r"[0-9a-f]{2}(:[0-9a-f]{2}){5}",
    "uuid": r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
    "hex_color": r"#[0-9a-f]{6}",
    "token": r"[0-9a-f]{32}",
    "hash": r"[0-9a-f]{40}",
    "base64": r"[A-Z]{16}",
    "isbn": r"978\d{10}",
    "version": r"[1-5]\.(\d|1[0-2])\.\d",
    "file_name": r"[a-z]+-[a-z]+\.(pdf|png|jpg|csv|txt|docx|zip)",
    "flight_number": r"[A-Z]{2}[1-9]\d{2,3}",
    "vin": r"1[A-Z]{4}\d\d[A-Z]{4}\d{6}",
    "license_plate": r"[A-Z]{3}-\d{4}",
    "iban": r"DE\d{20}",
    "id": r"[a-z]{2}\d{6}",
    "price": r"\d+\.\d\d",
    "name": r"[A-Z][a-z]+ [A-Z][a-z]+",
    "word": r"[a-z]+",
    "query": r"[a-z]+",
    "sentence": r"[A-Z][^.]*\.",
    "description": r"[A-Z][^.]*\. [A-Z][^.]*\.",
    "address": r"\d+ .+, .+, .+",
    "month": r"\d+",
    "postcode": r"\d{5}",
}


@pytest.mark.parametrize("kind", sorted(SHAPES))
def test_text_of_a_kind_has_its_shape(kind: str) -> None:
    for seed in range(100):
        text = draw_text(kind, {}, Scene(Random(seed)))
        assert text is not None
        assert re.fullmatch(SHAPES[kind], text), text


def test_every_kind_that_a_name_or_a_format_tells_can_be_written() -> None:
    kinds = {*KIND_OF_PHRASE.values(), *(kind for allowed in FORMAT_KINDS.values() for kind in allowed), *WRITERS}
    for kind in kinds:
        text = draw_text(kind, {}, Scene(Random(1)))
        assert isinstance(text, str), kind
        assert text, kind
    assert draw_text("frobnication", {}, Scene(Random(1))) is None


@pytest.mark.parametrize("kind", sorted(LISTS))
def test_a_kind_with_a_list_is_drawn_from_it(kind: str) -> None:
    drawn = {draw_text(kind, {}, Scene(Random(seed))) for seed in range(400)}
    assert drawn == set(LISTS[kind])


@pytest.mark.parametrize("kind", ["company", "job", "street_address", "region", "postcode", "user_agent"])
def test_a_pool_is_filled_once_and_holds_nothing_twice(kind: str) -> None:
    entries = list_entries(kind)
    assert len(entries) > 40
    assert len(set(entries)) == len(entries)
    assert list_entries("city") == ()


def check_isbn(isbn: str) -> bool:
    return sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(isbn)) % 10 == 0


def test_an_isbn_has_a_check_digit_that_is_right() -> None:
    assert check_isbn("9780306406157")
    assert all(check_isbn(str(draw_text("isbn", {}, Scene(Random(seed))))) for seed in range(50))


@pytest.mark.parametrize(
    ("description", "shape"),
    [
        ("MM/DD/YYYY", r"(0\d|1[0-2])/[0-3]\d/202\d"),
        ("the day (dd.mm.yyyy)", r"[0-3]\d\.(0\d|1[0-2])\.202\d"),
        ("YYYY-MM", r"202\d-(0\d|1[0-2])"),
        ("as YYYYMMDD", r"202\d(0\d|1[0-2])[0-3]\d"),
        ("YYYY-MM/DD", r"202\d-(0\d|1[0-2])"),
        ("any", r"202\d-\d\d-\d\d"),
        (None, r"202\d-\d\d-\d\d"),
    ],
)
def test_a_date_is_written_as_the_description_says(description: str | None, shape: str) -> None:
    for seed in range(50):
        text = draw_text("date", {"description": description}, Scene(Random(seed)))
        assert re.fullmatch(shape, str(text)), text
    told = draw_text("date", {"description": description, "format": "date"}, Scene(Random(0)))
    assert date.fromisoformat(str(told))


def test_a_time_that_has_a_format_is_one_of_json_schema() -> None:
    assert re.fullmatch(r"\d\d:\d\d:00Z", str(draw_text("time", {"format": "time"}, Scene(Random(0)))))


def draw_scene(*kinds: str, seed: int, country_code: str | None = None) -> dict[str, str]:
    scene = Scene(Random(seed))
    scene.country_code = country_code
    return {kind: str(draw_text(kind, {}, scene)) for kind in kinds}


def test_what_is_drawn_in_one_scene_belongs_together() -> None:
    kinds = (
        "city",
        "country",
        "country_code",
        "country_code_3",
        "currency_code",
        "time_zone",
        "coordinates",
        "address",
    )
    people = ("first_name", "last_name", "user_name", "email")
    for seed in range(50):
        drawn = draw_scene(*kinds, *people, seed=seed)
        place = next(place for place in list_places() if f"{place.latitude},{place.longitude}" == drawn["coordinates"])
        assert (drawn["city"], drawn["country"], drawn["country_code"], drawn["currency_code"], drawn["time_zone"]) == (
            place.city,
            place.country,
            place.country_code,
            place.currency_code,
            place.time_zone,
        )
        assert drawn["country_code_3"] == ALPHA_3[place.country_code]
        assert drawn["address"].endswith(f", {place.city}, {place.country}")
        first, last = drawn["first_name"].lower(), drawn["last_name"].lower()
        assert (drawn["user_name"], drawn["email"]) == (f"{first}_{last}", f"{first}.{last}@example.org")


def test_a_scene_can_be_kept_within_a_country() -> None:
    codes = {draw_scene("country_code", seed=seed, country_code="IT")["country_code"] for seed in range(20)}
    assert codes == {"IT"}
    assert len({draw_scene("country_code", seed=seed)["country_code"] for seed in range(60)}) > 10


def test_places_are_real_and_people_are_their_own() -> None:
    places = list_places()
    assert {place.country_code for place in places} <= set(ALPHA_3)
    (city,) = [place for place in places if place.city == "Stuttgart"]
    assert (city.country, city.country_code, city.time_zone) == ("Germany", "DE", "Europe/Berlin")
    assert (city.currency_code, city.currency, city.language_code, city.language) == (
        "EUR",
        "Euro",
        "de",
        "German",
    )
    assert (round(city.latitude), round(city.longitude)) in {(49, 9)}
    assert all(len(place.language_code) == 2 and len(place.currency_code) == 3 for place in places)
    people = list_people()
    assert len({person.email for person in people}) == len({person.user_name for person in people}) == len(people)
    assert {person.gender for person in people} == {"female", "male"}


SCHEMA: dict[str, Any] = {"type": "string"}


@pytest.mark.parametrize(
    ("name", "schema", "kind"),
    [
        ("start", {"format": "date-time"}, "date_time"),
        ("birthday", {"type": "string", "format": "date"}, "birth_date"),
        ("birthday", {"type": "string", "format": "date-time"}, "date_time"),
        ("logo", {"type": "string", "format": "url"}, "image_url"),
        ("city", {"type": "string", "format": "unknown"}, "city"),
        ("count", {"type": "integer", "format": "date"}, "count"),
        ("x", {"type": "string", "format": "password"}, "token"),
        ("dueOn", SCHEMA, "date"),
        ("sentAt", SCHEMA, "date_time"),
        ("at", SCHEMA, None),
        ("on", SCHEMA, None),
        ("currencyCode", SCHEMA, "currency_code"),
        ("xyzzyCode", SCHEMA, None),
        ("code", SCHEMA, None),
        ("numXyzzy", {"type": "integer"}, "count"),
        ("totalXyzzy", {"type": "integer"}, "count"),
        ("nXyzzy", {"type": "integer"}, "count"),
        ("cities", SCHEMA, "city"),
        ("myHomeTown", SCHEMA, "city"),
        ("release_date", SCHEMA, "date"),
        ("city", {"type": "boolean"}, None),
        ("city", {"type": ["integer", "string"]}, "city"),
        ("price", {"type": "integer"}, "price"),
        ("price", {"type": "boolean"}, None),
        ("text", {"type": "string", "description": "A joke"}, "description"),
        ("xyzzy", {"type": "string", "description": "A joke"}, "sentence"),
        ("xyzzy", {"type": "integer", "description": "A joke"}, None),
        ("xyzzy", {"type": "string", "description": 5}, None),
        ("name", {"type": "string", "description": "E-mail address of the owner"}, "email"),
        ("name", {"type": "string", "description": "The URL of it"}, "name"),
        ("id", {"type": "string", "description": "The id within the URL"}, "id"),
        ("from", {"type": "string", "description": "Latitude"}, "latitude"),
        ("from", {"type": "number", "description": "Latitude"}, "latitude"),
        ("from", {"type": "number", "description": "E-mail address"}, None),
        ("city", {"type": "string", "description": "E-mail address"}, "city"),
        ("country", {"type": "string", "description": "Three-letter country code"}, "country_code_3"),
        ("country", {"type": "string", "description": "Its e-mail address"}, "country"),
        ("link", {"type": "string", "description": "URL of the image"}, "image_url"),
        ("link", {"type": "string", "description": "Its e-mail address"}, "url"),
        ("code", {"type": "string", "description": "Sent to the e-mail address"}, None),
        ("code", {"type": "string", "description": "Ticker of the share"}, "symbol"),
        ("code", {"type": "string", "description": "ISO 4217"}, "currency_code"),
    ],
    ids=str,
)
def test_a_kind_is_told_by_format_name_and_description_in_that_order(
    name: str, schema: dict[str, Any], kind: str | None
) -> None:
    assert infer_value_kind(name, schema) == kind
