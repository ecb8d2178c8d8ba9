"""G63: what surrounds a job, and its handle, have the right types; wrong uses are errors in mypy and in pyright.

As in ``g63_task_calls.py``, nothing runs here, and a wrong line that passed would fail the check.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Any, assert_type

import autocron
from autocron import testing

request_id: ContextVar[str] = ContextVar("request_id")


@autocron.delay
def count(start: int = 0) -> int:
    job = autocron.current_job()
    assert_type(job, autocron.CurrentJob | None)
    if job is not None:
        assert_type(job.uuid, str)
        assert_type(job.task, str)
        assert_type(job.attempt, int)
        assert_type(job.schedule, str | None)
        job.progress(1, 2.5)
        job.progress("1", 2)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        job.progress(1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    return start


# -- hooks -----------------------------------------------------------------------------------------------------


@autocron.around_job
def generator() -> Iterator[None]:
    yield


@autocron.around_job
@contextmanager
def manager() -> Iterator[int]:
    yield 5


@autocron.around_job
async def async_generator() -> AsyncIterator[None]:
    yield


@autocron.around_job
@asynccontextmanager
async def async_manager() -> AsyncIterator[None]:
    yield


@autocron.on_error
def alert(job: autocron.CurrentJob, error: BaseException) -> None: ...


@autocron.on_missed
def missed(schedule: str, slot: dt.datetime, reason: str) -> None: ...


def with_an_argument(job: str) -> Iterator[None]:
    yield


def no_context_manager() -> int:
    return 5


def only_the_job(job: autocron.CurrentJob) -> None: ...


def right_hooks() -> None:
    assert_type(next(generator()), None)
    with manager() as number:
        assert_type(number, int)
    instance = autocron.Autocron()
    instance.around_job(generator)
    instance.on_error(alert)
    instance.carry(request_id, ContextVar[int]("number"))
    autocron.carry(request_id)


def wrong_hooks() -> None:
    autocron.around_job(with_an_argument)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    autocron.around_job(no_context_manager)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    autocron.on_error(only_the_job)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    autocron.on_missed(alert)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    autocron.carry("request_id")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


# -- handles ---------------------------------------------------------------------------------------------------


def right_handles() -> None:
    handle = count()
    assert_type(handle.progress, tuple[float, float] | None)
    assert_type(handle.uuid, str)
    assert_type(handle.has_error, bool)
    assert_type(handle.traceback, str)
    assert_type(handle.attempts, int)
    assert_type(handle.run_at, dt.datetime)
    assert_type(handle.started_at, dt.datetime | None)
    assert_type(handle.finished_at, dt.datetime | None)
    assert_type(handle.cancel(), bool)
    assert_type(handle.function_result, int | None)
    assert_type(autocron.TaskResult.get("uuid"), autocron.TaskResult[Any])
    assert_type(count.call(1), Any)
    base: autocron.TaskResult[object] = handle  # a handle of an int is one of an object
    del base


def wrong_handles() -> None:
    handle = count()
    handle.wait("5")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    handle.result = 5  # pyright: ignore[reportAttributeAccessIssue]
    handle.resutl  # type: ignore[attr-defined]  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue]
    text: str = handle.result or ""  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    one = count.map([1, 2])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    two = count.options(at="tomorrow")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    three = autocron.delay(retries=3)(5)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    del text, one, two, three


# -- tests of applications -------------------------------------------------------------------------------------


def testing_an_application() -> None:
    with testing.collected(now=dt.datetime(2027, 1, 1, tzinfo=dt.UTC)) as jobs:
        assert_type(jobs, testing.Collected)
        assert_type(jobs.run_pending(), list[autocron.TaskResult[Any]])
        assert_type(jobs.advance(hours=3), list[autocron.TaskResult[Any]])
        assert_type(jobs.calls(count)[0].args, tuple[Any, ...])
        jobs.assert_called(count, 1, times=1)
        jobs.advance(hour=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    with testing.workers(workers=2) as running:
        assert_type(running, testing.RealWorkers)
    with testing.workers(wrokers=2):  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        pass
