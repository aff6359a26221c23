"""The last lines of a run that makes data: what they say, and what they leave out."""

import re
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from flows.build_dataset import render_summary
from flows.server import Server
from flows.summary import print_summary, shorten_path
from schemas.calls import Usage
from schemas.manifest import DatasetRef
from schemas.steps import BuildSummary, CallCounts, ToolsetSummary
from tests.hostile import ALL, list_unprintable

SERVER = Server("http://127.0.0.1:4200/api")


def make_summary(path: str = "/elsewhere/datasets/demo/v2", **more: Any) -> BuildSummary:
    """A run in which all went well."""
    dataset = DatasetRef(name="demo", version="v2", path=path, content_hash="c", counts={})
    told = {
        "dataset": dataset, "changed": True, "apis": 1200, "rejected_apis": {}, "accepted": 1500, "rejected": 0,
        "reasons": {}, "calls": CallCounts(sent=1234, stored=5678), "run_id": "r-1",
    }  # fmt: skip
    return BuildSummary.model_validate({**told, **more})


def tell(summary: BuildSummary | ToolsetSummary, capsys: pytest.CaptureFixture[str]) -> list[str]:
    print_summary(summary, 185.0, SERVER)
    return capsys.readouterr().out.splitlines()


def test_a_run_in_which_all_went_well_needs_ten_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert tell(make_summary(), capsys) == [
        "",
        "dataset   demo v2: published",
        "folder    /elsewhere/datasets/demo/v2",
        "page      /elsewhere/datasets/demo/v2/report.html",
        "APIs      1,200",
        "accepted  1,500 of 1,500 instances (100%)",
        "judge     none, rows are held to rules alone; --judge.model names one",
        "calls     1,234 sent to the teacher, 5,678 answered by the store",
        "run       http://127.0.0.1:4200/runs/flow-run/r-1",
        "time      3 min 05 s",
    ]


def test_what_an_accepted_row_took_is_told_before_what_was_spent(capsys: pytest.CaptureFixture[str]) -> None:
    usage = Usage(prompt=5_000_000, completion=850_000, cached=4_000_000)
    lines = tell(make_summary(usage=usage, calls=CallCounts(sent=1, bought=1, tokens=5)), capsys)
    assert lines[8] == "tokens    3,900 for an accepted row, 80% of the prompts' from the endpoint's cache"
    assert lines[9].startswith("spent ")


def test_operations_that_are_no_functions_are_told_with_where_their_reasons_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    line = "left out  1,003 operations, with reasons in import/ or specify/<api id>/"
    assert tell(make_summary(left_out=1003), capsys)[4:6] == ["APIs      1,200", line]
    toolset = ToolsetSummary(apis=1, rejected={}, calls=CallCounts(), left_out=1003)
    assert tell(toolset, capsys)[1:3] == ["APIs      1 ready, 0 rejected", line]


def test_what_was_turned_down_is_told_by_reason_and_apis_by_their_causes(capsys: pytest.CaptureFixture[str]) -> None:
    apis = {f"api-{number}": "specify: no" for number in range(6)} | {"other": "document: not that"}
    reasons = {"placeholder": 1200, "no_question": 3}
    lines = tell(make_summary(accepted=2, rejected=1201, reasons=reasons, rejected_apis=apis), capsys)
    assert lines[4:] == [
        "APIs      1,200, 7 rejected",
        "accepted  2 of 1,203 instances (0%)",
        "rejected  1,201",
        "           1,200  placeholder",
        "               3  no_question",
        "            api-0, api-1, api-2 and 3 more: specify: no",
        "            other: document: not that",
        *lines[-4:],
    ]


@pytest.mark.parametrize(
    ("judged", "line"),
    [
        ({"judges": 1, "judged": 1500}, "1,500 rows graded"),
        ({"judges": 3, "judged": 1200, "unanimous": 900}, "1,200 rows graded by 3 each, 75% of them unanimously"),
        ({"judges": 3}, "0 rows graded by 3 each"),
    ],
)
def test_what_judges_did_is_told(judged: dict[str, Any], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    summary = make_summary(**judged)
    assert f"judge     {line}" in tell(summary, capsys)
    assert f"- judge: {line}" in render_summary(summary)


@pytest.mark.parametrize(("causes", "more"), [(5, ""), (7, "            and 2 more, in toolset.parquet")])
def test_as_many_causes_as_there_is_room_for_are_all_told(
    causes: int, more: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = tell(make_summary(rejected_apis={f"api-{number}": f"no {number}" for number in range(causes)}), capsys)
    assert sum("api-" in line for line in lines) == 5
    assert any(line.startswith(more) for line in lines if "more" in line) == bool(more)


def test_a_cause_is_told_whole_however_long_it_is_and_leaves_no_column(capsys: pytest.CaptureFixture[str]) -> None:
    cause = "specify: no usable toolset after 4 attempts: " + "the path '/v1/things/{id}' lacks its parameter; " * 20
    lines = tell(make_summary(rejected_apis={"steem": cause}), capsys)
    assert max(map(len, lines)) <= 80
    told = " ".join(" ".join(lines).split())
    assert " ".join(cause.split()) in told


def test_a_build_without_an_accepted_row_says_so_and_not_that_it_is_published(
    capsys: pytest.CaptureFixture[str],
) -> None:
    summary = make_summary(accepted=0, rejected=6, reasons={"no_tool_call": 6})
    assert tell(summary, capsys)[1] == "dataset   demo v2: no row was accepted, `latest` is not moved"
    assert render_summary(summary).splitlines()[2] == "**No row was accepted**: `latest` is not moved."


def test_what_others_wrote_neither_acts_nor_takes_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    evil: dict[str, Any] = {
        "rejected_apis": {"a": f"import: {ALL}"},
        "reasons": {f"{ALL}`|b": 3},
        "rejected": 3,
        "stopped": ALL,
    }
    assert len(tell(make_summary(**evil), capsys)) == len(tell(make_summary(**evil | {"reasons": {"b": 3}}), capsys))
    print_summary(make_summary(f"/a{ALL}", **evil), 1.0, SERVER)
    assert list_unprintable(capsys.readouterr().out) == []


def test_the_page_of_a_run_makes_no_markup_of_what_others_wrote() -> None:
    evil = f"[x](http://evil.example)<img src=x>`a` | b{ALL}"
    page = render_summary(make_summary(f"/a{evil}", reasons={evil: 3}, stopped=evil, unfinished=1))
    assert list_unprintable(page) == []
    html = MarkdownIt("commonmark").enable("table").render(page)
    assert html.count("&lt;img src=x&gt;") == 4
    assert not re.search(r"<(?:a|img)\b", html)
    assert html.count("<td") == 2, "one row of reasons, of two cells"


def test_a_share_of_no_instances_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert "accepted  0" in tell(make_summary(accepted=0), capsys)


def test_a_version_that_was_there_before_and_one_that_is_partial_say_so(capsys: pytest.CaptureFixture[str]) -> None:
    unchanged = tell(make_summary(changed=False), capsys)
    assert unchanged[1] == "dataset   demo v2: unchanged, the newest version holds these very rows"
    partial = tell(make_summary(stopped="the budget is reached", unfinished=1234), capsys)
    assert partial[1] == "dataset   demo v2: partial, 1,234 APIs are not in it"


def test_money_is_told_where_something_was_bought_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert not any(line.startswith("spent") for line in tell(make_summary(), capsys))
    bought = CallCounts(sent=2, bought=1, tokens=500, cost_usd=0.5)
    assert "spent     $0.50 for 500 tokens" in tell(make_summary(calls=bought), capsys)


def test_exports_are_told_once_by_their_forms(capsys: pytest.CaptureFixture[str]) -> None:
    folder = "/elsewhere/datasets/demo/v2/exports"
    paths = (f"{folder}/xlam/train.jsonl", f"{folder}/trl/train.jsonl", f"{folder}/trl/test.jsonl")
    assert f"exports   {folder}/ (trl, xlam)" in tell(make_summary(exports=paths), capsys)


def test_a_toolset_is_told_by_its_apis(capsys: pytest.CaptureFixture[str]) -> None:
    whole = ToolsetSummary(apis=1200, rejected={}, calls=CallCounts(), run_id="r-2")
    assert tell(whole, capsys)[1] == "APIs      1,200 ready, 0 rejected"
    stopped = whole.model_copy(update={"rejected": {"a": "specify: no"}, "stopped": "budget", "unfinished": 1030})
    assert tell(stopped, capsys)[1:3] == [
        "APIs      1,200 ready, 1 rejected, 1,030 not begun or not finished",
        "            a: specify: no",
    ]


def test_a_path_is_told_as_seen_from_here_where_it_lies_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert shorten_path(str(tmp_path / "here" / "data" / "v1")) == "data/v1"
    assert shorten_path(str(tmp_path / "there" / "v1")) == str(tmp_path / "there" / "v1")
    assert shorten_path("s3://bucket/data/v1") == "s3://bucket/data/v1"


def test_the_page_of_a_run_holds_the_figures_in_full() -> None:
    counts = {"train.parquet": 1400, "rejected.parquet": 3}
    dataset = make_summary().dataset.model_copy(update={"counts": counts})
    summary = make_summary(
        dataset=dataset, reasons={"placeholder": 1200}, rejected=1200,
        calls=CallCounts(sent=1234, stored=5678, bought=1, tokens=50, cost_usd=0.5),
    )  # fmt: skip
    assert render_summary(summary).splitlines() == [
        "# demo v2",
        "",
        "Published.",
        "",
        "- folder: `/elsewhere/datasets/demo/v2`",
        "- page: `/elsewhere/datasets/demo/v2/report.html`",
        "- content hash of `train.parquet`: `c`",
        "- completions: 1,234 sent, 5,678 from the store",
        "- spent: $0.50 for 50 tokens",
        "- judge: none, rows are held to rules alone; --judge.model names one",
        "",
        "| table | rows |",
        "| --- | ---: |",
        "| `train.parquet` | 1,400 |",
        "| `rejected.parquet` | 3 |",
        "",
        "| reason of rejection | instances |",
        "| --- | ---: |",
        "| `placeholder` | 1,200 |",
    ]


def test_the_page_of_a_run_says_what_it_is_not() -> None:
    unchanged = render_summary(make_summary(changed=False)).splitlines()
    assert unchanged[2:4] == ["Unchanged: the newest version holds these very rows.", ""]
    assert unchanged[-1] == "| --- | ---: |"
    partial = render_summary(make_summary(stopped="The budget is reached.", unfinished=1030)).splitlines()
    assert partial[2:5] == ["Published.", "", "**Partial**: 1,030 APIs are not in it. The budget is reached."]
