"""Counts, pace and time left."""

import time

import pytest

from flows.progress import Lines, Progress, format_seconds
from schemas.catalog import CatalogEntry
from schemas.errors import RunStoppedError
from schemas.instance import RejectedApi
from schemas.manifest import ArtifactRef
from schemas.steps import ApiOutcome
from tasks.llm import Spent

DONE = ApiOutcome(
    api_id="a",
    verdicts=ArtifactRef(stage="verdicts", api_id="a", path="p", hash="h", counts={"accepted": 9, "rejected": 1}),
)
ENTRY = CatalogEntry(id="b", name="B", description="", category="C")
TURNED_DOWN = ApiOutcome(api_id="b", rejected=RejectedApi(entry=ENTRY, stage="specify", problems=("no",)))


def test_outcomes_are_counted_and_told_in_a_line_that_fits() -> None:
    progress = Progress(total=4)
    progress.started -= 10
    progress.count(DONE)
    progress.count(TURNED_DOWN)
    assert progress.describe() == "2/4 APIs, 1 rejected, 10 instances, 90% accepted, 10 s left"
    assert progress.describe(brief=True) == "2/4 APIs, 10 rows 90% ok, 10 s left"


class Spender:
    """What progress asks of a teacher."""

    def __init__(self, spent: Spent, *, in_flight: int = 0, pause_s: float = 0.0) -> None:
        self.spent, self.in_flight, self.pause_s = spent, in_flight, pause_s
        self.in_batches = 0
        self.stopped: RunStoppedError | None = None


def test_what_is_spent_is_told_with_what_all_apis_are_likely_to_take() -> None:
    teacher = Spender(Spent(calls=100, tokens=50_000, usd=0.5))
    progress = Progress(total=4, teacher=teacher)
    progress.started -= 10
    assert progress.describe() == "0/4 APIs, 10 calls/s, $0.50"
    progress.count(DONE, Spent(calls=20, tokens=10_000, usd=0.25))
    assert progress.describe(brief=True) == "1/4 APIs, 10 rows, 10/s, $0.50 of ~$1.00, 30 s left"
    teacher.spent = Spent(calls=100, tokens=50_000)
    assert "50k tokens of ~40k" in progress.describe()
    teacher.spent = Spent(calls=100, tokens=50_000, usd=0.0)
    assert "$" not in progress.describe()


def test_apis_that_cost_nothing_because_they_were_stored_do_not_lower_the_forecast() -> None:
    progress = Progress(total=4, teacher=Spender(Spent(calls=9, tokens=900, usd=1.0)))
    progress.count(DONE, Spent())
    progress.count(DONE, Spent(calls=9, tokens=900, usd=1.0))
    assert "$1.00 of ~$3.00" in progress.describe()


def test_a_run_that_waits_or_stops_says_so_instead_of_the_time_left() -> None:
    teacher = Spender(Spent(), in_flight=7, pause_s=90)
    progress = Progress(total=4, apis=1, teacher=teacher)
    assert progress.describe().endswith("limited for 1 min 30 s")
    teacher.in_batches = 50
    assert progress.describe().endswith("50 wait in batches")
    teacher.stopped = RunStoppedError("stopped by SIGINT", "signal")
    assert progress.describe().endswith("stopping, 7 in flight")


def test_the_bar_s_line_leaves_room_for_the_bar_at_80_columns() -> None:
    teacher = Spender(Spent(calls=12_000, tokens=4_000_000, usd=123.45))
    progress = Progress(9999, teacher, 1234, instances=12340, accepted=12340, bought_apis=1234, bought=teacher.spent)
    progress.started -= 600
    assert len(progress.describe(brief=True)) <= 71, progress.describe(brief=True)


def test_before_the_first_api_nothing_is_known_of_the_time_left() -> None:
    assert Progress(total=4).left is None
    assert Progress(total=4).describe() == "0/4 APIs"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s"), (7800, "2 h 10 min")]
)
def test_times_read_as_people_write_them(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


def test_a_log_gets_a_line_now_and_then_and_the_same_one_less_often(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = time.monotonic()
    lines, progress = Lines(), Progress(total=2)
    lines.show(progress)
    monkeypatch.setattr(time, "monotonic", lambda: now + 11)
    lines.show(progress)
    lines.show(progress)
    assert capsys.readouterr().err == "0/2 APIs\n"
    monkeypatch.setattr(time, "monotonic", lambda: now + 22)
    lines.show(progress)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(time, "monotonic", lambda: now + 72)
    lines.show(progress)
    assert capsys.readouterr().err == "0/2 APIs\n"
    progress.total = 3
    monkeypatch.setattr(time, "monotonic", lambda: now + 83)
    lines.show(progress)
    assert capsys.readouterr().err == "0/3 APIs\n"
