"""What kind of value a field holds, read from its name, format and description."""

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from tasks.values.words import load_words, name_words, split_name

KINDS: dict[str, Any] = load_words(Path(__file__).with_name("kinds.yaml"))
KIND_OF_PHRASE: dict[str, str] = {phrase: kind for kind, phrases in KINDS["names"].items() for phrase in phrases}
LONGEST_PHRASE = max(phrase.count("_") + 1 for phrase in KIND_OF_PHRASE)
FORMAT_KINDS: dict[str, list[str]] = KINDS["formats"]
NUMERIC_KINDS = frozenset((*KINDS["numbers"], "date_time", "vin"))

# Said in a description, these outweigh a vague name ("code", "from", "base", …).
DESCRIPTION_HINTS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        (r"alpha-?\s?3|three[- ]letter (iso )?country", "country_code_3"),
        (r"iso[- ]?3166|alpha-?\s?2|(two|2)[- ]letter (iso )?country|country code", "country_code"),
        (r"iso[- ]?4217|currency code|(three|3)[- ]letter currency|code of the currency", "currency_code"),
        (r"iso[- ]?639|language code|(two|2)[- ]letter language", "language_code"),
        (r"(?m)^(?=.*\biata\b)(?=.*airport)", "airport_code"),
        (r"\bicao\b", "icao_code"),
        (r"time ?zone", "time_zone"),
        (r"date and time|iso[- ]?8601 (date-?time|timestamp)", "date_time"),
        (r"(yyyy|dd)[-/.]mm|mm[-/.](dd|yyyy)|\bthe date\b|iso[- ]?8601 date", "date"),
        (r"\bhh:mm\b", "time"),
        (r"e-?mail address", "email"),
        (r"\bip address\b", "ip_address"),
        (r"phone number", "phone"),
        (r"hex(adecimal)? colou?r", "hex_color"),
        # Each looks on from the first one in a line only: from every one it would take for ever over many.
        (
            r"(?m)^(?:(?>.*?\b(?:image|photo|picture|logo|icon|poster)\b).*\burl\b"
            r"|(?>.*?\burl\b).*\b(?:image|photo|logo|icon))",
            "image_url",
        ),
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
    for size in range(min(LONGEST_PHRASE, len(words)), 0, -1):
        for candidate in (words, name_words(name)):
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
