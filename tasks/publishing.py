"""The tasks `publish` and `export`, and how to tell that there is nothing new to publish."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from prefect import task
from prefect.cache_policies import NO_CACHE

from schemas.base import Record
from schemas.calls import ROLES, Usage
from schemas.manifest import DatasetFacts, DatasetRef, Manifest
from tasks.context import RunContext, get_context
from tasks.curation import Curated, read_content, read_prompt_versions
from tasks.datasets import (
    DataRoot,
    describe_dataset,
    export_dataset,
    get_dataset_path,
    is_unchanged,
    list_versions,
    publish_dataset,
    read_code_version,
    read_latest,
    read_manifest,
)

_BUNDLED_NOTE = (
    "Names, links, categories and technical facts of the APIs are those of the public-apis list; descriptions are new."
)


class Published(Record):
    """The newest version of a dataset, whether it was published now, its rejected rows by reason, and what it took."""

    dataset: DatasetRef
    changed: bool
    accepted: int
    rejected: int
    reasons: dict[str, int]
    usage: Usage = Usage()


def find_unchanged(recipe: str, unfinished: int) -> Published | None:
    """The newest version, if it was made by this very recipe and is whole; None if a new one has to be made.

    The last one counts as well, which need not be `latest`: it may be partial, or have no accepted row. Never finds one
    where the user has named a version: what was asked for is made.
    """
    context = get_context()
    params = context.dataset_params
    if params.version is not None:
        return None
    for manifest in (_read_newest(context, unfinished), _read_newest(context, 1)):
        if manifest is None or (manifest.facts.recipe_hash, manifest.facts.unfinished_apis) != (recipe, unfinished):
            continue
        if _is_whole(context.root, manifest):
            return _describe(context.root, manifest, changed=False)
    return None


@task(
    name="publish",
    description="Writes the tables, the card, the report and, last, the manifest.",
    cache_policy=NO_CACHE,
    persist_result=False,
)
async def publish(curated: Curated, recipe: str, unfinished: int) -> Published:
    """The new version, or the newest one if it holds the same rows. Raises UserError.

    `unfinished` is how many APIs the run had no budget to finish.
    """
    return await asyncio.to_thread(_publish, get_context(), curated, recipe, unfinished)


def _publish(context: RunContext, curated: Curated, recipe: str, unfinished: int) -> Published:
    params = context.dataset_params
    newest = None if params.version is not None else _read_newest(context, unfinished)
    if newest is not None and not _is_whole(context.root, newest):
        newest = None
    models = {
        role: params.get_settings(role).model for role in ROLES if role != "simulator" or params.executor == "simulated"
    }
    facts = DatasetFacts(
        teacher=", ".join(dict.fromkeys(models.values())),
        teachers=models if len(set(models.values())) > 1 else {},
        executor=params.executor,
        seed=params.seed,
        recipe_hash=recipe,
        prompt_versions=read_prompt_versions(),
        created_at=datetime.now(UTC),
        catalog_source=context.catalog.source,
        catalog_note=_BUNDLED_NOTE if params.catalog == "bundled" else "",
        code_version=read_code_version(),
        unfinished_apis=unfinished,
        parameters=params.model_dump(mode="json"),
    )
    dataset = publish_dataset(
        context.root,
        params.name,
        params.version,
        read_content(context, curated),
        facts,
        test_apis=params.test_share,
        newest=newest,
    )
    if newest is not None and dataset.version == newest.version:
        return _describe(context.root, newest, changed=False)
    manifest = read_manifest(get_dataset_path(context.root, dataset.name, dataset.version))
    return _describe(context.root, manifest, changed=True)


@task(
    name="export",
    description="Writes the dataset in the forms that other tools read.",
    cache_policy=NO_CACHE,
    persist_result=False,
)
async def export(dataset: DatasetRef, formats: Sequence[str]) -> tuple[str, ...]:
    """The paths of the files, in `exports/` of the dataset's folder."""
    folder = get_dataset_path(get_context().root, dataset.name, dataset.version)
    written = await asyncio.to_thread(export_dataset, folder, folder / "exports", formats)
    return tuple(file.path for file in written)


def _read_newest(context: RunContext, unfinished: int) -> Manifest | None:
    """The version to compare with: the latest one, or for a partial dataset, which may not be it, the last one."""
    root, name = context.root, context.dataset_params.name
    versions = list_versions(root, name)
    if not versions:
        return None
    version = versions[-1] if unfinished else read_latest(root, name)
    if version is None:
        return None
    manifest = read_manifest(get_dataset_path(root, name, version))
    return manifest if (manifest.name, manifest.version) == (name, version) else None  # else one that was put there


def _is_whole(root: DataRoot, manifest: Manifest) -> bool:
    """Whether every table is there, and is the one that the manifest was written for."""
    folder = get_dataset_path(root, manifest.name, manifest.version)
    return all(is_unchanged(folder / name, table) for name, table in manifest.tables.items())


def _describe(root: DataRoot, manifest: Manifest, *, changed: bool) -> Published:
    dataset = describe_dataset(root, manifest)
    return Published(
        dataset=dataset,
        changed=changed,
        accepted=dataset.counts["train.parquet"] + dataset.counts["test.parquet"],
        rejected=dataset.counts["rejected.parquet"],
        reasons=manifest.reasons,
        usage=Usage(prompt=manifest.input_tokens, completion=manifest.output_tokens, cached=manifest.cached_tokens),
    )
