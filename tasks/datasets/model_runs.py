"""Fine-tuned models: `models/<run>/`, always a folder on this machine's disk, because trainers write to nothing else.

    run.json        what was asked for, written first
    checkpoints/    what the trainer goes on from; gone when the run is finished
    events.jsonl  metrics.csv  train.log    what it says of itself
    loss.png        the curve
    final/          weights, tokenizer, chat template, model card: what `from_pretrained` loads
    summary.json    written last: a run that has one is finished

They lie in the data root where that is a folder. Where it is an object store, TOOLHERD_MODELS_ROOT has to name one; it
may be set in any case, to keep checkpoints on a larger disk.
"""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from upath import UPath

from schemas.base import content_hash
from schemas.errors import UserError
from schemas.models import RunRecord, TrainingSet, TrainSummary
from schemas.training import TrainParams
from tasks.datasets.root import DataRoot
from tasks.datasets.tables import TRAIN
from tasks.datasets.versions import check_dataset_name

MODELS_VARIABLE = "TOOLHERD_MODELS_ROOT"

_NAME_LENGTH = 64


@dataclass(frozen=True)
class ModelRun:
    """The folder of one run."""

    folder: Path

    @property
    def name(self) -> str:
        """The run's name."""
        return self.folder.name

    @property
    def events(self) -> Path:
        """What the trainer tells of itself, one event a line."""
        return self.folder / "events.jsonl"

    @property
    def log(self) -> Path:
        """What the trainer's processes write to their outputs."""
        return self.folder / "train.log"

    @property
    def final(self) -> Path:
        """The folder that `from_pretrained` loads."""
        return self.folder / "final"

    def write(self, name: str, data: bytes) -> Path:
        """Write a whole file in the folder, or leave what was there."""
        DataRoot(str(self.folder)).write_bytes(UPath(self.folder / name), data)
        return self.folder / name

    def read_record(self) -> RunRecord | None:
        """What the run was asked for; None if it has not begun. Raises UserError if that cannot be read."""
        path = self.folder / "run.json"
        if not path.exists():
            return None
        try:
            return RunRecord.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise UserError(
                f"{path} is no record of this version of ToolHerd: take another --name, or remove {self.folder}."
            ) from error

    def read_summary(self) -> TrainSummary | None:
        """What became of it; None if it is not finished, or its model is gone.

        Raises:
            UserError: that cannot be read.
        """
        path = self.folder / "summary.json"
        if not path.exists() or not (self.final / "config.json").exists():
            return None
        try:
            summary = TrainSummary.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise UserError(
                f"{path} is no summary of this version of ToolHerd: take another --name, or remove {self.folder}."
            ) from error
        return summary.model_copy(update={"folder": str(self.folder)})  # where it lies, whatever the file says

    def finish(self, summary: TrainSummary) -> None:
        """Record that the run is finished, and remove what only going on with it takes."""
        self.write("summary.json", summary.model_dump_json(indent=2).encode())
        shutil.rmtree(self.folder / "checkpoints", ignore_errors=True)

    def measure(self) -> int:
        """Bytes that it holds on the disk."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())

    @contextmanager
    def hold(self, record: RunRecord) -> Iterator[None]:
        """Keep other processes from working at the run while the body does, and record what it was asked for.

        Raises:
            UserError: another process holds it, it was asked for other things, or the folder cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / ".lock").open("w")
        except OSError as error:
            raise UserError(
                f"{self.folder} cannot be written: {error.strerror}; set {MODELS_VARIABLE} to another folder."
            ) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise UserError(
                    f"run {self.name} is going on in another process: wait for it, or take another --name."
                ) from error
            if self.check(record) is None:
                self.write("run.json", record.model_dump_json(indent=2).encode())
            yield

    def check(self, record: RunRecord) -> RunRecord | None:
        """The record that is there, if any. Raises UserError if it was asked for other things."""
        before = self.read_record()
        if before is None:
            return None
        then, now = _list_asked(before), _list_asked(record)
        differing = [f"{name} {then[name]} and not {now[name]}" for name in now if then.get(name) != now[name]]
        if differing:
            raise UserError(
                f"run {self.name} is there with {', '.join(differing[:3])}: ask for the same, or take another --name."
            )
        return before


def locate_models(root: DataRoot) -> Path:
    """The folder of all runs. Raises UserError where the data root is no folder and none is named."""
    named = os.environ.get(MODELS_VARIABLE)
    if named:
        return Path(named).expanduser().resolve()
    if not root.is_local:
        raise UserError(
            f"models are trained on a local disk, and the data root {root.url} is none: "
            f"set {MODELS_VARIABLE} to a folder."
        )
    return Path(str(root.path("models")))


def locate_prepared(models: Path, key: str) -> Path:
    """The folder of data prepared for training, which runs share; no run's name begins with a dot."""
    return models / ".prepared" / key


def get_run(models: Path, name: str) -> ModelRun:
    """The run of that name, whether it exists or not. Raises UserError if it cannot be used as a name."""
    check_dataset_name(name, "run name")
    return ModelRun(models / name)


def name_run(params: TrainParams, dataset: TrainingSet, tokenizer: str) -> str:
    """The name of a run that was given none: the same for the same parameters and data, so that it is gone on with."""
    asked = {**_list_params(params), "data": dataset.content_hash, "tokenizer": tokenizer}
    parts = (Path(params.model).name, dataset.name, dataset.version, params.method)
    text = re.sub(r"[^a-z0-9._-]+", "-", "-".join(parts).lower()).strip("-._")
    digest = content_hash(asked)[:8]
    return f"{text[: _NAME_LENGTH - len(digest) - 1]}-{digest}"


def _list_params(params: TrainParams) -> dict[str, object]:
    """The parameters that make a run what it is: not its name, and not the words in which its dataset was named."""
    return params.model_dump(exclude={"name", "dataset"})


def _list_asked(record: RunRecord) -> dict[str, object]:
    """All that must be the same when a run is gone on with."""
    dataset = f"dataset {record.dataset.name} {record.dataset.version} ({record.dataset.content_hash[:12]})"
    params = {f"--{name}": value for name, value in _list_params(record.params).items()}
    return {**params, "data": dataset, TRAIN: record.dataset.sha256[:12], "tokenizer": record.tokenizer}
