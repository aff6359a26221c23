"""Chat completions: what is asked, what is answered, and the ledger's row for it."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field

from schemas.base import Json, Record
from schemas.episodes import Flaw, ToolCall

Stage = Literal["probe", "document", "specify", "instruct", "simulate", "judge"]
Role = Literal["teacher", "user", "assistant", "simulator", "judge"]
ROLES: tuple[Role, ...] = get_args(Role)
"""Who is asked: the teacher for documents, the user for instructions and replies, the assistant for its turns, the
simulator for the API's answers, the judge for verdicts. One more is a word here, a field of the flows' parameters, and
a stage or a step that asks it."""

ROLE_OF_STAGE: Mapping[Stage, Role] = {"instruct": "user", "simulate": "assistant", "judge": "judge"}
"""Who is asked in a stage, where it is not the teacher; in `simulate` the user and the simulator are asked as well."""

FinishReason = Literal["stop", "tool_calls", "length", "content_filter"]

MOST_TOKENS = 10**9
"""Of one completion, a hundred times what any model reads. A table of theirs cannot reach what its column holds."""


def count_tokens(told: Any) -> int:
    """A count of tokens as it was told; 0, as where nothing was told, for what can be none."""
    return told if type(told) is int and 0 <= told <= MOST_TOKENS else 0


Tokens = Annotated[int, BeforeValidator(count_tokens)]
"""A count that a table can hold, also where the record was written by a version that took whatever it was told."""


class Usage(Record):
    """Tokens of one completion; `cached` are the prompt tokens that the endpoint itself had cached.

    Example: {"prompt": 1486, "completion": 23}
    """

    prompt: int = 0
    completion: int = 0
    cached: int = 0
    reasoning: int = 0


class ChatRequest(Record):
    """One chat completion to be had. `messages`, `tools` and `response_format` are in OpenAI's own form.

    `sample` tells apart repeated attempts at the same request; it is part of the key under which the answer is kept.
    `extra_body` is merged into the body last; null takes a parameter out.
    `call_ids` gives the endpoint's own id for that of a call in `messages`; it is no part of the key.

    Example: {"messages": [{"role": "user", "content": "List all hotspots."}], "temperature": 0.7, "seed": 1728437415}
    """

    messages: tuple[dict[str, Json], ...]
    tools: tuple[dict[str, Json], ...] = ()
    response_format: dict[str, Json] | None = None
    temperature: float | None = None
    top_p: float | None = None
    reasoning_effort: str | None = None
    max_tokens: int | None = None
    extra_body: dict[str, Json] | None = None
    seed: int | None = None
    sample: int = 0
    call_ids: dict[str, str] = Field(default_factory=dict)


class Completion(Record):
    """One answer. `fingerprint` is the endpoint's `system_fingerprint`; `batched` answers came by the Batch API.

    `left_out` names what the endpoint was not given of the request, because it does not take it: parameters such as
    "seed", and "json_schema", "system_role", "tools.<keyword>" and the like (`sending.capabilities.list_left_out`).
    `sent_seed` is the seed that was really sent, where an earlier draw had failed and so another one was asked for.
    `estimated`: the usage was counted here, for the endpoint told none or a part of it only.
    `flaw` says why it is no answer, and `flaw_detail` what showed it (one line). `extra` holds what else the message
    had (`reasoning_content`, signatures), which goes back with the turn as it came; under `tool_calls` in it stands
    what else each call had, in their order. `reads_calls` says that the calls were read from its text.

    Example: {"content": "", "tool_calls": [{"id": "call_1", "name": "browseHotspots", "arguments": "{}"}],
    "finish_reason": "tool_calls", "model": "offline", "usage": {"prompt": 1486, "completion": 23}}
    """

    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: FinishReason = "stop"
    model: str
    usage: Usage
    fingerprint: str = ""
    batched: bool = False
    left_out: tuple[str, ...] = ()
    sent_seed: int | None = None
    estimated: bool = False
    flaw: Flaw | None = None
    flaw_detail: str = ""
    extra: dict[str, Json] = Field(default_factory=dict)
    reads_calls: bool = False


class LedgerRow(Record):
    r"""One completion as the ledger keeps it; `cost_usd` is None where no price is known.

    `role` is who was asked, and `owner` the id of what the completion was for: an API, or an instruction.
    `stored` says that it came from the durable store: nothing was sent, nothing was paid. `batched` says that it was
    had by the Batch API, at its price, `estimated` that its tokens were counted here and not by the endpoint.
    `sampling` is a JSON object of what the request said of it: temperature, top_p, reasoning_effort, seed; a parameter
    is null where the choice was the endpoint's. `left_out` is as in `Completion`.

    Example: {"stage": "simulate", "api_id": "steem", "owner": "steem-001", "model": "offline", "prompt_tokens": 1486,
    "completion_tokens": 23, "cached_tokens": 0, "reasoning_tokens": 0, "cost_usd": 0.0, "latency_s": 1.462,
    "attempts": 1, "stored": false, "finish_reason": "tool_calls", "fingerprint": "offline-1",
    "sampling": "{\"temperature\":0.7,\"top_p\":null,\"reasoning_effort\":null,\"seed\":1728437415}"}
    """

    stage: Stage
    api_id: str
    owner: str
    model: str
    prompt_tokens: Tokens
    completion_tokens: Tokens
    cached_tokens: Tokens
    reasoning_tokens: Tokens
    cost_usd: float | None
    latency_s: float
    attempts: int
    stored: bool
    finish_reason: str
    fingerprint: str
    batched: bool = False
    role: Role = "teacher"
    estimated: bool = False
    sampling: str = ""
    left_out: tuple[str, ...] = ()
