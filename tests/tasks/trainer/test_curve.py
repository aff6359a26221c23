"""The loss curve: what is drawn in it, and that it is a picture."""

import struct
from pathlib import Path
from typing import Any

import pytest

from schemas.training import StepEvent
from tasks.trainer.curve import draw_curve
from tests.tasks.trainer.test_journal import make_step

matplotlib_figure = pytest.importorskip(
    "matplotlib.figure", reason="the train extra is not installed: make setup-train"
)
Figures = list[Any]


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> Figures:
    """Each figure that is drawn."""
    drawn: Figures = []

    make = matplotlib_figure.Figure

    def keep(*arguments: Any, **options: Any) -> Any:
        drawn.append(make(*arguments, **options))
        return drawn[-1]

    monkeypatch.setattr(matplotlib_figure, "Figure", keep)
    return drawn


def make_steps(count: int) -> list[StepEvent]:
    """Steps 5, 6, ...: a run that was gone on with; the loss of each is twice its number."""
    return [make_step(step, 2.0 * step) for step in range(5, 5 + count)]


def draw(figures: Figures, count: int) -> Any:
    draw_curve(make_steps(count), "mine")
    (axes,) = figures[-1].axes
    return axes


def test_the_picture_is_a_png_of_800_by_450(tmp_path: Path) -> None:
    picture = draw_curve(make_steps(3), "mine")
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", picture[16:24]) == (800, 450)


@pytest.mark.parametrize("count", [0, 1, 19])
def test_a_short_run_is_its_losses_alone(figures: Figures, count: int) -> None:
    axes = draw(figures, count)
    (line,) = axes.lines
    assert list(line.get_xdata()) == list(range(5, 5 + count))
    assert list(line.get_ydata()) == [2.0 * step for step in range(5, 5 + count)]
    assert (line.get_alpha(), line.get_marker()) == (1.0, ".")
    assert axes.get_legend() is None


def test_from_20_steps_on_the_mean_of_the_last_10_is_drawn_over_paler_losses(
    figures: Figures,
) -> None:
    axes = draw(figures, 20)
    losses, means = axes.lines
    assert 0 < losses.get_alpha() < 1
    assert losses.get_color() == means.get_color()
    assert list(means.get_xdata()) == list(losses.get_xdata())
    # losses 10, 12, 14 ...: a mean lies half way between the oldest that counts and the newest
    expected = [(10 + 10 + 2 * n) / 2 if n < 10 else 10 + 2 * n - 9 for n in range(20)]
    assert list(means.get_ydata()) == pytest.approx(expected)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["mean of 10 steps"]
    assert not axes.get_legend().get_frame_on()


@pytest.mark.parametrize(("count", "marker"), [(49, "."), (50, "")])
def test_points_are_marked_while_there_is_room(figures: Figures, count: int, marker: str) -> None:
    assert draw(figures, count).lines[0].get_marker() == marker


def test_the_axes_say_what_they_show_in_whole_steps(figures: Figures) -> None:
    axes = draw(figures, 3)
    assert (axes.get_title(), axes.get_xlabel(), axes.get_ylabel()) == (
        "mine", "optimizer step", "loss per trained token"
    )  # fmt: skip
    assert all(float(tick).is_integer() for tick in axes.get_xticks())
    assert all(line.get_visible() and line.get_alpha() == 0.3 for line in axes.get_xgridlines())
    assert figures[-1].get_layout_engine() is not None  # nothing is cut off
