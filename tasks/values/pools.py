"""What kinds are drawn from: lists, and pools that faker and babel fill once per process.

Faker is seeded here and never asked again, so that a pool is the same in every process; a draw from it costs about a
microsecond, where faker itself costs fifty.
"""

from dataclasses import dataclass
from functools import lru_cache

from babel import Locale
from babel.languages import get_official_languages
from babel.numbers import get_territory_currencies
from faker import Faker
from faker.providers.geo import Provider as GeoProvider

from tasks.values.names import KINDS

POOL_SIZE = 400
POOL_SEED = 20250101

LISTS: dict[str, tuple[str, ...]] = {kind: tuple(entries) for kind, entries in KINDS["entries"].items()}
DOMAINS: list[str] = KINDS["domains"]
ALPHA_3: dict[str, str] = KINDS["countries"]


@dataclass(frozen=True)
class Place:
    """A real city, and what belongs to it."""

    city: str
    country: str
    country_code: str
    latitude: float
    longitude: float
    time_zone: str
    currency_code: str
    currency: str
    language_code: str
    language: str


@dataclass(frozen=True)
class Person:
    """An invented person; the user name and the address at example.org follow from the name."""

    first_name: str
    last_name: str
    gender: str
    user_name: str
    email: str


@lru_cache(maxsize=64)
def list_places(country_code: str | None = None) -> tuple[Place, ...]:
    """Cities in well-known countries (or in one of them), with coordinates (degrees), time zone, currency, language."""
    if country_code is not None:
        return tuple(place for place in list_places() if place.country_code == country_code)
    english = Locale("en")
    places = []
    for latitude, longitude, city, code, zone in GeoProvider.land_coords:
        if code not in ALPHA_3:
            continue
        currency = next(iter(get_territory_currencies(code)), "USD")
        spoken = next(iter(get_official_languages(code, de_facto=True)), "en").split("_")[0]
        places.append(
            Place(
                city=city,
                country=english.territories[code],
                country_code=code,
                latitude=round(float(latitude), 4),
                longitude=round(float(longitude), 4),
                time_zone=zone,
                currency_code=currency,
                currency=english.currencies.get(currency, currency),
                language_code=spoken if len(spoken) == 2 else "en",
                language=english.languages.get(spoken if len(spoken) == 2 else "en", "English"),
            )
        )
    return tuple(places)


@lru_cache(maxsize=1)
def list_people() -> tuple[Person, ...]:
    """Invented people, two genders alternating, no two with the same user name."""
    fake = Faker("en_US")
    fake.seed_instance(POOL_SEED)
    people: dict[str, Person] = {}
    for position in range(POOL_SIZE):
        gender = ("female", "male")[position % 2]
        first = fake.first_name_female() if gender == "female" else fake.first_name_male()
        last = fake.last_name()
        handle = f"{first}.{last}".lower()
        people[handle] = Person(first, last, gender, handle.replace(".", "_"), f"{handle}@example.org")
    return tuple(people.values())


@lru_cache(maxsize=64)
def list_entries(kind: str) -> tuple[str, ...]:
    """The entries of a kind that is drawn from a list; empty if there is no list for it."""
    if kind in LISTS:
        return LISTS[kind]
    if kind not in {"company", "job", "street_address", "region", "postcode", "user_agent"}:
        return ()
    fake = Faker("en_US")
    fake.seed_instance(POOL_SEED)
    draw = {
        "company": fake.company,
        "job": fake.job,
        "street_address": fake.street_address,
        "region": fake.state,
        "postcode": fake.postcode,
        "user_agent": fake.user_agent,
    }[kind]
    return tuple(dict.fromkeys(draw() for _ in range(POOL_SIZE)))
