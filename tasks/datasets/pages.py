"""Loads this room's templates; what a page or card is filled with is escaped for the language it is written in."""

import html
import re
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape
from markupsafe import Markup

from schemas.shown import show_line, show_lines

_FOLDER = Path(__file__).parent / "templates"
_ACTIVE = re.compile(r"([\\`*_\[\]|~$@]|:(?=\S)|(?<=\b[wW]{3})\.|^[-+#](?=[-+#\s]|$))")
"""What begins emphasis, code, a link, a formula or a cell; by what bare addresses are found; and at the start of a line
what begins a heading, a list or a rule."""
_NUMBERED = re.compile(r"^(\d+)(?=[.)](?:\s|$))")


def load_page(name: str) -> Template:
    """A template by file name. What is filled in is made printable; HTML is escaped on its own, cells by `cell`."""
    return _build_environment().get_template(name)


def read_asset(name: str) -> str:
    """The text of a style sheet or script that is inlined into a page."""
    return (_FOLDER / name).read_text(encoding="utf-8")


def escape_markdown(value: object) -> str:
    """Text as one printable line of Markdown, also in a table's cell: markup shows as it was written."""
    line = _ACTIVE.sub(r"\\\1", html.escape(show_line(value), quote=False))
    return _NUMBERED.sub(r"\1\\", line)


def write_code(value: object) -> str:
    """Text as a code span that is safe in a Markdown table cell."""
    line = show_line(value).replace("`", "'")
    # The bar ends the cell unless an odd number of backslashes stands before it.
    line = re.sub(r"(\\*)\|", r"\1\1\\|", line)
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
        finalize=_keep_printable,
    )
    environment.filters["cell"] = escape_markdown
    environment.filters["code"] = write_code
    environment.filters["figure"] = write_figure
    return environment


def _keep_printable(value: object) -> object:
    """What is filled in, as the page may show it; our own markup (styles, scripts) as it is."""
    return show_lines(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def write_figure(value: float) -> str:
    """A number as people write it: 3,938 and 1.66."""
    return f"{value:,.2f}" if isinstance(value, float) and not value.is_integer() else f"{int(value):,}"
