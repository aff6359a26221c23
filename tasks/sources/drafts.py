"""What every parser of a source gives back, and the step that turns it into a catalogue."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from schemas.catalog import Auth, Catalog, CatalogEntry, Cors, SkippedRow
from schemas.errors import UserError
from tasks.sources.api_ids import make_unique_ids
from tasks.sources.facts import clean_fact, shorten

_SHOWN_TEXT = 200


@dataclass(frozen=True)
class EntryDraft:
    """An entry that has no id yet."""

    name: str
    description: str
    category: str
    link: str = ""
    auth: Auth = "none"
    https: bool = True
    cors: Cors = "unknown"
    openapi: dict[str, Any] | None = None


@dataclass
class ParsedSource:
    """The drafts of a source in its order, and the rows that did not become one."""

    drafts: list[EntryDraft] = field(default_factory=list)
    skipped: list[SkippedRow] = field(default_factory=list)

    def skip(self, line: int, text: str, reason: str) -> None:
        """Lists a row that is left out; `line` counts from 1."""
        shown = shorten(clean_fact(text), _SHOWN_TEXT)
        self.skipped.append(SkippedRow(line=line, text=shown, reason=clean_fact(reason)))


class RowProblem(Exception):  # noqa: N818 - it is a reason for `skipped`, not an error of the program
    """Why a row is left out; caught in this room only."""


def build_catalog(source: str, parsed: ParsedSource) -> Catalog:
    """Gives every draft its id.

    Raises:
        UserError: the source has no usable row.
    """
    if not parsed.drafts:
        raise UserError(f"No usable row in {source}: {_describe_skipped(parsed.skipped)}.")
    ids = make_unique_ids([d.name for d in parsed.drafts], [_write_identity(d) for d in parsed.drafts])
    entries = tuple(CatalogEntry(id=id, **vars(draft)) for id, draft in zip(ids, parsed.drafts, strict=True))
    return Catalog(source=source, entries=entries, skipped=tuple(parsed.skipped))


def require_text(fields: Iterable[tuple[str, str]]) -> None:
    """Checks that each named field holds something.

    Raises:
        RowProblem: the first that does not.
    """
    for name, value in fields:
        if not value:
            raise RowProblem(f"no {name}")


def _write_identity(draft: EntryDraft) -> str:
    return "\n".join((draft.name, draft.category, draft.link, draft.description))


def _describe_skipped(skipped: list[SkippedRow]) -> str:
    if not skipped:
        return "it lists no API; public-apis Markdown needs tables under '### Category' headings"
    first = skipped[0]
    return f"{len(skipped)} left out, the first at {first.line} ({first.text}) for: {first.reason}"
