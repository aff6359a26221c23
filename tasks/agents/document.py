"""The `document` step: a catalogue entry becomes an introduction and a handful of functions."""

import re
from typing import TYPE_CHECKING

from prompts import load_prompt
from schemas.calls import ChatRequest
from schemas.catalog import CatalogEntry
from schemas.toolset import Documentation
from tasks.agents.asking import derive_seed, user_message

if TYPE_CHECKING:
    from tasks.teacher import Teacher

_MOST_INTRODUCTION_TOKENS = 300
_MOST_CHARACTERS = 100_000
"""Of a documentation as JSON; one of ten functions has some 10,000."""

_NAME = re.compile(r"[a-z][a-zA-Z0-9]{0,63}")


async def document_api(entry: CatalogEntry, teacher: "Teacher") -> Documentation:
    """The documentation of an API, as the teacher imagines it from the catalogue's one line.

    Raises:
        TeacherError: No usable documentation after every attempt; the message holds the last problems.
    """
    prompt = load_prompt("document").render(entry=describe_entry(entry))
    request = ChatRequest(messages=(user_message(prompt),), seed=derive_seed("document", entry.id))
    return await teacher.complete_json(
        request, Documentation, name="documentation", stage="document", api_id=entry.id, owner=entry.id,
        check=find_documentation_problems,
    )  # fmt: skip


def describe_entry(entry: CatalogEntry) -> dict[str, str]:
    """What a prompt tells of an entry."""
    return {"name": entry.name, "description": entry.description, "category": entry.category, "link": entry.link}


def find_documentation_problems(documentation: Documentation) -> list[str]:
    """What the schema cannot say: lengths, names and their uniqueness."""
    size = len(documentation.model_dump_json())
    if size > _MOST_CHARACTERS:
        return [f"the documentation has {size:,} characters; {_MOST_CHARACTERS:,} are the limit"]
    problems = []
    tokens = len(documentation.introduction) / 4  # characters a token, a rule of thumb for English
    if not documentation.introduction.strip():
        problems.append("the introduction is empty")
    if tokens > _MOST_INTRODUCTION_TOKENS:
        problems.append(f"the introduction has about {tokens:.0f} tokens; {_MOST_INTRODUCTION_TOKENS} are the limit")
    names = [function.name for function in documentation.functions]
    problems += [f"the function name {name!r} is not in camelCase" for name in names if not _NAME.fullmatch(name)]
    problems += [f"two functions are named {name!r}" for name in sorted({n for n in names if names.count(n) > 1})]
    for function in documentation.functions:
        fields = [field.name for field in function.inputs]
        twice = sorted({name for name in fields if fields.count(name) > 1})
        problems += [f"{function.name} has two inputs named {name!r}" for name in twice]
    return problems
