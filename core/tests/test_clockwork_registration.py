"""Schedules that are registered again, changed, dropped or broken, and applications that share them."""

from __future__ import annotations

import logging

import pytest
from ticking import (
    DAILY,
    DAY,
    EACH_90_SECONDS,
    EVERY_MINUTE,
    HOUR,
    HOURLY,
    MIDNIGHT,
    MINUTE,
    SECOND,
    System,
    TestClock,
    seconds,
)

from autocron import schedules


@pytest.mark.parametrize("schedule", [EACH_90_SECONDS, EVERY_MINUTE, DAILY], ids=["interval", "minute", "daily"])
def test_g43_an_unchanged_schedule_keeps_its_anchor_and_its_next_slot(
    system: System, time: TestClock, schedule: schedules.Schedule
) -> None:
    system.start(system.scheduled(schedule))
    first = system.schedule()
    for _ in range(10):
        time.pass_(7 * SECOND)
        system.start(system.scheduled(schedule))  # another web process, a restart
        system.replace_supervisor()
        system.fire()
        system.finish_all()
    again = system.schedule()
    assert again.anchor == first.anchor == MIDNIGHT + 10 * SECOND
    assert again.next_run_at == schedule.next_after(time.wall, anchor=first.anchor)


def test_g43_changed_options_apply_and_keep_the_next_slot(system: System, time: TestClock) -> None:
    system.start(system.scheduled(EACH_90_SECONDS))
    time.pass_(60 * SECOND)
    system.start(system.scheduled(EACH_90_SECONDS, overlap="allow", priority=5, queue="slow", misfire="skip"))
    assert system.live(31 * SECOND) == [100]
    assert [(job.queue, job.priority) for job in system.jobs()] == [("slow", 5)]


def test_g43_a_changed_schedule_starts_anew(system: System, time: TestClock) -> None:
    system.start(system.scheduled(HOURLY))
    time.pass_(HOUR + 5 * MINUTE)  # the old one's slot has passed, and isn't made up for
    system.start(system.scheduled(EACH_90_SECONDS))
    now = (time.wall - MIDNIGHT) // SECOND
    assert system.live(3 * MINUTE + 1) == [now + 90, now + 180]
    assert system.schedule().anchor == MIDNIGHT + now * SECOND


def test_g43_a_schedule_that_is_changed_back_starts_anew_too(system: System, time: TestClock) -> None:
    system.start(system.scheduled(HOURLY))
    time.pass_(30 * MINUTE)
    system.start(system.scheduled(DAILY))
    time.pass_(30 * DAY)
    system.start(system.scheduled(HOURLY))
    assert system.fire() == []
    upcoming = system.schedule().next_run_at
    assert upcoming is not None
    assert upcoming > time.wall


def test_g43_a_state_that_was_read_before_the_change_fires_nothing(system: System, time: TestClock) -> None:
    application = system.start(system.scheduled(EVERY_MINUTE))
    time.pass_(55 * SECOND)
    system.store.register(system.store.applications()[0].launch, {}, [system.scheduled(HOURLY)], time.wall)
    system.clockwork.fire([application])  # it hasn't heard of it yet
    assert system.slots() == []
    assert system.fire() == []
    assert system.schedule().next_run_at == MIDNIGHT + HOUR


# -- several applications --------------------------------------------------------------------------------------


def test_g43_where_two_applications_know_a_name_the_one_that_attached_last_fires(system: System) -> None:
    old = system.start(system.scheduled(EVERY_MINUTE), folder="/srv/release-1")
    new = system.start(system.scheduled(EVERY_MINUTE), folder="/srv/release-2")
    assert system.live(3 * MINUTE) == [60, 120, 180]
    applications = [row["application"] for row in system.store.database.read("select application from jobs")]
    assert applications == [new] * 3
    system.start(system.scheduled(EVERY_MINUTE), folder="/srv/release-1")
    assert system.live(2 * MINUTE) == [240, 300]
    applications = [row["application"] for row in system.store.database.read("select application from jobs")]
    assert applications == [new] * 3 + [old] * 2


@pytest.mark.parametrize(
    "schedule, expected",
    [(EVERY_MINUTE, [60 * n for n in range(1, 9)]), (EACH_90_SECONDS, [10 + 90 * n for n in range(1, 6)])],
    ids=["minute", "interval"],
)
def test_g43_when_the_firing_application_detaches_the_other_goes_on_without_doubling(
    system: System, time: TestClock, schedule: schedules.Schedule, expected: list[int]
) -> None:
    system.start(system.scheduled(schedule), folder="/srv/release-1")
    time.pass_(13 * SECOND)
    new = system.start(system.scheduled(schedule), folder="/srv/release-2")
    fired = system.live(4 * MINUTE)
    system.store.expire(time.wall + DAY, 100)  # the jobs that would tell which slots have run
    system.stop(new)
    fired += system.live(4 * MINUTE)
    assert fired == expected


def test_g43_when_the_new_release_had_another_schedule_the_old_one_makes_up_for_nothing_that_ran(
    system: System, time: TestClock
) -> None:
    system.start(system.scheduled(DAILY), folder="/srv/release-1")
    also = schedules.cron("0 2,14 * * *", dialect="unix", timezone="UTC")
    new = system.start(system.scheduled(also), folder="/srv/release-2")
    assert system.live(3 * HOUR) == [7200]
    time.pass_(HOUR)
    system.store.expire(time.wall, 100)
    system.stop(new)
    assert system.live(DAY) == [7200 + DAY // SECOND]


def test_g43_dropping_and_breaking_leave_the_other_applications_alone(system: System) -> None:
    mine = system.start(system.scheduled(EVERY_MINUTE, "app.a"), system.scheduled(EVERY_MINUTE, "app.b"))
    system.start(system.scheduled(EVERY_MINUTE, "other.a"), system.scheduled(HOURLY, "app.a"), folder="/srv/other")
    system.clockwork.mind_missing(mine, {"app.a": "", "app.b": "SyntaxError: invalid syntax"})
    left = {(schedule.name, bool(schedule.broken)) for schedule in system.store.schedules()}
    assert left == {("app.a", False), ("app.b", True), ("other.a", False)}
    system.live(5 * MINUTE)
    assert {job.schedule for job in system.jobs()} == {"other.a"}
    system.live(HOUR)
    assert {job.schedule for job in system.jobs()} == {"other.a", "app.a"}


def test_g43_a_dropped_schedule_leaves_no_job_that_waits_for_code_that_never_comes(system: System, time: TestClock) -> None:
    mine = system.start(system.scheduled(DAILY), system.scheduled(EVERY_MINUTE, "app.kept"))
    time.pass_(DAY)
    system.start(system.scheduled(EVERY_MINUTE, "app.kept"))  # the new code; its first worker isn't up yet
    system.fire()
    system.clockwork.mind_missing(mine, {"app.tidy": ""})
    waiting = [job.schedule for job in system.jobs() if not job.status.is_final]
    assert waiting == ["app.kept"]


# -- broken ones -----------------------------------------------------------------------------------------------


def test_g43_a_broken_schedule_rests_and_comes_back_when_it_is_registered_again(system: System, time: TestClock) -> None:
    mine = system.start(system.scheduled(EVERY_MINUTE), system.scheduled(EVERY_MINUTE, "app.fine"))
    system.live(2 * MINUTE)
    system.clockwork.mind_missing(mine, {"app.tidy": "SyntaxError: invalid syntax"})
    assert system.schedule().broken == "SyntaxError: invalid syntax"
    assert system.live(2 * MINUTE) == [180, 240]  # the other's
    system.replace_supervisor()
    assert system.live(MINUTE) == [300]
    system.start(system.scheduled(EVERY_MINUTE), system.scheduled(EVERY_MINUTE, "app.fine"))
    assert system.schedule().broken == ""
    assert system.fire() == [300]  # its latest slot, made up for
    system.finish_all()
    assert system.live(MINUTE) == [360, 360]


def test_a_broken_schedule_is_logged_once_however_many_workers_say_it(system: System, caplog: pytest.LogCaptureFixture) -> None:
    mine = system.start(system.scheduled(EVERY_MINUTE), system.scheduled(EVERY_MINUTE, "app.other"))
    caplog.set_level(logging.INFO)
    for _ in range(3):
        system.clockwork.mind_missing(mine, {"app.tidy": "SyntaxError: invalid syntax"})
        system.fire()
    assert caplog.text.count("SyntaxError") == 1
    system.clockwork.mind_missing(mine, {"app.tidy": "", "app.other": "SyntaxError: another"})
    system.clockwork.mind_missing(mine, {"app.tidy": "", "app.other": "SyntaxError: another"})
    assert caplog.text.count("no longer in the code") == 1
    assert caplog.text.count("another") == 1


@pytest.mark.parametrize(
    "spec", ["", "{}", '{"kind": "of a newer version"}', EVERY_MINUTE.to_json().replace("UTC", "US/Atlantis")]
)
def test_a_stored_schedule_that_cannot_be_read_is_broken_and_harms_no_other(system: System, time: TestClock, spec: str) -> None:
    fine = system.scheduled(EVERY_MINUTE, "app.fine")
    system.start(fine, system.scheduled(EVERY_MINUTE, "app.odd")._replace(spec=spec))
    assert system.live(3 * MINUTE) == [60, 120, 180]
    system.replace_supervisor()
    assert system.live(MINUTE) == [240]
    assert {job.schedule for job in system.jobs()} == {"app.fine"}
    assert system.schedule("app.odd").broken


def test_schedules_in_words_are_told_once(system: System, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    system.start(system.scheduled(DAILY))
    system.live(10 * MINUTE)
    system.start(system.scheduled(DAILY))
    system.live(HOUR)
    told = [record.getMessage() for record in caplog.records if DAILY.words() in record.getMessage()]
    assert len(told) == 1
    assert told[0].startswith("app.tidy: ")
    assert "02:00" in told[0]
    system.start(system.scheduled(HOURLY))
    system.fire()
    assert HOURLY.words() in caplog.text


def test_a_function_that_cannot_be_imported_has_missed_its_next_slot(system: System) -> None:
    application = system.start(system.scheduled(HOURLY))
    for _ in range(2):  # each worker says so
        system.clockwork.mind_missing(application, {"app.tidy": "SyntaxError: invalid syntax"})
    ((schedule, slot, reason),) = system.clockwork.missed
    assert (schedule.name, seconds([slot]), reason) == ("app.tidy", [3600], "broken")
