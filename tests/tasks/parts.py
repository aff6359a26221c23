"""A run's context for tests of the thin tasks: the embedded teacher, and no store of completions."""

from pathlib import Path

from schemas.catalog import Catalog, CatalogEntry
from schemas.parameters import BuildDatasetParams
from tasks.context import RunContext
from tasks.llm import Engine, Ledger, Teacher
from tasks.store import DataRoot

ENTRY = CatalogEntry(
    id="boats", name="Boats", description="Boats for hire in ports of the world.", category="Transportation"
)


def make_context(folder: Path, params: BuildDatasetParams | None = None, entry: CatalogEntry = ENTRY) -> RunContext:
    """The context of a run over one API."""
    params = params or BuildDatasetParams()
    ledger = Ledger()
    return RunContext(
        root=DataRoot(str(folder)),
        teacher=Teacher(Engine(params.teacher), ledger),
        ledger=ledger,
        catalog=Catalog(source="test", entries=(entry,)),
        params=params,
        entries={entry.id: entry},
    )
