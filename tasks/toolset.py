"""The tasks `document`, `specify` and `import`: an API's way from a catalogue entry to a toolset."""

from collections.abc import Sequence

from schemas.base import content_hash
from schemas.calls import LedgerRow
from schemas.manifest import ArtifactRef
from schemas.steps import StepResult
from schemas.toolset import Documentation, Toolset
from tasks.agents import accept_audit, document_api, draft_toolset, specify_api, toolset_from_document
from tasks.artifacts import read_payload, write_step
from tasks.context import get_context
from tasks.mock import audit_functions
from tasks.openapi import load_document
from tasks.recipes import compute_recipe, hash_code, step_task


def compute_document_recipe(api_id: str) -> str:
    """The recipe hash of an API's documentation."""
    return compute_recipe("document", content_hash(get_context().entries[api_id]))


@step_task("document", "Writes an API's introduction and describes its functions.")
async def document(api_id: str, recipe: str) -> StepResult:
    """The documentation of an API of the run. Raises TeacherError."""
    context = get_context()
    made = await document_api(context.entries[api_id], context.teacher)
    ledger = context.ledger.drain(api_id, "document")
    return await write_step(
        "document", "documentation", api_id, recipe, {"documentation": made}, ledger,
        counts={"functions": len(made.functions)},
    )  # fmt: skip


def compute_specify_recipe(api_id: str, documentation: StepResult) -> str:
    """The recipe hash of a documented API's toolset."""
    entry = get_context().entries[api_id]
    return compute_recipe("specify", content_hash(entry), documentation.content, hash_code("openapi", "mock"))


@step_task("specify", "Writes an API's OpenAPI document, checks it, and calls each function once well and once badly.")
async def specify(api_id: str, recipe: str, documentation: ArtifactRef) -> StepResult:
    """The toolset of a documented API. Raises TeacherError, DocumentError."""
    context = get_context()
    payload = await read_payload(documentation)
    described = Documentation.model_validate(payload["documentation"])
    entry = context.entries[api_id]
    written = await specify_api(entry, described, context.teacher, context.side.run)
    draft = draft_toolset(entry, described.introduction, written, context.params.teacher.model)
    toolset = accept_audit(draft, await context.side.run(audit_functions, draft))
    earlier = [LedgerRow.model_validate(row) for row in payload["ledger"]]
    return await _write_toolset("specify", toolset, recipe, [*earlier, *context.ledger.drain(api_id, "specify")])


def compute_import_recipe(api_id: str) -> str:
    """The recipe hash of the toolset of an API that came with a document."""
    return content_hash(["import", 1, content_hash(get_context().entries[api_id]), hash_code("openapi", "mock")])


@step_task(
    "import", "Reads the OpenAPI document that an API came with, and calls each function once well and once badly."
)
async def import_document(api_id: str, recipe: str) -> StepResult:
    """The toolset of an API whose catalogue entry holds a document. Raises DocumentError."""
    context = get_context()
    entry = context.entries[api_id]
    assert entry.openapi is not None
    loaded = await context.side.run(load_document, entry.openapi)
    draft = toolset_from_document(entry, loaded.document)
    toolset = accept_audit(draft, await context.side.run(audit_functions, draft))
    return await _write_toolset("import", toolset, recipe, [])


async def _write_toolset(step: str, toolset: Toolset, recipe: str, ledger: Sequence[LedgerRow]) -> StepResult:
    counts = {"functions": len(toolset.functions)}
    return await write_step(step, "toolset", toolset.entry.id, recipe, {"toolset": toolset}, ledger, counts=counts)
