"""An answer that is none is drawn again, kept with its flaw, and not asked for by a later run unless that is wanted."""

import pickle
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse

from schemas.base import Record
from schemas.calls import ChatRequest
from schemas.errors import NoAnswerError, TeacherError, make_portable
from schemas.teacher import TeacherSettings
from tasks.completions.store import CompletionStore
from tasks.teacher import Engine, Ledger, Teacher
from tasks.teacher.in_process import connect_app
from tests.tasks.teacher.endpoints import Endpoint, Reply, build_answer, say

REQUEST = ChatRequest(messages=({"role": "user", "content": "Hi"},), seed=7)
WHO: dict[str, Any] = {"stage": "simulate", "api_id": "a", "owner": "a-1"}


def end(finish: str, content: str = "Once upon") -> Reply:
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": content}}
    return lambda _: JSONResponse(build_answer(choices=[choice]))


async def ask(
    endpoint: Endpoint,
    path: Path,
    *,
    retry_rejected: bool = False,
    ledger: Ledger | None = None,
    request: ChatRequest = REQUEST,
) -> str:
    """The answer's content; each call is a run of its own over the store at `path`."""
    with CompletionStore(path) as store:
        engine = Engine(TeacherSettings(), store, client=connect_app(endpoint.app))
        async with Teacher(engine, ledger or Ledger(), retry_rejected=retry_rejected) as teacher:
            return (await teacher.complete(request, **WHO)).content


class Cat(Record):
    name: str


async def ask_for_cat(endpoint: Endpoint, path: Path, *, retry_rejected: bool = False) -> Cat:
    with CompletionStore(path) as store:
        engine = Engine(TeacherSettings(), store, client=connect_app(endpoint.app))
        async with Teacher(engine, Ledger(), retry_rejected=retry_rejected) as teacher:
            return await teacher.complete_json(REQUEST, Cat, name="cat", **WHO)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "completions.sqlite"


async def test_a_flawed_draw_is_followed_by_another_with_a_seed_of_its_own(path: Path) -> None:
    endpoint, ledger = Endpoint(end("length"), end("content_filter"), say("Hello.")), Ledger()
    assert await ask(endpoint, path, ledger=ledger) == "Hello."
    assert len({body["seed"] for body in endpoint.requests}) == 3
    assert [row.finish_reason for row in ledger.rows] == ["length", "content_filter", "stop"]
    assert sum(row.prompt_tokens for row in ledger.rows) == 30


@pytest.mark.parametrize(
    ("reply", "flaw", "draws"),
    [
        (end("length"), "cut_off", 3),
        (end("content_filter"), "filtered", 3),
        (end("refusal"), "refused", 3),
        (end("stop", "Hello.<|im_end|>"), "leaked_tokens", 3),
        (end("other"), "partial", 6),
        (end("stop", ""), "empty", 6),
    ],
)
async def test_where_every_draw_is_flawed_that_is_told(path: Path, reply: Reply, flaw: str, draws: int) -> None:
    endpoint = Endpoint(last=reply)
    with pytest.raises(NoAnswerError, match=f"no answer in {draws} draws") as raised:
        await ask(endpoint, path)
    assert (raised.value.flaw, len(endpoint.requests)) == (flaw, draws)


async def test_a_later_run_sends_nothing_for_what_ended_so(path: Path) -> None:
    endpoint = Endpoint(last=end("length"))
    for _ in range(2):
        with pytest.raises(NoAnswerError):
            await ask(endpoint, path)
    assert len(endpoint.requests) == 3


async def test_unless_it_is_to_be_tried_again_and_then_with_further_draws(path: Path) -> None:
    endpoint = Endpoint(*[end("length")] * 5, say("Hello."))
    with pytest.raises(NoAnswerError):
        await ask(endpoint, path)
    assert await ask(endpoint, path, retry_rejected=True) == "Hello."
    assert len({body["seed"] for body in endpoint.requests}) == len(endpoint.requests) == 6


async def test_what_was_found_by_trying_again_is_found_by_later_runs_too(path: Path) -> None:
    endpoint = Endpoint(*[end("length")] * 5, say("Hello."))
    with pytest.raises(NoAnswerError):
        await ask(endpoint, path)
    await ask(endpoint, path, retry_rejected=True)
    assert await ask(endpoint, path) == "Hello."
    assert len(endpoint.requests) == 6


async def test_trying_again_draws_as_often_as_the_first_time(path: Path) -> None:
    endpoint = Endpoint(last=end("length"))
    for retry, sent in ((False, 3), (True, 6), (True, 9), (False, 9)):
        with pytest.raises(NoAnswerError):
            await ask(endpoint, path, retry_rejected=retry)
        assert len(endpoint.requests) == sent


async def test_a_run_that_may_send_no_more_looks_at_all_that_is_there(path: Path) -> None:
    endpoint = Endpoint(*[end("length")] * 3, *[end("stop", "")] * 5, say("Hello."))
    with pytest.raises(NoAnswerError):
        await ask(endpoint, path)
    await ask(endpoint, path, retry_rejected=True)
    assert await ask(endpoint, path) == "Hello."
    assert len(endpoint.requests) == 9


async def test_what_was_answered_is_not_asked_for_anew(path: Path) -> None:
    endpoint = Endpoint(say("Hello."))
    for retry in (False, True):
        assert await ask(endpoint, path, retry_rejected=retry) == "Hello."
    assert len(endpoint.requests) == 1


async def test_a_flawed_json_answer_is_drawn_afresh(path: Path) -> None:
    endpoint = Endpoint(end("content_filter"), end("stop", ""), say('{"name": "Felix"}'))
    assert (await ask_for_cat(endpoint, path)).name == "Felix"
    assert [len(body["messages"]) for body in endpoint.requests] == [1, 1, 1]


async def test_silence_counts_half_among_the_attempts_at_a_json_answer(path: Path) -> None:
    endpoint = Endpoint(*[end("stop", "")] * 7, say('{"name": "Felix"}'))
    assert (await ask_for_cat(endpoint, path)).name == "Felix"


async def test_an_unusable_json_answer_is_tried_again_only_where_that_is_wanted(path: Path) -> None:
    endpoint = Endpoint(say("a"), say("b"), say("c"), say("d"), say("e"), say('{"name": "Felix"}'))
    for _ in range(2):
        with pytest.raises(TeacherError, match="no usable cat after 4 attempts"):
            await ask_for_cat(endpoint, path)
    assert len(endpoint.requests) == 4
    assert (await ask_for_cat(endpoint, path, retry_rejected=True)).name == "Felix"
    assert [len(body["messages"]) for body in endpoint.requests[4:]] == [1, 3]


def test_the_error_keeps_its_flaw_on_its_way_between_processes() -> None:
    error = make_portable(NoAnswerError("no answer", "cut_off"))
    assert isinstance(error, NoAnswerError)
    assert error.flaw == pickle.loads(pickle.dumps(error)).flaw == "cut_off"
