"""From an OpenAPI document to a toolset: normalised, its functions listed, its audit read."""

from typing import Any

from schemas.catalog import CatalogEntry
from schemas.toolset import AuditedCall, Toolset
from tasks.openapi import DocumentError, build_function, list_operations, normalise_document

_MOST_INTRODUCTION = 1000  # characters; real documents may hold a manual there


def draft_toolset(entry: CatalogEntry, introduction: str, document: dict[str, Any], teacher: str) -> Toolset:
    """The toolset of a document, before its audit.

    Raises:
        DocumentError: The document has no function, or cannot be normalised.
    """
    normal = normalise_document(document)
    return Toolset(
        entry=entry.model_copy(update={"openapi": None}),
        introduction=introduction,
        document=normal,
        functions=tuple(build_function(operation) for operation in list_operations(normal)),
        teacher=teacher,
    )


def accept_audit(toolset: Toolset, audit: tuple[AuditedCall, ...]) -> Toolset:
    """The toolset with its audit.

    Raises:
        DocumentError: A function fails it.
    """
    failed = [call for call in audit if call.problem]
    if failed:
        first = failed[0]
        raise DocumentError(
            f"{first.function} fails the audit: {first.problem} ({len(failed)} of {len(audit)} calls fail)"
        )
    return toolset.model_copy(update={"audit": audit})


def toolset_from_document(entry: CatalogEntry, document: dict[str, Any], left_out: tuple[str, ...] = ()) -> Toolset:
    """The toolset of an entry that came with a real OpenAPI document, loaded by `load_document`, before its audit.

    Raises:
        DocumentError: The document has no function.
    """
    told = str(document["info"].get("description") or "")
    introduction = " ".join((told or entry.description or entry.name).split())[:_MOST_INTRODUCTION]
    toolset = draft_toolset(entry, introduction, document, teacher="")
    return toolset.model_copy(update={"left_out": left_out})
