"""The flow `build-dataset`: a catalogue of public APIs becomes a published tool-use dataset.

python -m flows.build_dataset --apis 50 --name demo --seed 0 --teacher.model offline
python -m flows.build_dataset --help
"""

if __name__ == "__main__":
    # Before Prefect is imported below, which reads its settings then: the command line sets them.
    from flows.command_line import main

    raise SystemExit(main("build_dataset"))

from collections.abc import Sequence
from functools import partial

from prefect import flow, runtime
from prefect.artifacts import acreate_markdown_artifact

from flows.advice import advise, count_causes
from flows.build_toolset import count_left_out, describe_rejections, show_toolset
from flows.fan_out import Walked, make_gate, walk_apis
from flows.printable import keep_printable
from flows.progress import Progress, show_progress
from flows.session import cancel_on_signal, count_calls, get_display, open_run
from flows.spending import describe_row_tokens, describe_spent
from flows.stopping import run_until_stopped
from flows.summary import describe_judges
from schemas.errors import NothingAcceptedError, ToolHerdError
from schemas.parameters import BuildDatasetParams
from schemas.steps import BuildSummary
from tasks.api_walk import walk_api
from tasks.catalog import choose_apis
from tasks.context import RunContext
from tasks.curation import compute_dataset_recipe, curate
from tasks.datasets import escape_markdown, write_code
from tasks.publishing import Published, export, find_unchanged, publish

_MOST_CAUSES = 3
"""As many causes as one line tells of APIs that did not come through."""


@flow(
    name="build-dataset",
    flow_run_name="{params.name}, seed {params.seed}, {params.apis} APIs",
    description="Turns a catalogue of public APIs into a published tool-use dataset. Unchanged input costs nothing.",
    persist_result=False,
)
@keep_printable
@cancel_on_signal
async def build_dataset(params: BuildDatasetParams) -> BuildSummary:
    """Build and publish a dataset; where it would equal the newest version, say so and publish nothing.

    The toolset's steps are tasks of this run and no subflow: a subflow for all APIs would make each wait for the
    slowest before its first instruction, and one for each API costs a second of the server's time. `build_toolset`,
    which walks the same way, is there for who wants the toolset alone; the results are shared.

    Where the budget is reached, the APIs that are finished make a partial dataset.

    Raises:
        UserError: the parameters name something that is not there or cannot be used.
        RunStoppedError: a signal came, too many requests failed, or the budget (or the endpoint's quota or account) was
            used up before any API was done.
        NothingAcceptedError: no row was accepted; what there is is written beside, and `latest` stays.
        ToolHerdError: the teacher cannot be used at all, or no API came through; nothing is published.
    """
    async with open_run(params) as context:
        return await run_until_stopped(context.teacher, _build(context, params))


async def _build(context: RunContext, params: BuildDatasetParams) -> BuildSummary:
    entries = await choose_apis()
    progress = Progress(len(entries), lambda: context.teacher.state)
    async with show_progress(progress, get_display()):
        gate = make_gate(params)
        walked = await walk_apis(context, entries, partial(walk_api, preparing=gate, apis=len(entries)), progress)
    outcomes = walked.outcomes
    await show_toolset(context, outcomes)
    _require_instances(walked)
    recipe = compute_dataset_recipe(outcomes)
    published = find_unchanged(recipe, walked.unfinished)
    if published is None:
        published = await publish(await curate(outcomes), recipe, walked.unfinished)
    exports = await export(published.dataset, params.export) if params.export else ()
    summary = _summarise(context, walked, published, exports)
    await acreate_markdown_artifact(key="dataset", markdown=render_summary(summary), description=params.name)
    _require_accepted(summary)
    return summary


def _require_instances(walked: Walked) -> None:
    """Raises ToolHerdError if there is nothing to make a dataset of."""
    outcomes = walked.outcomes
    if not any(outcome.rejected is None for outcome in outcomes):
        if walked.stop is not None:
            raise walked.stop
        causes = count_causes(describe_rejections(outcomes))
        told = "; ".join(f"{cause} ({_tell_apis(ids)})" for cause, ids in causes[:_MOST_CAUSES])
        raise ToolHerdError(f"none of {len(outcomes)} APIs came through, so nothing is published: {told}")


def _require_accepted(summary: BuildSummary) -> None:
    """Raises NothingAcceptedError if no row was accepted; a run that stopped early says why it did instead."""
    if summary.accepted or summary.stopped:
        return
    dataset = summary.dataset
    raise NothingAcceptedError(
        f"none of {summary.rejected:,} rows was accepted; they are in {dataset.path}/rejected.parquet with their "
        f"reasons, and `latest` is not moved. {advise(summary.reasons)}",
        summary,
    )


def _tell_apis(ids: Sequence[str]) -> str:
    return ids[0] if len(ids) == 1 else f"{len(ids)} APIs"


def _summarise(context: RunContext, walked: Walked, published: Published, exports: tuple[str, ...]) -> BuildSummary:
    outcomes = walked.outcomes
    rejected = describe_rejections(outcomes)
    return BuildSummary(
        dataset=published.dataset,
        changed=published.changed,
        apis=len(outcomes) - len(rejected),
        rejected_apis=rejected,
        accepted=published.accepted,
        rejected=published.rejected,
        reasons=published.reasons,
        calls=count_calls(context),
        usage=published.usage,
        exports=exports,
        judges=context.dataset_params.judges,
        judged=sum(outcome.count("judgements").get("judged", 0) for outcome in outcomes),
        unanimous=sum(outcome.count("judgements").get("unanimous", 0) for outcome in outcomes),
        left_out=count_left_out(outcomes),
        unfinished=walked.unfinished,
        stopped=str(walked.stop or ""),
        run_id=str(runtime.flow_run.id or ""),
    )


def _describe_state(summary: BuildSummary) -> str:
    if not summary.accepted:
        return "**No row was accepted**: `latest` is not moved."
    return "Published." if summary.changed else "Unchanged: the newest version holds these very rows."


def render_summary(summary: BuildSummary) -> str:
    """The Markdown artifact of a finished dataset."""
    dataset = summary.dataset
    lines = [
        f"# {escape_markdown(dataset.name)} {escape_markdown(dataset.version)}",
        "",
        _describe_state(summary),
        *(
            ["", f"**Partial**: {summary.unfinished:,} APIs are not in it. {escape_markdown(summary.stopped)}"]
            if summary.stopped
            else []
        ),
        "",
        f"- folder: {write_code(dataset.path)}",
        f"- page: {write_code(dataset.path + '/report.html')}",
        f"- content hash of `train.parquet`: {write_code(dataset.content_hash)}",
        f"- completions: {summary.calls.sent:,} sent, {summary.calls.stored:,} from the store",
        f"- spent: {describe_spent(summary.calls)}",
        f"- judge: {describe_judges(summary)}",
        *([f"- tokens: {told}"] if (told := describe_row_tokens(summary.usage, summary.accepted)) else []),
        "",
        "| table | rows |",
        "| --- | ---: |",
        *(f"| {write_code(name)} | {rows:,} |" for name, rows in dataset.counts.items()),
    ]
    if summary.reasons:
        lines += ["", "| reason of rejection | instances |", "| --- | ---: |"]
        lines += [f"| {write_code(reason)} | {count:,} |" for reason, count in summary.reasons.items()]
    return "\n".join(lines)
