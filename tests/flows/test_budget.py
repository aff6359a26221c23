"""Budgets: what is bought is kept, what is finished is published, and a larger budget goes on from there."""

from pathlib import Path

import pytest

from flows.build_dataset import build_dataset, render_summary
from flows.build_toolset import build_toolset
from flows.command_line import main
from schemas.errors import RunStoppedError
from schemas.parameters import BuildToolsetParams
from schemas.steps import BuildSummary
from tasks.datasets import DataRoot, read_latest, read_manifest
from tests.flows.parts import NAMES, build_apart, make_params, read_apis, read_calls, read_rows
from tests.flows.runs import Workplace

OPTIONS = ("--names", *NAMES, "--apis", "all", "--instructions", "4", "--in_flight", "1")


@pytest.fixture(scope="module")
def uninterrupted(server: str, tmp_path_factory: pytest.TempPathFactory) -> BuildSummary:
    """What a run makes that has all it needs."""
    return build_apart(tmp_path_factory.mktemp("uninterrupted"), make_params(names=NAMES))


@pytest.fixture
def one_short(uninterrupted: BuildSummary) -> int:
    """A budget that ends with the last API's last completion."""
    return uninterrupted.calls.sent - 1


def read_unfinished(root: DataRoot, version: str) -> int:
    """How many APIs a version says that it lacks."""
    return read_manifest(root.path("datasets", "toolherd", version)).facts.unfinished_apis


@pytest.mark.usefixtures("prefect")
async def test_a_reached_budget_publishes_the_finished_apis_and_a_larger_one_goes_on_from_there(
    data_root: DataRoot, uninterrupted: BuildSummary, one_short: int
) -> None:
    partial = await build_dataset(make_params(names=NAMES, in_flight=1, budget={"calls": one_short}))

    assert partial.unfinished == 1
    assert read_unfinished(data_root, "v1") == 1
    assert f"budget of {one_short:,} completions is reached ({one_short:,} bought" in partial.stopped
    assert "**Partial**: 1 APIs are not in it." in render_summary(partial)
    assert partial.calls.sent == partial.calls.bought == one_short
    rows = read_rows(data_root, partial.dataset)
    finished = {row.api_name for row in rows}
    assert partial.apis == len(finished) == 2
    assert {row.name for row in read_apis(data_root, partial.dataset)} == finished
    assert len(rows) == 2 * 4

    whole = await build_dataset(make_params(names=NAMES, in_flight=1, budget={"calls": one_short + 1}))

    assert (whole.unfinished, whole.stopped) == (0, "")
    assert whole.dataset.version == read_latest(data_root, "toolherd") == "v2"
    assert read_unfinished(data_root, "v2") == 0
    assert partial.calls.sent + whole.calls.sent == uninterrupted.calls.sent
    assert whole.dataset.content_hash == uninterrupted.dataset.content_hash
    assert {row.id for row in rows} == {
        row.id for row in read_rows(data_root, whole.dataset) if row.api_name in finished
    }


@pytest.mark.usefixtures("prefect")
async def test_a_whole_dataset_stays_the_latest_when_a_later_run_is_cut_short(
    data_root: DataRoot,
) -> None:
    whole = await build_dataset(make_params(names=NAMES))
    half = {"calls": whole.calls.sent // 2}
    partial = await build_dataset(make_params(names=NAMES, seed=1, in_flight=1, budget=half))
    assert (whole.dataset.version, partial.dataset.version) == ("v1", "v2")
    assert 0 < partial.unfinished == read_unfinished(data_root, "v2")
    assert read_latest(data_root, "toolherd") == "v1"


@pytest.mark.usefixtures("prefect")
async def test_a_run_whose_completions_are_all_stored_needs_no_budget(data_root: DataRoot) -> None:
    first = await build_dataset(make_params(names=NAMES[:1]))
    again = await build_dataset(make_params(names=NAMES[:1], name="again", budget={"calls": 1}))

    assert (again.calls.sent, again.stopped) == (0, "")
    assert again.dataset.content_hash == first.dataset.content_hash


@pytest.mark.usefixtures("prefect")
async def test_a_toolset_that_the_budget_cuts_short_says_what_is_there_and_what_is_not() -> None:
    one = await build_toolset(BuildToolsetParams(names=NAMES[:1], apis="all"))
    params = BuildToolsetParams.model_validate({"names": NAMES, "apis": "all", "in_flight": 1, "budget": {"calls": 1}})
    summary = await build_toolset(params)  # the first API is there; the next one is documented and no more
    assert (one.apis, summary.apis, summary.rejected, summary.unfinished, summary.calls.bought) == (1, 1, {}, 2, 1)
    assert summary.stopped.startswith("the budget of 1 completion")
    assert summary.run_id


@pytest.mark.usefixtures("prefect")
async def test_a_budget_of_tokens_is_kept_to(data_root: DataRoot) -> None:
    whole = await build_dataset(make_params(names=NAMES[:1], name="whole"))
    tokens = sum(row.prompt_tokens + row.completion_tokens for row in read_calls(data_root, whole.dataset))
    assert whole.calls.tokens == tokens

    with pytest.raises(RunStoppedError, match=rf"budget of {tokens // 2:,} tokens") as raised:
        await build_dataset(make_params(names=NAMES[:1], seed=1, name="half", budget={"tokens": tokens // 2}))
    assert raised.value.cause == "budget"
    assert not data_root.path("datasets", "half").exists()


def test_the_command_line_says_that_a_dataset_is_partial_and_exits_with_3(
    prefect: str, tmp_path: Path, one_short: int
) -> None:
    place = Workplace(tmp_path, prefect)
    ended = place.build(*OPTIONS, "--budget.calls", str(one_short))

    assert ended.status == 3, ended.err
    assert "dataset   toolherd v1: partial, 1 APIs are not in it" in ended.out
    address, line = ended.said
    assert address.startswith("Prefect: ")
    assert line.startswith(f"error: the budget of {one_short:,} completions is reached")
    assert "run again with a larger --budget.calls" in line
    assert place.list_versions() == ["v1"]


def test_a_budget_too_small_for_any_api_publishes_nothing_and_exits_with_3(prefect: str, tmp_path: Path) -> None:
    place = Workplace(tmp_path, prefect)
    ended = place.build(*OPTIONS, "--budget.calls", "5")

    assert ended.status == 3, ended.err
    assert ended.out == ""
    address, line = ended.said
    assert address.startswith("Prefect: ")
    assert line.startswith("error: the budget of 5 completions")
    assert not (place.data / "datasets").exists()
    assert place.count_completions() == 5


def test_a_budget_in_dollars_without_a_price_is_bad_input_and_starts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TOOLHERD_DATA_ROOT", str(tmp_path / "data"))
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("TOOLHERD_PRICES", raising=False)
    teacher = ["--teacher.model", "nobody-knows", "--teacher.base_url", "http://127.0.0.1:9/v1"]

    assert main("build_dataset", [*teacher, "--budget.usd", "5"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: --budget.usd: the price of 'nobody-knows'")
    assert said.err.count("\n") == 1
    assert not list(tmp_path.iterdir())
