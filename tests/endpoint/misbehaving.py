"""What each fault of `faults.FAULTS` does to a response."""

import asyncio
import json
import math
import time
from collections.abc import Callable
from email.utils import formatdate

from tasks.embedded.app import make_error
from tests.endpoint.exchange import Exchange
from tests.endpoint.limits import Headers, write_duration

_TRICKLE_S = 0.05
_ARRIVAL_S = 0.02
"""Time for the first half of a body to reach the client: what is still under way is lost in a reset."""

PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"

_MESSAGES = {
    429: "Rate limit reached, please try again later.",
    500: "The server had an error while processing your request.",
    503: "The service is temporarily unavailable.",
    529: "Overloaded.",
}


async def refuse(exchange: Exchange, status: int, headers: Headers | None = None) -> None:
    """An error response in OpenAI's form."""
    limited = status == 429
    kind, code = ("requests", "rate_limit_exceeded") if limited else ("server_error", "server_error")
    await exchange.reply(status, make_error(_MESSAGES[status], code, kind), headers)


def ask_to_wait(seconds: float, form: int) -> Headers:
    """The headers that ask for this wait in the form with this number; there are six forms, and they take turns.

    A date, which has whole seconds only, is rounded up.
    """
    duration, now = write_duration(seconds), time.time()
    forms: list[Headers] = [
        [("retry-after", f"{seconds:g}")],
        [("retry-after-ms", str(math.ceil(seconds * 1000)))],
        [("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", duration)],
        [("retry-after", formatdate(math.ceil(now + seconds), usegmt=True))],
        [("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", duration)],
        [("x-ratelimit-reset", f"{now + seconds:.3f}")],
    ]
    return forms[form % len(forms)]


async def break_off(exchange: Exchange, body: bytes) -> None:
    """Half the body of a response that announces the whole, then a reset."""
    await exchange.start(200, [("content-length", str(len(body)))])
    await exchange.write(body[: len(body) // 2])
    await asyncio.sleep(_ARRIVAL_S)
    await exchange.reset()


async def never_end(exchange: Exchange, body: bytes, trickles: bool) -> None:
    """Half the body, then a space every now and then or nothing at all, for as long as the client waits."""
    await exchange.start(200)
    await exchange.write(body[: len(body) // 2])
    while trickles and not exchange.is_abandoned:
        await exchange.wait(_TRICKLE_S)
        await exchange.write(b" ")
    await exchange.wait(None)


async def send_page(exchange: Exchange, status: int) -> None:
    """What a proxy in front of a server says while it is away."""
    await exchange.reply(status, PAGE, content_type="text/html")


def _drop_choices(body: bytes) -> bytes:
    return json.dumps({**json.loads(body), "choices": []}).encode()


def _drop_usage(body: bytes) -> bytes:
    answer = json.loads(body)
    del answer["usage"]
    return json.dumps(answer, ensure_ascii=False).encode()


SPOILED: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda body: body[: len(body) // 2],
    "no_choices": _drop_choices,
    "no_usage": _drop_usage,
    "error_body": lambda body: make_error("The model is overloaded.", "server_error", "server_error"),
    "wrong_type": lambda body: body,
}
"""The body that is sent in place of a good one, with status 200."""
