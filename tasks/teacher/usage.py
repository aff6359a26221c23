"""What an answer says that it took, in whatever form the endpoint says it."""

from collections.abc import Iterator, Mapping
from typing import Any

from schemas.calls import Usage, count_tokens

_PROMPT = ("prompt_tokens", "input_tokens", "promptTokenCount", "prompt_eval_count", "inputTokens")
_COMPLETION = ("completion_tokens", "output_tokens", "candidatesTokenCount", "eval_count", "outputTokens")
_CACHED = ("prompt_cache_hit_tokens", "cache_read_input_tokens", "cachedContentTokenCount", "cached_tokens")
_REASONING = ("reasoning_tokens", "thoughtsTokenCount")
_DETAILS = ("prompt_tokens_details", "input_tokens_details", "completion_tokens_details", "output_tokens_details")
_APART = "cache_read_input_tokens", "cache_creation_input_tokens"


def read_usage(body: Mapping[str, Any]) -> Usage:
    """The tokens that a response's body tells of; zeros for what it does not tell.

    Told in OpenAI's form (with DeepSeek's and Mistral's counts of cached tokens), Anthropic's (whose cached tokens are
    no part of the prompt's), Gemini's `usageMetadata`, Ollama's counts beside the message, and Groq's `x_groq.usage`.
    """
    for told in _list_places(body):
        prompt, completion = _read(told, _PROMPT), _read(told, _COMPLETION)
        if not prompt and not completion:
            continue
        details = [part for name in _DETAILS if isinstance(part := told.get(name), Mapping)]
        cached = max(_read(part, _CACHED) for part in (told, *details))
        if "prompt_tokens" not in told and "input_tokens" in told:
            prompt += sum(count_tokens(told.get(name)) for name in _APART)
        reasoning = max(_read(part, _REASONING) for part in (told, *details))
        if "candidatesTokenCount" in told:  # Gemini counts thoughts apart
            completion += reasoning
        return Usage(
            prompt=count_tokens(prompt), completion=count_tokens(completion), cached=cached, reasoning=reasoning
        )
    return Usage()


def _list_places(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Where usage may stand, the likeliest first."""
    for name in ("usage", "usageMetadata", "usage_metadata"):
        if isinstance(told := body.get(name), Mapping):
            yield told
    groq = body.get("x_groq")
    if isinstance(groq, Mapping) and isinstance(told := groq.get("usage"), Mapping):
        yield told
    yield body
    choices = body.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    if isinstance(first, Mapping) and isinstance(told := first.get("usage"), Mapping):
        yield told


def _read(told: Mapping[str, Any], names: tuple[str, ...]) -> int:
    return next((count for name in names if (count := count_tokens(told.get(name)))), 0)
