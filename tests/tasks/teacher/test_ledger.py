"""The ledger hands each API's step its own rows, once."""

from schemas.calls import LedgerRow, Stage
from tasks.teacher import Ledger


def make_row(api_id: str, stage: Stage, owner: str) -> LedgerRow:
    return LedgerRow(
        stage=stage,
        api_id=api_id,
        owner=owner,
        model="m",
        prompt_tokens=1,
        completion_tokens=1,
        cached_tokens=0,
        reasoning_tokens=0,
        cost_usd=None,
        latency_s=0.1,
        attempts=1,
        stored=False,
        finish_reason="stop",
        fingerprint="",
    )


def test_rows_are_found_by_api_and_stage_and_drained_once() -> None:
    ledger = Ledger()
    rows = [make_row("cats", "document", "1"), make_row("dogs", "simulate", "2"), make_row("cats", "simulate", "3")]
    for row in rows:
        ledger.add(row)
    assert ledger.rows_for("cats") == (rows[0], rows[2])
    assert ledger.rows_for("cats", "simulate") == (rows[2],)
    assert ledger.drain("cats", "simulate") == (rows[2],)
    assert ledger.drain("cats", "simulate") == ()
    assert sorted(row.owner for row in ledger.rows) == ["1", "2"]


def test_rows_come_in_the_order_in_which_they_were_added_and_those_of_others_stay() -> None:
    ledger = Ledger()
    rows = [make_row("cats", "instruct", str(number)) for number in range(3)]
    others = [make_row("dogs", "instruct", "4"), make_row("cats", "document", "5")]
    for row in (rows[0], others[0], rows[1], others[1], rows[2]):
        ledger.add(row)
    assert ledger.rows_for("cats", "instruct") == tuple(rows)
    assert ledger.rows_for("cats", "instruct") == tuple(rows)  # looking takes nothing away
    assert ledger.rows_for("cats") == (*rows, others[1])
    assert ledger.rows_for("birds") == ledger.rows_for("dogs", "judge") == ()
    assert ledger.drain("birds", "instruct") == ()
    assert ledger.rows == [*rows, *others]
    assert ledger.drain("cats", "instruct") == tuple(rows)
    assert ledger.rows == others
    assert ledger.rows_for("cats") == (others[1],)


def test_a_row_that_comes_after_its_step_was_drained_is_handed_out_the_next_time() -> None:
    ledger, late = Ledger(), make_row("cats", "document", "2")
    ledger.add(make_row("cats", "document", "1"))
    ledger.drain("cats", "document")
    ledger.add(late)
    assert ledger.drain("cats", "document") == (late,)
