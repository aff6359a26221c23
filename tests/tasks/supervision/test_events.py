"""What a training child has told, read while it is written and after a kill."""

import json
from pathlib import Path

import pytest

from schemas.training import EndEvent, NoteEvent, StepEvent, TrainEvent
from tasks.supervision.events import EventTail, read_end, read_steps


def note(text: str) -> bytes:
    return json.dumps({"kind": "note", "text": text}).encode() + b"\n"


def step(number: int, loss: float = 1.0) -> bytes:
    told = StepEvent(
        step=number, max_steps=9, epoch=0, loss=loss, learning_rate=0, tokens=1, tokens_per_second=1, memory_bytes=0
    )
    return told.model_dump_json().encode() + b"\n"


def end(number: int, status: str = "done") -> bytes:
    return json.dumps({"kind": "end", "status": status, "step": number}).encode() + b"\n"


def add(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def read_texts(tail: EventTail) -> list[str]:
    return [event.text for event in tail.read() if isinstance(event, NoteEvent)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def test_only_what_is_added_from_now_on_is_read_and_once(path: Path) -> None:
    add(path, note("before") + end(3))
    tail = EventTail(path)
    assert list(tail.read()) == []
    add(path, note("a") + note("b"))
    assert read_texts(tail) == ["a", "b"]
    assert list(tail.read()) == []
    add(path, note("c"))
    assert read_texts(tail) == ["c"]


def test_a_file_that_is_not_there_yet_is_read_from_its_beginning(path: Path) -> None:
    tail = EventTail(path)
    assert list(tail.read()) == []
    add(path, note("a"))
    assert read_texts(tail) == ["a"]


def test_a_line_counts_when_all_of_it_is_there(path: Path) -> None:
    """Written a byte at a time, letters of several bytes too."""
    tail, found = EventTail(path), list[str]()
    for number, byte in enumerate(data := note("é") + note("second")):
        add(path, bytes([byte]))
        found += read_texts(tail)
        whole = data[: number + 1].count(b"\n")
        assert len(found) == whole
    assert found == ["é", "second"]


@pytest.mark.parametrize("torn", [b'{"kind": "no\n', b"\n", b"\xff\xfe\n", b"[]\n", b'{"kind": "other"}\n'])
def test_what_is_no_event_is_passed_over(path: Path, torn: bytes) -> None:
    tail = EventTail(path)
    add(path, note("a") + torn + note("b"))
    assert read_texts(tail) == ["a", "b"]


def test_events_are_what_they_were_told_as(path: Path) -> None:
    tail = EventTail(path)
    add(path, note("a") + step(1) + end(1, "stopped"))
    kinds: list[type[TrainEvent]] = [type(event) for event in tail.read()]
    assert kinds == [NoteEvent, StepEvent, EndEvent]


def test_each_step_is_read_once_as_it_was_the_last_time_and_in_order(path: Path) -> None:
    add(path, step(1, 5.0) + step(3, 4.5) + step(2, 4.0) + note("killed") + step(2, 3.0) + b'{"kind": "st')
    assert [(one.step, one.loss) for one in read_steps(path)] == [(1, 5.0), (2, 3.0), (3, 4.5)]


def test_the_end_is_the_last_event_or_none(path: Path, tmp_path: Path) -> None:
    assert read_end(path) is None
    add(path, step(1))
    assert read_end(path) is None
    add(path, end(1, "stopped"))
    assert read_end(path) == EndEvent(status="stopped", step=1)
    add(path, b'{"kind": "en')  # of a run that was begun after it, and killed
    assert read_end(path) == EndEvent(status="stopped", step=1)
    add(path, b"\n" + note("begins"))
    assert read_end(path) is None
    add(path, end(2, "failed") + end(2, "done"))
    assert read_end(path) == EndEvent(status="done", step=2)


def test_a_file_that_is_not_there_holds_nothing(path: Path) -> None:
    assert read_steps(path) == []
    assert read_end(path) is None
