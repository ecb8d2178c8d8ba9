"""The clock on the wall is set, forwards and back, and machines sleep: schedules neither storm, spin nor stop."""

from __future__ import annotations

import itertools

import pytest
from ticking import (
    DAILY,
    DAY,
    EACH_90_SECONDS,
    EVERY_MINUTE,
    EVERY_SECOND,
    HOUR,
    HOURLY,
    MIDNIGHT,
    MINUTE,
    SECOND,
    YEAR,
    System,
    TestClock,
)

from autocron import schedules
from autocron.supervisor.clockwork import MOST_AT_ONCE

SCHEDULES = [EVERY_SECOND, EVERY_MINUTE, HOURLY, EACH_90_SECONDS]
NAMES = ["second", "minute", "hourly", "interval"]
JUMPS = [HOUR, DAY, 3 * YEAR + 5 * DAY, 40 * YEAR]


def distance(schedule: schedules.Schedule) -> int:
    return {EVERY_SECOND: SECOND, EVERY_MINUTE: MINUTE, HOURLY: HOUR}.get(schedule, 90 * SECOND)


@pytest.mark.parametrize("jump", JUMPS)
@pytest.mark.parametrize("schedule", SCHEDULES, ids=NAMES)
@pytest.mark.parametrize("misfire, most", [("latest", 1), ("skip", 1), ("all", MOST_AT_ONCE)])
def test_g45_a_step_forward_is_no_storm(
    system: System, time: TestClock, misfire: str, most: int, schedule: schedules.Schedule, jump: int
) -> None:
    system.start(system.scheduled(schedule, misfire=misfire, overlap="allow"))
    system.live(5 * SECOND)
    time.step(jump)
    assert len(system.fire()) <= most
    system.finish_all()
    began = time.wall
    fired = system.live(3 * distance(schedule) + 1)
    assert 3 <= len(fired) <= 4
    assert all(began <= slot * SECOND + MIDNIGHT <= time.wall for slot in fired)


@pytest.mark.parametrize("jump", JUMPS)
@pytest.mark.parametrize("schedule", SCHEDULES, ids=NAMES)
@pytest.mark.parametrize("restarted", [False, True])
def test_g45_after_the_clock_was_years_ahead_the_schedule_fires_at_the_right_time(
    system: System, time: TestClock, schedule: schedules.Schedule, jump: int, restarted: bool
) -> None:
    system.start(system.scheduled(schedule))
    system.live(5 * SECOND)
    time.step(jump)
    system.live(2 * distance(schedule))
    time.step(-jump)
    if restarted:
        system.replace_supervisor()
    began = time.wall
    assert len(system.fire()) <= 1
    fired = system.live(5 * distance(schedule) + 1)
    assert len(fired) >= 3  # at least those that are of no time that has been before
    assert fired == sorted(set(fired))
    assert all(began <= slot * SECOND + MIDNIGHT <= time.wall for slot in fired)
    anchor = system.schedule().anchor
    assert system.schedule().next_run_at == schedule.next_after(time.wall - 1, anchor=anchor)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=NAMES)
def test_g45_a_schedule_that_was_new_while_the_clock_was_ahead_fires_after_the_step_back(
    system: System, time: TestClock, schedule: schedules.Schedule
) -> None:
    time.step(10 * YEAR)
    system.start(system.scheduled(schedule))
    system.live(5 * SECOND)
    time.step(-10 * YEAR)
    began = time.wall
    fired = system.live(4 * distance(schedule) + 1)
    assert 3 <= len(fired) <= 5
    assert all(began <= slot * SECOND + MIDNIGHT <= time.wall for slot in fired)
    assert len({later - earlier for earlier, later in itertools.pairwise(fired)}) == 1


def test_g45_a_schedule_that_ended_while_the_clock_was_ahead_goes_on_after_the_step_back(
    system: System, time: TestClock
) -> None:
    until_tomorrow = schedules.cron("* * * * *", dialect="unix", timezone="UTC", end_date="2026-12-14T00:00")
    system.start(system.scheduled(until_tomorrow))
    system.live(5 * MINUTE)
    time.step(YEAR)
    system.live(5 * MINUTE)
    assert system.schedule().next_run_at is None
    time.step(-YEAR)
    assert len(system.live(5 * MINUTE)) >= 4


def test_g45_a_date_that_came_while_the_clock_was_ahead_does_not_come_again(system: System, time: TestClock) -> None:
    once = schedules.date("2027-06-01T00:00", timezone="UTC")
    system.start(system.scheduled(once))
    system.live(MINUTE)
    time.step(YEAR)
    assert len(system.live(MINUTE)) == 1
    system.store.expire(time.wall + DAY, 10)
    time.step(-YEAR)
    assert system.live(YEAR) == []


@pytest.mark.parametrize("rests", ["detached", "broken"])
def test_g45_a_schedule_that_rests_during_the_step_back_fires_when_it_is_back(
    system: System, time: TestClock, rests: str
) -> None:
    system.start(system.scheduled(HOURLY, "other.tidy"), folder="/srv/other")
    mine = system.start(system.scheduled(HOURLY))
    time.step(10 * YEAR)
    system.live(2 * HOUR)
    if rests == "detached":
        system.stop(mine)
    else:
        system.clockwork.mind_missing(mine, {"app.tidy": "ImportError: no"})
    time.step(-10 * YEAR)
    system.live(2 * HOUR)
    system.start(system.scheduled(HOURLY))
    assert len(system.live(3 * HOUR)) >= 5  # of both


@pytest.mark.parametrize("waits", ["for its jitter", "for its retry"])
def test_g45_a_job_that_waits_for_a_moment_years_ahead_does_not_stop_its_schedule(
    system: System, time: TestClock, waits: str
) -> None:
    time.step(10 * YEAR)
    system.start(system.scheduled(EVERY_MINUTE, jitter=30.0 if "jitter" in waits else 0.0))
    while not system.slots():
        time.pass_(SECOND)
        system.fire()
        if works := system.claim():
            system.store.retry_later(works[0].claim, "E", "", 7, time.wall + 20 * SECOND, time.wall)
    time.step(-10 * YEAR)
    assert len(system.live(10 * MINUTE)) >= 5


def test_g45_a_clock_that_is_set_again_and_again_makes_no_storm(system: System, time: TestClock) -> None:
    system.start(system.scheduled(EVERY_MINUTE, "app.a"), system.scheduled(DAILY, "app.b", misfire="all"))
    for number in range(100):
        time.pass_(7 * SECOND)
        time.step(YEAR if number % 2 else -YEAR)
        system.fire()
        system.finish_all()
    assert len(system.slots()) <= 400 + 365


@pytest.mark.parametrize("correction", [-900_000, -30_000, 30_000, 900_000])
def test_g45_small_corrections_neither_double_nor_lose_a_slot(system: System, time: TestClock, correction: int) -> None:
    system.start(system.scheduled(EVERY_MINUTE))
    fired = []
    for _ in range(20):
        fired += system.live(MINUTE)
        time.step(correction)
    assert fired == sorted(set(fired))
    assert fired == list(range(60, fired[-1] + 1, 60))
    assert len(fired) >= 19


def test_g45_a_sleep_of_the_machine_is_a_misfire_and_no_storm(system: System, time: TestClock) -> None:
    names = {"app.latest": "latest", "app.skip": "skip", "app.all": "all"}
    system.start(*(system.scheduled(HOURLY, name, misfire=misfire, overlap="allow") for name, misfire in names.items()))
    system.live(MINUTE)
    time.steady += 3  # of which the monotonic clock has seen little, or nothing
    time.step(10 * HOUR + 20 * MINUTE)
    assert sorted(system.fire()) == sorted([36_000, *(3600 * hour for hour in range(1, 11))])
    system.finish_all()
    assert system.live(HOUR) == [39_600] * 3


@pytest.mark.parametrize("schedule", SCHEDULES, ids=NAMES)
def test_g45_a_clock_that_stood_at_1970_at_the_boot(system: System, time: TestClock, schedule: schedules.Schedule) -> None:
    right = time.wall
    time.wall = 40 * SECOND
    system.start(system.scheduled(schedule, misfire="latest"))
    system.live(20 * SECOND)
    time.wall = right
    assert len(system.fire()) == 1
    system.finish_all()
    assert len(system.live(3 * distance(schedule) + 1)) in (3, 4)
