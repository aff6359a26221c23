"""What was learnt of endpoints is found again by later runs, for some weeks, and never in the way of one."""

import json
import os
import shutil
import stat
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import UserError
from tasks.teacher.sending.capabilities import Capabilities
from tasks.teacher.sending.memory import FORMAT, KEPT_S, Learnt, Memory
from tasks.teacher.sending.schema_forms import LISTS_OF_TYPES
from tests.kept_formats import list_memories

LESSON = Capabilities(
    answers="json_object", left_out=frozenset({"seed", "temperature"}), tool_parts=frozenset({"$ref"})
)


def make(model: str = "tiny", endpoint: str = "http://host/v1", **fields: Any) -> Learnt:
    return Learnt(**{"endpoint": endpoint, "model": model, "learnt_at": time.time(), "capabilities": LESSON, **fields})


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    return Memory(tmp_path / "cache" / "completions.sqlite")


def test_what_is_kept_is_recalled_by_endpoint_and_model(memory: Memory) -> None:
    memory.keep(make())
    memory.keep(make("big", probed_at=5.0))
    again = Memory(memory.path.parent / "completions.sqlite")
    assert again.recall("http://host/v1", "tiny") == memory.list_all()[1]
    assert again.recall("http://host/v1", "tiny").capabilities == LESSON  # type: ignore[union-attr]
    assert again.recall("http://host/v1", "other") is None
    assert again.recall("http://other/v1", "tiny") is None


def test_a_later_lesson_takes_the_place_of_an_earlier_one(memory: Memory) -> None:
    memory.keep(make())
    memory.keep(make(capabilities=Capabilities()))
    assert [item.capabilities for item in memory.list_all()] == [Capabilities()]


def test_after_some_weeks_nothing_is_believed_any_more(memory: Memory) -> None:
    memory.keep(make(learnt_at=time.time() - KEPT_S + 60))
    memory.keep(make("old", learnt_at=time.time() - KEPT_S - 60))
    memory.keep(make("from tomorrow", learnt_at=time.time() + 3600))
    found = [memory.recall("http://host/v1", model) is not None for model in ("tiny", "old", "from tomorrow")]
    assert found == [True, False, False]


def test_it_is_forgotten_on_request_all_or_by_model(memory: Memory) -> None:
    assert memory.forget() == 0
    for model in ("a", "b", "c"):
        memory.keep(make(model))
    assert (memory.forget("b"), memory.forget("b")) == (1, 0)
    assert [item.model for item in memory.list_all()] == ["a", "c"]
    assert (memory.forget(), memory.list_all()) == (2, ())


def test_the_file_is_its_owners_alone_and_the_same_for_the_same_lesson(memory: Memory) -> None:
    old = os.umask(0)
    try:
        memory.keep(make(learnt_at=1.0))
    finally:
        os.umask(old)
    assert stat.S_IMODE(memory.path.stat().st_mode) == 0o600
    written = memory.path.read_text()
    memory.keep(make(learnt_at=1.0))
    assert memory.path.read_text() == written
    assert json.loads(written) == {
        "format": 1,
        "learnt": [
            {"endpoint": "http://host/v1", "model": "tiny", "learnt_at": 1.0, "probed_at": 0.0,
             "capabilities": {"answers": "json_object", "left_out": ["seed", "temperature"], "tool_parts": ["$ref"]}}
        ],
    }  # fmt: skip
    assert sorted(path.name for path in memory.path.parent.iterdir()) == [
        "completions.endpoints.json",
        "completions.endpoints.lock",
    ]


def test_what_each_format_held_is_believed(tmp_path: Path) -> None:
    kept = list_memories()
    assert [path.name for path in kept] == [f"endpoints-{number}.json" for number in range(1, FORMAT + 1)]
    for path in kept:
        memory = Memory(tmp_path / "completions.sqlite")
        shutil.copyfile(path, memory.path)
        (learnt,) = memory.list_all()
        believed = learnt.capabilities
        assert (learnt.endpoint, learnt.model, believed.answers, believed.system) == (
            "http://host/v1",
            "tiny",
            "json_object",
            False,
        )
        assert believed.left_out == {"seed", "temperature"}
        assert believed.tool_parts == {"$ref", "additionalProperties", LISTS_OF_TYPES}


ENTRY = {"endpoint": "http://host/v1", "model": "tiny", "learnt_at": 1e9}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{not JSON",
        '{"format": 2, "learnt": []}',
        '{"format": 1, "learnt": [{"endpoint": "x"}]}',
        json.dumps({"learnt": [{**ENTRY, "capabilities": {"left_out": ["messages"]}}]}),
        json.dumps({"learnt": [{**ENTRY, "capabilities": {"refused_fields": ["a b\nc"]}}]}),
        json.dumps({"learnt": [{**ENTRY, "capabilities": {"most_tools": 0}}]}),
        json.dumps({"learnt": [{**ENTRY, "capabilities": {"base_url": "http://evil"}}]}),
        json.dumps({"learnt": [{**ENTRY, "learnt_at": -1}]}),
        "[" * 100_000,
        " " * 2_000_000,
    ],
    ids=range(12),
)
def test_a_damaged_or_foreign_file_is_ignored_told_and_replaced(
    text: str, memory: Memory, caplog: pytest.LogCaptureFixture
) -> None:
    memory.path.parent.mkdir()
    memory.path.write_text(text)
    assert memory.recall("http://host/v1", "tiny") is None
    (record,) = caplog.records
    assert "completions.endpoints.json cannot be read" in record.getMessage()
    assert len(record.getMessage()) < 300
    memory.keep(make())
    assert memory.recall("http://host/v1", "tiny") is not None


def test_lessons_that_are_learnt_at_once_are_all_kept(memory: Memory) -> None:
    # Locks of one process are its own: what is tested is that files are whole, whoever writes them.
    threads = [threading.Thread(target=memory.keep, args=(make(f"m{number}"),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(memory.list_all()) >= 1
    json.loads(memory.path.read_text())


def test_a_folder_that_cannot_be_written_is_the_users_to_mend(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"endpoints\.json cannot be written"):
        Memory(tmp_path / "file" / "completions.sqlite").keep(make())
