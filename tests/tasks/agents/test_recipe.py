"""What a step's results are kept by: the prompts that it renders, and the version of what it makes of the answers."""

import pytest

from prompts import PROMPTS, Prompt
from schemas.calls import Stage
from schemas.episodes import Kind
from schemas.toolset import Toolset
from tasks.agents import (
    STAGE_PROMPTS,
    STAGE_VERSIONS,
    document_api,
    simulate_episodes,
    specify_api,
    write_instructions,
)
from tasks.llm import Teacher
from tests.tasks.agents.parts import ENTRY, embedded, make_documentation, make_instruction, scripted, write
from tests.tasks.llm.endpoints import Reply, say


async def play(stage: Stage, teacher: Teacher, toolset: Toolset) -> None:
    if stage == "document":
        await document_api(ENTRY, teacher)
    elif stage == "specify":
        await specify_api(ENTRY, make_documentation(), teacher)
    elif stage == "instruct":
        await write_instructions(toolset, 1, {Kind.SINGLE_CALL: 1.0}, 0, teacher)
    else:
        await simulate_episodes(toolset, [make_instruction()], 0, teacher, 1)


async def write_script(stage: Stage) -> list[Reply]:
    """Of a teacher that has to be asked twice."""
    if stage == "simulate":
        return [say("Where?"), say("Lyon."), say("None.")]
    async with embedded() as teacher:
        document = await specify_api(ENTRY, make_documentation(), teacher)
    good = {
        "document": make_documentation().model_dump(mode="json"),
        "specify": document,
        "instruct": {"instructions": [{"text": "Any dogs in Lyon?"}]},
    }
    return [say("no"), write(good[stage])]


@pytest.mark.parametrize("stage", STAGE_PROMPTS)
async def test_the_prompts_that_a_step_renders_are_those_that_its_results_depend_on(
    stage: Stage, toolset: Toolset, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = await write_script(stage)
    rendered: set[str] = set()
    render = Prompt.render

    def note(prompt: Prompt, **variables: object) -> str:
        rendered.add(prompt.name)
        return render(prompt, **variables)

    monkeypatch.setattr(Prompt, "render", note)
    async with scripted(*script) as (teacher, _):
        await play(stage, teacher, toolset)
    assert rendered == set(STAGE_PROMPTS[stage])


def test_every_prompt_is_some_steps_and_every_step_has_a_version() -> None:
    assert {name for names in STAGE_PROMPTS.values() for name in names} == set(PROMPTS)
    # A version that moves makes every result be made anew: raise it if it must be, and here too.
    assert STAGE_VERSIONS == {"document": 1, "specify": 1, "instruct": 2, "simulate": 1}
