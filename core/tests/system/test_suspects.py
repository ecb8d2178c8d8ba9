"""A worker that dies while it is at several jobs: only the one that ends its worker when it is alone becomes an error."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from running import Running

from autocron.model import DONE, ERROR


def begun(file: Path) -> list[str]:
    return file.read_text().split() if file.exists() else []


@pytest.mark.parametrize("beside", ["note_and_wait_for_more", "note_and_await_more"])
def test_g24_jobs_beside_one_that_kills_its_worker_each_time_are_not_counted_as_lost(running: Running, beside: str) -> None:
    """Threads, or coroutines on the worker's event loop. They end once the first of them has begun anew."""
    app = running.application(threads=6)
    file = running.folder / "begun"
    app.ask(f"{beside}.map([({str(file)!r}, 5)] * 5)")
    running.wait_until(lambda: len(begun(file)) == 5, "all are begun")
    assert len(set(begun(file))) == 1
    killer = app.call("leave_with(7)")
    ended = running.wait_until_ended(killer)
    assert (ended.status, ended.error) == (
        ERROR,
        "the worker ended with exit status 7 during the attempt; 3 workers have died under this job",
    )
    running.wait_until(lambda: running.store.counts()[DONE] == 5, "all others are done")
    rows = running.store.database.read("select lost, failures from jobs where state = 'done'")
    assert [tuple(row) for row in rows] == [(0, 0)] * 5
    # Beside five, beside five again at most, then beside two: after that it is alone, three times.
    assert 1 + 3 <= ended.attempts <= 3 + 3
    errors = [end.error for end in running.store.attempts(killer)]
    assert errors[0] == "the worker ended with exit status 7 during the attempt; 6 jobs ran in it, so it isn't counted"


def test_g24_other_jobs_run_while_suspects_have_workers_for_themselves(running: Running) -> None:
    app = running.application(threads=2)
    file = running.folder / "begun"
    app.ask(f"suspects = note_and_sleep.map([({str(file)!r}, 3600)] * 2)")
    for death in (1, 2):
        running.wait_until(lambda death=death: len(begun(file)) == 2 * death, "both run")
        os.kill(int(begun(file)[-1]), signal.SIGKILL)
    running.wait_until(lambda: len(begun(file)) == 5, "one runs again")
    assert app.ask("[add(n).wait(45) for n in range(20)]") == [*range(20)]
    assert app.ask("sorted(handle.status for handle in suspects)") == ["running", "waiting"]
    app.ask("[handle.cancel() for handle in suspects]")
    running.wait_until(lambda: app.ask("all(handle.status == 'cancelled' for handle in suspects)"), "both are cancelled")
    running.wait_until(lambda: len(running.locks.worker_pids()) == 1, "the worker too many has gone")


def test_g21_another_supervisor_knows_the_suspects_of_the_last_one(running: Running) -> None:
    app = running.application()
    assert app.ask("add(1).wait(45)") == 1
    supervisor = running.supervisor()
    os.kill(supervisor, signal.SIGSTOP)
    suspect = app.call("add(2)")
    running.store.database.write("update jobs set company = 1 where state = 'waiting'")
    os.kill(supervisor, signal.SIGKILL)
    assert running.wait_until_ended(suspect).status is DONE
    running.wait_until(lambda: len(running.locks.worker_pids()) == 1, "the worker too many has gone")
