"""`toolherd judge-check`: how far a judge agrees with verdicts that are known, and where not."""

import json
from pathlib import Path

import pytest
from upath import UPath

from flows.toolherd import main
from schemas.instance import Instance
from schemas.judging import Grade, Vote
from tests.tasks.datasets.samples import build_row, write_table


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A dataset of four rows that a judge has read, and one that none has."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TOOLHERD_DATA_ROOT", str(tmp_path))
    folder = tmp_path / "datasets" / "demo" / "v1"
    folder.mkdir(parents=True)
    rows = [build(f"r{number}", process=number != 1, response=number % 2 == 0) for number in range(4)]
    unread = build_row().model_copy(update={"id": "r9", "judge_votes": None})
    write_table(UPath(folder / "train.parquet"), rows[:2], Instance)
    write_table(UPath(folder / "test.parquet"), rows[2:3], Instance)
    write_table(UPath(folder / "rejected.parquet"), [*rows[3:], unread], Instance)
    (folder / "manifest.json").write_text("{}")
    return folder


def build(id: str, *, process: bool, response: bool) -> Instance:
    vote = Vote(process=Grade(right=process, reason="The calls."), response=Grade(right=response, reason="The words."))
    told = {"judge_process": process, "judge_response": response, "judge_votes": f"[{vote.model_dump_json()}]"}
    return build_row().model_copy(update={"id": id, "instruction": f"Do {id}!", **told})


def run(folder: Path, *given: dict[str, object], options: tuple[str, ...] = ()) -> int:
    path = folder.parent / "given.jsonl"
    path.write_text("\n".join(map(json.dumps, given)))
    return main(["judge-check", str(path), "--dataset", str(folder), *options])


def test_agreement_is_told_for_each_side_and_the_rows_on_which_they_differ(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given: list[dict[str, object]] = [
        {"id": f"r{number}", "process": True, "response": number < 2} for number in range(4)
    ]
    assert run(folder, *given, {"id": "r9", "process": True}, {"id": "gone", "process": True}) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("4 of 6 rows were read by a judge; 1 are not in ")
    assert lines[3].split()[:4] == ["process", "4", "75%", "0.00"]
    assert lines[4].split()[:4] == ["response", "4", "50%", "0.00"]
    told = "\n".join(lines[5:])
    assert "r1, process: given right, the judge says wrong\n  Do r1!" in told
    assert "r1, response: given right, the judge says wrong" in told
    assert "r2, response: given wrong, the judge says right" in told
    assert "  The words." in told
    assert "r0" not in told
    assert max(map(len, lines[1:])) <= 80


def test_no_more_differences_are_listed_than_asked_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given: list[dict[str, object]] = [{"id": f"r{number}", "response": number % 2 == 1} for number in range(4)]
    assert run(folder, *given, options=("--show", "1")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[3].split()[:2] == ["process", "0"]
    assert lines[-1] == "and 3 more: --show 4 lists all"


def test_a_dataset_that_no_judge_has_read_is_told_with_the_remedy(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, {"id": "r9", "process": True}) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "no judge has read any of the 1 rows" in captured.err
    assert "--judge.model" in captured.err


@pytest.mark.parametrize("dataset", ["nothing", "nothing/v3"])
def test_a_dataset_that_is_not_there_is_told(folder: Path, dataset: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "given.csv"
    path.write_text("id,process\nr0,true\n")
    assert main(["judge-check", str(path), "--dataset", dataset]) == 2
    assert capsys.readouterr().err.startswith("error: ")
