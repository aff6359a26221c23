"""The figures of a dataset, counted over rows that one can count by hand."""

from collections import Counter

import pytest

from schemas.episodes import Kind, Message
from schemas.instance import Instance
from schemas.reasons import Reason
from tasks.datasets.statistics import (
    LABELS,
    PAPER,
    UNCHECKED,
    Tally,
    compare_with_paper,
    compute_statistics,
    count_words,
    order_counts,
)
from tests.tasks.datasets.samples import build_row, build_rows, build_toolsets, count_rows, say


def build(
    api_id: str = "a", category: str = "x", calls: int = 1, instruction: str = "one two", response: str = "one"
) -> Instance:
    """A row of which little is known but what is counted."""
    messages = (Message(role="user", content=instruction), say(response))
    update = {"api_id": api_id, "category": category, "num_calls": calls, "instruction": instruction,
              "messages": messages}  # fmt: skip
    return build_row().model_copy(update=update)


def test_each_figure_of_a_few_rows_is_what_one_counts_by_hand() -> None:
    rows = [
        build("a", "x", 0, "one", ""),
        build("a", "x", 1, "one two", "one"),
        build("b", "x", 2, "one two three", "one two"),
        build("c", "y", 3, "one two three four", "one two three"),
    ]
    figures = compute_statistics(count_rows(rows), {"a": 2, "b": 5, "c": 3, "unused": 90})
    assert figures.model_dump() == {
        "apis": 3,
        "categories": 2,
        "functions": 10,
        "functions_per_api": 3.33,
        "instances": 4,
        "no_call_instances": 1,
        "single_call_instances": 1,
        "multi_call_instances": 2,
        "steps_per_instance": 1.5,
        "instruction_words": 2.5,
        "response_words": 1.5,
    }


def test_figures_of_one_row_are_those_of_the_row() -> None:
    figures = compute_statistics(count_rows([build(calls=7, instruction=" a  b\nc ")]), {"a": 4})
    assert (figures.apis, figures.functions, figures.functions_per_api, figures.instances) == (1, 4, 4.0, 1)
    assert (figures.multi_call_instances, figures.steps_per_instance, figures.instruction_words) == (1, 7.0, 3.0)


def test_an_api_whose_functions_are_not_told_counts_as_an_api_only() -> None:
    figures = compute_statistics(count_rows([build("a"), build("b")]), {"b": 3})
    assert (figures.apis, figures.functions, figures.functions_per_api) == (2, 3, 3.0)


def test_figures_count_accepted_rows_only() -> None:
    figures = compute_statistics(
        count_rows(build_rows()), {toolset.entry.id: len(toolset.functions) for toolset in build_toolsets()}
    )
    assert (figures.apis, figures.categories, figures.functions, figures.functions_per_api) == (4, 4, 8, 2.0)
    assert figures.instances == 20
    counts = (figures.no_call_instances, figures.single_call_instances, figures.multi_call_instances)
    assert counts == (4, 8, 8)
    assert figures.steps_per_instance == 1.2


def test_a_rejected_row_counts_by_its_reasons_only() -> None:
    row = build_row(Kind.SINGLE_CALL, 0, 1, Reason.PLACEHOLDER)
    tally = count_rows([row.model_copy(update={"reasons": (Reason.PLACEHOLDER, Reason.NO_TOOL_CALL)}), build()])
    assert tally == Tally(
        accepted=1,
        rejected=1,
        apis={"a"},
        categories=Counter({"x": 1}),
        kinds=Counter({"multi_call": 1}),
        calls=Counter({1: 1}),
        instruction_words=Counter({2: 1}),
        response_words=Counter({1: 1}),
        reasons=Counter({"placeholder": 1, "no_tool_call": 1}),
    )


def test_figures_of_nothing_are_nought() -> None:
    assert set(compute_statistics(Tally(), {}).model_dump().values()) == {0}


@pytest.mark.parametrize(("text", "words"), [("", 0), (" ", 0), ("one", 1), (" one\n two\tthree ", 3), ("a-b c", 2)])
def test_words_are_what_stands_between_spaces(text: str, words: int) -> None:
    assert count_words(text) == words


def test_every_figure_has_a_label_and_the_paper_has_no_other() -> None:
    assert set(LABELS) == set(compute_statistics(Tally(), {}).model_dump())
    assert set(PAPER) <= set(LABELS)
    assert set(PAPER) > UNCHECKED


def test_the_papers_figures_stand_beside_ours_and_unchecked_ones_are_marked() -> None:
    rows = [build("a", calls=2), *[build("b", calls=1) for _ in range(1999)]]
    assert compare_with_paper(compute_statistics(count_rows(rows), {"a": 2, "b": 3})) == [
        ("APIs", "2", "426"),
        ("Categories", "1", "50"),
        ("Functions", "5", ""),
        ("Functions per API", "2.50", "4.85 †"),
        ("Instances", "2,000", "3,938"),
        ("Instances without a call", "0", ""),
        ("Single-call instances", "1,999", "2,512 †"),
        ("Multi-call instances", "1", "1,426 †"),
        ("Calls per instance", "1", "1.66 †"),
        ("Words per instruction", "2", ""),
        ("Words per response", "1", ""),
    ]


def test_the_papers_single_and_multi_call_instances_make_up_all_of_them() -> None:
    assert PAPER["single_call_instances"] + PAPER["multi_call_instances"] == PAPER["instances"]


def test_counts_are_ordered_most_first_and_equal_ones_by_name() -> None:
    assert list(order_counts({"b": 1, "a": 1, "d": 3, "c": 2})) == ["d", "c", "a", "b"]
    counts = order_counts(count_rows(build_rows()).reasons)
    assert list(counts.items()) == [(Reason.UNGROUNDED_ARGUMENT.value, 2), (Reason.NEAR_DUPLICATE.value, 1)]
