"""The supervisor: the one process per database and host that claims jobs, feeds workers and keeps them alive.

It never imports the application, sleeps in one ``select`` until something happens or is due, and ends a few seconds
after the last attached process has gone.
"""

from __future__ import annotations

import contextlib
import logging
import os
import random
import selectors
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from autocron import clock, locations
from autocron.clock import MICROSECONDS
from autocron.crew import Crew, Ending, Worker
from autocron.errors import StoreError
from autocron.firing import due_slots, next_slot, waits_too_long
from autocron.housekeeping import Housekeeper
from autocron.model import Application, Claim, ScheduledTask, Settings
from autocron.processes.locks import LockFile
from autocron.processes.spawn import kill_group, reset_signals
from autocron.processes.wakeup import WakeUpReader
from autocron.processes.watch import ProcessWatch
from autocron.settling import settle
from autocron.store import SqliteStore

logger = logging.getLogger("autocron.supervisor")

LINGER = 4.5
"""Seconds to wait for another process to attach after the last one has gone: a reload, a restart."""

LONGEST_SLEEP = 30.0
"""Seconds: an upper bound of one sleep, so that a step of the clock is noticed."""

BLIND_SLEEP = 1.0
"""Seconds between two looks at the attached processes where the kernel can't tell of their end."""

TAKE_OVER = 3.0
"""Seconds that the workers of a dead predecessor get to be gone."""

FAREWELL = 1.0
"""Seconds that a worker without a job gets to end by itself at shutdown."""


class Supervisor:
    """``keep_alive``: it lives without any attached process, in the foreground, until it is told to end."""

    def __init__(self, database: Path, *, keep_alive: bool = False) -> None:
        self.database = database
        self.keep_alive = keep_alive
        self.locks = LockFile.open(locations.lock_path(database))
        self.store = SqliteStore(database)
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{random.getrandbits(32):08x}"
        self.settings = Settings()
        self.crews: dict[int, Crew] = {}
        self.attached: set[int] = set()
        self.schedules: list[ScheduledTask] = []
        self.endings: list[Ending] = []
        self.stop_signals = 0
        self.alone_since: float | None = None
        self._applications: dict[int, Application] = {}
        self._revision = -1
        self._rang = True
        self._next_run_at: int | None = None
        self._clock_offset = float("inf")
        self._blocked_until = 0.0
        self._complained_at = float("-inf")
        self._housekeeper = Housekeeper(self.store, SqliteStore(database))
        self._selector = selectors.DefaultSelector()
        self._watch = ProcessWatch()
        self._readable: list[object] = []

    # -- the main loop -------------------------------------------------------------------------------------

    def run(self) -> bool:
        """Work until nobody needs it any more. False when another supervisor has the lock."""
        if not self.locks.become_supervisor():
            return False
        self.set_up()
        while not self.is_over():
            self.reap_workers()
            self.collect_outcomes()
            with self.backing_off():
                self.notice_changes()
                self.fire_due_schedules()
                self.exchange_jobs()
                self._housekeeper.work(clock.now())
            self.end_overdue_attempts()
            self.keep_crews()
            self.sleep(self.seconds_to_next_moment())
        self.shut_down()
        return True

    def set_up(self) -> None:
        reset_signals()
        reader, writer = socket.socketpair()
        for end in (reader, writer):
            end.setblocking(False)
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._note_stop_signal)
        for number in (signal.SIGCHLD, signal.SIGHUP):
            signal.signal(number, lambda *_: None)
        self._signals, self._signal_writer = reader, writer
        self._selector.register(reader, selectors.EVENT_READ, reader)
        self._wakeup = WakeUpReader(locations.wakeup_path(self.database))
        self._selector.register(self._wakeup, selectors.EVENT_READ, self._wakeup)
        logger.info("supervisor %d works %s", os.getpid(), self.database)
        self.end_leftover_workers()

    def end_leftover_workers(self) -> None:
        """No job is given out again while a dead predecessor's worker may still run it. The kernel knows them."""
        deadline = clock.monotonic() + TAKE_OVER
        while (pids := self.locks.worker_pids()) and clock.monotonic() < deadline:
            for pid in filter(None, pids):
                kill_group(pid)
            time.sleep(0.005)

    def reap_workers(self) -> None:
        """The dead first: their jobs are free again, and what those had started ends with them."""
        while (pid := _dead_child()) is not None:
            kill_group(pid)  # still a zombie, so neither its number nor its group's can be another's yet
            _, status = os.waitpid(pid, 0)
            for crew in self.crews.values():
                if (worker := crew.workers.get(pid)) is not None:
                    self._unregister(worker)
                    self.endings.extend(crew.bury(worker, status))
                    break

    def collect_outcomes(self) -> None:
        """What the workers have to say."""
        for crew in self.crews.values():
            for worker in crew.workers.values():
                if worker in self._readable:
                    self.endings.extend(crew.collect(worker))
                    if worker.channel.at_end:
                        self._unregister(worker)

    def notice_changes(self) -> None:
        """Somebody rang: a call, a new process, a changed setting, a job to be cancelled."""
        if self._revision < 0:
            recovered = self.store.recover(self.owner, self._expiry(), clock.now())
            if recovered:
                logger.warning("%d jobs of a supervisor that died wait again", recovered)
        if self._rang:
            self._rang = False
            self._housekeeper.note_writes(clock.now())
            revision = self.store.revision()
            if revision != self._revision:
                self._reload()
                self._revision = revision
            self._look_who_is_attached()
            self._adopt_jobs()
            for claim in self.store.cancel_requests():
                self._end_cancelled(claim)
            self._expect_work()
        elif self._watch in self._readable or self._watch.fileno() < 0:
            self._look_who_is_attached()

    def fire_due_schedules(self) -> None:
        """Every slot that has come becomes a job, once."""
        self._mind_missing_functions()
        now = clock.now()
        stepped_back = self._clock_stepped_back(now)
        fired = False
        for schedule in list(self._active_schedules()):
            if stepped_back and waits_too_long(schedule, now):
                fired = True
                self.store.fire(schedule, [], next_slot(schedule, now), now)
            elif schedule.next_run_at is not None and schedule.next_run_at <= now:
                fired = True
                slots, upcoming = due_slots(schedule, now)
                if slots and schedule.overlap == "skip" and self.store.has_unfinished(schedule.name):
                    logger.info("%s: its last job hasn't ended, so this slot makes none", schedule.name)
                    slots = []
                self.store.fire(schedule, slots, upcoming, now)
        if fired:
            self.schedules = self.store.schedules()
            self._expect_work()

    def exchange_jobs(self) -> None:
        """Outcomes in, claims out, in one transaction."""
        now = clock.now()
        due = self._next_run_at is not None and self._next_run_at <= now
        hungry = [crew for crew in self.crews.values() if crew.free_slots and (crew.expects_work or due)]
        if self.is_alone:
            hungry = []  # what runs may finish, nothing new begins
        if not (self.endings or hungry or due):
            return
        with self.store.transaction():
            waits_again = [settle(self.store, ending, self.settings, now) for ending in self.endings]
            if due or any(waits_again) or any(ending.work.schedule for ending in self.endings):
                self.store.promote(now)
                self._adopt_jobs()
            claimed = [(crew, self.store.claim(crew.application.id, crew.free_slots, self.owner, now)) for crew in hungry]
        self.endings.clear()
        self._housekeeper.note_writes(now)
        for crew, works in claimed:
            crew.expects_work = len(works) == crew.free_slots
            for work in works:
                crew.give(work)
        if due or any(waits_again):
            self._expect_work()

    def end_overdue_attempts(self) -> None:
        """An attempt that takes longer than its timeout ends with its worker, and with what it started."""
        now = clock.monotonic()
        for worker in self._workers():
            overdue = [
                claim for claim, given in worker.assignments.items() if given.deadline is not None and given.deadline <= now
            ]
            if overdue:
                worker.end("timeout", *overdue)

    def keep_crews(self) -> None:
        """As many workers as the settings say for every application that is attached."""
        for number, application in self._applications.items():
            wanted = number in self.attached
            if wanted and number not in self.crews:
                self.crews[number] = Crew(self.database, application)
            crew = self.crews.get(number)
            if crew is None:
                continue
            if wanted:
                crew.scheduled = tuple({s.task for s in self.schedules if s.application == number})
                for worker in crew.keep(self.settings):
                    self._selector.register(worker.channel.read_fd, selectors.EVENT_READ, worker)
            elif self.attached:  # others are; while nobody is, a reload may bring it back
                crew.retire_all()
                if not crew.workers:
                    del self.crews[number]

    def sleep(self, seconds: float) -> None:
        """Until something happens, or for so long. What happened is in ``_readable`` and ``_rang``."""
        writing = [worker.channel for worker in self._workers() if worker.channel.pending]
        for channel in writing:
            self._selector.register(channel.write_fd, selectors.EVENT_WRITE, channel)
        self._readable = [key.data for key, _ in self._selector.select(seconds)]
        for channel in writing:
            self._selector.unregister(channel.write_fd)
        for worker in self._workers():
            if worker.channel in self._readable:
                worker.flush()
        if self._signals in self._readable:
            with contextlib.suppress(BlockingIOError):
                self._signals.recv(4096)
        if self._wakeup in self._readable:
            self._wakeup.clear()  # before the looking, or a ring in between would be lost
            self._rang = True

    def seconds_to_next_moment(self) -> float:
        """How long nothing is due."""
        now, monotonic = clock.now(), clock.monotonic()
        moments = [self._housekeeper.next_moment(), self._next_run_at]
        moments += [schedule.next_run_at for schedule in self._active_schedules()]
        waits = [(moment - now) / MICROSECONDS for moment in moments if moment is not None]
        deadlines = [given.deadline for worker in self._workers() for given in worker.assignments.values()]
        deadlines += [crew.retry_at for crew in self.crews.values()]
        if self.is_alone:
            assert self.alone_since is not None
            deadlines.append(self.alone_since + LINGER)
            waits = []  # nothing is begun any more
        elif self._watch.fileno() < 0 and not self.keep_alive:
            deadlines.append(monotonic + BLIND_SLEEP)
        waits += [deadline - monotonic for deadline in deadlines if deadline is not None]
        if self._blocked_until > monotonic:
            return max(0.01, min([self._blocked_until - monotonic, *(d - monotonic for d in deadlines if d)]))
        return max(0.0, min([LONGEST_SLEEP, *waits]))

    @property
    def is_alone(self) -> bool:
        """Nobody is attached, and it hasn't been told to live without."""
        return self.alone_since is not None and not self.keep_alive

    def is_over(self) -> bool:
        if self.stop_signals:
            return True
        return self.is_alone and clock.monotonic() - (self.alone_since or 0.0) >= LINGER

    def shut_down(self) -> None:
        """Nothing new begins. Running jobs get the grace, then they are ended and wait for the next start.

        Whoever is alone has lingered, and that was the grace. A second signal ends the patience.
        """
        start, first_signal = clock.monotonic(), self.stop_signals
        grace = self.settings.shutdown_grace if first_signal else 0.0
        for crew in self.crews.values():
            crew.retire_all()
        while any(crew.workers for crew in self.crews.values()):
            waited = clock.monotonic() - start
            impatient = self.stop_signals > max(first_signal, 1)
            for worker in self._workers():
                if impatient or waited >= (grace if worker.assignments else FAREWELL):
                    worker.end("shutdown")
            self.sleep(0.05)
            self.reap_workers()
            self.collect_outcomes()
            with self.backing_off():
                self.exchange_jobs()
        self.store.close()
        logger.info("supervisor %d ends", os.getpid())

    # -- what it knows -------------------------------------------------------------------------------------

    def _reload(self) -> None:
        self.settings = self.store.settings()
        self.store.set_durability(self.settings.durability)
        if self.settings.autocron_lock:
            logger.info("autocron has been switched off in the settings")
            self.stop_signals += 1
        for application in self.store.applications():
            before = self._applications.get(application.id)
            self._applications[application.id] = application
            crew = self.crews.get(application.id)
            if crew is not None and before is not None:
                crew.application = application
                if before.attached_at != application.attached_at and (old := crew.retire_old_code()):
                    logger.info("the code has changed: %d workers are replaced after their jobs", old)
        self.schedules = self.store.schedules()

    def _look_who_is_attached(self) -> None:
        self.attached = {n for n in self._applications if self.locks.an_attached_pid(n) is not None}
        if not self.attached:
            self._follow(None)
            if self.alone_since is None:
                self.alone_since = clock.monotonic()
            return
        if self.alone_since is not None:
            self.alone_since = None
            self._expect_work()
        pid = self.locks.an_attached_pid()
        if pid != self._watch.pid:
            self._follow(pid)

    def _follow(self, pid: int | None) -> None:
        """Be woken when this attached process ends."""
        if self._watch.fileno() >= 0:
            self._selector.unregister(self._watch)
        if pid and self._watch.follow(pid, lambda: pid in self.locks.attached_pids()):
            self._selector.register(self._watch, selectors.EVENT_READ, self._watch)
        else:
            self._watch.close()

    def _adopt_jobs(self) -> None:
        """Waiting jobs of applications that aren't attached go to one that knows their tasks."""
        away = [number for number in self._applications if number not in self.attached]
        if away and self.attached and (orphaned := self.store.with_waiting_jobs(away)):
            newest_first = sorted(self.attached, key=lambda n: -self._applications[n].attached_at)
            for number in newest_first:
                self.store.adopt_jobs(number, orphaned)

    def _active_schedules(self) -> Iterator[ScheduledTask]:
        """The schedules of attached applications; where several know one name, the one that attached last."""
        newest_first = sorted(
            (s for s in self.schedules if s.application in self.attached),
            key=lambda s: -self._applications[s.application].attached_at,
        )
        names = set()
        for schedule in newest_first:
            if schedule.name not in names and not schedule.broken:
                names.add(schedule.name)
                yield schedule

    def _mind_missing_functions(self) -> None:
        """Workers with the newest code say which scheduled functions they don't have: those stop firing."""
        for number, crew in self.crews.items():
            missing, crew.missing = crew.missing, {}
            if removed := [task for task, reason in missing.items() if not reason]:
                logger.info("no longer in the code, so no longer scheduled: %s", ", ".join(removed))
                self.store.drop_schedules(number, removed)
            if broken := {task: reason for task, reason in missing.items() if reason}:
                logger.error("scheduled, but can't be imported, so they don't fire: %s", broken)
                self.store.mark_broken(number, broken)
            if missing:
                self.schedules = self.store.schedules()

    def _clock_stepped_back(self, now: int) -> bool:
        """Whether the wall clock has gone back since the last look (or may have: at the first look)."""
        offset = now / MICROSECONDS - clock.monotonic()
        before, self._clock_offset = self._clock_offset, offset
        return offset < before - 1.0

    def _end_cancelled(self, claim: Claim) -> None:
        for worker in self._workers():
            if claim in worker.assignments:
                worker.end("cancelled", claim)

    def _expect_work(self) -> None:
        for crew in self.crews.values():
            crew.expects_work = True
        self._next_run_at = self.store.next_run_at()

    def _workers(self) -> Iterator[Worker]:
        for crew in self.crews.values():
            yield from crew.workers.values()

    def _unregister(self, worker: Worker) -> None:
        with contextlib.suppress(KeyError):
            self._selector.unregister(worker.channel.read_fd)

    def _expiry(self) -> int:
        return clock.now() + round(self.settings.result_ttl * MICROSECONDS)

    def _note_stop_signal(self, *_: object) -> None:
        self.stop_signals += 1

    @contextlib.contextmanager
    def backing_off(self) -> Iterator[None]:
        """The database can't be used: running jobs go on, their outcomes are kept, and it is tried again."""
        try:
            yield
            self._blocked_until = 0.0
        except StoreError as error:
            self._rang = True
            self._blocked_until = clock.monotonic() + 1.0
            if clock.monotonic() - self._complained_at >= 60:
                self._complained_at = clock.monotonic()
                logger.error("%s; trying again every second", error)


def _dead_child() -> int | None:
    """A child that has ended and isn't reaped yet."""
    try:
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    return None if found is None else found.si_pid
