"""Whole runs against an endpoint that means harm: each ends by itself, keeps what was paid, and can be gone on from."""

from collections.abc import Iterator

import pytest

from flows.build_dataset import build_dataset
from schemas.errors import ToolHerdError
from schemas.parameters import BuildDatasetParams
from schemas.steps import BuildSummary
from tasks.completions.store import STORE_NAME
from tasks.datasets import DataRoot
from tasks.teacher import CompletionStore
from tests.endpoint.hostile import FIELDS, RESPONSES
from tests.endpoint.process import OfflineServer, choose_mode, reset_stats, serve_offline
from tests.flows.parts import make_params, read_calls, read_rows

MOST_TOKENS = 10**7
"""More than all that a run here can take."""


@pytest.fixture(scope="module")
def running() -> Iterator[OfflineServer]:
    with serve_offline() as server:
        yield server


@pytest.fixture
def endpoint(running: OfflineServer) -> Iterator[OfflineServer]:
    """The server, counting from nothing, and good again at the end."""
    reset_stats(running.base_url)
    yield running
    choose_mode(running.base_url, "")


def count_kept(root: DataRoot) -> int:
    with CompletionStore(str(root.path("cache", STORE_NAME))) as store:
        return store.count()


async def build(params: BuildDatasetParams) -> BuildSummary | ToolHerdError:
    """What a run leads to; ToolHerdError is status 1 to 3 with one line, anything else would be a traceback."""
    try:
        return await build_dataset(params)
    except ToolHerdError as error:
        return error


@pytest.mark.usefixtures("prefect")
@pytest.mark.parametrize("mode", [*FIELDS, *RESPONSES])
async def test_a_run_ends_by_itself_and_keeps_what_was_paid_and_another_publishes(
    mode: str, endpoint: OfflineServer, data_root: DataRoot
) -> None:
    teacher = {"model": "offline", "base_url": endpoint.base_url, "timeout_s": 5, "attempts": 4, "give_up_s": 30}
    params = make_params(instructions=2, teacher=teacher)
    choose_mode(endpoint.base_url, mode)
    ended = await build(params)

    assert count_kept(data_root) == endpoint.stats()["paid"]["distinct"]
    if mode in FIELDS:  # the answers are good but for a field: the rows are there, and may be rejected
        assert isinstance(ended, BuildSummary), ended
        assert ended.changed
    if isinstance(ended, BuildSummary):
        rows, calls = read_rows(data_root, ended.dataset), read_calls(data_root, ended.dataset)
        assert all(0 <= row.input_tokens + row.output_tokens <= MOST_TOKENS for row in rows)
        assert all(call.model.isprintable() for call in calls)
        assert ended.calls.tokens <= MOST_TOKENS

    choose_mode(endpoint.base_url, "")
    again = await build(params)
    assert isinstance(again, BuildSummary), again
    assert again.apis == 2
    assert len(read_rows(data_root, again.dataset)) > 0
