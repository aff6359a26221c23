"""What kind of value a name, a format and a description ask for."""

from typing import Any

import pytest

from tasks.values import infer_value_kind, split_name


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("city", "city"),
        ("countryCode", "country_code"),
        ("destination_country", "country"),
        ("base_currency", "currency_code"),
        ("lat", "latitude"),
        ("createdAt", "date_time"),
        ("start_date", "date"),
        ("e-mail", "email"),
        ("imageURL", "image_url"),
        ("petId", "id"),
        ("first_name", "first_name"),
        ("authorName", "person"),
        ("tags", "tag"),
        ("timeZone", "time_zone"),
        ("zip", "postcode"),
        ("frobnication", None),
        ("", None),
    ],
)
def test_the_last_words_of_a_name_decide(name: str, kind: str | None) -> None:
    assert infer_value_kind(name, {"type": "string"}) == kind


@pytest.mark.parametrize(
    ("name", "schema", "kind"),
    [
        ("code", {"type": "string", "description": "ISO 3166 alpha-2 code"}, "country_code"),
        ("country", {"type": "string", "description": "ISO 3166-1 alpha-2"}, "country_code"),
        ("country", {"type": "string", "description": "The country to look in"}, "country"),
        ("from", {"type": "string", "description": "Currency code (ISO 4217)"}, "currency_code"),
        ("when", {"type": "string", "format": "date-time"}, "date_time"),
        ("thumbnail", {"type": "string", "format": "uri"}, "image_url"),
        ("city", {"type": "integer"}, None),
        ("createdAt", {"type": "integer"}, "date_time"),
        ("price", {"type": ["number", "null"]}, "price"),
    ],
)
def test_format_description_and_type_have_their_say(name: str, schema: dict[str, Any], kind: str | None) -> None:
    assert infer_value_kind(name, schema) == kind


def test_names_split_in_every_usual_spelling() -> None:
    assert split_name("userIDToken") == ("user", "id", "token")
    assert split_name("start_date") == split_name("start-date") == split_name("startDate") == ("start", "date")


@pytest.mark.parametrize(
    ("description", "kind"),
    [
        ("The IATA code of the airport", "airport_code"),
        ("The airport, by its IATA code", "airport_code"),
        ("An IATA code.\nNot of an airport", None),
        ("A photo, as a URL", "image_url"),
        ("The URL of an image", "image_url"),
        ("A URL, and an icons", "image_url"),
        ("A poster.\nA URL", "url"),
        ("A picture beside a URL of nothing", "image_url"),
        ("The URL of a poster", "url"),
        *((word * 30_000, None) for word in ("iata ", "image ", "airport ")),
        ("url " * 30_000, "url"),
    ],
)
def test_what_a_description_tells_is_read_line_by_line_and_in_time(description: str, kind: str | None) -> None:
    assert infer_value_kind("thing", {"type": "string", "description": description}) == kind
