"""The little that choices over a whole dataset need to know of each row: some 200 bytes, where a row has 10,000."""

from collections.abc import Iterable
from dataclasses import dataclass

from schemas.episodes import Kind
from schemas.instance import Instance
from schemas.reasons import Reason


@dataclass(frozen=True, slots=True)
class Outline:
    """A row's own values of these columns."""

    id: str
    api_id: str
    category: str
    kind: Kind
    reasons: tuple[Reason, ...]
    accepted: bool


def outline_rows(rows: Iterable[Instance]) -> list[Outline]:
    """The outlines of rows that are at hand."""
    return [Outline(row.id, row.api_id, row.category, row.kind, row.reasons, row.accepted) for row in rows]
