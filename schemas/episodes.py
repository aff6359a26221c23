"""Instructions, the messages they lead to, and trajectories."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from schemas.base import Json, Record
from schemas.reasons import Reason

Flaw = Literal["cut_off", "filtered", "refused", "partial", "leaked_tokens", "empty"]
"""Why an answer of an endpoint is none: it ended at a limit of tokens, a filter took it or a part of it, the model
would not answer, it broke off or came with an error beside it, it holds tokens that steer the model, it says
nothing."""


End = Literal["response", "too_many_steps", "invalid_response", "teacher_error"]
"""How an episode ends."""


class Kind(StrEnum):
    """What an instruction exercises."""

    SINGLE_CALL = "single_call"
    MULTI_CALL = "multi_call"
    MISSING_DETAIL = "missing_detail"
    NO_TOOL = "no_tool"
    ERROR_RECOVERY = "error_recovery"


class Detail(Record):
    """Something that the user knows and did not say: the value of a function's parameter."""

    parameter: str
    value: Json


class Instruction(Record):
    """What the user asks first, and what it is expected to exercise.

    `functions` names the functions in the order in which they are expected; `withheld` is set for `missing_detail`.

    Example: {"id": "steem-009", "api_id": "steem", "kind": "missing_detail", "text": "Save a hotspot for the block
    bloc_4516 with antenna gain 12.2.", "functions": ["createHotspot"], "withheld": {"parameter": "name", "value":
    "Rough Denim Lynx"}}
    """

    id: str
    api_id: str
    kind: Kind
    text: str
    functions: tuple[str, ...] = ()
    withheld: Detail | None = None


class ToolCall(Record):
    r"""A call as the assistant wrote it; `arguments` is the text it wrote, JSON or not.

    Example: {"id": "call_1", "name": "countHotspots", "arguments": "{\"city\": \"Dublin\"}"}
    """

    id: str
    name: str
    arguments: str


class Message(Record):
    r"""One message of a trajectory, in the roles of the chat completions interface.

    Example: {"role": "tool", "content": "{\"status\": 200, \"body\": {\"count\": 4}}", "tool_call_id": "call_1"}
    """

    role: Literal["system", "user", "assistant", "tool"]
    content: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None


class Observation(Record):
    """What came back for one call.

    `status` is the HTTP status; a call from which no request could be built got a 4xx without being sent, and `body`
    says why. `valid` tells whether the answer can be used, `problem` why not: it does not conform to the document, or a
    model that plays the API gave it and it is wrong for the `reason`.

    Example: {"tool_call_id": "call_1", "function": "countHotspots", "status": 200, "body": {"count": 4}, "valid":
    true}
    """

    tool_call_id: str
    function: str
    status: int
    body: Json
    valid: bool = True
    problem: str = ""
    reason: Reason | None = None


class Trajectory(Record):
    """An episode: all messages (system message first), what each call got, and how it ended.

    `end` is `response` (a final response was given), `too_many_steps`, `invalid_response` (the last observation is none
    that can be used) or `teacher_error`; in the last, `error` says what happened, and `flaw` why the last answer was
    none, where there was one.
    """

    messages: tuple[Message, ...]
    observations: tuple[Observation, ...] = ()
    end: End
    error: str = ""
    flaw: Flaw | None = None

    @property
    def response(self) -> str:
        """The final response; empty if the episode ended without one."""
        last = self.messages[-1]
        return last.content if self.end == "response" and last.role == "assistant" else ""


class Change(Record):
    """How one thing of an API differs at the end of an episode from how it was.

    `fields` are all of what was made, and of what was changed those that are otherwise now.

    Example: {"action": "changed", "collection": "hotspot", "id": "hots_4516", "fields": {"antennaGain": 12.2}}
    """

    action: Literal["made", "changed", "removed"]
    collection: str
    id: Json
    fields: dict[str, Json] = Field(default_factory=dict)


class Episode(Record):
    """An instruction, what it led to, and the seed that its world was made from.

    `offered` names the functions that the assistant was given; None where it was given all of the API's. `end_state` is
    what the episode left otherwise than it was; None where what answers cannot tell.
    """

    instruction: Instruction
    trajectory: Trajectory
    seed: int
    offered: tuple[str, ...] | None = None
    end_state: tuple[Change, ...] | None = None


class Verdict(Record):
    r"""What one check says of one episode: keep it, or the reason why not, and where.

    Example: {"check": "ungrounded_argument", "keep": false, "reason": "ungrounded_argument", "detail":
    "countHotspots: city = \"Cork\""}
    """

    check: str
    keep: bool
    reason: Reason | None = None
    detail: str = ""
