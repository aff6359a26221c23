"""Where Prefect finds that a task's work is done already: in what the task left, for there is no other record of it.

Before a task with a cache key runs, Prefect looks for the key in its result storage. Here that look-up asks whoever
knows, so that the task ends as Cached where the artifact is there, and runs where it is not.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from prefect.context import FlowRunContext
from prefect.filesystems import WritableFileSystem
from prefect.results import ResultStore
from prefect.serializers import JSONSerializer
from pydantic import PrivateAttr

Find = Callable[[str], Awaitable[Any | None]]


class FoundResults(WritableFileSystem):
    """Gives what `find` finds for a key, and keeps nothing."""

    _find: Find = PrivateAttr()

    @classmethod
    def by(cls, find: Find) -> "FoundResults":
        """Results by a function that gives a task's result for its cache key, or None."""
        results = cls()
        results._find = find
        return results

    async def read_path(self, path: str) -> bytes:
        """A result in Prefect's form. Raises FileNotFoundError."""
        found = await self._find(path)
        if found is None:
            raise FileNotFoundError(path)
        return _RECORDS.create_result_record(found, key=path).serialize()

    async def write_path(self, path: str, content: bytes) -> None:
        """Prefect's: the task has kept what it made."""

    def _resolve_path(self, path: str) -> None:
        """Prefect's: a key is not to be made a path on this machine."""


_RECORDS = ResultStore(result_storage=FoundResults(), serializer=JSONSerializer())
"""Gives results the form in which Prefect reads them; with a storage of its own, which leaves keys as they are."""


def find_results_by(find: Find) -> None:
    """Have Prefect ask `find` for the results of the running flow's tasks."""
    flow_run = FlowRunContext.get()
    if flow_run is not None:
        storage = FoundResults.by(find)
        flow_run.result_store = flow_run.result_store.model_copy(update={"result_storage": storage})
