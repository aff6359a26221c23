"""What an entry says of an OpenAPI or Swagger document: name, category, link, HTTPS and auth."""

from typing import Any

import pytest

from schemas.catalog import Auth
from tasks.sources.documents import decode_document, is_document, read_document
from tasks.sources.drafts import EntryDraft, RowProblem


def read(**fields: Any) -> EntryDraft:
    return read_document({"openapi": "3.1.0", **fields}, fallback_name="file")


@pytest.mark.parametrize(
    ("value", "is_one"),
    [
        ({"openapi": "3.0.0"}, True), ({"swagger": "2.0"}, True), ({"OpenAPI": 1}, False), (["openapi"], False),
        ("openapi", False),
    ],
)  # fmt: skip
def test_a_document_says_that_it_is_one(value: Any, is_one: bool) -> None:
    assert is_document(value) is is_one
    if not is_one:
        with pytest.raises(RowProblem, match="neither an 'openapi' nor a 'swagger' field"):
            read_document(value, "file")


@pytest.mark.parametrize(
    ("text", "value"),
    [("{a: 1}", {"a": 1}), ('[{"a": 1}]', [{"a": 1}]), (' \n{"a": 1}', {"a": 1}), ("a: 1", {"a": 1})],
)
def test_text_is_json_where_it_opens_so_and_else_yaml(text: str, value: Any) -> None:
    assert decode_document(text) == value


@pytest.mark.parametrize(
    ("info", "name", "description"),
    [
        ({"title": " A\n B ", "description": "D", "summary": "S"}, "A B", "D"),
        ({"title": "A", "summary": "S"}, "A", "S"),
        ({"title": "A"}, "A", "A"),
        ({"title": 1, "description": ["x"]}, "file", "file"),
        ({"description": "d" * 400}, "file", "d" * 400),
        ({"description": "d" * 401}, "file", "d" * 399 + "…"),
        (None, "file", "file"),
    ],
    ids=["all", "summary", "title", "no text", "just fits", "too long", "no info"],
)
def test_name_and_description_are_those_of_info(info: Any, name: str, description: str) -> None:
    draft = read(info=info)
    assert (draft.name, draft.description) == (name, description)


@pytest.mark.parametrize(
    ("fields", "category"),
    [
        ({"tags": [{"name": "Pets"}, {"name": "Shops"}], "paths": {"/a": {"get": {"tags": ["Other"]}}}}, "Pets"),
        ({"tags": [{}, {"name": "Shops"}]}, "Shops"),
        ({"tags": [], "paths": {"/a": {"get": {"tags": ["", "Other"]}}}}, "Other"),
        ({"paths": {"/a": {"x-note": {"tags": ["No"]}, "post": {"tags": [1, "Other"]}}}}, "Other"),
        ({"paths": {"/a": {"get": {}}, "/b": {"patch": {"tags": ["Other"]}}}}, "Other"),
        ({"paths": {"/a": ["get"], "/b": {"get": "x"}}, "tags": "Pets"}, "OpenAPI"),
        ({}, "OpenAPI"),
    ],
)
def test_the_category_is_the_first_tag_declared_or_used(fields: dict[str, Any], category: str) -> None:
    assert read(**fields).category == category


DOCS = {"externalDocs": {"url": "https://docs.example/?utm_source=x"}}
CONTACT = {"info": {"contact": {"url": "https://contact.example"}}}
SERVERS = {"servers": [{"url": "/v1"}, {"url": "https://api.example/v1"}]}


@pytest.mark.parametrize(
    ("fields", "link"),
    [
        ({**DOCS, **CONTACT, **SERVERS}, "https://docs.example/"),
        ({**CONTACT, **SERVERS}, "https://contact.example"),
        (SERVERS, "https://api.example/v1"),
        ({"externalDocs": {"url": "docs.html"}, **SERVERS}, "https://api.example/v1"),
        ({"servers": [{"url": "/v1"}]}, ""),
        ({"servers": "https://api.example"}, ""),
        ({"host": "a.example", "basePath": "/v2", "schemes": ["http", "https"]}, "http://a.example/v2"),
        ({"host": "a.example", "schemes": [1]}, "https://a.example"),
        ({"host": "a.example", **SERVERS}, "https://a.example"),
        ({}, ""),
    ],
)
def test_the_link_leads_to_the_documentation_the_contact_or_the_server(fields: dict[str, Any], link: str) -> None:
    assert read(**fields).link == link


@pytest.mark.parametrize(
    ("fields", "speaks"),
    [
        ({}, True),
        ({"servers": [{"url": "http://a.example"}]}, False),
        ({"servers": [{"url": "HTTP://a.example"}]}, False),
        ({"servers": [{"url": "http://a.example"}, {"url": "https://a.example"}]}, True),
        ({"servers": [{"url": "/v1"}]}, True),
        ({"host": "a.example", "schemes": ["http"]}, False),
        ({"host": "a.example"}, True),
    ],
)
def test_a_document_speaks_https_unless_all_its_servers_do_without(fields: dict[str, Any], speaks: bool) -> None:
    assert read(**fields).https is speaks


@pytest.mark.parametrize(
    ("schemes", "auth"),
    [
        ({"a": {"type": "apiKey"}, "b": {"type": "oauth2"}}, "apiKey"),
        ({"b": {"type": "oauth2"}, "a": {"type": "apiKey"}}, "OAuth"),
        ({"a": {"type": "openIdConnect"}}, "OAuth"),
        ({"a": {"type": "http"}}, "other"),
        ({"a": {}, "b": {"type": "apiKey"}}, "apiKey"),
        ({"a": {}}, "none"),
        ({}, "none"),
        (None, "none"),
    ],
)
def test_auth_is_the_first_scheme_that_is_defined(schemes: Any, auth: Auth) -> None:
    assert read(components={"securitySchemes": schemes}).auth == auth
    assert read(securityDefinitions=schemes).auth == auth


def test_a_document_of_today_is_not_read_by_the_fields_of_yesterday() -> None:
    draft = read(components={"securitySchemes": {"a": {"type": "http"}}}, securityDefinitions={"b": {"type": "apiKey"}})
    assert draft.auth == "other"
