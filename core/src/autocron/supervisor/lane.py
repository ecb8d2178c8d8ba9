"""The jobs of one kind that a worker has been given, as the supervisor sees them: those begun, and those sent ahead."""

from __future__ import annotations

from autocron import clock
from autocron.model import Work
from autocron.processes.tickets import KNOCK, Tickets

AHEAD_SECONDS = 0.03
"""How much work is sent ahead: by so much may a job that comes later, however urgent, be kept from starting."""

MOST_AHEAD = 64
"""Jobs: a transaction takes so many in and out for each worker, and callers wait for its end."""

LONG = 2 * AHEAD_SECONDS
"""Seconds after which nothing is sent ahead of a job any more."""

PATIENCE = 0.1
"""Seconds without an outcome after which what was sent ahead is taken back: the job in front of it is a long one."""

PATIENCE_BESIDE_IDLE = 0.005
"""The same while another worker has nothing to do."""


class Assignment:
    """A job in a worker's hands. ``deadline`` is monotonic; ``verdict`` says why the supervisor ended it."""

    __slots__ = ("deadline", "number", "verdict", "work")

    def __init__(self, number: int, work: Work) -> None:
        self.number: int = number
        self.work: Work = work
        self.deadline: float | None = None
        self.verdict: str = ""


class Lane:
    """``slots`` jobs at once; what was given beyond them waits in the worker until an earlier one has ended.

    Those that have begun needn't be told: the worker draws tickets in the order in which they were handed out, one for
    each outcome that it has sent.
    """

    def __init__(self, slots: int, *, ahead: bool) -> None:
        self.slots = slots
        self.tickets: Tickets = Tickets()
        self.begun: dict[int, Assignment] = {}
        self.ahead: dict[int, Assignment] = {}
        self.moved_at: float = 0.0
        self.given_at: float | None = None
        """Since when there is a job that could begin, and nobody knows whether it has; None while there is none."""
        self.is_silent: bool = False
        """Its worker didn't begin what it could have begun: it gets nothing more until it has said that it is there."""
        self._newest = 0
        self._pace = AHEAD_SECONDS if ahead else float("inf")
        """Seconds that its jobs take: at once what a long one took, slowly less with each shorter one."""

    @property
    def assignments(self) -> list[Assignment]:
        return [*self.begun.values(), *self.ahead.values()]

    @property
    def free(self) -> int:
        """How many jobs could begin at once."""
        return self.slots - len(self.begun)

    @property
    def room(self) -> int:
        """How many jobs it takes, those ahead included: none of these while it is at a long one."""
        if self.begun and clock.monotonic() - self.moved_at >= LONG:
            return self.free
        return max(0, self.free + min(MOST_AHEAD, int(AHEAD_SECONDS / self._pace)) - len(self.ahead))

    @property
    def seconds_ahead(self) -> float:
        """For how long it has work, once the job that it is at has ended."""
        return len(self.ahead) * self._pace / self.slots if self.ahead else 0.0

    def put(self, assignment: Assignment) -> None:
        """A job that is given to the worker, its ticket to be handed out next."""
        if self.free > 0:
            self.moved_at = clock.monotonic()
            self._begin(assignment)
        else:
            self.ahead[assignment.number] = assignment

    def end(self, number: int, seconds: float) -> Assignment | None:
        """A job has ended, after so many seconds; None if it isn't here any more. The next one has begun."""
        ended = self.begun.pop(number, None) or self.ahead.pop(number, None)
        if ended is not None:
            self._pace = max(seconds, 0.8 * self._pace + 0.2 * seconds, 0.000_001)
            self.moved_at = clock.monotonic()
            if number >= self._newest:  # tickets are drawn in order
                self.given_at = None
            if self.ahead and self.free > 0:
                self._begin(self.ahead.pop(next(iter(self.ahead))))
        return ended

    def take_back(self) -> list[Assignment]:
        """The jobs that the worker hasn't begun, and now won't."""
        taken = []
        for number in self.tickets.take_back():
            if number <= KNOCK:  # not a job but a knock, or a withdrawal, which stays
                self.tickets.hand_out((number,))
            elif (assignment := self.ahead.pop(number, None) or self.begun.pop(number, None)) is not None:
                taken.append(assignment)
        self.given_at = None
        return taken

    def knock(self) -> None:
        """Have the worker say when it draws tickets again."""
        self.is_silent = True
        self.tickets.hand_out((KNOCK,))

    def is_stuck(self, now: float, patience: float) -> bool:
        """Whether jobs wait behind one that takes long."""
        return bool(self.ahead) and now - self.moved_at >= patience

    def withdraw(self, assignment: Assignment, verdict: str, deadline: float) -> None:
        """Tell the worker to cancel a job on its event loop; it has until the deadline."""
        assignment.verdict, assignment.deadline = verdict, deadline
        self.tickets.hand_out((-assignment.number,))

    def next_deadline(self) -> float | None:
        """The monotonic moment at which the first of its jobs has taken too long."""
        return min((given.deadline for given in self.begun.values() if given.deadline is not None), default=None)

    def overdue(self, now: float) -> list[Assignment]:
        return [given for given in self.begun.values() if given.deadline is not None and given.deadline <= now]

    def _begin(self, assignment: Assignment) -> None:
        timeout = assignment.work.policy.timeout
        if timeout is not None:
            assignment.deadline = clock.monotonic() + timeout
        self.begun[assignment.number] = assignment
        self._newest = assignment.number
        if self.given_at is None:
            self.given_at = self.moved_at
