"""The user agent in a running episode: answers what the assistant asks."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from prompts import load_prompt
from schemas.base import Json
from schemas.calls import ChatRequest
from schemas.episodes import Instruction, Message
from tasks.agents.asking import require_bounded

if TYPE_CHECKING:
    from tasks.teacher import Teacher

_DONE = "done"


async def ask_user(instruction: Instruction, messages: Sequence[Message], seed: int, teacher: "Teacher") -> str | None:
    """The user's next message; None where the assistant's last one needs no answer.

    The user sees the words that passed between the two, with the roles turned round, and no calls.

    Raises:
        TeacherError: The teacher gave no answer, or one that is too long.
    """
    detail = instruction.withheld.model_dump(mode="json") if instruction.withheld else None
    prompt = load_prompt("user").render(instruction=instruction.text, detail=detail)
    request = ChatRequest(messages=({"role": "system", "content": prompt}, *_turn_round(messages)), seed=seed)
    answer = await teacher.complete(
        request, stage="simulate", api_id=instruction.api_id, owner=instruction.id, role="user"
    )
    require_bounded(answer)
    reply = answer.content.strip()
    return None if reply.strip(".!\"'").lower() in ("", _DONE) else reply


def _turn_round(messages: Sequence[Message]) -> list[dict[str, Json]]:
    spoken = [m for m in messages if m.content and not m.tool_calls and m.role in ("user", "assistant")]
    roles = {"assistant": "user", "user": "assistant"}
    return [{"role": roles[message.role], "content": message.content} for message in spoken[1:]]
