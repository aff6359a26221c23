"""What becomes of one API: found as it was left, made anew where anything it depends on has changed, or rejected."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import FatalTeacherError, RunStoppedError, TeacherError, ToolHerdError, UserError
from schemas.parameters import BuildDatasetParams
from schemas.steps import ApiOutcome
from tasks.artifacts import MissingArtifactError
from tasks.context import use_context
from tasks.openapi import DocumentError
from tasks.walk import ApiWalk, find_fatal, walk_api
from tests.tasks.made import Made
from tests.tasks.parts import ENTRY, make_context
from tests.tasks.store.samples import build_ledger_row


class Walked(Made):
    """An API whose steps are done already: `make_episodes` finds what lies in the data root, and is counted."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(folder)
        self.add_api("a", {"a-001": "Which tides come first?"})
        self.times = 0
        self.error: Exception | None = None
        made = self

        async def make_episodes(api: ApiWalk) -> None:
            made.times += 1
            if made.error is not None:
                raise made.error
            outcome = made.outcomes[0]
            api.toolset, api.instructions = outcome.toolset, outcome.instructions
            api.episodes, api.verdicts = outcome.episodes, outcome.verdicts

        monkeypatch.setattr(ApiWalk, "make_episodes", make_episodes)

    def ask(self, **params: Any) -> None:
        """Go on with these parameters."""
        context = make_context(Path(self.context.root.url), BuildDatasetParams.model_validate(params))
        context.entries = self.context.entries
        self.context = context

    async def walk(self) -> ApiOutcome:
        with use_context(self.context):
            return await walk_api("a")


@pytest.fixture
def walked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Walked:
    return Walked(tmp_path, monkeypatch)


async def test_an_api_that_was_finished_is_found_as_it_was_left(walked: Walked) -> None:
    first = await walked.walk()
    assert first == walked.outcomes[0]
    assert await walked.walk() == first
    assert walked.times == 1


@pytest.mark.parametrize(
    ("params", "times"),
    [
        ({"instructions": 11}, 2),
        ({"seed": 1}, 2),
        ({"shares": {"no_tool": 0.5}}, 2),
        ({"teacher": {"temperature": 0.1}}, 2),
        ({"teacher": {"error_rate": 0.1}}, 2),
        ({"name": "other", "version": "v7", "test_share": 0.5, "in_flight": 1, "export": ["trl"]}, 1),
        ({"teacher": {"concurrency": 3, "attempts": 9}, "budget": {"calls": 9}, "apis": 7, "catalog": "x.md"}, 1),
    ],
)
async def test_a_parameter_that_an_api_s_way_depends_on_has_it_walked_again(
    params: dict[str, Any], times: int, walked: Walked
) -> None:
    await walked.walk()
    walked.ask(**params)
    await walked.walk()
    assert walked.times == times


async def test_an_entry_that_the_catalogue_has_changed_is_walked_again(walked: Walked) -> None:
    await walked.walk()
    walked.context.entries["a"] = walked.context.entries["a"].model_copy(update={"description": "Other."})
    await walked.walk()
    assert walked.times == 2


LOSSES: dict[str, Callable[[ApiOutcome], str]] = {
    "toolset": lambda outcome: outcome.toolset.ref.path if outcome.toolset else "",
    "instructions": lambda outcome: outcome.instructions.ref.path if outcome.instructions else "",
    "episodes": lambda outcome: outcome.episodes.ref.path if outcome.episodes else "",
    "verdicts": lambda outcome: outcome.verdicts.path if outcome.verdicts else "",
}


@pytest.mark.parametrize("lost", LOSSES)
async def test_an_api_is_walked_again_where_something_that_it_left_is_gone(lost: str, walked: Walked) -> None:
    outcome = await walked.walk()
    walked.context.root.path(LOSSES[lost](outcome)).unlink()
    await walked.walk()
    assert walked.times == 2


async def test_an_api_is_walked_again_where_a_result_is_another_than_it_left(walked: Walked) -> None:
    outcome = await walked.walk()
    assert outcome.instructions is not None
    walked.context.root.write_artifact("instructions", "a", "recipe", {"instructions": []})
    await walked.walk()
    assert walked.times == 2


@pytest.mark.parametrize("step", ["toolset", "instructions", "episodes"])
async def test_an_api_whose_teacher_broke_something_off_is_walked_again(step: str, walked: Walked) -> None:
    whole = walked.outcomes[0]
    broken = getattr(whole, step).model_copy(update={"unfinished": 1})
    walked.outcomes[0] = whole.model_copy(update={step: broken})
    await walked.walk()
    walked.outcomes[0] = whole
    assert await walked.walk() == whole
    assert walked.times == 2
    await walked.walk()
    assert walked.times == 2


@pytest.mark.parametrize("missing", ["toolset", "instructions", "episodes", "verdicts"])
async def test_an_outcome_that_lacks_a_step_is_no_finished_one(missing: str, walked: Walked) -> None:
    walked.outcomes[0] = walked.outcomes[0].model_copy(update={missing: None})
    await walked.walk()
    await walked.walk()
    assert walked.times == 2


async def test_a_rejection_is_never_taken_from_an_earlier_run(walked: Walked) -> None:
    walked.error = TeacherError("no answer")
    rejected = await walked.walk()
    assert rejected.rejected is not None
    walked.error = None
    assert (await walked.walk()).rejected is None
    assert walked.times == 2


HOPELESS = [
    FatalTeacherError("bad key"),
    RunStoppedError("the budget is reached", "budget"),
    UserError("the store cannot be read"),
    OSError(28, "No space left on device"),
    MissingArtifactError("x is missing"),
]


@pytest.mark.parametrize("error", HOPELESS, ids=lambda error: type(error).__name__)
async def test_what_leaves_no_hope_for_other_apis_is_no_rejection(error: Exception, walked: Walked) -> None:
    walked.error = error
    with pytest.raises(type(error)) as caught:
        await walked.walk()
    assert caught.value is error


async def test_one_of_several_errors_that_leaves_no_hope_is_raised_as_itself(walked: Walked) -> None:
    fatal = FatalTeacherError("bad key")
    walked.error = ExceptionGroup("several", [TeacherError("no answer"), ExceptionGroup("inner", [fatal])])
    with pytest.raises(FatalTeacherError) as caught:
        await walked.walk()
    assert caught.value is fatal


def test_what_leaves_hope_is_not_fatal() -> None:
    for error in (TeacherError("no"), DocumentError("no"), ToolHerdError("no"), ValueError("no")):
        assert find_fatal(error) is None
    assert find_fatal(ExceptionGroup("several", [TeacherError("no"), ValueError("no")])) is None
    assert find_fatal(BaseExceptionGroup("several", [KeyboardInterrupt(), *HOPELESS[1:]])) is HOPELESS[1]


@pytest.mark.parametrize(
    ("error", "problems"),
    [
        (TeacherError("no answer\n  after 4 attempts"), ("no answer after 4 attempts",)),
        (DocumentError("a loop\nwithout end"), ("a loop without end",)),
        (ValueError("a bug"), ("ValueError: a bug",)),
        (KeyError("name"), ("KeyError: 'name'",)),
        (
            ExceptionGroup("two", [TeacherError("one"), ExceptionGroup("inner", [ValueError("two"), TypeError("3")])]),
            ("one", "ValueError: two", "TypeError: 3"),
        ),
    ],
)
def test_a_rejection_says_at_which_step_and_each_problem_in_a_line(
    error: Exception, problems: tuple[str, ...], tmp_path: Path
) -> None:
    context = make_context(tmp_path)
    row, other = build_ledger_row("boats", "boats"), build_ledger_row("ships", "ships")
    context.ledger.add(row)
    context.ledger.add(other)
    api = ApiWalk(context, ENTRY)
    api.step, api.toolset = "specify", None
    outcome = api.get_outcome(error)
    assert outcome.rejected is not None
    assert (outcome.api_id, outcome.rejected.entry, outcome.rejected.stage) == ("boats", ENTRY, "specify")
    assert outcome.rejected.problems == problems
    assert outcome.rejected.teacher == "offline"
    assert outcome.ledger == (row,)
    assert (outcome.toolset, outcome.instructions, outcome.episodes, outcome.verdicts) == (None, None, None, None)


def test_a_rejected_api_keeps_its_toolset_and_nothing_that_was_made_of_it(tmp_path: Path) -> None:
    made = Made(tmp_path)
    made.add_api("a", {"a-001": "Which tides come first?"})
    whole = made.outcomes[0]
    api = ApiWalk(made.context, made.context.entries["a"])
    api.toolset, api.instructions, api.episodes = whole.toolset, whole.instructions, whole.episodes
    assert api.get_outcome() == whole.model_copy(update={"verdicts": None})
    api.documentation = whole.toolset  # its calls are in the toolset's
    outcome = api.get_outcome(TeacherError("no"))
    assert (outcome.documentation, outcome.toolset) == (None, whole.toolset)
    assert (outcome.instructions, outcome.episodes, outcome.verdicts) == (None, None, None)


def test_a_rejected_api_without_a_toolset_keeps_what_documented_it(tmp_path: Path) -> None:
    made = Made(tmp_path)
    made.add_api("a", {"a-001": "Which tides come first?"})
    api = ApiWalk(made.context, made.context.entries["a"])
    api.documentation = made.outcomes[0].toolset
    assert api.get_outcome(TeacherError("no")).documentation == api.documentation


def test_a_document_that_came_with_the_api_is_no_teacher_s_fault(tmp_path: Path) -> None:
    entry = ENTRY.model_copy(update={"openapi": {"openapi": "3.1.0"}})
    outcome = ApiWalk(make_context(tmp_path, entry=entry), entry).get_outcome(DocumentError("no function"))
    assert outcome.rejected is not None
    assert outcome.rejected.teacher == ""
