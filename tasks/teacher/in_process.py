"""The embedded teacher as an endpoint: the SDK's client over the app in process, with no socket in between.

The only module here that knows of `tasks/embedded`.
"""

import hashlib
from functools import cache
from pathlib import Path

import httpx2
import openai
from starlette.types import ASGIApp

from tasks.teacher.lean import LeanClient

ADDRESS = "http://embedded/v1"
"""Never looked up: the transport hands every request to the app."""

_TASKS = Path(__file__).resolve().parents[1]


def open_embedded(error_rate: float) -> openai.AsyncOpenAI:
    """A client of the embedded teacher, which errs in a share `error_rate` of its answers."""
    from tasks.embedded.app import create_app  # not needed, and its knowledge not loaded, with another teacher

    return connect_app(create_app(error_rate=error_rate))


def connect_app(app: ASGIApp) -> openai.AsyncOpenAI:
    """A client of an OpenAI-compatible ASGI app in this process."""
    transport = httpx2.ASGITransport(app=app)
    return LeanClient(
        api_key="offline",
        base_url=ADDRESS,
        max_retries=0,  # retries live in tasks/teacher/sending/retries.py
        http_client=openai.DefaultAsyncHttpxClient(transport=transport, trust_env=False, follow_redirects=False),
    )


@cache
def read_version() -> str:
    """A hash of the code and the knowledge that the embedded teacher answers from: its model version.

    Part of its endpoint's name, because an answer that was stored before an edit is no answer of the edited teacher.
    """
    digest = hashlib.sha256()
    for folder in ("embedded", "values"):
        files = (path for path in (_TASKS / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        for path in sorted(files, key=lambda path: path.relative_to(_TASKS).as_posix()):
            digest.update(f"{path.relative_to(_TASKS).as_posix()}\n".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]
