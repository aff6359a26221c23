"""The command line of the flows: parameters in, one flow run, a summary and an exit status out.

Exit status: 0 done, 1 the run failed, 2 bad input (nothing was started or written), 3 the budget was reached, 130
interrupted (143 by SIGTERM).

The order matters. Input is checked first; then the server is started, which takes longest, and whatever is slow to
import is imported meanwhile; only then is Prefect imported, because it reads its settings from the environment.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pydantic import Field, create_model

from flows.inputs import Inputs, gather_inputs
from flows.options import parse_options
from flows.server import Server, configure_client, is_healthy, launch_server, wait_for_server
from schemas.errors import RunStoppedError, ToolHerdError, UserError
from schemas.parameters import BuildDatasetParams, BuildToolsetParams

if TYPE_CHECKING:
    from flows.session import Launch
    from tasks.llm import Teacher

FLOWS: dict[str, type[BuildToolsetParams]] = {
    "build_dataset": BuildDatasetParams,
    "build_toolset": BuildToolsetParams,
    "refresh_dataset": BuildDatasetParams,
}

_QUIET = {
    # What a run has to say is on its page; the terminal has the bar and the summary.
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    # Two lines for each task, sent to the server, tell nothing that the task's state does not.
    "PREFECT_LOGGING_LOGGERS_PREFECT_TASK_RUNS_LEVEL": "WARNING",
}


_SAMPLE = 5
"""APIs that a dry run plays unless it is told how many."""


class _StoppedError(Exception):
    """A signal ended the run."""

    def __init__(self, sign: signal.Signals) -> None:
        super().__init__(sign.name)
        self.sign = sign


def main(name: str, arguments: list[str] | None = None) -> int:
    """Run the flow of `flows/<name>.py` with the process's arguments; returns the exit status."""
    try:
        given = parse_options(
            f"flows.{name}", _add_dry_run(FLOWS[name]), sys.argv[1:] if arguments is None else arguments
        )
        told = given.model_dump()
        sample: int | None = told.pop("dry_run")
        params = FLOWS[name].model_validate(told)
        if name == "refresh_dataset" and isinstance(params, BuildDatasetParams) and params.version is not None:
            raise UserError("a refresh takes no version: leave --version out, or use flows.build_dataset.")
        inputs = gather_inputs(params, writes=sample is None)
        if sample is not None:
            from flows.dry_run import print_dry_run

            print_dry_run(params, inputs, sample)
            return 0
        return _run(name, params, inputs)
    except UserError as error:
        return _fail(error, 2)
    except RunStoppedError as error:
        return _fail(error, 3 if error.cause == "budget" else 1)
    except ToolHerdError as error:
        return _fail(error, 1)
    except (KeyboardInterrupt, _StoppedError) as error:
        print("interrupted: what was finished is kept, the same command goes on from there", file=sys.stderr)
        return 128 + (error.sign if isinstance(error, _StoppedError) else signal.SIGINT)


def _add_dry_run(model: type[BuildToolsetParams]) -> type[BuildToolsetParams]:
    """A flow's parameters and `dry_run`, which is the command line's alone: it answers without a flow run."""
    text = (
        f"only estimate calls, tokens and cost, from a sample of N APIs ({_SAMPLE} if N is left out); nothing is spent"
    )
    field = Field(None, ge=1, description=text, json_schema_extra={"alone": _SAMPLE})
    return create_model(model.__name__, __base__=model, __doc__=model.__doc__, dry_run=(int | None, field))


def _run(name: str, params: BuildToolsetParams, inputs: Inputs) -> int:
    given = os.environ.get("PREFECT_API_URL")
    server = launch_server()
    if given and server.api_url != given:
        print(f"PREFECT_API_URL ({given}) does not answer; a local server is used", file=sys.stderr)
    results = {"PREFECT_RESULTS_LOCAL_STORAGE_PATH": str(inputs.root.cache / "results")} if inputs.root.is_local else {}
    configure_client(server, **results, **_QUIET)
    waiting = not is_healthy(server.api_url)
    if waiting:
        print("starting a Prefect server, which takes 10 to 20 s and is done once …", file=sys.stderr, flush=True)
    flow = getattr(import_module(f"flows.{name}"), name)
    _wait(server)
    print(f"Prefect: {server.ui_url}", file=sys.stderr, flush=True)

    from flows.progress import open_display
    from flows.session import Launch
    from flows.summary import print_summary

    started = time.monotonic()
    display = open_display()
    try:
        summary = asyncio.run(_run_flow(flow, params, Launch(inputs, display)))
    finally:
        display.close()
    print_summary(summary, time.monotonic() - started, server)
    if summary.stopped:
        raise RunStoppedError(summary.stopped, "budget")
    return 0


async def _run_flow(flow: Callable[..., Coroutine[Any, Any, Any]], params: BuildToolsetParams, launch: "Launch") -> Any:
    """Run a flow. The first SIGINT or SIGTERM has it finish and keep what is in flight, the second cancels it at once.

    Raises:
        _StoppedError: a signal ended it.
    """
    from prefect import tags

    from flows.session import use_launch

    loop = asyncio.get_running_loop()
    stopped: list[signal.Signals] = []
    teachers: list[Teacher] = []

    def stop(sign: signal.Signals) -> None:
        stopped.append(sign)
        if len(stopped) > 1 or not teachers:
            running.cancel()
            return
        count = teachers[0].in_flight
        print(f"stopping: {count} requests in flight are finished and kept; once more stops at once", file=sys.stderr)
        teachers[0].stop(RunStoppedError(f"stopped by {sign.name}", "signal"))

    def take_signals(teacher: "Teacher | None" = None) -> None:
        teachers.extend([teacher] if teacher else [])
        for sign in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(sign, stop, sign)

    take_signals()
    with use_launch(replace(launch, on_start=take_signals)), tags("command line", f"teacher: {params.teacher.model}"):
        running = asyncio.ensure_future(flow(params))
    try:
        return await running
    except (asyncio.CancelledError, Exception):
        if stopped:
            raise _StoppedError(stopped[0]) from None
        raise
    finally:
        for batch in teachers[0].open_batches if teachers else ():
            where = f"{batch.requests} requests wait at the endpoint in {batch.batch_id or batch.name}"
            print(f"{where}; the same command gets their answers", file=sys.stderr)


def _wait(server: Server) -> None:
    last = 0.0

    def report(waited: float) -> None:
        nonlocal last
        if waited - last >= 10:
            last = waited
            print(f"still waiting for the Prefect server ({waited:.0f} s) …", file=sys.stderr, flush=True)

    wait_for_server(server, report)


def _fail(error: ToolHerdError, status: int) -> int:
    print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
    return status
