"""A parameter model as a command's options: `--apis 50`, `--teacher.model offline`, `--categories Animals Weather`.

Names, help and defaults are those of the model's fields, and cyclopts reads them; values are checked by the model. An
option may be written with hyphens or underscores. A wrong one is a `UserError` of one line, never a page of usage.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, TypeVar, get_origin

from cyclopts import (
    App,
    CoercionError,
    CycloptsError,
    Group,
    MissingArgumentError,
    Parameter,
    UnknownOptionError,
    UnusedCliTokensError,
)
from pydantic import BaseModel, ValidationError, create_model

from schemas.errors import UserError
from schemas.urls import show_url

M = TypeVar("M", bound=BaseModel)

_ANY_NUMBER = 10_000

Alone = Mapping[str, Sequence[str]]
"""What an option stands for that is given without a value, by the option's name: all forms for `export`."""


def make_command(name: str, model: type[BaseModel]) -> App:
    """A command whose options are the fields of a model; run, it returns the record."""
    shown = _group_fields(model)

    def command(*, params: Any) -> Any:
        return params

    command.__doc__ = model.__doc__
    command.__annotations__ = {"params": Annotated[shown, Parameter(name="*")]}
    command.__kwdefaults__ = {"params": None}
    app = App(
        name=name,
        help=model.__doc__,
        help_flags=("--help", "-h"),
        version_flags=(),
        group_commands=Group("Parameters"),  # --help, the only one, stands with the options
        result_action="return_value",
        default_parameter=Parameter(
            negative=(), consume_multiple=(1, _ANY_NUMBER), name_transform=lambda name: name, show_default=_show_default
        ),
    )
    app.default(command)
    return app


def parse_options(app: App, model: type[M], arguments: Sequence[str], alone: Alone | None = None) -> M:
    """The parameters that the arguments give; prints the help and exits on `--help`.

    Raises:
        UserError: an unknown parameter, or a value that the model turns down.
    """
    told = _give_values(arguments, dict(_list_options(model)), alone or {})
    try:
        params = app(told, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        raise UserError(_explain(error)) from error
    except ValidationError as error:
        raise UserError(explain_values(error)) from error
    if params is None and {"--help", "-h"} & set(told):
        raise SystemExit(0)
    return model() if params is None else model.model_validate(params.model_dump(exclude_unset=True))


def explain_values(error: ValidationError) -> str:
    """The first wrong parameter, with all that was wanted of it."""
    errors = error.errors(include_url=False)
    first = errors[0]
    fields = [str(part) for part in first["loc"] if isinstance(part, str) and re.fullmatch(r"[a-z_]+", part)]
    same = [other for other in errors if other["input"] == first["input"]]
    wanted = " or ".join(
        dict.fromkeys(
            re.sub(r"^(Input should be|Value error,) |, unable to parse.*", "", str(item["msg"])) for item in same
        )
    )
    name = ".".join(fields)
    where = f"--{name}" if name else "parameters"
    given = "" if isinstance(first["input"], dict | BaseModel) else f" {first['input']!r}"
    return f"{where}{given}: {'should be ' if given else ''}{wanted}; --help tells more."


def _explain(error: CycloptsError) -> str:
    """What cyclopts found wrong, in one line."""
    if isinstance(error.__cause__, ValidationError):
        return explain_values(error.__cause__)
    if isinstance(error, MissingArgumentError) and error.argument is not None:
        few = "at least one argument" if error.argument.token_count()[1] else "one argument"
        return f"{error.argument.name}: expected {few}; --help tells more."
    said = " ".join(str(error).split())
    if isinstance(error, UnknownOptionError):
        near = re.search(r"Did you mean (\S+)\?", said)
        hint = f"did you mean {near[1]}? " if near else ""
        return f"unknown parameter {str(error.token.keyword).partition('=')[0]}; {hint}--help lists them."
    if isinstance(error, UnusedCliTokensError):
        return f"unknown parameter {show_url((error.unused_tokens or [''])[0])}; --help lists them."
    if isinstance(error, CoercionError) and error.argument is not None and error.token is not None:
        if get_origin(error.target_type) is dict:  # not shown, for it may hold a secret
            return f"{error.argument.name}: should be a JSON object; --help tells more."
        wanted = "boolean" if error.target_type is bool else "value"
        return f"{error.argument.name} {error.token.value!r}: should be a valid {wanted}; --help tells more."
    return f"{said} --help lists the parameters."


def _group_fields(model: type[BaseModel]) -> type[BaseModel]:
    """The model, with the fields of each inner model under a heading of their own.

    Those of a model that is derived from one before it are not shown: they are the same again.
    """
    inner: dict[str, Any] = {}
    seen: list[type[BaseModel]] = []
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            heading = Group(f"{name}: {field.description}", sort_key=len(inner) + 1)
            is_new = not issubclass(field.annotation, tuple(seen))
            inner[name] = (Annotated[field.annotation, Parameter(group=heading, show=is_new)], field)
            seen.append(field.annotation)
    return create_model(model.__name__, __base__=model, __doc__=model.__doc__, **inner)


def _list_options(model: type[BaseModel], prefix: str = "--") -> Iterator[tuple[str, Any]]:
    """The options and the types of their values."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _list_options(field.annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field.annotation


def _give_values(arguments: Sequence[str], kinds: Mapping[str, Any], alone: Alone) -> list[str]:
    """The arguments, with options spelled as the fields are, and values for those that need none.

    Of an option that is given twice the last one counts, for what a makefile gives comes first; lists grow.
    """
    given: dict[str, list[str]] = {"": []}
    name, left = "", list(arguments)
    while left:
        argument = left.pop(0)
        if not argument.startswith("--"):
            given[name].append(argument)
            continue
        name, equals, value = argument.partition("=")
        name = "--" + name[2:].replace("-", "_")
        has_value = bool(equals or (left and not left[0].startswith("--")))
        before = given.get(name, []) if get_origin(kinds.get(name)) is tuple else []
        if not has_value and name in alone:
            given[name] = [*before, *(f"{name}={one}" for one in alone[name])]
        elif kinds.get(name) is bool and not equals:
            given[name] = [f"{name}={left.pop(0) if has_value else 'true'}"]
        else:
            given[name] = [*before, name + equals + value]
    return [token for tokens in given.values() for token in tokens]


def _show_default(value: Any) -> str | None:
    """A default as it would be given; nothing for what is empty."""
    return None if value in ((), None, "", {}) else str(value).lower() if isinstance(value, bool) else str(value)
