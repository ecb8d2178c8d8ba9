"""Jobs that are sent to a worker before it is their turn, in real processes: none pays for it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from running import Application, Running

from autocron.model import DONE, ERROR, RUNNING, WAITING

QUICK = "[handle.wait(45) for handle in worker_pid.map([()] * 10)]"


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


def fields_of(pid: int) -> list[str]:
    """What the kernel says of a process, from its state on."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()


def work_of(pids: list[int]) -> int:
    """Hundredths of seconds of a processor."""
    return sum(int(fields_of(pid)[11]) for pid in pids)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells when a process stands still")
@pytest.mark.parametrize("standstill", ["stopped", "no interpreter", "no event loop"])
def test_a_job_given_to_a_worker_that_stands_still_is_run_by_another(running: Running, standstill: str) -> None:
    """Stopped; in C code, which keeps the interpreter from all its threads; a coroutine that keeps the loop."""
    app = running.application(workers=2, threads=2)
    app.ask("worker_pid().wait(45)")
    pids = running.wait_until(lambda: len(found := running.locks.worker_pids()) == 2 and found, "two workers live")
    running.wait_until(lambda: len(set(app.ask(QUICK))) == 2, "both work")
    quick, file = QUICK, running.folder / "begun"
    if standstill == "stopped":
        os.kill(pids[0], signal.SIGSTOP)
        running.wait_until(lambda: fields_of(pids[0])[0] == "T", "it is stopped")
    elif standstill == "no interpreter":
        before = work_of(pids)
        app.ask("still = endless_expression()")
        running.wait_until(lambda: work_of(pids) > before + 30, "it runs")
    else:
        quick = "[handle.wait(45) for handle in nap.map([(0,)] * 10)]"
        app.ask(f"still = block_the_loop({str(file)!r})")
        running.wait_until(lambda: file.exists() and file.read_text(), "it runs")
    for _ in range(5):
        assert set(app.ask(quick)) <= set(pids)
    assert running.store.counts()[DONE] == len(running.store.jobs()) - (standstill != "stopped")
    assert {job.attempts for job in running.store.jobs()} == {1}
    if standstill == "stopped":
        assert set(app.ask(quick)) == {pids[1]}
        os.kill(pids[0], signal.SIGCONT)
        running.wait_until(lambda: len(set(app.ask(quick))) == 2, "it works again")


def test_coroutines_that_were_given_together_with_one_that_blocks_their_loop_are_run_by_another_worker(
    running: Running,
) -> None:
    app = running.application(workers=2)
    running.wait_until(lambda: len(set(app.ask(QUICK.replace("worker_pid.map([()]", "nap.map([(0.01,)]")))) == 2, "both work")
    with stopped(running):
        app.ask(f"block_the_loop({str(running.folder / 'begun')!r})")
        app.ask("handles = nap.map([(0,)] * 20)")
    assert len(set(app.ask("[handle.wait(45) for handle in handles]"))) <= 2
    assert app.ask("max(handle.attempts for handle in handles)") == 1
