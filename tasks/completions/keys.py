"""The key under which a completion is kept: a canonical hash of everything that the answer depends on.

In the key: the endpoint (without credentials and query), the model, and every field of the request. A field that is
None or empty is left out, so that an optional field that joins `ChatRequest` later leaves the keys of older requests
as they are. Left out on purpose: the API key, time-outs, attempts, concurrency, stage and owner, none of which the
answer depends on, and the form in which the endpoint took the request (`capabilities`). That form follows from
endpoint, model and request, which are all in the key: the schema is, in `response_format`, wherever it was written for
the model. And it is known only once the endpoint has been asked: with the form in the key, a run that is repeated would
have to ask again before it could find what is stored.

Left out, too, is what the endpoint itself called the calls of earlier turns (`call_ids`): in the key they have the
ids that rows have. Most endpoints draw ids at random, so that with them a dialogue that is played again from its
first turn would have other keys than before, though nothing was said that was not said then.

Two spellings of one request have one key: the order of keys, 1 and 1.0, and the composed and decomposed forms of a
character do not matter. The scheme's version is part of the key, so that a change of scheme never meets an old answer.
"""

import hashlib
import unicodedata
from typing import Any
from urllib.parse import urlsplit

from schemas.base import canonical_json
from schemas.calls import ChatRequest

SCHEME = "1"
_LEFT_OUT = frozenset({"call_ids"})


def build_key(endpoint: str, model: str, request: ChatRequest) -> str:
    """The key of a request: the scheme's version, a hyphen, and a SHA-256 in hexadecimal.

    Raises:
        ValueError: the request holds a number that JSON cannot (NaN, infinity).
    """
    fields = {
        name: value
        for name, value in request.__dict__.items()
        if value is not None and value != () and name not in _LEFT_OUT
    }
    text = canonicalise({"endpoint": strip_credentials(endpoint), "model": model, **fields})
    digest = hashlib.sha256(f"toolherd completion {SCHEME}\n{text}".encode("utf-8", "surrogatepass")).hexdigest()
    return f"{SCHEME}-{digest}"


def canonicalise(value: Any) -> str:
    """The one spelling of a JSON value: sorted keys, whole numbers without a point, text in Unicode's form NFC.

    Raises:
        ValueError: a number is NaN or infinite.
    """
    return canonical_json(_normalise(value))


def strip_credentials(url: str) -> str:
    """The address without user, password, query, fragment and closing slash; what is no URL stays as it is."""
    parts = urlsplit(url)
    if not parts.netloc:
        return url
    host = parts.netloc.rpartition("@")[2].lower()
    return f"{parts.scheme}://{host}{parts.path.rstrip('/')}"


def _normalise(value: Any) -> Any:
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, dict):
        names = {name: unicodedata.normalize("NFC", name) for name in value}
        # Two names that differ only in their form stay apart: one of the two values would be lost.
        merge = len(set(names.values())) == len(names)
        return {names[name] if merge else name: _normalise(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_normalise(item) for item in value]
    return value
