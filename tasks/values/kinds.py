"""One value of a kind, as a number or as text.

Values drawn for one object share a `Scene`, so that its city lies in its country and its e-mail address belongs to
the person it names.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from random import Random
from typing import Any
from uuid import UUID

from tasks.values import texts
from tasks.values.names import KINDS
from tasks.values.pools import ALPHA_3, DOMAINS, Person, Place, list_entries, list_people, list_places

FIRST_DAY = date(2025, 1, 1)
DAYS = (date(2027, 12, 31) - FIRST_DAY).days

NUMBER_RANGES: dict[str, tuple[float, float, int]] = {kind: tuple(told) for kind, told in KINDS["numbers"].items()}
"""Lowest, highest and decimals of a kind."""


class Effort:
    """What one draw may still cost, over all that it holds: values, and values that are drawn anew."""

    def __init__(self) -> None:
        self.values = 100_000
        self.retries = 1_000


class Scene:
    """What the values of one object have in common; drawn when first asked for, from the object's own generator.

    `country_code` keeps the place within one country (None: anywhere). `effort` is that of the whole draw.
    """

    def __init__(self, rng: Random, effort: Effort | None = None) -> None:
        self.rng = rng
        self.effort = effort or Effort()
        self.country_code: str | None = None

    @cached_property
    def place(self) -> Place:
        """The city that all places in the object are in."""
        return self.rng.choice(list_places(self.country_code))

    @cached_property
    def person(self) -> Person:
        """The person that first name, last name, user name and e-mail address belong to."""
        return self.rng.choice(list_people())


def draw_number(kind: str, scene: Scene) -> float | None:
    """A number of the kind, rounded to the decimals that are usual for it; None if the kind is not a number.

    Times are seconds since 1970.
    """
    if kind == "latitude":
        return scene.place.latitude
    if kind == "longitude":
        return scene.place.longitude
    if kind == "date_time":
        return int(_draw_moment(scene.rng).timestamp())
    bounds = NUMBER_RANGES.get(kind)
    if bounds is None:
        return None
    low, high, decimals = bounds
    return scene.rng.randint(int(low), int(high)) if decimals == 0 else round(scene.rng.uniform(low, high), decimals)


def draw_text(kind: str, schema: dict[str, Any], scene: Scene) -> str | None:
    """Text of the kind; None if nothing is known of the kind."""
    entries = list_entries(kind)
    if entries:
        return scene.rng.choice(entries)
    writer = WRITERS.get(kind)
    if writer is not None:
        return writer(scene, schema)
    number = draw_number(kind, scene)
    if number is None:
        return None
    return f"{number:.2f}" if kind == "price" else str(number)


def _draw_day(rng: Random) -> date:
    return FIRST_DAY + timedelta(days=rng.randint(0, DAYS))


def _draw_moment(rng: Random) -> datetime:
    return datetime.combine(_draw_day(rng), time(rng.randint(6, 21), 5 * rng.randint(0, 11)), tzinfo=UTC)


_DATE_SHAPE = re.compile(r"\b(YYYY|MM|DD)([-/.]?)(MM|DD|YYYY)(?:\2(MM|DD|YYYY))?\b", re.IGNORECASE)
_DATE_PARTS = {"YYYY": "%Y", "MM": "%m", "DD": "%d"}


def _draw_date(scene: Scene, schema: dict[str, Any]) -> str:
    """A day in ISO form, or in the shape that the description spells out (such as MM/DD/YYYY)."""
    day = _draw_day(scene.rng)
    shape = None if schema.get("format") else _DATE_SHAPE.search(str(schema.get("description") or ""))
    if shape is None:
        return day.isoformat()
    parts = [_DATE_PARTS[part.upper()] for part in (shape[1], shape[3], shape[4]) if part]
    return day.strftime(shape[2].join(parts))


def _draw_birth_date(scene: Scene, _: dict[str, Any]) -> str:
    return (date(1955, 1, 1) + timedelta(days=scene.rng.randint(0, 18_000))).isoformat()


def _draw_time(scene: Scene, schema: dict[str, Any]) -> str:
    clock = f"{scene.rng.randint(6, 21):02d}:{5 * scene.rng.randint(0, 11):02d}"
    return f"{clock}:00Z" if schema.get("format") == "time" else clock


def _draw_slug(scene: Scene, _: dict[str, Any]) -> str:
    return "-".join(scene.rng.sample(texts.WORDS, 2))


def _draw_url(scene: Scene, schema: dict[str, Any]) -> str:
    return f"https://{scene.rng.choice(DOMAINS)}/{_draw_slug(scene, schema)}"


def _draw_image_url(scene: Scene, schema: dict[str, Any]) -> str:
    return f"https://media.example.com/images/{_draw_slug(scene, schema)}-{scene.rng.randint(100, 999)}.jpg"


def _draw_hex(scene: Scene, digits: int) -> str:
    return f"{scene.rng.getrandbits(4 * digits):0{digits}x}"


def _draw_uuid(scene: Scene, _: dict[str, Any]) -> str:
    return str(UUID(int=scene.rng.getrandbits(128), version=4))


def _draw_digits(scene: Scene, digits: int) -> str:
    return f"{scene.rng.randrange(10**digits):0{digits}d}"


def _draw_isbn(scene: Scene, _: dict[str, Any]) -> str:
    body = "978" + _draw_digits(scene, 9)
    check = -sum(int(digit) * (1, 3)[place % 2] for place, digit in enumerate(body)) % 10
    return f"{body}{check}"


def _draw_letters(scene: Scene, count: int, letters: str = "ABCDEFGHJKLMNPRSTUVWXYZ") -> str:
    return "".join(scene.rng.choice(letters) for _ in range(count))


def _draw_address(scene: Scene, _: dict[str, Any]) -> str:
    return f"{scene.rng.choice(list_entries('street_address'))}, {scene.place.city}, {scene.place.country}"


def _draw_ipv6(scene: Scene, _: dict[str, Any]) -> str:
    return "2001:db8:" + ":".join(f"{scene.rng.randrange(1, 65_536):x}" for _ in range(6))


Writer = Callable[[Scene, dict[str, Any]], str]

WRITERS: dict[str, Writer] = {
    "city": lambda scene, _: scene.place.city,
    "place": lambda scene, _: scene.place.city,
    "country": lambda scene, _: scene.place.country,
    "country_code": lambda scene, _: scene.place.country_code,
    "country_code_3": lambda scene, _: ALPHA_3[scene.place.country_code],
    "currency_code": lambda scene, _: scene.place.currency_code,
    "currency": lambda scene, _: scene.place.currency,
    "language_code": lambda scene, _: scene.place.language_code,
    "language": lambda scene, _: scene.place.language,
    "time_zone": lambda scene, _: scene.place.time_zone,
    "coordinates": lambda scene, _: f"{scene.place.latitude},{scene.place.longitude}",
    "address": _draw_address,
    "date": _draw_date,
    "date_time": lambda scene, _: _draw_moment(scene.rng).strftime("%Y-%m-%dT%H:%M:%SZ"),
    "birth_date": _draw_birth_date,
    "time": _draw_time,
    "email": lambda scene, _: scene.person.email,
    "user_name": lambda scene, _: scene.person.user_name,
    "first_name": lambda scene, _: scene.person.first_name,
    "last_name": lambda scene, _: scene.person.last_name,
    "gender": lambda scene, _: scene.person.gender,
    # Another person than the scene's: an article's author is not its editor.
    "person": lambda scene, _: f"{(other := scene.rng.choice(list_people())).first_name} {other.last_name}",
    "url": _draw_url,
    "image_url": _draw_image_url,
    "domain": lambda scene, _: scene.rng.choice(DOMAINS),
    "slug": _draw_slug,
    "phone": lambda scene, _: f"+1-202-555-01{_draw_digits(scene, 2)}",
    "ip_address": lambda scene, _: f"203.0.113.{scene.rng.randint(1, 254)}",
    "ipv6": _draw_ipv6,
    "mac_address": lambda scene, _: ":".join(_draw_hex(scene, 2) for _ in range(6)),
    "uuid": _draw_uuid,
    "hex_color": lambda scene, _: f"#{_draw_hex(scene, 6)}",
    "token": lambda scene, _: _draw_hex(scene, 32),
    "hash": lambda scene, _: _draw_hex(scene, 40),
    "base64": lambda scene, _: _draw_letters(scene, 16),
    "isbn": _draw_isbn,
    "version": lambda scene, _: f"{scene.rng.randint(1, 5)}.{scene.rng.randint(0, 12)}.{scene.rng.randint(0, 9)}",
    "file_name": lambda scene, schema: (
        f"{_draw_slug(scene, schema)}.{scene.rng.choice(list_entries('file_extension'))}"
    ),
    "flight_number": lambda scene, _: f"{_draw_letters(scene, 2)}{scene.rng.randint(100, 2999)}",
    "vin": lambda scene, _: (
        f"1{_draw_letters(scene, 4)}{_draw_digits(scene, 2)}{_draw_letters(scene, 4)}{_draw_digits(scene, 6)}"
    ),
    "license_plate": lambda scene, _: f"{_draw_letters(scene, 3)}-{_draw_digits(scene, 4)}",
    "iban": lambda scene, _: f"DE{_draw_digits(scene, 20)}",
    "id": lambda scene, _: f"{_draw_letters(scene, 2).lower()}{_draw_digits(scene, 6)}",
    "title": lambda scene, _: texts.compose_title(scene.rng),
    "book_title": lambda scene, _: texts.compose_title(scene.rng),
    "movie_title": lambda scene, _: texts.compose_title(scene.rng),
    "name": lambda scene, _: texts.compose_label(scene.rng),
    "sentence": lambda scene, _: texts.compose_sentence(scene.rng),
    "description": lambda scene, _: texts.compose_description(scene.rng),
    "word": lambda scene, _: scene.rng.choice(texts.WORDS),
    "query": lambda scene, _: scene.rng.choice(texts.SEARCH_WORDS),
}
