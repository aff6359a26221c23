"""What a run that went wrong tells a person: causes that are alike once, and what to do."""

from collections.abc import Mapping, Sequence

from schemas.reasons import Reason

_LOOK = "Look at the rows: `reasons` and `checks` say what each was turned down for."

_ADVICE: dict[str, str] = {
    Reason.TEACHER_ERROR: "See what the endpoint says in the column `checks`; another model or endpoint may do: "
    "--teacher.model, --teacher.base_url.",
    Reason.NO_TOOL_CALL: "The model called no function: see that the server reads tool calls (vLLM: "
    "--enable-auto-tool-choice --tool-call-parser; llama.cpp: --jinja), or take another model with --teacher.model.",
    Reason.INVALID_TOOL_CALL: "The model's calls cannot be read: see that the server reads tool calls of this model "
    "(vLLM: --tool-call-parser; llama.cpp: --jinja), or take another model with --teacher.model.",
    Reason.EMPTY_RESPONSE: "The model's last answers are empty: a limit of tokens that its thoughts use up, or another "
    "model, may be the cause.",
    "cut_off": "The model's last answers were cut off: allow it more tokens, or the server a larger context.",
    "filtered": "The endpoint filtered the last answers: take another endpoint or model.",
    "refused": "The model refused to answer: take another with --teacher.model.",
}


def advise(reasons: Mapping[str, int]) -> str:
    """What to do where rows were turned down for these reasons, of which the most frequent one counts."""
    if not reasons:
        return _LOOK
    reason = max(reasons, key=lambda name: reasons[name])
    return _ADVICE.get(reason, _LOOK)


def count_causes(rejections: Mapping[str, str]) -> list[tuple[str, Sequence[str]]]:
    """Causes and the ids of the APIs that were rejected for them, the most frequent one first."""
    causes: dict[str, list[str]] = {}
    for api_id, cause in rejections.items():
        causes.setdefault(cause, []).append(api_id)
    return sorted(causes.items(), key=lambda item: -len(item[1]))
