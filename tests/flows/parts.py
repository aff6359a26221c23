"""What the tests of the flows look at: small parameters, the tables of a dataset, the artifacts of a data root."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from flows.build_dataset import build_dataset
from schemas.calls import LedgerRow
from schemas.instance import ApiRow, Instance
from schemas.manifest import DatasetRef
from schemas.parameters import BuildDatasetParams
from schemas.steps import BuildSummary
from tasks.datasets import DataRoot, read_table
from tasks.steps import STEPS

NAMES = ("Yelp", "Steem", "AccuWeather")


def make_params(**more: Any) -> BuildDatasetParams:
    """Two APIs with four instructions each."""
    return BuildDatasetParams.model_validate({"names": NAMES[:2], "apis": "all", "instructions": 4, **more})


def build_apart(folder: Path, params: BuildDatasetParams) -> BuildSummary:
    """What the flow makes with a data root of its own, for tests to compare others with."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOOLHERD_DATA_ROOT", str(folder / "data"))
        return asyncio.run(build_dataset(params))


def read_rows(root: DataRoot, dataset: DatasetRef) -> list[Instance]:
    """All instances of a dataset."""
    folder = root.path("datasets", dataset.name, dataset.version)
    tables = ("train.parquet", "test.parquet", "rejected.parquet")
    return [row for table in tables for row in read_table(folder / table, Instance)]


def read_apis(root: DataRoot, dataset: DatasetRef) -> list[ApiRow]:
    """The toolset of a dataset."""
    return list(read_table(root.path("datasets", dataset.name, dataset.version, "toolset.parquet"), ApiRow))


def read_calls(root: DataRoot, dataset: DatasetRef) -> list[LedgerRow]:
    """The calls of a dataset."""
    return list(read_table(root.path("datasets", dataset.name, dataset.version, "calls.parquet"), LedgerRow))


def count_artifacts(root: DataRoot) -> dict[str, int]:
    """How many artifacts each step has."""
    found = {step.name: len(list(Path(str(root.path(step.name))).glob("*/*.json"))) for step in STEPS}
    return {name: count for name, count in found.items() if count}


def write_document(path: Path, **more: Any) -> None:
    """An OpenAPI document of two functions."""
    thing = {
        "type": "object",
        "properties": {
            "id": {"type": "string", "description": "The boat's id.", "maxLength": 40},
            "name": {"type": "string", "description": "The boat's name.", "maxLength": 40},
        },
        "required": ["id", "name"],
    }
    listed = {"type": "object", "properties": {"boats": {"type": "array", "items": thing, "maxItems": 20}}}
    city = {"name": "city", "in": "query", "required": True, "description": "The city.", "schema": {"type": "string"}}
    boat = {"name": "boatId", "in": "path", "required": True, "description": "The id.", "schema": {"type": "string"}}
    document = {
        "openapi": "3.1.0",
        "info": {"title": path.stem, "version": "1", "description": "Boats for hire."},
        "paths": {
            "/boats": {"get": _operation("searchBoats", "Search boats by city.", city, listed)},
            "/boats/{boatId}": {"get": _operation("getBoat", "Get one boat by id.", boat, thing)},
        },
        **more,
    }
    path.write_text(json.dumps(document), encoding="utf-8")


def _operation(name: str, summary: str, parameter: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    answer = {"200": {"description": "Found.", "content": {"application/json": {"schema": schema}}}}
    return {"operationId": name, "summary": summary, "parameters": [parameter], "responses": answer}
