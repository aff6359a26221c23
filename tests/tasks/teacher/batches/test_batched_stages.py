"""The teacher with `batch`: single-shot stages go in batches, the dialogue goes online, and a stop leaves batches."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from prompts import load_prompt
from schemas.calls import ChatRequest, Completion, Stage
from schemas.errors import RunStoppedError, TeacherError
from schemas.parameters import Budget
from schemas.teacher import TeacherSettings
from tasks.teacher import CompletionStore, Engine, Ledger, Teacher
from tests.endpoint.app import create_batching_app
from tests.endpoint.batches import BatchDials
from tests.tasks.teacher.batching import BatchEndpoint, wait_until
from tests.tasks.teacher.endpoints import serve

TIMES = {"linger_s": 0.05, "poll_first_s": 0.02, "poll_longest_s": 0.05, "lease_s": 0.3}
SINGLE_SHOT = frozenset({"document", "specify", "instruct"})
PRICES = """
endpoints:
  any:
    offline: {input: 2.0, output: 8.0, noted: 2026-01-01}
"""


@pytest.fixture(autouse=True)
def set_prices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "prices.yaml").write_text(PRICES)
    monkeypatch.setenv("TOOLHERD_PRICES", str(tmp_path / "prices.yaml"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CompletionStore]:
    with CompletionStore(tmp_path / "completions.sqlite") as store:
        yield store


def connect(url: str, store: CompletionStore, ledger: Ledger | None = None, budget: Budget | None = None) -> Teacher:
    settings = TeacherSettings(model="offline", base_url=url, api_key_env="TINY_KEY", batch=True)
    return Teacher(
        Engine(settings, store, budget=budget, single_shot=SINGLE_SHOT, batch_times=TIMES), ledger or Ledger()
    )


def ask(number: int) -> ChatRequest:
    """A request that the embedded teacher answers as the user."""
    prompt = load_prompt("user").render(instruction="Find me a cat.", detail=None, turned_down=None)
    messages = ({"role": "system", "content": prompt}, {"role": "user", "content": f"Is cat {number} the one?"})
    return ChatRequest(messages=messages, seed=number)


async def complete(teacher: Teacher, number: int, stage: Stage = "document") -> Completion:
    return await teacher.complete(ask(number), stage=stage, api_id="cats", owner="cats")


async def test_single_shot_stages_go_in_one_batch_at_half_price_and_the_dialogue_online(store: CompletionStore) -> None:
    endpoint, ledger = BatchEndpoint(app=create_batching_app()), Ledger()
    with serve(endpoint) as url:
        async with connect(url, store, ledger) as teacher:
            stages: list[Stage] = ["document", "specify", "instruct", "simulate"]
            answers = await asyncio.gather(*(complete(teacher, n, stage) for n, stage in enumerate(stages)))
            again = await complete(teacher, 0, "simulate")
    assert len(endpoint.lines) == 3
    assert endpoint.count("POST /v1/chat/completions") == 1
    assert [answer.batched for answer in answers] == [True, True, True, False]
    assert again == answers[0]
    rows = {row.stage: row for row in ledger.rows if not row.stored}
    assert rows["document"].batched
    for row, share in ((rows["document"], 0.5), (rows["simulate"], 1.0)):
        assert row.cost_usd == pytest.approx(share * (row.prompt_tokens * 2 + row.completion_tokens * 8) / 1e6)
    assert teacher.state.spent.calls == 4
    assert teacher.state.spent.usd == pytest.approx(sum(row.cost_usd or 0 for row in rows.values()))


async def test_a_run_that_is_stopped_leaves_its_batch_and_the_next_one_gets_the_answers(store: CompletionStore) -> None:
    endpoint = BatchEndpoint(app=create_batching_app(dials=BatchDials(delay_s=0.5)))
    with serve(endpoint) as url:
        async with connect(url, store) as teacher:
            asked = [asyncio.create_task(complete(teacher, number)) for number in range(5)]
            await wait_until(lambda: bool(endpoint.lines))
            assert teacher.state.in_batches == 5
            teacher.stop(RunStoppedError("stopped by SIGINT", "signal"))
            results = await asyncio.gather(*asked, return_exceptions=True)
        assert all(isinstance(result, RunStoppedError) for result in results)
        assert [batch.requests for batch in teacher.open_batches] == [5]
        async with connect(url, store) as teacher:
            answers = await asyncio.gather(*(complete(teacher, number) for number in range(5)))
    assert all(answer.batched for answer in answers)
    assert (len(endpoint.lines), endpoint.count("POST /v1/batches")) == (5, 1)


async def test_a_budget_holds_for_batches_too(store: CompletionStore) -> None:
    endpoint = BatchEndpoint(app=create_batching_app())
    with serve(endpoint) as url:
        async with connect(url, store, budget=Budget(calls=3)) as teacher:
            asked = (complete(teacher, number) for number in range(8))
            results = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(result, RunStoppedError) for result in results) >= 5
    assert len(endpoint.lines) <= 3


async def test_a_request_that_fails_in_every_batch_fails_with_the_last_problem(store: CompletionStore) -> None:
    endpoint = BatchEndpoint(app=create_batching_app(dials=BatchDials(fail_share=1.0)))
    with serve(endpoint) as url:
        async with connect(url, store) as teacher:
            with pytest.raises(TeacherError, match="500"):
                await complete(teacher, 1)
    assert store.count() == 0
