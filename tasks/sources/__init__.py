"""Catalogues: reads one from any source that ToolHerd knows, and selects from it. No Prefect here."""

from tasks.sources.ids import make_api_id
from tasks.sources.reading import BUNDLED, read_catalog
from tasks.sources.selection import select_entries

__all__ = ["BUNDLED", "make_api_id", "read_catalog", "select_entries"]
