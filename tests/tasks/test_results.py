"""Where Prefect finds that a task's work is done: in what the task left, for nothing else is kept."""

from pathlib import Path
from typing import Any

import pytest
from prefect import flow, task
from prefect.cache_policies import CacheKeyFnPolicy
from prefect.results import ResultStore
from prefect.settings import PREFECT_RESULTS_LOCAL_STORAGE_PATH, temporary_settings

from schemas.artifacts import ArtifactRef
from schemas.training import PreparedData
from tasks.results import Find, FoundResults, find_results_by

KEY = "specify/boats/0123/4567"
REF = ArtifactRef(
    step="specify", api_id="boats", recipe="0123", path="specify/boats/0123.json", content="89ab",
    counts={"functions": 4},
)  # fmt: skip
PREPARED = PreparedData(
    rows=3, kept=2, too_long=1, nothing_trained=0, sequences=1, tokens=7, trained_tokens=5, longest=4,
    template="react", template_hash="cdef",
)  # fmt: skip


class Shelf:
    """What is there, by its key, and which keys were asked for."""

    def __init__(self, **found: Any) -> None:
        self.found: dict[str, Any] = found
        self.asked: list[str] = []

    async def find(self, key: str) -> Any | None:
        self.asked.append(key)
        return self.found.get(key)


def make_store(find: Find) -> ResultStore:
    """What Prefect keeps results in."""
    return ResultStore(result_storage=FoundResults.by(find))


@pytest.mark.parametrize("result", [REF, PREPARED], ids=["an artifact", "prepared data"])
@pytest.mark.parametrize("key", [KEY, "/data/models/.prepared/0123"])
async def test_a_result_that_is_found_is_read_as_it_is_by_the_very_key(result: Any, key: str) -> None:
    shelf = Shelf(**{key: result})
    store = make_store(shelf.find)
    assert await store.aexists(key)
    read = await store.aread(key)
    assert read.result == result
    assert type(read.result) is type(result)
    assert set(shelf.asked) == {key}


async def test_a_result_that_is_not_found_is_missing(tmp_path: Path) -> None:
    shelf = Shelf(**{KEY: REF})
    assert not await make_store(shelf.find).aexists("specify/boats/0123/other")
    with pytest.raises(FileNotFoundError, match=f"^{KEY}$"):
        await FoundResults.by(Shelf().find).read_path(KEY)


async def test_what_is_found_is_asked_for_each_time(tmp_path: Path) -> None:
    shelf = Shelf(**{KEY: REF})
    store = make_store(shelf.find)
    assert await store.aexists(KEY)
    del shelf.found[KEY]
    assert not await store.aexists(KEY)


async def test_what_prefect_writes_is_kept_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = make_store(Shelf().find)
    await store.awrite(REF, key=KEY)
    assert not await store.aexists(KEY)
    assert list(tmp_path.iterdir()) == []


async def test_two_runs_in_one_process_have_each_their_own_results() -> None:
    mine, others = make_store(Shelf(**{KEY: REF}).find), make_store(Shelf().find)
    assert await mine.aexists(KEY)
    assert not await others.aexists(KEY)


def test_outside_of_a_flow_nothing_is_to_be_found() -> None:
    find_results_by(Shelf(**{KEY: REF}).find)  # and nothing is wrong with that


@pytest.mark.usefixtures("server")
async def test_a_task_of_a_flow_whose_result_is_found_does_not_run_and_another_one_does(tmp_path: Path) -> None:
    ran: list[str] = []

    @task(cache_policy=CacheKeyFnPolicy(cache_key_fn=lambda context, inputs: str(inputs["key"])), persist_result=True)
    async def work(key: str) -> ArtifactRef:
        ran.append(key)
        return REF.model_copy(update={"content": "made now"})

    @task(persist_result=False)
    async def look() -> str:
        return "looked"

    @flow(persist_result=False)
    async def inner() -> tuple[str, str]:
        find_results_by(Shelf(other=REF).find)
        return await name_state("found"), await name_state("other")

    @flow(persist_result=False)
    async def outer() -> list[Any]:
        shelf = Shelf(found=REF)
        find_results_by(shelf.find)
        assert await work("found") == REF
        names = [await name_state("found"), await name_state("other")]
        looked = await look()  # a task whose key is Prefect's own affair
        return [*names, looked, *await inner(), await name_state("missing")]

    async def name_state(key: str) -> str:
        state: Any = await work(key, return_state=True)  # type: ignore[misc]
        return str(state.name)

    with temporary_settings({PREFECT_RESULTS_LOCAL_STORAGE_PATH: str(tmp_path / "results")}):
        assert await outer() == ["Cached", "Completed", "looked", "Completed", "Cached", "Completed"]
    assert ran == ["other", "found", "missing"]
    assert not (tmp_path / "results").exists()
