"""Dates and times of day are read in the forms people and APIs write, and what only looks like one is none."""

import calendar
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.quality.dates import Clock, Day, FoundMoment, find_clocks, find_days, read_timestamp


def read_days(text: str) -> list[set[Day]]:
    return [set(found.readings) for found in find_days(text)]


def read_clocks(text: str) -> list[set[str]]:
    return [
        {f"{clock.hour}:{clock.minute:02}:{clock.second:02}" for clock in found.readings} for found in find_clocks(text)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-04",
        "2026/3/4",
        "2026.03.04",
        "20260304",
        "on 2026-03-04.",
        "2026-03-04T10:00:00Z",
        "4 March 2026",
        "4th March, 2026",
        "04 of march 2026",
        "4-MAR-2026",
        "the 4th of Mar. 2026",
        "March 4, 2026",
        "March the 4th 2026",
        "mar 04 2026",
    ],
)
def test_a_full_date_is_one_day(text: str) -> None:
    assert read_days(text) == [{Day(2026, 3, 4)}]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-03", Day(2026, 3, None)),
        ("2026/12", Day(2026, 12, None)),
        ("March 2026", Day(2026, 3, None)),
        ("March, 2026", Day(2026, 3, None)),
        ("March of 2026", Day(2026, 3, None)),
        ("4 March", Day(None, 3, 4)),
        ("the 31st of May", Day(None, 5, 31)),
        ("May 31", Day(None, 5, 31)),
        ("29 February", Day(None, 2, 29)),
        ("2024-02-29", Day(2024, 2, 29)),
        ("2026-02-28", Day(2026, 2, 28)),
        ("2026-12-31", Day(2026, 12, 31)),
        ("2026-01-01", Day(2026, 1, 1)),
        ("1 December 1000", Day(1000, 12, 1)),
        ("19991231", Day(1999, 12, 31)),
    ],
)
def test_what_a_text_leaves_out_is_left_open(text: str, day: Day) -> None:
    assert read_days(text) == [{day}]


@pytest.mark.parametrize(
    "text",
    [
        "2026-13-01",
        "2026-00-01",
        "2026-02-29",
        "2026-04-31",
        "2026-13",
        "1786.07",
        "3026-03-04",
        "12026-03-04",
        "1.2026-03-04",
        "2026-03-045",
        "2026-03-4.5",
        "18991231",
        "21000101",
        "20261301",
        "x20260304",
        "20260304x",
        "20260304.5",
        "32/33/2026",
        "13/13/2026",
        "3/4",
        "3/4-2026",
        "3/4/126",
        "3/4/26/1",
        "30 February",
        "32 to 5 March",
        "February 30, 2026",
        "32 March",
        "a March morning",
        "March 4:30",
        "marching 4",
        "v3 March",
        "in 2026",
    ],
)
def test_what_only_looks_like_a_date_is_none(text: str) -> None:
    assert read_days(text) == []


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("03/04/2026", {Day(2026, 4, 3), Day(2026, 3, 4)}),
        ("3.4.2026", {Day(2026, 4, 3), Day(2026, 3, 4)}),
        ("03-04-26", {Day(2026, 4, 3), Day(2026, 3, 4)}),
        ("13/12/2026", {Day(2026, 12, 13)}),
        ("12/13/2026", {Day(2026, 12, 13)}),
        ("12/12/69", {Day(2069, 12, 12)}),
        ("12/12/70", {Day(1970, 12, 12)}),
        ("12/12/99", {Day(1999, 12, 12)}),
        ("12/12/00", {Day(2000, 12, 12)}),
    ],
)
def test_a_form_that_can_mean_two_days_is_read_as_both(text: str, days: set[Day]) -> None:
    (found,) = find_days(text)
    assert set(found.readings) == days
    assert len(found.readings) == len(days)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("3 to 5 March 2026", [Day(2026, 3, 3), Day(2026, 3, 5)]),
        ("3rd - 5th of March", [Day(None, 3, 3), Day(None, 3, 5)]),
        ("March 3–5, 2026", [Day(2026, 3, 3), Day(2026, 3, 5)]),
        ("March 3rd through the 5th", [Day(None, 3, 3), Day(None, 3, 5)]),
        ("3 and 5 March, 3 until 4 May", [Day(None, 3, 3), Day(None, 3, 5), Day(None, 5, 3), Day(None, 5, 4)]),
        ("3 to 32 March", [Day(None, 3, 3)]),
        ("4 May, not 5 December 2026", [Day(None, 5, 4), Day(2026, 12, 5)]),
        ("5 December 2026, not 4 May", [Day(2026, 12, 5), Day(None, 5, 4)]),
        ("4 May 2026, then 2026-05-05 and March 2026", [Day(2026, 5, 4), Day(2026, 5, 5), Day(2026, 3, None)]),
    ],
)
def test_all_dates_are_found_in_order_ends_of_a_range_too(text: str, days: list[Day]) -> None:
    assert [found.readings for found in find_days(text)] == [(day,) for day in days]


def test_a_date_says_where_it_stands_and_its_month_is_no_other_date() -> None:
    assert find_days("on 4 March 2026.") == [FoundMoment((Day(2026, 3, 4),), 3, 15)]
    assert find_days("4 to 5 May") == [FoundMoment((Day(None, 5, 4),), 0, 10), FoundMoment((Day(None, 5, 5),), 0, 10)]


@given(st.dates(dt.date(1000, 1, 1), dt.date(2999, 12, 31)))
def test_every_day_of_the_calendar_is_read_and_no_other(day: dt.date) -> None:
    for name in (calendar.month_name[day.month], calendar.month_abbr[day.month]):
        for text in (f"{day.day} {name} {day.year}", f"{name} {day.day}, {day.year}", day.isoformat()):
            assert read_days(f"from {text} on") == [{Day(day.year, day.month, day.day)}]
    after = calendar.monthrange(day.year, day.month)[1] + 1
    assert read_days(f"{day.year}-{day.month:02}-{after}") == []


@pytest.mark.parametrize(
    ("text", "clocks"),
    [
        ("15:00", {"15:00:00"}),
        ("3:30", {"3:30:00", "15:30:00"}),
        ("11:59", {"11:59:00", "23:59:00"}),
        ("12:30", {"12:30:00"}),
        ("0:30", {"0:30:00", "12:30:00"}),
        ("3:30:15", {"3:30:15"}),
        ("3:30:15.250", {"3:30:15"}),
        ("03:59:59", {"3:59:59"}),
        ("3 pm", {"15:00:00"}),
        ("3 p.m.", {"15:00:00"}),
        ("3PM", {"15:00:00"}),
        ("3:05 am", {"3:05:00"}),
        ("12 am", {"0:00:00"}),
        ("12:05 pm", {"12:05:00"}),
        ("24:00", {"0:00:00"}),
        ("2026-03-03T08:00:00Z", {"8:00:00"}),
        ("noon", {"12:00:00"}),
        ("Midday", {"12:00:00"}),
        ("midnight", {"0:00:00"}),
        ("3 o'clock", {"3:00:00", "15:00:00"}),
        ("11 o’clock", {"11:00:00", "23:00:00"}),
        ("12 o'clock", {"12:00:00"}),
        ("24 o'clock", {"0:00:00", "12:00:00"}),
    ],
)
def test_a_time_of_day_is_read_and_without_am_or_pm_as_both(text: str, clocks: set[str]) -> None:
    assert read_clocks(f"at {text}, say") == [clocks]


@pytest.mark.parametrize(
    "text",
    [
        "3",
        "25:00",
        "10:60",
        "10:10:60",
        "13 pm",
        "13:30 am",
        "3:1",
        "1:10:10:10",
        "x3:30",
        "1.3:30",
        "3:300",
        "3 amps",
        "afternoon",
        "3 clocks",
    ],
)
def test_what_only_looks_like_a_time_of_day_is_none(text: str) -> None:
    assert read_clocks(text) == []


def test_times_are_found_in_order_wherever_they_stand() -> None:
    assert find_clocks("noon, 9:15:00 or 3 pm") == [
        FoundMoment((Clock(12, 0, 0),), 0, 4),
        FoundMoment((Clock(9, 15, 0),), 6, 13),
        FoundMoment((Clock(15, 0, 0),), 17, 21),
    ]
    assert [found.start for found in find_clocks("25:00, 12:00")] == [7]


@given(st.times())
def test_every_minute_of_the_day_is_read(time: dt.time) -> None:
    clock = Clock(time.hour, time.minute, 0)
    assert [found.readings for found in find_clocks(f"at {time:%I:%M %p} sharp")] == [(clock,)]
    (found,) = find_clocks(f"at {time:%H:%M} sharp")
    assert found.readings[0] == clock
    assert [found.readings for found in find_clocks(f"at {time:%H:%M:%S} sharp")] == [
        (clock._replace(second=time.second),)
    ]


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (946_684_799, None),
        (946_684_800, "2000-01-01T00:00:00"),
        (4_102_444_799, "2099-12-31T23:59:59"),
        (4_102_444_800, None),
        (946_684_799_999, None),
        (946_684_800_000, "2000-01-01T00:00:00"),
        (1_772_551_805_000, "2026-03-03T15:30:05"),
        (1_772_551_805, "2026-03-03T15:30:05"),
        (4_102_444_800_000, None),
        (0, None),
        (-946_684_800, None),
        (10**400, None),
    ],
)
def test_a_timestamp_means_a_moment_of_this_century_in_seconds_or_milliseconds(value: int, moment: str | None) -> None:
    read = read_timestamp(value)
    assert (read and read.strftime("%Y-%m-%dT%H:%M:%S")) == moment
    assert read is None or read.utcoffset() == dt.timedelta(0)
