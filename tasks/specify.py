"""The steps `specify` and `import`: documentation, or a document that an API came with, becomes an audited toolset."""

from collections.abc import Mapping

from schemas.catalog import CatalogEntry
from schemas.described import DescribedOperation
from schemas.errors import TeacherError
from schemas.toolset import Documentation, Toolset
from tasks.agents.document import LEAST_FUNCTIONS
from tasks.agents.specify import describe_functions, is_final
from tasks.agents.toolset import accept_audit, draft_toolset, toolset_from_document
from tasks.making import Made, Making
from tasks.mock import audit_functions
from tasks.openapi import DocumentError, assemble_document, find_lint_problems, load_document


async def specify_toolset(making: Making) -> Made[Toolset]:
    """A function of which nothing usable is told is left out, as long as two are left.

    Raises TeacherError, DocumentError, CutOffError.
    """
    documentation = await making.read(Documentation)
    told = await describe_functions(making.entry, documentation, making.teacher)
    described = {name: one for name, one in told.items() if isinstance(one, DescribedOperation)}
    errors = {name: one for name, one in told.items() if isinstance(one, TeacherError)}
    if len(described) < LEAST_FUNCTIONS:
        raise next(iter(errors.values()))
    toolset = await making.run(
        assemble_toolset, making.entry, documentation, described, {name: str(error) for name, error in errors.items()},
        making.params.teacher.model,
    )  # fmt: skip
    return _count(toolset, unfinished=sum(not is_final(error) for error in errors.values()))


async def import_toolset(making: Making) -> Made[Toolset]:
    """Raises DocumentError, CutOffError."""
    return _count(await making.run(import_document, making.entry))


def assemble_toolset(
    entry: CatalogEntry,
    documentation: Documentation,
    described: Mapping[str, DescribedOperation],
    left_out: Mapping[str, str],
    teacher: str,
) -> Toolset:
    """The toolset of the functions that were described; what the mock cannot answer for is left out as well.

    `left_out` holds the reasons for the functions that are not among them.

    Raises:
        DocumentError: Fewer than two functions are left; the message holds the reasons.
    """
    described, reasons = dict(described), dict(left_out)
    while True:
        assembled = assemble_document(entry.name, documentation, described)
        reasons |= assembled.left_out
        for name in assembled.left_out:
            del described[name]
        kept = [function for function in documentation.functions if function.name in described]
        if len(kept) < LEAST_FUNCTIONS:
            raise DocumentError("; ".join(_tell_left_out(reasons)))
        draft = draft_toolset(entry, documentation.introduction, assembled.document, teacher)
        audit = audit_functions(draft)
        failed = {call.function: f"it fails the audit: {call.problem}" for call in audit if call.problem}
        if not failed:
            break
        reasons |= failed
        described = {name: operation for name, operation in described.items() if name not in failed}
    documented = documentation.model_copy(update={"functions": tuple(kept)})
    if problems := find_lint_problems(assembled.document, documented):
        raise DocumentError("; ".join(problems))
    return draft.model_copy(update={"audit": audit, "left_out": _tell_left_out(reasons)})


def import_document(entry: CatalogEntry) -> Toolset:
    """The toolset of the document that an API came with. Raises DocumentError."""
    assert entry.openapi is not None
    loaded = load_document(entry.openapi)
    draft = toolset_from_document(entry, loaded.document, loaded.left_out)
    return accept_audit(draft, audit_functions(draft))


def _tell_left_out(reasons: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(f"{name}: left out, for {reason}" for name, reason in reasons.items())


def _count(toolset: Toolset, unfinished: int = 0) -> Made[Toolset]:
    return Made(toolset, {"functions": len(toolset.functions), "left_out": len(toolset.left_out)}, unfinished)
