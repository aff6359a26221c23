"""The probe: two small requests that tell, before anything is bought, whether an endpoint can do what a run needs.

One has a function that the model is told to call, as in an episode; the other asks for JSON by a schema. What they are
refused for is learnt on the way. An endpoint or model that cannot call functions ends the run with the remedy.
"""

from schemas.base import Json
from schemas.calls import ChatRequest, Completion
from schemas.errors import UserError
from schemas.shown import show_line
from tasks.teacher.sending.refusals import TOOL_FLAGS, refuses_tools

MOST_DRAWS = 2
"""How often a model is told to call a function before it counts as one that cannot."""

_LONGEST_QUOTE = 200

_FUNCTION: dict[str, Json] = {
    "name": "searchStations",
    "description": "Search weather stations by city. Returns: stations (list of id, city, temperature).",
    "parameters": {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "The city of the station", "examples": ["Oslo"]},
            "limit": {
                "type": "integer",
                "description": "How many stations to return",
                "minimum": 1,
                "maximum": 50,
                "default": 10,
            },
            "unit": {"type": "string", "description": "The unit of the temperature", "enum": ["celsius", "kelvin"]},
        },
        "required": ["city"],
        "additionalProperties": False,
    },
}
_FUNCTION_WITHOUT_PARAMETERS: dict[str, Json] = {
    "name": "listUnits",
    "description": "List the units of temperature. Returns: list of strings.",
    "parameters": {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
}
_SYSTEM = (
    "You are a helpful assistant with access to the functions of a weather API. To answer, call the function "
    "that fits, "
    "and never make a value up."
)
_QUESTION = 'Find stations by city "Oslo". Call the function searchStations for it.'

_SCHEMA: dict[str, Json] = {
    "$defs": {
        "Station": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "minLength": 1},
                "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            },
            "required": ["city"],
            "additionalProperties": False,
        }
    },
    "type": "object",
    "properties": {
        "stations": {"type": "array", "items": {"$ref": "#/$defs/Station"}, "minItems": 1, "maxItems": 3},
        "unit": {"enum": ["celsius", "kelvin"], "type": "string"},
    },
    "required": ["stations", "unit"],
    "additionalProperties": False,
}
_FOR_JSON = (
    "<entry>\n"
    '{"name": "Stations", "description": "Weather stations", "category": "Weather"}\n'
    "</entry>\n\n"
    "Name one weather station of this API as JSON: its city, and the unit of temperature that it uses."
)

_VLLM = "start the server with --enable-auto-tool-choice and --tool-call-parser NAME, as its model's card says"
_LLAMA_CPP = "start llama-server with --jinja"
_OTHER_MODEL = "name a model that can, with --teacher.model"


def ask_for_call(temperature: float | None, draw: int) -> ChatRequest:
    """The request that a model which can call functions answers with a call; each `draw` is another one."""
    tools: tuple[dict[str, Json], ...] = (
        {"type": "function", "function": _FUNCTION},
        {"type": "function", "function": _FUNCTION_WITHOUT_PARAMETERS},
    )
    messages: tuple[dict[str, Json], ...] = (
        {"role": "system", "content": _SYSTEM},
        {"role": "user", "content": _QUESTION},
    )
    return ChatRequest(messages=messages, tools=tools, temperature=temperature, seed=1, sample=draw)


def ask_for_object(temperature: float | None) -> ChatRequest:
    """The request for JSON by a schema. What is answered does not matter."""
    described: dict[str, Json] = {"name": "stations", "schema": _SCHEMA, "strict": False}
    return ChatRequest(
        messages=({"role": "user", "content": _FOR_JSON},),
        response_format={"type": "json_schema", "json_schema": described},
        temperature=temperature,
        seed=1,
    )


def explain_refused_tools(endpoint: str, model: str, said: str) -> UserError | None:
    """What to tell the user of a refusal that says that functions cannot be called; None for any other."""
    if not refuses_tools(said):
        return None
    if "--jinja" in said:
        remedy = _LLAMA_CPP
    elif TOOL_FLAGS.search(said):
        remedy = _VLLM
    elif "endpoints found" in said:
        remedy = f"{_OTHER_MODEL}, such as one of https://openrouter.ai/models?supported_parameters=tools"
    else:
        remedy = _OTHER_MODEL
    return UserError(f"{model!r} cannot call functions at {endpoint} ({_quote(said)}): {remedy}")


def explain_no_calls(endpoint: str, model: str, answers: list[Completion]) -> UserError:
    """What to tell the user of a model that was told to call a function, and did not."""
    said = next((answer.content for answer in answers if answer.content), "")
    words = f" (it said: {_quote(said)})" if said else ""
    return UserError(
        f"{model!r} at {endpoint} was told {len(answers)} times to call a function, and did not{words}: "
        f"{_OTHER_MODEL}, "
        "or have the server read its calls (llama.cpp: --jinja; vLLM: --enable-auto-tool-choice, --tool-call-parser)"
    )


def _quote(said: str) -> str:
    return show_line(said.split("\n")[0], _LONGEST_QUOTE)
