"""An endpoint that is away, one that ends the run, and what both leave of the requests; in passing time."""

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest
from starlette.responses import HTMLResponse, JSONResponse, Response

from schemas.errors import FatalTeacherError, RunStoppedError, TeacherError
from schemas.parameters import Budget
from tasks.teacher.budget import RecentErrors
from tasks.teacher.sending.attempts import DRAW_STEP
from tests.tasks.teacher.endpoints import Endpoint, Reply, build_answer, echo, fail
from tests.tasks.teacher.passing_time import in_passing_time, read_clock
from tests.tasks.teacher.sending.test_sender import Errors, Slow, ask, connect, lose


def show_502(_: dict[str, Any]) -> Response:
    return HTMLResponse("<html><title>502 Bad Gateway</title></html>", 502)


LOADING = fail(503, "Loading model")
NO_CREDIT = fail(402, "Insufficient credits")
A_DAY = fail(429, "50 a day", headers={"retry-after": "40000"})
NO_KEY = fail(401, "Incorrect API key provided")
NO_PAGE: Reply = lambda _: HTMLResponse("<html><title>404 Not Found</title></html>", 404)  # noqa: E731


class Outage(Endpoint):
    """An endpoint that is away for a while after so many requests."""

    def __init__(self, reply: Reply, *, after: int, lasts_s: float, delay_s: float = 1.0) -> None:
        super().__init__(delay_s=delay_s)
        self.reply = reply
        self.after = after
        self.lasts_s = lasts_s
        self.began_at: float | None = None
        self.looks = 0
        self.last = self._reply

    def _reply(self, body: dict[str, Any]) -> Response:
        if len(self.requests) > self.after and self.began_at is None:
            self.began_at = read_clock()
        if self.began_at is None or read_clock() - self.began_at > self.lasts_s:
            return echo(body)
        self.looks += 1
        return self.reply(body)


class TestOutages:
    @pytest.mark.parametrize("reply", [show_502, fail(503), LOADING, lose], ids=["502", "503", "loading", "reset"])
    @pytest.mark.parametrize("lasts_s", [60, 600])
    def test_nothing_is_lost_and_nearly_nothing_is_sent_in_vain(self, reply: Reply, lasts_s: float) -> None:
        @in_passing_time
        async def play() -> None:
            endpoint = Outage(reply, after=30, lasts_s=lasts_s)
            sender = connect(endpoint, concurrency=8, attempts=1, errors=Errors(0.0))
            answers = await asyncio.gather(*(sender.send(ask(str(n))) for n in range(100)))
            assert [completion.content for completion, _ in answers] == [f"You said: {n}" for n in range(100)]
            assert endpoint.looks < 16 + lasts_s / 5
            assert read_clock() - 1000 < 14 + lasts_s + 12
            assert not sender.outage.is_on

        play()

    @in_passing_time
    async def test_it_is_told_with_its_reason_while_it_lasts(self) -> None:
        sender = connect(Outage(show_502, after=1, lasts_s=50), concurrency=2)
        await sender.send(ask())
        sending = [asyncio.create_task(sender.send(ask(str(n)))) for n in range(5)]
        await asyncio.sleep(41)
        assert (sender.outage.describe(), round(sender.outage.lasted_s)) == ("endpoint answers 502", 40)
        await asyncio.gather(*sending)
        assert sender.outage.describe() == ""

    @in_passing_time
    async def test_one_that_lasts_too_long_ends_the_run_in_order(self) -> None:
        sender = connect(Outage(show_502, after=1, lasts_s=10_000), give_up_s=300, concurrency=4)
        await sender.send(ask())
        results = await asyncio.gather(*(sender.send(ask(str(n))) for n in range(9)), return_exceptions=True)
        assert all(isinstance(result, RunStoppedError) and result.cause == "outage" for result in results)
        assert re.search(r"a page, '502 Bad Gateway' \(nothing was answered for 30\d s\); what is", str(results[0]))
        assert 300 <= read_clock() - 1000 <= 303

    @in_passing_time
    async def test_a_single_one_in_passing_stops_nobody_else(self) -> None:
        endpoint = Endpoint(*[echo] * 3, show_502, last=echo, delay_s=1)
        sender, began = connect(endpoint, concurrency=4), read_clock()
        await asyncio.gather(*(sender.send(ask(str(n))) for n in range(16)))
        assert read_clock() - began <= 5.6
        assert sender.throttle.limit >= 4

    @in_passing_time
    async def test_a_request_that_fails_while_others_are_answered_is_given_up_after_its_attempts(self) -> None:
        def break_one(body: dict[str, Any]) -> Response:
            return show_502(body) if body["messages"][0]["content"] == "poison" else echo(body)

        errors = Errors()
        sender = connect(Endpoint(last=break_one, delay_s=1), attempts=3, errors=errors, concurrency=4)
        poison = asyncio.create_task(sender.send(ask("poison")))

        async def go_on(name: str) -> None:
            for number in range(50):
                await sender.send(ask(f"{name}{number}"))

        await asyncio.gather(*(go_on(name) for name in "abc"))
        with pytest.raises(TeacherError, match=r"answered 502.*\(attempt 3 of 3\)"):
            await poison
        assert len([problem for problem in errors.noted if problem]) == 3

    @in_passing_time
    async def test_one_that_asks_alone_is_given_up_when_the_patience_is_over_and_the_run_goes_on(self) -> None:
        endpoint = Endpoint(echo, last=show_502)
        sender = connect(endpoint, give_up_s=300)
        await sender.send(ask())
        with pytest.raises(TeacherError, match=r"answered 502: a page.* \(nothing was answered for 30\d s\)$"):
            await sender.send(ask("poison"))
        assert sender.stopped is None
        endpoint.last = echo
        assert (await sender.send(ask("again")))[0].content == "You said: again"

    @in_passing_time
    async def test_time_in_our_own_queue_is_no_time_of_failing(self) -> None:
        endpoint = Endpoint(*[echo] * 7, fail(500), delay_s=1)
        sender = connect(endpoint, concurrency=1, give_up_s=5)
        answers = await asyncio.gather(*(sender.send(ask(str(n))) for n in range(8)))
        assert answers[-1][1] == 2


class TestFirstContact:
    @pytest.mark.parametrize(("reply", "took_s"), [(lose, 10), (show_502, 60)])
    def test_where_nobody_ever_answered_the_address_is_not_waited_for_long(self, reply: Reply, took_s: float) -> None:
        @in_passing_time
        async def play() -> None:
            sender = connect(Endpoint(last=reply))
            results = await asyncio.gather(*(sender.send(ask(str(n))) for n in range(5)), return_exceptions=True)
            fatal = next(result for result in results if isinstance(result, FatalTeacherError))
            assert "see that it runs, and that --teacher.base_url is right" in str(fatal)
            assert "http://host/v1" in str(fatal)

        @in_passing_time
        async def measure() -> None:
            sender, began = connect(Endpoint(last=reply)), read_clock()
            with pytest.raises(FatalTeacherError):
                await sender.send(ask())
            assert took_s <= read_clock() - began <= took_s + 2

        play()
        measure()

    @in_passing_time
    async def test_a_model_that_loads_is_waited_for(self) -> None:
        sender = connect(Outage(LOADING, after=0, lasts_s=500))
        assert (await sender.send(ask()))[0].content == "You said: Hello"

    @pytest.mark.parametrize(("known", "ends"), [(False, True), (True, False)])
    def test_a_page_instead_of_an_answer_means_the_address_or_where_it_is_known_the_request(
        self, known: bool, ends: bool
    ) -> None:
        @in_passing_time
        async def play() -> None:
            endpoint = Endpoint(last=NO_PAGE)
            sender = connect(endpoint)
            sender.is_known = known
            with pytest.raises(TeacherError, match=r"404: a page, '404 Not Found'.*--teacher.base_url") as raised:
                await sender.send(ask())
            assert isinstance(raised.value, FatalTeacherError) == ends
            assert len(endpoint.requests) == 2

        play()

    @in_passing_time
    async def test_a_refusal_of_all_that_was_ever_asked_ends_the_run_at_once(self) -> None:
        endpoint = Endpoint(last=fail(412, "Account suspended"))
        with pytest.raises(FatalTeacherError, match="412: Account suspended"):
            await connect(endpoint, errors=RecentErrors(1.0)).send(ask())
        assert len(endpoint.requests) == 2
        known = connect(endpoint, errors=RecentErrors(1.0))
        known.is_known = True
        with pytest.raises(TeacherError, match="412: Account suspended") as raised:
            await known.send(ask())
        assert type(raised.value) is TeacherError


class TestWhatEndsTheRun:
    @pytest.mark.parametrize("reply", [NO_CREDIT, A_DAY], ids=["no credit", "a day"])
    @pytest.mark.parametrize("before", [0, 3])
    def test_nothing_to_be_bought_any_more_ends_it_in_order(self, reply: Reply, before: int) -> None:
        @in_passing_time
        async def play() -> None:
            endpoint = Endpoint(*[echo] * before, last=reply, delay_s=1)
            sender = connect(endpoint, concurrency=1)
            results = await asyncio.gather(*(sender.send(ask(str(n))) for n in range(9)), return_exceptions=True)
            stops = [result for result in results if isinstance(result, RunStoppedError)]
            assert (len(stops), {stop.cause for stop in stops}) == (9 - before, {"quota"})
            # Where there were answers it is asked once more; nobody else asks meanwhile, nor after.
            assert len(endpoint.requests) == before + (2 if before else 1)

        play()

    @pytest.mark.parametrize(("script", "sent"), [([], 1), ([echo], 3)])
    def test_a_bad_key_is_fatal_and_where_there_were_answers_it_has_to_be_said_twice(
        self, script: list[Reply], sent: int
    ) -> None:
        @in_passing_time
        async def play() -> None:
            endpoint = Endpoint(*script, last=NO_KEY)
            sender = connect(endpoint)
            for _ in script:
                await sender.send(ask())
            with pytest.raises(FatalTeacherError, match="refuses the API key"):
                await sender.send(ask("again"))
            assert len(endpoint.requests) == sent

        play()

    @pytest.mark.parametrize("reply", [NO_KEY, NO_CREDIT, A_DAY, NO_PAGE, fail(403, "Forbidden")])
    def test_once_in_passing_it_costs_nothing(self, reply: Reply) -> None:
        @in_passing_time
        async def play() -> None:
            endpoint = Endpoint(*[echo] * 3, reply, last=echo)
            sender = connect(endpoint, concurrency=1)
            await asyncio.gather(*(sender.send(ask(str(n))) for n in range(9)))
            assert len(endpoint.requests) == 10

        play()

    @in_passing_time
    async def test_what_is_moderated_or_not_to_be_had_costs_its_own_item_alone(self) -> None:
        def refuse(body: dict[str, Any]) -> Response:
            text = body["messages"][0]["content"]
            replies: dict[str, Reply] = {"1": NO_PAGE, "2": fail(403, "Your input was flagged"), "3": fail(400, "no")}
            return replies.get(text, echo)(body)

        endpoint = Endpoint(last=refuse)
        sender = connect(endpoint, concurrency=2)
        results = await asyncio.gather(*(sender.send(ask(str(n), seed=7)) for n in range(9)), return_exceptions=True)
        assert [type(result) for result in results[1:4]] == [TeacherError] * 3
        assert sum(isinstance(result, tuple) for result in results) == 6
        asked = [body["seed"] for body in endpoint.requests if body["messages"][0]["content"] in "123"]
        assert sorted(asked) == [7] * 3 + [7 + DRAW_STEP] * 3

    @in_passing_time
    async def test_limits_without_an_answer_for_more_than_an_hour_end_it_in_order(self) -> None:
        sender = connect(Endpoint(echo, last=fail(429, headers={"retry-after": "900"})))
        await sender.send(ask())
        with pytest.raises(RunStoppedError, match=r"answered 429: no, and has for 1\.") as raised:
            await sender.send(ask("again"))
        assert raised.value.cause == "quota"


class TestLimits:
    @in_passing_time
    async def test_where_each_waits_for_itself_and_nobody_is_under_way_that_is_a_pause_too(self) -> None:
        sender = connect(Endpoint(*[fail(429, headers={"retry-after": "50"})] * 2, last=echo, delay_s=1))
        sending = [asyncio.create_task(sender.send(ask(str(n)))) for n in range(2)]
        await asyncio.sleep(11)
        assert (sender.throttle.pause_s, round(sender.pause_s)) == (0, 40)
        other = asyncio.create_task(sender.send(ask("other")))
        await asyncio.sleep(0.5)
        assert sender.pause_s == 0  # somebody is under way
        await asyncio.gather(*sending, other)
        assert sender.pause_s == 0


class TestTimeOuts:
    @in_passing_time
    async def test_one_is_followed_by_another_seed_and_counts_in_the_budget(self) -> None:
        endpoint = Slow(1)
        sender = connect(endpoint, budget=Budget(calls=3))
        completion, attempts = await sender.send(ask(seed=7))
        assert (completion.sent_seed, attempts, sender.late) == (7 + DRAW_STEP, 2, 1)
        await sender.send(ask("again"))
        with pytest.raises(RunStoppedError, match="budget of 3 completions"):
            await sender.send(ask("and again"))

    @in_passing_time
    async def test_within_the_attempts(self) -> None:
        endpoint = Slow(3)
        with pytest.raises(TeacherError, match=r"no answer within 500 s \(attempt 3 of 3\)"):
            await connect(endpoint, attempts=3, give_up_s=9000).send(ask(seed=7))
        assert [body["seed"] for body in endpoint.requests] == [7, 7 + DRAW_STEP, 7 + 2 * DRAW_STEP]


class TestBudget:
    @pytest.mark.parametrize(
        ("reply", "tokens"),
        [
            (fail(400, "no"), 8),
            (fail(403, "Your input was flagged"), 8),
            (lambda _: JSONResponse({"choices": None, "usage": {"prompt_tokens": 50, "completion_tokens": 4}}), 54),
            (fail(429), 0),
            (fail(500), 0),
            (fail(502), 0),
        ],
        ids=["refused", "moderated", "no answer", "429", "500", "502"],
    )
    def test_what_was_refused_after_it_was_read_is_counted(self, reply: Reply, tokens: int) -> None:
        @in_passing_time
        async def play() -> None:
            sender = connect(Endpoint(reply), budget=Budget(tokens=10_000))
            await sender.send(ask())
            spent = sender._account.spent
            assert spent.calls == 1
            assert spent.tokens - 14 == pytest.approx(tokens, abs=8 if tokens == 8 else 0)
            assert (spent.tokens > 14) == (tokens > 0)

        play()

    @pytest.mark.parametrize("form", ["missing", "null", "ollama", "anthropic", "groq"])
    @pytest.mark.parametrize("concurrency", [1, 16])
    def test_it_is_exceeded_by_little_however_usage_is_told(self, form: str, concurrency: int) -> None:
        forms: dict[str, Callable[[int, int], dict[str, Any]]] = {
            "missing": lambda prompt, completion: {},
            "null": lambda prompt, completion: {"usage": None},
            "ollama": lambda prompt, completion: {"prompt_eval_count": prompt, "eval_count": completion},
            "anthropic": lambda prompt, completion: {"usage": {"input_tokens": prompt, "output_tokens": completion}},
            "groq": lambda prompt, completion: {
                "x_groq": {"usage": {"prompt_tokens": prompt, "completion_tokens": completion}}
            },
        }
        really = 0

        def answer(body: dict[str, Any]) -> Response:
            nonlocal really
            text = "word " * (40 + len(body["messages"][0]["content"]) % 7 * 40)
            prompt, completion = len(str(body["messages"])) // 4, len(text) // 4
            really += prompt + completion
            told = build_answer(text)
            del told["usage"]
            return JSONResponse({**told, **forms[form](prompt, completion)})

        @in_passing_time
        async def play() -> None:
            sender = connect(Endpoint(last=answer, delay_s=1), budget=Budget(tokens=20_000), concurrency=concurrency)
            asked = (sender.send(ask("x" * (400 + n))) for n in range(300))
            results = await asyncio.gather(*asked, return_exceptions=True)
            assert sum(isinstance(result, RunStoppedError) for result in results) > 0
            assert 17_000 < really < 22_000

        play()
