"""Which trajectories the report embeds: chosen from outlines, gathered while the rows pass by."""

import hashlib
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.episodes import Kind
from schemas.instance import Instance
from schemas.reasons import Reason
from tasks.store.outlines import Outline, outline_rows
from tasks.store.rows import build_api_row
from tasks.store.sample import Sample, choose_rows
from tests.tasks.store.samples import build_row, build_rows, build_toolsets

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


def test_no_more_is_kept_than_the_page_can_show() -> None:
    rows = build_rows() * 40
    sample = gather([row.model_copy(update={"id": f"{row.id}-{n}"}) for n, row in enumerate(rows)])
    assert len(sample._rows) == 400 < len(rows)
