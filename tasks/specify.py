"""The steps `specify` and `import`: documentation, or a document that an API came with, becomes an audited toolset."""

from schemas.toolset import Documentation, Toolset
from tasks.agents.specify import specify_api
from tasks.agents.toolset import accept_audit, draft_toolset, toolset_from_document
from tasks.making import Made, Making
from tasks.mock import audit_functions
from tasks.openapi import load_document


async def specify_toolset(making: Making) -> Made[Toolset]:
    """Raises TeacherError, DocumentError."""
    documentation = await making.read(Documentation)
    document = await specify_api(making.entry, documentation, making.teacher, making.run)
    model = making.params.teacher.model
    return await _audit(making, draft_toolset(making.entry, documentation.introduction, document, model))


async def import_toolset(making: Making) -> Made[Toolset]:
    """Raises DocumentError."""
    assert making.entry.openapi is not None
    loaded = await making.run(load_document, making.entry.openapi)
    return await _audit(making, toolset_from_document(making.entry, loaded.document))


async def _audit(making: Making, draft: Toolset) -> Made[Toolset]:
    toolset = accept_audit(draft, await making.run(audit_functions, draft))
    return Made(toolset, {"functions": len(toolset.functions)})
