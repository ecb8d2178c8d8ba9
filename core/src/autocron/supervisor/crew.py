"""The workers of one application, as the supervisor keeps them: started, fed, ended, replaced."""

from __future__ import annotations

import logging
import os
import signal
from typing import TYPE_CHECKING, Final

from autocron import clock
from autocron.model import Application, Claim, Settings, Work
from autocron.processes.channel import Channel
from autocron.processes.spawn import spawn_worker
from autocron.supervisor.lane import PATIENCE, PATIENCE_BESIDE_IDLE, Lane
from autocron.supervisor.worker_process import Ending, Worker

if TYPE_CHECKING:
    from autocron.store.protocol import Store

logger: Final = logging.getLogger("autocron.supervisor")

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 30.0  # seconds before a worker that didn't get ready is replaced
_PAUSE_AFTER_A_KILL = 1.0  # at most: the next one may well get ready


class Crew:
    """The workers of one application."""

    def __init__(self, database: str, application: Application, endings: list[Ending]) -> None:
        self.database = database
        self.application: Application = application
        self.workers: dict[int, Worker] = {}
        self.expects_work: dict[bool, bool] = {False: True, True: True}
        """Whether the store may have a job that could start; of ordinary ones, and of coroutines (True)."""
        self._is_guess = True
        self.has_suspects: bool = False
        """Whether the store has suspects that could start. They are claimed apart, and run apart."""
        self.scheduled: tuple[str, ...] = ()
        self.missing: dict[str, str] = {}
        self.notes: list[tuple[Claim, str | None, str]] = []
        self._endings = endings
        self._shares: dict[tuple[Worker, bool], list[Work]] = {}
        self._sends_ahead = True
        self._pause = 0.0
        self._not_before = 0.0

    # -- jobs ----------------------------------------------------------------------------------------------

    def expect_work(self) -> None:
        self.expects_work = {False: True, True: True}
        self._is_guess = True

    def look_for_work(self, store: Store) -> bool:
        """Whether there are jobs for it to claim now. A question first: a claim in vain would keep callers waiting."""
        if self._is_guess and (self.wants(False) or self.wants(True)):
            self.expects_work = store.has_ready(self.application.id)
            self._is_guess = False
        return self.is_hungry

    def wants(self, concurrent: bool) -> int:
        """How many jobs of this kind to claim for it now."""
        if not self.expects_work[concurrent]:
            return 0
        if not self._sends_ahead:
            return self._could_begin(concurrent)
        return sum(worker.takes(concurrent) for worker in self.workers.values())

    @property
    def is_hungry(self) -> bool:
        """Whether something should be claimed for it now."""
        if self.wants(False) or self.wants(True):
            return True
        return self.has_suspects and any(self.place_for_suspect(kind) is not None for kind in (False, True))

    def begin_sharing(self) -> None:
        """What was shared out in a transaction that failed isn't given."""
        if self._shares:
            self._shares = {}
            for worker in self.workers.values():
                worker.expect_no_more()

    def place_for_suspect(self, concurrent: bool) -> Worker | None:
        """The worker for one, the emptiest: it has nothing else to do, or only suspects.

        One worker is left to the other jobs, unless no further one can be started and there are none.
        """
        staying = [worker for worker in self.workers.values() if not worker.retiring]
        cannot_start = self._pause > 0 and not any(self.expects_work.values())
        may_take_more = cannot_start or sum(not worker.is_apart for worker in staying) > 1
        getting = {worker for worker, _ in self._shares}
        taking = [
            worker
            for worker in staying
            if worker.takes_suspect(concurrent) and (worker.is_apart or (may_take_more and worker not in getting))
        ]
        return min(taking, key=lambda worker: worker.number_of_jobs, default=None)

    def accept_suspect(self, worker: Worker, concurrent: bool, suspect: Work) -> None:
        """It was claimed for this worker, to be given by ``give``."""
        worker.expect(concurrent, suspect)
        self._shares.setdefault((worker, concurrent), []).append(suspect)

    def accept(self, concurrent: bool, works: list[Work], wanted: int) -> list[Work]:
        """Share out what was claimed for it, to be given by ``give``. Returns what can't be given now after all.

        A job that may run at most once isn't sent ahead: should the supervisor die, its successor couldn't know that it
        hadn't begun.
        """
        taking = self._taking()
        room = {worker: worker.takes(concurrent) for worker in taking}
        free = {worker: worker.lanes[concurrent].free - len(worker.lanes[concurrent].ahead) for worker in taking}
        refused = []
        for work in works:
            worker = max((w for w in taking if room[w] > 0), key=lambda w: free[w], default=None)
            if worker is None or (free[worker] <= 0 and work.policy.at_most_once):
                refused.append(work)
                continue
            room[worker] -= 1
            free[worker] -= 1
            self._shares.setdefault((worker, concurrent), []).append(work)
        self.expects_work[concurrent] = len(works) >= wanted or bool(refused)
        self._is_guess = False
        self._sends_ahead = not any(work.policy.at_most_once for work in works)
        return refused

    def give(self) -> bool:
        """Feed the workers what was claimed for them. Whether that is anything."""
        shares, self._shares = self._shares, {}
        for (worker, concurrent), works in shares.items():
            worker.give(concurrent, works)
        return bool(shares)

    def take_back_from_stuck(self, now: float) -> None:
        """No short job waits behind a long one, nor in a worker that stands still while another could begin it."""
        patience = self._patience()
        for worker in self.workers.values():
            if worker.lanes[False].is_stuck(now, patience) and worker.take_back():
                self.expect_work()
        for worker, lane, given_at in self._unanswered():
            if now - given_at >= PATIENCE and worker.take_back_unbegun(lane):
                logger.info("worker %d stands still; others get what it hasn't begun", worker.pid)
                self.expect_work()

    def stuck_at(self) -> float | None:
        """The monotonic moment at which a job that was sent ahead, or given and not begun, has waited too long."""
        lanes = [worker.lanes[False] for worker in self.workers.values()]
        moments = [lane.moved_at + self._patience() for lane in lanes if lane.ahead]
        moments += [given_at + PATIENCE for _, _, given_at in self._unanswered()]
        return min(moments, default=None)

    def _unanswered(self) -> list[tuple[Worker, Lane, float]]:
        """The lanes with a job that nobody knows to be begun, and since when, while another worker could begin it."""
        found: list[tuple[Worker, Lane, float]] = []
        for concurrent in (False, True) if len(self.workers) > 1 else ():
            lanes = [(worker, worker.lanes[concurrent]) for worker in self.workers.values()]
            for worker, lane in lanes:
                if lane.given_at is not None and any(w.could_begin(concurrent) for w, _ in lanes if w is not worker):
                    found.append((worker, lane, lane.given_at))
        return found

    def seconds_ahead(self) -> float:
        """For how long those of its workers that have jobs ahead needn't be fed; 0 if none has."""
        return min((ahead for worker in self.workers.values() if (ahead := worker.lanes[False].seconds_ahead)), default=0.0)

    def _patience(self) -> float:
        return PATIENCE_BESIDE_IDLE if any(map(self._is_idle, self._taking())) else PATIENCE

    @staticmethod
    def _is_idle(worker: Worker) -> bool:
        return not worker.lanes[False].begun and not worker.lanes[False].is_silent

    def _could_begin(self, concurrent: bool) -> int:
        return sum(worker.could_begin(concurrent) for worker in self.workers.values())

    def _taking(self) -> list[Worker]:
        return [worker for worker in self.workers.values() if worker.takes_jobs]

    # -- keeping the number --------------------------------------------------------------------------------

    def keep(self, settings: Settings) -> list[Worker]:
        """Start or retire workers until their number is right. Returns the new ones."""
        staying = [worker for worker in self.workers.values() if not worker.retiring]
        for worker in staying:
            worker.outworn = worker.outworn or worker.wears_out(settings)
        active = [worker for worker in staying if not worker.outworn]
        wanted = settings.workers + self._needs_one_more()
        for surplus in active[wanted:]:
            surplus.retire()
        ready = sum(worker.ready for worker in active)
        for outworn in [worker for worker in staying if worker.outworn][
            : max(0, ready - settings.workers + len(staying) - len(active))
        ]:
            logger.info(
                "worker %d is replaced: it has run its jobs, or holds too much memory, or the settings are others", outworn.pid
            )
            outworn.retire()
        missing = wanted - len(active)
        if missing <= 0 or clock.monotonic() < self._not_before:
            return []
        try:
            return [self._start(settings) for _ in range(missing)]
        except OSError as error:
            self._wait_longer()
            logger.error("no worker can be started (%s); the next try is in %.1f s", error, self._pause)
            return []

    def _needs_one_more(self) -> bool:
        """Suspects have workers for themselves, and all else goes on meanwhile."""
        return self.has_suspects or any(worker.is_apart for worker in self.workers.values())

    @property
    def retry_at(self) -> float | None:
        """The monotonic moment at which workers that died before they were ready are replaced."""
        return self._not_before if self._not_before > clock.monotonic() else None

    def _start(self, settings: Settings) -> Worker:
        taken = {worker.number for worker in self.workers.values()}
        number = next(n for n in range(1, len(taken) + 2) if n not in taken)
        jobs_reader, jobs_writer = os.pipe()
        outcomes_reader, outcomes_writer = os.pipe()
        lifeline_reader, lifeline_writer = os.pipe()
        lanes = Lane(settings.threads, ahead=True), Lane(settings.coroutines, ahead=False)
        ours = (jobs_reader, outcomes_writer, lifeline_reader)
        inherited = (*ours, *(lane.tickets.worker_fd for lane in lanes))
        launch = self.application.launch
        try:
            child = spawn_worker(self.database, launch.executable, launch.cwd, number, inherited)
        except OSError:
            for fd in (jobs_writer, outcomes_reader, lifeline_writer):
                os.close(fd)
            for lane in lanes:
                lane.tickets.close()
            raise
        finally:
            for fd in ours:
                os.close(fd)
        child.returncode = 0  # it is reaped by its number, see Supervisor.reap_workers
        channel = Channel(outcomes_reader, jobs_writer)
        worker = Worker(number, child.pid, channel, lifeline_writer, lanes, self._endings)
        worker.channel.send((launch, self.application.modules, self.scheduled, settings.threads, settings.serializer))
        self.workers[child.pid] = worker
        return worker

    def retire_all(self) -> None:
        for worker in self.workers.values():
            if not worker.retiring:
                worker.retire()

    def follow(self, application: Application | None) -> None:
        """What the database says of its application now; None: it doesn't know it any more."""
        before = self.application
        if application is None or application.launch != before.launch:  # the file has been replaced
            self.retire_all()
        if application is not None:
            self.application = application
            if application.attached_at != before.attached_at and (old := self._retire_old_code()):
                logger.info("the code has changed: %d workers are replaced after their jobs", old)

    def _retire_old_code(self) -> int:
        """Retire the workers whose code has changed on disk; how many. Running jobs finish first."""
        for worker in self.workers.values():
            worker.doubtful = not worker.ready
        old = [w for w in self.workers.values() if not w.retiring and w.ready and w.has_old_code()]
        for worker in old:
            worker.retire()
        return len(old)

    # -- what came of it -----------------------------------------------------------------------------------

    def collect(self, worker: Worker) -> None:
        """What a worker has said."""
        for message in worker.channel.receive():
            match message:
                case ("outcome", number, seconds, *outcome):
                    worker.hear_outcome(number, seconds, *outcome)
                case ("ready",):
                    worker.ready = True
                    self._pause = self._not_before = 0.0
                    self.expect_work()
                case ("here", concurrent):
                    worker.lanes[concurrent].is_silent = False
                    self.expect_work()
                case ("missing", missing):
                    self.missing = missing
                case ("files", files):
                    worker.files = files
                    if worker.doubtful and worker.has_old_code():
                        worker.retire()
                    worker.doubtful = False
                case ("note", number, progress, lines):
                    if (work := worker.work_with(number)) is not None:
                        self.notes.append((work.claim, progress, lines))
                case _:
                    logger.error("worker %s sent what nobody understands: %r", worker.pid, message)

    def bury(self, worker: Worker, status: int) -> None:
        """A worker has ended: its last outcomes, and what its death means for the jobs it had."""
        self.collect(worker)
        how = describe_exit(status)
        worker.bury(how)
        if not worker.ready and not worker.retiring:
            killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGKILL, signal.SIGTERM)
            self._wait_longer(_PAUSE_AFTER_A_KILL if killed else _LONGEST_PAUSE)
            logger.error("worker %s %s before it was ready; the next one starts in %.1f s", worker.pid, how, self._pause)
        del self.workers[worker.pid]

    def _wait_longer(self, longest: float = _LONGEST_PAUSE) -> None:
        self._pause = min(max(_FIRST_PAUSE, self._pause * 2), longest)
        self._not_before = clock.monotonic() + self._pause


def describe_exit(status: int) -> str:
    """``was killed by SIGKILL`` or ``ended with exit status 3``, from a wait status."""
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return f"ended with exit status {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
