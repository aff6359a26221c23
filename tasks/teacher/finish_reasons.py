"""What an endpoint's word for the end of an answer means, in whatever tongue it speaks.

The words are those of OpenAI, Anthropic, Gemini, Bedrock, Mistral, Cohere, DeepSeek, OpenRouter, vLLM, SGLang, TGI,
Ollama, watsonx, Zhipu and Alibaba. A word that nobody knows is no word for a completed answer: whoever says it means
something by it, and a text that may be a part of one is worth less than one that is asked for again.
"""

from typing import Any, Literal

from schemas.calls import FinishReason
from schemas.episodes import Flaw

_WORDS: dict[FinishReason | Literal["refused", "partial"], str] = {
    "stop": "stop end_turn eos eos_token stop_token stop_sequence stop_str complete completed finish finished done end",
    "tool_calls": "tool_calls tool_call tool_use function_call function_calls",
    "length": "length max_tokens max_output_tokens max_completion_tokens max_length max_new_tokens token_limit limit "
    "model_length context_length context_length_exceeded context_window_exceeded model_context_window_exceeded "
    "output_limit truncated incomplete max_token max_token_limit repetition_truncation",
    "content_filter": "content_filter content_filtered content_policy content_policy_violation filtered filter safety "
    "recitation blocklist prohibited_content spii image_safety language sensitive sensitive_words censored moderation "
    "moderated flagged blocked guardrail guardrails guardrail_intervened model_armor error_toxic policy_violation",
    "refused": "refusal refused",
    "partial": "error abort aborted cancelled canceled cancel failed failure interrupted timeout time_limit preempted "
    "not_finished network_error insufficient_system_resource malformed_function_call unexpected_tool_call "
    "function_call_filter too_many_tool_calls malformed_tool_use malformed_model_output malformed_response "
    "missing_thought_signature pause_turn other unknown engine_error server_error overloaded unload load",
}
_MEANINGS = {word: meaning for meaning, words in _WORDS.items() for word in words.split()}

_FAILURE_WORDS = (
    "error abort aborted cancelled canceled failed failure interrupted timeout time_limit preempted network_error "
    "insufficient_system_resource engine_error server_error overloaded unload load"
)
_FAILURES = frozenset(_FAILURE_WORDS.split())
"""Words for what became of the endpoint, not of the answer."""

_SAYS_NOTHING = frozenset({"", "null", "none", "unspecified"})


def read_finish(said: Any, has_calls: bool) -> tuple[FinishReason, Flaw | None]:
    """The finish reason in our terms, and the flaw where the answer is none by it.

    Case, hyphens and Gemini's prefix `FINISH_REASON_` do not matter; of `content_filter: RECITATION` the first word
    counts. Where nothing is said the answer is taken for completed.
    """
    finish: FinishReason = "tool_calls" if has_calls else "stop"
    word = _normalise(said)
    if word in _SAYS_NOTHING:
        return finish, None
    meaning = _MEANINGS.get(word, "partial")
    if meaning == "length":
        return "length", "cut_off"
    if meaning == "content_filter":
        return "content_filter", "filtered"
    if meaning == "refused":
        return "content_filter", "refused"
    return (finish, "partial") if meaning == "partial" else (meaning, None)


def is_failure(said: Any) -> bool:
    """Whether a word says that the endpoint failed: where nothing else was said, it is to be asked again."""
    return _normalise(said) in _FAILURES


def find_known_flaw(said: Any) -> Flaw | None:
    """The flaw that a word stands for, where it is known; None for any other."""
    return read_finish(said, has_calls=False)[1] if _normalise(said) in _MEANINGS else None


def _normalise(said: Any) -> str:
    if said is None:
        return ""
    if not isinstance(said, str):
        return "no text"
    word = said.partition(":")[0].strip().lower().replace("-", "_").replace(" ", "_")
    return word.removeprefix("finish_reason_")
