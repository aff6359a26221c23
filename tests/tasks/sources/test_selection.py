"""Filters and balanced samples of a catalogue."""

import hashlib
import itertools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.catalog import Catalog, CatalogEntry
from schemas.errors import UserError
from tasks.sources import read_catalog, select_entries


def make_catalog(sizes: list[int]) -> Catalog:
    entries = [
        CatalogEntry(id=f"api-{c}-{n}", name=f"API {c} {n}", description="d", category=f"Category {c}")
        for c, size in enumerate(sizes)
        for n in range(size)
    ]
    return Catalog(source="made", entries=tuple(entries))


@pytest.fixture(scope="module")
def bundled() -> Catalog:
    return read_catalog("bundled")


def test_without_filters_the_whole_catalogue_passes(bundled: Catalog) -> None:
    assert select_entries(bundled) == bundled.entries
    assert select_entries(bundled, limit=10_000) == bundled.entries


def test_filters_narrow_each_other_whatever_the_case(bundled: Catalog) -> None:
    chosen = select_entries(bundled, categories=["animals", "Weather "], auth=["none"])
    assert {entry.category for entry in chosen} == {"Animals", "Weather"}
    assert {entry.auth for entry in chosen} == {"none"}
    assert [entry.name for entry in select_entries(bundled, names=["spotify", "DOGS"])] == [
        "Dogs",
        "Spotify",
    ]


def test_a_name_takes_all_of_that_name_and_an_id_only_one() -> None:
    twins = tuple(CatalogEntry(id=i, name="Twin", description="d", category="C") for i in ("twin", "twin-1a2b3c4d"))
    catalog = Catalog(source="made", entries=twins)
    assert select_entries(catalog, names=["Twin"]) == twins
    assert select_entries(catalog, names=["twin-1a2b3c4d"]) == twins[1:]


def rank(seed: int, key: str) -> str:
    return hashlib.sha256(f"{seed}\n{key}".encode()).hexdigest()


@given(st.lists(st.integers(min_value=1, max_value=5), min_size=1, max_size=6), st.integers(1, 20), st.integers(0, 9))
def test_categories_take_turns_in_an_order_by_hash(sizes: list[int], limit: int, seed: int) -> None:
    catalog = make_catalog(sizes)
    queues = {f"Category {c}": sorted((f"api-{c}-{n}" for n in range(size)), key=lambda id: rank(seed, id))
              for c, size in enumerate(sizes)}  # fmt: skip
    turns = itertools.zip_longest(*(queues[name] for name in sorted(queues, key=lambda name: rank(seed, name))))
    expected = [id for turn in turns for id in turn if id is not None][:limit]
    assert {entry.id for entry in select_entries(catalog, limit=limit, seed=seed)} == set(expected)


def test_a_limit_draws_from_what_passed_the_filters() -> None:
    catalog = make_catalog([3, 3])
    assert len(select_entries(catalog, limit=1)) == 1
    chosen = select_entries(catalog, categories=["Category 1"], limit=2)
    assert [entry.category for entry in chosen] == ["Category 1"] * 2
    assert select_entries(catalog, categories=["Category 1"], limit=3) == catalog.entries[3:]


@given(
    st.lists(st.integers(min_value=1, max_value=8), min_size=1, max_size=8),
    st.integers(min_value=1, max_value=70),
    st.integers(),
)
def test_a_sample_is_balanced_grows_by_one_and_keeps_the_order(sizes: list[int], limit: int, seed: int) -> None:
    catalog = make_catalog(sizes)
    chosen = select_entries(catalog, limit=limit, seed=seed)
    assert len(chosen) == min(limit, len(catalog.entries))
    assert list(chosen) == [entry for entry in catalog.entries if entry in chosen]
    counts = Counter(entry.category for entry in chosen)
    unfinished = [counts[f"Category {c}"] for c, size in enumerate(sizes) if counts[f"Category {c}"] < size]
    assert not unfinished or max(counts.values()) - min(unfinished) <= 1
    assert set(chosen) <= set(select_entries(catalog, limit=limit + 1, seed=seed))


def test_fifty_of_the_bundled_come_from_fifty_categories(bundled: Catalog) -> None:
    chosen = select_entries(bundled, limit=50, seed=0)
    assert len({entry.category for entry in chosen}) == 50
    assert chosen == select_entries(bundled, limit=50, seed=0)
    assert chosen != select_entries(bundled, limit=50, seed=1)


def test_an_api_that_joins_displaces_at_most_one(bundled: Catalog) -> None:
    newcomer = CatalogEntry(id="newcomer", name="Newcomer", description="d", category="Animals")
    grown = bundled.model_copy(update={"entries": (newcomer, *bundled.entries)})
    before = {entry.id for entry in select_entries(bundled, limit=120, seed=3)}
    after = {entry.id for entry in select_entries(grown, limit=120, seed=3)}
    assert len(before - after) <= 1


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"categories": ["Animal"]}, "Unknown category 'Animal' in the catalogue bundled; near matches: Animals"),
        ({"names": ["Spotfy"]}, "Unknown API 'Spotfy' in the catalogue bundled; near matches: Spotify"),
        ({"names": ["qqqqqqqq"]}, "none is near; write it as the catalogue does, for example AdoptAPet"),
        ({"names": ["SPOT"]}, "near matches: Spotify"),
        ({"names": ["zq"]}, "none is near"),
        ({"categories": ["s"]}, "Unknown category 's' in the catalogue bundled; none is near"),
        ({"limit": 0}, "The number of APIs is 0; give 1 or more"),
        ({"limit": -1}, "The number of APIs is -1; give 1 or more"),
        ({"names": ["Dogs"], "auth": ["OAuth"]}, r"passes all filters \(names Dogs, auth OAuth\); drop one"),
    ],
)
def test_what_cannot_be_selected_is_one_clear_line(
    bundled: Catalog, filters: dict[str, list[str]], message: str
) -> None:
    with pytest.raises(UserError, match=message) as caught:
        select_entries(bundled, **filters)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
