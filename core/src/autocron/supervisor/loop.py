"""The supervisor: the one process per database and host that claims jobs, feeds workers and keeps them alive.

It never imports the application, sleeps in one ``select`` until something happens or is due, and ends a few seconds
after the last attached process has gone.
"""

from __future__ import annotations

import contextlib
import logging
import os
import random
import socket
import time
from collections.abc import Iterator
from typing import Final

from autocron import clock, locations
from autocron.clock import MICROSECONDS
from autocron.errors import StoreError
from autocron.model import Claim, Settings
from autocron.processes.locks import LockFile
from autocron.processes.signals import kill_group, reap_child
from autocron.store import SqliteStore
from autocron.supervisor.applications import Applications
from autocron.supervisor.attention import Attention
from autocron.supervisor.clockwork import Clockwork
from autocron.supervisor.crew import Crew
from autocron.supervisor.housekeeping import Housekeeper
from autocron.supervisor.presence import Presence
from autocron.supervisor.settling import settle_all
from autocron.supervisor.tidings import tell_missed
from autocron.supervisor.worker_process import Ending, Worker

logger: Final = logging.getLogger("autocron.supervisor")

LONGEST_SLEEP = 30.0
"""Seconds: an upper bound of one sleep, so that a step of the clock is noticed."""

TAKE_OVER = 3.0
"""Seconds that the workers of a dead predecessor get to be gone."""

DEAF = 0.015
"""Seconds that it sleeps at most, whatever happens, while the workers have enough to do, or callers wait: then there are
many outcomes to store in one transaction, and many jobs to claim."""

OTHERS_SHARE = 3
"""After a transaction that had to wait for others there is none for so many times as long as it took: calls come first."""

FAREWELL = 1.0
"""Seconds that a worker without a job gets to end by itself at shutdown."""


class Supervisor:
    """``keep_alive``: it lives without any attached process, in the foreground, until it is told to end."""

    def __init__(self, database: str | os.PathLike[str], *, keep_alive: bool = False) -> None:
        self.database: str = os.fspath(database)
        self.locks: LockFile = LockFile.open(locations.lock_path(database))
        self.store: SqliteStore = SqliteStore(database)
        self.owner: str = f"{socket.gethostname()}:{os.getpid()}:{random.getrandbits(32):08x}"
        self.settings: Settings = Settings()
        self.crews: dict[int, Crew] = {}
        self.endings: list[Ending] = []
        self._revision = -1
        self._next_run_at: int | None = None
        self._has_suspects = True  # until it has looked
        self._awake_since = clock.monotonic()
        self._gives_way_until = 0.0
        self._blocked_until = 0.0
        self._complained_at = float("-inf")
        self._housekeeper = Housekeeper(self.store, SqliteStore(database))
        self.attention: Attention = Attention(locations.wakeup_path(database))
        self.presence: Presence = Presence(self.locks, self.attention.selector, keep_alive=keep_alive)
        self.applications: Applications = Applications(self.store, self.presence)
        self.clockwork: Clockwork = Clockwork(self.store)

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
                self.take_over()
                self.notice_changes()
                self.fire_due_schedules()
                self.exchange_jobs()
                self._housekeeper.work(clock.now())
            self.look_who_is_attached()
            self.end_overdue_attempts()
            self.keep_crews()
            self.sleep(self.seconds_to_next_moment())
        self.shut_down()
        return True

    def set_up(self) -> None:
        self.attention.begin()
        logger.info("supervisor %d works %s", os.getpid(), self.database)
        self.end_leftover_workers()

    def end_leftover_workers(self) -> None:
        """No job is given out again while a dead predecessor's worker may still run it. The kernel knows them."""
        deadline = clock.monotonic() + TAKE_OVER
        while (pids := self.locks.worker_pids()) and clock.monotonic() < deadline:
            for pid in filter(None, pids):
                kill_group(pid)
            time.sleep(0.005)

    def take_over(self) -> None:
        """Holding the lock, it knows that every job still marked running is a dead predecessor's. Once."""
        if self._revision < 0:
            self._has_suspects = True
            self.settings = self.store.settings()  # they say for how long it is kept what became of a job
            if recovered := self.store.recover(self.owner, self._expiry(), clock.now()):
                logger.warning("%d jobs of a supervisor that died wait again", recovered)

    def reap_workers(self) -> None:
        """The dead first: their jobs are free again, and what those had started ends with them."""
        while (ended := reap_child()) is not None:
            pid, status = ended
            for crew in self.crews.values():
                if (worker := crew.workers.get(pid)) is not None:
                    self.attention.forget(worker.channel.read_fd)
                    crew.bury(worker, status)
                    break

    def collect_outcomes(self) -> None:
        """What the workers have to say."""
        for crew in self.crews.values():
            for worker in crew.workers.values():
                if worker in self.attention.readable:
                    crew.collect(worker)
                    if worker.channel.at_end:
                        self.attention.forget(worker.channel.read_fd)

    def look_who_is_attached(self) -> None:
        """The processes for whose sake all this runs. After the jobs: nearly every ring is a call, and it waits."""
        may_differ = self.attention.was_rung or self.presence.concerns(self.attention.readable)
        if may_differ and self.applications.look_who_is_attached():
            self.attention.rang = True

    def notice_changes(self) -> None:
        """Somebody rang: a call, a new process, a changed setting, a job to be cancelled."""
        if not self.attention.rang:
            return
        news = self.store.news()
        if news.revision != self._revision:
            self._reload()
            self._revision = news.revision
        self.applications.adopt_jobs()
        if any(schedule.overlap == "queue" or schedule.misfire == "all" for schedule in self.clockwork.schedules):
            self.store.promote(clock.now())  # the job ahead may have been cancelled
        for claim in self.store.cancel_requests() if news.cancels else ():
            self._end_cancelled(claim)
        self._expect_work(news.next_run_at)
        self._housekeeper.note_calls(news.newest, clock.now())
        self.attention.rang = False

    def fire_due_schedules(self) -> None:
        """Every slot that has come becomes a job, once."""
        for number, crew in self.crews.items():
            if crew.missing:
                self.clockwork.mind_missing(number, crew.missing)
                crew.missing = {}
        if not self.presence.is_alone and self.clockwork.fire(self.presence.attached):
            self._expect_work(self.store.next_run_at())
        if self.clockwork.missed:
            told = [tell_missed(self.store, missed, clock.now()) for missed in self.clockwork.missed]
            self.clockwork.missed.clear()
            if any(told):
                self._expect_work(self.store.next_run_at())

    def exchange_jobs(self) -> None:
        """Outcomes in, claims out, in one transaction."""
        for crew in self.crews.values():
            crew.begin_sharing()
        now = clock.now()
        due = self._next_run_at is not None and self._next_run_at <= now
        noting = [crew for crew in self.crews.values() if crew.notes]
        finds_work = self._finds_work()
        if not (self.endings or due or noting or finds_work):
            return
        with self.store.transaction() as had_to_wait:
            began = clock.monotonic()
            for crew in noting:  # before the outcomes: it takes a running attempt
                for claim, progress, lines in crew.notes:
                    self.store.note(claim, progress, lines, now)
            waits_again = settle_all(self.store, self.endings, self.settings, now)
            line_moves = any(ending.work.schedule for ending in self.endings)
            if due or line_moves or waits_again:
                self.store.promote(now)
                self.applications.adopt_jobs()
                self._expect_work(self.store.next_run_at())
            self._look_for_suspects()
            hungry = self._hungry_crews()
            for crew in hungry:
                self._claim(crew, now)
        if had_to_wait:
            ended = clock.monotonic()
            self._gives_way_until = ended + OTHERS_SHARE * (ended - began)
        self._housekeeper.note_writes(2 * len(self.endings), now)  # each was claimed, too
        self.endings.clear()
        for crew in noting:
            crew.notes.clear()
        for crew in hungry:
            if crew.give():
                self.attention.note_start()

    def _claim(self, crew: Crew, now: int) -> None:
        if crew.has_suspects:
            self._claim_suspects(crew, now)
        for concurrent in (False, True):
            if wanted := crew.wants(concurrent):
                works = self.store.claim(crew.application.id, wanted, self.owner, now, concurrent=concurrent)
                for refused in crew.accept(concurrent, works, wanted):
                    self.store.give_back(refused.claim, now)
        if crew.has_suspects:  # again, for now it is known whether there are others
            self._claim_suspects(crew, now)

    def _claim_suspects(self, crew: Crew, now: int) -> None:
        """One by one, for each says how many may be beside it."""
        for concurrent in (False, True):
            while (worker := crew.place_for_suspect(concurrent)) is not None:
                company = worker.number_of_jobs + 1
                works = self.store.claim(crew.application.id, 1, self.owner, now, concurrent=concurrent, company=company)
                if not works:
                    break
                crew.accept_suspect(worker, concurrent, works[0])

    def end_overdue_attempts(self) -> None:
        """An attempt that takes longer than its timeout ends, with what it started; what waits behind it goes back."""
        now = clock.monotonic()
        for crew in self.crews.values():
            for worker in crew.workers.values():
                if (moment := worker.next_deadline()) is not None and moment <= now:
                    crew.collect(worker)  # it may have ended in time, while nobody listened
                    worker.end_overdue(now)
            crew.take_back_from_stuck(now)

    def keep_crews(self) -> None:
        """As many workers as the settings say for every application that is attached."""
        for number, application in self.applications.known.items():
            wanted = number in self.presence.attached
            if wanted and number not in self.crews:
                self.crews[number] = Crew(self.database, application, self.endings)
            crew = self.crews.get(number)
            if crew is None:
                continue
            if wanted:
                crew.scheduled = self.clockwork.tasks_of(number)
                for worker in crew.keep(self.settings):
                    self.attention.listen_to(worker.channel.read_fd, worker)
            elif self.presence.attached:  # others are; while nobody is, a reload may bring it back
                crew.retire_all()
                if not crew.workers:
                    del self.crews[number]

    def sleep(self, seconds: float) -> None:
        """Until something happens, or for so long."""
        if (rest := self.rest(seconds)) > 0:
            time.sleep(rest)
        self.attention.sleep(seconds, (worker.channel for worker in self._workers() if worker.channel.pending))
        self._awake_since = clock.monotonic()
        for worker in self._workers():
            if worker.channel in self.attention.readable:
                worker.flush()

    def rest(self, seconds: float) -> float:
        """For how many seconds it needn't listen: the workers have enough to do for so long, or callers come first."""
        now = clock.monotonic()
        busy = min((s for crew in self.crews.values() if (s := crew.seconds_ahead())), default=0.0)
        spare = busy - (now - self._awake_since)  # they have got on since it heard of them
        return min(DEAF, max(spare / 2 if seconds else 0.0, self._gives_way_until - now, 0.0))

    def seconds_to_next_moment(self) -> float:
        """How long nothing is due."""
        monotonic = clock.monotonic()
        deadlines = [worker.next_deadline() for worker in self._workers()]
        deadlines += [moment for crew in self.crews.values() for moment in (crew.retry_at, crew.stuck_at())]
        deadlines.append(self.presence.next_deadline())
        waits = [deadline - monotonic for deadline in deadlines if deadline is not None]
        if self._blocked_until > monotonic:  # the database can't be used now
            waits.append(self._blocked_until - monotonic)
        elif self.attention.rang or self.endings:
            return 0.0
        elif not self.presence.is_alone:
            moments = [self._housekeeper.next_moment(), self._next_run_at]
            moments.append(self.clockwork.next_moment(self.presence.attached))
            now = clock.now()
            waits += [(moment - now) / MICROSECONDS for moment in moments if moment is not None]
        return max(0.0, min([LONGEST_SLEEP, *waits]))

    def is_over(self) -> bool:
        return self.attention.stop_signals > 0 or self.presence.is_over()

    def shut_down(self) -> None:
        """Nothing new begins. Running jobs get the grace, then they are ended and wait for the next start.

        Whoever is alone has lingered, and that was the grace. A second signal ends the patience.
        """
        start, first_signal = clock.monotonic(), self.attention.stop_signals
        grace = self.settings.shutdown_grace if first_signal else 0.0
        for crew in self.crews.values():
            crew.retire_all()
        while any(crew.workers for crew in self.crews.values()):
            waited = clock.monotonic() - start
            impatient = self.attention.stop_signals > max(first_signal, 1)
            for worker in self._workers():
                if impatient or waited >= (grace if worker.is_busy else FAREWELL):
                    worker.end("shutdown")
            self.sleep(0.05)
            self.reap_workers()
            self.collect_outcomes()
            with self.backing_off():
                self.exchange_jobs()
        self.store.close()
        self._housekeeper.close()
        self.attention.end()
        logger.info("supervisor %d ends", os.getpid())

    # -- what it knows -------------------------------------------------------------------------------------

    def _reload(self) -> None:
        self.settings = self.store.settings()
        self.store.set_durability(self.settings.durability)
        if self.settings.autocron_lock:
            logger.info("autocron has been switched off in the settings")
            self.attention.stop_signals += 1
        self.applications.reload()
        for number, crew in self.crews.items():
            crew.follow(self.applications.known.get(number))
        self.clockwork.reload()
        self.applications.look_who_is_attached()
        if self._revision < 0:
            self.applications.forget_old_releases()

    def _finds_work(self) -> bool:
        crews = () if self.presence.is_alone else self.crews.values()
        self._look_for_suspects()
        return sum(crew.look_for_work(self.store) for crew in crews) > 0

    def _hungry_crews(self) -> list[Crew]:
        if self.presence.is_alone:
            return []  # what runs may finish, nothing new begins
        return [crew for crew in self.crews.values() if crew.is_hungry]

    def _look_for_suspects(self) -> None:
        """Few systems ever have one: it is asked only from the first on until there is none any more."""
        if self._has_suspects or any(ending.running > 1 for ending in self.endings):
            found = self.store.suspects()
            self._has_suspects = bool(found)
            for number, crew in self.crews.items():
                crew.has_suspects = found.get(number, False)

    def _end_cancelled(self, claim: Claim) -> None:
        for worker in self._workers():
            for given in (given for lane in worker.lanes for given in lane.assignments):
                if given.work.claim == claim:
                    worker.cancel(given.work)

    def _expect_work(self, next_run_at: int | None) -> None:
        for crew in self.crews.values():
            crew.expect_work()
        self._next_run_at = next_run_at

    def _workers(self) -> Iterator[Worker]:
        for crew in self.crews.values():
            yield from crew.workers.values()

    def _expiry(self) -> int:
        return clock.now() + round(self.settings.result_ttl * MICROSECONDS)

    @contextlib.contextmanager
    def backing_off(self) -> Iterator[None]:
        """The database can't be used: running jobs go on, their outcomes are kept, and it is tried again."""
        try:
            yield
            self._blocked_until = 0.0
        except StoreError as error:
            self.attention.rang = True
            self._revision = -1  # it may be another file that can be used next
            self._blocked_until = clock.monotonic() + 1.0
            if clock.monotonic() - self._complained_at >= 60:
                self._complained_at = clock.monotonic()
                logger.error("%s; trying again every second", error)
