"""What Prefect is told by a flow is printable: logs, and the error that it raises, which Prefect keeps and prints."""

import logging
from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from schemas.errors import make_printable
from schemas.shown import PrintableRecord

P = ParamSpec("P")
R = TypeVar("R")


def keep_printable(body: Callable[P, Awaitable[R]]) -> Callable[P, Coroutine[Any, Any, R]]:
    """A flow's body, from whose start on all that this process logs is printable, Prefect's own lines too."""

    @wraps(body)
    async def speaking(*args: P.args, **kwargs: P.kwargs) -> R:
        logging.setLogRecordFactory(PrintableRecord)
        try:
            return await body(*args, **kwargs)
        except Exception as error:
            make_printable(error)
            raise

    return speaking
