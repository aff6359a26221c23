"""The five tables, written while rows pass by, and what is told of them."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from upath import UPath

from schemas.base import canonical_json
from schemas.calls import LedgerRow
from schemas.episodes import Kind
from schemas.instance import ApiRow, Instance
from schemas.reasons import Reason
from tasks.datasets.parquet import HASH_EXCLUDES, content_hash_of_rows, read_table
from tasks.datasets.tables import Spending, write_apis, write_instances
from tests.tasks.datasets.samples import (
    build_content,
    build_ledger_row,
    build_rejected_api,
    build_row,
    build_toolset,
    build_toolsets,
)


def spend(costs: Sequence[float | None]) -> Spending:
    spending = Spending()
    for cost in costs:
        spending.add(build_ledger_row("i", "a", prompt_tokens=10, completion_tokens=3, cost_usd=cost))
    return spending


@pytest.mark.parametrize(
    ("costs", "cost"),
    [
        ([], None),
        ([0.0], 0.0),
        ([0.25, 0.5], 0.75),
        ([0.25, None], None),
        ([None, 0.25], None),
        ([0.0000014], 0.000001),
        ([0.0000006, 0.0000006], 0.000001),
    ],
)
def test_a_cost_is_known_to_a_millionth_where_every_part_of_it_is(
    costs: list[float | None], cost: float | None
) -> None:
    assert spend(costs).cost_usd == cost


def test_tokens_are_summed_also_where_a_price_is_unknown() -> None:
    spending = spend([0.5, None, 0.5])
    assert (spending.calls, spending.input_tokens, spending.output_tokens, spending.unpriced) == (3, 30, 9, 1)


def test_what_completions_went_without_is_counted() -> None:
    spending = Spending()
    for left_out in ((), ("seed",), ("seed", "temperature")):
        spending.add(build_ledger_row("i", "a", left_out=left_out))
    assert spending.left_out == {"seed": 2, "temperature": 1}


def test_columns_that_joined_leave_the_hashes_of_older_rows_alone() -> None:
    older = build_ledger_row("i", "a", role="teacher", estimated=False, sampling="", left_out=())
    joined = {"role", "estimated", "sampling", "left_out"}
    spelled = older.model_dump(mode="json", exclude={*HASH_EXCLUDES, *joined})
    row_hash = hashlib.sha256(canonical_json(spelled).encode()).digest()
    assert content_hash_of_rows([older]) == hashlib.sha256(row_hash).hexdigest()
    for change in ({"role": "user"}, {"estimated": True}, {"sampling": "{}"}, {"left_out": ("seed",)}):
        assert content_hash_of_rows([older.model_copy(update=change)]) != content_hash_of_rows([older])


def test_each_row_goes_to_one_table_by_its_verdict_and_its_api(tmp_path: Path) -> None:
    kept, unseen = (build_row(Kind.SINGLE_CALL, world, 1) for world in (0, 1))
    turned_down = [build_row(Kind.SINGLE_CALL, world, 2, Reason.PLACEHOLDER) for world in (0, 1)]
    rows = sorted([kept, unseen, *turned_down], key=lambda row: row.id)
    draft = write_instances(UPath(tmp_path), build_content(rows), frozenset({unseen.api_id}))
    for name, held in (("train", [kept]), ("test", [unseen]), ("rejected", sorted(turned_down, key=lambda r: r.id))):
        assert list(read_table(UPath(tmp_path / f"{name}.parquet"), Instance)) == held
        facts = draft.tables[f"{name}.parquet"]
        assert (facts.rows, facts.content_hash) == (len(held), content_hash_of_rows(held))
    assert (draft.tally.accepted, draft.tally.rejected) == (2, 2)


def test_apis_and_calls_are_written_as_they_come_and_counted(tmp_path: Path) -> None:
    calls = [build_ledger_row(f"{api}-{n}", api, prompt_tokens=n) for api in ("museum-finder", "open-trails")
             for n in (1, 2)]  # fmt: skip
    content = build_content([build_row()], build_toolsets(), [build_rejected_api()], calls)
    draft = write_instances(UPath(tmp_path), content, frozenset())
    write_apis(UPath(tmp_path), content, draft)
    apis = list(read_table(UPath(tmp_path / "toolset.parquet"), ApiRow))
    assert [api.api_id for api in apis] == ["broken", "harbour-tides", "museum-finder", "open-trails", "recipe-box"]
    assert list(read_table(UPath(tmp_path / "calls.parquet"), LedgerRow)) == calls
    assert draft.functions == {api.api_id: 0 if api.api_id == "broken" else 2 for api in apis}
    assert draft.rejected_apis == [apis[0]]
    assert (draft.spending.calls, draft.spending.input_tokens) == (4, 6)
    assert {name: facts.rows for name, facts in draft.tables.items()} == {
        "train.parquet": 1, "test.parquet": 0, "rejected.parquet": 0, "toolset.parquet": 5, "calls.parquet": 4,
    }  # fmt: skip
    data, _ = draft.sample.build()
    assert data["apis"]["open-trails"]["intro"] == build_toolset().introduction
