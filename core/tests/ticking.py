"""A clock that a test moves, and a store with a clockwork that lives by it: the running system without its processes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from autocron import clock, schedules
from autocron.clock import MICROSECONDS as SECOND
from autocron.model import Job, Launch, ScheduledTask, Work
from autocron.store import SqliteStore
from autocron.supervisor.clockwork import Clockwork

MINUTE, HOUR, DAY, YEAR = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND, 365 * 86_400 * SECOND
MIDNIGHT = 20_800 * DAY  # some midnight, UTC

EVERY_SECOND = schedules.cron("* * * * * *", dialect="unix", timezone="UTC")
EVERY_MINUTE = schedules.cron("* * * * *", dialect="unix", timezone="UTC")
HOURLY = schedules.cron("0 * * * *", dialect="unix", timezone="UTC")
DAILY = schedules.cron("0 2 * * *", dialect="unix", timezone="UTC")
EACH_90_SECONDS = schedules.interval(seconds=90, timezone="UTC")


class TestClock:
    """The wall's clock in microseconds, and the one that never steps in seconds."""

    __test__ = False

    def __init__(self, monkeypatch: pytest.MonkeyPatch, wall: int) -> None:
        self.wall = wall
        self.steady = 1000.0
        monkeypatch.setattr(clock, "now", lambda: self.wall)
        monkeypatch.setattr(clock, "monotonic", lambda: self.steady)

    def pass_(self, microseconds: int) -> None:
        self.wall += microseconds
        self.steady += microseconds / SECOND

    def step(self, microseconds: int) -> None:
        """Somebody sets the clock; forwards, it is the same as a suspended machine that wakes up."""
        self.wall += microseconds


class System:
    """One database, the applications on it, and the part of the supervisor that fires."""

    def __init__(self, path: Path, time: TestClock) -> None:
        self.time = time
        self.path = path
        self.store = SqliteStore(path, create=True)
        self.attached: list[int] = []
        self.clockwork = Clockwork(self.store)
        self.owner = "host:1:0"
        self._owners = itertools.count(2)

    def scheduled(self, schedule: schedules.Schedule, name: str = "app.tidy", **options: Any) -> ScheduledTask:
        """As a decorator in a process that starts now declares it."""
        now = self.time.wall
        return ScheduledTask(
            name=name,
            task=name,
            spec=schedule.to_json(),
            words=schedule.words(),
            application=0,
            arguments="[[],{}]",
            anchor=now,
            next_run_at=schedule.next_after(now - 1, anchor=now),
            **options,
        )

    def start(self, *given: ScheduledTask, folder: str = "/srv/app") -> int:
        """A process of the application in this folder attaches, and the supervisor hears of it."""
        launch = Launch("/usr/bin/python3", folder, ())
        tasks = {each.task: each.task.rpartition(".")[0] for each in given}
        application = self.store.register(launch, tasks, given, self.time.wall)
        self.store.attach(application, self.time.wall)
        self.attached = [application, *(other for other in self.attached if other != application)]
        self.clockwork.reload()
        return application

    def stop(self, application: int) -> None:
        self.attached = [other for other in self.attached if other != application]

    def replace_supervisor(self) -> None:
        """It was killed, and its successor takes over."""
        self.owner = f"host:{next(self._owners)}:0"
        self.store.recover(self.owner, self.time.wall + HOUR, self.time.wall)
        self.clockwork = Clockwork(self.store)
        self.clockwork.reload()

    def fire(self) -> list[int]:
        """The slots that became jobs now, in seconds from the midnight that tests begin at; the oldest first."""
        before = {job.uuid for job in self.store.jobs()}
        self.clockwork.fire(self.attached)
        self.store.promote(self.time.wall)
        upcoming = self.clockwork.next_moment(self.attached)
        assert upcoming is None or upcoming > self.time.wall, "a moment that has passed: the supervisor would spin"
        return [slot for uuid, slot in self.slots_of_jobs() if uuid not in before]

    def live(self, microseconds: int, *, running: bool = False) -> list[int]:
        """Sleep from moment to moment for so long; ``running`` leaves the jobs unfinished. The slots that fired."""
        fired = []
        end = self.time.wall + microseconds
        while True:
            fired += self.fire()
            if not running:
                self.finish_all()
            moments = [self.clockwork.next_moment(self.attached), self.store.next_run_at(), end]
            upcoming = min(moment for moment in moments if moment is not None)
            self.time.pass_(upcoming - self.time.wall)
            if self.time.wall >= end:
                return fired

    def claim(self, limit: int = 100) -> list[Work]:
        return [
            work for application in self.attached for work in self.store.claim(application, limit, self.owner, self.time.wall)
        ]

    def finish(self, *works: Work) -> None:
        for work in works:
            self.store.finish(work.claim, "null", 7, self.time.wall + 1800 * SECOND, self.time.wall)
        self.store.promote(self.time.wall)

    def finish_all(self) -> int:
        """Run all that is ready, one generation after the other; how many at once at most."""
        at_once = 0
        while works := self.claim():
            at_once = max(at_once, len(works))
            self.finish(*works)
        return at_once

    def slots_of_jobs(self) -> list[tuple[str, int]]:
        found = self.store.database.read("select slot from jobs order by id")
        jobs = self.store.jobs()[::-1]
        return [(job.uuid, round((row["slot"] - MIDNIGHT) / SECOND)) for job, row in zip(jobs, found, strict=True)]

    def slots(self) -> list[int]:
        return [slot for _, slot in self.slots_of_jobs()]

    def jobs(self) -> list[Job]:
        return self.store.jobs()[::-1]

    def schedule(self, name: str = "app.tidy", application: int | None = None) -> ScheduledTask:
        (found,) = (s for s in self.store.schedules() if s.name == name and application in (None, s.application))
        return found


def seconds(moments: Sequence[int]) -> list[int]:
    """Moments as the slots are told: seconds from the midnight that tests begin at."""
    return [(moment - MIDNIGHT) // SECOND for moment in moments]


def brute_force(schedule: schedules.Schedule, start: int, end: int, anchor: int) -> list[int]:
    """Every slot in start … end, both included, walked one by one."""
    found = []
    slot = schedule.next_after(start - 1, anchor=anchor)
    while slot is not None and slot <= end:
        found.append(slot)
        slot = schedule.next_after(slot, anchor=anchor)
    return found
