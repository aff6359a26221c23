"""Loads this room's templates; what a page or card is filled with is escaped for the language it is written in."""

import html
import re
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape

_FOLDER = Path(__file__).parent / "templates"
_MARKDOWN = re.compile(r"([\\`*_\[\]|~])")


def load_page(name: str) -> Template:
    """A template by file name. HTML is escaped on its own; Markdown cells by the filter `cell`."""
    return _build_environment().get_template(name)


def read_asset(name: str) -> str:
    """The text of a style sheet or script that is inlined into a page."""
    return (_FOLDER / name).read_text(encoding="utf-8")


def escape_markdown(value: object) -> str:
    """Text as one line of a Markdown table cell: markup shows as it was written."""
    line = " ".join(str(value).split())
    return _MARKDOWN.sub(r"\\\1", html.escape(line, quote=False))


def write_code(value: object) -> str:
    """Text as a code span that is safe in a Markdown table cell."""
    line = " ".join(str(value).split()).replace("`", "'").replace("|", "\\|")
    return f"`{line}`" if line else ""


@cache
def _build_environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=select_autoescape(["html.jinja"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["cell"] = escape_markdown
    environment.filters["code"] = write_code
    environment.filters["figure"] = write_figure
    return environment


def write_figure(value: float) -> str:
    """A number as people write it: 3,938 and 1.66."""
    return f"{value:,.2f}" if isinstance(value, float) and not value.is_integer() else f"{int(value):,}"
