import gc
import hashlib
import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pyarrow.parquet as pq
import pytest
from fsspec.implementations.memory import MemoryFile
from hypothesis import given, settings
from hypothesis import strategies as st
from upath import UPath

from schemas.arrow import INSTANCE_SCHEMA
from schemas.calls import LedgerRow
from schemas.episodes import Kind, Message, ToolCall
from schemas.instance import Instance
from schemas.reasons import Reason
from tasks.datasets import parquet
from tasks.datasets.parquet import TableWriter, content_hash_of_rows, read_column, read_table
from tests.tasks.datasets.samples import CREATED_AT, build_ledger, build_ledger_row, build_row, build_rows, write_table

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
calls = st.builds(ToolCall, id=texts, name=texts, arguments=texts)
messages = st.builds(
    Message,
    role=st.sampled_from(["system", "user", "assistant", "tool"]),
    content=texts,
    tool_calls=st.lists(calls, max_size=3).map(tuple),
    tool_call_id=st.none() | texts,
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(messages, max_size=4).map(tuple), max_size=4))
def test_messages_and_arguments_come_back_exactly(conversations: list[tuple[Message, ...]]) -> None:
    rows = [build_row().model_copy(update={"id": str(n), "messages": m}) for n, m in enumerate(conversations)]
    path = UPath("memory://round-trip/rows.parquet")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_table(path, rows, Instance)
    assert list(read_table(path, Instance)) == rows


def test_many_row_groups_come_back_in_order(tmp_path: Path) -> None:
    rows = build_rows() * 60
    path = UPath(tmp_path / "rows.parquet")
    facts = write_table(path, rows, Instance)
    assert len(rows) > parquet.ROW_GROUP
    assert list(read_table(path, Instance)) == rows
    assert (facts.rows, facts.bytes) == (len(rows), (tmp_path / "rows.parquet").stat().st_size)


def test_row_groups_hold_no_more_than_so_many_rows_nor_so_much_text(tmp_path: Path) -> None:
    small = [build_row().model_copy(update={"id": f"{n:04}", "tools": "", "messages": ()}) for n in range(2500)]
    large = [row.model_copy(update={"tools": "x" * 1_000_000}) for row in small[:12]]
    for rows, sizes in ((small, [1000, 1000, 500]), (large, [5, 5, 2])):
        write_table(UPath(tmp_path / "rows.parquet"), rows, Instance)
        metadata = pq.read_metadata(tmp_path / "rows.parquet")
        assert [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)] == sizes
    assert list(read_table(UPath(tmp_path / "rows.parquet"), Instance)) == large


JOINED = (
    "sampling", "left_out", "end_state", "judge_process", "judge_response", "judge_agreement", "judge_votes",
)  # fmt: skip


def spell(row: Instance) -> str:
    """A row as it counts in the content hash: what joined later does not, where it is as in older rows."""
    ignored = {"created_at", "cost_usd", "cached_tokens"}
    ignored |= {name for name in JOINED if getattr(row, name) in ("", (), None)}
    fields = {key: value for key, value in json.loads(row.model_dump_json()).items() if key not in ignored}
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@pytest.mark.parametrize(("more", "sizes"), [(0, [2, 2, 2]), (1, [3, 3])], ids=["two just fill it", "two do not"])
def test_a_row_group_is_written_when_its_text_is_as_much_as_it_may_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: int, sizes: list[int]
) -> None:
    rows = [build_row().model_copy(update={"id": f"é-{n}"}) for n in range(6)]
    monkeypatch.setattr(parquet, "ROW_GROUP_BYTES", 2 * len(spell(rows[0]).encode()) + more)
    write_table(UPath(tmp_path / "rows.parquet"), rows, Instance)
    metadata = pq.read_metadata(tmp_path / "rows.parquet")
    assert [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)] == sizes


def test_the_hash_of_a_table_that_grew_row_by_row_is_that_of_its_rows(tmp_path: Path) -> None:
    rows = [row.model_copy(update={"tools": "x" * 300_000}) for row in build_rows()]
    digests = sorted(hashlib.sha256(spell(row).encode()).digest() for row in rows)
    facts = write_table(UPath(tmp_path / "rows.parquet"), iter(rows), Instance)
    assert facts.content_hash == hashlib.sha256(b"".join(digests)).hexdigest()
    assert facts.sha256 == hashlib.sha256((tmp_path / "rows.parquet").read_bytes()).hexdigest()


def test_a_table_that_is_broken_off_leaves_no_open_file_and_no_word_on_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off() -> Iterator[Instance]:
        yield build_row()
        raise FileNotFoundError

    said: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", said.append)
    with pytest.raises(FileNotFoundError):
        write_table(UPath(tmp_path / "rows.parquet"), break_off(), Instance)
    assert not any(link.resolve() == tmp_path / "rows.parquet" for link in Path("/proc/self/fd").glob("*"))
    gc.collect()
    assert said == []


def test_what_first_went_wrong_is_told_and_not_that_the_table_cannot_be_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = itertools.count(1)

    def refuse(*_: object) -> NoReturn:
        raise OSError(f"failure {next(failures)}")

    path = UPath(f"memory://{tmp_path.name}/rows.parquet")
    with pytest.raises(OSError, match="failure 1"), TableWriter(path, Instance) as writer:  # noqa: PT012
        writer.add(build_row())
        monkeypatch.setattr(MemoryFile, "write", refuse, raising=False)
        writer.finish()
    assert next(failures) > 1


def test_tables_are_compressed(tmp_path: Path) -> None:
    write_table(UPath(tmp_path / "rows.parquet"), build_rows(), Instance)
    columns = pq.read_metadata(tmp_path / "rows.parquet").row_group(0)
    assert {columns.column(n).compression for n in range(columns.num_columns)} == {"ZSTD"}


def test_a_column_comes_without_the_others(tmp_path: Path) -> None:
    write_table(UPath(tmp_path / "rows.parquet"), build_rows(), Instance)
    path = UPath(tmp_path / "rows.parquet")
    assert list(read_column(path, "id")) == [row.id for row in build_rows()]
    assert list(read_column(path, "kind")) == [row.kind for row in build_rows()]
    assert list(read_column(path, "num_calls")) == [row.num_calls for row in build_rows()]


def test_an_empty_table_has_its_columns(tmp_path: Path) -> None:
    write_table(UPath(tmp_path / "calls.parquet"), [], LedgerRow)
    assert list(read_table(UPath(tmp_path / "calls.parquet"), LedgerRow)) == []
    assert pq.read_schema(tmp_path / "calls.parquet").names == list(LedgerRow.model_fields)


def test_the_ledger_comes_back(tmp_path: Path) -> None:
    ledger = [row.model_copy(update={"cost_usd": None}) for row in build_ledger(build_rows())]
    write_table(UPath(tmp_path / "calls.parquet"), ledger, LedgerRow)
    assert list(read_table(UPath(tmp_path / "calls.parquet"), LedgerRow)) == ledger


def test_the_schema_names_every_field_of_the_record_and_no_other() -> None:
    assert INSTANCE_SCHEMA.names == list(Instance.model_fields)
    assert all(schema.names == list(record.model_fields) for record, schema in parquet.SCHEMAS.items())


def alter(value: Any) -> Any:
    """Another value of the same type."""
    if isinstance(value, Kind):
        return Kind.NO_TOOL
    if isinstance(value, bool | int | float):
        return not value
    return f"{value}!" if isinstance(value, str) else () if value else None


@pytest.mark.parametrize("name", list(Instance.model_fields))
def test_the_content_hash_of_instances_knows_what_two_runs_of_one_seed_share(name: str) -> None:
    row = build_row(Kind.SINGLE_CALL, 0, 1, Reason.PLACEHOLDER)
    value = CREATED_AT.replace(year=2027) if name == "created_at" else alter(getattr(row, name))
    changed = row.model_construct(**{**dict(row), name: value})
    is_known = content_hash_of_rows([row]) != content_hash_of_rows([changed])
    assert is_known is (name not in {"created_at", "cost_usd", "cached_tokens"})


@pytest.mark.parametrize("name", list(LedgerRow.model_fields))
def test_the_content_hash_of_calls_knows_what_two_runs_of_one_seed_share(name: str) -> None:
    call = build_ledger_row("i", "a")
    changed = call.model_construct(**{**dict(call), name: alter(getattr(call, name))})
    is_known = content_hash_of_rows([call]) != content_hash_of_rows([changed])
    assert is_known is (name not in {"latency_s", "attempts", "stored", "batched", "cost_usd", "cached_tokens"})


def test_the_content_hash_knows_how_often_a_row_is_there() -> None:
    row = build_row()
    assert len({content_hash_of_rows([row] * n) for n in range(3)}) == 3


def test_the_content_hash_knows_neither_order_nor_clock() -> None:
    rows = build_rows()
    later = [row.model_copy(update={"created_at": CREATED_AT.replace(year=2027), "cost_usd": None}) for row in rows]
    assert content_hash_of_rows(rows) == content_hash_of_rows(later[::-1])


def test_the_content_hash_knows_every_character_of_a_call() -> None:
    row = build_row()
    message = row.messages[2]
    call = message.tool_calls[0].model_copy(update={"arguments": message.tool_calls[0].arguments + " "})
    changed = (*row.messages[:2], message.model_copy(update={"tool_calls": (call,)}), *row.messages[3:])
    assert content_hash_of_rows([row]) != content_hash_of_rows([row.model_copy(update={"messages": changed})])
