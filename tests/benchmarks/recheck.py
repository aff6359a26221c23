"""A second opinion on accepted rows, from the Parquet files alone.

Every rule of curation is checked again by other means: nothing of `tasks/` is imported, schemas are validated by
another library, and values are looked for as plain strings. Written against rows of the embedded teacher: what it
would miss in freer texts does not matter here, what it finds is a violation.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import jsonschema

Row = dict[str, Any]

_PLACEHOLDER = re.compile(r"YOUR_|<[a-z_ ]+>|\{\{|\bTODO\b|lorem ipsum|\bxxx+\b", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w])")
_ID = re.compile(r"\b[A-Za-z]+[-_]\d+\b")
_MOST_TURNS = 8


def find_violations(row: Row) -> list[str]:
    """The rules that an accepted row breaks, each as `rule: what`."""
    return list(_find(row))


def _find(row: Row) -> Iterator[str]:
    tools = {tool["function"]["name"]: tool["function"]["parameters"] for tool in json.loads(row["tools"])}
    messages = [message for message in row["messages"] if message["role"] != "system"]
    calls = list(_list_calls(messages))
    yield from _check_calls(calls, tools)
    yield from _check_grounding(messages, tools)
    yield from _check_kind(row["kind"], messages, calls)
    yield from _check_response(messages)
    if sum(message["role"] == "assistant" for message in messages) > _MOST_TURNS:
        yield "steps: more assistant turns than allowed"
    if row["num_calls"] != len(calls):
        yield "row: num_calls is not the number of calls"
    if list(row["functions_called"]) != [call["name"] for call, _ in calls]:
        yield "row: functions_called are not the functions called"


def _list_calls(messages: list[Row]) -> Iterator[tuple[Row, Row]]:
    """Each call with its tool message's decoded content."""
    answers = {message["tool_call_id"]: message["content"] for message in messages if message["role"] == "tool"}
    for message in messages:
        for call in _calls_of(message):
            yield call, json.loads(answers[call["id"]])


def _calls_of(message: Row) -> list[Row]:
    calls = message.get("tool_calls")
    return [] if calls is None else list(calls)


def _check_calls(calls: list[tuple[Row, Row]], tools: dict[str, Any]) -> Iterator[str]:
    last_good: dict[str, int] = {}
    for place, (call, answer) in enumerate(calls):
        if call["name"] not in tools:
            yield f"function: {call['name']} does not exist"
            continue
        try:
            arguments = json.loads(call["arguments"])
            jsonschema.Draft202012Validator(tools[call["name"]]).validate(arguments)
        except (ValueError, jsonschema.ValidationError) as error:
            yield f"arguments: {call['name']}: {str(error).splitlines()[0]}"
        if 200 <= answer["status"] < 300:
            last_good[call["name"]] = place
    for place, (call, answer) in enumerate(calls):
        if answer["status"] >= 400 and last_good.get(call["name"], -1) < place:
            yield f"recovery: {call['name']} failed and never worked"


def _check_grounding(messages: list[Row], tools: dict[str, Any]) -> Iterator[str]:
    said = ""
    for message in messages:
        if message["role"] in ("user", "tool"):
            said += f" {message['content']} "
        for call in _calls_of(message):
            schema = tools.get(call["name"], {})
            for name, value in json.loads(call["arguments"]).items():
                if _has_placeholder(str(value), said):
                    yield f"placeholder: {name} is {value!r}"
                part = schema.get("properties", {}).get(name, {})
                for leaf in value if isinstance(value, list) else [value]:
                    if not _is_said(leaf, part, said):
                        yield f"grounding: {name} is {leaf!r}, which nobody said"


def _has_placeholder(text: str, said: str) -> bool:
    """Whether a text has a placeholder that nobody else wrote: an API of filler texts does return "Lorem ipsum"."""
    return any(match.group().casefold() not in said.casefold() for match in _PLACEHOLDER.finditer(text))


def _is_said(value: Any, schema: Row, said: str) -> bool:
    if isinstance(value, bool) or value in schema.get("enum", ()) or value == schema.get("default"):
        return True
    folded = said.casefold()
    if isinstance(value, int | float):
        return any(float(number) == float(value) for number in _NUMBER.findall(said))
    return any(form.casefold() in folded for form in _spell(str(value)))


def _spell(value: str) -> list[str]:
    forms = [value, " ".join(re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", value))]
    if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        day = date.fromisoformat(value)
        forms.append(f"{day.day} {day:%B} {day.year}")
    return [form for form in forms if form]


def _check_kind(kind: str, messages: list[Row], calls: list[tuple[Row, Row]]) -> Iterator[str]:
    if kind == "no_tool" and calls:
        yield "kind: no_tool called a function"
    if kind != "no_tool" and not calls:
        yield f"kind: {kind} called nothing"
    if kind == "missing_detail":
        roles = [("call" if _calls_of(m) else m["role"]) for m in messages]
        if "call" in roles and "user" not in roles[1 : roles.index("call")]:
            yield "kind: missing_detail never asked"
    if kind == "error_recovery" and not any(answer["status"] >= 400 for _, answer in calls):
        yield "kind: error_recovery saw no error"


def _check_response(messages: list[Row]) -> Iterator[str]:
    last = messages[-1]
    response = last["content"] or ""
    if last["role"] != "assistant" or _calls_of(last) or not response.strip():
        yield "response: there is none"
        return
    if "```" in response or '"arguments"' in response:
        yield "response: a call written as text"
    known = " ".join(message["content"] or "" for message in messages[:-1] if message["role"] in ("user", "tool"))
    if _has_placeholder(response, known):
        yield "placeholder: in the response"
    numbers = {float(number) for number in _NUMBER.findall(known)} | set(map(float, _count_lists(messages)))
    loose = known.casefold()
    for number in _NUMBER.findall(_ID.sub(" ", response)):
        if float(number) not in numbers and number not in loose:
            yield f"response: states {number}, which nothing returned"
    for name in _ID.findall(response):
        if name.casefold() not in loose:
            yield f"response: states {name}, which nothing returned"


def _count_lists(messages: list[Row]) -> Iterator[int]:
    for message in messages:
        if message["role"] == "tool":
            body = json.loads(message["content"])["body"]
            yield from (len(part) for part in _lists_in(body))


def _lists_in(value: Any) -> Iterator[list[Any]]:
    if isinstance(value, list):
        yield value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _lists_in(child)


PLANTED: dict[str, str] = {
    "fence": "invalid_tool_call",
    "truncated": "invalid_tool_call",
    "unknown_function": "unknown_function",
    "missing_argument": "invalid_arguments",
    "mistyped_argument": "invalid_arguments",
    "invented_id": "ungrounded_argument",
    "unsupported": "ungrounded_response",
    "silence": "empty_response",
}
"""The reason under which a row with such an error must be rejected."""

SILENT_USER = "no_tool_call"
"""Where the user agent was the one to fall silent, the question that it left open is not a call."""


def count_missed(calls: list[Row], rows: list[Row]) -> Counter[str]:
    """Planted errors of the simulation whose row is not rejected under their reason, by kind of error."""
    reasons = {row["id"]: set(row["reasons"]) for row in rows if not row["accepted"]}
    missed: Counter[str] = Counter()
    for call in calls:
        error = call["fingerprint"].partition("+")[2]
        if call["stage"] != "simulate" or not error:
            continue
        allowed = {PLANTED[error]} | ({SILENT_USER} if error == "silence" else set())
        if not allowed & reasons.get(call["owner"], set()):
            missed[error] += 1
    return missed


def jaccard_pairs(texts: list[str], threshold: float = 0.8) -> int:
    """How many texts are nearly the same as an earlier one: exact Jaccard similarity of 3-word shingles, all pairs."""
    index: dict[tuple[str, ...], list[int]] = {}
    sets: list[set[tuple[str, ...]]] = []
    near = 0
    for text in texts:
        words = re.findall(r"\w+", text.lower())
        shingles = {tuple(words[i : i + 3]) for i in range(max(1, len(words) - 2))}
        shared: Counter[int] = Counter(other for shingle in shingles for other in index.get(shingle, ()))
        near += any(
            common / (len(shingles) + len(sets[other]) - common) > threshold for other, common in shared.items()
        )
        for shingle in shingles:
            index.setdefault(shingle, []).append(len(sets))
        sets.append(shingles)
    return near
