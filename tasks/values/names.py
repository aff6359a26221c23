"""What kind of value a field holds, read from its name, format and description."""

import re
from functools import lru_cache
from typing import Any

from tasks.values.words import singularize, split_name, split_words

# Phrases, as the words of a name in snake_case; the longest one that a name ends with decides.
PHRASES: dict[str, str] = {
    "city": "city town municipality locality capital hometown origin_city destination_city",
    "country": "country country_name nation nationality_country origin_country",
    "country_code": "country_code countrycode country_iso country_iso2 iso2 iso_alpha2 alpha2 alpha2_code cca2",
    "country_code_3": "country_iso3 iso3 iso_alpha3 alpha3 alpha3_code cca3 country_code3",
    "currency_code": "currency_code currency currencies base_currency target_currency currency_iso base_code "
    "target_code from_currency to_currency quote_currency",
    "currency": "currency_name",
    "language_code": "language_code lang lang_code locale_language source_lang target_lang iso639",
    "language": "language language_name spoken_language",
    "locale": "locale culture",
    "latitude": "latitude lat",
    "longitude": "longitude lon lng long",
    "coordinates": "coordinates lat_lng lat_lon latlng geo_point gps",
    "date": "date day_date start_date end_date due_date from_date to_date release_date publish_date published_on "
    "created_on updated_on valid_until expires_on expiry expiry_date checkin checkout check_in "
    "check_out date_from date_to deadline",
    "date_time": "date_time datetime created_at updated_at published_at modified_at started_at ended_at expires_at "
    "created updated modified last_updated last_update last_modified starts_at ends_at deleted_at scheduled_at "
    "completed_at issued_at ordered_at start_time end_time departure_time arrival_time begin_time utc_time "
    "observed_at recorded_at reported_at fetched_at timestamp localtime local_time epoch",
    "birth_date": "birth_date birthdate birthday date_of_birth dob",
    "time": "time time_of_day opening_time closing_time opens_at closes_at sunrise sunset opens closes",
    "email": "email e_mail email_address mail contact_email",
    "url": "url uri link trailer href website homepage web_page site permalink webhook callback_url endpoint web",
    "image_url": "image_url image img photo photo_url picture thumbnail thumbnail_url avatar avatar_url logo logo_url "
    "poster poster_url icon_url cover cover_image banner flag_url cover_url img_url artwork",
    "phone": "phone phone_number telephone mobile tel fax phone_no cell contact_number",
    "person": "person full_name author artist director owner actor writer composer teacher instructor doctor patient "
    "customer customer_name player coach candidate reviewer speaker guest host member_name person_name author_name "
    "user_full_name contact_name display_name photographer editor creator performer singer driver employee manager "
    "character_name recipient sender attendee passenger winner captain tutor contact judge lawyer founder ceo "
    "artist_name player_name owner_name recipient_name employee_name sponsor designer chef architect",
    "first_name": "first_name given_name firstname forename",
    "last_name": "last_name family_name surname lastname",
    "company": "company company_name organization organisation employer publisher manufacturer brand vendor supplier "
    "carrier airline provider merchant studio label operator agency seller bank maker organizer organiser "
    "organization_name bank_name",
    "job": "job role job_title profession occupation position_title",
    "street_address": "street_address street address_line address_line1 address1 street_name line1 address_line_1",
    "address": "address full_address location_address mailing_address formatted_address postal_address "
    "shipping_address billing_address",
    "place": "departure arrival location place venue birthplace origin destination pickup dropoff place_name "
    "location_name",
    "region": "region state province county area_name district state_name region_name administrative_area",
    "continent": "continent",
    "postcode": "postcode postal_code zip zip_code zipcode post_code",
    "ip_address": "ip ip_address ipv4 ip_addr",
    "ipv6": "ipv6 ip_v6",
    "mac_address": "mac mac_address",
    "domain": "domain hostname host domain_name",
    "uuid": "uuid guid",
    "hex_color": "hex_color hex_colour hex color_hex colour_hex color_code",
    "color": "color colour colors colours",
    "user_name": "user_name username login handle nickname nick screen_name",
    "token": "token api_key apikey access_token access_key secret session_token key appid api_token refresh_token "
    "password",
    "hash": "hash sha256 sha1 md5 checksum digest signature",
    "time_zone": "time_zone timezone timezone_id time_zone_id tz zone",
    "isbn": "isbn isbn13 isbn_13",
    "year": "year release_year publication_year founded founding_year year_built published_year",
    "month": "month",
    "day": "day day_of_month",
    "weekday": "weekday day_of_week",
    "hour": "hour hours",
    "minute": "minute minutes",
    "percentage": "percentage percent pct share rate_percent discount interest_rate tax_rate success_rate "
    "completion change_percent progress",
    "price": "price cost fee amount total_price unit_price price_usd subtotal fare salary revenue budget balance "
    "total_cost tax_amount income min_price max_price price_min price_max payment market_cap open high low close "
    "bid ask funding total_amount price_per_night daily_rate entry_fee",
    "exchange_rate": "exchange_rate conversion_rate fx_rate rate",
    "rating": "rating stars average_rating avg_rating min_rating user_rating review_score",
    "score": "score points similarity_score reputation_score",
    "probability": "probability confidence likelihood similarity relevance ratio",
    "age": "age age_years min_age max_age",
    "temperature": "temperature temp feels_like temp_c temperature_c dew_point min_temp max_temp temp_min temp_max",
    "humidity": "humidity cloud_cover",
    "pressure": "pressure",
    "wind_speed": "wind_speed wind gust wind_gust",
    "speed": "speed speed_kmh velocity",
    "distance": "distance distance_km radius radius_km km distance_miles mileage range_km length_km",
    "duration": "duration duration_minutes length_minutes runtime minutes_total prep_time cook_time duration_min",
    "weight": "weight weight_kg mass",
    "height": "height height_cm length length_cm",
    "elevation": "elevation altitude elevation_m depth depth_m",
    "population": "population inhabitants",
    "area": "area area_km2 surface",
    "count": "count views likes downloads followers total_results num_results votes reviews_count visits shares "
    "comments_count view_count like_count download_count stock stock_quantity members pages page_count",
    "quantity": "quantity qty units amount_of guests seats passengers servings rooms beds bedrooms bathrooms adults "
    "children nights days",
    "page": "page page_number",
    "limit": "limit page_size per_page max_results size_limit top",
    "offset": "offset skip",
    "rank": "rank ranking place_rank position",
    "calories": "calories kcal energy_kcal",
    "pixels": "width width_px height_px image_width image_height",
    "status": "status state_name_status order_status",
    "version": "version api_version app_version",
    "file_name": "file_name filename file attachment",
    "mime_type": "mime_type content_type media_type mimetype",
    "airport_code": "airport_code iata iata_code airport origin_airport destination_airport",
    "icao_code": "icao icao_code",
    "flight_number": "flight_number flight flight_no",
    "symbol": "symbol ticker symbols stock_symbol ticker_symbol",
    "vin": "vin",
    "license_plate": "license_plate plate plate_number registration_number",
    "iban": "iban",
    "gender": "gender sex",
    "genre": "genre genres",
    "category": "category categories topic subject theme section type kind group department",
    "tag": "tag tags keyword keywords label_tag",
    "pet_name": "pet_name dog_name cat_name animal_name",
    "breed": "breed",
    "dish": "dish dish_name meal recipe_name recipe_title meal_name recipe",
    "ingredient": "ingredient ingredients",
    "cuisine": "cuisine",
    "sport": "sport sport_name",
    "team": "team team_name home_team away_team club opponent",
    "song": "song song_title track track_name track_title song_name",
    "product": "product product_name item_name item product_title",
    "book_title": "book book_title",
    "movie_title": "movie movie_title film film_title movie_name",
    "unit": "unit units_name",
    "query": "query search q search_term term search_query",
    "sentence": "sentence quote fact message headline tagline caption question answer joke advice slogan subject_line "
    "instruction instructions reason note notes comment remark feedback tip verse",
    "description": "description summary overview biography bio synopsis content body text details abstract about "
    "explanation plot review lyrics story excerpt definition meaning",
    "title": "title heading event_name event_title article_title course_title headline_title",
    "name": "name label",
    "word": "word adjective noun verb",
    "id": "id ids identifier reference ref tracking_number order_number",
    "slug": "slug",
    "emoji": "emoji",
}
KIND_OF_PHRASE: dict[str, str] = {phrase: kind for kind, phrases in PHRASES.items() for phrase in phrases.split()}
LONGEST_PHRASE = max(phrase.count("_") + 1 for phrase in KIND_OF_PHRASE)

# The kinds that a format allows; the first is taken where the name suggests none of them.
FORMAT_KINDS: dict[str, tuple[str, ...]] = {
    "date": ("date", "birth_date"),
    "date-time": ("date_time",),
    "time": ("time",),
    "duration": ("iso_duration",),
    "email": ("email",),
    "idn-email": ("email",),
    "uri": ("url", "image_url"),
    "url": ("url", "image_url"),
    "iri": ("url", "image_url"),
    "uri-reference": ("url", "image_url"),
    "iri-reference": ("url", "image_url"),
    "uri-template": ("url",),
    "hostname": ("domain",),
    "idn-hostname": ("domain",),
    "ipv4": ("ip_address",),
    "ip": ("ip_address",),
    "ipv6": ("ipv6",),
    "uuid": ("uuid",),
    "phone": ("phone",),
    "json-pointer": ("json_pointer",),
    "byte": ("base64",),
    "regex": ("word",),
    "password": ("token",),
}

NUMERIC_KINDS = frozenset(
    split_words(
        "latitude longitude year month day hour minute percentage price exchange_rate rating score probability age "
        "temperature humidity pressure wind_speed speed distance duration weight height elevation population area "
        "count quantity page limit offset rank calories pixels id version postcode date_time vin"
    )
)

# Said in a description, these outweigh a vague name ("code", "from", "base", …).
DESCRIPTION_HINTS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        (r"alpha-?\s?3|three[- ]letter (iso )?country", "country_code_3"),
        (r"iso[- ]?3166|alpha-?\s?2|(two|2)[- ]letter (iso )?country|country code", "country_code"),
        (r"iso[- ]?4217|currency code|(three|3)[- ]letter currency|code of the currency", "currency_code"),
        (r"iso[- ]?639|language code|(two|2)[- ]letter language", "language_code"),
        (r"\biata\b.*airport|airport.*\biata\b", "airport_code"),
        (r"\bicao\b", "icao_code"),
        (r"time ?zone", "time_zone"),
        (r"date and time|iso[- ]?8601 (date-?time|timestamp)", "date_time"),
        (r"(yyyy|dd)[-/.]mm|mm[-/.](dd|yyyy)|\bthe date\b|iso[- ]?8601 date", "date"),
        (r"\bhh:mm\b", "time"),
        (r"e-?mail address", "email"),
        (r"\bip address\b", "ip_address"),
        (r"phone number", "phone"),
        (r"hex(adecimal)? colou?r", "hex_color"),
        (r"\b(image|photo|picture|logo|icon|poster)\b.*\burl\b|\burl\b.*\b(image|photo|logo|icon)", "image_url"),
        (r"\burl\b", "url"),
        (r"\bticker\b", "symbol"),
        (r"\blatitude\b", "latitude"),
        (r"\blongitude\b", "longitude"),
    )
)
_UTTERANCE = re.compile(r"\b(joke|quote|fact|trivia)\b", re.IGNORECASE)
VAGUE_KINDS = frozenset(
    {"name", "title", "category", "word", "query", "id", "place", "count", "region", "symbol", "tag", "day"}
)


def infer_value_kind(name: str, schema: dict[str, Any]) -> str | None:
    """The kind of value that a field of this name and schema holds, such as `city` or `price`; None if nothing tells.

    The format decides first, then the name's last words, then the description. A kind that the schema's type cannot
    carry (a city in an integer) is not returned.
    """
    declared = schema.get("type")
    types = tuple(declared) if isinstance(declared, list) else (declared,) if isinstance(declared, str) else ()
    description = schema.get("description")
    return _infer(name, types, str(schema.get("format") or ""), description if isinstance(description, str) else "")


@lru_cache(maxsize=8192)
def _infer(name: str, types: tuple[str, ...], format_name: str, description: str) -> str | None:
    by_name = _infer_from_name(name)
    texts = not types or "string" in types
    if texts and format_name in FORMAT_KINDS:
        allowed = FORMAT_KINDS[format_name]
        return by_name if by_name in allowed else allowed[0]
    kind = by_name
    if kind is None or kind in VAGUE_KINDS or kind in {"country", "url"}:
        hint = _find_hint(description)
        # A country stays a name unless its codes are spoken of, and a URL one unless it is an image's.
        fits = (
            hint is not None and (texts or hint in NUMERIC_KINDS) and (kind not in {"country", "url"} or kind in hint)
        )
        if hint is not None and fits and not _is_aside(name, kind, hint):
            kind = hint
    if kind is None and texts and _UTTERANCE.search(description):
        return "sentence"
    if kind is None or texts:
        return kind
    if "integer" in types or "number" in types:
        return kind if kind in NUMERIC_KINDS else None
    return None


@lru_cache(maxsize=4096)
def _find_hint(description: str) -> str | None:
    return next((hinted for pattern, hinted in DESCRIPTION_HINTS if pattern.search(description)), None)


def _is_aside(name: str, kind: str | None, hint: str) -> bool:
    """Whether a hint is about something else: a code that is sent by e-mail, an id that is part of a URL."""
    if split_name(name)[-1:] == ("code",) and not hint.endswith(("code", "code_3", "symbol")):
        return True
    return kind in {"id", "title", "name", "count"} and hint in {"url", "time_zone", "date", "latitude", "longitude"}


def _infer_from_name(name: str) -> str | None:
    words = split_name(name)
    if not words:
        return None
    singular = (*words[:-1], singularize(words[-1]))
    for size in range(min(LONGEST_PHRASE, len(words)), 0, -1):
        for candidate in (words, singular):
            kind = KIND_OF_PHRASE.get("_".join(candidate[-size:]))
            if kind is not None:
                return kind
    if words[-1] in {"at", "on"} and len(words) > 1:
        return "date_time" if words[-1] == "at" else "date"
    if words[-1] == "code" and len(words) > 1:
        return KIND_OF_PHRASE.get(words[-2] + "_code")
    if words[0] in {"num", "number", "total", "n"}:
        return "count"
    return None
