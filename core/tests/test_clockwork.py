"""Schedules that fire: slots that were missed, jobs that meet, dead runs, and every slot's one job. Only the clock is fake."""

from __future__ import annotations

from typing import Any

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
    brute_force,
    seconds,
)

from autocron import schedules
from autocron.model import ERROR, Policy, Status
from autocron.supervisor.clockwork import MOST_AT_ONCE

DOWNTIMES = [5 * MINUTE, 3 * HOUR + 7 * SECOND, 40 * DAY, 3 * YEAR + 11 * HOUR + 29 * SECOND]
OVERLAPS = ["skip", "queue", "allow"]


# -- slots that passed while nothing ran -----------------------------------------------------------------------


@pytest.mark.parametrize("downtime", DOWNTIMES)
@pytest.mark.parametrize(
    "schedule, distance",
    [(EVERY_MINUTE, MINUTE), (DAILY, DAY), (EACH_90_SECONDS, 90 * SECOND)],
    ids=["minute", "daily", "interval"],
)
@pytest.mark.parametrize("misfire", ["latest", "skip", "all"])
def test_g42_after_downtime_a_schedule_follows_its_policy(
    system: System, time: TestClock, misfire: str, schedule: schedules.Schedule, distance: int, downtime: int
) -> None:
    began = time.wall
    system.start(system.scheduled(schedule, misfire=misfire, overlap="allow"))
    time.pass_(downtime)
    oldest = max(began, time.wall - (MOST_AT_ONCE + 1) * distance)
    missed = seconds(brute_force(schedule, oldest, time.wall, anchor=began))[-MOST_AT_ONCE:]
    system.start(system.scheduled(schedule, misfire=misfire, overlap="allow"))
    now = (time.wall - MIDNIGHT) // SECOND
    expected = {"latest": missed[-1:], "all": missed, "skip": [slot for slot in missed[-1:] if now - slot <= 5]}[misfire]
    assert system.fire() == expected
    assert system.fire() == []
    upcoming = schedule.next_after(time.wall, anchor=began)
    assert system.schedule().next_run_at == upcoming
    assert upcoming is not None
    system.finish_all()
    assert system.live(upcoming - time.wall + 1) == seconds([upcoming])


@pytest.mark.parametrize("overlap", OVERLAPS)
def test_g42_latest_means_once_however_often_everything_restarts(system: System, time: TestClock, overlap: str) -> None:
    system.start(system.scheduled(HOURLY, overlap=overlap))
    time.pass_(30 * DAY + MINUTE)
    fired = []
    for _ in range(5):
        system.replace_supervisor()
        system.start(system.scheduled(HOURLY, overlap=overlap))
        fired += system.fire()
        system.finish_all()
        time.pass_(SECOND)
    assert fired == [30 * DAY // SECOND]


@pytest.mark.parametrize("grace, expected", [(None, True), (3600.0, True), (1799.0, False), (0.0, False)])
@pytest.mark.parametrize("misfire", ["latest", "all"])
def test_g42_a_slot_later_than_the_grace_makes_no_job(
    system: System, time: TestClock, misfire: str, grace: float | None, expected: bool
) -> None:
    options: dict[str, Any] = {"misfire": misfire, "grace": grace}
    system.start(system.scheduled(DAILY, **options))
    time.pass_(2 * HOUR + 30 * MINUTE - 10 * SECOND)
    assert system.fire() == ([7200] if expected else [])
    assert system.schedule().next_run_at == MIDNIGHT + DAY + 2 * HOUR
    assert system.live(DAY) == [DAY // SECOND + 7200]


def test_g42_with_all_the_grace_keeps_the_younger_slots(system: System, time: TestClock) -> None:
    system.start(system.scheduled(HOURLY, misfire="all", grace=2 * 3600.0, overlap="allow"))
    time.pass_(5 * HOUR + 30 * MINUTE)
    assert system.fire() == [4 * 3600, 5 * 3600]


def test_g42_nothing_is_made_up_for_when_a_schedule_is_new(system: System, time: TestClock) -> None:
    time.pass_(YEAR)
    system.start(system.scheduled(HOURLY, misfire="all"))
    assert system.fire() == []


# -- jobs that meet --------------------------------------------------------------------------------------------


def test_g44_skip_makes_no_job_while_the_last_one_waits_or_runs(system: System) -> None:
    system.start(system.scheduled(EVERY_MINUTE))
    assert system.live(3 * MINUTE, running=True) == [60]  # it waits
    works = system.claim()
    assert system.live(3 * MINUTE, running=True) == []  # it runs
    system.finish(*works)
    assert system.live(2 * MINUTE) == [7 * 60, 8 * 60]


def test_g44_allow_lets_all_of_them_run_together(system: System) -> None:
    system.start(system.scheduled(EVERY_MINUTE, overlap="allow"))
    assert system.live(5 * MINUTE, running=True) == [60, 120, 180, 240, 300]
    assert len(system.claim()) == 5


def test_g44_queue_runs_every_slot_one_after_the_other(system: System) -> None:
    system.start(system.scheduled(EVERY_MINUTE, overlap="queue"))
    assert len(system.live(5 * MINUTE, running=True)) == 5
    order = []
    while works := system.claim():
        assert len(works) == 1
        assert system.claim() == []
        order.append(works[0].uuid)
        system.finish(*works)
    assert order == [job.uuid for job in system.jobs()]


@pytest.mark.parametrize("overlap", ["skip", "queue"])
def test_g44_slots_that_are_made_up_for_do_not_overlap_either(system: System, time: TestClock, overlap: str) -> None:
    system.start(system.scheduled(HOURLY, misfire="all", overlap=overlap))
    time.pass_(3 * HOUR)
    assert system.fire() == [3600, 7200, 10800]
    assert system.finish_all() == 1
    assert {job.status for job in system.jobs()} == {Status.DONE}


@pytest.mark.parametrize("overlap", ["skip", "queue"])
@pytest.mark.parametrize("end", ["cancelled", "cancelled while it runs", "failed", "lost", "recovered"])
def test_g44_a_dead_run_never_blocks_its_schedule(system: System, time: TestClock, overlap: str, end: str) -> None:
    at_most_once = Policy(at_most_once=True).to_json()
    system.start(system.scheduled(EVERY_MINUTE, overlap=overlap, policy=at_most_once))
    assert system.live(MINUTE) == [60]
    assert system.claim() == []
    system.live(2 * MINUTE, running=True)
    dead = next(job for job in system.jobs() if job.status is Status.WAITING)
    expiry = time.wall + HOUR
    if end == "cancelled":
        system.store.cancel(dead.uuid, expiry, time.wall)
    else:
        (work,) = system.claim()
        match end:
            case "cancelled while it runs":
                system.store.cancel(dead.uuid, expiry, time.wall)
                system.store.cancelled(work.claim, 7, expiry, time.wall)
            case "failed" | "lost":
                system.store.fail(work.claim, "E", "", 7, expiry, time.wall, lost=end == "lost")
            case "recovered":
                system.replace_supervisor()
    found = system.store.job(dead.uuid)
    assert found is not None
    assert found.status in (Status.ERROR, Status.CANCELLED)
    system.fire()
    system.finish_all()  # whoever was behind it
    assert not system.store.has_unfinished("app.tidy")
    assert len(system.live(3 * MINUTE)) == 3


def test_g44_a_recovered_job_runs_before_the_one_behind_it(system: System) -> None:
    system.start(system.scheduled(EVERY_MINUTE, overlap="queue"))
    system.live(2 * MINUTE, running=True)
    (work,) = system.claim()
    first = work.uuid
    for _ in range(3):  # supervisors that are killed again and again
        system.replace_supervisor()
        system.fire()
        (work,) = system.claim()
        assert work.uuid == first
    system.finish(work)
    (second,) = system.claim()
    assert [first, second.uuid] == [job.uuid for job in system.jobs()]


def test_g44_a_retry_keeps_the_next_slots_away(system: System, time: TestClock) -> None:
    system.start(system.scheduled(EVERY_MINUTE))
    system.live(MINUTE, running=True)
    (work,) = system.claim()
    system.store.retry_later(work.claim, "E", "", 7, time.wall + 90 * SECOND, time.wall)
    assert system.live(80 * SECOND, running=True) == []
    system.live(20 * SECOND, running=True)
    (again,) = system.claim()
    system.store.fail(again.claim, "E", "", 7, time.wall + HOUR, time.wall)
    assert [job.status for job in system.jobs()] == [ERROR]
    assert system.live(2 * MINUTE) == [180, 240]


def test_g44_schedules_do_not_wait_for_each_other(system: System) -> None:
    system.start(system.scheduled(EVERY_MINUTE, "app.a"), system.scheduled(EVERY_MINUTE, "app.b"))
    system.live(MINUTE, running=True)
    slow, quick = system.claim()
    assert slow.schedule == "app.a"
    system.finish(quick)
    system.live(MINUTE, running=True)
    assert [work.schedule for work in system.claim()] == ["app.b"]


# -- every slot's one job --------------------------------------------------------------------------------------


def test_a_running_schedule_fires_every_slot_once_and_at_its_moment(system: System, time: TestClock) -> None:
    system.start(system.scheduled(EVERY_SECOND, "app.a"), system.scheduled(EVERY_MINUTE, "app.b"))
    system.live(3 * MINUTE)
    expected = [*seconds(brute_force(EVERY_SECOND, MIDNIGHT + 10 * SECOND, time.wall - 1, 0)), 60, 120, 180]
    assert sorted(system.slots()) == sorted(expected)
    assert [job.created_at - job.run_at for job in system.jobs()] == [0] * len(expected)


def test_an_interval_does_not_drift_although_it_fires_late(system: System, time: TestClock) -> None:
    began = time.wall
    system.start(system.scheduled(EACH_90_SECONDS))
    late = 0
    for round_ in range(1, 200):
        upcoming = system.schedule().next_run_at
        assert upcoming == began + round_ * 90 * SECOND
        time.pass_(upcoming - time.wall + late)
        assert system.fire() == seconds([upcoming])
        system.finish_all()
        late = (late + 617_003) % (4 * SECOND)


@pytest.mark.parametrize("overlap", OVERLAPS)
def test_jitter_starts_each_job_within_its_bounds_and_keeps_the_slots(system: System, time: TestClock, overlap: str) -> None:
    system.start(system.scheduled(EVERY_MINUTE, jitter=20.0, overlap=overlap))
    system.live(60 * MINUTE)
    assert system.slots() == [60 * n for n in range(1, 61)]
    delays = [job.run_at / SECOND - MIDNIGHT / SECOND - slot for job, slot in zip(system.jobs(), system.slots(), strict=True)]
    assert all(0 <= delay <= 20 for delay in delays)
    assert max(delays) - min(delays) > 5
    assert all((job.started_at or job.run_at) >= job.run_at for job in system.jobs())


def test_jitter_makes_a_slot_that_was_missed_no_later(system: System, time: TestClock) -> None:
    system.start(system.scheduled(DAILY, jitter=30.0))
    time.pass_(8 * HOUR)
    assert system.fire() == [7200]
    assert len(system.claim()) == 1


def test_a_date_fires_once_whatever_restarts(system: System, time: TestClock) -> None:
    once = schedules.date("2026-12-14T00:05", timezone="UTC")
    time.wall = once.moment - 3 * MINUTE
    system.start(system.scheduled(once))
    system.live(4 * MINUTE)
    for _ in range(3):
        time.pass_(DAY)
        system.store.expire(time.wall, 100)
        system.replace_supervisor()
        system.start(system.scheduled(once))
        assert system.fire() == []
    assert system.schedule().last_run_at == once.moment


def test_a_date_that_passed_while_nothing_ran_is_made_up_for_once(system: System, time: TestClock) -> None:
    once = schedules.date("2026-12-14T00:05", timezone="UTC")
    time.wall = once.moment - 3 * MINUTE
    system.start(system.scheduled(once))
    time.pass_(30 * DAY)
    system.start(system.scheduled(once))
    assert len(system.fire()) == 1
    assert system.live(DAY) == []
