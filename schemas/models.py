"""What is recorded of a fine-tuned model: the data it learned from, the run that made it, how that ended."""

from datetime import datetime

from schemas.base import Record
from schemas.training import PreparedData, TrainParams


class TrainingSet(Record):
    """A published dataset as training takes it: its folder (a path or URL), what it is known by, and its train rows."""

    name: str
    version: str
    path: str
    content_hash: str
    sha256: str
    recipe_hash: str
    teacher: str
    executor: str
    rows: int


class RunRecord(Record):
    """`run.json`: what a run was asked for, written before it starts. A run that goes on must ask for the same.

    `params.name` is the run's name, whether it was given or not, and `params.model` a hub id or a full path.
    `tokenizer` changes when the model's tokenizer does. `code_version` and `created_at` are those of the first start.
    """

    params: TrainParams
    dataset: TrainingSet
    tokenizer: str
    code_version: str
    created_at: datetime


class TrainSummary(Record):
    """What became of a run that is done; `summary.json`, written last: a run that has one is finished.

    Losses are per trained token and `peak_learning_rate` is the highest of any step. `tokens_per_second` is the median
    over the logged steps, memory is in bytes per device (`estimated_memory` as told before the run, `peak_memory` as
    measured). `device` names the cards. `changed` is False where the run was finished before and nothing was done.
    `run_id` is the flow run's, as the Prefect UI shows it.
    """

    record: RunRecord
    folder: str
    prepared: PreparedData
    steps: int
    epochs: float
    first_loss: float | None
    last_loss: float | None
    peak_learning_rate: float
    tokens: int
    tokens_per_second: float
    peak_memory: int
    estimated_memory: int
    device: str
    versions: dict[str, str]
    finished_at: datetime
    changed: bool = True
    run_id: str = ""

    @property
    def model_folder(self) -> str:
        """The folder that `from_pretrained` loads."""
        return f"{self.folder}/final"
