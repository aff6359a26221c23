"""How an answer is drawn: what whoever is asked has set for it, and what the endpoint was really told."""

import json

from schemas.base import Json
from schemas.calls import ChatRequest, Completion
from schemas.teacher import TeacherSettings
from tasks.teacher.sending.capabilities import SAMPLING
from tasks.teacher.sending.seeds import find_seed


def fill_sampling(request: ChatRequest, settings: TeacherSettings) -> ChatRequest:
    """The request with the sampling of whoever is asked, where it has none of its own."""
    theirs: dict[str, Json] = {
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "reasoning_effort": settings.reasoning_effort or None,
        "extra_body": settings.extra_body or None,
    }
    return request.model_copy(update={n: value for n, value in theirs.items() if getattr(request, n) is None})


def describe_sampling(request: ChatRequest, completion: Completion) -> str:
    """What an endpoint was told of sampling, as JSON; null where the choice was its own.

    What the user's `extra_body` says goes before all else, as it does in the request's body.
    """
    wished: dict[str, Json] = {name: getattr(request, name) for name in SAMPLING}
    wished["seed"] = find_seed(request) if completion.sent_seed is None else completion.sent_seed
    told = {name: None if name in completion.left_out else value for name, value in wished.items()}
    own = request.extra_body or {}
    return json.dumps({name: own.get(name, value) for name, value in told.items()}, separators=(",", ":"))
