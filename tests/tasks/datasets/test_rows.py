"""The rows of a dataset, from what was made of an instruction or an API."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from schemas.calls import LedgerRow
from schemas.catalog import CatalogEntry
from schemas.episodes import Change, Episode, Instruction, Kind, Message, ToolCall, Trajectory, Verdict
from schemas.instance import Instance, RejectedApi
from schemas.reasons import Reason
from schemas.toolset import AuditedCall, Function, Toolset
from tasks.datasets.rows import build_api_row, build_instance, build_rejected_api_row, clean_text, collect_reasons
from tests.tasks.datasets.samples import CREATED_AT, build_ledger_row, build_row, build_toolset

HALF = "half \ud83d é 🐑"
WHOLE = "half \ufffd é 🐑"


def build(
    verdicts: Sequence[Verdict] = (),
    ledger: Sequence[LedgerRow] = (),
    messages: tuple[Message, ...] = (),
    toolset: Toolset | None = None,
    offered: tuple[str, ...] | None = None,
    end_state: tuple[Change, ...] | None = None,
) -> Instance:
    instruction = Instruction(id="i", api_id="open-trails", kind=Kind.SINGLE_CALL, text=HALF)
    trajectory = Trajectory(messages=messages, end="too_many_steps")
    episode = Episode(instruction=instruction, trajectory=trajectory, seed=7, offered=offered, end_state=end_state)
    return build_instance(
        episode, toolset or build_toolset(), verdicts, ledger, teacher="t", executor="mock", recipe_hash="r",
        prompt_versions={"b": "2", "a": "é"}, created_at=CREATED_AT,
    )  # fmt: skip


def spend(cost: float | None, **changes: Any) -> LedgerRow:
    return build_ledger_row("i", "open-trails", cost_usd=cost, **changes)


def build_odd_entry() -> CatalogEntry:
    return CatalogEntry(
        id="odd", name=f"name {HALF}", description=f"described {HALF}", category=f"category {HALF}",
        link=f"https://{HALF}.example", auth="apiKey", https=False, cors="no",
    )  # fmt: skip


def build_odd_toolset() -> Toolset:
    function = Function(name="f", description=HALF, parameters={"type": "object"})
    audit = AuditedCall(function="f", good=False, arguments={"x": HALF}, status=404, problem="p")
    return Toolset(
        entry=build_odd_entry(), introduction=HALF, document={"info": HALF}, functions=(function,), audit=(audit,),
        teacher="t",
    )  # fmt: skip


def test_a_row_says_all_that_is_known_of_its_episode() -> None:
    row = build(toolset=build_odd_toolset())
    tool = {"type": "function", "function": {"name": "f", "description": WHOLE, "parameters": {"type": "object"}}}
    assert row.model_dump() == {
        "id": "i", "api_id": "odd", "api_name": f"name {WHOLE}", "category": f"category {WHOLE}",
        "kind": Kind.SINGLE_CALL, "instruction": WHOLE, "tools": dump([tool]), "messages": (),
        "functions_called": (), "num_calls": 0, "accepted": True, "reasons": (), "checks": "[]", "teacher": "t",
        "executor": "mock", "recipe_hash": "r", "prompt_versions": '{"a":"é","b":"2"}', "seed": 7, "input_tokens": 0,
        "output_tokens": 0, "cached_tokens": 0, "cost_usd": None, "created_at": CREATED_AT,
        "sampling": "", "left_out": (), "end_state": None, "judge_process": None,
        "judge_response": None, "judge_agreement": None, "judge_votes": None,
    }  # fmt: skip


def test_a_row_says_what_the_calls_have_changed_or_that_nobody_can_tell() -> None:
    changes = (
        Change(action="made", collection="pet", id="p1", fields={"name": HALF}),
        Change(action="removed", collection="pet", id=7),
    )
    row = build(end_state=changes)
    assert json.loads(row.end_state or "") == [
        {"action": "made", "collection": "pet", "id": "p1", "fields": {"name": WHOLE}},
        {"action": "removed", "collection": "pet", "id": 7},
    ]
    assert build(end_state=()).end_state == "[]"
    assert build().end_state is None


def test_a_row_says_the_sampling_that_was_used() -> None:
    sent = '{"temperature":0.7,"top_p":null,"seed":5}'
    row = build(ledger=[spend(0.0, sampling=sent), spend(0.0, sampling=sent.replace("5", "6"))])
    assert json.loads(row.sampling) == {"temperature": 0.7, "top_p": None, "seed": [5, 6]}
    assert row.left_out == ()


def test_a_row_says_what_was_left_to_the_endpoint_and_where_completions_differ() -> None:
    told = ['{"temperature":null,"top_p":null,"seed":null}', '{"temperature":0.7,"top_p":null,"seed":null}']
    calls = [
        spend(0.0, sampling=told[0], left_out=("seed", "temperature")),
        spend(0.0, sampling=told[1], left_out=("seed",)),
        spend(0.0),
    ]
    row = build(ledger=calls)
    assert json.loads(row.sampling) == {"temperature": [None, 0.7], "top_p": None, "seed": None}
    assert row.left_out == ("seed", "temperature")


def test_a_row_holds_the_functions_that_were_offered() -> None:
    toolset = build_toolset()
    assert len(toolset.functions) > 1
    name = toolset.functions[-1].name
    assert [tool["function"]["name"] for tool in json.loads(build(toolset=toolset, offered=(name,)).tools)] == [name]
    assert len(json.loads(build(toolset=toolset).tools)) == len(toolset.functions)


def dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@pytest.mark.parametrize(
    ("keeps", "accepted"), [([], True), ([True, True], True), ([True, False], False), ([False, True], False)]
)
def test_a_row_is_accepted_when_every_verdict_keeps_it(keeps: list[bool], accepted: bool) -> None:
    assert build([Verdict(check="c", keep=keep, reason=Reason.PLACEHOLDER) for keep in keeps]).accepted is accepted


def test_what_each_check_said_is_told_with_reason_and_detail_where_there_are_any() -> None:
    row = build(
        [
            Verdict(check="a", keep=True),
            Verdict(check="b", keep=False, reason=Reason.PLACEHOLDER),
            Verdict(check="c", keep=False, reason=Reason.NO_TOOL_CALL, detail="é"),
            Verdict(check="d", keep=True, detail="x"),
        ]
    )
    assert row.reasons == (Reason.PLACEHOLDER, Reason.NO_TOOL_CALL)
    assert row.checks == dump(
        [
            {"check": "a", "keep": True},
            {"check": "b", "keep": False, "reason": "placeholder"},
            {"check": "c", "keep": False, "reason": "no_tool_call", "detail": "é"},
            {"check": "d", "keep": True, "detail": "x"},
        ]
    )


def test_a_row_keeps_all_its_reasons_once_and_in_order() -> None:
    reasons = [Reason.NEAR_DUPLICATE, Reason.PLACEHOLDER, Reason.NEAR_DUPLICATE, Reason.TEACHER_ERROR]
    verdicts = [Verdict(check="c", keep=False, reason=reason) for reason in reasons]
    assert collect_reasons(verdicts) == (Reason.TEACHER_ERROR, Reason.PLACEHOLDER, Reason.NEAR_DUPLICATE)


def test_a_verdict_that_keeps_a_row_gives_no_reason_against_it_and_one_without_a_reason_none() -> None:
    verdicts = [Verdict(check="a", keep=True, reason=Reason.PLACEHOLDER), Verdict(check="b", keep=False)]
    assert collect_reasons(verdicts) == ()
    assert not build(verdicts).accepted


@pytest.mark.parametrize(
    ("costs", "cost"), [([0.25, 0.5], 0.75), ([0.25, None], None), ([None], None), ([], None), ([0.0], 0.0)]
)
def test_a_cost_is_null_where_a_part_of_it_is_unknown(costs: list[float | None], cost: float | None) -> None:
    assert build(ledger=[spend(cost) for cost in costs]).cost_usd == cost


def test_tokens_are_summed_over_the_completions() -> None:
    ledger = [spend(None, prompt_tokens=100 * n, completion_tokens=10 * n, cached_tokens=n) for n in (1, 2)]
    row = build(ledger=ledger)
    assert (row.input_tokens, row.output_tokens, row.cached_tokens) == (300, 30, 3)


def test_the_arguments_stay_the_text_that_the_assistant_wrote() -> None:
    text = '{ "b":1.0,\n"a" : "\\u00e9" , "b": 2'
    call = ToolCall(id="c", name="f", arguments=text)
    row = build(messages=(Message(role="assistant", content="Hm.", tool_calls=(call,)),))
    assert row.messages[0].tool_calls[0].arguments == text


def test_half_a_surrogate_pair_is_replaced_wherever_it_is_because_no_file_can_hold_it() -> None:
    call = ToolCall(id=f"id {HALF}", name=f"name {HALF}", arguments=HALF)
    row = build(
        messages=(
            Message(role="user", content=HALF),
            Message(role="assistant", content="", tool_calls=(call,)),
            Message(role="tool", content="c", tool_call_id=f"id {HALF}"),
        )
    )
    assert row.messages == (
        Message(role="user", content=WHOLE),
        Message(
            role="assistant",
            content="",
            tool_calls=(ToolCall(id=f"id {WHOLE}", name=f"name {WHOLE}", arguments=WHOLE),),
        ),
        Message(role="tool", content="c", tool_call_id=f"id {WHOLE}"),
    )
    assert row.functions_called == (f"name {WHOLE}",)


@pytest.mark.parametrize("text", ["", "é", "🐑", "\ufffd", "a\0b"])
def test_text_that_a_file_can_hold_stays_as_it_is(text: str) -> None:
    assert clean_text(text) == text


@pytest.mark.parametrize(("text", "cleaned"), [("\ud83d", "\ufffd"), ("\udc11!", "\ufffd!"), ("\ud83d\udc11", "🐑")])
def test_only_halves_without_the_other_are_lost(text: str, cleaned: str) -> None:
    assert clean_text(text) == cleaned


def test_functions_called_are_in_the_order_of_the_calls() -> None:
    row = build_row(Kind.MULTI_CALL)
    assert (row.functions_called, row.num_calls) == (("searchTrails", "getTrail"), 2)
    assert row.response == "Fløyen Loop in Bergen is rated 4.6."


def test_several_calls_of_one_message_are_counted_each() -> None:
    calls = tuple(ToolCall(id=str(n), name=name, arguments="{}") for n, name in enumerate("bab"))
    row = build(messages=(Message(role="assistant", tool_calls=calls),))
    assert (row.functions_called, row.num_calls) == (("b", "a", "b"), 3)


def test_an_api_is_told_with_all_that_was_made_of_it() -> None:
    toolset = build_odd_toolset()
    assert build_api_row(toolset).model_dump() == {
        "api_id": "odd", "name": f"name {WHOLE}", "description": f"described {WHOLE}",
        "category": f"category {WHOLE}", "link": f"https://{WHOLE}.example", "auth": "apiKey", "https": False,
        "cors": "no", "introduction": WHOLE, "document": dump({"info": WHOLE}),
        "functions": build(toolset=toolset).tools, "num_functions": 1,
        "audit": dump([{"function": "f", "good": False, "arguments": {"x": WHOLE}, "status": 404, "problem": "p"}]),
        "teacher": "t", "accepted": True, "rejected_at": "", "reasons": (),
    }  # fmt: skip


def test_a_rejected_api_is_told_with_its_stage_and_problems() -> None:
    rejected = RejectedApi(entry=build_odd_entry(), stage="document", problems=("one", HALF), teacher="t")
    assert build_rejected_api_row(rejected).model_dump() == {
        "api_id": "odd", "name": f"name {WHOLE}", "description": f"described {WHOLE}",
        "category": f"category {WHOLE}", "link": f"https://{WHOLE}.example", "auth": "apiKey", "https": False,
        "cors": "no", "introduction": "", "document": "", "functions": "[]", "num_functions": 0, "audit": "[]",
        "teacher": "t", "accepted": False, "rejected_at": "document", "reasons": ("one", WHOLE),
    }  # fmt: skip
