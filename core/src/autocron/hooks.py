"""What an application has hung around its jobs: ``around_job``, ``on_error``, ``on_missed``, ``carry``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, TypeVar

from autocron.current import CurrentJob
from autocron.errors import TaskDefinitionError, TaskFailed
from autocron.logs import logger_named

if TYPE_CHECKING:
    import datetime as dt

logger: Final = logger_named("autocron.worker")

Around = Callable[
    [],
    AbstractContextManager[object] | AbstractAsyncContextManager[object] | Iterator[Any] | AsyncIterator[Any],
]
"""What ``around_job`` takes: a generator function that yields once, or what returns a context manager."""

OnError = Callable[[CurrentJob, BaseException], object]
OnMissed = Callable[[str, "dt.datetime", str], object]

A = TypeVar("A", bound=Around)
E = TypeVar("E", bound=OnError)
M = TypeVar("M", bound=OnMissed)

# Each by the dotted name of its function: a module that is loaded again replaces its own.
_around: dict[str, Callable[[], AbstractContextManager[object]]] = {}
_around_async: dict[str, Callable[[], AbstractAsyncContextManager[object]]] = {}
_on_error: dict[str, OnError] = {}
_on_missed: dict[str, OnMissed] = {}


class Hooking(ABC):
    """What ``Autocron`` offers around jobs. Hooks work for all jobs of the process, whichever instance they are hung on."""

    @abstractmethod
    def _import_in_workers(self, module: str, hook: str) -> None:
        """See to it that workers import this module, also if it has no task, and that the supervisor knows what for."""

    def around_job(self, function: A) -> A:
        """Run a context manager around every attempt of every job, in the worker and wherever calls run inline.

        The function is a generator that yields once (``contextlib.contextmanager`` is put around it), or returns a
        context manager; it takes no arguments, ``current_job()`` works inside. With several, the first is outermost; all
        are inside of what the framework's adapter sets up. What it raises fails the attempt. An exception of the task is
        raised at the ``yield``, and fails the attempt even where it is swallowed.

        An ``async`` generator (or what returns an asynchronous context manager) is entered around tasks that are
        ``async def``, and only around those. Raises TaskDefinitionError for what is no function.
        """
        import inspect  # dear, and only who hangs something around jobs pays for it

        name = _name_of(function, "@around_job")
        factory: Any = function
        if inspect.iscoroutinefunction(function):
            raise TaskDefinitionError(f"@around_job: {name} is a coroutine; write a generator that yields once")
        if inspect.isasyncgenfunction(function):
            factory = asynccontextmanager(factory)
        elif inspect.isgeneratorfunction(function):
            factory = contextmanager(factory)
        hooks = _around_async if inspect.isasyncgenfunction(inspect.unwrap(function)) else _around
        hooks[name] = factory
        self._import_in_workers(function.__module__, "around_job")
        return function

    def on_error(self, function: E) -> E:
        """Call ``function(job, error)`` whenever a job has failed for good, in a worker: no attempt is left.

        ``job`` is what ``current_job()`` returns, ``error`` the exception that the task raised, with its traceback.
        The job isn't stored as failed before the hook is through, so it should be quick. Where the attempt was ended
        from outside, any worker is told afterwards, by a job of its own (in the queue "autocron.hooks"): ``error`` is
        then a TimeoutError, or a TaskFailed that says what became of the worker. An exception in the hook is logged and
        changes nothing.
        """
        _on_error[_plain_name(function, "@on_error")] = function
        self._import_in_workers(function.__module__, "on_error")
        return function

    def on_missed(self, function: M) -> M:
        """Call ``function(schedule, slot, reason)`` in a worker when a schedule's slot made no job.

        ``schedule`` is its name, ``slot`` the newest moment that was missed (aware, UTC). ``reason`` is "misfire" (too
        late by ``misfire="skip"`` or ``grace``), "overlap" (its last job hasn't ended) or "broken" (workers can't import
        its function; said once, with the next slot). An exception in it is logged and changes nothing.
        """
        _on_missed[_plain_name(function, "@on_missed")] = function
        self._import_in_workers(function.__module__, "on_missed")
        return function

    def carry(self, *variables: ContextVar[Any]) -> None:
        """Have context variables travel with jobs: read at the call, set again around each attempt.

        Only a variable that is set at the call travels; its value must be one that the codec can store, or the call
        raises EncodingError. Jobs know variables by name. Raises ConfigurationError for what is no context variable.
        """
        import inspect

        from autocron import carried

        carried.add_variables(*variables)
        frame = inspect.currentframe()
        caller = frame.f_back if frame is not None else None
        if caller is not None:
            self._import_in_workers(str(caller.f_globals.get("__name__", "__main__")), "carry")


def around_factories(task: str) -> list[Callable[[], AbstractContextManager[object]]]:
    """The context managers to enter around an attempt of this task; not around what is autocron's own."""
    return [] if task.startswith("autocron.hooks.") else list(_around.values())


def async_around_factories() -> list[Callable[[], AbstractAsyncContextManager[object]]]:
    """Those to enter around the attempts of ``async`` tasks besides."""
    return list(_around_async.values())


def report_error(job: CurrentJob, error: BaseException) -> None:
    """Tell the application that a job has failed for good."""
    for name, hook in list(_on_error.items()):
        try:
            hook(job, error)
        except BaseException:  # whatever it is, it harms no job
            logger.exception("the hook %s failed for job %s (%s)", name, job.uuid, job.task)


def report_missed(schedule: str, slot: dt.datetime, reason: str) -> None:
    """Tell the application that a slot of a schedule made no job."""
    for name, hook in list(_on_missed.items()):
        try:
            hook(schedule, slot, reason)
        except BaseException:
            logger.exception("the hook %s failed for a missed slot of %s", name, schedule)


def tell_failed(uuid: str, task: str, attempt: int, schedule: str | None, verdict: str, error: str) -> None:
    """A worker's job when another's attempt was ended from outside, and for good."""
    message = error.removeprefix("TimeoutError: ")
    reason = TimeoutError(message) if verdict == "timeout" else TaskFailed(message)
    report_error(CurrentJob(uuid, task, attempt=attempt, schedule=schedule), reason)


def tell_missed(schedule: str, slot: dt.datetime, reason: str) -> None:
    """A worker's job when a slot has made none."""
    report_missed(schedule, slot, reason)


def imported(module: object, hooks: Sequence[str]) -> None:
    """A worker setup that does nothing: its module has been imported, and with it the hooks in it."""


def _plain_name(function: Callable[..., object], where: str) -> str:
    import inspect

    name = _name_of(function, where)
    if inspect.iscoroutinefunction(function):
        raise TaskDefinitionError(f"{where}: {name} is a coroutine; write it with `def`, without `async`")
    return name


def _name_of(function: Callable[..., object], where: str) -> str:
    name = getattr(function, "__qualname__", "")
    if not callable(function) or not name:
        raise TaskDefinitionError(f"{where} decorates a function of a module, not {function!r}")
    return f"{function.__module__}.{name}"
