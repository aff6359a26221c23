"""The command `toolherd`: `toolherd build --apis 50`, `toolherd server up`, `toolherd --help`.

Each of its commands is a module that can be run alone as well (`python -m flows.build_dataset --apis 50`), and says the
same. Imports nothing of Prefect; the commands import what they need when they are run.
"""

import importlib.metadata
import sys
from collections.abc import Callable, Sequence
from pkgutil import resolve_name

from cyclopts import App, CycloptsError

from flows.terminal import warn
from schemas.shown import show_line

Run = Callable[[list[str]], int]


def _run(module: str, *flow: str) -> Run:
    """What calls the module's `main`, of the command line that the flows share with the flow's name first."""
    return lambda arguments: int(resolve_name(f"flows.{module}:main")(*flow, arguments))


RUNS: dict[str, Run] = {
    "build": _run("command_line", "build_dataset"),
    "toolset": _run("command_line", "build_toolset"),
    "refresh": _run("command_line", "refresh_dataset"),
    "train": _run("command_line", "train"),
    "judge-check": _run("judge_check_command"),
    "completions": _run("completions_command"),
    "server": _run("server"),
}
"""What each command does with its arguments; returns the exit status."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and given[0] in RUNS:
        return RUNS[given[0]](given[1:])
    try:
        make_app()(given, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        warn(f"error: {show_line(error)} `toolherd --help` lists them.")
        return 2
    return 0


def make_app() -> App:
    """All commands with all their options, for the help and for the completion of shells."""
    from flows import completions_command, data_command, judge_check_command, server, train_command

    app = App(
        name="toolherd",
        help="Makes verified tool-use corpora from catalogues of APIs, and trains models on them.",
        help_flags=("--help", "-h"),
        version=importlib.metadata.version("toolherd"),
        result_action="return_value",
    )
    for flow, (name, _) in data_command.COMMANDS.items():
        app.command(data_command.make_data_app(flow)[0], name=name)
    app.command(train_command.make_train_app(), name="train")
    app.command(judge_check_command.make_judge_check_app(), name="judge-check")
    app.command(completions_command.make_completions_app(), name="completions")
    app.command(server.make_server_app(), name="server")
    app.register_install_completion_command()
    return app


if __name__ == "__main__":
    sys.exit(main())
