"""What a run needs from outside, gathered and checked before a server starts or anything is written.

Imports nothing of Prefect, so that the command line can turn down bad input at once.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from schemas.catalog import Catalog
from schemas.parameters import BuildDatasetParams, BuildToolsetParams
from tasks.completions.store import STORE_NAME, probe_format
from tasks.datasets import DataRoot, check_dataset_name, require_new_version, require_readable
from tasks.quality import read_benchmark
from tasks.sources import read_catalog, select_entries
from tasks.teacher import require_usable_teacher


@dataclass(frozen=True)
class Inputs:
    """The data root, the catalogue, and the instructions of all benchmarks."""

    root: DataRoot
    catalog: Catalog
    benchmarks: tuple[str, ...] = ()


def gather_inputs(params: BuildToolsetParams, *, writes: bool = True) -> Inputs:
    """Read what the parameters name, and see that the run can start, and write unless it `writes` nothing.

    Raises:
        UserError: an unknown category or API, a file that is not there or no catalogue, a dataset version that
            exists, one or a store of a newer format, no key for the teacher, a data root that cannot be written.
    """
    root = DataRoot.from_environment()
    require_usable_teacher(params.teacher, params.budget)
    benchmarks: tuple[str, ...] = ()
    if isinstance(params, BuildDatasetParams):
        check_dataset_name(params.name)
        if params.version is not None:
            require_new_version(root, params.name, params.version)
        require_readable(root, params.name)
        benchmarks = tuple(text for path in params.benchmarks for text in read_benchmark(path))
    catalog = read_catalog(params.catalog)
    select_entries(catalog, categories=params.categories, names=params.names, auth=params.auth)
    if writes:
        if (store := locate_store(root)).is_file():
            probe_format(store)
        root.require_writable()  # last, because it makes the folder
    return Inputs(root, catalog, benchmarks)


def locate_store(root: DataRoot) -> Path:
    """The file of the durable completions: in the data root, or, where that is no disk, under PREFECT_HOME."""
    if root.is_local:
        return Path(str(root.cache / STORE_NAME))
    return Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser() / STORE_NAME
