"""The command line of the flows: parameters in, one flow run, a summary and an exit status out.

Exit status: 0 done, 1 the run failed, 2 bad input: nothing was started or written, or the endpoint cannot be used as it
is set; 3 the budget, the endpoint's account or a quota of it is used up, or it is away: what was finished is kept and
published, and the same command goes on from there; 130 interrupted (143 by SIGTERM).

The order matters. Input is checked first; then the server is started, which takes longest, and whatever is slow to
import is imported meanwhile; only then is Prefect imported, because it reads its settings from the environment.

What differs between the flows, `flows/data_command.py` and `flows/train_command.py` know: each reads the arguments of
its flows and checks what they name.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from importlib import import_module
from pkgutil import resolve_name
from types import FrameType
from typing import TYPE_CHECKING, Any

import uvloop

from flows.command import Command
from flows.server import (
    Server,
    configure_client,
    is_healthy,
    is_same_address,
    launch_server,
    require_access,
    wait_for_server,
)
from flows.stopping import INTERRUPTED, Ending, Stoppable, end_hard
from flows.terminal import show_trace, warn
from schemas.errors import (
    EngineLostError,
    FatalTeacherError,
    NothingAcceptedError,
    RunStoppedError,
    ToolHerdError,
    UserError,
)
from schemas.shown import show_line
from schemas.urls import show_url
from tasks.network import adopt_certificates

if TYPE_CHECKING:
    from flows.session import Launch

FLOWS = {
    "build_dataset": "flows.data_command.read_data_command",
    "build_toolset": "flows.data_command.read_data_command",
    "refresh_dataset": "flows.data_command.read_data_command",
    "train": "flows.train_command.read_train_command",
}
"""The flows, and what reads their arguments; imported when it is needed."""

Reader = Callable[[str, list[str]], Command | None]

_QUIET = {
    # What a run has to say is on its page; the terminal has the bar and the summary.
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    # Two lines for each task, sent to the server, tell nothing that the task's state does not.
    "PREFECT_LOGGING_LOGGERS_PREFECT_TASK_RUNS_LEVEL": "WARNING",
}


class _StoppedError(Exception):
    """A signal ended the run."""

    def __init__(self, sign: signal.Signals) -> None:
        super().__init__(sign.name)
        self.sign = sign


def main(name: str, arguments: list[str] | None = None, read: Reader | None = None) -> int:
    """Run the flow of `flows/<name>.py` with the process's arguments; returns the exit status.

    `read` reads the arguments and checks what they name; without it the flow's own reader does.
    """
    sys.excepthook = show_trace
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's for what a script starts in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        adopt_certificates()
        reader: Reader = read or resolve_name(FLOWS[name])
        command = reader(name, sys.argv[1:] if arguments is None else arguments)
        if command is not None:
            _run(name, command)
        return 0
    except UserError as error:
        return _fail(error, 2)
    except RunStoppedError as error:
        return _fail(error, 3 if error.leaves_a_part else 1)
    except EngineLostError as error:
        return _fail(error, 1)
    except FatalTeacherError as error:
        return _fail(error, 2)
    except ToolHerdError as error:
        return _fail(error, 1)
    except (KeyboardInterrupt, _StoppedError) as error:
        warn(INTERRUPTED)
        return 128 + (error.sign if isinstance(error, _StoppedError) else signal.SIGINT)


def _run(name: str, command: Command) -> None:
    server = _launch_server()
    flow = getattr(import_module(f"flows.{name}"), name)
    _wait(server)

    from prefect.settings import PREFECT_API_AUTH_STRING

    from flows.notices import show_notices
    from flows.progress import open_display
    from flows.session import Launch

    require_access(server, PREFECT_API_AUTH_STRING.value())
    warn(f"Prefect: {server.ui_url}{server.sign_in}")

    started = time.monotonic()
    display = open_display()
    going_on: list[Stoppable] = []
    ending = Ending(going_on, end_hard)
    try:
        with show_notices():
            summary = uvloop.run(_run_flow(flow, command, Launch(command.inputs, display), going_on, ending))
    except NothingAcceptedError as error:
        display.close()
        command.print_end(error.summary, time.monotonic() - started, server)
        raise
    finally:
        ending.cease()
        display.close()
    command.print_end(summary, time.monotonic() - started, server)


def _launch_server() -> Server:
    """The server, answering or about to, and the environment in which Prefect is to be imported."""
    given = os.environ.get("PREFECT_API_URL")
    server = launch_server()
    if given and not is_same_address(server.api_url, given):
        warn(f"PREFECT_API_URL ({show_url(given)}) does not answer; a local server is used")
    configure_client(server, **_QUIET)
    if not is_healthy(server.api_url):
        warn("starting a Prefect server, which takes 10 to 20 s and is done once …")
    return server


async def _run_flow(
    flow: Callable[..., Coroutine[Any, Any, Any]],
    command: Command,
    launch: "Launch",
    started: list[Stoppable],
    ending: Ending,
) -> Any:
    """Run a flow. The first SIGINT or SIGTERM has it end in order, the second cancels it at once.

    Raises:
        _StoppedError: a signal ended it, which came to us or to what the flow had started.
    """
    from prefect import tags
    from prefect.exceptions import CancelledRun

    from flows.session import use_launch

    loop = asyncio.get_running_loop()
    signals: list[signal.Signals] = []

    def stop(sign: signal.Signals) -> None:
        signals.append(sign)
        if len(signals) > 1 or not started:
            running.cancel()
            return
        waited_for = [one.stop(sign) for one in started][-1]
        warn(f"stopping: {waited_for}; once more stops at once")
        if left := ending.find_time_left():
            warn(f"at most {left:.0f} s are left for that")

    def take_signals(stoppable: Stoppable | None = None) -> None:
        started.extend([stoppable] if stoppable else [])
        for sign in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(sign, stop, sign)
            signal.signal(sign, _note_first(ending, signal.getsignal(sign)))

    take_signals()
    with use_launch(replace(launch, on_start=take_signals)), tags("command line", *command.tags):
        running = asyncio.ensure_future(flow(command.params))
    try:
        return await running
    except CancelledRun:
        raise _StoppedError(signals[0] if signals else signal.SIGTERM) from None
    except (asyncio.CancelledError, Exception):
        if signals:
            raise _StoppedError(signals[0]) from None
        raise
    finally:
        for note in (note for one in started for note in one.list_notes()):
            warn(note)


def _note_first(ending: Ending, handler: Any) -> Callable[[int, FrameType | None], None]:
    """The event loop's handler of a signal, which is taken in its turn; that it came is noted at once."""

    def note(sign: int, frame: FrameType | None) -> None:
        ending.note(signal.Signals(sign))
        handler(sign, frame)

    return note


def _wait(server: Server) -> None:
    last = 0.0

    def report(waited: float) -> None:
        nonlocal last
        if waited - last >= 10:
            last = waited
            warn(f"still waiting for the Prefect server ({waited:.0f} s) …")

    wait_for_server(server, report)


def _fail(error: ToolHerdError, status: int) -> int:
    warn(f"error: {show_line(error)}")
    return status
