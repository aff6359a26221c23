"""Reads the command line of the flow `train`. Imports nothing of Prefect."""

from cyclopts import App

from flows.command import Command
from flows.options import make_command, parse_options
from flows.summary import print_train_summary
from flows.train_inputs import gather_train_inputs
from schemas.training import TrainParams
from tasks.supervision.commands import TRAINER, Commands


def read_train_command(name: str, arguments: list[str], commands: Commands = TRAINER) -> Command:
    """The run that the arguments ask for, whose children are started by `commands`.

    Raises:
        UserError: a parameter that is wrong, or what `gather_train_inputs` finds wrong.
    """
    params = parse_options(make_train_app(), TrainParams, arguments)
    return Command(params, gather_train_inputs(params, commands), (f"model: {params.model}",), print_train_summary)


def make_train_app() -> App:
    """The command, whose options are the parameters of the flow."""
    return make_command("toolherd train", TrainParams)
