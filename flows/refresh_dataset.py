"""The flow `refresh-dataset`: for schedules. Reads the catalogue anew and publishes only what changed.

    python -m flows.refresh_dataset --name demo --apis all

It is `build-dataset` under another name and without `--version`, so that a schedule's runs stand apart in the UI: what
is unchanged is found cached, a new or altered API is made, and equal rows are never published twice.
"""

if __name__ == "__main__":
    # Before Prefect is imported below, which reads its settings then: the command line sets them.
    from flows.command_line import main

    raise SystemExit(main("refresh_dataset"))

from prefect import flow

from flows.build_dataset import build_dataset
from flows.printable import keep_printable
from flows.session import cancel_on_signal
from schemas.errors import UserError
from schemas.parameters import BuildDatasetParams
from schemas.steps import BuildSummary


@flow(
    name="refresh-dataset",
    flow_run_name="{params.name}, seed {params.seed}, {params.apis} APIs",
    description="Rebuilds a dataset from its catalogue as it is now; publishes a version only if rows changed.",
    persist_result=False,
)
@keep_printable
@cancel_on_signal
async def refresh_dataset(params: BuildDatasetParams) -> BuildSummary:
    """Build the dataset as a subflow.

    Raises:
        UserError: a version is named, or what `build_dataset` raises.
    """
    if params.version is not None:
        raise UserError("a refresh takes no version: leave it out, or build that version with build_dataset.")
    summary: BuildSummary = await build_dataset(params)
    return summary
