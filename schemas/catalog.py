"""What a catalogue says of an API before anything is generated."""

from typing import Literal

from schemas.base import Json, Record

Auth = Literal["none", "apiKey", "OAuth", "other"]
Cors = Literal["yes", "no", "unknown"]


class CatalogEntry(Record):
    """One API of a catalogue.

    `id` is unique in its catalogue and safe as a file name: lower-case ASCII letters, digits and hyphens, at most
    64 characters, never empty. `openapi` holds a real document where the source had one; such an API is neither
    documented nor specified by the teacher.

    Example: {"id": "steem", "name": "Steem", "description": "Read and publish posts, votes and rewards on a
    blockchain blog network", "category": "Blockchain", "link": "https://developers.steem.io/", "auth": "none",
    "https": true, "cors": "no"}
    """

    id: str
    name: str
    description: str
    category: str
    link: str = ""
    auth: Auth = "none"
    https: bool = True
    cors: Cors = "unknown"
    openapi: dict[str, Json] | None = None


class SkippedRow(Record):
    """A row of a source that did not become an entry; `line` counts from 1 (for JSON: the entry's position).

    Example: {"line": 412, "text": "| [Foo](https://foo.dev) | Foos |", "reason": "too few columns"}
    """

    line: int
    text: str
    reason: str


class Catalog(Record):
    """The entries of one source, in its order, and the rows that were left out."""

    source: str
    entries: tuple[CatalogEntry, ...]
    skipped: tuple[SkippedRow, ...] = ()
