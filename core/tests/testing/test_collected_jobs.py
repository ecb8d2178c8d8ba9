"""G64: collected jobs run when the test says so, in order, by a clock that it moves; nothing sleeps, nothing is spawned."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from noon import NOON

from autocron import (
    CANCELLED,
    DONE,
    ERROR,
    WAITING,
    Autocron,
    ConfigurationError,
    EncodingError,
    TaskFailed,
    TaskResult,
    current_job,
    hooks,
    testing,
)
from autocron.store import database
from autocron.testing import Collected

said: list[Any] = []


@pytest.fixture(autouse=True)
def silence() -> None:
    said.clear()


def say(what: Any, *, loud: bool = False) -> Any:
    said.append(what)
    return what


async def say_later(what: Any) -> Any:
    await asyncio.sleep(0)
    return say(what)


def fail(what: str) -> None:
    say(what)
    raise ValueError(what)


def tick() -> None:
    job = current_job()
    assert job is not None
    assert job.schedule is not None
    say((job.schedule.rpartition(".")[2], job.attempt))


def tock() -> None:
    say("tock")


def fail_at_first() -> None:
    job = current_job()
    assert job is not None
    say(("attempt", job.attempt))
    if job.attempt == 1:
        raise ValueError("not yet")


def seconds_since_noon(jobs: Collected) -> float:
    return (jobs.now - NOON).total_seconds()


# -- calls -----------------------------------------------------------------------------------------------------


def test_g64_calls_wait_until_the_test_runs_them(instance: Autocron, jobs: Collected) -> None:
    task = instance.delay(say)
    handle = task((1, {"a"}))
    assert (said, handle.status, handle.result) == ([], WAITING, None)
    assert jobs.run_pending() == [handle]
    assert (said, handle.status, handle.result, handle.attempts) == ([(1, {"a"})], DONE, (1, {"a"}), 1)
    assert jobs.run_pending() == []
    assert TaskResult.get(handle.uuid).result == (1, {"a"})
    assert jobs.jobs == instance.get_results() == [handle]


def test_g64_start_changes_nothing_but_the_settings(instance: Autocron, jobs: Collected, tmp_path: Path) -> None:
    assert instance.start(tmp_path / "app.db", workers=3, serializer="pickle") is False
    handle = instance.delay(say)(3 + 4j)
    jobs.run_pending()
    assert handle.result == 3 + 4j
    instance.stop()
    assert instance.delay(say)("again").status == WAITING
    assert list(tmp_path.iterdir()) == []


def test_g64_arguments_and_results_go_through_the_codec(instance: Autocron, jobs: Collected) -> None:
    given = [1]
    handle = instance.delay(say)(given)
    given.append(2)
    jobs.run_pending()
    assert handle.result == [1]
    with pytest.raises(EncodingError):
        _ = instance.delay(say)(object())


def test_g64_jobs_run_by_priority_then_in_order_async_ones_among_them(instance: Autocron, jobs: Collected) -> None:
    for number, function in enumerate([say, say_later, say, say_later]):
        _ = instance.delay(function)(number)
    _ = instance.delay(priority=1)(say)("first")
    jobs.run_pending()
    assert said == ["first", 0, 1, 2, 3]


def test_g64_what_a_job_calls_runs_too(instance: Autocron, jobs: Collected) -> None:
    task = instance.delay(say)

    def call_another() -> str:
        return task("inner").uuid

    call_another.__qualname__ = "call_another"
    outer = instance.delay(call_another)()
    assert [handle.uuid for handle in jobs.run_pending()] == [outer.uuid, outer.wait()]
    assert said == ["inner"]


def test_g64_a_failure_is_in_the_handle_and_in_the_log(
    instance: Autocron, jobs: Collected, caplog: pytest.LogCaptureFixture
) -> None:
    handle = instance.delay(fail)("no such account")
    jobs.run_pending()
    assert (handle.status, handle.error_message) == (ERROR, "ValueError: no such account")
    with pytest.raises(TaskFailed, match="no such account"):
        handle.wait()
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    handle.retry()
    jobs.run_pending()
    assert said == ["no such account"] * 2


def test_g64_a_cancelled_job_never_runs(instance: Autocron, jobs: Collected) -> None:
    handle = instance.delay(say)("never")
    assert handle.cancel()
    assert jobs.advance(days=1) == []
    assert handle.status is CANCELLED


def test_g64_a_unique_job_is_made_once_while_it_waits(instance: Autocron, jobs: Collected) -> None:
    task = instance.delay(unique=True)(say)
    assert task(1) == task(1) != task(2)
    jobs.run_pending()
    assert said == [1, 2]
    assert task(1) in jobs.run_pending()


def test_g64_a_test_that_is_itself_the_main_module_can_define_tasks(tmp_path: Path) -> None:
    script = """
import autocron
from autocron import testing

@autocron.delay
def double(number):
    return 2 * number

with testing.collected() as jobs:
    handles = [double(4), *double.map([(5,), (6,)])]
    jobs.run_pending()
    assert [handle.result for handle in handles] == [8, 10, 12]
"""
    (tmp_path / "script.py").write_text(script)
    subprocess.run([sys.executable, tmp_path / "script.py"], check=True, env={**os.environ, "AUTOCRON_DISABLE": "1"})


# -- time ------------------------------------------------------------------------------------------------------


def test_g64_delays_retries_and_slots_run_in_their_order_without_sleeping(instance: Autocron, jobs: Collected) -> None:
    instance.cron("30 * * * *", dialect="unix", timezone="UTC")(tick)
    instance.periodic(minutes=45)(tock)
    began = time.monotonic()
    _ = instance.delay(hours=2, minutes=1)(say)("later")
    _ = instance.delay(at=NOON + timedelta(minutes=50))(say)("at")
    _ = instance.delay(retries=2, backoff=[600, 5400])(fail)("fails")
    ran = jobs.advance(hours=2, minutes=30)
    assert said == ["fails", "fails", ("tick", 1), "tock", "at", ("tick", 1), "tock", "fails", "later", "tock", ("tick", 1)]
    assert seconds_since_noon(jobs) == 9000
    assert [handle.task.rpartition(".")[2] for handle in ran][:6] == ["fail", "fail", "tick", "tock", "say", "tick"]
    assert [(h.run_at - NOON).total_seconds() for h in jobs.jobs if h.task.endswith(".tick")] == [1800, 5400, 9000]
    assert time.monotonic() - began < 60, "an hour of the test's clock takes no time"


def test_g64_each_moment_is_visited(instance: Autocron, jobs: Collected) -> None:
    seen: list[float] = []

    def look() -> None:
        seen.append(seconds_since_noon(jobs))

    look.__qualname__ = "look"
    task = instance.delay(look)
    for seconds in (30.5, 10, 20):
        _ = task.options(seconds=seconds)()
    jobs.advance(seconds=25)
    assert seen == [10, 20]
    jobs.advance(to=NOON + timedelta(minutes=1))
    assert seen == [10, 20, 30.5]
    assert seconds_since_noon(jobs) == 60


def test_g64_a_date_runs_once(instance: Autocron, jobs: Collected) -> None:
    instance.at("2027-03-02T00:00", args=["midnight"], timezone="UTC")(say)
    jobs.advance(hours=11.9)
    assert said == []
    jobs.advance(days=400)
    assert said == ["midnight"]
    jobs.assert_called(say, "midnight", times=1)


def test_g64_schedules_that_are_declared_later_count_from_then(instance: Autocron, jobs: Collected) -> None:
    jobs.advance(minutes=10)
    instance.periodic(hours=1)(tock)
    jobs.advance(minutes=59)
    assert said == []
    jobs.advance(minutes=1)
    assert said == ["tock"]


def test_g64_daylight_saving_is_the_schedules_own(instance: Autocron) -> None:
    instance.cron("30 2 * * *", dialect="unix", timezone="Europe/Berlin")(tock)
    with testing.collected(now=datetime(2027, 3, 27, 12, tzinfo=UTC)) as jobs:
        jobs.advance(days=2)
        starts = [handle.run_at for handle in jobs.jobs]
    assert starts == [datetime(2027, 3, 28, 1, tzinfo=UTC), datetime(2027, 3, 29, 0, 30, tzinfo=UTC)]


@pytest.mark.parametrize(
    "misfire, ran, missed", [("latest", 1, []), ("all", 3, []), ("skip", 0, [("misfire", NOON + timedelta(hours=2.5))])]
)
def test_g42_after_a_time_without_anything_running_the_misfire_policy_holds(
    instance: Autocron, jobs: Collected, monkeypatch: pytest.MonkeyPatch, misfire: str, ran: int, missed: list[Any]
) -> None:
    monkeypatch.setattr(hooks, "_on_missed", {})
    found: list[Any] = []
    instance.on_missed(lambda schedule, slot, reason: found.append((reason, slot)))
    instance.cron("30 * * * *", dialect="unix", timezone="UTC", misfire=misfire)(tock)
    assert jobs.advance(hours=3, running=False) == []
    assert said == []
    jobs.run_pending()
    assert (said, found) == (["tock"] * ran, missed)
    jobs.advance(minutes=30)
    assert len(said) == ran + 1


def test_g44_a_schedule_whose_job_waits_for_its_retry_skips_its_slots(
    instance: Autocron, jobs: Collected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "_on_missed", {})
    found: list[Any] = []
    instance.on_missed(lambda schedule, slot, reason: found.append((schedule, reason, slot)))
    instance.cron("30 * * * *", dialect="unix", timezone="UTC", retries=1, backoff=5400)(fail_at_first)
    jobs.advance(hours=3)
    assert said == [("attempt", 1), ("attempt", 2), ("attempt", 1)]
    assert found == [(f"{__name__}.fail_at_first", "overlap", NOON + timedelta(hours=1.5))]


def test_waiting_for_a_handle_lets_time_pass(instance: Autocron, jobs: Collected) -> None:
    assert instance.delay(say)("now").wait(5) == "now"
    assert instance.delay(seconds=20)(say)("later").wait(30) == "later"
    assert 20 <= seconds_since_noon(jobs) < 21, "and no longer than it took"
    with pytest.raises(TimeoutError, match="is still waiting.* after 5 s"):
        instance.delay(hours=1)(say)("much later").wait(5)


def test_a_wait_shorter_than_the_clock_can_show_comes_to_its_end(instance: Autocron, jobs: Collected) -> None:
    with pytest.raises(TimeoutError):
        instance.delay(hours=1)(say)("much later").wait(1e-9)


def test_awaiting_a_handle_lets_time_pass(instance: Autocron, jobs: Collected) -> None:
    task = instance.delay(say_later)

    async def both() -> tuple[Any, Any]:
        return await asyncio.gather(task("a"), task.options(seconds=5)("b"))

    assert tuple(asyncio.run(both())) == ("a", "b")


def test_jobs_that_other_threads_call_are_collected_too(instance: Autocron, jobs: Collected) -> None:
    task = instance.delay(say)
    thread = threading.Thread(target=task, args=["from a thread"])
    thread.start()
    thread.join()
    jobs.run_pending()
    assert said == ["from a thread"]


def test_the_clock_goes_forwards_only(jobs: Collected) -> None:
    with pytest.raises(ConfigurationError, match="goes forwards only"):
        jobs.advance(seconds=-1)
    with pytest.raises(ConfigurationError, match="must be aware"):
        jobs.advance(to=datetime(2027, 3, 1, 13))
    with pytest.raises(ConfigurationError, match="must be aware"), testing.collected(now=datetime(2027, 3, 1, 13)):
        pass


def test_afterwards_calls_run_at_once_again_by_the_real_clock(instance: Autocron) -> None:
    with testing.collected(now=NOON):
        assert instance.delay(say)("collected").status == WAITING
    handle = instance.delay(say)("inline")
    assert said == ["inline"]
    assert abs((handle.run_at - datetime.now(UTC)).total_seconds()) < 600


def test_the_store_of_a_test_is_closed_with_it(instance: Autocron, monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[object] = []
    monkeypatch.setattr(database, "_abandoned", left)
    with testing.collected():
        _ = instance.delay(say)("collected")
    assert left == [], "a connection that is still open"


def test_progress_is_told(instance: Autocron, jobs: Collected) -> None:
    def half() -> None:
        job = current_job()
        assert job is not None
        job.progress(1, 2)

    half.__qualname__ = "half"
    handle = instance.delay(half)()
    assert handle.progress is None
    jobs.run_pending()
    assert handle.progress == (1, 2)


# -- what was called -------------------------------------------------------------------------------------------


def test_calls_are_the_arguments_as_a_worker_gets_them(instance: Autocron, jobs: Collected) -> None:
    task = instance.delay(say)
    _ = task(1)
    _ = task.map([(2,), (3,)])
    _ = task(4, loud=True)
    assert jobs.calls(task) == [((1,), {}), ((2,), {}), ((3,), {}), ((4,), {"loud": True})]
    assert jobs.calls(say) == jobs.calls(task)


def test_assert_called_compares_what_arrives(instance: Autocron, jobs: Collected) -> None:
    task = instance.delay(say)
    jobs.assert_not_called(task)
    _ = task("a")
    _ = task(what="a", loud=False)
    _ = task("b", loud=True)
    jobs.assert_called(task)
    jobs.assert_called(task, times=3)
    jobs.assert_called(task, "a", times=2)
    jobs.assert_called(task, "b", loud=True)
    jobs.assert_called(task, "c", times=0)


def test_a_failed_assertion_shows_the_calls_that_there_were(instance: Autocron, jobs: Collected) -> None:
    task = instance.delay(say)
    with pytest.raises(AssertionError, match="say should have been called at least once, but was called 0 times; .*: none"):
        jobs.assert_called(task)
    _ = task("a", loud=True)
    with pytest.raises(
        AssertionError, match=r"(?s)say\('b'\) should have been called 2 times.* 0 times.*\n  say\('a', loud=True\)"
    ):
        jobs.assert_called(task, "b", times=2)
    with pytest.raises(AssertionError, match="should have been called 0 times, but was called 1 times"):
        jobs.assert_not_called(task)
    with pytest.raises(TypeError):
        jobs.assert_called(task, 1, 2, 3)
