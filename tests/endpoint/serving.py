"""The embedded teacher's server: the app of `app`, with latency, faults, limits and counters on chat completions.

A bare ASGI app on the way of a chat completion, because it stands in front of clients that are measured.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from tasks.embedded.app import CHAT_PATH
from tests.endpoint.app import create_batching_app
from tests.endpoint.batches import BatchDials
from tests.endpoint.counting import Stats
from tests.endpoint.exchange import Exchange, read_body
from tests.endpoint.faults import HARMLESS, Burst, FaultPlan
from tests.endpoint.hostile import Hostility
from tests.endpoint.limits import LimitSchedule, RateLimit
from tests.endpoint.misbehaving import SPOILED, ask_to_wait, break_off, never_end, refuse, send_page
from tests.endpoint.replay import Answers


@dataclass(frozen=True)
class Conduct:
    """How the server behaves; times are in seconds.

    `error_rate` is the share of answers in which the grammar errs; `latency_s` what each answer takes. `faults` are
    shares of requests by fault, drawn by `fault_seed`; `burst` is how long 429s go on after a `429_burst`, `slow_s` how
    late a `slow` answer is, `retry_after_s` what `429_after` asks for. Requests beyond `limit` in flight are refused,
    with `limit_retry_after_s` if it is given; so are those beyond `per_minute`. Answers come from the file `replay`
    where it has them, and are added to the file `record`. `batches` says how the Batch API goes.
    """

    error_rate: float = 0.0
    latency_s: float = 0.0
    faults: Mapping[str, float] = field(default_factory=dict)
    fault_seed: int = 0
    burst: Burst = field(default_factory=Burst)
    slow_s: float = 5.0
    retry_after_s: float = 0.2
    limit: LimitSchedule | None = None
    limit_retry_after_s: float | None = None
    per_minute: int | None = None
    replay: Path | None = None
    record: Path | None = None
    batches: BatchDials = field(default_factory=BatchDials)


class OfflineServer:
    """The ASGI app; it needs the server to run it with `exchange.ReachableProtocol`.

    Raises:
        OSError, ValueError: the recorded answers cannot be read, or no answers can be recorded.
    """

    def __init__(self, conduct: Conduct) -> None:
        self._conduct = conduct
        self._app: ASGIApp = create_batching_app(conduct.error_rate, conduct.batches)
        self._answers = Answers(conduct.error_rate, conduct.replay, conduct.record)
        self._plan = FaultPlan(conduct.faults, conduct.fault_seed, conduct.burst)
        self._rate = RateLimit(conduct.per_minute) if conduct.per_minute else None
        self._hostility = Hostility()
        self._stats = Stats()
        self._started: float | None = None
        self._turns: dict[str, int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        call = (scope["method"], scope["path"]) if scope["type"] == "http" else None
        if call == ("POST", CHAT_PATH):
            await self._chat(Exchange(scope, receive, send), receive)
        elif call == ("GET", "/stats"):
            await Exchange(scope, receive, send).reply(200, json.dumps(self._stats.report()).encode())
        elif call == ("POST", "/hostile"):
            self._hostility.choose((await read_body(receive) or b"").decode())
            await Exchange(scope, receive, send).reply(200, b"{}")
        elif call == ("POST", "/stats/reset"):
            self._stats.reset()
            await Exchange(scope, receive, send).reply(200, b"{}")
        else:
            await self._app(scope, receive, send)

    async def _chat(self, exchange: Exchange, receive: Receive) -> None:
        body = await read_body(receive)
        if body is None:
            return
        now = time.monotonic()
        self._stats.arrive(now)
        fault = self._plan.choose(now)  # before any limit, so that the n-th draw is the n-th request's
        if await self._limit(exchange, now):
            return
        self._stats.enter()
        try:
            await self._answer(exchange, body, fault)
        except asyncio.CancelledError:
            # The server stops and waits no longer. Swallowed: uvicorn would log a traceback for each request.
            await exchange.reset()
        finally:
            self._stats.leave()

    async def _limit(self, exchange: Exchange, now: float) -> bool:
        """Whether the request was refused because of a limit."""
        conduct, stats = self._conduct, self._stats
        self._started = now if self._started is None else self._started
        if conduct.limit is not None and stats.in_flight >= conduct.limit.find_limit(now - self._started):
            wait_s = conduct.limit_retry_after_s
            stats.limited["in_flight"] += 1
            stats.statuses[429] += 1
            await refuse(exchange, 429, None if wait_s is None else [("retry-after", f"{wait_s:g}")])
            return True
        if self._rate is None:
            return False
        taken = self._rate.take(now)
        exchange.headers = self._rate.announce(now)
        if not taken:
            stats.limited["rate"] += 1
            stats.statuses[429] += 1
            await refuse(exchange, 429, self._rate.ask_to_wait())
        return not taken

    async def _answer(self, exchange: Exchange, body: bytes, fault: str | None) -> None:
        if fault is not None:
            self._stats.faults[fault] += 1
            if await self._fail(exchange, fault):
                return
        if self._conduct.latency_s:
            await asyncio.sleep(self._conduct.latency_s)
        if exchange.is_abandoned:
            self._stats.abandoned += 1
            return
        answer = self._answers.find(body)
        self._stats.replayed += answer.is_replayed
        self._stats.generated += not answer.is_replayed
        content = answer.body
        if answer.status == 200 and fault is not None:
            if fault == "reset_body":
                return await break_off(exchange, content)
            if fault == "endless":
                return await never_end(exchange, content, trickles=self._take_turn(fault) % 2 == 0)
            content = SPOILED[fault](content) if fault in SPOILED else content
        if answer.status == 200 and fault is None:
            if await self._hostility.answer(exchange, content):
                return
            content = self._hostility.poison(content)
        self._stats.statuses[answer.status] += 1
        if answer.status == 200 and (fault is None or fault in HARMLESS):
            self._stats.pay(answer.key)
        await exchange.reply(
            answer.status, content, content_type="text/plain" if fault == "wrong_type" else "application/json"
        )
        self._stats.finish()

    async def _fail(self, exchange: Exchange, fault: str) -> bool:
        """Commit a fault that needs no answer; whether that was all."""
        headers, status = None, int(fault[:3]) if fault[:3].isdigit() else None
        if fault == "reset":
            await exchange.reset()
            return True
        if fault == "slow":
            await exchange.wait(self._conduct.slow_s)
        elif fault == "html":
            status = (502, 200)[self._take_turn(fault) % 2]
            self._stats.statuses[status] += 1
            await send_page(exchange, status)
            return True
        elif fault == "429_after":
            headers = ask_to_wait(self._conduct.retry_after_s, self._take_turn(fault))
        if status is not None:
            self._stats.statuses[status] += 1
            await refuse(exchange, status, headers)
        return status is not None

    def _take_turn(self, fault: str) -> int:
        """How often this fault took its turn before: those with several forms show them one after the other."""
        turn = self._turns.get(fault, 0)
        self._turns[fault] = turn + 1
        return turn
