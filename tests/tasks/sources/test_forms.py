"""Which form a source is of, and what each form makes of rows that are nearly right."""

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import UserError
from tasks.sources import read_catalog
from tasks.sources.drafts import EntryDraft, ParsedSource, RowProblem, build_catalog, require_text
from tasks.sources.fetch import is_url
from tasks.sources.older_json import find_entries, parse_entries
from tasks.sources.toolalpaca import is_toolalpaca_list, parse_toolalpaca

DOCUMENT = {"openapi": "3.1.0", "info": {"title": "T", "description": "From the document"},
            "externalDocs": {"url": "https://docs.example"}}  # fmt: skip
ENTRY = {"API": "A", "Description": "d", "HTTPS": True, "Category": "C"}


@pytest.mark.parametrize(
    ("value", "entries"),
    [
        ({"entries": [1]}, [1]),
        ({"entries": []}, []),
        ({"entries": {}}, None),
        ({"count": 1}, None),
        ([1, ENTRY], [1, ENTRY]),
        ([1, {"Name": "A"}], None),
        ([], None),
        ("entries", None),
    ],
)
def test_the_older_form_is_a_list_of_entries(value: Any, entries: Any) -> None:
    assert find_entries(value) == entries


def test_an_entry_of_the_older_form_is_read_field_by_field() -> None:
    odd = {
        **ENTRY,
        "API": " B\n",
        "Auth": "apiKey",
        "HTTPS": "no",
        "Cors": "YES",
        "Link": " https://b.example/?utm_x=1 ",
    }
    assert parse_entries([odd, {**ENTRY, "Auth": None, "Cors": None, "Link": None}]).drafts == [
        EntryDraft(
            name="B", description="d", category="C", link="https://b.example/", auth="apiKey", https=False, cors="yes"
        ),
        EntryDraft(name="A", description="d", category="C"),
    ]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"API": None}, "no name"),
        ({"Description": " "}, "no description"),
        ({"Category": ""}, "no category"),
        ({"HTTPS": None}, "HTTPS is '', neither true nor false"),
        ({"Cors": "perhaps"}, "Cors is 'perhaps', none of yes, no and unknown"),
    ],
)
def test_an_entry_of_the_older_form_that_cannot_be_read_is_told_why(change: dict[str, Any], reason: str) -> None:
    parsed = parse_entries([ENTRY, {**ENTRY, **change}])
    assert len(parsed.drafts) == 1
    ((line, text, told),) = [(row.line, row.text, row.reason) for row in parsed.skipped]
    assert (line, told) == (2, reason)
    assert json.loads(text) == {**ENTRY, **change}


@pytest.mark.parametrize(
    ("value", "is_list"),
    [([1, {"Documentation": ""}], True), ([{"documentation": ""}], False), ({"Documentation": ""}, False), ([], False)],
)
def test_toolalpacas_form_is_a_list_in_which_there_is_documentation(value: Any, is_list: bool) -> None:
    assert is_toolalpaca_list(value) is is_list


@pytest.mark.parametrize(
    ("fields", "description", "link"),
    [
        ({"Description": "D", "Link": "https://l.example"}, "D", "https://l.example"),
        ({"Description": " ", "Link": None}, "From the document", "https://docs.example"),
        ({}, "From the document", "https://docs.example"),
    ],
)
def test_toolalpacas_own_words_come_before_the_documents(fields: dict[str, Any], description: str, link: str) -> None:
    api = {"Name": "N", "Category": "C", "Documentation": json.dumps(DOCUMENT), **fields}
    (draft,) = parse_toolalpaca([api]).drafts
    assert draft == EntryDraft(name="N", description=description, category="C", link=link, openapi=DOCUMENT)


@pytest.mark.parametrize(
    ("api", "text", "reason"),
    [
        ("text", "text", "not an object"),
        ({"Category": "C"}, "", "no name"),
        ({"Name": "N"}, "N", "no category"),
        ({"Name": "N", "Category": "C", "Documentation": {}}, "N", "Documentation is no text"),
    ],
)
def test_an_api_of_toolalpacas_form_that_cannot_be_read_is_told_why(api: Any, text: str, reason: str) -> None:
    parsed = parse_toolalpaca([api])
    assert not parsed.drafts
    assert [(row.line, row.text, row.reason) for row in parsed.skipped] == [(1, text, reason)]


def test_the_first_field_that_is_empty_is_named() -> None:
    require_text((("name", "a"), ("category", "b")))
    with pytest.raises(RowProblem, match=r"^no category$"):
        require_text((("name", "a"), ("category", ""), ("link", "")))


def test_a_row_that_is_left_out_is_shown_in_short() -> None:
    parsed = ParsedSource()
    parsed.skip(3, "x" * 200, "a\nb")
    parsed.skip(4, "x" * 201, "c")
    assert [(row.line, len(row.text), row.reason) for row in parsed.skipped] == [(3, 200, "a b"), (4, 200, "c")]
    assert parsed.skipped[1].text.endswith("…")


def test_a_catalogue_keeps_all_that_is_known_of_an_entry() -> None:
    drafts = [EntryDraft("A b", "d", "C", "l", "OAuth", False, "no", {"x": 1}), EntryDraft("A b", "e", "C")]
    parsed = ParsedSource(drafts=drafts)
    parsed.skip(1, "x", "y")
    catalog = build_catalog("made", parsed)
    first, second = catalog.entries
    assert first.model_dump() == {
        "id": "a-b", "name": "A b", "description": "d", "category": "C", "link": "l", "auth": "OAuth", "https": False,
        "cors": "no", "openapi": {"x": 1},
    }  # fmt: skip
    assert second.id.startswith("a-b-")
    assert (catalog.source, len(catalog.skipped)) == ("made", 1)


def test_a_source_without_an_entry_says_how_many_rows_were_left_out_and_why() -> None:
    parsed = ParsedSource()
    with pytest.raises(UserError, match=r"^No usable row in made: it lists no API; public-apis Markdown needs"):
        build_catalog("made", parsed)
    parsed.skip(7, "x", "y")
    parsed.skip(8, "z", "y")
    with pytest.raises(UserError, match=r"^No usable row in made: 2 left out, the first at 7 \(x\) for: y\.$"):
        build_catalog("made", parsed)


@pytest.mark.parametrize(
    ("source", "is_one"),
    [("http://a", True), ("HTTPS://a", True), ("ftp://a", False), ("httpx", False), ("/http://", False)],
)
def test_what_is_fetched_is_named_by_http(source: str, is_one: bool) -> None:
    assert is_url(source) is is_one


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("﻿openapi: 3.1.0", "document"),
        ("# a comment\nopenapi: 3.1.0\ninfo: {description: '| a |'}", "document"),
        ('{"openapi": "3.1.0", "info": {"description": "# A\\n| a |"}}', "document"),
        ('[{"API": "A", "Description": "d", "HTTPS": true, "Category": "C"}]', "older"),
        ("# L\n### C\n[A](b) | d | No | Yes | No", "markdown"),
    ],
    ids=["byte order mark", "a comment", "tables in it", "a plain list", "rows without a bar"],
)
def test_a_file_is_read_by_what_is_in_it(tmp_path: Path, text: str, form: str) -> None:
    path = tmp_path / "source"
    path.write_text(text, encoding="utf-8")
    (entry,) = read_catalog(str(path)).entries
    assert (entry.name, entry.openapi is not None) == ("source" if form == "document" else "A", form == "document")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("<HTML>", "is an HTML page, not a catalogue"),
        ("'openapi' : [", "cannot be read: not YAML"),
        ("x: [", "it is of no known form"),
        ("just words", "it is of no known form"),
        (" {", "cannot be read: not JSON"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_its_mistake_if_it_claims_a_form(
    tmp_path: Path, text: str, line: str
) -> None:
    (tmp_path / "source").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=line):
        read_catalog(str(tmp_path / "source"))


def test_a_file_that_cannot_be_opened_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "source"
    path.write_text("x")

    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(UserError, match=r"Cannot read .*source: Permission denied; check the path and its permissions"):
        read_catalog(str(path))


def test_a_folder_in_which_nothing_can_be_read_lists_it(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(UserError, match=r"1 left out, the first at 1 \(a.json\) for: not an OpenAPI document"):
        read_catalog(str(tmp_path))


def test_a_folder_of_a_users_home_may_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "a.JSON").write_text(json.dumps(DOCUMENT))
    assert [entry.name for entry in read_catalog("~/specs").entries] == ["T"]
