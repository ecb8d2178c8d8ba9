"""Jobs that are sent to a worker before it is their turn, in real processes: none pays for it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from running import Application, Running

from autocron.model import DONE, ERROR, RUNNING, WAITING


@contextmanager
def stopped(running: Running) -> Iterator[None]:
    """What is called meanwhile is claimed at once, in large batches."""
    supervisor = running.supervisor()
    os.kill(supervisor, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(supervisor, signal.SIGCONT)


def used_to_short_jobs(app: Application) -> None:
    assert app.ask("[handle.wait(45) for handle in add.map([(n,) for n in range(300)])][-1]") == 299


def test_no_short_job_waits_behind_a_long_one_while_another_worker_is_idle(running: Running) -> None:
    app = running.application(workers=2)
    used_to_short_jobs(app)
    with stopped(running):
        app.ask("handles = sleep.map([(0,)] * 50 + [(3600,)] + [(0,)] * 200)")
    running.wait_until(lambda: running.store.counts()[DONE] == 550, "all the short ones are done")
    assert running.store.counts()[RUNNING] == 1
    assert app.ask("max(handle.attempts for handle in handles)") == 1


def test_what_waits_behind_a_long_job_is_seen_to_wait_and_has_had_no_attempt(running: Running, app: Application) -> None:
    used_to_short_jobs(app)
    with stopped(running):
        app.ask("handles = sleep.map([(0,)] * 20 + [(3600,)] + [(0,)] * 20)")
    running.wait_until(lambda: running.store.counts()[DONE] == 320, "those before the long one are done")
    running.wait_until(lambda: running.store.counts()[WAITING] == 20, "the others wait")
    assert (
        app.ask("[(handle.status, handle.attempts, handle.started_at) for handle in handles[21:]]")
        == [["waiting", 0, None]] * 20
    )
    app.ask("handles[30].cancel()")
    app.ask("handles[20].cancel()")
    running.wait_until(lambda: running.store.counts()[DONE] == 339, "then they run")
    assert app.ask("[(n, handle.attempts) for n, handle in enumerate(handles) if handle.attempts != 1]") == [[30, 0]]


def test_what_a_dying_worker_had_not_begun_is_not_counted_as_lost(running: Running, app: Application) -> None:
    used_to_short_jobs(app)
    with stopped(running):
        app.ask("before = add.map([(n,) for n in range(50)])")
        killer = app.call("leave_with(1)")
        app.ask("after = add.map([(n,) for n in range(50)])")
    assert app.ask("[handle.wait(45) for handle in before + after]") == [*range(50), *range(50)]
    killed = running.wait_until_ended(killer)
    assert (killed.status, killed.attempts) == (ERROR, 3)
    rows = running.store.database.read("select attempt, failures, lost from jobs where state = 'done'")
    assert {tuple(row) for row in rows} == {(1, 0, 0)}


def test_an_urgent_job_that_comes_later_goes_before_those_that_were_not_sent(running: Running, app: Application) -> None:
    used_to_short_jobs(app)
    with stopped(running):
        app.ask("handles = sleep.map([(0.005,)] * 400)")
    app.ask("[handle.wait(45) for handle in handles[:20]]")
    app.ask("add.options(priority=1)(1).wait(45)")
    assert app.ask("handles[-1].status") == "waiting"


def test_a_job_that_may_run_at_most_once_is_begun_or_waits_but_never_is_lost(running: Running, app: Application) -> None:
    used_to_short_jobs(app)
    with stopped(running):
        app.ask("handles = add.options(at_most_once=True).map([(n,) for n in range(100)])")
    running.wait_until(lambda: running.store.counts()[DONE] > 310, "they run")
    supervisor = running.supervisor()
    os.kill(supervisor, signal.SIGKILL)
    running.wait_until(lambda: running.locks.supervisor_pid() not in (None, supervisor), "another supervisor runs")
    running.wait_until(lambda: app.ask("all(handle.is_ready for handle in handles)"), "all have ended")
    assert len(app.ask("[handle.error_message for handle in handles if handle.has_error]")) <= 1
