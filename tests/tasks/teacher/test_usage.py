"""Tokens that were told, in the forms in which endpoints tell them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.calls import Usage
from tasks.teacher.usage import read_usage

OPENAI = {
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "prompt_tokens_details": {"cached_tokens": 60},
    "completion_tokens_details": {"reasoning_tokens": 15},
}


@pytest.mark.parametrize(
    ("body", "usage"),
    [
        ({"usage": OPENAI}, Usage(prompt=100, completion=20, cached=60, reasoning=15)),
        ({"usage": {**OPENAI, "prompt_tokens_details": None, "completion_tokens_details": None,
                    "prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 36}},  # DeepSeek
         Usage(prompt=100, completion=20, cached=64)),
        ({"usage": {"prompt_tokens": 100, "completion_tokens": 20, "cached_tokens": 64}},  # Moonshot
         Usage(prompt=100, completion=20, cached=64)),
        ({"usage": {"input_tokens": 40, "cache_read_input_tokens": 60, "cache_creation_input_tokens": 5,
                    "output_tokens": 20}},  # Anthropic
         Usage(prompt=105, completion=20, cached=60)),
        ({"usage": {"input_tokens": 100, "output_tokens": 20, "input_tokens_details": {"cached_tokens": 60},
                    "output_tokens_details": {"reasoning_tokens": 15}}},
         Usage(prompt=100, completion=20, cached=60, reasoning=15)),
        ({"usageMetadata": {"promptTokenCount": 100, "candidatesTokenCount": 5, "thoughtsTokenCount": 15,
                            "cachedContentTokenCount": 60}},  # Gemini, whose thoughts are counted apart
         Usage(prompt=100, completion=20, cached=60, reasoning=15)),
        ({"prompt_eval_count": 100, "eval_count": 20}, Usage(prompt=100, completion=20)),  # Ollama
        ({"usage": None, "x_groq": {"id": "x", "usage": OPENAI}},
         Usage(prompt=100, completion=20, cached=60, reasoning=15)),
        ({"usage": {}, "choices": [{"usage": {"prompt_tokens": 100, "completion_tokens": 20}}]},  # Moonshot's streams
         Usage(prompt=100, completion=20)),
        ({"usage": {"prompt_tokens": 0, "completion_tokens": 0}, "x_groq": {"usage": OPENAI}},
         Usage(prompt=100, completion=20, cached=60, reasoning=15)),
        ({"usage": None}, Usage()),
        ({}, Usage()),
        ({"usage": {"total_tokens": 9}}, Usage()),
        ({"usage": [OPENAI], "x_groq": "usage", "choices": ["x"]}, Usage()),
    ],
)  # fmt: skip
def test_each_form_is_read(body: dict[str, Any], usage: Usage) -> None:
    assert read_usage(body) == usage


@given(
    st.dictionaries(
        st.sampled_from(["usage", "x_groq", "usageMetadata", "prompt_tokens", "choices", "eval_count"]),
        st.recursive(st.none() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner), max_leaves=5),
    )
)
def test_nothing_is_too_strange_to_read(body: dict[str, Any]) -> None:
    assert min(read_usage(body).model_dump().values()) >= 0
