"""SQLite's log of what has been written: copied into the database without losing a commit, and never without end."""

from __future__ import annotations

import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from store_kinds import NOW, job

from autocron.store import SqliteStore

# Beside a log lies its index; its head says how many pages the log has, and how many of them are in the database. Another
# process reads it, for whoever closes a file gives up all locks that his process has on it.
READ_INDEX = """
import struct, sys
head = open(sys.argv[1], "rb").read(100)
sys.stdout.buffer.write(head[16:20] + head[96:100])
"""


@pytest.fixture
def store(file: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(file, create=True)
    store.revision()
    yield store
    store.close()


def log_and_copied(file: Path) -> tuple[int, int]:
    told = subprocess.run([sys.executable, "-c", READ_INDEX, f"{file}-shm"], capture_output=True, check=True)
    in_log, copied = struct.unpack("=II", told.stdout)
    return in_log, copied


def add(store: SqliteStore, jobs: int) -> None:
    for _ in range(jobs):
        store.add([job(1)], NOW)


def test_g29_no_checkpoint_begins_while_a_commit_could_begin_the_log_anew(store: SqliteStore, file: Path) -> None:
    """There, SQLite before 3.51.3 loses commits: whoever commits when all of the log is copied begins it anew."""
    add(store, 1000)
    found: list[tuple[int, int]] = []

    def look(statement: str) -> None:
        if "wal_checkpoint" in statement:
            found.append(log_and_copied(file))

    maintained = SqliteStore(file)
    maintained.revision()
    maintained.database._open().set_trace_callback(look)
    for _ in range(3):  # the first has much to do, the others nothing
        assert maintained.maintain()
    maintained.close()
    assert len(found) == 4  # a long log is also begun anew
    assert all(copied < in_log for in_log, copied in found), found
    assert log_and_copied(file) == (1, 1)


def test_g31_the_log_does_not_grow_under_an_unbroken_load(store: SqliteStore, file: Path) -> None:
    """While somebody always writes, no checkpoint copies all of the log, and SQLite itself would never begin it anew."""
    portion, rounds = 300, 30
    allowed = threading.Semaphore(0)
    written = threading.Semaphore(0)

    def write() -> None:
        writer = SqliteStore(file)
        for _ in range(portion * rounds):
            allowed.acquire()
            add(writer, 1)
            written.release()
        writer.close()

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    longest = 0
    for _ in range(rounds):
        allowed.release(portion)
        for _ in range(portion // 2):
            assert written.acquire(timeout=30)
        store.maintain()  # in the midst of the others
        for _ in range(portion // 2):
            assert written.acquire(timeout=30)
        longest = max(longest, Path(f"{file}-wal").stat().st_size)
    thread.join()
    page = 2048
    assert longest < 2 * portion * rounds * page / 3, "each commit appends two pages or more"


def test_a_huge_log_gives_its_room_back(store: SqliteStore, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autocron.store.database._HUGE_LOG", 1500)
    add(store, 1000)
    store.maintain()
    assert Path(f"{file}-wal").stat().st_size == 0
    add(store, 600)
    store.maintain()
    size = Path(f"{file}-wal").stat().st_size
    add(store, 1)
    assert Path(f"{file}-wal").stat().st_size == size


def test_maintenance_beside_a_reader_puts_off_the_end_of_the_log(store: SqliteStore, file: Path) -> None:
    add(store, 1000)
    reader = SqliteStore(file)
    reader.database._open().execute("begin")
    assert reader.jobs(limit=1)
    add(store, 1)
    assert not store.maintain()
    reader.database._open().execute("commit")
    assert store.maintain()
    reader.close()
