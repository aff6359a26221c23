"""What records say of themselves, and what of them crosses to another process."""

import pickle
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from schemas.arrow import API_SCHEMA, CALL_SCHEMA
from schemas.base import canonical_json, content_hash
from schemas.calls import LedgerRow
from schemas.errors import FatalTeacherError, RunStoppedError, TeacherError, ToolHerdError, UserError
from schemas.instance import ApiRow
from schemas.reasons import DESCRIPTIONS, Reason
from schemas.toolset import Documentation, DocumentedFunction, Function
from schemas.training import EndEvent, NoteEvent, StepEvent, TrainEvent


def test_a_function_is_a_tool_as_a_request_has_it() -> None:
    function = Function(name="f", description="d", parameters={"type": "object"})
    assert function.as_tool() == {
        "type": "function",
        "function": {"name": "f", "description": "d", "parameters": {"type": "object"}},
    }


@pytest.mark.parametrize(("number", "is_good"), [(1, False), (2, True), (10, True), (11, False)])
def test_documentation_has_two_to_ten_functions(number: int, is_good: bool) -> None:
    functions = tuple(DocumentedFunction(name=f"f{n}", description="d") for n in range(number))
    if is_good:
        assert len(Documentation(introduction="i", functions=functions).functions) == number
    else:
        with pytest.raises(ValidationError):
            Documentation(introduction="i", functions=functions)


def test_a_run_that_stopped_says_why_in_another_process_too() -> None:
    error = pickle.loads(pickle.dumps(RunStoppedError("stopped", "budget")))
    assert (type(error), str(error), error.cause) == (RunStoppedError, "stopped", "budget")


def test_what_toolherd_raises_is_of_one_family() -> None:
    assert issubclass(FatalTeacherError, TeacherError)
    for kind in (UserError, TeacherError, RunStoppedError):
        assert issubclass(kind, ToolHerdError)
    assert not issubclass(UserError, TeacherError)
    assert not issubclass(RunStoppedError, TeacherError)


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({"kind": "note", "text": "t"}, NoteEvent),
        ({"kind": "end", "status": "done", "step": 3}, EndEvent),
        (
            {"kind": "step", "step": 1, "max_steps": 2, "epoch": 0.5, "loss": 1.0, "learning_rate": 1e-5, "tokens": 9,
             "tokens_per_second": 3.0, "memory_bytes": 0},
            StepEvent,
        ),
    ],
    ids=["note", "end", "step"],
)  # fmt: skip
def test_an_event_is_told_by_its_kind(event: dict[str, Any], kind: type) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(TrainEvent)
    assert type(adapter.validate_python(event)) is kind
    with pytest.raises(ValidationError):
        adapter.validate_python({**event, "kind": "other"})


def test_tables_have_a_column_for_each_field() -> None:
    assert API_SCHEMA.names == list(ApiRow.model_fields)
    assert CALL_SCHEMA.names == list(LedgerRow.model_fields)


def test_every_reason_is_described_once() -> None:
    assert list(DESCRIPTIONS) == list(Reason)
    assert len(set(DESCRIPTIONS.values())) == len(Reason)


def test_the_canonical_spelling_has_no_space_and_each_character_as_it_is() -> None:
    assert canonical_json({"b": [1, 2.0, None], "a": "é🐑"}) == '{"a":"é🐑","b":[1,2.0,null]}'


def test_a_hash_has_sixteen_characters_unless_more_are_asked_for() -> None:
    assert len(content_hash("x")) == 16
    assert content_hash("x", 40).startswith(content_hash("x"))
