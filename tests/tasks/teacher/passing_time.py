"""An event loop whose clock is the test's: waits take no time, and last exactly as long as they were meant to."""

import asyncio
import functools
import selectors
import time
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec
from unittest import mock

P = ParamSpec("P")
_NEVER_S = 30.0
_SHORTEST_S = 1e-9


class PassingLoop(asyncio.SelectorEventLoop):
    """Time passes when nobody has anything to do but wait, and then at once to the moment that is waited for.

    For what has no sockets: an app in process. What is handed to a thread is done on the spot.
    """

    def __init__(self) -> None:
        self.now = 1_000.0
        super().__init__(_Selector(self))

    def time(self) -> float:
        """Seconds on the test's clock."""
        return self.now

    def call_at(  # type: ignore[override]
        self, when: float, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        """asyncio's; a wait takes a moment at least, or what rounding leaves of one would be waited for for ever."""
        return super().call_at(max(when, self.now + _SHORTEST_S), callback, *args, context=context)

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """asyncio's, with no thread: or time would pass while it works."""
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:
            done.set_exception(error)
        return done


class _Selector(selectors.SelectSelector):
    def __init__(self, loop: PassingLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(_NEVER_S if timeout is None else 0)
        if not ready and timeout is None:
            raise RuntimeError("everybody waits, and for nothing that will ever happen")
        if not ready and timeout is not None:
            self._loop.now += max(timeout, 0.0)
        return ready


def in_passing_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """A test that runs in a `PassingLoop`, with the clocks of `time` that only go forward on its time."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=PassingLoop) as runner:
            loop = runner.get_loop()
            with mock.patch.multiple(time, monotonic=loop.time, perf_counter=loop.time):
                runner.run(test(*args, **kwargs))

    return run


def read_clock() -> float:
    """Seconds on the clock of the running loop."""
    return asyncio.get_running_loop().time()
