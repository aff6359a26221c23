"""What a run needs from outside, gathered and checked before a server starts or anything is written.

Imports nothing of Prefect, so that the command line can turn down bad input at once.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flows.allowed import Allowed
from prompts import Prompt, read_prompts
from schemas.catalog import Catalog
from schemas.errors import UserError
from schemas.parameters import BuildDatasetParams, BuildToolsetParams
from schemas.urls import holds_user, is_url, show_url
from tasks.completions.store import STORE_NAME, probe_format
from tasks.datasets import DataRoot, check_dataset_name, require_new_version, require_readable
from tasks.network import ANYWHERE
from tasks.sources import BLOCK, check_source, read_benchmark, read_catalog, select_entries
from tasks.teacher import require_usable_teachers


@dataclass(frozen=True)
class Inputs:
    """The data root, the catalogue, the instructions of all benchmarks, and the user's own prompts by name.

    The catalogue is None where a Prefect block holds its address, which only the flow can read.
    """

    root: DataRoot
    catalog: Catalog | None
    benchmarks: tuple[str, ...] = ()
    prompts: Mapping[str, Prompt] = field(default_factory=dict)


def gather_inputs(params: BuildToolsetParams, *, writes: bool = True, allowed: Allowed | None = None) -> Inputs:
    """Read what the parameters name, and see that the run can start, and write unless it `writes` nothing.

    Raises:
        UserError: something that is not `allowed`, an unknown category or API, a file that is not there or no
            catalogue, a dataset version that exists, one or a store of a newer format, no key for the teacher, a data
            root that cannot be written.
    """
    check_source(params.catalog)
    for path in params.benchmarks if isinstance(params, BuildDatasetParams) else ():
        check_recordable("--benchmarks", path)
    if params.prompts is not None:
        check_recordable("--prompts", params.prompts)
    if allowed is not None:
        allowed.check_data(params)
    root = DataRoot.from_environment()
    require_usable_teachers(params)
    prompts = {} if params.prompts is None else read_prompts(params.prompts)
    benchmarks: tuple[str, ...] = ()
    if isinstance(params, BuildDatasetParams):
        check_dataset_name(params.name)
        if params.version is not None:
            require_new_version(root, params.name, params.version)
        require_readable(root, params.name)
        benchmarks = tuple(text for path in params.benchmarks for text in read_benchmark(path))
    in_block = params.catalog.startswith(BLOCK)
    catalog = None if in_block else gather_catalog(params, allowed=allowed)
    if writes:
        if (store := locate_store(root)).is_file():
            probe_format(store)
        root.require_writable()  # last, because it makes the folder
    return Inputs(root, catalog, benchmarks, prompts)


def gather_catalog(params: BuildToolsetParams, address: str = "", allowed: Allowed | None = None) -> Catalog:
    """The catalogue, of which something passes the filters; `address` is what the block holds that names it.

    Raises:
        UserError: it cannot be had, or an unknown category or API is asked for.
    """
    if allowed is not None and is_url(address):
        allowed.check_host(f"--catalog {params.catalog}", address)
    catalog = read_catalog(params.catalog, address, ANYWHERE if allowed is None else allowed.guard)
    select_entries(catalog, categories=params.categories, names=params.names, auth=params.auth)
    return catalog


def show_parameters(params: BuildToolsetParams) -> BuildToolsetParams:
    """The parameters as they may be recorded: with a hash in place of the query of the catalogue's address."""
    shown = show_url(params.catalog)
    return params if shown == params.catalog else params.model_copy(update={"catalog": shown})


def check_recordable(option: str, given: str) -> None:
    """See that what an option names holds no password. Raises UserError, which does not show it."""
    if holds_user(given):
        raise UserError(
            f"{option}: the address holds a password, and what is given here is recorded with the run; leave it out, "
            "and set the environment variables from which the store's package reads its credentials."
        )


def locate_store(root: DataRoot) -> Path:
    """The file of the durable completions: in the data root, or, where that is no disk, under PREFECT_HOME."""
    if root.is_local:
        return Path(str(root.cache / STORE_NAME))
    return Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser() / STORE_NAME
