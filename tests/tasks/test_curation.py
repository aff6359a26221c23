"""From the artifacts of several APIs to the rows of a dataset: what is judged together, in which order rows come."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

import prompts
from schemas.errors import MissingArtifactError
from schemas.instance import Instance, RejectedApi
from schemas.reasons import Reason
from schemas.steps import ApiOutcome
from tasks.context import use_context
from tasks.curation import read_content, read_prompt_versions
from tasks.datasets import build_api_row, content_hash_of_rows, read_table
from tasks.publishing import publish
from tests.tasks.datasets.samples import build_ledger_row, build_toolset
from tests.tasks.made import Made


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Three APIs, of which two have ids that lie among one another's, and one that was rejected."""
    made = Made(tmp_path, test_share=0.4)
    made.add_api("b", {"b-001": "Where can I hire a boat in Bergen?", "b-002": "Is there a ferry on Sundays?"}, world=1)
    made.add_rejected_api("c")
    made.add_api("a-1", {"a-1-001": "Name a museum in Lisbon.", "a-1-002": "Which tides come first?"}, ["a-1-002"])
    made.add_api("a", {"a-099": "How high is the water in Cork?", "a-100": "Give me a recipe with mole."}, world=2)
    return made


async def test_rows_come_by_id_also_where_the_ids_of_two_apis_lie_among_one_another(made: Made) -> None:
    curated = await made.curate()
    rows = list(read_content(made.context, curated).rows)
    assert [row.id for row in rows] == ["a-099", "a-1-001", "a-1-002", "a-100", "b-001", "b-002"]
    assert rows == sorted(made.rows, key=lambda row: row.id)


async def test_outlines_say_of_each_row_what_the_row_itself_says(made: Made) -> None:
    made.add_api("d", {"d-001": "is there a FERRY on Sundays"}, world=3)
    curated = await made.curate()
    rows = list(read_content(made.context, curated).rows)
    assert [(o.id, o.api_id, o.category, o.kind, o.reasons, o.accepted) for o in curated.outlines] == [
        (row.id, row.api_id, row.category, row.kind, row.reasons, row.accepted) for row in rows
    ]
    assert {row.id: row.reasons for row in rows if not row.accepted} == {
        "a-1-002": (Reason.PLACEHOLDER,),
        "d-001": (Reason.NEAR_DUPLICATE,),
    }


async def test_no_row_is_turned_down_for_being_like_one_that_was_turned_down_anyway(tmp_path: Path) -> None:
    made = Made(tmp_path)
    text = "How high is the water in Cork?"
    made.add_api("a", {"a-001": text}, bad=["a-001"])
    made.add_api("b", {"b-001": text})
    made.add_api("c", {"c-001": text})
    made.context = replace(made.context, benchmarks=("Nothing like it at all", text))
    rows = {row.id: row for row in read_content(made.context, await made.curate()).rows}
    assert rows["b-001"].reasons == (Reason.BENCHMARK_OVERLAP,)
    assert rows["a-001"].reasons == (Reason.PLACEHOLDER, Reason.NEAR_DUPLICATE, Reason.BENCHMARK_OVERLAP)
    assert (
        '"check":"near_duplicate","keep":false,"reason":"near_duplicate","detail":"like b-001"' in rows["c-001"].checks
    )
    assert f'"reason":"benchmark_overlap","detail":"{text}"' in rows["c-001"].checks


async def test_apis_come_by_id_each_with_its_calls_by_stage_and_owner(made: Made) -> None:
    curated = await made.curate()
    apis = list(read_content(made.context, curated).apis)
    assert [(api.row.api_id, api.row.accepted) for api in apis] == [
        ("a", True),
        ("a-1", True),
        ("b", True),
        ("c", False),
    ]
    assert [(call.stage, call.owner) for call in apis[2].calls] == [
        ("document", "b"), ("instruct", "b"), ("simulate", "b-001"), ("simulate", "b-002"), ("specify", "b"),
    ]  # fmt: skip
    assert [(call.stage, call.owner) for call in apis[3].calls] == [
        ("document", "c"),
        ("instruct", "c"),
        ("specify", "c"),
    ]
    toolset = build_toolset(1)
    expected = build_api_row(toolset.model_copy(update={"entry": toolset.entry.model_copy(update={"id": "b"})}))
    assert apis[2].row == expected


async def test_what_is_published_has_the_hashes_of_rows_that_were_built_in_memory(made: Made) -> None:
    with use_context(made.context):
        published = await publish.fn(await made.curate(), "recipe", 0)
        again = await publish.fn(await made.curate(), "another recipe", 0)
    folder = made.context.root.path("datasets", "toolherd", "v1")
    test = list(read_table(folder / "test.parquet", Instance))
    assert len({row.api_id for row in test}) == 1
    train = [row for row in made.rows if row.accepted and row.api_id != test[0].api_id]
    assert published.dataset.content_hash == content_hash_of_rows(train)
    assert (published.accepted, published.rejected, published.reasons) == (5, 1, {"placeholder": 1})
    assert published.changed
    assert (again.changed, again.dataset) == (False, published.dataset)
    assert {path.name for path in folder.parent.iterdir()} == {"v1", "latest"}


def count_words(number: int, last: str) -> str:
    """A text of so many words, none of which comes twice."""
    return " ".join([*(f"word{place}" for place in range(number - 1)), last])


@pytest.mark.parametrize(
    ("words", "is_like"), [(11, True), (10, False)], ids=["8 of 10 shingles are in both", "7 of 9 are"]
)
async def test_instructions_are_nearly_the_same_from_four_fifths_on(words: int, is_like: bool, tmp_path: Path) -> None:
    made = Made(tmp_path)
    made.add_api("a", {"a-001": count_words(words, "first")})
    made.add_api("b", {"b-001": count_words(words, "other")})
    made.context = replace(made.context, benchmarks=(count_words(words, "third"),))
    found = {outline.id: outline.reasons for outline in (await made.curate()).outlines}
    assert found == {
        "a-001": (Reason.BENCHMARK_OVERLAP,) if is_like else (),
        "b-001": (Reason.NEAR_DUPLICATE, Reason.BENCHMARK_OVERLAP) if is_like else (),
    }


async def test_of_two_that_are_alike_the_first_by_api_stays_whoever_was_done_first(tmp_path: Path) -> None:
    made = Made(tmp_path)
    made.add_api("b", {"b-001": "How high is the water in Cork?"})
    made.add_api("a", {"a-001": "How high is the water in Cork?"})
    assert [(outline.id, outline.accepted) for outline in (await made.curate()).outlines] == [
        ("a-001", True),
        ("b-001", False),
    ]


async def test_each_row_tells_what_both_checks_that_need_all_rows_said(tmp_path: Path) -> None:
    made = Made(tmp_path)
    long = count_words(100, "end")
    made.add_api("a", {"a-001": "Which tides come first?", "a-002": long})
    made.context = replace(made.context, benchmarks=(long,))
    rows = {row.id: json.loads(row.checks) for row in read_content(made.context, await made.curate()).rows}
    assert rows["a-001"][-2:] == [
        {"check": "near_duplicate", "keep": True},
        {"check": "benchmark_overlap", "keep": True},
    ]
    assert rows["a-002"][-2:] == [
        {"check": "near_duplicate", "keep": True},
        {"check": "benchmark_overlap", "keep": False, "reason": "benchmark_overlap", "detail": long[:200]},
    ]


async def test_a_row_counts_the_tokens_of_its_own_completions_and_tells_who_made_it(tmp_path: Path) -> None:
    made = Made(tmp_path)
    made.add_api("a", {"a-001": "Which tides come first?", "a-002": "Name a museum in Lisbon."})
    for row in read_content(made.context, await made.curate()).rows:
        assert (row.input_tokens, row.output_tokens) == (812, 96)
        assert (row.teacher, row.executor, row.recipe_hash) == ("offline", "mock", "recipe")
        assert json.loads(row.prompt_versions) == read_prompt_versions()


def test_a_prompt_s_version_is_told_with_the_beginning_of_its_file_s_hash() -> None:
    told = read_prompt_versions()
    assert set(told) == set(prompts.PROMPTS)
    for name, version in told.items():
        prompt = prompts.load_prompt(name)
        assert version == f"{prompt.version}-{prompt.hash[:8]}"


@pytest.mark.parametrize(
    ("kinds", "calls"),
    [
        ([], ["instruct"]),
        (["documentation"], ["document", "instruct"]),
        (["documentation", "toolset"], ["document", "instruct", "specify"]),
    ],
)
async def test_a_rejected_api_leaves_the_calls_of_all_that_was_made_for_it_and_of_the_step_that_failed(
    made: Made, kinds: list[str], calls: list[str]
) -> None:
    rejected = next(outcome for outcome in made.outcomes if outcome.rejected is not None)
    kept = {kind: rejected.made[kind] for kind in kinds}
    made.outcomes = [rejected.model_copy(update={"made": kept})]
    (api,) = read_content(made.context, await made.curate()).apis
    assert (api.row.accepted, api.row.rejected_at, api.row.reasons) == (False, "instruct", ("no answer",))
    assert [call.stage for call in api.calls] == calls


async def test_an_api_that_was_rejected_after_its_instructions_has_no_rows_and_leaves_their_calls_too(
    made: Made,
) -> None:
    outcome = next(outcome for outcome in made.outcomes if outcome.api_id == "b")
    kept = {kind: outcome.made[kind] for kind in ("documentation", "toolset", "instructions")}
    rejected = RejectedApi(entry=made.context.entries["b"], stage="simulate", problems=("a bug",))
    ledger = (build_ledger_row("b-001", "b"),)
    made.outcomes = [ApiOutcome(api_id="b", made=kept, rejected=rejected, ledger=ledger)]
    curated = await made.curate()
    assert list(read_content(made.context, curated).rows) == []
    (api,) = read_content(made.context, curated).apis
    assert (api.row.accepted, api.row.rejected_at) == (False, "simulate")
    assert [call.stage for call in api.calls] == ["document", "instruct", "simulate", "specify"]


@pytest.mark.parametrize("kind", ["toolset", "episodes", "verdicts"])
async def test_what_is_gone_from_the_data_root_before_the_rows_are_written_is_named(made: Made, kind: str) -> None:
    curated = await made.curate()
    api = next(outcome for outcome in made.outcomes if outcome.api_id == "a")
    path = api.made[kind].path
    made.context.root.path(path).unlink()
    with pytest.raises(MissingArtifactError, match=f"^{path} is missing from the data root or damaged: run again.$"):
        list(read_content(made.context, curated).rows)


@pytest.mark.parametrize("kind", ["documentation", "toolset", "instructions", "episodes", "verdicts"])
async def test_what_is_gone_before_the_calls_are_written_is_named(made: Made, kind: str) -> None:
    curated = await made.curate()
    api = next(outcome for outcome in made.outcomes if outcome.api_id == "a")
    path = api.made[kind].path
    made.context.root.path(path).unlink()
    with pytest.raises(MissingArtifactError, match=f"^{path} is missing from the data root or damaged: run again.$"):
        list(read_content(made.context, curated).apis)


@pytest.mark.parametrize("kind", ["instructions", "verdicts"])
async def test_what_is_gone_before_instructions_are_compared_is_named(made: Made, kind: str) -> None:
    api = next(outcome for outcome in made.outcomes if outcome.api_id == "a")
    path = api.made[kind].path
    made.context.root.path(path).unlink()
    with pytest.raises(MissingArtifactError, match=f"^{path} is missing from the data root or damaged: run again.$"):
        await made.curate()


async def test_of_a_run_in_which_no_api_came_through_there_are_no_rows(tmp_path: Path) -> None:
    made = Made(tmp_path)
    made.add_rejected_api("c")
    curated = await made.curate()
    assert curated.outlines == []
    assert list(read_content(made.context, curated).rows) == []
    assert [outcome.api_id for outcome in curated.outcomes] == ["c"]
    assert all(isinstance(outcome, ApiOutcome) for outcome in curated.outcomes)
