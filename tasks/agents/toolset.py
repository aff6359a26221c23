"""From an OpenAPI document to a toolset: normalised, its functions listed, each called through the mock."""

from typing import Any

from schemas.catalog import CatalogEntry
from schemas.toolset import Toolset
from tasks.mock import audit_functions
from tasks.openapi import DocumentError, build_function, list_operations, load_document, normalise_document

_MOST_INTRODUCTION = 1000  # characters; real documents may hold a manual there


def build_toolset(entry: CatalogEntry, introduction: str, document: dict[str, Any], teacher: str) -> Toolset:
    """The toolset of a document whose functions have all passed the audit.

    Raises:
        DocumentError: The document has no function, or cannot be normalised, or a function fails the audit.
    """
    normal = normalise_document(document)
    operations = list_operations(normal)
    toolset = Toolset(
        entry=entry.model_copy(update={"openapi": None}),
        introduction=introduction,
        document=normal,
        functions=tuple(build_function(operation) for operation in operations),
        teacher=teacher,
    )
    audit = audit_functions(toolset)
    failed = [call for call in audit if call.problem]
    if failed:
        first = failed[0]
        raise DocumentError(
            f"{first.function} fails the audit: {first.problem} ({len(failed)} of {len(audit)} calls fail)"
        )
    return toolset.model_copy(update={"audit": audit})


def toolset_from_document(entry: CatalogEntry) -> Toolset:
    """The toolset of an entry that came with a real OpenAPI document.

    Raises:
        DocumentError: The document is invalid or cannot be used; the message says where.
    """
    assert entry.openapi is not None
    document = load_document(entry.openapi).document
    told = str(document["info"].get("description") or "")
    introduction = " ".join((told or entry.description or entry.name).split())[:_MOST_INTRODUCTION]
    return build_toolset(entry, introduction, document, teacher="")
