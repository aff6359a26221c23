"""Tokens that steer a model and are no part of what it says: `<|im_end|>`, `[/INST]`, `</s>`.

They stand in a text where a server's chat template does not fit its model: what is around them may be another turn,
that of the user too. A token in quotes or backticks is spoken about, and so is strike-through in HTML.
"""

import re

_TOKEN = re.compile(
    r"""[<\[](?:
      (?<=<) (?:
          \|/?[A-Za-z][A-Za-z0-9_ .:-]{0,60}/?\|>         # <|im_end|>, <|eot_id|>, <|start_header_id|>
        | [|｜][^<>\s]{1,60}[|｜]>                          # <｜end▁of▁sentence｜>
        | /?(?:start_of_turn|end_of_turn|bos|eos|pad|unk|sop|eop|end_of_utterance)>
        | (?:fim_(?:prefix|middle|suffix)|mask_\d+)>
        | \|(?:turn|channel|tool_call|think|image)>|(?:turn|channel|tool_call|image)\|>    # Gemma 4
        | </?SYS>>
        | (?P<end>/?s>)                                    # HTML has <s>…</s>
      )
    | (?<=\[) (?:/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_RESULTS|UNUSED_TOKEN_\d+)|g?MASK)\]
    )""",
    re.VERBOSE,
)
_LOST = re.compile(r"\bassistant(?:final|analysis|commentary)")
"""The channels of gpt-oss in a text that has lost its tokens on the way; it begins with one."""

_BRACKETED = ("INST]", "PROMPT]", "TOOLS]", "RESULTS]", "MASK]", "[UNUSED")
_QUOTES = {"`": "`", '"': '"', "'": "'", "“": "”", "‘": "’", "«": "»"}


def find_control_token(text: str) -> str:
    """The first such token in a text; empty where there is none, or all are spoken about."""
    if text.startswith(("analysis", "commentary")) and (lost := _LOST.search(text)):
        return lost.group()
    if "<" not in text and not any(end in text for end in _BRACKETED):  # as most texts are
        return ""
    backticks = place = 0
    has_pairs: bool | None = None
    for match in _TOKEN.finditer(text):
        if match["end"]:
            has_pairs = _has_pairs(text) if has_pairs is None else has_pairs
            if has_pairs:
                continue
        backticks += text.count("`", place, match.start())
        place = match.start()
        before, after = text[place - 1 : place], text[match.end() : match.end() + 1]
        if backticks % 2 or (before in _QUOTES and _QUOTES[before] == after):  # an odd number of them opens code
            continue
        return match.group()
    return ""


def _has_pairs(text: str) -> bool:
    """Whether `<s>` and `</s>` mark parts of the text; around all of it they mark a sequence."""
    opened, closed = text.find("<s>"), text.find("</s>")
    is_sequence = text.lstrip().startswith("<s>") and text.rstrip().endswith("</s>")
    return 0 <= opened < closed and text.count("<s>") == text.count("</s>") and not is_sequence
