"""What kinds are drawn from: word lists, and pools that faker and babel fill once per process.

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

from tasks.values.words import split_words

POOL_SIZE = 400
POOL_SEED = 20250101

DOMAINS = (
    "example.com",
    "www.example.com",
    "shop.example.com",
    "blog.example.com",
    "media.example.com",
    "data.example.com",
    "news.example.com",
    "docs.example.com",
    "events.example.com",
    "example.net",
    "www.example.net",
    "example.org",
    "www.example.org",
)

LISTS: dict[str, tuple[str, ...]] = {
    kind: tuple(entries.split("|"))
    for kind, entries in {
        "category": "outdoor|music|travel|health|education|technology|sports|food|history|science|family|design|"
        "business|nature|art",
        "tag": "featured|popular|new|seasonal|classic|limited|weekend|family|outdoor|beginner|premium|local|handmade|"
        "vintage|travel|budget",
        "status": "active|pending|completed|scheduled|confirmed|closed",
        "color": "red|blue|green|black|white|silver|navy|teal|orange|purple|yellow|brown|grey|gold|pink",
        "continent": "Africa|Asia|Europe|North America|South America|Oceania",
        "weekday": "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday",
        "gender": "female|male",
        "genre": "Rock|Jazz|Classical|Folk|Drama|Comedy|Thriller|Fantasy|Documentary|Science Fiction|Mystery|Adventure",
        "cuisine": "Italian|Thai|Mexican|Indian|Japanese|French|Greek|Lebanese|Ethiopian|Korean|Spanish|Turkish",
        "sport": "football|basketball|tennis|cricket|rugby|volleyball|hockey|swimming|cycling|athletics",
        "unit": "kg|g|l|ml|m|km|cm|pcs",
        "mime_type": "application/json|application/pdf|image/png|image/jpeg|text/plain|text/csv|audio/mpeg|video/mp4",
        "file_extension": "pdf|png|jpg|csv|txt|docx|zip",
        "airport_code": "AMS|ATL|BCN|BKK|BOM|CDG|CPH|DEL|DFW|DXB|FCO|FRA|GRU|HEL|HKG|HND|ICN|IST|JFK|LAX|LHR|LIS|MAD|"
        "MEX|MUC|NBO|ORD|OSL|SEA|SFO|SIN|SYD|VIE|WAW|YYZ|ZRH",
        "icao_code": "EHAM|KATL|LEBL|VTBS|VABB|LFPG|EKCH|VIDP|KDFW|OMDB|LIRF|EDDF|SBGR|EFHK|VHHH|RJTT|RKSI|KJFK|KLAX|"
        "EGLL|LPPT|LEMD|MMMX|EDDM|KORD|ENGM|KSEA|KSFO|WSSS|YSSY|LOWW|EPWA|CYYZ|LSZH",
        "symbol": "AAPL|MSFT|GOOG|AMZN|TSLA|NVDA|META|NFLX|IBM|ORCL|INTC|AMD|SAP|SHEL|SONY|TM|NKE|KO|PEP|DIS",
        "pet_name": "Luna|Milo|Bella|Charlie|Daisy|Max|Coco|Rocky|Willow|Oscar|Poppy|Simba|Nala|Teddy|Ruby|Biscuit|"
        "Hazel|Pepper|Ziggy|Maple",
        "breed": "Labrador Retriever|Beagle|Border Collie|Maine Coon|Siamese|Poodle|Dachshund|Ragdoll|Greyhound|"
        "Bengal|Akita|Boxer",
        "dish": "Mushroom Risotto|Chicken Tikka Masala|Lentil Soup|Beef Bourguignon|Pad Thai|Shakshuka|Ratatouille|"
        "Fish Tacos|Vegetable Lasagne|Miso Ramen|Falafel Bowl|Apple Crumble|Paella|Bibimbap|Pumpkin Curry",
        "ingredient": "tomato|garlic|olive oil|basil|chickpeas|rice|ginger|lemon|butter|onion|carrot|flour|parsley|"
        "coconut milk|spinach|mushrooms",
        "team": "Harbor City Rovers|Northfield United|Red River Hawks|Lakeside Wanderers|Summit Athletic|Bay City "
        "Comets|Ironbridge FC|Silver Coast Sharks|Maple Valley Wolves|Westport Rangers",
        "song": "Paper Lanterns|Northern Lights|Slow Morning|Copper Sky|Ocean Avenue|The Long Way Back|Quiet Engines|"
        "Electric Summer|Winter Letters|Golden Hour|Midnight Train Home|Falling Upward",
        "product": "Wireless Headphones|Stainless Water Bottle|Desk Lamp|Trail Running Shoes|Ceramic Mug|Yoga Mat|"
        "Mechanical Keyboard|Canvas Backpack|Espresso Machine|Bluetooth Speaker|Linen Shirt|Camping Stove|"
        "Leather Wallet|Standing Desk|Rain Jacket",
        "locale": "en-US|en-GB|de-DE|fr-FR|es-ES|it-IT|pt-BR|nl-NL|sv-SE|ja-JP|ko-KR|pl-PL",
        "emoji": "😀|🌍|🎉|🐶|🌻|🚀|🍕|🎵|📚|⚽",
        "iso_duration": "PT15M|PT30M|PT45M|PT1H|PT1H30M|PT2H|P1D|P3D|P1W",
        "json_pointer": "/items/0|/data/name|/results/1/id",
    }.items()
}

# Countries that values are mostly drawn from: large ones, so that a reader knows them.
COMMON_COUNTRIES = frozenset(
    split_words(
        "US IN DE BR GB FR IT JP ES PH MX ID TR CA PL NL ZA AR CO KE EG AU SE CH BE AT NO DK FI PT GR IE NZ KR TH VN "
        "MY CL PE MA NG GH ET UA CZ HU RO SG"
    )
)
ALPHA_3 = dict(
    pair.split(":")
    for pair in split_words(
        "US:USA IN:IND DE:DEU BR:BRA GB:GBR FR:FRA IT:ITA JP:JPN ES:ESP PH:PHL MX:MEX ID:IDN TR:TUR CA:CAN PL:POL "
        "NL:NLD ZA:ZAF AR:ARG CO:COL KE:KEN EG:EGY AU:AUS SE:SWE CH:CHE BE:BEL AT:AUT NO:NOR DK:DNK FI:FIN PT:PRT "
        "GR:GRC IE:IRL NZ:NZL KR:KOR TH:THA VN:VNM MY:MYS CL:CHL PE:PER MA:MAR NG:NGA GH:GHA ET:ETH UA:UKR CZ:CZE "
        "HU:HUN RO:ROU SG:SGP"
    )
)


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
        if code not in COMMON_COUNTRIES:
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
