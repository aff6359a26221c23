"""The `document` step: a catalogue entry becomes an introduction and a handful of functions."""

import re
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field

from prompts import load_prompt
from schemas.calls import ChatRequest
from schemas.catalog import CatalogEntry
from schemas.described import MOST_FIELDS, Line, Name, Written, clean_name, hold_to, list_values
from schemas.toolset import Documentation, DocumentedFunction
from tasks.agents.asking import derive_seed, user_message
from tasks.values import join_camel, split_name

if TYPE_CHECKING:
    from tasks.teacher import Teacher

LEAST_FUNCTIONS = 2
"""Of an API; which they are is not laid down: what needs an id has a list beside it in any case."""

_MOST_FUNCTIONS = 8
_LONGEST_INTRODUCTION = 1200
"""Characters, about 300 tokens."""

_NAME = re.compile(r"[a-z][a-zA-Z0-9]{0,63}")


def _read_names(given: Any) -> list[str]:
    """The names in a list of them, or of objects that have one."""
    told = (item.get("name") if isinstance(item, dict) else item for item in list_values(given))
    return list(dict.fromkeys(name for item in told if (name := clean_name(item))))[:MOST_FIELDS]


def _read_functions(given: Any) -> list[Any]:
    told = ({"name": item} if isinstance(item, str) else item for item in list_values(given))
    return [item for item in told if isinstance(item, dict) and item.get("name")][:_MOST_FUNCTIONS]


_Names = Annotated[tuple[Name, ...], Field(max_length=MOST_FIELDS), BeforeValidator(_read_names)]


class _WrittenFunction(Written):
    model_config = ConfigDict(json_schema_extra={"required": ["name", "description", "inputs", "outputs"]})

    name: Annotated[Name, BeforeValidator(str)]
    description: Line = ""
    inputs: _Names = ()
    outputs: _Names = ()


class _WrittenDocumentation(Written):
    model_config = ConfigDict(json_schema_extra={"required": ["introduction", "functions"]})

    introduction: Annotated[
        str, hold_to(_LONGEST_INTRODUCTION), BeforeValidator(lambda given: given if isinstance(given, str) else "")
    ] = ""
    functions: Annotated[
        tuple[_WrittenFunction, ...], Field(max_length=_MOST_FUNCTIONS), BeforeValidator(_read_functions)
    ] = ()


async def document_api(entry: CatalogEntry, teacher: "Teacher") -> Documentation:
    """The documentation of an API, as the teacher imagines it from the catalogue's one line.

    Raises:
        TeacherError: No usable documentation after every attempt; the message holds the last problems.
    """
    prompt = load_prompt("document").render(entry=describe_entry(entry))
    request = ChatRequest(messages=(user_message(prompt),), seed=derive_seed("document", entry.id))
    written = await teacher.complete_json(
        request, _WrittenDocumentation, name="documentation", stage="document", api_id=entry.id, owner=entry.id,
        check=_find_problems,
    )  # fmt: skip
    introduction = shorten_introduction(written.introduction) or entry.description or entry.name
    return Documentation(introduction=introduction, functions=tuple(_settle_functions(written.functions)))


def describe_entry(entry: CatalogEntry) -> dict[str, str]:
    """What a prompt tells of an entry."""
    told = {"name": entry.name, "description": entry.description, "category": entry.category, "link": entry.link}
    return {key: text for key, text in told.items() if text}


def shorten_introduction(text: str) -> str:
    """Text on one line of at most 1,200 characters, cut at the end of a sentence, or of a word where none ends."""
    line = " ".join(text.split())
    if len(line) <= _LONGEST_INTRODUCTION:
        return line
    cut = line[: _LONGEST_INTRODUCTION + 1]
    ends = [match.end(1) for match in re.finditer(r"([.!?])\s", cut)]
    return cut[: ends[-1]] if ends else cut.rpartition(" ")[0] or cut[:_LONGEST_INTRODUCTION]


def _find_problems(written: _WrittenDocumentation) -> list[str]:
    """What code cannot put right."""
    usable = len(_settle_functions(written.functions))
    if usable >= LEAST_FUNCTIONS:
        return []
    return [f"functions: {usable} can be used; write at least {LEAST_FUNCTIONS}, each with a name of its own"]


def _settle_functions(functions: tuple[_WrittenFunction, ...]) -> list[DocumentedFunction]:
    """The functions under names in camelCase, each once."""
    settled: dict[str, DocumentedFunction] = {}
    for function in functions:
        name = _name_function(function.name)
        if name:
            description = function.description or f"{' '.join(split_name(name)).capitalize()}."
            told = function.model_copy(update={"name": name, "description": description})
            settled.setdefault(name, DocumentedFunction.model_validate(told.model_dump()))
    return list(settled.values())


def _name_function(told: str) -> str:
    """A function's name in camelCase; "" of what holds no word."""
    if _NAME.fullmatch(told):
        return told
    words = " ".join(split_name(told)).lstrip("0123456789 ")
    return join_camel(words)[:64] if words else ""
