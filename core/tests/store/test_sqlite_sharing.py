"""One SQLite file, many threads, many processes, and forks."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from store_kinds import NOW, OWNER, job

from autocron.errors import StoreBusyError
from autocron.model import DONE
from autocron.store import SqliteStore


@pytest.fixture
def sqlite_store(file: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(file, create=True)
    yield store
    store.close()


def in_threads(number: int, work: Callable[[int], None]) -> None:
    """Run it in threads that start together; what one raises is raised here."""
    errors: list[BaseException] = []
    barrier = threading.Barrier(number)

    def run(which: int) -> None:
        barrier.wait(30)
        try:
            work(which)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(which,)) for which in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if errors:
        raise errors[0]


def test_many_threads_share_one_store(sqlite_store: SqliteStore) -> None:
    names: list[str] = []
    claimed: list[str] = []

    def work(which: int) -> None:
        for _ in range(20):
            names.extend(sqlite_store.add([job(1), job(1)], NOW))
            claimed.extend(each.uuid for each in sqlite_store.claim(1, 2, OWNER, NOW))
            sqlite_store.counts()

    in_threads(8, work)
    assert len(set(names)) == len(names) == 320
    claimed += [each.uuid for each in sqlite_store.claim(1, 1000, OWNER, NOW)]
    assert sorted(claimed) == sorted(names)


def test_a_thread_that_rolls_back_takes_nobody_elses_jobs_with_it(sqlite_store: SqliteStore) -> None:
    kept: list[str] = []

    def work(which: int) -> None:
        for _ in range(20):
            if which % 2:
                kept.extend(sqlite_store.add([job(1)], NOW))
            else:
                with contextlib.suppress(ZeroDivisionError), sqlite_store.transaction():
                    sqlite_store.add([job(1)], NOW)
                    raise ZeroDivisionError

    in_threads(6, work)
    assert sorted(found.uuid for found in sqlite_store.jobs()) == sorted(kept)


def test_a_writer_waits_for_another_and_says_so_when_it_took_too_long(
    sqlite_store: SqliteStore, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autocron.store.database.BUSY_SECONDS", 0.2)
    sqlite_store.settings()
    other = SqliteStore(file)
    with other.transaction():
        with pytest.raises(StoreBusyError, match=r"jobs\.db was locked by another process"):
            sqlite_store.add([job(1)], NOW)
        assert sqlite_store.jobs() == []
    other.close()
    assert len(sqlite_store.add([job(1)], NOW)) == 1


def test_a_writer_gets_its_turn_as_soon_as_the_other_has_committed(sqlite_store: SqliteStore, file: Path) -> None:
    sqlite_store.settings()
    entered = threading.Event()
    other = SqliteStore(file)

    def hold() -> None:
        with other.transaction():
            entered.set()
            released.wait(30)

    released = threading.Event()
    holder = threading.Thread(target=hold)
    holder.start()
    assert entered.wait(30)
    added: list[str] = []
    adder = threading.Thread(target=lambda: added.extend(sqlite_store.add([job(1)], NOW)))
    adder.start()
    adder.join(0.05)
    assert not added
    released.set()
    adder.join(10)
    assert len(added) == 1
    holder.join(10)
    other.close()


# -- processes ---------------------------------------------------------------------------------------------

PRODUCER = """
import json, sys, time
from pathlib import Path
from autocron.model import NewJob
from autocron.store import SqliteStore

store = SqliteStore(Path(sys.argv[1]), create=True)
print("ready", flush=True)
sys.stdin.readline()
names, longest = [], 0.0
for number in range(150):
    began = time.monotonic()
    names += store.add([NewJob("app.work", "[]", 1)], number)
    longest = max(longest, time.monotonic() - began)
print(json.dumps({"names": names, "longest": longest}), flush=True)
"""

CONSUMER = """
import json, sys, time
from pathlib import Path
from autocron.store import SqliteStore

store = SqliteStore(Path(sys.argv[1]), create=True)
print("ready", flush=True)
sys.stdin.readline()
names, deadline = [], time.monotonic() + 60
while len(names) < int(sys.argv[2]) and time.monotonic() < deadline:
    with store.transaction():
        works = store.claim(1, 8, "me", 0)
        for work in works:
            store.finish(work.claim, "1", 1, 10, 0)
    names += [work.uuid for work in works]
    if not works:
        store.maintain()
        time.sleep(0.001)
print(json.dumps({"names": names}), flush=True)
"""


def test_g28_several_processes_write_at_once_and_nobody_sees_a_locked_database(file: Path) -> None:
    """The file is made by whoever comes first: they all start on nothing."""
    producers = 4
    scripts = [[PRODUCER, str(file)]] * producers + [[CONSUMER, str(file), str(150 * producers)]]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", *script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for script in scripts
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        ended = [process.communicate("go\n", timeout=90) for process in processes_let_go(processes)]
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    assert [process.returncode for process in processes] == [0] * len(processes), [said for _, said in ended]
    *added, consumed = [json.loads(said) for said, _ in ended]
    assert sorted(consumed["names"]) == sorted(name for each in added for name in each["names"])
    assert max(each["longest"] for each in added) < 5.0
    store = SqliteStore(file)
    assert store.counts()[DONE] == 150 * producers
    store.close()


def processes_let_go(processes: list[subprocess.Popen[str]]) -> list[subprocess.Popen[str]]:
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return processes


FORKING = """
import os, sys
from pathlib import Path
from autocron.model import NewJob
from autocron.store import SqliteStore

def files():
    return sorted(os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}"))

def add(text):
    store.add([NewJob("app.work", text, 1)], 0)

path, hooks = Path(sys.argv[1]), sys.argv[2] == "hooks"
store = SqliteStore(path, create=True)
add("before")
if hooks:
    store.before_fork()
    if os.path.isdir("/proc/self/fd"):
        assert not any("jobs.db" in name for name in files()), files()
pids = []
for number in range(3):
    pid = os.fork()
    if pid == 0:
        try:
            if hooks:
                store.after_fork_in_child()
            connection = store.database._connection
            for _ in range(20):
                add(f"child {number}")
            assert store.database._connection is not connection
            grandchild = os.fork()
            if grandchild == 0:
                add("grandchild")
                os._exit(0)
            assert os.waitpid(grandchild, 0)[1] == 0
            add("child")
            store.close()
            os._exit(0)
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
    pids.append(pid)
if hooks:
    store.after_fork_in_parent()
for _ in range(20):
    add("parent")
assert [os.waitpid(pid, 0)[1] for pid in pids] == [0, 0, 0]
add("after")
found = [job.arguments for job in store.jobs()]
print(len(found), found.count("grandchild"), found.count("parent"), store.database.read("pragma integrity_check")[0][0])
"""


@pytest.mark.parametrize("hooks", ["hooks", "no hooks"])
def test_g7_no_connection_crosses_a_fork(file: Path, hooks: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", FORKING, str(file), hooks], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.split() == [str(1 + 3 * 22 + 20 + 1), "3", "20", "ok"]


HOLDING = """
import os, sys
from pathlib import Path
from autocron.errors import StoreBusyError
from autocron.model import NewJob
from autocron.store import SqliteStore, database

database.BUSY_SECONDS = 0.3
store = SqliteStore(Path(sys.argv[1]), create=True)
with store.transaction():
    store.add([NewJob("app.work", "parent", 1)], 0)
    pid = os.fork()
    if pid == 0:
        store.close()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    other = SqliteStore(Path(sys.argv[1]))
    # Another process must still find the lock taken.
    pid = os.fork()
    if pid == 0:
        try:
            other.add([NewJob("app.work", "intruder", 1)], 0)
        except StoreBusyError:
            os._exit(0)
        os._exit(1)
    assert os.waitpid(pid, 0)[1] == 0, "the lock was lost"
print([job.arguments for job in store.jobs()])
"""


def test_g7_the_end_of_a_forked_child_leaves_the_parents_locks_alone(file: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", HOLDING, str(file)], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == "['parent']\n"


def test_a_transaction_tells_whether_it_had_to_wait(sqlite_store: SqliteStore, file: Path) -> None:
    with sqlite_store.transaction() as waited, sqlite_store.transaction() as waited_inside:
        assert (waited, waited_inside) == (False, False)
    tries: list[str] = []

    def at_the_second_try(statement: str) -> None:
        tries.append(statement)
        if len(tries) == 2:
            others.__exit__(None, None, None)

    others = SqliteStore(file).transaction()
    others.__enter__()
    connection = sqlite_store.database._open()
    connection.set_trace_callback(at_the_second_try)
    with sqlite_store.transaction() as waited:
        assert (waited, tries) == (True, ["begin immediate"] * 2)
    connection.set_trace_callback(None)
