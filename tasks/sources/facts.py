"""Brings the words that sources use for auth, HTTPS, CORS and links to the values of `schemas.catalog`."""

import re
from urllib.parse import urlsplit

from schemas.catalog import Auth, Cors
from schemas.shown import show_line

_NO_AUTH = frozenset({"", "no", "none", "null", "false"})
_CORS: dict[str, Cors] = {"yes": "yes", "no": "no", "unknown": "unknown", "unkown": "unknown", "": "unknown"}
_HTTPS = {"yes": True, "true": True, "no": False, "false": False}


def clean_fact(text: str) -> str:
    """The text as one printable line, however long."""
    return show_line(text, None)


def shorten(text: str, length: int) -> str:
    """At most `length` characters, cut at a word where that can be, with an ellipsis that says so."""
    if len(text) <= length:
        return text
    head = text[: length - 1]
    return f"{head.rsplit(' ', 1)[0] if ' ' in head else head}…"


def clean_link(link: str) -> str:
    """The link without white space around it and without `utm_*` parameters; the rest stays as written."""
    link = clean_fact(link)
    try:
        parts = urlsplit(link)
    except ValueError:
        return link
    kept = "&".join(p for p in parts.query.split("&") if not p.lower().startswith("utm_"))
    return link if kept == parts.query else parts._replace(query=kept).geturl()


def parse_auth(text: str) -> Auth:
    """`none`, `apiKey`, `OAuth`, or `other` for anything else that a client must send."""
    word = re.sub(r"[^a-z0-9]", "", text.lower())
    if word in _NO_AUTH:
        return "none"
    if word == "apikey":
        return "apiKey"
    return "OAuth" if word.startswith("oauth") else "other"


def parse_https(text: str) -> bool | None:
    """Whether the API speaks HTTPS; None where the text says neither yes nor no."""
    return _HTTPS.get(_strip_code(text).lower())


def parse_cors(text: str) -> Cors | None:
    """Yes, no or unknown (an empty text too); None where the text is none of these."""
    return _CORS.get(_strip_code(text).lower())


def is_auth_cell(text: str) -> bool:
    """Whether a table cell can be the Auth column: `No`, or a method, which the list sets as code or names plainly."""
    stripped = text.strip()
    return bool(re.fullmatch(r"`[^`]*`", stripped)) or parse_auth(stripped) != "other"


def _strip_code(text: str) -> str:
    return text.strip().strip("`").strip()
