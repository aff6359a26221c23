"""Finds out what a source is, from its content, and reads it with the parser for that."""

import os
import re
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from schemas.catalog import Catalog
from schemas.errors import UserError
from schemas.urls import find_scheme, holds_user, is_shortened, is_url, show_url
from tasks.network import ANYWHERE, Guard
from tasks.sources.bundled import read_bundled
from tasks.sources.decode import DecodeProblem
from tasks.sources.documents import decode_document, is_document, read_document, read_folder
from tasks.sources.drafts import ParsedSource, build_catalog
from tasks.sources.facts import clean_fact
from tasks.sources.fetch import fetch_text, read_text_file
from tasks.sources.markdown import is_markdown_list, parse_markdown
from tasks.sources.older_json import find_entries, parse_entries
from tasks.sources.toolalpaca import is_toolalpaca_list, parse_toolalpaca

BUNDLED = "bundled"
VARIABLE = "env:"
BLOCK = "block:"
"""What stands before the name of the variable, or of the Prefect Secret block, that holds a catalogue's address."""

SECRET_REMEDY = (
    "put the whole address into an environment variable and give env:NAME, or into a Prefect Secret block and give "
    "block:NAME"
)

_FORMS = "the public-apis list (Markdown or JSON), an OpenAPI document (JSON or YAML), or ToolAlpaca's test file"

_CLAIMS_FORM = re.compile(r"\A\s*[\[{]|^[\"']?(?:openapi|swagger)[\"']?\s*:", re.M)
"""Text that means to be JSON or an OpenAPI document, so that the place of its mistake is worth telling."""


def read_catalog(source: str, address: str = "", guard: Guard = ANYWHERE) -> Catalog:
    """The catalogue of a source: `bundled`, or a file, folder or URL; a URL may stand in an environment variable.

    A file or URL is the public-apis list as Markdown or as its older JSON, an OpenAPI or Swagger document as JSON or
    YAML, or a test file of ToolAlpaca; a folder holds OpenAPI documents. Which one it is, its content tells.

    `env:NAME` names the variable; `block:NAME` a Prefect Secret block, whose content is given as `address`. Of such an
    address nothing is shown but the name. `guard` says where fetching may lead.

    Raises:
        UserError: no such file, an address that does not answer, or that names a user where it would be recorded, none
            of these forms, no usable row.
    """
    check_source(source)
    if source == BUNDLED:
        return build_catalog(source, read_bundled())
    if source.startswith(VARIABLE):
        address = os.environ.get(source.removeprefix(VARIABLE), "")
    if source.startswith((VARIABLE, BLOCK)):
        address = _check_address(source, address)
        text = fetch_text(address, source, guard)
        return build_catalog(source, _parse_text(text, source, _name_host(address)))
    if is_url(source):
        shown = show_url(source)
        text = fetch_text(source, shown, guard)  # first: it also finds out whether the address is one
        stem = PurePosixPath(urlsplit(source).path).stem or _name_host(source)
        return build_catalog(shown, _parse_text(text, shown, stem))
    path = _find_path(source)
    if path.is_dir():
        return build_catalog(source, _read_documents(path, source))
    return build_catalog(source, _parse_text(read_text_file(path), source, path.stem))


def check_source(source: str) -> None:
    """See that a source may be recorded, and is no address that was.

    Raises:
        UserError: it names a user or a password, or is an address whose query was left out when it was recorded.
    """
    if holds_user(source):
        raise UserError(
            "--catalog: the address names a user or a password, and what is given here is recorded with the run; "
            f"{SECRET_REMEDY}."
        )
    if is_shortened(source):
        raise UserError(
            f"--catalog {source}: the query of this address was left out when it was recorded; give the address as it "
            f"was, or {SECRET_REMEDY}."
        )
    if source == BLOCK:
        raise UserError(
            f"--catalog {BLOCK}: no block is named; make a Secret block in Prefect's UI and give block:NAME."
        )
    if find_scheme(source) in {"http", "https", "ftp"} and not is_url(source):
        raise UserError(f"--catalog: only http:// and https:// addresses are fetched; give '{BUNDLED}', or {_FORMS}.")


def _check_address(source: str, address: str) -> str:
    """What a variable or a block holds, if it is an address. Raises UserError, which shows nothing of it."""
    if not address.strip():
        raise UserError(f"--catalog {source}: it holds nothing; set it to the http or https address of a catalogue.")
    if not is_url(address):
        raise UserError(f"--catalog {source}: it holds no http or https address; set it to that of a catalogue.")
    return address.strip()


def _name_host(address: str) -> str:
    return urlsplit(address).netloc.rpartition("@")[2]


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
