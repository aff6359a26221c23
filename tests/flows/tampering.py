"""The embedded teacher behind real HTTP, whose answers about some APIs a test changes on their way."""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tasks.embedded.app import answer_chat

Role = Literal["document", "specify", "instruct", "assistant", "user"]

_BLOCKS: tuple[tuple[str, Role], ...] = (
    ("<instruction>", "user"), ("<functions>", "instruct"), ("<documentation>", "specify"), ("<entry>", "document"),
)  # fmt: skip


@dataclass
class Asked:
    """A request and what the embedded teacher would answer: in which role, about which API ("" for a user)."""

    role: Role
    api: str
    body: dict[str, Any]
    answer: dict[str, Any]

    @property
    def text(self) -> str:
        """The answer's text."""
        return str(self.answer["choices"][0]["message"]["content"] or "")

    @property
    def calls(self) -> bool:
        """Whether the answer calls functions."""
        return bool(self.answer["choices"][0]["message"].get("tool_calls"))

    def say(self, text: str) -> Response:
        """The answer with another text."""
        return self._change_message(content=text)

    def call(self, calls: list[dict[str, Any]]) -> Response:
        """The answer with these calls."""
        return self._change_message(tool_calls=calls)

    def change_instructions(self, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Response:
        """The answer with other instructions."""
        return self.say(json.dumps({"instructions": change(json.loads(self.text)["instructions"])}))

    def _change_message(self, **fields: Any) -> Response:
        choice = self.answer["choices"][0]
        message = {**choice["message"], **fields}
        return JSONResponse({**self.answer, "choices": [{**choice, "message": message}]})


Change = Callable[[Asked], Response | None]
"""What is answered instead; None for the embedded teacher's own answer."""


def refuse(asked: Asked) -> Response:
    """An endpoint that takes no such request."""
    return JSONResponse({"error": {"message": f"nothing about {asked.api} here", "code": "no"}}, 422)


class Tampering:
    """Takes the changes by the name of the API; `asked` counts requests by API and role."""

    def __init__(self, changes: Mapping[str, Change], *, seed: int | None = None) -> None:
        self.changes = dict(changes)
        self.asked: Counter[tuple[str, str]] = Counter()
        self._names: dict[str, str] = {}
        self._seed = seed
        self.app = Starlette(routes=[Route("/v1/chat/completions", self._complete, methods=["POST"])])

    async def _complete(self, request: Request) -> Response:
        body = json.loads(await request.body())
        role, text = _find_role(body)
        if role == "instruct" and self._seed is not None:  # equal functions lead to equal instructions
            body["seed"] = self._seed
        status, raw = answer_chat(json.dumps(body).encode())
        asked = Asked(role, self._find_name(role, text), body, json.loads(raw))
        self.asked[asked.api, role] += 1
        if role == "document" and status == 200:
            self._names[json.loads(asked.text)["introduction"]] = asked.api
        changed = self.changes[asked.api](asked) if asked.api in self.changes else None
        return changed or JSONResponse(asked.answer, status)

    def _find_name(self, role: Role, text: str) -> str:
        if role == "assistant":
            found = re.search(r"with the functions of (.*?)\. ", text)
            return found[1] if found else ""
        if role == "instruct":
            return next((name for told, name in self._names.items() if told in text), "")
        if role == "user":
            return ""
        entry = re.search(r"<entry>\s*(.*?)\s*</entry>", text, re.DOTALL)
        return str(json.loads(entry[1])["name"]) if entry else ""


def _find_role(body: dict[str, Any]) -> tuple[Role, str]:
    """The role that a request asks for, and its first message."""
    text = str(body["messages"][0]["content"])
    if body.get("tools"):
        return "assistant", text
    return next(role for block, role in _BLOCKS if block in text), text
