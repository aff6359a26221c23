"""The probe: two small requests that tell, before anything is bought, whether an endpoint can do what a run needs.

One has a function that the model is told to call, as in an episode; the other asks for JSON by a schema. What they are
refused for is learnt on the way. An endpoint or model that cannot call functions ends the run with the remedy.
"""

from schemas.base import Json
from schemas.calls import ChatRequest, Completion
from schemas.errors import FatalTeacherError
from schemas.shown import show_line
from schemas.teacher import TeacherSettings
from tasks.teacher.sampling import fill_sampling
from tasks.teacher.sending.tools_remedy import find_tools_remedy

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
    "You are a helpful assistant with access to the functions of a weather API. To answer, call the function that "
    "fits, and never make a value up."
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


def ask_for_call(settings: TeacherSettings, draw: int) -> ChatRequest:
    """The request that a model which can call functions answers with a call; each `draw` is another one."""
    tools: tuple[dict[str, Json], ...] = (
        {"type": "function", "function": _FUNCTION},
        {"type": "function", "function": _FUNCTION_WITHOUT_PARAMETERS},
    )
    messages: tuple[dict[str, Json], ...] = (
        {"role": "system", "content": _SYSTEM},
        {"role": "user", "content": _QUESTION},
    )
    return _fill(ChatRequest(messages=messages, tools=tools, seed=1, sample=draw), settings)


def ask_for_object(settings: TeacherSettings) -> ChatRequest:
    """The request for JSON by a schema. What is answered does not matter."""
    described: dict[str, Json] = {"name": "stations", "schema": _SCHEMA, "strict": False}
    request = ChatRequest(
        messages=({"role": "user", "content": _FOR_JSON},),
        response_format={"type": "json_schema", "json_schema": described},
        seed=1,
    )
    return _fill(request, settings)


def explain_no_calls(endpoint: str, settings: TeacherSettings, answers: list[Completion]) -> FatalTeacherError:
    """What to tell the user of a model that was told to call a function, and did not."""
    said = next((answer.content for answer in answers if answer.content), "")
    words = f" (it said: {_quote(said)})" if said else ""
    return FatalTeacherError(
        f"{settings.model!r} at {endpoint} was told {len(answers)} times to call a function, and did not{words}: "
        f"{find_tools_remedy(settings, None)}"
    )


def _fill(request: ChatRequest, settings: TeacherSettings) -> ChatRequest:
    """The request with all that those of the run are sent with."""
    limit = settings.max_tokens.find("probe", "assistant")
    return fill_sampling(request, settings).model_copy(update={"max_tokens": limit})


def _quote(said: str) -> str:
    return show_line(said.split("\n")[0], _LONGEST_QUOTE)
