"""Episodes of every shape as rows of train.parquet, small enough for a tiny model to learn by heart."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.arrow import INSTANCE_SCHEMA

SYSTEM = "You are a helpful assistant with access to the functions of Weather."
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "getWeather",
            "description": "Get the weather of a city. Returns: a JSON object with degrees.",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": "The city."},
                    "unit": {"type": "string", "enum": ["celsius", "kelvin"]},
                },
                "required": ["city"],
            },
        },
    },
    {
        "type": "function",
        "function": {
            "name": "listCities",
            "description": "List the cities.",
            "parameters": {"type": "object", "properties": {}},
        },
    },
]
CITIES = ["Paris", "Rome", "Oslo", "Lima", "Cairo", "Quito", "Bern", "Delhi", "Tokyo", "Accra", "Sofia", "Riga"]

Message = dict[str, Any]


def user(text: str) -> Message:
    return {"role": "user", "content": text, "tool_calls": [], "tool_call_id": None}


def say(text: str) -> Message:
    return {"role": "assistant", "content": text, "tool_calls": [], "tool_call_id": None}


def call(thought: str, *calls: tuple[str, dict[str, Any]], first: int = 1) -> Message:
    made = [
        {"id": f"call_{number}", "name": name, "arguments": json.dumps(arguments, ensure_ascii=False)}
        for number, (name, arguments) in enumerate(calls, start=first)
    ]
    return {"role": "assistant", "content": thought, "tool_calls": made, "tool_call_id": None}


def result(status: int, body: Any, number: int = 1) -> Message:
    content = json.dumps({"status": status, "body": body}, ensure_ascii=False)
    return {"role": "tool", "content": content, "tool_calls": [], "tool_call_id": f"call_{number}"}


def no_call(city: str = "Paris") -> list[Message]:
    return [user(f"Write a poem on {city}."), say("No function of mine can do that.")]


def one_call(city: str = "Paris") -> list[Message]:
    return [
        user(f"How warm is it in {city}?"),
        call(f"I look up the weather in {city}.", ("getWeather", {"city": city})),
        result(200, {"degrees": len(city)}),
        say(f"It is {len(city)} degrees in {city}."),
    ]


def two_calls(city: str = "Paris") -> list[Message]:
    return [
        user("How warm is it in the first city?"),
        call("I list the cities.", ("listCities", {})),
        result(200, [city]),
        call(f"The first is {city}.", ("getWeather", {"city": city, "unit": "kelvin"}), first=2),
        result(200, {"degrees": 280}, 2),
        say(f"In {city} it is 280 kelvin."),
    ]


def parallel_calls(city: str = "Paris", other: str = "Rome") -> list[Message]:
    return [
        user(f"How warm is it in {city} and in {other}?"),
        call("I look up both.", ("getWeather", {"city": city}), ("getWeather", {"city": other})),
        result(200, {"degrees": 3}),
        result(200, {"degrees": 4}, 2),
        say(f"{city} has 3 degrees and {other} 4."),
    ]


def question(city: str = "Paris") -> list[Message]:
    return [
        user("How warm is it?"),
        say("Which city do you mean?"),
        user(f"{city}, please."),
        call("", ("getWeather", {"city": city})),
        result(200, {"degrees": 9}),
        say("It is 9 degrees."),
    ]


def error(city: str = "Paris") -> list[Message]:
    return [
        user(f"How warm is it in {city}?"),
        call("I look it up.", ("getWeather", {"city": city})),
        result(503, {"error": "try again"}),
        call("It failed, so I try again.", ("getWeather", {"city": city}), first=2),
        result(200, {"degrees": 5}, 2),
        say("It is 5 degrees."),
    ]


SHAPES = {
    "no call": no_call,
    "one call": one_call,
    "two calls": two_calls,
    "parallel calls": parallel_calls,
    "a question": question,
    "an error": error,
}


def make_row(messages: Sequence[Message], number: int = 0, accepted: bool = True) -> dict[str, Any]:
    """A row of train.parquet, system message first."""
    system: Message = {"role": "system", "content": SYSTEM, "tool_calls": [], "tool_call_id": None}
    called = [one["name"] for message in messages for one in message["tool_calls"]]
    texts = dict.fromkeys(("api_id", "api_name", "category", "teacher", "executor", "recipe_hash"), "test")
    return {
        **texts,
        "id": f"row-{number}",
        "kind": "single_call",
        "instruction": messages[0]["content"],
        "tools": json.dumps(TOOLS),
        "messages": [system, *messages],
        "functions_called": called,
        "num_calls": len(called),
        "accepted": accepted,
        "reasons": [],
        "checks": "[]",
        "prompt_versions": "{}",
        "seed": 0,
        "input_tokens": 1,
        "output_tokens": 1,
        "cached_tokens": 0,
        "cost_usd": None,
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
    }


def make_rows(count: int) -> list[dict[str, Any]]:
    """Rows of all shapes in turn, over all cities."""
    shapes = list(SHAPES.values())
    return [make_row(shapes[n % len(shapes)](CITIES[n % len(CITIES)]), n) for n in range(count)]


def write_rows(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    pq.write_table(pa.Table.from_pylist(list(rows), schema=INSTANCE_SCHEMA), path)
    return path
