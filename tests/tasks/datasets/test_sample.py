"""Which trajectories the report embeds: chosen from outlines, gathered while the rows pass by."""

import hashlib
import itertools
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.episodes import Kind
from schemas.instance import Instance
from schemas.reasons import Reason
from tasks.datasets import sample
from tasks.datasets.rows import build_api_row
from tasks.datasets.sample import Outline, Sample, choose_rows
from tests.tasks.datasets.samples import build_row, build_rows, build_toolsets, outline_rows

T = TypeVar("T")
REASONS = (Reason.PLACEHOLDER, Reason.NEAR_DUPLICATE, Reason.UNGROUNDED_ARGUMENT)

outlines = st.lists(
    st.builds(
        lambda category, kind, reason: Outline("", "", category, kind, (reason,) if reason else (), reason is None),
        st.sampled_from("abc"),
        st.sampled_from(Kind),
        st.none() | st.sampled_from(REASONS),
    ),
    max_size=60,
).map(
    lambda made: [Outline(f"row-{n:03}", "api", o.category, o.kind, o.reasons, o.accepted) for n, o in enumerate(made)]
)


def take_turns(queues: Sequence[Iterator[T]]) -> Iterator[T]:
    """One of each queue, again and again."""
    missing = object()
    for turn in itertools.zip_longest(*queues, fillvalue=missing):
        yield from (item for item in turn if item is not missing)  # type: ignore[misc]


def arrange(rows: Sequence[Outline], *keys: Callable[[Outline], str]) -> Iterator[Outline]:
    """All rows, those of each key's value taking turns, and within them those of the next key's."""
    if not keys:
        return iter(sorted(rows, key=lambda row: hashlib.sha256(row.id.encode()).digest()))
    groups: dict[str, list[Outline]] = defaultdict(list)
    for row in rows:
        groups[keys[0](row)].append(row)
    return take_turns([arrange(groups[name], *keys[1:]) for name in sorted(groups)])


@settings(deadline=None)
@given(outlines, st.integers(1, 40))
def test_each_category_and_reason_has_its_turn_in_whatever_order_rows_come(rows: list[Outline], limit: int) -> None:
    accepted, rejected = ([row for row in rows if row.accepted is side] for side in (True, False))
    for_rejected = min(len(rejected), max(round(limit / 4), limit - len(accepted)))
    first = list(arrange(accepted, lambda row: row.category, lambda row: row.kind.value))[: limit - for_rejected]
    last = list(arrange(rejected, lambda row: row.reasons[0].value, lambda row: row.kind.value))[:for_rejected]
    expected = [row.id for row in first + last]

    assert choose_rows(rows, limit) == expected
    assert choose_rows(rows[::-1], limit) == expected


@settings(deadline=None)
@given(outlines, st.integers(1, 40), st.integers(0, 40))
def test_a_lower_limit_chooses_some_of_what_a_higher_one_does(rows: list[Outline], limit: int, more: int) -> None:
    assert set(choose_rows(rows, limit)) <= set(choose_rows(rows, limit + more))


def build_outlines(accepted: int, rejected: int) -> list[Outline]:
    made = [Outline(f"good-{n}", "api", "c", Kind.NO_TOOL, (), True) for n in range(accepted)]
    return made + [Outline(f"bad-{n}", "api", "c", Kind.NO_TOOL, REASONS[:1], False) for n in range(rejected)]


@pytest.mark.parametrize(
    ("accepted", "rejected", "limit", "chosen"),
    [
        (100, 100, 100, (75, 25)),
        (100, 100, 4, (3, 1)),
        (100, 100, 1, (1, 0)),
        (100, 10, 100, (90, 10)),
        (60, 100, 100, (60, 40)),
        (3, 2, 100, (3, 2)),
        (0, 5, 3, (0, 3)),
        (5, 0, 3, (3, 0)),
        (0, 0, 3, (0, 0)),
    ],
)
def test_a_quarter_is_kept_for_the_rejected_and_what_a_side_leaves_goes_to_the_other(
    accepted: int, rejected: int, limit: int, chosen: tuple[int, int]
) -> None:
    ids = choose_rows(build_outlines(accepted, rejected), limit)
    assert len(ids) == len(set(ids))
    assert tuple(sum(id.startswith(side) for id in ids) for side in ("good", "bad")) == chosen


def test_a_rejected_row_without_a_reason_has_its_turn_too() -> None:
    rows = [Outline(id, "api", "c", Kind.NO_TOOL, reasons, False) for id, reasons in (("a", ()), ("b", REASONS[:2]))]
    assert choose_rows(rows, 2) == ["a", "b"]


def gather(rows: Sequence[Instance]) -> Sample:
    sample = Sample(outline_rows(rows), frozenset({"open-trails"}))
    for row in rows:
        sample.add(row)
    for toolset in build_toolsets():
        sample.introduce(build_api_row(toolset))
    return sample


def test_what_passes_by_is_what_was_chosen_with_the_tools_of_its_apis() -> None:
    rows = [build_row(kind, world, n) for world in range(4) for n in range(60) for kind in Kind]
    data, shown = gather(rows).build()
    chosen = choose_rows(outline_rows(rows), 400)
    assert shown == len(chosen) == 400
    assert {row["id"] for row in data["rows"]} == set(chosen)
    assert [(row["category"], row["id"]) for row in data["rows"]] == sorted(
        (row.category, row.id) for row in rows if row.id in set(chosen)
    )
    assert list(data["apis"]) == sorted(toolset.entry.id for toolset in build_toolsets())
    assert data["apis"]["open-trails"]["intro"] == "Open Trails knows every trail worth a visit."
    assert [tool["function"]["name"] for tool in data["apis"]["open-trails"]["tools"]] == ["searchTrails", "getTrail"]


def test_a_row_is_shown_with_its_verdict_and_its_conversation() -> None:
    reason = Reason.UNGROUNDED_ARGUMENT
    seen, unseen = build_row(Kind.SINGLE_CALL, 1, 5), build_row(Kind.NO_TOOL, 0, 6)
    turned_down = build_row(Kind.SINGLE_CALL, 0, 7, reason)
    data, shown = gather([seen, unseen, turned_down]).build()
    assert shown == 3
    shown_unseen, shown_down = data["rows"][1:]  # Sports & Fitness, after Art & Design
    assert [row["split"] for row in data["rows"]] == ["train", "test", "rejected"]
    assert shown_unseen == {
        "id": unseen.id, "api": "open-trails", "name": "Open Trails", "category": "Sports & Fitness",
        "kind": "no_tool", "split": "test", "text": unseen.instruction, "calls": 0, "reasons": [], "failed": [],
        "tokens": [812, 96], "seed": 6,
        "messages": [{"role": message.role, "content": message.content} for message in unseen.messages],
    }  # fmt: skip
    assert (shown_down["reasons"], shown_down["calls"]) == ([reason.value], 1)
    assert shown_down["failed"] == [
        {"check": f"check_{reason.value}", "keep": False, "reason": reason.value,
         "detail": "city='Bergen' is not in what the user said"}
    ]  # fmt: skip
    called, answered = shown_down["messages"][2:4]
    (made,) = turned_down.messages[2].tool_calls
    assert called["calls"] == [["c1", "searchTrails", made.arguments]]
    assert (answered["for"], "calls" in answered, "for" in called) == ("c1", False, False)


def test_an_api_is_introduced_by_its_own_row() -> None:
    row = build_row().model_copy(update={"api_name": "As the row has it"})
    sample = Sample(outline_rows([row]), frozenset())
    sample.add(row)
    alone, _ = sample.build()
    assert (alone["apis"]["open-trails"]["name"], alone["apis"]["open-trails"]["intro"]) == ("As the row has it", "")
    for toolset in build_toolsets():
        sample.introduce(build_api_row(toolset))
    data, _ = sample.build()
    assert list(data["apis"]) == ["open-trails"]
    assert data["apis"]["open-trails"]["name"] == "Open Trails"


def measure(data: dict[str, Any]) -> int:
    return len(json.dumps(data, ensure_ascii=False).encode())


@pytest.mark.parametrize(("room", "shown"), [(0, 23), (-1, 21)], ids=["just enough", "a byte too little"])
def test_rows_are_left_out_only_where_they_do_not_fit(monkeypatch: pytest.MonkeyPatch, room: int, shown: int) -> None:
    gathered = gather(build_rows())
    whole, _ = gathered.build()
    monkeypatch.setattr(sample, "MAX_BYTES", measure(whole) + room)
    data, count = gathered.build()
    assert count == len(data["rows"]) == shown
    assert measure(data) <= measure(whole) + room
    assert {row["id"] for row in data["rows"]} == set(choose_rows(outline_rows(build_rows()), shown))


def test_rows_are_left_out_until_the_rest_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [build_row(Kind.NO_TOOL, 0, n) for n in range(3)]
    long = choose_rows(outline_rows(rows), 2)  # the last of the three is so short that two are too many as well
    rows = [row.model_copy(update={"instruction": "x" * 5000 * (row.id in long)}) for row in rows]
    gathered = gather(rows)
    whole, _ = gathered.build()
    monkeypatch.setattr(sample, "MAX_BYTES", measure(whole) * 9 // 10)
    data, count = gathered.build()
    assert (count, [row["id"] for row in data["rows"]]) == (1, long[:1])


def test_a_row_of_two_reasons_has_its_turn_by_the_first() -> None:
    first, second = Reason.PLACEHOLDER, Reason.NEAR_DUPLICATE
    rows = [Outline(f"both-{n}", "api", "c", Kind.NO_TOOL, (first, second), False) for n in range(2)]
    rows += [
        Outline(f"one-{n}", "api", "c", Kind.NO_TOOL, (reason,), False) for n, reason in enumerate((second, first))
    ]
    by_first = {row.id: row.reasons[0].value for row in rows}
    chosen = [by_first[id] for id in choose_rows(rows, 4)]
    assert chosen == [second.value, first.value, first.value, first.value]


def test_one_row_is_shown_however_long_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "MAX_BYTES", 10)
    gathered = gather(build_rows())
    data, count = gathered.build()
    assert (count, [row["id"] for row in data["rows"]]) == (1, choose_rows(outline_rows(build_rows()), 1))
    assert list(data["apis"]) == [data["rows"][0]["api"]]


def test_no_more_is_kept_than_the_page_can_show() -> None:
    rows = build_rows() * 40
    sample = gather([row.model_copy(update={"id": f"{row.id}-{n}"}) for n, row in enumerate(rows)])
    assert len(sample._rows) == 400 < len(rows)
