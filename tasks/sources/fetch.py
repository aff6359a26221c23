"""Gets the text of a source from a file or a URL, of neither more than MAX_BYTES."""

from pathlib import Path

from schemas.errors import UserError
from schemas.urls import is_url as is_url
from schemas.urls import show_url
from tasks.network import ANYWHERE, DownloadError, Guard, download
from tasks.network.download import MAX_BYTES
from tasks.sources.facts import clean_fact, shorten

_PROBLEM_LENGTH = 300


def fetch_text(url: str, shown: str = "", guard: Guard = ANYWHERE) -> str:
    """The text at a URL, fetched within the limits of `tasks.network.download`; `shown` is what errors call it.

    Raises:
        UserError: no answer, one that is not a success, is too large or too slow, or lies where the guard lets nobody.
    """
    shown = shown or show_url(url)
    try:
        content = download(url, guard)
    except DownloadError as error:
        problem = shorten(clean_fact(str(error)), _PROBLEM_LENGTH)
        raise UserError(
            f"Cannot fetch {shown}: {problem}; check the address and the network, or give a downloaded file."
        ) from error
    return _decode_text(content, shown)


def read_text_file(path: Path) -> str:
    """The text of a file.

    Raises:
        UserError: it cannot be read, is too large, or is not UTF-8.
    """
    try:
        content = _read_file(path)
    except OSError as error:
        problem = error.strerror or str(error)
        raise UserError(f"Cannot read {path}: {problem}; check the path and its permissions.") from error
    if content is None:
        raise UserError(f"{path} is larger than {MAX_BYTES:,} bytes; give a part of it, or a folder of its documents.")
    return _decode_text(content, str(path))


def _read_file(path: Path) -> bytes | None:
    """All of a file, None where it is too large. Raises OSError."""
    if path.is_file():
        return path.read_bytes() if path.stat().st_size <= MAX_BYTES else None
    with path.open("rb") as file:  # a pipe or a device, which may have no end
        content = file.read(MAX_BYTES + 1)
    return content if len(content) <= MAX_BYTES else None


def _decode_text(content: bytes, source: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{source} is not UTF-8 text (byte {error.start}); save it as UTF-8 Markdown, JSON or YAML."
        ) from error
