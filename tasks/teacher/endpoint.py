"""Where the teacher is: the endpoint's name, its client, its key, and the recipe that results depend on."""

import logging
import os

import httpx2
import openai
from pydantic import SecretStr

from schemas.base import Json
from schemas.errors import UserError
from schemas.teacher import TeacherSettings
from tasks.completions.keys import strip_credentials
from tasks.teacher import in_process
from tasks.teacher.bounded_body import bound_body
from tasks.teacher.lean import LeanClient

OPENAI_ADDRESS = "https://api.openai.com/v1"
_KEEP_ALIVE_S = 3.0
"""Connections that have rested for so long are not used again. Servers close them too, uvicorn (and so vLLM) after 5 s:
with the SDK's own 5 s a request often goes out on a connection that is just being closed."""

_NO_KEY = "none"
"""Sent where no key is set: servers of one's own (vLLM, Ollama) want the header and not its value."""

# One line a request at INFO, which Prefect would send to its server.
logging.getLogger("httpx2").setLevel(logging.WARNING)


def scrub(text: str, key: SecretStr) -> str:
    """A text without the key."""
    return text.replace(key.get_secret_value(), "***") if key else text


def name_endpoint(settings: TeacherSettings) -> str:
    """The endpoint as keys, prices and recipes name it: without credentials and query.

    The embedded teacher's name holds its version and error rate, for its answers depend on both.
    """
    if settings.is_embedded:
        rate = f"?error_rate={settings.error_rate:g}" if settings.error_rate else ""
        return f"embedded:{in_process.read_version()}{rate}"
    return strip_credentials(_find_address(settings))


def build_recipe(settings: TeacherSettings) -> dict[str, Json]:
    """What results depend on: endpoint, model, sampling; not concurrency, time-outs or attempts."""
    recipe: dict[str, Json] = {
        "endpoint": name_endpoint(settings),
        "model": settings.model,
        "temperature": settings.temperature,
    }
    if settings.is_embedded:
        recipe["error_rate"] = settings.error_rate
    return recipe


def read_key(settings: TeacherSettings) -> SecretStr:
    """The API key from the environment; empty where none is set and the endpoint is one's own.

    Raises:
        UserError: OpenAI itself is to be asked and no key is set.
    """
    if settings.is_embedded:
        return SecretStr("")
    key = os.environ.get(settings.api_key_env, "").strip()
    if not key and _find_address(settings).startswith(OPENAI_ADDRESS):
        raise UserError(
            f"the environment variable {settings.api_key_env} holds no API key for {OPENAI_ADDRESS}: set it, name "
            "another with --teacher.api_key_env, or take the embedded teacher with --teacher.model offline"
        )
    return SecretStr(key)


def open_client(settings: TeacherSettings, secret: SecretStr) -> openai.AsyncOpenAI:
    """The SDK's client: in process for the embedded teacher, over aiohttp (a third of the CPU) for any other."""
    if settings.is_embedded:
        return in_process.open_embedded(settings.error_rate)
    return LeanClient(
        api_key=secret.get_secret_value() or _NO_KEY,
        base_url=_find_address(settings),
        max_retries=0,  # retries live in tasks/teacher/sending/retries.py
        timeout=settings.timeout_s,
        http_client=openai.DefaultAioHttpClient(
            limits=httpx2.Limits(max_connections=max(1000, 2 * settings.concurrency), keepalive_expiry=_KEEP_ALIVE_S),
            follow_redirects=False,  # prompts go to the address that the user named and to no other
            event_hooks={"response": [bound_body]},
        ),
    )


def _find_address(settings: TeacherSettings) -> str:
    return settings.base_url or os.environ.get("OPENAI_BASE_URL", "").strip() or OPENAI_ADDRESS
