"""Documents that ask for too much, by twelve kinds of excess, taken through all that is done with a document.

    python -m tests.tasks.openapi.hostile_documents 2000 60

draws 2,000, each with 60 s to end in; one that takes longer ends the process, with a traceback. Then it prints what the
slowest took and how large the process grew.
"""

import copy
import faulthandler
import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from schemas.catalog import CatalogEntry
from tasks.agents.toolset import toolset_from_document
from tasks.mock import audit_functions
from tasks.openapi import DocumentError, find_base_url, find_lint_problems, load_document
from tests.tasks.openapi.documents import CAT, DOCUMENTATION, make_answer, make_clean_document

Schema = dict[str, Any]
ENTRY = CatalogEntry(id="cats", name="Cats", description="Cats", category="Animals")
TEXT: Schema = {"type": "string"}
PATTERNS = (
    *(
        "^(a+)+$",
        "^(a|a)*$",
        "(x+x+)+y",
        r"^(\w+\s?)*$",
        "a{1000000000}",
        "((a{100}){100}){100}",
        "(a*)*b",
        "(?=(a+)+$)x",
    ),
    *(r"(a{100})(\1{100})(\2{100})", r"\p{L}{1,500}", "([", "(" * 3000 + ")" * 3000, "[ -\U0010ffff]{100}", "^(?!a)a$"),
    *("a?" * 400 + "a" * 400, "(?<=a+)b", "a" * 20_000, r"^(a|b(c))\2$"),
)
NUMBERS = (10**9, -1, 0, 1e-300, 1e300, 1.7e308, -1.7e308, 10**400, 500, 501, 2**63, 0.1, 10**18, 3)
ODD: tuple[Any, ...] = (
    *(
        None,
        True,
        1,
        -1.5,
        "x",
        "",
        "\ud800",
        "\x00",
        [],
        ["a", 1],
        [{}],
        {},
        {"a": 1},
        {"$ref": "#/nowhere"},
        {"$ref": 5},
    ),
    *({"type": "object"}, {"type": 5}, {"type": ["string", 5]}, {"oneOf": []}, {"oneOf": 5}, {"required": [{}]}, 1e308),
    *({"$ref": "#"}, {"$ref": "#/paths"}, [[[[]]]], {"default": {}}, {"enum": [{}, []]}, {"not": True}, 10**5000),
)
KEYS = (
    *(
        "operationId",
        "parameters",
        "schema",
        "type",
        "items",
        "properties",
        "required",
        "enum",
        "name",
        "in",
        "not",
        "if",
    ),
    *("responses", "content", "description", "oneOf", "allOf", "default", "$ref", "requestBody", "examples", "example"),
    *("minItems", "minLength", "multipleOf", "pattern", "additionalProperties", "prefixItems", "contains", "servers"),
    *(
        "$schema",
        "$id",
        "$defs",
        "discriminator",
        "const",
        "format",
        "uniqueItems",
        "patternProperties",
        "x-more",
        "tags",
    ),
)
many = st.sampled_from([2, 40, 600, 1_100, 6_000, 30_000])


@st.composite
def heavy_patterns(draw: st.DrawFn) -> Schema:
    pattern, text = draw(st.sampled_from(PATTERNS)), draw(st.sampled_from(["a" * 40 + "!", "a" * 5_000, "xy", ""]))
    key = draw(st.sampled_from(["default", "example", "examples", "description", "title", "enum"]))
    schema: Schema = {"type": "string", "pattern": pattern, key: [text] if key in ("examples", "enum") else text}
    names: Schema = {"type": "object", "patternProperties": {pattern: schema}, "default": {text: text}}
    dialect = {**schema, "$schema": "https://json-schema.org/draft/2020-12/schema"}
    return draw(st.sampled_from([schema, {**schema, "minLength": 50}, names, {"anyOf": [dialect], "default": text}]))


@st.composite
def great_lengths(draw: st.DrawFn) -> Schema:
    number = draw(st.sampled_from([10**9, 10**30, 500, 499, 9_999, 1e9]))
    key = draw(st.sampled_from(["minLength", "minItems", "minProperties", "minContains", "maxItems", "maxLength"]))
    kind = {"L": "string", "I": "array", "P": "object", "C": "array"}[key[3]]
    return {"type": kind, key: number, "uniqueItems": draw(st.booleans()), "contains": TEXT}


@st.composite
def odd_numbers(draw: st.DrawFn) -> Schema:
    keys = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "default", "example", "const"]
    bounds = draw(st.dictionaries(st.sampled_from(keys), st.sampled_from(NUMBERS), max_size=4))
    return {"type": draw(st.sampled_from(["integer", "number", "string"])), **bounds}


@st.composite
def crowds(draw: st.DrawFn) -> Schema:
    names = [f"name{number}" for number in range(draw(many))]
    parts: Schema = {
        "properties": dict.fromkeys(names, TEXT), "required": names, "enum": names, "examples": names,
        "anyOf": [TEXT] * len(names), "allOf": [{"properties": {name: TEXT}} for name in names],
        "prefixItems": [TEXT] * len(names),
        "oneOf": [{"const": name} for name in names], "dependentRequired": dict.fromkeys(names, names[:2]),
        "patternProperties": dict.fromkeys(names, TEXT), "example": names, "default": names, "x-more": names,
    }  # fmt: skip
    return {key: parts[key] for key in draw(st.lists(st.sampled_from(sorted(parts)), min_size=1, max_size=2))}


@st.composite
def doubled(draw: st.DrawFn) -> Schema:
    """A reference into components that double from level to level: `put` puts them there."""
    key = draw(st.sampled_from(["allOf", "anyOf", "oneOf", "properties", "items", "not", "default"]))
    return {"$ref": f"#/components/schemas/{key.title()}{draw(st.sampled_from([3, 8, 12, 15, 30, 90]))}"}


def nest(schema: Any, levels: int, wrap: Callable[[Any], Any]) -> Any:
    for _ in range(levels):
        schema = wrap(schema)
    return schema


@st.composite
def deep(draw: st.DrawFn) -> Schema:
    levels = draw(st.sampled_from([5, 20, 45, 99, 140, 2_000]))
    wraps: list[Callable[[Any], Any]] = [
        lambda part: {"type": "object", "properties": {"a": part}, "required": ["a"]}, lambda part: {"items": part},
        lambda part: {"allOf": [part]}, lambda part: {"not": part}, lambda part: {"default": part},
        lambda part: {"example": [part]}, lambda part: {"x-more": part}, lambda part: {"additionalProperties": part},
        lambda part: {"if": part, "then": part}, lambda part: {"anyOf": [part, TEXT]},
    ]  # fmt: skip
    return nest(TEXT, levels, draw(st.sampled_from(wraps)))  # type: ignore[no-any-return]


@st.composite
def pointers(draw: st.DrawFn) -> Schema:
    odd = [
        "#",
        "#/",
        "#/paths",
        "#/components/schemas/Self",
        "#/components/schemas/Chain90",
        "#/components/schemas/Chain2000",
    ]
    odd += [
        "#/paths/~1cats/get",
        "#/components/schemas/%53elf",
        "#x",
        "",
        "http://127.0.0.1:9/x",
        "#/info/title",
        "x" * 5_000,
    ]
    return {"$ref": draw(st.sampled_from(odd)), **draw(st.sampled_from([{}, {"default": "x"}, {"required": ["x"]}]))}


@st.composite
def long_names(draw: st.DrawFn) -> Schema:
    name = draw(
        st.sampled_from(["a" * 50_000, "_" * 900, "Ab" * 450, "image " * 20_000, "0a" * 400, "\u202e" * 10, " " * 900])
    )
    key = draw(st.sampled_from(["description", "title", "example", "default", "format", "type"]))
    return {"type": "object", "properties": {name: TEXT, "id": {**TEXT, key: name}}, "required": [name]}


@st.composite
def impossible(draw: st.DrawFn) -> Schema:
    levels = draw(st.sampled_from([2, 6, 12]))
    wraps: list[Callable[[Any], Any]] = [
        lambda part: {"type": "array", "uniqueItems": True, "minItems": 5, "items": part},
        lambda part: {"type": "object", "not": {}, "properties": {"a": part, "b": part}},
        lambda part: {"allOf": [part, {"type": "object", "minProperties": 2}], "not": {}},
        lambda part: {"oneOf": [part, part], "contains": part},
    ]  # fmt: skip
    return nest({"enum": ["a"]}, levels, draw(st.sampled_from(wraps)))  # type: ignore[no-any-return]


@st.composite
def many_times_many(draw: st.DrawFn) -> Schema:
    size, levels = draw(st.sampled_from([(2, 12), (10, 4), (50, 3), (50, 6), (500, 2), (3, 30)]))
    return nest(TEXT, levels, lambda part: {"type": "array", "minItems": size, "items": part})  # type: ignore[no-any-return]


def add_operations(doc: dict[str, Any], count: int) -> None:
    """Functions that each need the ids of the others."""
    ids = [{"name": f"cat{n}Id", "in": "query", "required": True, "schema": TEXT} for n in range(3)]
    listed = {
        "type": "array",
        "items": {"type": "object", "properties": {f"cat{n}Id": TEXT for n in range(3)} | {"id": TEXT}},
    }
    for number in range(count):
        doc["paths"][f"/cats/{number}"] = {"get": {"parameters": ids, "responses": make_answer(listed)}}


def add_servers(doc: dict[str, Any], count: int) -> None:
    names = [f"v{number}" for number in range(count)]
    variables = {name: {"default": f"{{v{number + 1}}}" * 5} for number, name in enumerate(names)}
    doc["servers"] = [{"url": "https://{v0}.example", "variables": variables}] * min(count, 1_000)


def add_paths(doc: dict[str, Any], count: int) -> None:
    path = "/" + "".join(f"{{p{number}}}" for number in range(min(count, 150)))
    doc["paths"][path] = {"get": {"responses": make_answer(CAT)}}
    doc["paths"]["/{" * count if count > 1_000 else "/{a}"] = {"get": {"responses": make_answer(CAT)}}


def put_components(doc: dict[str, Any]) -> None:
    schemas: dict[str, Any] = {"Self": {"allOf": [{"$ref": "#/components/schemas/Self"}]}, "Chain0": TEXT}
    for key in ("allOf", "anyOf", "oneOf", "properties", "items", "not", "default"):
        schemas[f"{key.title()}0"] = {"type": "object", "properties": {"a": TEXT}}
        for level in range(1, 91):
            part = {"$ref": f"#/components/schemas/{key.title()}{level - 1}"}
            double = [part, part] if key.endswith("Of") else {"a": part, "b": part} if key == "properties" else part
            schemas[f"{key.title()}{level}"] = (
                {"default": {"a": "x"}, "allOf": [part, part]} if key == "default" else {key: double}
            )
    for level in range(1, 2_001):
        schemas[f"Chain{level}"] = {"$ref": f"#/components/schemas/Chain{level - 1}"}
    doc["components"] = {"schemas": schemas}


SCHEMA_KINDS = st.one_of(
    heavy_patterns(), great_lengths(), odd_numbers(), crowds(), doubled(), deep(), pointers(), long_names(),
    impossible(), many_times_many(),
)  # fmt: skip


@st.composite
def hostile_documents(draw: st.DrawFn) -> Any:
    """The clean document, of any version, with one to three excesses and perhaps a thing that is damaged."""
    doc = copy.deepcopy(make_clean_document())
    doc["openapi"] = draw(st.sampled_from(["3.1.0", "3.1.0", "3.1.0", "3.0.3"]))
    if draw(st.booleans()):
        put_components(doc)
    for _ in range(draw(st.integers(1, 3))):
        what = draw(st.sampled_from(["parameter", "answer", "body", "component", "operations", "servers", "paths"]))
        get, schema = (
            draw(st.sampled_from([item["get"] for item in list(doc["paths"].values())[:2]])),
            draw(SCHEMA_KINDS),
        )
        if what == "parameter":
            parameter = {
                "name": f"q{len(get.get('parameters', ()))}",
                "in": "query",
                "required": True,
                "schema": schema,
                "description": "A",
            }
            get.setdefault("parameters", []).append(parameter)
        elif what == "answer":
            get["responses"] = make_answer(schema)
        elif what == "body":
            body = {"required": True, "content": {"application/json": {"schema": schema}}}
            doc["paths"][f"/new{len(doc['paths'])}"] = {"post": {"requestBody": body, "responses": make_answer(CAT)}}
        elif what == "component":
            doc.setdefault("components", {}).setdefault("schemas", {})["More"] = schema
            get["responses"] = make_answer({"type": "array", "items": {"$ref": "#/components/schemas/More"}})
        else:
            add = {"operations": add_operations, "servers": add_servers, "paths": add_paths}[what]
            add(doc, draw(st.sampled_from([2, 30, 300, 2_500])))
        get.setdefault("responses", make_answer(CAT))
    if draw(st.integers(0, 3)) == 0:
        holder: Any = doc
        for _ in range(draw(st.integers(1, 9))):
            if not isinstance(holder, dict | list) or not holder:
                break
            key: Any = draw(st.sampled_from(list(holder)[:20])) if isinstance(holder, dict) else 0
            if not isinstance(holder[key], dict | list) or draw(st.integers(0, 5)) == 0:
                break
            holder = holder[key]
        if isinstance(holder, dict):
            holder[draw(st.sampled_from([*KEYS, *list(holder)[:5]]))] = copy.deepcopy(draw(st.sampled_from(ODD)))
    return draw(st.sampled_from([doc] * 20 + [[doc], None, "x", 5, {}, {"openapi": doc}, {**doc, "paths": 5}]))


def take_through(doc: Any) -> str:
    """Import, audit and lint; what became of the document."""
    problems = find_lint_problems(doc, DOCUMENTATION)
    assert all(isinstance(problem, str) for problem in problems)
    try:
        loaded = load_document(doc)
        assert find_base_url(loaded.document)
        toolset = toolset_from_document(ENTRY, loaded.document)
        audit_functions(toolset)
    except DocumentError as error:
        return "refused" if "\n" not in error.problem else "refused in more than one line"
    return "left out" if loaded.left_out else "loaded"


def main(count: int, limit_s: float) -> None:
    """Take so many documents through, each within so many seconds, and print figures as JSON."""
    became: dict[str, int] = {}
    slowest = 0.0

    # Not shrunk: each try may take seconds.
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(hostile_documents())
    def run(doc: Any) -> None:
        nonlocal slowest
        faulthandler.dump_traceback_later(limit_s, exit=True)
        started = time.process_time()
        end = take_through(doc)
        faulthandler.cancel_dump_traceback_later()
        slowest = max(slowest, time.process_time() - started)
        became[end] = became.get(end, 0) + 1

    run()
    # Not getrusage's: that begins with what the process that started this one had.
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert peak is not None
    print(json.dumps({**became, "slowest_s": round(slowest, 2), "memory_mb": round(int(peak[1]) / 1024)}))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
