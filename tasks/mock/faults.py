"""Answers that are errors: those that a request earns, and the one that an episode plants on purpose."""

from typing import Any

from schemas.base import Json
from tasks.mock.shapes import Schema, list_properties, tidy_schema
from tasks.mock.world import World
from tasks.values import conforms, sample_value, split_name

PLANTED: tuple[tuple[int, str, str], ...] = (
    (500, "internal_error", "The server met an unexpected error. Please try again."),
    (503, "service_unavailable", "The service is temporarily unavailable. Please try again."),
    (429, "too_many_requests", "Too many requests. Please try again."),
    (504, "gateway_timeout", "The server did not answer in time. Please try again."),
)


class RequestError(Exception):
    """A request that gets an error: its status, a code in snake_case and a sentence."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def choose_fault(world: World) -> RequestError:
    """The error that the episode plants, by its seed."""
    return RequestError(*world.rng("fault").choice(PLANTED))


def write_error(error: RequestError, schema: Schema | None, world: World) -> Json:
    """The body of an error: `{"error": {"code", "message"}}`, or what the document's schema for the status asks for."""
    plain: Json = {"error": {"code": error.code, "message": error.message}}
    if not schema or conforms(plain, schema):
        return plain
    body = sample_value("error", schema, world.rng("error", error.status))
    tidy = tidy_schema(schema)
    _fill_error(body, tidy, error)
    return body if conforms(body, schema) else sample_value("error", schema, world.rng("error", error.status))


def _fill_error(body: Json, schema: Schema, error: RequestError) -> None:
    if not isinstance(body, dict):
        return
    for name, part in list_properties(schema).items():
        last = (split_name(name) or ("",))[-1]
        options: list[Any] = []
        if last in {"message", "detail", "description", "error", "title", "reason", "msg"}:
            options = [error.message]
        elif last in {"code", "status", "type"}:
            options = [error.status, error.code, str(error.status)]
        chosen = next((option for option in options if name in body and conforms(option, part)), None)
        if chosen is not None:
            body[name] = chosen
        elif name in body:
            _fill_error(body[name], part, error)
