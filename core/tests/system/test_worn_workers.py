"""Workers that have run enough jobs, hold too much memory, or are of other settings are replaced, and no job notices."""

from __future__ import annotations

from pathlib import Path

from running import Running


def test_workers_are_replaced_after_so_many_jobs(running: Running) -> None:
    app = running.application(max_jobs=10)
    first = app.ask("worker_pid().wait(45)")
    uuid = app.call("nap(1)")
    running.wait_until(lambda: app.ask("worker_pid().wait(45)") != first, "another worker runs the jobs")
    done = running.wait_until_ended(uuid)
    assert (done.result, done.attempts) == (str(first), 1)  # what it was at finished there
    running.wait_until(lambda: first not in running.locks.worker_pids(), "the first one has ended")
    rows = running.store.database.read("select distinct attempt, failures, lost, state from jobs")
    assert [tuple(row) for row in rows] == [(1, 0, 0, "done")]


def test_a_worker_that_holds_too_much_memory_is_replaced(running: Running) -> None:
    app = running.application(max_memory_mb=150)
    first = app.ask("worker_pid().wait(45)")
    assert app.ask("hoard(200).wait(45)") == first
    running.wait_until(lambda: app.ask("worker_pid().wait(45)") != first, "another worker runs the jobs")
    second = app.ask("worker_pid().wait(45)")
    until = len(running.store.jobs()) + 30
    running.wait_until(lambda: app.ask("worker_pid().wait(45)") and len(running.store.jobs()) > until, "more jobs run")
    assert app.ask("worker_pid().wait(45)") == second  # which holds less


def test_a_worker_that_a_thread_keeps_from_ending_is_ended(running: Running) -> None:
    app = running.application(max_jobs=1)
    first = app.ask("leave_a_thread().wait(45)")
    running.wait_until(lambda: first not in running.locks.worker_pids(), "it has ended")


def test_a_worker_of_other_settings_is_replaced(running: Running, tmp_path: Path) -> None:
    app = running.application()
    first = app.ask("worker_pid().wait(45)")
    file, both = tmp_path / "lines", []
    both.append(app.call(f"note_and_wait_for_more({str(file)!r}, 1)"))  # the first worker is at it, and it has one thread
    running.wait_until(file.exists, "the job has begun")
    app.ask(f"autocron.start({str(running.database)!r}, threads=2)")
    both.append(app.call(f"note_and_wait_for_more({str(file)!r}, 1)"))
    for uuid in both:
        done = running.wait_until_ended(uuid)
        assert (done.error, done.attempts) == ("", 1)
    running.wait_until(lambda: first not in running.locks.worker_pids(), "the first one has ended")
