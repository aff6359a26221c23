"""The steps `specify` and `import`: documentation, or a document that an API came with, becomes an audited toolset."""

from typing import Any

from schemas.catalog import CatalogEntry
from schemas.toolset import Documentation, Toolset
from tasks.agents.specify import specify_api
from tasks.agents.toolset import accept_audit, draft_toolset, toolset_from_document
from tasks.making import Made, Making
from tasks.mock import audit_functions
from tasks.openapi import load_document


async def specify_toolset(making: Making) -> Made[Toolset]:
    """Raises TeacherError, DocumentError, CutOffError."""
    documentation = await making.read(Documentation)
    document = await specify_api(making.entry, documentation, making.teacher, making.run)
    model = making.params.teacher.model
    return _count(await making.run(audit_document, making.entry, documentation.introduction, document, model))


async def import_toolset(making: Making) -> Made[Toolset]:
    """Raises DocumentError, CutOffError."""
    return _count(await making.run(import_document, making.entry))


def audit_document(entry: CatalogEntry, introduction: str, document: dict[str, Any], teacher: str) -> Toolset:
    """The toolset of a document that a teacher wrote. Raises DocumentError."""
    return _audit(draft_toolset(entry, introduction, document, teacher))


def import_document(entry: CatalogEntry) -> Toolset:
    """The toolset of the document that an API came with. Raises DocumentError."""
    assert entry.openapi is not None
    loaded = load_document(entry.openapi)
    return _audit(toolset_from_document(entry, loaded.document, loaded.left_out))


def _audit(draft: Toolset) -> Toolset:
    return accept_audit(draft, audit_functions(draft))


def _count(toolset: Toolset) -> Made[Toolset]:
    return Made(toolset, {"functions": len(toolset.functions), "left_out": len(toolset.left_out)})
