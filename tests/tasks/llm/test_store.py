"""The durable store: across processes, after a kill, and on files that are none."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from schemas.calls import Completion, Usage
from schemas.episodes import ToolCall
from schemas.errors import UserError
from tasks.llm.store import CompletionStore, pack, unpack

ROOT = Path(__file__).resolve().parents[3]
WRITER = """
import asyncio, sys
from schemas.calls import Completion, Usage
from tasks.llm.store import CompletionStore

async def write(store, name, count):
    async def put(n):
        made = Completion(content=f"{name} {n}", model="m", usage=Usage())
        await store.put(f"{name}-{n}", made, endpoint="e", model="m")
        sys.stdout.write(f"{name}-{n}\\n")
        sys.stdout.flush()
    for start in range(0, count, 20):
        await asyncio.gather(*(put(n) for n in range(start, start + 20)))

with CompletionStore(sys.argv[1]) as store:
    asyncio.run(write(store, sys.argv[2], int(sys.argv[3])))
"""


def make(content: str = "Hello.") -> Completion:
    calls = (ToolCall(id="1", name="f", arguments='{"ä": "🦊"}'),)
    return Completion(content=content, tool_calls=calls, finish_reason="length", model="m-1", usage=Usage(prompt=3))


def start_writer(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(path), name, str(count)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


async def test_what_was_put_is_there_as_it_was_also_after_reopening(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "c.sqlite"
    with CompletionStore(path) as store:
        assert store.get("k") is None
        assert await store.put("k", make(), endpoint="e", model="m") == make()
        assert store.get("k") == make()
    with CompletionStore(path) as store:
        assert store.get("k") == make()
        assert store.count() == 1
    kept = sqlite3.connect(path).execute("SELECT endpoint, model, finish_reason, created_at FROM completions")
    endpoint, model, finish_reason, created_at = kept.fetchone()
    assert (endpoint, model, finish_reason) == ("e", "m", "length")
    assert created_at > 1.7e9


def test_what_was_kept_before_batches_were_known_is_still_read() -> None:
    older = make().model_dump_json(exclude={"batched"})
    assert "batched" not in older
    assert unpack(pack(older)) == make()


async def test_the_first_answer_to_a_key_stays(tmp_path: Path) -> None:
    with CompletionStore(tmp_path / "c.sqlite") as one, CompletionStore(tmp_path / "c.sqlite") as other:
        await one.put("k", make("first"), endpoint="e", model="m")
        assert await other.put("k", make("second"), endpoint="e", model="m") == make("first")
        assert other.get("k") == make("first")


async def test_many_at_once_are_committed_together_and_a_cancelled_one_disturbs_nobody(tmp_path: Path) -> None:
    with CompletionStore(tmp_path / "c.sqlite") as store:
        puts = [asyncio.ensure_future(store.put(f"k{n}", make(str(n)), endpoint="e", model="m")) for n in range(1200)]
        await asyncio.sleep(0)
        puts[7].cancel()
        answers = await asyncio.gather(*puts, return_exceptions=True)
        assert [n for n, answer in enumerate(answers) if answer != make(str(n))] == [7]
        assert store.count() == 1200


def test_processes_share_a_store_that_none_of_them_has_made_yet(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    writers = [start_writer(path, name, 200) for name in ("a", "b", "c")]
    assert [writer.communicate()[0].count("\n") for writer in writers] == [200, 200, 200]
    with CompletionStore(path) as store:
        assert store.count() == 600
        completion = store.get("b-199")
        assert completion is not None
        assert completion.content == "b 199"


def test_what_was_handed_out_before_a_kill_is_there(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    writer = start_writer(path, "a", 1_000_000)
    assert writer.stdout is not None
    handed_out = [writer.stdout.readline().strip() for _ in range(137)]
    os.kill(writer.pid, signal.SIGKILL)
    handed_out += [line.strip() for line in writer.communicate()[0].splitlines(keepends=True) if line.endswith("\n")]
    with CompletionStore(path) as store:
        assert [key for key in handed_out if store.get(key) is None] == []
        assert store.count() >= 137


def test_a_file_that_is_no_store_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "c.sqlite").write_text("this is a letter, and a long one at that" * 20)
    with pytest.raises(UserError, match=r"c\.sqlite cannot be used .*not a database"):
        CompletionStore(tmp_path / "c.sqlite")


def test_a_store_of_another_layout_is_not_touched(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "c.sqlite")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(UserError, match="layout 99"):
        CompletionStore(tmp_path / "c.sqlite")


async def test_a_store_that_cannot_be_written_says_so_to_whoever_waits(tmp_path: Path) -> None:
    with CompletionStore(tmp_path / "c.sqlite") as store:
        other = sqlite3.connect(tmp_path / "c.sqlite")
        other.execute("DROP TABLE completions")
        other.commit()
        other.close()
        with pytest.raises(UserError, match="cannot be used"):
            await store.put("k", make(), endpoint="e", model="m")


def test_a_new_store_can_be_opened_by_many_at_once(tmp_path: Path) -> None:
    for turn in range(10):
        start = threading.Barrier(6)

        def open_store(_: int, path: Path = tmp_path / f"{turn}.sqlite", start: threading.Barrier = start) -> int:
            start.wait()
            with CompletionStore(path) as store:
                return store.count()

        with ThreadPoolExecutor(6) as pool:
            assert list(pool.map(open_store, range(6))) == [0] * 6
