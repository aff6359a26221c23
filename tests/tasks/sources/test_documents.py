"""Real OpenAPI documents and ToolAlpaca's test files become entries that carry their document."""

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import UserError
from tasks.network.download import MAX_BYTES
from tasks.sources import read_catalog
from tasks.sources.decode import DecodeProblem, decode_json, decode_yaml
from tests.shared_data import SHARED_DATA, needs_shared_data

DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.0",
    "info": {"title": "Pet Shelter", "description": "Adopt\n\npets.", "version": "1"},
    "servers": [{"url": "http://pets.example/v1"}],
    "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X"}}},
    "paths": {"/pets": {"get": {"tags": ["Animals"], "responses": {"200": {"description": "ok"}}}}},
}

YAML_DOCUMENT = """\
# Pet shop
swagger: 2.0
info:
  title: Pet Shop
  version: 1.0
  description: |
    | a | table |
    |---|---|
host: shop.example
tags: [{name: Shopping}]
securityDefinitions: {login: {type: oauth2}}
paths:
  /orders:
    get:
      parameters:
        - {name: day, in: query, type: string, enum: [2024-01-01, no, 12:30:00, 007]}
      responses:
        200: {description: ok}
"""


def write(folder: Path, name: str, content: object) -> str:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return str(file)


def test_a_json_document_becomes_one_entry(tmp_path: Path) -> None:
    (entry,) = read_catalog(write(tmp_path, "pets.txt", DOCUMENT)).entries
    assert (entry.id, entry.name, entry.description) == ("pet-shelter", "Pet Shelter", "Adopt pets.")
    assert (entry.category, entry.auth, entry.https, entry.link) == (
        "Animals",
        "apiKey",
        False,
        "http://pets.example/v1",
    )
    assert entry.openapi == DOCUMENT


def test_a_yaml_document_keeps_its_values_as_written_and_json_safe(tmp_path: Path) -> None:
    (entry,) = read_catalog(write(tmp_path, "shop", YAML_DOCUMENT)).entries
    assert (entry.name, entry.category, entry.auth, entry.https) == ("Pet Shop", "Shopping", "OAuth", True)
    assert entry.openapi is not None
    operation: Any = entry.openapi["paths"]
    assert operation["/orders"]["get"]["parameters"][0]["enum"] == ["2024-01-01", "no", "12:30:00", "007"]
    assert list(operation["/orders"]["get"]["responses"]) == ["200"]
    assert json.loads(json.dumps(entry.openapi, allow_nan=False)) == entry.openapi


def test_a_document_without_names_falls_back_to_its_file(tmp_path: Path) -> None:
    (entry,) = read_catalog(write(tmp_path, "my shop.json", {"openapi": "3.1.0", "paths": {}})).entries
    assert (entry.id, entry.description, entry.category, entry.auth) == ("my-shop", "my shop", "OpenAPI", "none")


def test_a_folder_takes_documents_and_lists_the_rest(tmp_path: Path) -> None:
    write(tmp_path, "b/shop.yml", YAML_DOCUMENT)
    write(tmp_path, "a.json", DOCUMENT)
    write(tmp_path, "c.json", {"x": 1})
    write(tmp_path, "d.json", "{")
    write(tmp_path, ".hidden/e.json", DOCUMENT)
    write(tmp_path, "notes.md", "# Notes")
    (tmp_path / "f.yaml").write_bytes(b"\xff\xfe")
    catalog = read_catalog(str(tmp_path))
    assert [entry.name for entry in catalog.entries] == ["Pet Shelter", "Pet Shop"]
    assert [(row.line, row.text) for row in catalog.skipped] == [(3, "c.json"), (4, "d.json"), (5, "f.yaml")]
    reasons = [row.reason for row in catalog.skipped]
    assert "not an OpenAPI document" in reasons[0]
    assert "line 1, column 2" in reasons[1]
    assert reasons[2] == "not UTF-8 text"


def test_a_folder_that_lies_below_a_hidden_one_is_read_like_any_other(tmp_path: Path) -> None:
    write(tmp_path, ".cache/apis/a.json", DOCUMENT)
    assert [entry.name for entry in read_catalog(str(tmp_path / ".cache" / "apis")).entries] == ["Pet Shelter"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: &x [*x]", "refers to itself"),
        ("a: [", "line"),
        ("!!python/object:os.system x", "tag"),
        ("a: !!int x", "wrong tag"),
    ],
)
def test_yaml_that_cannot_be_held_is_told_why(text: str, problem: str) -> None:
    with pytest.raises(DecodeProblem, match=problem):
        decode_yaml(text)


def test_toolalpacas_form_lists_what_it_leaves_out(tmp_path: Path) -> None:
    api = {"Name": "Pets", "Description": "d", "Category": "Animals", "Documentation": json.dumps(DOCUMENT)}
    apis = [api, {**api, "Documentation": "{"}, {**api, "Documentation": "{}"}, {**api, "Name": ""}, {"Name": "Bare"}]
    catalog = read_catalog(write(tmp_path, "eval.json", apis))
    (entry,) = catalog.entries
    assert (entry.name, entry.category, entry.openapi) == ("Pets", "Animals", DOCUMENT)
    assert [row.line for row in catalog.skipped] == [2, 3, 4, 5]
    assert [row.reason.split(":")[0] for row in catalog.skipped] == [
        "not JSON at line 1, column 2",
        "not an OpenAPI document",
        "no name",
        "no category",
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({"x": 1}, "no known form"),
        ([1], "no known form"),
        ("[]", "no known form"),
        ("", "no known form"),
        ({"entries": []}, "lists no API"),
        ('{"openapi": ', "line 1, column"),
        ("openapi: [", "not YAML at line"),
        ("<!DOCTYPE html><html></html>", "raw file"),
    ],
)
def test_files_of_no_use_are_one_clear_line(tmp_path: Path, content: object, problem: str) -> None:
    path = write(tmp_path, "file", content)
    with pytest.raises(UserError, match=problem) as caught:
        read_catalog(path)
    assert path in str(caught.value)
    assert "\n" not in str(caught.value)


@needs_shared_data
@pytest.mark.parametrize(("file", "count"), [("toolalpaca_eval_real.json", 11), ("toolalpaca_eval_simulated.json", 10)])
def test_toolalpacas_test_sets_load_whole(file: str, count: int) -> None:
    catalog = read_catalog(str(SHARED_DATA / file))
    assert (len(catalog.entries), catalog.skipped) == (count, ())
    assert all(entry.openapi and "paths" in entry.openapi for entry in catalog.entries)


@pytest.mark.parametrize("depth", [200, 100_000])
def test_what_nests_without_end_is_refused(depth: int, tmp_path: Path) -> None:
    with pytest.raises(DecodeProblem, match="nested"):
        decode_json("[" * depth + "]" * depth)
    (tmp_path / "good.json").write_text(json.dumps(DOCUMENT))
    (tmp_path / "deep.json").write_text('{"openapi": "3.0.0", "x-deep": ' + "[" * depth + "]" * depth + "}")
    catalog = read_catalog(str(tmp_path))
    assert [entry.name for entry in catalog.entries] == ["Pet Shelter"]
    assert "nested" in catalog.skipped[0].reason


def test_a_file_of_gigabytes_is_left_out_unread(tmp_path: Path) -> None:
    (tmp_path / "good.json").write_text(json.dumps(DOCUMENT))
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    catalog = read_catalog(str(tmp_path))
    assert [entry.name for entry in catalog.entries] == ["Pet Shelter"]
    assert [(row.text, row.reason) for row in catalog.skipped] == [("huge.json", f"larger than {MAX_BYTES:,} bytes")]
