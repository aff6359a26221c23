"""A model that never calls a function is noticed after some first turns, and not after all that a run would buy."""

import pytest

from schemas.calls import ChatRequest, Completion, Usage
from schemas.episodes import ToolCall
from schemas.errors import RunStoppedError
from tasks.teacher.call_watch import FIRST, CallWatch

FIRST_TURN = ChatRequest(messages=({"role": "user", "content": "Hi"},), tools=({"type": "function"},))
LATER_TURN = FIRST_TURN.model_copy(update={"messages": ({"role": "tool", "content": "1"},)})
IN_WORDS = Completion(content="I call find(x).", model="m", usage=Usage())
A_CALL = IN_WORDS.model_copy(update={"tool_calls": (ToolCall(id="1", name="find", arguments="{}"),)})


def note(watch: CallWatch, times: int, request: ChatRequest = FIRST_TURN, answer: Completion = IN_WORDS) -> None:
    for _ in range(times):
        watch.note(request, answer)


def test_the_run_stops_where_none_of_the_first_turns_has_a_call() -> None:
    watch = CallWatch()
    note(watch, FIRST - 1)
    with pytest.raises(RunStoppedError, match=r"none of the first 20 .* I call find\(x\)\.") as raised:
        note(watch, 1)
    assert raised.value.cause == "errors"


def test_one_call_is_enough_for_good() -> None:
    watch = CallWatch()
    note(watch, FIRST - 1)
    note(watch, 1, answer=A_CALL)
    note(watch, 10 * FIRST)


def test_only_first_turns_with_functions_count() -> None:
    watch = CallWatch()
    note(watch, FIRST, LATER_TURN)
    note(watch, FIRST, FIRST_TURN.model_copy(update={"tools": ()}))
    note(watch, FIRST, answer=IN_WORDS.model_copy(update={"flaw": "empty"}))  # is drawn again
    note(watch, FIRST - 1)
