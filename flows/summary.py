"""The last lines of a run on the terminal, 80 columns wide."""

import os
import textwrap
from typing import Any

from flows.advice import count_causes
from flows.server import Server
from flows.spending import describe_row_tokens, describe_spent, format_seconds
from flows.terminal import say
from schemas.models import TrainSummary
from schemas.steps import BuildSummary, CallCounts, ToolsetSummary
from tasks.training_plan import format_gib

_LABEL = 10
_WIDTH = 80
_MOST_CAUSES = 5
_MOST_NAMED = 3
_HANGING: Any = {"initial_indent": "  ", "subsequent_indent": "    ", "break_on_hyphens": False}


def print_summary(summary: BuildSummary | ToolsetSummary, seconds: float, server: Server) -> None:
    """Print what became of a run."""
    lines = _describe_dataset(summary) if isinstance(summary, BuildSummary) else _describe_toolset(summary)
    lines.append(("calls", _describe_calls(summary.calls)))
    if isinstance(summary, BuildSummary) and (told := describe_row_tokens(summary.usage, summary.accepted)):
        lines.append(("tokens", told))
    if summary.calls.bought:
        lines.append(("spent", describe_spent(summary.calls)))
    lines.append(("run", f"{server.ui_url}/runs/flow-run/{summary.run_id}"))
    lines.append(("time", format_seconds(seconds)))
    _print_lines(lines)


def print_train_summary(summary: TrainSummary, seconds: float, server: Server) -> None:
    """Print what became of a training run."""
    record, prepared = summary.record, summary.prepared
    folder = shorten_path(summary.model_folder)
    state = "trained" if summary.changed else "was trained before, nothing is left to do"
    left_out = prepared.rows - prepared.kept
    lines = [
        ("model", f"{record.params.name}: {state}"),
        ("folder", folder),
        ("card", f"{folder}/README.md"),
        ("curve", f"{shorten_path(summary.folder)}/loss.png"),
        ("dataset", f"{record.dataset.name} {record.dataset.version}, teacher {record.dataset.teacher}"),
        ("rows", f"{prepared.kept:,} conversations" + (f", {left_out:,} left out" if left_out else "")),
        ("steps", f"{summary.steps:,}" + (f", loss {summary.last_loss:.3f}" if summary.last_loss is not None else "")),
        ("speed", f"{summary.tokens_per_second:,.0f} tokens a second"),
        ("memory", f"{format_gib(summary.peak_memory)} at the peak, {format_gib(summary.estimated_memory)} estimated"),
        ("run", f"{server.ui_url}/runs/flow-run/{summary.run_id}"),
        ("time", format_seconds(seconds)),
    ]
    _print_lines(lines)


def _print_lines(lines: list[tuple[str, str]]) -> None:
    """Print labels and what they label, in two columns."""
    say()
    for label, text in lines:
        say(f"{label:<{_LABEL}}{text}")


def _describe_calls(calls: CallCounts) -> str:
    """How many completions were asked for, and how many were there."""
    return f"{calls.sent:,} sent to the teacher, {calls.stored:,} answered by the store"


def shorten_path(path: str) -> str:
    """A path relative to the working directory where it lies in it."""
    inside = not os.path.relpath(path).startswith("..") if "://" not in path else False
    return os.path.relpath(path) if inside else path


def _describe_dataset(summary: BuildSummary) -> list[tuple[str, str]]:
    dataset = summary.dataset
    total = summary.accepted + summary.rejected
    share = f" of {total:,} instances ({100 * summary.accepted / total:.0f}%)" if total else ""
    state = "published" if summary.changed else "unchanged, the newest version holds these very rows"
    if summary.stopped:
        state = f"partial, {summary.unfinished:,} APIs are not in it"
    if not summary.accepted:
        state = "no row was accepted, `latest` is not moved"
    folder = shorten_path(dataset.path)
    lines = [
        ("dataset", f"{dataset.name} {dataset.version}: {state}"),
        ("folder", folder),
        ("page", f"{folder}/report.html"),
        ("APIs", f"{summary.apis:,}" + (f", {len(summary.rejected_apis)} rejected" if summary.rejected_apis else "")),
        *_describe_left_out(summary.left_out),
        ("accepted", f"{summary.accepted:,}{share}"),
    ]
    if summary.rejected:
        lines.append(("rejected", f"{summary.rejected:,}"))
        lines += [("", f"{count:>6,}  {reason}") for reason, count in summary.reasons.items()]
    lines += _describe_rejections(summary.rejected_apis)
    lines.append(("judge", describe_judges(summary)))
    if summary.exports:
        formats = sorted({path.split("/")[-2] for path in summary.exports})
        lines.append(("exports", f"{folder}/exports/ ({', '.join(formats)})"))
    return lines


def describe_judges(summary: BuildSummary) -> str:
    """Who has graded the rows that the rules keep, and how far several agree."""
    if not summary.judges:
        return "none, rows are held to rules alone; --judge.model names one"
    if summary.judges == 1:
        return f"{summary.judged:,} rows graded"
    share = f", {100 * summary.unanimous / summary.judged:.0f}% of them unanimously" if summary.judged else ""
    return f"{summary.judged:,} rows graded by {summary.judges} each{share}"


def _describe_toolset(summary: ToolsetSummary) -> list[tuple[str, str]]:
    return [
        (
            "APIs",
            f"{summary.apis:,} ready, {len(summary.rejected)} rejected"
            + (f", {summary.unfinished:,} not begun or not finished" if summary.stopped else ""),
        ),
        *_describe_left_out(summary.left_out),
        *_describe_rejections(summary.rejected),
    ]


def _describe_left_out(operations: int) -> list[tuple[str, str]]:
    return (
        [("left out", f"{operations:,} operations, with reasons in import/ or specify/<api id>/")] if operations else []
    )


def _describe_rejections(rejected: dict[str, str]) -> list[tuple[str, str]]:
    """The causes whole, each told once; the first APIs of each by name."""
    lines = []
    causes = count_causes(rejected)
    for cause, ids in causes[:_MOST_CAUSES]:
        named = ", ".join(ids[:_MOST_NAMED]) + (f" and {len(ids) - _MOST_NAMED:,} more" if ids[_MOST_NAMED:] else "")
        told = f"{named}: {cause}"
        lines += [("", line) for line in textwrap.wrap(told, _WIDTH - _LABEL, **_HANGING)]
    if more := sum(len(ids) for _, ids in causes[_MOST_CAUSES:]):
        lines.append(("", f"  and {more:,} more, in toolset.parquet and on the run's page"))
    return lines
