"""The table of steps: no two in each other's way, and each depends on all that has a say in what it makes."""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import grimp
import pytest

import tasks
from prompts import PROMPTS, Prompt
from schemas.artifacts import Episodes, Instructions, Verdicts
from schemas.base import Record
from schemas.catalog import CatalogEntry
from schemas.episodes import Episode, Message, Trajectory, Verdict
from schemas.parameters import BuildDatasetParams, BuildToolsetParams
from schemas.toolset import Toolset
from tasks.making import Making, Step
from tasks.steps import CHECK, DOCUMENT, IMPORT, INSTRUCT, JUDGE, SIMULATE, SPECIFY, STEPS, TOOLSET_STEPS, list_steps
from tests.tasks.agents.parts import (
    ENTRY,
    call,
    make_document,
    make_documentation,
    make_instruction,
    make_toolset,
    scripted,
    write,
)
from tests.tasks.agents.test_specify import GOOD
from tests.tasks.parts import ROOMS, make_making
from tests.tasks.teacher.endpoints import Reply, say

IMPORTED = ENTRY.model_copy(update={"openapi": make_document()})
JUDGED = BuildDatasetParams.model_validate({"judge": {"model": "tiny", "base_url": "http://tiny.test/v1"}})
for_each_step = pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)


@pytest.mark.parametrize(
    ("entry", "steps"),
    [(ENTRY, (DOCUMENT, SPECIFY, INSTRUCT, SIMULATE, CHECK)), (IMPORTED, (IMPORT, INSTRUCT, SIMULATE, CHECK))],
    ids=["without a document", "with one"],
)
def test_an_api_that_comes_with_a_document_is_neither_documented_nor_specified(
    entry: CatalogEntry, steps: tuple[Step, ...]
) -> None:
    assert list_steps(entry, BuildDatasetParams()) == list_steps(entry, BuildToolsetParams()) == steps
    assert list_steps(entry, JUDGED) == (*steps, JUDGE)


def test_no_two_steps_have_one_name_and_each_has_a_folder_of_its_own() -> None:
    names = [step.name for step in STEPS]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in names)
    # The data root has other folders, which no step may write to.
    assert not {"cache", "datasets", "models"} & set(names)


@pytest.mark.parametrize("entry", [ENTRY, IMPORTED], ids=["without a document", "with one"])
def test_no_two_steps_of_an_api_s_way_make_the_same_and_each_reads_what_was_made_before(entry: CatalogEntry) -> None:
    made: list[type[Record]] = []
    for step in list_steps(entry, JUDGED):
        assert set(step.reads) <= set(made), step.name
        assert step.makes not in made, step.name
        assert len(set(step.reads)) == len(step.reads), step.name
        made.append(step.makes)
    kinds = [step.kind for step in list_steps(entry, JUDGED)]
    assert len(set(kinds)) == len(kinds)


def test_two_steps_that_make_the_same_are_never_on_one_way() -> None:
    by_kind = {step.makes: [other.name for other in STEPS if other.makes is step.makes] for step in STEPS}
    assert [names for names in by_kind.values() if len(names) > 1] == [["specify", "import"]]


def test_an_artifact_s_kind_is_what_a_summary_calls_it() -> None:
    kinds = {
        "document": "documentation",
        "specify": "toolset",
        "import": "toolset",
        "instruct": "instructions",
        "simulate": "episodes",
        "check": "verdicts",
        "judge": "judgements",
    }
    assert kinds.items() <= {step.name: step.kind for step in STEPS}.items()


def test_each_way_begins_with_the_toolset_s_steps_and_ends_with_the_last_of_the_table() -> None:
    for entry in (ENTRY, IMPORTED):
        way = list_steps(entry, JUDGED)
        ending = [step.makes for step in way].index(Toolset) + 1
        assert all(step in TOOLSET_STEPS for step in way[:ending])
        assert not any(step in TOOLSET_STEPS for step in way[ending:])
        assert way[-1] is STEPS[-1]


@for_each_step
def test_a_step_says_what_it_does_and_is_made_of_something(step: Step) -> None:
    assert step.description.endswith(".")
    assert step.reads or step.reads_entry


CARRYING = {"completions", "datasets", "embedded", "network", "scoring", "sources", "supervision", "teacher", "trainer"}
"""Rooms that carry what is asked and made: an edit there makes nothing else of the same answers."""


@cache
def find_rooms(module: str) -> set[str]:
    """The folders of tasks/ whose code a module directly in tasks/ reaches by imports."""
    graph = grimp.build_graph("tasks", cache_dir=None)
    for name in sorted(graph.modules - {"tasks"}):
        room = name.removeprefix("tasks.").partition(".")[0]
        if room in CARRYING or (room not in ROOMS and name != module):
            graph.remove_module(name)
    return {name.split(".")[1] for name in graph.find_upstream_modules(module)}


def test_each_folder_of_tasks_is_known_here() -> None:
    folder = Path(tasks.__path__[0])
    assert {path.parent.name for path in folder.glob("*/__init__.py")} == set(ROOMS)


@for_each_step
def test_a_step_s_rooms_are_those_whose_code_its_module_reaches(step: Step) -> None:
    assert sorted(step.rooms) == sorted(find_rooms(step.make.__module__))


@for_each_step
def test_a_step_is_made_by_a_module_directly_in_tasks_so_that_its_code_is_hashed(step: Step) -> None:
    assert (Path(tasks.__path__[0]) / f"{step.make.__module__.removeprefix('tasks.')}.py").is_file()


def make_contents() -> list[Record]:
    """All that a step may read of an API of pets."""
    asked = Instructions(instructions=(make_instruction(),))
    said = (Message(role="system"), Message(role="user", content="Any?"), Message(role="assistant", content="None."))
    played = Episode(instruction=make_instruction(), trajectory=Trajectory(messages=said, end="response"), seed=1)
    checked = Verdicts(verdicts=((Verdict(check="placeholder", keep=True),),))
    return [make_documentation(), make_toolset(), asked, Episodes(episodes=(played,)), checked]


async def write_script(step: Step) -> list[Reply]:
    """Of a teacher that has to be asked twice."""
    if step is SIMULATE:
        found = {"status": 200, "body": {"pets": [{"id": "pet_1", "name": "Luna", "city": "Lyon", "age_years": 3}]}}
        search = call(("searchPets", {"city": "Lyon"}))
        return [say("Where?"), say("Lyon."), search, write({"status": 500}), write(found), say("There is Luna.")]
    if step is SPECIFY:  # each function is asked for by itself
        return [say("no"), say("no"), write(GOOD), write(GOOD)]
    good = {
        "document": make_documentation().model_dump(mode="json"),
        "judge": {side: {"reason": "So it is.", "verdict": "right"} for side in ("process", "response")},
        "instruct": {
            "instructions": [
                {
                    "text": "Any in Lyon?",
                    "functions": ["searchPets"],
                    "values": [{"parameter": "city", "value": "Lyon"}],
                }
            ]
        },
    }
    return [say("no"), write(good.get(step.name, "Yes."))]


@for_each_step
async def test_the_prompts_that_a_step_renders_are_those_that_its_artifacts_depend_on(
    step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = await write_script(step) if step.prompts else []
    rendered: set[str] = set()
    render = Prompt.render

    def note(prompt: Prompt, **variables: object) -> str:
        rendered.add(prompt.name)
        return render(prompt, **variables)

    monkeypatch.setattr(Prompt, "render", note)
    async with scripted(*script) as (teacher, endpoint):
        making = make_making(
            teacher,
            *make_contents(),
            entry=IMPORTED,
            instructions=1,
            executor="simulated",
            judges=1,
            judge={"model": "tiny"},
        )
        made = await step.make(making)
    assert type(made.content) is step.makes
    assert rendered == set(step.prompts)
    # A step without prompts asks nothing, or what the teacher is would have to be in its recipe.
    assert bool(endpoint.requests) is bool(step.prompts)


def test_every_prompt_is_some_step_s() -> None:
    assert {name for step in STEPS for name in step.prompts} == set(PROMPTS)


@dataclass(frozen=True)
class Watched(Making):
    """Notes what a step takes of it."""

    taken: set[object] = field(default_factory=set)

    def __getattribute__(self, name: str) -> Any:
        if name in ("entry", "dataset_params", "teacher"):
            super().__getattribute__("taken").add(name)
        return super().__getattribute__(name)


@for_each_step
async def test_a_step_takes_what_its_recipe_covers_and_nothing_else(step: Step) -> None:
    script = await write_script(step) if step.prompts else []
    async with scripted(*script) as (teacher, _):
        plain = make_making(
            teacher,
            *make_contents(),
            entry=IMPORTED,
            instructions=1,
            executor="simulated",
            judges=1,
            judge={"model": "tiny"},
        )
        making = Watched(plain.entry, plain.params, plain.teacher, plain.read, plain.run)

        async def read(kind: type[Any], /) -> Any:
            making.taken.add(kind)
            return await plain.read(kind)

        object.__setattr__(making, "read", read)
        await step.make(making)
    assert making.taken == {
        *step.reads,
        *(["entry"] if step.reads_entry else []),
        *(["teacher"] if step.prompts else []),
        *(["dataset_params"] if step.settings else []),
    }
