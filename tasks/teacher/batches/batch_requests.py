"""Requests on their way into a batch, and who waits for them."""

import asyncio
import time
from dataclasses import dataclass

from schemas.calls import Completion
from tasks.teacher.batches.batch_lines import MOST_BYTES, MOST_REQUESTS
from tasks.teacher.sending.retries import EndpointError

ROUNDS = 3
"""Batches that a request may fail in for passing reasons before it is given up."""

_LONGEST_LINGER = 20
"""Requests that keep trickling in hold a batch back for this many times `linger_s`, and no longer."""


@dataclass(eq=False)
class Request:
    """A request that is gathered or in a batch; `rounds` are the batches that it has failed in."""

    key: str
    line: bytes
    answer: "asyncio.Future[Completion]"
    waiters: int = 0
    rounds: int = 0


class Requests:
    """All requests that have no answer yet, by key, and those among them that the next batches are to take.

    `most` is the number of requests in a file; `linger_s` is in seconds.
    """

    def __init__(self, linger_s: float) -> None:
        self.most = MOST_REQUESTS
        self._linger_s = linger_s
        self._open: dict[str, Request] = {}
        self._gathered: dict[str, Request] = {}
        self._arrived = asyncio.Event()
        self._arrivals = 0

    def __len__(self) -> int:
        return len(self._open)

    def find(self, key: str) -> Request | None:
        """The request of this key that has no answer yet."""
        return self._open.get(key)

    def open(self, key: str, line: bytes) -> Request:
        """A new request, which is gathered."""
        request = Request(key, line, asyncio.get_running_loop().create_future())
        self._open[key] = request
        self._gather(request)
        return request

    def gather_again(self, request: Request) -> None:
        """Puts a request that is in no batch any more into one of the next, if anybody still waits for it."""
        if request.answer.done():
            return
        if request.waiters:
            self._gather(request)
        else:
            self._close(request)

    async def wait(self, request: Request) -> Completion:
        """The answer; one whom nobody waits for any more is not sent, if it was not sent yet."""
        request.waiters += 1
        try:
            # Waiting must not cancel the future that others wait for too.
            return await asyncio.shield(request.answer)
        finally:
            request.waiters -= 1
            if not request.waiters and self._gathered.get(request.key) is request:
                self._close(request)

    async def rest(self) -> None:
        """Returns when there are requests and no more have come for a while, or enough for a file."""
        await self._arrived.wait()
        until = time.monotonic() + _LONGEST_LINGER * self._linger_s
        while len(self._gathered) < self.most and time.monotonic() < until:
            arrivals = self._arrivals
            await asyncio.sleep(self._linger_s)
            if arrivals == self._arrivals:
                return

    def take(self) -> list[Request]:
        """As many of the gathered requests as one file holds."""
        taken: list[Request] = []
        size = 0
        for request in self._gathered.values():
            size += len(request.line)
            if taken and (len(taken) == self.most or size > MOST_BYTES):
                break
            taken.append(request)
        for request in taken:
            del self._gathered[request.key]
        if not self._gathered:
            self._arrived.clear()
        return taken

    def answer(self, request: Request, completion: Completion) -> None:
        """Ends the wait for a request."""
        self._close(request)
        if not request.answer.done():
            request.answer.set_result(completion)

    def refuse(self, request: Request, error: Exception) -> None:
        """Ends the wait for a request with an error."""
        self._close(request)
        if not request.answer.done():
            request.answer.set_exception(error)
            request.answer.exception()  # nobody may be waiting any more

    def refuse_all(self, error: Exception) -> None:
        """Ends all waits with an error."""
        for request in list(self._open.values()):
            self.refuse(request, error)

    def retry(self, request: Request, error: EndpointError, *, counts: bool) -> None:
        """Gathers a request again that failed in passing, or ends the wait for it."""
        request.rounds += counts
        if error.retried and not error.fatal and request.rounds < ROUNDS:
            self.gather_again(request)
        else:
            self.refuse(request, finalise(error, request.rounds))

    def _gather(self, request: Request) -> None:
        self._gathered[request.key] = request
        self._arrivals += 1
        self._arrived.set()

    def _close(self, request: Request) -> None:
        # A later request may have the same key, if this one was refused while its batch went on.
        for requests in (self._open, self._gathered):
            if requests.get(request.key) is request:
                del requests[request.key]


def finalise(error: EndpointError, rounds: int = 1) -> EndpointError:
    """The failure as the last word: whoever asked does not retry what was retried here."""
    text = f"{error} (in {rounds} batches)" if error.retried and rounds > 1 else str(error)
    status = None if error.is_limit else error.status
    return EndpointError(
        text, status=status, fatal=error.fatal, said=error.said, means=error.means if error.fatal else None
    )


async def cancel_all(tasks: set["asyncio.Task[None] | None"]) -> None:
    """Cancels the tasks that there are, and waits until they have ended."""
    running = [task for task in tasks if task is not None]
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
