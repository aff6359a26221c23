"""ToolAlpaca's training JSON: one object per API with its documentation and its instances.

Field names and shapes follow github.com/tangqiaoyu/ToolAlpaca (README "Data format", and what its `build_dataset.py`
and `agent/tools.py` read and write): a step is `[[action, action input, log], observation]`, the log begins with one
space, and a question to the user is the action `getDetails`.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from schemas.episodes import Message
from schemas.instance import ApiRow, Instance
from tasks.datasets.parquet import BadTableError, explain_row
from tasks.datasets.tables import TOOLSET
from tasks.openapi.functions import METHODS

FINAL_THOUGHT = "I can respond to the user now."
"""Our final response carries no thought of its own; ToolAlpaca's reader falls back on such a sentence too."""


def build_toolalpaca_apis(
    rows: Iterable[Instance], sizes: Mapping[str, int], apis: Iterable[ApiRow]
) -> Iterator[dict[str, Any]]:
    """The APIs that have rows, in the order of `apis`, each with its instructions and instances.

    `sizes` tells how many rows each API has. Rows come in about the same order: those that are early are held.

    Raises BadTableError where an API is there twice, or what it holds is none of ours.
    """
    coming, held = iter(rows), defaultdict[str, list[Instance]](list)
    for number, api in enumerate(apis, start=1):
        if size := sizes.get(api.api_id, 0):
            while len(held[api.api_id]) < size:
                row = next(coming, None)
                if row is None:
                    raise BadTableError(f"{TOOLSET}, row {number}: {api.api_id[:80]!r} is there twice.")
                held[row.api_id].append(row)
            with explain_row(TOOLSET, number, api.api_id):
                built = _build_api(api, held.pop(api.api_id))
            yield built


def _build_api(api: ApiRow, rows: Sequence[Instance]) -> dict[str, Any]:
    document = json.loads(api.document)
    functions = [tool["function"] for tool in json.loads(api.functions)]
    outputs = _describe_outputs(document)
    described = {one["name"]: _describe_function(one, outputs.get(one["name"], "")) for one in functions}
    return {
        "Name": api.name,
        "Description": api.description,
        "Link": api.link,
        "Category": api.category,
        "Introduction": api.introduction,
        "Functions": "\n\n".join(_number_function(n, one) for n, one in enumerate(functions, start=1)),
        "Documentation": api.document,
        "NLDocumentation": "\n".join(f"{name}: {text}" for name, text in described.items()) + "\n",
        "Function_Description": {**described, "components": ""},
        "Function_Projection": _project_functions(document, list(described)),
        "Instructions": [row.instruction for row in rows],
        "Instances": [build_toolalpaca_instance(row) for row in rows],
    }


def build_toolalpaca_instance(row: Instance) -> dict[str, Any]:
    """`input`, `output`, `Final Thought` and `intermediate_steps` of one row."""
    answers = {m.tool_call_id: m.content for m in row.messages}
    steps: list[list[Any]] = []
    for position, message in enumerate(row.messages[:-1]):
        if message.role != "assistant":
            continue
        if message.tool_calls:
            for number, call in enumerate(message.tool_calls):
                thought = message.content if number == 0 else ""
                observation = _write_observation(answers.get(call.id, ""))
                steps.append([_write_action(thought, call.name, call.arguments), observation])
        else:
            question = json.dumps({"Question": message.content}, ensure_ascii=False)
            steps.append([_write_action("", "getDetails", question), _find_reply(row.messages[position + 1 :])])
    return {
        "input": row.instruction,
        "output": row.response,
        "Final Thought": FINAL_THOUGHT,
        "intermediate_steps": steps,
    }


def _write_action(thought: str, action: str, action_input: str) -> list[str]:
    return [action, action_input, f" {thought}\nAction: {action}\nAction Input: {action_input}"]


def _write_observation(content: str) -> str:
    """What ToolAlpaca's agent reads back: `Status Code: 200. Response: {…}`."""
    try:
        answer = json.loads(content)
        body = json.dumps(answer["body"], ensure_ascii=False)
        return f"Status Code: {answer['status']}. Response: {body}"
    except (ValueError, TypeError, KeyError):
        return content


def _find_reply(messages: Sequence[Message]) -> str:
    return next((message.content for message in messages if message.role == "user"), "")


def _describe_function(function: dict[str, Any], output: str) -> str:
    text, _, _ = function["description"].partition(" Returns: ")
    parameters = json.dumps(_describe_parameters(function["parameters"]), ensure_ascii=False)
    return f"{text}\nParameters: {parameters}\nOutput: Successful response.\n - Format: application/json{output}"


def _number_function(number: int, function: dict[str, Any]) -> str:
    text, _, returns = function["description"].partition(" Returns: ")
    inputs = json.dumps(_describe_parameters(function["parameters"]), ensure_ascii=False)
    output = f"Returns {returns.rstrip('.')}." if returns else "Returns a JSON value."
    return f"{number}. Name: {function['name']}\n   Description: {text}\n   Input: {inputs}\n   Output: {output}"


def _describe_parameters(schema: dict[str, Any]) -> dict[str, str]:
    """Each parameter as one sentence: `Required. string. One of: [a, b]. What it is.`"""
    required = schema.get("required", ())
    return {
        name: "".join(
            [
                "Required. " if name in required else "",
                f"{field.get('type', 'any')}. ",
                f"One of: [{', '.join(map(str, field['enum']))}]. " if field.get("enum") else "",
                str(field.get("description", "")),
            ]
        )
        for name, field in schema.get("properties", {}).items()
    }


def _describe_outputs(document: dict[str, Any]) -> dict[str, str]:
    """For each operation, a line on the structure of its first successful JSON response."""
    described = {}
    for _, _, operation in _iterate_operations(document):
        for status, response in sorted(operation.get("responses", {}).items()):
            schema = response.get("content", {}).get("application/json", {}).get("schema")
            if str(status).startswith("2") and schema:
                described[operation.get("operationId", "")] = f"\n - Structure: {_describe_structure(schema)}"
                break
    return described


def _describe_structure(schema: dict[str, Any], depth: int = 3) -> str:
    """A schema as ToolAlpaca writes it: `Object{results: Array[Object{url, source}], total}`."""
    if schema.get("type") == "array":
        return f"Array[{_describe_structure(schema.get('items', {}), depth)}]"
    if schema.get("properties"):
        fields = [_describe_field(name, field, depth - 1) for name, field in schema["properties"].items()]
        return f"Object{{{', '.join(fields)}}}"
    kind = schema.get("type", "Object")
    return kind.capitalize() if isinstance(kind, str) else "Object"


def _describe_field(name: str, field: dict[str, Any], depth: int) -> str:
    nested = depth and (field.get("properties") or field.get("type") == "array")
    return f"{name}: {_describe_structure(field, depth)}" if nested else name


def _project_functions(document: dict[str, Any], names: Sequence[str]) -> dict[str, list[str]]:
    """Function to `[path, method]`, in the order of `names`."""
    found = {
        operation.get("operationId", ""): [path, method] for path, method, operation in _iterate_operations(document)
    }
    return {name: found[name] for name in names if name in found}


def _iterate_operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, item in document.get("paths", {}).items()
        for method, operation in item.items()
        if method in METHODS
    ]
