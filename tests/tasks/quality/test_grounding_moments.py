"""Days, times and timestamps are traced with what a text leaves out filled in, and not a day or a minute further."""

import calendar
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.quality.dates import Clock, Day
from tasks.quality.grounding import is_clock_grounded, is_day_grounded, is_number_grounded, is_value_grounded
from tests.tasks.quality.saying import hear, receive


@pytest.mark.parametrize(
    ("day", "text", "grounded"),
    [
        ("2026-03-01", "all of March 2026", True),
        ("2026-03-31", "all of March 2026", True),
        ("2026-03-02", "all of March 2026", False),
        ("2026-03-30", "all of March 2026", False),
        ("2026-04-01", "all of March 2026", False),
        ("2026-02-28", "all of March 2026", False),
        ("2025-03-31", "all of March 2026", False),
        ("2026-02-28", "February 2026", True),
        ("2024-02-29", "February 2024", True),
        ("2024-02-28", "February 2024", False),
        ("2026-04-30", "April 2026", True),
        ("2026-03-01", "4 March 2026", False),
        ("2026-03-31", "4 March 2026", False),
        ("2026-01-01", "all of 2026", True),
        ("2026-12-31", "all of 2026", True),
        ("2026-01-31", "all of 2026", False),
        ("2026-12-01", "all of 2026", False),
        ("2026-12-30", "all of 2026", False),
        ("2026-01-02", "all of 2026", False),
        ("2025-12-31", "all of 2026", False),
        ("2027-01-01", "all of 2026", False),
        ("2026-12-31", "4 March 2026", False),
        ("2026-03-04", "4 March, in the year 2026", True),
        ("2025-03-04", "4 March, in the year 2026", False),
        ("2026-03-04", "4 March", False),
        ("4 March", "4 March 2026", True),
        ("4 March", "March 2026", False),
        ("5 March", "4 March 2026", False),
        ("4 April", "4 March 2026", False),
        ("2026-03", "4 March 2026", True),
        ("2026-03", "March 2026", True),
        ("2026-03", "4 March, in the year 2026", True),
        ("2026-03", "4 March", False),
        ("2026-03", "4 March 2025", False),
        ("2026-03", "in the year 2026", False),
        ("2026-04", "4 March, in the year 2026", False),
        ("20260304", "on 4 March 2026", True),
        ("20260305", "on 4 March 2026", False),
        ("03/04/2026", "4 March 2026", True),
        ("03/04/2026", "3 April 2026", True),
        ("03/04/2026", "3 May 2026", False),
    ],
)
def test_a_day_is_said_with_its_month_and_year_and_as_the_end_of_a_range(day: str, text: str, grounded: bool) -> None:
    assert is_value_grounded(day, hear("Hello", text)) is grounded


def test_the_ends_of_a_year_are_the_users_to_speak_of() -> None:
    assert not is_value_grounded("2026-01-01", receive({"year": "all of 2026"}))
    assert is_value_grounded("2026-03-01", receive({"month": "March 2026"}))


@pytest.mark.parametrize(
    ("day", "text"),
    [(Day(2026, 3, 1), "March 2026"), (Day(2026, 3, 31), "March 2026"), (Day(2026, 12, 31), "all of 2026")],
)
def test_the_ends_of_a_range_are_said_only_where_a_range_is_asked_for(day: Day, text: str) -> None:
    assert is_day_grounded(day, hear(text))
    assert not is_day_grounded(day, hear(text), edges=False)


@given(st.dates(dt.date(1900, 1, 1), dt.date(2099, 12, 31)))
def test_of_a_month_that_was_said_the_first_and_the_last_day_count(day: dt.date) -> None:
    corpus = hear(f"in {day:%B %Y}")
    is_end = day.day in (1, calendar.monthrange(day.year, day.month)[1])
    is_end_of_year = (day.day, day.month) in ((1, 1), (31, 12))
    assert is_value_grounded(day.isoformat(), corpus) is (is_end or is_end_of_year)
    assert not is_day_grounded(Day(day.year, day.month, day.day), corpus, edges=False)


@pytest.mark.parametrize(
    ("value", "text", "grounded"),
    [
        ("15:30", "at 15:30", True),
        ("15:30", "at 3:30", True),
        ("03:30", "at 3:30", True),
        ("15:30", "at 3:30 am", False),
        ("15:31", "at 15:30", False),
        ("15:30:00", "at 15:30", True),
        ("15:30:20", "at 15:30", False),
        ("15:30", "at 15:30:20", True),
        ("15:30:20", "at 15:30:20", True),
        ("15:30:21", "at 15:30:20", False),
        ("00:00", "at 15:30", False),
        ("2026-03-04T15:30:00Z", "on 4 March 2026 at 3:30 pm", True),
        ("2026-03-04T15:30:00+00:00", "on 4 March 2026 at 3:30 pm", True),
        ("2026-03-04T15:30:00-0530", "on 4 March 2026 at 3:30 pm", True),
        ("2026-03-04T16:30:00Z", "on 4 March 2026 at 3:30 pm", False),
        ("2026-03-05T15:30:00Z", "on 4 March 2026 at 3:30 pm", False),
        ("2026-03-04T00:00:00Z", "on 4 March 2026", True),
        ("2026-03-04T23:59:59Z", "on 4 March 2026", True),
        ("2026-03-04T23:59", "on 4 March 2026", True),
        ("2026-03-04T23:58", "on 4 March 2026", False),
        ("2026-03-04T00:01", "on 4 March 2026", False),
        ("2026-03-04/2026-03-06", "from 4 March 2026 to 2026-03-06", True),
        ("2026-03-04/2026-03-06", "from 4 March 2026 on", False),
        ("2026-03-05/2026-03-06", "until 6 March 2026", False),
        ("from 9:00 to 10:00", "9 am until 10 am", True),
        ("from 9:00 to 10:00", "9 am until 11 am", False),
        ("Tuesday, the 4th of March 2026 at 15:30 UTC", "on 2026-03-04, 15:30", True),
        ("on 4 March 2026 15:30 GMT", "on 2026-03-04, 15:30", True),
        ("4 March 2026 in Lyon", "on 2026-03-04 to Lyon", False),
        ("2026-03-04 v2", "on 4 March 2026", False),
        ("4.5 March 2026", "on 5 March 2026", False),
        ("+0100", "on 5 March 2026", False),
    ],
)
def test_a_moment_is_said_where_its_day_and_its_time_are_and_nothing_else_is_in_it(
    value: str, text: str, grounded: bool
) -> None:
    assert is_value_grounded(value, hear(text)) is grounded


@given(st.times(), st.times())
def test_a_time_is_said_to_the_minute_at_least(said: dt.time, asked: dt.time) -> None:
    corpus = hear(f"at {said:%H:%M:%S} sharp")
    clock = Clock(asked.hour, asked.minute, asked.second)
    is_same = (said.hour, said.minute) == clock[:2] and clock.second in (0, said.second)
    assert is_clock_grounded(clock, corpus) is is_same
    assert is_clock_grounded(Clock(said.hour, said.minute, 0), corpus)
    assert is_clock_grounded(Clock(said.hour, said.minute, said.second), corpus)


@pytest.mark.parametrize(
    ("value", "text", "grounded"),
    [
        (1, "in January", False),
        (1, "in January 2026", True),
        (12, "on 9 December", True),
        (11, "on 9 December", False),
        (0, "on 9 December", False),
        (13, "on 9 December", False),
        (12.0, "on 9 December", False),
        (5, "on 9 December, 5 May", True),
    ],
)
def test_a_month_is_its_number(value: float, text: str, grounded: bool) -> None:
    assert is_number_grounded(value, hear(text)) is grounded


def stamp(moment: str) -> int:
    return int(dt.datetime.fromisoformat(moment).replace(tzinfo=dt.UTC).timestamp())


@pytest.mark.parametrize(
    ("moment", "text", "grounded"),
    [
        ("2026-03-04T00:00:00", "on 4 March 2026", True),
        ("2026-03-04T23:59:59", "on 4 March 2026", True),
        ("2026-03-04T23:59:00", "on 4 March 2026", True),
        ("2026-03-04T12:00:00", "on 4 March 2026", False),
        ("2026-03-04T00:00:01", "on 4 March 2026", False),
        ("2026-03-05T00:00:00", "on 4 March 2026", False),
        ("2026-03-03T23:59:59", "on 4 March 2026", False),
        ("2026-03-04T15:30:00", "on 4 March 2026 at 3:30 pm", True),
        ("2026-03-04T15:31:00", "on 4 March 2026 at 3:30 pm", False),
        ("2026-03-05T15:30:00", "on 4 March 2026 at 3:30 pm", False),
        ("2026-03-31T00:00:00", "all of March 2026", True),
        ("2000-01-01T00:00:00", "on 1 January 2000", True),
        ("2099-12-31T23:59:59", "on 31 December 2099", True),
        ("1999-12-31T23:59:59", "on 31 December 1999", False),
    ],
)
def test_a_timestamp_is_said_where_its_moment_is(moment: str, text: str, grounded: bool) -> None:
    for value in (stamp(moment), stamp(moment) * 1000, float(stamp(moment))):
        assert is_number_grounded(value, hear(text)) is grounded


def test_a_day_may_be_said_by_a_timestamp() -> None:
    corpus = receive({"at": stamp("2026-03-04T15:30:05")})
    assert is_value_grounded("4 March 2026", corpus)
    assert is_value_grounded("2026-03-04T15:30:05Z", corpus)
    assert not is_value_grounded("5 March 2026", corpus)
    assert not is_value_grounded("15:31", corpus)
