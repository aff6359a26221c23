"""The audit calls every function well and badly; so do ToolAlpaca's documents."""

import json
from typing import Any

import pytest

from schemas.catalog import CatalogEntry
from schemas.toolset import Toolset
from tasks.mock import audit_functions
from tasks.openapi.errors import DocumentError
from tasks.openapi.functions import build_function
from tasks.openapi.load import load_document, normalise_document
from tests.shared_data import SHARED_DATA, needs_shared_data
from tests.tasks.mock.pets import DOCUMENT, read_operations


def make_toolset(document: dict[str, Any]) -> Toolset:
    normal = normalise_document(document)
    entry = CatalogEntry(id="an-api", name="An API", description="For a test.", category="Animals")
    functions = tuple(build_function(operation) for operation in read_operations(document))
    return Toolset(entry=entry, introduction="", document=normal, functions=functions)


def test_each_function_is_called_well_and_badly() -> None:
    calls = audit_functions(make_toolset(DOCUMENT))
    assert [call.problem for call in calls] == [""] * len(calls)
    assert {call.function for call in calls if call.good} == {operation.name for operation in read_operations()}
    assert all(200 <= call.status < 300 if call.good else 400 <= call.status < 500 for call in calls)


def test_a_function_whose_id_nothing_tells_is_still_called() -> None:
    text = json.dumps(DOCUMENT["paths"]["/visits/{visitId}"]).replace("visitId", "thingId")
    calls = audit_functions(make_toolset({**DOCUMENT, "paths": {"/things/{thingId}": json.loads(text)}}))
    assert [(call.status, call.problem) for call in calls if call.good] == [(204, "")]


@needs_shared_data
@pytest.mark.parametrize("file_name", ["toolalpaca_eval_simulated.json", "toolalpaca_eval_real.json"])
def test_toolalpacas_documents_can_be_called(file_name: str) -> None:
    entries = json.loads((SHARED_DATA / file_name).read_text())
    rejected = {}
    for entry in entries:
        try:
            document = load_document(json.loads(entry["Documentation"])).document
        except DocumentError as error:
            rejected[entry["Name"]] = error.problem
            continue
        problems = [call for call in audit_functions(make_toolset(document)) if call.problem]
        assert not problems, entry["Name"]
    assert set(rejected) <= {"Nager.Date"}, rejected  # a country's borders are countries, with borders
