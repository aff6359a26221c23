"""A run's context for tests of the steps: the embedded teacher, no store of completions, and no Prefect."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from schemas.artifacts import ArtifactRef
from schemas.base import Record
from schemas.calls import ROLES
from schemas.catalog import Catalog, CatalogEntry
from schemas.parameters import BuildDatasetParams, BuildToolsetParams
from tasks.context import RunContext, get_context
from tasks.datasets import DataRoot
from tasks.making import Made, Making, Step
from tasks.recipes import hash_code
from tasks.step_tasks import TASKS, find_result, make_key, make_task
from tasks.steps import STEPS
from tasks.teacher import EngineStart, Ledger, Teacher
from tasks.teacher.engine.engines import open_engines

C = TypeVar("C", bound=Record)
Make = Callable[[Making], Awaitable[Made[Any]]]

ENTRY = CatalogEntry(
    id="boats", name="Boats", description="Boats for hire in ports of the world.", category="Transportation"
)

ROOMS = (
    "agents", "completions", "datasets", "embedded", "executors", "markup", "mock", "network", "openapi", "quality",
    "scoring", "sources", "supervision", "teacher", "trainer", "values",
)  # fmt: skip
"""The folders of tasks/."""

MODULES = ("check", "document", "instruct", "judge", "simulate", "specify", "api_walk")
"""The modules beside them in which steps are made, and one in which none is."""


def make_context(
    folder: Path | str, params: BuildToolsetParams | None = None, entry: CatalogEntry = ENTRY
) -> RunContext:
    """The context of a run over one API; `folder` is the data root."""
    params = params or BuildDatasetParams()
    ledger = Ledger()
    roles = {role: params.get_settings(role) for role in ROLES}
    return RunContext(
        root=DataRoot(str(folder)),
        teacher=Teacher(open_engines(EngineStart(params.teacher, Path(), roles=roles), None), ledger),
        ledger=ledger,
        catalog=Catalog(source="test", entries=(entry,)),
        params=params,
        entries={entry.id: entry},
    )


def make_making(teacher: Teacher, *made: Record, entry: CatalogEntry = ENTRY, **params: Any) -> Making:
    """What a step has at hand, with what earlier steps made in memory."""
    contents = {type(content): content for content in made}

    async def read(kind: type[C], /) -> C:
        content = contents[kind]
        assert isinstance(content, kind)
        return content

    return Making(entry, BuildDatasetParams.model_validate(params), teacher, read, asyncio.to_thread)


class PlainSteps:
    """The steps' tasks as plain functions, which take what Prefect would find for their keys.

    `called` names the steps that were called, `made` those of them that found nothing. `makes` has other functions than
    the steps' own, by the step's name.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, makes: Mapping[str, Make] | None = None) -> None:
        self.called: list[str] = []
        self.made: list[str] = []
        self.makes = dict(makes or {})
        for step in STEPS:
            monkeypatch.setitem(TASKS, step.name, self._make_plain(step))

    def clear(self) -> None:
        """Forget what was called and made."""
        self.called.clear()
        self.made.clear()

    def _make_plain(self, step: Step) -> Callable[..., Awaitable[ArtifactRef]]:
        async def run(api_id: str, recipe: str, before: tuple[ArtifactRef, ...]) -> ArtifactRef:
            self.called.append(step.name)
            found = await find_result(get_context().root, make_key(step, api_id, recipe, before))
            if found is not None:
                return found
            self.made.append(step.name)
            task = make_task(replace(step, make=self.makes.get(step.name, step.make)))
            return await task.fn(api_id, recipe, before)

        return run


class Code:
    """A `tasks/` in which each file says the same, until a test edits one."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        for room in ROOMS:
            (folder / room / "deep").mkdir(parents=True)
        self.edit("")
        monkeypatch.setattr("tasks.recipes._FOLDER", folder)
        hash_code.cache_clear()

    def edit(self, edited: str) -> None:
        """Have a file of a room, or a module (`check.py`), say something else; all others say what they said."""
        for room in ROOMS:
            (self.folder / room / "deep" / "code.py").write_text("two = 2\n" if room == edited else "one = 1\n")
        for name in MODULES:
            (self.folder / f"{name}.py").write_text("two = 2\n" if f"{name}.py" == edited else "one = 1\n")
        hash_code.cache_clear()
