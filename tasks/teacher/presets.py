"""Endpoints by name: what is publicly known of each, from `presets.yaml`, fills in what the user has not set."""

from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, TypeAdapter, ValidationError

from schemas.base import Record
from schemas.calls import ROLES
from schemas.errors import UserError
from schemas.parameters import BuildToolsetParams
from schemas.teacher import TeacherSettings, inherit
from tasks.teacher.sending.capabilities import Capabilities

_FILE = Path(__file__).with_name("presets.yaml")
_FILLED = ("base_url", "api_key_env", "concurrency", "rpm", "timeout_s", "caching")


class Preset(Record):
    """What is known of an endpoint; see the head of `presets.yaml`."""

    base_url: str | None
    api_key_env: str
    needs_key: bool = False
    concurrency: int | None = Field(None, ge=1)
    rpm: int | None = Field(None, ge=1)
    timeout_s: float | None = Field(None, gt=0)
    takes: Capabilities = Capabilities()
    caching: Literal["cache_control", "prompt_cache_key"] | None = None
    tools: str = Field(min_length=1)
    source: str = Field(pattern="^https://")


@cache
def load_presets() -> dict[str, Preset]:
    """All presets by name."""
    return TypeAdapter(dict[str, Preset]).validate_python(yaml.safe_load(_FILE.read_text(encoding="utf-8")))


def find_preset(settings: TeacherSettings) -> Preset | None:
    """The preset that settings name; None where they name none.

    Raises:
        UserError: there is none of that name.
    """
    if settings.preset is None:
        return None
    presets = load_presets()
    if settings.preset not in presets:
        raise UserError(f"--teacher.preset {settings.preset!r}: there is none; those there are: {', '.join(presets)}")
    return presets[settings.preset]


def fill_presets(params: BuildToolsetParams) -> BuildToolsetParams:
    """The parameters with what the presets of all roles say; doing it twice changes nothing.

    Raises:
        UserError: a preset that is none, or one that needs an address of the user's own.
    """
    filled = {role: fill_preset(params.get_settings(role)) for role in ROLES}
    changed: dict[str, TeacherSettings] = {
        role: settings for role, settings in filled.items() if settings is not params.get_settings(role)
    }
    return params.model_copy(update=changed) if changed else params


def fill_preset(settings: TeacherSettings) -> TeacherSettings:
    """The settings with what their preset says, where the user has not said something else. Raises UserError."""
    preset = find_preset(settings)
    if preset is None:
        return settings
    known = {name: getattr(preset, name) for name in _FILLED}
    told = settings.model_fields_set
    missing = {name: value for name, value in known.items() if value is not None and name not in told}
    if settings.base_url is None and preset.base_url is None:
        raise UserError(
            f"--teacher.preset {settings.preset}: each user has an address of their own there; name it with "
            "--teacher.base_url"
        )
    return settings.model_copy(update=missing) if missing else settings


def list_endpoints(settings: TeacherSettings) -> tuple[TeacherSettings, ...]:
    """The endpoint of settings and those to go on with, in order, each as settings of its own. Raises UserError."""
    first = settings.model_copy(update={"fallback": ()}) if settings.fallback else settings
    given = first.model_dump(exclude_unset=True)
    others = []
    for fallback in settings.fallback:
        own = fallback.model_dump(exclude_none=True)
        try:
            others.append(fill_preset(TeacherSettings.model_validate(inherit(given, own))))
        except ValidationError as error:
            raise UserError(f"--teacher.fallback: {_explain(error)}") from error
    return (first, *others)


def _explain(error: ValidationError) -> str:
    said: Any = error.errors(include_url=False)[0]["msg"]
    return str(said).removeprefix("Value error, ")
