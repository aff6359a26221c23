"""The report's plots as numbers: which bars there are, how long, and what is written at them."""

from collections import Counter

import pytest

from schemas.reasons import DESCRIPTIONS, Reason
from tasks.datasets.charts import Bar, build_bars, plot_calls, plot_counts, plot_reasons, plot_words
from tests.tasks.datasets.samples import build_rows, count_rows


def label(bars: list[Bar]) -> dict[str, int]:
    return {bar.label: bar.value for bar in bars}


def test_a_bar_is_as_long_as_its_share_of_the_longest_and_tells_its_part_of_all() -> None:
    assert build_bars({"a": 1, "b": 3, "c": 0}, {"b": "a note"}) == [
        Bar("a", 1, 33.33, 25.0),
        Bar("b", 3, 100.0, 75.0, "a note"),
        Bar("c", 0, 0.0, 0.0),
    ]


def test_bars_of_nothing_have_no_length() -> None:
    assert build_bars({}) == []
    assert build_bars({"a": 0}) == [Bar("a", 0, 0.0, 0.0)]


def test_counts_are_plotted_most_first_and_equal_ones_by_name() -> None:
    assert [bar.label for bar in plot_counts({"b": 1, "a": 1, "c": 2})] == ["c", "a", "b"]


def test_reasons_are_plotted_most_first_with_what_each_means() -> None:
    bars = plot_reasons({"placeholder": 1, "no_tool_call": 4})
    assert [(bar.label, bar.note) for bar in bars] == [
        ("no_tool_call", DESCRIPTIONS[Reason.NO_TOOL_CALL]),
        ("placeholder", DESCRIPTIONS[Reason.PLACEHOLDER]),
    ]


@pytest.mark.parametrize(
    ("calls", "bars"),
    [
        ({}, {}),
        ({0: 2}, {"0": 2}),
        ({2: 1}, {"0": 0, "1": 0, "2": 1}),
        ({5: 1}, {"0": 0, "1": 0, "2": 0, "3": 0, "4": 0, "5": 1}),
        ({6: 1, 0: 3}, {"0": 3, "1": 0, "2": 0, "3": 0, "4": 0, "5": 0, "6+": 1}),
        ({5: 1, 6: 1, 7: 2, 90: 4}, {"0": 0, "1": 0, "2": 0, "3": 0, "4": 0, "5": 1, "6+": 7}),
    ],
    ids=str,
)
def test_calls_are_plotted_from_none_to_six_and_more(calls: dict[int, int], bars: dict[str, int]) -> None:
    assert label(plot_calls(calls)) == bars


@pytest.mark.parametrize(
    ("lengths", "bars"),
    [
        ({}, {}),
        ({1: 1}, {"1-1": 1}),
        ({0: 2}, {"0-0": 2, "1-1": 0}),
        ({12: 1, 10: 2}, {"10-10": 2, "11-11": 0, "12-12": 1}),
        # 13 would make more than a dozen columns of one word: two words a column
        ({13: 1, 10: 2}, {"10-11": 2, "12-13": 1}),
        ({24: 1, 23: 1, 9: 1}, {"8-9": 1, "10-11": 0, "12-13": 0, "14-15": 0, "16-17": 0, "18-19": 0, "20-21": 0,
                                "22-23": 1, "24-25": 1}),
        ({25: 1, 19: 1}, {"15-19": 1, "20-24": 0, "25-29": 1}),
        ({60: 1}, {"60-64": 1}),
        ({61: 1}, {"60-69": 1}),
        ({120: 1}, {"120-129": 1}),
        ({121: 1}, {"120-139": 1}),
        ({240: 1}, {"240-259": 1}),
        ({241: 1}, {"200-249": 1}),
        ({600: 1}, {"600-649": 1}),
        ({601: 1}, {"600-699": 1}),
        ({1200: 1}, {"1200-1299": 1}),
        ({1201: 1}, {"1200-1399": 1}),
        ({2400: 1}, {"2400-2599": 1}),
        ({2401: 1}, {"2000-2499": 1}),
        ({6000: 1}, {"6000-6499": 1}),
        ({6001: 1}, {"6000-6999": 1}),
    ],
    ids=str,
)  # fmt: skip
def test_words_are_plotted_in_columns_of_one_round_width(lengths: dict[int, int], bars: dict[str, int]) -> None:
    assert label(plot_words(lengths)) == bars


def test_the_last_column_holds_the_few_that_are_much_longer() -> None:
    assert label(plot_words({4: 98, 5: 1, 500: 1})) == {"4-4": 98, "5+": 2}
    # with a hundredth more of long ones they are no exception any longer
    assert label(plot_words({4: 98, 500: 2}))["500-549"] == 2


def test_plots_hold_every_row_once() -> None:
    assert sum(bar.value for bar in plot_calls(count_rows(build_rows()).calls)) == 20
    for longest in (1, 7, 90, 5000):
        bars = plot_words(Counter(1 + n % longest for n in range(300)))
        assert sum(bar.value for bar in bars) == 300
        assert len(bars) <= 13
