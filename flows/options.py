"""A parameter model as command line options: `--apis 50`, `--teacher.model offline`, `--categories Animals Weather`.

Names, help and defaults are those of the model's fields; values are checked by the model alone. An option may be
written with hyphens for underscores. A wrong one is a `UserError` of one line, never a page of usage.
"""

import argparse
import difflib
import re
import types
from typing import Annotated, Any, Literal, NoReturn, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from schemas.errors import UserError

M = TypeVar("M", bound=BaseModel)

_WIDTH = 79
_METAVARS = {int: "N", float: "X"}


class _Parser(argparse.ArgumentParser):
    """argparse that raises instead of exiting with a page of usage."""

    def error(self, message: str) -> NoReturn:
        unknown = re.match(r"unrecognized arguments: (\S+)", message)
        if unknown is None:
            raise UserError(f"{message.removeprefix('argument ')}; --help lists the parameters.")
        name = unknown[1].split("=")[0]
        known = [option for action in self._actions for option in action.option_strings]
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
        hint = f"did you mean {near[0]}? " if near else ""
        raise UserError(f"unknown parameter {name}; {hint}--help lists them.")


def parse_options(module: str, model: type[M], arguments: list[str]) -> M:
    """The parameters that the arguments give; prints the help and exits on `--help`.

    Raises:
        UserError: an unknown parameter, or a value that the model turns down.
    """
    parser = _Parser(
        prog=f"python -m {module}",
        usage=f"python -m {module} [--parameter value …]",
        description=model.__doc__,
        formatter_class=lambda prog: argparse.HelpFormatter(prog, max_help_position=28, width=_WIDTH),
        allow_abbrev=False,
        add_help=False,
    )
    group = parser.add_argument_group("parameters")
    group.add_argument("-h", "--help", action="help", help="show this and exit")
    _add_options(parser, group, model, "")
    given = vars(parser.parse_args([_spell_option(argument) for argument in arguments]))
    values: dict[str, Any] = {}
    for name, value in given.items():
        *path, last = name.split(".")
        place = values
        for step in path:
            place = place.setdefault(step, {})
        place[last] = value
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise UserError(_explain(error)) from error


def _add_options(parser: argparse.ArgumentParser, group: Any, model: type[BaseModel], prefix: str) -> None:
    nested: list[tuple[str, FieldInfo]] = []
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            nested.append((name, field))
        else:
            _add_option(group, f"{prefix}{name}", field)
    for name, field in nested:
        assert isinstance(field.annotation, type)
        _add_options(parser, parser.add_argument_group(f"{name}: {field.description}"), field.annotation, f"{name}.")


def _add_option(group: Any, name: str, field: FieldInfo) -> None:
    kinds, choices = _find_kinds(field.annotation)
    text = (field.description or "").replace("%", "%%")
    options: dict[str, Any] = {"dest": name, "default": argparse.SUPPRESS}
    if tuple in kinds:
        options |= {"nargs": "*" if name == "export" else "+", "action": "extend"}
        if choices:
            text += f" ({', '.join(choices)})"
            options["metavar"] = name.rpartition(".")[2].upper()
        else:
            options["metavar"] = "TEXT"
        if name == "export":
            options["action"] = _ExportAction
            options["all_formats"] = choices
    else:
        number = next((_METAVARS[kind] for kind in _METAVARS if kind in kinds), "TEXT")
        options["metavar"] = "|".join(choices if choices and kinds <= {str, type(None)} else [number, *choices])
        if bool in kinds:  # alone it means true
            options |= {"nargs": "?", "const": "true", "metavar": "true|false"}
        if isinstance(field.json_schema_extra, dict) and (alone := field.json_schema_extra.get("alone")) is not None:
            options |= {"nargs": "?", "const": str(alone)}
        if type(None) in kinds:
            options["type"] = lambda value: None if value.lower() == "none" else value
        if field.default is not None:
            text += f" [{str(field.default).lower() if bool in kinds else field.default}]"
    group.add_argument(f"--{name}", help=text, **options)


class _ExportAction(argparse.Action):
    """`--export` alone means every format."""

    def __init__(self, *, all_formats: list[str], **options: Any) -> None:
        super().__init__(**options)
        self._all = all_formats

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option_string: Any = None
    ) -> None:
        setattr(namespace, self.dest, [*getattr(namespace, self.dest, []), *(values or self._all)])


def _find_kinds(annotation: Any) -> tuple[set[Any], list[str]]:
    """The plain types that an annotation allows (a tuple stands for any), and the words."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _find_kinds(get_args(annotation)[0])
    if origin is Literal:
        return {str}, [str(word) for word in get_args(annotation)]
    if origin in (tuple, Union, types.UnionType):
        kinds: set[Any] = {tuple} if origin is tuple else set()
        words: list[str] = []
        for inner in get_args(annotation):
            if inner is not ...:
                more, extra = _find_kinds(inner)
                kinds |= more
                words += extra
        return kinds, words
    return {annotation}, []


def _spell_option(argument: str) -> str:
    """An option with underscores for hyphens; values stay as they are."""
    if not argument.startswith("--"):
        return argument
    name, equals, value = argument.partition("=")
    return "--" + name[2:].replace("-", "_") + equals + value


def _explain(error: ValidationError) -> str:
    """The first wrong parameter, with all that was wanted of it."""
    errors = error.errors(include_url=False)
    first = errors[0]
    fields = [str(part) for part in first["loc"] if isinstance(part, str) and re.fullmatch(r"[a-z_]+", part)]
    same = [other for other in errors if other["input"] == first["input"]]
    wanted = " or ".join(
        dict.fromkeys(re.sub(r"^(Input should be|Value error,) ", "", str(item["msg"])) for item in same)
    )
    name = ".".join(fields)
    where = f"--{name}" if name else "parameters"
    given = "" if isinstance(first["input"], dict | BaseModel) else f" {first['input']!r}"
    return f"{where}{given}: {'should be ' if given else ''}{wanted}; --help tells more."
