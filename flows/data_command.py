"""Reads the command line of the flows that make data. Imports nothing of Prefect."""

from cyclopts import App
from pydantic import BaseModel, Field, create_model

from flows.command import Command
from flows.inputs import gather_inputs, show_parameters
from flows.options import make_command, parse_options
from flows.server import Server
from flows.summary import print_summary
from schemas.calls import ROLES
from schemas.errors import RunStoppedError, UserError
from schemas.parameters import BuildDatasetParams, BuildToolsetParams
from schemas.steps import BuildSummary, ToolsetSummary
from tasks.datasets import EXPORT_FORMATS
from tasks.teacher import fill_presets

PARAMETERS: dict[str, type[BuildToolsetParams]] = {
    "build_dataset": BuildDatasetParams,
    "build_toolset": BuildToolsetParams,
    "refresh_dataset": BuildDatasetParams,
}

COMMANDS = {
    "build_dataset": ("build", "Turns a catalogue of public APIs into a published tool-use dataset."),
    "build_toolset": (
        "toolset",
        "Documents and specifies APIs of a catalogue, so that datasets can be made from them.",
    ),
    "refresh_dataset": ("refresh", "Builds a dataset again, and publishes it where something has changed."),
}
"""What each flow is called on the command line, and what it does."""

_SAMPLE = 5
"""APIs that a dry run plays unless it is told how many."""

_ALONE = {"--dry_run": (str(_SAMPLE),), "--export": EXPORT_FORMATS}


def read_data_command(name: str, arguments: list[str]) -> Command | None:
    """The run that the arguments ask for; None where they asked for a dry run, which is then done.

    Raises:
        UserError: a parameter that is wrong, or what `gather_inputs` finds wrong.
    """
    app, shown = make_data_app(name)
    told = parse_options(app, shown, arguments, _ALONE).model_dump(exclude_unset=True)
    sample: int | None = told.pop("dry_run", None)
    params = fill_presets(PARAMETERS[name].model_validate(told))
    if name == "refresh_dataset" and isinstance(params, BuildDatasetParams) and params.version is not None:
        raise UserError("a refresh takes no version: leave --version out, or use flows.build_dataset.")
    inputs = gather_inputs(params, writes=sample is None)
    if sample is not None:
        from flows.dry_run import print_dry_run

        print_dry_run(params, inputs, sample)
        return None
    # Prefect records the parameters of a flow before any code of ours runs.
    models = dict.fromkeys(params.get_settings(role).model for role in ROLES)
    return Command(show_parameters(params), inputs, tuple(f"teacher: {model}" for model in models), _print_end)


def make_data_app(name: str) -> tuple[App, type[BaseModel]]:
    """The command of a flow, and what its options make: the parameters and `dry_run`, which is no flow run's."""
    model, (command, told) = PARAMETERS[name], COMMANDS[name]
    text = (
        f"only estimate calls, tokens and cost, from a sample of N APIs ({_SAMPLE} if N is left out); nothing is spent"
    )
    field = Field(None, ge=1, description=text)
    shown = create_model(model.__name__, __base__=model, __doc__=told, dry_run=(int | None, field))
    return make_command(f"toolherd {command}", shown), shown


def _print_end(summary: BuildSummary | ToolsetSummary, seconds: float, server: Server) -> None:
    print_summary(summary, seconds, server)
    if summary.stopped:
        raise RunStoppedError(summary.stopped, "budget")
