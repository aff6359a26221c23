"""One episode: user, assistant and executor take turns until there is a final response.

Knows nothing of files, flows or how many episodes run beside it.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx

from prompts import load_prompt
from schemas.base import Json
from schemas.calls import ChatRequest, Completion
from schemas.episodes import Change, End, Episode, Flaw, Instruction, Message, Observation, ToolCall, Trajectory
from schemas.errors import FatalTeacherError, NoAnswerError, TeacherError
from schemas.toolset import Function, Toolset
from tasks.agents.asking import derive_seed, require_bounded, to_chat
from tasks.agents.executor import execute_call
from tasks.agents.offering import MOST_FUNCTIONS, choose_functions
from tasks.agents.questions import asks_user
from tasks.agents.user import ask_user
from tasks.markup.told_calls import find_told_call
from tasks.openapi import Operation

if TYPE_CHECKING:
    from tasks.teacher import Teacher

MOST_TURNS = 8
"""Assistant turns after which an episode that has no final response is given up."""


_DRAWS = 3
"""Of a turn in which the assistant tells of a call and makes none."""


@dataclass
class _State:
    """An episode as it grows."""

    messages: list[Message]
    observations: list[Observation] = field(default_factory=list)
    extras: dict[int, dict[str, Json]] = field(default_factory=dict)
    """What else messages of the assistant had, by their places."""
    call_ids: dict[str, str] = field(default_factory=dict)
    """The endpoint's own ids of calls."""

    def build_chat(self) -> tuple[dict[str, Json], ...]:
        """All that was said, as the assistant is sent it: its own messages with all that they had."""
        return tuple(to_chat(message, self.extras.get(place)) for place, message in enumerate(self.messages))

    def add_answer(self, answer: Completion) -> Message:
        """Take the assistant's message.

        Its calls are numbered anew, so that what is kept never depends on an endpoint's ids; those that can be told
        apart go back to the endpoint. Some endpoints send "" where a function takes no arguments.
        """
        calls = []
        for number, call in enumerate(answer.tool_calls, start=len(self.observations) + 1):
            calls.append(ToolCall(id=f"call_{number}", name=call.name, arguments=call.arguments.strip() or "{}"))
            if call.id not in self.call_ids.values():
                self.call_ids[f"call_{number}"] = call.id
        if answer.extra:
            self.extras[len(self.messages)] = answer.extra
        message = Message(role="assistant", content=answer.content, tool_calls=tuple(calls))
        self.messages.append(message)
        return message


@dataclass(frozen=True)
class EpisodeApi:
    """What the calls of an episode reach: the API's operations, and the transport that answers.

    `read_changes` tells what the calls have done to the API's things, where the transport can tell.
    """

    operations: Mapping[str, Operation]
    transport: httpx.AsyncBaseTransport
    read_changes: Callable[[], tuple[Change, ...]] | None = None


async def run_episode(
    toolset: Toolset, instruction: Instruction, api: EpisodeApi, seed: int, teacher: "Teacher"
) -> Episode:
    """Plays an instruction out. A teacher that gives no usable answer ends the episode, not the run.

    Raises:
        FatalTeacherError: The teacher cannot be used at all.
    """
    offered = _offer(toolset, instruction, teacher)
    trajectory = await _play_to_end(toolset, instruction, offered, api, seed, teacher)
    if trajectory.end == "teacher_error" and len(_offer(toolset, instruction, teacher)) < len(offered):
        offered = _offer(toolset, instruction, teacher)  # so many the endpoint turned out to take
        trajectory = await _play_to_end(toolset, instruction, offered, api, seed, teacher)
    names = None if len(offered) == len(toolset.functions) else tuple(function.name for function in offered)
    end_state = None if api.read_changes is None else api.read_changes()
    return Episode(instruction=instruction, trajectory=trajectory, seed=seed, offered=names, end_state=end_state)


def _offer(toolset: Toolset, instruction: Instruction, teacher: "Teacher") -> tuple[Function, ...]:
    most = min(MOST_FUNCTIONS, teacher.most_tools or MOST_FUNCTIONS)
    return choose_functions(toolset, instruction.functions, most)


async def _play_to_end(
    toolset: Toolset,
    instruction: Instruction,
    offered: tuple[Function, ...],
    api: EpisodeApi,
    seed: int,
    teacher: "Teacher",
) -> Trajectory:
    system = load_prompt("assistant").render(name=toolset.entry.name, introduction=toolset.introduction)
    state = _State([Message(role="system", content=system), Message(role="user", content=instruction.text)])
    tools = tuple(function.as_tool() for function in offered)
    try:
        return await _play(toolset, instruction, tools, api, state, seed, teacher)
    except FatalTeacherError:
        raise
    except NoAnswerError as error:
        return _end(state, "teacher_error", str(error), error.flaw)
    except TeacherError as error:
        return _end(state, "teacher_error", str(error))


async def _play(
    toolset: Toolset,
    instruction: Instruction,
    tools: tuple[dict[str, Json], ...],
    api: EpisodeApi,
    state: _State,
    seed: int,
    teacher: "Teacher",
) -> Trajectory:
    for turn in range(MOST_TURNS):
        request = ChatRequest(
            messages=state.build_chat(), tools=tools, seed=derive_seed(seed, turn), call_ids=dict(state.call_ids)
        )
        answer = await _take_turn(request, toolset, instruction, state, teacher)
        message = state.add_answer(answer)
        if message.tool_calls:
            for call in message.tool_calls:
                await _observe(call, api, state)
                if state.observations[-1].reason is not None:
                    return _end(state, "invalid_response")
            continue
        if not asks_user(message.content):
            return _end(state, "response")
        names = {function.name for function in toolset.functions}
        reply = await ask_user(instruction, state.messages, names, derive_seed(seed, "user", turn), teacher)
        if reply is None:
            return _end(state, "response")
        state.messages.append(Message(role="user", content=reply))
    return _end(state, "too_many_steps")


async def _take_turn(
    request: ChatRequest, toolset: Toolset, instruction: Instruction, state: _State, teacher: "Teacher"
) -> Completion:
    """The assistant's answer. One that tells of a call instead of making it is drawn again, as small models need."""
    names = {function.name for function in toolset.functions}
    called = {observation.function for observation in state.observations}
    for draw in range(_DRAWS):
        asked = request.model_copy(update={"sample": draw})
        answer = await teacher.complete(asked, stage="simulate", api_id=toolset.entry.id, owner=instruction.id)
        require_bounded(answer)
        if answer.tool_calls or not find_told_call(answer.content, names, called, fits=bool(instruction.functions)):
            break
    return answer


async def _observe(call: ToolCall, api: EpisodeApi, state: _State) -> None:
    observation = await execute_call(call, api.operations, api.transport)
    content = json.dumps({"status": observation.status, "body": observation.body}, ensure_ascii=False)
    state.observations.append(observation)
    state.messages.append(Message(role="tool", content=content, tool_call_id=call.id))


def _end(
    state: _State,
    end: End,
    error: str = "",
    flaw: Flaw | None = None,
) -> Trajectory:
    return Trajectory(
        messages=tuple(state.messages), observations=tuple(state.observations), end=end, error=error, flaw=flaw
    )
