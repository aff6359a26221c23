"""Catalogues: reads one from any source that ToolHerd knows, and selects from it. No Prefect here."""

from tasks.sources.reading import BLOCK, BUNDLED, VARIABLE, check_source, read_catalog
from tasks.sources.selection import select_entries

__all__ = ["BLOCK", "BUNDLED", "VARIABLE", "check_source", "read_catalog", "select_entries"]
