"""Turning due schedules into jobs: which slots fire, and the clockwork that fires them."""

import contextlib
import functools
import logging
import random
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from autocron import clock
from autocron.clock import MICROSECONDS
from autocron.errors import ScheduleError
from autocron.model import LONGEST, Policy, ScheduledTask

if TYPE_CHECKING:
    from autocron.schedules import Schedule
    from autocron.store.protocol import Store

logger: Final = logging.getLogger("autocron.supervisor")

ON_TIME = 5 * MICROSECONDS
"""A slot fired this late is still on time: no misfire."""

MOST_AT_ONCE = 1000
"""With misfire="all": no more slots than this are made up for, the newest ones."""

_WINDOWS = [60, 3_600, 86_400, 31 * 86_400, 366 * 86_400, 9 * 366 * 86_400]


class Missed(NamedTuple):
    """A schedule that made no job although it was due. ``reason``: misfire, overlap or broken."""

    schedule: ScheduledTask
    slot: int
    reason: str


class Clockwork:
    """The schedules that a supervisor fires: those of the attached applications."""

    def __init__(self, store: "Store") -> None:
        self.schedules: list[ScheduledTask] = []
        self.missed: list[Missed] = []
        """Whoever tells the application takes them out."""
        self._store = store
        self._active: list[ScheduledTask] | None = None
        self._attached: Sequence[int] = ()
        self._announced: dict[str, str] = {}
        self._clock_offset = float("inf")

    def reload(self) -> None:
        """Read the schedules again. One that can't be read rests, and harms no other."""
        self.schedules = self._store.schedules()
        self._active = None
        for schedule in [schedule for schedule in self.schedules if not schedule.broken]:
            if problem := _problem(schedule):
                self.mind_missing(schedule.application, {schedule.task: f"its schedule can't be read: {problem}"})

    def fire(self, attached: Sequence[int]) -> bool:
        """Every slot that has come becomes a job, once. Whether one did."""
        now = clock.now()
        fired = self._clock_stepped_back(now) and self._rewind(now)
        for schedule in self.active(attached):
            if schedule.next_run_at is not None and schedule.next_run_at <= now:
                fired = True
                slots, upcoming = due_slots(schedule, now)
                if not slots:
                    slot = _latest_slot(parsed(schedule.spec), schedule, now)
                    logger.warning(
                        "%s: its slot of %s has passed and makes no job", schedule.name, local_time(slot, schedule.spec)
                    )
                    self.missed.append(Missed(schedule, slot, "misfire"))
                slots = self._not_run_yet(schedule, slots, now)
                if slots and schedule.overlap == "skip" and self._store.has_unfinished(schedule.name):
                    logger.info("%s: its last job hasn't ended, so this slot makes none", schedule.name)
                    self.missed.append(Missed(schedule, slots[-1][0], "overlap"))
                    slots = []
                self._store.fire(schedule, slots, upcoming, now)
        if fired:
            self.reload()
        return fired

    def active(self, attached: Sequence[int]) -> list[ScheduledTask]:
        """The schedules of the attached applications; where several know one name, that of the first in the list."""
        if self._active is None or attached != self._attached:
            found: dict[str, ScheduledTask] = {}
            for application in attached:
                for schedule in self.schedules:
                    if schedule.application == application and not schedule.broken:
                        found.setdefault(schedule.name, schedule)
            self._active, self._attached = list(found.values()), list(attached)
            self._announce()
        return self._active

    def next_moment(self, attached: Sequence[int]) -> int | None:
        """When the next schedule is due."""
        return min((s.next_run_at for s in self.active(attached) if s.next_run_at is not None), default=None)

    def _announce(self) -> None:
        """Say in words what is new: whoever reads the log sees at once if a schedule isn't what was meant."""
        for schedule in self._active or ():
            if self._announced.get(schedule.name) != schedule.spec:
                self._announced[schedule.name] = schedule.spec
                at = None if schedule.next_run_at is None else local_time(schedule.next_run_at, schedule.spec)
                logger.info("%s: %s; %s", schedule.name, schedule.words, f"next run {at}" if at else "never again")

    def tasks_of(self, application: int) -> tuple[str, ...]:
        """The tasks that an application has scheduled."""
        return tuple(sorted({s.task for s in self.schedules if s.application == application}))

    def mind_missing(self, application: int, missing: Mapping[str, str]) -> None:
        """A worker with the newest code doesn't have these scheduled functions: they don't fire any more."""
        known = {s.task: s.broken for s in self.schedules if s.application == application}
        missing = {task: reason for task, reason in missing.items() if task in known and (not reason or reason != known[task])}
        if not missing:  # another worker has said so before
            return
        if removed := [task for task, reason in missing.items() if not reason]:
            logger.info("no longer in the code, so no longer scheduled: %s", ", ".join(removed))
            self._store.drop_schedules(application, removed)
        if broken := {task: reason for task, reason in missing.items() if reason}:
            logger.error("scheduled, but can't run, so they don't fire: %s", broken)
            self._store.mark_broken(application, broken)
            self.missed += [
                Missed(s, s.next_run_at, "broken")
                for s in self.schedules
                if s.application == application and s.task in broken and s.next_run_at is not None
            ]
        self.reload()

    def _not_run_yet(self, schedule: ScheduledTask, slots: list[tuple[int, int]], now: int) -> list[tuple[int, int]]:
        """Without the slots that another release with a schedule of this name has fired already."""
        ran = [s.last_run_at for s in self.schedules if s.name == schedule.name and s.last_run_at is not None]
        newest = max((moment for moment in ran if moment <= now), default=0)
        return [(slot, run_at) for slot, run_at in slots if slot > newest]

    def _rewind(self, now: int) -> bool:
        """What was written down while the clock was ahead would wait for years: also for those that rest now."""
        self._store.rewind(now)
        self.reload()
        for schedule in self.schedules:
            with contextlib.suppress(ScheduleError):
                if waits_too_long(schedule, now):
                    self._store.fire(schedule, [], next_slot(schedule, now), now)
        self.reload()
        return True

    def _clock_stepped_back(self, now: int) -> bool:
        """Whether the wall clock has gone back since the last look (or may have: at the first look)."""
        offset = now / MICROSECONDS - clock.monotonic()
        before, self._clock_offset = self._clock_offset, offset
        return offset < before - 1.0


@functools.lru_cache(maxsize=1024)
def parsed(spec: str) -> "Schedule":
    """The schedule of a stored text."""
    from autocron import schedules  # a supervisor without schedules never needs it

    return schedules.from_json(spec)


def _problem(schedule: ScheduledTask) -> str:
    """Why a stored schedule can't fire: its row is damaged, or from a newer version. "" if it can."""
    try:
        parsed(schedule.spec)
        Policy.from_json(schedule.policy)
    except ValueError as error:  # a ScheduleError is one
        return str(error)
    for name, seconds in (("grace", schedule.grace), ("jitter", schedule.jitter)):
        if seconds is not None and not 0 <= seconds <= LONGEST:
            return f"{name}={seconds!r}"
    for name, moment in (("anchor", schedule.anchor), ("next_run_at", schedule.next_run_at)):
        if moment is not None and abs(moment) > 2 * LONGEST * MICROSECONDS:
            return f"{name}={moment!r}"
    return ""


def due_slots(task: ScheduledTask, now: int) -> tuple[list[tuple[int, int]], int | None]:
    """The slots to fire, (slot, run_at) each, and the moment of the next one.

    ``task.next_run_at`` has come. Everything between it and now is judged by the misfire policy and the grace; the
    costs don't grow with the time that has passed.
    """
    assert task.next_run_at is not None
    schedule = parsed(task.spec)
    if task.misfire == "all":
        slots = _slots_between(schedule, task, now)
    else:
        latest = _latest_slot(schedule, task, now)
        slots = [latest] if task.misfire == "latest" or now - latest <= ON_TIME else []
    if task.grace is not None:
        longest = max(round(task.grace * MICROSECONDS), ON_TIME)
        slots = [slot for slot in slots if now - slot <= longest]
    jitter = round(task.jitter * MICROSECONDS)
    return [(slot, slot + random.randint(0, jitter)) for slot in slots], schedule.next_after(now, anchor=task.anchor)


def local_time(moment: int, spec: str) -> str:
    """A moment as the clocks of the schedule's zone show it."""
    from zoneinfo import ZoneInfo

    return clock.to_datetime(moment).astimezone(ZoneInfo(parsed(spec).timezone)).isoformat(" ", "seconds")


def next_slot(task: ScheduledTask, now: int) -> int | None:
    """The first slot after now."""
    return parsed(task.spec).next_after(now, anchor=task.anchor)


def waits_too_long(task: ScheduledTask, now: int) -> bool:
    """Whether the clock was ahead when the next slot was written down: by now's clock it comes sooner.

    None means that there is none any more, unless there is one by now's clock that hasn't been fired.
    """
    upcoming = next_slot(task, now)
    if upcoming is None:
        return False
    return upcoming != task.last_run_at if task.next_run_at is None else upcoming < task.next_run_at


def _latest_slot(schedule: "Schedule", task: ScheduledTask, now: int) -> int:
    """The last slot that isn't later than now; looked for in windows that grow, so never walked up to from afar."""
    assert task.next_run_at is not None
    for seconds in _WINDOWS:
        start = max(now - seconds * MICROSECONDS, task.next_run_at)
        slot = schedule.next_after(start - 1, anchor=task.anchor)
        if slot is not None and slot <= now:
            return _last_from(schedule, task, slot, now)
        if start == task.next_run_at:
            break
    return task.next_run_at


def _last_from(schedule: "Schedule", task: ScheduledTask, slot: int, now: int) -> int:
    while (following := schedule.next_after(slot, anchor=task.anchor)) is not None and following <= now:
        slot = following
    return slot


def _slots_between(schedule: "Schedule", task: ScheduledTask, now: int) -> list[int]:
    """The newest slots that have passed, in windows that grow until there are enough of them."""
    assert task.next_run_at is not None
    slots: list[int] = []
    for seconds in [*_WINDOWS, 1 << 40]:
        start = max(now - seconds * MICROSECONDS, task.next_run_at)
        slots = []
        slot = schedule.next_after(start - 1, anchor=task.anchor)
        while slot is not None and slot <= now:
            slots.append(slot)
            slot = schedule.next_after(slot, anchor=task.anchor)
        if start == task.next_run_at or len(slots) > MOST_AT_ONCE:
            break
    return slots[-MOST_AT_ONCE:]
