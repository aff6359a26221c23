"""What a run is likely to take: what the embedded teacher took of a sample, scaled to all."""

import datetime
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from schemas.calls import LedgerRow
from schemas.catalog import CatalogEntry
from schemas.parameters import BuildDatasetParams, BuildToolsetParams
from tasks.api_walk import walk_api
from tasks.context import use_context
from tasks.cost_forecast import Forecast, forecast
from tasks.datasets import read_artifact
from tasks.steps import STEPS
from tests.flows.parts import write_document
from tests.tasks.parts import ENTRY, PlainSteps, make_context

EXECUTORS = ("mock", "simulated")
STAGES = ("document", "specify", "instruct", "simulate")


def make_params(**more: Any) -> BuildDatasetParams:
    return BuildDatasetParams.model_validate({"instructions": 2, **more})


@pytest.fixture
def entry(tmp_path: Path) -> CatalogEntry:
    """An API that comes with its document."""
    write_document(tmp_path / "boats.json")
    return ENTRY.model_copy(update={"openapi": json.loads((tmp_path / "boats.json").read_text())})


LOOPED = ENTRY.model_copy(update={"openapi": {"openapi": "3.1.0", "info": {"title": "x", "version": "1"}, "paths": {}}})
"""An API whose document is of no use."""


Play = Callable[[Path, CatalogEntry, BuildDatasetParams], Awaitable[list[LedgerRow]]]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Play:
    """The completions that a run of the real steps has of the embedded teacher."""
    PlainSteps(monkeypatch)

    async def run(folder: Path, entry: CatalogEntry, params: BuildDatasetParams) -> list[LedgerRow]:
        context = make_context(folder, params, entry)
        with use_context(context):
            outcome = await walk_api("boats", nullcontext())
        assert outcome.rejected is None
        kinds = {step.name: step.makes for step in STEPS}
        artifacts = [read_artifact(context.root, ref, kinds[ref.step]) for ref in outcome.made.values()]
        return [row for artifact in artifacts for row in artifact.ledger]

    return run


def add_up(rows: Sequence[LedgerRow], times: float = 1) -> list[tuple[str, int, int, int]]:
    """Calls and tokens by stage."""
    return [
        (
            stage,
            round(times * len(mine)),
            round(times * sum(row.prompt_tokens for row in mine)),
            round(times * sum(row.completion_tokens for row in mine)),
        )
        for stage in STAGES
        if (mine := [row for row in rows if row.stage == stage])
    ]


def tell(found: Forecast) -> list[tuple[str, int, int, int]]:
    return [(row.stage, row.calls, row.prompt_tokens, row.completion_tokens) for row in found.stages]


async def test_an_estimate_of_one_api_is_what_a_run_takes_of_the_embedded_teacher(tmp_path: Path, play: Play) -> None:
    params = make_params(seed=3, shares={"multi_call": 1})
    rows = await play(tmp_path, ENTRY, params)
    found = await forecast([ENTRY], [ENTRY], params)
    assert (found.apis, found.sampled) == (1, 1)
    assert tell(found) == add_up(rows)


async def test_what_a_sample_takes_is_scaled_to_all(tmp_path: Path, play: Play) -> None:
    rows = await play(tmp_path, ENTRY, make_params())
    found = await forecast([ENTRY] * 7, [ENTRY] * 2, make_params())
    assert (found.apis, found.sampled) == (7, 2)
    assert tell(found) == add_up([*rows, *rows], 7 / 2)


async def test_an_api_that_comes_with_a_document_is_neither_documented_nor_specified(
    entry: CatalogEntry, tmp_path: Path, play: Play
) -> None:
    rows = await play(tmp_path / "data", entry, make_params())
    found = await forecast([entry], [entry], make_params())
    assert tell(found) == add_up(rows)
    assert [stage for stage, *_ in tell(found)] == ["instruct", "simulate"]


async def test_a_bad_document_in_the_sample_is_left_out_of_it(entry: CatalogEntry) -> None:
    alone = await forecast([entry] * 4, [entry], make_params())
    found = await forecast([entry] * 4, [LOOPED, entry, LOOPED], make_params())
    assert (found.apis, found.sampled) == (4, 1)
    assert tell(found) == tell(alone)


async def test_of_bad_documents_alone_nothing_can_be_told() -> None:
    found = await forecast([LOOPED] * 4, [LOOPED], make_params())
    assert (found.apis, found.sampled, found.stages) == (4, 0, ())


async def test_a_toolset_takes_its_documents_and_no_more(tmp_path: Path, play: Play) -> None:
    rows = await play(tmp_path, ENTRY, make_params())
    found = await forecast([ENTRY], [ENTRY], BuildToolsetParams())
    assert tell(found) == add_up(rows)[:2]


@pytest.mark.parametrize(("batch", "share"), [(False, 1.0), (True, 0.25)])
async def test_costs_are_by_the_price_of_the_run_s_own_teacher_and_by_that_of_batches_where_it_uses_them(
    batch: bool, share: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "prices.yaml").write_text(
        "endpoints: {any: {gpt-x: {input: 3, output: 50, batch_share: 0.25, noted: 2026-11-01}}}"
    )
    monkeypatch.setenv("TOOLHERD_PRICES", str(tmp_path / "prices.yaml"))
    teacher = {"model": "gpt-x", "base_url": "http://127.0.0.1:9/v1", "batch": batch}
    found = await forecast([ENTRY] * 3, [ENTRY], make_params(teacher=teacher))
    assert found.price is not None
    assert found.price.noted == datetime.date(2026, 11, 1)
    for row in found.stages:
        full = (3 * row.prompt_tokens + 50 * row.completion_tokens) / 1e6
        assert row.cost_usd == pytest.approx(full if row.stage == "simulate" else full * share)


async def test_without_a_price_there_is_no_cost() -> None:
    teacher = {"model": "gpt-x", "base_url": "http://127.0.0.1:9/v1"}
    found = await forecast([ENTRY], [ENTRY], make_params(teacher=teacher))
    assert found.price is None
    assert {row.cost_usd for row in found.stages} == {None}


async def test_each_role_is_paid_at_its_own_price(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "prices.yaml").write_text(
        "endpoints: {any: {gpt-x: {input: 1, output: 1, noted: 2026-11-01}, "
        "gpt-y: {input: 1000, output: 1000, noted: 2026-11-01}}}"
    )
    monkeypatch.setenv("TOOLHERD_PRICES", str(tmp_path / "prices.yaml"))
    roles = {"teacher": {"model": "gpt-x", "base_url": "http://127.0.0.1:9/v1"}, "user": {"model": "gpt-y"}}
    found = await forecast([ENTRY], [ENTRY], make_params(**roles))
    shares = {
        row.stage: (row.cost_usd or 0) / ((row.prompt_tokens + row.completion_tokens) / 1e6) for row in found.stages
    }
    assert shares["document"] == shares["specify"] == pytest.approx(1)
    assert shares["instruct"] == pytest.approx(1000)
    assert shares["simulate"] == pytest.approx(1)  # the assistant's turns alone: nobody asks back here
    assert set(found.more_prices) == {"gpt-y"}


async def test_a_role_without_a_price_leaves_what_it_is_asked_for_without_a_cost(tmp_path: Path) -> None:
    roles = {"user": {"model": "gpt-y", "base_url": "http://127.0.0.1:9/v1"}}
    found = await forecast([ENTRY], [ENTRY], make_params(**roles))
    unknown = {row.stage for row in found.stages if row.cost_usd is None}
    assert "instruct" in unknown
    assert found.more_prices == {"gpt-y": None}


async def test_judges_are_foreseen_though_the_embedded_teacher_is_none() -> None:
    judge = {"model": "m", "base_url": "http://m.test/v1"}
    found = await forecast([ENTRY] * 3, [ENTRY], make_params(judge=judge, judges=2))
    simulate, judged = found.stages[-2:]
    assert (judged.stage, judged.calls) == ("judge", 2 * found.rows)
    assert judged.calls == 2 * 3 * 2
    assert judged.prompt_tokens / judged.calls > simulate.prompt_tokens / simulate.calls / 2
    assert (await forecast([ENTRY], [ENTRY], make_params())).stages[-1].stage == "simulate"


async def test_a_model_that_plays_the_api_is_foreseen() -> None:
    plain, simulated = [(await forecast([ENTRY], [ENTRY], make_params(executor=name))).stages[-1] for name in EXECUTORS]
    assert simulated.calls > plain.calls
