"""Counts, pace and time left, and where they are shown."""

import asyncio
import io
import re
import sys
from dataclasses import replace
from typing import Any

import pytest
from prefect import flow, runtime
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.client.schemas.objects import Artifact
from rich.console import Console

from flows.progress import Lines, Progress, Shown, TerminalBar, open_display, show_progress
from flows.spending import format_seconds
from schemas.artifacts import ArtifactRef
from schemas.catalog import CatalogEntry
from schemas.errors import RunStoppedError
from schemas.instance import RejectedApi
from schemas.steps import ApiOutcome
from tasks.teacher import EngineState, Spent

VERDICTS = ArtifactRef(
    step="check", api_id="a", recipe="r", path="p", content="c", counts={"accepted": 9, "rejected": 1}
)
DONE = ApiOutcome(api_id="a", made={"verdicts": VERDICTS})
ENTRY = CatalogEntry(id="b", name="B", description="", category="C")
TURNED_DOWN = ApiOutcome(api_id="b", rejected=RejectedApi(entry=ENTRY, stage="specify", problems=("no",)))


class Clock:
    """The clock of `flows.progress`, which a test sets; that of the event loop goes on."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("flows.progress.time", clock)
    return clock


class Spender:
    """What progress asks of a teacher."""

    def __init__(self, spent: Spent, *, in_flight: int = 0, pause_s: float = 0.0) -> None:
        self.state = EngineState(spent=spent, in_flight=in_flight, pause_s=pause_s)


def make_progress(total: int = 4, teacher: Spender | None = None, **more: Any) -> Progress:
    """A run that began when the clock did."""
    return Progress(total, (lambda: teacher.state) if teacher else EngineState, started=0.0, **more)


def test_outcomes_are_counted_and_told_in_a_line_that_fits(clock: Clock) -> None:
    progress = make_progress()
    clock.now = 10
    progress.count(DONE)
    progress.count(TURNED_DOWN)
    assert progress.done == 2
    assert progress.describe() == "2/4 APIs, 1 rejected, 10 instances, 90% accepted, 10 s left"
    assert progress.describe(brief=True) == "2/4 APIs, 10 rows 90% ok, 10 s left"
    progress.count(DONE)
    assert progress.describe() == "3/4 APIs, 1 rejected, 20 instances, 90% accepted, 3 s left"


def test_the_time_left_is_what_the_others_take_at_the_pace_so_far(clock: Clock) -> None:
    progress = make_progress(total=10, apis=4)
    clock.now = 60
    assert progress.left == 90
    progress.apis = 10
    assert progress.left == 0
    assert progress.describe() == "10/10 APIs"


def test_before_the_first_api_nothing_is_known_of_the_time_left(clock: Clock) -> None:
    clock.now = 60
    assert make_progress().left is None
    assert make_progress().describe() == "0/4 APIs"


def test_what_is_spent_is_told_with_what_all_apis_are_likely_to_take(clock: Clock) -> None:
    teacher = Spender(Spent(calls=100, tokens=50_000, usd=0.5))
    progress = make_progress(teacher=teacher)
    clock.now = 10
    assert progress.describe() == "0/4 APIs, 10 calls/s, $0.50"
    progress.count(DONE, Spent(calls=20, tokens=10_000, usd=0.25))
    assert progress.describe(brief=True) == "1/4 APIs, 10 rows, 10/s, $0.50 of ~$1.00, 30 s left"


def test_without_a_price_tokens_are_told_instead_of_dollars(clock: Clock) -> None:
    progress = make_progress(teacher=Spender(Spent(calls=100, tokens=50_000)))
    clock.now = 10
    assert progress.describe() == "0/4 APIs, 10 calls/s, 50k tokens"
    progress.count(DONE, Spent(calls=20, tokens=10_000))
    assert "50k tokens of ~50k" in progress.describe()  # never less than what is spent
    progress.count(DONE, Spent(calls=20, tokens=20_000))
    assert "50k tokens of ~60k" in progress.describe()


def test_what_is_free_of_charge_is_counted_and_costs_nothing(clock: Clock) -> None:
    progress = make_progress(teacher=Spender(Spent(calls=100, tokens=50_000, usd=0.0)))
    clock.now = 10
    progress.count(DONE, Spent(calls=20, tokens=10_000, usd=0.0))
    assert progress.describe() == "1/4 APIs, 10 instances, 90% accepted, 10 calls/s, 30 s left"
    assert progress.describe(brief=True) == "1/4 APIs, 10 rows 90% ok, 10/s, 30 s left"


def test_apis_that_cost_nothing_because_they_were_stored_do_not_lower_the_forecast() -> None:
    teacher = Spender(Spent(calls=9, tokens=900, usd=1.0))
    progress = Progress(total=4, read_state=lambda: teacher.state)
    progress.count(DONE, Spent())
    assert (progress.bought_apis, progress.bought.calls) == (0, 0)
    progress.count(DONE, Spent(calls=9, tokens=900, usd=1.0))
    assert "$1.00 of ~$3.00" in progress.describe()
    assert (progress.apis, progress.bought_apis) == (2, 1)


def test_a_run_that_waits_or_stops_says_so_instead_of_the_time_left() -> None:
    teacher = Spender(Spent(), in_flight=7, pause_s=90)
    progress = Progress(total=4, apis=1, read_state=lambda: teacher.state)
    assert progress.describe().endswith("limited for 1 min 30 s")
    teacher.state = replace(teacher.state, in_batches=50)
    assert progress.describe().endswith("50 wait in batches")
    teacher.state = replace(teacher.state, stopped=RunStoppedError("stopped by SIGINT", "signal"))
    assert progress.describe().endswith("stopping, 7 in flight")


@pytest.mark.parametrize(("pause_s", "told"), [(2.9, "30 s left"), (3.0, "limited for 3 s")])
def test_a_short_pause_is_not_worth_a_word(pause_s: float, told: str, clock: Clock) -> None:
    clock.now = 10
    progress = make_progress(apis=1, teacher=Spender(Spent(), pause_s=pause_s))
    assert progress.describe() == f"1/4 APIs, {told}"


def make_state(**more: Any) -> Spender:
    teacher = Spender(Spent(calls=20, tokens=9000))
    teacher.state = replace(teacher.state, **more)
    return teacher


def test_a_slow_endpoint_is_told_of_by_the_minute_and_by_the_stage_that_is_under_way(clock: Clock) -> None:
    clock.now = 60
    progress = make_progress(teacher=make_state(stage="specify"))
    assert progress.describe() == "0/4 APIs, 20 calls/min, 9,000 tokens, specify"
    assert progress.describe(brief=True) == "0/4 APIs, 20/min, 9,000 tokens, specify"
    progress.apis = 1
    assert progress.describe(brief=True) == "1/4 APIs, 20/min, 9,000 tokens, specify, 3 min 00 s left"


@pytest.mark.parametrize(("seconds", "told"), [(2, "10/s"), (2.1, "571/min")])
def test_ten_calls_a_second_are_counted_by_the_second(seconds: float, told: str, clock: Clock) -> None:
    clock.now = seconds
    assert told in make_progress(teacher=make_state()).describe(brief=True)


def test_an_endpoint_that_is_away_is_told_with_its_reason_and_for_how_long(clock: Clock) -> None:
    clock.now = 60
    progress = make_progress(apis=1, teacher=make_state(stage="specify", away="endpoint answers 502", away_s=40))
    assert progress.describe() == ("1/4 APIs, 20 calls/min, 9,000 tokens, endpoint answers 502, waiting since 40 s")


def test_answers_that_came_too_late_are_counted(clock: Clock) -> None:
    clock.now = 60
    progress = make_progress(teacher=make_state(late=3))
    assert "3 not answered in time" in progress.describe()
    assert "3 late" in progress.describe(brief=True)


def test_what_does_not_fit_beside_a_bar_is_left_out_and_the_reason_of_a_wait_never(clock: Clock) -> None:
    clock.now = 6000
    state = make_state(away="endpoint is out of reach", away_s=4000, late=1200)
    progress = make_progress(9999, state, apis=1234, instances=12340, accepted=12340)
    line = progress.describe(brief=True)
    assert len(line) <= 71
    assert line.startswith("1234/9999 APIs, ")
    assert line.endswith(", endpoint is out of reach, waiting since 1 h 06 min")
    assert "1200 not answered in time" in progress.describe()


def test_a_forecast_is_never_less_than_what_is_spent(clock: Clock) -> None:
    progress = make_progress(teacher=Spender(Spent(calls=90, tokens=9, usd=5.0)))
    clock.now = 10
    progress.count(DONE, Spent(calls=1, tokens=1, usd=0.5))
    assert "$5.00 of ~$5.00" in progress.describe()


def test_calls_in_the_first_moment_make_no_absurd_rate(clock: Clock) -> None:
    clock.now = 0.001
    assert make_progress(teacher=Spender(Spent(calls=5, usd=0.0))).describe() == "0/4 APIs, 50 calls/s"


def test_the_bar_s_line_leaves_room_for_the_bar_at_80_columns(clock: Clock) -> None:
    teacher = Spender(Spent(calls=12_000, tokens=4_000_000, usd=123.45))
    counts = {"apis": 1234, "instances": 12340, "accepted": 12340, "bought_apis": 1234, "bought": teacher.state.spent}
    progress = make_progress(9999, teacher, **counts)
    clock.now = 600
    assert len(progress.describe(brief=True)) <= 71, progress.describe(brief=True)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (60, "1 min 00 s"), (185, "3 min 05 s"),
        (3599, "59 min 59 s"), (3600, "1 h 00 min"), (7800, "2 h 10 min"), (7859, "2 h 10 min"),
    ],
)  # fmt: skip
def test_times_read_as_people_write_them(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


def test_a_log_gets_a_line_every_ten_seconds_and_the_same_one_every_minute(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    lines, progress = Lines(), make_progress(2)

    def show_at(now: float) -> str:
        clock.now = now
        lines.show(progress)
        return capsys.readouterr().err

    assert [show_at(now) for now in (0, 9.9, 10, 10)] == ["", "", "0/2 APIs\n", ""]
    assert [show_at(now) for now in (22, 69.9, 70)] == ["", "", "0/2 APIs\n"]
    progress.total = 3
    assert [show_at(now) for now in (79, 80)] == ["", "0/3 APIs\n"]


def test_a_terminal_gets_a_bar_with_the_brief_line(clock: Clock) -> None:
    written = io.StringIO()
    bar = TerminalBar(Console(file=written, force_terminal=True, width=80))
    progress = make_progress(2)
    clock.now = 10
    progress.count(TURNED_DOWN)
    bar.show(progress)
    bar.close()
    plain = re.sub(r"\x1b\[[?0-9;]*[a-zA-Z]", "", written.getvalue())
    first, last = plain.strip().split("\r")
    assert first == "━━━━━━━━ starting"
    assert last == "━━━━╺━━━ 1/2 APIs, 10 s left"
    assert "\x1b[91m━━━━\x1b[0m" in written.getvalue()  # half of it, for one of two APIs is done


def test_while_it_is_not_known_how_much_there_is_to_do_the_bar_is_no_full_one(clock: Clock) -> None:
    written = io.StringIO()
    bar = TerminalBar(Console(file=written, force_terminal=True, width=80))
    bar.show(make_progress(0))
    bar.close()
    last = written.getvalue().rpartition("\r")[2]
    assert "0/0 APIs" in last
    assert "━━━━━━━━" not in last  # a pulse, of one character after another


@pytest.mark.parametrize(("is_terminal", "kind"), [(True, TerminalBar), (False, Lines)])
def test_what_is_no_terminal_gets_lines(is_terminal: bool, kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal, raising=False)
    display = open_display()
    display.close()
    assert type(display) is kind


class Watched:
    """A display that says when it is shown something."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.news = asyncio.Event()

    def show(self, progress: Shown) -> None:
        self.shown.append(progress.describe())
        self.news.set()

    def close(self) -> None:
        """It has nothing to leave standing."""


async def read_artifact(run_id: str) -> Artifact:
    async with get_client() as client:
        (artifact,) = await client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run_id]))
        )
    return artifact


@pytest.mark.usefixtures("prefect")
async def test_the_display_is_kept_up_to_date_and_the_ui_is_told_every_three_seconds(clock: Clock) -> None:
    progress, display, seen = make_progress(4), Watched(), []

    async def wait_for(condition: Any) -> None:
        async with asyncio.timeout(60):
            while not await condition():
                await display.news.wait()
                display.news.clear()

    @flow
    async def go() -> None:
        run_id = str(runtime.flow_run.id)

        async def is_told() -> bool:
            return (await read_artifact(run_id)).data == 25.0

        async def is_shown_twice() -> bool:
            return display.shown.count("1/4 APIs, 1 rejected, 9 s left") >= 2

        async with show_progress(progress, display, "boats done"):
            seen.append(await read_artifact(run_id))
            progress.count(TURNED_DOWN)
            clock.now = 2.9
            await wait_for(is_shown_twice)
            seen.append(await read_artifact(run_id))
            clock.now = 3.0
            await wait_for(is_told)
            seen.append(await read_artifact(run_id))
            progress.count(DONE)
        seen.append(await read_artifact(run_id))

    await go()
    assert [(artifact.data, artifact.description) for artifact in seen] == [
        (0.0, "boats done"),
        (0.0, "boats done"),
        (25.0, "1/4 APIs, 1 rejected, 9 s left"),
        (50.0, "2/4 APIs, 1 rejected, 10 instances, 90% accepted, 3 s left"),
    ]
    assert display.shown[-1] == "2/4 APIs, 1 rejected, 10 instances, 90% accepted, 3 s left"


@pytest.mark.usefixtures("prefect")
async def test_a_body_that_fails_is_shown_once_more_and_its_error_goes_on() -> None:
    progress, display = make_progress(0), Watched()

    @flow
    async def go() -> None:
        async with show_progress(progress, display):
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await go()
    assert display.shown == ["0/0 APIs"]
