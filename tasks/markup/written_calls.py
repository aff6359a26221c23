"""Calls of functions that a model wrote into its text, in the forms that open models are trained on.

A text is read as calls only where that is certain: whole to the end, each naming a function that there is, each with an
object of arguments. What only looks like a call stays text; `tasks/markup/told_calls.py` turns it down.
"""

import ast
import json
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from schemas.base import Json
from schemas.foreign_json import decode_foreign_json, read_foreign_json
from tasks.markup.function_names import match_function

NAME_KEYS = ("name", "function", "tool", "tool_name", "action", "function_name")
ARGUMENT_KEYS = ("arguments", "parameters", "args", "action_input", "input", "params")

CALL_MARK = re.compile(
    r"""
      </?\|?/?(?:[a-z]+:)?(?:tool_calls?|toolcall|function_calls?)\|?>       # Hermes, Qwen, Phi, Granite, Jamba
    | <[|｜]/?(?:tool_calls?_(?:start|end|begin|section_begin|section_end)     # LFM2, Kimi
        |tool▁calls?▁(?:begin|end)                                            # DeepSeek
        |python_(?:tag|start|end)                                             # Llama
        |plugin|action_(?:start|end)|(?:START|END)_ACTION                     # InternLM, Command
        |tools_(?:prefix|suffix)|call)[|｜]>                                   # Apertus, gpt-oss
    | </?[|｜]DSML[|｜](?:function|tool)_calls>                                 # DeepSeek V3.2
    | \[/?TOOL_CALLS\]                                                        # Mistral
    | \bfunctools(?=\[)                                                       # Phi-4-mini
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""What stands around calls and nothing else."""

_CLOSING_MARK = re.compile(r"<\|?/|end|suffix|<\|call\|>|<\w+\|>", re.IGNORECASE)
_END_OF_TURN = r"<\|(?:eot_id|eom_id|im_end)\|>|<｜end▁of▁sentence｜>"
_PASSED_OVER = re.compile(
    rf"(?:\s|[,;]|{CALL_MARK.pattern}|</?tools>|Action:\s*(?=```)|```[\w-]*|{_END_OF_TURN})+",
    re.VERBOSE | re.IGNORECASE,
)
_FUNCTION_TAG = re.compile(r"<function=([^<>{\s]+)>?\s*")
_INVOKE_TAG = re.compile(r'<([|｜]DSML[|｜])?invoke\s+name="([^"<>]+)"\s*>\s*')
_PARAMETER = re.compile(
    r"\s*<(?:[|｜]DSML[|｜])?parameter(?:=|\s+name=\")([^\"<>]+)\"?[^<>]*>(.*?)</(?:[|｜]DSML[|｜])?parameter>",
    re.DOTALL,
)
_TAG_END = re.compile(r"\s*</(?:[|｜]DSML[|｜])?(?:function|invoke)>")
_CHANNEL = re.compile(
    r"(?:<\|start\|>assistant)?(?:\s*to=(\S+?))?<\|channel\|>\s*commentary(?:\s+to=([^\s<]+))?\s*"
    r"(?:<\|constrain\|>\s*\w+\s*|json\s*)?<\|message\|>\s*"
)
_NAMED = re.compile(r"(?:function<｜tool▁sep｜>)?([\w.:/-]{1,128})\s*")
_NAME_END = re.compile(
    r"(?:<｜tool▁sep｜>|<\|tool_call_argument_begin\|>|(?:\[CALL_ID\]\w+)?\[ARGS\]|```(?:json)?|\s)*"
)
_ARGUMENT_PAIR = re.compile(r"\s*<arg_key>(.*?)</arg_key>\s*<arg_value>(.*?)</arg_value>", re.DOTALL)
_GEMMA = re.compile(r"call:([\w.:/-]{1,128})(?=\{)")
_GEMMA_PART = re.compile(r'<\|"\|>(.*?)<\|"\|>|([^\s:{}\[\],<>"]+)(?=\s*:)', re.DOTALL)
_REACT = re.compile(r"Action:\s*([\w.:/-]{1,128})\s*\n\s*Action Input:\s*(?:```(?:json)?\s*)?(?=\{)")

_BEGINNING = re.compile(
    rf"(?P<mark>{CALL_MARK.pattern}|<function=|{_INVOKE_TAG.pattern}|{_CHANNEL.pattern})"
    r"|<tools>|```[\w-]*|^[ \t]*(?:[{\[]|Action:|[\w.:/-]{1,128}[ ]?(?=\n\{|\())",
    re.VERBOSE | re.IGNORECASE | re.MULTILINE,
)
_MOST_BEGINNINGS = 20
_LONGEST_EXPRESSION = 20_000
"""Characters of calls in Python's form."""


@dataclass(frozen=True)
class WrittenCall:
    """A call as it is meant: the function's own name, and its arguments as JSON."""

    name: str
    arguments: str


@dataclass(frozen=True)
class WrittenCalls:
    """What a text says before its calls, and the calls. What stands after them was said before they were answered."""

    before: str
    calls: tuple[WrittenCall, ...]


def read_written_calls(text: str, functions: Mapping[str, Mapping[str, Any]]) -> WrittenCalls | None:
    """The calls that a text is written for, or None; `functions` are the schemas of parameters by name."""
    for start in islice(_BEGINNING.finditer(text), _MOST_BEGINNINGS):
        is_marked = bool(start["mark"])
        calls = _Reader(text, start.start(), functions, is_marked).read()
        if calls:
            return WrittenCalls(text[: start.start()].strip(), calls)
        if is_marked:
            return None
    return None


class _Reader:
    """Reads calls one after the other, from a place on."""

    def __init__(self, text: str, place: int, functions: Mapping[str, Mapping[str, Any]], is_marked: bool) -> None:
        self._text = text
        self._place = place
        self._functions = functions
        self._is_marked = is_marked

    def read(self) -> tuple[WrittenCall, ...]:
        """All calls; none where one is no call, or where the text goes on after calls that no mark sets apart."""
        calls: list[WrittenCall] = []
        passed = self._pass_over()
        while self._place < len(self._text):
            found = list(self._read_next())
            if not found:
                return tuple(calls) if self._is_marked and not self._goes_on(passed) else ()
            calls += found
            passed = self._pass_over()
        return tuple(calls)

    def _pass_over(self) -> str:
        """What was passed over."""
        passed = _PASSED_OVER.match(self._text, self._place)
        self._place = passed.end() if passed else self._place
        return passed.group() if passed else ""

    def _goes_on(self, passed: str) -> bool:
        """Whether what stands behind the last call was begun as another one."""
        if any(not _CLOSING_MARK.search(mark.group()) for mark in CALL_MARK.finditer(passed)):
            return True
        following = _BEGINNING.search(self._text, self._place)
        return following is not None and bool(following["mark"])

    def _read_next(self) -> Iterator[WrittenCall]:
        start = self._place
        for read in (
            self._read_json,
            self._read_function_tag,
            self._read_invoke_tag,
            self._read_channel,
            self._read_react,
            self._read_gemma,
            self._read_named,
            self._read_expression,
        ):
            calls = read()
            if calls:
                yield from calls
                return
            self._place = start

    def _make(self, name: str, arguments: Json) -> list[WrittenCall]:
        """The call, if there is the function and the arguments are an object, or text that is one."""
        function = match_function(name, self._functions)
        if isinstance(arguments, str):
            try:
                arguments = read_foreign_json(arguments)
            except ValueError:
                return []
        if not function or not isinstance(arguments, dict):
            return []
        return [WrittenCall(function, json.dumps(arguments, ensure_ascii=False))]

    def _decode(self) -> Json:
        """The JSON value at the place, which moves behind it; None where there is none."""
        try:
            value, self._place = decode_foreign_json(self._text, self._place)
        except ValueError:
            return None
        return value

    def _read_json(self) -> list[WrittenCall]:
        if self._text[self._place] not in "{[":
            return []
        value = self._decode()
        calls: list[WrittenCall] = []
        for item in value if isinstance(value, list) else [value]:
            found = self._read_value(item)
            if not found:
                return []
            calls += found
        return calls

    def _read_value(self, value: Json) -> list[WrittenCall]:
        if not isinstance(value, dict):
            return []
        if isinstance(inner := value.get("tool_calls"), list):
            return [call for item in inner for call in self._read_value(item)]
        if isinstance(inner := value.get("function"), dict):
            value = inner
        name = next((value[key] for key in NAME_KEYS if isinstance(value.get(key), str)), None)
        given: Json = next((value[key] for key in ARGUMENT_KEYS if key in value), {} if self._is_marked else None)
        if name is not None:
            return self._make(name, given)
        if self._is_marked and len(value) == 1:  # Apertus: {"name": {…}}
            ((key, arguments),) = value.items()
            return self._make(key, arguments)
        return []

    def _read_function_tag(self) -> list[WrittenCall]:
        tag = _FUNCTION_TAG.match(self._text, self._place)
        if tag is None:
            return []
        self._place = tag.end()
        return self._read_tagged(tag[1])

    def _read_invoke_tag(self) -> list[WrittenCall]:
        tag = _INVOKE_TAG.match(self._text, self._place)
        if tag is None:
            return []
        self._place = tag.end()
        return self._read_tagged(tag[2])

    def _read_tagged(self, name: str) -> list[WrittenCall]:
        """The call whose name was in a tag; its parameters follow in tags of their own, or as JSON."""
        is_json = self._text.startswith("{", self._place)
        arguments = self._decode() if is_json else self._read_pairs(_PARAMETER, name)
        end = _TAG_END.match(self._text, self._place)
        if end is None and self._text[self._place :].strip():
            return []  # broken off within
        self._place = end.end() if end else len(self._text)
        return self._make(name, arguments)

    def _read_pairs(self, pattern: re.Pattern[str], name: str) -> dict[str, Json]:
        arguments: dict[str, Json] = {}
        schema = self._functions.get(match_function(name, self._functions), {})
        while (pair := pattern.match(self._text, self._place)) is not None:
            self._place = pair.end()
            arguments[pair[1].strip()] = _read_parameter(pair[2], schema, pair[1].strip())
        return arguments

    def _read_channel(self) -> list[WrittenCall]:
        head = _CHANNEL.match(self._text, self._place)
        if head is None or not (head[1] or head[2]):
            return []
        self._place = head.end()
        return self._make(head[1] or head[2], self._decode())

    def _read_react(self) -> list[WrittenCall]:
        head = _REACT.match(self._text, self._place)
        if head is None:
            return []
        self._place = head.end()
        return self._make(head[1], self._decode())

    def _read_gemma(self) -> list[WrittenCall]:
        head = _GEMMA.match(self._text, self._place)
        if head is None:
            return []
        mark = CALL_MARK.search(self._text, head.end())
        end = mark.start() if mark else len(self._text)
        written = _GEMMA_PART.sub(
            lambda part: json.dumps(part[1] if part[1] is not None else part[2]), self._text[head.end() : end]
        )
        self._place = end
        return self._make(head[1], written)

    def _read_named(self) -> list[WrittenCall]:
        """A name, then the arguments; a name alone where a mark says that it is a call."""
        head = _NAMED.match(self._text, self._place)
        if head is None or not match_function(head[1], self._functions):
            return []
        self._place = head.end()
        if _ARGUMENT_PAIR.match(self._text, self._place):
            return self._make(head[1], self._read_pairs(_ARGUMENT_PAIR, head[1]))
        end = _NAME_END.match(self._text, self._place)
        assert end is not None
        if self._text.startswith("{", end.end()):
            self._place = end.end()
            return self._make(head[1], self._decode())
        if self._is_marked and CALL_MARK.match(self._text, self._place):
            return self._make(head[1], {})
        return []

    def _read_expression(self) -> list[WrittenCall]:
        """Calls in Python's form: `[f(a=1), g(b="x")]`, or one without the brackets."""
        mark = _PASSED_OVER_MARK.search(self._text, self._place)
        end = mark.start() if mark else len(self._text)
        if end - self._place > _LONGEST_EXPRESSION:
            return []
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a string's unknown escapes
                tree = ast.parse(self._text[self._place : end].strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return []
        self._place = end
        calls: list[WrittenCall] = []
        for item in tree.elts if isinstance(tree, ast.List) else [tree]:
            found = self._read_python_call(item)
            if not found:
                return []
            calls += found
        return calls

    def _read_python_call(self, node: ast.expr) -> list[WrittenCall]:
        if not isinstance(node, ast.Call):
            return []
        try:
            arguments = {keyword.arg or "": _read_literal(keyword.value) for keyword in node.keywords}
            if len(node.args) == 1 and not arguments:
                return self._make(ast.unparse(node.func), _read_literal(node.args[0]))
            if node.args or "" in arguments:
                return []
            return self._make(ast.unparse(node.func), arguments)
        except (ValueError, TypeError, RecursionError):
            return []


_PASSED_OVER_MARK = re.compile(rf"{CALL_MARK.pattern}|```", re.VERBOSE | re.IGNORECASE)
_NAMES_OF_JSON = {"true": True, "false": False, "null": None}


class _NamesOfJson(ast.NodeTransformer):
    """`true`, `false` and `null`, which models write in Python's form too."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Constant(_NAMES_OF_JSON[node.id]) if node.id in _NAMES_OF_JSON else node


def _read_literal(node: ast.expr) -> Json:
    """The JSON value of an expression. Raises ValueError where it is no literal, or one that JSON does not have."""
    value = ast.literal_eval(_NamesOfJson().visit(node))
    read: Json = json.loads(json.dumps(value, allow_nan=False))
    return read


def _read_parameter(written: str, schema: Mapping[str, Any], name: str) -> Json:
    """A parameter's value as its schema has it: text as it stands, anything else as JSON."""
    text = written.removeprefix("\n").removesuffix("\n")
    properties = schema.get("properties")
    wanted = properties.get(name) if isinstance(properties, dict) else None
    if isinstance(wanted, dict) and wanted.get("type") == "string":
        return text
    try:
        return read_foreign_json(_NAMES_OF_PYTHON.get(text.strip(), text))
    except ValueError:
        return text


_NAMES_OF_PYTHON = {"True": "true", "False": "false", "None": "null"}
