"""Finds out what a source is, from its content, and reads it with the parser for that."""

import re
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from schemas.catalog import Catalog
from schemas.errors import UserError
from tasks.sources.bundled import read_bundled
from tasks.sources.decode import DecodeProblem
from tasks.sources.documents import decode_document, is_document, read_document, read_folder
from tasks.sources.drafts import ParsedSource, build_catalog
from tasks.sources.facts import clean_fact
from tasks.sources.fetch import fetch_text, is_url, read_text_file
from tasks.sources.markdown import is_markdown_list, parse_markdown
from tasks.sources.older_json import find_entries, parse_entries
from tasks.sources.toolalpaca import is_toolalpaca_list, parse_toolalpaca

BUNDLED = "bundled"

_FORMS = "the public-apis list (Markdown or JSON), an OpenAPI document (JSON or YAML), or ToolAlpaca's test file"

_CLAIMS_FORM = re.compile(r"\A\s*[\[{]|^[\"']?(?:openapi|swagger)[\"']?\s*:", re.M)
"""Text that means to be JSON or an OpenAPI document, so that the place of its mistake is worth telling."""


def read_catalog(source: str) -> Catalog:
    """The catalogue of a source: `bundled`, or a file, folder or URL.

    A file or URL is the public-apis list as Markdown or as its older JSON, an OpenAPI or Swagger document as JSON or
    YAML, or a test file of ToolAlpaca; a folder holds OpenAPI documents. Which one it is, its content tells.

    Raises:
        UserError: no such file, an address that does not answer, none of these forms, no usable row.
    """
    if source == BUNDLED:
        return build_catalog(source, read_bundled())
    if is_url(source):
        text = fetch_text(source)  # first: it also finds out whether the address is one
        stem = PurePosixPath(urlsplit(source).path).stem or urlsplit(source).netloc
        return build_catalog(source, _parse_text(text, source, stem))
    path = _find_path(source)
    if path.is_dir():
        return build_catalog(source, _read_documents(path, source))
    return build_catalog(source, _parse_text(read_text_file(path), source, path.stem))


def _find_path(source: str) -> Path:
    try:
        path = Path(source).expanduser()
        exists = bool(source.strip()) and path.exists()
    except (OSError, RuntimeError, ValueError):  # a name too long for the file system, no home folder, a NUL in it
        exists = False
    if not exists:
        shown = clean_fact(source)[:200]
        raise UserError(f"No such file or folder: '{shown}'; give '{BUNDLED}', or a path or URL of {_FORMS}.")
    return path


def _read_documents(folder: Path, source: str) -> ParsedSource:
    parsed = read_folder(folder)
    if not parsed.drafts and not parsed.skipped:
        raise UserError(f"No usable row in {source}: the folder has no JSON or YAML file; put OpenAPI documents there.")
    return parsed


def _parse_text(text: str, source: str, stem: str) -> ParsedSource:
    opening = text.lstrip()[:200].lower()
    if opening.startswith(("<!doctype html", "<html")):
        raise UserError(f"{source} is an HTML page, not a catalogue; give the address of the raw file.")
    if not opening.startswith(("{", "[{")) and is_markdown_list(text):
        return parse_markdown(text)
    try:
        value = decode_document(text)
    except DecodeProblem as problem:
        if not _CLAIMS_FORM.search(text):
            raise UserError(f"No usable row in {source}: it is of no known form; give {_FORMS}.") from problem
        raise UserError(f"{source} cannot be read: {clean_fact(str(problem))}; give {_FORMS}.") from problem
    if is_document(value):
        return ParsedSource(drafts=[read_document(value, fallback_name=clean_fact(stem))])
    if is_toolalpaca_list(value):
        return parse_toolalpaca(value)
    entries = find_entries(value)
    if entries is not None:
        return parse_entries(entries)
    raise UserError(f"No usable row in {source}: it is of no known form; give {_FORMS}.")
