"""What the report's page says without its script: tiles, plots, tables, and who made the dataset."""

import base64
import hashlib
import html
import re
import secrets
from typing import Any

import pytest

from schemas.episodes import Kind
from schemas.instance import Instance
from schemas.manifest import Manifest
from schemas.reasons import DESCRIPTIONS, Reason
from tasks.datasets.manifests import read_manifest
from tasks.datasets.pages import read_asset
from tasks.datasets.publish import publish_dataset
from tasks.datasets.report import render_report
from tasks.datasets.root import DataRoot
from tasks.datasets.rows import build_rejected_api_row
from tasks.datasets.sample import Sample
from tasks.datasets.versions import resolve_dataset
from tests.tasks.datasets.samples import (
    build_content,
    build_facts,
    build_ledger,
    build_rejected_api,
    build_row,
    build_rows,
    build_toolsets,
    count_rows,
    outline_rows,
    say,
)


def make_manifest(rows: list[Instance]) -> Manifest:
    root = DataRoot(f"memory://{secrets.token_hex(8)}")
    publish_dataset(root, "demo", "mine", build_content(rows, build_toolsets(), [], build_ledger(rows)), build_facts())
    return read_manifest(resolve_dataset(root, "demo"))


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return make_manifest(build_rows())


def render(
    manifest: Manifest, rows: list[Instance] | None = None, rejected: int = 0, facts: dict[str, Any] | None = None,
    **changes: Any,
) -> str:  # fmt: skip
    rows = build_rows() if rows is None else rows
    sample = Sample(outline_rows(rows), frozenset())
    for row in rows:
        sample.add(row)
    update = {"facts": build_facts(**(facts or {})), **changes}
    broken = build_rejected_api_row(build_rejected_api())
    apis = [broken.model_copy(update={"name": f"<{broken.name}> {n}"}) for n in range(rejected)]
    return render_report(manifest.model_copy(update=update), count_rows(rows), sample, apis)


def read_tiles(page: str) -> dict[str, tuple[str, str]]:
    found = re.findall(r'<div class="tile"><b>(.*?)</b><span>(.*?)</span><small>(.*?)</small></div>', page)
    return {label: (value, note) for value, label, note in found}


def read_figure(page: str, title: str) -> str:
    found = re.findall(r'<figure class="card">(.*?)</figure>', page, re.DOTALL)
    (figure,) = (one for one in found if f"<h2>{title}</h2>" in one)
    assert isinstance(figure, str)
    return figure


def read_rows(figure: str) -> list[tuple[str, str, str]]:
    """Of each row of a plot its label, length in per cent and value."""
    form = r'bar-label">([^<]*).*?bar-fill" width="([\d.]+)%".*?bar-value">([\d,]+)'
    return [(html.unescape(label), width, value) for label, width, value in re.findall(form, figure, re.DOTALL)]


def test_the_tiles_hold_the_figures(manifest: Manifest) -> None:
    # 20 of 23 rows were accepted, 8 of them with several calls; 23 completions took 812 and 96 tokens each
    assert read_tiles(render(manifest)) == {
        "instances": ("20", "87% of 23 passed every check"),
        "APIs": ("4", "1 of them kept unseen for test"),
        "categories": ("4", "of the catalogue"),
        "functions": ("8", "2 per API"),
        "multi-call": ("40%", "8 instances with several calls"),
        "tokens": ("20,884", "$0.00 by the price list"),
    }


def test_the_tiles_of_a_dataset_without_rows_are_nought() -> None:
    assert read_tiles(render(make_manifest([]), [])) == {
        "instances": ("0", "0% of 0 passed every check"),
        "APIs": ("0", "0 of them kept unseen for test"),
        "categories": ("0", "of the catalogue"),
        "functions": ("0", "0 per API"),
        "multi-call": ("0%", "0 instances with several calls"),
        "tokens": ("0", "cost unknown"),
    }


def test_shares_are_rounded() -> None:
    rows = [build_row(Kind.MULTI_CALL, 0, 1), build_row(Kind.MULTI_CALL, 0, 2), build_row(Kind.NO_TOOL, 0, 3),
            *[build_row(Kind.NO_TOOL, 0, n, Reason.PLACEHOLDER) for n in range(4, 7)],
            build_row(Kind.NO_TOOL, 1, 8)]  # fmt: skip
    tiles = read_tiles(render(make_manifest(rows), rows))
    assert tiles["multi-call"] == ("50%", "2 instances with several calls")
    assert tiles["instances"] == ("4", "57.1% of 7 passed every check")
    tiles = read_tiles(render(make_manifest(rows[:3]), rows[:3]))
    assert (tiles["multi-call"][0], tiles["instances"][1]) == ("67%", "100% of 3 passed every check")


@pytest.mark.parametrize(
    ("tokens", "told"),
    [
        (99_999, "99,999"), (100_000, "100K"), (812_400, "812K"), (812_600, "813K"), (999_999, "1000K"),
        (1_000_000, "1M"), (1_094_999, "1.09M"), (1_095_001, "1.1M"), (20_440_000, "20.4M"), (999_499_999, "999M"),
        (999_500_000, "1B"), (3_144_999_999, "3.14B"), (3_145_000_001, "3.15B"),
    ],
)  # fmt: skip
def test_many_tokens_are_told_in_few_characters(manifest: Manifest, tokens: int, told: str) -> None:
    page = render(manifest, [], input_tokens=tokens - 40, output_tokens=40)
    assert read_tiles(page)["tokens"][0] == told


@pytest.mark.parametrize(
    ("cost", "told"),
    [(None, "cost unknown"), (0.0, "$0.00 by the price list"), (1234.567, "$1,234.57 by the price list")],
)
def test_the_cost_is_told_where_it_is_known(manifest: Manifest, cost: float | None, told: str) -> None:
    assert read_tiles(render(manifest, [], cost_usd=cost))["tokens"][1] == told


def test_each_plot_holds_what_its_title_says() -> None:
    rows = [
        build_row(Kind.MULTI_CALL, 0, 1),
        build_row(Kind.MULTI_CALL, 0, 2),
        build_row(Kind.NO_TOOL, 1, 3),
        build_row(Kind.SINGLE_CALL, 2, 4, Reason.PLACEHOLDER),
    ]
    rows = [row.model_copy(update={"instruction": "a b", "messages": (*row.messages[:-1], say("one"))}) for row in rows]
    page = render(make_manifest(rows), rows)
    assert read_rows(read_figure(page, "Kinds")) == [("multi call", "100.0", "2"), ("no tool", "50.0", "1")]
    assert read_rows(read_figure(page, "Categories")) == [
        ("Sports & Fitness", "100.0", "2"),
        ("Art & Design", "50.0", "1"),
    ]
    columns = r'<li title="(.*?)">'
    assert re.findall(columns, read_figure(page, "Calls per instance")) == [
        "0: 1 instances (33.3%)", "1: 0 instances (0.0%)", "2: 2 instances (66.7%)",
    ]  # fmt: skip
    assert "1.33 on average" in read_figure(page, "Calls per instance")
    assert re.findall(columns, read_figure(page, "Length of instructions")) == ["2-2: 3 instances (100.0%)"]
    assert "In words; 2.0 on average" in read_figure(page, "Length of instructions")
    assert re.findall(columns, read_figure(page, "Length of responses")) == ["1-1: 3 instances (100.0%)"]
    assert "In words; 1.0 on average" in read_figure(page, "Length of responses")
    why = read_figure(page, "Why rows were rejected")
    assert read_rows(why) == [("placeholder", "100.0", "1")]
    assert html.escape(DESCRIPTIONS[Reason.PLACEHOLDER]) in why
    assert "1 rows; one may have several reasons" in why


def test_a_column_stands_on_the_ground(manifest: Manifest) -> None:
    bars = re.findall(
        r'y="([\d.]+)%" width="100%" height="([\d.]+)%"', read_figure(render(manifest), "Calls per instance")
    )
    assert bars
    assert all(float(top) + float(height) == pytest.approx(100) for top, height in bars)


def test_the_thirteenth_category_is_one_more(manifest: Manifest) -> None:
    rows = [build_row(Kind.NO_TOOL, 0, n).model_copy(update={"category": f"c{n:02}"}) for n in range(13)]
    assert "more</summary>" not in read_figure(render(manifest, rows[:12]), "Categories")
    figure = read_figure(render(manifest, rows), "Categories")
    assert "13 categories, by accepted instances" in figure
    first, rest = figure.split("<summary>1 more</summary>")
    assert [label for label, _, _ in read_rows(first)] == [f"c{n:02}" for n in range(12)]
    assert [label for label, _, _ in read_rows(rest)] == ["c12"]


def test_the_papers_figures_stand_beside_ours(manifest: Manifest) -> None:
    page = render(manifest)
    for label, ours, paper in (
        ("Instances", "20", "3,938"),
        ("Multi-call instances", "8", "1,426 †"),
        ("Functions", "8", "–"),
    ):
        assert f'<th scope="row">{label}</th><td>{ours}</td><td>{paper}</td>' in page


def test_the_page_says_how_much_of_the_dataset_it_shows(manifest: Manifest) -> None:
    assert "All 23 are on this page." in render(manifest)
    rows = [build_row(Kind.NO_TOOL, 0, n) for n in range(401)]
    assert "<b>showing 400 of 401</b>" in render(manifest, rows)
    assert "All 400 are on this page." in render(manifest, rows[:400])


def test_the_page_says_who_wrote_it_and_how(manifest: Manifest) -> None:
    page = render(manifest, [], facts={"seed": 7})
    assert "20 verified tool-use conversations over 4 APIs." in page
    assert "Written by the embedded teacher: a grammar, not a language model." in page
    assert "Partial" not in page
    for fact in ("<span>teacher</span> offline", "<span>executor</span> mock", "<span>seed</span> 7",
                 "<code>0123456789abcdef</code>", "4 Mar 2026, 05:06 UTC"):  # fmt: skip
        assert fact in page
    page = render(manifest, [], facts={"teacher": "gpt-<x>", "unfinished_apis": 1200})
    assert "Written by <b>gpt-&lt;x&gt;</b>." in page
    assert "embedded teacher" not in page
    assert "<b>Partial</b>: the run's budget was reached before 1,200 more APIs were finished." in page


def test_rejected_apis_are_told_with_their_problems_and_their_markup_stays_text(manifest: Manifest) -> None:
    page = render(manifest, [], rejected=2)
    assert "APIs that did not become a toolset: 2</summary>" in page
    assert "<dt>&lt;Broken | API&gt; 1 <small>at specify</small></dt>" in page
    assert "<dd>paths./a: reference loop &lt;script&gt;alert(1)&lt;/script&gt;</dd>" in page
    assert "did not become a toolset" not in render(manifest, [])


def test_the_policy_allows_the_pages_own_script_and_style_and_nothing_else(manifest: Manifest) -> None:
    page = render(manifest, [])
    policy = re.search(r'http-equiv="Content-Security-Policy" content="(.*?)"', page)
    assert policy is not None
    allowed = dict(part.strip().split(" ", 1) for part in html.unescape(policy[1]).split(";"))
    for part, name, tag in (("script-src", "report.js", "script"), ("style-src", "report.css", "style")):
        digest = base64.b64encode(hashlib.sha256(read_asset(name).encode()).digest()).decode()
        assert allowed.pop(part) == f"'sha256-{digest}'"
        assert f"<{tag}>{read_asset(name)}</{tag}>" in page
    assert allowed == {"default-src": "'none'", "img-src": "data:", "base-uri": "'none'", "form-action": "'none'"}
