"""What flows and tasks hand to one another: a step's result, and what became of a build."""

from schemas.base import Record
from schemas.calls import LedgerRow
from schemas.instance import RejectedApi
from schemas.manifest import ArtifactRef, DatasetRef


class StepResult(Record):
    """The result of one API's step.

    `ref` says where it lies; its hash covers the ledger's rows too, which differ from run to run. `content` is the
    hash of what the next step depends on. `unfinished` counts what the teacher failed to deliver (episodes that it
    broke off): such a result is made again by the next run.
    """

    ref: ArtifactRef
    content: str
    unfinished: int = 0


class ApiOutcome(Record):
    """What became of one API: a toolset and, where a dataset is made, episodes and verdicts; or a rejection.

    `ledger` holds the rows of the step that failed; those of the others lie in their artifacts. The toolset's holds the
    documentation's too; where there is no toolset, `documentation` is named.
    """

    api_id: str
    documentation: StepResult | None = None
    toolset: StepResult | None = None
    instructions: StepResult | None = None
    episodes: StepResult | None = None
    verdicts: ArtifactRef | None = None
    rejected: RejectedApi | None = None
    ledger: tuple[LedgerRow, ...] = ()


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

    `stopped` says why the run stopped before all were (empty if it did not), `unfinished` how many APIs it left.
    `run_id` is the flow run's, as the Prefect UI shows it.
    """

    apis: int
    rejected: dict[str, str]
    calls: CallCounts
    unfinished: int = 0
    stopped: str = ""
    run_id: str = ""


class BuildSummary(Record):
    """What became of a build. `changed` tells whether a version was published; `dataset` is the newest one either way.

    `accepted` and `rejected` count instances, `reasons` the rejected ones by reason, `exports` are paths; `unfinished`,
    `stopped` and `run_id` are as in `ToolsetSummary`.
    """

    dataset: DatasetRef
    changed: bool
    apis: int
    rejected_apis: dict[str, str]
    accepted: int
    rejected: int
    reasons: dict[str, int]
    calls: CallCounts
    exports: tuple[str, ...] = ()
    unfinished: int = 0
    stopped: str = ""
    run_id: str = ""
