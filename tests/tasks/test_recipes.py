"""What a recipe covers, and what it does not."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import prompts
import tasks
from schemas.artifacts import ArtifactRef
from schemas.instance import RejectedApi
from schemas.parameters import BuildDatasetParams
from schemas.steps import ApiOutcome
from tasks.context import RunContext, use_context
from tasks.curation import compute_dataset_recipe
from tasks.making import Step
from tasks.recipes import compute_recipe, compute_way_recipe, hash_code
from tasks.steps import CHECK, DOCUMENT, IMPORT, INSTRUCT, SIMULATE, SPECIFY, STEPS
from tests.tasks.parts import ENTRY, MODULES, ROOMS, Code, make_context


def make_ref(step: str, **changes: Any) -> ArtifactRef:
    """A reference to what a step made for the boats."""
    fields = {"step": step, "api_id": "boats", "recipe": "r", "path": f"{step}/boats/r.json", "content": step}
    return ArtifactRef.model_validate({**fields, **changes})


TOOLSET, INSTRUCTIONS, EPISODES = make_ref("specify"), make_ref("instruct"), make_ref("simulate")
MOVED = {"recipe": "s", "path": "simulate/boats/s.json", "counts": {"functions": 7}, "unfinished": 1}
"""What a reference says beside the content."""

DOCUMENTED_WAY, IMPORTED_WAY = (DOCUMENT, SPECIFY, INSTRUCT, SIMULATE, CHECK), (IMPORT, INSTRUCT, SIMULATE, CHECK)


def compute_all(context: RunContext) -> dict[str, str]:
    """The recipes of all steps by name, of the last one on both ways (`check` and `check imported`), of the dataset."""
    (entry,) = context.entries.values()
    made = {"toolset": TOOLSET, "instructions": INSTRUCTIONS, "episodes": EPISODES}
    with use_context(context):
        return {
            **{step.name: compute_recipe(context, step, entry, [TOOLSET]) for step in STEPS if step is not CHECK},
            "check": compute_way_recipe(context, DOCUMENTED_WAY, entry),
            "check imported": compute_way_recipe(context, IMPORTED_WAY, entry),
            "dataset": compute_dataset_recipe((ApiOutcome(api_id="boats", made=made),)),
        }


def find_changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {name for name in before if before[name] != after[name]}


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_a_step_depends_on_the_content_of_what_it_reads_and_not_on_where_that_lies(step: Step, tmp_path: Path) -> None:
    def compute(*inputs: ArtifactRef) -> str:
        return compute_recipe(make_context(tmp_path), step, ENTRY, inputs)

    plain = compute(TOOLSET, EPISODES)
    assert compute(TOOLSET, EPISODES.model_copy(update=MOVED)) == plain
    changed = [
        compute(TOOLSET.model_copy(update={"content": "changed"}), EPISODES),
        compute(TOOLSET, EPISODES.model_copy(update={"content": "changed"})),
        compute(EPISODES, TOOLSET),
        compute(TOOLSET),
        compute(),
    ]
    assert len({plain, *changed}) == 6


def test_no_two_steps_and_no_two_ways_have_one_recipe(tmp_path: Path) -> None:
    context = make_context(tmp_path)
    recipes = [compute_recipe(context, step, ENTRY, ()) for step in STEPS]
    recipes += [compute_way_recipe(context, way, ENTRY) for way in (DOCUMENTED_WAY, IMPORTED_WAY)]
    recipes += [compute_way_recipe(context, way, ENTRY) for way in (DOCUMENTED_WAY[:-1], (SPECIFY, DOCUMENT, CHECK))]
    assert len(set(recipes)) == len(recipes) == 11


def test_two_steps_that_are_alike_but_for_their_names_have_two_recipes(tmp_path: Path) -> None:
    context, other = make_context(tmp_path), replace(CHECK, name="check_again")
    assert compute_recipe(context, other, ENTRY, ()) != compute_recipe(context, CHECK, ENTRY, ())
    assert compute_way_recipe(context, (other,), ENTRY) != compute_way_recipe(context, (CHECK,), ENTRY)


def test_a_way_is_an_entry_s_also_where_none_of_its_steps_reads_that(tmp_path: Path) -> None:
    context, other = make_context(tmp_path), ENTRY.model_copy(update={"description": "Other."})
    assert compute_recipe(context, CHECK, other, ()) == compute_recipe(context, CHECK, ENTRY, ())
    assert compute_way_recipe(context, (CHECK,), other) != compute_way_recipe(context, (CHECK,), ENTRY)


def test_a_recipe_is_a_safe_file_name(tmp_path: Path) -> None:
    assert all(recipe.isalnum() and len(recipe) == 16 for recipe in compute_all(make_context(tmp_path)).values())


def test_the_same_is_made_by_the_same_recipe_in_another_run(tmp_path: Path) -> None:
    assert compute_all(make_context(tmp_path / "one")) == compute_all(make_context(tmp_path / "two"))


def test_code_hashes_tell_folders_and_modules_apart() -> None:
    hashes = [
        hash_code(),
        hash_code("mock"),
        hash_code("openapi"),
        hash_code("mock", "openapi"),
        hash_code(module="check"),
        hash_code("mock", module="check"),
        hash_code("mock", module="document"),
    ]
    assert len(set(hashes)) == len(hashes)
    assert hash_code("mock") == hashes[1]


PLAYING = {"simulate", "check", "check imported"}
ALL_STEPS = {"document", "specify", "import", "instruct", *PLAYING}
EDITS: dict[str, set[str]] = {
    "agents": {*ALL_STEPS, "judge"},
    "executors": PLAYING,
    "openapi": {"specify", "import", "instruct", *PLAYING, "dataset"},
    "mock": {"specify", "import", *PLAYING},
    "values": ALL_STEPS,
    "quality": {"instruct", "check", "check imported", "dataset"},
    "markup": {"instruct", *PLAYING, "dataset"},
    "scoring": set(),
    "datasets": {"dataset"},
    "teacher": set(),
    "completions": set(),
    "embedded": set(),
    "sources": set(),
    "supervision": set(),
    "trainer": set(),
    "network": set(),
    "document.py": {"document", "check"},
    "specify.py": {"specify", "import", "check", "check imported"},
    "instruct.py": {"instruct", "check", "check imported"},
    "simulate.py": PLAYING,
    "check.py": {"check", "check imported"},
    "judge.py": {"judge"},
    "api_walk.py": set(),
}
"""What an edit in a room, or in a module beside them, has made anew."""


def test_all_code_is_looked_at_here() -> None:
    assert set(EDITS) == {*ROOMS, *(f"{name}.py" for name in MODULES)}


@pytest.mark.parametrize("edited", EDITS)
def test_an_edit_of_the_code_changes_the_recipes_of_what_that_code_makes(
    edited: str, tmp_path: Path, code: Code
) -> None:
    context = make_context(tmp_path)
    before = compute_all(context)
    code.edit(edited)
    assert find_changed(before, compute_all(context)) == EDITS[edited]
    code.edit("")
    assert compute_all(context) == before


def test_an_edit_of_the_real_values_changes_all_that_is_made_with_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copy_code(tmp_path / "tasks")
    monkeypatch.setattr("tasks.recipes._FOLDER", folder)
    hash_code.cache_clear()
    context = make_context(tmp_path / "data")
    before = compute_all(context)
    (module,) = folder.glob("values/number_drawing.py")
    module.write_text(module.read_text() + "\n\nMORE = 1\n")
    hash_code.cache_clear()
    after = compute_all(context)
    monkeypatch.undo()
    hash_code.cache_clear()
    assert find_changed(before, after) == ALL_STEPS


def copy_code(folder: Path) -> Path:
    """A copy of the product's `tasks/`."""
    shutil.copytree(Path(tasks.__path__[0]), folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def test_what_python_makes_of_code_is_no_part_of_its_hash_and_a_file_s_name_is(tmp_path: Path, code: Code) -> None:
    before = hash_code("mock", "openapi")
    made = tmp_path / "tasks" / "mock" / "__pycache__" / "code.pyc"
    made.parent.mkdir()
    made.write_bytes(b"compiled")
    code.edit("")
    assert hash_code("mock", "openapi") == before
    moved = tmp_path / "tasks" / "mock" / "deep" / "code.py"
    moved.rename(moved.with_name("other.py"))
    hash_code.cache_clear()
    assert hash_code("mock", "openapi") != before


EVERYTHING = {*ALL_STEPS, "judge", "dataset"} - {"import"}
"""What the teacher's answers are in: all but the import of a document."""


@pytest.mark.parametrize(
    ("params", "changed"),
    [
        ({"teacher": {"temperature": 0.1}}, EVERYTHING),
        ({"teacher": {"error_rate": 0.1}}, EVERYTHING),
        ({"teacher": {"model": "x", "base_url": "http://127.0.0.1:9/v1"}}, EVERYTHING),
        ({"seed": 1}, {"instruct", *PLAYING, "dataset"}),
        ({"instructions": 11}, {"instruct", "check", "check imported"}),
        ({"shares": {"no_tool": 0.5}}, {"instruct", "check", "check imported"}),
        ({"test_share": 0.2}, {"dataset"}),
        ({"teacher": {"concurrency": 3, "attempts": 9, "timeout_s": 5, "rpm": 7}}, set()),
        ({"teacher": {"top_p": 0.9}}, EVERYTHING),
        (
            {
                "teacher": {"model": "x", "base_url": "http://h/v1"},
                "user": {"model": "offline"},
                "assistant": {"model": "offline"},
            },
            {"document", "specify", *PLAYING, "judge", "dataset"},
        ),
        ({"executor": "simulated"}, PLAYING),
        ({"simulator": {"temperature": 0.1}}, {*PLAYING, "dataset"}),
        ({"judge": {"model": "x", "base_url": "http://h/v1"}}, {"judge", "dataset"}),
        ({"judge": {"model": "x", "base_url": "http://h/v1"}, "judges": 3}, {"judge", "dataset"}),
        ({"user": {"temperature": 0.1}}, {"instruct", *PLAYING, "dataset"}),
        ({"assistant": {"temperature": 0.1}}, {*PLAYING, "dataset"}),
        ({"assistant": {"reasoning_effort": "low", "extra_body": {"a": 1}}}, {*PLAYING, "dataset"}),
        ({"user": {"concurrency": 3}, "assistant": {"max_tokens": 99, "stream": "never"}}, set()),
        ({"name": "other", "version": "v7", "in_flight": 1, "export": ["trl"], "budget": {"calls": 9}}, set()),
        ({"apis": 7, "names": ["x"], "catalog": "list.md", "max_error_share": 1}, set()),
    ],
)
def test_a_parameter_changes_the_recipes_of_what_depends_on_it(
    params: dict[str, Any], changed: set[str], tmp_path: Path
) -> None:
    before = compute_all(make_context(tmp_path))
    after = compute_all(make_context(tmp_path, BuildDatasetParams.model_validate(params)))
    assert find_changed(before, after) == changed


def test_two_roles_that_are_asked_alike_are_one_and_those_that_change_places_are_two(tmp_path: Path) -> None:
    def compute(**roles: Any) -> str:
        context = make_context(tmp_path, BuildDatasetParams.model_validate(roles))
        return compute_recipe(context, SIMULATE, ENTRY, ())

    hot, cold = {"temperature": 1}, {"temperature": 0}
    assert compute(teacher=hot) == compute(user=hot, assistant=hot, simulator=hot)
    assert compute(user=hot, assistant=cold) != compute(user=cold, assistant=hot)


def test_a_prompt_of_the_user_s_changes_what_it_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "user.jinja").write_text((Path(prompts.__file__).parent / "user.jinja").read_text() + "Be brief.\n")
    context = make_context(tmp_path / "data")
    before = compute_all(context)
    with prompts.use_prompts(prompts.read_prompts(str(tmp_path))):
        assert find_changed(before, compute_all(context)) == {*PLAYING, "dataset"}
    assert compute_all(context) == before


@pytest.mark.parametrize(
    "change", [{"name": "Ships"}, {"description": "Other."}, {"openapi": {"openapi": "3.1.0"}}, {"auth": "apiKey"}]
)
def test_what_the_catalogue_says_of_an_api_changes_how_its_toolset_is_made(
    change: dict[str, Any], tmp_path: Path
) -> None:
    before = compute_all(make_context(tmp_path))
    after = compute_all(make_context(tmp_path, entry=ENTRY.model_copy(update=change)))
    assert find_changed(before, after) == {"document", "specify", "import", "check", "check imported"}


@pytest.mark.parametrize(
    ("prompt", "changed"),
    [
        ("document", {"document", "check", "dataset"}),
        ("specify", {"specify", "check", "dataset"}),
        ("instruct", {"instruct", "check", "check imported", "dataset"}),
        ("assistant", {*PLAYING, "dataset"}),
        ("user", {*PLAYING, "dataset"}),
        ("simulator", {*PLAYING, "dataset"}),
        ("judge", {"judge", "dataset"}),
        ("repair", {"document", "specify", "instruct", *PLAYING, "judge", "dataset"}),
    ],
)
def test_a_prompt_is_part_of_the_stages_that_use_it_and_of_the_dataset_whose_rows_name_it(
    prompt: str, changed: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = make_context(tmp_path / "data")
    before = compute_all(context)
    folder = tmp_path / "prompts"
    folder.mkdir()
    for path in Path(prompts.__file__).parent.glob("*.jinja"):
        (folder / path.name).write_text(path.read_text() + ("\nOne more line.\n" if path.stem == prompt else ""))
    monkeypatch.setattr(prompts, "_FOLDER", folder)
    prompts.load_own_prompt.cache_clear()
    try:
        after = compute_all(context)
    finally:
        prompts.load_own_prompt.cache_clear()
    assert find_changed(before, after) == changed


MADE = {"toolset": TOOLSET, "instructions": INSTRUCTIONS, "episodes": EPISODES, "verdicts": make_ref("check")}
PLAYED = ApiOutcome(api_id="boats", made=MADE)
REJECTED = ApiOutcome(
    api_id="boats", made={"toolset": TOOLSET}, rejected=RejectedApi(entry=ENTRY, stage="instruct", problems=("no",))
)


def test_a_dataset_depends_on_what_judges_said_where_there_are_any(tmp_path: Path) -> None:
    judged = PLAYED.model_copy(update={"made": {**MADE, "judgements": make_ref("judge")}})
    otherwise = PLAYED.model_copy(update={"made": {**MADE, "judgements": make_ref("judge", content="changed")}})
    assert len({compute_dataset(tmp_path, outcome) for outcome in (PLAYED, judged, otherwise)}) == 3


def change(kind: str, **changes: Any) -> ApiOutcome:
    """What became of the API, with something else to be said of one artifact."""
    return PLAYED.model_copy(update={"made": {**MADE, kind: MADE[kind].model_copy(update=changes)}})


def compute_dataset(folder: Path, *outcomes: ApiOutcome, benchmarks: tuple[str, ...] = ()) -> str:
    context = make_context(folder)
    context = replace(context, benchmarks=benchmarks)
    with use_context(context):
        return compute_dataset_recipe(outcomes)


@pytest.mark.parametrize(
    "other",
    [
        change("toolset", content="changed"),
        change("episodes", content="changed"),
        change("episodes", recipe="changed"),  # rows carry it
        PLAYED.model_copy(update={"api_id": "ships"}),
        REJECTED,
    ],
    ids=["its toolset", "its episodes", "their recipe", "its name", "a rejection"],
)
def test_a_dataset_depends_on_what_became_of_each_api(other: ApiOutcome, tmp_path: Path) -> None:
    assert compute_dataset(tmp_path, other) != compute_dataset(tmp_path, PLAYED)


def test_a_dataset_depends_on_why_an_api_was_rejected_and_on_which_there_are_but_not_on_their_order(
    tmp_path: Path,
) -> None:
    assert REJECTED.rejected is not None
    reason = REJECTED.rejected.model_copy(update={"problems": ("no, no",)})
    other = REJECTED.model_copy(update={"rejected": reason})
    assert compute_dataset(tmp_path, other) != compute_dataset(tmp_path, REJECTED)
    ships = PLAYED.model_copy(update={"api_id": "ships"})
    assert compute_dataset(tmp_path, PLAYED, ships) == compute_dataset(tmp_path, ships, PLAYED)
    assert compute_dataset(tmp_path, PLAYED, ships) != compute_dataset(tmp_path, PLAYED)


def test_a_dataset_does_not_depend_on_what_only_its_episodes_were_made_of(tmp_path: Path) -> None:
    for same in (
        change("instructions", content="changed"),
        change("toolset", **MOVED),
        change("episodes", path="elsewhere", counts={"episodes": 7}),
    ):
        assert compute_dataset(tmp_path, same) == compute_dataset(tmp_path, PLAYED)


def test_a_dataset_depends_on_its_benchmarks(tmp_path: Path) -> None:
    recipes = {compute_dataset(tmp_path, PLAYED, benchmarks=texts) for texts in ((), ("one",), ("one", "two"))}
    assert len(recipes) == 3


def test_a_dataset_depends_on_when_two_instructions_are_nearly_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = compute_dataset(tmp_path, PLAYED)
    monkeypatch.setattr("tasks.curation.SIMILARITY", 0.7)
    assert compute_dataset(tmp_path, PLAYED) != before
