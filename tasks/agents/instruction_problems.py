"""What is wrong with an instruction: with its text, with what it names, or that nobody could meet it.

It can be met where every value that its calls cannot do without is said in its text or comes from an earlier call.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from schemas.episodes import Detail, Kind
from schemas.toolset import Function, Toolset
from tasks.openapi.free_leaves import find_free_leaves
from tasks.openapi.schema_checks import find_argument_problems
from tasks.quality import names_api
from tasks.quality.arguments import is_argument_grounded
from tasks.quality.corpus import Corpus
from tasks.values import split_name
from tasks.values.folding import fold_words

_LONGEST_TEXT = 4000
"""Characters of an instruction, ten times what any user writes: what is compared with all others has an end."""

_MOST_CALLS = 4
_MOST_SHOWN = 3
"""Examples of an id in a remedy."""

CALLS = {
    Kind.SINGLE_CALL: (1, 1), Kind.MULTI_CALL: (2, _MOST_CALLS), Kind.MISSING_DETAIL: (1, 2), Kind.NO_TOOL: (0, 0),
    Kind.ERROR_RECOVERY: (1, 2),
}  # fmt: skip
"""How many calls an instruction of a kind names, at least and at most."""

_VERBS = (
    frozenset(fold_words("find search get list show see look fetch browse retrieve query view check read know")),
    frozenset(fold_words("create add make enter post register open new save")),
    frozenset(fold_words("delete remove cancel drop erase")),
    frozenset(fold_words("update change edit modify set correct")),
)
"""Words for the same: who asks for the one gets it from a function that is called by another."""

_OF_THE_API = re.compile(r"\b(?:the|this|your) API\b(?![-\s]+(?:key|token|secret|version|name|id)s?\b)", re.IGNORECASE)
_OF_THE_USER = re.compile(
    r"\b(?:an?|the|this) user (?:wants|asks|types|requests|wishes|needs to|would like|is [a-z]+ing)\b"
    r"|^\W*(?:(?:an?|the|this|one) request|request) (?:to|for|is|that|which|asks)\b|^\W*(?-i:to) [a-z]+ ",
    re.IGNORECASE,
)
"""Where a small model writes of the user, or of the request, what the user should say: "The user wants to find …"."""


def find_instruction_problem(
    text: str,
    functions: Sequence[str],
    values: Sequence[Detail],
    withheld: Detail | None,
    toolset: Toolset,
    kind: Kind,
) -> str:
    """What is wrong with an instruction of a kind, with its remedy; "" if nothing is.

    `values` are those of parameters that the text gives; a name may stand there for more than one call.
    """
    if len(text) > _LONGEST_TEXT:
        return f"it has {len(text):,} characters; write at most {_LONGEST_TEXT:,}"
    if names_api(text, toolset.entry.name):
        return f"it names the API; say what is wanted without {toolset.entry.name!r}"
    if _OF_THE_API.search(text):
        return "it speaks of the API, of which users know nothing; say what is wanted"
    if _OF_THE_USER.search(text):
        return "it tells of the request; write what the user says, as the user would type it"
    known = {function.name: function for function in toolset.functions}
    for name in functions:
        if name not in known:
            return f'"functions" holds {name!r}, which does not exist; use one of {", ".join(known)}'
    for name in known:
        if _is_spelled_as_name(name) and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE):
            return f"it holds the function's name {name!r}; say it in plain words"
    least, most = CALLS[kind]
    if len(functions) < least:
        return f'"functions" names {len(functions)}; name {least} or more, one for each call'
    if len(functions) > most:
        return f'"functions" names {len(functions)}; name {f"at most {most}" if most else "none"}'
    named = [known[name] for name in functions]
    if kind is Kind.NO_TOOL and (met := _find_function_that_meets(text, toolset)):
        return f"{met} can meet it; ask for what no function does"
    if kind is Kind.MISSING_DETAIL:
        problem = _find_detail_problem(text, withheld, named)
        if problem:
            return problem
    else:
        withheld = None
    return next(_find_value_problems(text, named, values, withheld), "")


def list_required(function: Function) -> dict[str, Any]:
    """The parameters that a function cannot do without, with their schemas."""
    properties, required = _list_properties(function), function.parameters.get("required")
    return {name: properties[name] for name in required if name in properties} if isinstance(required, list) else {}


def _list_properties(function: Function) -> dict[str, Any]:
    properties = function.parameters.get("properties")
    return properties if isinstance(properties, dict) else {}


def _is_spelled_as_name(name: str) -> bool:
    """Whether a function's name is no word that people write: `searchPets`, and not `search`."""
    return not name.isalpha() or not (name.islower() or name.istitle())


def _find_function_that_meets(text: str, toolset: Toolset) -> str:
    """The function that does what a text asks for, by its own name: what is to be done, and with which things."""
    said = set(fold_words(text))
    for function in toolset.functions:
        verb, *things = split_name(function.name)
        doing = next((verbs for verbs in _VERBS if verb in verbs), frozenset([verb]))
        if things and said & doing and set(fold_words(" ".join(things))) <= said:
            return function.name
    return ""


def _find_detail_problem(text: str, withheld: Detail | None, functions: Sequence[Function]) -> str:
    required = {name: schema for function in functions for name, schema in list_required(function).items()}
    if withheld is None:
        return f'"withheld" is missing; give the parameter and its value ({", ".join(required) or "none is required"})'
    schema = required.get(withheld.parameter)
    if schema is None:
        return f'"withheld" names {withheld.parameter!r}; take one that is required: {", ".join(required) or "none is"}'
    if find_argument_problems({"properties": {withheld.parameter: schema}}, {withheld.parameter: withheld.value}):
        return f'the "value" of "withheld" does not fit {withheld.parameter!r}; take one that conforms to its schema'
    said = str(withheld.value)
    if len(said) > 1 and re.search(rf"(?<!\w){re.escape(said)}(?!\w)", text, re.IGNORECASE):
        return f"it says {said!r}, which is to be left out of the request"
    return ""


def _find_value_problems(
    text: str, functions: Sequence[Function], values: Sequence[Detail], withheld: Detail | None
) -> Iterator[str]:
    """What the text should say and does not: a call takes its values from there, or from what calls before returned."""
    said = Corpus()
    said.add_text(text)
    given = {value.parameter for value in values}
    taken = {name for function in functions for name in _list_properties(function)}
    for value in values if functions else ():
        if value.parameter not in taken:
            takers = " and ".join(dict.fromkeys(function.name for function in functions))
            yield f'"values" has {value.parameter!r}, which is no parameter of {takers}'
    for place, function in enumerate(functions):
        for name, schema in list_required(function).items():
            if withheld is not None and name == withheld.parameter:
                continue
            for detail in values:
                if detail.parameter == name:
                    yield from _find_unsaid(detail, schema, said)
            if name in given or not _must_be_said(schema):
                continue
            if not any(_may_return(earlier, name) for earlier in functions[:place]):
                yield (
                    f'"values" has none for {name!r}, which {function.name} requires; '
                    "have the text say one, and give it there"
                )


def _may_return(function: Function, name: str) -> bool:
    """Whether a value for a parameter may be among what a function returns: a field of its name, or the thing's id."""
    _, tells, told = function.description.rpartition("Returns: ")
    fields = [split_name(field) for field in re.findall(r"\w+", told)]
    if not tells or "…" in told or {("values",), ("value",), ("object",)} & set(fields):
        return True  # it does not say what comes back
    words = split_name(name)
    ids = {words, ("id",), words[-2:]} if words[-1:] == ("id",) else {words}
    return any(field in ids for field in fields)


def _find_unsaid(detail: Detail, schema: Any, said: Corpus) -> Iterator[str]:
    if _must_be_said(schema) and find_argument_problems(
        {"properties": {detail.parameter: schema}}, {detail.parameter: detail.value}
    ):
        yield f"the value {detail.value!r} does not fit {detail.parameter!r}; take one that conforms to its schema"
    shown = schema.get("examples") if isinstance(schema, dict) else None
    is_id = split_name(detail.parameter)[-1:] == ("id",)
    if is_id and isinstance(shown, list) and shown and detail.value not in shown:
        some = ", ".join(map(repr, shown[:_MOST_SHOWN]))
        yield f"there is no {detail.parameter!r} {detail.value!r}; take one of {some}"
    for _, leaf in find_free_leaves("", detail.value, [schema] if isinstance(schema, dict) else []):
        if not is_argument_grounded(leaf, said):
            yield f"its text does not say {leaf!r}, the value of {detail.parameter!r}; write it into the text"


def _must_be_said(schema: Any) -> bool:
    """Whether a parameter holds a text or a number that its schema leaves open."""
    if not isinstance(schema, dict) or schema.get("type") not in ("string", "integer", "number"):
        return False
    return not schema.keys() & {"default", "const", "enum"}
