"""The last lines of a training run on the terminal."""

from flows.progress import format_seconds
from flows.server import Server
from flows.summary import print_lines, shorten_path
from schemas.models import TrainSummary
from tasks.training_plan import format_gib


def print_train_summary(summary: TrainSummary, seconds: float, server: Server) -> None:
    """Print what became of a run."""
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
    print_lines(lines)
