"""Counts, pace and time left."""

import time

import pytest

from flows.progress import Lines, Progress, format_seconds
from schemas.catalog import CatalogEntry
from schemas.instance import RejectedApi
from schemas.manifest import ArtifactRef
from schemas.steps import ApiOutcome

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
    assert progress.describe() == "2/4 APIs, 1 rejected, 10 instances, 90% accepted, 1/s, 10 s left"

    assert progress.describe(brief=True) == "2/4 APIs, 10 instances, 90% accepted, 1/s, 10 s left"


def test_the_bar_s_line_leaves_room_for_the_bar_at_80_columns() -> None:
    progress = Progress(total=9999, apis=1234, rejected_apis=99, instances=12340, accepted=12340)
    progress.started -= 600
    assert len(progress.describe(brief=True)) <= 71


def test_before_the_first_api_nothing_is_known_of_the_time_left() -> None:
    assert Progress(total=4).left is None
    assert Progress(total=4).describe() == "0/4 APIs"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s"), (7800, "2 h 10 min")]
)
def test_times_read_as_people_write_them(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


def test_a_log_gets_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    now = time.monotonic()
    lines, progress = Lines(), Progress(total=2)
    lines.show(progress)
    monkeypatch.setattr(time, "monotonic", lambda: now + 11)
    lines.show(progress)
    lines.show(progress)
    assert capsys.readouterr().err == "0/2 APIs\n"
