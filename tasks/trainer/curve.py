"""The loss curve as a picture. Imports no torch."""

from collections.abc import Sequence
from io import BytesIO

from schemas.training import StepEvent

_SPAN = 10
"""Steps over which the second line averages."""


def draw_curve(steps: Sequence[StepEvent], title: str) -> bytes:
    """A PNG of the loss over the steps, and of its running mean where there are enough of them.

    Raises:
        ImportError: matplotlib, which comes with the `train` extra, is not installed.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    numbers, losses = [step.step for step in steps], [step.loss for step in steps]
    figure = Figure(figsize=(8, 4.5), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    is_long = len(losses) >= 2 * _SPAN
    axes.plot(numbers, losses, color="tab:blue", alpha=0.35 if is_long else 1.0, marker="." if len(losses) < 50 else "")
    if is_long:
        axes.plot(numbers, _average(losses), color="tab:blue", label=f"mean of {_SPAN} steps")
        axes.legend(frameon=False)
    axes.set(title=title, xlabel="optimizer step", ylabel="loss per trained token")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    picture = BytesIO()
    FigureCanvasAgg(figure).print_png(picture)
    return picture.getvalue()


def _average(values: Sequence[float]) -> list[float]:
    """The mean of each value and those before it, over at most `_SPAN` of them."""
    parts = [values[max(0, end - _SPAN) : end] for end in range(1, len(values) + 1)]
    return [sum(part) / len(part) for part in parts]
