"""Calls become jobs, jobs end, in real processes."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest
from running import Application, AskedError, Running

from autocron import clock, codec
from autocron.model import CANCELLED, DONE, ERROR, RUNNING, WAITING, NewJob


def test_only_the_first_start_starts_a_supervisor(running: Running) -> None:
    first = running.application()
    supervisor = running.supervisor()
    second = running.application()
    assert (first.started_supervisor, second.started_supervisor) == (True, False)
    assert first.ask(f"autocron.start({str(running.database)!r})") is False
    assert second.ask("add(1, 2).wait(20)") == 3
    assert first.ask("add(1, 2).wait(20)") == 3
    assert running.supervisor() == supervisor


def test_a_second_start_in_the_same_process_changes_settings_at_once(running: Running, app: Application) -> None:
    assert app.ask("add(1).wait(45)") == 1
    assert len(running.locks.worker_pids()) == 1
    app.ask(f"autocron.start({str(running.database)!r}, workers=2, serializer='pickle')")
    running.wait_until(lambda: len(running.locks.worker_pids()) == 2, "two workers live")
    assert app.ask("repr(add(ValueError('x')).uuid)")  # what JSON doesn't take


def test_a_job_runs_in_another_process_and_leaves_its_facts(running: Running, app: Application) -> None:
    uuid = app.call("add(2, b=3)")
    done = running.wait_until_ended(uuid)
    assert (done.status, done.result, done.attempts, done.error) == (DONE, "5", 1, "")
    assert done.started_at is not None
    assert done.finished_at is not None
    assert done.created_at <= done.started_at <= done.finished_at
    assert app.ask("worker_pid().wait(20)") not in (app.pid, running.supervisor())
    assert app.ask(f"autocron.TaskResult.get({uuid!r}).result") == 5
    assert app.ask("autocron.get_results()[-1].task") == "application.add"


def test_await_works_where_the_caller_has_a_loop(app: Application) -> None:
    app.ask("async def both():\n    return await asyncio.gather(add(1, 1), add(2, 2))")
    assert app.ask("asyncio.run(both())") == [2, 4]


def test_g25_retries_are_attempts_after_the_first(running: Running, app: Application) -> None:
    file = running.folder / "attempts"
    uuid = app.call(f"fail_until.options(retries=2, backoff=0)({str(file)!r}, 99)")
    failed = running.wait_until_ended(uuid)
    assert (failed.status, failed.attempts, failed.error) == (ERROR, 3, "ValueError: attempt 3 fails")
    assert "in fail_until" in failed.traceback
    assert len(file.read_text().splitlines()) == 3
    with pytest.raises(AskedError, match="TaskFailed: ValueError: attempt 3 fails"):
        app.ask(f"autocron.TaskResult.get({uuid!r}).wait(5)")


def test_g25_a_retry_waits_as_long_as_promised(running: Running, app: Application) -> None:
    file = running.folder / "attempts"
    uuid = app.call(f"fail_until.options(retries=5, backoff=[0.3, 0.6])({str(file)!r}, 3)")
    done = running.wait_until_ended(uuid)
    assert (done.status, done.result, done.error) == (DONE, "3", "")
    first, second, third = map(float, file.read_text().split())
    assert 0.3 <= second - first < 15
    assert 0.6 <= third - second < 15


def test_g25_only_the_exceptions_that_were_named_are_retried(running: Running, app: Application) -> None:
    file = running.folder / "attempts"
    options = "retries=5, backoff=0"
    given_up = app.call(f"fail_until.options({options}, give_up_on=ValueError)({str(file)!r}, 99)")
    assert running.wait_until_ended(given_up).attempts == 1
    others = app.call(f"fail_until.options({options}, retry_on=OSError)({str(file)!r}, 99)")
    assert running.wait_until_ended(others).attempts == 1
    base_class = app.call(f"fail_until.options({options}, retry_on=Exception)({str(file)!r}, 4)")
    assert running.wait_until_ended(base_class).attempts == 2


def test_a_failed_job_can_be_retried_by_hand(running: Running, app: Application) -> None:
    file = running.folder / "attempts"
    app.ask(f"handle = fail_until({str(file)!r}, 2)")
    with pytest.raises(AskedError, match="TaskFailed"):
        app.ask("handle.wait(20)")
    app.ask("handle.retry()")
    assert app.ask("handle.wait(20)") == 2


def test_a_job_for_later_starts_then_and_not_before(running: Running, app: Application) -> None:
    assert app.ask("add(0).wait(20)") == 0
    later = running.job(app.call("add.options(seconds=1)(1)"))
    assert later.status is WAITING
    done = running.wait_until_ended(later.uuid)
    assert done.started_at is not None
    assert later.run_at == later.created_at + 1_000_000
    assert 0 <= done.started_at - later.run_at < 15_000_000


def test_map_makes_a_job_of_each_item(app: Application) -> None:
    assert app.ask("[handle.wait(20) for handle in add.map([(n, n) for n in range(20)])]") == [2 * n for n in range(20)]


def test_a_unique_job_is_made_once_while_it_waits_or_runs(running: Running, app: Application) -> None:
    first = app.call("sleep.options(unique=True)(0.4)")
    assert app.call("sleep.options(unique=True)(0.4)") == first
    assert app.call("sleep.options(unique=True)(0.5)") != first
    assert app.call("add.options(unique='k')(1)") == app.call("add.options(unique='k')(2)")
    running.wait_until_ended(first)
    assert app.call("sleep.options(unique=True)(0.4)") != first


def test_a_task_may_call_tasks(running: Running, app: Application) -> None:
    inner = app.ask("call_another(41).wait(20)")
    assert running.wait_until_ended(inner).result == "42"


def test_g62_async_tasks_run_in_workers(app: Application) -> None:
    assert app.ask("[wait_a_little(t).wait(20) for t in 'ab']") == ["aa", "bb"]


def test_a_worker_with_four_threads_runs_four_jobs_at_once(running: Running) -> None:
    app = running.application(threads=4)
    names = app.ask("[handle.wait(30) for handle in meet_the_others.map([()] * 4)]")
    assert len(set(names)) == 4
    assert len(running.locks.worker_pids()) == 1
    assert app.ask("[wait_a_little(t).wait(20) for t in 'ab']") == ["aa", "bb"]


def test_several_workers_are_several_processes(running: Running) -> None:
    app = running.application(workers=3)
    running.wait_until(lambda: len(running.locks.worker_pids()) == 3, "three workers live")
    uuids = [app.call("sleep(0.5)") for _ in range(3)]
    running.wait_until(lambda: all(running.job(uuid).status is RUNNING for uuid in uuids), "all three run at once")
    for uuid in uuids:
        running.wait_until_ended(uuid)


def test_g61_what_a_task_prints_is_in_the_servers_output_once(running: Running, app: Application) -> None:
    app.ask("say('hello from a task').wait(20)")
    said = running.output.read_text()
    assert (said.count("hello from a task\n"), said.count("HELLO FROM A TASK\n")) == (1, 1)


def test_a_running_attempt_tells_of_itself(running: Running, app: Application) -> None:
    file = running.folder / "go-on"
    uuid = app.call(f"tell_of_itself({str(file)!r})")
    running.wait_until(lambda: running.job(uuid).progress == "[3, 3]", "what was noted last is stored while it runs")
    file.touch()
    done = running.wait_until_ended(uuid)
    assert (done.result, done.progress) == (f'"{uuid} application.tell_of_itself 1"', "[3, 3]")
    found = running.store.database.read("select attempt, lines from logs")
    assert [tuple(row) for row in found] == [(1, "line 1\nline 2\nline 3\nlast line\n")]


def test_a_task_that_calls_sys_exit_fails_and_its_worker_goes_on(running: Running, app: Application) -> None:
    pid = app.ask("worker_pid().wait(20)")
    failed = running.wait_until_ended(app.call("call_sys_exit()"))
    assert (failed.status, failed.error) == (ERROR, "SystemExit: enough")
    assert app.ask("worker_pid().wait(20)") == pid


def test_g32_a_cancelled_waiting_job_never_starts(running: Running, app: Application) -> None:
    file = running.folder / "begun"
    busy = app.call("sleep(0.5)")
    app.ask(f"handle = note_and_sleep({str(file)!r}, 0)")
    later = app.call(f"note_and_sleep.options(seconds=0.3)({str(file)!r}, 0)")
    assert app.ask("handle.cancel()") is True
    assert app.ask(f"autocron.TaskResult.get({later!r}).cancel()") is True
    assert app.ask("handle.status") == CANCELLED
    with pytest.raises(AskedError, match="TaskFailed: .*cancelled"):
        app.ask("handle.wait(5)")
    running.wait_until_ended(busy)
    running.wait_until_ended(app.call("sleep(0.5)"))
    assert not file.exists()


def test_g32_a_cancelled_running_job_is_ended(running: Running, app: Application) -> None:
    file = running.folder / "begun"
    app.ask(f"handle = note_and_sleep.options(retries=5)({str(file)!r}, 3600)")
    running.wait_until(lambda: file.exists() and file.read_text(), "the job has begun")
    asked_at = time.monotonic()
    assert app.ask("handle.cancel()") is True
    cancelled = running.wait_until_ended(app.call("handle"))
    assert time.monotonic() - asked_at < 15
    assert (cancelled.status, cancelled.attempts) == (CANCELLED, 1)
    assert app.ask("add(1).wait(20)") == 1


@pytest.mark.parametrize("task", ["sleep", "endless_expression", "endless_loop"])
def test_g26_a_timeout_ends_whatever_the_attempt_does(running: Running, app: Application, task: str) -> None:
    assert app.ask("add(0).wait(20)") == 0
    failed = running.wait_until_ended(app.call(f"{task}.options(timeout=0.5)({3600 if task == 'sleep' else ''})"))
    assert failed.status is ERROR
    assert failed.error == "TimeoutError: the attempt took longer than timeout=0.5 s and was ended"
    assert failed.started_at is not None
    assert failed.finished_at is not None
    assert 500_000 <= failed.finished_at - failed.started_at < 15_000_000
    ended_at = time.monotonic()
    assert app.ask("add(1).wait(20)") == 1
    assert time.monotonic() - ended_at < 15


def test_g26_a_timeout_is_an_attempt_like_any_failure(running: Running, app: Application) -> None:
    failed = running.wait_until_ended(app.call("sleep.options(timeout=0.2, retries=1, backoff=0)(3600)"))
    assert (failed.status, failed.attempts) == (ERROR, 2)


@pytest.mark.parametrize(
    "newer_code", ["@autocron.delay\ndef brand_new", '@autocron.delay(aliases=["application.brand_new"])\ndef renamed']
)
def test_g30_a_job_of_unknown_code_waits_visibly_and_runs_after_newer_code_has_attached(
    running: Running, app: Application, newer_code: str
) -> None:
    pid = app.ask("worker_pid().wait(20)")
    (application,) = running.store.applications()
    arguments = codec.encode_call((), {}, task="application.brand_new")
    (uuid,) = running.store.add([NewJob("application.brand_new", arguments, application.id)], clock.now())
    app.ask("add(1)")
    running.wait_until(lambda: running.job(uuid).held, "the job is held")
    assert "application.brand_new" in running.job(uuid).error
    assert running.job(uuid).status is WAITING
    assert app.ask("worker_pid().wait(20)") == pid
    main = running.source.read_text()
    new = f'{newer_code}() -> str:\n    return "new code"\n\n\nif __name__ =='
    running.source.write_text(main.replace("if __name__ ==", new))
    running.application()
    assert running.wait_until_ended(uuid).result == '"new code"'
    assert app.ask("worker_pid().wait(20)") != pid


def test_a_supervisor_is_idle_while_a_due_job_waits_for_a_busy_worker(running: Running, app: Application) -> None:
    assert app.ask("add(0).wait(20)") == 0
    busy = app.call("sleep(2)")
    due = app.call("add.options(seconds=0.2)(1)")
    running.wait_until(lambda: running.job(busy).status is RUNNING, "the worker is busy")
    before = cpu_seconds(running.supervisor())
    running.wait_until_ended(busy)
    assert cpu_seconds(running.supervisor()) - before < 0.5
    running.wait_until_ended(due)


def cpu_seconds(pid: int) -> float:
    said = subprocess.run(["ps", "-o", "time=", "-p", str(pid)], capture_output=True, text=True, check=True).stdout
    stat = Path(f"/proc/{pid}/stat")
    if stat.exists():  # finer than ps
        user, system = stat.read_text().rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    hours, minutes, seconds = (["0", "0", *said.strip().split(":")])[-3:]
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
