"""What a run tells while it goes: events.jsonl, one event a line, and metrics.csv, one row a step. Needs no torch.

Events are appended for good: a step that is computed again after a resume is there twice, and the last one counts.
metrics.csv holds each step once.
"""

import csv
import os
from pathlib import Path

from schemas.training import EndEvent, NoteEvent, StepEvent

EVENTS = "events.jsonl"
METRICS = "metrics.csv"
_COLUMNS = ("step", "epoch", "loss", "grad_norm", "learning_rate", "tokens", "tokens_per_second", "memory_bytes")


class Journal:
    """The two files in a run's folder, which is made if it is not there.

    `speaking` is False in all processes but the first: they write no more than an end that is a failure.
    """

    def __init__(self, folder: Path, speaking: bool = True) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._events, self._metrics, self._speaking = folder / EVENTS, folder / METRICS, speaking
        self.last_step = 0

    def begin_at(self, step: int) -> None:
        """Forget the rows of metrics.csv after `step`, from which the run goes on."""
        self.last_step = step
        if not self._speaking:
            return
        kept = []
        if self._metrics.exists():
            with self._metrics.open(encoding="utf-8", newline="") as file:
                kept = [
                    row
                    for row in csv.DictReader(file)
                    if (row.get("step") or "").isdecimal() and int(row["step"]) <= step
                ]
        writing = self._metrics.with_suffix(".writing")
        with writing.open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, _COLUMNS, extrasaction="ignore")
            table.writeheader()
            table.writerows(kept)
        writing.replace(self._metrics)

    def note(self, text: str) -> None:
        """Say something that the log of the run should hold."""
        if self._speaking:
            self._append(NoteEvent(text=text))

    def step(self, event: StepEvent) -> None:
        """Record a step."""
        self.last_step = event.step
        if self._speaking:
            self._append(event)
            with self._metrics.open("a", encoding="utf-8", newline="") as file:
                csv.DictWriter(file, _COLUMNS, extrasaction="ignore").writerow(event.model_dump())

    def end(self, event: EndEvent) -> None:
        """Record the end; the last line of a run."""
        if self._speaking or event.status not in ("done", "stopped"):
            self._append(event)

    def _append(self, event: StepEvent | NoteEvent | EndEvent) -> None:
        line = event.model_dump_json().encode() + b"\n"
        with self._events.open("ab") as file:
            if file.tell() and _read_last_byte(self._events) != b"\n":  # a killed run's last line may be torn
                line = b"\n" + line
            file.write(line)


def _read_last_byte(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1)
