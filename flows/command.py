"""What a flow's command line was asked for, between reading it and running it. Imports nothing of Prefect."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from flows.server import Server
from schemas.base import Record
from tasks.datasets import DataRoot


class RunInputs(Protocol):
    """What a run needs from outside, read and checked."""

    @property
    def root(self) -> DataRoot:
        """Where data, and Prefect's results with it, are kept."""


@dataclass(frozen=True)
class Command:
    """A run whose input is checked and of which nothing is started: the flow's parameters, and what was read for it.

    `print_end` is called with the flow's result, the seconds that it took and the server. It may raise RunStoppedError.
    """

    params: Record
    inputs: RunInputs
    tags: tuple[str, ...]
    print_end: Callable[[Any, float, Server], None]
