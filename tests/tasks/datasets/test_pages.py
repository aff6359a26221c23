"""How values are written into pages and cards."""

import pytest
from jinja2 import UndefinedError

from tasks.datasets.pages import escape_markdown, load_page, read_asset, write_code, write_figure


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("plain", "plain"),
        (" two\n lines\t", "two lines"),
        ("a|b", "a\\|b"),
        ("\\`*_[]~", "\\\\\\`\\*\\_\\[\\]\\~"),
        ("<b> & \"c\"", "&lt;b&gt; &amp; \"c\""),
        (3, "3"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_cell_shows_text_as_it_was_written(text: object, cell: str) -> None:
    assert escape_markdown(text) == cell


@pytest.mark.parametrize(
    ("text", "code"),
    [("plain_text", "`plain_text`"), ("a`b", "`a'b`"), ("a|b", "`a\\|b`"), (" a\n b ", "`a b`"), ("", ""), (0, "`0`")],
)
def test_code_ends_neither_its_span_nor_its_cell(text: object, code: str) -> None:
    assert write_code(text) == code


@pytest.mark.parametrize(
    ("value", "figure"),
    [(0, "0"), (3938, "3,938"), (1.66, "1.66"), (1.5, "1.50"), (2.0, "2"), (1234.5, "1,234.50"), (12345.0, "12,345")],
)
def test_a_number_is_written_as_people_do(value: float, figure: str) -> None:
    assert write_figure(value) == figure


def test_a_template_that_misses_a_value_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        load_page("card.md.jinja").render()


def test_scripts_and_styles_are_read_as_they_lie() -> None:
    assert read_asset("report.js").startswith('"use strict";')
