"""One API's way, step by step, on the embedded teacher, and the rows that it leads to; without a server."""

from contextlib import nullcontext
from pathlib import Path

import pytest

from schemas.artifacts import Episodes, Instructions, Verdicts
from schemas.parameters import BuildDatasetParams
from schemas.steps import ApiOutcome
from tasks.api_walk import walk_api
from tasks.context import RunContext, use_context
from tasks.curation import compute_dataset_recipe, curate, read_content
from tasks.datasets import read_artifact
from tasks.publishing import find_unchanged, publish
from tasks.steps import STEPS
from tests.tasks.parts import Code, PlainSteps, make_context

KINDS = ["documentation", "toolset", "instructions", "episodes", "verdicts"]


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> PlainSteps:
    return PlainSteps(monkeypatch)


async def walk(context: RunContext) -> ApiOutcome:
    with use_context(context):
        return await walk_api("boats", nullcontext())


def make_run(folder: Path, instructions: int) -> RunContext:
    return make_context(folder, BuildDatasetParams(instructions=instructions))


async def test_each_step_leaves_an_artifact_with_its_ledger(tmp_path: Path, plain: PlainSteps) -> None:
    context = make_run(tmp_path, 3)
    outcome = await walk(context)
    assert (outcome.rejected, outcome.ledger, list(outcome.made)) == (None, (), KINDS)
    assert plain.made == plain.called == ["document", "specify", "instruct", "simulate", "check"]
    for ref in outcome.made.values():
        (makes,) = {step.makes for step in STEPS if step.name == ref.step}
        ledger = read_artifact(context.root, ref, makes).ledger
        assert {(row.stage, row.api_id) for row in ledger} == ({(ref.step, "boats")} if ref.step != "check" else set())
    assert context.ledger.rows == []

    played = read_artifact(context.root, outcome.made["episodes"], Episodes)
    asked = read_artifact(context.root, outcome.made["instructions"], Instructions).content.instructions
    assert [episode.instruction for episode in played.content.episodes] == list(asked)
    assert len(asked) == 3
    assert {row.owner for row in played.ledger} == {instruction.id for instruction in asked}
    verdicts = read_artifact(context.root, outcome.made["verdicts"], Verdicts).content.verdicts
    assert len(verdicts) == sum(outcome.count("verdicts").values()) == 3
    assert outcome.count("episodes") == {"episodes": 3}
    assert {ref.unfinished for ref in outcome.made.values()} == {0}


async def test_content_and_references_do_not_depend_on_the_clock(tmp_path: Path, plain: PlainSteps) -> None:
    contexts = [make_run(tmp_path / folder, 3) for folder in ("one", "two")]
    one, two = [await walk(context) for context in contexts]
    assert one == two
    ref = one.made["episodes"]
    first, second = (read_artifact(context.root, ref, Episodes) for context in contexts)
    assert first.content == second.content
    assert first.made_at < second.made_at


async def test_verdicts_are_kept_until_the_checks_change(tmp_path: Path, plain: PlainSteps, code: Code) -> None:
    outcome = await walk(make_run(tmp_path / "data", 2))
    plain.clear()
    assert await walk(make_run(tmp_path / "data", 2)) == outcome
    assert plain.called == []
    code.edit("check.py")
    other = await walk(make_run(tmp_path / "data", 2))
    assert plain.made == ["check"]
    assert other.made["verdicts"].path != outcome.made["verdicts"].path
    assert other.made["verdicts"].content == outcome.made["verdicts"].content
    assert {kind: ref for kind, ref in other.made.items() if kind != "verdicts"} == {
        kind: ref for kind, ref in outcome.made.items() if kind != "verdicts"
    }


async def test_rows_are_published_once(tmp_path: Path, plain: PlainSteps) -> None:
    context = make_run(tmp_path, 4)
    outcome = await walk(context)
    outcomes = (outcome,)
    with use_context(context):
        recipe = compute_dataset_recipe(outcomes)
        assert find_unchanged(recipe, 0) is None

        curated = await curate.fn(outcomes)
        rows = list(read_content(context, curated).rows)
        assert [row.id for row in rows] == [f"boats-{number:03}" for number in range(1, 5)]
        assert {row.recipe_hash for row in rows} == {outcome.made["episodes"].recipe}
        published = await publish.fn(curated, recipe, 0)
        assert published.changed

        unchanged = find_unchanged(recipe, 0)
        assert unchanged is not None
        assert unchanged.dataset == published.dataset
        # Another recipe that leads to the same rows publishes nothing either.
        assert not (await publish.fn(curated, "other recipe", 0)).changed
