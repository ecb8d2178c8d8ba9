"""Jobs that wait until the test runs them: a supervisor and a worker without processes, by a clock that the test moves.

Nothing is imitated: the store has the real one's tables and statements (in memory), slots become jobs in the supervisor's
clockwork, attempts run in the worker's pipeline, and the supervisor's rules decide what becomes of a job then.
"""

from __future__ import annotations

import datetime as dt
import inspect
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from autocron import app, clock, codec, hooks
from autocron.attempt import Attempt
from autocron.clock import MICROSECONDS
from autocron.current import CurrentJob, Notes, notes_of
from autocron.engines import StoreEngine
from autocron.errors import ConfigurationError
from autocron.model import Job, Launch, NewJob, Settings, Work
from autocron.options import DELAYS
from autocron.results import TaskResult
from autocron.store.memory import MemoryStore
from autocron.supervisor.clockwork import Clockwork
from autocron.supervisor.settling import settle
from autocron.supervisor.worker_process import Ending
from autocron.tasks import Request, Task, functions, task_name
from autocron.testing.moving import MovableClock

_OWNER = "test"


class Call(NamedTuple):
    """The arguments of one call of a task, as a worker would get them."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class Collected:
    """The jobs of a test. They wait, and so does the clock, until the test runs them or moves it.

    A job's attempts run here, in the thread that runs them; they take no time by this clock, so a ``timeout`` never
    ends one. Retries, delays, cron, periodic and at slots, priorities, unique keys, misfires and overlaps are what
    they are in the running system. Results don't expire.
    """

    def __init__(self, now: dt.datetime | None = None) -> None:
        if now is not None and now.tzinfo is None:
            raise ConfigurationError(f"now={now!r} must be aware, such as datetime(2027, 1, 1, tzinfo=UTC)")
        self._store = MemoryStore()
        self._engine = _CollectingEngine(self._store, Settings(), lambda _: self._application, lambda: None)
        self._clock = MovableClock(None if now is None else clock.from_datetime(now), self._sleep)
        self._clockwork = Clockwork(self._store)
        self._guard = threading.RLock()
        self._application = 0
        self._known: list[object] = []

    # -- what was called -----------------------------------------------------------------------------------

    @property
    def jobs(self) -> list[TaskResult[Any]]:
        """The handles of all jobs so far, the oldest first; those of schedules, too."""
        return [TaskResult(self._engine, job.uuid, job) for job in self._all()]

    @property
    def now(self) -> dt.datetime:
        """What the clock shows, aware, in UTC."""
        return clock.to_datetime(self._clock.wall)

    def calls(self, task: Callable[..., Any]) -> list[Call]:
        """The calls of one task so far, the oldest first; of a scheduled function, the jobs of its slots."""
        name = task.name if isinstance(task, Task) else task_name(task)
        return [Call(*codec.decode_call(job.arguments)) for job in self._all() if job.task == name]

    def assert_called(self, task: Callable[..., Any], *args: Any, times: int | None = None, **kwargs: Any) -> None:
        """Fail unless the task was called: so often (None: at least once), with these arguments (none: with any).

        How an argument was passed, by position or by name, makes no difference, and defaults are filled in.
        """
        calls = self.calls(task)
        wanted = _described(task, Call(args, kwargs)) if args or kwargs else None
        found = len(calls) if wanted is None else sum(_described(task, call) == wanted for call in calls)
        if found == times if times is not None else found:
            return
        name = getattr(task, "__name__", repr(task))
        what = f"{name}{_shown(Call(args, kwargs))}" if wanted is not None else name
        often = "at least once" if times is None else f"{times} times"
        shown = "".join(f"\n  {name}{_shown(call)}" for call in calls) or " none"
        raise AssertionError(f"{what} should have been called {often}, but was called {found} times; all its calls:{shown}")

    def assert_not_called(self, task: Callable[..., Any]) -> None:
        """Fail if the task was called at all."""
        self.assert_called(task, times=0)

    # -- running it ----------------------------------------------------------------------------------------

    def run_pending(self) -> list[TaskResult[Any]]:
        """Run everything that could start now, also what these jobs call in turn, until nothing is left.

        In the order in which a single worker would: by priority, then as they came. Returns the handles of the jobs
        that had an attempt, in order. A job's failure is in its handle: ``wait()`` raises it.
        """
        ran: list[TaskResult[Any]] = []
        with self._guard:
            while True:
                self._fire()
                self._store.promote(self._clock.wall)
                works = self._store.claim(self._application, 1, _OWNER, self._clock.wall)
                if not works:
                    return ran
                self._attempt(works[0])
                ran.append(TaskResult(self._engine, works[0].uuid))

    def advance(
        self,
        *,
        weeks: float = 0,
        days: float = 0,
        hours: float = 0,
        minutes: float = 0,
        seconds: float = 0,
        to: dt.datetime | None = None,
        running: bool = True,
    ) -> list[TaskResult[Any]]:
        """Let time pass: the clock stops at every moment at which something is due, which runs then.

        The durations are added up, or ``to`` says until when (aware). With ``running=False`` nothing runs meanwhile, as
        if everything had been shut down; what is due afterwards is run by the next ``run_pending`` or ``advance``.
        Returns the handles of the jobs that had an attempt, in order.
        """
        given = {"weeks": weeks, "days": days, "hours": hours, "minutes": minutes, "seconds": seconds}
        target = self._clock.wall + round(sum(DELAYS[name] * value for name, value in given.items()) * MICROSECONDS)
        if to is not None:
            if to.tzinfo is None:
                raise ConfigurationError(f"advance(to={to!r}) must be aware, such as datetime(2027, 1, 1, tzinfo=UTC)")
            target = clock.from_datetime(to)
        if target < self._clock.wall:
            raise ConfigurationError(f"advance() goes forwards only; it is {self.now} already")
        if not running:
            self._register_schedules()
            self._clock.move_to(target)
            return []
        ran: list[TaskResult[Any]] = []
        with self._guard:
            while True:
                ran += self.run_pending()
                upcoming = self._next_moment()
                if upcoming is None or upcoming > target:
                    break
                self._clock.move_to(max(upcoming, self._clock.wall))
            self._clock.move_to(max(target, self._clock.wall))
        return ran

    # -- inside --------------------------------------------------------------------------------------------

    def begin(self) -> Callable[[], None]:
        """Take the place of all engines and of the clock. Returns what ends that."""
        self._clock.take_over()
        give_back = app.substitute_engine(self._engine)
        self._register_schedules()

        def end() -> None:
            give_back()
            self._clock.give_back()
            self._store.close()

        return end

    def _all(self) -> list[Job]:
        return self._store.jobs()[::-1]

    def _register_schedules(self) -> None:
        """Those that are new since the last time count from now."""
        declared = {name: each for instance in app.instances() for name, each in instance.declared.items()}
        new = {name: each for name, each in declared.items() if each not in self._known}
        if self._known and not new:
            return
        self._known += new.values()
        now = self._clock.wall
        zone = self._engine.settings.timezone or None
        scheduled = [each.scheduled(name, zone, now)._replace(concurrent=False) for name, each in new.items()]
        self._application = self._store.register(Launch("", "", ()), {}, scheduled, now)
        self._clockwork.reload()

    def _fire(self) -> None:
        self._register_schedules()
        self._clockwork.fire([self._application])
        for schedule, slot, reason in self._clockwork.missed:
            hooks.report_missed(schedule.name, clock.to_datetime(slot), reason)
        self._clockwork.missed.clear()

    def _next_moment(self) -> int | None:
        moments = (self._clockwork.next_moment([self._application]), self._store.next_run_at())
        return min((moment for moment in moments if moment is not None), default=None)

    def _attempt(self, work: Work) -> None:
        current = CurrentJob(work.uuid, work.task, attempt=work.claim.attempt, schedule=work.schedule, notes=Notes())
        outcome = Attempt(
            current,
            self._engine.function_of(work.task),
            work.arguments,
            work.policy,
            work.context,
            self._engine.settings.serializer,
            last=work.policy.retry_delay(work.failures + 1, 0.0) is None,
        ).run()
        now = self._clock.wall
        if told := notes_of(current).take():
            self._store.note(work.claim, *told, now)
        settle(self._store, Ending(work, os.getpid(), outcome), self._engine.settings, now)

    def _sleep(self, seconds: float) -> None:
        """Somebody waits for a job: time passes, and what becomes due runs. It moves on by a microsecond at least."""
        self.advance(seconds=max(seconds, 1e-6) if seconds > 0 else 0)


class _CollectingEngine(StoreEngine):
    """Stores jobs as always. One kind of jobs is enough here, where nothing runs beside another."""

    def function_of(self, task: str) -> Callable[..., Any]:
        return functions[task]

    def _check_main_module(self, task: str) -> None:
        """Jobs run where the main module is."""

    def _new_job(self, request: Request, now: int) -> NewJob:
        return super()._new_job(request, now)._replace(concurrent=False)


@contextmanager
def collected(*, now: dt.datetime | None = None) -> Iterator[Collected]:
    """Inside, calls of tasks make jobs that wait for the test, whatever ``start()`` was called with.

    ``now`` is what the clock shows at first (aware), the real time by default. It holds for all of autocron, not for the
    code under test. Schedules count from here.
    """
    jobs = Collected(now)
    end = jobs.begin()
    try:
        yield jobs
    finally:
        end()


def _described(task: Callable[..., Any], call: Call) -> dict[str, Any]:
    """The values of all parameters by name."""
    function = task.function if isinstance(task, Task) else task
    bound = inspect.signature(function).bind(*call.args, **call.kwargs)
    bound.apply_defaults()
    return dict(bound.arguments)


def _shown(call: Call) -> str:
    parts: Sequence[str] = [*map(repr, call.args), *(f"{name}={value!r}" for name, value in call.kwargs.items())]
    return f"({', '.join(parts)})"
