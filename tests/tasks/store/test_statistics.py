from collections import Counter

from schemas.reasons import Reason
from tasks.store.charts import plot_calls, plot_words
from tasks.store.statistics import (
    LABELS,
    PAPER,
    UNCHECKED,
    Tally,
    compare_with_paper,
    compute_statistics,
    count_rows,
    order_counts,
)
from tests.tasks.store.samples import build_rows, build_toolsets


def test_figures_count_accepted_rows_only() -> None:
    figures = compute_statistics(
        count_rows(build_rows()), {toolset.entry.id: len(toolset.functions) for toolset in build_toolsets()}
    )
    assert (figures.apis, figures.categories, figures.functions, figures.functions_per_api) == (4, 4, 8, 2.0)
    assert figures.instances == 20
    counts = (figures.no_call_instances, figures.single_call_instances, figures.multi_call_instances)
    assert counts == (4, 8, 8)
    assert figures.steps_per_instance == 1.2


def test_figures_of_nothing_are_nought() -> None:
    assert set(compute_statistics(Tally(), {}).model_dump().values()) == {0}


def test_every_figure_has_a_label_and_the_paper_has_no_other() -> None:
    assert set(LABELS) == set(compute_statistics(Tally(), {}).model_dump())
    assert set(PAPER) <= set(LABELS)
    assert set(PAPER) > UNCHECKED


def test_the_papers_figures_stand_beside_ours_and_unchecked_ones_are_marked() -> None:
    figures = {label: (ours, paper) for label, ours, paper in compare_with_paper(compute_statistics(Tally(), {}))}
    assert figures["Instances"] == ("0", "3,938")
    assert figures["Multi-call instances"] == ("0", "1,426 †")
    assert figures["Words per response"] == ("0", "")


def test_the_papers_single_and_multi_call_instances_make_up_all_of_them() -> None:
    assert PAPER["single_call_instances"] + PAPER["multi_call_instances"] == PAPER["instances"]


def test_reasons_are_counted_most_first() -> None:
    counts = order_counts(count_rows(build_rows()).reasons)
    assert list(counts.items()) == [(Reason.UNGROUNDED_ARGUMENT.value, 2), (Reason.NEAR_DUPLICATE.value, 1)]


def test_plots_hold_every_row_once() -> None:
    assert sum(bar.value for bar in plot_calls(count_rows(build_rows()).calls)) == 20
    for longest in (1, 7, 90, 5000):
        bars = plot_words(Counter(1 + n % longest for n in range(300)))
        assert sum(bar.value for bar in bars) == 300
        assert len(bars) <= 13
    assert (plot_calls({}), plot_words({})) == ([], [])
