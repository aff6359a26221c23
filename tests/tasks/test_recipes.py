"""What a cache key depends on, and what it does not."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect import Task
from prefect.states import Completed, Failed

import prompts
from schemas.calls import Stage
from schemas.errors import TeacherError, UserError
from schemas.instance import RejectedApi
from schemas.manifest import ArtifactRef
from schemas.parameters import BuildDatasetParams
from schemas.steps import ApiOutcome, StepResult
from tasks.agents import STAGE_VERSIONS
from tasks.context import RunContext, get_context, use_context
from tasks.curation import compute_dataset_recipe
from tasks.instructions import compute_instruct_recipe, instruct
from tasks.recipes import RecipePolicy, compute_recipe, hash_code, is_mendable, make_key
from tasks.simulation import compute_simulate_recipe, simulate
from tasks.toolset import (
    compute_document_recipe,
    compute_import_recipe,
    compute_specify_recipe,
    document,
    import_document,
    specify,
)
from tests.tasks.parts import ENTRY, make_context

TOOLSET = StepResult(ref=ArtifactRef(stage="toolset", api_id="boats", path="p", hash="h"), content="toolset")


def test_a_key_can_be_read() -> None:
    assert make_key("document", "boats", "0123") == "document/boats/0123"


def test_a_task_s_key_is_made_of_its_api_and_recipe(tmp_path: Path) -> None:
    class Context:
        class task:  # noqa: N801 - the name that Prefect's context has
            name = "document"

    key = RecipePolicy().compute_key(Context, {"api_id": "boats", "recipe": "0123", "client": object()}, {})  # type: ignore[arg-type]
    assert key == "document/boats/0123"


def test_outside_of_a_run_there_is_no_context() -> None:
    with pytest.raises(LookupError):
        get_context()


def test_a_step_depends_on_the_content_of_its_input_and_not_on_where_it_lies(tmp_path: Path) -> None:
    moved = TOOLSET.model_copy(update={"ref": TOOLSET.ref.model_copy(update={"path": "q", "hash": "other ledger"})})
    changed = TOOLSET.model_copy(update={"content": "changed"})
    with use_context(make_context(tmp_path)):
        plain = compute_simulate_recipe(TOOLSET, TOOLSET)
        assert compute_simulate_recipe(moved, moved) == plain
        assert compute_simulate_recipe(changed, TOOLSET) != plain
        assert compute_simulate_recipe(TOOLSET, changed) not in (plain, compute_simulate_recipe(changed, TOOLSET))
        assert compute_instruct_recipe(moved) == compute_instruct_recipe(TOOLSET) != compute_instruct_recipe(changed)
        plain = compute_specify_recipe("boats", TOOLSET)
        assert compute_specify_recipe("boats", moved) == plain != compute_specify_recipe("boats", changed)


def test_code_hashes_tell_folders_apart() -> None:
    assert hash_code("mock") == hash_code("mock") != hash_code("openapi")


def edit_code(folder: Path, monkeypatch: pytest.MonkeyPatch, edited: str) -> None:
    """Have `hash_code` see a `tasks/` in which a file of the folder `edited` (none if empty) says something else."""
    for name in ("agents", "llm", "mock", "offline", "openapi", "quality", "sources", "store", "values"):
        (folder / name / "deep").mkdir(parents=True, exist_ok=True)
        (folder / name / "deep" / "code.py").write_text("two = 2\n" if name == edited else "one = 1\n")
    monkeypatch.setattr("tasks.recipes._FOLDER", folder)
    hash_code.cache_clear()


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Edits the code of one folder of `tasks/`."""
    yield lambda edited: edit_code(tmp_path / "tasks", monkeypatch, edited)
    monkeypatch.undo()
    hash_code.cache_clear()


def compute_all(context: RunContext) -> dict[str, str]:
    """The recipes of all steps and of the dataset."""
    outcome = ApiOutcome(api_id="boats", toolset=TOOLSET, instructions=TOOLSET, episodes=TOOLSET)
    with use_context(context):
        return {
            "document": compute_document_recipe("boats"),
            "specify": compute_specify_recipe("boats", TOOLSET),
            "import": compute_import_recipe("boats"),
            "instruct": compute_instruct_recipe(TOOLSET),
            "simulate": compute_simulate_recipe(TOOLSET, TOOLSET),
            "dataset": compute_dataset_recipe((outcome,)),
        }


def find_changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {name for name in before if before[name] != after[name]}


@pytest.mark.parametrize(
    ("folder", "changed"),
    [
        ("openapi", {"specify", "import", "simulate", "dataset"}),
        ("mock", {"specify", "import", "simulate"}),
        ("values", {"simulate"}),
        ("quality", {"dataset"}),
        ("store", {"dataset"}),
        ("llm", set()),
        ("sources", set()),
    ],
)
def test_an_edit_of_the_code_changes_the_recipes_of_what_that_code_makes(
    folder: str, changed: set[str], tmp_path: Path, code: Callable[[str], None]
) -> None:
    context = make_context(tmp_path)
    code("")
    before = compute_all(context)
    code(folder)
    assert find_changed(before, compute_all(context)) == changed


def test_what_python_makes_of_code_is_no_part_of_its_hash_and_a_file_s_name_is(
    tmp_path: Path, code: Callable[[str], None]
) -> None:
    code("")
    before = hash_code("mock", "openapi")
    assert hash_code("mock") != before
    made = tmp_path / "tasks" / "mock" / "__pycache__" / "code.pyc"
    made.parent.mkdir()
    made.write_bytes(b"compiled")
    code("")
    assert hash_code("mock", "openapi") == before
    moved = tmp_path / "tasks" / "mock" / "deep" / "code.py"
    moved.rename(moved.with_name("other.py"))
    code("quality")
    moved.unlink()
    assert hash_code("mock", "openapi") != before


EVERYTHING = {"document", "specify", "instruct", "simulate", "dataset"}
"""What the teacher's answers are in: all but the import of a document."""


@pytest.mark.parametrize(
    ("params", "changed"),
    [
        ({"teacher": {"temperature": 0.1}}, EVERYTHING),
        ({"teacher": {"error_rate": 0.1}}, EVERYTHING),
        ({"teacher": {"model": "x", "base_url": "http://127.0.0.1:9/v1"}}, EVERYTHING),
        ({"seed": 1}, {"instruct", "simulate", "dataset"}),
        ({"instructions": 11}, {"instruct"}),
        ({"shares": {"no_tool": 0.5}}, {"instruct"}),
        ({"test_share": 0.2}, {"dataset"}),
        ({"teacher": {"concurrency": 3, "attempts": 9, "timeout_s": 5, "rpm": 7}}, set()),
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


@pytest.mark.parametrize("change", [{"name": "Ships"}, {"openapi": {"openapi": "3.1.0"}}, {"auth": "apiKey"}])
def test_what_the_catalogue_says_of_an_api_changes_how_its_toolset_is_made(
    change: dict[str, Any], tmp_path: Path
) -> None:
    before = compute_all(make_context(tmp_path))
    after = compute_all(make_context(tmp_path, entry=ENTRY.model_copy(update=change)))
    assert find_changed(before, after) == {"document", "specify", "import"}


@pytest.mark.parametrize(
    ("prompt", "changed"),
    [
        ("document", {"document", "dataset"}),
        ("specify", {"specify", "dataset"}),
        ("instruct", {"instruct", "dataset"}),
        ("assistant", {"simulate", "dataset"}),
        ("user", {"simulate", "dataset"}),
        ("repair", {"document", "specify", "instruct", "dataset"}),
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
    prompts.load_prompt.cache_clear()
    try:
        after = compute_all(context)
    finally:
        prompts.load_prompt.cache_clear()
    assert find_changed(before, after) == changed


def test_a_stage_s_version_changes_its_recipe_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = make_context(tmp_path)
    before = compute_all(context)
    monkeypatch.setitem(STAGE_VERSIONS, "specify", STAGE_VERSIONS["specify"] + 1)
    assert find_changed(before, compute_all(context)) == {"specify"}


def test_no_two_stages_have_one_recipe(tmp_path: Path) -> None:
    stages: tuple[Stage, ...] = ("document", "specify", "instruct", "simulate")
    with use_context(make_context(tmp_path)):
        assert len({compute_recipe(stage, "x") for stage in stages}) == len(stages)
        assert compute_recipe("document", "x") != compute_recipe("document", "y") != compute_recipe("document")


REJECTED = ApiOutcome(
    api_id="boats", toolset=TOOLSET, rejected=RejectedApi(entry=ENTRY, stage="specify", problems=("no",))
)
PLAYED = ApiOutcome(api_id="boats", toolset=TOOLSET, instructions=TOOLSET, episodes=TOOLSET)
MOVED = TOOLSET.model_copy(update={"ref": TOOLSET.ref.model_copy(update={"path": "other recipe", "hash": "i"})})
CHANGED = TOOLSET.model_copy(update={"content": "changed"})


def compute_dataset(folder: Path, *outcomes: ApiOutcome, benchmarks: tuple[str, ...] = ()) -> str:
    context = make_context(folder)
    context.benchmarks = benchmarks
    with use_context(context):
        return compute_dataset_recipe(outcomes)


@pytest.mark.parametrize(
    "other",
    [
        PLAYED.model_copy(update={"toolset": CHANGED}),
        PLAYED.model_copy(update={"episodes": CHANGED}),
        PLAYED.model_copy(update={"episodes": MOVED}),  # rows carry its recipe
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
    same = PLAYED.model_copy(update={"instructions": CHANGED, "toolset": MOVED})
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


@pytest.mark.parametrize(
    ("error", "mendable"),
    [
        (OSError(28, "No space left on device"), True),
        (ConnectionResetError(), True),
        (FileNotFoundError("gone"), True),
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
    assert await is_mendable(None, None, Completed(data=TOOLSET)) is False


@pytest.mark.parametrize("step", [document, specify, import_document, instruct, simulate], ids=lambda step: step.name)
def test_each_step_is_kept_under_its_recipe_and_tried_again_a_little_later(step: Task[..., Any]) -> None:
    assert isinstance(step.cache_policy, RecipePolicy)
    assert step.persist_result
    assert step.result_serializer == "json"
    delay: Any = step.retry_delay_seconds
    assert (step.retries, delay) == (2, 5.0)
    assert step.retry_condition_fn is is_mendable
    assert step.task_run_name == f"{step.name} {{api_id}}"
    assert step.description
