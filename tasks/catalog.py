"""The task `choose-apis`: the catalogue's entries that a run works on."""

import asyncio

from prefect import task

from schemas.catalog import CatalogEntry
from tasks.context import get_context
from tasks.sources import select_entries


@task(name="choose-apis", description="Filters the catalogue and draws a balanced sample by the seed.")
async def choose_apis() -> tuple[CatalogEntry, ...]:
    """The entries of the run, in the catalogue's order. Raises UserError."""
    context = get_context()
    params = context.params
    return await asyncio.to_thread(
        select_entries,
        context.catalog,
        categories=params.categories,
        names=params.names,
        auth=params.auth,
        limit=None if params.apis == "all" else params.apis,
        seed=params.seed,
    )
