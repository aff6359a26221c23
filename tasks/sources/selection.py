"""Filters a catalogue and draws balanced samples from it."""

import difflib
import hashlib
from collections.abc import Iterable, Sequence

from schemas.catalog import Auth, Catalog, CatalogEntry
from schemas.errors import UserError

_NEAR_MATCHES = 3


def select_entries(
    catalog: Catalog,
    *,
    categories: Sequence[str] = (),
    names: Sequence[str] = (),
    auth: Sequence[Auth] = (),
    limit: int | None = None,
    seed: int = 0,
) -> tuple[CatalogEntry, ...]:
    """The entries that pass every filter, in the catalogue's order; an empty filter passes all.

    Categories and names match whatever their case; a name may also be an id, which tells two APIs of one name apart.
    `limit` draws that many by `seed`, one category after the other, so that no category has more than one above
    another that still has some. A larger limit keeps what a smaller one drew, and an API that joins the catalogue
    displaces at most one other.

    Raises:
        UserError: an unknown category or name (near matches are shown), a limit below 1, nothing left.
    """
    if limit is not None and limit < 1:
        raise UserError(f"The number of APIs is {limit}; give 1 or more, or no limit for the whole catalogue.")
    wanted_categories = _match_categories(catalog, categories)
    wanted_ids = _match_names(catalog, names)
    kept = [
        entry
        for entry in catalog.entries
        if (not categories or entry.category.casefold() in wanted_categories)
        and (not names or entry.id in wanted_ids)
        and (not auth or entry.auth in auth)
    ]
    if not kept:
        given = ", ".join(
            f"{label} {', '.join(values)}"
            for label, values in (("categories", categories), ("names", names), ("auth", auth))
            if values
        )
        raise UserError(f"No API of the catalogue {catalog.source} passes all filters ({given}); drop one of them.")
    if limit is None or limit >= len(kept):
        return tuple(kept)
    drawn = {entry.id for entry in _draw_balanced(kept, limit, seed)}
    return tuple(entry for entry in kept if entry.id in drawn)


def _match_categories(catalog: Catalog, categories: Sequence[str]) -> set[str]:
    known = {entry.category.casefold(): entry.category for entry in catalog.entries}
    for category in categories:
        if category.strip().casefold() not in known:
            raise UserError(_describe_unknown("category", category, known, catalog))
    return {category.strip().casefold() for category in categories}


def _match_names(catalog: Catalog, names: Sequence[str]) -> set[str]:
    ids_by_key: dict[str, set[str]] = {}
    for entry in catalog.entries:
        ids_by_key.setdefault(entry.name.casefold(), set()).add(entry.id)
    plain_ids = {entry.id for entry in catalog.entries}
    wanted: set[str] = set()
    for name in names:
        key = name.strip().casefold()
        found = ids_by_key.get(key) or ({key} if key in plain_ids else set())
        if not found:
            known = {entry.name.casefold(): entry.name for entry in catalog.entries}
            raise UserError(_describe_unknown("API", name, known, catalog))
        wanted |= found
    return wanted


def _describe_unknown(what: str, given: str, known: dict[str, str], catalog: Catalog) -> str:
    near = difflib.get_close_matches(given.strip().casefold(), known, n=_NEAR_MATCHES, cutoff=0.6)
    contained = [key for key in known if len(given.strip()) > 2 and given.strip().casefold() in key]
    matches = list(dict.fromkeys([*near, *contained]))[:_NEAR_MATCHES]
    remedy = (
        f"near matches: {', '.join(known[key] for key in matches)}."
        if matches
        else f"none is near; write it as the catalogue does, for example {next(iter(known.values()))}."
    )
    return f"Unknown {what} '{' '.join(given.split())}' in the catalogue {catalog.source}; {remedy}"


def _draw_balanced(entries: Iterable[CatalogEntry], limit: int, seed: int) -> list[CatalogEntry]:
    """Round robin over categories; every order is by a hash, so that it does not depend on what else there is."""
    by_category: dict[str, list[CatalogEntry]] = {}
    for entry in entries:
        by_category.setdefault(entry.category, []).append(entry)
    turns = [
        (turn, _rank(seed, category), entry)
        for category, members in by_category.items()
        for turn, entry in enumerate(sorted(members, key=lambda e: _rank(seed, e.id)))
    ]
    return [entry for _, _, entry in sorted(turns, key=lambda t: (t[0], t[1]))[:limit]]


def _rank(seed: int, key: str) -> str:
    return hashlib.sha256(f"{seed}\n{key}".encode()).hexdigest()
