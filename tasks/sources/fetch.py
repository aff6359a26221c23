"""Gets the text of a source from a file or a URL."""

from pathlib import Path

import httpx

from schemas.errors import UserError
from tasks.sources.facts import clean_fact

TIMEOUT_S = 30.0


def is_url(source: str) -> bool:
    """Whether the source is fetched rather than opened."""
    return source.lower().startswith(("http://", "https://"))


def fetch_text(url: str) -> str:
    """The text at a URL, redirects followed, within 30 seconds a read.

    Raises:
        UserError: no answer, or one that is not a success.
    """
    try:
        answer = httpx.get(url, timeout=TIMEOUT_S, follow_redirects=True)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        problem = clean_fact(str(error)) or type(error).__name__
        raise UserError(
            f"Cannot fetch {url}: {problem}; check the address and the network, or give a downloaded file."
        ) from error
    if not answer.is_success:
        raise UserError(
            f"Cannot fetch {url}: HTTP status {answer.status_code}; check the address, or give a downloaded file."
        )
    return _decode_text(answer.content, url)


def read_text_file(path: Path) -> str:
    """The text of a file.

    Raises:
        UserError: it cannot be read, or is not UTF-8.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        problem = error.strerror or str(error)
        raise UserError(f"Cannot read {path}: {problem}; check the path and its permissions.") from error
    return _decode_text(content, str(path))


def _decode_text(content: bytes, source: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{source} is not UTF-8 text (byte {error.start}); save it as UTF-8 Markdown, JSON or YAML."
        ) from error
