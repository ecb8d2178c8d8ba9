"""Daylight saving: each kind of schedule on the days when clocks jump."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from autocron.schedules import cron


def local_runs(expression: str, zone: str, day: date, days: int = 1) -> list[str]:
    """The slots of some local days, as the local clock with its offset shows them."""
    schedule = cron(expression, timezone=zone, dialect="unix")
    tz = ZoneInfo(zone)
    first = datetime(day.year, day.month, day.day, tzinfo=tz).timestamp()
    end = day + timedelta(days=days)
    last = datetime(end.year, end.month, end.day, tzinfo=tz).timestamp()
    slot = schedule.next_after(int(first) * 1_000_000 - 1)
    found: list[str] = []
    while slot is not None and slot < last * 1_000_000:
        found.append(datetime.fromtimestamp(slot // 1_000_000, tz).isoformat(timespec="minutes"))
        slot = schedule.next_after(slot)
    return found


SPRING, AUTUMN = date(2027, 3, 28), date(2027, 10, 31)


def test_g41_a_daily_job_at_0230_runs_once_on_both_days() -> None:
    assert local_runs("30 2 * * *", "Europe/Berlin", SPRING) == ["2027-03-28T03:00+02:00"]
    assert local_runs("30 2 * * *", "Europe/Berlin", AUTUMN) == ["2027-10-31T02:30+02:00"]


def test_g41_an_hourly_job_runs_23_and_25_times() -> None:
    assert len(local_runs("0 * * * *", "Europe/Berlin", SPRING)) == 23
    assert len(local_runs("0 * * * *", "Europe/Berlin", AUTUMN)) == 25
    assert len(local_runs("*/15 * * * *", "Europe/Berlin", SPRING)) == 23 * 4
    assert len(local_runs("*/15 * * * *", "Europe/Berlin", AUTUMN)) == 25 * 4


def test_g41_slots_of_the_same_gap_run_once_together() -> None:
    assert local_runs("*/10 2 * * *", "Europe/Berlin", SPRING) == ["2027-03-28T03:00+02:00"]
    assert local_runs("0 2,3 * * *", "Europe/Berlin", SPRING) == ["2027-03-28T03:00+02:00"]
    assert local_runs("45 2,3 * * *", "Europe/Berlin", SPRING) == [
        "2027-03-28T03:00+02:00",
        "2027-03-28T03:45+02:00",
    ]


def test_g41_slots_of_a_fold_run_the_first_time_round() -> None:
    assert local_runs("0,30 2 * * *", "Europe/Berlin", AUTUMN) == [
        "2027-10-31T02:00+02:00",
        "2027-10-31T02:30+02:00",
    ]
    assert local_runs("59 2,3 * * *", "Europe/Berlin", AUTUMN) == [
        "2027-10-31T02:59+02:00",
        "2027-10-31T03:59+01:00",
    ]


def test_g41_asked_within_the_second_time_round_a_daily_job_waits_for_tomorrow() -> None:
    schedule = cron("30 2 * * *", timezone="Europe/Berlin")
    second = datetime(2027, 10, 31, 2, 10, fold=1, tzinfo=ZoneInfo("Europe/Berlin"))
    slot = schedule.next_after(int(second.timestamp()) * 1_000_000)
    assert slot == int(datetime(2027, 11, 1, 2, 30, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()) * 1_000_000


def test_g41_half_an_hour_of_lord_howe_is_met_like_any_jump() -> None:
    zone = "Australia/Lord_Howe"  # 2027-10-03 02:00 becomes 02:30, 2027-04-04 02:00 becomes 01:30
    assert local_runs("15 2 * * *", zone, date(2027, 10, 3)) == ["2027-10-03T02:30+11:00"]
    assert local_runs("45 1 * * *", zone, date(2027, 4, 4)) == ["2027-04-04T01:45+11:00"]
    assert len(local_runs("45 * * * *", zone, date(2027, 4, 4))) == 25
    assert len(local_runs("15 * * * *", zone, date(2027, 10, 3))) == 23


def test_g41_the_day_that_apia_left_out_runs_at_the_start_of_the_next() -> None:
    assert local_runs("0 9 30 12 *", "Pacific/Apia", date(2011, 12, 29), 3) == ["2011-12-31T00:00+14:00"]
    assert local_runs("0 9 * * *", "Pacific/Apia", date(2011, 12, 29), 3) == [
        "2011-12-29T09:00-10:00",
        "2011-12-31T00:00+14:00",
        "2011-12-31T09:00+14:00",
    ]


@pytest.mark.parametrize(
    ("zone", "day", "expected"),
    [
        ("America/Havana", date(2027, 3, 14), "2027-03-14T01:00-04:00"),
        ("Asia/Beirut", date(2027, 3, 28), "2027-03-28T01:00+03:00"),
    ],
)
def test_g41_a_gap_at_midnight_runs_right_after_it(zone: str, day: date, expected: str) -> None:
    assert local_runs("0 0 * * *", zone, day) == [expected]
    assert local_runs("30 0 * * *", zone, day) == [expected]


def test_g41_two_hours_of_troll_are_met_like_any_jump() -> None:
    assert local_runs("30 1 * * *", "Antarctica/Troll", SPRING) == ["2027-03-28T03:00+02:00"]
    assert len(local_runs("0 * * * *", "Antarctica/Troll", SPRING)) == 22
    assert len(local_runs("0 * * * *", "Antarctica/Troll", AUTUMN)) == 26


def test_g41_a_jump_back_over_midnight_runs_a_daily_job_once_a_day() -> None:
    # Havana, 2027-11-07: 01:00 becomes 00:00.
    assert local_runs("0 0 * * *", "America/Havana", date(2027, 11, 7)) == ["2027-11-07T00:00-04:00"]
    assert len(local_runs("0 * * * *", "America/Havana", date(2027, 11, 7))) == 25


@pytest.mark.parametrize(
    ("zone", "asked", "expression", "expected"),
    [
        ("Europe/Berlin", "2027-07-01", "*/30 * 25 12 *", "2027-12-25T00:00+01:00"),
        ("Europe/Berlin", "2027-01-01", "*/30 * 1 8 *", "2027-08-01T00:00+02:00"),
        ("Australia/Sydney", "2027-07-01", "* * 25 12 *", "2027-12-25T00:00+11:00"),
        ("Pacific/Apia", "2011-01-30", "* * 2 1 *", "2012-01-02T00:00+14:00"),
        ("Europe/Berlin", "2027-11-01", "* * 29 2 *", "2028-02-29T00:00+01:00"),
    ],
)
def test_g40_a_far_slot_is_found_on_the_other_side_of_clock_changes(
    zone: str, asked: str, expression: str, expected: str
) -> None:
    schedule = cron(expression, timezone=zone, dialect="unix")
    slot = schedule.next_after(int(datetime.fromisoformat(asked).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 1_000_000)
    assert slot == int(datetime.fromisoformat(expected).timestamp()) * 1_000_000
