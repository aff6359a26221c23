"""What a refusal teaches: the smallest step away from what was refused.

Only a part that the request holds and the refusal names is given up, and a parameter only where it is refused and not
its value. One answer may refuse several parts; each statement of it is read by itself.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tasks.teacher.sending.capabilities import LIMITS, PARAMETERS, Answers, Capabilities, Limit
from tasks.teacher.sending.message_forms import LONGEST_NAME, alternate, is_plain_name, list_extra_fields
from tasks.teacher.sending.refusals import find_refused, is_refusal, names_word, split_statements
from tasks.teacher.sending.retries import EndpointError
from tasks.teacher.sending.schema_forms import (
    EMPTY_OBJECTS,
    KEYWORDS,
    LISTS_OF_TYPES,
    NO_PROPERTIES,
    OTHER_ENUMS,
    SPECIAL,
    list_parts,
    list_tool_parts,
)
from tasks.teacher.sending.turns import find_asked_fields, find_form_of_ids

Body = Mapping[str, Any]
Rule = Callable[[Capabilities, Body, str], Capabilities]

_BAD_REQUEST = (400, 422)
_NAMED = (404, 500, 501)
"""Statuses that say nothing by themselves: some endpoints give them where a part of the request is not taken."""

_FORMAT = re.compile(
    r"response[_ ]format|json[_ ](?:schema|object|mode)|structured[_ ]outputs?|output[_ ]format|\bguided"
    r"|grammar|\bstrict\b",
    re.I,
)
_BAD_DRAW = re.compile(
    r"failed[_ ]generation|json_validate_failed|failed to (?:generate|call|validate)|did not match|does not match"
    r"|validation failed",
    re.I,
)
"""What the model wrote was of no use to the server: a matter of the draw and not of the form."""

_TOOL_SCHEMA = re.compile(
    r"(?:tool|function)\w*['\" .\[\]\w-]*(?:schema|parameters)|input_schema|grammar|schema conversion"
    r"|json schema|schema: \{",
    re.I,
)
_INVALID = re.compile(
    r"invalid|only allowed|only [^.]{1,60} (?:is|are) (?:allowed|supported)|could not|fail|not valid|not have"
    r"|unrecogni[sz]ed",
    re.I,
)
_WANTED = re.compile(r"(?:is|are) (?:required|missing)\b|must be (?:supplied|present|set|specified)", re.I)
_CONTEXT = re.compile(r"context=\([^)]*\)")
_PLACE = re.compile(r"[.\]]([A-Za-z_]+): ")
_LIST_OF_TYPES = re.compile(
    r"cannot start list|not repeating|(?:list|array|union) of types|type (?:list|array|union)"
    r"|\btype['\"]? must be a (?:single )?string|\btype\b.{0,20}not an? (?:array|list)",
    re.I,
)
_NO_PROPERTIES = re.compile(r"missing properties|'properties'[^.]{0,20}(?:required|missing)", re.I)
_EMPTY_OBJECT = re.compile(
    r"non-?empty for object|(?:empty|no) (?:parameters|properties|objects?)\b"
    r"|(?:properties|parameters)[^.]{0,30}(?:non-?empty|not be empty|at least one)",
    re.I,
)
_OTHER_ENUM = re.compile(r"\benum(?: values)?:? (?:must|should|only|can)[^.]{0,30}\bstring", re.I)
_LIMIT_WANTED = re.compile(
    r"required|missing|mandatory|must be (?:specified|provided|set|given)|must (?:set|specify|provide)"
    r"|none is not an allowed",
    re.I,
)
_SYSTEM = re.compile(
    r"system['\"`]? (?:role|message|prompt|instruction)|role\W{1,4}system|['\"`]system['\"`]|developer instruction",
    re.I,
)
_TWO_ROLES = re.compile(
    r"only user(?:, | and |/)assistant(?:,? and tool)? roles|role: input should be ['\"]user"
    r"|roles? (?:must|should) be (?:one of )?\W{0,3}(?:user|assistant)\W{1,4}(?:or|and|assistant|user)",
    re.I,
)
_TURNS = re.compile(
    r"\balternat|unexpected role|roles? in a row|consecutive (?:user|assistant|messages)|same role"
    r"|first (?:\w+ )?message must|expected (?:user|assistant) message|cannot follow|message order",
    re.I,
)
_EMPTY_CONTENT = re.compile(
    r"non-?empty content|content[^.]{0,30}(?:must be non-?empty|(?:cannot|must not|can't|should not) be "
    r"(?:empty|blank))"
    r"|empty content",
    re.I,
)
_NAME = re.compile(r"(?:tools?|functions?)\b[^ ]{0,30}[. _]name\b|(?:tool|function) name\b", re.I)
_NAME_FORM = re.compile(r"pattern|character|alphanumeric|start with|begin with|too long|longer than|invalid", re.I)
_LONG = re.compile(r"too long|longer than|max(?:imum)? length|at most|exceed", re.I)
_MANY = re.compile(r"too (?:many|long)|at most|max(?:imum)?|exceed|no more than|more than|limit|up to", re.I)
_NUMBER = re.compile(r"(?<![\w.])\d{1,3}(?:,\d{3})+(?!\d)|(?<![\w.])\d+(?![\w])")
_OUTPUT = re.compile(r"max_?(?:completion_?|output_?|new_?)?tokens|(?:output|completion) tokens", re.I)
_BOUND = re.compile(r"at most|max(?:imum)?\b|less than|too (?:large|high)|range|up to|exceed|[<>]", re.I)
_WINDOW = re.compile(r"context (?:length|window|size)\D{0,20}?(\d[\d,]*)", re.I)
_READ = re.compile(
    r"(\d[\d,]*) (?:in the messages|in the input|(?:input|prompt) tokens|tokens (?:from|in|of) the (?:input|prompt))",
    re.I,
)
_LEAST_OUTPUT = 16
_USEFUL = frozenset({"enum", "anyOf"})


def learn(used: Capabilities, body: Body, refusal: EndpointError) -> Capabilities | None:
    """What to go on with after `body`, made with `used`, was refused; None where no other form of it is left."""
    if refusal.status not in _BAD_REQUEST + _NAMED:
        return None
    learnt = used
    for statement in split_statements(refusal.said):
        for rule in _RULES:
            learnt = rule(learnt, body, statement)
        learnt = _learn_answers(used, learnt, body, statement, is_sure=refusal.status in _BAD_REQUEST)
    return None if learnt == used else learnt


def _learn_parameters(known: Capabilities, body: Body, statement: str) -> Capabilities:
    refused = find_refused(statement, tuple(name for name in PARAMETERS if name in body))
    return known.model_copy(update={"left_out": known.left_out | set(refused)}) if refused else known


def _learn_limit(known: Capabilities, body: Body, statement: str) -> Capabilities:
    """The name of the limit, that there has to be one, and how large it may be."""
    sent = next((name for name in LIMITS if name in body), None)
    wanted = next((name for name in LIMITS if name != sent and names_word(statement, name)), None)
    is_wanted = _LIMIT_WANTED.search(statement) is not None and not _BOUND.search(statement)
    if wanted is not None and wanted not in known.left_out and is_wanted:
        return known.model_copy(update={"limit": wanted, "needs_limit": True})
    if sent is None or sent in known.left_out:
        return known
    if find_refused(statement, (sent,)):
        left_out = known.left_out | {sent}
        return known.model_copy(update={"limit": _choose_limit(left_out, wanted), "left_out": left_out})
    most = _read_most_output(statement, int(body[sent]))
    return known if most is None else known.model_copy(update={"most_output": most})


def _choose_limit(refused: frozenset[Any], hinted: Limit | None) -> Limit | None:
    if hinted is not None and hinted not in refused:
        return hinted
    return next((name for name in LIMITS if name not in refused), None)


def _read_most_output(statement: str, sent: int) -> int | None:
    """The largest limit that is taken, where `sent` was too large; None where it does not say, or it was not."""
    window = _WINDOW.search(statement)
    if window is not None:
        size, read = _read_number(window[1]), _READ.search(statement)
        room = size // 2 if read is None else size - _read_number(read[1]) - _LEAST_OUTPUT
        most = min(size // 2, room)
    elif _OUTPUT.search(statement) and _BOUND.search(statement):
        most = max((number for number in _list_numbers(statement) if number < sent), default=0)
    else:
        return None
    return most if _LEAST_OUTPUT <= most < sent else None


def _learn_tool_schemas(known: Capabilities, body: Body, statement: str) -> Capabilities:
    present = list_tool_parts(body.get("tools", ()))
    if not present or _BAD_DRAW.search(statement) or ("response_format" in body and _FORMAT.search(statement)):
        return known
    parts = _find_parts(statement, present)
    if not parts and _TOOL_SCHEMA.search(statement) and _INVALID.search(statement):
        # It does not say which: first all that most schemas can do without, then the rest.
        parts = (present & KEYWORDS - _USEFUL) or present & _USEFUL
        parts |= {"minimum", "maximum"} if parts - _USEFUL else set()  # into which exclusive bounds turn
    return known.model_copy(update={"tool_parts": known.tool_parts | parts}) if parts else known


def _learn_answers(
    used: Capabilities, known: Capabilities, body: Body, statement: str, *, is_sure: bool
) -> Capabilities:
    """The schema without the keywords that are refused, or else the next form of a JSON answer."""
    asked = body.get("response_format")
    if asked is None or _BAD_DRAW.search(statement):
        return known
    schema = (asked.get("json_schema") or {}).get("schema")
    parts = _find_parts(statement, list_parts([schema])) if not re.search(r"\btools?\[", statement) else frozenset()
    if parts:
        return known.model_copy(update={"answer_parts": known.answer_parts | parts})
    if _FORMAT.search(statement) and (is_sure or is_refusal(statement) or "must be" in statement):
        return known.model_copy(update={"answers": _step_down(used, asked)})
    return known


def _step_down(used: Capabilities, refused: Any) -> Answers:
    """The next form of a JSON answer, where `refused` was not taken."""
    if used.answers == "strict" and (refused.get("json_schema") or {}).get("strict"):
        return "json_schema"
    return "json_object" if used.answers in ("strict", "json_schema") else "plain"


def _find_parts(statement: str, present: frozenset[str]) -> frozenset[str]:
    """What a statement refuses of the parts that are there."""
    text = _CONTEXT.sub(" ", statement)
    found = set()
    if LISTS_OF_TYPES in present and _LIST_OF_TYPES.search(text):
        found.add(LISTS_OF_TYPES)
    if NO_PROPERTIES in present and _NO_PROPERTIES.search(text):
        found.add(NO_PROPERTIES)
    if EMPTY_OBJECTS in present and _EMPTY_OBJECT.search(text):
        found.add(EMPTY_OBJECTS)
    if OTHER_ENUMS in present and _OTHER_ENUM.search(text):
        found.add(OTHER_ENUMS)
    if not (is_refusal(text) or _INVALID.search(text)) or _WANTED.search(text):
        return frozenset(found)
    keywords = present - SPECIAL
    place = _PLACE.search(text)
    if place is not None and (at := _find_keyword(place[1], keywords)):
        named = {at}
    else:
        named = {keyword for keyword in keywords if _names_keyword(text, keyword)}
    if "enum" in named and OTHER_ENUMS in present and re.search(r"\bstring", text, re.I):
        named = named - {"enum"} | {OTHER_ENUMS}
    return frozenset(found | named)


def _names_keyword(text: str, keyword: str) -> bool:
    """Whether a text names a keyword; one that is an English word has to stand in quotes."""
    spelled = re.sub(r"(?<=[a-z])(?=[A-Z])", "_?", keyword).replace("$", r"\$")
    if keyword.startswith("$") or not keyword.islower():
        return re.search(rf"(?<![\w$]){spelled}(?!\w)", text, re.I) is not None
    if "keyword" in text.lower():
        return re.search(rf"\b{spelled}\b", text, re.I) is not None
    return re.search(rf"['\"`]{spelled}['\"`]", text, re.I) is not None


def _find_keyword(word: str, keywords: frozenset[str]) -> str | None:
    flat = word.replace("_", "").lower()
    return next((keyword for keyword in keywords if keyword.lower() == flat), None)


def _learn_turns(known: Capabilities, body: Body, statement: str) -> Capabilities:
    """Who may speak, and when."""
    messages = body["messages"]
    has_system = any(message.get("role") == "system" for message in messages)
    if _TURNS.search(statement) and not names_word(statement, "tool_calls"):
        if alternate(messages) != tuple(messages):
            return known.model_copy(update={"alternate": True})
        # They take turns as they are: what is in the way is the system's message.
        return known.model_copy(update={"system": False}) if has_system else known
    is_refused = _SYSTEM.search(statement) is not None and (
        is_refusal(statement) or "invalid role" in statement.lower()
    )
    if has_system and (is_refused or _TWO_ROLES.search(statement)):
        return known.model_copy(update={"system": False})
    return known


def _learn_messages(known: Capabilities, body: Body, statement: str) -> Capabilities:
    """What messages may hold."""
    messages = body["messages"]
    if is_refusal(statement):
        refused = {name for name in list_extra_fields(messages) if names_word(statement, name)}
        if refused:
            return known.model_copy(update={"refused_fields": known.refused_fields | refused})
        if names_word(statement, "cache_control") and _is_marked(messages):
            return known.model_copy(update={"left_out": known.left_out | {"cache_control"}})
    is_empty = any(message.get("tool_calls") and message.get("content") == "" for message in messages)
    if is_empty and _EMPTY_CONTENT.search(statement):
        return known.model_copy(update={"empty_content": False})
    return known


def _learn_asked_turns(known: Capabilities, body: Body, statement: str) -> Capabilities:
    """In which form ids of calls go back, and what each turn with calls must have."""
    messages = body["messages"]
    call_ids = find_form_of_ids(known.call_ids, messages, statement)
    asked_fields = known.asked_fields | find_asked_fields(messages, statement)
    return known.model_copy(update={"call_ids": call_ids, "asked_fields": asked_fields})


def _is_marked(messages: Iterable[Any]) -> bool:
    """Whether messages tell what of them may be cached."""
    contents = (message.get("content") for message in messages)
    return any("cache_control" in part for content in contents if isinstance(content, list) for part in content)


def _learn_functions(known: Capabilities, body: Body, statement: str) -> Capabilities:
    """How functions may be called and described, and how many there may be."""
    functions = [tool["function"] for tool in body.get("tools", ())]
    if not functions or names_word(statement, "tool_calls"):
        return known
    if re.search(r"\bdescription\b", statement, re.I) and _LONG.search(statement):
        longest = max(len(function.get("description") or "") for function in functions)
        most = max((number for number in _list_numbers(statement) if 16 <= number < longest), default=None)
        return known if most is None else known.model_copy(update={"longest_description": most})
    if _NAME.search(statement) and _NAME_FORM.search(statement):
        return _learn_names(known, [function["name"] for function in functions], statement)
    if re.search(r"\btools?\b|\bfunctions?\b|function_declarations", statement, re.I) and _MANY.search(statement):
        most = max((number for number in _list_numbers(statement) if 1 < number < len(functions)), default=None)
        return known if most is None else known.model_copy(update={"most_tools": most})
    return known


def _learn_names(known: Capabilities, names: list[str], statement: str) -> Capabilities:
    told = [number for number in _list_numbers(statement) if 16 <= number <= LONGEST_NAME]
    longest = min([*told, known.longest_name or LONGEST_NAME])
    if all(is_plain_name(name, longest) for name in names):
        return known
    return known.model_copy(update={"longest_name": longest})


def _list_numbers(text: str) -> list[int]:
    return [_read_number(digits) for digits in _NUMBER.findall(text)]


def _read_number(digits: str) -> int:
    return int(digits.replace(",", "")[:9] or 0)


_RULES: tuple[Rule, ...] = (
    _learn_parameters,
    _learn_limit,
    _learn_tool_schemas,
    _learn_functions,
    _learn_turns,
    _learn_messages,
    _learn_asked_turns,
)
