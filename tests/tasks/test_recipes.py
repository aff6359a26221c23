"""What a cache key depends on, and what it does not."""

from pathlib import Path

import pytest

import prompts
from schemas.calls import Stage
from schemas.manifest import ArtifactRef
from schemas.parameters import BuildDatasetParams, KindShares
from schemas.steps import StepResult
from schemas.teacher import TeacherSettings
from tasks.context import get_context, use_context
from tasks.instructions import compute_instruct_recipe
from tasks.recipes import compute_recipe, hash_code, make_key
from tasks.simulation import compute_simulate_recipe
from tasks.toolset import compute_document_recipe
from tests.tasks.parts import ENTRY, erring, make_context

TOOLSET = StepResult(ref=ArtifactRef(stage="toolset", api_id="boats", path="p", hash="h"), content="toolset")


def test_a_key_can_be_read() -> None:
    assert make_key("document", "boats", "0123") == "document/boats/0123"


def test_a_task_s_key_is_made_of_its_api_and_recipe(tmp_path: Path) -> None:
    from tasks.recipes import RecipePolicy

    class Context:
        class task:  # noqa: N801 - the name that Prefect's context has
            name = "document"

    key = RecipePolicy().compute_key(Context, {"api_id": "boats", "recipe": "0123", "client": object()}, {})  # type: ignore[arg-type]
    assert key == "document/boats/0123"


def test_outside_of_a_run_there_is_no_context() -> None:
    with pytest.raises(LookupError):
        get_context()


@pytest.mark.parametrize(
    ("params", "same"),
    [
        (BuildDatasetParams(teacher=TeacherSettings(concurrency=3, attempts=9, timeout_s=5)), True),
        (BuildDatasetParams(in_flight=1, name="other", test_share=0.5), True),
        (BuildDatasetParams(teacher=TeacherSettings(temperature=0.1)), False),
        (erring(0.1), False),
    ],
)
def test_how_hard_the_teacher_is_asked_does_not_matter_and_how_it_answers_does(
    params: BuildDatasetParams, same: bool, tmp_path: Path
) -> None:
    with use_context(make_context(tmp_path)):
        plain = compute_recipe("document", "x")
    with use_context(make_context(tmp_path, params)):
        assert (compute_recipe("document", "x") == plain) is same


@pytest.mark.parametrize(
    "params",
    [
        BuildDatasetParams(instructions=11),
        BuildDatasetParams(seed=1),
        BuildDatasetParams(shares=KindShares(single_call=1)),
    ],
)
def test_instructions_depend_on_their_number_seed_and_shares(params: BuildDatasetParams, tmp_path: Path) -> None:
    with use_context(make_context(tmp_path)):
        plain = compute_instruct_recipe(TOOLSET)
    with use_context(make_context(tmp_path, params)):
        assert compute_instruct_recipe(TOOLSET) != plain


def test_an_entry_s_documentation_depends_on_all_that_the_catalogue_says_of_it(tmp_path: Path) -> None:
    with use_context(make_context(tmp_path)):
        plain = compute_document_recipe("boats")
    with use_context(make_context(tmp_path, entry=ENTRY.model_copy(update={"description": "Other."}))):
        assert compute_document_recipe("boats") != plain


def test_a_step_depends_on_the_content_of_its_input_and_not_on_where_it_lies(tmp_path: Path) -> None:
    moved = TOOLSET.model_copy(update={"ref": TOOLSET.ref.model_copy(update={"path": "q", "hash": "other ledger"})})
    changed = TOOLSET.model_copy(update={"content": "changed"})
    with use_context(make_context(tmp_path)):
        plain = compute_simulate_recipe(TOOLSET, TOOLSET)
        assert compute_simulate_recipe(moved, moved) == plain
        assert compute_simulate_recipe(changed, TOOLSET) != plain


def test_a_prompt_is_part_of_the_stages_that_use_it_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stages: tuple[Stage, ...] = ("document", "specify", "instruct", "simulate")
    with use_context(make_context(tmp_path / "data")):
        before = {stage: compute_recipe(stage) for stage in stages}
        folder = tmp_path / "prompts"
        folder.mkdir()
        for path in Path(prompts.__file__).parent.glob("*.jinja"):
            (folder / path.name).write_text(path.read_text() + ("\nOne more line.\n" if path.stem == "user" else ""))
        monkeypatch.setattr(prompts, "_FOLDER", folder)
        prompts.load_prompt.cache_clear()
        try:
            changed = {stage for stage in stages if compute_recipe(stage) != before[stage]}
        finally:
            prompts.load_prompt.cache_clear()
    assert changed == {"simulate"}


def test_code_hashes_tell_folders_apart() -> None:
    assert hash_code("mock") == hash_code("mock") != hash_code("openapi")
