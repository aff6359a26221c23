"""The teachers of a run by role: who is asked for what, in the run's process and in one of their own."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from schemas.calls import ROLES, Role, Stage
from schemas.errors import RunStoppedError, UserError
from schemas.parameters import Budget, BuildDatasetParams
from tasks.teacher import CompletionStore, Engines, EngineStart, Ledger, Spent, Teacher, open_teacher
from tasks.teacher.endpoint import name_endpoint
from tasks.teacher.engine.engines import open_engines, require_usable_teachers
from tasks.teacher.sending.capabilities import Capabilities
from tasks.teacher.sending.memory import Learnt, Memory
from tests.tasks.teacher.batching import wait_until
from tests.tasks.teacher.endpoints import Endpoint, call_or_echo, serve
from tests.tasks.teacher.teachers import ask

pytestmark = pytest.mark.usefixtures("clean_environment")

PRICES = """
endpoints:
  any:
    cheap: {input: 1, output: 1, noted: 2026-01-01}
    dear: {input: 1000, output: 1000, noted: 2026-01-01}
"""


def make_start(path: Path, budget: Budget | None = None, **roles: dict[str, Any]) -> EngineStart:
    """What a run is opened with whose roles have these settings."""
    params = BuildDatasetParams.model_validate(roles)
    others = {role: params.get_settings(role) for role in ROLES}
    return EngineStart(params.teacher, path, budget or Budget(), roles=others)


@asynccontextmanager
async def open_roles(path: Path, *, cores: int = 1, **settings: Any) -> AsyncIterator[tuple[Teacher, Ledger]]:
    ledger = Ledger()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.cpu_count", lambda: cores)
        async with open_teacher(make_start(path, **settings), ledger) as teacher:
            yield teacher, ledger


async def say(teacher: Teacher, stage: Stage, role: Role | None = None, text: str = "Hello") -> None:
    await teacher.complete(ask(text), stage=stage, api_id="cats", owner="cats", role=role)


@pytest.mark.parametrize("cores", [1, 2], ids=["here", "in a process"])
async def test_each_role_has_its_endpoint_model_key_and_sampling(
    cores: int, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoints = {role: Endpoint() for role in ROLES}
    async with AsyncExitStack() as stack:
        urls = {role: stack.enter_context(serve(endpoint)) for role, endpoint in endpoints.items()}
        roles: dict[str, Any] = {
            role: {"model": f"of-{role}", "base_url": url, "api_key_env": f"KEY_{role}", "stream": "never"}
            for role, url in urls.items()
        }
        for role in roles:
            monkeypatch.setenv(f"KEY_{role}", f"sk-{role}")
        roles["user"] |= {"temperature": 0.1, "top_p": 0.5, "max_tokens": {"user": 7}}
        roles["assistant"] |= {"extra_headers": {"X-Team": "env:TEAM"}}
        monkeypatch.setenv("TEAM", "blue")
        teacher, ledger = await stack.enter_async_context(open_roles(path, cores=cores, **roles))
        assert isinstance(teacher._engine, Engines) == (cores == 1)
        for stage in ("document", "specify", "instruct", "simulate", "judge"):
            await say(teacher, stage)
        await say(teacher, "simulate", "user", "And then?")
        await say(teacher, "simulate", "simulator")
        assert (teacher.counts.sent, teacher.counts.stored) == (6, 1)  # one request, of two stages
        recipes = [teacher.recipe(role)["model"] for role in ROLES]
        assert recipes == [f"of-{role}" for role in ROLES]
    assert [len(endpoints[role].requests) for role in ROLES] == [1, 2, 1, 1, 1]
    for role in ROLES:
        assert {request["model"] for request in endpoints[role].requests} == {f"of-{role}"}
        assert {headers["authorization"] for headers in endpoints[role].headers} == {f"Bearer sk-{role}"}
    told = endpoints["user"].requests[1]
    assert (told["temperature"], told["top_p"], told["max_tokens"]) == (0.1, 0.5, 7)
    assert endpoints["user"].requests[0]["max_tokens"] == 16_384  # instructions have a limit of their own
    assert endpoints["assistant"].headers[0]["x-team"] == "blue"
    assert "x-team" not in endpoints["user"].headers[0]
    assert [(row.stage, row.role) for row in ledger.rows] == [
        ("document", "teacher"), ("specify", "teacher"), ("instruct", "user"), ("simulate", "assistant"),
        ("simulate", "user"), ("simulate", "simulator"), ("judge", "judge"),
    ]  # fmt: skip


async def test_roles_that_are_asked_in_the_same_way_share_one_throttle(path: Path) -> None:
    endpoint = Endpoint().hold()
    with serve(endpoint) as url:
        roles: dict[str, Any] = {"teacher": {"model": "tiny", "base_url": url, "concurrency": 2}}
        async with open_roles(path, **roles) as (teacher, _):
            asked = [asyncio.create_task(say(teacher, "simulate", role, str(n))) for n in range(3) for role in ROLES]
            await wait_until(lambda: endpoint.busy == 2)
            assert teacher.state.in_flight == 2
            endpoint.release()
            await asyncio.gather(*asked)
    assert endpoint.busiest == 2


async def test_a_role_of_its_own_waits_for_nobody_else(path: Path) -> None:
    slow, quick = Endpoint().hold(), Endpoint()
    with serve(slow) as far, serve(quick) as near:
        roles: dict[str, Any] = {
            "teacher": {"model": "tiny", "base_url": far, "concurrency": 1},
            "user": {"base_url": near},
        }
        async with open_roles(path, **roles) as (teacher, _):
            waiting = asyncio.create_task(say(teacher, "document"))
            await wait_until(lambda: slow.busy == 1)
            await say(teacher, "instruct")
            assert not waiting.done()
            slow.release()
            await waiting


async def test_the_embedded_teacher_may_be_one_of_them(path: Path) -> None:
    endpoint = Endpoint()
    with serve(endpoint) as url:
        roles: dict[str, Any] = {"teacher": {"model": "tiny", "base_url": url}, "assistant": {"model": "offline"}}
        async with open_roles(path, **roles) as (teacher, ledger):
            tool = {"type": "function", "function": {"name": "countPets", "parameters": {"type": "object"}}}
            request = ask("Count the pets.", tools=(tool,), seed=1)
            await teacher.complete(request, stage="simulate", api_id="cats", owner="cats")
            await say(teacher, "document")
        assert [row.model for row in ledger.rows] == ["offline", "tiny-2025-01-01"]
    assert len(endpoint.requests) == 1


@pytest.fixture
def prices(clean_environment: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "prices.yaml").write_text(PRICES)
    monkeypatch.setenv("TOOLHERD_PRICES", str(tmp_path / "prices.yaml"))


@pytest.mark.usefixtures("prices")
class TestBudget:
    async def buy(self, path: Path, budget: Budget) -> tuple[int, Spent]:
        """Ask the teacher and the user in turn until the budget ends it: how many were answered, and what that took."""
        with serve(Endpoint()) as url:
            roles: dict[str, Any] = {"teacher": {"model": "cheap", "base_url": url}, "user": {"model": "dear"}}
            async with open_roles(path, budget=budget, **roles) as (teacher, _):
                for number in count():
                    try:
                        await say(teacher, "instruct" if number % 2 else "document", text=str(number))
                    except RunStoppedError:
                        break
                return number, teacher.state.spent

    async def test_one_covers_all(self, path: Path) -> None:
        assert (await self.buy(path, Budget(calls=5)))[0] == 5

    async def test_tokens_of_all_count(self, path: Path) -> None:
        answered, spent = await self.buy(path, Budget(tokens=50))
        assert (answered, spent.tokens) == (3, 3 * 14)  # a fourth would go beyond

    async def test_each_is_paid_at_its_own_price(self, path: Path) -> None:
        answered, spent = await self.buy(path, Budget(usd=0.0142))
        assert answered == 3  # cheap, dear, cheap: another dear one would cost as much again
        assert spent.usd == pytest.approx((14 + 14_000 + 14) / 1e6)


async def test_what_one_bought_whose_price_nobody_knows_leaves_the_cost_unknown(path: Path, prices: None) -> None:
    with serve(Endpoint()) as url:
        roles: dict[str, Any] = {"teacher": {"model": "cheap", "base_url": url}, "user": {"model": "odd"}}
        async with open_roles(path, **roles) as (teacher, _):
            costs = []
            for stage in ("document", "instruct"):
                await say(teacher, stage)
                costs.append(teacher.state.spent.usd)
            assert costs == [pytest.approx(14e-6), None]


class TestBeforehand:
    def test_each_role_is_looked_at(self, monkeypatch: pytest.MonkeyPatch) -> None:
        require_usable_teachers(BuildDatasetParams())
        for role in ("user", "assistant"):
            params = BuildDatasetParams.model_validate({role: {"model": "gpt-4o"}})
            with pytest.raises(UserError, match="OPENAI_API_KEY holds no API key"):
                require_usable_teachers(params)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
        with pytest.raises(UserError, match="price of 'gpt-none'"):
            require_usable_teachers(
                BuildDatasetParams.model_validate({"user": {"model": "gpt-none"}, "budget": {"usd": 1}})
            )

    def test_so_is_each_endpoint_to_go_on_with(self) -> None:
        teacher = {"model": "m", "base_url": "http://h/v1", "fallback": [{"preset": "groq"}]}
        with pytest.raises(UserError, match="GROQ_API_KEY"):
            require_usable_teachers(BuildDatasetParams.model_validate({"teacher": teacher}))

    def test_a_header_s_variable_has_to_be_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        teacher = {"model": "m", "base_url": "http://h/v1", "extra_headers": {"X-Key": "env:TEAM_KEY"}}
        params = BuildDatasetParams.model_validate({"teacher": teacher})
        monkeypatch.delenv("TEAM_KEY", raising=False)
        with pytest.raises(UserError, match="TEAM_KEY, which is to be sent as the header X-Key, is not set"):
            require_usable_teachers(params)
        monkeypatch.setenv("TEAM_KEY", "two\nlines")
        with pytest.raises(UserError, match="holds no text for a header"):
            require_usable_teachers(params)
        monkeypatch.setenv("TEAM_KEY", "sk-1\n")
        require_usable_teachers(params)


async def test_stop_ends_all_of_them_and_close_leaves_none(store: CompletionStore) -> None:
    first, second = Endpoint(), Endpoint()
    with serve(first) as one, serve(second) as other:
        start = make_start(store.path, teacher={"model": "tiny", "base_url": one}, user={"base_url": other})
        engines = open_engines(start, store)
        engines.stop(RunStoppedError("stopped by SIGINT", "signal"))
        for role in ROLES:
            with pytest.raises(RunStoppedError, match="SIGINT"):
                await engines.answer(ask(role), "simulate", "cats", role)
        assert await engines.aclose() == ()
    assert first.requests == second.requests == []


@pytest.mark.parametrize("shares", [True, False])
async def test_the_assistants_endpoint_is_probed_with_functions_and_any_other_with_a_schema_alone(
    shares: bool, path: Path
) -> None:
    theirs, its = Endpoint(last=call_or_echo), Endpoint(last=call_or_echo)
    with serve(theirs) as far, serve(its) as near, CompletionStore(path) as store:
        roles: dict[str, Any] = {"teacher": {"model": "tiny", "base_url": far, "api_key_env": "KEY"}}
        if not shares:
            roles["assistant"] = {"base_url": near}
        engines = open_engines(replace(make_start(path, **roles), probe="tools"), store)
        async with Teacher(engines, Ledger()) as teacher:
            await say(teacher, "document")
            await say(teacher, "simulate", "user")
            await say(teacher, "simulate")
    kinds = [["tools" in body, "response_format" in body] for body in theirs.requests]
    assert kinds == [[True, False]] * shares + [[False, True]] + [[False, False]]
    others = [["tools" in body, "response_format" in body] for body in its.requests]
    assert others == ([] if shares else [[True, False], [False, True], [False, False]])


async def test_the_bound_of_functions_is_the_assistants(path: Path) -> None:
    with CompletionStore(path) as store:
        presets: dict[str, Any] = {
            "teacher": {"model": "tiny", "base_url": "http://host/v1"},
            "assistant": {"base_url": "http://other/v1"},
        }
        start = make_start(path, **presets)
        memory = Memory(path)
        bounds: dict[Role, int] = {"teacher": 16, "assistant": 64}
        for role, most in bounds.items():
            endpoint = name_endpoint(start.find_settings(role))
            known = Capabilities(most_tools=most)
            memory.keep(Learnt(endpoint=endpoint, model="tiny", learnt_at=time.time(), capabilities=known))
        engines = open_engines(start, store)
        assert engines.state.most_tools == 64
        await engines.aclose()
