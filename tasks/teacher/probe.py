"""The probe: two small requests that tell, before anything is bought, whether an endpoint can do what a run needs.

One has a function that the model is told to call, as in an episode; the other asks for JSON by a schema. What they are
refused for is learnt on the way, and that a schema is dropped unseen, as some proxies and servers do. An endpoint or
model that cannot call functions ends the run with the remedy.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.base import Json
from schemas.calls import ChatRequest, Completion
from schemas.errors import FatalTeacherError
from schemas.shown import show_line
from schemas.teacher import TeacherSettings
from tasks.teacher.sampling import fill_sampling
from tasks.teacher.sending.tools_remedy import find_tools_remedy
from tasks.teacher.structured import build_response_format, read_answer

_MOST_DRAWS = 2
"""How often a model is told to call a function before it counts as one that cannot."""

_MOST_SILENT = 4
"""Further draws where the endpoint says nothing or breaks off, as some do now and then: that tells nothing."""

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


class _Station(BaseModel):
    model_config = ConfigDict(extra="forbid")

    city: str = Field(min_length=1)
    note: str | None = None


class _Stations(BaseModel):
    """Its schema holds what those of the run's answers hold: references, bounds, enums and what may be null."""

    model_config = ConfigDict(extra="forbid")

    stations: tuple[_Station, ...] = Field(min_length=1, max_length=3)
    unit: Literal["celsius", "kelvin"]


_FOR_JSON = (
    "<probe>\n"
    '{"name": "Stations", "description": "Weather stations", "category": "Weather"}\n'
    "</probe>\n\n"
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
    """The request for JSON by a schema of which its words do not tell."""
    request = ChatRequest(
        messages=({"role": "user", "content": _FOR_JSON},),
        response_format=build_response_format(_Stations, "stations"),
        seed=1,
    )
    return _fill(request, settings)


def is_enough(answers: list[Completion]) -> bool:
    """Whether a model has been told often enough to call a function; none of these is a call."""
    silent = sum(answer.flaw in ("empty", "partial") for answer in answers)
    return len(answers) - min(silent, _MOST_SILENT) >= _MOST_DRAWS


def keeps_to_schema(answer: Completion) -> bool:
    """Whether an answer to `ask_for_object` is what its schema says; one that is not whole tells nothing of that."""
    return answer.flaw is not None or read_answer(answer, _Stations)[0] is not None


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
