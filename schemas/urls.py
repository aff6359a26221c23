"""Addresses as people give them, and as they are stored and printed: without what may be a secret in them.

A query or fragment often is one (a signature, a token), so a hash stands in its place, by which two addresses can be
told apart. A user and a password are taken only from where no parameter holds the address.
"""

import hashlib
import re
from urllib.parse import SplitResult, urlsplit

_SCHEME = re.compile(r"\s*([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_URL = re.compile(r"\s*https?://", re.IGNORECASE)
_NO_PASSWORD = frozenset({"github"})  # github://owner:repository@branch
_LEFT_OUT = re.compile(r"\?hidden-[0-9a-f]{8}\Z")


def is_url(text: str) -> bool:
    """Whether a text is an http or https address, and so is fetched rather than opened."""
    return bool(_URL.match(text))


def find_scheme(text: str) -> str:
    """What stands before the first colon, in lower case, where that can be a scheme; else nothing."""
    match = _SCHEME.match(text)
    return match[1].lower() if match else ""


def show_url(text: str) -> str:
    """An http or https address as it may be stored and printed; any other text, and an address shown before, as it is.

    Left out are user and password, and what follows `?` or `#`, for which `?hidden-` and 8 hexadecimal digits stand. Of
    one that cannot be read only the scheme is left.

    Example: https://host/list.md?sig=abc becomes https://host/list.md?hidden-4d8f3a10
    """
    if not is_url(text) or is_shortened(text):
        return text
    parts = _split(text)
    if parts is None:
        return f"{find_scheme(text)}://…"
    hidden = re.search(r"[?#].+", text, re.DOTALL)
    if "@" not in parts.netloc and hidden is None:
        return text
    shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    digest = hashlib.sha256(hidden[0].encode("utf-8", "surrogatepass")).hexdigest() if hidden else ""
    return shown + (f"?hidden-{digest[:8]}" if digest else "")


def is_shortened(text: str) -> bool:
    """Whether a text is an address from which `show_url` has left something out."""
    return is_url(text) and bool(_LEFT_OUT.search(text))


def name_origin(text: str) -> str:
    """Scheme, host and port of an address, which hold no secret."""
    parts = _split(text)
    return "…" if parts is None else f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def holds_user(text: str) -> bool:
    """Whether an http or https address names a user, or any other a password (`s3://key:secret@bucket`).

    A user alone is no secret: in `abfs://container@account/` and `sftp://me@host/` it is part of the place.
    """
    text = text.replace("\\", "/")
    if find_scheme(text) in {"http", "https"}:
        return re.match(r"[^:]*:/*[^/?#]*@", text) is not None
    return any(scheme not in _NO_PASSWORD for scheme in re.findall(r"([a-z0-9+.-]+)://[^/?#@]*:[^/?#]*@", text.lower()))


def _split(text: str) -> SplitResult | None:
    """The parts of an address; None where it has no host, or a port that is no number (half of a password, often)."""
    try:
        parts = urlsplit(text.strip())
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.hostname else None
