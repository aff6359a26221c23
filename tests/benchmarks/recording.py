"""What the flow asks of a teacher and what it is answered, recorded once for all benchmarks of a run.

Recorded by walking the APIs against the server in its recording mode, untimed. Benchmarks then replay the answers, so
that the server costs next to no CPU, and send the same requests by other means.
"""

import asyncio
import atexit
import functools
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.calls import ChatRequest, Completion, Role, Stage
from schemas.catalog import CatalogEntry
from schemas.parameters import BuildDatasetParams
from schemas.teacher import TeacherSettings
from schemas.toolset import Toolset
from tasks.agents import instruct_api, simulate_episodes
from tasks.completions.keys import build_key
from tasks.document import make_documentation
from tasks.making import Making
from tasks.sources import read_catalog, select_entries
from tasks.specify import specify_toolset
from tasks.teacher import Engine, Ledger, Teacher
from tasks.teacher.endpoint import name_endpoint
from tasks.teacher.sending.capabilities import Capabilities, build_body
from tests.endpoint.process import serve_offline

Run = Callable[..., Awaitable[Any]]
_APIS_AT_A_TIME = 8
SINGLE_SHOT: tuple[Stage, ...] = ("document", "specify", "instruct")


@dataclass(frozen=True)
class Recording:
    """`answers` is the server's file for `--replay`; `requests` are the distinct ones, as the SDK was given them."""

    answers: Path
    requests: tuple[tuple[Stage, ChatRequest], ...]

    def list_requests(self, *stages: Stage) -> list[ChatRequest]:
        """The requests of these stages, of all by default."""
        return [request for stage, request in self.requests if not stages or stage in stages]


class _Recorder(Teacher):
    """A teacher that remembers what it was asked."""

    def __init__(self, settings: TeacherSettings) -> None:
        super().__init__(Engine(settings), Ledger())
        self.asked: dict[str, tuple[Stage, ChatRequest]] = {}

    async def complete(
        self, request: ChatRequest, *, stage: Stage, api_id: str, owner: str, role: Role | None = None
    ) -> Completion:
        full = request.model_copy(update={"temperature": self.settings.temperature})
        self.asked[build_key(name_endpoint(self.settings), self.settings.model, full)] = (stage, full)
        return await super().complete(request, stage=stage, api_id=api_id, owner=owner, role=role)


def list_entries(limit: int | None) -> list[CatalogEntry]:
    """So many APIs of the bundled catalogue (None: all), as the flow takes them with the seed 0."""
    return list(select_entries(read_catalog("bundled"), limit=limit, seed=0))


def make_body(request: ChatRequest) -> dict[str, Any]:
    """The body in which the flow sends a request."""
    return build_body("offline", request, Capabilities())


@functools.cache
def record(limit: int | None) -> Recording:
    """The flow's requests over so many APIs (None: all), ten instructions each and the seed 0, and their answers."""
    folder = Path(tempfile.mkdtemp(prefix="toolherd-bench-recording-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    answers = folder / "answers.jsonl"
    with serve_offline("--record", str(answers)) as server:
        requests = asyncio.run(_walk_all(server.base_url, limit))
    return Recording(answers, requests)


async def _walk_all(base_url: str, limit: int | None) -> tuple[tuple[Stage, ChatRequest], ...]:
    places = asyncio.Semaphore(_APIS_AT_A_TIME)
    async with _Recorder(TeacherSettings(base_url=base_url)) as teacher:

        async def walk(entry: CatalogEntry) -> None:
            async with places:
                await _walk(entry, teacher)

        async with asyncio.TaskGroup() as group:
            for entry in list_entries(limit):
                group.create_task(walk(entry))
        return tuple(teacher.asked.values())


async def make_toolset(entry: CatalogEntry, teacher: Teacher, run: Run = asyncio.to_thread) -> Toolset:
    """The toolset of an API, as the flow's steps make it; `run` calls what computes for long."""
    made: list[Any] = []

    async def read(kind: Any, /) -> Any:
        return made[-1]

    making = Making(entry, BuildDatasetParams(teacher=teacher.settings), teacher, read, run)
    made.append((await make_documentation(making)).content)
    return (await specify_toolset(making)).content


async def _walk(entry: CatalogEntry, teacher: Teacher) -> None:
    params = BuildDatasetParams()
    toolset = await make_toolset(entry, teacher)
    written = await instruct_api(toolset, params.instructions, params.shares.by_kind(), params.seed, teacher)
    await simulate_episodes(toolset, written.instructions, params.seed, teacher, params.teacher.concurrency)
