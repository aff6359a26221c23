"""Where Prefect keeps the results of the steps: in the data root, so that whoever shares it makes nothing anew.

Prefect's own storage for a folder resolves each path several times, in the event loop's thread: some sixty looks at the
disk a task, after each of which the loop may have to wait for another thread.
"""

import asyncio

from prefect.context import FlowRunContext
from prefect.filesystems import WritableFileSystem
from pydantic import PrivateAttr

from tasks.store import DataRoot


class StepResults(WritableFileSystem):
    """The results below `cache/results` of a data root, whether that is a folder or an object store."""

    _root: DataRoot = PrivateAttr()

    @classmethod
    def of(cls, root: DataRoot) -> "StepResults":
        """The results of one root."""
        results = cls()
        results._root = root
        return results

    async def read_path(self, path: str) -> bytes:
        """What was kept under a key. Raises FileNotFoundError."""
        found = await asyncio.to_thread(self._root.read_bytes, self._root.results / path)
        if found is None:
            raise FileNotFoundError(path)
        return found

    async def write_path(self, path: str, content: bytes) -> None:
        """Keep something under a key."""
        await asyncio.to_thread(self._root.write_bytes, self._root.results / path, content)

    def _resolve_path(self, path: str) -> None:
        """Prefect's: a key is not to be made a path on this machine."""


def keep_results_in(root: DataRoot) -> None:
    """Have the tasks of the running flow keep their results there."""
    flow_run = FlowRunContext.get()
    if flow_run is not None:
        flow_run.result_store = flow_run.result_store.model_copy(update={"result_storage": StepResults.of(root)})
