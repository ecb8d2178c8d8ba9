"""When the supervisor tidies the database's files."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from ticking import SECOND, TestClock

from autocron.model import NewJob
from autocron.store import SqliteStore
from autocron.supervisor.housekeeping import MAINTENANCE_PAUSE, MANY_WRITES, Housekeeper


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "jobs.db", create=True)
    yield store
    store.close()


@pytest.fixture
def housekeeper(store: SqliteStore, time: TestClock) -> Iterator[Housekeeper]:
    store.revision()
    housekeeper = Housekeeper(store, SqliteStore(store.database.path))
    housekeeper.work(time.wall)
    yield housekeeper
    let_it_end(housekeeper)
    housekeeper.close()


def let_it_end(housekeeper: Housekeeper) -> None:
    for thread in threading.enumerate():
        if thread.name == "autocron-maintenance":
            thread.join(45)
    assert not housekeeper.is_maintaining


def test_g31_files_are_tidied_some_seconds_after_a_write(housekeeper: Housekeeper, time: TestClock) -> None:
    assert housekeeper.next_moment() > time.wall + MAINTENANCE_PAUSE
    housekeeper.note_writes(1, time.wall)
    assert housekeeper.next_moment() == time.wall + MAINTENANCE_PAUSE
    time.pass_(SECOND)
    housekeeper.note_writes(1, time.wall)
    assert housekeeper.next_moment() == time.wall + MAINTENANCE_PAUSE - SECOND


def test_g31_files_are_tidied_at_once_after_many_writes(housekeeper: Housekeeper, time: TestClock) -> None:
    housekeeper.note_writes(MANY_WRITES - 1, time.wall)
    assert housekeeper.next_moment() == time.wall + MAINTENANCE_PAUSE
    housekeeper.note_writes(1, time.wall)
    assert housekeeper.next_moment() == time.wall


def test_calls_are_counted_by_the_number_of_the_newest_job(
    housekeeper: Housekeeper, store: SqliteStore, time: TestClock
) -> None:
    for _ in range(2):
        store.add([NewJob("app.work", "[]", 1)] * (MANY_WRITES // 2), time.wall)
        housekeeper.note_calls(store.news().newest, time.wall)
    assert housekeeper.next_moment() == time.wall
    housekeeper.work(time.wall)
    housekeeper.note_calls(store.news().newest, time.wall)
    assert housekeeper.next_moment() == time.wall + MAINTENANCE_PAUSE


def test_a_slow_disk_gets_a_rest_after_each_checkpoint(
    housekeeper: Housekeeper, time: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def maintain(store: SqliteStore) -> bool:
        time.pass_(SECOND // 10)
        return True

    monkeypatch.setattr(SqliteStore, "maintain", maintain)
    housekeeper.note_writes(MANY_WRITES, time.wall)
    housekeeper.work(time.wall)
    let_it_end(housekeeper)
    housekeeper.note_writes(MANY_WRITES, time.wall)
    assert housekeeper.next_moment() == time.wall + SECOND


def test_g45_a_clock_that_was_set_back_puts_off_no_checkpoint(housekeeper: Housekeeper, time: TestClock) -> None:
    housekeeper.note_writes(1, time.wall)
    time.step(-86_400 * SECOND)
    housekeeper.note_writes(1, time.wall)
    assert housekeeper.next_moment() == time.wall + MAINTENANCE_PAUSE
