"""A budget of tokens over real connections, with many requests at a time, however the endpoint tells what they took."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from schemas.errors import RunStoppedError
from schemas.parameters import Budget
from tests.tasks.teacher.endpoints import Endpoint, build_answer, serve
from tests.tasks.teacher.teachers import ask, complete, connect

pytestmark = pytest.mark.usefixtures("tiny_key")

FORMS: dict[str, Callable[[int, int], dict[str, Any]]] = {
    "openai": lambda prompt, completion: {"usage": {"prompt_tokens": prompt, "completion_tokens": completion}},
    "missing": lambda prompt, completion: {},
    "null": lambda prompt, completion: {"usage": None},
    "anthropic": lambda prompt, completion: {"usage": {"input_tokens": prompt, "output_tokens": completion}},
    "ollama": lambda prompt, completion: {"prompt_eval_count": prompt, "eval_count": completion},
    "groq": lambda prompt, completion: {
        "x_groq": {"usage": {"prompt_tokens": prompt, "completion_tokens": completion}}
    },
    "gemini": lambda prompt, completion: {
        "usageMetadata": {"promptTokenCount": prompt, "candidatesTokenCount": completion}
    },
}  # fmt: skip


class Counting(Endpoint):
    """Answers at quite different lengths, and knows what all of that took."""

    def __init__(self, form: str) -> None:
        super().__init__(last=self._answer, delay_s=0.01)
        self.tell = FORMS[form]
        self.took = 0

    def _answer(self, body: dict[str, Any]) -> Response:
        asked = body["messages"][0]["content"]
        text = "word " * (40 + len(asked) % 7 * 40)
        prompt, completion = len(asked) // 4 + 10, len(text) // 4
        self.took += prompt + completion
        told = build_answer(text)
        del told["usage"]
        return JSONResponse({**told, **self.tell(prompt, completion)})


@pytest.mark.parametrize("form", FORMS)
async def test_it_is_exceeded_by_a_tenth_at_most_and_used_up_nearly(form: str) -> None:
    endpoint = Counting(form)
    with serve(endpoint) as url:
        async with connect(url, budget=Budget(tokens=20_000), concurrency=16) as teacher:
            asked = (complete(teacher, ask("x" * (400 + number))) for number in range(200))
            results = await asyncio.gather(*asked, return_exceptions=True)
            told = teacher.state.spent.tokens
    stops = [result for result in results if isinstance(result, RunStoppedError)]
    assert {stop.cause for stop in stops} == {"budget"}
    assert 17_000 < endpoint.took < 22_000
    assert told == pytest.approx(endpoint.took, rel=0.1)
