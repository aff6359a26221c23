"""The flow `build-toolset`: documents and specifies the APIs of a catalogue, and no more.

python -m flows.build_toolset --categories Weather --apis all
python -m flows.build_toolset --help
"""

if __name__ == "__main__":
    # Before Prefect is imported below, which reads its settings then: the command line sets them.
    from flows.command_line import main

    raise SystemExit(main("build_toolset"))

from collections.abc import Sequence

from prefect import flow, runtime
from prefect.artifacts import acreate_table_artifact

from flows.fan_out import walk_apis
from flows.printable import keep_printable
from flows.progress import Progress, show_progress
from flows.session import cancel_on_signal, count_calls, get_display, open_run
from flows.stopping import run_until_stopped
from schemas.errors import NothingAcceptedError
from schemas.instance import RejectedApi
from schemas.parameters import BuildToolsetParams
from schemas.shown import show_line
from schemas.steps import ApiOutcome, ToolsetSummary
from tasks.api_walk import walk_to_toolset
from tasks.catalog import choose_apis
from tasks.context import RunContext
from tasks.datasets import escape_markdown


@flow(
    name="build-toolset",
    flow_run_name="{params.apis} APIs, seed {params.seed}",
    description="Documents and specifies the APIs of a catalogue, so that datasets can be made from them.",
    persist_result=False,
)
@keep_printable
@cancel_on_signal
async def build_toolset(params: BuildToolsetParams) -> ToolsetSummary:
    """Make the toolset of each API; a dataset that is built later finds them.

    Raises:
        UserError: the parameters name something that is not there or cannot be used.
        RunStoppedError: a signal came, or too many requests failed.
        FatalTeacherError: the teacher cannot be used at all.
        NothingAcceptedError: no API came through.
    """
    async with open_run(params) as context:
        return await run_until_stopped(context.teacher, _build(context))


async def _build(context: RunContext) -> ToolsetSummary:
    entries = await choose_apis()
    progress = Progress(len(entries), lambda: context.teacher.state)
    async with show_progress(progress, get_display()):
        walked = await walk_apis(context, entries, walk_to_toolset, progress)
    outcomes = walked.outcomes
    await show_toolset(context, outcomes)
    rejected = describe_rejections(outcomes)
    summary = ToolsetSummary(
        apis=len(outcomes) - len(rejected),
        rejected=rejected,
        calls=count_calls(context),
        left_out=count_left_out(outcomes),
        unfinished=walked.unfinished,
        stopped=str(walked.stop or ""),
        run_id=str(runtime.flow_run.id or ""),
    )
    if not summary.apis and not summary.stopped:
        raise NothingAcceptedError(f"none of {len(outcomes)} APIs came through", summary)
    return summary


def describe_rejections(outcomes: Sequence[ApiOutcome]) -> dict[str, str]:
    """The first reason of each rejected API, by id."""
    return {o.api_id: _describe_rejection(o.rejected) for o in outcomes if o.rejected is not None}


def _describe_rejection(rejected: RejectedApi | None) -> str:
    return "" if rejected is None else show_line(f"{rejected.stage}: {rejected.problems[0]}")


def count_left_out(outcomes: Sequence[ApiOutcome]) -> int:
    """The operations of the APIs' own documents that are no functions."""
    return sum(outcome.count("toolset").get("left_out", 0) for outcome in outcomes)


async def show_toolset(context: RunContext, outcomes: Sequence[ApiOutcome]) -> None:
    """The table artifact of the toolset, whose cells the UI reads as Markdown."""
    rows = [_describe_api(context, outcome) for outcome in outcomes]
    await acreate_table_artifact(key="toolset", table=rows, description=f"{len(rows)} APIs and what became of them")


def _describe_api(context: RunContext, outcome: ApiOutcome) -> dict[str, str | int]:
    entry = context.entries[outcome.api_id]
    verdicts = outcome.count("verdicts")
    return {
        "API": escape_markdown(entry.name),
        "category": escape_markdown(entry.category),
        "functions": outcome.count("toolset").get("functions", 0),
        "left out": outcome.count("toolset").get("left_out", 0),
        "instances": sum(verdicts.values()),
        "accepted": verdicts.get("accepted", 0),
        "rejected because": escape_markdown(_describe_rejection(outcome.rejected)),
    }
