"""The user agent in a running chat: answers the assistant's question with the detail that the user has in mind."""

import json
import re
from collections.abc import Sequence
from random import Random
from typing import Any

from tasks.embedded.speech import speak
from tasks.embedded.user import PHRASES
from tasks.values import reads_as_noun, split_name

DONE = "DONE"
_DETAIL = re.compile(r"<detail>\s*(.*?)\s*</detail>", re.DOTALL)


def compose_reply(messages: Sequence[dict[str, Any]], rng: Random) -> str:
    """The user's next message; `DONE` where the assistant asks nothing."""
    question = str(messages[-1].get("content") or "")
    if not question.rstrip().endswith("?"):  # a title that was found may hold a question mark too
        return DONE
    match = _DETAIL.search(str(messages[0].get("content") or ""))
    if not match or len(messages) > 3:  # what there was to tell has been told
        return str(PHRASES["nothing_to_add"])
    detail = json.loads(match.group(1))
    words = " ".join(split_name(detail["parameter"]))
    replies = PHRASES["replies"]
    if not reads_as_noun(words):
        replies = [reply for reply in replies if "{words}" not in reply]
    return str(rng.choice(replies)).format(words=words, value=speak(detail["value"], rng))
