"""One attempt at a request: what goes out, and the seed of a draw that follows a failure."""

from dataclasses import dataclass, field
from typing import Any

from schemas.calls import ChatRequest, Usage

DRAW_STEP = 7_368_787
"""Between the seeds of draws that follow a failure; no step of `capabilities`, so that none meets another sample."""

_SEEDS = 2**31


@dataclass
class Attempt:
    """One request on its way: the body as it goes out, its shape, what it is thought to take and what it took."""

    body: dict[str, Any]
    shape: str
    tokens: int = 0
    thought: Usage = field(default_factory=Usage)
    used: Usage | None = None
    is_completion: bool = True


def draw_again(body: dict[str, Any], draw: int) -> int | None:
    """Gives a request's body the seed of another draw, and returns it; None where it keeps the one that it has."""
    if not draw or "seed" not in body:
        return None
    seed: int = (body["seed"] + DRAW_STEP * draw) % _SEEDS
    body["seed"] = seed
    return seed


def name_shape(request: ChatRequest) -> str:
    """What tells requests apart by how long their answers are, and by what of them may be refused: with tools, for JSON
    of which name, or for words."""
    if request.tools:
        return "tools"
    described = (request.response_format or {}).get("json_schema")
    return f"json {described.get('name')}" if isinstance(described, dict) else "words"
