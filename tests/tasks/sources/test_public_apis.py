"""The public-apis list, as Markdown and as its older JSON: every row becomes an entry or is listed with its reason."""

import json
import re
from pathlib import Path

import pytest

from schemas.catalog import CatalogEntry
from schemas.errors import UserError
from tasks.sources import read_catalog
from tasks.sources.markdown import parse_markdown
from tasks.sources.older_json import parse_entries
from tests.shared_data import SHARED_DATA, needs_shared_data

LIST = """# Try public APIs

### Covered by a sponsor
- [Listed](https://list.example)

## Sponsor's APIs
| API | Description | Call this API |
|:---|:---|:---|
| [Sponsored](https://sponsor.example) | Something | [button](x) |

## Index
* [Animals](#animals)

### Animals
API | Description | Auth | HTTPS | CORS |
|:---|:---|:---|:---|:---|
| [Cat Facts](https://cats.example/?utm_source=Github&page=1 ) | Daily cat facts | No | Yes | No | |
| [Café (new)](https://cafe.example/a_(b)) | Beans \\| roasts | `apiKey` | No | Unknown | | |

**[⬆ Back to Index](#index)**
<br >

### Weather
| API | Description | Auth | HTTPS | CORS |
|---|---|---|---|---|
| [Map](https://map.example) | Maps | `apiKey` | Yes | No | Yes
| [Split](https://split.example) | Rain | and snow | `OAuth` | Yes | Yes |
| [Short](https://short.example) | Wind | `User-Agent` | No |
| Plain | Clouds | X-Mashape-Key | yes | unkown |
| [Broken](https://broken.example) | Hail |
| [Odd](https://odd.example) | Fog | No | Perhaps | Yes |
| [Twofold](https://two.example) | Ice | No | No | No | No |
| [](https://nameless.example) | Sun | No | Yes | Yes |
| [Silent](https://silent.example) | | No | Yes | Yes |

## License
| [After](https://after.example) | The end | No | Yes | Yes |
"""


def read_list(tmp_path: Path, text: str = LIST) -> tuple[CatalogEntry, ...]:
    file = tmp_path / "list.txt"
    file.write_text(text, encoding="utf-8")
    return read_catalog(str(file)).entries


def test_only_rows_under_a_category_are_entries(tmp_path: Path) -> None:
    assert [(e.category, e.name) for e in read_list(tmp_path)] == [
        ("Animals", "Cat Facts"),
        ("Animals", "Café (new)"),
        ("Weather", "Map"),
        ("Weather", "Split"),
        ("Weather", "Short"),
        ("Weather", "Plain"),
    ]


def test_facts_are_normalised_and_stray_columns_recovered(tmp_path: Path) -> None:
    cats, cafe, maps, split, short, plain = read_list(tmp_path)
    assert (cats.link, cats.auth, cats.https, cats.cors) == ("https://cats.example/?page=1", "none", True, "no")
    assert (cafe.id, cafe.link, cafe.auth) == ("cafe-new", "https://cafe.example/a_(b)", "apiKey")
    assert (cafe.description, cafe.https, cafe.cors) == ("Beans | roasts", False, "unknown")
    assert (maps.auth, maps.https, maps.cors) == ("apiKey", True, "no")
    assert (split.description, split.auth, split.cors) == ("Rain | and snow", "OAuth", "yes")
    assert (short.auth, short.https, short.cors) == ("other", False, "unknown")
    assert (plain.link, plain.auth, plain.cors) == ("", "other", "unknown")


def test_rows_left_out_are_listed_with_line_and_reason() -> None:
    skipped = {row.line: (row.text, row.reason) for row in parse_markdown(LIST).skipped}
    lines = LIST.split("\n")
    by_name = {
        name: next(n for n, line in enumerate(lines, 1) if name in line) for name in ("Broken", "Odd", "Twofold")
    }
    assert "2 columns" in skipped[by_name["Broken"]][1]
    assert "HTTPS (Yes or No)" in skipped[by_name["Odd"]][1]
    assert "more than one way" in skipped[by_name["Twofold"]][1]
    assert [reason for _, reason in skipped.values()][-2:] == ["no name", "no description"]
    assert all(text in lines[line - 1] for line, (text, _) in skipped.items())
    assert len(skipped) == 5


def test_line_ends_of_windows_change_nothing(tmp_path: Path) -> None:
    assert read_list(tmp_path, LIST.replace("\n", "\r\n")) == read_list(tmp_path)


def test_older_json_lists_what_it_leaves_out(tmp_path: Path) -> None:
    good = {"API": "A", "Description": "a", "Auth": "", "HTTPS": True, "Cors": "unkown", "Link": "l", "Category": "C"}
    rows = [good, {**good, "API": " "}, "text", {**good, "HTTPS": "maybe"}, {**good, "Cors": "?"}, good]
    file = tmp_path / "list"
    file.write_text(json.dumps({"count": 6, "entries": rows}), encoding="utf-8")
    catalog = read_catalog(str(file))
    assert [e.auth for e in catalog.entries] == ["none", "none"]
    assert len({e.id for e in catalog.entries}) == 2
    assert [(row.line, row.reason) for row in catalog.skipped] == [
        (2, "no name"),
        (3, "not an object"),
        (4, "HTTPS is 'maybe', neither true nor false"),
        (5, "Cors is '?', none of yes, no and unknown"),
    ]


def test_names_beyond_unicode_text_are_cleaned() -> None:
    entry = {"API": "a\ud800\u0000b", "Description": "x\ny", "HTTPS": "Yes", "Category": "C"}
    (draft,) = parse_entries([entry]).drafts
    assert (draft.name, draft.description) == ("a? b", "x y")


@pytest.mark.parametrize(
    "text",
    [
        "# A list\n\n## Animals\n| API | Description | Auth | HTTPS | CORS |\n| [A](b) | c | No | Yes | Yes |\n",
        "# Title\n",
    ],
)
def test_a_list_without_usable_rows_is_one_clear_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(UserError, match=r"No usable row in .*list\.txt") as caught:
        read_list(tmp_path, text)
    assert "\n" not in str(caught.value)


@needs_shared_data
def test_every_row_of_the_published_markdown_is_accounted_for() -> None:
    path = SHARED_DATA / "public_apis_readme.md"
    catalog = read_catalog(str(path))
    lines = path.read_text(encoding="utf-8").split("\n")
    first = next(n for n, line in enumerate(lines) if line.startswith("### Animals"))
    rows = [line for line in lines[first:] if re.match(r"\|\s*\[", line)]
    assert len(catalog.entries) + len(catalog.skipped) == len(rows) == 1695
    assert len({e.category for e in catalog.entries}) == 51
    assert len({e.id for e in catalog.entries}) == len(catalog.entries)
    assert catalog.skipped == ()


@needs_shared_data
def test_every_entry_of_the_older_json_is_accounted_for() -> None:
    catalog = read_catalog(str(SHARED_DATA / "public_apis.json"))
    assert (len(catalog.entries), catalog.skipped) == (1425, ())
    assert len({e.id for e in catalog.entries}) == 1425
    assert len([e.id for e in catalog.entries if e.name == "SWAPI"]) == 2
