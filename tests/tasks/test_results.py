"""Where the results of steps are kept."""

from pathlib import Path

import pytest
from prefect.results import ResultStore

from schemas.manifest import ArtifactRef
from schemas.steps import StepResult
from tasks.results import StepResults, keep_results_in
from tasks.store import DataRoot

KEY = "specify/boats/0123"
RESULT = StepResult(ref=ArtifactRef(stage="toolset", api_id="boats", path="p", hash="h"), content="toolset")


@pytest.fixture(params=["folder", "memory"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> DataRoot:
    """A data root of either kind: a folder, or what is reached over fsspec."""
    return DataRoot(str(tmp_path / "data") if request.param == "folder" else f"memory://{tmp_path.name}")


async def test_a_result_is_found_by_whoever_shares_the_data_root(root: DataRoot) -> None:
    mine = ResultStore(result_storage=StepResults.of(root))
    another = ResultStore(result_storage=StepResults.of(DataRoot(root.url)))

    await mine.awrite(RESULT, key=KEY)

    assert await another.aexists(KEY)
    assert (await another.aread(KEY)).result == RESULT


async def test_a_result_that_is_not_there_is_missing_and_one_that_is_torn_too(root: DataRoot) -> None:
    store = ResultStore(result_storage=StepResults.of(root))
    assert not await store.aexists(KEY)

    root.write_bytes(root.results / KEY, b'{"metadata": {')

    assert not await store.aexists(KEY)


def test_outside_of_a_flow_nothing_keeps_results(root: DataRoot) -> None:
    keep_results_in(root)
    assert not root.results.exists()
