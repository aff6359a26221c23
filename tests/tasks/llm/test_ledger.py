"""The ledger hands each API's step its own rows, once."""

from schemas.calls import LedgerRow, Stage
from tasks.llm import Ledger


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
