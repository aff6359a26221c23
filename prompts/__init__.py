"""The prompts, one Jinja file each, and the loader.

A file opens with front matter: its version and the variables that it takes. A prompt is rendered with exactly these;
a missing or a surplus one is an error. The hash of the file goes into every recipe that the prompt is part of.

A run may have others in place of some of them: `read_prompts` reads and checks a folder of these, `use_prompts` has
`load_prompt` give them.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import yaml
from jinja2 import meta, sandbox

from schemas.base import content_hash
from schemas.errors import UserError

PROMPTS = ("document", "specify", "instruct", "assistant", "user", "simulator", "judge", "repair")
_FOLDER = Path(__file__).parent


def _to_json(value: Any, indent: int | None = None) -> str:
    """JSON as a model reads it best: characters as they are, no HTML escapes (Jinja's own `tojson` writes those)."""
    separators = (",", ":") if indent is None else None
    return json.dumps(value, ensure_ascii=False, indent=indent, separators=separators)


_ENVIRONMENT = sandbox.SandboxedEnvironment(  # a folder of others may hold templates that reach for more
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
    is_own: bool = True

    @property
    def label(self) -> str:
        """Version and hash in short, as rows name them: `3-0a1b2c3d`, or `custom-3-0a1b2c3d` for one of the user's."""
        return f"{'' if self.is_own else 'custom-'}{self.version}-{self.hash[:8]}"

    def render(self, **variables: Any) -> str:
        """The prompt's text.

        Raises:
            TypeError: `variables` are not exactly those that the front matter declares.
            UserError: one of the user's asks for what a variable does not hold.
        """
        if set(variables) != self.variables:
            raise TypeError(f"prompt {self.name} takes {sorted(self.variables)}, got {sorted(variables)}")
        try:
            return self.template.render(**variables).strip()
        except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError) as error:
            if self.is_own:
                raise
            raise UserError(f"--prompts: {self.name}.jinja cannot be rendered: {error}") from error


_CHOSEN: ContextVar[Mapping[str, Prompt] | None] = ContextVar("prompts of the user's", default=None)


@contextmanager
def use_prompts(chosen: Mapping[str, Prompt]) -> Iterator[None]:
    """Have `load_prompt` give these, by name, in place of our own."""
    token = _CHOSEN.set(chosen)
    try:
        yield
    finally:
        _CHOSEN.reset(token)


def load_prompt(name: str) -> Prompt:
    """The prompt of a name: the one that the run has chosen, else that of `prompts/<name>.jinja`."""
    chosen = _CHOSEN.get()
    return chosen[name] if chosen and name in chosen else load_own_prompt(name)


def read_prompts(folder: str) -> dict[str, Prompt]:
    """The prompts of a folder, each to stand in place of ours of the same name and with the same variables.

    Files that do not end in `.jinja` are left alone.

    Raises:
        UserError: there is no such folder or no prompt in it, one has a name that none of ours has, or is not written
            as ours are; one line that says where.
    """
    place = Path(folder).expanduser()
    paths = sorted(place.glob("*.jinja")) if place.is_dir() else []
    if not paths:
        problem = "it holds no file that ends in .jinja" if place.is_dir() else "there is no such folder"
        raise UserError(f"--prompts {folder}: {problem}; prompts that can be replaced: {', '.join(PROMPTS)}")
    for path in paths:
        if path.stem not in PROMPTS:
            raise UserError(f"--prompts {path}: there is no prompt of that name; there are {', '.join(PROMPTS)}")
    return {path.stem: _read_custom(path) for path in paths}


def _read_custom(path: Path) -> Prompt:
    try:
        prompt, used = _parse(path.stem, path.read_text(encoding="utf-8"), is_own=False)
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--prompts {path}: it cannot be read: {error}") from error
    except jinja2.TemplateSyntaxError as error:
        raise UserError(f"--prompts {path}: line {error.lineno} of the template: {error.message}") from error
    except (ValueError, TypeError, KeyError, yaml.YAMLError) as error:
        raise UserError(
            f"--prompts {path}: it must begin with a line ---, `version: 1`, `variables: [...]`, and another line ---; "
            "copy ours and change it"
        ) from error
    ours = load_own_prompt(path.stem).variables
    for found, word in ((prompt.variables, "declares"), (used, "uses")):
        if found != ours:
            more, less = sorted(found - ours), sorted(ours - found)
            problem = f"it {word} {', '.join(more)}, which it is not given" if more else ""
            problem = problem or f"it {word} no {', '.join(less)}"
            raise UserError(f"--prompts {path}: {problem}; its variables are {', '.join(sorted(ours))}")
    return prompt


@cache
def load_own_prompt(name: str) -> Prompt:
    """The prompt of `prompts/<name>.jinja`."""
    return _parse(name, (_FOLDER / f"{name}.jinja").read_text(encoding="utf-8"), is_own=True)[0]


def _parse(name: str, text: str, *, is_own: bool) -> tuple[Prompt, frozenset[str]]:
    """A prompt's file, and the variables that its template uses.

    Raises:
        ValueError, TypeError, KeyError, yaml.YAMLError: it has no front matter as ours has.
        TemplateSyntaxError: the template is none.
    """
    before, head, body = text.replace("\r\n", "\n").removeprefix("\ufeff").split("---\n", 2)
    front = yaml.safe_load(head)
    version, variables = front["version"], front["variables"]
    if before.strip() or type(version) is not int or not isinstance(variables, list):
        raise ValueError("no front matter")
    prompt = Prompt(
        name=name,
        version=version,
        variables=frozenset(map(str, variables)),
        hash=content_hash(text),
        template=_ENVIRONMENT.from_string(body),
        is_own=is_own,
    )
    return prompt, frozenset(meta.find_undeclared_variables(_ENVIRONMENT.parse(body)))
