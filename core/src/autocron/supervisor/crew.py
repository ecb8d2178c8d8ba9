"""The workers of one application, as the supervisor keeps them: started, fed, ended, replaced."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from autocron import clock
from autocron.model import Application, Claim, Outcome, Settings, Work
from autocron.processes.channel import Channel
from autocron.processes.spawn import kill_group, spawn_worker

logger = logging.getLogger("autocron.supervisor")

FileState = tuple[str, int, int]

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 30.0  # seconds before a worker that didn't get ready is replaced


@dataclass(slots=True)
class Assignment:
    """A job in a worker's hands. ``deadline`` is monotonic; ``verdict`` says why the supervisor ended it."""

    work: Work
    deadline: float | None
    verdict: str = ""


@dataclass(slots=True)
class Ending:
    """How an attempt ended: the worker's outcome, or what became of the worker under it."""

    work: Work
    worker: int
    outcome: Outcome | None = None
    verdict: str = ""
    exit_status: str = ""


@dataclass(slots=True, eq=False)
class Worker:
    """One worker process."""

    number: int
    pid: int
    channel: Channel
    lifeline: int
    slots: int
    ready: bool = False
    retiring: bool = False
    ended: bool = False
    doubtful: bool = False
    """New code arrived while it started: it may have imported some of the old."""
    started_at: int = field(default_factory=clock.now)
    assignments: dict[Claim, Assignment] = field(default_factory=dict)
    files: list[FileState] = field(default_factory=list)

    @property
    def free_slots(self) -> int:
        return 0 if self.retiring or not self.ready else self.slots - len(self.assignments)

    def give(self, work: Work) -> None:
        timeout = work.policy.timeout
        deadline = None if timeout is None else clock.monotonic() + timeout
        self.assignments[work.claim] = Assignment(work, deadline)
        self.channel.send((work,))

    def retire(self) -> None:
        """Give it no more jobs: it ends after those that it has."""
        self.retiring = True
        self.flush()

    def flush(self) -> None:
        """Write what waits to be written; once all is, a retiring worker is told that nothing follows."""
        self.channel.flush()
        if self.retiring and not self.channel.pending:
            self.channel.close_writing()

    def end(self, verdict: str, *claims: Claim) -> None:
        """End it now, with everything its jobs started. ``verdict`` says why, for these claims (none: for all)."""
        if self.ended:
            return
        for claim, assignment in self.assignments.items():
            if not claims or claim in claims:
                assignment.verdict = verdict
            elif not assignment.verdict:
                assignment.verdict = "innocent"
        self.retiring = self.ended = True
        kill_group(self.pid)

    def has_old_code(self) -> bool:
        """Whether a file that it imported has changed since."""
        for path, modified, size in self.files:
            try:
                seen = os.stat(path)
            except OSError:
                return True
            if (seen.st_mtime_ns, seen.st_size) != (modified, size):
                return True
            if modified > self.started_at * 1000:  # written while it started: what it read can't be told
                return True
        return False


class Crew:
    """The workers of one application."""

    def __init__(self, database: Path, application: Application) -> None:
        self.database = database
        self.application = application
        self.workers: dict[int, Worker] = {}
        self.expects_work = True
        self.scheduled: tuple[str, ...] = ()
        self.missing: dict[str, str] = {}
        self.notes: list[tuple[Claim, str | None, str]] = []
        self._pause = 0.0
        self._not_before = 0.0

    # -- jobs ----------------------------------------------------------------------------------------------

    @property
    def free_slots(self) -> int:
        """How many jobs could start at once."""
        return sum(worker.free_slots for worker in self.workers.values())

    def give(self, work: Work) -> None:
        """Feed a job to the worker that has least to do."""
        max(self.workers.values(), key=lambda worker: worker.free_slots).give(work)

    # -- keeping the number --------------------------------------------------------------------------------

    def keep(self, settings: Settings) -> list[Worker]:
        """Start or retire workers until their number is right. Returns the new ones."""
        active = [worker for worker in self.workers.values() if not worker.retiring]
        for surplus in active[settings.workers :]:
            surplus.retire()
        missing = settings.workers - len(active)
        if missing <= 0 or clock.monotonic() < self._not_before:
            return []
        try:
            return [self._start(settings) for _ in range(missing)]
        except OSError as error:
            self._wait_longer()
            logger.error("no worker can be started (%s); the next try is in %.1f s", error, self._pause)
            return []

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
        inherited = (jobs_reader, outcomes_writer, lifeline_reader)
        launch = self.application.launch
        try:
            child = spawn_worker(self.database, launch.executable, launch.cwd, number, inherited)
        except OSError:
            for fd in (jobs_writer, outcomes_reader, lifeline_writer):
                os.close(fd)
            raise
        finally:
            for fd in inherited:
                os.close(fd)
        child.returncode = 0  # it is reaped by its number, see Supervisor.reap_workers
        worker = Worker(number, child.pid, Channel(outcomes_reader, jobs_writer), lifeline_writer, settings.threads)
        worker.channel.send((launch, self.application.modules, self.scheduled, settings.threads, settings.serializer))
        self.workers[child.pid] = worker
        return worker

    def retire_all(self) -> None:
        for worker in self.workers.values():
            if not worker.retiring:
                worker.retire()

    def retire_old_code(self) -> int:
        """Retire the workers whose code has changed on disk; how many. Running jobs finish first."""
        for worker in self.workers.values():
            worker.doubtful = not worker.ready
        old = [w for w in self.workers.values() if not w.retiring and w.ready and w.has_old_code()]
        for worker in old:
            worker.retire()
        return len(old)

    # -- what came of it -----------------------------------------------------------------------------------

    def collect(self, worker: Worker) -> Iterator[Ending]:
        """The outcomes that a worker has sent."""
        for message in worker.channel.receive():
            match message:
                case ("ready",):
                    worker.ready = self.expects_work = True
                    self._pause = self._not_before = 0.0
                case ("missing", missing):
                    self.missing = missing
                case ("files", files):
                    worker.files = files
                    if worker.doubtful and worker.has_old_code():
                        worker.retire()
                    worker.doubtful = False
                case ("outcome", claim, outcome):
                    assignment = worker.assignments.pop(claim, None)
                    if assignment is not None:
                        yield Ending(assignment.work, worker.pid, outcome)
                case ("note", claim, progress, lines):
                    if claim in worker.assignments:
                        self.notes.append((claim, progress, lines))
                case _:
                    logger.error("worker %s sent what nobody understands: %r", worker.pid, message)

    def bury(self, worker: Worker, status: int) -> Iterator[Ending]:
        """A worker has ended: its last outcomes, and what its death means for the jobs it had."""
        yield from self.collect(worker)
        how = describe_exit(status)
        for assignment in worker.assignments.values():
            yield Ending(assignment.work, worker.pid, verdict=assignment.verdict or "lost", exit_status=how)
        if not worker.ready and not worker.retiring:
            self._wait_longer()
            logger.error("worker %s %s before it was ready; the next one starts in %.1f s", worker.pid, how, self._pause)
        worker.channel.close()
        with contextlib.suppress(OSError):
            os.close(worker.lifeline)
        del self.workers[worker.pid]

    def _wait_longer(self) -> None:
        self._pause = min(max(_FIRST_PAUSE, self._pause * 2), _LONGEST_PAUSE)
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
