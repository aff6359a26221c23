"""Catalogues, read from any source that ToolHerd knows and selected from, and benchmark files. No Prefect here."""

from tasks.sources.benchmarks import read_benchmark
from tasks.sources.reading import BLOCK, BUNDLED, VARIABLE, check_source, read_catalog
from tasks.sources.selection import select_entries

__all__ = ["BLOCK", "BUNDLED", "VARIABLE", "check_source", "read_benchmark", "read_catalog", "select_entries"]
