"""An endpoint with others to go on with: when one is given up, requests go to the next."""

from collections.abc import Sequence
from dataclasses import replace

from schemas.calls import ChatRequest, Role, Stage
from schemas.errors import FatalTeacherError, NotStoredError, RunStoppedError, ToolHerdError
from schemas.teacher import TeacherSettings
from tasks.teacher.batches.batch_record import OpenBatch
from tasks.teacher.engine.engine import Answer, Engine, EngineState, add_states
from tasks.teacher.notices import tell
from tasks.teacher.sending.retries import EndpointError

_OF_RUN = ("budget", "signal")
"""Why a run stops, whichever endpoint it is at."""

_OF_ENDPOINT = (None, "passing", "away", "loading")
"""What an endpoint fails of in every attempt at a request; another one may do better. What is refused, moderated or
takes too long is the request's."""


class FallbackEngine:
    """Engines in order, with the methods of one. The first is asked until it is given up, then the next.

    What is kept of any of them is served, so that a run which is begun again asks nothing twice.
    """

    def __init__(self, settings: TeacherSettings, engines: Sequence[Engine]) -> None:
        self.settings = settings
        self._engines = engines
        self._at = 0

    @property
    def state(self) -> EngineState:
        """How all of them stand; stopped is who stopped the one that is asked now."""
        state = add_states([engine.state for engine in self._engines])
        return replace(state, stopped=self._engines[self._at].state.stopped)

    async def answer(
        self, request: ChatRequest, stage: Stage, api_id: str, role: Role = "teacher", *, only_stored: bool = False
    ) -> Answer:
        """See `Engine.answer`."""
        for engine in self._engines:
            if (stored := engine.find_stored(request)) is not None:
                return stored
        if only_stored:
            raise NotStoredError("the store has no answer")
        while True:
            at = self._at
            try:
                return await self._engines[at].answer(request, stage, api_id, role)
            except ToolHerdError as error:
                if at == self._at and (at + 1 == len(self._engines) or not is_given_up(error)):
                    raise
                self._go_on(at, error)

    def stop(self, error: RunStoppedError) -> None:
        """See `Engine.stop`."""
        for engine in self._engines:
            engine.stop(error)

    def abort(self) -> None:
        """See `Engine.abort`."""
        for engine in self._engines:
            engine.abort()

    async def aclose(self) -> tuple[OpenBatch, ...]:
        """See `Engine.aclose`."""
        left = [batch for engine in self._engines for batch in await engine.aclose()]
        return tuple(left)

    def _go_on(self, at: int, error: ToolHerdError) -> None:
        """Give an engine up, unless another request has; those that wait for it fail at once and go on as well."""
        if self._at != at:
            return
        self._at = at + 1
        settings = self._engines[self._at].settings
        tell(f"{error}; requests go to {settings.model} at {settings.base_url} from now on")
        self._engines[at].stop(RunStoppedError(str(error), "errors"))


def is_given_up(error: ToolHerdError) -> bool:
    """Whether the endpoint is of no use any more, and not only the one request."""
    if isinstance(error, RunStoppedError):
        return error.cause not in _OF_RUN
    if isinstance(error, FatalTeacherError):
        return True
    cause = error.__cause__
    return isinstance(cause, EndpointError) and cause.retried and cause.means in _OF_ENDPOINT
