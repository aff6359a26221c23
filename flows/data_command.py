"""Reads the command line of the flows that make data. Imports nothing of Prefect."""

from pydantic import Field, create_model

from flows.command import Command
from flows.inputs import gather_inputs
from flows.options import parse_options
from flows.server import Server
from schemas.errors import RunStoppedError, UserError
from schemas.parameters import BuildDatasetParams, BuildToolsetParams
from schemas.steps import BuildSummary, ToolsetSummary

PARAMETERS: dict[str, type[BuildToolsetParams]] = {
    "build_dataset": BuildDatasetParams,
    "build_toolset": BuildToolsetParams,
    "refresh_dataset": BuildDatasetParams,
}

_SAMPLE = 5
"""APIs that a dry run plays unless it is told how many."""


def read_command(name: str, arguments: list[str]) -> Command | None:
    """The run that the arguments ask for; None where they asked for a dry run, which is then done.

    Raises:
        UserError: a parameter that is wrong, or what `gather_inputs` finds wrong.
    """
    model = PARAMETERS[name]
    told = parse_options(f"flows.{name}", _add_dry_run(model), arguments).model_dump()
    sample: int | None = told.pop("dry_run")
    params = model.model_validate(told)
    if name == "refresh_dataset" and isinstance(params, BuildDatasetParams) and params.version is not None:
        raise UserError("a refresh takes no version: leave --version out, or use flows.build_dataset.")
    inputs = gather_inputs(params, writes=sample is None)
    if sample is not None:
        from flows.dry_run import print_dry_run

        print_dry_run(params, inputs, sample)
        return None
    return Command(params, inputs, (f"teacher: {params.teacher.model}",), _print_end)


def _add_dry_run(model: type[BuildToolsetParams]) -> type[BuildToolsetParams]:
    """A flow's parameters and `dry_run`, which is the command line's alone: it answers without a flow run."""
    text = (
        f"only estimate calls, tokens and cost, from a sample of N APIs ({_SAMPLE} if N is left out); nothing is spent"
    )
    field = Field(None, ge=1, description=text, json_schema_extra={"alone": _SAMPLE})
    return create_model(model.__name__, __base__=model, __doc__=model.__doc__, dry_run=(int | None, field))


def _print_end(summary: BuildSummary | ToolsetSummary, seconds: float, server: Server) -> None:
    from flows.summary import print_summary

    print_summary(summary, seconds, server)
    if summary.stopped:
        raise RunStoppedError(summary.stopped, "budget")
