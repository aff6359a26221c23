"""What the tasks of a run share: data root, teacher, ledger, entries, parameters.

A task's inputs are what its cache key is made from, and an input that cannot be hashed disables the cache. So clients,
stores and long records do not travel as inputs: the flow opens a `RunContext`, and tasks find it here.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from schemas.calls import ROLES
from schemas.catalog import Catalog, CatalogEntry
from schemas.parameters import BuildDatasetParams, BuildToolsetParams
from tasks.datasets import DataRoot
from tasks.side_process import SideProcess
from tasks.teacher import Ledger, Teacher


@dataclass(frozen=True)
class RunContext:
    """One run of a flow; `entries` are the catalogue's, by id."""

    root: DataRoot
    teacher: Teacher
    ledger: Ledger
    catalog: Catalog
    params: BuildToolsetParams
    entries: Mapping[str, CatalogEntry]
    benchmarks: tuple[str, ...] = ()
    side: SideProcess = field(default_factory=SideProcess)

    @property
    def dataset_params(self) -> BuildDatasetParams:
        """The parameters of a run that makes a dataset."""
        assert isinstance(self.params, BuildDatasetParams)
        return self.params

    def require_going_on(self) -> None:
        """See that nobody has told the run to stop; long work in a thread looks now and then.

        Raises:
            RunStoppedError: somebody has.
        """
        if self.teacher.told_to_stop is not None:
            raise self.teacher.told_to_stop

    def choose_run(self, entry: CatalogEntry) -> Callable[..., Awaitable[Any]]:
        """What does pure work on an API off the event loop.

        It is never this process where others wrote the document, or what is in it: only another one can be ended.
        """
        is_ours = entry.openapi is None and all(self.params.get_settings(role).is_embedded for role in ROLES)
        return self.side.run if is_ours else self.side.run_apart


_CURRENT: ContextVar[RunContext] = ContextVar("run_context")


def get_context() -> RunContext:
    """The run that is going on.

    Raises:
        LookupError: called outside of a flow.
    """
    return _CURRENT.get()


@contextmanager
def use_context(context: RunContext) -> Iterator[RunContext]:
    """Make `context` the run that is going on."""
    token = _CURRENT.set(context)
    try:
        yield context
    finally:
        _CURRENT.reset(token)
        context.side.close()
