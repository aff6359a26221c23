"""Makes the ids of a catalogue: safe as file names whatever the API is called, unique, the same on every machine."""

import hashlib
import re
import unicodedata
from collections.abc import Sequence

MAX_LENGTH = 64

_HASH_LENGTH = 8
_UNFOLDED = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
)
"""Letters that Unicode does not decompose into an ASCII letter and an accent."""

_DEVICE_NAMES = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))})
"""Windows opens a device for these whatever their extension."""


def make_api_id(name: str) -> str:
    """The id of one name: lower-case ASCII letters, digits and hyphens, at most 64 characters, never empty.

    A name with nothing to fold to ASCII becomes `api-<hash>`; a longer one is cut and ends in its hash, so that two
    long names with one beginning still differ.
    """
    folded = unicodedata.normalize("NFKD", name.lower().translate(_UNFOLDED)).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", folded.lower().replace("'", "")).strip("-")
    if not slug or slug in _DEVICE_NAMES:
        return "-".join(filter(None, ("api", slug, _hash_text(name))))
    if len(slug) > MAX_LENGTH:
        return _add_suffix(slug, _hash_text(name))
    return slug


def make_unique_ids(names: Sequence[str], identities: Sequence[str]) -> list[str]:
    """One id for each name, in order; `identities` tell entries of one name apart (their other facts as text).

    The first holder of an id keeps it plain, so that a newcomer of the same name never changes it. The others get a
    hash of their identity as a suffix, chosen after every plain id is taken, so that none collides with a third.
    """
    plain = [make_api_id(name) for name in names]
    taken = set(plain)
    first_seen: set[str] = set()
    ids = []
    for plain_id, identity in zip(plain, identities, strict=True):
        chosen, attempt = plain_id, 0
        while chosen in (taken if attempt else first_seen):
            chosen = _add_suffix(plain_id, _hash_text(f"{identity}\n{attempt}"))
            attempt += 1
        first_seen.add(plain_id)
        taken.add(chosen)
        ids.append(chosen)
    return ids


def _hash_text(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_LENGTH]


def _add_suffix(slug: str, suffix: str) -> str:
    return f"{slug[: MAX_LENGTH - len(suffix) - 1].rstrip('-')}-{suffix}"
