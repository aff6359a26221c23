"""The prompts, one Jinja file each, and the loader.

A file opens with front matter: its version and the variables that it takes. A prompt is rendered with exactly these;
a missing or a surplus one is an error. The hash of the file goes into every recipe that the prompt is part of.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import yaml

from schemas.base import content_hash

PROMPTS = ("document", "specify", "instruct", "assistant", "user", "repair")
_FOLDER = Path(__file__).parent


def _to_json(value: Any, indent: int | None = None) -> str:
    """JSON as a model reads it best: characters as they are, no HTML escapes (Jinja's own `tojson` writes those)."""
    separators = (",", ":") if indent is None else None
    return json.dumps(value, ensure_ascii=False, indent=indent, separators=separators)


_ENVIRONMENT = jinja2.Environment(
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=False,
    autoescape=False,
)
_ENVIRONMENT.filters["json"] = _to_json


@dataclass(frozen=True)
class Prompt:
    """A prompt with the version and the hash that are stored beside whatever it led to."""

    name: str
    version: int
    variables: frozenset[str]
    hash: str
    template: jinja2.Template

    def render(self, **variables: Any) -> str:
        """The prompt's text.

        Raises:
            TypeError: `variables` are not exactly those that the front matter declares.
        """
        if set(variables) != self.variables:
            raise TypeError(f"prompt {self.name} takes {sorted(self.variables)}, got {sorted(variables)}")
        return self.template.render(**variables).strip()


@cache
def load_prompt(name: str) -> Prompt:
    """The prompt of `prompts/<name>.jinja`."""
    text = (_FOLDER / f"{name}.jinja").read_text(encoding="utf-8")
    _, head, body = text.split("---\n", 2)
    front = yaml.safe_load(head)
    return Prompt(
        name=name,
        version=front["version"],
        variables=frozenset(front["variables"]),
        hash=content_hash(text),
        template=_ENVIRONMENT.from_string(body),
    )
