"""What is wrong with a reply of the user agent: users know of no functions, do not help, and say what they want."""

import re
from collections.abc import Set

from schemas.episodes import Instruction
from tasks.markup.told_calls import find_announced_call, find_written_call
from tasks.values import split_name
from tasks.values.folding import fold_text, fold_words

_OF_THE_ASSISTANT = re.compile(
    r"\bhow (?:can|may) I (?:help|assist)\b|\bas an? (?:AI|assistant|language model)\b"
    r"|\bI(?:[’']m| am) (?:here to (?:help|assist)|happy to (?:help|assist)|an (?:AI|assistant))\b"
    r"|\bI can (?:help|assist) you\b|\b(?:would you like|do you want) me to\b"
    r"|\bI(?:[’']ll| will) (?:now )?(?:search|call|fetch|retrieve|check|find) (?:it|that|the|for)\b"
    r"|\bI(?:[’']ll| will) look (?:it|that|this|them) up\b"
    r"|\blet me (?:search|look|call|fetch|retrieve|check|find)\b|\bI (?:found|have found) (?:\d+|the following)\b"
    r"|\bhere (?:are|is) (?:the|your) (?:results?|list|details|information)\b"
    r"|\bplease (?:provide|specify|tell me|let me know|clarify)\b",
    re.IGNORECASE,
)


def find_reply_problem(reply: str, question: str, instruction: Instruction, functions: Set[str]) -> str:
    """What is wrong with a user's reply to a question, with its remedy; "" if nothing is."""
    named = find_written_call(reply, functions, has_calls=False) or find_announced_call(reply, functions, False)
    if named:
        return f"it speaks of functions ({named[:60]}), of which a user knows nothing; say it in plain words"
    spoken = _OF_THE_ASSISTANT.search(reply)
    if spoken:
        return f"it speaks as the assistant does ({spoken.group()}); you are the user: answer what you are asked"
    if _keeps_back(reply, question, instruction):
        assert instruction.withheld is not None
        return f"you are asked for {instruction.withheld.parameter}, and it does not say what you have in mind; tell it"
    return ""


def _keeps_back(reply: str, question: str, instruction: Instruction) -> bool:
    """Whether a user is asked for what the request left out, and says something else."""
    detail = instruction.withheld
    if detail is None or not set(fold_words(" ".join(split_name(detail.parameter)))) & set(fold_words(question)):
        return False
    values = detail.value if isinstance(detail.value, list) else [detail.value]
    told = fold_text(reply)
    return not any(_holds(told, value) for value in values)


def _holds(told: str, value: object) -> bool:
    """Whether a text has a value, or a word or number of one that may be written in another way, as a date."""
    parts = re.findall(r"\w+", fold_text(str(value)))
    return (
        isinstance(value, bool) or value is None or any(part.lstrip("0") in told for part in parts if part.strip("0"))
    )
