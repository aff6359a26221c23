"""Reads the older JSON form of the public-apis list: `{"count", "entries": [{"API", "Description", "Auth", …}]}`."""

import json
from typing import Any

from tasks.sources.drafts import EntryDraft, ParsedSource, RowProblem, require_text
from tasks.sources.facts import clean_fact, clean_link, parse_auth, parse_cors, parse_https


def find_entries(value: Any) -> list[Any] | None:
    """The entries of a decoded file of this form, or None where it is another."""
    entries = value.get("entries") if isinstance(value, dict) else value
    if not isinstance(entries, list):
        return None
    is_form = isinstance(value, dict) or any(isinstance(e, dict) and "API" in e for e in entries)
    return entries if is_form else None


def parse_entries(entries: list[Any]) -> ParsedSource:
    """Each entry as a draft, or listed with its position (from 1) and reason."""
    parsed = ParsedSource()
    for position, entry in enumerate(entries, start=1):
        try:
            parsed.drafts.append(_read_draft(entry))
        except RowProblem as problem:
            parsed.skip(position, json.dumps(entry, ensure_ascii=False), str(problem))
    return parsed


def _read_draft(entry: Any) -> EntryDraft:
    if not isinstance(entry, dict):
        raise RowProblem("not an object")
    fields = {key: clean_fact("" if value is None else str(value)) for key, value in entry.items()}
    name, description, category = (fields.get(key, "") for key in ("API", "Description", "Category"))
    require_text((("name", name), ("description", description), ("category", category)))
    https, cors = parse_https(fields.get("HTTPS", "")), parse_cors(fields.get("Cors", ""))
    if https is None:
        raise RowProblem(f"HTTPS is {fields.get('HTTPS', '')!r}, neither true nor false")
    if cors is None:
        raise RowProblem(f"Cors is {fields.get('Cors', '')!r}, none of yes, no and unknown")
    return EntryDraft(
        name=name,
        description=description,
        category=category,
        link=clean_link(fields.get("Link", "")),
        auth=parse_auth(fields.get("Auth", "")),
        https=https,
        cors=cors,
    )
