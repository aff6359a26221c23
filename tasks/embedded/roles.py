"""Which role a request asks the teacher to play, and the answer in that role.

A request with tools is for the assistant. Else the prompt says what is wanted by the blocks that it holds:
`<documentation>` (describe one function), `<functions>` (write requests), `<entry>` (write documentation),
`<instruction>` (answer as the user), `<operation>` (answer as the API), `<probe>` (show that a schema is kept to).
"""

import hashlib
import json
import re
from random import Random
from typing import Any

from schemas.base import canonical_json, compact_json
from tasks.embedded.assistant.assisting import compose_arguments, take_turn
from tasks.embedded.erring import GrammarAnswer, spoil_text, spoil_turn
from tasks.embedded.executing import play_api
from tasks.embedded.user.instructing import compose_instructions
from tasks.embedded.user.replying import DONE, compose_reply
from tasks.embedded.writer.documenting import compose_documentation
from tasks.embedded.writer.specifying import compose_operation
from tasks.mock.world import World

_BLOCK = r"<{0}>\s*(.*?)\s*</{0}>"
_DOCUMENTED = re.compile(
    r"^- (?P<name>\w+)\((?P<inputs>[^()\n]*)\) returns (?P<outputs>[\w, ]+)\. (?P<about>[^\n]*)$", re.MULTILINE
)
_COUNT = re.compile(r"Write (\d+) different requests")


class UnknownRequestError(ValueError):
    """The prompt asks for nothing that the embedded teacher knows how to do."""


def answer_request(request: dict[str, Any], error_rate: float = 0.0) -> GrammarAnswer:
    """The answer to a chat completion request; the same for the same messages, tools, response format and seed.

    Raises:
        UnknownRequestError: The prompt is none of ours.
    """
    rng = _make_random(request)
    errs = rng.random() < error_rate
    messages: list[dict[str, Any]] = request["messages"]
    if request.get("tools"):
        functions = [tool["function"] for tool in request["tools"]]
        turn = take_turn(messages, functions, rng)
        if errs:
            return spoil_turn(turn, functions, rng)
        return GrammarAnswer(
            turn.content, tuple((name, compose_arguments(arguments)) for name, arguments in turn.calls)
        )
    prompt = str(messages[0].get("content") or "")
    if _read_block(prompt, "instruction") is not None:
        reply = compose_reply(messages, rng)
        return GrammarAnswer("", error="silence") if errs and reply != DONE else GrammarAnswer(reply)
    operation = _read_block(prompt, "operation")
    if operation is not None:
        return GrammarAnswer(_answer_as_api(json.loads(operation), prompt, request.get("seed")))
    content = _compose_text(prompt, rng)
    return spoil_text(content, rng) if errs else GrammarAnswer(content)


def _make_random(request: dict[str, Any]) -> Random:
    told = [request.get(key) for key in ("messages", "tools", "response_format", "seed")]
    return Random(hashlib.sha256(canonical_json(told).encode()).digest())


def _compose_text(prompt: str, rng: Random) -> str:
    functions, entry = _read_block(prompt, "functions"), _read_block(prompt, "entry")
    documentation = _read_block(prompt, "documentation")
    if functions is not None:
        return _answer_instruct(prompt, json.loads(functions), rng)
    if documentation is not None:
        return _answer_specify(json.loads(entry or "{}"), documentation, _read_block(prompt, "function") or "")
    if entry is not None:
        return compact_json(compose_documentation(json.loads(entry), rng))
    if _read_block(prompt, "probe") is not None:
        return compact_json({"stations": [{"city": "Oslo"}], "unit": "celsius"})
    raise UnknownRequestError(
        "the embedded teacher answers ToolHerd's own prompts; this request has no tools and none of the blocks "
        "<entry>, <documentation>, <functions>, <instruction> or <operation>"
    )


def _answer_specify(entry: dict[str, Any], documentation: str, name: str) -> str:
    functions = [_read_function(match) for match in _DOCUMENTED.finditer(documentation)]
    if name not in [function["name"] for function in functions]:
        raise UnknownRequestError(f"the documentation tells of no function {name[:100]!r}")
    return compact_json(compose_operation(entry, functions, name))


def _read_function(match: re.Match[str]) -> dict[str, Any]:
    inputs, outputs = ([name for name in match[key].split(", ") if name] for key in ("inputs", "outputs"))
    outputs = [] if outputs == ["nothing"] else outputs
    return {"name": match["name"], "description": match["about"], "inputs": inputs, "outputs": outputs}


def _answer_instruct(prompt: str, functions: list[dict[str, Any]], rng: Random) -> str:
    count = _COUNT.search(prompt)
    kind = _read_block(prompt, "kind") or "single_call"
    earlier = json.loads(_read_block(prompt, "earlier") or "[]")
    written = compose_instructions(functions, kind, int(count.group(1)) if count else 1, earlier, rng)
    return compact_json({"instructions": written})


def _answer_as_api(part: dict[str, Any], prompt: str, seed: Any) -> str:
    """The API's answer; all requests of an episode have one seed, and so meet one world."""
    asked = json.loads(_read_block(prompt, "request") or "{}")
    history = json.loads(_read_block(prompt, "history") or "[]")
    return compact_json(play_api(part, history, asked["arguments"], World("", int(seed or 0))))


def _read_block(prompt: str, name: str) -> str | None:
    match = re.search(_BLOCK.format(name), prompt, re.DOTALL)
    return match.group(1) if match else None
