"""A run that a signal told to ends in time, whatever it is at; and what a document makes endless ends at its limit."""

import re
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from flows import stopping
from flows.build_dataset import build_dataset
from flows.build_toolset import build_toolset
from flows.stopping import Ending
from schemas.parameters import BuildToolsetParams
from tests.endpoint.process import serve_offline
from tests.flows.parts import NAMES, make_params, write_document
from tests.flows.runs import Workplace

FOR_EVER_S = 600
QUIET = (("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL"),)
INTERRUPTED = "interrupted: what was finished is kept, the same command goes on from there"

PROGRAM = """
import asyncio, sys, time
from flows import command_line, server, build_dataset
from tasks import api_walk, curation, publishing, simulate, specify
from tests.tasks.calls import import_or_backtrack

def hang(*_, **__):
    print("hangs", file=sys.stderr, flush=True)
    while True:
        time.sleep(0.01)

def look(context, *_):
    print("hangs", file=sys.stderr, flush=True)
    while True:
        time.sleep(0.01)
        context.require_going_on()

async def wait(*_):
    print("hangs", file=sys.stderr, flush=True)
    await asyncio.Event().wait()

async def block(*_):
    hang()

{moment}
raise SystemExit(command_line.main("build_dataset"))
"""
"""A run that comes to a moment and does not get further by itself. It imports Prefect before the command line tells it
anything, so the test does."""

MOMENTS = {
    "the catalogue is read": "command_line.resolve_name = lambda name: hang",
    "the server is waited for": "command_line.wait_for_server = hang",
    "APIs are chosen": "build_dataset.choose_apis = wait",
    "what is there already is looked for": "api_walk._find_outcome = hang",
    "a document is imported": "specify.import_document = import_or_backtrack\nprint('hangs', file=sys.stderr)",
    "episodes are played in the run's own process": "simulate.simulate_episodes = block",
    "rows are compared": "curation._judge_together = hang",
    "rows are read": "curation._read = look",
    "the dataset is published": "publishing.publish_dataset = hang",
}


@pytest.mark.forced
@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS)
def test_ctrl_c_ends_a_run_at_any_moment(moment: str, prefect: str, tmp_path: Path) -> None:
    place = Workplace(tmp_path, prefect, QUIET)
    (tmp_path / "documents").mkdir()
    write_document(tmp_path / "documents" / "Endless.json")
    options = ["--catalog", str(tmp_path / "documents"), "--instructions", "1", "--name", "early"]
    program = ("-c", PROGRAM.format(moment=moment))
    with place.start(*options, "--document_limit_s", str(FOR_EVER_S), program=program) as running:
        running.wait_until(lambda: "hangs" in running.err, "it was there")
        running.send(signal.SIGINT, to_group=True)
        ended = running.wait()
    assert ended.status == 130, ended.err
    assert ended.said[-1] == INTERRUPTED
    assert "Traceback" not in ended.err
    assert place.list_versions("early") == []
    assert [path.name for path in (place.data / "datasets").glob("**/*") if path.is_file()] == []


@pytest.mark.forced
def test_what_is_in_flight_is_waited_for_no_longer_than_an_attempt_may_take_and_that_is_told(
    prefect: str, tmp_path: Path
) -> None:
    place = Workplace(tmp_path, prefect)
    with serve_offline("--latency", str(FOR_EVER_S)) as server:
        teacher = ["--teacher.model", "offline", "--teacher.base_url", server.base_url, "--teacher.timeout_s", "12"]
        with place.start("--names", *NAMES, "--apis", "all", "--name", "late", *teacher) as running:
            running.wait_until(lambda: server.stats()["in_flight"] == 1, "every API waited for the probe's answer")
            running.send(signal.SIGINT)
            running.wait_until(lambda: "stopping: " in running.err, "it said that it stops")
            sent = server.stats()["requests"]
            ended = running.wait()
        stats = server.stats()
    assert ended.status == 130
    (line,) = [line for line in ended.said if line.startswith("stopping: ")]
    assert re.fullmatch(r"stopping: \d requests in flight are finished and kept; once more stops at once", line)
    assert "at most 12 s are left for that" in ended.said
    assert ended.said[-1] == INTERRUPTED
    assert stats["requests"] == sent


@pytest.mark.forced
async def test_a_document_without_end_costs_its_api_and_no_other(
    prefect: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.tasks.calls import import_or_backtrack

    monkeypatch.setattr("tasks.specify.import_document", import_or_backtrack)
    for name in ("Boats", "Endless", "Ships"):
        write_document(tmp_path / f"{name}.json")
    summary = await build_toolset(BuildToolsetParams(catalog=str(tmp_path), apis="all", document_limit_s=8))
    assert summary.apis == 2
    assert summary.rejected == {
        "endless": "import: import or backtrack was cut off: it took longer than the 8 s that --document_limit_s allows"
    }


def test_a_run_whose_documents_are_all_cut_off_is_one_line(prefect: str, tmp_path: Path) -> None:
    (tmp_path / "documents").mkdir()
    write_document(tmp_path / "documents" / "Boats.json")
    place = Workplace(tmp_path, prefect)
    ended = place.build("--catalog", str(tmp_path / "documents"), "--document_limit_s", "0.0001")
    assert ended.status == 1
    assert ended.said[-1] == (
        "error: none of 1 APIs came through, so nothing is published: import: import document was cut off: it "
        "took longer than the 0.0001 s that --document_limit_s allows (boats)"
    )
    assert "Traceback" not in ended.err


async def test_what_a_real_teacher_s_documents_ask_for_is_done_apart_too(
    prefect: str, tmp_path: Path, data_root: object
) -> None:
    with serve_offline() as server:
        teacher = {"model": "offline", "base_url": server.base_url}
        params = make_params(names=NAMES[:1], teacher=teacher, document_limit_s=0.0001)
        with pytest.raises(Exception, match="assemble toolset was cut off"):
            await build_dataset(params)


class Busy:
    """Something that goes on; what is left of it, the test says."""

    def __init__(self, left: float) -> None:
        self.left = left

    def stop(self, sign: signal.Signals) -> str:
        raise NotImplementedError

    def find_time_left(self) -> float:
        return self.left

    def list_notes(self) -> list[str]:
        return []


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Ending, threading.Event, list[signal.Signals]]]:
    """Makes endings that end nothing, and say when they would have."""
    monkeypatch.setattr(stopping, "LAST_S", 0.3)
    monkeypatch.setattr(stopping, "_TELL_EVERY_S", 0.2)
    monkeypatch.setattr(stopping, "_LOOK_EVERY_S", 0.01)

    def make(*going_on: Busy) -> tuple[Ending, threading.Event, list[signal.Signals]]:
        ended, signs = threading.Event(), list[signal.Signals]()

        def end(sign: signal.Signals) -> None:
            signs.append(sign)
            ended.set()

        return Ending(list(going_on), end), ended, signs

    return make


Ends = Callable[..., tuple[Ending, threading.Event, list[signal.Signals]]]


class TestEnding:
    def test_a_run_with_nothing_in_flight_is_ended_a_little_later(self, ends: Ends) -> None:
        ending, ended, signs = ends(Busy(0.0))
        ending.note(signal.SIGTERM)
        assert ended.wait(60)
        assert signs == [signal.SIGTERM]

    def test_one_that_has_ended_is_left_alone(self, ends: Ends) -> None:
        ending, ended, _ = ends()
        ending.note(signal.SIGINT)
        ending.cease()
        assert not ended.wait(0.6)

    def test_what_is_in_flight_has_its_time_which_is_told(self, ends: Ends, capsys: pytest.CaptureFixture[str]) -> None:
        ending, ended, _ = ends(busy := Busy(FOR_EVER_S))
        assert ending.find_time_left() == FOR_EVER_S
        ending.note(signal.SIGINT)
        assert not ended.wait(0.6)
        assert capsys.readouterr().err.startswith("still stopping: at most 600 s are left\n")
        busy.left = 0.0
        assert ended.wait(60)

    def test_what_is_still_in_flight_after_its_time_is_given_up(self, ends: Ends) -> None:
        ending, ended, _ = ends(Busy(0.1))
        ending.note(signal.SIGINT)
        assert ended.wait(60)

    def test_a_second_signal_waits_for_nothing(self, ends: Ends) -> None:
        ending, ended, signs = ends(Busy(FOR_EVER_S))
        ending.note(signal.SIGINT)
        ending.note(signal.SIGTERM)
        assert ended.wait(60)
        assert signs == [signal.SIGINT]
