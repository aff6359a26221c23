"""An endpoint that means harm: what each mode makes of a good answer, or sends in place of one.

`FIELDS` poison a good answer, which is paid and worth keeping all the same; `RESPONSES` are none, and come in place of
every fourth answer, so that a run gets somewhere. Which of them holds is told by `POST /hostile`.
"""

import asyncio
import functools
import gzip
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from tests.endpoint.exchange import Exchange

EVERY = 4
"""One in so many requests meets a mode of `RESPONSES`."""

_MEBIBYTE = 1 << 20
_DEEP = "[" * 1000 + "]" * 1000
_ESCAPES = "\x1b]0;owned\x07\x1b[2J\x1b[31m\u202e\x9b1m\r"
_DRIP_S = 0.05

Answer = dict[str, Any]


def _dump(answer: Answer) -> bytes:
    return json.dumps(answer).encode()


def _set_usage(**counts: Any) -> Callable[[Answer], bytes]:
    return lambda answer: _dump({**answer, "usage": {**answer["usage"], **counts}})


def _set(**fields: Any) -> Callable[[Answer], bytes]:
    return lambda answer: _dump({**answer, **fields})


def _change_message(change: Callable[[Answer], None]) -> Callable[[Answer], bytes]:
    def changed(answer: Answer) -> bytes:
        change(answer["choices"][0]["message"])
        return _dump(answer)

    return changed


def _change_arguments(change: Callable[[str], Any]) -> Callable[[Answer], bytes]:
    def changed(message: Answer) -> None:
        for call in message.get("tool_calls") or ():
            call["function"]["arguments"] = change(call["function"]["arguments"])

    return _change_message(changed)


def _multiply_calls(message: Answer) -> None:
    if message.get("tool_calls"):
        message["tool_calls"] *= 60_000


def _lengthen_ids(message: Answer) -> None:
    for call in message.get("tool_calls") or ():
        call["id"] = "\0\ud83d" + "x" * 100_000


def _think(message: Answer) -> None:
    message["content"] = "<think>" * 8000 + "</thinking>" + "<think>" * 8000 + "</think>" + (message["content"] or "")


def _swell(message: Answer) -> None:
    if message["content"]:
        message["content"] += " word" * 400_000


def _break_text(message: Answer) -> None:
    if message["content"]:
        message["content"] += " \0 \ud83d"


def _insert(answer: Answer, text: str) -> bytes:
    """The answer with the text of one more field before all others."""
    return b"{" + text.encode() + b"," + _dump(answer)[1:]


def _make_odd(answer: Answer) -> bytes:
    """All fields but what is said, and why it ended, are of another type, or out of their range."""
    choice = answer["choices"][0]
    for call in choice["message"].get("tool_calls") or ():
        call["id"] = 10**30
    return _dump(
        {
            "choices": [choice, {"message": {"content": "another"}}, None, 7],
            "model": {"name": ["tiny"]},
            "system_fingerprint": [[1]],
            "usage": {"prompt_tokens": -5, "completion_tokens": "5", "prompt_tokens_details": [1]},
        }
    )


FIELDS: dict[str, Callable[[Answer], bytes]] = {
    "usage_huge": _set_usage(prompt_tokens=10**30, completion_tokens=10**30),
    "usage_true": _set_usage(prompt_tokens=True, completion_tokens=True),
    "usage_nan": _set_usage(prompt_tokens=float("nan"), completion_tokens=float("inf")),
    "usage_digits": lambda answer: _dump(answer).replace(b'"usage": {', b'"usage": {"total": ' + b"9" * 5000 + b","),
    "model_half_a_pair": _set(model="tiny \ud83d"),
    "model_long": _set(model=_ESCAPES + "x" * _MEBIBYTE),
    "fields_odd": _make_odd,
    "thoughts": _change_message(_think),
    "content_huge": _change_message(_swell),
    "content_broken": _change_message(_break_text),
    "calls_many": _change_message(_multiply_calls),
    "ids_long": _change_message(_lengthen_ids),
    "arguments_deep": _change_arguments(lambda text: _DEEP),
    "arguments_deep_object": _change_arguments(lambda text: json.loads("[" * 600 + "]" * 600)),
    "arguments_huge": _change_arguments(lambda text: json.dumps({**json.loads(text), "more": "x" * _MEBIBYTE})),
    "arguments_digits": _change_arguments(lambda text: text[:-1] + ', "more": ' + "9" * 4000 + "}"),
    "keys_twice": lambda answer: _insert(answer, '"model": 7, "usage": 3, "choices": {}'),
    "extra_deep": lambda answer: _insert(answer, f'"extra": {_DEEP[900:1100]}'),
    "byte_order_mark": lambda answer: b"\xef\xbb\xbf" + _dump(answer),
    "utf_16": lambda answer: json.dumps(answer).encode("utf-16"),
}
"""The body of a good answer, poisoned."""


async def _send_for_ever(exchange: Exchange, _: bytes) -> None:
    await exchange.start(200)
    while not exchange.is_abandoned:
        await exchange.write(b" " * 65536)
        await asyncio.sleep(0)


async def _drip(exchange: Exchange, body: bytes) -> None:
    await exchange.start(200, [("content-length", str(len(body)))])
    for place in range(len(body)):
        if exchange.is_abandoned:
            return
        await exchange.write(body[place : place + 1])
        await exchange.wait(_DRIP_S)


@functools.cache
def _make_bomb() -> bytes:
    return gzip.compress(bytes(200 * _MEBIBYTE))


async def _redirect(exchange: Exchange, _: bytes) -> None:
    await exchange.reply(307, b"", [("location", "http://me:secret@elsewhere.example/v1/chat/completions?key=secret")])


async def _send_bomb(exchange: Exchange, _: bytes) -> None:
    await exchange.reply(200, _make_bomb(), [("content-encoding", "gzip")])


async def _send_double_bomb(exchange: Exchange, _: bytes) -> None:
    await exchange.reply(200, gzip.compress(_make_bomb()), [("content-encoding", "gzip, gzip")])


async def _send_headers(exchange: Exchange, _: bytes) -> None:
    exchange.write_raw(b"HTTP/1.1 200 OK\r\n")
    number = 0
    while not exchange.is_abandoned and number < 100_000:
        exchange.write_raw(b"x-header-%d: %s\r\n" % (number, b"x" * 1000))
        number += 1
        await asyncio.sleep(0)
    await exchange.reset()


async def _send_other_length(exchange: Exchange, body: bytes) -> None:
    exchange.write_raw(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 7\r\n\r\n" + body)
    await exchange.reset()


async def _send_bad_chunks(exchange: Exchange, _: bytes) -> None:
    exchange.write_raw(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}\r\nzz\r\n")
    await exchange.reset()


async def _send_nothing(exchange: Exchange, _: bytes) -> None:
    await exchange.reply(200, b"")


async def _send_no_content(exchange: Exchange, _: bytes) -> None:
    exchange.write_raw(b"HTTP/1.1 204 No Content\r\n\r\n")
    await exchange.reset()


async def _hint_for_ever(exchange: Exchange, _: bytes) -> None:
    while not exchange.is_abandoned:
        exchange.write_raw(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        await exchange.wait(_DRIP_S)


async def _send_page(exchange: Exchange, _: bytes) -> None:
    await exchange.reply(200, b"<html>" + b"x" * _MEBIBYTE, content_type="text/html")


async def _send_deep_error(exchange: Exchange, _: bytes) -> None:
    await exchange.reply(500, b'{"error": {"message": ' + _DEEP.encode() + b', "code": ' + _DEEP.encode() + b"}}")


async def _send_long_error(exchange: Exchange, _: bytes) -> None:
    message = _ESCAPES + "x" * 3 * _MEBIBYTE
    await exchange.reply(400, json.dumps({"error": {"message": message, "code": [message], "param": {}}}).encode())


async def _send_deep_answer(exchange: Exchange, _: bytes) -> None:
    await exchange.reply(200, b'{"choices": ' + b"[" * 200_000)


async def _ask_for_patience(exchange: Exchange, body: bytes) -> None:
    for name, value in (("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "9" * 400 + "d")):
        exchange.headers.append((name, value))
    waits = ("1e308", "9" * 15, "nan", "-1", "Fri, 31 Dec 9999 23:59:59 GMT", "9" * 5000)
    wait = waits[len(body) % len(waits)]
    await exchange.reply(429, b'{"error": {"message": "later"}}', [("retry-after", wait)])


RESPONSES: dict[str, Callable[[Exchange, bytes], Awaitable[None]]] = {
    "body_endless": _send_for_ever,
    "body_dripping": _drip,
    "bomb": _send_bomb,
    "bomb_in_a_bomb": _send_double_bomb,
    "headers_endless": _send_headers,
    "length_wrong": _send_other_length,
    "chunks_wrong": _send_bad_chunks,
    "body_empty": _send_nothing,
    "no_content": _send_no_content,
    "hints_endless": _hint_for_ever,
    "page": _send_page,
    "error_deep": _send_deep_error,
    "error_long": _send_long_error,
    "answer_deep": _send_deep_answer,
    "patience_absurd": _ask_for_patience,
    "redirect": _redirect,
}
"""What is sent in place of a good answer, whose body is given."""


class Hostility:
    """The mode that holds, and which requests it meets; `met` counts them by mode."""

    def __init__(self) -> None:
        self.met: Counter[str] = Counter()
        self._mode = ""
        self._requests = 0

    def choose(self, mode: str) -> None:
        """Let a mode hold from now on; none with "". Raises ValueError for one that there is not."""
        if mode and mode not in FIELDS and mode not in RESPONSES:
            raise ValueError(f"there is no mode {mode!r}")
        self._mode, self._requests = mode, 0

    def poison(self, body: bytes) -> bytes:
        """What is sent for a good answer."""
        if self._mode not in FIELDS:
            return body
        self.met[self._mode] += 1
        return FIELDS[self._mode](json.loads(body))

    async def answer(self, exchange: Exchange, body: bytes) -> bool:
        """Answer in place of a good answer; whether this request was met."""
        self._requests += 1
        if self._mode not in RESPONSES or self._requests % EVERY != EVERY - 1:
            return False
        self.met[self._mode] += 1
        await RESPONSES[self._mode](exchange, body)
        return True
