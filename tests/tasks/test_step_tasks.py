"""Steps as tasks: what they keep, what their keys say, and which artifact is what Prefect would find for a key."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
from prefect import Task
from prefect.states import Completed, Failed

from schemas.artifacts import Artifact, ArtifactRef, Episodes, Instructions
from schemas.base import Record, content_hash
from schemas.errors import MissingArtifactError, TeacherError, UserError
from schemas.toolset import Documentation, Toolset
from tasks.context import RunContext, use_context
from tasks.datasets import DataRoot, find_artifact, read_artifact, write_artifact
from tasks.making import Made, Making, Step
from tasks.step_tasks import TASKS, ArtifactPolicy, choose_inputs, find_result, is_mendable, make_key, make_task
from tasks.steps import CHECK, DOCUMENT, IMPORT, INSTRUCT, SIMULATE, SPECIFY, STEPS
from tests.tasks.datasets.samples import build_ledger_row
from tests.tasks.made import build_contents
from tests.tasks.parts import ENTRY, make_context

CONTENTS = build_contents("boats", {"boats-001": "Which tides come first?", "boats-002": "Name a museum."})
BY_STEP = CONTENTS.by_step
DOCUMENTED, IMPORTED = (DOCUMENT, SPECIFY, INSTRUCT, SIMULATE, CHECK), (IMPORT, INSTRUCT, SIMULATE, CHECK)


def make_ref(step: Step, content: str = "") -> ArtifactRef:
    path = f"{step.name}/boats/r.json"
    return ArtifactRef(step=step.name, api_id="boats", recipe="r", path=path, content=content or step.name)


REFS = {step.name: make_ref(step) for step in STEPS}


class Sailing:
    """What the functions of steps are replaced by: each makes what it is told to, and notes what it had at hand."""

    def __init__(self, folder: Path) -> None:
        self.context: RunContext = make_context(folder)
        self.makings: list[Making] = []

    async def run(
        self, step: Step, *before: ArtifactRef, recipe: str = "r1", content: Record | None = None, **made: Any
    ) -> ArtifactRef:
        """What the step's task leaves."""

        async def make(making: Making) -> Made[Any]:
            self.makings.append(making)
            for kind in step.reads:
                await making.read(kind)
            return Made(content or BY_STEP[step.name], **made)

        with use_context(self.context):
            return await make_task(replace(step, make=make)).fn("boats", recipe, before)

    async def go(self, *steps: Step) -> list[ArtifactRef]:
        """What all of them leave, one after another."""
        made: list[ArtifactRef] = []
        for step in steps:
            made.append(await self.run(step, *made))
        return made


@pytest.fixture
def sailing(tmp_path: Path) -> Sailing:
    return Sailing(tmp_path)


@pytest.mark.parametrize("way", [DOCUMENTED, IMPORTED], ids=["documented", "imported"])
async def test_each_step_keeps_what_it_made_of_what_and_after_what(way: tuple[Step, ...], sailing: Sailing) -> None:
    made = await sailing.go(*way)
    for place, (step, ref) in enumerate(zip(way, made, strict=True)):
        assert (ref.step, ref.api_id, ref.recipe, ref.path) == (step.name, "boats", "r1", f"{step.name}/boats/r1.json")
        artifact = read_artifact(sailing.context.root, ref, step.makes)
        assert (artifact.recipe, artifact.content, artifact.ledger) == ("r1", BY_STEP[step.name], ())
        found = find_artifact(sailing.context.root, step.name, "boats", "r1")
        assert found is not None
        assert (found.ref, found.before) == (ref, tuple(made[:place]))
        assert found.inputs == tuple(before.content for before in made[:place] if _kind(before) in step.reads)
    assert len({ref.content for ref in made}) == len(made)


def _kind(ref: ArtifactRef) -> type[Record]:
    (kind,) = (step.makes for step in STEPS if step.name == ref.step)
    return kind


async def test_counts_go_with_the_reference_and_the_time_with_the_artifact(sailing: Sailing) -> None:
    before = datetime.now(UTC)
    ref = await sailing.run(DOCUMENT, counts={"functions": 2})
    assert (ref.counts, ref.unfinished) == ({"functions": 2}, 0)
    made_at = read_artifact(sailing.context.root, ref, Documentation).made_at
    assert before <= made_at <= datetime.now(UTC)


async def test_a_step_has_its_api_the_run_s_parameters_its_teacher_and_work_done_beside(sailing: Sailing) -> None:
    await sailing.run(DOCUMENT)
    (making,) = sailing.makings
    context = sailing.context
    assert (making.entry, making.params, making.dataset_params) == (ENTRY, context.params, context.params)
    assert making.teacher is context.teacher
    assert await making.run(pow, 2, 5) == 32


async def test_an_artifact_has_the_completions_of_its_own_step_and_api_and_takes_them_along(sailing: Sailing) -> None:
    ledger = sailing.context.ledger
    mine = [build_ledger_row(owner, "boats", stage="document") for owner in ("boats", "boats")]
    others = [build_ledger_row("x", "boats", stage="specify"), build_ledger_row("y", "ships", stage="document")]
    for row in (mine[0], *others, mine[1]):
        ledger.add(row)
    ref = await sailing.run(DOCUMENT)
    assert read_artifact(sailing.context.root, ref, Documentation).ledger == tuple(mine)
    assert ledger.rows == others


async def test_a_step_that_fails_leaves_nothing_but_its_completions(sailing: Sailing) -> None:
    row = build_ledger_row("boats", "boats", stage="document")
    sailing.context.ledger.add(row)

    async def fail(making: Making) -> Made[Any]:
        raise TeacherError("no answer")

    with use_context(sailing.context), pytest.raises(TeacherError, match="no answer"):
        await make_task(replace(DOCUMENT, make=fail)).fn("boats", "r1", ())
    assert list(Path(sailing.context.root.url).iterdir()) == []
    assert sailing.context.ledger.rows_for("boats") == (row,)


@pytest.mark.parametrize(
    ("broken", "unfinished"),
    [
        ("document", [1, 1, 1, 2, 3]),
        ("specify", [0, 1, 1, 2, 3]),
        ("instruct", [0, 0, 1, 1, 1]),
        ("simulate", [0, 0, 0, 1, 1]),
        ("check", [0, 0, 0, 0, 1]),
    ],
)
async def test_what_is_made_of_something_unfinished_is_unfinished_too(
    broken: str, unfinished: list[int], sailing: Sailing
) -> None:
    made: list[ArtifactRef] = []
    for step in DOCUMENTED:
        made.append(await sailing.run(step, *made, unfinished=int(step.name == broken)))
    assert [ref.unfinished for ref in made] == unfinished
    found = [find_artifact(sailing.context.root, step.name, "boats", "r1") is not None for step in DOCUMENTED]
    assert found == [count == 0 for count in unfinished]


@pytest.mark.forced
async def test_of_two_runs_that_make_the_same_the_second_goes_on_with_what_the_first_made(tmp_path: Path) -> None:
    one, two = Sailing(tmp_path), Sailing(tmp_path)
    two.context.ledger.add(build_ledger_row("boats", "boats", stage="document"))
    other = CONTENTS.documentation.model_copy(update={"introduction": "In other words."})
    first = await one.run(DOCUMENT, counts={"functions": 2})
    second = await two.run(DOCUMENT, content=other, counts={"functions": 3})
    assert second == first
    assert read_artifact(one.context.root, first, Documentation).content == CONTENTS.documentation
    assert two.context.ledger.rows == []  # what it asked for in vain was paid for, and is in no dataset


LOSSES = [(step, kind) for step in DOCUMENTED for kind in step.reads]


@pytest.mark.parametrize(("step", "kind"), LOSSES, ids=[f"{step.name}: {kind.__name__}" for step, kind in LOSSES])
@pytest.mark.parametrize("loss", ["gone", "torn", "another"])
async def test_what_a_step_reads_and_is_lost_is_named(
    step: Step, kind: type[Record], loss: str, sailing: Sailing
) -> None:
    before = await sailing.go(*DOCUMENTED[: DOCUMENTED.index(step)])
    (lost,) = (ref for ref in before if _kind(ref) is kind)
    path = Path(str(sailing.context.root.path(lost.path)))
    if loss == "torn":
        path.write_bytes(path.read_bytes()[:-5])
    else:
        path.unlink()
    if loss == "another":
        artifact = Artifact[Record](recipe="r1", made_at=datetime.now(UTC), content=Record())
        write_artifact(sailing.context.root, lost.step, "boats", artifact)
    with pytest.raises(MissingArtifactError, match=f"^{lost.path} is missing from the data root or damaged: run again"):
        await sailing.run(step, *before)
    assert find_artifact(sailing.context.root, step.name, "boats", "r1") is None


async def test_a_step_reads_by_kind_what_was_made_of_either_toolset(sailing: Sailing) -> None:
    made = await sailing.go(IMPORT, INSTRUCT, SIMULATE)
    await sailing.run(CHECK, *made)
    read = sailing.makings[-1].read
    for kind, content in (
        (Toolset, CONTENTS.toolset),
        (Instructions, CONTENTS.instructions),
        (Episodes, CONTENTS.episodes),
    ):
        assert await read(kind) == content


def test_a_key_can_be_read() -> None:
    assert make_key(DOCUMENT, "boats", "0123", ()) == f"document/boats/0123/{content_hash([])}"
    before = (REFS["document"], REFS["specify"], REFS["instruct"])
    read = content_hash(["specify", "instruct"])
    assert make_key(SIMULATE, "boats", "0123", before) == f"simulate/boats/0123/{read}"


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_a_key_says_what_the_step_reads_and_nothing_else(step: Step) -> None:
    way = IMPORTED if step is IMPORT else DOCUMENTED
    before = [REFS[one.name] for one in takewhile(lambda one: one is not step, way)]
    plain = make_key(step, "boats", "r1", before)
    for place, ref in enumerate(before):
        for changes in ({"content": "changed"}, {"recipe": "s", "path": "elsewhere", "counts": {"n": 1}}):
            changed = [*before[:place], ref.model_copy(update=changes), *before[place + 1 :]]
            is_read = "content" in changes and _kind(ref) in step.reads
            assert (make_key(step, "boats", "r1", changed) != plain) is is_read, ref.step
    assert make_key(step, "ships", "r1", before) != plain != make_key(step, "boats", "r2", before)


def test_what_a_step_reads_is_chosen_in_its_own_order_whatever_was_made_first() -> None:
    documented = [REFS[step.name] for step in (DOCUMENT, SPECIFY, INSTRUCT, SIMULATE)]
    assert choose_inputs(SIMULATE, documented) == [REFS["specify"], REFS["instruct"]]
    assert choose_inputs(SIMULATE, documented[::-1]) == [REFS["specify"], REFS["instruct"]]
    imported = [REFS[step.name] for step in (IMPORT, INSTRUCT, SIMULATE)]
    assert choose_inputs(CHECK, imported) == [REFS["import"], REFS["simulate"]]
    assert choose_inputs(DOCUMENT, []) == choose_inputs(IMPORT, []) == []


def test_what_a_step_reads_and_nobody_made_is_a_bug() -> None:
    with pytest.raises(KeyError):
        choose_inputs(CHECK, [REFS["document"], REFS["specify"]])


def compute_key(task: str, **inputs: Any) -> str | None:
    class Context:
        pass

    context: Any = Context()
    context.task = Context()
    context.task.name = task
    return ArtifactPolicy().compute_key(context, inputs, {})


def test_a_task_s_key_is_made_of_its_api_its_recipe_and_what_was_made_before() -> None:
    before = (REFS["document"], REFS["specify"])
    inputs = {"api_id": "boats", "recipe": "0123", "before": before, "client": object()}
    assert compute_key("instruct", **inputs) == make_key(INSTRUCT, "boats", "0123", before)


class Kept:
    """The instructions of the boats, as an earlier run left them."""

    def __init__(self, root: DataRoot) -> None:
        self.root = root
        self.ref = self.write()

    def write(self, recipe: str = "r1", toolset: str = "specify", **more: Any) -> ArtifactRef:
        artifact = Artifact[Instructions](recipe=recipe, made_at=datetime.now(UTC), content=CONTENTS.instructions)
        return write_artifact(self.root, "instruct", "boats", artifact, inputs=[toolset], **more)

    async def find(self, recipe: str = "r1", toolset: str = "specify", api_id: str = "boats") -> ArtifactRef | None:
        """What is found for the key of a run whose toolset has this content."""
        before = (REFS["document"], make_ref(SPECIFY, toolset))
        return await find_result(self.root, make_key(INSTRUCT, api_id, recipe, before))


@pytest.fixture(params=["folder", "memory"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    return Kept(DataRoot(str(tmp_path / "data") if request.param == "folder" else f"memory://{tmp_path.name}"))


async def test_the_artifact_of_a_key_is_found_by_whoever_shares_the_data_root(kept: Kept) -> None:
    assert await kept.find() == kept.ref
    kept.root = DataRoot(kept.root.url)
    assert await kept.find() == kept.ref


async def test_an_artifact_that_was_made_of_something_else_is_not_found(kept: Kept) -> None:
    assert await kept.find(toolset="changed") is None
    key = make_key(INSTRUCT, "boats", "r1", (make_ref(SPECIFY),)).rpartition("/")[0]
    for inputs in ([], ["specify", "specify"], ["x"]):
        assert await find_result(kept.root, f"{key}/{content_hash(inputs)}") is None


async def test_an_artifact_of_another_recipe_api_or_step_is_not_found(kept: Kept) -> None:
    assert await kept.find(recipe="r2") is None
    assert await kept.find(api_id="ships") is None
    read = content_hash(["specify"])
    assert await find_result(kept.root, f"instruct/boats/r1/{read}") == kept.ref
    assert await find_result(kept.root, f"simulate/boats/r1/{read}") is None


@pytest.mark.parametrize("keep", [0, 1, 100, -1])
async def test_a_torn_artifact_is_not_found(kept: Kept, keep: int) -> None:
    path = kept.root.path(kept.ref.path)
    path.write_bytes(path.read_bytes()[:keep])
    assert await kept.find() is None


async def test_an_artifact_that_is_gone_is_not_found(kept: Kept) -> None:
    kept.root.path(kept.ref.path).unlink()
    assert await kept.find() is None


async def test_an_unfinished_artifact_is_not_found_and_does_not_hide_a_finished_one(kept: Kept) -> None:
    kept.root.path(kept.ref.path).unlink()
    broken = kept.write(unfinished=1)
    assert await kept.find() is None
    assert await kept.find(recipe=broken.recipe) is None
    whole = kept.write()
    assert await kept.find() == whole
    assert whole.unfinished == 0


async def test_verdicts_that_were_given_are_found_though_what_they_judge_is_gone(sailing: Sailing) -> None:
    *made, verdicts = await sailing.go(*DOCUMENTED)
    for ref in made:
        sailing.context.root.path(ref.path).unlink()
    assert await find_result(sailing.context.root, make_key(CHECK, "boats", "r1", made)) == verdicts


async def test_a_look_for_an_artifact_holds_nothing_else_up(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    loop, seen = asyncio.get_running_loop(), []

    def look(*_: object) -> None:
        try:
            seen.append(asyncio.get_running_loop() is loop)
        except RuntimeError:
            seen.append(False)

    monkeypatch.setattr("tasks.step_tasks.find_artifact", look)
    assert await kept.find() is None
    assert seen == [False]


@pytest.mark.parametrize(
    ("error", "mendable"),
    [
        (OSError(28, "No space left on device"), True),
        (ConnectionResetError(), True),
        (FileNotFoundError("gone"), True),
        (MissingArtifactError("gone"), False),
        (TeacherError("no answer"), False),
        (UserError("bad input"), False),
        (ValueError("a bug"), False),
    ],
)
async def test_a_step_is_tried_again_where_disk_or_connection_failed_and_for_nothing_else(
    error: Exception, mendable: bool
) -> None:
    assert await is_mendable(None, None, Failed(data=error)) is mendable


async def test_a_step_that_is_done_is_not_tried_again() -> None:
    assert await is_mendable(None, None, Completed(data=REFS["specify"])) is False


def test_each_step_has_its_task() -> None:
    assert list(TASKS) == [step.name for step in STEPS]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_each_task_is_known_by_its_step_cached_by_its_artifact_and_tried_again_a_little_later(step: Step) -> None:
    task: Task[..., Any] = TASKS[step.name]
    assert (task.name, task.description) == (step.name, step.description)
    assert task.task_run_name == f"{step.name} {{api_id}}"
    assert isinstance(task.cache_policy, ArtifactPolicy)
    assert task.persist_result  # or Prefect would not look for a result
    assert task.result_serializer == "json"
    delay: Any = task.retry_delay_seconds
    assert (task.retries, delay) == (2, 5.0)
    assert task.retry_condition_fn is is_mendable
