import json

import pytest

from schemas.episodes import Episode, Instruction, Kind, Message, ToolCall, Trajectory, Verdict
from schemas.instance import Instance
from schemas.reasons import Reason
from tasks.store.rows import build_instance, collect_reasons
from tests.tasks.store.samples import CREATED_AT, build_ledger_row, build_row, build_toolset


def build(verdicts: list[Verdict], costs: list[float | None], arguments: str = "{}") -> Instance:
    message = Message(role="assistant", content="Hm.", tool_calls=(ToolCall(id="c", name="f", arguments=arguments),))
    instruction = Instruction(id="i", api_id="open-trails", kind=Kind.SINGLE_CALL, text="Find a trail.")
    episode = Episode(instruction=instruction, trajectory=Trajectory(messages=(message,), end="too_many_steps"), seed=7)
    ledger = [build_ledger_row("i", "open-trails", cost_usd=cost) for cost in costs]
    return build_instance(
        episode, build_toolset(), verdicts, ledger, teacher="t", executor="mock", recipe_hash="r",
        prompt_versions={"b": "2", "a": "1"}, created_at=CREATED_AT,
    )  # fmt: skip


def test_a_row_is_accepted_when_every_verdict_keeps_it() -> None:
    assert build([Verdict(check="a", keep=True)], []).accepted
    row = build([Verdict(check="a", keep=True), Verdict(check="b", keep=False, reason=Reason.PLACEHOLDER)], [])
    assert (row.accepted, row.reasons) == (False, (Reason.PLACEHOLDER,))
    assert json.loads(row.checks) == [
        {"check": "a", "keep": True},
        {"check": "b", "keep": False, "reason": "placeholder"},
    ]


def test_a_row_keeps_all_its_reasons_once_and_in_order() -> None:
    reasons = [Reason.NEAR_DUPLICATE, Reason.PLACEHOLDER, Reason.NEAR_DUPLICATE]
    verdicts = [Verdict(check="c", keep=False, reason=reason) for reason in reasons]
    assert collect_reasons(verdicts) == (Reason.PLACEHOLDER, Reason.NEAR_DUPLICATE)


@pytest.mark.parametrize(("costs", "cost"), [([0.25, 0.5], 0.75), ([0.25, None], None), ([], None), ([0.0], 0.0)])
def test_a_cost_is_null_where_a_part_of_it_is_unknown(costs: list[float | None], cost: float | None) -> None:
    assert build([], costs).cost_usd == cost


def test_tokens_are_summed_over_the_completions() -> None:
    row = build([], [0.0, 0.0])
    assert (row.input_tokens, row.output_tokens) == (1624, 192)


def test_the_arguments_stay_the_text_that_the_assistant_wrote() -> None:
    text = '{ "b":1.0,\n"a" : "\\u00e9" , "b": 2'
    assert build([], [], text).messages[0].tool_calls[0].arguments == text


def test_half_a_surrogate_pair_is_replaced_because_no_file_can_hold_it() -> None:
    assert build([], [], "\ud83d 🐑").messages[0].tool_calls[0].arguments == "\ufffd 🐑"


def test_functions_called_are_in_the_order_of_the_calls() -> None:
    row = build_row(Kind.MULTI_CALL)
    assert (row.functions_called, row.num_calls) == (("searchTrails", "getTrail"), 2)
    assert json.loads(row.tools)[0]["function"]["name"] == "searchTrails"
    assert row.response == "Fløyen Loop in Bergen is rated 4.6."
