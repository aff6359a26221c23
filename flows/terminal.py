"""The one way to the terminal: what the commands print, of which a part may be text of others."""

import sys
import traceback
from types import TracebackType
from typing import TextIO

from schemas.shown import blank_out, show_lines


def say(line: str = "", *, to: TextIO | None = None) -> None:
    """Print one line, on stdout where no stream is named; its layout stays.

    Nothing that others wrote can act on the terminal, begin a line of its own, or not be encoded.
    """
    stream = sys.stdout if to is None else to
    encoding = stream.encoding or "utf-8"
    print(blank_out(line).encode(encoding, "replace").decode(encoding), file=stream, flush=True)


def warn(line: str) -> None:
    """Print one line on stderr, as `say` does."""
    say(line, to=sys.stderr)


def show_trace(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print what nobody caught, for `sys.excepthook`: it is a bug of ours, and what others wrote may be in its text."""
    for line in show_lines("".join(traceback.format_exception(kind, error, trace))).rstrip("\n").split("\n"):
        warn(line)
