"""Rows of the published list: which are rows at all, and in which cells Auth, HTTPS and CORS stand."""

import pytest

from tasks.sources.markdown import is_markdown_list, parse_markdown


def read(*rows: str, heading: str = "### Animals") -> list[tuple[str, ...]]:
    """Name, description, link, auth, https and cors of each row that is an entry."""
    drafts = parse_markdown("\n".join([heading, *rows])).drafts
    return [(d.name, d.description, d.link, d.auth, str(d.https), d.cors) for d in drafts]


def list_reasons(*rows: str) -> list[str]:
    parsed = parse_markdown("\n".join(["### Animals", *rows]))
    assert not parsed.drafts
    return [row.reason for row in parsed.skipped]


@pytest.mark.parametrize(
    ("text", "is_list"),
    [
        ("# A\n| a |", True),
        ("###### A\n[a](b) | c", True),
        ("####### A\n| a |", False),
        ("#A\n| a |", False),
        ("# A\n a | b", False),
        ("# A\n[a] | c", False),
        ("| a |", False),
        ("# A", False),
        ("x # A\n| a |", False),
    ],
)
def test_a_list_has_a_heading_and_a_row_of_a_table(text: str, is_list: bool) -> None:
    assert is_markdown_list(text) is is_list


ROW = "| [Cat](https://cat.example) | Facts | No | Yes | No |"
CAT = ("Cat", "Facts", "https://cat.example", "none", "True", "no")


@pytest.mark.parametrize(
    ("heading", "category"),
    [
        ("### Animals", "Animals"),
        ("###  Animals & More  ###  ", "Animals & More"),
        ("## Animals", None),
        ("#### Animals", None),
        ("###Animals", None),
    ],
)
def test_only_a_heading_of_the_third_level_opens_a_category(heading: str, category: str | None) -> None:
    assert [draft.category for draft in parse_markdown(f"{heading}\n{ROW}").drafts] == ([category] if category else [])


def test_any_other_heading_ends_a_category() -> None:
    assert [d.category for d in parse_markdown(f"### A\n{ROW}\n### B\n{ROW}\n## C\n{ROW}").drafts] == ["A", "B"]


@pytest.mark.parametrize(
    "row",
    [
        "  " + ROW,
        ROW.removeprefix("| "),
        ROW.removesuffix(" |"),
        ROW + " | |",
        ROW.replace("|", " | "),
        ROW.replace("https://cat.example", 'https://cat.example "a title"'),
        ROW.replace("https://cat.example", " https://cat.example "),
    ],
)
def test_a_row_may_be_written_in_many_ways(row: str) -> None:
    assert read(row) == [CAT]


@pytest.mark.parametrize(
    "line",
    [
        "|---|:---|---:|:-:|---|",
        "| API | Description | Auth | HTTPS | CORS |",
        "API | DESCRIPTION | Call this",
        "- [Cat](https://cat.example) is a list",
        "Cat | Facts | No | Yes | No",
        "",
    ],
)
def test_what_is_no_row_is_passed_over(line: str) -> None:
    parsed = parse_markdown(f"### Animals\n{line}")
    assert (parsed.drafts, parsed.skipped) == ([], [])


def test_a_header_is_one_by_its_first_two_cells() -> None:
    assert read("| API | Facts | No | Yes | No |") == [("API", "Facts", "", "none", "True", "no")]


@pytest.mark.parametrize(
    ("row", "read_as"),
    [
        ("| A | b | c | No | Yes | No |", ("A", "b | c", "", "none", "True", "no")),
        ("| A | b | Words here | Yes | No |", ("A", "b", "", "other", "True", "no")),
        ("| A | b | No | No | more | words |", None),
        ("| A | b | No | No | Unknown | more |", ("A", "b", "", "none", "False", "unknown")),
        ("| A | b | `X` | No |", ("A", "b", "", "other", "False", "unknown")),
        ("| A | b \\| c | No | Yes | No |", ("A", "b | c", "", "none", "True", "no")),
    ],
)
def test_columns_are_found_among_stray_ones(row: str, read_as: tuple[str, ...] | None) -> None:
    assert read(row) == ([read_as] if read_as else [])


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("| A | b | No |", "3 columns of the five (API, Description, Auth, HTTPS, CORS)"),
        ("| A | b | c | Words here | Yes | No |",
         "no neighbouring cells can be Auth, HTTPS (Yes or No) and CORS (Yes, No or Unknown)"),
        ("| A | b | No | Perhaps | No |",
         "no neighbouring cells can be Auth, HTTPS (Yes or No) and CORS (Yes, No or Unknown)"),
        ("| A | b | No | Yes | Perhaps |",
         "no neighbouring cells can be Auth, HTTPS (Yes or No) and CORS (Yes, No or Unknown)"),
        ("| A | b | No | No | No | No |",
         "6 columns that fit the five (API, Description, Auth, HTTPS, CORS) in more than one way"),
        ("| [](https://a.example) | b | No | Yes | No |", "no name"),
        ("| A |  | No | Yes | No |", "no description"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_read_is_told_why(row: str, reason: str) -> None:
    assert list_reasons(row) == [reason]


@pytest.mark.parametrize(
    ("cell", "name", "link"),
    [
        ("[A (b)](https://a.example/x_(y))", "A (b)", "https://a.example/x_(y)"),
        ("[A]()", "A", ""),
        ("[A] (https://a.example)", "[A] (https://a.example)", ""),
        ("[A](https://a.example) new", "[A](https://a.example) new", ""),
        ("Plain", "Plain", ""),
    ],
)
def test_a_name_has_a_link_only_where_the_cell_is_one(cell: str, name: str, link: str) -> None:
    assert [row[0] for row in read(f"| {cell} | b | No | Yes | No |")] == [name]
    assert [row[2] for row in read(f"| {cell} | b | No | Yes | No |")] == [link]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "### a" + " " * 100_000 + "b",
            "### " + "#a " * 50_000,
            "# a\n[" + "](x" * 50_000,
            "# a\n[" + "](x) " * 50_000,
        ),
        *("# a\n[a](" + ")" + " " * 100_000, "### A\n| [" + "](a '" * 30_000 + " | b | No | Yes | No |"),
    ],
    ids=lambda text: text[:12],
)
def test_long_lines_are_read_in_time(text: str) -> None:
    is_markdown_list(text)
    assert parse_markdown(text).drafts == []
