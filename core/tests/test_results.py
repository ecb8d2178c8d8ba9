"""``TaskResult``: every promised name, on a store's engine, in any process."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import autocron
from autocron import (
    CANCELLED,
    DONE,
    ERROR,
    RUNNING,
    WAITING,
    InvalidStateError,
    JobNotFoundError,
    NotStartedError,
    Result,
    TaskFailed,
    TaskResult,
    clock,
    codec,
)
from autocron.engines import StoreEngine
from autocron.errors import EncodingError
from autocron.hosts import Host
from autocron.model import Settings, Work
from autocron.options import Options
from autocron.store import SqliteStore
from autocron.tasks import Task

APPLICATION = 1


def work(*args: Any, key: int = 0) -> Any:
    """What it returns is up to the tests."""


class Bench:
    """A store's engine without processes: the test is the supervisor."""

    def __init__(self, path: Path) -> None:
        self.store = SqliteStore(path, create=True)
        self.rings = 0
        self.engine = StoreEngine(self.store, Settings(timezone="Europe/Berlin"), lambda request: APPLICATION, self.ring)
        self.task: Task[..., Any] = Task(work, Options(), lambda: self.engine)

    def ring(self) -> None:
        self.rings += 1

    def claim(self) -> Work:
        now = clock.now()
        self.store.promote(now)
        (claimed,) = self.store.claim(APPLICATION, 1, "me", now)
        return claimed

    def finish(self, value: Any = None) -> None:
        self.store.finish(self.claim().claim, codec.encode_value(value), 7, clock.now() + 10**9, clock.now())

    def fail(self, error: str = "ValueError: no", traceback: str = "Traceback ...\nValueError: no") -> None:
        self.store.fail(self.claim().claim, error, traceback, 7, clock.now() + 10**9, clock.now())


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    made = Bench(tmp_path / "jobs.db")
    monkeypatch.setattr("autocron.results._default_sources", [lambda: made.engine])
    yield made
    made.store.close()


# -- what it is --------------------------------------------------------------------------------------------


def test_a_handle_tells_what_was_asked_for(bench: Bench) -> None:
    before = dt.datetime.now(dt.UTC) - dt.timedelta(microseconds=1)
    handle = bench.task.options(queue="mail", priority=7)((1, "a"), key=2)
    assert handle.arguments == (((1, "a"),), {"key": 2})
    assert (handle.queue, handle.priority, handle.worker) == ("mail", 7, None)
    assert before <= handle.created_at <= dt.datetime.now(dt.UTC)


def test_a_handle_tells_of_each_attempt_that_failed(bench: Bench) -> None:
    handle = bench.task()
    assert handle.failed_attempts == []
    now = clock.now()
    bench.store.retry_later(bench.claim().claim, "ValueError: first", "its traceback", 7, now, now)
    bench.store.retry_later(bench.claim().claim, "the worker died", "", 0, now, now, lost=True)
    assert handle.worker is None  # the last attempt hasn't ended the job
    bench.finish("well")
    first, second = handle.failed_attempts
    assert (first.number, first.outcome, first.worker) == (1, "error", 7)
    assert (first.error_message, first.traceback) == ("ValueError: first", "its traceback")
    assert (second.number, second.outcome, second.worker, second.error_message) == (2, "lost", None, "the worker died")
    assert second.started_at is not None
    assert second.started_at.tzinfo is not None
    assert handle.attempts == 3
    assert TaskResult.get(handle.uuid).worker == 7


def test_a_waiting_job(bench: Bench) -> None:
    handle = bench.task(1)
    assert (handle.status, handle.is_ready, handle.is_waiting, handle.has_error) == (WAITING, False, True, False)
    assert (handle.result, handle.error_message, handle.traceback, handle.attempts) == (None, "", "", 0)
    assert (handle.started_at, handle.finished_at) == (None, None)
    assert handle.status == "waiting"
    assert handle.task == f"{__name__}.work"
    assert abs(handle.run_at - dt.datetime.now(dt.UTC)) < dt.timedelta(seconds=10)


def test_a_running_job_is_still_waited_for(bench: Bench) -> None:
    handle = bench.task(1)
    bench.claim()
    assert (handle.status, handle.is_ready, handle.is_waiting) == (RUNNING, False, True)
    assert handle.attempts == 1
    assert handle.started_at is not None
    assert handle.started_at.tzinfo is not None


def test_a_job_that_is_done(bench: Bench) -> None:
    handle = bench.task(1)
    bench.finish({"a": (1, 2)})
    assert (handle.status, handle.is_ready, handle.is_waiting, handle.has_error) == (DONE, True, False, False)
    assert handle.result == {"a": (1, 2)}
    assert isinstance(handle.result["a"], tuple)
    assert handle.finished_at is not None
    assert handle.started_at is not None
    assert handle.finished_at >= handle.started_at
    assert handle.wait() == {"a": (1, 2)}


def test_a_job_that_failed(bench: Bench) -> None:
    handle = bench.task(1)
    bench.fail()
    assert (handle.status, handle.is_ready, handle.is_waiting, handle.has_error) == (ERROR, True, False, True)
    assert (handle.result, handle.error_message) == (None, "ValueError: no")
    assert handle.traceback.startswith("Traceback")


@pytest.mark.parametrize("finished", [False, True])
def test_the_older_names_mean_the_same(bench: Bench, finished: bool) -> None:
    handle = bench.task(1)
    if finished:
        bench.finish(5)
    assert (handle.ready, handle.waiting, handle.function_result) == (handle.is_ready, handle.is_waiting, handle.result)
    assert Result is TaskResult


def test_none_is_a_value_like_any_other(bench: Bench) -> None:
    handle = bench.task(1)
    bench.finish(None)
    assert (handle.is_ready, handle.result, handle.wait(5)) == (True, None, None)


def test_a_handle_is_found_again_by_its_uuid(bench: Bench) -> None:
    handle = bench.task(1)
    again = TaskResult.get(handle.uuid)
    assert again == handle
    assert hash(again) == hash(handle)
    assert again != bench.task(1)
    assert repr(handle) == f"<TaskResult {handle.uuid}>"


@pytest.mark.parametrize("uuid", ["", "nonsense", "00000000-0000-8001-8000-000000000000", 5])
def test_an_unknown_uuid_is_a_lookup_error(bench: Bench, uuid: Any) -> None:
    with pytest.raises(JobNotFoundError, match=r"no job .*expired .*or it was made in another database") as raised:
        _ = TaskResult.get(uuid)
    assert isinstance(raised.value, LookupError)


def test_a_handle_keeps_what_it_read_at_the_end(bench: Bench) -> None:
    read, unread = bench.task(1), bench.task(2)
    for _ in range(2):
        bench.finish(5)
    assert read.result == 5
    bench.store.expire(clock.now() + 10**12, 10)
    assert (read.status, read.result) == (DONE, 5)
    for ask in (lambda: unread.status, lambda: unread.result, lambda: unread.wait(1), unread.cancel, unread.retry):
        with pytest.raises(JobNotFoundError):
            ask()


# -- waiting -----------------------------------------------------------------------------------------------


def test_wait_returns_as_soon_as_the_job_is_done(bench: Bench) -> None:
    handle = bench.task(1)
    finisher = threading.Timer(0.1, bench.finish, ("value",))
    finisher.start()
    began = time.monotonic()
    assert handle.wait(30) == "value"
    assert time.monotonic() - began < 5
    finisher.join()


@pytest.mark.parametrize("timeout", [0, 0.05])
def test_wait_gives_up_and_the_job_goes_on(bench: Bench, timeout: float) -> None:
    handle = bench.task(1)
    with pytest.raises(
        TimeoutError, match=rf"job {handle.uuid} .* is still waiting; no worker has taken it yet after {timeout} s"
    ):
        handle.wait(timeout)
    bench.finish(5)
    assert handle.wait(timeout) == 5


def test_g30_a_timeout_says_what_a_held_job_waits_for(bench: Bench) -> None:
    handle = bench.task(1)
    bench.store.hold(bench.claim().claim, "the running code has no task work", clock.now())
    with pytest.raises(TimeoutError, match="waits for newer code: the running code has no task work"):
        handle.wait(0)


def test_waiting_for_a_failure_raises_it(bench: Bench) -> None:
    handle = bench.task(1)
    bench.fail()
    with pytest.raises(TaskFailed, match="ValueError: no") as raised:
        handle.wait(5)
    assert (raised.value.error_message, raised.value.traceback) == ("ValueError: no", handle.traceback)


def test_waiting_for_a_cancelled_job_raises_too(bench: Bench) -> None:
    handle = bench.task(1)
    handle.cancel()
    with pytest.raises(TaskFailed, match="work was cancelled"):
        handle.wait(5)


def test_await_leaves_the_loop_free(bench: Bench) -> None:
    handle, failing = bench.task(1), bench.task(2)

    async def both() -> list[Any]:
        async def finish_later() -> None:
            await asyncio.sleep(0.05)
            bench.finish("value")
            bench.fail()

        finisher = asyncio.create_task(finish_later())
        ended = await asyncio.gather(handle, failing, return_exceptions=True)
        await finisher
        return list(ended)

    value, error = asyncio.run(both())
    assert value == "value"
    assert isinstance(error, TaskFailed)


def test_await_can_have_a_timeout(bench: Bench) -> None:
    async def impatient() -> None:
        async with asyncio.timeout(0.05):
            await bench.task(1)

    with pytest.raises(TimeoutError):
        asyncio.run(impatient())


# -- cancel and retry --------------------------------------------------------------------------------------


def test_cancel_says_whether_it_came_in_time(bench: Bench) -> None:
    waiting, done = bench.task(1), bench.task(2)
    assert waiting.cancel() is True
    assert waiting.status == CANCELLED
    bench.finish(5)
    assert done.cancel() is False
    assert done.result == 5


def test_cancel_and_retry_wake_the_supervisor(bench: Bench) -> None:
    handle = bench.task(1)
    assert bench.rings == 1
    bench.claim()
    assert handle.cancel() is True
    assert handle.status is RUNNING
    assert bench.rings == 2
    (claim,) = bench.store.cancel_requests()
    bench.store.cancelled(claim, 7, clock.now() + 10**9, clock.now())
    handle.retry()
    assert bench.rings == 3


@pytest.mark.parametrize("ended", ["failed", "cancelled"])
def test_retry_runs_a_failed_or_cancelled_job_again(bench: Bench, ended: str) -> None:
    handle = bench.task(1)
    if ended == "failed":
        bench.fail()
    else:
        handle.cancel()
    assert handle.is_ready
    handle.retry()
    assert handle.status is WAITING
    bench.finish("second time")
    assert handle.wait(5) == "second time"


def test_retry_of_a_job_in_another_state_says_in_which(bench: Bench) -> None:
    handle = bench.task(1)
    with pytest.raises(InvalidStateError, match=f"job {handle.uuid} is waiting; only a job that ended with an error or was"):
        handle.retry()
    bench.finish(5)
    with pytest.raises(InvalidStateError, match="is done"):
        handle.retry()
    assert handle.result == 5


# -- the call ----------------------------------------------------------------------------------------------


def test_a_call_stores_its_arguments_exactly(bench: Bench) -> None:
    _ = bench.task((1, 2), key=3)
    assert codec.decode_call(bench.claim().arguments) == (((1, 2),), {"key": 3})


def test_g20_an_argument_that_cannot_be_stored_is_refused_at_the_call(bench: Bench) -> None:
    with pytest.raises(EncodingError, match="work"):
        _ = bench.task(object())
    with pytest.raises(EncodingError):
        bench.task.map([(1,), (object(),)])
    assert bench.store.jobs() == []
    assert bench.rings == 0


def test_options_of_a_call_reach_its_job(bench: Bench) -> None:
    naive = dt.datetime(2100, 1, 1, 13)
    handle = bench.task.options(at=naive, priority=4, queue="mail", retries=2)(1)
    assert handle.run_at == dt.datetime(2100, 1, 1, 12, tzinfo=dt.UTC)
    (stored,) = bench.store.jobs()
    assert (stored.priority, stored.queue) == (4, "mail")


def test_unique_calls_are_those_with_the_same_arguments_or_key(bench: Bench) -> None:
    unique = bench.task.options(unique=True)
    first = unique(1, key=2)
    assert unique(1, key=2) == first
    assert unique(1, key=3) != first
    assert unique(1.0, key=2) != first
    assert bench.task(1, key=2) != first
    by_key = bench.task.options(unique="k")
    assert by_key(1) == by_key(2)
    assert by_key(1) != bench.task.options(unique="l")(1)


def test_a_call_before_start_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autocron.hosts.this_process", lambda: Host.SERVER)
    instance = autocron.Autocron()
    task = instance.delay(work)
    for ask in (task, instance.get_results):
        with pytest.raises(NotStartedError, match=r'call autocron\.start\("project\.db"\) first.*\.call\(\.\.\.\)'):
            ask()
