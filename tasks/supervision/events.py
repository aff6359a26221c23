"""Reads what a training child tells of itself: `events.jsonl`, one event a line."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from schemas.training import EndEvent, StepEvent, TrainEvent

_EVENT: TypeAdapter[TrainEvent] = TypeAdapter(TrainEvent)


class EventTail:
    """The events that are added to a file from now on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = path.stat().st_size if path.exists() else 0
        self._begun = b""

    def read(self) -> Iterator[TrainEvent]:
        """What has come since the last call. A line that is not whole yet is kept for the next."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._position)
            data = file.read()
        self._position += len(data)
        *lines, self._begun = (self._begun + data).split(b"\n")
        yield from _parse(lines)


def read_steps(path: Path) -> list[StepEvent]:
    """Each step that is logged, once: one that was trained again after a kill counts as it was the last time."""
    steps: dict[int, StepEvent] = {}
    for event in _parse(path.read_bytes().split(b"\n")) if path.exists() else ():
        if isinstance(event, StepEvent):
            steps[event.step] = event
    return [steps[step] for step in sorted(steps)]


def read_end(path: Path) -> EndEvent | None:
    """How the last child ended; None if it said nothing of it."""
    events = list(_parse(path.read_bytes().split(b"\n"))) if path.exists() else []
    last = events[-1] if events else None
    return last if isinstance(last, EndEvent) else None


def _parse(lines: list[bytes]) -> Iterator[TrainEvent]:
    """The events of lines; one that a kill cut off in the middle is no event."""
    for line in lines:
        try:
            yield _EVENT.validate_json(line)
        except ValidationError:
            continue
