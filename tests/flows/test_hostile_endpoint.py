"""Whole runs against an endpoint that means harm: each ends by itself, keeps what was paid, and can be gone on from."""

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from flows.build_dataset import build_dataset
from schemas.errors import NothingAcceptedError, ToolHerdError
from schemas.parameters import BuildDatasetParams
from schemas.steps import BuildSummary
from tasks.completions.store import STORE_NAME, connect, pack_completion, unpack_completion
from tasks.datasets import DataRoot
from tasks.steps import STEPS
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
    except NothingAcceptedError as error:
        return error.summary if isinstance(error.summary, BuildSummary) else error
    except ToolHerdError as error:
        return error


def poison_store(root: DataRoot) -> None:
    """Have all that is kept say of itself what an older version took."""
    with closing(connect(Path(str(root.path("cache", STORE_NAME))))) as connection:
        for key, payload in connection.execute("SELECT key, payload FROM completions").fetchall():
            kept = {**json.loads(unpack_completion(payload).model_dump_json()), "fingerprint": "x" * 10_000}
            kept["usage"] |= {"prompt": 10**30, "completion": -5}
            text = json.dumps(kept).replace('"model": "', '"model": "\\ud83d')
            connection.execute("UPDATE completions SET payload = ? WHERE key = ?", (pack_completion(text), key))


@pytest.mark.usefixtures("prefect")
async def test_what_an_older_version_stored_can_be_published(data_root: DataRoot) -> None:
    first = await build_dataset(make_params(instructions=2))
    poison_store(data_root)
    for step in STEPS:
        shutil.rmtree(str(data_root.path(step.name)), ignore_errors=True)
    again = await build_dataset(make_params(instructions=2, name="again"))

    assert again.calls.sent == 0
    assert len(read_rows(data_root, again.dataset)) == len(read_rows(data_root, first.dataset))
    calls = read_calls(data_root, again.dataset)
    assert {(call.prompt_tokens, call.completion_tokens) for call in calls} == {(0, 0)}
    assert {(call.model[0], len(call.fingerprint)) for call in calls} == {("?", 256)}


@pytest.mark.usefixtures("prefect")
@pytest.mark.parametrize("mode", [*FIELDS, *RESPONSES])
async def test_a_run_ends_by_itself_and_keeps_what_was_paid_and_another_publishes(
    mode: str, endpoint: OfflineServer, data_root: DataRoot
) -> None:
    teacher = {"model": "offline", "base_url": endpoint.base_url, "timeout_s": 5, "attempts": 4, "give_up_s": 30}
    params = make_params(instructions=2, teacher=teacher)
    choose_mode(endpoint.base_url, mode)
    ended = await build(params)

    stats = endpoint.stats()
    assert stats["hostile"][mode] > 0
    assert count_kept(data_root) == stats["paid"]["distinct"]
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
