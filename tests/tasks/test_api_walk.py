"""What becomes of one API: found as it was left, made anew where anything it depends on has changed, or rejected."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from schemas.artifacts import Artifact, ArtifactRef, Instructions, Verdicts
from schemas.errors import (
    FatalTeacherError,
    MissingArtifactError,
    RunStoppedError,
    TeacherError,
    ToolHerdError,
    UserError,
)
from schemas.parameters import BuildDatasetParams, BuildToolsetParams
from schemas.steps import ApiOutcome
from schemas.toolset import Toolset
from tasks.api_walk import ApiWalk, find_fatal, walk_api, walk_to_toolset
from tasks.context import use_context
from tasks.datasets import find_artifact, write_artifact
from tasks.making import UNANSWERED, Made, Making
from tasks.openapi import DocumentError
from tasks.recipes import compute_way_recipe
from tasks.steps import STEPS, list_steps
from tests.tasks.datasets.samples import CREATED_AT, build_ledger_row
from tests.tasks.made import build_contents
from tests.tasks.parts import ENTRY, Make, PlainSteps, make_context

WAY = ["document", "specify", "instruct", "simulate", "check"]
KINDS = ["documentation", "toolset", "instructions", "episodes", "verdicts"]
ASKING = WAY[:-1]
"""The steps that ask the teacher."""

CONTENTS = build_contents("boats", {"boats-001": "Which tides come first?", "boats-002": "Name a museum in Lisbon."})
BY_STEP = CONTENTS.by_step


class Walked:
    """An API whose steps make always the same, unless they fail or leave something out; in any number of runs."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.failing: dict[str, Exception] = {}
        self.unfinished: dict[str, int] = {}
        self.unanswered: dict[str, int] = {}
        self.contents = dict(BY_STEP)
        self.plain = PlainSteps(monkeypatch, {step.name: self._make_step(step.name) for step in STEPS})
        self.ask()

    def ask(self, **params: Any) -> None:
        """Go on in another run, with these parameters."""
        self.context = make_context(self.folder, BuildDatasetParams.model_validate(params))

    def change_entry(self, **changes: Any) -> None:
        """Have the catalogue say something else of the API."""
        entry = self.context.entries["boats"].model_copy(update=changes)
        self.context = replace(self.context, entries={"boats": entry})

    async def walk(self, apis: int = 1) -> ApiOutcome:
        """What becomes of the API; what is called and made for it is noted anew."""
        self.plain.clear()
        with use_context(self.context):
            return await walk_api("boats", nullcontext(), apis)

    async def walk_to_toolset(self) -> ApiOutcome:
        self.plain.clear()
        with use_context(self.context):
            return await walk_to_toolset("boats")

    def locate(self, ref: ArtifactRef) -> Path:
        return Path(str(self.context.root.path(ref.path)))

    def _make_step(self, name: str) -> Make:
        async def make(making: Making) -> Made[Any]:
            if name in ASKING:
                self.context.ledger.add(build_ledger_row("boats", "boats", stage=name))
            if name in self.failing:
                raise self.failing[name]
            counts = {"things": 2} | ({UNANSWERED: self.unanswered[name]} if name in self.unanswered else {})
            return Made(self.contents[name], counts, self.unfinished.get(name, 0))

        return make


@pytest.fixture
def walked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Walked:
    return Walked(tmp_path, monkeypatch)


async def test_an_api_that_was_finished_is_found_as_it_was_left_and_no_task_is_begun(walked: Walked) -> None:
    first = await walked.walk()
    assert walked.plain.made == WAY
    assert first.rejected is None
    assert [(kind, ref.step) for kind, ref in first.made.items()] == list(zip(KINDS, WAY, strict=True))
    walked.ask()
    assert await walked.walk() == first
    assert (walked.plain.called, walked.context.ledger.rows) == ([], [])


async def test_an_api_that_comes_with_a_document_is_imported(walked: Walked) -> None:
    walked.change_entry(openapi={"openapi": "3.1.0"})
    outcome = await walked.walk()
    assert walked.plain.made == ["import", "instruct", "simulate", "check"]
    assert list(outcome.made) == ["toolset", "instructions", "episodes", "verdicts"]
    assert await walked.walk() == outcome
    assert walked.plain.called == []


@pytest.mark.parametrize(
    ("params", "made"),
    [
        ({"instructions": 11}, ["instruct", "check"]),
        ({"seed": 1}, ["instruct", "simulate", "check"]),
        ({"shares": {"no_tool": 0.5}}, ["instruct", "check"]),
        ({"teacher": {"temperature": 0.1}}, WAY),
        ({"teacher": {"error_rate": 0.1}}, WAY),
        ({"name": "other", "version": "v7", "test_share": 0.5, "in_flight": 1, "export": ["trl"]}, []),
        ({"teacher": {"concurrency": 3, "attempts": 9}, "budget": {"calls": 9}, "apis": 7, "catalog": "x.md"}, []),
    ],
)
async def test_a_parameter_has_those_steps_made_again_that_depend_on_it(
    params: dict[str, Any], made: list[str], walked: Walked
) -> None:
    first = await walked.walk()
    walked.ask(**params)
    second = await walked.walk()
    assert walked.plain.made == made
    assert walked.plain.called == (WAY if made else [])
    # What came of it is the same, for the steps make always the same.
    assert {kind: ref.content for kind, ref in second.made.items()} == {
        kind: ref.content for kind, ref in first.made.items()
    }
    assert await walked.walk() == second
    assert walked.plain.called == []


async def test_an_entry_that_the_catalogue_has_changed_has_made_again_what_is_made_of_it(walked: Walked) -> None:
    await walked.walk()
    walked.change_entry(description="Other.")
    await walked.walk()
    assert walked.plain.made == ["document", "specify", "check"]
    await walked.walk()
    assert walked.plain.called == []


async def test_what_is_made_anew_and_is_another_thing_has_all_made_again_that_is_made_of_it(walked: Walked) -> None:
    first = await walked.walk()
    walked.locate(first.made["toolset"]).unlink()
    walked.contents["specify"] = CONTENTS.toolset.model_copy(update={"introduction": "Other."})
    second = await walked.walk()
    assert walked.plain.made == ["specify", "instruct", "simulate", "check"]
    assert second.made["toolset"].content != first.made["toolset"].content
    # The verdicts lie under the same name, which covers the way: those on other episodes are not taken for them.
    assert second.made["verdicts"].path == first.made["verdicts"].path
    found = find_artifact(walked.context.root, "check", "boats", second.made["verdicts"].recipe)
    assert found is not None
    assert found.before == tuple(second.made[kind] for kind in list(second.made)[:-1])
    assert await walked.walk() == second
    assert walked.plain.called == []


@pytest.mark.parametrize("loss", ["gone", "torn"])
@pytest.mark.parametrize(("kind", "step"), list(zip(KINDS, WAY, strict=True)))
async def test_what_an_api_left_and_is_lost_is_made_again_and_nothing_else(
    kind: str, step: str, loss: str, walked: Walked
) -> None:
    outcome = await walked.walk()
    path = walked.locate(outcome.made[kind])
    if loss == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-5])
    assert await walked.walk() == outcome
    assert (walked.plain.called, walked.plain.made) == (WAY, [step])
    assert await walked.walk() == outcome
    assert walked.plain.called == []


async def test_an_api_is_walked_again_where_an_artifact_is_another_than_it_left(walked: Walked) -> None:
    outcome = await walked.walk()
    ref = outcome.made["instructions"]
    walked.locate(ref).unlink()
    other = Instructions(instructions=CONTENTS.instructions.instructions[:1])
    artifact = Artifact[Instructions](recipe=ref.recipe, made_at=CREATED_AT, content=other)
    inputs = [outcome.made["toolset"].content]
    theirs = write_artifact(walked.context.root, "instruct", "boats", artifact, inputs=inputs)
    again = await walked.walk()
    assert again.made["instructions"] == theirs
    assert walked.plain.made == ["simulate"]
    assert walked.plain.called == WAY


@pytest.mark.parametrize("step", WAY)
async def test_an_api_of_which_something_was_left_out_is_walked_again_from_there(step: str, walked: Walked) -> None:
    walked.unfinished = {step: 1}
    broken = await walked.walk()
    assert any(ref.unfinished for ref in broken.made.values())
    assert {ref.step: bool(ref.unfinished) for ref in broken.made.values()} == {
        name: WAY.index(name) >= WAY.index(step) for name in WAY
    }
    walked.unfinished = {}
    whole = await walked.walk()
    assert walked.plain.made == WAY[WAY.index(step) :]
    assert not any(ref.unfinished for ref in whole.made.values())
    assert await walked.walk() == whole
    assert walked.plain.called == []


async def test_what_ended_without_an_answer_is_finished_and_made_again_only_where_that_is_wanted(
    walked: Walked,
) -> None:
    walked.unanswered = {"simulate": 1}
    first = await walked.walk()
    walked.ask()
    assert await walked.walk() == first
    assert walked.plain.called == []
    walked.unanswered = {}
    walked.ask(retry_rejected=True)
    again = await walked.walk()
    assert walked.plain.made == ["simulate"]  # what it made is as before, so that its checks are still good
    assert again.made["episodes"].counts == {"things": 2}
    assert await walked.walk() == again
    assert walked.plain.made == []


async def test_to_try_again_leaves_alone_what_was_answered(walked: Walked) -> None:
    first = await walked.walk()
    walked.ask(retry_rejected=True)
    assert await walked.walk() == first
    assert walked.plain.called == []


async def test_what_is_tried_again_in_vain_is_there_for_the_next_run(walked: Walked) -> None:
    walked.unanswered = {"simulate": 1}
    first = await walked.walk()
    walked.ask(retry_rejected=True)
    assert await walked.walk() == first
    assert walked.plain.made == ["simulate"]
    walked.ask()
    assert await walked.walk() == first
    assert walked.plain.called == []


@pytest.mark.parametrize("missing", range(4))
async def test_an_artifact_that_does_not_name_all_that_was_before_it_is_no_finished_api(
    missing: int, walked: Walked
) -> None:
    outcome = await walked.walk()
    *before, verdicts = outcome.made.values()
    walked.locate(verdicts).unlink()
    del before[missing]
    artifact = Artifact[Verdicts](recipe=verdicts.recipe, made_at=CREATED_AT, content=CONTENTS.verdicts)
    inputs = [outcome.made["toolset"].content, outcome.made["episodes"].content]
    write_artifact(
        walked.context.root, "check", "boats", artifact, inputs=inputs, before=before, counts=verdicts.counts
    )
    assert await walked.walk() == outcome
    assert walked.plain.called == WAY


async def test_the_last_step_lies_under_a_recipe_of_the_whole_way_and_names_all_before_it(walked: Walked) -> None:
    outcome = await walked.walk()
    entry = walked.context.entries["boats"]
    recipe = compute_way_recipe(walked.context, list_steps(entry, walked.context.params), entry)
    *before, verdicts = outcome.made.values()
    assert verdicts.recipe == recipe
    found = find_artifact(walked.context.root, "check", "boats", recipe)
    assert found is not None
    assert (found.ref, found.before) == (verdicts, tuple(before))


@pytest.mark.parametrize("step", WAY)
async def test_a_rejection_is_never_taken_from_an_earlier_run(step: str, walked: Walked) -> None:
    walked.failing = {step: TeacherError("no answer")}
    rejected = await walked.walk()
    assert rejected.rejected is not None
    assert rejected.rejected.stage == step
    walked.failing = {}
    assert (await walked.walk()).rejected is None
    assert walked.plain.made == WAY[WAY.index(step) :]


@pytest.mark.parametrize("step", WAY)
async def test_a_rejected_api_keeps_all_that_was_made_for_it_and_the_completions_of_the_step_that_failed(
    step: str, walked: Walked
) -> None:
    whole = await walked.walk()
    walked.ask(teacher={"temperature": 0.1})
    walked.failing = {step: TeacherError("no answer")}
    outcome = await walked.walk()
    assert [ref.step for ref in outcome.made.values()] == WAY[: WAY.index(step)]
    assert list(outcome.made) == list(whole.made)[: WAY.index(step)]
    assert outcome.ledger == ((build_ledger_row("boats", "boats", stage=step),) if step in ASKING else ())
    assert outcome.rejected is not None
    assert (outcome.rejected.stage, outcome.rejected.problems) == (step, ("no answer",))


HOPELESS = [
    FatalTeacherError("bad key"),
    RunStoppedError("the budget is reached", "budget"),
    UserError("the store cannot be read"),
    OSError(28, "No space left on device"),
    MissingArtifactError("x is missing"),
]


@pytest.mark.parametrize("step", ["document", "check"])
@pytest.mark.parametrize("error", HOPELESS, ids=lambda error: type(error).__name__)
async def test_what_leaves_no_hope_for_other_apis_is_no_rejection(error: Exception, step: str, walked: Walked) -> None:
    walked.failing = {step: error}
    with pytest.raises(type(error)) as caught:
        await walked.walk()
    assert caught.value is error


async def test_one_of_several_errors_that_leaves_no_hope_is_raised_as_itself(walked: Walked) -> None:
    fatal = FatalTeacherError("bad key")
    errors = ExceptionGroup("several", [TeacherError("no answer"), ExceptionGroup("inner", [fatal])])
    walked.failing = {"simulate": errors}
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
    api.step = "specify"
    outcome = api.get_outcome(error)
    assert outcome.rejected is not None
    assert (outcome.api_id, outcome.rejected.entry, outcome.rejected.stage) == ("boats", ENTRY, "specify")
    assert outcome.rejected.problems == problems
    assert outcome.rejected.teacher == "offline"
    assert outcome.ledger == (row,)
    assert outcome.made == {}


def test_a_document_that_came_with_the_api_is_no_teacher_s_fault(tmp_path: Path) -> None:
    entry = ENTRY.model_copy(update={"openapi": {"openapi": "3.1.0"}})
    outcome = ApiWalk(make_context(tmp_path, entry=entry), entry).get_outcome(DocumentError("no function"))
    assert outcome.rejected is not None
    assert outcome.rejected.teacher == ""


class Door:
    """What an API holds while it prepares: notes what had been made when it was entered and left."""

    def __init__(self, plain: PlainSteps) -> None:
        self.noted: list[tuple[str, list[str]]] = []
        self._plain = plain

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        self.noted.append(("in", list(self._plain.made)))
        try:
            yield
        finally:
            self.noted.append(("out", list(self._plain.made)))


async def walk_through(walked: Walked) -> list[tuple[str, list[str]]]:
    door = Door(walked.plain)
    walked.plain.clear()
    with use_context(walked.context):
        await walk_api("boats", door.open())
    return door.noted


@pytest.mark.parametrize("document", [None, {"openapi": "3.1.0"}], ids=["documented", "imported"])
async def test_an_api_prepares_until_its_instructions_are_written(document: Any, walked: Walked) -> None:
    walked.change_entry(openapi=document)
    first = ["import"] if document else ["document", "specify"]
    assert await walk_through(walked) == [("in", []), ("out", [*first, "instruct"])]
    assert walked.plain.made == [*first, "instruct", "simulate", "check"]


async def test_an_api_that_is_found_or_fails_holds_nobody_up(walked: Walked) -> None:
    walked.failing = {"specify": TeacherError("no answer")}
    assert await walk_through(walked) == [("in", []), ("out", ["document", "specify"])]
    walked.failing = {}
    await walk_through(walked)
    assert await walk_through(walked) == []


async def test_work_beside_is_expected_for_all_apis_as_soon_as_there_is_any(
    walked: Walked, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected: list[int] = []
    monkeypatch.setattr(walked.context.side, "expect", expected.append)
    await walked.walk(apis=3)
    assert expected == [9]
    await walked.walk(apis=3)
    assert expected == [9]


@pytest.mark.parametrize("document", [None, {"openapi": "3.1.0"}], ids=["documented", "imported"])
async def test_the_way_to_a_toolset_ends_there_and_a_dataset_goes_on_from_it(document: Any, walked: Walked) -> None:
    walked.context = replace(walked.context, params=BuildToolsetParams())
    walked.change_entry(openapi=document)
    first = ["import"] if document else ["document", "specify"]
    outcome = await walked.walk_to_toolset()
    assert walked.plain.made == walked.plain.called == first
    assert list(outcome.made)[-1] == "toolset"
    assert [ref.step for ref in outcome.made.values()] == first
    assert outcome.rejected is None
    assert await walked.walk_to_toolset() == outcome
    assert walked.plain.made == []

    walked.ask()
    walked.change_entry(openapi=document)
    whole = await walked.walk()
    assert walked.plain.made == ["instruct", "simulate", "check"]
    assert whole.made["toolset"] == outcome.made["toolset"]


async def test_an_api_that_gets_no_toolset_is_rejected_and_what_leaves_no_hope_is_raised(walked: Walked) -> None:
    walked.failing = {"specify": DocumentError("a loop")}
    outcome = await walked.walk_to_toolset()
    assert outcome.rejected is not None
    assert (outcome.rejected.stage, outcome.rejected.problems) == ("specify", ("a loop",))
    assert list(outcome.made) == ["documentation"]
    walked.failing = {"specify": HOPELESS[0]}
    with pytest.raises(FatalTeacherError, match="bad key"):
        await walked.walk_to_toolset()


async def test_a_way_goes_to_a_kind_once(walked: Walked) -> None:
    api = ApiWalk(walked.context, walked.context.entries["boats"])
    with use_context(walked.context):
        await api.go_to(Toolset)
        await api.go_to(Toolset)
        assert walked.plain.called == ["document", "specify"]
        await api.go_to(Instructions)
    assert walked.plain.called == ["document", "specify", "instruct"]
    assert api.step == "instruct"
