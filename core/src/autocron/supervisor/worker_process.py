"""One worker process, as the supervisor sees it: what it has been given, how it is told to end, what it said."""

import contextlib
import os
from collections.abc import Iterable
from typing import Any, NamedTuple

from autocron import clock
from autocron.model import DEFAULT_POLICY, Outcome, Settings, Work
from autocron.processes.channel import Channel, Message
from autocron.processes.memory import resident_megabytes
from autocron.processes.signals import kill_group
from autocron.supervisor.lane import Assignment, Lane

FileState = tuple[str, int, int]

WITHDRAWAL = 0.8
"""Seconds that a coroutine gets to end after it was cancelled; then its worker is ended."""

FAREWELL = 5.0
"""Seconds that a retiring worker gets to end after its last job."""


class Ending(NamedTuple):
    """How an attempt ended: the worker's outcome, or what became of the worker under it.

    ``running`` is how many jobs the worker was at when it died.
    """

    work: Work
    worker: int
    outcome: Outcome | None = None
    verdict: str = ""
    exit_status: str = ""
    running: int = 1


class Worker:
    """One worker process. ``lanes`` are its ordinary jobs and its coroutines.

    What becomes of jobs it puts into ``endings``, in the order in which it is known.
    """

    def __init__(
        self, number: int, pid: int, channel: Channel, lifeline: int, lanes: tuple[Lane, Lane], endings: list[Ending]
    ) -> None:
        self.number = number
        self.pid = pid
        self.channel = channel
        self.lifeline = lifeline
        self.lanes = lanes
        self.endings = endings
        self.ready = False
        self.retiring: bool = False
        """It gets no more jobs."""
        self.outworn = False
        """It works until another has taken its place."""
        self.limit: int = 0
        """How many jobs it may have at once while suspects are among them."""
        self.coming: dict[bool, int] = {False: 0, True: 0}
        """Suspects that have been claimed for it and not yet given."""
        self.ended: bool = False
        self.doubtful = False
        """New code arrived while it started: it may have imported some of the old."""
        self.started_at: int = clock.now()
        self.files: list[FileState] = []
        self._last_number = 0
        self._taken_back: list[int] = []
        self._done = 0
        self._leaves_at = 0.0
        self._weighed_at = clock.monotonic()

    @property
    def is_busy(self) -> bool:
        """Whether it is at a job."""
        return any(lane.begun for lane in self.lanes)

    @property
    def is_idle(self) -> bool:
        """Whether it has no job at all."""
        return not any(lane.begun or lane.ahead for lane in self.lanes)

    @property
    def is_apart(self) -> bool:
        """Whether it has suspects: then it has nothing else."""
        return self.limit > 0

    @property
    def takes_jobs(self) -> bool:
        return self.ready and not self.retiring and not self.is_apart

    @property
    def number_of_jobs(self) -> int:
        """Those begun, those ahead, and suspects that are coming."""
        return sum(self.coming.values()) + sum(len(lane.begun) + len(lane.ahead) for lane in self.lanes)

    def takes_suspect(self, concurrent: bool) -> bool:
        lane = self.lanes[concurrent]
        if not self.ready or self.retiring or lane.is_silent or lane.free <= self.coming[concurrent]:
            return False
        return self.number_of_jobs < self.limit if self.is_apart else self.is_idle

    def takes(self, concurrent: bool) -> int:
        """How many jobs of this kind it takes now."""
        lane = self.lanes[concurrent]
        return lane.room if self.takes_jobs and not lane.is_silent else 0

    def could_begin(self, concurrent: bool) -> int:
        """How many it would begin at once."""
        lane = self.lanes[concurrent]
        return lane.free if self.takes_jobs and not lane.is_silent else 0

    # -- jobs ----------------------------------------------------------------------------------------------

    def expect(self, concurrent: bool, suspect: Work) -> None:
        """This one will be given to it, if it can be."""
        self.limit = min(self.limit or suspect.company, suspect.company)
        self.coming[concurrent] += 1

    def expect_no_more(self) -> None:
        self.coming = {False: 0, True: 0}
        self._end_limit()

    def give(self, concurrent: bool, works: Iterable[Work]) -> None:
        """Send jobs, then their tickets."""
        lane = self.lanes[concurrent]
        self.coming[concurrent] = 0
        sent, numbers = [], []
        for work in works:
            self._last_number += 1
            lane.put(Assignment(self._last_number, work))
            sent.append(_as_sent(self._last_number, work))
            numbers.append(self._last_number)
        self.channel.send((self._taken_back, sent))
        self._taken_back = []
        lane.tickets.hand_out(numbers)

    def hear_outcome(self, number: int, seconds: float, *outcome: Any) -> None:
        """The worker says what an attempt came to."""
        for lane in self.lanes:
            if (given := lane.end(number, seconds)) is not None:
                lane.tickets.hand_out()
                self._done += 1
                self._end_limit()
                self._leaves_at = clock.monotonic() + FAREWELL
                self.endings.append(Ending(given.work, self.pid, Outcome(*outcome), given.verdict))

    def work_with(self, number: int) -> Work | None:
        """The running job with this ticket."""
        given = self.lanes[0].begun.get(number) or self.lanes[1].begun.get(number)
        return None if given is None else given.work

    def take_back(self) -> bool:
        """What it hasn't begun goes back into the store, so that others may have it. Whether there was something."""
        taken = [given for lane in self.lanes for given in lane.take_back()]
        self._taken_back += [given.number for given in taken]
        self.endings.extend(Ending(given.work, self.pid, verdict="not begun") for given in taken)
        self._end_limit()
        return bool(taken)

    def take_back_unbegun(self, lane: Lane) -> bool:
        """Take back what it could have begun in this lane and hasn't. Whether there was something: then it stands still."""
        before = len(lane.begun)
        self.take_back()
        if stands_still := len(lane.begun) < before:
            lane.knock()
        return stands_still

    def _end_limit(self) -> None:
        if self.limit and self.is_idle and not any(self.coming.values()):
            self.limit = 0

    def cancel(self, work: Work) -> None:
        """End an attempt because its job was cancelled."""
        self.take_back()
        ordinary, coroutines = ([given for given in lane.begun.values() if given.work is work] for lane in self.lanes)
        if ordinary:
            self.end("cancelled", ordinary)
        for given in coroutines:
            if not given.verdict:
                self.lanes[True].withdraw(given, "cancelled", clock.monotonic() + WITHDRAWAL)

    def end_overdue(self, now: float) -> None:
        """End the attempts that take longer than their timeout: coroutines alone, others with all of the worker."""
        if self.retiring and not self.is_busy and now >= self._leaves_at:
            self.end("shutdown")  # a thread of the application's, or of a job's, keeps it from ending by itself
        ordinary, coroutines = self.lanes
        late = ordinary.overdue(now)
        for given in coroutines.overdue(now):
            if given.verdict:  # it has been told, and didn't end
                late.append(given)
            else:
                coroutines.withdraw(given, "timeout", now + WITHDRAWAL)
        if late:
            self.take_back()
            if late := [given for given in late if given.number in ordinary.begun or given.number in coroutines.begun]:
                self.end("timeout", late)

    # -- its end -------------------------------------------------------------------------------------------

    def retire(self) -> None:
        """Give it no more jobs: it ends after those that it is at."""
        self.retiring = True
        self.take_back()
        self.lanes[False].tickets.close_writing()  # by the other's it may still be told to cancel a coroutine
        self._leaves_at = clock.monotonic() + FAREWELL
        self.flush()

    def next_deadline(self) -> float | None:
        """The monotonic moment at which a job of it has taken too long, or it has without any: see ``end_overdue``."""
        moments = [lane.next_deadline() for lane in self.lanes]
        if self.retiring and not self.ended and not self.is_busy:
            moments.append(self._leaves_at)
        return min((moment for moment in moments if moment is not None), default=None)

    def flush(self) -> None:
        """Write what waits to be written; once all is, a retiring worker is told that nothing follows."""
        self.channel.flush()
        if self.retiring and not self.channel.pending:
            self.channel.close_writing()

    def end(self, verdict: str, assignments: Iterable[Assignment] | None = None) -> None:
        """End it now, with everything its jobs started. ``verdict`` says why, for these attempts (None: for all)."""
        if self.ended:
            return
        self.take_back()
        concerned = None if assignments is None else set(assignments)
        for given in (given for lane in self.lanes for given in lane.assignments):
            if not given.verdict:
                given.verdict = verdict if concerned is None or given in concerned else "innocent"
        self.retiring = self.ended = True
        kill_group(self.pid)

    def bury(self, exit_status: str) -> None:
        """It has ended: what that means for the jobs it had."""
        self.take_back()
        running = [given for lane in self.lanes for given in lane.assignments]
        self.endings.extend(
            Ending(given.work, self.pid, verdict=given.verdict or "lost", exit_status=exit_status, running=len(running))
            for given in running
        )
        self.channel.close()
        for lane in self.lanes:
            lane.tickets.close()
        with contextlib.suppress(OSError):
            os.close(self.lifeline)

    # -- its state -----------------------------------------------------------------------------------------

    def wears_out(self, settings: Settings) -> bool:
        """Whether it has run as many jobs, or holds as much memory, as the settings allow; or they want other workers now."""
        if [lane.slots for lane in self.lanes] != [settings.threads, settings.coroutines]:
            return True
        if settings.max_jobs and self._done >= settings.max_jobs:
            return True
        if not settings.max_memory_mb or not self._done or clock.monotonic() - self._weighed_at < 1:
            return False
        self._weighed_at = clock.monotonic()
        return resident_megabytes(self.pid) > settings.max_memory_mb

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


def _as_sent(number: int, work: Work) -> Message:
    """As ``autocron.worker.inbox.SentJob`` has it."""
    claim, policy = work.claim, None if work.policy is DEFAULT_POLICY else work.policy
    last = work.failures >= work.policy.retries
    return (
        number,
        claim.job,
        work.uuid,
        work.task,
        work.arguments,
        work.context,
        claim.attempt,
        work.schedule,
        last,
        policy,
    )
