"""Tokens that steer a model and are no part of what it says: `<|im_end|>`, `[/INST]`, `</s>`.

They stand in a text where a server's chat template does not fit its model: what is around them may be another turn,
that of the user too. A token in quotes or backticks is spoken about, and so is strike-through in HTML.
"""

import re

_TOKEN = re.compile(
    r"""
      <\|/?[A-Za-z][A-Za-z0-9_ .:-]{0,60}/?\|>       # <|im_end|>, <|eot_id|>, <|start_header_id|>
    | <[|｜][^<>\s]{1,60}[|｜]>                       # <｜end▁of▁sentence｜>
    | </?(?:start_of_turn|end_of_turn|bos|eos|pad|unk|sop|eop|end_of_utterance|fim_(?:prefix|middle|suffix)|mask_\d+)>
    | <\|(?:turn|channel|tool_call|think|image)>|<(?:turn|channel|tool_call|image)\|>    # Gemma 4
    | \[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_RESULTS|UNUSED_TOKEN_\d+)\]|<</?SYS>>|\[g?MASK\]
    | (?P<end></?s>)                                 # HTML has <s>…</s>
    | \bassistant(?P<channel>final|analysis|commentary)                # gpt-oss, its tokens lost on the way
    """,
    re.VERBOSE,
)
_QUOTES = {"`": "`", '"': '"', "'": "'", "“": "”", "‘": "’", "«": "»"}


def find_control_token(text: str) -> str:
    """The first such token in a text; empty where there is none, or all are spoken about."""
    if "<" not in text and "[" not in text and "assistant" not in text:
        return ""
    has_pairs = _has_pairs(text)
    backticks = place = 0
    for match in _TOKEN.finditer(text):
        if match["channel"] and not text.startswith(("analysis", "commentary")):
            continue
        if match["end"] and has_pairs:
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
