"""How values are written into pages and cards."""

import html
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jinja2 import UndefinedError
from markdown_it import MarkdownIt

from schemas.shown import show_line
from tasks.datasets.pages import escape_markdown, load_page, read_asset, write_code, write_figure
from tests.hostile import ALL, HOSTILE

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
MARKUP = (
    "[a](http://evil.example)", "![a](http://evil.example/x.png)", "<http://evil.example>", "[a]: http://evil.example",
    "http://evil.example", "www.evil.example", "mailto:a@evil.example", "a@evil.example", "ftp://evil.example",
    "<img src=x onerror=alert(1)>", "<!--", "&lt;b&gt;", "**a**", "_a_", "~~a~~", "`a`", "$a$", "a | b", "\\| a", "\\",
    "# a", "- a", "+ a", "* a", "12. a", "1) a", "> a", "---", "- - -", "***", "~~~", "```", "=", "1.", "#", "\\\\|",
)  # fmt: skip
"""Markdown that would be more than text."""

TEXT = st.text(st.sampled_from("a1 \\`*_[]()<>|~$#+-=.:/!&;w@")) | st.sampled_from(MARKUP)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("plain", "plain"),
        (" two\n lines\t", "two lines"),
        ("a|b", "a\\|b"),
        ("\\`*_[]~$@", "\\\\\\`\\*\\_\\[\\]\\~\\$\\@"),
        ("<b> & \"c\"", "&lt;b&gt; &amp; \"c\""),
        ("at 12: no; 2.10.0 -1 #2", "at 12: no; 2.10.0 -1 #2"),
        ("https://a.example, www.b.example", "https\\://a.example, www\\.b.example"),
        (3, "3"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_cell_shows_text_as_it_was_written(text: object, cell: str) -> None:
    assert escape_markdown(text) == cell


@given(TEXT)
def test_text_is_no_markup_even_where_it_is_all_of_the_markdown(text: str) -> None:
    shown = show_line(text)
    page = MARKDOWN.render(escape_markdown(text))
    assert page == (f"<p>{html.escape(shown)}</p>\n" if shown else "")


@given(TEXT)
@example("a\\|b")
def test_text_ends_no_cell(text: str) -> None:
    page = MARKDOWN.render(f"| a | b |\n| --- | --- |\n| {escape_markdown(text)} | {write_code(text)} |\n")
    cells = re.findall(r"<td>(.*?)</td>", page)
    shown = html.unescape(re.sub("</?code>", "", cells[1]))
    assert cells[0] == html.escape(show_line(text))
    assert shown.replace("\\", "") == show_line(text).replace("`", "'").replace("\\", "")
    assert re.sub("</?(?:table|thead|tbody|tr|th|td|code)>", "", page).count("<") == 0


@pytest.mark.parametrize("text", MARKUP)
def test_no_bare_address_is_left_for_those_who_make_links_of_them(text: str) -> None:
    assert not re.search(r"(?<!\\)(?::(?=\S)|@)|www\.", escape_markdown(text))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("plain_text", "`plain_text`"),
        ("a`b", "`a'b`"),
        ("a|b", "`a\\|b`"),
        ("a\\|b", "`a\\\\\\|b`"),
        (" a\n b ", "`a b`"),
        ("", ""),
        (0, "`0`"),
    ],
)
def test_code_ends_neither_its_span_nor_its_cell(text: object, code: str) -> None:
    assert write_code(text) == code


@pytest.mark.parametrize("sequence", HOSTILE.values(), ids=HOSTILE)
def test_what_is_filled_in_is_printable(sequence: str) -> None:
    assert escape_markdown(sequence).isprintable()
    assert write_code(sequence).isprintable()


def test_a_page_is_printable_whatever_it_is_filled_with() -> None:
    page = load_page("report.html.jinja").environment.from_string("{{ a }}\n{{ b | upper }}")
    assert page.render(a="one\ntwo", b=ALL).replace("\n", "").isprintable()
    assert page.render(a="one\ntwo", b="").startswith("one\ntwo\n")


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
