"""Verdicts that somebody gave on rows of a dataset, from a CSV file or a file of JSON lines."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from schemas.base import Record
from schemas.errors import UserError

_RIGHT = frozenset({"true", "right", "correct", "yes", "y", "1"})
_WRONG = frozenset({"false", "wrong", "incorrect", "no", "n", "0"})
_FIELDS = ("id", "process", "response")


class GivenVerdict(Record):
    """Whether a row's process and response are right, as far as somebody has said.

    Example: {"id": "steem-001", "process": true, "response": false}
    """

    id: str
    process: bool | None = None
    response: bool | None = None


def read_given_verdicts(path: Path) -> dict[str, GivenVerdict]:
    """The verdicts by the rows' ids. A file whose name ends in .csv is one; any other holds an object a line.

    Raises:
        UserError: the file cannot be read, or a line of it is no verdict; the message names the line.
    """
    found: dict[str, GivenVerdict] = {}
    try:
        for number, told in _read_csv(path) if path.suffix.lower() == ".csv" else _read_lines(path):
            verdict = _read_verdict(told, f"{path}, line {number}")
            if verdict.id in found:
                raise UserError(f"{path}, line {number}: there is a verdict on {verdict.id!r} above already")
            found[verdict.id] = verdict
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} cannot be read: {error}") from error
    if not found:
        raise UserError(f"{path} holds no verdict")
    return found


def _read_csv(path: Path) -> Iterator[tuple[int, Any]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        for told in reader:
            yield reader.line_num, told


def _read_lines(path: Path) -> Iterator[tuple[int, Any]]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                yield number, json.loads(line)
            except ValueError as error:
                raise UserError(f"{path}, line {number}: it is no JSON ({error})") from error


def _read_verdict(told: Any, where: str) -> GivenVerdict:
    if not isinstance(told, dict) or not isinstance(told.get("id"), str | int):
        raise UserError(f'{where}: a verdict is {{"id": ..., "process": true, "response": false}}')
    grades = {side: _read_grade(told.get(side), f"{where}: {side}") for side in _FIELDS[1:]}
    if not any(grade is not None for grade in grades.values()):
        raise UserError(f"{where}: it says neither process nor response")
    return GivenVerdict(id=str(told["id"]), **grades)


def _read_grade(told: Any, where: str) -> bool | None:
    if told is None or told == "":
        return None
    word = str(told).strip().lower()
    if word in _RIGHT or word in _WRONG:
        return word in _RIGHT
    raise UserError(f"{where} is {str(told)[:40]!r}; write true or false")
