"""What the checks read of a toolset: its words, its operations; each toolset is read once, and few are kept."""

import gc
import weakref
from typing import Any

from schemas.catalog import CatalogEntry
from schemas.toolset import Function, Toolset
from tasks.quality.toolset_facts import find_operations, find_vocabulary
from tests.tasks.quality.building import TOOLSET, build_documented


def build_toolset(**changes: Any) -> Toolset:
    entry = CatalogEntry(
        id="zoo-id", name="ZooWorld", description="Elephants", category="Fauna", link="https://zoolink.example"
    )
    function = Function(
        name="listKeepers",
        description="Shows staff2go",
        parameters={"properties": {"shiftHours": {"enum": ["Überstunde"]}}},
    )
    values = {
        "entry": entry,
        "introduction": "Welcome on 2026-03-03.",
        "document": {},
        "functions": (function,),
        **changes,
    }
    return Toolset(**values)


def test_the_apis_words_are_those_of_its_name_texts_and_functions_in_both_readings_of_camel_case() -> None:
    words = find_vocabulary(build_toolset())
    assert words >= {"zooworld", "zoo", "world", "elephant", "fauna", "welcome", "on", "listkeeper", "list", "keeper"}
    assert words >= {"show", "shifthour", "shift", "hour", "property", "enum", "uberstunde"}
    assert not {"zoo-id", "zoolink", "staff2go", "2026", "03"} & words


def test_the_words_of_few_apis_are_kept() -> None:
    kept = []
    for number in range(100):
        toolset = build_toolset(introduction=f"Number {number}")
        find_vocabulary(toolset)
        kept.append(weakref.ref(toolset))
    del toolset
    gc.collect()
    assert sum(reference() is not None for reference in kept) <= 64


def test_the_words_of_one_api_are_not_those_of_another() -> None:
    many = [build_toolset(introduction=f"Number{'abcdefghij'[i % 10]}{'abcdefghij'[i // 10]}") for i in range(70)]
    for _ in range(2):
        for i, toolset in enumerate(many):
            words = find_vocabulary(toolset)
            assert {word for word in words if word.startswith("number") and len(word) == 8} == {
                f"number{'abcdefghij'[i % 10]}{'abcdefghij'[i // 10]}"
            }


def test_operations_are_those_of_the_document_and_none_where_there_is_none() -> None:
    documented = build_documented()
    found = find_operations(documented)
    assert {name: operation.path for name, operation in found.items()} == {
        "searchPets": "/pets", "getPet": "/pets/{pet_id}",
    }  # fmt: skip
    assert find_operations(documented) is found
    assert find_operations(TOOLSET) == {}
