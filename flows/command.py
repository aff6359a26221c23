"""What a flow's command line was asked for, between reading it and running it. Imports nothing of Prefect."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flows.server import Server
from schemas.base import Record


@dataclass(frozen=True)
class Command:
    """A run whose input is checked and of which nothing is started.

    `params` are the flow's parameters, and `inputs` is what was read for it, which it alone looks into.
    `print_end` is called with the flow's result, the seconds that it took and the server. It may raise RunStoppedError.
    """

    params: Record
    inputs: object
    tags: tuple[str, ...]
    print_end: Callable[[Any, float, Server], None]
