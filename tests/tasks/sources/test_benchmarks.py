"""Benchmark files of the usual forms are read, others refused in one line."""

import json
from pathlib import Path

import pandas as pd
import pytest

from schemas.errors import UserError
from tasks.sources import read_benchmark
from tests.shared_data import SHARED_DATA, needs_shared_data

ONE, TWO = "Find a hotel in Lyon", "What is the weather in Oslo?"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", json.dumps([{"Name": "A", "Instructions": [ONE]}, {"Name": "B", "Instructions": [TWO]}])),
        ("b.json", json.dumps([{"instruction": ONE}, {"query": TWO}])),
        ("c.jsonl", f"{json.dumps({'instruction': ONE})}\n\n{json.dumps({'query': TWO})}\n"),
        (
            "d.jsonl",
            "\n".join(
                json.dumps({"messages": [{"role": "system", "content": "x"}, {"role": "user", "content": text}]})
                for text in (ONE, TWO)
            ),
        ),
        ("e.txt", f"{ONE}\n\n{TWO}\n"),
        ("e", f"\ufeff  {ONE} \r\n \n{TWO}"),
        ("f.ndjson", f'"{ONE}"\n{json.dumps({"query": TWO})}'),
        ("g.txt", f"\n  {json.dumps({'instruction': ONE})}\n{json.dumps({'query': TWO})}\n"),
        ("h.json", json.dumps([ONE, [{"data": "x", "query": TWO}], {"instruction": " "}, {"instruction": 7}, 7, None])),
        ("i.json", json.dumps({"Instructions": [ONE, {"query": TWO}], "instruction": "not this"})),
        ("j.json", json.dumps([{"Instructions": "x", "instruction": ONE, "query": "not this"}, {"query": TWO}])),
        (
            "k.json",
            json.dumps([{"instruction": 7, "query": ONE, "messages": [{"role": "user", "content": "no"}]}, TWO]),
        ),
        (
            "l.json",
            json.dumps(
                [
                    {"messages": ["x", {"role": "assistant", "content": "no"}, {"role": "user", "content": ONE}]},
                    {"messages": [{"role": "user", "content": TWO}, {"role": "user", "content": "no"}]},
                    {"messages": [{"role": "system", "content": "no"}]},
                    {"messages": [{"role": "user", "content": None}]},
                    {"messages": "no"},
                ]
            ),
        ),
    ],
)
def test_text_forms(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert read_benchmark(tmp_path / name) == (ONE, TWO)


MESSAGES = [[{"role": "user", "content": text}] for text in (ONE, TWO)]


@pytest.mark.parametrize(
    "columns",
    [
        {"id": [1, 2], "instruction": [ONE, TWO]},
        {"query": [ONE, TWO], "id": ["a", "b"]},
        {"messages": MESSAGES},
        {"messages": [["no"], ["no"]], "query": ["no", "no"], "instruction": [ONE, TWO]},
        {"messages": [["no"], ["no"]], "query": [ONE, TWO]},
        {"Instructions": [["no"], ["no"]], "query": [ONE, TWO]},
    ],
    ids=["instruction", "query", "messages", "instruction before query", "query before messages", "query alone"],
)
def test_parquet(tmp_path: Path, columns: dict[str, list[object]]) -> None:
    pd.DataFrame(columns).to_parquet(tmp_path / "a.parquet")
    assert read_benchmark(str(tmp_path / "a.parquet")) == (ONE, TWO)


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("missing.json", None, "no such file"),
        ("broken.json", b'{"instruction": ', "cannot be read"),
        ("empty.json", b"[]", "holds no instruction"),
        ("deep.json", b"[" * 100_000, "cannot be read"),
        ("bad.parquet", b"no parquet", "cannot be read"),
        ("bytes.txt", b"\xff\xfe\x00", "cannot be read"),
        ("lines.jsonl", ONE.encode(), "cannot be read"),
        ("lines.json", b'{"instruction": "x"}\n{"instruction": "y"}', "cannot be read"),
        ("blank.txt", b" \n\t\n", "holds no instruction"),
    ],
)
def test_other_files_are_refused_in_one_line(tmp_path: Path, name: str, content: bytes | None, problem: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=problem) as caught:
        read_benchmark(tmp_path / name)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


def test_a_parquet_file_without_instructions_names_its_columns(tmp_path: Path) -> None:
    pd.DataFrame({"id": [1]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(UserError, match="columns are id"):
        read_benchmark(tmp_path / "a.parquet")


@needs_shared_data
@pytest.mark.parametrize(
    ("name", "count"), [("toolalpaca_eval_simulated.json", 100), ("toolalpaca_eval_real.json", 114)]
)
def test_toolalpacas_test_sets(name: str, count: int) -> None:
    assert len(read_benchmark(SHARED_DATA / name)) == count
