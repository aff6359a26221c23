"""Builds the rows of a dataset from episodes, toolsets, verdicts and the ledger."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from schemas.calls import LedgerRow
from schemas.episodes import Episode, Message, ToolCall, Verdict
from schemas.instance import ApiRow, Instance, RejectedApi
from schemas.judging import Vote, find_majority, measure_agreement
from schemas.reasons import Reason
from schemas.toolset import Function, Toolset

_REASON_ORDER = {reason: position for position, reason in enumerate(Reason)}


def build_instance(
    episode: Episode,
    toolset: Toolset,
    verdicts: Sequence[Verdict],
    ledger_rows: Iterable[LedgerRow],
    votes: Sequence[Vote] = (),
    *,
    teacher: str,
    executor: str,
    recipe_hash: str,
    prompt_versions: Mapping[str, str],
    created_at: datetime,
) -> Instance:
    """One row. It is accepted when every verdict keeps it, those that judges' `votes` come to among them.

    `ledger_rows` are those of this instruction.

    The arguments of calls are kept exactly as the assistant wrote them. Half of a surrogate pair, which a model can
    write as a JSON escape and no UTF-8 file can hold, becomes U+FFFD.
    """
    calls = [call.name for message in episode.trajectory.messages for call in message.tool_calls]
    rows = list(ledger_rows)
    costs = [row.cost_usd for row in rows]
    known = [cost for cost in costs if cost is not None]
    return Instance(
        id=episode.instruction.id,
        api_id=toolset.entry.id,
        api_name=clean_text(toolset.entry.name),
        category=clean_text(toolset.entry.category),
        kind=episode.instruction.kind,
        instruction=clean_text(episode.instruction.text),
        tools=_dump_tools(toolset.restrict(episode.offered).functions),
        messages=tuple(_clean_message(message) for message in episode.trajectory.messages),
        functions_called=tuple(clean_text(name) for name in calls),
        num_calls=len(calls),
        accepted=all(verdict.keep for verdict in verdicts),
        reasons=collect_reasons(verdicts),
        checks=_dump([_describe_verdict(verdict) for verdict in verdicts]),
        teacher=teacher,
        executor=executor,
        recipe_hash=recipe_hash,
        prompt_versions=_dump(dict(sorted(prompt_versions.items()))),
        seed=episode.seed,
        input_tokens=sum(row.prompt_tokens for row in rows),
        output_tokens=sum(row.completion_tokens for row in rows),
        cached_tokens=sum(row.cached_tokens for row in rows),
        cost_usd=sum(known) if rows and len(known) == len(costs) else None,
        created_at=created_at,
        sampling=_merge_sampling(rows),
        left_out=tuple(sorted({name for row in rows for name in row.left_out})),
        end_state=_dump_changes(episode),
        judge_process=find_majority([vote.process for vote in votes]),
        judge_response=find_majority([vote.response for vote in votes]),
        judge_agreement=measure_agreement(votes),
        judge_votes=_dump([vote.model_dump(mode="json") for vote in votes]) if votes else None,
    )


def _dump_changes(episode: Episode) -> str | None:
    """The end state; of a change its fields only where it has some."""
    if episode.end_state is None:
        return None
    return _dump([change.model_dump(mode="json", exclude_defaults=True) for change in episode.end_state])


def _merge_sampling(rows: Sequence[LedgerRow]) -> str:
    """What the completions of a row were told of sampling: one value where all were told the same, but for seeds."""
    told = [json.loads(row.sampling) for row in rows if row.sampling]
    if not told:
        return ""
    merged: dict[str, Any] = {}
    for name in told[0]:
        values = [sampling.get(name) for sampling in told]
        same = all(value == values[0] for value in values) and (name != "seed" or values[0] is None)
        merged[name] = values[0] if same else values
    return _dump(merged)


def collect_reasons(verdicts: Iterable[Verdict]) -> tuple[Reason, ...]:
    """The reasons of all verdicts that reject, each once, in the order of the enum."""
    reasons = {verdict.reason for verdict in verdicts if not verdict.keep and verdict.reason is not None}
    return tuple(sorted(reasons, key=_REASON_ORDER.__getitem__))


def build_api_row(toolset: Toolset) -> ApiRow:
    """The row of an API that became a toolset."""
    entry = toolset.entry
    return ApiRow(
        api_id=entry.id,
        name=clean_text(entry.name),
        description=clean_text(entry.description),
        category=clean_text(entry.category),
        link=clean_text(entry.link),
        auth=entry.auth,
        https=entry.https,
        cors=entry.cors,
        introduction=clean_text(toolset.introduction),
        document=_dump(toolset.document),
        functions=_dump_tools(toolset.functions),
        num_functions=len(toolset.functions),
        audit=_dump([call.model_dump() for call in toolset.audit]),
        teacher=toolset.teacher,
        accepted=True,
        rejected_at="",
        reasons=(),
    )


def build_rejected_api_row(rejected: RejectedApi) -> ApiRow:
    """The row of an API that did not become a toolset."""
    entry = rejected.entry
    return ApiRow(
        api_id=entry.id,
        name=clean_text(entry.name),
        description=clean_text(entry.description),
        category=clean_text(entry.category),
        link=clean_text(entry.link),
        auth=entry.auth,
        https=entry.https,
        cors=entry.cors,
        introduction="",
        document="",
        functions="[]",
        num_functions=0,
        audit="[]",
        teacher=rejected.teacher,
        accepted=False,
        rejected_at=rejected.stage,
        reasons=tuple(clean_text(problem) for problem in rejected.problems),
    )


def _describe_verdict(verdict: Verdict) -> dict[str, Any]:
    described: dict[str, Any] = {"check": verdict.check, "keep": verdict.keep}
    if verdict.reason is not None:
        described["reason"] = verdict.reason.value
    if verdict.detail:
        described["detail"] = verdict.detail
    return described


def _dump_tools(functions: Sequence[Function]) -> str:
    return _dump([function.as_tool() for function in functions])


def _dump(value: Any) -> str:
    return clean_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _clean_message(message: Message) -> Message:
    calls = tuple(
        ToolCall(id=clean_text(call.id), name=clean_text(call.name), arguments=clean_text(call.arguments))
        for call in message.tool_calls
    )
    tool_call_id = None if message.tool_call_id is None else clean_text(message.tool_call_id)
    return Message(role=message.role, content=clean_text(message.content), tool_calls=calls, tool_call_id=tool_call_id)


def clean_text(text: str) -> str:
    """The text with unpaired surrogates replaced by U+FFFD; any other text as it is."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
