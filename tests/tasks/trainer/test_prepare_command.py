"""The command that prepares: what it says on its way, its exit statuses, and one line where it cannot be done."""

import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("transformers", reason="the train extra is not installed: make setup-train")

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.training import PreparedData, PrepareSpec
from tasks.trainer import prepare as module
from tasks.trainer.prepare import main, prepare
from tests.bare import BarePython
from tests.tasks.trainer.episodes import make_row, make_rows, one_call, write_rows


def make_spec(vicuna: Path, folder: Path, rows: list[dict[str, Any]]) -> PrepareSpec:
    return PrepareSpec(
        train_file=str(write_rows(folder / "rows.parquet", rows)),
        model=str(vicuna),
        template="auto",
        max_length=1024,
        packing=True,
        seed=0,
        output=str(folder / "out"),
    )


def write_spec(vicuna: Path, folder: Path, row: dict[str, Any]) -> str:
    (folder / "spec.json").write_text(make_spec(vicuna, folder, [row]).model_dump_json())
    return str(folder / "spec.json")


@pytest.mark.parametrize(("every", "said"), [(-1.0, ["4 of 10 rows", "7 of 10 rows", "8 of 10 rows"]), (1e9, [])])
def test_how_far_it_is_is_said_now_and_then(
    vicuna: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every: float, said: list[str]
) -> None:
    """Of all rows in the file, though only accepted ones are counted."""
    rows = make_rows(10)
    rows[5]["accepted"] = rows[9]["accepted"] = False
    monkeypatch.setattr(module, "BATCH", 4)
    monkeypatch.setattr(module, "SAY_EVERY_S", every)
    lines: list[str] = []
    prepared = prepare(make_spec(vicuna, tmp_path, rows), lines.append)
    last = f"8 of 8 rows in {prepared.sequences} sequences, {prepared.tokens} tokens"
    assert lines == [*said, last]


def test_what_was_said_just_now_is_not_said_again(
    vicuna: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six seconds go by before the first batch is done: said after 6 s and, as 5 s later is too soon, after 12 s."""
    moments = iter([0.0, 6.0, 6.0, 8.0, 11.0, 12.0, 12.0, 14.0])
    monkeypatch.setattr(module, "BATCH", 2)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: next(moments)))
    lines: list[str] = []
    prepare(make_spec(vicuna, tmp_path, make_rows(10)), lines.append)
    assert lines[:-1] == ["2 of 10 rows", "8 of 10 rows"]


def test_the_command_says_in_one_line_what_is_wrong(
    vicuna: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = make_row(one_call(), 5)
    row["messages"][2]["tool_calls"][0]["arguments"] = "{"
    assert main([write_spec(vicuna, tmp_path, row)]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: row row-5: ")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tools": json.dumps([1])}, "error: row row-5: "),
        ({"tools": json.dumps(["f"])}, "error: row row-5: "),
        ({"tools": json.dumps([{"type": "function", "function": []}])}, ""),  # a strange one, and the template takes it
        ({"tools": "[" * 100_000}, "error: row row-5: maximum recursion depth"),
        ({"messages": None}, "error: row row-5: "),
        ({"messages": [{"role": "root", "content": "a"}]}, "error: row row-5: a message of the role 'root'"),
    ],
)
def test_a_row_of_somebody_else_is_named_in_one_line(
    vicuna: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, Any], said: str
) -> None:
    rows = [make_row(one_call(), number) for number in range(8)]
    rows[5] |= change
    (tmp_path / "spec.json").write_text(make_spec(vicuna, tmp_path, rows).model_dump_json())
    status = main([str(tmp_path / "spec.json")])
    assert status == (1 if said else 0)
    if said:
        assert capsys.readouterr().err.splitlines()[-1].startswith(said)
    assert (tmp_path / "out").exists() is not bool(said)


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda path: path.write_bytes(b"PAR1" + b"\xff" * 40 + b"PAR1"), "error: "),
        (
            lambda path: pq.write_table(pa.table({"id": ["a"]}), path),
            "error: the table has no column tools of type string",
        ),
        (
            lambda path: pq.write_table(
                pa.table({"id": [1], "tools": ["[]"], "messages": [[]], "accepted": [True]}), path
            ),
            "error: the table has no column id of type string",
        ),
    ],
    ids=["no Parquet", "a column less", "another type"],
)
def test_a_table_of_another_form_is_one_line(
    vicuna: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], write: Callable[[Path], object], said: str
) -> None:
    spec = make_spec(vicuna, tmp_path, make_rows(2))
    write(Path(spec.train_file))
    (tmp_path / "spec.json").write_text(spec.model_dump_json())
    assert main([str(tmp_path / "spec.json")]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith(said)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda spec: spec.pop("seed"), "error: 1 validation error for PrepareSpec seed Field required"),
        (lambda spec: spec.update(train_file="none.parquet"), "error: "),
        (lambda spec: spec.update(max_length=2), "error: nothing to train on: of 1 accepted rows 1 are longer"),
    ],
)
def test_whatever_is_wrong_with_what_is_asked_for_is_one_line(
    vicuna: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    damage: Callable[[dict[str, Any]], object],
    said: str,
) -> None:
    path = Path(write_spec(vicuna, tmp_path, make_row(one_call())))
    spec = json.loads(path.read_text())
    damage(spec)
    path.write_text(json.dumps(spec))
    assert main([str(path)]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith(said)
    assert not (tmp_path / "out").exists()


def test_what_the_command_says_is_there_at_once(vicuna: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever follows the log of a process sees how far it is."""

    class Log(io.StringIO):
        seen = ""

        def flush(self) -> None:
            self.seen = self.getvalue()

    log = Log()
    path = write_spec(vicuna, tmp_path, make_row(one_call()))
    monkeypatch.setattr(sys, "stdout", log)
    assert main([path]) == 0
    assert log.seen.endswith(" tokens\n")


@pytest.mark.parametrize("arguments", [[], ["a.json", "b.json"]])
def test_the_command_takes_one_file(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.endswith("error: python -m tasks.trainer.prepare SPEC.json\n")


def test_the_command_prepares_and_says_what(
    vicuna: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "")
    monkeypatch.delenv("TOKENIZERS_PARALLELISM")
    assert main([write_spec(vicuna, tmp_path, make_row(one_call()))]) == 0
    prepared = PreparedData.model_validate_json((tmp_path / "out" / "prepared.json").read_text())
    assert capsys.readouterr().out.splitlines()[-1] == f"1 of 1 rows in 1 sequences, {prepared.tokens} tokens"
    assert os.environ["TOKENIZERS_PARALLELISM"] == "true"


def test_the_command_needs_no_trl(bare_python: BarePython, vicuna: Path, tmp_path: Path) -> None:
    """Its templates are read as files: it takes ten seconds to import."""
    code = """
import runpy, sys
try:
    runpy.run_module("tasks.trainer.prepare", run_name="__main__", alter_sys=True)
except SystemExit as end:
    assert "trl" not in sys.modules, "imported"
    raise
raise SystemExit("it did not run")
"""
    said = bare_python.run(code, write_spec(vicuna, tmp_path, make_row(one_call())))
    assert "1 of 1 rows in 1 sequences" in said
