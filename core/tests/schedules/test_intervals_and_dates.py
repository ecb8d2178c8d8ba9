"""Intervals without drift, and single dates."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autocron import schedules
from autocron.errors import ScheduleError
from autocron.schedules import interval

SECOND = 1_000_000


def moment(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * SECOND


def test_an_interval_counts_from_its_anchor() -> None:
    hourly = interval(seconds=3600)
    assert hourly.next_after(100 * SECOND, anchor=100 * SECOND) == 3700 * SECOND
    assert hourly.next_after(99 * SECOND, anchor=100 * SECOND) == 3700 * SECOND
    assert hourly.next_after(3700 * SECOND, anchor=100 * SECOND) == 7300 * SECOND


def test_start_now_makes_the_anchor_the_first_slot() -> None:
    hourly = interval(hours=1, start_now=True)
    assert hourly.next_after(99 * SECOND, anchor=100 * SECOND) == 100 * SECOND
    assert hourly.next_after(100 * SECOND, anchor=100 * SECOND) == 3700 * SECOND


@settings(deadline=None, database=None)
@given(
    every=st.integers(1, 10**6),
    anchor=st.integers(0, 2**51),
    later=st.integers(-(10**9), 2**55),
    now=st.booleans(),
)
def test_g45_an_interval_never_drifts_however_late_it_is_asked(every: int, anchor: int, later: int, now: bool) -> None:
    schedule = interval(seconds=every, start_now=now)
    slot = schedule.next_after(anchor + later, anchor=anchor)
    assert slot is not None
    count, rest = divmod(slot - anchor, every * SECOND)
    assert rest == 0
    assert slot > anchor + later
    first = 0 if now else 1
    assert count >= first
    assert count == first or slot - every * SECOND <= anchor + later


def test_units_add_up_and_may_be_fractions() -> None:
    assert interval(weeks=1, days=1, hours=1, minutes=1, seconds=1.5).every == 694_861_500_000


def test_an_interval_with_bounds_starts_and_ends_there() -> None:
    schedule = interval(hours=1, timezone="UTC", start_date="2027-01-01T10:00", end_date="2027-01-01T12:00")
    slots = [slot := moment("2027-01-01T10:00+00:00")]
    while (following := schedule.next_after(slot, anchor=5)) is not None:
        slots.append(slot := following)
    assert schedule.next_after(0, anchor=5) == slots[0]
    assert slots == [moment(f"2027-01-01T{hour}:00+00:00") for hour in (10, 11, 12)]


@pytest.mark.parametrize(
    ("units", "says"),
    [
        ({}, "too short an interval"),
        ({"seconds": -5}, "seconds=-5 is too short"),
        ({"seconds": 0.01}, "at least seconds=0.1"),
        ({"minutes": "5"}, "minutes='5' is no number"),
        ({"weeks": 10**12}, "no usable interval"),
        ({"seconds": float("nan")}, "no usable interval"),
        ({"hours": True}, "hours=True is no number"),
    ],
)
def test_an_interval_that_makes_no_sense_is_refused(units: dict[str, Any], says: str) -> None:
    with pytest.raises(ScheduleError, match=says):
        interval(**units)


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2027-01-01T00:00", "2027-01-01T00:00+01:00"),
        ("2027-07-01", "2027-07-01T00:00+02:00"),
        ("2027-01-01 10:00+05:00", "2027-01-01T10:00+05:00"),
        ("2027-01-01T10:00Z", "2027-01-01T10:00+00:00"),
        (date(2009, 11, 6), "2009-11-06T00:00+01:00"),
        (datetime(2027, 1, 1, 9, 30), "2027-01-01T09:30+01:00"),
        (datetime(2027, 1, 1, 9, 30, tzinfo=timezone(timedelta(hours=-3))), "2027-01-01T09:30-03:00"),
        ("2027-03-28T02:30", "2027-03-28T03:00+02:00"),
        ("2027-10-31T02:30", "2027-10-31T02:30+02:00"),
    ],
)
def test_a_date_is_one_slot_at_its_moment(when: Any, expected: str) -> None:
    schedule = schedules.date(when, timezone="Europe/Berlin")
    slot = moment(expected)
    assert schedule.next_after(0) == slot
    assert schedule.next_after(slot - 1) == slot
    assert schedule.next_after(slot) is None


def test_a_date_keeps_its_microseconds() -> None:
    when = datetime(2027, 1, 1, 0, 0, 0, 123_456)
    assert schedules.date(when, timezone="UTC").moment == moment("2027-01-01T00:00+00:00") + 123_456
    assert schedules.date(when.replace(tzinfo=UTC)).moment == moment("2027-01-01T00:00+00:00") + 123_456


@pytest.mark.parametrize("when", ["tomorrow", "", 5, None, "2027-13-01", "9999-12-31T23:59"])
def test_what_is_no_date_is_refused(when: Any) -> None:
    with pytest.raises(ScheduleError, match=r"date=.*write an ISO 8601 text"):
        schedules.date(when, timezone="America/New_York")
