"""The user agent in a running episode: answers what the assistant asks."""

import re
from collections.abc import Sequence, Set
from typing import TYPE_CHECKING

from prompts import load_prompt
from schemas.base import Json
from schemas.calls import ChatRequest
from schemas.episodes import Instruction, Message
from schemas.errors import NoAnswerError
from tasks.agents.asking import require_bounded
from tasks.agents.reply_problems import find_reply_problem

if TYPE_CHECKING:
    from tasks.teacher import Teacher

_DONE = re.compile(r"[.!\"'*`_\s]*(?:(?i:done)[.!\"'*`_\s]*|DONE\b(?![?]).{0,40})?", re.DOTALL)
"""The prompt's word for "it asks nothing", in whatever marks, or with a few words behind it."""


async def ask_user(
    instruction: Instruction, messages: Sequence[Message], functions: Set[str], seed: int, teacher: "Teacher"
) -> str | None:
    """The user's next message; None where the assistant's last one needs no answer.

    The user sees the words that passed between the two, with the roles turned round, and no calls. A reply that no user
    would give is turned down once, with what is wrong with it; `functions` are the names of the API's.

    Raises:
        TeacherError: The teacher gave no answer, or one that is too long.
    """
    reply = await _ask(instruction, messages, seed, teacher, None)
    problem = "" if reply is None else find_reply_problem(reply, messages[-1].content, instruction, functions)
    if problem:
        return await _ask(instruction, messages, seed, teacher, {"reply": reply, "problem": problem})
    return reply


async def _ask(
    instruction: Instruction,
    messages: Sequence[Message],
    seed: int,
    teacher: "Teacher",
    turned_down: dict[str, str | None] | None,
) -> str | None:
    detail = instruction.withheld.model_dump(mode="json") if instruction.withheld else None
    prompt = load_prompt("user").render(instruction=instruction.text, detail=detail, turned_down=turned_down)
    request = ChatRequest(messages=({"role": "system", "content": prompt}, *_turn_round(messages)), seed=seed)
    try:
        answer = await teacher.complete(
            request, stage="simulate", api_id=instruction.api_id, owner=instruction.id, role="user"
        )
    except NoAnswerError as error:
        if error.flaw == "empty":  # who says nothing has nothing to add
            return None
        raise
    require_bounded(answer)
    reply = answer.content.strip()
    return None if _DONE.fullmatch(reply) else reply


def _turn_round(messages: Sequence[Message]) -> list[dict[str, Json]]:
    spoken = [m for m in messages if m.content and not m.tool_calls and m.role in ("user", "assistant")]
    roles = {"assistant": "user", "user": "assistant"}
    return [{"role": roles[message.role], "content": message.content} for message in spoken[1:]]
