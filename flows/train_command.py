"""Reads the command line of the flow `train`. Imports nothing of Prefect."""

from cyclopts import App

from flows.command import Command
from flows.options import make_command, parse_options
from flows.server import Server
from flows.train_inputs import gather_train_inputs
from schemas.models import TrainSummary
from schemas.training import TrainParams
from tasks.supervision.commands import TRAINER, Commands


def read_train_command(name: str, arguments: list[str], commands: Commands = TRAINER) -> Command:
    """The run that the arguments ask for, whose children are started by `commands`.

    Raises:
        UserError: a parameter that is wrong, or what `gather_train_inputs` finds wrong.
    """
    params = parse_options(make_train_app(), TrainParams, arguments)
    return Command(params, gather_train_inputs(params, commands), (f"model: {params.model}",), print_end)


def make_train_app() -> App:
    """The command, whose options are the parameters of the flow."""
    return make_command("toolherd train", TrainParams)


def print_end(summary: TrainSummary, seconds: float, server: Server) -> None:
    """Print what became of the run."""
    from flows.train_summary import print_train_summary

    print_train_summary(summary, seconds, server)
