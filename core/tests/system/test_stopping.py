"""Supervisors that are told to end, and processes that are stopped and go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from running import Application, Running
from test_deaths import alive

from autocron.model import DONE, ERROR


def begun(file: Path) -> list[str]:
    return file.read_text().split() if file.exists() else []


def counted(running: Running, uuid: str) -> tuple[int, int]:
    """Failures and losses of a job."""
    number = running.store.jobs().index(running.job(uuid))
    return tuple(running.store.database.read("select failures, lost from jobs order by id desc")[number])


def test_g27_running_jobs_get_the_grace_and_are_then_ended_and_run_again_after_the_next_start(running: Running) -> None:
    app = running.application(workers=2, shutdown_grace=3)
    files = [running.folder / name for name in ("long", "napping", "short")]
    long = app.call(f"note_and_sleep({str(files[0])!r}, 3600)")
    napping = app.call(f"nap(3600, {str(files[1])!r})")
    short = app.call(f"note_and_sleep({str(files[2])!r}, 0.3)")
    running.wait_until(lambda: all(map(begun, files)), "all three run")
    waiting = app.call(f"note_and_sleep.options(priority=-1)({str(files[2])!r}, 0)")
    supervisor = running.supervisor()
    told_at = time.monotonic()
    os.kill(supervisor, signal.SIGTERM)
    running.wait_until(lambda: not alive(supervisor), "the supervisor has ended")
    assert 2.9 < time.monotonic() - told_at < 20
    running.wait_until(lambda: len(begun(files[0])) == len(begun(files[1])) == 2, "what was ended runs again")
    assert running.wait_until_ended(waiting).attempts == 1
    assert (running.wait_until_ended(short).status, running.job(short).attempts) == (DONE, 1)
    assert (counted(running, long), counted(running, napping)) == ((0, 0), (0, 0))


def test_g27_a_second_signal_ends_the_patience(running: Running) -> None:
    app = running.application(workers=2, shutdown_grace=3600)
    file = running.folder / "long"
    uuid = app.call(f"note_and_sleep({str(file)!r}, 3600)")
    running.wait_until(lambda: begun(file) and len(running.locks.worker_pids()) == 2, "both workers live, one has a job")
    supervisor = running.supervisor()
    os.kill(supervisor, signal.SIGTERM)
    running.wait_until(lambda: running.locks.worker_pids() == [int(begun(file)[0])], "the idle worker has ended")
    assert alive(supervisor)
    os.kill(supervisor, signal.SIGTERM)
    told_at = time.monotonic()
    running.wait_until(lambda: not alive(supervisor), "the supervisor has ended")
    assert time.monotonic() - told_at < 20
    running.wait_until(lambda: len(begun(file)) == 2, "the job runs again")
    assert counted(running, uuid) == (0, 0)


def test_g27_an_interrupt_from_the_terminal_lets_running_jobs_finish(running: Running, app: Application) -> None:
    app.ask("add(1).wait(45)")
    supervisor, file = running.supervisor(), running.folder / "begun"
    app.kill()
    running.wait_until(lambda: not alive(supervisor), "the supervisor has ended")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "AUTOCRON_"))}
    with running.output.open("ab") as output:
        foreground = subprocess.Popen(
            [sys.executable, "-P", "-m", "autocron", str(running.database), "supervise"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env=environment,
        )
    try:
        running.wait_until(lambda: running.locks.supervisor_pid() == foreground.pid, "it supervises")
        uuid = running.add("application.note_and_sleep", str(file), 1.0)
        running.wait_until(lambda: begun(file), "the job has begun")
        os.killpg(foreground.pid, signal.SIGINT)  # as a terminal does it
        running.wait_until(lambda: foreground.poll() is not None, "it has ended")
    finally:
        foreground.kill()
        foreground.wait()
    done = running.job(uuid)
    assert (done.status, done.attempts, len(begun(file))) == (DONE, 1, 1)


def test_g23_a_stopped_worker_keeps_its_job_and_nothing_else(running: Running) -> None:
    app = running.application(workers=2)
    file = running.folder / "begun"
    uuid = app.call(f"note_and_sleep({str(file)!r}, 1)")
    (pid,) = running.wait_until(lambda: begun(file), "the job has begun")
    os.kill(int(pid), signal.SIGSTOP)
    try:
        assert app.ask("[handle.wait(45) for handle in add.map([(n,) for n in range(100)])]") == list(range(100))
        assert not running.job(uuid).status.is_final
    finally:
        os.kill(int(pid), signal.SIGCONT)
    done = running.wait_until_ended(uuid)
    assert (done.status, done.attempts, begun(file)) == (DONE, 1, [pid])


def test_g23_g26_a_stopped_worker_is_ended_by_its_jobs_timeout(running: Running, app: Application) -> None:
    file = running.folder / "begun"
    uuid = app.call(f"note_and_sleep.options(timeout=0.5)({str(file)!r}, 3600)")
    (pid,) = running.wait_until(lambda: begun(file), "the job has begun")
    os.kill(int(pid), signal.SIGSTOP)
    assert running.wait_until_ended(uuid).status is ERROR
    assert app.ask("add(1).wait(45)") == 1


def test_g23_a_supervisor_that_was_stopped_counts_what_ended_meanwhile_in_time(running: Running, app: Application) -> None:
    file = running.folder / "ended"
    app.ask("add(1).wait(45)")
    uuid = app.call(f"sleep_and_note.options(timeout=4)({str(file)!r}, 0.2)")
    running.wait_until(lambda: running.job(uuid).started_at, "the job has begun")
    supervisor = running.supervisor()
    os.kill(supervisor, signal.SIGSTOP)
    try:
        later = app.call("add(2)")
        running.wait_until(lambda: begun(file), "the job has done its work")
        until = time.monotonic() + 4.5
        running.wait_until(lambda: time.monotonic() > until, "its time is over")
        assert running.locks.supervisor_pid() == supervisor
    finally:
        os.kill(supervisor, signal.SIGCONT)
    assert (running.wait_until_ended(uuid).status, len(begun(file))) == (DONE, 1)
    assert running.wait_until_ended(later).status is DONE
    assert running.supervisor() == supervisor


@pytest.mark.parametrize("call", ["sleep.options(timeout=0.5)(3600)", "kill_the_worker({file!r})"])
def test_g26_g24_jobs_beside_one_that_ends_their_worker_are_not_counted(running: Running, call: str) -> None:
    app = running.application(threads=4)
    files = [running.folder / name for name in ("one", "two")]
    innocent = [app.call(f"note_and_sleep({str(file)!r}, 2)") for file in files]
    running.wait_until(lambda: all(map(begun, files)), "two innocent jobs run")
    guilty = running.wait_until_ended(app.call(call.format(file=str(running.folder / "killer"))))
    assert guilty.status is ERROR
    for uuid in innocent:
        assert running.wait_until_ended(uuid).status is DONE
        failures, lost = counted(running, uuid)
        assert (failures, lost <= (0 if "timeout" in call else 2)) == (0, True)
    assert len(begun(files[0])) >= 2
