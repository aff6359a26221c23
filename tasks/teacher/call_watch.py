"""Sees that a model which is offered functions calls some; one that never does makes no rows, and costs as much."""

from schemas.calls import ChatRequest, Completion
from schemas.errors import RunStoppedError
from schemas.shown import show_line

FIRST = 20
"""First turns of episodes. Some one in seven needs no call: that none of twenty has one does not happen by itself."""

_LONGEST_QUOTE = 200


class CallWatch:
    """Counts what was answered to the first turns of a run, until one holds a call."""

    def __init__(self) -> None:
        self._without = 0
        self._is_over = False

    def note(self, request: ChatRequest, completion: Completion) -> None:
        """A completion that was bought.

        Raises:
            RunStoppedError: none of the first ones holds a call.
        """
        if self._is_over or not request.tools or request.messages[-1].get("role") != "user":
            return
        if completion.flaw is not None:  # no answer, and drawn again
            return
        self._is_over = bool(completion.tool_calls)
        self._without += not completion.tool_calls
        if not self._is_over and self._without >= FIRST:
            raise RunStoppedError(
                f"none of the first {FIRST} answers to an instruction calls a function (the last one: "
                f"{show_line(completion.content, _LONGEST_QUOTE)}): name a model that does, with --teacher.model, or "
                "see that the server reads its calls; what is finished is kept",
                "errors",
            )
