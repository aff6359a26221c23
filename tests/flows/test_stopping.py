"""Signals, kills and a teacher that fails: what was answered is kept, and the same command goes on from there."""

import re
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName

from schemas.private_files import make_private_folder
from schemas.steps import BuildSummary
from tasks.completions.store import STORE_NAME
from tasks.teacher.sending.memory import Learnt, Memory
from tests.endpoint.process import OfflineServer, reset_stats, serve_offline
from tests.flows.parts import NAMES, build_apart, make_params
from tests.flows.runs import Workplace

LATENCY_S = 0.3
FOR_EVER_S = 600
ENOUGH = 25
"""Completions after which a run is in the middle: it asks for 45 in all."""


@dataclass(frozen=True)
class Uninterrupted:
    """A teacher that takes its time, and what a run against it makes that nothing stops."""

    teacher: OfflineServer
    summary: BuildSummary


@pytest.fixture(scope="module")
def whole(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Uninterrupted]:
    with serve_offline("--latency", str(LATENCY_S)) as teacher:
        folder = tmp_path_factory.mktemp("uninterrupted")
        settings = {"model": "offline", "base_url": teacher.base_url}
        yield Uninterrupted(teacher, build_apart(folder, make_params(names=NAMES, teacher=settings)))


@pytest.fixture
def uninterrupted(whole: Uninterrupted) -> Uninterrupted:
    """The same, with the teacher counting from nothing."""
    reset_stats(whole.teacher.base_url)
    return whole


def list_options(server: OfflineServer, name: str, *more: str) -> list[str]:
    teacher = ["--teacher.model", "offline", "--teacher.base_url", server.base_url]
    return ["--names", *NAMES, "--apis", "all", "--instructions", "4", "--name", name, *teacher, *more]


def is_midway(server: OfflineServer) -> bool:
    stats = server.stats()
    return bool(stats["paid"]["completions"] >= ENOUGH and stats["in_flight"] > 1)


def note_probe(place: Workplace, server: OfflineServer) -> None:
    """As if an earlier run had met the endpoint: nothing goes out before the requests for the APIs."""
    now = time.time()
    store = place.data / "cache" / STORE_NAME
    make_private_folder(store.parent)
    Memory(store).keep(Learnt(endpoint=server.base_url, model="offline", learnt_at=now, probed_at=now))


async def read_states(name: str) -> list[str]:
    """The states of the flow runs for a dataset."""
    async with get_client() as client:
        runs = await client.read_flow_runs(
            flow_run_filter=FlowRunFilter(name=FlowRunFilterName(like_=f"{name}, seed 0"))
        )
    return sorted(str(run.state and run.state.name) for run in runs)


@pytest.mark.forced
async def test_ctrl_c_once_keeps_all_answers_and_the_same_command_goes_on_from_there(
    prefect: str, tmp_path: Path, uninterrupted: Uninterrupted
) -> None:
    place = Workplace(tmp_path, prefect)
    teacher, whole = uninterrupted.teacher, uninterrupted.summary
    options = list_options(teacher, "interrupted")
    with place.start(*options) as running:
        running.wait_until(lambda: is_midway(teacher), "it was midway")
        running.send(signal.SIGINT, to_group=True)
        ended = running.wait()
    stats = teacher.stats()

    assert ended.status == 130
    assert "requests in flight are finished and kept; once more stops at once" in ended.err
    assert ended.err.endswith("\ninterrupted: what was finished is kept, the same command goes on from there\n")
    assert "Traceback" not in ended.err
    assert ended.out == ""
    kept = place.count_completions()
    assert ENOUGH <= kept < whole.calls.sent
    assert stats["paid"] == {"completions": kept, "distinct": kept, "repeated": {}}
    assert (stats["requests"], stats["abandoned"]) == (kept, 0)
    assert place.list_versions("interrupted") == []

    again = place.build(*options)

    assert again.status == 0, again.err
    count = whole.calls.sent
    assert teacher.stats()["paid"] == {"completions": count, "distinct": count, "repeated": {}}
    assert place.read_content_hash("interrupted", "v1") == whole.dataset.content_hash
    assert await read_states("interrupted") == ["Cancelled", "Completed"]


@pytest.mark.forced
async def test_sigterm_once_stops_as_ctrl_c_does(prefect: str, tmp_path: Path) -> None:
    place = Workplace(tmp_path, prefect)
    with serve_offline("--latency", str(LATENCY_S)) as server:
        with place.start(*list_options(server, "terminated")) as running:
            running.wait_until(lambda: is_midway(server), "it was midway")
            running.send(signal.SIGTERM)
            ended = running.wait()
        stats = server.stats()

    assert ended.status == 143
    assert "the same command goes on from there" in ended.err
    assert stats["paid"]["completions"] == stats["requests"] == place.count_completions()
    assert place.list_versions("terminated") == []
    assert await read_states("terminated") == ["Cancelled"]


@pytest.mark.forced
async def test_a_second_signal_waits_for_no_answer(prefect: str, tmp_path: Path) -> None:
    place = Workplace(tmp_path, prefect)
    with serve_offline("--latency", str(FOR_EVER_S)) as server:
        slow = ["--teacher.timeout_s", str(FOR_EVER_S)]
        note_probe(place, server)
        with place.start(*list_options(server, "hurried", *slow)) as running:
            running.wait_until(lambda: server.stats()["in_flight"] == len(NAMES), "every API waited for an answer")
            running.send(signal.SIGINT)
            running.wait_until(lambda: "stopping" in running.err, "it said that it stops")
            running.send(signal.SIGINT)
            ended = running.wait()  # fails long before an answer would come

    assert ended.status == 130
    assert re.search(r"stopping: \d requests in flight are finished and kept; once more stops at once\n", ended.err)
    assert "the same command goes on from there" in ended.err
    assert "Traceback" not in ended.err
    assert place.count_completions() == 0
    assert await read_states("hurried") == ["Crashed"]  # Prefect's word for a run that was given no time to end


HANGING = """
import asyncio, sys
from contextlib import asynccontextmanager
from flows import command_line, session

@asynccontextmanager
async def hang(*_):
    print("hangs", file=sys.stderr, flush=True)
    await asyncio.Event().wait()
    yield

session.open_teacher = hang
raise SystemExit(command_line.main("build_dataset"))
"""
"""A run that never gets a teacher. It imports Prefect before the command line tells it anything, so the test does."""

QUIET = (("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL"),)


@pytest.mark.forced
async def test_a_signal_before_there_is_anything_to_stop_ends_the_run_at_once(prefect: str, tmp_path: Path) -> None:
    place = Workplace(tmp_path, prefect, QUIET)
    with place.start("--names", "Yelp", "--name", "early", program=("-c", HANGING)) as running:
        running.wait_until(lambda: "hangs" in running.err, "the run has begun")
        running.send(signal.SIGINT)
        ended = running.wait()
    assert ended.status == 130
    assert ended.said[-1] == "interrupted: what was finished is kept, the same command goes on from there"
    assert not any(line.startswith("stopping:") for line in ended.said)
    assert place.list_versions("early") == []


@pytest.mark.forced
def test_kill_9_loses_nothing_that_was_asked_for(prefect: str, tmp_path: Path, uninterrupted: Uninterrupted) -> None:
    place = Workplace(tmp_path, prefect)
    teacher, whole = uninterrupted.teacher, uninterrupted.summary
    options = list_options(teacher, "killed")
    with place.start(*options) as running:
        running.wait_until(lambda: is_midway(teacher), "it was midway")
        running.send(signal.SIGKILL, to_group=True)
        assert running.wait().status == -signal.SIGKILL
    again = place.build(*options)
    stats = teacher.stats()

    assert again.status == 0, again.err
    # What was in flight at the kill was finished and kept by the process that had sent it.
    assert stats["requests"] == stats["paid"]["completions"] == place.count_completions() == whole.calls.sent
    assert place.read_content_hash("killed", "v1") == whole.dataset.content_hash


def test_a_teacher_that_nearly_always_fails_stops_the_run_with_one_line(prefect: str, tmp_path: Path) -> None:
    place = Workplace(tmp_path, prefect)
    with serve_offline("--fault", "500=0.95") as server:
        teacher = ["--teacher.model", "offline", "--teacher.base_url", server.base_url]
        ended = place.build("--apis", "60", "--in_flight", "60", *teacher)
        stats = server.stats()

    assert ended.status == 1, ended.err
    line = ended.err.splitlines()[-1]
    assert line.startswith("error: ")
    assert "of the last 100 requests failed, more than --max_error_share 0.5 allows" in line
    assert "answered 500" in line
    assert ended.err.count("error: ") == 1
    assert "Traceback" not in ended.err
    assert ended.out == ""
    assert 100 <= stats["requests"] <= 100 + 64
    assert place.count_completions() == stats["paid"]["completions"]
    assert not (place.data / "datasets").exists()
