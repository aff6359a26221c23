"""One API's way, step by step, on the embedded teacher; the tasks' plain functions, without a server."""

from pathlib import Path

from schemas.episodes import Episode
from schemas.manifest import ArtifactRef
from schemas.parameters import BuildDatasetParams
from schemas.steps import ApiOutcome, StepResult
from tasks.artifacts import read_payload
from tasks.checking import check_api
from tasks.context import RunContext, use_context
from tasks.curation import compute_dataset_recipe, curate, read_content
from tasks.instructions import instruct
from tasks.publishing import find_unchanged, publish
from tasks.simulation import simulate
from tasks.toolset import document, specify
from tests.tasks.parts import make_context


async def walk(context: RunContext) -> ApiOutcome:
    """All steps as plain functions."""
    described = await document.fn("boats", "r1")
    toolset = await specify.fn("boats", "r2", described.ref)
    instructions = await instruct.fn("boats", "r3", toolset.ref)
    episodes = await simulate.fn("boats", "r4", toolset.ref, instructions.ref)
    verdicts = check_api(context.root, toolset, episodes, "code")
    return ApiOutcome(api_id="boats", toolset=toolset, instructions=instructions, episodes=episodes, verdicts=verdicts)


def get_episodes(outcome: ApiOutcome) -> StepResult:
    assert outcome.episodes is not None
    return outcome.episodes


async def test_each_step_leaves_an_artifact_with_its_ledger(tmp_path: Path) -> None:
    context = make_context(tmp_path, BuildDatasetParams(instructions=3))
    with use_context(context):
        outcome = await walk(context)
        payload = await read_payload(get_episodes(outcome).ref)
    episodes = [Episode.model_validate(item) for item in payload["episodes"]]
    assert len(episodes) == 3
    assert {row["owner"] for row in payload["ledger"]} == {episode.instruction.id for episode in episodes}
    assert outcome.verdicts is not None
    assert sum(outcome.verdicts.counts.values()) == 3
    assert context.ledger.rows == []
    assert context.made == {"document/boats/r1", "specify/boats/r2", "instruct/boats/r3", "simulate/boats/r4"}


async def test_content_does_not_depend_on_the_clock(tmp_path: Path) -> None:
    outcomes = []
    for folder in ("one", "two"):
        context = make_context(tmp_path / folder, BuildDatasetParams(instructions=3))
        with use_context(context):
            outcomes.append(await walk(context))
    one, two = map(get_episodes, outcomes)
    assert one.content == two.content
    assert one.ref.hash != two.ref.hash


async def test_verdicts_are_kept_until_the_checks_change(tmp_path: Path) -> None:
    context = make_context(tmp_path, BuildDatasetParams(instructions=2))
    with use_context(context):
        outcome = await walk(context)
    assert outcome.toolset is not None
    again = check_api(context.root, outcome.toolset, get_episodes(outcome), "code")
    other = check_api(context.root, outcome.toolset, get_episodes(outcome), "other code")
    assert again == outcome.verdicts
    assert isinstance(other, ArtifactRef)
    assert other.path != again.path


async def test_rows_are_published_once(tmp_path: Path) -> None:
    context = make_context(tmp_path, BuildDatasetParams(instructions=4))
    with use_context(context):
        outcomes = (await walk(context),)
        recipe = compute_dataset_recipe(outcomes)
        assert find_unchanged(recipe) is None

        curated = await curate.fn(outcomes)
        rows = list(read_content(context, curated).rows)
        assert [row.id for row in rows] == [f"boats-{number:03}" for number in range(1, 5)]
        assert {row.recipe_hash for row in rows} == {"r4"}
        published = await publish.fn(curated, recipe)
        assert published.changed

        unchanged = find_unchanged(recipe)
        assert unchanged is not None
        assert unchanged.dataset == published.dataset
        # Another recipe that leads to the same rows publishes nothing either.
        assert not (await publish.fn(curated, "other recipe")).changed
