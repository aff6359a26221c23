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
