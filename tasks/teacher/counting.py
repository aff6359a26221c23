"""How many tokens a request and an answer have, where the endpoint does not say or has not said yet.

By tiktoken where it is installed and its vocabulary lies on the disk already, else by length; and corrected by what the
endpoint's own counts come to, where it gives any.
"""

import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from schemas.calls import Completion, Usage

_log = logging.getLogger(__name__)

_BYTES_PER_TOKEN = 4
"""Of English, and of JSON; other scripts have more bytes to a character and fewer characters to a token."""

_WEIGHT = 1_000.0
"""Tokens of our own count that weigh as much as what an endpoint has told, so that one answer alone decides nothing."""

_ENOUGH = 100 * _WEIGHT

_FIRST_GUESS = 2_000
"""Tokens of an answer of which nothing is known: a long document. Where a budget is tight, fewer go out until it is."""

TIKTOKEN_VARIABLES = ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR")
_ENCODING = "o200k_base"
_VOCABULARY = "https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken"
_VOCABULARY_SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
"""What tiktoken loads, from which address, and its hash: with another one it would load it again."""


class TokenCounter:
    """Counts for one endpoint and model. `count` gives the tokens of a text, before any correction."""

    def __init__(self, count: Callable[[str], int] | None = None) -> None:
        self._count = count or load_counter()
        self._prompts = _Ratio()
        self._completions = _Ratio()
        self._answers: dict[str, tuple[int, int, int]] = {}  # by shape: how many, tokens in all, the most

    def count_prompt(self, body: Mapping[str, Any]) -> int:
        """Tokens of a request's body."""
        return self._prompts.correct(self._count(_write_prompt(body)))

    def expect_completion(self, shape: str) -> tuple[int, int]:
        """Tokens that an answer of this shape is thought to have: on the whole, and rather more than fewer."""
        count, tokens, largest = self._answers.get(shape, (0, 0, 0))
        return (tokens // count, min(largest, 2 * tokens // count)) if count else (0, _FIRST_GUESS)

    def complete(self, completion: Completion, body: Mapping[str, Any], shape: str) -> Completion:
        """The completion with its usage: as it was told, or as it is counted here, and then marked as estimated."""
        told = completion.usage
        said = completion.content + "".join(call.name + call.arguments for call in completion.tool_calls)
        if told.prompt and (told.completion or not said):
            self._learn(told, body, said)
        else:
            usage = told.model_copy(
                update={
                    "prompt": told.prompt or self.count_prompt(body),
                    "completion": told.completion or self._completions.correct(self._count(said)),
                }
            )
            completion = completion.model_copy(update={"usage": usage, "estimated": True})
        count, tokens, largest = self._answers.get(shape, (0, 0, 0))
        took = completion.usage.completion
        self._answers[shape] = (count + 1, tokens + took, max(largest, took))
        return completion

    def _learn(self, told: Usage, body: Mapping[str, Any], said: str) -> None:
        if not self._prompts.is_known:  # to count each and every one would take time, and tell nothing new
            self._prompts.learn(told.prompt, self._count(_write_prompt(body)))
        if said and not self._completions.is_known:
            self._completions.learn(told.completion - told.reasoning, self._count(said))


class _Ratio:
    """What the endpoint counts for each token of ours."""

    def __init__(self) -> None:
        self._told = self._counted = _WEIGHT

    @property
    def is_known(self) -> bool:
        """Whether so much was compared that more would change little."""
        return self._counted >= _ENOUGH

    def learn(self, told: int, counted: int) -> None:
        """The endpoint counts `told` tokens where we count `counted`."""
        if 0 < told < 100 * counted:
            self._told += told
            self._counted += counted

    def correct(self, counted: int) -> int:
        """As the endpoint would count."""
        return round(counted * self._told / self._counted)


def count_by_length(text: str) -> int:
    """Tokens of a text by the bytes that it has."""
    return -(-len(text.encode("utf-8", "replace")) // _BYTES_PER_TOKEN)


@cache
def load_counter() -> Callable[[str], int]:
    """tiktoken's count where nothing has to be downloaded for it, else that by length."""
    if not _has_vocabulary():
        return count_by_length
    try:
        encoding = import_module("tiktoken").get_encoding(_ENCODING)
    except Exception as error:
        _log.info("tokens are counted by length, for tiktoken cannot be used: %s", error)
        return count_by_length
    return lambda text: len(encoding.encode_ordinary(text))


def _has_vocabulary() -> bool:
    folder = next((given for name in TIKTOKEN_VARIABLES if (given := os.environ.get(name)) is not None), None)
    if folder == "":
        return False
    path = Path(folder or os.path.join(tempfile.gettempdir(), "data-gym-cache"))
    try:
        data = (path / hashlib.sha1(_VOCABULARY.encode()).hexdigest()).read_bytes()
    except OSError:
        return False
    return hashlib.sha256(data).hexdigest() == _VOCABULARY_SHA256


def _write_prompt(body: Mapping[str, Any]) -> str:
    """What of a request a model reads."""
    read = [body.get("messages"), body.get("tools") or [], body.get("response_format") or {}]
    return json.dumps(read, ensure_ascii=False, separators=(",", ":"))
