"""Makes entries of real OpenAPI documents; the document itself is checked later, by `tasks.openapi`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from schemas.catalog import Auth
from tasks.network.download import MAX_BYTES
from tasks.openapi.functions import METHODS
from tasks.sources.decode import DecodeProblem, decode_json, decode_yaml
from tasks.sources.drafts import EntryDraft, ParsedSource, RowProblem
from tasks.sources.facts import clean_fact, clean_link, shorten

DEFAULT_CATEGORY = "OpenAPI"
SUFFIXES = frozenset({".json", ".yaml", ".yml"})

_DESCRIPTION_LENGTH = 400
_AUTH_BY_TYPE: dict[str, Auth] = {"apiKey": "apiKey", "oauth2": "OAuth", "openIdConnect": "OAuth"}


def is_document(value: Any) -> bool:
    """Whether a decoded value says that it is an OpenAPI or a Swagger document."""
    return isinstance(value, dict) and ("openapi" in value or "swagger" in value)


def decode_document(text: str) -> Any:
    """The value of JSON or YAML text.

    Raises:
        DecodeProblem: neither; for text that opens as JSON does, the problem is the one of JSON.
    """
    if text.lstrip()[:1] not in ("{", "["):
        return decode_yaml(text)
    try:
        return decode_json(text)
    except DecodeProblem as problem:
        try:
            return decode_yaml(text)  # a YAML document may open with a brace as well
        except DecodeProblem:
            raise problem from None


def read_document(document: Any, fallback_name: str) -> EntryDraft:
    """The draft of one document.

    Raises:
        RowProblem: not an OpenAPI document.
    """
    if not is_document(document):
        raise RowProblem("not an OpenAPI document: it has neither an 'openapi' nor a 'swagger' field")
    info = _get_object(document, "info")
    name = _get_text(info, "title") or fallback_name
    return EntryDraft(
        name=name,
        description=shorten(_get_text(info, "description") or _get_text(info, "summary") or name, _DESCRIPTION_LENGTH),
        category=_find_category(document),
        link=_find_link(document),
        auth=_find_auth(document),
        https=_speaks_https(document),
        openapi=document,
    )


def read_folder(folder: Path) -> ParsedSource:
    """Every JSON and YAML file below a folder, by path; one that is no document is listed with its position."""
    parsed = ParsedSource()
    files = sorted(path for path in folder.rglob("*") if _is_candidate(path, folder))
    for position, path in enumerate(files, start=1):
        try:
            if path.stat().st_size > MAX_BYTES:
                raise RowProblem(f"larger than {MAX_BYTES:,} bytes")
            text = path.read_text(encoding="utf-8-sig")
            parsed.drafts.append(read_document(decode_document(text), fallback_name=path.stem))
        except (RowProblem, DecodeProblem) as problem:
            parsed.skip(position, path.relative_to(folder).as_posix(), str(problem))
        except UnicodeDecodeError:
            parsed.skip(position, path.relative_to(folder).as_posix(), "not UTF-8 text")
        except OSError as error:
            parsed.skip(position, path.relative_to(folder).as_posix(), error.strerror or str(error))
    return parsed


def _is_candidate(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return not hidden and path.suffix.lower() in SUFFIXES and path.is_file()


def _get_object(value: Any, key: str) -> dict[str, Any]:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def _get_list(value: dict[str, Any], key: str) -> list[Any]:
    found = value.get(key)
    return found if isinstance(found, list) else []


def _get_text(value: Any, key: str) -> str:
    found = value.get(key) if isinstance(value, dict) else None
    return clean_fact(found) if isinstance(found, str) else ""


def _list_operation_tags(document: dict[str, Any]) -> Iterator[str]:
    for path_item in _get_object(document, "paths").values():
        for method, operation in path_item.items() if isinstance(path_item, dict) else ():
            if method in METHODS and isinstance(operation, dict):
                yield from (clean_fact(tag) for tag in _get_list(operation, "tags") if isinstance(tag, str))


def _find_category(document: dict[str, Any]) -> str:
    declared = (_get_text(tag, "name") for tag in _get_list(document, "tags"))
    return next(filter(None, declared), "") or next(filter(None, _list_operation_tags(document)), DEFAULT_CATEGORY)


def _list_server_urls(document: dict[str, Any]) -> list[str]:
    host = _get_text(document, "host")
    schemes = [s for s in _get_list(document, "schemes") if isinstance(s, str)] or ["https"]
    swagger = [f"{scheme}://{host}{_get_text(document, 'basePath')}" for scheme in schemes] if host else []
    return swagger or [url for server in _get_list(document, "servers") if (url := _get_text(server, "url"))]


def _find_link(document: dict[str, Any]) -> str:
    contact = _get_object(_get_object(document, "info"), "contact")
    places = (_get_text(_get_object(document, "externalDocs"), "url"), _get_text(contact, "url"))
    return clean_link(next((u for u in (*places, *_list_server_urls(document)) if u.startswith("http")), ""))


def _speaks_https(document: dict[str, Any]) -> bool:
    urls = _list_server_urls(document)
    return not urls or any(not url.lower().startswith("http://") for url in urls)


def _find_auth(document: dict[str, Any]) -> Auth:
    """The first scheme that the document defines; what an operation in particular asks for is not looked at."""
    schemes = _get_object(_get_object(document, "components"), "securitySchemes")
    for scheme in (schemes or _get_object(document, "securityDefinitions")).values():
        kind = _get_text(scheme, "type")
        if kind:
            return _AUTH_BY_TYPE.get(kind, "other")
    return "none"
