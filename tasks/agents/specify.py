"""The `specify` step: each documented function is described as a flat record, all of an API side by side."""

from typing import TYPE_CHECKING

from prompts import load_prompt
from schemas.calls import ChatRequest
from schemas.catalog import CatalogEntry
from schemas.described import DescribedOperation
from schemas.errors import FatalTeacherError, TeacherError, UnusableAnswerError
from schemas.toolset import Documentation, DocumentedFunction
from tasks.agents.asking import derive_seed, gather_or_cancel, user_message
from tasks.agents.document import describe_entry

if TYPE_CHECKING:
    from tasks.teacher import Teacher


async def describe_functions(
    entry: CatalogEntry, documentation: Documentation, teacher: "Teacher"
) -> dict[str, DescribedOperation | TeacherError]:
    """What each function is as an operation, by its name and in the documentation's order; or why it could not be had.

    Raises:
        FatalTeacherError: The teacher cannot be used at all.
    """

    async def describe(function: DocumentedFunction) -> DescribedOperation | TeacherError:
        try:
            return await _describe_function(entry, documentation, function, teacher)
        except FatalTeacherError:
            raise
        except TeacherError as error:
            return error

    described = await gather_or_cancel([describe(function) for function in documentation.functions])
    return {function.name: one for function, one in zip(documentation.functions, described, strict=True)}


def is_final(error: TeacherError) -> bool:
    """Whether another run would hear the same: an endpoint that was out of reach may answer then."""
    return isinstance(error, UnusableAnswerError)


async def _describe_function(
    entry: CatalogEntry, documentation: Documentation, function: DocumentedFunction, teacher: "Teacher"
) -> DescribedOperation:
    told = describe_entry(entry.model_copy(update={"link": ""}))  # of what is behind it the documentation tells
    prompt = load_prompt("specify").render(entry=told, functions=documentation.functions, function=function.name)
    request = ChatRequest(messages=(user_message(prompt),), seed=derive_seed("specify", entry.id, function.name))
    return await teacher.complete_json(
        request, DescribedOperation, name="operation", stage="specify", api_id=entry.id, owner=entry.id,
        check=_find_problems,
    )  # fmt: skip


def _find_problems(operation: DescribedOperation) -> list[str]:
    """What code cannot put right."""
    return [] if operation.answer else ['answer: it is empty; list the fields that come back, each with a "name"']
