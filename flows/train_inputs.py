"""What a training run needs from outside, gathered and checked before a server starts or anything is loaded or written.

Imports nothing of Prefect, so that the command line can turn down bad input at once.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from flows.allowed import Allowed
from flows.inputs import check_recordable
from schemas.errors import UserError
from schemas.models import RunRecord, TrainingSet, TrainSummary
from schemas.parameters import BuildDatasetParams
from schemas.training import TrainParams
from tasks.datasets import DataRoot, find_training_set, get_run, locate_models, name_run, read_code_version
from tasks.network import adopt_certificates
from tasks.supervision.commands import TRAINER, Commands
from tasks.supervision.machine import Machine, read_machine
from tasks.trainer.footprint import read_shape
from tasks.trainer.hub import FoundModel, find_model
from tasks.training_plan import Plan, plan_run


@dataclass(frozen=True)
class TrainInputs:
    """The data root and the folder of models, the model and the machine, and what was asked for.

    `dataset` is None where there is none yet: the flow makes the `default` one first. `finished` is what became of the
    very run that is asked for, if it is finished; it takes nothing of the machine, and `plan` is None.
    """

    root: DataRoot
    models: Path
    model: FoundModel
    machine: Machine
    dataset: TrainingSet | None
    plan: Plan | None
    commands: Commands
    finished: TrainSummary | None = None
    default: BuildDatasetParams = field(default_factory=BuildDatasetParams)

    @property
    def device(self) -> str:
        """The cards that are used, or the CPU, in words."""
        if self.plan is None or not self.plan.gpus:
            return "CPU"
        names = [gpu.name for gpu in self.machine.gpus]
        return f"{len(names)} × {names[0]}" if len(names) > 1 and len(set(names)) == 1 else ", ".join(names)


def gather_train_inputs(
    params: TrainParams, commands: Commands = TRAINER, allowed: Allowed | None = None
) -> TrainInputs:
    """Read what the parameters name, and see that the run can start here with these commands.

    Raises:
        UserError: something that is not `allowed`, an address with a password, an unknown dataset or model, a dataset
            without rows, a run of that name that was asked for other things, no GPU, memory or disk that cannot
            suffice, the `train` extra not installed.
    """
    check_recordable("--dataset", params.dataset)
    check_recordable("--model", params.model)
    if allowed is not None:
        allowed.check_training(params)
    root = DataRoot.from_environment()
    models = locate_models(root)
    commands.require_packages()
    adopt_certificates()  # before the hub is asked; the trainer's processes get it with the environment
    model = find_model(params.model)
    try:
        shape = read_shape(model.config)
    except ValueError as error:
        raise UserError(f"--model {params.model}: {error}.") from error
    dataset = _find_dataset(root, models, params)
    held, finished = 0, None
    if dataset is not None:
        record = make_record(params, model, dataset)
        run = get_run(models, record.params.name)
        if run.check(record) is not None:
            held, finished = run.measure(), run.read_summary()
    machine = read_machine()
    if finished is not None:
        return TrainInputs(root, models, model, machine, dataset, None, commands, finished)
    plan = plan_run(shape, params, machine, models, fetched=not model.is_here, held=held)
    DataRoot(str(models)).require_writable()  # last, because it makes the folder
    return TrainInputs(root, models, model, machine, dataset, plan, commands)


def make_record(params: TrainParams, model: FoundModel, dataset: TrainingSet) -> RunRecord:
    """What a run on that dataset is recorded as, with a name in any case."""
    named = params.model_copy(update={"model": model.name})
    name = params.name or name_run(named, dataset, model.tokenizer)
    return RunRecord(
        params=named.model_copy(update={"name": name}),
        dataset=dataset,
        tokenizer=model.tokenizer,
        code_version=read_code_version(),
        created_at=datetime.now(UTC),
    )


def _find_dataset(root: DataRoot, models: Path, params: TrainParams) -> TrainingSet | None:
    """The dataset that is named, else the one that the run of this name began with, else the newest there is."""
    begun = get_run(models, params.name).read_record() if params.name else None
    if begun is None or params.dataset:
        return find_training_set(root, params.dataset)
    path = begun.dataset.path
    protocol = path.partition("://")[0] if "://" in path else "file"
    if "::" in path or protocol not in {"file", "local", root.base.protocol}:
        # a file may not choose what is loaded to read an address of a kind that nobody asked for
        raise UserError(
            f"run {params.name} was begun on {path[:200]!r}, which is not in {root.url}: name it (--dataset)."
        )
    return find_training_set(root, path)
