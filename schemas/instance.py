"""The rows of a dataset's tables as records: instances, APIs (kept and rejected).

How they lie in Parquet is in `schemas/arrow.py`, so that importing a record does not load pyarrow.
"""

from datetime import datetime

from schemas.base import Record
from schemas.catalog import CatalogEntry
from schemas.episodes import Kind, Message
from schemas.reasons import Reason


class Instance(Record):
    """One row of `train.parquet`, `test.parquet` or `rejected.parquet`.

    What varies in shape from row to row is a JSON string: `tools` (a list, as in a chat completion request), `checks`
    (a list of `{"check", "keep", "reason", "detail"}`, the last two only where set), `prompt_versions` (name to
    version), and each call's `arguments`, which is the very text that the assistant wrote.

    `functions_called` names the function of each call in order, so its length is `num_calls`. Tokens count every
    completion made for the row; `cached_tokens` are those of the prompt that the endpoint had cached. `cost_usd` is
    None where the price of any completion is unknown. `created_at` is in UTC.

    `sampling` is a JSON object of what the endpoint was told: temperature, top_p, reasoning_effort, and the seeds of
    the completions in order. Null is where the choice was the endpoint's, a list where completions differ. `left_out`
    names what any of them had to go without, as in `Completion`. Rows of older versions say "" and nothing.

    `end_state` is a JSON list of what the episode left otherwise than it was (`schemas.episodes.Change`); None where
    what answered cannot tell, and in rows of older versions.

    `judge_process` and `judge_response` are what most judges say, `judge_agreement` the share of them who say it (of
    both the lower; None of one judge), `judge_votes` a JSON list of `schemas.judging.Vote`. All are None where no judge
    was asked, or none gave a verdict that can be read.
    """

    id: str
    api_id: str
    api_name: str
    category: str
    kind: Kind
    instruction: str
    tools: str
    messages: tuple[Message, ...]
    functions_called: tuple[str, ...]
    num_calls: int
    accepted: bool
    reasons: tuple[Reason, ...]
    checks: str
    teacher: str
    executor: str
    recipe_hash: str
    prompt_versions: str
    seed: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cost_usd: float | None
    created_at: datetime
    sampling: str = ""
    left_out: tuple[str, ...] = ()
    end_state: str | None = None
    judge_process: bool | None = None
    judge_response: bool | None = None
    judge_agreement: float | None = None
    judge_votes: str | None = None

    @property
    def response(self) -> str:
        """The final response; empty if the last message is not one."""
        last = self.messages[-1] if self.messages else None
        return last.content if last is not None and last.role == "assistant" and not last.tool_calls else ""


class RejectedApi(Record):
    """An API that did not become a toolset: at which stage, and one line for each problem."""

    entry: CatalogEntry
    stage: str
    problems: tuple[str, ...]
    teacher: str = ""


class ApiRow(Record):
    """One row of `toolset.parquet`: the catalogue's facts, and what was made of them.

    `document` (an OpenAPI 3.1 document), `functions` (a list of tools) and `audit` (a list of audited calls) are JSON
    strings. A rejected API has the problems as its `reasons`, and where there is no document, "" in its place.
    """

    api_id: str
    name: str
    description: str
    category: str
    link: str
    auth: str
    https: bool
    cors: str
    introduction: str
    document: str
    functions: str
    num_functions: int
    audit: str
    teacher: str
    accepted: bool
    rejected_at: str
    reasons: tuple[str, ...]
