"""``async`` tasks: side by side on one event loop of a worker, each ended alone."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from running import Application, Running

from autocron.model import CANCELLED, ERROR, RUNNING


def begun(file: Path) -> list[str]:
    return file.read_text().split() if file.exists() else []


def test_g62_a_hundred_coroutines_sleep_at_the_same_time_in_one_worker(running: Running, app: Application) -> None:
    app.ask("nap(0).wait(45)")
    begun_at = time.monotonic()
    pids = app.ask("[handle.wait(45) for handle in nap.map([(1.0,)] * 100)]", timeout=90)
    took = time.monotonic() - begun_at
    print(f"100 coroutines that sleep 1 s took {took:.2f} s")
    assert len(set(pids)) == 1
    assert took < 30  # one after the other it would be 100


def test_coroutines_and_ordinary_jobs_run_beside_each_other(running: Running, app: Application) -> None:
    file = running.folder / "begun"
    slow = app.call(f"note_and_sleep({str(file)!r}, 3600)")
    running.wait_until(lambda: begun(file), "an ordinary job runs")
    assert app.ask("nap(0.01).wait(45)") == int(begun(file)[0])
    waiting = app.call(f"nap(3600, {str(running.folder / 'napping')!r})")
    running.wait_until(lambda: begun(running.folder / "napping"), "a coroutine runs")
    app.ask(f"autocron.TaskResult.get({slow!r}).cancel()")
    running.wait_until_ended(slow)
    running.wait_until(
        lambda: len(begun(running.folder / "napping")) == 2, "what ran beside it begins anew in another worker", timeout=45
    )
    assert running.job(waiting).status is RUNNING


def test_no_more_coroutines_run_at_once_than_the_settings_say(running: Running) -> None:
    app = running.application(coroutines=3)
    file = running.folder / "begun"
    app.ask(f"handles = nap.map([(3600, {str(file)!r})] * 5)")
    running.wait_until(lambda: len(begun(file)) == 3, "three run")
    assert app.ask("[handle.status for handle in handles].count('running')") == 3
    app.ask("[handle.cancel() for handle in handles[:2]]")
    running.wait_until(lambda: len(begun(file)) == 5, "two more take their places")


@pytest.mark.parametrize("end", ["timeout", "cancel"])
def test_g26_g32_a_coroutine_is_ended_alone(running: Running, app: Application, end: str) -> None:
    for tried in range(1, 4):  # on a machine that stands still for a second, its worker is ended instead
        file, others = running.folder / f"begun-{tried}", running.folder / f"others-{tried}"
        app.ask(f"other = nap(3600, {str(others)!r})")
        running.wait_until(lambda others=others: begun(others), "another coroutine runs")
        timeout = 0.5 if end == "timeout" else None
        app.ask(f"handle = nap.options(timeout={timeout}, retries=1, backoff=0)(3600, {str(file)!r})")
        running.wait_until(lambda file=file: begun(file), "it has begun")
        if end == "cancel":
            assert app.ask("handle.cancel()") is True
        ended = running.wait_until_ended(app.call("handle"))
        if end == "timeout":
            assert (ended.status, ended.attempts) == (ERROR, 2)
            assert ended.error == "TimeoutError: the attempt took longer than timeout=0.5 s and was ended"
        else:
            assert (ended.status, ended.attempts) == (CANCELLED, 1)
        if app.ask("nap(0).wait(45)") == int(begun(others)[0]):
            assert app.ask("other.status") == "running"
            assert len(begun(others)) == 1
            return
    raise AssertionError(f"its worker was ended with it, {tried} times\n{running.evidence()}")


@pytest.mark.parametrize("task", ["block_the_loop", "swallow_cancellation"])
def test_g26_a_coroutine_that_does_not_end_is_ended_with_its_worker_and_the_others_run_again_uncounted(
    running: Running, app: Application, task: str
) -> None:
    file, others = running.folder / "begun", running.folder / "others"
    other = app.call(f"nap(3600, {str(others)!r})")
    running.wait_until(lambda: begun(others), "another coroutine runs")
    failed = running.wait_until_ended(app.call(f"{task}.options(timeout=0.3)({str(file)!r})"))
    assert (failed.status, failed.attempts) == (ERROR, 1)
    assert failed.error == "TimeoutError: the attempt took longer than timeout=0.3 s and was ended"
    running.wait_until(lambda: len(begun(others)) == 2, "the other runs again")
    assert begun(others)[1] != begun(file)[0] == begun(others)[0]
    rows = running.store.database.read("select failures, lost from jobs where state = 'running'")
    assert [tuple(row) for row in rows] == [(0, 0)]
    assert running.job(other).status is RUNNING


def test_a_coroutine_of_a_worker_that_is_replaced_still_ends_alone(running: Running) -> None:
    app = running.application(max_jobs=1)
    file, others = running.folder / "begun", running.folder / "others"
    other = app.call(f"nap(3600, {str(others)!r})")
    handle = app.call(f"nap.options(timeout=4)(3600, {str(file)!r})")
    running.wait_until(lambda: begun(others) and begun(file), "both run")
    (old,) = {*begun(file), *begun(others)}
    app.ask("add(1).wait(60)")
    running.wait_until(lambda: app.ask("worker_pid().wait(60)") != int(old), "another worker runs the jobs")
    assert running.wait_until_ended(handle).status is ERROR
    assert running.job(other).status is RUNNING
    assert begun(others) == [old]
    app.ask(f"autocron.TaskResult.get({other!r}).cancel()")
    assert running.wait_until_ended(other).status is CANCELLED
    running.wait_until(lambda: int(old) not in running.locks.worker_pids(), "the old worker has ended")
