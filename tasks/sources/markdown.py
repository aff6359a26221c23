"""Reads the public-apis list as published: one Markdown table under each `### Category`.

Other tables (the sponsor's, above the index) and lists stand under no category and are no entries.
"""

import re

from tasks.sources.drafts import EntryDraft, ParsedSource, RowProblem, require_text
from tasks.sources.facts import clean_fact, clean_link, is_auth_cell, parse_auth, parse_cors, parse_https

_HEADING = re.compile(r"(#{1,6})\s+(\S.*)$")
_ROW_START = re.compile(r"\||\[.*\|")
_RULE_CELL = re.compile(r":?-+:?")
_PIPE = re.compile(r"(?<!\\)\|")
_LINK = re.compile(r"\[(?P<name>.*)\]\(\s*(?P<link>\S*)(?:\s+[\"'].*[\"'])?\s*\)")
_LONGEST_LINK = 600
_COLUMNS = "API, Description, Auth, HTTPS, CORS"
_CATEGORY_LEVEL = 3


def is_markdown_list(text: str) -> bool:
    """Whether the text has a heading and a table row, each at the start of a line."""
    return bool(re.search(r"^#{1,6}\s", text, re.M)) and any(map(_opens_row, text.split("\n")))


def _opens_row(line: str) -> bool:
    """Whether a line starts with a pipe, or with a link and a pipe behind it."""
    if not line.startswith("["):
        return line.startswith("|")
    closing = line.find("](", 2)
    return closing >= 0 and bool(re.search(r"\)\s*+\|", line[closing + 2 :]))


def parse_markdown(text: str) -> ParsedSource:
    """Every row of every table under a `### Category` as a draft, or listed with its line and reason."""
    parsed = ParsedSource()
    category = ""
    for number, line in enumerate(text.split("\n"), start=1):
        heading = _HEADING.match(line.rstrip())
        if heading:
            category = clean_fact(heading[2].rstrip("#") or "#") if len(heading[1]) == _CATEGORY_LEVEL else ""
        elif category and _ROW_START.match(line.strip()):
            cells = _split_cells(line)
            if _is_header(cells):
                continue
            try:
                parsed.drafts.append(_read_draft(_place_cells(cells), category))
            except RowProblem as problem:
                parsed.skip(number, line, str(problem))
    return parsed


def _split_cells(line: str) -> list[str]:
    """The cells between unescaped pipes; empty ones at the end, which stray pipes leave, are dropped."""
    inner = line.strip().removeprefix("|")
    cells = [cell.replace("\\|", "|").strip() for cell in _PIPE.split(inner)]
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _is_header(cells: list[str]) -> bool:
    return all(_RULE_CELL.fullmatch(cell) for cell in cells) or [c.lower() for c in cells[:2]] == ["api", "description"]


def _place_cells(cells: list[str]) -> list[str]:
    """The five columns of a row that may have stray ones: a pipe in the description, cells after the last column."""
    if len(cells) < 4:
        raise RowProblem(f"{len(cells)} columns of the five ({_COLUMNS})")
    padded = cells if len(cells) > 4 else [*cells, ""]  # a row without its last column has an unknown CORS
    starts = [
        at
        for at in range(2, len(padded) - 2)
        if (is_auth_cell(padded[at]) or len(padded) == 5)
        and parse_https(padded[at + 1]) is not None
        and parse_cors(padded[at + 2]) is not None
    ]
    if not starts:
        raise RowProblem("no neighbouring cells can be Auth, HTTPS (Yes or No) and CORS (Yes, No or Unknown)")
    if len(starts) > 1:
        raise RowProblem(f"{len(cells)} columns that fit the five ({_COLUMNS}) in more than one way")
    at = starts[0]
    return [padded[0], " | ".join(padded[1:at]), *padded[at : at + 3]]


def _read_draft(row: list[str], category: str) -> EntryDraft:
    api, description, auth, https, cors = row
    if len(api) > _LONGEST_LINK:
        raise RowProblem(f"a first column of more than {_LONGEST_LINK:,} characters")
    linked = _LINK.fullmatch(api)
    name, description = clean_fact(linked["name"] if linked else api), clean_fact(description)
    require_text((("name", name), ("description", description)))
    return EntryDraft(
        name=name,
        description=description,
        category=category,
        link=clean_link(linked["link"]) if linked else "",
        auth=parse_auth(auth),
        https=bool(parse_https(https)),
        cors=parse_cors(cors) or "unknown",
    )
