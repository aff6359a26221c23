"""What a run is opened with and closed in order, without a server; how a signal ends a flow's body."""

import signal
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from prefect.client.schemas.objects import StateType
from prefect.context import TagsContext

from flows.build_dataset import build_dataset
from flows.build_toolset import build_toolset
from flows.inputs import gather_inputs
from flows.progress import Lines
from flows.refresh_dataset import refresh_dataset
from flows.session import (
    Launch,
    StoppableTeacher,
    cancel_on_signal,
    count_calls,
    get_display,
    get_launch,
    open_run,
    use_launch,
)
from flows.stopping import Stoppable
from flows.train import train
from schemas.calls import ChatRequest
from schemas.errors import RunStoppedError, ToolHerdError, UserError
from schemas.parameters import BuildDatasetParams, BuildToolsetParams
from schemas.training import TrainParams
from tasks.completions.store import STORE_NAME
from tasks.context import RunContext, get_context
from tasks.datasets import DataRoot
from tasks.teacher.batches.batch_record import OpenBatch
from tests.tasks.parts import ENTRY, make_context


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TOOLHERD_DATA_ROOT", str(tmp_path / "data"))
    return tmp_path / "data"


def make_request(number: int = 0) -> ChatRequest:
    """What the embedded teacher answers: a request of the `document` step."""
    from prompts import load_prompt
    from tasks.agents.document import describe_entry

    prompt = load_prompt("document").render(entry=describe_entry(ENTRY))
    return ChatRequest(messages=({"role": "user", "content": prompt},), seed=number)


async def ask(context: RunContext, number: int = 0) -> None:
    await context.teacher.complete(make_request(number), stage="document", api_id="boats", owner="boats")


async def test_a_run_that_nobody_handed_anything_reads_what_its_parameters_name(data: Path, tmp_path: Path) -> None:
    (tmp_path / "benchmark.txt").write_text("Which tides come first?\n")
    params = BuildDatasetParams(names=("Yelp",), benchmarks=(str(tmp_path / "benchmark.txt"),))
    assert get_launch() is None
    assert get_display() is None
    async with open_run(params) as context:
        assert get_context() is context
        assert context.params is params
        assert context.root.url == str(data)
        assert context.benchmarks == ("Which tides come first?",)
        assert len(context.catalog.entries) > 100
        assert (data / "cache" / STORE_NAME).exists()
        assert context.teacher.settings == params.teacher
        await ask(context)
        assert [row.owner for row in context.ledger.rows] == ["boats"]
    with pytest.raises(LookupError):
        get_context()


async def test_a_run_takes_what_it_is_handed_and_says_what_can_be_stopped(data: Path) -> None:
    handed = gather_inputs(BuildDatasetParams(names=("Yelp",)))
    started: list[Stoppable] = []
    display = Lines()
    with use_launch(Launch(handed, display, started.append)):
        assert get_display() is display
        async with open_run(BuildDatasetParams(catalog="/no/such/file")) as context:
            assert context.catalog is handed.catalog
            assert started == [StoppableTeacher(context.teacher)]
    assert get_launch() is None


async def test_what_was_handed_to_another_kind_of_run_is_not_taken(data: Path) -> None:
    class Other:
        root = DataRoot("/elsewhere")

    with use_launch(Launch(Other(), Lines())):
        async with open_run(BuildToolsetParams()) as context:
            assert context.root.url == str(data)


async def test_bad_input_is_found_before_anything_is_made(data: Path) -> None:
    run: AbstractAsyncContextManager[RunContext] = open_run(BuildDatasetParams(catalog="/no/such/file"))
    with pytest.raises(UserError, match="/no/such/file"):
        await run.__aenter__()
    assert not data.exists()


@pytest.mark.parametrize(
    ("flow", "params"),
    [(build_dataset, BuildDatasetParams(catalog="/no/such/file")),
     (build_toolset, BuildToolsetParams(catalog="/no/such/file")),
     (refresh_dataset, BuildDatasetParams(version="v9")),
     (train, TrainParams(model="/no/such/model"))],
    ids=lambda value: getattr(value, "name", ""),
)  # fmt: skip
async def test_what_a_run_raises_that_fails_before_it_is_open_is_not_kept(
    flow: Any, params: Any, prefect: str, data_root: DataRoot, tmp_path: Path
) -> None:
    with pytest.raises(UserError):
        await flow(params)
    assert not list((tmp_path / "results").glob("**/*"))


async def test_no_task_of_a_run_carries_its_tags(data: Path) -> None:
    with TagsContext(current_tags={"command line"}):
        async with open_run(BuildToolsetParams()):
            assert TagsContext.get().current_tags == set()
        assert TagsContext.get().current_tags == {"command line"}


async def test_a_run_s_budget_is_its_teacher_s_and_what_it_bought_is_counted(data: Path) -> None:
    async with open_run(BuildToolsetParams.model_validate({"budget": {"calls": 2}})) as context:
        await ask(context)
        await ask(context)
        await ask(context, 1)
        with pytest.raises(RunStoppedError, match="budget of 2 completions"):
            await ask(context, 2)
        counts = count_calls(context)
    assert (counts.sent, counts.stored, counts.bought, counts.cost_usd) == (2, 1, 2, 0.0)
    rows = context.ledger.rows
    assert counts.tokens == sum(row.prompt_tokens + row.completion_tokens for row in rows if not row.stored) > 0


async def test_a_secret_block_that_is_not_there_is_one_line_and_no_store_is_opened(
    prefect: str, data_root: DataRoot
) -> None:
    params = BuildToolsetParams.model_validate({"teacher": {"model": "gpt-4o", "api_key_block": "no-such-block"}})
    run: AbstractAsyncContextManager[RunContext] = open_run(params)
    with pytest.raises(UserError) as caught:
        await run.__aenter__()
    assert str(caught.value).startswith(
        "--teacher.api_key_block: Prefect has no Secret block 'no-such-block'; make one"
    )
    assert "--teacher.api_key_env names" in str(caught.value)
    assert not Path(str(data_root.cache / STORE_NAME)).exists()


async def test_a_flow_s_body_that_a_signal_stopped_ends_as_cancelled() -> None:
    @cancel_on_signal
    async def body(cause: str) -> str:
        """What it does."""
        if cause == "well":
            return cause
        if cause == "failure":
            raise ToolHerdError("no")
        raise RunStoppedError(f"stopped by {cause}", cause)  # type: ignore[arg-type]

    assert await body("well") == "well"
    ended = await body("signal")
    assert ended.type == StateType.CANCELLED  # type: ignore[attr-defined]
    assert ended.message == "stopped by signal"  # type: ignore[attr-defined]
    for cause in ("budget", "errors"):
        with pytest.raises(RunStoppedError, match=f"stopped by {cause}"):
            await body(cause)
    with pytest.raises(ToolHerdError, match="no"):
        await body("failure")
    assert (body.__name__, body.__doc__) == ("body", "What it does.")


async def test_a_teacher_that_is_stopped_sends_nothing_more_and_says_why(tmp_path: Path) -> None:
    context = make_context(tmp_path)
    stoppable = StoppableTeacher(context.teacher)
    assert stoppable.stop(signal.SIGTERM) == "0 requests in flight are finished and kept"
    assert context.teacher.state.stopped is not None
    assert (str(context.teacher.state.stopped), context.teacher.state.stopped.cause) == ("stopped by SIGTERM", "signal")
    with pytest.raises(RunStoppedError, match="stopped by SIGTERM"):
        await ask(context)


def test_requests_that_wait_at_the_endpoint_are_told_at_the_end(tmp_path: Path) -> None:
    context = make_context(tmp_path)
    stoppable = StoppableTeacher(context.teacher)
    assert stoppable.list_notes() == []
    context.teacher.open_batches = (
        OpenBatch("toolherd-1", "batch_7", "file_1", 12, 0.0, True),
        OpenBatch("toolherd-2", None, None, 3, 0.0, True),
    )
    assert stoppable.list_notes() == [
        "12 requests wait at the endpoint in batch_7; the same command gets their answers",
        "3 requests wait at the endpoint in toolherd-2; the same command gets their answers",
    ]
