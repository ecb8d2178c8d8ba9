"""Which slots of a schedule become jobs: misfire policies, grace, jitter, and years of downtime."""

from __future__ import annotations

import time
from typing import Any

import pytest

from autocron import schedules
from autocron.model import ScheduledTask
from autocron.supervisor.clockwork import MOST_AT_ONCE, ON_TIME, due_slots

SECOND = 1_000_000
MINUTE = 60 * SECOND
DAY = 86_400 * SECOND
MIDNIGHT = 20_800 * DAY  # some midnight, UTC
YEAR = 365 * DAY

EVERY_MINUTE = schedules.cron("*/1 * * * *", timezone="UTC", dialect="autocron")
DAILY = schedules.cron("0 2 * * *", timezone="UTC", dialect="autocron")
EVERY_SECOND = schedules.interval(seconds=1, timezone="UTC")


def task(schedule: schedules.Schedule, next_run_at: int, **options: Any) -> ScheduledTask:
    return ScheduledTask(
        name="app.tidy",
        task="app.tidy",
        spec=schedule.to_json(),
        words="",
        application=1,
        arguments="[]",
        anchor=MIDNIGHT,
        next_run_at=next_run_at,
        **options,
    )


def slots(found: tuple[list[tuple[int, int]], int | None]) -> list[int]:
    return [slot for slot, _ in found[0]]


@pytest.mark.parametrize("misfire", ["latest", "skip", "all"])
@pytest.mark.parametrize("late", [0, 1, SECOND, ON_TIME])
def test_a_slot_that_is_fired_in_time_is_one_job_under_every_policy(misfire: str, late: int) -> None:
    found = due_slots(task(EVERY_MINUTE, MIDNIGHT, misfire=misfire), MIDNIGHT + late)
    assert found == ([(MIDNIGHT, MIDNIGHT)], MIDNIGHT + MINUTE)


@pytest.mark.parametrize(
    "misfire, expected",
    [("latest", [9]), ("skip", []), ("all", list(range(10)))],
)
def test_g42_after_downtime_the_declared_policy_holds(misfire: str, expected: list[int]) -> None:
    now = MIDNIGHT + 9 * MINUTE + 30 * SECOND
    found = due_slots(task(EVERY_MINUTE, MIDNIGHT, misfire=misfire), now)
    assert slots(found) == [MIDNIGHT + n * MINUTE for n in expected]
    assert found[1] == MIDNIGHT + 10 * MINUTE


def test_g42_skipping_what_was_missed_leaves_the_slot_of_this_moment() -> None:
    now = MIDNIGHT + 9 * MINUTE + SECOND
    assert slots(due_slots(task(EVERY_MINUTE, MIDNIGHT, misfire="skip"), now)) == [MIDNIGHT + 9 * MINUTE]


@pytest.mark.parametrize(
    "misfire, grace, expected",
    [
        ("latest", 3600.0, True),
        ("latest", 3599.0, False),
        ("all", 3600.0, True),
        ("all", 3599.0, False),
        ("latest", None, True),
    ],
)
def test_g42_the_grace_bounds_how_late_a_slot_may_be(misfire: str, grace: float | None, expected: bool) -> None:
    slot = MIDNIGHT + 2 * 3600 * SECOND
    found = due_slots(task(DAILY, slot, misfire=misfire, grace=grace), slot + 3600 * SECOND)
    assert slots(found) == ([slot] if expected else [])
    assert found[1] == slot + DAY


def test_g42_a_grace_of_zero_does_not_skip_slots_that_are_on_time() -> None:
    assert slots(due_slots(task(EVERY_MINUTE, MIDNIGHT, grace=0.0), MIDNIGHT + 20_000)) == [MIDNIGHT]


def test_g42_all_is_bounded_to_the_newest() -> None:
    now = MIDNIGHT + 5000 * MINUTE
    found = slots(due_slots(task(EVERY_MINUTE, MIDNIGHT, misfire="all"), now))
    assert found == [now - n * MINUTE for n in reversed(range(MOST_AT_ONCE))]


@pytest.mark.parametrize("misfire", ["latest", "skip", "all"])
@pytest.mark.parametrize("schedule", [EVERY_MINUTE, EVERY_SECOND, DAILY])
def test_g45_years_of_downtime_cost_next_to_nothing(misfire: str, schedule: schedules.Schedule) -> None:
    first = schedule.next_after(MIDNIGHT, anchor=MIDNIGHT)
    assert first is not None
    began = time.process_time()
    found = due_slots(task(schedule, first, misfire=misfire), MIDNIGHT + 20 * YEAR + 30 * SECOND)
    assert time.process_time() - began < 2.0
    assert len(found[0]) <= MOST_AT_ONCE
    if misfire == "latest":
        last = schedule.next_after(found[0][0][0], anchor=MIDNIGHT)
        assert found[1] == last
        assert last is not None
        assert last > MIDNIGHT + 20 * YEAR + 30 * SECOND


@pytest.mark.parametrize("downtime", [1, 59, 60, 61, 3599, 3601, 86_401, 40 * 86_400, 400 * 86_400])
@pytest.mark.parametrize("expression", ["*/1 * * * *", "30 9 * * *", "0 0 * 2 29", "0 0 0 * *"])
def test_g42_latest_is_the_last_slot_that_has_passed(expression: str, downtime: int) -> None:
    schedule = schedules.cron(expression, timezone="UTC", dialect="autocron")
    first = schedule.next_after(MIDNIGHT, anchor=MIDNIGHT)
    assert first is not None
    now = first + downtime * SECOND
    ((latest, _),), following = due_slots(task(schedule, first), now)
    assert first <= latest <= now
    assert schedule.next_after(latest, anchor=MIDNIGHT) == following
    assert following is not None
    assert following > now


def test_jitter_spreads_the_starts_and_keeps_the_slots() -> None:
    starts = set()
    for _ in range(50):
        ((slot, run_at),), _ = due_slots(task(EVERY_MINUTE, MIDNIGHT, jitter=10.0), MIDNIGHT)
        assert slot == MIDNIGHT
        assert MIDNIGHT <= run_at <= MIDNIGHT + 10 * SECOND
        starts.add(run_at)
    assert len(starts) > 10


def test_a_schedule_that_is_over_has_no_next_slot() -> None:
    once = schedules.date("2027-01-01T00:00", timezone="UTC")
    moment = once.next_after(MIDNIGHT, anchor=MIDNIGHT)
    assert moment is not None
    assert due_slots(task(once, moment), moment) == ([(moment, moment)], None)
