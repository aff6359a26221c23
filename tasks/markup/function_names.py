"""Which function a model means by a name that carries marks of a format."""

import re
from collections.abc import Collection

_TOKEN_AT_END = re.compile(r"<\|.*", re.DOTALL)
_NUMBER_AT_END = re.compile(r":\d+$")
_SEPARATOR = re.compile(r"::|[.:/#]")


def match_function(written: str, names: Collection[str]) -> str:
    """The one of `names` that is written, with or without marks; empty where there is none.

    Marks are namespaces before it (`functions.`, `default_api:`), a number (`name:0`) or a token
    (`name<|channel|>json`) after it, and quotes around it. Another spelling of a name is another name.
    """
    if written in names:
        return written
    name = _NUMBER_AT_END.sub("", _TOKEN_AT_END.sub("", written).strip().strip("`\"'* "))
    if name in names:
        return name
    last = _SEPARATOR.split(name)[-1]
    return last if last in names else ""
