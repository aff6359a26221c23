"""Which models answer while data is made, and how they are asked: part of every flow's parameters."""

import json
import re
from collections.abc import Mapping
from typing import Any, Literal, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import Field, GetJsonSchemaHandler, model_validator

from schemas.base import Json, Parameters
from schemas.calls import ROLES, Role, Stage

VARIABLE = "env:"
"""Before the name of an environment variable, where a header's value must be kept secret."""

_MOST_TOKENS = 16_384
"""Room for the longest thoughts, and no more than the smallest limit that many of today's models have."""

_JSON_FIELDS = ("extra_body", "extra_headers", "fallback", "max_tokens")
"""Given on the command line as JSON. What is wrong with them is told of their group, so that no value is shown."""

_OF_ADDRESS = frozenset(
    {"base_url", "api_version", "api_key_env", "api_key_block", "extra_headers", "fallback", "preset", "caching"}
)
_OF_ACCOUNT = frozenset({"concurrency", "rpm", "tpm", "stream"})
_OF_TEACHER = frozenset({"batch", "error_rate"})

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SECRET_HEADER = re.compile(r"auth|key|token|secret|cookie|password|credential|session", re.IGNORECASE)
_OWN_HEADERS = frozenset({"host", "content-length", "content-type", "transfer-encoding", "connection"})


class TokenLimits(Parameters):
    """The most tokens of one answer, thoughts included, by what is asked for; None leaves it to the endpoint.

    There to end a model that goes on without end, not to keep answers short: what is cut off is no answer.
    """

    document: int | None = Field(_MOST_TOKENS, ge=1, description="most tokens of an API's documentation")
    specify: int | None = Field(_MOST_TOKENS, ge=1, description="most tokens of a part of its OpenAPI document")
    instruct: int | None = Field(_MOST_TOKENS, ge=1, description="most tokens of some instructions")
    assistant: int | None = Field(_MOST_TOKENS, ge=1, description="most tokens of a turn of the assistant")
    user: int | None = Field(8_192, ge=1, description="most tokens of a user's reply")
    simulator: int | None = Field(4_096, ge=1, description="most tokens of an API's answer")
    judge: int | None = Field(8_192, ge=1, description="most tokens of a judge's verdict")

    def find(self, stage: Stage, role: Role) -> int | None:
        """The limit of a request. A probe has that of what the assistant does, which it tries."""
        if stage == "probe":
            return self.assistant
        name = role if stage == "simulate" and role != "teacher" else stage
        limit: int | None = getattr(self, name, None)
        return limit


class Fallback(Parameters):
    """Where to go on when the endpoint before is given up; the model is the same where none is named."""

    preset: str | None = None
    base_url: str | None = None
    model: str | None = None
    api_key_env: str | None = None
    api_version: str | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.preset is None and self.base_url is None:
            raise ValueError("a fall-back names a base_url or a preset")
        return self


class TeacherSettings(Parameters):
    """The teacher and how hard it may be asked.

    `model` "offline" without `base_url` is the embedded teacher, in process. `base_url` is an OpenAI-compatible
    endpoint up to and including `/v1`; without it that of `preset` holds, then the SDK's own environment variable
    OPENAI_BASE_URL, then OpenAI's address. `api_key_env` names the environment variable that holds the key,
    `api_key_block` a Prefect Secret block that does; the key itself is never a parameter. `extra_headers` are sent with
    each request; a value `env:NAME` is that of the environment variable. `fallback` are endpoints to go on with, in
    order, where one is given up.

    `temperature` None leaves it to the endpoint; so do `top_p` None and an empty `reasoning_effort`. `extra_body` is
    merged into each request's body last; null takes a parameter out.

    `concurrency` is the most requests in flight: how many there are is found by what the endpoint bears. `rpm` and
    `tpm` cap requests and tokens a minute. `timeout_s` is how long one attempt may take from connecting to the last
    byte; where the answer is streamed, how long it may take to the next byte. A request is given up after `attempts`
    failures or `give_up_s` seconds of failing, whichever is first; rate limits count for neither. `batch` sends the
    stages that are no dialogue through the endpoint's Batch API. `error_rate` is the share of answers in which the
    embedded teacher errs on purpose.
    """

    model: str = Field(
        default="offline", min_length=1, description="the model's name; 'offline' is the embedded teacher"
    )
    preset: str | None = Field(
        default=None,
        min_length=1,
        description="an endpoint by its name: openai, azure, gemini, ollama, ...; what is set beside it goes before",
    )
    base_url: str | None = Field(default=None, description="an OpenAI-compatible endpoint, up to and including /v1")
    api_version: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9.-]+$", description="Azure's api-version, such as 2024-10-21"
    )
    api_key_env: str = Field(
        default="OPENAI_API_KEY", min_length=1, description="the environment variable that holds the key"
    )
    api_key_block: str | None = Field(
        default=None, min_length=1, description="the Prefect Secret block that holds the key, instead"
    )
    extra_headers: dict[str, str] = Field(
        default_factory=dict, description='headers as JSON, {"X-Team": "data"}; env:NAME where the value is secret'
    )
    fallback: tuple[Fallback, ...] = Field(
        default=(), description='where to go on when it is given up, as JSON: {"base_url": ..., "model": ...}'
    )
    temperature: float | None = Field(default=0.7, ge=0, description="or 'none', to leave it to the endpoint")
    top_p: float | None = Field(default=None, gt=0, le=1, description="nucleus sampling, where it is to be set")
    reasoning_effort: str = Field(
        default="", pattern=r"^[a-z]*$", description="low, medium, high, ..., as the model takes it"
    )
    max_tokens: TokenLimits = Field(default_factory=TokenLimits, description="most tokens of one answer")
    extra_body: dict[str, Json] = Field(
        default_factory=dict, description="more of each request, as JSON; recorded with the run, so no keys in it"
    )
    concurrency: int = Field(default=64, ge=1, description="the most requests in flight; the endpoint may bear fewer")
    rpm: int | None = Field(default=None, ge=1, description="the most requests a minute")
    tpm: int | None = Field(default=None, ge=1, description="the most tokens a minute")
    timeout_s: float = Field(default=120, gt=0, description="seconds that one attempt may take")
    attempts: int = Field(default=6, ge=1, description="failures after which a request is given up")
    give_up_s: float = Field(default=900, gt=0, description="seconds of failing after which a request is given up")
    stream: Literal["auto", "always", "never"] = Field(
        default="auto", description="stream answers, so that long ones outlast time-outs; auto: those without tools"
    )
    caching: Literal["cache_control", "prompt_cache_key"] | None = Field(
        default=None, description="how the endpoint is told what it may cache of prompts"
    )
    batch: bool = Field(
        default=False, description="send single-shot stages through the Batch API, at half price; may take a day"
    )
    written_calls: Literal["auto", "never"] = Field(
        default="auto", description="whether calls that a model writes as text are read as calls"
    )
    error_rate: float = Field(
        default=0.0, ge=0, le=1, description="share of answers in which the embedded teacher errs on purpose"
    )

    @property
    def is_embedded(self) -> bool:
        """Whether the teacher is the embedded one, asked in process."""
        return self.model == "offline" and self.base_url is None

    @property
    def key_source(self) -> str:
        """Where the API key comes from, in words."""
        if self.api_key_block is not None:
            return f"the Prefect Secret block {self.api_key_block!r}"
        return f"the environment variable {self.api_key_env}"

    @model_validator(mode="before")
    @classmethod
    def _read_given(cls, given: Any) -> Any:
        """JSON as text is read, and an address as Azure's pages show it is taken apart."""
        if not isinstance(given, Mapping):
            return given
        read = {**given, **{name: _read_json(name, given[name]) for name in _JSON_FIELDS if name in given}}
        if isinstance(limit := read.get("max_tokens"), int):  # one for all
            read["max_tokens"] = dict.fromkeys(TokenLimits.model_fields, limit)
        if isinstance(address := read.get("base_url"), str):
            read |= _split_address(address, read.get("api_version"))
        return read

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.preset is not None and self.model == "offline":
            raise ValueError("a preset names an endpoint and no model: add the name of one of its models (model)")
        if self.error_rate and not self.is_embedded:
            raise ValueError(
                "error_rate is the embedded teacher's (model offline, no base_url); "
                "a server of it takes --error-rate when it is started"
            )
        if self.batch and self.is_embedded:
            raise ValueError(
                "batch needs an endpoint with a Batch API, such as OpenAI's: "
                "name a model with --teacher.model, or leave out --teacher.batch"
            )
        if self.fallback and self.is_embedded:
            raise ValueError("fallback is for endpoints; the embedded teacher is never given up")
        if self.fallback and self.batch:
            raise ValueError("fallback and batch do not go together: a batch waits for its endpoint")
        for address in (self.base_url, *(one.base_url for one in self.fallback)):
            if address is not None:
                _check_address(address)
        for name, value in self.extra_headers.items():
            _check_header(name, value)
        return self


class RoleSettings(TeacherSettings):
    """The teacher of one role. What is not given for it is the teacher's, field by field: see `inherit`."""

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Without defaults, which a form would fill in: they would stand before the teacher's."""
        schema = handler.resolve_ref_schema(handler(core_schema))
        for field in schema.get("properties", {}).values():
            field.pop("default", None)
        return schema


def inherit(teacher: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a role: its own, and the teacher's for what is not given.

    What belongs to an address stays with it: whoever names a preset takes none of the teacher's address, account and
    key, and whoever names an address does not take the teacher's preset. A role of the embedded teacher takes no
    address. `batch` and `error_rate` are not passed on to another model or endpoint.
    """
    left_out: set[str] = set()
    given = {name for name, value in own.items() if not (isinstance(value, str) and value.lower() == "none")}
    if "preset" in given or (own.get("model") == "offline" and "base_url" not in given):
        left_out |= _OF_ADDRESS | _OF_ACCOUNT
    elif "base_url" in given:
        left_out |= {"preset", "fallback", "api_version"}
    if own.keys() & {"model", "base_url", "preset"}:
        left_out |= _OF_TEACHER
    limits = {**(_list_given(teacher.get("max_tokens")) or {}), **(_list_given(own.get("max_tokens")) or {})}
    settings = {**{name: value for name, value in teacher.items() if name not in left_out}, **own}
    return {**settings, "max_tokens": limits} if limits else settings


def fill_roles(given: Mapping[str, Any]) -> dict[str, Any]:
    """A flow's parameters as they were given, with the settings of each role whole."""
    teacher = _list_given(given.get("teacher", {}))
    if teacher is None:
        return dict(given)
    roles = {role: _list_given(given.get(role, {})) for role in ROLES if role != "teacher"}
    return {**given, **{role: inherit(teacher, own) for role, own in roles.items() if own is not None}}


def _list_given(settings: Any) -> dict[str, Any] | None:
    """The fields that were given; None of what is no settings at all."""
    if isinstance(settings, Parameters):
        return settings.model_dump(exclude_unset=True)
    return dict(settings) if isinstance(settings, Mapping) else None


def _read_json(name: str, given: Any) -> Any:
    """The value of a field that may be given as JSON text, or as a list of such texts."""
    if isinstance(given, str) and given.lower() != "none":
        try:
            return json.loads(given)
        except ValueError as error:
            raise ValueError(f"{name} must be JSON ({error.args[0]})") from None
    if name == "fallback":
        return [_read_json("each of fallback", one) for one in ([given] if isinstance(given, Mapping) else given)]
    return given


def _split_address(address: str, version: Any) -> dict[str, Any]:
    """An address without the path of the call, and Azure's api-version, which stands in its query."""
    address = address.strip()
    url = urlsplit(address)
    query = parse_qsl(url.query, keep_blank_values=True)
    found: dict[str, Any] = {"base_url": address}
    if [name for name, _ in query] == ["api-version"] and not url.fragment:
        found = {"base_url": address.partition("?")[0], "api_version": version or query[0][1]}
    found["base_url"] = found["base_url"].removesuffix("/").removesuffix("/chat/completions")
    return found


def _check_address(address: str) -> None:
    url = urlsplit(address)
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise ValueError("base_url must be an http or https address, such as http://localhost:8000/v1")
    if "@" in url.netloc or url.query or url.fragment:
        raise ValueError(
            "base_url must hold neither a user, a password nor a query, for it is recorded with the run; "
            "a key belongs in the environment variable that api_key_env names"
        )


def _check_header(name: str, value: str) -> None:
    if not _HEADER.fullmatch(name) or name.lower() in _OWN_HEADERS:
        raise ValueError(f"extra_headers: {name[:60]!r} is no header that may be set")
    if value.startswith(VARIABLE):
        return
    if _SECRET_HEADER.search(name):
        raise ValueError(
            f"extra_headers: the value of {name} looks like a secret, and what is given here is recorded with the run; "
            f'put it into an environment variable and give its name: {{"{name}": "env:NAME"}}'
        )
    if not value.isprintable() or not value.isascii():
        raise ValueError(f"extra_headers: the value of {name} is no text that a header can hold")
