"""The teacher's client against the embedded teacher's server, a process of its own, with faults dialled in."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.calls import ChatRequest, Completion
from schemas.errors import FatalTeacherError, TeacherError
from schemas.teacher import TeacherSettings
from tasks.teacher import CompletionStore, Engine, Ledger, Teacher
from tests.endpoint.faults import FAULTS
from tests.endpoint.process import OfflineServer, serve_offline

TOOL = {
    "type": "function",
    "function": {
        "name": "countPets",
        "description": "Count the pets. Returns: count.",
        "parameters": {"type": "object", "properties": {}, "required": []},
    },
}
MESSAGES = ({"role": "system", "content": "Help."}, {"role": "user", "content": "Count the pets."})
MANY = 30


@pytest.fixture(autouse=True)
def unset_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "TOOLHERD_PRICES"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CompletionStore]:
    with CompletionStore(tmp_path / "completions.sqlite") as store:
        yield store


def ask(seed: int) -> ChatRequest:
    return ChatRequest(messages=MESSAGES, tools=(TOOL,), seed=seed)


def connect(server: OfflineServer, store: CompletionStore, ledger: Ledger | None = None, **settings: Any) -> Teacher:
    chosen: dict[str, Any] = {"timeout_s": 20, "concurrency": 8, **settings}
    engine = Engine(TeacherSettings(model="offline", base_url=server.base_url, **chosen), store, first_backoff_s=0.02)
    return Teacher(engine, ledger or Ledger())


async def complete(teacher: Teacher, seed: int) -> Completion:
    return await teacher.complete(ask(seed), stage="simulate", api_id="pets", owner=f"pets-{seed}")


async def complete_all(teacher: Teacher, count: int = MANY) -> list[Completion]:
    return await asyncio.gather(*(complete(teacher, seed) for seed in range(count)))


async def answer_in_process(count: int = MANY) -> list[str]:
    """What the embedded teacher says to the same requests, with nothing in between."""
    async with Teacher(Engine(TeacherSettings()), Ledger()) as teacher:
        return [describe(answer) for answer in await complete_all(teacher, count)]


def describe(answer: Completion) -> str:
    return repr((answer.content, answer.tool_calls, answer.finish_reason))


async def require_drawn(answers: list[Completion]) -> None:
    """See that the answers are those to the seeds that were asked for, but where a time-out led to another draw."""
    expected = await answer_in_process(len(answers))
    drawn_once = [place for place, answer in enumerate(answers) if answer.sent_seed is None]
    assert drawn_once
    assert [describe(answers[place]) for place in drawn_once] == [expected[place] for place in drawn_once]


class TestPassingFaults:
    """Each fault in a good share of the requests: everything is answered in the end, rightly, and paid once."""

    @pytest.mark.parametrize(
        "fault",
        ["500", "503", "529", "reset", "reset_body", "slow", "truncated", "html", "wrong_type", "no_choices",
         "no_usage", "error_body"],
    )  # fmt: skip
    async def test_every_request_is_answered_and_no_answer_is_paid_twice(
        self, fault: str, store: CompletionStore
    ) -> None:
        with serve_offline("--fault", f"{fault}=0.4", "--slow", "0.1") as server:
            async with connect(server, store, attempts=25) as teacher:
                answers = await complete_all(teacher)
            stats = server.stats()
        assert [describe(answer) for answer in answers] == await answer_in_process()
        assert stats["faults"][fault] > 0
        assert stats["requests"] == teacher.counts.sent
        assert stats["paid"] == {"completions": MANY, "distinct": MANY, "repeated": {}}
        assert store.count() == MANY

    @pytest.mark.parametrize("fault", ["429", "429_after", "429_burst"])
    async def test_a_429_uses_up_no_attempt(self, fault: str, store: CompletionStore) -> None:
        options = ("--retry-after", "0.05", "--burst", "5")
        rate = 0.2 if fault == "429_burst" else 0.4
        with serve_offline("--fault", f"{fault}={rate}", *options) as server:
            async with connect(server, store, attempts=1) as teacher:
                answers = await complete_all(teacher)
            stats = server.stats()
        assert [describe(answer) for answer in answers] == await answer_in_process()
        assert stats["faults"][fault] > 0
        assert stats["paid"] == {"completions": MANY, "distinct": MANY, "repeated": {}}

    async def test_a_burst_that_lasts_some_time_is_sat_out(self, store: CompletionStore) -> None:
        with serve_offline("--fault", "429_burst=0.2", "--burst", "0.5s") as server:
            async with connect(server, store, attempts=1) as teacher:
                await complete_all(teacher)
            stats = server.stats()
        assert stats["faults"]["429_burst"] > 0
        assert stats["paid"] == {"completions": MANY, "distinct": MANY, "repeated": {}}

    async def test_an_endless_body_ends_by_the_time_out_and_is_asked_for_again(self, store: CompletionStore) -> None:
        with serve_offline("--fault", "endless=0.3") as server:
            async with connect(server, store, attempts=25, timeout_s=2) as teacher:
                answers = await asyncio.wait_for(complete_all(teacher), 120)
            stats = server.stats()
        await require_drawn(answers)
        assert stats["faults"]["endless"] > 1  # it trickles and stalls in turn

    async def test_an_answer_slower_than_the_time_out_is_asked_for_again(self, store: CompletionStore) -> None:
        with serve_offline("--fault", "slow=0.3", "--slow", "60") as server:
            async with connect(server, store, attempts=25, timeout_s=2) as teacher:
                await asyncio.wait_for(complete_all(teacher), 120)
            stats = server.stats()
        assert stats["paid"]["distinct"] >= MANY  # other draws of those that came too late among them
        assert stats["abandoned"] + stats["in_flight"] > 0

    async def test_every_fault_at_once_at_20_percent_with_the_default_attempts(self, store: CompletionStore) -> None:
        count = 200
        rate = 0.2 / len(FAULTS)
        faults = [option for fault in FAULTS for option in ("--fault", f"{fault}={rate}")]
        with serve_offline(*faults, "--slow", "0.2", "--retry-after", "0.05") as server:
            async with connect(server, store, timeout_s=3, concurrency=32) as teacher:
                answers = await asyncio.wait_for(complete_all(teacher, count), 180)
            stats = server.stats()
        await require_drawn(answers)
        assert sum(stats["faults"].values()) > 20
        assert stats["paid"]["distinct"] >= store.count() == count


class TestWhatIsMissing:
    async def test_missing_usage_is_counted_here_and_marked(self, store: CompletionStore) -> None:
        ledger = Ledger()
        with serve_offline("--fault", "no_usage=1") as server:
            async with connect(server, store, ledger) as teacher:
                await complete_all(teacher, 3)
                assert teacher.counts.sent == 3
        assert all(row.prompt_tokens > 0 and row.completion_tokens > 0 and row.estimated for row in ledger.rows)
        assert len(ledger.rows) == 3

    async def test_a_good_body_is_taken_whatever_its_content_type(self, store: CompletionStore) -> None:
        with serve_offline("--fault", "wrong_type=1") as server:
            async with connect(server, store, attempts=1) as teacher:
                answers = await complete_all(teacher, 3)
                assert teacher.counts.sent == 3
        assert all(answer.tool_calls for answer in answers)


class TestLastingFaults:
    @pytest.mark.parametrize(
        ("fault", "told"),
        [
            ("endless", "no answer within 1 s"),
            ("truncated", "not JSON"),
        ],
    )
    async def test_a_fault_that_lasts_ends_after_the_attempts_with_the_last_problem(
        self, fault: str, told: str, store: CompletionStore
    ) -> None:
        with serve_offline("--fault", f"{fault}=1") as server:
            async with connect(server, store, attempts=3, timeout_s=1 if fault == "endless" else 20) as teacher:
                with pytest.raises(TeacherError, match=told):
                    await complete(teacher, 1)
            assert server.stats()["requests"] == 3
        assert store.count() == 0

    @pytest.mark.parametrize("fault", ["reset", "reset_body"])
    async def test_an_address_where_all_connections_break_is_given_up_after_ten_seconds(
        self, fault: str, store: CompletionStore
    ) -> None:
        with serve_offline("--fault", f"{fault}=1") as server:
            async with connect(server, store, attempts=3) as teacher:
                with pytest.raises(FatalTeacherError, match=r"cannot be reached.*nothing was answered for 1\d s"):
                    await complete(teacher, 1)
        assert store.count() == 0


class TestLimits:
    async def test_a_limit_that_falls_and_rises_fails_nothing(self, store: CompletionStore) -> None:
        count = 600
        limit = ("--limit", "64@0,8@1.5,64@4", "--latency", "0.3")
        with serve_offline(*limit) as server:
            async with connect(server, store, attempts=1, concurrency=128) as teacher:
                await asyncio.wait_for(complete_all(teacher, count), 180)
            stats = server.stats()
        assert stats["paid"] == {"completions": count, "distinct": count, "repeated": {}}
        assert stats["limited"]["in_flight"] > 0
        assert 8 < stats["most_in_flight"] <= 64
