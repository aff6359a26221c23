"""What flows and tasks hand to one another: what became of an API, and of a build."""

from pydantic import Field

from schemas.artifacts import ArtifactRef
from schemas.base import Record
from schemas.calls import LedgerRow, Usage
from schemas.instance import RejectedApi
from schemas.manifest import DatasetRef


class ApiOutcome(Record):
    """What became of one API: what its steps made, by the artifact's kind; or a rejection.

    `ledger` holds the rows of the step that failed; those of the others lie in their artifacts.
    """

    api_id: str
    made: dict[str, ArtifactRef] = Field(default_factory=dict)
    rejected: RejectedApi | None = None
    ledger: tuple[LedgerRow, ...] = ()

    def count(self, kind: str) -> dict[str, int]:
        """The counts of an artifact; none where there is no such one."""
        return self.made[kind].counts if kind in self.made else {}


class CallCounts(Record):
    """Completions of a run: requests that went out (each attempt counts), and answers that the store had.

    `bought` completions were paid for, `tokens` and `cost_usd` (None where no price is known) are what they took.
    """

    sent: int = 0
    stored: int = 0
    bought: int = 0
    tokens: int = 0
    cost_usd: float | None = None


class ToolsetSummary(Record):
    """What became of the APIs of a run: how many are ready, and the reason by id for each that is not.

    `left_out` counts operations of their documents that are no functions; the toolsets' artifacts hold the reasons.
    `stopped` says why the run stopped before all were (empty if it did not), `unfinished` how many APIs it left.
    `run_id` is the flow run's, as the Prefect UI shows it.
    """

    apis: int
    rejected: dict[str, str]
    calls: CallCounts
    left_out: int = 0
    unfinished: int = 0
    stopped: str = ""
    run_id: str = ""


class BuildSummary(Record):
    """What became of a build. `changed` tells whether a version was published; `dataset` is the newest one either way.

    `accepted` and `rejected` count instances, `reasons` the rejected ones by reason, `exports` are paths; `usage` is
    what the dataset's completions took, those of earlier runs too; `judges` is how many grade a row, `judged` how many
    rows they did, and `unanimous` those of which all say the same; `left_out`, `unfinished`, `stopped` and `run_id` are
    as in `ToolsetSummary`.
    """

    dataset: DatasetRef
    changed: bool
    apis: int
    rejected_apis: dict[str, str]
    accepted: int
    rejected: int
    reasons: dict[str, int]
    calls: CallCounts
    usage: Usage = Usage()
    exports: tuple[str, ...] = ()
    judges: int = 0
    judged: int = 0
    unanimous: int = 0
    left_out: int = 0
    unfinished: int = 0
    stopped: str = ""
    run_id: str = ""
