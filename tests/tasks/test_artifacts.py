"""How steps keep results and read one another's, and how verdicts are made of them."""

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.base import Record
from schemas.episodes import Kind
from schemas.parameters import BuildDatasetParams, BuildToolsetParams
from schemas.steps import ApiOutcome, StepResult
from tasks.artifacts import MissingArtifactError, read_payload, write_step
from tasks.checking import check_api
from tasks.context import RunContext, get_context, use_context
from tests.tasks.made import Made
from tests.tasks.parts import make_context
from tests.tasks.store.samples import build_ledger_row, build_messages


class Boat(Record):
    """What a step may make."""

    name: str
    crew: int = 2


async def keep(context: RunContext, boat: Boat | list[Boat], **more: Any) -> StepResult:
    """What `write_step` makes of a boat."""
    with use_context(context):
        return await write_step("sail", "toolset", "boats", more.pop("recipe", "r1"), {"boat": boat}, **more)


async def read(context: RunContext, result: StepResult) -> dict[str, Any]:
    with use_context(context):
        return await read_payload(result.ref)


async def test_a_step_keeps_what_it_made_with_its_recipe_and_its_calls(tmp_path: Path) -> None:
    context = make_context(tmp_path)
    row = build_ledger_row("boats", "boats")
    result = await keep(
        context, Boat(name="Ida"), ledger=[row], extra={"created_at": "now"}, counts={"sails": 3}, unfinished=2
    )
    assert await read(context, result) == {
        "boat": {"name": "Ida", "crew": 2},
        "recipe": "r1",
        "ledger": [row.model_dump(mode="json")],
        "created_at": "now",
    }
    assert (result.ref.stage, result.ref.api_id, result.ref.counts) == ("toolset", "boats", {"sails": 3})
    assert result.ref == context.root.find_artifact("toolset", "boats", "r1")
    assert result.unfinished == 2
    assert context.made == {"sail/boats/r1"}


async def test_a_step_that_is_told_nothing_more_counts_nothing_and_is_finished(tmp_path: Path) -> None:
    result = await keep(make_context(tmp_path), Boat(name="Ida"), ledger=[])
    assert (result.ref.counts, result.unfinished) == ({}, 0)


async def test_content_is_what_later_steps_depend_on_and_nothing_else(tmp_path: Path) -> None:
    context = make_context(tmp_path)
    row = build_ledger_row("boats", "boats")
    plain = await keep(context, Boat(name="Ida"), ledger=[row])
    same = [
        await keep(context, Boat(name="Ida"), ledger=[]),
        await keep(context, Boat(name="Ida"), ledger=[row], recipe="r2"),
        await keep(context, Boat(name="Ida"), ledger=[row], extra={"created_at": "later"}, counts={"sails": 3}),
    ]
    other = [
        await keep(context, Boat(name="Ada"), ledger=[row]),
        await keep(context, [Boat(name="Ida")], ledger=[row]),
        await keep(context, [Boat(name="Ida"), Boat(name="Ada")], ledger=[row]),
        await keep(context, [Boat(name="Ada"), Boat(name="Ida")], ledger=[row]),
    ]
    assert {result.content for result in same} == {plain.content}
    assert len({result.content for result in [plain, *other]}) == 5
    assert all(len(result.content) == 16 for result in other)


@pytest.mark.parametrize("loss", ["gone", "torn", "another"])
async def test_a_result_that_is_lost_is_missed_by_its_path(loss: str, tmp_path: Path) -> None:
    context = make_context(tmp_path)
    result = await keep(context, Boat(name="Ida"), ledger=[])
    path = Path(str(context.root.path(result.ref.path)))
    if loss == "gone":
        path.unlink()
    elif loss == "torn":
        path.write_bytes(path.read_bytes()[:-5])
    else:
        await keep(context, Boat(name="Ada"), ledger=[])
    with pytest.raises(MissingArtifactError, match=f"^{result.ref.path} is missing from the data root or damaged"):
        await read(context, result)


def get_steps(made: Made) -> tuple[StepResult, StepResult]:
    """The toolset and the episodes of the first API."""
    outcome: ApiOutcome = made.outcomes[0]
    assert outcome.toolset is not None
    assert outcome.episodes is not None
    return outcome.toolset, outcome.episodes


@pytest.fixture
def made(tmp_path: Path) -> Made:
    made = Made(tmp_path)
    text, _ = build_messages(Kind.SINGLE_CALL)
    made.add_api("open-trails", {"a-001": text, "a-002": text})
    return made


def test_verdicts_are_a_list_for_each_episode_in_their_order_and_rows_are_kept_that_every_check_keeps(
    made: Made,
) -> None:
    toolset, episodes = get_steps(made)
    root = made.context.root
    payload = root.read_artifact(episodes.ref)
    assert payload is not None
    for episode in payload["episodes"]:
        played = episode["trajectory"]
        told = next(message for message in played["messages"] if message["role"] == "tool")
        played["observations"][0] |= {"function": "searchTrails", "body": json.loads(told["content"])["body"]}
    payload["episodes"][1]["trajectory"]["messages"][-1]["content"] = ""  # the assistant says nothing at the end
    spoiled = StepResult(ref=root.write_artifact("episodes", "open-trails", "spoiled", payload), content="spoiled")

    ref = check_api(root, toolset, spoiled, "code")

    assert ref.counts == {"accepted": 1, "rejected": 1}
    assert (ref.stage, ref.api_id) == ("verdicts", "open-trails")
    kept = root.read_artifact(ref)
    assert kept is not None
    first, second = kept["verdicts"]
    assert all(verdict == {"check": verdict["check"], "keep": True} for verdict in first)
    assert {verdict["reason"] for verdict in second if not verdict["keep"]} == {"empty_response"}
    assert [verdict["check"] for verdict in first] == [verdict["check"] for verdict in second]


def test_verdicts_are_made_anew_where_toolset_episodes_or_code_are_others(made: Made) -> None:
    toolset, episodes = get_steps(made)
    root = made.context.root
    refs = [
        check_api(root, toolset, episodes, "code"),
        check_api(root, toolset.model_copy(update={"content": "other"}), episodes, "code"),
        check_api(root, toolset, episodes.model_copy(update={"content": "other"}), "code"),
        check_api(root, toolset, episodes, "other code"),
    ]
    assert len({ref.path for ref in refs}) == 4


def test_verdicts_that_were_made_are_found_though_what_they_judge_is_gone(made: Made) -> None:
    toolset, episodes = get_steps(made)
    root = made.context.root
    ref = check_api(root, toolset, episodes, "code")
    root.path(episodes.ref.path).unlink()
    assert check_api(root, toolset, episodes, "code") == ref


@pytest.mark.parametrize("lost", [0, 1], ids=["toolset", "episodes"])
def test_what_is_to_be_judged_and_is_gone_is_named(lost: int, made: Made) -> None:
    toolset, episodes = get_steps(made)
    made.context.root.path((toolset, episodes)[lost].ref.path).unlink()
    told = f"^{toolset.ref.path} or {episodes.ref.path} is gone from the data root: run again$"
    with pytest.raises(FileNotFoundError, match=told):
        check_api(made.context.root, toolset, episodes, "code")


def fail_in(context: RunContext) -> None:
    """A body that finds its context and does not end well."""
    assert get_context() is context
    raise ValueError("no")


def test_a_context_is_that_of_its_body_alone_and_its_process_ends_with_it(tmp_path: Path) -> None:
    outer, inner = make_context(tmp_path), make_context(tmp_path)
    closed: list[str] = []
    outer.side.close = lambda: closed.append("outer")  # type: ignore[method-assign]
    inner.side.close = lambda: closed.append("inner")  # type: ignore[method-assign]
    with use_context(outer):
        with pytest.raises(ValueError, match="no"), use_context(inner):
            fail_in(inner)
        assert closed == ["inner"]
        assert get_context() is outer
    assert closed == ["inner", "outer"]
    with pytest.raises(LookupError):
        get_context()


def test_only_a_run_that_makes_a_dataset_has_a_dataset_s_parameters(tmp_path: Path) -> None:
    context = make_context(tmp_path)
    assert context.dataset_params == BuildDatasetParams()
    context.params = BuildToolsetParams()
    with pytest.raises(AssertionError):
        _ = context.dataset_params


def test_a_result_is_compact_json_that_any_tool_reads(tmp_path: Path) -> None:
    root = make_context(tmp_path).root
    ref = root.write_artifact("toolset", "boats", "r1", {"name": "Ida"})
    assert json.loads(Path(str(root.path(ref.path))).read_text())["payload"] == {"name": "Ida"}
