"""The flows beside `build-dataset`: the toolset alone, and the refresh."""

from typing import Any

import pytest

from flows.build_dataset import build_dataset
from flows.build_toolset import build_toolset
from flows.refresh_dataset import refresh_dataset
from schemas.catalog import CatalogEntry
from schemas.errors import UserError
from schemas.parameters import BuildToolsetParams
from schemas.toolset import Toolset
from tasks.agents import draft_toolset
from tasks.datasets import DataRoot
from tests.flows.parts import NAMES, count_artifacts, make_params, read_calls

pytestmark = pytest.mark.usefixtures("prefect")


async def test_a_dataset_takes_the_toolset_that_was_built_before(data_root: DataRoot) -> None:
    toolset = await build_toolset(BuildToolsetParams(names=NAMES[:2], apis="all"))
    assert (toolset.apis, toolset.rejected) == (2, {})
    assert count_artifacts(data_root) == {"document": 2, "specify": 2}

    summary = await build_dataset(make_params())
    calls = read_calls(data_root, summary.dataset)
    assert summary.calls.sent == sum(row.stage in ("instruct", "simulate") for row in calls)
    assert {row.stage for row in calls} == {"document", "specify", "instruct", "simulate"}


async def test_an_api_that_meets_a_mistake_of_ours_is_rejected_and_the_others_are_built(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail_at_one(entry: CatalogEntry, *given: Any) -> Toolset:
        if entry.name == NAMES[0]:
            raise KeyError("forgotten")
        return draft_toolset(entry, *given)

    monkeypatch.setattr("tasks.specify.draft_toolset", fail_at_one)
    toolset = await build_toolset(BuildToolsetParams(names=NAMES[:2], apis="all"))
    assert (toolset.apis, toolset.rejected) == (1, {"yelp": "specify: KeyError: 'forgotten'"})


async def test_a_refresh_publishes_only_what_changed(data_root: DataRoot) -> None:
    first = await refresh_dataset(make_params())
    second = await refresh_dataset(make_params())
    assert (first.changed, second.changed) == (True, False)
    assert second.calls.sent == 0


async def test_a_refresh_takes_no_version(data_root: DataRoot) -> None:
    with pytest.raises(UserError, match="takes no version"):
        await refresh_dataset(make_params(version="v9"))
