"""Reads ToolAlpaca's own test files: a list of APIs whose `Documentation` is an OpenAPI document as a JSON string.

Field names: Tang et al. 2023 (arXiv 2306.05301), data/eval_simulated.json and data/eval_real.json.
"""

from dataclasses import replace
from typing import Any

from tasks.sources.decode import DecodeProblem
from tasks.sources.documents import decode_document, read_document
from tasks.sources.drafts import EntryDraft, ParsedSource, RowProblem, require_text
from tasks.sources.facts import clean_fact, clean_link


def is_toolalpaca_list(value: Any) -> bool:
    """Whether a decoded file is a list in which an object has a `Documentation`."""
    return isinstance(value, list) and any(isinstance(api, dict) and "Documentation" in api for api in value)


def parse_toolalpaca(apis: list[Any]) -> ParsedSource:
    """Each API as a draft with its document, or listed with its position (from 1) and reason."""
    parsed = ParsedSource()
    for position, api in enumerate(apis, start=1):
        try:
            parsed.drafts.append(_read_draft(api))
        except (RowProblem, DecodeProblem) as problem:
            name = api.get("Name", "") if isinstance(api, dict) else api
            parsed.skip(position, str(name), str(problem))
    return parsed


def _read_draft(api: Any) -> EntryDraft:
    if not isinstance(api, dict):
        raise RowProblem("not an object")
    name, category = clean_fact(str(api.get("Name") or "")), clean_fact(str(api.get("Category") or ""))
    require_text((("name", name), ("category", category)))
    documentation = api.get("Documentation")
    if not isinstance(documentation, str):
        raise RowProblem("Documentation is no text")
    draft = read_document(decode_document(documentation), fallback_name=name)
    return replace(
        draft,
        name=name,
        description=clean_fact(str(api.get("Description") or "")) or draft.description,
        category=category,
        link=clean_link(str(api.get("Link") or "")) or draft.link,
    )
