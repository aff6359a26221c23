"""One attempt at a request: what goes out, and what it took."""

from dataclasses import dataclass, field
from typing import Any

from schemas.calls import ChatRequest, Usage


@dataclass
class Attempt:
    """One request on its way: the body as it goes out, its shape, what it is thought to take and what it took."""

    body: dict[str, Any]
    shape: str
    tokens: int = 0
    thought: Usage = field(default_factory=Usage)
    used: Usage | None = None
    is_completion: bool = True


def name_shape(request: ChatRequest) -> str:
    """What tells requests apart by how long their answers are, and by what of them may be refused: with tools, for JSON
    of which name, or for words."""
    if request.tools:
        return "tools"
    described = (request.response_format or {}).get("json_schema")
    return f"json {described.get('name')}" if isinstance(described, dict) else "words"
