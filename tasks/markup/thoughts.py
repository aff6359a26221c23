"""Thoughts in the spellings that models are known for, left out of a text.

Tags (`<think>`, `<seed:think>`, `[THINK]`, `<|START_THINKING|>` and more), the channels of gpt-oss (`analysis` is
thought, `final` is said), Granite's "Here is my thought process:".
"""

import re
from collections.abc import Iterator

_ANGLES = "think|thinking|thoughts?|reasoning|reflection|scratchpad|seed:think|inner_monologue"
_TOKENS = {
    "[THINK]": "[/THINK]",  # Magistral
    "<|START_THINKING|>": "<|END_THINKING|>",  # Command A
    "<|begin_of_thought|>": "<|end_of_thought|>",  # Sky-T1, OpenThinker
    "<|inner_prefix|>": "<|inner_suffix|>",  # Apertus
    "<|channel>": "<channel|>",  # Gemma 4
    "◁think▷": "◁/think▷",  # Kimi-VL
}
_START = re.compile(rf"[<\[◁](?:(?<=<)((?i:{_ANGLES}))>|({'|'.join(re.escape(token[1:]) for token in _TOKENS)}))")
_END = re.compile(rf"[<\[◁](?:(?<=<)/(?i:{_ANGLES})>|{'|'.join(re.escape(token[1:]) for token in _TOKENS.values())})")

_ANSWER = re.compile(
    r"\s*(?:<answer>|<\|START_RESPONSE\|>|<\|begin_of_solution\|>)(.*?)"
    r"(?:</answer>|<\|END_RESPONSE\|>|<\|end_of_solution\|>)?\s*",
    re.DOTALL,
)
"""What stands around the answer in some of these spellings."""

_CHANNEL = re.compile(
    r"(?:<\|start\|>\w*)?(?:\s*to=[^\s<]+)?<\|channel\|>\s*(\w+)(\s+to=[^\s<]+)?\s*(?:<\|constrain\|>\s*\w+\s*)?<\|message\|>"
)
_CHANNEL_END = re.compile(r"<\|(?:end|return|call|start|channel)\|>")

_GRANITE = re.compile(r"\s*Here(?:'s| is) my thought process:")
_GRANITE_ANSWER = re.compile(r"Here(?:'s| is) my response:")


def strip_thoughts(text: str) -> str:
    """`text` without its thoughts: whole ones, one whose beginning was in the prompt, one that never ended.

    A text without thoughts comes back as it is, any other without space around it.
    """
    if "<" not in text and "THINK]" not in text and "◁" not in text and "my thought process:" not in text:
        return text
    if "<|channel|>" in text:
        text = _keep_said_channels(text)
    if _GRANITE.match(text):
        answer = _find_last(_GRANITE_ANSWER, text)
        text = text[answer:].strip() if answer else ""
    end = _find_last(_END, text)
    if not end and _START.search(text) is None:
        return text
    text = "".join(_leave_out_whole(text))
    text = text[_find_last(_END, text) :]
    start = _START.search(text)
    text = (text[: start.start()] if start else text).strip()
    framed = _ANSWER.fullmatch(text)
    return framed[1].strip() if framed else text


def _leave_out_whole(text: str) -> Iterator[str]:
    """The parts of a text that are in no block which begins and ends with the same tag.

    No part of the text is looked at more than once for each tag.
    """
    place = at = 0  # all before `place` is told or left out; a block is looked for from `at` on
    ended: set[str] = set()  # the ends that do not come any more
    while (start := _START.search(text, at)) is not None:
        at = start.end()
        ending = f"</{start[1]}>" if start[1] else _TOKENS[start.group()]
        if ending in ended:
            continue
        end = text.find(ending, at)
        if end < 0:
            ended.add(ending)
            continue
        yield text[place : start.start()]
        place = at = end + len(ending)
    yield text[place:]


def _keep_said_channels(text: str) -> str:
    """What a text with channels says to the user, and the calls in it as they stand."""
    heads = list(_CHANNEL.finditer(text))
    if not heads:
        return text
    parts = [text[: heads[0].start()]]
    for head, following in zip(heads, [*heads[1:], None], strict=True):
        body_end = following.start() if following else len(text)
        if "to=" in head.group():
            parts.append(text[head.start() : body_end])
        elif head[1] != "analysis":
            end = _CHANNEL_END.search(text, head.end(), body_end)
            parts.append(text[head.end() : end.start() if end else body_end])
            parts.append("\n")
    return "".join(parts).strip()


def _find_last(pattern: re.Pattern[str], text: str) -> int:
    """Where the last match ends; 0 where there is none."""
    end = 0
    for match in pattern.finditer(text):
        end = match.end()
    return end
