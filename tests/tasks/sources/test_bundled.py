"""The bundled catalogue: real APIs, facts carried over, descriptions of our own."""

import json
import re
from collections import Counter

import pytest

from schemas.catalog import Catalog
from tasks.sources import read_catalog
from tests.shared_data import SHARED_DATA, needs_shared_data


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return read_catalog("bundled")


def test_it_holds_enough_apis_over_enough_categories(catalog: Catalog) -> None:
    per_category = Counter(entry.category for entry in catalog.entries)
    assert len(catalog.entries) >= 450
    assert len(per_category) >= 50
    assert max(per_category.values()) <= 13
    assert catalog.skipped == ()


def test_ids_and_names_are_distinct(catalog: Catalog) -> None:
    assert len({entry.id for entry in catalog.entries}) == len(catalog.entries)
    assert len({entry.name.casefold() for entry in catalog.entries}) == len(catalog.entries)


def test_every_description_is_one_line_of_its_own(catalog: Catalog) -> None:
    descriptions = [entry.description for entry in catalog.entries]
    assert len(set(descriptions)) == len(descriptions)
    for description in descriptions:
        assert len(description.splitlines()) == 1
        assert 6 <= len(description.split()) <= 16, description
        assert description[0].isupper()
        assert not description.endswith(".")


def test_no_description_names_its_api(catalog: Catalog) -> None:
    named = [
        entry.name
        for entry in catalog.entries
        if re.search(rf"\b{re.escape(entry.name.casefold())}\b", entry.description.casefold())
    ]
    assert named == []


def test_links_lead_to_the_web_without_tracking(catalog: Catalog) -> None:
    for entry in catalog.entries:
        assert entry.link.startswith(("http://", "https://"))
        assert "utm_" not in entry.link


@needs_shared_data
def test_facts_come_from_the_list_and_descriptions_do_not(catalog: Catalog) -> None:
    source = read_catalog(str(SHARED_DATA / "public_apis.json"))
    listed = {(e.name, e.category, e.link, e.auth, e.https, e.cors) for e in source.entries}
    descriptions = {re.sub(r"\W+", " ", e.description.casefold()).strip() for e in source.entries}
    for entry in catalog.entries:
        assert (entry.name, entry.category, entry.link, entry.auth, entry.https, entry.cors) in listed
        assert re.sub(r"\W+", " ", entry.description.casefold()).strip() not in descriptions


@needs_shared_data
def test_the_apis_of_toolalpacas_test_sets_stay_unseen(catalog: Catalog) -> None:
    names = {entry.name.casefold() for entry in catalog.entries}
    for file in ("toolalpaca_eval_real.json", "toolalpaca_eval_simulated.json"):
        apis = json.loads((SHARED_DATA / file).read_text(encoding="utf-8"))
        assert names.isdisjoint(api["Name"].casefold() for api in apis)
