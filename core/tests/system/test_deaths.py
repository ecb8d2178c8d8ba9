"""Workers and supervisors that die, and what becomes of the jobs."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from running import Application, Running

from autocron.model import DONE, ERROR, RUNNING


def begun(file: Path) -> list[str]:
    return file.read_text().split() if file.exists() else []


def test_g24_a_job_that_kills_its_worker_gets_its_capped_attempts_and_is_an_error(
    running: Running,
) -> None:
    app = running.application(workers=2)
    file = running.folder / "begun"
    uuid = app.call(f"kill_the_worker({str(file)!r})")
    assert app.ask("[handle.wait(30) for handle in add.map([(n,) for n in range(20)])]") == list(range(20))
    failed = running.wait_until_ended(uuid)
    assert (failed.status, failed.attempts) == (ERROR, 3)
    assert "killed by SIGKILL" in failed.error
    assert len(begun(file)) == 3
    assert app.ask("add(1).wait(20)") == 1


def test_g24_the_exit_status_of_a_worker_is_in_the_error(running: Running, app: Application) -> None:
    failed = running.wait_until_ended(app.call("leave_with.options(at_most_once=True)(3)"))
    assert (failed.status, failed.attempts) == (ERROR, 1)
    assert "exit status 3" in failed.error
    assert "at most once" in failed.error


def test_g22_the_job_of_a_killed_worker_runs_again_at_once(running: Running) -> None:
    app = running.application(workers=2)
    running.wait_until(lambda: len(running.locks.worker_pids()) == 2, "both workers live")
    file = running.folder / "begun"
    uuid = app.call(f"note_and_sleep({str(file)!r}, 1)")
    (pid,) = running.wait_until(lambda: begun(file), "the job has begun")
    os.kill(int(pid), signal.SIGKILL)
    killed_at = time.monotonic()
    running.wait_until(lambda: len(begun(file)) == 2, "the job runs again")
    assert time.monotonic() - killed_at < 15
    done = running.wait_until_ended(uuid)
    assert (done.status, done.attempts) == (DONE, 2)


def test_g21_a_job_ends_although_its_supervisor_is_killed_in_the_middle(running: Running, app: Application) -> None:
    file = running.folder / "begun"
    uuid = app.call(f"note_and_sleep({str(file)!r}, 1)")
    waiting = app.call("add(1, 1)")
    (worker,) = running.wait_until(lambda: begun(file), "the job has begun")
    supervisor = running.supervisor()
    os.kill(supervisor, signal.SIGKILL)
    running.wait_until(lambda: running.locks.supervisor_pid() not in (None, supervisor), "another supervisor runs")
    assert running.wait_until_ended(uuid).status is DONE
    assert running.wait_until_ended(waiting).status is DONE
    assert len(begun(file)) == 2
    assert begun(file)[1] != worker


def test_g21_no_job_stays_running_after_many_kills(running: Running) -> None:
    app = running.application(workers=2)
    uuids = app.ask("[handle.uuid for handle in sleep.map([(0.05,)] * 30)]")
    for _ in range(3):
        running.wait_until(lambda: any(running.job(uuid).status is RUNNING for uuid in uuids), "jobs run")
        replaced(running, running.supervisor())
    for uuid in uuids:
        assert running.wait_until_ended(uuid).status is DONE


def test_g4_what_a_job_has_started_ends_with_its_attempt(running: Running, app: Application) -> None:
    file = running.folder / "child"
    app.ask(f"with_a_child.options(timeout=0.5)({str(file)!r})")
    child = int(running.wait_until(lambda: begun(file), "the child runs")[0])
    running.wait_until(lambda: not alive(child), "the child has gone with the timed out attempt")


@pytest.mark.parametrize("victim", ["supervisor", "worker"])
def test_g4_what_a_job_has_started_ends_with_supervisor_and_worker(running: Running, app: Application, victim: str) -> None:
    file = running.folder / "child"
    app.ask(f"with_a_child.options(at_most_once=True)({str(file)!r})")
    child = int(running.wait_until(lambda: begun(file), "the child runs")[0])
    pid = running.supervisor() if victim == "supervisor" else running.locks.worker_pids()[0]
    os.kill(pid, signal.SIGKILL)
    running.wait_until(lambda: not alive(child), f"the child has gone with the {victim}")


def test_what_became_of_a_job_that_may_run_at_most_once_is_kept_as_long_as_any_result(running: Running) -> None:
    app, file = running.application(result_ttl=7 * 86_400), running.folder / "begun"
    uuid = app.call(f"note_and_sleep.options(at_most_once=True)({str(file)!r}, 600)")
    running.wait_until(lambda: begun(file), "the job has begun")
    os.kill(running.supervisor(), signal.SIGKILL)
    assert "may run at most once" in running.wait_until_ended(uuid).error
    ((kept,),) = running.store.database.read("select (expires_at - finished_at) / 1000000 from jobs")
    assert kept > 6 * 86_400


def test_g3_after_everything_was_killed_the_next_start_works(running: Running, app: Application) -> None:
    file = running.folder / "begun"
    uuid = app.call(f"note_and_sleep({str(file)!r}, 0.5)")
    running.wait_until(lambda: begun(file), "the job has begun")
    supervisor, workers = running.supervisor(), running.locks.worker_pids()
    app.kill()
    for pid in (supervisor, *workers):
        os.kill(pid, signal.SIGKILL)
    running.wait_until(lambda: not alive(supervisor), "the supervisor has gone")
    again = running.application()
    assert again.ask("add(1).wait(20)") == 1
    assert running.wait_until_ended(uuid).status is DONE


def test_g4_the_supervisor_ends_after_the_last_attached_process(running: Running, app: Application) -> None:
    supervisor = running.supervisor()
    app.ask("add(1).wait(20)")
    workers = running.locks.worker_pids()
    app.kill()
    running.wait_until(lambda: not any(map(alive, (supervisor, *workers))), "all have gone")


@pytest.mark.parametrize("watched", [True, False], ids=["the watch collects them", "a call does, where no thread can watch"])
def test_g4_supervisors_that_came_too_late_stay_no_zombies(running: Running, app: Application, watched: bool) -> None:
    app.ask("setattr(__import__('autocron.attachment').attachment, 'SPAWN_PAUSE', 0.0)")  # so that there are some
    app.ask("add(1).wait(20)")
    if not watched:
        app.ask("autocron.default._attachment._stop_watching()")
        app.ask("setattr(autocron.default._attachment, '_start_watching', lambda: None)")
    killed, me = running.supervisor(), app.ask("os.getpid()")
    os.kill(killed, signal.SIGKILL)
    calls = "None" if watched else "add(1).uuid"
    running.wait_until(lambda: app.ask(calls) != 0 and running.locks.supervisor_pid() not in (None, killed), "another one runs")
    assert app.ask("add(1).wait(20)") == 1
    running.wait_until(lambda: app.ask(calls) != 0 and not zombies_of(me), "the others have been collected")


def test_g4_a_killed_supervisor_that_another_process_has_replaced_stays_no_zombie(running: Running, app: Application) -> None:
    """Its starter looks at once, and that may be too early: a killed process lets go of its pipes before it has ended."""
    running.wait_until(lambda: app.ask("autocron.default._attachment.settle()"), "its starter knows that it runs")
    supervisor, me = running.supervisor(), app.ask("os.getpid()")
    running.application()
    app.ask("setattr(autocron.default._attachment, 'ensure_supervisor', lambda: False)")  # the other one was faster
    replaced(running, supervisor)
    running.wait_until(lambda: not zombies_of(me), "it has been collected")


def zombies_of(parent: int) -> list[str]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, ppid, *_ = stat.read_text().rsplit(")", 1)[1].split()
            if state == "Z" and int(ppid) == parent:
                found.append(stat.parent.name)
    return found


def replaced(running: Running, supervisor: int) -> None:
    """Kill the supervisor and wait for its successor."""
    os.kill(supervisor, signal.SIGKILL)
    running.wait_until(lambda: running.locks.supervisor_pid() not in (None, supervisor), "another supervisor runs")


def alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return not stat.parent.parent.exists()


def test_g7_a_forked_child_is_attached_by_itself_and_stays_when_its_parent_is_killed(
    running: Running, app: Application
) -> None:
    supervisor = running.supervisor()
    child = app.ask("(lambda pid: pid or __import__('signal').pause())(__import__('os').fork())")
    try:
        running.wait_until(lambda: child in running.locks.attached_pids(), "the child has a lock of its own")
        app.kill()
        running.wait_until(lambda: running.locks.attached_pids() == [child], "the child alone is attached")
        assert running.locks.supervisor_pid() == supervisor
    finally:
        os.kill(child, signal.SIGKILL)
    running.wait_until(lambda: running.locks.supervisor_pid() is None, "the supervisor ends after the child")


def test_g4_a_process_that_stops_and_lives_on_keeps_no_zombie_of_the_supervisor(tmp_path: Path) -> None:
    script = """
import os, sys, time
import autocron
from pathlib import Path
from autocron import locations
from autocron.processes.locks import LockFile

database = Path(sys.argv[1])
assert autocron.start(database)
deadline = time.monotonic() + 60

def wait_until(predicate):
    while not predicate():
        assert time.monotonic() < deadline
        time.sleep(0.02)

locks = LockFile.open(locations.lock_path(database))
wait_until(locks.supervisor_pid)
supervisor = locks.supervisor_pid()
autocron.stop()

def is_gone():
    try:
        os.kill(supervisor, 0)  # a zombie is still there
    except ProcessLookupError:
        return True
    return False

wait_until(is_gone)
"""
    command = [sys.executable, "-c", script, str(tmp_path / "jobs.db")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert ended.returncode == 0, ended.stderr
