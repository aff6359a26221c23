"""Where a teacher is: the endpoint's name, its client, its key, and the recipe that results depend on."""

import logging
import os
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

import httpx2
import openai
from pydantic import SecretStr

from schemas.base import Json
from schemas.errors import UserError
from schemas.teacher import VARIABLE, TeacherSettings
from tasks.completions.keys import strip_credentials
from tasks.network import find_proxy
from tasks.teacher import in_process
from tasks.teacher.bounded_body import bound_body
from tasks.teacher.lean import LeanClient
from tasks.teacher.presets import find_preset
from tasks.teacher.time_limit import allow_stream

OPENAI_ADDRESS = "https://api.openai.com/v1"
_AZURE = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")
_KEEP_ALIVE_S = 3.0
"""Connections that have rested for so long are not used again. Servers close them too, uvicorn (and so vLLM) after 5 s:
with the SDK's own 5 s a request often goes out on a connection that is just being closed."""

_NO_KEY = "none"
"""Sent where no key is set: servers of one's own (vLLM, Ollama) want the header and not its value."""

_BLOCK = "block:"

# One line a request at INFO, which Prefect would send to its server.
logging.getLogger("httpx2").setLevel(logging.WARNING)


class Credentials(SecretStr):
    """An API key, and the headers that go with it: `hidden` are the values of those that are secret as well."""

    def __init__(self, key: str, headers: Mapping[str, str] | None = None, hidden: Iterable[str] = ()) -> None:
        super().__init__(key)
        self.headers = dict(headers or {})
        self.hidden = tuple(value for value in hidden if value)


def scrub(text: str, key: SecretStr) -> str:
    """A text without the key, and without other secrets that go with it."""
    hidden = key.hidden if isinstance(key, Credentials) else ()
    for secret in (key.get_secret_value(), *hidden):
        text = text.replace(secret, "***") if secret else text
    return text


def name_endpoint(settings: TeacherSettings) -> str:
    """The endpoint as keys, prices and recipes name it: without credentials and query.

    The embedded teacher's name holds its version and error rate, for its answers depend on both.
    """
    if settings.is_embedded:
        rate = f"?error_rate={settings.error_rate:g}" if settings.error_rate else ""
        return f"embedded:{in_process.read_version()}{rate}"
    return strip_credentials(find_address(settings))


def build_recipe(settings: TeacherSettings) -> dict[str, Json]:
    """What results depend on: endpoint, model, sampling; not concurrency, time-outs or attempts.

    What joined later stands in it only where it is set, so that the recipes of those who set nothing stay as they are.
    """
    recipe: dict[str, Json] = {
        "endpoint": name_endpoint(settings),
        "model": settings.model,
        "temperature": settings.temperature,
    }
    if settings.is_embedded:
        recipe["error_rate"] = settings.error_rate
    more: dict[str, Json] = {
        "top_p": settings.top_p,
        "reasoning_effort": settings.reasoning_effort,
        "extra_body": settings.extra_body,
        "written_calls": "" if settings.written_calls == "auto" else settings.written_calls,
        "fallback": [one.model_dump(mode="json", exclude_none=True) for one in settings.fallback],
    }
    return recipe | {name: value for name, value in more.items() if value not in (None, "", {}, [])}


def gather_secrets(all_settings: Iterable[TeacherSettings], blocks: Mapping[str, str]) -> dict[str, str]:
    """What the environment variables hold from which keys and headers come, by `env:NAME`; `blocks`, by `block:NAME`.

    Raises:
        UserError: as for `read_key`.
    """
    found = dict(blocks)
    for settings in all_settings:
        read_key(settings, found)
        names = [value for value in settings.extra_headers.values() if value.startswith(VARIABLE)]
        if settings.api_key_block is None:
            names.append(VARIABLE + settings.api_key_env)
        found |= {name: os.environ.get(name.removeprefix(VARIABLE), "").strip() for name in names if name not in found}
    return found


def read_key(settings: TeacherSettings, secrets: Mapping[str, str] | None = None) -> Credentials:
    """The API key, empty where none is set and the endpoint is one's own, and the headers that go with it.

    `secrets` are those of `gather_secrets`; what they do not hold is read from the environment.

    Raises:
        UserError: OpenAI itself is to be asked and no key is set, or a variable that a header names is not set.
    """
    if settings.is_embedded:
        return Credentials("")
    given = secrets or {}

    def read(name: str) -> str:
        return given[name] if name in given else os.environ.get(name.removeprefix(VARIABLE), "").strip()

    if settings.api_key_block is not None:
        key = given.get(_BLOCK + settings.api_key_block, "")
    else:
        key = read(VARIABLE + settings.api_key_env)
    if not key and settings.api_key_block is None and _needs_key(settings):
        raise UserError(
            f"the environment variable {settings.api_key_env} holds no API key for {name_endpoint(settings)}: set it, "
            "name another with --teacher.api_key_env, or take the embedded teacher with --teacher.model offline"
        )
    headers, hidden = {}, []
    for name, value in settings.extra_headers.items():
        headers[name] = value
        if value.startswith(VARIABLE):
            headers[name] = read(value)
            hidden.append(headers[name])
            if not headers[name].isprintable() or not headers[name].isascii() or not headers[name]:
                raise UserError(
                    f"the environment variable {value.removeprefix(VARIABLE)}, which is to be sent as the header "
                    f"{name}, {'holds no text for a header' if headers[name] else 'is not set'}: set it"
                )
    return Credentials(key, headers, hidden)


def open_client(settings: TeacherSettings, secret: SecretStr) -> openai.AsyncOpenAI:
    """The SDK's client: in process for the embedded teacher, over aiohttp (a third of the CPU) for any other.

    A proxy that the environment names is used, and the certificate authorities that SSL_CERT_FILE or SSL_CERT_DIR name.
    """
    if settings.is_embedded:
        return in_process.open_embedded(settings.error_rate)
    address = find_address(settings)
    key = secret.get_secret_value()
    headers: dict[str, str | openai.Omit] = {}
    if key and takes_azure_key(settings):
        headers = {"api-key": key, "Authorization": openai.Omit()}
    if isinstance(secret, Credentials):
        headers |= {_spell_header(name): value for name, value in secret.headers.items()}
    return LeanClient(
        api_key=key or _NO_KEY,
        base_url=address,
        default_headers=headers,
        default_query={"api-version": settings.api_version} if settings.api_version else None,
        max_retries=0,  # retries live in tasks/teacher/sending/retries.py
        timeout=settings.timeout_s,
        http_client=openai.DefaultAioHttpClient(
            limits=httpx2.Limits(max_connections=max(1000, 2 * settings.concurrency), keepalive_expiry=_KEEP_ALIVE_S),
            follow_redirects=False,  # prompts go to the address that the user named and to no other
            event_hooks={"response": [bound_body, allow_stream]},
            verify=httpx2.create_ssl_context(),
            proxy=find_proxy(address),
            trust_env=False,  # which proxy is ours to say: the same as for downloads
        ),
    )


def find_address(settings: TeacherSettings) -> str:
    """The address to which the paths of calls are added.

    Azure's pages show that of a resource; requests go to its `/openai/v1`, or, with an api-version, to the deployment
    that has the model's name.
    """
    address = settings.base_url or os.environ.get("OPENAI_BASE_URL", "").strip() or OPENAI_ADDRESS
    url = urlsplit(address)
    if (url.hostname or "").endswith(_AZURE) and url.path in ("", "/", "/openai", "/openai/"):
        path = f"openai/deployments/{settings.model}" if settings.api_version else "openai/v1"
        return f"{url.scheme}://{url.netloc}/{path}"
    return address


def takes_azure_key(settings: TeacherSettings) -> bool:
    """Whether the key goes into Azure's header: there alone, or behind a gateway that wants its api-version."""
    host = urlsplit(find_address(settings)).hostname or ""
    return host.endswith(_AZURE) or settings.api_version is not None


def is_openais(settings: TeacherSettings) -> bool:
    """Whether it is OpenAI's own API, at its address or at Azure."""
    address = find_address(settings)
    return address.startswith(OPENAI_ADDRESS) or (urlsplit(address).hostname or "").endswith(_AZURE)


def _needs_key(settings: TeacherSettings) -> bool:
    """Whether nothing is answered there without a key, as far as is known."""
    preset = find_preset(settings)
    if preset is not None and preset.needs_key and preset.base_url in (None, settings.base_url):
        return True
    return find_address(settings).startswith(OPENAI_ADDRESS)


def _spell_header(name: str) -> str:
    """The name as the SDK spells it, so that the user's value takes the place of the SDK's."""
    return "Authorization" if name.lower() == "authorization" else name
