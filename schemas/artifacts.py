"""What the steps of an API leave on disk: typed contents, the artifact that holds one, and the reference to it."""

from datetime import datetime
from typing import Generic, TypeVar

from pydantic import Field

from schemas.base import Record
from schemas.calls import LedgerRow
from schemas.episodes import Episode, Instruction, Verdict

C = TypeVar("C", bound=Record)


class Instructions(Record):
    """What users might ask an assistant that has an API's functions."""

    instructions: tuple[Instruction, ...]


class Episodes(Record):
    """What an API's instructions led to, in their order."""

    episodes: tuple[Episode, ...]


class Verdicts(Record):
    """What the checks say: one list for each of an API's episodes, in their order."""

    verdicts: tuple[tuple[Verdict, ...], ...]


class ArtifactRef(Record):
    """Which artifact, and what one asks of it most: `specify/open-trails/0123abcd.json`, 4 functions, content 89ab.

    `path` is relative to the data root. `content` is the hash of what later steps depend on: of neither the clock nor
    what it cost. `unfinished` counts what the teacher failed to deliver, in this step or one before (episodes that it
    broke off): such an artifact is made again by the next run.

    Example: {"step": "specify", "api_id": "steem", "recipe": "2d2a4aa933d8ff4d", "path":
    "specify/steem/2d2a4aa933d8ff4d.json", "content": "9e901ab0afbe69a1", "counts": {"functions": 6}}
    """

    step: str
    api_id: str
    recipe: str
    path: str
    content: str
    counts: dict[str, int] = Field(default_factory=dict)
    unfinished: int = 0


class Artifact(Record, Generic[C]):
    """What one step made for one API.

    `recipe` is the hash of all that it depends on, `made_at` when that was, `ledger` what the teacher was asked for it.
    """

    recipe: str
    made_at: datetime
    content: C
    ledger: tuple[LedgerRow, ...] = ()
