"""When a version is published, when the newest one is found to be the same, and what is said of either."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from schemas.manifest import Manifest
from tasks.context import use_context
from tasks.curation import read_prompt_versions
from tasks.datasets import list_versions, read_code_version, read_manifest
from tasks.publishing import Published, export, find_unchanged, publish
from tests.tasks.made import Made


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Two APIs, one of which makes up the test set, and a row that is turned down."""
    made = Made(tmp_path, name="demo", test_share=0.5)
    made.add_api("a", {"a-001": "Which tides come first?", "a-002": "Name a museum in Lisbon."}, bad=["a-002"])
    made.add_api("b", {"b-001": "Where can I hire a boat in Bergen?"}, world=1)
    return made


def ask(made: Made, **params: Any) -> None:
    """Go on with other parameters."""
    made.context = replace(made.context, params=made.context.params.model_copy(update=params))


async def publish_as(made: Made, recipe: str, unfinished: int = 0) -> Published:
    with use_context(made.context):
        return await publish.fn(await made.curate(), recipe, unfinished)


def find(made: Made, recipe: str, unfinished: int = 0) -> Published | None:
    with use_context(made.context):
        return find_unchanged(recipe, unfinished)


def read(made: Made, version: str = "v1") -> Manifest:
    return read_manifest(made.context.root.path("datasets", "demo", version))


async def test_the_newest_version_is_found_by_its_recipe_with_all_that_it_holds(made: Made) -> None:
    assert find(made, "r1") is None
    published = await publish_as(made, "r1")
    assert (published.changed, published.dataset.name, published.dataset.version) == (True, "demo", "v1")
    assert (published.accepted, published.rejected, published.reasons) == (2, 1, {"placeholder": 1})
    assert published.dataset.counts["train.parquet"] == published.dataset.counts["test.parquet"] == 1
    assert find(made, "r1") == published.model_copy(update={"changed": False})
    assert find(made, "r2") is None
    ask(made, name="other")
    assert find(made, "r1") is None


async def test_a_version_that_is_named_is_made_whatever_there_is(made: Made) -> None:
    await publish_as(made, "r1")
    ask(made, version="again")
    assert find(made, "r1") is None
    published = await publish_as(made, "r1")
    assert (published.changed, published.dataset.version) == (True, "again")
    assert read(made, "again").tables["train.parquet"].content_hash == published.dataset.content_hash


@pytest.mark.parametrize("table", ["train.parquet", "rejected.parquet", "calls.parquet"])
@pytest.mark.parametrize("loss", ["gone", "shorter", "longer"])
async def test_a_version_that_lost_something_is_not_the_same_any_more(made: Made, table: str, loss: str) -> None:
    await publish_as(made, "r1")
    path = Path(str(made.context.root.path("datasets", "demo", "v1", table)))
    content = path.read_bytes()
    path.unlink()
    if loss != "gone":
        path.write_bytes(content[:-1] if loss == "shorter" else content + b"0")
    assert find(made, "r1") is None
    published = await publish_as(made, "r1")
    assert (published.changed, published.dataset.version) == (True, "v2")


async def test_equal_rows_by_another_recipe_are_not_published_twice_and_other_rows_are(made: Made) -> None:
    first = await publish_as(made, "r1")
    again = await publish_as(made, "r2")
    assert (again.changed, again.dataset) == (False, first.dataset)
    assert (again.accepted, again.rejected, again.reasons) == (first.accepted, first.rejected, first.reasons)
    assert list_versions(made.context.root, "demo") == ("v1",)
    made.add_api("c", {"c-001": "Give me a recipe with mole."}, world=3)
    more = await publish_as(made, "r3")
    assert (more.changed, more.dataset.version, more.accepted) == (True, "v2", 3)


async def test_a_partial_dataset_is_compared_with_the_last_version_and_a_whole_one_with_the_latest_whole_one(
    made: Made,
) -> None:
    await publish_as(made, "whole")
    made.outcomes.pop()
    partial = await publish_as(made, "part", unfinished=1)
    assert (partial.changed, partial.dataset.version) == (True, "v2")
    assert read(made, "v2").facts.unfinished_apis == 1
    found = find(made, "part", unfinished=1)
    assert found is not None
    assert found.dataset.version == "v2"
    assert find(made, "whole", unfinished=1) is None
    found = find(made, "whole")
    assert found is not None
    assert found.dataset.version == "v1"
    assert find(made, "part") is None


async def test_a_manifest_says_what_made_the_dataset(made: Made) -> None:
    ask(made, seed=7)
    before = datetime.now(UTC)
    await publish_as(made, "r1")
    facts = read(made).facts
    assert (facts.teacher, facts.executor, facts.seed, facts.recipe_hash) == ("offline", "mock", 7, "r1")
    assert facts.prompt_versions == read_prompt_versions()
    assert (facts.catalog_source, facts.code_version, facts.unfinished_apis) == ("test", read_code_version(), 0)
    assert facts.parameters == made.context.params.model_dump(mode="json")
    assert before <= facts.created_at <= datetime.now(UTC)


@pytest.mark.parametrize(("catalog", "is_noted"), [("bundled", True), ("list.md", False)])
async def test_where_the_facts_of_the_bundled_catalogue_come_from_is_noted_of_it_alone(
    made: Made, catalog: str, is_noted: bool
) -> None:
    ask(made, catalog=catalog)
    await publish_as(made, "r1")
    assert ("those of the public-apis list" in read(made).facts.catalog_note) is is_noted
    assert bool(read(made).facts.catalog_note) is is_noted


@pytest.mark.parametrize(("share", "tests"), [(0.0, 0), (0.5, 1)])
async def test_the_test_set_has_the_share_of_apis_that_was_asked_for(made: Made, share: float, tests: int) -> None:
    ask(made, test_share=share)
    published = await publish_as(made, "r1")
    assert len(read(made).test_apis) == published.dataset.counts["test.parquet"] == tests
    assert published.accepted == 2


async def test_exports_lie_in_a_folder_of_the_version(made: Made) -> None:
    published = await publish_as(made, "r1")
    with use_context(made.context):
        paths = await export.fn(published.dataset, ("trl", "xlam"))
    folder = Path(published.dataset.path) / "exports"
    assert {Path(path).parent for path in paths} == {folder / "trl", folder / "xlam"}
    assert sorted(paths) == sorted(str(path) for path in folder.rglob("*.*") if path.is_file())
