"""A running system whose database is crowded, full, taken away, replaced, or damaged: it raises, waits and goes on."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sqlite3
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from running import Application, AskedError, Running

from autocron import clock
from autocron.model import DONE, ERROR, WAITING, Launch, NewJob
from autocron.store import SqliteStore

PATIENCE = 45.0

PRODUCE = """
def produce(seconds):
    import select
    handles, longest, stalled, end = [], 0.0, 0.0, time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        handles.append(add(len(handles)))
        called = time.monotonic()
        select.select([], [], [], 0.001)  # how late this process comes to its turn, whatever it does
        longest, stalled = max(longest, called - began), max(stalled, time.monotonic() - called)
    return len(handles), longest, stalled
"""


def test_g28_eight_processes_call_and_four_workers_work_and_nobody_starves(running: Running) -> None:
    apps = [running.application(workers=4) for _ in range(8)]
    for app in apps:
        app.ask(PRODUCE)
    with ThreadPoolExecutor(len(apps)) as pool:  # what one raises ("database is locked") is raised here
        produced = list(pool.map(lambda app: app.ask("produce(2)"), apps))
    numbers = [number for number, _, _ in produced]
    assert min(numbers) > max(numbers) / 10, produced
    # A call waits half a second at most, beyond what a process that only sleeps waits on this machine.
    late = max(stalled for _, _, stalled in produced)
    assert max(longest for _, longest, _ in produced) < 0.5 + 4 * late, produced
    running.wait_until(lambda: running.store.counts()[DONE] == sum(numbers), "every job is done", 2 * PATIENCE)


def complaints(running: Running) -> int:
    return running.output.read_text().count("trying again every second")


def begun(file: Path) -> bool:
    return file.exists() and bool(file.read_text())


def test_g29_while_the_file_is_away_calls_raise_and_jobs_finish_and_then_all_goes_on(
    running: Running, app: Application
) -> None:
    file = running.folder / "begun"
    before = app.call(f"note_and_sleep({str(file)!r}, 1)")
    running.wait_until(lambda: begun(file), "the job runs", PATIENCE)
    away = running.folder / "away.db"
    running.database.rename(away)
    with pytest.raises(AskedError, match=r"StoreError: .*(deleted or moved|there is no database).*"):
        app.ask("add(1)")
    with pytest.raises(AskedError, match="StoreError: there is no database"):
        app.ask("add.map([(1,), (2,)])")
    running.wait_until(lambda: complaints(running) == 1, "the supervisor has complained", PATIENCE)
    away.rename(running.database)
    assert running.wait_until_ended(before, PATIENCE).status is DONE
    assert app.ask(f"add(1).wait({PATIENCE})") == 1
    assert complaints(running) == 1
    assert running.job(before).attempts == 1


def test_g29_another_file_in_its_place_is_used_from_the_second_call_on(running: Running, app: Application) -> None:
    assert app.ask(f"add(1).wait({PATIENCE})") == 1
    new = running.folder / "new.db"
    store = SqliteStore(new, create=True)
    store.revision()
    store.close()
    os.replace(new, running.database)
    with pytest.raises(AskedError, match="StoreError: the database .* has been replaced while in use; nothing was stored"):
        app.ask("add(1)")
    assert app.ask(f"add(2).wait({PATIENCE})") == 2
    with contextlib.closing(SqliteStore(running.database)) as store:
        assert [job.status for job in store.jobs()] == [DONE]


def limit_files_of(pid: int, size: int) -> None:
    """How large a file the process may write: what lies beyond fails as on a full disk."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux can limit another process")
def test_g29_without_room_on_the_disk_calls_raise_and_jobs_finish_and_then_all_goes_on(
    running: Running, app: Application
) -> None:
    file = running.folder / "begun"
    before = app.call(f"note_and_sleep({str(file)!r}, 1)")
    running.wait_until(lambda: begun(file), "the job runs", PATIENCE)
    later = app.call("add.options(hours=1)(0)")
    # While somebody reads what was just written, the log can't be begun anew: all that is written makes it longer.
    reader = sqlite3.connect(running.database)
    reader.execute("begin")
    assert reader.execute("select count(*) from jobs").fetchone() == (2,)
    log = running.database.with_name(running.database.name + "-wal")
    supervisor = running.supervisor()
    for pid in (app.pid, supervisor):
        limit_files_of(pid, log.stat().st_size)
    with pytest.raises(AskedError, match=r"StoreError: the (database|disk) .*"):
        app.ask("add.map([(number,) for number in range(2000)])")
    running.wait_until(lambda: complaints(running) == 1, "the supervisor has complained", PATIENCE)
    assert running.job(before).status is not DONE  # it has ended, and nobody could write that down
    for pid in (app.pid, supervisor):
        limit_files_of(pid, resource.RLIM_INFINITY)
    reader.close()
    assert running.wait_until_ended(before, PATIENCE).status is DONE
    assert app.ask(f"add(1).wait({PATIENCE})") == 1
    assert (complaints(running), running.supervisor()) == (1, supervisor)
    assert running.job(before).attempts == 1
    assert [job.uuid for job in running.store.jobs()][1:] == [later, before]  # of the many that were refused there is none


@contextmanager
def read_only(database: Path) -> Iterator[None]:
    """As a deployment leaves it that runs as somebody else."""
    files = [
        database.parent,
        *(file for file in database.parent.glob(f"{database.name}*") if not file.name.endswith(LEFT_AS_IT_IS)),
    ]
    modes = {file: file.stat().st_mode for file in files}
    for file in files:
        file.chmod(0o555 if file.is_dir() else 0o444)
    try:
        yield
    finally:
        for file, mode in modes.items():
            with suppress(FileNotFoundError):
                file.chmod(mode)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


LEFT_AS_IT_IS = ("-lock", "-wake")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere root may write whatever the modes say")
def test_g29_while_the_database_is_read_only_calls_raise_and_then_all_goes_on(running: Running) -> None:
    running.minds_modes = True
    running.database = running.folder / "store" / "jobs.db"
    running.database.parent.mkdir()
    app = running.application()
    file = running.folder / "begun"
    before = app.call("add(0)")
    assert running.wait_until_ended(before, PATIENCE).status is DONE
    interrupted = app.call(f"note_and_wait_for_more({str(file)!r}, 1)")  # its second attempt ends at once
    running.wait_until(lambda: begun(file), "a job runs", PATIENCE)
    supervisor = running.supervisor()
    with read_only(running.database):
        accepted = app.call("add(1)")  # a connection that is open may go on
        os.kill(supervisor, signal.SIGKILL)
        running.wait_until(lambda: complaints(running) == 1, "the next supervisor has complained", PATIENCE)
        successor = running.supervisor()
        began, spent = time.monotonic(), cpu_seconds(successor)
        assert f"the database {running.database} is not writable for this user" in running.output.read_text()
        assert app.ask("os.waitpid(os.fork() or os._exit(0), 0)[1]") == 0  # no connection crosses a fork
        for call in ("add(2)", "add.map([(3,), (4,)])", f"autocron.TaskResult.get({before!r}).retry()"):
            with pytest.raises(
                AskedError, match=r"StoreError: the database .*/store/jobs.db is not writable for this user .*: correct"
            ):
                app.ask(call)
        with pytest.raises(AskedError, match="StoreError: the database .* is not writable for this user"):
            running.application()
        assert cpu_seconds(successor) - spent < 0.5 * (time.monotonic() - began) + 0.5, "it spins"
    assert [running.wait_until_ended(uuid, PATIENCE).status for uuid in (interrupted, accepted)] == [DONE, DONE]
    assert app.ask(f"add(5).wait({PATIENCE})") == 5
    assert (complaints(running), running.supervisor()) == (1, successor)
    assert [job.task for job in running.store.jobs()] == [
        f"application.{name}" for name in ("add", "add", "note_and_wait_for_more", "add")
    ]
    assert running.job(interrupted).attempts == 2


def test_g21_what_is_too_large_for_a_row_is_an_error_of_its_job_and_all_others_go_on(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every process has a SQLite that keeps less than others do: a thousand million bytes would take this test's machine."""
    (running.folder / "sitecustomize.py").write_text(
        """
import sqlite3

connect = sqlite3.connect

def connect_narrow(*args, **options):
    connection = connect(*args, **options)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 1_000_000)
    return connection

sqlite3.connect = connect_narrow
"""
    )
    monkeypatch.setenv("PYTHONPATH", str(running.folder))
    app = running.application(threads=4)
    app.ask("handles = [repeat('x', 2_000_000), repeat_and_raise('x', 2_000_000), repeat('x', 3)]")
    supervisor = running.supervisor()
    assert app.ask(f"handles[2].wait({PATIENCE})") == "xxx"
    large, raising = (running.wait_until_ended(app.call(f"handles[{n}]"), PATIENCE) for n in (0, 1))
    assert (large.status, large.attempts) == (ERROR, 1)
    assert "takes more room than SQLite has in a row" in large.error
    assert (raising.status, raising.attempts, raising.error[:18]) == (ERROR, 1, "ValueError: xxxxxx")
    assert "characters were left out here" in raising.traceback
    with pytest.raises(AskedError, match="TooLargeError: what was to be stored takes more room"):
        app.ask("add('x' * 2_000_000)")
    assert app.ask(f"add(1).wait({PATIENCE})") == 1
    assert (len(running.store.jobs()), running.supervisor()) == (4, supervisor)


def test_g34_a_supervisor_that_meets_damaged_rows_goes_on_with_all_others(running: Running, app: Application) -> None:
    assert app.ask(f"add(1).wait({PATIENCE})") == 1
    supervisor = running.supervisor()
    (application,) = running.store.applications()
    jobs = [
        NewJob("application.add", "[[1],{}]", application.id, policy="nonsense"),
        NewJob("application.add", "[[1],{}", application.id),
        NewJob("application.add", "[[2],{}]", application.id, context="nonsense"),
        NewJob("application.add", "[[3],{}]", application.id),
    ]
    names = running.store.add(jobs, 0)
    with closing(sqlite3.connect(running.database)) as connection, connection:
        connection.execute("update applications set launch = 'nonsense' where id > ?", (application.id,))
        connection.execute("insert into settings (name, value) values ('threads', 'nonsense'), ('workers', '\"many\"')")
        connection.execute("insert into applications (launch, attached_at) values ('nonsense', 0)")
        connection.execute("update revision set number = number + 1")
    assert app.ask(f"add(4).wait({PATIENCE})") == 4
    ended = [running.wait_until_ended(name, PATIENCE) for name in names]
    assert [job.status for job in (ended[0], ended[1], ended[3])] == [ERROR, ERROR, DONE]
    assert "the job's row is damaged" in ended[0].error
    assert "can't be decoded" in ended[1].error
    assert running.supervisor() == supervisor
    assert running.store.counts()[WAITING] == 0


def test_g34_a_damaged_file_is_left_as_it_is_by_a_whole_system(running: Running, app: Application) -> None:
    """Only somebody who repairs or replaces it changes it."""
    assert app.ask(f"add(1).wait({PATIENCE})") == 1
    app.ask("autocron.stop()")
    running.wait_until(lambda: running.locks.supervisor_pid() is None, "the supervisor has gone", PATIENCE)
    running.store.close()
    damaged = bytes(range(256)) * 32
    running.database.write_bytes(damaged)
    with pytest.raises(AskedError, match="ForeignDatabaseError: .* is not an autocron database, or it is damaged"):
        app.ask(f"autocron.start({str(running.database)!r})")
    assert running.database.read_bytes() == damaged


def test_applications_whose_folders_are_gone_are_forgotten_by_the_next_supervisor(running: Running) -> None:
    store = SqliteStore(running.database, create=True)
    here, gone = str(running.folder), str(running.folder / "gone")
    launches = [Launch(sys.executable, cwd, (name,)) for cwd, name in ((here, "1"), (gone, "2"), (gone, "3"), (gone, "4"))]
    long_ago = clock.now() - 8 * 86_400 * clock.MICROSECONDS
    ids = [store.register(launch, {"old.work": "old"}, [], long_ago) for launch in launches]
    store.attach(ids[2], clock.now())
    store.add([NewJob("old.work", "[[],{}]", ids[3])], 0)
    store.close()
    app = running.application()
    assert app.ask(f"add(1).wait({PATIENCE})") == 1
    kept = [known.launch.path for known in running.store.applications()]
    assert kept[:3] == [("1",), ("3",), ("4",)]
    assert len(kept) == 4
