"""The next slot, against a minute-by-minute oracle and against another cron library."""

from __future__ import annotations

import re
import sys
from datetime import UTC, date, datetime, timedelta
from random import Random
from types import FrameType
from zoneinfo import ZoneInfo, available_timezones

import cronsim
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from schedule_oracle import (
    DAY,
    FROM,
    MINUTE,
    UNTIL,
    Days,
    Meaning,
    Minute,
    Seeded,
    random_days,
    random_meaning,
    random_numbers,
    random_weekdays,
    slots,
    timeline,
    transitions,
)

from autocron.errors import ScheduleError
from autocron.schedules import CronSchedule, cron

ZONES = sorted(available_timezones() - {"localtime", "posixrules"})
SECOND = 1_000_000
ODD_ZONES = (
    *("Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "Antarctica/Troll", "Asia/Beirut"),
    *("America/Havana", "Europe/Berlin", "America/New_York", "Asia/Gaza", "America/St_Johns", "Africa/Cairo"),
    *(
        "America/Caracas",
        "Asia/Pyongyang",
        "Pacific/Fakaofo",
        "Antarctica/Casey",
        "Europe/Dublin",
        "Asia/Tehran",
    ),
)
# cronsim 2.8 walks by hours: it loses slots where clocks change by half an hour or by a day.
WHOLE_HOUR_ZONES = (
    *("Africa/Casablanca", "Antarctica/Troll", "Asia/Beirut", "America/Havana", "Europe/Berlin"),
    *("America/New_York", "Asia/Gaza", "Africa/Cairo", "Europe/Dublin", "Asia/Tehran"),
)


def examples(count: int) -> settings:
    """So many examples, however long each takes: no test depends on the speed of the machine."""
    return settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))


def seconds_of_all_slots(schedule: CronSchedule, first: int, last: int) -> list[int]:
    """Every slot from ``first`` to ``last`` (seconds), by asking for the next one again and again."""
    found: list[int] = []
    slot = schedule.next_after(first * SECOND - 1)
    while slot is not None and slot <= last * SECOND:
        assert slot % SECOND == 0
        found.append(slot // SECOND)
        slot = schedule.next_after(slot)
    return found


def read(meaning: Meaning, zone: str) -> CronSchedule | None:
    """The library's schedule; None if it refuses the days, which then must never come."""
    try:
        return cron(meaning.text, dialect=meaning.dialect, timezone=zone)
    except ScheduleError as error:
        assert "never comes" in str(error), error
        day = date(2000, 1, 1)
        while day < date(2029, 1, 1):  # 28 years and a leap year's day: every kind of year is among them
            assert not meaning.on(day), (meaning.text, day)
            day += timedelta(days=1)
        return None


def check_window(meaning: Meaning, zone: str, minutes: list[Minute], random: Random) -> None:
    """The library and the oracle agree on every slot of a window, from its start and from inside."""
    schedule = read(meaning, zone)
    if schedule is None:
        return
    first, last = minutes[0].instant, minutes[-1].instant
    expected = slots(meaning, minutes)
    found = seconds_of_all_slots(schedule, first, last)
    assert found == expected, (meaning.text, meaning.dialect, zone, datetime.fromtimestamp(first, UTC))
    for _ in range(3):
        moment = random.randint(first * SECOND, last * SECOND)
        later = [slot for slot in expected if slot * SECOND > moment]
        if later:
            assert schedule.next_after(moment) == later[0] * SECOND, (meaning.text, zone, moment)


def window_around(zone: str, transition: int, random: Random, *, hours: int = 26) -> list[Minute]:
    """The minutes from up to so many hours before to up to so many hours after."""
    first = transition - random.randint(1, hours * 60) * MINUTE
    last = transition + random.randint(1, hours * 60) * MINUTE
    return timeline(ZoneInfo(zone), first - first % MINUTE, last - last % MINUTE)


@examples(250)
@given(zone=st.sampled_from(ODD_ZONES), random=st.builds(Seeded, st.integers(0, 2**64)))
def test_g40_slots_around_a_clock_change_are_those_of_the_oracle(zone: str, random: Random) -> None:
    minutes = window_around(zone, random.choice(transitions(zone)), random)
    for _ in range(3):
        check_window(random_meaning(random), zone, minutes, random)


@examples(100)
@given(
    zone=st.sampled_from(ZONES),
    start=st.integers(FROM // MINUTE, UNTIL // MINUTE),
    random=st.builds(Seeded, st.integers(0, 2**64)),
)
def test_g40_slots_of_any_day_in_any_zone_are_those_of_the_oracle(zone: str, start: int, random: Random) -> None:
    minutes = timeline(ZoneInfo(zone), start * MINUTE, start * MINUTE + DAY)
    for _ in range(3):
        check_window(random_meaning(random), zone, minutes, random)


@pytest.mark.parametrize("zone", ["Pacific/Apia", "Australia/Lord_Howe", "Antarctica/Troll", "America/Havana"])
def test_g40_every_clock_change_of_an_odd_zone_is_met_as_the_oracle_meets_it(zone: str) -> None:
    random = Random(zone)
    for transition in transitions(zone)[:24]:
        minutes = window_around(zone, transition, random)
        for _ in range(3):
            check_window(random_meaning(random), zone, minutes, random)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_g40_every_clock_change_of_every_zone_is_met_as_the_oracle_meets_it() -> None:
    changes = [(zone, transition) for zone in ZONES for transition in transitions(zone)]
    assert len(changes) > 10_000
    for _, transition in changes:
        assert transition % MINUTE == 0, "the oracle walks by minutes"
    per_change = -(-200_000 // len(changes))
    cases = 0
    for zone, transition in changes:
        random = Random(f"{zone} {transition}")
        minutes = window_around(zone, transition, random, hours=8)
        for _ in range(per_change):
            check_window(random_meaning(random), zone, minutes, random)
            cases += 1
    assert cases >= 200_000


@pytest.mark.long
@pytest.mark.timeout(3600)
@examples(10_000)
@given(
    zone=st.sampled_from(ZONES),
    start=st.integers(FROM // MINUTE, UNTIL // MINUTE),
    random=st.builds(Seeded, st.integers(0, 2**64)),
)
def test_g40_long_slots_of_any_two_days_are_those_of_the_oracle(zone: str, start: int, random: Random) -> None:
    minutes = timeline(ZoneInfo(zone), start * MINUTE, start * MINUTE + 2 * DAY)
    check_window(random_meaning(random), zone, minutes, random)


def random_rare(random: Random) -> Meaning:
    """An expression at 00:00 on rare days."""
    dialect = random.choice(("autocron", "unix"))
    months, month_numbers = random_numbers(random, 1, 12, star=0.1)
    days, weekdays = random_days(random, dialect), random_weekdays(random, dialect)
    if random.random() < 0.3:
        number = random.randint(28, 31)
        days = Days(f"{number}", lambda day: day.day == number, restricted=True)
        step = random.choice((4, 5, 6, 7))
        shift = 0 if dialect == "autocron" else 1
        weekdays = Days(f"*/{step}", lambda day: (day.weekday() + shift) % 7 % step == 0, restricted=dialect == "autocron")
    first, second = (weekdays, days) if dialect == "autocron" else (days, weekdays)
    text = f"0 0 {first.text} {months} {second.text}"
    return Meaning(text, dialect, {0}, {0}, month_numbers, days, weekdays)


@examples(400)
@given(start=st.dates(date(1990, 1, 1), date(2110, 1, 1)), random=st.builds(Seeded, st.integers(0, 2**64)))
def test_g40_rare_days_are_found_as_walking_the_calendar_finds_them(start: date, random: Random) -> None:
    meaning = random_rare(random)
    schedule = read(meaning, "UTC")
    assume(schedule is not None)
    assert schedule is not None
    midnight = datetime(start.year, start.month, start.day, tzinfo=UTC)
    found = schedule.next_after(int(midnight.timestamp()) * SECOND)
    assert found is not None
    day = start + timedelta(days=1)
    while not meaning.on(day):
        day += timedelta(days=1)
    assert datetime.fromtimestamp(found // SECOND, UTC).date() == day, (meaning.text, start)


@examples(300)
@given(
    start=st.datetimes(datetime(2000, 1, 1), datetime(2037, 12, 1)),
    random=st.builds(Seeded, st.integers(0, 2**64)),
)
def test_g40_a_second_library_agrees_where_the_dialects_do(start: datetime, random: Random) -> None:
    minutes, _ = random_numbers(random, 0, 59, star=0.3)
    hours, _ = random_numbers(random, 0, 23, star=0.3)
    days, _ = random_numbers(random, 1, 28, star=0.4)
    months, _ = random_numbers(random, 1, 12, star=0.6)
    weekdays, _ = random_numbers(random, 0, 6, star=0.4)
    text = f"{minutes} {hours} {days} {months} {weekdays}"
    assume(not re.search(r"\b(\d+)-\1/", text))  # cronsim 2.8 reads 5-5/2 as 5-59/2
    try:
        schedule = cron(text, dialect="unix", timezone="UTC")
    except ScheduleError:
        return  # an odd day of the month that is never in these months and on these weekdays
    theirs = cronsim.CronSim(text, start.replace(tzinfo=UTC))
    moment = int(start.replace(tzinfo=UTC, microsecond=0).timestamp()) * SECOND
    for _ in range(5):
        slot = schedule.next_after(moment)
        assert slot is not None
        assert datetime.fromtimestamp(slot // SECOND, UTC) == next(theirs), text
        moment = slot


@examples(300)
@given(zone=st.sampled_from(WHOLE_HOUR_ZONES), random=st.builds(Seeded, st.integers(0, 2**64)))
def test_g41_a_second_library_agrees_on_daily_and_hourly_schedules(zone: str, random: Random) -> None:
    text = f"{random.randrange(60)} {random.choice((str(random.randrange(5)), '*'))} * * *"
    start = random.choice(transitions(zone)) - random.randint(0, 30 * 60) * MINUTE
    theirs = cronsim.CronSim(text, datetime.fromtimestamp(start, ZoneInfo(zone)))
    schedule = cron(text, dialect="unix", timezone=zone)
    moment = start * SECOND
    for _ in range(5):
        slot = schedule.next_after(moment)
        assert slot is not None
        assert slot // SECOND == int(next(theirs).timestamp()), (text, zone, start)
        moment = slot


@examples(300)
@given(moment=st.integers(-(2**62), 2**62), random=st.builds(Seeded, st.integers(0, 2**64)))
def test_g45_a_moment_however_far_away_has_a_next_slot_or_none(moment: int, random: Random) -> None:
    schedule = read(random_meaning(random), random.choice(ODD_ZONES))
    assume(schedule is not None)
    assert schedule is not None
    slot = schedule.next_after(moment)
    if slot is None:
        assert moment > datetime(9900, 1, 1, tzinfo=UTC).timestamp() * SECOND
    else:
        assert slot > moment


@pytest.mark.parametrize(
    ("expression", "dialect"),
    [
        ("0 0 29 2 mon", "unix"),
        ("0 0 29 2 */7", "unix"),
        ("0 0 mon 2 29", "autocron"),
        ("0 0 * 2 5th mon", "autocron"),
        ("59 23 31 12 */6", "unix"),
        ("* * 29 2 */7", "unix"),
        ("*/7 * 29 2 *", "unix"),
        ("0 0 5th sun 2 *", "unix"),
    ],
)
@pytest.mark.parametrize("year", [1950, 1999, 2000, 2096, 2100, 2399])
def test_g40_a_rare_slot_costs_a_bounded_number_of_steps(expression: str, dialect: str, year: int) -> None:
    schedule = cron(expression, dialect=dialect, timezone="Europe/Berlin")
    moment = int(datetime(year, 3, 1, tzinfo=UTC).timestamp()) * SECOND
    schedule.next_after(moment)
    assert count_calls(lambda: schedule.next_after(moment)) < 1000  # 5 ms are more than ten times that


def test_g40_the_rarest_years_cost_a_bounded_number_of_steps() -> None:
    schedule = cron(dom=29, months=2, years=[*range(1970, 2900, 3), 2904], timezone="UTC", hours=0, minutes=0)
    assert count_calls(lambda: schedule.next_after(0)) < 4000


def test_g45_a_leap_of_a_thousand_years_costs_no_more_than_a_minute() -> None:
    schedule = cron("*/5 * * * *", timezone="Europe/Berlin")
    near = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp()) * SECOND
    far = int(datetime(3026, 6, 1, tzinfo=UTC).timestamp()) * SECOND
    schedule.next_after(far)
    assert count_calls(lambda: schedule.next_after(far)) <= count_calls(lambda: schedule.next_after(near)) + 10


def count_calls(work: object) -> int:
    """How many functions, in Python and in C, a piece of work calls."""
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    assert callable(work)
    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return calls
